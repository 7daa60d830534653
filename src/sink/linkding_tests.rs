//! What a linkding is sent, and what each of its answers means.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use toml::de::DeTable;

use super::*;
use crate::delivery::{DeliveryId, IdempotencyKey};
use crate::env::Env;
use crate::feed::{EntryFacts, FeedFacts};

const SAVED: &str = "201 Created\r\nContent-Type: application/json\r\n\r\n{\"id\":7,\"unread\":true}";

/// A server that gives each request the same answer (none: it closes) and keeps the requests.
struct Service {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Service {
    async fn start(answer: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&requests), answer.map(|answer| format!("HTTP/1.1 {answer}")));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !is_whole(&request) {
                    let mut chunk = [0; 4096];
                    match stream.read(&mut chunk).await {
                        Ok(length) if length > 0 => request.extend_from_slice(&chunk[..length]),
                        Ok(_) | Err(_) => break,
                    }
                }
                log.lock().unwrap().push(String::from_utf8(request).unwrap());
                if let Some(answer) = &answer {
                    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
                    let answer = format!("{head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                    stream.write_all(answer.as_bytes()).await.ok();
                }
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn built(text: &str) -> Result<Box<dyn Sink>, Vec<String>> {
    let shared = Shared { folder: PathBuf::from("/etc/feeds"), user_agent: "feeds/0.1".to_owned(), env: Env::from_fn(|_| None) };
    let settings = Settings::new("later", DeTable::parse(text).unwrap());
    build(settings, &shared).map_err(|e| e.0.into_iter().map(|m| m.message).collect())
}

fn sink(url: &str) -> Box<dyn Sink> {
    let tags = "['{{ feed.name }}', 'two words, three', '{{ entry.author }}', 'lwn']";
    built(&format!("url = '{url}'\ntoken = 'abc123'\ntags = {tags}\ntimeout = '5s'")).unwrap()
}

fn parcel(url: &str, title: &str) -> Parcel {
    let feed = FeedFacts { name: "lwn".to_owned(), ..FeedFacts::default() };
    let entry = EntryFacts { summary: "It says \"this\".".to_owned(), ..EntryFacts::default() };
    Parcel {
        deliveries: vec![DeliveryId(1)],
        message_id: "a@b".to_owned(),
        key: IdempotencyKey("a".to_owned()),
        attempt: 0,
        replaces: None,
        made: Made::Link(Link { url: url.to_owned(), title: title.to_owned(), facts: Facts { feed, entry } }),
    }
}

async fn deliver(sink: &dyn Sink, parcels: &[Parcel]) -> (Vec<Outcome>, Option<Pause>) {
    let (reports, mut receiver) = Reports::channel(100);
    let pause = sink.deliver(parcels, &reports).await.err();
    drop(reports);
    let mut outcomes = Vec::new();
    while let Some((_, outcome)) = receiver.recv().await {
        outcomes.push(outcome);
    }
    (outcomes, pause)
}

async fn one(answer: Option<&str>) -> (Vec<Outcome>, Option<Pause>) {
    let service = Service::start(answer).await;
    deliver(&*sink(&service.url), &[parcel("https://example.org/a", "A")]).await
}

#[tokio::test]
async fn a_link_is_posted_as_linkding_wants_it() {
    let service = Service::start(Some(SAVED)).await;
    let sink = sink(&format!("{}/sub/", service.url));
    let title = "x".repeat(600);
    let (outcomes, pause) = deliver(&*sink, &[parcel("https://example.org/a?x=1", &title)]).await;
    assert_eq!(outcomes, [Outcome::Accepted { receipt: "bookmark 7".to_owned(), was_there: false }]);
    assert_eq!(pause, None);
    let request = service.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /sub/api/bookmarks/?disable_scraping HTTP/1.1"));
    let head = head.to_lowercase();
    for header in
        ["authorization: token abc123", "accept: application/json", "content-type: application/json", "user-agent: feeds/0.1"]
    {
        assert!(head.contains(header), "{header}: {head}");
    }
    let wanted = json!({
        "url": "https://example.org/a?x=1",
        "title": format!("{}…", "x".repeat(511)),
        "description": "It says \"this\".",
        "tag_names": ["lwn", "two-words-three"],
        "unread": true,
    });
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), wanted);
}

#[tokio::test]
async fn each_answer_is_the_entrys_trouble_or_the_services() {
    let (outcomes, _) = one(Some("400 Bad Request\r\n\r\n{\"url\":[\"Enter a valid URL.\"]}")).await;
    let reason = "it answered 400: {\"url\":[\"Enter a valid URL.\"]}".to_owned();
    assert_eq!(outcomes, [Outcome::Rejected { reason, try_smaller: false }]);

    let (outcomes, pause) = one(Some("503 Busy\r\nRetry-After: 60")).await;
    let after = Some(Duration::from_secs(60));
    assert_eq!((outcomes, pause), (vec![Outcome::Retry { reason: "it answered 503".to_owned(), after }], None));

    let (outcomes, pause) = one(Some("429 Slow down\r\nRetry-After: 60")).await;
    assert_eq!((outcomes, pause), (vec![], Some(Pause { reason: "it answered 429".to_owned(), after })));

    let (outcomes, pause) = one(Some("401 Unauthorized\r\n\r\n{\"detail\":\"Invalid token.\"}")).await;
    assert!(outcomes.is_empty() && pause.unwrap().reason.contains("Invalid token."));

    // A login page in front of it.
    let (outcomes, pause) = one(Some("200 OK\r\n\r\n<html>Log in")).await;
    assert!(outcomes.is_empty() && pause.unwrap().reason.contains("is that a linkding?"));
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let service = Service::start(Some("301 Moved\r\nLocation: /api/bookmarks/")).await;
    let (outcomes, pause) = deliver(&*sink(&service.url), &[parcel("https://example.org/a", "A")]).await;
    assert!(outcomes.is_empty() && pause.unwrap().reason.contains("/api/bookmarks/"));
    assert_eq!(service.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_that_never_came_is_told_from_a_service_that_is_not_there() {
    let (outcomes, pause) = one(None).await;
    assert!(matches!(outcomes[..], [Outcome::Unknown { .. }]) && pause.is_none(), "{outcomes:?} {pause:?}");
    // Port 9 of this machine: nobody listens there.
    let (outcomes, pause) = deliver(&*sink("http://127.0.0.1:9"), &[parcel("https://example.org/a", "A")]).await;
    assert!(outcomes.is_empty() && pause.is_some());
}

#[tokio::test]
async fn a_service_that_only_fails_is_not_asked_for_ever() {
    let service = Service::start(Some("502 Bad Gateway")).await;
    let parcels = vec![parcel("https://example.org/a", "A"); 9];
    let (outcomes, pause) = deliver(&*sink(&service.url), &parcels).await;
    assert_eq!((outcomes.len(), service.requests().len()), (3, 3));
    assert_eq!(pause.unwrap().reason, "it answered 502");
}

#[tokio::test]
async fn what_is_no_web_address_is_rejected_unasked() {
    let service = Service::start(Some(SAVED)).await;
    let long = format!("https://example.org/{}", "x".repeat(2048));
    let parcels = ["mailto:me@example.org", "javascript:alert(1)", "", "/a", &long].map(|url| parcel(url, "A"));
    let (outcomes, pause) = deliver(&*sink(&service.url), &parcels).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Rejected { try_smaller: false, .. })));
    assert_eq!((outcomes.len(), pause, service.requests().len()), (5, None, 0));
}

#[tokio::test]
async fn a_check_asks_for_the_profile_and_tells_what_is_wrong() {
    let service = Service::start(Some("200 OK\r\n\r\n{\"theme\":\"auto\"}")).await;
    assert!(sink(&service.url).check().await.unwrap().ends_with("answered, the token is good"));
    assert!(service.requests()[0].starts_with("GET /api/user/profile/ HTTP/1.1\r\n"));
    for (answer, words) in [
        ("401 Unauthorized\r\n\r\n{\"detail\":\"Invalid token.\"}", "the token was refused"),
        ("404 Not Found", "it answered 404"),
        ("200 OK\r\n\r\n<html>", "it answered 200"),
        ("302 Found\r\nLocation: https://sso.example/", "https://sso.example/"),
    ] {
        let service = Service::start(Some(answer)).await;
        let error = sink(&service.url).check().await.unwrap_err();
        assert!(error.reason.contains(words) && !error.reason.contains("abc123"), "{}", error.reason);
    }
}

#[test]
fn all_mistakes_of_its_table_are_told() {
    let mistakes = |text: &str| built(text).unwrap_err();
    let all = mistakes("url = 'ftp://x'\ntags = ['{{ feed.nmae }}', '{{']");
    assert_eq!(all.len(), 4);
    assert_eq!(all[0], "`token` is missing");
    assert!(mistakes("url = 'https://h/?a=b'\ntoken = 'x'")[0].contains("without `?`"));
    assert!(mistakes("url = 'https://me:pw@h/'\ntoken = 'x'")[0].contains("login"));
    assert_eq!(built("url = 'https://h/sub'\ntoken = 'x'").unwrap().place(), "https://h/sub");
}

#[test]
fn a_tag_has_no_spaces_or_commas() {
    assert_eq!(as_tag(" two words,\tthree "), "two-words-three");
    assert_eq!(as_tag(" , "), "");
    assert_eq!(cut("ääää", 4), "ääää");
    assert_eq!(cut("ää ää", 4), "ää…");
}
