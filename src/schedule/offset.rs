//! Each feed's own place in time, so that feeds that were subscribed together are not asked together for ever.

use std::time::Duration;

use super::HOUR;

/// Where a feed's turn lies within any stretch of time: the same always, and another one than its neighbours'.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset(u32);

/// The longest that a wait grows by it.
const LONGEST: Duration = HOUR;

impl Offset {
    /// The offset of the feed with this URL.
    #[must_use]
    pub fn of(url: &str) -> Self {
        let [a, b, c, d, ..] = *blake3::hash(url.as_bytes()).as_bytes();
        Self(u32::from_le_bytes([a, b, c, d]))
    }

    /// An offset of that place, of 2^32, for tests.
    #[cfg(test)]
    pub(super) const fn at(place: u32) -> Self {
        Self(place)
    }

    /// Its place in a stretch of time, in whole seconds.
    #[must_use]
    pub fn within(self, stretch: Duration) -> Duration {
        let seconds = (u128::from(stretch.as_secs()) * u128::from(self.0)) >> 32;
        Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX))
    }

    /// How much a wait is longer for it: up to a tenth, never shorter.
    #[must_use]
    pub fn after(self, wait: Duration) -> Duration {
        self.within((wait / 10).min(LONGEST))
    }
}
