//! What goes wrong stays alone, is named once, and loses nothing.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::kit::{Fault, Page, Sandbox, Server, SmtpServer, fixture};

/// A feed with `count` entries of its own.
fn feed_of(name: &str, count: usize) -> String {
    let item = |number: usize| {
        format!(
            "<item><title>{name} {number}</title><link>https://example.org/{name}/{number}</link><guid isPermaLink=\"false\">{name}-{number}</guid></item>"
        )
    };
    let items: String = (0..count).map(item).collect();
    format!("<rss version=\"2.0\"><channel><title>{name}</title><link>https://example.org/{name}</link>{items}</channel></rss>")
}

#[test]
fn of_twenty_feeds_the_good_ones_arrive_and_each_ill_one_is_named_once() {
    let publisher = Server::start();
    let silent = Server::start();
    silent.hang("/hang");
    silent.drip("/drip");
    publisher.serve("/malformed", Page::feed(fixture("malformed.xml")));
    publisher.serve("/html", Page::html(fixture("page_without_feeds.html")));
    publisher.serve("/empty", Page::feed(fixture("empty_channel.xml")));
    publisher.serve("/nothing", Page::feed(""));
    publisher.cut("/cut", Page::feed(fixture("two_entries.xml")));
    publisher.redirect("/loop", "/loop", 302);
    publisher.answer("/busy", 503, &[], "");
    publisher.answer("/secret", 403, &[], "");
    let mut reader = Sandbox::local().http("timeout = \"2s\"").sink_maildir().feed("empty", publisher.url("/empty"));
    for number in 0..9 {
        let name = format!("good{number}");
        publisher.serve(&format!("/{name}"), Page::feed(feed_of(&name, 2)));
        reader = reader.feed(&name, publisher.url(&format!("/{name}")));
    }
    let ill = ["lost", "malformed", "html", "nothing", "cut", "loop", "busy", "secret"];
    for name in ill {
        reader = reader.feed(name, publisher.url(&format!("/{name}")));
    }
    let reader = reader.feed("hang", silent.url("/hang")).feed("drip", silent.url("/drip"));

    let started = Instant::now();
    let ran = reader.poll().succeeds();
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert_eq!(reader.inbox().len(), 18);
    let status = reader.facts(&["status"]);
    let told = |state: &str| -> BTreeSet<&str> {
        let feeds = status["feeds"].as_array().unwrap().iter().filter(|feed| feed["state"] == state);
        feeds.map(|feed| feed["name"].as_str().unwrap()).collect()
    };
    assert_eq!(told("failing"), ill.into_iter().chain(["hang", "drip"]).collect());
    assert_eq!(told("ok").len(), 10);
    for (name, cause) in [("lost", "404"), ("busy", "503"), ("secret", "403"), ("loop", "redirect"), ("hang", "")] {
        let feed = reader.status_of(name);
        assert!(feed["error"].as_str().unwrap().contains(cause), "{feed}");
        assert_eq!(feed["failures"], 1);
        assert!(ran.stderr.contains(name), "{}", ran.stderr);
    }
}

#[test]
fn a_failure_is_an_error_once_and_then_lasts_quietly() {
    let publisher = Server::start();
    let reader = Sandbox::local().sink_maildir().feed("lost", publisher.url("/lost"));
    reader.poll().succeeds().complains_of("lost").complains_of("404");
    reader.poll_again().succeeds().quietly();
    assert_eq!(reader.status_of("lost")["failures"], 2);
    publisher.serve("/lost", Page::feed(fixture("two_entries.xml")));
    reader.poll_again().succeeds().quietly();
    let feed = reader.status_of("lost");
    assert_eq!((&feed["state"], &feed["failures"]), (&"ok".into(), &0.into()));
    assert_eq!(reader.inbox().len(), 2);
}

#[test]
fn a_feed_that_is_gone_is_declared_once_and_never_asked_again() {
    let publisher = Server::start();
    publisher.answer("/rss", 410, &[], "");
    let reader = Sandbox::local().sink_maildir().feed("winds", publisher.url("/rss"));
    reader.poll().fails_with(1).complains_of("winds").complains_of("410");
    for again in [&["run", "--once", "--force", "--only", "winds"][..], &["resume", "winds"]] {
        reader.run(again).succeeds().complains_of("says that it is gone (410)").complains_of("`feeds remove winds`");
    }
    reader.poll_again().succeeds();
    assert_eq!(publisher.requests().len(), 1);
    assert_eq!(reader.status_of("winds")["state"], "gone");
    assert_eq!(reader.run(&["status"]).code, Some(1));
    // What the help says is true.
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    reader.run(&["remove", "winds"]).succeeds();
    reader.run(&["add", "--name", "winds", &publisher.url("/rss")]).succeeds();
    reader.poll_again().succeeds();
    assert_eq!(reader.status_of("winds")["state"], "ok");
}

#[test]
fn a_publisher_that_asks_to_be_left_alone_is_left_alone_even_by_force() {
    let publisher = Server::start();
    publisher.answer("/rss", 429, &[("Retry-After", "7200")], "");
    let reader = Sandbox::local().sink_maildir().feed("winds", publisher.url("/rss"));
    reader.poll().succeeds();
    reader.poll_again().succeeds();
    assert_eq!(publisher.requests().len(), 1);
}

#[test]
fn the_validators_of_a_document_that_was_not_read_are_not_kept() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")).etag("\"whole\""));
    let reader = Sandbox::local().sink_maildir().feed("winds", publisher.url("/rss"));
    reader.poll().succeeds();
    publisher.cut("/rss", Page::feed(fixture("three_entries.xml")).etag("\"cut\""));
    reader.poll_again().succeeds();
    publisher.serve("/rss", Page::html("<p>Please log in</p>").etag("\"login\""));
    reader.poll_again().succeeds();
    publisher.serve("/rss", Page::feed(fixture("three_entries.xml")).etag("\"later\""));
    reader.poll_again().succeeds();
    let asked: Vec<Option<String>> =
        publisher.requests().iter().map(|request| request.header("If-None-Match").map(str::to_owned)).collect();
    let whole = Some("\"whole\"".to_owned());
    assert_eq!(asked, [None, whole.clone(), whole.clone(), whole]);
    assert_eq!(reader.inbox().len(), 3);
}

#[test]
fn a_document_over_the_limit_is_refused_whatever_its_packing() {
    let publisher = Server::start();
    // Served compressed: some 20 KiB on the wire, 20 MiB when unpacked: no document does that.
    publisher.serve("/bomb", Page::feed(" ".repeat(20 << 20)));
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let reader = Sandbox::local().sink_maildir().feed("bomb", publisher.url("/bomb")).feed("winds", publisher.url("/rss"));
    reader.poll().succeeds().complains_of("it unfolds to more than 200 times its size");
    assert_eq!(reader.inbox().len(), 2);
}

#[test]
fn what_a_mail_server_refuses_for_now_is_delivered_by_the_next_run() {
    let faults = [Fault::Greet421, Fault::Auth535, Fault::Mail4xx, Fault::Rcpt5xx, Fault::Data4xx, Fault::End4xx];
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    for fault in faults {
        let server = SmtpServer::start();
        server.fault(fault);
        let sink = format!("{}username = \"me\"\npassword = \"secret\"\n", server.sink());
        let reader = Sandbox::local().sink("mail", &sink).feed("winds", publisher.url("/rss"));
        assert!(matches!(reader.poll().code, Some(0 | 1)));
        assert!(server.mails().is_empty(), "{fault:?}");
        let queue = reader.queue();
        assert_eq!(queue.iter().filter(|delivery| delivery["state"] == "pending").count(), 2, "{fault:?}: {queue:#?}");
        server.heal();
        reader.run(&["queue", "retry", "--all"]).succeeds();
        reader.poll().succeeds();
        assert_eq!((server.mails().len(), server.message_ids().len()), (2, 2), "{fault:?}");
    }
}

#[test]
fn what_a_mail_server_will_never_take_is_given_up_and_a_person_is_told() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    for (fault, code) in [(Fault::End5xx, "554"), (Fault::TooBig, "552")] {
        let server = SmtpServer::start();
        server.fault(fault);
        let reader = Sandbox::local().sink("mail", &server.sink()).feed("winds", publisher.url("/rss"));
        reader.poll().fails_with(1).complains_of(code);
        let queue = reader.queue();
        assert!(queue.iter().all(|delivery| delivery["state"] == "failed"), "{fault:?}: {queue:#?}");
        assert!(queue[0]["error"].as_str().unwrap().contains(code), "{queue:#?}");
        reader.poll().succeeds();
        server.heal();
        reader.run(&["queue", "retry", "--all"]).succeeds();
        reader.poll().succeeds();
        assert_eq!(server.mails().len(), 2);
    }
}

#[test]
fn a_run_that_is_killed_at_any_moment_loses_nothing() {
    const FEEDS: usize = 5;
    const ENTRIES: usize = 20;
    let publisher = Server::start();
    let server = SmtpServer::start();
    let mut reader = Sandbox::local().sink_maildir().sink("mail", &server.sink());
    for number in 0..FEEDS {
        let name = format!("f{number}");
        publisher.serve(&format!("/{name}"), Page::feed(feed_of(&name, ENTRIES)).etag("\"a\""));
        reader = reader.feed(&name, publisher.url(&format!("/{name}")));
    }
    // Spread over the length of a run: from before anything is open to after the last mail.
    let mut killed = 0;
    for step in 0..15_u64 {
        let over = reader.spawn(&["run", "--once", "--force"]).killed_after(Duration::from_millis(10 + step * step * 4));
        killed += u32::from(!over);
    }
    assert!(killed > 3, "only {killed} runs were killed before their end");
    reader.poll_again().succeeds();
    assert!(reader.queue().is_empty(), "{:#?}", reader.queue());
    let wanted = FEEDS * ENTRIES;
    let inbox: BTreeSet<String> = reader.inbox().iter().map(|mail| mail.message_id().to_owned()).collect();
    assert_eq!((server.message_ids().len(), inbox.len()), (wanted, wanted));
    let copies = (server.mails().len() - wanted, reader.inbox().len() - wanted);
    let most = 8 * usize::try_from(killed).unwrap();
    assert!(copies.0 <= most && copies.1 <= most, "{copies:?} copies after {killed} kills");
}

#[test]
fn two_runs_at_once_are_ordinary() {
    let publisher = Server::start();
    publisher.hang("/hang");
    let reader = Sandbox::local().http("timeout = \"5s\"").sink_maildir().feed("hang", publisher.url("/hang"));
    let first = reader.spawn(&["run", "--once"]);
    crate::kit::wait::until("the first run's request", Duration::from_secs(20), || publisher.requests().first().cloned());
    let started = Instant::now();
    let second = reader.poll();
    assert!(second.code == Some(0) && !second.stderr.is_empty(), "{second:#?}");
    assert!(started.elapsed() < Duration::from_secs(4));
    first.ends().succeeds();
}
