//! The delivering loop: claim, make, hand over, finish. What every sink shares is here, once: back-off, attempts, giving up,
//! a sink's rest, and how many outcomes may be unwritten. It joins `store`, `article`, `mail` and `sink`; it knows no feed's
//! source.

mod ahead;
mod carry;
mod change;
mod channel;
mod gather;
mod make;
mod pace;
mod pantry;
mod prepare;
mod programs;
mod settle;
mod work;

pub use channel::{Channel, Courier, Round};
pub use make::{Addressed, Draft, Follows, MakeError, Order, Ready, Want, draft, make};
pub use pantry::{NothingMade, Pantry, Shelf};
pub use prepare::Needs;

use jiff::Timestamp;

use crate::delivery::DeliveryId;

/// What happened while delivering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A sink has it.
    Delivered {
        /// What it was.
        item: Item,
        /// What the sink called it.
        receipt: String,
        /// The sink had it already.
        was_there: bool,
    },
    /// It stays in the queue.
    Retry {
        /// What it was.
        item: Item,
        /// Why, in words.
        error: String,
        /// When it is tried next by a run that stays.
        next_attempt: Timestamp,
        /// A new run tries it whatever that time.
        next_run: bool,
        /// It had not been tried before.
        first: bool,
    },
    /// It is given up.
    Rejected {
        /// What it was.
        item: Item,
        /// Why, in words.
        error: String,
    },
    /// A program of the user's wants it to go nowhere.
    Dropped {
        /// What it was.
        item: Item,
        /// Which program, in words.
        reason: String,
    },
    /// It goes, but not as the configuration asks for.
    Noted {
        /// What it is.
        item: Item,
        /// What is otherwise, in words.
        note: String,
    },
    /// A sink has trouble of its own: it rests, and keeps its queue.
    Resting {
        /// The sink's name.
        sink: String,
        /// Where it delivers to.
        place: String,
        /// Why, in words.
        error: String,
        /// Until when.
        until: Timestamp,
        /// It worked before: this is the run that meets the trouble first.
        first: bool,
    },
}

/// A delivery, as it is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its number.
    pub id: DeliveryId,
    /// The sink's name.
    pub sink: String,
    /// The feed's name.
    pub feed: String,
    /// The entry's title.
    pub title: Option<String>,
    /// The entry's page.
    pub url: Option<String>,
    /// The id it travels under.
    pub message_id: String,
}
