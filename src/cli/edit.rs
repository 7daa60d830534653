//! `feeds remove`, `pause` and `resume`: changes to the configuration, and to nothing else. What happened stays known.

use serde::Serialize;

use super::failure::{Exit, Failure};
use super::session::{Place, edit_failure, feed};
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
}

pub(super) fn remove(place: &Place, names: &Names) -> Result<Exit, Failure> {
    let mut file = open(place, names)?;
    for name in &names.names {
        file.remove_feed(name).map_err(edit_failure)?;
    }
    save(place, file, names, "removed")
}

pub(super) fn pause(place: &Place, names: &Names, paused: bool) -> Result<Exit, Failure> {
    let mut file = open(place, names)?;
    for name in &names.names {
        file.set_paused(name, paused).map_err(edit_failure)?;
    }
    save(place, file, names, if paused { "paused" } else { "resumed" })
}

/// The configuration, once every name is known to be in it: all of them are changed or none.
fn open(place: &Place, names: &Names) -> Result<ConfigFile, Failure> {
    let config = place.config()?;
    for name in &names.names {
        feed(&config, name)?;
    }
    ConfigFile::open(&config.path).map_err(edit_failure)
}

fn save(place: &Place, mut file: ConfigFile, names: &Names, did: &str) -> Result<Exit, Failure> {
    file.save().map_err(edit_failure)?;
    if place.printer.json {
        place.printer.json(&Changed { changed: &names.names });
    } else {
        names.names.iter().for_each(|name| place.printer.fact(&format!("{did} {name}")));
    }
    Ok(Exit::Done)
}
