//! PURE. Long lines of text broken so that a reader's program can join them again: `format=flowed` (RFC 3676) with
//! `delsp=no`. Goes in: text whose every line is a paragraph, a line of code, or a row. Comes out: the text as it travels, or
//! as it is shown in a terminal. A line that begins with `>` is a quotation.

/// The narrowest that a quotation is broken at, however deep it is.
const NARROWEST: usize = 20;

/// The text as it travels. What a program makes of it again is the text, but for spaces at the ends of lines.
pub(super) fn flowed(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for line in text.lines() {
        let (depth, content) = quotation(line.trim_end());
        for piece in pieces(content, room(width, depth)) {
            out.extend(std::iter::repeat_n('>', depth));
            // A space in front is taken away again: so nothing is mistaken for a quotation or a line of a mailbox.
            if (depth > 0 && !piece.is_empty()) || piece.starts_with([' ', '>']) || piece.starts_with("From ") {
                out.push(' ');
            }
            out.push_str(piece);
            out.push('\n');
        }
    }
    out
}

/// The text as a person sees it.
pub(super) fn shown(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for line in text.lines() {
        let (depth, content) = quotation(line.trim_end());
        for piece in pieces(content, if width == 0 { usize::MAX } else { room(width, depth * 2) }) {
            let mark = "> ".repeat(depth);
            out.push_str(if piece.is_empty() { mark.trim_end() } else { &mark });
            out.push_str(piece.trim_end());
            out.push('\n');
        }
    }
    out
}

/// What a program makes of flowed text: RFC 3676, section 4.
pub(super) fn unflowed(text: &str) -> String {
    let mut out = String::new();
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let content = line.trim_start_matches('>');
        let depth = line.len() - content.len();
        let content = content.strip_prefix(' ').unwrap_or(content);
        if open.is_some_and(|before| before != depth) {
            out.push('\n');
            open = None;
        }
        if open.is_none() {
            let mark = "> ".repeat(depth);
            out.push_str(if content.is_empty() { mark.trim_end() } else { &mark });
        }
        out.push_str(content);
        if content.ends_with(' ') && content != "-- " {
            open = Some(depth);
        } else {
            out.push('\n');
            open = None;
        }
    }
    out
}

fn room(width: usize, before: usize) -> usize {
    width.saturating_sub(before).max(NARROWEST.min(width))
}

/// How deep a line's quotation is, and what is quoted.
fn quotation(line: &str) -> (usize, &str) {
    let (mut depth, mut rest) = (0, line);
    while let Some(inner) = rest.strip_prefix('>') {
        depth += 1;
        rest = inner.strip_prefix(' ').unwrap_or(inner);
    }
    (depth, rest)
}

/// A line in pieces of at most so many characters, each but the last with the spaces that end it. A word that is longer
/// than that stays whole.
fn pieces(line: &str, room: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    // Where the piece begins, how many characters it has, and where the word that is looked at begins.
    let (mut start, mut length, mut word) = (0, 0, 0);
    for (at, _) in line.char_indices().chain([(line.len(), ' ')]) {
        let ends = at == line.len() || (line[..at].ends_with(' ') && !line[at..].starts_with(' '));
        if !ends || at == word {
            continue;
        }
        let seen = line[word..at].trim_end_matches(' ').chars().count();
        let before = line[start..word].trim_end_matches(' ');
        // `-- ` alone on a line begins a signature, and a line of spaces is none.
        if length + seen > room && before.chars().any(|c| c != ' ') && before != "--" {
            pieces.push(&line[start..word]);
            (start, length) = (word, 0);
        }
        length += line[word..at].chars().count();
        word = at;
    }
    pieces.push(&line[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A text without what flowing does not keep: spaces at the ends of lines, and how quotations are marked.
    fn plain(text: &str) -> String {
        text.lines().fold(String::new(), |out, line| {
            let (depth, content) = quotation(line.trim_end());
            let mark = "> ".repeat(depth);
            out + if content.is_empty() { mark.trim_end() } else { &mark } + content + "\n"
        })
    }

    #[test]
    fn a_long_line_is_broken_and_can_be_joined_again() {
        let text = "One two three four five six\n\n    let x = 1;\nFrom here\n> said in many words indeed\n";
        let flowed = flowed(text, 20);
        assert_eq!(flowed, "One two three four \nfive six\n\n     let x = 1;\n From here\n> said in many words \n> indeed\n");
        assert_eq!(unflowed(&flowed), text);
        assert_eq!(
            shown(text, 20),
            "One two three four\nfive six\n\n    let x = 1;\nFrom here\n> said in many words\n> indeed\n"
        );
        assert_eq!(shown(text, 0), text);
    }

    #[test]
    fn nothing_begins_a_signature() {
        let flowed = flowed("-- abcdefghij klmnop\n-- \na -- b", 8);
        assert!(flowed.lines().all(|line| line != "-- "), "{flowed}");
        assert_eq!(unflowed(&flowed), "-- abcdefghij klmnop\n--\na -- b\n");
    }

    #[test]
    fn an_address_is_never_broken() {
        let url = format!("https://example.org/{}", "a".repeat(200));
        assert_eq!(flowed(&format!("[1] {url}"), 72), format!("[1] \n{url}\n"));
    }

    #[test]
    fn breaking_costs_no_more_than_the_text_is_long() {
        let text = format!("{}\n{}\n{}", "a ".repeat(500_000), " ".repeat(500_000), ">".repeat(2_000));
        assert!(flowed(&text, 72).len() < 2 * text.len());
    }

    proptest! {
        #[test]
        fn what_was_flowed_is_the_same_when_it_is_joined(text in "([> a-]|From |-- |word |\n|ü|\t){0,120}", width in 1_usize..40) {
            let flowed = flowed(&text, width);
            prop_assert_eq!(unflowed(&flowed), plain(&text), "{}", flowed);
            prop_assert!(flowed.lines().all(|line| line != "-- "));
        }
    }
}
