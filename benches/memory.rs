//! What remembering costs: a million entries with three keys each, in a thousand feeds. Prints the size of the database,
//! and what reading and recording a document takes beside it and beside an empty one. `cargo bench --bench memory [ENTRIES]`

use std::path::Path;
use std::time::{Duration, Instant};

use feeds::feed::diff::diff;
use feeds::feed::identity::{raw_hash, text_hash, uid};
use feeds::feed::{Entry, Identity, Key, Keys, Link};
use feeds::store::{
    Answer, DocumentRecord, FeedId, IfMissing, NewEntry, PollRecord, RunTotals, Store, StoreError, Subscribed, View,
};
use jiff::Timestamp;

const FEEDS: usize = 1_000;
/// Entries of a document that is read again.
const DOCUMENT: usize = 30;
/// How often each act is measured; the median counts.
const ROUNDS: usize = 101;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let asked = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let entries: usize = asked.unwrap_or(1_000_000);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(entries))
}

async fn run(entries: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let mut told = vec![measure(&folder.path().join("empty.db"), FEEDS * DOCUMENT).await?];
    told.push(measure(&folder.path().join("full.db"), entries).await?);
    let words = ["entries", "MB", "bytes an entry", "known (µs)", "record (µs)", "a run's own (µs)", "status (µs)"];
    print(&words.map(str::to_owned));
    for row in &told {
        print(row);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a bench tells what it measured")]
fn print(row: &[String; 7]) {
    let cells: Vec<String> = row.iter().map(|cell| format!("{cell:>17}")).collect();
    println!("{}", cells.concat());
}

fn subscribed(number: usize) -> Subscribed {
    let host = format!("f{number}.example");
    Subscribed { name: format!("f{number}"), url: format!("https://{host}/feed"), host, interval: Some(3_600), paused: false }
}

fn entry(feed: usize, number: usize) -> Entry {
    let href = format!("https://f{feed}.example/posts/{number}");
    let link = Link { href, ..Link::default() };
    let published = Timestamp::from_second(1_700_000_000 + i64::try_from(number).unwrap_or_default()).ok();
    let (id, content) = (Some(format!("tag:f{feed},{number}")), Some(format!("<p>What post {number} of feed {feed} says.</p>")));
    Entry { id, links: vec![link], content, published, ..Entry::default() }
}

/// Reads entries of a feed as a run does. Answers how long finding and recording took.
async fn read(
    store: &Store,
    feed: FeedId,
    number: usize,
    which: std::ops::Range<usize>,
) -> Result<(Duration, Duration), StoreError> {
    let entries: Vec<Entry> = which.map(|n| entry(number, n)).collect();
    let keys: Vec<Key> = entries.iter().flat_map(|entry| Keys::of(entry).all()).collect();
    let history = store.history(feed).await?;
    let started = Instant::now();
    let known = store.known(feed, keys).await?;
    let found = diff(&entries, &known, Identity::Auto);
    let finding = started.elapsed();
    let new = found.new.iter().filter_map(|(place, keys)| {
        let entry = entries.get(*place)?.clone();
        Some(NewEntry {
            uid: uid("u", *keys),
            keys: keys.all().collect(),
            raw_hash: raw_hash(&entry),
            text_hash: text_hash(&entry),
            entry,
            deliveries: Vec::new(),
            held: None,
            text: None,
            story: None,
        })
    });
    let document = DocumentRecord { hash: vec![0; 32], entries: new.collect(), ..DocumentRecord::default() };
    let record = PollRecord {
        feed,
        run: None,
        polls: history.polls,
        asked_at: Timestamp::UNIX_EPOCH,
        next_poll: Timestamp::UNIX_EPOCH,
        because: "the feed's interval".to_owned(),
        left_alone_until: None,
        fresh_until: None,
        bytes: None,
        habits: feeds::schedule::Habits::default(),
        status: Some(200),
        answer: Answer::Document(Box::new(document)),
    };
    let started = Instant::now();
    store.record(record).await?;
    Ok((finding, started.elapsed()))
}

async fn measure(path: &Path, entries: usize) -> Result<[String; 7], Failure> {
    let store = Store::open(path, IfMissing::Create)?;
    let ids = store.sync((0..FEEDS).map(subscribed).collect(), Timestamp::UNIX_EPOCH).await?;
    let each = (entries / FEEDS).max(DOCUMENT);
    // In rounds over all feeds, as years of polling would fill it: the keys of a feed do not arrive in one piece.
    for from in (0..each).step_by(100) {
        for (number, feed) in ids.iter().enumerate() {
            read(&store, *feed, number, from..(from + 100).min(each)).await?;
        }
    }
    let (mut known, mut record, mut own, mut status) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (round, feed) in ids.iter().enumerate().take(ROUNDS) {
        let (finding, recording) = read(&store, *feed, round, each - DOCUMENT..each).await?;
        known.push(finding);
        record.push(recording);
        let started = Instant::now();
        let run = store.start_run(Timestamp::UNIX_EPOCH).await?;
        store.end_run(run, RunTotals::default(), Timestamp::UNIX_EPOCH).await?;
        own.push(started.elapsed());
        let started = Instant::now();
        if let Some(view) = View::open(path)? {
            view.queue_length()?;
            view.feeds(&[subscribed(round)])?;
        }
        status.push(started.elapsed());
    }
    drop(store);
    let bytes = size(path);
    let times = [known, record, own, status].map(|times| median(times).as_micros().to_string());
    let [known, record, own, status] = times;
    let mb = format!("{}.{}", bytes / 1_000_000, bytes / 100_000 % 10);
    Ok([(each * FEEDS).to_string(), mb, (bytes / (each * FEEDS) as u64).to_string(), known, record, own, status])
}

/// The database with its journal.
fn size(path: &Path) -> u64 {
    let of = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    of(path) + of(&path.with_extension("db-wal"))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
