//! The client against servers that mean it no good: each is a script of bytes. Every story ends in bounded time, with one
//! clear line.

use std::sync::Mutex;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::tests::{excepted, get, get_within, gzip, options};
use super::*;

/// What a server does after it has read a request.
#[derive(Clone)]
enum Then {
    /// Closes its side.
    Close,
    /// Resets the connection.
    Reset,
    /// Says no more.
    Hang,
    /// Repeats these bytes without end.
    Forever(Vec<u8>),
    /// A byte of these, and so long a pause.
    Drip(Vec<u8>, Duration),
}

/// A server that sends these bytes to everybody, whatever is asked.
struct Evil {
    url: Url,
    task: tokio::task::JoinHandle<()>,
}

impl Evil {
    async fn start(head: impl Into<Vec<u8>>, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/feed", listener.local_addr().unwrap())).unwrap();
        let head = head.into();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(act(stream, head.clone(), then.clone()));
            }
        });
        Self { url, task }
    }
}

impl Drop for Evil {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn act(mut stream: TcpStream, head: Vec<u8>, then: Then) -> Option<()> {
    // What is left unread when a socket is closed makes its system reset the connection.
    let read = if matches!(then, Then::Reset) { 1 } else { 4096 };
    if stream.read(&mut vec![0; read]).await.ok()? == 0 {
        return None;
    }
    stream.write_all(&head).await.ok()?;
    match then {
        Then::Close => stream.shutdown().await.ok()?,
        Then::Reset => {
            stream.flush().await.ok()?;
            return Some(());
        }
        Then::Hang => {}
        Then::Forever(bytes) => loop {
            stream.write_all(&bytes).await.ok()?;
        },
        Then::Drip(bytes, pause) => {
            for byte in bytes.into_iter().cycle() {
                stream.write_all(&[byte]).await.ok()?;
                tokio::time::sleep(pause).await;
            }
        }
    }
    stream.read_to_end(&mut Vec::new()).await.ok().map(drop)
}

/// Long enough for a busy machine; what is bounded by its size ends much sooner.
const LONG: Duration = Duration::from_secs(20);

async fn told(head: impl Into<Vec<u8>>, then: Then) -> String {
    let server = Evil::start(head, then).await;
    let client = Client::guarded(excepted(), &options());
    match get(&client, server.url.clone(), LONG).await {
        Ok(reply) => format!("{} {}", reply.status, String::from_utf8_lossy(&reply.body)),
        Err(error) => error.to_string(),
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n";

#[tokio::test]
async fn a_head_without_an_end_is_left_when_it_is_too_large() {
    for line in [b"X-Header: value\r\n".to_vec(), b"x".to_vec()] {
        let error = told(OK, Then::Forever(line)).await;
        assert!(error.starts_with("127.0.0.1 gave no answer: "), "{error}");
    }
    let error = told("HTTP/1.1 200 ", Then::Forever(b"words ".to_vec())).await;
    assert!(error.starts_with("127.0.0.1 gave no answer: "), "{error}");
}

#[tokio::test]
async fn a_header_has_a_largest_size_and_number() {
    let many = (0..101).map(|n| format!("X-{n}: 1\r\n")).collect::<Vec<_>>().concat();
    let error = told(format!("{OK}{many}Content-Length: 0\r\n\r\n"), Then::Hang).await;
    assert!(error.starts_with("127.0.0.1 gave no answer: "), "{error}");
    let error = told(format!("{OK}Content-Length: 0\r\nLocation: /{}\r\n\r\n", "a".repeat(70_000)), Then::Hang).await;
    assert_eq!(error, "127.0.0.1 gave no answer: its header is larger than 64 KiB");
    let fits = told(format!("{OK}Content-Length: 2\r\nX: {}\r\n\r\nok", "a".repeat(60_000)), Then::Hang).await;
    assert_eq!(fits, "200 ok");
}

#[tokio::test]
async fn what_is_no_http_is_no_answer() {
    for nothing in
        ["<rss></rss>\n", "220 mail.example ESMTP\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 0200 OK\r\n\r\n", "\0\0\0\0"]
    {
        let error = told(nothing, Then::Close).await;
        assert!(error.starts_with("127.0.0.1 gave no answer: "), "{nothing:?}: {error}");
    }
}

#[tokio::test]
async fn a_flood_of_preliminary_answers_ends_in_time() {
    let server = Evil::start("", Then::Forever(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec())).await;
    let client = Client::guarded(excepted(), &options());
    let error = get(&client, server.url.clone(), Duration::from_millis(300)).await.unwrap_err();
    assert_eq!(error.to_string(), "no answer from 127.0.0.1 within 300 ms");
    let some = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(3);
    assert_eq!(told(format!("{some}{OK}Content-Length: 2\r\n\r\nok"), Then::Hang).await, "200 ok");
}

#[tokio::test]
async fn a_connection_may_break_at_every_moment() {
    let whole = format!("{OK}Content-Length: 4\r\n\r\n<rss");
    for then in [Then::Close, Then::Reset] {
        for cut in 0..whole.len() {
            let error = told(&whole[..cut], then.clone()).await;
            let known =
                error.starts_with("127.0.0.1 gave no answer: ") || error.starts_with("the answer of 127.0.0.1 broke off: ");
            assert!(known, "{cut}: {error}");
        }
        // A reset may overtake the last bytes; then it is no whole answer either.
        let end = told(whole.as_str(), then).await;
        assert!(end == "200 <rss" || end.contains("reset"), "{end}");
    }
}

#[tokio::test]
async fn a_length_that_lies_cuts_the_body_or_ends_it() {
    let cut = told(format!("{OK}Content-Length: 100\r\n\r\n<rss>"), Then::Close).await;
    assert!(cut.starts_with("the answer of 127.0.0.1 broke off: "), "{cut}");
    assert_eq!(
        told(format!("{OK}Content-Length: 5\r\n\r\n<rss> and more that nobody asked for"), Then::Close).await,
        "200 <rss>"
    );
    for lie in ["-1", "1e3", "5, 6", "99999999999999999999999999"] {
        let error = told(format!("{OK}Content-Length: {lie}\r\n\r\n<rss>"), Then::Close).await;
        assert!(error.starts_with("127.0.0.1 gave no answer: "), "{lie}: {error}");
    }
    let huge = told(format!("{OK}Content-Length: 9223372036854775807\r\n\r\n"), Then::Hang).await;
    assert_eq!(huge, "the answer of 127.0.0.1 is larger than 1MiB");
}

#[tokio::test]
async fn chunks_must_be_whole_and_well_formed() {
    let chunked = format!("{OK}Transfer-Encoding: chunked\r\n\r\n");
    assert_eq!(told(format!("{chunked}4\r\n<rss\r\n1\r\n>\r\n0\r\n\r\n"), Then::Hang).await, "200 <rss>");
    for broken in
        ["4\r\n<r", "4\r\n<rss\r\n", "4\r\n<rss\r\n0\r\n", "zz\r\n<rss", "ffffffffffffffffff\r\n<rss", "4\r\n<rssX\r\n0\r\n\r\n"]
    {
        let error = told(format!("{chunked}{broken}"), Then::Close).await;
        assert!(error.starts_with("the answer of 127.0.0.1 broke off: "), "{broken:?}: {error}");
    }
    let endless = told(format!("{chunked}1;"), Then::Forever(b"extension".to_vec())).await;
    assert!(endless.starts_with("the answer of 127.0.0.1 broke off: "), "{endless}");
    let trailers = told(format!("{chunked}0\r\n"), Then::Forever(b"X-Trailer: 1\r\n".to_vec())).await;
    assert!(trailers.starts_with("the answer of 127.0.0.1 broke off: "), "{trailers}");
}

#[tokio::test]
async fn an_endless_body_is_left_at_the_limit() {
    assert_eq!(told(format!("{OK}\r\n"), Then::Forever(vec![b'x'; 8192])).await, "the answer of 127.0.0.1 is larger than 1MiB");
    let chunk = [b"2000\r\n".to_vec(), vec![b'x'; 0x2000], b"\r\n".to_vec()].concat();
    let error = told(format!("{OK}Transfer-Encoding: chunked\r\n\r\n"), Then::Forever(chunk)).await;
    assert_eq!(error, "the answer of 127.0.0.1 is larger than 1MiB");
    // A page of an error is cut, and no trouble.
    let page = told("HTTP/1.1 503 Busy\r\n\r\n", Then::Forever(vec![b'x'; 8192])).await;
    assert!(page.starts_with("503 xxx") && page.len() <= 70_000, "{}", page.len());
}

#[tokio::test]
async fn a_damaged_compression_is_told() {
    let zipped = gzip(b"<rss></rss>");
    let answer = |coding: &str, body: &[u8]| {
        [format!("{OK}Content-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes(), body.to_vec()].concat()
    };
    assert_eq!(told(answer("gzip", &zipped), Then::Close).await, "200 <rss></rss>");
    let mut damaged = zipped.clone();
    let crc = damaged.len() - 6;
    damaged[crc] ^= 1;
    let at_the_end = told(answer("gzip", &damaged), Then::Close).await;
    assert!(at_the_end.starts_with("the answer of 127.0.0.1 broke off: "), "{at_the_end}");
    damaged.extend_from_slice(&zipped);
    for (coding, body) in
        [("gzip", damaged.as_slice()), ("gzip", b"<rss></rss>"), ("br", b"<rss></rss>"), ("zstd", b"<rss></rss>")]
    {
        let error = told(answer(coding, body), Then::Close).await;
        assert!(error.starts_with("the answer of 127.0.0.1 cannot be decoded: "), "{coding}: {error}");
    }
    let nested = told(answer("gzip, br", &zipped), Then::Close).await;
    assert!(nested.ends_with("it came in several codings at once: `gzip, br`"), "{nested}");
    let cut = told(answer("gzip", &zipped[..zipped.len() - 4]), Then::Close).await;
    assert_eq!(cut, "the answer of 127.0.0.1 broke off: its compression does not end as it should");
}

/// The limits of one that waits for phases.
fn phases(whole: u64, head: u64, silence: u64) -> Limits {
    let time = Duration::from_millis;
    Limits { whole: time(whole), head: time(head), silence: time(silence), since: None }
}

async fn left(head: impl Into<Vec<u8>>, then: Then, limits: Limits) -> HttpError {
    let server = Evil::start(head, then).await;
    get_within(&Client::guarded(excepted(), &options()), server.url.clone(), limits).await.unwrap_err()
}

#[tokio::test]
async fn each_phase_has_its_time_and_the_message_names_it() {
    let drip = |bytes: &[u8]| Then::Drip(bytes.to_vec(), Duration::from_millis(10));
    let error = left("", Then::Hang, phases(60_000, 200, 60_000)).await;
    assert_eq!(error.to_string(), "no answer from 127.0.0.1 within 200 ms");
    let error = left("HTTP/1.1 200 OK\r\n", drip(b"X: 1\r\n"), phases(60_000, 200, 60_000)).await;
    assert_eq!(error.to_string(), "no answer from 127.0.0.1 within 200 ms");
    let error = left(format!("{OK}\r\n<rss>"), Then::Hang, phases(60_000, 30_000, 200)).await;
    assert_eq!(error.to_string(), "the answer of 127.0.0.1 stopped in its middle: nothing more came for 200 ms");
    assert_eq!(error.status(), Some(200));
    let error = left(format!("{OK}\r\n"), drip(b"<rss>"), phases(400, 30_000, 30_000)).await;
    assert_eq!(error.to_string(), "the answer of 127.0.0.1 did not end within 400 ms");
    let phased = Limits::in_phases(Duration::from_secs(30));
    assert_eq!((phased.head.as_secs(), phased.silence.as_secs()), (20, 15));
}

#[tokio::test]
async fn a_connection_that_is_never_made_is_left_too() {
    // A proxy that takes connections and never answers stands for a host that does not.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::parse(&format!("socks5h://{}", silent.local_addr().unwrap())).unwrap();
    let options = HttpOptions { connect_timeout: Duration::from_millis(200), proxies: Proxies::all(proxy), ..options() };
    let client = Client::guarded(excepted(), &options);
    let error = get(&client, Url::parse("http://h.example/").unwrap(), LONG).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot connect to h.example:80 by way of the proxy socks5h://127.0.0.1:"), "{error}");
    assert!(error.to_string().ends_with(": no answer within 200 ms"), "{error}");
}

/// A resolver that says one thing at its first call and another at each later one, and counts.
fn changing(first: &'static [&'static str], later: &'static [&'static str]) -> (LookUp, std::sync::Arc<Mutex<Vec<String>>>) {
    let asked = std::sync::Arc::new(Mutex::new(Vec::new()));
    let log = std::sync::Arc::clone(&asked);
    let look_up: LookUp = std::sync::Arc::new(move |name| {
        let mut log = log.lock().unwrap();
        let answer = if log.is_empty() { first } else { later };
        log.push(name);
        Box::pin(async move { Ok(answer.iter().map(|ip| (ip.parse::<std::net::IpAddr>().unwrap(), 0).into()).collect()) })
    });
    (look_up, asked)
}

/// A server on an address of loopback that the test takes for a public one, and one beside it that must see nobody.
async fn public_and_private() -> (TcpListener, TcpListener, u16) {
    loop {
        let public = TcpListener::bind("127.0.0.2:0").await.unwrap();
        let port = public.local_addr().unwrap().port();
        if let Ok(private) = TcpListener::bind(("127.0.0.1", port)).await {
            return (public, private, port);
        }
    }
}

#[tokio::test]
async fn a_name_is_resolved_once_and_a_second_answer_changes_nothing() {
    let guard = || Guard::new(vec!["127.0.0.2/32".parse().unwrap()]);
    for first in [&["127.0.0.2"][..], &["127.0.0.1", "10.0.0.1", "127.0.0.2"][..]] {
        let (public, private, port) = public_and_private().await;
        tokio::spawn(async move {
            while let Ok((stream, _)) = public.accept().await {
                tokio::spawn(act(stream, format!("{OK}Content-Length: 2\r\nConnection: close\r\n\r\nok").into(), Then::Close));
            }
        });
        let seen = tokio::spawn(async move { private.accept().await.is_ok() });
        let (look_up, asked) = changing(first, &["127.0.0.1"]);
        let client = Client::with_names(guard(), &options(), look_up);
        let url = Url::parse(&format!("http://rebinding.example:{port}/")).unwrap();
        assert_eq!(get(&client, url.clone(), LONG).await.unwrap().body, b"ok");
        assert_eq!(asked.lock().unwrap().len(), 1, "asked once for a connection");
        let error = get(&client, url, LONG).await.unwrap_err();
        assert!(matches!(error, HttpError::Refused { .. }), "{error}");
        assert!(error.help().unwrap().contains("allow_addresses = [\"127.0.0.1/32\"]"));
        assert!(!seen.is_finished(), "nobody came to 127.0.0.1");
        seen.abort();
    }
}

/// An address of loopback, at this port, whose system answers nobody any more: as many wait there as may.
async fn black_hole(address: &str, port: u16) -> Option<(tokio::net::TcpListener, Vec<TcpStream>)> {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(format!("{address}:{port}").parse().unwrap()).ok()?;
    let listener = socket.listen(1).unwrap();
    let place = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(place)).await {
        waiting.push(stream.unwrap());
    }
    Some((listener, waiting))
}

/// A server on 127.0.0.1 that counts its connections, and black holes at the same port of other addresses.
async fn server_and_black_holes() -> (u16, std::sync::Arc<Mutex<usize>>, Vec<(tokio::net::TcpListener, Vec<TcpStream>)>) {
    loop {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        let Some(one) = black_hole("127.0.0.2", port).await else { continue };
        let Some(two) = black_hole("127.0.0.3", port).await else { continue };
        let seen = std::sync::Arc::new(Mutex::new(0));
        let log = std::sync::Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = server.accept().await {
                *log.lock().unwrap() += 1;
                tokio::spawn(act(stream, format!("{OK}Content-Length: 2\r\n\r\nok").into(), Then::Close));
            }
        });
        return (port, seen, vec![one, two]);
    }
}

#[tokio::test]
async fn p40_addresses_that_do_not_answer_are_passed_over_and_one_request_is_made() {
    let (port, seen, _holes) = server_and_black_holes().await;
    let guard = || Guard::new(vec!["127.0.0.0/8".parse().unwrap()]);
    let options = HttpOptions { connect_timeout: Duration::from_secs(3), ..options() };
    let url = Url::parse(&format!("http://many.example:{port}/feed")).unwrap();
    // An address of the other kind that leads nowhere, and one of the same kind: it has its share of the time, and no more.
    for addresses in [&["2606:4700::1", "127.0.0.1"][..], &["127.0.0.1", "2606:4700::1"], &["127.0.0.2", "127.0.0.1"]] {
        *seen.lock().unwrap() = 0;
        let client = Client::with_names(guard(), &options, changing(addresses, addresses).0);
        let reply = get(&client, url.clone(), LONG).await;
        assert_eq!(reply.unwrap().body, b"ok", "{addresses:?}");
        assert_eq!(*seen.lock().unwrap(), 1, "{addresses:?}");
    }
}

#[tokio::test]
async fn p40_where_no_address_answers_the_message_names_the_connection_and_its_time() {
    let (port, seen, _holes) = server_and_black_holes().await;
    let options = HttpOptions { connect_timeout: Duration::from_millis(400), ..options() };
    let url = Url::parse(&format!("http://none.example:{port}/feed")).unwrap();
    let addresses = &["127.0.0.2", "127.0.0.3"];
    let client = Client::with_names(Guard::new(vec!["127.0.0.0/8".parse().unwrap()]), &options, changing(addresses, addresses).0);
    let error = get(&client, url, LONG).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot connect to none.example:{port}: no answer within 400 ms"));
    assert_eq!((error.was_sent(), *seen.lock().unwrap()), (false, 0));
}
