//! Secrets in URLs are used, and stand nowhere else: a feed with a password and a token, every kind of failure, and all that
//! the program ever writes is searched for both.

use std::path::Path;

use crate::kit::http::Response;
use crate::kit::{Page, Sandbox, Server};

/// A document whose links are relative, so that they hang on its own URL.
const RELATIVE: &str = r##"<rss version="2.0"><channel><title>Members</title><link>/</link><description>d</description>
<item><title>One</title><guid isPermaLink="false">1</guid><description>&lt;a href="#top"&gt;up&lt;/a&gt; &lt;a href=""&gt;here&lt;/a&gt; &lt;a href="/other"&gt;other&lt;/a&gt;</description></item>
<item><title>Two</title><link>two</link></item></channel></rss>"##;

/// What a server may do to a request.
const PATHS: [&str; 24] = [
    "good",
    "moved",
    "loop",
    "nowhere",
    "home",
    "odd",
    "broken",
    "long",
    "html",
    "malformed",
    "big",
    "cut",
    "hang",
    "gzip",
    "400",
    "401",
    "403",
    "404",
    "407",
    "410",
    "418",
    "429",
    "500",
    "503",
];

fn all_files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { all_files(&path, found) } else { found.push(path) }
    }
}

/// What was written, with a word for where.
fn assert_clean(place: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for secret in ["hunter2", "abc123", "dTpodW50ZXIy"] {
        assert!(!text.contains(secret), "`{secret}` stands in {place}:\n{text}");
    }
}

fn run(reader: &Sandbox, line: &[&str]) -> String {
    let ran = reader.run(line);
    for (name, text) in [("standard output", &ran.stdout), ("standard error", &ran.stderr)] {
        assert_clean(&format!("{name} of {line:?}"), text.as_bytes());
    }
    ran.stderr
}

#[test]
fn a_password_and_a_token_in_a_url_are_used_and_never_shown() {
    let publisher = Server::start();
    let secret = |path: &str| publisher.url(&format!("{path}?token=abc123")).replacen("http://", "http://u:hunter2@", 1);
    publisher.serve("/good", Page::feed(RELATIVE).etag("\"1\""));
    publisher.redirect("/moved", &format!("{}?token=abc123", publisher.url("/good2")), 301);
    publisher.serve("/good2", Page::feed(RELATIVE.replace("One", "Three")));
    publisher.redirect("/loop", "/loop?token=abc123", 302);
    publisher.redirect("/nowhere", "http://nowhere.invalid/?token=abc123", 302);
    publisher.redirect("/home", "http://u:hunter2@192.168.0.1/?token=abc123", 302);
    publisher.redirect("/odd", "gopher://u:hunter2@h.example/?token=abc123", 302);
    publisher.redirect("/broken", "http://[u:hunter2@/?token=abc123", 302);
    publisher.redirect("/long", &format!("/x?token=abc123&{}", "a".repeat(9_000)), 302);
    publisher.serve("/html", Page::html("<title>Log in</title><form></form>"));
    publisher.serve("/malformed", Page::feed("<rss><channel><title>x</channel>"));
    publisher.serve("/big", Page::feed("x".repeat(2 << 20)));
    publisher.cut("/cut", Page::feed(RELATIVE));
    publisher.hang("/hang");
    for status in [400, 401, 403, 404, 407, 410, 418, 429, 500, 503] {
        publisher.answer(&format!("/{status}"), status, &[], "");
    }
    publisher.script("/403", |request| {
        let echo = format!("no entry for {} to {}", request.header("Authorization").unwrap_or_default(), request.target);
        Response::new(403, &[("Content-Type", "text/plain")], echo.as_bytes())
    });
    publisher.answer("/gzip", 200, &[("Content-Encoding", "gzip")], "no gzip");
    let mut reader = Sandbox::local().http("timeout = \"2s\"\nmax_body = \"1MiB\"").sink_maildir();
    for path in PATHS {
        reader = reader.feed(&format!("f-{path}"), secret(&format!("/{path}")));
    }
    let dead = publisher.url("/x?token=abc123").replacen("http://", "https://u:hunter2@", 1);
    reader = reader
        .feed("f-tls", dead)
        .feed("f-dns", "http://u:hunter2@nowhere.invalid/?token=abc123")
        .feed("f-refused", "http://u:hunter2@127.0.0.1:1024/?token=abc123")
        .feed("f-port", "http://u:hunter2@127.0.0.1:25/?token=abc123")
        .feed("f-guard", "http://u:hunter2@10.0.0.1/?token=abc123");

    let added = publisher.url("/new?token=abc123").replacen("http://", "http://u:hunter2@", 1);
    publisher.serve("/new", Page::feed(RELATIVE.replace("One", "Four")));
    run(&reader, &["add", &added, "--name", "added"]);
    run(&reader, &["add", &added]);
    for wrong in ["nowhere.invalid/", "nowhere.invalid:99999/", "[nowhere/", "192.168.0.1/", "127.0.0.1:25/"] {
        run(&reader, &["add", &format!("http://u:hunter2@{wrong}?token=abc123")]);
        run(&reader, &["show", &format!("http://u:hunter2@{wrong}?token=abc123")]);
        run(&reader, &["add", &format!("u:hunter2@{wrong}?token=abc123")]);
    }
    let told = run(&reader, &["run", "--once", "-v", "--json"]);
    assert!(told.contains("f-404"), "{told}");
    run(&reader, &["run", "--once", "--force", "-vv", "--log-format", "json"]);
    run(&reader, &["run", "--once", "--force", "-vvv"]);
    run(&reader, &["run", "--once", "--force", "--dry-run"]);
    run(&reader, &["catchup", "f-good", "f-404", "f-moved"]);
    run(&reader, &["resend", "f-good", "--last", "1"]);
    for line in [&["status"][..], &["list"], &["queue"], &["check"], &["show", "f-good"], &["preview", "f-good"]] {
        run(&reader, line);
        run(&reader, &[line, &["--json"]].concat());
    }
    for name in PATHS {
        run(&reader, &["status", &format!("f-{name}")]);
    }
    run(&reader, &["show", &secret("/404")]);
    run(&reader, &["show", &secret("/good")]);
    assert!(
        publisher
            .requests_to("/good")
            .iter()
            .all(|asked| { asked.target == "/good?token=abc123" && asked.header("Authorization") == Some("Basic dTpodW50ZXIy") })
    );

    assert!(reader.inbox().len() >= 6, "{}", reader.inbox().len());
    let mut files = Vec::new();
    all_files(&reader.home().join("Mail"), &mut files);
    for mail in &files {
        assert_clean(&mail.display().to_string(), &std::fs::read(mail).unwrap());
    }
    // The database holds the URLs themselves; what it says of failures holds none.
    let database = rusqlite::Connection::open(reader.database()).unwrap();
    let mut errors = database.prepare("SELECT error FROM feeds WHERE error IS NOT NULL").unwrap();
    let errors: Vec<String> = errors.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(errors.len() > 20, "{errors:#?}");
    assert_clean("the database's errors", errors.join("\n").as_bytes());
}

#[test]
fn a_server_that_repeats_what_it_was_sent_is_not_quoted() {
    let publisher = Server::start();
    publisher.script("/rss", |request| {
        let sent = |name: &str| request.header(name).unwrap_or_default().to_owned();
        let echo = format!("{{\"message\":\"unknown: {} {}\"}}", sent("Authorization"), sent("X-Api-Key"));
        Response::new(403, &[("Content-Type", "application/json")], echo.as_bytes())
    });
    let login = "bearer_token = \"hunter2\"\nheaders = { X-Api-Key = \"abc123\" }";
    let reader = Sandbox::local().sink_maildir().feed_with("club", publisher.url("/rss"), login);
    for line in [&["run", "--once", "-vvv"][..], &["show", "club"], &["status", "club"], &["status", "--json"]] {
        run(&reader, line);
    }
    assert_eq!(publisher.requests()[0].header("Authorization"), Some("Bearer hunter2"));
    assert_eq!(reader.status_of("club")["error"], "the server answered 403 Forbidden");
}

#[test]
fn a_mistake_in_the_configuration_does_not_show_the_secret_beside_it() {
    for line in [
        "url = \"http://u:hunter2@h.example:99999/?token=abc123\"",
        "url = \"http://u:hunter2@h.example/?token=abc123\"\npasword = \"hunter2\"",
        "url = \"http://u:hunter2@h.example/?token=abc123\"\npassword = \"abc123\"",
        "url = \"gopher://u:hunter2@h.example/?token=abc123\"",
        "url = \"http://h.example/\"\nbearer_token = [\"abc123\"]",
        "url = \"http://h.example/\"\nheaders = { X-Key = 1, Cookie = \"abc123\" }",
    ] {
        let reader = Sandbox::local().sink_maildir();
        reader.append(&format!("\n[feeds.club]\n{line}\n"));
        run(&reader, &["check", "--offline"]);
        run(&reader, &["list"]);
    }
}
