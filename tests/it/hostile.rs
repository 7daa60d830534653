//! Servers that break off, lie, drip and flood, asked by the built binary: each costs its own time and gives one clear line.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::kit::Sandbox;
use crate::kit::listener::Listener;

/// What comes after the bytes of an answer.
#[derive(Clone)]
enum Then {
    Close,
    Hang,
    Forever(Vec<u8>),
    Drip,
}

/// A feed's name, what its server sends, and what the user is told.
type Story = (&'static str, Vec<u8>, Then, &'static str);

fn ok(fields: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n{fields}\r\n").as_bytes(), body].concat()
}

/// An answer in a coding, of the right length.
fn packed(coding: &str, body: &[u8]) -> Vec<u8> {
    ok(&format!("Content-Encoding: {coding}\r\nContent-Length: {}\r\n", body.len()), body)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[expect(clippy::too_many_lines, reason = "a table of what servers do")]
fn stories() -> Vec<Story> {
    let feed = b"<rss><channel></channel></rss>";
    let whole = gzip(feed);
    let mut damaged = whole.clone();
    let place = damaged.len() - 6;
    damaged[place] ^= 1;
    let zlib = [&[0x78, 0x9c][..], &whole[10..]].concat();
    let chunked = |body: &[u8]| ok("Transfer-Encoding: chunked\r\n", body);
    vec![
        (
            "hangs-up",
            Vec::new(),
            Then::Close,
            "127.0.0.1 gave no answer: the connection was closed before the answer was complete",
        ),
        (
            "half-a-head",
            b"HTTP/1.1 200 OK\r\nContent-".to_vec(),
            Then::Close,
            "127.0.0.1 gave no answer: the connection was closed before the answer was complete",
        ),
        ("silent", Vec::new(), Then::Hang, "no answer from 127.0.0.1 within 1333 ms"),
        ("drips-its-head", b"HTTP/1.1 200 OK\r\n".to_vec(), Then::Drip, "no answer from 127.0.0.1 within 1333 ms"),
        (
            "endless-head",
            b"HTTP/1.1 200 OK\r\n".to_vec(),
            Then::Forever(b"X-More: and more\r\n".to_vec()),
            "127.0.0.1 gave no answer: its header cannot be read: message head is too large",
        ),
        (
            "one-endless-field",
            b"HTTP/1.1 200 OK\r\nX: ".to_vec(),
            Then::Forever(vec![b'x'; 4096]),
            "127.0.0.1 gave no answer: its header cannot be read: message head is too large",
        ),
        (
            "no-http",
            b"220 mail.example ESMTP\r\n".to_vec(),
            Then::Close,
            "127.0.0.1 gave no answer: its header cannot be read: invalid HTTP version",
        ),
        (
            "tls-on-plain",
            b"\x15\x03\x01\x00\x02\x02\x28".to_vec(),
            Then::Close,
            "127.0.0.1 gave no answer: its header cannot be read: invalid HTTP version",
        ),
        (
            "too-short",
            ok("Content-Length: 100\r\n", feed),
            Then::Close,
            "the answer of 127.0.0.1 broke off: the connection was closed too soon",
        ),
        (
            "negative-length",
            ok("Content-Length: -1\r\n", feed),
            Then::Close,
            "127.0.0.1 gave no answer: its header cannot be read: invalid content-length",
        ),
        (
            "two-lengths",
            ok("Content-Length: 5\r\nContent-Length: 6\r\n", feed),
            Then::Close,
            "127.0.0.1 gave no answer: its header cannot be read: invalid content-length",
        ),
        (
            "cut-chunks",
            chunked(b"20\r\n<rss>"),
            Then::Close,
            "the answer of 127.0.0.1 broke off: the connection was closed too soon",
        ),
        (
            "no-last-chunk",
            chunked(b"5\r\n<rss>\r\n"),
            Then::Close,
            "the answer of 127.0.0.1 broke off: the connection was closed too soon",
        ),
        (
            "bad-chunks",
            chunked(b"zz\r\n<rss>\r\n"),
            Then::Close,
            "the answer of 127.0.0.1 broke off: invalid chunk size line: missing size digit",
        ),
        (
            "cut-gzip",
            packed("gzip", &whole[..whole.len() - 9]),
            Then::Close,
            "the answer of 127.0.0.1 broke off: its compression does not end as it should",
        ),
        (
            "bad-gzip",
            packed("gzip", &damaged),
            Then::Close,
            "the answer of 127.0.0.1 broke off: its compression does not end as it should",
        ),
        (
            "no-gzip",
            packed("gzip", feed),
            Then::Close,
            "the answer of 127.0.0.1 cannot be decoded: its gzip compression is damaged: invalid gzip header",
        ),
        (
            "zlib",
            packed("deflate", &zlib),
            Then::Close,
            "the answer of 127.0.0.1 cannot be decoded: it came in the coding `deflate`, which was not asked for",
        ),
        (
            "bad-brotli",
            packed("br", feed),
            Then::Close,
            "the answer of 127.0.0.1 cannot be decoded: its br compression is damaged: Invalid Data",
        ),
        (
            "huge-brotli",
            packed("br", &[0x11, 30, 0, 0]),
            Then::Close,
            "the answer of 127.0.0.1 cannot be decoded: its br compression wants more memory than the standard allows",
        ),
        (
            "bad-zstd",
            packed("zstd", feed),
            Then::Close,
            "the answer of 127.0.0.1 cannot be decoded: its zstd compression is damaged: Unknown frame descriptor",
        ),
        (
            "nested",
            packed("gzip, gzip", &gzip(&whole)),
            Then::Close,
            "the answer of 127.0.0.1 cannot be decoded: it came in several codings at once: `gzip, gzip`",
        ),
        (
            "bomb",
            packed("gzip", &gzip(&vec![b' '; 20 << 20])),
            Then::Close,
            "the answer of 127.0.0.1 cannot be decoded: it unfolds to more than 200 times its size, as no document does",
        ),
        ("endless", ok("", b"<rss>"), Then::Forever(vec![b' '; 65_536]), "the document is larger than 16MiB"),
        (
            "stops",
            ok("Content-Length: 100\r\n", b"<rss>"),
            Then::Hang,
            "the answer of 127.0.0.1 stopped in its middle: nothing more came for 1 s",
        ),
        ("drips", ok("", b"<rss>"), Then::Drip, "the answer of 127.0.0.1 did not end within 2 s"),
    ]
}

fn converse(mut stream: TcpStream, stories: &[Story]) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let (_, bytes, then, _) = stories.iter().find(|(name, ..)| text.starts_with(&format!("GET /{name} HTTP")))?;
    stream.write_all(bytes).ok()?;
    match then {
        Then::Close => stream.shutdown(std::net::Shutdown::Write).ok()?,
        Then::Hang => {}
        Then::Forever(more) => loop {
            stream.write_all(more).ok()?;
        },
        Then::Drip => {
            stream.set_read_timeout(Some(Duration::from_millis(100))).ok()?;
            loop {
                stream.write_all(b"x").ok()?;
                if matches!(stream.read(&mut [0]), Ok(0)) {
                    return None;
                }
            }
        }
    }
    stream.read_to_end(&mut Vec::new()).ok().map(drop)
}

#[test]
fn whatever_a_server_does_a_run_ends_soon_with_one_clear_line() {
    let told = stories();
    let server = Listener::start(move |stream| converse(stream, &told).unwrap_or_default());
    let mut reader = Sandbox::local().http("per_host = 8\ntimeout = \"2s\"").sink_maildir();
    for (name, ..) in stories() {
        reader = reader.feed(name, format!("http://{}/{name}", server.address()));
    }
    let ran = reader.run(&["run", "--once", "--json"]).succeeds();
    let failed = ran.events().into_iter().filter(|event| event["event"] == "fetch_failed");
    let words = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let failed: BTreeMap<_, _> = failed.map(|event| (words(&event["feed"]), words(&event["error"]))).collect();
    let expected: BTreeMap<_, _> = stories().into_iter().map(|(name, _, _, line)| (name.to_owned(), line.to_owned())).collect();
    assert_eq!(failed, expected);
}
