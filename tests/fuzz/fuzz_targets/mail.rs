//! Any document's entries as mails, in each format: twice the same, and fit to travel.
#![no_main]

use feeds::article::article;
use feeds::delivery::MessageId;
use feeds::expression::Template;
use feeds::feed::{Facts, FeedFacts, parse};
use feeds::mail::{Clip, Format, Letter, Look, compose};
use libfuzzer_sys::fuzz_target;

/// How many entries of a document are made into mails.
const TRIED: usize = 4;

fuzz_target!(|input: &[u8]| {
    let [first, bytes @ ..] = input else { return };
    let Ok(parsed) = parse(bytes, None, None) else { return };
    let document = parsed.document;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let feed = FeedFacts {
        name: "news".to_owned(),
        title: text(&document.title),
        url: "https://example.org/feed".to_owned(),
        link: text(&document.link),
        language: text(&document.language),
        ..FeedFacts::default()
    };
    let plain = Look::plain("feeds@example.net".parse().expect("an address"), Template::builtin("me@example.net"));
    let look = Look {
        format: Format::WORDS[usize::from(first % 4)].1,
        clip: Clip::WORDS[usize::from(first / 4 % 3)].1,
        wrap: if first & 64 == 0 { 72 } else { 0 },
        ..plain
    };
    let message_id = MessageId::derive(&[7; 16], "mail", 0, "example.net");
    for entry in document.entries.iter().take(TRIED) {
        let article = article(entry, Some(&feed.link));
        let facts = Facts::new(&feed, entry, &article.summary);
        let letter = Letter {
            entry,
            article: &article,
            facts: &facts,
            message_id: &message_id,
            in_reply_to: None,
            first_seen: "2026-01-06T12:00:00Z".parse().expect("a time"),
            inline: &[],
            attachments: &[],
        };
        let Ok(mail) = compose(letter, &look) else {
            assert!(look.format == Format::Url && entry.link().is_none(), "a mail that cannot be made");
            continue;
        };
        assert_eq!(mail.bytes, compose(letter, &look).expect("it could be made").bytes, "made twice, and not the same");
        assert!(mail.remarks.is_empty(), "{:?}", mail.remarks);
        fits(&mail.bytes);
    }
});

/// ASCII, lines of at most 998 octets that end as they must, and no header but ours.
fn fits(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("ASCII");
    assert!(text.is_ascii());
    assert!(text.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])), "a line is too long or torn");
    let (head, _) = text.split_once("\r\n\r\n").expect("headers");
    let known = [
        "From", "Subject", "Date", "Message-ID", "To", "List-Id", "List-Post", "Auto-Submitted", "Archived-At", "Content-Base",
        "Content-Language", "Keywords", "X-RSS-Feed", "X-RSS-ID", "X-RSS-URL", "X-RSS-TAGS", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding",
    ];
    for line in head.split("\r\n").filter(|line| !line.starts_with(' ')) {
        let name = line.split(':').next().unwrap_or_default();
        assert!(known.contains(&name), "{line}");
    }
}
