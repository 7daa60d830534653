//! PURE. From bytes to entries, and from entries to those that are new. Goes in: a document's bytes, its content type and
//! address. Comes out: [`Document`] of [`Entry`]s; [`diff`](diff::diff) then says which are new to the keys that are known.

#[cfg_attr(not(test), expect(dead_code, reason = "called by the layer in front of the parser"))]
mod date;
mod decode;
pub mod diff;
pub mod entry;
mod facts;
pub mod identity;
pub mod markup;
mod parse;
#[cfg_attr(not(test), expect(dead_code, reason = "called by the layer in front of the parser"))]
mod people;
pub mod text;
pub mod visible;

pub use entry::{Document, Enclosure, Entry, Link, Person};
pub use facts::{EntryFacts, Facts, FeedFacts};
pub use identity::{Identity, Key, Keys, Uid};
pub use parse::{ParseError, Parsed, looks_like_html, parse};
