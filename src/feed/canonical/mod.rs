//! PURE. The layer in front of feed-rs: a document in any dialect and any state becomes clean Atom. Goes in: text. Comes out:
//! [`Canonical`], which feed-rs reads without loss. One pass over the text; each entry is written as soon as it is whole.

mod atom;
mod channel;
mod children;
mod draft;
mod entities;
mod inner;
mod item;
mod json;
mod links;
mod media;
mod names;
mod reader;
mod soup;
mod who;
mod words;

use std::borrow::Cow;

use url::Url;

use atom::Atom;
pub(crate) use atom::{FRAME, PICTURE};
pub(crate) use json::{members, root as json_root};

use draft::FeedDraft;
use entities::Entities;
use json::NoFeed;

use super::hints::Hints;
use super::kind::Kind;
use crate::words::count;

/// A document as Atom.
#[derive(Debug)]
pub(crate) struct Canonical {
    /// The Atom.
    pub(crate) xml: String,
    /// What it was written in.
    pub(crate) format: &'static str,
    /// How many entries there are in it, and how many of them are written.
    pub(crate) entries: usize,
    /// Whether it ended before its feed did.
    pub(crate) torn: bool,
    /// What was odd about it, in words.
    pub(crate) remarks: Vec<String>,
    /// What it says of how often it changes.
    pub(crate) hints: Hints,
}

/// A document as Atom, with at most `most` of its entries: the newest. `None` where there is no feed in it.
pub(crate) fn canonical(text: &str, kind: Kind, document: Option<&Url>, most: usize) -> Option<Canonical> {
    let found = match kind {
        // What looks like JSON may be junk before XML all the same.
        Kind::Json => of_json(text, document, most).or_else(|| of_xml(text, document, most)),
        Kind::Xml => of_xml(text, document, most),
        Kind::Other => None,
    };
    found.or_else(|| of_xml(&unescaped(text)?, document, most))
}

/// A document that a service wrapped into another one as text. Nothing is said before it; else it is an example in a page.
fn unescaped(text: &str) -> Option<Cow<'_, str>> {
    const BEGINS: &[&str] = &["&lt;?xml", "&lt;rss", "&lt;feed", "&lt;rdf:rdf"];
    let at = text.find("&lt;")?;
    let begins = text[at..].get(..12).unwrap_or(&text[at..]).to_ascii_lowercase();
    let wrappers = text[..at].trim();
    let silent = wrappers.is_empty()
        || (wrappers.ends_with('>') && wrappers.split('>').all(|tag| tag.trim().starts_with(['<']) || tag.trim().is_empty()));
    (silent && BEGINS.iter().any(|root| begins.starts_with(root))).then(|| Entities::default().resolve(&text[at..]))
}

fn of_xml(text: &str, document: Option<&Url>, most: usize) -> Option<Canonical> {
    let mut atom = Atom::new(text.len());
    let read = reader::read(text, document, &mut atom);
    Some(finished(atom, read.feed, read.format?, read.torn, read.remarks, most))
}

fn of_json(text: &str, document: Option<&Url>, most: usize) -> Option<Canonical> {
    let mut atom = Atom::new(text.len());
    match json::read(text, document, &mut atom) {
        Ok(json::Read { feed, torn, remarks }) => Some(finished(atom, feed, "json", torn, remarks, most)),
        Err(NoFeed::Torn) => Some(finished(atom, FeedDraft::default(), "json", true, Vec::new(), most)),
        Err(NoFeed::Other) => None,
    }
}

fn finished(
    atom: Atom,
    mut feed: FeedDraft,
    format: &'static str,
    torn: bool,
    mut remarks: Vec<String>,
    most: usize,
) -> Canonical {
    let entries = atom.len();
    if entries > most {
        remarks.push(format!("only the newest {most} of {entries} entries are read"));
    }
    if atom.crowded() > 0 {
        let left_out = count(u64::try_from(atom.crowded()).unwrap_or(u64::MAX), "entry");
        remarks.push(format!("{left_out} left out: those before are many times as large as the document"));
    }
    remarks.extend(feed.hints.settle());
    let hints = std::mem::take(&mut feed.hints);
    Canonical { xml: atom.finish(feed, most), format, entries, torn, remarks, hints }
}

#[cfg(test)]
mod tests;
