//! The values of keys, in every shape in which they come.

use std::borrow::Cow;

use jiff::Timestamp;

use super::super::super::entry::Person;
use super::super::super::text;
use super::super::draft::Words;
use super::scan::{Scanner, Value};

/// A piece of text.
pub(super) struct Text<'a> {
    pub(super) said: Cow<'a, str>,
    /// Whether it was a number.
    pub(super) number: bool,
    /// Whether its own object says that it is HTML.
    pub(super) html: bool,
}

/// The value of the next key as text, if it has one that is not blank. Objects that only wrap a text, as converters of XML and
/// `WordPress` make them, count as that text.
pub(super) fn text<'a>(scanner: &mut Scanner<'a>) -> Option<Text<'a>> {
    let found = match scanner.value() {
        Value::Text(text) => Some(Text { said: text, number: false, html: false }),
        Value::Number(number) => Some(Text { said: Cow::Borrowed(number), number: true, html: false }),
        Value::Object => wrapped(scanner),
        Value::Array => {
            let mut first = None;
            while scanner.more() {
                match scanner.value() {
                    Value::Text(text) if first.is_none() => first = Some(Text { said: text, number: false, html: false }),
                    Value::Object if first.is_none() => first = wrapped(scanner),
                    other => scanner.skip(&other),
                }
            }
            first
        }
        Value::Flag | Value::Null => None,
    };
    found.filter(|found| !found.said.trim().is_empty())
}

fn wrapped<'a>(scanner: &mut Scanner<'a>) -> Option<Text<'a>> {
    let (mut found, mut html) = (None, false);
    while let Some(key) = scanner.key() {
        match (&*key, scanner.value()) {
            (
                "$t" | "rendered" | "#text" | "_" | "value" | "html" | "text" | "content" | "url" | "__cdata" | "$text",
                Value::Text(text),
            ) => {
                html |= matches!(&*key, "rendered" | "html");
                found = found.or(Some(text));
            }
            ("type" | "@type", Value::Text(kind)) => html |= matches!(&*kind, "html" | "xhtml" | "text/html"),
            (_, other) => scanner.skip(&other),
        }
    }
    found.map(|text| Text { said: text, number: false, html })
}

/// Calls `each` in every object of a list, or in the one that stands for a list of one.
pub(super) fn objects<'a>(scanner: &mut Scanner<'a>, mut each: impl FnMut(&mut Scanner<'a>)) {
    match scanner.value() {
        Value::Object => each(scanner),
        Value::Array => {
            while scanner.more() {
                match scanner.value() {
                    Value::Object => each(scanner),
                    other => scanner.skip(&other),
                }
            }
        }
        Value::Text(_) | Value::Number(_) | Value::Flag | Value::Null => {}
    }
}

/// Calls `each` with every value of a list, or with the one that stands for a list of one.
fn one_or_many<'a>(scanner: &mut Scanner<'a>, mut each: impl FnMut(&mut Scanner<'a>, Value<'a>)) {
    match scanner.value() {
        Value::Array => {
            while scanner.more() {
                let value = scanner.value();
                each(scanner, value);
            }
        }
        value => each(scanner, value),
    }
}

/// People: text, an object, or a list of either.
pub(super) fn people(scanner: &mut Scanner<'_>, mut each: impl FnMut(Person)) {
    one_or_many(scanner, |scanner, value| match value {
        Value::Text(text) => super::super::super::people::person(&text).into_iter().for_each(&mut each),
        Value::Object => each(person(scanner)),
        other => scanner.skip(&other),
    });
}

fn person(scanner: &mut Scanner<'_>) -> Person {
    let mut person = Person::default();
    while let Some(key) = scanner.key() {
        let Some(Text { said: text, number: false, .. }) = self::text(scanner) else { continue };
        let line = text::one_line(&text);
        match &*key {
            "name" | "displayName" | "display_name" | "#text" | "$t" => {
                let Person { name, email, uri } = super::super::super::people::person(&line).unwrap_or_default();
                person = Person { name, email: person.email.or(email), uri: person.uri.or(uri) };
            }
            "url" | "uri" | "link" | "href" => person.uri = Some(line),
            "email" => person.email = Some(line),
            _ => {}
        }
    }
    person
}

/// Tags: a list of texts or objects, or one text with commas. Numbers are somebody's keys, and say nothing.
pub(super) fn tags(scanner: &mut Scanner<'_>, mut each: impl FnMut(&str)) {
    match scanner.value() {
        Value::Text(text) => text.split(',').for_each(each),
        Value::Object => tag(scanner).iter().for_each(|tag| each(tag)),
        Value::Array => {
            while scanner.more() {
                match scanner.value() {
                    Value::Text(text) => each(&text),
                    Value::Object => tag(scanner).iter().for_each(|tag| each(tag)),
                    other => scanner.skip(&other),
                }
            }
        }
        Value::Number(_) | Value::Flag | Value::Null => {}
    }
}

fn tag<'a>(scanner: &mut Scanner<'a>) -> Option<Cow<'a, str>> {
    let mut found = None;
    while let Some(key) = scanner.key() {
        match (&*key, scanner.value()) {
            ("name" | "label" | "term" | "title" | "$t" | "#text" | "_", Value::Text(text)) => found = found.or(Some(text)),
            (_, other) => scanner.skip(&other),
        }
    }
    found
}

/// Links: text, an object with `href`, or a list of either. `each` takes the address, its relation and its type.
pub(super) fn links(scanner: &mut Scanner<'_>, mut each: impl FnMut(String, Option<&str>, Option<String>)) {
    one_or_many(scanner, |scanner, value| match value {
        Value::Text(text) => each(text.into_owned(), None, None),
        Value::Object => {
            let (mut href, mut rel, mut kind) = (None, None, None);
            while let Some(key) = scanner.key() {
                let Some(Text { said: text, .. }) = self::text(scanner) else { continue };
                match &*key {
                    "href" | "url" | "$t" | "#text" | "@href" => href = href.or(Some(text.into_owned())),
                    "rel" | "@rel" => rel = Some(text),
                    "type" | "@type" => kind = Some(text.into_owned()),
                    _ => {}
                }
            }
            if let Some(href) = href {
                each(href, rel.as_deref(), kind);
            }
        }
        other => scanner.skip(&other),
    });
}

/// What JSON Feed calls plain text often holds markup or entities all the same.
pub(super) fn words(Text { said, html, .. }: Text<'_>) -> Words {
    let html = html || text::holds_markup(&said) || text::holds_references(&said);
    Words { text: said.into_owned(), html }
}

/// An id as text: a number that some language wrote with a fraction is the same number.
pub(super) fn identifier(text: Cow<'_, str>, number: bool) -> String {
    let whole = text.trim().split_once('.').filter(|(_, fraction)| number && fraction.bytes().all(|b| b == b'0'));
    match whole {
        Some((whole, _)) => whole.to_owned(),
        None => text.into_owned(),
    }
}

/// A number of bytes.
pub(super) fn count(text: &str) -> Option<u64> {
    let whole = text.trim().split_once('.').filter(|(_, fraction)| fraction.bytes().all(|b| b == b'0'));
    whole.map_or(text.trim(), |(whole, _)| whole).parse().ok()
}

/// A point in time: a date, or the seconds or milliseconds since 1970.
pub(super) fn date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    if !whole.is_empty() && whole.bytes().all(|b| b.is_ascii_digit()) {
        let number: i64 = whole.parse().ok()?;
        return match whole.len() {
            9 | 10 => Timestamp::from_second(number).ok(),
            12 | 13 => Timestamp::from_millisecond(number).ok(),
            _ => super::super::super::date::parse(text),
        };
    }
    super::super::super::date::parse(text)
}
