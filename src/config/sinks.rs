//! The tables `[sinks.NAME]`: what all sinks share is read here, the rest by the sink's own kind. Comes out: a
//! [`SinkEntry`] for each, built or not, so that a feed may name it either way.

use std::ops::Range;

use toml::Spanned;

use super::explain::Mistake;
use super::layers::{self, LOOK_KEYS, RawLook};
use super::section::{self, Section, Wrong};
use crate::sink::{KINDS, Kind, SECRETS, Settings, SettingsMistake, Shared, Sink, Wants};
use crate::units::Rate;
use crate::words;

/// The keys that all sinks share.
pub(super) const KEYS: &[&str] = &["type", "from", "rate"];

/// The addresses of a mail that stays on this machine, where the configuration names none.
const LOCAL_FROM: &str = "feeds@localhost";
/// See [`LOCAL_FROM`].
pub(super) const LOCAL_TO: &str = "reader@localhost";

/// A sink as the configuration has it.
pub(super) struct SinkEntry {
    /// Its name.
    pub(super) name: Spanned<String>,
    /// Its table's header.
    pub(super) span: Range<usize>,
    /// The sink; absent where its settings have mistakes.
    pub(super) built: Option<Box<dyn Sink>>,
    /// Its mails need no addresses of the user's.
    pub(super) local: bool,
    /// The sender of its mails.
    pub(super) from: Option<lettre::Address>,
    /// How fast entries go there at most.
    pub(super) rate: Option<Rate>,
    /// How its mails look.
    pub(super) look: RawLook,
    /// Where a secret stands in the file itself.
    pub(super) inline: Vec<Spanned<String>>,
}

impl SinkEntry {
    /// It takes mails, as far as is known.
    pub(super) fn takes_mail(&self) -> bool {
        self.built.as_ref().is_some_and(|sink| sink.wants() == Wants::Mail)
    }
}

/// Reads all sinks, in the order of the file.
pub(super) fn read(tables: Vec<(Spanned<String>, Section<'_>)>, shared: &Shared, mistakes: &mut Vec<Mistake>) -> Vec<SinkEntry> {
    tables.into_iter().map(|(name, section)| read_one(name, section, shared, mistakes)).collect()
}

fn read_one(name: Spanned<String>, mut section: Section<'_>, shared: &Shared, mistakes: &mut Vec<Mistake>) -> SinkEntry {
    section::check_name(&name, "sink", mistakes);
    let kind = kind(&mut section, mistakes);
    let from = section.read("from", mistakes, |value| {
        let help = "write one address, such as \"feeds@example.net\"; the name beside it is `from_name`";
        layers::address_of(section::text(value)?.trim()).map_err(|message| Wrong::Value(message, Some(help.to_owned())))
    });
    let rate = section.read("rate", mistakes, section::rate);
    let look = layers::read_look(&mut section, shared, mistakes);
    let (title, span) = (section.title.clone(), section.span.clone());
    let from_is_wrong = section.wrong.contains(&"from");
    let from_place = section.place("from");
    let settings = Settings::new(name.get_ref().as_str(), section.rest()).beside(KEYS.iter().chain(LOOK_KEYS).copied());
    let inline = inline_secrets(&settings);
    let mut entry = SinkEntry {
        local: kind.is_some_and(|kind| kind.local),
        name,
        span,
        built: None,
        from: from.map(Spanned::into_inner),
        rate: rate.map(Spanned::into_inner),
        look,
        inline,
    };
    let Some(kind) = kind else { return entry };
    match (kind.build)(settings, shared) {
        Ok(sink) => entry.built = Some(sink),
        Err(error) => mistakes.extend(error.0.into_iter().map(|mistake| placed(mistake, &entry.span))),
    }
    let Some(sink) = &entry.built else { return entry };
    match sink.wants() {
        Wants::Mail if entry.from.is_none() && kind.local => entry.from = LOCAL_FROM.parse().ok(),
        Wants::Mail if entry.from.is_none() && !from_is_wrong => {
            let message = format!("`{title}` has no `from`: a mail that goes by `{}` needs a sender's address", kind.name);
            mistakes.push(
                Mistake::error(entry.span.clone(), message).help("add `from = \"feeds@example.net\"`, with an address of yours"),
            );
        }
        Wants::Mail => {}
        Wants::Link => {
            let places = entry.look.places.iter().map(|(key, place)| (*key, place.clone()));
            for (key, place) in places.chain(from_place.map(|place| ("from", place))) {
                let message = format!("`{key}` has no meaning in `{title}`: `{}` takes links, not mails", kind.name);
                mistakes.push(Mistake::error(place, message).help("remove it"));
            }
        }
    }
    entry
}

/// The kind that `type` names; a mistake where it names none.
fn kind(section: &mut Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<&'static Kind> {
    let names = KINDS.iter().map(|kind| kind.name);
    if let Some(kind) = section.read("type", mistakes, |value| {
        let word = section::text(value)?;
        KINDS.iter().find(|kind| kind.name == word).ok_or_else(|| {
            Wrong::Value(format!("`{word}` is not a type of sink"), Some(words::did_you_mean(word, names.clone(), "type")))
        })
    }) {
        return Some(kind.into_inner());
    }
    if !section.wrong.contains(&"type") {
        let all: Vec<&str> = names.collect();
        let message = format!("`{}` has no `type`", section.title);
        let help = format!("add `type = \"…\"`: {}", words::list(&all));
        mistakes.push(Mistake::error(section.span.clone(), message).help(help));
    }
    None
}

/// The keys of a sink's table that hold a secret themselves.
fn inline_secrets(settings: &Settings<'_>) -> Vec<Spanned<String>> {
    let keys = settings.table.get_ref().iter().map(|(key, _)| key);
    let secrets = keys.filter(|key| SECRETS.contains(&key.get_ref().as_ref()));
    secrets.map(|key| Spanned::new(key.span(), key.get_ref().to_string())).collect()
}

/// A sink's own mistake, placed at its table where it has no better place.
fn placed(mistake: SettingsMistake, span: &Range<usize>) -> Mistake {
    let help = mistake.help;
    Mistake { help, ..Mistake::error(mistake.span.unwrap_or_else(|| span.clone()), mistake.message) }
}
