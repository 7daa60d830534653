//! PURE. What a text is: a feed in XML or in JSON, or something else, and then what. Goes in: text. Comes out: [`Kind`], or words
//! for an error.

mod other;

pub(super) use other::not_a_feed;

use super::canonical::json_root;

/// By what a document is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// By the reader of XML.
    Xml,
    /// By the reader of JSON.
    Json,
    /// There is no feed in it.
    Other,
}

/// Files that servers send in a feed's place, by their first bytes.
const FILES: &[(&[u8], &str)] = &[
    (b"\x89PNG", "a PNG image"),
    (b"GIF8", "a GIF image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\0\0\x01\0", "an icon"),
    (b"%PDF-", "a PDF document"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh9", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"ID3", "an MP3 file"),
    (b"OggS", "an Ogg file"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\0", "a SQLite database"),
];

/// Elements that begin a feed.
const FEED: &[&str] = &["rss", "feed", "rdf"];
/// Elements that begin a part of one.
const PART: &[&str] = &["channel", "item", "entry"];
/// Elements that begin a page.
const PAGE: &[&str] = &["html", "head", "body"];
/// Elements that begin a page whose author left out the others, or what a server says before it.
const FRAGMENT: &[&str] =
    &["title", "meta", "link", "script", "style", "div", "p", "br", "b", "h1", "h2", "center", "table", "pre", "span", "form"];

/// The kind of file that bytes are, where they are no text.
pub(super) fn binary(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Some("a WebP image");
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return Some("an MP4 file");
    }
    FILES.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, name)| *name)
}

/// Whether there is nothing to see in a text.
pub(super) fn is_empty(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{200b}'))
}

/// By what a text is to be read. Junk may stand before its root.
pub(super) fn kind(text: &str, content_type: Option<&str>) -> Kind {
    let page = tags(text).find(|(_, name, _)| is_page_tag(name)).map(|(at, ..)| at);
    let feed =
        tags(text).find(|(at, name, rest)| begins_feed(name, rest, page.is_some_and(|page| page < *at))).map(|(at, ..)| at);
    let says_json = content_type.is_some_and(|kind| kind.to_ascii_lowercase().contains("json"));
    let before = |json: usize, other: Option<usize>| other.is_none_or(|other| json < other);
    match json_root(text) {
        Some(json) if before(json, feed) && (before(json, page) || says_json) => Kind::Json,
        _ if feed.is_some() => Kind::Xml,
        _ => Kind::Other,
    }
}

/// Whether a text is a page for people.
pub(super) fn is_page(text: &str) -> bool {
    let first = tags(text).find(|(_, name, _)| !name.starts_with(['?', '!', '/']) || name.eq_ignore_ascii_case("!doctype"));
    first.is_some_and(|(_, name, rest)| match &*name.to_ascii_lowercase() {
        "!doctype" => rest.trim_start().get(..4).is_some_and(|root| root.eq_ignore_ascii_case("html")),
        local => is_page_tag(name) || FRAGMENT.contains(&local),
    })
}

fn is_page_tag(name: &str) -> bool {
    PAGE.iter().any(|tag| tag.eq_ignore_ascii_case(name))
}

/// Whether a tag begins a feed. After the beginning of a page, only one that says so in its attributes does: pages show
/// examples, and have `<item>`s of their own.
fn begins_feed(name: &str, rest: &str, in_page: bool) -> bool {
    let local = name.rsplit(':').next().unwrap_or(name);
    let is = |tags: &[&str]| tags.iter().any(|tag| tag.eq_ignore_ascii_case(local));
    if !in_page {
        return is(FEED) || is(PART);
    }
    let attributes = rest.split(['>', '<']).next().unwrap_or_default();
    is(FEED) && ["xmlns", "version="].iter().any(|word| attributes.contains(word))
}

/// The tags of a text, in their order: where each stands, its name, and what follows the name.
fn tags(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    text.match_indices('<').filter_map(|(at, _)| {
        let rest = &text[at + 1..];
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, ':' | '-' | '_' | '.' | '?' | '!' | '/'))
            .unwrap_or(rest.len());
        let name = rest[..end].trim_end_matches('/');
        (!name.is_empty()).then(|| (at, name, &rest[end..]))
    })
}

#[cfg(test)]
mod tests;
