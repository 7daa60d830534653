//! One table of the configuration, read key by key so that every mistake in it is found. Goes in: a spanned table.
//! Comes out: values of the right type with their places; mistakes for all else. Knows no key by name.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::explain::{Elsewhere, Mistake};
use crate::env::PathError;
use crate::units::{ByteSize, Interval, Rate, UnitError};
use crate::words;

/// A value with its place.
pub(super) type Value<'de> = Spanned<DeValue<'de>>;

/// A table being read. Keys are taken out one by one; what remains is unknown.
pub(super) struct Section<'de> {
    /// How messages name it: `[feeds.lwn]`.
    pub(super) title: String,
    /// Its header, or the key that holds it.
    pub(super) span: Range<usize>,
    /// The keys whose values could not be used, so that nobody complains that they are missing.
    pub(super) wrong: Vec<&'static str>,
    /// The places of the keys that were taken.
    pub(super) places: Vec<(&'static str, Range<usize>)>,
    table: DeTable<'de>,
}

/// Why a value cannot be used.
pub(super) enum Wrong {
    /// It must be of another type: "a text in quotes".
    Type(&'static str),
    /// What is wrong with it, and the next step.
    Value(String, Option<String>),
    /// The same, at a place within the value.
    Within(Range<usize>, String, Option<String>),
    /// The same, at a part of the text that the value reads as.
    Part(Range<usize>, String, Option<String>),
    /// The same, in a file that the value names.
    Elsewhere(Box<Elsewhere>, String, Option<String>),
}

impl Wrong {
    /// A value that is wrong in itself.
    pub(super) fn value(message: impl Into<String>) -> Self {
        Self::Value(message.into(), None)
    }
}

impl From<UnitError> for Wrong {
    fn from(error: UnitError) -> Self {
        Self::value(error.to_string())
    }
}

impl From<PathError> for Wrong {
    fn from(error: PathError) -> Self {
        Self::value(error.to_string())
    }
}

impl<'de> Section<'de> {
    /// The section in `value`; a mistake where that is no table.
    pub(super) fn new(title: String, value: Value<'de>, mistakes: &mut Vec<Mistake>) -> Option<Self> {
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(table) => Some(Self { title, span, wrong: Vec::new(), places: Vec::new(), table }),
            other => {
                let message = format!("`{title}` must be a table, not {}", sort(&other));
                mistakes.push(Mistake::error(span, message).help(format!("write a line `{title}` and the keys below it")));
                None
            }
        }
    }

    /// The whole document.
    pub(super) fn root(table: Spanned<DeTable<'de>>) -> Self {
        Self { title: String::new(), span: 0..0, wrong: Vec::new(), places: Vec::new(), table: table.into_inner() }
    }

    /// Takes a key's value out, whatever it is.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Value<'de>> {
        let (written, value) = self.table.remove_entry(key)?;
        self.places.push((key, written.span()));
        Some(value)
    }

    /// Takes a key out and reads its value; a mistake where it cannot be used.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        mistakes: &mut Vec<Mistake>,
        convert: impl FnOnce(&Value<'de>) -> Result<T, Wrong>,
    ) -> Option<Spanned<T>> {
        let value = self.take(key)?;
        let wrong = match convert(&value) {
            Ok(read) => return Some(Spanned::new(value.span(), read)),
            Err(wrong) => wrong,
        };
        self.wrong.push(key);
        let (mut elsewhere, mut within) = (None, None);
        let (span, message, help) = match wrong {
            Wrong::Type(wanted) => (value.span(), format!("`{key}` must be {wanted}, not {}", sort(value.get_ref())), None),
            Wrong::Elsewhere(place, message, help) => {
                elsewhere = Some(*place);
                (value.span(), format!("`{key}`: {message}"), help)
            }
            Wrong::Part(part, message, help) => {
                within = Some(part);
                (value.span(), format!("`{key}`: {message}"), help)
            }
            Wrong::Value(message, help) => (value.span(), format!("`{key}`: {message}"), help),
            Wrong::Within(span, message, help) => (span, format!("`{key}`: {message}"), help),
        };
        mistakes.push(Mistake { help, elsewhere, within, ..Mistake::error(span, message) });
        None
    }

    /// Where a key stands that was taken.
    pub(super) fn place(&self, key: &str) -> Option<Range<usize>> {
        self.places.iter().find(|(taken, _)| *taken == key).map(|(_, span)| span.clone())
    }

    /// What remains is unknown: a mistake for each key, naming the nearest of `known`.
    pub(super) fn finish(self, known: &[&str], mistakes: &mut Vec<Mistake>) {
        let place = if self.title.is_empty() { String::new() } else { format!(" in `{}`", self.title) };
        for (key, _) in &self.table {
            let message = format!("unknown key `{}`{place}", key.get_ref());
            let help = words::did_you_mean(key.get_ref(), known.iter().copied(), "key");
            mistakes.push(Mistake::error(key.span(), message).help(help));
        }
    }

    /// What remains belongs to somebody else.
    pub(super) fn rest(self) -> Spanned<DeTable<'de>> {
        Spanned::new(self.span, self.table)
    }
}

/// The named tables of `[feeds]`, `[sinks]` or `[tags]`, in the order of the file: name, its place, its value.
pub(super) fn named<'de>(
    root: &mut Section<'de>,
    key: &'static str,
    mistakes: &mut Vec<Mistake>,
) -> Vec<(Spanned<String>, Section<'de>)> {
    let Some(value) = root.take(key) else { return Vec::new() };
    let Some(section) = Section::new(format!("[{key}]"), value, mistakes) else { return Vec::new() };
    let mut found = Vec::with_capacity(section.table.len());
    for (name, value) in section.table {
        let title = format!("[{key}.{}]", toml_edit::Key::new(name.get_ref().as_ref()).display_repr());
        let name = Spanned::new(name.span(), name.get_ref().to_string());
        if let Some(section) = Section::new(title, value, mistakes) {
            found.push((name, section));
        }
    }
    found
}

/// Whether a word may be the name of a feed or a sink: variables, List-Id and folders hang on it.
pub(super) fn is_name(name: &str) -> bool {
    let begins = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=64).contains(&name.len())
        && name.bytes().next().is_some_and(begins)
        && name.bytes().all(|c| begins(c) || matches!(c, b'.' | b'_' | b'-'))
}

/// A mistake where a feed's or sink's name is none.
pub(super) fn check_name(name: &Spanned<String>, what: &str, mistakes: &mut Vec<Mistake>) {
    if !is_name(name.get_ref()) {
        let message = format!("`{}` cannot be the name of a {what}", name.get_ref());
        let help = "a name has up to 64 of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or digit";
        mistakes.push(Mistake::error(name.span(), message).help(help));
    }
}

/// What a value is, in words.
fn sort(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

pub(super) fn text<'a>(value: &'a Value<'_>) -> Result<&'a str, Wrong> {
    value.get_ref().as_str().ok_or(Wrong::Type("a text in quotes"))
}

pub(super) fn flag(value: &Value<'_>) -> Result<bool, Wrong> {
    value.get_ref().as_bool().ok_or(Wrong::Type("true or false"))
}

/// A list of texts, each with its place.
pub(super) fn texts(value: &Value<'_>) -> Result<Vec<Spanned<String>>, Wrong> {
    const WANTED: Wrong = Wrong::Type("a list of texts, such as [\"a\", \"b\"]");
    let DeValue::Array(values) = value.get_ref() else { return Err(WANTED) };
    let text = |value: &Value<'_>| value.get_ref().as_str().map(|text| Spanned::new(value.span(), text.to_owned()));
    values.iter().map(text).collect::<Option<_>>().ok_or(WANTED)
}

pub(super) fn interval(value: &Value<'_>) -> Result<Interval, Wrong> {
    const WANTED: Wrong = Wrong::Type("an interval in quotes, such as \"30s\" or \"1h\"");
    value.get_ref().as_str().ok_or(WANTED)?.parse().map_err(Wrong::from)
}

pub(super) fn rate(value: &Value<'_>) -> Result<Rate, Wrong> {
    value.get_ref().as_str().ok_or(Wrong::Type("a rate in quotes, such as \"60/min\""))?.parse().map_err(Wrong::from)
}

pub(super) fn size(value: &Value<'_>) -> Result<ByteSize, Wrong> {
    value.get_ref().as_str().ok_or(Wrong::Type("a size in quotes, such as \"16MiB\""))?.parse().map_err(Wrong::from)
}

/// A whole number within bounds.
pub(super) fn number(value: &Value<'_>, range: std::ops::RangeInclusive<u32>) -> Result<u32, Wrong> {
    let number = value.get_ref().as_integer().ok_or(Wrong::Type("a whole number"))?;
    u32::from_str_radix(number.as_str(), number.radix()).ok().filter(|number| range.contains(number)).ok_or_else(|| {
        let (least, most) = range.into_inner();
        let bounds = if most == u32::MAX { format!("{least} or more") } else { format!("between {least} and {most}") };
        Wrong::value(format!("the number must be {bounds}"))
    })
}
