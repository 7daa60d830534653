//! Claims whose entries lack something wait here, feed by feed, until it is there: a slow publisher or program holds up no other's.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::task::JoinSet;

use super::channel::Channel;
use super::pantry::Pantry;
use super::work::Work;
use crate::store::{Claimed, FeedId, FeedSet, Store};

/// How many feeds wait at most: the entries of each are held meanwhile.
const MOST: usize = 4;

/// What waits for one sink.
pub(super) struct Gathering<'a> {
    channel: &'a Channel,
    pantry: &'a Arc<Pantry>,
    store: &'a Store,
    all: Arc<FeedSet>,
    waiting: HashMap<FeedId, Vec<Claimed>>,
    tasks: JoinSet<FeedId>,
}

impl<'a> Gathering<'a> {
    pub(super) fn new(channel: &'a Channel, pantry: &'a Arc<Pantry>, store: &'a Store) -> Self {
        let all = Arc::new(channel.addressed.keys().copied().collect());
        Self { channel, pantry, store, all, waiting: HashMap::new(), tasks: JoinSet::new() }
    }

    /// Takes what needs more than itself, and gives back the rest. None of a feed's may be added while others of it wait.
    pub(super) fn take(&mut self, claimed: Vec<Claimed>) -> Vec<Claimed> {
        let (needy, plain): (Vec<_>, Vec<_>) = claimed.into_iter().partition(|claim| self.channel.needs_more(claim.feed));
        let mut groups: HashMap<FeedId, Vec<Claimed>> = HashMap::new();
        for claim in needy {
            groups.entry(claim.feed).or_default().push(claim);
        }
        for (feed, claims) in groups {
            let works: Vec<Work> = claims.iter().filter_map(|claim| Work::of(self.channel, claim).ok()).collect();
            let (pantry, store) = (Arc::clone(self.pantry), self.store.clone());
            self.tasks.spawn(async move {
                // What goes wrong here goes wrong again where it is told.
                join_all(works.iter().map(async |work| drop(work.make(&pantry, &store).await))).await;
                feed
            });
            self.waiting.entry(feed).or_default().extend(claims);
        }
        plain
    }

    /// The feeds whose entries may be claimed now: a feed's go in their order.
    pub(super) fn free(&self) -> Arc<FeedSet> {
        if self.waiting.is_empty() {
            return Arc::clone(&self.all);
        }
        let is_full = self.waiting.len() >= MOST;
        let waits = |feed: &FeedId| self.waiting.contains_key(feed) || (is_full && self.channel.needs_more(*feed));
        Arc::new(self.channel.addressed.keys().copied().filter(|feed| !waits(feed)).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Waits for the first feed that lacks nothing any more. May be given up and asked again.
    pub(super) async fn ready(&mut self) -> Vec<Claimed> {
        loop {
            let feed = match self.tasks.join_next().await {
                Some(Ok(feed)) => Some(feed),
                Some(Err(_)) => continue,
                // Whose task ended early is made where that is told.
                None => self.waiting.keys().next().copied(),
            };
            let Some(feed) = feed else { return Vec::new() };
            if let Some(claims) = self.waiting.remove(&feed) {
                return claims;
            }
        }
    }

    /// What waits still.
    pub(super) fn left(&mut self) -> Vec<Claimed> {
        std::mem::take(&mut self.waiting).into_values().flatten().collect()
    }

    /// Lets what is being fetched end, so that it is kept.
    pub(super) async fn end(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}
