//! Host by host: one request at a time to each, a pause between them, and many hosts side by side.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::Timestamp;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use url::Url;

use super::recorder::Recorder;
use super::{Event, Subscription};
use crate::clock::Clock;
use crate::fetch::{Ask, Fetch, Validators};
use crate::schedule::{self, Habits};
use crate::store::{ClaimHosts, FeedId, History, HostClaim, RunId, StoreError};

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
    /// Among these.
    pub among: Arc<HashSet<FeedId>>,
}

/// How long a host stays claimed: longer than any host's feeds take in one run, and over at the next run's start.
const LEASE: Duration = Duration::from_secs(3_600);

impl Poller {
    /// Asks every feed that is due, once. Ends when none is left, or soon after `stop` says so.
    ///
    /// # Errors
    /// When the database failed: nothing more is asked, since nothing could be remembered.
    pub async fn pass(self: Arc<Self>, which: Which, stop: watch::Receiver<bool>) -> Result<(), StoreError> {
        let settings = self.fetcher.settings();
        let concurrency = settings.concurrency.max(1);
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
        let claim = ClaimHosts { worker: which.run, now, most, until, force: which.force, among: Arc::clone(&which.among) };
        self.recorder.store.claim_hosts(claim).await
    }

    /// Asks a host's due feeds in turn and gives the host back.
    async fn host(&self, claim: HostClaim, run: RunId, force: bool, stop: watch::Receiver<bool>) -> Result<(), StoreError> {
        let settings = self.fetcher.settings();
        let learned = claim.pace.map(Duration::from_millis).unwrap_or_default();
        let pace = Pace::new(claim.last_asked, self.clock.now(), settings.host_delay.max(learned));
        let rests_until = AtomicI64::new(i64::MIN);
        let one = async |history: History| -> Result<(), StoreError> {
            let Some(subscription) = self.subscriptions.get(&history.feed) else { return Ok(()) };
            let mut stopped = stop.clone();
            tokio::select! {
                biased;
                () = pace.turn() => {}
                _ = stopped.wait_for(|stop| *stop) => return Ok(()),
            }
            // A host that asked to be left alone is, by all its feeds; they stay due. So do those whose skipped hour has begun.
            let is_skipped = !force && schedule::is_skipped(&history.habits.hints, self.clock.now());
            if rests_until.load(Ordering::Relaxed) > i64::MIN || is_skipped || *stop.borrow() {
                return Ok(());
            }
            if let Some(until) = self.one(subscription, &history, run).await? {
                rests_until.store(until.as_second(), Ordering::Relaxed);
            }
            Ok(())
        };
        let mut asked = stream::iter(claim.feeds).map(one).buffer_unordered(settings.per_host.max(1));
        while let Some(done) = asked.next().await {
            done?;
        }
        drop(asked);
        let until = Timestamp::from_second(rests_until.into_inner()).ok();
        let is_web = !claim.host.starts_with("file:");
        self.recorder.store.release_host(Some(run), claim.host, is_web.then(|| self.clock.now()), until).await
    }

    /// Asks one feed and records the answer. Answers until when its host wants to be left alone.
    async fn one(&self, subscription: &Subscription, history: &History, run: RunId) -> Result<Option<Timestamp>, StoreError> {
        let asked_at = self.clock.now();
        let moved_to = history.moved_to.as_deref().and_then(|url| Url::parse(url).ok());
        // Once in a while, if the user wants it, the document is asked for as if nothing were known; that is remembered at once.
        let recheck = schedule::is_to_be_rechecked(subscription.schedule, &history.habits, asked_at);
        let habits =
            Habits { whole_at: history.habits.whole_at.map(|at| if recheck { asked_at } else { at }), ..history.habits.clone() };
        let history = &History { habits, ..history.clone() };
        let validators = history.validators.clone().filter(|_| !recheck).map(|kept| Validators {
            etag: kept.etag,
            last_modified: kept.last_modified,
            url: kept.url,
        });
        let ask = Ask {
            source: &subscription.source,
            at: moved_to.as_ref(),
            validators: validators.as_ref(),
            access: subscription.access.as_deref(),
            now: asked_at,
        };
        let fetched = self.fetcher.fetch(&ask).await;
        let polled = self.recorder.record(subscription, history, Some(run), asked_at, fetched).await?;
        if matches!(polled.event, Event::Fetched { queued: 1.., .. } | Event::Fetched { changed: 1.., .. }) {
            self.queued.send_modify(|count| *count += 1);
        }
        (self.observer)(polled.event);
        Ok(polled.host_rests_until)
    }
}

/// Whose turn it is at one host: requests begin a pause apart.
struct Pace {
    next: Mutex<Instant>,
    pause: Duration,
}

impl Pace {
    fn new(last_asked: Option<Timestamp>, now: Timestamp, pause: Duration) -> Self {
        let since = last_asked.and_then(|last| Duration::try_from(now.duration_since(last)).ok());
        let wait = since.map_or(Duration::ZERO, |since| pause.saturating_sub(since));
        Self { next: Mutex::new(Instant::now() + wait), pause }
    }

    async fn turn(&self) {
        let at = {
            let mut next = self.next.lock().await;
            let at = (*next).max(Instant::now());
            *next = at + self.pause;
            at
        };
        tokio::time::sleep_until(at).await;
    }
}
