//! PURE. The images of clean HTML: where they are, and the same HTML without them.

use std::fmt::Write as _;
use std::ops::Range;

use crate::feed::text::{from_html, to_html};

/// An image's tag in clean HTML, as a serialiser writes it: attributes in double quotes.
struct Tag<'a> {
    place: Range<usize>,
    attributes: &'a str,
    is_in_link: bool,
}

/// The addresses of the images in clean HTML, in their order, each once.
#[must_use]
pub fn images(html: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for source in tags(html).filter_map(|tag| tag.attribute("src")) {
        if !found.contains(&source) && found.len() < MOST {
            found.push(source);
        }
    }
    found
}

/// More than so many are not looked for.
const MOST: usize = 100;

/// The same HTML with each image's description in its place, as a link to it.
#[must_use]
pub fn without_images(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut from = 0;
    for tag in tags(html) {
        text.push_str(html.get(from..tag.place.start).unwrap_or_default());
        from = tag.place.end;
        let described = tag.attribute("alt").filter(|alt| !alt.trim().is_empty());
        let shown = to_html(&described.map_or_else(|| "[image]".to_owned(), |alt| format!("[image: {}]", alt.trim())));
        match tag.attribute("src") {
            // A link within a link is none.
            Some(source) if !tag.is_in_link => {
                let _ = write!(text, "<a href=\"{}\">{shown}</a>", to_html(&source));
            }
            Some(_) | None => text.push_str(&shown),
        }
    }
    text.push_str(html.get(from..).unwrap_or_default());
    text
}

/// The images' tags. In clean HTML a `<` outside of tags is always one's beginning; within one it may stand in quotes.
fn tags(html: &str) -> impl Iterator<Item = Tag<'_>> {
    let (mut from, mut is_in_link) = (0, false);
    std::iter::from_fn(move || {
        loop {
            let start = from + html.get(from..)?.find('<')?;
            let rest = html.get(start..)?;
            let mut quoted = false;
            let length = rest.bytes().position(|byte| {
                quoted ^= byte == b'"';
                byte == b'>' && !quoted
            })?;
            from = start + length + 1;
            match rest.get(1..length)?.split_once(' ').unwrap_or((rest.get(1..length)?, "")) {
                ("img", attributes) => return Some(Tag { place: start..from, attributes, is_in_link }),
                ("a", _) => is_in_link = true,
                ("/a", _) => is_in_link = false,
                (_, _) => {}
            }
        }
    })
}

impl Tag<'_> {
    fn attribute(&self, name: &str) -> Option<String> {
        let mut rest = self.attributes;
        while let Some((before, after)) = rest.split_once("=\"") {
            let (value, next) = after.split_once('"')?;
            if before.trim() == name {
                return Some(from_html(value)).filter(|value| !value.is_empty());
            }
            rest = next;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTML: &str = "<p>a <img alt=\"2 > 1\" src=\"https://h.example/a.png?x=1&amp;y=2\" style=\"x\"></p>\
                        <a href=\"/p\"><img src=\"https://h.example/b.png\"></a> <img src=\"https://h.example/b.png\">";

    #[test]
    fn each_image_is_found_once() {
        assert_eq!(images(HTML), ["https://h.example/a.png?x=1&y=2", "https://h.example/b.png"]);
        assert!(images("<p>no <im").is_empty() && images("<img src=\"x").is_empty());
    }

    #[test]
    fn what_stands_in_an_attribute_is_no_image() {
        let html = "<p title=\"<img src=x> \">a</p><img alt=\"<b>\" src=\"https://h.example/a.png\">";
        assert_eq!(images(html), ["https://h.example/a.png"]);
        assert!(without_images(html).starts_with("<p title=\"<img src=x> \">a</p><a href="));
    }

    #[test]
    fn without_images_their_words_remain() {
        let text = without_images(HTML);
        assert!(text.contains("<a href=\"https://h.example/a.png?x=1&amp;y=2\">[image: 2 &gt; 1]</a>"), "{text}");
        assert!(text.contains("<a href=\"/p\">[image]</a>") && !text.contains("<img"), "{text}");
    }
}
