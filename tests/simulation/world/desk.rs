//! Invented sinks: each keeps a ledger of what it was handed, and answers as the faults have it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use feeds::delivery::{Outcome, Pause};
use feeds::sink::{Made, Parcel, Reports, Sink, SinkError, Wants};
use futures_util::future::BoxFuture;

use super::history::Flaw;
use super::{State, World};

/// One sink, on its own side.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) name: String,
    pub(crate) wants: Wants,
    /// By the entry's title.
    pub(crate) ledger: BTreeMap<String, Line>,
}

/// What a sink knows of one entry.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// How often it was accepted.
    pub(crate) copies: u32,
    /// How often it was handed over.
    pub(crate) attempts: u32,
    /// It was refused for good.
    pub(crate) rejected: bool,
    /// It was accepted, and nobody on the other side knows: it may come once more.
    pub(crate) may_come_again: bool,
    /// The ids it came under.
    pub(crate) ids: BTreeSet<String>,
}

impl Desk {
    pub(crate) fn new(name: &str, wants: Wants) -> Self {
        Self { name: name.to_owned(), wants, ledger: BTreeMap::new() }
    }
}

enum Act {
    Says(Outcome),
    Rests(Pause),
}

impl State {
    /// One parcel at one desk: whether it is taken, and what is said, after how many seconds.
    fn handed_over(&mut self, desk: usize, parcel: &Parcel) -> (u64, Act) {
        let title = match &parcel.made {
            Made::Mail(mail) => mail.facts.entry.title.clone(),
            Made::Link(link) => link.title.clone(),
        };
        let often = self.faults.sink;
        let wait = if self.random.in_thousand(often) { u64::from(self.random.below(30)) } else { 0 };
        let fault = self.random.in_thousand(often).then(|| self.random.below(8));
        let after = (self.random.below(3) == 0).then(|| Duration::from_secs(u64::from(self.random.below(10_000))));
        let reason = "the sink's words".to_owned();
        let (taken, words, act) = match fault {
            None => (true, "takes", Act::Says(Outcome::Accepted { receipt: "ok".to_owned(), was_there: false })),
            Some(0 | 1) => (true, "takes, and its answer is lost:", Act::Says(Outcome::Unknown { reason })),
            Some(2) => (false, "never hears of", Act::Says(Outcome::Unknown { reason })),
            Some(3 | 4) => (false, "cannot take now", Act::Says(Outcome::Retry { reason, after })),
            Some(5) => (false, "will never take", Act::Says(Outcome::Rejected { reason, try_smaller: after.is_some() })),
            Some(_) => (false, "rests, at", Act::Rests(Pause { reason, after })),
        };
        let is_unknown = matches!(act, Act::Says(Outcome::Unknown { .. }));
        let taken = taken && self.faults.flaw != Some(Flaw::TakesNothing);
        let name = self.desks[desk].name.clone();
        self.note(|| format!("{name} {words} {title}"));
        let line = self.desks[desk].ledger.entry(title.clone()).or_default();
        line.attempts += 1;
        line.rejected |= matches!(act, Act::Says(Outcome::Rejected { .. }));
        // After a refusal it may come once more in a short form, whose id says so.
        let short = parcel.message_id.contains("s@");
        let unasked = short && !line.rejected;
        line.ids.insert(parcel.message_id.replace("s@", "@"));
        let ids = line.ids.len();
        let twice = taken && line.copies > 0 && !line.may_come_again;
        if taken {
            self.tally.extra += u64::from(line.copies > 0);
            self.tally.accepted += 1;
            line.copies += 1;
            line.may_come_again = is_unknown;
        }
        if twice {
            self.breach(format!("{name} was sent {title} again, though it had said that it has it"));
        }
        if unasked {
            self.breach(format!("{name} was sent a short form of {title} that it had not refused"));
        }
        if ids > 1 {
            self.breach(format!("{name} was sent {title} under {ids} ids"));
        }
        (wait, act)
    }
}

/// A desk, as the delivering loop sees it.
#[derive(Debug)]
pub(crate) struct Counter {
    pub(crate) world: World,
    pub(crate) desk: usize,
    pub(crate) wants: Wants,
}

impl Counter {
    async fn deliver_all(&self, parcels: &[Parcel], report: &Reports) -> Result<(), Pause> {
        for parcel in parcels {
            self.world.pass_moment().await;
            let (wait, act) = self.world.state().handed_over(self.desk, parcel);
            tokio::time::sleep(Duration::from_secs(wait)).await;
            self.world.pass_moment().await;
            match act {
                Act::Says(outcome) => report.send(parcel, outcome).await,
                Act::Rests(pause) => return Err(pause),
            }
        }
        Ok(())
    }
}

impl Sink for Counter {
    fn check(&self) -> BoxFuture<'_, Result<String, SinkError>> {
        Box::pin(async { Ok(String::new()) })
    }

    fn wants(&self) -> Wants {
        self.wants
    }

    fn deliver<'a>(&'a self, parcels: &'a [Parcel], report: &'a Reports) -> BoxFuture<'a, Result<(), Pause>> {
        Box::pin(self.deliver_all(parcels, report))
    }

    fn place(&self) -> String {
        "a desk".to_owned()
    }
}
