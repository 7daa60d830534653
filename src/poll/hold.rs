//! PURE. What becomes of new entries: delivered, only remembered, or held until a person says so. Goes in: their dates, how
//! many others of the document are known, and what is known of the feed. Comes out: [`Plan`].

use std::time::Duration;

use jiff::Timestamp;

use super::{Backlog, Subscription};
use crate::feed::Identity;
use crate::store::History;
use crate::words::count;

/// What becomes of a new entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It goes to the feed's sinks.
    Deliver,
    /// It is known from now on, and goes nowhere.
    Remember,
    /// It goes to the feed's sinks when a person says so.
    Hold,
}

/// What becomes of the new entries of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// In the order of delivery, oldest first: the place of each among the new ones, and what becomes of it.
    pub entries: Vec<(usize, Fate)>,
    /// Why some are held, where they are.
    pub why: Option<String>,
}

impl Plan {
    /// How many entries have this fate.
    #[must_use]
    pub fn count(&self, fate: Fate) -> usize {
        self.entries.iter().filter(|(_, own)| *own == fate).count()
    }
}

/// So many entries that are dated and new though they look old are no accident, where nothing else in the document is known …
const SEVERAL_DATED: usize = 2;
/// … and so many in all other cases: without dates, a small document may well be all new.
const SEVERAL: usize = 3;
/// A date further ahead than this says nothing.
const AHEAD: Duration = Duration::from_secs(86_400);

/// Says what becomes of the new entries of a document, of which their `dates` are given in the document's order, beside
/// `same` entries that are known.
#[must_use]
pub fn plan(
    dates: &[Option<Timestamp>],
    same: usize,
    subscription: &Subscription,
    history: Option<&History>,
    now: Timestamp,
) -> Plan {
    // Documents have their newest entry first; where dates are missing or equal, that order holds.
    let mut oldest_first: Vec<(usize, Option<Timestamp>)> = dates.iter().copied().enumerate().rev().collect();
    oldest_first.sort_by_key(|(_, dated)| dated.unwrap_or(now));
    let (fates, why) = match history.filter(|history| history.ever_read) {
        None => (of_a_new_feed(oldest_first.len(), subscription.backlog), None),
        Some(history) => {
            let dates = oldest_first.iter().map(|(_, dated)| dated.filter(|at| *at <= now + AHEAD)).collect();
            Arrivals { dates, same, subscription, history, now }.fates()
        }
    };
    Plan { entries: oldest_first.into_iter().map(|(place, _)| place).zip(fates).collect(), why }
}

/// Of a feed that is read for the first time only the backlog is delivered.
fn of_a_new_feed(entries: usize, backlog: Backlog) -> Vec<Fate> {
    let delivered = match backlog {
        Backlog::All => entries,
        Backlog::Newest(count) => usize::try_from(count).unwrap_or(usize::MAX).min(entries),
    };
    (0..entries).map(|place| if place < entries - delivered { Fate::Remember } else { Fate::Deliver }).collect()
}

/// The new entries of a known feed.
struct Arrivals<'a> {
    /// Their dates, oldest first; of those without one, at their place in the document.
    dates: Vec<Option<Timestamp>>,
    same: usize,
    subscription: &'a Subscription,
    history: &'a History,
    now: Timestamp,
}

impl Arrivals<'_> {
    fn fates(&self) -> (Vec<Fate>, Option<String>) {
        let mut fates: Vec<Fate> =
            self.dates.iter().map(|dated| if self.is_too_old(*dated) { Fate::Remember } else { Fate::Deliver }).collect();
        let Some(why) = self.all_became_new().or_else(|| self.too_many(&fates)) else { return (fates, None) };
        let mut left = usize::try_from(self.subscription.max_new).unwrap_or(usize::MAX);
        let mut holds = false;
        // From the newest on: if not all can go, the newest do.
        for (fate, dated) in fates.iter_mut().zip(&self.dates).rev().filter(|(fate, _)| **fate == Fate::Deliver) {
            if left > 0 && self.is_after(*dated) == Some(true) {
                left -= 1;
            } else {
                (*fate, holds) = (Fate::Hold, true);
            }
        }
        (fates, holds.then_some(why))
    }

    /// A late-comer: dated long before the feed was last read, and not after all that was delivered. What is the feed's latest,
    /// or appeared while nobody looked, is none, however old it is.
    fn is_too_old(&self, dated: Option<Timestamp>) -> bool {
        let looked = self.history.last_success.map_or(self.now, |at| at.min(self.now));
        let oldest = looked.checked_sub(self.subscription.max_age).unwrap_or(Timestamp::MIN);
        // What has the very date of the latest came with it or right after.
        let latest = self.history.newest.or(self.history.last_success);
        dated.is_some_and(|at| at < oldest && latest.is_some_and(|latest| at < latest))
    }

    /// Whether it is dated after all that was delivered; nothing where it has no date.
    fn is_after(&self, dated: Option<Timestamp>) -> Option<bool> {
        let since = self.history.newest.or(self.history.last_success);
        Some(dated? > since.unwrap_or(Timestamp::MIN))
    }

    /// Whether entries that were known seem to have become new all at once, and what makes it seem so.
    fn all_became_new(&self) -> Option<String> {
        let among = |after| self.dates.iter().filter(|dated| self.is_after(**dated) == after).count();
        let dated = among(Some(false));
        // A user who says what identifies an entry vouches for it: then no date speaks against nothing.
        let undated = if self.same == 0 && self.subscription.identity == Identity::Auto { among(None) } else { 0 };
        let (suspects, all) = (dated + undated, self.same + self.dates.len());
        let several = if self.same == 0 && undated == 0 { SEVERAL_DATED } else { SEVERAL };
        let remembered = usize::try_from(self.history.remembered).unwrap_or(usize::MAX);
        if suspects < several || remembered < several || suspects * 2 <= all {
            return None;
        }
        // What was seen, and no more: whether ids were changed or old posts were put in is for a person to judge.
        let remembered = entries(remembered);
        Some(match (self.same, self.history.newest) {
            (0, _) => format!("none of its {} is known, though {remembered} of the feed are remembered", entries(all)),
            (_, None) => {
                format!("{suspects} of its {} are not known, though {remembered} of the feed are remembered", entries(all))
            }
            (_, Some(newest)) => {
                let day = newest.strftime("%Y-%m-%d");
                format!("{suspects} of its {} are not known, though not dated after the last delivery ({day})", entries(all))
            }
        })
    }

    fn too_many(&self, fates: &[Fate]) -> Option<String> {
        let new = fates.iter().filter(|fate| **fate == Fate::Deliver).count();
        let most = self.subscription.max_new;
        let exceeds = u32::try_from(new).is_ok_and(|new| new <= most);
        (!exceeds).then(|| format!("{} at once, more than `max_new = {most}`", count(new as u64, "new entry")))
    }
}

fn entries(number: usize) -> String {
    count(number as u64, "entry")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::FeedId;

    const NOW: i64 = 100;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(day * 86_400).unwrap()
    }

    /// A feed that was read on day 99, has shown an entry of day 90, and remembers 20.
    fn history() -> History {
        History {
            feed: FeedId(1),
            validators: None,
            document_hash: None,
            moved_to: None,
            ever_read: true,
            last_success: Some(day(99)),
            remembered: 20,
            newest: Some(day(90)),
            holds: false,
            failures: 0,
            failing_since: None,
            trouble: None,
            last_attempt: Some(day(99)),
            polls: 7,
        }
    }

    fn subscription() -> Subscription {
        Subscription { max_new: 4, ..Subscription::specimen("news", Backlog::Newest(1)) }
    }

    /// The fates in the document's order, a letter each, and why.
    fn told(days: &[Option<i64>], same: usize, history: &History) -> (String, Option<String>) {
        let dates: Vec<Option<Timestamp>> = days.iter().map(|at| at.map(day)).collect();
        let plan = plan(&dates, same, &subscription(), Some(history), day(NOW));
        let mut letters = vec!['?'; days.len()];
        for (place, fate) in plan.entries {
            letters[place] = match fate {
                Fate::Deliver => 'd',
                Fate::Remember => 'r',
                Fate::Hold => 'h',
            };
        }
        (letters.into_iter().collect(), plan.why)
    }

    fn fates(days: &[Option<i64>], same: usize) -> String {
        told(days, same, &history()).0
    }

    #[test]
    fn a_few_new_entries_are_delivered_whatever_their_date() {
        assert_eq!(fates(&[Some(99), None, Some(80)], 7), "ddd");
        assert_eq!(fates(&[None], 0), "d");
        assert_eq!(fates(&[Some(80)], 0), "d");
    }

    #[test]
    fn what_all_became_new_is_held_but_for_what_is_dated_later() {
        let (fates, why) = told(&[Some(95), Some(90), Some(89), Some(75)], 0, &history());
        assert_eq!(fates, "dhhh");
        insta::assert_snapshot!(why.unwrap(), @"none of its 4 entries is known, though 20 entries of the feed are remembered");
        let (fates, why) = told(&[Some(90), Some(89), Some(88)], 1, &history());
        assert_eq!(fates, "hhh");
        insta::assert_snapshot!(why.unwrap(), @"3 of its 4 entries are not known, though not dated after the last delivery (1970-04-01)");
        assert_eq!(told(&[None, None, None], 0, &history()).0, "hhh");
    }

    #[test]
    fn a_document_that_is_new_because_much_happened_is_delivered() {
        assert_eq!(told(&[Some(97), Some(96), Some(95)], 0, &history()), ("ddd".to_owned(), None));
        let young = History { remembered: 1, ..history() };
        assert_eq!(told(&[Some(90), Some(89), Some(88)], 0, &young), ("ddd".to_owned(), None));
        let empty_so_far = History { remembered: 0, newest: None, ..history() };
        assert_eq!(told(&[None, None, None], 0, &empty_so_far), ("ddd".to_owned(), None));
    }

    #[test]
    fn of_too_many_at_once_the_newest_that_are_dated_later_go() {
        let (fates, why) = told(&[Some(98), Some(97), Some(96), Some(95), Some(94), Some(93)], 9, &history());
        assert_eq!(fates, "ddddhh");
        assert_eq!(why.unwrap(), "6 new entries at once, more than `max_new = 4`");
        assert_eq!(fates_of_undated(5), "hhhhh");
        assert_eq!(fates_of_undated(4), "dddd");
    }

    fn fates_of_undated(count: usize) -> String {
        fates(&vec![None; count], 9)
    }

    #[test]
    fn a_late_comer_is_remembered_and_counts_as_no_burst_of_new_ones() {
        assert_eq!(fates(&[Some(99), Some(68)], 7), "dr");
        assert_eq!(fates(&[Some(20), Some(21), Some(22), Some(23), Some(24), Some(25)], 9), "rrrrrr");
        assert_eq!(fates(&[Some(89), Some(88), Some(20)], 0), "hhr");
    }

    #[test]
    fn what_appeared_while_nobody_looked_is_no_late_comer() {
        let away = History { last_success: Some(day(40)), newest: Some(day(39)), ..history() };
        assert_eq!(told(&[Some(69), Some(41), Some(9)], 4, &away).0, "ddr");
    }

    #[test]
    fn the_latest_of_a_feed_is_no_late_comer_however_old_it_is() {
        let slow = History { newest: Some(day(10)), ..history() };
        assert_eq!(told(&[Some(11), Some(9)], 4, &slow).0, "dr");
    }

    #[test]
    fn a_date_far_ahead_says_nothing() {
        assert_eq!(fates(&[Some(5_000), Some(90), Some(89)], 0), "hhh");
    }

    #[test]
    fn of_a_new_feed_nothing_is_held() {
        let dates = vec![Some(day(1)); 200];
        let all = Subscription { backlog: Backlog::All, ..subscription() };
        assert_eq!(plan(&dates, 0, &all, None, day(NOW)).count(Fate::Deliver), 200);
        let plan = plan(&dates, 0, &subscription(), None, day(NOW));
        assert_eq!((plan.count(Fate::Deliver), plan.count(Fate::Remember), plan.why), (1, 199, None));
    }
}
