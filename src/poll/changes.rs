//! PURE. From known entries that say something else to what is recorded of them. A change is one of what a reader sees
//! ([`visible`]); of markup, addresses, numbers and times it is none, and only the hashes follow.

use std::collections::HashSet;

use super::Subscription;
use crate::delivery::Updates;
use crate::feed::diff::{EntryRef, Hashes};
use crate::feed::identity::{raw_hash, seen_hash};
use crate::feed::{Entry, visible};
use crate::store::{Changed, Revision};

/// A known entry and what it said before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    /// The entry.
    pub(super) entry: EntryRef,
    /// Its place in the document.
    pub(super) place: usize,
    /// What it said.
    pub(super) hashes: Hashes,
}

/// What a feed's readers want to have of changes.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    updates: Updates,
    sinks: Vec<(String, String)>,
}

impl Wanted {
    /// What the readers of this feed want.
    pub(super) fn of(subscription: &Subscription) -> Self {
        let sink = |to: &super::Destination| (to.sink.clone(), to.id_domain.clone());
        Self { updates: subscription.updates, sinks: subscription.destinations.iter().map(sink).collect() }
    }
}

/// What is recorded of entries that say something else. The hashes follow also where nobody is told: who asks to be told
/// later hears of later changes, not of all at once.
pub(super) fn changes(entries: &[Entry], found: Vec<Before>, wanted: &Wanted) -> Vec<Changed> {
    let mut told = HashSet::new();
    let changed = |Before { entry, place, hashes }: Before| {
        let content = entries.get(place).filter(|_| told.insert(entry))?;
        let seen = visible::text(content);
        let now = Hashes { raw: raw_hash(content), text: seen_hash(&seen) };
        let is_told = now.text != hashes.text && wanted.updates != Updates::Ignore && !wanted.sinks.is_empty();
        let revision = is_told.then(|| Revision {
            content: content.clone(),
            text: Some(seen).filter(|_| wanted.updates.keeps_text()),
            updates: wanted.updates,
            sinks: wanted.sinks.clone(),
        });
        Some(Changed { entry, hashes: now, revision })
    };
    found.into_iter().filter_map(changed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::identity::text_hash;

    fn entry(body: &str) -> Entry {
        Entry { title: Some("A title".to_owned()), content: Some(body.to_owned()), ..Entry::default() }
    }

    fn compared(before: &str, after: &str, updates: Updates) -> Changed {
        let before = entry(before);
        let hashes = Hashes { raw: raw_hash(&before), text: text_hash(&before) };
        let wanted = Wanted { updates, sinks: vec![("inbox".to_owned(), "localhost".to_owned())] };
        let found = vec![Before { entry: EntryRef(1), place: 0, hashes }; 2];
        let mut changed = changes(&[entry(after)], found, &wanted);
        assert_eq!(changed.len(), 1, "an entry is told of once");
        changed.remove(0)
    }

    #[test]
    fn a_change_is_one_that_a_reader_sees() {
        let told = |before, after| compared(before, after, Updates::Resend).revision.is_some();
        assert!(told("<p>one</p>", "<p>two</p>"));
        assert!(!told("<p>one</p>", "<div class=x>one</div>"), "markup");
        assert!(!told("<a href='x?utm_source=a'>one</a>", "<a href='x?utm_source=b'>one</a>"), "tracking");
        assert!(!told("one <i>12 comments</i>", "one <i>13 comments</i>"), "a counter");
        assert!(!told("one, 3 min ago", "one, 2 hours ago"), "an age");
    }

    #[test]
    fn the_hashes_follow_also_where_nobody_is_told() {
        let changed = compared("one", "two", Updates::Ignore);
        assert!(changed.revision.is_none());
        assert_eq!(changed.hashes, Hashes { raw: raw_hash(&entry("two")), text: text_hash(&entry("two")) });
    }

    #[test]
    fn what_was_seen_is_kept_where_it_is_needed_to_mark_what_changed() {
        let text = |updates| compared("one", "two", updates).revision.unwrap().text;
        assert_eq!(text(Updates::Resend), None);
        assert_eq!(text(Updates::Thread).as_deref(), Some("A title\ntwo"));
    }
}
