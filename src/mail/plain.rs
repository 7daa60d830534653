//! PURE. The text part: the body, then where it stands and what comes with it. The body comes broken into lines; what stands
//! around it is broken in `flow`.

use std::fmt::Write as _;

use super::compose::Letter;
use super::flow;
use super::foot::{self, Byline, is_web};

/// Who wrote it, when, and in which feed.
pub(super) fn byline(letter: Letter<'_>) -> String {
    Byline::of(letter.entry, letter.facts).parts().collect::<Vec<_>>().join(" · ")
}

/// How the part's lines are broken.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lines {
    /// At this width, so that a reader's program can join them again.
    Flowed(usize),
    /// At this width, as a person sees them; not at all where it is 0.
    Shown(usize),
}

impl Lines {
    /// A text whose every line is a whole.
    pub(super) fn of(self, text: &str) -> String {
        match self {
            Self::Flowed(width) => flow::flowed(text, width),
            Self::Shown(width) => flow::shown(text, width),
        }
    }
}

/// The whole part: the body, whose lines are broken already, and what stands around it.
pub(super) fn text(letter: Letter<'_>, lines: Lines) -> String {
    let mut text = lines.of(&byline(letter));
    text.push('\n');
    let body = match lines {
        Lines::Flowed(_) => &letter.article.flowed,
        Lines::Shown(_) => &letter.article.text,
    };
    if !body.is_empty() {
        text.push_str(body);
        text.push_str("\n\n");
    }
    text.push_str(&lines.of(&foot(letter)));
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
    for file in foot::files(letter) {
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
