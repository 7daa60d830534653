//! What is new in a feed, and what is held because it only seems so.

use std::sync::LazyLock;

use crate::kit::{Page, Sandbox, Server};

/// The time that all ages count from: an entry's date does not move from one document to the next.
#[expect(clippy::disallowed_methods, reason = "the program under test asks the same clock")]
static NOW: LazyLock<jiff::Timestamp> = LazyLock::new(jiff::Timestamp::now);

/// An entry of a document: its number, its ids' and links' generation, and its age in days.
fn item(number: usize, generation: &str, age: i64) -> String {
    let published = *NOW - jiff::SignedDuration::from_hours(24 * age);
    let date = published.strftime("%a, %d %b %Y %H:%M:%S GMT");
    format!(
        "<item><title>Post {number} {generation}</title><link>https://{generation}.example/{number}</link>\
         <guid isPermaLink=\"false\">{generation}-{number}</guid><pubDate>{date}</pubDate></item>"
    )
}

fn document(items: impl IntoIterator<Item = String>) -> Page {
    let items: String = items.into_iter().collect();
    Page::feed(format!(
        "<rss version=\"2.0\"><channel><title>Winds</title><link>https://winds.example/</link>{items}</channel></rss>"
    ))
}

/// A reader that has had posts 1 to 5, of which the first is the newest.
fn reader_of(publisher: &Server) -> Sandbox {
    publisher.serve("/rss", document((1..=5).map(|n| item(n, "old", i64::try_from(n).unwrap()))));
    let reader = Sandbox::local().sink_maildir().feed("winds", publisher.url("/rss"));
    reader.poll().succeeds().quietly();
    assert_eq!(reader.inbox().len(), 5);
    reader
}

/// The same five posts under other ids and addresses, with other words, and a really new one.
fn migrated(publisher: &Server) {
    publisher.serve("/rss", document((0..=5).map(|n| item(n, "new", i64::try_from(n).unwrap()))));
}

#[test]
fn a_feed_whose_entries_all_become_new_is_held_but_for_what_is_dated_later_and_says_so_once() {
    let publisher = Server::start();
    let reader = reader_of(&publisher);
    migrated(&publisher);
    reader.poll_again().fails_with(1).complains_of("5 new entries held").complains_of("feeds queue release winds");
    assert_eq!(reader.inbox().len(), 6, "the one that is dated later");
    let status = reader.facts(&["status"]);
    assert_eq!((&status["feeds"][0]["state"], &status["queue"]["held"]), (&"held".into(), &5.into()));
    let queue = reader.queue();
    assert_eq!(queue.len(), 5);
    assert!(queue.iter().all(|held| held["state"] == "held" && held["error"].as_str().unwrap().contains("are remembered")));
    migrated(&publisher);
    reader.poll_again().succeeds().quietly();
    assert_eq!((reader.inbox().len(), reader.queue().len()), (6, 5), "neither delivered nor held a second time");
}

#[test]
fn what_is_held_goes_when_a_person_says_so() {
    let publisher = Server::start();
    let reader = reader_of(&publisher);
    migrated(&publisher);
    reader.poll_again().fails_with(1);
    reader.run(&["queue", "retry", "--all"]).succeeds();
    reader.poll().succeeds();
    assert_eq!(reader.inbox().len(), 6, "to retry all is no word on what is held");
    reader.run(&["queue", "release", "winds"]).succeeds().shows("5 deliveries");
    reader.poll().succeeds();
    assert_eq!((reader.inbox().len(), reader.queue().len()), (11, 0));
    assert_eq!(reader.status_of("winds")["state"], "ok");
    reader.run(&["queue", "release", "winds"]).succeeds().shows("nothing");
    reader.run(&["queue", "release", "nobody"]).fails_with(2).complains_of("nobody");
}

#[test]
fn what_is_held_can_be_dropped() {
    let publisher = Server::start();
    let reader = reader_of(&publisher);
    migrated(&publisher);
    reader.poll_again().fails_with(1);
    let id = reader.queue()[0]["id"].to_string();
    reader.run(&["queue", "drop", &id]).succeeds();
    reader.run(&["queue", "drop", "--held", "winds"]).succeeds().shows("4 deliveries");
    reader.poll_again().succeeds().quietly();
    assert_eq!((reader.inbox().len(), reader.queue().len()), (6, 0));
}

#[test]
fn more_new_entries_at_once_than_max_new_are_held() {
    let publisher = Server::start();
    let reader = reader_of(&publisher).defaults("max_new = 2");
    publisher.serve("/rss", document((1..=3).map(|n| item(n, "more", 0)).chain((1..=5).map(|n| item(n, "old", 9)))));
    let events = reader.run(&["run", "--once", "--force", "--json"]).fails_with(1).events();
    let held = events.iter().find(|event| event["event"] == "held").unwrap();
    assert_eq!((&held["feed"], &held["held"]), (&"winds".into(), &1.into()));
    assert!(held["error"].as_str().unwrap().contains("max_new = 2"), "{held}");
    assert_eq!((reader.inbox().len(), reader.queue().len()), (7, 1));
}

#[test]
fn what_is_held_on_top_of_what_is_held_is_told_but_neither_loudly_nor_twice() {
    let publisher = Server::start();
    let reader = reader_of(&publisher);
    migrated(&publisher);
    let said = "none of its 6 entries is known, though 5 entries of the feed are remembered";
    reader.poll_again().fails_with(1).complains_of(said);
    // The publisher does it once more.
    publisher.serve("/rss", document((0..=3).map(|n| item(n, "newer", 3 + i64::try_from(n).unwrap()))));
    let told = reader.run(&["run", "--once", "--force", "--json"]).succeeds();
    assert!(told.stderr.is_empty(), "{}", told.stderr);
    let events = told.events();
    let held = events.iter().find(|event| event["event"] == "held").unwrap();
    assert_eq!((&held["held"], &held["first"]), (&4.into(), &false.into()), "{held}");
    let status = reader.status_of("winds");
    assert_eq!((&status["state"], &status["held"]), (&"held".into(), &9.into()), "{status}");
    assert!(status["held_since"].is_string(), "{status}");
    assert!(status["held_because"].as_str().unwrap().starts_with("none of its 4 entries is known"), "{status}");
    reader.run(&["status", "winds"]).shows("9 deliveries since").shows("none of its 4 entries is known");
    assert_eq!((reader.inbox().len(), reader.queue().len()), (6, 9));
}

#[test]
fn a_dry_run_says_what_would_be_held() {
    let publisher = Server::start();
    let reader = reader_of(&publisher);
    migrated(&publisher);
    reader
        .run(&["run", "--once", "--force", "--dry-run"])
        .succeeds()
        .shows("1 would be delivered")
        .shows("5 entries would be held");
    assert!(reader.queue().is_empty());
}

#[test]
fn an_entry_that_leaves_and_returns_is_not_new_and_an_old_late_comer_is_only_remembered() {
    let publisher = Server::start();
    let reader = reader_of(&publisher);
    publisher.serve("/rss", document([item(1, "old", 1)]));
    reader.poll_again().succeeds();
    publisher.serve("/rss", document([item(5, "old", 5), item(1, "old", 1), item(6, "old", 60)]));
    reader.poll_again().succeeds().quietly();
    assert_eq!((reader.inbox().len(), reader.queue().len()), (5, 0));
    publisher.serve("/rss", document([item(6, "old", 0)]));
    reader.poll_again().succeeds();
    assert_eq!(reader.inbox().len(), 5, "remembered once, known for ever");
}

#[test]
fn a_feed_that_is_removed_and_added_again_repeats_nothing() {
    let publisher = Server::start();
    let reader = reader_of(&publisher);
    reader.run(&["remove", "winds"]).succeeds();
    reader.poll().succeeds();
    publisher.serve("/rss", document((0..=5).map(|n| item(n, "old", i64::try_from(n).unwrap()))));
    reader.run(&["add", &publisher.url("/rss"), "--name", "other"]).succeeds();
    reader.poll().succeeds();
    assert_eq!(reader.inbox().len(), 6, "only what appeared meanwhile");
}

#[test]
fn only_a_document_that_was_read_touches_memory() {
    let publisher = Server::start();
    let reader = reader_of(&publisher);
    let whole = document((1..=5).map(|n| item(n, "old", i64::try_from(n).unwrap())));
    publisher.cut("/rss", whole.clone());
    reader.poll_again();
    publisher.serve("/rss", Page::html("<p>Down for maintenance</p>"));
    reader.poll_again();
    publisher.serve("/rss", Page::feed(""));
    reader.poll_again();
    publisher.serve("/rss", document([]));
    reader.poll_again();
    publisher.answer("/rss", 500, &[], "");
    reader.poll_again();
    publisher.serve("/rss", whole);
    reader.poll_again().succeeds();
    assert_eq!((reader.inbox().len(), reader.queue().len()), (5, 0));
}

#[test]
fn identity_can_be_narrowed_for_a_feed() {
    let publisher = Server::start();
    let reader = reader_of(&publisher).defaults("identity = \"link\"");
    publisher.serve(
        "/rss",
        document([item(1, "old", 1).replace("old-1", "random"), item(2, "old", 2).replace("old.example", "moved.example")]),
    );
    reader.poll_again().succeeds();
    assert_eq!(reader.inbox().len(), 6, "another link is another entry");
    let wrong = Sandbox::local().sink_maildir().feed_with("winds", publisher.url("/rss"), "identity = \"guid\"");
    wrong.poll().fails_with(2).complains_of("guid").complains_of("identity");
}
