//! What `show` and `preview` look at: a feed's name, a URL, or a file. Fetched once, without validators; a `Retry-After` and a
//! 410 that are remembered are obeyed.

use std::path::PathBuf;

use url::Url;

use super::caller::Caller;
use super::failure::Failure;
use super::output::local;
use super::session::{Place, feed, subscribed};
use crate::config::{Config, Feed};
use crate::feed::{ParseError, Parsed, parse};
use crate::fetch::{Answer, Ask, Fetched, Source, filtered, normalise_url};
use crate::secret::{redact_text, without_secrets};
use crate::work::Pool;

/// A source that was named on the command line.
pub(super) struct Named<'a> {
    /// The subscription, where it is one.
    pub(super) feed: Option<&'a Feed>,
    /// Where its document comes from.
    pub(super) source: Source,
    /// How it is shown in messages.
    pub(super) shown: String,
}

/// Finds out what a person means: a subscription by its name, else a URL, else a file.
pub(super) fn find<'a>(text: &str, config: Option<&'a Config>) -> Result<Named<'a>, Failure> {
    if let Some(feed) = config.and_then(|config| config.feed(text)) {
        return Ok(Named { feed: Some(feed), source: feed.source.clone(), shown: format!("`{}`", feed.name) });
    }
    let shown = format!("`{}`", redact_text(text));
    let path = PathBuf::from(text);
    if path.exists() || text.starts_with(['/', '.']) {
        let path = std::path::absolute(&path).unwrap_or(path);
        return Ok(Named { feed: None, source: Source::File(path), shown });
    }
    if let Some(config) = config
        && !text.contains(['/', ':'])
        && !text.contains('.')
    {
        // A bare word can only be meant as a name.
        feed(config, text)?;
    }
    let file = Url::parse(text).ok().filter(|url| url.scheme() == "file").and_then(|url| url.to_file_path().ok());
    if let Some(path) = file {
        return Ok(Named { feed: None, source: Source::File(path), shown });
    }
    let url = normalise_url(text).map_err(|error| {
        let failure = Failure::usage(format!("{shown} is neither a feed's name, nor a URL, nor a file"));
        failure.because(error.to_string()).with_help("name a subscription, a URL, or a file".to_owned())
    })?;
    Ok(Named { feed: None, source: Source::Http(url), shown })
}

/// Fetches the document of a source, once.
pub(super) async fn fetch(place: &Place, config: Option<&Config>, named: &Named<'_>) -> Result<Answer, Failure> {
    fetch_by(&caller(place, config)?, place, config, named).await
}

/// Whoever asks for a look, at the paces that runs have learned.
pub(super) fn caller<'p>(place: &'p Place, config: Option<&Config>) -> Result<Caller<'p>, Failure> {
    let settings = match config {
        Some(config) => config.http.clone(),
        None => Config::default_http(&place.env).map_err(Failure::usage)?,
    };
    // A look needs no database.
    let known = config.and_then(|config| place.view(config).ok().flatten()).and_then(|view| view.hosts().ok());
    Ok(Caller::new(place, settings, known.unwrap_or_default()))
}

/// The same, by whom more is fetched afterwards.
pub(super) async fn fetch_by(
    caller: &Caller<'_>,
    place: &Place,
    config: Option<&Config>,
    named: &Named<'_>,
) -> Result<Answer, Failure> {
    let mut moved_to = None;
    if let (Some(config), Some(feed)) = (config, named.feed) {
        moved_to = obey_history(place, config, feed)?;
    }
    let access = named.feed.map(|feed| feed.access.as_ref());
    let ask = Ask { source: &named.source, at: moved_to.as_ref(), validators: None, access, now: place.clock.now() };
    let failed = |cause: String| Failure::needs_person(format!("cannot read {}", named.shown)).because(cause);
    let (_, answer) = caller.ask(ask).await.map_err(failed)?;
    match filtered(answer, named.feed.and_then(|feed| feed.filter.as_ref())).await {
        Ok(Fetched::Document(answer)) => Ok(*answer),
        Ok(Fetched::Unchanged { .. }) => Err(failed("the server answered 304 to a request without validators".to_owned())),
        Err(error) => Err(failed(error.to_string()).with_help(error.help())),
    }
}

/// What the publisher asked for earlier holds for a look by hand as well. Answers where the feed has moved.
pub(super) fn obey_history(place: &Place, config: &Config, feed: &Feed) -> Result<Option<Url>, Failure> {
    let Some(view) = place.view(config)? else { return Ok(None) };
    let Some(status) = view.feeds(&[subscribed(feed)])?.into_iter().flatten().next() else { return Ok(None) };
    let refused = |cause: String| Failure::needs_person(format!("`{}` is not asked now", feed.name)).because(cause);
    if status.gone_at.is_some() {
        return Err(refused("its publisher says that it is gone (410)".to_owned()));
    }
    if let Some(until) = status.left_alone_until.filter(|until| *until > place.clock.now()) {
        return Err(refused(format!("its publisher asks to be left alone until {}", local(until))));
    }
    Ok(status.moved_to.and_then(|url| Url::parse(&url).ok()))
}

/// Reads a document on the CPU pool, where a panic and a deep stack are caught.
pub(super) async fn read(
    answer: &Answer,
    base: Option<Url>,
    content_type: Option<String>,
) -> Result<Result<Parsed, ParseError>, Failure> {
    let (bytes, base) = (answer.bytes.clone(), base.unwrap_or_else(|| without_secrets(&answer.url)));
    let content_type = content_type.or_else(|| answer.content_type.clone());
    on_pool(move || parse(&bytes, content_type.as_deref(), Some(&base))).await
}

/// Has something made of a document on the CPU pool.
pub(super) async fn on_pool<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let pool = Pool::start().map_err(|error| Failure::storage(format!("cannot start a thread: {error}")))?;
    let done = pool.run(work).await;
    done.map_err(|panicked| Failure::needs_person(format!("cannot read the document: {panicked}")))
}
