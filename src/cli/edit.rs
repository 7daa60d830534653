//! `feeds remove`, `pause` and `resume`: changes to the configuration, and to nothing else. What happened stays known.

use serde::Serialize;

use super::failure::{Exit, Failure};
use super::session::{Place, edit_failure, feed, subscribed, tell_of_gone};
use crate::config::Config;
use crate::config::edit::ConfigFile;

/// The feeds that are meant.
#[derive(Debug, clap::Args)]
pub(super) struct Names {
    /// The feeds' names
    #[arg(required = true, value_name = "NAME")]
    pub(super) names: Vec<String>,
}

#[derive(Serialize)]
struct Changed<'a> {
    changed: &'a [String],
    /// What waits in the queue of a feed that was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<Vec<Waiting<'a>>>,
}

/// The deliveries that a feed leaves in the queue.
#[derive(Serialize)]
struct Waiting<'a> {
    feed: &'a str,
    ids: Vec<i64>,
}

/// So many numbers are written out.
const NUMBERS_SHOWN: usize = 20;

pub(super) fn remove(place: &Place, names: &Names) -> Result<Exit, Failure> {
    let mut file = open(place, names)?;
    // Whoever may edit the configuration need not be able to read the database.
    let queue = place.config().and_then(|config| waiting(place, &config, names)).unwrap_or_default();
    for name in &names.names {
        file.remove_feed(name).map_err(edit_failure)?;
    }
    save(place, file, names, "removed", Some(queue))
}

fn waiting<'a>(place: &Place, config: &Config, names: &'a Names) -> Result<Vec<Waiting<'a>>, Failure> {
    let Some(view) = place.view(config)? else { return Ok(Vec::new()) };
    let ids = view.ids(&config.feeds.iter().map(subscribed).collect::<Vec<_>>())?;
    let history = |name: &String| config.feeds.iter().zip(&ids).find(|(feed, _)| feed.name == *name).and_then(|(_, id)| *id);
    let open = |name: &'a String| {
        let ids = history(name).map(|feed| view.open_of(feed)).transpose()?.unwrap_or_default();
        Ok(Waiting { feed: name, ids: ids.into_iter().map(|id| id.0).collect() })
    };
    names.names.iter().map(open).filter(|one| one.as_ref().map_or(true, |one| !one.ids.is_empty())).collect()
}

pub(super) fn pause(place: &Place, names: &Names, paused: bool) -> Result<Exit, Failure> {
    let mut file = open(place, names)?;
    for name in &names.names {
        file.set_paused(name, paused).map_err(edit_failure)?;
    }
    let done = save(place, file, names, if paused { "paused" } else { "resumed" }, None)?;
    if !paused && let Ok(config) = place.config() {
        tell_of_gone(place, &config, &names.names);
    }
    Ok(done)
}

/// The configuration, once every name is known to be in it: all of them are changed or none.
fn open(place: &Place, names: &Names) -> Result<ConfigFile, Failure> {
    let config = place.config()?;
    for name in &names.names {
        feed(&config, name)?;
    }
    ConfigFile::open(&config.path).map_err(edit_failure)
}

fn save(
    place: &Place,
    mut file: ConfigFile,
    names: &Names,
    did: &str,
    waiting: Option<Vec<Waiting<'_>>>,
) -> Result<Exit, Failure> {
    file.save().map_err(edit_failure)?;
    if place.printer.json {
        place.printer.json(&Changed { changed: &names.names, waiting });
        return Ok(Exit::Done);
    }
    for name in &names.names {
        place.printer.fact(&format!("{did} {name}"));
        if let Some(Waiting { ids, .. }) = waiting.iter().flatten().find(|left| left.feed == name) {
            place.printer.fact(&format!("  {} in the queue, not delivered any more unless it is added again", deliveries(ids)));
            let numbers: Vec<String> = ids.iter().take(NUMBERS_SHOWN).map(ToString::to_string).collect();
            let more = if ids.len() > NUMBERS_SHOWN { " …" } else { "" };
            place.printer.note(&format!("help: `feeds queue drop {}{more}` forgets what waits", numbers.join(" ")));
        }
    }
    Ok(Exit::Done)
}

fn deliveries(ids: &[i64]) -> String {
    match ids {
        [_] => "1 delivery stays".to_owned(),
        ids => format!("{} deliveries stay", ids.len()),
    }
}
