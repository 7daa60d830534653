//! Commands that ask a source outside of a run keep the paces that runs have learned, and teach them what they learn.

use std::time::Duration;

use crate::kit::{Page, Sandbox, Server, fixture};

fn publisher() -> Server {
    let publisher = Server::start();
    for path in ["/a", "/b"] {
        publisher.serve(path, Page::feed(fixture("two_entries.xml")));
    }
    publisher
}

/// A reader that has asked for `/a` once.
fn reader_of(publisher: &Server) -> Sandbox {
    let reader = Sandbox::local().sink_maildir().feed("a", publisher.url("/a"));
    reader.poll();
    assert_eq!(publisher.requests().len(), 1);
    reader
}

fn change(reader: &Sandbox, sql: &str) {
    let changed = rusqlite::Connection::open(reader.database()).unwrap().execute(sql, []).unwrap();
    assert_eq!(changed, 1, "{sql}");
}

#[test]
fn what_a_host_asked_for_holds_for_all_commands() {
    let publisher = publisher();
    publisher.answer("/a", 429, &[("Retry-After", "7200")], "");
    let reader = reader_of(&publisher);
    let before = reader.config_text();
    reader.run(&["add", &publisher.url("/b")]).fails_with(1).complains_of("127.0.0.1 asks to be left alone until");
    reader.run(&["catchup", "a"]).fails_with(1).complains_of("left alone until");
    reader.run(&["show", &publisher.url("/b")]).fails_with(1).complains_of("left alone until");
    reader.run(&["run", "--once", "--dry-run", "--force"]).succeeds().quietly();
    assert_eq!(publisher.requests().len(), 1);
    assert_eq!(reader.config_text(), before);
}

#[test]
fn what_add_is_told_of_a_whole_host_is_remembered_though_nothing_is_subscribed() {
    let publisher = publisher();
    publisher.answer("/a", 429, &[("Retry-After", "7200")], "");
    let reader = Sandbox::local().sink_maildir();
    reader.run(&["add", &publisher.url("/a")]).fails_with(1).complains_of("429");
    reader.run(&["add", &publisher.url("/b")]).fails_with(1).complains_of("asks to be left alone until");
    assert_eq!(publisher.requests().len(), 1);
    reader.append(&format!("\n[feeds.b]\nurl = \"{}\"\n", publisher.url("/b")));
    reader.poll().succeeds();
    assert_eq!(publisher.requests().len(), 1, "a run obeys as well");
}

#[test]
fn a_pace_that_was_learned_or_set_is_kept_by_add_and_catchup() {
    let publisher = publisher();
    let reader = reader_of(&publisher);
    change(&reader, "UPDATE hosts SET pace = 2000, slowed_at = last_asked, eased_at = last_asked");
    reader.run(&["add", &publisher.url("/b"), "--name", "b"]).succeeds();
    reader.run(&["catchup", "a"]).succeeds();
    reader.append("\n[hosts.\"127.0.0.1\"]\ndelay = \"3s\"\n");
    reader.run(&["catchup", "a", "b"]).succeeds();
    let times: Vec<_> = publisher.requests().iter().map(|request| request.at).collect();
    let gaps: Vec<Duration> = times.windows(2).map(|two| two[1] - two[0]).collect();
    assert_eq!(gaps.len(), 4);
    for (gap, least) in gaps.iter().zip([2, 2, 3, 3]) {
        // Whoever writes down when a request came may be late by a moment.
        assert!(*gap >= Duration::from_secs(least - 1), "{gaps:?}");
    }
}

#[test]
fn a_turn_that_is_far_off_is_not_waited_for() {
    let publisher = publisher();
    let reader = reader_of(&publisher);
    reader.append("\n[hosts.\"127.0.0.1\"]\ndelay = \"2h\"\n");
    let before = reader.config_text();
    reader.run(&["add", &publisher.url("/b")]).fails_with(1).complains_of("its next turn is at");
    assert_eq!((publisher.requests().len(), reader.config_text()), (1, before));
}

#[test]
fn a_dry_run_asks_no_feed_in_an_hour_that_it_skips() {
    let publisher = publisher();
    let hour = feeds::clock::Clock::system().now().as_second() / 3_600 % 24;
    let skips = format!("<channel><skipHours><hour>{hour}</hour><hour>{}</hour></skipHours>", (hour + 1) % 24);
    publisher.serve("/a", Page::feed(fixture("two_entries.xml").replace("<channel>", &skips)));
    let reader = reader_of(&publisher);
    change(&reader, "UPDATE feeds SET next_poll = 0");
    reader.run(&["run", "--once", "--dry-run"]).succeeds().quietly();
    assert_eq!(publisher.requests().len(), 1);
    reader.run(&["run", "--once", "--dry-run", "--force"]).succeeds().shows("a: ");
    assert_eq!(publisher.requests().len(), 2);
}

#[test]
fn who_redirects_to_a_host_that_rests_is_not_asked_again_before_its_time() {
    let (publisher, other) = (publisher(), Server::start());
    publisher.answer("/a", 429, &[("Retry-After", "36000")], "");
    other.redirect("/moved", &publisher.url("/b"), 302);
    let reader = reader_of(&publisher);
    reader.append(&format!("\n[feeds.b]\nurl = \"{}\"\n", other.url("/moved").replace("127.0.0.1", "localhost")));
    reader.poll().complains_of("it redirects to a host that is not asked now: 127.0.0.1 asks to be left alone until");
    for _ in 0..3 {
        reader.run(&["run", "--once", "--force"]);
    }
    assert_eq!((other.requests().len(), publisher.requests().len()), (1, 1));
}

#[test]
fn a_host_that_says_nothing_costs_a_run_no_more_than_two_of_its_feeds() {
    let publisher = publisher();
    let mut reader = Sandbox::local().http("timeout = \"2s\"").sink_maildir();
    for name in ["a", "b", "c", "d", "e"] {
        publisher.hang(&format!("/{name}"));
        reader = reader.feed(name, publisher.url(&format!("/{name}")));
    }
    reader.poll();
    assert_eq!(publisher.requests().len(), 2);
    assert!(
        reader.facts(&["status", "e"])["feeds"][0].to_string().contains("waits for its turn"),
        "{}",
        reader.facts(&["status", "e"])
    );
    reader.poll();
    assert_eq!(publisher.requests().len(), 4, "the others come first in the next run");
}
