//! Two weeks of the real fetching loop and the real database among invented publishers, each of whom writes down every lapse
//! of manners. The clock is the runtime's own, which runs ahead as soon as nobody has anything to do.

mod publisher;

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use feeds::clock::Clock;
use feeds::feed::Identity;
use feeds::fetch::{Access, Ask, Fetch, FetchError, Fetched, Gates, Settings, Source, Turn};
use feeds::poll::{Backlog, OncePer, Poller, Recorder, Subscription, Which};
use feeds::store::{FeedId, IfMissing, Moments, RunTotals, Store, StoreError, Subscribed};
use feeds::work::Pool;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use super::world::random::Random;
use publisher::{KINDS, Publisher};

const FEEDS: usize = 500;
const DAYS: i64 = 14;
/// Midnight, GMT, of a Monday in the autumn of 2026.
pub(crate) const BEGINNING: i64 = 1_795_392_000;
const DAY: i64 = 86_400;
/// How often cron starts a run.
const CRON: i64 = 900;

/// What a publisher minds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lapse {
    Unconditional,
    Early,
    WithinLifetime,
    WithinRetryAfter,
    Skipped,
    HostGap,
    Gone,
}

/// Each with its words.
const LAPSES: [(Lapse, &str); 7] = [
    (Lapse::Unconditional, "unconditional, though validators were given"),
    (Lapse::Early, "before the interval was over"),
    (Lapse::WithinLifetime, "within a cache lifetime, ttl or update period"),
    (Lapse::WithinRetryAfter, "within a Retry-After"),
    (Lapse::Skipped, "in a skipped hour or on a skipped day"),
    (Lapse::HostGap, "less than a second after another to the host"),
    (Lapse::Gone, "after a 410"),
];

/// All that was seen.
#[derive(Debug, Default)]
pub(crate) struct Score {
    pub(crate) lapses: BTreeMap<Lapse, Vec<String>>,
    /// Feeds, requests and 304s of each kind of publisher.
    kinds: BTreeMap<usize, (usize, u64, u64)>,
}

struct World {
    random: Random,
    publishers: HashMap<String, Publisher>,
    hosts: HashMap<String, Host>,
    forced: bool,
    score: Score,
}

/// What all feeds of a host have in common.
#[derive(Debug, Default)]
pub(crate) struct Host {
    last: Option<Instant>,
    pub(crate) left_alone_until: i64,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<World>>, Instant);

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        BEGINNING + i64::try_from(self.1.elapsed().as_secs()).expect("two weeks")
    }

    fn clock(&self) -> Clock {
        let shared = self.clone();
        Clock::from_fn(move || Timestamp::from_second(shared.now()).expect("a time in the calendar"))
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

impl Moments for Shared {
    fn moment(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn refusal(&self) -> Option<StoreError> {
        None
    }
}

struct Publishers {
    shared: Shared,
    settings: Settings,
    gates: Arc<Gates>,
}

impl Fetch for Publishers {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn gates(&self) -> &Arc<Gates> {
        &self.gates
    }

    fn fetch<'a>(&'a self, ask: &'a Ask<'a>, _: &'a mut Turn) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        Box::pin(async move {
            let Source::Http(url) = ask.source else { panic!("every feed has a URL") };
            let now = self.shared.now();
            let (answer, wait) = {
                let mut world = self.shared.world();
                let World { random, publishers, hosts, forced, score } = &mut *world;
                let publisher = publishers.get_mut(url.as_str()).expect("a publisher");
                let host = hosts.entry(ask.source.host().expect("a host")).or_default();
                let mut minds = |lapse| score.lapses.entry(lapse).or_default().push(format!("{url} at {}", now - BEGINNING));
                let at = Instant::now();
                if host.last.replace(at).is_some_and(|last| at - last < Duration::from_secs(1)) {
                    minds(Lapse::HostGap);
                }
                publisher.lapses(ask.validators, now, *forced, host).into_iter().for_each(minds);
                let answer = publisher.answer(ask.validators, now, random, host);
                let (_, requests, unchanged) = score.kinds.entry(publisher.kind).or_default();
                *requests += 1;
                *unchanged += u64::from(matches!(answer, Ok(Fetched::Unchanged { .. })));
                (answer, random.below(8))
            };
            tokio::time::sleep(Duration::from_secs(wait.into())).await;
            answer
        })
    }
}

/// Lives for two weeks; what the publishers saw.
pub(crate) fn two_weeks(database: &Path) -> Score {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let mut random = Random(1);
        let mut score = Score::default();
        let feeds: Vec<Publisher> = (0..FEEDS).map(|number| Publisher::new(number, &mut random)).collect();
        for feed in &feeds {
            score.kinds.entry(feed.kind).or_default().0 += 1;
        }
        let subscriptions: Vec<Subscription> = feeds.iter().map(subscription).collect();
        let publishers = feeds.into_iter().map(|feed| (feed.url.to_string(), feed)).collect();
        let world = World { random, publishers, hosts: HashMap::new(), forced: false, score };
        let shared = Shared(Arc::new(Mutex::new(world)), Instant::now());
        for day in 0..DAYS {
            // The machine starts anew each day.
            one_day(&shared, database, day, &subscriptions).await;
        }
        std::mem::take(&mut shared.world().score)
    })
}

async fn one_day(shared: &Shared, database: &Path, day: i64, subscriptions: &[Subscription]) {
    let store = Store::simulated(database, IfMissing::Create, Arc::new(shared.clone())).expect("a database");
    let clock = shared.clock();
    let ids = store.sync(subscriptions.iter().map(subscribed).collect(), clock.now()).await.expect("a database");
    let (queued, _) = watch::channel(0);
    let (_go, stop) = watch::channel(false);
    let poller = Arc::new(Poller {
        fetcher: Box::new(Publishers {
            shared: shared.clone(),
            settings: settings(),
            gates: Arc::new(Gates::new(&settings(), clock.clone())),
        }),
        recorder: Recorder { store: store.clone(), pool: Pool::in_place() },
        clock: clock.clone(),
        subscriptions: ids.iter().copied().zip(subscriptions.iter().cloned()).collect(),
        observer: Box::new(|_| {}),
        queued,
    });
    let among: Arc<std::collections::HashSet<FeedId>> = Arc::new(ids.into_iter().collect());
    for tick in 0..DAY / CRON {
        let (late, sleeps) = {
            let mut world = shared.world();
            (i64::from(world.random.below(40)), world.random.in_thousand(20))
        };
        let start = BEGINNING + day * DAY + tick * CRON + late;
        if sleeps {
            continue;
        }
        let wait = u64::try_from(start - shared.now()).unwrap_or(0);
        tokio::time::sleep(Duration::from_secs(wait)).await;
        // Every other day somebody is impatient.
        let force = day % 2 == 1 && tick == 40;
        shared.world().forced = force;
        let run = store.start_run(clock.now()).await.expect("a database");
        let which = Which { run, force, patience: feeds::fetch::PATIENCE, among: Arc::clone(&among) };
        Arc::clone(&poller).pass(which, stop.clone()).await.expect("a database");
        store.end_run(run, RunTotals::default(), clock.now()).await.expect("a database");
    }
}

fn settings() -> Settings {
    Settings {
        access: Access::plain("feeds/simulation", Duration::from_secs(30), Duration::from_secs(10), 1 << 20),
        concurrency: 64,
        per_host: 1,
        host_delay: Duration::from_secs(1),
        hosts: BTreeMap::new(),
        memory: 64 << 20,
        allow_addresses: Vec::new(),
    }
}

fn subscription(feed: &Publisher) -> Subscription {
    Subscription {
        name: feed.name.clone(),
        url: feed.url.to_string(),
        source: Source::Http(feed.url.clone()),
        filter: None,
        access: None,
        schedule: feed.settings,
        backlog: Backlog::Newest(1),
        once_per: OncePer::Feed,
        updates: feeds::delivery::Updates::Ignore,
        identity: Identity::Auto,
        max_age: Duration::from_secs(30 * 86_400),
        max_new: 50,
        destinations: Vec::new(),
    }
}

fn subscribed(feed: &Subscription) -> Subscribed {
    Subscribed {
        name: feed.name.clone(),
        url: feed.url.clone(),
        host: feed.source.host().expect("every feed has a host"),
        interval: None,
        paused: false,
    }
}

impl Score {
    /// How many requests there were.
    pub(crate) fn requests(&self) -> u64 {
        self.kinds.values().map(|(_, requests, _)| requests).sum()
    }

    /// What README quotes.
    pub(crate) fn table(&self) -> String {
        let mut text = "| publisher | feeds | requests a day | of these 304 |\n|---|---|---|---|\n".to_owned();
        for (kind, (feeds, requests, unchanged)) in &self.kinds {
            let days = u64::try_from(DAYS).expect("a few") * u64::try_from(*feeds).expect("a few");
            let tenths = requests * 10 / days.max(1);
            let share = unchanged * 100 / (*requests).max(1);
            let _ = writeln!(text, "| {} | {feeds} | {}.{} | {share} % |", KINDS[*kind], tenths / 10, tenths % 10);
        }
        let _ = writeln!(text, "\n| lapse | in {} requests |\n|---|---|", self.requests());
        for (lapse, words) in LAPSES {
            let _ = writeln!(text, "| {words} | {} |", self.lapses.get(&lapse).map_or(0, Vec::len));
        }
        text
    }
}
