//! `feeds run --once`: what is asked of a publisher, what is new, and what is delivered.

use crate::kit::{Page, Sandbox, Server, fixture};

fn subjects(reader: &Sandbox) -> Vec<String> {
    let mut subjects: Vec<String> = reader.inbox().iter().map(|mail| mail.subject().to_owned()).collect();
    subjects.sort();
    subjects
}

fn reader_of(publisher: &Server) -> Sandbox {
    Sandbox::local().sink_maildir().feed("winds", publisher.url("/rss"))
}

#[test]
fn each_entry_of_a_feed_is_mailed_once_and_quietly() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let reader = reader_of(&publisher);
    reader.poll().succeeds().quietly();
    assert_eq!(subjects(&reader), ["The first entry", "The second entry"]);
    reader.poll_again().succeeds().quietly();
    assert_eq!(reader.inbox().len(), 2);
}

#[test]
fn a_feed_is_not_asked_before_its_interval_is_over() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let reader = reader_of(&publisher);
    reader.poll().succeeds();
    reader.poll().succeeds();
    assert_eq!(publisher.requests().len(), 1);
}

#[test]
fn the_second_poll_asks_only_for_what_is_new() {
    let publisher = Server::start();
    // Neither is well-formed; both come back byte for byte.
    let page = Page::feed(fixture("two_entries.xml")).etag("W/\"a:1\"").last_modified("Mon, 5 Jan 2026 08:00:00 +0000");
    publisher.serve("/rss", page);
    let reader = reader_of(&publisher);
    reader.poll().succeeds();
    reader.poll_again().succeeds();
    let requests = publisher.requests();
    assert_eq!(requests.len(), 2);
    assert!(!requests[0].is_conditional());
    assert_eq!(requests[1].header("If-None-Match"), Some("W/\"a:1\""));
    assert_eq!(requests[1].header("If-Modified-Since"), Some("Mon, 5 Jan 2026 08:00:00 +0000"));
}

#[test]
fn a_validator_that_was_not_given_is_not_invented() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let reader = reader_of(&publisher);
    reader.poll().succeeds();
    reader.poll_again().succeeds();
    assert!(publisher.requests().iter().all(|request| !request.is_conditional()));
}

#[test]
fn a_request_is_honest_and_bare() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")).header("Set-Cookie", "id=1"));
    let reader = reader_of(&publisher);
    reader.poll().succeeds();
    reader.poll_again().succeeds();
    for request in publisher.requests() {
        assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/rss"));
        assert!(request.header("User-Agent").unwrap().starts_with("feeds/"), "{request:?}");
        assert!(request.header("Accept-Encoding").unwrap().contains("gzip"), "{request:?}");
        assert!(request.header("Cookie").is_none() && request.header("Referer").is_none(), "{request:?}");
    }
}

#[test]
fn only_what_is_new_in_a_feed_is_mailed() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")).etag("\"2\""));
    let reader = reader_of(&publisher);
    reader.poll().succeeds();
    publisher.serve("/rss", Page::feed(fixture("three_entries.xml")).etag("\"3\""));
    reader.poll_again().succeeds();
    assert_eq!(subjects(&reader), ["The first entry", "The second entry", "The third entry"]);
}

#[test]
fn an_entry_is_mailed_once_even_if_its_title_changes() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let reader = reader_of(&publisher);
    reader.poll().succeeds();
    publisher.serve("/rss", Page::feed(fixture("two_entries_one_retitled.xml")));
    reader.poll_again().succeeds();
    assert_eq!(reader.inbox().len(), 2);
}

#[test]
fn of_a_new_feed_one_entry_is_mailed_where_nothing_else_is_said() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("three_entries.xml")));
    let reader = Sandbox::new().http_local().sink_maildir().feed("winds", publisher.url("/rss"));
    reader.poll().succeeds();
    assert_eq!(subjects(&reader), ["The third entry"]);
    reader.poll_again().succeeds();
    assert_eq!(reader.inbox().len(), 1);
}

#[test]
fn every_format_of_feed_is_delivered() {
    let publisher = Server::start();
    let formats = [
        ("atom", "atom.xml", "application/atom+xml"),
        ("json", "json_feed.json", "application/feed+json"),
        ("rdf", "rss1.rdf", "application/rdf+xml"),
        ("rss", "demo.xml", "application/rss+xml"),
    ];
    let mut reader = Sandbox::local().sink_maildir();
    for (name, file, content_type) in formats {
        publisher.serve(&format!("/{name}"), Page::of(fixture(file), content_type));
        reader = reader.feed(name, publisher.url(&format!("/{name}")));
    }
    reader.poll().succeeds().quietly();
    assert_eq!(
        subjects(&reader),
        [
            "A keeper’s log: three storms & a quiet “Föhn”",
            "Coral keeps its own calendar",
            "Counting waves with ten lines of code",
            "Planks, and what holds them",
            "Tides & tables",
            "Why the loom stands in the lantern room",
        ]
    );
}

#[test]
fn a_file_is_a_source_too() {
    let reader = Sandbox::local().sink_maildir().feed("near", "near.xml").feed_with("paused", "far.xml", "paused = true");
    reader.file(".config/feeds/near.xml", &fixture("two_entries.xml"));
    reader.poll().succeeds().quietly();
    assert_eq!(reader.inbox().len(), 2);
}

#[test]
fn a_feed_that_moved_for_good_keeps_its_history_and_is_asked_at_its_new_place() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let reader = reader_of(&publisher);
    reader.poll().succeeds();
    publisher.redirect("/rss", "/moved", 301);
    publisher.serve("/moved", Page::feed(fixture("three_entries.xml")).etag("\"m\""));
    reader.poll_again().succeeds();
    assert_eq!(reader.inbox().len(), 3);
    assert_eq!(reader.status_of("winds")["moved_to"], publisher.url("/moved"));
    reader.poll_again().succeeds();
    assert_eq!(publisher.requests_to("/rss").len(), 2);
    assert_eq!(publisher.requests_to("/moved")[1].header("If-None-Match"), Some("\"m\""));
}

#[test]
fn a_redirect_for_now_is_followed_each_time() {
    let publisher = Server::start();
    publisher.redirect("/rss", "/today", 302);
    publisher.serve("/today", Page::feed(fixture("two_entries.xml")));
    let reader = reader_of(&publisher);
    reader.poll().succeeds();
    reader.poll_again().succeeds();
    assert_eq!(publisher.requests_to("/rss").len(), 2);
    assert!(reader.status_of("winds")["moved_to"].is_null());
}

#[test]
fn a_dry_run_shows_what_is_new_and_writes_nothing() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let reader = reader_of(&publisher);
    reader.run(&["run", "--once", "--dry-run"]).succeeds().shows("The second entry");
    assert!(reader.inbox().is_empty() && !reader.database().exists());
    reader.poll().succeeds();
    assert_eq!(reader.inbox().len(), 2);
}

#[test]
fn one_feed_alone_can_be_polled() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let reader = reader_of(&publisher).feed("other", publisher.url("/other"));
    reader.run(&["run", "--once", "--only", "winds"]).succeeds();
    assert_eq!(publisher.requests().len(), 1);
    reader.run(&["run", "--once", "--only", "nobody"]).fails_with(2).complains_of("nobody");
}

#[test]
fn a_run_tells_its_events_as_json_a_line_each() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")).etag("\"2\""));
    let reader = reader_of(&publisher).feed("lost", publisher.url("/lost"));
    let count = |events: &[serde_json::Value], name: &str| events.iter().filter(|event| event["event"] == name).count();
    let events = reader.run(&["run", "--once", "--json"]).succeeds().events();
    let counts = ["fetched", "fetch_failed", "delivered", "summary"].map(|name| count(&events, name));
    assert_eq!(counts, [1, 1, 2, 1], "{events:#?}");
    let events = reader.run(&["run", "--once", "--force", "--json"]).succeeds().events();
    assert_eq!([count(&events, "unchanged"), count(&events, "delivered")], [1, 0], "{events:#?}");
}

#[test]
fn a_hundred_feeds_of_one_host_are_each_asked_once_and_all_are_delivered() {
    let publisher = Server::start();
    let mut reader = Sandbox::local().sink_maildir();
    for number in 0..100 {
        let text = fixture("two_entries.xml").replace("example.org", &format!("f{number}.example.org"));
        publisher.serve(&format!("/{number}"), Page::feed(text));
        reader = reader.feed(&format!("f{number}"), publisher.url(&format!("/{number}")));
    }
    reader.poll().succeeds().quietly();
    assert_eq!((publisher.requests().len(), reader.inbox().len()), (100, 200));
}
