//! After each life: what the database holds and what the sinks have, laid side by side.

use std::collections::BTreeMap;
use std::path::Path;

use feeds::delivery::State as Stands;
use feeds::store::{QueueItem, View};

use super::life::Ended;
use super::{State, World};

/// How many acceptances of one sink may be unwritten when a process ends; see docs/limits.md.
const WINDOW: usize = 8;
/// So often a delivery is tried before it is given up.
const LAST_ATTEMPT: u32 = 8;

/// What is in the queue, by sink and title.
type Queue = BTreeMap<(String, String), Stands>;

/// The queue as the disk holds it; empty where there is no database yet.
fn queue(database: &Path) -> Vec<QueueItem> {
    View::open(database).ok().flatten().map_or_else(Vec::new, |view| view.queue().expect("a queue that can be read"))
}

/// Holds the promises against what is.
pub(crate) fn audit(world: &World, database: &Path, ended: Ended) {
    let items = queue(database);
    let mut state = world.state();
    // Whatever a sink has or the queue holds, the program knows.
    let queued = items.iter().filter_map(|item| item.title.clone());
    let had = state.desks.iter().flat_map(|desk| desk.ledger.iter().filter(|(_, line)| line.copies > 0));
    let known: Vec<String> = queued.chain(had.map(|(title, _)| title.clone())).collect();
    let mut queue = Queue::new();
    for item in items {
        let place = (item.sink, item.title.unwrap_or_default());
        if let Some(other) = queue.insert(place.clone(), item.state) {
            state.breach(format!("{place:?} is in the queue twice: {other:?} and {:?}", item.state));
        }
    }
    state.remembered.extend(known);
    for desk in 0..state.desks.len() {
        state.nothing_is_lost(desk, &queue);
        state.what_is_accepted_is_written_down(desk, &queue, ended);
        state.nothing_is_given_up_early(desk, &queue);
    }
}

impl State {
    /// delivered + pending + failed + held = new, entry by entry.
    fn nothing_is_lost(&mut self, desk: usize, queue: &Queue) {
        let name = &self.desks[desk].name;
        let is_had = |title: &String| self.desks[desk].ledger.get(title).is_some_and(|line| line.copies > 0);
        let is_lost = |title: &&String| !is_had(title) && !queue.contains_key(&(name.clone(), (*title).clone()));
        let lost: Vec<String> = self.remembered.iter().filter(is_lost).cloned().collect();
        if !lost.is_empty() {
            let words = format!("lost for {name}: {lost:?}");
            self.breach(words);
        }
    }

    /// An entry that a sink has and the queue still holds may come again, only where the process had no time to write it
    /// down, and only for so many.
    fn what_is_accepted_is_written_down(&mut self, desk: usize, queue: &Queue, ended: Ended) {
        let name = self.desks[desk].name.clone();
        let is_queued = |title: &String| queue.get(&(name.clone(), title.clone())) == Some(&Stands::Pending);
        let ledger = &mut self.desks[desk].ledger;
        let unwritten: Vec<String> = ledger
            .iter_mut()
            .filter(|(title, line)| line.copies > 0 && !line.may_come_again && is_queued(title))
            .map(|(title, line)| {
                line.may_come_again = true;
                title.clone()
            })
            .collect();
        let most = match ended {
            Ended::Well => 0,
            Ended::Died | Ended::Refused => WINDOW,
        };
        if unwritten.len() > most {
            self.breach(format!("{name} has what the queue still holds, after a life that ended {ended:?}: {unwritten:?}"));
        }
    }

    fn nothing_is_given_up_early(&mut self, desk: usize, queue: &Queue) {
        let desk = &self.desks[desk];
        let given_up = queue.iter().filter(|((sink, _), stands)| *sink == desk.name && **stands == Stands::Failed);
        let is_early = |title: &String| desk.ledger.get(title).is_none_or(|line| !line.rejected && line.attempts < LAST_ATTEMPT);
        let early: Vec<String> = given_up.map(|((_, title), _)| title.clone()).filter(is_early).collect();
        if !early.is_empty() {
            let words = format!("given up for {} without cause: {early:?}", desk.name);
            self.breach(words);
        }
    }

    /// At the end of all, with every fault healed: each sink has each post, once or under an excuse, and nothing waits.
    pub(crate) fn all_has_arrived(&mut self, database: &Path) {
        for desk in 0..self.desks.len() {
            let had = |title: &&str| self.desks[desk].ledger.get(*title).is_some_and(|line| line.copies > 0);
            let titles = self.publishers.iter().flat_map(super::Publisher::titles);
            let missing: Vec<String> = titles.filter(|title| !had(title)).map(str::to_owned).collect();
            if !missing.is_empty() {
                let words = format!("never arrived at {}: {missing:?}", self.desks[desk].name);
                self.breach(words);
            }
        }
        let left: Vec<_> = queue(database).into_iter().map(|item| (item.sink, item.title, item.state)).collect();
        if !left.is_empty() {
            self.breach(format!("still in the queue: {left:?}"));
        }
    }
}
