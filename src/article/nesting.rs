//! PURE. Whether HTML would make too large a tree, or one that takes too long to write. Building one is quadratic in depth,
//! whatever the parser; formatting elements that are never closed are built again in every block; and each relative address
//! becomes as long as its base. So all of these are bounded before, by counting tokens.

use std::cell::RefCell;

use html5ever::LocalName;
use html5ever::tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult};

use crate::feed::markup::tokens;

/// The deepest nesting that is parsed; real posts stay below 40.
const DEEPEST: usize = 256;
/// The most formatting elements that are built again: for so many the tree is as large as of a post of a few megabytes.
const MOST_REBUILT: usize = 100_000;

/// The largest product of a text's length and its characters that are escaped: html5ever's serialiser looks from each of them
/// to the end of the text.
const MOST_LOOKED_AT: usize = 5_000_000_000;

/// The most cells of tables: the text of a table takes some kilobytes for each while it is laid out.
const MOST_CELLS: usize = 20_000;
/// How many bytes the base of addresses may add, beside so many for each byte of the HTML.
const MOST_ADDED: usize = 1024 * 1024;
const MOST_ADDED_EACH: usize = 16;
/// The largest product of a text's tags and what stands in its tables outside of their cells: a parser puts each of that before
/// the table, and looks for the table's place among all that stands beside it.
const MOST_FOSTERED: usize = 200_000_000;

/// Elements that hold nothing, or that the next one of their sort closes.
const SHALLOW: &[&str] = &[
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p", "param",
    "source", "tbody", "td", "tfoot", "th", "thead", "tr", "track", "wbr",
];
/// Elements that go on in the next block where they are not closed (HTML standard, "the list of active formatting elements").
const FORMATTING: &[&str] = &["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];

/// Attributes of what is allowed that hold an address.
const ADDRESSES: &[&str] = &["cite", "href", "longdesc", "src"];
/// What stands in a table where it belongs, apart from its cells.
const OF_TABLES: &[&str] = &["col", "colgroup", "script", "style", "tbody", "template", "tfoot", "thead", "tr"];
/// What holds anything at all within a table.
const CELLS: &[&str] = &["caption", "td", "th"];

/// What a parser would have open.
#[derive(Default)]
struct Open {
    /// Elements, outermost first; at most one more than are allowed.
    elements: Vec<LocalName>,
    /// Formatting elements that go on.
    formatting: Vec<LocalName>,
    deepest: usize,
    rebuilt: usize,
    /// Of the text since the last tag: its length, and how much of it is escaped.
    text: (usize, usize),
    looked_at: usize,
    /// How many addresses there are.
    addresses: usize,
    /// Inside of drawings and formulas every element nests.
    foreign: bool,
    /// Tables, outermost first: whether what comes next stands outside of their cells.
    between_cells: Vec<bool>,
    fostered: usize,
    tags: usize,
    cells: usize,
}

#[derive(Default)]
struct Count(RefCell<Open>);

impl TokenSink for Count {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) => self.0.borrow_mut().tag(&tag),
            Token::CharacterTokens(text) => self.0.borrow_mut().words(&text),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Open {
    fn words(&mut self, text: &str) {
        if self.between_cells.last() == Some(&true) && !text.bytes().all(|b| b.is_ascii_whitespace()) {
            self.fostered += 1;
        }
        self.text(text);
    }

    fn table(&mut self, tag: &Tag) {
        let (name, starts) = (&*tag.name, tag.kind == TagKind::StartTag);
        self.tags += 1;
        if name == "table" && starts {
            if self.between_cells.len() <= DEEPEST {
                self.between_cells.push(true);
            }
        } else if name == "table" {
            self.between_cells.pop();
        } else if let Some(between) = self.between_cells.last_mut() {
            if CELLS.contains(&name) {
                *between = !starts;
            } else if OF_TABLES.contains(&name) {
                *between |= name != "template" && name != "script" && name != "style";
            } else if *between {
                self.fostered += 1;
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.text.0 += text.len();
        self.text.1 += text.bytes().filter(|b| matches!(b, b'&' | b'<' | b'>' | 0xc2)).count();
    }

    /// Reckons what the text costs that ends here.
    fn end_text(&mut self) {
        let (length, escaped) = std::mem::take(&mut self.text);
        self.looked_at = self.looked_at.saturating_add(length.saturating_mul(escaped));
    }

    fn tag(&mut self, tag: &Tag) {
        self.end_text();
        self.table(tag);
        for attribute in &tag.attrs {
            self.addresses += usize::from(ADDRESSES.contains(&&*attribute.name.local));
            self.text(&attribute.value);
            self.end_text();
        }
        let name = &*tag.name;
        self.cells += usize::from(tag.kind == TagKind::StartTag && matches!(name, "td" | "th"));
        if FORMATTING.contains(&name) {
            match tag.kind {
                TagKind::StartTag => self.formatting.push(tag.name.clone()),
                TagKind::EndTag => remove_last(&mut self.formatting, &tag.name),
            }
        } else if tag.kind == TagKind::StartTag {
            self.rebuilt += self.formatting.len();
        }
        self.foreign |= matches!(name, "svg" | "math");
        if SHALLOW.contains(&name) && !self.foreign {
            return;
        }
        match tag.kind {
            TagKind::StartTag if tag.self_closing && self.foreign => {}
            TagKind::StartTag if self.elements.len() <= DEEPEST => self.elements.push(tag.name.clone()),
            TagKind::StartTag => {}
            // An end without a beginning closes nothing.
            TagKind::EndTag => remove_last(&mut self.elements, &tag.name),
        }
        self.deepest = self.deepest.max(self.elements.len());
        // More than so many that go on are as bad as a deep tree.
        self.deepest = self.deepest.max(self.formatting.len());
        self.formatting.truncate(DEEPEST + 1);
    }
}

fn remove_last(names: &mut Vec<LocalName>, name: &LocalName) {
    if let Some(place) = names.iter().rposition(|open| open == name) {
        names.remove(place);
    }
}

/// Whether the tree of this HTML would be too deep or too large to be built, or a tag of it too long to be read. `base` is the
/// length of what its addresses are relative to.
#[must_use]
pub(super) fn is_too_much(html: &str, base: usize) -> bool {
    // A tag takes three bytes at least: short texts cannot be deep.
    if html.len() < DEEPEST * 3 {
        return false;
    }
    let Some(count) = tokens(html, Count::default()) else { return true };
    let mut open = count.0.into_inner();
    open.end_text();
    let added = open.addresses.saturating_mul(base);
    let adds_too_much = added > MOST_ADDED.saturating_add(html.len().saturating_mul(MOST_ADDED_EACH));
    let fosters_too_much = open.fostered.saturating_mul(open.tags) > MOST_FOSTERED;
    let nests_too_much = open.deepest > DEEPEST || open.rebuilt > MOST_REBUILT || open.cells > MOST_CELLS;
    adds_too_much || fosters_too_much || nests_too_much || open.looked_at > MOST_LOOKED_AT
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    fn is_too_much(html: &str) -> bool {
        super::is_too_much(html, 20)
    }

    #[test]
    fn a_long_base_of_many_addresses_is_counted() {
        let images = "<img src=a>".repeat(100_000);
        assert!(super::is_too_much(&images, 10_000));
        assert!(!super::is_too_much(&images, 100));
        assert!(!super::is_too_much("<img src=a>", 1_000_000));
    }

    #[test]
    fn depth_is_counted_and_length_is_not() {
        assert!(is_too_much(&"<div>".repeat(1_000)));
        assert!(is_too_much(&"<ul><li>".repeat(1_000)));
        assert!(!is_too_much(&"<div>a</div>".repeat(10_000)));
        assert!(!is_too_much(&"<p>a<br>b <b>c</b>".repeat(10_000)));
    }

    #[test]
    fn text_that_is_all_signs_is_counted() {
        assert!(is_too_much(&"&".repeat(1_000_000)));
        assert!(is_too_much(&format!("<a title=\"{}\">", "&".repeat(1_000_000))));
        assert!(!is_too_much(&"<p>Tea &amp; cake</p>".repeat(100_000)));
    }

    #[test]
    fn what_stands_in_tables_outside_of_their_cells_is_counted() {
        assert!(is_too_much(&format!("<table>{}", "<img>".repeat(20_000))));
        assert!(is_too_much(&"<table><tr>a</tr></table>".repeat(20_000)));
        assert!(!is_too_much(&"<table><tr><td>a<br><p>b</table>".repeat(20_000)));
        assert!(!is_too_much(&format!("<table>a<tr>{}</table>", "<td>a<br>b</td>\n".repeat(20_000))));
    }

    #[test]
    fn an_end_without_a_beginning_hides_no_depth() {
        assert!(is_too_much(&"<div></x>".repeat(1_000)));
        assert!(is_too_much(&format!("<svg>{}", "<td>".repeat(1_000))));
    }

    #[test]
    fn formatting_that_goes_on_in_every_block_is_counted() {
        let mut html = "<p>".to_owned();
        for number in 0..240 {
            let _ = write!(html, "<font size={number}>");
        }
        html.push_str(&"x<p>".repeat(5_000));
        assert!(is_too_much(&html));
        assert!(!is_too_much(&format!("<i>{}", "<p>a post that forgot to close its first word</p>".repeat(2_000))));
    }
}
