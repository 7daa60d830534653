//! What feeds have shown: `known` reads it, `record` adds to it. Recording is one transaction: entries as seen, their
//! deliveries, the validators and the next poll, all or nothing.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, named_params, params};

use super::feeds::{FeedId, Validators};
use super::habits::packed;
use super::revisions::{Changed, keep_text, revise};
use super::runs::RunId;
use super::stories::{Story, story};
use super::writer::Request;
use super::{Store, StoreError, seconds, time};
use crate::delivery::{MessageId, State};
use crate::feed::diff::{CROWD, EntryRef, Hashes, Known};
use crate::feed::{Entry, Key, Uid};
use crate::net::http::ACCEPTED_CODINGS;
use crate::schedule::Habits;
use crate::trouble::Trouble;

/// What one poll of a feed came to.
#[derive(Debug, Clone)]
pub struct PollRecord {
    /// The feed.
    pub feed: FeedId,
    /// The run that asked; `None` for the first poll by `feeds add`.
    pub run: Option<RunId>,
    /// How many polls were recorded when this one began.
    pub polls: i64,
    /// When the request began.
    pub asked_at: Timestamp,
    /// When to ask next.
    pub next_poll: Timestamp,
    /// The rule that set it.
    pub because: String,
    /// Until when the publisher asked to be left alone.
    pub left_alone_until: Option<Timestamp>,
    /// Until when what we have is fresh by the publisher's word.
    pub fresh_until: Option<Timestamp>,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// How large the document was, where one came.
    pub bytes: Option<usize>,
    /// What is known of the feed after it, as far as the next poll depends on it.
    pub habits: Habits,
    /// What was answered.
    pub answer: Answer,
}

/// What a source answered, as far as it is remembered.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A document.
    Document(Box<DocumentRecord>),
    /// The document is the one we have.
    Unchanged {
        /// What to ask with next time.
        validators: Option<Validators>,
        /// Where the feed has moved for good.
        moved_to: Option<Moved>,
    },
    /// Nothing usable.
    Failed {
        /// What happened, in words.
        error: String,
        /// What sort of failure that is.
        trouble: Trouble,
    },
}

/// Where a feed has moved for good, and whose pace it keeps there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The new address.
    pub url: String,
    /// Its host.
    pub host: String,
}

/// A document, as far as it is remembered.
#[derive(Debug, Clone, Default)]
pub struct DocumentRecord {
    /// What to ask with next time.
    pub validators: Option<Validators>,
    /// A hash of its bytes.
    pub hash: Vec<u8>,
    /// It is not all that its source has: it is asked for again, as if it had not come.
    pub partial: bool,
    /// The feed's title.
    pub title: Option<String>,
    /// The feed's page.
    pub link: Option<String>,
    /// The feed's language.
    pub language: Option<String>,
    /// Where the feed has moved for good.
    pub moved_to: Option<Moved>,
    /// Its new entries, in the order of delivery.
    pub entries: Vec<NewEntry>,
    /// Known entries with keys that memory lacks.
    pub learned: Vec<(EntryRef, Vec<Key>)>,
    /// Known entries that say something else than before.
    pub changed: Vec<Changed>,
}

/// An entry that is seen for the first time.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// Its lasting identity.
    pub uid: Uid,
    /// All its keys.
    pub keys: Vec<Key>,
    /// A hash of all it says.
    pub raw_hash: i64,
    /// A hash of what a reader sees of it.
    pub text_hash: i64,
    /// What a reader sees of it, where that is kept to show later what changed.
    pub text: Option<String>,
    /// The entry; it is kept while a delivery of it is open.
    pub entry: Entry,
    /// Where it goes.
    pub deliveries: Vec<NewDelivery>,
    /// The key of its link, where a story goes to a sink once, whichever feed has it first.
    pub story: Option<Key>,
    /// Why its deliveries wait for a person's word, where they do.
    pub held: Option<String>,
}

/// One entry for one sink.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// The sink's name.
    pub sink: String,
    /// The id it travels under.
    pub message_id: MessageId,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is written down.
    Done {
        /// How many new entries go to some sink. What is held, was told to all its sinks by another feed, or waits for what
        /// becomes of another feed's, is not among them.
        queued: usize,
    },
    /// Another poll of the feed was recorded meanwhile: compare again, with what is known now.
    Stale,
}

/// How many keys an entry may gain, so that a publisher who invents ids at each build fills no disk. Its first ones stay.
const MOST_LEARNED: i64 = 24;
/// The format of payloads: 1 is JSON compressed by zstd.
const PAYLOAD_VERSION: i64 = 1;

impl Store {
    /// What memory holds under these keys of the feed.
    pub async fn known(&self, feed: FeedId, keys: Vec<Key>) -> Result<Known, StoreError> {
        self.read(move |connection| known(connection, feed, &keys)).await
    }

    /// Records the entries as seen, queues their deliveries and keeps the validators: all or nothing.
    pub async fn record(&self, poll: PollRecord) -> Result<Recorded, StoreError> {
        self.ask(poll).await
    }
}

pub(super) fn known(connection: &Connection, feed: FeedId, keys: &[Key]) -> Result<Known, rusqlite::Error> {
    let sql = "SELECT k.entry, e.dated, e.raw_hash, e.text_hash FROM keys k JOIN entries e ON e.id = k.entry WHERE k.feed = ?1 AND k.key = ?2 LIMIT ?3";
    let mut select = connection.prepare_cached(sql)?;
    let mut known = Known::default();
    let most = i64::try_from(CROWD).unwrap_or(i64::MAX);
    let distinct: HashSet<Key> = keys.iter().copied().collect();
    for key in &distinct {
        let mut rows = select.query(params![feed.0, key.0, most])?;
        while let Some(row) = rows.next()? {
            known.add(*key, EntryRef(row.get(0)?), row.get::<_, Option<i64>>(1)?.map(time));
            known.add_hashes(EntryRef(row.get(0)?), Hashes { raw: row.get(2)?, text: row.get(3)? });
        }
    }
    Ok(known)
}

impl Request for PollRecord {
    type Reply = Recorded;

    fn apply(self, connection: &Connection) -> Result<Recorded, rusqlite::Error> {
        let at = seconds(self.asked_at);
        let sql = "UPDATE feeds SET polls = polls + 1, last_attempt = :at, next_poll = :next, because = :because, asked = :asked,
                     not_before = coalesce(:alone, :fresh, 0),
                     status = :status, bytes = :bytes, unchanged = :unchanged, habits = :habits, last_run = coalesce(:run, last_run),
                     waits_at = NULL
                   WHERE id = :id AND polls = :polls";
        let changed = connection.prepare_cached(sql)?.execute(named_params! {
            ":id": self.feed.0, ":polls": self.polls, ":at": at, ":next": seconds(self.next_poll), ":because": self.because,
            ":asked": self.left_alone_until.is_some(), ":alone": self.left_alone_until.map(seconds), ":fresh": self.fresh_until.map(seconds),
            ":bytes": self.bytes.and_then(|bytes| i64::try_from(bytes).ok()), ":unchanged": matches!(self.answer, Answer::Unchanged { .. }),
            ":habits": packed(&self.habits)?, ":status": self.status, ":run": self.run.map(|run| run.0),
        })?;
        if changed == 0 {
            return Ok(Recorded::Stale);
        }
        let mut queued = 0;
        match &self.answer {
            Answer::Failed { error, trouble } => failed(connection, self.feed, error, *trouble, at)?,
            Answer::Unchanged { validators, moved_to } => {
                went_well(connection, self.feed, at)?;
                keep_validators(connection, self.feed, validators.as_ref())?;
                keep_place(connection, self.feed, moved_to.as_ref())?;
            }
            Answer::Document(document) => {
                went_well(connection, self.feed, at)?;
                keep_document(connection, self.feed, document)?;
                for entry in &document.entries {
                    queued += usize::from(insert(connection, self.feed, entry, at)?);
                }
                count(connection, self.feed, &document.entries, at)?;
                for (entry, keys) in &document.learned {
                    learn(connection, self.feed, entry.0, keys)?;
                }
                for changed in &document.changed {
                    revise(connection, self.feed, changed, at)?;
                }
            }
        }
        Ok(Recorded::Done { queued })
    }
}

fn failed(connection: &Connection, feed: FeedId, error: &str, trouble: Trouble, at: i64) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE feeds SET failures = failures + 1, failing_since = coalesce(failing_since, ?2), error = ?3,
                 gone_at = CASE WHEN ?4 THEN ?2 ELSE gone_at END, trouble = ?5 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![feed.0, at, error, trouble == Trouble::Gone, trouble.word()])?;
    Ok(())
}

fn went_well(connection: &Connection, feed: FeedId, at: i64) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE feeds SET failures = 0, failing_since = NULL, error = NULL, trouble = NULL, gone_at = NULL, last_success = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![feed.0, at])?;
    Ok(())
}

/// Both validators are replaced together: old and new ones are never mixed.
fn keep_validators(connection: &Connection, feed: FeedId, validators: Option<&Validators>) -> Result<(), rusqlite::Error> {
    let (etag, last_modified, url, asked_as) = match validators {
        Some(kept) => (kept.etag.as_deref(), kept.last_modified.as_deref(), Some(kept.url.as_str()), kept.asked_as),
        None => (None, None, None, None),
    };
    let codings = url.and(Some(ACCEPTED_CODINGS));
    let sql = "UPDATE feeds SET etag = ?2, last_modified = ?3, validators_url = ?4, validators_for = ?5, validators_as = ?6 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![feed.0, etag, last_modified, url, codings, asked_as])?;
    Ok(())
}

fn keep_document(connection: &Connection, feed: FeedId, document: &DocumentRecord) -> Result<(), rusqlite::Error> {
    if !document.partial {
        keep_validators(connection, feed, document.validators.as_ref())?;
    }
    let sql = "UPDATE feeds SET document_hash = CASE WHEN ?6 THEN document_hash ELSE ?2 END, title = ?3, link = ?4, language = ?5 WHERE id = ?1";
    let values = params![feed.0, document.hash, document.title, document.link, document.language, document.partial];
    connection.prepare_cached(sql)?.execute(values)?;
    keep_place(connection, feed, document.moved_to.as_ref())
}

fn keep_place(connection: &Connection, feed: FeedId, moved: Option<&Moved>) -> Result<(), rusqlite::Error> {
    let (url, host) = moved.map(|moved| (moved.url.as_str(), moved.host.as_str())).unzip();
    let sql = "UPDATE feeds SET moved_to = ?2, host = coalesce(?3, host) WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![feed.0, url, host])?;
    Ok(())
}

/// Records an entry as seen and queues its deliveries. Answers whether one of them goes.
pub(super) fn insert(connection: &Connection, feed: FeedId, new: &NewEntry, at: i64) -> Result<bool, rusqlite::Error> {
    let sql = "INSERT INTO entries (feed, uid, raw_hash, text_hash, dated, first_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let dated = new.entry.dated().map(seconds);
    connection.prepare_cached(sql)?.execute(params![feed.0, new.uid, new.raw_hash, new.text_hash, dated, at])?;
    let entry = connection.last_insert_rowid();
    keep_keys(connection, feed, entry, &new.keys)?;
    let mut deliveries = Vec::with_capacity(new.deliveries.len());
    let mut goes = false;
    for delivery in &new.deliveries {
        let story = match new.story {
            Some(link) => story(connection, &delivery.sink, link, feed, entry, at)?,
            None => Story::None,
        };
        match story {
            Story::Told => {}
            Story::Queued(link) | Story::Waits(link) => deliveries.push((delivery, Some(link.0))),
            Story::None => deliveries.push((delivery, None)),
        }
        goes |= matches!(story, Story::Queued(_) | Story::None);
    }
    if deliveries.is_empty() {
        return Ok(false);
    }
    keep_payload(connection, entry, &new.entry)?;
    if let Some(text) = &new.text {
        keep_text(connection, entry, 0, text, at)?;
    }
    let sql = "INSERT INTO deliveries (entry, feed, sink, message_id, state, queued_at, next_attempt, error, story) VALUES (?1, ?2, ?3, ?4, ?6, ?5, ?5, ?7, ?8)";
    let mut queue = connection.prepare_cached(sql)?;
    let state = if new.held.is_some() { State::Held } else { State::Pending };
    for (delivery, story) in deliveries {
        let message_id = delivery.message_id.as_str();
        queue.execute(params![entry, feed.0, delivery.sink, message_id, at, state.word(), new.held, story])?;
    }
    Ok(goes && new.held.is_none())
}

/// A date further ahead than this many seconds says nothing.
const AHEAD: i64 = 86_400;

/// Counts the entries, and keeps the date of the newest that is not held; a clock that is a little fast is put right.
fn count(connection: &Connection, feed: FeedId, entries: &[NewEntry], at: i64) -> Result<(), rusqlite::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let dates = entries.iter().filter(|new| new.held.is_none()).filter_map(|new| new.entry.dated().map(seconds));
    let newest = dates.filter(|dated| *dated <= at.saturating_add(AHEAD)).map(|dated| dated.min(at)).max();
    let sql = "UPDATE feeds SET entries = entries + ?2, newest = coalesce(max(newest, ?3), newest, ?3) WHERE id = ?1";
    let many = i64::try_from(entries.len()).unwrap_or(i64::MAX);
    connection.prepare_cached(sql)?.execute(params![feed.0, many, newest])?;
    Ok(())
}

/// Adds to the keys of a known entry, as long as it has not gained too many.
fn learn(connection: &Connection, feed: FeedId, entry: i64, keys: &[Key]) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE entries SET learned = learned + ?2 WHERE id = ?1 AND learned < ?3";
    let many = i64::try_from(keys.len()).unwrap_or(i64::MAX);
    let has_room = connection.prepare_cached(sql)?.execute(params![entry, many, MOST_LEARNED])? > 0;
    if has_room { keep_keys(connection, feed, entry, keys) } else { Ok(()) }
}

fn keep_keys(connection: &Connection, feed: FeedId, entry: i64, keys: &[Key]) -> Result<(), rusqlite::Error> {
    let mut keep = connection.prepare_cached("INSERT OR IGNORE INTO keys (feed, key, entry) VALUES (?1, ?2, ?3)")?;
    for key in keys {
        keep.execute(params![feed.0, key.0, entry])?;
    }
    Ok(())
}

/// Keeps the whole content of an entry, in place of what was kept of it, until its deliveries have ended.
pub(super) fn keep_payload(connection: &Connection, entry: i64, content: &Entry) -> Result<(), rusqlite::Error> {
    let sql = "INSERT OR REPLACE INTO payloads (entry, version, body) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(sql)?.execute(params![entry, PAYLOAD_VERSION, pack(content)?])?;
    Ok(())
}

fn pack(entry: &Entry) -> Result<Vec<u8>, rusqlite::Error> {
    let wrong = |error: Box<dyn std::error::Error + Send + Sync>| rusqlite::Error::ToSqlConversionFailure(error);
    let json = serde_json::to_vec(entry).map_err(|error| wrong(error.into()))?;
    zstd::bulk::compress(&json, 3).map_err(|error| wrong(error.into()))
}

/// The largest payload that is unpacked: a document's bound, and what JSON adds to it.
const LARGEST_PAYLOAD: usize = 64 << 20;

/// The entry of a payload. `None` where it is of another format or damaged.
pub(super) fn unpack(version: i64, body: &[u8]) -> Option<Entry> {
    if version != PAYLOAD_VERSION {
        return None;
    }
    let mut json = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(body).ok()?;
    std::io::Read::read_to_end(&mut std::io::Read::take(decoder, LARGEST_PAYLOAD as u64), &mut json).ok()?;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_gives_back_its_entry() {
        let entry = Entry { title: Some("a".repeat(1_000)), ..Entry::default() };
        let body = pack(&entry).unwrap();
        assert!(body.len() < 200);
        assert_eq!(unpack(PAYLOAD_VERSION, &body), Some(entry));
        assert_eq!(unpack(99, &body), None);
        assert_eq!(unpack(PAYLOAD_VERSION, b"damaged"), None);
    }
}
