//! What names mean, by declaration, by custom and by their root.

use super::super::soup::{Soup, Token};
use super::*;

/// The names after the tag of a root, or of what else declares something.
fn names(root: &str) -> Names<'_> {
    let mut names = Names::default();
    if let Some(Token::Start(tag)) = Soup::new(root).next() {
        names.enter(&tag);
        names.is_atom = tag.name.ends_with("feed");
        names.adopt(tag.name);
    }
    names
}

fn read(root: &str, written: &str) -> (Space, String) {
    let name = names(root).read(written).local.into_owned();
    (names(root).read(written).space, name)
}

#[test]
fn a_name_is_what_its_prefix_is_declared_to_be() {
    let root = "<rss xmlns:x=\"http://purl.org/dc/elements/1.1/\" xmlns:y='HTTPS://www.W3.org/2005/Atom'>";
    assert_eq!(read(root, "x:Creator"), (Space::Dc, "creator".to_owned()));
    assert_eq!(read(root, "y:link").0, Space::Atom);
    assert_eq!(read(root, "title").0, Space::Core);
    assert_eq!(read(root, "z:title").0, Space::Foreign);
}

#[test]
fn a_customary_prefix_needs_no_declaration_and_outlives_a_wrong_one() {
    assert_eq!(read("<rss>", "dc:creator").0, Space::Dc);
    assert_eq!(read("<rss xmlns:media=\"urn:slip\">", "media:content").0, Space::Media);
    assert_eq!(read("<rss xmlns:dc=\"http://www.itunes.com/dtds/podcast-1.0.dtd\">", "dc:author").0, Space::Itunes);
}

#[test]
fn the_namespace_of_the_root_is_the_documents_own() {
    assert_eq!(read("<rss xmlns=\"urn:nobody\">", "item").0, Space::Core);
    assert_eq!(read("<n:rss xmlns:n=\"urn:nobody\">", "n:item").0, Space::Core);
    assert_eq!(read("<n:rss>", "n:item").0, Space::Core);
    assert_eq!(read("<feed xmlns=\"urn:nobody\">", "entry").0, Space::Atom);
    assert_eq!(read("<feed>", "entry").0, Space::Atom);
}

#[test]
fn what_was_declared_within_is_forgotten_after_it() {
    let mut names = names("<rss>");
    let Some(Token::Start(tag)) = Soup::new("<a xmlns:b='http://purl.org/dc/terms/'>").next() else { panic!("no tag") };
    let mark = names.enter(&tag);
    assert_eq!(names.read("b:created").space, Space::DcTerms);
    names.leave(mark);
    assert_eq!(names.read("b:created").space, Space::Foreign);
}
