//! What a run tells while it goes on: events for scripts, log lines for people, a progress line, and the sums for the end.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use super::output::{NEXT_RUN, Printer, local};
use crate::deliver::{self, Item};
use crate::poll::{self, Failure, Held};
use crate::store::RunTotals;
use crate::trouble::Trouble;
use crate::words::count;

/// Hears of everything that happens in a run.
pub(super) struct Listener {
    printer: Arc<Printer>,
    tally: Mutex<Tally>,
    /// Sinks whose trouble was told as an error.
    troubled: Mutex<HashSet<String>>,
}

/// The sums of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    /// What goes into the database.
    pub(super) totals: RunTotals,
    /// Feeds whose document was the one we have.
    pub(super) unchanged: u64,
    /// Something was declared that needs a person.
    pub(super) needs_person: bool,
}

/// An event, as scripts see it.
#[derive(Debug, Default, Serialize)]
struct Line<'a> {
    event: &'static str,
    feed: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sink: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    was_there: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queued: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_poll: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt: Option<Timestamp>,
}

impl Listener {
    pub(super) fn new(printer: Arc<Printer>) -> Self {
        Self { printer, tally: Mutex::default(), troubled: Mutex::default() }
    }

    /// The sums so far.
    pub(super) fn tally(&self) -> Tally {
        *self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears that a part of the run ended by a mistake of the program's own.
    pub(super) fn worker_ended(&self, error: &str) {
        self.count(|tally| tally.needs_person = true);
        tracing::error!("a part of the run ended early, by a mistake of this program: {error}");
    }

    /// Hears what happened while polling.
    pub(super) fn polled(&self, event: &poll::Event) {
        self.count(|tally| {
            tally.totals.polled += 1;
            match event {
                poll::Event::Fetched { new, held, .. } => {
                    tally.totals.entries += *new as u64;
                    tally.needs_person |= held.as_ref().is_some_and(|held| held.first);
                }
                poll::Event::Unchanged { .. } => tally.unchanged += 1,
                poll::Event::Failed(failure) => {
                    tally.totals.failed += 1;
                    tally.needs_person |= failure.declared;
                }
            }
        });
        match event {
            poll::Event::Fetched { feed, entries, new, queued, changed, held, remarks } => {
                let (entries, new, queued, changed) = (Some(*entries), Some(*new), Some(*queued), Some(*changed));
                self.emit(&Line { event: "fetched", feed: Some(feed), entries, new, queued, changed, ..Line::default() });
                for remark in remarks {
                    tracing::warn!(feed, "`{feed}`: {remark}");
                }
                if let Some(held) = held {
                    self.held(feed, held);
                }
                tracing::info!(feed, new, "`{feed}`: {} new, {} to deliver", new.unwrap_or(0), queued.unwrap_or(0));
            }
            poll::Event::Unchanged { feed } => {
                self.emit(&Line { event: "unchanged", feed: Some(feed), ..Line::default() });
                tracing::debug!(feed, "`{feed}` is unchanged");
            }
            poll::Event::Failed(failure) => self.poll_failed(failure),
        }
    }

    /// Says that entries wait for a person's word: loudly once, then as a warning as long as some do.
    fn held(&self, feed: &str, held: &Held) {
        let Held { entries, why, first } = held;
        let (held, first_one) = (Some(*entries), Some(*first));
        self.emit(&Line { event: "held", feed: Some(feed), held, first: first_one, error: Some(why), ..Line::default() });
        let number = count(*entries as u64, "new entry");
        let words = format!("`feeds queue release {feed}` delivers them, `feeds queue drop --held {feed}` forgets them");
        let text = format!("`{feed}`: {number} held, not delivered: {why}\nhelp: {words}");
        if *first {
            tracing::error!(feed, "{text}");
        } else {
            tracing::warn!(feed, "{text}");
        }
    }

    fn poll_failed(&self, failure: &Failure) {
        let Failure { feed, error, help, status, failures, next_poll, declared, trouble, since } = failure;
        self.emit(&Line {
            event: "fetch_failed",
            feed: Some(feed),
            error: Some(error),
            status: *status,
            failures: Some(*failures),
            since: Some(*since),
            trouble: Some(trouble.word()),
            next_poll: *next_poll,
            ..Line::default()
        });
        let next = next_poll.map_or_else(
            || "it is asked no more; `feeds remove` or correct it".to_owned(),
            |at| format!("next try {}", local(at)),
        );
        let help = help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        let times = if *failures > 1 { format!("{failures} times since {}, ", local(*since)) } else { String::new() };
        let text = format!("cannot read `{feed}`: {error} ({times}{next}){help}");
        // A program that asks for patience is no news before it lasts.
        if *declared || (*failures == 1 && *trouble != Trouble::Later) {
            tracing::error!(feed, status, "{text}");
        } else {
            tracing::warn!(feed, status, "{text}");
        }
    }

    /// Hears what happened while delivering.
    pub(super) fn delivered(&self, event: &deliver::Event) {
        self.count(|tally| match event {
            deliver::Event::Delivered { .. } => tally.totals.delivered += 1,
            deliver::Event::Retry { .. } => tally.totals.retried += 1,
            deliver::Event::Rejected { .. } => {
                tally.totals.rejected += 1;
                tally.needs_person = true;
            }
            deliver::Event::Resting { .. } | deliver::Event::Dropped { .. } | deliver::Event::Noted { .. } => {}
        });
        match event {
            deliver::Event::Delivered { item, receipt, was_there } => {
                self.emit(&Line { receipt: Some(receipt), was_there: Some(*was_there), ..line("delivered", item) });
                let (sink, feed, title) = (&item.sink, &item.feed, titled(item));
                let was_there = if *was_there { " (it was there already)" } else { "" };
                tracing::info!(sink, feed, receipt, "delivered {title} to `{sink}`{was_there}");
            }
            deliver::Event::Retry { item, error, next_attempt, next_run, first } => {
                self.emit(&Line { error: Some(error), next_attempt: Some(*next_attempt), ..line("retry", item) });
                let next = if *next_run { NEXT_RUN.to_owned() } else { format!("next try {}", local(*next_attempt)) };
                let (sink, feed, title) = (&item.sink, &item.feed, titled(item));
                let text = format!("{title} could not be delivered to `{sink}` now: {error} ({next})");
                // Trouble is an error once: for the first entry of a sink that meets it.
                if *first && self.is_news(sink) {
                    tracing::error!(sink, feed, "{text}");
                } else {
                    tracing::warn!(sink, feed, "{text}");
                }
            }
            deliver::Event::Rejected { item, error } => {
                self.emit(&Line { error: Some(error), ..line("rejected", item) });
                let (sink, feed, title, id) = (&item.sink, &item.feed, titled(item), item.id.0);
                let help = format!("`feeds queue retry {id}` tries again, `feeds queue drop {id}` forgets it");
                tracing::error!(sink, feed, "`{sink}` refuses {title} of `{feed}`: {error}\nhelp: {help}");
            }
            deliver::Event::Dropped { item, reason } => {
                self.emit(&Line { error: Some(reason), ..line("dropped", item) });
                let (sink, feed, title) = (&item.sink, &item.feed, titled(item));
                tracing::info!(sink, feed, "{title} of `{feed}` does not go to `{sink}`: {reason}");
            }
            deliver::Event::Noted { item, note } => {
                self.emit(&Line { error: Some(note), ..line("noted", item) });
                let (sink, feed, title) = (&item.sink, &item.feed, titled(item));
                tracing::warn!(sink, feed, "{title} of `{feed}`: {note}");
            }
            deliver::Event::Resting { sink, place, error, until, first } => {
                self.emit(&Line {
                    event: "retry",
                    sink: Some(sink),
                    error: Some(error),
                    next_attempt: Some(*until),
                    ..Line::default()
                });
                let text = format!(
                    "cannot deliver to `{sink}` ({place}): {error}\nhelp: its queue is kept; `feeds check` tries the sink"
                );
                if *first && self.is_news(sink) {
                    tracing::error!(sink, "{text}");
                } else {
                    tracing::warn!(sink, "{text}");
                }
            }
        }
    }

    fn is_news(&self, sink: &str) -> bool {
        self.troubled.lock().unwrap_or_else(PoisonError::into_inner).insert(sink.to_owned())
    }

    fn count(&self, add: impl FnOnce(&mut Tally)) {
        let tally = {
            let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
            add(&mut tally);
            tally.totals
        };
        let RunTotals { polled, entries, delivered, failed, .. } = tally;
        self.printer.progress(&format!("polled {polled}, failed {failed}, new {entries}, delivered {delivered}"));
    }

    fn emit(&self, line: &Line<'_>) {
        if self.printer.json {
            self.printer.json(line);
        }
    }
}

fn line<'a>(event: &'static str, item: &'a Item) -> Line<'a> {
    Line {
        event,
        feed: Some(&item.feed),
        sink: Some(&item.sink),
        id: Some(item.id.0),
        title: item.title.as_deref(),
        url: item.url.as_deref(),
        message_id: Some(&item.message_id),
        ..Line::default()
    }
}

fn titled(item: &Item) -> String {
    let title = item.title.as_deref().or(item.url.as_deref()).unwrap_or("an entry without a title");
    format!("\"{}\"", crate::feed::text::cut(title, 80))
}
