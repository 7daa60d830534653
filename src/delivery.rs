//! The words that store, sink and the delivering loop share: a delivery's state, what a sink answers, how long to wait,
//! and the identity under which an entry travels. Pure: no clock, no network.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::feed::identity::Uid;

/// A delivery's number in the database, opaque to everyone else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(pub i64);

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// To be delivered, now or later.
    Pending,
    /// Waits for a person's word.
    Held,
    /// Accepted by the sink.
    Delivered,
    /// Given up; a person may retry it.
    Failed,
    /// Taken out of the queue by a person.
    Dropped,
}

impl State {
    /// The word for it, as it stands in the database and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Pending, Self::Held, Self::Delivered, Self::Failed, Self::Dropped].into_iter().find(|s| s.word() == word)
    }
}

/// What becomes of an entry that was edited after it was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Updates {
    /// Nothing.
    #[default]
    Ignore,
    /// The new version is delivered like a new entry.
    Resend,
    /// The new version answers the first one, with what changed marked.
    Thread,
    /// The new version takes the old one's place where the sink can; elsewhere it is threaded.
    Replace,
}

impl Updates {
    /// The words for them, as the configuration and the database write them.
    pub const WORDS: &'static [(&'static str, Self)] =
        &[("ignore", Self::Ignore), ("resend", Self::Resend), ("thread", Self::Thread), ("replace", Self::Replace)];

    /// The one of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(name, _)| *name == word).map(|(_, updates)| *updates)
    }

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, updates)| *updates == self).map_or("ignore", |(word, _)| word)
    }

    /// Whether what a reader saw is kept, to show later what changed.
    #[must_use]
    pub const fn keeps_text(self) -> bool {
        matches!(self, Self::Thread | Self::Replace)
    }
}

/// What a sink answered for one parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is the sink's now.
    Accepted {
        /// What the sink called it: a queue id, a path, a row's number.
        receipt: String,
        /// The sink had it already.
        was_there: bool,
    },
    /// Not now; after the sink's own wish where it has one.
    Retry {
        /// Why, in the sink's words.
        reason: String,
        /// How long the sink asked to be left alone.
        after: Option<Duration>,
    },
    /// The sink knows nobody of the name it is addressed to. The configuration is to be put right, not the parcel: it waits.
    Misaddressed {
        /// Why, in the sink's words.
        reason: String,
    },
    /// It was sent, and the answer never came.
    Unknown {
        /// What happened instead of an answer.
        reason: String,
    },
    /// Never, as it is.
    Rejected {
        /// Why, in the sink's words.
        reason: String,
        /// A smaller form of it may be taken.
        try_smaller: bool,
    },
}

/// A sink's own trouble (login, relay, quota, down): it rests, and keeps its queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Why, in words.
    pub reason: String,
    /// How long the sink asked to be left alone.
    pub after: Option<Duration>,
}

/// A `Message-ID` without its angle brackets (RFC 5322 section 3.6.4).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageId(String);

/// Under which a service may recognise a delivery that it has seen before.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(pub String);

impl MessageId {
    /// The id of one revision of an entry for one sink. The same arguments always give the same id.
    #[must_use]
    pub fn derive(uid: &Uid, sink: &str, revision: u32, domain: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(uid).update(sink.as_bytes());
        let hash = hasher.finalize().to_hex();
        Self(format!("{}.{revision}@{domain}", &hash[..32]))
    }

    /// An id that was stored.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The id, without angle brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the short form of the same delivery: `….0s@…`. Another content is another message (RFC 5322 section 3.6.4),
    /// and a server that has seen the whole one must not take the short one for a copy of it.
    #[must_use]
    pub fn small(&self) -> Self {
        self.marked('s')
    }

    /// The id of the same delivery without the files and images that it carried: `….0l@…`.
    #[must_use]
    pub fn light(&self) -> Self {
        self.marked('l')
    }

    fn marked(&self, mark: char) -> Self {
        match self.0.split_once('@') {
            Some((left, domain)) => Self(format!("{}{mark}@{domain}", left.trim_end_matches(['s', 'l']))),
            None => self.clone(),
        }
    }

    /// The key that goes with it: everything before the `@`.
    #[must_use]
    pub fn key(&self) -> IdempotencyKey {
        IdempotencyKey(self.0.split('@').next().unwrap_or_default().to_owned())
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first wait after a failure; it doubles from there.
const FIRST_WAIT: Duration = Duration::from_secs(5 * 60);
/// The longest wait of our own making.
const LONGEST_WAIT: Duration = Duration::from_secs(6 * 60 * 60);
/// The longest that a sink's own wish is obeyed.
const LONGEST_WISH: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// A delivery is given up after so many attempts …
const LAST_ATTEMPT: u32 = 8;
/// … and so long after the first: both, so that neither a burst nor a clock that jumps gives anything up.
const LAST_WAIT: Duration = Duration::from_secs(5 * 24 * 60 * 60);
/// A new run tries a failed delivery again, whatever its wait, up to this attempt.
pub const EAGER_ATTEMPTS: u32 = 4;

/// After so many claims in a row that ended with the process, a delivery is claimed alone and last: it may be what ends it …
pub const SUSPECT_CRASHES: u32 = 2;
/// … and after so many it is given up.
pub const LAST_CRASH: u32 = 50;

/// How long to wait after `attempts` failures: doubling from five minutes to six hours, give or take a fifth by `seed`;
/// at least as long as the sink asked for.
#[must_use]
pub fn back_off(attempts: u32, seed: i64, asked: Option<Duration>) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << attempts.saturating_sub(1).min(10)).min(LONGEST_WAIT);
    // A stable spread of 80 % to 120 %: deliveries that failed together do not come back together.
    let spread = 80 + u32::try_from(seed.wrapping_mul(0x9E37_79B9).rem_euclid(41)).unwrap_or(20);
    let own = doubled * spread / 100;
    own.max(asked.unwrap_or_default().min(LONGEST_WISH))
}

/// How long any wait may be that is written down: a sink's own wish, or else a back-off with its spread. What seems to wait
/// longer was written down by a clock that has been set back since: it is due.
#[must_use]
pub const fn longest_wait(asked: bool) -> Duration {
    if asked { LONGEST_WISH } else { Duration::from_secs(LONGEST_WAIT.as_secs() * 120 / 100) }
}

/// Whether a wait that was to end at `until` is over. A clock that was set back by days holds nothing up for days.
#[must_use]
pub fn is_over(until: Timestamp, asked: bool, now: Timestamp) -> bool {
    let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
    left.is_zero() || left > longest_wait(asked)
}

/// Whether a delivery that has failed `attempts` times since `first` is given up.
#[must_use]
pub fn is_given_up(attempts: u32, first: Timestamp, now: Timestamp) -> bool {
    let waited = Duration::try_from(now.duration_since(first)).unwrap_or_default();
    attempts >= LAST_ATTEMPT && waited >= LAST_WAIT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_to_six_hours() {
        let minutes = |attempts| back_off(attempts, 0, None).as_secs() / 60;
        assert_eq!((minutes(1), minutes(2), minutes(3), minutes(30)), (4, 8, 16, 288));
        assert_eq!(back_off(1, 0, Some(Duration::from_secs(3600))), Duration::from_secs(3600));
        for seed in -50..50 {
            let wait = back_off(1, seed, None).as_secs();
            assert!((240..=360).contains(&wait), "{wait}");
        }
    }

    #[test]
    fn neither_many_attempts_nor_a_long_time_alone_gives_a_delivery_up() {
        let first = Timestamp::UNIX_EPOCH;
        let later = first + Duration::from_secs(6 * 24 * 60 * 60);
        assert!(!is_given_up(100, first, first));
        assert!(!is_given_up(2, first, later));
        assert!(is_given_up(8, first, later));
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nothing_up() {
        let now = Timestamp::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let hours = |hours: i64| now + jiff::SignedDuration::from_hours(hours);
        assert!(is_over(hours(-1), false, now) && is_over(now, true, now));
        assert!(!is_over(hours(7), false, now) && !is_over(hours(7 * 24), true, now));
        assert!(is_over(hours(24), false, now), "no back-off is a day");
        assert!(is_over(hours(8 * 24), true, now) && is_over(hours(24 * 365 * 50), true, now));
        for attempts in 0..40 {
            for seed in -50..50 {
                assert!(back_off(attempts, seed, None) <= longest_wait(false));
                assert!(back_off(attempts, seed, Some(Duration::MAX)) <= longest_wait(true));
            }
        }
    }

    #[test]
    fn the_short_form_of_a_delivery_has_an_id_of_its_own() {
        let id = MessageId::derive(&[1; 16], "mail", 2, "example.net");
        assert!(id.small().as_str().ends_with(".2s@example.net"));
        assert_eq!(id.small().small(), id.small());
        assert!(id.light().as_str().ends_with(".2l@example.net"));
        assert_eq!(id.light().small(), id.small());
        assert_ne!(id.small().key(), id.key());
    }

    #[test]
    fn a_message_id_depends_on_entry_sink_and_revision_alone() {
        let id = |uid, sink, revision| MessageId::derive(&[uid; 16], sink, revision, "example.net");
        assert_eq!(id(1, "mail", 0), id(1, "mail", 0));
        assert_ne!(id(1, "mail", 0), id(2, "mail", 0));
        assert_ne!(id(1, "mail", 0), id(1, "later", 0));
        assert!(id(1, "mail", 3).as_str().ends_with(".3@example.net"));
        assert_eq!(id(1, "mail", 0).key().0.len(), 34);
    }
}
