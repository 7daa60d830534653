//! `feeds catchup`: asks a feed now, as a run would, marks all that is there as seen, and takes what waits of it out of the
//! queue. What was asked and answered is recorded by the same function that `run` uses.

use serde::Serialize;

use super::caller::Caller;
use super::edit::Names;
use super::failure::{Exit, Failure};
use super::session::{Place, database_failure, feed, subscribed, subscription};
use super::source::obey_history;
use crate::config::{Backlog, Config, Feed};
use crate::delivery::Updates;
use crate::fetch::{Ask, Validators};
use crate::poll::{Event, Recorder, Subscription};
use crate::store::{IfMissing, Store};
use crate::words::count;
use crate::work::Pool;

/// A feed that was caught up with, as scripts see it.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    seen: usize,
    dropped: usize,
    error: Option<String>,
}

pub(super) async fn run(place: &Place, names: &Names) -> Result<Exit, Failure> {
    let config = place.config()?;
    let feeds: Vec<&Feed> = names.names.iter().map(|name| feed(&config, name)).collect::<Result<_, _>>()?;
    let path = place.database_path(&config)?;
    let failed = |error| database_failure(&path, error);
    let store = Store::open(&path, IfMissing::Fail).map_err(|error| {
        let help = "the first `feeds run` makes it; `backlog = 0` is how a new feed begins with nothing".to_owned();
        failed(error).with_help(help)
    })?;
    let pool = Pool::start().map_err(|error| Failure::storage(format!("cannot start a thread: {error}")))?;
    let recorder = Recorder { store, pool };
    let caller = Caller::new(place, config.http.clone(), recorder.store.host_paces().await?);
    let (mut rows, mut exit) = (Vec::new(), Exit::Done);
    for feed in feeds {
        let row = match one(place, &config, &caller, &recorder, feed).await {
            Ok((seen, dropped)) => Row { name: feed.name.clone(), seen, dropped, error: None },
            Err(failure) if failure.exit == Exit::NeedsPerson => {
                place.printer.note(&failure.lines(&place.printer.label("error")));
                exit = failure.exit;
                let error = failure.cause.unwrap_or(failure.error);
                Row { name: feed.name.clone(), seen: 0, dropped: 0, error: Some(error) }
            }
            Err(failure) => return Err(failure),
        };
        rows.push(row);
    }
    caller.keep(&recorder.store).await?;
    tell(place, &rows);
    Ok(exit)
}

/// Catches up with one feed. Answers how many entries were new, and how many deliveries were dropped.
async fn one(
    place: &Place,
    config: &Config,
    caller: &Caller<'_>,
    recorder: &Recorder,
    feed: &Feed,
) -> Result<(usize, usize), Failure> {
    obey_history(place, config, feed)?;
    let store = &recorder.store;
    let now = place.clock.now();
    let id = store.sync_one(subscribed(feed), now).await?;
    let history = store.history(id).await?;
    let moved_to = history.moved_to.as_deref().and_then(|url| url::Url::parse(url).ok());
    let kept = history.validators.clone();
    let validators = kept.map(|kept| {
        let crate::store::Validators { etag, last_modified, url, asked_as } = kept;
        Validators { etag, last_modified, url, asked_as }
    });
    let ask =
        Ask { source: &feed.source, at: moved_to.as_ref(), validators: validators.as_ref(), access: Some(&feed.access), now };
    let not_now = |cause| Failure::needs_person(format!("`{}` is not asked now", feed.name)).because(cause);
    let (asked_at, answer) = caller.ask(ask).await.map_err(not_now)?;
    // A subscription that goes nowhere: what it shows is seen, and nothing of it is queued.
    let silent =
        Subscription { backlog: Backlog::Newest(0), updates: Updates::Ignore, destinations: Vec::new(), ..subscription(feed) };
    let seen = match recorder.record(&silent, &history, None, asked_at, answer).await?.event {
        Event::Fetched { new, .. } => new,
        Event::Unchanged { .. } => 0,
        Event::Failed(failure) => {
            let error = Failure::needs_person(format!("cannot catch up with `{}`", feed.name));
            return Err(error.because(failure.error).with_help(failure.help));
        }
    };
    Ok((seen, store.drop_waiting(id, place.clock.now()).await?))
}

fn tell(place: &Place, rows: &[Row]) {
    if place.printer.json {
        place.printer.json(&rows);
        return;
    }
    for row in rows.iter().filter(|row| row.error.is_none()) {
        let seen = match row.seen {
            0 => "nothing was new".to_owned(),
            seen => format!("{} marked as seen", count(seen as u64, "entry")),
        };
        let dropped = match row.dropped {
            0 => String::new(),
            dropped => format!(", {} dropped from the queue", count(dropped as u64, "delivery")),
        };
        place.printer.fact(&format!("`{}`: {seen}{dropped}", row.name));
    }
}
