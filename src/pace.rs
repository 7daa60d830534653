//! PURE. How fast a host may be asked: which hosts share a pace, and what a host teaches by its answers. Goes in: what is known
//! of a pace, an answer, the time. Comes out: [`Learned`]. Waits for nothing.

use std::time::Duration;

use jiff::Timestamp;

/// A pace that a host taught us by saying that it had too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Learned {
    /// The pause between two requests when it last had too much.
    pub slowest: Duration,
    /// When that was.
    pub since: Timestamp,
    /// When it last answered well after that.
    pub good_until: Timestamp,
}

/// The pause after a first word of too much: most limits that are met at all are far below one request a second.
const FIRST: Duration = Duration::from_secs(10);
/// No pause is learned that is longer than this; see docs/limits.md.
pub const LONGEST: Duration = Duration::from_secs(5 * 60);
/// In so long a time of good answers the learned pause is halved.
const HALVED_IN: Duration = Duration::from_secs(7 * 86_400);

impl Learned {
    /// After "too many requests": twice as slow as before, `base` being what is kept in any case.
    #[must_use]
    pub fn after_too_many(before: Option<Self>, base: Duration, now: Timestamp) -> Self {
        let before = before.map_or(Duration::ZERO, |learned| learned.pause()).max(base);
        let slowest = before.saturating_mul(2).clamp(FIRST, LONGEST.max(base));
        Self { slowest, since: now, good_until: now }
    }

    /// After a good answer. Not the number of answers counts but their time: a host with many feeds gives many at once.
    #[must_use]
    pub fn after_success(self, now: Timestamp) -> Self {
        Self { good_until: self.good_until.max(now), ..self }
    }

    /// The pause between two requests now.
    #[must_use]
    pub fn pause(&self) -> Duration {
        let good_for = Duration::try_from(self.good_until.duration_since(self.since)).unwrap_or_default();
        self.slowest.mul_f64(0.5_f64.powf(good_for.as_secs_f64() / HALVED_IN.as_secs_f64()))
    }
}

/// The name under which a host's pace is kept: `www.` is no host of its own.
#[must_use]
pub fn key(host: &str) -> &str {
    host.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(host)
}

/// A host and the domains that it belongs to, the nearest first.
pub fn domains(host: &str) -> impl Iterator<Item = &str> {
    let is_address = host.starts_with('[') || host.rsplit('.').next().is_some_and(|last| last.parse::<u8>().is_ok());
    std::iter::successors(Some(host), move |host| host.split_once('.').map(|(_, rest)| rest).filter(|_| !is_address))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const DAY: i64 = 86_400;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn too_many_requests_double_the_pause_up_to_a_bound() {
        let mut learned = None;
        let mut pauses = Vec::new();
        for time in 0..7 {
            let next = Learned::after_too_many(learned, SECOND, at(time));
            pauses.push(next.pause().as_secs());
            learned = Some(next);
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(Learned::after_too_many(None, 61 * SECOND, at(0)).pause(), 122 * SECOND);
        assert_eq!(Learned::after_too_many(None, 900 * SECOND, at(0)).pause(), 900 * SECOND, "what the user set is kept");
    }

    #[test]
    fn good_answers_shorten_the_pause_slowly_and_silence_does_not() {
        let learned = Learned::after_too_many(None, 40 * SECOND, at(0));
        assert_eq!(learned.pause(), 80 * SECOND);
        let pause = |days: i64| learned.after_success(at(days * DAY)).pause().as_secs();
        assert_eq!([0, 1, 7, 14].map(pause), [80, 72, 40, 20]);
        let back = learned.after_success(at(7 * DAY)).after_success(at(-DAY));
        assert_eq!(back.pause(), 40 * SECOND, "a clock that is set back changes nothing");
        assert_eq!(Learned::after_too_many(Some(back), SECOND, at(8 * DAY)).pause(), 80 * SECOND);
    }

    #[test]
    fn a_host_belongs_to_its_domains_and_an_address_to_none() {
        let all = |host| domains(host).collect::<Vec<_>>();
        assert_eq!(all("old.reddit.com"), ["old.reddit.com", "reddit.com", "com"]);
        assert_eq!(all("127.0.0.1"), ["127.0.0.1"]);
        assert_eq!(all("[::1]"), ["[::1]"]);
        assert_eq!(["www.reddit.com", "www.com", "old.reddit.com"].map(key), ["reddit.com", "www.com", "old.reddit.com"]);
    }
}
