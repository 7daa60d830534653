//! PURE. The feeds that a page names in its head. Goes in: the page's bytes and its URL. Comes out: what it [`Found`].
//! Only the tokens of the page are read, no tree is built: however deeply it is nested, it costs no more.

mod code;
mod sites;

use std::cell::{Cell, RefCell};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use url::Url;

pub use sites::{Site, by_shape, choices, podcast, site, well_known};

/// A feed that a page names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its address.
    pub url: Url,
    /// What the page calls it.
    pub title: Option<String>,
    /// Its media type, as the page says; empty where it says none.
    pub kind: String,
}

/// Feeds are named in a page's head, and no head is this long.
const MAX_PAGE: usize = 1 << 20;
/// A page that names more feeds than this is no help in choosing one.
const MAX_FOUND: usize = 100;
const MAX_TITLE: usize = 200;
/// The tokenizer compares each attribute of a tag with all before it. Of a tag that is not over after so many places
/// where an attribute could begin, and so many bytes, nothing good is to be expected.
const STEP: usize = 4 * 1024;
const MAX_ATTRIBUTES: usize = 8192;

/// The feeds that a page names with `<link rel="alternate">` and `<link rel="feed">`, in the page's order, feeds of
/// comments last.
#[must_use]
pub fn discover(page: &[u8], base: &Url) -> Vec<Found> {
    let page = String::from_utf8_lossy(&page[..page.len().min(MAX_PAGE)]);
    let tokenizer = Tokenizer::new(Links::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    let mut rest = page.as_ref();
    let mut since_token = 0;
    while !rest.is_empty() {
        let (step, after) = rest.split_at(step_of(rest));
        rest = after;
        tokenizer.sink.moved.set(false);
        input.push_back(StrTendril::from(step));
        // It stops early only where the sink asks it to, and this one never does.
        let _ = tokenizer.feed(&input);
        let beginnings = step.bytes().filter(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'/')).count();
        since_token = if tokenizer.sink.moved.get() { 0 } else { since_token + beginnings };
        if since_token > MAX_ATTRIBUTES {
            break;
        }
    }
    tokenizer.end();
    let Links { base: base_href, found, .. } = tokenizer.sink;
    let base = base_href.into_inner().and_then(|href| base.join(href.trim()).ok()).filter(is_web).unwrap_or(base.clone());
    let mut feeds: Vec<Found> = Vec::new();
    for link in found.into_inner() {
        if let Some(url) = link.address(&base)
            && feeds.iter().all(|feed| feed.url != url)
        {
            feeds.push(Found { url, title: link.title, kind: link.kind });
        }
    }
    feeds.sort_by_key(is_of_comments);
    feeds
}

/// How many bytes of the text make a step without cutting a character.
fn step_of(text: &str) -> usize {
    (STEP.min(text.len())..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// `WordPress` names the feed of a page's comments beside the feed that one came for.
fn is_of_comments(feed: &Found) -> bool {
    let title = feed.title.as_deref().unwrap_or_default().to_lowercase();
    title.contains("comments") || feed.url.path().to_ascii_lowercase().contains("comments")
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// Collects links from tokens.
#[derive(Default)]
struct Links {
    base: RefCell<Option<String>>,
    found: RefCell<Vec<Link>>,
    /// Whether a tag or text has ended since this was last set to `false`.
    moved: Cell<bool>,
}

struct Link {
    href: String,
    title: Option<String>,
    kind: String,
}

impl Link {
    /// The feed that a `<link>` names, if it names one.
    fn of(tag: &Tag) -> Option<Self> {
        let rel = attribute(tag, "rel")?.to_ascii_lowercase();
        let has = |word| rel.split_ascii_whitespace().any(|token| token == word);
        let kind = attribute(tag, "type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let href = attribute(tag, "href").filter(|href| !href.trim().is_empty())?;
        let title = attribute(tag, "title").map(|title| title.split_whitespace().collect::<Vec<_>>().join(" "));
        let title: Option<String> = title.filter(|t| !t.is_empty()).map(|t| t.chars().take(MAX_TITLE).collect());
        let says_feed = |text: &str| text.to_ascii_lowercase().contains("feed");
        let is_feed = match kind.as_str() {
            "application/rss+xml"
            | "application/atom+xml"
            | "application/feed+json"
            | "application/rdf+xml"
            | "text/xml"
            | "application/xml" => true,
            // Every page of WordPress names its own JSON form as an alternate.
            "application/json" => says_feed(&href) || title.as_deref().is_some_and(says_feed),
            "" => has("feed"),
            _ => false,
        };
        let named = has("feed") || (has("alternate") && !has("stylesheet"));
        (named && is_feed).then_some(Self { href, title, kind })
    }

    fn address(&self, base: &Url) -> Option<Url> {
        let href = self.href.trim();
        let feed = href.get(..5).filter(|start| start.eq_ignore_ascii_case("feed:")).map(|_| &href[5..]);
        // `feed:https://h/` and `feed://h/` are both in use.
        let url = match feed {
            Some(rest) if rest.starts_with("//") => Url::parse(&format!("https:{rest}")).ok()?,
            Some(rest) => base.join(rest).ok()?,
            None => base.join(href).ok()?,
        };
        is_web(&url).then_some(url)
    }
}

fn attribute(tag: &Tag, name: &str) -> Option<String> {
    tag.attrs.iter().find(|attribute| &*attribute.name.local == name).map(|attribute| attribute.value.to_string())
}

impl TokenSink for Links {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) => {
                self.moved.set(true);
                if tag.kind == TagKind::StartTag { self.open(&tag) } else { TokenSinkResult::Continue }
            }
            Token::CharacterTokens(_) | Token::CommentToken(_) => {
                self.moved.set(true);
                TokenSinkResult::Continue
            }
            Token::DoctypeToken(_) | Token::NullCharacterToken | Token::EOFToken | Token::ParseError(_) => {
                TokenSinkResult::Continue
            }
        }
    }
}

impl Links {
    /// What a start tag names, and how the text after it is to be read: a link inside a script is none.
    fn open(&self, tag: &Tag) -> TokenSinkResult<()> {
        match &*tag.name {
            "link" => {
                let mut found = self.found.borrow_mut();
                if let Some(link) = Link::of(tag).filter(|_| found.len() < MAX_FOUND) {
                    found.push(link);
                }
                TokenSinkResult::Continue
            }
            "base" => {
                let mut base = self.base.borrow_mut();
                if base.is_none() {
                    *base = attribute(tag, "href");
                }
                TokenSinkResult::Continue
            }
            "script" => TokenSinkResult::RawData(RawKind::ScriptData),
            "style" | "xmp" | "iframe" | "noembed" | "noframes" => TokenSinkResult::RawData(RawKind::Rawtext),
            "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
            "plaintext" => TokenSinkResult::Plaintext,
            _ => TokenSinkResult::Continue,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(page: &str) -> Vec<Found> {
        discover(page.as_bytes(), &Url::parse("https://h.example/blog/page").unwrap())
    }

    fn urls(page: &str) -> Vec<String> {
        found(page).into_iter().map(|feed| feed.url.to_string()).collect()
    }

    #[test]
    fn all_types_of_feed_are_found_in_the_order_of_the_page() {
        let page = r#"<!doctype html><HTML><head><title>A <link rel="alternate" type="application/rss+xml" href="/no"></title>
            <link rel="stylesheet" href="s.css"><link rel=alternate hreflang=de href=/de>
            <LINK REL="Alternate" TYPE="application/rss+xml; charset=utf-8" TITLE=" All &amp;
              more " HREF="/rss?a=1&amp;b=2">
            <link rel="alternate nofollow" type="application/atom+xml" href="atom.xml"/>
            <link rel='alternate' type='application/feed+json' href='//cdn.example/feed.json'>
            <link rel=alternate type=application/rdf+xml href=rdf>
            <link rel=alternate type=text/xml href=x1><link rel=alternate type=application/xml href=x2>
            <link rel=feed href=feed>
            <link rel="alternate" type="application/rss+xml" title="again" href="/rss?a=1&b=2"></head>"#;
        assert_eq!(
            urls(page),
            [
                "https://h.example/rss?a=1&b=2",
                "https://h.example/blog/atom.xml",
                "https://cdn.example/feed.json",
                "https://h.example/blog/rdf",
                "https://h.example/blog/x1",
                "https://h.example/blog/x2",
                "https://h.example/blog/feed",
            ]
        );
        let first = &found(page)[0];
        assert_eq!((first.title.as_deref(), first.kind.as_str()), (Some("All & more"), "application/rss+xml"));
        assert_eq!(found(page)[1].title, None);
    }

    #[test]
    fn what_is_no_feed_is_not_found() {
        let none = r#"
            <script>document.write('<link rel="alternate" type="application/rss+xml" href="/script">')</script>
            <style><link rel="alternate" type="application/rss+xml" href="/style"></style>
            <!-- <link rel="alternate" type="application/rss+xml" href="/comment"> -->
            <link rel="alternate" type="application/json" title="JSON" href="/wp-json/wp/v2/pages/2">
            <link rel="alternate" type="application/json+oembed" href="/oembed/feed">
            <link rel="alternate" type="text/html" href="/mobile">
            <link rel="alternate stylesheet" type="text/xml" href="/dark">
            <link rel="EditURI" type="application/rsd+xml" href="/rsd">
            <link rel="alternate" type="application/rss+xml" href="">
            <link rel="alternate" type="application/rss+xml" href="javascript:alert(1)">
            <link rel="alternate" type="application/rss+xml" href="ftp://h.example/feed">
            <a rel="alternate" type="application/rss+xml" href="/a">feed</a>"#;
        assert_eq!(urls(none), [""; 0]);
        assert_eq!(urls("<link rel=alternate type=application/json href=/feed.json>"), ["https://h.example/feed.json"]);
        assert_eq!(urls("no page at all"), [""; 0]);
        assert_eq!(urls("<link rel=alternate type=application/rss+xml href=/cut"), [""; 0]);
    }

    #[test]
    fn the_base_of_the_page_counts_wherever_it_stands() {
        let page =
            r#"<link rel=alternate type=application/rss+xml href=rss><base href="//other.example/sub/"><base href="/no/">"#;
        assert_eq!(urls(page), ["https://other.example/sub/rss"]);
        let page = r#"<base href="javascript:1"><link rel=alternate type=application/rss+xml href=rss>"#;
        assert_eq!(urls(page), ["https://h.example/blog/rss"]);
        let page = r#"<link rel=alternate type=application/rss+xml href="feed:https://h.example/rss">"#;
        assert_eq!(urls(page), ["https://h.example/rss"]);
    }

    #[test]
    fn feeds_of_comments_come_last() {
        let page = r#"
            <link rel="alternate" type="application/rss+xml" title="Blog &raquo; Comments Feed" href="/c">
            <link rel="alternate" type="application/rss+xml" href="/comments/feed/">
            <link rel="alternate" type="application/rss+xml" title="Blog &raquo; Feed" href="/feed/">"#;
        assert_eq!(urls(page), ["https://h.example/feed/", "https://h.example/c", "https://h.example/comments/feed/"]);
    }

    #[test]
    fn a_hostile_page_still_names_its_feed() {
        let link = "<link rel=alternate type=application/rss+xml href=/rss>";
        let nested = format!("{link}{}", "<div>".repeat(300_000));
        assert_eq!(urls(&nested).len(), 1);
        let attributes: String = (0..200_000).flat_map(|n| [n.to_string(), " ".into()]).collect();
        assert_eq!(urls(&format!("{link}<p {attributes}")).len(), 1);
        let tags = format!("<p {}>", &attributes[..15_000]).repeat(60);
        assert_eq!(urls(&format!("{link}{tags}")).len(), 1);
    }

    #[test]
    fn a_long_picture_in_the_head_does_not_hide_what_follows() {
        let picture =
            format!("<link rel=icon href=\"data:image/png;base64,{}\">", format!("{}/", "iVBORw0KGgo".repeat(5)).repeat(5_000));
        let page = format!("{picture}<link rel=alternate type=application/rss+xml href=/rss>");
        assert_eq!(urls(&page), ["https://h.example/rss"]);
    }
}
