//! The history of feeds and hosts: matching the configuration to it, and claiming the hosts whose feeds are due.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, Row, named_params, params};

use super::habits::{habits, put_off};
use super::hosts::Unasked;
use super::notices;
use super::runs::RunId;
use super::writer::Request;
use super::{Store, StoreError, seconds, time};
use crate::net::http::ACCEPTED_CODINGS;
use crate::schedule::{BEYOND, FURTHEST, Habits, SET_BACK, is_skipped};
use crate::trouble::Trouble;

/// A feed's number in the database, opaque to everyone else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FeedId(pub i64);

/// A feed as the configuration has it, for matching it to its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribed {
    /// Its name.
    pub name: String,
    /// Its URL as configured.
    pub url: String,
    /// Whose pace it keeps.
    pub host: String,
    /// Its interval in seconds, where the user set one.
    pub interval: Option<i64>,
    /// Whether it is polled at all.
    pub paused: bool,
}

/// What a publisher gave to ask again with, and the URL it goes back to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`, byte for byte.
    pub etag: Option<Vec<u8>>,
    /// `Last-Modified`, byte for byte.
    pub last_modified: Option<Vec<u8>>,
    /// The URL whose answer gave them.
    pub url: String,
    /// As whom it was asked: `fetch::Validators` says how.
    pub asked_as: Option<u32>,
}

/// What is known about a feed's fetching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The feed.
    pub feed: FeedId,
    /// What to ask with, where a document was recorded.
    pub validators: Option<Validators>,
    /// The hash of the last document.
    pub document_hash: Option<Vec<u8>>,
    /// Where a permanent redirect led.
    pub moved_to: Option<String>,
    /// Whether a document was ever recorded.
    pub ever_read: bool,
    /// When it last answered well.
    pub last_success: Option<Timestamp>,
    /// How many of its entries are remembered.
    pub remembered: u64,
    /// The date of the newest of its entries that was not held: what is dated later is really new.
    pub newest: Option<Timestamp>,
    /// Whether deliveries of it wait for a person's word.
    pub holds: bool,
    /// How many requests in a row have failed.
    pub failures: u32,
    /// Since when.
    pub failing_since: Option<Timestamp>,
    /// What sort of failure the last one was.
    pub trouble: Option<Trouble>,
    /// When it was last asked.
    pub last_attempt: Option<Timestamp>,
    /// The last HTTP status.
    pub status: Option<u16>,
    /// What it is known to do, as far as the next poll depends on it.
    pub habits: Habits,
    /// How many polls were recorded: `record` is told, so that two at once cannot both count an entry as new.
    pub polls: i64,
}

/// A host, claimed until a time, with its feeds that are due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostClaim {
    /// The host.
    pub host: String,
    /// Its due feeds, those that have waited longest first.
    pub feeds: Vec<History>,
}

/// Which hosts to claim.
#[derive(Debug, Clone)]
pub struct ClaimHosts {
    /// By which run.
    pub worker: RunId,
    /// The time.
    pub now: Timestamp,
    /// How many at most.
    pub most: usize,
    /// Until when.
    pub until: Timestamp,
    /// How long a host's turn may be off: whose is later is left for another run.
    pub patience: Duration,
    /// Whatever the interval and the cache lifetime say; never before a publisher's Retry-After.
    pub force: bool,
    /// Among these feeds.
    pub among: Arc<HashSet<FeedId>>,
}

impl Store {
    /// Matches the configuration to history: by URL and name, else by URL, else by name. A feed that is new gets a row, one
    /// that is gone from the configuration keeps its own. Answers in the order of `feeds`.
    pub async fn sync(&self, feeds: Vec<Subscribed>, now: Timestamp) -> Result<Vec<FeedId>, StoreError> {
        self.ask(Sync { feeds, now, all: true }).await
    }

    /// The same for one feed, leaving all others as they are.
    pub async fn sync_one(&self, feed: Subscribed, now: Timestamp) -> Result<FeedId, StoreError> {
        let ids = self.ask(Sync { feeds: vec![feed], now, all: false }).await?;
        ids.first().copied().ok_or(StoreError::Stopped)
    }

    /// Claims hosts that have feeds due, each until a time. A host that asked to be left alone is not among them.
    pub async fn claim_hosts(&self, claim: ClaimHosts) -> Result<Vec<HostClaim>, StoreError> {
        self.ask(claim).await
    }

    /// What is known about one feed.
    pub async fn history(&self, feed: FeedId) -> Result<History, StoreError> {
        self.read(move |connection| history_of(connection, feed)).await
    }
}

struct Sync {
    feeds: Vec<Subscribed>,
    now: Timestamp,
    all: bool,
}

/// A row of history, as far as matching goes.
pub(super) struct Remembered {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) url: String,
    pub(super) removed: bool,
}

impl Request for Sync {
    type Reply = Vec<FeedId>;

    fn apply(self, connection: &Connection) -> Result<Vec<FeedId>, rusqlite::Error> {
        let mut select = connection.prepare(
            "SELECT id, name, url, removed_at IS NOT NULL FROM feeds WHERE url <> ?1 ORDER BY removed_at IS NOT NULL, id",
        )?;
        let rows: Vec<Remembered> = select.query_map([notices::URL], remembered)?.collect::<Result<_, _>>()?;
        let matched = matches(&self.feeds, &rows, self.all);
        let mut ids = Vec::with_capacity(self.feeds.len());
        for (feed, found) in self.feeds.iter().zip(matched) {
            let id = match found {
                Some(row) => update(connection, feed, row, self.now)?,
                None => insert(connection, feed)?,
            };
            ids.push(FeedId(id));
        }
        if self.all {
            let kept: HashSet<i64> = ids.iter().map(|id| id.0).collect();
            let mut remove =
                connection.prepare("UPDATE feeds SET active = 0, removed_at = ?2 WHERE id = ?1 AND removed_at IS NULL")?;
            for row in rows.iter().filter(|row| !kept.contains(&row.id)) {
                remove.execute(params![row.id, seconds(self.now)])?;
            }
        }
        Ok(ids)
    }
}

/// One row of [`Sync`]'s select, and of a view's.
pub(super) fn remembered(row: &Row<'_>) -> Result<Remembered, rusqlite::Error> {
    Ok(Remembered { id: row.get(0)?, name: row.get(1)?, url: row.get(2)?, removed: row.get(3)? })
}

/// Which row is the history of which feed. No row is given twice. A name alone says little: a feed that was removed and another
/// one under its name have nothing in common; and where only one feed is matched, the row may be another feed's.
pub(super) fn matches<'a>(feeds: &[Subscribed], rows: &'a [Remembered], by_name: bool) -> Vec<Option<&'a Remembered>> {
    let mut by_both: HashMap<(&str, &str), usize> = HashMap::new();
    let mut by_url: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut of_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, row) in rows.iter().enumerate() {
        by_both.entry((row.url.as_str(), row.name.as_str())).or_insert(place);
        by_url.entry(row.url.as_str()).or_default().push(place);
        if !row.removed {
            of_name.entry(row.name.as_str()).or_default().push(place);
        }
    }
    let mut taken = HashSet::new();
    let mut found: Vec<Option<usize>> = vec![None; feeds.len()];
    let mut pass = |candidates: &dyn Fn(&Subscribed) -> Vec<usize>| {
        for (feed, slot) in feeds.iter().zip(found.iter_mut()).filter(|(_, slot)| slot.is_none()) {
            *slot = candidates(feed).into_iter().find(|place| taken.insert(*place));
        }
    };
    pass(&|feed| by_both.get(&(feed.url.as_str(), feed.name.as_str())).copied().into_iter().collect());
    pass(&|feed| by_url.get(feed.url.as_str()).cloned().unwrap_or_default());
    if by_name {
        pass(&|feed| of_name.get(feed.name.as_str()).cloned().unwrap_or_default());
    }
    found.into_iter().map(|place| place.and_then(|place| rows.get(place))).collect()
}

fn insert(connection: &Connection, feed: &Subscribed) -> Result<i64, rusqlite::Error> {
    let sql = "INSERT INTO feeds (name, url, host, active, interval) VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.prepare_cached(sql)?.execute(params![feed.name, feed.url, feed.host, !feed.paused, feed.interval])?;
    Ok(connection.last_insert_rowid())
}

fn update(connection: &Connection, feed: &Subscribed, row: &Remembered, now: Timestamp) -> Result<i64, rusqlite::Error> {
    // An interval that was changed counts from the last request; what the publisher named stays. Where
    // none is set any more, a day is not too early for what the feed's habits ask for.
    let sql =
        "UPDATE feeds SET name = :name, url = :url, host = :host, active = :active, removed_at = NULL, interval = :interval,
                 next_poll = CASE WHEN interval IS :interval OR failures > 0 OR last_attempt IS NULL THEN next_poll
                                  WHEN :interval IS NULL THEN min(next_poll, max(last_attempt + 86400, not_before))
                                  ELSE max(last_attempt + :interval, not_before) END
               WHERE id = :id AND (name IS NOT :name OR url IS NOT :url OR (host IS NOT :host AND moved_to IS NULL) OR active IS NOT :active
                                   OR removed_at IS NOT NULL OR interval IS NOT :interval)";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":id": row.id, ":name": feed.name, ":url": feed.url, ":host": feed.host, ":active": !feed.paused, ":interval": feed.interval,
    })?;
    if row.url != feed.url {
        // Another address: what the old one gave says nothing about it. It is asked at once.
        let sql =
            "UPDATE feeds SET etag = NULL, last_modified = NULL, validators_url = NULL, document_hash = NULL, moved_to = NULL, habits = NULL,
                     gone_at = NULL, failures = 0, failing_since = NULL, error = NULL, trouble = NULL, asked = 0, not_before = 0,
                     waits_at = NULL, next_poll = ?2
                   WHERE id = ?1";
        connection.prepare_cached(sql)?.execute(params![row.id, seconds(now)])?;
    }
    Ok(row.id)
}

const HISTORY: &str = "SELECT id, etag, last_modified, validators_url, document_hash, moved_to, last_success, failures,
                         failing_since, polls, host, last_attempt, entries, newest, status, habits, trouble, validators_for, validators_as,
                         EXISTS (SELECT 1 FROM deliveries d WHERE d.feed = feeds.id AND d.state = 'held') AS holds FROM feeds";

/// What is known about one feed.
pub(super) fn history_of(connection: &Connection, feed: FeedId) -> Result<History, rusqlite::Error> {
    connection.prepare_cached(&format!("{HISTORY} WHERE id = ?1"))?.query_row([feed.0], history)
}

fn history(row: &Row<'_>) -> Result<History, rusqlite::Error> {
    // What another set of codings was answered with says nothing about this one.
    let is_of_these_codings = row.get::<_, Option<String>>("validators_for")?.as_deref() == Some(ACCEPTED_CODINGS);
    let url: Option<String> = row.get::<_, Option<String>>(3)?.filter(|_| is_of_these_codings);
    let validators = url.map(|url| {
        let (etag, last_modified, asked_as) = (row.get(1)?, row.get(2)?, row.get("validators_as")?);
        Ok::<_, rusqlite::Error>(Validators { etag, last_modified, url, asked_as })
    });
    Ok(History {
        feed: FeedId(row.get(0)?),
        validators: validators.transpose()?,
        document_hash: row.get(4)?,
        moved_to: row.get(5)?,
        ever_read: row.get::<_, Option<i64>>(6)?.is_some(),
        last_success: row.get::<_, Option<i64>>(6)?.map(time),
        remembered: u64::try_from(row.get::<_, i64>(12)?).unwrap_or_default(),
        newest: row.get::<_, Option<i64>>(13)?.map(time),
        holds: row.get("holds")?,
        failures: row.get(7)?,
        failing_since: row.get::<_, Option<i64>>(8)?.map(time),
        trouble: row.get::<_, Option<String>>("trouble")?.as_deref().and_then(Trouble::from_word),
        polls: row.get(9)?,
        last_attempt: row.get::<_, Option<i64>>(11)?.map(time),
        status: row.get("status")?,
        habits: habits(row)?,
    })
}

impl Request for ClaimHosts {
    type Reply = Vec<HostClaim>;

    fn apply(self, connection: &Connection) -> Result<Vec<HostClaim>, rusqlite::Error> {
        let now = seconds(self.now);
        // A clock that was set back by days keeps no feed waiting for days; a publisher's wish holds as long as it can be one.
        let due = "active = 1 AND gone_at IS NULL AND last_run IS NOT :worker
                   AND (next_poll <= :now OR next_poll > :now + :beyond + coalesce(interval, 0)
                        OR (asked = 0 AND last_attempt > :now + :set_back)
                        OR (:force AND (asked = 0 OR not_before <= :now OR not_before > :now + :furthest)))
                   AND NOT EXISTS (SELECT 1 FROM hosts h WHERE h.host = feeds.host
                                   AND (h.lease_worker = :worker OR (h.lease_until > :now AND h.lease_worker IS NOT NULL)))";
        let mut select = connection.prepare_cached(&format!("{HISTORY} WHERE {due} ORDER BY next_poll, id"))?;
        let [furthest, beyond, set_back] =
            [FURTHEST, BEYOND, SET_BACK].map(|time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
        let mut rows = select.query(named_params! {
            ":worker": self.worker.0, ":now": now, ":force": self.force, ":furthest": furthest, ":beyond": beyond, ":set_back": set_back,
        })?;
        let mut skipped = Vec::new();
        let unasked = Unasked::read(connection, now, self.patience)?;
        let mut claims: Vec<HostClaim> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        while let Some(row) = rows.next()? {
            let history = history(row)?;
            if !self.among.contains(&history.feed) {
                continue;
            }
            if !self.force && is_skipped(&history.habits.hints, self.now) {
                skipped.push(history);
                continue;
            }
            let host: String = row.get(10)?;
            if let Some(claim) = places.get(&host).and_then(|place| claims.get_mut(*place)) {
                claim.feeds.push(history);
            } else if claims.len() < self.most && !unasked.holds(&host) {
                places.insert(host.clone(), claims.len());
                claims.push(HostClaim { host, feeds: vec![history] });
            }
        }
        put_off(connection, &skipped, self.now)?;
        let sql = "INSERT INTO hosts (host, lease_worker, lease_until) VALUES (?1, ?2, ?3)
                   ON CONFLICT (host) DO UPDATE SET lease_worker = excluded.lease_worker, lease_until = excluded.lease_until";
        let mut lease = connection.prepare_cached(sql)?;
        for claim in &claims {
            lease.execute(params![claim.host, self.worker.0, seconds(self.until)])?;
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(name: &str, url: &str) -> Subscribed {
        Subscribed { name: name.into(), url: url.into(), host: "h".into(), interval: Some(3600), paused: false }
    }

    fn matched(feeds: &[Subscribed], rows: &[(&str, &str)]) -> Vec<Option<i64>> {
        let rows: Vec<Remembered> = (1..)
            .zip(rows)
            .map(|(id, (name, url))| Remembered { id, name: (*name).into(), url: (*url).into(), removed: *name == "removed" })
            .collect();
        matches(feeds, &rows, true).into_iter().map(|row| row.map(|row| row.id)).collect()
    }

    #[test]
    fn a_feed_that_is_renamed_or_moved_keeps_its_history() {
        let rows = [("a", "u1"), ("b", "u2")];
        assert_eq!(matched(&[feed("a", "u1"), feed("b", "u2")], &rows), [Some(1), Some(2)]);
        assert_eq!(matched(&[feed("new-name", "u2")], &rows), [Some(2)]);
        assert_eq!(matched(&[feed("a", "moved")], &rows), [Some(1)]);
        assert_eq!(matched(&[feed("b", "u1"), feed("a", "u2")], &rows), [Some(1), Some(2)], "names swapped: the URL decides");
        assert_eq!(matched(&[feed("c", "u3")], &rows), [None]);
        assert_eq!(matched(&[feed("removed", "u4")], &[("removed", "u3")]), [None], "another feed under an old name is new");
        assert_eq!(matched(&[feed("back", "u3")], &[("removed", "u3")]), [Some(1)]);
    }
}
