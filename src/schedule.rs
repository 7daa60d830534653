//! PURE. When a feed is asked next: from its settings, what the last answer was, and its history. Goes in: [`Answered`],
//! the number of failures before, the time. Comes out: [`NextPoll`], a time and the rule that set it.

use std::time::Duration;

use jiff::Timestamp;

/// How often a feed is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The least time from one request to the next.
    pub interval: Duration,
}

/// What the last request came to, as far as the next one depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// A document, or word that it is unchanged.
    Well {
        /// How long the publisher says that it stays fresh.
        fresh_for: Option<Duration>,
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
    /// Until when what we have is fresh by the publisher's word.
    pub fresh_until: Option<Timestamp>,
}

/// No rule puts a poll further off than this, but a longer interval: some sites let their feeds be fresh for a year. What
/// seems further off was written down by a clock that has been set back since.
pub const FURTHEST: Duration = Duration::from_secs(7 * 86_400);
/// A feed that was last asked so far in the future was asked before the clock was set back: its own wait says nothing any more.
pub const SET_BACK: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// When to ask next, counted from `asked_at`, the start of the request that was answered.
#[must_use]
pub fn next_poll(settings: Settings, answered: Answered, asked_at: Timestamp) -> NextPoll {
    let interval = settings.interval;
    let (mut left_alone_until, mut fresh_until) = (None, None);
    let (wait, because) = match answered {
        Answered::Well { fresh_for: Some(fresh) } if fresh > interval => {
            let fresh = fresh.min(FURTHEST).max(interval);
            fresh_until = Some(later(asked_at, fresh));
            (fresh, "the publisher's cache lifetime".to_owned())
        }
        Answered::Well { .. } => (interval, "the feed's interval".to_owned()),
        Answered::Badly { retry_after: Some(wish), .. } => {
            let wish = wish.min(FURTHEST);
            left_alone_until = Some(later(asked_at, wish));
            (wish.max(interval), "the publisher's Retry-After".to_owned())
        }
        Answered::Badly { status, failures, .. } => {
            let (first, longest) = match status {
                Some(401 | 402 | 403 | 451) => (6 * HOUR, 7 * DAY),
                Some(429 | 503) => (2 * HOUR, DAY),
                Some(_) | None => (HOUR, DAY),
            };
            let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(longest);
            (doubled.max(interval), format!("back-off after {}", crate::words::count(failures, "failure")))
        }
    };
    NextPoll { at: later(asked_at, wait), because, left_alone_until, fresh_until }
}

/// The time `wait` after `from`; the end of time where there is none.
fn later(from: Timestamp, wait: Duration) -> Timestamp {
    from.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings { interval: HOUR };

    fn wait(answered: Answered) -> (u64, String) {
        let next = next_poll(SETTINGS, answered, Timestamp::UNIX_EPOCH);
        (u64::try_from(next.at.as_second()).unwrap() / 60, next.because)
    }

    fn badly(status: Option<u16>, failures: u32) -> Answered {
        Answered::Badly { status, retry_after: None, failures }
    }

    #[test]
    fn a_feed_is_asked_each_interval_or_when_the_publishers_cache_ends() {
        assert_eq!(wait(Answered::Well { fresh_for: None }), (60, "the feed's interval".to_owned()));
        assert_eq!(wait(Answered::Well { fresh_for: Some(HOUR / 2) }).0, 60);
        assert_eq!(wait(Answered::Well { fresh_for: Some(12 * HOUR) }), (720, "the publisher's cache lifetime".to_owned()));
        assert_eq!(wait(Answered::Well { fresh_for: Some(365 * DAY) }).0, 7 * 24 * 60);
    }

    #[test]
    fn failures_double_the_wait_to_a_day() {
        assert_eq!(wait(badly(None, 1)), (60, "back-off after 1 failure".to_owned()));
        assert_eq!(wait(badly(Some(500), 3)), (240, "back-off after 3 failures".to_owned()));
        assert_eq!(wait(badly(Some(404), 4_000_000_000)).0, 24 * 60);
        assert_eq!(wait(badly(Some(403), 1)).0, 6 * 60);
    }

    #[test]
    fn a_retry_after_is_obeyed_and_bounded() {
        let wish = |after| {
            next_poll(
                SETTINGS,
                Answered::Badly { status: Some(429), retry_after: Some(after), failures: 1 },
                Timestamp::UNIX_EPOCH,
            )
        };
        assert_eq!(wish(5 * HOUR).at.as_second(), 5 * 3_600);
        assert_eq!(wish(DAY * 400).at.as_second(), 7 * 86_400);
        assert_eq!(wish(5 * HOUR).left_alone_until.unwrap().as_second(), 5 * 3_600);
        let short = wish(Duration::from_secs(5));
        assert_eq!(
            (short.left_alone_until.unwrap().as_second(), short.at.as_second()),
            (5, 3_600),
            "the wish is not the interval"
        );
    }
}
