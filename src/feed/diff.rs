//! PURE. Which entries of a document are new to the keys that are known. Goes in: the document's entries and what memory
//! holds under their keys. Comes out: [`Diff`].
//!
//! An entry is recognised by any of its keys that identifies. A key that several entries share, in the document or in
//! memory, decides nothing by itself. Where keys disagree, the strongest evidence is heard first, and a remembered entry
//! is recognised once in a document: so entries may swap links, and ids may be nothing but places in a list.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::entry::Entry;
use super::identity::{Identity, Key, Keys, raw_hash};

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
/// How many entries are looked at under one key: one that so many share tells nothing at all.
pub const CROWD: usize = 64;

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
        let under = self.by_key.entry(key).or_default();
        if !under.contains(&entry) {
            under.push(entry);
        }
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

    /// Whether anything was found under a key.
    #[must_use]
    pub fn holds(&self, key: Key) -> bool {
        !self.under(key).is_empty()
    }

    fn under(&self, key: Key) -> &[EntryRef] {
        self.by_key.get(&key).map_or(&[], Vec::as_slice)
    }

    fn is_crowded(&self, key: Key) -> bool {
        self.under(key).len() >= CROWD
    }

    /// Whether the key is one of the entry's; of a crowded key that is not known, and counts as yes.
    fn is_of(&self, key: Option<Key>, was: EntryRef) -> bool {
        key.is_some_and(|key| self.is_crowded(key) || self.under(key).contains(&was))
    }
}

/// What a document holds that was not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// The new entries, by their place in the document, with their keys.
    pub new: Vec<(usize, Keys)>,
    /// The known entries, by their place in the document.
    pub same: Vec<(usize, EntryRef)>,
    /// Known entries that now have keys which memory lacks.
    pub learned: Vec<(EntryRef, Vec<Key>)>,
    /// Known entries that say something else than before, by their place in the document: perhaps nothing that is seen.
    pub changed: Vec<(EntryRef, usize)>,
}

/// Tells new entries from known ones.
#[must_use]
pub fn diff(entries: &[Entry], known: &Known, identity: Identity) -> Diff {
    let seen = distinct(entries);
    let found = match identity {
        Identity::Auto => Comparing::new(&seen, known).recognise(),
        Identity::Id | Identity::Link | Identity::Content => {
            let mut count: HashMap<Key, u32> = HashMap::new();
            seen.iter().filter_map(|one| identity.only(one.keys)).for_each(|key| *count.entry(key).or_default() += 1);
            // A key that several entries of the document share decides nothing; for them all keys are heard.
            let by_all = Comparing::new(&seen, known).recognise();
            let by_one = |(one, by_all): (&Seen<'_>, Option<EntryRef>)| match identity.only(one.keys) {
                Some(key) if count.get(&key) == Some(&1) => known.under(key).last().copied(),
                Some(_) | None => by_all,
            };
            seen.iter().zip(by_all).map(by_one).collect()
        }
    };
    let mut as_before = HashSet::new();
    let mut diff = Diff::default();
    for (one, was) in seen.iter().zip(found) {
        let Some(was) = was else {
            diff.new.push((one.place, one.keys));
            continue;
        };
        diff.same.push((one.place, was));
        match (known.hashes(was), entries.get(one.place)) {
            (Some(before), Some(entry)) if before.raw == raw_hash(entry) => drop(as_before.insert(was)),
            (Some(_), Some(_)) => diff.changed.push((was, one.place)),
            (None, _) | (_, None) => {}
        }
        let lacking: Vec<Key> = one.keys.all().filter(|key| !known.is_of(Some(*key), was)).collect();
        if !lacking.is_empty() {
            diff.learned.push((was, lacking));
        }
    }
    // Of two that are taken for the same entry, the one that says what it said is that entry.
    diff.changed.retain(|(was, _)| !as_before.contains(was));
    diff
}

/// An entry of the document.
struct Seen<'a> {
    place: usize,
    entry: &'a Entry,
    keys: Keys,
}

impl Seen<'_> {
    fn is_later_than(&self, then: Option<Timestamp>) -> bool {
        self.entry.dated().zip(then).is_some_and(|(now, then)| now > then)
    }

    fn is_dated(&self, then: Option<Timestamp>) -> bool {
        self.entry.dated().is_some() && self.entry.dated() == then
    }
}

/// The entries of a document, each once.
fn distinct(entries: &[Entry]) -> Vec<Seen<'_>> {
    let mut told = HashSet::new();
    let seen = |(place, entry)| {
        let keys = Keys::of(entry);
        // What has no id is told apart by its date as well: "all is well" may be said twice.
        let date = entry.dated().filter(|_| keys.id.is_none());
        told.insert((keys, date)).then_some(Seen { place, entry, keys })
    };
    entries.iter().enumerate().filter_map(seen).collect()
}

/// On which keys it rests that an entry is a remembered one. What is greater is heard first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Evidence {
    /// How many keys say so, each deciding by itself.
    agreeing: usize,
    same_date: bool,
    by: By,
}

/// The best of the keys that say so: the same words at another address are less of an accident than other words at the
/// same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Link,
    Id,
    Content,
}

/// Title and body that have fewer letters than this may be those of many posts.
const FEW_WORDS: usize = 60;

fn says_little(entry: &Entry) -> bool {
    entry.title.as_deref().unwrap_or_default().len() + entry.body().unwrap_or_default().len() < FEW_WORDS
}

/// A document beside what is known.
struct Comparing<'a> {
    seen: &'a [Seen<'a>],
    known: &'a Known,
    /// How many entries of the document have a key.
    holders: HashMap<Key, usize>,
    /// What was found so far: for each entry of the document, and the remembered ones that are taken.
    found: Vec<Option<EntryRef>>,
    taken: HashSet<EntryRef>,
}

impl<'a> Comparing<'a> {
    fn new(seen: &'a [Seen<'a>], known: &'a Known) -> Self {
        let mut holders: HashMap<Key, usize> = HashMap::new();
        seen.iter().flat_map(|one| one.keys.all()).for_each(|key| *holders.entry(key).or_default() += 1);
        Self { seen, known, holders, found: vec![None; seen.len()], taken: HashSet::new() }
    }

    /// For each entry of the document the remembered one that it is.
    fn recognise(mut self) -> Vec<Option<EntryRef>> {
        let deciding = |(place, one)| self.by_deciding_keys(one).into_iter().map(move |(evidence, was)| (evidence, place, was));
        let mut claims: Vec<(Evidence, usize, EntryRef)> = self.seen.iter().enumerate().flat_map(deciding).collect();
        // The sort is stable: between equals the document's order holds.
        claims.sort_by_key(|(evidence, ..)| std::cmp::Reverse(*evidence));
        for (_, place, was) in claims {
            self.take(place, was);
        }
        let order = self.most_certain_first();
        self.take_each(&order, Self::with_all_keys);
        self.take_each(&order, Self::with_a_key_and_date);
        self.found
    }

    fn take(&mut self, place: usize, was: EntryRef) {
        if let Some(slot) = self.found.get_mut(place)
            && slot.is_none()
            && self.taken.insert(was)
        {
            *slot = Some(was);
        }
    }

    /// The entries that are not recognised yet; those first that may be the fewest remembered ones.
    fn most_certain_first(&self) -> Vec<usize> {
        let open = self.found.iter().enumerate().filter(|(_, was)| was.is_none()).map(|(place, _)| place);
        let mut order: Vec<usize> = open.collect();
        order.sort_by_cached_key(|place| self.seen.get(*place).map_or(0, |one| self.having_all_keys(one).count()));
        order
    }

    /// Asks `find` for each of the entries that is not recognised yet.
    fn take_each(&mut self, order: &[usize], find: impl Fn(&Self, &Seen<'a>) -> Option<EntryRef>) {
        for place in order.iter().copied() {
            if self.found.get(place).is_some_and(Option::is_none)
                && let Some(was) = self.seen.get(place).and_then(|one| find(self, one))
            {
                self.take(place, was);
            }
        }
    }

    fn is_single(&self, key: Key) -> bool {
        self.holders.get(&key).is_none_or(|count| *count < 2)
    }

    /// A key that nobody else has, nor ever had.
    fn is_own(&self, key: Option<Key>) -> bool {
        key.is_some_and(|key| self.is_single(key) && self.known.under(key).is_empty())
    }

    /// What the keys say that decide by themselves.
    fn by_deciding_keys(&self, one: &Seen<'_>) -> Vec<(Evidence, EntryRef)> {
        let Keys { id, link, content } = one.keys;
        let mut found: Vec<(Evidence, EntryRef)> = Vec::new();
        for (by, key) in [(By::Id, id), (By::Link, link), (By::Content, Some(content))] {
            let Some(key) = key.filter(|key| self.is_single(*key)) else { continue };
            let [was] = self.known.under(key) else { continue };
            if let Some((evidence, _)) = found.iter_mut().find(|(_, other)| other == was) {
                *evidence = Evidence { agreeing: evidence.agreeing + 1, by: by.max(evidence.by), ..*evidence };
            } else {
                let same_date = one.is_dated(self.dated(*was));
                found.push((Evidence { agreeing: 1, same_date, by }, *was));
            }
        }
        found.retain(|(evidence, was)| evidence.agreeing > 1 || !self.is_another_post(evidence.by, one, *was));
        found
    }

    /// Whether an entry only has one key of the remembered one, and is a post of its own.
    fn is_another_post(&self, by: By, one: &Seen<'_>, was: EntryRef) -> bool {
        let Keys { id, link, content } = one.keys;
        let other_text = !self.known.is_of(Some(content), was);
        let then = self.dated(was);
        match by {
            // An id that is used again: published later, elsewhere, and other text.
            By::Id => {
                let elsewhere = link.is_some() && !self.known.is_of(link, was);
                elsewhere && other_text && one.entry.published.is_some() && one.is_later_than(then)
            }
            // One address with a new post each day: an id of its own, other text, and no date that speaks against it.
            By::Link => {
                let dated = one.entry.dated().is_some() && then.is_some();
                self.is_own(id) && other_text && (!dated || one.is_later_than(then))
            }
            // "Open thread" each week: the same words, later, under another id or at another address. Without a date, few
            // words say nothing.
            By::Content => {
                let has_own = self.is_own(id) || self.is_own(link);
                has_own && !one.is_dated(then) && (one.is_later_than(then) || says_little(one.entry))
            }
        }
    }

    fn dated(&self, was: EntryRef) -> Option<Timestamp> {
        self.known.dated.get(&was).copied()
    }

    /// The remembered entries, not taken yet, that have all keys of this one. No key decides alone; all together do.
    fn having_all_keys<'s>(&'s self, one: &Seen<'_>) -> impl Iterator<Item = EntryRef> + use<'s, 'a> {
        let keys = one.keys;
        let least = keys.all().map(|key| self.known.under(key)).min_by_key(|under| under.len()).unwrap_or_default();
        let is_free = |was: &&EntryRef| !self.taken.contains(was);
        least.iter().filter(is_free).copied().filter(move |was| keys.all().all(|key| self.known.is_of(Some(key), *was)))
    }

    /// With all keys and the same date, else with all keys. Without an id, another date makes another entry.
    fn with_all_keys(&self, one: &Seen<'_>) -> Option<EntryRef> {
        let may_be = |was: EntryRef| one.keys.id.is_some() || one.entry.dated().is_none() || self.dated(was).is_none();
        let of_date = self.having_all_keys(one).find(|was| one.is_dated(self.dated(*was)));
        of_date.or_else(|| self.having_all_keys(one).find(|was| may_be(*was)))
    }

    /// An edited entry whose id or link others have too is told by its date, if that is exact and one entry's alone.
    fn with_a_key_and_date(&self, one: &Seen<'_>) -> Option<EntryRef> {
        let is_exact = |at: Timestamp| at.as_second().rem_euclid(3_600) != 0;
        if self.is_own(one.keys.id) || !one.entry.dated().is_some_and(is_exact) {
            return None;
        }
        let shared = [one.keys.id, one.keys.link].into_iter().flatten();
        let under: HashSet<EntryRef> = shared.flat_map(|key| self.known.under(key)).copied().collect();
        let mut same_date = under.into_iter().filter(|was| one.is_dated(self.dated(*was)));
        let was = same_date.next().filter(|was| !self.taken.contains(was))?;
        let alone =
            same_date.next().is_none() && self.seen.iter().filter(|other| other.entry.dated() == one.entry.dated()).count() == 1;
        alone.then_some(was)
    }
}

#[cfg(test)]
mod histories;
#[cfg(test)]
mod tests;
