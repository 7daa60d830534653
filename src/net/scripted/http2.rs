//! The same server over HTTP/2: one that keeps the rules, and one whose every frame is written by hand.

use std::collections::VecDeque;
use std::io::Cursor;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::server::TlsStream;
use url::Url;

use super::{Answer, Asked};

/// A running server with the certificate in `testdata`. It ends with the test.
pub(crate) struct Http2 {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    asked: Vec<Asked>,
}

/// What a server does on a connection after the request came, in order.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Repeats these bytes until the client has gone.
    Forever(Vec<u8>),
    /// Waits for the next request.
    NextRequest,
    /// Waits until the client has gone.
    Hang,
    /// Resets the connection.
    Reset,
}

impl Http2 {
    /// Keeps the rules, and answers each request by a function.
    pub(crate) async fn start(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let script = Arc::new(script);
        Self::listen(move |stream, seen| {
            let script = Arc::clone(&script);
            async move { answer_all(stream, &seen, &*script).await }
        })
        .await
    }

    /// Plays one list of steps for each connection, the last one again for those that follow.
    pub(crate) async fn by_hand(scripts: Vec<Vec<Step>>) -> Self {
        let left = Arc::new(Mutex::new(VecDeque::from(scripts)));
        Self::listen(move |stream, seen| {
            let mut left = left.lock().unwrap();
            let steps = if left.len() > 1 { left.pop_front() } else { left.front().cloned() };
            async move { play(stream, &seen, steps.unwrap_or_default()).await }
        })
        .await
    }

    async fn listen<F>(serve: impl Fn(TlsStream<TcpStream>, Arc<Mutex<Seen>>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Option<()>> + Send + 'static,
    {
        let certificate = CertificateDer::from_pem_slice(include_bytes!("../testdata/localhost.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("../testdata/localhost.key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let tls = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let log = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(stream) = tls.accept(stream).await {
                    log.lock().unwrap().connections += 1;
                    tokio::spawn(serve(stream, Arc::clone(&log)));
                }
            }
        });
        Self { address, seen, task }
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("https://localhost:{}{path}", self.address.port())).unwrap()
    }

    /// What was asked so far; of a server by hand, the bodies of the header frames.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.seen.lock().unwrap().asked.clone()
    }

    /// How many connections were made so far.
    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }
}

impl Drop for Http2 {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer_all(
    stream: TlsStream<TcpStream>,
    seen: &Mutex<Seen>,
    script: &(impl Fn(&Asked) -> Answer + ?Sized),
) -> Option<()> {
    let mut connection = h2::server::Builder::new().handshake::<_, Cursor<Vec<u8>>>(stream).await.ok()?;
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let headers = request.headers().iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
        let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let asked = Asked { method: request.method().to_string(), path, headers, body: Vec::new() };
        seen.lock().unwrap().asked.push(asked.clone());
        let Answer { head, body, .. } = script(&asked);
        let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let status = lines.next().and_then(|line| std::str::from_utf8(line.get(9..12)?).ok()?.parse().ok()).unwrap_or(500u16);
        let mut response = http::Response::builder().status(status);
        for line in lines {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            response = response.header(&line[..colon], line[colon + 1..].trim_ascii());
        }
        let mut stream = respond.send_response(response.body(()).unwrap(), body.is_empty()).ok()?;
        if !body.is_empty() {
            stream.send_data(Cursor::new(body), true).ok()?;
        }
    }
    Some(())
}

const PREFACE: usize = 24;
const HEADERS: u8 = 1;

async fn play(mut stream: TlsStream<TcpStream>, seen: &Mutex<Seen>, steps: Vec<Step>) -> Option<()> {
    stream.read_exact(&mut [0; PREFACE]).await.ok()?;
    stream.write_all(&frame(4, 0, 0, &[])).await.ok()?;
    next_request(&mut stream, seen).await?;
    for step in steps {
        match step {
            Step::Send(bytes) => stream.write_all(&bytes).await.ok()?,
            Step::Forever(bytes) => loop {
                stream.write_all(&bytes).await.ok()?;
            },
            Step::NextRequest => next_request(&mut stream, seen).await?,
            Step::Hang => while next_request(&mut stream, seen).await.is_some() {},
            Step::Reset => return stream.get_ref().0.set_zero_linger().ok(),
        }
        stream.flush().await.ok()?;
    }
    stream.shutdown().await.ok()
}

/// Reads frames up to the next request's header.
async fn next_request(stream: &mut TlsStream<TcpStream>, seen: &Mutex<Seen>) -> Option<()> {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.ok()?;
        let mut body = vec![0; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut body).await.ok()?;
        if head[3] == HEADERS {
            seen.lock().unwrap().asked.push(Asked { method: String::new(), path: String::new(), headers: Vec::new(), body });
            return Some(());
        }
    }
}

/// A frame (RFC 9113 section 4.1).
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), body].concat()
}

/// The header `:status: 200`, of which more may follow, on a stream.
pub(crate) fn ok(stream: u32) -> Vec<u8> {
    frame(HEADERS, 4, stream, &[0x88])
}

/// A header field, written out (RFC 7541 section 6.2.2).
pub(crate) fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        let mut bytes = Vec::new();
        match text.len() {
            short @ 0..127 => bytes.push(u8::try_from(short).unwrap()),
            long => {
                bytes.push(127);
                let mut rest = long - 127;
                while rest >= 128 {
                    bytes.push(u8::try_from(rest % 128).unwrap() | 128);
                    rest /= 128;
                }
                bytes.push(u8::try_from(rest).unwrap());
            }
        }
        bytes.extend_from_slice(text.as_bytes());
        bytes
    };
    [vec![0], text(name), text(value)].concat()
}

/// The end of a connection, and the last stream that was looked at.
pub(crate) fn go_away(last: u32, code: u32) -> Vec<u8> {
    frame(7, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
}
