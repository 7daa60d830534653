//! What `feeds status NAME` says of a feed: the last answer, the next request and why then, and what to do, in every state that a
//! feed may be in.

use crate::kit::{Page, Sandbox, Server, fixture};

const DAY: i64 = 86_400;

/// The keys that scripts rely on.
const KEYS: [&str; 10] =
    ["name", "url", "state", "last_attempt", "last_success", "next_poll", "because", "failures", "error", "moved_to"];

#[test]
fn status_says_of_each_feed_what_was_answered_what_comes_next_and_why() {
    let publisher = Server::start();
    let (tired, slow) = (Server::start(), Server::start());
    publisher.serve("/ok", Page::feed(fixture("two_entries.xml")).etag("\"1\""));
    publisher.serve("/same", Page::feed(fixture("two_entries.xml")).etag("\"1\""));
    publisher.answer("/missing", 404, &[], "no such page");
    publisher.answer("/gone", 410, &[], "");
    publisher.answer("/busy", 503, &[], "");
    publisher.serve("/html", Page::html("<!doctype html><title>Log in</title><p>x"));
    publisher.serve("/big", Page::feed("x".repeat(2 << 20)));
    publisher.redirect("/moved", "/ok", 301);
    publisher.redirect("/elsewhere", "/html", 302);
    slow.hang("/silent");
    slow.drip("/drip");
    slow.cut("/cut", Page::feed(fixture("two_entries.xml")));
    tired.serve("/beside", Page::feed(fixture("two_entries.xml")));
    tired.answer("/tired", 429, &[("Retry-After", "7200")], "");
    let reader = Sandbox::local()
        .http("timeout = \"2s\"\nmax_body = \"1MiB\"\nper_host = 8")
        .sink_maildir()
        .feed("new", "http://nowhere.invalid/new")
        .feed("ok", publisher.url("/ok"))
        .feed("same", publisher.url("/same"))
        .feed("missing", publisher.url("/missing"))
        .feed("gone", publisher.url("/gone"))
        .feed("busy", publisher.url("/busy"))
        .feed("html", publisher.url("/html"))
        .feed("big", publisher.url("/big"))
        .feed("moved", publisher.url("/moved"))
        .feed("elsewhere", publisher.url("/elsewhere"))
        .feed("silent", slow.url("/silent"))
        .feed("drip", slow.url("/drip"))
        .feed("cut", slow.url("/cut"))
        .feed("nowhere", "http://nowhere.invalid/feed")
        .feed("tls", publisher.url("/ok").replace("http://", "https://"))
        .feed("odd", "http://127.0.0.1:9/feed")
        .feed("guarded", "http://192.168.0.1/feed")
        .feed("file", "docs/missing.xml")
        .feed_with("paused", publisher.url("/paused"), "paused = true")
        .feed("tired", tired.url("/tired").replace("127.0.0.1", "localhost"))
        .feed("beside", tired.url("/beside").replace("127.0.0.1", "localhost"));
    for name in [
        "ok",
        "same",
        "missing",
        "gone",
        "busy",
        "html",
        "big",
        "moved",
        "elsewhere",
        "silent",
        "drip",
        "cut",
        "beside",
        "nowhere",
    ] {
        reader.run(&["run", "--once", "--only", name]);
    }
    for name in ["tls", "odd", "guarded", "file", "same", "tired"] {
        reader.run(&["run", "--once", "--force", "--only", name]);
    }
    let database = rusqlite::Connection::open(reader.database()).unwrap();
    let sql = "UPDATE feeds SET failing_since = failing_since - ?1, failures = 9 WHERE name = 'missing'";
    database.execute(sql, [5 * DAY]).unwrap();
    database.execute("UPDATE feeds SET next_poll = 1 WHERE name IN ('ok', 'beside')", []).unwrap();
    for (name, state, words) in [
        ("new", "new", &["next poll:  next run (it was not asked yet)"][..]),
        ("ok", "ok", &["last answer:   200, 944 bytes", "next poll:     next run (", "ETag \"1\""]),
        ("same", "ok", &["last answer:   304, unchanged", "UTC (nothing new for 180 days: once a day)"]),
        ("missing", "failing", &["9 since 20", "404 Not Found: “no such page”", "look for its new address", "UTC (back-off"]),
        ("gone", "gone", &["never by itself (the publisher says", "410 Gone", "`feeds remove gone`"]),
        ("busy", "failing", &["last answer:   503", "UTC (back-off after 1 failure)", "1 since 20"]),
        ("html", "failing", &["last answer:   200", "is a login page", "`feeds show html`"]),
        ("big", "failing", &["larger than 1MiB", "raise `max_body`, for this feed or under `[http]`"]),
        ("moved", "ok", &["moved to:      http://127.0.0.1:"]),
        ("elsewhere", "failing", &["(it redirects to `http://127.0.0.1:"]),
        ("silent", "failing", &["last answer:   none", "no answer from 127.0.0.1 within 1333 ms", "raise `timeout`"]),
        ("drip", "failing", &["last answer:   200", "did not end within 2 s", "raise `timeout`"]),
        ("cut", "failing", &["broke off", "mostly this passes"]),
        (
            "nowhere",
            "failing",
            &["last answer:   none", "cannot find `nowhere.invalid`", "its site is down or has a new address"],
        ),
        ("tls", "failing", &["cannot connect to 127.0.0.1"]),
        ("odd", "failing", &["port 9 belongs to another protocol"]),
        ("guarded", "failing", &["192.168.0.1 is a private address", "`feeds show guarded` says which line to add"]),
        ("file", "failing", &["there is no such file", "UTC (the usual interval of 1h)"]),
        ("paused", "paused", &["not before `feeds resume paused`"]),
        ("tired", "failing", &["last answer:   429", "UTC (the publisher's Retry-After of 2h)", "10 s between requests, since"]),
        ("beside", "ok", &["UTC (the publisher asks to be left alone until then)", "localhost: 10 s between requests"]),
    ] {
        let told = reader.run(&["status", name]).stdout;
        let words = words.iter().copied().chain([state]);
        words.for_each(|words| assert!(told.contains(words), "no `{words}` in\n{told}"));
        let feed = reader.status_of(name);
        assert!(KEYS.iter().all(|key| feed.get(*key).is_some()), "{feed:?}");
        assert_eq!(feed["state"], state, "{name}");
    }
    reader.run(&["show", "guarded"]).fails_with(1).complains_of("allow_addresses");
}

#[test]
fn status_says_what_is_held_and_what_waits_for_its_turn() {
    let publisher = Server::start();
    let document = |made: &str| {
        let item =
            |number| format!("<item><title>{made} {number}</title><guid isPermaLink='false'>{made}-{number}</guid></item>");
        let items: String = (0..4).map(item).collect();
        Page::feed(format!("<rss version='2.0'><channel><title>t</title>{items}</channel></rss>"))
    };
    publisher.serve("/rss", document("old"));
    let reader = Sandbox::local().sink_maildir().feed("winds", publisher.url("/rss"));
    reader.poll().succeeds();
    publisher.serve("/rss", document("new"));
    reader.poll_again();
    let told = reader.run(&["status", "winds"]).stdout;
    for words in ["state:         held", "4 deliveries since 20", "(`feeds queue release winds` or", "held because:"] {
        assert!(told.contains(words), "no `{words}` in\n{told}");
    }
    reader.append(&format!("\n[feeds.second]\nurl = \"{}\"\n", publisher.url("/second")));
    reader.append("\n[hosts.\"127.0.0.1\"]\ndelay = \"2h\"\n");
    reader.poll().succeeds();
    let told = reader.run(&["status", "second"]).stdout;
    for words in ["new", "(waits for its turn at 127.0.0.1)", "7200 s between requests; 1 feed waits for its turn"] {
        assert!(told.contains(words), "no `{words}` in\n{told}");
    }
    let feed = reader.status_of("second");
    assert_eq!((feed["state"].as_str(), feed["because"].as_str()), (Some("new"), Some("waits for its turn at 127.0.0.1")));
    assert!(feed["next_poll"].as_str().is_some(), "{feed}");
}
