//! What a mail server may do wrong, and what becomes of a mail then: a row a fault.

use jiff::Timestamp;
use serde_json::Value;

use crate::kit::{Fault, Page, Sandbox, Server, SmtpServer};

/// When the delivery is tried again, as `feeds queue list --json` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// By the next run, whenever that is, else after minutes.
    NextRun,
    /// Not before its time, even if a run comes earlier.
    Later,
    /// Never by itself.
    Never,
    /// It is over: the mail was taken.
    Delivered,
}
use Next::{Delivered, Later, Never, NextRun};

/// A fault: how often the delivery was tried in the first run, when it is tried again, what is said of it, and how many copies
/// there are when the server is well again and another run has passed.
struct Row(Fault, u64, Next, &'static str, usize);

const ROWS: &[Row] = &[
    // The server's own trouble: the sink rests, and nothing counts against the mail.
    Row(Fault::Greet421, 0, NextRun, "the server refused the connection: 421 4.3.2 come back later", 1),
    Row(Fault::GreetHang, 0, NextRun, "no answer from the server within 1 s, at the connection", 1),
    Row(Fault::Says("EHLO", "502 5.5.2 what?"), 0, NextRun, "the introduction (EHLO): 502 5.5.2 what?", 1),
    Row(Fault::Auth535, 0, NextRun, "the server refused the login: 535 5.7.8 authentication failed", 1),
    Row(Fault::Says("MAIL", "530 5.7.0 authentication required"), 0, NextRun, "530 5.7.0 authentication required", 1),
    Row(Fault::Says("MAIL", "452 4.3.1 insufficient system storage"), 0, NextRun, "452 4.3.1 insufficient", 1),
    Row(Fault::Says("RCPT", "554 5.7.1 relay access denied"), 0, NextRun, "554 5.7.1 relay access denied", 1),
    Row(Fault::Says("RCPT", "452 4.2.2 mailbox full"), 0, NextRun, "452 4.2.2 mailbox full", 1),
    Row(Fault::Says(".", "421 4.3.2 going down"), 0, NextRun, "421 4.3.2 going down", 1),
    Row(Fault::Drip, 0, NextRun, "no answer from the server within 1 s, at the sender `feeds@example.net`", 1),
    Row(Fault::LongReply, 0, NextRun, "is not SMTP: a line of more than 2048 bytes", 1),
    Row(Fault::DataCut, 0, NextRun, "the connection broke at the mail before its text (DATA): the server closed it", 1),
    // Not now: the mail is tried again, and every try counts.
    Row(Fault::Mail4xx, 1, NextRun, "the sender `feeds@example.net`: 451 4.3.0 not now", 1),
    Row(Fault::Greylist, 1, NextRun, "450 4.2.0 greylisted, come back later", 1),
    Row(Fault::Data4xx, 1, NextRun, "451 4.3.0 not now", 1),
    Row(Fault::End4xx, 1, NextRun, "the server refused the mail: 451 4.3.0 not now", 1),
    // Nobody can know whether it has arrived: it is sent again under the same id.
    Row(Fault::EndHang, 1, NextRun, "no answer from the server within 10 s, at the mail", 2),
    Row(Fault::EndReset, 1, NextRun, "the connection broke at the mail: connection reset", 2),
    Row(Fault::EndLost, 1, NextRun, "the connection broke at the mail: the server closed it", 2),
    // The recipient's: never given up, once a run.
    Row(Fault::Rcpt5xx, 1, NextRun, "the recipient `me@example.net`: 550 5.1.1 no such user", 1),
    // The mail's own: once more in a short form, then given up.
    Row(Fault::End5xx, 2, Never, "the server refused the mail: 554 5.7.1 not this one", 0),
    Row(Fault::TooBig, 2, Never, "the server refused the mail: 552 5.3.4 message too big", 0),
    Row(Fault::Over(2_000), 0, Delivered, "", 1),
    Row(Fault::Says("EHLO", "250-faults.test\r\n250 SIZE 2000"), 0, Delivered, "", 1),
];

fn large_entry() -> Page {
    let words = "word ".repeat(1_000);
    Page::feed(format!(
        "<rss version=\"2.0\"><channel><title>Posts</title><item><title>one</title><guid>https://example.org/1</guid>\
         <link>https://example.org/1</link><description>{words}</description></item></channel></rss>"
    ))
}

fn next(delivery: &Value) -> Next {
    if delivery["state"] == "failed" {
        return Never;
    }
    assert_eq!(delivery["state"], "pending", "{delivery}");
    let at: Timestamp = delivery["next_attempt"].as_str().unwrap().parse().unwrap();
    let wait = at.duration_since(Timestamp::now()).as_secs();
    assert!((0..=25 * 60).contains(&wait), "{wait} s: {delivery}");
    if delivery["next_run"] == true { NextRun } else { Later }
}

fn check(row: &Row) {
    let Row(fault, attempts, wanted, words, copies) = row;
    let publisher = Server::start();
    publisher.serve("/rss", large_entry());
    let server = SmtpServer::start();
    server.fault(*fault);
    // Whoever waits for silence waits a second, and ten after a mail.
    let login = if *fault == Fault::Auth535 { "username = \"me\"\npassword = \"secret\"\n" } else { "" };
    let sink = format!("{}timeout = \"1s\"\n{login}", server.sink());
    let reader = Sandbox::local().sink("mail", &sink).feed("posts", publisher.url("/rss"));
    let ran = reader.poll();
    assert_eq!(ran.code, Some(if *wanted == Never { 1 } else { 0 }), "{fault:?}: {ran:?}");
    let queue = reader.queue();
    match queue.as_slice() {
        [] => assert_eq!(*wanted, Delivered, "{fault:?}"),
        [delivery] => {
            assert_eq!((next(delivery), &delivery["attempts"]), (*wanted, &Value::from(*attempts)), "{fault:?}: {delivery}");
            assert!(delivery["error"].as_str().unwrap().contains(words), "{fault:?}: {delivery}");
            assert!(ran.stderr.contains(words), "{fault:?}: {}", ran.stderr);
        }
        more => panic!("{fault:?}: {more:?}"),
    }
    server.heal();
    reader.poll().succeeds();
    assert_eq!((server.mails().len(), server.message_ids().len()), (*copies, (*copies).min(1)), "{fault:?}");
    assert_eq!(reader.queue().len(), usize::from(*wanted == Never), "{fault:?}");
}

#[test]
fn each_fault_of_a_mail_server_means_one_thing_for_the_mail() {
    // Side by side: some rows wait for seconds.
    std::thread::scope(|scope| {
        let rows: Vec<_> = ROWS.chunks(ROWS.len().div_ceil(4)).map(|rows| scope.spawn(|| rows.iter().for_each(check))).collect();
        for row in rows {
            row.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}
