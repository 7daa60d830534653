//! What is known of a feed's habits, as it is kept with the feed, and what follows from it before a request.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::feeds::History;
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
