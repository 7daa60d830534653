//! `feeds run --dry-run`: fetches what is due and shows what is new; writes nothing, not even what was seen.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Serialize;

use super::caller::Caller;
use super::failure::{Exit, Failure};
use super::session::{Place, subscribed, subscription};
use super::source;
use crate::config::{Config, Feed};
use crate::delivery::Updates;
use crate::feed::diff::{EntryRef, Known, diff};
use crate::feed::identity::text_hash;
use crate::feed::{Entry, Key, Keys};
use crate::fetch::{Ask, Fetched, Validators, filtered};
use crate::poll::{Fate, OncePer, plan};
use crate::schedule;
use crate::store::{FeedId, FeedStatus, History, View};
use crate::words::count;

/// An event, as scripts see it.
#[derive(Debug, Default, Serialize)]
struct Line {
    event: &'static str,
    feed: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<usize>,
    /// Settings that a run obeys and this does not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_considered: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    would_deliver: Vec<Item>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    would_hold: Vec<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
}

#[derive(Debug, Serialize)]
struct Item {
    title: Option<String>,
    url: Option<String>,
    sinks: Vec<String>,
}

/// What is known of one feed.
struct Memory {
    id: Option<FeedId>,
    history: Option<History>,
    status: Option<FeedStatus>,
}

pub(super) async fn run(place: &Place, config: &Config, force: bool, only: &[String]) -> Result<Exit, Failure> {
    let view = place.view(config)?;
    let memories = memories(config, view.as_ref())?;
    let known = view.as_ref().map(View::hosts).transpose()?.unwrap_or_default();
    let caller = Caller::new(place, config.http.clone(), known);
    for (feed, memory) in config.feeds.iter().zip(memories) {
        let wanted = only.is_empty() || only.contains(&feed.name);
        if !wanted || feed.paused || !is_due(&memory, force, place.clock.now()) {
            continue;
        }
        let line = one(place, &caller, view.as_ref(), feed, &memory).await?;
        tell(place, &line);
    }
    Ok(Exit::Done)
}

fn memories(config: &Config, view: Option<&View>) -> Result<Vec<Memory>, Failure> {
    let known: Vec<_> = config.feeds.iter().map(subscribed).collect();
    let Some(view) = view else {
        return Ok(known.iter().map(|_| Memory { id: None, history: None, status: None }).collect());
    };
    let (ids, statuses) = (view.ids(&known)?, view.feeds(&known)?);
    let memory = |(id, status): (Option<FeedId>, Option<FeedStatus>)| {
        let history = id.map(|id| view.history(id)).transpose()?;
        Ok(Memory { id, history, status })
    };
    ids.into_iter().zip(statuses).map(memory).collect()
}

fn is_due(memory: &Memory, force: bool, now: Timestamp) -> bool {
    let is_skipped = |history: &History| schedule::is_skipped(&history.habits.hints, now);
    if !force && memory.history.as_ref().is_some_and(is_skipped) {
        return false;
    }
    let Some(status) = &memory.status else { return true };
    let left_alone = status.left_alone_until.is_some_and(|until| until > now);
    status.gone_at.is_none() && !left_alone && (force || status.next_poll <= now)
}

async fn one(place: &Place, caller: &Caller<'_>, view: Option<&View>, feed: &Feed, memory: &Memory) -> Result<Line, Failure> {
    let history = memory.history.as_ref();
    let kept = history.and_then(|history| history.validators.clone());
    let validators = kept.map(|kept| {
        let crate::store::Validators { etag, last_modified, url, asked_as } = kept;
        Validators { etag, last_modified, url, asked_as }
    });
    let moved_to = history.and_then(|history| history.moved_to.as_deref()).and_then(|url| url::Url::parse(url).ok());
    let ask = Ask {
        source: &feed.source,
        at: moved_to.as_ref(),
        validators: validators.as_ref(),
        access: Some(&feed.access),
        now: place.clock.now(),
    };
    let line = |event, error| Line { event, feed: feed.name.clone(), error, ..Line::default() };
    let answer = match caller.ask(ask).await {
        Ok((_, answer)) => filtered(answer, feed.filter.as_ref()).await,
        Err(because) => return Ok(Line { because: Some(because), ..line("waits", None) }),
    };
    let answer = match answer {
        Ok(Fetched::Document(answer)) => answer,
        Ok(Fetched::Unchanged { .. }) => return Ok(line("unchanged", None)),
        Err(error) => return Ok(line("fetch_failed", Some(error.to_string()))),
    };
    let document = match source::read(&answer, None, None).await? {
        Ok(parsed) => parsed.document,
        Err(error) => return Ok(line("fetch_failed", Some(error.to_string()))),
    };
    let keys: Vec<Key> = document.entries.iter().flat_map(|entry| Keys::of(entry).all()).collect();
    let known = match (view, memory.id) {
        (Some(view), Some(id)) => view.known(id, &keys)?,
        (_, _) => Known::default(),
    };
    let found = diff(&document.entries, &known, feed.identity);
    let is_edited = |(entry, place): &&(EntryRef, usize)| {
        let both = known.hashes(*entry).zip(document.entries.get(*place));
        both.is_some_and(|(before, entry)| text_hash(entry) != before.text)
    };
    let changed = found.changed.iter().filter(is_edited).map(|(entry, _)| *entry).collect::<HashSet<EntryRef>>().len();
    let new: Vec<&Entry> = found.new.iter().filter_map(|(place, _)| document.entries.get(*place)).collect();
    let dates: Vec<Option<Timestamp>> = new.iter().map(|entry| entry.dated()).collect();
    let plan = plan(&dates, found.same.len(), &subscription(feed), history, place.clock.now());
    let of_fate = |fate| plan.entries.iter().rev().filter(move |(_, own)| *own == fate).filter_map(|(place, _)| new.get(*place));
    let item =
        |entry: &&Entry| Item { title: entry.title.clone(), url: entry.link().map(str::to_owned), sinks: feed.sinks.clone() };
    let would_deliver = of_fate(Fate::Deliver).map(item).collect();
    let would_hold = of_fate(Fate::Hold).map(item).collect();
    let (entries, because) = (Some(document.entries.len()), plan.why.clone());
    // Both depend on what each sink has, of other feeds too.
    let told_once = feed.once_per == OncePer::Sink && !plan.entries.is_empty();
    let updated = feed.updates != Updates::Ignore && changed > 0;
    let transformed = feed.transform.is_some() && !plan.entries.is_empty();
    let not_considered = [("once_per", told_once), ("updates", updated), ("transform", transformed)];
    let not_considered = not_considered.into_iter().filter(|(_, is)| *is).map(|(key, _)| key);
    let (changed, not_considered) = (Some(changed), not_considered.collect());
    let new = Some(new.len());
    Ok(Line { entries, new, changed, not_considered, would_deliver, would_hold, because, ..line("fetched", None) })
}

fn tell(place: &Place, line: &Line) {
    let printer = &place.printer;
    if printer.json {
        printer.json(line);
        return;
    }
    if line.event == "waits" {
        printer.fact(&format!("{}: not asked now: {}", line.feed, line.because.as_deref().unwrap_or_default()));
        return;
    }
    match (&line.error, line.new) {
        (Some(error), _) => printer.fact(&format!("{}: {error}", line.feed)),
        (None, None) => printer.fact(&format!("{}: unchanged", line.feed)),
        (None, Some(new)) => {
            let entries = count(line.entries.unwrap_or_default() as u64, "entry");
            printer.fact(&format!("{}: {entries}, {new} new, {} would be delivered", line.feed, line.would_deliver.len()));
        }
    }
    for item in &line.would_deliver {
        let title = item.title.as_deref().or(item.url.as_deref()).unwrap_or("(no title)");
        printer.fact(&format!("  {title} -> {}", item.sinks.join(", ")));
    }
    for key in &line.not_considered {
        printer.fact(&match *key {
            "updates" => format!(
                "  {} edited; what `updates` delivers of that is not shown",
                count(line.changed.unwrap_or_default() as u64, "entry")
            ),
            "transform" => "  what `transform` drops or changes is not shown; `feeds preview` shows one entry".to_owned(),
            key => format!("  what another feed has told already is not delivered again (`{key}`); that is not looked for here"),
        });
    }
    if let Some(because) = &line.because {
        printer.fact(&format!("  {} would be held: {because}", count(line.would_hold.len() as u64, "entry")));
    }
}
