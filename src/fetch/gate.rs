//! Whose turn it is at a host. Every request passes the gate of the very host that it goes to, each hop of a redirect too: so
//! many at once, so far apart, and none while the host wants to be left alone. Goes in: a host. Comes out: a [`Turn`], or
//! [`NotNow`]. Sends nothing and writes nothing down; what it learned can be asked of it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::Settings;
use crate::clock::Clock;
use crate::pace::{self, Learned};
use crate::schedule::FURTHEST;

/// The gates of all hosts.
pub struct Gates {
    clock: Clock,
    per_host: usize,
    delay: Duration,
    delays: HashMap<String, Duration>,
    patience: Mutex<Duration>,
    known: Mutex<HashMap<String, Arc<Gate>>>,
}

/// What is known of a host's pace, from one run to the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The host, or the domain whose hosts share the pace.
    pub host: String,
    /// When it was last asked.
    pub last_asked: Option<Timestamp>,
    /// The pace that it taught us.
    pub learned: Option<Learned>,
    /// Until when it wants to be left alone.
    pub rests_until: Option<Timestamp>,
    /// When its next request may begin.
    pub next_turn: Option<Timestamp>,
}

/// A host that is not asked in this run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// It asked to be left alone.
    #[error("{host} asks to be left alone until {until}")]
    Rests {
        /// The host.
        host: String,
        /// Until when.
        until: Timestamp,
    },
    /// Its pace leaves no more room than others have taken.
    #[error("it waits for its turn at {host}")]
    Turn {
        /// The host.
        host: String,
    },
}

/// How long a pass waits for the sake of one host's pace, in all, where nobody says otherwise; see docs/limits.md.
pub const PATIENCE: Duration = Duration::from_secs(5 * 60);

struct Gate {
    host: String,
    /// The pause that is set.
    base: Duration,
    /// It is set for the domain, and so for each host below it.
    set: bool,
    room: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    next: Instant,
    waited: Duration,
    last_asked: Option<Timestamp>,
    learned: Option<Learned>,
    rests_until: Option<Timestamp>,
    changed: bool,
}

impl Gates {
    /// Gates with the paces that are set.
    #[must_use]
    pub fn new(settings: &Settings, clock: Clock) -> Self {
        Self {
            clock,
            per_host: settings.per_host.max(1),
            delay: settings.host_delay,
            delays: settings.hosts.iter().map(|(host, delay)| (pace::key(host).to_owned(), *delay)).collect(),
            patience: Mutex::new(PATIENCE),
            known: Mutex::default(),
        }
    }

    /// Begins a pass: says how long it waits in all for the sake of one host's pace. What earlier ones waited does not count.
    pub fn begin(&self, patience: Duration) {
        *locked(&self.patience) = patience;
        for gate in locked(&self.known).values() {
            locked(&gate.state).waited = Duration::ZERO;
        }
    }

    /// Takes over what is known from earlier.
    pub fn remember(&self, known: Vec<Known>) {
        let now = self.clock.now();
        for known in known {
            let gate = self.own_gate(&known.host);
            let mut state = locked(&gate.state);
            state.learned = known.learned.filter(|learned| learned.pause() > gate.base);
            state.last_asked = known.last_asked;
            // What is further off was written down before the clock was set back.
            state.rests_until = known.rests_until.filter(|until| *until > now && *until <= now + FURTHEST);
            // Times are kept in whole seconds: it may have been asked nearly a second later than is known.
            let since = known.last_asked.and_then(|at| Duration::try_from(now.duration_since(at + Duration::from_secs(1))).ok());
            let asked_lately = known.last_asked.is_some_and(|at| at <= now);
            let wait = gate.pause(&state).saturating_sub(since.unwrap_or_default());
            if asked_lately && !gate.pause(&state).is_zero() {
                state.next = Instant::now() + wait;
            }
        }
    }

    /// Waits for a turn at a host. To give up waiting does no harm.
    ///
    /// # Errors
    /// Where it would take too long, or the host wants to be left alone.
    pub async fn turn(self: &Arc<Self>, host: &str) -> Result<Turn, NotNow> {
        let (gate, permit) = self.pass(host).await?;
        Ok(Turn { gates: Arc::clone(self), at: Some((gate, permit)), fresh: true })
    }

    /// How long it is until a host's next turn.
    ///
    /// # Errors
    /// Where it wants to be left alone.
    pub fn until_turn(&self, host: &str) -> Result<Duration, NotNow> {
        let gate = self.gate(host);
        self.check_rest(&gate)?;
        let next = locked(&gate.state).next;
        Ok(next.saturating_duration_since(Instant::now()))
    }

    async fn pass(&self, host: &str) -> Result<(Arc<Gate>, OwnedSemaphorePermit), NotNow> {
        let gate = self.gate(host);
        self.check_rest(&gate)?;
        let closed = |_| NotNow::Turn { host: gate.host.clone() };
        let permit = Arc::clone(&gate.room).acquire_owned().await.map_err(closed)?;
        let patience = *locked(&self.patience);
        let at = {
            let mut state = locked(&gate.state);
            let now = Instant::now();
            let at = state.next.max(now);
            let waited = state.waited + (at - now);
            if at > now && waited > patience {
                state.changed = true;
                return Err(NotNow::Turn { host: gate.host.clone() });
            }
            state.next = at + gate.pause(&state);
            state.waited = waited;
            at
        };
        tokio::time::sleep_until(at).await;
        self.check_rest(&gate)?;
        let mut state = locked(&gate.state);
        state.last_asked = Some(self.clock.now());
        state.changed = true;
        drop(state);
        Ok((gate, permit))
    }

    fn check_rest(&self, gate: &Gate) -> Result<(), NotNow> {
        let until = locked(&gate.state).rests_until.filter(|until| *until > self.clock.now());
        until.map_or(Ok(()), |until| Err(NotNow::Rests { host: gate.host.clone(), until }))
    }

    /// Keeps a host and those below it unasked until a time.
    pub fn rest(&self, host: &str, until: Timestamp) {
        let gate = self.gate(host);
        let mut state = locked(&gate.state);
        state.rests_until = state.rests_until.max(Some(until));
        state.changed = true;
    }

    /// The host said that it had too much: it is asked more slowly from now on. `asked_at` is when that request began: what
    /// was under way when another was refused says nothing new.
    pub fn too_many(&self, host: &str, asked_at: Timestamp) {
        let gate = self.gate(host);
        let mut state = locked(&gate.state);
        if state.learned.is_none_or(|learned| learned.since <= asked_at) {
            state.learned = Some(Learned::after_too_many(state.learned, gate.base, self.clock.now()));
            state.next = state.next.max(Instant::now() + gate.pause(&state));
            state.changed = true;
        }
    }

    /// The host answered well.
    pub fn went_well(&self, host: &str) {
        let gate = self.gate(host);
        let mut state = locked(&gate.state);
        if let Some(learned) = state.learned {
            let eased = learned.after_success(self.clock.now());
            state.learned = Some(eased).filter(|eased| eased.pause() > gate.base);
            state.changed = true;
        }
    }

    /// What has changed since this was last asked.
    #[must_use]
    pub fn changed(&self) -> Vec<Known> {
        let gates: Vec<Arc<Gate>> = locked(&self.known).values().cloned().collect();
        let now = (Instant::now(), self.clock.now());
        let known = |gate: &Arc<Gate>| {
            let mut state = locked(&gate.state);
            std::mem::take(&mut state.changed).then(|| Known {
                host: gate.host.clone(),
                last_asked: state.last_asked,
                learned: state.learned,
                rests_until: state.rests_until,
                // Kept in whole seconds, and never too early.
                next_turn: Some(state.next.saturating_duration_since(now.0))
                    .filter(|wait| !wait.is_zero())
                    .and_then(|wait| now.1.checked_add(Duration::from_secs(wait.as_secs() + 1)).ok()),
            })
        };
        gates.iter().filter_map(known).collect()
    }

    /// The gate that a host shares with its domain, where the domain has a pace; else its own.
    fn gate(&self, host: &str) -> Arc<Gate> {
        let gates = locked(&self.known);
        let shared = pace::domains(host).find_map(|domain| {
            if self.delays.contains_key(domain) {
                return Some(Err(domain));
            }
            gates.get(domain).filter(|gate| gate.binds_all_below()).map(|gate| Ok(Arc::clone(gate)))
        });
        drop(gates);
        match shared {
            Some(Ok(gate)) => gate,
            Some(Err(domain)) => self.own_gate(domain),
            None => self.own_gate(pace::key(host)),
        }
    }

    fn own_gate(&self, host: &str) -> Arc<Gate> {
        let mut gates = locked(&self.known);
        let set = self.delays.get(host).copied();
        let gate = gates.entry(host.to_owned()).or_insert_with(|| {
            let (next, waited) = (Instant::now(), Duration::ZERO);
            let state = State { next, waited, last_asked: None, learned: None, rests_until: None, changed: false };
            Arc::new(Gate {
                host: host.to_owned(),
                base: set.unwrap_or(self.delay),
                set: set.is_some(),
                room: Arc::new(Semaphore::new(self.per_host)),
                state: Mutex::new(state),
            })
        });
        Arc::clone(gate)
    }
}

impl Gate {
    fn pause(&self, state: &State) -> Duration {
        state.learned.map_or(Duration::ZERO, |learned| learned.pause()).max(self.base)
    }

    fn binds_all_below(&self) -> bool {
        let state = locked(&self.state);
        self.set || state.learned.is_some() || state.rests_until.is_some()
    }
}

/// The right to send a request, and then, hop by hop, those that follow from it. One place at one gate is held at any time.
pub struct Turn {
    gates: Arc<Gates>,
    at: Option<(Arc<Gate>, OwnedSemaphorePermit)>,
    fresh: bool,
}

impl Turn {
    /// A turn that has no place at any gate yet.
    #[must_use]
    pub fn none(gates: &Arc<Gates>) -> Self {
        Self { gates: Arc::clone(gates), at: None, fresh: false }
    }

    /// Waits for the next request's turn, at its own host. The place at the gate before is given back first, so that nobody
    /// waits for a gate while holding another.
    pub(super) async fn take(&mut self, host: &str) -> Result<(), NotNow> {
        let is_here = self.at.as_ref().is_some_and(|(gate, _)| gate.host == self.gates.gate(host).host);
        if std::mem::take(&mut self.fresh) && is_here {
            return Ok(());
        }
        self.at = None;
        self.at = Some(self.gates.pass(host).await?);
        Ok(())
    }

    /// The host that was asked last.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.at.as_ref().map(|(gate, _)| gate.host.as_str())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Gates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gates").field("delay", &self.delay).field("delays", &self.delays).finish_non_exhaustive()
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("host", &self.host()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
