//! From what a person types to a feed: a file, a feed's address, a page that names its feeds, a site whose feeds are known, or the
//! usual places. Every request keeps its host's pace.

use std::path::PathBuf;

use jiff::Timestamp;
use url::Url;

use super::{cannot, known};
use crate::cli::caller::Caller;
use crate::cli::failure::Failure;
use crate::cli::session::Place;
use crate::cli::source;
use crate::config::Config;
use crate::feed::discover::{self, Site};
use crate::feed::{Document, Found, ParseError, discover as links_of};
use crate::fetch::{Answer, Ask, FetchError, FetchErrorKind, Fetched, Source, normalise_url, with_login_of};
use crate::secret::{redact as shown, redact_text};
use crate::words::count;

/// A feed, and what was fetched of it.
pub(super) struct Subscribable {
    /// Its address.
    pub(super) url: Url,
    /// When it was asked.
    pub(super) asked_at: Timestamp,
    /// What came.
    pub(super) answer: Answer,
    /// What that holds.
    pub(super) document: Document,
}

/// Looks for the feed that a person means. A site of which more is known than its page says costs three requests at most; a page
/// that names no feed one more for each of the usual places, until one holds a feed.
pub(super) async fn find(place: &Place, config: &Config, caller: &Caller<'_>, text: &str) -> Result<Subscribable, Failure> {
    let finder = Finder { place, config, caller };
    let wrong = |error: String| Failure::usage(format!("cannot add `{}`", redact_text(text))).because(error);
    if let Some(path) = file(place, text).map_err(&wrong)? {
        return finder.file(path, wrong).await;
    }
    let mut typed = normalise_url(text).map_err(|error| wrong(error.to_string()))?;
    // A fragment is never sent: with another one it is the same feed.
    typed.set_fragment(None);
    known(config, &typed)?;
    let site = discover::site(&typed);
    let failed = match &site {
        Some(Site::Feeds(feeds)) => {
            let chosen = with_login_of(&typed, &finder.pick(&typed, feeds)?.url);
            match finder.feed(&chosen).await {
                Err(failure) if feeds.len() == 1 => Some(failure),
                done => return done,
            }
        }
        Some(Site::Podcast(directory)) => match finder.ask(directory).await? {
            Ok((_, answer)) => match discover::podcast(&answer.bytes) {
                Some(show) => return finder.feed(&show.url).await,
                None => None,
            },
            Err(error) => Some(cannot(&typed).because(error.to_string())),
        },
        None => None,
    };
    match finder.page(&typed, site.is_some()).await {
        // What is known to be there says more than what its page could not say.
        Err(failure) => Err(failed.unwrap_or(failure)),
        found => found,
    }
}

/// The file that is meant, where it is one: a `file:` URL, or a path.
fn file(place: &Place, text: &str) -> Result<Option<PathBuf>, String> {
    let text = text.trim();
    if text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("file:")) {
        let path = Url::parse(text).ok().and_then(|url| url.to_file_path().ok());
        return path.map(Some).ok_or_else(|| "a file: URL has a path from the root, and no host".to_owned());
    }
    let is_path =
        ["./", "../", "~/"].iter().any(|start| text.starts_with(start)) || (text.starts_with('/') && !text.starts_with("//"));
    if !is_path && !std::path::Path::new(text).is_file() {
        return Ok(None);
    }
    let here = std::env::current_dir().map_err(|error| error.to_string())?;
    place.env.path(text, &here).map(Some).map_err(|error| error.to_string())
}

struct Finder<'a> {
    place: &'a Place,
    config: &'a Config,
    caller: &'a Caller<'a>,
}

impl Finder<'_> {
    /// Asks a URL, in its host's turn.
    async fn ask(&self, url: &Url) -> Result<Result<(Timestamp, Answer), FetchError>, Failure> {
        let (asked_at, answer) = self.source(&Source::Http(url.clone())).await.map_err(|cause| cannot(url).because(cause))?;
        Ok(answer.map(|answer| (asked_at, answer)))
    }

    /// Asks a source; or says why it is not asked now.
    async fn source(&self, source: &Source) -> Result<(Timestamp, Result<Answer, FetchError>), String> {
        let ask = Ask { source, at: None, validators: None, access: None, now: self.place.clock.now() };
        let (asked_at, answer) = self.caller.ask(ask).await?;
        let answer = answer.and_then(|fetched| match fetched {
            Fetched::Document(answer) => Ok(*answer),
            Fetched::Unchanged { .. } => Err(FetchErrorKind::UnaskedNotModified.into()),
        });
        Ok((asked_at, answer))
    }

    /// The feed at this address, and nothing else.
    async fn feed(&self, url: &Url) -> Result<Subscribable, Failure> {
        known(self.config, url)?;
        let (asked_at, answer) = self.ask(url).await?.map_err(|error| unanswered(url, &error))?;
        match source::read(&answer, None, None).await? {
            Ok(parsed) => Ok(Subscribable { url: url.clone(), asked_at, answer, document: parsed.document }),
            Err(error) => Err(cannot(url).because(format!("its feed `{}` cannot be read: {error}", shown(url)))),
        }
    }

    /// What is at this address, a feed or a page; then the feed that the page names, or one at the usual places.
    async fn page(&self, typed: &Url, is_known: bool) -> Result<Subscribable, Failure> {
        let (asked_at, answer) = self.ask(typed).await?.map_err(|error| unanswered(typed, &error))?;
        match source::read(&answer, None, None).await? {
            Ok(parsed) => return Ok(Subscribable { url: typed.clone(), asked_at, answer, document: parsed.document }),
            Err(ParseError::Page(_)) => {}
            Err(error) => return Err(cannot(typed).because(error.to_string())),
        }
        let found = discover::choices(links_of(&answer.bytes, &answer.url));
        if !found.is_empty() {
            let chosen = with_login_of(typed, &self.pick(typed, &found)?.url);
            return self.feed(&chosen).await;
        }
        if !is_known && let Some(found) = self.at_usual_places(typed, &answer.url).await? {
            return Ok(found);
        }
        let help = "look for the address of its feed on the page, and add that".to_owned();
        let tried = if is_known { "" } else { ", and none is at the usual places" };
        Err(cannot(typed).because(format!("it is a page that names no feed{tried}")).with_help(help))
    }

    /// The first feed at the places where feeds mostly are. A host that fails or asks for patience is left alone.
    async fn at_usual_places(&self, typed: &Url, page: &Url) -> Result<Option<Subscribable>, Failure> {
        for url in discover::by_shape(page).into_iter().chain(discover::well_known(page)) {
            let url = with_login_of(typed, &url);
            match self.ask(&url).await? {
                Ok((asked_at, answer)) => {
                    if let Ok(parsed) = source::read(&answer, None, None).await? {
                        known(self.config, &url)?;
                        self.place.printer.note(&format!("`{}` names no feed; `{}` is one", shown(page), shown(&url)));
                        return Ok(Some(Subscribable { url, asked_at, answer, document: parsed.document }));
                    }
                }
                Err(error) if error.status().is_some_and(|status| status < 500 && status != 429) => {}
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    async fn file(&self, path: PathBuf, wrong: impl Fn(String) -> Failure) -> Result<Subscribable, Failure> {
        // Parsed once more, as the configuration does: one file has one URL.
        let url = Url::from_file_path(&path).ok().and_then(|url| Url::parse(url.as_str()).ok());
        let url = url.ok_or_else(|| wrong("the path cannot be written as a URL".to_owned()))?;
        known(self.config, &url)?;
        let source = Source::File(path);
        let (asked_at, answer) = self.source(&source).await.map_err(|cause| cannot(&url).because(cause))?;
        let answer = answer.map_err(|error| unanswered(&url, &error))?;
        match source::read(&answer, None, None).await? {
            Ok(parsed) => Ok(Subscribable { url, asked_at, answer, document: parsed.document }),
            Err(error) => Err(cannot(&url).because(error.to_string())),
        }
    }

    /// The only one of several feeds, or the one that a person chooses; off a terminal says how to name one.
    fn pick<'f>(&self, page: &Url, found: &'f [Found]) -> Result<&'f Found, Failure> {
        if let [only] = found {
            return Ok(only);
        }
        let printer = &self.place.printer;
        let line = |(number, feed): (usize, &Found)| {
            format!("{number:>3}  {}  {}", shown(&feed.url), feed.title.as_deref().unwrap_or_default()).trim_end().to_owned()
        };
        let lines: Vec<String> = (1..).zip(found).map(line).collect();
        let listed = format!("`{}` names {}:\n{}", shown(page), count(found.len() as u64, "feed"), lines.join("\n"));
        if printer.terminal {
            printer.note(&listed);
        }
        if let Some(answer) = printer.ask(&format!("which one, 1 to {}?", found.len())) {
            let chosen = answer.parse::<usize>().ok().and_then(|number| found.get(number.checked_sub(1)?));
            return chosen.ok_or_else(|| Failure::usage(format!("`{answer}` is none of them")));
        }
        let first = found.first().map(|feed| shown(&feed.url)).unwrap_or_default();
        Err(Failure::usage(listed).with_help(format!("name one of them: `feeds add {first}`")))
    }
}

fn unanswered(url: &Url, error: &FetchError) -> Failure {
    cannot(url).because(error.to_string()).with_help(error.help())
}
