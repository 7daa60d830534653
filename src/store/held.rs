//! What is held: deliveries that wait for a person's word, and that word.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::feeds::FeedId;
use super::runs::let_payload_go;
use super::writer::Request;
use super::{Store, StoreError, seconds, stories};
use crate::delivery::DeliveryId;

impl Store {
    /// Lets all that is held of a feed go to its sinks, but for stories that another feed has told there meanwhile. Answers which
    /// deliveries go, and how many do not for that.
    pub async fn release(&self, feed: FeedId, now: Timestamp) -> Result<(Vec<DeliveryId>, usize), StoreError> {
        self.ask(Word { feed, now, act: Act::Release }).await
    }

    /// Takes all that is held of a feed out of the queue. Answers which deliveries.
    pub async fn drop_held(&self, feed: FeedId, now: Timestamp) -> Result<Vec<DeliveryId>, StoreError> {
        self.ask(Word { feed, now, act: Act::Drop }).await.map(|(dropped, _)| dropped)
    }
}

#[derive(PartialEq, Eq)]
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
    type Reply = (Vec<DeliveryId>, usize);

    fn apply(self, connection: &Connection) -> Result<Self::Reply, rusqlite::Error> {
        let now = seconds(self.now);
        let sql = "SELECT id, entry FROM deliveries WHERE feed = ?1 AND state = 'held' ORDER BY id";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let held: Vec<(i64, i64)> = connection.prepare_cached(sql)?.query_map([self.feed.0], row)?.collect::<Result<_, _>>()?;
        let sql = match self.act {
            Act::Release => "UPDATE deliveries SET state = 'pending', next_attempt = ?2, asked = 0, error = NULL WHERE id = ?1",
            Act::Drop => "UPDATE deliveries SET state = 'dropped', ended_at = ?2 WHERE id = ?1",
        };
        let mut update = connection.prepare_cached(sql)?;
        let (mut done, all) = (Vec::with_capacity(held.len()), held.len());
        for (id, entry) in held {
            update.execute(params![id, now])?;
            let is_told = match self.act {
                Act::Release => {
                    shown(connection, self.feed, entry, now)?;
                    stories::is_told(connection, id, now)?
                }
                Act::Drop => false,
            };
            if is_told || self.act == Act::Drop {
                let_payload_go(connection, entry, now)?;
            }
            if !is_told {
                done.push(DeliveryId(id));
            }
        }
        let told = all - done.len();
        Ok((done, told))
    }
}

/// What is released counts as shown: later bursts are measured by it.
fn shown(connection: &Connection, feed: FeedId, entry: i64, now: i64) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE feeds SET newest = (SELECT dated FROM entries WHERE id = ?2)
               WHERE id = ?1 AND EXISTS (SELECT 1 FROM entries WHERE id = ?2 AND dated <= ?3 AND dated > coalesce(feeds.newest, dated - 1))";
    connection.prepare_cached(sql)?.execute(params![feed.0, entry, now])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::MessageId;
    use crate::feed::diff::EntryRef;
    use crate::feed::{Entry, Key, Keys};
    use crate::store::{
        Answer, DocumentRecord, FeedId, History, IfMissing, NewDelivery, NewEntry, PollRecord, Recorded, Subscribed, View,
    };

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(day * 86_400).unwrap()
    }

    async fn feed(store: &Store, name: &str) -> FeedId {
        let (name, host, url) = (name.to_owned(), name.to_owned(), format!("https://{name}.example/"));
        store.sync_one(Subscribed { name, url, host, interval: Some(3_600), paused: false }, day(0)).await.unwrap()
    }

    fn new(number: i64, held: bool) -> NewEntry {
        let entry = Entry { id: Some(number.to_string()), published: Some(day(number)), ..Entry::default() };
        let message_id = MessageId::from_stored(format!("{number}@example.net"));
        let deliveries = vec![NewDelivery { sink: "mail".into(), message_id }];
        let held = held.then(|| "too many".to_owned());
        NewEntry {
            uid: [0; 16],
            keys: Keys::of(&entry).all().collect(),
            raw_hash: 0,
            text_hash: 0,
            text: None,
            entry,
            deliveries,
            story: None,
            held,
        }
    }

    /// Records a document on day 50. Answers what is known of the feed then.
    async fn record(store: &Store, feed: FeedId, document: DocumentRecord) -> History {
        let polls = store.history(feed).await.unwrap().polls;
        let (asked_at, next_poll, because) = (day(50), day(51), String::new());
        let answer = Answer::Document(Box::new(document));
        let poll = PollRecord {
            feed,
            run: None,
            polls,
            asked_at,
            next_poll,
            because,
            left_alone_until: None,
            fresh_until: None,
            bytes: None,
            habits: crate::schedule::Habits::default(),
            status: None,
            answer,
        };
        assert!(matches!(store.record(poll).await.unwrap(), Recorded::Done { .. }));
        store.history(feed).await.unwrap()
    }

    fn states(path: &std::path::Path) -> Vec<&'static str> {
        View::open(path).unwrap().unwrap().queue().unwrap().into_iter().map(|item| item.state.word()).collect()
    }

    #[tokio::test]
    async fn what_is_held_of_a_feed_is_released_or_dropped_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feeds.db");
        let store = Store::open(&path, IfMissing::Create).unwrap();
        let (a, b) = (feed(&store, "a").await, feed(&store, "b").await);
        let entries = vec![new(10, true), new(9, false), new(999, false)];
        let history = record(&store, a, DocumentRecord { entries, ..DocumentRecord::default() }).await;
        assert_eq!((history.remembered, history.newest, history.holds), (3, Some(day(9)), true), "not held, nor far ahead");
        record(&store, b, DocumentRecord { entries: vec![new(1, true)], ..DocumentRecord::default() }).await;
        assert_eq!(states(&path), ["held", "pending", "pending", "held"]);
        assert_eq!(store.release(a, day(50)).await.unwrap().0.len(), 1);
        assert_eq!(states(&path), ["pending", "pending", "pending", "held"]);
        let history = store.history(a).await.unwrap();
        assert_eq!((history.newest, history.holds), (Some(day(10)), false), "what was released is shown");
        assert_eq!(store.drop_held(b, day(50)).await.unwrap().len(), 1);
        assert_eq!(states(&path), ["pending"; 3]);
        assert!(store.release(b, day(50)).await.unwrap().0.is_empty());
    }

    #[tokio::test]
    async fn an_entry_gains_a_bounded_number_of_keys_and_keeps_its_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feeds.db");
        let store = Store::open(&path, IfMissing::Create).unwrap();
        let feed = feed(&store, "a").await;
        let first = new(1, false);
        let keys = first.keys.clone();
        record(&store, feed, DocumentRecord { entries: vec![first], ..DocumentRecord::default() }).await;
        for build in 0..500 {
            let learned = vec![(EntryRef(1), vec![Key(build)])];
            record(&store, feed, DocumentRecord { learned, ..DocumentRecord::default() }).await;
        }
        let known = store.known(feed, keys.clone()).await.unwrap();
        assert!(keys.iter().all(|key| known.holds(*key)), "{known:?}");
        let invented = store.known(feed, (0..500).map(Key).collect()).await.unwrap();
        assert_eq!((0..500).filter(|build| invented.holds(Key(*build))).count(), 24);
    }
}
