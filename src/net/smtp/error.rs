//! What can go wrong between a client and a mail server, how far it had come by then, and the next step.

use std::net::IpAddr;
use std::time::Duration;

use super::reply::{self, Reply};
use super::{Stage, Tls};
use crate::net::tls::TlsError;

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
        /// What is to blame.
        fault: TlsFault,
    },
    /// The server speaks TLS at another moment than it was expected to.
    #[error("{}", wrong_tls(*port, *wants))]
    WrongTls {
        /// Its port.
        port: u16,
        /// How it is to be spoken to there.
        wants: Tls,
    },
    /// The server begins in the clear where TLS was expected, and does not offer it later either.
    #[error("the server offers no TLS on port {port}, neither from the beginning nor by STARTTLS")]
    NoTls {
        /// Its port.
        port: u16,
        /// Why mails may not go to it in the clear.
        against: Option<Against>,
    },
    /// The server knows no mechanism that we may use.
    #[error("the server offers no login by {wanted} (it offers {})", list(offered))]
    NoMechanism {
        /// What was asked for.
        wanted: &'static str,
        /// What the server offers.
        offered: Vec<String>,
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
    #[error("no answer from the server within {} s, at {stage}", limit.as_secs().max(1))]
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
    /// An address has letters beyond ASCII before its `@`, and the server does not know such addresses (RFC 6531).
    #[error("the server takes no address like `{address}`, with letters beyond ASCII before the `@` (it offers no SMTPUTF8)")]
    NoUtf8 {
        /// The address.
        address: String,
        /// It is the sender's.
        sender: bool,
    },
}

/// What speaks against going without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The server is on another machine.
    Elsewhere,
    /// A password or a token would go along.
    Login,
}

/// What is to blame for a handshake that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFault {
    /// The server's certificate: nobody who is trusted here vouches for it.
    Issuer,
    /// The server's certificate: its time is over.
    Expired,
    /// The server's certificate: it is for another name.
    Name,
    /// The server's certificate, in another way.
    Certificate,
    /// The server refused, in the words of TLS.
    Refused,
    /// What came is not TLS.
    NotTls,
    /// Something else.
    Other,
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
            | Self::WrongTls { .. }
            | Self::NoTls { .. }
            | Self::NoMechanism { .. }
            | Self::TimedOut { .. }
            | Self::Garbled { .. }
            | Self::TooLarge { .. }
            | Self::Unsendable(_)
            | Self::BadAddress(_)
            | Self::NoUtf8 { .. } => false,
        }
    }

    /// Whether the server refused the login for good: a password or a token that was right before may have changed.
    #[must_use]
    pub fn is_refused_login(&self) -> bool {
        matches!(self, Self::Refused { stage: Stage::Auth, reply } if reply.class() == 5)
    }

    /// Whether the next mail may go over the same connection.
    pub(super) fn leaves_session_open(&self) -> bool {
        match self {
            Self::Refused { reply, .. } => reply.code != reply::CLOSING,
            Self::TooLarge { .. } | Self::Unsendable(_) | Self::BadAddress(_) | Self::NoUtf8 { .. } => true,
            Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::NotLoopback { .. }
            | Self::NoStartTls
            | Self::Injected
            | Self::Trust(_)
            | Self::Handshake { .. }
            | Self::WrongTls { .. }
            | Self::NoTls { .. }
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
            Self::NotLoopback { .. } => "use `tls = \"starttls\"` or `tls = \"implicit\"`",
            Self::NoStartTls => "try `tls = \"implicit\"` with port 465; a server on this machine may go with `tls = \"none\"`",
            Self::WrongTls { wants: Tls::Implicit, .. } => "set `tls = \"implicit\"`",
            Self::WrongTls { .. } => "set `tls = \"starttls\"`",
            Self::NoTls { against: None, .. } => {
                "set `tls = \"none\"`: the server is on this machine, and no login is sent to it"
            }
            Self::NoTls { against: Some(Against::Login), .. } => {
                "try port 465, or port 587 with `tls = \"starttls\"`: a login is not to be sent in the clear"
            }
            Self::NoTls { against: Some(Against::Elsewhere), .. } => {
                "try port 465, or port 587 with `tls = \"starttls\"`: nothing goes to another machine in the clear"
            }
            Self::TimedOut { stage: Stage::Greeting, .. } => "check `host` and `port`: a mail server greets whoever connects",
            Self::Handshake { fault, .. } => fault.help()?,
            Self::NoMechanism { offered, .. } if offered.is_empty() => {
                "mail servers offer a login on port 587 or 465, under TLS; without `username` there is none"
            }
            Self::NoMechanism { offered, .. } if offered.iter().any(|name| matches!(name.as_str(), "PLAIN" | "LOGIN")) => {
                "`auth` says which login to use; \"auto\" with a password takes what there is"
            }
            Self::NoMechanism { offered, .. }
                if offered.iter().any(|name| matches!(name.as_str(), "XOAUTH2" | "OAUTHBEARER")) =>
            {
                "this server wants a token: name the program that prints one in `token_command`, in place of the password"
            }
            Self::NoMechanism { .. } => "`auth` says which login to use; without `username` there is none",
            Self::Refused { stage: Stage::Auth, .. } => "check `username` and where the password or the token comes from",
            Self::Refused { stage: Stage::Ehlo, .. } => "check `port`: this may be no server for sending mail",
            Self::Resolve { .. } | Self::Connect { .. } => "check `host` and `port`",
            Self::NoUtf8 { .. } => "use an address in plain letters; a domain may have any",
            Self::Refused { .. }
            | Self::TimedOut { .. }
            | Self::Cut { .. }
            | Self::Garbled { .. }
            | Self::Injected
            | Self::TooLarge { .. }
            | Self::Unsendable(_)
            | Self::BadAddress(_) => return None,
        };
        Some(help.to_owned())
    }
}

impl TlsFault {
    /// The next step.
    fn help(self) -> Option<&'static str> {
        match self {
            Self::Issuer => Some("if you know its authority, name the authority's certificate in `ca_file`"),
            Self::Expired => Some("whoever runs the server must renew it"),
            Self::Name => Some("`host` must be a name that the certificate carries"),
            Self::Certificate | Self::Refused => None,
            Self::NotTls | Self::Other => Some("check `host` and `port`: this may be no mail server"),
        }
    }
}

fn wrong_tls(port: u16, wants: Tls) -> String {
    match wants {
        Tls::Implicit => format!("the server begins with TLS on port {port}, and not in the clear"),
        Tls::StartTls | Tls::None => format!("the server begins in the clear on port {port}, and not with TLS"),
    }
}

fn list(offered: &[String]) -> String {
    if offered.is_empty() { "none".to_owned() } else { offered.join(", ") }
}
