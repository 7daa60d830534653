//! A read-later service shaped like linkding: its bookmarks API, with the answers that a real one gave.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::http::{Request, Response, Server};

/// The token that the service knows.
pub(crate) const TOKEN: &str = "0b1a2c3d4e5f60718293a4b5c6d7e8f901234567";

/// A request that was answered 201.
#[derive(Debug, Clone)]
pub(crate) struct Saved {
    /// What was saved, as JSON.
    pub(crate) bookmark: Value,
    /// The whole request.
    pub(crate) request: Request,
}

/// The service; it ends when dropped.
pub(crate) struct Linkding {
    server: Server,
    saved: Arc<Mutex<Vec<Saved>>>,
    busy: Arc<AtomicBool>,
}

impl Linkding {
    /// Starts a service without bookmarks.
    pub(crate) fn start() -> Self {
        let server = Server::start();
        let saved = Arc::new(Mutex::new(Vec::new()));
        let busy = Arc::new(AtomicBool::new(false));
        let (shelf, resting) = (Arc::clone(&saved), Arc::clone(&busy));
        server.script("/api/bookmarks/", move |request| save(request, &shelf, &resting));
        server.redirect("/api/bookmarks", "/api/bookmarks/", 301);
        server.script("/api/user/profile/", |request| {
            if is_known(request) { Response::new(200, JSON, br#"{"theme":"auto","enable_sharing":false}"#) } else { refused() }
        });
        Self { server, saved, busy }
    }

    /// The service's own address.
    pub(crate) fn url(&self) -> String {
        self.server.url("")
    }

    /// What was accepted, in order, each time it was.
    pub(crate) fn saved(&self) -> Vec<Saved> {
        self.saved.lock().unwrap().clone()
    }

    /// The URLs that were accepted, in order.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.saved().iter().map(|saved| saved.bookmark["url"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// Answers 503 from now on, or no more.
    pub(crate) fn busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::SeqCst);
    }

    /// Refuses connections until [`Linkding::up`].
    pub(crate) fn down(&self) {
        self.server.down();
    }

    /// Listens again, on the same port.
    pub(crate) fn up(&self) {
        self.server.up();
    }
}

const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];

fn is_known(request: &Request) -> bool {
    request.header("Authorization") == Some(&format!("Token {TOKEN}"))
}

fn refused() -> Response {
    let headers = [("Content-Type", "application/json"), ("WWW-Authenticate", "Token")];
    Response::new(401, &headers, br#"{"detail":"Invalid token."}"#)
}

fn save(request: &Request, shelf: &Mutex<Vec<Saved>>, busy: &AtomicBool) -> Response {
    if busy.load(Ordering::SeqCst) {
        return Response::new(503, &[("Content-Type", "text/plain")], b"upstream is down");
    }
    if !is_known(request) {
        return refused();
    }
    if request.method != "POST" {
        return Response::new(200, JSON, br#"{"count":0,"results":[]}"#);
    }
    let Ok(bookmark) = serde_json::from_slice::<Value>(&request.body) else {
        return Response::new(400, JSON, br#"{"detail":"JSON parse error"}"#);
    };
    let url = bookmark["url"].as_str().unwrap_or_default().to_owned();
    if url::Url::parse(&url).is_err() {
        return Response::new(400, JSON, br#"{"url":["Enter a valid URL."]}"#);
    }
    if bookmark["title"].as_str().unwrap_or_default().chars().count() > 512 {
        return Response::new(400, JSON, br#"{"title":["Ensure this field has no more than 512 characters."]}"#);
    }
    let mut shelf = shelf.lock().unwrap();
    // A URL that is there already is answered like a new one, under its old number.
    let known: Vec<&str> = shelf.iter().filter_map(|saved: &Saved| saved.bookmark["url"].as_str()).collect();
    let id = known.iter().position(|other| *other == url).unwrap_or(known.len()) + 1;
    shelf.push(Saved { bookmark: bookmark.clone(), request: request.clone() });
    let mut answer = bookmark;
    answer["id"] = json!(id);
    let headers = [("Content-Type", "application/json"), ("Location", url.as_str())];
    Response::new(201, &headers, answer.to_string().as_bytes())
}

mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use super::*;

    fn ask(service: &Linkding, line: &str, token: &str, body: &str) -> String {
        let url = url::Url::parse(&service.url()).unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", url.port().unwrap())).unwrap();
        let head = format!("{line} HTTP/1.1\r\nAuthorization: Token {token}\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn the_kits_read_later_service_answers_as_a_real_one_did() {
        let service = Linkding::start();
        let (post, page) = ("POST /api/bookmarks/", r#"{"url":"https://example.org/a","title":"A"}"#);
        assert!(ask(&service, post, "nope", page).starts_with("HTTP/1.1 401"));
        assert!(ask(&service, "POST /api/bookmarks", TOKEN, page).starts_with("HTTP/1.1 301"));
        assert!(ask(&service, post, TOKEN, r#"{"url":"notaurl"}"#).starts_with("HTTP/1.1 400"));
        for _ in 0..2 {
            let answer = ask(&service, post, TOKEN, page);
            assert!(answer.starts_with("HTTP/1.1 201") && answer.contains("\"id\":1"), "{answer}");
        }
        assert!(ask(&service, "GET /api/user/profile/", TOKEN, "").starts_with("HTTP/1.1 200"));
        service.busy(true);
        assert!(ask(&service, post, TOKEN, page).starts_with("HTTP/1.1 503"));
        assert_eq!((service.urls().len(), service.requests().len()), (2, 7));
    }
}
