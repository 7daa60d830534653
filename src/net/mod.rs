//! The only place that opens sockets: the HTTP client, the address guard, TLS, the SMTP client, bounded readers and
//! decoders. Knows how bytes travel, and nothing of feeds or mails.

mod body;
mod error;
pub mod guard;
pub mod http;
mod memory;
mod names;
mod proxy;
#[cfg(test)]
pub(crate) mod scripted;
pub mod smtp;
mod target;
pub mod tls;

pub use error::{HttpError, Phase};
pub use guard::{Guard, Refused};
pub use http::{Client, HttpOptions, Limits, Reply, Request};
pub use memory::{Memory, Room};
pub use proxy::{Proxies, Proxy, ProxyError};
pub use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
pub use reqwest::{Method, StatusCode};
pub use target::Target;
pub use tls::{ClientCertificate, Trust};
