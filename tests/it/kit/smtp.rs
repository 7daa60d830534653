//! An SMTP server with faults to order, for what a real one will not do when asked. Accepted mails stay in memory.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::listener::Listener;
use super::{Message, wait};

/// What the server does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 421 in place of a greeting.
    Greet421,
    /// 535 to every AUTH.
    Auth535,
    /// 451 to MAIL.
    Mail4xx,
    /// 550 to RCPT.
    Rcpt5xx,
    /// 451 to DATA.
    Data4xx,
    /// 451 after the final dot.
    End4xx,
    /// 554 after the final dot.
    End5xx,
    /// The mail is accepted, and the connection ends before that is said.
    EndLost,
    /// 552 after the final dot, as for a message over the size limit.
    TooBig,
    /// The same for what has more bytes than this.
    Over(usize),
    /// This answer to that command; to `.` for the final dot.
    Says(&'static str, &'static str),
    /// 450 to the first RCPT of each recipient.
    Greylist,
    /// No greeting, for ever.
    GreetHang,
    /// One byte after another in answer to MAIL, never a whole line.
    Drip,
    /// A line of megabytes in answer to MAIL.
    LongReply,
    /// The connection ends in place of an answer to DATA.
    DataCut,
    /// The mail is accepted, and nothing is said any more.
    EndHang,
}

#[derive(Default)]
struct State {
    fault: Mutex<Option<Fault>>,
    /// The fault strikes at each so-many-th step of a dialogue; at every one where this is 0.
    every: AtomicUsize,
    steps: AtomicUsize,
    /// How long the final dot waits for its answer, in milliseconds.
    delay: AtomicU64,
    /// How many mails were accepted without the client being told.
    untold: AtomicUsize,
    mails: Mutex<Vec<Vec<u8>>>,
    /// The greylist: who was turned away once.
    turned_away: Mutex<HashSet<String>>,
    connections: Mutex<usize>,
}

/// The server; it ends when dropped.
pub(crate) struct SmtpServer {
    state: Arc<State>,
    listener: Listener,
}

impl SmtpServer {
    /// Listens on a free port of loopback and accepts everything.
    pub(crate) fn start() -> Self {
        let state = Arc::new(State::default());
        let served = Arc::clone(&state);
        let listener = Listener::start(move |stream| {
            *served.connections.lock().unwrap() += 1;
            // A client that goes away in the middle is a client's right.
            served.converse(stream).ok();
        });
        Self { state, listener }
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.listener.address().port()
    }

    /// The table of a sink that delivers here, without TLS.
    pub(crate) fn sink(&self) -> String {
        format!(
            "type = \"smtp\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"feeds@example.net\"\nto = \"me@example.net\"\n",
            self.port()
        )
    }

    /// Does this wrong from now on.
    pub(crate) fn fault(&self, fault: Fault) {
        *self.state.fault.lock().unwrap() = Some(fault);
    }

    /// Does this wrong at each so-many-th step of all dialogues together.
    pub(crate) fn fault_at_times(&self, fault: Fault, every: usize) {
        self.fault(fault);
        self.state.every.store(every, Ordering::SeqCst);
    }

    /// Lets each mail wait so long for its answer, once it is accepted.
    pub(crate) fn delay(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).expect("a short time");
        self.state.delay.store(millis, Ordering::SeqCst);
    }

    /// How many mails it accepted and hung up instead of saying so.
    pub(crate) fn untold(&self) -> usize {
        self.state.untold.load(Ordering::SeqCst)
    }

    /// Does nothing wrong any more.
    pub(crate) fn heal(&self) {
        self.state.every.store(0, Ordering::SeqCst);
        self.delay(Duration::ZERO);
        *self.state.fault.lock().unwrap() = None;
    }

    /// Refuses connections until [`SmtpServer::up`].
    pub(crate) fn down(&self) {
        self.listener.down();
    }

    /// Listens again, on the same port.
    pub(crate) fn up(&self) {
        self.listener.up();
    }

    /// The accepted mails, in order, each copy of them.
    pub(crate) fn mails(&self) -> Vec<Message> {
        self.state.mails.lock().unwrap().iter().cloned().map(Message::parse).collect()
    }

    /// The ids of the accepted mails, each once.
    pub(crate) fn message_ids(&self) -> HashSet<String> {
        self.mails().iter().map(|mail| mail.message_id().to_owned()).collect()
    }

    /// How many connections were made so far.
    pub(crate) fn connections(&self) -> usize {
        *self.state.connections.lock().unwrap()
    }
}

impl State {
    fn converse(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut writer = stream.try_clone()?;
        let mut reader = BufReader::new(stream);
        let fault = || self.strikes();
        let mut say = |text: &str| writer.write_all(format!("{text}\r\n").as_bytes());
        match fault() {
            Some(Fault::Greet421) => return say("421 4.3.2 come back later"),
            Some(Fault::GreetHang) => return hang(&mut reader),
            Some(_) | None => {}
        }
        say("220 faults.test ESMTP")?;
        let (mut sender, mut recipients) = (false, 0);
        while let Some(line) = read_line(&mut reader)? {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            let verb = text.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let struck = fault();
            match (verb.as_str(), struck) {
                (verb, Some(Fault::Says(at, answer))) if verb == at => say(answer)?,
                ("MAIL", Some(Fault::Drip)) => loop {
                    let mut stream = reader.get_ref();
                    stream.write_all(b"2")?;
                    wait::pause(Duration::from_millis(50));
                },
                ("MAIL", Some(Fault::LongReply)) => say(&format!("250 {}", "x".repeat(8 << 20)))?,
                ("RCPT", Some(Fault::Greylist)) if self.turned_away.lock().unwrap().insert(text.clone()) => {
                    say("450 4.2.0 greylisted, come back later")?;
                }
                ("DATA", Some(Fault::DataCut)) => return Ok(()),
                ("EHLO", _) => {
                    say("250-faults.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 26214400")?;
                }
                ("RSET", _) => {
                    (sender, recipients) = (false, 0);
                    say("250 2.0.0 ok")?;
                }
                ("HELO" | "NOOP", _) => say("250 2.0.0 ok")?,
                ("AUTH", Some(Fault::Auth535)) => say("535 5.7.8 authentication failed")?,
                ("AUTH", _) => {
                    let steps = if text.to_ascii_uppercase().starts_with("AUTH LOGIN") { 2 } else { 1 };
                    let given = text.split_whitespace().count() - 2;
                    for _ in given..steps {
                        say("334 ")?;
                        read_line(&mut reader)?;
                    }
                    say("235 2.7.0 welcome")?;
                }
                ("MAIL", Some(Fault::Mail4xx)) => say("451 4.3.0 not now")?,
                ("MAIL", _) => {
                    (sender, recipients) = (true, 0);
                    say("250 2.1.0 ok")?;
                }
                ("RCPT", Some(Fault::Rcpt5xx)) => say("550 5.1.1 no such user")?,
                ("RCPT", _) if !sender => say("503 5.5.1 no sender")?,
                ("RCPT", _) => {
                    recipients += 1;
                    say("250 2.1.5 ok")?;
                }
                ("DATA", _) if recipients == 0 => say("503 5.5.1 no recipients")?,
                ("DATA", Some(Fault::Data4xx)) => say("451 4.3.0 not now")?,
                ("DATA", _) => {
                    say("354 go on")?;
                    let Some(mail) = read_mail(&mut reader)? else { return Ok(()) };
                    (sender, recipients) = (false, 0);
                    let struck = fault();
                    match (self.accept(mail, struck), struck) {
                        (_, Some(Fault::EndHang)) => return hang(&mut reader),
                        (Some(answer), _) => say(&answer)?,
                        (None, _) => return Ok(()),
                    }
                }
                ("QUIT", _) => return say("221 2.0.0 bye"),
                (_, _) => say("500 5.5.2 what?")?,
            }
        }
        Ok(())
    }
}

impl State {
    /// What goes wrong at this step.
    fn strikes(&self) -> Option<Fault> {
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        let every = self.every.load(Ordering::SeqCst);
        let fault = *self.fault.lock().unwrap();
        fault.filter(|_| every == 0 || step.is_multiple_of(every))
    }

    /// What is answered to the final dot; nothing where the connection ends instead.
    fn accept(&self, mail: Vec<u8>, fault: Option<Fault>) -> Option<String> {
        let refusal = match fault {
            Some(Fault::Says(".", answer)) => Some(answer),
            Some(Fault::End4xx) => Some("451 4.3.0 not now"),
            Some(Fault::End5xx) => Some("554 5.7.1 not this one"),
            Some(Fault::TooBig) => Some("552 5.3.4 message too big"),
            Some(Fault::Over(most)) if mail.len() > most => Some("552 5.3.4 message too big"),
            Some(_) | None => None,
        };
        if let Some(refusal) = refusal {
            return Some(refusal.to_owned());
        }
        // Kept before it is answered: what was promised is there.
        let mut mails = self.mails.lock().unwrap();
        mails.push(mail);
        let number = mails.len();
        drop(mails);
        wait::pause(Duration::from_millis(self.delay.load(Ordering::SeqCst)));
        if fault == Some(Fault::EndLost) {
            self.untold.fetch_add(1, Ordering::SeqCst);
            return None;
        }
        Some(format!("250 2.0.0 queued as {number}"))
    }
}

/// Says nothing until the client goes away.
fn hang(reader: &mut impl BufRead) -> std::io::Result<()> {
    while read_line(reader)?.is_some() {}
    Ok(())
}

fn read_line(reader: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = reader.read_until(b'\n', &mut line)?;
    Ok((read > 0).then_some(line))
}

/// Everything up to the final dot, its dots unstuffed; nothing where the client went away before it.
fn read_mail(reader: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut mail = Vec::new();
    while let Some(line) = read_line(reader)? {
        assert!(line.ends_with(b"\r\n"), "a line of a mail that does not end in CRLF: {line:?}");
        if line == b".\r\n" {
            return Ok(Some(mail));
        }
        mail.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
    Ok(None)
}

/// Hands in one mail by a dialogue written out by hand, and gives every line that was answered.
pub(crate) fn submit_by_hand(port: u16, to: &str, mail: &str) -> Vec<String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("an SMTP server on loopback");
    stream.set_read_timeout(Some(std::time::Duration::from_secs(10))).expect("a socket option");
    let mut writer = stream.try_clone().expect("a second handle of a socket");
    let mut reader = BufReader::new(stream);
    let mut heard = Vec::new();
    let steps =
        ["", "EHLO kit.test", "MAIL FROM:<kit@test.local>", &format!("RCPT TO:<{to}>"), "DATA", &format!("{mail}\r\n."), "QUIT"];
    for step in steps {
        if !step.is_empty() {
            writer.write_all(format!("{step}\r\n").as_bytes()).ok();
        }
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return heard;
            }
            let more = line.as_bytes().get(3) == Some(&b'-');
            heard.push(line.trim_end().to_owned());
            if !more {
                break;
            }
        }
    }
    heard
}

mod tests {
    use super::*;

    const MAIL: &str = "From: a@example.net\r\nMessage-ID: <1@example.net>\r\n\r\n..a line that begins with a dot";

    #[test]
    fn the_kits_faulty_server_does_wrong_what_it_is_told_and_no_more() {
        let server = SmtpServer::start();
        let faults = [
            (Fault::Greet421, "421 "),
            (Fault::Mail4xx, "451 "),
            (Fault::Rcpt5xx, "550 "),
            (Fault::Data4xx, "451 "),
            (Fault::End4xx, "451 "),
            (Fault::End5xx, "554 "),
            (Fault::TooBig, "552 "),
        ];
        for (fault, code) in faults {
            server.fault(fault);
            let heard = submit_by_hand(server.port(), "me@example.net", MAIL);
            assert!(heard.iter().any(|line| line.starts_with(code)), "{fault:?}: {heard:?}");
        }
        assert!(server.mails().is_empty());
        server.fault(Fault::EndLost);
        let heard = submit_by_hand(server.port(), "me@example.net", MAIL);
        assert!(heard.last().unwrap().starts_with("354"));
        server.heal();
        submit_by_hand(server.port(), "me@example.net", MAIL);
        assert_eq!((server.mails().len(), server.message_ids().len(), server.connections()), (2, 1, 9));
        assert!(server.mails()[0].raw().ends_with(b"\r\n.a line that begins with a dot\r\n"));
    }

    #[test]
    fn the_kits_faulty_server_does_wrong_at_times_and_says_what_it_did_not_say() {
        let server = SmtpServer::start();
        // A dialogue by hand has six steps at which something may go wrong, the final dot among them.
        server.fault_at_times(Fault::EndLost, 5);
        for _ in 0..5 {
            submit_by_hand(server.port(), "me@example.net", MAIL);
        }
        let untold = server.untold();
        assert!(server.mails().len() == 5 && untold > 0 && untold < 5, "{untold}");
        server.heal();
        submit_by_hand(server.port(), "me@example.net", MAIL);
        assert_eq!((server.mails().len(), server.untold()), (6, untold));
    }
}
