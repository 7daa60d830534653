//! PURE. Marks in the mail of an edited entry what changed: above the new version, each passage with the words that were
//! removed and those that were added. Goes in: the article, and what a reader saw before and sees now. Comes out: the
//! article with the marks in both of its parts. The marks use no colour alone: lines and brackets say the same.

use std::fmt::Write as _;
use std::time::Duration;

use similar::{DiffOp, TextDiff};

use super::flow;
use crate::article::Article;
use crate::feed::text::{cut, to_html};

/// How many unchanged words are shown on both sides of a change.
const AROUND: usize = 8;
/// How many characters of changes are shown; see docs/limits.md.
const MOST: usize = 6_000;
/// How many words of each version are compared; what is behind them is the same as far as the marks go.
const COMPARED: usize = 30_000;
/// A belt for texts that are built to be hard to compare: after that the rest counts as rewritten.
const PATIENCE: Duration = Duration::from_secs(2);
/// The width that text is wrapped at.
const WIDTH: usize = 72;

/// A piece of a passage.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    kind: Kind,
    text: String,
    /// White space stands before it.
    apart: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Same,
    Removed,
    Added,
}

/// The article with what changed marked above it. `None` where no word differs.
#[must_use]
pub fn marked(article: &Article, before: &str, after: &str) -> Option<Article> {
    let (passages, more) = passages(before, after);
    if passages.is_empty() {
        return None;
    }
    let mut html = String::from("<div style=\"margin:0 0 24px;padding:4px 16px;border-left:4px solid #999;font-size:15px\">\n");
    html.push_str("<p style=\"margin:8px 0\"><b>What changed</b></p>\n");
    let mut text = String::from("What changed: [-removed-] {+added+}\n\n");
    for passage in &passages {
        let _ = writeln!(html, "<p style=\"margin:8px 0\">{}</p>", in_html(passage));
        let _ = writeln!(text, "{}\n", in_text(passage));
    }
    if more {
        html.push_str("<p style=\"margin:8px 0\">… and more.</p>\n");
        text.push_str("… and more.\n\n");
    }
    html.push_str("</div>\n");
    text.push_str("The new version:\n\n");
    let flowed = flow::flowed(&text, WIDTH) + &article.flowed;
    Some(Article { html: html + &article.html, text: flow::shown(&text, WIDTH) + &article.text, flowed, ..article.clone() })
}

/// The passages that differ, title first, and whether there are more than are shown.
fn passages(before: &str, after: &str) -> (Vec<Vec<Span>>, bool) {
    let (title_before, body_before) = before.split_once('\n').unwrap_or(("", before));
    let (title_after, body_after) = after.split_once('\n').unwrap_or(("", after));
    let mut left = MOST;
    let mut shown = Vec::new();
    for passage in compared(title_before, title_after).into_iter().chain(compared(body_before, body_after)) {
        if left == 0 {
            return (shown, true);
        }
        let mut spans = Vec::new();
        for span in passage {
            let length = span.text.chars().count();
            if length <= left {
                left -= length;
                spans.push(span);
            } else {
                spans.push(Span { text: cut(&span.text, left.max(40)), ..span });
                left = 0;
                break;
            }
        }
        shown.push(spans);
    }
    (shown, left == 0)
}

/// Where each word of a text begins and ends. Scripts that put no spaces between words are compared by character.
fn words(text: &str) -> Vec<(usize, usize)> {
    let mut words: Vec<(usize, usize)> = Vec::new();
    let mut begun = None;
    for (at, c) in text.char_indices() {
        let alone =
            matches!(c, '\u{0E00}'..='\u{0E7F}' | '\u{3000}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{FF00}'..='\u{FFEF}');
        if c.is_whitespace() || alone {
            words.extend(begun.take().map(|from| (from, at)));
        }
        if alone && !c.is_whitespace() {
            words.push((at, at + c.len_utf8()));
        } else if !c.is_whitespace() && begun.is_none() {
            begun = Some(at);
        }
        if words.len() >= COMPARED {
            return words;
        }
    }
    words.extend(begun.map(|from| (from, text.len())));
    words
}

/// The passages that differ between two texts of one line.
fn compared(before: &str, after: &str) -> Vec<Vec<Span>> {
    let (old, new) = (words(before), words(after));
    let slices =
        |text, words: &[(usize, usize)]| -> Vec<&str> { words.iter().map(|(from, to)| piece(text, *from, *to)).collect() };
    let (old_words, new_words) = (slices(before, &old), slices(after, &new));
    let diff = TextDiff::configure().timeout(PATIENCE).diff_slices(&old_words, &new_words);
    let span = |kind, text, words: &[(usize, usize)], at: usize, len: usize| -> Option<Span> {
        let (from, to) = (words.get(at)?.0, words.get((at + len).checked_sub(1)?)?.1);
        Some(Span { kind, text: piece(text, from, to).to_owned(), apart: piece(text, 0, from).ends_with(char::is_whitespace) })
    };
    let spans = |op: &DiffOp| -> Vec<Span> {
        let (was, is) = (op.old_range(), op.new_range());
        let (removed, mut added) = match op {
            DiffOp::Equal { .. } => return span(Kind::Same, after, &new, is.start, is.len()).into_iter().collect(),
            DiffOp::Delete { .. } => (span(Kind::Removed, before, &old, was.start, was.len()), None),
            DiffOp::Insert { .. } => (None, span(Kind::Added, after, &new, is.start, is.len())),
            DiffOp::Replace { .. } => {
                (span(Kind::Removed, before, &old, was.start, was.len()), span(Kind::Added, after, &new, is.start, is.len()))
            }
        };
        if let (Some(_), Some(added)) = (&removed, &mut added) {
            // What comes in a word's place stands apart from it as the next word did.
            let behind =
                was.end.checked_sub(1).and_then(|last| old.get(last)).map_or("", |(_, to)| piece(before, *to, before.len()));
            added.apart |= behind.is_empty() || behind.starts_with(char::is_whitespace);
        }
        [removed, added].into_iter().flatten().collect()
    };
    let passage = |ops: Vec<DiffOp>| {
        let mut passage: Vec<Span> = ops.iter().flat_map(spans).collect();
        let gap = |apart| Span { kind: Kind::Same, text: "…".to_owned(), apart };
        if ops.first().is_some_and(|op| op.new_range().start > 0 && op.old_range().start > 0) {
            passage.insert(0, gap(false));
        }
        if ops.last().is_some_and(|op| op.new_range().end < new.len() && op.old_range().end < old.len()) {
            passage.push(gap(true));
        }
        passage
    };
    diff.grouped_ops(AROUND).into_iter().map(passage).filter(|passage| passage.iter().any(|s| s.kind != Kind::Same)).collect()
}

fn piece(text: &str, from: usize, to: usize) -> &str {
    text.get(from..to).unwrap_or_default()
}

fn in_html(passage: &[Span]) -> String {
    joined(passage, |span| {
        let text = to_html(&span.text);
        match span.kind {
            Kind::Same => text,
            // Half-transparent grounds keep the reader's own colour of letters legible, on light and on dark.
            Kind::Removed => {
                format!("<del style=\"text-decoration:line-through;background-color:rgba(248,81,73,0.25)\">{text}</del>")
            }
            Kind::Added => {
                format!("<ins style=\"text-decoration:underline;background-color:rgba(46,160,67,0.25)\">{text}</ins>")
            }
        }
    })
}

fn in_text(passage: &[Span]) -> String {
    joined(passage, |span| match span.kind {
        Kind::Same => span.text.clone(),
        Kind::Removed => format!("[-{}-]", span.text),
        Kind::Added => format!("{{+{}+}}", span.text),
    })
}

fn joined(passage: &[Span], written: impl Fn(&Span) -> String) -> String {
    let mut line = String::new();
    for span in passage {
        if span.apart && !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&written(span));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn article() -> Article {
        Article { html: "<p>new</p>".to_owned(), text: "new".to_owned(), flowed: "new".to_owned(), ..Article::default() }
    }

    fn lines(before: &str, after: &str) -> Vec<String> {
        passages(before, after).0.iter().map(|passage| in_text(passage)).collect()
    }

    #[test]
    fn words_that_were_removed_and_added_are_marked_where_they_stand() {
        let before = "A title\nIt began on Monday and was soon over.";
        let after = "A title\nIt began on Tuesday and was over.";
        assert_eq!(lines(before, after), ["It began on [-Monday-] {+Tuesday+} and was [-soon-] over."]);
        assert_eq!(lines("Old title\nx", "New title\nx y"), ["[-Old-] {+New+} title", "x {+y+}"]);
        assert!(lines(before, before).is_empty());
    }

    #[test]
    fn what_is_the_same_for_long_is_left_out() {
        let long = "same ".repeat(100);
        let lines = lines(&format!("\nfirst {long}last"), &format!("\nerst {long}letzt"));
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("[-first-] {+erst+} same") && lines[0].ends_with("same …"), "{lines:?}");
        assert!(lines[1].starts_with("… same") && lines[1].ends_with("[-last-] {+letzt+}"), "{lines:?}");
    }

    #[test]
    fn scripts_without_spaces_are_compared_by_character() {
        assert_eq!(lines("\n今日は晴れです", "\n今日は雨です"), ["今日は[-晴れ-]{+雨+}です"]);
    }

    #[test]
    fn both_parts_show_the_marks_and_then_the_new_version() {
        let marked = marked(&article(), "\na <b> c", "\na & c").unwrap();
        assert!(marked.html.contains(">&lt;b&gt;</del>") && marked.html.contains(">&amp;</ins>"), "{}", marked.html);
        assert!(marked.html.ends_with("</div>\n<p>new</p>"));
        insta::assert_snapshot!(marked.text);
        assert_eq!(super::marked(&article(), "\na", "\na"), None);
    }

    #[test]
    fn a_rewritten_book_is_marked_within_bounds() {
        let book = |seed: usize| (0..200_000).map(|n| format!("w{}", n * seed % 7_919)).collect::<Vec<_>>().join(" ");
        let marked = marked(&article(), &format!("\n{}", book(3)), &format!("\n{}", book(5))).unwrap();
        assert!(marked.html.len() < 40_000 && marked.text.contains("… and more."), "{}", marked.html.len());
        assert!(marked.text.lines().all(|line| line.chars().count() <= WIDTH));
    }
}
