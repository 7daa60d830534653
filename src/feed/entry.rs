//! The model that all formats share. Values only; what they mean is decided by the rooms above.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::address::untracked;
use super::richest::richest;

/// What a source's bytes hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// The format it was written in: `rss2.0`, `rss1.0`, `rss0.9`, `atom`, `json`.
    pub format: &'static str,
    /// Its title, as plain text.
    pub title: Option<String>,
    /// What it says of itself, as plain text.
    pub subtitle: Option<String>,
    /// The page that belongs to it.
    pub link: Option<String>,
    /// Its own identifier.
    pub id: Option<String>,
    /// When it says it was last changed.
    pub updated: Option<Timestamp>,
    /// A language tag (BCP 47), as written.
    pub language: Option<String>,
    /// Who is named for the whole of it.
    pub authors: Vec<Person>,
    /// Its entries, in the document's order.
    pub entries: Vec<Entry>,
}

/// One item of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// guid, `atom:id`, `rdf:about` or JSON id, as written.
    pub id: Option<String>,
    /// Its title, as plain text on one line.
    pub title: Option<String>,
    /// Its links, alternate first.
    pub links: Vec<Link>,
    /// Who wrote it.
    pub authors: Vec<Person>,
    /// When it says it was published.
    pub published: Option<Timestamp>,
    /// When it says it was last changed.
    pub updated: Option<Timestamp>,
    /// A short body, as HTML that nobody has cleaned yet.
    pub summary: Option<String>,
    /// The full body, as HTML that nobody has cleaned yet.
    pub content: Option<String>,
    /// What relative URLs in the bodies are relative to, where the document says so.
    pub base: Option<String>,
    /// Its categories.
    pub tags: Vec<String>,
    /// Files that come with it.
    pub enclosures: Vec<Enclosure>,
    /// A picture of its own.
    pub image: Option<String>,
    /// The page with its comments.
    pub comments: Option<String>,
    /// A language tag (BCP 47), as written.
    pub language: Option<String>,
}

/// A link of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Where it goes, absolute wherever the document allows that.
    pub href: String,
    /// What it is to the entry (RFC 8288): `alternate`, `via`, `related` …
    pub rel: Option<String>,
    /// The media type of what is there.
    pub r#type: Option<String>,
}

/// Someone who is named in a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// A name, as plain text.
    pub name: Option<String>,
    /// An address.
    pub email: Option<String>,
    /// A page.
    pub uri: Option<String>,
}

/// A file that comes with an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enclosure {
    /// Where it is.
    pub url: String,
    /// Its media type.
    pub r#type: Option<String>,
    /// Its length in bytes, as the document claims.
    pub length: Option<u64>,
    /// How long it plays, in seconds, as the document claims.
    #[serde(default)]
    pub duration: Option<u64>,
}

impl Entry {
    /// The entry's own page: its first link with `rel=alternate` or without a `rel`.
    #[must_use]
    pub fn link(&self) -> Option<&str> {
        let own = |link: &&Link| matches!(link.rel.as_deref(), None | Some("alternate" | ""));
        self.links.iter().find(own).map(|link| link.href.as_str())
    }

    /// The entry as it is delivered: no address that it leads to tells who sent its reader there.
    #[must_use]
    pub fn untracked(&self) -> Cow<'_, Self> {
        let own = self.links.iter().map(|link| &link.href).chain(self.enclosures.iter().map(|file| &file.url));
        if !own.chain(&self.comments).any(|url| matches!(untracked(url), Cow::Owned(_))) {
            return Cow::Borrowed(self);
        }
        let mut entry = self.clone();
        let own = entry.links.iter_mut().map(|link| &mut link.href).chain(entry.enclosures.iter_mut().map(|file| &mut file.url));
        own.chain(&mut entry.comments).for_each(|url| *url = untracked(url).into_owned());
        Cow::Owned(entry)
    }

    /// When it is dated: published, else last changed.
    #[must_use]
    pub fn dated(&self) -> Option<Timestamp> {
        self.published.or(self.updated)
    }

    /// The richest of its bodies.
    #[must_use]
    pub fn body(&self) -> Option<&str> {
        richest(self.content.as_deref(), self.summary.as_deref())
    }
}

impl Person {
    /// The name to show: name, else address, else page.
    #[must_use]
    pub fn shown(&self) -> Option<&str> {
        [&self.name, &self.email, &self.uri].into_iter().flatten().map(String::as_str).find(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Keys;

    #[test]
    fn an_entry_is_delivered_without_what_tracks_its_reader_and_recognised_as_ever() {
        let link = Link { href: "https://h.example/1?utm_source=rss&p=2".to_owned(), ..Link::default() };
        let file = Enclosure { url: "https://h.example/1.mp3?utm_source=rss".to_owned(), ..Enclosure::default() };
        let comments = Some("https://h.example/1?fbclid=3#c".to_owned());
        let entry = Entry { links: vec![link], enclosures: vec![file], comments, ..Entry::default() };
        let delivered = entry.untracked();
        let shown = (delivered.link(), delivered.enclosures[0].url.as_str(), delivered.comments.as_deref());
        assert_eq!(shown, (Some("https://h.example/1?p=2"), "https://h.example/1.mp3", Some("https://h.example/1#c")));
        assert_eq!(Keys::of(&entry), Keys::of(&delivered));
        assert!(matches!(delivered.untracked(), Cow::Borrowed(_)));
    }
}
