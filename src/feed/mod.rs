//! PURE. From bytes to entries, and from entries to those that are new. Goes in: a document's bytes, its content type and
//! address. Comes out: [`Document`] of [`Entry`]s; [`diff`](diff::diff) then says which are new to the keys that are known.

mod address;
mod canonical;
mod date;
mod decode;
pub mod diff;
pub mod discover;
pub mod entry;
mod facts;
mod hints;
pub mod identity;
mod kind;
pub mod markup;
mod page;
mod parse;
mod people;
mod richest;
pub mod text;
pub mod visible;

pub use address::{file_name, untracked};
pub use discover::{Found, discover};
pub use entry::{Document, Enclosure, Entry, Link, Person};
pub use facts::{EnclosureFacts, EntryFacts, Facts, FeedFacts};
pub use hints::{Hints, Period};
pub use identity::{Identity, Key, Keys, Uid};
pub use page::page_text;
pub use parse::{ParseError, Parsed, parse};
