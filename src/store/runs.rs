//! Runs: what each did, and the cleaning up at its end. Starting one is also the probe that the database can be written:
//! no feed is asked and no mail is sent before it.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::hosts::Unasked;
use super::writer::Request;
use super::{Store, StoreError, resources, seconds, stories};

/// A run's number: the worker that claims are made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunId(pub i64);

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunTotals {
    /// Feeds asked.
    pub polled: u64,
    /// Feeds that failed.
    pub failed: u64,
    /// New entries.
    pub entries: u64,
    /// Deliveries that were accepted.
    pub delivered: u64,
    /// Deliveries that will be tried again.
    pub retried: u64,
    /// Deliveries that were given up.
    pub rejected: u64,
}

/// How long a payload is kept after its last delivery ended, for sending it again.
const KEEP_PAYLOADS: i64 = 30 * 86_400;
/// How long a delivery is listed after it ended.
const KEEP_DELIVERIES: i64 = 90 * 86_400;
/// How many runs are remembered.
const KEEP_RUNS: i64 = 1_000;
/// How long what a feed has shown is remembered after the feed left the configuration: added again before, it repeats nothing.
const KEEP_REMOVED: i64 = 365 * 86_400;
/// How long a host is remembered after it was last asked, where no feed is there any more.
const KEEP_HOSTS: i64 = 30 * 86_400;
/// A host whose turn is so near is worth a pass.
const SOON: Duration = Duration::from_secs(2);
/// How many rows one cleaning takes at most, so that it never holds a run up.
const CLEAN_AT_ONCE: i64 = 2_000;

impl Store {
    /// Starts a run. Claims of earlier runs end: who starts holds the lock, so none of them is alive.
    ///
    /// # Errors
    /// When the database cannot be written, or there is no room left for what a run writes down.
    pub async fn start_run(&self, now: Timestamp) -> Result<RunId, StoreError> {
        self.make_sure_of_room().await?;
        self.ask(StartRun(now)).await
    }

    /// Whether a feed is due, or a delivery to one of these sinks that does not rest.
    pub async fn is_anything_due(&self, sinks: Vec<String>, now: Timestamp) -> Result<bool, StoreError> {
        self.read(move |connection| {
            let due = "SELECT DISTINCT host FROM feeds WHERE active = 1 AND gone_at IS NULL AND next_poll <= ?1";
            let mut select = connection.prepare_cached(due)?;
            let hosts: Vec<String> = select.query_map([seconds(now)], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let unasked = Unasked::read(connection, seconds(now), SOON)?;
            if hosts.iter().any(|host| !unasked.holds(host)) {
                return Ok(true);
            }
            let sinks = serde_json::to_string(&sinks).unwrap_or_default();
            let sql = "SELECT EXISTS (SELECT 1 FROM deliveries d JOIN feeds f ON f.id = d.feed
                                      WHERE d.state = 'pending' AND d.next_attempt <= ?1 AND f.removed_at IS NULL
                                      AND d.sink IN (SELECT value FROM json_each(?2))
                                      AND NOT EXISTS (SELECT 1 FROM sinks WHERE sinks.name = d.sink AND rest_until > ?1))";
            connection.prepare_cached(sql)?.query_row(params![seconds(now), sinks], |row| row.get(0))
        })
        .await
    }

    /// Writes down what a run did, and cleans up what is no longer needed, bounded.
    pub async fn end_run(&self, run: RunId, totals: RunTotals, now: Timestamp) -> Result<(), StoreError> {
        self.ask(EndRun { run, totals, now }).await
    }
}

struct StartRun(Timestamp);

impl Request for StartRun {
    type Reply = RunId;

    fn apply(self, connection: &Connection) -> Result<RunId, rusqlite::Error> {
        connection.execute("INSERT INTO runs (started_at) VALUES (?1)", [seconds(self.0)])?;
        let run = RunId(connection.last_insert_rowid());
        connection.execute("UPDATE hosts SET lease_worker = NULL, lease_until = NULL WHERE lease_worker IS NOT NULL", [])?;
        let sql = "UPDATE deliveries SET lease_worker = NULL, lease_until = NULL, crashes = crashes + 1 WHERE state = 'pending' AND lease_worker IS NOT NULL";
        connection.execute(sql, [])?;
        Ok(run)
    }
}

struct EndRun {
    run: RunId,
    totals: RunTotals,
    now: Timestamp,
}

impl Request for EndRun {
    type Reply = ();

    fn apply(self, connection: &Connection) -> Result<(), rusqlite::Error> {
        let RunTotals { polled, failed, entries, delivered, retried, rejected } = self.totals;
        let sql =
            "UPDATE runs SET ended_at = ?2, polled = ?3, failed = ?4, entries = ?5, delivered = ?6, retried = ?7, rejected = ?8
                   WHERE id = ?1";
        let now = seconds(self.now);
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let counts = [polled, failed, entries, delivered, retried, rejected].map(count);
        let [polled, failed, entries, delivered, retried, rejected] = counts;
        connection.execute(sql, params![self.run.0, now, polled, failed, entries, delivered, retried, rejected])?;
        clean(connection, now)
    }
}

fn clean(connection: &Connection, now: i64) -> Result<(), rusqlite::Error> {
    let payloads = "DELETE FROM payloads WHERE entry IN (SELECT entry FROM payloads WHERE kept_until < ?1 LIMIT ?2)";
    connection.execute(payloads, params![now, CLEAN_AT_ONCE])?;
    // What was given up stays until a person has seen to it.
    let deliveries = "DELETE FROM deliveries WHERE id IN
           (SELECT id FROM deliveries WHERE ended_at < ?1 AND state IN ('delivered', 'dropped') LIMIT ?2) RETURNING entry";
    let mut delete = connection.prepare(deliveries)?;
    let entries: Vec<i64> =
        delete.query_map(params![now - KEEP_DELIVERIES, CLEAN_AT_ONCE], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for entry in entries {
        let_payload_go(connection, entry, now)?;
    }
    let texts = "DELETE FROM texts WHERE (entry, revision) IN (SELECT entry, revision FROM texts WHERE kept_until < ?1 LIMIT ?2)";
    connection.execute(texts, params![now, CLEAN_AT_ONCE])?;
    connection.execute("DELETE FROM runs WHERE id <= (SELECT max(id) FROM runs) - ?1", [KEEP_RUNS])?;
    stories::clean(connection, now)?;
    resources::clean(connection, CLEAN_AT_ONCE)?;
    forget_removed(connection, now)?;
    let hosts = "DELETE FROM hosts WHERE host IN
                   (SELECT host FROM hosts WHERE coalesce(last_asked, 0) < ?1 AND coalesce(until, 0) < ?2 AND lease_worker IS NULL
                      AND host NOT IN (SELECT host FROM feeds) LIMIT ?3)";
    connection.execute(hosts, params![now - KEEP_HOSTS, now, CLEAN_AT_ONCE])?;
    Ok(())
}

/// Forgets what a feed has shown that left the configuration long ago, a part in each run, and then the feed.
fn forget_removed(connection: &Connection, now: i64) -> Result<(), rusqlite::Error> {
    let sql = "SELECT id FROM feeds WHERE removed_at < ?1 ORDER BY id LIMIT 1";
    let Some(feed) = connection.query_row(sql, [now - KEEP_REMOVED], |row| row.get::<_, i64>(0)).optional()? else {
        return Ok(());
    };
    // Whoever subscribes again while this goes on finds a new feed.
    let sql = "UPDATE feeds SET entries = 0, newest = NULL, last_success = NULL, document_hash = NULL, etag = NULL, last_modified = NULL,
                 validators_url = NULL, habits = NULL WHERE id = ?1";
    connection.execute(sql, [feed])?;
    // Every entry has a key, and keys lie in the order of their feeds. A key whose entry went with another key finds nothing.
    let sql = "DELETE FROM keys WHERE (feed, key, entry) IN (SELECT feed, key, entry FROM keys WHERE feed = ?1 LIMIT ?2) RETURNING entry";
    let mut keys = connection.prepare(sql)?;
    let entries: HashSet<i64> = keys.query_map(params![feed, CLEAN_AT_ONCE], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if entries.is_empty() {
        connection.execute("DELETE FROM stories WHERE feed = ?1", [feed])?;
        connection.execute("DELETE FROM feeds WHERE id = ?1", [feed])?;
    }
    // Every table that names an entry stands here, the entries themselves last.
    for (table, column) in
        [("stories", "entry"), ("deliveries", "entry"), ("payloads", "entry"), ("resources", "entry"), ("entries", "id")]
    {
        let mut delete = connection.prepare(&format!("DELETE FROM {table} WHERE {column} = ?1"))?;
        entries.iter().try_for_each(|entry| delete.execute([entry]).map(drop))?;
    }
    Ok(())
}

/// Lets the payload of an entry go, after a while, once no delivery of it is open.
pub(super) fn let_payload_go(connection: &Connection, entry: i64, now: i64) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE payloads SET kept_until = ?2 WHERE entry = ?1 AND kept_until IS NULL AND NOT EXISTS
                 (SELECT 1 FROM deliveries WHERE entry = ?1 AND state IN ('pending', 'held', 'failed'))";
    connection.prepare_cached(sql)?.execute(params![entry, now + KEEP_PAYLOADS])?;
    Ok(())
}
