//! Edited entries in the queue: which deliveries take the new content, which get a revision, and what it answers.

use super::*;
use crate::delivery::{DeliveryId, Updates};
use crate::feed::diff::{EntryRef, Hashes};

const DAY: i64 = 86_400;

impl World {
    /// Records that the only entry of the feed now has this title, at this time.
    async fn edit(&self, feed: FeedId, now: i64, title: &str, updates: Updates, sinks: &[&str]) {
        let history = self.store.history(feed).await.unwrap();
        let content = Entry { title: Some(title.to_owned()), ..entry("a") };
        let sinks = sinks.iter().map(|sink| ((*sink).to_owned(), "example.net".to_owned())).collect();
        let text = updates.keeps_text().then(|| title.to_owned());
        let revision = Some(Revision { content, text, updates, sinks });
        let changed = Changed { entry: EntryRef(1), hashes: Hashes { raw: now, text: now }, revision };
        let document = DocumentRecord { hash: vec![2], changed: vec![changed], ..DocumentRecord::default() };
        let record = PollRecord {
            feed,
            run: None,
            polls: history.polls,
            asked_at: at(now),
            next_poll: at(now + 3_600),
            because: "the feed's interval".into(),
            left_alone_until: None,
            fresh_until: None,
            bytes: None,
            habits: crate::schedule::Habits::default(),
            status: Some(200),
            answer: Answer::Document(Box::new(document)),
        };
        assert!(matches!(self.store.record(record).await.unwrap(), Recorded::Done { .. }));
    }

    /// Delivers all that is due for `mail`.
    async fn deliver(&self, now: i64) -> Vec<Claimed> {
        let run = self.store.start_run(at(now)).await.unwrap();
        let claimed = self.claim(run, now, true).await;
        for delivery in &claimed {
            self.finish(run, delivery.id, Settled::Delivered { receipt: "ok".into() }).await;
        }
        claimed
    }
}

fn titles(claimed: &[Claimed]) -> Vec<String> {
    claimed.iter().map(|claimed| claimed.entry.as_ref().unwrap().title.clone().unwrap()).collect()
}

/// A world whose only entry was delivered to `mail`.
async fn delivered() -> (World, FeedId) {
    let world = World::new();
    let feed = world.feed("news").await;
    world.record(feed, None, &["a"]).await;
    assert_eq!(world.deliver(0).await.len(), 1);
    (world, feed)
}

#[tokio::test]
async fn what_waits_takes_the_new_content_and_what_was_delivered_gets_a_revision() {
    let world = World::new();
    let feed = world.feed("news").await;
    world.record(feed, None, &["a"]).await;
    world.edit(feed, 1, "second", Updates::Resend, &["mail"]).await;
    assert_eq!(titles(&world.deliver(2).await), ["second"]);
    assert!(world.queue().is_empty());
    world.edit(feed, 3, "third", Updates::Resend, &["mail"]).await;
    let claimed = world.deliver(4).await;
    assert_eq!(titles(&claimed), ["third"]);
    assert!(claimed[0].message_id.as_str().contains(".1@") && claimed[0].update.is_none());
}

#[tokio::test]
async fn an_edit_while_a_delivery_is_under_way_is_a_revision() {
    let world = World::new();
    let feed = world.feed("news").await;
    world.record(feed, None, &["a"]).await;
    let run = world.store.start_run(at(0)).await.unwrap();
    let under_way = world.claim(run, 0, true).await;
    world.edit(feed, 1, "second", Updates::Resend, &["mail"]).await;
    world.finish(run, under_way[0].id, Settled::Delivered { receipt: "ok".into() }).await;
    assert_eq!(titles(&world.deliver(2).await), ["second"]);
}

#[tokio::test]
async fn an_edit_while_a_delivery_was_only_about_to_leave_goes_with_it() {
    let world = World::new();
    let feed = world.feed("news").await;
    world.record(feed, None, &["a"]).await;
    let run = world.store.start_run(at(0)).await.unwrap();
    let about_to = world.claim(run, 0, true).await;
    world.edit(feed, 1, "second", Updates::Thread, &["mail"]).await;
    world.finish(run, about_to[0].id, Settled::Kept).await;
    let claimed = world.deliver(2).await;
    assert_eq!(titles(&claimed), ["second"]);
    assert!(claimed[0].message_id.as_str().contains(".0@"));
    assert!(world.queue().is_empty());
    world.edit(feed, 3, "third", Updates::Thread, &["mail"]).await;
    assert_eq!(world.deliver(4).await[0].update.clone().unwrap().before.as_deref(), Some("second"));
}

#[tokio::test]
async fn one_revision_a_day_and_the_last_word_is_never_lost() {
    let (world, feed) = delivered().await;
    world.edit(feed, 10, "second", Updates::Resend, &["mail"]).await;
    assert_eq!(titles(&world.deliver(11).await), ["second"]);
    world.edit(feed, 20, "third", Updates::Resend, &["mail"]).await;
    world.edit(feed, 30, "fourth", Updates::Resend, &["mail"]).await;
    assert!(world.deliver(40).await.is_empty());
    assert_eq!(world.queue().len(), 1);
    assert!(world.deliver(10 + DAY - 1).await.is_empty());
    assert_eq!(titles(&world.deliver(10 + DAY).await), ["fourth"]);
}

#[tokio::test]
async fn a_clock_that_was_ahead_does_not_hold_a_revision_back() {
    let (world, feed) = delivered().await;
    world.edit(feed, 100 * DAY, "second", Updates::Resend, &["mail"]).await;
    assert_eq!(world.deliver(100 * DAY).await.len(), 1);
    world.edit(feed, 20, "third", Updates::Resend, &["mail"]).await;
    assert_eq!(titles(&world.deliver(21).await), ["third"]);
}

#[tokio::test]
async fn a_threaded_revision_knows_the_first_mail_and_what_was_seen_last() {
    let (world, feed) = delivered().await;
    let first = MessageId::derive(&uid("u", Keys::of(&entry("a"))), "mail", 0, "example.net");
    world.edit(feed, 10, "second", Updates::Thread, &["mail"]).await;
    let update = world.deliver(11).await[0].update.clone().unwrap();
    assert_eq!((&update.first, &update.former, &update.before), (&first, &first, &None), "its text was not kept");
    world.edit(feed, 2 * DAY, "third", Updates::Thread, &["mail"]).await;
    let update = world.deliver(2 * DAY).await[0].update.clone().unwrap();
    assert_eq!((update.first, update.before.as_deref()), (first, Some("second")));
    assert!(update.former.as_str().contains(".1@"));
    let run = world.store.start_run(at(100 * DAY)).await.unwrap();
    world.store.end_run(run, RunTotals::default(), at(200 * DAY)).await.unwrap();
    let texts: i64 = rusqlite::Connection::open(&world.path)
        .and_then(|connection| connection.query_row("SELECT count(*) FROM texts", [], |row| row.get(0)))
        .unwrap();
    assert_eq!(texts, 0, "kept for 90 days");
}

#[tokio::test]
async fn a_revision_goes_only_where_an_earlier_version_went_and_the_feed_still_goes() {
    let (world, feed) = delivered().await;
    world.edit(feed, 10, "second", Updates::Resend, &["later"]).await;
    assert!(world.queue().is_empty());
    world.edit(feed, 20, "third", Updates::Resend, &["later", "mail"]).await;
    assert_eq!(world.queue().iter().map(|item| item.sink.as_str()).collect::<Vec<_>>(), ["mail"]);
    assert_eq!(world.store.drop_waiting(feed, at(21)).await.unwrap(), 1);
    assert!(world.queue().is_empty());
}

#[tokio::test]
async fn what_was_dropped_by_hand_does_not_come_back_because_it_was_edited() {
    let world = World::new();
    let feed = world.feed("news").await;
    world.record(feed, None, &["a"]).await;
    assert_eq!(world.store.drop_deliveries(None, at(1)).await.unwrap(), [DeliveryId(1)]);
    world.edit(feed, 2, "second", Updates::Resend, &["mail"]).await;
    assert!(world.queue().is_empty());
}

#[tokio::test]
async fn entries_are_queued_again_as_long_as_they_are_kept() {
    let (world, feed) = delivered().await;
    let sinks = || vec![("mail".to_owned(), "example.net".to_owned())];
    let resent = world.store.resend(feed, 5, sinks(), at(10)).await.unwrap();
    assert_eq!((resent.queued.len(), resent.waiting.len(), resent.not_kept.len()), (1, 0, 0));
    let resent = world.store.resend(feed, 5, sinks(), at(11)).await.unwrap();
    assert_eq!((resent.queued.len(), resent.waiting.len()), (0, 1));
    let claimed = world.deliver(12).await;
    assert!(claimed[0].message_id.as_str().contains(".1@") && claimed[0].update.is_none());
    let run = world.store.start_run(at(13)).await.unwrap();
    world.store.end_run(run, RunTotals::default(), at(31 * DAY)).await.unwrap();
    let resent = world.store.resend(feed, 5, sinks(), at(31 * DAY)).await.unwrap();
    assert!(resent.queued.is_empty());
    assert!(resent.not_kept[0].message_id.as_ref().unwrap().contains(".1@"));
}
