//! The fetching loop: claims hosts whose feeds are due, asks each feed in its turn, and records what is new together with its
//! deliveries. It joins `fetch`, `feed`, `schedule` and `store`; it knows no sink, and reads the clock only through what it
//! is handed.

mod changes;
mod hold;
mod hosts;
mod notice;
mod ready;
mod recorder;
mod together;

pub use hold::{Fate, Plan, plan};
pub use hosts::{Poller, Which, keep_paces, learn, learned, remember};
pub use notice::tell;
pub use recorder::{Polled, Recorder};

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::delivery::Updates;
use crate::feed::Identity;
use crate::fetch::{Access, Program, Source};
use crate::schedule;
use crate::trouble::Trouble;

/// A feed as it is polled.
#[derive(Debug, Clone, PartialEq)]
pub struct Subscription {
    /// Its name.
    pub name: String,
    /// Its URL as configured: what its entries' identities are made from.
    pub url: String,
    /// Where its document comes from.
    pub source: Source,
    /// How it is asked; `None` where it has no settings of its own.
    pub access: Option<Arc<Access>>,
    /// The program that its documents pass through.
    pub filter: Option<Program>,
    /// How often it is asked.
    pub schedule: schedule::Settings,
    /// How many of its entries are delivered when it is new.
    pub backlog: Backlog,
    /// What a story that other feeds carry too is delivered once for.
    pub once_per: OncePer,
    /// What becomes of an entry that is edited after it was delivered.
    pub updates: Updates,
    /// By which keys its entries are recognised.
    pub identity: Identity,
    /// What is dated longer ago and turns up late is remembered, not delivered.
    pub max_age: Duration,
    /// More new entries than this at once are held.
    pub max_new: u32,
    /// Where its entries go.
    pub destinations: Vec<Destination>,
}

/// How many of the entries already in a new feed are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backlog {
    /// So many of the newest.
    Newest(u32),
    /// All of them.
    All,
}

/// What one story, the same link in several feeds, is delivered once for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OncePer {
    /// For each feed that carries it.
    #[default]
    Feed,
    /// For each sink: the feed that has it first delivers it, the others are named in it.
    Sink,
}

impl OncePer {
    /// The words for it, as the configuration writes them.
    pub const WORDS: &'static [(&'static str, Self)] = &[("feed", Self::Feed), ("sink", Self::Sink)];
}

/// A sink that a feed's entries go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The sink's name.
    pub sink: String,
    /// What stands after the `@` of its Message-IDs.
    pub id_domain: String,
}

/// What happened while polling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A document came, and was recorded.
    Fetched {
        /// The feed's name.
        feed: String,
        /// How many entries it holds.
        entries: usize,
        /// How many of them are new.
        new: usize,
        /// How many of those go to some sink: not what is held, nor what another feed tells there (`once_per`).
        queued: usize,
        /// How many known entries were edited, of a feed whose updates are wanted.
        changed: usize,
        /// What is held of it, if anything.
        held: Option<Held>,
        /// What was odd about it.
        remarks: Vec<String>,
    },
    /// The document is the one we have.
    Unchanged {
        /// The feed's name.
        feed: String,
    },
    /// Nothing usable came.
    Failed(Failure),
}

/// Entries that are not delivered before a person says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// How many.
    pub entries: usize,
    /// What makes us think so, in words.
    pub why: String,
    /// Nothing of the feed was held before.
    pub first: bool,
}

/// A feed that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The feed's name.
    pub feed: String,
    /// What happened, in words.
    pub error: String,
    /// The next step for a person, where there is one.
    pub help: Option<String>,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// How many requests in a row have failed.
    pub failures: u32,
    /// When it is asked next; `None` where it never is by itself.
    pub next_poll: Option<Timestamp>,
    /// What sort of failure it is.
    pub trouble: Trouble,
    /// Since when it fails.
    pub since: Timestamp,
    /// This failure is the one at which a person must look: the feed is gone, or has been failing for days.
    pub declared: bool,
}

#[cfg(test)]
impl Subscription {
    /// A subscription for tests.
    pub(crate) fn specimen(name: &str, backlog: Backlog) -> Self {
        let url = format!("https://{name}.example/feed");
        Self {
            name: name.to_owned(),
            source: Source::File(format!("/nowhere/{name}.xml").into()),
            url,
            access: None,
            filter: None,
            schedule: schedule::Settings::default(),
            backlog,
            once_per: OncePer::Feed,
            updates: Updates::Ignore,
            identity: Identity::Auto,
            max_age: Duration::from_secs(30 * 86_400),
            max_new: 50,
            destinations: Vec::new(),
        }
    }
}
