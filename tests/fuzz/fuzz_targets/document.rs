//! Any bytes at all as a document: they are read, twice the same, into entries that hold what was promised, and their bodies
//! are made clean. What was cut off gives a prefix of the entries of the whole.
#![no_main]

use feeds::article::{base_of, clean};
use feeds::feed::text::is_unseen;
use feeds::feed::{Document, Keys, Parsed, parse};
use libfuzzer_sys::fuzz_target;
use url::Url;

/// What servers call documents. The first byte of the input chooses.
const CONTENT_TYPES: &[Option<&str>] = &[
    None,
    Some("application/rss+xml"),
    Some("text/xml; charset=utf-8"),
    Some("application/feed+json"),
    Some("text/html; charset=iso-8859-1"),
    Some("text/xml; charset=utf-16"),
    Some("text/xml; charset=iso-2022-jp"),
    Some("text/xml; charset=utf-7"),
    Some("text/xml; charset=hz-gb-2312"),
    Some("text/xml; charset=\"Shift_JIS"),
];
/// Where documents come from. The second byte chooses.
const BASES: &[Option<&str>] =
    &[None, Some("https://example.org/a/feed.xml?b=c#d"), Some("file:///feeds/feed.xml"), Some("data:text/xml,x")];
/// The largest number of entries; see docs/limits.md.
const MOST_ENTRIES: usize = 5_000;

fuzz_target!(|input: &[u8]| {
    let [first, second, bytes @ ..] = input else { return };
    let content_type = CONTENT_TYPES[usize::from(*first) % CONTENT_TYPES.len()];
    let base = BASES[usize::from(*second) % BASES.len()].and_then(|base| Url::parse(base).ok());
    let read = |bytes: &[u8]| parse(bytes, content_type, base.as_ref());

    let parsed = read(bytes);
    assert_eq!(parsed, read(bytes), "read twice, and not the same");
    let Ok(Parsed { document, .. }) = parsed else { return };
    keeps_its_promises(&document);
    // Where the second byte has room, it says where the document is cut.
    let cut = usize::from(second / 4) * bytes.len() / 64;
    if is_cut_alike(bytes, content_type)
        && let Ok(part) = read(&bytes[..cut])
        && part.document.format == document.format
    {
        let (part, whole) = (part.document.entries, &document.entries);
        let ids = |entries: &[feeds::feed::Entry]| entries.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>();
        assert!(part.len() <= whole.len(), "{cut} bytes of {} give more entries", bytes.len());
        assert_eq!(ids(&part), ids(&whole[..part.len()]), "{cut} bytes of {}", bytes.len());
    }
});

fn keeps_its_promises(document: &Document) {
    assert!(document.entries.len() <= MOST_ENTRIES);
    let titles = document.entries.iter().map(|entry| &entry.title).chain([&document.title, &document.subtitle]);
    for title in titles.flatten() {
        assert!(
            !title.trim().is_empty() && !title.contains(|c| is_unseen(c) || matches!(c, '\u{2028}' | '\u{2029}')),
            "{title:?}"
        );
    }
    for entry in &document.entries {
        let base = base_of(entry, document.link.as_deref());
        for body in entry.summary.iter().chain(&entry.content) {
            let once = clean(body, base.as_ref());
            assert!(!once.contains("<script"), "{once}");
        }
        let _ = Keys::of(entry);
    }
}

/// Whether a beginning of the document must read as the whole does: it is UTF-8, so that no guess at its encoding changes, it is
/// XML that ends each thing that it begins, and its entries are its own: no end of a later one can be that of an earlier one.
fn is_cut_alike(bytes: &[u8], content_type: Option<&str>) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let lower = text.to_ascii_lowercase();
    let count = |what: &str| lower.matches(what).count();
    let tidy = |name: &str| {
        count(&format!("<{name}>")) == count(&format!("</{name}>")) && count(&format!("<{name}>")) == count(&format!("<{name}"))
    };
    let sections = count("<!") == 0 && count("<?") == 0 && count("]]>") == 0;
    let plain = text.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~')) && !text.contains(['"', '\'', '{', '[', '+', '~']);
    let known = ["rss", "channel", "item", "title", "link", "guid", "description", "pubdate"];
    let tags = lower.matches('<').count();
    let ours: usize = known.iter().map(|name| count(&format!("<{name}>")) + count(&format!("</{name}>"))).sum();
    content_type.is_none_or(|kind| !kind.contains("charset"))
        && sections
        && plain
        && tags == ours
        && known.iter().all(|name| tidy(name))
        && properly_nested(&lower)
}

/// Whether each element of a text ends within the one that it begins in.
fn properly_nested(text: &str) -> bool {
    let mut open = Vec::new();
    for piece in text.split('<').skip(1) {
        let Some((tag, _)) = piece.split_once('>') else { return false };
        match tag.strip_prefix('/') {
            Some(name) if open.pop() == Some(name) => {}
            Some(_) => return false,
            None => open.push(tag),
        }
    }
    open.is_empty()
}
