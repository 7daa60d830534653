//! What is not delivered yet: why, until when, and what a person may do about it.

use serde_json::Value;

use crate::kit::{Page, Sandbox, Server, SmtpServer, fixture};

/// A home whose only sink is down, after a first run; and the server that can come up.
fn waiting() -> (Sandbox, SmtpServer) {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let server = SmtpServer::start();
    server.down();
    let reader = Sandbox::local().sink("mail", &server.sink()).feed("winds", publisher.url("/rss"));
    reader.poll();
    (reader, server)
}

#[test]
fn the_queue_tells_what_waits_for_whom_and_why() {
    let (reader, _server) = waiting();
    let queue = reader.queue();
    assert_eq!(queue.len(), 2);
    let first = queue.iter().find(|delivery| delivery["title"] == "The first entry").unwrap();
    assert_eq!(first["feed"], "winds");
    assert_eq!(first["sink"], "mail");
    assert_eq!(first["url"], "https://example.org/posts/one");
    assert_eq!(first["state"], "pending");
    assert!(first["message_id"].as_str().unwrap().contains('@'));
    assert!(queue.iter().any(|d| d["error"].as_str().is_some_and(|error| error.contains("refused"))), "{queue:#?}");
    assert!(queue.iter().all(|d| !d["id"].is_null() && d["attempts"].is_u64()), "{queue:#?}");
    reader.run(&["queue"]).succeeds().shows("The first entry").shows("mail");
}

#[test]
fn status_counts_the_queue_without_calling_the_feed_ill() {
    let (reader, _server) = waiting();
    let status = reader.facts(&["status"]);
    assert_eq!(status["queue"]["pending"], 2);
    assert_eq!(status["queue"]["failed"], 0);
    assert_eq!(status["feeds"][0]["state"], "ok");
}

#[test]
fn the_next_run_delivers_what_waits_oldest_first() {
    let (reader, server) = waiting();
    server.up();
    reader.poll().succeeds();
    let subjects: Vec<String> = server.mails().iter().map(|mail| mail.subject().to_owned()).collect();
    assert_eq!(subjects, ["The first entry", "The second entry"]);
    assert!(reader.queue().is_empty());
    assert_eq!(server.connections(), 1, "one connection a run");
}

#[test]
fn a_delivery_can_be_dropped() {
    let (reader, server) = waiting();
    let queue = reader.queue();
    let second = queue.iter().find(|delivery| delivery["title"] == "The second entry").unwrap();
    let id = match &second["id"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    reader.run(&["queue", "drop", &id]).succeeds();
    server.up();
    reader.poll().succeeds();
    reader.poll_again().succeeds();
    let subjects: Vec<String> = server.mails().iter().map(|mail| mail.subject().to_owned()).collect();
    assert_eq!(subjects, ["The first entry"]);
}

#[test]
fn after_many_failures_a_person_can_make_it_due_now() {
    let (reader, server) = waiting();
    for _ in 0..6 {
        reader.poll();
    }
    server.up();
    reader.run(&["queue", "retry", "--all"]).succeeds();
    reader.poll().succeeds();
    assert_eq!(server.mails().len(), 2);
}

#[test]
fn a_delivery_that_does_not_exist_is_named() {
    let (reader, _server) = waiting();
    reader.run(&["queue", "drop", "999999"]).fails().complains_of("999999");
    assert_eq!(reader.queue().len(), 2);
}

#[test]
fn a_feed_that_is_removed_says_what_it_leaves_in_the_queue() {
    let (reader, server) = waiting();
    let ids: Vec<i64> = reader.queue().iter().map(|item| item["id"].as_i64().unwrap()).collect();
    let told = reader.run(&["remove", "winds"]).succeeds().shows("2 deliveries stay in the queue, not delivered any more");
    assert!(told.stderr.contains(&format!("feeds queue drop {} {}", ids[0], ids[1])), "{}", told.stderr);
    server.up();
    reader.poll().succeeds();
    assert!(server.mails().is_empty() && reader.queue().len() == 2);
    let (reader, _server) = waiting();
    let told = reader.facts(&["remove", "winds"]);
    assert_eq!(told["waiting"][0]["feed"], "winds");
    assert_eq!(told["waiting"][0]["ids"].as_array().unwrap().len(), 2);
}

#[test]
fn a_feed_that_leaves_nothing_is_removed_in_a_word() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let reader = Sandbox::local().sink_maildir().feed("winds", publisher.url("/rss"));
    reader.poll().succeeds();
    assert_eq!(reader.run(&["remove", "winds"]).succeeds().stdout, "removed winds\n");
}
