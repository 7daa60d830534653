//! The queue: claiming deliveries for a sink, and writing down what became of them.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, named_params, params};

use super::entries::unpack;
use super::feeds::FeedId;
use super::runs::{RunId, let_payload_go};
use super::writer::Request;
use super::{Store, StoreError, seconds, time};
use crate::delivery::{DeliveryId, EAGER_ATTEMPTS, MessageId};
use crate::feed::Entry;

/// A delivery that is ours until its lease ends.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The delivery.
    pub id: DeliveryId,
    /// Its feed.
    pub feed: FeedId,
    /// The feed's title, as last read.
    pub feed_title: Option<String>,
    /// The feed's page, as last read.
    pub feed_link: Option<String>,
    /// The feed's language, as last read.
    pub feed_language: Option<String>,
    /// The entry; `None` where its payload cannot be read any more.
    pub entry: Option<Entry>,
    /// When the entry was first seen.
    pub first_seen: Timestamp,
    /// The id it travels under.
    pub message_id: MessageId,
    /// How often it was tried before.
    pub attempts: u32,
    /// When it first failed by itself.
    pub first_failure: Option<Timestamp>,
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
    /// Claims up to `most` deliveries of a sink that are due, oldest first. A new run also takes up those whose wait was our own
    /// guess, for the first few attempts.
    pub async fn claim_deliveries(
        &self,
        sink: String,
        worker: RunId,
        now: Timestamp,
        until: Timestamp,
        most: u32,
        eager: bool,
    ) -> Result<Vec<Claimed>, StoreError> {
        self.ask(Claim { sink, worker, now, until, most, eager }).await
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

struct Claim {
    sink: String,
    worker: RunId,
    now: Timestamp,
    until: Timestamp,
    most: u32,
    eager: bool,
}

impl Request for Claim {
    type Reply = Vec<Claimed>;

    fn apply(self, connection: &Connection) -> Result<Vec<Claimed>, rusqlite::Error> {
        let sql = "SELECT d.id, d.feed, f.title, f.link, f.language, p.version, p.body, e.first_seen, d.message_id, d.attempts, d.first_failure
                   FROM deliveries d JOIN entries e ON e.id = d.entry JOIN feeds f ON f.id = d.feed LEFT JOIN payloads p ON p.entry = d.entry
                   WHERE d.state = 'pending' AND d.sink = :sink AND f.removed_at IS NULL
                     AND (d.lease_worker IS NULL OR d.lease_until <= :now)
                     AND (d.next_attempt <= :now
                          OR (:eager AND d.asked = 0 AND d.attempts BETWEEN 1 AND :eager_attempts AND d.last_run IS NOT :worker))
                   ORDER BY d.id LIMIT :most";
        let mut select = connection.prepare_cached(sql)?;
        let values = named_params! {
            ":sink": self.sink, ":worker": self.worker.0, ":now": seconds(self.now), ":eager": self.eager,
            ":eager_attempts": EAGER_ATTEMPTS, ":most": self.most,
        };
        let claimed: Vec<Claimed> = select
            .query_map(values, |row| {
                let version: Option<i64> = row.get(5)?;
                let body: Option<Vec<u8>> = row.get(6)?;
                Ok(Claimed {
                    id: DeliveryId(row.get(0)?),
                    feed: FeedId(row.get(1)?),
                    feed_title: row.get(2)?,
                    feed_link: row.get(3)?,
                    feed_language: row.get(4)?,
                    entry: version.zip(body).and_then(|(version, body)| unpack(version, &body)),
                    first_seen: time(row.get(7)?),
                    message_id: MessageId::from_stored(row.get(8)?),
                    attempts: row.get(9)?,
                    first_failure: row.get::<_, Option<i64>>(10)?.map(time),
                })
            })?
            .collect::<Result<_, _>>()?;
        let mut lease = connection.prepare_cached("UPDATE deliveries SET lease_worker = ?2, lease_until = ?3 WHERE id = ?1")?;
        for delivery in &claimed {
            lease.execute(params![delivery.id.0, self.worker.0, seconds(self.until)])?;
        }
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
            let sql = "UPDATE deliveries SET lease_worker = NULL, lease_until = NULL, attempts = attempts + ?3,
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
                }
                Settled::Again { next_attempt, asked, error } => {
                    let sql = "UPDATE deliveries SET next_attempt = ?2, asked = ?3, error = ?4, first_failure = coalesce(first_failure, ?5)
                               WHERE id = ?1";
                    connection.prepare_cached(sql)?.execute(params![id.0, seconds(next_attempt), asked, error, now])?;
                }
                Settled::Failed { error } => {
                    let sql = "UPDATE deliveries SET state = 'failed', error = ?2, ended_at = ?3 WHERE id = ?1";
                    connection.prepare_cached(sql)?.execute(params![id.0, error, now])?;
                }
                Settled::Kept | Settled::NotTried => {}
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
            // A lease stays: what is under way this moment is not sent a second time beside it.
            Act::Retry => format!(
                "UPDATE deliveries SET state = 'pending', next_attempt = ?2, asked = 0, attempts = 0, first_failure = NULL, ended_at = NULL
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
