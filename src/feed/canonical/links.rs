//! Addresses: absolute where that is possible, and otherwise as they were written. A link keeps its bytes, but for those that
//! no address may hold.

use url::Url;

use super::super::text::one_line;

/// An address, absolute where `base` or the address itself allows that. `None` where there is none, or where following it would
/// run something instead of going somewhere.
pub(crate) fn absolute(href: &str, base: Option<&Url>) -> Option<String> {
    // A link that was escaped once more than it should.
    let href = href.replace("&amp;", "&");
    let href = href.trim();
    if href.is_empty() || acts(href) {
        return None;
    }
    match (Url::parse(href), base) {
        (Ok(_), _) if is_clean(href) => Some(href.to_owned()),
        (Ok(url), _) => Some(url.into()),
        (Err(_), Some(base)) => Some(base.join(href).map_or_else(|_| one_line(href), String::from)),
        (Err(_), None) => Some(one_line(href)),
    }
}

/// The longest address, in bytes, that others are made absolute by: each of them then holds it.
const LONGEST_BASE: usize = 2048;

/// Whether an address is short enough to make others absolute by.
pub(crate) fn is_base(url: &Url) -> bool {
    !url.cannot_be_a_base() && url.as_str().len() <= LONGEST_BASE
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
    fn what_would_act_is_no_link() {
        for href in ["", "  ", "java\nscript:x()", "DATA:text/html,x"] {
            assert_eq!(absolute(href, None), None, "{href}");
        }
    }
}
