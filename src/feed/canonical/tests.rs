//! Documents on their whole way: what is read of one as text.

use super::super::{Entry, Parsed, parse};

fn parsed(text: &str) -> Parsed {
    parse(text.as_bytes(), None, None).unwrap()
}

fn entries(text: &str) -> Vec<Entry> {
    parsed(text).document.entries
}

fn titles(text: &str) -> Vec<String> {
    entries(text).into_iter().map(|entry| entry.title.unwrap_or_default()).collect()
}

fn rss(inside: &str) -> String {
    format!("<rss version=\"2.0\"><channel><title>t</title>{inside}</channel></rss>")
}

fn atom(inside: &str) -> String {
    format!("<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>t</title>{inside}</feed>")
}

#[test]
fn an_entry_of_which_nothing_is_said_is_none() {
    assert_eq!(entries(&rss("<item/><item></item><item> </item>")), []);
    assert_eq!(entries(&rss("<item><x:y xmlns:x=\"urn:x\">z</x:y></item>")).len(), 1);
}

#[test]
fn an_entry_that_was_not_closed_ends_where_the_next_begins() {
    assert_eq!(titles(&rss("<item><title>a</title><item><title>b</title></item>")), ["a", "b"]);
    assert_eq!(titles(&rss("<item><title>a<item><title>b</item>")), ["a", "b"]);
}

#[test]
fn an_entry_that_the_document_ends_within_is_not_read() {
    let torn = "<rss><channel><item><title>a</title></item><item><title>b</ti";
    let Parsed { document, remarks, .. } = parsed(torn);
    assert_eq!(document.entries.len(), 1);
    assert_eq!(remarks, ["the document ends in the middle of an entry, which is not read"]);
}

#[test]
fn entries_are_found_wherever_they_stand() {
    assert_eq!(titles("junk <rss><channel><title>t</title></channel><item><title>a</title></item></rss> junk"), ["a"]);
    assert_eq!(titles("<RDF><channel><items/></channel><ITEM><TITLE>a</TITLE></ITEM></RDF>"), ["a"]);
    assert_eq!(titles("<item><title>a</title></item><item><title>b</title></item>"), ["a", "b"]);
}

#[test]
fn feeds_that_were_never_closed_hide_no_entry() {
    let feeds = "<channel><title>t</title>".repeat(200);
    assert_eq!(titles(&format!("<rss>{feeds}<item><title>a</title></item></rss>")), ["a"]);
}

#[test]
fn an_address_is_relative_to_the_nearest_base() {
    let feed = "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:base=\"https://example.org/a/\">
        <entry xml:base=\"b/\"><link href=\"c\"/></entry>
        <entry><link href=\"c\"/></entry>
        <entry><link href=\"c\" xml:base=\"https://example.com/\"/></entry></feed>";
    let links: Vec<String> = entries(feed).iter().map(|entry| entry.links[0].href.clone()).collect();
    assert_eq!(links, ["https://example.org/a/b/c", "https://example.org/a/c", "https://example.com/c"]);
}

#[test]
fn a_document_does_not_grow_without_end() {
    let base = format!("https://example.org/{}", "a/".repeat(900));
    let entries = "<entry><link href=\"b\"/></entry>".repeat(4_000);
    let feed = format!("<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:base=\"{base}\">{entries}</feed>");
    let Parsed { document, remarks, .. } = parsed(&feed);
    assert!((100..4_000).contains(&document.entries.len()));
    assert_eq!(remarks.len(), 1, "{remarks:?}");
}

#[test]
fn a_construct_of_atom_is_what_its_type_says() {
    for (attributes, inside, read) in [
        ("", "1 &lt; 2", Some("1 &lt; 2")),
        ("type=\"text\"", "&lt;b>", Some("&lt;b&gt;")),
        ("type=\"html\"", "&lt;b>a&lt;/b>", Some("<b>a</b>")),
        ("type=\"html\"", "<![CDATA[<b>a</b>]]>", Some("<b>a</b>")),
        ("type=\"html\"", "<b>a</b>", Some("<b>a</b>")),
        ("type=\"xhtml\"", "<div xmlns=\"http://www.w3.org/1999/xhtml\"><b>a</b> &lt;</div>", Some("<b>a</b> &lt;")),
        ("type=\"xhtml\"", "&lt;b>a&lt;/b>", Some("<b>a</b>")),
        ("", "<b>a</b>", Some("<b>a</b>")),
        ("type=\"image/png\"", "aGk=", None),
        ("type=\"application/octet-stream\"", "aGk=", Some("hi")),
    ] {
        let feed = atom(&format!("<entry><title>t</title><content {attributes}>{inside}</content></entry>"));
        assert_eq!(entries(&feed)[0].content.as_deref(), read, "{attributes} {inside}");
    }
}

#[test]
fn in_old_atom_the_mode_comes_first() {
    for (attributes, inside, read) in [
        ("type=\"text/html\" mode=\"escaped\"", "&lt;b>a&lt;/b>", "<b>a</b>"),
        ("type=\"text/html\" mode=\"base64\"", "PGI+\nYTwvYj4", "<b>a</b>"),
        ("type=\"text/plain\" mode=\"base64\"", "PGI+", "&lt;b&gt;"),
        ("type=\"application/xhtml+xml\" mode=\"xml\"", "<b>a</b> &lt;", "<b>a</b> &lt;"),
        ("type=\"text/html\"", "<b>a</b>", "<b>a</b>"),
    ] {
        let entry = format!("<entry><title>t</title><content {attributes}>{inside}</content></entry>");
        let feed = format!("<feed version=\"0.3\" xmlns=\"http://purl.org/atom/ns#\">{entry}</feed>");
        assert_eq!(entries(&feed)[0].content.as_deref(), Some(read), "{attributes} {inside}");
    }
}
