//! What templates may say about a feed and an entry: the variables `feed.…` and `entry.…`.

use serde::Serialize;

use super::entry::Entry;

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
    /// When it was published, RFC 3339, or nothing.
    pub published: String,
    /// When it was last changed, RFC 3339, or nothing.
    pub updated: String,
    /// The beginning of its text, on one line.
    pub summary: String,
    /// The page with its comments.
    pub comments: String,
    /// The names of other feeds that carry the same story and deliver it here with this one.
    pub also_in: Vec<String>,
    /// Where the body is from, in a feed whose entries' pages are fetched: `page`, or `feed` where that failed.
    pub content_from: String,
    /// What went otherwise than the configuration asks for, in words.
    pub notes: Vec<String>,
}

/// The variables of every template.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// `feed.…`
    pub feed: FeedFacts,
    /// `entry.…`
    pub entry: EntryFacts,
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
            published: time(entry.published),
            updated: time(entry.updated),
            summary: summary.to_owned(),
            comments: entry.comments.clone().unwrap_or_default(),
            also_in: Vec::new(),
            content_from: String::new(),
            notes: Vec::new(),
        };
        Self { feed: feed.clone(), entry }
    }

    /// Invented facts with every variable set: what a template is tried on before it is needed.
    #[must_use]
    pub fn specimen() -> Self {
        let text = || "specimen".to_owned();
        let url = || "https://example.org/specimen".to_owned();
        let time = || "2026-01-02T03:04:05Z".to_owned();
        let feed =
            FeedFacts { name: text(), title: text(), url: url(), link: url(), tags: vec![text()], language: "en".to_owned() };
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
            comments: url(),
            also_in: vec![text()],
            content_from: "page".to_owned(),
            notes: vec![text()],
        };
        Self { feed, entry }
    }
}
