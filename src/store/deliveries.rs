//! The queue: claiming deliveries for a sink, and writing down what became of them.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, named_params, params};

use super::entries::unpack;
use super::feeds::FeedId;
use super::revisions::{Update, take_back, update_of};
use super::runs::{RunId, let_payload_go};
use super::stories::{self, also_in};
use super::writer::Request;
use super::{Store, StoreError, seconds, time};
use crate::delivery::{DeliveryId, EAGER_ATTEMPTS, MessageId, SUSPECT_CRASHES, longest_wait};
use crate::failpoint::Failpoint;
use crate::feed::Entry;
use crate::feed::diff::EntryRef;

/// A delivery that is ours until its lease ends.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The delivery.
    pub id: DeliveryId,
    /// Its feed.
    pub feed: FeedId,
    /// The entry's place in memory: what was fetched for it is kept there.
    pub of: EntryRef,
    /// The feed's title, as last read.
    pub feed_title: Option<String>,
    /// The feed's page, as last read.
    pub feed_link: Option<String>,
    /// The feed's language, as last read.
    pub feed_language: Option<String>,
    /// The entry; `None` where its payload cannot be read any more.
    pub entry: Option<Entry>,
    /// The names of other feeds that carry the same story, and deliver it here with this one.
    pub also_in: Vec<String>,
    /// When the entry was first seen.
    pub first_seen: Timestamp,
    /// The id it travels under.
    pub message_id: MessageId,
    /// Why only a short form of it goes; `None`: the whole.
    pub small: Option<String>,
    /// Why it goes without files and images of its own; `None`: with them.
    pub light: Option<String>,
    /// How often it was tried before.
    pub attempts: u32,
    /// How often it failed by itself before.
    pub failures: u32,
    /// How many claims of it in a row ended with the process.
    pub crashes: u32,
    /// When it first failed by itself.
    pub first_failure: Option<Timestamp>,
    /// A new version of an entry that was delivered before: how it arrives.
    pub update: Option<Update>,
}

/// Which deliveries to claim.
#[derive(Debug, Clone)]
pub struct ClaimDeliveries {
    /// Of this sink.
    pub sink: String,
    /// Of these feeds.
    pub among: Arc<FeedSet>,
    /// By which run.
    pub worker: RunId,
    /// The time.
    pub now: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// How many at most.
    pub most: u32,
    /// All feeds that are due have been asked: what tells a story may go.
    pub all_asked: bool,
    /// Also what waits because of our own guess, for the first few attempts, once a run.
    pub eager: bool,
}

/// Feeds, as a request names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedSet(String);

impl FromIterator<FeedId> for FeedSet {
    fn from_iter<I: IntoIterator<Item = FeedId>>(feeds: I) -> Self {
        let ids: Vec<String> = feeds.into_iter().map(|feed| feed.0.to_string()).collect();
        Self(format!("[{}]", ids.join(",")))
    }
}

/// What became of one claimed delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The delivery.
    pub id: DeliveryId,
    /// What became of it.
    pub settled: Settled,
}

/// How a claim ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The sink has it.
    Delivered {
        /// What the sink called it.
        receipt: String,
    },
    /// It stays in the queue.
    Again {
        /// Not before this time.
        next_attempt: Timestamp,
        /// The sink named that time.
        asked: bool,
        /// Why, in words.
        error: String,
        /// No more failures than this are counted.
        most_failures: u32,
    },
    /// It stays due, once more, without files and images of its own.
    Lighter {
        /// The id of that form.
        message_id: MessageId,
        /// Why, in words.
        error: String,
    },
    /// It goes nowhere: a program of the user's said so.
    Dropped {
        /// Which, in words.
        reason: String,
    },
    /// It stays due, once more, as a short form of itself.
    Smaller {
        /// The id of that form.
        message_id: MessageId,
        /// Why, in words.
        error: String,
    },
    /// It is given up.
    Failed {
        /// Why, in words.
        error: String,
    },
    /// The sink had trouble of its own while it was handed over; it stays due.
    Kept,
    /// It was not tried.
    NotTried,
}

impl Store {
    /// Claims deliveries of a sink that are due, in the order in which they were queued.
    pub async fn claim_deliveries(&self, claim: ClaimDeliveries) -> Result<Vec<Claimed>, StoreError> {
        self.ask(claim).await
    }

    /// What a claim would find now, without claiming it.
    pub async fn upcoming(&self, claim: ClaimDeliveries) -> Result<Vec<Claimed>, StoreError> {
        self.read(move |connection| claim.due(connection, false)).await
    }

    /// How many deliveries wait for a sink that is none of these.
    pub async fn stranded(&self, sinks: Vec<String>) -> Result<u64, StoreError> {
        self.read(move |connection| {
            let known = serde_json::to_string(&sinks).unwrap_or_default();
            let sql = "SELECT count(*) FROM deliveries WHERE state = 'pending' AND sink NOT IN (SELECT value FROM json_each(?1))";
            let count: i64 = connection.prepare_cached(sql)?.query_row([known], |row| row.get(0))?;
            Ok(u64::try_from(count).unwrap_or_default())
        })
        .await
    }

    /// Whether a claim would find something now.
    pub async fn is_any_due(&self, claim: ClaimDeliveries) -> Result<bool, StoreError> {
        self.read(move |connection| {
            let sql = format!("SELECT EXISTS (SELECT 1 {})", due());
            let [own, asked] = longest_waits();
            let values = named_params! {
                ":sink": claim.sink, ":among": claim.among.0, ":worker": claim.worker.0, ":now": seconds(claim.now),
                ":eager": claim.eager, ":eager_attempts": EAGER_ATTEMPTS,
                ":own": own, ":asked": asked, ":revision": 2 * 86_400, ":all_asked": claim.all_asked, ":suspect": SUSPECT_CRASHES,
            };
            connection.prepare_cached(&sql)?.query_row(values, |row| row.get(0))
        })
        .await
    }

    /// When a sink last took or refused something for good.
    pub async fn last_handed_over(&self, sink: String) -> Result<Option<Timestamp>, StoreError> {
        self.read(move |connection| {
            let sql =
                "SELECT ended_at FROM deliveries WHERE ended_at IS NOT NULL AND sink = ?1 AND state IN ('delivered', 'failed')
                       ORDER BY ended_at DESC LIMIT 1";
            Ok(connection.prepare_cached(sql)?.query_row([sink], |row| row.get(0)).optional()?.map(time))
        })
        .await
    }

    /// Writes down what became of claimed deliveries. What another worker has claimed since is left alone.
    pub async fn finish(&self, worker: RunId, finished: Vec<Finished>, now: Timestamp) -> Result<(), StoreError> {
        self.ask(Finish { worker, finished, now }).await
    }

    /// Makes deliveries due now, pending and failed ones alike, and ends their sinks' rest. `None`: all of them but what is
    /// held. Answers which.
    pub async fn retry(&self, ids: Option<Vec<DeliveryId>>, now: Timestamp) -> Result<Vec<DeliveryId>, StoreError> {
        self.ask(ByHand { ids, now, act: Act::Retry }).await
    }

    /// Takes deliveries out of the queue. `None`: all of them. Answers which.
    pub async fn drop_deliveries(&self, ids: Option<Vec<DeliveryId>>, now: Timestamp) -> Result<Vec<DeliveryId>, StoreError> {
        self.ask(ByHand { ids, now, act: Act::Drop }).await
    }
}

/// Deliveries of a sink that are due for a worker. What was never tried waits for nothing, but for a new version
/// of an entry, which comes a day after the one before; and what seems to wait longer than
/// anything may was written down by a clock that has been set back since (see [`crate::delivery::is_over`]).
const DUE: &str = "FROM deliveries d JOIN entries e ON e.id = d.entry JOIN feeds f ON f.id = d.feed LEFT JOIN payloads p ON p.entry = d.entry
                   WHERE d.state = 'pending' AND d.sink = :sink AND f.removed_at IS NULL
                     AND d.feed IN (SELECT value FROM json_each(:among))
                     AND (d.lease_worker IS NULL OR d.lease_until <= :now) AND (d.crashes < :suspect OR :all_asked) AND %
                     AND (d.next_attempt <= :now OR (d.failures = 0 AND d.revision = 0)
                          OR d.next_attempt > :now + CASE WHEN d.asked THEN :asked WHEN d.revision > 0 THEN :revision ELSE :own END
                          OR (:eager AND d.asked = 0 AND d.failures BETWEEN 1 AND :eager_attempts AND d.last_run IS NOT :worker))";

fn due() -> String {
    DUE.replace('%', stories::ITS_TURN)
}

/// The longest waits of our own making, and by a sink's wish, in seconds.
fn longest_waits() -> [i64; 2] {
    [false, true].map(|asked| i64::try_from(longest_wait(asked).as_secs()).unwrap_or(i64::MAX))
}

impl Request for ClaimDeliveries {
    type Reply = Vec<Claimed>;

    fn apply(self, connection: &Connection) -> Result<Vec<Claimed>, rusqlite::Error> {
        let mut claimed = self.due(connection, false)?;
        if claimed.is_empty() {
            claimed = self.due(connection, true)?;
        }
        let mut lease = connection.prepare_cached("UPDATE deliveries SET lease_worker = ?2, lease_until = ?3 WHERE id = ?1")?;
        for delivery in &claimed {
            lease.execute(params![delivery.id.0, self.worker.0, seconds(self.until)])?;
        }
        if !claimed.is_empty() {
            Failpoint::ClaimUncommitted.reach();
        }
        Ok(claimed)
    }
}

impl ClaimDeliveries {
    /// What is due: of all, or of what may be to blame for the end of earlier processes.
    fn due(&self, connection: &Connection, suspects: bool) -> Result<Vec<Claimed>, rusqlite::Error> {
        let sql = "SELECT d.id, d.feed, f.title, f.link, f.language, p.version, p.body, e.first_seen, d.message_id, d.attempts, d.first_failure, d.small, d.entry, d.revision, d.update_as, d.failures, d.crashes, d.light";
        // What may be to blame for the end of earlier processes goes when nothing else is left, and by itself.
        let which = if suspects {
            "d.crashes >= :suspect ORDER BY d.id LIMIT min(:most, 1)"
        } else {
            "d.crashes < :suspect ORDER BY d.id LIMIT :most"
        };
        let mut select = connection.prepare_cached(&format!("{sql} {} AND {which}", due()))?;
        let [own, asked] = longest_waits();
        let values = named_params! {
            ":sink": self.sink, ":among": self.among.0, ":worker": self.worker.0, ":now": seconds(self.now), ":eager": self.eager,
            ":eager_attempts": EAGER_ATTEMPTS, ":most": self.most, ":own": own, ":asked": asked, ":revision": 2 * 86_400, ":all_asked": self.all_asked, ":suspect": SUSPECT_CRASHES,
        };
        let claimed = select
            .query_map(values, |row| {
                let version: Option<i64> = row.get(5)?;
                let body: Option<Vec<u8>> = row.get(6)?;
                let feed = FeedId(row.get(1)?);
                Ok(Claimed {
                    id: DeliveryId(row.get(0)?),
                    feed,
                    of: EntryRef(row.get(12)?),
                    also_in: also_in(connection, row.get(12)?, &self.sink, feed)?,
                    feed_title: row.get(2)?,
                    feed_link: row.get(3)?,
                    feed_language: row.get(4)?,
                    entry: version.zip(body).and_then(|(version, body)| unpack(version, &body)),
                    first_seen: time(row.get(7)?),
                    message_id: MessageId::from_stored(row.get(8)?),
                    attempts: row.get(9)?,
                    failures: row.get(15)?,
                    crashes: row.get(16)?,
                    first_failure: row.get::<_, Option<i64>>(10)?.map(time),
                    small: row.get(11)?,
                    light: row.get(17)?,
                    update: update_of(
                        connection,
                        row.get(12)?,
                        row.get(13)?,
                        &self.sink,
                        row.get::<_, Option<String>>(14)?.as_deref(),
                    )?,
                })
            })?
            .collect::<Result<_, _>>()?;
        Ok(claimed)
    }
}

struct Finish {
    worker: RunId,
    finished: Vec<Finished>,
    now: Timestamp,
}

impl Request for Finish {
    type Reply = ();

    fn apply(self, connection: &Connection) -> Result<(), rusqlite::Error> {
        let now = seconds(self.now);
        for Finished { id, settled } in self.finished {
            let tried = !matches!(settled, Settled::NotTried);
            let sql = "UPDATE deliveries SET lease_worker = NULL, lease_until = NULL, crashes = 0, attempts = attempts + ?3,
                         last_run = CASE WHEN ?3 THEN ?2 ELSE last_run END
                       WHERE id = ?1 AND lease_worker = ?2 AND state = 'pending' RETURNING entry";
            let entry: Option<i64> =
                connection.prepare_cached(sql)?.query_row(params![id.0, self.worker.0, tried], |row| row.get(0)).optional()?;
            let Some(entry) = entry else { continue };
            match settled {
                Settled::Delivered { receipt } => {
                    let sql =
                        "UPDATE deliveries SET state = 'delivered', receipt = ?2, error = NULL, ended_at = ?3 WHERE id = ?1";
                    connection.prepare_cached(sql)?.execute(params![id.0, receipt, now])?;
                    let_payload_go(connection, entry, now)?;
                    for twin in stories::settle(connection, id.0, now)? {
                        let_payload_go(connection, twin, now)?;
                    }
                }
                Settled::Again { next_attempt, asked, error, most_failures } => {
                    let sql = "UPDATE deliveries SET next_attempt = ?2, asked = ?3, error = ?4, failures = min(failures + 1, ?6), first_failure = coalesce(first_failure, ?5)
                               WHERE id = ?1";
                    connection.prepare_cached(sql)?.execute(params![
                        id.0,
                        seconds(next_attempt),
                        asked,
                        error,
                        now,
                        most_failures
                    ])?;
                }
                Settled::Smaller { message_id, error } => {
                    let sql = "UPDATE deliveries SET small = ?2, error = ?2, message_id = ?3, next_attempt = ?4, asked = 0 WHERE id = ?1";
                    connection.prepare_cached(sql)?.execute(params![id.0, error, message_id.as_str(), now])?;
                }
                Settled::Lighter { message_id, error } => {
                    let sql = "UPDATE deliveries SET light = ?2, error = ?2, message_id = ?3, next_attempt = ?4, asked = 0 WHERE id = ?1";
                    connection.prepare_cached(sql)?.execute(params![id.0, error, message_id.as_str(), now])?;
                }
                Settled::Dropped { reason } => {
                    let sql = "UPDATE deliveries SET state = 'dropped', error = ?2, ended_at = ?3 WHERE id = ?1";
                    connection.prepare_cached(sql)?.execute(params![id.0, reason, now])?;
                    let_payload_go(connection, entry, now)?;
                }
                Settled::Failed { error } => {
                    let sql = "UPDATE deliveries SET state = 'failed', error = ?2, ended_at = ?3 WHERE id = ?1";
                    connection.prepare_cached(sql)?.execute(params![id.0, error, now])?;
                }
                Settled::Kept | Settled::NotTried => take_back(connection, id)?,
            }
        }
        Ok(())
    }
}

enum Act {
    Retry,
    Drop,
}

/// What a person does to the queue by hand.
struct ByHand {
    ids: Option<Vec<DeliveryId>>,
    now: Timestamp,
    act: Act,
}

impl Request for ByHand {
    type Reply = Vec<DeliveryId>;

    fn apply(self, connection: &Connection) -> Result<Vec<DeliveryId>, rusqlite::Error> {
        let now = seconds(self.now);
        let open = "state IN ('pending', 'held', 'failed')";
        // What is held waits for a word on itself: to retry all else is none.
        let which = if matches!(self.act, Act::Retry) { "state IN ('pending', 'failed')" } else { open };
        let mut all = connection.prepare(&format!("SELECT id FROM deliveries WHERE {which} ORDER BY id"))?;
        let ids: Vec<i64> = match self.ids {
            Some(ids) => ids.into_iter().map(|id| id.0).collect(),
            None => all.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?,
        };
        let sql = match self.act {
            // A lease stays: what is under way this moment is not sent a second time beside it. What went in its short form is
            // tried whole again: whoever retries by hand has changed something.
            Act::Retry => format!(
                "UPDATE deliveries SET state = 'pending', next_attempt = ?2, asked = 0, attempts = 0, failures = 0, crashes = 0, first_failure = NULL, ended_at = NULL,
                   message_id = CASE WHEN small IS NULL AND light IS NULL THEN message_id ELSE replace(replace(message_id, 's@', '@'), 'l@', '@') END,
                   small = NULL, light = NULL
                 WHERE id = ?1 AND {open} RETURNING entry, sink"
            ),
            Act::Drop => format!(
                "UPDATE deliveries SET state = 'dropped', ended_at = ?2, lease_worker = NULL, lease_until = NULL
                 WHERE id = ?1 AND {open} RETURNING entry, sink"
            ),
        };
        let mut update = connection.prepare_cached(&sql)?;
        let mut changed = Vec::new();
        for id in ids {
            let found = update.query_row(params![id, now], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)));
            let Some((entry, sink)) = found.optional()? else { continue };
            changed.push(DeliveryId(id));
            match self.act {
                Act::Retry => {
                    connection.prepare_cached("DELETE FROM sinks WHERE name = ?1")?.execute([sink])?;
                }
                Act::Drop => let_payload_go(connection, entry, now)?,
            }
        }
        Ok(changed)
    }
}
