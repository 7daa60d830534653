//! PURE. Validators, between headers and what is remembered: byte for byte, and only for the URL that gave them.

use url::Url;

use super::Validators;
use crate::net::{HeaderMap, HeaderName, HeaderValue};

const ETAG: HeaderName = HeaderName::from_static("etag");
const LAST_MODIFIED: HeaderName = HeaderName::from_static("last-modified");
const IF_NONE_MATCH: HeaderName = HeaderName::from_static("if-none-match");
const IF_MODIFIED_SINCE: HeaderName = HeaderName::from_static("if-modified-since");

impl Validators {
    /// What an answer gave. What it did not give is not kept from an earlier one: the two would not belong together.
    pub(super) fn of_answer(headers: &HeaderMap, url: &Url, asked_as: Option<u32>) -> Self {
        let bytes = |name| headers.get(name).map(|v| v.as_bytes().to_vec()).filter(|bytes| !bytes.is_empty());
        Self { etag: bytes(ETAG), last_modified: bytes(LAST_MODIFIED), url: url.as_str().to_owned(), asked_as }
    }

    /// After a 304: as before, but for what it gave anew (RFC 9110 section 15.4.5).
    pub(super) fn refreshed(&self, headers: &HeaderMap, url: &Url) -> Self {
        let new = Self::of_answer(headers, url, self.asked_as);
        Self {
            etag: new.etag.or_else(|| self.etag.clone()),
            last_modified: new.last_modified.or_else(|| self.last_modified.clone()),
            url: new.url,
            asked_as: new.asked_as,
        }
    }

    /// Adds the conditions to a request for `url`; says whether there were any for it, as whom it is asked.
    pub(super) fn condition(&self, headers: &mut HeaderMap, url: &Url, asked_as: Option<u32>) -> bool {
        if self.url != url.as_str() || self.asked_as != asked_as {
            return false;
        }
        let mut any = false;
        for (name, bytes) in [(IF_NONE_MATCH, &self.etag), (IF_MODIFIED_SINCE, &self.last_modified)] {
            if let Some(value) = bytes.as_ref().and_then(|bytes| HeaderValue::from_bytes(bytes).ok()) {
                headers.insert(name, value);
                any = true;
            }
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn headers(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_bytes(v).unwrap())).collect()
    }

    #[test]
    fn validators_go_back_byte_for_byte_and_to_their_url_only() {
        let given = headers(&[("etag", b"W/\"caf\xe9\""), ("last-modified", b"yesterday, about noon")]);
        let validators = Validators::of_answer(&given, &url("https://h.example/feed"), None);
        let mut sent = HeaderMap::new();
        assert!(validators.condition(&mut sent, &url("https://h.example/feed"), None));
        assert_eq!(sent["if-none-match"].as_bytes(), b"W/\"caf\xe9\"");
        assert_eq!(sent["if-modified-since"].as_bytes(), b"yesterday, about noon");

        let mut sent = HeaderMap::new();
        for other in ["https://h.example/feed2", "http://h.example/feed", "https://h.example/feed?"] {
            assert!(!validators.condition(&mut sent, &url(other), None));
        }
        assert!(!validators.condition(&mut sent, &url("https://h.example/feed"), Some(7)), "asked as somebody");
        assert!(sent.is_empty());
    }

    #[test]
    fn what_was_not_given_is_not_asked_with() {
        let validators = Validators::of_answer(&headers(&[("etag", b"")]), &url("https://h.example/"), None);
        assert_eq!((&validators.etag, &validators.last_modified), (&None, &None));
        let mut sent = HeaderMap::new();
        assert!(!validators.condition(&mut sent, &url("https://h.example/"), None));
        assert!(sent.is_empty());
    }

    #[test]
    fn a_304_keeps_what_it_does_not_renew() {
        let page = url("https://h.example/");
        let old = Validators::of_answer(&headers(&[("etag", b"\"1\""), ("last-modified", b"then")]), &page, None);
        let renewed = old.refreshed(&headers(&[("etag", b"\"2\"")]), &page);
        assert_eq!(renewed.etag.as_deref(), Some(b"\"2\"".as_slice()));
        assert_eq!(renewed.last_modified.as_deref(), Some(b"then".as_slice()));
    }
}
