//! PURE. Bytes to a [`Document`], by feed-rs. The door through which every document comes in; nothing beyond it knows
//! feed-rs. May panic or use much stack on hostile bytes: callers run it on the CPU pool, where a panic is caught and stacks are
//! large.

use chrono::{DateTime, Utc};
use feed_rs::model;
use feed_rs::parser::{Builder, ParseFeedError};
use jiff::Timestamp;
use url::Url;

use super::canonical::{Canonical, FRAME, PICTURE, canonical};
use super::decode::{Decoded, decode};
use super::entry::{Document, Enclosure, Entry, Link, Person};
use super::hints::Hints;
use super::{kind, text};

/// A document that was read, and what was odd about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// What it holds.
    pub document: Document,
    /// Whether it ended too early: then it is not all that its source has.
    pub torn: bool,
    /// What a person might want to know, in words.
    pub remarks: Vec<String>,
    /// What it says of how often it changes.
    pub hints: Hints,
}

/// Why bytes are no feed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// There is nothing.
    #[error("the document is empty")]
    Empty,
    /// It is a page for people.
    #[error("the document is {0}")]
    Page(String),
    /// It is neither a feed nor a page, but this.
    #[error("the document is {0}")]
    Other(String),
    /// It seemed to be a feed.
    #[error("the document is not a readable feed: {0}")]
    Unreadable(String),
    /// It is the beginning of a feed.
    #[error("the document is truncated before the first entry")]
    Truncated,
}

/// The largest number of entries that are read from one document; see docs/limits.md.
const MOST_ENTRIES: usize = 5_000;
/// The largest number of a feed's authors that stand for those of its entries.
const MOST_INHERITED: usize = 5;
/// The longest word of a parser that is passed on, in characters.
const LONGEST_CAUSE: usize = 200;

/// Reads a document. `content_type` is what its server called it; `base` is the address that gave it, which relative links
/// are relative to.
///
/// # Errors
/// When the bytes are no feed: says what they are instead.
pub fn parse(bytes: &[u8], content_type: Option<&str>, base: Option<&Url>) -> Result<Parsed, ParseError> {
    let base = base.and_then(bare);
    let base = base.as_ref();
    if let Some(file) = kind::binary(bytes) {
        return Err(ParseError::Other(file.to_owned()));
    }
    let Decoded { text, remark } = decode(bytes, content_type);
    if kind::is_empty(&text) {
        return Err(ParseError::Empty);
    }
    let kind = kind::kind(&text, content_type);
    let Some(Canonical { xml, format, entries, torn, mut remarks, hints }) = canonical(&text, kind, base, MOST_ENTRIES) else {
        let what = kind::not_a_feed(&text, base);
        return Err(if kind::is_page(&text) { ParseError::Page(what) } else { ParseError::Other(what) });
    };
    if torn && entries == 0 {
        return Err(ParseError::Truncated);
    }
    remarks.extend(remark);
    // An empty id stands for "none": feed-rs would make a random one at each parse.
    let parser = Builder::new().sanitize_content(false).id_generator(|_, _, _| String::new()).timestamp_parser(time).build();
    let feed = parser.parse(xml.as_bytes()).map_err(|error| ParseError::Unreadable(in_words(&error)))?;
    drop(xml);
    let mut document = document(feed, format);
    // Where nothing nearer is named, relative addresses are relative to the document: in Atom by its rules (RFC 4287, section 2),
    // elsewhere only where there is no page either.
    if let Some(base) = base {
        let by_rule = format == "atom" || document.link.is_none();
        let homeless = document.entries.iter_mut().filter(|entry| entry.base.is_none() && by_rule);
        let homeless = homeless.filter(|entry| format == "atom" || entry.link().is_none());
        homeless.for_each(|entry| entry.base = Some(base.as_str().to_owned()));
    }
    Ok(Parsed { document, torn, remarks, hints })
}

/// The address of a document as others may be relative to it: without what may be secret in it. What lies in a file is relative
/// to where it was published.
fn bare(base: &Url) -> Option<Url> {
    let mut base = Some(base).filter(|base| matches!(base.scheme(), "http" | "https")).cloned()?;
    base.set_query(None);
    base.set_fragment(None);
    // An address of the web can have both.
    let _ = (base.set_username(""), base.set_password(None));
    Some(base)
}

/// What the parser says, as one short line: it may quote the document.
fn in_words(error: &ParseFeedError) -> String {
    use ParseFeedError::{IoError, JsonSerde, JsonUnsupportedVersion, ParseError, XmlReader};
    let said = match error {
        ParseError(kind) => kind.to_string(),
        IoError(cause) => cause.to_string(),
        JsonSerde(cause) => format!("JSON: {cause}"),
        JsonUnsupportedVersion(version) => format!("JSON Feed version `{version}` is unknown"),
        XmlReader(cause) => format!("XML: {cause}"),
    };
    text::cut(&text::one_line(&said), LONGEST_CAUSE)
}

fn document(feed: model::Feed, format: &'static str) -> Document {
    let links = feed.links.into_iter().map(link).collect::<Vec<Link>>();
    let authors = people(feed.authors);
    // An entry without an author has its feed's (RFC 4287 section 4.2.1; JSON Feed 1.1 says the same).
    let inherited = if matches!(format, "atom" | "json") { &authors[..authors.len().min(MOST_INHERITED)] } else { &[] };
    Document {
        format,
        title: feed.title.as_ref().and_then(line),
        subtitle: feed.description.as_ref().and_then(line),
        link: links.iter().find(|link| link.rel.as_deref() == Some("alternate")).map(|link| link.href.clone()),
        id: given(feed.id),
        updated: feed.updated.and_then(timestamp),
        language: feed.language.and_then(given),
        entries: feed.entries.into_iter().map(|item| entry(item, inherited)).collect(),
        authors,
    }
}

fn entry(item: model::Entry, inherited: &[Person]) -> Entry {
    let mut entry = Entry {
        id: given(item.id),
        title: item.title.as_ref().and_then(line),
        authors: people(item.authors),
        published: item.published.and_then(timestamp),
        updated: item.updated.and_then(timestamp),
        summary: item.summary.map(body),
        content: item.content.and_then(|content| {
            let plain = content.content_type.as_str() == "text/plain";
            content.body.map(|body| if plain { text::to_html(&body) } else { body })
        }),
        tags: item.categories.into_iter().map(|tag| tag.term).collect(),
        ..Entry::default()
    };
    if entry.authors.is_empty() {
        entry.authors = inherited.to_vec();
    }
    for found in item.links {
        match found.rel.as_deref() {
            Some(FRAME) => {
                entry.base = found.title.and_then(given);
                entry.language = found.href_lang.and_then(given);
            }
            Some("enclosure") => {
                let (length, r#type) = (found.length, found.media_type.clone());
                let duration = found.href_lang.as_deref().and_then(|seconds| seconds.parse().ok());
                entry.enclosures.push(Enclosure { url: link(found).href, r#type, length, duration });
            }
            Some(PICTURE) => entry.image = Some(link(found).href),
            Some("replies") => entry.comments = Some(link(found).href),
            _ => entry.links.push(link(found)),
        }
    }
    entry
}

/// A link as it was written: its title keeps what feed-rs changes.
fn link(found: model::Link) -> Link {
    Link { href: found.title.unwrap_or(found.href), rel: found.rel, r#type: found.media_type }
}

fn people(people: Vec<model::Person>) -> Vec<Person> {
    let person = |person: model::Person| Person {
        name: person.name.filter(|name| person.uri.as_ref() != Some(name)),
        email: person.email,
        uri: person.uri,
    };
    people.into_iter().map(person).collect()
}

/// A title as plain text.
fn line(title: &model::Text) -> Option<String> {
    let plain = title.content_type.as_str() == "text/plain";
    given(if plain { text::one_line(&title.content) } else { text::from_html(&title.content) })
}

fn body(text: model::Text) -> String {
    if text.content_type.as_str() == "text/plain" { text::to_html(&text.content) } else { text.content }
}

fn given(text: String) -> Option<String> {
    if text.trim().is_empty() { None } else { Some(text) }
}

/// A date of the canonical document, which are all of one form.
fn time(text: &str) -> Option<DateTime<Utc>> {
    let at: Timestamp = text.parse().ok()?;
    DateTime::from_timestamp(at.as_second(), 0)
}

fn timestamp(at: DateTime<Utc>) -> Option<Timestamp> {
    Timestamp::from_second(at.timestamp()).ok()
}

#[cfg(test)]
mod tests;
