//! What is read, from good documents, from torn ones, and from soup.

use proptest::prelude::*;

use super::*;

mod hostile;

fn read(xml: &str) -> Document {
    let base = Url::parse("https://example.org/feed").unwrap();
    parse(xml.as_bytes(), None, Some(&base)).unwrap().document
}

#[test]
fn an_rss_item_becomes_an_entry() {
    let document = read(
        r#"<rss version="2.0"><channel><title>News &amp;amp; more</title><link>https://example.org/</link>
        <item><title>A &lt;b&gt;bold&lt;/b&gt; one</title><link>/1</link><guid>g1</guid><description>&lt;p&gt;text&lt;/p&gt;</description>
        <pubDate>Fri, 02 Jan 2026 03:04:05 GMT</pubDate><category>x</category><comments>/1#comments</comments><author>jane@example.org (Jane Roe)</author><enclosure url="https://example.org/a.mp3" type="audio/mpeg" length="12"/></item>
        <item><guid>https://example.org/2</guid><title>1 &lt; 2</title></item></channel></rss>"#,
    );
    assert_eq!(document.title.as_deref(), Some("News & more"));
    let [first, second] = &document.entries[..] else { panic!("two entries") };
    assert_eq!(first.title.as_deref(), Some("A bold one"));
    assert_eq!(first.link(), Some("https://example.org/1"));
    assert_eq!(first.body(), Some("<p>text</p>"));
    assert_eq!(first.dated().unwrap().to_string(), "2026-01-02T03:04:05Z");
    assert_eq!((first.enclosures.len(), first.enclosures[0].length), (1, Some(12)));
    assert_eq!((first.comments.as_deref(), first.updated), (Some("https://example.org/1#comments"), None));
    assert_eq!(first.authors[0].name.as_deref(), Some("Jane Roe"));
    assert_eq!(second.title.as_deref(), Some("1 < 2"));
    assert_eq!(second.link(), Some("https://example.org/2"));
}

#[test]
fn plain_text_in_atom_is_shown_as_it_is() {
    let document = read(
        r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><id>f</id><updated>2026-01-02T03:04:05Z</updated>
        <entry><id>1</id><title>How to use &lt;b&gt;</title><summary>a &lt; b</summary><updated>2026-01-02T03:04:05Z</updated></entry></feed>"#,
    );
    assert_eq!(document.entries[0].title.as_deref(), Some("How to use <b>"));
    assert_eq!(document.entries[0].summary.as_deref(), Some("a &lt; b"));
}

#[test]
fn an_entry_without_an_id_gets_none_rather_than_a_random_one() {
    let xml = "<rss version=\"2.0\"><channel><title>t</title><item><description>x</description></item></channel></rss>";
    assert_eq!(read(xml), read(xml));
    assert_eq!(read(xml).entries[0].id, None);
}

#[test]
fn bytes_that_are_no_feed_say_what_they_are() {
    let error = |text: &str| parse(text.as_bytes(), None, None).unwrap_err();
    assert_eq!(error(" \n"), ParseError::Empty);
    assert_eq!(error("<!DOCTYPE html><html><body>hello"), ParseError::Page("an HTML page that names no feed".to_owned()));
    assert_eq!(error("<rss version='2.0'><channel><item>"), ParseError::Truncated);
}

/// Good documents, one for each dialect.
const GOOD: &[&str] = &[
    include_str!("../../../fixtures/feeds/demo.xml"),
    include_str!("../../../fixtures/feeds/atom.xml"),
    include_str!("../../../fixtures/feeds/rss1.rdf"),
    include_str!("../../../fixtures/feeds/three_entries.xml"),
    include_str!("../../../fixtures/feeds/json_feed.json"),
];

#[test]
fn a_document_that_was_cut_gives_the_entries_that_came_whole() {
    for good in GOOD {
        let base = Url::parse("https://example.org/feed").unwrap();
        let whole = parse(good.as_bytes(), None, Some(&base)).unwrap().document;
        let mut most = 0;
        for end in (0..good.len()).filter(|end| good.is_char_boundary(*end)) {
            match parse(&good.as_bytes()[..end], None, Some(&base)) {
                Ok(part) => {
                    let entries = part.document.entries;
                    assert!(entries.len() >= most, "{end} bytes give fewer entries than fewer bytes");
                    assert_eq!(entries[..], whole.entries[..entries.len()], "{end} bytes");
                    most = entries.len();
                }
                Err(_) => assert_eq!(most, 0, "{end} bytes"),
            }
        }
        assert_eq!(most, whole.entries.len());
    }
}

#[test]
fn what_is_secret_in_the_address_of_a_feed_is_in_none_of_its_links() {
    let base = Url::parse("https://jane:hunter2@example.org/feed?token=abc123").unwrap();
    let xml = "<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>1</id><link href='#top'/><content type='html'>&lt;a href='?x'></content></entry></feed>";
    let told = format!("{:?}", parse(xml.as_bytes(), None, Some(&base)).unwrap());
    assert!(told.contains("https://example.org/feed#top"), "{told}");
    assert!(!told.contains("hunter2") && !told.contains("abc123"), "{told}");
}

#[test]
fn only_the_newest_of_too_many_entries_are_read_and_it_is_said() {
    let item =
        |number: usize| format!("<item><title>{number}</title><pubDate>{}</pubDate></item>", 2_000_000 + number * 7_919 % 6_000);
    let items: String = (0..6_000).map(item).collect();
    let parsed = parse(format!("<rss><channel><title>t</title>{items}</channel></rss>").as_bytes(), None, None).unwrap();
    assert_eq!(parsed.document.entries.len(), MOST_ENTRIES);
    assert_eq!(parsed.remarks, ["only the newest 5000 of 6000 entries are read"]);
}

/// Pieces that documents are made of, and mishaps.
fn soup() -> impl Strategy<Value = String> {
    let pieces = [
        "<rss>",
        "<channel>",
        "<item>",
        "</item>",
        "<title>",
        "</title>",
        "<link>",
        "http://a.example/",
        "<description>",
        "&lt;p&gt;",
        "</description>",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "&amp;",
        "&#150;",
        "&",
        "<",
        ">",
        "\"",
        "'",
        "<feed xmlns='http://www.w3.org/2005/Atom'>",
        "<entry>",
        "</entry>",
        "<content type='xhtml'>",
        "<div xml:base='/x/'>",
        "</div>",
        "<a href='y'>",
        "</content>",
        "<media:group>",
        "<media:content url='z'/>",
        "</media:group>",
        "<author>",
        "<name>",
        "a@b.c—J",
        "</author>",
        "<?xml",
        "?>",
        "<!DOCTYPE",
        "[",
        "]",
        "<!ENTITY e '&e;&e;'>",
        "&e;",
        "<guid isPermaLink=",
        "x",
        " ",
        "\u{0}",
        "\u{85}",
        "é",
        "<pubDate>",
        "Fri, 02 Jan 2026",
        "{",
        "}",
        ":",
        ",",
        "\"items\"",
        "</rss>",
        "</feed>",
        "<rdf:RDF",
        " xmlns:a='b'",
        "/>",
    ];
    proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_soup_stops_the_reader_and_each_reads_the_same_twice(text in soup()) {
        let base = Url::parse("https://example.org/feed").unwrap();
        let once = parse(text.as_bytes(), None, Some(&base));
        prop_assert_eq!(once, parse(text.as_bytes(), None, Some(&base)));
    }

    #[test]
    fn no_bytes_stop_the_reader(which in 0..GOOD.len(), flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = GOOD[which].as_bytes().to_vec();
        for (place, byte) in flips {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = parse(&bytes, None, None);
    }
}
