//! An SMTP client (RFC 5321). Goes in: a [`Server`], a [`Login`], envelopes and finished mails. Comes out: what the
//! server calls each mail it took, or an [`SmtpError`] that says at which [`Stage`] it failed and whether the mail may
//! have arrived all the same. Knows nothing of feeds, queues or what an answer means for them.
//!
//! [`Session::open`] connects, insists on TLS where it is asked for, and logs in; [`Session::send`] hands over one mail.

mod auth;
mod error;
mod message;
mod reply;
mod send;
mod session;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

pub use error::{Against, SmtpError, TlsFault};
pub use reply::Reply;
pub use send::{Accepted, Envelope};
pub use session::Session;

use crate::secret::Secret;

/// Where a server is, and how it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name or address; the name its certificate must carry.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// Further roots to trust, as PEM.
    pub ca_file: Option<PathBuf>,
    /// How long it may take.
    pub limits: Limits,
}

/// How a connection is protected. There is no "if possible": who can touch the connection could make it impossible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// In the clear until STARTTLS, which must be offered (RFC 3207).
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Implicit,
    /// In the clear; only to this machine.
    None,
}

/// How long each step may take: all of it, not each read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For a connection to be made, over all of the host's addresses.
    pub connect: Duration,
    /// For all that comes after it until mails can be sent: greeting, TLS, login.
    pub opening: Duration,
    /// For each answer, and for all answers of one turn together.
    pub command: Duration,
    /// For each block of a mail's text to leave.
    pub block: Duration,
    /// For a mail's text to be taken: servers scan it while the client waits.
    pub acceptance: Duration,
}

impl Limits {
    /// The limits that follow from one: how long an answer may take. None is longer than RFC 5321 section 4.5.3.2 asks a client
    /// to wait.
    #[must_use]
    pub fn of(answer: Duration) -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            connect: answer.min(Duration::from_secs(30)),
            opening: answer.saturating_mul(3).min(minutes(5)),
            command: answer.min(minutes(5)),
            block: answer.min(minutes(3)),
            // To give up early makes second copies (RFC 1047).
            acceptance: answer.saturating_mul(10).min(minutes(10)),
        }
    }
}

/// Who logs in, and by which mechanism.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub username: String,
    /// The user's password, or a token that stands for it.
    pub secret: Secret,
    /// The mechanism.
    pub mechanism: Mechanism,
}

/// A SASL mechanism (RFC 4422).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// For a password: PLAIN where it is offered, else LOGIN.
    Password,
    /// PLAIN (RFC 4616).
    Plain,
    /// LOGIN, which no RFC describes and some servers offer alone.
    Login,
    /// For a token: OAUTHBEARER where it is offered, else XOAUTH2.
    Token,
    /// OAUTHBEARER (RFC 7628).
    OauthBearer,
    /// XOAUTH2, which came before it; some servers offer it alone.
    XOauth2,
}

/// The step of a conversation at which something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The server's first line.
    Greeting,
    /// EHLO.
    Ehlo,
    /// STARTTLS.
    StartTls,
    /// The TLS handshake.
    Tls,
    /// AUTH.
    Auth,
    /// MAIL, with the sender.
    Sender(String),
    /// RCPT, with the recipient.
    Recipient(String),
    /// DATA, before any of the mail was sent.
    Data,
    /// The mail's text, before its final dot was out.
    Text,
    /// After the final dot: the mail may be the server's.
    Final,
    /// NOOP.
    Noop,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Greeting => f.write_str("the connection"),
            Self::Ehlo => f.write_str("the introduction (EHLO)"),
            Self::StartTls => f.write_str("STARTTLS"),
            Self::Tls => f.write_str("the TLS handshake"),
            Self::Auth => f.write_str("the login"),
            Self::Sender(address) => write!(f, "the sender `{address}`"),
            Self::Recipient(address) => write!(f, "the recipient `{address}`"),
            Self::Data => f.write_str("the mail before its text (DATA)"),
            Self::Text => f.write_str("the mail's text"),
            Self::Final => f.write_str("the mail"),
            Self::Noop => f.write_str("NOOP"),
        }
    }
}
