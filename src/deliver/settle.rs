//! What a sink's answer means for one delivery: delivered, tried again and when, tried once more in a smaller form, or given up.

use std::time::Duration;

use jiff::Timestamp;

use super::channel::{Channel, Courier};
use super::{Event, Item};
use crate::delivery::{EAGER_ATTEMPTS, MessageId, Outcome, back_off, is_given_up};
use crate::mail::Format;
use crate::sink::Wants;
use crate::store::{Claimed, Finished, RunId, Settled, StoreError};

impl Courier {
    /// Writes down what became of one delivery, and tells it.
    pub(super) async fn settle(&self, run: RunId, tried: Tried, outcome: Outcome) -> Result<(), StoreError> {
        let Tried { item, before, first_failure, small, shrinks, carries } = tried;
        let (id, now, failures) = (item.id, self.clock.now(), before.saturating_add(1));
        let (settled, event) = match outcome {
            Outcome::Accepted { receipt, was_there } => {
                (Settled::Delivered { receipt: receipt.clone() }, Event::Delivered { item, receipt, was_there })
            }
            Outcome::Rejected { reason, try_smaller: true } if carries => {
                let message_id = MessageId::from_stored(item.message_id.clone()).light();
                let error = format!("{reason}; it goes once more without its images and files");
                (
                    Settled::Lighter { message_id, error: reason },
                    Event::Retry { item, error, next_attempt: now, next_run: true, first: false },
                )
            }
            Outcome::Rejected { reason, try_smaller: true } if shrinks => {
                let message_id = MessageId::from_stored(item.message_id.clone()).small();
                let error = format!("{reason}; it goes once more in a short form");
                (
                    Settled::Smaller { message_id, error: reason },
                    Event::Retry { item, error, next_attempt: now, next_run: true, first: false },
                )
            }
            Outcome::Rejected { reason, try_smaller: _ } => {
                let error = match small {
                    Some(whole) if whole != reason => format!("{reason}; the whole of it before: {whole}"),
                    Some(_) | None => reason,
                };
                (Settled::Failed { error: error.clone() }, Event::Rejected { item, error })
            }
            Outcome::Retry { reason, .. } | Outcome::Unknown { reason }
                if is_given_up(failures, first_failure.unwrap_or(now), now) =>
            {
                let error = format!("given up after {failures} attempts: {reason}");
                (Settled::Failed { error: error.clone() }, Event::Rejected { item, error })
            }
            Outcome::Retry { reason, after } => again(item, reason, after, failures, now),
            // Until the configuration is put right each new run asks once more; that is none of the parcel's own failures.
            Outcome::Misaddressed { reason } => {
                let (mut settled, event) = again(item, reason, None, failures.min(EAGER_ATTEMPTS), now);
                if let Settled::Again { most_failures, .. } = &mut settled {
                    *most_failures = EAGER_ATTEMPTS;
                }
                (settled, event)
            }
            // It may be there already: from the second time on not even a new run tries it before its time.
            Outcome::Unknown { reason } => {
                let (mut settled, mut event) = again(item, reason, None, failures, now);
                if let (Settled::Again { asked, .. }, Event::Retry { next_run, .. }) = (&mut settled, &mut event) {
                    (*asked, *next_run) = (failures > 1, failures == 1);
                }
                (settled, event)
            }
        };
        self.store.finish(run, vec![Finished { id, settled }], now).await?;
        (self.observer)(event);
        Ok(())
    }
}

/// A delivery that is being tried.
pub(super) struct Tried {
    pub(super) item: Item,
    /// How often it failed by itself before.
    pub(super) before: u32,
    pub(super) first_failure: Option<Timestamp>,
    /// Why only a short form of it is tried.
    pub(super) small: Option<String>,
    /// A short form of it can be tried, where the whole is refused.
    pub(super) shrinks: bool,
    /// It carries images or files of its own, without which it is smaller.
    pub(super) carries: bool,
}

impl Tried {
    pub(super) fn new(channel: &Channel, claim: &Claimed) -> Self {
        let look = channel.addressed.get(&claim.feed).and_then(|addressed| addressed.look.as_ref());
        // A link is as short as it gets.
        let is_link = channel.sink.wants() == Wants::Link || look.is_none_or(|look| look.format == Format::Url);
        Self {
            item: item(channel, claim),
            before: claim.failures,
            first_failure: claim.first_failure,
            small: claim.small.clone(),
            shrinks: claim.small.is_none() && !is_link,
            carries: false,
        }
    }
}

fn again(item: Item, reason: String, after: Option<Duration>, failures: u32, now: Timestamp) -> (Settled, Event) {
    let next_attempt = now + back_off(failures, item.id.0, after);
    let settled = Settled::Again { next_attempt, asked: after.is_some(), error: reason.clone(), most_failures: u32::MAX };
    let next_run = after.is_none() && failures <= EAGER_ATTEMPTS;
    (settled, Event::Retry { item, error: reason, next_attempt, next_run, first: failures == 1 })
}

pub(super) fn item(channel: &Channel, claim: &Claimed) -> Item {
    Item {
        id: claim.id,
        sink: channel.name.clone(),
        feed: channel.addressed.get(&claim.feed).map(|addressed| addressed.feed.name.clone()).unwrap_or_default(),
        title: claim.entry.as_ref().and_then(|entry| entry.title.clone()),
        url: claim.entry.as_ref().and_then(|entry| entry.link().map(str::to_owned)),
        message_id: claim.message_id.as_str().to_owned(),
    }
}
