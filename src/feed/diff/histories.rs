//! Random histories of a feed against a small model: the publisher knows which posts he has shown before, and exactly the
//! others must be new. He adds posts, edits them, gives all new ids or new addresses, swaps addresses, drops old posts,
//! brings them back, and lists them in any order; between two documents he changes one thing of a post, not all.

use proptest::prelude::*;

use super::tests::{Memory, undated};
use super::*;

/// What a publisher's entries have.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Has {
    Own,
    OneForAll,
    Nothing,
    /// The place in the document.
    Place,
}

#[derive(Debug, Clone, Copy)]
struct Publisher {
    ids: Has,
    links: Has,
    dated: bool,
}

impl Publisher {
    /// Whether this change leaves something by which a post can be recognised.
    fn may(self, change: Change) -> bool {
        let (id, link) = (self.ids == Has::Own, self.links == Has::Own);
        match change {
            Change::Nothing => true,
            Change::Edit => id || link || (self.dated && (self.ids, self.links) == (Has::OneForAll, Has::OneForAll)),
            Change::NewIds => id,
            Change::NewLinks => link,
            Change::SwapLinks => id && link || self.dated && link && self.ids != Has::Place,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Nothing,
    Edit,
    NewIds,
    NewLinks,
    SwapLinks,
}

/// From one document to the next.
#[derive(Debug, Clone)]
struct Step {
    publish: usize,
    change: Change,
    drop: usize,
    bring_back: bool,
    order: usize,
}

/// Words enough to be known by.
const TEXT: &str = "the beginning of every post, which is followed by what this very one has to say";

#[derive(Debug, Clone)]
struct Post {
    number: usize,
    id: String,
    link: String,
    text: String,
}

/// A publisher's desk: what is shown now, and what was dropped.
struct Desk {
    publisher: Publisher,
    shown: Vec<Post>,
    dropped: Vec<Post>,
    told: HashSet<usize>,
    /// For things that are never the same twice.
    counter: usize,
}

impl Desk {
    fn fresh(&mut self, what: &str) -> String {
        self.counter += 1;
        format!("{what} {}", self.counter)
    }

    fn take(&mut self, step: &Step) {
        let back = if step.bring_back { self.dropped.pop() } else { None };
        for _ in 0..step.drop.min(self.shown.len().saturating_sub(1)) {
            self.dropped.extend(self.shown.pop());
        }
        if self.publisher.may(step.change) {
            self.change(step.change);
        }
        for _ in 0..step.publish {
            let post = Post {
                id: self.fresh("id"),
                link: self.fresh("https://x.example/"),
                text: self.fresh(TEXT),
                number: self.counter,
            };
            self.shown.insert(0, post);
        }
        self.shown.extend(back);
        let middle = step.order % self.shown.len().max(1);
        self.shown.rotate_left(middle);
    }

    fn change(&mut self, change: Change) {
        for place in 0..self.shown.len() {
            match change {
                Change::Edit if place % 2 == 0 => self.shown[place].text = self.fresh(TEXT),
                Change::NewIds => self.shown[place].id = self.fresh("id"),
                Change::NewLinks => self.shown[place].link = self.fresh("https://y.example/"),
                Change::SwapLinks if place % 2 == 1 => {
                    let (before, after) = self.shown.split_at_mut(place);
                    std::mem::swap(&mut before[place - 1].link, &mut after[0].link);
                }
                Change::Nothing | Change::Edit | Change::SwapLinks => {}
            }
        }
    }

    fn document(&self) -> Vec<Entry> {
        let has = |what: Has, own: &str, place: usize| match what {
            Has::Own => own.to_owned(),
            Has::OneForAll => "https://x.example/same".to_owned(),
            Has::Nothing => String::new(),
            Has::Place => format!("item-{place}"),
        };
        let entry = |(place, post): (usize, &Post)| {
            let (id, link) = (has(self.publisher.ids, &post.id, place), has(self.publisher.links, &post.link, place));
            let published = Timestamp::from_second(i64::try_from(post.number).unwrap() * 86_400 + 77).ok();
            Entry { published: published.filter(|_| self.publisher.dated), ..undated(&id, &link, &post.text) }
        };
        self.shown.iter().enumerate().map(entry).collect()
    }

    /// The places of the posts that were never shown.
    fn untold(&mut self) -> Vec<usize> {
        let numbers: Vec<usize> = self.shown.iter().map(|post| post.number).collect();
        numbers.into_iter().enumerate().filter(|(_, number)| self.told.insert(*number)).map(|(place, _)| place).collect()
    }
}

fn publisher() -> impl Strategy<Value = Publisher> {
    let has = || prop_oneof![3 => Just(Has::Own), 1 => Just(Has::OneForAll), 1 => Just(Has::Nothing)];
    let any = (has(), has(), any::<bool>()).prop_map(|(ids, links, dated)| Publisher { ids, links, dated });
    // Places in a list are no ids; a date tells a new post at an old place from an edited one.
    let listed = Just(Publisher { ids: Has::Place, links: Has::Own, dated: true });
    prop_oneof![8 => any, 1 => listed]
}

fn step() -> impl Strategy<Value = Step> {
    let change = prop_oneof![
        Just(Change::Nothing),
        Just(Change::Edit),
        Just(Change::NewIds),
        Just(Change::NewLinks),
        Just(Change::SwapLinks)
    ];
    (0..4_usize, change, 0..4_usize, any::<bool>(), 0..5_usize).prop_map(|(publish, change, drop, bring_back, order)| Step {
        publish,
        change,
        drop,
        bring_back,
        order,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_entry_is_delivered_twice_and_none_is_missed(publisher in publisher(), steps in prop::collection::vec(step(), 1..16)) {
        let (shown, dropped, told) = (Vec::new(), Vec::new(), HashSet::new());
        let mut desk = Desk { publisher, shown, dropped, told, counter: 0 };
        let mut memory = Memory::default();
        for (number, step) in steps.iter().enumerate() {
            desk.take(step);
            let document = desk.document();
            prop_assert_eq!(memory.read(&document), desk.untold(), "document {}: {:#?}", number, document);
            prop_assert_eq!(memory.read(&document), Vec::<usize>::new(), "document {} again: {:#?}", number, document);
        }
    }

    #[test]
    fn any_document_read_again_has_nothing_new_whatever_its_keys(
        parts in prop::collection::vec((0..4_u8, 0..4_u8, 0..3_u8, prop::option::of(0..4_i64)), 0..24),
        identity in prop::sample::select(vec![Identity::Auto, Identity::Id, Identity::Link, Identity::Content]),
    ) {
        // Few ids, links and texts, so that everything is shared in every way.
        let some = |what: &str, number: u8| if number == 0 { String::new() } else { format!("{what}/{number}") };
        let entry = |(id, link, text, day): &(u8, u8, u8, Option<i64>)| Entry {
            published: day.and_then(|day| Timestamp::from_second(day * 86_400 + 77).ok()),
            ..undated(&some("i", *id), &some("x", *link), &some("t", *text))
        };
        let document: Vec<Entry> = parts.iter().map(entry).collect();
        let mut memory = Memory { identity, ..Memory::default() };
        memory.read(&document);
        prop_assert_eq!(memory.read(&document), Vec::<usize>::new());
        let reversed: Vec<Entry> = document.into_iter().rev().collect();
        prop_assert_eq!(memory.read(&reversed), Vec::<usize>::new());
    }
}
