//! PURE. From an entry to an [`Article`]: sanitised HTML, plain text, absolute URLs. Nothing that a feed says reaches a
//! reader's program without passing here.

mod extract;
mod images;
mod nesting;
mod sanitise;
mod shown;
mod text;

use url::Url;

pub use extract::{Cut, NoArticle, extract, is_better};
pub use images::{images, without_images};
pub use shown::ShownEntry;

use crate::feed::Entry;
use crate::feed::text::{cut, from_html, to_html};

/// An entry made ready to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Article {
    /// Its body as clean HTML with absolute URLs, dressed for a mail; empty where it has none.
    pub html: String,
    /// Its body as plain text, wrapped, with its links as numbered notes; empty where it has none.
    pub text: String,
    /// The beginning of its text, on one line.
    pub summary: String,
}

/// How many characters of its text make an entry's summary.
const SUMMARY: usize = 1_000;

/// The longest address, in bytes, that others are made absolute by.
const LONGEST_BASE: usize = 2048;

/// Makes an entry ready to read. `feed_link` is what its relative URLs are relative to where it names nothing nearer.
#[must_use]
pub fn article(entry: &Entry, feed_link: Option<&str>) -> Article {
    let base = base_of(entry, feed_link);
    let html = entry.body().map(|body| cleaned(body, base.as_ref(), true)).unwrap_or_default();
    let text = text::readable(&html);
    Article { summary: cut(&from_html(&html), SUMMARY), html, text }
}

/// The beginning of an entry's text on one line, where nothing else of its article is needed.
#[must_use]
pub fn summary(entry: &Entry) -> String {
    cut(&from_html(entry.body().unwrap_or_default()), SUMMARY)
}

/// A piece of a feed's HTML, safe and with absolute URLs.
#[must_use]
pub fn clean(html: &str, base: Option<&Url>) -> String {
    cleaned(html, base, false)
}

fn cleaned(html: &str, base: Option<&Url>, dressed: bool) -> String {
    if nesting::is_too_much(html, base.map_or(0, |base| base.as_str().len())) {
        return format!("<p>{}</p>", to_html(&from_html(html)));
    }
    sanitise::sanitise(html, base, dressed)
}

/// What relative URLs in an entry's bodies are relative to: its own base, else its page, else the feed's page.
#[must_use]
pub fn base_of(entry: &Entry, feed_link: Option<&str>) -> Option<Url> {
    let candidates = [entry.base.as_deref(), entry.link(), feed_link];
    let short = candidates.into_iter().flatten().filter(|text| text.len() <= LONGEST_BASE);
    short.filter_map(|text| Url::parse(text).ok()).find(|url| !url.cannot_be_a_base())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Link;

    fn made(body: &str) -> Article {
        let link = Link { href: "https://example.org/posts/1".to_owned(), ..Link::default() };
        article(&Entry { links: vec![link], content: Some(body.to_owned()), ..Entry::default() }, None)
    }

    #[test]
    fn what_could_harm_a_reader_is_gone() {
        let article = made(
            "<p onclick=x()>a<script>alert(1)</script><img src=x onerror=y()><a href='javascript:z()'>b</a><iframe src=//e></iframe></p>",
        );
        for harm in ["script", "onclick", "onerror", "iframe", "alert"] {
            assert!(!article.html.contains(harm), "{harm} in {}", article.html);
        }
    }

    #[test]
    fn relative_addresses_become_absolute() {
        let article = made("<a href='../about'>x</a><img src='a.png' alt='A'>");
        assert!(article.html.contains("https://example.org/about"), "{}", article.html);
        assert!(article.html.contains("https://example.org/posts/a.png"), "{}", article.html);
    }

    #[test]
    fn an_entry_nested_without_end_is_read_as_text() {
        let article = made(&format!("{}deep{}", "<div>".repeat(20_000), "</div>".repeat(20_000)));
        assert_eq!(article.html, "<p>deep</p>");
        assert_eq!(article.text.trim(), "deep");
    }

    #[test]
    fn text_reads_well() {
        let body = "<h2>Head</h2><p>One <b>bold</b> and <a href='https://example.org/x'>a link</a>.</p><ul><li>a</li><li>b</li></ul>\
                    <blockquote>said</blockquote><pre>let x =  1;\n  y</pre><p><img src='p.png' alt='a cat'><img src='t.gif'></p>";
        insta::assert_snapshot!(made(body).text);
    }

    #[test]
    fn an_entry_without_a_body_makes_an_empty_article() {
        assert_eq!(article(&Entry::default(), None), Article::default());
    }
}
