//! PURE. The layer in front of feed-rs: a document in any dialect and any state becomes clean Atom. Goes in: text. Comes out:
//! [`Canonical`], which feed-rs reads without loss. One pass over the text; each entry is written as soon as it is whole.

mod atom;
mod channel;
mod draft;
mod entities;
mod inner;
mod item;
mod links;
mod names;
mod reader;
mod soup;
mod words;

use url::Url;

pub(crate) use atom::FRAME;
use atom::Atom;

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
pub(crate) fn canonical(text: &str, document: Option<&Url>, most: usize) -> Option<Canonical> {
    let mut atom = Atom::default();
    let read = reader::read(text, document, &mut atom);
    let (format, torn, entries) = (read.format?, read.torn, atom.len());
    let mut remarks = read.remarks;
    if entries > most {
        remarks.push(format!("only the newest {most} of {entries} entries are read"));
    }
    Some(Canonical { xml: atom.finish(read.feed, most), format, entries, torn, remarks })
}
