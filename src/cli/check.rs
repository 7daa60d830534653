//! `feeds check`: the configuration, the database, and a real connection to every sink.

use std::collections::HashSet;
use std::fs::File;

use jiff::Timestamp;
use serde::Serialize;

use super::failure::{Exit, Failure};
use super::session::{Place, id_domain};
use crate::config::{Config, Feed, Severity};
use crate::deliver::{Addressed, Order, make};
use crate::delivery::{DeliveryId, MessageId, Outcome, Pause};
use crate::feed::{Entry, FeedFacts, Link};
use crate::resource::Resources;
use crate::sink::{Made, Parcel, Reports, Sink};
use crate::words::count;

/// What `feeds check` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Connect to nothing
    #[arg(long)]
    offline: bool,
    /// Also deliver a test mail or a test link through every sink, and print its last word
    #[arg(long, conflicts_with = "offline")]
    send: bool,
}

/// One thing that was looked at, as scripts see it.
#[derive(Debug, Serialize)]
struct Looked {
    what: String,
    ok: bool,
    /// It can be used, and a person should know what that means.
    warning: bool,
    detail: String,
    help: Option<String>,
    /// The last word of what took a test entry: a mail server's answer, a file.
    receipt: Option<String>,
}

impl Looked {
    fn well(what: String, detail: impl Into<String>) -> Self {
        Self { what, ok: true, warning: false, detail: detail.into(), help: None, receipt: None }
    }

    fn ill(what: String, detail: impl Into<String>, help: Option<String>) -> Self {
        Self { what, ok: false, warning: false, detail: detail.into(), help, receipt: None }
    }
}

#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    checks: Vec<Looked>,
}

pub(super) async fn run(place: &Place, arguments: &Arguments) -> Result<Exit, Failure> {
    let config = place.config()?;
    let mut checks = vec![configuration(place, &config), database(place, &config)];
    checks.extend(config.feeds.iter().filter(|feed| feed.access.insecure).map(unchecked));
    checks.extend(programs(place, &config));
    checks.extend(files(&config));
    if !arguments.offline {
        for (name, sink) in &config.sinks {
            let reached = reachable(name, sink.as_ref()).await;
            let is_reached = reached.ok;
            checks.push(reached);
            // What kept the sink from being reached would only be told, and counted, a second time.
            if arguments.send && is_reached {
                checks.push(sent(place, &config, name, sink.as_ref()).await);
            }
        }
    }
    let failed = checks.iter().filter(|check| !check.ok).count();
    let ok = failed == 0;
    if place.printer.json {
        place.printer.json(&Report { ok, checks });
    } else {
        for check in &checks {
            tell(place, check);
        }
    }
    if ok { Ok(Exit::Done) } else { Err(Failure::needs_person(format!("{} failed", count(failed as u64, "check")))) }
}

/// What is well is a fact; what is not is told where errors are.
fn tell(place: &Place, check: &Looked) {
    let Looked { what, ok, warning, detail, help, receipt: _ } = check;
    if *ok && !warning {
        place.printer.fact(&format!("ok: {what}: {detail}"));
    } else {
        let help = help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        place.printer.note(&format!("{}: {what}: {detail}{help}", place.printer.label(if *ok { "warning" } else { "failed" })));
    }
}

fn configuration(place: &Place, config: &Config) -> Looked {
    let what = config.path.display().to_string();
    if config.warnings.list.iter().any(|mistake| mistake.severity == Severity::Exposed) {
        let detail = format!("others can read a secret in it\n{}", config.warnings.to_string().trim_end());
        return Looked::ill(what, detail, None);
    }
    if !config.warnings.is_empty() {
        // Whoever checks wants to know, also where nobody reads the log.
        place.printer.note(config.warnings.to_string().trim_end());
    }
    let (feeds, sinks) = (count(config.feeds.len() as u64, "feed"), count(config.sinks.len() as u64, "sink"));
    Looked::well(what, format!("{feeds}, {sinks}"))
}

/// A feed whose server may be anybody is told of each time.
fn unchecked(feed: &Feed) -> Looked {
    let detail = "INSECURE: no certificate is checked, so whoever sits between can read and change what is fetched";
    let help = "name the certificate of the server's authority in `ca_file`, and remove `insecure = true`";
    let what = format!("feed `{}`", feed.name);
    Looked { warning: true, help: Some(help.to_owned()), ..Looked::well(what, detail) }
}

/// The programs that feeds need, where one is not there.
fn programs<'a>(place: &Place, config: &'a Config) -> impl Iterator<Item = Looked> + use<'a> {
    let path = place.env.get("PATH").unwrap_or_default();
    let needed = config.feeds.iter().flat_map(|feed| feed.programs().map(move |program| (feed, program)));
    let missing = needed.filter(move |(_, program)| !program.is_there(&path));
    missing.map(|(feed, program)| {
        let detail = format!("there is no program `{}` that can be run", program.words.first().map_or("", String::as_str));
        let help = "install it, or write its path with a `/`; a file must be executable";
        Looked::ill(format!("feed `{}`", feed.name), detail, Some(help.to_owned()))
    })
}

/// The files that feeds are asked with, where one cannot be read. One that many feeds share is told once.
fn files(config: &Config) -> impl Iterator<Item = Looked> + use<'_> {
    let mut seen = HashSet::new();
    let needed = config.feeds.iter().flat_map(|feed| feed.access.files().into_iter().map(move |(key, path)| (feed, key, path)));
    let missing = needed.filter(move |(_, _, path)| seen.insert(*path)).filter_map(|(feed, key, path)| {
        let cause = path.metadata().and_then(|is| if is.is_file() { File::open(path).map(drop) } else { Ok(()) }).err()?;
        Some((feed, key, path, cause.to_string()))
    });
    missing.map(|(feed, key, path, cause)| {
        let cause = cause.split(" (os error").next().unwrap_or_default().to_lowercase();
        let help = format!("put the file there, let the user that runs `feeds` read it, or change `{key}`");
        Looked::ill(format!("feed `{}`", feed.name), format!("cannot read `{key}` `{}`: {cause}", path.display()), Some(help))
    })
}

fn database(place: &Place, config: &Config) -> Looked {
    let looked = || {
        let path = place.database_path(config)?;
        let damage = place.view(config)?.map(|view| view.damage()).transpose()?;
        Ok::<_, Failure>((path.display().to_string(), damage))
    };
    match looked() {
        Ok((what, None)) => Looked::well(what, "not there yet; the first run makes it"),
        Ok((what, Some(damage))) if damage.is_empty() => Looked::well(what, "sound"),
        Ok((what, Some(damage))) => {
            let help = "keep the file, restore a copy of it, or name a new one with `--database`";
            Looked::ill(what, format!("damaged: {}", damage.join("; ")), Some(help.to_owned()))
        }
        Err(failure) => {
            let detail = failure.cause.map_or_else(|| failure.error.clone(), |cause| format!("{}: {cause}", failure.error));
            Looked::ill("database".to_owned(), detail, failure.help)
        }
    }
}

async fn reachable(name: &str, sink: &dyn Sink) -> Looked {
    let what = format!("sink `{name}` ({})", sink.place());
    match sink.check().await {
        Ok(detail) => Looked::well(what, detail),
        Err(error) => Looked::ill(what, error.reason, error.help),
    }
}

/// Delivers an entry that says what it is. Nothing of it is written down.
async fn sent(place: &Place, config: &Config, name: &str, sink: &dyn Sink) -> Looked {
    let parcel = match test_parcel(place.clock.now(), config, name, sink) {
        Ok(parcel) => parcel,
        Err(error) => return Looked::ill(format!("a test entry to `{name}`"), error, None),
    };
    let what = match &parcel.made {
        Made::Mail(mail) => format!("a test mail by `{name}` to {}", mail.to.join(", ")),
        Made::Link(_) => format!("a test entry to `{name}`"),
    };
    let (reports, mut outcomes) = Reports::channel(1);
    let handed = sink.deliver(&[parcel], &reports).await;
    drop(reports);
    sink.close().await;
    match (outcomes.recv().await, handed) {
        (Some((_, Outcome::Accepted { receipt, .. })), _) => {
            Looked { receipt: Some(receipt.clone()), ..Looked::well(what, format!("sent: {receipt}")) }
        }
        (
            Some((
                _,
                Outcome::Retry { reason, .. }
                | Outcome::Misaddressed { reason }
                | Outcome::Unknown { reason }
                | Outcome::Rejected { reason, .. },
            )),
            _,
        )
        | (None, Err(Pause { reason, .. })) => Looked::ill(what, reason, None),
        (None, Ok(())) => Looked::ill(what, "the sink said nothing", None),
    }
}

fn test_parcel(now: Timestamp, config: &Config, name: &str, sink: &dyn Sink) -> Result<Parcel, String> {
    let entry = Entry {
        title: Some("A test entry from `feeds check`".to_owned()),
        links: vec![Link { href: "https://example.org/feeds-check".to_owned(), ..Link::default() }],
        published: Some(now),
        content: Some(format!(
            "<p>This was sent by <code>feeds check --send</code> through the sink <code>{name}</code> ({}), to see whether it arrives. \
             It has: nothing is to be done, and no entry of a feed is in it.</p>",
            sink.place().replace('&', "&amp;").replace('<', "&lt;")
        )),
        ..Entry::default()
    };
    let feed = FeedFacts { name: "check".to_owned(), title: "feeds check".to_owned(), ..FeedFacts::default() };
    let look = config.looks.get(name).cloned();
    let domain = look.as_ref().map_or_else(|| "localhost".to_owned(), |look| id_domain(look.from.domain()));
    // Each test is a mail of its own: its id is made from the time.
    let mut uid = [0; 16];
    uid[..8].copy_from_slice(&now.as_second().to_le_bytes());
    let message_id = MessageId::derive(&uid, name, 0, &domain);
    let addressed = Addressed { feed, look, ..Addressed::default() };
    let order = Order {
        entry: &entry,
        addressed: &addressed,
        wants: sink.wants(),
        message_id: &message_id,
        follows: None,
        first_seen: now,
        small: None,
        light: None,
        also_in: &[],
        resources: &Resources::default(),
    };
    let made = make(order).map_err(|error| error.to_string())?.made;
    let key = message_id.key();
    Ok(Parcel {
        deliveries: vec![DeliveryId(0)],
        message_id: message_id.as_str().to_owned(),
        key,
        attempt: 0,
        replaces: None,
        made,
    })
}
