//! PURE. From an article to an RFC 5322 message. Goes in: an entry, its article, the facts, and the [`Look`] that the
//! configuration resolved for this feed and sink. Comes out: [`Mail`], the same bytes for the same input: no clock, no
//! randomness.

mod body;
mod changes;
mod clip;
mod compose;
mod direction;
mod encoded;
mod flow;
mod foot;
mod headers;
mod page;
mod parts;
mod picture;
mod plain;

pub use body::try_body;
pub use changes::marked;
pub use compose::{ComposeError, Letter, Reading, compose, reading};
pub use parts::{Attachment, Inline};
pub use picture::picture;

use crate::expression::Template;
use crate::feed::Facts;

/// A finished message.
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    /// The envelope's sender: the configured address, its domain as ASCII.
    pub from: String,
    /// The envelope's recipients, their domains as ASCII; never empty.
    pub to: Vec<String>,
    /// The `Message-ID`, without angle brackets.
    pub message_id: String,
    /// The message, every line ended by CRLF, no line over 998 octets.
    pub bytes: Vec<u8>,
    /// What a sink's own templates (a folder's path) may use.
    pub facts: Facts,
    /// What a person should know of how it was made: templates that failed on it.
    pub remarks: Vec<String>,
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
    /// What makes its HTML; else what is built in.
    pub body_html: Option<Template>,
    /// What makes its text; else what is built in.
    pub body_text: Option<Template>,
    /// After how many characters lines of its text are broken; 0: never.
    pub wrap: u16,
    /// What becomes of HTML that is too long to be shown whole.
    pub clip: Clip,
    /// What becomes of the images that its HTML shows.
    pub images: Images,
    /// The entry's files up to this size, in bytes, come with it.
    pub attach: Option<u64>,
}

impl Look {
    /// How a mail looks that only has addresses.
    #[must_use]
    pub fn plain(from: lettre::Address, to: Template) -> Self {
        Self {
            from,
            from_name: Template::builtin(FROM_NAME),
            to,
            subject: Template::builtin(SUBJECT),
            format: Format::default(),
            body_html: None,
            body_text: None,
            wrap: WRAP,
            clip: Clip::default(),
            images: Images::default(),
            attach: None,
        }
    }

    /// Whether its HTML shows images that it carries.
    #[must_use]
    pub fn shows_images_inline(&self) -> bool {
        self.images == Images::Inline && self.shows_held_images()
    }

    /// Whether its HTML shows images that the entry holds itself, in their addresses: no mail program shows those but as parts.
    #[must_use]
    pub fn shows_held_images(&self) -> bool {
        self.images != Images::None && matches!(self.format, Format::Both | Format::Html)
    }

    /// The same without the words of its user's that may fail.
    #[must_use]
    pub fn without_words(&self) -> Self {
        let Self { from, to, format, wrap, clip, .. } = self.clone();
        Self { format, wrap, clip, ..Self::plain(from, to) }
    }
}

/// What becomes of HTML that is longer than Gmail shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clip {
    /// A line at its top says so.
    #[default]
    Notice,
    /// It is cut where a block ends, else at a sentence or a word, with a link to the rest.
    Cut,
    /// Nothing.
    Off,
}

impl Clip {
    /// The way of a word in the configuration.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(name, _)| *name == word).map(|(_, clip)| *clip)
    }

    /// The words for it, as the configuration writes them.
    pub const WORDS: &'static [(&'static str, Self)] = &[("notice", Self::Notice), ("cut", Self::Cut), ("off", Self::Off)];
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
/// After how many characters lines of text are broken where the configuration says nothing.
pub const WRAP: u16 = 72;

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
