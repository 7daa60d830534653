//! PURE. What the clocks of publishers say of ours. One that differs is that publisher's; several that differ alike, and more
//! than agree with ours, show that ours is wrong. That is worth a word, once.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The clocks that were seen, by their hosts.
#[derive(Debug, Default)]
pub(super) struct Clocks(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// By how many seconds each is ahead of ours.
    ahead: BTreeMap<String, i64>,
    told: bool,
}

/// How far our clock is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wrong {
    /// By how much.
    pub(super) by: Duration,
    /// The publishers' time is later than ours.
    pub(super) is_slow: bool,
    /// How many publishers say so.
    pub(super) publishers: usize,
}

/// Whoever differs by more has another time; less is how long answers may lie in caches, and how badly clocks are set.
const NOTABLE: i64 = 3_600;
/// So many publishers must say alike.
const WITNESSES: usize = 3;

impl Clocks {
    /// Notes by how many seconds a host's clock is ahead of ours. Says once that ours is wrong.
    pub(super) fn saw(&self, host: &str, ahead: i64) -> Option<Wrong> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.ahead.insert(host.to_owned(), ahead);
        if ahead.abs() <= NOTABLE || seen.told {
            return None;
        }
        let alike = seen.ahead.values().filter(|other| other.abs_diff(ahead) <= NOTABLE.unsigned_abs()).count();
        if alike < WITNESSES || alike * 2 <= seen.ahead.len() {
            return None;
        }
        seen.told = true;
        Some(Wrong { by: Duration::from_secs(ahead.unsigned_abs()), is_slow: ahead > 0, publishers: alike })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;

    fn told(seen: &[(&str, i64)]) -> Vec<Option<Wrong>> {
        let clocks = Clocks::default();
        seen.iter().map(|(host, ahead)| clocks.saw(host, *ahead)).collect()
    }

    #[test]
    fn p38_three_publishers_that_differ_alike_show_once_that_our_clock_is_wrong() {
        let wrong = Some(Wrong { by: Duration::from_secs(3 * 3_600), is_slow: true, publishers: 3 });
        assert_eq!(told(&[("a", 3 * HOUR), ("b", 3 * HOUR + 60), ("c", 3 * HOUR), ("d", 3 * HOUR)]), [None, None, wrong, None]);
        let fast = told(&[("a", -86_400), ("b", -86_400), ("c", -86_400)])[2].unwrap();
        assert!(!fast.is_slow);
    }

    #[test]
    fn p38_a_publisher_whose_own_clock_is_wrong_shows_nothing_of_ours() {
        for seen in [
            &[("a", 9 * HOUR), ("a", 9 * HOUR), ("a", 9 * HOUR)][..],
            &[("a", HOUR), ("b", HOUR), ("c", HOUR)],
            &[("a", 2 * HOUR), ("b", 9 * HOUR), ("c", -4 * HOUR)],
            &[("a", 0), ("b", 3), ("c", -2), ("d", 9 * HOUR), ("e", 9 * HOUR), ("f", 9 * HOUR)],
        ] {
            assert!(told(seen).iter().all(Option::is_none), "{seen:?}");
        }
    }
}
