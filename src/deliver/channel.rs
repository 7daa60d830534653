//! One sink's deliveries, from the queue to the sink and back. Each sink has a task of its own: one that fails holds up no
//! other.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;

use super::Event;
use super::ahead::Ahead;
use super::gather::Gathering;
use super::make::{Addressed, MakeError, Ready};
use super::pace::{Pace, Turn};
use super::pantry::{NothingMade, Pantry};
use super::settle::{Tried, item};
use super::work::Work;
use crate::clock::Clock;
use crate::delivery::{DeliveryId, Outcome, Pause, back_off};
use crate::failpoint::Failpoint;
use crate::sink::{Made, Parcel, Reports, Sink};
use crate::store::{ClaimDeliveries, Claimed, FeedId, FeedSet, Finished, Rest, RunId, Settled, Store, StoreError};
use crate::units::Rate;

/// A sink, and how each feed's entries are delivered to it.
pub struct Channel {
    /// The sink's name.
    pub name: String,
    /// The sink.
    pub sink: Arc<dyn Sink>,
    /// How each feed's entries look there. What is queued for another feed is left in the queue.
    pub addressed: HashMap<FeedId, Addressed>,
    /// How fast entries go there at most.
    pub rate: Option<Rate>,
}

impl Channel {
    /// Whether making something of a feed's entries may take more than the entries.
    pub(super) fn needs_more(&self, feed: FeedId) -> bool {
        self.addressed.get(&feed).is_some_and(|addressed| addressed.needs_more(self.sink.wants()))
    }
}

/// Carries deliveries to sinks.
pub struct Courier {
    /// The queue.
    pub store: Store,
    /// Where parcels are made, of entries and what belongs to them.
    pub pantry: Arc<Pantry>,
    /// What time it is.
    pub clock: Clock,
    /// Told of everything that happens.
    pub observer: Box<dyn Fn(Event) + Send + Sync>,
}

/// One round of delivering.
#[derive(Debug, Clone)]
pub struct Round {
    /// The run it belongs to.
    pub run: RunId,
    /// A new run tries once what only waits because of our own guess.
    pub eager: bool,
    /// How long a channel may wait, in all, where its rate lets no more pass. What is left then stays queued.
    pub patience: Duration,
    /// Changes when something was queued; its end says that nothing more will be.
    pub queued: watch::Receiver<u64>,
    /// Says when to take no more work.
    pub stop: watch::Receiver<bool>,
}

/// How many deliveries are under way to a sink, and so at most accepted and not yet written down: promise 2's whole window.
const AT_ONCE: u32 = 8;
/// How many are made at once that may carry images and files: each may take tens of megabytes.
const LARGE_AT_ONCE: usize = 2;
/// How long a claim holds: twice what a sink may take over a parcel, for all of them.
const LEASE: Duration = Duration::from_secs(2 * 8 * 660);

/// How handing over ended.
enum Handed {
    Over,
    Resting,
}

impl Courier {
    /// Delivers what is queued for a sink until nothing is due and nothing more comes, or the sink rests.
    ///
    /// # Errors
    /// When the database failed: what cannot be written down is not sent.
    pub async fn deliver(&self, channel: &Channel, mut round: Round) -> Result<(), StoreError> {
        let rest = self.store.rest_of(channel.name.clone()).await?;
        if rest.as_ref().is_some_and(|rest| !rest.is_over(self.clock.now()) && (rest.asked || !round.eager)) {
            return Ok(());
        }
        let mut failing = rest;
        let mut pace = match channel.rate {
            Some(rate) => {
                let last = self.store.last_handed_over(channel.name.clone()).await?;
                Some(Pace::new(rate.spacing(), last, self.clock.now(), round.patience))
            }
            None => None,
        };
        let mut ahead = Ahead::new(channel, &self.pantry, &self.store);
        let mut gathering = Gathering::new(channel, &self.pantry, &self.store);
        let mut left = Vec::new();
        loop {
            let more_may_come = round.queued.has_changed().is_ok();
            round.queued.borrow_and_update();
            if *round.stop.borrow() {
                break;
            }
            // What waits has had its turn already where there is a rate.
            if pace.is_none() || gathering.is_empty() {
                let among = gathering.free();
                if let Some(pace) = &mut pace
                    && self.store.is_any_due(self.claim(channel, &among, &round, 1, !more_may_come)).await?
                {
                    match pace.turn(channel.sink.as_ref(), &mut round.stop).await {
                        Turn::Now => pace.went(),
                        Turn::Over => break,
                    }
                }
                // Where there is a rate, nothing is claimed that could not go at once: a person may still take it out of the queue.
                let most = if pace.is_some() { 1 } else { AT_ONCE };
                let claimed = self.store.claim_deliveries(self.claim(channel, &among, &round, most, !more_may_come)).await?;
                if !claimed.is_empty() {
                    ahead.look(self.claim(channel, &among, &round, AT_ONCE, !more_may_come)).await?;
                    let plain = gathering.take(claimed);
                    if plain.is_empty() {
                        continue;
                    }
                    match self.hand_over(channel, round.run, plain, &mut failing).await? {
                        Handed::Over => continue,
                        Handed::Resting => break,
                    }
                }
            }
            if !more_may_come && gathering.is_empty() {
                break;
            }
            let is_waiting = !gathering.is_empty();
            let ready = tokio::select! {
                biased;
                ready = gathering.ready(), if is_waiting => ready,
                changed = round.queued.changed(), if more_may_come => {
                    drop(changed);
                    continue;
                }
                stopped = round.stop.wait_for(|stop| *stop) => {
                    drop(stopped);
                    continue;
                }
            };
            let mut ready = VecDeque::from(ready);
            let mut handed = Handed::Over;
            while matches!(handed, Handed::Over) && !ready.is_empty() {
                let few = ready.drain(..ready.len().min(LARGE_AT_ONCE)).collect();
                handed = self.hand_over(channel, round.run, few, &mut failing).await?;
            }
            left.extend(ready);
            if matches!(handed, Handed::Resting) {
                break;
            }
        }
        left.extend(gathering.left());
        let left: Vec<Finished> = left.into_iter().map(|claim| Finished { id: claim.id, settled: Settled::NotTried }).collect();
        if !left.is_empty() {
            self.store.finish(round.run, left, self.clock.now()).await?;
        }
        channel.sink.close().await;
        // What is being fetched for a sink that rests is there for its next turn.
        tokio::select! {
            ((), ()) = async { tokio::join!(gathering.end(), ahead.end()) } => {}
            stopped = round.stop.wait_for(|stop| *stop) => drop(stopped),
        }
        Ok(())
    }

    fn claim(&self, channel: &Channel, among: &Arc<FeedSet>, round: &Round, most: u32, all_asked: bool) -> ClaimDeliveries {
        let now = self.clock.now();
        let (sink, among) = (channel.name.clone(), Arc::clone(among));
        ClaimDeliveries { sink, among, worker: round.run, now, until: now + LEASE, most, all_asked, eager: round.eager }
    }

    async fn hand_over(
        &self,
        channel: &Channel,
        run: RunId,
        claimed: Vec<Claimed>,
        failing: &mut Option<Rest>,
    ) -> Result<Handed, StoreError> {
        let mut open: HashMap<DeliveryId, Tried> = HashMap::new();
        let mut parcels = Vec::new();
        // All are made side by side, and handed over in their order.
        let made = join_all(claimed.iter().map(|claim| self.parcel(channel, claim))).await;
        for (claim, made) in claimed.iter().zip(made) {
            let tried = Tried::new(channel, claim);
            match made? {
                Ok((parcel, carries)) => {
                    open.insert(claim.id, Tried { carries, ..tried });
                    parcels.push(parcel);
                }
                Err(NotMade::Never { reason, try_smaller }) => {
                    let shrinks = try_smaller && claim.small.is_none();
                    self.settle(run, Tried { shrinks, ..tried }, Outcome::Rejected { reason, try_smaller }).await?;
                }
                Err(NotMade::Dropped { reason }) => {
                    let finished = Finished { id: claim.id, settled: Settled::Dropped { reason: reason.clone() } };
                    self.store.finish(run, vec![finished], self.clock.now()).await?;
                    (self.observer)(Event::Dropped { item: tried.item, reason });
                }
                Err(NotMade::Later { reason }) => {
                    self.settle(run, tried, Outcome::Retry { reason, after: None }).await?;
                }
            }
        }
        let (reports, mut outcomes) = Reports::channel(parcels.len().max(1));
        Failpoint::Claimed.reach();
        let sending = async {
            let done = channel.sink.deliver(&parcels, &reports).await;
            drop(reports);
            Ok::<_, StoreError>(done)
        };
        let writing = async {
            let mut open = open;
            while let Some((deliveries, outcome)) = outcomes.recv().await {
                if matches!(outcome, Outcome::Accepted { .. }) {
                    Failpoint::Accepted.reach();
                }
                for id in deliveries {
                    let Some(tried) = open.remove(&id) else { continue };
                    if matches!(outcome, Outcome::Accepted { .. }) && failing.take().is_some() {
                        self.store.end_rest(channel.name.clone()).await?;
                    }
                    self.settle(run, tried, outcome.clone()).await?;
                }
            }
            Ok(open)
        };
        // Where the database fails, sending ends at once: what cannot be written down is not sent.
        let (sent, left) = tokio::try_join!(sending, writing)?;
        let settled = if sent.is_err() { Settled::Kept } else { Settled::NotTried };
        let finished = left.into_keys().map(|id| Finished { id, settled: settled.clone() }).collect();
        self.store.finish(run, finished, self.clock.now()).await?;
        match sent {
            Ok(()) => Ok(Handed::Over),
            Err(pause) => {
                self.rest(channel, pause, failing.take()).await?;
                Ok(Handed::Resting)
            }
        }
    }

    async fn parcel(&self, channel: &Channel, claim: &Claimed) -> Result<Result<(Parcel, bool), NotMade>, StoreError> {
        let work = match Work::of(channel, claim) {
            Ok(work) => work,
            Err(reason) => return Ok(Err(NotMade::Never { reason, try_smaller: false })),
        };
        // One entry that cannot be made, or makes the program panic, is that entry's misfortune alone.
        let made = match work.make(&self.pantry, &self.store).await {
            Ok(made) => made,
            Err(NothingMade::Store(error)) => return Err(error),
            Err(NothingMade::Later(reason)) => return Ok(Err(NotMade::Later { reason })),
            Err(NothingMade::Panicked(panicked)) => return Ok(Err(NotMade::poison(&panicked, true))),
        };
        let Ready { made, carries, without_page } = match made {
            Ok(ready) => ready,
            Err(MakeError::Dropped(reason)) => return Ok(Err(NotMade::Dropped { reason })),
            Err(error) if error.lacks_link() => {
                return Ok(Err(NotMade::Never { reason: error.to_string(), try_smaller: false }));
            }
            Err(error) => return Ok(Err(NotMade::poison(&error, error.may_shrink()))),
        };
        let facts = Ready::facts_of(&made);
        if let Some(why) = without_page {
            let (feed, title) = (&facts.feed.name, &facts.entry.title);
            tracing::info!(feed, sink = channel.name, "`{feed}`, “{title}”: its body is what the feed says: {why}");
        }
        if claim.attempts == 0 && claim.small.is_none() {
            for note in &facts.entry.notes {
                (self.observer)(Event::Noted { item: item(channel, claim), note: note.clone() });
            }
        }
        if let Made::Mail(mail) = &made {
            for remark in &mail.remarks {
                let (feed, title) = (&facts.feed.name, &facts.entry.title);
                tracing::warn!(feed, sink = channel.name, "`{feed}`, “{title}”: {remark}");
            }
        }
        let parcel = Parcel {
            deliveries: vec![claim.id],
            message_id: claim.message_id.as_str().to_owned(),
            key: claim.message_id.key(),
            attempt: claim.attempts,
            replaces: work.replaces,
            made,
        };
        Ok(Ok((parcel, carries)))
    }

    /// Writes down that the sink has trouble of its own.
    async fn rest(&self, channel: &Channel, pause: Pause, before: Option<Rest>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let failures = before.as_ref().map_or(0, |rest| rest.failures).saturating_add(1);
        let until = now + back_off(failures, 0, pause.after);
        let since = before.as_ref().map_or(now, |rest| rest.since);
        let rest = Rest { until, asked: pause.after.is_some(), failures, since, error: pause.reason.clone() };
        self.store.rest(channel.name.clone(), rest).await?;
        let (sink, place) = (channel.name.clone(), channel.sink.place());
        (self.observer)(Event::Resting { sink, place, error: pause.reason, until, first: before.is_none() });
        Ok(())
    }
}

/// An entry of which nothing was made.
enum NotMade {
    /// It cannot be.
    Never { reason: String, try_smaller: bool },
    /// A program of the user's does not want it.
    Dropped { reason: String },
    /// A program of the user's asks for patience.
    Later { reason: String },
}

impl NotMade {
    fn poison(cause: &impl std::fmt::Display, try_smaller: bool) -> Self {
        Self::Never { reason: format!("it could not be rendered: {cause}"), try_smaller }
    }
}
