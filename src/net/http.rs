//! One HTTP request and its answer: no redirect is followed, no cookie kept, no proxy used but the one that is named. Goes
//! in: a [`Request`] for a checked [`Target`]. Comes out: a [`Reply`] with a decoded, bounded body. Knows no feeds.
//!
//! A connection without a proxy goes only to addresses that the guard lets pass. A proxy's own address is the user's
//! word. Behind a `socks5` proxy the guard still sees every address; an `http`, `https` or `socks5h` proxy finds the
//! addresses of names itself, and what it may reach is for whoever runs it to say: the guard then sees only addresses
//! that stand in the URL, and names that always mean this machine.

mod again;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Method, Response};
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

use super::body::{self, Body, BodyError};
use super::error::{AllRefused, HttpError, Phase};
use super::memory::{Memory, Room, Roomy};
use super::names::{self, GuardedNames, LookUp};
use super::target::{Target, check_literal};
use super::{Guard, Proxies, Proxy, Trust, tls};
use crate::secret::{Secret, SecretSource};

/// The codings that a [`Client`] decodes, for `Accept-Encoding`.
pub const ACCEPTED_CODINGS: &str = body::ACCEPTED;

/// How a client connects.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpOptions {
    /// The `User-Agent` of every request.
    pub user_agent: String,
    /// The limit for name, connection and TLS together.
    pub connect_timeout: Duration,
    /// By way of whom.
    pub proxies: Proxies,
    /// Whom it trusts, and as whom it shows itself.
    pub trust: Trust,
}

impl HttpOptions {
    /// Connects directly, and trusts whom the machine trusts.
    pub fn new(user_agent: impl Into<String>, connect_timeout: Duration) -> Self {
        Self { user_agent: user_agent.into(), connect_timeout, proxies: Proxies::none(), trust: Trust::default() }
    }
}

/// How long a request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For everything, from the name's address to the body's last byte.
    pub whole: Duration,
    /// Until the answer's head is there.
    pub head: Duration,
    /// Without a byte of the body.
    pub silence: Duration,
    /// When it all began, where this request is not the first.
    pub since: Option<Instant>,
}

impl Limits {
    /// One limit for everything.
    #[must_use]
    pub fn whole(whole: Duration) -> Self {
        Self { whole, head: whole, silence: whole, since: None }
    }

    /// Two thirds of it until the head is there, and half of it without a byte: whoever is silent that long says no more.
    #[must_use]
    pub fn in_phases(whole: Duration) -> Self {
        Self { head: whole * 2 / 3, silence: whole / 2, ..Self::whole(whole) }
    }

    fn deadline(&self) -> Instant {
        self.since.unwrap_or_else(Instant::now) + self.whole
    }
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
    /// The limits for its time.
    pub limits: Limits,
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
    look_up: LookUp,
    /// The private key to the client's certificate, where it is kept apart.
    key: Option<SecretSource>,
    /// Plain and encrypted, without a proxy and with one.
    ways: [[OnceCell<reqwest::Client>; 2]; 2],
}

/// How much of an error page is read, and for how long: it is a courtesy, and never a trouble of its own.
const ERROR_BODY: u64 = 64 * 1024;
const ERROR_BODY_TIME: Duration = Duration::from_secs(5);
/// Long enough for the next feed of the same host, short enough not to hold a socket for each of a thousand hosts.
const KEEP_IDLE: Duration = Duration::from_secs(15);
/// Of all header fields together. Until they have come, the library takes up to 400 KB and 100 fields over HTTP/1.
const MAX_HEAD: u32 = 64 * 1024;
const WINDOW: u32 = 256 * 1024;

impl Client {
    /// A client for what feeds and pages name: every address passes the guard.
    #[must_use]
    pub fn guarded(guard: Guard, options: &HttpOptions) -> Self {
        Self::with_names(guard, options, names::of_the_machine())
    }

    /// The same with another resolver.
    pub(super) fn with_names(guard: Guard, options: &HttpOptions, look_up: LookUp) -> Self {
        let key = options.trust.client.as_ref().and_then(|client| client.key.clone()).map(SecretSource::new);
        Self { guard, options: options.clone(), memory: None, look_up, key, ways: Default::default() }
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
        let Request { method, target, mut headers, body, max_body, limits } = request;
        let (begun, deadline) = (Instant::now(), limits.deadline());
        // A target may have been made for another client, whose guard is open.
        check_literal(target.url(), &self.guard)?;
        let proxy = self.options.proxies.for_url(target.url());
        if let Some(proxy) = proxy {
            self.check_name(proxy, &target).await?;
        }
        if let Some(authorization) = target.authorization() {
            headers.entry(AUTHORIZATION).or_insert_with(|| authorization.clone());
        }
        let once_more = again::may_be_seen(&method, &target, proxy.is_some());
        let mut asked = self.client_for(&target, proxy).await?.request(method, target.url().clone()).headers(headers);
        if let Some(body) = body {
            asked = asked.body(body);
        }
        let until = deadline.min(begun + limits.head);
        let late = |limit, status, phase| HttpError::Timeout { host: target.host(), limit, status, phase };
        let limit = if until < deadline { limits.head } else { limits.whole };
        let mut response = timeout_at(until, again::send(asked, once_more))
            .await
            .map_err(|_| late(limit, None, Phase::Head))?
            .map_err(|e| HttpError::before_the_answer(&e, &target, proxy, self.options.connect_timeout))?;
        let status = response.status();
        check_head(response.headers(), &target)?;
        let (body, room) = if status.is_success() {
            let times = Times { deadline, silence: limits.silence };
            let host = target.host();
            let whole = whole_body(&mut response, max_body, &host, self.memory.as_ref(), times).await;
            whole.map_err(|trouble| match trouble {
                Trouble::Told(error) => error,
                Trouble::Silent => late(limits.silence, Some(status.as_u16()), Phase::Silence),
                Trouble::Late => late(limits.whole, Some(status.as_u16()), Phase::Body),
            })?
        } else {
            let until = deadline.min(Instant::now() + ERROR_BODY_TIME);
            (beginning_of_body(&mut response, max_body.min(ERROR_BODY), until).await, Room::default())
        };
        let headers = std::mem::take(response.headers_mut());
        Ok(Reply { status: status.as_u16(), headers, body, room, url: target.url().clone() })
    }

    /// What can be known of a name that a proxy connects to. A name that is also the proxy's own passes the resolver
    /// unguarded, so it is looked at before; and whoever resolves `localhost` finds himself.
    async fn check_name(&self, proxy: &Proxy, target: &Target) -> Result<(), HttpError> {
        let Some(Host::Domain(name)) = target.url().host() else { return Ok(()) };
        let refused = |refused| HttpError::Refused { host: target.host(), refused };
        let bare = name.trim_end_matches('.');
        if proxy.resolves_names() {
            let is_local = bare == "localhost" || bare.ends_with(".localhost");
            let address = std::net::Ipv4Addr::LOCALHOST.into();
            return if is_local { self.guard.check(address).map_err(|no| refused(vec![no])) } else { Ok(()) };
        }
        if name != proxy.host() {
            return Ok(());
        }
        let found = self.names(None).addresses(name.to_owned()).await;
        match found.err().and_then(|error| error.downcast::<AllRefused>().ok()) {
            Some(all) => Err(refused(all.0)),
            None => Ok(()),
        }
    }

    fn names(&self, trusted: Option<String>) -> GuardedNames {
        GuardedNames { look_up: std::sync::Arc::clone(&self.look_up), guard: self.guard.clone(), trusted }
    }

    /// Certificates are read when the first encrypted request is sent: without one, none are needed.
    async fn client_for(&self, target: &Target, proxy: Option<&Proxy>) -> Result<&reqwest::Client, HttpError> {
        let way = &self.ways[usize::from(target.is_encrypted())][usize::from(proxy.is_some())];
        let make = async || {
            let failed = |cause: String, help| HttpError::Tls { place: target.place(), cause, help, expired: false };
            let config = if target.is_encrypted() || proxy.is_some_and(Proxy::is_encrypted) {
                let key = match &self.key {
                    Some(key) => Some(key.reveal_whole().await.map_err(|error| failed(error.to_string(), None))?),
                    None => None,
                };
                tls::config_for(&self.options.trust, key.as_ref().map(Secret::reveal))
            } else {
                tls::trusting_nobody()
            };
            let config = config.map_err(|error| failed(error.to_string(), error.help()))?;
            self.build(config, proxy).map_err(|error| failed(error.to_string(), None))
        };
        way.get_or_try_init(make).await
    }

    fn build(&self, mut config: rustls::ClientConfig, proxy: Option<&Proxy>) -> reqwest::Result<reqwest::Client> {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let builder = reqwest::Client::builder()
            .user_agent(self.options.user_agent.clone())
            .tls_backend_preconfigured(config)
            .dns_resolver(self.names(proxy.map(|proxy| proxy.host().to_owned())))
            .connect_timeout(self.options.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            // The library would ask up to three times; [`again`] says when a second request is safe.
            .retry(reqwest::retry::never())
            .referer(false)
            // Which proxy there is, is decided here; the library would look into the environment.
            .no_proxy()
            .http1_ignore_invalid_headers_in_responses(true)
            .http2_max_header_list_size(MAX_HEAD)
            // What is sent before it is read lies in nobody's share of the memory.
            .http2_initial_stream_window_size(WINDOW)
            .http2_initial_connection_window_size(WINDOW)
            .pool_idle_timeout(KEEP_IDLE)
            .pool_max_idle_per_host(2);
        match proxy {
            None => builder.build(),
            Some(proxy) => builder.proxy(reqwest::Proxy::all(proxy.url().clone())?).build(),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("guard", &self.guard).finish_non_exhaustive()
    }
}

/// All header fields together must fit.
fn check_head(headers: &HeaderMap, target: &Target) -> Result<(), HttpError> {
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if u32::try_from(size).is_ok_and(|size| size <= MAX_HEAD) {
        return Ok(());
    }
    Err(HttpError::Protocol { host: target.host(), cause: format!("its header is larger than {} KiB", MAX_HEAD / 1024) })
}

/// Until when a body may come.
#[derive(Clone, Copy)]
struct Times {
    deadline: Instant,
    silence: Duration,
}

/// Why a body did not come.
enum Trouble {
    Told(HttpError),
    Silent,
    Late,
}

/// Reads a body to its end. It must fit, be whole, and be in a coding that can be read. Waiting for memory is no lateness.
async fn whole_body(
    response: &mut Response,
    limit: u64,
    host: &str,
    memory: Option<&Arc<Memory>>,
    times: Times,
) -> Result<(Vec<u8>, Room), Trouble> {
    let status = response.status().as_u16();
    let host = || host.to_owned();
    let explain = |error| {
        Trouble::Told(match error {
            BodyError::TooLarge => HttpError::TooLarge { host: host(), limit, status },
            BodyError::Cut(cause) => HttpError::Cut { host: host(), cause: cause.to_owned(), status },
            BodyError::Coding(cause) => HttpError::Coding { host: host(), cause, status },
        })
    };
    let mut body = Roomy::new(response.headers(), limit, memory).await.map_err(explain)?;
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(explain(BodyError::TooLarge));
    }
    loop {
        let deadline = times.deadline + body.waited;
        let patience = Instant::now() + times.silence;
        let came = timeout_at(patience.min(deadline), response.chunk()).await;
        match came {
            Ok(Ok(Some(chunk))) => body.push(&chunk).await.map_err(explain)?,
            // Over HTTP/2 a stream that is ended without an error is no error to the library, though it was ended too soon.
            Ok(Ok(None)) if response.content_length().is_some_and(|left| left > 0) => {
                return Err(explain(BodyError::Cut("less came than was promised")));
            }
            Ok(Ok(None)) => return body.finish().await.map_err(explain),
            Ok(Err(error)) => return Err(Trouble::Told(HttpError::within_the_body(&error, host(), status))),
            Err(_) if patience < deadline => return Err(Trouble::Silent),
            Err(_) => return Err(Trouble::Late),
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

#[cfg(test)]
mod again_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod http2_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
