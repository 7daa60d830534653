//! One HTTP request and its answer: no redirect is followed, no cookie kept, no proxy of the environment used. Goes in:
//! a [`Request`] for a checked [`Target`]. Comes out: a [`Reply`] with a decoded, bounded body. Knows no feeds.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Method, Response};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::body::{self, Body, BodyError};
use super::error::{AllRefused, HttpError};
use super::memory::{Memory, Room, Roomy};
use super::target::{Target, check_literal};
use super::{Guard, Refused, tls};

/// The codings that a [`Client`] decodes, for `Accept-Encoding`.
pub const ACCEPTED_CODINGS: &str = body::ACCEPTED;

/// How a client connects.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// The `User-Agent` of every request.
    pub user_agent: String,
    /// The limit for name, connection and TLS together.
    pub connect_timeout: Duration,
    /// Certificate authorities to trust beside the machine's own.
    pub ca_file: Option<PathBuf>,
}

/// What to ask.
#[derive(Debug)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: Method,
    /// Where.
    pub target: Target,
    /// Headers beside `User-Agent` and `Host`. An `Authorization` here goes before the URL's own user name.
    pub headers: HeaderMap,
    /// The body, where there is one.
    pub body: Option<Vec<u8>>,
    /// The largest body of an answer, in decoded bytes.
    pub max_body: u64,
    /// The limit for everything, from the name's address to the body's last byte.
    pub timeout: Duration,
}

/// What was answered.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers, as sent.
    pub headers: HeaderMap,
    /// The body, decoded. Whole where the status is a success; else its beginning.
    pub body: Vec<u8>,
    /// The body's share of the memory for bodies under way.
    pub room: Room,
    /// The URL that answered.
    pub url: Url,
}

/// Sends requests. Cheap until the first one; keep it, so that connections are used again.
pub struct Client {
    guard: Guard,
    options: HttpOptions,
    memory: Option<Arc<Memory>>,
    plain: OnceLock<reqwest::Client>,
    encrypted: OnceLock<reqwest::Client>,
}

/// How much of an error page is read, and for how long: it is a courtesy, and never a trouble of its own.
const ERROR_BODY: u64 = 64 * 1024;
const ERROR_BODY_TIME: Duration = Duration::from_secs(5);
/// Long enough for the next feed of the same host, short enough not to hold a socket for each of a thousand hosts.
const KEEP_IDLE: Duration = Duration::from_secs(15);
const MAX_HEAD: u32 = 64 * 1024;
const WINDOW: u32 = 256 * 1024;

impl Client {
    /// A client for what feeds and pages name: every address passes the guard.
    #[must_use]
    pub fn guarded(guard: Guard, options: &HttpOptions) -> Self {
        Self { guard, options: options.clone(), memory: None, plain: OnceLock::new(), encrypted: OnceLock::new() }
    }

    /// The same, its bodies bounded together with those of all others that share this memory.
    #[must_use]
    pub fn sharing(self, memory: Arc<Memory>) -> Self {
        Self { memory: Some(memory), ..self }
    }

    /// A client for what the user names: no guard.
    #[must_use]
    pub fn open(options: &HttpOptions) -> Self {
        Self::guarded(Guard::open(), options)
    }

    /// A target that this client may send to.
    ///
    /// # Errors
    /// See [`Target::check`].
    pub fn target(&self, url: Url) -> Result<Target, HttpError> {
        Target::check(url, &self.guard)
    }

    /// Sends one request, once, and reads its answer.
    ///
    /// # Errors
    /// When no answer came, or the body of a successful one did not come whole. An error status is an answer.
    pub async fn send(&self, request: Request) -> Result<Reply, HttpError> {
        let Request { method, target, mut headers, body, max_body, timeout } = request;
        let deadline = Instant::now() + timeout;
        let late = |status| HttpError::Timeout { host: target.host(), limit: timeout, status };
        // A target may have been made for another client, whose guard is open.
        check_literal(target.url(), &self.guard)?;
        if let Some(authorization) = target.authorization() {
            headers.entry(AUTHORIZATION).or_insert_with(|| authorization.clone());
        }
        let mut asked = self.client_for(&target)?.request(method, target.url().clone()).headers(headers);
        if let Some(body) = body {
            asked = asked.body(body);
        }
        let mut response = timeout_at(deadline, asked.send())
            .await
            .map_err(|_| late(None))?
            .map_err(|e| HttpError::before_the_answer(&e, &target, self.options.connect_timeout))?;
        let status = response.status();
        let (body, room) = if status.is_success() {
            let (host, late) = (target.host(), || late(Some(status.as_u16())));
            whole_body(&mut response, max_body, &host, self.memory.as_ref(), deadline, late).await?
        } else {
            let until = deadline.min(Instant::now() + ERROR_BODY_TIME);
            (beginning_of_body(&mut response, max_body.min(ERROR_BODY), until).await, Room::default())
        };
        let headers = std::mem::take(response.headers_mut());
        Ok(Reply { status: status.as_u16(), headers, body, room, url: target.url().clone() })
    }

    /// Certificates are read when the first encrypted request is sent: without one, none are needed.
    fn client_for(&self, target: &Target) -> Result<&reqwest::Client, HttpError> {
        let cell = if target.is_encrypted() { &self.encrypted } else { &self.plain };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let failed = |cause: String, help| HttpError::Tls { place: target.place(), cause, help };
        let config = if target.is_encrypted() {
            tls::client_config(self.options.ca_file.as_deref()).map(|config| (*config).clone())
        } else {
            tls::trusting_nobody()
        };
        let config = config.map_err(|error| failed(error.to_string(), error.help()))?;
        let client = self.build(config).map_err(|error| failed(error.to_string(), None))?;
        Ok(cell.get_or_init(|| client))
    }

    fn build(&self, mut config: rustls::ClientConfig) -> reqwest::Result<reqwest::Client> {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        reqwest::Client::builder()
            .user_agent(self.options.user_agent.clone())
            .tls_backend_preconfigured(config)
            .dns_resolver(GuardedNames(self.guard.clone()))
            .connect_timeout(self.options.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            // The environment's proxy would resolve names itself, past the guard.
            .no_proxy()
            .http1_ignore_invalid_headers_in_responses(true)
            .http2_max_header_list_size(MAX_HEAD)
            // What is sent before it is read lies in nobody's share of the memory.
            .http2_initial_stream_window_size(WINDOW)
            .http2_initial_connection_window_size(WINDOW)
            .pool_idle_timeout(KEEP_IDLE)
            .pool_max_idle_per_host(2)
            .build()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("guard", &self.guard).finish_non_exhaustive()
    }
}

/// Reads a body to its end. It must fit, be whole, and be in a coding that can be read. Waiting for memory is no lateness.
async fn whole_body(
    response: &mut Response,
    limit: u64,
    host: &str,
    memory: Option<&Arc<Memory>>,
    deadline: Instant,
    late: impl Fn() -> HttpError,
) -> Result<(Vec<u8>, Room), HttpError> {
    let status = response.status().as_u16();
    let host = || host.to_owned();
    let explain = |error| match error {
        BodyError::TooLarge => HttpError::TooLarge { host: host(), limit, status },
        BodyError::Cut(cause) => HttpError::Cut { host: host(), cause: cause.to_owned(), status },
        BodyError::Coding(cause) => HttpError::Coding { host: host(), cause, status },
    };
    let mut body = Roomy::new(response.headers(), limit, memory).await.map_err(explain)?;
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(explain(BodyError::TooLarge));
    }
    loop {
        match timeout_at(deadline + body.waited, response.chunk()).await.map_err(|_| late())? {
            Ok(Some(chunk)) => body.push(&chunk).await.map_err(explain)?,
            Ok(None) => return body.finish().await.map_err(explain),
            Err(error) => return Err(HttpError::within_the_body(&error, host(), status)),
        }
    }
}

/// Reads what comes of a body until it is enough, broken, or late.
async fn beginning_of_body(response: &mut Response, limit: u64, until: Instant) -> Vec<u8> {
    let Ok(mut body) = Body::new(response.headers(), limit) else { return Vec::new() };
    while let Ok(Ok(Some(chunk))) = timeout_at(until, response.chunk()).await {
        if body.push(&chunk).is_err() {
            break;
        }
    }
    body.so_far()
}

/// Resolves a name and keeps the addresses that the guard lets pass: the connection goes to one of them and no other.
struct GuardedNames(Guard);

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let (mut passed, mut refused) = (Vec::new(), Vec::<Refused>::new());
            for address in tokio::net::lookup_host((name.as_str(), 0)).await? {
                match guard.check(address.ip()) {
                    Ok(()) => passed.push(address),
                    Err(no) if refused.contains(&no) => {}
                    Err(no) => refused.push(no),
                }
            }
            if passed.is_empty() && !refused.is_empty() {
                return Err(AllRefused(refused).into());
            }
            let passed: Addrs = Box::new(passed.into_iter());
            Ok(passed)
        })
    }
}

#[cfg(test)]
mod tests;
