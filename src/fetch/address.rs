//! PURE. What a person types for a page or a feed, made into a URL. Goes in: text. Comes out: an `http` or `https` URL.

use url::Url;

use crate::secret::redact_text;

/// Why a text is no address that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is nothing.
    #[error("the address is empty")]
    Empty,
    /// A scheme that is not fetched.
    #[error("`{text}` is a `{scheme}:` address; only http and https are fetched")]
    Scheme {
        /// What was typed, without secrets.
        text: String,
        /// Its scheme.
        scheme: String,
    },
    /// Not a URL.
    #[error("`{text}` is not an address: {cause}")]
    Invalid {
        /// What was typed, without secrets.
        text: String,
        /// Why.
        cause: String,
    },
}

/// Reads what a person types: `example.org` is `https://example.org/`, and `feed:` before an address is taken off.
///
/// # Errors
/// For other schemes, and for what is no URL.
pub fn normalise_url(text: &str) -> Result<Url, AddressError> {
    let typed = text.trim().trim_start_matches('<').trim_end_matches('>').trim();
    if typed.is_empty() {
        return Err(AddressError::Empty);
    }
    let address = match scheme(typed) {
        Some("feed" | "feeds") => without_feed(typed),
        Some("http" | "https") => typed.to_owned(),
        Some(other) => return Err(AddressError::Scheme { text: shown(typed), scheme: other.to_owned() }),
        None => format!("https://{}", typed.trim_start_matches('/')),
    };
    let invalid = |cause: String| AddressError::Invalid { text: shown(typed), cause };
    let url = Url::parse(&address).map_err(|error| invalid(error.to_string()))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        "http" | "https" => Err(invalid("it has no host".to_owned())),
        other => Err(AddressError::Scheme { text: shown(typed), scheme: other.to_owned() }),
    }
}

/// What was typed, as it may be repeated: also what is no URL may hold a password.
fn shown(typed: &str) -> String {
    let shown = redact_text(typed);
    if shown == typed { typed.rsplit('@').next().unwrap_or_default().to_owned() } else { shown }
}

/// The scheme of an address; `host:8080` and `me:word@host` have none.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let is_port = rest.starts_with(|c: char| c.is_ascii_digit());
    let is_login = rest.contains('@') && !rest.starts_with("//") && !scheme.eq_ignore_ascii_case("mailto");
    let known = ["http", "https", "feed", "feeds"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known));
    known.or_else(|| (is_scheme && !is_port && !is_login).then_some(scheme))
}

/// `feed:https://h/` and `feed://h/` (both are in use) as an address of the web.
fn without_feed(text: &str) -> String {
    let rest = text.split_once(':').map_or(text, |(_, rest)| rest);
    let bare = rest.trim_start_matches('/');
    match scheme(bare) {
        Some(_) => bare.to_owned(),
        None => format!("https://{bare}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_types_becomes_an_address() {
        for (typed, url) in [
            ("example.org", "https://example.org/"),
            (" Example.org/Blog ", "https://example.org/Blog"),
            ("<https://example.org/feed>", "https://example.org/feed"),
            ("http://example.org/a?b#c", "http://example.org/a?b#c"),
            ("HTTPS://example.org", "https://example.org/"),
            ("//example.org/x", "https://example.org/x"),
            ("localhost:8080/feed", "https://localhost:8080/feed"),
            ("me:word@example.org/feed", "https://me:word@example.org/feed"),
            ("feed://example.org/rss", "https://example.org/rss"),
            ("feed:https://example.org/rss", "https://example.org/rss"),
            ("feed:http://example.org/rss", "http://example.org/rss"),
            ("bücher.example", "https://xn--bcher-kva.example/"),
        ] {
            assert_eq!(normalise_url(typed).unwrap().as_str(), url, "{typed}");
        }
    }

    #[test]
    fn other_schemes_are_refused_by_name() {
        for (typed, scheme) in [
            ("ftp://example.org/", "ftp"),
            ("file:///etc/passwd", "file"),
            ("mailto:me@example.org", "mailto"),
            ("javascript:alert(1)", "javascript"),
            ("feed:gopher://example.org", "gopher"),
        ] {
            let error = normalise_url(typed).unwrap_err();
            assert!(matches!(&error, AddressError::Scheme { scheme: s, .. } if s == scheme), "{typed}: {error}");
        }
        assert_eq!(normalise_url("  "), Err(AddressError::Empty));
        assert!(matches!(normalise_url("exa mple"), Err(AddressError::Invalid { .. })));
        assert!(matches!(normalise_url("https://"), Err(AddressError::Invalid { .. })));
    }

    #[test]
    fn a_refusal_shows_no_password() {
        for typed in ["ftp://me:hunter2@example.org/", "me:hunter2@exa mple", "https://me:hunter2@exa mple/"] {
            let error = normalise_url(typed).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
