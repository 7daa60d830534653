//! What a document is that holds no feed, in words for an error.

use url::Url;

use super::super::canonical::members;
use super::super::discover::discover;
use super::super::text;
use super::{is_page, tags};
use crate::secret::redact;

/// How much of a document is looked at for these words.
const LOOKED_AT: usize = 256 * 1024;
/// The longest quotation of a document, in characters.
const LONGEST: usize = 100;
/// How many of the feeds that a page names are listed.
const MOST_FEEDS: usize = 5;

/// What stands between a reader and a page, by what only it writes.
const CHALLENGES: &[(&str, &str)] = &[
    ("_cf_chl_opt", "Cloudflare"),
    ("<title>just a moment...", "Cloudflare"),
    ("attention required! | cloudflare", "Cloudflare"),
    ("making sure you&#39;re not a bot", "Anubis"),
    ("making sure you're not a bot", "Anubis"),
    ("within.website/x/cmd/anubis", "Anubis"),
    ("_incapsula_resource", "Incapsula"),
    ("ddos-guard", "DDoS-Guard"),
    ("sucuri website firewall", "Sucuri"),
    ("captcha-delivery.com", "DataDome"),
    ("px-captcha", "HUMAN"),
    ("awswafintegration", "AWS"),
    ("<title>vercel security checkpoint", "Vercel"),
];
const CAPTCHAS: &[&str] = &["g-recaptcha", "h-captcha", "cf-turnstile", "are you a robot", "are you human", "not a robot"];
const SIGN_IN: &[&str] = &[
    "log in",
    "login",
    "sign in",
    "signin",
    "anmelden",
    "anmeldung",
    "connexion",
    "iniciar sesión",
    "accedi",
    "inloggen",
    "entrar",
];
const TROUBLE: &[&str] = &[
    "not found",
    "forbidden",
    "unauthorized",
    "denied",
    "error",
    "unavailable",
    "maintenance",
    "bad gateway",
    "timeout",
    "timed out",
    "too many requests",
    "suspended",
    "expired",
    "for sale",
    "parked",
    "gone",
    "blocked",
    "moved permanently",
    "found",
    "no longer",
];

/// What a text is, after "the document is".
pub(in crate::feed) fn not_a_feed(text: &str, base: Option<&Url>) -> String {
    let head = head(text);
    if is_page(head) {
        return page(head, base);
    }
    if let Some(members) = members(text) {
        return json(&members);
    }
    let root = tags(head).map(|(_, name, _)| name).find(|name| !name.starts_with(['?', '!', '/']));
    match root {
        Some(root) => xml(root, head),
        None if head.trim_start().starts_with("<?xml") => "an XML document without a root".to_owned(),
        None => match quoted(head.lines().find(|line| !line.trim().is_empty()).unwrap_or_default()) {
            Some(line) => format!("plain text: {line}"),
            None => "plain text".to_owned(),
        },
    }
}

fn head(text: &str) -> &str {
    let end = (0..=LOOKED_AT.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    &text[..end]
}

fn page(page: &str, base: Option<&Url>) -> String {
    let lower = page.to_ascii_lowercase();
    let title = between(page, &lower, "<title", "</title").map(text::from_html).and_then(|title| quoted(&title));
    let said = title.as_deref().unwrap_or_default().to_lowercase();
    let names = feeds(page, base);
    if let Some((_, whose)) = CHALLENGES.iter().find(|(mark, _)| lower.contains(mark)) {
        return format!("a challenge page of {whose}, for people with a browser");
    }
    if names.is_empty() && CAPTCHAS.iter().any(|mark| lower.contains(mark) || said.contains(mark)) {
        return "a page with a captcha, for people with a browser".to_owned();
    }
    if !names.is_empty() {
        let listed = names.iter().take(MOST_FEEDS).cloned().collect::<Vec<_>>().join(", ");
        let more = names.len().saturating_sub(MOST_FEEDS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let count = crate::words::count(names.len() as u64, "feed");
        return format!("an HTML page; it names {count}: {listed}{more}");
    }
    let asks = lower.contains("type=\"password\"") || lower.contains("type='password'") || lower.contains("type=password");
    if asks || (!said.is_empty() && SIGN_IN.iter().any(|word| said.contains(word))) {
        return "a login page".to_owned();
    }
    let status = |said: &str| said.bytes().take(3).filter(u8::is_ascii_digit).count() == 3 && said.starts_with(['4', '5']);
    match title {
        Some(title) if status(&said) || TROUBLE.iter().any(|word| said.contains(word)) => {
            format!("an HTML page that says: {title}")
        }
        Some(title) => format!("an HTML page that names no feed: {title}"),
        None => "an HTML page that names no feed".to_owned(),
    }
}

/// The addresses of the feeds that a page names, without secrets. Without a base a relative one stays so.
fn feeds(page: &str, base: Option<&Url>) -> Vec<String> {
    let unknown = Url::parse("http://unknown.invalid/").ok();
    let Some(base) = base.filter(|base| !base.cannot_be_a_base()).or(unknown.as_ref()) else { return Vec::new() };
    let shown = |url: &Url| redact(url).replacen("http://unknown.invalid", "", 1);
    discover(page.as_bytes(), base).iter().map(|found| shown(&found.url)).collect()
}

fn json(members: &[(String, String)]) -> String {
    let said = |names: &[&str]| {
        let known = |(key, _): &&(String, String)| names.iter().any(|name| name.eq_ignore_ascii_case(key));
        members.iter().find(known).map(|(_, value)| value.as_str())
    };
    let error = said(&["error", "errors", "error_description", "fault"]);
    let message = said(&["message", "error_description", "detail", "title"]).filter(|message| !message.is_empty());
    let is_error = error.is_some() || said(&["status", "statusCode", "code"]).is_some() && message.is_some();
    if is_error {
        return match message.or(error).and_then(quoted) {
            Some(message) => format!("an error message of a server: {message}"),
            None => "an error message of a server".to_owned(),
        };
    }
    if members.is_empty() {
        return "JSON without any keys".to_owned();
    }
    let keys: Vec<String> = members.iter().take(10).filter_map(|(key, _)| quoted(key)).collect();
    format!("JSON that is no JSON Feed (its keys are {})", keys.join(", "))
}

fn xml(root: &str, text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let local = root.rsplit(':').next().unwrap_or(root).to_ascii_lowercase();
    let part = |from: &str, to: &str| between(text, &lower, from, to).map(text::from_html).and_then(|said| quoted(&said));
    match local.as_str() {
        "opml" | "outline" => "an OPML list of subscriptions".to_owned(),
        "urlset" | "sitemapindex" => "a sitemap".to_owned(),
        "svg" => "an SVG image".to_owned(),
        "error" | "fault" | "envelope" | "response" | "problem"
            if lower.contains("<message") || lower.contains("<faultstring") =>
        {
            match part("<message", "</message").or_else(|| part("<faultstring", "</faultstring")) {
                Some(message) => format!("an error message of a server: {message}"),
                None => "an error message of a server".to_owned(),
            }
        }
        _ => format!("an XML document with the root `{}`", text::cut(root, LONGEST)),
    }
}

/// The text inside the first element of that name; `lower` is the same text in small letters.
fn between<'a>(text: &'a str, lower: &str, from: &str, to: &str) -> Option<&'a str> {
    let start = lower.find(from)?;
    let start = start + lower[start..].find('>')? + 1;
    let end = lower[start..].find(to).or_else(|| lower[start..].find('<'))? + start;
    Some(&text[start..end])
}

/// A piece of the document as one short line.
fn quoted(text: &str) -> Option<String> {
    Some(text::cut(&text::one_line(text), LONGEST)).filter(|line| !line.is_empty())
}
