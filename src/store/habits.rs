//! What is known of a feed's habits, as it is kept with the feed, and what follows from it before a request.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::feeds::{History, Subscribed};
use super::seconds;
use crate::schedule::{self, Habits, Offset};

/// The habits in a row. What cannot be read, as by an older version, is not known.
pub(super) fn habits(row: &Row<'_>) -> Result<Habits, rusqlite::Error> {
    let text: Option<String> = row.get("habits")?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Habits as they are kept.
pub(super) fn packed(habits: &Habits) -> Result<String, rusqlite::Error> {
    serde_json::to_string(habits).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// How many feeds of each host are new in one reading of the configuration.
#[derive(Debug, Default)]
pub(super) struct Newcomers<'a>(HashMap<&'a str, usize>);

impl<'a> Newcomers<'a> {
    /// When this one is asked first, so that not all of a host are at once.
    pub(super) fn first_poll(&mut self, feed: &'a Subscribed, now: Timestamp) -> Timestamp {
        let before = self.0.entry(&feed.host).or_default();
        *before += 1;
        schedule::first_poll(Offset::of(&feed.url), *before - 1, now)
    }
}

/// Puts off the feeds that were due in an hour or on a day that they skip.
pub(super) fn put_off(connection: &Connection, feeds: &[History], now: Timestamp) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE feeds SET next_poll = ?2, because = ?3 WHERE id = ?1";
    let mut update = connection.prepare_cached(sql)?;
    for History { feed, habits, .. } in feeds {
        let offset = Offset::of(&feed.0.to_string());
        if let Some(at) = schedule::put_off(&habits.hints, now, offset) {
            update.execute(params![feed.0, seconds(at), "the hours or days that the feed skips"])?;
        }
    }
    Ok(())
}
