//! Each kind of JSON, and the Atom that it becomes.

use super::*;
use crate::feed::canonical::atom::Atom;

const VERSION: &str = "https://jsonfeed.org/version/1.1";

/// The document as Atom, or why there is none.
fn atom(json: &str) -> Result<String, NoFeed> {
    let base = Url::parse("https://example.org/feeds/feed.json").unwrap();
    let mut atom = Atom::new(json.len());
    let Read { feed, remarks, .. } = read(json, Some(&base), &mut atom)?;
    let xml = without_sections(&atom.finish(feed, 100));
    Ok(remarks.iter().fold(xml, |xml, remark| format!("{xml}\n{remark}")))
}

/// CDATA as escaped text, in which it is easier to read what became of a character.
fn without_sections(xml: &str) -> String {
    let escaped = |section: &str| {
        let (inner, after) = section.split_once("]]>").unwrap();
        crate::feed::text::to_html(inner).replace('\n', "&#10;").replace('\t', "&#9;") + after
    };
    let (first, sections) = xml.split_once("<![CDATA[").unwrap_or((xml, ""));
    let sections = sections.split("<![CDATA[").filter(|section| !section.is_empty());
    sections.fold(first.to_owned(), |xml, section| xml + &escaped(section))
}

/// The entries of a feed with these items, as Atom.
fn items(items: &str) -> String {
    let xml = atom(&format!("{{\"version\": \"{VERSION}\", \"items\": [{items}]}}")).unwrap();
    xml.split_once('>').unwrap().1.replace("</feed>", "")
}

fn titles(json: &str) -> Vec<String> {
    let xml = atom(json).unwrap_or_default();
    xml.split("<entry>").skip(1).map(|entry| between(entry, "<title type=\"text\">", "</title>")).collect()
}

fn between(text: &str, from: &str, to: &str) -> String {
    text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map(|(inner, _)| inner.to_owned()).unwrap_or_default()
}

#[test]
fn a_json_feed_becomes_atom() {
    let json = r#"{
        "version": "https://jsonfeed.org/version/1.1", "title": "Notes", "description": "What I note",
        "home_page_url": "https://example.org/", "feed_url": "https://example.org/feeds/feed.json",
        "language": "en", "authors": [{"name": "Jane", "url": "https://jane.example/", "avatar": "x.png"}],
        "icon": "i.png", "hubs": [{"type": "WebSub", "url": "https://hub.example/"}], "_extension": {"deep": [1, {"x": []}]},
        "items": [{
            "id": "https://example.org/1", "url": "https://example.org/1", "external_url": "https://other.example/",
            "title": "One & two", "content_html": "<p>Hi</p>", "content_text": "Hi", "summary": "a < b",
            "date_published": "2026-01-02T03:04:05Z", "date_modified": "2026-01-03T03:04:05.5+01:00",
            "tags": ["a", "b", "a"], "image": "i.png", "banner_image": "b.png",
            "attachments": [{"url": "/a.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 12, "duration_in_seconds": 1}]
        }]
    }"#;
    insta::assert_snapshot!(atom(json).unwrap().replace("><", ">\n<"), @r#"
    <feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">
    <title type="text">Notes</title>
    <subtitle type="text">What I note</subtitle>
    <link href="https://example.org/" rel="alternate"/>
    <link href="https://example.org/feeds/feed.json" rel="self"/>
    <author>
    <name>Jane</name>
    <uri>https://jane.example/</uri>
    </author>
    <entry>
    <id>https://example.org/1</id>
    <title type="text">One &amp; two</title>
    <published>2026-01-02T03:04:05Z</published>
    <updated>2026-01-03T02:04:05.5Z</updated>
    <link href="https://example.org/1" rel="alternate"/>
    <link href="https://other.example/" rel="related"/>
    <link href="https://example.org/feeds/i.png" rel="feeds picture"/>
    <link href="https://example.org/a.mp3" rel="enclosure" type="audio/mpeg" length="12" hreflang="1"/>
    <category term="a"/>
    <category term="b"/>
    <summary type="text">a &lt; b</summary>
    <content type="html">&lt;p&gt;Hi&lt;/p&gt;</content>
    </entry>
    </feed>
    "#);
}

#[test]
fn ids_of_every_kind_are_text() {
    for (id, read) in [
        ("42", "42"),
        ("42.0", "42"),
        ("\"42.0\"", "42.0"),
        ("\" a \"", "a"),
        ("-7", "-7"),
        ("12345678901234567890", "12345678901234567890"),
    ] {
        assert_eq!(between(&items(&format!("{{\"id\": {id}}}")), "<id>", "</id>"), read, "{id}");
    }
}

#[test]
fn an_item_without_a_url_has_its_external_one_or_its_id() {
    let href = |item: &str| between(&items(item), "rel=\"alternate\"", "/>") + &between(&items(item), "href=\"", "\"");
    assert_eq!(href(r#"{"id": 1, "external_url": "https://a.example/"}"#), "https://a.example/");
    assert_eq!(href(r#"{"id": "https://a.example/1"}"#), "https://a.example/1");
    assert_eq!(href(r#"{"id": 1, "url": "../x y"}"#), "https://example.org/x%20y");
    assert_eq!(href(r#"{"id": "tag:x", "title": "t"}"#), "");
}

#[test]
fn authors_come_in_every_shape() {
    let jane = "<author><name>Jane</name></author>";
    for shape in [
        r#""author": {"name": "Jane"}"#,
        r#""author": "Jane""#,
        r#""authors": [{"name": "Jane"}], "author": {"name": "Jane"}"#,
        r#""authors": ["Jane", "", null, 3]"#,
        r#""authors": {"name": " Jane\n"}"#,
    ] {
        assert!(items(&format!("{{\"id\": 1, {shape}}}")).contains(jane), "{shape}");
    }
}

#[test]
fn entities_in_titles_are_what_they_stand_for() {
    for (title, kind) in
        [("A &#8217; b", "html"), ("AT&amp;T", "html"), ("<i>a</i>", "html"), ("AT&T; 1 < 2 & 3", "html"), ("AT&T < 2", "text")]
    {
        assert!(
            items(&format!("{{\"id\": 1, \"title\": \"{title}\"}}")).contains(&format!("<title type=\"{kind}\">")),
            "{title}"
        );
    }
}

#[test]
fn tags_come_as_a_list_or_as_text() {
    for tags in [r#"["a", "b"]"#, r#""a, b""#, r#"[{"name": "a"}, {"term": "b"}, 3]"#] {
        let xml = items(&format!("{{\"id\": 1, \"tags\": {tags}}}"));
        assert!(xml.contains("<category term=\"a\"/><category term=\"b\"/></entry>"), "{xml}");
    }
}

#[test]
fn dates_come_as_text_or_as_seconds() {
    for date in ["\"2026-01-02T03:04:05Z\"", "\"2026-01-02T04:04:05+01:00\"", "1767323045", "1767323045000", "\"1767323045\""] {
        assert!(
            items(&format!("{{\"id\": 1, \"date_published\": {date}}}")).contains("2026-01-02T03:04:05Z</published>"),
            "{date}"
        );
    }
    assert!(!items("{\"id\": 1, \"date_published\": \"soon\"}").contains("published"));
}

#[test]
fn a_feed_is_known_without_its_version() {
    for head in [
        "",
        "\"version\": 1,",
        "\"version\": \"http://jsonfeed.org/version/1\",",
        "\"version\": \"https://jsonfeed.org/version/9\",",
    ] {
        let json = format!("{{{head} \"items\": [{{\"id\": 1, \"url\": \"/1\", \"title\": \"One\"}}]}}");
        assert_eq!(titles(&json), ["One"], "{head}");
    }
    assert!(atom("{\"version\": \"https://jsonfeed.org/version/1\", \"title\": \"x\", \"items\": []}").is_ok());
}

#[test]
fn what_is_around_it_does_not_matter() {
    let item = r#"{"id": 1, "url": "/1", "title": "One"}"#;
    for json in [
        format!("[{item}]"),
        format!("callback({{\"items\": [{item}]}});"),
        format!("/**/jsonp_1([{item}])"),
        format!(")]}}',\n{{\"items\": [{item}]}}"),
        format!("while(1);[{item}]"),
        format!("<br />\n<b>Warning</b>: foo() [a.b] in x.php {{main}}\n{{\"items\": [{item}]}}"),
        format!("{{\"feed\": {{\"title\": \"x\", \"entries\": [{item}]}}}}"),
        format!("{{\"posts\": [{item}], \"title\": \"x\"}}"),
        format!("{{\"rss\": {{\"channel\": {{\"title\": \"x\", \"item\": [{item}]}}}}}}"),
    ] {
        assert_eq!(titles(&json), ["One"], "{json}");
    }
}

#[test]
fn a_weblog_of_google_is_read() {
    let json = r#"{"version":"1.0","feed":{"id":{"$t":"tag:1"},"title":{"type":"text","$t":"Blog"},"updated":{"$t":"2026-01-02T03:04:05Z"},
        "link":[{"rel":"alternate","type":"text/html","href":"https://b.example/"}],"author":[{"name":{"$t":"Jane"},"email":{"$t":"j@b.example"}}],
        "entry":[{"id":{"$t":"tag:2"},"published":{"$t":"2026-01-02T03:04:05Z"},"category":[{"scheme":"s","term":"x"}],"title":{"type":"text","$t":"One"},
        "content":{"type":"html","$t":"plain"},"link":[{"rel":"replies","type":"text/html","href":"https://b.example/1#c"},{"rel":"alternate","href":"https://b.example/1"}]}]}}"#;
    let xml = atom(json).unwrap();
    for part in [
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>tag:1</id><title type=\"text\">Blog</title>",
        "<author><name>Jane</name><email>j@b.example</email></author><entry>",
        "<id>tag:2</id><title type=\"text\">One</title><published>2026-01-02T03:04:05Z</published>",
        "<link href=\"https://b.example/1\" rel=\"alternate\"/><link href=\"https://b.example/1#c\" rel=\"replies\"/>",
        "<category term=\"x\"/><content type=\"html\">plain</content>",
    ] {
        assert!(xml.contains(part), "{part}\n{xml}");
    }
}

#[test]
fn posts_of_wordpress_are_read() {
    let json = r#"[{"id":7,"date":"2026-01-02T04:04:05","date_gmt":"2026-01-02T03:04:05Z","guid":{"rendered":"https://w.example/?p=7"},"link":"https://w.example/one",
        "title":{"rendered":"One &amp; two"},"content":{"rendered":"<p>Hi</p>","protected":false},"excerpt":{"rendered":"Hi"},"author":3,"categories":[1,2],"tags":[]}]"#;
    let xml = atom(json).unwrap();
    assert!(
        xml.contains("<id>7</id><title type=\"html\">One &amp;amp; two</title><published>2026-01-02T03:04:05Z</published>"),
        "{xml}"
    );
    assert!(xml.contains("href=\"https://w.example/one\"") && !xml.contains("category"), "{xml}");
}

#[test]
fn other_json_is_no_feed() {
    for json in [
        "{\"error\": \"not found\"}",
        "[{\"id\": 1, \"name\": \"x\"}]",
        "{\"items\": [{\"id\": 1, \"name\": \"x\"}]}",
        "{\"items\": []}",
        "[]",
        "{}",
        "no json",
        "",
    ] {
        assert_eq!(atom(json).unwrap_err(), NoFeed::Other, "{json}");
    }
}

#[test]
fn dirt_is_understood() {
    let table = [
        (r#"{"id": 1, "title": "a",}, ,"#, "a"),
        (r#"{'id': 1, title: 'it"s'}"#, "it&quot;s"),
        ("{/* x */ \"id\": 1, // y\n \"title\": \"a\"}", "a"),
        (r#"{"id": NaN, "title": "a \x41 \q \u00e9 \ud83d\ude00 \/"}"#, "a A q é 😀 /"),
        (r#"{"id": 1, "title": "a \ud83d b \u12 c"}"#, "a \u{fffd} b \\u12 c"),
        ("{\"id\": 1, \"title\": \"a\nb\tc\u{1}d\"}", "a&#10;b&#9;cd"),
        (r#"{"id": 1, "title": "He said "hi" to me", "url": "/1"}"#, "He said &quot;hi&quot; to me"),
        ("{\"id\": 1 \"title\": \"a\"\n \"url\": \"/1\"}", "a"),
        (r#"{"id": 1, "title": "a", "tags": ["x", "y"}"#, "a"),
        (r#"{"id": 1, "title": "a" {"id": 2}"#, "a"),
        (r#"{"id": 1, "title": "a"}}, {"id": 2}"#, "a"),
        (r#"{"id": , "title": "a", "x": undefined, "y": -, "z"}"#, "a"),
    ];
    for (item, title) in table {
        let xml = items(item);
        assert_eq!(between(&xml, "<title type=\"text\">", "</title>"), title, "{item}\n{xml}");
        assert!(xml.contains("<id>2</id>") == item.contains("\"id\": 2"), "{xml}");
    }
}

#[test]
fn of_a_torn_document_the_whole_items_are_kept() {
    let json = format!(
        "{{\"version\": \"{VERSION}\", \"title\": \"x\", \"items\": [{{\"id\": 1, \"title\": \"One\"}}, {{\"id\": 2, \"title\": \"Two\"}}, {{\"id\": 3, \"title\": \"Three\"}}]}}"
    );
    let ends: Vec<usize> = json.match_indices('}').map(|(at, _)| at + 1).collect();
    for cut in 0..=json.len() {
        let whole = ends[..3].iter().filter(|end| **end <= cut).count();
        match atom(&json[..cut]) {
            Ok(xml) => assert_eq!(xml.matches("<entry>").count(), whole, "{}", &json[..cut]),
            Err(_) => assert_eq!(whole, 0, "{}", &json[..cut]),
        }
    }
    assert!(atom(&json[..json.len() - 4]).unwrap().ends_with("it breaks off; its last entry was not whole and is left out"));
    assert_eq!(atom(&json[..ends[0] - 3]).unwrap_err(), NoFeed::Torn);
}

#[test]
fn depth_costs_nothing() {
    for deep in ["[", "{\"a\":", "[{\"a\":[", "{["] {
        let json = format!("{{\"version\": \"{VERSION}\", \"x\": {}", deep.repeat(200_000));
        assert_eq!(atom(&json).unwrap_err(), NoFeed::Torn, "{deep}");
        let json = format!("{{\"version\": \"{VERSION}\", \"items\": [{{\"id\": 1}}, {{\"authors\": {}", deep.repeat(200_000));
        assert_eq!(atom(&json).unwrap().matches("<entry>").count(), 1);
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}\",:'a1 \\\\u/*\n]{0,60}") {
        let _ = atom(&format!("{{\"items\": [{text}"));
        let _ = atom(&text);
    }
}
