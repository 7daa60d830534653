//! The [`Fetcher`]: asks a source for its document, once, conditionally where it can, following redirects by hand so
//! that each step passes the guard. Goes in: an [`Ask`]. Comes out: [`Fetched`]. Keeps no pace and writes nothing down.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

use super::access::{Shared, is_own_origin};
use super::asked_as::asked_as;
use super::clocks::{Clocks, Wrong};
use super::redirect::{Trail, is_redirect};
use super::{
    Access, Answer, Errand, FetchError, FetchErrorKind, Fetched, Gates, NotNow, Said, Settings, Source, Turn, Validators,
    blocked, file, freshness, host_of, words,
};
use crate::clock::Clock;
use crate::net::http::ACCEPTED_CODINGS;
use crate::net::{Client, Guard, HeaderMap, HeaderName, HeaderValue, Limits, Memory, Method, Reply, Request};
use crate::secret::redact;

/// What to ask for, and what is known of it.
#[derive(Debug)]
pub struct Ask<'a> {
    /// The source, as the user wrote it.
    pub source: &'a Source,
    /// Where it is remembered to have moved for good.
    pub at: Option<&'a Url>,
    /// What to compare with.
    pub validators: Option<&'a Validators>,
    /// How it is asked; `None` where it has no settings of its own.
    pub access: Option<&'a Access>,
    /// What time it is, for answers that name a time and do not say what they take for now.
    pub now: Timestamp,
}

/// Asks sources for documents. Keep it: its connections are used again.
#[derive(Debug)]
pub struct Fetcher {
    guard: Guard,
    shared: Shared,
    settings: Settings,
    gates: Arc<Gates>,
    clocks: Clocks,
}

const ACCEPT: &str = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.1";

/// Whoever asks sources: the [`Fetcher`]; in a simulation, publishers that are made up.
pub trait Fetch: Send + Sync {
    /// How requests are made.
    fn settings(&self) -> &Settings;
    /// Whose turn it is at each host.
    fn gates(&self) -> &Arc<Gates>;
    /// Asks a source for its document. The first request is this turn's; those that follow from it take their own at the
    /// gates of their hosts.
    ///
    /// # Errors
    /// When there is no document; then what is remembered of the source still holds.
    fn fetch<'a>(&'a self, ask: &'a Ask<'a>, turn: &'a mut Turn) -> BoxFuture<'a, Result<Fetched, FetchError>>;
    /// Fetches what belongs to an entry, in its turn at the gates of its hosts.
    ///
    /// # Errors
    /// When there is nothing.
    fn resource<'a>(&'a self, errand: &'a Errand<'a>) -> BoxFuture<'a, Result<Answer, FetchError>> {
        Box::pin(async move {
            let source = Source::Http(errand.url.clone());
            let ask = Ask { source: &source, at: None, validators: None, access: errand.access, now: errand.now };
            self.fetch(&ask, &mut Turn::none(self.gates())).await?.document()
        })
    }
}

impl<F: Fetch + ?Sized> Fetch for Arc<F> {
    fn settings(&self) -> &Settings {
        self.as_ref().settings()
    }

    fn gates(&self) -> &Arc<Gates> {
        self.as_ref().gates()
    }

    fn fetch<'a>(&'a self, ask: &'a Ask<'a>, turn: &'a mut Turn) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        self.as_ref().fetch(ask, turn)
    }

    fn resource<'a>(&'a self, errand: &'a Errand<'a>) -> BoxFuture<'a, Result<Answer, FetchError>> {
        self.as_ref().resource(errand)
    }
}

impl Fetch for Fetcher {
    fn settings(&self) -> &Settings {
        self.settings()
    }

    fn gates(&self) -> &Arc<Gates> {
        &self.gates
    }

    fn fetch<'a>(&'a self, ask: &'a Ask<'a>, turn: &'a mut Turn) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        Box::pin(self.fetch_in_turn(ask, turn))
    }

    fn resource<'a>(&'a self, errand: &'a Errand<'a>) -> BoxFuture<'a, Result<Answer, FetchError>> {
        Box::pin(self.run_errand(errand))
    }
}

impl Fetcher {
    /// A fetcher with the address guard on. Connects to nothing yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let guard = Guard::new(settings.allow_addresses.clone());
        let shared = Shared::new(Memory::new(settings.memory, settings.access.max_body));
        let gates = Arc::new(Gates::new(&settings, Clock::system()));
        Self { guard, shared, settings, gates, clocks: Clocks::default() }
    }

    /// How requests are made.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Asks a source for its document, in its turn.
    ///
    /// Where it is remembered to have moved and the new place no longer leads to it, its old one is asked once.
    ///
    /// # Errors
    /// When there is no document; then what is remembered of the source still holds.
    pub async fn fetch(&self, ask: &Ask<'_>) -> Result<Fetched, FetchError> {
        self.fetch_in_turn(ask, &mut Turn::none(&self.gates)).await
    }

    async fn fetch_in_turn(&self, ask: &Ask<'_>, turn: &mut Turn) -> Result<Fetched, FetchError> {
        self.fetch_welcoming(ask, turn, ACCEPT).await
    }

    /// `accept` says what sort of document is welcome.
    pub(super) async fn fetch_welcoming(
        &self,
        ask: &Ask<'_>,
        turn: &mut Turn,
        accept: &'static str,
    ) -> Result<Fetched, FetchError> {
        let access = ask.access.unwrap_or(&self.settings.access);
        let url = match ask.source {
            Source::File(path) => {
                return file::read(path, access.max_body).await.map(|answer| Fetched::Document(Box::new(answer)));
            }
            Source::Command(program) => return program.document().await,
            Source::Http(url) => url,
        };
        let own = self.shared.headers(access).await?;
        let mut way = Way {
            client: &self.shared.client(access, &self.guard),
            clocks: &self.clocks,
            asked_as: asked_as(&own, access),
            own,
            limits: Limits { since: Some(Instant::now()), ..Limits::in_phases(access.timeout) },
            access,
            accept,
        };
        let mut trail = Trail::new(url, ask.at).with_credentials(access.has_credentials());
        let failed = way.walk(&mut trail, ask, url, turn).await;
        if ask.at.is_none_or(|at| at == url) || !leads_elsewhere(&failed) {
            return failed;
        }
        tracing::debug!("the feed is not where it had moved to; asking its old address");
        let mut old = Trail::new(url, None).with_credentials(access.has_credentials()).avoid(trail.here());
        match way.walk(&mut old, ask, url, turn).await {
            Ok(found) if !is_page(&found) => Ok(found),
            Ok(_) | Err(_) => failed,
        }
    }

    /// Asks a URL for whatever is there: a page or a feed, without conditions.
    ///
    /// # Errors
    /// When there is nothing.
    pub async fn page(&self, url: &Url, now: Timestamp) -> Result<Answer, FetchError> {
        let source = Source::Http(url.clone());
        self.fetch(&Ask { source: &source, at: None, validators: None, access: None, now }).await?.document()
    }
}

/// How one source is asked, made ready.
struct Way<'a> {
    client: &'a Client,
    clocks: &'a Clocks,
    access: &'a Access,
    /// The header fields for the source's own origin.
    own: HeaderMap,
    /// As whom its own origin is asked.
    asked_as: Option<u32>,
    limits: Limits,
    /// What sort of document is welcome.
    accept: &'static str,
}

impl Way<'_> {
    async fn walk(&mut self, trail: &mut Trail<'_>, ask: &Ask<'_>, source: &Url, turn: &mut Turn) -> Result<Fetched, FetchError> {
        let mut hops = 0;
        loop {
            let target = self.client.target(trail.here().clone())?;
            let waiting = Instant::now();
            turn.take(&host_of(target.url())).await.map_err(|not_now| not_asked(not_now, hops, ask.now))?;
            // What is waited at a gate is not the server's time.
            self.limits.since = self.limits.since.map(|since| since + waiting.elapsed());
            let (mut headers, mut asked_as) = (what_is_welcome(self.accept), None);
            if is_own_origin(source, target.url()) {
                headers.extend(self.own.clone());
                asked_as = self.asked_as;
            }
            let asked_with = ask.validators.filter(|known| known.condition(&mut headers, target.url(), asked_as));
            let request =
                Request { method: Method::GET, target, headers, body: None, max_body: self.access.max_body, limits: self.limits };
            let reply = self.client.send(request).await?;
            self.compare_clocks(&reply, ask.now);
            if !is_redirect(reply.status) {
                return understand(reply, (asked_with, asked_as), trail, &self.own, ask.now);
            }
            trail
                .follow(reply.status, &reply.headers, hops)
                .map_err(|error| FetchError { status: Some(reply.status), ..FetchErrorKind::from(error).into() })?;
            hops += 1;
            tracing::debug!(status = reply.status, to = redact(trail.here()), "redirected");
        }
    }

    fn compare_clocks(&self, reply: &Reply, now: Timestamp) {
        let Some(ahead) = freshness::ahead(&reply.headers, now) else { return };
        tracing::trace!(seconds = ahead, "the publisher's clock is ahead of ours");
        let Some(Wrong { by, is_slow, publishers }) = self.clocks.saw(&host_of(&reply.url), ahead) else { return };
        let hours = (by.as_secs() + 1_800) / 3_600;
        let side = if is_slow { "slow" } else { "fast" };
        tracing::warn!("this machine's clock seems to be {hours} h {side}: {publishers} publishers say so; set it");
    }
}

/// What the answer to the last request on the way says.
fn understand(
    reply: Reply,
    (asked_with, asked_as): (Option<&Validators>, Option<u32>),
    trail: &Trail<'_>,
    own: &HeaderMap,
    now: Timestamp,
) -> Result<Fetched, FetchError> {
    let fresh_for = freshness::fresh_for(&reply.headers, now);
    if let Some(by) = blocked::blocker(reply.status, &reply.headers, &reply.body) {
        let retry_after = freshness::retry_after(&reply.headers, now);
        return Err(FetchError { retry_after, ..FetchErrorKind::Blocked { status: reply.status, by }.into() });
    }
    match (reply.status, asked_with) {
        (200, _) => Ok(Fetched::Document(Box::new(Answer {
            validators: Validators::of_answer(&reply.headers, &reply.url, asked_as),
            content_type: reply.headers.get("content-type").map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned()),
            moved_to: trail.moved_to(),
            bytes: reply.body,
            room: reply.room,
            url: reply.url,
            fresh_for,
            said: None,
        }))),
        (304, Some(known)) => {
            let validators = known.refreshed(&reply.headers, &reply.url);
            Ok(Fetched::Unchanged { validators, fresh_for, moved_to: trail.moved_to() })
        }
        (304, None) => Err(FetchErrorKind::UnaskedNotModified.into()),
        (status, _) => {
            let retry_after = freshness::retry_after(&reply.headers, now);
            let words = words::first_words(&reply.headers, &reply.body, &reply.url, own);
            Err(FetchError {
                retry_after,
                said: words.map(|words| Box::new(Said::Server(words))),
                ..FetchErrorKind::Status(status).into()
            })
        }
    }
}

/// A host that is not asked now. Where the way has led there from another one, that one was asked, and is not asked again at once.
fn not_asked(not_now: NotNow, hops: usize, now: Timestamp) -> FetchError {
    if hops == 0 {
        return FetchErrorKind::NotNow(not_now).into();
    }
    let retry_after = match &not_now {
        NotNow::Rests { until, .. } => Duration::try_from(until.duration_since(now)).ok(),
        NotNow::Turn { .. } => None,
    };
    FetchError { retry_after, ..FetchErrorKind::Onward(not_now).into() }
}

/// Whether a place that a feed had moved to no longer leads to it.
fn leads_elsewhere(answer: &Result<Fetched, FetchError>) -> bool {
    match answer {
        Ok(fetched) => is_page(fetched),
        Err(error) => error.is_of_the_place(),
    }
}

/// Whether a page for people came, or nothing: a name that was given up is soon somebody else's, and answers all with one.
fn is_page(fetched: &Fetched) -> bool {
    let Fetched::Document(answer) = fetched else { return false };
    let start = past_the_prolog(&answer.bytes);
    let begins = |word: &str| start.get(..word.len()).is_some_and(|own| own.eq_ignore_ascii_case(word.as_bytes()));
    start.is_empty() || begins("<!doctype html") || begins("<html")
}

/// What follows a byte order mark, comments and processing instructions, an XML declaration among them.
fn past_the_prolog(document: &[u8]) -> &[u8] {
    let mut rest = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    loop {
        rest = rest.trim_ascii_start();
        let end: &[u8] = match rest {
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            [b'<', b'?', ..] => b"?>",
            _ => return rest,
        };
        let behind = rest.windows(end.len()).position(|place| place == end).and_then(|at| rest.get(at + end.len()..));
        match behind {
            Some(behind) => rest = behind,
            None => return rest,
        }
    }
}

fn what_is_welcome(accept: &'static str) -> HeaderMap {
    HeaderMap::from_iter([
        (HeaderName::from_static("accept"), HeaderValue::from_static(accept)),
        (HeaderName::from_static("accept-encoding"), HeaderValue::from_static(ACCEPTED_CODINGS)),
    ])
}

#[cfg(test)]
mod tests;
