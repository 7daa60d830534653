//! PURE. Which entries of a document are new to the keys that are known. Goes in: the document's entries and what memory
//! holds under their keys. Comes out: [`Diff`].
//!
//! An entry is recognised by any of its keys that identifies. A key that several entries share, in the document or in
//! memory, decides nothing by itself.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::entry::Entry;
use super::identity::{Key, Keys, raw_hash};

/// A remembered entry: its number in the database, opaque here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryRef(pub i64);

/// What a remembered entry said, as hashes: see [`raw_hash`] and [`text_hash`](super::identity::text_hash).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashes {
    /// Of all it said.
    pub raw: i64,
    /// Of what a reader saw.
    pub text: i64,
}

/// What memory holds under the keys of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    by_key: HashMap<Key, Vec<EntryRef>>,
    dated: HashMap<EntryRef, Timestamp>,
    hashes: HashMap<EntryRef, Hashes>,
}

impl Known {
    /// Adds what was found under one key.
    pub fn add(&mut self, key: Key, entry: EntryRef, dated: Option<Timestamp>) {
        self.by_key.entry(key).or_default().push(entry);
        self.dated.extend(dated.map(|at| (entry, at)));
    }

    /// Adds what an entry said when it was last compared.
    pub fn add_hashes(&mut self, entry: EntryRef, hashes: Hashes) {
        self.hashes.insert(entry, hashes);
    }

    /// What an entry said when it was last compared.
    #[must_use]
    pub fn hashes(&self, entry: EntryRef) -> Option<Hashes> {
        self.hashes.get(&entry).copied()
    }

    fn under(&self, key: Key) -> &[EntryRef] {
        self.by_key.get(&key).map_or(&[], Vec::as_slice)
    }
}

/// What a document holds that was not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// The new entries, by their place in the document, with their keys.
    pub new: Vec<(usize, Keys)>,
    /// Known entries that now have keys which memory lacks.
    pub learned: Vec<(EntryRef, Vec<Key>)>,
    /// Known entries that say something else than before, by their place in the document: perhaps nothing that is seen.
    pub changed: Vec<(EntryRef, usize)>,
}

/// Tells new entries from known ones.
#[must_use]
pub fn diff(entries: &[Entry], known: &Known) -> Diff {
    let keyed: Vec<Keys> = entries.iter().map(Keys::of).collect();
    let mut shared: HashMap<Key, u32> = HashMap::new();
    let mut distinct = HashSet::new();
    for keys in &keyed {
        if distinct.insert(*keys) {
            keys.all().for_each(|key| *shared.entry(key).or_default() += 1);
        }
    }
    let (mut told, mut as_before) = (HashSet::new(), HashSet::new());
    let mut diff = Diff::default();
    for (place, (entry, keys)) in entries.iter().zip(keyed).enumerate() {
        // The same entry twice in one document is one entry.
        if !told.insert(keys) {
            continue;
        }
        let single = |key: Key| shared.get(&key).is_none_or(|count| *count < 2);
        match recognise(entry, keys, known, single) {
            None => diff.new.push((place, keys)),
            Some(was) => {
                let lacking: Vec<Key> = keys.all().filter(|key| !known.under(*key).contains(&was)).collect();
                if !lacking.is_empty() {
                    diff.learned.push((was, lacking));
                }
                match known.hashes(was) {
                    Some(before) if before.raw == raw_hash(entry) => drop(as_before.insert(was)),
                    Some(_) => diff.changed.push((was, place)),
                    None => {}
                }
            }
        }
    }
    // Of two that are taken for the same entry, the one that says what it said is that entry.
    diff.changed.retain(|(was, _)| !as_before.contains(was));
    diff
}

/// The remembered entry that this one is, if any.
fn recognise(entry: &Entry, keys: Keys, known: &Known, single: impl Fn(Key) -> bool) -> Option<EntryRef> {
    let decides = |key: Key| match known.under(key) {
        [one] if single(key) => Some(*one),
        _ => None,
    };
    let is_of = |key: Option<Key>, was: EntryRef| key.is_some_and(|key| known.under(key).contains(&was));
    let is_later = |was: EntryRef| matches!((entry.dated(), known.dated.get(&was)), (Some(now), Some(then)) if now > *then);

    if let Some(was) = keys.id.and_then(decides) {
        // An id that is used again for a really new post: later, elsewhere, and other text.
        let reused = keys.link.is_some() && !is_of(keys.link, was) && !is_of(Some(keys.content), was) && is_later(was);
        return if reused { None } else { Some(was) };
    }
    if let Some(was) = keys.link.and_then(decides) {
        // One address with a new post each day: an id of its own, other text, and later.
        let own_id = keys.id.is_some_and(|id| single(id) && known.under(id).is_empty());
        let another = own_id && !is_of(Some(keys.content), was) && is_later(was);
        return if another { None } else { Some(was) };
    }
    if let Some(was) = decides(keys.content) {
        return Some(was);
    }
    // No key decides alone; all of them together do.
    let candidates = known.under(keys.content).iter().copied();
    candidates.into_iter().find(|was| keys.all().all(|key| is_of(Some(key), *was)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Link;

    fn entry(id: &str, link: &str, body: &str, day: i64) -> Entry {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let links = some(link).map(|href| Link { href, ..Link::default() }).into_iter().collect();
        let published = Timestamp::from_second(day * 86_400).ok();
        Entry { id: some(id), links, content: some(body), published, ..Entry::default() }
    }

    /// Remembers entries as a store would, in the order of the documents they came in.
    fn memory(entries: &[Entry]) -> Known {
        let mut known = Known::default();
        for (number, entry) in (1..).zip(entries) {
            for key in Keys::of(entry).all() {
                known.add(key, EntryRef(number), entry.dated());
            }
        }
        known
    }

    fn new_in(document: &[Entry], before: &[Entry]) -> Vec<usize> {
        diff(document, &memory(before)).new.into_iter().map(|(place, _)| place).collect()
    }

    #[test]
    fn what_memory_lacks_is_new_and_order_does_not_matter() {
        let (a, b, c) = (entry("1", "x/1", "a", 1), entry("2", "x/2", "b", 2), entry("3", "x/3", "c", 3));
        assert_eq!(new_in(&[c.clone(), b.clone(), a.clone()], &[a.clone(), b.clone()]), [0]);
        assert_eq!(new_in(&[a.clone(), c.clone()], &[]), [0, 1]);
    }

    #[test]
    fn an_id_that_changes_while_the_link_stays_is_the_same_entry() {
        let before = [entry("1", "http://www.example.org/a/", "a", 1)];
        assert!(new_in(&[entry("random", "https://example.org/a?utm_source=x", "a", 1)], &before).is_empty());
        assert!(new_in(&[entry("1", "https://elsewhere.example/a", "edited", 1)], &before).is_empty());
    }

    #[test]
    fn one_id_on_all_entries_is_no_identity() {
        let before = [entry("same", "x/1", "a", 1), entry("same", "x/2", "b", 2)];
        let now = [entry("same", "x/3", "c", 3), entry("same", "x/2", "b", 2), entry("same", "x/1", "a", 1)];
        assert_eq!(new_in(&now, &before), [0]);
        assert_eq!(new_in(&now[..1], &before), [0]);
    }

    #[test]
    fn one_link_that_carries_a_new_post_each_day_is_a_new_entry_each_day() {
        let before = [entry("mon", "x/today", "monday", 1)];
        assert_eq!(new_in(&[entry("tue", "x/today", "tuesday", 2)], &before), [0]);
    }

    #[test]
    fn an_id_that_is_used_again_for_a_really_new_post_is_new_once() {
        let before = [entry("1", "x/old", "old", 1)];
        let again = entry("1", "x/new", "new", 9);
        assert_eq!(new_in(std::slice::from_ref(&again), &before), [0]);
        assert!(new_in(std::slice::from_ref(&again), &[before[0].clone(), again.clone()]).is_empty());
    }

    #[test]
    fn the_same_entry_twice_in_a_document_is_one() {
        let twin = entry("1", "x/1", "a", 1);
        assert_eq!(new_in(&[twin.clone(), twin], &[]), [0]);
    }

    #[test]
    fn entries_without_id_and_link_are_told_by_what_they_say() {
        let before = [entry("", "", "a", 1)];
        assert_eq!(new_in(&[entry("", "", "a", 1), entry("", "", "b", 1)], &before), [1]);
    }

    #[test]
    fn a_known_entry_that_says_something_else_is_named() {
        let before = entry("1", "x/1", "a", 1);
        let mut known = memory(std::slice::from_ref(&before));
        known.add_hashes(EntryRef(1), Hashes { raw: raw_hash(&before), text: 0 });
        assert!(diff(std::slice::from_ref(&before), &known).changed.is_empty());
        let edited = [entry("2", "x/2", "new", 2), entry("1", "x/1", "edited", 1)];
        assert_eq!(diff(&edited, &known).changed, [(EntryRef(1), 1)]);
        let beside = [edited[1].clone(), before];
        assert!(diff(&beside, &known).changed.is_empty(), "its twin says what it said");
    }

    #[test]
    fn a_known_entry_keeps_the_keys_it_gains() {
        let before = [entry("1", "x/1", "a", 1)];
        let moved = entry("1", "y/1", "a", 1);
        let learned = diff(std::slice::from_ref(&moved), &memory(&before)).learned;
        assert_eq!(learned, [(EntryRef(1), vec![Keys::of(&moved).link.unwrap()])]);
    }
}
