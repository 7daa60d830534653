//! What a publisher's own words come to: the lifetime of its answers, `ttl`, `sy:updatePeriod`, and the hours and days that it
//! wants to be skipped. They only ever make requests rarer.

use std::time::Duration;

use jiff::Timestamp;

use super::words::span;
use super::{FURTHEST, HOUR, Habits, Offset, Wait, between, later};
use crate::feed::Hints;

/// `Cache-Control` or `Expires`.
pub(super) fn lifetime(habits: &Habits) -> Option<Wait> {
    let lifetime = Duration::from_secs(habits.lifetime.filter(|seconds| *seconds > 0)?).min(FURTHEST);
    Some(Wait::new(lifetime, format!("the publisher's cache lifetime of {}", span(lifetime))))
}

/// RSS's `ttl`.
pub(super) fn ttl(habits: &Habits) -> Option<Wait> {
    let ttl = Duration::from_secs(u64::from(habits.hints.ttl?) * 60).min(FURTHEST);
    Some(Wait::new(ttl, format!("the feed's own ttl of {}", span(ttl))))
}

/// `sy:updatePeriod`, `updateFrequency` and `updateBase`: the period divided by the frequency, and up to a quarter of that more
/// where the feed then changes at a moment that it names.
pub(super) fn update_period(habits: &Habits, asked_at: Timestamp) -> Option<Wait> {
    let Hints { update_period, update_frequency, update_base, .. } = &habits.hints;
    let step =
        update_period.or(update_frequency.map(|_| crate::feed::Period::Daily))?.length() / update_frequency.unwrap_or(1).max(1);
    let step = Duration::from_secs(step.as_secs());
    let least = step.min(FURTHEST);
    let to_change = update_base.and_then(|base| {
        let since = between(base, later(asked_at, least)).as_secs();
        let over = since.checked_rem(step.as_secs())?;
        (over > 0).then(|| Duration::from_secs(step.as_secs() - over))
    });
    // What changes each hour, as every blog of some makes claims to, is not waited for: all would be asked at the full hour.
    let is_rare = step > HOUR;
    let to_change = to_change.filter(|more| is_rare && *more <= least / 4 && least + *more <= FURTHEST).unwrap_or_default();
    Some(Wait::new(least + to_change, format!("the feed's own sy:updatePeriod, once in {}", span(least))))
}

/// Whether a publisher wants to be left alone at this time, by its `skipHours` and `skipDays`. Both are in GMT.
#[must_use]
pub fn is_skipped(hints: &Hints, at: Timestamp) -> bool {
    let hours = at.as_second().div_euclid(3_600);
    let has = |set: &std::collections::BTreeSet<u8>, number: i64| u8::try_from(number).is_ok_and(|number| set.contains(&number));
    // The first day of 1970 was a Thursday, the fourth of its week.
    has(&hints.skip_hours, hours.rem_euclid(24)) || has(&hints.skip_days, (hours.div_euclid(24) + 3).rem_euclid(7) + 1)
}

/// To when a request is put off that would fall into what is skipped; `None` where it does not. Whoever skips everything skips
/// nothing.
#[must_use]
pub fn put_off(hints: &Hints, at: Timestamp, offset: Offset) -> Option<Timestamp> {
    /// A week has no more hours.
    const MOST: i64 = 7 * 24;
    if !is_skipped(hints, at) {
        return None;
    }
    let hour = at.as_second().div_euclid(3_600);
    let starts = (1..=MOST).filter_map(|more| Timestamp::from_second((hour + more) * 3_600).ok());
    let start = starts.into_iter().find(|start| !is_skipped(hints, *start))?;
    Some(later(start, offset.within(Duration::from_secs(1_800))))
}
