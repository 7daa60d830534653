//! `feeds add`: a page or a feed becomes a subscription. What was fetched is recorded as the feed's first poll, by the same
//! function that `run` uses: one request in all where the address is a feed's.

mod find;

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use url::Url;

use find::{Subscribable, find};

use super::caller::Caller;
use super::failure::{Exit, Failure};
use super::output::local;
use super::session::{Place, edit_failure, feed, subscribed, subscription};
use crate::config::edit::{ConfigFile, NewFeed};
use crate::config::{Backlog, Config, derive_name};
use crate::feed::Document;
use crate::fetch::{Answer, Fetched};
use crate::poll::{Event, Recorder};
use crate::schedule::Every;
use crate::secret::redact as shown;
use crate::store::{HostPace, IfMissing, Store};
use crate::words::count;
use crate::work::Pool;

/// What `feeds add` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The addresses of pages or feeds, or files
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
    interval: Option<Every>,
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
    if let Some(name) = &arguments.name
        && config.feed(name).is_some()
    {
        let failure = Failure::usage(format!("cannot add `{}`", crate::secret::redact_text(text)));
        let help = "choose another name with `--name`".to_owned();
        return Err(failure.because(format!("there is a feed `{name}` already")).with_help(help));
    }
    let caller = Caller::new(place, config.http.clone(), paces(place, &config)?);
    let found = find(place, &config, &caller, text).await;
    if found.is_err() {
        keep_rests(place, &config, &caller).await;
    }
    let Subscribable { url, asked_at, mut answer, document } = found?;
    // An address that has moved for good is written down as it is now; a login stays with its origin.
    let url = match answer.moved_to.take() {
        Some(moved) if has_login(&url) => with_login_of(&url, moved).unwrap_or(url),
        Some(moved) => moved,
        None => url,
    };
    known(&config, &url)?;
    let name = write(&config, place, arguments, &url, &document)?;
    let (queued, recorded) = record(place, &name, &caller, asked_at, answer).await?;
    tell(place, &name, &url, &document, queued, recorded)
}

/// What is known of the paces of hosts. A database that cannot be used is told before anything is asked or written; another
/// user's says nothing here.
fn paces(place: &Place, config: &Config) -> Result<Vec<HostPace>, Failure> {
    let path = place.database_path(config)?;
    let view = if may_write(&config.path, &path) { place.view(config)? } else { None };
    Ok(view.map(|view| view.hosts()).transpose()?.unwrap_or_default())
}

/// Writes down that a host has had too much, so that the next one to ask knows it, though nothing came of this request.
async fn keep_rests(place: &Place, config: &Config, caller: &Caller<'_>) {
    let Ok(path) = place.database_path(config) else { return };
    if !caller.was_too_much() || !may_write(&config.path, &path) {
        return;
    }
    let kept = async { caller.keep(&Store::open(&path, IfMissing::Create)?).await };
    if let Err(error) = kept.await {
        tracing::warn!("it could not be written down how long the host wants to be left alone: {error}");
    }
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
async fn record(
    place: &Place,
    name: &str,
    caller: &Caller<'_>,
    asked_at: Timestamp,
    answer: Answer,
) -> Result<(usize, bool), Failure> {
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
        caller.keep(&store).await?;
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
