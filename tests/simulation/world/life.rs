//! One life of the process: the database is opened from what the disk holds, the two loops run side by side as `feeds run`
//! runs them, and all ends at a moment of its own or at one of the world's.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use feeds::deliver::{Addressed, Channel, Courier, Pantry, Round};
use feeds::delivery::Updates;
use feeds::expression::Template;
use feeds::feed::{FeedFacts, Identity};
use feeds::fetch::{Access, Fetch, Gates, Settings, Source};
use feeds::mail::Look;
use feeds::poll::{Backlog, Destination, OncePer, Poller, Recorder, Subscription, Which};
use feeds::schedule::{self, Every};
use feeds::sink::Wants;
use feeds::store::{FeedId, IfMissing, RunTotals, Store, StoreError, Subscribed};
use feeds::units::Interval;
use feeds::work::Pool;
use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::desk::Counter;
use super::publisher::{Publisher, Publishers};
use super::{Life, World};

/// How a life ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// When nothing was left to do, or it was told to stop.
    Well,
    /// At a moment of the world's choice.
    Died,
    /// The disk refused a write.
    Refused,
}

/// No life takes so long; one that does hangs.
const HANGS: Duration = Duration::from_secs(30 * 86_400);
/// Who is told to stop: the fetching loop, and each sink's task.
const STOPPED: usize = 3;
const INTERVAL: Duration = Duration::from_secs(3_600);

/// Lives once.
pub(crate) fn live(world: &World, database: &Path, life: Life) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    let ended = runtime.block_on(async {
        // What is left of the last death is not this life's.
        world.0.died.notified().now_or_never();
        let (stop, stopped): (Vec<_>, Vec<_>) = (0..STOPPED).map(|_| watch::channel(false)).unzip();
        {
            let mut state = world.state();
            state.life = life;
            state.life.stop = stop;
            state.began = Some(tokio::time::Instant::now());
        }
        tokio::select! {
            biased;
            () = world.0.died.notified() => Ended::Died,
            lived = tokio::time::timeout(HANGS, run(world, database, &stopped)) => match lived {
                Ok(Ok(())) => Ended::Well,
                Ok(Err(StoreError::Full)) => Ended::Refused,
                Ok(Err(error)) => {
                    world.state().breach(format!("the database failed: {error}"));
                    Ended::Refused
                }
                Err(_) => {
                    world.state().breach("the run hangs".to_owned());
                    Ended::Died
                }
            },
        }
    });
    let mut state = world.state();
    state.now = state.now();
    state.began = None;
    state.note(|| format!("the life is over: {ended:?}"));
    drop(state);
    ended
}

/// One pass, sometimes two, as `feeds run` makes them.
async fn run(world: &World, database: &Path, stop: &[watch::Receiver<bool>]) -> Result<(), StoreError> {
    let store = Store::simulated(database, IfMissing::Create, Arc::new(world.clone()))?;
    pass(world, &store, true, stop).await?;
    let pause = world.state().random.below(3) * 3_600;
    if pause > 0 && !*stop[0].borrow() {
        tokio::time::sleep(Duration::from_secs(pause.into())).await;
        pass(world, &store, false, stop).await?;
    }
    Ok(())
}

async fn pass(world: &World, store: &Store, eager: bool, stop: &[watch::Receiver<bool>]) -> Result<(), StoreError> {
    let clock = world.clock();
    let run = store.start_run(clock.now()).await?;
    let (feeds, desks) = {
        let state = world.state();
        let feeds: Vec<Subscription> = state
            .publishers
            .iter()
            .filter(|feed| feed.subscribed)
            .map(|feed| {
                let sinks =
                    state.desks.iter().map(|desk| Destination { sink: desk.name.clone(), id_domain: "example.net".to_owned() });
                subscription(feed, sinks.collect())
            })
            .collect();
        let desks: Vec<(String, Wants)> = state.desks.iter().map(|desk| (desk.name.clone(), desk.wants)).collect();
        (feeds, desks)
    };
    let ids = store.sync(feeds.iter().map(subscribed).collect(), clock.now()).await?;
    let addressed: HashMap<FeedId, Addressed> = ids.iter().copied().zip(feeds.iter().map(addressed)).collect();
    let (queued, _) = watch::channel(0);
    let pool = Pool::in_place();
    let publishers = Arc::new(Publishers {
        world: world.clone(),
        settings: settings(),
        gates: Arc::new(Gates::new(&settings(), clock.clone())),
    });
    let pantry = Arc::new(Pantry::new(Arc::clone(&publishers) as Arc<dyn Fetch>, pool.clone(), clock.clone()));
    let poller = Arc::new(Poller {
        fetcher: Box::new(publishers),
        recorder: Recorder { store: store.clone(), pool },
        clock: clock.clone(),
        subscriptions: ids.iter().copied().zip(feeds).collect(),
        observer: Box::new(|_| {}),
        queued,
    });
    let courier = Arc::new(Courier { store: store.clone(), pantry, clock: clock.clone(), observer: Box::new(|_| {}) });
    let mut tasks: JoinSet<Result<(), StoreError>> = JoinSet::new();
    let mut told = Vec::new();
    for (desk, (name, wants)) in desks.into_iter().enumerate() {
        let (tell, queued) = watch::channel(0);
        told.push(tell);
        let sink = Arc::new(Counter { world: world.clone(), desk, wants });
        let channel = Channel { name, sink, addressed: addressed.clone(), rate: None };
        let round = Round { run, eager, patience: Duration::ZERO, queued, stop: stop[1 + desk].clone() };
        let courier = Arc::clone(&courier);
        tasks.spawn(async move { courier.deliver(&channel, round).await });
    }
    tasks.spawn(pass_on(poller.queued.subscribe(), told));
    let which = Which { run, force: false, patience: feeds::fetch::PATIENCE, among: Arc::new(ids.iter().copied().collect()) };
    tasks.spawn(poller.pass(which, stop[0].clone()));
    if world.state().random.below(10) == 0 {
        // A person sees to the queue while the run is under way.
        let (store, world, clock) = (store.clone(), world.clone(), clock.clone());
        tasks.spawn(async move {
            world.pass_moment().await;
            world.state().note(|| "a person retries all".to_owned());
            store.retry(None, clock.now()).await.map(|_| ())
        });
    }
    let mut done = Ok(());
    while let Some(ended) = tasks.join_next().await {
        let ended = ended.unwrap_or_else(|error| {
            world.state().breach(format!("a task ended early: {error}"));
            Ok(())
        });
        if let Err(error) = ended {
            // The first failure of the database ends them all, as in a run.
            tasks.shutdown().await;
            done = Err(error);
        }
    }
    let written = store.end_run(run, RunTotals::default(), clock.now()).await;
    done.and(written)
}

/// Wakes each sink's task in its turn; ends with the fetching loop.
async fn pass_on(mut queued: watch::Receiver<u64>, told: Vec<watch::Sender<u64>>) -> Result<(), StoreError> {
    while queued.changed().await.is_ok() {
        for tell in &told {
            tell.send_modify(|count| *count += 1);
        }
    }
    Ok(())
}

fn settings() -> Settings {
    Settings {
        access: Access::plain("feeds/simulation", Duration::from_secs(30), Duration::from_secs(10), 1 << 20),
        concurrency: 2,
        per_host: 1,
        host_delay: Duration::ZERO,
        hosts: BTreeMap::new(),
        memory: 64 << 20,
        allow_addresses: Vec::new(),
    }
}

fn subscription(feed: &Publisher, destinations: Vec<Destination>) -> Subscription {
    Subscription {
        name: feed.name.clone(),
        url: feed.url.to_string(),
        source: Source::Http(feed.url.clone()),
        access: None,
        filter: None,
        schedule: schedule::Settings {
            every: Every::Set(Interval::from_secs(INTERVAL.as_secs())),
            ..schedule::Settings::default()
        },
        backlog: Backlog::All,
        once_per: OncePer::Feed,
        updates: Updates::Ignore,
        identity: Identity::Auto,
        // Nothing is held or left out: every entry is to arrive.
        max_age: Duration::from_secs(100 * 365 * 86_400),
        max_new: u32::MAX,
        destinations,
    }
}

fn subscribed(feed: &Subscription) -> Subscribed {
    Subscribed {
        name: feed.name.clone(),
        url: feed.url.clone(),
        host: feed.source.host().expect("every feed has a host"),
        interval: Some(i64::try_from(INTERVAL.as_secs()).expect("a short time")),
        paused: false,
    }
}

fn addressed(feed: &Subscription) -> Addressed {
    let to = Template::parse("me@example.net").expect("a template");
    let look = Look::plain("feeds@example.net".parse().expect("an address"), to);
    let facts = FeedFacts { name: feed.name.clone(), title: feed.name.clone(), url: feed.url.clone(), ..FeedFacts::default() };
    Addressed { feed: facts, look: Some(look), ..Addressed::default() }
}
