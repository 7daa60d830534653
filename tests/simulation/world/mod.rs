//! An invented world around the real program: its two loops and its database file are the real ones; publishers, sinks, the
//! clock, the order of things and every fault come from a seed. One seed is one history.

mod audit;
mod desk;
mod history;
mod life;
mod publisher;
pub(crate) mod random;

pub(crate) use history::{Failure, Flaw, Tally, history, history_with};

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use feeds::clock::Clock;
use feeds::store::{Moments, StoreError};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use desk::Desk;
use history::Faults;
use publisher::Publisher;
use random::Random;

/// All that the program meets. Shared by everything that plays a part in it.
#[derive(Clone)]
pub(crate) struct World(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Told when the process dies.
    died: Notify,
}

/// The state of the world.
struct State {
    random: Random,
    faults: Faults,
    /// What time it is when a life begins; within it the paused clock of the runtime runs on from there.
    now: i64,
    /// By how much the clock is wrong.
    jumped: i64,
    /// When this life began, by the runtime's clock.
    began: Option<tokio::time::Instant>,
    publishers: Vec<Publisher>,
    desks: Vec<Desk>,
    life: Life,
    tally: Tally,
    /// Everything that happened, in words.
    trace: Vec<String>,
    /// The first breach of a promise.
    breach: Option<String>,
    /// Every title that the database once knew, for each desk: it must never be missed again.
    remembered: BTreeSet<String>,
}

/// One life of the process.
#[derive(Default)]
struct Life {
    /// How many moments it has had.
    moments: u32,
    /// The moment at which it dies.
    dies_at: Option<u32>,
    /// The moment at which it is told to stop.
    stops_at: Option<u32>,
    /// One for each who may be told: a channel with several who wait wakes them in an order that no seed governs.
    stop: Vec<watch::Sender<bool>>,
    dead: bool,
    /// The disk refused something: what was accepted meanwhile may be unwritten.
    refused: bool,
}

impl World {
    fn new(state: State) -> Self {
        Self(Arc::new(Shared { state: Mutex::new(state), died: Notify::new() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clock(&self) -> Clock {
        let world = self.clone();
        Clock::from_fn(move || {
            let now = world.state().now();
            Timestamp::from_second(now).expect("a time in the calendar")
        })
    }

    /// The moment before something happens: others may go first, time may jump, the process may be told to stop, or die.
    async fn pass_moment(&self) {
        let turns = self.state().random.below(3);
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        if self.state().is_last_moment() {
            self.0.died.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

impl State {
    fn now(&self) -> i64 {
        let lived = self.began.map_or(0, |began| began.elapsed().as_secs());
        self.now + i64::try_from(lived).expect("a short life")
    }

    fn note(&mut self, words: impl FnOnce() -> String) {
        let moment = self.life.moments;
        self.trace.push(format!("{moment:4} {}", words()));
    }

    fn breach(&mut self, words: String) {
        self.note(|| format!("BREACH: {words}"));
        self.breach.get_or_insert(words);
    }

    /// Counts the moment; true where nothing more happens in this life.
    fn is_last_moment(&mut self) -> bool {
        if self.life.dead {
            return true;
        }
        self.life.moments += 1;
        let moment = Some(self.life.moments);
        if self.life.dies_at == moment {
            self.life.dead = true;
            self.tally.deaths += 1;
            self.note(|| "the process dies".to_owned());
            return true;
        }
        if self.life.stops_at == moment {
            for stop in &self.life.stop {
                stop.send_replace(true);
            }
            self.note(|| "the process is told to stop".to_owned());
        }
        if self.random.in_thousand(self.faults.clock) {
            self.jump();
        }
        false
    }

    /// The clock jumps, back or forth.
    fn jump(&mut self) {
        const HOUR: i64 = 3_600;
        let by = self.random.of(&[-24 * HOUR, -HOUR, -60, 60, HOUR, 24 * HOUR, 30 * 24 * HOUR]);
        self.now += by;
        self.jumped += by;
        self.tally.jumps += 1;
        self.note(|| format!("the clock jumps by {by} s"));
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}

impl Moments for World {
    fn moment(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.pass_moment())
    }

    fn refusal(&self) -> Option<StoreError> {
        let mut state = self.state();
        let often = state.faults.disk;
        let refused = state.random.in_thousand(often);
        if refused {
            state.life.refused = true;
            state.tally.refusals += 1;
            state.note(|| "the disk is full".to_owned());
        }
        refused.then_some(StoreError::Full)
    }
}
