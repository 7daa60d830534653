//! Runs that are killed at random moments, at a mail server that is slow, refuses, or hangs up; then everything is counted.
//! The suite does it a few times, `cargo bench --bench kills` many times.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::kit::{Fault, Message, Page, Sandbox, Server, SmtpServer};
use crate::random::Random;

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// How many runs are to be killed before their end.
    pub(crate) kills: usize,
    /// What every choice is made from.
    pub(crate) seed: u64,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Runs that were killed before their end.
    pub(crate) kills: usize,
    /// Runs that were over before they could be killed.
    pub(crate) survived: usize,
    /// Deliveries that were due, over both sinks.
    pub(crate) due: usize,
    /// Copies too many at the mail server.
    pub(crate) extra: usize,
    /// Mails that the server took without saying so, kill or no kill.
    pub(crate) untold: usize,
}

/// How many mails may be accepted and not yet written down when a process dies; see docs/limits.md.
const WINDOW: usize = 8;
const FEEDS: usize = 3;
/// So many entries a feed gains before each run …
const GAINED: usize = 2;
/// … and so many its document shows: more than it gains until a run is left in peace.
const SHOWN: usize = 40;
/// Each so-many-th run is left in peace, and must complete.
const IN_PEACE: usize = 8;

/// The moods of the mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    Slow,
    RefusesMails,
    RefusesAll,
    HangsUp,
    Down,
}

const MOODS: [Mood; 6] = [Mood::Well, Mood::Slow, Mood::RefusesMails, Mood::RefusesAll, Mood::HangsUp, Mood::Down];

/// Kills runs as planned; fails where an entry was lost, came twice outside the window, or the database is not sound.
pub(crate) fn kills(plan: Plan) -> Tally {
    let mut random = Random(plan.seed);
    let (publisher, server) = (Server::start(), SmtpServer::start());
    let mut reader = Sandbox::local().sink_maildir().sink("mail", &server.sink());
    let mut feeds: Vec<Growing> = (0..FEEDS).map(|number| Growing::new(&format!("f{number}"))).collect();
    for feed in &feeds {
        reader = reader.feed(&feed.name, publisher.url(&format!("/{}", feed.name)));
    }
    let publish = |feeds: &mut [Growing]| {
        for feed in feeds {
            feed.grow();
            publisher.serve(&format!("/{}", feed.name), Page::feed(feed.document()).etag(&format!("\"{}\"", feed.count)));
        }
    };
    publish(&mut feeds);
    reader.poll_again().succeeds();

    let mut tally = Tally::default();
    let mut length = Duration::ZERO;
    for round in 0.. {
        if tally.kills >= plan.kills {
            break;
        }
        publish(&mut feeds);
        if round % IN_PEACE == 0 {
            server.heal();
            server.up();
            let started = Instant::now();
            reader.poll_again().succeeds();
            length = started.elapsed();
        } else {
            let mood = random.of(&MOODS);
            mood.falls_on(&server);
            let slower = if mood == Mood::Slow { 3 } else { 1 };
            killed(&reader, length * slower, &mut random, &mut tally);
            assert_sound(&reader.database());
        }
    }

    server.heal();
    server.up();
    reader.run(&["queue", "retry", "--all"]).succeeds();
    reader.poll_again().succeeds();
    assert!(reader.queue().is_empty(), "{:#?}", reader.queue());
    assert_sound(&reader.database());
    let all: BTreeSet<String> = feeds.iter().flat_map(Growing::titles).collect();
    tally.due = all.len() * 2;
    tally.untold = server.untold();
    tally.extra = extra_copies(&server.mails(), &all);
    let most = WINDOW * tally.kills + tally.untold;
    assert!(tally.extra <= most, "more copies than the window explains, {most}: {tally:?}");
    assert_eq!(extra_copies(&reader.inbox(), &all), 0, "a Maildir has no window: {tally:?}");
    tally
}

/// Starts a run, in half of the cases a second one beside it, and kills them at some moment of its length.
fn killed(reader: &Sandbox, length: Duration, random: &mut Random, tally: &mut Tally) {
    let some_moment = |random: &mut Random| length * random.below(1_100) / 1_000;
    let first = reader.spawn(&["run", "--once", "--force"]);
    let second = random.in_thousand(500).then(|| reader.spawn(&["run", "--once", "--force"]));
    let (first_at, second_at) = (some_moment(random), some_moment(random));
    for (run, after) in [(Some(first), first_at), (second, second_at)] {
        let Some(run) = run else { continue };
        if run.killed_after(after) {
            tally.survived += 1;
        } else {
            tally.kills += 1;
        }
    }
}

/// Every title arrived, each under one Message-ID; how many copies are too many.
fn extra_copies(mails: &[Message], published: &BTreeSet<String>) -> usize {
    let mut ids: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for mail in mails {
        ids.entry(mail.subject().to_owned()).or_default().insert(mail.message_id());
    }
    let arrived: BTreeSet<String> = ids.keys().cloned().collect();
    let lost: Vec<&String> = published.difference(&arrived).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    assert_eq!(&arrived, published, "something arrived that nobody published");
    let several: Vec<_> = ids.iter().filter(|(_, ids)| ids.len() > 1).collect();
    assert!(several.is_empty(), "one entry under several ids: {several:?}");
    mails.len() - published.len()
}

impl Mood {
    fn falls_on(self, server: &SmtpServer) {
        server.heal();
        server.up();
        match self {
            Self::Well => {}
            Self::Slow => server.delay(Duration::from_millis(15)),
            // Numbers that share no divisor with the steps of a dialogue: each step is struck in its turn.
            Self::RefusesMails => server.fault_at_times(Fault::End4xx, 3),
            Self::RefusesAll => server.fault(Fault::Mail4xx),
            Self::HangsUp => server.fault_at_times(Fault::EndLost, 5),
            Self::Down => server.down(),
        }
    }
}

/// The database is sound: asked of a copy, so that the program itself has to mend what the kill left behind.
pub(crate) fn assert_sound(database: &Path) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for end in ["", "-wal"] {
        let mut name = database.as_os_str().to_owned();
        name.push(end);
        if Path::new(&name).exists() {
            std::fs::copy(&name, folder.path().join(format!("feeds.db{end}"))).expect("a copy");
        }
    }
    let copy = folder.path().join("feeds.db");
    if !copy.exists() {
        return;
    }
    let connection = rusqlite::Connection::open(copy).expect("a database");
    let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("an answer");
    assert_eq!(found, "ok");
    let orphans: i64 =
        connection.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).expect("an answer");
    assert_eq!(orphans, 0, "rows that belong to nothing");
}

/// A feed that gains entries.
struct Growing {
    name: String,
    count: usize,
    shown: VecDeque<usize>,
}

impl Growing {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), count: 0, shown: VecDeque::new() }
    }

    fn grow(&mut self) {
        for _ in 0..GAINED {
            self.count += 1;
            self.shown.push_front(self.count);
        }
        self.shown.truncate(SHOWN);
    }

    fn title(&self, number: usize) -> String {
        format!("{} {number}", self.name)
    }

    fn titles(&self) -> Vec<String> {
        (1..=self.count).map(|number| self.title(number)).collect()
    }

    fn document(&self) -> String {
        let item = |number: &usize| {
            let (name, title) = (&self.name, self.title(*number));
            format!(
                "<item><title>{title}</title><link>https://example.org/{name}/{number}</link><guid isPermaLink=\"false\">{name}-{number}</guid></item>"
            )
        };
        let items: String = self.shown.iter().map(item).collect();
        format!("<rss version=\"2.0\"><channel><title>{}</title>{items}</channel></rss>", self.name)
    }
}
