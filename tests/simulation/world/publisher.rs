//! Invented publishers: feeds that gain, edit, reorder, drop and show again their posts, and answer as the faults have it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use feeds::fetch::{Answer, Ask, Fetch, FetchError, FetchErrorKind, Fetched, Gates, Room, Settings, Source, Turn, Validators};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use url::Url;

use super::random::Random;
use super::{State, World};

/// One feed at its source.
#[derive(Debug)]
pub(crate) struct Publisher {
    pub(crate) name: String,
    pub(crate) url: Url,
    /// In the configuration at present.
    pub(crate) subscribed: bool,
    posts: Vec<Post>,
    version: u32,
    reversed: bool,
}

#[derive(Debug)]
struct Post {
    title: String,
    dated: Option<i64>,
    shown: bool,
    edits: u32,
    /// How its link is written: with or without what does not identify it.
    link: u32,
}

impl Publisher {
    pub(crate) fn new(name: &str, host: &str) -> Self {
        let url = Url::parse(&format!("https://{host}.example/{name}")).expect("a URL");
        Self { name: name.to_owned(), url, subscribed: true, posts: Vec::new(), version: 0, reversed: false }
    }

    /// The titles of all its posts, shown or not.
    pub(crate) fn titles(&self) -> impl Iterator<Item = &str> {
        self.posts.iter().map(|post| post.title.as_str())
    }

    pub(crate) fn posts(&self) -> usize {
        self.posts.len()
    }

    /// A day's work. A post is dropped only when the program has it: what nobody could see is not lost by the program.
    pub(crate) fn work(&mut self, random: &mut Random, now: i64, is_known: impl Fn(&str) -> bool) {
        for _ in 0..random.below(4) {
            let number = self.posts.len();
            let title = format!("{} {number}", self.name);
            let dated = (random.below(3) > 0).then_some(now);
            self.posts.push(Post { title, dated, shown: true, edits: 0, link: 0 });
        }
        for post in &mut self.posts {
            match random.below(20) {
                0 => post.edits += 1,
                1 => post.link = random.below(4),
                2 => post.shown = post.shown && !is_known(&post.title),
                3 => post.shown = true,
                _ => {}
            }
        }
        self.reversed ^= random.below(10) == 0;
        self.version += 1;
    }

    fn etag(&self) -> Vec<u8> {
        format!("\"{}\"", self.version).into_bytes()
    }

    fn document(&self) -> String {
        let mut posts: Vec<&Post> = self.posts.iter().rev().filter(|post| post.shown).collect();
        if self.reversed {
            posts.reverse();
        }
        let mut text = format!("<rss version=\"2.0\"><channel><title>{}</title>", self.name);
        for Post { title, dated, edits, link, .. } in posts {
            let slug = title.replace(' ', "/");
            let link = ["https://www.HOST/SLUG", "http://HOST/SLUG", "https://HOST/SLUG/", "https://HOST/SLUG?utm_source=feed"]
                [usize::try_from(*link).expect("a small number")]
            .replace("HOST", "posts.example")
            .replace("SLUG", &slug);
            let date = dated.and_then(|at| Timestamp::from_second(at).ok());
            let date = date.map(|at| format!("<pubDate>{}</pubDate>", at.strftime("%a, %d %b %Y %H:%M:%S GMT")));
            let date = date.unwrap_or_default();
            write!(
                text,
                "<item><title>{title}</title><link>{link}</link><guid isPermaLink=\"false\">{slug}</guid>{date}\
                 <description>Words of {title}, edit {edits}</description></item>"
            )
            .expect("text takes all");
        }
        text + "</channel></rss>"
    }

    fn answer(&self, bytes: Vec<u8>) -> Answer {
        Answer {
            bytes,
            content_type: Some("application/rss+xml".to_owned()),
            url: self.url.clone(),
            moved_to: None,
            validators: Validators { etag: Some(self.etag()), last_modified: None, url: self.url.to_string(), asked_as: None },
            fresh_for: None,
            said: None,
            room: Room::default(),
        }
    }
}

impl State {
    /// What the publisher at this URL answers, and after how many seconds.
    fn answer(&mut self, ask: &Ask<'_>) -> (u64, Result<Fetched, FetchError>) {
        let Source::Http(url) = ask.source else { panic!("every feed has a URL") };
        let place = self.publishers.iter().position(|publisher| publisher.url == *url).expect("a publisher");
        let often = self.faults.publisher;
        let wait = if self.random.in_thousand(often) { u64::from(self.random.below(60)) } else { 0 };
        let fault = self.random.in_thousand(often).then(|| self.random.below(5));
        let retry_after = (self.random.below(2) == 0).then(|| Duration::from_secs(u64::from(self.random.below(20_000))));
        let publisher = &self.publishers[place];
        let failed = |status| Err(FetchError { retry_after, ..FetchErrorKind::Status(status).into() });
        let (words, answer) = match fault {
            Some(0) => ("503", failed(503)),
            Some(1) => ("429", failed(429)),
            Some(2) => ("404", failed(404)),
            Some(3) => {
                let answer = publisher.answer(b"<html><title>Please log in</title></html>".to_vec());
                ("a page", Ok(Fetched::Document(Box::new(answer))))
            }
            Some(_) => {
                let document = publisher.document();
                let half = document.get(..document.len() / 2).unwrap_or_default();
                ("half of it", Ok(Fetched::Document(Box::new(publisher.answer(half.as_bytes().to_vec())))))
            }
            None if ask.validators.is_some_and(|known| known.etag == Some(publisher.etag())) => {
                let validators = ask.validators.cloned().expect("they were compared");
                ("unchanged", Ok(Fetched::Unchanged { validators, fresh_for: None, moved_to: None }))
            }
            None => ("a document", Ok(Fetched::Document(Box::new(publisher.answer(publisher.document().into_bytes()))))),
        };
        let name = publisher.name.clone();
        self.note(|| format!("{name} answers: {words}"));
        (wait, answer)
    }
}

/// All publishers, as the fetching loop asks them.
pub(crate) struct Publishers {
    pub(crate) world: World,
    pub(crate) settings: Settings,
    pub(crate) gates: Arc<Gates>,
}

impl Fetch for Publishers {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn gates(&self) -> &Arc<Gates> {
        &self.gates
    }

    fn fetch<'a>(&'a self, ask: &'a Ask<'a>, _: &'a mut Turn) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        Box::pin(async move {
            self.world.pass_moment().await;
            let (wait, answer) = self.world.state().answer(ask);
            tokio::time::sleep(Duration::from_secs(wait)).await;
            self.world.pass_moment().await;
            answer
        })
    }
}
