//! What was fetched or made for an entry, kept with it.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::writer::Request;
use super::{Store, StoreError, seconds};
use crate::feed::diff::EntryRef;
use crate::resource::{Resource, Resources};

/// What all entries' resources may take together, where no delivery needs them any more.
const MOST_KEPT: i64 = 256 << 20;
/// The largest text that is unpacked.
const LARGEST_TEXT: u64 = 32 << 20;

impl Store {
    /// What is kept for an entry.
    pub async fn resources(&self, entry: EntryRef) -> Result<Resources, StoreError> {
        self.read(move |connection| resources(connection, entry.0)).await
    }

    /// Keeps what was fetched or made for an entry.
    pub async fn keep_resources(
        &self,
        entry: EntryRef,
        answers: Vec<(String, Resource)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.ask(Keep { entry, answers, now }).await
    }
}

fn resources(connection: &Connection, entry: i64) -> Result<Resources, rusqlite::Error> {
    let sql = "SELECT key, media_type, packed, body, error FROM resources WHERE entry = ?1";
    let row = |row: &rusqlite::Row<'_>| {
        let resource = match (row.get::<_, Option<String>>(1)?, row.get::<_, Option<Vec<u8>>>(3)?) {
            (Some(media_type), Some(body)) => {
                let bytes = if row.get(2)? { unpacked(&body).unwrap_or_default() } else { body };
                Resource::Kept { media_type, bytes: bytes.into() }
            }
            (_, _) => Resource::Failed(row.get::<_, Option<String>>(4)?.unwrap_or_default()),
        };
        Ok((row.get(0)?, resource))
    };
    connection.prepare_cached(sql)?.query_map([entry], row)?.collect()
}

fn unpacked(body: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(body).ok()?;
    std::io::Read::read_to_end(&mut std::io::Read::take(decoder, LARGEST_TEXT), &mut bytes).ok()?;
    Some(bytes)
}

struct Keep {
    entry: EntryRef,
    answers: Vec<(String, Resource)>,
    now: Timestamp,
}

impl Request for Keep {
    type Reply = ();

    fn apply(self, connection: &Connection) -> Result<(), rusqlite::Error> {
        let sql = "INSERT OR REPLACE INTO resources (entry, key, media_type, packed, body, error, fetched_at)
                   SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE EXISTS (SELECT 1 FROM entries WHERE id = ?1)";
        let mut insert = connection.prepare_cached(sql)?;
        for (key, resource) in self.answers {
            let (media_type, packed, body, error) = match resource {
                Resource::Kept { media_type, bytes } if media_type.starts_with("text/") || media_type == "application/json" => {
                    let packed = zstd::bulk::compress(&bytes, 3);
                    let body = packed.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
                    (Some(media_type), true, Some(body), None)
                }
                Resource::Kept { media_type, bytes } => (Some(media_type), false, Some(bytes.to_vec()), None),
                Resource::Failed(error) => (None, false, None, Some(error)),
            };
            insert.execute(params![self.entry.0, key, media_type, packed, body, error, seconds(self.now)])?;
        }
        Ok(())
    }
}

/// What a new version of an entry says was not known to what was made of the old one.
pub(super) fn forget_made(connection: &Connection, entry: i64) -> Result<(), rusqlite::Error> {
    let sql = "DELETE FROM resources WHERE entry = ?1 AND (key LIKE 'page:%' OR key LIKE 'transform:%')";
    connection.prepare_cached(sql)?.execute([entry])?;
    Ok(())
}

/// Lets go what belongs to entries without content, and the oldest of what no delivery needs where that is too much.
pub(super) fn clean(connection: &Connection, at_once: i64) -> Result<(), rusqlite::Error> {
    let sql = "DELETE FROM resources WHERE rowid IN (SELECT rowid FROM resources WHERE entry NOT IN (SELECT entry FROM payloads) LIMIT ?1)";
    connection.prepare_cached(sql)?.execute([at_once])?;
    let sql = "DELETE FROM resources WHERE rowid IN
                 (SELECT id FROM (SELECT r.rowid AS id, sum(coalesce(length(r.body), 0)) OVER (ORDER BY r.fetched_at DESC, r.rowid DESC) AS total
                    FROM resources r JOIN payloads p ON p.entry = r.entry WHERE p.kept_until IS NOT NULL) WHERE total > ?1 LIMIT ?2)";
    connection.prepare_cached(sql)?.execute([MOST_KEPT, at_once])?;
    Ok(())
}
