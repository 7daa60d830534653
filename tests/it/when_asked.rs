//! When a publisher is asked, and for what: what never happens, what `--force` may not do, and how it is accounted for.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::kit::http::Response;
use crate::kit::proxy::Proxy;
use crate::kit::{Page, Sandbox, Server, fixture};

fn reader_of(publisher: &Server) -> Sandbox {
    Sandbox::local().sink_maildir().feed("winds", publisher.url("/rss"))
}

#[test]
fn p09_nothing_but_a_new_address_makes_a_request_unconditional() {
    let publisher = Server::start();
    let times = AtomicUsize::new(0);
    let feed = fixture("two_entries.xml");
    publisher.script("/rss", move |request| {
        let etag = [("ETag", "\"1\""), ("Content-Type", "application/rss+xml")];
        match times.fetch_add(1, Ordering::SeqCst) {
            0 => Response::new(200, &etag, feed.as_ref()),
            1 | 7 if request.is_conditional() => Response::new(304, &[], b""),
            2 => Response::new(403, &[], b""),
            3 => Response::new(404, &[], b""),
            4 => Response::new(500, &[], b""),
            5 => Response::new(200, &[("ETag", "\"2\"")], b"<html><title>Log in</title></html>"),
            6 => Response::new(206, &[("ETag", "\"3\"")], feed.as_ref()),
            _ => Response::new(429, &[], b""),
        }
    });
    let reader = reader_of(&publisher);
    reader.poll();
    for _ in 0..3 {
        reader.poll_again();
    }
    // Another interval, and the database as an upgrade would find it.
    reader.append("\n[tags.slow]\ninterval = \"6h\"\n");
    for _ in 0..5 {
        reader.poll_again();
    }
    let requests = publisher.requests();
    assert_eq!(requests.len(), 9);
    assert!(!requests[0].is_conditional());
    for request in &requests[1..] {
        assert_eq!(request.header("If-None-Match"), Some("\"1\""), "{request:?}");
    }
    reader.poll_again();
    assert_eq!(publisher.requests().len(), 9, "a 429 holds against --force");
}

/// A publisher whose feed points to this, after two requests for it.
fn pointing_to(links: &str) -> (Server, Sandbox) {
    let publisher = Server::start();
    let links = links.replace("at:", &publisher.url("/"));
    let feed = format!(
        "<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title><id>urn:t</id><updated>2026-11-01T00:00:00Z</updated>
         <link rel='alternate' href='{0}'/><link rel='self' href='{0}self'/>{links}</feed>",
        publisher.url("/")
    );
    publisher.serve("/rss", Page::feed(feed).etag("\"1\""));
    let reader = reader_of(&publisher);
    reader.poll().succeeds();
    reader.poll_again().succeeds();
    assert_eq!(reader.inbox().len(), 1);
    (publisher, reader)
}

fn asked(publisher: &Server) -> Vec<String> {
    publisher.requests().iter().map(|request| request.path().to_owned()).collect()
}

const ENTRY: &str = "<entry><title>one</title><id>urn:1</id><updated>2026-11-01T00:00:00Z</updated><link href='at:one'/>";

#[test]
fn p32_neither_the_next_page_nor_an_archive_is_walked() {
    let pages = "<link rel='next' href='at:page/2'/><link rel='first' href='at:page/1'/><link rel='last' href='at:page/9'/>
                 <link rel='prev-archive' href='at:archive/1'/><link rel='current' href='at:current'/>";
    let (publisher, reader) = pointing_to(&format!("{pages}{ENTRY}</entry>"));
    assert_eq!(asked(&publisher), ["/rss", "/rss"]);
    reader.run(&["catchup", "winds"]).succeeds();
    reader.run(&["show", "winds"]).succeeds();
    assert_eq!(asked(&publisher), ["/rss"; 4], "nor for other commands");
}

#[test]
fn p34_no_icon_no_picture_and_no_enclosure_is_asked_for() {
    let entry = "<link rel='enclosure' type='audio/mpeg' href='at:one.mp3'/>
                 <content type='html'>&lt;img src='at:one.png' srcset='at:two.png 2x'&gt;&lt;video poster='at:three.png' src='at:v'&gt;</content>";
    let (publisher, reader) = pointing_to(&format!("<icon>at:icon.png</icon><logo>at:logo.png</logo>{ENTRY}{entry}</entry>"));
    reader.run(&["preview", "winds"]).succeeds();
    assert_eq!(asked(&publisher), ["/rss"; 3]);
    assert!(reader.inbox()[0].html().is_some_and(|html| html.contains("two.png")), "it is there to be asked for");
}

#[test]
fn p35_no_hub_is_asked_and_none_makes_requests_rarer() {
    let hub = "<link rel='hub' href='at:hub'/>";
    let (publisher, reader) = pointing_to(&format!("{hub}{ENTRY}</entry>"));
    assert_eq!(asked(&publisher), ["/rss", "/rss"]);
    let (_other, without) = pointing_to(&format!("{ENTRY}</entry>"));
    assert_eq!(reader.status_of("winds")["because"], without.status_of("winds")["because"]);
}

#[test]
fn p39_status_accounts_for_the_last_answer_and_the_next_request() {
    let publisher = Server::start();
    let page = Page::feed(fixture("two_entries.xml"));
    publisher.serve("/rss", page.etag("\"a1\"").header("Cache-Control", "max-age=43200"));
    let reader = Sandbox::local().sink_maildir().feed_with("winds", publisher.url("/rss"), "interval = \"2h\"");
    reader.poll().succeeds();
    let feed = reader.status_of("winds");
    assert_eq!(
        (feed["status"].as_u64(), feed["unchanged"].as_bool(), feed["etag"].as_str()),
        (Some(200), Some(false), Some("\"a1\""))
    );
    assert!(feed["bytes"].as_u64() > Some(100), "{feed}");
    assert_eq!(feed["because"], "the publisher's cache lifetime of 12h");
    assert!(feed["next_poll"].as_str() > feed["last_attempt"].as_str());
    reader.poll_again().succeeds();
    let feed = reader.status_of("winds");
    assert_eq!((feed["status"].as_u64(), feed["unchanged"].as_bool()), (Some(304), Some(true)));
    let told = reader.run(&["status", "winds"]).succeeds();
    told.shows("304, unchanged").shows("ETag \"a1\"").shows("cache lifetime of 12h");

    publisher.answer("/rss", 503, &[("Retry-After", "7200")], "");
    reader.poll_again();
    let told = reader.run(&["status", "winds"]).shows("503").shows("1 since").shows("Retry-After of 2h");
    told.shows("ETag \"a1\"");
    reader.poll_again();
    assert_eq!(publisher.requests().len(), 3, "a Retry-After holds against --force");
}

#[test]
fn p19_a_refusal_is_a_persons_business_after_three() {
    let publisher = Server::start();
    publisher.answer("/rss", 403, &[], "");
    let reader = reader_of(&publisher);
    assert_eq!([reader.poll().code, reader.poll_again().code], [Some(0), Some(0)]);
    assert_eq!(reader.run(&["status"]).code, Some(0));
    assert_eq!(reader.poll_again().code, Some(1), "it is declared once …");
    assert_eq!(reader.poll_again().code, Some(0));
    assert_eq!(reader.run(&["status"]).code, Some(1), "… and shown as long as it lasts");
}

#[test]
fn an_interval_may_be_automatic() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")).etag("\"1\""));
    let reader = Sandbox::local().sink_maildir();
    reader.run(&["add", &publisher.url("/rss"), "--name", "winds", "--interval", "auto"]).succeeds();
    assert_eq!(reader.facts(&["list"])[0]["interval"], "auto");
}

#[test]
fn a_document_that_ended_too_early_is_asked_for_again_and_nothing_of_it_is_lost() {
    let publisher = Server::start();
    let whole = String::from_utf8(fixture("two_entries.xml").into()).unwrap();
    let half = whole.split("</item>").next().unwrap().to_owned() + "</item><item><title>The se";
    publisher.serve("/rss", Page::feed(half).etag("\"1\""));
    let old = "max_age = \"3650d\"";
    let reader = Sandbox::local().sink_maildir().feed_with("winds", publisher.url("/rss"), old);
    reader.poll().succeeds();
    publisher.serve("/rss", Page::feed(whole).etag("\"1\""));
    reader.poll_again().succeeds();
    reader.poll_again().succeeds();
    let conditions: Vec<bool> = publisher.requests().iter().map(crate::kit::http::Request::is_conditional).collect();
    assert_eq!(conditions, [false, false, true]);
    assert_eq!(reader.inbox().len(), 2);
}

#[test]
fn p08_validators_are_dropped_once_where_a_login_or_a_header_changes() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")).etag("\"1\""));
    let reader = Sandbox::local().sink_maildir().feed("winds", publisher.url("/rss"));
    reader.poll().succeeds();
    let plain = reader.config_text();
    for settings in [
        "username = \"me\"\npassword = \"hunter2\"",
        "username = \"me\"\npassword = \"hunter3\"",
        "username = \"you\"\npassword = \"hunter3\"",
        "bearer_token = \"abc\"",
        "headers = { Cookie = \"session=1\" }",
        "headers = { Cookie = \"session=2\" }",
        "headers = { Cookie = \"session=2\", Accept-Language = \"de\" }",
        "",
    ] {
        reader.file(".config/feeds/config.toml", &format!("{plain}{settings}\n"));
        reader.poll_again().succeeds();
        reader.poll_again().succeeds();
        let sent: Vec<_> =
            publisher.requests().iter().map(|request| request.header("If-None-Match").map(str::to_owned)).collect();
        assert_eq!(sent[sent.len() - 2..], [None, Some("\"1\"".to_owned())], "{settings}");
    }
    let kept = std::fs::read(reader.database()).unwrap();
    for secret in ["hunter", "session="] {
        assert!(!kept.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "{secret}");
    }
    assert_eq!(reader.inbox().len(), 2);
}

#[test]
fn p38_a_wrong_clock_is_told_once_in_a_run_where_several_publishers_say_so() {
    for (publishers, told) in [(2, 0), (5, 1)] {
        let publisher = Server::start();
        let page = Page::feed(fixture("two_entries.xml")).header("Date", "Mon, 01 Jan 2080 12:00:00 GMT");
        publisher.serve("/rss", page.header("Expires", "Mon, 01 Jan 2080 14:00:00 GMT"));
        let proxy = Proxy::http(publisher.address());
        let settings = format!("proxy = \"http://{}\"", proxy.address());
        let mut reader = Sandbox::local().defaults("interval = \"1h\"").sink_maildir();
        for number in 0..publishers {
            reader = reader.feed_with(&format!("f{number}"), format!("http://p{number}.invalid/rss"), &settings);
        }
        let ran = reader.run(&["run", "--once", "-v"]).succeeds();
        assert_eq!(ran.stderr.matches("this machine's clock seems to be").count(), told, "{ran:#?}");
        assert_eq!(reader.status_of("f0")["because"], "the publisher's cache lifetime of 2h");
    }
}
