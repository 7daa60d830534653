//! The fetcher against small servers on loopback.

use std::time::Duration;

use super::*;
use crate::fetch::{Login, RedirectError};
use crate::net::HttpError;
use crate::net::scripted::{Answer as Scripted, Asked, Server, answer};
use crate::secret::{Origin, Secret};

fn access() -> Access {
    Access::plain("feeds/test", Duration::from_secs(20), Duration::from_secs(5), 1 << 20)
}

fn settings() -> Settings {
    Settings {
        access: access(),
        concurrency: 1,
        per_host: 1,
        host_delay: Duration::ZERO,
        hosts: std::collections::BTreeMap::new(),
        memory: 64 << 20,
        allow_addresses: vec!["127.0.0.0/8".parse().unwrap()],
    }
}

fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

async fn ask(url: &Url, at: Option<&Url>, validators: Option<&Validators>) -> Result<Fetched, FetchError> {
    let source = Source::Http(url.clone());
    Fetcher::new(settings()).fetch(&Ask { source: &source, at, validators, access: None, now: now() }).await
}

async fn document(url: &Url, at: Option<&Url>) -> Answer {
    match ask(url, at, None).await.unwrap() {
        Fetched::Document(answer) => *answer,
        Fetched::Unchanged { .. } => panic!("unchanged"),
    }
}

fn login(mut url: Url) -> Url {
    url.set_username("me").unwrap();
    url.set_password(Some("hunter2")).unwrap();
    url
}

/// Serves /feed with validators, and 304 to who comes with them.
fn conditional(asked: &Asked) -> Scripted {
    match asked.header("if-none-match") {
        Some(b"W/\"\xe9\"") => answer(304).header("ETag", "\"2\"").header("Cache-Control", "max-age=60"),
        Some(_) | None => answer(200)
            .header("ETag", b"W/\"\xe9\"")
            .header("Last-Modified", "about noon")
            .header("Content-Type", "application/rss+xml; charset=x")
            .header("Cache-Control", "max-age=3600")
            .body("<rss/>"),
    }
}

#[tokio::test]
async fn the_first_request_is_one_plain_get_and_the_second_is_conditional() {
    let server = Server::start(conditional).await;
    let url = server.url("/feed?x#part");
    let first = document(&url, None).await;
    assert_eq!(first.bytes, b"<rss/>");
    assert_eq!(first.content_type.as_deref(), Some("application/rss+xml; charset=x"));
    assert_eq!(first.url, server.url("/feed?x"));
    assert_eq!((first.moved_to, first.fresh_for), (None, Some(Duration::from_secs(3600))));

    let Fetched::Unchanged { validators, fresh_for, .. } = ask(&url, None, Some(&first.validators)).await.unwrap() else {
        panic!("changed")
    };
    assert_eq!(validators.etag.as_deref(), Some(b"\"2\"".as_slice()));
    assert_eq!(validators.last_modified.as_deref(), Some(b"about noon".as_slice()));
    assert_eq!((validators.url.as_str(), fresh_for), (server.url("/feed?x").as_str(), Some(Duration::from_secs(60))));

    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!((asked[0].header("if-none-match"), asked[0].header("if-modified-since")), (None, None));
    assert_eq!(asked[1].header("if-none-match").unwrap(), b"W/\"\xe9\"");
    assert_eq!(asked[1].header("if-modified-since").unwrap(), b"about noon");
    for asked in &asked {
        let mut names: Vec<_> = asked.headers.iter().map(|(n, _)| n.as_str()).filter(|n| !n.starts_with("if-")).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "accept-encoding", "host", "user-agent"]);
        assert_eq!(asked.header("accept-encoding").unwrap(), b"gzip, br, zstd");
        assert_eq!(asked.header("accept").unwrap(), ACCEPT.as_bytes());
    }
}

#[tokio::test]
async fn validators_go_to_the_url_that_gave_them_and_to_no_other() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/feed" => answer(302).header("Location", "/today"),
        _ => conditional(asked),
    })
    .await;
    let url = server.url("/feed");
    let first = document(&url, None).await;
    assert_eq!(first.validators.url, server.url("/today").as_str());
    assert!(matches!(ask(&url, None, Some(&first.validators)).await, Ok(Fetched::Unchanged { .. })));
    let asked = server.asked();
    assert_eq!(server.paths(), ["/feed", "/today", "/feed", "/today"]);
    assert_eq!(asked[2].header("if-none-match"), None);
    assert!(asked[3].header("if-none-match").is_some());
}

#[tokio::test]
async fn a_permanent_move_is_reported_and_its_target_asked_from_then_on() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/old" => answer(301).header("Location", "/new"),
        _ => answer(200).body("<rss/>"),
    })
    .await;
    let old = server.url("/old");
    let new = document(&old, None).await.moved_to.unwrap();
    assert_eq!(new, server.url("/new"));
    assert_eq!(document(&old, Some(&new)).await.moved_to, Some(new));
    assert_eq!(server.paths(), ["/old", "/new", "/new"]);
}

#[tokio::test]
async fn a_feed_that_left_its_new_place_is_looked_for_once_at_its_old_one() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/new" => answer(404),
        _ => answer(200).body("<rss/>"),
    })
    .await;
    let back = document(&server.url("/old"), Some(&server.url("/new"))).await;
    assert_eq!((back.url, back.moved_to), (server.url("/old"), None));
    assert_eq!(server.paths(), ["/new", "/old"]);

    let server = Server::start(|asked| match asked.path.as_str() {
        "/new" => answer(410),
        _ => answer(301).header("Location", "/new"),
    })
    .await;
    let error = ask(&server.url("/old"), Some(&server.url("/new")), None).await.unwrap_err();
    assert!(error.is_gone());
    assert_eq!(server.paths(), ["/new", "/old"]);
}

#[tokio::test]
async fn p21_a_feed_comes_from_its_own_url_while_its_new_place_is_broken() {
    let pages = ["\u{feff}<!DOCTYPE html>", "<!-- sold --> <html>", "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC>", ""];
    let broken = [403, 500].map(answer).into_iter().chain(pages.map(|page| answer(200).body(page)));
    for scripted in broken {
        let server = Server::start(move |asked| match asked.path.as_str() {
            "/new" => scripted.clone(),
            _ => answer(200).body("<?xml version=\"1.0\"?><!-- mine --><rss/>"),
        })
        .await;
        let back = document(&server.url("/old"), Some(&server.url("/new"))).await;
        assert_eq!((back.url, back.moved_to), (server.url("/old"), None));
    }
}

#[tokio::test]
async fn redirects_end_after_five_and_in_a_loop() {
    let server = Server::start(|asked| {
        let next = asked.path[1..].parse::<u32>().map_or("/a".to_owned(), |n| format!("/{}", n + 1));
        answer(302).header("Location", next)
    })
    .await;
    let error = ask(&server.url("/1"), None, None).await.unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Redirect(RedirectError::TooMany));
    assert_eq!((error.to_string().as_str(), error.status()), ("it redirects more than 5 times", Some(302)));
    assert_eq!(server.paths().len(), 6);
    let error = ask(&server.url("/a"), None, None).await.unwrap_err();
    assert!(matches!(error.kind, FetchErrorKind::Redirect(RedirectError::Loop(_))), "{error}");
    assert_eq!(server.paths().len(), 7);
}

#[tokio::test]
async fn a_redirect_to_where_no_feed_may_send_us_is_not_followed() {
    for location in [
        "http://127.0.0.2/secret",
        "http://[::ffff:10.0.0.1]/",
        "//169.254.169.254/latest/meta-data",
        "http://[::1]:8080/",
        "file:///etc/passwd",
        "http://h.example:25/",
    ] {
        let server = Server::start(move |_| answer(302).header("Location", location)).await;
        let fetcher = Fetcher::new(Settings { allow_addresses: vec!["127.0.0.1/32".parse().unwrap()], ..settings() });
        let error = fetcher.page(&server.url("/"), now()).await.unwrap_err();
        let refused = matches!(error.kind, FetchErrorKind::Http(HttpError::Refused { .. } | HttpError::Unfit { .. }));
        assert!(refused, "{location}: {error}");
        assert_eq!(server.paths(), ["/"]);
    }
}

#[tokio::test]
async fn a_password_is_dropped_where_another_origin_begins() {
    let other = Server::start(|_| answer(200).body("<rss/>")).await;
    let away = other.url("/there").to_string();
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/feed" => answer(301).header("Location", "/same"),
        _ => answer(301).header("Location", &away),
    })
    .await;
    let fetched = document(&login(server.url("/feed")), None).await;
    for asked in server.asked() {
        assert_eq!(asked.header("authorization").unwrap(), b"Basic bWU6aHVudGVyMg==");
    }
    assert_eq!(other.asked()[0].header("authorization"), None);
    assert_eq!((&fetched.url, fetched.moved_to.as_ref()), (&other.url("/there"), Some(&other.url("/there"))));
}

#[tokio::test]
async fn no_url_that_comes_back_holds_a_password() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/feed" => answer(301).header("Location", "/new"),
        _ => conditional(asked),
    })
    .await;
    let fetched = document(&login(server.url("/feed")), None).await;
    assert!(!format!("{fetched:?}").contains("hunter2"));
    // The move is remembered without it, and asked with it.
    document(&login(server.url("/feed")), fetched.moved_to.as_ref()).await;
    assert!(server.asked()[2].header("authorization").is_some());
}

#[tokio::test]
async fn what_is_no_document_is_an_error_with_its_status() {
    for (status, text) in [
        (204, "the server answered 204 No Content"),
        (206, "the server answered 206 Partial Content"),
        (300, "the server answered 300 Multiple Choices"),
        (404, "the server answered 404 Not Found"),
        (500, "the server answered 500 Internal Server Error"),
    ] {
        let server = Server::start(move |_| answer(status)).await;
        let error = ask(&server.url("/"), None, None).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.status()), (text, Some(status)));
    }
    let server = Server::start(|_| answer(302)).await;
    let error = ask(&server.url("/"), None, None).await.unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Redirect(RedirectError::NoLocation));
    let server = Server::start(|_| answer(304)).await;
    let error = ask(&server.url("/"), None, None).await.unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::UnaskedNotModified);
}

#[tokio::test]
async fn a_busy_server_says_how_long_to_wait() {
    for (value, seconds) in [("120", 120), ("Tue, 24 Nov 2026 12:10:00 GMT", 600)] {
        let server = Server::start(move |_| answer(429).header("Retry-After", value)).await;
        let error = ask(&server.url("/"), None, None).await.unwrap_err();
        assert_eq!((error.status(), error.retry_after), (Some(429), Some(Duration::from_secs(seconds))));
    }
}

#[tokio::test]
async fn a_slow_server_after_a_redirect_is_told_with_the_whole_time() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/" => answer(302).header("Location", "/slow"),
        _ => answer(200).body(vec![b'x'; 1000]).dripping(Duration::from_millis(50)),
    })
    .await;
    let fetcher = Fetcher::new(Settings { access: Access { timeout: Duration::from_millis(500), ..access() }, ..settings() });
    let error = fetcher.page(&server.url("/"), now()).await.unwrap_err();
    assert_eq!(error.to_string(), "the answer of 127.0.0.1 did not end within 500 ms");
    assert!(error.help().unwrap().contains("`timeout`"));
}

#[tokio::test]
async fn a_private_address_needs_an_exception() {
    let server = Server::start(|_| answer(200)).await;
    let fetcher = Fetcher::new(Settings { allow_addresses: Vec::new(), ..settings() });
    let error = fetcher.page(&server.url("/"), now()).await.unwrap_err();
    assert_eq!(error.to_string(), "the address guard refuses `127.0.0.1`: 127.0.0.1 is a loopback address");
    assert!(error.help().unwrap().contains("allow_addresses = [\"127.0.0.1/32\"]"));
    assert!(server.asked().is_empty());
}

/// A secret as it stands in a configuration.
fn word(word: &str) -> Origin {
    Origin::Inline(Secret::new(word))
}

async fn ask_by(fetcher: &Fetcher, url: &Url, access: &Access) -> Result<Fetched, FetchError> {
    let source = Source::Http(url.clone());
    fetcher.fetch(&Ask { source: &source, at: None, validators: None, access: Some(access), now: now() }).await
}

#[tokio::test]
async fn own_headers_and_the_login_go_to_the_feeds_origin_and_no_other() {
    let other = Server::start(|_| answer(200).body("<rss/>")).await;
    let there = other.url("/feed");
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/feed" => answer(302).header("Location", "/next"),
        _ => answer(302).header("Location", there.as_str()),
    })
    .await;
    let headers = vec![("Cookie".to_owned(), word("a=1")), ("Accept".to_owned(), word("application/x"))];
    for (login, sent) in [
        (Login::Bearer(word("abc123")), "Bearer abc123"),
        (Login::Basic { username: "me".into(), password: Some(word("hunter2")) }, "Basic bWU6aHVudGVyMg=="),
        (Login::Basic { username: "me".into(), password: None }, "Basic bWU6"),
    ] {
        let by = Access { login, headers: headers.clone(), user_agent: "another".into(), ..access() };
        ask_by(&Fetcher::new(settings()), &server.url("/feed"), &by).await.unwrap();
        for asked in server.asked().iter().rev().take(2) {
            assert_eq!(asked.header("authorization"), Some(sent.as_bytes()), "{asked:?}");
            assert_eq!(asked.header("cookie"), Some(b"a=1".as_slice()));
            assert_eq!(asked.header("accept"), Some(b"application/x".as_slice()));
            assert_eq!(asked.header("user-agent"), Some(b"another".as_slice()));
        }
        let asked = other.asked().pop().unwrap();
        assert_eq!((asked.header("authorization"), asked.header("cookie")), (None, None));
        assert_eq!(asked.header("user-agent"), Some(b"another".as_slice()));
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_had_is_told_and_nothing_is_asked() {
    let server = Server::start(|_| answer(200)).await;
    let by = Access { login: Login::Bearer(Origin::File("/nonexistent/token".into())), ..access() };
    let error = ask_by(&Fetcher::new(settings()), &server.url("/"), &by).await.unwrap_err();
    assert!(error.to_string().starts_with("it was not asked: cannot read the secret file `/nonexistent/token`"), "{error}");
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn feeds_with_the_same_settings_share_one_client_and_run_a_command_once() {
    let server = Server::start(|_| answer(200).body("<rss/>")).await;
    let folder = tempfile::tempdir().unwrap();
    let count = folder.path().join("count");
    let script = format!("echo x >> {}; echo abc", count.display());
    let command = Origin::Command(vec!["sh".into(), "-c".into(), script]);
    let fetcher = Fetcher::new(settings());
    let by = Access { login: Login::Bearer(command.clone()), ..access() };
    let longer = Access { timeout: Duration::from_secs(19), ..by.clone() };
    for by in [&by, &longer, &by] {
        ask_by(&fetcher, &server.url("/"), by).await.unwrap();
    }
    assert_eq!(std::fs::read_to_string(count).unwrap(), "x\n");
    let client = |by: &Access| fetcher.shared.client(by, &fetcher.guard);
    assert!(std::sync::Arc::ptr_eq(&client(&by), &client(&longer)));
    assert!(!std::sync::Arc::ptr_eq(&client(&by), &client(&Access { insecure: true, ..by.clone() })));
}

#[tokio::test]
async fn a_page_that_keeps_programs_out_says_whose_it_is_and_what_to_do() {
    let challenge = |status| {
        move |_: &Asked| {
            answer(status)
                .header("Content-Type", "text/html")
                .header("Retry-After", "90")
                .body("<title>x</title>/.within.website/x/cmd/anubis/")
        }
    };
    for (status, words) in [(403, "403 Forbidden"), (429, "429 Too Many Requests"), (200, "200 OK")] {
        let server = Server::start(challenge(status)).await;
        let error = Fetcher::new(settings()).page(&server.url("/"), now()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("the server keeps this program out: {words}, with the page of Anubis"));
        assert_eq!((error.status(), error.retry_after), (Some(status), Some(Duration::from_secs(90))));
        let help = error.help().unwrap();
        for step in ["ask its publisher", "another address", "`user_agent`", "`headers`", "`interval`"] {
            assert!(help.contains(step), "{help}");
        }
    }
}

#[test]
fn a_pace_is_kept_for_a_host_without_its_port() {
    let host = |url: &str| Source::Http(Url::parse(url).unwrap()).host();
    assert_eq!(host("https://News.Example.org:8443/feed").as_deref(), Some("news.example.org"));
    assert_eq!(host("https://news.example.org./").as_deref(), Some("news.example.org"));
    assert_eq!(Source::File("/a".into()).host(), None);
}

#[tokio::test]
async fn p40_a_name_with_addresses_of_both_kinds_is_asked_once_and_an_ipv6_address_by_itself() {
    // It listens on one of the addresses of `localhost` alone.
    let server = Server::start(|_| answer(200).body("<rss/>")).await;
    document(&server.url_by_name("/feed"), None).await;
    assert_eq!(server.paths(), ["/feed"]);
    let Ok(listener) = tokio::net::TcpListener::bind("[::1]:0").await else { return };
    let url = Url::parse(&format!("http://[::1]:{}/feed", listener.local_addr().unwrap().port())).unwrap();
    let accepted = tokio::spawn(async move { listener.accept().await.map(|_| ()) });
    let allowed = vec!["::1/128".parse().unwrap()];
    let mut settings = Settings { allow_addresses: allowed, ..settings() };
    settings.access.timeout = Duration::from_secs(5);
    let fetcher = Fetcher::new(settings);
    assert!(fetcher.page(&url, now()).await.is_err(), "it hangs up");
    accepted.await.unwrap().unwrap();
}
