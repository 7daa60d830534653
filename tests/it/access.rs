//! How feeds are asked: proxies of each kind, headers and logins of a feed's own, TLS that is wrong.

use crate::kit::proxy::{Passed, Proxy};
use crate::kit::{Page, Sandbox, Server, fixture};

fn publisher() -> Server {
    let publisher = Server::start();
    publisher.serve("/feed", Page::feed(fixture("two_entries.xml")));
    publisher
}

fn passed(method: &str, target: &str, login: Option<&str>) -> Vec<Passed> {
    vec![Passed { method: method.to_owned(), target: target.to_owned(), login: login.map(str::to_owned) }]
}

#[test]
fn a_feed_is_fetched_by_way_of_an_http_proxy_that_finds_its_host() {
    let publisher = publisher();
    let proxy = Proxy::http(publisher.address());
    let settings = format!("proxy = \"http://me:hunter2@{}\"", proxy.address());
    let reader =
        Sandbox::new().defaults("backlog = \"all\"").sink_maildir().feed_with("a", "http://nowhere.invalid/feed", &settings);
    reader.poll().succeeds().quietly();
    assert_eq!(reader.inbox().len(), 2);
    assert_eq!(proxy.passed(), passed("GET", "http://nowhere.invalid/feed", Some("Basic bWU6aHVudGVyMg==")));
    let seen = publisher.requests();
    assert_eq!(seen[0].header("Host"), Some("nowhere.invalid"));
    assert_eq!(seen[0].header("Proxy-Authorization"), None);
}

#[test]
fn an_encrypted_feed_goes_through_a_tunnel() {
    let publisher = publisher();
    let proxy = Proxy::http(publisher.address());
    let settings = format!("proxy = \"http://me:hunter2@{}\"", proxy.address());
    let reader = Sandbox::new().sink_maildir().feed_with("a", "https://nowhere.invalid/feed", &settings);
    let ran = reader.poll().succeeds().complains_of("nowhere.invalid:443 by way of the proxy http://127.0.0.1");
    assert!(!ran.stderr.contains("hunter2"), "{ran:#?}");
    assert_eq!(proxy.passed(), passed("CONNECT", "nowhere.invalid:443", Some("Basic bWU6aHVudGVyMg==")));
}

#[test]
fn socks5h_leaves_the_name_to_the_proxy_and_socks5_does_not() {
    let publisher = publisher();
    let far = Proxy::socks5(publisher.address());
    let near = Proxy::socks5(publisher.address());
    let reader = Sandbox::local()
        .sink_maildir()
        .feed_with("far", "http://nowhere.invalid:8080/feed", &format!("proxy = \"socks5h://me:hunter2@{}\"", far.address()))
        .feed_with("near", "http://127.0.0.1:8080/feed?near", &format!("proxy = \"socks5://{}\"", near.address()));
    reader.poll().succeeds().quietly();
    assert_eq!(far.passed(), passed("SOCKS5", "nowhere.invalid:8080", Some("me:hunter2")));
    assert_eq!(near.passed(), passed("SOCKS5", "127.0.0.1:8080", None));
    assert_eq!(publisher.requests().len(), 2);
}

#[test]
fn the_guard_sees_addresses_and_local_names_behind_a_proxy_too() {
    let publisher = publisher();
    let (http, socks) = (Proxy::http(publisher.address()), Proxy::socks5(publisher.address()));
    let by = |kind: &str, proxy: &Proxy| format!("proxy = \"{kind}://localhost:{}\"", proxy.address().port());
    let reader = Sandbox::new()
        .sink_maildir()
        .feed_with("literal", "http://127.0.0.1:8080/feed", &by("http", &http))
        .feed_with("name", "http://localhost:8080/feed", &by("http", &http))
        .feed_with("below", "http://printer.localhost.:8080/feed", &by("socks5h", &socks))
        .feed_with("own", "http://localhost:8081/feed", &by("socks5", &socks));
    reader.poll().succeeds();
    for name in ["literal", "name", "below", "own"] {
        let error = reader.status_of(name)["error"].as_str().unwrap().to_owned();
        assert!(error.contains("the address guard refuses") && error.contains("loopback"), "{name}: {error}");
    }
    assert!(http.passed().is_empty() && socks.passed().is_empty() && publisher.requests().is_empty());
}

#[test]
fn the_environment_names_a_proxy_and_none_goes_past_it() {
    let publisher = publisher();
    let proxy = Proxy::http(publisher.address());
    let reader = Sandbox::local()
        .env("HTTP_PROXY", format!("http://{}", proxy.address()))
        .env("NO_PROXY", "127.0.0.1")
        .sink_maildir()
        .feed("far", "http://nowhere.invalid/feed")
        .feed("excepted", publisher.url("/feed?excepted"))
        .feed_with("direct", "http://nowhere.invalid/feed?direct", "proxy = \"none\"");
    reader.poll().succeeds().complains_of("direct").complains_of("cannot find `nowhere.invalid`");
    assert_eq!(proxy.passed(), passed("GET", "http://nowhere.invalid/feed", None));
    assert_eq!(publisher.requests().len(), 2);
}

#[test]
fn a_proxy_that_is_not_there_is_named_without_its_login() {
    let publisher = publisher();
    publisher.down();
    let settings = format!("proxy = \"socks5h://me:hunter2@{}\"", publisher.address());
    let reader = Sandbox::new().sink_maildir().feed_with("a", "http://h.example/feed", &settings);
    let place = format!("cannot connect to h.example:80 by way of the proxy socks5h://{}", publisher.address());
    let ran = reader.poll().succeeds().complains_of(&place);
    assert!(!ran.stderr.contains("hunter2"), "{ran:#?}");
}

#[test]
fn a_feed_is_asked_with_its_own_headers_and_login() {
    let publisher = publisher();
    let reader = Sandbox::local().sink_maildir().defaults("headers = { Accept-Language = \"de\" }").feed_with(
        "a",
        publisher.url("/feed"),
        "headers = { Cookie_file = \"cookie\" }\nuser_agent = \"me\"\nusername = \"me\"\npassword_command = [\"echo\", \"hunter2\"]",
    );
    reader.file(".config/feeds/cookie", "session=abc\n");
    reader.poll().succeeds().quietly();
    let asked = &publisher.requests()[0];
    for (name, value) in
        [("Accept-Language", "de"), ("Cookie", "session=abc"), ("User-Agent", "me"), ("Authorization", "Basic bWU6aHVudGVyMg==")]
    {
        assert_eq!(asked.header(name), Some(value));
    }
}

#[test]
fn an_unchecked_certificate_is_told_at_each_check() {
    let reader = Sandbox::new().sink_maildir().feed_with("lab", "https://lab.example/feed", "insecure = true");
    for _ in 0..2 {
        reader.run(&["check", "--offline"]).succeeds().complains_of("feed `lab`: INSECURE: no certificate is checked");
    }
    let checks = reader.facts(&["check", "--offline"])["checks"].clone();
    let told = checks.as_array().unwrap().iter().find(|check| check["what"] == "feed `lab`").unwrap().clone();
    assert_eq!((&told["ok"], &told["warning"]), (&true.into(), &true.into()));
}

#[test]
fn a_server_that_says_nothing_delays_no_other_feed() {
    let (publisher, silent) = (publisher(), Server::start());
    silent.hang("/hang");
    let reader = Sandbox::local()
        .http("per_host = 1")
        .sink_maildir()
        .feed_with("hang", silent.url("/hang").replace("127.0.0.1", "localhost"), "timeout = \"20s\"")
        .feed("good", publisher.url("/feed"));
    let run = reader.spawn(&["run", "--once"]);
    let arrived = || (reader.inbox().len() == 2).then_some(());
    crate::kit::wait::until("the mails of the good feed", std::time::Duration::from_secs(15), arrived);
    run.signal(rustix::process::Signal::TERM);
    run.ends();
}
