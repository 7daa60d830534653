//! New versions of entries that were delivered before: queued because the entry was edited ([`Changed`], inside `record`) or
//! because a person asks for it again, and told to whoever delivers them ([`Update`]). A revision's number is the entry's, not
//! the sink's: what a reader saw of revision 3 is the same text everywhere.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, named_params, params};

use super::entries::{keep_payload, unpack};
use super::feeds::FeedId;
use super::resources::forget_made;
use super::runs::let_payload_go;
use super::writer::Request;
use super::{Store, StoreError, seconds, time};
use crate::delivery::{DeliveryId, MessageId, Updates};
use crate::feed::diff::{EntryRef, Hashes};
use crate::feed::{Entry, Uid};

/// A known entry that says something else than when it was last compared.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The entry.
    pub entry: EntryRef,
    /// What it says now.
    pub hashes: Hashes,
    /// The new version, where a reader would see the difference and wants to be told.
    pub revision: Option<Revision>,
}

/// A new version of an entry.
#[derive(Debug, Clone)]
pub struct Revision {
    /// The whole of it.
    pub content: Entry,
    /// What a reader sees of it, where that is kept to show later what changed.
    pub text: Option<String>,
    /// How it arrives.
    pub updates: Updates,
    /// The feed's sinks, each with what stands after the `@` of its Message-IDs.
    pub sinks: Vec<(String, String)>,
}

/// How a new version arrives at a sink that has an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Threaded, or in the old one's place.
    pub updates: Updates,
    /// The id under which the sink first got the entry.
    pub first: MessageId,
    /// The id under which it last got it.
    pub former: MessageId,
    /// What a reader saw of the version before, where that is still kept.
    pub before: Option<String>,
}

/// What came of asking for entries again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resent {
    /// Those that are queued, with how many sinks they go to, oldest first.
    pub queued: Vec<(Entry, usize)>,
    /// Those that wait in the queue already.
    pub waiting: Vec<Entry>,
    /// Those whose content is no longer kept.
    pub not_kept: Vec<NotKept>,
}

/// An entry of which little is known any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotKept {
    /// When it was dated.
    pub dated: Option<Timestamp>,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// The id it last travelled under, where that is still known.
    pub message_id: Option<String>,
}

/// How long what a reader saw is kept.
const KEEP_TEXTS: i64 = 90 * 86_400;
/// The least time between two revisions of an entry: a feed that edits everything at each poll sends each entry once a day.
const BETWEEN_REVISIONS: i64 = 86_400;
/// How many earlier texts of an entry are kept: a delivery that waits is at most so far behind to be marked.
const EARLIER_TEXTS: i64 = 4;

impl Store {
    /// Queues the newest `last` entries of a feed once more, as new revisions for these sinks, as far as they are kept.
    pub async fn resend(
        &self,
        feed: FeedId,
        last: u32,
        sinks: Vec<(String, String)>,
        now: Timestamp,
    ) -> Result<Resent, StoreError> {
        self.ask(Resend { feed, last, sinks, now }).await
    }

    /// Takes all that waits of a feed out of the queue. Answers how many deliveries that were.
    pub async fn drop_waiting(&self, feed: FeedId, now: Timestamp) -> Result<usize, StoreError> {
        self.ask(DropWaiting { feed, now }).await
    }
}

/// Keeps what a reader sees of a revision.
pub(super) fn keep_text(connection: &Connection, entry: i64, revision: i64, text: &str, at: i64) -> Result<(), rusqlite::Error> {
    let packed = zstd::bulk::compress(text.as_bytes(), 3);
    let body = packed.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let sql = "INSERT OR REPLACE INTO texts (entry, revision, body, kept_until) VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(sql)?.execute(params![entry, revision, body, at + KEEP_TEXTS])?;
    let sql = "DELETE FROM texts WHERE entry = ?1 AND revision < ?2";
    connection.prepare_cached(sql)?.execute(params![entry, revision - EARLIER_TEXTS])?;
    Ok(())
}

/// Where an entry's delivery to one sink stands.
struct Standing {
    sink: String,
    /// The content is not on its way: it can still be exchanged.
    is_open: bool,
    /// The sink has some version of it.
    has_one: bool,
}

/// Writes down what a known entry says now, and sees to it that its readers get the new version. A delivery that has not
/// begun takes the new content with it; a sink that has the entry gets a revision, not before a day after the last one.
pub(super) fn revise(connection: &Connection, feed: FeedId, changed: &Changed, at: i64) -> Result<(), rusqlite::Error> {
    let Changed { entry: EntryRef(entry), hashes, revision } = changed;
    let sql = "UPDATE entries SET raw_hash = ?2, text_hash = ?3 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![entry, hashes.raw, hashes.text])?;
    let Some(revision) = revision else { return Ok(()) };
    let standings = standings(connection, *entry, at)?;
    let has_it = |(sink, _): &&(String, String)| standings.iter().any(|s| s.sink == *sink && s.has_one && !s.is_open);
    let takers: Vec<&(String, String)> = revision.sinks.iter().filter(has_it).collect();
    let any_open = standings.iter().any(|standing| standing.is_open);
    if takers.is_empty() && !any_open {
        return Ok(());
    }
    keep_payload(connection, *entry, &revision.content)?;
    forget_made(connection, *entry)?;
    let last = last_revision(connection, *entry)?;
    let number = if takers.is_empty() { last } else { last + 1 };
    if let Some(text) = &revision.text {
        keep_text(connection, *entry, number, text, at)?;
    }
    let due = not_before(connection, *entry, at)?;
    let update_as = revision.updates.keeps_text().then(|| revision.updates.word());
    takers.into_iter().try_for_each(|to| queue(connection, *entry, feed, to, number, update_as, (at, due)))
}

fn standings(connection: &Connection, entry: i64, at: i64) -> Result<Vec<Standing>, rusqlite::Error> {
    // What is under way this moment leaves with the old content, so the sink will have that.
    let under_way = "(state = 'pending' AND lease_worker IS NOT NULL AND lease_until > ?2)";
    let sql = format!(
        "SELECT sink, max(state IN ('pending', 'held', 'failed') AND NOT {under_way}), max(state = 'delivered' OR {under_way})
         FROM deliveries WHERE entry = ?1 GROUP BY sink"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let standing = |row: &rusqlite::Row<'_>| Ok(Standing { sink: row.get(0)?, is_open: row.get(1)?, has_one: row.get(2)? });
    select.query_map(params![entry, at], standing)?.collect()
}

/// The number of the newest revision of an entry.
fn last_revision(connection: &Connection, entry: i64) -> Result<i64, rusqlite::Error> {
    let sql = "SELECT max(coalesce((SELECT max(revision) FROM deliveries WHERE entry = ?1), 0),
                          coalesce((SELECT max(revision) FROM texts WHERE entry = ?1), 0))";
    connection.prepare_cached(sql)?.query_row([entry], |row| row.get(0))
}

/// When a revision of the entry may leave: a day after the last one was queued. A time that lies ahead comes from a clock
/// that was wrong, and says nothing.
fn not_before(connection: &Connection, entry: i64, at: i64) -> Result<i64, rusqlite::Error> {
    let sql = "SELECT max(max(queued_at, next_attempt)) FROM deliveries
               WHERE entry = ?1 AND revision > 0 AND state <> 'dropped' AND queued_at <= ?2";
    let last: Option<i64> = connection.prepare_cached(sql)?.query_row(params![entry, at], |row| row.get(0))?;
    Ok(last.map_or(at, |last| (last + BETWEEN_REVISIONS).clamp(at, at + BETWEEN_REVISIONS)))
}

/// Queues one revision for one sink; `times`: now, and when it may leave.
fn queue(
    connection: &Connection,
    entry: i64,
    feed: FeedId,
    (sink, domain): &(String, String),
    revision: i64,
    update_as: Option<&str>,
    (now, due): (i64, i64),
) -> Result<(), rusqlite::Error> {
    let sql = "SELECT uid FROM entries WHERE id = ?1";
    let uid: Uid = connection.prepare_cached(sql)?.query_row([entry], |row| row.get(0))?;
    let message_id = MessageId::derive(&uid, sink, u32::try_from(revision).unwrap_or(u32::MAX), domain);
    let sql = "INSERT INTO deliveries (entry, feed, sink, revision, message_id, update_as, state, queued_at, next_attempt)
               VALUES (:entry, :feed, :sink, :revision, :message_id, :update_as, 'pending', :now, :due)";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":entry": entry, ":feed": feed.0, ":sink": sink, ":revision": revision, ":message_id": message_id.as_str(),
        ":update_as": update_as, ":now": now, ":due": due,
    })?;
    Ok(())
}

/// A delivery was under way when its entry was edited, so that a revision was queued, and it was not handed over after all: it
/// has the new content already, and the revision would say the same again.
pub(super) fn take_back(connection: &Connection, id: DeliveryId) -> Result<(), rusqlite::Error> {
    let sql = "DELETE FROM deliveries WHERE state = 'pending' AND attempts = 0 AND lease_worker IS NULL AND (entry, sink) IN
                 (SELECT entry, sink FROM deliveries WHERE id = ?1)
               AND revision > (SELECT revision FROM deliveries WHERE id = ?1)";
    connection.prepare_cached(sql)?.execute([id.0])?;
    Ok(())
}

/// How a delivery arrives that is a new version of what its sink has. `None`: like any other.
pub(super) fn update_of(
    connection: &Connection,
    entry: i64,
    revision: i64,
    sink: &str,
    update_as: Option<&str>,
) -> Result<Option<Update>, rusqlite::Error> {
    let Some(updates) = update_as.and_then(Updates::from_word) else { return Ok(None) };
    let earlier = |order: &str| {
        let sql = format!(
            "SELECT message_id FROM deliveries WHERE entry = ?1 AND sink = ?2 AND revision < ?3 AND state = 'delivered'
             ORDER BY revision {order} LIMIT 1"
        );
        let id = connection.prepare_cached(&sql)?.query_row(params![entry, sink, revision], |row| row.get(0)).optional()?;
        Ok::<_, rusqlite::Error>(id.map(MessageId::from_stored))
    };
    let (Some(first), Some(former)) = (earlier("ASC")?, earlier("DESC")?) else { return Ok(None) };
    let sql = "SELECT body FROM texts WHERE entry = ?1 AND revision < ?2 ORDER BY revision DESC LIMIT 1";
    let body: Option<Vec<u8>> =
        connection.prepare_cached(sql)?.query_row(params![entry, revision], |row| row.get(0)).optional()?;
    Ok(Some(Update { updates, first, former, before: body.and_then(|body| unpack_text(&body)) }))
}

/// The largest text that is unpacked: a document's bound.
const LARGEST_TEXT: u64 = 64 << 20;

fn unpack_text(body: &[u8]) -> Option<String> {
    let mut text = String::new();
    let decoder = zstd::stream::read::Decoder::new(body).ok()?;
    std::io::Read::read_to_string(&mut std::io::Read::take(decoder, LARGEST_TEXT), &mut text).ok()?;
    Some(text)
}

struct Resend {
    feed: FeedId,
    last: u32,
    sinks: Vec<(String, String)>,
    now: Timestamp,
}

impl Request for Resend {
    type Reply = Resent;

    fn apply(self, connection: &Connection) -> Result<Resent, rusqlite::Error> {
        let sql = "SELECT e.id, e.dated, e.first_seen, p.version, p.body,
                     (SELECT message_id FROM deliveries d WHERE d.entry = e.id ORDER BY revision DESC LIMIT 1)
                   FROM entries e LEFT JOIN payloads p ON p.entry = e.id WHERE e.feed = ?1 ORDER BY e.id DESC LIMIT ?2";
        let mut select = connection.prepare_cached(sql)?;
        let row = |row: &rusqlite::Row<'_>| {
            let content = row.get::<_, Option<i64>>(3)?.zip(row.get::<_, Option<Vec<u8>>>(4)?);
            let content = content.and_then(|(version, body)| unpack(version, &body));
            let dated = row.get::<_, Option<i64>>(1)?.map(time);
            let not_kept = NotKept { dated, first_seen: time(row.get(2)?), message_id: row.get(5)? };
            Ok((row.get::<_, i64>(0)?, content, not_kept))
        };
        let newest: Vec<_> = select.query_map(params![self.feed.0, self.last], row)?.collect::<Result<_, _>>()?;
        let now = seconds(self.now);
        let mut resent = Resent::default();
        for (entry, content, not_kept) in newest.into_iter().rev() {
            let Some(content) = content else {
                resent.not_kept.push(not_kept);
                continue;
            };
            let sql = "SELECT 1 FROM deliveries WHERE entry = ?1 AND sink = ?2 AND state IN ('pending', 'held', 'failed')";
            let mut waits = connection.prepare_cached(sql)?;
            let number = last_revision(connection, entry)? + 1;
            let mut sinks = 0;
            for to in &self.sinks {
                if !waits.exists(params![entry, to.0])? {
                    queue(connection, entry, self.feed, to, number, None, (now, now))?;
                    sinks += 1;
                }
            }
            if sinks == 0 {
                resent.waiting.push(content);
                continue;
            }
            connection.prepare_cached("UPDATE payloads SET kept_until = NULL WHERE entry = ?1")?.execute([entry])?;
            resent.queued.push((content, sinks));
        }
        Ok(resent)
    }
}

struct DropWaiting {
    feed: FeedId,
    now: Timestamp,
}

impl Request for DropWaiting {
    type Reply = usize;

    fn apply(self, connection: &Connection) -> Result<usize, rusqlite::Error> {
        let now = seconds(self.now);
        let sql = "UPDATE deliveries SET state = 'dropped', ended_at = ?2, lease_worker = NULL, lease_until = NULL
                   WHERE feed = ?1 AND state IN ('pending', 'held') RETURNING entry";
        let mut update = connection.prepare_cached(sql)?;
        let entries: Vec<i64> = update.query_map(params![self.feed.0, now], |row| row.get(0))?.collect::<Result<_, _>>()?;
        entries.iter().try_for_each(|entry| let_payload_go(connection, *entry, now))?;
        Ok(entries.len())
    }
}
