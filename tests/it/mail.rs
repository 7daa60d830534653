//! The mail that is made of an entry, as its reader sees it.

use crate::kit::{Fault, Message, Page, Sandbox, Server, SmtpServer, fixture};

/// The mails of one document, by subject.
fn mails_of(document: &str, sink: &str) -> Vec<Message> {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture(document)));
    let settings = format!("type = \"maildir\"\npath = \"~/Mail\"\n{sink}");
    let reader = Sandbox::local().sink("inbox", &settings).feed("winds", publisher.url("/rss"));
    reader.poll().succeeds();
    let mut mails = reader.inbox();
    mails.sort_by_key(|mail| mail.subject().to_owned());
    mails
}

fn about<'a>(mails: &'a [Message], words: &str) -> &'a Message {
    let subjects: Vec<&str> = mails.iter().map(Message::subject).collect();
    mails.iter().find(|mail| mail.subject().contains(words)).unwrap_or_else(|| panic!("no `{words}` in {subjects:?}"))
}

#[test]
fn a_mail_says_where_it_comes_from() {
    let mails = mails_of("demo.xml", "from = \"feeds@example.net\"\nto = \"me@example.net\"");
    let mail = about(&mails, "three storms");
    assert_eq!(mail.subject(), "A keeper’s log: three storms & a quiet “Föhn”");
    let (name, address) = mail.from();
    assert_eq!((name.as_str(), address.as_str()), ("The Lighthouse & the Loom (Ada Þórsdóttir)", "feeds@example.net"));
    assert_eq!(mail.to().1, "me@example.net");
    assert!(mail.date().starts_with("2026-11-14T06:30:00") || mail.date().starts_with("2026-11-14T07:30:00+01:00"));
    assert!(mail.message_id().ends_with("@example.net"), "{}", mail.message_id());
    assert!(mail.header("List-Id").unwrap().contains("<winds."), "{:?}", mail.header("List-Id"));
    assert!(mail.header("X-RSS-Feed").unwrap().ends_with("/rss"));
    assert_eq!(mail.header("X-RSS-ID").as_deref(), Some("tag:example.org,2026:log/3"));
    assert_eq!(mail.header("X-RSS-URL").as_deref(), Some("https://example.org/log/three-storms"));
}

#[test]
fn both_parts_carry_the_words_the_link_and_the_enclosures() {
    let mails = mails_of("demo.xml", "");
    let mail = about(&mails, "three storms");
    assert_eq!(mail.content_type(), "multipart/alternative");
    for part in [mail.text().unwrap(), mail.html().unwrap()] {
        for words in
            ["barometer", "two flickers", "https://example.org/log/three-storms", "https://example.org/audio/three-storms.mp3"]
        {
            assert!(part.contains(words), "no `{words}` in {part}");
        }
    }
    assert!(!mail.text().unwrap().contains("<p>"));
    assert!(mail.html().unwrap().contains("https://example.org/images/gallery.jpg"));
    assert!(about(&mails, "Counting waves").text().unwrap().contains("heights.windows(2)"));
}

#[test]
fn no_line_of_a_mail_is_longer_than_the_standard_allows() {
    for mail in mails_of("hostile.xml", "").iter().chain(&mails_of("demo.xml", "")) {
        let text = String::from_utf8_lossy(mail.raw()).into_owned();
        assert!(text.lines().all(|line| line.len() <= 998), "{}", mail.subject());
    }
}

#[test]
fn relative_links_become_absolute() {
    let publisher = Server::start();
    publisher.serve("/atom", Page::of(fixture("atom.xml"), "application/atom+xml"));
    let reader = Sandbox::local().sink_maildir().feed("harbour", publisher.url("/atom"));
    reader.poll().succeeds();
    let mail = &reader.inbox()[0];
    assert!(mail.html().unwrap().contains("https://example.org/atom/tides#low"));
    assert_eq!(mail.header("X-RSS-URL").as_deref(), Some("https://example.org/atom/tides"));
}

#[test]
fn a_mail_is_never_from_the_publishers_address() {
    for mail in mails_of("two_entries.xml", "from = \"feeds@example.net\"") {
        assert_eq!(mail.from().1, "feeds@example.net");
        assert!(!mail.from().0.contains('@'), "{:?}", mail.from());
    }
    for mail in mails_of("hostile.xml", "") {
        assert!(!mail.from().1.contains("example.com") && !mail.from().1.contains("bank"), "{:?}", mail.from());
    }
}

#[test]
fn a_hostile_title_writes_no_header() {
    let mails = mails_of("hostile.xml", "");
    assert_eq!(mails.len(), 5);
    for mail in &mails {
        let names = mail.header_names();
        for forbidden in ["bcc", "cc", "x-injected"] {
            assert!(!names.iter().any(|name| name == forbidden), "{names:?}");
        }
        for once in ["from", "to", "subject", "date", "message-id", "mime-version"] {
            assert_eq!(names.iter().filter(|name| *name == once).count(), 1, "{once} in {names:?}");
        }
        let controls =
            |c: char| c.is_control() || matches!(c, '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        assert!(!mail.subject().contains(controls), "{:?}", mail.subject());
        assert!(!mail.from().0.contains(controls), "{:?}", mail.from());
    }
}

#[test]
fn a_hostile_body_runs_nothing() {
    let mails = mails_of("hostile.xml", "");
    let html = about(&mails, "Bold").html().unwrap().to_ascii_lowercase();
    assert!(html.contains("words that stay"));
    for word in [
        "<script",
        "onerror",
        "onclick",
        "javascript:",
        "<iframe",
        "<svg",
        "<form",
        "<input",
        "data:text",
        "http-equiv=\"refresh",
        "<base",
        "position",
    ] {
        assert!(!html.contains(word), "`{word}` in {html}");
    }
}

#[test]
fn a_body_cannot_end_the_mail() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("hostile.xml")));
    let server = SmtpServer::start();
    let reader = Sandbox::local().sink("mail", &server.sink()).feed("winds", publisher.url("/rss"));
    reader.poll().succeeds();
    let mails = server.mails();
    assert_eq!(mails.len(), 5);
    let text = about(&mails, "ends the mail").text().unwrap();
    assert!(text.contains("before the dot") && text.contains("after the dot"), "{text}");
}

#[test]
fn a_long_title_is_cut_at_a_word() {
    let mails = mails_of("hostile.xml", "");
    let subject = about(&mails, "Seven words").subject().to_owned();
    let cut = subject.trim_end_matches('…').trim_end();
    assert!(subject.chars().count() <= 200 && subject.chars().count() > 150, "{subject}");
    assert!(
        "Seven words that go on and on ".split(' ').any(|word| !word.is_empty() && cut.ends_with(&format!(" {word}"))),
        "{subject}"
    );
}

#[test]
fn a_mail_for_a_service_holds_the_link_and_nothing_else() {
    for mail in mails_of("two_entries.xml", "format = \"url\"") {
        let path = if mail.subject() == "The first entry" { "one" } else { "two" };
        assert_eq!(mail.text().unwrap().trim_end(), format!("https://example.org/posts/{path}"));
        assert!(mail.html().is_none());
        assert_eq!(mail.content_type(), "text/plain");
    }
}

#[test]
fn one_part_alone_can_be_asked_for() {
    let text = mails_of("two_entries.xml", "format = \"text\"");
    assert!(text.iter().all(|mail| mail.html().is_none() && mail.text().is_some()));
    let html = mails_of("two_entries.xml", "format = \"html\"");
    assert!(html.iter().all(|mail| mail.html().is_some() && mail.text().is_none()));
}

#[test]
fn the_words_around_an_entry_are_templates() {
    let sink = "subject = \"[{{ feed.name }}] {{ entry.title }}\"\nfrom_name = \"{{ feed.title }}\"\nto = \"me+{{ feed.name }}@example.net\"";
    let mails = mails_of("two_entries.xml", sink);
    assert_eq!(mails[0].subject(), "[winds] The first entry");
    assert_eq!((mails[0].from().0.as_str(), mails[0].to().1.as_str()), ("Two Winds", "me+winds@example.net"));
}

#[test]
fn an_entry_has_one_message_id_however_often_it_is_sent() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let server = SmtpServer::start();
    let reader = || Sandbox::local().sink("mail", &server.sink()).feed("winds", publisher.url("/rss"));
    let first = reader();
    server.fault(Fault::EndLost);
    first.poll();
    server.heal();
    first.poll().succeeds();
    let copies = server.mails().len();
    assert!(copies > 2, "the one whose answer was lost came again: {copies}");
    assert_eq!(server.message_ids().len(), 2);
    reader().poll().succeeds();
    assert_eq!(server.message_ids().len(), 2, "another home gives the same ids");
    let same =
        |mail: &Message| server.mails().iter().filter(|m| m.message_id() == mail.message_id()).all(|m| m.raw() == mail.raw());
    assert!(server.mails().iter().all(same), "one id, one content");
}

#[test]
fn a_password_in_a_feeds_url_reaches_neither_mail_nor_screen() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let url = publisher.url("/rss?token=abc123").replace("http://", "http://me:hunter2@");
    let reader = Sandbox::local().sink_maildir().feed("winds", url).feed("lost", publisher.url("/lost?token=abc123"));
    let mut seen = String::new();
    for ran in [reader.run(&["run", "--once", "-v"]), reader.run(&["status"]), reader.run(&["list", "--json"])] {
        seen += &ran.stdout;
        seen += &ran.stderr;
    }
    assert_eq!(reader.inbox().len(), 2);
    for mail in reader.inbox() {
        seen += &String::from_utf8_lossy(mail.raw());
    }
    assert!(!seen.contains("hunter2") && !seen.contains("abc123"), "{seen}");
}
