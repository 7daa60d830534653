//! What a finished mail is, read back by another program: headers, parts, words of the user's, and hostile entries.

use mail_parser::MessageParser;
use proptest::prelude::*;

use super::*;
use crate::expression::Makes;
use crate::feed::{FeedFacts, Link, Person};
use crate::mail::Clip;

fn look(format: Format) -> Look {
    let to = Template::parse("me+{{ feed.name }}@example.net").unwrap();
    Look { format, ..Look::plain("feeds@example.net".parse().unwrap(), to) }
}

fn entry() -> Entry {
    Entry {
        id: Some("urn:example:1".to_owned()),
        title: Some("Größe & \"Maß\": a <title>".to_owned()),
        links: vec![Link { href: "https://example.org/1?a=1&b=2".to_owned(), ..Link::default() }],
        authors: vec![Person { name: Some("Ada".to_owned()), email: Some("ada@publisher.example".to_owned()), uri: None }],
        published: Some("2026-01-02T03:04:05Z".parse().unwrap()),
        content: Some("<p>Hello <b>there</b>, <a href=\"/x\">a link</a>.</p><pre>code\n.\n</pre>".to_owned()),
        tags: vec!["one".to_owned(), "two".to_owned()],
        enclosures: vec![crate::feed::Enclosure {
            duration: Some(3_753),
            url: "https://example.org/a.mp3".to_owned(),
            r#type: Some("audio/mpeg".to_owned()),
            length: Some(12_345_678),
        }],
        ..Entry::default()
    }
}

fn composed(entry: &Entry, format: Format) -> Result<Mail, ComposeError> {
    composed_as(entry, &look(format))
}

fn composed_as(entry: &Entry, look: &Look) -> Result<Mail, ComposeError> {
    with_letter(entry, |letter| compose(letter, look))
}

fn reading_of(entry: &Entry, look: &Look) -> Reading {
    with_letter(entry, |letter| reading(letter, look)).unwrap()
}

fn with_letter<T>(entry: &Entry, made: impl FnOnce(Letter<'_>) -> T) -> T {
    let feed = FeedFacts {
        name: "news".to_owned(),
        title: "The News".to_owned(),
        url: "https://example.org/feed".to_owned(),
        link: "https://example.org/".to_owned(),
        language: "en".to_owned(),
        ..FeedFacts::default()
    };
    let article = crate::article::article(entry, Some(&feed.link));
    let facts = Facts::new(&feed, entry, &article.summary);
    let message_id = MessageId::derive(&[7; 16], "mail", 0, "example.net");
    let first_seen = "2026-02-01T00:00:00Z".parse().unwrap();
    let (article, facts, message_id) = (&article, &facts, &message_id);
    made(Letter { entry, article, facts, message_id, in_reply_to: None, first_seen, inline: &[], attachments: &[] })
}

#[test]
fn a_whole_mail_reads_like_this() {
    let mail = composed(&entry(), Format::Both).unwrap();
    insta::assert_snapshot!(String::from_utf8(mail.bytes).unwrap().replace("\r\n", "\n"));
}

#[test]
fn the_same_entry_always_makes_the_same_bytes() {
    assert_eq!(composed(&entry(), Format::Both).unwrap(), composed(&entry(), Format::Both).unwrap());
}

#[test]
fn another_program_reads_back_what_was_written() {
    let mail = composed(&entry(), Format::Both).unwrap();
    let message = MessageParser::default().parse(&mail.bytes).unwrap();
    assert_eq!(message.subject(), Some("Größe & \"Maß\": a <title>"));
    let from = message.from().and_then(|from| from.first()).unwrap();
    assert_eq!((from.name(), from.address()), (Some("The News (Ada)"), Some("feeds@example.net")));
    assert_eq!(message.message_id(), Some(mail.message_id.as_str()));
    assert_eq!(mail.to, ["me+news@example.net"]);
    assert!(message.body_html(0).unwrap().contains("<b>there</b>"));
    assert!(message.body_text(0).unwrap().contains("Hello there"));
}

#[test]
fn a_mail_of_format_url_is_the_link_and_nothing_else() {
    let mail = composed(&entry(), Format::Url).unwrap();
    let message = MessageParser::default().parse(&mail.bytes).unwrap();
    assert_eq!(message.body_text(0).unwrap().trim_end(), "https://example.org/1?a=1&b=2");
    assert_eq!(message.html_body_count(), 1, "text alone");
    let without = Entry { links: Vec::new(), ..entry() };
    assert_eq!(composed(&without, Format::Url).unwrap_err(), ComposeError::NoLink);
}

#[test]
fn nothing_in_a_feed_adds_a_header_or_a_long_line() {
    let hostile = Entry {
        id: Some("x\r\nBcc: a@example.org".to_owned()),
        title: Some(format!("t\r\nBcc: b@example.org\r\n\r\n{}", "x".repeat(5_000))),
        links: vec![Link { href: format!("https://example.org/\r\nBcc:c/{}", "y".repeat(5_000)), ..Link::default() }],
        authors: vec![Person { name: Some("n\nBcc: d@example.org <e@example.org>".to_owned()), ..Person::default() }],
        tags: vec!["k\r\nBcc: f".to_owned()],
        language: Some("en\r\nBcc: g".to_owned()),
        content: Some(format!("a\r.\r\n.\n.\r\n{}", "z".repeat(50_000))),
        ..entry()
    };
    for format in [Format::Both, Format::Html, Format::Text] {
        let mail = composed(&hostile, format).unwrap();
        let text = String::from_utf8(mail.bytes).unwrap();
        assert!(text.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])), "one line is too long");
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.to_ascii_lowercase().contains("\r\nbcc:"), "{head}");
    }
}

fn header(mail: &Mail, name: &str) -> Option<String> {
    let message = MessageParser::default().parse(&mail.bytes).unwrap();
    message.header_raw(name).map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn programs_know_the_mail_by_its_headers() {
    let mail = composed(&entry(), Format::Both).unwrap();
    for (name, value) in [
        ("List-Id", "The News <news.example.net>"),
        ("List-Post", "NO"),
        ("Auto-Submitted", "auto-generated"),
        ("Archived-At", "<https://example.org/1?a=1&b=2>"),
        ("Content-Base", "https://example.org/1?a=1&b=2"),
        ("Content-Language", "en"),
        ("Keywords", "one, two"),
        ("X-RSS-Feed", "https://example.org/feed"),
        ("X-RSS-ID", "urn:example:1"),
        ("X-RSS-URL", "https://example.org/1?a=1&b=2"),
        ("X-RSS-TAGS", "one, two"),
        ("Date", "Fri, 02 Jan 2026 03:04:05 +0000"),
    ] {
        assert_eq!(header(&mail, name).as_deref(), Some(value), "{name}");
    }
    for absent in ["Precedence", "In-Reply-To", "References", "List-Unsubscribe"] {
        assert_eq!(header(&mail, absent), None, "{absent}");
    }
}

#[test]
fn no_header_carries_the_secret_of_an_address() {
    let link = Link { href: "https://me:hunter2@example.org/1?token=hunter2".to_owned(), ..Link::default() };
    let entry = Entry { id: Some(link.href.clone()), links: vec![link], ..entry() };
    let mail = String::from_utf8(composed(&entry, Format::Both).unwrap().bytes).unwrap();
    let (head, _) = mail.split_once("\r\n\r\n").unwrap();
    assert!(!head.contains("hunter2") && !head.contains("Archived-At") && !head.contains("Content-Base"), "{head}");
    assert!(head.contains("X-RSS-URL: https://me@example.org/1?token=REDACTED"), "{head}");
}

#[test]
fn a_date_that_lies_is_mended() {
    for (published, expected) in [("2030-01-01T00:00:00Z", "Sun, 01 Feb 2026"), ("1901-01-01T00:00:00Z", "Thu, 01 Jan 1970")] {
        let mail = composed(&Entry { published: Some(published.parse().unwrap()), ..entry() }, Format::Text).unwrap();
        assert!(header(&mail, "Date").unwrap().starts_with(expected), "{published}");
    }
}

#[test]
fn the_users_words_make_both_bodies() {
    let html = "<h1>{{ entry.title }}</h1>{{ entry.html }}{{ mail.foot }}";
    let text = "{{ entry.title }}\n{{ entry.text }}\n{% for e in entry.enclosures %}{{ e.url | host }} {{ e.length | size }}{% endfor %}";
    let look = Look {
        body_html: Some(Template::parse_as(html, Makes::Html).unwrap()),
        body_text: Some(Template::parse(text).unwrap()),
        wrap: 0,
        ..look(Format::Both)
    };
    super::super::try_body(look.body_html.as_ref().unwrap()).unwrap();
    super::super::try_body(look.body_text.as_ref().unwrap()).unwrap();
    let mail = composed_as(&entry(), &look).unwrap();
    let message = MessageParser::default().parse(&mail.bytes).unwrap();
    let html = message.body_html(0).unwrap();
    assert!(html.starts_with("<h1>Größe &amp; &quot;Maß&quot;: a &lt;title&gt;</h1><p>Hello <b>there</b>"), "{html}");
    assert!(html.contains("feeds pause news"), "{html}");
    let text = message.body_text(0).unwrap();
    assert!(text.starts_with("Größe & \"Maß\": a <title>\r\nHello there") && text.contains("example.org 12.3 MB"), "{text}");
    assert_eq!(mail.remarks, Vec::<String>::new());
}

#[test]
fn words_that_fail_on_an_entry_are_left_for_what_is_built_in() {
    let failing = "{{ entry.authors[1] }}";
    let look = Look {
        subject: Template::parse(failing).unwrap(),
        from_name: Template::parse(failing).unwrap(),
        body_html: Some(Template::parse_as(failing, Makes::Html).unwrap()),
        body_text: Some(Template::parse(failing).unwrap()),
        ..look(Format::Both)
    };
    let mail = composed_as(&entry(), &look).unwrap();
    assert_eq!(mail.bytes, composed(&entry(), Format::Both).unwrap().bytes);
    assert_eq!(mail.remarks.len(), 4, "{:?}", mail.remarks);
    assert!(mail.remarks[0].starts_with("the template for `subject` failed: it uses a value that is not there;"));
    let url = Look { format: Format::Url, ..look };
    assert_eq!(composed_as(&entry(), &url).unwrap().bytes, composed(&entry(), Format::Url).unwrap().bytes);
}

#[test]
fn a_mail_of_format_url_may_say_more() {
    let look = Look {
        body_text: Some(Template::parse("{{ entry.link }}\n{{ entry.summary | truncate(12) }}").unwrap()),
        subject: Template::parse("{{ entry.title }}{% for tag in entry.tags %} #{{ tag | slug }}{% endfor %}").unwrap(),
        ..look(Format::Url)
    };
    let mail = composed_as(&entry(), &look).unwrap();
    let message = MessageParser::default().parse(&mail.bytes).unwrap();
    assert_eq!(message.subject(), Some("Größe & \"Maß\": a <title> #one #two"));
    assert_eq!(message.body_text(0).unwrap().trim_end(), "https://example.org/1?a=1&b=2\r\nHello…");
    assert!(header(&mail, "Content-Type").unwrap().starts_with("text/plain; charset=utf-8"));
}

#[test]
fn text_may_be_joined_again_unless_it_is_not_broken() {
    let long = Entry { content: Some(format!("<p>{}</p>", "word ".repeat(100))), ..entry() };
    let flowed = composed_as(&long, &look(Format::Text)).unwrap();
    let kind = header(&flowed, "Content-Type").unwrap();
    assert!(kind.contains("format=flowed") && kind.contains("delsp=no"), "{kind}");
    let whole = composed_as(&long, &Look { wrap: 0, ..look(Format::Text) }).unwrap();
    assert_eq!(header(&whole, "Content-Type").unwrap(), "text/plain; charset=utf-8");
}

#[test]
fn a_long_mail_is_cut_where_the_user_wants_it() {
    let long = Entry { content: Some("<p>a paragraph of some length</p>".repeat(5_000)), ..entry() };
    let size = |clip| composed_as(&long, &Look { clip, ..look(Format::Html) }).unwrap().bytes.len();
    assert!(size(Clip::Cut) < 102_000 && size(Clip::Off) > 150_000 && size(Clip::Notice) > size(Clip::Off));
}

/// Pieces of text as hostile feeds have them.
const PIECES: &str = "(\r\n|\n|\r|\r\nBcc: x@example\\.org|\r\n\\.\r\n|\u{202E}|\u{200B}|\u{0}|@|<|>|\"|=\\?utf-8\\?q\\?x\\?=|,|;|:| |ü|日本|\u{1F600}|word|xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)";

fn like(pattern: &str) -> impl Strategy<Value = String> + use<> {
    proptest::string::string_regex(pattern).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn any_entry_makes_a_mail_that_another_program_reads(
        title in like(&format!("{PIECES}{{0,12}}")),
        author in like(&format!("{PIECES}{{0,6}}")),
        tags in proptest::collection::vec(like(&format!("{PIECES}{{0,4}}")), 0..4),
        path in like(&format!("{PIECES}{{0,20}}")),
        body in like(&format!("(<p>|</p>|<pre>|<b>|<img src=x>|{PIECES}){{0,40}}")),
        format in 0_usize..4,
    ) {
        let link = Link { href: format!("https://example.org/{path}"), ..Link::default() };
        let entry = Entry {
            id: Some(path),
            title: Some(title),
            authors: vec![Person { name: Some(author), ..Person::default() }],
            links: vec![link],
            tags,
            content: Some(body),
            ..entry()
        };
        let mail = composed(&entry, Format::WORDS[format].1).unwrap();
        prop_assert_eq!(&mail, &composed(&entry, Format::WORDS[format].1).unwrap());
        let text = String::from_utf8(mail.bytes.clone()).unwrap();
        prop_assert!(text.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])), "{}", text);
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        prop_assert!(head.is_ascii(), "{}", head);
        let names: Vec<&str> = head.split("\r\n").filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(':').next()).collect();
        let known = ["From", "Subject", "Date", "Message-ID", "To", "List-Id", "List-Post", "Auto-Submitted", "Archived-At",
            "Content-Base", "Content-Language", "Keywords", "X-RSS-Feed", "X-RSS-ID", "X-RSS-URL", "X-RSS-TAGS", "MIME-Version",
            "Content-Type", "Content-Transfer-Encoding"];
        prop_assert!(names.iter().all(|name| known.contains(name)), "{:?}", names);
        let message = MessageParser::default().parse(&mail.bytes).unwrap();
        prop_assert_eq!(message.message_id(), Some(mail.message_id.as_str()));
        let reading = reading_of(&entry, &look(Format::WORDS[format].1));
        prop_assert_eq!(message.subject().unwrap_or_default().trim(), reading.subject.trim());
        let from = message.from().and_then(|from| from.first()).unwrap();
        prop_assert_eq!(from.address(), Some("feeds@example.net"));
        prop_assert!(!from.name().unwrap_or_default().contains(['@', '<', '>', '\u{202E}', '\u{200B}']), "{:?}", from.name());
    }
}
