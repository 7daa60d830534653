//! Each rule of what is a new entry, as a small story.

use super::*;
use crate::feed::Link;

/// An entry; empty text is none.
fn entry(id: &str, link: &str, body: &str, day: i64) -> Entry {
    Entry { published: Timestamp::from_second(day * 86_400 + 1_234).ok(), ..undated(id, link, body) }
}

pub(super) fn undated(id: &str, link: &str, body: &str) -> Entry {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let links = some(link).map(|href| Link { href, ..Link::default() }).into_iter().collect();
    Entry { id: some(id), links, content: some(body), ..Entry::default() }
}

/// What a feed has shown: a small store, as far as keys go.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) keys: Vec<(Key, EntryRef)>,
    pub(super) dated: HashMap<EntryRef, Timestamp>,
    pub(super) identity: Identity,
}

impl Memory {
    fn of(documents: &[&[Entry]]) -> Self {
        let mut memory = Self::default();
        for document in documents {
            memory.read(document);
        }
        memory
    }

    fn known(&self) -> Known {
        let mut known = Known::default();
        self.keys.iter().for_each(|(key, was)| known.add(*key, *was, self.dated.get(was).copied()));
        known
    }

    /// Reads a document and answers the places of its new entries.
    pub(super) fn read(&mut self, document: &[Entry]) -> Vec<usize> {
        let diff = diff(document, &self.known(), self.identity);
        for (was, keys) in diff.learned {
            self.keys.extend(keys.into_iter().map(|key| (key, was)));
        }
        for (place, keys) in &diff.new {
            let number = EntryRef(i64::try_from(self.keys.len()).unwrap());
            self.dated.extend(document[*place].dated().map(|at| (number, at)));
            self.keys.extend(keys.all().map(|key| (key, number)));
        }
        diff.new.into_iter().map(|(place, _)| place).collect()
    }

    fn reads_nothing_new_in(&mut self, document: &[Entry]) {
        let new = self.read(document);
        assert!(new.is_empty(), "new: {new:?} of {document:#?}");
    }
}

#[test]
fn what_memory_lacks_is_new_and_order_does_not_matter() {
    let (a, b, c) = (entry("1", "x/1", "a", 1), entry("2", "x/2", "b", 2), entry("3", "x/3", "c", 3));
    let mut memory = Memory::of(&[&[a.clone(), b.clone()]]);
    assert_eq!(memory.read(&[c.clone(), b.clone(), a.clone()]), [0]);
    memory.reads_nothing_new_in(&[a, c, b]);
}

#[test]
fn the_same_entry_twice_in_a_document_is_one_also_when_both_are_edited() {
    let (twin, edited) = (entry("1", "x/1", "a", 1), entry("1", "x/1", "edited", 1));
    let mut memory = Memory::default();
    assert_eq!(memory.read(&[twin.clone(), twin]), [0]);
    memory.reads_nothing_new_in(&[edited.clone(), edited]);
}

#[test]
fn an_entry_that_is_edited_is_the_same_and_keeps_the_keys_it_gains() {
    let before = entry("1", "x/1", "a", 1);
    let moved = entry("1", "y/1", "b", 1);
    let found = diff(std::slice::from_ref(&moved), &Memory::of(&[&[before]]).known(), Identity::Auto);
    let keys = Keys::of(&moved);
    assert_eq!(found.same, [(0, EntryRef(0))]);
    assert_eq!(found.learned, [(EntryRef(0), vec![keys.link.unwrap(), keys.content])]);
}

#[test]
fn a_blog_that_migrates_keeps_its_entries() {
    let before = [entry("tag:old,1", "https://blog.example/a", "a", 1), entry("tag:old,2", "https://blog.example/b", "b", 2)];
    let now = [
        entry("https://new/?p=2", "https://blog.example/b", "b", 2),
        entry("https://new/?p=1", "https://blog.example/a", "a", 1),
    ];
    Memory::of(&[&before]).reads_nothing_new_in(&now);
}

#[test]
fn from_http_to_https_is_the_same_though_the_link_is_the_id() {
    let at = |link: &str, body| entry(link, link, body, 1);
    Memory::of(&[&[at("http://www.blog.example/a/", "a")]]).reads_nothing_new_in(&[at("https://blog.example/a", "edited")]);
}

#[test]
fn the_parameters_of_a_cdn_in_an_id_and_in_pictures_change_nothing() {
    let at = |build: &str| {
        let id = format!("https://cdn.example/ep1.mp3?token={build}");
        entry(&id, "https://show.example/1", &format!("<p>One <img src=\"https://cdn{build}.example/1.jpg?v={build}\"></p>"), 1)
    };
    let mut memory = Memory::of(&[&[at("1")]]);
    memory.reads_nothing_new_in(&[at("2")]);
    memory.reads_nothing_new_in(&[at("3")]);
}

#[test]
fn through_feedburner_and_back_an_entry_is_the_same() {
    let own = entry("https://blog.example/?p=1", "https://blog.example/a/?utm_source=feedburner&utm_medium=feed", "a", 1);
    let by_id = entry(
        "https://blog.example/?p=1",
        "https://feedproxy.example/~r/blog/~3/XyZ/",
        "a<img src=\"https://feeds.example/~4/x\"/>",
        1,
    );
    let bare = entry("urn:other", "http://www.blog.example/a", "a", 1);
    let mut memory = Memory::of(&[&[own]]);
    memory.reads_nothing_new_in(&[by_id]);
    memory.reads_nothing_new_in(&[bare]);
}

#[test]
fn a_random_id_at_each_build_is_no_news() {
    let build = |n: u32| {
        [
            entry(&format!("r{n}a"), "x/1", "a", 1),
            undated(&format!("r{n}b"), "x/2", "b"),
            undated(&format!("r{n}c"), "", "the words of an entry that has no page of its own, and a random id"),
        ]
    };
    let mut memory = Memory::of(&[&build(0)]);
    (1..9).for_each(|n| memory.reads_nothing_new_in(&build(n)));
}

#[test]
fn links_that_change_while_ids_stay_are_the_same_entries() {
    let before = [entry("1", "x/1", "a", 1), undated("2", "x/2", "b")];
    let mut memory = Memory::of(&[&before]);
    memory.reads_nothing_new_in(&[entry("1", "https://elsewhere.example/a", "edited", 1), undated("2", "y/2", "edited too")]);
    memory.reads_nothing_new_in(&[entry("9", "https://elsewhere.example/a", "again", 1)]);
}

#[test]
fn one_id_on_all_entries_is_no_identity() {
    let (a, b, c) = (entry("same", "x/1", "a", 1), entry("same", "x/2", "b", 2), entry("same", "x/3", "c", 3));
    let mut memory = Memory::of(&[&[a.clone(), b.clone()]]);
    assert_eq!(memory.read(&[c.clone(), b.clone(), a.clone()]), [0]);
    let mut memory = Memory::of(&[&[a, b]]);
    assert_eq!(memory.read(std::slice::from_ref(&c)), [0]);
    memory.reads_nothing_new_in(&[c]);
}

#[test]
fn one_id_on_all_entries_of_which_a_document_shows_one_at_a_time_hides_none() {
    let mut memory = Memory::default();
    for day in 1..9 {
        let today = entry("same", &format!("x/{day}"), &format!("post {day}"), day);
        assert_eq!(memory.read(std::slice::from_ref(&today)), [0]);
        memory.reads_nothing_new_in(&[today]);
    }
}

#[test]
fn one_link_that_carries_a_new_post_each_day_is_a_new_entry_each_day() {
    let mut memory = Memory::default();
    for day in 1..9 {
        let today = entry(&format!("d{day}"), "x/today", &format!("post {day}"), day);
        let bare = undated(&format!("u{day}"), "x/undated", &format!("bare {day}"));
        let document = [today, bare, entry("about", "x/about", "about", 0)];
        assert_eq!(memory.read(&document)[..2], [0, 1], "day {day}");
        memory.reads_nothing_new_in(&document);
    }
}

#[test]
fn two_entries_of_one_document_with_one_id_are_two() {
    let (a, b) = (entry("1", "x/1", "a", 1), entry("1", "x/2", "b", 1));
    let mut memory = Memory::default();
    assert_eq!(memory.read(&[a.clone(), b.clone()]), [0, 1]);
    memory.reads_nothing_new_in(&[b.clone(), a.clone()]);
    memory.reads_nothing_new_in(&[b]);
    memory.reads_nothing_new_in(&[a]);
    let same_link = [undated("2", "x/3", "c"), undated("2", "x/3", "d")];
    assert_eq!(memory.read(&same_link), [0, 1]);
    memory.reads_nothing_new_in(&same_link);
}

#[test]
fn an_id_that_is_used_again_for_a_really_new_post_is_new_once() {
    let (old, new) = (entry("1", "x/old", "old", 1), entry("1", "x/new", "new", 9));
    let mut memory = Memory::of(&[&[old]]);
    assert_eq!(memory.read(std::slice::from_ref(&new)), [0]);
    memory.reads_nothing_new_in(std::slice::from_ref(&new));
    memory.reads_nothing_new_in(&[entry("1", "x/new", "edited", 9)]);
    memory.reads_nothing_new_in(&[entry("1", "x/moved", "new", 9)]);
    memory.reads_nothing_new_in(&[entry("1", "x/elsewhere", "edited and moved", 9)]);
}

#[test]
fn an_update_is_not_another_post() {
    // Atom without `published`: `updated` says when it was last changed, not that it is new.
    let atom = |link: &str, body: &str, day| Entry {
        published: None,
        updated: entry("", "", "", day).published,
        ..undated("1", link, body)
    };
    Memory::of(&[&[atom("x/a", "a", 1)]]).reads_nothing_new_in(&[atom("x/a-better-slug", "edited", 5)]);
}

#[test]
fn ids_that_are_places_in_a_list_are_not_believed() {
    let list = |newest: i64| -> Vec<Entry> {
        (0..5)
            .map(|n| entry(&format!("item-{n}"), &format!("x/{}", newest - n), &format!("text {}", newest - n), newest - n))
            .collect()
    };
    let mut memory = Memory::of(&[&list(10)]);
    assert_eq!(memory.read(&list(11)), [0]);
    assert_eq!(memory.read(&list(13)), [0, 1]);
    memory.reads_nothing_new_in(&list(13));
}

#[test]
fn entries_that_swap_links_stay_what_they_are() {
    let mut memory = Memory::of(&[&[entry("1", "x/1", "a", 1), entry("2", "x/2", "b", 2)]]);
    memory.reads_nothing_new_in(&[entry("1", "x/2", "a", 1), entry("2", "x/1", "b", 2)]);
    memory.reads_nothing_new_in(&[entry("1", "x/1", "a", 1), entry("2", "x/2", "b", 2)]);
}

#[test]
fn an_entry_that_takes_the_address_another_has_left_is_new() {
    let mut memory = Memory::of(&[&[undated("1", "x/home", "a")]]);
    let document = [undated("2", "x/home", "b"), undated("1", "x/archive/1", "a")];
    assert_eq!(memory.read(&document), [0]);
    memory.reads_nothing_new_in(&document);
}

#[test]
fn the_same_words_at_another_time_and_place_are_another_post() {
    let thread = |n: i64| entry(&format!("thread-{n}"), &format!("x/thread-{n}"), "Open thread: talk away", n);
    let mut memory = Memory::of(&[&[thread(1)]]);
    assert_eq!(memory.read(&[thread(8)]), [0]);
    memory.reads_nothing_new_in(&[thread(8), thread(1)]);
}

#[test]
fn an_entry_whose_id_and_link_are_both_new_is_known_by_its_words_and_its_date() {
    let long = "words enough that nobody writes them twice by accident ".repeat(3);
    let mut memory = Memory::of(&[&[entry("1", "x/1", "a", 1), undated("2", "x/2", &long)]]);
    memory.reads_nothing_new_in(&[entry("new", "y/new", "a", 1), undated("other", "y/other", &long)]);
}

#[test]
fn what_says_little_or_nothing_is_not_known_by_that() {
    let mut memory = Memory::of(&[&[undated("1", "x/1", ""), undated("2", "x/2", "Photo")]]);
    assert_eq!(memory.read(&[undated("3", "x/3", ""), undated("4", "x/4", "Photo")]), [0, 1]);
}

#[test]
fn entries_without_id_and_link_are_told_by_what_they_say_and_when() {
    let mut memory = Memory::of(&[&[undated("", "", "a")]]);
    assert_eq!(memory.read(&[undated("", "", "a"), undated("", "", "b")]), [1]);
    let (monday, tuesday) = (entry("", "", "all is well", 1), entry("", "", "all is well", 2));
    assert_eq!(memory.read(&[tuesday.clone(), monday.clone()]), [0, 1]);
    memory.reads_nothing_new_in(&[monday, tuesday.clone()]);
    assert_eq!(memory.read(&[entry("", "", "all is well", 3), tuesday]), [0]);
}

#[test]
fn where_all_share_id_and_link_an_edited_entry_is_told_by_its_date() {
    let at = |body: &str, day| entry("same", "x/", body, day);
    let mut memory = Memory::of(&[&[at("a", 1), at("b", 2)]]);
    memory.reads_nothing_new_in(&[at("b", 2), at("a, edited", 1)]);
    assert_eq!(memory.read(&[at("c", 3), at("b", 2), at("a, edited", 1)]), [0]);
}

#[test]
fn a_key_that_a_crowd_shares_makes_nothing_new_again() {
    // One id, one link for each ten, and no text at all: only id and link together tell anything.
    let entries: Vec<Entry> = (0..400).map(|n| undated(&format!("i{}", n / 20), &format!("x/{}", n % 20), "")).collect();
    let mut memory = Memory::of(&[&entries]);
    entries.chunks(30).for_each(|document| memory.reads_nothing_new_in(document));
    memory.reads_nothing_new_in(&entries);
}

#[test]
fn identity_narrows_what_is_compared() {
    let narrowed = |identity, before: &Entry, now: &Entry| {
        let mut memory = Memory { identity, ..Memory::default() };
        memory.read(std::slice::from_ref(before));
        memory.read(std::slice::from_ref(now)).len()
    };
    let before = entry("1", "x/1", "a", 1);
    let (other_id, other_link, other_text) = (entry("2", "x/1", "a", 1), entry("1", "x/2", "a", 1), entry("1", "x/1", "b", 1));
    for (identity, expected) in
        [(Identity::Auto, [0, 0, 0]), (Identity::Id, [1, 0, 0]), (Identity::Link, [0, 1, 0]), (Identity::Content, [0, 0, 1])]
    {
        assert_eq!([&other_id, &other_link, &other_text].map(|now| narrowed(identity, &before, now)), expected, "{identity:?}");
    }
    assert_eq!(narrowed(Identity::Id, &before, &entry("1", "x/new", "new", 9)), 0, "the user's word: one id, one entry");
    assert_eq!(narrowed(Identity::Link, &undated("", "", "a"), &undated("", "", "a")), 0, "the next best key");
}

#[test]
fn a_narrowed_identity_decides_nothing_where_a_document_shares_its_key_and_records_all_keys() {
    let mut memory = Memory { identity: Identity::Link, ..Memory::default() };
    assert_eq!(memory.read(&[entry("1", "x/1", "a", 1), entry("2", "x/1", "b", 2)]), [0, 1]);
    memory.reads_nothing_new_in(&[entry("3", "x/1", "c", 3)]);
    memory.identity = Identity::Auto;
    memory.reads_nothing_new_in(&[entry("3", "y/9", "d", 1)]);
}
