//! One claimed delivery as something to be made: all that making takes, owned, so that it can be made on any thread, twice.

use std::sync::Arc;

use super::channel::Channel;
use super::make::{Addressed, Follows, MakeError, Order, Ready, make};
use super::pantry::{NothingMade, Pantry, Shelf};
use crate::delivery::{IdempotencyKey, LAST_CRASH, MessageId, Updates};
use crate::feed::Entry;
use crate::feed::diff::EntryRef;
use crate::resource::Resources;
use crate::sink::Wants;
use crate::store::{Claimed, Store, Update};

/// What is to be made of a claim.
#[derive(Debug, Clone)]
pub(super) struct Work {
    of: EntryRef,
    /// The earlier delivery whose place it takes.
    pub(super) replaces: Option<IdempotencyKey>,
    order: Arc<Owned>,
}

/// An [`Order`] that owns what it is made from.
#[derive(Debug)]
struct Owned {
    entry: Entry,
    addressed: Addressed,
    wants: Wants,
    message_id: MessageId,
    threaded: Option<Update>,
    first_seen: jiff::Timestamp,
    small: Option<String>,
    light: Option<String>,
    also_in: Vec<String>,
}

impl Work {
    /// What is to be made of a claim, or why that is nothing.
    pub(super) fn of(channel: &Channel, claim: &Claimed) -> Result<Self, String> {
        if claim.crashes >= LAST_CRASH {
            return Err(format!("given up: the program ended {} times while it was making or delivering it", claim.crashes));
        }
        let entry = claim.entry.clone().ok_or("the entry's content is no longer kept")?;
        let mut addressed = channel.addressed.get(&claim.feed).cloned().ok_or("its feed no longer goes to this sink")?;
        addressed.feed.title = claim.feed_title.clone().unwrap_or_else(|| addressed.feed.name.clone());
        addressed.feed.link = claim.feed_link.clone().unwrap_or_default();
        addressed.feed.language = claim.feed_language.clone().unwrap_or_default();
        // A sink that cannot put a new version in the old one's place threads it.
        let (replaced, threaded) = match claim.update.clone() {
            Some(update) if update.updates == Updates::Replace && channel.sink.replaces() => (Some(update), None),
            other => (None, other),
        };
        let order = Owned {
            entry,
            addressed,
            wants: channel.sink.wants(),
            message_id: claim.message_id.clone(),
            threaded,
            first_seen: claim.first_seen,
            small: claim.small.clone(),
            light: claim.light.clone(),
            also_in: claim.also_in.clone(),
        };
        Ok(Self { of: claim.of, replaces: replaced.map(|update| update.former.key()), order: Arc::new(order) })
    }

    /// Has it made.
    pub(super) async fn make(&self, pantry: &Pantry, store: &Store) -> Result<Result<Ready, MakeError>, NothingMade> {
        let order = Arc::clone(&self.order);
        let addressed = &self.order.addressed;
        let making = move |resources: &Resources| make(order.with(resources));
        if self.order.small.is_some() || !addressed.needs_more(self.order.wants) {
            return pantry.make_alone(making).await;
        }
        pantry.make(&Shelf::Store(store.clone(), self.of), addressed, making).await
    }
}

impl Owned {
    fn with<'a>(&'a self, resources: &'a Resources) -> Order<'a> {
        Order {
            entry: &self.entry,
            addressed: &self.addressed,
            wants: self.wants,
            message_id: &self.message_id,
            follows: self.threaded.as_ref().map(|update| Follows { first: &update.first, before: update.before.as_deref() }),
            first_seen: self.first_seen,
            small: self.small.as_deref(),
            light: self.light.as_deref(),
            also_in: &self.also_in,
            resources,
        }
    }
}
