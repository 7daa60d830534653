//! PURE. Bytes to the bytes that feed-rs reads: where HTTP names another encoding than UTF-8 and the bytes are not UTF-8, they
//! are made so. What the XML declaration says is feed-rs's own business.

use std::borrow::Cow;

use encoding_rs::Encoding;

/// The document in an encoding that feed-rs can tell by itself.
#[must_use]
pub(super) fn decode<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Cow<'a, [u8]> {
    let Some(encoding) = content_type.and_then(charset) else { return Cow::Borrowed(bytes) };
    // A document that is UTF-8 is, whatever a server says of it.
    if encoding == encoding_rs::UTF_8 || (std::str::from_utf8(bytes).is_ok() && encoding.is_ascii_compatible()) {
        return Cow::Borrowed(bytes);
    }
    let (text, _, _) = encoding.decode(bytes);
    Cow::Owned(without_declaration(&text).as_bytes().to_vec())
}

/// The encoding that a `Content-Type` names.
fn charset(content_type: &str) -> Option<&'static Encoding> {
    let parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let named = parameters.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    Encoding::for_label(named?.1.trim().trim_matches(['"', '\'']).as_bytes())
}

/// XML without its declaration, which would name the encoding that it no longer has.
fn without_declaration(text: &str) -> &str {
    let body = text.trim_start_matches('\u{feff}').trim_start();
    match body.strip_prefix("<?xml ").and_then(|rest| rest.split_once("?>")) {
        Some((_, rest)) => rest,
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_http_says_is_used_where_the_bytes_do_not_contradict_it() {
        let latin = b"<?xml version='1.0' encoding='utf-8'?><a>\xe9</a>";
        assert_eq!(decode(latin, Some("text/xml; charset=ISO-8859-1")).as_ref(), "<a>é</a>".as_bytes());
        assert_eq!(decode("é".as_bytes(), Some("text/xml; charset=iso-8859-1")).as_ref(), "é".as_bytes());
        assert_eq!(decode(latin, Some("text/xml")).as_ref(), latin);
        assert_eq!(decode(latin, Some("text/xml; charset=nonsense")).as_ref(), latin);
    }
}
