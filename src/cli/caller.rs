//! Asking a source outside of a run, as `add`, `catchup`, `show`, `preview` and a dry run do: at the paces that runs have learned,
//! each request in its host's turn; and what the answers teach of hosts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use super::output::{Printer, local};
use super::session::Place;
use crate::clock::Clock;
use crate::fetch::{Ask, Fetch, FetchError, FetchErrorKind, Fetched, Fetcher, NotNow, PATIENCE, Settings, Source, Turn};
use crate::poll;
use crate::schedule::{Answered, Habits, Offset, Poll, Whom, next_poll};
use crate::store::{HostPace, Store, StoreError};
use crate::words::count;

/// Asks sources, each at its host's pace.
pub(super) struct Caller<'p> {
    fetcher: Arc<Fetcher>,
    clock: &'p Clock,
    printer: &'p Printer,
    /// A host has said that it had too much.
    was_too_much: AtomicBool,
}

/// A wait that a person should be told of.
const LONG: Duration = Duration::from_secs(3);

impl<'p> Caller<'p> {
    /// Whoever asks so, and knows this of hosts.
    pub(super) fn new(place: &'p Place, settings: Settings, known: Vec<HostPace>) -> Self {
        let fetcher = Arc::new(Fetcher::new(settings));
        poll::remember(fetcher.gates(), known);
        Self { fetcher, clock: &place.clock, printer: &place.printer, was_too_much: AtomicBool::new(false) }
    }

    /// What fetches for it, and knows the paces that it keeps.
    pub(super) fn fetcher(&self) -> Arc<Fetcher> {
        Arc::clone(&self.fetcher)
    }

    /// Waits for the turn of the source's host and asks. Answers when, and what came; or why it is not asked now, in words.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<(Timestamp, Result<Fetched, FetchError>), String> {
        let gates = self.fetcher.gates();
        let mut turn = match ask.at.map(|url| Source::Http(url.clone())).as_ref().unwrap_or(ask.source).host() {
            None => Turn::none(gates),
            Some(host) => {
                let wait = gates.until_turn(&host).map_err(|error| self.in_words(&error))?;
                if wait > PATIENCE {
                    return Err(self.in_words(&NotNow::Turn { host }));
                }
                if wait > LONG {
                    let seconds = count(wait.as_secs().saturating_add(1), "second");
                    self.printer
                        .note(&format!("waiting {seconds} for the turn at {host}, which is asked more slowly than others"));
                }
                gates.turn(&host).await.map_err(|error| self.in_words(&error))?
            }
        };
        let asked_at = self.clock.now();
        let answer = Fetch::fetch(self.fetcher.as_ref(), &Ask { now: asked_at, ..ask }, &mut turn).await;
        if let Err(FetchError { kind: FetchErrorKind::NotNow(not_now), .. }) = &answer {
            return Err(self.in_words(not_now));
        }
        let host = turn.host().map(str::to_owned);
        drop(turn);
        poll::learn(gates, host.as_deref(), asked_at, &answer);
        if let (Some(host), Err(error)) = (&host, &answer)
            && error.status() == Some(429)
            && let Some(until) = rests_until(host, error, asked_at)
        {
            gates.rest(host, until);
            self.was_too_much.store(true, Ordering::Relaxed);
        }
        Ok((asked_at, answer))
    }

    /// Whether a host has said that it had too much.
    pub(super) fn was_too_much(&self) -> bool {
        self.was_too_much.load(Ordering::Relaxed)
    }

    /// Writes down what was learned of hosts.
    pub(super) async fn keep(&self, store: &Store) -> Result<(), StoreError> {
        poll::keep_paces(store, self.fetcher.gates()).await
    }

    fn in_words(&self, not_now: &NotNow) -> String {
        match not_now {
            NotNow::Rests { host, until } => format!("{host} asks to be left alone until {}", local(*until)),
            NotNow::Turn { host } => {
                let wait = self.fetcher.gates().until_turn(host).unwrap_or_default();
                format!("{host} is asked slowly, and its next turn is at {}", local(self.clock.now() + wait))
            }
        }
    }
}

/// Until when a host that has had too much is left alone.
fn rests_until(host: &str, error: &FetchError, asked_at: Timestamp) -> Option<Timestamp> {
    let (settings, habits) = (crate::schedule::Settings::default(), Habits::default());
    let poll = Poll { settings, offset: Offset::of(host), habits: &habits, asked_at, whom: Whom::Publisher, whole: false };
    let answered = Answered::Badly { status: error.status(), retry_after: error.retry_after, failures: 1 };
    next_poll(&poll, answered).host_rests_until
}
