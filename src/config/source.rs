//! Where a feed comes from: the text after `url =`. Comes out: a [`Source`] and the URL that the feed is known by.

use std::path::Path;

use url::Url;

use super::section::Wrong;
use crate::env::Env;
use crate::fetch::Source;

/// Reads a web address, a `file:` URL or a path, which is relative to `folder`.
pub(super) fn parse(text: &str, folder: &Path, env: &Env) -> Result<(Source, String), Wrong> {
    let text = text.trim();
    let help = || Some("write https://…, http://…, a file: URL, or the path of a file".to_owned());
    if text.is_empty() {
        return Err(Wrong::Value("the URL is empty".to_owned(), help()));
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            let path = env.path(text, folder)?;
            let named = || Wrong::value("the path cannot be written as a URL");
            // Parsed once more: this takes `..` and `.` out, so that one file has one URL.
            Url::from_file_path(&path).ok().and_then(|url| Url::parse(url.as_str()).ok()).ok_or_else(named)?
        }
        Err(error) => return Err(Wrong::Value(format!("this is not a URL: {error}"), help())),
    };
    let known_by = url.to_string();
    match url.scheme() {
        "http" | "https" if url.host_str().is_some_and(|host| !host.is_empty()) => Ok((Source::Http(url), known_by)),
        "file" => {
            let path = url.to_file_path().map_err(|()| Wrong::value("a file: URL has a path from the root, and no host"))?;
            Ok((Source::File(path), known_by))
        }
        scheme => Err(Wrong::Value(format!("feeds cannot be fetched by `{scheme}:`"), help())),
    }
}

/// A path that looks like a web address whose `https://` was forgotten, when no such file exists.
pub(super) fn doubt(source: &Source) -> Option<(String, String)> {
    let Source::File(path) = source else { return None };
    if path.exists() {
        return None;
    }
    let message = format!("there is no file `{}`", path.display());
    Some((message, "a web address begins with https:// or http://".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Result<(Source, String), String> {
        let env = Env::from_fn(|name| (name == "HOME").then(|| "/home/me".to_owned()));
        parse(text, Path::new("/etc/feeds"), &env).map_err(|wrong| match wrong {
            Wrong::Value(message, _)
            | Wrong::Part(_, message, _)
            | Wrong::Within(_, message, _)
            | Wrong::Elsewhere(_, message, _) => message,
            Wrong::Type(wanted) => wanted.to_owned(),
        })
    }

    #[test]
    fn a_feed_comes_from_the_web_or_from_a_file() {
        assert_eq!(source("https://lwn.net").unwrap().1, "https://lwn.net/");
        assert_eq!(source(" HTTPS://LWN.net/rss ").unwrap().1, "https://lwn.net/rss");
        let file = |path: &str, url: &str| Ok((Source::File(path.into()), url.to_owned()));
        assert_eq!(source("../demo.xml"), file("/etc/demo.xml", "file:///etc/demo.xml"));
        assert_eq!(source("a b/feed#1.xml"), file("/etc/feeds/a b/feed#1.xml", "file:///etc/feeds/a%20b/feed%231.xml"));
        assert_eq!(source("~/x.xml"), file("/home/me/x.xml", "file:///home/me/x.xml"));
        assert_eq!(source("file:///srv/x.xml"), file("/srv/x.xml", "file:///srv/x.xml"));
    }

    #[test]
    fn what_cannot_be_fetched_is_refused() {
        assert_eq!(source("ftp://h.example/x").unwrap_err(), "feeds cannot be fetched by `ftp:`");
        assert_eq!(source("localhost:8080/x").unwrap_err(), "feeds cannot be fetched by `localhost:`");
        assert!(source("https://").unwrap_err().starts_with("this is not a URL"));
        assert!(source("file://host.example/x").is_err());
        assert_eq!(source("  ").unwrap_err(), "the URL is empty");
    }

    #[test]
    fn a_forgotten_https_is_doubted() {
        let (source, _) = source("lwn.net/headlines/rss").unwrap();
        assert_eq!(doubt(&source).unwrap().0, "there is no file `/etc/feeds/lwn.net/headlines/rss`");
        assert_eq!(doubt(&Source::File("/".into())), None);
    }
}
