//! PURE. From an article to an RFC 5322 message. Goes in: an entry, its article, the facts, and the [`Look`] that the
//! configuration resolved for this feed and sink. Comes out: [`Mail`], the same bytes for the same input: no clock, no
//! randomness.

mod changes;
mod compose;
mod encoded;
mod headers;
mod page;
mod parts;
mod picture;

pub use changes::marked;
pub use compose::{ComposeError, Head, Letter, compose, head, html, text};
pub use parts::{Attachment, Inline};
pub use picture::picture;

use crate::expression::Template;
use crate::feed::Facts;

/// A finished message.
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    /// The envelope's sender: the configured address, as ASCII.
    pub from: String,
    /// The envelope's recipients, as ASCII; never empty.
    pub to: Vec<String>,
    /// The `Message-ID`, without angle brackets.
    pub message_id: String,
    /// The message, every line ended by CRLF, no line over 998 octets.
    pub bytes: Vec<u8>,
    /// What a sink's own templates (a folder's path) may use.
    pub facts: Facts,
}

/// How a mail looks: resolved by the configuration for each feed and sink.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The address it comes from; never a publisher's.
    pub from: lettre::Address,
    /// The name beside that address.
    pub from_name: Template,
    /// Whom it goes to: addresses, separated by commas.
    pub to: Template,
    /// Its subject.
    pub subject: Template,
    /// Its parts.
    pub format: Format,
    /// What becomes of the images that its HTML shows.
    pub images: Images,
    /// The entry's files up to this size, in bytes, come with it.
    pub attach: Option<u64>,
}

/// What becomes of an article's images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Images {
    /// They stay where they are, and the reader's program fetches them, or does not.
    #[default]
    Remote,
    /// The mail carries them.
    Inline,
    /// Their descriptions stand in their places.
    None,
}

impl Images {
    /// The words for them, as the configuration writes them.
    pub const WORDS: &'static [(&'static str, Self)] =
        &[("remote", Self::Remote), ("inline", Self::Inline), ("none", Self::None)];
}

/// What a mail consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Text and HTML, for the reader's program to choose.
    #[default]
    Both,
    /// HTML alone.
    Html,
    /// Text alone.
    Text,
    /// The entry's link on a line and nothing else, for services that save what is mailed to them.
    Url,
}

/// The name beside the address where the configuration names none: the feed's title, and the author where it is another.
pub const FROM_NAME: &str =
    "{{ feed.title }}{% if entry.author and entry.author != feed.title %} ({{ entry.author }}){% endif %}";
/// The subject where the configuration names none.
pub const SUBJECT: &str = "{{ entry.title }}";

impl Format {
    /// The format of a word in the configuration.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(name, _)| *name == word).map(|(_, format)| *format)
    }

    /// The words for formats, as the configuration writes them.
    pub const WORDS: &'static [(&'static str, Self)] =
        &[("both", Self::Both), ("html", Self::Html), ("text", Self::Text), ("url", Self::Url)];
}
