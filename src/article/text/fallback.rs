//! PURE. A belt around our own renderer: where a mistake of ours ends it on a post, html2text lays the post out. So such a
//! mistake costs one text its looks, and no reader a post.

use std::panic::{AssertUnwindSafe, catch_unwind};

use html2text::config;
use html2text::render::TrivialDecorator;

use super::{End, Line, Text};
use crate::feed::text::from_html;

/// html2text takes kilobytes for each cell of a table; what is longer than this, in bytes, becomes one paragraph.
const LONGEST: usize = 256 * 1024;

/// What `render` makes, or html2text's text of the same clean HTML where it panics.
pub(in crate::article) fn rendered(render: impl FnOnce() -> Text, html: &str, width: usize) -> Text {
    // What it was working on is dropped with it.
    catch_unwind(AssertUnwindSafe(render)).unwrap_or_else(|_| by_html2text(html, width))
}

fn by_html2text(html: &str, width: usize) -> Text {
    let width = if width == 0 { usize::from(u16::MAX) } else { width };
    let laid_out = (html.len() <= LONGEST).then(|| {
        let renderer = config::with_decorator(TrivialDecorator::new()).link_footnotes(true).no_link_wrapping();
        renderer.string_from_read(html.as_bytes(), width).ok()
    });
    let text = laid_out.flatten().unwrap_or_else(|| from_html(html));
    let line =
        |text: &str| Line { quote: 0, lead: String::new(), text: text.trim_end().to_owned(), end: End::Hard, verbatim: true };
    Text { lines: text.trim_matches('\n').lines().map(line).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_that_our_own_renderer_fails_on_is_still_read() {
        let html = "<p>One <a href=\"https://example.org/\">link</a>.</p><ul><li>a</li></ul>";
        let text = rendered(|| panic!("a mistake"), html, 72).plain();
        assert!(text.starts_with("One link[1].\n") && text.ends_with("[1]: https://example.org/"), "{text}");
        let long = format!("<p>{}</p>", "word ".repeat(LONGEST / 4));
        assert!(rendered(|| panic!("a mistake"), &long, 72).plain().starts_with("word word"));
    }
}
