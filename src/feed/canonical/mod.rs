//! PURE. The layer in front of feed-rs: a document in any dialect and any state becomes clean Atom. Goes in: text. Comes out:
//! [`Canonical`], which feed-rs reads without loss, or what the text is instead of a feed.

mod atom;
mod draft;
mod links;

pub(crate) use atom::FRAME;
