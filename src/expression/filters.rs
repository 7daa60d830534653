//! The filters of our own that a template may use beside minijinja's.

use jiff::Timestamp;
use jiff::fmt::strtime;
use minijinja::{Environment, Error, ErrorKind};
use url::Url;

/// Adds them to the environment.
pub(super) fn add(environment: &mut Environment<'_>) {
    environment.add_filter("date", date);
    environment.add_filter("truncate", truncate);
    environment.add_filter("host", host);
    environment.add_filter("slug", slug);
    environment.add_filter("size", size);
}

/// A time (RFC 3339) in the form that `format` describes (strftime), in UTC; nothing of nothing.
fn date(time: &str, format: Option<&str>) -> Result<String, Error> {
    let wrong = |message: String| Error::new(ErrorKind::InvalidOperation, message);
    if time.is_empty() {
        return Ok(String::new());
    }
    let at: Timestamp = time.parse().map_err(|_| wrong(format!("`{time}` is no time")))?;
    let format = format.unwrap_or("%Y-%m-%d");
    let broken_down = strtime::BrokenDownTime::from(at);
    broken_down.to_string(format).map_err(|error| wrong(format!("`{format}` is no form of a date: {error}")))
}

/// At most so many characters, cut between words where that loses little, with an ellipsis where it was cut.
fn truncate(text: &str, most: Option<usize>) -> String {
    let most = most.unwrap_or(60);
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let end = text.char_indices().nth(most.saturating_sub(1)).map_or(text.len(), |(at, _)| at);
    let kept = &text[..end];
    let word = kept.rfind(' ').filter(|at| *at >= end / 2).map_or(kept, |at| &kept[..at]);
    format!("{}…", word.trim_end())
}

/// The host of an address, without `www.`; nothing where it has none.
fn host(url: &str) -> String {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    host.strip_prefix("www.").unwrap_or(host).to_owned()
}

/// Letters and digits in lower case, with `-` in place of all that is between them.
fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

/// A size for people, in decimal units with one digit.
#[must_use]
pub fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        1 => return "1 byte".to_owned(),
        0..1_000 => return format!("{bytes} bytes"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let tenths = bytes / (unit / 10);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Template;

    fn filled(template: &str) -> String {
        Template::parse(template).and_then(|template| template.render(&())).unwrap_or_else(|error| error.message)
    }

    #[test]
    fn each_filter_does_what_its_name_says() {
        assert_eq!(filled("{{ '2026-01-02T03:04:05Z' | date('%-d %B %Y') }}"), "2 January 2026");
        assert_eq!(filled("{{ '2026-01-02T03:04:05Z' | date }}{{ '' | date }}"), "2026-01-02");
        assert_eq!(filled("{{ 'one two three four' | truncate(10) }}"), "one two…");
        assert_eq!(filled("{{ 'short' | truncate }}"), "short");
        assert_eq!(filled("{{ 'https://www.example.org/a' | host }}{{ 'no' | host }}"), "example.org");
        assert_eq!(filled("{{ ' Größe & Maß! ' | slug }}"), "größe-maß");
        assert_eq!(filled("{{ 12345678 | size }}"), "12.3 MB");
    }

    #[test]
    fn a_wrong_form_of_a_date_is_told() {
        assert!(filled("{{ '2026-01-02T03:04:05Z' | date('%!') }}").contains("`%!` is no form of a date"));
        assert!(filled("{{ 'yesterday' | date }}").contains("`yesterday` is no time"));
    }

    #[test]
    fn a_size_is_written_for_people() {
        assert_eq!((size(0), size(1)), ("0 bytes".into(), "1 byte".into()));
        assert_eq!((size(999), size(1_500), size(12_345_678)), ("999 bytes".into(), "1.5 kB".into(), "12.3 MB".into()));
        assert!(size(u64::MAX).ends_with(" GB"));
    }
}
