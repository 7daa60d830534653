//! A sink's own trouble, while it lasts: until when it rests, and why.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::writer::Request;
use super::{Store, StoreError, seconds, time};
use crate::delivery::is_over;

/// A sink's rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// Until when.
    pub until: Timestamp,
    /// The sink named that time; where it did not, a new run tries it once.
    pub asked: bool,
    /// How often in a row it failed.
    pub failures: u32,
    /// Since when.
    pub since: Timestamp,
    /// Why, in words.
    pub error: String,
}

impl Rest {
    /// Whether the sink may be tried again.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        is_over(self.until, self.asked, now)
    }
}

impl Store {
    /// The sink's rest, where it has one.
    pub async fn rest_of(&self, sink: String) -> Result<Option<Rest>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT rest_until, asked, failures, since, error FROM sinks WHERE name = ?1";
            connection.prepare_cached(sql)?.query_row([sink], rest).optional()
        })
        .await
    }

    /// Writes down that a sink rests.
    pub async fn rest(&self, sink: String, rest: Rest) -> Result<(), StoreError> {
        self.ask(SetRest { sink, rest: Some(rest) }).await
    }

    /// Writes down that a sink works again.
    pub async fn end_rest(&self, sink: String) -> Result<(), StoreError> {
        self.ask(SetRest { sink, rest: None }).await
    }
}

pub(super) fn rest(row: &Row<'_>) -> Result<Rest, rusqlite::Error> {
    Ok(Rest { until: time(row.get(0)?), asked: row.get(1)?, failures: row.get(2)?, since: time(row.get(3)?), error: row.get(4)? })
}

struct SetRest {
    sink: String,
    rest: Option<Rest>,
}

impl Request for SetRest {
    type Reply = ();

    fn apply(self, connection: &Connection) -> Result<(), rusqlite::Error> {
        match self.rest {
            None => connection.prepare_cached("DELETE FROM sinks WHERE name = ?1")?.execute([self.sink])?,
            Some(rest) => {
                let sql = "INSERT OR REPLACE INTO sinks (name, rest_until, asked, failures, since, error) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                let values = params![self.sink, seconds(rest.until), rest.asked, rest.failures, seconds(rest.since), rest.error];
                connection.prepare_cached(sql)?.execute(values)?
            }
        };
        Ok(())
    }
}
