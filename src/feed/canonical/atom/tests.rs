//! Whatever a draft holds, feed-rs reads it back.

use feed_rs::parser::Builder;
use proptest::prelude::*;

use super::*;

/// Text with all that XML minds.
fn text() -> impl Strategy<Value = String> {
    let piece =
        prop_oneof![Just("]]>".to_owned()), Just("<![CDATA[".to_owned()), Just("&amp;".to_owned()), "[!-~é漢\u{1F427}]{1,9}"];
    proptest::collection::vec(piece, 1..6).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #[test]
    fn what_a_draft_holds_is_read_back(
        id in text(), (title, summary, content) in (text(), text(), text()), html in any::<bool>(),
        links in proptest::collection::vec(("http://[a-z]{1,9}\\.example/[a-z&?=]{0,9}", "[a-z]{1,9}"), 0..4),
        (name, email) in (text(), "[a-z]{1,9}@[a-z]{1,9}\\.example"),
        tags in proptest::collection::vec(text(), 0..4), seconds in 0..4_000_000_000_i64,
    ) {
        let mut draft = EntryDraft { told: true, ..EntryDraft::default() };
        draft.id.offer(1, id.clone());
        draft.title.offer(1, Words { text: title.clone(), html });
        draft.summary.offer(1, Words { text: summary.clone(), html });
        draft.content.offer(1, Words { text: content.clone(), html });
        draft.published.offer(1, Timestamp::from_second(seconds).unwrap());
        draft.authors.add(1, Person { name: Some(name.clone()), email: Some(email.clone()), uri: None });
        for (href, rel) in &links {
            draft.link(Link { href: href.clone(), rel: Some(rel.clone()), r#type: None });
        }
        for tag in &tags {
            draft.tag(tag);
        }
        let (expected_links, expected_tags) = (draft.links.clone(), draft.tags.clone());
        let mut atom = Atom::new(usize::MAX / 32);
        atom.entry(draft);
        let xml = atom.finish(FeedDraft::default(), 1);
        let feed = Builder::new().sanitize_content(false).id_generator(|_, _, _| String::new()).build().parse(xml.as_bytes()).unwrap();
        let entry = &feed.entries[0];
        prop_assert_eq!(&entry.id, &id);
        prop_assert_eq!(entry.title.as_ref().map(|title| &title.content), Some(&title));
        prop_assert_eq!(entry.summary.as_ref().map(|summary| &summary.content), Some(&summary));
        prop_assert_eq!(entry.content.as_ref().and_then(|content| content.body.as_ref()), Some(&content));
        prop_assert_eq!(entry.published.map(|at| at.timestamp()), Some(seconds));
        prop_assert_eq!(entry.authors.iter().map(|author| (author.name.clone(), author.email.clone())).collect::<Vec<_>>(), [(Some(name), Some(email))]);
        let read: Vec<(String, Option<String>)> = entry.links.iter().map(|link| (link.title.clone().unwrap_or_else(|| link.href.clone()), link.rel.clone())).collect();
        prop_assert_eq!(read, expected_links.into_iter().map(|link| (link.href, link.rel)).collect::<Vec<_>>());
        prop_assert_eq!(entry.categories.iter().map(|tag| tag.term.clone()).collect::<Vec<_>>(), expected_tags);
    }
}
