//! Markup to one line of plain text, for titles, names and hashes. Works on html5ever's tokens alone: no tree is built, so
//! nesting costs nothing. The readable text of a whole body is made elsewhere.

use std::cell::RefCell;

use html5ever::tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult};

use super::markup::tokens;

/// Elements whose end is the end of a word.
const BREAKING: &[&str] = &[
    "address",
    "article",
    "blockquote",
    "br",
    "dd",
    "div",
    "dt",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "img",
    "li",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "td",
    "th",
    "tr",
    "ul",
];

#[derive(Default)]
struct Collector {
    text: RefCell<String>,
    hidden: RefCell<Option<String>>,
}

impl TokenSink for Collector {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::CharacterTokens(text) if self.hidden.borrow().is_none() => self.text.borrow_mut().push_str(&text),
            Token::TagToken(tag) => self.tag(&tag),
            Token::CharacterTokens(_)
            | Token::DoctypeToken(_)
            | Token::CommentToken(_)
            | Token::NullCharacterToken
            | Token::EOFToken
            | Token::ParseError(_) => {}
        }
        TokenSinkResult::Continue
    }
}

impl Collector {
    fn tag(&self, tag: &Tag) {
        let name = &*tag.name;
        let mut hidden = self.hidden.borrow_mut();
        match (&*hidden, tag.kind) {
            (None, TagKind::StartTag) if matches!(name, "script" | "style") && !tag.self_closing => {
                *hidden = Some(name.to_owned());
            }
            (Some(open), TagKind::EndTag) if open == name => *hidden = None,
            _ if BREAKING.contains(&name) => self.text.borrow_mut().push(' '),
            _ => {}
        }
    }
}

/// The text of a piece of HTML, entities resolved, white space as it comes.
fn strip(html: &str) -> String {
    match tokens(html, Collector::default()) {
        Some(collector) => collector.text.take(),
        // Not worth a parser: what stands outside of the angle brackets.
        None => html.split('<').map(|piece| piece.split_once('>').map_or("", |(_, text)| text)).collect(),
    }
}

/// HTML as one line of plain text: tags gone, entities resolved, white space folded, control characters removed.
#[must_use]
pub fn from_html(html: &str) -> String {
    one_line(&strip(html))
}

/// Text as one line: white space folded, control characters and those that turn or hide text removed.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() || matches!(c, '\u{85}') {
            if !line.is_empty() && !line.ends_with(' ') {
                line.push(' ');
            }
        } else if !is_unseen(c) {
            line.push(c);
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// Control characters, and those that are not seen but change what is: bidirectional overrides, zero-width marks, tags.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// Elements that a text may hold which is HTML though nobody says so.
const INLINE: &[&str] = &[
    "a",
    "abbr",
    "b",
    "big",
    "bdi",
    "bdo",
    "blockquote",
    "br",
    "center",
    "cite",
    "code",
    "del",
    "dfn",
    "div",
    "em",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "nobr",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "script",
    "small",
    "span",
    "strike",
    "strong",
    "style",
    "sub",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "time",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "wbr",
];

/// Whether text of which nobody says what it is, as RSS titles are, is HTML: it holds an element of HTML that is closed, needs no
/// end, or has attributes. A `<word>` and the lone name of an element are text.
#[must_use]
pub fn holds_markup(text: &str) -> bool {
    text.split('<').skip(1).any(|rest| {
        let Some((tag, _)) = rest.split_once('>') else { return false };
        if tag.starts_with("!--") {
            return rest.contains("-->");
        }
        let bare = tag.strip_prefix('/').unwrap_or(tag);
        let name_end = bare.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(bare.len());
        let (name, more) = bare.split_at(name_end);
        let known = INLINE.iter().any(|known| known.eq_ignore_ascii_case(name));
        let closed = tag.starts_with('/') || matches!(name.to_ascii_lowercase().as_str(), "br" | "hr" | "img" | "wbr");
        known && (closed || (more.starts_with(char::is_whitespace) && more.contains('=')))
    })
}

/// Whether text holds what looks like a character reference of HTML.
#[must_use]
pub fn holds_references(text: &str) -> bool {
    text.split('&').skip(1).any(|rest| {
        let name = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '#');
        name.len() < rest.len() && name.starts_with(';')
    })
}

/// Plain text as HTML.
#[must_use]
pub fn to_html(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            _ => html.push(c),
        }
    }
    html
}

/// At most `most` characters of a line, cut between words where that loses little, with an ellipsis where it was cut.
#[must_use]
pub fn cut(line: &str, most: usize) -> String {
    let Some((end, _)) = line.char_indices().nth(most) else { return line.to_owned() };
    let kept = &line[..end];
    let Some((room, _)) = kept.char_indices().nth(most.saturating_sub(1)) else { return kept.to_owned() };
    let kept = &kept[..room];
    let word = kept.rfind(' ').filter(|at| *at >= room / 2).map_or(kept, |at| &kept[..at]);
    format!("{}…", word.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_one_line_of_text() {
        assert_eq!(from_html("<p>A &amp; <b>B</b></p>\n<p>C&nbsp;D<script>x()</script></p>"), "A & B C D");
        assert_eq!(from_html("<![CDATA[x]]>1 < 2"), "1 < 2");
        assert_eq!(one_line("a\r\nBcc: b\u{202E}c\u{0}"), "a Bcc: bc");
    }

    #[test]
    fn deep_nesting_costs_nothing() {
        assert_eq!(from_html(&"<div>".repeat(200_000)), "");
    }

    #[test]
    fn plain_text_is_told_from_markup() {
        for plain in ["1 < 2", "AT&T", "x <- y", "<3", "What is <new>", "The <b> element", "Vec<T> and <a> b", "a < b > c"] {
            assert!(!holds_markup(plain), "{plain}");
        }
        for markup in ["a <b>c</b>", "x<br/>y", "<a href='x'>y", "a<IMG src=x>"] {
            assert!(holds_markup(markup), "{markup}");
        }
    }

    #[test]
    fn a_long_line_is_cut_at_a_word() {
        assert_eq!(cut("short", 10), "short");
        assert_eq!(cut("one two three four", 10), "one two…");
        assert_eq!(cut(&"x".repeat(300), 200).chars().count(), 200);
    }
}
