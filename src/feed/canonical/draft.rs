//! A document on its way to Atom: what each dialect said, by what Atom calls it. Addresses are absolute where that is possible,
//! dates are read, and of several candidates for one place the best is kept.

use jiff::Timestamp;

use super::super::entry::{Enclosure, Link, Person};
use super::super::hints::Hints;

/// Text and whether it is markup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    /// The text, character references resolved as far as the document's own format has them.
    pub(crate) text: String,
    /// Whether it is HTML; else it is to be shown as it is.
    pub(crate) html: bool,
}

/// A value with its rank among those that a document offers for the same place.
#[derive(Debug)]
pub(crate) struct Best<T> {
    value: Option<T>,
    rank: u8,
}

/// What a document says of itself.
#[derive(Debug, Default)]
pub(crate) struct FeedDraft {
    pub(crate) title: Best<Words>,
    pub(crate) subtitle: Best<Words>,
    pub(crate) id: Option<String>,
    pub(crate) links: Vec<Link>,
    pub(crate) updated: Best<Timestamp>,
    pub(crate) language: Best<String>,
    pub(crate) authors: Best<Vec<Person>>,
    pub(crate) image: Option<String>,
    pub(crate) hints: Hints,
}

/// One entry of it.
#[derive(Debug, Default)]
pub(crate) struct EntryDraft {
    /// Whether anything at all was said of it.
    pub(crate) told: bool,
    pub(crate) id: Best<String>,
    pub(crate) title: Best<Words>,
    /// The entry's own page, where a better one than the first of `links` is known.
    pub(crate) page: Best<String>,
    pub(crate) links: Vec<Link>,
    pub(crate) authors: Best<Vec<Person>>,
    pub(crate) published: Best<Timestamp>,
    pub(crate) updated: Best<Timestamp>,
    pub(crate) summary: Best<Words>,
    pub(crate) content: Best<Words>,
    /// What relative addresses in the bodies are relative to, where the document says so.
    pub(crate) base: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) tags: Vec<String>,
    /// Files that come with it.
    pub(crate) enclosures: Files,
    /// Files that are other forms of those, or are shown with it.
    pub(crate) others: Files,
    /// How long it plays, in seconds.
    pub(crate) duration: Option<u64>,
    /// A picture of its own.
    pub(crate) image: Best<String>,
    pub(crate) comments: Option<String>,
}

/// Files, each once.
#[derive(Debug, Default)]
pub(crate) struct Files(pub(crate) Vec<Enclosure>);

/// The largest number of links, of people, of tags and of files that are kept of one entry.
pub(crate) const MOST_PARTS: usize = 50;

impl Words {
    /// HTML.
    pub(crate) fn html(text: impl Into<String>) -> Self {
        Self { text: text.into(), html: true }
    }

    /// Plain text.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), html: false }
    }
}

impl<T> Default for Best<T> {
    fn default() -> Self {
        Self { value: None, rank: 0 }
    }
}

impl<T> Best<T> {
    /// Takes the value if it ranks higher than what is there; of two of one rank the first stays.
    pub(crate) fn offer(&mut self, rank: u8, value: T) {
        if self.value.is_none() || rank > self.rank {
            *self = Self { value: Some(value), rank };
        }
    }

    /// Takes the value unless it ranks lower than what is there: of two of one rank the last stays.
    pub(crate) fn offer_last(&mut self, rank: u8, value: T) {
        if self.value.is_none() || rank >= self.rank {
            *self = Self { value: Some(value), rank };
        }
    }

    /// What is there.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// What is there, with its rank.
    pub(crate) fn ranked(&mut self) -> Option<(u8, &mut T)> {
        let rank = self.rank;
        self.value.as_mut().map(|value| (rank, value))
    }

    /// What is there, taken out.
    pub(crate) fn take(&mut self) -> Option<T> {
        self.value.take()
    }
}

impl Best<Vec<Person>> {
    /// Adds a person to those of the same rank; a higher rank replaces the lower ones.
    pub(crate) fn add(&mut self, rank: u8, person: Person) {
        match self.ranked() {
            Some((there, people)) if there == rank => {
                if people.len() < MOST_PARTS && !joined(people, &person) {
                    people.push(person);
                }
            }
            _ => self.offer(rank, vec![person]),
        }
    }
}

/// Whether a person is one of those already, who then knows what the new one knew.
fn joined(people: &mut [Person], person: &Person) -> bool {
    let same = |a: &Option<String>, b: &Option<String>| match (a, b) {
        (Some(a), Some(b)) => a.to_lowercase() == b.to_lowercase(),
        _ => false,
    };
    let Some(known) = people.iter_mut().find(|known| {
        let conflict = |a: &Option<String>, b: &Option<String>| a.is_some() && b.is_some() && !same(a, b);
        let (name, email) = (same(&known.name, &person.name), same(&known.email, &person.email));
        (name && !conflict(&known.email, &person.email)) || (email && !conflict(&known.name, &person.name))
    }) else {
        return false;
    };
    known.name = known.name.take().or_else(|| person.name.clone());
    known.email = known.email.take().or_else(|| person.email.clone());
    known.uri = known.uri.take().or_else(|| person.uri.clone());
    true
}

impl Files {
    /// Adds a file, once; a second mention adds what the first did not know.
    pub(crate) fn add(&mut self, file: Enclosure) {
        if let Some(known) = self.0.iter_mut().find(|known| known.url == file.url) {
            known.r#type = known.r#type.take().or(file.r#type);
            known.length = known.length.or(file.length);
            known.duration = known.duration.or(file.duration);
        } else if self.0.len() < MOST_PARTS {
            self.0.push(file);
        }
    }
}

impl EntryDraft {
    /// Adds a tag, once.
    pub(crate) fn tag(&mut self, tag: &str) {
        let tag = super::super::text::one_line(tag);
        if !tag.is_empty() && self.tags.len() < MOST_PARTS && !self.tags.contains(&tag) {
            self.tags.push(tag);
        }
    }

    /// Adds a link, once for each of its relations.
    pub(crate) fn link(&mut self, link: Link) {
        let known = |known: &Link| known.href == link.href && known.rel == link.rel;
        if self.links.len() < MOST_PARTS && !self.links.iter().any(known) {
            self.links.push(link);
        }
    }
}
