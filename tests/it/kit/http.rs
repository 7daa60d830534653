//! A publisher: a scripted HTTP/1.1 server on loopback that answers as it is told and remembers every request.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::listener::Listener;

/// One request, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// In order, names as they were sent.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) at: Instant,
    /// The client's end of the connection.
    pub(crate) from: Option<std::net::SocketAddr>,
}

/// One answer, as it goes.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// A document with what a publisher says beside it.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    body: Vec<u8>,
    content_type: String,
    etag: Option<String>,
    last_modified: Option<String>,
    headers: Vec<(String, String)>,
}

type Script = Arc<dyn Fn(&Request) -> Response + Send + Sync>;

#[derive(Clone)]
enum Answer {
    Scripted(Script),
    /// Takes the request and never says a word.
    Hang,
    /// A byte of body each tenth of a second, without end.
    Drip,
    /// Half of what was announced, then the end of the connection.
    Cut(Page),
}

#[derive(Default)]
struct Shared {
    answers: Mutex<HashMap<String, Answer>>,
    requests: Mutex<Vec<Request>>,
    stopped: Mutex<bool>,
    stop: Condvar,
}

/// The server; it ends when dropped.
pub(crate) struct Server {
    shared: Arc<Shared>,
    listener: Listener,
}

impl Server {
    /// Listens on a free port of loopback. Every path is 404 until it is given an answer.
    pub(crate) fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let served = Arc::clone(&shared);
        let listener = Listener::start(move |stream| served.converse(stream));
        Self { shared, listener }
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.listener.address())
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.listener.address()
    }

    /// Serves a page at `path`, in place of what was there; 304 to whoever has it already.
    pub(crate) fn serve(&self, path: &str, page: Page) {
        self.script(path, move |request| page.answer(request));
    }

    /// Answers `path` with exactly this.
    pub(crate) fn answer(&self, path: &str, status: u16, headers: &[(&str, &str)], body: &str) {
        let response = Response::new(status, headers, body.as_bytes());
        self.script(path, move |_| response.clone());
    }

    /// Redirects `from` to `to`, a path or a URL.
    pub(crate) fn redirect(&self, from: &str, to: &str, status: u16) {
        self.answer(from, status, &[("Location", to)], "");
    }

    /// Accepts requests for `path` and never answers them.
    pub(crate) fn hang(&self, path: &str) {
        self.set(path, Answer::Hang);
    }

    /// Answers `path` with a body that trickles and never ends.
    pub(crate) fn drip(&self, path: &str) {
        self.set(path, Answer::Drip);
    }

    /// Answers `path` with the first half of `page`, then ends the connection.
    pub(crate) fn cut(&self, path: &str, page: Page) {
        self.set(path, Answer::Cut(page));
    }

    /// Lets a function answer `path`.
    pub(crate) fn script(&self, path: &str, answer: impl Fn(&Request) -> Response + Send + Sync + 'static) {
        self.set(path, Answer::Scripted(Arc::new(answer)));
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// The requests for one path, whatever their query.
    pub(crate) fn requests_to(&self, path: &str) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.path() == path || request.target == path).collect()
    }

    /// Refuses connections until [`Server::up`].
    pub(crate) fn down(&self) {
        self.listener.down();
    }

    /// Listens again, on the same port.
    pub(crate) fn up(&self) {
        self.listener.up();
    }

    fn set(&self, path: &str, answer: Answer) {
        self.shared.answers.lock().unwrap().insert(path.to_owned(), answer);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        *self.shared.stopped.lock().unwrap() = true;
        self.shared.stop.notify_all();
    }
}

impl Shared {
    fn converse(&self, stream: TcpStream) {
        let Ok(mut writer) = stream.try_clone() else { return };
        let mut reader = BufReader::new(stream);
        while let Some(request) = Request::read(&mut reader) {
            self.requests.lock().unwrap().push(request.clone());
            let answers = self.answers.lock().unwrap();
            let answer = answers.get(&request.target).or_else(|| answers.get(request.path())).cloned();
            drop(answers);
            let bytes = match answer {
                None => Response::new(404, &[("Content-Type", "text/plain")], b"no such page\n").bytes(),
                Some(Answer::Scripted(script)) => script(&request).bytes(),
                Some(Answer::Hang) => {
                    // Ends when the client gives up: it then closes its side.
                    reader.read_to_end(&mut Vec::new()).ok();
                    return;
                }
                Some(Answer::Drip) => return self.drip(&mut writer),
                Some(Answer::Cut(page)) => {
                    let whole = Response { headers: page.fields(), status: 200, body: page.body.clone() }.bytes();
                    writer.write_all(&whole[..whole.len() - page.body.len() / 2]).ok();
                    return;
                }
            };
            if writer.write_all(&bytes).is_err() {
                return;
            }
        }
    }

    fn drip(&self, writer: &mut TcpStream) {
        let mut sent = writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n\r\n");
        let mut stopped = self.stopped.lock().unwrap();
        while sent.is_ok() && !*stopped {
            sent = writer.write_all(b" ");
            stopped = self.stop.wait_timeout(stopped, Duration::from_millis(100)).unwrap().0;
        }
    }
}

impl Request {
    /// The value of a header, its name in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The target without its query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Whether it asks only for what is new.
    pub(crate) fn is_conditional(&self) -> bool {
        self.header("If-None-Match").is_some() || self.header("If-Modified-Since").is_some()
    }

    fn read(reader: &mut BufReader<TcpStream>) -> Option<Self> {
        let mut line = || {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            Some(line.trim_end().to_owned())
        };
        let start = line()?;
        let mut words = start.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = Vec::new();
        loop {
            let field = line()?;
            let Some((name, value)) = field.split_once(':') else { break };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut request =
            Self { method, target, headers, body: Vec::new(), at: Instant::now(), from: reader.get_ref().peer_addr().ok() };
        let length = request.header("Content-Length").and_then(|text| text.parse().ok()).unwrap_or(0);
        request.body = vec![0; length];
        reader.read_exact(&mut request.body).ok()?;
        Some(request)
    }
}

impl Response {
    /// An answer with these header fields.
    pub(crate) fn new(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { status, headers, body: body.to_vec() }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut lines = vec![format!("HTTP/1.1 {} Scripted", self.status)];
        lines.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        if self.status != 304 {
            lines.push(format!("Content-Length: {}", self.body.len()));
        }
        let mut bytes = format!("{}\r\n\r\n", lines.join("\r\n")).into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

impl Page {
    /// A feed.
    pub(crate) fn feed(xml: impl Into<Vec<u8>>) -> Self {
        Self::of(xml, "application/rss+xml; charset=utf-8")
    }

    /// A page for people.
    pub(crate) fn html(html: impl Into<Vec<u8>>) -> Self {
        Self::of(html, "text/html; charset=utf-8")
    }

    /// A document of any type.
    pub(crate) fn of(body: impl Into<Vec<u8>>, content_type: &str) -> Self {
        let (body, content_type) = (body.into(), content_type.to_owned());
        Self { body, content_type, etag: None, last_modified: None, headers: Vec::new() }
    }

    /// With this `ETag`, quotes and all.
    pub(crate) fn etag(mut self, etag: &str) -> Self {
        self.etag = Some(etag.to_owned());
        self
    }

    /// With this `Last-Modified`, whatever its form.
    pub(crate) fn last_modified(mut self, date: &str) -> Self {
        self.last_modified = Some(date.to_owned());
        self
    }

    /// With another header field.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn fields(&self) -> Vec<(String, String)> {
        let mut fields = vec![("Content-Type".to_owned(), self.content_type.clone())];
        fields.extend(self.etag.iter().map(|etag| ("ETag".to_owned(), etag.clone())));
        fields.extend(self.last_modified.iter().map(|date| ("Last-Modified".to_owned(), date.clone())));
        fields.extend(self.headers.iter().cloned());
        fields
    }

    /// 304 only to the very validators that were given out: an `ETag` counts before a date (RFC 9110 section 13.2.2).
    fn answer(&self, request: &Request) -> Response {
        let has_it = match (request.header("If-None-Match"), request.header("If-Modified-Since")) {
            (Some(etag), _) => Some(etag) == self.etag.as_deref(),
            (None, Some(date)) => Some(date) == self.last_modified.as_deref(),
            (None, None) => false,
        };
        let mut headers = self.fields();
        if has_it {
            return Response { status: 304, headers, body: Vec::new() };
        }
        let zipped = request.header("Accept-Encoding").is_some_and(|codings| codings.contains("gzip"));
        if !zipped {
            return Response { status: 200, headers, body: self.body.clone() };
        }
        headers.push(("Content-Encoding".to_owned(), "gzip".to_owned()));
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&self.body).expect("memory takes all");
        Response { status: 200, headers, body: encoder.finish().expect("memory takes all") }
    }
}

mod tests {
    use super::*;
    use crate::kit::wait;

    fn ask(server: &Server, head: &str) -> String {
        let mut stream = TcpStream::connect(server.listener.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut text = Vec::new();
        stream.read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    }

    #[test]
    fn the_kits_publisher_answers_304_to_its_own_validators_alone() {
        let server = Server::start();
        server.serve("/rss", Page::feed("<rss/>").etag("\"a\"").last_modified("yesterday").header("Age", "1"));
        assert!(ask(&server, "GET /rss HTTP/1.1\r\n").ends_with("\r\n\r\n<rss/>"));
        assert!(ask(&server, "GET /rss?x=1 HTTP/1.1\r\nIf-None-Match: \"b\"\r\n").starts_with("HTTP/1.1 200"));
        assert!(ask(&server, "GET /rss HTTP/1.1\r\nIf-None-Match: \"a\"\r\n").starts_with("HTTP/1.1 304"));
        assert!(ask(&server, "GET /rss HTTP/1.1\r\nif-modified-since: yesterday\r\n").starts_with("HTTP/1.1 304"));
        assert!(ask(&server, "GET /rss HTTP/1.1\r\nAccept-Encoding: br, gzip\r\n").contains("Content-Encoding: gzip"));
        assert!(ask(&server, "GET /other HTTP/1.1\r\n").starts_with("HTTP/1.1 404"));
        assert_eq!(server.requests_to("/rss").len(), 5);
        assert!(server.requests_to("/rss")[3].is_conditional());
        assert!(server.requests().windows(2).all(|pair| pair[0].at <= pair[1].at));
    }

    #[test]
    fn the_kits_publisher_can_go_down_and_come_back() {
        let server = Server::start();
        server.redirect("/a", "/b", 301);
        server.cut("/cut", Page::feed("0123456789"));
        assert!(ask(&server, "GET /a HTTP/1.1\r\n").contains("Location: /b"));
        assert!(ask(&server, "GET /cut HTTP/1.1\r\n").ends_with("\r\n\r\n01234"));
        server.down();
        // A program that another test starts at this moment holds a copy of the socket until it has begun.
        let refused = || TcpStream::connect(server.listener.address()).err();
        wait::until("the port to close", Duration::from_secs(5), refused);
        server.up();
        assert!(ask(&server, "GET /a HTTP/1.1\r\n").starts_with("HTTP/1.1 301"));
    }
}
