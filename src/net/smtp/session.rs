//! A conversation with one server: connect, greet, protect, log in; and say farewell.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};

use super::reply::{Offers, Reply};
use super::wire::{Deadline, Wire, cause_of};
use super::{Against, Limits, Login, Server, SmtpError, Stage, Tls, TlsFault, auth};
use crate::net::tls;

/// A server that has not greeted by then may be waiting for TLS, while we wait for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// A server that failed at TLS greets by then if it speaks in the clear; some make whoever connects wait for five seconds.
const SECOND_TRY: Duration = Duration::from_secs(10);

/// A connection that is ready for mails.
#[derive(Debug)]
pub struct Session {
    pub(super) wire: Wire,
    pub(super) offers: Offers,
    pub(super) limits: Limits,
    pub(super) over: bool,
    pub(super) lost: bool,
    /// How many mails it took.
    pub(super) carried: u32,
}

impl Session {
    /// Connects to `server`, which is told `name` as ours, begins TLS where it is asked for, and logs in.
    ///
    /// # Errors
    /// When any of this fails. A password is sent only under TLS, or to this very machine.
    pub async fn open(server: &Server, name: &str, login: Option<&Login>) -> Result<Self, SmtpError> {
        let trust = match server.tls {
            Tls::StartTls | Tls::Implicit => Some(tls::client_config(server.ca_file.as_deref())?),
            Tls::None => None,
        };
        let mut wire = Wire::new(connect(server).await?);
        let whole = Deadline::after(server.limits.opening);
        let step = || whole.for_step(server.limits.command);
        if let (Tls::Implicit, Some(trust)) = (server.tls, &trust) {
            wire = match wire.protected(&server.host, trust.clone(), step()).await {
                Err(error @ SmtpError::Handshake { fault: TlsFault::NotTls | TlsFault::Other, .. }) => {
                    let limit = step().for_step(SECOND_TRY);
                    return Err(begins_in_the_clear(server, name, login.is_some(), limit).await.unwrap_or(error));
                }
                other => other?,
            };
        }
        expect(greeting(&mut wire, server, step()).await?, &Stage::Greeting, 2)?;
        let mut offers = introduce(&mut wire, name, step()).await?;
        if let (Tls::StartTls, Some(trust)) = (server.tls, trust) {
            if !offers.starttls {
                return Err(SmtpError::NoStartTls);
            }
            // An answer that is there before the question was made up by someone on the way.
            if wire.has_unread() {
                return Err(SmtpError::Injected);
            }
            expect(ask(&mut wire, "STARTTLS", &Stage::StartTls, step()).await?, &Stage::StartTls, 2)?;
            wire = wire.protected(&server.host, trust, step()).await?;
            // What was offered in the clear is forgotten (RFC 3207 section 4.2).
            offers = introduce(&mut wire, name, step()).await?;
        }
        if let Some(login) = login {
            auth::log_in(&mut wire, &offers, login, server, step()).await?;
        }
        Ok(Self { wire, offers, limits: server.limits, over: false, lost: false, carried: 0 })
    }

    /// Asks whether the server is still there.
    ///
    /// # Errors
    /// When it does not answer, or with a refusal.
    pub async fn noop(&mut self) -> Result<(), SmtpError> {
        let limit = Deadline::after(self.limits.command);
        expect(ask(&mut self.wire, "NOOP", &Stage::Noop, limit).await?, &Stage::Noop, 2).map(|_| ())
    }

    /// Whether this failure only says that the connection is used up: it ended while it was idle, or has carried as many mails
    /// as the server lets one carry. The same mail may be tried over a new one.
    #[must_use]
    pub fn is_used_up(&self, error: &SmtpError) -> bool {
        let no_more = |reply: &Reply| reply.code == 451 || reply.class() == 4 && reply.is_about(5, 3);
        error.is_stale()
            || self.carried > 0 && matches!(error, SmtpError::Refused { stage: Stage::Sender(_), reply } if no_more(reply))
    }

    /// Whether it can take no more mails.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// How the connection is protected, in words.
    #[must_use]
    pub fn protection(&self) -> &'static str {
        self.wire.tls_version().unwrap_or("in the clear")
    }

    /// Says farewell. Waits two seconds at most.
    pub async fn quit(self) {
        if !self.over {
            self.wire.quit().await;
        }
    }
}

/// Sends one command and waits for its answer.
pub(super) async fn ask(wire: &mut Wire, command: &str, stage: &Stage, limit: Deadline) -> Result<Reply, SmtpError> {
    wire.write(format!("{command}\r\n").as_bytes(), stage, limit).await?;
    wire.flush(stage, limit).await?;
    wire.reply(stage, limit).await
}

/// The answer, if it is of this class.
pub(super) fn expect(reply: Reply, stage: &Stage, class: u16) -> Result<Reply, SmtpError> {
    match reply.class() {
        got if got == class => Ok(reply),
        4 | 5 => Err(SmtpError::Refused { stage: stage.clone(), reply }),
        _ => Err(SmtpError::Garbled { stage: stage.clone(), what: format!("`{reply}` does not belong here") }),
    }
}

async fn introduce(wire: &mut Wire, name: &str, limit: Deadline) -> Result<Offers, SmtpError> {
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    let name = if is_name { name } else { "localhost" };
    let reply = ask(wire, &format!("EHLO {name}"), &Stage::Ehlo, limit).await?;
    Ok(Offers::of(&expect(reply, &Stage::Ehlo, 2)?))
}

/// The server's first answer. Where none comes, or none that is SMTP, it may be waiting for TLS: a second connection tells.
async fn greeting(wire: &mut Wire, server: &Server, limit: Deadline) -> Result<Reply, SmtpError> {
    if server.tls == Tls::Implicit {
        return wire.reply(&Stage::Greeting, limit).await;
    }
    let wrong = || SmtpError::WrongTls { port: server.port, wants: Tls::Implicit };
    match wire.reply(&Stage::Greeting, limit.for_step(PATIENCE.min(limit.left() / 2))).await {
        Err(SmtpError::TimedOut { .. }) => {}
        Err(error @ (SmtpError::Cut { .. } | SmtpError::Garbled { .. })) => {
            return Err(if begins_with_tls(server, limit).await { wrong() } else { error });
        }
        other => return other,
    }
    let answer = wire.reply(&Stage::Greeting, limit);
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        tls = begins_with_tls(server, limit) => if tls { Err(wrong()) } else { answer.await },
    }
}

/// Whether the server answers a handshake in place of a greeting. Nothing but the handshake is sent, and nobody trusted.
async fn begins_with_tls(server: &Server, limit: Deadline) -> bool {
    let (Ok(trust), Ok(Ok(stream))) = (tls::trusting_nobody(), timeout(limit.left(), connect(server)).await) else {
        return false;
    };
    match Wire::new(stream).protected(&server.host, trust.into(), limit).await {
        Ok(_) => true,
        Err(SmtpError::Handshake { fault, .. }) => !matches!(fault, TlsFault::NotTls | TlsFault::Other),
        Err(_) => false,
    }
}

/// What is wrong with a server that did not begin with TLS: a second connection tells what it offers in the clear, where nothing is
/// sent to it but our name. Nothing where it does not speak in the clear either.
async fn begins_in_the_clear(server: &Server, name: &str, has_login: bool, limit: Deadline) -> Option<SmtpError> {
    let stream = timeout(limit.left(), connect(server)).await.ok()?.ok()?;
    let is_here = stream.peer_addr().is_ok_and(|peer| peer.ip().to_canonical().is_loopback());
    let mut wire = Wire::new(stream);
    wire.reply(&Stage::Greeting, limit).await.ok()?;
    let offers = introduce(&mut wire, name, limit).await.unwrap_or_default();
    wire.quit().await;
    let port = server.port;
    let against = match (has_login, is_here) {
        _ if offers.starttls => return Some(SmtpError::WrongTls { port, wants: Tls::StartTls }),
        (true, _) => Some(Against::Login),
        (false, false) => Some(Against::Elsewhere),
        (false, true) => None,
    };
    Some(SmtpError::NoTls { port, against })
}

/// Connects to the first of the host's addresses that answers; each has an equal share of the time that is left.
async fn connect(server: &Server) -> Result<TcpStream, SmtpError> {
    let deadline = Instant::now() + server.limits.connect;
    let unresolved = |cause: String| SmtpError::Resolve { host: server.host.clone(), cause };
    let addresses: Vec<SocketAddr> = match timeout_at(deadline, lookup_host((server.host.as_str(), server.port))).await {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => return Err(unresolved(error.to_string())),
        Err(_) => return Err(unresolved(format!("no answer within {} s", server.limits.connect.as_secs()))),
    };
    if server.tls == Tls::None
        && let Some(address) = addresses.iter().map(|a| a.ip().to_canonical()).find(|ip| !ip.is_loopback())
    {
        return Err(SmtpError::NotLoopback { host: server.host.clone(), address });
    }
    let mut cause = "it has no address".to_owned();
    for (tried, address) in (0_u32..).zip(&addresses) {
        let left = u32::try_from(addresses.len()).unwrap_or(u32::MAX).saturating_sub(tried).max(1);
        let share = deadline.saturating_duration_since(Instant::now()) / left;
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Small writes must not wait for the acknowledgement of earlier ones; if it cannot be set they do, and no more.
                stream.set_nodelay(true).ok();
                return Ok(stream);
            }
            Ok(Err(error)) => cause = cause_of(&error),
            Err(_) => cause = format!("no answer within {} s", server.limits.connect.as_secs()),
        }
    }
    Err(SmtpError::Connect { place: format!("{}:{}", server.host, server.port), cause })
}

#[cfg(test)]
mod tests {
    use super::super::Mechanism;
    use super::super::testing::{Say, Server, impatient, limits};
    use super::*;
    use crate::secret::Secret;

    const AUTH: (&str, Say) = ("EHLO", Say::Line("250-mx\r\n250 AUTH PLAIN LOGIN"));

    async fn open(
        rules: Vec<(&'static str, Say)>,
        tls: Tls,
        mechanism: Option<Mechanism>,
    ) -> (Server, Result<Session, SmtpError>) {
        let server = Server::start(rules).await;
        let login = mechanism.map(|mechanism| Login { username: "me".to_owned(), secret: Secret::new("hunter2"), mechanism });
        let session = Session::open(&server.place(tls, impatient()), "example.net", login.as_ref()).await;
        (server, session)
    }

    #[tokio::test]
    async fn a_login_is_tried_by_the_mechanism_that_is_offered() {
        let ok = Say::Line("235 2.7.0 welcome");
        let (server, session) = open(vec![AUTH, ("AUTH", ok)], Tls::None, Some(Mechanism::Password)).await;
        assert!(session.is_ok());
        assert_eq!(server.commands()[1], "AUTH PLAIN AG1lAGh1bnRlcjI=");

        let rules = vec![AUTH, ("AUTH", Say::Line("334 VXNlcg==")), ("BWU=", Say::Line("334 UGFzcw==")), ("AHVUDGVYMG==", ok)];
        let (server, session) = open(rules, Tls::None, Some(Mechanism::Login)).await;
        assert!(session.is_ok(), "{session:?}");
        assert_eq!(server.commands()[1..], ["AUTH LOGIN", "bWU=", "aHVudGVyMg=="]);

        let (_, session) = open(vec![("EHLO", Say::Line("250 mx"))], Tls::None, Some(Mechanism::Password)).await;
        assert!(matches!(session, Err(SmtpError::NoMechanism { .. })));
    }

    #[tokio::test]
    async fn a_refused_login_says_so_and_never_shows_the_password() {
        let (_, session) = open(vec![AUTH, ("AUTH", Say::Line("535 5.7.8 no"))], Tls::None, Some(Mechanism::Password)).await;
        assert_eq!(session.unwrap_err().to_string(), "the server refused the login: 535 5.7.8 no");
        let quotes = Say::Line("500 what is AUTH PLAIN AG1lAGh1bnRlcjI= for");
        let (_, session) = open(vec![AUTH, ("AUTH", quotes)], Tls::None, Some(Mechanism::Plain)).await;
        assert_eq!(session.unwrap_err().to_string(), "the server refused the login: 500");
    }

    #[tokio::test]
    async fn starttls_is_required_and_what_was_said_before_it_is_not_believed() {
        let (server, session) = open(vec![("EHLO", Say::Line("250 mx"))], Tls::StartTls, Some(Mechanism::Password)).await;
        assert_eq!(session.unwrap_err(), SmtpError::NoStartTls);
        assert_eq!(server.count("AUTH"), 0);

        let offer = ("EHLO", Say::Line("250-mx\r\n250 STARTTLS"));
        let injected = Say::Line("220 go\r\n250-mx\r\n250 AUTH PLAIN");
        let (server, session) = open(vec![offer, ("STARTTLS", injected)], Tls::StartTls, Some(Mechanism::Password)).await;
        assert_eq!(session.unwrap_err(), SmtpError::Injected);
        assert_eq!(server.count("AUTH"), 0);

        let early = ("EHLO", Say::Line("250-mx\r\n250 STARTTLS\r\n220 go"));
        let (server, session) = open(vec![early], Tls::StartTls, None).await;
        assert_eq!(session.unwrap_err(), SmtpError::Injected);
        assert_eq!(server.count("STARTTLS"), 0);

        let (_, session) = open(vec![offer, ("STARTTLS", Say::Line("220 go"))], Tls::StartTls, None).await;
        assert!(matches!(session, Err(SmtpError::Handshake { .. } | SmtpError::TimedOut { .. })), "{session:?}");
    }

    #[tokio::test]
    async fn a_server_that_is_busy_silent_or_endless_is_left_in_time() {
        let (_, session) = open(vec![("greeting", Say::Line("421 4.3.2 busy"))], Tls::None, None).await;
        assert_eq!(session.unwrap_err().to_string(), "the server refused the connection: 421 4.3.2 busy");
        let (_, session) = open(vec![("greeting", Say::Hang)], Tls::None, None).await;
        assert!(matches!(session, Err(SmtpError::TimedOut { stage: Stage::Greeting, .. })));
        for endless in [Say::Endless("x"), Say::Endless("250-x\r\n"), Say::Drip] {
            let (_, session) = open(vec![("EHLO", endless)], Tls::None, None).await;
            assert!(matches!(session, Err(SmtpError::Garbled { .. } | SmtpError::TimedOut { .. })), "{session:?}");
        }
    }

    #[tokio::test]
    async fn nothing_is_sent_in_the_clear_to_another_machine() {
        // 192.0.2.1 is nobody's (RFC 5737); it is refused before anything is sent to it.
        let server = Server::nowhere("192.0.2.1", 25, Tls::None, limits());
        let error = Session::open(&server, "example.net", None).await.unwrap_err();
        assert!(matches!(error, SmtpError::NotLoopback { .. }), "{error}");
    }
}
