//! The connection under a conversation: whole answers and whole writes, each with one limit for all of it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::reply::Reply;
use super::{SmtpError, Stage};
use crate::net::tls;

/// RFC 5321 allows 512 octets a line; some servers say more.
const MAX_LINE: usize = 2048;
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// A connection, and what came over it that nobody has read yet.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    received: Vec<u8>,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream: Stream::Plain(stream), received: Vec::new() }
    }

    /// Whether something came that nobody asked for.
    pub(super) fn has_unread(&self) -> bool {
        !self.received.is_empty()
    }

    /// The version of TLS that protects it.
    pub(super) fn tls_version(&self) -> Option<&'static str> {
        match &self.stream {
            Stream::Plain(_) => None,
            Stream::Tls(stream) => match stream.get_ref().1.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_3) => Some("TLS 1.3"),
                Some(rustls::ProtocolVersion::TLSv1_2) => Some("TLS 1.2"),
                Some(_) | None => Some("TLS"),
            },
        }
    }

    /// The same connection under TLS.
    pub(super) async fn protected(self, host: &str, trust: Arc<ClientConfig>, limit: Duration) -> Result<Self, SmtpError> {
        // Bytes that came before the handshake must never be taken for answers after it.
        if self.has_unread() {
            return Err(SmtpError::Injected);
        }
        let failed = |cause: String| SmtpError::Handshake { cause, certificate: false };
        let name = ServerName::try_from(host.to_owned()).map_err(|e| failed(e.to_string()))?;
        let stream = match self.stream {
            Stream::Plain(stream) => stream,
            Stream::Tls(_) => return Err(failed("it is there already".to_owned())),
        };
        match timeout(limit, TlsConnector::from(trust).connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(Self { stream: Stream::Tls(Box::new(stream)), received: Vec::new() }),
            Ok(Err(error)) => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(inner) => {
                    let certificate = matches!(inner, rustls::Error::InvalidCertificate(_));
                    Err(SmtpError::Handshake { cause: tls::explain(inner), certificate })
                }
                None => Err(failed(cause_of(&error))),
            },
            Err(_) => Err(SmtpError::TimedOut { stage: Stage::Tls, limit }),
        }
    }

    /// The next answer.
    pub(super) async fn reply(&mut self, stage: &Stage, limit: Duration) -> Result<Reply, SmtpError> {
        match timeout(limit, self.whole_reply(stage)).await {
            Ok(reply) => reply,
            Err(_) => Err(SmtpError::TimedOut { stage: stage.clone(), limit }),
        }
    }

    async fn whole_reply(&mut self, stage: &Stage) -> Result<Reply, SmtpError> {
        let garbled = |what: &str| SmtpError::Garbled { stage: stage.clone(), what: what.to_owned() };
        let (mut reply, mut last) = Reply::begin(&self.line(stage).await?).map_err(garbled)?;
        while !last {
            last = reply.go_on(&self.line(stage).await?).map_err(garbled)?;
        }
        Ok(reply)
    }

    async fn line(&mut self, stage: &Stage) -> Result<Vec<u8>, SmtpError> {
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

    /// Hands all of `bytes` to the system. Where this fails, the last of them was not sent.
    pub(super) async fn write(&mut self, bytes: &[u8], stage: &Stage, limit: Duration) -> Result<(), SmtpError> {
        let write = async {
            match &mut self.stream {
                Stream::Plain(stream) => stream.write_all(bytes).await,
                Stream::Tls(stream) => stream.write_all(bytes).await,
            }
        };
        finished(timeout(limit, write).await, stage, limit)
    }

    /// Sends what TLS still holds back.
    pub(super) async fn flush(&mut self, stage: &Stage, limit: Duration) -> Result<(), SmtpError> {
        let flush = async {
            match &mut self.stream {
                Stream::Plain(stream) => stream.flush().await,
                Stream::Tls(stream) => stream.flush().await,
            }
        };
        finished(timeout(limit, flush).await, stage, limit)
    }

    /// Says QUIT and closes, as far as the server goes along: nothing depends on its answer any more.
    pub(super) async fn quit(mut self) {
        let farewell = async {
            if self.write(b"QUIT\r\n", &Stage::Noop, FAREWELL).await.is_ok()
                && self.flush(&Stage::Noop, FAREWELL).await.is_ok()
                && self.reply(&Stage::Noop, FAREWELL).await.is_ok()
            {
                match &mut self.stream {
                    Stream::Plain(stream) => stream.shutdown().await.ok(),
                    Stream::Tls(stream) => stream.shutdown().await.ok(),
                };
            }
        };
        timeout(FAREWELL, farewell).await.ok();
    }
}

fn finished<E>(ended: Result<io::Result<()>, E>, stage: &Stage, limit: Duration) -> Result<(), SmtpError> {
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(cut(stage, cause_of(&error))),
        Err(_) => Err(SmtpError::TimedOut { stage: stage.clone(), limit }),
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
