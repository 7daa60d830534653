//! Trees and the text that is made of them.

use super::*;
use crate::article::Options;
use crate::article::pass::{Context, pass};

fn laid_out(html: &str, width: usize) -> Text {
    let base = Url::parse("https://example.org/1").unwrap();
    let context = Context { base: Some(&base), page: Some(&base), options: Options::default() };
    let tree = pass(Tree::parse(html).unwrap(), html.len(), context).unwrap();
    render(&tree, width, Some(&base))
}

fn text(html: &str) -> String {
    laid_out(html, 72).plain()
}

#[test]
fn text_reads_well() {
    let body = "<h2>Head</h2><p>One <b>bold</b> and <a href='https://example.org/x'>a link</a>.</p><ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>\
                <blockquote><p>said</p><blockquote>before</blockquote></blockquote><pre>let x =  1;\n  y</pre><p><img src='p.png' alt='a cat'><img src='t.png'></p>\
                <hr><dl><dt>Term</dt><dd>What it is</dd></dl><table><tr><th>Name<th>Size<tr><td>a<td>1<tr><td>bcd<td>22</table>";
    insta::assert_snapshot!(text(body));
}

#[test]
fn links_are_numbered_notes_each_address_once() {
    assert_eq!(
        text(
            "<p><a href=/a>One</a>, <a href=/b>two</a>, <a href=/a>one</a>; <a href='https://example.org/c'>example.org/c/</a></p>"
        ),
        "One[1], two[2], one[1]; example.org/c/\n\n[1] https://example.org/a\n[2] https://example.org/b"
    );
    assert_eq!(
        text("<a href='mailto:a@b.example'>Write</a> or <a href='mailto:a@b.example'>a@b.example</a>"),
        "Write <a@b.example> or a@b.example"
    );
    assert_eq!(text("<p>word<sup><a href='#f1'>1</a></sup></p>"), "word¹");
    assert_eq!(text("<a href=/a><p>A block</p></a>"), "A block[1]\n\n[1] https://example.org/a");
}

#[test]
fn lists_are_nested_and_numbered() {
    assert_eq!(text("<ol start=9><li>a<ul><li>b<li>c</ul><li>d</ol>"), "9. a\n   - b\n   - c\n10. d");
    assert_eq!(text("<ol reversed><li>a<li>b</ol>"), "2. a\n1. b");
    assert_eq!(text("<ul><li><p>a</p><p>b</p></li><li><p>c</p></li></ul>"), "- a\n\n  b\n\n- c");
}

#[test]
fn what_does_not_fit_side_by_side_is_told_row_by_row() {
    let long = "many words that go on and on until no line has room for them, and longer";
    let table = format!("<table><tr><th>Name<th>What<tr><td>a<td>{long}<tr><td>b<td>c</table>");
    assert_eq!(
        text(&table),
        "Name: a\nWhat: many words that go on and on until no line has room for them, and\nlonger\n\nName: b\nWhat: c"
    );
}

#[test]
fn cells_that_stand_for_several_keep_the_columns_in_line() {
    let spans = "<table><tr><th rowspan=2>Name<th colspan=2>Size<tr><th>wide<th>high<tr><td>a<td>10<td>2<tr><td>b<td rowspan=2>7<td>3<tr><td>c<td>4</table>";
    let shown = ["Name  Size", "      wide  high", "----  ----  ----", "a     10    2", "b     7     3", "c           4"];
    assert_eq!(text(spans), shown.join("\n"));
    let wide = "<table><tr><td colspan=2>A title over both<tr><td>a<td>b</table>";
    assert_eq!(text(wide), "A title over both\na  b");
    let endless = "<table><tr><td colspan=1000 rowspan=1000>a<tr><td>b<td>c</table>";
    assert_eq!(text(endless), "a\n\nb\nc");
}

#[test]
fn tables_stand_apart_from_each_other() {
    let (two, one) = ("<table><tr><td>a<td>b</table>", "<table><tr><td>c</table>");
    assert_eq!(text(&format!("{two}{two}")), "a  b\n\na  b");
    assert_eq!(text(&format!("{one}{one}")), "c\n\nc");
}

#[test]
fn a_quotation_in_a_list_stands_where_its_item_does() {
    assert_eq!(text("<ul><li>a<blockquote><p>q</p><p>r</p></blockquote></li><li>b</li></ul>"), "- a\n\n  > q\n  >\n  > r\n\n- b");
    assert_eq!(text("<ul><li><blockquote>q</blockquote></li></ul>"), "- > q");
    assert_eq!(text("<blockquote><ul><li>a</li></ul></blockquote>"), "> - a");
}

#[test]
fn what_is_struck_out_has_a_quiet_mark() {
    assert_eq!(text("<p>Was <s>ten</s> <del>nine</del> <strike>8</strike>, is <ins>seven</ins> <mark>now</mark>.</p>"), {
        "Was ~ten~ ~nine~ ~8~, is seven now."
    });
    assert_eq!(text("<pre>a <del>b</del></pre>"), "a b");
}

#[test]
fn wide_signs_take_two_columns_and_wrap_between_each_other() {
    let lines = laid_out("<p>漢字仮名交じり文は、空白なしで書かれる。</p>", 20).plain();
    assert_eq!(lines, "漢字仮名交じり文は、\n空白なしで書かれる。");
    assert_eq!(
        laid_out("<p>漢字仮名交じり文は、空白なしで書かれる。</p>", 20).flowed(),
        "漢字仮名交じり文は、空白なしで書かれる。"
    );
}

#[test]
fn an_image_without_words_is_told_only_where_there_is_nothing_else() {
    assert_eq!(text("<p>a<img src=b.png></p>"), "a");
    assert_eq!(text("<p><img src=b.png></p>"), "[image][1]\n\n[1] https://example.org/b.png");
}

#[test]
fn a_link_that_shows_only_an_image_without_words_can_be_followed() {
    assert_eq!(text("<p>a <a href=/full><img src=/p/cat.png></a></p>"), "a [image: cat.png][1]\n\n[1] https://example.org/full");
    assert_eq!(
        text("<p>a</p><a href=/full><figure><img src=/p/1><img src=/p/2></figure></a>"),
        "a\n\n[image][1]\n\n[1] https://example.org/full"
    );
    assert_eq!(text("<a href=/full><img src=/p/cat.png> A cat</a>"), "A cat[1]\n\n[1] https://example.org/full");
}

#[test]
fn raised_and_lowered_signs_are_letters_where_there_are_such() {
    assert_eq!(text("x<sup>2</sup> H<sub>2</sub>O 1<sup>st</sup> e<sup>kx</sup> a<sub>max</sub>"), "x² H₂O 1st e^kx a_max");
    assert_eq!(text("<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby> <q>a</q>"), "漢(kan) “a”");
}

/// What a reader of `format=flowed` makes of it: paragraphs, each with its depth of quotation.
fn unflowed(flowed: &str) -> Vec<(usize, String)> {
    let mut paragraphs: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for line in flowed.split('\n') {
        let text = line.trim_start_matches('>');
        let quote = line.len() - text.len();
        let text = text.strip_prefix(' ').unwrap_or(text);
        match paragraphs.last_mut() {
            Some((last, paragraph)) if goes_on && *last == quote => paragraph.push_str(text),
            _ => paragraphs.push((quote, text.to_owned())),
        }
        goes_on = text.ends_with(' ') && text != "-- ";
    }
    paragraphs
}

#[test]
fn flowed_text_is_the_same_paragraphs_at_any_width() {
    let body = "<p>Some words that are long enough to be wrapped more than once at a narrow width -- and on.</p><p>From here &gt; there</p>\
                <blockquote><p>A quotation that is long enough to be wrapped as well.</p></blockquote><ul><li>An item that is wrapped in its list, too</li></ul>\
                <pre>code  that is\n  long and is never wrapped at all, whatever its width is</pre><p>&gt; not a quotation</p>";
    let whole = unflowed(&laid_out(body, 0).flowed());
    for width in [20, 21, 22, 25, 30, 40, 72] {
        assert_eq!(unflowed(&laid_out(body, width).flowed()), whole, "at {width}");
    }
    let expected = "A quotation that is long enough to be wrapped as well.";
    assert!(whole.contains(&(1, expected.to_owned())), "{whole:?}");
    assert!(whole.contains(&(0, "> not a quotation".to_owned())), "{whole:?}");
}
