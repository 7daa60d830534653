//! Names: what namespace a prefix stands for, by all the spellings that feeds use, declared or not.

use std::borrow::Cow;

use super::soup::Tag;

/// A vocabulary, whatever the document calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    /// The document's own: RSS of all sorts, CDF, or no namespace at all.
    Core,
    Atom,
    Rdf,
    Content,
    Dc,
    DcTerms,
    Media,
    Itunes,
    Podcast,
    Xhtml,
    FeedBurner,
    /// `mod_enclosure` of RSS 1.0.
    Enclosure,
    Excerpt,
    Wfw,
    /// Products of Google Merchant.
    Google,
    Prism,
    /// The `xml:` of attributes.
    Xml,
    /// Any other.
    Foreign,
}

/// An element's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name<'a> {
    pub(crate) space: Space,
    /// In lower case.
    pub(crate) local: Cow<'a, str>,
}

/// The prefixes that are in force.
#[derive(Debug, Default)]
pub(crate) struct Names<'a> {
    /// Innermost last: a prefix, `""` for none, and what it stands for.
    bound: Vec<(&'a str, Space)>,
    /// Whether the document is Atom: then what has no namespace, or its root's, is Atom's.
    pub(crate) is_atom: bool,
}

/// The largest number of declarations that are in force at once.
const MOST_BOUND: usize = 100;

/// Beginnings of the names of namespaces, in lower case, without the scheme.
const KNOWN: &[(&str, Space)] = &[
    ("www.w3.org/2005/atom", Space::Atom),
    ("purl.org/atom/ns", Space::Atom),
    ("www.w3.org/1999/xhtml", Space::Xhtml),
    ("www.w3.org/tr/rec-html40", Space::Xhtml),
    ("www.w3.org/1999/02/22-rdf-syntax-ns", Space::Rdf),
    ("purl.org/rss/1.0/modules/content", Space::Content),
    ("purl.org/rss/1.0/modules/", Space::Foreign),
    ("purl.org/rss/", Space::Core),
    ("purl.org/net/rss1.1/payload", Space::Content),
    ("purl.org/net/rss", Space::Core),
    ("my.netscape.com/rdf/simple/", Space::Core),
    ("my.netscape.com/publish/formats/", Space::Core),
    ("channel.netscape.com/rdf/simple/", Space::Core),
    ("backend.userland.com/rss", Space::Core),
    ("blogs.law.harvard.edu/tech/rss", Space::Core),
    ("cyber.harvard.edu/rss", Space::Core),
    ("cyber.law.harvard.edu/rss", Space::Core),
    ("www.rssboard.org/rss", Space::Core),
    ("www.rss-board.org/rss", Space::Core),
    ("backend.userland.com/", Space::Core),
    ("purl.org/dc/elements/", Space::Dc),
    ("purl.org/metadata/dublin_core", Space::Dc),
    ("purl.org/dc/terms", Space::DcTerms),
    ("purl.org/dc/", Space::Dc),
    ("search.yahoo.com/mrss", Space::Media),
    ("www.rssboard.org/media-rss", Space::Media),
    ("tools.search.yahoo.com/mrss", Space::Media),
    ("video.search.yahoo.com/mrss", Space::Media),
    ("www.itunes.com/dtds/podcast", Space::Itunes),
    ("www.itunes.com/dtds/", Space::Itunes),
    ("itunes.com/dtds/", Space::Itunes),
    ("example.com/dtds/podcast", Space::Itunes),
    ("www.google.com/schemas/play-podcasts", Space::Itunes),
    ("podcastindex.org/namespace", Space::Podcast),
    ("github.com/podcastindex-org/podcast-namespace", Space::Podcast),
    ("rssnamespace.org/feedburner", Space::FeedBurner),
    ("www.pheedo.com/namespace", Space::FeedBurner),
    ("rssnamespace.org/", Space::Core),
    ("purl.oclc.org/net/rss_2.0/enc", Space::Enclosure),
    ("wordpress.org/export/", Space::Excerpt),
    ("wellformedweb.org/commentapi", Space::Wfw),
    ("base.google.com/", Space::Google),
    ("prismstandard.org/namespaces/", Space::Prism),
];

/// What prefixes mean where nobody says so.
const CUSTOMARY: &[(&str, Space)] = &[
    ("atom", Space::Atom),
    ("atom10", Space::Atom),
    ("atom03", Space::Atom),
    ("a10", Space::Atom),
    ("rdf", Space::Rdf),
    ("rss", Space::Core),
    ("rss1", Space::Core),
    ("content", Space::Content),
    ("dc", Space::Dc),
    ("dcterms", Space::DcTerms),
    ("dcq", Space::DcTerms),
    ("media", Space::Media),
    ("itunes", Space::Itunes),
    ("podcast", Space::Podcast),
    ("xhtml", Space::Xhtml),
    ("html", Space::Xhtml),
    ("body", Space::Xhtml),
    ("feedburner", Space::FeedBurner),
    ("enc", Space::Enclosure),
    ("excerpt", Space::Excerpt),
    ("wfw", Space::Wfw),
    ("prism", Space::Prism),
    ("xml", Space::Xml),
];

impl<'a> Names<'a> {
    /// Takes over what a tag declares, until [`Names::leave`] is given what this gives.
    pub(crate) fn enter(&mut self, tag: &Tag<'a>) -> usize {
        let mark = self.bound.len();
        for (name, value) in tag.attributes() {
            let prefix = match name.get(..5) {
                Some(head) if head.eq_ignore_ascii_case("xmlns") => name[5..].strip_prefix(':'),
                _ => continue,
            };
            if name.len() > 5 && prefix.is_none() {
                continue;
            }
            if self.bound.len() < MOST_BOUND {
                self.bound.push((prefix.unwrap_or_default(), space(value)));
            }
        }
        mark
    }

    /// Forgets what was declared since.
    pub(crate) fn leave(&mut self, mark: usize) {
        self.bound.truncate(mark);
    }

    /// What a prefix stands for.
    fn of(&self, prefix: &str) -> Space {
        let bound = self.bound.iter().rev().find(|(bound, _)| *bound == prefix).map(|(_, space)| *space);
        let customary = || CUSTOMARY.iter().find(|(known, _)| known.eq_ignore_ascii_case(prefix)).map(|(_, space)| *space);
        match bound {
            // A customary prefix that is bound to something unheard of is a slip in its address more often than anything else.
            Some(Space::Foreign) | None if !prefix.is_empty() => customary().unwrap_or(Space::Foreign),
            Some(space) => space,
            None => Space::Core,
        }
    }

    /// What a name as written means.
    pub(crate) fn read(&self, written: &'a str) -> Name<'a> {
        let (prefix, local) = written.split_once(':').unwrap_or(("", written));
        let space = match self.of(prefix) {
            Space::Core if self.is_atom => Space::Atom,
            space => space,
        };
        let local = if local.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(local.to_ascii_lowercase())
        } else {
            Cow::Borrowed(local)
        };
        Name { space, local }
    }

    /// Makes a root's own namespace, whatever it is, the document's own.
    pub(crate) fn adopt(&mut self, written: &'a str) {
        let prefix = written.split_once(':').map_or("", |(prefix, _)| prefix);
        for (bound, space) in &mut self.bound {
            let others = matches!(space, Space::Foreign | Space::Xhtml) || (*space == Space::Atom && !self.is_atom);
            if *bound == prefix && others {
                *space = Space::Core;
            }
        }
        if !prefix.is_empty() && self.of(prefix) == Space::Foreign {
            self.bound.push((prefix, Space::Core));
        }
    }
}

/// The vocabulary that a namespace's name means.
pub(crate) fn space(uri: &str) -> Space {
    let uri = uri.trim().to_ascii_lowercase();
    let bare = uri.split_once("://").map_or(&*uri, |(_, rest)| rest);
    if bare.is_empty() {
        return Space::Core;
    }
    KNOWN.iter().find(|(known, _)| bare.starts_with(known)).map_or(Space::Foreign, |(_, space)| *space)
}

#[cfg(test)]
mod tests;
