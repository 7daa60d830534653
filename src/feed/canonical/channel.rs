//! What each dialect says of the feed as a whole.

use url::Url;

use super::super::entry::Link;
use super::draft::{Best, FeedDraft, MOST_PARTS};
use super::inner::Inner;
use super::item::{is_web, offer_date, relation};
use super::links::absolute;
use super::names::{Name, Space};
use super::reader::{Context, value};
use super::soup::Tag;

impl<'a> Context<'a> {
    /// What a feed's own tag says.
    pub(crate) fn feed_attributes(&mut self, tag: &Tag<'a>, language: Option<&str>, feed: &mut FeedDraft) {
        if let Some(language) = language {
            feed.language.offer(1, language.replace('_', "-"));
        }
        for (name, raw) in tag.attributes() {
            let value = self.entities.resolve(raw);
            match &*self.names.read(name).local {
                "about" => feed.id = feed.id.take().or_else(|| Some(value.trim().to_owned())),
                // CDF.
                "href" => self.home(&value, feed),
                "lastmod" => offer_date(&value, 2, &mut feed.updated),
                _ => {}
            }
        }
    }

    /// What a child of a feed says of it.
    pub(crate) fn feed_field(&mut self, name: &Name<'a>, tag: &Tag<'a>, inner: Inner<'a>, feed: &mut FeedDraft) {
        use Space::{Atom, Core, Dc, DcTerms, Itunes, Media, Syndication};
        match (name.space, &*name.local) {
            (Core | Atom, "title") => self.feed_title(5, tag, &inner, feed),
            (Dc | DcTerms, "title") => self.feed_title(3, tag, &inner, feed),
            (Media | Itunes, "title") => self.feed_title(1, tag, &inner, feed),
            (Core, "description" | "abstract") | (Atom | Core, "subtitle" | "tagline") => {
                self.feed_subtitle(5, tag, &inner, feed);
            }
            (Dc, "description") => self.feed_subtitle(3, tag, &inner, feed),
            (Itunes, "summary" | "subtitle") | (Media, "description") | (Atom, "info") => {
                self.feed_subtitle(1, tag, &inner, feed);
            }
            (Core, "link") => match value(self, &inner) {
                Some(href) => self.home(&href, feed),
                None => self.feed_link(tag, &inner, feed),
            },
            (Atom, "link") => self.feed_link(tag, &inner, feed),
            (Core | Atom, "id" | "guid") => feed.id = value(self, &inner).or(feed.id.take()),
            (Atom, "updated" | "modified") | (Core, "lastbuilddate" | "updated") => {
                offer_date(&inner.value(&self.entities), 5, &mut feed.updated);
            }
            (DcTerms, "modified") => offer_date(&inner.value(&self.entities), 4, &mut feed.updated),
            (Core, "pubdate") | (Dc | DcTerms, "date") | (DcTerms, "issued" | "created") | (Atom, "published") => {
                offer_date(&inner.value(&self.entities), 2, &mut feed.updated);
            }
            (Core, "language") => self.feed_language(5, &inner, feed),
            (Dc | DcTerms, "language") => self.feed_language(3, &inner, feed),
            (Atom, "author") | (Core, "author" | "managingeditor") | (Dc, "creator") => {
                self.author(4, tag, inner, &mut feed.authors);
            }
            (Itunes, "author") => self.author(3, tag, inner, &mut feed.authors),
            (Itunes, "image") => {
                let url = self.attribute(tag, "href").and_then(|url| absolute(&url, self.around()));
                feed.image = feed.image.take().or(url);
            }
            (Itunes, "owner") => self.author(2, tag, inner, &mut feed.authors),
            (Core, "ttl") => feed.hints.read_ttl(&inner.value(&self.entities)),
            (Core, "skiphours" | "skipdays") => self.skips(inner, feed),
            (Syndication, "updateperiod") => feed.hints.read_period(&inner.value(&self.entities)),
            (Syndication, "updatefrequency") => feed.hints.read_frequency(&inner.value(&self.entities)),
            (Syndication, "updatebase") => {
                let mut base = Best::default();
                offer_date(&inner.value(&self.entities), 1, &mut base);
                feed.hints.update_base = base.take().or(feed.hints.update_base);
            }
            (Core, "webmaster") => self.author(1, tag, inner, &mut feed.authors),
            _ => {}
        }
    }

    /// The hours or days in which nobody need ask.
    fn skips(&mut self, inner: Inner<'a>, feed: &mut FeedDraft) {
        self.children(inner, 0, &mut |context, name, _, inner, _| {
            let text = inner.value(&context.entities);
            match &*name.local {
                "hour" => feed.hints.read_hour(&text),
                "day" => feed.hints.read_day(&text),
                _ => {}
            }
            None
        });
    }

    fn feed_title(&mut self, rank: u8, tag: &Tag<'a>, inner: &Inner<'a>, feed: &mut FeedDraft) {
        if let Some(title) = self.line(tag, inner) {
            feed.title.offer(rank, title);
        }
    }

    fn feed_subtitle(&mut self, rank: u8, tag: &Tag<'a>, inner: &Inner<'a>, feed: &mut FeedDraft) {
        if let Some(words) = self.line(tag, inner) {
            feed.subtitle.offer(rank, words);
        }
    }

    fn feed_language(&self, rank: u8, inner: &Inner<'a>, feed: &mut FeedDraft) {
        if let Some(language) = value(self, inner) {
            feed.language.offer(rank, language.replace('_', "-"));
        }
    }

    fn home(&mut self, href: &str, feed: &mut FeedDraft) {
        if let Some(href) = absolute(href, self.around()) {
            self.comes_from(&href);
            keep(feed, Link { href, rel: Some("alternate".to_owned()), r#type: None });
        }
    }

    fn feed_link(&mut self, tag: &Tag<'a>, inner: &Inner<'a>, feed: &mut FeedDraft) {
        let href = self.attribute(tag, "href").or_else(|| value(self, inner));
        let Some(href) = href.and_then(|href| absolute(&href, self.around())) else { return };
        let rel = self.attribute(tag, "rel").map_or_else(|| "alternate".to_owned(), |rel| relation(&rel));
        if matches!(&*rel, "alternate" | "self") {
            self.comes_from(&href);
        }
        keep(feed, Link { href, rel: Some(rel), r#type: self.attribute(tag, "type") });
    }

    /// A document that came from nowhere says itself what its links are relative to.
    fn comes_from(&mut self, href: &str) {
        if self.document.is_none() && is_web(href) {
            self.document = Url::parse(href).ok();
        }
    }

    /// Settles what depends on all that was said.
    pub(crate) fn finish_feed(feed: &mut FeedDraft) {
        // A page before other formats of it, and RSS's own link, which has no type, before Atom's beside it.
        feed.links.sort_by_key(|link| match (link.rel.as_deref(), link.r#type.as_deref()) {
            (Some("alternate"), None) => 0,
            (Some("alternate"), Some(kind)) if kind.contains("html") => 1,
            (Some("alternate"), Some(_)) => 2,
            _ => 3,
        });
    }
}

fn keep(feed: &mut FeedDraft, link: Link) {
    let known = |known: &Link| known.href == link.href && known.rel == link.rel;
    if feed.links.len() < MOST_PARTS && !feed.links.iter().any(known) {
        feed.links.push(link);
    }
}
