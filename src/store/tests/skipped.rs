//! Feeds that are due in an hour that they skip, and intervals that change.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::*;
use crate::feed::Hints;
use crate::schedule::Habits;

/// 08:00 GMT, as `NOW` is.
const EIGHT: u8 = 8;

#[tokio::test]
async fn p29_a_feed_that_is_due_in_a_skipped_hour_is_put_off_but_for_force() {
    let world = World::new();
    let feed = world.feed("a").await;
    let history = world.store.history(feed).await.unwrap();
    let hints = Hints { skip_hours: BTreeSet::from([EIGHT, EIGHT + 1]), ..Hints::default() };
    let habits = Habits { hints, ..Habits::default() };
    let record = PollRecord {
        feed,
        run: None,
        polls: history.polls,
        asked_at: at(-7_200),
        next_poll: at(-600),
        because: "the feed's interval".into(),
        left_alone_until: None,
        fresh_until: None,
        bytes: Some(7),
        habits: habits.clone(),
        status: Some(200),
        answer: Answer::Unchanged { validators: None, moved_to: None },
    };
    world.store.record(record).await.unwrap();
    assert_eq!(world.store.history(feed).await.unwrap().habits, habits, "kept over an answer without a document");
    let due = async |now, force| {
        let run = world.store.start_run(at(now)).await.unwrap();
        let among: Arc<HashSet<_>> = Arc::new([feed].into());
        let claim = ClaimHosts {
            worker: run,
            now: at(now),
            most: 10,
            until: at(now + 600),
            patience: std::time::Duration::from_secs(300),
            force,
            among,
        };
        world.store.claim_hosts(claim).await.unwrap().len()
    };
    assert_eq!(due(600, false).await, 0);
    let status = View::open(&world.path).unwrap().unwrap().feeds(&[subscribed("a")]).unwrap().remove(0).unwrap();
    assert!(status.next_poll >= at(7_200) && status.next_poll <= at(7_200 + 1_800), "{}", status.next_poll);
    assert!(status.because.unwrap().contains("skips"));
    assert!(!world.store.is_anything_due(Vec::new(), at(700)).await.unwrap(), "nobody is woken for it");
    assert_eq!(due(700, true).await, 1);
    assert_eq!(due(7_200 + 1_800, false).await, 1);
}

#[tokio::test]
async fn p12_an_interval_counts_from_the_last_request_whoever_changes_it() {
    let world = World::new();
    let feed = world.feed("a").await;
    world.record(feed, None, &["x"]).await;
    let next = async |interval| {
        world.store.sync_one(Subscribed { interval, ..subscribed("a") }, at(60)).await.unwrap();
        let view = View::open(&world.path).unwrap().unwrap();
        view.feeds(&[subscribed("a")]).unwrap().remove(0).unwrap().next_poll.as_second() - NOW
    };
    assert_eq!(next(Some(7_200)).await, 7_200);
    assert_eq!(next(Some(1_800)).await, 1_800);
    assert_eq!(next(None).await, 1_800);
    assert_eq!(next(Some(40 * DAY)).await, 40 * DAY);
    assert_eq!(next(None).await, DAY, "an interval that is no longer set keeps nobody waiting");
}

const DAY: i64 = 86_400;
