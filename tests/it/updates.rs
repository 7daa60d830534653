//! What becomes of an entry that is edited, of a feed that is caught up with, and of entries that are asked for again.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::kit::{Message, Page, Sandbox, Server, SmtpServer, fixture};

/// A document with these entries: each a name, a title and a body.
fn document(entries: &[(&str, &str, &str)]) -> Page {
    let item = |(name, title, body): &(&str, &str, &str)| {
        format!(
            "<item><title>{title}</title><link>https://example.org/{name}</link><guid isPermaLink=\"false\">{name}</guid>\
             <pubDate>Mon, 05 Jan 2026 08:00:00 GMT</pubDate><description><![CDATA[{body}]]></description></item>"
        )
    };
    let items: String = entries.iter().map(item).collect();
    Page::feed(format!(
        "<rss version=\"2.0\"><channel><title>Winds</title><link>https://example.org/</link>{items}</channel></rss>"
    ))
}

const FIRST: &str = "<p>It began on Monday and was soon over.</p>";
const EDITED: &str = "<p>It began on Tuesday and was soon over.</p>";

/// A reader of a feed with one entry, which has been delivered; and the feed's publisher.
fn reader_with(updates: &str) -> (Sandbox, Server) {
    let publisher = Server::start();
    publisher.serve("/rss", document(&[("a", "A storm", FIRST)]));
    let reader = Sandbox::local().sink_maildir().feed_with("winds", publisher.url("/rss"), updates);
    reader.poll().succeeds().quietly();
    assert_eq!(reader.inbox().len(), 1);
    (reader, publisher)
}

fn edit(publisher: &Server, body: &str) {
    publisher.serve("/rss", document(&[("a", "A storm", body)]));
}

fn has(mail: &Message, words: &str) -> bool {
    [mail.text(), mail.html()].iter().all(|part| part.as_ref().unwrap().contains(words))
}

#[test]
fn an_edited_entry_is_not_delivered_again_where_nothing_is_said() {
    let (reader, publisher) = reader_with("");
    edit(&publisher, EDITED);
    reader.poll_again().succeeds().quietly();
    assert_eq!(reader.inbox().len(), 1);
    assert!(reader.queue().is_empty());
}

#[test]
fn who_asks_for_updates_later_hears_of_later_ones_alone() {
    let (reader, publisher) = reader_with("");
    edit(&publisher, EDITED);
    reader.poll_again().succeeds();
    reader.append("updates = \"resend\"\n");
    publisher.serve("/rss", document(&[("b", "Calm", "Nothing."), ("a", "A storm", EDITED)]));
    reader.poll_again().succeeds();
    assert_eq!(reader.inbox().len(), 2, "the new entry alone");
    publisher.serve("/rss", document(&[("b", "Calm", "Nothing at all."), ("a", "A storm", EDITED)]));
    reader.poll_again().succeeds();
    assert_eq!(reader.inbox().len(), 3);
}

#[test]
fn a_new_version_is_sent_again_under_an_id_of_its_own() {
    let (reader, publisher) = reader_with("updates = \"resend\"");
    edit(&publisher, EDITED);
    reader.poll_again().succeeds().quietly();
    reader.poll_again().succeeds();
    let inbox = reader.inbox();
    assert_eq!(inbox.len(), 2);
    assert!(has(&inbox[1], "It began on Tuesday"));
    assert!(inbox[0].message_id().contains(".0@") && inbox[1].message_id().contains(".1@"));
    assert_eq!(inbox[1].header("In-Reply-To"), None);
    assert!(!has(&inbox[1], "What changed"));
}

#[test]
fn markup_addresses_and_counters_are_no_change() {
    let (reader, publisher) = reader_with("updates = \"resend\"");
    for body in [
        "<div class=\"x\">It began on <b>Monday</b> and was soon over.</div>",
        "<p>It began on <a href=\"https://example.org/?utm_source=a\">Monday</a> and was soon over.</p>",
    ] {
        edit(&publisher, body);
        reader.poll_again().succeeds();
    }
    assert_eq!(reader.inbox().len(), 1);
    edit(&publisher, "<p>Over. <i>12 comments, 3 min ago</i></p>");
    reader.poll_again().succeeds();
    edit(&publisher, "<p>Over. <i>130 comments, 2 hours ago</i></p>");
    reader.poll_again().succeeds();
    assert_eq!(reader.inbox().len(), 2);
    assert!(reader.queue().is_empty());
}

#[test]
fn a_threaded_version_answers_the_first_mail_and_marks_what_changed() {
    let publisher = Server::start();
    publisher.serve("/rss", document(&[("a", "A storm", FIRST)]));
    let server = SmtpServer::start();
    let reader =
        Sandbox::local().sink("mail", &server.sink()).defaults("updates = \"thread\"").feed("winds", publisher.url("/rss"));
    reader.poll().succeeds();
    edit(&publisher, EDITED);
    reader.poll_again().succeeds();
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    let first = format!("<{}>", mails[0].message_id());
    assert_eq!(mails[1].header("In-Reply-To").as_deref(), Some(first.as_str()));
    assert_eq!(mails[1].header("References").as_deref(), Some(first.as_str()));
    assert_eq!(mails[1].subject(), "A storm");
    assert!(has(&mails[1], "What changed"));
    let (text, html) = (mails[1].text().unwrap(), mails[1].html().unwrap());
    assert!(text.contains("began on [-Monday-] {+Tuesday+} and"), "{text}");
    assert!(html.contains(">Monday</del>") && html.contains(">Tuesday</ins>"), "{html}");
    assert!(html.contains("<p>It began on Tuesday and was soon over.</p>"), "the whole new version follows: {html}");
}

#[test]
fn a_thread_without_the_old_text_sends_the_new_version_whole() {
    let (reader, publisher) = reader_with("");
    reader.append("updates = \"thread\"\n");
    edit(&publisher, EDITED);
    reader.poll_again().succeeds();
    let inbox = reader.inbox();
    assert_eq!(inbox.len(), 2);
    assert!(inbox[1].header("In-Reply-To").unwrap().contains(inbox[0].message_id()));
    assert!(!has(&inbox[1], "What changed") && has(&inbox[1], "It began on Tuesday"));
}

fn files(reader: &Sandbox, part: &str) -> Vec<PathBuf> {
    std::fs::read_dir(reader.home().join("Mail").join(part)).unwrap().map(|file| file.unwrap().path()).collect()
}

#[test]
fn a_replacing_version_takes_the_place_of_the_old_one_in_a_maildir() {
    let (reader, publisher) = reader_with("updates = \"replace\"");
    let old = files(&reader, "new").remove(0);
    let name = old.file_name().unwrap().to_str().unwrap().to_owned();
    std::fs::rename(&old, reader.home().join(format!("Mail/cur/{name}:2,FST"))).unwrap();
    edit(&publisher, EDITED);
    reader.poll_again().succeeds().quietly();
    let inbox = reader.inbox();
    assert_eq!(inbox.len(), 1);
    assert!(has(&inbox[0], "It began on Tuesday") && !has(&inbox[0], "What changed"));
    assert_eq!(inbox[0].header("In-Reply-To"), None);
    let names: Vec<String> = files(&reader, "cur").iter().map(|path| path.display().to_string()).collect();
    assert!(names.len() == 1 && names[0].ends_with(":2,FS"), "{names:?}");
}

#[test]
fn a_replacing_version_is_threaded_where_the_sink_cannot_replace() {
    let publisher = Server::start();
    publisher.serve("/rss", document(&[("a", "A storm", FIRST)]));
    let server = SmtpServer::start();
    let settings = "updates = \"replace\"";
    let reader = Sandbox::local().sink("mail", &server.sink()).feed_with("winds", publisher.url("/rss"), settings);
    reader.poll().succeeds();
    edit(&publisher, EDITED);
    reader.poll_again().succeeds();
    let mails = server.mails();
    assert!(mails[1].header("In-Reply-To").unwrap().contains(mails[0].message_id()));
    assert!(has(&mails[1], "What changed"));
}

#[test]
fn an_entry_that_is_edited_before_it_was_delivered_is_delivered_once_as_it_is_now() {
    let publisher = Server::start();
    publisher.serve("/rss", document(&[("a", "A storm", FIRST)]));
    let server = SmtpServer::start();
    server.down();
    let settings = "updates = \"thread\"";
    let reader = Sandbox::local().sink("mail", &server.sink()).feed_with("winds", publisher.url("/rss"), settings);
    reader.poll();
    edit(&publisher, EDITED);
    reader.poll_again();
    assert_eq!(reader.queue().len(), 1);
    server.up();
    reader.poll().succeeds();
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    assert!(has(&mails[0], "It began on Tuesday") && !has(&mails[0], "What changed"));
    edit(&publisher, "<p>It began on Tuesday and is over.</p>");
    reader.poll_again().succeeds();
    assert!(server.mails()[1].text().unwrap().contains("[-was soon-] {+is+}"), "what the reader saw last is compared");
}

#[test]
fn a_feed_that_edits_everything_at_each_poll_sends_each_entry_once_a_day() {
    let (reader, publisher) = reader_with("updates = \"resend\"\ninterval = \"1h\"");
    for body in ["<p>alpha</p>", "<p>beta</p>", "<p>gamma</p>"] {
        edit(&publisher, body);
        reader.poll_again().succeeds();
    }
    assert_eq!(reader.inbox().len(), 2, "the entry and its first revision");
    let queue = reader.queue();
    assert_eq!(queue.len(), 1, "the next one waits, and takes what is said by then");
    assert!(queue[0]["message_id"].as_str().unwrap().contains(".2@"));
    let (now, next) = (reader.status_of("winds"), queue[0]["next_attempt"].as_str().unwrap().to_owned());
    assert!(next.as_str() > now["next_poll"].as_str().unwrap(), "a day, not an hour: {next}");
    let id = queue[0]["id"].to_string();
    reader.run(&["queue", "retry", &id]).succeeds();
    reader.poll().succeeds();
    assert!(has(reader.inbox().last().unwrap(), "gamma"));
}

#[test]
fn what_was_never_delivered_is_not_delivered_because_it_was_edited() {
    let publisher = Server::start();
    publisher.serve("/rss", document(&[("a", "A storm", FIRST)]));
    let settings = "backlog = 0\nupdates = \"resend\"";
    let reader = Sandbox::local().sink_maildir().feed_with("winds", publisher.url("/rss"), settings);
    reader.poll().succeeds();
    edit(&publisher, EDITED);
    reader.poll_again().succeeds();
    assert!(reader.inbox().is_empty() && reader.queue().is_empty());
}

#[test]
fn a_way_to_treat_updates_that_does_not_exist_is_named() {
    let reader = Sandbox::local().sink_maildir().feed_with("winds", "https://example.org/rss", "updates = \"tread\"");
    reader.run(&["check", "--offline"]).fails().complains_of("thread");
}

#[test]
fn catching_up_marks_all_as_seen_and_empties_the_queue_of_the_feed() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")).etag("\"2\""));
    publisher.serve("/other", document(&[("a", "A storm", FIRST)]));
    let server = SmtpServer::start();
    server.down();
    let reader =
        Sandbox::local().sink("mail", &server.sink()).feed("winds", publisher.url("/rss")).feed("other", publisher.url("/other"));
    reader.poll();
    assert_eq!(reader.queue().len(), 3);
    publisher.serve("/rss", Page::feed(fixture("three_entries.xml")).etag("\"3\""));
    let facts = reader.facts(&["catchup", "winds"]);
    assert_eq!((&facts[0]["name"], &facts[0]["seen"], &facts[0]["dropped"]), (&"winds".into(), &1.into(), &2.into()));
    assert_eq!(publisher.requests_to("/rss")[1].header("If-None-Match"), Some("\"2\""), "it asks as a run does");
    server.up();
    reader.poll_again().succeeds();
    let subjects: Vec<String> = server.mails().iter().map(|mail| mail.subject().to_owned()).collect();
    assert_eq!(subjects, ["A storm"]);
    assert_eq!(publisher.requests_to("/rss")[2].header("If-None-Match"), Some("\"3\""));
    reader.run(&["catchup", "winds"]).succeeds().shows("nothing was new");
}

#[test]
fn a_feed_that_was_never_read_can_be_caught_up_with() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let reader = Sandbox::local().sink_maildir();
    reader.poll().succeeds();
    let reader = reader.feed("winds", publisher.url("/rss"));
    reader.run(&["catchup", "winds"]).succeeds().shows("2 entries marked as seen");
    publisher.serve("/rss", Page::feed(fixture("three_entries.xml")));
    reader.poll_again().succeeds();
    let subjects: Vec<String> = reader.inbox().iter().map(|mail| mail.subject().to_owned()).collect();
    assert_eq!(subjects, ["The third entry"]);
}

#[test]
fn catching_up_before_the_first_run_says_what_to_do() {
    let reader = Sandbox::local().sink_maildir().feed("winds", "https://example.org/rss");
    reader.run(&["catchup", "winds"]).fails_with(3).complains_of("backlog = 0");
}

#[test]
fn catching_up_obeys_what_the_publisher_asked_for() {
    let publisher = Server::start();
    publisher.answer("/rss", 429, &[("Retry-After", "7200")], "");
    let reader = Sandbox::local().sink_maildir().feed("winds", publisher.url("/rss"));
    reader.poll();
    let asked = publisher.requests().len();
    reader.run(&["catchup", "winds"]).fails_with(1).complains_of("left alone");
    assert_eq!(publisher.requests().len(), asked);
    reader.run(&["catchup", "nobody"]).fails_with(2).complains_of("nobody");
}

#[test]
fn the_newest_entries_can_be_sent_again() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("three_entries.xml")));
    let settings = "backlog = 2";
    let reader = Sandbox::local().sink_maildir().feed_with("winds", publisher.url("/rss"), settings);
    reader.poll().succeeds();
    reader.run(&["resend", "winds"]).succeeds().shows("1 entry").shows("The third entry");
    reader.poll().succeeds();
    let inbox = reader.inbox();
    assert_eq!(inbox.len(), 3);
    let of_third = |mail: &&Message| mail.subject() == "The third entry";
    let ids: HashSet<&str> = inbox.iter().filter(of_third).map(Message::message_id).collect();
    assert_eq!(ids.len(), 2, "under an id of its own: {ids:?}");
    let facts = reader.facts(&["resend", "winds", "--last", "3"]);
    assert_eq!(facts["queued"].as_array().unwrap().len(), 2, "{facts}");
    assert!(facts["not_kept"][0]["published"].as_str().unwrap().starts_with("2026-01-05"), "{facts}");
    let facts = reader.facts(&["resend", "winds", "--last", "2"]);
    assert_eq!((facts["queued"].as_array().unwrap().len(), facts["waiting"].as_array().unwrap().len()), (0, 2), "{facts}");
    reader.poll().succeeds();
    assert_eq!(reader.inbox().len(), 5);
    reader.run(&["resend", "nobody"]).fails_with(2).complains_of("nobody");
}

#[test]
fn what_is_not_kept_is_counted_and_the_rest_is_sent_again() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let reader = Sandbox::local().sink_maildir().feed_with("winds", publisher.url("/rss"), "backlog = 1");
    reader.poll().succeeds();
    reader
        .run(&["resend", "winds", "--last", "5"])
        .succeeds()
        .shows("the next run delivers 1 of the newest 2 of `winds` again to inbox")
        .shows("1 of the newest 2 is not kept any more, or never delivered, and cannot be sent again");
    reader.poll().succeeds();
    assert_eq!(reader.inbox().len(), 2);
}

#[test]
fn a_dry_run_says_what_it_does_not_reckon() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let settings = "once_per = \"sink\"\nupdates = \"thread\"";
    let reader = Sandbox::local().sink_maildir().feed_with("winds", publisher.url("/rss"), settings);
    reader.run(&["run", "--once", "--dry-run"]).succeeds().shows("(`once_per`); that is not looked for here");
    reader.poll().succeeds();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml").replace("The first entry", "Another title")));
    reader.run(&["run", "--once", "--force", "--dry-run"]).succeeds().shows("1 entry edited; what `updates` delivers");
    let told = reader.run(&["run", "--once", "--force", "--dry-run", "--json"]).succeeds().events();
    assert_eq!((&told[0]["changed"], &told[0]["not_considered"]), (&1.into(), &serde_json::json!(["updates"])));
}
