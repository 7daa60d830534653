//! Waiting for a condition, never for a time: the one place of the kit that pauses.

use std::time::{Duration, Instant};

/// Between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(5);

/// Looks until there is something to see, or the limit is over. Says how it ended.
pub(crate) fn within<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(seen) = look() {
            return Some(seen);
        }
        if Instant::now() >= end {
            return None;
        }
        pause(PAUSE);
    }
}

/// As [`within`], for what must come: `what` is named where it does not.
pub(crate) fn until<T>(what: &str, limit: Duration, look: impl FnMut() -> Option<T>) -> T {
    within(limit, look).unwrap_or_else(|| panic!("still waiting for {what} after {limit:?}"))
}

/// Lets time pass: between two looks at a condition, and for a server that is told to be slow.
#[expect(clippy::disallowed_methods, reason = "the one place of the kit that pauses")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
