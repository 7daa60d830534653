//! The inside of elements, however they end.

use super::*;

/// Around the elements stands an `item`.
struct Item;

impl Outer for Item {
    fn ends(&self, name: &str) -> bool {
        name == "item"
    }

    fn begins_entry(&self, name: &str) -> bool {
        name == "item"
    }
}

/// The inside of each element of a text, as written, with its name before it.
fn insides(text: &str) -> Vec<String> {
    let (mut soup, mut unclosed) = (Soup::new(text), Unclosed::default());
    let mut found = Vec::new();
    while let Some(token) = soup.next() {
        if let Token::Start(tag) = token {
            let inner = inner(&mut soup, &tag, &Item, &mut unclosed);
            found.push(format!("{}: {}", tag.name, inner.raw));
        }
    }
    found
}

fn only(text: &str) -> (String, bool) {
    let mut soup = Soup::new(text);
    let Some(Token::Start(tag)) = soup.next() else { panic!("no element: {text}") };
    let inner = inner(&mut soup, &tag, &Item, &mut Unclosed::default());
    (inner.value(&Entities::default()).into_owned(), inner.markup)
}

fn html(text: &str, base: Option<&str>) -> String {
    let mut soup = Soup::new(text);
    let Some(Token::Start(tag)) = soup.next() else { panic!("no element: {text}") };
    let inner = inner(&mut soup, &tag, &Item, &mut Unclosed::default());
    let base = base.and_then(|base| Url::parse(base).ok());
    inner.html(&Names::default(), &Entities::default(), base.as_ref()).into_owned()
}

#[test]
fn an_element_ends_with_its_own_end() {
    assert_eq!(insides("<a>b</a><c/><d>e<f>g</f></d>"), ["a: b", "c: ", "d: e<f>g</f>"]);
    assert_eq!(insides("<a>b<a>c</a>d</a><e>f</e>"), ["a: b<a>c</a>d", "e: f"]);
    assert_eq!(insides("<Title>b</title >"), ["Title: b"]);
    assert_eq!(insides("<a>b<!-- </a> --></a>"), ["a: b<!-- </a> -->"]);
    assert_eq!(insides("<a>b"), ["a: b"]);
}

#[test]
fn a_forgotten_end_is_where_the_next_field_begins() {
    assert_eq!(insides("<title>a<link>b</link><guid>c</guid></item>"), ["title: a", "link: b", "guid: c"]);
    assert_eq!(insides("<title>a<link>b<guid>c</item>"), ["title: a", "link: b", "guid: c"]);
    assert_eq!(insides("<title>a <b>b</b><link>c</link></item>"), ["title: a <b>b</b>", "link: c"]);
    assert_eq!(insides("<foo>a<bar>b</item>"), ["foo: a<bar>b"]);
    assert_eq!(insides("<title>a<item><title>b</title></item>")[0], "title: a");
}

#[test]
fn an_element_that_is_closed_keeps_what_looks_like_a_field() {
    assert_eq!(insides("<image><title>a</title></image><title>b</title>"), ["image: <title>a</title>", "title: b"]);
}

#[test]
fn a_section_that_was_never_closed_ends_with_its_element() {
    assert_eq!(insides("<a><![CDATA[b</a><c>d</c>"), ["a: <![CDATA[b", "c: d"]);
    assert_eq!(only("<a><![CDATA[b <i>c</i></a>"), ("b <i>c</i>".to_owned(), false));
}

#[test]
fn a_value_is_read_through_sections_references_and_comments() {
    for (written, read, markup) in [
        ("<a>b &amp; c</a>", "b & c", false),
        ("<a>b<!-- c -->d</a>", "bd", false),
        ("<a><![CDATA[b &amp; c]]></a>", "b &amp; c", false),
        ("<a>b <![CDATA[<c>]]> &lt;d&gt;</a>", "b <c> <d>", false),
        ("<a>b <i>c</i></a>", "b <i>c</i>", true),
        ("<a><![CDATA[<![CDATA[b]]>]]></a>", "b", false),
    ] {
        assert_eq!(only(written), (read.to_owned(), markup), "{written}");
    }
}

#[test]
fn elements_beside_text_are_html_and_the_text_stays_text() {
    assert_eq!(html("<a>1 &lt; 2 <b>c</b> &amp; d</a>", None), "1 &lt; 2 <b>c</b> &amp; d");
    assert_eq!(html("<a>b<br>c<img src='d'></x></a>", None), "b<br>c<img src=\"d\">");
    assert_eq!(html("<a>&lt;p&gt;b&lt;/p&gt;<i>c</i></a>", None), "<p>b</p><i>c</i>");
}

#[test]
fn addresses_are_relative_to_what_is_around_them() {
    let base = Some("https://example.org/a/");
    assert_eq!(html("<a><b href='c'>d</b></a>", base), "<b href=\"https://example.org/a/c\">d</b>");
    assert_eq!(
        html("<a><p xml:base='b/'><i src='c'></i></p><i src='d'></i></a>", base),
        "<p><i src=\"https://example.org/a/b/c\"></i></p><i src=\"https://example.org/a/d\"></i>"
    );
}

#[test]
fn what_is_read_in_vain_is_bounded() {
    // Each of these names is new, and without an end.
    let text = (0..20_000).fold(String::new(), |text, number| text + &format!("<f{number}><title>t</title>"));
    let text = format!("{text}</item>");
    let (mut soup, mut unclosed) = (Soup::new(&text), Unclosed::default());
    let mut titles = 0;
    while let Some(token) = soup.next() {
        let Token::Start(tag) = token else { continue };
        titles += usize::from(tag.name == "title");
        inner(&mut soup, &tag, &Item, &mut unclosed);
    }
    assert_eq!(titles, 20_000);
    assert!(unclosed.reread <= (MOST_REREAD + 2) * text.len());
    assert!(unclosed.names.len() <= MOST_UNCLOSED);
}
