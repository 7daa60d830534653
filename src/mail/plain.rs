//! PURE. The text part: the body, then where it stands and what comes with it. Each line is a paragraph, a line of code, or a
//! row; how they are broken is decided in `flow`.

use std::fmt::Write as _;

use super::compose::Letter;
use super::foot::{self, Byline, is_web};
use crate::article::Article;

/// Who wrote it, when, and in which feed.
pub(super) fn byline(letter: Letter<'_>) -> String {
    Byline::of(letter.entry, letter.facts).parts().collect::<Vec<_>>().join(" · ")
}

/// The body's lines, each a whole.
pub(super) fn lines(article: &Article) -> &str {
    &article.text
}

/// The whole part, its lines treated by `broken`: the body and what stands around it.
pub(super) fn text(letter: Letter<'_>, broken: impl Fn(&str) -> String) -> String {
    let mut text = broken(&byline(letter));
    text.push('\n');
    let body = lines(letter.article);
    if !body.is_empty() {
        text.push_str(&broken(body));
        text.push('\n');
    }
    text.push_str(&broken(&foot(letter)));
    text
}

/// What stands below the body.
pub(super) fn foot(letter: Letter<'_>) -> String {
    let Letter { entry, facts, .. } = letter;
    let mut foot = String::new();
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(foot, "{label}: {value}");
    };
    if let Some(link) = entry.link() {
        line("Link", link);
    }
    if let Some(comments) = &entry.comments {
        line("Comments", comments);
    }
    for file in foot::files(entry) {
        line("Enclosure", &format!("{}{}", file.url, file.detail.map_or(String::new(), |detail| format!(" ({detail})"))));
    }
    if let Some(tags) = foot::tags(entry) {
        line("Tags", &tags);
    }
    if let Some(names) = foot::also_in(facts) {
        line("Also in", &names);
    }
    for note in foot::notes(facts) {
        line("Note", &note);
    }
    let (feed, url) = (foot::feed(facts), &facts.feed.url);
    line("Feed", &if is_web(url) { format!("{feed} {url}") } else { feed });
    if let Some(stop) = foot::stop(facts) {
        line("To stop it", &stop);
    }
    foot
}
