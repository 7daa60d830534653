//! Reading the database without writing to it: what `status`, `queue` and `list` show, also while a run is under way.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::entries::{known, unpack};
use super::feeds::{FeedId, History, Remembered, Subscribed, history_of, matches, remembered};
use super::hosts::{HostPace, pace_of, paces};
use super::notices;
use super::runs::RunTotals;
use super::sinks::{Rest, rest};
use super::{StoreError, open, time};
use crate::delivery::{DeliveryId, EAGER_ATTEMPTS, State};
use crate::feed::Key;
use crate::feed::diff::Known;
use crate::trouble::Trouble;

/// A handle to the database for those who only read.
#[derive(Debug)]
pub struct View(Connection);

/// How a feed fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedStatus {
    /// Its title, as last read.
    pub title: Option<String>,
    /// When it was last asked.
    pub last_attempt: Option<Timestamp>,
    /// When it last answered well.
    pub last_success: Option<Timestamp>,
    /// When it is asked next.
    pub next_poll: Timestamp,
    /// The rule that set that.
    pub because: Option<String>,
    /// How many requests in a row have failed.
    pub failures: u32,
    /// Since when.
    pub failing_since: Option<Timestamp>,
    /// What happened last, where it failed.
    pub error: Option<String>,
    /// What sort of failure that is.
    pub trouble: Option<Trouble>,
    /// What its program wrote to standard error the last time.
    pub said: Option<String>,
    /// The last HTTP status.
    pub status: Option<u16>,
    /// How large the last document was, where the last answer was one.
    pub bytes: Option<u64>,
    /// The last answer was the document we have.
    pub unchanged: bool,
    /// What the next request is compared by, as far as it is text: `ETag` and `Last-Modified`.
    pub validators: [Option<String>; 2],
    /// Where a permanent redirect led.
    pub moved_to: Option<String>,
    /// Until when the publisher asked to be left alone, for this feed or for the whole host.
    pub left_alone_until: Option<Timestamp>,
    /// Since when the publisher says that it is gone.
    pub gone_at: Option<Timestamp>,
    /// How many of its deliveries wait for a person's word.
    pub held: u64,
    /// Since when some do.
    pub held_since: Option<Timestamp>,
    /// Why the latest of them do.
    pub held_because: Option<String>,
    /// The host whose pace left it no turn, since it was asked last.
    pub waits_at: Option<String>,
    /// When that host's next turn is.
    pub next_turn: Option<Timestamp>,
}

/// A delivery that has not ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueItem {
    /// The delivery.
    pub id: DeliveryId,
    /// Its feed's name.
    pub feed: String,
    /// Whether the feed is still in the configuration.
    pub feed_removed: bool,
    /// The entry's title.
    pub title: Option<String>,
    /// The entry's page.
    pub url: Option<String>,
    /// The sink's name.
    pub sink: String,
    /// Where it stands.
    pub state: State,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next by a run that stays, where it will be.
    pub next_attempt: Option<Timestamp>,
    /// A new run tries it whatever that time.
    pub next_run: bool,
    /// Why it is still here: its own last failure, else its sink's.
    pub error: Option<String>,
    /// The id it travels under.
    pub message_id: String,
}

/// How many deliveries have not ended well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueLength {
    /// To be delivered.
    pub pending: u64,
    /// Given up.
    pub failed: u64,
    /// Waiting for a person's word.
    pub held: u64,
}

/// The last run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastRun {
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it goes on, or where it was killed.
    pub ended_at: Option<Timestamp>,
    /// What it did.
    pub totals: RunTotals,
}

impl View {
    /// Opens the database at `path`. `None` where there is none yet.
    ///
    /// # Errors
    /// When it cannot be read, or is of another version.
    pub fn open(path: &Path) -> Result<Option<Self>, StoreError> {
        match open::for_reading(path) {
            Ok(connection) => Ok(Some(Self(connection))),
            Err(StoreError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How each of the feeds fares, in their order; `None` for one that was never asked.
    pub fn feeds(&self, subscribed: &[Subscribed]) -> Result<Vec<Option<FeedStatus>>, StoreError> {
        let ids = self.ids(subscribed)?;
        ids.into_iter().map(|id| id.map(|id| self.feed(id.0)).transpose()).collect()
    }

    /// Which history belongs to which of the feeds, in their order.
    pub fn ids(&self, subscribed: &[Subscribed]) -> Result<Vec<Option<FeedId>>, StoreError> {
        let mut select = self.0.prepare(
            "SELECT id, name, url, removed_at IS NOT NULL FROM feeds WHERE url <> ?1 ORDER BY removed_at IS NOT NULL, id",
        )?;
        let rows: Vec<Remembered> = select.query_map([notices::URL], remembered)?.collect::<Result<_, _>>()?;
        Ok(matches(subscribed, &rows, true).into_iter().map(|row| row.map(|row| FeedId(row.id))).collect())
    }

    /// What is known about one feed's fetching.
    pub fn history(&self, feed: FeedId) -> Result<History, StoreError> {
        Ok(history_of(&self.0, feed)?)
    }

    /// What memory holds under these keys of the feed.
    pub fn known(&self, feed: FeedId, keys: &[Key]) -> Result<Known, StoreError> {
        Ok(known(&self.0, feed, keys)?)
    }

    fn feed(&self, id: i64) -> Result<FeedStatus, StoreError> {
        let sql = "SELECT title, last_attempt, last_success, next_poll, because, failures, failing_since, error, status, moved_to, gone_at,
                     CASE WHEN asked THEN not_before END,
                     (SELECT count(*) FROM deliveries d WHERE d.feed = feeds.id AND d.state = 'held'),
                     (SELECT min(queued_at) FROM deliveries d WHERE d.feed = feeds.id AND d.state = 'held'),
                     (SELECT error FROM deliveries d WHERE d.feed = feeds.id AND d.state = 'held' ORDER BY id DESC LIMIT 1), trouble, said,
                     bytes, unchanged, etag, last_modified, host, waits_at
                   FROM feeds WHERE id = ?1";
        let when = |row: &Row<'_>, column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(time));
        let text = |row: &Row<'_>, column| {
            let bytes: Option<Vec<u8>> = row.get(column)?;
            Ok::<_, rusqlite::Error>(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        let (mut status, host) = self.0.prepare_cached(sql)?.query_row([id], |row| {
            let status = FeedStatus {
                title: row.get(0)?,
                last_attempt: when(row, 1)?,
                last_success: when(row, 2)?,
                next_poll: time(row.get(3)?),
                because: row.get(4)?,
                failures: row.get(5)?,
                failing_since: when(row, 6)?,
                error: row.get(7)?,
                status: row.get(8)?,
                moved_to: row.get(9)?,
                gone_at: when(row, 10)?,
                left_alone_until: when(row, 11)?,
                held: u64::try_from(row.get::<_, i64>(12)?).unwrap_or_default(),
                held_since: when(row, 13)?,
                held_because: row.get(14)?,
                trouble: row.get::<_, Option<String>>(15)?.as_deref().and_then(Trouble::from_word),
                said: row.get(16)?,
                bytes: row.get::<_, Option<i64>>("bytes")?.and_then(|bytes| u64::try_from(bytes).ok()),
                unchanged: row.get("unchanged")?,
                validators: [text(row, "etag")?, text(row, "last_modified")?],
                waits_at: row.get("waits_at")?,
                next_turn: None,
            };
            Ok((status, row.get::<_, String>("host")?))
        })?;
        let pace = pace_of(&self.0, &host)?;
        status.left_alone_until = status.left_alone_until.max(pace.rests_until);
        if let Some(host) = &status.waits_at {
            status.next_turn = pace_of(&self.0, host)?.next_turn;
        }
        Ok(status)
    }

    /// What is known of the paces of hosts.
    pub fn hosts(&self) -> Result<Vec<HostPace>, StoreError> {
        Ok(paces(&self.0)?)
    }

    /// The deliveries that have not ended well, oldest first.
    pub fn queue(&self) -> Result<Vec<QueueItem>, StoreError> {
        let sql = "SELECT d.id, f.name, f.removed_at IS NOT NULL, p.version, p.body, d.sink, d.state, d.attempts, d.next_attempt, d.error,
                     d.message_id, s.rest_until, s.error,
                     coalesce(s.asked, 0) = 0 AND ((d.failures = 0 AND d.revision = 0) OR (d.asked = 0 AND d.failures BETWEEN 1 AND ?1))
                   FROM deliveries d JOIN feeds f ON f.id = d.feed LEFT JOIN payloads p ON p.entry = d.entry LEFT JOIN sinks s ON s.name = d.sink
                   WHERE d.state IN ('pending', 'held', 'failed') ORDER BY d.id";
        let mut select = self.0.prepare(sql)?;
        let items = select.query_map([EAGER_ATTEMPTS], |row| {
            let payload = row.get::<_, Option<i64>>(3)?.zip(row.get::<_, Option<Vec<u8>>>(4)?);
            let entry = payload.and_then(|(version, body)| unpack(version, &body));
            let state = State::from_word(&row.get::<_, String>(6)?).unwrap_or(State::Pending);
            let rest_until: Option<i64> = row.get(11)?;
            let next = row.get::<_, i64>(8)?.max(rest_until.unwrap_or(i64::MIN));
            let own: Option<String> = row.get(9)?;
            Ok(QueueItem {
                id: DeliveryId(row.get(0)?),
                feed: row.get(1)?,
                feed_removed: row.get(2)?,
                title: entry.as_ref().and_then(|entry| entry.title.clone()),
                url: entry.as_ref().and_then(|entry| entry.link().map(str::to_owned)),
                sink: row.get(5)?,
                state,
                attempts: row.get(7)?,
                next_attempt: (state == State::Pending).then(|| time(next)),
                next_run: state == State::Pending && row.get(13)?,
                error: if state == State::Pending { own.or(row.get(12)?) } else { own },
                message_id: row.get(10)?,
            })
        })?;
        Ok(items.collect::<Result<_, _>>()?)
    }

    /// The deliveries of a feed that have not ended well, oldest first.
    pub fn open_of(&self, feed: FeedId) -> Result<Vec<DeliveryId>, StoreError> {
        let sql = "SELECT id FROM deliveries WHERE feed = ?1 AND state IN ('pending', 'held', 'failed') ORDER BY id";
        let mut select = self.0.prepare(sql)?;
        let ids = select.query_map([feed.0], |row| row.get(0).map(DeliveryId))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// How long the queue is.
    pub fn queue_length(&self) -> Result<QueueLength, StoreError> {
        let sql = "SELECT state, count(*) FROM deliveries WHERE state IN ('pending', 'held', 'failed') GROUP BY state";
        let mut select = self.0.prepare(sql)?;
        let mut rows = select.query([])?;
        let mut length = QueueLength::default();
        while let Some(row) = rows.next()? {
            let count = u64::try_from(row.get::<_, i64>(1)?).unwrap_or_default();
            match State::from_word(&row.get::<_, String>(0)?) {
                Some(State::Pending) => length.pending = count,
                Some(State::Failed) => length.failed = count,
                Some(State::Held) => length.held = count,
                Some(State::Delivered | State::Dropped) | None => {}
            }
        }
        Ok(length)
    }

    /// The last runs, the latest first.
    pub fn last_runs(&self, most: u32) -> Result<Vec<LastRun>, StoreError> {
        let sql = "SELECT started_at, ended_at, polled, failed, entries, delivered, retried, rejected FROM runs ORDER BY id DESC LIMIT ?1";
        let count =
            |row: &Row<'_>, column| Ok::<_, rusqlite::Error>(u64::try_from(row.get::<_, i64>(column)?).unwrap_or_default());
        let mut select = self.0.prepare(sql)?;
        let runs = select.query_map([most], |row| {
            Ok(LastRun {
                started_at: time(row.get(0)?),
                ended_at: row.get::<_, Option<i64>>(1)?.map(time),
                totals: RunTotals {
                    polled: count(row, 2)?,
                    failed: count(row, 3)?,
                    entries: count(row, 4)?,
                    delivered: count(row, 5)?,
                    retried: count(row, 6)?,
                    rejected: count(row, 7)?,
                },
            })
        })?;
        Ok(runs.collect::<Result<_, _>>()?)
    }

    /// The sinks that rest, and those with deliveries that failed before: each with its last trouble.
    pub fn troubled(&self) -> Result<Vec<(String, Rest)>, StoreError> {
        let sql = "SELECT rest_until, asked, failures, since, error, name FROM sinks
                   WHERE EXISTS (SELECT 1 FROM deliveries WHERE sink = name AND state = 'pending')
                   UNION ALL
                   SELECT min(next_attempt), min(asked OR failures > ?1), max(attempts), min(first_failure), error, sink FROM deliveries
                   WHERE state = 'pending' AND error IS NOT NULL AND first_failure IS NOT NULL AND sink NOT IN (SELECT name FROM sinks)
                   GROUP BY sink ORDER BY 6";
        let mut select = self.0.prepare(sql)?;
        let rows = select.query_map([EAGER_ATTEMPTS], |row| Ok((row.get(5)?, rest(row)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether the file is sound: what SQLite finds wrong with it, nothing where all is well.
    pub fn damage(&self) -> Result<Vec<String>, StoreError> {
        let mut select = self.0.prepare("PRAGMA integrity_check(20)")?;
        let found: Vec<String> = select.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut found: Vec<String> = found.into_iter().filter(|line| line != "ok").collect();
        let mut select = self.0.prepare("PRAGMA foreign_key_check")?;
        let orphans: Vec<String> = select.query_map([], |row| row.get(0))?.take(20).collect::<Result<_, _>>()?;
        found.extend(orphans.into_iter().map(|table| format!("a row of `{table}` names what is not there")));
        Ok(found)
    }
}
