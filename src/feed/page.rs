//! PURE. The text of a page for people: like a document's, but that a page names its encoding in a `<meta>` of its own.

use super::decode::decode;

/// How far into a page its encoding is looked for (HTML, "prescan": 1,024 bytes; pages with long comments exceed it).
const HEAD: usize = 4_096;

/// The text of a page. `content_type` is what its server called it; what that leaves open, the page says.
#[must_use]
pub fn page_text(bytes: &[u8], content_type: Option<&str>) -> String {
    let says = content_type.is_some_and(|sent| sent.to_ascii_lowercase().contains("charset="));
    let named = if says { None } else { named(bytes).map(|name| format!("text/html; charset={name}")) };
    decode(bytes, named.as_deref().or(content_type)).text.into_owned()
}

/// The encoding that a page's `<meta>` names.
fn named(bytes: &[u8]) -> Option<String> {
    let head: String = bytes.iter().take(HEAD).map(|byte| char::from(*byte).to_ascii_lowercase()).collect();
    let tags = head.split("<meta").skip(1).filter_map(|rest| rest.split('>').next());
    tags.filter_map(|tag| tag.split_once("charset")?.1.trim_start().strip_prefix('=')).find_map(|value| {
        let value = value.trim_start().trim_start_matches(['"', '\'']);
        let name: String =
            value.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.')).collect();
        (!name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_its_own_encoding_where_its_server_does_not() {
        let page = b"<!doctype html><META http-equiv=x content='text/html; charset=koi8-r'><p>\xF0\xD2\xC9\xD7\xC5\xD4";
        assert!(page_text(page, Some("text/html")).ends_with("Привет"));
        let page = b"<meta charset=\"iso-8859-2\"><p>\xB1\xE6";
        assert!(page_text(page, None).ends_with("ąć"));
        let page = "<meta charset=iso-8859-1><p>é";
        assert!(page_text(page.as_bytes(), Some("text/html; charset=utf-8")).ends_with('é'));
    }
}
