//! PURE. An entry as scripts and programs see it: its bodies clean and with absolute URLs, as a sink would be given them.

use jiff::Timestamp;
use serde::Serialize;

use super::{base_of, clean};
use crate::feed::{Enclosure, Entry, Link, Person};

/// An entry, as it stands in the JSON of `feeds show`, and as a `transform` program is given it.
#[derive(Debug, Clone, Serialize)]
pub struct ShownEntry {
    /// Its own identifier.
    pub id: Option<String>,
    /// Its title, as plain text.
    pub title: Option<String>,
    /// Its page.
    pub link: Option<String>,
    /// All its links.
    pub links: Vec<Link>,
    /// Who wrote it.
    pub authors: Vec<Person>,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// When it was last changed.
    pub updated: Option<Timestamp>,
    /// A short body, as clean HTML.
    pub summary: Option<String>,
    /// The full body, as clean HTML.
    pub content: Option<String>,
    /// Its categories.
    pub tags: Vec<String>,
    /// Files that come with it.
    pub enclosures: Vec<Enclosure>,
    /// A picture of its own.
    pub image: Option<String>,
    /// The page with its comments.
    pub comments: Option<String>,
}

impl ShownEntry {
    /// `feed_link` is what relative URLs are relative to where the entry names nothing nearer.
    #[must_use]
    pub fn new(entry: Entry, feed_link: Option<&str>) -> Self {
        let base = base_of(&entry, feed_link);
        let cleaned = |body: &str| clean(body, base.as_ref());
        let summary = entry.summary.as_deref().map(cleaned);
        Self {
            link: entry.link().map(str::to_owned),
            content: entry.content.as_deref().map(cleaned).or_else(|| summary.clone()),
            summary,
            id: entry.id,
            title: entry.title,
            links: entry.links,
            authors: entry.authors,
            published: entry.published,
            updated: entry.updated,
            tags: entry.tags,
            enclosures: entry.enclosures,
            image: entry.image,
            comments: entry.comments,
        }
    }
}
