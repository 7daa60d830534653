//! What is known of hosts: when they were last asked, at which pace they want to be, and until when not at all. A pace and a rest
//! hold for all hosts below the name that they are kept under.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::feeds::FeedId;
use super::runs::RunId;
use super::writer::Request;
use super::{Store, StoreError, seconds, time};
use crate::pace::{self, Learned};
use crate::schedule::{FURTHEST, SET_BACK};

/// What is known of a host's pace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostPace {
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

/// A host that a run has done with.
#[derive(Debug, Clone, Default)]
pub struct HostDone {
    /// The run that had claimed it.
    pub worker: Option<RunId>,
    /// The host.
    pub host: String,
    /// What was learned of it, and of others on the way.
    pub paces: Vec<HostPace>,
    /// Its feeds that had no turn, each with the host whose pace left none. They stay due, and the host is not claimed again by
    /// this run.
    pub waiting: Vec<(FeedId, String)>,
}

impl Store {
    /// Gives a host back, with all that was learned meanwhile.
    pub async fn host_done(&self, done: HostDone) -> Result<(), StoreError> {
        self.ask(done).await
    }

    /// What is known of all hosts.
    pub async fn host_paces(&self) -> Result<Vec<HostPace>, StoreError> {
        self.read(paces).await
    }
}

/// What is known of all hosts' paces.
pub(super) fn paces(connection: &Connection) -> Result<Vec<HostPace>, rusqlite::Error> {
    let sql = "SELECT host, last_asked, pace, slowed_at, eased_at, until, next_turn FROM hosts ORDER BY host";
    connection.prepare_cached(sql)?.query_map([], host_pace)?.collect()
}

/// What is known of the pace of a host and of the domains that it belongs to: the longest rest, the latest turn.
pub(super) fn pace_of(connection: &Connection, host: &str) -> Result<HostPace, rusqlite::Error> {
    let sql = "SELECT host, last_asked, pace, slowed_at, eased_at, until, next_turn FROM hosts WHERE host = ?1";
    let mut select = connection.prepare_cached(sql)?;
    let mut found = HostPace { host: pace::key(host).to_owned(), ..HostPace::default() };
    for domain in pace::domains(host) {
        let Some(own) = select.query_row([domain], host_pace).optional()? else { continue };
        found.last_asked = found.last_asked.or(own.last_asked);
        if found.learned.is_none() && own.learned.is_some() {
            (found.learned, found.host) = (own.learned, own.host);
        }
        found.rests_until = found.rests_until.max(own.rests_until);
        found.next_turn = found.next_turn.max(own.next_turn);
    }
    Ok(found)
}

fn host_pace(row: &Row<'_>) -> Result<HostPace, rusqlite::Error> {
    let when = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(time));
    let slowest = row.get::<_, Option<i64>>(2)?.and_then(|pace| u64::try_from(pace).ok()).map(Duration::from_millis);
    let (slowed_at, eased_at) = (when(3)?, when(4)?);
    let learned =
        slowest.zip(slowed_at).map(|(slowest, since)| Learned { slowest, since, good_until: eased_at.unwrap_or(since) });
    Ok(HostPace { host: row.get(0)?, last_asked: when(1)?, learned, rests_until: when(5)?, next_turn: when(6)? })
}

/// The hosts that are not asked now.
pub(super) struct Unasked(HashSet<String>);

impl Unasked {
    /// Those that want to be left alone, or whose turn is further off than `patience`. Times that are further off than any rule
    /// allows were written down before the clock was set back.
    pub(super) fn read(connection: &Connection, now: i64, patience: Duration) -> Result<Self, rusqlite::Error> {
        let sql = "SELECT host FROM hosts WHERE (until > ?1 AND until <= ?1 + ?2) OR
                     (next_turn > ?1 + ?3 AND next_turn <= ?1 + ?2 AND coalesce(last_asked, 0) <= ?1 + ?4)";
        let [furthest, patience, set_back] =
            [FURTHEST, patience, SET_BACK].map(|time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX / 4));
        let mut select = connection.prepare_cached(sql)?;
        let hosts = select.query_map(params![now, furthest, patience, set_back], |row| row.get(0))?;
        Ok(Self(hosts.collect::<Result<_, _>>()?))
    }

    /// Whether a host is among them, or below one that is.
    pub(super) fn holds(&self, host: &str) -> bool {
        !self.0.is_empty() && pace::domains(host).any(|domain| self.0.contains(domain))
    }
}

impl Request for HostDone {
    type Reply = ();

    fn apply(self, connection: &Connection) -> Result<(), rusqlite::Error> {
        let Self { worker, host, paces, waiting } = self;
        // While feeds of it wait, the host stays this run's, though the time of its claim is over: others may claim it.
        let sql = "UPDATE hosts SET lease_worker = CASE WHEN ?3 THEN lease_worker END, lease_until = 0 WHERE host = ?1 AND lease_worker = ?2";
        if let Some(worker) = worker {
            connection.prepare_cached(sql)?.execute(params![host, worker.0, !waiting.is_empty()])?;
        }
        let sql = "INSERT INTO hosts (host, last_asked, until, pace, slowed_at, eased_at, next_turn) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                   ON CONFLICT (host) DO UPDATE SET
                     last_asked = coalesce(excluded.last_asked, last_asked), until = coalesce(excluded.until, until),
                     pace = excluded.pace, slowed_at = excluded.slowed_at, eased_at = excluded.eased_at, next_turn = excluded.next_turn";
        let mut keep = connection.prepare_cached(sql)?;
        for HostPace { host, last_asked, learned, rests_until, next_turn } in paces {
            let pause = learned.map(|learned| i64::try_from(learned.slowest.as_millis()).unwrap_or(i64::MAX));
            let [since, eased] = [learned.map(|learned| learned.since), learned.map(|learned| learned.good_until)];
            let [asked, until, turn, since, eased] = [last_asked, rests_until, next_turn, since, eased].map(|at| at.map(seconds));
            keep.execute(params![host, asked, until, pause, since, eased, turn])?;
        }
        let mut wait = connection.prepare_cached("UPDATE feeds SET waits_at = ?2 WHERE id = ?1 AND waits_at IS NOT ?2")?;
        for (feed, host) in waiting {
            wait.execute(params![feed.0, host])?;
        }
        Ok(())
    }
}
