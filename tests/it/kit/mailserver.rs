//! A real mail server: Postfix and Dovecot on loopback, started once for all tests of this binary and ended with it.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

use super::{Message, imap, project, wait};

/// The ports in use, counted from the base.
const OFFSETS: [u16; 6] = [12, 24, 25, 143, 465, 587];
/// Bases lie below the ports that the system gives to whoever asks for any.
const BASES: std::ops::Range<u16> = 10..31;

/// The password of every user.
pub(crate) const PASSWORD: &str = "secret";

/// A running server. Every address at `test.local` exists; each test reads its own.
pub(crate) struct MailServer {
    folder: PathBuf,
    base: u16,
    // While this is open the servers stay; the system closes it when the test binary ends, however it does.
    _stays: ChildStdin,
}

/// The server; nothing, and a word on standard error, on a machine that cannot run one.
///
/// With `FEEDS_TEST_NO_SKIP=1` a missing server is a failure.
pub(crate) fn mail_server() -> Option<&'static MailServer> {
    static SERVER: OnceLock<Option<MailServer>> = OnceLock::new();
    let server = SERVER.get_or_init(|| is_installed().then(MailServer::start)).as_ref();
    if server.is_none() {
        assert!(std::env::var_os("FEEDS_TEST_NO_SKIP").is_none(), "Postfix and Dovecot are not installed, or this is not root");
        eprintln!("SKIPPED: needs Postfix and Dovecot");
    }
    server
}

fn is_installed() -> bool {
    let programs =
        ["/usr/sbin/postfix", "/usr/sbin/dovecot", "/usr/lib/dovecot/lmtp", "/usr/lib/dovecot/imap", "/usr/bin/sievec"];
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    root && programs.iter().all(|program| Path::new(program).exists()) && Path::new("/usr/bin/openssl").exists()
}

impl MailServer {
    /// The port for SMTP without TLS or a login.
    pub(crate) fn smtp(&self) -> u16 {
        self.base + 25
    }

    /// The port for SMTP with STARTTLS and a login.
    pub(crate) fn submission(&self) -> u16 {
        self.base + 587
    }

    /// The port for SMTP inside TLS, with a login.
    pub(crate) fn smtps(&self) -> u16 {
        self.base + 465
    }

    /// The authority that signed the server's certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The mails in a user's INBOX, once there are as many as `least`: by their dates, as a mail program lists them. Postfix hands
    /// several on side by side, so the order in which they lie there says nothing.
    pub(crate) fn inbox(&self, user: &str, least: usize) -> Vec<Message> {
        let mut mails = imap::wait_for(self.base + 143, user, least);
        mails.sort_by_cached_key(|mail| (mail.sent_at(), mail.message_id().to_owned()));
        mails
    }

    /// The one mail to an address at `letters.local` or `bücher.local`, once it is there.
    pub(crate) fn letter(&self, address: &str) -> Message {
        let folder = self.folder.join("letters/all/new");
        let arrived = || {
            let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let mut mails = files.filter_map(|file| std::fs::read(file.path()).ok()).map(Message::parse);
            mails.find(|mail| mail.header("Delivered-To").as_deref() == Some(address))
        };
        wait::until(&format!("a letter to {address}"), imap::DELIVERY, arrived)
    }

    fn start() -> Self {
        let mut told = String::new();
        for _ in 0..3 {
            let base = free_base();
            let folder = tempfile::Builder::new().prefix("feeds-mail-").tempdir().expect("a temporary folder").keep();
            let mut script = Command::new("bash")
                .arg(project().join("tests/it/kit/mailserver.sh"))
                .args([folder.as_os_str(), base.to_string().as_ref()])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("bash starts");
            match ready(&mut script) {
                Ok(stays) => return Self { folder, base, _stays: stays },
                // Another test binary may have taken the ports between the look and the start.
                Err(words) => told = words,
            }
        }
        panic!("the mail server does not start: {told}");
    }
}

fn ready(script: &mut Child) -> Result<ChildStdin, String> {
    let stays = script.stdin.take().expect("a piped standard input");
    let mut stdout = BufReader::new(script.stdout.take().expect("a piped standard output"));
    let mut told = String::new();
    stdout.read_line(&mut told).expect("the script's word");
    if told == "ready\n" {
        return Ok(stays);
    }
    stdout.read_to_string(&mut told).ok();
    Err(told)
}

/// A base whose ports are all free, beginning at one that other processes do not begin at.
fn free_base() -> u16 {
    let first = u16::try_from(std::process::id() % u32::from(BASES.end - BASES.start)).expect("a small number");
    let bases = BASES.cycle().skip(first.into()).take(BASES.len());
    let free = |base: &u16| OFFSETS.iter().all(|offset| TcpListener::bind((Ipv4Addr::LOCALHOST, base + offset)).is_ok());
    bases.map(|thousands| thousands * 1000).find(free).expect("six free ports")
}

mod tests {
    use super::*;
    use crate::kit::smtp::submit_by_hand;

    fn mail(id: &str) -> String {
        format!("From: kit@test.local\r\nSubject: by hand\r\nMessage-ID: <{id}@test.local>\r\n\r\n..a dot\r\nthe end")
    }

    #[test]
    fn a_mail_handed_to_the_kits_server_is_read_back_over_imap() {
        let Some(server) = mail_server() else { return };
        let heard = submit_by_hand(server.smtp(), "by-hand@test.local", &mail("1"));
        assert!(heard.iter().any(|line| line.starts_with("250 2.0.0")), "{heard:?}");
        submit_by_hand(server.smtp(), "by-hand@test.local", &mail("2"));
        let inbox = server.inbox("by-hand@test.local", 2);
        assert_eq!(inbox.len(), 2);
        assert_eq!(inbox[0].subject(), "by hand");
        assert_eq!(inbox[0].text().as_deref(), Some(".a dot\r\nthe end\r\n"));
    }

    #[test]
    fn the_kits_server_relays_nothing_and_asks_for_tls_and_a_login() {
        let Some(server) = mail_server() else { return };
        let heard = submit_by_hand(server.smtp(), "someone@example.org", &mail("1"));
        assert!(heard.iter().any(|line| line.starts_with("554 5.7.1")), "{heard:?}");
        let heard = submit_by_hand(server.submission(), "by-hand@test.local", &mail("1"));
        assert!(heard.iter().any(|line| line.starts_with("530 5.7.0")), "{heard:?}");
        assert!(server.authority().exists());
        assert!(std::net::TcpStream::connect(("127.0.0.1", server.smtps())).is_ok());
    }

    #[test]
    fn a_mail_box_that_looks_for_duplicates_keeps_one_of_two_equal_mails() {
        let Some(server) = mail_server() else { return };
        for id in ["1", "1", "2"] {
            submit_by_hand(server.smtp(), "dedupe-kit@test.local", &mail(id));
        }
        let ids: Vec<String> = server.inbox("dedupe-kit@test.local", 2).iter().map(|m| m.message_id().to_owned()).collect();
        assert_eq!(ids, ["1@test.local", "2@test.local"]);
    }
}
