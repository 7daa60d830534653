//! The soup of a document to drafts: finds the feed and its entries wherever they stand, and hands what is in them to
//! [`channel`](super::channel) and [`item`](super::item).

use url::Url;

use super::atom::Atom;
use super::draft::{EntryDraft, FeedDraft};
use super::entities::Entities;
use super::inner::{Inner, Outer, Unclosed, inner};
use super::links::rebased;
use super::names::{Name, Names, Space};
use super::soup::{Soup, Tag, Token};

/// What is around the place that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A feed, or what only holds one.
    Feed,
    Entry,
}

#[derive(Debug)]
struct Level<'a> {
    name: &'a str,
    kind: Kind,
    /// What to give back to the names.
    mark: usize,
    base: Option<Url>,
}

/// The elements that are open.
#[derive(Debug, Default)]
pub(crate) struct Levels<'a>(Vec<Level<'a>>);

/// What the fields of a document are read with.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) names: Names<'a>,
    pub(crate) entities: Entities,
    /// Where the document came from.
    pub(crate) document: Option<Url>,
    /// What the document itself says that addresses are relative to.
    pub(crate) base: Option<Url>,
    /// Whether that is said by the very element that is read.
    pub(crate) own_base: bool,
    /// Whether it is Atom of before RFC 4287, which has modes.
    pub(crate) old_atom: bool,
}

/// Reads a document.
pub(crate) struct Reader<'a, 'o> {
    soup: Soup<'a>,
    levels: Levels<'a>,
    unclosed: Unclosed<'a>,
    context: Context<'a>,
    format: Option<&'static str>,
    /// What stands before a root says that it is a page.
    page: bool,
    feed: FeedDraft,
    entry: EntryDraft,
    atom: &'o mut Atom,
    remarks: Vec<String>,
}

/// A document that was read, but for its entries.
#[derive(Debug)]
pub(crate) struct Read {
    /// What it was written in; `None` where there is no feed in it.
    pub(crate) format: Option<&'static str>,
    pub(crate) feed: FeedDraft,
    /// Whether the text ended before the feed did.
    pub(crate) torn: bool,
    pub(crate) remarks: Vec<String>,
}

/// The deepest nesting of feeds within feeds.
const DEEPEST: usize = 64;

impl Outer for Levels<'_> {
    fn ends(&self, name: &str) -> bool {
        self.0.iter().any(|level| level.name.eq_ignore_ascii_case(name))
    }

    fn begins_entry(&self, name: &str) -> bool {
        let within = self.0.last().is_some_and(|level| level.kind == Kind::Entry && level.name.eq_ignore_ascii_case(name));
        within || name.eq_ignore_ascii_case("item")
    }
}

/// Reads a document's XML, however torn; its entries go to `atom`.
pub(crate) fn read(text: &str, document: Option<&Url>, atom: &mut Atom) -> Read {
    let context = Context {
        names: Names::default(),
        entities: Entities::default(),
        document: document.cloned(),
        base: None,
        own_base: false,
        old_atom: false,
    };
    let mut reader = Reader {
        soup: Soup::new(text),
        levels: Levels::default(),
        unclosed: Unclosed::default(),
        context,
        format: None,
        page: false,
        feed: FeedDraft::default(),
        entry: EntryDraft::default(),
        atom,
        remarks: Vec::new(),
    };
    while let Some(token) = reader.soup.next() {
        match token {
            Token::Start(tag) => reader.start(tag),
            Token::End(name) => reader.end(name),
            Token::Doctype(inside) => reader.context.entities.declare(inside),
            Token::Text(_) | Token::Cdata(_) => {}
        }
    }
    reader.close()
}

impl<'a> Reader<'a, '_> {
    fn start(&mut self, tag: Tag<'a>) {
        let mark = self.context.names.enter(&tag);
        let mut name = self.context.names.read(tag.name);
        if self.format.is_none() {
            if let Some(format) = root(&name, &tag, self.page) {
                self.root(format, &tag);
                name = self.context.names.read(tag.name);
            } else {
                self.page |= matches!(&*name.local, "html" | "head" | "body");
                self.context.names.leave(mark);
                return;
            }
        }
        let within = self.levels.0.last().map(|level| level.kind);
        let own = matches!(name.space, Space::Core | Space::Atom | Space::Rdf);
        let kind = match &*name.local {
            "item" | "entry" if own => {
                if within == Some(Kind::Entry) {
                    self.end_entry();
                }
                Kind::Entry
            }
            "rss" | "rdf" | "feed" | "channel" | "items" | "entries" if own && within != Some(Kind::Entry) => Kind::Feed,
            _ => {
                self.field(&name, &tag);
                self.context.names.leave(mark);
                return;
            }
        };
        // Entries do not nest: the deepest feed has room for one.
        if kind == Kind::Entry || self.levels.0.len() < DEEPEST {
            self.open(tag, kind, mark);
        } else {
            self.context.names.leave(mark);
        }
    }

    /// Opens a feed or an entry.
    fn open(&mut self, tag: Tag<'a>, kind: Kind, mark: usize) {
        let (base, language) = self.context.own(&tag);
        self.levels.0.push(Level { name: tag.name, kind, mark, base: base.clone() });
        self.context.base = base.or(self.context.base.take());
        if kind == Kind::Entry {
            self.entry = EntryDraft { language: language.map(str::to_owned), ..EntryDraft::default() };
            self.context.entry_attributes(&tag, &mut self.entry);
        } else {
            self.context.feed_attributes(&tag, language, &mut self.feed);
        }
        if tag.empty {
            self.end(tag.name);
        }
    }

    fn root(&mut self, format: &'static str, tag: &Tag<'a>) {
        self.format = Some(format);
        let names = &mut self.context.names;
        names.is_atom = format == "atom";
        names.adopt(tag.name);
        let attribute =
            |wanted: &str| tag.attributes().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value);
        let declared = tag.attributes().any(|(name, value)| name.starts_with("xmlns") && value.contains("purl.org/atom/ns"));
        self.context.old_atom =
            names.is_atom && (declared || attribute("version").is_some_and(|version| version.starts_with("0.")));
    }

    /// Reads an element that is neither a feed nor an entry.
    fn field(&mut self, name: &Name<'a>, tag: &Tag<'a>) {
        let mut inner = inner(&mut self.soup, tag, &self.levels, &mut self.unclosed);
        if tag.empty && &*name.local == "link" && tag.attributes().next().is_none() {
            inner = self.after_link();
        }
        let (base, _) = self.context.own(tag);
        self.context.own_base = base.is_some();
        let around = base.map(|base| self.context.base.replace(base));
        match self.levels.0.last().map(|level| level.kind) {
            Some(Kind::Entry) => self.context.entry_field(name, tag, inner, &mut self.entry),
            _ => self.context.feed_field(name, tag, inner, &mut self.feed),
        }
        if let Some(around) = around {
            self.context.base = around;
        }
    }

    /// The address after an empty `link`: what takes RSS for HTML knows no end of that element.
    fn after_link(&mut self) -> Inner<'a> {
        let begin = self.soup.at();
        if let Some(Token::Text(text)) = self.soup.next()
            && text.trim_start().starts_with("http")
        {
            return Inner::text(text);
        }
        self.soup.go(begin);
        Inner::default()
    }

    /// Closes what an end tag closes: everything within it too.
    fn end(&mut self, name: &str) {
        let Some(place) = self.levels.0.iter().rposition(|level| level.name.eq_ignore_ascii_case(name)) else { return };
        while self.levels.0.len() > place {
            self.pop();
        }
    }

    /// Closes an entry that was not closed before the next one began.
    fn end_entry(&mut self) {
        while self.levels.0.last().is_some_and(|level| level.kind == Kind::Entry) {
            self.pop();
        }
    }

    fn pop(&mut self) {
        let Some(level) = self.levels.0.pop() else { return };
        self.context.names.leave(level.mark);
        if level.kind == Kind::Entry {
            let mut entry = std::mem::take(&mut self.entry);
            self.context.finish_entry(&mut entry);
            // What every entry shows is no picture of its own.
            if self.feed.image.is_some() && self.feed.image.as_ref() == entry.image.get() {
                entry.image.take();
            }
            self.atom.entry(entry);
        }
        self.context.base = self.levels.0.iter().rev().find_map(|level| level.base.clone());
    }

    /// What was read. An entry that the document ends within did not come whole: it is read when it does.
    fn close(mut self) -> Read {
        if self.levels.0.last().is_some_and(|level| level.kind == Kind::Entry) {
            self.remarks.push("the document ends in the middle of an entry, which is not read".to_owned());
        } else if self.format.is_some() && !self.levels.0.is_empty() {
            self.remarks.push("the document ends before its feed does".to_owned());
        }
        Context::finish_feed(&mut self.feed);
        Read { format: self.format, feed: self.feed, torn: !self.levels.0.is_empty(), remarks: self.remarks }
    }
}

impl<'a> Context<'a> {
    /// The base and the language that a tag gives to what is in it.
    fn own(&self, tag: &Tag<'a>) -> (Option<Url>, Option<&'a str>) {
        let (mut base, mut language) = (None, None);
        for (name, value) in tag.attributes() {
            // CDF has it without a prefix.
            if name.eq_ignore_ascii_case("xml:base") || (name.eq_ignore_ascii_case("base") && !self.names.is_atom) {
                base = rebased(self.around(), &self.entities.resolve(value));
            } else if name.eq_ignore_ascii_case("xml:lang") {
                language = Some(value.trim()).filter(|value| !value.is_empty());
            }
        }
        (base, language)
    }

    /// What an address here is relative to.
    pub(crate) fn around(&self) -> Option<&Url> {
        self.base.as_ref().or(self.document.as_ref())
    }
}

/// What a root says that its document is written in.
fn root(name: &Name<'_>, tag: &Tag<'_>, page: bool) -> Option<&'static str> {
    let attribute =
        |wanted: &str| tag.attributes().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim());
    let declares = |what: &str| tag.attributes().any(|(name, value)| name.starts_with("xmlns") && value.contains(what));
    match &*name.local {
        "rss" => {
            let old = attribute("version").is_some_and(|version| version.starts_with("0.9")) || declares("rdf/simple/0.9");
            Some(if old { "rss0.9" } else { "rss2.0" })
        }
        "rdf" => Some(if declares("rdf/simple/0.9") { "rss0.9" } else { "rss1.0" }),
        "feed" => Some("atom"),
        "channel" if declares("purl.org/net/rss") => Some("rss1.0"),
        "channel" if attribute("href").is_some() || attribute("base").is_some() || attribute("lastmod").is_some() => Some("cdf"),
        "channel" if tag.name.starts_with('C') => Some("cdf"),
        "channel" | "item" if !page => Some("rss2.0"),
        "entry" if !page && name.space != Space::Foreign => Some("atom"),
        _ => None,
    }
}

/// A short inside of an element, read as a value.
pub(crate) fn value(context: &Context<'_>, inner: &Inner<'_>) -> Option<String> {
    let value = inner.value(&context.entities);
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}
