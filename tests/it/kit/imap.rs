//! A reader's view of a real mail box: the few words of IMAP (RFC 9051) that it takes to read all of an INBOX.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{Message, wait};

/// How long mail may be on its way from one server on this machine to the other.
pub(crate) const DELIVERY: Duration = Duration::from_secs(30);

struct Connection {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    tag: u32,
}

/// Everything in a user's INBOX, in the order of arrival.
pub(crate) fn inbox(port: u16, user: &str) -> Vec<Message> {
    let mut connection = Connection::open(port);
    connection.command(&format!("LOGIN {user} {}", super::mailserver::PASSWORD));
    connection.command("EXAMINE INBOX");
    let found = connection.command("SEARCH ALL");
    let numbers: Vec<String> = found
        .iter()
        .filter_map(|(line, _)| line.strip_prefix("* SEARCH"))
        .flat_map(str::split_whitespace)
        .map(str::to_owned)
        .collect();
    let mails = numbers.iter().map(|number| {
        let answer = connection.command(&format!("FETCH {number} BODY.PEEK[]"));
        let mail = answer.into_iter().find_map(|(_, literal)| literal);
        Message::parse(mail.unwrap_or_else(|| panic!("mail {number} of {user} has no body")))
    });
    mails.collect()
}

/// The INBOX once it holds `least` mails.
pub(crate) fn wait_for(port: u16, user: &str, least: usize) -> Vec<Message> {
    let enough = || Some(inbox(port, user)).filter(|mails| mails.len() >= least);
    wait::until(&format!("{least} mails for {user}"), DELIVERY, enough)
}

impl Connection {
    fn open(port: u16) -> Self {
        let writer = TcpStream::connect(("127.0.0.1", port)).expect("an IMAP server on loopback");
        writer.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket option");
        let reader = BufReader::new(writer.try_clone().expect("a second handle of a socket"));
        let mut connection = Self { reader, writer, tag: 0 };
        connection.line();
        connection
    }

    /// Sends a command and gives each line of the answer with the literal in it, where it has one.
    fn command(&mut self, words: &str) -> Vec<(String, Option<Vec<u8>>)> {
        self.tag += 1;
        let tag = format!("a{} ", self.tag);
        self.writer.write_all(format!("{tag}{words}\r\n").as_bytes()).expect("the IMAP server listens");
        let mut answer = Vec::new();
        loop {
            let line = self.line();
            if let Some(result) = line.strip_prefix(&tag) {
                assert!(result.starts_with("OK"), "{words}: {result}");
                return answer;
            }
            let length = line.strip_suffix('}').and_then(|line| line.rsplit('{').next()).and_then(|text| text.parse().ok());
            let literal = length.map(|length| {
                let mut bytes = vec![0; length];
                self.reader.read_exact(&mut bytes).expect("the whole literal");
                bytes
            });
            answer.push((line, literal));
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.reader.read_line(&mut line).expect("the IMAP server answers");
        assert!(read > 0, "the IMAP server hung up");
        line.trim_end().to_owned()
    }
}
