//! One pass of a run: poll what is due, deliver what is queued, side by side; then write down what was done.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::events::{Listener, Tally};
use super::failure::Failure;
use super::session::{Place, channels, feed, notices, subscribed, subscription};
use crate::config::Config;
use crate::deliver::{Courier, Pantry, Round};
use crate::fetch::{Fetch, Fetcher, end_programs};
use crate::poll::{self, Poller, Recorder, Which};
use crate::store::{FeedId, Store, StoreError};
use crate::words::count;
use crate::work::Pool;

/// What a pass does.
#[derive(Debug, Clone, Default)]
pub(super) struct Pass {
    /// Whatever intervals and cache lifetimes say.
    pub(super) force: bool,
    /// These feeds alone, by name; all where there are none.
    pub(super) only: Vec<String>,
    /// A new run tries once what only waits because of our own guess.
    pub(super) eager: bool,
    /// How long it may wait, in all, where a sink's rate lets no more pass.
    pub(super) patience: Duration,
    /// How long it may wait, in all, for the sake of one host's pace.
    pub(super) host_patience: Duration,
}

/// How long what is under way may go on after a signal to stop: with what is written down then, less than ten seconds in all.
const GRACE: Duration = Duration::from_secs(9);

/// Polls and delivers once. The lock is held by the caller.
pub(super) async fn pass(
    place: &Place,
    config: Config,
    store: &Store,
    pass: &Pass,
    stop: &watch::Receiver<bool>,
) -> Result<Tally, Failure> {
    // The first write of all: where the database cannot be written, nothing is asked and nothing is sent.
    let run = store.start_run(place.clock.now()).await?;
    let ids = store.sync(config.feeds.iter().map(subscribed).collect(), place.clock.now()).await?;
    let by_name: HashMap<String, FeedId> = config.feeds.iter().map(|feed| feed.name.clone()).zip(ids.iter().copied()).collect();
    let among = match pass.only.as_slice() {
        [] => ids.iter().copied().collect(),
        names => {
            names.iter().try_for_each(|name| feed(&config, name).map(drop))?;
            names.iter().filter_map(|name| by_name.get(name).copied()).collect()
        }
    };
    let told = notices(&config);
    let notices_feed = store.notices(!told.is_empty()).await?;
    let pool = Pool::start().map_err(|error| Failure::storage(format!("cannot start a thread: {error}")))?;
    let listener = Arc::new(Listener::new(Arc::clone(&place.printer)));
    let (queued, _) = watch::channel(0);
    let which = Which { run, force: pass.force, patience: pass.host_patience, among: Arc::new(among) };
    // One for both loops: a host has one pace, whatever is asked of it.
    let fetcher = Arc::new(Fetcher::new(config.http.clone()));
    let pantry = Arc::new(Pantry::new(Arc::clone(&fetcher) as Arc<dyn Fetch>, pool.clone(), place.clock.clone()));
    let poller = {
        let listener = Arc::clone(&listener);
        Arc::new(Poller {
            fetcher: Box::new(Arc::clone(&fetcher)),
            recorder: Recorder { store: store.clone(), pool },
            clock: place.clock.clone(),
            subscriptions: ids.iter().copied().zip(config.feeds.iter().map(subscription)).collect(),
            observer: Box::new(move |event| listener.polled(&event)),
            queued,
        })
    };
    let courier = {
        let listener = Arc::clone(&listener);
        let observer = Box::new(move |event| listener.delivered(&event));
        Arc::new(Courier { store: store.clone(), pantry, clock: place.clock.clone(), observer })
    };

    let sinks: Vec<String> = config.sinks.iter().map(|(name, _)| name.clone()).collect();
    let mut tasks: JoinSet<Result<(), StoreError>> = JoinSet::new();
    for channel in channels(config, &by_name, notices_feed) {
        let round =
            Round { run, eager: pass.eager, patience: pass.patience, queued: poller.queued.subscribe(), stop: stop.clone() };
        let courier = Arc::clone(&courier);
        tasks.spawn(async move { courier.deliver(&channel, round).await });
    }
    // The poller is the only one that can queue: when its last handle is dropped, the couriers know that nothing more comes.
    tasks.spawn({
        let (store, clock, stop) = (store.clone(), place.clock.clone(), stop.clone());
        async move {
            Arc::clone(&poller).pass(which, stop).await?;
            // When all have been asked, so that many feeds make one notice.
            if let Some(feed) = notices_feed
                && poll::tell(&store, &told, feed, clock.now()).await?
            {
                poller.queued.send_modify(|count| *count += 1);
            }
            Ok(())
        }
    });
    let done = finish(&mut tasks, stop, &listener).await;
    end_programs();
    let kept = poll::keep_paces(store, Fetch::gates(&fetcher)).await;
    let tally = listener.tally();
    let written = store.end_run(run, tally.totals, place.clock.now()).await;
    done?;
    kept?;
    written?;
    let stranded = store.stranded(sinks).await?;
    if stranded > 0 {
        let what = count(stranded, "delivery");
        tracing::warn!("{what} waiting for a sink that is no longer in the configuration\nhelp: `feeds queue` shows them");
    }
    place.printer.clear();
    Ok(tally)
}

/// Waits for all tasks; after a signal to stop only so long. The first failure of the database ends them all.
async fn finish(
    tasks: &mut JoinSet<Result<(), StoreError>>,
    stop: &watch::Receiver<bool>,
    listener: &Listener,
) -> Result<(), Failure> {
    let mut stopped = stop.clone();
    let too_long = async move {
        if stopped.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(GRACE).await;
    };
    tokio::pin!(too_long);
    loop {
        let ended = tokio::select! {
            ended = tasks.join_next() => ended,
            () = &mut too_long => {
                tracing::warn!("what was still under way was broken off; the next run goes on with it");
                tasks.shutdown().await;
                return Ok(());
            }
        };
        match ended {
            None => return Ok(()),
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error))) => {
                tasks.shutdown().await;
                return Err(Failure::from(error));
            }
            Some(Err(error)) => listener.worker_ended(&error.to_string()),
        }
    }
}
