//! PURE. An entry as a `transform` program is given it, and what the program answers: the JSON of `feeds show`, both ways. A key
//! that the answer lacks stays as it was; one that is null is taken away.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::article::ShownEntry;
use crate::feed::text::{cut, one_line};
use crate::feed::{Entry, FeedFacts, Link};
use crate::words;

/// How many links, people, tags and files an entry keeps, as in a document.
const MOST: usize = 50;

/// What the program is given.
pub(super) fn input(entry: &Entry, feed: &FeedFacts, content_from: &str) -> Value {
    let feed_link = Some(feed.link.as_str()).filter(|link| !link.is_empty());
    let mut shown = serde_json::to_value(ShownEntry::new(entry.clone(), feed_link)).unwrap_or_default();
    if let Value::Object(fields) = &mut shown {
        fields.insert("feed".to_owned(), serde_json::to_value(feed).unwrap_or_default());
        if !content_from.is_empty() {
            fields.insert("content_from".to_owned(), content_from.into());
        }
    }
    shown
}

/// What a program made of an entry.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change {
    /// The entry; `None`: nothing, on purpose.
    pub(super) entry: Option<Entry>,
    /// What of its answer means nothing, in words.
    pub(super) remark: Option<String>,
}

/// What it made of the entry.
///
/// # Errors
/// What is wrong with its answer, in words: then the entry stays as it is.
pub(super) fn changed(entry: &Entry, input: &Value, answer: &[u8]) -> Result<Change, String> {
    if answer.trim_ascii().is_empty() {
        return Err("the program printed nothing; `null` would drop the entry".to_owned());
    }
    let answer: Value =
        serde_json::from_slice(answer).map_err(|error| format!("what the program printed is not JSON: {error}"))?;
    let fields = match &answer {
        Value::Null => return Ok(Change { entry: None, remark: None }),
        Value::Object(fields) => fields,
        _ => return Err("what the program printed is neither an entry nor `null`".to_owned()),
    };
    let remark = unknown_key(input, fields);
    let said = Said { input, fields };
    let mut entry = entry.clone();
    said.put("title", |title: Option<String>| entry.title = title.map(|title| one_line(&title)))?;
    said.put("links", |links: Option<Vec<Link>>| entry.links = bounded(links))?;
    said.put("link", |link: Option<String>| set_link(&mut entry, link))?;
    said.put("authors", |authors| entry.authors = bounded(authors))?;
    said.put("published", |at: Option<Timestamp>| entry.published = at)?;
    said.put("updated", |at: Option<Timestamp>| entry.updated = at)?;
    said.put("summary", |summary| entry.summary = summary)?;
    said.put("content", |content| entry.content = content)?;
    said.put("tags", |tags: Option<Vec<String>>| entry.tags = bounded(tags).iter().map(|tag| one_line(tag)).collect())?;
    said.put("enclosures", |files| entry.enclosures = bounded(files))?;
    said.put("image", |image| entry.image = image)?;
    said.put("comments", |comments| entry.comments = comments)?;
    Ok(Change { entry: Some(entry), remark })
}

/// Tells of the first key of an answer that no entry has.
fn unknown_key(input: &Value, fields: &Map<String, Value>) -> Option<String> {
    const KEY: usize = 40;
    let known: BTreeSet<&str> = input.as_object()?.keys().map(String::as_str).chain(["content_from"]).collect();
    let unknown = fields.keys().find(|key| !known.contains(key.as_str()))?;
    let unknown = cut(&one_line(unknown), KEY);
    let help = words::did_you_mean(&unknown, known.iter().copied(), "key");
    Some(format!("the program's `{unknown}` is no key of an entry; {help}"))
}

struct Said<'a> {
    input: &'a Value,
    fields: &'a Map<String, Value>,
}

impl Said<'_> {
    /// Puts a field that is not what it was: what is given back as it came has lost nothing by being shown clean.
    fn put<T: DeserializeOwned>(&self, key: &str, put: impl FnOnce(Option<T>)) -> Result<(), String> {
        let Some(value) = self.fields.get(key).filter(|value| Some(*value) != self.input.get(key)) else { return Ok(()) };
        let value =
            serde_json::from_value(value.clone()).map_err(|error| format!("the program's `{key}` is of no use: {error}"))?;
        put(value);
        Ok(())
    }
}

fn bounded<T>(list: Option<Vec<T>>) -> Vec<T> {
    let mut list = list.unwrap_or_default();
    list.truncate(MOST);
    list
}

fn set_link(entry: &mut Entry, link: Option<String>) {
    let own = |link: &Link| matches!(link.rel.as_deref(), None | Some("alternate" | ""));
    entry.links.retain(|link| !own(link));
    if let Some(href) = link.map(|link| one_line(&link)).filter(|link| !link.is_empty()) {
        entry.links.insert(0, Link { href, ..Link::default() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let link = |href: &str, rel: Option<&str>| Link { href: href.to_owned(), rel: rel.map(str::to_owned), r#type: None };
        Entry {
            id: Some("1".to_owned()),
            title: Some("One".to_owned()),
            links: vec![link("https://h.example/1", None), link("https://h.example/via", Some("via"))],
            content: Some("<p onclick=x()>a <a href='/b'>b</a>".to_owned()),
            tags: vec!["x".to_owned()],
            ..Entry::default()
        }
    }

    fn after(answer: &str) -> Result<Option<Entry>, String> {
        told(answer).map(|change| change.entry)
    }

    fn told(answer: &str) -> Result<Change, String> {
        let input = input(&entry(), &FeedFacts::default(), "");
        changed(&entry(), &input, answer.as_bytes())
    }

    #[test]
    fn a_key_that_no_entry_has_is_told_with_the_nearest() {
        let change = told(r#"{"titel":"Two","comments":null}"#).unwrap();
        assert_eq!(change.entry, Some(entry()));
        assert_eq!(change.remark.unwrap(), "the program's `titel` is no key of an entry; did you mean `title`?");
        assert_eq!(told(r#"{"title":"Two","feed":{},"content_from":"page"}"#).unwrap().remark, None);
    }

    #[test]
    fn an_entry_that_is_given_back_as_it_came_is_untouched() {
        let shown = input(&entry(), &FeedFacts { name: "news".to_owned(), ..FeedFacts::default() }, "page");
        assert_eq!(shown["feed"]["name"], "news");
        assert_eq!((&shown["link"], &shown["content_from"]), (&"https://h.example/1".into(), &"page".into()));
        assert!(shown["content"].as_str().unwrap().contains("https://h.example/b"));
        let unchanged = changed(&entry(), &shown, shown.to_string().as_bytes());
        assert_eq!(unchanged, Ok(Change { entry: Some(entry()), remark: None }));
        assert_eq!(after("{}"), Ok(Some(entry())));
    }

    #[test]
    fn what_a_program_says_anew_holds_but_for_the_identity() {
        let answer = r#"{"id":"2","title":" Two\n","link":"https://h.example/2","content":"<p>c</p>","tags":null}"#;
        let two = after(answer).unwrap().unwrap();
        assert_eq!((two.id.as_deref(), two.title.as_deref(), two.link()), (Some("1"), Some("Two"), Some("https://h.example/2")));
        assert_eq!((two.content.as_deref(), two.tags.len(), two.links.len()), (Some("<p>c</p>"), 0, 2));
        assert_eq!(after(" null\n"), Ok(None));
    }

    #[test]
    fn an_answer_that_is_of_no_use_says_why() {
        for (answer, words) in [
            ("", "printed nothing"),
            ("Two", "is not JSON"),
            ("[1]", "neither an entry nor `null`"),
            ("{\"title\":1}", "`title` is of no use"),
            ("{\"published\":\"yesterday\"}", "`published` is of no use"),
        ] {
            let told = after(answer).unwrap_err();
            assert!(told.contains(words), "{told}");
        }
    }
}
