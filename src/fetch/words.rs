//! PURE. What a server says beside a status that is no success: its own first words, made short and harmless. Goes in: the
//! answer's body and the URL that was asked. Comes out: a line, or nothing.

use std::time::Duration;

use url::Url;

use crate::feed::text::{cut, from_html, one_line};
use crate::net::HeaderMap;

/// So much of the body is looked at.
const LOOKED_AT: usize = 16 * 1024;
/// The longest line, in characters.
const LONGEST: usize = 120;
/// A part of a URL that is shorter is no secret that words could give away.
const SHORTEST_SECRET: usize = 4;

/// The first words of an answer: a page's title, else its text; of JSON the message; else the first line.
pub(super) fn first_words(headers: &HeaderMap, body: &[u8], asked: &Url) -> Option<String> {
    let kind = headers.get("content-type").map(|kind| String::from_utf8_lossy(kind.as_bytes()).to_ascii_lowercase());
    let kind = kind.unwrap_or_default();
    if body.contains(&0) || ["image/", "audio/", "video/", "octet-stream"].iter().any(|sort| kind.contains(sort)) {
        return None;
    }
    let text = String::from_utf8_lossy(body.get(..LOOKED_AT).unwrap_or(body));
    let line = if text.trim_start().starts_with('<') || kind.contains("html") {
        title(&text).unwrap_or_else(|| from_html(&text))
    } else if let Some(message) = message(&text) {
        one_line(&message)
    } else {
        one_line(text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default())
    };
    let line = cut(line.trim_end_matches('.'), LONGEST);
    (!line.is_empty() && !gives_away(&line, asked)).then_some(line)
}

/// The text of `<title>`, where there is any.
fn title(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let from = open + lower.get(open..)?.find('>')? + 1;
    let to = from + lower.get(from..)?.find("</title")?;
    Some(from_html(page.get(from..to)?)).filter(|title| !title.is_empty())
}

/// What a JSON object calls its message.
fn message(text: &str) -> Option<String> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    ["message", "error_description", "detail", "title", "error", "reason"]
        .iter()
        .find_map(|key| object.get(*key).and_then(|value| value.as_str()).map(str::to_owned))
}

/// Whether words repeat what the URL keeps secret, as pages do that name what was not found.
fn gives_away(line: &str, asked: &Url) -> bool {
    let values = asked.query_pairs().map(|(_, value)| value.into_owned());
    let login = [asked.username().to_owned(), asked.password().unwrap_or_default().to_owned()];
    let written =
        asked.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value.to_owned());
    values.chain(login).chain(written).any(|secret| secret.len() >= SHORTEST_SECRET && line.contains(&secret))
}

/// `30 s`, `250 ms`.
pub(super) fn seconds(time: Duration) -> String {
    if time.subsec_millis() == 0 { format!("{} s", time.as_secs()) } else { format!("{} ms", time.as_millis()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{HeaderName, HeaderValue};

    fn words(kind: &'static str, body: &str) -> Option<String> {
        let headers = HeaderMap::from_iter([(HeaderName::from_static("content-type"), HeaderValue::from_static(kind))]);
        first_words(&headers, body.as_bytes(), &Url::parse("https://me:hunter2@h.example/feed?token=abc123").unwrap())
    }

    #[test]
    fn a_server_speaks_for_itself_in_one_short_harmless_line() {
        for (kind, body, line) in [
            ("text/html", "<!doctype html><html><head><title>No &amp; never</title></head><body>x", "No & never"),
            ("text/html", "<h1>Forbidden</h1><script>x()</script><p>Go away.</p>", "Forbidden Go away"),
            ("text/plain; charset=utf-8", "\n  no such page\nmore\n", "no such page"),
            ("application/json", r#"{"status":403,"message":"Too many\r\nrequests"}"#, "Too many requests"),
            ("application/json", "[1]", "[1]"),
            ("text/plain", "\u{202e}gpj.exe \u{1b}[31mred", "gpj.exe [31mred"),
        ] {
            assert_eq!(words(kind, body).as_deref(), Some(line), "{body}");
        }
        assert!(words("text/plain", &"word ".repeat(99)).unwrap().chars().count() <= LONGEST);
        assert_eq!(words("text/plain", " \n "), None);
        assert_eq!(words("image/png", "PNG"), None);
    }

    #[test]
    fn words_that_repeat_a_secret_of_the_url_are_not_shown() {
        assert_eq!(words("text/plain", "cannot find /feed?token=abc123"), None);
        assert_eq!(words("text/plain", "user me:hunter2 is unknown"), None);
    }
}
