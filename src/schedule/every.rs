//! How often a feed is to be asked, as its settings have it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;

use super::words::span;
use super::{Habits, USUAL, Wait, between};
use crate::units::{Interval, UnitError};

/// How a feed is scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// How often it is asked.
    pub every: Every,
    /// After how long with nothing but "unchanged" it is asked once without validators; never where there is none.
    pub recheck: Option<Duration>,
}

/// How often a feed is asked: the key `interval`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Every {
    /// Nothing is said: [`USUAL`], and less often where little comes.
    #[default]
    Usual,
    /// As the user says.
    Set(Interval),
    /// As often as it publishes.
    Auto,
}

impl Every {
    /// Whether the user named a time, which then holds whatever the feed does.
    #[must_use]
    pub fn is_set(self) -> bool {
        matches!(self, Self::Set(_))
    }

    /// The least time between two requests, by this alone.
    pub(super) fn interval(self, habits: &Habits) -> Wait {
        let usual = span(USUAL);
        match self {
            Self::Usual => Wait::new(USUAL, format!("the usual interval of {usual}")),
            Self::Set(interval) => Wait::new(interval.duration(), format!("the feed's interval of {interval}")),
            Self::Auto => match habits.learned() {
                Some(gap) => Wait::new(gap, format!("its own pace: something new about every {}", span(gap))),
                None => Wait::new(USUAL, format!("the usual interval of {usual}, until its own pace is known")),
            },
        }
    }
}

impl FromStr for Every {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        if text.trim() == "auto" { Ok(Self::Auto) } else { text.parse().map(Self::Set) }
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usual => f.write_str(&span(USUAL)),
            Self::Set(interval) => interval.fmt(f),
            Self::Auto => f.write_str("auto"),
        }
    }
}

/// Whether the next request goes without validators, for the case that a server compares them wrongly and says "unchanged" for
/// ever. Off unless it is set; then once in that time.
#[must_use]
pub fn is_to_be_rechecked(settings: Settings, habits: &Habits, now: Timestamp) -> bool {
    settings.recheck.zip(habits.whole_at).is_some_and(|(after, whole_at)| between(whole_at, now) >= after)
}
