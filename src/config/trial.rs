//! What an address would be if it were subscribed to now: a feed with the defaults over it. Nothing is written.

use url::Url;

use super::edit::{NewFeed, appended};
use super::{Config, Feed, derive_name};
use crate::env::Env;

impl Config {
    /// The feed of that address, or what `feeds add` would make of it; `sinks` are named where the defaults name none. `None`
    /// where `feeds add` would refuse it.
    #[must_use]
    pub fn trial(&self, url: &Url, title: Option<&str>, sinks: &[String], env: &Env) -> Option<Feed> {
        if let Some(known) = self.feeds.iter().find(|feed| feed.url == url.as_str()) {
            return Some(known.clone());
        }
        let text = std::fs::read_to_string(&self.path).ok()?;
        let name = derive_name(url, title, &|name| self.feed(name).is_some());
        [&[], sinks].into_iter().find_map(|sinks| {
            let (name, url, sinks) = (name.clone(), url.as_str().to_owned(), sinks.to_vec());
            let new = NewFeed { name: name.clone(), url, tags: Vec::new(), sinks, interval: None, backlog: None };
            let config = Self::from_text(&self.path, &appended(&text, &new).ok()?, env).ok()?;
            config.feeds.into_iter().find(|feed| feed.name == name)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Images;

    #[test]
    fn an_address_is_what_the_defaults_make_of_it_and_the_file_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let (one, two) =
            ("[sinks.one]\ntype = \"maildir\"\npath = \"One\"\n", "[sinks.two]\ntype = \"maildir\"\npath = \"Two\"\n");
        let trial = |text: &str, sinks: &[String]| {
            std::fs::write(&path, text).unwrap();
            let config = Config::load(&path, &Env::from_fn(|_| None)).unwrap();
            let feed = config.trial(&Url::parse("https://h.example/feed").unwrap(), Some("News"), sinks, &Env::from_fn(|_| None));
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
            feed
        };
        let feed =
            trial(&format!("[defaults]\nimages = \"inline\"\nfulltext = true\nsinks = [\"two\"]\n{one}{two}"), &[]).unwrap();
        assert_eq!((feed.name.as_str(), feed.sinks.as_slice()), ("h", &["two".to_owned()][..]));
        assert!(feed.fulltext.is_some() && feed.looks["two"].images == Images::Inline);
        assert_eq!(trial(&format!("{one}{two}"), &[]), None, "nothing says where it goes");
        assert_eq!(trial(&format!("{one}{two}"), &["one".to_owned()]).unwrap().sinks, ["one"]);
        let known = trial(&format!("{one}[feeds.mine]\nurl = \"https://h.example/feed\"\n"), &[]).unwrap();
        assert_eq!(known.name, "mine");
    }
}
