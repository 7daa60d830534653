//! The client against a small server on loopback.

use std::net::TcpListener as StdListener;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::net::scripted::{Answer, Asked, Server, answer};

const NEVER_REACHED: Duration = Duration::from_secs(20);

pub(super) fn options() -> HttpOptions {
    HttpOptions::new("feeds/test (+https://feeds.example/)", Duration::from_secs(5))
}

/// Trusts the servers of the test kit.
pub(in crate::net) fn trusting_ours() -> HttpOptions {
    trusting(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/net/testdata/localhost.pem"))
}

fn trusting(ca_file: PathBuf) -> HttpOptions {
    HttpOptions { trust: Trust { ca_file: Some(ca_file), ..Trust::default() }, ..options() }
}

pub(super) fn excepted() -> Guard {
    Guard::new(vec!["127.0.0.0/8".parse().unwrap()])
}

pub(super) async fn get(client: &Client, url: Url, timeout: Duration) -> Result<Reply, HttpError> {
    get_within(client, url, Limits::whole(timeout)).await
}

pub(super) async fn get_within(client: &Client, url: Url, limits: Limits) -> Result<Reply, HttpError> {
    let target = client.target(url)?;
    let request = Request { method: Method::GET, target, headers: HeaderMap::new(), body: None, max_body: 1 << 20, limits };
    client.send(request).await
}

async fn answered(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Result<Reply, HttpError> {
    let server = Server::start(script).await;
    get(&Client::guarded(excepted(), &options()), server.url("/feed"), NEVER_REACHED).await
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_request_says_who_asks_and_nothing_that_was_not_meant() {
    let server = Server::start(|_| answer(200).header("Set-Cookie", "a=1").body("hello")).await;
    let client = Client::guarded(excepted(), &options());
    for _ in 0..2 {
        let reply = get(&client, server.url("/feed?b=2&a=1#part"), NEVER_REACHED).await.unwrap();
        assert_eq!((reply.status, reply.body.as_slice()), (200, b"hello".as_slice()));
    }
    for asked in server.asked() {
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", "/feed?b=2&a=1"));
        let mut names: Vec<_> = asked.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "host", "user-agent"]);
        assert_eq!(asked.header("user-agent").unwrap(), b"feeds/test (+https://feeds.example/)");
    }
}

#[tokio::test]
async fn a_body_is_sent_with_its_length_and_the_user_name_as_a_header() {
    let server = Server::start(|_| answer(201)).await;
    let mut url = server.url("/api");
    url.set_username("me").unwrap();
    url.set_password(Some("hunter2")).unwrap();
    let client = Client::open(&options());
    let target = client.target(url).unwrap();
    let request = Request {
        method: Method::POST,
        target,
        headers: HeaderMap::new(),
        body: Some(b"{}".to_vec()),
        max_body: 100,
        limits: Limits::whole(NEVER_REACHED),
    };
    let reply = client.send(request).await.unwrap();
    assert_eq!(reply.status, 201);
    assert!(!reply.url.as_str().contains("hunter2"));
    let asked = &server.asked()[0];
    assert_eq!((asked.path.as_str(), asked.body.as_slice()), ("/api", b"{}".as_slice()));
    assert_eq!(asked.header("content-length").unwrap(), b"2");
    assert_eq!(asked.header("authorization").unwrap(), b"Basic bWU6aHVudGVyMg==");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let server = Server::start(|_| answer(302).header("Location", "/next")).await;
    let reply = get(&Client::guarded(excepted(), &options()), server.url("/feed"), NEVER_REACHED).await.unwrap();
    assert_eq!((reply.status, reply.headers["location"].as_bytes()), (302, b"/next".as_slice()));
    assert_eq!(server.paths(), ["/feed"]);
}

#[tokio::test]
async fn header_values_come_as_they_were_sent_and_bad_headers_do_not_spoil_the_answer() {
    let reply = answered(|_| answer(200).header("ETag", b"W/\"\xe9\"").header("Bad Name", "x").body("ok")).await.unwrap();
    assert_eq!(reply.headers["etag"].as_bytes(), b"W/\"\xe9\"");
}

#[tokio::test]
async fn all_members_of_a_gzip_are_read_and_a_cut_one_is_an_error() {
    let two = [gzip(b"one, "), gzip(b"two")].concat();
    let cut = two[..two.len() - 3].to_vec();
    let reply = answered(move |_| answer(200).header("Content-Encoding", "gzip").body(two.clone())).await.unwrap();
    assert_eq!(reply.body, b"one, two");
    let error = answered(move |_| answer(200).header("Content-Encoding", "gzip").body(cut.clone())).await.unwrap_err();
    assert!(matches!(error, HttpError::Cut { status: 200, .. }), "{error}");
    assert!(error.was_sent());
}

#[tokio::test]
async fn a_body_shorter_than_promised_is_an_error() {
    let error = answered(|_| answer(200).body("<rss>").promising(100)).await.unwrap_err();
    assert!(matches!(error, HttpError::Cut { .. }), "{error}");
    assert!(error.to_string().starts_with("the answer of 127.0.0.1 broke off: "), "{error}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_by_its_promise_and_by_its_bytes() {
    let error = answered(|_| answer(200).body("x").promising(2 << 20)).await.unwrap_err();
    assert_eq!(error.to_string(), "the answer of 127.0.0.1 is larger than 1MiB");
    let bomb = gzip(&vec![0; 200 << 20]);
    let error = answered(move |_| answer(200).header("Content-Encoding", "gzip").body(bomb.clone())).await.unwrap_err();
    assert!(matches!(error, HttpError::TooLarge { status: 200, .. }), "{error}");
}

#[tokio::test]
async fn nested_codings_are_refused_without_reading() {
    let error = answered(|_| answer(200).header("Content-Encoding", "gzip, gzip").body("x")).await.unwrap_err();
    assert!(matches!(error, HttpError::Coding { .. }), "{error}");
}

#[tokio::test]
async fn the_page_of_an_error_is_never_a_trouble_of_its_own() {
    let reply = answered(|_| answer(404).body(vec![b'x'; 200_000])).await.unwrap();
    assert_eq!(reply.status, 404);
    assert!(reply.body.len() <= 64 * 1024);
    let reply = answered(|_| answer(500).header("Content-Encoding", "nonsense").body("x")).await.unwrap();
    assert_eq!((reply.status, reply.body.as_slice()), (500, b"".as_slice()));
    let reply = answered(|_| answer(503).body("busy").promising(100)).await.unwrap();
    assert_eq!((reply.status, reply.body.as_slice()), (503, b"busy".as_slice()));
}

#[tokio::test]
async fn a_dripping_body_ends_at_the_deadline() {
    let server = Server::start(|_| answer(200).body(vec![b'x'; 1000]).dripping(Duration::from_millis(50))).await;
    let began = Instant::now();
    let client = Client::guarded(excepted(), &options());
    let error = get(&client, server.url("/"), Duration::from_millis(300)).await.unwrap_err();
    assert_eq!(error.to_string(), "the answer of 127.0.0.1 did not end within 300 ms");
    assert_eq!((error.status(), error.was_sent()), (Some(200), true));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left_at_the_deadline() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let client = Client::guarded(excepted(), &options());
    let error = get(&client, url, Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(error.to_string(), "no answer from 127.0.0.1 within 200 ms");
    assert_eq!((error.status(), error.was_sent()), (None, true));
}

#[tokio::test]
async fn a_proxy_that_does_not_lead_on_is_told_in_plain_words() {
    let told = async |kind: &str, place: &str| {
        let proxies = Proxies::all(Proxy::parse(&format!("{kind}://{place}")).unwrap());
        let client = Client::guarded(excepted(), &HttpOptions { proxies, ..options() });
        let error = get(&client, Url::parse("https://feed.invalid/").unwrap(), NEVER_REACHED).await.unwrap_err();
        let text = error.to_string();
        (text.rsplit(": ").next().unwrap().to_owned(), error.help())
    };
    let server = Server::start(|_| answer(407)).await;
    let (cause, help) = told("http", server.url("/").authority()).await;
    assert_eq!(cause, "the proxy wants a login");
    assert!(help.unwrap().contains("`proxy = "));
    let server = Server::start(|_| answer(403)).await;
    assert_eq!(told("http", server.url("/").authority()).await, ("the proxy refuses to lead there".to_owned(), None));

    for (reply, words) in [
        (&b"\x05\xff"[..], "the proxy wants a login"),
        (b"\x05\0\x05\x05\0\x01\0\0\0\0\0\0", "the proxy found the connection refused"),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let (mut stream, _) = listener.accept().await.unwrap();
            let (greeting, rest) = reply.split_at(2);
            stream.read_exact(&mut [0; 3]).await.unwrap();
            stream.write_all(greeting).await.unwrap();
            // A request for `feed.invalid`, where one still comes.
            stream.read_exact(&mut [0; 19]).await.ok();
            stream.write_all(rest).await.ok();
        });
        assert_eq!(told("socks5h", &place).await.0, words);
    }
}

#[tokio::test]
async fn a_closed_port_is_named_with_its_host_and_nothing_was_sent() {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = Client::guarded(excepted(), &options());
    let error = get(&client, Url::parse(&format!("http://{address}/")).unwrap(), NEVER_REACHED).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot connect to {address}: connection refused"));
    assert!(!error.was_sent());
}

#[tokio::test]
async fn a_connection_that_is_closed_without_an_answer_may_have_been_a_request() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let error = get(&Client::guarded(excepted(), &options()), url, NEVER_REACHED).await.unwrap_err();
    assert!(matches!(error, HttpError::Protocol { .. }), "{error}");
    assert!(error.was_sent());
}

#[tokio::test]
async fn a_name_that_leads_home_is_refused_with_the_line_to_add() {
    let server = Server::start(|_| answer(200)).await;
    let client = Client::guarded(Guard::new(Vec::new()), &options());
    let error = get(&client, server.url_by_name("/"), NEVER_REACHED).await.unwrap_err();
    assert!(matches!(error, HttpError::Refused { .. }), "{error}");
    assert!(error.to_string().starts_with("the address guard refuses `localhost`: "), "{error}");
    assert!(error.to_string().contains("is a loopback address"), "{error}");
    assert!(error.help().unwrap().contains("allow_addresses = ["), "{:?}", error.help());
    assert!(server.asked().is_empty());

    let client = Client::guarded(excepted(), &options());
    assert_eq!(get(&client, server.url_by_name("/"), NEVER_REACHED).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_target_of_an_open_client_does_not_pass_a_guarded_one() {
    let server = Server::start(|_| answer(200)).await;
    let target = Client::open(&options()).target(server.url("/")).unwrap();
    let request = Request {
        method: Method::GET,
        target,
        headers: HeaderMap::new(),
        body: None,
        max_body: 10,
        limits: Limits::whole(NEVER_REACHED),
    };
    let sent = Client::guarded(Guard::new(Vec::new()), &options()).send(request).await;
    assert!(matches!(sent, Err(HttpError::Refused { .. })));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_name_without_an_address_is_named() {
    let client = Client::guarded(excepted(), &options());
    let error = get(&client, Url::parse("http://nowhere.invalid/").unwrap(), NEVER_REACHED).await.unwrap_err();
    assert!(matches!(error, HttpError::Dns { .. }), "{error:?}");
    assert!(error.to_string().starts_with("cannot find `nowhere.invalid`: "), "{error}");
}

#[tokio::test]
async fn a_server_is_known_by_the_authority_in_the_given_file() {
    let server = Server::start_tls(|_| answer(200).body("safe")).await;
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/net/testdata/localhost.pem");
    let client = Client::guarded(excepted(), &trusting(ours));
    for url in [server.url("/"), server.url_by_name("/")] {
        assert_eq!(get(&client, url, NEVER_REACHED).await.unwrap().body, b"safe");
    }
}

#[tokio::test]
async fn a_server_of_a_foreign_authority_or_without_tls_is_refused() {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/net/testdata/localhost.pem");
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/net/testdata/other.pem");
    let server = Server::start_tls(|_| answer(200)).await;
    let client = Client::guarded(excepted(), &trusting(other));
    let error = get(&client, server.url("/"), NEVER_REACHED).await.unwrap_err();
    assert!(error.to_string().ends_with("its certificate is from an authority that is not trusted here"), "{error}");
    assert!(!error.was_sent());

    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("https://{}/", plain.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            stream.read_to_end(&mut Vec::new()).await.ok();
        }
    });
    let client = Client::guarded(excepted(), &trusting(ours));
    let error = get(&client, url, NEVER_REACHED).await.unwrap_err();
    assert!(matches!(error, HttpError::Tls { .. }), "{error:?}");
    assert!(error.to_string().ends_with("it does not speak TLS on this port"), "{error}");
}
