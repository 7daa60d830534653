//! The faults of a mail server, and what each means for its mails.

use std::path::PathBuf;

use toml::de::DeTable;

use super::*;
use crate::delivery::{DeliveryId, IdempotencyKey};
use crate::env::Env;
use crate::feed::Facts;
use crate::net::smtp::testing::{Rules, Say, Server as Scripted, impatient, limits};
use crate::net::smtp::{Limits, Tls};

const PIPELINING: (&str, Say) = ("EHLO", Say::Line("250-mx\r\n250 PIPELINING"));

fn parcels(number: i64) -> Vec<Parcel> {
    let mail = |n: i64| Mail {
        from: "feeds@example.net".to_owned(),
        to: vec!["me@example.net".to_owned()],
        message_id: format!("{n}@example.net"),
        bytes: format!("Subject: {n}\r\n\r\n.\r\n").into_bytes(),
        facts: Facts::default(),
        remarks: Vec::new(),
    };
    let parcel = |n| Parcel {
        deliveries: vec![DeliveryId(n)],
        message_id: format!("{n}@example.net"),
        key: IdempotencyKey(n.to_string()),
        attempt: 0,
        replaces: None,
        made: Made::Mail(mail(n)),
    };
    (0..number).map(parcel).collect()
}

fn sink(server: &Scripted, limits: Limits) -> Smtp {
    Smtp { server: server.place(Tls::None, limits), login: None, session: Mutex::new(None), unknown: Mutex::default() }
}

async fn deliver(sink: &Smtp, number: i64) -> (Vec<&'static str>, Option<String>) {
    deliver_these(sink, &parcels(number)).await
}

async fn deliver_these(sink: &Smtp, parcels: &[Parcel]) -> (Vec<&'static str>, Option<String>) {
    let (reports, mut receiver) = Reports::channel(100);
    let pause = sink.deliver(parcels, &reports).await.err();
    drop(reports);
    let mut words = Vec::new();
    while let Some((_, outcome)) = receiver.recv().await {
        words.push(match outcome {
            Outcome::Accepted { .. } => "accepted",
            Outcome::Retry { .. } => "retry",
            Outcome::Misaddressed { .. } => "misaddressed",
            Outcome::Unknown { .. } => "unknown",
            Outcome::Rejected { try_smaller: true, .. } => "rejected, try smaller",
            Outcome::Rejected { try_smaller: false, .. } => "rejected",
        });
    }
    (words, pause.map(|pause| pause.reason))
}

async fn case(rules: Rules, words: &[&str], pause: Option<&str>, mails: usize) {
    let hangs = rules.iter().any(|(_, say)| *say == Say::Hang);
    for pipelining in [vec![], vec![PIPELINING]] {
        let rules: Rules = pipelining.into_iter().chain(rules.clone()).collect();
        let server = Scripted::start(rules.clone()).await;
        let sink = sink(&server, if hangs { impatient() } else { limits() });
        let (got, reason) = deliver(&sink, 3).await;
        assert_eq!(got, words, "{rules:?}");
        match (pause, reason) {
            (None, None) => {}
            (Some(wanted), Some(reason)) => assert!(reason.contains(wanted), "{rules:?}: {reason}"),
            (_, reason) => panic!("{rules:?}: {reason:?}"),
        }
        assert_eq!(server.mails().len(), mails, "{rules:?}");
    }
}

#[tokio::test]
async fn all_mails_of_a_run_go_over_one_connection() {
    let server = Scripted::start(vec![PIPELINING]).await;
    let sink = sink(&server, limits());
    assert_eq!(deliver(&sink, 3).await, (vec!["accepted"; 3], None));
    assert_eq!(deliver(&sink, 2).await, (vec!["accepted"; 2], None));
    sink.close().await;
    assert_eq!((server.connections(), server.mails().len(), server.count("QUIT")), (1, 5, 1));
    assert_eq!(server.commands()[0], "EHLO example.net");
}

#[tokio::test]
async fn not_now_is_said_of_one_mail() {
    for verb in ["MAIL#2", "RCPT#2", "DATA#2", ".#2"] {
        case(vec![(verb, Say::Line("450 4.2.0 greylisted"))], &["accepted", "retry", "accepted"], None, 2).await;
    }
    case(vec![("RCPT#2", Say::Line("452 4.5.3 too many recipients"))], &["accepted", "retry", "accepted"], None, 2).await;
}

#[tokio::test]
async fn a_recipient_that_is_refused_holds_up_no_other_and_is_asked_for_once_a_run() {
    for (verb, answer) in [
        ("RCPT#2", "550 5.1.1 no such user"),
        ("RCPT#2", "550 unknown"),
        ("RCPT#2", "450 4.1.1 unverified"),
        ("RCPT#2", "550 5.2.1 mailbox disabled"),
        (".#2", "550 5.1.1 no such user"),
    ] {
        let server = Scripted::start(vec![PIPELINING, (verb, Say::Line(answer))]).await;
        let sink = sink(&server, limits());
        let mut mixed = parcels(6);
        for place in [1, 3, 5] {
            let Made::Mail(mail) = &mut mixed[place].made else { panic!() };
            mail.to = vec!["nobody@example.net".to_owned()];
        }
        let told = ["accepted", "misaddressed"].repeat(3);
        assert_eq!(deliver_these(&sink, &mixed).await, (told, None), "{verb} {answer}");
        assert_eq!(deliver_these(&sink, &mixed[1..2]).await, (vec!["misaddressed"], None));
        let asked = server.commands().iter().filter(|command| command.starts_with("RCPT TO:<nobody@")).count();
        assert_eq!((asked, server.mails().len()), (1, 3));
    }
    case(vec![("RCPT", Say::Line("550 5.1.1 no such user"))], &["misaddressed"; 3], None, 0).await;
}

#[tokio::test]
async fn a_server_that_takes_none_of_several_mails_now_rests() {
    case(vec![("RCPT", Say::Line("450 4.2.0 greylisted"))], &["retry"; 3], Some("greylisted"), 0).await;
    case(vec![(".", Say::Line("451 4.3.0 queue file"))], &["retry"; 3], Some("queue file"), 0).await;
}

#[tokio::test]
async fn a_refused_content_is_that_mails_own() {
    let words = ["accepted", "rejected, try smaller", "accepted"];
    for answer in ["554 5.7.1 spam", "552 5.3.4 too large", "552 too large", "550 no"] {
        case(vec![(".#2", Say::Line(answer))], &words, None, 2).await;
    }
    for (verb, answer) in
        [("MAIL#2", "552 5.3.4 too large"), ("MAIL#2", "552 too large"), ("RCPT#2", "552 5.2.3 too large for him")]
    {
        case(vec![(verb, Say::Line(answer))], &words, None, 2).await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_us_rests_the_sink_and_gives_no_mail_up() {
    let cases = [
        ("RCPT#2", "554 5.7.1 relay access denied", "relay access denied"),
        ("RCPT#2", "452 4.2.2 mailbox full", "mailbox full"),
        ("MAIL#2", "530 5.7.0 authentication required", "the sender `feeds@example.net`: 530"),
        ("MAIL#2", "452 4.3.1 insufficient system storage", "insufficient"),
        (".#2", "552 5.2.2 over quota", "over quota"),
        (".#2", "452 4.3.1 insufficient system storage", "insufficient"),
        (".#2", "452 out of space", "out of space"),
        (".#2", "451 4.3.2 not accepting now", "not accepting"),
        ("RCPT#2", "550 5.1.8 sender domain not found", "sender domain"),
        ("RCPT#2", "530 5.7.0 authentication required", "authentication required"),
        (".#2", "421 4.3.2 going down", "going down"),
        ("RCPT#2", "421 4.7.0 too many", "too many"),
    ];
    for (verb, answer, words) in cases {
        case(vec![(verb, Say::Line(answer))], &["accepted"], Some(words), 1).await;
    }
    case(vec![("greeting", Say::Line("421 4.3.2 busy"))], &[], Some("421 4.3.2 busy"), 0).await;
    case(vec![("RCPT#2", Say::Close)], &["accepted"], Some("the connection broke"), 1).await;
    case(vec![("DATA#2", Say::Reset)], &["accepted"], Some("connection reset"), 1).await;
    case(vec![("DATA#2", Say::Hang)], &["accepted"], Some("no answer from the server within"), 1).await;
}

#[tokio::test]
async fn a_mail_whose_answer_is_lost_is_unknown_and_the_next_one_goes_on() {
    // The server has it all the same.
    case(vec![(".#2", Say::Close)], &["accepted", "unknown", "accepted"], None, 3).await;
    case(vec![(".#2", Say::Reset)], &["accepted", "unknown", "accepted"], None, 3).await;
    case(vec![(".#2", Say::Hang)], &["accepted", "unknown", "accepted"], None, 3).await;
    case(vec![(".", Say::Close)], &["unknown", "unknown"], Some("the connection broke at the mail"), 2).await;
}

#[tokio::test]
async fn a_connection_that_ended_while_it_was_idle_is_opened_anew_once() {
    for answer in [Say::Close, Say::Line("421 4.4.2 idle for too long")] {
        let server = Scripted::start(vec![("MAIL#2", answer)]).await;
        let sink = sink(&server, limits());
        assert_eq!(deliver(&sink, 3).await, (vec!["accepted"; 3], None));
        assert_eq!((server.connections(), server.mails().len()), (2, 3));
    }
    let server = Scripted::start(vec![("MAIL#2", Say::Close), ("MAIL#3", Say::Close)]).await;
    assert_eq!(deliver(&sink(&server, limits()), 3).await.0, ["accepted"]);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_server_that_is_not_there_rests_the_sink() {
    // Port 9 of this machine: nobody listens there.
    let server = Scripted::nowhere("127.0.0.1", 9, Tls::None, limits());
    let sink = Smtp { server, login: None, session: Mutex::new(None), unknown: Mutex::default() };
    assert_eq!(deliver(&sink, 2).await, (vec![], Some("cannot connect to 127.0.0.1:9: connection refused".to_owned())));
}

#[tokio::test]
async fn a_check_says_what_answered() {
    let server = Scripted::start(vec![]).await;
    assert!(sink(&server, limits()).check().await.unwrap().ends_with(", in the clear, no login"));
    assert_eq!((server.count("NOOP"), server.count("QUIT"), server.count("MAIL")), (1, 1, 0));
}

/// A sink with the settings of a login by a token, which a program gives.
fn with_tokens(server: &Scripted, folder: &std::path::Path, tokens: &str) -> Smtp {
    std::fs::write(folder.join("tokens"), tokens).unwrap();
    // Gives the next line at each call, and the last one for ever.
    let program = "head -n 1 tokens; if test $(wc -l < tokens) -gt 1; then sed -i 1d tokens; fi";
    let text = format!(
        "host = '127.0.0.1'\ntls = 'none'\nusername = 'me'\ntoken_command = ['sh', '-c', 'cd {} && {program}']",
        folder.display()
    );
    let shared = Shared { folder: PathBuf::from("/"), user_agent: String::new(), env: Env::from_fn(|_| None) };
    let (_, login) = account::read(Settings::new("mail", DeTable::parse(&text).unwrap()), &shared).unwrap();
    Smtp { login, ..sink(server, limits()) }
}

#[tokio::test]
async fn a_token_that_expires_in_the_middle_of_a_run_is_asked_for_again_once() {
    let offer = ("EHLO", Say::Line("250-mx\r\n250 AUTH XOAUTH2"));
    let (welcome, refused) = (Say::Line("235 2.7.0 welcome"), Say::Line("535 5.7.8 the token has expired"));
    let folder = tempfile::tempdir().unwrap();

    let rules = vec![offer, ("AUTH#1", welcome), ("AUTH#2", refused), ("AUTH#3", welcome), ("MAIL#2", Say::Close)];
    let server = Scripted::start(rules).await;
    let sink = with_tokens(&server, folder.path(), "old\nnew\n");
    assert_eq!(deliver(&sink, 3).await, (vec!["accepted"; 3], None));
    let logins: Vec<String> = server.commands().into_iter().filter(|command| command.starts_with("AUTH")).collect();
    assert!(logins.len() == 3 && logins[0] == logins[1] && logins[1] != logins[2], "{logins:?}");

    // What was refused and is still the same is not tried a second time, and neither is a third one looked for.
    for (tokens, tries) in [("old\n", 2), ("old\nnew\nnewest\n", 3)] {
        let server = Scripted::start(vec![offer, ("AUTH#1", welcome), ("AUTH", refused), ("MAIL#2", Say::Close)]).await;
        let (got, reason) = deliver(&with_tokens(&server, folder.path(), tokens), 3).await;
        assert_eq!((got, server.count("AUTH")), (vec!["accepted"], tries));
        assert!(reason.unwrap().contains("535 5.7.8"));
    }
    // A login that is refused from the beginning is tried once.
    let server = Scripted::start(vec![offer, ("AUTH", refused)]).await;
    deliver(&with_tokens(&server, folder.path(), "old\nnew\n"), 3).await;
    assert_eq!(server.count("AUTH"), 1);
}

#[tokio::test]
async fn a_recipient_that_the_server_cannot_write_down_holds_up_no_other() {
    let server = Scripted::start(vec![PIPELINING]).await;
    let mut mixed = parcels(3);
    let Made::Mail(mail) = &mut mixed[1].made else { panic!() };
    mail.to = vec!["jürgen@example.net".to_owned()];
    assert_eq!(deliver_these(&sink(&server, limits()), &mixed).await, (vec!["accepted", "misaddressed", "accepted"], None));
}

#[tokio::test]
async fn a_server_that_takes_so_many_mails_over_one_connection_is_connected_to_anew() {
    for answer in ["451 4.7.0 too many mails in this session", "421 4.7.0 too many mails", "452 4.5.3 too many mails"] {
        let server = Scripted::start(vec![PIPELINING, ("MAIL#3", Say::Line(answer))]).await;
        assert_eq!(deliver(&sink(&server, limits()), 4).await, (vec!["accepted"; 4], None));
        assert_eq!((server.connections(), server.mails().len()), (2, 4), "{answer}");
    }
}

fn built(text: &str) -> Result<String, Vec<String>> {
    let env = Env::from_fn(|name| (name == "HOME").then(|| "/home/me".to_owned()));
    let shared = Shared { folder: PathBuf::from("/etc/feeds"), user_agent: String::new(), env };
    let settings = Settings::new("mail", DeTable::parse(text).unwrap());
    build(settings, &shared).map(|sink| format!("{sink:?}")).map_err(|e| e.0.into_iter().map(|m| m.message).collect())
}

#[test]
fn the_port_follows_from_how_the_connection_is_protected() {
    for (tls, port) in [("starttls", 587), ("implicit", 465), ("none", 25)] {
        let sink = built(&format!("host = 'h'\ntls = '{tls}'")).unwrap();
        assert!(sink.contains(&format!("port: {port}")), "{sink}");
    }
    assert!(built("host = 'h'").unwrap().contains("port: 587, tls: StartTls"));
    assert!(built("host = 'mx.bücher.example'").unwrap().contains("\"mx.xn--bcher-kva.example\""));
    assert!(built("host = 'h'\nca_file = '~/ca.pem'").unwrap().contains("\"/home/me/ca.pem\""));
}

#[test]
fn half_a_login_is_a_mistake() {
    let mistakes = |text: &str| built(&format!("host = 'h'\n{text}")).unwrap_err();
    assert_eq!(mistakes("username = 'me'"), ["`username` without a password"]);
    assert_eq!(mistakes("password = 'hunter2'"), ["a password without `username`"]);
    assert_eq!(mistakes("auth = 'plain'"), ["`auth` asks for a login, and there is no `username`"]);
    assert_eq!(mistakes("auth = 'none'\nusername = 'me'\npassword = 'x'"), ["`username` together with `auth = \"none\"`"]);
    assert_eq!(mistakes("username = 'me'\npassword = 5").len(), 1);
    assert_eq!(mistakes("token = 't'"), ["a token without `username`"]);
    assert_eq!(mistakes("username = 'me'\nauth = 'xoauth2'"), ["`username` without a token"]);
    let both = "username = 'me'\npassword = 'x'\ntoken_command = 'y'";
    assert_eq!(mistakes(both), ["both a password and a token are given"]);
    let other = "username = 'me'\npassword = 'x'\nauth = 'oauthbearer'";
    assert_eq!(mistakes(other), ["this `auth` needs a token, and a password is given"]);
    assert_eq!(mistakes("username = 'me'\ntoken = 't'\nauth = 'plain'"), ["this `auth` needs a password, and a token is given"]);
    for auth in ["auto", "xoauth2", "oauthbearer"] {
        assert!(built(&format!("host = 'h'\nusername = 'me'\ntoken = 't'\nauth = '{auth}'")).is_ok());
    }
    assert!(built("port = 'x'\nhots = 'h'\nusername = 'me'\npassword = 5").unwrap_err().len() >= 3);
    let sink = built("host = 'h'\nusername = 'me'\npassword = 'hunter2'").unwrap();
    assert!(!sink.contains("hunter2"));
}
