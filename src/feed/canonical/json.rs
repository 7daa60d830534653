//! JSON Feed 1.0 and 1.1, and what is like it in the wild, as drafts. Items are handed on one by one as they are read: no tree
//! of the document is built, and nothing recurses. What came whole before a document breaks off is kept.

mod field;
mod item;
mod scan;

use url::Url;

use super::atom::Atom;
use super::draft::FeedDraft;
use super::links::absolute;
use crate::feed::entry::Link;
use field::Text;
use scan::{Scanner, Value};

/// Why JSON gave no feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoFeed {
    /// It is about something else.
    Other,
    /// It may be one, and breaks off before its first entry is whole.
    Torn,
}

/// How far into a text its JSON may begin.
const JUNK: usize = 64 * 1024;
/// How many objects in objects a feed may be wrapped into: `rss`, `channel`.
const MOST_WRAPPERS: usize = 3;

/// How many keys are named of what is no feed.
const MOST_MEMBERS: usize = 30;

/// What was found while reading.
#[derive(Default)]
struct Reader<'a> {
    feed: FeedDraft,
    remarks: Vec<String>,
    /// Whether the version says that it is JSON Feed.
    is_json_feed: bool,
    /// Whether a list of items was there.
    listed: bool,
    /// A list under another name than `items`, from its value on.
    spare: Option<Scanner<'a>>,
    base: Option<Url>,
}

/// Reads a document, and hands its entries to `atom`. Answers what was odd about it, and whether it breaks off.
///
/// # Errors
/// When it is no feed, or breaks off too early.
pub(crate) fn read(text: &str, base: Option<&Url>, atom: &mut Atom) -> Result<(FeedDraft, Vec<String>, bool), NoFeed> {
    let from = root(text).ok_or(NoFeed::Other)?;
    let mut scanner = Scanner::new(&text[from..]);
    let mut reader = Reader { base: base.cloned(), ..Reader::default() };
    match scanner.value() {
        Value::Object => reader.object(&mut scanner, atom),
        Value::Array => reader.items(&mut scanner, atom),
        Value::Text(_) | Value::Number(_) | Value::Flag | Value::Null => return Err(NoFeed::Other),
    }
    if atom.len() == 0
        && let Some(mut spare) = reader.spare.take()
        && spare.value() == Value::Array
    {
        reader.items(&mut spare, atom);
    }
    if scanner.is_torn() && reader.remarks.is_empty() {
        reader.remarks.push("it breaks off after its last entry".to_owned());
    }
    let is_feed = reader.is_json_feed || atom.len() > 0 || (reader.listed && reader.feed.title.get().is_some());
    match (is_feed, scanner.is_torn()) {
        (_, true) if atom.len() == 0 && (reader.is_json_feed || reader.listed) => Err(NoFeed::Torn),
        (true, torn) => Ok((reader.feed, reader.remarks, torn)),
        (false, _) => Err(NoFeed::Other),
    }
}

/// Where the JSON of a text begins, after a callback's name, a guard against scripts, or the warnings of a server.
pub(crate) fn root(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    // `)]}',` and the like.
    let from = if text.trim_start().starts_with(")]}") { text.find(['\n', ',']).unwrap_or(0) } else { 0 };
    let brackets = bytes.iter().enumerate().take(JUNK).skip(from).filter(|(_, b)| matches!(b, b'{' | b'['));
    let mut looked = 0;
    for (at, bracket) in brackets {
        let next = bytes[at + 1..].iter().take(1024).find(|b| !b.is_ascii_whitespace());
        let fits = match (bracket, next) {
            (b'{', Some(b'"' | b'\'' | b'}' | b'/')) | (b'[', Some(b'{' | b']')) => true,
            // A bare word needs its colon; else it may be anything, such as a style sheet.
            (b'{', Some(b)) if b.is_ascii_alphabetic() && at == from => {
                let word = text[at + 1..].trim_start().trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
                word.trim_start().starts_with(':')
            }
            _ => false,
        };
        if fits {
            return Some(at);
        }
        looked += 1;
        if looked > 100 {
            break;
        }
    }
    None
}

/// The keys of a text's JSON, and their values as far as they are text; of a list, those of its first object.
pub(crate) fn members(text: &str) -> Option<Vec<(String, String)>> {
    let mut scanner = Scanner::new(&text[root(text)?..]);
    let mut value = scanner.value();
    if value == Value::Array && scanner.more() {
        value = scanner.value();
    }
    if value != Value::Object {
        return None;
    }
    let mut found = Vec::new();
    while let Some(key) = scanner.key() {
        let said = field::text(&mut scanner).map(|text| text.said.into_owned()).unwrap_or_default();
        if found.len() < MOST_MEMBERS {
            found.push((key.into_owned(), said));
        }
    }
    Some(found)
}

impl<'a> Reader<'a> {
    /// The object that was just opened, and those that a feed is wrapped into.
    fn object(&mut self, scanner: &mut Scanner<'a>, atom: &mut Atom) {
        let mut wrappers = 0;
        loop {
            let Some(key) = scanner.key() else {
                match wrappers {
                    0 => return,
                    _ => wrappers -= 1,
                }
                continue;
            };
            match &*key {
                "items" => match scanner.value() {
                    Value::Array => self.items(scanner, atom),
                    other => scanner.skip(&other),
                },
                "feed" | "rss" | "channel" | "rdf:RDF" if wrappers < MOST_WRAPPERS => match scanner.value() {
                    Value::Object => wrappers += 1,
                    other => scanner.skip(&other),
                },
                "entries" | "posts" | "articles" | "stories" | "entry" | "item" => {
                    if self.spare.is_none() {
                        self.spare = Some(scanner.clone());
                    }
                    scanner.skip_value();
                }
                "authors" | "author" => field::people(scanner, |person| self.feed.authors.add(1, person)),
                "link" | "links" => self.links(scanner),
                _ => {
                    if let Some(text) = field::text(scanner) {
                        self.word(&key, text);
                    }
                }
            }
        }
    }

    fn word(&mut self, key: &str, text: Text<'_>) {
        let text = match key {
            "title" => return self.feed.title.offer(1, field::words(text)),
            "description" | "subtitle" | "tagline" => return self.feed.subtitle.offer(1, field::words(text)),
            _ => text.said,
        };
        match key {
            "version" => self.is_json_feed |= text.to_ascii_lowercase().contains("jsonfeed"),
            "home_page_url" => self.link(&text, "alternate", None, 0),
            "feed_url" => self.link(&text, "self", None, usize::MAX),
            "id" => self.feed.id = Some(text.into_owned()),
            "language" | "lang" => self.feed.language.offer(1, text.into_owned()),
            "date_modified" | "updated" | "lastBuildDate" | "date_published" | "pubDate" => {
                if let Some(at) = field::date(&text) {
                    self.feed.updated.offer(u8::from(key != "date_published" && key != "pubDate"), at);
                }
            }
            _ => {}
        }
    }

    fn links(&mut self, scanner: &mut Scanner<'a>) {
        let mut found = Vec::new();
        field::links(scanner, |href, rel, kind| {
            if found.len() < super::draft::MOST_PARTS {
                found.push((href, rel.unwrap_or("alternate").to_owned(), kind));
            }
        });
        for (href, rel, kind) in found {
            self.link(&href, &rel, kind, usize::MAX);
        }
    }

    fn link(&mut self, href: &str, rel: &str, kind: Option<String>, place: usize) {
        let Some(href) = absolute(href, self.base.as_ref()) else { return };
        // A document that came from nowhere says itself what its links are relative to.
        if self.base.is_none() && matches!(rel, "alternate" | "self") {
            self.base = Url::parse(&href).ok();
        }
        let known = self.feed.links.iter().any(|known| known.href == href && known.rel.as_deref() == Some(rel));
        if !known && self.feed.links.len() < super::draft::MOST_PARTS {
            let link = Link { href, rel: Some(rel.to_owned()), r#type: kind };
            self.feed.links.insert(place.min(self.feed.links.len()), link);
        }
    }

    /// The items of the array that was just opened.
    fn items(&mut self, scanner: &mut Scanner<'a>, atom: &mut Atom) {
        self.listed = true;
        while scanner.more() {
            if !item::begins(scanner) {
                continue;
            }
            match item::read(scanner, self.base.as_ref()) {
                Some(entry) if self.is_json_feed || is_item(&entry) => atom.entry(entry),
                Some(_) => {}
                None => self.remarks.push("it breaks off; its last entry was not whole and is left out".to_owned()),
            }
        }
    }
}

/// Whether an object in a list that nobody calls JSON Feed is an entry: it goes somewhere or has text, beside a title or an id.
fn is_item(entry: &super::draft::EntryDraft) -> bool {
    let says = entry.title.get().is_some() || entry.content.get().is_some() || entry.summary.get().is_some();
    let goes = !entry.links.is_empty() || entry.content.get().is_some() || entry.published.get().is_some();
    says && goes
}

#[cfg(test)]
mod tests;
