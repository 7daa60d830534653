//! `feeds status`: how each feed fares, which sinks rest, and how long the queue is.

use jiff::Timestamp;
use serde::Serialize;

use super::failure::{Exit, Failure};
use super::output::{NEXT_RUN, local, table};
use super::session::{Place, feed, subscribed};
use crate::config::{Config, Feed};
use crate::secret::redact_text;
use crate::store::{FeedStatus, HostPace, LastRun, QueueLength, Rest, View};
use crate::trouble::{self, FAILING_FOR_DAYS, Trouble};
use crate::words::count;

/// What `feeds status` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// One feed, told in full
    name: Option<String>,
    /// Show the last runs instead, and what each did: 10, or as many as N
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "10", conflicts_with = "name",
          value_parser = clap::value_parser!(u32).range(1..))]
    runs: Option<u32>,
}

/// How all fares, as scripts see it.
#[derive(Debug, Serialize)]
struct Status {
    feeds: Vec<FeedRow>,
    queue: Queue,
    sinks: Vec<SinkRow>,
    hosts: Vec<HostRow>,
    last_run: Option<RunRow>,
    runs: Vec<RunRow>,
}

#[derive(Debug, Default, Serialize)]
struct FeedRow {
    name: String,
    url: String,
    state: &'static str,
    last_attempt: Option<Timestamp>,
    last_success: Option<Timestamp>,
    next_poll: Option<Timestamp>,
    because: Option<String>,
    failures: u32,
    failing_since: Option<Timestamp>,
    status: Option<u16>,
    bytes: Option<u64>,
    unchanged: bool,
    etag: Option<String>,
    last_modified: Option<String>,
    error: Option<String>,
    trouble: Option<&'static str>,
    needs_person: bool,
    help: Option<String>,
    said: Option<String>,
    moved_to: Option<String>,
    held: u64,
    held_since: Option<Timestamp>,
    held_because: Option<String>,
    waits_for: Option<String>,
    /// It is asked whenever a run begins.
    #[serde(skip)]
    is_due: bool,
}

/// The pace of a host that is slower than others.
#[derive(Debug, Serialize)]
struct HostRow {
    host: String,
    pause_seconds: u64,
    learned: bool,
    slowed_at: Option<Timestamp>,
    left_alone_until: Option<Timestamp>,
    next_turn: Option<Timestamp>,
    waiting: usize,
}

impl FeedRow {
    /// When it is asked next, in words.
    fn next(&self) -> String {
        match self.next_poll {
            Some(at) if !self.is_due => local(at),
            Some(_) => NEXT_RUN.to_owned(),
            None if self.is_due => NEXT_RUN.to_owned(),
            None => "-".to_owned(),
        }
    }

    /// Whether its host is this one, or below it.
    fn is_at(&self, host: &str) -> bool {
        let url = url::Url::parse(&self.url).ok();
        url.as_ref().and_then(url::Url::host_str).is_some_and(|own| crate::pace::domains(own).any(|domain| domain == host))
    }

    /// `200, 12345 bytes`, `304, unchanged`: what came of the last request.
    fn last_answer(&self) -> Option<String> {
        let status = self.status.map(|status| status.to_string());
        let what = match (self.bytes, self.unchanged) {
            (Some(bytes), false) => Some(count(bytes, "byte")),
            (Some(bytes), true) => Some(format!("{}, unchanged", count(bytes, "byte"))),
            (None, true) => Some("unchanged".to_owned()),
            (None, false) => self.error.as_ref().filter(|_| status.is_none()).map(|_| "none".to_owned()),
        };
        let words: Vec<String> = [status, what].into_iter().flatten().collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

#[derive(Debug, Default, Serialize)]
struct Queue {
    pending: u64,
    failed: u64,
    held: u64,
}

#[derive(Debug, Serialize)]
struct SinkRow {
    name: String,
    error: String,
    failures: u32,
    since: Timestamp,
    next_attempt: Timestamp,
    next_run: bool,
}

#[derive(Debug, Serialize)]
struct RunRow {
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    polled: u64,
    failed: u64,
    new: u64,
    delivered: u64,
    retried: u64,
    rejected: u64,
}

pub(super) fn run(place: &Place, arguments: &Arguments) -> Result<Exit, Failure> {
    let config = place.config()?;
    let wanted: Vec<&Feed> = match &arguments.name {
        Some(name) => vec![feed(&config, name)?],
        None => config.feeds.iter().collect(),
    };
    let view = place.view(&config)?;
    let status = read(place, &config, &wanted, view.as_ref(), arguments.runs.unwrap_or_default())?;
    if place.printer.json {
        place.printer.json(&status);
    } else if arguments.name.is_some() {
        status.feeds.iter().for_each(|row| in_full(place, row, &status.hosts));
    } else if arguments.runs.is_some() {
        runs(place, &status.runs);
    } else {
        overview(place, &status);
    }
    let needs_person = needs_person(&status, place.clock.now());
    Ok(if needs_person { Exit::NeedsPerson } else { Exit::Done })
}

fn read(place: &Place, config: &Config, wanted: &[&Feed], view: Option<&View>, runs: u32) -> Result<Status, Failure> {
    let now = place.clock.now();
    let Some(view) = view else {
        let feeds = wanted.iter().map(|feed| row(feed, None, now)).collect();
        return Ok(Status {
            feeds,
            queue: Queue::default(),
            sinks: Vec::new(),
            hosts: Vec::new(),
            last_run: None,
            runs: Vec::new(),
        });
    };
    // Matched among all feeds, so that one that was renamed is found under its new name alone.
    let all: Vec<_> = config.feeds.iter().map(subscribed).collect();
    let statuses = view.feeds(&all)?;
    let of = |name: &str| {
        config.feeds.iter().position(|feed| feed.name == name).and_then(|place| statuses.get(place).cloned().flatten())
    };
    let QueueLength { pending, failed, held } = view.queue_length()?;
    let mut feeds: Vec<FeedRow> = wanted.iter().map(|feed| row(feed, of(&feed.name), now)).collect();
    feeds.sort_by_key(|row| {
        row.trouble.and_then(Trouble::from_word).filter(|_| row.needs_person).map_or((1, None), |sort| (0, Some(sort)))
    });
    let sinks = view.troubled()?.into_iter().filter(|(name, _)| config.sink(name).is_some());
    let hosts = view.hosts()?.into_iter().filter_map(|known| host_row(known, config, &feeds, now)).collect();
    Ok(Status {
        feeds,
        hosts,
        queue: Queue { pending, failed, held },
        sinks: sinks.map(|(name, rest)| sink_row(name, rest, now)).collect(),
        last_run: view.last_runs(1)?.into_iter().next().map(run_row),
        runs: view.last_runs(runs)?.into_iter().map(run_row).collect(),
    })
}

fn row(feed: &Feed, status: Option<FeedStatus>, now: Timestamp) -> FeedRow {
    let state = match &status {
        _ if feed.paused => "paused",
        Some(status) if status.gone_at.is_some() => "gone",
        Some(status) if status.held > 0 => "held",
        Some(status) if status.failures > 0 => "failing",
        Some(status) if status.last_success.is_some() => "ok",
        Some(_) | None => "new",
    };
    let never_asked = Some("it was not asked yet".to_owned());
    let row = FeedRow { name: feed.name.clone(), url: redact_text(&feed.url), state, ..FeedRow::default() };
    let Some(status) = status else {
        return FeedRow { because: never_asked.filter(|_| !feed.paused), is_due: !feed.paused, ..row };
    };
    let sort = (status.failures > 0).then(|| status.trouble.unwrap_or(Trouble::Other));
    let [etag, last_modified] = status.validators;
    let polled = !feed.paused && status.gone_at.is_none();
    let waits_for = status.waits_at.filter(|_| polled);
    let turn = waits_for.as_ref().and(status.next_turn).unwrap_or(Timestamp::UNIX_EPOCH);
    let waits = waits_for.as_ref().map(|host| format!("waits for its turn at {host}"));
    let alone = status.left_alone_until.filter(|until| *until > status.next_poll.max(now));
    let alone = alone.map(|_| "the publisher asks to be left alone until then".to_owned());
    let next = status.next_poll.max(status.left_alone_until.unwrap_or(Timestamp::UNIX_EPOCH)).max(turn);
    FeedRow {
        last_attempt: status.last_attempt,
        last_success: status.last_success,
        next_poll: Some(next).filter(|at| polled && *at > Timestamp::UNIX_EPOCH),
        is_due: polled && next <= now,
        because: waits.or(alone).or(status.because).or(never_asked).filter(|_| polled),
        failures: status.failures,
        failing_since: status.failing_since,
        status: status.status,
        bytes: status.bytes,
        unchanged: status.unchanged,
        etag,
        last_modified,
        error: status.error,
        trouble: sort.map(Trouble::word),
        needs_person: !feed.paused
            && sort.is_some_and(|sort| trouble::needs_person(sort, status.failures, status.failing_since, now)),
        help: sort.map(|sort| sort.advice(&feed.name)),
        said: status.said,
        moved_to: status.moved_to.map(|url| redact_text(&url)),
        held: status.held,
        held_since: status.held_since,
        held_because: status.held_because,
        waits_for,
        ..row
    }
}

/// A host whose pace was learned, whose feeds wait for it, or that wants to be left alone.
fn host_row(known: HostPace, config: &Config, feeds: &[FeedRow], now: Timestamp) -> Option<HostRow> {
    let set = crate::pace::domains(&known.host).find_map(|domain| config.http.hosts.get(domain)).copied();
    let base = set.unwrap_or(config.http.host_delay);
    let learned = known.learned.filter(|learned| learned.pause() > base);
    let waiting = feeds.iter().filter(|row| row.waits_for.as_ref() == Some(&known.host)).count();
    let left_alone_until = known.rests_until.filter(|until| *until > now);
    let pause = learned.map_or(base, |learned| learned.pause());
    (learned.is_some() || waiting > 0 || left_alone_until.is_some()).then(|| HostRow {
        host: known.host,
        pause_seconds: pause.as_secs() + u64::from(pause.subsec_nanos() > 0),
        learned: learned.is_some(),
        slowed_at: learned.map(|learned| learned.since),
        left_alone_until,
        next_turn: known.next_turn.filter(|at| *at > now),
        waiting,
    })
}

fn sink_row(name: String, rest: Rest, now: Timestamp) -> SinkRow {
    // A new run tries at once what rests because of our own guess.
    let next_run = !rest.asked || rest.is_over(now);
    SinkRow { name, error: rest.error, failures: rest.failures, since: rest.since, next_attempt: rest.until, next_run }
}

fn run_row(run: LastRun) -> RunRow {
    let totals = run.totals;
    RunRow {
        started_at: run.started_at,
        ended_at: run.ended_at,
        polled: totals.polled,
        failed: totals.failed,
        new: totals.entries,
        delivered: totals.delivered,
        retried: totals.retried,
        rejected: totals.rejected,
    }
}

/// As long as a feed is gone, a feed or a sink has failed for days, a delivery was given up, or one is held.
fn needs_person(status: &Status, now: Timestamp) -> bool {
    let long = |since: Timestamp| {
        std::time::Duration::try_from(now.duration_since(since)).is_ok_and(|failing| failing >= FAILING_FOR_DAYS)
    };
    status.queue.failed > 0
        || status.queue.held > 0
        || status.sinks.iter().any(|sink| long(sink.since))
        || status.feeds.iter().any(|row| row.needs_person)
}

fn overview(place: &Place, status: &Status) {
    let when = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), local);
    let mut rows = vec![["FEED", "STATE", "LAST SUCCESS", "NEXT POLL", "WHY"].map(str::to_owned).to_vec()];
    for row in &status.feeds {
        let held = (row.held > 0).then(|| format!("{} held; see `feeds queue`", count(row.held, "delivery")));
        let since = row.failing_since.filter(|_| row.failures > 1);
        let times = since.map(|since| format!(" ({} times since {})", row.failures, local(since))).unwrap_or_default();
        let failed = row.error.as_ref().map(|error| format!("{error}{times}"));
        let why = failed.or(held).or_else(|| row.because.clone()).unwrap_or_default();
        rows.push(vec![row.name.clone(), row.state.to_owned(), when(row.last_success), row.next(), why]);
    }
    if status.feeds.is_empty() {
        place.printer.note("no subscriptions yet; `feeds add URL` makes one");
    } else {
        place.printer.facts(table(&rows));
    }
    for sink in &status.sinks {
        let tries = count(sink.failures, "try");
        let next = if sink.next_run { NEXT_RUN.to_owned() } else { format!("next {}", local(sink.next_attempt)) };
        let since = local(sink.since);
        place.printer.fact(&format!("sink `{}`: {} ({tries} since {since}, {next})", sink.name, sink.error));
    }
    for host in &status.hosts {
        place.printer.fact(&pace_line(host));
    }
    let Queue { pending, failed, held } = status.queue;
    place.printer.fact(&format!("queue: {pending} pending, {failed} failed, {held} held"));
    match &status.last_run {
        None => place.printer.fact("last run: never; `feeds run --once` makes the first"),
        Some(run) => {
            let ended = run.ended_at.map_or_else(|| ", not ended yet".to_owned(), |at| format!(", ended {}", local(at)));
            let did = format!("{} polled, {} new, {} delivered", count(run.polled, "feed"), run.new, run.delivered);
            place.printer.fact(&format!("last run: {}{ended}; {did}", local(run.started_at)));
        }
    }
}

/// `host reddit.com: 20 s between requests, since it had too much on …; 3 feeds wait for their turn`
fn pace_line(host: &HostRow) -> String {
    let since = host.slowed_at.map(|at| format!(", since it had too much on {}", local(at))).unwrap_or_default();
    let rests = host.left_alone_until.map(|at| format!("; asks to be left alone until {}", local(at))).unwrap_or_default();
    let waiting = match host.waiting {
        0 => String::new(),
        1 => "; 1 feed waits for its turn".to_owned(),
        many => format!("; {many} feeds wait for their turn"),
    };
    format!("host {}: {} s between requests{since}{rests}{waiting}", host.host, host.pause_seconds)
}

/// What each of the last runs did, the latest first.
fn runs(place: &Place, runs: &[RunRow]) {
    if runs.is_empty() {
        place.printer.note("no run yet; `feeds run --once` makes the first");
        return;
    }
    let head = ["STARTED", "ENDED", "POLLED", "FAILED", "NEW", "DELIVERED", "AGAIN", "GIVEN UP"];
    let mut cells = vec![head.map(str::to_owned).to_vec()];
    cells.extend(runs.iter().map(|run| {
        let counts = [run.polled, run.failed, run.new, run.delivered, run.retried, run.rejected].map(|number| number.to_string());
        let ended = run.ended_at.map_or_else(|| "-".to_owned(), local);
        [local(run.started_at), ended].into_iter().chain(counts).collect()
    }));
    place.printer.facts(table(&cells));
}

fn in_full(place: &Place, row: &FeedRow, hosts: &[HostRow]) {
    let mut lines = vec![("feed", row.name.clone()), ("url", row.url.clone()), ("state", row.state.to_owned())];
    let mut add = |label, text: Option<String>| lines.extend(text.map(|text| (label, text)));
    add("last attempt", row.last_attempt.map(local));
    add("last success", row.last_success.map(local));
    let because = row.because.as_ref().map(|because| format!(" ({because})")).unwrap_or_default();
    add(
        "next poll",
        Some(match row.state {
            "gone" => "never by itself (the publisher says that it is gone)".to_owned(),
            "paused" => format!("not before `feeds resume {}`", row.name),
            _ => format!("{}{because}", row.next()),
        }),
    );
    add("last answer", row.last_answer());
    let validators = [("ETag", &row.etag), ("Last-Modified", &row.last_modified)];
    let validators = validators.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)));
    add("validators", Some(validators.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty()));
    let since = row.failing_since.map(|at| format!(" since {}", local(at))).unwrap_or_default();
    add("failures", (row.failures > 0).then(|| format!("{}{since}", row.failures)));
    add("error", row.error.clone());
    add("what to do", row.help.clone());
    add("moved to", row.moved_to.clone());
    let host = hosts.iter().find(|host| row.waits_for.as_ref() == Some(&host.host) || row.is_at(&host.host));
    add("pace", host.map(|host| pace_line(host).trim_start_matches("host ").to_owned()));
    let word = format!("`feeds queue release {0}` or `feeds queue drop --held {0}`", row.name);
    let since = row.held_since.map(|at| format!(" since {}", local(at))).unwrap_or_default();
    add("held", (row.held > 0).then(|| format!("{}{since} ({word})", count(row.held, "delivery"))));
    add("held because", row.held_because.clone());
    let mut cells: Vec<Vec<String>> = lines.into_iter().map(|(label, text)| vec![format!("{label}:"), text]).collect();
    let said = row.said.iter().flat_map(|said| said.lines());
    let label = |number| if number == 0 { "standard error:".to_owned() } else { String::new() };
    cells.extend(said.enumerate().map(|(number, line)| vec![label(number), line.to_owned()]));
    place.printer.facts(table(&cells));
}
