//! The one thread that writes. Requests that wait together are committed together, each in a savepoint of its own; every
//! one is answered only after the commit.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::StoreError;
use super::in_place::InPlace;

/// A whole act on the database: it happens entirely or not at all.
pub(super) trait Request: Send + 'static {
    /// What it answers.
    type Reply: Send + 'static;
    /// Does it, inside a transaction that others may share.
    fn apply(self, connection: &Connection) -> Result<Self::Reply, rusqlite::Error>;
}

/// How many requests share a commit at most.
const TOGETHER: usize = 256;
/// How many requests may wait before those who ask must.
const WAITING: usize = 1_024;

/// The asking end of the writing thread. When the last one is dropped, the thread's connection is closed before the process ends:
/// only so is the write-ahead log taken into the database.
#[derive(Debug, Clone)]
pub(super) enum Writer {
    Thread(Arc<Thread>),
    InPlace(Arc<InPlace>),
}

#[derive(Debug)]
pub(super) struct Thread {
    jobs: Option<mpsc::SyncSender<Box<dyn Job>>>,
    handle: Option<JoinHandle<()>>,
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.jobs.take();
        if let Some(handle) = self.handle.take() {
            handle.join().ok();
        }
    }
}

/// A request whose type is forgotten, and the way back for its answer.
pub(super) trait Job: Send {
    fn apply(&mut self, connection: &Connection) -> Result<Box<dyn Any + Send>, StoreError>;
    fn answer(self: Box<Self>, done: Result<Box<dyn Any + Send>, StoreError>);
}

struct Pending<R: Request> {
    request: Option<R>,
    back: oneshot::Sender<Result<R::Reply, StoreError>>,
}

impl fmt::Debug for dyn Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job")
    }
}

impl<R: Request> Job for Pending<R> {
    fn apply(&mut self, connection: &Connection) -> Result<Box<dyn Any + Send>, StoreError> {
        let request = self.request.take().ok_or(StoreError::Stopped)?;
        Ok(Box::new(request.apply(connection)?))
    }

    fn answer(self: Box<Self>, done: Result<Box<dyn Any + Send>, StoreError>) {
        let reply = done.and_then(|reply| reply.downcast::<R::Reply>().map(|reply| *reply).map_err(|_| StoreError::Stopped));
        // Whoever asked may have gone away meanwhile; what was committed stays committed.
        self.back.send(reply).ok();
    }
}

impl Writer {
    /// Starts the thread. It ends when the last asking end is dropped.
    pub(super) fn start(mut connection: Connection) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::sync_channel::<Box<dyn Job>>(WAITING);
        let work = move || {
            while let Ok(first) = receiver.recv() {
                let mut jobs = vec![first];
                jobs.extend(receiver.try_iter().take(TOGETHER - 1));
                commit(&mut connection, jobs);
            }
        };
        let started = std::thread::Builder::new().name("store".to_owned()).spawn(work);
        let handle = started.map_err(|error| StoreError::Other(error.to_string()))?;
        Ok(Self::Thread(Arc::new(Thread { jobs: Some(sender), handle: Some(handle) })))
    }

    /// Has a request done.
    pub(super) async fn ask<R: Request>(&self, request: R) -> Result<R::Reply, StoreError> {
        let (back, answer) = oneshot::channel();
        let job: Box<dyn Job> = Box::new(Pending { request: Some(request), back });
        match self {
            Self::Thread(thread) => submit(thread.jobs.as_ref().ok_or(StoreError::Stopped)?, job).await?,
            Self::InPlace(place) => place.submit(job).await,
        }
        answer.await.unwrap_or(Err(StoreError::Stopped))
    }
}

async fn submit(sender: &mpsc::SyncSender<Box<dyn Job>>, job: Box<dyn Job>) -> Result<(), StoreError> {
    match sender.try_send(job) {
        Ok(()) => Ok(()),
        Err(mpsc::TrySendError::Disconnected(_)) => Err(StoreError::Stopped),
        Err(mpsc::TrySendError::Full(job)) => {
            let sender = sender.clone();
            let sent = tokio::task::spawn_blocking(move || sender.send(job).is_ok()).await;
            if matches!(sent, Ok(true)) { Ok(()) } else { Err(StoreError::Stopped) }
        }
    }
}

/// Does jobs in one transaction and answers them.
pub(super) fn commit(connection: &mut Connection, mut jobs: Vec<Box<dyn Job>>) {
    let done = together(connection, &mut jobs);
    match done {
        Ok(replies) => jobs.into_iter().zip(replies).for_each(|(job, reply)| job.answer(reply)),
        Err(error) => jobs.into_iter().for_each(|job| job.answer(Err(error.clone()))),
    }
}

type Replies = Vec<Result<Box<dyn Any + Send>, StoreError>>;

fn together(connection: &mut Connection, jobs: &mut [Box<dyn Job>]) -> Result<Replies, StoreError> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut replies = Vec::with_capacity(jobs.len());
    for job in jobs {
        let savepoint = transaction.savepoint()?;
        let reply = job.apply(&savepoint);
        // A savepoint that is not committed is rolled back: a request that failed leaves nothing behind.
        if reply.is_ok() {
            savepoint.commit()?;
        }
        replies.push(reply);
    }
    transaction.commit()?;
    Ok(replies)
}
