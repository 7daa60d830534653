//! PURE. When a feed is asked next, and why then: from its settings, what is known of it, what its publisher answered, and the
//! time. Goes in: a [`Poll`] and what was [`Answered`]. Comes out: [`NextPoll`], a time and the rule that set it, in words.
//!
//! Each rule names a least time since the last request began; the longest of them holds. None ever shortens another.

mod every;
mod habits;
mod hints;
mod offset;
mod statuses;
#[cfg(test)]
mod tests;
mod words;

use std::time::Duration;

use jiff::Timestamp;

pub use every::{Every, Settings, is_to_be_rechecked};
pub use habits::Habits;
pub use hints::{is_skipped, put_off};
pub use offset::Offset;
pub use statuses::Treatment;

/// A request, as far as the next one depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Poll<'a> {
    /// How often the feed is to be asked.
    pub settings: Settings,
    /// Where its turn lies among others.
    pub offset: Offset,
    /// What is known of it, the answer included.
    pub habits: &'a Habits,
    /// When the request began.
    pub asked_at: Timestamp,
    /// Who is asked.
    pub whom: Whom,
    /// The next request brings the whole document again: a publisher gave it without validators.
    pub whole: bool,
}

/// Who is asked for a feed's document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Whom {
    /// A publisher, over the network.
    #[default]
    Publisher,
    /// A program of the user's own: it is run as often as the user says, though little comes of it.
    Program,
    /// A file: to look at it troubles nobody and costs nothing, so that the interval alone counts.
    File,
}

/// What a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// A document, or word that it is unchanged.
    Well {
        /// The first of the feed.
        first: bool,
    },
    /// Nothing usable.
    Badly {
        /// The HTTP status, where there was one.
        status: Option<u16>,
        /// How long the publisher asks to be left alone.
        retry_after: Option<Duration>,
        /// How many requests in a row have failed, this one included.
        failures: u32,
    },
    /// A program asks to be tried later, so often in a row. That is no failure of the feed.
    Later {
        /// This time included.
        failures: u32,
    },
}

/// When a feed is asked next, and why then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextPoll {
    /// Not before this time.
    pub at: Timestamp,
    /// The rule that set it, in words.
    pub because: String,
    /// Until when the publisher asked to be left alone: not even `--force` comes earlier.
    pub left_alone_until: Option<Timestamp>,
    /// Until when the publisher says that nothing new is to be had.
    pub fresh_until: Option<Timestamp>,
    /// Until when all feeds of the host wait.
    pub host_rests_until: Option<Timestamp>,
}

/// No rule puts a poll further off than this, but a longer interval: some sites let their feeds be fresh for a year.
pub const FURTHEST: Duration = Duration::from_secs(7 * 86_400);
/// What seems further off than this and the interval was written down by a clock that has been set back since: no rule, with
/// the hours and days that are skipped after it, comes so far.
pub const BEYOND: Duration = Duration::from_secs(15 * 86_400);
/// A feed that was last asked so far in the future was asked before the clock was set back: its own wait says nothing any more.
pub const SET_BACK: Duration = Duration::from_secs(60);
/// How often a feed is asked where nothing else is said.
pub const USUAL: Duration = HOUR;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// A least time since the last request began, and the rule that asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wait {
    least: Duration,
    because: String,
}

impl Wait {
    fn new(least: Duration, because: impl Into<String>) -> Self {
        Self { least, because: because.into() }
    }

    /// The longer of the two; of equal ones the first.
    fn longer(self, other: Self) -> Self {
        if other.least > self.least { other } else { self }
    }

    /// The longer of the two, where there is another.
    fn or_longer(self, other: Option<Self>) -> Self {
        match other {
            Some(other) => self.longer(other),
            None => self,
        }
    }
}

/// When to ask next, counted from the start of the request that was answered.
#[must_use]
pub fn next_poll(poll: &Poll<'_>, answered: Answered) -> NextPoll {
    let interval = poll.settings.every.interval(poll.habits);
    let usual = interval.least;
    if poll.whom == Whom::File {
        let (at, because) = (later(poll.asked_at, usual), interval.because);
        return NextPoll { at, because, left_alone_until: None, fresh_until: None, host_rests_until: None };
    }
    let named = hints::ttl(poll.habits).into_iter().chain(hints::update_period(poll.habits, poll.asked_at));
    let (mut left_alone_until, mut host_rests_until) = (None, None);
    let (wait, spread, named) = match answered {
        Answered::Well { first } => {
            let named = named.chain(hints::lifetime(poll.habits)).reduce(Wait::longer);
            let spread =
                if first && poll.whom == Whom::Publisher { poll.offset.within(usual.min(SPREAD)) } else { Duration::ZERO };
            (interval, spread, named)
        }
        Answered::Badly { status, retry_after, failures } => {
            let treatment = Treatment::of(status);
            let (first, longest) = treatment.back_off();
            let back_off = back_off(first, longest, failures);
            // A wish that has passed already is one for the usual wait, not for none.
            let wish = retry_after.map(|wish| if wish.is_zero() { usual.min(FURTHEST) } else { wish.min(FURTHEST) });
            left_alone_until = wish.map(|wish| later(poll.asked_at, wish));
            let wish = wish.map(|wish| Wait::new(wish, format!("the publisher's Retry-After of {}", words::span(wish))));
            let rest = match (wish, treatment) {
                (Some(wish), Treatment::TooMany | Treatment::Busy) => wish,
                (wish, _) => back_off.or_longer(wish),
            };
            if treatment == Treatment::TooMany {
                host_rests_until = Some(later(poll.asked_at, rest.least));
            }
            (rest.or_longer(Some(interval)), Duration::ZERO, named.reduce(Wait::longer))
        }
        // The first time nothing is lost by asking again as always.
        Answered::Later { failures } => {
            (interval.longer(back_off(usual, DAY, failures)), Duration::ZERO, named.reduce(Wait::longer))
        }
    };
    let fresh_until = named.as_ref().map(|named| later(poll.asked_at, named.least));
    let wait = wait.or_longer(named).or_longer(poll.slowed()).or_longer(poll.without_validators());
    let at = later(poll.asked_at, wait.least + spread.max(poll.offset.after(wait.least)));
    let (at, because) = match put_off(&poll.habits.hints, at, poll.offset) {
        Some(at) => (at, format!("{}, and then the hours or days that the feed skips", wait.because)),
        None => (at, wait.because),
    };
    NextPoll { at, because, left_alone_until, fresh_until, host_rests_until }
}

/// The wait after so many failures in a row, doubled by each.
fn back_off(first: Duration, longest: Duration, failures: u32) -> Wait {
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(longest);
    Wait::new(doubled, format!("back-off after {}", crate::words::count(failures, "failure")))
}

/// The second request of a feed is spread over an interval, but no longer than this, so that feeds that were subscribed
/// together do not stay together.
const SPREAD: Duration = Duration::from_secs(6 * 3_600);
/// A whole document is asked for no more often than this.
const WHOLE: Duration = DAY;
/// Nothing new for so long, and a feed is asked only so often.
const SLOWED: [(Duration, Duration, &str); 2] = [
    (Duration::from_secs(180 * 86_400), DAY, "nothing new for 180 days: once a day"),
    (Duration::from_secs(30 * 86_400), Duration::from_secs(6 * 3_600), "nothing new for 30 days: every 6h"),
];

impl Poll<'_> {
    /// A feed that has nothing new for long is asked less often, unless its interval was set.
    fn slowed(&self) -> Option<Wait> {
        if self.settings.every.is_set() || self.whom != Whom::Publisher {
            return None;
        }
        let quiet = self.habits.quiet_for(self.asked_at)?;
        SLOWED.iter().find(|(long, ..)| quiet >= *long).map(|(_, least, because)| Wait::new(*least, *because))
    }

    /// A publisher who gives no validators has to send everything each time.
    fn without_validators(&self) -> Option<Wait> {
        let words = "the publisher gives no validators, so that each answer is the whole document: once a day";
        (self.whole && !self.settings.every.is_set()).then(|| Wait::new(WHOLE, words))
    }
}

/// The time `wait` after `from`; the end of time where there is none.
fn later(from: Timestamp, wait: Duration) -> Timestamp {
    from.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// How long it is from one time to a later one; nothing where it is no later.
fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}
