//! The store's requests as the two loops use them, on a real file.

mod revisions;

use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::delivery::MessageId;
use crate::feed::diff::diff;
use crate::feed::identity::{raw_hash, text_hash, uid};
use crate::feed::{Entry, Key, Keys};

mod resources;
mod rules;
mod skipped;

struct World {
    store: Store,
    path: std::path::PathBuf,
    folder: tempfile::TempDir,
}

const NOW: i64 = 1_800_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).unwrap()
}

fn subscribed(name: &str) -> Subscribed {
    Subscribed {
        name: name.into(),
        url: format!("https://{name}.example/"),
        host: format!("{name}.example"),
        interval: Some(3_600),
        paused: false,
    }
}

fn entry(id: &str) -> Entry {
    Entry { id: Some(id.into()), title: Some(format!("Title of {id}")), ..Entry::default() }
}

impl World {
    /// A host was asked, and says until when it wants to be left alone; a run gives it back.
    async fn asked(
        &self,
        worker: Option<RunId>,
        host: &str,
        last_asked: Option<Timestamp>,
        rests_until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let pace = HostPace { host: host.to_owned(), last_asked, rests_until, ..HostPace::default() };
        self.store.host_done(HostDone { worker, host: host.to_owned(), paces: vec![pace], waiting: Vec::new() }).await
    }

    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feeds.db");
        Self { store: Store::open(&path, IfMissing::Create).unwrap(), path, folder }
    }

    async fn feed(&self, name: &str) -> FeedId {
        self.store.sync_one(subscribed(name), at(0)).await.unwrap()
    }

    /// Records a document with entries of these ids, all of one link each, whose stories go to the sink `mail` once.
    async fn record_stories(&self, feed: FeedId, entries: &[(&str, &str)]) -> Recorded {
        self.record_stories_held(feed, entries, None).await
    }

    async fn record_stories_held(&self, feed: FeedId, entries: &[(&str, &str)], held: Option<&str>) -> Recorded {
        let history = self.store.history(feed).await.unwrap();
        let new = entries.iter().map(|(id, link)| {
            let link = crate::feed::Link { href: format!("https://{link}"), ..crate::feed::Link::default() };
            let entry = Entry { links: vec![link], ..entry(id) };
            let keys = Keys::of(&entry);
            let uid = uid(&feed.0.to_string(), keys);
            let message_id = MessageId::derive(&uid, "mail", 0, "example.net");
            let deliveries = vec![NewDelivery { sink: "mail".into(), message_id }];
            let (raw_hash, text_hash) = (raw_hash(&entry), text_hash(&entry));
            NewEntry {
                uid,
                keys: keys.all().collect(),
                raw_hash,
                text_hash,
                text: None,
                entry,
                deliveries,
                story: keys.link,
                held: held.map(str::to_owned),
            }
        });
        let document = DocumentRecord { hash: vec![1], entries: new.collect(), ..DocumentRecord::default() };
        self.poll(&history, None, Answer::Document(Box::new(document))).await
    }

    /// Records a document with these entries, each for the sink `mail`.
    async fn record(&self, feed: FeedId, run: Option<RunId>, ids: &[&str]) -> Recorded {
        let history = self.store.history(feed).await.unwrap();
        self.record_after(&history, run, ids).await
    }

    async fn record_after(&self, history: &History, run: Option<RunId>, ids: &[&str]) -> Recorded {
        let entries: Vec<Entry> = ids.iter().map(|id| entry(id)).collect();
        let keys: Vec<Key> = entries.iter().flat_map(|entry| Keys::of(entry).all()).collect();
        let known = self.store.known(history.feed, keys).await.unwrap();
        let new = diff(&entries, &known, crate::feed::Identity::Auto).new.into_iter().map(|(place, keys)| {
            let (entry, uid) = (entries[place].clone(), uid("u", keys));
            let message_id = MessageId::derive(&uid, "mail", 0, "example.net");
            let deliveries = vec![NewDelivery { sink: "mail".into(), message_id }];
            NewEntry {
                uid,
                keys: keys.all().collect(),
                raw_hash: raw_hash(&entry),
                text_hash: text_hash(&entry),
                text: None,
                entry,
                deliveries,
                story: None,
                held: None,
            }
        });
        let document = DocumentRecord { hash: vec![1], entries: new.collect(), ..DocumentRecord::default() };
        self.poll(history, run, Answer::Document(Box::new(document))).await
    }

    async fn poll(&self, history: &History, run: Option<RunId>, answer: Answer) -> Recorded {
        let record = PollRecord {
            feed: history.feed,
            run,
            polls: history.polls,
            asked_at: at(0),
            next_poll: at(3_600),
            because: "the feed's interval".into(),
            left_alone_until: None,
            fresh_until: None,
            bytes: None,
            habits: crate::schedule::Habits::default(),
            status: Some(200),
            answer,
        };
        self.store.record(record).await.unwrap()
    }

    fn wanted(run: RunId, now: i64, eager: bool) -> ClaimDeliveries {
        let until = at(now) + Duration::from_secs(600);
        let among = std::sync::Arc::new((1..9).map(FeedId).collect());
        ClaimDeliveries { sink: "mail".into(), among, worker: run, now: at(now), until, most: 8, all_asked: true, eager }
    }

    async fn claim(&self, run: RunId, now: i64, eager: bool) -> Vec<Claimed> {
        self.store.claim_deliveries(Self::wanted(run, now, eager)).await.unwrap()
    }

    async fn finish(&self, run: RunId, id: crate::delivery::DeliveryId, settled: Settled) {
        self.store.finish(run, vec![Finished { id, settled }], at(1)).await.unwrap();
    }

    fn queue(&self) -> Vec<QueueItem> {
        View::open(&self.path).unwrap().unwrap().queue().unwrap()
    }
}

fn again(next: i64, asked: bool) -> Settled {
    Settled::Again { next_attempt: at(next), asked, error: "451 try later".into(), most_failures: u32::MAX }
}

#[tokio::test]
async fn an_entry_is_queued_when_it_is_first_seen_and_never_again() {
    let world = World::new();
    let feed = world.feed("news").await;
    assert_eq!(world.record(feed, None, &["a", "b"]).await, Recorded::Done { queued: 2 });
    assert_eq!(world.record(feed, None, &["b", "a", "c"]).await, Recorded::Done { queued: 1 });
    let titles: Vec<_> = world.queue().into_iter().filter_map(|item| item.title).collect();
    assert_eq!(titles, ["Title of a", "Title of b", "Title of c"]);
}

#[tokio::test]
async fn of_two_polls_at_once_the_second_is_told_to_compare_again() {
    let world = World::new();
    let feed = world.feed("news").await;
    let history = world.store.history(feed).await.unwrap();
    assert_eq!(world.record_after(&history, None, &["a"]).await, Recorded::Done { queued: 1 });
    assert_eq!(world.record_after(&history, None, &["a"]).await, Recorded::Stale);
    assert_eq!(world.queue().len(), 1);
}

#[tokio::test]
async fn a_delivery_is_one_workers_until_it_is_finished_or_its_run_is_over() {
    let world = World::new();
    let feed = world.feed("news").await;
    world.record(feed, None, &["a"]).await;
    let first = world.store.start_run(at(0)).await.unwrap();
    assert_eq!(world.claim(first, 0, true).await.len(), 1);
    assert!(world.claim(first, 0, true).await.is_empty(), "it is under way");
    let second = world.store.start_run(at(1)).await.unwrap();
    let taken = world.claim(second, 1, true).await;
    assert_eq!(taken.len(), 1, "the first run is dead: its claim is over");
    world.finish(first, taken[0].id, Settled::Delivered { receipt: "late".into() }).await;
    assert_eq!(world.queue().len(), 1, "what is no longer its own it cannot finish");
    world.finish(second, taken[0].id, Settled::Delivered { receipt: "ok".into() }).await;
    assert!(world.queue().is_empty());
}

#[tokio::test]
async fn what_failed_waits_and_a_new_run_tries_what_waits_by_our_own_guess() {
    let world = World::new();
    let feed = world.feed("news").await;
    world.record(feed, None, &["a", "b"]).await;
    let run = world.store.start_run(at(0)).await.unwrap();
    let claimed = world.claim(run, 0, true).await;
    world.finish(run, claimed[0].id, again(300, false)).await;
    world.finish(run, claimed[1].id, again(300, true)).await;
    assert!(world.claim(run, 2, true).await.is_empty(), "not twice in one run");
    let next = world.store.start_run(at(3)).await.unwrap();
    assert!(world.claim(next, 3, false).await.is_empty(), "a pass that is not eager waits");
    assert_eq!(world.claim(next, 3, true).await.len(), 1, "what the sink asked for is kept");
    assert_eq!(world.claim(next, 300, false).await.len(), 1);
}

#[tokio::test]
async fn by_hand_the_queue_is_retried_and_dropped() {
    let world = World::new();
    let feed = world.feed("news").await;
    world.record(feed, None, &["a", "b"]).await;
    let run = world.store.start_run(at(0)).await.unwrap();
    for claimed in world.claim(run, 0, true).await {
        world.finish(run, claimed.id, Settled::Failed { error: "554 no".into() }).await;
    }
    let ids: Vec<_> = world.queue().into_iter().map(|item| item.id).collect();
    assert_eq!(world.store.retry(Some(vec![ids[0]]), at(2)).await.unwrap(), [ids[0]]);
    assert_eq!(world.store.drop_deliveries(None, at(2)).await.unwrap(), ids);
    assert!(world.queue().is_empty());
    assert!(world.store.retry(Some(ids), at(3)).await.unwrap().is_empty(), "what was dropped is over");
}

#[tokio::test]
async fn hosts_are_claimed_with_their_due_feeds_once_a_run() {
    let world = World::new();
    let ids = world.store.sync(vec![subscribed("a"), subscribed("b")], at(0)).await.unwrap();
    let run = world.store.start_run(at(0)).await.unwrap();
    let among: std::sync::Arc<std::collections::HashSet<_>> = std::sync::Arc::new(ids.iter().copied().collect());
    let claim = |force| ClaimHosts {
        worker: run,
        now: at(1),
        most: 10,
        patience: Duration::ZERO,
        until: at(600),
        force,
        among: among.clone(),
    };
    let hosts = world.store.claim_hosts(claim(false)).await.unwrap();
    assert_eq!(hosts.iter().map(|claim| claim.host.as_str()).collect::<Vec<_>>(), ["a.example", "b.example"]);
    assert!(world.store.claim_hosts(claim(false)).await.unwrap().is_empty(), "both are under way");
    world.record(ids[0], Some(run), &["x"]).await;
    world.asked(Some(run), "a.example", Some(at(1)), None).await.unwrap();
    assert!(world.store.claim_hosts(claim(true)).await.unwrap().is_empty(), "once a run, even by force");
    let next = world.store.start_run(at(2)).await.unwrap();
    let forced = ClaimHosts { worker: next, ..claim(true) };
    assert_eq!(world.store.claim_hosts(forced).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_host_that_wants_to_be_left_alone_is_even_by_force() {
    let world = World::new();
    let ids = world.store.sync(vec![subscribed("a")], at(0)).await.unwrap();
    let among: std::sync::Arc<std::collections::HashSet<_>> = std::sync::Arc::new(ids.into_iter().collect());
    world.asked(None, "a.example", Some(at(0)), Some(at(500))).await.unwrap();
    let run = world.store.start_run(at(1)).await.unwrap();
    let claim = |now| ClaimHosts {
        worker: run,
        now: at(now),
        most: 10,
        patience: Duration::ZERO,
        until: at(now + 600),
        force: true,
        among: among.clone(),
    };
    assert!(world.store.claim_hosts(claim(1)).await.unwrap().is_empty());
    assert_eq!(world.store.claim_hosts(claim(500)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_closed_database_is_one_file() {
    let world = World::new();
    world.feed("news").await;
    let (path, folder) = (world.path.clone(), world.folder);
    drop(world.store);
    let wal = path.with_extension("db-wal");
    assert!(path.exists() && !wal.exists(), "what is in a log beside it a copy of the file would lack");
    drop(folder);
}

#[tokio::test]
async fn a_removed_feed_keeps_its_memory_and_its_queue() {
    let world = World::new();
    let ids = world.store.sync(vec![subscribed("a")], at(0)).await.unwrap();
    world.record(ids[0], None, &["x"]).await;
    world.store.sync(vec![], at(1)).await.unwrap();
    let run = world.store.start_run(at(1)).await.unwrap();
    assert!(world.claim(run, 1, true).await.is_empty(), "nothing of it is delivered meanwhile");
    assert!(world.queue()[0].feed_removed);
    assert_eq!(world.store.sync(vec![subscribed("a")], at(2)).await.unwrap(), ids);
    world.record(ids[0], None, &["x"]).await;
    assert_eq!(world.claim(run, 2, true).await.len(), 1, "once, when it is back");
}

#[tokio::test]
async fn what_was_given_up_is_listed_until_a_person_has_seen_to_it() {
    const YEAR: i64 = 365 * 86_400;
    let world = World::new();
    let feed = world.feed("news").await;
    world.record(feed, None, &["a", "b"]).await;
    let run = world.store.start_run(at(0)).await.unwrap();
    let claimed = world.claim(run, 0, true).await;
    world.finish(run, claimed[0].id, Settled::Failed { error: "554 no".into() }).await;
    world.finish(run, claimed[1].id, Settled::Delivered { receipt: "ok".into() }).await;
    world.store.end_run(run, RunTotals::default(), at(YEAR)).await.unwrap();
    world.store.end_run(run, RunTotals::default(), at(2 * YEAR)).await.unwrap();
    assert_eq!(world.queue().len(), 1);
    world.store.retry(None, at(2 * YEAR)).await.unwrap();
    assert!(world.claim(run, 2 * YEAR, true).await[0].entry.is_some(), "with all it says");
}
