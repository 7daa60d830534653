//! PURE. A body without any markup, as HTML that keeps what its author set by hand: paragraphs, short lines, items, and addresses
//! as links. Readers of HTML make one paragraph of all that.

use std::borrow::Cow;

/// A line that is shorter than this, in characters, was ended by its author, and not by a program that wraps.
const SHORT: usize = 50;

/// The same body where it holds markup, or one line without an address.
pub(super) fn laid_out(body: &str) -> Cow<'_, str> {
    let trimmed = body.trim();
    if trimmed.contains('<') || !(trimmed.contains('\n') || trimmed.contains("http")) {
        return Cow::Borrowed(body);
    }
    let mut html = String::with_capacity(body.len() + body.len() / 8);
    for paragraph in paragraphs(trimmed) {
        html.push_str("<p>");
        for (at, line) in paragraph.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|before| paragraph.get(before));
            match before {
                Some(before) if before.chars().count() < SHORT || is_item(line) => html.push_str("<br>"),
                Some(_) => html.push('\n'),
                None => {}
            }
            push_linked(&mut html, line);
        }
        html.push_str("</p>");
    }
    Cow::Owned(html)
}

/// The lines of each paragraph; blank lines part them.
fn paragraphs(text: &str) -> Vec<Vec<&str>> {
    let mut paragraphs = vec![Vec::new()];
    for line in text.lines().map(str::trim) {
        match (line.is_empty(), paragraphs.last_mut()) {
            (false, Some(open)) => open.push(line),
            (true, Some(open)) if !open.is_empty() => paragraphs.push(Vec::new()),
            _ => {}
        }
    }
    paragraphs.retain(|lines| !lines.is_empty());
    paragraphs
}

/// Whether a line begins as an item of a list does, or as a chapter of a film.
fn is_item(line: &str) -> bool {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = rest.len() < line.len() && rest.starts_with(['.', ')', ':']);
    numbered || line.starts_with(['-', '*', '•', '–', '—', '·'])
}

/// A line with its addresses as links. It is HTML already, without markup.
fn push_linked(html: &mut String, line: &str) {
    for (at, word) in line.split(' ').enumerate() {
        if at > 0 {
            html.push(' ');
        }
        let begins = word.find("https://").or_else(|| word.find("http://"));
        let Some(begin) = begins.filter(|begin| word[..*begin].chars().all(|c| c.is_ascii_punctuation())) else {
            html.push_str(word);
            continue;
        };
        let (before, address) = word.split_at(begin);
        let address = address.trim_end_matches(['.', ',', ')', '!', '?', ':', '"', '\'']);
        let after = &word[begin + address.len()..];
        if address.contains('"') {
            html.push_str(word);
        } else {
            html.extend([before, "<a href=\"", address, "\">", address, "</a>", after]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_without_markup_keeps_its_paragraphs_lines_and_addresses() {
        let body = "First words of it, which a program wrapped at some column or\nother.\n\n00:00 Intro\n04:10 The lamp\n\
                    \nSee (https://example.org/a?b=1&amp;c=2).\n";
        let html = "<p>First words of it, which a program wrapped at some column or\nother.</p>\
                    <p>00:00 Intro<br>04:10 The lamp</p>\
                    <p>See (<a href=\"https://example.org/a?b=1&amp;c=2\">https://example.org/a?b=1&amp;c=2</a>).</p>";
        assert_eq!(laid_out(body), html);
    }

    #[test]
    fn markup_is_left_alone_and_nothing_acts() {
        assert_eq!(laid_out("<p>a\n\nb</p>"), "<p>a\n\nb</p>");
        assert_eq!(laid_out("https://e.example/\"onclick=x"), "<p>https://e.example/\"onclick=x</p>");
        assert_eq!(laid_out("One line."), "One line.");
    }
}
