//! `config.toml`: the whole truth about what the user wants. Goes in: the file's text and the environment. Comes out:
//! [`Config`], in which everything is checked and has its default, or [`Mistakes`], all of them. Each room gets its own
//! settings type from here; nobody below knows this room.

mod access;
pub mod edit;
mod example;
mod explain;
mod feeds;
mod fetched;
mod http;
mod layers;
mod literal;
pub mod locate;
mod name;
mod notices;
mod program;
mod section;
mod shown;
mod sinks;
mod source;
#[cfg(test)]
mod testing;
mod trial;
mod wording;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

use crate::article::Cut;
use crate::delivery::Updates;
use crate::env::Env;
use crate::feed::Identity;
use crate::fetch::{self, Access};
use crate::mail::Look;
use crate::net::Proxies;
use crate::schedule::Every;
use crate::sink::{Shared, Sink};
use crate::units::{Interval, Rate};

pub use example::{example, initial};
pub use explain::{Mistake, Mistakes, Severity};
pub use name::derive_name;

pub use crate::poll::{Backlog, OncePer};
use section::Section;

/// What the user wants, checked.
#[derive(Debug)]
pub struct Config {
    /// The file, absolute.
    pub path: PathBuf,
    /// Its folder: relative paths are relative to it.
    pub folder: PathBuf,
    /// The key `database`, as an absolute path; see [`locate::database`] for what wins over it.
    pub database: Option<PathBuf>,
    /// The sinks that are told of feeds which cannot be read, by name.
    pub notices: Vec<String>,
    /// How requests for documents are made.
    pub http: fetch::Settings,
    /// The feeds, in the order of the file.
    pub feeds: Vec<Feed>,
    /// The sinks by their names, in the order of the file.
    pub sinks: Vec<(String, Box<dyn Sink>)>,
    /// How fast entries go to a sink at most, by its name; only for sinks that have a bound.
    pub rates: BTreeMap<String, Rate>,
    /// How mails look that belong to no feed of the file, for each mail sink that has a recipient of its own.
    pub looks: BTreeMap<String, Look>,
    /// What is odd but can be used.
    pub warnings: Mistakes,
}

/// A subscription, with its layers resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed {
    /// Its name: `[a-z0-9][a-z0-9._-]{0,63}`.
    pub name: String,
    /// Where its document comes from.
    pub source: fetch::Source,
    /// How it is asked.
    pub access: Arc<Access>,
    /// The program that its documents pass through.
    pub filter: Option<fetch::Program>,
    /// The URL it is known by, secrets included: of a file its `file:` URL, of a program one made from its name.
    pub url: String,
    /// Its tags, in the order they were given.
    pub tags: Vec<String>,
    /// Its sinks by name; empty only where it is paused.
    pub sinks: Vec<String>,
    /// How often it is asked.
    pub interval: Every,
    /// After how long with nothing but "unchanged" it is asked once without validators.
    pub recheck: Option<Interval>,
    /// How many of the entries already there are delivered when it is new.
    pub backlog: Backlog,
    /// What a story that other feeds carry too is delivered once for.
    pub once_per: OncePer,
    /// What becomes of an entry that is edited after it was delivered.
    pub updates: Updates,
    /// By which keys its entries are recognised.
    pub identity: Identity,
    /// What is dated longer ago and turns up late is remembered, not delivered.
    pub max_age: Interval,
    /// More new entries than this at once are held.
    pub max_new: u32,
    /// Its entries' pages are fetched, and their articles cut out like this.
    pub fulltext: Option<Cut>,
    /// The program that its entries pass through before they go.
    pub transform: Option<fetch::Program>,
    /// It is not polled.
    pub paused: bool,
    /// How its mails look, by sink; only for sinks that take mails.
    pub looks: BTreeMap<String, Look>,
}

impl Feed {
    /// Every program that the feed needs.
    pub fn programs(&self) -> impl Iterator<Item = &fetch::Program> {
        let source = match &self.source {
            fetch::Source::Command(program) => Some(program),
            fetch::Source::Http(_) | fetch::Source::File(_) => None,
        };
        source.into_iter().chain(&self.filter).chain(&self.transform)
    }

    /// What a program gives is no larger than any other document; and each that gives one has so much time.
    fn bound_programs(&mut self, limit: std::time::Duration) {
        let most = self.access.max_body;
        let source = match &mut self.source {
            fetch::Source::Command(program) => Some(program),
            fetch::Source::Http(_) | fetch::Source::File(_) => None,
        };
        for program in source.into_iter().chain(&mut self.filter) {
            (program.most, program.limit) = (most, limit);
        }
        if let Some(program) = &mut self.transform {
            program.most = most;
        }
    }
}

/// The keys outside of all tables, and the tables.
const KEYS: &[&str] = &["database", "notices", "http", "hosts", "defaults", "tags", "sinks", "feeds"];

impl Config {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// Every mistake in it, each with its place; or the one that it cannot be read.
    pub fn load(path: &Path, env: &Env) -> Result<Self, Mistakes> {
        let unreadable = |error: std::io::Error| {
            let help = (error.kind() == std::io::ErrorKind::NotFound)
                .then(|| "run `feeds init` to write one, or name another file with `--config`".to_owned());
            Mistakes::unreadable(path, format!("cannot read the configuration: {error}"), help)
        };
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let line = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).matches('\n').count() + 1;
            Mistakes::unreadable(path, format!("line {line} of the configuration is not UTF-8"), None)
        })?;
        let readers = if others_can_read(path) { Readers::Others } else { Readers::Owner };
        Self::check(path, &text, readers, env)
    }

    /// Checks a configuration that is not, or not yet, in its file: what [`Config::load`] would say of it.
    ///
    /// # Errors
    /// Every mistake in it, each with its place.
    pub fn from_text(path: &Path, text: &str, env: &Env) -> Result<Self, Mistakes> {
        Self::check(path, text, Readers::Owner, env)
    }

    /// How requests are made where there is no configuration.
    ///
    /// # Errors
    /// When the environment names a proxy that is none.
    pub fn default_http(env: &Env) -> Result<fetch::Settings, String> {
        let mut settings = http::defaults();
        settings.access.proxies = Proxies::of_environment(env)?;
        Ok(settings)
    }

    /// The feed of that name.
    #[must_use]
    pub fn feed(&self, name: &str) -> Option<&Feed> {
        self.feeds.iter().find(|feed| feed.name == name)
    }

    /// The sink of that name.
    #[must_use]
    pub fn sink(&self, name: &str) -> Option<&dyn Sink> {
        self.sinks.iter().find(|(known, _)| known == name).map(|(_, sink)| sink.as_ref())
    }

    fn check(path: &Path, text: &str, readers: Readers, env: &Env) -> Result<Self, Mistakes> {
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            // What a broken table seems to say would only lead to mistakes that are none.
            let mistake = |error: toml::de::Error| Mistake::error(error.span().unwrap_or(0..0), error.message());
            return Err(Mistakes::new(path, text, errors.into_iter().map(mistake).collect()));
        }
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let folder = absolute.parent().map_or_else(|| absolute.clone(), Path::to_owned);
        let mut mistakes = Vec::new();
        let mut root = Section::root(table);

        let database =
            root.read("database", &mut mistakes, |value| env.path(section::text(value)?, &folder).map_err(section::Wrong::from));
        let environment = access::environment(env, &mut mistakes);
        let table = root.take("http").and_then(|value| Section::new("[http]".to_owned(), value, &mut mistakes));
        let mut http = http::read(table, &environment, &mut mistakes);
        http.hosts = http::hosts(section::named(&mut root, "hosts", &mut mistakes), &mut mistakes);
        let shared = Shared { folder: folder.clone(), user_agent: http.access.user_agent.clone(), env: env.clone() };
        let sink_tables = section::named(&mut root, "sinks", &mut mistakes);
        let sinks = sinks::read(sink_tables, &shared, &mut mistakes);
        warn_of_secrets(path, readers, &sinks, &mut mistakes);

        let mut defaults = layers::Layer::default();
        if let Some(mut section) =
            root.take("defaults").and_then(|value| Section::new("[defaults]".to_owned(), value, &mut mistakes))
        {
            defaults = layers::read(&mut section, &shared, &mut mistakes);
            feeds::check_sinks(&defaults, &sinks, &mut mistakes);
            feeds::finish(section, &mut mistakes);
        }
        let mut tags = HashMap::new();
        for (name, mut section) in section::named(&mut root, "tags", &mut mistakes) {
            let layer = layers::read(&mut section, &shared, &mut mistakes);
            feeds::check_sinks(&layer, &sinks, &mut mistakes);
            feeds::finish(section, &mut mistakes);
            tags.insert(name.into_inner(), layer);
        }
        let base = access::Base { access: http.access.clone(), environment };
        // What is no feed yet is asked as one without a table would be.
        http.access = access::resolve(&[&defaults.access], &base, None);
        let layers = feeds::Layers::new(&defaults, &tags, &sinks, &base);
        let feed_tables = section::named(&mut root, "feeds", &mut mistakes);
        let (feeds, inline) = feeds::read(feed_tables, &layers, &shared, &mut mistakes);
        warn_of_inline(path, readers, &inline, &mut mistakes);
        for layer in tags.values().chain([&defaults]) {
            warn_of_inline(path, readers, &layer.access.inline, &mut mistakes);
        }
        let notices = notices::read(&mut root, &layers, &sinks, &mut mistakes);
        warn_of_logins(path, readers, &feeds, &mut mistakes);
        root.finish(KEYS, &mut mistakes);

        if mistakes.iter().any(|mistake| mistake.severity == Severity::Error) {
            return Err(Mistakes::new(path, text, mistakes));
        }
        let mut looks = BTreeMap::new();
        for sink in sinks.iter().filter(|sink| sink.takes_mail()) {
            if let feeds::Resolved::Look(look, _) = layers.look(&[], sink) {
                looks.insert(sink.name.get_ref().clone(), *look);
            }
        }
        let rates = sinks.iter().filter_map(|sink| Some((sink.name.get_ref().clone(), sink.rate?))).collect();
        let built = sinks.into_iter().filter_map(|sink| Some((sink.name.into_inner(), sink.built?)));
        Ok(Self {
            path: absolute.clone(),
            folder,
            database: database.map(toml::Spanned::into_inner),
            notices,
            http,
            feeds,
            sinks: built.collect(),
            rates,
            looks,
            warnings: Mistakes::new(path, text, mistakes),
        })
    }
}

/// Who may read the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readers {
    /// Its owner alone.
    Owner,
    /// Others on this machine too.
    Others,
}

/// Whether the file's mode lets its group or others read it.
fn others_can_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o044 != 0)
}

/// A warning for each secret in the file itself, where others can read it.
fn warn_of_secrets(path: &Path, readers: Readers, sinks: &[sinks::SinkEntry], mistakes: &mut Vec<Mistake>) {
    for sink in sinks {
        warn_of_inline(path, readers, &sink.inline, mistakes);
    }
}

/// The same for the secrets of one table.
fn warn_of_inline(path: &Path, readers: Readers, inline: &[toml::Spanned<String>], mistakes: &mut Vec<Mistake>) {
    if readers == Readers::Owner {
        return;
    }
    for key in inline {
        let message = format!("`{0}` stands in a file that other users of this machine can read", key.get_ref());
        let help = match key.get_ref().as_str() {
            "proxy" => format!("run `chmod 600 {}`, or give the proxy in the environment", path.display()),
            key => format!("run `chmod 600 {}`, or use `{key}_file` or `{key}_command`", path.display()),
        };
        mistakes.push(Mistake { severity: Severity::Exposed, ..Mistake::warning(key.span(), message).help(help) });
    }
}

/// The same for the passwords in feeds' URLs.
fn warn_of_logins(path: &Path, readers: Readers, feeds: &[Feed], mistakes: &mut Vec<Mistake>) {
    let with_login = |feed: &&Feed| matches!(&feed.source, fetch::Source::Http(url) if url.password().is_some());
    for feed in feeds.iter().filter(with_login).filter(|_| readers == Readers::Others) {
        let message =
            format!("the password in the URL of `{}` stands in a file that other users of this machine can read", feed.name);
        let help = Some(format!("run `chmod 600 {}`", path.display()));
        mistakes.push(Mistake { severity: Severity::Exposed, message, span: None, help, elsewhere: None, within: None });
    }
}

#[cfg(test)]
mod tests;
