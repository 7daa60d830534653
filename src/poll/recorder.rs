//! What one answer of a source becomes: parsed, compared with what is known, made ready, and recorded in one transaction.
//! The same for a run and for the first poll by `feeds add`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::hold::{Fate, plan};
use super::ready::ready;
use super::{Event, Failure, Held, Subscription};
use crate::feed::diff::diff;
use crate::feed::{self, Document, Key, Keys, Parsed};
use crate::fetch::{self, FetchError, Fetched};
use crate::schedule::{Answered, NextPoll, next_poll};
use crate::store::{Answer, DocumentRecord, FeedId, History, PollRecord, Recorded, RunId, Store, StoreError, Validators};
use crate::work::Pool;

/// Records what sources answer.
#[derive(Debug, Clone)]
pub struct Recorder {
    /// Where it is recorded.
    pub store: Store,
    /// Where documents are parsed.
    pub pool: Pool,
}

/// A poll that has been recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polled {
    /// What to tell.
    pub event: Event,
    /// Until when the whole host asked to be left alone.
    pub host_rests_until: Option<Timestamp>,
}

/// A failing feed is a person's business after so long.
pub const FAILING_FOR_DAYS: Duration = Duration::from_secs(3 * 86_400);

impl Recorder {
    /// Records what a feed's source answered to the request that began at `asked_at`.
    ///
    /// # Errors
    /// When the database failed; then nothing of the answer is remembered, the validators least of all.
    pub async fn record(
        &self,
        subscription: &Subscription,
        history: &History,
        run: Option<RunId>,
        asked_at: Timestamp,
        fetched: Result<Fetched, FetchError>,
    ) -> Result<Polled, StoreError> {
        let act = Act { recorder: self, subscription, history, run, asked_at };
        match fetched {
            Err(error) => act.failed(Trouble::from(&error)).await,
            Ok(Fetched::Unchanged { validators, fresh_for }) => act.unchanged(validators, fresh_for).await,
            Ok(Fetched::Document(answer)) => act.document(*answer).await,
        }
    }
}

/// One poll, on its way into the database.
struct Act<'a> {
    recorder: &'a Recorder,
    subscription: &'a Subscription,
    history: &'a History,
    run: Option<RunId>,
    asked_at: Timestamp,
}

/// Why nothing usable came.
struct Trouble {
    error: String,
    help: Option<String>,
    status: Option<u16>,
    retry_after: Option<Duration>,
    gone: bool,
}

impl From<&FetchError> for Trouble {
    fn from(error: &FetchError) -> Self {
        Self {
            error: error.to_string(),
            help: error.help(),
            status: error.status(),
            retry_after: error.retry_after,
            gone: error.is_gone(),
        }
    }
}

impl Act<'_> {
    fn next(&self, answered: Answered) -> NextPoll {
        next_poll(self.subscription.schedule, answered, self.asked_at)
    }

    async fn write(&self, polls: i64, next: &NextPoll, status: Option<u16>, answer: Answer) -> Result<Recorded, StoreError> {
        let record = PollRecord {
            feed: self.history.feed,
            run: self.run,
            polls,
            asked_at: self.asked_at,
            next_poll: next.at,
            because: next.because.clone(),
            asked: next.asked,
            status,
            answer,
        };
        self.recorder.store.record(record).await
    }

    /// Records an answer that does not depend on what is known. A poll that another one overtook has nothing to add.
    async fn write_once(&self, next: &NextPoll, status: Option<u16>, answer: Answer) -> Result<(), StoreError> {
        self.write(self.history.polls, next, status, answer).await.map(|_| ())
    }

    async fn failed(&self, trouble: Trouble) -> Result<Polled, StoreError> {
        let failures = self.history.failures.saturating_add(1);
        let next = self.next(Answered::Badly { status: trouble.status, retry_after: trouble.retry_after, failures });
        let answer = Answer::Failed { error: trouble.error.clone(), gone: trouble.gone };
        self.write_once(&next, trouble.status, answer).await?;
        let host_rests_until = (trouble.status == Some(429) && next.asked).then_some(next.at);
        let failure = Failure {
            feed: self.subscription.name.clone(),
            error: trouble.error,
            help: trouble.help,
            status: trouble.status,
            failures,
            next_poll: (!trouble.gone).then_some(next.at),
            declared: trouble.gone || self.fails_for_days_now(),
        };
        Ok(Polled { event: Event::Failed(failure), host_rests_until })
    }

    /// Whether this is the first request that fails after days of failing.
    fn fails_for_days_now(&self) -> bool {
        let Some(since) = self.history.failing_since else { return false };
        let long = |at: Timestamp| Duration::try_from(at.duration_since(since)).is_ok_and(|failing| failing >= FAILING_FOR_DAYS);
        long(self.asked_at) && !self.history.last_attempt.is_some_and(long)
    }

    async fn unchanged(&self, validators: fetch::Validators, fresh_for: Option<Duration>) -> Result<Polled, StoreError> {
        let next = self.next(Answered::Well { fresh_for });
        let answer = Answer::Unchanged { validators: kept(validators) };
        self.write_once(&next, None, answer).await?;
        Ok(Polled { event: Event::Unchanged { feed: self.subscription.name.clone() }, host_rests_until: None })
    }

    async fn document(&self, answer: fetch::Answer) -> Result<Polled, StoreError> {
        let hash = blake3::hash(&answer.bytes).as_bytes().to_vec();
        if self.history.document_hash.as_ref() == Some(&hash) {
            return self.unchanged(answer.validators, answer.fresh_for).await;
        }
        let (bytes, content_type, base) = (answer.bytes, answer.content_type, answer.url.clone());
        let parsing = move || feed::parse(&bytes, content_type.as_deref(), Some(&base));
        let parsed = self.recorder.pool.run(parsing).await;
        let unreadable = |error: String| Trouble { error, help: None, status: None, retry_after: None, gone: false };
        let Parsed { document, remarks } = match parsed {
            Ok(Ok(parsed)) => parsed,
            Ok(Err(error)) => return self.failed(unreadable(error.to_string())).await,
            Err(panicked) => return self.failed(unreadable(format!("the document cannot be read: {panicked}"))).await,
        };
        let next = self.next(Answered::Well { fresh_for: answer.fresh_for });
        let record = DocumentRecord {
            validators: kept(answer.validators),
            hash,
            title: document.title.clone(),
            link: document.link.clone(),
            language: document.language.clone(),
            moved_to: answer.moved_to.map(Url::into),
            ..DocumentRecord::default()
        };
        let (new, queued, held) = self.compare_and_write(&document, &next, record).await?;
        let feed = self.subscription.name.clone();
        let event = Event::Fetched { feed, entries: document.entries.len(), new, queued, held, remarks };
        Ok(Polled { event, host_rests_until: None })
    }

    /// Compares with what is known and records; again where another poll was recorded in between. Answers how many entries
    /// are new, how many of those are to be delivered, and what is held.
    async fn compare_and_write(
        &self,
        document: &Document,
        next: &NextPoll,
        record: DocumentRecord,
    ) -> Result<(usize, usize, Option<Held>), StoreError> {
        let store = &self.recorder.store;
        let entries = Arc::new(document.entries.clone());
        let mut history = self.history.clone();
        loop {
            let keys: Vec<Key> = entries.iter().flat_map(|entry| Keys::of(entry).all()).collect();
            let known = store.known(history.feed, keys).await?;
            let found = diff(&entries, &known, self.subscription.identity);
            let new: Vec<(Keys, feed::Entry)> =
                found.new.iter().filter_map(|(place, keys)| entries.get(*place).map(|entry| (*keys, entry.clone()))).collect();
            let dates: Vec<_> = new.iter().map(|(_, entry)| entry.dated()).collect();
            let plan = plan(&dates, found.same.len(), self.subscription, Some(&history), self.asked_at);
            let ready = ready(new, &plan, self.subscription);
            let queued = ready.iter().filter(|entry| entry.held.is_none() && !entry.deliveries.is_empty()).count();
            let held = |why: String| Held { entries: plan.count(Fate::Hold), why, first: !history.holds };
            let counts = (ready.len(), queued, plan.why.clone().map(held));
            let record = DocumentRecord { entries: ready, learned: found.learned, ..record.clone() };
            match self.write(history.polls, next, Some(200), Answer::Document(Box::new(record))).await? {
                Recorded::Done => return Ok(counts),
                Recorded::Stale => history = store.history(self.feed()).await?,
            }
        }
    }

    fn feed(&self) -> FeedId {
        self.history.feed
    }
}

/// Validators as they are kept; none where the answer had none.
fn kept(validators: fetch::Validators) -> Option<Validators> {
    let fetch::Validators { etag, last_modified, url } = validators;
    (etag.is_some() || last_modified.is_some()).then_some(Validators { etag, last_modified, url })
}
