//! Where entries go: the [`Sink`] trait, the list of kinds, and one file per kind. A sink knows how its parcels travel
//! and what its answers mean; it knows no feed, no database, and no other sink.

mod answer;
mod linkding;
mod maildir;
mod settings;
mod smtp;

use std::fmt;
use std::path::PathBuf;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use crate::delivery::{DeliveryId, IdempotencyKey, Outcome, Pause};
use crate::env::Env;
use crate::feed::Facts;
use crate::mail::Mail;

pub use settings::{SECRETS, Settings, SettingsError, SettingsMistake, secret_of};

/// Where entries go. One implementation per file in this folder.
pub trait Sink: Send + Sync + fmt::Debug {
    /// Connects and authenticates without delivering anything; says in a few words what answered. For `feeds check`.
    fn check(&self) -> BoxFuture<'_, Result<String, SinkError>>;
    /// What must be made of an entry before it can be delivered here.
    fn wants(&self) -> Wants;
    /// Whether a parcel can take the place of an earlier one here.
    fn replaces(&self) -> bool {
        false
    }
    /// Delivers in order, reporting each outcome as soon as it is known. What is not reported was not tried.
    ///
    /// # Errors
    /// The sink's own trouble (login, relay, quota, down): it rests, and keeps its queue.
    fn deliver<'a>(&'a self, parcels: &'a [Parcel], report: &'a Reports) -> BoxFuture<'a, Result<(), Pause>>;
    /// Ends what is open (a connection) politely. Called when a run has nothing left for this sink, or nothing for a while.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
    /// Where it delivers to, in a few words and without secrets, for messages: `smtp.example.net:587`, `~/Mail/feeds`.
    fn place(&self) -> String;
}

/// What a sink takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// A URL and what describes it.
    Link,
    /// An RFC 5322 message.
    Mail,
}

/// What was made of an entry.
#[derive(Debug, Clone)]
pub enum Made {
    /// A URL and what describes it.
    Link(Link),
    /// An RFC 5322 message.
    Mail(Mail),
}

/// A URL to be read later, and what describes it.
#[derive(Debug, Clone)]
pub struct Link {
    /// The entry's page.
    pub url: String,
    /// The entry's title, as plain text; the URL where it has none.
    pub title: String,
    /// What the sink's templates may use.
    pub facts: Facts,
}

/// One or more deliveries made into what a sink takes.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Which deliveries it settles.
    pub deliveries: Vec<DeliveryId>,
    /// The `Message-ID` it was queued under, without angle brackets.
    pub message_id: String,
    /// Under which a service may recognise it.
    pub key: IdempotencyKey,
    /// How often it was tried before.
    pub attempt: u32,
    /// The earlier delivery whose place it takes; only for a sink that [`replaces`](Sink::replaces).
    pub replaces: Option<IdempotencyKey>,
    /// What is handed over.
    pub made: Made,
}

/// Where a sink reports what became of its parcels.
#[derive(Debug)]
pub struct Reports(mpsc::Sender<(Vec<DeliveryId>, Outcome)>);

impl Reports {
    /// Reports that come out at the receiving end. At most `unwritten` of them wait there at any moment.
    #[must_use]
    pub fn channel(unwritten: usize) -> (Self, mpsc::Receiver<(Vec<DeliveryId>, Outcome)>) {
        let (sender, receiver) = mpsc::channel(unwritten);
        (Self(sender), receiver)
    }

    /// Reports what became of one parcel.
    pub async fn send(&self, parcel: &Parcel, outcome: Outcome) {
        // The receiver outlives every sink's call; where it is gone the process is ending and the parcel is tried again.
        self.0.send((parcel.deliveries.clone(), outcome)).await.ok();
    }
}

/// Why a sink could not be checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SinkError {
    /// What happened, in words.
    pub reason: String,
    /// The next step.
    pub help: Option<String>,
}

impl From<Pause> for SinkError {
    fn from(pause: Pause) -> Self {
        Self { reason: pause.reason, help: None }
    }
}

/// A sort of sink: what `type = "…"` in the configuration selects.
#[derive(Debug)]
pub struct Kind {
    /// The word after `type =`.
    pub name: &'static str,
    /// One line for `feeds check` and the table in docs/sinks.md.
    pub summary: &'static str,
    /// It delivers on this machine: its mails need no addresses of the user's.
    pub local: bool,
    /// Makes the sink from its table, so that a mistake has a line and a caret.
    pub build: Build,
}

/// Makes a sink from its settings.
pub type Build = fn(Settings<'_>, &Shared) -> Result<Box<dyn Sink>, SettingsError>;

/// What every sink may use.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The configuration's folder: relative paths are relative to it.
    pub folder: PathBuf,
    /// The honest name of this program, for services that see one.
    pub user_agent: String,
    /// The environment: where a secret may be, and what `~` is.
    pub env: Env,
}

/// The sorts of sink there are.
pub const KINDS: &[Kind] = &[maildir::KIND, smtp::KIND, linkding::KIND];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_on_sinks_lists_every_kind_as_it_describes_itself() {
        let page = include_str!("../../docs/sinks.md");
        for kind in KINDS {
            let row = format!("| `{}` | {} |", kind.name, kind.summary);
            assert!(page.contains(&row), "docs/sinks.md lacks the row\n{row}");
            assert!(page.contains(&format!("\n## {}\n", kind.name)), "docs/sinks.md lacks a part for {}", kind.name);
        }
    }
}
