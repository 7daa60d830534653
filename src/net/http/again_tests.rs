//! When a request goes out twice, against servers that end connections and count.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::tests::{excepted, get, options, trusting_ours};
use super::*;
use crate::net::scripted::http2::{Http2, Step, field, frame, go_away, ok};

const LONG: Duration = Duration::from_secs(20);

/// A server that answers so many requests of each connection, and resets it at the next one or closes it in silence.
struct Resetting {
    port: u16,
    asked: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Resetting {
    async fn start(answers: usize, resets: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let log = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&log), answers, resets));
            }
        });
        Self { port, asked, task }
    }

    fn url(&self, host: &str) -> Url {
        Url::parse(&format!("http://{host}:{}/feed", self.port)).unwrap()
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Resetting {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, asked: Arc<AtomicUsize>, answers: usize, resets: bool) -> Option<()> {
    for _ in 0..answers {
        read_head(&mut stream).await?;
        asked.fetch_add(1, Ordering::SeqCst);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.ok()?;
    }
    read_head(&mut stream).await?;
    asked.fetch_add(1, Ordering::SeqCst);
    if resets { stream.set_zero_linger().ok() } else { stream.shutdown().await.ok() }
}

async fn read_head(stream: &mut TcpStream) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(())
}

#[tokio::test]
async fn p18_a_request_is_made_once_more_where_a_used_connection_breaks_and_nowhere_else() {
    for resets in [true, false] {
        let server = Resetting::start(1, resets).await;
        let client = Client::guarded(excepted(), &options());
        assert_eq!(get(&client, server.url("localhost"), LONG).await.unwrap().body, b"ok");
        assert_eq!(get(&client, server.url("localhost"), LONG).await.unwrap().body, b"ok");
        assert_eq!(server.asked(), 3, "the second request went out twice");

        // A new connection that breaks is the server's answer.
        let server = Resetting::start(0, resets).await;
        let client = Client::guarded(excepted(), &options());
        let error = get(&client, server.url("localhost"), LONG).await.unwrap_err();
        assert!(matches!(error, HttpError::Protocol { .. }), "{error}");
        assert_eq!(server.asked(), 1);
    }
}

#[tokio::test]
async fn p18_what_changes_something_is_never_sent_twice() {
    let server = Resetting::start(1, true).await;
    let client = Client::guarded(excepted(), &options());
    get(&client, server.url("localhost"), LONG).await.unwrap();
    let target = client.target(server.url("localhost")).unwrap();
    let (headers, limits) = (HeaderMap::new(), Limits::whole(LONG));
    let request = Request { method: Method::POST, target, headers, body: Some(b"{}".to_vec()), max_body: 10, limits };
    assert!(client.send(request).await.is_err());
    assert_eq!(server.asked(), 2);
}

fn answered(stream: u32, body: &str) -> Step {
    Step::Send([ok(stream), frame(0, 1, stream, body.as_bytes())].concat())
}

async fn asked_of(scripts: Vec<Vec<Step>>, times: usize) -> (Vec<Result<Vec<u8>, String>>, usize, usize) {
    let server = Http2::by_hand(scripts).await;
    let client = Client::guarded(excepted(), &trusting_ours());
    let mut answers = Vec::new();
    for _ in 0..times {
        let answer = get(&client, server.url("/feed"), LONG).await;
        answers.push(answer.map(|reply| reply.body).map_err(|error| error.to_string()));
    }
    (answers, server.asked().len(), server.connections())
}

#[tokio::test]
async fn p18_a_request_that_a_server_says_it_did_not_look_at_is_made_once_more() {
    let refused = frame(3, 0, 1, &7_u32.to_be_bytes());
    for not_looked_at in [go_away(0, 0), refused] {
        // Whoever refuses one request takes the next; whoever goes away is asked by a new connection.
        let first = vec![Step::Send(not_looked_at.clone()), Step::NextRequest, answered(3, "ok"), Step::Hang];
        let (answers, asked, _) = asked_of(vec![first, vec![answered(1, "ok"), Step::Hang]], 1).await;
        assert_eq!((answers, asked), (vec![Ok(b"ok".to_vec())], 2));
        // Who says so always, is asked twice and no more.
        let again = [Step::Send(not_looked_at.clone()), Step::NextRequest, Step::Reset].to_vec();
        let (answers, asked, _) = asked_of(vec![again, vec![Step::Send(not_looked_at), Step::Hang]], 1).await;
        assert!(answers[0].is_err(), "{answers:?}");
        assert_eq!(asked, 2, "{answers:?}");
    }
}

#[tokio::test]
async fn p18_a_request_that_was_looked_at_and_failed_is_not_made_again() {
    let internal_error = 2_u32.to_be_bytes();
    for failed in [
        frame(3, 0, 1, &internal_error),
        go_away(0, 11),
        [ok(1), frame(0, 0, 1, b"<rss>"), frame(3, 0, 1, &internal_error)].concat(),
        [frame(1, 4, 1, &[vec![0x88], field("content-length", "100")].concat()), frame(0, 1, 1, b"<rss>")].concat(),
    ] {
        let (answers, asked, connections) = asked_of(vec![vec![Step::Send(failed.clone())]], 1).await;
        assert!(answers[0].is_err(), "{failed:?}");
        assert_eq!((asked, connections), (1, 1), "{failed:?} {answers:?}");
    }
}
