//! What a notice tells: which feeds cannot be read and were not told of yet, and which can be read again. The notice itself is
//! an entry of a feed that no configuration has, so that it goes through the same queue as everything else.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::entries::{NewEntry, insert};
use super::feeds::FeedId;
use super::writer::Request;
use super::{Store, StoreError, seconds, time};
use crate::trouble::Trouble;

/// The address of the notices' own feed; no configuration can have it.
pub(super) const URL: &str = "feeds:notices";

/// A feed that a notice may have to tell of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwell {
    /// The feed.
    pub feed: FeedId,
    /// Its name.
    pub name: String,
    /// Its title, as last read.
    pub title: Option<String>,
    /// Its address as configured, secrets included.
    pub url: String,
    /// When it last answered well.
    pub last_success: Option<Timestamp>,
    /// How it stands.
    pub told: Told,
}

/// What a notice would tell of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It cannot be read, and no notice has said so.
    Failing {
        /// What sort of failure the last one was.
        trouble: Trouble,
        /// What happened last, in words.
        error: String,
        /// How many requests in a row have failed.
        failures: u32,
        /// Since when.
        since: Option<Timestamp>,
        /// When it is asked next.
        next_poll: Timestamp,
    },
    /// A notice said that it cannot be read, and now it can.
    Recovered {
        /// When the notice said so.
        at: Timestamp,
    },
}

/// A notice, to be queued.
#[derive(Debug, Clone)]
pub struct Notice {
    /// The feeds that it says cannot be read.
    pub failing: Vec<FeedId>,
    /// Those that it says can be read again.
    pub recovered: Vec<FeedId>,
    /// What it says, and where it goes.
    pub entry: NewEntry,
}

impl Store {
    /// The number of the notices' own feed, made where that is wanted; `None` where it never was.
    pub async fn notices(&self, wanted: bool) -> Result<Option<FeedId>, StoreError> {
        let find = |connection: &Connection| {
            connection.query_row("SELECT id FROM feeds WHERE url = ?1", [URL], |row| row.get(0).map(FeedId)).optional()
        };
        match self.read(find).await? {
            None if wanted => self.ask(MakeFeed).await.map(Some),
            found => Ok(found),
        }
    }

    /// The feeds of the configuration that fail and were not told of, and those that were told of and fail no more.
    pub async fn unwell(&self) -> Result<Vec<Unwell>, StoreError> {
        self.read(unwell).await
    }

    /// Queues a notice, and writes down what it tells of: both or neither.
    pub async fn tell(&self, notices: FeedId, notice: Notice, now: Timestamp) -> Result<(), StoreError> {
        self.ask(Tell { notices, notice, now }).await
    }

    /// Keeps what a feed's program wrote to its standard error, in place of what it wrote before.
    pub async fn keep_said(&self, feed: FeedId, said: Option<String>) -> Result<(), StoreError> {
        self.ask(KeepSaid { feed, said }).await
    }
}

struct MakeFeed;

impl Request for MakeFeed {
    type Reply = FeedId;

    fn apply(self, connection: &Connection) -> Result<FeedId, rusqlite::Error> {
        let sql = "INSERT INTO feeds (name, url, host, active, title) VALUES ('feeds-notices', ?1, ?1, 0, 'feeds')";
        connection.prepare_cached(sql)?.execute([URL])?;
        Ok(FeedId(connection.last_insert_rowid()))
    }
}

fn unwell(connection: &Connection) -> Result<Vec<Unwell>, rusqlite::Error> {
    let sql = "SELECT id, name, title, url, last_success, trouble, error, failures, failing_since, next_poll, told_at FROM feeds
               WHERE active = 1 AND removed_at IS NULL
                 AND ((failures > 0 AND told_at IS NULL) OR (failures = 0 AND last_success >= told_at)) ORDER BY name";
    let mut select = connection.prepare_cached(sql)?;
    let rows = select.query_map([], |row| {
        let told_at: Option<i64> = row.get(10)?;
        let trouble: Option<String> = row.get(5)?;
        let told = match told_at {
            Some(at) => Told::Recovered { at: time(at) },
            None => Told::Failing {
                trouble: trouble.as_deref().and_then(Trouble::from_word).unwrap_or(Trouble::Other),
                error: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
                failures: row.get(7)?,
                since: row.get::<_, Option<i64>>(8)?.map(time),
                next_poll: time(row.get(9)?),
            },
        };
        Ok(Unwell {
            feed: FeedId(row.get(0)?),
            name: row.get(1)?,
            title: row.get(2)?,
            url: row.get(3)?,
            last_success: row.get::<_, Option<i64>>(4)?.map(time),
            told,
        })
    })?;
    rows.collect()
}

struct Tell {
    notices: FeedId,
    notice: Notice,
    now: Timestamp,
}

impl Request for Tell {
    type Reply = ();

    fn apply(self, connection: &Connection) -> Result<(), rusqlite::Error> {
        let now = seconds(self.now);
        let mut mark = connection.prepare_cached("UPDATE feeds SET told_at = ?2 WHERE id = ?1")?;
        for feed in &self.notice.failing {
            mark.execute(params![feed.0, now])?;
        }
        for feed in &self.notice.recovered {
            mark.execute(params![feed.0, None::<i64>])?;
        }
        insert(connection, self.notices, &self.notice.entry, now)?;
        Ok(())
    }
}

struct KeepSaid {
    feed: FeedId,
    said: Option<String>,
}

impl Request for KeepSaid {
    type Reply = ();

    fn apply(self, connection: &Connection) -> Result<(), rusqlite::Error> {
        connection.prepare_cached("UPDATE feeds SET said = ?2 WHERE id = ?1")?.execute(params![self.feed.0, self.said])?;
        Ok(())
    }
}
