//! SQLite: the only place with SQL. The database is the whole truth about what happened. Its requests are whole acts, each
//! all or nothing; time and worker are passed in, ids are opaque. It knows neither sinks nor the network.

mod deliveries;
mod entries;
mod error;
mod feeds;
mod habits;
mod held;
mod hosts;
mod in_place;
mod lock;
mod notices;
mod open;
mod resources;
mod revisions;
mod room;
mod runs;
mod sinks;
mod stories;
mod view;
mod writer;

pub use deliveries::{ClaimDeliveries, Claimed, FeedSet, Finished, Settled};
pub use entries::{Answer, DocumentRecord, Moved, NewDelivery, NewEntry, PollRecord, Recorded};
pub use error::StoreError;
pub use feeds::{ClaimHosts, FeedId, History, HostClaim, Subscribed, Validators};
pub use hosts::{HostDone, HostPace};
#[doc(hidden)]
pub use in_place::Moments;
pub use lock::{RunLock, Taken};
pub use notices::{Notice, Told, Unwell};
pub use revisions::{Changed, NotKept, Resent, Revision, Update};
pub use runs::{RunId, RunTotals};
pub use sinks::Rest;
pub use view::{FeedStatus, LastRun, QueueItem, QueueLength, View};

use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use rusqlite::Connection;

use in_place::InPlace;
use writer::{Request, Writer};

/// A handle to the database for those who write to it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    /// Closed first: only a connection that writes can take the write-ahead log in at the end.
    reader: Arc<Mutex<Connection>>,
    writer: Writer,
    folder: Arc<Path>,
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
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Self { reader: Arc::new(Mutex::new(reader)), writer: Writer::start(writing)?, folder: folder.into() })
    }

    /// The same, without any thread of its own: `moments` says when things happen.
    ///
    /// # Errors
    /// As for [`Store::open`].
    #[doc(hidden)]
    pub fn simulated(path: &Path, missing: IfMissing, moments: Arc<dyn Moments>) -> Result<Self, StoreError> {
        let writing = open::for_writing(path, missing)?;
        let reader = open::for_reading(path)?;
        let writer = Writer::InPlace(Arc::new(InPlace::new(writing, moments)));
        let folder = path.parent().unwrap_or(Path::new("."));
        Ok(Self { reader: Arc::new(Mutex::new(reader)), writer, folder: folder.into() })
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
        let reading = move || {
            let connection = reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            read(&connection)
        };
        if let Writer::InPlace(place) = &self.writer {
            place.moment().await;
            return Ok(reading()?);
        }
        let done = tokio::task::spawn_blocking(reading);
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
