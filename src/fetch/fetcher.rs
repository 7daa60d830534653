//! The [`Fetcher`]: asks a source for its document, once, conditionally where it can, following redirects by hand so
//! that each step passes the guard. Goes in: an [`Ask`]. Comes out: [`Fetched`]. Keeps no pace and writes nothing down.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::time::Instant;
use url::Url;

use super::redirect::{Trail, is_redirect};
use super::{Answer, FetchError, FetchErrorKind, Fetched, Gates, Settings, Source, Turn, Validators, file, freshness, host_of};
use crate::clock::Clock;
use crate::net::http::ACCEPTED_CODINGS;
use crate::net::{Client, Guard, HeaderMap, HeaderName, HeaderValue, HttpError, HttpOptions, Memory, Method, Reply, Request};
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
    /// What time it is, for answers that name a time and do not say what they take for now.
    pub now: Timestamp,
}

/// Asks sources for documents. Keep it: its connections are used again.
#[derive(Debug)]
pub struct Fetcher {
    client: Client,
    settings: Settings,
    gates: Arc<Gates>,
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
}

impl Fetcher {
    /// A fetcher with the address guard on. Connects to nothing yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let options =
            HttpOptions { user_agent: settings.user_agent.clone(), connect_timeout: settings.connect_timeout, ca_file: None };
        let memory = Arc::new(Memory::new(settings.memory, settings.max_body));
        let client = Client::guarded(Guard::new(settings.allow_addresses.clone()), &options).sharing(memory);
        let gates = Arc::new(Gates::new(&settings, Clock::system()));
        Self { client, settings, gates }
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
        let url = match ask.source {
            Source::File(path) => {
                return file::read(path, self.settings.max_body).await.map(|answer| Fetched::Document(Box::new(answer)));
            }
            Source::Http(url) => url,
        };
        let mut left = self.settings.timeout;
        let mut trail = Trail::new(url, ask.at);
        let failed = self.walk(&mut trail, ask, turn, &mut left).await;
        if ask.at.is_none_or(|at| at == url) || !leads_elsewhere(&failed) {
            return failed;
        }
        tracing::debug!("the feed is not where it had moved to; asking its old address");
        let mut old = Trail::new(url, None).avoid(trail.here());
        match self.walk(&mut old, ask, turn, &mut left).await {
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
        match self.fetch(&Ask { source: &source, at: None, validators: None, now }).await? {
            Fetched::Document(answer) => Ok(*answer),
            Fetched::Unchanged { .. } => Err(FetchErrorKind::UnaskedNotModified.into()),
        }
    }

    /// Asks hop by hop. What is spent of the time that is left does not count what was waited at gates.
    async fn walk(
        &self,
        trail: &mut Trail<'_>,
        ask: &Ask<'_>,
        turn: &mut Turn,
        left: &mut Duration,
    ) -> Result<Fetched, FetchError> {
        let mut hops = 0;
        loop {
            let target = self.client.target(trail.here().clone())?;
            turn.take(&host_of(target.url())).await.map_err(FetchErrorKind::from)?;
            let begun = Instant::now();
            let mut headers = what_is_welcome();
            let asked_with = ask.validators.filter(|known| known.condition(&mut headers, target.url()));
            let request =
                Request { method: Method::GET, target, headers, body: None, max_body: self.settings.max_body, timeout: *left };
            let reply = self.client.send(request).await.map_err(|error| of_the_whole(error, self.settings.timeout))?;
            *left = left.saturating_sub(begun.elapsed());
            if !is_redirect(reply.status) {
                return understand(reply, asked_with, trail, ask.now);
            }
            trail.follow(reply.status, &reply.headers, hops).map_err(|error| FetchError {
                kind: error.into(),
                status: Some(reply.status),
                retry_after: None,
            })?;
            hops += 1;
            tracing::debug!(status = reply.status, to = redact(trail.here()), "redirected");
        }
    }
}

/// What the answer to the last request on the way says.
fn understand(reply: Reply, asked_with: Option<&Validators>, trail: &Trail<'_>, now: Timestamp) -> Result<Fetched, FetchError> {
    let fresh_for = freshness::fresh_for(&reply.headers, now);
    match (reply.status, asked_with) {
        (200, _) => Ok(Fetched::Document(Box::new(Answer {
            validators: Validators::of_answer(&reply.headers, &reply.url),
            content_type: reply.headers.get("content-type").map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned()),
            moved_to: trail.moved_to(),
            bytes: reply.body,
            room: reply.room,
            url: reply.url,
            fresh_for,
        }))),
        (304, Some(known)) => {
            let validators = known.refreshed(&reply.headers, &reply.url);
            Ok(Fetched::Unchanged { validators, fresh_for, moved_to: trail.moved_to() })
        }
        (304, None) => Err(FetchErrorKind::UnaskedNotModified.into()),
        (status, _) => {
            Err(FetchError { retry_after: freshness::retry_after(&reply.headers, now), ..FetchErrorKind::Status(status).into() })
        }
    }
}

/// Whether a place that a feed had moved to no longer leads to it.
fn leads_elsewhere(answer: &Result<Fetched, FetchError>) -> bool {
    match answer {
        Ok(fetched) => is_page(fetched),
        Err(error) => error.is_of_the_place(),
    }
}

/// Whether a page for people came: a name that was given up is soon somebody else's, and answers all with one.
fn is_page(fetched: &Fetched) -> bool {
    let Fetched::Document(answer) = fetched else { return false };
    let start = answer.bytes.trim_ascii_start();
    let begins = |word: &str| start.get(..word.len()).is_some_and(|own| own.eq_ignore_ascii_case(word.as_bytes()));
    begins("<!doctype html") || begins("<html")
}

fn what_is_welcome() -> HeaderMap {
    HeaderMap::from_iter([
        (HeaderName::from_static("accept"), HeaderValue::from_static(ACCEPT)),
        (HeaderName::from_static("accept-encoding"), HeaderValue::from_static(ACCEPTED_CODINGS)),
    ])
}

/// A late answer after redirects had only what was left of the time; the message names the time that is configured.
fn of_the_whole(error: HttpError, whole: Duration) -> HttpError {
    match error {
        HttpError::Timeout { host, status, limit: _ } => HttpError::Timeout { host, status, limit: whole },
        other => other,
    }
}

#[cfg(test)]
mod tests;
