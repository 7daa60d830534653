//! What may stand in `[defaults]`, in a `[tags.NAME]` and in a `[feeds.NAME]`, and how a mail looks. Goes in: a section.
//! Comes out: a [`Layer`], in which absent is absent. What wins over what is decided in `feeds`.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::access::{self, RawAccess};
use super::explain::Mistake;
use super::fetched::Choice;
use super::section::{self, Section, Value, Wrong};
use super::{Backlog, OncePer, fetched, wording};
use crate::article::Cut;
use crate::delivery::Updates;
use crate::expression::{Makes, Template};
use crate::feed::Identity;
use crate::fetch::Program;
use crate::mail::{Clip, Format, Images};
use crate::schedule::Every;
use crate::sink::Shared;
use crate::units::{ByteSize, Interval, UnitError};
use crate::words;

/// The keys that choose and pace: in defaults, tags and feeds.
pub(super) const LAYER_KEYS: &[&str] = &[
    "sinks",
    "interval",
    "recheck",
    "backlog",
    "once_per",
    "updates",
    "identity",
    "max_age",
    "max_new",
    "fulltext",
    "transform",
];
/// The keys of a mail's look: in defaults, tags, feeds and sinks.
pub(super) const LOOK_KEYS: &[&str] =
    &["to", "from_name", "subject", "format", "body_html", "body_text", "wrap", "clip", "images", "attach"];

/// A feed polled more often than this annoys its publisher.
const SHORTEST: Duration = Duration::from_secs(15 * 60);
/// A document is not asked for without need more often than this.
const MOST_OFTEN: Interval = Interval::from_secs(30 * 86_400);

/// The settings of one layer; absent is absent.
#[derive(Debug, Default)]
pub(super) struct Layer {
    /// The sinks, by name.
    pub(super) sinks: Option<Spanned<Vec<Spanned<String>>>>,
    /// How often to ask.
    pub(super) interval: Option<Every>,
    /// After how long to ask once without validators.
    pub(super) recheck: Option<Recheck>,
    /// How many of the entries already there to deliver.
    pub(super) backlog: Option<Backlog>,
    /// What one story is delivered once for.
    pub(super) once_per: Option<OncePer>,
    /// What becomes of an entry that was edited.
    pub(super) updates: Option<Updates>,
    /// By which keys entries are recognised.
    pub(super) identity: Option<Identity>,
    /// How old a late-comer may be.
    pub(super) max_age: Option<Interval>,
    /// How many new entries at once are no surprise.
    pub(super) max_new: Option<u32>,
    /// Whether entries' pages are fetched, and where their articles stand.
    pub(super) fulltext: Option<Choice<Cut>>,
    /// The program that entries pass through.
    pub(super) transform: Option<Choice<Program>>,
    /// How mails look.
    pub(super) look: RawLook,
    /// How feeds are asked.
    pub(super) access: RawAccess,
    /// `sinks` stands there, but cannot be used.
    pub(super) sinks_are_wrong: bool,
}

/// The keys of a mail's look, as one layer has them.
#[derive(Debug, Default)]
pub(super) struct RawLook {
    /// Whom it goes to.
    pub(super) to: Option<Spanned<Template>>,
    /// The name beside the sender's address.
    pub(super) from_name: Option<Template>,
    /// The subject.
    pub(super) subject: Option<Template>,
    /// Its parts.
    pub(super) format: Option<Format>,
    /// What makes its HTML.
    pub(super) body_html: Option<Template>,
    /// What makes its text.
    pub(super) body_text: Option<Template>,
    /// After how many characters text is broken.
    pub(super) wrap: Option<u16>,
    /// What becomes of HTML that is too long.
    pub(super) clip: Option<Clip>,
    /// What becomes of images.
    pub(super) images: Option<Images>,
    /// Up to which size files are attached.
    pub(super) attach: Option<Choice<ByteSize>>,
    /// `to` stands there, but cannot be used.
    pub(super) to_is_wrong: bool,
    /// Where its keys stand.
    pub(super) places: Vec<(&'static str, Range<usize>)>,
}

/// After how long a feed is asked once without validators.
#[derive(Debug, Clone, Copy)]
pub(super) enum Recheck {
    /// Never.
    Never,
    /// After so long.
    After(Interval),
}

/// Reads what every layer may have.
pub(super) fn read(section: &mut Section<'_>, shared: &Shared, mistakes: &mut Vec<Mistake>) -> Layer {
    let sinks = section.read("sinks", mistakes, section::texts);
    let interval = section.read("interval", mistakes, every);
    if let Some(interval) = &interval
        && let Every::Set(set) = interval.get_ref()
        && set.duration() < SHORTEST
    {
        let message = format!("an interval of {set} is short: publishers notice");
        mistakes.push(Mistake::warning(interval.span(), message).help("\"15m\" or more is polite"));
    }
    let recheck = section.read("recheck", mistakes, recheck).map(Spanned::into_inner);
    let backlog = section.read("backlog", mistakes, backlog).map(Spanned::into_inner);
    let once_per = section.read("once_per", mistakes, once_per).map(Spanned::into_inner);
    let updates = section.read("updates", mistakes, updates).map(Spanned::into_inner);
    let identity = section.read("identity", mistakes, identity).map(Spanned::into_inner);
    let max_age = section.read("max_age", mistakes, section::interval).map(Spanned::into_inner);
    let max_new = section.read("max_new", mistakes, |value| section::number(value, 1..=u32::MAX)).map(Spanned::into_inner);
    let fulltext = fetched::fulltext(section, mistakes);
    let transform = section.read("transform", mistakes, |value| fetched::transform(value, &shared.folder, &shared.env));
    let transform = transform.map(Spanned::into_inner);
    let look = read_look(section, shared, mistakes);
    let access = access::read(section, shared, mistakes);
    let sinks_are_wrong = section.wrong.contains(&"sinks");
    let interval = interval.map(Spanned::into_inner);
    Layer {
        sinks,
        interval,
        recheck,
        backlog,
        once_per,
        updates,
        identity,
        max_age,
        max_new,
        fulltext,
        transform,
        look,
        access,
        sinks_are_wrong,
    }
}

/// Reads the keys of a mail's look.
pub(super) fn read_look(section: &mut Section<'_>, shared: &Shared, mistakes: &mut Vec<Mistake>) -> RawLook {
    let to = section.read("to", mistakes, |value| {
        let (template, addresses) = wording::line(value)?;
        addresses_of(&addresses).map_err(|message| Wrong::Value(message, Some(TO_HELP.to_owned())))?;
        Ok(template)
    });
    let mut line = |key| section.read(key, mistakes, |value| wording::line(value).map(|(template, _)| template));
    let (from_name, subject) = (line("from_name"), line("subject"));
    let format = section.read("format", mistakes, format).map(Spanned::into_inner);
    let mut body = |key, makes| section.read(key, mistakes, |value| wording::body(value, makes, shared)).map(Spanned::into_inner);
    let (body_html, body_text) = (body("body_html", Makes::Html), body("body_text", Makes::Text));
    let wrap = section.read("wrap", mistakes, wrap).map(Spanned::into_inner);
    let clip = section.read("clip", mistakes, clip).map(Spanned::into_inner);
    let images = section.read("images", mistakes, fetched::images).map(Spanned::into_inner);
    let attach = section.read("attach", mistakes, fetched::attach).map(Spanned::into_inner);
    let places = section.places.iter().filter(|(key, _)| LOOK_KEYS.contains(key)).cloned().collect();
    RawLook {
        to,
        from_name: from_name.map(Spanned::into_inner),
        subject: subject.map(Spanned::into_inner),
        format,
        body_html,
        body_text,
        wrap,
        clip,
        images,
        attach,
        to_is_wrong: section.wrong.contains(&"to"),
        places,
    }
}

const TO_HELP: &str = "write one address, or several separated by commas, such as \"me@example.net\"";

/// Addresses separated by commas: at least one.
pub(super) fn addresses_of(text: &str) -> Result<Vec<lettre::Address>, String> {
    text.split(',').map(|part| address_of(part.trim())).collect()
}

/// One address.
pub(super) fn address_of(text: &str) -> Result<lettre::Address, String> {
    if text.is_empty() {
        return Err("an address is missing".to_owned());
    }
    text.parse().map_err(|_| format!("`{text}` is not an address"))
}

fn every(value: &Value<'_>) -> Result<Every, Wrong> {
    let text = value.get_ref().as_str().ok_or(Wrong::Type("an interval in quotes, such as \"1h\", or \"auto\""))?;
    text.parse().map_err(|error: UnitError| Wrong::value(format!("{error}, or \"auto\"")))
}

fn recheck(value: &Value<'_>) -> Result<Recheck, Wrong> {
    let text = value.get_ref().as_str().ok_or(Wrong::Type("an interval in quotes, such as \"30d\", or \"never\""))?;
    if text == "never" {
        return Ok(Recheck::Never);
    }
    let interval: Interval = text.parse().map_err(Wrong::from)?;
    if interval < MOST_OFTEN {
        return Err(Wrong::value(format!("it must be {MOST_OFTEN} or more: each time the whole document is sent")));
    }
    Ok(Recheck::After(interval))
}

fn backlog(value: &Value<'_>) -> Result<Backlog, Wrong> {
    const WANTED: Wrong = Wrong::Type("a whole number or \"all\"");
    match value.get_ref() {
        DeValue::String(word) if word == "all" => Ok(Backlog::All),
        DeValue::Integer(_) => section::number(value, 0..=u32::MAX).map(Backlog::Newest),
        DeValue::String(word) => Err(Wrong::value(format!("`{word}` is neither a whole number nor \"all\""))),
        _ => Err(WANTED),
    }
}

fn once_per(value: &Value<'_>) -> Result<OncePer, Wrong> {
    let word = section::text(value)?;
    let found = OncePer::WORDS.iter().find(|(name, _)| *name == word).map(|(_, once_per)| *once_per);
    found.ok_or_else(|| Wrong::value(format!("`{word}` is neither \"feed\" nor \"sink\"")))
}

fn updates(value: &Value<'_>) -> Result<Updates, Wrong> {
    let word = section::text(value)?;
    Updates::from_word(word).ok_or_else(|| {
        let help = words::did_you_mean(word, Updates::WORDS.iter().map(|(word, _)| *word), "way");
        Wrong::Value(format!("`{word}` is no way to treat updates"), Some(help))
    })
}

fn identity(value: &Value<'_>) -> Result<Identity, Wrong> {
    let word = section::text(value)?;
    Identity::from_word(word).ok_or_else(|| {
        let help = words::did_you_mean(word, Identity::WORDS.iter().map(|(word, _)| *word), "identity");
        Wrong::Value(format!("`{word}` is not an identity"), Some(help))
    })
}

fn format(value: &Value<'_>) -> Result<Format, Wrong> {
    let word = section::text(value)?;
    Format::from_word(word).ok_or_else(|| {
        let help = words::did_you_mean(word, Format::WORDS.iter().map(|(word, _)| *word), "format");
        Wrong::Value(format!("`{word}` is not a format"), Some(help))
    })
}

/// After how many characters text is broken: lines of a mail have 78 at most where they can be seen (RFC 5322 section 2.1.1).
fn wrap(value: &Value<'_>) -> Result<u16, Wrong> {
    match section::number(value, 0..=200)? {
        narrow @ 1..40 => {
            Err(Wrong::value(format!("{narrow} characters are too few: from 40 to 200, or 0 for no breaks at all")))
        }
        width => Ok(u16::try_from(width).unwrap_or_default()),
    }
}

fn clip(value: &Value<'_>) -> Result<Clip, Wrong> {
    let word = section::text(value)?;
    Clip::from_word(word).ok_or_else(|| {
        let help = words::did_you_mean(word, Clip::WORDS.iter().map(|(word, _)| *word), "way");
        Wrong::Value(format!("`{word}` is no way to treat long mails"), Some(help))
    })
}
