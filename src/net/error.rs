//! Why a request had no answer, in variants of what the caller can do differently. Goes in: what the HTTP library
//! says. Comes out: [`HttpError`], with the innermost cause in words and without secrets.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use super::tls;
use super::{Proxy, Refused, Target};
use crate::units::ByteSize;

/// Why a request had no answer, or none that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The address guard refuses all addresses of the host.
    #[error("the address guard refuses `{host}`: {}", reasons(refused))]
    Refused {
        /// The host as it stands in the URL.
        host: String,
        /// Its addresses.
        refused: Vec<Refused>,
    },
    /// No request can be sent to this URL.
    #[error("`{url}` is not fetched: {why}")]
    Unfit {
        /// The URL, without secrets.
        url: String,
        /// Why not.
        why: String,
    },
    /// The host's name has no address.
    #[error("cannot find `{host}`: {cause}")]
    Dns {
        /// The name.
        host: String,
        /// What the resolver said.
        cause: String,
    },
    /// No connection was made.
    #[error("cannot connect to {place}: {cause}")]
    Connect {
        /// Host and port.
        place: String,
        /// What the system said.
        cause: String,
    },
    /// The connection could not be made a safe one.
    #[error("no safe connection to {place}: {cause}")]
    Tls {
        /// Host and port.
        place: String,
        /// What is wrong.
        cause: String,
        /// The next step.
        help: Option<String>,
        /// The server's certificate has expired.
        expired: bool,
    },
    /// The time for the request, or for a part of it, was over.
    #[error("{}", lateness(host, *phase, *limit))]
    Timeout {
        /// The host.
        host: String,
        /// The time there was.
        limit: Duration,
        /// The answer's status, where its head had come.
        status: Option<u16>,
        /// What it was waited for.
        phase: Phase,
    },
    /// The answer's body is larger than it may be.
    #[error("the answer of {host} is larger than {}", ByteSize::from_bytes(*limit))]
    TooLarge {
        /// The host.
        host: String,
        /// The limit in decoded bytes.
        limit: u64,
        /// The answer's status.
        status: u16,
    },
    /// The answer's body ended too soon.
    #[error("the answer of {host} broke off: {cause}")]
    Cut {
        /// The host.
        host: String,
        /// How.
        cause: String,
        /// The answer's status.
        status: u16,
    },
    /// The answer's body cannot be decoded.
    #[error("the answer of {host} cannot be decoded: {cause}")]
    Coding {
        /// The host.
        host: String,
        /// Why.
        cause: String,
        /// The answer's status.
        status: u16,
    },
    /// What came is no answer.
    #[error("{host} gave no answer: {cause}")]
    Protocol {
        /// The host.
        host: String,
        /// What came instead.
        cause: String,
    },
}

/// What a request waited for when its time was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The head of the answer; where it is the connection, that is [`HttpError::Connect`].
    Head,
    /// The end of the body, which was still coming.
    Body,
    /// The next byte of the body.
    Silence,
}

impl HttpError {
    /// Whether the server may have received the request. `false` only where it certainly has not.
    #[must_use]
    pub fn was_sent(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Unfit { .. } | Self::Dns { .. } | Self::Connect { .. } | Self::Tls { .. } => false,
            Self::Timeout { .. } | Self::TooLarge { .. } | Self::Cut { .. } | Self::Coding { .. } | Self::Protocol { .. } => true,
        }
    }

    /// The answer's status, where its head had come before the trouble did.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Timeout { status, .. } => *status,
            Self::TooLarge { status, .. } | Self::Cut { status, .. } | Self::Coding { status, .. } => Some(*status),
            Self::Refused { .. }
            | Self::Unfit { .. }
            | Self::Dns { .. }
            | Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Protocol { .. } => None,
        }
    }

    /// The next step, where there is one.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Refused { refused, .. } => Refused::help(refused),
            Self::Tls { help, .. } => help.clone(),
            Self::Connect { cause, .. } if cause == WANTS_LOGIN || cause == WRONG_LOGIN => {
                Some("write the login into `proxy`: `proxy = \"http://NAME:PASSWORD@HOST:PORT\"`".to_owned())
            }
            Self::Unfit { .. }
            | Self::Dns { .. }
            | Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::TooLarge { .. }
            | Self::Cut { .. }
            | Self::Coding { .. }
            | Self::Protocol { .. } => None,
        }
    }

    /// Why there was no head of an answer.
    pub(super) fn before_the_answer(
        error: &reqwest::Error,
        target: &Target,
        proxy: Option<&Proxy>,
        connect_limit: Duration,
    ) -> Self {
        let causes = causes(error);
        if let Some(AllRefused(refused)) = causes.iter().find_map(|cause| cause.downcast_ref()) {
            return Self::Refused { host: target.host(), refused: refused.clone() };
        }
        let cause = innermost(&causes);
        let place = match proxy {
            Some(proxy) => format!("{} by way of the proxy {}", target.place(), proxy.place()),
            None => target.place(),
        };
        // A server may ask for a certificate of ours after the connection was made: then it refuses the request.
        if let Some(tls) = causes.iter().find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
            return Self::Tls { place, cause: tls::explain(tls), help: tls::help(tls), expired: tls::has_expired(tls) };
        }
        match (error.is_dns(), proxy) {
            (true, None) => return Self::Dns { host: target.host(), cause },
            (true, Some(_)) => return Self::Connect { place, cause: format!("a name has no address: {cause}") },
            (false, _) => {}
        }
        if !error.is_connect() {
            return Self::Protocol { host: target.host(), cause };
        }
        let cause = if error.is_timeout() { format!("no answer within {}", seconds(connect_limit)) } else { cause };
        Self::Connect { place, cause }
    }

    /// Why the body did not come whole.
    pub(super) fn within_the_body(error: &reqwest::Error, host: String, status: u16) -> Self {
        Self::Cut { host, cause: innermost(&causes(error)), status }
    }
}

/// What the resolver answers where no address is left: carried through the HTTP library as a cause.
#[derive(Debug, thiserror::Error)]
#[error("every address is refused")]
pub(super) struct AllRefused(pub(super) Vec<Refused>);

fn reasons(refused: &[Refused]) -> String {
    let mut text = String::new();
    for (place, one) in refused.iter().enumerate() {
        // Writing into a string does not fail.
        write!(text, "{}{one}", if place > 0 { ", " } else { "" }).ok();
    }
    text
}

fn lateness(host: &str, phase: Phase, limit: Duration) -> String {
    let limit = seconds(limit);
    match phase {
        Phase::Head => format!("no answer from {host} within {limit}"),
        Phase::Body => format!("the answer of {host} did not end within {limit}"),
        Phase::Silence => format!("the answer of {host} stopped in its middle: nothing more came for {limit}"),
    }
}

/// `30 s`, `250 ms`.
pub(super) fn seconds(time: Duration) -> String {
    if time.subsec_millis() == 0 { format!("{} s", time.as_secs()) } else { format!("{} ms", time.as_millis()) }
}

/// An error and all that caused it. `io::Error` skips the error inside when asked for its source: it is asked twice.
pub(super) fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut all = vec![error];
    while let Some(last) = all.last().copied() {
        let inner = last.downcast_ref::<io::Error>().and_then(|e| e.get_ref()).map(|e| e as &(dyn Error + 'static));
        match inner.or_else(|| last.source()) {
            Some(next) => all.push(next),
            None => break,
        }
    }
    all
}

/// The innermost cause, without the system's error number and the library's own words before it.
fn innermost(causes: &[&(dyn Error + 'static)]) -> String {
    let Some(last) = causes.last() else { return String::new() };
    if let Some(system) = causes.iter().rev().find_map(|cause| cause.downcast_ref::<io::Error>())
        && let Some(words) = words_for(system.kind())
    {
        return words.to_owned();
    }
    if let Some(words) = causes.iter().find_map(|cause| cause.downcast_ref::<h2::Error>()).and_then(words_for_http_2) {
        return words;
    }
    if let Some(words) = causes.iter().find_map(|cause| cause.downcast_ref::<hyper::Error>()).and_then(words_for_http_1) {
        return words;
    }
    let text = last.to_string();
    if let Some(words) = words_for_proxy(&text) {
        return words;
    }
    let text = text.split(" (os error").next().unwrap_or_default();
    let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(text);
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

const WANTS_LOGIN: &str = "the proxy wants a login";
const WRONG_LOGIN: &str = "the proxy does not accept the login";

/// What a proxy said or did instead of leading on. The library's errors cannot be told apart but by their words.
fn words_for_proxy(text: &str) -> Option<String> {
    let words = if let Some(tunnel) = text.strip_prefix("tunnel error: ") {
        match tunnel {
            "proxy authorization required" => WANTS_LOGIN,
            "unsuccessful" => "the proxy refuses to lead there",
            "proxy response headers too long" => "the proxy's answer is too long",
            _ => "the proxy broke off",
        }
    } else {
        match text.strip_prefix("SOCKS error: ")? {
            "server does not support user/pass authentication" => WANTS_LOGIN,
            "credentials not accepted" => WRONG_LOGIN,
            "connection not allowed" => "the proxy refuses to lead there",
            "network unreachable" => "the proxy finds the network unreachable",
            "host unreachable" => "the proxy cannot reach the host",
            "connection refused" => "the proxy found the connection refused",
            "ttl expired" => "the proxy had no answer in time",
            "address type not supported" => "the proxy takes no address of this kind",
            "general server failure" => "the proxy had a failure of its own",
            "could not resolve to acceptable address type" => "the host has no address that the proxy takes",
            "host address is more than 255 characters" => "the host's name is too long for the proxy",
            "io error during SOCKS handshake" => "the proxy broke off",
            _ => "the proxy does not speak SOCKS5 as it should",
        }
    };
    Some(words.to_owned())
}

/// What was wrong with the head of an answer; of its body, the causes of the error say it.
fn words_for_http_1(error: &hyper::Error) -> Option<String> {
    if error.is_incomplete_message() {
        Some("the connection was closed before the answer was complete".to_owned())
    } else if error.is_parse() {
        let text = error.to_string();
        Some(format!("its header cannot be read: {}", text.strip_suffix(" parsed").unwrap_or(&text)))
    } else {
        None
    }
}

/// Who ended what, and the code it gave (RFC 9113 section 7).
fn words_for_http_2(error: &h2::Error) -> Option<String> {
    let reason = error.reason()?;
    let what = match (error.is_remote(), error.is_go_away()) {
        (true, true) => "the server ended the connection",
        (true, false) => "the server ended it",
        (false, _) => "it breaks the rules of HTTP/2",
    };
    Some(format!("{what} ({reason:?})"))
}

fn words_for(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::ConnectionRefused => Some("connection refused"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => Some("the connection was reset"),
        io::ErrorKind::BrokenPipe => Some("the connection was closed"),
        io::ErrorKind::HostUnreachable => Some("there is no route to it"),
        io::ErrorKind::NetworkUnreachable => Some("the network is unreachable"),
        io::ErrorKind::TimedOut => Some("it did not respond"),
        io::ErrorKind::UnexpectedEof => Some("the connection was closed too soon"),
        _ => None,
    }
}
