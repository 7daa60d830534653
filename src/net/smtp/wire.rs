//! The connection under a conversation: whole answers and whole writes, each with one limit for all of it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::reply::Reply;
use super::{SmtpError, Stage, TlsFault};
use crate::net::tls;

/// RFC 5321 allows 512 octets a line; some servers say more.
const MAX_LINE: usize = 2048;
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// The moment by which a step must be done; several steps may share one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    at: Instant,
    /// The time that there was for it, for messages.
    whole: Duration,
}

impl Deadline {
    /// So much time from now on.
    pub(super) fn after(whole: Duration) -> Self {
        Self { at: Instant::now() + whole, whole }
    }

    /// So much time from now on, but not past this deadline.
    pub(super) fn for_step(self, step: Duration) -> Self {
        let step = Self::after(step);
        if step.at < self.at { step } else { self }
    }

    /// What is left of it.
    pub(super) fn left(self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    fn is_missed(self, stage: &Stage) -> SmtpError {
        SmtpError::TimedOut { stage: stage.clone(), limit: self.whole }
    }
}

/// A connection, and what came over it that nobody has read yet.
#[derive(Debug)]
pub(super) struct Wire {
    line: Line,
    alarm: Alarm,
}

#[derive(Debug)]
struct Line {
    stream: Stream,
    received: Vec<u8>,
}

/// One timer for all steps. It goes off at the deadline or before it, and is then set anew: to make one for each step would wake
/// another thread each time, which takes as long as the step itself.
#[derive(Debug)]
struct Alarm(Pin<Box<Sleep>>);

impl Alarm {
    /// What comes of `work`; nothing where it has not ended by then.
    async fn race<T>(&mut self, limit: Deadline, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        if self.0.is_elapsed() || self.0.deadline() > limit.at {
            self.0.as_mut().reset(limit.at);
        }
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = self.0.as_mut() => {
                    if limit.left().is_zero() {
                        return None;
                    }
                    self.0.as_mut().reset(limit.at);
                }
            }
        }
    }
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self::over(Stream::Plain(stream))
    }

    fn over(stream: Stream) -> Self {
        let line = Line { stream, received: Vec::new() };
        Self { line, alarm: Alarm(Box::pin(sleep_until(Instant::now()))) }
    }

    /// Whether something came that nobody asked for.
    pub(super) fn has_unread(&self) -> bool {
        !self.line.received.is_empty()
    }

    /// The version of TLS that protects it.
    pub(super) fn tls_version(&self) -> Option<&'static str> {
        match &self.line.stream {
            Stream::Plain(_) => None,
            Stream::Tls(stream) => match stream.get_ref().1.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_3) => Some("TLS 1.3"),
                Some(rustls::ProtocolVersion::TLSv1_2) => Some("TLS 1.2"),
                Some(_) | None => Some("TLS"),
            },
        }
    }

    /// The same connection under TLS.
    pub(super) async fn protected(self, host: &str, trust: Arc<ClientConfig>, limit: Deadline) -> Result<Self, SmtpError> {
        // Bytes that came before the handshake must never be taken for answers after it.
        if self.has_unread() {
            return Err(SmtpError::Injected);
        }
        let failed = |cause: String| SmtpError::Handshake { cause, fault: TlsFault::Other };
        let name = ServerName::try_from(host.to_owned()).map_err(|e| failed(e.to_string()))?;
        let stream = match self.line.stream {
            Stream::Plain(stream) => stream,
            Stream::Tls(_) => return Err(failed("it is there already".to_owned())),
        };
        match timeout_at(limit.at, TlsConnector::from(trust).connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(Self::over(Stream::Tls(Box::new(stream)))),
            Ok(Err(error)) => Err(match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(inner) => SmtpError::Handshake { cause: tls::explain(inner), fault: fault_of(inner) },
                None => failed(cause_of(&error)),
            }),
            Err(_) => Err(limit.is_missed(&Stage::Tls)),
        }
    }

    /// The next answer.
    pub(super) async fn reply(&mut self, stage: &Stage, limit: Deadline) -> Result<Reply, SmtpError> {
        match self.alarm.race(limit, self.line.whole_reply(stage)).await {
            Some(reply) => reply,
            None => Err(limit.is_missed(stage)),
        }
    }

    /// Hands all of `bytes` to the system. Where this fails, the last of them was not sent.
    pub(super) async fn write(&mut self, bytes: &[u8], stage: &Stage, limit: Deadline) -> Result<(), SmtpError> {
        let write = async {
            match &mut self.line.stream {
                Stream::Plain(stream) => stream.write_all(bytes).await,
                Stream::Tls(stream) => stream.write_all(bytes).await,
            }
        };
        finished(self.alarm.race(limit, write).await, stage, limit)
    }

    /// Sends what TLS still holds back.
    pub(super) async fn flush(&mut self, stage: &Stage, limit: Deadline) -> Result<(), SmtpError> {
        let flush = async {
            match &mut self.line.stream {
                Stream::Plain(stream) => stream.flush().await,
                Stream::Tls(stream) => stream.flush().await,
            }
        };
        finished(self.alarm.race(limit, flush).await, stage, limit)
    }

    /// Says QUIT and closes, as far as the server goes along: nothing depends on its answer any more.
    pub(super) async fn quit(mut self) {
        let limit = Deadline::after(FAREWELL);
        let farewell = async {
            if self.write(b"QUIT\r\n", &Stage::Noop, limit).await.is_ok()
                && self.flush(&Stage::Noop, limit).await.is_ok()
                && self.reply(&Stage::Noop, limit).await.is_ok()
            {
                match &mut self.line.stream {
                    Stream::Plain(stream) => stream.shutdown().await.ok(),
                    Stream::Tls(stream) => stream.shutdown().await.ok(),
                };
            }
        };
        timeout(FAREWELL, farewell).await.ok();
    }
}

impl Line {
    async fn whole_reply(&mut self, stage: &Stage) -> Result<Reply, SmtpError> {
        let garbled = |what: &str| SmtpError::Garbled { stage: stage.clone(), what: what.to_owned() };
        let (mut reply, mut last) = Reply::begin(&self.next(stage).await?).map_err(garbled)?;
        while !last {
            last = reply.go_on(&self.next(stage).await?).map_err(garbled)?;
        }
        Ok(reply)
    }

    async fn next(&mut self, stage: &Stage) -> Result<Vec<u8>, SmtpError> {
        loop {
            let end = self.received.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            if end.unwrap_or(self.received.len()) > MAX_LINE {
                let what = format!("a line of more than {MAX_LINE} bytes");
                return Err(SmtpError::Garbled { stage: stage.clone(), what });
            }
            if let Some(end) = end {
                return Ok(self.received.drain(..end).collect());
            }
            let mut chunk = [0; MAX_LINE];
            let read = match &mut self.stream {
                Stream::Plain(stream) => stream.read(&mut chunk).await,
                Stream::Tls(stream) => stream.read(&mut chunk).await,
            };
            match read {
                Ok(0) => return Err(cut(stage, "the server closed it".to_owned())),
                Ok(length) => self.received.extend_from_slice(&chunk[..length]),
                Err(error) => return Err(cut(stage, cause_of(&error))),
            }
        }
    }
}

fn finished(ended: Option<io::Result<()>>, stage: &Stage, limit: Deadline) -> Result<(), SmtpError> {
    match ended {
        Some(Ok(())) => Ok(()),
        Some(Err(error)) => Err(cut(stage, cause_of(&error))),
        None => Err(limit.is_missed(stage)),
    }
}

fn fault_of(error: &rustls::Error) -> TlsFault {
    use rustls::CertificateError as Bad;
    match error {
        rustls::Error::InvalidCertificate(Bad::UnknownIssuer) => TlsFault::Issuer,
        rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => TlsFault::Expired,
        rustls::Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => TlsFault::Name,
        rustls::Error::InvalidCertificate(_) => TlsFault::Certificate,
        rustls::Error::AlertReceived(_) | rustls::Error::PeerIncompatible(_) => TlsFault::Refused,
        rustls::Error::InvalidMessage(_) => TlsFault::NotTls,
        _ => TlsFault::Other,
    }
}

fn cut(stage: &Stage, cause: String) -> SmtpError {
    SmtpError::Cut { stage: stage.clone(), cause }
}

/// What an I/O error says, without its number.
pub(super) fn cause_of(error: &io::Error) -> String {
    match (error.kind(), error.raw_os_error()) {
        (io::ErrorKind::UnexpectedEof, _) => "the server closed it".to_owned(),
        (kind, Some(_)) if kind.to_string() != "uncategorized error" => kind.to_string(),
        (_, _) => error.to_string(),
    }
}
