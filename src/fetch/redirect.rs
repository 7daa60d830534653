//! PURE. The way from a source to the URL that answers: what each redirect means, and what is remembered of it. Goes in:
//! a status and a `Location`. Comes out: the next URL. Sends nothing; the guard sees each URL that comes out.

use url::Url;

use crate::net::HeaderMap;
use crate::secret::{has_secret_query, redact};

/// Why a redirect is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    /// The answer does not say where to.
    #[error("it redirects, but does not say where to")]
    NoLocation,
    /// What it says is no URL.
    #[error("it redirects to what is no address: {0}")]
    BadLocation(String),
    /// A URL that was asked before.
    #[error("it redirects in a loop, back to `{0}`")]
    Loop(String),
    /// One redirect after another.
    #[error("it redirects more than {MAX_HOPS} times")]
    TooMany,
    /// From https to http, with a user name or another secret.
    #[error("it redirects to `{0}`, without encryption; the feed's login or key is not sent there")]
    Downgrade(String),
}

/// How many redirects are followed. Browsers follow 20; no feed needs them.
pub(super) const MAX_HOPS: usize = 5;

/// The way so far.
#[derive(Debug)]
pub(super) struct Trail<'a> {
    source: &'a Url,
    /// Where the source was known to have moved before.
    known: Option<&'a Url>,
    visited: Vec<Url>,
    permanent: bool,
    /// The source is asked with a secret, in its URL or beside it.
    private: bool,
}

/// The URL that is asked first, as it goes over the wire: where the source is known to have moved, without a fragment.
#[must_use]
pub fn start(source: &Url, known: Option<&Url>) -> Url {
    let mut start = Trail::new(source, known).here().clone();
    start.set_fragment(None);
    start
}

/// Whether a status is one of those that say where else to ask.
pub(super) fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

impl<'a> Trail<'a> {
    /// A way that begins at the source, or where it is known to have moved to.
    pub(super) fn new(source: &'a Url, known: Option<&'a Url>) -> Self {
        let start = known.unwrap_or(source);
        let mut trail =
            Self { source, known, visited: Vec::new(), permanent: true, private: has_login(source) || has_secret_query(source) };
        let start = trail.dressed(start);
        trail.visited.push(start);
        trail
    }

    /// Whether more goes with the requests that others must not see than what the source's URL holds.
    pub(super) fn with_credentials(mut self, some: bool) -> Self {
        self.private |= some;
        self
    }

    /// Counts a URL as asked before, so that the way ends where it leads there.
    pub(super) fn avoid(mut self, url: &Url) -> Self {
        self.visited.insert(0, url.clone());
        self
    }

    /// The URL to ask now.
    pub(super) fn here(&self) -> &Url {
        self.visited.last().unwrap_or(self.source)
    }

    /// Goes where a redirect leads.
    pub(super) fn follow(&mut self, status: u16, headers: &HeaderMap, hops: usize) -> Result<(), RedirectError> {
        let location = headers.get("location").ok_or(RedirectError::NoLocation)?;
        let location = String::from_utf8_lossy(location.as_bytes());
        if location.trim().is_empty() {
            return Err(RedirectError::NoLocation);
        }
        let next = self.here().join(location.trim()).map_err(|error| RedirectError::BadLocation(error.to_string()))?;
        let next = self.dressed(&next);
        let downgrade = self.here().scheme() == "https" && next.scheme() == "http";
        if downgrade && self.private {
            return Err(RedirectError::Downgrade(redact(&next)));
        }
        if self.visited.contains(&next) {
            return Err(RedirectError::Loop(redact(&next)));
        }
        if hops >= MAX_HOPS {
            return Err(RedirectError::TooMany);
        }
        // Whoever can alter plain HTTP could otherwise move a feed out of encryption for good.
        self.permanent &= matches!(status, 301 | 308) && !downgrade;
        self.visited.push(next);
        Ok(())
    }

    /// Where the source has moved for good, now that the last URL has answered.
    pub(super) fn moved_to(&self) -> Option<Url> {
        let end = if self.permanent { self.here() } else { self.known? };
        let end = plain(end);
        (end != plain(self.source)).then_some(end)
    }

    /// With the source's user name and password where they belong, its own origin, and with no others.
    fn dressed(&self, url: &Url) -> Url {
        let mut url = plain(url);
        if url.origin() == self.source.origin() {
            // These fail only for URLs without a host; such a URL does not share an origin with the source.
            url.set_username(self.source.username()).ok();
            url.set_password(self.source.password()).ok();
        }
        url
    }
}

/// A URL with the login of another one of its origin, where it has none of its own.
#[must_use]
pub fn with_login_of(source: &Url, url: &Url) -> Url {
    let mut url = url.clone();
    if url.origin() == source.origin() && !has_login(&url) {
        // These fail only for URLs without a host; such a URL does not share an origin with the source.
        url.set_username(source.username()).ok();
        url.set_password(source.password()).ok();
    }
    url
}

fn has_login(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Without user name, password and fragment: how a URL is remembered.
#[must_use]
pub fn plain(url: &Url) -> Url {
    let mut url = url.clone();
    // These fail only for URLs without a host, which have neither.
    url.set_username("").ok();
    url.set_password(None).ok();
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{HeaderName, HeaderValue};

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn walk(source: &str, known: Option<&str>, hops: &[(u16, &str)]) -> Result<(String, Option<String>), RedirectError> {
        let (source, known) = (url(source), known.map(url));
        let mut trail = Trail::new(&source, known.as_ref());
        for (hop, (status, location)) in hops.iter().enumerate() {
            let location = HeaderValue::from_bytes(location.as_bytes()).unwrap();
            let headers = HeaderMap::from_iter([(HeaderName::from_static("location"), location)]);
            trail.follow(*status, &headers, hop)?;
        }
        Ok((trail.here().to_string(), trail.moved_to().map(String::from)))
    }

    fn moved(known: Option<&str>, hops: &[(u16, &str)]) -> Option<String> {
        walk("http://a.example/feed", known, hops).unwrap().1
    }

    #[test]
    fn a_move_is_remembered_when_every_hop_is_permanent() {
        assert_eq!(moved(None, &[]), None);
        assert_eq!(moved(None, &[(301, "/new")]).unwrap(), "http://a.example/new");
        assert_eq!(moved(None, &[(301, "https://a.example/feed"), (308, "/new#x")]).unwrap(), "https://a.example/new");
        assert_eq!(moved(None, &[(301, "/new"), (302, "/today")]), None);
        assert_eq!(moved(None, &[(302, "/today"), (301, "/new")]), None);
        for status in [302, 303, 307] {
            assert_eq!(moved(None, &[(status, "/new")]), None);
        }
    }

    #[test]
    fn a_move_that_is_known_stays_known_and_may_go_on_or_back() {
        let known = Some("https://b.example/feed");
        assert_eq!(moved(known, &[]).unwrap(), "https://b.example/feed");
        assert_eq!(moved(known, &[(302, "/today")]).unwrap(), "https://b.example/feed");
        assert_eq!(moved(known, &[(301, "/atom")]).unwrap(), "https://b.example/atom");
        assert_eq!(walk("https://a.example/feed", known, &[(301, "https://a.example/feed")]).unwrap().1, None);
        // Not out of encryption, though.
        assert_eq!(moved(known, &[(301, "http://c.example/feed")]).unwrap(), "https://b.example/feed");
    }

    #[test]
    fn a_password_goes_to_its_own_origin_only() {
        let login = "https://me:word@a.example/feed";
        let end = |hops: &[(u16, &str)]| walk(login, None, hops).unwrap().0;
        assert_eq!(end(&[(302, "/new")]), "https://me:word@a.example/new");
        assert_eq!(end(&[(302, "https://b.example/new")]), "https://b.example/new");
        assert_eq!(end(&[(302, "https://a.example:8443/new")]), "https://a.example:8443/new");
        assert_eq!(end(&[(302, "https://b.example/"), (302, "https://a.example/x")]), "https://me:word@a.example/x");
        assert_eq!(end(&[(302, "https://you:guess@b.example/")]), "https://b.example/");
        assert_eq!(walk(login, None, &[(301, "/new")]).unwrap().1.unwrap(), "https://a.example/new");
        let error = walk(login, None, &[(301, "http://a.example/feed")]).unwrap_err();
        assert_eq!(error, RedirectError::Downgrade("http://a.example/feed".into()));
        assert!(walk("https://a.example/", None, &[(301, "http://a.example/feed")]).is_ok());
    }

    #[test]
    fn a_secret_in_the_query_keeps_a_feed_encrypted() {
        let error =
            walk("https://a.example/feed?token=abc123", None, &[(302, "http://a.example/feed?token=abc123")]).unwrap_err();
        assert_eq!(error, RedirectError::Downgrade("http://a.example/feed?token=REDACTED".into()));
        assert!(walk("https://a.example/feed?page=2", None, &[(302, "http://a.example/feed?page=2")]).is_ok());
    }

    #[test]
    fn loops_long_chains_and_empty_places_are_errors() {
        let error = walk("http://a.example/1", None, &[(302, "/2"), (302, "/1")]).unwrap_err();
        assert_eq!(error, RedirectError::Loop("http://a.example/1".into()));
        let long = [(302, "/2"), (302, "/3"), (302, "/4"), (302, "/5"), (302, "/6"), (302, "/7")];
        assert!(walk("http://a.example/1", None, &long[..5]).is_ok());
        assert_eq!(walk("http://a.example/1", None, &long).unwrap_err(), RedirectError::TooMany);
        assert_eq!(walk("http://a.example/1", None, &[(302, " ")]).unwrap_err(), RedirectError::NoLocation);
        assert!(matches!(walk("http://a.example/", None, &[(302, "http://[")]), Err(RedirectError::BadLocation(_))));
    }
}
