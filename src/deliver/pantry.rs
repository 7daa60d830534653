//! Has an entry made, and fetches what making lacks: its page, its images, its files, a program's answer. Each is asked for once,
//! at the pace of its host, and kept with the entry, failures too; a retry finds all of it there. An entry waits so long for all
//! of this and no longer, and of a host that did not answer nothing more is asked in the same run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep_until, timeout_at};
use url::Url;

use super::carry::{LARGEST_IMAGE, media_type};
use super::make::{Addressed, MakeError, Want};
use super::programs::Programs;
use crate::article::extract;
use crate::clock::Clock;
use crate::feed::diff::EntryRef;
use crate::feed::page_text;
use crate::feed::text::one_line;
use crate::fetch::{Answer, Errand, Fetch, FetchError, FetchErrorKind, Sort};
use crate::mail::picture;
use crate::net::HttpError;
use crate::resource::{Resource, Resources};
use crate::secret::{redact_text, without_secrets};
use crate::store::{Store, StoreError};
use crate::trouble::Trouble;
use crate::work::{Panicked, Pool};

/// Where what was fetched for an entry is kept.
#[derive(Debug)]
pub enum Shelf {
    /// With the entry, in the database.
    Store(Store, EntryRef),
    /// Nowhere: for a preview.
    Memory,
}

/// Has entries made.
pub struct Pantry {
    fetcher: Arc<dyn Fetch>,
    pool: Pool,
    clock: Clock,
    /// The entries of a feed come one after the other: they are mostly from one host.
    feeds: Mutex<HashMap<String, Turnstile>>,
    /// When a host was last asked for a page.
    pages: Mutex<HashMap<String, Turnstile>>,
    /// How often a host did not answer in time.
    silent: Mutex<HashMap<String, u32>>,
    programs: Programs,
}

type Turnstile = Arc<tokio::sync::Mutex<Option<Instant>>>;

/// Why nothing was made.
#[derive(Debug)]
pub enum NothingMade {
    /// The database failed.
    Store(StoreError),
    /// Making it panicked or took too long.
    Panicked(Panicked),
    /// A program asks to be tried later, in its words.
    Later(String),
}

/// So often something may be missing: the page, then what a program makes of it, then images and files.
const ROUNDS: usize = 3;
/// How long an entry waits for what is fetched for it, in all.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest page.
const LARGEST_PAGE: u64 = 5 << 20;
/// After so many silences a host is not asked for more.
const MOST_SILENCES: u32 = 2;

impl Pantry {
    /// A pantry that is empty.
    #[must_use]
    pub fn new(fetcher: Arc<dyn Fetch>, pool: Pool, clock: Clock) -> Self {
        let (feeds, pages, silent, programs) = (Mutex::default(), Mutex::default(), Mutex::default(), Programs::default());
        Self { fetcher, pool, clock, feeds, pages, silent, programs }
    }

    /// Has something made of an entry, with all that belongs to it.
    ///
    /// # Errors
    /// When the database failed, making it panicked or its program asks for patience; what making itself says is the answer.
    pub async fn make<T: Send + 'static>(
        &self,
        keeper: &Shelf,
        addressed: &Addressed,
        making: impl Fn(&Resources) -> Result<T, MakeError> + Clone + Send + 'static,
    ) -> Result<Result<T, MakeError>, NothingMade> {
        let turnstile = turnstile(&self.feeds, &addressed.feed.name);
        let mut turn = Some(turnstile.lock().await);
        let mut resources = match keeper {
            Shelf::Store(store, entry) => store.resources(*entry).await?,
            Shelf::Memory => Resources::default(),
        };
        let mut until = Instant::now() + PATIENCE;
        for round in 0..=ROUNDS {
            if round == ROUNDS {
                resources.close();
            }
            let (known, job) = (resources.clone(), making.clone());
            let wants = match self.pool.run(move || job(&known)).await? {
                Err(MakeError::Missing(wants)) => wants,
                made => return Ok(made),
            };
            let answers = if let [want @ Want::Change { input, program }] = wants.as_slice() {
                // Programs keep no pace, and have a time of their own.
                drop(turn.take());
                let (key, began) = (want.key(), Instant::now());
                let resource = self.programs.pass(&key, input, program).await.map_err(NothingMade::Later)?;
                turn = Some(turnstile.lock().await);
                until += began.elapsed();
                vec![(key, resource)]
            } else {
                self.answers(wants, addressed, until).await
            };
            if let Shelf::Store(store, entry) = keeper {
                store.keep_resources(*entry, answers.clone(), self.clock.now()).await?;
            }
            for (key, answer) in answers {
                resources.insert(key, answer);
            }
        }
        Ok(Err(MakeError::Missing(Vec::new())))
    }

    /// Has something made that takes nothing but itself.
    pub(super) async fn make_alone<T: Send + 'static>(
        &self,
        making: impl FnOnce(&Resources) -> Result<T, MakeError> + Send + 'static,
    ) -> Result<Result<T, MakeError>, NothingMade> {
        Ok(self.pool.run(move || making(&Resources::default())).await?)
    }

    async fn answers(&self, wants: Vec<Want>, addressed: &Addressed, until: Instant) -> Vec<(String, Resource)> {
        // An image that is a file of the entry too is asked for once.
        let mut groups: Vec<(String, Vec<Want>)> = Vec::new();
        for want in wants {
            let of = match &want {
                Want::Image { url } | Want::File { url, .. } => url.clone(),
                Want::Page { .. } | Want::Change { .. } => want.key(),
            };
            match groups.iter_mut().find(|(known, _)| *known == of) {
                Some((_, group)) => group.push(want),
                None => groups.push((of, vec![want])),
            }
        }
        let answered = groups.into_iter().map(|(_, group)| self.answer(group, addressed, until));
        join_all(answered).await.into_iter().flatten().collect()
    }

    /// The answers to wants that one request answers.
    async fn answer(&self, group: Vec<Want>, addressed: &Addressed, until: Instant) -> Vec<(String, Resource)> {
        let key = |want: &Want| want.key();
        let Some((url, sort)) = group.iter().find_map(place).map(|(url, sort)| (url.to_owned(), sort)) else { return Vec::new() };
        let most = group.iter().map(most).max().unwrap_or_default();
        let fetched = self.fetch(&url, sort, most, addressed, until).await;
        let mut answers = Vec::new();
        for want in group {
            let resource = match &fetched {
                Ok(answer) => self.fit(&want, answer).await,
                Err(why) => Resource::Failed(why.clone()),
            };
            if let Resource::Failed(why) = &resource {
                tracing::debug!(feed = addressed.feed.name, "{}: {why}", redact_text(&url));
            }
            answers.push((key(&want), resource));
        }
        answers
    }

    async fn fetch(&self, url: &str, sort: Sort, most: u64, addressed: &Addressed, until: Instant) -> Result<Answer, String> {
        let url = Url::parse(url).map_err(|error| format!("its address is none: {error}"))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        if locked(&self.silent).get(&host).is_some_and(|times| *times >= MOST_SILENCES) {
            return Err(format!("{host} did not answer before"));
        }
        let needs = &addressed.needs;
        let (access, feed) = (needs.access.as_deref(), needs.origin.as_ref());
        let errand = Errand { url: &url, sort, most, access, feed, now: self.clock.now() };
        let fetching = async {
            let turnstile = turnstile(&self.pages, &host);
            let mut last = None;
            if sort == Sort::Page {
                let mut turn = turnstile.lock().await;
                // A page costs its server more than a feed.
                let pause = self.fetcher.settings().host_delay * 2;
                if let Some(before) = *turn {
                    sleep_until(before + pause).await;
                }
                *turn = Some(Instant::now());
                last = Some(turn);
            }
            let answer = self.fetcher.resource(&errand).await;
            drop(last);
            answer
        };
        match timeout_at(until, fetching).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                if is_silence(&error) {
                    self.was_silent(&host);
                }
                Err(error.to_string())
            }
            Err(_) => {
                self.was_silent(&host);
                Err(format!("it did not come within {} s", PATIENCE.as_secs()))
            }
        }
    }

    fn was_silent(&self, host: &str) {
        *locked(&self.silent).entry(host.to_owned()).or_default() += 1;
    }

    /// What is kept of an answer: an article, an image as a mail carries it, a file.
    async fn fit(&self, want: &Want, answer: &Answer) -> Resource {
        let (bytes, content_type) = (answer.bytes.clone(), answer.content_type.clone());
        let (url, want) = (without_secrets(&answer.url), want.clone());
        let fitting = move || match want {
            Want::Page { .. } if content_type.as_deref().is_some_and(|sent| !is_hypertext(sent)) => {
                Resource::Failed(format!("it is no page but {}", one_line(&content_type.unwrap_or_default())))
            }
            Want::Page { cut, .. } => match extract(&page_text(&bytes, content_type.as_deref()), &url, &cut) {
                Ok(article) => Resource::text("text/html", &article),
                Err(why) => Resource::Failed(why.to_string()),
            },
            Want::Image { .. } if bytes.len() as u64 > LARGEST_IMAGE => Resource::Failed("the image is too large".to_owned()),
            Want::Image { .. } => match picture(bytes) {
                Some((media_type, bytes)) => Resource::Kept { media_type: media_type.to_owned(), bytes: bytes.into() },
                None => Resource::Failed("it is no image that a mail carries".to_owned()),
            },
            Want::File { media_type: said, .. } => {
                let is_page = |text: Option<&str>| text.is_some_and(|text| text.trim_start().starts_with("text/html"));
                if is_page(content_type.as_deref()) && !is_page(said.as_deref()) {
                    return Resource::Failed("a page came in place of the file".to_owned());
                }
                Resource::Kept { media_type: media_type(said.as_deref(), content_type.as_deref()), bytes: bytes.into() }
            }
            Want::Change { .. } => Resource::Failed("nothing to fetch".to_owned()),
        };
        self.pool.run(fitting).await.unwrap_or_else(|panicked| Resource::Failed(panicked.to_string()))
    }
}

impl From<StoreError> for NothingMade {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Panicked> for NothingMade {
    fn from(panicked: Panicked) -> Self {
        Self::Panicked(panicked)
    }
}

fn place(want: &Want) -> Option<(&str, Sort)> {
    match want {
        Want::Page { url, .. } => Some((url, Sort::Page)),
        Want::Image { url } => Some((url, Sort::Image)),
        Want::File { url, .. } => Some((url, Sort::File)),
        Want::Change { .. } => None,
    }
}

fn most(want: &Want) -> u64 {
    match want {
        Want::Page { .. } => LARGEST_PAGE,
        Want::Image { .. } => LARGEST_IMAGE,
        Want::File { most, .. } => *most,
        Want::Change { .. } => 0,
    }
}

fn is_hypertext(content_type: &str) -> bool {
    let kind = content_type.trim_start().to_ascii_lowercase();
    kind.is_empty() || ["text/", "application/xhtml", "application/xml"].iter().any(|known| kind.starts_with(known))
}

/// Whether a host said nothing, rather than no.
fn is_silence(error: &FetchError) -> bool {
    matches!(error.trouble(), Trouble::Slow | Trouble::Unreachable) && !is_refused(error)
}

/// Whether the address guard refused it: that takes no time.
fn is_refused(error: &FetchError) -> bool {
    matches!(&error.kind, FetchErrorKind::Http(HttpError::Refused { .. } | HttpError::Unfit { .. }))
}

fn turnstile(known: &Mutex<HashMap<String, Turnstile>>, name: &str) -> Turnstile {
    Arc::clone(locked(known).entry(name.to_owned()).or_default())
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
