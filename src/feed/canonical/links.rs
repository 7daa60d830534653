//! Addresses: absolute where that is possible, and otherwise as they were written. A link keeps its bytes, but for those that
//! no address may hold.

use std::borrow::Cow;

use url::Url;

use super::super::text::one_line;

/// The longest base that is used, in bytes: every relative address becomes so much longer.
const LONGEST_BASE: usize = 2_000;

/// How large what comes of so many bytes may become. A long base and many short addresses would make gigabytes of a megabyte.
pub(crate) fn room(length: usize) -> usize {
    length.saturating_mul(16).saturating_add(1024 * 1024)
}

/// An address, absolute where `base` or the address itself allows that. `None` where there is none, or where following it would
/// run something instead of going somewhere.
pub(crate) fn absolute(href: &str, base: Option<&Url>) -> Option<String> {
    let href = meant(href);
    let href = &*href;
    if href.is_empty() || acts(href) || NOWHERE.contains(&href) {
        return None;
    }
    match (Url::parse(href), base.filter(|base| is_base(base))) {
        (Ok(_), _) if is_clean(href) => Some(href.to_owned()),
        (Ok(url), _) => Some(url.into()),
        (Err(_), Some(base)) => Some(base.join(href).map_or_else(|_| one_line(href), String::from)),
        (Err(_), None) => Some(one_line(href)),
    }
}

/// What programs write where an address was never filled in.
const NOWHERE: &[&str] = &["http://", "https://", "http:///", "https:///"];

/// The address that was meant: not escaped once more than it should be, nor in quotes, nor with the element around it that
/// links to it.
fn meant(href: &str) -> Cow<'_, str> {
    let mut href = href.trim();
    if href.starts_with("<a ") || href.starts_with("<A ") {
        let value = href.split_once("href=").map(|(_, value)| value.trim_start_matches(['"', '\'']));
        href = value.and_then(|value| value.split(['"', '\'', '>']).next()).unwrap_or_default().trim();
    }
    for quote in ['"', '\''] {
        let bare = href.strip_prefix(quote).and_then(|href| href.strip_suffix(quote));
        href = bare.unwrap_or(href).trim();
    }
    if !href.contains('&') {
        return Cow::Borrowed(href);
    }
    Cow::Owned(["&amp;", "&#038;", "&#38;"].iter().fold(href.to_owned(), |href, escaped| href.replace(escaped, "&")))
}

/// The base that an `xml:base` makes of the one around it (XML Base, section 4).
pub(crate) fn rebased(base: Option<&Url>, by: &str) -> Option<Url> {
    let by = by.trim();
    let joined = match base {
        Some(base) => base.join(by).ok(),
        None => Url::parse(by).ok(),
    };
    joined.filter(is_base)
}

/// Whether an address is one that others can be made absolute by, and short enough.
pub(crate) fn is_base(url: &Url) -> bool {
    !url.cannot_be_a_base() && url.as_str().len() <= LONGEST_BASE
}

/// Whether an address holds only what one may.
fn is_clean(href: &str) -> bool {
    !href.bytes().any(|b| !b.is_ascii_graphic() || matches!(b, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'))
}

/// Whether following a link would run something instead of going somewhere.
fn acts(href: &str) -> bool {
    let mut plain = href.chars().filter(|c| !c.is_whitespace() && !c.is_control()).map(|c| c.to_ascii_lowercase());
    let begins: String = plain.by_ref().take(12).collect();
    ["javascript:", "vbscript:", "data:"].iter().any(|scheme| begins.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_keeps_its_bytes_where_it_may() {
        let base = Url::parse("https://example.org/a/feed.xml").unwrap();
        let table = [
            ("http://EXAMPLE.com", "http://EXAMPLE.com"),
            (" https://example.com/x?a=b&c=d#e\n", "https://example.com/x?a=b&c=d#e"),
            ("../x y", "https://example.org/x%20y"),
            ("//cdn.example.com/i", "https://cdn.example.com/i"),
            ("https://example.com/ä b", "https://example.com/%C3%A4%20b"),
            ("?p=1", "https://example.org/a/feed.xml?p=1"),
        ];
        for (written, read) in table {
            assert_eq!(absolute(written, Some(&base)).as_deref(), Some(read), "{written}");
        }
        assert_eq!(absolute("a/b", None).as_deref(), Some("a/b"));
    }

    #[test]
    fn a_base_without_end_is_none() {
        let long = Url::parse(&format!("https://example.org/{}", "a/".repeat(1_000))).unwrap();
        assert_eq!(absolute("b", Some(&long)).as_deref(), Some("b"));
        assert_eq!(rebased(None, long.as_str()), None);
    }

    #[test]
    fn an_address_is_found_in_what_is_wrapped_around_it() {
        for written in [
            "<a href=\"https://example.org/1?a=b&#038;c=d\">here</a>",
            "<a href='https://example.org/1?a=b&amp;c=d'>here</a>",
            "\"https://example.org/1?a=b&amp;c=d\"",
            " 'https://example.org/1?a=b&c=d' ",
        ] {
            assert_eq!(absolute(written, None).as_deref(), Some("https://example.org/1?a=b&c=d"), "{written}");
        }
    }

    #[test]
    fn what_would_act_is_no_link() {
        for href in ["", "  ", "http://", "<a name=x>", "java\nscript:x()", "DATA:text/html,x"] {
            assert_eq!(absolute(href, None), None, "{href}");
        }
    }
}
