//! How fast mails go out over one connection: our client beside a bare one on the same runtime, which writes prepared bytes and
//! reads as many lines as it expects, against the same scripted server on loopback, by turns, without and with a delay before
//! each of its words. For scale, the bare one once more on a thread of its own with blocking sockets.
//! `cargo bench --bench smtp`
#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use feeds::net::smtp::{Envelope, Limits, Server, Session, Tls};

type Failure = Box<dyn std::error::Error>;

/// The delays of the line, with so many mails a round.
const LINES: &[(Duration, usize)] = &[(Duration::ZERO, 1_000), (Duration::from_millis(25), 10), (Duration::from_millis(50), 5)];
/// The median of so many is told, of the ratio too: what else the machine does falls on both of a round.
const ROUNDS: usize = 31;
/// What a post with some thousand words becomes.
const MAIL: usize = 10_000;

fn main() -> Result<(), Failure> {
    println!("{:>10}{:>12}{:>12}{:>12}{:>14}{:>8}", "delay", "blocking/s", "bare/s", "feeds/s", "turns a mail", "ratio");
    let text = format!(
        "Subject: a mail\r\n\r\n{}",
        "Words of a post, in a line of sixty-four letters, and a stop..\r\n".repeat(MAIL / 64)
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for (delay, mails) in LINES {
        let place = Place::start(*delay)?;
        let (mut blocking, mut bare, mut ours) = (Vec::new(), Vec::new(), Vec::new());
        let mut turns = 0;
        for _ in 0..ROUNDS {
            blocking.push(by_hand(place.port, &text, *mails)?);
            bare.push(runtime.block_on(by_hand_on_the_runtime(place.port, &text, *mails))?);
            place.turns.store(0, Ordering::SeqCst);
            ours.push(runtime.block_on(by_client(place.port, &text, *mails))?);
            turns = place.turns.load(Ordering::SeqCst);
        }
        let ratios = bare.iter().zip(&ours).map(|(bare, ours)| bare.as_secs_f64() / ours.as_secs_f64());
        let ratio = median(ratios.collect());
        let rate = |times: &[Duration]| count(*mails) / median(times.iter().map(Duration::as_secs_f64).collect());
        let (blocking, bare, ours) = (rate(&blocking), rate(&bare), rate(&ours));
        let turns = count(turns) / count(*mails);
        let delay = delay.as_millis();
        println!("{delay:>7} ms{blocking:>12.0}{bare:>12.0}{ours:>12.0}{turns:>14.2}{ratio:>8.2}");
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// The time from the first mail to the answer to the last, without greeting and farewell.
fn by_hand(port: u16, text: &str, mails: usize) -> io::Result<Duration> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut hear = |lines: usize| (0..lines).try_for_each(|_| reader.read_line(&mut String::new()).map(|_| ()));
    hear(1)?;
    writer.write_all(b"EHLO example.net\r\n")?;
    hear(3)?;
    let (envelope, body) = prepared(text);
    let started = Instant::now();
    for _ in 0..mails {
        writer.write_all(envelope.as_bytes())?;
        hear(3)?;
        writer.write_all(body.as_bytes())?;
        hear(1)?;
    }
    Ok(started.elapsed())
}

async fn by_hand_on_the_runtime(port: u16, text: &str, mails: usize) -> io::Result<Duration> {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    stream.write_all(b"EHLO example.net\r\n").await?;
    for _ in 0..3 {
        stream.read_line(&mut line).await?;
    }
    let (envelope, body) = prepared(text);
    let started = Instant::now();
    for _ in 0..mails {
        for (words, lines) in [(&envelope, 3), (&body, 1)] {
            stream.write_all(words.as_bytes()).await?;
            for _ in 0..lines {
                line.clear();
                stream.read_line(&mut line).await?;
            }
        }
    }
    Ok(started.elapsed())
}

fn prepared(text: &str) -> (String, String) {
    let size = text.len();
    let envelope = format!("MAIL FROM:<feeds@example.net> SIZE={size}\r\nRCPT TO:<me@example.net>\r\nDATA\r\n");
    (envelope, format!("{text}.\r\n"))
}

async fn by_client(port: u16, text: &str, mails: usize) -> Result<Duration, Failure> {
    let limits = Limits::of(Duration::from_secs(60));
    let server = Server { host: "127.0.0.1".to_owned(), port, tls: Tls::None, ca_file: None, limits };
    let mut session = Session::open(&server, "example.net", None).await?;
    let to = ["me@example.net".to_owned()];
    let started = Instant::now();
    for _ in 0..mails {
        session.send(Envelope { from: "feeds@example.net", to: &to }, text.as_bytes()).await?;
    }
    Ok(started.elapsed())
}

/// A server that takes everything.
struct Place {
    port: u16,
    /// How often it had something to say after its introduction.
    turns: Arc<AtomicUsize>,
}

impl Place {
    fn start(delay: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let turns = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&turns);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counted = Arc::clone(&counted);
                std::thread::spawn(move || converse(stream, delay, &counted).ok());
            }
        });
        Ok(Self { port, turns })
    }
}

#[expect(clippy::disallowed_methods, reason = "the delay is what is measured")]
fn converse(mut stream: TcpStream, delay: Duration, turns: &AtomicUsize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(b"220 bench\r\n")?;
    let (mut received, mut chunk, mut in_text) = (Vec::new(), vec![0; 64 * 1024], false);
    loop {
        let length = stream.read(&mut chunk)?;
        if length == 0 {
            return Ok(());
        }
        received.extend_from_slice(&chunk[..length]);
        let mut answers = String::new();
        if in_text {
            if !received.ends_with(b"\r\n.\r\n") {
                continue;
            }
            received.clear();
            in_text = false;
            answers.push_str("250 2.0.0 queued as 4F3\r\n");
        }
        while let Some(end) = received.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = received.drain(..=end).collect();
            in_text = line.starts_with(b"DATA");
            answers.push_str(match line.get(..4) {
                Some(b"EHLO") => "250-bench\r\n250-PIPELINING\r\n250 SIZE 26214400\r\n",
                Some(b"DATA") => "354 go on\r\n",
                Some(_) | None => "250 2.1.0 ok\r\n",
            });
        }
        if answers.is_empty() {
            continue;
        }
        if !answers.contains("PIPELINING") {
            turns.fetch_add(1, Ordering::SeqCst);
            if !delay.is_zero() {
                std::thread::sleep(delay);
            }
        }
        stream.write_all(answers.as_bytes())?;
    }
}
