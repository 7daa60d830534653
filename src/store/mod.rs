//! SQLite: the only place with SQL. The database is the whole truth about what happened. Its requests are whole acts, each
//! all or nothing; time and worker are passed in, ids are opaque. It knows neither sinks nor the network.

mod deliveries;
mod entries;
mod error;
mod feeds;
mod held;
mod lock;
mod open;
mod runs;
mod sinks;
mod view;
mod writer;

pub use deliveries::{Claimed, Finished, Settled};
pub use entries::{Answer, DocumentRecord, NewDelivery, NewEntry, PollRecord, Recorded};
pub use error::StoreError;
pub use feeds::{ClaimHosts, FeedId, History, HostClaim, Subscribed, Validators};
pub use lock::{RunLock, Taken};
pub use runs::{RunId, RunTotals};
pub use sinks::Rest;
pub use view::{FeedStatus, LastRun, QueueItem, QueueLength, View};

use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use rusqlite::Connection;

use writer::{Request, Writer};

/// A handle to the database for those who write to it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    writer: Writer,
    reader: Arc<Mutex<Connection>>,
}

/// Whether a database that is not there is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMissing {
    /// An empty one is made, with its folder.
    Create,
    /// It is an error.
    Fail,
}

impl Store {
    /// Opens the database at `path`, brings its tables up to date, and starts the one thread that writes to it.
    ///
    /// # Errors
    /// When it cannot be opened, is damaged, or is newer than this program.
    pub fn open(path: &Path, missing: IfMissing) -> Result<Self, StoreError> {
        let writing = open::for_writing(path, missing)?;
        let reader = open::for_reading(path)?;
        Ok(Self { writer: Writer::start(writing)?, reader: Arc::new(Mutex::new(reader)) })
    }

    /// Hands a request to the writing thread; answered after its transaction is committed.
    async fn ask<R: Request>(&self, request: R) -> Result<R::Reply, StoreError> {
        self.writer.ask(request).await
    }

    /// Reads on a thread where waiting for the disk holds nobody up.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let reader = Arc::clone(&self.reader);
        let done = tokio::task::spawn_blocking(move || {
            let connection = reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            read(&connection)
        });
        done.await.map_err(|_| StoreError::Stopped)?.map_err(StoreError::from)
    }
}

/// A time as the database keeps it.
fn seconds(at: Timestamp) -> i64 {
    at.as_second()
}

/// A time from the database; what no calendar has is the beginning of time.
fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests;
