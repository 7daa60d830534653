//! PURE. From an entry to what a sink takes. The same for a delivery and for `feeds preview`.

use jiff::Timestamp;

use crate::article::{article, summary};
use crate::delivery::MessageId;
use crate::feed::{Entry, Facts, FeedFacts, visible};
use crate::mail::{ComposeError, Letter, Look, compose, marked};
use crate::sink::{Link, Made, Wants};

/// How a feed's entries are delivered to one sink.
#[derive(Debug, Clone, PartialEq)]
pub struct Addressed {
    /// The feed, as it is shown.
    pub feed: FeedFacts,
    /// How a mail looks; `None` for a sink that takes none.
    pub look: Option<Look>,
}

/// What is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// How it is delivered.
    pub addressed: &'a Addressed,
    /// What the sink takes.
    pub wants: Wants,
    /// The id it travels under.
    pub message_id: &'a MessageId,
    /// The version before, where this is a new one that is to be threaded to it.
    pub follows: Option<Follows<'a>>,
    /// When the entry was first seen.
    pub first_seen: Timestamp,
}

/// An earlier version of an entry, to which a new one is threaded.
#[derive(Debug, Clone, Copy)]
pub struct Follows<'a> {
    /// The id that the first version travelled under.
    pub first: &'a MessageId,
    /// What a reader saw of the version before, where that is kept: then what changed is marked.
    pub before: Option<&'a str>,
}

/// Why nothing could be made of an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MakeError {
    /// A sink that takes links, and an entry without one.
    #[error("the entry has no link to send")]
    NoLink,
    /// A mail that could not be composed.
    #[error("the mail cannot be composed: {0}")]
    Compose(#[from] ComposeError),
}

/// Makes what the sink takes. The same order always makes the same.
///
/// # Errors
/// When the entry lacks what the sink takes, or a template fails on it.
pub fn make(order: Order<'_>) -> Result<Made, MakeError> {
    let Order { entry, addressed, wants, message_id, follows, first_seen } = order;
    match (wants, &addressed.look) {
        (Wants::Mail, Some(look)) => {
            let article = article(entry, Some(addressed.feed.link.as_str()));
            let facts = Facts::new(&addressed.feed, entry, &article.summary);
            let before = follows.and_then(|follows| follows.before);
            let article = before.and_then(|before| marked(&article, before, &visible::text(entry))).unwrap_or(article);
            let in_reply_to = follows.map(|follows| follows.first);
            let letter = Letter { entry, article: &article, facts: &facts, message_id, in_reply_to, first_seen };
            Ok(Made::Mail(compose(letter, look)?))
        }
        (Wants::Link, _) | (Wants::Mail, None) => {
            let url = entry.link().ok_or(MakeError::NoLink)?.to_owned();
            let title = entry.title.clone().unwrap_or_else(|| url.clone());
            let facts = Facts::new(&addressed.feed, entry, &summary(entry));
            Ok(Made::Link(Link { url, title, facts }))
        }
    }
}
