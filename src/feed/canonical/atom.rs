//! Drafts as the Atom (RFC 4287) that feed-rs reads without loss: each text is one node, each address is absolute or kept as it
//! was written, each date is RFC 3339. An entry is written as soon as it is whole, so that no second copy of a document is held.

use std::fmt::Write as _;
use std::ops::Range;

use jiff::Timestamp;
use url::Url;

use super::super::entry::{Link, Person};
use super::super::text::cut;
use super::draft::{EntryDraft, FeedDraft, Words};
use super::entities::character;
use super::links::room;

/// The relation of the link that carries an entry's base and language; nobody else's, as it is no valid one.
pub(crate) const FRAME: &str = "feeds frame";

/// The same of the link that carries its own picture.
pub(crate) const PICTURE: &str = "feeds picture";

/// The longest name of a person, in characters, and the longest address, in bytes: those of a feed are written into each entry.
const LONGEST_NAME: usize = 200;
const LONGEST_URI: usize = 500;

/// A document being written.
#[derive(Debug)]
pub(crate) struct Atom {
    xml: String,
    /// Where it is large enough.
    most: usize,
    /// How many entries came after that.
    crowded: usize,
    /// Where each entry stands, and its date.
    entries: Vec<(Option<Timestamp>, Range<usize>)>,
}

impl Atom {
    /// Nothing yet, of a document of so many bytes.
    pub(crate) fn new(length: usize) -> Self {
        Self { xml: String::new(), most: room(length), crowded: 0, entries: Vec::new() }
    }

    /// How many entries there was no room for.
    pub(crate) fn crowded(&self) -> usize {
        self.crowded
    }

    /// How many entries it has.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds an entry, unless nothing was said of it, or the addresses of those before have grown beyond all measure.
    pub(crate) fn entry(&mut self, mut entry: EntryDraft) {
        if !entry.told {
            return;
        }
        let from = self.xml.len();
        if from > self.most {
            self.crowded += 1;
            return;
        }
        let (published, updated) = (entry.published.take(), entry.updated.take());
        let out = &mut self.xml;
        out.push_str("<entry>");
        simple(out, "id", entry.id.take().as_deref());
        words(out, "title", entry.title.take().as_ref());
        time(out, "published", published);
        time(out, "updated", updated);
        if let Some(page) = entry.page.take() {
            let known = entry.links.iter().position(|known| known.href == page && is_page(known));
            let link = known.map(|place| entry.links.remove(place));
            let made = || Link { href: page, rel: Some("alternate".to_owned()), r#type: None };
            entry.links.insert(0, link.unwrap_or_else(made));
        }
        entry.links.iter().for_each(|known| link(out, known, None, None));
        if let Some(href) = entry.image.take() {
            link(out, &Link { href, rel: Some(PICTURE.to_owned()), r#type: None }, None, None);
        }
        for file in entry.enclosures.0 {
            let known = Link { href: file.url, rel: Some("enclosure".to_owned()), r#type: file.r#type };
            link(out, &known, file.length, file.duration);
        }
        if let Some(href) = entry.comments {
            link(out, &Link { href, rel: Some("replies".to_owned()), r#type: None }, None, None);
        }
        if entry.base.is_some() || entry.language.is_some() {
            out.push_str("<link rel=\"");
            out.push_str(FRAME);
            attribute(out, "\" title", entry.base.as_deref().unwrap_or_default());
            attribute(out, "\" hreflang", entry.language.as_deref().unwrap_or_default());
            out.push_str("\" href=\"\"/>");
        }
        entry.authors.take().iter().flatten().for_each(|author| person(out, author));
        for tag in &entry.tags {
            out.push_str("<category");
            attribute(out, " term", tag);
            out.push_str("\"/>");
        }
        words(out, "summary", entry.summary.take().as_ref());
        words(out, "content", entry.content.take().as_ref());
        out.push_str("</entry>");
        self.entries.push((published.or(updated), from..self.xml.len()));
    }

    /// The whole of it, with at most `most` of the entries: the newest, in the document's order.
    pub(crate) fn finish(mut self, mut feed: FeedDraft, most: usize) -> String {
        if self.entries.len() > most {
            self.keep_newest(most);
        }
        let mut out = String::from("<feed xmlns=\"http://www.w3.org/2005/Atom\"");
        if let Some(language) = feed.language.take() {
            attribute(&mut out, " xml:lang", &language);
            out.push('"');
        }
        out.push('>');
        simple(&mut out, "id", feed.id.as_deref());
        words(&mut out, "title", feed.title.take().as_ref());
        words(&mut out, "subtitle", feed.subtitle.take().as_ref());
        time(&mut out, "updated", feed.updated.take());
        feed.links.iter().for_each(|known| link(&mut out, known, None, None));
        feed.authors.take().iter().flatten().for_each(|author| person(&mut out, author));
        self.xml.insert_str(0, &out);
        self.xml.push_str("</feed>");
        self.xml
    }

    fn keep_newest(&mut self, most: usize) {
        let mut order: Vec<usize> = (0..self.entries.len()).collect();
        // Of entries without dates the first are taken for the newest.
        order.sort_by_key(|place| std::cmp::Reverse(self.entries[*place].0));
        order.truncate(most);
        order.sort_unstable();
        self.xml = order.iter().map(|place| &self.xml[self.entries[*place].1.clone()]).collect();
    }
}

fn is_page(link: &Link) -> bool {
    matches!(link.rel.as_deref(), None | Some("alternate" | ""))
}

fn simple(out: &mut String, name: &str, text: Option<&str>) {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return };
    let _ = write!(out, "<{name}>");
    escape(out, text);
    let _ = write!(out, "</{name}>");
}

fn words(out: &mut String, name: &str, words: Option<&Words>) {
    let Some(words) = words.filter(|words| !words.text.trim().is_empty()) else { return };
    let kind = if words.html { "html" } else { "text" };
    let _ = write!(out, "<{name} type=\"{kind}\"><![CDATA[");
    section(out, &words.text);
    let _ = write!(out, "]]></{name}>");
}

fn time(out: &mut String, name: &str, at: Option<Timestamp>) {
    if let Some(at) = at {
        let _ = write!(out, "<{name}>{at}</{name}>");
    }
}

/// feed-rs writes addresses anew; where that would change one, its title, which nobody reads, keeps it as it was written. It has no
/// place for how long a file plays: that stands where the language does, which nobody reads of a file.
fn link(out: &mut String, link: &Link, length: Option<u64>, duration: Option<u64>) {
    out.push_str("<link");
    attribute(out, " href", &link.href);
    if Url::parse(&link.href).is_ok_and(|url| url.as_str() != link.href) {
        attribute(out, "\" title", &link.href);
    }
    if let Some(rel) = &link.rel {
        attribute(out, "\" rel", rel);
    }
    if let Some(kind) = &link.r#type {
        attribute(out, "\" type", kind);
    }
    if let Some(length) = length {
        let _ = write!(out, "\" length=\"{length}");
    }
    if let Some(duration) = duration {
        let _ = write!(out, "\" hreflang=\"{duration}");
    }
    out.push_str("\"/>");
}

fn person(out: &mut String, person: &Person) {
    let uri = person.uri.as_deref().filter(|uri| uri.len() <= LONGEST_URI);
    out.push_str("<author>");
    // feed-rs drops who has neither a name nor an address.
    let nameless = person.name.is_none() && person.email.is_none();
    let name = person.name.as_deref().map(|name| cut(name, LONGEST_NAME));
    simple(out, "name", name.as_deref().or(uri.filter(|_| nameless)));
    simple(out, "email", person.email.as_deref().filter(|email| email.len() <= LONGEST_URI));
    simple(out, "uri", uri);
    out.push_str("</author>");
}

/// An attribute without its closing quote.
fn attribute(out: &mut String, name: &str, value: &str) {
    out.push_str(name);
    out.push_str("=\"");
    escape(out, value);
}

/// Text as XML.
fn escape(out: &mut String, text: &str) {
    copy(out, text, |b| matches!(b, b'&' | b'<' | b'>' | b'"'));
}

/// Text as the inside of a CDATA section: feed-rs reads that several times faster than escaped text.
fn section(out: &mut String, text: &str) {
    let mut pieces = text.split("]]>");
    copy(out, pieces.next().unwrap_or_default(), |_| false);
    for piece in pieces {
        out.push_str("]]]]><![CDATA[>");
        copy(out, piece, |_| false);
    }
}

/// Copies text, but for what XML 1.0 forbids (section 2.2) and what is to be escaped.
fn copy(out: &mut String, text: &str, escaped: impl Fn(u8) -> bool) {
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().copied().enumerate() {
        let with = match byte {
            b'\t' | b'\n' => continue,
            b'\r' if bytes.get(at + 1) != Some(&b'\n') => "\n",
            0..=0x1f => "",
            // What has no use as a control character was meant as windows-1252 has it.
            0xc2 if matches!(bytes.get(at + 1), Some(0x80..=0x9f)) => {
                out.push_str(&text[from..at]);
                out.extend(character(u32::from(bytes[at + 1])));
                from = at + 2;
                continue;
            }
            // U+FFFE and U+FFFF.
            0xef if matches!(bytes.get(at + 1..at + 3), Some([0xbf, 0xbe | 0xbf])) => {
                out.push_str(&text[from..at]);
                from = at + 3;
                continue;
            }
            b'&' if escaped(byte) => "&amp;",
            b'<' if escaped(byte) => "&lt;",
            b'>' if escaped(byte) => "&gt;",
            b'"' if escaped(byte) => "&quot;",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(with);
        from = at + 1;
    }
    out.push_str(&text[from..]);
}

#[cfg(test)]
mod tests;
