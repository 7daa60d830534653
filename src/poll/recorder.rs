//! What one answer of a source becomes: parsed, compared with what is known, made ready, and recorded in one transaction.
//! The same for a run and for the first poll by `feeds add`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::changes::{Before, Wanted, changes};
use super::hold::{Fate, plan};
use super::ready::ready;
use super::{Event, Failure, Held, Subscription};
use crate::feed::diff::{EntryRef, diff};
use crate::feed::{self, Document, Hints, Key, Keys, ParseError, Parsed};
use crate::fetch::{self, FetchError, Fetched, Source};
use crate::schedule::{Answered, Habits, NextPoll, Offset, Poll, Whom, next_poll};
use crate::secret::{redact, without_secrets};
use crate::store::{
    Answer, Changed, DocumentRecord, FeedId, History, Moved, NewEntry, PollRecord, Recorded, RunId, Store, StoreError, Validators,
};
use crate::trouble::{Trouble as Sort, needs_person};
use crate::work::{Panicked, Pool};

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

/// A document over so many bytes is parsed alone.
const LARGE: usize = 2 << 20;
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
        let fetched = fetch::filtered(fetched, subscription.filter.as_ref()).await;
        let runs_a_program = subscription.filter.is_some() || matches!(subscription.source, Source::Command(_));
        if runs_a_program && !matches!(fetched, Ok(Fetched::Unchanged { .. })) {
            self.store.keep_said(history.feed, said(&fetched)).await?;
        }
        let act = Act { recorder: self, subscription, history, run, asked_at };
        match fetched {
            Err(error) => act.failed(Trouble::from(&error)).await,
            Ok(Fetched::Unchanged { validators, fresh_for, moved_to }) => {
                let habits = history.habits.after_unchanged(fresh_for);
                act.unchanged(304, None, validators, habits, moved_to).await
            }
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
    sort: Sort,
}

/// What an answer was, and what is known of the feed after it.
struct Seen {
    status: Option<u16>,
    bytes: Option<usize>,
    habits: Habits,
}

/// What a document and its answer say for the next poll.
struct Said {
    hints: Hints,
    fresh_for: Option<Duration>,
    size: usize,
}

/// What a document held.
struct Counts {
    entries: usize,
    new: usize,
    queued: usize,
    changed: usize,
    held: Option<Held>,
}

/// A document, compared with what is known.
struct Compared {
    ready: Vec<NewEntry>,
    learned: Vec<(EntryRef, Vec<Key>)>,
    changed: Vec<Changed>,
    held: Option<Held>,
    entries: usize,
}

impl Trouble {
    /// A document came, with this status, and nothing could be made of it.
    fn unreadable(status: Option<u16>, error: String, sort: Sort) -> Self {
        Self { error, help: None, status, retry_after: None, sort }
    }
}

impl From<&FetchError> for Trouble {
    fn from(error: &FetchError) -> Self {
        Self {
            error: error.to_string(),
            help: error.help(),
            status: error.status(),
            retry_after: error.retry_after,
            sort: error.trouble(),
        }
    }
}

impl Act<'_> {
    /// When to ask next, after an answer that leaves this known of the feed; whether there is something to compare with.
    fn next(&self, habits: &Habits, compares: bool, answered: Answered) -> NextPoll {
        let (settings, asked_at) = (self.subscription.schedule, self.asked_at);
        let whom = match self.subscription.source {
            Source::Http(_) => Whom::Publisher,
            Source::Command(_) => Whom::Program,
            Source::File(_) => Whom::File,
        };
        let whole = habits.since.is_some() && !compares && whom == Whom::Publisher;
        next_poll(&Poll { settings, offset: Offset::of(&self.subscription.url), habits, asked_at, whom, whole }, answered)
    }

    async fn write(
        &self,
        polls: i64,
        next: &NextPoll,
        Seen { status, bytes, habits }: Seen,
        answer: Answer,
    ) -> Result<Recorded, StoreError> {
        let record = PollRecord {
            feed: self.history.feed,
            run: self.run,
            polls,
            asked_at: self.asked_at,
            next_poll: next.at,
            because: next.because.clone(),
            left_alone_until: next.left_alone_until,
            fresh_until: next.fresh_until,
            status,
            bytes,
            habits,
            answer,
        };
        self.recorder.store.record(record).await
    }

    /// Records an answer that does not depend on what is known. A poll that another one overtook has nothing to add.
    async fn write_once(&self, next: &NextPoll, seen: Seen, answer: Answer) -> Result<(), StoreError> {
        self.write(self.history.polls, next, seen, answer).await.map(|_| ())
    }

    async fn failed(&self, trouble: Trouble) -> Result<Polled, StoreError> {
        let failures = self.history.failures.saturating_add(1);
        let habits = self.history.habits.clone();
        let answered = match trouble.sort {
            Sort::Later => Answered::Later { failures },
            _ => Answered::Badly { status: trouble.status, retry_after: trouble.retry_after, failures },
        };
        let next = self.next(&habits, self.history.validators.is_some(), answered);
        let answer = Answer::Failed { error: trouble.error.clone(), trouble: trouble.sort };
        self.write_once(&next, Seen { status: trouble.status, bytes: None, habits }, answer).await?;
        let failure = Failure {
            feed: self.subscription.name.clone(),
            error: trouble.error,
            help: trouble.help,
            status: trouble.status,
            failures,
            next_poll: (trouble.sort != Sort::Gone).then_some(next.at),
            declared: self.needs_person_now(trouble.sort, failures),
            trouble: trouble.sort,
            since: self.history.failing_since.unwrap_or(self.asked_at),
        };
        Ok(Polled { event: Event::Failed(failure), host_rests_until: next.host_rests_until })
    }

    /// Whether this is the request at which a person must look; the one before was not.
    fn needs_person_now(&self, sort: Sort, failures: u32) -> bool {
        let History { failing_since, last_attempt, .. } = *self.history;
        let before =
            |last| self.history.trouble.is_some_and(|sort| needs_person(sort, failures.saturating_sub(1), failing_since, last));
        needs_person(sort, failures, failing_since, self.asked_at) && !last_attempt.is_some_and(before)
    }

    async fn unchanged(
        &self,
        status: u16,
        bytes: Option<usize>,
        validators: fetch::Validators,
        habits: Habits,
        moved_to: Option<Url>,
    ) -> Result<Polled, StoreError> {
        let validators = kept(validators);
        let next = self.next(&habits, validators.is_some(), Answered::Well { first: false });
        let answer = Answer::Unchanged { validators, moved_to: moved_to.map(moved) };
        self.write_once(&next, Seen { status: self.status(status), bytes, habits }, answer).await?;
        Ok(Polled { event: Event::Unchanged { feed: self.subscription.name.clone() }, host_rests_until: None })
    }

    async fn document(&self, mut answer: fetch::Answer) -> Result<Polled, StoreError> {
        let bytes = std::mem::take(&mut answer.bytes);
        // 16 MiB take tens of milliseconds, for which no other feed should wait.
        let hashing = move || (blake3::hash(&bytes).as_bytes().to_vec(), bytes);
        let hash = match self.recorder.pool.run(hashing).await {
            Ok((hash, bytes)) => {
                answer.bytes = bytes;
                hash
            }
            Err(panicked) => {
                let error = format!("the document cannot be read: {panicked}");
                return self.failed(Trouble::unreadable(self.status(200), error, Sort::Unreadable)).await;
            }
        };
        if self.history.document_hash.as_ref() == Some(&hash) {
            let habits = self.history.habits.after_whole(answer.fresh_for, self.asked_at);
            return self.unchanged(200, Some(answer.bytes.len()), answer.validators, habits, answer.moved_to).await;
        }
        let size = answer.bytes.len();
        // What is made of a document is several times as large as its bytes.
        let _alone = if size > LARGE { Some(self.recorder.pool.alone().await) } else { None };
        let (bytes, content_type, base) = (answer.bytes, answer.content_type, without_secrets(&answer.url));
        let reading = move || {
            let parsed = feed::parse(&bytes, content_type.as_deref(), Some(&base))?;
            let keys: Vec<Key> = parsed.document.entries.iter().flat_map(|entry| Keys::of(entry).all()).collect();
            Ok::<_, ParseError>((parsed, keys))
        };
        let (Parsed { document, torn, remarks, hints }, keys) = match self.recorder.pool.run(reading).await {
            Ok(Ok(read)) => read,
            Ok(Err(error)) => {
                let place = self.redirected_to(&answer.url).map(|url| format!(" (it redirects to `{url}`)")).unwrap_or_default();
                return self.failed(Trouble::unreadable(self.status(200), format!("{error}{place}"), sort_of(&error))).await;
            }
            Err(panicked) => {
                return self
                    .failed(Trouble::unreadable(
                        self.status(200),
                        format!("the document cannot be read: {panicked}"),
                        Sort::Unreadable,
                    ))
                    .await;
            }
        };
        let record = DocumentRecord {
            validators: kept(answer.validators),
            hash,
            partial: torn,
            title: document.title.clone(),
            link: document.link.clone(),
            language: document.language.clone(),
            moved_to: answer.moved_to.map(moved),
            ..DocumentRecord::default()
        };
        let feed = self.subscription.name.clone();
        // Whoever wrote it into a file meant other readers.
        let hints = if matches!(self.subscription.source, Source::File(_)) { Hints::default() } else { hints };
        match self.compare_and_write(document, keys, Said { hints, fresh_for: answer.fresh_for, size }, record).await? {
            Err(panicked) => {
                self.failed(Trouble::unreadable(
                    self.status(200),
                    format!("its entries cannot be compared: {panicked}"),
                    Sort::Unreadable,
                ))
                .await
            }
            Ok(Counts { entries, new, queued, changed, held }) => {
                let event = Event::Fetched { feed, entries, new, queued, changed, held, remarks };
                Ok(Polled { event, host_rests_until: None })
            }
        }
    }

    /// Compares with what is known and records; again where another poll was recorded in between.
    async fn compare_and_write(
        &self,
        document: Document,
        keys: Vec<Key>,
        said: Said,
        record: DocumentRecord,
    ) -> Result<Result<Counts, Panicked>, StoreError> {
        let store = &self.recorder.store;
        let document = Arc::new(document);
        let mut history = self.history.clone();
        loop {
            let known = store.known(history.feed, keys.clone()).await?;
            let (document, subscription) = (Arc::clone(&document), self.subscription.clone());
            let (before_this, asked_at) = (history.clone(), self.asked_at);
            let comparing = move || {
                let found = diff(&document.entries, &known, subscription.identity);
                let before = |(entry, place): (EntryRef, usize)| Some(Before { entry, place, hashes: known.hashes(entry)? });
                let before: Vec<Before> = found.changed.into_iter().filter_map(before).collect();
                let changed = changes(&document.entries, before, &Wanted::of(&subscription));
                let entry = |(place, keys): (usize, Keys)| document.entries.get(place).map(|entry| (keys, entry.clone()));
                let new: Vec<(Keys, feed::Entry)> = found.new.into_iter().filter_map(entry).collect();
                let dates: Vec<_> = new.iter().map(|(_, entry)| entry.dated()).collect();
                let plan = plan(&dates, found.same.len(), &subscription, Some(&before_this), asked_at);
                let held = |why: String| Held { entries: plan.count(Fate::Hold), why, first: !before_this.holds };
                let held = plan.why.clone().map(held);
                Compared {
                    ready: ready(new, &plan, &subscription),
                    learned: found.learned,
                    changed,
                    held,
                    entries: document.entries.len(),
                }
            };
            let before = history.habits.after_whole(said.fresh_for, self.asked_at);
            let Compared { ready, learned, changed, held, entries } = match self.recorder.pool.run(comparing).await {
                Ok(compared) => compared,
                Err(panicked) => return Ok(Err(panicked)),
            };
            let revised = changed.iter().filter(|changed| changed.revision.is_some()).count();
            let new = ready.len();
            let dates: Vec<_> = ready.iter().map(|new| new.entry.dated()).collect();
            let habits = before.after_document(said.hints.clone(), &dates, self.asked_at);
            let first = before.since.is_none();
            let next = self.next(&habits, record.validators.is_some(), Answered::Well { first });
            let seen = Seen { status: self.status(200), bytes: Some(said.size), habits };
            let record = DocumentRecord { entries: ready, learned, changed, ..record.clone() };
            match self.write(history.polls, &next, seen, Answer::Document(Box::new(record))).await? {
                Recorded::Done { queued } => return Ok(Ok(Counts { entries, new, queued, changed: revised, held })),
                Recorded::Stale => history = store.history(self.feed()).await?,
            }
        }
    }

    /// Where a document came from, if not from where it was asked for.
    fn redirected_to(&self, url: &Url) -> Option<String> {
        let Source::Http(source) = &self.subscription.source else { return None };
        let moved_to = self.history.moved_to.as_deref().and_then(|url| Url::parse(url).ok());
        let asked = [Some(source), moved_to.as_ref()];
        let is_elsewhere = asked.into_iter().flatten().all(|asked| fetch::plain(asked) != *url);
        is_elsewhere.then(|| redact(url))
    }

    /// The status of a source that has one.
    fn status(&self, status: u16) -> Option<u16> {
        match self.subscription.source {
            Source::Http(_) => Some(status),
            Source::File(_) | Source::Command(_) => None,
        }
    }

    fn feed(&self) -> FeedId {
        self.history.feed
    }
}

/// What a program wrote to its standard error.
fn said(fetched: &Result<Fetched, FetchError>) -> Option<String> {
    match fetched {
        Ok(Fetched::Document(answer)) => answer.said.clone(),
        Ok(Fetched::Unchanged { .. }) => None,
        Err(error) => error.of_program().map(str::to_owned),
    }
}

/// What sort of failure a document is that is no feed.
fn sort_of(error: &ParseError) -> Sort {
    match error {
        ParseError::Page(_) => Sort::Page,
        ParseError::Empty | ParseError::Other(_) | ParseError::Unreadable(_) | ParseError::Truncated => Sort::Unreadable,
    }
}

/// A place that a feed has moved to, as it is kept.
fn moved(url: Url) -> Moved {
    let host = Source::Http(url.clone()).host().unwrap_or_default();
    Moved { url: url.into(), host }
}

/// Validators as they are kept; none where the answer had none.
fn kept(validators: fetch::Validators) -> Option<Validators> {
    let fetch::Validators { etag, last_modified, url, asked_as } = validators;
    (etag.is_some() || last_modified.is_some()).then_some(Validators { etag, last_modified, url, asked_as })
}
