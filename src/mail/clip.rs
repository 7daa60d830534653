//! PURE. Gmail shows only the first 102 KB of an HTML part. Goes in: clean HTML, and how its page is made. Comes out: the
//! page, with a line that says so, or cut where a block ends.

use super::Clip;
use super::parts::encoded_length;
use crate::feed::text::to_html;

/// The longest HTML part that is shown whole, encoded.
const MOST: usize = 98_000;

/// Elements at whose end a text may be cut.
const BLOCKS: &[&str] = &[
    "article",
    "blockquote",
    "div",
    "dl",
    "dt",
    "dd",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
];
/// Elements that have no end.
const VOID: &[&str] = &["area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

const LINE: &str = "margin:0 0 24px;padding:8px 12px;border:1px solid #999;border-radius:4px;font-size:14px";

/// The page of `html`, as `page` makes it; one that is too long to be shown whole says so, or is cut.
pub(super) fn fitted(html: &str, link: Option<&str>, clip: Clip, page: impl Fn(&str) -> String) -> String {
    let whole = page(html);
    if clip == Clip::Off || encoded_length(&whole) <= MOST {
        return whole;
    }
    let anchor = |shown: &str| link.map(|link| format!("<a href=\"{}\">{shown}</a>", to_html(link)));
    let noticed = || {
        let whole = anchor("The whole post is on the web").map(|anchor| format!(" {anchor}.")).unwrap_or_default();
        let notice = format!("<p style=\"{LINE}\">This is a long post: some mail programs show only its beginning.{whole}</p>");
        page(&format!("{notice}\r\n{html}"))
    };
    if clip == Clip::Notice {
        return noticed();
    }
    let rest = match link {
        Some(link) => {
            format!("<p style=\"{LINE}\">This mail was cut here. Read the rest: <a href=\"{0}\">{0}</a></p>", to_html(link))
        }
        None => format!("<p style=\"{LINE}\">This mail was cut here.</p>"),
    };
    let ends = ends_of_blocks(html, MOST);
    let shortened = |count: usize| {
        let kept = count.checked_sub(1).and_then(|last| ends.get(last)).map_or(String::new(), |end| cut(html, *end));
        page(&format!("{kept}\r\n{rest}"))
    };
    // The most blocks that fit.
    let (mut fit, mut too_many) = (0, ends.len() + 1);
    while too_many - fit > 1 {
        let middle = fit + (too_many - fit) / 2;
        if encoded_length(&shortened(middle)) <= MOST {
            fit = middle;
        } else {
            too_many = middle;
        }
    }
    // Where no block ends in time there is no place to cut, and a mail without a word of its post is none.
    if fit == 0 { noticed() } else { shortened(fit) }
}

/// A tag of clean HTML.
struct Tag<'a> {
    name: &'a str,
    is_end: bool,
    /// Where it ends.
    end: usize,
}

/// The tags of clean HTML, in which `<` begins a tag and nothing else.
fn tags(html: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + html.get(at..)?.find('<')?;
        let mut quoted = false;
        let length = html[start..].bytes().position(|byte| {
            quoted ^= byte == b'"';
            byte == b'>' && !quoted
        })?;
        at = start + length + 1;
        let inside = &html[start + 1..start + length];
        let (is_end, inside) = inside.strip_prefix('/').map_or((false, inside), |inside| (true, inside));
        let name = inside.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        Some(Tag { name, is_end, end: at })
    })
}

/// Where blocks end, in the first `within` bytes.
fn ends_of_blocks(html: &str, within: usize) -> Vec<usize> {
    let is_end = |tag: &Tag<'_>| BLOCKS.contains(&tag.name) && (tag.is_end || VOID.contains(&tag.name));
    tags(html).take_while(|tag| tag.end <= within).filter(is_end).map(|tag| tag.end).collect()
}

/// The beginning of clean HTML, with what is open there closed.
fn cut(html: &str, end: usize) -> String {
    let kept = html.get(..end).unwrap_or_default();
    let mut open: Vec<&str> = Vec::new();
    for tag in tags(kept).filter(|tag| !VOID.contains(&tag.name)) {
        if !tag.is_end {
            open.push(tag.name);
        } else if let Some(place) = open.iter().rposition(|name| *name == tag.name) {
            open.truncate(place);
        }
    }
    let mut whole = kept.to_owned();
    for name in open.iter().rev() {
        whole.push_str("</");
        whole.push_str(name);
        whole.push('>');
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: Option<&str> = Some("https://example.org/1?a&b");

    fn page(html: &str) -> String {
        format!("<html>{html}</html>")
    }

    #[test]
    fn a_short_page_is_left_alone() {
        for clip in [Clip::Notice, Clip::Cut, Clip::Off] {
            assert_eq!(fitted("<p>a</p>", LINK, clip, page), "<html><p>a</p></html>");
        }
    }

    #[test]
    fn a_long_page_says_so_or_is_cut_where_a_block_ends() {
        let long = format!("<div>{}</div>", "<ul><li title=\"a > b\">größe</li></ul>".repeat(5_000));
        assert_eq!(fitted(&long, LINK, Clip::Off, page), page(&long));
        let noticed = fitted(&long, LINK, Clip::Notice, page);
        assert!(noticed.starts_with("<html><p ") && noticed.ends_with(&page(&long)["<html>".len()..]));
        assert!(noticed.contains("<a href=\"https://example.org/1?a&amp;b\">"));
        let cut = fitted(&long, LINK, Clip::Cut, page);
        assert!((90_000..=MOST).contains(&encoded_length(&cut)), "{}", encoded_length(&cut));
        assert!(
            cut.contains("größe</li></ul></div>\r\n<p style") && cut.contains("Read the rest: <a href="),
            "{}",
            &cut[cut.len() - 500..]
        );
    }

    #[test]
    fn one_block_that_is_too_long_comes_whole_and_says_so() {
        let long = format!("<p>{}</p>", "x".repeat(200_000));
        assert_eq!(fitted(&long, LINK, Clip::Cut, page), fitted(&long, LINK, Clip::Notice, page));
    }
}
