//! Stories of how feeds are asked, from whole configurations.

use super::super::testing::{check, check_in_the_open, env};
use super::super::{Config, Mistake, Severity};
use super::*;
use crate::secret::Secret;

const SINK: &str = "[sinks.inbox]\ntype = 'maildir'\npath = 'Mail'\n";

fn good(text: &str) -> Config {
    check(&format!("{SINK}{text}")).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// The one mistake of a feed's table, as `line: message`.
fn mistake(table: &str) -> String {
    let text = format!("[feeds.a]\n{table}\n{SINK}");
    let mistakes = check(&text).expect_err(table);
    let errors: Vec<&Mistake> = mistakes.list.iter().filter(|mistake| mistake.severity == Severity::Error).collect();
    let [only] = errors.as_slice() else { panic!("{mistakes}") };
    assert!(!mistakes.to_string().contains("'t'"), "{mistakes}");
    format!("{}: {}", mistakes.place(only).map_or(0, |(line, _)| line), only.message)
}

fn inline(word: &str) -> Origin {
    Origin::Inline(Secret::new(word))
}

#[test]
fn the_nearest_layer_says_how_a_feed_is_asked() {
    let config = good(
        r#"
[http]
user_agent = "http"
timeout = "10s"
proxy = "http://p.example:1"
[defaults]
user_agent = "defaults"
headers = { Accept-Language = "de", X-A = "1" }
username = "me"
password = "hunter2"
ca_file = "ca.pem"
[tags.slow]
timeout = "2m"
proxy = "none"
headers = { accept-language = "fr", X-A = "" }
insecure = true
[tags.members]
bearer_token_file = "token"
[feeds.plain]
url = "https://a.example/"
[feeds.slow]
url = "https://b.example/"
tags = ["slow", "members"]
max_body = "1MiB"
client_cert = "me.pem"
client_key_command = ["pass", "key"]
[feeds.own]
url = "https://you:secret@c.example/"
proxy = "socks5h://127.0.0.1:9050"
ca_file = "own.pem"
"#,
    );
    let [plain, slow, own] = config.feeds.as_slice() else { panic!("three feeds") };
    assert_eq!(plain.access.user_agent, "defaults");
    assert_eq!(plain.access.headers, [("Accept-Language".to_owned(), inline("de")), ("X-A".to_owned(), inline("1"))]);
    let login = Login::Basic { username: "me".to_owned(), password: Some(inline("hunter2")) };
    assert_eq!((&plain.access.login, plain.access.timeout.as_secs()), (&login, 10));
    assert_eq!(plain.access.ca_file.as_deref(), Some("/home/me/feeds/ca.pem".as_ref()));
    assert_eq!(*plain.access, config.http.access);

    assert_eq!(slow.access.headers, [("accept-language".to_owned(), inline("fr"))]);
    assert_eq!(slow.access.login, Login::Bearer(Origin::File("/home/me/feeds/token".into())));
    assert_eq!((slow.access.timeout.as_secs(), slow.access.max_body), (120, 1 << 20));
    assert_eq!((slow.access.insecure, &slow.access.ca_file, &slow.access.proxies), (true, &None, &Proxies::none()));
    let client = slow.access.client.as_ref().unwrap();
    assert_eq!(client.key, Some(Origin::Command(vec!["pass".into(), "key".into()])));

    assert_eq!(own.access.login, Login::None);
    assert_eq!(own.access.proxies, Proxies::all(Proxy::parse("socks5h://127.0.0.1:9050").unwrap()));
    assert_eq!(own.access.ca_file.as_deref(), Some("/home/me/feeds/own.pem".as_ref()));
}

#[test]
fn what_contradicts_itself_is_a_mistake_at_its_place() {
    const URL: &str = "url = 'https://a.example/'\n";
    for (keys, told) in [
        ("username = 'me'\nbearer_token = 't'", "4: both a user name and a bearer token are given for `[feeds.a]`"),
        ("password = 'p'", "3: a password without a `username` in `[feeds.a]`"),
        (
            "bearer_token = 't'\nbearer_token_file = 'f'",
            "4: both `bearer_token` and `bearer_token_file` are given for `[feeds.a]`",
        ),
        (
            "headers = { Authorization = 'x' }\nbearer_token = 't'",
            "4: both a login and the header `Authorization` are given for `[feeds.a]`",
        ),
        ("headers = { User-Agent = 'x' }", "3: the header `User-Agent` is not for you to set"),
        ("headers = { Cookie = 'x', cookie_file = 'y' }", "3: the header `cookie` is given twice"),
        ("headers = { 'a b' = 'x' }", "3: `a b` cannot be the name of a header"),
        ("headers = { X-A = \"a\\nb\" }", "3: the value of the header `X-A` is one line without control characters"),
        ("headers = 'X-A: 1'", "3: `headers` must be a table, such as { Accept-Language = \"de\", Cookie_file = \"~/cookie\" }"),
        ("insecure = true\nca_file = 'x'", "4: `ca_file` has no meaning beside `insecure = true`, which checks no certificate"),
        ("client_key_file = 'x'", "3: a client's key without its certificate"),
        ("proxy = 'socks4://h'", "3: `proxy`: `socks4` is no kind of proxy; there are http, https, socks5 and socks5h"),
        ("proxy = 'nonsense at all'", "3: `proxy`: this is no address of a proxy"),
        ("timeout = '0s'", "3: `timeout`: a limit of 0 ends everything at once"),
        ("proxi = 'none'", "3: unknown key `proxi` in `[feeds.a]`"),
        ("username = 'a:b'", "3: `username`: a user name is not empty, and has no `:` and no control character"),
    ] {
        assert_eq!(mistake(&format!("{URL}{keys}")), told, "{keys}");
    }
    assert_eq!(
        mistake("url = 'https://you:secret@a.example/'\nusername = 'me'"),
        "3: the feed has a login of its own, and another one in its `url`"
    );
    assert_eq!(mistake("url = 'x.xml'\nproxy = 'none'"), "3: `proxy` has no meaning for a feed that is not fetched from the web");
}

#[test]
fn an_unchecked_certificate_is_warned_of_and_so_is_a_secret_in_the_open() {
    let text = format!(
        "{SINK}[feeds.a]\nurl = 'https://a.example/'\ninsecure = true\nbearer_token = 't'\n\
         headers = {{ Cookie = 'c', Accept-Language = 'de', X-Token_file = 'f' }}\nproxy = 'http://me:hunter2@p.example:1'\n"
    );
    let warnings = check_in_the_open(&text).unwrap().warnings;
    let mut told: Vec<&str> =
        warnings.list.iter().filter(|m| m.severity == Severity::Exposed).map(|m| m.message.as_str()).collect();
    told.sort_unstable();
    assert_eq!(told.len(), 3, "{told:?}");
    for (message, key) in told.iter().zip(["Cookie", "bearer_token", "proxy"]) {
        assert_eq!(*message, format!("`{key}` stands in a file that other users of this machine can read"));
    }
    let shown = warnings.to_string();
    assert!(shown.contains("no certificate is checked for `[feeds.a]`"), "{shown}");
    assert!(!shown.contains("hunter2") && !shown.contains("'c'") && !shown.contains("'t'"), "{shown}");
}

#[test]
fn the_environments_proxy_is_used_where_nothing_else_is_said() {
    let of = |name: &str| match name {
        "HOME" => Some("/home/me".to_owned()),
        "HTTPS_PROXY" => Some("http://env.example:3".to_owned()),
        _ => None,
    };
    let text = format!("{SINK}[feeds.a]\nurl = 'https://a.example/'\n[feeds.b]\nurl = 'https://b.example/'\nproxy = 'none'\n");
    let config = Config::from_text("c".as_ref(), &text, &Env::from_fn(of)).unwrap();
    let through = |feed: &str| {
        let feed = config.feed(feed).unwrap();
        feed.access.proxies.for_url(&Url::parse(&feed.url).unwrap()).map(|proxy| format!("{proxy:?}"))
    };
    assert_eq!((through("a"), through("b")), (Some("http://env.example:3".to_owned()), None));
    let broken = Env::from_fn(move |name| if name == "HTTPS_PROXY" { Some("ftp://x".to_owned()) } else { of(name) });
    let error = Config::from_text("c".as_ref(), &text, &broken).unwrap_err().to_string();
    assert!(error.contains("the variable HTTPS_PROXY"), "{error}");
    assert!(Config::default_http(&broken).is_err() && Config::default_http(&env()).is_ok());
}
