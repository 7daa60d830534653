//! The five named moments of a delivery: how many copies of each mail there are after a crash at exactly that moment and the
//! run after it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::kills::assert_sound;
use crate::kit::smtp::submit_by_hand;
use crate::kit::{Message, Page, Sandbox, Server, SmtpServer, fixture, mail_server, wait};

/// The moment's name, the copies of the first mail at a mail server, and in a Maildir.
///
/// A Maildir has no window: a file's name carries the mail's identity, so that what is there already is found again.
const MOMENTS: [(&str, usize, usize); 5] =
    [("claim-uncommitted", 1, 1), ("claimed", 1, 1), ("in-data", 1, 1), ("after-dot", 2, 1), ("accepted", 2, 1)];

const ENTRIES: usize = 2;

fn publisher() -> Server {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")).etag("\"a\""));
    publisher
}

/// A run that ends at this moment, as if the power were cut.
fn crash(reader: Sandbox, moment: &str) -> Sandbox {
    let reader = reader.env("FEEDS_FAILPOINT", moment);
    let ran = reader.poll();
    assert_eq!(ran.code, None, "a signal ended it: {ran:#?}");
    assert_sound(&reader.database());
    reader.env("FEEDS_FAILPOINT", "")
}

/// How often each mail arrived, those that arrived most often first.
fn copies(mails: &[Message]) -> Vec<usize> {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for mail in mails {
        *count.entry(mail.message_id()).or_default() += 1;
    }
    let mut counts: Vec<usize> = count.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    counts
}

/// The next run takes up what the crashed one left, and then nothing is left.
fn recovers(reader: &Sandbox) {
    reader.poll().succeeds();
    assert!(reader.queue().is_empty(), "{:#?}", reader.queue());
    reader.poll_again().succeeds().quietly();
    assert_sound(&reader.database());
}

#[test]
fn a_crash_at_a_named_moment_makes_exactly_so_many_copies_at_a_mail_server() {
    let publisher = publisher();
    for (moment, expected, _) in MOMENTS {
        let server = SmtpServer::start();
        let reader = Sandbox::local().sink("mail", &server.sink()).feed("winds", publisher.url("/rss"));
        let reader = crash(reader, moment);
        // The server reads what was on its way when the process ended.
        let arrived = expected - 1;
        wait::until("the mail that was sent", Duration::from_secs(5), || (server.mails().len() >= arrived).then_some(()));
        recovers(&reader);
        let mut wanted = vec![expected];
        wanted.resize(ENTRIES, 1);
        assert_eq!(copies(&server.mails()), wanted, "{moment}");
    }
}

#[test]
fn a_crash_at_a_named_moment_makes_no_copies_in_a_maildir() {
    let publisher = publisher();
    for (moment, _, expected) in MOMENTS {
        let reader = Sandbox::local().sink_maildir().feed("winds", publisher.url("/rss"));
        let reader = crash(reader, moment);
        recovers(&reader);
        assert_eq!(copies(&reader.inbox()), [expected; ENTRIES], "{moment}");
    }
}

#[test]
fn two_lines_of_sieve_make_one_mail_of_what_a_crash_sent_twice() {
    let Some(server) = mail_server() else { return };
    let publisher = publisher();
    for (user, expected) in [("dedupe-crash", vec![1, 1]), ("crash", vec![2, 1])] {
        let sink = format!(
            "type = \"smtp\"\nhost = \"localhost\"\nport = {}\ntls = \"none\"\nfrom = \"feeds@test.local\"\nto = \"{user}@test.local\"\n",
            server.smtp()
        );
        let reader = Sandbox::local().sink("mail", &sink).feed("winds", publisher.url("/rss"));
        let reader = crash(reader, "accepted");
        let address = format!("{user}@test.local");
        // Dovecot has seen the first copy before the second comes, as it would between two runs of a timer.
        server.inbox(&address, 1);
        recovers(&reader);
        // A mail that is sent after all of them comes after all of them: nothing is still on its way when it is there.
        let last = "From: kit@test.local\r\nMessage-ID: <last@test.local>\r\n\r\nthe last";
        submit_by_hand(server.smtp(), &address, last);
        let mut inbox = server.inbox(&address, expected.iter().sum::<usize>() + 1);
        inbox.retain(|mail| mail.message_id() != "last@test.local");
        assert_eq!(copies(&inbox), expected, "{user}");
    }
}

#[test]
fn what_ends_the_program_each_time_goes_last_and_is_given_up_in_the_end() {
    let publisher = publisher();
    let mut reader = Sandbox::local().sink_maildir().feed_with("winds", publisher.url("/rss"), "backlog = 1");
    for _ in 0..50 {
        reader = crash(reader, "claimed");
    }
    reader.poll().fails_with(1).complains_of("the program ended 50 times while it was making or delivering it");
    let queue = reader.queue();
    assert_eq!((queue.len(), queue[0]["state"].as_str()), (1, Some("failed")), "{queue:#?}");
    assert!(reader.inbox().is_empty());
    reader.run(&["queue", "retry", "--all"]).succeeds();
    recovers(&reader);
    assert_eq!(reader.inbox().len(), 1);
}
