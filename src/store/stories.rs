//! Stories: one link that several feeds carry, delivered once to a sink (`once_per = "sink"`). Decided in the transaction that
//! records the entry, so that two feeds that are polled at the same moment cannot both queue it.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::feeds::FeedId;
use crate::feed::Key;

/// So long a link is one story; after that whoever carries it tells a new one.
const ONE_STORY: i64 = 30 * 86_400;
/// How many other feeds a mail names at most.
const NAMED: u32 = 20;
/// How many rows one cleaning takes at most.
const CLEAN_AT_ONCE: i64 = 2_000;

/// Whether another feed's entry carries this story to the sink already; that feed is joined by this one then. Otherwise the
/// entry is to be delivered, and carries the story from now on.
pub(super) fn is_carried(
    connection: &Connection,
    sink: &str,
    link: Key,
    feed: FeedId,
    entry: i64,
    now: i64,
) -> Result<bool, rusqlite::Error> {
    if !tells_one_story(connection, feed, link)? {
        return Ok(false);
    }
    // Neither what a person took out of the queue or has yet to release, nor what can no longer go, carries anything.
    let sql = "SELECT s.entry, d.feed FROM stories s JOIN deliveries d ON d.entry = s.entry AND d.sink = s.sink JOIN feeds f ON f.id = d.feed
               WHERE s.sink = ?1 AND s.link = ?2 AND s.at > ?3 AND d.feed <> ?4
                 AND (d.state = 'delivered' OR (d.state IN ('pending', 'failed') AND f.removed_at IS NULL))
               ORDER BY s.at, s.entry LIMIT 1";
    let oldest = now - ONE_STORY;
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, FeedId(row.get(1)?)));
    let carrier = connection.prepare_cached(sql)?.query_row(params![sink, link.0, oldest, feed.0], row).optional()?;
    let carrier = match carrier {
        Some((entry, of)) if tells_one_story(connection, of, link)? => Some(entry),
        Some(_) | None => None,
    };
    // A twin counts for as long as the first does: a story does not go on for ever because someone always repeats it.
    let sql = "INSERT INTO stories (sink, link, feed, entry, at) VALUES (?1, ?2, ?3, ?4, coalesce((SELECT min(at) FROM stories WHERE entry = ?4), ?5))
               ON CONFLICT (sink, link, feed) DO UPDATE SET entry = excluded.entry, at = excluded.at";
    connection.prepare_cached(sql)?.execute(params![sink, link.0, feed.0, carrier.unwrap_or(entry), now])?;
    Ok(carrier.is_some())
}

/// A link that several entries of one feed have is its home page, or whatever; it decides nothing.
fn tells_one_story(connection: &Connection, feed: FeedId, link: Key) -> Result<bool, rusqlite::Error> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM keys WHERE feed = ?1 AND key = ?2 LIMIT 2)";
    connection.prepare_cached(sql)?.query_row(params![feed.0, link.0], |row| row.get::<_, i64>(0)).map(|count| count < 2)
}

/// The names of the other feeds that carry the story of this entry, as far as is known by now.
pub(super) fn also_in(connection: &Connection, entry: i64, sink: &str, feed: FeedId) -> Result<Vec<String>, rusqlite::Error> {
    let sql = "SELECT DISTINCT f.name FROM stories s JOIN feeds f ON f.id = s.feed
               WHERE s.entry = ?1 AND s.sink = ?2 AND s.feed <> ?3 AND f.removed_at IS NULL ORDER BY f.name LIMIT ?4";
    let mut select = connection.prepare_cached(sql)?;
    select.query_map(params![entry, sink, feed.0, NAMED], |row| row.get(0))?.collect()
}

/// Forgets stories that are over, bounded.
pub(super) fn clean(connection: &Connection, now: i64) -> Result<(), rusqlite::Error> {
    let sql = "DELETE FROM stories WHERE (sink, link, feed) IN (SELECT sink, link, feed FROM stories WHERE at <= ?1 LIMIT ?2)";
    connection.execute(sql, params![now - ONE_STORY, CLEAN_AT_ONCE])?;
    Ok(())
}
