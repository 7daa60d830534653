//! `feeds init`: writes a commented configuration where there is none.

use serde::Serialize;

use super::failure::{Exit, Failure};
use super::session::{Place, edit_failure};
use crate::config::{self, edit};

#[derive(Serialize)]
struct Written {
    config: String,
}

pub(super) fn run(place: &Place) -> Result<Exit, Failure> {
    let path = place.new_config_path()?;
    edit::create_new(&path, &config::initial()).map_err(edit_failure)?;
    let config = path.display().to_string();
    if place.printer.json {
        place.printer.json(&Written { config });
    } else {
        place.printer.fact(&format!("wrote {config}"));
        place.printer.fact("next: `feeds add URL` subscribes, `feeds run --once` fetches and delivers");
    }
    Ok(Exit::Done)
}
