//! Host by host: its feeds in turn at its pace, and many hosts side by side. The same document is asked for once for all feeds.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::Timestamp;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::recorder::Recorder;
use super::together::{Due, together, told, validators};
use super::{Event, Subscription};
use crate::clock::Clock;
use crate::fetch::{Ask, Fetch, FetchError, FetchErrorKind, Fetched, Gates, Known, NotNow, Source, Turn};
use crate::schedule;
use crate::store::{ClaimHosts, FeedId, HostClaim, HostDone, HostPace, RunId, Store, StoreError};

/// The fetching loop.
pub struct Poller {
    /// Asks sources.
    pub fetcher: Box<dyn Fetch>,
    /// Records what they answer.
    pub recorder: Recorder,
    /// What time it is.
    pub clock: Clock,
    /// The feeds, by their number in the database.
    pub subscriptions: HashMap<FeedId, Subscription>,
    /// Told of everything that happens.
    pub observer: Box<dyn Fn(Event) + Send + Sync>,
    /// Woken when something was queued.
    pub queued: watch::Sender<u64>,
}

/// Which feeds a pass asks.
#[derive(Debug, Clone)]
pub struct Which {
    /// The run they are claimed for.
    pub run: RunId,
    /// Whatever the interval and the cache lifetime say.
    pub force: bool,
    /// How long it waits in all for the sake of one host's pace. The feeds that have had no turn then are the next pass's.
    pub patience: Duration,
    /// Among these.
    pub among: Arc<HashSet<FeedId>>,
}

/// How long a host stays claimed: longer than any host's feeds take in one run, and over at the next run's start.
const LEASE: Duration = Duration::from_secs(3_600);
/// After so many requests in a row that a host let time out, its other feeds are the next pass's: each costs a whole time-out,
/// and the pass ends when its last host does.
const SILENT: u32 = 2;
/// A failure without an answer that took so long was silence; a refused connection takes no time.
const SILENCE: Duration = Duration::from_secs(1);

impl Poller {
    /// Asks every feed that is due, once. Ends when none is left, or soon after `stop` says so.
    ///
    /// # Errors
    /// When the database failed: nothing more is asked, since nothing could be remembered.
    pub async fn pass(self: Arc<Self>, which: Which, stop: watch::Receiver<bool>) -> Result<(), StoreError> {
        let concurrency = self.fetcher.settings().concurrency.max(1);
        let gates = self.fetcher.gates();
        gates.begin(which.patience);
        remember(gates, self.recorder.store.host_paces().await?);
        let mut tasks: JoinSet<Result<(), StoreError>> = JoinSet::new();
        let mut more = true;
        loop {
            let free = concurrency - tasks.len().min(concurrency);
            // Claimed in batches: each claim looks at all that is due.
            if more && !*stop.borrow() && (free * 4 >= concurrency || tasks.is_empty()) {
                let claims = self.claim(&which, free).await?;
                more = claims.len() == free;
                for claim in claims {
                    let (poller, run, force, stop) = (Arc::clone(&self), which.run, which.force, stop.clone());
                    tasks.spawn(async move { poller.host(claim, run, force, stop).await });
                }
            }
            match tasks.join_next().await {
                None => return Ok(()),
                Some(Ok(done)) => done?,
                Some(Err(error)) => tracing::error!("a worker ended early: {error}"),
            }
        }
    }

    async fn claim(&self, which: &Which, most: usize) -> Result<Vec<HostClaim>, StoreError> {
        let now = self.clock.now();
        let until = now + LEASE;
        let (worker, patience, among) = (which.run, which.patience, Arc::clone(&which.among));
        let claim = ClaimHosts { worker, now, most, until, patience, force: which.force, among };
        self.recorder.store.claim_hosts(claim).await
    }

    /// Asks a host's due feeds in turn and gives the host back.
    async fn host(&self, claim: HostClaim, run: RunId, force: bool, stop: watch::Receiver<bool>) -> Result<(), StoreError> {
        let waiting = Mutex::new(Vec::new());
        let silent = AtomicU32::new(0);
        let due = claim.feeds.into_iter().filter_map(|history| Due::new(history, &self.subscriptions)).collect();
        let one = async |group: Vec<Due<'_>>| -> Result<(), StoreError> {
            let mut group = VecDeque::from(group);
            while let Some(first) = group.pop_front() {
                if silent.load(Ordering::Relaxed) >= SILENT {
                    let all = std::iter::once(&first).chain(&group).map(|feed| (feed.history.feed, claim.host.clone()));
                    waiting.lock().await.extend(all);
                    return Ok(());
                }
                let turn = match self.turn(&first, stop.clone()).await {
                    Some(Ok(turn)) => turn,
                    Some(Err(NotNow::Turn { host })) => {
                        let all = std::iter::once(&first).chain(&group).map(|feed| (feed.history.feed, host.clone()));
                        waiting.lock().await.extend(all);
                        return Ok(());
                    }
                    // A host that asked to be left alone is, by all its feeds; they stay due.
                    Some(Err(NotNow::Rests { .. })) | None => return Ok(()),
                };
                // Those whose skipped hour has begun while they waited stay due as well.
                let now = self.clock.now();
                let is_skipped = |feed: &Due<'_>| !force && schedule::is_skipped(&feed.history.habits.hints, now);
                group.push_front(first);
                group.retain(|feed| !is_skipped(feed));
                let Some(first) = group.pop_front() else { return Ok(()) };
                // Those whom the answer says nothing ask by themselves.
                let begun = Instant::now();
                let (left, answered) = self.one(first, group, turn, run, &waiting).await?;
                let was_silent = !answered && begun.elapsed() >= SILENCE;
                silent.store(if was_silent { silent.load(Ordering::Relaxed) + 1 } else { 0 }, Ordering::Relaxed);
                group = left;
            }
            Ok(())
        };
        let per_host = self.fetcher.settings().per_host.max(1);
        let mut asked = stream::iter(together(due)).map(one).buffer_unordered(per_host);
        while let Some(done) = asked.next().await {
            done?;
        }
        drop(asked);
        let paces = learned(self.fetcher.gates());
        let done = HostDone { worker: Some(run), host: claim.host, paces, waiting: waiting.into_inner() };
        self.recorder.store.host_done(done).await
    }

    /// Waits for a feed's turn; `None` where the run stops first.
    async fn turn(&self, feed: &Due<'_>, mut stop: watch::Receiver<bool>) -> Option<Result<Turn, NotNow>> {
        let gates = self.fetcher.gates();
        let host = match &feed.subscription.source {
            Source::Http(url) => Source::Http(feed.moved_to.as_ref().unwrap_or(url).clone()).host(),
            Source::File(_) | Source::Command(_) => None,
        };
        let Some(host) = host else { return (!*stop.borrow()).then(|| Ok(Turn::none(gates))) };
        let turn = tokio::select! {
            biased;
            turn = gates.turn(&host) => turn,
            _ = stop.wait_for(|stop| *stop) => return None,
        };
        (!*stop.borrow()).then_some(turn)
    }

    /// Asks for one feed and records the answer for all of the group that it answers. Answers with the others, and whether the
    /// server said anything.
    async fn one<'s>(
        &self,
        first: Due<'s>,
        others: VecDeque<Due<'s>>,
        mut turn: Turn,
        run: RunId,
        waiting: &Mutex<Vec<(FeedId, String)>>,
    ) -> Result<(VecDeque<Due<'s>>, bool), StoreError> {
        let asked_at = self.clock.now();
        let mut group: Vec<Due<'_>> = std::iter::once(first).chain(others).collect();
        // Once in a while, if the user wants it, the document is asked for as if nothing were known; that is remembered at once.
        let recheck = group.iter().any(|feed| feed.is_to_be_rechecked(asked_at));
        let validators = validators(&group).filter(|_| !recheck);
        let others = group.split_off(1);
        let Some(first) = group.pop() else { return Ok((others.into(), true)) };
        let ask = Ask {
            source: &first.subscription.source,
            at: first.moved_to.as_ref(),
            validators: validators.as_ref(),
            access: first.subscription.access.as_deref(),
            now: asked_at,
        };
        let fetched = self.fetcher.fetch(&ask, &mut turn).await;
        match &fetched {
            Err(FetchError { kind: FetchErrorKind::NotNow(NotNow::Turn { host }), .. }) => {
                waiting.lock().await.push((first.history.feed, host.clone()));
                return Ok((others.into(), true));
            }
            Err(FetchError { kind: FetchErrorKind::NotNow(NotNow::Rests { .. }), .. }) => return Ok((others.into(), true)),
            Ok(_) | Err(_) => {}
        }
        let answered = fetched.as_ref().map_or_else(|error| error.status().is_some(), |_| true);
        let asked = turn.host().map(str::to_owned);
        drop(turn);
        let gates = self.fetcher.gates();
        learn(gates, asked.as_deref(), asked_at, &fetched);
        let mut left = VecDeque::new();
        let mut recorded = Vec::new();
        for other in others {
            match told(&first, &other, &fetched) {
                Some(answer) => recorded.push((other, answer)),
                None => left.push_back(other),
            }
        }
        // The last one takes the document itself.
        recorded.push((first, fetched));
        for (feed, answer) in recorded {
            let history = feed.as_asked(asked_at);
            let polled = self.recorder.record(feed.subscription, &history, Some(run), asked_at, answer).await?;
            if let Some((host, until)) = asked.as_ref().zip(polled.host_rests_until) {
                gates.rest(host, until);
            }
            if matches!(polled.event, Event::Fetched { queued: 1.., .. } | Event::Fetched { changed: 1.., .. }) {
                self.queued.send_modify(|count| *count += 1);
            }
            (self.observer)(polled.event);
        }
        Ok((left, answered))
    }
}

/// Has the gates take over what was kept.
pub fn remember(gates: &Gates, paces: Vec<HostPace>) {
    let known = |pace| {
        let HostPace { host, last_asked, learned, rests_until, next_turn } = pace;
        Known { host, last_asked, learned, rests_until, next_turn }
    };
    gates.remember(paces.into_iter().map(known).collect());
}

/// Writes down what the gates have learned since that was last done, of hosts that no run has claimed: of those that were asked
/// outside of runs, and for what belongs to entries.
///
/// # Errors
/// When the database failed.
pub async fn keep_paces(store: &Store, gates: &Gates) -> Result<(), StoreError> {
    let paces = learned(gates);
    let Some(host) = paces.first().map(|pace| pace.host.clone()) else { return Ok(()) };
    store.host_done(HostDone { worker: None, host, paces, waiting: Vec::new() }).await
}

/// What the gates learned since they were last asked, as it is kept.
#[must_use]
pub fn learned(gates: &Gates) -> Vec<HostPace> {
    let pace = |known| {
        let Known { host, last_asked, learned, rests_until, next_turn } = known;
        HostPace { host, last_asked, learned, rests_until, next_turn }
    };
    gates.changed().into_iter().map(pace).collect()
}

/// Has a host's gate hear what the host answered to a request that began at `asked_at`.
pub fn learn(gates: &Gates, host: Option<&str>, asked_at: Timestamp, answer: &Result<Fetched, FetchError>) {
    match (host, answer) {
        (Some(host), Ok(_)) => gates.went_well(host),
        (Some(host), Err(error)) if error.status() == Some(429) => gates.too_many(host, asked_at),
        (Some(_), Err(_)) | (None, _) => {}
    }
}

#[cfg(test)]
mod tests;
