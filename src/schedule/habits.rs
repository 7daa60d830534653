//! What a feed is known to do: what it says of itself, and when its entries really appeared.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DAY, MINUTE, between};
use crate::feed::Hints;

/// What is known of a feed, as far as the next request depends on it. Kept with the feed; absent where nothing is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Habits {
    /// What its last document said of how often it changes.
    pub hints: Hints,
    /// For how many seconds an answer is fresh, by the publisher's last word on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u64>,
    /// When something new appeared in it, the oldest first; the last 20 times.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub appeared: Vec<Timestamp>,
    /// When it first answered with a document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When it was last asked for the whole document, or gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whole_at: Option<Timestamp>,
}

/// How many times of appearance are remembered.
const MOST_KEPT: usize = 20;
/// What appears within so short a time appeared together.
const TOGETHER: Duration = Duration::from_secs(15 * 60);
/// A date is believed if it lies no longer than this before the entry was first seen: no poll is put off much longer.
const BELIEVED: Duration = Duration::from_secs(7 * 86_400);
/// With fewer gaps than this nothing is learned.
const FEWEST_GAPS: usize = 3;
/// What is learned is not less than this, whatever a feed publishes …
pub(super) const SHORTEST: Duration = Duration::from_secs(15 * MINUTE.as_secs());
/// … nor more than this: slower feeds are the business of those rules that look for how long nothing came.
pub(super) const LONGEST: Duration = DAY;

impl Habits {
    /// The same after a document with these hints, in which entries are new that have these dates.
    #[must_use]
    pub fn after_document(&self, hints: Hints, new: &[Option<Timestamp>], asked_at: Timestamp) -> Self {
        let first = self.since.is_none();
        let appeared = |dated: &Option<Timestamp>| match dated.map(|dated| dated.min(asked_at)) {
            // At first all entries are new to us, and only their dates say how old they are.
            Some(dated) if first || between(dated, asked_at) <= BELIEVED => Some(dated),
            Some(_) | None => (!first).then_some(asked_at),
        };
        let mut times: Vec<Timestamp> = self.appeared.iter().copied().chain(new.iter().filter_map(appeared)).collect();
        times.sort_unstable();
        times.dedup_by(|later, earlier| between(*earlier, *later) < TOGETHER);
        let surplus = times.len().saturating_sub(MOST_KEPT);
        times.drain(..surplus);
        Self { hints, appeared: times, since: self.since.or(Some(asked_at)), ..self.clone() }
    }

    /// The same after a whole answer that is fresh for so long, if it says so.
    #[must_use]
    pub fn after_whole(&self, fresh_for: Option<Duration>, asked_at: Timestamp) -> Self {
        Self { lifetime: fresh_for.map(|fresh| fresh.as_secs()), whole_at: Some(asked_at), ..self.clone() }
    }

    /// The same after word that nothing changed. Where that says nothing of freshness, what was said holds on (RFC 9111 section
    /// 4.3.4).
    #[must_use]
    pub fn after_unchanged(&self, fresh_for: Option<Duration>) -> Self {
        Self { lifetime: fresh_for.map(|fresh| fresh.as_secs()).or(self.lifetime), ..self.clone() }
    }

    /// How often it publishes: the median of the gaps between its last publications, bounded.
    pub(super) fn learned(&self) -> Option<Duration> {
        let mut gaps: Vec<Duration> = self.appeared.windows(2).map(|pair| between(pair[0], pair[1])).collect();
        if gaps.len() < FEWEST_GAPS {
            return None;
        }
        gaps.sort_unstable();
        Some(gaps[gaps.len() / 2].clamp(SHORTEST, LONGEST))
    }

    /// For how long nothing new has appeared; `None` where it was never read.
    pub(super) fn quiet_for(&self, now: Timestamp) -> Option<Duration> {
        let last = self.appeared.last().copied().or(self.since)?;
        Some(between(last, now))
    }
}
