//! `feeds queue`: the deliveries that have not ended well, and what a person does about them.

use jiff::Timestamp;
use serde::Serialize;

use super::failure::{Exit, Failure};
use super::output::{local, table};
use super::session::{Place, database_failure};
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
    Drop(Which),
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
        Some(Act::Drop(which)) => change(place, which, false).await,
    }
}

fn list(place: &Place) -> Result<Exit, Failure> {
    let config = place.config()?;
    let items = place.view(&config)?.map(|view| view.queue()).transpose()?.unwrap_or_default();
    let rows: Vec<Row> = items.into_iter().map(|item| row(item, &|sink| config.sink(sink).is_some())).collect();
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
            row.next_attempt.map_or_else(|| "-".to_owned(), local),
            crate::feed::text::cut(title, 40),
            row.error.clone().unwrap_or_default(),
        ]
    }));
    place.printer.facts(table(&cells));
    Ok(Exit::Done)
}

fn row(item: QueueItem, has_sink: &dyn Fn(&str) -> bool) -> Row {
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
        error: if item.state == State::Pending { stranded.or(item.error) } else { item.error },
        message_id: item.message_id,
    }
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
