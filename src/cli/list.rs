//! `feeds list`: the subscriptions, with tags and sinks.

use serde::Serialize;

use super::failure::{Exit, Failure};
use super::output::table;
use super::session::{Place, subscribed};
use crate::secret::redact_text;

/// A subscription, as scripts see it.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    url: String,
    title: Option<String>,
    tags: Vec<String>,
    sinks: Vec<String>,
    interval: String,
    paused: bool,
}

pub(super) fn run(place: &Place) -> Result<Exit, Failure> {
    let config = place.config()?;
    let known: Vec<_> = config.feeds.iter().map(subscribed).collect();
    // The subscriptions are the configuration's; the database only adds their titles.
    let read = || Ok::<_, Failure>(place.view(&config)?.map(|view| view.feeds(&known)).transpose()?);
    let statuses = read().unwrap_or_else(|failure| {
        tracing::warn!("{}", failure.lines("titles are missing").trim_start_matches("titles are missing: "));
        None
    });
    let statuses = statuses.unwrap_or_else(|| vec![None; known.len()]);
    let row = |(feed, status): (&crate::config::Feed, Option<crate::store::FeedStatus>)| Row {
        name: feed.name.clone(),
        url: redact_text(&feed.url),
        title: status.and_then(|status| status.title),
        tags: feed.tags.clone(),
        sinks: feed.sinks.clone(),
        interval: feed.interval.to_string(),
        paused: feed.paused,
    };
    let rows: Vec<Row> = config.feeds.iter().zip(statuses).map(row).collect();
    if place.printer.json {
        place.printer.json(&rows);
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        place.printer.note("no subscriptions yet; `feeds add URL` makes one");
    }
    let cells = |row: &Row| {
        let name = if row.paused { format!("{} (paused)", row.name) } else { row.name.clone() };
        let tags = row.tags.join(", ");
        vec![name, row.interval.clone(), row.sinks.join(", "), tags, row.title.clone().unwrap_or_default(), row.url.clone()]
    };
    place.printer.facts(table(&rows.iter().map(cells).collect::<Vec<_>>()));
    Ok(Exit::Done)
}
