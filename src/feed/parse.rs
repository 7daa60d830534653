//! PURE. Bytes to a [`Document`], by feed-rs. The door through which every document comes in; nothing beyond it knows
//! feed-rs. May panic or use much stack on hostile bytes: callers run it on the CPU pool, where a panic is caught and stacks are
//! large.

use feed_rs::model;
use feed_rs::parser::{Builder, ParseFeedError};
use jiff::Timestamp;
use url::Url;

use super::decode::decode;
use super::entry::{Document, Enclosure, Entry, Link, Person};
use super::text;

/// A document that was read, and what was odd about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// What it holds.
    pub document: Document,
    /// What a person might want to know, in words.
    pub remarks: Vec<String>,
}

/// Why bytes are no feed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// There is nothing.
    #[error("the document is empty")]
    Empty,
    /// It is a page for people.
    #[error("the document is a web page, not a feed")]
    Page,
    /// It is neither a feed nor a page.
    #[error("the document is not a readable feed: {0}")]
    Unreadable(String),
    /// It could be read, and says nothing.
    #[error("the document has neither a title nor entries")]
    Nothing,
}

/// The largest number of entries that are read from one document; see docs/limits.md.
const MOST_ENTRIES: usize = 10_000;
/// The largest number of people, of links, of tags and of files that are read of one entry.
const MOST_PARTS: usize = 50;
/// The largest number of a feed's authors that stand for those of its entries.
const MOST_INHERITED: usize = 5;
/// The longest word of a parser that is passed on, in characters.
const LONGEST_CAUSE: usize = 200;

/// Reads a document. `content_type` is what its server called it; `base` is the address that gave it, which relative links
/// are relative to.
///
/// # Errors
/// When the bytes are no feed: says what they are instead.
pub fn parse(bytes: &[u8], content_type: Option<&str>, base: Option<&Url>) -> Result<Parsed, ParseError> {
    let bytes = &*decode(bytes, content_type);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ParseError::Empty);
    }
    // An empty id stands for "none": feed-rs would make a random one at each parse.
    let parser = Builder::new().sanitize_content(false).base_uri(base).id_generator(|_, _, _| String::new()).build();
    let mut feed = match parser.parse(bytes) {
        Ok(feed) => feed,
        Err(_) if looks_like_html(bytes) => return Err(ParseError::Page),
        Err(error) => return Err(ParseError::Unreadable(in_words(&error))),
    };
    if feed.entries.is_empty() && feed.title.is_none() && feed.links.is_empty() {
        return Err(ParseError::Nothing);
    }
    let mut remarks = Vec::new();
    if feed.entries.len() > MOST_ENTRIES {
        remarks.push(format!("only the newest {MOST_ENTRIES} of {} entries are read", feed.entries.len()));
        // Some archives have their newest entry last.
        feed.entries.sort_by_key(|entry| std::cmp::Reverse(entry.published.or(entry.updated)));
    }
    Ok(Parsed { document: document(feed, base), remarks })
}

/// Whether bytes are a page for people: it begins with an HTML element or a doctype for it.
#[must_use]
pub fn looks_like_html(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]).to_ascii_lowercase();
    let head = head.trim_start_matches('\u{feff}').trim_start();
    head.starts_with("<!doctype html") || ["<html", "<head", "<body"].iter().any(|tag| head.contains(tag))
}

/// What the parser says, as one short line: it may quote the document.
fn in_words(error: &ParseFeedError) -> String {
    use ParseFeedError::{IoError, JsonSerde, JsonUnsupportedVersion, ParseError, XmlReader};
    let said = match error {
        ParseError(kind) => kind.to_string(),
        IoError(cause) => cause.to_string(),
        JsonSerde(cause) => format!("JSON: {cause}"),
        JsonUnsupportedVersion(version) => format!("JSON Feed version `{version}` is unknown"),
        XmlReader(cause) => format!("XML: {cause}"),
    };
    text::cut(&text::one_line(&said), LONGEST_CAUSE)
}

fn document(feed: model::Feed, base: Option<&Url>) -> Document {
    let atom = matches!(feed.feed_type, model::FeedType::Atom);
    let format = match feed.feed_type {
        model::FeedType::Atom => "atom",
        model::FeedType::JSON => "json",
        model::FeedType::RSS0 => "rss0.9",
        model::FeedType::RSS1 => "rss1.0",
        model::FeedType::RSS2 => "rss2.0",
    };
    let links = links(feed.links, base);
    let own = |link: &&Link| matches!(link.rel.as_deref(), None | Some("alternate"));
    let authors = people(feed.authors);
    // An entry without an author has its feed's (RFC 4287 section 4.2.1; JSON Feed 1.1 says the same).
    let inherited = if matches!(format, "atom" | "json") { &authors[..authors.len().min(MOST_INHERITED)] } else { &[] };
    Document {
        format,
        title: feed.title.and_then(|title| line(&title, atom)),
        subtitle: feed.description.and_then(|text| line(&text, atom)),
        link: links.iter().find(own).map(|link| link.href.clone()),
        id: given(feed.id),
        updated: time(feed.updated.or(feed.published)),
        language: feed.language.and_then(given),
        entries: feed.entries.into_iter().take(MOST_ENTRIES).map(|item| entry(item, format, inherited, base)).collect(),
        authors,
    }
}

fn entry(item: model::Entry, format: &str, inherited: &[Person], base: Option<&Url>) -> Entry {
    let atom = format == "atom";
    let mut authors = people(item.authors);
    if authors.is_empty() {
        authors = inherited.to_vec();
    }
    let id = given(item.id);
    let (files, pages): (Vec<_>, Vec<_>) = item.links.into_iter().partition(|link| is_file(link, format));
    let (comments, pages): (Vec<_>, Vec<_>) = pages.into_iter().partition(is_comments);
    let comments = links(comments, base).into_iter().next().map(|link| link.href);
    let mut links = links(pages, base);
    links.sort_by_key(|link| !matches!(link.rel.as_deref(), None | Some("alternate" | "")));
    if links.is_empty() {
        // A guid that is an address is a permalink.
        let permalink = id.as_deref().and_then(|id| Url::parse(id).ok()).filter(|url| matches!(url.scheme(), "http" | "https"));
        links.extend(permalink.map(|url| Link { href: url.into(), ..Link::default() }));
    }
    let file = |link: model::Link| {
        let (length, r#type) = (link.length, link.media_type.clone());
        Some(Enclosure { url: self::links(vec![link], base).pop()?.href, r#type, length })
    };
    let mut found: Vec<Enclosure> = files.into_iter().take(MOST_PARTS).filter_map(file).collect();
    for content in item.media.into_iter().flat_map(|media| media.content).take(MOST_PARTS) {
        let Some(url) = content.url else { continue };
        let url = String::from(url);
        if !found.iter().any(|known| known.url == url) {
            found.push(Enclosure { url, r#type: content.content_type.map(|kind| kind.to_string()), length: content.size });
        }
    }
    let content = item.content.and_then(|content| {
        let plain = content.content_type.as_str() == "text/plain" && atom;
        content.body.map(|body| if plain { text::to_html(&body) } else { body })
    });
    Entry {
        id,
        title: item.title.and_then(|title| line(&title, atom)),
        links,
        authors,
        published: time(item.published),
        // RSS has one date; what stands in the other place is a copy of it.
        updated: time(item.updated.filter(|at| atom || Some(*at) != item.published)),
        summary: item.summary.and_then(|summary| body(summary, atom)),
        content: content.and_then(given),
        base: item.base.and_then(given),
        tags: item
            .categories
            .into_iter()
            .take(MOST_PARTS)
            .filter_map(|tag| given(text::one_line(&tag.label.unwrap_or(tag.term))))
            .collect(),
        enclosures: found,
        comments,
        language: item.language.and_then(given),
    }
}

/// Whether a link is a file that comes with the entry: JSON Feed gives its attachments a type, and nothing else one.
fn is_file(link: &model::Link, format: &str) -> bool {
    link.rel.as_deref() == Some("enclosure") || (format == "json" && link.media_type.is_some())
}

fn is_comments(link: &model::Link) -> bool {
    matches!(link.target, Some(model::LinkTarget::Comments)) || link.rel.as_deref() == Some("replies")
}

fn links(links: Vec<model::Link>, base: Option<&Url>) -> Vec<Link> {
    let absolute = |href: String| match (Url::parse(&href), base) {
        (Err(_), Some(base)) => base.join(&href).map_or_else(|_| text::one_line(&href), String::from),
        (Err(_), None) => text::one_line(&href),
        // A link keeps its bytes, but for those that no link may have.
        (Ok(url), _) if href.contains(|c: char| c.is_whitespace() || c.is_control() || !c.is_ascii()) => url.into(),
        (Ok(_), _) => href,
    };
    let given = links.into_iter().filter(|link| !link.href.trim().is_empty() && !acts(&link.href));
    given.take(MOST_PARTS).map(|link| Link { href: absolute(link.href), rel: link.rel, r#type: link.media_type }).collect()
}

/// Whether following a link would run something instead of going somewhere.
fn acts(href: &str) -> bool {
    let plain: String = href.chars().filter(|c| !c.is_whitespace() && !c.is_control()).take(12).collect();
    let plain = plain.to_ascii_lowercase();
    ["javascript:", "vbscript:", "data:"].iter().any(|scheme| plain.starts_with(scheme))
}

fn people(people: Vec<model::Person>) -> Vec<Person> {
    let person = |person: model::Person| Person {
        name: person.name.map(|name| bare(&text::one_line(&name)).to_owned()).and_then(given),
        email: person.email.map(|email| text::one_line(&email)).and_then(given),
        uri: person.uri.and_then(given),
    };
    people.into_iter().take(MOST_PARTS).map(person).filter(|person| person.shown().is_some()).collect()
}

/// RSS writes its authors as `address (name)`, and the parentheses stay behind.
fn bare(name: &str) -> &str {
    name.strip_prefix('(').and_then(|name| name.strip_suffix(')')).unwrap_or(name)
}

/// A title as plain text. What RSS calls plain often holds markup or entities once more.
fn line(title: &model::Text, atom: bool) -> Option<String> {
    let plain = title.content_type.as_str() == "text/plain";
    let is_text = plain && (atom || !text::holds_markup(&title.content));
    given(if is_text { text::one_line(&title.content) } else { text::from_html(&title.content) })
}

fn body(summary: model::Text, atom: bool) -> Option<String> {
    let plain = summary.content_type.as_str() == "text/plain";
    given(if plain && atom { text::to_html(&summary.content) } else { summary.content })
}

fn given(text: String) -> Option<String> {
    if text.trim().is_empty() { None } else { Some(text) }
}

fn time<Tz: chrono::TimeZone>(at: Option<chrono::DateTime<Tz>>) -> Option<Timestamp> {
    Timestamp::from_second(at?.timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(xml: &str) -> Document {
        let base = Url::parse("https://example.org/feed").unwrap();
        parse(xml.as_bytes(), None, Some(&base)).unwrap().document
    }

    #[test]
    fn an_rss_item_becomes_an_entry() {
        let document = read(
            r#"<rss version="2.0"><channel><title>News &amp;amp; more</title><link>https://example.org/</link>
            <item><title>A &lt;b&gt;bold&lt;/b&gt; one</title><link>/1</link><guid>g1</guid><description>&lt;p&gt;text&lt;/p&gt;</description>
            <pubDate>Fri, 02 Jan 2026 03:04:05 GMT</pubDate><category>x</category><comments>/1#comments</comments><author>jane@example.org (Jane Roe)</author><enclosure url="https://example.org/a.mp3" type="audio/mpeg" length="12"/></item>
            <item><guid>https://example.org/2</guid><title>1 &lt; 2</title></item></channel></rss>"#,
        );
        assert_eq!(document.title.as_deref(), Some("News & more"));
        let [first, second] = &document.entries[..] else { panic!("two entries") };
        assert_eq!(first.title.as_deref(), Some("A bold one"));
        assert_eq!(first.link(), Some("https://example.org/1"));
        assert_eq!(first.body(), Some("<p>text</p>"));
        assert_eq!(first.dated().unwrap().to_string(), "2026-01-02T03:04:05Z");
        assert_eq!((first.enclosures.len(), first.enclosures[0].length), (1, Some(12)));
        assert_eq!((first.comments.as_deref(), first.updated), (Some("https://example.org/1#comments"), None));
        assert_eq!(first.authors[0].name.as_deref(), Some("Jane Roe"));
        assert_eq!(second.title.as_deref(), Some("1 < 2"));
        assert_eq!(second.link(), Some("https://example.org/2"));
    }

    #[test]
    fn plain_text_in_atom_is_shown_as_it_is() {
        let document = read(
            r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><id>f</id><updated>2026-01-02T03:04:05Z</updated>
            <entry><id>1</id><title>How to use &lt;b&gt;</title><summary>a &lt; b</summary><updated>2026-01-02T03:04:05Z</updated></entry></feed>"#,
        );
        assert_eq!(document.entries[0].title.as_deref(), Some("How to use <b>"));
        assert_eq!(document.entries[0].summary.as_deref(), Some("a &lt; b"));
    }

    #[test]
    fn an_entry_without_an_id_gets_none_rather_than_a_random_one() {
        let xml = "<rss version=\"2.0\"><channel><title>t</title><item><description>x</description></item></channel></rss>";
        assert_eq!(read(xml), read(xml));
        assert_eq!(read(xml).entries[0].id, None);
    }

    #[test]
    fn bytes_that_are_no_feed_say_what_they_are() {
        let error = |text: &str| parse(text.as_bytes(), None, None).unwrap_err();
        assert_eq!(error(" \n"), ParseError::Empty);
        assert_eq!(error("<!DOCTYPE html><html><body>hello"), ParseError::Page);
        assert_eq!(error("<feed xmlns='http://example.org/unknown'/>"), ParseError::Nothing);
        assert!(matches!(error("<rss version='2.0'><channel><item>"), ParseError::Unreadable(_)));
    }
}
