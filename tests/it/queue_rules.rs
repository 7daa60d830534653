//! The rules of the queue: what is refused, what cannot be made, how fast it goes, what goes once, and what a run tells
//! while it is under way.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::kit::{Fault, Page, Sandbox, Server, SmtpServer, fixture, wait};

/// A feed with entries of these titles and bodies, oldest first.
fn feed_of(entries: &[(&str, &str)]) -> Page {
    let item = |(number, (title, body)): (usize, &(&str, &str))| {
        let link = format!("https://example.org/posts/{}", title.replace(' ', "-"));
        format!(
            "<item><title>{title}</title><link>{link}</link><guid>{link}</guid><description>{body}</description>\
             <pubDate>Mon, 05 Jan 2026 08:{number:02}:00 GMT</pubDate></item>"
        )
    };
    let items: String = entries.iter().enumerate().map(item).collect();
    Page::feed(format!("<rss version=\"2.0\"><channel><title>Posts</title>{items}</channel></rss>"))
}

fn subjects(server: &SmtpServer) -> Vec<String> {
    server.mails().iter().map(|mail| mail.subject().to_owned()).collect()
}

fn delivered(server: &SmtpServer, count: usize) {
    let there = || (server.mails().len() >= count).then_some(());
    wait::until("a mail", Duration::from_secs(20), there);
}

#[test]
fn what_is_too_large_for_the_server_goes_once_as_a_short_mail_with_the_link() {
    let publisher = Server::start();
    publisher.serve("/rss", feed_of(&[("small", "a"), ("large", &"word ".repeat(4_000)), ("last", "b")]));
    let server = SmtpServer::start();
    server.fault(Fault::Over(10_000));
    let reader = Sandbox::local().sink("mail", &server.sink()).feed("posts", publisher.url("/rss"));
    reader.poll().succeeds().quietly();
    assert_eq!(subjects(&server), ["small", "last", "large"]);
    let mails = server.mails();
    let text = mails[2].text().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("https://example.org/posts/large") && text.contains("552 5.3.4 message too big"), "{text}");
    assert!(mails[2].message_id().contains(".0s@"), "another content is another message: {}", mails[2].message_id());
    assert!(reader.queue().is_empty());
    reader.poll_again().succeeds();
    assert_eq!(mails.len(), server.mails().len());
}

#[test]
fn what_is_refused_in_its_short_form_too_is_listed_with_the_servers_words() {
    let publisher = Server::start();
    publisher.serve("/rss", feed_of(&[("refused", "a"), ("too", "b")]));
    let server = SmtpServer::start();
    server.fault(Fault::End5xx);
    let reader = Sandbox::local().sink("mail", &server.sink()).feed("posts", publisher.url("/rss"));
    reader.poll().fails_with(1).complains_of("554 5.7.1 not this one");
    let queue = reader.queue();
    assert!(queue.iter().all(|item| item["state"] == "failed" && item["attempts"] == 2), "{queue:#?}");
    assert!(queue[0]["error"].as_str().unwrap().contains("554 5.7.1 not this one"), "{queue:#?}");
    server.heal();
    reader.poll().succeeds();
    assert!(server.mails().is_empty(), "given up is given up");
    reader.run(&["queue", "retry", "--all"]).succeeds();
    reader.poll().succeeds();
    assert_eq!(subjects(&server), ["refused", "too"]);
    assert!(server.message_ids().iter().all(|id| id.contains(".0@")), "whole again: {:?}", server.message_ids());
}

#[test]
fn an_entry_on_which_a_template_fails_goes_in_words_that_are_built_in_and_holds_up_no_other() {
    let publisher = Server::start();
    publisher.serve("/rss", feed_of(&[("one", "a"), ("poison", "b"), ("two", "c")]));
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
    let subject = format!("subject = \"{{{{ entry.title }}}}{{% if entry.title == 'poison' %}}{endless}{{% endif %}}\"");
    let reader = Sandbox::local().sink_maildir().defaults(&subject).feed("posts", publisher.url("/rss"));
    reader.poll().succeeds().quietly();
    let mut inbox = reader.inbox();
    inbox.sort_by_key(|mail| mail.subject().to_owned());
    let subjects: Vec<&str> = inbox.iter().map(crate::kit::Message::subject).collect();
    assert_eq!(subjects, ["one", "poison", "two"]);
    let text = inbox[1].text().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("Posts b Link: https://example.org/posts/poison"), "{text}");
    assert!(reader.queue().is_empty());
}

#[test]
fn an_entry_that_cannot_be_made_at_all_is_given_up_with_the_reason() {
    let publisher = Server::start();
    publisher.serve("/rss", feed_of(&[("one", "a"), ("not an address", "b"), ("two", "c")]));
    let to = "to = \"{% if entry.title == 'not an address' %}@{% else %}me@example.net{% endif %}\"";
    let reader = Sandbox::local().sink_maildir().defaults(to).feed("posts", publisher.url("/rss"));
    reader.poll().fails_with(1).complains_of("could not be rendered");
    assert_eq!(reader.inbox().len(), 2);
    let queue = reader.queue();
    assert_eq!((queue.len(), queue[0]["state"].as_str()), (1, Some("failed")), "{queue:#?}");
}

#[test]
fn a_refused_login_is_tried_once_or_twice_a_run_whatever_the_queue() {
    let publisher = Server::start();
    let entries: Vec<(String, &str)> = (0..30).map(|number| (format!("post {number}"), "a")).collect();
    let entries: Vec<(&str, &str)> = entries.iter().map(|(title, body)| (title.as_str(), *body)).collect();
    publisher.serve("/rss", feed_of(&entries));
    let server = SmtpServer::start();
    server.fault(Fault::Auth535);
    let sink = format!("{}username = \"me\"\npassword = \"secret\"\n", server.sink());
    let reader = Sandbox::local().sink("mail", &sink).sink_maildir().feed("posts", publisher.url("/rss"));
    let told = reader.poll().succeeds();
    assert_eq!(told.stderr.matches("cannot deliver to").count(), 1, "{}", told.stderr);
    assert!(server.connections() <= 2, "{}", server.connections());
    assert_eq!(reader.inbox().len(), 30, "another sink has its own course");
    reader.poll().succeeds().quietly();
    assert!(server.connections() <= 4, "{}", server.connections());
    let queue = reader.queue();
    assert!(queue.len() == 30 && queue.iter().all(|item| item["state"] == "pending"), "{queue:#?}");
    assert!(queue.iter().all(|item| item["next_run"] == true), "what is shown is what happens: {queue:#?}");
    reader.run(&["queue"]).succeeds().shows("next run");
    let status = reader.run(&["status"]).succeeds().shows("2 tries since").shows(", next run)");
    assert!(!status.stdout.contains(", next 2"), "{}", status.stdout);
    server.heal();
    reader.poll().succeeds();
    assert_eq!(server.mails().len(), 30);
}

#[test]
fn a_sink_with_a_rate_takes_its_time_and_a_run_stays_for_it() {
    let publisher = Server::start();
    publisher.serve("/rss", feed_of(&[("one", ""), ("two", ""), ("three", ""), ("four", ""), ("five", "")]));
    let server = SmtpServer::start();
    let sink = format!("{}rate = \"240/min\"\n", server.sink());
    let reader = Sandbox::local().sink("mail", &sink).feed("posts", publisher.url("/rss"));
    let started = Instant::now();
    reader.poll().succeeds().quietly();
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(subjects(&server), ["one", "two", "three", "four", "five"]);
    assert_eq!(server.connections(), 1);
}

#[test]
fn waiting_for_a_rate_holds_up_no_other_sink_no_command_and_no_word_to_stop() {
    let publisher = Server::start();
    publisher.serve("/rss", feed_of(&[("one", ""), ("two", ""), ("three", "")]));
    let server = SmtpServer::start();
    // Four minutes from one to the next: the run would stay.
    let sink = format!("{}rate = \"15/h\"\n", server.sink());
    let reader = Sandbox::local().sink("mail", &sink).sink_maildir().feed("posts", publisher.url("/rss"));
    for signal in [Signal::TERM, Signal::INT] {
        let run = reader.spawn(&["run", "--once"]);
        delivered(&server, 1);
        wait::until("the other sink", Duration::from_secs(20), || (reader.inbox().len() == 3).then_some(()));
        let queue = reader.queue();
        let waiting: Vec<&str> = queue.iter().map(|item| item["title"].as_str().unwrap()).collect();
        assert_eq!(waiting, ["two", "three"]);
        // The second run has nothing else to show for itself: it is waited for.
        wait::until("the run in the list of runs", Duration::from_secs(20), || {
            let status = reader.facts(&["status"]);
            assert_eq!(status["queue"]["pending"], 2);
            status["last_run"]["ended_at"].is_null().then_some(())
        });
        let asked = Instant::now();
        run.signal(signal);
        run.ends().succeeds();
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        assert_eq!(server.mails().len(), 1, "the rate holds from one run to the next");
    }
    let rows = reader.facts(&["status", "--runs"])["runs"].clone();
    assert_eq!(rows.as_array().unwrap().len(), 2, "{rows}");
}

#[test]
fn what_a_rate_does_not_let_pass_within_half_an_hour_is_the_next_runs() {
    let publisher = Server::start();
    publisher.serve("/rss", feed_of(&[("one", ""), ("two", ""), ("three", "")]));
    let server = SmtpServer::start();
    let sink = format!("{}rate = \"1/h\"\n", server.sink());
    let reader = Sandbox::local().sink("mail", &sink).feed("posts", publisher.url("/rss"));
    reader.poll().succeeds().quietly();
    reader.poll().succeeds().quietly();
    assert_eq!((server.mails().len(), reader.queue().len()), (1, 2));
}

#[test]
fn a_run_that_is_told_to_stop_lets_what_is_under_way_have_ten_seconds() {
    let publisher = Server::start();
    publisher.hang("/hang");
    let reader = Sandbox::local().sink_maildir().feed("hang", publisher.url("/hang"));
    let run = reader.spawn(&["run", "--once"]);
    wait::until("the request", Duration::from_secs(20), || publisher.requests().first().cloned());
    let asked = Instant::now();
    run.signal(Signal::TERM);
    run.ends().succeeds();
    assert!((8..15).contains(&asked.elapsed().as_secs()), "{:?}", asked.elapsed());
    reader.facts(&["status"]);
    assert_eq!(reader.facts(&["status", "--runs"])["runs"][0]["polled"], 0);
}

#[test]
fn a_run_that_is_told_to_stop_twice_ends_at_once() {
    let publisher = Server::start();
    publisher.hang("/hang");
    let reader = Sandbox::local().sink_maildir().feed("hang", publisher.url("/hang"));
    let run = reader.spawn(&["run", "--once"]);
    wait::until("the request", Duration::from_secs(20), || publisher.requests().first().cloned());
    let asked = Instant::now();
    run.signal(Signal::TERM);
    // What follows within a second is the same word again.
    wait::within(Duration::from_millis(1_500), || None::<()>);
    run.signal(Signal::TERM);
    assert_eq!(run.ends().code, Some(143));
    assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());
}

#[test]
fn a_story_of_several_feeds_goes_once_to_a_sink_and_says_where_else_it_is() {
    let publisher = Server::start();
    publisher.serve("/a", feed_of(&[("shared", "from a")]));
    publisher.serve("/b", feed_of(&[("shared", "from b"), ("own", "b alone")]));
    publisher.serve("/c", feed_of(&[("shared", "from c")]));
    let server = SmtpServer::start();
    server.down();
    let feed = |reader: Sandbox, name: &str| reader.feed_with(name, publisher.url(&format!("/{name}")), "tags = [\"news\"]");
    let reader = feed(Sandbox::local().sink("mail", &server.sink()), "a");
    reader.append("\n[tags.news]\nonce_per = \"sink\"\n");
    reader.poll().succeeds();
    let reader = feed(reader, "b").feed("c", publisher.url("/c"));
    reader.append("\n[tags.news]\nonce_per = \"sink\"\n");
    reader.poll().succeeds();
    server.up();
    reader.poll().succeeds();
    let mut mails = server.mails();
    mails.sort_by_key(|mail| (mail.subject().to_owned(), mail.text()));
    let told: Vec<(String, bool)> =
        mails.iter().map(|mail| (mail.subject().to_owned(), mail.text().unwrap().contains("Also in: b"))).collect();
    let expected = [("own", false), ("shared", true), ("shared", false)].map(|(title, also)| (title.to_owned(), also));
    assert_eq!(told, expected, "once for the tagged feeds, and for the other one by itself");
    assert!(mails[1].html().unwrap().contains("Also in"));
    publisher.serve("/b", feed_of(&[("shared", "from b, changed"), ("own", "b alone")]));
    reader.poll_again().succeeds();
    assert_eq!(server.mails().len(), 3, "a late twin adds nothing");
}

#[test]
fn the_last_runs_are_shown_and_told() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let reader = Sandbox::local().sink_maildir().feed("winds", publisher.url("/rss"));
    reader.run(&["status", "--runs"]).succeeds();
    reader.poll().succeeds();
    reader.poll_again().succeeds();
    reader.poll().succeeds();
    let runs = reader.facts(&["status", "--runs"])["runs"].clone();
    let did: Vec<[&serde_json::Value; 3]> =
        runs.as_array().unwrap().iter().map(|run| ["polled", "new", "delivered"].map(|count| &run[count])).collect();
    let numbers = [[0, 0, 0], [1, 0, 0], [1, 2, 2]].map(|run| run.map(serde_json::Value::from));
    assert_eq!(did, numbers.each_ref().map(<[serde_json::Value; 3]>::each_ref));
    assert_eq!(reader.facts(&["status", "--runs", "1"])["runs"].as_array().unwrap().len(), 1);
    assert_eq!(reader.facts(&["status"])["runs"].as_array().unwrap().len(), 0);
    reader.run(&["status", "--runs", "2"]).succeeds().shows("DELIVERED");
    reader.run(&["status", "--runs", "0"]).fails_with(2);
}

#[test]
fn a_recipient_who_is_refused_is_asked_for_once_a_run_and_his_mails_are_never_given_up() {
    let publisher = Server::start();
    publisher.serve("/rss", feed_of(&[("one", ""), ("two", ""), ("three", ""), ("four", "")]));
    let server = SmtpServer::start();
    server.fault(Fault::Rcpt5xx);
    let reader = Sandbox::local().sink("mail", &server.sink()).feed("posts", publisher.url("/rss"));
    reader.poll().succeeds().complains_of("no such user");
    for _ in 0..10 {
        reader.poll().succeeds().quietly();
    }
    let queue = reader.queue();
    assert!(queue.len() == 4 && queue.iter().all(|item| item["state"] == "pending" && item["attempts"] == 11), "{queue:#?}");
    assert!(queue.iter().all(|item| item["next_run"] == true), "{queue:#?}");
    assert_eq!(server.connections(), 11, "one a run");
    let told = reader.run(&["status"]).succeeds().shows("next run");
    assert!(told.stdout.contains("sink `mail`: the server refused the recipient"), "{}", told.stdout);
    server.heal();
    reader.poll().succeeds();
    assert_eq!(server.mails().len(), 4);
}
