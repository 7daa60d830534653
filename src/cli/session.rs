//! What commands share: finding and reading the configuration, opening the database, and handing each room its settings.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::failure::Failure;
use super::output::Printer;
use crate::clock::Clock;
use crate::config::edit::EditError;
use crate::config::{Config, Feed, locate};
use crate::deliver::{Addressed, Channel, Needs};
use crate::env::Env;
use crate::feed::FeedFacts;
use crate::fetch::Source;
use crate::mail::{Format, Look};
use crate::poll::{Destination, Subscription};
use crate::schedule::{self, Every};
use crate::secret::redact_text;
use crate::sink::Wants;
use crate::store::{FeedId, StoreError, Subscribed, View};
use crate::units::Interval;
use crate::words;

/// Where a command works: its files, its outputs, its clock.
pub(super) struct Place {
    config: Option<PathBuf>,
    database: Option<PathBuf>,
    /// What it prints through.
    pub(super) printer: Arc<Printer>,
    /// The process's environment.
    pub(super) env: Env,
    /// What time it is.
    pub(super) clock: Clock,
}

impl Place {
    /// The place that the command line names.
    pub(super) fn new(config: Option<PathBuf>, database: Option<PathBuf>, printer: Arc<Printer>) -> Self {
        Self { config, database, printer, env: Env::system(), clock: Clock::system() }
    }

    /// The path of the configuration.
    pub(super) fn config_path(&self) -> Result<PathBuf, Failure> {
        let found = locate::config(self.config.as_deref(), &self.env, &|path| path.exists());
        found.map_err(|error| Failure::usage(error.to_string()).with_help(error.help()))
    }

    /// Where `feeds init` writes.
    pub(super) fn new_config_path(&self) -> Result<PathBuf, Failure> {
        let found = locate::new_config(self.config.as_deref(), &self.env);
        found.map_err(|error| Failure::usage(error.to_string()).with_help(error.help()))
    }

    /// The configuration.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        let path = self.config_path()?;
        Config::load(&path, &self.env).map_err(|mistakes| Failure::usage(mistakes.to_string()))
    }

    /// The configuration where there is one: for commands that need none.
    pub(super) fn config_if_any(&self) -> Result<Option<Config>, Failure> {
        match self.config_path() {
            Ok(path) if path.exists() || self.config.is_some() => self.config().map(Some),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// The path of the database.
    pub(super) fn database_path(&self, config: &Config) -> Result<PathBuf, Failure> {
        let found = locate::database(self.database.as_deref(), &self.env, config.database.as_deref());
        found.map_err(|error| Failure::usage(error.to_string()).with_help(error.help()))
    }

    /// The database, to be read; `None` where there is none yet.
    pub(super) fn view(&self, config: &Config) -> Result<Option<View>, Failure> {
        let path = self.database_path(config)?;
        View::open(&path).map_err(|error| database_failure(&path, error))
    }
}

/// A configuration that could not be changed.
#[expect(clippy::needless_pass_by_value, reason = "handed to `map_err` as it is")]
pub(super) fn edit_failure(error: EditError) -> Failure {
    let help = error.help();
    match error {
        EditError::Write { .. } => Failure::storage(error.to_string()),
        _ => Failure::usage(error.to_string()),
    }
    .with_help(help)
}

/// A failure of the database that names its file.
pub(super) fn database_failure(path: &Path, error: StoreError) -> Failure {
    let failure = Failure::from(error);
    let cause = failure.error.clone();
    let help = failure.help.clone();
    Failure::storage(format!("cannot use the database `{}`", path.display())).because(cause).with_help(help)
}

/// The feed of that name in the configuration, or a failure that names the nearest.
pub(super) fn feed<'a>(config: &'a Config, name: &str) -> Result<&'a Feed, Failure> {
    config.feed(name).ok_or_else(|| {
        let help = words::did_you_mean(name, config.feeds.iter().map(|feed| feed.name.as_str()), "feed");
        Failure::usage(format!("there is no feed `{name}`")).with_help(help)
    })
}

/// Says of feeds that are gone that they are not asked, and what to do. Who cannot read the database is told nothing here.
pub(super) fn tell_of_gone(place: &Place, config: &Config, names: &[String]) {
    let Some(view) = place.view(config).ok().flatten() else { return };
    for feed in names.iter().filter_map(|name| config.feed(name)) {
        let status = view.feeds(&[subscribed(feed)]).ok().and_then(|found| found.into_iter().flatten().next());
        if status.is_some_and(|status| status.gone_at.is_some()) {
            let name = &feed.name;
            place.printer.note(&format!(
                "{}: `{name}` is not asked: its publisher says that it is gone (410)\nhelp: `feeds remove {name}`; where it has \
                 come back, `feeds add` it again",
                place.printer.label("warning")
            ));
        }
    }
}

/// A feed for matching it to its history.
pub(super) fn subscribed(feed: &Feed) -> Subscribed {
    Subscribed {
        name: feed.name.clone(),
        url: feed.url.clone(),
        host: feed.source.host().unwrap_or_else(|| format!("file:{}", feed.name)),
        interval: match feed.interval {
            Every::Set(interval) => Some(i64::try_from(interval.duration().as_secs()).unwrap_or(i64::MAX)),
            Every::Usual | Every::Auto => None,
        },
        paused: feed.paused,
    }
}

/// A feed as it is polled.
pub(super) fn subscription(feed: &Feed) -> Subscription {
    let destination = |sink: &String| Destination {
        sink: sink.clone(),
        id_domain: feed.looks.get(sink).map_or_else(|| "localhost".to_owned(), |look| id_domain(look.from.domain())),
    };
    Subscription {
        name: feed.name.clone(),
        url: feed.url.clone(),
        source: feed.source.clone(),
        access: Some(Arc::clone(&feed.access)),
        filter: feed.filter.clone(),
        schedule: schedule::Settings { every: feed.interval, recheck: feed.recheck.map(Interval::duration) },
        backlog: feed.backlog,
        once_per: feed.once_per,
        updates: feed.updates,
        identity: feed.identity,
        max_age: feed.max_age.duration(),
        max_new: feed.max_new,
        destinations: feed.sinks.iter().map(destination).collect(),
    }
}

/// The domain of a `Message-ID`, in ASCII.
pub(super) fn id_domain(domain: &str) -> String {
    url::Host::parse(domain).map_or_else(|_| "localhost".to_owned(), |host| host.to_string())
}

/// A feed as it is shown; what its document says is filled in later.
pub(super) fn facts(feed: &Feed) -> FeedFacts {
    FeedFacts {
        name: feed.name.clone(),
        title: feed.name.clone(),
        url: redact_text(&feed.url),
        tags: feed.tags.clone(),
        ..FeedFacts::default()
    }
}

/// What is done to a feed's entries before they go.
pub(super) fn needs(feed: &Feed) -> Needs {
    let origin = match &feed.source {
        Source::Http(url) => Some(url.clone()),
        Source::File(_) | Source::Command(_) => None,
    };
    let (fulltext, transform) = (feed.fulltext.clone(), feed.transform.clone());
    Needs { fulltext, transform, access: Some(Arc::clone(&feed.access)), origin }
}

/// Where notices go.
pub(super) fn notices(config: &Config) -> Vec<Destination> {
    let destination = |sink: &String| {
        let domain = config.looks.get(sink).map(|look| id_domain(look.from.domain()));
        Destination { sink: sink.clone(), id_domain: domain.unwrap_or_else(|| "localhost".to_owned()) }
    };
    config.notices.iter().map(destination).collect()
}

/// How notices look at a sink whose other mails look like this: they have no link, and no feed's words are in them.
fn addressed_notices(look: &Look) -> Addressed {
    let format = if look.format == Format::Url { Format::Both } else { look.format };
    let feed = FeedFacts { name: "feeds-notices".to_owned(), title: "feeds".to_owned(), ..FeedFacts::default() };
    Addressed { feed, look: Some(Look { format, ..look.without_words() }), ..Addressed::default() }
}

/// The channels to all sinks of a configuration that is used up by it; `notices` is the notices' own feed.
pub(super) fn channels(config: Config, ids: &HashMap<String, FeedId>, notices: Option<FeedId>) -> Vec<Channel> {
    let feeds = config.feeds;
    let channel = |(name, sink): (String, Box<dyn crate::sink::Sink>)| {
        let wants = sink.wants();
        // A feed that was taken off a sink keeps what was queued for it: it is still delivered, where the sink knows whereto.
        let addressed = |feed: &Feed| {
            let id = ids.get(&feed.name)?;
            let look = feed.looks.get(&name).or_else(|| config.looks.get(&name)).cloned();
            (wants == Wants::Link || look.is_some()).then(|| (*id, Addressed { feed: facts(feed), look, needs: needs(feed) }))
        };
        let of_notices = notices.zip(config.looks.get(&name).filter(|_| wants == Wants::Mail).map(addressed_notices));
        let addressed = feeds.iter().filter_map(addressed).chain(of_notices).collect();
        let rate = config.rates.get(&name).copied();
        Channel { name, sink: Arc::from(sink), addressed, rate }
    };
    config.sinks.into_iter().map(channel).collect()
}
