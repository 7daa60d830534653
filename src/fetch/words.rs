//! PURE. What a server says beside a status that is no success: its own first words, made short and harmless. Goes in: the
//! answer's body, the URL that was asked and with what. Comes out: a line, or nothing.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use url::Url;

use crate::feed::text::{cut, from_html, one_line};
use crate::net::HeaderMap;

/// So much of the body is looked at.
const LOOKED_AT: usize = 16 * 1024;
/// The longest line, in characters.
const LONGEST: usize = 120;
/// A part of a URL or of a header that is shorter is no secret that words could give away.
const SHORTEST_SECRET: usize = 4;

/// The first words of an answer: a page's title, else its text; of JSON the message; else the first line.
/// `own` are the header fields that this feed alone is asked with.
pub(super) fn first_words(headers: &HeaderMap, body: &[u8], asked: &Url, own: &HeaderMap) -> Option<String> {
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
    // Looked at before it is cut: half a secret is one too.
    if gives_away(&line, asked, own) {
        return None;
    }
    let line = cut(line.trim_end_matches('.'), LONGEST);
    (!line.is_empty()).then_some(line)
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

/// Whether words repeat what the URL or the request's header keeps secret, as those do that name what was not found or not known.
fn gives_away(line: &str, asked: &Url, own: &HeaderMap) -> bool {
    let values = asked.query_pairs().map(|(_, value)| value.into_owned());
    let login = [asked.username().to_owned(), asked.password().unwrap_or_default().to_owned()];
    let written =
        asked.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value.to_owned());
    let of_header = own.values().flat_map(|value| parts(&String::from_utf8_lossy(value.as_bytes())));
    values.chain(login).chain(written).chain(of_header).any(|secret| secret.len() >= SHORTEST_SECRET && line.contains(&secret))
}

/// What of a header's value could be a secret: its words, what stands after a `=`, and the name and password of a login.
fn parts(value: &str) -> Vec<String> {
    const SCHEMES: &[&str] = &["basic", "bearer", "token"];
    let mut parts = vec![value.to_owned()];
    for word in value.split([' ', ';', ',']).filter(|word| !SCHEMES.contains(&word.to_ascii_lowercase().as_str())) {
        let login = BASE64.decode(word).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        parts.extend(login.iter().flat_map(|login| login.splitn(2, ':')).map(str::to_owned));
        match word.split_once('=').filter(|(_, after)| !after.trim_matches('=').is_empty()) {
            Some((_, after)) => parts.push(after.to_owned()),
            None => parts.push(word.to_owned()),
        }
    }
    parts
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
        let header = |name, value| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let own = [
            header("authorization", "Basic dToxMjM0LWFiY2Q="),
            header("x-api-key", "swordfish"),
            header("cookie", "sid=9f86d0; lang=de"),
        ];
        let asked = Url::parse("https://me:hunter2@h.example/feed?token=abc123").unwrap();
        first_words(&headers, body.as_bytes(), &asked, &HeaderMap::from_iter(own))
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
        let long = format!("{} hunter2", "x".repeat(LONGEST - 4));
        assert_eq!(words("text/plain", &long), None, "nor half of one");
    }

    #[test]
    fn words_that_repeat_what_the_request_was_sent_with_are_not_shown() {
        for echo in ["bad key swordfish", "no session 9f86d0", "who is dToxMjM0LWFiY2Q=", "wrong password 1234-abcd"] {
            assert_eq!(words("text/plain", echo), None, "{echo}");
        }
        assert_eq!(
            words("text/plain", "your session has expired: Basic login").as_deref(),
            Some("your session has expired: Basic login")
        );
    }
}
