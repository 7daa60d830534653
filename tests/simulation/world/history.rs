//! A whole history: publishers work, the process lives and dies, faults strike; then all is healed, and all must have arrived.

use std::path::{Path, PathBuf};

use feeds::sink::Wants;
use feeds::store::View;

use super::audit::audit;
use super::desk::Desk;
use super::life::live;
use super::publisher::Publisher;
use super::random::Random;
use super::{Life, State, World};

/// How often each fault strikes, in a thousand.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) publisher: u32,
    pub(crate) sink: u32,
    pub(crate) disk: u32,
    pub(crate) clock: u32,
    pub(crate) death: u32,
    pub(crate) stop: u32,
    pub(crate) flaw: Option<Flaw>,
}

/// Something that breaks a promise for certain: the proof that a breach is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The sinks say that they take what they do not.
    TakesNothing,
    /// The database forgets after each life.
    Forgets,
}

/// What happened in a history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Lives of the process.
    pub(crate) lives: u64,
    /// Those that ended in the middle.
    pub(crate) deaths: u64,
    /// Writes that the disk refused.
    pub(crate) refusals: u64,
    /// Jumps of the clock.
    pub(crate) jumps: u64,
    /// Posts that were published.
    pub(crate) posts: u64,
    /// What the sinks accepted, each copy.
    pub(crate) accepted: u64,
    /// Copies beyond the first, each within the window or after an answer that was lost.
    pub(crate) extra: u64,
}

impl Tally {
    /// Adds another history.
    pub(crate) fn add(&mut self, other: Self) {
        self.lives += other.lives;
        self.deaths += other.deaths;
        self.refusals += other.refusals;
        self.jumps += other.jumps;
        self.posts += other.posts;
        self.accepted += other.accepted;
        self.extra += other.extra;
    }
}

/// A promise that was broken.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Of which history.
    pub(crate) seed: u64,
    /// Which one.
    pub(crate) breach: String,
    /// All that happened.
    pub(crate) trace: Vec<String>,
}

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// In the autumn of 2026.
const BEGINNING: i64 = 1_795_000_000;

/// The history of a seed: what happened, and in which words.
pub(crate) fn history(seed: u64) -> Result<(Tally, Vec<String>), Failure> {
    history_with(seed, None)
}

/// The same, with something wrong.
pub(crate) fn history_with(seed: u64, flaw: Option<Flaw>) -> Result<(Tally, Vec<String>), Failure> {
    let folder = folder();
    let database = folder.path().join("feeds.db");
    let mut random = Random(seed);
    // Most histories have only some kinds of faults, each with a frequency of its own; some have none.
    let mut often = |most: &[u32]| random.of(most);
    let faults = Faults {
        publisher: often(&[0, 50, 200, 500]),
        sink: often(&[0, 50, 200, 500]),
        disk: often(&[0, 0, 5, 30]),
        clock: often(&[0, 0, 5, 30]),
        death: often(&[0, 500, 900]),
        stop: often(&[0, 0, 200]),
        flaw,
    };
    let lives = 2 + random.below(5);
    let world = World::new(State {
        random,
        faults,
        now: BEGINNING,
        jumped: 0,
        began: None,
        publishers: vec![Publisher::new("tide", "sea"), Publisher::new("wind", "sea"), Publisher::new("rock", "land")],
        desks: vec![Desk::new("mail", Wants::Mail), Desk::new("later", Wants::Link)],
        life: Life::default(),
        tally: Tally::default(),
        trace: Vec::new(),
        breach: None,
        remembered: std::collections::BTreeSet::new(),
    });
    for _ in 0..lives {
        between(&world);
        one_life(&world, &database);
        forget(flaw, &database);
        if world.state().breach.is_some() {
            break;
        }
    }
    if world.state().breach.is_none() {
        heal(&world, &database);
    }
    let mut state = world.state();
    let posts: usize = state.publishers.iter().map(Publisher::posts).sum();
    state.tally.posts = posts.try_into().expect("a few posts");
    let (tally, trace) = (state.tally, std::mem::take(&mut state.trace));
    match state.breach.take() {
        None => Ok((tally, trace)),
        Some(breach) => Err(Failure { seed, breach, trace }),
    }
}

/// In memory where that can be: a simulated power cut needs no real disk.
fn folder() -> tempfile::TempDir {
    let memory = PathBuf::from("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.or_else(|_| tempfile::tempdir()).expect("a temporary folder")
}

/// The database is gone, with what is beside it.
fn forget(flaw: Option<Flaw>, database: &Path) {
    if flaw == Some(Flaw::Forgets) {
        for end in ["", "-wal", "-shm"] {
            std::fs::remove_file(format!("{}{end}", database.display())).ok();
        }
    }
}

/// Time passes, publishers work, a person changes his mind about a feed.
fn between(world: &World) {
    let mut state = world.state();
    let State { random, publishers, now, remembered, .. } = &mut *state;
    *now += i64::from(random.below(2 * 24 * 3_600));
    for publisher in publishers {
        publisher.work(random, *now, |title| remembered.contains(title));
        if random.below(12) == 0 {
            publisher.subscribed = !publisher.subscribed;
        }
    }
    let now = state.now;
    state.note(|| format!("it is {now}"));
}

fn one_life(world: &World, database: &Path) {
    let life = {
        let mut state = world.state();
        state.tally.lives += 1;
        let State { random, faults, .. } = &mut *state;
        // Early moments are as likely as late ones, on all scales.
        let mut moment = |often: u32| {
            random.in_thousand(often).then(|| {
                let most = random.of(&[8, 30, 80]);
                1 + random.below(most)
            })
        };
        Life { dies_at: moment(faults.death), stops_at: moment(faults.stop), ..Life::default() }
    };
    let ended = live(world, database, life);
    audit(world, database, ended);
}

/// Nothing goes wrong any more; after a while all must have arrived.
fn heal(world: &World, database: &Path) {
    {
        let mut state = world.state();
        let flaw = state.faults.flaw;
        state.faults = Faults { flaw, ..Faults::default() };
        state.publishers.iter_mut().for_each(|publisher| publisher.subscribed = true);
        // The clock is set right, though it was wrong for long.
        state.now -= state.jumped;
        state.note(|| "all is healed".to_owned());
    }
    // The first may find that the clock was wrong, and wait anew; the last may find nothing more to do.
    for life in 0..3 {
        // What was forgotten before may have been nothing: lives may be too short for any delivery. Now all has arrived.
        let flaw = world.state().faults.flaw.filter(|_| life == 2);
        forget(flaw, database);
        // What was refused for good or is held waits for a person's word, and gets it.
        retry_all(world, database);
        // As long as any publisher may have asked to be left alone.
        world.state().now += 8 * DAY;
        one_life(world, database);
    }
    let mut state = world.state();
    state.all_has_arrived(database);
    match View::open(database).map(|view| view.map(|view| view.damage())) {
        Ok(Some(Ok(damage))) if damage.is_empty() => {}
        other => state.breach(format!("the database is not sound: {other:?}")),
    }
}

fn retry_all(world: &World, database: &Path) {
    use feeds::store::{IfMissing, Store};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    world.state().life = Life::default();
    runtime.block_on(async {
        let store = Store::simulated(database, IfMissing::Create, std::sync::Arc::new(world.clone())).expect("a database");
        // By their numbers: what is held is not among "all".
        let queue = View::open(database).ok().flatten().map(|view| view.queue().expect("a queue that can be read"));
        let ids = queue.unwrap_or_default().into_iter().map(|item| item.id).collect();
        store.retry(Some(ids), world.clock().now()).await.expect("a queue");
    });
}
