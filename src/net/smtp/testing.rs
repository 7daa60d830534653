//! A server that says what a test tells it to, and remembers what it was told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{Limits, Tls};

/// What the server does at a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Say {
    /// This, and a line end.
    Line(&'static str),
    /// Nothing, for ever.
    Hang,
    /// Nothing, and closes.
    Close,
    /// Nothing, and the connection is reset.
    Reset,
    /// This again and again.
    Endless(&'static str),
    /// One byte at a time, never a whole line.
    Drip,
}

/// Rules are looked up by the command's verb in capitals, `greeting` and `.`; `MAIL#2` is the second MAIL of all.
pub(crate) type Rules = Vec<(&'static str, Say)>;

#[derive(Debug, Default)]
struct Seen {
    connections: usize,
    commands: Vec<String>,
    mails: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

/// Limits that no healthy test comes near.
pub(crate) fn limits() -> Limits {
    all(Duration::from_secs(20))
}

/// Limits that a test can wait for.
pub(crate) fn impatient() -> Limits {
    all(Duration::from_secs(1))
}

fn all(limit: Duration) -> Limits {
    Limits { connect: limit, opening: limit * 3, command: limit, block: limit, acceptance: limit }
}

impl Server {
    pub(crate) async fn start(rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                log.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, rules.clone(), Arc::clone(&log)));
            }
        });
        Self { port, seen }
    }

    pub(crate) fn nowhere(host: &str, port: u16, tls: Tls, limits: Limits) -> super::Server {
        super::Server { host: host.to_owned(), port, tls, ca_file: None, limits }
    }

    pub(crate) fn place(&self, tls: Tls, limits: Limits) -> super::Server {
        Self::nowhere("127.0.0.1", self.port, tls, limits)
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    pub(crate) fn commands(&self) -> Vec<String> {
        self.seen.lock().unwrap().commands.clone()
    }

    pub(crate) fn mails(&self) -> Vec<String> {
        self.seen.lock().unwrap().mails.clone()
    }

    pub(crate) fn count(&self, verb: &str) -> usize {
        self.commands().iter().filter(|command| self::verb(command) == verb).count()
    }
}

fn verb(command: &str) -> String {
    command.split(' ').next().unwrap_or_default().to_uppercase()
}

/// The rule for the command that was seen last; a rule with a number goes before one without.
fn rule(rules: &Rules, verb: &str, seen: &Seen) -> Option<Say> {
    let nth = seen.commands.iter().filter(|command| self::verb(command) == verb).count();
    let find = |key: &str| rules.iter().find(|(on, _)| *on == key).map(|(_, say)| *say);
    find(&format!("{verb}#{nth}")).or_else(|| find(verb))
}

async fn serve(stream: TcpStream, rules: Rules, seen: Arc<Mutex<Seen>>) {
    stream.set_nodelay(true).unwrap();
    let mut stream = BufReader::new(stream);
    let greeting = rules.iter().find(|(on, _)| *on == "greeting").map_or(Say::Line("220 mx"), |(_, say)| *say);
    if !speak(&mut stream, greeting).await {
        return;
    }
    while let Some(line) = read_line(&mut stream).await {
        let command = line.trim_end().to_owned();
        let said = {
            let mut seen = seen.lock().unwrap();
            seen.commands.push(command.clone());
            rule(&rules, &verb(&command), &seen)
        };
        let usual = if verb(&command) == "DATA" { "354 go on" } else { "250 ok" };
        let say = said.unwrap_or(Say::Line(usual));
        if !speak(&mut stream, say).await {
            return;
        }
        if verb(&command) == "DATA" && matches!(say, Say::Line(line) if line.starts_with("354")) {
            let mut mail = String::new();
            loop {
                let Some(line) = read_line(&mut stream).await else { return };
                match line.strip_prefix('.') {
                    Some("\r\n") => break,
                    Some(rest) => mail.push_str(rest),
                    None => mail.push_str(&line),
                }
            }
            let said = {
                let mut seen = seen.lock().unwrap();
                seen.commands.push(".".to_owned());
                rule(&rules, ".", &seen)
            };
            let say = said.unwrap_or(Say::Line("250 2.0.0 queued"));
            // An empty mail is one that had lost its recipient: it is for nobody.
            if !mail.is_empty() && !matches!(say, Say::Line(line) if !line.starts_with("250")) {
                seen.lock().unwrap().mails.push(mail);
            }
            if !speak(&mut stream, say).await {
                return;
            }
        }
    }
}

async fn read_line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|length| *length > 0).map(|_| line)
}

/// Whether the connection goes on.
async fn speak(stream: &mut BufReader<TcpStream>, say: Say) -> bool {
    match say {
        Say::Line(line) => stream.write_all(format!("{line}\r\n").as_bytes()).await.is_ok() && !line.starts_with("421"),
        Say::Close => false,
        Say::Reset => {
            stream.get_ref().set_zero_linger().unwrap();
            false
        }
        Say::Hang => std::future::pending().await,
        Say::Endless(text) => {
            let text = text.repeat(1000);
            while stream.write_all(text.as_bytes()).await.is_ok() {}
            false
        }
        Say::Drip => {
            // It ends when the client has had enough.
            while stream.write_all(b"2").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            false
        }
    }
}
