//! PURE. What an address says beside where it leads: who sent its reader there, and what the file is called that lies there.

use std::borrow::Cow;

use url::{Url, form_urlencoded};

use super::identity::is_tracking;
use super::text::one_line;

/// An address without the parameters that track a reader; all else of it stays as it is written.
#[must_use]
pub fn untracked(address: &str) -> Cow<'_, str> {
    let (before, fragment) = address.split_at(address.find('#').unwrap_or(address.len()));
    let Some((page, query)) = before.split_once('?').filter(|(_, query)| query.split('&').any(is_tracking)) else {
        return Cow::Borrowed(address);
    };
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_tracking(pair)).collect();
    let kept = kept.join("&");
    let mark = if kept.is_empty() { "" } else { "?" };
    Cow::Owned(format!("{page}{mark}{kept}{fragment}"))
}

/// What the file at an address is called, where it has a name.
#[must_use]
pub fn file_name(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    // A form's `+` and `&` have no meaning in a path.
    let escaped = url.path_segments()?.next_back()?.replace('+', "%2B").replace('&', "%26");
    let decoded: String = form_urlencoded::parse(format!("={escaped}").as_bytes()).map(|(_, value)| value.into_owned()).collect();
    Some(one_line(&decoded)).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_loses_what_tracks_its_reader_and_nothing_else() {
        let table = [
            ("https://h.example/a?utm_source=rss&p=1&fbclid=2#c", "https://h.example/a?p=1#c"),
            ("HTTPS://h.example?utm_source=rss", "HTTPS://h.example"),
            ("https://h.example/a?utm_source=rss#utm_source", "https://h.example/a#utm_source"),
            ("https://h.example/a b?p=%zz&q#?utm_source=x", "https://h.example/a b?p=%zz&q#?utm_source=x"),
            ("not an address", "not an address"),
        ];
        for (written, kept) in table {
            assert_eq!(untracked(written), kept);
        }
    }

    #[test]
    fn a_file_is_named_after_its_address() {
        let named = |address| file_name(address).unwrap_or_default();
        assert_eq!(named("https://example.org/audio/Episode%20%231.mp3?x=1"), "Episode #1.mp3");
        assert_eq!(named("https://example.org/a+b&c.png"), "a+b&c.png");
        for none in ["https://example.org/", "not an address", "data:image/png;base64,AAAA"] {
            assert_eq!(file_name(none), None, "{none}");
        }
    }
}
