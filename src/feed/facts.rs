//! What templates may say about a feed and an entry: the variables `feed.…` and `entry.…`.

use serde::Serialize;
use url::Url;

use super::entry::{Enclosure, Entry};

/// A feed as it is shown in mails and templates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FeedFacts {
    /// The feed's name in the configuration.
    pub name: String,
    /// Its title, else its name.
    pub title: String,
    /// Its URL as configured, secrets masked.
    pub url: String,
    /// The page that belongs to it.
    pub link: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its language tag, or nothing.
    pub language: String,
    /// The host of its page, else of its URL.
    pub host: String,
}

/// An entry as it is shown in templates: absent is the empty text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EntryFacts {
    /// Its title, as plain text.
    pub title: String,
    /// Its page.
    pub link: String,
    /// Its own identifier.
    pub id: String,
    /// Its first author's name.
    pub author: String,
    /// All its authors' names.
    pub authors: Vec<String>,
    /// Its categories.
    pub tags: Vec<String>,
    /// When it was published, else last changed: as above its text. RFC 3339, or nothing.
    pub published: String,
    /// When it was last changed, RFC 3339, or nothing.
    pub updated: String,
    /// The beginning of its text, on one line.
    pub summary: String,
    /// A picture of its own.
    pub image: String,
    /// The page with its comments.
    pub comments: String,
    /// The names of other feeds that carry the same story and deliver it here with this one.
    pub also_in: Vec<String>,
    /// Its language tag, else the feed's.
    pub language: String,
    /// Files that come with it.
    pub enclosures: Vec<EnclosureFacts>,
    /// Where the body is from, in a feed whose entries' pages are fetched: `page`, or `feed` where that failed.
    pub content_from: String,
    /// What went otherwise than the configuration asks for, in words.
    pub notes: Vec<String>,
}

/// A file that comes with an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EnclosureFacts {
    /// Where it is.
    pub url: String,
    /// Its media type.
    pub r#type: String,
    /// Its length in bytes; 0 where it is not known.
    pub length: u64,
    /// How long it plays, in seconds; 0 where that is not known.
    pub duration: u64,
}

/// The variables of every template.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// `feed.…`
    pub feed: FeedFacts,
    /// `entry.…`
    pub entry: EntryFacts,
}

impl EnclosureFacts {
    fn of(enclosure: &Enclosure) -> Self {
        let Enclosure { url, r#type, length, duration } = enclosure;
        Self {
            url: url.clone(),
            r#type: r#type.clone().unwrap_or_default(),
            length: length.unwrap_or_default(),
            duration: duration.unwrap_or_default(),
        }
    }
}

/// The host of an address.
fn host(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(str::to_owned)
}

impl Facts {
    /// The facts of `entry` in `feed`; `summary` is the beginning of its readable text.
    #[must_use]
    pub fn new(feed: &FeedFacts, entry: &Entry, summary: &str) -> Self {
        let authors: Vec<String> = entry.authors.iter().filter_map(|a| a.shown()).map(str::to_owned).collect();
        let time = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        let entry = EntryFacts {
            title: entry.title.clone().unwrap_or_default(),
            link: entry.link().unwrap_or_default().to_owned(),
            id: entry.id.clone().unwrap_or_default(),
            author: authors.first().cloned().unwrap_or_default(),
            authors,
            tags: entry.tags.clone(),
            published: time(entry.dated()),
            updated: time(entry.updated),
            summary: summary.to_owned(),
            image: entry.image.clone().unwrap_or_default(),
            comments: entry.comments.clone().unwrap_or_default(),
            also_in: Vec::new(),
            language: entry.language.clone().unwrap_or_else(|| feed.language.clone()),
            enclosures: entry.enclosures.iter().map(EnclosureFacts::of).collect(),
            content_from: String::new(),
            notes: Vec::new(),
        };
        let mut feed = feed.clone();
        feed.host = [&feed.link, &feed.url].into_iter().find_map(|url| host(url)).unwrap_or_default();
        Self { feed, entry }
    }

    /// Invented facts with every variable set: what a template is tried on before it is needed.
    #[must_use]
    pub fn specimen() -> Self {
        let text = || "specimen".to_owned();
        let url = || "https://example.org/specimen".to_owned();
        let time = || "2026-01-02T03:04:05Z".to_owned();
        let feed = FeedFacts {
            name: text(),
            title: text(),
            url: url(),
            link: url(),
            tags: vec![text()],
            language: "en".to_owned(),
            host: "example.org".to_owned(),
        };
        let entry = EntryFacts {
            title: text(),
            link: url(),
            id: text(),
            author: text(),
            authors: vec![text()],
            tags: vec![text()],
            published: time(),
            updated: time(),
            summary: text(),
            image: url(),
            comments: url(),
            also_in: vec![text()],
            language: "en".to_owned(),
            enclosures: vec![EnclosureFacts { url: url(), r#type: "audio/mpeg".to_owned(), length: 1_000, duration: 60 }],
            content_from: "page".to_owned(),
            notes: vec![text()],
        };
        Self { feed, entry }
    }
}
