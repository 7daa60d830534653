//! A pass over invented publishers, on a clock that stands still unless somebody waits.

use std::sync::Mutex as StdMutex;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::time::Instant;
use url::Url;

use super::*;
use crate::fetch::{Answer, Fetched, Gates, Room, Settings, Validators};
use crate::poll::Backlog;
use crate::store::{IfMissing, RunId, Store, Subscribed};
use crate::work::Pool;

const START: i64 = 1_750_000_000;

/// What was asked: after how many seconds, what, and whether for what is new only.
type Log = Arc<StdMutex<Vec<(u64, String, bool)>>>;

struct Publishers {
    settings: Settings,
    gates: Arc<Gates>,
    start: Instant,
    log: Log,
    /// Those that have had too much.
    refuses: Vec<String>,
}

impl Fetch for Publishers {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn gates(&self) -> &Arc<Gates> {
        &self.gates
    }

    fn fetch<'a>(&'a self, ask: &'a Ask<'a>, _: &'a mut Turn) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        let Source::Http(source) = ask.source else { panic!("every feed has a URL") };
        let url = crate::fetch::start(source, ask.at);
        self.log.lock().unwrap().push((self.start.elapsed().as_secs(), url.to_string(), ask.validators.is_some()));
        let refused = self.refuses.iter().any(|host| url.host_str() == Some(host));
        Box::pin(async move {
            if refused {
                return Err(FetchErrorKind::Status(429).into());
            }
            let validators =
                Validators { etag: Some(b"\"1\"".to_vec()), last_modified: None, url: url.to_string(), asked_as: None };
            if ask.validators == Some(&validators) {
                return Ok(Fetched::Unchanged { validators, fresh_for: None, moved_to: None });
            }
            let bytes = b"<rss version='2.0'><channel><title>t</title><item><title>one</title></item></channel></rss>".to_vec();
            let (content_type, moved_to, fresh_for) = (None, None, None);
            let answer = Answer { bytes, content_type, url, moved_to, validators, fresh_for, said: None, room: Room::default() };
            Ok(Fetched::Document(Box::new(answer)))
        })
    }
}

struct World {
    store: Store,
    start: Instant,
    settings: Settings,
    feeds: Vec<Subscription>,
    refuses: Vec<String>,
    _folder: tempfile::TempDir,
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_second(START).unwrap() + Duration::from_secs(seconds)
}

fn subscribed(feed: &Subscription) -> Subscribed {
    let host = feed.source.host().unwrap();
    Subscribed { name: feed.name.clone(), url: feed.url.clone(), host, interval: Some(3_600), paused: false }
}

impl World {
    fn new(urls: &[&str], delays: &[(&str, u64)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("feeds.db"), IfMissing::Create).unwrap();
        let feed = |(number, url): (usize, &&str)| Subscription {
            url: (*url).to_owned(),
            source: Source::Http(Url::parse(url).unwrap()),
            ..Subscription::specimen(&format!("f{number}"), Backlog::All)
        };
        let settings = Settings {
            access: crate::fetch::Access::plain("feeds/test", Duration::from_secs(30), Duration::from_secs(10), 1 << 20),
            concurrency: 8,
            per_host: 1,
            host_delay: Duration::from_secs(1),
            hosts: delays.iter().map(|(host, delay)| ((*host).to_owned(), Duration::from_secs(*delay))).collect(),
            memory: 1 << 20,
            allow_addresses: Vec::new(),
        };
        let feeds = urls.iter().enumerate().map(feed).collect();
        Self { store, start: Instant::now(), settings, feeds, refuses: Vec::new(), _folder: folder }
    }

    async fn pass(&self, among: &[usize]) -> Vec<(u64, String, bool)> {
        let start = self.start;
        let clock = Clock::from_fn(move || at(start.elapsed().as_secs()));
        let run: RunId = self.store.start_run(clock.now()).await.unwrap();
        let ids = self.store.sync(self.feeds.iter().map(subscribed).collect(), clock.now()).await.unwrap();
        let (log, begun) = (Log::default(), Instant::now());
        let fetcher = Publishers {
            settings: self.settings.clone(),
            gates: Arc::new(Gates::new(&self.settings, clock.clone())),
            start: begun,
            log: Arc::clone(&log),
            refuses: self.refuses.clone(),
        };
        let poller = Arc::new(Poller {
            fetcher: Box::new(fetcher),
            recorder: Recorder { store: self.store.clone(), pool: Pool::in_place() },
            clock,
            subscriptions: ids.iter().copied().zip(self.feeds.iter().cloned()).collect(),
            observer: Box::new(|_| {}),
            queued: watch::channel(0).0,
        });
        let among = among.iter().map(|place| ids[*place]).collect();
        let which = Which { run, force: false, patience: Duration::from_secs(300), among: Arc::new(among) };
        let (_stop, stopped) = watch::channel(false);
        poller.pass(which, stopped).await.unwrap();
        log.lock().unwrap().clone()
    }

    async fn all(&self) -> Vec<(u64, String, bool)> {
        self.pass(&(0..self.feeds.len()).collect::<Vec<_>>()).await
    }
}

fn paths(asked: &[(u64, String, bool)]) -> Vec<&str> {
    asked.iter().map(|(_, url, _)| url.rsplit('/').next().unwrap()).collect()
}

#[tokio::test]
async fn feeds_that_do_not_fit_into_a_run_take_their_turn_in_the_next_oldest_first() {
    let urls: Vec<String> = (0..12).map(|number| format!("https://www.reddit.com/r/{number}")).collect();
    let world = World::new(&urls.iter().map(String::as_str).collect::<Vec<_>>(), &[("reddit.com", 61)]);
    tokio::time::pause();
    let first = world.all().await;
    assert_eq!(paths(&first), ["0", "1", "2", "3", "4"]);
    let seconds: Vec<u64> = first.iter().map(|(at, _, _)| *at).collect();
    assert!(seconds.windows(2).all(|two| two[1] - two[0] >= 61), "{seconds:?}");
    assert_eq!(paths(&world.all().await), ["5", "6", "7", "8"], "it waits for the first turn too");
    tokio::time::advance(Duration::from_secs(600)).await;
    assert_eq!(paths(&world.all().await), ["9", "10", "11"]);
    assert!(world.all().await.is_empty());
}

#[tokio::test]
async fn a_host_that_has_too_much_is_asked_more_slowly_by_the_next_run_too() {
    let mut world = World::new(&["https://www.a.example/1", "https://www.a.example/2", "https://feeds.a.example/3"], &[]);
    tokio::time::pause();
    world.refuses = vec!["www.a.example".to_owned()];
    assert_eq!(paths(&world.pass(&[0, 1]).await), ["1"], "one word is enough for all of its feeds");
    let known = world.store.host_paces().await.unwrap();
    let learned = known.iter().find(|known| known.host == "a.example").and_then(|known| known.learned).unwrap();
    assert_eq!(learned.slowest, Duration::from_secs(10));
    assert!(world.all().await.is_empty(), "hosts below it rest as well");
    world.refuses.clear();
    tokio::time::advance(Duration::from_secs(3 * 3_600)).await;
    let asked = world.all().await;
    let seconds: Vec<u64> = asked.iter().map(|(at, _, _)| *at).collect();
    assert!(asked.len() == 3 && seconds.windows(2).all(|two| two[1] - two[0] >= 9), "{asked:?}");
}

#[tokio::test]
async fn p37_the_same_document_is_asked_for_once_for_all_its_feeds() {
    let world = World::new(&["https://a.example/feed", "https://a.example/feed#two", "https://a.example/other"], &[]);
    tokio::time::pause();
    assert_eq!(paths(&world.pass(&[0]).await), ["feed"]);
    tokio::time::advance(Duration::from_secs(2 * 3_600)).await;
    let asked = world.all().await;
    let feed: Vec<_> = asked.iter().filter(|(_, url, _)| url.ends_with("feed")).collect();
    assert!(asked.len() == 2 && feed.len() == 1 && !feed[0].2, "the second feed has not recorded the document: {asked:?}");
    tokio::time::advance(Duration::from_secs(2 * 3_600)).await;
    let asked = world.all().await;
    assert!(asked.len() == 2 && asked.iter().all(|(_, _, conditional)| *conditional), "{asked:?}");
}

#[tokio::test]
async fn p28_the_first_requests_of_a_new_install_and_those_after_them_are_not_all_at_once() {
    let urls: Vec<String> = (0..100).map(|number| format!("https://one.example/{number}")).collect();
    let world = World::new(&urls.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    tokio::time::pause();
    let first = world.all().await;
    assert_eq!(first.len(), 100);
    assert!(first.windows(2).all(|two| two[1].0 > two[0].0), "one a second at most: {first:?}");
    tokio::time::advance(Duration::from_secs(3_600)).await;
    let mut passes = Vec::new();
    for _ in 0..8 {
        let asked = world.all().await;
        assert!(asked.windows(2).all(|two| two[1].0 > two[0].0), "{asked:?}");
        passes.push(asked.len());
        tokio::time::advance(Duration::from_secs(600)).await;
    }
    assert!(passes.iter().sum::<usize>() >= 100 && passes.iter().all(|asked| *asked < 40), "{passes:?}");
}
