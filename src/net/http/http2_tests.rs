//! HTTP/2 against a server that keeps its rules, and against those that mean it no good: bounded, with one clear line each.

use super::tests::{excepted, get, get_within, gzip, trusting_ours};
use super::*;
use crate::net::scripted::answer;
use crate::net::scripted::http2::{Http2, Step, field, frame, go_away, ok};

const LONG: Duration = Duration::from_secs(20);

fn client() -> Client {
    Client::guarded(excepted(), &trusting_ours())
}

#[tokio::test]
async fn one_connection_carries_all_requests_of_a_host() {
    let server = Http2::start(|asked| answer(200).header("Set-Cookie", "a=1").body(asked.path.clone())).await;
    let client = client();
    for path in ["/a?b=2&a=1", "/b", "/c"] {
        let reply = get(&client, server.url(path), LONG).await.unwrap();
        assert_eq!((reply.status, reply.body.as_slice()), (200, path.as_bytes()));
    }
    let (one, two) = (get(&client, server.url("/d"), LONG), get(&client, server.url("/e"), LONG));
    let (one, two) = tokio::join!(one, two);
    assert!(one.is_ok() && two.is_ok());
    assert_eq!((server.connections(), server.asked().len()), (1, 5));
    for asked in server.asked() {
        let mut names: Vec<_> = asked.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!((asked.method.as_str(), names), ("GET", vec!["accept", "user-agent"]));
    }
}

#[tokio::test]
async fn bodies_have_the_same_bounds() {
    let bomb = gzip(&vec![0; 200 << 20]);
    let server = Http2::start(move |asked| match asked.path.as_str() {
        "/bomb" => answer(200).header("Content-Encoding", "gzip").body(bomb.clone()),
        "/large" => answer(200).body(vec![b'x'; 2 << 20]),
        "/zipped" => answer(200).header("Content-Encoding", "gzip").body(gzip(b"<rss/>")),
        "/nested" => answer(200).header("Content-Encoding", "gzip, gzip").body("x"),
        _ => answer(503).body(vec![b'x'; 200_000]),
    })
    .await;
    let client = client();
    for path in ["/bomb", "/large"] {
        let error = get(&client, server.url(path), LONG).await.unwrap_err();
        assert_eq!(error.to_string(), "the answer of localhost is larger than 1MiB");
    }
    assert_eq!(get(&client, server.url("/zipped"), LONG).await.unwrap().body, b"<rss/>");
    assert!(matches!(get(&client, server.url("/nested"), LONG).await, Err(HttpError::Coding { .. })));
    let busy = get(&client, server.url("/busy"), LONG).await.unwrap();
    assert!(busy.status == 503 && busy.body.len() <= 64 * 1024);
    assert_eq!(server.connections(), 1, "what is refused ends its own stream and no other");
}

async fn told(steps: Vec<Step>) -> String {
    let server = Http2::by_hand(vec![steps]).await;
    match get(&client(), server.url("/feed"), LONG).await {
        Ok(reply) => format!("{} {}", reply.status, String::from_utf8_lossy(&reply.body)),
        Err(error) => error.to_string(),
    }
}

fn send(bytes: Vec<u8>) -> Vec<Step> {
    vec![Step::Send(bytes), Step::Hang]
}

#[tokio::test]
async fn an_answer_that_is_ended_in_its_middle_broke_off() {
    let begun = || [ok(1), frame(0, 0, 1, b"<rss>")].concat();
    let reset = |code: u32| send([begun(), frame(3, 0, 1, &code.to_be_bytes())].concat());
    assert_eq!(told(reset(2)).await, "the answer of localhost broke off: the server ended it (INTERNAL_ERROR)");
    assert_eq!(told(reset(8)).await, "the answer of localhost broke off: the server ended it (CANCEL)");
    let gone = [begun(), go_away(1, 0)].concat();
    let error = told(vec![Step::Send(gone)]).await;
    assert!(error.starts_with("the answer of localhost broke off: "), "{error}");
    let error = told(vec![Step::Send(begun()), Step::Reset]).await;
    // A reset may overtake what was sent before it.
    assert!(error.starts_with("the answer of localhost broke off: ") || error.ends_with("the connection was reset"), "{error}");
    let promised = [frame(1, 4, 1, &[vec![0x88], field("content-length", "100")].concat()), frame(0, 0, 1, b"<rss>")].concat();
    let error = told(send([promised, frame(3, 0, 1, &[0; 4])].concat())).await;
    assert_eq!(error, "the answer of localhost broke off: less came than was promised");
    // Before it began.
    let enough = told(send(go_away(0, 11))).await;
    assert_eq!(enough, "localhost gave no answer: the server ended the connection (ENHANCE_YOUR_CALM)");
}

#[tokio::test]
async fn a_body_without_an_end_is_left_at_the_limit() {
    let flood = vec![Step::Send(ok(1)), Step::Forever(frame(0, 0, 1, &[b'x'; 8192]))];
    let error = told(flood).await;
    // More than it was given room for is against the rules, and ends the connection before the limit is reached.
    let known =
        ["the answer of localhost is larger than 1MiB", "the answer of localhost broke off: it breaks the rules of HTTP/2"];
    assert!(known.iter().any(|known| error.starts_with(known)), "{error}");
    let empty = vec![Step::Send(ok(1)), Step::Forever(frame(0, 0, 1, b"").repeat(1000))];
    let server = Http2::by_hand(vec![empty]).await;
    let error = get_within(&client(), server.url("/"), Limits::whole(Duration::from_secs(2))).await.unwrap_err();
    assert!(error.to_string().starts_with("the answer of localhost "), "{error}");
}

#[tokio::test]
async fn a_header_has_a_largest_size_over_http_2_too() {
    let large = [vec![0x88], field("x-large", &"a".repeat(15_000))].concat();
    let head = [
        frame(1, 0, 1, &large),
        (0..5).flat_map(|_| frame(9, 0, 1, &field("x-large", &"a".repeat(15_000)))).collect(),
        frame(9, 4, 1, &[]),
    ];
    let error = told(send([head.concat(), frame(0, 1, 1, b"ok")].concat())).await;
    assert!(error.starts_with("localhost gave no answer: "), "{error}");
    let fits = [frame(1, 4, 1, &large), frame(0, 1, 1, b"ok")].concat();
    assert_eq!(told(send(fits)).await, "200 ok");
}

#[tokio::test]
async fn a_head_that_never_ends_is_left_soon() {
    for more in [frame(9, 0, 1, &field("x", "y")), frame(9, 0, 1, &[])] {
        let error = told(vec![Step::Send(frame(1, 0, 1, &[0x88])), Step::Forever(more)]).await;
        assert!(error.starts_with("localhost gave no answer: "), "{error}");
    }
}

#[tokio::test]
async fn floods_of_frames_that_say_nothing_end_in_time() {
    let ping = frame(6, 0, 0, &[7; 8]);
    let settings = frame(4, 0, 0, &[]);
    let early = frame(1, 4, 1, &[vec![0x08, 0x03], b"103".to_vec()].concat());
    for flood in [ping, settings, early] {
        let server = Http2::by_hand(vec![vec![Step::Forever(flood.repeat(100))]]).await;
        let error = get_within(&client(), server.url("/"), Limits::whole(Duration::from_millis(800))).await.unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with("no answer from localhost") || error.starts_with("localhost gave no answer: "), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_http_2_is_no_answer() {
    for nothing in
        [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), frame(0, 0, 1, b"early"), frame(1, 4, 2, &[0x88]), frame(1, 4, 1, &[0xff; 40])]
    {
        let error = told(vec![Step::Send(nothing)]).await;
        assert!(error.starts_with("localhost gave no answer: "), "{error}");
    }
}
