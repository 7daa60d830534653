//! PURE. From new entries to what is recorded of them: in which order they are delivered, which of them are, and under
//! which ids.

use std::collections::HashMap;

use super::hold::{Fate, Plan};
use super::{OncePer, Subscription};
use crate::delivery::MessageId;
use crate::feed::identity::{raw_hash, seen_hash, uid};
use crate::feed::{Entry, Key, Keys, visible};
use crate::store::{NewDelivery, NewEntry};

/// The new entries of a document, ready to be recorded as planned.
pub(super) fn ready(new: Vec<(Keys, Entry)>, plan: &Plan, subscription: &Subscription) -> Vec<NewEntry> {
    let stories = match subscription.once_per {
        OncePer::Feed => HashMap::new(),
        OncePer::Sink => stories(&new),
    };
    let mut new: Vec<Option<(Keys, Entry)>> = new.into_iter().map(Some).collect();
    let entry = |(place, fate): &(usize, Fate)| {
        let (keys, entry) = new.get_mut(*place)?.take()?;
        let uid = uid(&subscription.url, keys);
        let (deliveries, held) = match fate {
            Fate::Remember => (Vec::new(), None),
            Fate::Deliver => (deliveries(&uid, subscription), None),
            Fate::Hold => (deliveries(&uid, subscription), plan.why.clone()),
        };
        let story = keys.link.filter(|link| stories.get(link) == Some(&1));
        let seen = visible::text(&entry);
        let (raw_hash, text_hash) = (raw_hash(&entry), seen_hash(&seen));
        let text = Some(seen).filter(|_| subscription.updates.keeps_text());
        Some(NewEntry { uid, keys: keys.all().collect(), raw_hash, text_hash, text, entry, deliveries, story, held })
    };
    plan.entries.iter().filter_map(entry).collect()
}

/// The links of the new entries, and how many of them have each: a link that several have tells no story.
fn stories(new: &[(Keys, Entry)]) -> HashMap<Key, u32> {
    let mut stories = HashMap::new();
    new.iter().filter_map(|(keys, _)| keys.link).for_each(|link| *stories.entry(link).or_default() += 1);
    stories
}

fn deliveries(uid: &crate::feed::Uid, subscription: &Subscription) -> Vec<NewDelivery> {
    deliveries_to(uid, &subscription.destinations)
}

/// One delivery for each sink.
pub(super) fn deliveries_to(uid: &crate::feed::Uid, destinations: &[super::Destination]) -> Vec<NewDelivery> {
    let to = |destination: &super::Destination| NewDelivery {
        sink: destination.sink.clone(),
        message_id: MessageId::derive(uid, &destination.sink, 0, &destination.id_domain),
    };
    destinations.iter().map(to).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::poll::hold::plan;
    use crate::poll::{Backlog, Destination};

    fn entries(days: &[Option<i64>]) -> Vec<(Keys, Entry)> {
        let entry = |(place, day): (usize, &Option<i64>)| Entry {
            id: Some(place.to_string()),
            published: day.and_then(|day| Timestamp::from_second(day * 86_400).ok()),
            ..Entry::default()
        };
        days.iter().enumerate().map(entry).map(|entry| (Keys::of(&entry), entry)).collect()
    }

    fn order(days: &[Option<i64>], backlog: Backlog) -> Vec<(String, usize)> {
        let destination = |sink: &str| Destination { sink: sink.to_owned(), id_domain: "example.net".to_owned() };
        let destinations = vec![destination("mail"), destination("later")];
        let subscription = Subscription { destinations, ..Subscription::specimen("news", backlog) };
        let now = Timestamp::from_second(100 * 86_400).unwrap();
        let new = entries(days);
        let dates: Vec<_> = new.iter().map(|(_, entry)| entry.dated()).collect();
        let plan = plan(&dates, 0, &subscription, None, now);
        let ready = ready(new, &plan, &subscription);
        ready.into_iter().map(|new| (new.entry.id.unwrap(), new.deliveries.len())).collect()
    }

    fn named(expected: &[(&str, usize)]) -> Vec<(String, usize)> {
        expected.iter().map(|(id, count)| ((*id).to_owned(), *count)).collect()
    }

    #[test]
    fn the_oldest_comes_first_and_goes_to_every_sink() {
        assert_eq!(order(&[Some(1), Some(3), Some(2)], Backlog::All), named(&[("0", 2), ("2", 2), ("1", 2)]));
        assert_eq!(order(&[None, None, None], Backlog::All), named(&[("2", 2), ("1", 2), ("0", 2)]));
    }

    #[test]
    fn of_a_new_feed_only_the_backlog_is_delivered() {
        let days = [Some(3), Some(2), Some(1)];
        assert_eq!(order(&days, Backlog::Newest(1)), named(&[("2", 0), ("1", 0), ("0", 2)]));
        assert_eq!(order(&days, Backlog::All), named(&[("2", 2), ("1", 2), ("0", 2)]));
        assert_eq!(order(&days, Backlog::Newest(99)), named(&[("2", 2), ("1", 2), ("0", 2)]));
    }
}
