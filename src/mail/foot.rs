//! PURE. What stands around the body of a mail: who wrote it and when above it; below it where it stands, what comes with it,
//! and which feed it came from. As facts, which the two parts write each in its way.

use jiff::Timestamp;
use url::Url;

use super::compose::Letter;
use crate::expression::size;
use crate::feed::text::{cut, one_line};
use crate::feed::{Enclosure, Entry, Facts, file_name};

/// How many characters of a list of tags or feeds are shown.
const LIST: usize = 300;
/// How many of what is to be known of how it was made.
const NOTE: usize = 300;
/// How many of a file's name.
const NAME: usize = 80;

/// Who wrote it, when, and in which feed.
pub(super) struct Byline {
    /// Who, where that is not the feed.
    pub(super) author: Option<String>,
    /// When.
    pub(super) date: Option<String>,
    /// In which feed.
    pub(super) feed: String,
}

/// A file that comes with an entry.
pub(super) struct File<'a> {
    /// Where it is.
    pub(super) url: &'a str,
    /// What it is called.
    pub(super) name: String,
    /// Its type, its size and how long it plays, where they are known.
    pub(super) detail: Option<String>,
}

impl Byline {
    pub(super) fn of(entry: &Entry, facts: &Facts) -> Self {
        let author = one_line(&facts.entry.author);
        let author = Some(author).filter(|author| !author.is_empty() && *author != facts.feed.title);
        Self { author, date: entry.dated().map(day), feed: one_line(&facts.feed.title) }
    }

    /// Its parts, in their order.
    pub(super) fn parts(&self) -> impl Iterator<Item = &str> {
        [self.author.as_deref(), self.date.as_deref(), Some(self.feed.as_str())].into_iter().flatten()
    }
}

/// The files that come with an entry; what the mail carries of them is as large as it is, whatever the feed says.
pub(super) fn files(letter: Letter<'_>) -> impl Iterator<Item = File<'_>> {
    let carried = move |url: &str| {
        let file = letter.attachments.iter().find(|file| file.url == url).map(|file| &file.bytes);
        let bytes = file.or_else(|| letter.inline.iter().find(|image| image.url == url).map(|image| &image.bytes))?;
        Some(bytes.len() as u64)
    };
    letter.entry.enclosures.iter().map(move |enclosure| {
        let Enclosure { url, r#type, length, duration } = enclosure;
        let length = carried(url).or(*length).filter(|bytes| *bytes > 0);
        let facts: Vec<String> =
            [r#type.as_deref().map(one_line), length.map(size), duration.map(time)].into_iter().flatten().collect();
        File { url, name: name(url), detail: Some(facts.join(", ")).filter(|detail| !detail.is_empty()) }
    })
}

/// The entry's tags in a line, where it has any.
pub(super) fn tags(entry: &Entry) -> Option<String> {
    (!entry.tags.is_empty()).then(|| cut(&one_line(&entry.tags.join(", ")), LIST))
}

/// The other feeds that carry the story, where there are any.
pub(super) fn also_in(facts: &Facts) -> Option<String> {
    (!facts.entry.also_in.is_empty()).then(|| cut(&facts.entry.also_in.join(", "), LIST))
}

/// What went otherwise than the configuration asks for.
pub(super) fn notes(facts: &Facts) -> impl Iterator<Item = String> {
    facts.entry.notes.iter().map(|note| cut(&one_line(note), NOTE))
}

/// The feed's title, with the name it has in the configuration where that is another.
pub(super) fn feed(facts: &Facts) -> String {
    let (name, title) = (&facts.feed.name, one_line(&facts.feed.title));
    if title == *name { title } else { format!("{title} ({name})") }
}

/// The command that ends it; nothing for what is no feed, such as notices.
pub(super) fn stop(facts: &Facts) -> Option<String> {
    (!facts.feed.url.is_empty()).then(|| format!("feeds pause {}", facts.feed.name))
}

/// What the file at an address is called.
fn name(url: &str) -> String {
    let host = || Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    cut(&file_name(url).or_else(host).unwrap_or_else(|| url.to_owned()), NAME)
}

/// How long something plays, for people.
fn time(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A day for people. UTC, so that the same entry always makes the same mail.
fn day(at: Timestamp) -> String {
    at.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// Whether an address may be a link.
pub(super) fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_in_utc() {
        assert_eq!(day("2026-01-02T03:04:05Z".parse().unwrap()), "2 January 2026, 03:04 UTC");
    }

    #[test]
    fn how_long_a_file_plays_is_written_as_players_do() {
        assert_eq!([7, 153, 3_753].map(time), ["0:07", "2:33", "1:02:33"]);
    }

    #[test]
    fn a_file_is_named_after_its_address() {
        assert_eq!(name("https://example.org/audio/Episode%20%231.mp3?x=1"), "Episode #1.mp3");
        assert_eq!(name("https://example.org/"), "example.org");
        assert_eq!(name("not an address"), "not an address");
    }
}
