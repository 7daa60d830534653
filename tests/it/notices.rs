//! A feed that fails for days is told of once, by mail, and once more when it can be read again; `status` shows it first as long as
//! it lasts.

use crate::kit::{Page, Sandbox, Server, fixture};

const DAY: i64 = 86_400;

/// Lets the failures of all feeds have begun so many days earlier.
fn days_pass(reader: &Sandbox, days: i64) {
    let connection = rusqlite::Connection::open(reader.database()).unwrap();
    let sql = "UPDATE feeds SET failing_since = failing_since - ?1, last_attempt = last_attempt - ?1, told_at = told_at - ?1
               WHERE failing_since IS NOT NULL";
    connection.execute(sql, [days * DAY]).unwrap();
}

/// A reader whose inbox is told.
fn reader() -> Sandbox {
    let reader = Sandbox::local().sink_maildir();
    let text = format!("notices = [\"inbox\"]\n{}", reader.config_text());
    reader.config(&text)
}

fn feed(reader: &Sandbox, name: &str, url: &str) {
    reader.append(&format!("\n[feeds.{name}]\nurl = \"{url}\"\n"));
}

/// The subjects of what `feeds` itself has said.
fn told(reader: &Sandbox) -> Vec<String> {
    let notices = |mail: &crate::kit::Message| mail.header("List-Id").is_some_and(|list| list.contains("feeds-notices"));
    reader.inbox().into_iter().filter(notices).map(|mail| mail.subject().to_owned()).collect()
}

#[test]
fn p20_a_feed_that_is_missing_for_three_days_is_told_once_and_once_more_when_it_is_back() {
    let publisher = Server::start();
    publisher.answer("/a", 404, &[("Content-Type", "text/html")], "<title>Nothing here</title>");
    let reader = reader();
    feed(&reader, "winds", &publisher.url("/a"));
    reader.poll().succeeds().complains_of("404 Not Found: “Nothing here”");
    assert_eq!(told(&reader), [""; 0], "not on the first day");
    days_pass(&reader, 2);
    reader.poll_again().succeeds();
    assert_eq!(told(&reader), [""; 0]);

    days_pass(&reader, 1);
    reader.poll_again().fails_with(1).complains_of("3 times since");
    assert_eq!(told(&reader), ["The feed winds cannot be read"]);
    let text = reader.inbox().pop().and_then(|mail| mail.text()).unwrap();
    for words in ["The server answered 404 Not Found", "3 times in a row, first on", "asked again on", "What to do"] {
        assert!(text.contains(words), "no `{words}` in {text}");
    }
    reader.poll_again().succeeds();
    days_pass(&reader, 5);
    reader.poll_again().succeeds();
    assert_eq!(told(&reader).len(), 1, "told once");
    assert_eq!(reader.run(&["status"]).code, Some(1), "as long as it lasts");

    publisher.serve("/a", Page::feed(fixture("two_entries.xml")));
    reader.poll_again().succeeds();
    let mut subjects = told(&reader);
    subjects.sort();
    assert_eq!(subjects, ["The feed winds can be read again", "The feed winds cannot be read"]);
    reader.poll_again().succeeds();
    assert_eq!(told(&reader).len(), 2);
    reader.run(&["status"]).succeeds();
}

#[test]
fn p19_p20_a_gone_feed_is_told_at_once_and_a_refusal_after_three() {
    let publisher = Server::start();
    publisher.answer("/gone", 410, &[], "");
    publisher.answer("/secret", 403, &[], "");
    let reader = reader();
    feed(&reader, "old", &publisher.url("/gone"));
    feed(&reader, "club", &publisher.url("/secret"));
    reader.poll().fails_with(1);
    assert_eq!(told(&reader), ["The feed old is gone"]);
    reader.poll_again().succeeds();
    assert_eq!(told(&reader).len(), 1);
    reader.poll_again().fails_with(1);
    assert_eq!(told(&reader).len(), 2);
    reader.poll_again().succeeds();
    assert_eq!(publisher.requests_to("/gone").len(), 1);
}

#[test]
fn many_feeds_make_one_mail_and_status_shows_the_most_serious_first() {
    let publisher = Server::start();
    publisher.serve("/page", Page::html(fixture("page_without_feeds.html")));
    publisher.answer("/lost", 404, &[], "");
    publisher.answer("/down", 500, &[], "");
    publisher.serve("/good", Page::feed(fixture("two_entries.xml")));
    let reader = reader();
    for name in ["good", "down", "lost", "page"] {
        feed(&reader, name, &publisher.url(&format!("/{name}")));
    }
    reader.poll().succeeds();
    days_pass(&reader, 4);
    reader.poll_again().fails_with(1);
    assert_eq!(told(&reader), ["3 feeds cannot be read"]);
    let status = reader.facts(&["status"]);
    let rows: Vec<_> = status["feeds"].as_array().unwrap().iter().collect();
    let named: Vec<_> = rows.iter().map(|row| (row["name"].as_str().unwrap(), row["trouble"].as_str())).collect();
    assert_eq!(named, [("page", Some("page")), ("lost", Some("missing")), ("down", Some("server")), ("good", None)]);
    assert!(rows[0]["help"].as_str().unwrap().contains("feeds show page") && rows[0]["needs_person"] == true, "{status:#}");
}

#[test]
fn a_notice_waits_in_the_queue_like_any_mail() {
    let publisher = Server::start();
    publisher.answer("/gone", 410, &[], "");
    let reader = reader();
    reader.file("Mail", "no folder");
    feed(&reader, "old", &publisher.url("/gone"));
    reader.poll().fails_with(1);
    let queue = reader.queue();
    assert_eq!((queue.len(), queue[0]["title"].as_str()), (1, Some("The feed old is gone")));
    std::fs::remove_file(reader.home().join("Mail")).unwrap();
    reader.poll().succeeds();
    assert_eq!(told(&reader), ["The feed old is gone"]);
    assert!(reader.queue().is_empty());
}

#[test]
fn a_sink_for_links_takes_no_notices() {
    let reader =
        Sandbox::local().sink_maildir().sink("later", "type = \"linkding\"\nurl = \"http://127.0.0.1:1\"\ntoken = \"x\"");
    let text = format!("notices = [\"later\"]\n{}", reader.config_text());
    let reader = reader.config(&text);
    reader.run(&["check", "--offline"]).fails_with(2).complains_of("it takes links");
}

#[test]
fn a_feed_that_flaps_is_told_of_each_time_it_has_failed_for_days_and_not_before() {
    let publisher = Server::start();
    let reader = reader();
    feed(&reader, "winds", &publisher.url("/a"));
    for round in 1..=2_u8 {
        publisher.answer("/a", 500, &[], "");
        reader.poll_again();
        days_pass(&reader, 2);
        reader.poll_again().succeeds();
        publisher.serve("/a", Page::feed(fixture("two_entries.xml")));
        reader.poll_again().succeeds();
        assert_eq!(told(&reader).len(), 2 * usize::from(round - 1), "two days of trouble are none");
        publisher.answer("/a", 500, &[], "");
        reader.poll_again();
        // No two illnesses last equally long.
        days_pass(&reader, 3 * i64::from(round));
        reader.poll_again().fails_with(1);
        days_pass(&reader, i64::from(round));
        publisher.serve("/a", Page::feed(fixture("two_entries.xml")));
        reader.poll_again().succeeds();
        assert_eq!(told(&reader).len(), 2 * usize::from(round), "ill and well again, once each");
    }
}

#[test]
fn a_feed_that_is_removed_or_paused_is_told_of_no_more_and_one_that_comes_back_well_is() {
    let publisher = Server::start();
    for path in ["/a", "/b", "/c"] {
        publisher.answer(path, 404, &[], "");
    }
    let reader = reader();
    for name in ["a", "b", "c"] {
        feed(&reader, name, &publisher.url(&format!("/{name}")));
    }
    reader.poll().succeeds();
    days_pass(&reader, 4);
    reader.run(&["remove", "b"]).succeeds();
    reader.run(&["pause", "c"]).succeeds();
    reader.poll_again().fails_with(1);
    assert_eq!(told(&reader), ["The feed a cannot be read"]);
    reader.run(&["remove", "a"]).succeeds();
    publisher.serve("/c", Page::feed(fixture("two_entries.xml")));
    reader.run(&["resume", "c"]).succeeds();
    reader.poll_again().succeeds();
    assert_eq!(
        told(&reader).len(),
        1,
        "of what is gone from the configuration, and of what nobody was told, there is no more to say"
    );
    publisher.serve("/a", Page::feed(fixture("two_entries.xml")));
    feed(&reader, "a", &publisher.url("/a"));
    reader.poll_again().succeeds();
    let mut subjects = told(&reader);
    subjects.sort();
    assert_eq!(subjects, ["The feed a can be read again", "The feed a cannot be read"]);
}

#[test]
fn who_asks_for_notices_later_is_told_of_what_fails_by_then_once() {
    let publisher = Server::start();
    publisher.answer("/gone", 410, &[], "");
    let reader = Sandbox::local().sink_maildir();
    feed(&reader, "old", &publisher.url("/gone"));
    reader.poll().fails_with(1);
    assert!(reader.inbox().is_empty());
    let text = format!("notices = [\"inbox\"]\n{}", reader.config_text());
    let reader = reader.config(&text);
    reader.poll();
    reader.poll();
    assert_eq!(told(&reader), ["The feed old is gone"]);
}
