//! What stands inside of an element, from where it begins to where it ends or must have ended; as a value, as HTML, or by its
//! children.

use std::borrow::Cow;

use memchr::memmem;
use url::Url;

use super::super::text::to_html;
use super::entities::Entities;
use super::links::{absolute, rebased, room};
use super::names::{Names, Space};
use super::soup::{Soup, Tag, Token};

/// The inside of an element, as written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Inner<'a> {
    pub(crate) raw: &'a str,
    /// Whether it holds elements.
    pub(crate) markup: bool,
    /// Whether it is more than one piece of text: sections, comments, instructions.
    pieces: bool,
}

/// Elements of HTML that have no end.
const VOID: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];
/// Attributes that hold an address.
const ADDRESSES: &[&str] = &["href", "src", "cite", "poster", "data", "action", "longdesc", "background"];

/// Elements that are often forgotten to be closed, and whose like then ends them.
const SIBLINGS: &[&str] = &[
    "title",
    "link",
    "description",
    "pubdate",
    "guid",
    "author",
    "category",
    "comments",
    "enclosure",
    "source",
    "id",
    "updated",
    "published",
    "summary",
    "content",
    "content:encoded",
    "dc:date",
    "dc:creator",
    "dc:subject",
    "language",
    "subtitle",
];

/// Where the elements that are being read may end, apart from their own ends.
pub(crate) trait Outer {
    /// Whether this is the end of an element around them.
    fn ends(&self, name: &str) -> bool;
    /// Whether this begins a new entry, which none of them can hold.
    fn begins_entry(&self, name: &str) -> bool;
}

/// Elements whose ends were looked for in vain.
#[derive(Debug, Default)]
pub(crate) struct Unclosed<'a> {
    /// The name of each, and up to where there is no end of it.
    names: Vec<(&'a str, usize)>,
    /// How much was read in vain, in bytes.
    reread: usize,
}

/// The largest number of names that are remembered; all elements that feeds forget to close have 21.
const MOST_UNCLOSED: usize = 64;
/// How far is looked ahead for the end of what holds something like an entry, in bytes.
const FURTHEST_AHEAD: usize = 64 * 1024;
/// How many times its own length may be read again of a text.
const MOST_REREAD: usize = 8;

impl<'a> Unclosed<'a> {
    /// Whether it is known that an element has no end before the next such element begins.
    fn knows(&self, name: &str, begin: usize) -> bool {
        self.names.iter().any(|(known, until)| *known == name && begin < *until)
    }

    /// Notes that there is no end of an element between two places.
    fn add(&mut self, name: &'a str, begin: usize, until: usize) {
        if !self.knows(name, begin) {
            self.names.retain(|(known, _)| *known != name);
            if self.names.len() == MOST_UNCLOSED {
                self.names.remove(0);
            }
            self.names.push((name, until));
        }
    }
}

/// An element whose inside is being read.
struct Open<'a> {
    name: &'a str,
    /// Where its inside begins.
    begin: usize,
    markup: bool,
    pieces: bool,
    /// Where the first element began that would end it if it was forgotten to be closed, and whether there was markup before.
    sibling: Option<(usize, bool)>,
}

/// Reads the inside of an element whose start tag was just read, and its end.
pub(crate) fn inner<'a>(soup: &mut Soup<'a>, tag: &Tag<'a>, outer: &dyn Outer, unclosed: &mut Unclosed<'a>) -> Inner<'a> {
    if tag.empty {
        return Inner::default();
    }
    let mut open = Open { name: tag.name, begin: soup.at(), markup: false, pieces: false, sibling: None };
    let impatient = unclosed.reread / MOST_REREAD > soup.len() || unclosed.knows(open.name, open.begin);
    let (mut depth, mut nested) = (0_usize, 0_usize);
    let is_outer = |name: &str| outer.ends(name) || outer.begins_entry(name);
    soup.enter(tag.name);
    loop {
        let at = soup.at();
        let Some(token) = soup.next() else {
            return Inner { raw: soup.between(open.begin, soup.at()), markup: open.markup, pieces: true };
        };
        let end = soup.at();
        match token {
            // Comments are no tokens: where one stood, this is not of one piece.
            Token::Text(text) => open.pieces |= text.len() != end - at,
            Token::Cdata(_) | Token::Doctype(_) => open.pieces = true,
            Token::End(name) if name.eq_ignore_ascii_case(open.name) => {
                if depth == 0 {
                    return open.closed(soup, at, end);
                }
                depth -= 1;
            }
            Token::End(name) if nested > 0 && is_outer(name) => nested -= 1,
            Token::End(name) if outer.ends(name) => return open.forgotten(soup, at, unclosed),
            Token::Start(inner) if is_outer(inner.name) && !inner.empty && (nested > 0 || open.holds(soup, depth, &is_outer)) => {
                open.markup = true;
                nested += 1;
            }
            Token::Start(inner) if outer.begins_entry(inner.name) => return open.forgotten(soup, at, unclosed),
            Token::Start(inner) => {
                if open.sibling.is_none() && SIBLINGS.iter().any(|name| name.eq_ignore_ascii_case(inner.name)) {
                    open.sibling = Some((at, open.markup));
                    if impatient {
                        return open.forgotten(soup, at, unclosed);
                    }
                }
                open.markup = true;
                if inner.name.eq_ignore_ascii_case(open.name) && !inner.empty {
                    depth += 1;
                }
            }
            Token::End(_) => open.markup = true,
        }
    }
}

impl<'a> Open<'a> {
    /// Whether what was just begun, though it looks like an entry or a feed, is within: it ends, and so does this after it, before
    /// anything around ends.
    fn holds(&self, soup: &Soup<'a>, mut depth: usize, is_outer: &dyn Fn(&str) -> bool) -> bool {
        let (mut ahead, from, mut nested) = (soup.clone(), soup.at(), 1_usize);
        while let Some(token) = ahead.next() {
            match token {
                Token::Start(tag) if tag.empty => {}
                Token::Start(tag) if is_outer(tag.name) => nested += 1,
                Token::Start(tag) if tag.name.eq_ignore_ascii_case(self.name) => depth += 1,
                Token::End(name) if is_outer(name) && nested == 0 => return false,
                Token::End(name) if is_outer(name) => nested -= 1,
                Token::End(name) if name.eq_ignore_ascii_case(self.name) && depth == 0 => return nested == 0,
                Token::End(name) if name.eq_ignore_ascii_case(self.name) => depth -= 1,
                _ => {}
            }
            if ahead.at() - from > FURTHEST_AHEAD {
                return false;
            }
        }
        false
    }

    /// It ends with the end tag that was read between two places; comments may stand there before it.
    fn closed(self, soup: &Soup<'a>, at: usize, end: usize) -> Inner<'a> {
        let before = soup.between(at, end).rfind("</").unwrap_or_default();
        Inner { raw: soup.between(self.begin, at + before), markup: self.markup, pieces: self.pieces || before > 0 }
    }

    /// It was forgotten to be closed: it ended where another of its kind began, or here, with what is around it.
    fn forgotten(self, soup: &mut Soup<'a>, at: usize, unclosed: &mut Unclosed<'a>) -> Inner<'a> {
        unclosed.add(self.name, self.begin, at);
        let (end, markup) = self.sibling.unwrap_or((at, self.markup));
        unclosed.reread = unclosed.reread.saturating_add(soup.at() - end);
        soup.go(end);
        Inner { raw: soup.between(self.begin, end), markup, pieces: true }
    }
}

impl<'a> Inner<'a> {
    /// Text alone.
    pub(crate) fn text(raw: &'a str) -> Self {
        Self { raw, ..Self::default() }
    }

    /// Its value: references resolved, sections opened, elements left as they are.
    pub(crate) fn value(&self, entities: &Entities) -> Cow<'a, str> {
        let value = self.resolved(entities);
        // A section that was escaped as a whole.
        let section = value.trim().strip_prefix("<![CDATA[").and_then(|value| value.strip_suffix("]]>"));
        match section.map(str::to_owned) {
            Some(section) => Cow::Owned(section),
            None => value,
        }
    }

    fn resolved(&self, entities: &Entities) -> Cow<'a, str> {
        if !self.pieces && !self.markup {
            return entities.resolve(self.raw);
        }
        let mut value = String::with_capacity(self.raw.len());
        let mut soup = Soup::new(self.raw);
        let mut sections = 0;
        loop {
            let at = soup.at();
            match soup.next() {
                Some(Token::Text(text)) => value.push_str(&entities.resolve(text)),
                Some(Token::Cdata(text)) => {
                    sections += 1;
                    value.push_str(text);
                }
                Some(Token::Start(_) | Token::End(_)) => value.push_str(soup.between(at, soup.at())),
                Some(Token::Doctype(_)) => {}
                None => break,
            }
        }
        // Wrapped twice.
        if sections > 1 {
            value.truncate(value.trim_end_matches("]]>").len());
        }
        Cow::Owned(value)
    }

    /// Its value as HTML, where it is HTML in text. Where elements stand in it all the same, text beside them is text.
    pub(crate) fn html(&self, names: &Names<'a>, entities: &Entities, base: Option<&Url>) -> Cow<'a, str> {
        if !self.markup {
            return self.value(entities);
        }
        let marks = ["&lt;/", "&lt;br", "&lt;img", "&lt;p&gt;"];
        let escaped = marks.iter().any(|mark| memmem::find(self.raw.as_bytes(), mark.as_bytes()).is_some());
        let text = if escaped { Text::Escaped } else { Text::Plain };
        let mut writer = Writer { names, entities, base, text, sections_are_html: true, prefixes: Vec::new() };
        Cow::Owned(writer.write(self.raw))
    }

    /// It as HTML, where its elements are XHTML.
    pub(crate) fn xhtml(&self, names: &Names<'a>, entities: &Entities, base: Option<&Url>) -> String {
        let mut writer = Writer { names, entities, base, text: Text::Plain, sections_are_html: false, prefixes: Vec::new() };
        let html = writer.write(self.raw);
        unwrapped(&html).map(str::to_owned).unwrap_or(html)
    }
}

/// HTML with its addresses made absolute.
pub(crate) fn rebased_html(html: &str, base: &Url) -> String {
    let (names, entities) = (Names::default(), Entities::default());
    let base = Some(base);
    Writer { names: &names, entities: &entities, base, text: Text::Html, sections_are_html: true, prefixes: Vec::new() }
        .write(html)
}

/// The inside of the `div` that Atom asks for around XHTML (RFC 4287, section 3.1.1.3).
fn unwrapped(html: &str) -> Option<&str> {
    let inside = html.trim().strip_prefix("<div>")?.strip_suffix("</div>")?;
    (!inside.contains("<div")).then_some(inside)
}

/// What the text beside elements is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    /// Text.
    Plain,
    /// HTML that is escaped once more.
    Escaped,
    /// HTML.
    Html,
}

/// Elements as HTML.
struct Writer<'n, 'a> {
    names: &'n Names<'a>,
    entities: &'n Entities,
    /// What addresses are made absolute by: only where the document says so itself.
    base: Option<&'n Url>,
    text: Text,
    sections_are_html: bool,
    /// Prefixes of XHTML that are declared within.
    prefixes: Vec<&'a str>,
}

/// The largest number of them.
const MOST_PREFIXES: usize = 8;
/// The deepest nesting of bases of their own that is followed.
const DEEPEST_BASE: usize = 32;

impl<'a> Writer<'_, 'a> {
    fn write(&mut self, raw: &'a str) -> String {
        let mut out = String::with_capacity(raw.len() + raw.len() / 8);
        let room = room(raw.len());
        let rebases = memmem::find(raw.as_bytes(), b"xml:base").is_some();
        let mut bases: Vec<(usize, Url)> = Vec::new();
        let mut depth = 0_usize;
        for token in Soup::new(raw) {
            match token {
                Token::Text(text) if self.text == Text::Html => out.push_str(text),
                Token::Text(text) if self.text == Text::Escaped => out.push_str(&self.entities.resolve(text)),
                Token::Text(text) if text.contains('&') => out.push_str(&to_html(&self.entities.resolve(text))),
                Token::Text(text) => out.push_str(&text.replace('<', "&lt;")),
                Token::Cdata(text) if self.sections_are_html => out.push_str(text),
                Token::Cdata(text) => out.push_str(&to_html(text)),
                Token::Doctype(_) => {}
                Token::Start(tag) => {
                    let around = bases.last().map(|(_, base)| base).or(self.base);
                    let own = rebases.then(|| tag.attributes().find(|(name, _)| name.eq_ignore_ascii_case("xml:base"))).flatten();
                    let own = own.and_then(|(_, by)| rebased(around, &self.entities.resolve(by)));
                    let base = own.as_ref().or(around).filter(|_| out.len() <= room);
                    let void = self.start(&tag, base, &mut out);
                    if !void && !tag.empty {
                        depth += 1;
                        bases.extend(own.filter(|_| bases.len() < DEEPEST_BASE).map(|base| (depth, base)));
                    }
                }
                Token::End(name) => {
                    let name = self.name(name);
                    // An end without a beginning is a slip.
                    if depth > 0 && !VOID.contains(&&*name) {
                        out.push_str("</");
                        out.push_str(&name);
                        out.push('>');
                        while bases.last().is_some_and(|(at, _)| *at >= depth) {
                            bases.pop();
                        }
                        depth = depth.saturating_sub(1);
                    }
                }
            }
        }
        out
    }

    /// Writes a start tag, and its end where it is its own; says whether it can have none.
    fn start(&mut self, tag: &Tag<'a>, base: Option<&Url>, out: &mut String) -> bool {
        for (name, uri) in tag.attributes().filter(|(name, _)| name.starts_with("xmlns:")) {
            if super::names::space(uri) == Space::Xhtml && self.prefixes.len() < MOST_PREFIXES {
                self.prefixes.push(&name[6..]);
            }
        }
        let name = self.name(tag.name);
        out.push('<');
        out.push_str(&name);
        for (attribute, value) in tag.attributes() {
            let attribute = attribute.to_ascii_lowercase();
            if attribute.starts_with("xmlns") || attribute.starts_with("xml:") {
                continue;
            }
            let value = self.entities.resolve(value);
            let value = match base.filter(|_| ADDRESSES.contains(&&*attribute)) {
                Some(base) => absolute(&value, Some(base)).map_or(value, Cow::Owned),
                None => value,
            };
            out.push(' ');
            out.push_str(&attribute);
            out.push_str("=\"");
            out.push_str(&to_html(&value));
            out.push('"');
        }
        out.push('>');
        let void = VOID.contains(&&*name);
        if tag.empty && !void {
            out.push_str("</");
            out.push_str(&name);
            out.push('>');
        }
        void
    }

    /// A name in HTML: without the prefix of XHTML.
    fn name(&self, written: &'a str) -> Cow<'a, str> {
        let name = self.names.read(written);
        match written.split_once(':') {
            Some((prefix, _)) if name.space != Space::Xhtml && !self.prefixes.contains(&prefix) => Cow::Borrowed(written),
            _ => name.local,
        }
    }
}

#[cfg(test)]
mod tests;
