//! How publishers are asked: each requirement of a polite client, held against a server that remembers what it saw.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::kit::{Page, Request, Response, Sandbox, Server, fixture};

const NOON: &str = "Mon, 5 Jan 2026 12:00:00 +0100";

fn two() -> Page {
    Page::feed(fixture("two_entries.xml"))
}

fn three() -> Page {
    Page::feed(fixture("three_entries.xml"))
}

fn reader_of(url: impl AsRef<str>) -> Sandbox {
    Sandbox::local().sink_maildir().feed("winds", url)
}

/// The validators of each request to a path: `If-None-Match` and `If-Modified-Since`.
fn sent(publisher: &Server, path: &str) -> Vec<(Option<String>, Option<String>)> {
    let field = |request: &Request, name: &str| request.header(name).map(str::to_owned);
    let requests = publisher.requests_to(path);
    requests.iter().map(|request| (field(request, "If-None-Match"), field(request, "If-Modified-Since"))).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what may be absent")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn p01_subscribing_makes_one_request_and_the_next_run_a_conditional_one() {
    let publisher = Server::start();
    publisher.serve("/rss", two().etag("\"1\""));
    let reader = Sandbox::local().sink_maildir();
    reader.run(&["add", &publisher.url("/rss")]).succeeds();
    assert_eq!(sent(&publisher, "/rss"), [(None, None)]);
    reader.poll_again().succeeds();
    assert_eq!(sent(&publisher, "/rss")[1..], [(some("\"1\""), None)]);
    assert!(publisher.requests().iter().all(|request| request.method == "GET"));
}

#[test]
fn p02_p03_validators_go_back_byte_for_byte() {
    for etag in ["\"1\"", "W/\"1\"", "w/\"1\"", "unquoted", "\"a\", \"b\"", "\"it's; 1=2 %41\\\""] {
        let publisher = Server::start();
        publisher.serve("/rss", two().etag(etag).last_modified(NOON));
        let reader = reader_of(publisher.url("/rss"));
        reader.poll().succeeds();
        reader.poll_again().succeeds();
        assert_eq!(sent(&publisher, "/rss"), [(None, None), (some(etag), some(NOON))]);
    }
}

#[test]
fn p04_a_validator_that_was_not_given_is_not_invented() {
    for (page, validators) in
        [(two(), (None, None)), (two().etag("\"1\""), (some("\"1\""), None)), (two().last_modified(NOON), (None, some(NOON)))]
    {
        let publisher = Server::start();
        publisher.serve("/rss", page.header("Date", "Mon, 05 Jan 2026 11:00:00 GMT"));
        let reader = reader_of(publisher.url("/rss"));
        reader.poll().succeeds();
        reader.poll_again().succeeds();
        assert_eq!(sent(&publisher, "/rss")[1], validators);
    }
}

#[test]
fn p05_a_new_document_replaces_both_validators() {
    let publisher = Server::start();
    publisher.serve("/rss", two().etag("\"1\"").last_modified(NOON));
    let reader = reader_of(publisher.url("/rss"));
    reader.poll().succeeds();
    publisher.serve("/rss", three().etag("\"2\""));
    reader.poll_again().succeeds();
    // The same document again, with other validators yet.
    publisher.serve("/rss", three().last_modified(NOON));
    reader.poll_again().succeeds();
    publisher.serve("/rss", three());
    reader.poll_again().succeeds();
    reader.poll_again().succeeds();
    let sent = sent(&publisher, "/rss");
    assert_eq!(sent, [(None, None), (some("\"1\""), some(NOON)), (some("\"2\""), None), (None, some(NOON)), (None, None)]);
}

#[test]
fn p06_a_304_keeps_validators_and_takes_those_that_it_carries() {
    let publisher = Server::start();
    publisher.serve("/rss", two().etag("\"1\"").last_modified(NOON));
    let reader = reader_of(publisher.url("/rss"));
    reader.poll().succeeds();
    publisher.answer("/rss", 304, &[], "");
    reader.poll_again().succeeds();
    publisher.answer("/rss", 304, &[("ETag", "\"2\"")], "");
    reader.poll_again().succeeds();
    reader.poll_again().succeeds();
    let sent = sent(&publisher, "/rss");
    assert_eq!(sent[1], (some("\"1\""), some(NOON)));
    assert_eq!(sent[2], (some("\"1\""), some(NOON)));
    assert_eq!(sent[3], (some("\"2\""), some(NOON)));
}

#[test]
fn p07_only_a_whole_document_that_was_recorded_gives_validators() {
    let publisher = Server::start();
    publisher.serve("/rss", two().etag("\"whole\""));
    let reader = reader_of(publisher.url("/rss"));
    reader.poll().succeeds();
    let feed = fixture("three_entries.xml");
    let other = &[("ETag", "\"other\""), ("Content-Type", "application/rss+xml")][..];
    let packed = [other, &[("Content-Encoding", "gzip")]].concat();
    publisher.answer("/rss", 206, other, &feed);
    reader.poll_again();
    publisher.cut("/rss", three().etag("\"other\""));
    reader.poll_again();
    publisher.answer("/rss", 200, &packed, "no gzip");
    reader.poll_again();
    publisher.serve("/rss", Page::html("<!doctype html><title>Log in</title>").etag("\"other\""));
    reader.poll_again();
    // A generator that was killed half-way: a whole answer of half a document.
    publisher.answer("/rss", 200, other, &feed[..feed.rfind("<item>").unwrap() + 9]);
    reader.poll_again();
    for status in [403, 404, 500, 503] {
        publisher.answer("/rss", status, other, "");
        reader.poll_again();
    }
    publisher.serve("/rss", three().etag("\"new\""));
    reader.poll_again().succeeds();
    let sent: BTreeSet<_> = sent(&publisher, "/rss")[1..].iter().cloned().collect();
    assert_eq!(sent, BTreeSet::from([(some("\"whole\""), None)]));
    assert_eq!(reader.inbox().len(), 3);
}

#[test]
fn p08_validators_are_dropped_where_the_address_or_the_login_changes() {
    let publisher = Server::start();
    publisher.serve("/rss", two().etag("\"1\""));
    publisher.serve("/atom", two().etag("\"1\""));
    let reader = reader_of(publisher.url("/rss"));
    reader.poll().succeeds();
    let config = reader.config_text();
    let with_login = config.replace("http://", "http://me:word@");
    for (text, path) in [(config.replace("/rss", "/atom"), "/atom"), (config.clone(), "/rss"), (with_login, "/rss")] {
        let config = reader.config_text();
        reader.file(".config/feeds/config.toml", &text);
        reader.poll_again().succeeds();
        reader.poll_again().succeeds();
        let sent = sent(&publisher, path);
        assert_eq!(sent[sent.len() - 2..], [(None, None), (some("\"1\""), None)], "{config}\n{text}");
    }
}

#[test]
fn p21_a_permanent_move_is_kept_once_its_answer_was_a_feed() {
    let publisher = Server::start();
    publisher.serve("/rss", two().etag("\"1\""));
    let reader = reader_of(publisher.url("/rss"));
    reader.poll().succeeds();
    // A captive portal says "for good" too.
    publisher.redirect("/rss", "/portal", 301);
    publisher.serve("/portal", Page::html("<!doctype html><title>Welcome to our network</title>"));
    reader.poll_again();
    let feed = reader.status_of("winds");
    assert!(feed["moved_to"].is_null(), "{feed}");
    let error = feed["error"].as_str().unwrap();
    assert!(error.contains(&publisher.url("/portal")), "{error}");
    publisher.redirect("/rss", "/new", 308);
    publisher.serve("/new", three().etag("\"2\""));
    reader.poll_again().succeeds();
    reader.poll_again().succeeds();
    assert_eq!(reader.status_of("winds")["moved_to"], publisher.url("/new"));
    assert_eq!((publisher.requests_to("/rss").len(), publisher.requests_to("/new").len()), (3, 2));
    assert_eq!(sent(&publisher, "/new"), [(None, None), (some("\"2\""), None)]);
    // Whoever has the name now answers all with a page: the old address is tried once, and leads back to where it is.
    publisher.serve("/new", Page::html("<!DOCTYPE html><title>This name is for sale</title>"));
    publisher.serve("/rss", three().etag("\"3\""));
    reader.poll_again().succeeds();
    assert!(reader.status_of("winds")["moved_to"].is_null());
    assert_eq!((publisher.requests_to("/rss").len(), publisher.requests_to("/new").len()), (4, 3));
}

#[test]
fn p22_a_temporary_redirect_is_followed_each_time_and_a_choice_is_an_error() {
    for status in [302, 303, 307] {
        let publisher = Server::start();
        publisher.redirect("/rss", "/today", status);
        publisher.serve("/today", two().etag("\"1\""));
        let reader = reader_of(publisher.url("/rss"));
        reader.poll().succeeds();
        reader.poll_again().succeeds();
        assert_eq!(publisher.requests_to("/rss").len(), 2);
        assert!(reader.status_of("winds")["moved_to"].is_null());
    }
    let publisher = Server::start();
    publisher.redirect("/rss", "/today", 300);
    let reader = reader_of(publisher.url("/rss"));
    reader.poll().succeeds().complains_of("300");
    publisher.redirect("/rss", "/login", 302);
    publisher.serve("/login", Page::html("<!doctype html><title>Log in</title><form><input type=password></form>"));
    reader.poll_again();
    let error = reader.status_of("winds")["error"].to_string();
    assert!(error.contains("/login"), "{error}");
}

#[test]
fn p23_validators_go_to_the_hop_that_gave_them_and_five_hops_are_all() {
    let (publisher, other) = (Server::start(), Server::start());
    publisher.redirect("/rss", &other.url("/feed"), 302);
    other.serve("/feed", two().etag("\"1\"").last_modified(NOON));
    let reader = reader_of(publisher.url("/rss"));
    reader.poll().succeeds();
    reader.poll_again().succeeds();
    assert_eq!(sent(&publisher, "/rss"), [(None, None), (None, None)]);
    assert_eq!(sent(&other, "/feed"), [(None, None), (some("\"1\""), some(NOON))]);
    for hop in 0..9 {
        publisher.redirect(&format!("/{hop}"), &format!("/{}", hop + 1), 302);
    }
    let reader = reader_of(publisher.url("/0"));
    reader.poll().succeeds().complains_of("more than 5 times");
    assert_eq!(publisher.requests_to("/5").len(), 1);
    assert!(publisher.requests_to("/6").is_empty());
}

#[test]
fn p24_the_user_agent_is_one_and_says_how_to_reach_who_asks() {
    let publisher = Server::start();
    publisher.redirect("/rss", "/new", 301);
    publisher.serve("/new", two());
    let reader = Sandbox::local().http("contact = \"me@example.net\"").sink_maildir().feed("winds", publisher.url("/rss"));
    reader.poll().succeeds();
    reader.poll_again().succeeds();
    reader.run(&["show", "winds"]).succeeds();
    let agents: BTreeSet<String> =
        publisher.requests().iter().map(|request| request.header("User-Agent").unwrap().to_owned()).collect();
    let agent = agents.first().unwrap();
    assert!(agents.len() == 1 && agent.starts_with(&format!("feeds/{} (", env!("CARGO_PKG_VERSION"))), "{agents:?}");
    assert!(agent.ends_with("me@example.net)"), "{agent}");
}

#[test]
fn p25_no_cookie_no_referrer_and_every_url_as_it_was_written() {
    let publisher = Server::start();
    let same = [
        "/%7euser/~user",
        "/a%2fb%2F",
        "/q?[a]|b^c",
        "/tail/",
        "/tail",
        "/semi;colon;a=1",
        "/empty?",
        "//double//slash",
        "/plus+and%20blank",
        "/q?b=2&a=1&&c",
        "/q?a=%C3%A9%c3%a9",
        "/q?x=1?y=2/../z",
        "/q?url=http://h.example/",
    ];
    let changed = [("/q?a#part", "/q?a"), ("/é", "/%C3%A9"), ("/q?é", "/q?%C3%A9"), ("/a b", "/a%20b")];
    let mut feeds = String::new();
    let all = same.iter().map(|path| (*path, *path)).chain(changed);
    for (number, (written, _)) in all.clone().enumerate() {
        writeln!(feeds, "\n[feeds.f{number}]\nurl = \"{}\"", publisher.url(written)).unwrap();
    }
    let reader = Sandbox::local().sink_maildir();
    reader.append(&feeds);
    reader.poll();
    let asked: BTreeSet<String> = publisher.requests().iter().map(|request| request.target.clone()).collect();
    assert_eq!(asked, all.map(|(_, sent)| sent.to_owned()).collect());

    publisher.redirect("/moved", "/%7enew?x[]=1#part", 302);
    publisher.serve("/%7enew", two().header("Set-Cookie", "id=1"));
    let reader = reader_of(publisher.url("/moved"));
    reader.poll().succeeds();
    reader.poll_again().succeeds();
    assert_eq!(publisher.requests_to("/%7enew?x[]=1").len(), 2);
    for request in publisher.requests() {
        let names = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
        let names: BTreeSet<String> = names.filter(|name| !name.starts_with("if-")).collect();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["accept", "accept-encoding", "host", "user-agent"]);
    }
}

#[test]
fn p26_every_request_says_what_is_welcome() {
    let publisher = Server::start();
    publisher.serve("/rss", two());
    reader_of(publisher.url("/rss")).poll().succeeds();
    let request = &publisher.requests()[0];
    assert_eq!(request.header("Accept-Encoding"), Some("gzip, br, zstd"));
    let accept = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.1";
    assert_eq!(request.header("Accept"), Some(accept));
}

#[test]
fn p27_the_connection_is_used_again_within_a_run() {
    let publisher = Server::start();
    let mut reader = Sandbox::local().sink_maildir();
    for number in 0..5 {
        publisher.serve(&format!("/{number}"), two());
        reader = reader.feed(&format!("f{number}"), publisher.url(&format!("/{number}")));
    }
    reader.poll().succeeds();
    let connections: BTreeSet<_> = publisher.requests().iter().map(|request| request.from).collect();
    assert_eq!((publisher.requests().len(), connections.len()), (5, 1));
}

#[test]
fn p37_one_url_in_two_feeds_is_asked_once_and_each_keeps_its_own() {
    let publisher = Server::start();
    publisher.redirect("/old", "/rss", 301);
    publisher.serve("/rss", two().etag("\"1\""));
    let reader = Sandbox::local().sink_maildir().feed("moved", publisher.url("/old"));
    reader.poll().succeeds();
    let reader = reader.feed("winds", publisher.url("/rss")).feed_with("latest", publisher.url("/rss#latest"), "backlog = 1");
    reader.poll_again().succeeds();
    assert_eq!(sent(&publisher, "/rss")[1..], [(None, None)], "two of the three have not recorded it");
    assert_eq!(reader.inbox().len(), 2 + 2 + 1);
    reader.poll_again().succeeds();
    assert_eq!(sent(&publisher, "/rss")[2..], [(some("\"1\""), None)]);
    assert_eq!(publisher.requests_to("/old").len(), 1);
    let moved = ["moved", "winds", "latest"].map(|name| reader.status_of(name)["moved_to"].clone());
    assert_eq!(moved, [publisher.url("/rss").into(), serde_json::Value::Null, serde_json::Value::Null]);
    // Another login is another request.
    let login = publisher.url("/rss").replace("http://", "http://me:word@");
    reader.feed("mine", login).poll_again().succeeds();
    assert_eq!(publisher.requests_to("/rss").len(), 5);
}

#[test]
fn a_feed_that_has_no_turn_at_its_host_waits_for_the_next_run_and_status_says_so() {
    let publisher = Server::start();
    let mut reader = Sandbox::local().sink_maildir();
    for number in 0..3 {
        publisher.serve(&format!("/{number}"), two());
        reader = reader.feed(&format!("f{number}"), publisher.url(&format!("/{number}")));
    }
    reader.append("\n[hosts.\"127.0.0.1\"]\ndelay = \"10m\"\n");
    reader.poll().succeeds().quietly();
    assert_eq!(publisher.requests().len(), 1);
    reader.poll_again().succeeds().quietly();
    assert_eq!(publisher.requests().len(), 1, "`--force` does not push in either");
    let feed = reader.status_of("f2");
    assert_eq!((&feed["waits_for"], &feed["because"]), (&"127.0.0.1".into(), &"waits for its turn at 127.0.0.1".into()));
    let host = reader.facts(&["status"])["hosts"][0].clone();
    assert_eq!((&host["host"], &host["pause_seconds"], &host["waiting"]), (&"127.0.0.1".into(), &600.into(), &2.into()));
    reader.run(&["status"]).succeeds().shows("600 s between requests; 2 feeds wait for their turn");
    reader.run(&["status", "f1"]).succeeds().shows("waits for its turn at 127.0.0.1");
}

#[test]
fn a_host_that_has_too_much_is_slowed_and_left_alone_and_status_says_so() {
    let (publisher, other) = (Server::start(), Server::start());
    publisher.answer("/rss", 429, &[("Retry-After", "3600")], "");
    other.redirect("/rss", &publisher.url("/other"), 302);
    publisher.serve("/other", two());
    let by_name = other.url("/rss").replace("127.0.0.1", "localhost");
    let reader = reader_of(publisher.url("/rss"));
    reader.poll().succeeds();
    let reader = reader.feed("other", by_name);
    reader.poll_again().succeeds().complains_of("cannot read `other`: it redirects to a host that is not asked now: 127.0.0.1");
    assert!(publisher.requests_to("/other").is_empty(), "a redirect leads to no host that wants to be left alone");
    let status = reader.facts(&["status"]);
    let host = &status["hosts"][0];
    assert_eq!((&host["host"], &host["pause_seconds"], &host["learned"]), (&"127.0.0.1".into(), &10.into(), &true.into()));
    reader.run(&["status"]).succeeds().shows("host 127.0.0.1: 10 s between requests, since it had too much on");
}

#[test]
fn a_password_goes_to_no_other_origin_and_never_out_of_encryption() {
    let (publisher, other) = (Server::start(), Server::start());
    publisher.redirect("/rss", &other.url("/feed"), 302);
    other.serve("/feed", two());
    reader_of(publisher.url("/rss").replace("http://", "http://me:word@")).poll().succeeds();
    assert!(publisher.requests()[0].header("Authorization").is_some());
    assert!(other.requests()[0].header("Authorization").is_none());
}

#[test]
fn sixty_large_documents_at_once_stay_within_the_memory_that_they_share() {
    let publisher = Server::start();
    let item = format!("<item><title>one</title><description>{}</description></item>", "words and words ".repeat(600));
    // The rest is what a reader of the document never sees: this test is about bytes.
    let rest = format!("<!--{}-->", "nothing ".repeat((10 << 20) / 8));
    let document =
        format!("<rss version=\"2.0\"><channel><title>large</title>{}{rest}</channel></rss>", item.repeat(20)).into_bytes();
    // One in ten is a feed, and its tree is made; the others are as large and nothing.
    let nothing = vec![b' '; document.len()];
    publisher.script("/large", move |request| {
        let body = if request.target.ends_with('0') { document.clone() } else { nothing.clone() };
        Response { status: 200, headers: Vec::new(), body }
    });
    let mut reader = Sandbox::new().http_local().http("per_host = 64\ntimeout = \"60s\"").defaults("backlog = 0").sink_maildir();
    for number in 0..60 {
        reader = reader.feed(&format!("f{number}"), publisher.url(&format!("/large?{number}")));
    }
    let (ran, peak) = reader.spawn(&["run", "--once"]).peak();
    ran.succeeds();
    assert_eq!(publisher.requests().len(), 60);
    // 64 MiB of bodies, one document's tree of several times its size, and the program itself; 600 MiB came.
    assert!(peak < 300 << 10, "{peak} KiB");
}
