//! The tables `[feeds.NAME]`: each feed with its layers resolved, the nearest wins. Goes in: the feeds, tags, defaults
//! and sinks as they stand in the file. Comes out: checked [`Feed`]s, with the look of their mails for each mail sink.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use super::explain::Mistake;
use super::fetched::Choice;
use super::layers::{self, Layer, Recheck};
use super::section::{self, Section, Wrong};
use super::sinks::{LOCAL_TO, SinkEntry};
use super::{Backlog, Feed, access, program, source};
use crate::expression::Template;
use crate::feed::Facts;
use crate::fetch::{Program, Source};
use crate::mail::Look;
use crate::sink::Shared;
use crate::units::{ByteSize, Interval};
use crate::words;

/// The keys of a feed, besides those of every layer.
pub(super) const KEYS: &[&str] = &["url", "command", "filter", "tags", "paused"];

/// How many entries of a new feed are delivered where the configuration says nothing.
pub(super) const BACKLOG: Backlog = Backlog::Newest(1);

/// How old a late-comer may be where the configuration says nothing.
pub(super) const MAX_AGE: Interval = Interval::from_secs(30 * 86_400);
/// How many new entries at once are no surprise where the configuration says nothing.
pub(super) const MAX_NEW: u32 = 50;

/// What a feed's own settings are resolved against.
pub(super) struct Layers<'a> {
    /// `[defaults]`.
    pub(super) defaults: &'a Layer,
    /// `[tags.NAME]`.
    pub(super) tags: &'a HashMap<String, Layer>,
    /// All sinks, built or not.
    pub(super) sinks: &'a [SinkEntry],
    /// How feeds are asked where no layer says anything.
    pub(super) base: &'a access::Base,
}

/// Reads all feeds, in the order of the file; with the places of secrets that stand in their tables.
pub(super) fn read(
    tables: Vec<(Spanned<String>, Section<'_>)>,
    layers: &Layers<'_>,
    shared: &Shared,
    mistakes: &mut Vec<Mistake>,
) -> (Vec<Feed>, Vec<Spanned<String>>) {
    let mut feeds = Vec::with_capacity(tables.len());
    let mut inline = Vec::new();
    let mut urls: HashMap<String, String> = HashMap::new();
    let mut without_to: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (name, mut section) in tables {
        section::check_name(&name, "feed", mistakes);
        let raw = RawFeed::read(name.get_ref(), &mut section, shared, mistakes);
        let header = section.span.clone();
        finish(section, mistakes);
        if let Some(place) = &raw.place {
            let (source, url) = place.get_ref();
            if let Some(first) = urls.insert(url.clone(), name.get_ref().clone()) {
                let message = format!("feeds `{first}` and `{}` have the same {}", name.get_ref(), raw.origin);
                mistakes.push(if matches!(source, Source::Http(_)) {
                    let help = "it is asked once for both; a different ending such as `#two` says that both are meant";
                    Mistake::warning(place.span(), message).help(help)
                } else {
                    Mistake::error(place.span(), message).help("remove one of them")
                });
            }
        }
        let nearest = raw.nearest(layers);
        let sinks = raw.sinks(&name, &header, &nearest, layers, mistakes);
        let Some(place) = raw.place.clone() else { continue };
        check_access(&raw, &place, mistakes);
        inline.extend(raw.layer.access.inline.iter().cloned());
        let (source, url) = place.into_inner();
        let accesses: Vec<&access::RawAccess> =
            nearest.iter().copied().chain([layers.defaults]).map(|layer| &layer.access).collect();
        let web = match &source {
            Source::Http(url) => Some(url),
            Source::File(_) | Source::Command(_) => None,
        };
        let access = Arc::new(access::resolve(&accesses, layers.base, web));
        let mut looks = BTreeMap::new();
        for (number, sink) in layers.sinks.iter().enumerate() {
            if !sink.takes_mail() || !sinks.contains(sink.name.get_ref()) {
                continue;
            }
            match layers.look(&nearest, sink) {
                Resolved::Look(look, to) => {
                    check_recipient(&name, &url, &raw.tags, to.as_ref(), mistakes);
                    looks.insert(sink.name.get_ref().clone(), *look);
                }
                Resolved::WithoutTo => without_to.entry(number).or_default().push(name.get_ref().clone()),
                Resolved::Told => {}
            }
        }
        let transform = transform_of(name.get_ref(), &nearest, layers.defaults);
        let mut feed = Feed {
            name: name.into_inner(),
            source,
            access,
            filter: raw.filter.clone(),
            url,
            tags: raw.tags.clone(),
            sinks,
            interval: nearest.iter().find_map(|layer| layer.interval).or(layers.defaults.interval).unwrap_or_default(),
            recheck: match nearest.iter().find_map(|layer| layer.recheck).or(layers.defaults.recheck) {
                Some(Recheck::After(interval)) => Some(interval),
                Some(Recheck::Never) | None => None,
            },
            backlog: nearest.iter().find_map(|layer| layer.backlog).or(layers.defaults.backlog).unwrap_or(BACKLOG),
            once_per: nearest.iter().find_map(|layer| layer.once_per).or(layers.defaults.once_per).unwrap_or_default(),
            updates: nearest.iter().find_map(|layer| layer.updates).or(layers.defaults.updates).unwrap_or_default(),
            identity: nearest.iter().find_map(|layer| layer.identity).or(layers.defaults.identity).unwrap_or_default(),
            max_age: nearest.iter().find_map(|layer| layer.max_age).or(layers.defaults.max_age).unwrap_or(MAX_AGE),
            max_new: nearest.iter().find_map(|layer| layer.max_new).or(layers.defaults.max_new).unwrap_or(MAX_NEW),
            fulltext: {
                let mut layers = nearest.iter().copied().chain([layers.defaults]);
                layers.find_map(|layer| layer.fulltext.clone()).and_then(Choice::chosen)
            },
            transform,
            paused: raw.paused,
            looks,
        };
        feed.bound_programs(access::program_limit(&accesses));
        feeds.push(feed);
    }
    for (number, feeds) in without_to {
        let sink = &layers.sinks[number];
        let others = match feeds.len() {
            1 => String::new(),
            many => format!(" and {}", words::count(u64::try_from(many - 1).unwrap_or(u64::MAX), "other")),
        };
        let message = format!("`[sinks.{}]` has no `to`, and feed `{}`{others} has none either", sink.name.get_ref(), feeds[0]);
        mistakes.push(Mistake::error(sink.span.clone(), message).help("add `to = \"you@example.net\"` to the sink"));
    }
    (feeds, inline)
}

/// The program that a feed's entries pass through, which finds the feed's name.
fn transform_of(name: &str, nearest: &[&Layer], defaults: &Layer) -> Option<Program> {
    let mut layers = nearest.iter().copied().chain([defaults]);
    let program = layers.find_map(|layer| layer.transform.clone()).and_then(Choice::chosen)?;
    Some(Program { feed: name.to_owned(), ..program })
}

/// Tells of what remains in a feed's or tag's table.
pub(super) fn finish(section: Section<'_>, mistakes: &mut Vec<Mistake>) {
    let is_feed = section.title.starts_with("[feeds.");
    let own = if is_feed { KEYS } else { &[] };
    let known: Vec<&str> =
        own.iter().chain(layers::LAYER_KEYS).chain(layers::LOOK_KEYS).chain(access::KEYS).chain(access::FORMS).copied().collect();
    section.finish(&known, mistakes);
}

/// What a feed's own table says of asking must have a meaning for its source.
fn check_access(raw: &RawFeed, place: &Spanned<(Source, String)>, mistakes: &mut Vec<Mistake>) {
    let access = &raw.layer.access;
    match &place.get_ref().0 {
        source @ (Source::File(_) | Source::Command(_)) => {
            let has_program = matches!(source, Source::Command(_)) || raw.filter.is_some();
            let allowed: &[&str] = if has_program { &["max_body", "timeout"] } else { &["max_body"] };
            if let Some((key, at)) = access.first_but(allowed) {
                let message = format!("`{key}` has no meaning for a feed that is not fetched from the web");
                mistakes.push(Mistake::error(at, message).help("remove it"));
            }
        }
        Source::Http(url) if !url.username().is_empty() || url.password().is_some() => {
            if let Some(at) = access.login_place() {
                let message = "the feed has a login of its own, and another one in its `url`";
                mistakes.push(Mistake::error(at, message).help("keep one of them"));
            }
        }
        Source::Http(_) => {}
    }
}

/// A feed as its table has it.
struct RawFeed {
    place: Option<Spanned<(Source, String)>>,
    /// The key that says so.
    origin: &'static str,
    filter: Option<Program>,
    tags: Vec<String>,
    paused: bool,
    layer: Layer,
}

impl RawFeed {
    fn read(name: &str, section: &mut Section<'_>, shared: &Shared, mistakes: &mut Vec<Mistake>) -> Self {
        let url = section.read("url", mistakes, |value| source::parse(section::text(value)?, &shared.folder, &shared.env));
        let read_program = |value: &section::Value<'_>| program::read(value, name, &shared.folder, &shared.env);
        let command = section.read("command", mistakes, |value| read_program(value).map(program::source));
        let filter = section.read("filter", mistakes, read_program).map(Spanned::into_inner);
        if let (Some(_), Some(second)) = (section.place("url"), section.place("command")) {
            let message = format!("`{}` has both `url` and `command`", section.title);
            mistakes.push(Mistake::error(second, message).help("keep the one that gives the document; `filter` changes it"));
        }
        let origin = if url.is_some() { "`url`" } else { "`command`" };
        let place = url.or(command);
        if place.is_none() && !section.wrong.contains(&"url") && !section.wrong.contains(&"command") {
            let message = format!("`{}` has no `url` and no `command`", section.title);
            let help = "add `url = \"https://…\"`, a `file:` URL, the path of a file, or `command = [\"prog\", …]`";
            mistakes.push(Mistake::error(section.span.clone(), message).help(help));
        }
        if let Some(place) = &place
            && let Some((message, help)) = source::doubt(&place.get_ref().0)
        {
            mistakes.push(Mistake::warning(place.span(), message).help(help));
        }
        let tags = section.read("tags", mistakes, |value| {
            let tags = section::texts(value)?;
            let wrong = tags.iter().find(|tag| tag.get_ref().trim().is_empty() || tag.get_ref().contains(char::is_control));
            match wrong {
                Some(tag) => Err(Wrong::Within(tag.span(), "a tag is one line of text, and not empty".to_owned(), None)),
                None => Ok(tags.into_iter().map(Spanned::into_inner).collect()),
            }
        });
        let paused = section.read("paused", mistakes, section::flag).is_some_and(Spanned::into_inner);
        let layer = layers::read(section, shared, mistakes);
        Self { place, origin, filter, tags: tags.map(Spanned::into_inner).unwrap_or_default(), paused, layer }
    }

    /// The feed's own layer and those of its tags, the nearest first: later tags win over earlier ones.
    fn nearest<'l>(&'l self, layers: &'l Layers<'_>) -> Vec<&'l Layer> {
        let tags = self.tags.iter().rev().filter_map(|tag| layers.tags.get(tag));
        std::iter::once(&self.layer).chain(tags).collect()
    }

    /// The names of the feed's sinks; a mistake where there is none.
    fn sinks(
        &self,
        name: &Spanned<String>,
        header: &Range<usize>,
        nearest: &[&Layer],
        layers: &Layers<'_>,
        mistakes: &mut Vec<Mistake>,
    ) -> Vec<String> {
        check_sinks(&self.layer, layers.sinks, mistakes);
        let with_sinks = nearest.iter().copied().chain([layers.defaults]).find(|l| l.sinks.is_some() || l.sinks_are_wrong);
        let written = match with_sinks.map(|layer| &layer.sinks) {
            Some(Some(written)) => written,
            Some(None) => return Vec::new(),
            None => {
                if let [only] = layers.sinks {
                    return vec![only.name.get_ref().clone()];
                }
                let message = format!("feed `{}` has no sink", name.get_ref());
                let all: Vec<&str> = layers.sinks.iter().map(|sink| sink.name.get_ref().as_str()).collect();
                let help = match all.as_slice() {
                    [] => "add a table `[sinks.NAME]` that says where entries go".to_owned(),
                    [..] => format!("add `sinks = […]` to it or to `[defaults]`; there are {}", words::list(&all)),
                };
                mistakes.push(Mistake::error(header.clone(), message).help(help));
                return Vec::new();
            }
        };
        if written.get_ref().is_empty() && !self.paused {
            let place = if self.layer.sinks.is_some() { written.span() } else { header.clone() };
            let message = format!("feed `{}` has no sink: the list is empty", name.get_ref());
            mistakes.push(Mistake::error(place, message).help("name a sink, or pause the feed with `paused = true`"));
        }
        let mut sinks: Vec<String> = Vec::new();
        for sink in written.get_ref() {
            if !sinks.contains(sink.get_ref()) {
                sinks.push(sink.get_ref().clone());
            }
        }
        sinks
    }
}

/// A mistake for each sink that a layer names and that does not exist.
pub(super) fn check_sinks(layer: &Layer, sinks: &[SinkEntry], mistakes: &mut Vec<Mistake>) {
    for name in layer.sinks.iter().flat_map(Spanned::get_ref) {
        if !sinks.iter().any(|sink| sink.name.get_ref() == name.get_ref()) {
            let help = words::did_you_mean(name.get_ref(), sinks.iter().map(|sink| sink.name.get_ref().as_str()), "sink");
            mistakes.push(Mistake::error(name.span(), format!("there is no sink `{}`", name.get_ref())).help(help));
        }
    }
}

/// How mails look, resolved.
pub(super) enum Resolved {
    /// With the place of its `to`, where it has one.
    Look(Box<Look>, Option<Spanned<Template>>),
    /// Nothing says whom mails go to.
    WithoutTo,
    /// A mistake about it was told already.
    Told,
}

impl<'a> Layers<'a> {
    /// What stands in the file, over what is built in.
    pub(super) fn new(
        defaults: &'a Layer,
        tags: &'a HashMap<String, Layer>,
        sinks: &'a [SinkEntry],
        base: &'a access::Base,
    ) -> Self {
        Self { defaults, tags, sinks, base }
    }

    /// How mails to `sink` look: the feed's layer, its tags' (both in `nearest`), the sink's own, the defaults.
    pub(super) fn look(&self, nearest: &[&Layer], sink: &SinkEntry) -> Resolved {
        let looks = || nearest.iter().map(|layer| &layer.look).chain([&sink.look, &self.defaults.look]);
        let written = looks().find_map(|look| look.to.clone());
        let to = match &written {
            Some(to) => to.get_ref().clone(),
            None if looks().any(|look| look.to_is_wrong) => return Resolved::Told,
            None if sink.local => Template::builtin(LOCAL_TO),
            None => return Resolved::WithoutTo,
        };
        let Some(from) = &sink.from else { return Resolved::Told };
        let plain = Look::plain(from.clone(), to);
        let look = Look {
            from_name: looks().find_map(|look| look.from_name.clone()).unwrap_or(plain.from_name),
            subject: looks().find_map(|look| look.subject.clone()).unwrap_or(plain.subject),
            format: looks().find_map(|look| look.format).unwrap_or(plain.format),
            body_html: looks().find_map(|look| look.body_html.clone()),
            body_text: looks().find_map(|look| look.body_text.clone()),
            wrap: looks().find_map(|look| look.wrap).unwrap_or(plain.wrap),
            clip: looks().find_map(|look| look.clip).unwrap_or(plain.clip),
            images: looks().find_map(|look| look.images).unwrap_or(plain.images),
            attach: looks().find_map(|look| look.attach.clone()).and_then(Choice::chosen).map(ByteSize::bytes),
            ..plain
        };
        Resolved::Look(Box::new(look), written)
    }
}

/// A recipient that depends on the feed is tried with this very feed: not every name makes an address.
fn check_recipient(
    name: &Spanned<String>,
    url: &str,
    tags: &[String],
    to: Option<&Spanned<Template>>,
    mistakes: &mut Vec<Mistake>,
) {
    let Some(to) = to.filter(|to| to.get_ref().source().contains('{')) else { return };
    let mut facts = Facts::specimen();
    facts.feed.name.clone_from(name.get_ref());
    url.clone_into(&mut facts.feed.url);
    facts.feed.tags = tags.to_vec();
    let rendered = to.get_ref().render(&facts).map_err(|error| error.to_string());
    if let Err(message) = rendered.and_then(|text| layers::addresses_of(&text)) {
        mistakes.push(Mistake::error(to.span(), format!("`to` does not work for feed `{}`: {message}", name.get_ref())));
    }
}
