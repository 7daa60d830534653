//! The writing thread's work, done in the task that asks: for simulations, where one seed must always lead to one history. The
//! file, the transactions and their sharing are the real ones; only when they happen, and whether the disk takes them, is for
//! the simulation to say.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use rusqlite::Connection;

use super::StoreError;
use super::writer::{Job, commit};

/// What a simulation decides in place of threads and a disk.
#[doc(hidden)]
pub trait Moments: fmt::Debug + Send + Sync {
    /// The moment before something happens: others may go first. Where the process ends here, it never comes back.
    fn moment(&self) -> BoxFuture<'_, ()>;
    /// What the disk says to the transaction that would begin now; nothing where it takes it.
    fn refusal(&self) -> Option<StoreError>;
}

#[derive(Debug)]
pub(super) struct InPlace {
    connection: Mutex<Connection>,
    waiting: Mutex<Vec<Box<dyn Job>>>,
    moments: Arc<dyn Moments>,
}

impl InPlace {
    pub(super) fn new(connection: Connection, moments: Arc<dyn Moments>) -> Self {
        Self { connection: Mutex::new(connection), waiting: Mutex::default(), moments }
    }

    /// The moment before a read.
    pub(super) async fn moment(&self) {
        self.moments.moment().await;
    }

    /// Has a job done, together with those that wait by then.
    pub(super) async fn submit(&self, job: Box<dyn Job>) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(job);
        self.moments.moment().await;
        let jobs = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if jobs.is_empty() {
            return;
        }
        match self.moments.refusal() {
            Some(error) => jobs.into_iter().for_each(|job| job.answer(Err(error.clone()))),
            None => commit(&mut self.connection.lock().unwrap_or_else(PoisonError::into_inner), jobs),
        }
    }
}
