//! Stories: one link that several feeds carry, delivered once to a sink (`once_per = "sink"`). Decided in the transaction that
//! records the entry, so that two feeds that are polled at the same moment cannot both queue it.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::feeds::FeedId;
use crate::feed::Key;

/// So long a link is one story; after that whoever carries it tells a new one.
const ONE_STORY: i64 = 30 * 86_400;
/// How many other feeds a mail names at most.
const NAMED: u32 = 20;
/// Why a delivery is not needed.
const ELSEWHERE: &str = "the same story arrived from another feed";
/// How many rows one cleaning takes at most.
const CLEAN_AT_ONCE: i64 = 2_000;

/// What is to become of an entry whose story other feeds may carry too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Story {
    /// The sink has it, from another feed: there is nothing to deliver.
    Told,
    /// It is queued under this key, and goes.
    Queued(Key),
    /// It is queued under this key behind another feed's entry, and waits for what becomes of that one: if it arrives, this one
    /// is not needed; if it never does, this one goes.
    Waits(Key),
    /// The link tells no story.
    None,
}

/// Says what is to become of an entry, and joins its feed to those that carry the story.
pub(super) fn story(
    connection: &Connection,
    sink: &str,
    link: Key,
    feed: FeedId,
    entry: i64,
    now: i64,
) -> Result<Story, rusqlite::Error> {
    if !tells_one_story(connection, feed, link)? {
        return Ok(Story::None);
    }
    // Neither what a person took out of the queue or has yet to release, nor what can no longer go, carries anything.
    let sql = "SELECT d.entry, d.feed, d.state FROM deliveries d JOIN feeds f ON f.id = d.feed
               WHERE d.sink = ?1 AND d.story = ?2 AND d.queued_at > ?3 AND d.feed <> ?4
                 AND (d.state = 'delivered' OR (d.state = 'pending' AND f.removed_at IS NULL))
               ORDER BY d.state = 'pending', d.id LIMIT 1";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, FeedId(row.get(1)?), row.get::<_, String>(2)?));
    let carrier = connection.prepare_cached(sql)?.query_row(params![sink, link.0, now - ONE_STORY, feed.0], row).optional()?;
    let carrier = match carrier {
        Some((entry, of, state)) if tells_one_story(connection, of, link)? => Some((entry, state == "delivered")),
        Some(_) | None => None,
    };
    // A twin counts for as long as the first does: a story does not go on for ever because someone always repeats it.
    let sql = "INSERT INTO stories (sink, link, feed, entry, at) VALUES (?1, ?2, ?3, ?4, coalesce((SELECT min(at) FROM stories WHERE entry = ?4), ?5))
               ON CONFLICT (sink, link, feed) DO UPDATE SET entry = excluded.entry, at = excluded.at";
    let first = carrier.map_or(entry, |(first, _)| first);
    connection.prepare_cached(sql)?.execute(params![sink, link.0, feed.0, first, now])?;
    Ok(match carrier {
        None => Story::Queued(link),
        Some((_, false)) => Story::Waits(link),
        Some((_, true)) => Story::Told,
    })
}

/// Of one story one delivery goes at a time, in the order in which they were queued; and none before all feeds have been asked,
/// so that a mail can say where else the story is.
pub(super) const ITS_TURN: &str = "(d.story IS NULL OR (:all_asked AND NOT EXISTS
    (SELECT 1 FROM deliveries o JOIN feeds of ON of.id = o.feed
     WHERE o.sink = d.sink AND o.story = d.story AND (o.id < d.id OR o.lease_until > :now) AND o.feed <> d.feed AND o.state = 'pending'
       AND of.removed_at IS NULL)))";

/// Takes what is released out of the queue again where another feed has told its story to the sink meanwhile. Answers whether.
pub(super) fn is_told(connection: &Connection, delivery: i64, now: i64) -> Result<bool, rusqlite::Error> {
    let sql = "UPDATE deliveries AS d SET state = 'dropped', ended_at = ?2, receipt = ?3
               WHERE id = ?1 AND state = 'pending' AND story IS NOT NULL AND EXISTS
                 (SELECT 1 FROM deliveries o WHERE o.sink = d.sink AND o.story = d.story AND o.feed <> d.feed
                    AND o.state = 'delivered' AND o.queued_at > ?4)";
    Ok(connection.prepare_cached(sql)?.execute(params![delivery, now, ELSEWHERE, now - ONE_STORY])? > 0)
}

/// A story has arrived: those who waited with the same one are not needed. Answers their entries.
pub(super) fn settle(connection: &Connection, delivery: i64, now: i64) -> Result<Vec<i64>, rusqlite::Error> {
    let sql = "UPDATE deliveries SET state = 'dropped', ended_at = ?2, receipt = ?3
               WHERE state = 'pending' AND lease_worker IS NULL AND id <> ?1
                 AND (sink, story) = (SELECT sink, story FROM deliveries WHERE id = ?1 AND story IS NOT NULL)
                 AND feed <> (SELECT feed FROM deliveries WHERE id = ?1) RETURNING entry";
    connection.prepare_cached(sql)?.query_map(params![delivery, now, ELSEWHERE], |row| row.get(0))?.collect()
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
