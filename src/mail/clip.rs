//! PURE. Gmail shows only the first 102 KB of an HTML part. Goes in: clean HTML, and how its page is made. Comes out: the
//! page, with a line that says so, or cut where a block ends; where one has no end in time, at a sentence or a word.

use std::borrow::Cow;
use std::ops::Range;

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
    if clip == Clip::Off || weight(&whole) <= MOST {
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
    let shortened = |end: usize| page(&format!("{}\r\n{rest}", cut(html, end)));
    let longest = |ends: &[usize]| longest(ends, |end| weight(&shortened(end)) <= MOST);
    // Rather where a block ends; but where the next one is long, it is better to see how that begins.
    let within = MOST + html.len() - light(html).len();
    let block = longest(&ends_of_blocks(html, within));
    let end = block.filter(|end| *end >= MOST / 2).or_else(|| {
        let places = [is_end_of_sentence, is_blank];
        places.iter().find_map(|is_end| longest(&ends_in_text(html, block.unwrap_or_default()..within, *is_end))).or(block)
    });
    // Where nothing ends in time there is no place to cut, and a mail without a word of its post is none.
    end.map_or_else(noticed, shortened)
}

/// How long a page will be as a part, without the images in it, which travel beside it.
fn weight(page: &str) -> usize {
    encoded_length(&light(page))
}

fn light(html: &str) -> Cow<'_, str> {
    const HELD: &str = " src=\"data:";
    let mut pieces = html.split(HELD);
    let first = pieces.next().unwrap_or_default();
    if first.len() == html.len() {
        return Cow::Borrowed(html);
    }
    let mut light = first.to_owned();
    for piece in pieces {
        light.push_str(HELD);
        light.push_str(piece.find('"').and_then(|end| piece.get(end..)).unwrap_or_default());
    }
    Cow::Owned(light)
}

/// The last of some places, in their order, up to which it fits.
fn longest(ends: &[usize], fits: impl Fn(usize) -> bool) -> Option<usize> {
    let count = ends.partition_point(|end| fits(*end));
    count.checked_sub(1).and_then(|last| ends.get(last)).copied()
}

/// A tag of clean HTML.
struct Tag<'a> {
    name: &'a str,
    is_end: bool,
    /// Where it begins and ends.
    start: usize,
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
        Some(Tag { name, is_end, start, end: at })
    })
}

/// Where blocks end, in the first `within` bytes.
fn ends_of_blocks(html: &str, within: usize) -> Vec<usize> {
    let is_end = |tag: &Tag<'_>| BLOCKS.contains(&tag.name) && (tag.is_end || VOID.contains(&tag.name));
    tags(html).take_while(|tag| tag.end <= within).filter(is_end).map(|tag| tag.end).collect()
}

/// Where a part of a text ends, in a range of bytes: behind the signs that `is_end` says so of, which it is given with what comes
/// after. Never within a tag.
fn ends_in_text(html: &str, within: Range<usize>, is_end: fn(char, &str) -> bool) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut from = 0;
    for tag in tags(html).take_while(|tag| tag.start < within.end) {
        add_ends(html, from..tag.start, &within, is_end, &mut ends);
        from = tag.end;
    }
    add_ends(html, from..html.len(), &within, is_end, &mut ends);
    ends
}

fn add_ends(html: &str, text: Range<usize>, within: &Range<usize>, is_end: fn(char, &str) -> bool, ends: &mut Vec<usize>) {
    for (at, sign) in html[text.clone()].char_indices() {
        let end = text.start + at + sign.len_utf8();
        if end >= within.end {
            return;
        }
        if end > within.start && is_end(sign, &html[end..text.end]) {
            ends.push(end);
        }
    }
}

fn is_end_of_sentence(sign: char, after: &str) -> bool {
    match sign {
        '.' | '!' | '?' | '…' => after.starts_with(char::is_whitespace),
        '。' | '！' | '？' | '।' => true,
        _ => false,
    }
}

fn is_blank(sign: char, _: &str) -> bool {
    sign.is_ascii_whitespace()
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
    fn an_image_that_travels_beside_the_page_makes_it_no_longer() {
        let held = format!("<p><img src=\"data:image/png;base64,{}\"></p><p>a</p>", "A".repeat(200_000));
        assert_eq!(fitted(&held, LINK, Clip::Cut, page), page(&held));
        let long = format!("{held}{}", "<p>words</p>".repeat(20_000));
        let cut = fitted(&long, LINK, Clip::Cut, page);
        assert!(cut.len() > 290_000 && weight(&cut) <= MOST, "{} {}", cut.len(), weight(&cut));
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
    fn a_block_that_is_too_long_is_cut_at_a_sentence_or_a_word() {
        let cut_of = |html: &str| {
            let cut = fitted(html, LINK, Clip::Cut, page);
            assert!((90_000..=MOST).contains(&encoded_length(&cut)), "{}", encoded_length(&cut));
            cut.split_once("\r\n<p style").unwrap().0.to_owned()
        };
        let sentences = "It <b title=\"a. b\">goes. On</b> and on! ".repeat(5_000);
        let cut = cut_of(&format!("<p>First.</p><div><p>{sentences}</p></div>"));
        assert!(cut.ends_with("goes.</b></p></div>") || cut.ends_with("on!</p></div>"), "{}", &cut[cut.len() - 50..]);
        let cut = cut_of(&format!("<p>{}</p>", "word after word ".repeat(10_000)));
        assert!(["word </p>", "after </p>"].iter().any(|end| cut.ends_with(end)), "{}", &cut[cut.len() - 50..]);
        let cut = cut_of(&format!("<p>{}</p>", "文は続く。".repeat(10_000)));
        assert!(cut.ends_with("。</p>"), "{}", &cut[cut.len() - 50..]);
    }

    #[test]
    fn one_word_that_is_too_long_comes_whole_and_says_so() {
        let long = format!("<p>{}</p>", "x".repeat(200_000));
        assert_eq!(fitted(&long, LINK, Clip::Cut, page), fitted(&long, LINK, Clip::Notice, page));
    }
}
