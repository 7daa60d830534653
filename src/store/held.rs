//! What is held: deliveries that wait for a person's word, and that word.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::feeds::FeedId;
use super::runs::let_payload_go;
use super::writer::Request;
use super::{Store, StoreError, seconds};
use crate::delivery::DeliveryId;

impl Store {
    /// Lets all that is held of a feed go to its sinks. Answers which deliveries.
    pub async fn release(&self, feed: FeedId, now: Timestamp) -> Result<Vec<DeliveryId>, StoreError> {
        self.ask(Word { feed, now, act: Act::Release }).await
    }

    /// Takes all that is held of a feed out of the queue. Answers which deliveries.
    pub async fn drop_held(&self, feed: FeedId, now: Timestamp) -> Result<Vec<DeliveryId>, StoreError> {
        self.ask(Word { feed, now, act: Act::Drop }).await
    }
}

enum Act {
    Release,
    Drop,
}

/// A person's word on what is held of a feed.
struct Word {
    feed: FeedId,
    now: Timestamp,
    act: Act,
}

impl Request for Word {
    type Reply = Vec<DeliveryId>;

    fn apply(self, connection: &Connection) -> Result<Vec<DeliveryId>, rusqlite::Error> {
        let now = seconds(self.now);
        let sql = "SELECT id, entry FROM deliveries WHERE feed = ?1 AND state = 'held' ORDER BY id";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let held: Vec<(i64, i64)> = connection.prepare_cached(sql)?.query_map([self.feed.0], row)?.collect::<Result<_, _>>()?;
        let sql = match self.act {
            Act::Release => "UPDATE deliveries SET state = 'pending', next_attempt = ?2, asked = 0, error = NULL WHERE id = ?1",
            Act::Drop => "UPDATE deliveries SET state = 'dropped', ended_at = ?2 WHERE id = ?1",
        };
        let mut update = connection.prepare_cached(sql)?;
        for (id, entry) in &held {
            update.execute(params![id, now])?;
            match self.act {
                Act::Release => shown(connection, self.feed, *entry, now)?,
                Act::Drop => let_payload_go(connection, *entry, now)?,
            }
        }
        Ok(held.into_iter().map(|(id, _)| DeliveryId(id)).collect())
    }
}

/// What is released counts as shown: later bursts are measured by it.
fn shown(connection: &Connection, feed: FeedId, entry: i64, now: i64) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE feeds SET newest = (SELECT dated FROM entries WHERE id = ?2)
               WHERE id = ?1 AND EXISTS (SELECT 1 FROM entries WHERE id = ?2 AND dated <= ?3 AND dated > coalesce(feeds.newest, dated - 1))";
    connection.prepare_cached(sql)?.execute(params![feed.0, entry, now])?;
    Ok(())
}
