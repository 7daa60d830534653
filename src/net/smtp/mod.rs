//! An SMTP client (RFC 5321). Goes in: a [`Server`], a [`Login`], envelopes and finished mails. Comes out: what the
//! server calls each mail it took, or an [`SmtpError`] that says at which [`Stage`] it failed and whether the mail may
//! have arrived all the same. Knows nothing of feeds, queues or what an answer means for them.
//!
//! [`Session::open`] connects, insists on TLS where it is asked for, and logs in; [`Session::send`] hands over one mail.

mod auth;
mod message;
mod reply;
mod send;
mod session;
#[cfg(test)]
pub(crate) mod testing;
mod wire;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

pub use reply::Reply;
pub use send::{Accepted, Envelope};
pub use session::Session;

use super::tls::TlsError;
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
    /// For each answer.
    pub command: Duration,
    /// For a mail's text to be taken: servers scan it while the client waits (RFC 5321 section 4.5.3.2.6).
    pub acceptance: Duration,
}

/// Who logs in, and by which mechanism.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub username: String,
    /// The user's password.
    pub password: Secret,
    /// The mechanism.
    pub mechanism: Mechanism,
}

/// A SASL mechanism (RFC 4422).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// PLAIN where it is offered, else LOGIN.
    Auto,
    /// PLAIN (RFC 4616).
    Plain,
    /// LOGIN, which no RFC describes and some servers offer alone.
    Login,
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

/// Why a connection could not be had or a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SmtpError {
    /// The host has no address.
    #[error("cannot find the host `{host}`: {cause}")]
    Resolve {
        /// The host.
        host: String,
        /// What the system said.
        cause: String,
    },
    /// None of its addresses answers.
    #[error("cannot connect to {place}: {cause}")]
    Connect {
        /// The host and port.
        place: String,
        /// What the system said of the last address.
        cause: String,
    },
    /// `tls = "none"` is for this machine alone.
    #[error("`{host}` is at {address}, which is not this machine, and `tls = \"none\"` sends everything in the clear")]
    NotLoopback {
        /// The host.
        host: String,
        /// Its address.
        address: IpAddr,
    },
    /// STARTTLS was asked for and is not offered.
    #[error("the server offers no STARTTLS, so nothing was sent to it in the clear")]
    NoStartTls,
    /// Bytes came in the clear that would have been taken for answers under TLS (CVE-2011-0411).
    #[error("data came in the clear after STARTTLS: someone may be tampering with the connection")]
    Injected,
    /// There is no trust to begin with.
    #[error(transparent)]
    Trust(#[from] TlsError),
    /// The handshake failed.
    #[error("no TLS with the server: {cause}")]
    Handshake {
        /// What is wrong, in TLS's words.
        cause: String,
        /// Its certificate is to blame.
        certificate: bool,
    },
    /// The server knows no mechanism that we may use.
    #[error("the server offers no login by {wanted} (it offers {offered})")]
    NoMechanism {
        /// What was asked for.
        wanted: &'static str,
        /// What the server offers.
        offered: String,
    },
    /// The server said no: for now (4xx) or for good (5xx).
    #[error("the server refused {stage}: {reply}")]
    Refused {
        /// What it refused.
        stage: Stage,
        /// What it said.
        reply: Reply,
    },
    /// The server did not answer.
    #[error("no answer from the server within {} s, at {stage}", limit.as_secs())]
    TimedOut {
        /// What it was asked.
        stage: Stage,
        /// For how long.
        limit: Duration,
    },
    /// The connection ended.
    #[error("the connection broke at {stage}: {cause}")]
    Cut {
        /// How far it had come.
        stage: Stage,
        /// What the system said.
        cause: String,
    },
    /// The server's answer is none.
    #[error("the server's answer at {stage} is not SMTP: {what}")]
    Garbled {
        /// What it was asked.
        stage: Stage,
        /// What is wrong with its answer.
        what: String,
    },
    /// The mail is larger than the server takes.
    #[error("the mail has {size} bytes and the server takes at most {limit}")]
    TooLarge {
        /// The mail's size.
        size: u64,
        /// The server's limit.
        limit: u64,
    },
    /// The mail would not survive the wire, or would become several (SMTP smuggling).
    #[error("the mail has {0}, which cannot be sent by SMTP")]
    Unsendable(&'static str),
    /// The envelope has an address that SMTP cannot carry.
    #[error("`{0}` is not an address that can be sent by SMTP")]
    BadAddress(String),
}

impl SmtpError {
    /// Whether the server may have taken the mail although it did not say so.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        matches!(
            self,
            Self::TimedOut { stage: Stage::Final, .. }
                | Self::Cut { stage: Stage::Final, .. }
                | Self::Garbled { stage: Stage::Final, .. }
        )
    }

    /// Whether the server had ended the connection before it was asked anything about this mail: it may be asked anew.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Cut { stage, .. } => matches!(stage, Stage::Sender(_)),
            Self::Refused { stage, reply } => matches!(stage, Stage::Sender(_)) && reply.code == reply::CLOSING,
            Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::NotLoopback { .. }
            | Self::NoStartTls
            | Self::Injected
            | Self::Trust(_)
            | Self::Handshake { .. }
            | Self::NoMechanism { .. }
            | Self::TimedOut { .. }
            | Self::Garbled { .. }
            | Self::TooLarge { .. }
            | Self::Unsendable(_)
            | Self::BadAddress(_) => false,
        }
    }

    /// Whether the next mail may go over the same connection.
    fn leaves_session_open(&self) -> bool {
        match self {
            Self::Refused { reply, .. } => reply.code != reply::CLOSING,
            Self::TooLarge { .. } | Self::Unsendable(_) | Self::BadAddress(_) => true,
            Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::NotLoopback { .. }
            | Self::NoStartTls
            | Self::Injected
            | Self::Trust(_)
            | Self::Handshake { .. }
            | Self::NoMechanism { .. }
            | Self::TimedOut { .. }
            | Self::Cut { .. }
            | Self::Garbled { .. } => false,
        }
    }

    /// The next step, for a person.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Trust(error) => return error.help(),
            Self::NotLoopback { .. } => Some("use `tls = \"starttls\"` or `tls = \"implicit\"`"),
            Self::NoStartTls => Some("try `tls = \"implicit\"` with port 465"),
            Self::TimedOut { stage: Stage::Greeting, .. } => {
                Some("a server that begins with TLS wants `tls = \"implicit\"`, mostly on port 465")
            }
            Self::Handshake { certificate: true, .. } => {
                Some("a certificate of your own authority is trusted by `ca_file`; `host` must be a name that it carries")
            }
            Self::Handshake { certificate: false, .. } => {
                Some("a server that begins in the clear wants `tls = \"starttls\"`, mostly on port 587")
            }
            Self::NoMechanism { .. } => Some("`auth` says which login to use; without `username` there is none"),
            Self::Refused { stage: Stage::Auth, .. } => Some("check `username` and where the password comes from"),
            Self::Resolve { .. } | Self::Connect { .. } => Some("check `host` and `port`"),
            Self::Refused { .. }
            | Self::TimedOut { .. }
            | Self::Cut { .. }
            | Self::Garbled { .. }
            | Self::Injected
            | Self::TooLarge { .. }
            | Self::Unsendable(_)
            | Self::BadAddress(_) => None,
        };
        help.map(str::to_owned)
    }
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
