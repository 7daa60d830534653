//! What belongs to an entry and stands elsewhere: its page, its images, its files. Asked for as its feed is, but that what is
//! the feed's own (a login, headers, a certificate) goes to the feed's own origin and no other.

use jiff::Timestamp;
use url::Url;

use super::access::{Login, is_own_origin};
use super::redirect::with_login_of;
use super::{Access, Answer, Ask, Fetch, FetchError, FetchErrorKind, Fetched, Fetcher, Source, Turn};
use crate::schedule::FURTHEST;

/// What to fetch for an entry.
#[derive(Debug)]
pub struct Errand<'a> {
    /// Where it is.
    pub url: &'a Url,
    /// What sort of thing it is.
    pub sort: Sort,
    /// How large it may be, unpacked, in bytes.
    pub most: u64,
    /// How the entry's feed is asked.
    pub access: Option<&'a Access>,
    /// Where the entry's feed is.
    pub feed: Option<&'a Url>,
    /// What time it is.
    pub now: Timestamp,
}

/// What sort of thing is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sort {
    /// A page for people.
    Page,
    /// An image.
    Image,
    /// A file.
    File,
}

impl Sort {
    fn accept(self) -> &'static str {
        match self {
            Self::Page => "text/html, application/xhtml+xml;q=0.9, */*;q=0.1",
            // What every mail program shows comes first.
            Self::Image => "image/jpeg, image/png, image/gif, image/webp;q=0.8, image/*;q=0.5, */*;q=0.1",
            Self::File => "*/*",
        }
    }
}

impl Fetcher {
    pub(super) async fn run_errand(&self, errand: &Errand<'_>) -> Result<Answer, FetchError> {
        let own = errand.feed.filter(|feed| is_own_origin(feed, errand.url));
        let source = Source::Http(own.map_or_else(|| errand.url.clone(), |feed| with_login_of(feed, errand.url)));
        let known = errand.access.unwrap_or(&self.settings().access);
        let access = Access { max_body: errand.most, ..if own.is_some() { known.clone() } else { known.for_strangers() } };
        let ask = Ask { source: &source, at: None, validators: None, access: Some(&access), now: errand.now };
        let gates = Fetch::gates(self);
        let mut turn = Turn::none(gates);
        let fetched = self.fetch_welcoming(&ask, &mut turn, errand.sort.accept()).await;
        match (turn.host(), &fetched) {
            (Some(host), Ok(_)) => gates.went_well(host),
            (Some(host), Err(error)) => {
                if error.status() == Some(429) {
                    gates.too_many(host, errand.now);
                }
                if let Some(wait) = error.retry_after {
                    gates.rest(host, errand.now + wait.min(FURTHEST));
                }
            }
            (None, _) => {}
        }
        fetched?.document()
    }
}

impl Fetched {
    /// The document of somebody who asked without conditions.
    pub(super) fn document(self) -> Result<Answer, FetchError> {
        match self {
            Self::Document(answer) => Ok(*answer),
            Self::Unchanged { .. } => Err(FetchErrorKind::UnaskedNotModified.into()),
        }
    }
}

impl Access {
    /// The same for hosts that are not the feed's own: nothing of it is secret or loosens a check.
    fn for_strangers(&self) -> Self {
        let (headers, login, client) = (Vec::new(), Login::None, None);
        Self { headers, login, client, insecure: false, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fetch::Settings;
    use crate::net::scripted::{Server, answer};
    use crate::secret::Origin;

    #[tokio::test]
    async fn a_login_in_the_feeds_url_goes_to_pages_of_its_own_origin_and_no_other() {
        let own = Server::start(|_| answer(200).body("page")).await;
        let stranger = Server::start(|_| answer(200).body("page")).await;
        let mut feed = own.url("/feed");
        feed.set_username("me").unwrap();
        feed.set_password(Some("hunter2")).unwrap();
        let fetcher = Fetcher::new(settings());
        for url in [own.url("/page"), stranger.url("/page")] {
            let now = Timestamp::UNIX_EPOCH;
            let errand = Errand { url: &url, sort: Sort::Page, most: 100, access: None, feed: Some(&feed), now };
            assert_eq!(fetcher.resource(&errand).await.unwrap().url, url);
        }
        assert_eq!(own.asked()[0].header("authorization").unwrap(), b"Basic bWU6aHVudGVyMg==");
        assert_eq!(stranger.asked()[0].header("authorization"), None);
    }

    fn settings() -> Settings {
        Settings {
            access: Access::plain("feeds/1", Duration::from_secs(20), Duration::from_secs(5), 9),
            concurrency: 1,
            per_host: 1,
            host_delay: Duration::ZERO,
            hosts: std::collections::BTreeMap::new(),
            memory: 64 << 20,
            allow_addresses: vec!["127.0.0.0/8".parse().unwrap()],
        }
    }

    #[test]
    fn a_stranger_is_asked_without_what_is_the_feeds_own() {
        let second = Duration::from_secs(1);
        let inline = || Origin::Inline(crate::secret::Secret::new("secret"));
        let access = Access {
            headers: vec![("X-Key".to_owned(), inline())],
            login: Login::Bearer(inline()),
            insecure: true,
            ..Access::plain("feeds/1", second, second, 9)
        };
        assert!(access.has_credentials());
        assert_eq!(access.for_strangers(), Access::plain("feeds/1", second, second, 9));
    }
}
