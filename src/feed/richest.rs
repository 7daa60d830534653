//! PURE. Which of an entry's bodies says the most. Asked of every entry of every document: mostly the lengths alone tell it.

use super::text::from_html;

/// What a picture, a film or a table is worth, in characters of text.
const THING: usize = 200;
/// The elements that are worth something by themselves.
const THINGS: &[&str] = &["<img", "<video", "<audio", "<iframe", "<table", "<pre", "<object", "<svg"];
/// How much richer a summary must be than a content that says something else.
const MUCH: usize = 2;
/// What stands at the end of a beginning.
const ENDS: &[&str] = &["…", "...", "[…]", "[...]", "Read more", "Continue reading", "(more)"];

/// The richest body: the content, but where that is only the beginning of the summary, or says far less.
pub(super) fn richest<'a>(content: Option<&'a str>, summary: Option<&'a str>) -> Option<&'a str> {
    let (content, summary) = match (content, summary) {
        (Some(content), Some(summary)) => (content, summary),
        (content, summary) => return content.or(summary),
    };
    if content.len() >= summary.len() {
        return Some(content);
    }
    let (short, long) = (from_html(content), from_html(summary));
    let (less, more) = (short.len() + things(content), long.len() + things(summary));
    let is_beginning = less < more && long.starts_with(beginning(&short));
    Some(if is_beginning || less.saturating_mul(MUCH) < more { summary } else { content })
}

fn things(html: &str) -> usize {
    let tags = html.match_indices('<').filter(|(at, _)| {
        THINGS.iter().any(|thing| html.get(*at..at + thing.len()).is_some_and(|tag| tag.eq_ignore_ascii_case(thing)))
    });
    tags.count().saturating_mul(THING)
}

/// A text without what says that it goes on elsewhere.
fn beginning(text: &str) -> &str {
    let mut text = text;
    while let Some(shorter) = ENDS.iter().find_map(|end| text.strip_suffix(end)) {
        text = shorter.trim_end();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_richest_body_is_taken() {
        let long = "A long story that tells all of what happened on that day, from morning to evening.";
        let teaser = "A long story that tells all …";
        let cases = [
            (Some("<p>Full</p>"), None, "<p>Full</p>"),
            (None, Some("Short"), "Short"),
            (Some(long), Some(teaser), long),
            (Some(teaser), Some(long), long),
            (Some("https://a.example/1"), Some(long), long),
            (
                Some("<p>Other words of about that length, said in the full body.</p>"),
                Some(long),
                "<p>Other words of about that length, said in the full body.</p>",
            ),
            (Some("<img src=a.png>"), Some("What the picture shows, in words"), "<img src=a.png>"),
            (Some("<p>same</p>"), Some("<div class=\"x y z\">same</div>"), "<p>same</p>"),
        ];
        for (content, summary, expected) in cases {
            assert_eq!(richest(content, summary), Some(expected), "of {content:?} and {summary:?}");
        }
        assert_eq!(richest(None, None), None);
    }
}
