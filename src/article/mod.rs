//! PURE. From an entry to an [`Article`]: clean HTML, plain text, absolute URLs. One parse into a tree of our own, one pass
//! over it, both parts written from it. Nothing that a feed says reaches a reader's program without passing here.

mod dom;
mod extract;
mod guard;
mod pass;
mod plain;
mod shown;
mod text;

use std::borrow::Cow;

use url::Url;

use self::dom::{Step, Tree};
pub use self::extract::{Cut, Lesser, NoArticle, compared, extract};
use self::pass::{Context, pass};
pub use self::shown::ShownEntry;
use crate::feed::Entry;
use crate::feed::text::{cut, from_html, one_line, to_html};

/// An entry made ready to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Article {
    /// Its body as clean HTML with absolute URLs, dressed for a mail; empty where it has none.
    pub html: String,
    /// Its body as plain text, wrapped, with its links as numbered notes; empty where it has none.
    pub text: String,
    /// The same text as `format=flowed` (RFC 3676), without `DelSp`.
    pub flowed: String,
    /// The beginning of its text, on one line.
    pub summary: String,
    /// The addresses of its pictures in their order, each once: absolute and of the web, and `data:` where that was wanted.
    pub images: Vec<String>,
}

/// How an article is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The width that text is wrapped at, in columns; 0: not at all.
    pub wrap: usize,
    /// Whether pictures stay; else there is what describes them, as a link to each.
    pub images: bool,
    /// Whether pictures stay whose address holds them whole (`data:`), up to 1 MiB of PNG, JPEG, GIF or WebP.
    pub data_images: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { wrap: 72, images: true, data_images: false }
    }
}

/// How many characters of its text make an entry's summary.
const SUMMARY: usize = 1_000;
/// How many bytes of text are read for it.
const READ_FOR_SUMMARY: usize = 8 * SUMMARY;
/// The longest address, in bytes, that others are made absolute by.
const LONGEST_BASE: usize = 2048;
/// How often HTML is made clean until nothing changes; twice is rare.
const ROUNDS: usize = 3;

/// Makes an entry ready to read. `feed_link` is what its relative URLs are relative to where it names nothing nearer.
#[must_use]
pub fn article(entry: &Entry, feed_link: Option<&str>) -> Article {
    article_with(entry, feed_link, Options::default())
}

/// The same, in a way of its own.
#[must_use]
pub fn article_with(entry: &Entry, feed_link: Option<&str>, options: Options) -> Article {
    let image = entry.image.as_deref().filter(|_| options.images);
    let Some(body) = entry.body().or(image.and(Some(""))) else { return Article::default() };
    let base = base_of(entry, feed_link);
    let page = entry.link().filter(|link| link.len() <= LONGEST_BASE).and_then(|link| Url::parse(link).ok());
    let context = Context { base: base.as_ref(), page: page.as_ref(), options };
    let body = plain::laid_out(body);
    let (mut tree, mut html) = cleaned(&body, context, true);
    let mut images = images_of(&tree);
    if let Some(image) = image.filter(|_| images.is_empty()) {
        (tree, html) = cleaned(&format!("<p><img src=\"{}\" alt=\"\"></p>{body}", to_html(image)), context, true);
        images = images_of(&tree);
    }
    let text = text::rendered(|| text::render(&tree, options.wrap, page.as_ref()), &html, options.wrap);
    Article { text: text.plain(), flowed: text.flowed(), summary: summary_of(&tree), images, html }
}

/// The beginning of an entry's text on one line, where nothing else of its article is needed.
#[must_use]
pub fn summary(entry: &Entry) -> String {
    cut(&from_html(entry.body().unwrap_or_default()), SUMMARY)
}

/// A piece of a feed's HTML, safe and with absolute URLs.
#[must_use]
pub fn clean(html: &str, base: Option<&Url>) -> String {
    cleaned(html, Context { base, page: None, options: Options::default() }, false).1
}

/// The tree of a piece of HTML and what is written of it. What cannot be read as a tree is read as plain text.
fn cleaned(html: &str, context: Context<'_>, dressed: bool) -> (Tree, String) {
    settled(html, context, dressed).unwrap_or_else(|| {
        let tree = Tree::of_text(&from_html(html));
        let html = tree.write(|_, _| None);
        (tree, html)
    })
}

/// Passes over HTML until the guard finds nothing to change, so that what is shown is what both have seen.
fn settled(html: &str, context: Context<'_>, dressed: bool) -> Option<(Tree, String)> {
    let mut source = Cow::Borrowed(html);
    for _ in 0..ROUNDS {
        let tree = pass(Tree::parse(&source)?, source.len(), context)?;
        if tree.is_slow_to_guard() {
            return None;
        }
        let plain = tree.write(|_, _| None);
        let guarded = guard::guarded(&plain, context.options.data_images);
        if plain == guarded {
            let html = if dressed { tree.write(guard::style) } else { guarded };
            return Some((tree, html));
        }
        source = Cow::Owned(guarded);
    }
    None
}

/// The beginning of a tree's text on one line.
fn summary_of(tree: &Tree) -> String {
    let mut text = String::new();
    for step in tree.walk(tree.root()) {
        let (Step::Enter(id) | Step::Leave(id)) = step;
        if let (Step::Enter(_), Some(words)) = (step, tree.text(id)) {
            text.push_str(words);
        } else if pass::is_block(tree.name(id)) || matches!(tree.name(id), "td" | "th" | "br" | "img") {
            text.push(' ');
        }
        if text.len() > READ_FOR_SUMMARY {
            break;
        }
    }
    cut(&one_line(&text), SUMMARY)
}

fn images_of(tree: &Tree) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let sources = tree.below(tree.root()).filter(|id| tree.name(*id) == "img").filter_map(|id| tree.attribute(id, "src"));
    sources.filter(|source| seen.insert(*source)).map(str::to_owned).collect()
}

/// What relative URLs in an entry's bodies are relative to: its own base, else its page, else the feed's page.
#[must_use]
pub fn base_of(entry: &Entry, feed_link: Option<&str>) -> Option<Url> {
    let candidates = [entry.base.as_deref(), entry.link(), feed_link];
    let short = candidates.into_iter().flatten().filter(|text| text.len() <= LONGEST_BASE);
    short.filter_map(|text| Url::parse(text).ok()).find(|url| !url.cannot_be_a_base())
}

#[cfg(test)]
mod tests;
