//! The rules of the queue on a real file: stories, short forms, clocks that jump, and cleaning up.

use super::*;
use crate::delivery::DeliveryId;

/// The number of rows of a table.
fn rows(world: &World, table: &str) -> i64 {
    let connection = open::for_reading(&world.path).unwrap();
    connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

const DAY: i64 = 86_400;

#[tokio::test]
async fn a_story_that_several_feeds_carry_arrives_once_and_names_them() {
    let world = World::new();
    let ids = world.store.sync(["a", "b", "c"].map(subscribed).into(), at(0)).await.unwrap();
    world.record_stories(ids[0], &[("1", "example.org/x")]).await;
    world.record_stories(ids[2], &[("1", "example.org/x"), ("2", "example.org/y")]).await;
    world.record_stories(ids[1], &[("9", "example.org/x")]).await;
    let run = world.store.start_run(at(1)).await.unwrap();
    let early = ClaimDeliveries { all_asked: false, ..World::wanted(run, 1, true) };
    assert!(world.store.claim_deliveries(early).await.unwrap().is_empty(), "other feeds may have it too");
    let claimed = world.claim(run, 1, true).await;
    assert_eq!(claimed.iter().map(|claim| claim.also_in.join(" ")).collect::<Vec<_>>(), ["b c", ""]);
    for claim in claimed {
        world.finish(run, claim.id, Settled::Delivered { receipt: "ok".into() }).await;
    }
    assert!(world.queue().is_empty(), "its twins are not needed");
    let late = world.store.sync(["a", "b", "c", "d"].map(subscribed).into(), at(2)).await.unwrap()[3];
    world.record_stories(late, &[("1", "example.org/x")]).await;
    assert!(world.queue().is_empty(), "nor is a late one");
}

#[tokio::test]
async fn what_waits_behind_another_feeds_story_is_not_counted_as_queued() {
    let world = World::new();
    let ids = world.store.sync(["a", "b"].map(subscribed).into(), at(0)).await.unwrap();
    let first = world.record_stories(ids[0], &[("1", "example.org/x"), ("2", "example.org/y")]).await;
    assert_eq!(first, Recorded::Done { queued: 2 });
    let second = world.record_stories(ids[1], &[("1", "example.org/x"), ("3", "example.org/z")]).await;
    assert_eq!((second, world.queue().len()), (Recorded::Done { queued: 1 }, 4));
    let held = world.record_stories_held(ids[1], &[("4", "example.org/v")], Some("too many")).await;
    assert_eq!((held, world.queue().len()), (Recorded::Done { queued: 0 }, 5));
}

#[tokio::test]
async fn a_held_story_that_another_feed_told_meanwhile_does_not_go_when_it_is_released() {
    let world = World::new();
    let ids = world.store.sync(["a", "b"].map(subscribed).into(), at(0)).await.unwrap();
    let stories = [("1", "example.org/x"), ("2", "example.org/y")];
    world.record_stories_held(ids[0], &stories, Some("too many")).await;
    assert_eq!(world.record_stories(ids[1], &[("1", "example.org/x")]).await, Recorded::Done { queued: 1 });
    let run = world.store.start_run(at(1)).await.unwrap();
    let twin = world.claim(run, 1, true).await.remove(0);
    world.finish(run, twin.id, Settled::Delivered { receipt: "ok".into() }).await;
    let (going, told) = world.store.release(ids[0], at(2)).await.unwrap();
    assert_eq!((going.len(), told), (1, 1), "the other one");
    let claimed = world.claim(run, 3, true).await;
    assert_eq!((claimed.len(), world.queue().len()), (1, 1));
}

#[tokio::test]
async fn a_held_story_that_another_feed_tells_this_moment_waits_when_it_is_released() {
    let world = World::new();
    let ids = world.store.sync(["a", "b"].map(subscribed).into(), at(0)).await.unwrap();
    world.record_stories_held(ids[0], &[("1", "example.org/x")], Some("too many")).await;
    world.record_stories(ids[1], &[("1", "example.org/x")]).await;
    let run = world.store.start_run(at(1)).await.unwrap();
    let twin = world.claim(run, 1, true).await.remove(0);
    world.store.release(ids[0], at(2)).await.unwrap();
    assert!(world.claim(run, 3, true).await.is_empty(), "its twin is under way");
    world.finish(run, twin.id, again(900, false)).await;
    let released = world.claim(run, 4, true).await.remove(0);
    assert_eq!(released.feed, ids[0], "the twin was not taken");
    world.finish(run, released.id, Settled::Delivered { receipt: "ok".into() }).await;
    assert!(world.queue().is_empty());
}

#[tokio::test]
async fn a_story_that_never_arrives_from_one_feed_arrives_from_the_next() {
    let world = World::new();
    let ids = world.store.sync(["a", "b"].map(subscribed).into(), at(0)).await.unwrap();
    world.record_stories(ids[0], &[("1", "example.org/x")]).await;
    world.record_stories(ids[1], &[("1", "example.org/x")]).await;
    let run = world.store.start_run(at(1)).await.unwrap();
    let first = world.claim(run, 1, true).await;
    assert_eq!(first.len(), 1);
    assert!(world.claim(run, 1, true).await.is_empty(), "the second waits for what becomes of the first");
    world.finish(run, first[0].id, Settled::Failed { error: "554 no".into() }).await;
    assert_eq!(world.claim(run, 1, true).await[0].feed, ids[1]);
}

#[tokio::test]
async fn a_link_that_several_entries_of_a_feed_have_is_no_story() {
    let world = World::new();
    let ids = world.store.sync(["a", "b"].map(subscribed).into(), at(0)).await.unwrap();
    world.record_stories(ids[0], &[("1", "example.org"), ("2", "example.org")]).await;
    world.record_stories(ids[1], &[("1", "example.org")]).await;
    assert_eq!(world.queue().len(), 3);
}

#[tokio::test]
async fn a_story_whose_delivery_was_dropped_goes_with_the_next_feed_that_has_it() {
    let world = World::new();
    let ids = world.store.sync(["a", "b", "c"].map(subscribed).into(), at(0)).await.unwrap();
    world.record_stories(ids[0], &[("1", "example.org/x")]).await;
    world.store.drop_deliveries(None, at(1)).await.unwrap();
    world.record_stories(ids[1], &[("1", "example.org/x")]).await;
    world.record_stories(ids[2], &[("1", "example.org/x")]).await;
    assert_eq!(world.queue().iter().map(|item| item.feed.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    let run = world.store.start_run(at(1)).await.unwrap();
    assert_eq!(world.claim(run, 1, true).await.len(), 1);
}

#[tokio::test]
async fn a_short_form_goes_once_under_an_id_of_its_own_and_a_retry_by_hand_is_whole_again() {
    let world = World::new();
    let feed = world.feed("news").await;
    world.record(feed, None, &["a"]).await;
    let run = world.store.start_run(at(0)).await.unwrap();
    let whole = world.claim(run, 0, true).await.remove(0);
    let smaller = Settled::Smaller { message_id: whole.message_id.small(), error: "552 too big".into() };
    world.finish(run, whole.id, smaller).await;
    let short = world.claim(run, 1, false).await.remove(0);
    assert_eq!((short.id, short.small.as_deref()), (whole.id, Some("552 too big")));
    assert_eq!(short.message_id, whole.message_id.small());
    world.finish(run, short.id, Settled::Failed { error: "552 too big".into() }).await;
    world.store.retry(None, at(2)).await.unwrap();
    let again = world.claim(run, 2, false).await.remove(0);
    assert_eq!((again.small, again.message_id), (None, whole.message_id));
}

#[tokio::test]
async fn a_clock_that_jumps_holds_no_delivery_up() {
    let world = World::new();
    let feed = world.feed("news").await;
    world.record(feed, None, &["a", "b", "c"]).await;
    let run = world.store.start_run(at(0)).await.unwrap();
    let claimed = world.claim(run, 0, true).await;
    world.finish(run, claimed[0].id, again(300, false)).await;
    world.finish(run, claimed[1].id, again(3 * DAY, true)).await;
    world.finish(run, claimed[2].id, Settled::NotTried).await;
    let due = async |now| {
        let run = world.store.start_run(at(now)).await.unwrap();
        let due = world.store.is_any_due(World::wanted(run, now, false)).await.unwrap();
        let claimed = world.claim(run, now, false).await;
        assert_eq!(due, !claimed.is_empty());
        let ids: Vec<DeliveryId> = claimed.into_iter().map(|claim| claim.id).collect();
        for id in &ids {
            world.finish(run, *id, Settled::NotTried).await;
        }
        ids
    };
    let [a, b, c] = [0, 1, 2].map(|place| claimed[place].id);
    assert_eq!(due(1).await, [c]);
    assert_eq!(due(-DAY).await, [a, c], "a day back: our own wait was never that long; the sink's wish may be");
    assert_eq!(due(-NOW).await, [a, b, c], "1970");
    assert_eq!(due(30 * DAY).await, [a, b, c]);
}

#[tokio::test]
async fn a_clock_that_was_set_back_keeps_no_feed_waiting_and_no_host_resting() {
    let world = World::new();
    let ids = world.store.sync(["a", "b", "c"].map(subscribed).into(), at(0)).await.unwrap();
    for id in &ids {
        world.record(*id, None, &["x"]).await;
    }
    // One publisher, and one whole host, asked to be left alone for two days.
    let history = world.store.history(ids[1]).await.unwrap();
    let answer = Answer::Failed { error: "429".into(), trouble: crate::trouble::Trouble::Server };
    let (next_poll, because) = (at(2 * DAY), "Retry-After".to_owned());
    let record = PollRecord {
        feed: ids[1],
        run: None,
        polls: history.polls,
        asked_at: at(0),
        next_poll,
        because,
        left_alone_until: Some(next_poll),
        fresh_until: None,
        bytes: None,
        habits: crate::schedule::Habits::default(),
        status: None,
        answer,
    };
    world.store.record(record).await.unwrap();
    world.asked(None, "c.example", Some(at(0)), Some(at(2 * DAY))).await.unwrap();
    let among: std::sync::Arc<std::collections::HashSet<_>> = std::sync::Arc::new(ids.into_iter().collect());
    let due = async |now| {
        let run = world.store.start_run(at(now)).await.unwrap();
        let claim = ClaimHosts {
            worker: run,
            now: at(now),
            most: 10,
            patience: Duration::ZERO,
            until: at(now + 600),
            force: false,
            among: among.clone(),
        };
        let claims = world.store.claim_hosts(claim).await.unwrap();
        claims.into_iter().map(|claim| claim.host.replace(".example", "")).collect::<String>()
    };
    assert_eq!(due(60).await, "");
    assert_eq!(due(-DAY).await, "a", "asked for tomorrow by a clock that went wrong; a publisher's wish still holds");
    assert_eq!(due(-NOW).await, "acb", "1970: no wish is that long");
    assert_eq!(due(30 * DAY).await, "acb");
}

#[tokio::test]
async fn what_is_no_longer_needed_goes_a_part_in_each_run() {
    let world = World::new();
    let ids = world.store.sync(["old", "kept"].map(subscribed).into(), at(0)).await.unwrap();
    let titles: Vec<String> = (0..1_500).map(|number| number.to_string()).collect();
    world.record(ids[0], None, &titles.iter().map(String::as_str).collect::<Vec<_>>()).await;
    world.record_stories(ids[0], &[("s", "example.org/s")]).await;
    world.record(ids[1], None, &["x"]).await;
    world.asked(None, "old.example", Some(at(0)), None).await.unwrap();
    world.asked(None, "kept.example", Some(at(0)), None).await.unwrap();
    world.store.sync(vec![subscribed("kept")], at(1)).await.unwrap();
    let clean = async |now| {
        let run = world.store.start_run(at(now)).await.unwrap();
        world.store.end_run(run, RunTotals::default(), at(now)).await.unwrap();
    };
    clean(364 * DAY).await;
    assert_eq!((rows(&world, "entries"), rows(&world, "stories")), (1_502, 0), "stories are over after 30 days");
    for day in 366..369 {
        clean(day * DAY).await;
    }
    let left = ["feeds", "entries", "payloads", "deliveries", "hosts"].map(|table| rows(&world, table));
    assert_eq!(left, [1, 1, 1, 1, 1]);
    let keys: i64 = rows(&world, "keys");
    assert_eq!(keys, 2);
    assert_eq!(View::open(&world.path).unwrap().unwrap().last_runs(2).unwrap().len(), 2);
}

#[tokio::test]
async fn a_delivery_whose_recipient_is_refused_keeps_its_own_failures() {
    let world = World::new();
    let feed = world.feed("news").await;
    world.record(feed, None, &["a"]).await;
    for day in 0..20 {
        let run = world.store.start_run(at(day * DAY)).await.unwrap();
        let claim = world.claim(run, day * DAY, true).await.remove(0);
        assert_eq!(i64::from(claim.failures), day.min(4), "each new run tries, and nothing is given up for it");
        let error = "550 no such user".to_owned();
        let next_attempt = at((day + 5) * DAY);
        world.finish(run, claim.id, Settled::Again { next_attempt, asked: false, error, most_failures: 4 }).await;
    }
    assert!(world.queue()[0].next_run);
}

#[tokio::test]
async fn what_was_claimed_when_processes_ended_is_claimed_alone_and_after_all_else() {
    let world = World::new();
    let feed = world.feed("news").await;
    world.record(feed, None, &["a", "b"]).await;
    for _ in 0..2 {
        let run = world.store.start_run(at(1)).await.unwrap();
        assert_eq!(world.claim(run, 1, true).await.len(), 2);
    }
    let run = world.store.start_run(at(1)).await.unwrap();
    world.record(feed, None, &["c"]).await;
    let early = ClaimDeliveries { all_asked: false, ..World::wanted(run, 1, true) };
    let first = world.store.claim_deliveries(early).await.unwrap();
    assert_eq!(first.iter().map(|claim| claim.crashes).collect::<Vec<_>>(), [0], "what may end this one too waits");
    world.finish(run, first[0].id, Settled::Delivered { receipt: "ok".into() }).await;
    let suspect = world.claim(run, 1, true).await;
    assert_eq!(suspect.iter().map(|claim| claim.crashes).collect::<Vec<_>>(), [2]);
    world.finish(run, suspect[0].id, again(900, false)).await;
    let other = world.claim(run, 1, true).await;
    assert_eq!((other.len(), other[0].crashes), (1, 2));
    assert_ne!(other[0].id, suspect[0].id);
    // What had an outcome is no suspect any more.
    assert_eq!(world.claim(run, 901, false).await[0].crashes, 0);
}
