//! Who is named: as one text, or by the parts of a name, an address and a page.

use super::super::entry::Person;
use super::super::people;
use super::super::text::{from_html, one_line};
use super::draft::{Best, EntryDraft};
use super::inner::Inner;
use super::links::absolute;
use super::reader::{Context, value};
use super::soup::Tag;

impl<'a> Context<'a> {
    /// Adds a person, as one text or by its parts.
    pub(crate) fn author(&mut self, rank: u8, tag: &Tag<'a>, inner: Inner<'a>, authors: &mut Best<Vec<Person>>) {
        let person = if inner.markup {
            self.person(inner)
        } else {
            let text = inner.value(&self.entities).into_owned();
            let named = self.attribute(tag, "name").map(|name| Person { name: Some(name), ..Person::default() });
            people::person(&text).or(named)
        };
        if let Some(person) = person {
            authors.add(rank, person);
        }
    }

    fn person(&mut self, inner: Inner<'a>) -> Option<Person> {
        let (mut person, mut loose) = (Person::default(), None);
        self.children(inner, 0, &mut |context, name, _, inner, depth| {
            let text = value(context, &inner).map(|text| one_line(&text)).filter(|text| !text.is_empty());
            match &*name.local {
                "name" if person.name.is_none() => person.name = text.map(|text| from_html(&text)),
                "email" if person.email.is_none() => {
                    person.email = text.map(|text| text.strip_prefix("mailto:").map(str::to_owned).unwrap_or(text));
                }
                "uri" | "url" | "homepage" if person.uri.is_none() => {
                    person.uri = text.and_then(|text| absolute(&text, context.around()));
                }
                "title" | "fn" => loose = loose.take().or(text),
                _ if inner.markup && depth < 2 => return Some(inner),
                _ => loose = loose.take().or(text),
            }
            None
        });
        if person == Person::default() {
            // Markup in a name, or a name in markup.
            let text = || from_html(&inner.html(&self.names, &self.entities, None));
            return loose.as_deref().and_then(people::person).or_else(|| people::person(&text()));
        }
        match person.name.as_deref().and_then(people::person) {
            Some(Person { name: Some(name), email: Some(email), .. }) if person.email.is_none() => {
                Some(Person { name: Some(name), email: Some(email), uri: person.uri })
            }
            _ => Some(person),
        }
    }

    pub(crate) fn credit(&mut self, tag: &Tag<'a>, inner: Inner<'a>, entry: &mut EntryDraft) {
        let role = self.attribute(tag, "role").unwrap_or_default().to_ascii_lowercase();
        if matches!(
            &*role,
            "" | "author" | "owner" | "producer" | "director" | "photographer" | "artist" | "composer" | "musician"
        ) {
            self.author(1, tag, inner, &mut entry.authors);
        }
    }

    /// What an entry was taken from: its people, where the entry names none.
    pub(crate) fn source(&mut self, inner: Inner<'a>, entry: &mut EntryDraft) {
        self.children(inner, 0, &mut |context, name, tag, inner, _| {
            if &*name.local == "author" {
                context.author(0, tag, inner, &mut entry.authors);
            }
            None
        });
    }
}
