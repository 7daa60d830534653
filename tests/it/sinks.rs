//! Where entries go: a real mail server, a read-later service, and several at once.

use serde_json::json;

use crate::kit::linkding::TOKEN;
use crate::kit::mailserver::{MailServer, PASSWORD};
use crate::kit::{Linkding, Page, Sandbox, Server, fixture, mail_server};

fn publisher() -> Server {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")).etag("\"a\""));
    publisher
}

fn later(service: &Linkding) -> String {
    format!("type = \"linkding\"\nurl = \"{}\"\ntoken = \"{TOKEN}\"\n", service.url())
}

/// A sink at the real mail server. The name `localhost` is the one in its certificate.
fn smtp(user: &str, port: u16, more: &str) -> String {
    format!(
        "type = \"smtp\"\nhost = \"localhost\"\nport = {port}\nfrom = \"feeds@test.local\"\nto = \"{user}@test.local\"\n{more}\n"
    )
}

fn login(user: &str) -> String {
    format!("username = \"{user}@test.local\"\npassword = \"{PASSWORD}\"")
}

/// A home that trusts the mail server's certificate.
fn trusting(server: &MailServer) -> Sandbox {
    Sandbox::local().env("SSL_CERT_FILE", server.authority())
}

/// Polls the feed and gives what then lies in the user's INBOX.
fn mailed(server: &MailServer, user: &str, sink: &str) -> Vec<crate::kit::Message> {
    let publisher = publisher();
    let reader = trusting(server).sink("mail", sink).feed("winds", publisher.url("/rss"));
    reader.poll().succeeds().quietly();
    assert!(reader.queue().is_empty());
    server.inbox(&format!("{user}@test.local"), 2)
}

#[test]
fn mail_travels_by_starttls_with_a_plain_login() {
    let Some(server) = mail_server() else { return };
    let sink = smtp("starttls", server.submission(), &format!("tls = \"starttls\"\nauth = \"plain\"\n{}", login("starttls")));
    let inbox = mailed(server, "starttls", &sink);
    // Its two queues may hand over two mails in either order.
    let first = inbox.iter().find(|mail| mail.subject() == "The first entry").unwrap();
    assert_eq!((inbox.len(), first.from().1.as_str()), (2, "feeds@test.local"));
    assert!(first.text().unwrap().contains("What the first entry says."));
}

#[test]
fn mail_travels_with_the_older_login() {
    let Some(server) = mail_server() else { return };
    let sink = smtp("login", server.submission(), &format!("tls = \"starttls\"\nauth = \"login\"\n{}", login("login")));
    assert_eq!(mailed(server, "login", &sink).len(), 2);
}

#[test]
fn mail_travels_inside_tls() {
    let Some(server) = mail_server() else { return };
    let sink = smtp("implicit", server.smtps(), &format!("tls = \"implicit\"\n{}", login("implicit")));
    assert_eq!(mailed(server, "implicit", &sink).len(), 2);
}

#[test]
fn mail_travels_without_tls_on_this_machine() {
    let Some(server) = mail_server() else { return };
    let sink = smtp("bare", server.smtp(), "tls = \"none\"");
    assert_eq!(mailed(server, "bare", &sink).len(), 2);
}

#[test]
fn the_mail_that_a_service_saves_from_arrives_as_one_line() {
    let Some(server) = mail_server() else { return };
    let sink = smtp("url", server.smtp(), "tls = \"none\"\nformat = \"url\"");
    let inbox = mailed(server, "url", &sink);
    let mut lines: Vec<String> = inbox.iter().map(|mail| mail.text().unwrap().trim_end().to_owned()).collect();
    lines.sort();
    assert_eq!(lines, ["https://example.org/posts/one", "https://example.org/posts/two"]);
}

#[test]
fn a_hostile_feed_arrives_whole_and_harmless() {
    let Some(server) = mail_server() else { return };
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("hostile.xml")));
    let reader =
        trusting(server).sink("mail", &smtp("hostile", server.smtp(), "tls = \"none\"")).feed("bank", publisher.url("/rss"));
    reader.poll().succeeds();
    let inbox = server.inbox("hostile@test.local", 5);
    assert_eq!(inbox.len(), 5);
    assert!(inbox.iter().all(|mail| !mail.header_names().iter().any(|name| name == "bcc" || name == "x-injected")));
}

#[test]
fn a_password_comes_from_a_file_a_command_or_the_environment() {
    let Some(server) = mail_server() else { return };
    let publisher = publisher();
    let sources = [
        ("file", "password_file = \"smtp.password\"", ""),
        ("command", "password_command = \"printf 'secret\\\\n'\"", ""),
        ("environment", "", PASSWORD),
    ];
    for (user, key, variable) in sources {
        let sink = smtp(user, server.submission(), &format!("username = \"{user}\"\n{key}"));
        let mut reader = trusting(server).sink("mail", &sink).feed("winds", publisher.url("/rss"));
        if !variable.is_empty() {
            reader = reader.env("FEEDS_SINK_MAIL_PASSWORD", variable);
        }
        let file = reader.file(".config/feeds/smtp.password", PASSWORD);
        std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        reader.poll().succeeds();
        assert_eq!(server.inbox(&format!("{user}@test.local"), 2).len(), 2);
    }
}

#[test]
fn a_refused_login_keeps_the_queue_and_says_so() {
    let Some(server) = mail_server() else { return };
    let publisher = publisher();
    let sink = |password: &str| {
        smtp("refused", server.submission(), &format!("username = \"refused@test.local\"\npassword = \"{password}\""))
    };
    let reader = trusting(server).sink("mail", &sink("hunter2")).feed("winds", publisher.url("/rss"));
    let ran = reader.poll().complains_of("mail").complains_of("535");
    assert!(!ran.stderr.contains("hunter2"));
    let queue = reader.queue();
    assert_eq!(queue.len(), 2);
    assert!(queue.iter().all(|delivery| delivery["state"] == "pending"), "{queue:?}");
    reader.run(&["check"]).fails_with(1).complains_of("535");
    let corrected = reader.config_text().replace("hunter2", PASSWORD);
    let reader = reader.config(&corrected);
    reader.run(&["queue", "retry", "--all"]).succeeds();
    reader.poll().succeeds();
    assert_eq!(server.inbox("refused@test.local", 2).len(), 2);
}

#[test]
fn a_certificate_of_a_stranger_is_refused() {
    let Some(server) = mail_server() else { return };
    let publisher = publisher();
    let sink = smtp("stranger", server.submission(), &login("stranger"));
    let reader = Sandbox::local().sink("mail", &sink).feed("winds", publisher.url("/rss"));
    reader.poll().complains_of("certificate");
    assert_eq!(reader.queue().len(), 2);
}

#[test]
fn a_read_later_service_is_given_each_link_with_all_it_takes() {
    let service = Linkding::start();
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("demo.xml")));
    let reader = Sandbox::local().sink("later", &later(&service)).feed("light", publisher.url("/rss"));
    reader.poll().succeeds().quietly();
    let saved = service.saved();
    let links =
        ["loom/lantern-room", "code/counting-waves", "log/three-storms"].map(|path| format!("https://example.org/{path}"));
    assert_eq!(service.urls(), links, "oldest first");
    let request = &saved[2].request;
    assert_eq!((request.method.as_str(), request.path()), ("POST", "/api/bookmarks/"));
    assert_eq!(request.header("Authorization"), Some(format!("Token {TOKEN}").as_str()));
    assert!(request.header("Content-Type").unwrap().starts_with("application/json"));
    assert!(request.header("User-Agent").unwrap().starts_with("feeds/"));
    assert!(request.header("Cookie").is_none() && request.header("Referer").is_none());
    let bookmark = &saved[2].bookmark;
    assert_eq!(bookmark["title"], "A keeper’s log: three storms & a quiet “Föhn”");
    assert_eq!(bookmark["unread"], json!(true));
    assert!(bookmark["tag_names"].is_null() || bookmark["tag_names"].is_array(), "{bookmark}");
    assert!(bookmark["description"].is_null() || bookmark["description"].as_str().unwrap().contains("barometer"), "{bookmark}");
    for (key, value) in bookmark.as_object().unwrap() {
        assert!(!value.is_null() && value != "" && *value != json!([]), "`{key}` would overwrite what is there: {bookmark}");
        assert!(!key.starts_with("date_"), "an entry is filed when it comes, not when it was written: {bookmark}");
    }
}

#[test]
fn a_token_that_the_service_does_not_know_keeps_the_queue() {
    let service = Linkding::start();
    let publisher = publisher();
    let sink = later(&service).replace(TOKEN, "deadbeef");
    let reader = Sandbox::local().sink("later", &sink).feed("winds", publisher.url("/rss"));
    let ran = reader.poll().complains_of("later").complains_of("401");
    assert!(!ran.stderr.contains("deadbeef"));
    assert_eq!(reader.queue().len(), 2);
    assert_eq!(service.requests().len(), 1, "after the first refusal the sink rests");
}

#[test]
fn a_service_that_redirects_a_save_is_not_followed() {
    let stray = Server::start();
    stray.redirect("/api/bookmarks/", "/elsewhere", 302);
    let publisher = publisher();
    let sink = format!("type = \"linkding\"\nurl = \"{}\"\ntoken = \"{TOKEN}\"", stray.url(""));
    let reader = Sandbox::local().sink("later", &sink).feed("winds", publisher.url("/rss"));
    reader.poll();
    assert!(stray.requests_to("/elsewhere").is_empty());
    assert_eq!(reader.queue().len(), 2);
}

#[test]
fn one_sink_that_is_down_for_three_runs_does_not_hold_up_the_other() {
    let service = Linkding::start();
    let publisher = publisher();
    let reader = Sandbox::local().sink_maildir().sink("later", &later(&service)).feed("winds", publisher.url("/rss"));
    service.down();
    reader.poll().complains_of("later");
    for _ in 0..2 {
        reader.poll_again();
        assert_eq!(reader.inbox().len(), 2);
    }
    assert_eq!(reader.queue().len(), 2);
    service.up();
    reader.poll().succeeds();
    assert_eq!(service.urls(), ["https://example.org/posts/one", "https://example.org/posts/two"]);
    assert_eq!((reader.inbox().len(), reader.queue().len()), (2, 0));
}

#[test]
fn a_service_that_is_busy_is_tried_again() {
    let service = Linkding::start();
    let publisher = publisher();
    let reader = Sandbox::local().sink("later", &later(&service)).feed("winds", publisher.url("/rss"));
    service.busy(true);
    reader.poll();
    assert!(reader.queue().iter().any(|delivery| delivery["error"].as_str().is_some_and(|error| error.contains("503"))));
    service.busy(false);
    reader.poll().succeeds();
    assert_eq!(service.urls().len(), 2);
}

#[test]
fn check_connects_to_every_sink_and_delivers_nothing() {
    let service = Linkding::start();
    let reader = Sandbox::local().sink_maildir().sink("later", &later(&service));
    reader.run(&["check"]).succeeds();
    assert_eq!(service.requests()[0].path(), "/api/user/profile/");
    assert!(service.saved().is_empty() && reader.inbox().is_empty());
    service.down();
    reader.run(&["check"]).fails_with(1).complains_of("later");
    reader.run(&["check", "--offline"]).succeeds();
}
