//! PURE. The keys by which an entry is recognised in later documents. They never depend on the entry's neighbours; only
//! comparing them does ([`diff`](super::diff)).

use url::Url;

use super::entry::Entry;
use super::{text, visible};

/// The lasting identity of an entry: 16 bytes, from which every `Message-ID` of it is made.
pub type Uid = [u8; 16];

/// A 64-bit hash of one thing that identifies an entry. Scoped to its feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub i64);

/// By which keys a feed's entries are recognised. All are always recorded; this only narrows what is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Identity {
    /// By any key that identifies.
    #[default]
    Auto,
    /// By the id alone: one id, one entry.
    Id,
    /// By the link alone: one page, one entry.
    Link,
    /// By title and text alone.
    Content,
}

impl Identity {
    /// Its words, as they stand in the configuration.
    pub const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("id", Self::Id), ("link", Self::Link), ("content", Self::Content)];

    /// The identity of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(own, _)| *own == word).map(|(_, identity)| *identity)
    }

    /// The one key that decides, where one does. An entry that lacks it is told by the next best.
    pub(super) fn only(self, keys: Keys) -> Option<Key> {
        match self {
            Self::Auto => None,
            Self::Id => Some(keys.id.or(keys.link).unwrap_or(keys.content)),
            Self::Link => Some(keys.link.or(keys.id).unwrap_or(keys.content)),
            Self::Content => Some(keys.content),
        }
    }
}

/// All keys of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Keys {
    /// From its own identifier.
    pub id: Option<Key>,
    /// From its page's address, as far as that identifies: see [`plain_link`].
    pub link: Option<Key>,
    /// From its title and body.
    pub content: Key,
}

impl Keys {
    /// The keys of an entry. The same entry always gives the same keys.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        let given = |text: &&str| !text.trim().is_empty();
        let id = entry.id.as_deref().filter(given).map(|id| Key(hash(b"id", &[id.trim()])));
        let link = entry.link().filter(given).map(|link| Key(hash(b"link", &[&plain_link(link)])));
        let title = entry.title.as_deref().unwrap_or_default();
        let body = plain_content(entry.body().unwrap_or_default());
        Self { id, link, content: Key(hash(b"content", &[&text::one_line(title), &body])) }
    }

    /// Those keys that are there.
    pub fn all(self) -> impl Iterator<Item = Key> {
        [self.id, self.link, Some(self.content)].into_iter().flatten()
    }
}

/// The lasting identity of an entry, made from its keys when it is first seen in the feed at `feed_url`. A database that
/// is lost and made again gives the same entries the same identity.
#[must_use]
pub fn uid(feed_url: &str, keys: Keys) -> Uid {
    let mut hasher = blake3::Hasher::new();
    hasher.update(feed_url.as_bytes()).update(b"\0");
    for key in [keys.id, keys.link, Some(keys.content)] {
        hasher.update(&key.map_or(0, |key| key.0).to_le_bytes());
    }
    let mut uid = Uid::default();
    uid.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    uid
}

/// A hash of all that the entry says: where it is equal, nothing has changed.
#[must_use]
pub fn raw_hash(entry: &Entry) -> i64 {
    // Debug output is stable within a build only; a stored hash must outlive it.
    let said = serde_json::to_vec(entry).unwrap_or_default();
    fold(blake3::hash(&said))
}

/// A hash of what a reader sees of the entry, without what changes by itself ([`steady`](super::visible::steady)): it tells
/// an edited entry from one that is only displayed anew. It recognises none: two entries may differ in a number alone.
#[must_use]
pub fn text_hash(entry: &Entry) -> i64 {
    seen_hash(&visible::text(entry))
}

/// The same, of a text that [`visible::text`] gave.
#[must_use]
pub fn seen_hash(seen: &str) -> i64 {
    hash(b"text", &[&visible::steady(seen)])
}

/// A body as far as it identifies: its text and the names of its pictures, without markup and without the parameters and
/// hosts that change from one build to the next. Made of every entry of every document, so it reads the bytes once and
/// builds nothing; what a reader sees exactly is made elsewhere.
fn plain_content(body: &str) -> String {
    let mut plain = String::with_capacity(body.len() / 2);
    let mut rest = body;
    while let Some(open) = rest.find('<') {
        let (text, tag) = rest.split_at(open);
        add_words(&mut plain, text);
        // A lone "<" is text, as in "a < b".
        let is_tag = tag[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        let end = if is_tag { tag.find('>').map_or(tag.len(), |end| end + 1) } else { 1 };
        let (tag, after) = tag.split_at(end);
        if !is_tag {
            plain.push('<');
        } else if let Some(name) = file_named_in(tag) {
            add_words(&mut plain, name);
        }
        rest = after;
    }
    add_words(&mut plain, rest);
    plain
}

/// Adds text with its white space folded; a tag separates no words, since markup comes and goes inside of them.
fn add_words(plain: &mut String, text: &str) {
    text.split_whitespace().for_each(|word| plain.push_str(word));
}

/// The file name in a tag's `src`, without its address and its query.
fn file_named_in(tag: &str) -> Option<&str> {
    let value = &tag[tag.find(" src=")? + 5..];
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let value = match quote {
        Some(quote) => value[1..].split(quote).next()?,
        None => value.split([' ', '>']).next()?,
    };
    let path = value.split(['?', '#']).next()?;
    path.trim_end_matches('/').rsplit('/').next()
}

fn hash(kind: &[u8], parts: &[&str]) -> i64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind);
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    fold(hasher.finalize())
}

fn fold(hash: blake3::Hash) -> i64 {
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    i64::from_le_bytes(first)
}

/// Query keys that say where a reader came from, not what he reads.
const TRACKING: &[&str] = &["fbclid", "gclid", "dclid", "msclkid", "mc_eid", "mc_cid", "igshid", "yclid", "ref_src"];

/// A link as far as it identifies: without scheme, `www.`, tracking parameters and trailing slash.
#[must_use]
pub fn plain_link(link: &str) -> String {
    let Ok(mut url) = Url::parse(link.trim()) else { return link.trim().to_owned() };
    if let Some(query) = url.query() {
        let kept: Vec<&str> = query.split('&').filter(|pair| !is_tracking(pair)).collect();
        let kept = kept.join("&");
        url.set_query(Some(kept.as_str()).filter(|query| !query.is_empty()));
    }
    let Some(host) = url.host_str() else { return url.into() };
    let host = host.strip_prefix("www.").unwrap_or(host);
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = url.path().trim_end_matches('/');
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let fragment = url.fragment().filter(|f| !f.is_empty()).map(|f| format!("#{f}")).unwrap_or_default();
    format!("{host}{port}{path}{query}{fragment}")
}

/// Whether a pair of a query, `key=value`, tells where a reader came from.
#[must_use]
pub fn is_tracking(pair: &str) -> bool {
    let key = pair.split('=').next().unwrap_or_default();
    key.starts_with("utm_") || TRACKING.contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Link;

    fn entry(id: Option<&str>, link: &str, body: &str) -> Entry {
        let link = Link { href: link.to_owned(), ..Link::default() };
        Entry { id: id.map(str::to_owned), links: vec![link], content: Some(body.to_owned()), ..Entry::default() }
    }

    #[test]
    fn a_link_is_the_same_whatever_way_one_came() {
        let same =
            ["https://www.example.org/a/?utm_source=x", "http://example.org/a", "https://example.org/a/?fbclid=1&utm_medium=y"];
        for link in same {
            assert_eq!(plain_link(link), "example.org/a");
        }
        assert_eq!(plain_link("https://example.org/?p=7&utm_source=x"), "example.org?p=7");
        assert_ne!(plain_link("https://example.org/#a"), plain_link("https://example.org/#b"));
        assert_eq!(plain_link("not a link"), "not a link");
    }

    #[test]
    fn keys_and_hashes_are_those_of_every_earlier_version() {
        let entry = entry(Some("urn:1"), "https://example.org/1", "<p>one</p>");
        let keys = Keys::of(&entry);
        insta::assert_snapshot!(format!("{keys:?}\n{:?}\n{}", uid("https://example.org/feed", keys), text_hash(&entry)));
    }

    #[test]
    fn markup_does_not_change_what_a_reader_sees() {
        let (a, b) = (entry(None, "x", "<p>one <b>two</b></p>"), entry(None, "x", "<div>one two</div>"));
        assert_eq!(text_hash(&a), text_hash(&b));
        assert_ne!(raw_hash(&a), raw_hash(&b));
    }

    #[test]
    fn the_content_key_is_of_words_and_pictures_not_of_markup_and_parameters() {
        let key = |body: &str| Keys::of(&entry(None, "x", body)).content;
        let plain = key("<p>one <b>two</b> <img src=\"https://cdn1.example/a/cat.jpg?w=1\"></p>");
        assert_eq!(plain, key("<div>one\n two<img alt='' src='//cdn2.example/b/cat.jpg?w=2&t=9' ></div>"));
        assert_ne!(plain, key("<p>one two <img src=\"https://cdn1.example/a/dog.jpg?w=1\"></p>"));
        assert_ne!(plain, key("<p>one three <img src=\"https://cdn1.example/a/cat.jpg?w=1\"></p>"));
        assert_ne!(key("a < b"), key("a > b"));
        assert_eq!(key("<a href=\"https://x.example/?utm_source=1\">word</a>"), key("<a href=\"https://x.example/\">word</a>"));
        for odd in ["<", "<p", "<img src=", "<img src=\"", "é<é>é", "<img src=é>"] {
            assert_eq!(key(odd), key(odd));
        }
    }

    #[test]
    fn a_setting_names_the_one_key_that_decides_or_the_next_best() {
        let keys = Keys::of(&entry(Some("1"), "https://x.example/1", "a"));
        assert_eq!(
            ["auto", "id", "link", "content"].map(|word| Identity::from_word(word).unwrap().only(keys)),
            [None, keys.id, keys.link, Some(keys.content)]
        );
        let bare = Keys::of(&Entry::default());
        assert_eq!(Identity::Id.only(bare), Some(bare.content));
        assert_eq!(Identity::from_word("guid"), None);
    }
}
