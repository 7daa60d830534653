//! How mails travel: what arrives by a real mail server is what was made, and `feeds check --send` shows it beforehand.

use crate::kit::mailserver::PASSWORD;
use crate::kit::{Fault, Message, Page, Sandbox, Server, SmtpServer, fixture, mail_server};

/// Each header and part of a mail as its reader sees it, by its name.
fn seen(mail: &Message) -> Vec<(&'static str, Option<String>)> {
    let headers = ["From", "To", "Subject", "Date", "List-Id", "Archived-At", "X-RSS-ID", "Content-Language", "Keywords"];
    let mut seen: Vec<_> = headers.iter().map(|name| (*name, mail.header(name))).collect();
    // A Maildir's lines end as this machine's files do.
    let lines = |text: Option<String>| text.map(|text| text.replace("\r\n", "\n"));
    let parts = [Some(mail.subject().to_owned()), lines(mail.text()), lines(mail.html())];
    seen.extend(["the subject", "the text", "the HTML"].into_iter().zip(parts));
    seen
}

fn by_subject(mut mails: Vec<Message>) -> Vec<Message> {
    mails.sort_by_key(|mail| mail.subject().to_owned());
    mails
}

#[test]
fn what_is_read_back_from_a_real_server_is_what_was_made() {
    let Some(server) = mail_server() else { return };
    let publisher = Server::start();
    for name in ["demo", "hostile", "two_entries"] {
        publisher.serve(&format!("/{name}"), Page::feed(fixture(&format!("{name}.xml"))));
    }
    for (tls, port) in [("starttls", server.submission()), ("implicit", server.smtps())] {
        let user = format!("whole-{tls}@test.local");
        let addresses = format!("from = \"feeds@test.local\"\nto = \"{user}\"\n");
        let smtp = format!(
            "type = \"smtp\"\nhost = \"localhost\"\nport = {port}\ntls = \"{tls}\"\nusername = \"{user}\"\npassword = \"{PASSWORD}\"\n\
             {addresses}"
        );
        let mut reader = Sandbox::local()
            .env("SSL_CERT_FILE", server.authority())
            .sink("mail", &smtp)
            .sink("inbox", &format!("type = \"maildir\"\npath = \"~/Mail\"\n{addresses}"));
        for name in ["demo", "hostile", "two_entries"] {
            reader = reader.feed(name, publisher.url(&format!("/{name}")));
        }
        reader.poll().succeeds();
        let made = by_subject(reader.inbox());
        assert!(made.len() == 10 && reader.queue().is_empty(), "{}", made.len());
        let arrived = by_subject(server.inbox(&user, made.len()));
        assert_eq!(arrived.len(), made.len());
        for (arrived, made) in arrived.iter().zip(&made) {
            for ((name, there), (_, here)) in seen(arrived).into_iter().zip(seen(made)) {
                assert_eq!(there, here, "{name} of {} by {tls}", made.subject());
            }
        }
    }
}

#[test]
fn a_test_mail_through_each_sink_tells_the_last_word_and_leaves_no_trace() {
    let server = SmtpServer::start();
    let reader = Sandbox::local().sink("mail", &server.sink()).sink_maildir();
    let told = reader.run(&["check", "--send"]).succeeds();
    assert!(told.stdout.contains("a test mail by `mail` to me@example.net: sent: 250 2.0.0 queued as 1\n"), "{}", told.stdout);
    assert!(told.stdout.contains("a test mail by `inbox` to reader@localhost: sent: "), "{}", told.stdout);
    assert!(!reader.database().exists(), "it is nothing that happened to a feed");
    let (sent, kept) = (server.mails(), reader.inbox());
    assert_eq!((sent.len(), kept.len()), (1, 1));
    assert_eq!(sent[0].to().1, "me@example.net");
    for (mail, name) in [(&sent[0], "`mail`"), (&kept[0], "`inbox`")] {
        let text = mail.text().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(mail.subject().contains("test") && text.contains("feeds check --send"), "{text}");
        assert!(text.contains(&format!("the sink {name}")) || text.contains(name.trim_matches('`')), "{text}");
    }
    let checks = reader.facts(&["check", "--send"])["checks"].clone();
    let receipts: Vec<&str> = checks.as_array().unwrap().iter().filter_map(|check| check["receipt"].as_str()).collect();
    assert_eq!((receipts.len(), receipts[0]), (2, "250 2.0.0 queued as 2"), "{checks}");
}

#[test]
fn a_test_mail_that_is_refused_fails_the_check_in_the_servers_words() {
    let server = SmtpServer::start();
    server.fault(Fault::Says("RCPT", "554 5.7.1 relay access denied"));
    let reader = Sandbox::local().sink("mail", &server.sink());
    reader.run(&["check"]).succeeds();
    reader.run(&["check", "--send"]).fails_with(1).complains_of("554 5.7.1 relay access denied");
}

#[test]
fn a_sink_that_cannot_be_reached_is_told_of_once_with_the_next_step() {
    let server = SmtpServer::start();
    let reader = Sandbox::local().sink("mail", &server.sink());
    server.down();
    let told = reader.run(&["check", "--send"]).fails_with(1).complains_of("1 check failed");
    assert_eq!(told.stderr.matches("connection refused").count(), 1, "{}", told.stderr);
    assert!(told.stderr.contains("connection refused\nhelp: check `host` and `port`\n"), "{}", told.stderr);
    server.up();
    reader.run(&["check", "--send"]).succeeds();
}

/// The table of a sink that delivers to these addresses over this port, without a login.
fn sink_to(to: &str, port: u16) -> String {
    format!(
        "type = \"smtp\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nfrom = \"feeds@bücher.local\"\nto = \"{to}\"\n"
    )
}

#[test]
fn a_real_server_is_told_of_letters_beyond_ascii_where_an_address_has_them_before_its_at_and_only_then() {
    let Some(server) = mail_server() else { return };
    let cases = [
        ("jürgen@letters.local", "jürgen@letters.local", "with UTF8SMTP "),
        ("guenter@letters.local", "guenter@letters.local", "with ESMTP "),
        ("leser@bücher.local", "leser@xn--bcher-kva.local", "with ESMTP "),
    ];
    for (to, address, spoken) in cases {
        Sandbox::local().sink("mail", &sink_to(to, server.smtp())).run(&["check", "--send"]).succeeds();
        let letter = server.letter(address);
        let received = letter.header("Received").unwrap();
        assert!(received.contains(spoken), "{to}: {received}");
        assert_eq!((letter.to().1.as_str(), letter.from().1.as_str()), (address, "feeds@xn--bcher-kva.local"));
        assert!(letter.message_id().ends_with("@xn--bcher-kva.local"), "{}", letter.message_id());
    }
}

#[test]
fn a_server_that_takes_no_letters_beyond_ascii_is_named_as_the_reason() {
    let server = SmtpServer::start();
    let reader = Sandbox::local().sink("mail", &sink_to("jürgen@example.net", server.port()));
    let told = reader.run(&["check", "--send"]).fails_with(1);
    assert!(told.stderr.contains("the server takes no address like `jürgen@example.net`"), "{}", told.stderr);
    assert!(server.mails().is_empty());
}

#[test]
fn a_preview_shows_the_message_id_and_the_list_that_will_be_sent_with_letters_of_ascii_alone() {
    let reader = Sandbox::local().sink("mail", &sink_to("me@example.net", 25));
    let feed = crate::kit::project().join("fixtures/feeds/two_entries.xml");
    let shown = reader.run(&["preview", &feed.display().to_string(), "--sink", "mail", "--as", "eml"]).succeeds().stdout;
    let mail = Message::parse(shown.into_bytes());
    assert!(mail.message_id().ends_with("@xn--bcher-kva.local"), "{}", mail.message_id());
    assert!(mail.header("List-Id").is_some_and(|list| list.ends_with(".xn--bcher-kva.local>")), "{:?}", mail.header("List-Id"));
}
