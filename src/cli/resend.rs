//! `feeds resend`: queues the newest entries of a feed once more, as far as their content is still kept.

use jiff::Timestamp;
use serde::Serialize;

use super::failure::{Exit, Failure};
use super::output::local;
use super::session::{Place, database_failure, feed, subscribed, subscription};
use crate::feed::Entry;
use crate::store::{IfMissing, NotKept, Store};
use crate::words::count;

/// What `feeds resend` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The feed's name
    #[arg(value_name = "NAME")]
    name: String,
    /// How many of its newest entries
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    last: u32,
}

/// What came of it, as scripts see it.
#[derive(Debug, Serialize)]
struct Facts {
    name: String,
    sinks: Vec<String>,
    queued: Vec<Item>,
    waiting: Vec<Item>,
    not_kept: Vec<Gone>,
}

#[derive(Debug, Serialize)]
struct Item {
    title: Option<String>,
    url: Option<String>,
    published: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Gone {
    published: Option<Timestamp>,
    first_seen: Timestamp,
    message_id: Option<String>,
}

pub(super) async fn run(place: &Place, arguments: Arguments) -> Result<Exit, Failure> {
    let config = place.config()?;
    let feed = feed(&config, &arguments.name)?;
    let path = place.database_path(&config)?;
    let store = Store::open(&path, IfMissing::Fail).map_err(|error| database_failure(&path, error))?;
    let now = place.clock.now();
    let id = store.sync_one(subscribed(feed), now).await?;
    let destinations = subscription(feed).destinations.into_iter().map(|to| (to.sink, to.id_domain)).collect();
    let resent = store.resend(id, arguments.last, destinations, now).await?;
    let facts = Facts {
        name: feed.name.clone(),
        sinks: feed.sinks.clone(),
        queued: resent.queued.iter().map(|(entry, _)| item(entry)).collect(),
        waiting: resent.waiting.iter().map(item).collect(),
        not_kept: resent.not_kept.into_iter().map(gone).collect(),
    };
    if place.printer.json {
        place.printer.json(&facts);
    } else {
        tell(place, &facts);
    }
    // Nothing at all could be done: whoever asked must know.
    let nothing = facts.queued.is_empty() && facts.waiting.is_empty();
    Ok(if nothing { Exit::NeedsPerson } else { Exit::Done })
}

fn item(entry: &Entry) -> Item {
    Item { title: entry.title.clone(), url: entry.link().map(str::to_owned), published: entry.dated() }
}

fn gone(NotKept { dated, first_seen, message_id }: NotKept) -> Gone {
    Gone { published: dated, first_seen, message_id }
}

fn tell(place: &Place, facts: &Facts) {
    let printer = &place.printer;
    let named = |item: &Item| item.title.as_deref().or(item.url.as_deref()).unwrap_or("(no title)").to_owned();
    let (queued, waiting, gone) = (facts.queued.len(), facts.waiting.len(), facts.not_kept.len());
    let all = queued + waiting + gone;
    let of_all = if all == queued { String::new() } else { format!(" of the newest {all}") };
    if queued > 0 {
        let what = if all == queued { count(queued as u64, "entry") } else { queued.to_string() };
        printer.fact(&format!("the next run delivers {what}{of_all} of `{}` again to {}", facts.name, facts.sinks.join(", ")));
    } else if all > 0 {
        printer.fact(&format!("none{of_all} of `{}` is queued again", facts.name));
    }
    if gone > 0 {
        let is = if gone == 1 { "is" } else { "are" };
        printer.fact(&format!("{gone}{of_all} {is} not kept any more, or never delivered, and cannot be sent again"));
    }
    facts.queued.iter().for_each(|item| printer.fact(&format!("  - {}", named(item))));
    for item in &facts.waiting {
        printer.note(&format!("\"{}\" waits in the queue already", named(item)));
    }
    for gone in &facts.not_kept {
        let when = gone.published.unwrap_or(gone.first_seen);
        printer.note(&format!("not kept: the entry of {}", local(when)));
    }
    if facts.queued.is_empty() && facts.waiting.is_empty() && facts.not_kept.is_empty() {
        printer.note(&format!("`{}` has shown no entry yet", facts.name));
    }
}
