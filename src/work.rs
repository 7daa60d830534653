//! The CPU pool: work that only burns CPU (parsing, making) runs here, never on the async threads. One thread a core, stacks
//! large enough for what recursion a stranger's document may cause, a bounded queue, a panic caught for each item, and a time
//! after which an item is given up: its thread is left to it, and another takes its place.

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// A handle to the pool. Cheap to clone; the threads end with the last one.
#[derive(Debug, Clone)]
pub struct Pool {
    /// The threads' queue; without one, work is done by whoever asks.
    jobs: Option<mpsc::Sender<Job>>,
    waiting: Arc<Mutex<mpsc::Receiver<Job>>>,
    room: Arc<Semaphore>,
    alone: Arc<Semaphore>,
}

/// The right to work on something large, as long as it is kept: nobody else does.
#[derive(Debug)]
pub struct Alone(#[expect(dead_code, reason = "kept, to be given back")] Option<OwnedSemaphorePermit>);

type Job = Box<dyn FnOnce() + Send>;

/// The work panicked or took too long. What it was working on is at fault; others go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it could not be worked on: {0}")]
pub struct Panicked(pub String);

/// Hostile markup may recurse deeply in a library; see docs/limits.md.
const STACK: usize = 16 << 20;
/// An item takes milliseconds; the largest document that is let in, a few seconds.
const LONGEST: Duration = Duration::from_secs(60);

impl Pool {
    /// Starts the threads: one a core.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn start() -> std::io::Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let (jobs, receiver) = mpsc::channel::<Job>();
        let waiting = Arc::new(Mutex::new(receiver));
        for _ in 0..threads {
            start_thread(&waiting)?;
        }
        Ok(Self { jobs: Some(jobs), waiting, room: Arc::new(Semaphore::new(threads * 4)), alone: Arc::new(Semaphore::new(1)) })
    }

    /// A pool without threads, for simulations: whoever asks does the work.
    #[doc(hidden)]
    #[must_use]
    pub fn in_place() -> Self {
        let (_, receiver) = mpsc::channel();
        Self {
            jobs: None,
            waiting: Arc::new(Mutex::new(receiver)),
            room: Arc::new(Semaphore::new(1)),
            alone: Arc::new(Semaphore::new(1)),
        }
    }

    /// Waits until nothing else that is large is worked on: a document's tree takes several times its bytes.
    pub async fn alone(&self) -> Alone {
        Alone(Arc::clone(&self.alone).acquire_owned().await.ok())
    }

    /// Has work done. Waits while the queue is full.
    ///
    /// # Errors
    /// When the work panicked, or took longer than a minute.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Panicked> {
        let work = move || catch_unwind(AssertUnwindSafe(work)).map_err(|cause| Panicked(in_words(cause.as_ref())));
        let Some(jobs) = &self.jobs else { return work() };
        let gone = || Panicked("the pool has ended".to_owned());
        let _room = self.room.acquire().await.map_err(|_| gone())?;
        let (back, answer) = oneshot::channel();
        let job = move || {
            back.send(work()).ok();
        };
        jobs.send(Box::new(job)).map_err(|_| gone())?;
        if let Ok(done) = tokio::time::timeout(LONGEST, answer).await {
            return done.unwrap_or_else(|_| Err(gone()));
        }
        start_thread(&self.waiting).ok();
        Err(Panicked(format!("it took longer than {} s", LONGEST.as_secs())))
    }
}

/// Starts a thread that works until there is nothing more to come.
fn start_thread(waiting: &Arc<Mutex<mpsc::Receiver<Job>>>) -> std::io::Result<()> {
    let waiting = Arc::clone(waiting);
    let work = move || {
        loop {
            let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
            match job {
                Ok(job) => job(),
                Err(mpsc::RecvError) => break,
            }
        }
    };
    std::thread::Builder::new().name("work".to_owned()).stack_size(STACK).spawn(work).map(drop)
}

/// What a panic said.
fn in_words(cause: &(dyn std::any::Any + Send)) -> String {
    let said = cause.downcast_ref::<&str>().copied().or_else(|| cause.downcast_ref::<String>().map(String::as_str));
    format!("internal error: {}", said.unwrap_or("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_told_and_the_pool_goes_on() {
        let pool = Pool::start().unwrap();
        for _ in 0..20 {
            let failed = pool.run(|| if true { panic!("poison") } else { 1 }).await;
            assert_eq!(failed, Err(Panicked("internal error: poison".to_owned())));
        }
        assert_eq!(pool.run(|| 1 + 1).await, Ok(2));
    }
}
