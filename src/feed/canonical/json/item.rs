//! One item of a JSON document as a draft of an entry.

use std::borrow::Cow;

use url::Url;

use super::super::super::entry::{Enclosure, Link};
use super::super::super::text;
use super::super::draft::{EntryDraft, Words};
use super::super::links::absolute;
use super::super::media::duration;
use super::field::{self, Text};
use super::scan::{Scanner, Value};

/// How good a key is: what JSON Feed calls it, or what others do.
const OWN: u8 = 2;
const WILD: u8 = 1;

/// What has to be known as a whole before it can be told what is what.
#[derive(Default)]
struct Addresses {
    own: Option<String>,
    external: Option<String>,
}

/// The item whose object was just opened. `None` where it was torn.
pub(super) fn read(scanner: &mut Scanner<'_>, base: Option<&Url>) -> Option<EntryDraft> {
    let mut entry = EntryDraft::default();
    let mut addresses = Addresses::default();
    while let Some(key) = scanner.key() {
        match &*key {
            "authors" | "author" | "creator" | "dc:creator" => {
                field::people(scanner, |person| entry.authors.add(OWN, person));
            }
            "attachments" | "enclosures" | "enclosure" => {
                field::objects(scanner, |scanner| {
                    if let Some(file) = file(scanner, base) {
                        entry.enclosures.add(file);
                    }
                });
            }
            "tags" | "categories" | "category" | "keywords" => field::tags(scanner, |tag| entry.tag(tag)),
            "link" | "links" => field::links(scanner, |href, rel, kind| place(&mut entry, &mut addresses, href, rel, kind, base)),
            _ => {
                if let Some(text) = field::text(scanner) {
                    word(&mut entry, &mut addresses, &key, text, base);
                }
            }
        }
    }
    if scanner.is_torn() {
        return None;
    }
    let Addresses { own, external } = addresses;
    let own = own.and_then(|href| absolute(&href, base));
    let external = external.and_then(|href| absolute(&href, base));
    let permalink = entry.id.get().filter(|id| is_web(id)).and_then(|id| absolute(id, base));
    let is_own = own.is_some();
    if let Some(page) = own.clone().or_else(|| external.clone()).or(permalink) {
        entry.link(link(page, "alternate"));
    }
    if let Some(external) = external.filter(|external| is_own && own.as_ref() != Some(external)) {
        entry.link(link(external, "related"));
    }
    entry.told = entry.id.get().is_some()
        || entry.title.get().is_some()
        || entry.content.get().is_some()
        || entry.summary.get().is_some()
        || !entry.links.is_empty()
        || !entry.enclosures.0.is_empty();
    Some(entry)
}

/// What is one piece of text.
fn word(entry: &mut EntryDraft, addresses: &mut Addresses, key: &str, text: Text<'_>, base: Option<&Url>) {
    let page = |slot: &mut Option<String>, text: Cow<'_, str>| {
        slot.get_or_insert_with(|| text.into_owned());
    };
    let (number, html) = (text.number, text.html);
    let text = match key {
        "title" => return entry.title.offer(OWN, field::words(text)),
        "name" | "headline" => return entry.title.offer(WILD, field::words(text)),
        "summary" => return entry.summary.offer(9, field::words(text)),
        "description" | "excerpt" | "contentSnippet" => return entry.summary.offer(8, field::words(text)),
        _ => text.said,
    };
    match key {
        "id" => entry.id.offer(OWN, field::identifier(text, number)),
        "guid" | "_id" | "uuid" => entry.id.offer(WILD, field::identifier(text, number)),
        "url" => addresses.own = Some(text.into_owned()),
        "permalink" | "canonical_url" | "href" => page(&mut addresses.own, text),
        "external_url" => page(&mut addresses.external, text),
        "content_html" => entry.content.offer(9, Words::html(text)),
        "content_text" => entry.content.offer(8, Words::plain(text)),
        "content" | "content:encoded" | "html" | "body" => {
            let html = html || text::holds_markup(&text);
            entry.content.offer(7, Words { text: text.into_owned(), html });
        }
        "date_published" => offer(&text, |at| entry.published.offer(9, at)),
        "date_gmt" => offer(&text, |at| entry.published.offer(8, at)),
        "published" | "pubDate" | "pub_date" | "published_at" | "publishedAt" | "published_on" | "isoDate" | "datePublished" => {
            offer(&text, |at| entry.published.offer(7, at));
        }
        "date" | "created" | "created_at" | "createdAt" | "timestamp" => offer(&text, |at| entry.published.offer(6, at)),
        "date_modified" => offer(&text, |at| entry.updated.offer(9, at)),
        "modified_gmt" => offer(&text, |at| entry.updated.offer(8, at)),
        "updated" | "updated_at" | "updatedAt" | "modified" | "modified_at" | "last_modified" | "dateModified" => {
            offer(&text, |at| entry.updated.offer(7, at));
        }
        "image" => offer_image(entry, 3, &text, base),
        "banner_image" => offer_image(entry, 2, &text, base),
        "language" | "lang" => entry.language = Some(text.into_owned()),
        "comments_url" | "comments" | "_comments" | "discussion_url" if !number => {
            entry.comments = absolute(&text, base).filter(|href| is_web(href)).or(entry.comments.take());
        }
        _ => {}
    }
}

fn offer_image(entry: &mut EntryDraft, rank: u8, text: &str, base: Option<&Url>) {
    if let Some(url) = absolute(text, base).filter(|url| is_web(url)) {
        entry.image.offer(rank, url);
    }
}

fn offer(text: &str, mut to: impl FnMut(jiff::Timestamp)) {
    if let Some(at) = field::date(text) {
        to(at);
    }
}

/// What a link of Atom or RSS says, that somebody turned into JSON.
fn place(
    entry: &mut EntryDraft,
    addresses: &mut Addresses,
    href: String,
    rel: Option<&str>,
    kind: Option<String>,
    base: Option<&Url>,
) {
    match rel {
        None | Some("alternate" | "") => drop(addresses.own.get_or_insert(href)),
        Some("enclosure") => {
            if let Some(url) = absolute(&href, base) {
                entry.enclosures.add(Enclosure { url, r#type: kind, ..Enclosure::default() });
            }
        }
        Some("replies") => {
            let page = kind.as_deref().is_none_or(|kind| kind == "text/html");
            entry.comments = entry.comments.take().or_else(|| absolute(&href, base).filter(|_| page));
        }
        Some(rel) => {
            if let Some(href) = absolute(&href, base) {
                entry.link(Link { href, rel: Some(rel.to_owned()), r#type: kind });
            }
        }
    }
}

fn file(scanner: &mut Scanner<'_>, base: Option<&Url>) -> Option<Enclosure> {
    let mut file = Enclosure::default();
    while let Some(key) = scanner.key() {
        let Some(Text { said: text, .. }) = field::text(scanner) else { continue };
        match &*key {
            "url" | "link" | "href" | "src" => file.url = absolute(&text, base)?,
            "mime_type" | "type" | "mimeType" => file.r#type = Some(text::one_line(&text)),
            "size_in_bytes" | "length" | "size" | "sizeInBytes" => file.length = field::count(&text),
            "duration_in_seconds" | "duration" => file.duration = duration(&text),
            _ => {}
        }
    }
    Some(file).filter(|file| !file.url.is_empty())
}

fn link(href: String, rel: &str) -> Link {
    Link { href, rel: Some(rel.to_owned()), r#type: None }
}

fn is_web(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)))
}

/// Whether a value that began is an object; anything else is passed over.
pub(super) fn begins(scanner: &mut Scanner<'_>) -> bool {
    match scanner.value() {
        Value::Object => true,
        other => {
            scanner.skip(&other);
            false
        }
    }
}
