//! What comes next for a sink is made ahead, while the sink is busy: what belongs to its entries is there when its turn comes.
//! Nothing is claimed for it; what was fetched is kept, what was made is made once more.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::channel::Channel;
use super::pantry::Pantry;
use super::work::Work;
use crate::delivery::DeliveryId;
use crate::store::{ClaimDeliveries, Store, StoreError};

/// Entries that are looked after before their turn.
pub(super) struct Ahead<'a> {
    channel: &'a Channel,
    pantry: &'a Arc<Pantry>,
    store: &'a Store,
    needed: bool,
    seen: HashSet<DeliveryId>,
    tasks: JoinSet<()>,
}

/// How many are under way at most.
const MOST: usize = 8;

impl<'a> Ahead<'a> {
    pub(super) fn new(channel: &'a Channel, pantry: &'a Arc<Pantry>, store: &'a Store) -> Self {
        let needed = channel.addressed.keys().any(|feed| channel.needs_more(*feed));
        Self { channel, pantry, store, needed, seen: HashSet::new(), tasks: JoinSet::new() }
    }

    /// Looks at what a claim would find, and begins with what needs it.
    pub(super) async fn look(&mut self, claim: ClaimDeliveries) -> Result<(), StoreError> {
        while self.tasks.try_join_next().is_some() {}
        if !self.needed || self.tasks.len() >= MOST {
            return Ok(());
        }
        for next in self.store.upcoming(claim).await? {
            if !self.channel.needs_more(next.feed) || next.attempts > 0 || !self.seen.insert(next.id) {
                continue;
            }
            let Ok(work) = Work::of(self.channel, &next) else { continue };
            let (pantry, store) = (Arc::clone(self.pantry), self.store.clone());
            self.tasks.spawn(async move {
                // What goes wrong here goes wrong again where it is told.
                work.make(&pantry, &store).await.ok();
            });
        }
        Ok(())
    }

    /// Lets what has begun end, so that it is kept.
    pub(super) async fn end(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}
