//! PURE. The two readable parts of a mail, from one article: a single-column page with inline styles, and plain text.
//! No colours are set but greys that hold on light and dark: programs choose their own.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::headers::is_language;
use crate::article::Article;
use crate::feed::text::{cut, one_line, to_html};
use crate::feed::{Enclosure, Entry, Facts};

const FONT: &str = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

/// The HTML part.
pub(super) fn html(subject: &str, entry: &Entry, article: &Article, facts: &Facts) -> String {
    let language = entry.language.as_deref().unwrap_or(&facts.feed.language);
    let lang = if is_language(language) { format!(" lang=\"{language}\"") } else { String::new() };
    let title = match entry.link().filter(|link| is_web(link)) {
        Some(link) => anchor(link, subject, "color:inherit;text-decoration:none"),
        None => to_html(subject),
    };
    let byline: Vec<String> = byline(entry, facts).iter().map(|part| to_html(part)).collect();
    let mut footer = String::new();
    for (label, shown, url) in notes(entry, facts) {
        let shown = if is_web(&url) { anchor(&url, &shown, "color:inherit") } else { to_html(&shown) };
        let _ = write!(footer, "{}: {shown}<br>\r\n", to_html(label));
    }
    format!(
        "<!DOCTYPE html>\r\n<html{lang} dir=\"auto\">\r\n<head>\r\n<meta charset=\"utf-8\">\r\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\r\n\
         <meta name=\"color-scheme\" content=\"light dark\">\r\n<meta name=\"supported-color-schemes\" content=\"light dark\">\r\n\
         <title>{title_text}</title>\r\n</head>\r\n<body style=\"margin:0;padding:0\">\r\n\
         <div style=\"display:none;max-height:0;overflow:hidden\">{preheader}</div>\r\n\
         <div style=\"max-width:680px;margin:0 auto;padding:24px 16px;font-family:{FONT};font-size:17px;line-height:1.55\">\r\n\
         <h1 style=\"font-size:26px;line-height:1.25;margin:0 0 8px\">{title}</h1>\r\n\
         <p style=\"margin:0 0 24px;font-size:14px;color:#767676\">{byline}</p>\r\n\
         <div style=\"overflow-wrap:break-word\">\r\n{body}\r\n</div>\r\n\
         <p style=\"margin:32px 0 0;padding:12px 0 0;border-top:1px solid #999;font-size:14px;color:#767676;overflow-wrap:anywhere\">\r\n{footer}</p>\r\n\
         </div>\r\n</body>\r\n</html>\r\n",
        title_text = to_html(subject),
        preheader = to_html(&cut(&article.summary, 90)),
        byline = byline.join(" · "),
        body = article.html,
    )
}

/// The text part: the body, then where it stands and what comes with it.
pub(super) fn text(entry: &Entry, article: &Article, facts: &Facts) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}\n", byline(entry, facts).join(" · "));
    if !article.text.is_empty() {
        let _ = writeln!(text, "{}\n", article.text);
    }
    for (label, shown, url) in notes(entry, facts) {
        let detail = shown.strip_prefix(&url).unwrap_or(&shown).trim();
        match (url.is_empty(), detail.is_empty()) {
            (true, _) => {
                let _ = writeln!(text, "{label}: {shown}");
            }
            (false, true) => {
                let _ = writeln!(text, "{label}: {url}");
            }
            (false, false) => {
                let _ = writeln!(text, "{label}: {url} {detail}");
            }
        }
    }
    text
}

/// Who wrote it, when, and in which feed.
fn byline(entry: &Entry, facts: &Facts) -> Vec<String> {
    let author = Some(facts.entry.author.clone()).filter(|author| !author.is_empty() && *author != facts.feed.title);
    [author, entry.dated().map(day), Some(facts.feed.title.clone())].into_iter().flatten().collect()
}

/// What stands below the body: a label, what is shown, and the address behind it or nothing.
fn notes(entry: &Entry, facts: &Facts) -> Vec<(&'static str, String, String)> {
    let mut notes = Vec::new();
    if let Some(link) = entry.link() {
        notes.push(("Link", link.to_owned(), link.to_owned()));
    }
    if let Some(comments) = &entry.comments {
        notes.push(("Comments", comments.clone(), comments.clone()));
    }
    for enclosure in &entry.enclosures {
        notes.push(("Enclosure", described(enclosure), enclosure.url.clone()));
    }
    if !entry.tags.is_empty() {
        notes.push(("Tags", cut(&one_line(&entry.tags.join(", ")), 300), String::new()));
    }
    if !facts.entry.also_in.is_empty() {
        notes.push(("Also in", cut(&facts.entry.also_in.join(", "), 300), String::new()));
    }
    for note in &facts.entry.notes {
        notes.push(("Note", cut(&one_line(note), 300), String::new()));
    }
    let (name, title, url) = (&facts.feed.name, &facts.feed.title, &facts.feed.url);
    let named = if title == name { name.clone() } else { format!("{title} ({name})") };
    notes.push(("Feed", named, if is_web(url) { url.clone() } else { String::new() }));
    notes
}

/// An enclosure's address, type and size.
fn described(enclosure: &Enclosure) -> String {
    let facts: Vec<String> =
        [enclosure.r#type.clone(), enclosure.length.filter(|bytes| *bytes > 0).map(size)].into_iter().flatten().collect();
    if facts.is_empty() { enclosure.url.clone() } else { format!("{} ({})", enclosure.url, facts.join(", ")) }
}

/// A size for people, in decimal units with one digit.
fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000 => return format!("{bytes} bytes"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let tenths = bytes / (unit / 10);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// A day for people. UTC, so that the same entry always makes the same mail.
fn day(at: Timestamp) -> String {
    at.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn anchor(url: &str, shown: &str, style: &str) -> String {
    format!("<a href=\"{}\" style=\"{style}\">{}</a>", to_html(url), to_html(shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_written_for_people() {
        assert_eq!((size(999), size(1_500), size(12_345_678)), ("999 bytes".into(), "1.5 kB".into(), "12.3 MB".into()));
        assert!(size(u64::MAX).ends_with(" GB"));
    }

    #[test]
    fn a_day_is_written_in_utc() {
        assert_eq!(day("2026-01-02T03:04:05Z".parse().unwrap()), "2 January 2026, 03:04 UTC");
    }
}
