//! `feeds add`: a page or a feed becomes a subscription. What was fetched is recorded as the feed's first poll, by the same
//! function that `run` uses: one request in all.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use url::Url;

use super::failure::{Exit, Failure};
use super::output::local;
use super::session::{Place, edit_failure, feed, subscribed, subscription};
use super::source;
use crate::config::edit::{ConfigFile, NewFeed};
use crate::config::{Backlog, Config, derive_name};
use crate::feed::{Document, Found, ParseError, discover};
use crate::fetch::{Answer, Fetched, Fetcher, Source, normalise_url};
use crate::poll::{Event, Recorder};
use crate::secret::redact as shown;
use crate::store::{IfMissing, Store};
use crate::units::Interval;
use crate::words::count;
use crate::work::Pool;

/// What `feeds add` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The addresses of pages or feeds
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,
    /// Its name; else a short one is made of its address
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A tag; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// A sink, in place of the usual ones; may be given several times
    #[arg(long = "sink", value_name = "SINK")]
    sinks: Vec<String>,
    /// How often it is asked, such as 1h
    #[arg(long, value_name = "INTERVAL")]
    interval: Option<Interval>,
    /// How many of the entries already there are delivered: a number or "all"
    #[arg(long, value_name = "N|all", value_parser = backlog)]
    backlog: Option<Backlog>,
}

fn backlog(text: &str) -> Result<Backlog, String> {
    match text {
        "all" => Ok(Backlog::All),
        number => number.parse().map(Backlog::Newest).map_err(|_| "write a number, or \"all\"".to_owned()),
    }
}

/// A new subscription, as scripts see it.
#[derive(Debug, Serialize)]
struct Added {
    name: String,
    url: String,
    title: Option<String>,
    tags: Vec<String>,
    sinks: Vec<String>,
    entries: Vec<AddedEntry>,
    queued: usize,
    recorded: bool,
}

#[derive(Debug, Serialize)]
struct AddedEntry {
    title: Option<String>,
    url: Option<String>,
    published: Option<Timestamp>,
}

/// How many of the newest entries are shown.
const SHOWN: usize = 5;

pub(super) async fn run(place: &Place, arguments: Arguments) -> Result<Exit, Failure> {
    if arguments.name.is_some() && arguments.urls.len() > 1 {
        return Err(Failure::usage("`--name` names one feed, and several addresses are given"));
    }
    let mut worst = Ok(Exit::Done);
    for url in &arguments.urls {
        if let Err(failure) = one(place, &arguments, url).await {
            if arguments.urls.len() == 1 {
                return Err(failure);
            }
            // The others are added all the same; the last failure decides how the command ends.
            place.printer.note(&failure.lines(&place.printer.label("error")));
            worst = Ok(failure.exit);
        }
    }
    worst
}

async fn one(place: &Place, arguments: &Arguments, text: &str) -> Result<(), Failure> {
    let config = place.config()?;
    let wrong = |error: String| Failure::usage(format!("cannot add `{}`", crate::secret::redact_text(text))).because(error);
    let mut typed = normalise_url(text).map_err(|error| wrong(error.to_string()))?;
    // A fragment is never sent: with another one it is the same feed.
    typed.set_fragment(None);
    known(&config, &typed)?;
    if let Some(name) = &arguments.name
        && config.feed(name).is_some()
    {
        return Err(wrong(format!("there is a feed `{name}` already")).with_help("choose another name with `--name`".to_owned()));
    }
    let fetcher = Fetcher::new(config.http.clone());
    wait_for_host(place, &config, &typed).await?;
    let asked_at = place.clock.now();
    let answer = ask(&fetcher, &typed, asked_at).await?;
    let (url, asked_at, answer, document) = match source::read(&answer, None, None).await? {
        Ok(parsed) => (typed, asked_at, answer, parsed.document),
        Err(ParseError::Page(_)) => of_page(place, &config, &fetcher, &typed, &answer).await?,
        Err(error) => return Err(cannot(&typed).because(error.to_string())),
    };
    let mut answer = answer;
    // An address that has moved for good is written down as it is now; a login stays with its origin.
    let url = match answer.moved_to.take() {
        Some(moved) if has_login(&url) => with_login_of(&url, moved).unwrap_or(url),
        Some(moved) => moved,
        None => url,
    };
    known(&config, &url)?;
    let name = write(&config, place, arguments, &url, &document)?;
    let (queued, recorded) = record(place, &name, asked_at, answer).await?;
    tell(place, &name, &url, &document, queued, recorded)
}

/// Keeps the pace of the address's host, as far as it is known: the pause since it was last asked, and its own wish.
async fn wait_for_host(place: &Place, config: &Config, url: &Url) -> Result<(), Failure> {
    // A database that cannot be used is told before anything is asked or written; another user's says nothing here.
    let path = place.database_path(config)?;
    let view = if may_write(&config.path, &path) { place.view(config)? } else { None };
    let (Some(view), Some(host)) = (view, Source::Http(url.clone()).host()) else { return Ok(()) };
    let (last_asked, until) = view.host(&host)?;
    let now = place.clock.now();
    if let Some(until) = until.filter(|until| *until > now) {
        return Err(cannot(url).because(format!("{host} asks to be left alone until {}", local(until))));
    }
    let since = last_asked.and_then(|last| std::time::Duration::try_from(now.duration_since(last)).ok());
    if let Some(since) = since {
        tokio::time::sleep(config.http.host_delay.saturating_sub(since)).await;
    }
    Ok(())
}

fn has_login(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// The new address with the old one's login. `None` where it is another origin, which must not see it.
fn with_login_of(old: &Url, mut new: Url) -> Option<Url> {
    if old.origin() != new.origin() {
        return None;
    }
    new.set_username(old.username()).ok()?;
    new.set_password(old.password()).ok()?;
    Some(new)
}

/// A feed is subscribed to once.
fn known(config: &Config, url: &Url) -> Result<(), Failure> {
    match config.feeds.iter().find(|feed| feed.url == url.as_str()) {
        None => Ok(()),
        Some(feed) => {
            let help = format!("`feeds status {}` shows how it fares", feed.name);
            Err(Failure::usage(format!("`{}` is subscribed to already, as `{}`", shown(url), feed.name)).with_help(help))
        }
    }
}

fn cannot(url: &Url) -> Failure {
    Failure::needs_person(format!("cannot add `{}`", shown(url)))
}

async fn ask(fetcher: &Fetcher, url: &Url, now: Timestamp) -> Result<Answer, Failure> {
    fetcher.page(url, now).await.map_err(|error| cannot(url).because(error.to_string()).with_help(error.help()))
}

/// The feed that a page names: the only one, or the one that the user chooses.
async fn of_page(
    place: &Place,
    config: &Config,
    fetcher: &Fetcher,
    page: &Url,
    answer: &Answer,
) -> Result<(Url, Timestamp, Answer, Document), Failure> {
    let found = discover(&answer.bytes, &answer.url);
    let chosen = match found.as_slice() {
        [] => {
            let help = "look for the address of its feed on the page, and add that".to_owned();
            return Err(cannot(page).because("it is a page that names no feed").with_help(help));
        }
        [one] => one,
        [_, ..] => choose(place, page, &found)?,
    };
    let url = chosen.url.clone();
    known(config, &url)?;
    let asked_at = place.clock.now();
    let answer = ask(fetcher, &url, asked_at).await?;
    match source::read(&answer, None, None).await? {
        Ok(parsed) => Ok((url, asked_at, answer, parsed.document)),
        Err(error) => Err(cannot(page).because(format!("its feed `{}` cannot be read: {error}", shown(&url)))),
    }
}

/// Asks which of several feeds is meant; off a terminal says how to name one.
fn choose<'a>(place: &Place, page: &Url, found: &'a [Found]) -> Result<&'a Found, Failure> {
    let line = |(number, feed): (usize, &Found)| {
        format!("{number:>3}  {}  {}", shown(&feed.url), feed.title.as_deref().unwrap_or_default()).trim_end().to_owned()
    };
    let lines: Vec<String> = (1..).zip(found).map(line).collect();
    let listed = format!("`{}` names {}:\n{}", shown(page), count(found.len() as u64, "feed"), lines.join("\n"));
    if place.printer.terminal {
        place.printer.note(&listed);
    }
    if let Some(answer) = place.printer.ask(&format!("which one, 1 to {}?", found.len())) {
        let chosen = answer.parse::<usize>().ok().and_then(|number| found.get(number.checked_sub(1)?));
        return chosen.ok_or_else(|| Failure::usage(format!("`{answer}` is none of them")));
    }
    let first = found.first().map(|feed| shown(&feed.url)).unwrap_or_default();
    Err(Failure::usage(listed).with_help(format!("name one of them: `feeds add {first}`")))
}

/// Writes the subscription into the configuration, which is checked as a whole before. Answers its name.
fn write(config: &Config, place: &Place, arguments: &Arguments, url: &Url, document: &Document) -> Result<String, Failure> {
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => derive_name(url, document.title.as_deref(), &|name| config.feed(name).is_some()),
    };
    let mut file = ConfigFile::open(&config.path).map_err(edit_failure)?;
    let new = NewFeed {
        name: name.clone(),
        url: url.as_str().to_owned(),
        tags: arguments.tags.clone(),
        sinks: arguments.sinks.clone(),
        interval: arguments.interval,
        backlog: arguments.backlog,
    };
    file.append_feed(&new).map_err(edit_failure)?;
    Config::from_text(&config.path, file.text(), &place.env).map_err(|mistakes| {
        let help = "nothing was changed".to_owned();
        Failure::usage(mistakes.to_string()).with_help(help)
    })?;
    file.save().map_err(edit_failure)?;
    Ok(name)
}

/// Records what was fetched as the feed's first poll. Answers how many entries are queued, and whether it was recorded; where
/// the database is not this user's to write, the first run fetches again.
async fn record(place: &Place, name: &str, asked_at: Timestamp, answer: Answer) -> Result<(usize, bool), Failure> {
    let config = place.config()?;
    let feed = feed(&config, name)?;
    let path = place.database_path(&config)?;
    if !may_write(&config.path, &path) {
        place
            .printer
            .note(&format!("the database `{}` is another user's: the next run fetches the feed once more", path.display()));
        return Ok((0, false));
    }
    let recorded = async {
        let store = Store::open(&path, IfMissing::Create)?;
        let id = store.sync_one(subscribed(feed), asked_at).await?;
        let history = store.history(id).await?;
        let pool = Pool::start().map_err(|error| crate::store::StoreError::Other(error.to_string()))?;
        let recorder = Recorder { store: store.clone(), pool };
        let subscription = subscription(feed);
        let polled = recorder.record(&subscription, &history, None, asked_at, Ok(Fetched::Document(Box::new(answer)))).await?;
        if let Some(host) = feed.source.host() {
            store.release_host(None, host, Some(asked_at), polled.host_rests_until).await?;
        }
        Ok::<_, crate::store::StoreError>(polled.event)
    };
    match recorded.await {
        Ok(Event::Fetched { queued, .. }) => Ok((queued, true)),
        Ok(Event::Unchanged { .. } | Event::Failed(_)) => Ok((0, true)),
        Err(error) => {
            let cause = error.to_string();
            tracing::warn!(
                "`{name}` is subscribed, but its first poll could not be recorded: {cause}; the next run fetches it once more"
            );
            Ok((0, false))
        }
    }
}

/// Whether the database is this user's to write: it is there and writable, or the configuration's owner may make it.
fn may_write(config: &Path, database: &Path) -> bool {
    let me = rustix::process::geteuid().as_raw();
    let owner = |path: &Path| std::fs::metadata(path).ok().map(|found| found.uid());
    match owner(database) {
        Some(owner) => owner == me,
        // Root who acts for another would make a database that the other cannot write.
        None => owner(config) == Some(me),
    }
}

fn tell(place: &Place, name: &str, url: &Url, document: &Document, queued: usize, recorded: bool) -> Result<(), Failure> {
    let config = place.config()?;
    let feed = feed(&config, name)?;
    let mut entries: Vec<&crate::feed::Entry> = document.entries.iter().collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.dated()));
    let newest = entries.into_iter().take(SHOWN);
    if place.printer.json {
        let entry = |entry: &crate::feed::Entry| AddedEntry {
            title: entry.title.clone(),
            url: entry.link().map(str::to_owned),
            published: entry.dated(),
        };
        place.printer.json(&Added {
            name: name.to_owned(),
            url: shown(url),
            title: document.title.clone(),
            tags: feed.tags.clone(),
            sinks: feed.sinks.clone(),
            entries: newest.map(entry).collect(),
            queued,
            recorded,
        });
        return Ok(());
    }
    let printer = &place.printer;
    printer.fact(&format!("added `{name}`: {}", document.title.as_deref().unwrap_or("(no title)")));
    printer.fact(&format!("  {}", shown(url)));
    for entry in newest {
        let date = entry.dated().map(|at| format!("{}  ", local(at))).unwrap_or_default();
        printer.fact(&format!("  - {date}{}", entry.title.as_deref().or(entry.link()).unwrap_or("(no title)")));
    }
    let more = document.entries.len().saturating_sub(SHOWN);
    if more > 0 {
        printer.fact(&format!("  - and {more} more"));
    }
    let sinks = feed.sinks.join(", ");
    if recorded {
        printer.fact(&format!("the next run delivers {} to {sinks}", count(queued as u64, "entry")));
    } else {
        printer.fact(&format!("entries go to {sinks}"));
    }
    Ok(())
}
