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
mod names;
mod reader;
mod soup;
mod who;
mod words;

use url::Url;

use atom::Atom;
pub(crate) use atom::FRAME;
pub(crate) use json::{members, root as json_root};

use draft::FeedDraft;
use json::NoFeed;

use super::kind::Kind;

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
}

/// A document as Atom, with at most `most` of its entries: the newest. `None` where there is no feed in it.
pub(crate) fn canonical(text: &str, kind: Kind, document: Option<&Url>, most: usize) -> Option<Canonical> {
    match kind {
        // What looks like JSON may be junk before XML all the same.
        Kind::Json => of_json(text, document, most).or_else(|| of_xml(text, document, most)),
        Kind::Xml => of_xml(text, document, most),
        Kind::Other => None,
    }
}

fn of_xml(text: &str, document: Option<&Url>, most: usize) -> Option<Canonical> {
    let mut atom = Atom::default();
    let read = reader::read(text, document, &mut atom);
    Some(finished(atom, read.feed, read.format?, read.torn, read.remarks, most))
}

fn of_json(text: &str, document: Option<&Url>, most: usize) -> Option<Canonical> {
    let mut atom = Atom::default();
    match json::read(text, document, &mut atom) {
        Ok((feed, remarks, torn)) => Some(finished(atom, feed, "json", torn, remarks, most)),
        Err(NoFeed::Torn) => Some(finished(atom, FeedDraft::default(), "json", true, Vec::new(), most)),
        Err(NoFeed::Other) => None,
    }
}

fn finished(atom: Atom, feed: FeedDraft, format: &'static str, torn: bool, mut remarks: Vec<String>, most: usize) -> Canonical {
    let entries = atom.len();
    if entries > most {
        remarks.push(format!("only the newest {most} of {entries} entries are read"));
    }
    Canonical { xml: atom.finish(feed, most), format, entries, torn, remarks }
}
