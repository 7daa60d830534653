//! What a mail server may do wrong, and what becomes of a mail then: a row a fault.

use jiff::Timestamp;
use serde_json::Value;

use crate::kit::{Fault, Page, Sandbox, Server, SmtpServer};

/// When the delivery is tried again, as `feeds queue list --json` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// By the next run, whenever that is, else after minutes.
    SoonAgain,
    /// Not before its time, even if a run comes earlier.
    Later,
    /// Never by itself.
    Never,
    /// It is over: the mail was taken.
    Delivered,
}
use Next::{Delivered, Later, Never, SoonAgain};

/// Whose trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The sink's, which rests: nothing counts against the mail.
    Sinks,
    /// The mail's: each try counts.
    Mails,
}
use Whose::{Mails, Sinks};

/// A fault: whose trouble it is, when the delivery is tried again, what is said of it, and how many copies there are when the
/// server is well again and another run has passed.
#[derive(Debug)]
struct Row(Fault, Whose, Next, &'static str, usize);

const ROWS: &[Row] = &[
    // The server's own trouble: the sink rests, and nothing counts against the mail.
    Row(Fault::Greet421, Sinks, SoonAgain, "the server refused the connection: 421 4.3.2 come back later", 1),
    Row(Fault::GreetHang, Sinks, SoonAgain, "no answer from the server within 1 s, at the connection", 1),
    Row(Fault::Says("EHLO", "502 5.5.2 what?"), Sinks, SoonAgain, "the introduction (EHLO): 502 5.5.2 what?", 1),
    Row(Fault::Auth535, Sinks, SoonAgain, "the server refused the login: 535 5.7.8 authentication failed", 1),
    Row(Fault::Says("MAIL", "530 5.7.0 authentication required"), Sinks, SoonAgain, "530 5.7.0 authentication required", 1),
    Row(Fault::Says("MAIL", "452 4.3.1 insufficient system storage"), Sinks, SoonAgain, "452 4.3.1 insufficient", 1),
    Row(Fault::Says("RCPT", "554 5.7.1 relay access denied"), Sinks, SoonAgain, "554 5.7.1 relay access denied", 1),
    Row(Fault::Says("RCPT", "452 4.2.2 mailbox full"), Sinks, SoonAgain, "452 4.2.2 mailbox full", 1),
    Row(Fault::Says(".", "421 4.3.2 going down"), Sinks, SoonAgain, "421 4.3.2 going down", 1),
    Row(Fault::Drip, Sinks, SoonAgain, "no answer from the server within 1 s, at the sender `feeds@example.net`", 1),
    Row(Fault::LongReply, Sinks, SoonAgain, "is not SMTP: a line of more than 2048 bytes", 1),
    Row(Fault::DataCut, Sinks, SoonAgain, "the connection broke at the mail before its text (DATA): the server closed it", 1),
    // Not now: the mail is tried again, and every try counts.
    Row(Fault::Mail4xx, Mails, SoonAgain, "the sender `feeds@example.net`: 451 4.3.0 not now", 1),
    Row(Fault::Greylist, Mails, SoonAgain, "450 4.2.0 greylisted, come back later", 1),
    Row(Fault::Data4xx, Mails, SoonAgain, "451 4.3.0 not now", 1),
    Row(Fault::End4xx, Mails, SoonAgain, "the server refused the mail: 451 4.3.0 not now", 1),
    // Nobody can know whether it has arrived: it is sent again under the same id.
    Row(Fault::EndHang, Mails, SoonAgain, "no answer from the server within 10 s, at the mail", 2),
    Row(Fault::EndLost, Mails, SoonAgain, "the connection broke at the mail: the server closed it", 2),
    // The recipient's: never given up, once a run.
    Row(Fault::Rcpt5xx, Mails, SoonAgain, "the recipient `me@example.net`: 550 5.1.1 no such user", 1),
    // The mail's own: once more in a short form, then given up.
    Row(Fault::End5xx, Mails, Never, "the server refused the mail: 554 5.7.1 not this one", 0),
    Row(Fault::TooBig, Mails, Never, "the server refused the mail: 552 5.3.4 message too big", 0),
    Row(Fault::Over(10_000), Mails, Delivered, "", 1),
    Row(Fault::Says("EHLO", "250-faults.test\r\n250 SIZE 10000"), Mails, Delivered, "", 1),
];

fn large_entry() -> Page {
    let words = "word ".repeat(4_000);
    Page::feed(format!(
        "<rss version=\"2.0\"><channel><title>Posts</title><item><title>one</title><guid>https://example.org/1</guid>\
         <link>https://example.org/1</link><description>{words}</description></item></channel></rss>"
    ))
}

fn next(delivery: &Value, ended: &Value) -> Next {
    if delivery["state"] == "failed" {
        return Never;
    }
    assert_eq!(delivery["state"], "pending", "{delivery}");
    let time = |value: &Value| -> Timestamp { value.as_str().unwrap().parse().unwrap() };
    let wait = time(&delivery["next_attempt"]).duration_since(time(ended)).as_secs();
    assert!((3 * 60..=6 * 60).contains(&wait), "five minutes, give or take a fifth: {wait} s: {delivery}");
    if delivery["next_run"] == true { SoonAgain } else { Later }
}

/// What became of one mail: exit status, how often it was tried, whose trouble it was, when it is tried again, what is said, and
/// how many copies arrive.
fn became(fault: Fault) -> (Option<i32>, u64, Whose, Next, String, usize) {
    let publisher = Server::start();
    publisher.serve("/rss", large_entry());
    let server = SmtpServer::start();
    server.fault(fault);
    // Whoever waits for silence waits a second, and ten after a mail.
    let login = if fault == Fault::Auth535 { "username = \"me\"\npassword = \"secret\"\n" } else { "" };
    let sink = format!("{}timeout = \"1s\"\n{login}", server.sink());
    let reader = Sandbox::local().sink("mail", &sink).feed("posts", publisher.url("/rss"));
    let ran = reader.poll();
    let queue = reader.queue();
    let ended = reader.facts(&["status"])["last_run"]["ended_at"].clone();
    let (attempts, next, error) = match queue.as_slice() {
        [] => (0, Delivered, String::new()),
        [delivery] => {
            let error = delivery["error"].as_str().unwrap().to_owned();
            assert!(ran.stderr.contains(&error), "what is listed is what was told: {fault:?}: {}", ran.stderr);
            (delivery["attempts"].as_u64().unwrap(), next(delivery, &ended), error)
        }
        more => panic!("{fault:?}: {more:?}"),
    };
    server.heal();
    reader.poll().succeeds();
    assert_eq!(reader.queue().len(), usize::from(next == Never), "{fault:?}");
    assert!(server.message_ids().len() <= 1, "{fault:?}: one mail is one id, however often it is sent");
    let whose = if ran.stderr.contains("cannot deliver to `mail`") { Sinks } else { Mails };
    (ran.code, attempts, whose, next, error, server.mails().len())
}

/// How a row is wrong.
fn check(row: &Row) -> Option<String> {
    let Row(fault, whose, next, words, copies) = row;
    let (code, attempts) = match next {
        Delivered => (0, 0),
        SoonAgain | Later => (0, 1),
        Never => (1, 2),
    };
    let got = became(*fault);
    let is_right = (got.0, got.1, got.2, got.3, got.5) == (Some(code), attempts, *whose, *next, *copies) && got.4.contains(words);
    (!is_right).then(|| format!("{row:?} became {got:?}"))
}

#[test]
fn each_fault_of_a_mail_server_means_one_thing_for_the_mail() {
    // Side by side: some rows wait for seconds.
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let check = |rows: &'static [Row]| move || rows.iter().filter_map(check).collect::<Vec<_>>();
        let tried: Vec<_> = ROWS.chunks(ROWS.len().div_ceil(4)).map(|rows| scope.spawn(check(rows))).collect();
        tried.into_iter().flat_map(|rows| rows.join().unwrap_or_else(|panic| vec![format!("a panic: {panic:?}")])).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
