//! PURE. The article in a page for people, without what stands around it: by the places that the user names, or else by
//! `dom_smoothie`, which finds it as browsers' reading views do. Goes in: a page's HTML. Comes out: clean HTML with absolute URLs.

use std::collections::HashSet;

use dom_query::{Document, Matcher};
use dom_smoothie::{Config, Readability};
use url::Url;

use super::dom::Tree;
use super::pass::may_be_added;
use super::{LONGEST_BASE, clean};
use crate::feed::text::from_html;

/// Where in its pages a feed's articles stand; nothing: they are to be found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Cut {
    /// CSS selectors of what the article is.
    pub select: Option<String>,
    /// CSS selectors of what it is not.
    pub remove: Vec<String>,
}

/// Why a page gives no article.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoArticle {
    /// Its tree would be too deep or too large.
    #[error("the page is nested too deeply or is too large")]
    TooMuch,
    /// The user's selector finds nothing.
    #[error("nothing on the page matches `{0}`")]
    NoMatch(String),
    /// Nothing reads like an article.
    #[error("no article was found on the page")]
    NotFound,
}

/// Why an article that was found on a page is not taken in the place of the feed's own body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Lesser {
    /// It is shorter.
    #[error("its page has fewer words than the feed")]
    Shorter,
    /// Not one of the feed's own words is in it.
    #[error("its page speaks of something else")]
    OfElse,
}

/// More elements than this, and a page is a list of something; scoring looks at each of them several times.
const MOST_ELEMENTS: usize = 30_000;

/// Attributes that hold an address.
const ADDRESSES: &[&str] = &["href", "src", "poster", "cite"];

impl Cut {
    /// Whether a selector can be used; what is wrong with it else.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(selector: &str) -> Result<(), String> {
        Matcher::new(selector).map(drop).map_err(|_| format!("`{selector}` is not a CSS selector"))
    }
}

/// The article of a page that was found at `url`.
///
/// # Errors
/// Where there is none.
pub fn extract(page: &str, url: &Url, cut: &Cut) -> Result<String, NoArticle> {
    // A tree of our own is bounded while it is built; only what has passed there is given to others.
    let tree = Tree::parse(page).filter(|tree| !tree.is_slow_to_guard()).ok_or(NoArticle::TooMuch)?;
    let document = Document::from(page);
    for selector in &cut.remove {
        if let Ok(matcher) = Matcher::new(selector) {
            document.select_matcher(&matcher).remove();
        }
    }
    let base = document.base_uri().and_then(|base| url.join(&base).ok());
    let base = base.filter(|base| base.as_str().len() <= LONGEST_BASE).unwrap_or_else(|| url.clone());
    let addresses = tree.below(tree.root()).filter(|id| ADDRESSES.iter().any(|name| tree.attribute(*id, name).is_some())).count();
    if addresses.saturating_mul(base.as_str().len()) > may_be_added(page.len()) {
        return Err(NoArticle::TooMuch);
    }
    let article = match &cut.select {
        Some(selector) => selected(&document, selector)?,
        None => found(document, &base)?,
    };
    let article = clean(&article, Some(&base));
    if is_empty(&article) { Err(NoArticle::NotFound) } else { Ok(article) }
}

/// What a selector names, in the order of the page; what stands within another match is not repeated.
fn selected(document: &Document, selector: &str) -> Result<String, NoArticle> {
    let none = || NoArticle::NoMatch(selector.to_owned());
    let matcher = Matcher::new(selector).map_err(|_| none())?;
    let found = document.select_matcher(&matcher);
    let all: HashSet<_> = found.nodes().iter().map(|node| node.id).collect();
    let mut html = String::new();
    for node in found.nodes() {
        if !node.ancestors_it(None).any(|ancestor| all.contains(&ancestor.id)) {
            html.push_str(&node.html());
        }
    }
    if is_empty(&html) { Err(none()) } else { Ok(html) }
}

fn found(document: Document, base: &Url) -> Result<String, NoArticle> {
    let config = Config { max_elements_to_parse: MOST_ELEMENTS, disable_json_ld: true, ..Config::default() };
    let reading = Readability::with_document(document, Some(base.as_str()), Some(config));
    let article = reading.and_then(|mut reading| reading.parse());
    article.map(|article| article.content.to_string()).map_err(|_| NoArticle::NotFound)
}

fn is_empty(html: &str) -> bool {
    !html.contains("<img") && from_html(html).trim().is_empty()
}

/// Whether an article from a page says as much as the feed's own body, and speaks of the same: a page that asks for consent or
/// money does not. What a selector of the user's has cut out is always taken.
///
/// # Errors
/// Why it is not taken.
pub fn compared(page: &str, own: &str, title: &str, cut: &Cut) -> Result<(), Lesser> {
    if cut.select.is_some() {
        return Ok(());
    }
    let (page, own) = (from_html(page), from_html(own));
    if page.chars().count() < own.chars().count() {
        return Err(Lesser::Shorter);
    }
    let said = words(title).chain(words(&own)).collect::<HashSet<String>>();
    if said.len() < FEW || words(&page).any(|word| said.contains(&word)) { Ok(()) } else { Err(Lesser::OfElse) }
}

/// With fewer words than this nothing can be told.
const FEW: usize = 3;

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 4).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url() -> Url {
        Url::parse("https://h.example/posts/1").unwrap()
    }

    #[test]
    fn the_article_is_found_in_pages_of_many_shapes() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pages");
        let mut tried = 0;
        for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
            if file.extension().is_none_or(|extension| extension != "html") {
                continue;
            }
            let article = extract(&std::fs::read_to_string(&file).unwrap(), &url(), &Cut::default());
            let text = from_html(&article.unwrap_or_else(|error| panic!("{}: {error}", file.display())));
            for words in ["FIRST WORDS", "LAST WORDS"] {
                assert!(text.contains(words), "{} lacks {words}: {text}", file.display());
            }
            // A page laid out by tables keeps the short column beside its text: that is what `fulltext = { select = … }` is for.
            let around = ["Our shop", "Copyright of", "A comment that", "Most read", "Alle akzeptieren", "not text"];
            for words in around {
                assert!(!text.contains(words), "{} has {words}: {text}", file.display());
            }
            tried += 1;
        }
        assert_eq!(tried, 6);
    }

    #[test]
    fn selectors_take_what_they_name() {
        let page = "<base href='/b/'><div class=a>One<div class=a>in one</div><i class=no>No</i></div><p>Not<div class=a>Two <a href=x>x</a>";
        let cut = |select: &str| Cut { select: Some(select.to_owned()), remove: vec![".no".to_owned()] };
        let article = extract(page, &url(), &cut(".a")).unwrap();
        assert!(article.contains("https://h.example/b/x") && article.matches("in one").count() == 1, "{article}");
        assert!(!article.contains("No"), "{article}");
        assert_eq!(extract(page, &url(), &cut("article")), Err(NoArticle::NoMatch("article".to_owned())));
    }

    #[test]
    fn a_hostile_page_gives_nothing_and_takes_no_time() {
        let none = |page: &str| extract(page, &url(), &Cut::default()).unwrap_err();
        assert_eq!(none(&"<div>".repeat(100_000)), NoArticle::TooMuch);
        assert_eq!(none(&"<p>a, b".repeat(50_000)), NoArticle::NotFound);
        assert_eq!(none(""), NoArticle::NotFound);
        let heavy = format!("{}{}", "<div>".repeat(200), "<p>a, b, c, d, e".repeat(10_000));
        extract(&heavy, &url(), &Cut::default()).ok();
    }

    #[test]
    fn a_page_counts_where_it_says_as_much_and_speaks_of_the_same() {
        let page = "<p>The ferry to the island sails again, after a long winter.</p>";
        let found = |page: &str, own: &str, title: &str| compared(page, own, title, &Cut::default());
        assert_eq!(found(page, "<p>The ferry sails.</p>", "News"), Ok(()));
        assert_eq!(found("<p>The ferry.</p>", "<p>The ferry sails again.</p>", "News"), Err(Lesser::Shorter));
        let wall = "<p>We and our partners store information on a device and ask for your consent to all of this.</p>";
        let (own, title) = ("<p>The ferry sails again to the island</p>", "Ferry returns after winter");
        assert_eq!(found(wall, own, title), Err(Lesser::OfElse));
        assert_eq!(found(page, "", ""), Ok(()));
        let chosen = Cut { select: Some("main".to_owned()), remove: Vec::new() };
        assert_eq!(compared("<p>In short.</p>", own, title, &chosen), Ok(()), "who names it knows better");
    }
}
