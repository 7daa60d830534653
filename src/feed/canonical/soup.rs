//! Tag soup as tokens. Every text has a reading: what is no markup is text, what is torn ends where the next thing begins.
//! Nothing is copied, nothing nests, and each byte is looked at a bounded number of times.

use memchr::{memchr, memchr2, memmem};

/// One piece of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// The beginning of an element.
    Start(Tag<'a>),
    /// The end of one, by its name as written.
    End(&'a str),
    /// Text, with its references as written.
    Text(&'a str),
    /// The inside of a CDATA section.
    Cdata(&'a str),
    /// The inside of a document type declaration.
    Doctype(&'a str),
}

/// A start tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag<'a> {
    /// Its name as written, with its prefix.
    pub(crate) name: &'a str,
    /// All that stands between its name and its end.
    inside: &'a str,
    /// Whether it is its own end.
    pub(crate) empty: bool,
}

/// The tokens of a text.
#[derive(Debug, Clone)]
pub(crate) struct Soup<'a> {
    text: &'a str,
    at: usize,
    /// A tag, comment or section that the text ended within.
    torn: bool,
    /// What is known of the next end of each such thing, so that nothing is looked for twice.
    ends: [Sought; 4],
    /// The element whose content is being read: its end is the end of a section in it that was never closed.
    within: &'a str,
}

/// What an end is looked for of.
#[derive(Clone, Copy)]
enum Closed {
    Comment,
    Cdata,
    Instruction,
    Subset,
}

/// Where an end was looked for.
#[derive(Debug, Clone, Copy)]
struct Sought {
    /// From here on
    from: usize,
    /// the first one stands here; `usize::MAX` where there is none.
    end: usize,
}

/// Nothing was looked for yet.
const UNSOUGHT: Sought = Sought { from: usize::MAX, end: usize::MAX };

/// The largest number of attributes that are read of one tag.
const MOST_ATTRIBUTES: usize = 256;

impl<'a> Soup<'a> {
    /// The tokens of `text`, from its beginning.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, torn: false, ends: [UNSOUGHT; 4], within: "" }
    }

    /// Where the next token begins.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// How long the text is, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// Goes back to a place where a token began.
    pub(crate) fn go(&mut self, at: usize) {
        self.at = at;
        self.torn = false;
    }

    /// Names the element whose content is read from here on.
    pub(crate) fn enter(&mut self, name: &'a str) {
        self.within = name;
    }

    /// Whether the text ended in the middle of something.
    #[cfg(test)]
    fn is_torn(&self) -> bool {
        self.torn
    }

    /// The text from one place to another.
    pub(crate) fn between(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Takes the text up to `to`, and goes on after `skip` bytes more.
    fn take(&mut self, to: usize, skip: usize) -> &'a str {
        let taken = self.between(self.at, to);
        self.at = to + skip;
        taken
    }

    /// Where the next `end` is.
    fn find(&mut self, end: &str, what: Closed) -> Option<usize> {
        let Sought { from, end: known } = self.ends[what as usize];
        if self.at < from || known < self.at {
            // Before a place that was looked from already, only what stands between is new.
            let (to, otherwise) =
                if self.at < from { (from.saturating_add(end.len() - 1), known) } else { (usize::MAX, usize::MAX) };
            let new = self.text.as_bytes().get(self.at..to.min(self.text.len())).unwrap_or_default();
            let found = memmem::find(new, end.as_bytes()).map_or(otherwise, |found| self.at + found);
            self.ends[what as usize] = Sought { from: self.at, end: found };
        }
        Some(self.ends[what as usize].end).filter(|end| *end != usize::MAX)
    }

    /// What begins with `<!` or `<?`: `None` where it is nothing to know.
    fn declaration(&mut self) -> Option<Token<'a>> {
        let rest = self.rest();
        if let Some(rest) = rest.strip_prefix("<!--") {
            // `<!-->` and `<!--->` are whole comments in HTML.
            self.at += if rest.starts_with('>') || rest.starts_with("->") { 2 } else { 4 };
            match self.find("-->", Closed::Comment) {
                Some(end) => self.at = end + 3,
                None => self.skip_torn(),
            }
            return None;
        }
        if rest.get(..9).is_some_and(|head| head.eq_ignore_ascii_case("<![CDATA[")) {
            self.at += 9;
            let Some(end) = self.find("]]>", Closed::Cdata) else {
                return Some(Token::Cdata(self.torn_section()));
            };
            // A section within a section: the outer one was never closed, or somebody wrapped twice.
            let inner = memmem::find(self.between(self.at, end).as_bytes(), b"<![CDATA[");
            return Some(Token::Cdata(match inner.map(|inner| self.at + inner) {
                Some(inner) => self.take(self.own_end(inner).unwrap_or(inner), 0),
                None => self.take(end, 3),
            }));
        }
        if rest.get(..9).is_some_and(|head| head.eq_ignore_ascii_case("<!DOCTYPE")) {
            self.at += 9;
            return Some(Token::Doctype(self.doctype()));
        }
        if rest.starts_with("<?") {
            match self.find("?>", Closed::Instruction) {
                // PHP and the like: an instruction without its end ends with its tag.
                Some(end) => self.at = end + 2,
                None => self.skip_torn(),
            }
            return None;
        }
        self.at = memchr(b'>', rest.as_bytes()).map_or(self.text.len(), |end| self.at + end + 1);
        None
    }

    /// A comment or an instruction without an end hides one tag, not the document.
    fn skip_torn(&mut self) {
        if let Some(end) = memchr(b'>', self.rest().as_bytes()) {
            self.at += end + 1;
        } else {
            self.at = self.text.len();
            self.torn = true;
        }
    }

    /// A section that is never closed: all to the end of its element.
    fn torn_section(&mut self) -> &'a str {
        if let Some(end) = self.own_end(self.text.len()) {
            return self.take(end, 0);
        }
        self.torn = true;
        self.take(self.text.len(), 0)
    }

    /// Where before `to` the element that is being read ends, whatever stands before that.
    fn own_end(&self, to: usize) -> Option<usize> {
        let end = format!("</{}", self.within);
        let found = memmem::find(self.between(self.at, to).as_bytes(), end.as_bytes());
        found.filter(|_| !self.within.is_empty()).map(|end| self.at + end)
    }

    /// A document type declaration, whose inside may hold angle brackets of its own.
    fn doctype(&mut self) -> &'a str {
        let rest = self.rest().as_bytes();
        let begin = self.at;
        let first = memchr2(b'[', b'>', rest).filter(|first| rest[*first] == b'[');
        // A subset that is never closed ends with its first declaration.
        let close = first.and_then(|open| {
            self.at = begin + open;
            self.find("]", Closed::Subset)
        });
        self.at = begin;
        let from = close.map_or(0, |close| close - begin);
        let end = memchr(b'>', &rest[from..]).map_or(self.text.len(), |end| begin + from + end);
        self.take(end, 1)
    }

    /// A tag, if what stands here is one.
    fn tag(&mut self) -> Option<Token<'a>> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let end_tag = bytes.get(1) == Some(&b'/');
        let begin = if end_tag { 2 } else { 1 };
        let name_end = name_end(bytes, begin);
        if name_end == begin {
            return None;
        }
        let name = &rest[begin..name_end];
        let Some(end) = tag_end(bytes, name_end) else {
            self.at = self.text.len();
            self.torn = true;
            // Of an end tag the name is enough.
            return end_tag.then_some(Token::End(name));
        };
        let skip = usize::from(bytes.get(end) == Some(&b'>'));
        let inside = &rest[name_end..end];
        self.at += end + skip;
        if end_tag {
            return Some(Token::End(name));
        }
        let empty = inside.ends_with('/');
        Some(Token::Start(Tag { name, inside: inside.strip_suffix('/').unwrap_or(inside), empty }))
    }
}

impl<'a> Iterator for Soup<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = self.rest();
            let bytes = rest.as_bytes();
            match (bytes.first()?, bytes.get(1)) {
                (b'<', Some(b'!' | b'?')) => {
                    if let Some(token) = self.declaration() {
                        return Some(token);
                    }
                    continue;
                }
                (b'<', Some(next)) if begins_name(*next) || *next == b'/' => {
                    if let Some(token) = self.tag() {
                        return Some(token);
                    }
                    if self.at >= self.text.len() {
                        return None;
                    }
                }
                _ => {}
            }
            // Text: at least one byte of it, which may be a `<` that begins nothing.
            let from = self.at + 1;
            let end = memchr(b'<', &self.text.as_bytes()[from..]).map_or(self.text.len(), |end| from + end);
            return Some(Token::Text(self.take(end, 0)));
        }
    }
}

impl<'a> Tag<'a> {
    /// Its attributes, names and values as written, in order.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        Attributes { inside: self.inside }.take(MOST_ATTRIBUTES)
    }
}

struct Attributes<'a> {
    inside: &'a str,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        let rest = self.inside.trim_start_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '"' | '\'' | '='));
        let name_end = rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '"' | '\'')).unwrap_or(rest.len());
        if name_end == 0 {
            return None;
        }
        let (name, rest) = rest.split_at(name_end);
        let after = rest.trim_start();
        let Some(value) = after.strip_prefix('=') else {
            self.inside = rest;
            return Some((name, ""));
        };
        let value = value.trim_start();
        let (value, rest) = match value.as_bytes().first() {
            Some(quote @ (b'"' | b'\'')) => match quoted_end(value.as_bytes(), *quote) {
                Some(end) => (&value[1..end], &value[end + 1..]),
                None => (&value[1..], ""),
            },
            _ => value.split_at(value.find(|c: char| c.is_ascii_whitespace()).unwrap_or(value.len())),
        };
        self.inside = rest;
        Some((name, value))
    }
}

fn begins_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':' | 0x80..)
}

/// Where the name that begins at `at` ends.
fn name_end(bytes: &[u8], at: usize) -> usize {
    if !bytes.get(at).copied().is_some_and(begins_name) {
        return at;
    }
    let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'/' | b'>' | b'<' | b'=' | b'"' | b'\'');
    bytes[at..].iter().position(ends).map_or(bytes.len(), |end| at + end)
}

/// Where the tag whose name ends at `at` ends: its `>`, or the `<` of the next tag where it has none. `None` where the text
/// ends within it.
fn tag_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += bytes[at..].iter().position(|b| matches!(b, b'>' | b'<' | b'"' | b'\''))?;
        match bytes[at] {
            quote @ (b'"' | b'\'') => match quoted_end(&bytes[at..], quote) {
                Some(end) => at += end + 1,
                // A quote without its fellow is a slip of the pen.
                None => at += 1,
            },
            _ => return Some(at),
        }
    }
}

/// Where the quoted value that begins with `bytes` ends. A quote that is followed by what cannot follow a value was not its end:
/// then the value ended with its tag, and has no closing quote.
fn quoted_end(bytes: &[u8], quote: u8) -> Option<usize> {
    let end = memchr(quote, &bytes[1..])? + 1;
    let follows = bytes.get(end + 1);
    let fits = follows.is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/' | b'?' | b'<'));
    let spans_tags = memchr(b'>', &bytes[..end]).is_some() && memchr(b'<', &bytes[..end]).is_some();
    if fits || !spans_tags { Some(end) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let word = |token: Token<'_>| match token {
            Token::Start(tag) => {
                let attributes: Vec<String> = tag.attributes().map(|(name, value)| format!(" {name}={value}")).collect();
                format!("<{}{}{}>", tag.name, attributes.concat(), if tag.empty { "/" } else { "" })
            }
            Token::End(name) => format!("</{name}>"),
            Token::Text(text) => format!("{text:?}"),
            Token::Cdata(text) => format!("[{text}]"),
            Token::Doctype(text) => format!("!{}", text.trim()),
        };
        Soup::new(text).map(word).collect::<Vec<String>>().join(" ")
    }

    #[test]
    fn clean_markup_is_read_as_it_is() {
        assert_eq!(
            told("<?xml version='1.0'?><!-- c --><a x='1' y=\"2\">t&amp;<b/><![CDATA[<c>]]></a>"),
            "<a x=1 y=2> \"t&amp;\" <b/> [<c>] </a>"
        );
        assert_eq!(told("<!DOCTYPE rss [<!ENTITY a \"b>\">]><rss/>"), "!rss [<!ENTITY a \"b>\">] <rss/>");
    }

    #[test]
    fn dirt_has_a_reading() {
        let table = [
            ("a < b <3 <- <", "\"a \" \"< b \" \"<3 \" \"<- \" \"<\""),
            ("<e url=x.mp3 length=5 type=audio/mpeg />", "<e url=x.mp3 length=5 type=audio/mpeg/>"),
            ("<a href='x'title='y'checked>t", "<a href=x title=y checked=> \"t\""),
            ("<a href=\"x>t</a><b c=\"d\">", "<a href=x> \"t\" </a> <b c=d>"),
            ("<a b='1' <c>t</c>", "<a b=1> <c> \"t\" </c>"),
            ("<p>t</p", "<p> \"t\" </p>"),
            ("<p>t<a href=", "<p> \"t\""),
            ("<p>t<!-- never closed <b>x</b>", "<p> \"t\" \"x\" </b>"),
            ("<![CDATA[<![CDATA[x]]>]]>", "[] [x] \"]]>\""),
            ("<![CDATA[x", "[x]"),
            ("</a b>", "</a>"),
            ("<a / >", "<a>"),
        ];
        for (dirty, read) in table {
            assert_eq!(told(dirty), read, "{dirty}");
        }
    }

    #[test]
    fn going_back_finds_the_ends_that_are_nearer() {
        let mut soup = Soup::new("<a><!-- b --><![CDATA[c]]><![CDATA[d]]></a>");
        let beginning = soup.clone().collect::<Vec<Token<'_>>>();
        while soup.next().is_some() {}
        soup.go(0);
        assert_eq!(soup.collect::<Vec<Token<'_>>>(), beginning);
    }

    #[test]
    fn a_text_that_ends_in_a_tag_says_so() {
        for (text, torn) in [("<a>", false), ("<a", true), ("<a b='c", true), ("<a><![CDATA[b", true), ("a", false)] {
            let mut soup = Soup::new(text);
            while soup.next().is_some() {}
            assert_eq!(soup.is_torn(), torn, "{text}");
        }
    }
}
