//! What each dialect says of an entry, and which of several such words is the best. Higher ranks win.

use jiff::Timestamp;

use super::super::date;
use super::super::entry::{Enclosure as File, Link};
use super::super::text::{from_html, holds_markup, one_line};
use super::draft::{Best, EntryDraft, Files, Words};
use super::inner::Inner;
use super::links::absolute;
use super::media::duration;
use super::names::{Name, Space};
use super::reader::{Context, value};
use super::soup::Tag;

/// The rank of a date that a document gives without saying of what.
const SOME_DATE: u8 = 1;
/// The rank of one that only counts where there is no other.
const SPARE_DATE: u8 = 0;
/// The deepest nesting of groups that is followed.
const DEEPEST_GROUP: u8 = 4;

impl<'a> Context<'a> {
    /// What an entry's own tag says.
    pub(crate) fn entry_attributes(&self, tag: &Tag<'a>, entry: &mut EntryDraft) {
        for (name, raw) in tag.attributes() {
            let value = self.entities.resolve(raw);
            entry.told = true;
            match &*self.names.read(name).local {
                "about" if !value.trim().is_empty() => {
                    entry.id.offer(2, value.trim().to_owned());
                    self.permalink(1, value.trim(), entry);
                }
                // CDF.
                "href" => self.page(5, &value, entry),
                "lastmod" => offer_date(&value, 4, &mut entry.updated),
                _ => {}
            }
        }
    }

    /// What a child of an entry says of it.
    pub(crate) fn entry_field(&mut self, name: &Name<'a>, tag: &Tag<'a>, inner: Inner<'a>, entry: &mut EntryDraft) {
        entry.told = true;
        self.field(name, tag, inner, entry, 0);
    }

    fn field(&mut self, name: &Name<'a>, tag: &Tag<'a>, inner: Inner<'a>, entry: &mut EntryDraft, depth: u8) {
        use Space::{
            Atom, Content, Core, Dc, DcTerms, Enclosure, Excerpt, FeedBurner, Google, Itunes, Media, Podcast, Prism, Xhtml,
        };
        match (name.space, &*name.local) {
            (Core | Atom, "title") => self.title(5, tag, &inner, entry),
            (Dc | DcTerms, "title") => self.title(3, tag, &inner, entry),
            (Media, "title") => self.title(2, tag, &inner, entry),
            (Itunes | Google, "title") => self.title(1, tag, &inner, entry),

            (Atom, "link") => self.atom_link(tag, &inner, entry),
            (Core, "link") => match value(self, &inner) {
                Some(href) => self.page(5, &href, entry),
                None => self.atom_link(tag, &inner, entry),
            },
            (Core | Atom, "url" | "href" | "a") | (Google, "link") if tag.empty || !inner.markup => {
                if let Some(href) = value(self, &inner) {
                    self.page(1, &href, entry);
                }
            }
            (FeedBurner, "origlink") => {
                if let Some(href) = value(self, &inner) {
                    self.page(9, &href, entry);
                }
            }
            (Core | Atom, "guid") => self.guid(tag, &inner, entry),
            (Core | Atom, "id") => offer(value(self, &inner), 4, &mut entry.id),
            (Dc, "identifier") | (Google, "id") => offer(value(self, &inner), 1, &mut entry.id),

            (Core | Atom, "pubdate" | "published") => self.date(&inner, 6, &mut entry.published),
            (Core | Atom, "issued") => self.date(&inner, 5, &mut entry.published),
            (Core | Atom | DcTerms, "created") => self.date(&inner, 3, &mut entry.published),
            (DcTerms, "issued") => self.date(&inner, 4, &mut entry.published),
            (Core | Atom, "updated" | "modified") => self.date(&inner, 5, &mut entry.updated),
            (DcTerms, "modified") => self.date(&inner, 4, &mut entry.updated),
            (Core, "lastbuilddate" | "lastmod") => self.date(&inner, 3, &mut entry.updated),
            (Core | Dc | DcTerms, "date") => self.date(&inner, SOME_DATE, &mut entry.updated),
            (Prism, "publicationdate") => self.date(&inner, SPARE_DATE, &mut entry.updated),

            (Core, "description" | "abstract" | "summary") | (Atom, "summary") => self.summary(5, tag, inner, entry),
            (Dc | Atom, "description") | (DcTerms, "abstract") | (Excerpt, "encoded") => {
                self.summary(4, tag, inner, entry);
            }
            (Itunes, "summary") | (Media, "description" | "text") => self.summary(2, tag, inner, entry),
            (Itunes, "subtitle" | "description") | (Google, "description") => self.summary(1, tag, inner, entry),
            (Content, "encoded") | (Core | Atom, "content") | (Core, "fullitem" | "encoded") => {
                self.content(5, tag, inner, entry);
            }
            (Content, "items") => self.content_items(inner, entry),
            (Xhtml | Core, "body" | "div") => self.xhtml_body(inner, entry),

            (Atom | Core | Dc | DcTerms, "author" | "creator") | (Core, "managingeditor") => {
                self.author(4, tag, inner, &mut entry.authors);
            }
            (Itunes, "author") => self.author(2, tag, inner, &mut entry.authors),
            (Media, "credit") if depth <= DEEPEST_GROUP => self.credit(tag, inner, entry),
            (Atom, "source") => self.source(inner, entry),

            (Core | Atom | Media | Itunes, "category") | (Core, "tag") | (Dc | DcTerms, "subject") => {
                self.category(tag, &inner, entry);
            }
            (Itunes | Media | Core, "keywords" | "tags") => {
                let words = value(self, &inner).unwrap_or_default();
                words.split(',').for_each(|word| entry.tag(word));
            }

            (Core | Atom, "enclosures" | "categories" | "authors") if depth == 0 => self.list(inner, entry),
            (Core | Enclosure, "enclosure") => {
                self.enclosure(tag, &inner, &["url", "href", "resource"], &["length", "filesize"], &mut entry.enclosures);
            }
            (Itunes, "image") => self.picture(3, tag, &["href", "url"], entry),
            (Media, "thumbnail") => self.picture(2, tag, &["url"], entry),
            (Itunes, "duration") => entry.duration = value(self, &inner).as_deref().and_then(duration).or(entry.duration),
            (Media, "content") => {
                self.enclosure(tag, &Inner::default(), &["url"], &["filesize"], &mut entry.others);
                self.group(inner, entry, depth);
            }
            (Media, "group") => self.group(inner, entry, depth),
            (Podcast, "alternateenclosure") => self.alternate_enclosure(tag, inner, entry),

            (Core, "comments") if !inner.markup => {
                let page = value(self, &inner).and_then(|href| absolute(&href, self.around()));
                entry.comments = entry.comments.take().or(page);
            }
            (Core | Dc | DcTerms, "language") => {
                entry.language = value(self, &inner).or(entry.language.take());
            }
            _ => {}
        }
    }

    /// The value of an attribute, whatever its prefix, references resolved.
    pub(crate) fn attribute(&self, tag: &Tag<'a>, wanted: &str) -> Option<String> {
        let local = |name: &str| name.split_once(':').map_or(name, |(_, local)| local).eq_ignore_ascii_case(wanted);
        let (_, raw) = tag.attributes().find(|(name, _)| local(name))?;
        let value = self.entities.resolve(raw);
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    fn page(&self, rank: u8, href: &str, entry: &mut EntryDraft) {
        if let Some(href) = absolute(href, self.around()) {
            entry.page.offer(rank, href);
        }
    }

    fn title(&mut self, rank: u8, tag: &Tag<'a>, inner: &Inner<'a>, entry: &mut EntryDraft) {
        if let Some(title) = self.line(tag, inner) {
            entry.title.offer(rank, title);
        }
    }

    /// A title: what it is written as depends on the dialect, and in RSS on itself.
    pub(crate) fn line(&mut self, tag: &Tag<'a>, inner: &Inner<'a>) -> Option<Words> {
        if self.names.is_atom {
            return self.words(tag, inner);
        }
        let text = inner.html(&self.names, &self.entities, None);
        if text.trim().is_empty() {
            return None;
        }
        // What is escaped twice is so for every reference in it, `<new>` is a word, and `<b>New</b>` is not.
        let html = holds_markup(&text);
        Some(Words { html, text: if html { text.into_owned() } else { self.entities.resolve(&text).into_owned() } })
    }

    fn guid(&mut self, tag: &Tag<'a>, inner: &Inner<'a>, entry: &mut EntryDraft) {
        let Some(guid) = value(self, inner) else { return };
        let permalink = self.attribute(tag, "ispermalink").is_none_or(|said| !is_no(&said));
        if permalink {
            self.permalink(2, &guid, entry);
        }
        entry.id.offer(5, guid);
    }

    /// Takes what identifies an entry for its page, if it is an address of one.
    fn permalink(&self, rank: u8, id: &str, entry: &mut EntryDraft) {
        if let Some(href) = absolute(id, self.around()).filter(|href| is_web(href)) {
            // A name that is no address would become one beside a base.
            if is_web(id) || id.starts_with(['/', '.', '?']) {
                entry.page.offer(rank, href);
            }
        }
    }

    fn atom_link(&self, tag: &Tag<'a>, inner: &Inner<'a>, entry: &mut EntryDraft) {
        let href = self.attribute(tag, "href").or_else(|| value(self, inner));
        let Some(href) = href.and_then(|href| absolute(&href, self.around())) else { return };
        let rel = self.attribute(tag, "rel").map_or_else(|| "alternate".to_owned(), |rel| relation(&rel));
        let kind = self.attribute(tag, "type");
        match &*rel {
            "enclosure" => {
                let length = self.attribute(tag, "length").and_then(|length| number(&length));
                entry.enclosures.add(File { url: href, r#type: kind, length, duration: None });
            }
            "replies" | "comments" if kind.as_deref().is_none_or(is_page_type) => {
                entry.comments.get_or_insert(href);
            }
            "alternate" => {
                let page = kind.as_deref().is_none_or(is_page_type);
                entry.page.offer(if page { 4 } else { 3 }, href.clone());
                entry.link(Link { href, rel: Some(rel), r#type: kind });
            }
            _ => entry.link(Link { href, rel: Some(rel), r#type: kind }),
        }
    }

    fn date(&self, inner: &Inner<'a>, rank: u8, at: &mut Best<Timestamp>) {
        offer_date(&inner.value(&self.entities), rank, at);
    }

    fn summary(&mut self, rank: u8, tag: &Tag<'a>, inner: Inner<'a>, entry: &mut EntryDraft) {
        let Some(words) = self.body(tag, &inner, entry) else { return };
        // A second description is the fuller one, in feeds that have no other place for it.
        let second = rank == 5 && entry.summary.ranked().is_some_and(|(there, known)| there == rank && *known != words);
        if second {
            entry.content.offer(1, words);
        } else {
            entry.summary.offer(rank, words);
        }
    }

    fn content(&mut self, rank: u8, tag: &Tag<'a>, inner: Inner<'a>, entry: &mut EntryDraft) {
        let kind = self.attribute(tag, "type").map(|kind| kind.to_ascii_lowercase()).unwrap_or_default();
        if let Some(src) = self.attribute(tag, "src").and_then(|src| absolute(&src, self.around())) {
            entry.page.offer(1, src.clone());
            if ["audio/", "video/"].iter().any(|files| kind.starts_with(files)) {
                entry.enclosures.add(File { url: src, r#type: Some(kind.clone()), ..File::default() });
            }
        }
        // Atom 0.3 has the same body in several forms.
        if kind.starts_with("multipart/") && inner.markup {
            self.children(inner, 0, &mut |context, name, tag, inner, depth| {
                if &*name.local == "content" && depth == 0 {
                    context.form_of_content(rank, tag, &inner, entry);
                }
                None
            });
            return;
        }
        self.form_of_content(rank, tag, &inner, entry);
    }

    fn form_of_content(&mut self, rank: u8, tag: &Tag<'a>, inner: &Inner<'a>, entry: &mut EntryDraft) {
        let Some(words) = self.body(tag, inner, entry) else { return };
        // Of several bodies HTML is better than text, and more better than less.
        let rank = rank * 2 + u8::from(words.html);
        match entry.content.ranked() {
            Some((there, known)) if there == rank && known.text.len() < words.text.len() => *known = words,
            _ => entry.content.offer(rank, words),
        }
    }

    /// A body: HTML in RSS, and what it says it is in Atom.
    fn body(&mut self, tag: &Tag<'a>, inner: &Inner<'a>, entry: &mut EntryDraft) -> Option<Words> {
        self.based(entry);
        self.words(tag, inner)
    }

    /// `content:items` of RSS 1.0, which has its values in RDF.
    fn content_items(&mut self, inner: Inner<'a>, entry: &mut EntryDraft) {
        self.children(inner, 0, &mut |context, name, tag, inner, depth| {
            if &*name.local == "value" {
                context.content(4, tag, inner, entry);
            }
            (&*name.local != "value" && depth < 4).then_some(inner)
        });
    }

    /// Notes what addresses in the bodies are relative to, unless it is this one's own base, which it is then freed of itself.
    fn based(&self, entry: &mut EntryDraft) {
        if let Some(base) = self.base.as_ref().filter(|_| !self.own_base) {
            entry.base = Some(base.as_str().to_owned());
        }
    }

    fn xhtml_body(&mut self, inner: Inner<'a>, entry: &mut EntryDraft) {
        self.based(entry);
        let html = inner.xhtml(&self.names, &self.entities, self.base.as_ref());
        if !html.trim().is_empty() {
            entry.content.offer(9, Words::html(html));
        }
    }

    fn category(&mut self, tag: &Tag<'a>, inner: &Inner<'a>, entry: &mut EntryDraft) {
        let attribute =
            |context: &Self, tag: &Tag<'a>, names: &[&str]| names.iter().find_map(|name| context.attribute(tag, name));
        if let Some(label) = attribute(self, tag, &["label", "text"]) {
            entry.tag(&label);
        } else if inner.markup {
            entry.tag(&from_html(&inner.html(&self.names, &self.entities, None)));
        } else if let Some(text) = value(self, inner) {
            entry.tag(&if holds_markup(&text) { from_html(&text) } else { self.entities.resolve(&text).into_owned() });
        } else if let Some(term) = attribute(self, tag, &["term"]) {
            entry.tag(&term);
        }
        if inner.markup {
            self.children(*inner, 0, &mut |context, name, tag, _, _| {
                let label = attribute(context, tag, &["label", "text", "term"]).filter(|_| &*name.local == "category");
                if let Some(label) = label {
                    entry.tag(&label);
                }
                None
            });
        }
    }

    fn enclosure(&self, tag: &Tag<'a>, inner: &Inner<'a>, addresses: &[&str], lengths: &[&str], files: &mut Files) {
        let written = addresses.iter().find_map(|name| self.attribute(tag, name)).or_else(|| value(self, inner));
        let Some(url) = written.and_then(|href| absolute(&href, self.around())) else { return };
        let length = lengths.iter().find_map(|name| self.attribute(tag, name)).and_then(|length| number(&length));
        let duration = self.attribute(tag, "duration").as_deref().and_then(duration);
        files.add(File { url, r#type: self.attribute(tag, "type"), length, duration });
    }

    fn alternate_enclosure(&mut self, tag: &Tag<'a>, inner: Inner<'a>, entry: &mut EntryDraft) {
        let kind = self.attribute(tag, "type");
        let length = self.attribute(tag, "length").and_then(|length| number(&length));
        self.children(inner, 0, &mut |context, name, tag, _, _| {
            if &*name.local == "source" {
                let url = context.attribute(tag, "uri").and_then(|uri| absolute(&uri, context.around()));
                if let Some(url) = url.filter(|url| is_web(url)) {
                    entry.others.add(File { url, r#type: kind.clone(), length, duration: None });
                }
            }
            None
        });
    }

    /// The members of a list that programs make of an array, as if they stood in the entry.
    fn list(&mut self, inner: Inner<'a>, entry: &mut EntryDraft) {
        self.children(inner, 0, &mut |context, name, tag, inner, _| {
            if matches!(&*name.local, "enclosure" | "category" | "author") {
                context.field(name, tag, inner, entry, 1);
            }
            None
        });
    }

    /// The members of a group, as if they stood in the entry.
    fn group(&mut self, inner: Inner<'a>, entry: &mut EntryDraft, depth: u8) {
        if depth < DEEPEST_GROUP && inner.markup {
            self.children(inner, 0, &mut |context, name, tag, inner, _| {
                if matches!(name.space, Space::Media) {
                    context.field(name, tag, inner, entry, depth + 1);
                }
                None
            });
        }
    }

    /// Settles what depends on all that was said.
    pub(crate) fn finish_entry(&self, entry: &mut EntryDraft) {
        entry.settle_files();
        // A date that says not of what is that of publishing, unless there is another for that.
        if entry.published.get().is_none() && entry.updated.ranked().is_some_and(|(rank, _)| rank <= SOME_DATE) {
            entry.published = std::mem::take(&mut entry.updated);
        }
        if entry
            .updated
            .ranked()
            .is_some_and(|(rank, at)| rank == SPARE_DATE || (rank == SOME_DATE && Some(&*at) == entry.published.get()))
        {
            entry.updated.take();
        }
        if self.names.is_atom
            && entry.page.get().is_none()
            && let Some(id) = entry.id.get().cloned().filter(|id| is_web(id))
        {
            self.permalink(1, &id, entry);
        }
    }
}

fn offer(value: Option<String>, rank: u8, place: &mut Best<String>) {
    if let Some(value) = value {
        place.offer(rank, value);
    }
}

/// Offers a date that can be read.
pub(crate) fn offer_date(text: &str, rank: u8, place: &mut Best<Timestamp>) {
    if let Some(at) = date::parse(text) {
        place.offer_last(rank, at);
    }
}

/// Whether an address is one of the web.
pub(crate) fn is_web(href: &str) -> bool {
    let scheme = href.split_once("://").map(|(scheme, rest)| (scheme.trim().to_ascii_lowercase(), rest));
    scheme.is_some_and(|(scheme, rest)| matches!(&*scheme, "http" | "https") && !rest.is_empty())
}

fn is_no(said: &str) -> bool {
    ["false", "no", "0"].iter().any(|no| no.eq_ignore_ascii_case(said))
}

fn is_page_type(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    kind.contains("html") || !kind.contains('/')
}

/// A relation without the address that IANA's may be written with.
pub(crate) fn relation(rel: &str) -> String {
    let rel = rel.strip_prefix("http://www.iana.org/assignments/relation/").unwrap_or(rel);
    let rel = one_line(rel).to_ascii_lowercase();
    if rel.split(' ').any(|word| word == "alternate") { "alternate".to_owned() } else { rel }
}

/// A length in bytes, however it is written.
fn number(text: &str) -> Option<u64> {
    let digits: String = text.trim().chars().filter(|c| !matches!(c, ',' | '_' | ' ')).collect();
    digits.parse().ok()
}
