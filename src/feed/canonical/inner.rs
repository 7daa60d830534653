//! What stands inside of an element, from where it begins to where it ends or must have ended; as a value, as HTML, or by its
//! children.

use std::borrow::Cow;

use memchr::memmem;
use url::Url;

use super::super::text::to_html;
use super::entities::Entities;
use super::links::{absolute, rebased};
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

/// The largest number of elements without an end of which each is looked for: real documents forget one or two.
const MOST_UNCLOSED: usize = 32;

/// Where the elements that are being read may end, apart from their own ends.
pub(crate) trait Outer {
    /// Whether this is the end of an element around them.
    fn ends(&self, name: &str) -> bool;
    /// Whether this begins a new entry, which none of them can hold.
    fn begins_entry(&self, name: &str) -> bool;
}

/// Ends that were looked for in vain: the element's name, and up to where it has none.
pub(crate) type Unclosed<'a> = Vec<(&'a str, usize)>;

/// Reads the inside of an element whose start tag was just read, and its end.
pub(crate) fn inner<'a>(soup: &mut Soup<'a>, tag: &Tag<'a>, outer: &dyn Outer, unclosed: &mut Unclosed<'a>) -> Inner<'a> {
    if tag.empty {
        return Inner::default();
    }
    let begin = soup.at();
    let known_open = is_known_open(unclosed, tag.name, begin);
    let (mut depth, mut markup, mut pieces) = (0_usize, false, false);
    let mut sibling = None;
    soup.enter(tag.name);
    loop {
        let at = soup.at();
        let Some(token) = soup.next() else {
            return Inner { raw: soup.between(begin, soup.at()), markup, pieces: true };
        };
        let end = soup.at();
        match token {
            // Comments are no tokens: where one stood, this is not of one piece.
            Token::Text(text) => pieces |= text.len() != end - at,
            Token::Cdata(_) | Token::Doctype(_) => pieces = true,
            Token::End(name) if name.eq_ignore_ascii_case(tag.name) => {
                if depth == 0 {
                    pieces |= soup.between(at, at + 2) != "</";
                    return Inner { raw: soup.between(begin, before_end(soup, at, end)), markup, pieces };
                }
                depth -= 1;
            }
            Token::End(name) if outer.ends(name) => return forgotten(soup, tag, unclosed, begin, sibling, at, markup),
            Token::Start(inner) if outer.begins_entry(inner.name) => {
                return forgotten(soup, tag, unclosed, begin, sibling, at, markup);
            }
            Token::Start(inner) => {
                if sibling.is_none() && SIBLINGS.iter().any(|name| name.eq_ignore_ascii_case(inner.name)) {
                    if known_open {
                        return forgotten(soup, tag, unclosed, begin, Some((at, markup)), at, markup);
                    }
                    sibling = Some((at, markup));
                }
                markup = true;
                if inner.name.eq_ignore_ascii_case(tag.name) && !inner.empty {
                    depth += 1;
                }
            }
            Token::End(_) => markup = true,
        }
    }
}

/// Whether it is known that an element that begins here has no end. Where so many have none, none is looked for any more.
fn is_known_open(unclosed: &Unclosed<'_>, name: &str, begin: usize) -> bool {
    let still = unclosed.iter().filter(|(_, until)| begin < *until);
    still.clone().any(|(open, _)| *open == name) || still.count() >= MOST_UNCLOSED
}

/// Where the end tag itself begins that was read between two places: comments may stand before it.
fn before_end(soup: &Soup<'_>, at: usize, end: usize) -> usize {
    at + soup.between(at, end).rfind("</").unwrap_or_default()
}

/// An element without its end: it ended where another of its kind began, or with what is around it.
fn forgotten<'a>(
    soup: &mut Soup<'a>,
    tag: &Tag<'a>,
    unclosed: &mut Unclosed<'a>,
    begin: usize,
    sibling: Option<(usize, bool)>,
    at: usize,
    markup: bool,
) -> Inner<'a> {
    if !is_known_open(unclosed, tag.name, begin) {
        unclosed.retain(|(name, until)| *name != tag.name && begin < *until);
        unclosed.push((tag.name, at));
    }
    let (end, markup) = sibling.unwrap_or((at, markup));
    soup.go(end);
    Inner { raw: soup.between(begin, end), markup, pieces: true }
}

impl<'a> Inner<'a> {
    /// Its value: references resolved, sections opened, elements left as they are.
    pub(crate) fn value(&self, entities: &Entities) -> Cow<'a, str> {
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
/// As many times as long as it was a text may become by its base, beside a first [`FREE`] bytes.
const MOST_GROWTH: usize = 4;
const FREE: usize = 64 * 1024;
/// The deepest nesting of bases of their own that is followed.
const DEEPEST_BASE: usize = 32;

impl<'a> Writer<'_, 'a> {
    fn write(&mut self, raw: &'a str) -> String {
        let mut out = String::with_capacity(raw.len() + raw.len() / 8);
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
                    let grown = out.len() > raw.len().saturating_mul(MOST_GROWTH) + FREE;
                    let void = self.start(&tag, own.as_ref().or(around).filter(|_| !grown), &mut out);
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
