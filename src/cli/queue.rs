//! `feeds queue`: the deliveries that have not ended well, and what a person does about them.

use jiff::Timestamp;
use serde::Serialize;

use super::failure::{Exit, Failure};
use super::output::{NEXT_RUN, local, table};
use super::session::{Place, database_failure, feed, subscribed};
use crate::delivery::{DeliveryId, State};
use crate::store::{IfMissing, QueueItem, Store};
use crate::words::count;

/// What `feeds queue` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Show them (the same as `feeds queue` alone)
    #[command(after_help = "Example: feeds queue list --json")]
    List,
    /// Try them again at the next run, whatever their wait, and end their sinks' rest
    #[command(after_help = "Example: feeds queue retry 17 18")]
    Retry(Which),
    /// Take them out of the queue; they are not delivered
    #[command(after_help = "Example: feeds queue drop 17")]
    Drop(Unwanted),
    /// Deliver what is held of a feed
    #[command(after_help = "Example: feeds queue release lwn")]
    Release {
        /// The feed's name
        name: String,
    },
}

#[derive(Debug, clap::Args)]
struct Which {
    /// Their numbers, as `feeds queue` shows them
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<i64>,
    /// All of them
    #[arg(long)]
    all: bool,
}

#[derive(Debug, clap::Args)]
struct Unwanted {
    /// Their numbers, as `feeds queue` shows them
    #[arg(value_name = "ID", required_unless_present_any = ["all", "held"], conflicts_with_all = ["all", "held"])]
    ids: Vec<i64>,
    /// All of them
    #[arg(long, conflicts_with = "held")]
    all: bool,
    /// All that is held of this feed
    #[arg(long, value_name = "NAME")]
    held: Option<String>,
}

/// A delivery, as scripts see it.
#[derive(Debug, Serialize)]
struct Row {
    id: i64,
    feed: String,
    title: Option<String>,
    url: Option<String>,
    sink: String,
    state: &'static str,
    attempts: u32,
    next_attempt: Option<Timestamp>,
    next_run: bool,
    error: Option<String>,
    message_id: String,
}

#[derive(Debug, Serialize)]
struct Changed {
    changed: Vec<i64>,
}

pub(super) async fn run(place: &Place, arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.act {
        None | Some(Act::List) => list(place),
        Some(Act::Retry(which)) => change(place, which, true).await,
        Some(Act::Drop(Unwanted { held: Some(name), .. })) => held(place, &name, false).await,
        Some(Act::Drop(Unwanted { ids, all, held: None })) => change(place, Which { ids, all }, false).await,
        Some(Act::Release { name }) => held(place, &name, true).await,
    }
}

fn list(place: &Place) -> Result<Exit, Failure> {
    let config = place.config()?;
    let items = place.view(&config)?.map(|view| view.queue()).transpose()?.unwrap_or_default();
    let rows: Vec<Row> =
        items.into_iter().map(|item| row(item, place.clock.now(), &|sink| config.sink(sink).is_some())).collect();
    if place.printer.json {
        place.printer.json(&rows);
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        place.printer.note("the queue is empty");
        return Ok(Exit::Done);
    }
    let mut cells = vec![["ID", "FEED", "SINK", "STATE", "TRIED", "NEXT", "TITLE", "WHY"].map(str::to_owned).to_vec()];
    cells.extend(rows.iter().map(|row| {
        let title = row.title.as_deref().or(row.url.as_deref()).unwrap_or_default();
        vec![
            row.id.to_string(),
            row.feed.clone(),
            row.sink.clone(),
            row.state.to_owned(),
            row.attempts.to_string(),
            if row.next_run { NEXT_RUN.to_owned() } else { row.next_attempt.map_or_else(|| "-".to_owned(), local) },
            crate::feed::text::cut(title, 40),
            row.error.clone().unwrap_or_default(),
        ]
    }));
    place.printer.facts(table(&cells));
    Ok(Exit::Done)
}

fn row(item: QueueItem, now: Timestamp, has_sink: &dyn Fn(&str) -> bool) -> Row {
    let stranded = if item.feed_removed {
        Some(format!("its feed is no longer in the configuration; `feeds queue drop {}` forgets it", item.id.0))
    } else if has_sink(&item.sink) {
        None
    } else {
        Some(format!("its sink is no longer in the configuration; `feeds queue drop {}` forgets it", item.id.0))
    };
    let next_attempt = if stranded.is_some() { None } else { item.next_attempt };
    Row {
        id: item.id.0,
        feed: item.feed,
        title: item.title,
        url: item.url,
        sink: item.sink,
        state: item.state.word(),
        attempts: item.attempts,
        next_attempt,
        next_run: next_attempt.is_some_and(|at| item.next_run || at <= now),
        error: if item.state == State::Pending { stranded.or(item.error) } else { item.error },
        message_id: item.message_id,
    }
}

/// A person's word on what is held of a feed: let it go, or forget it.
async fn held(place: &Place, name: &str, release: bool) -> Result<Exit, Failure> {
    let config = place.config()?;
    feed(&config, name)?;
    let path = place.database_path(&config)?;
    let failed = |error| database_failure(&path, error);
    let all: Vec<_> = config.feeds.iter().map(subscribed).collect();
    let ids = place.view(&config)?.map(|view| view.ids(&all)).transpose()?.unwrap_or_default();
    let id = config.feeds.iter().zip(ids).find(|(feed, _)| feed.name == name).and_then(|(_, id)| id);
    let (changed, told) = match id {
        None => (Vec::new(), 0),
        Some(id) => {
            let store = Store::open(&path, IfMissing::Fail).map_err(failed)?;
            let now = place.clock.now();
            if release { store.release(id, now).await? } else { (store.drop_held(id, now).await?, 0) }
        }
    };
    let what = count(changed.len() as u64, "delivery");
    if place.printer.json {
        place.printer.json(&Changed { changed: changed.into_iter().map(|id| id.0).collect() });
    } else if changed.is_empty() && told == 0 {
        place.printer.fact(&format!("nothing of `{name}` is held"));
    } else {
        place.printer.fact(&if release { format!("{what} due at the next run") } else { format!("{what} dropped") });
        if told > 0 {
            let what = count(told as u64, "delivery");
            place.printer.fact(&format!("{what} not needed any more: another feed has told the same story (`once_per`)"));
        }
    }
    Ok(Exit::Done)
}

async fn change(place: &Place, which: Which, retry: bool) -> Result<Exit, Failure> {
    let config = place.config()?;
    let path = place.database_path(&config)?;
    let store = Store::open(&path, IfMissing::Fail).map_err(|error| database_failure(&path, error))?;
    let ids = (!which.all).then(|| which.ids.iter().copied().map(DeliveryId).collect());
    let now = place.clock.now();
    let changed = if retry { store.retry(ids, now).await? } else { store.drop_deliveries(ids, now).await? };
    let changed: Vec<i64> = changed.into_iter().map(|id| id.0).collect();
    let missing: Vec<String> = which.ids.iter().filter(|id| !changed.contains(id)).map(ToString::to_string).collect();
    if place.printer.json {
        place.printer.json(&Changed { changed });
    } else if missing.is_empty() || !changed.is_empty() {
        let what = count(changed.len() as u64, "delivery");
        place.printer.fact(&if retry { format!("{what} due at the next run") } else { format!("{what} dropped") });
    }
    if missing.is_empty() {
        return Ok(Exit::Done);
    }
    let failure = Failure::usage(format!("not in the queue: {}", missing.join(", ")));
    Err(failure.with_help("`feeds queue` shows the numbers".to_owned()))
}
