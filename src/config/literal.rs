//! Texts as TOML writes them. Goes in: where a text stands in the file, and a part of what it reads as. Comes out: where that part
//! stands, though there be quotes, escapes and broken lines before it.

use std::ops::Range;

/// Where `part` of a text stands, in bytes of what it reads as; `span` is the whole of it, quotes included. The whole where it
/// cannot be told.
pub(super) fn place(file: &str, span: &Range<usize>, part: &Range<usize>) -> Range<usize> {
    let Some(written) = file.get(span.clone()) else { return span.clone() };
    let (mut start, mut end) = (None, None);
    // How much it reads as so far, and where that ends in the file.
    let mut read = 0;
    for piece in Pieces::of(written) {
        if start.is_none() && read + piece.reads_as > part.start {
            start = Some(span.start + piece.at.start);
        }
        read += piece.reads_as;
        if read >= part.end {
            end = Some(span.start + piece.at.end);
            break;
        }
    }
    // What is missing at a text's end stands before its last quote.
    let last = || span.start + Pieces::end(written);
    let start = start.unwrap_or_else(last);
    start..end.unwrap_or_else(last).max(start)
}

/// What stands together in a text, and how many bytes it reads as.
struct Piece {
    at: Range<usize>,
    reads_as: usize,
}

/// The pieces of a text between its quotes.
struct Pieces<'a> {
    written: &'a str,
    at: usize,
    end: usize,
    escapes: bool,
}

impl<'a> Pieces<'a> {
    fn of(written: &'a str) -> Self {
        let quotes = quotes(written);
        let mut at = quotes.min(written.len());
        if quotes == 3 {
            // A line end behind the first quotes does not count.
            let rest = written.get(at..).unwrap_or_default();
            at += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
        }
        Self { written, at, end: Self::end(written).max(at), escapes: written.starts_with('"') }
    }

    /// Where the last quotes begin.
    fn end(written: &str) -> usize {
        written.len().saturating_sub(quotes(written))
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let rest = self.written.get(self.at..self.end)?;
        let first = rest.chars().next()?;
        let (long, reads_as) = match first {
            '\\' if self.escapes => escaped(rest),
            other => (other.len_utf8(), other.len_utf8()),
        };
        let at = self.at..self.at + long;
        self.at = at.end;
        Some(Piece { at, reads_as })
    }
}

/// How long an escape is, and how many bytes it reads as.
fn escaped(rest: &str) -> (usize, usize) {
    let digits = match rest.as_bytes().get(1) {
        Some(b'x') => 2,
        Some(b'u') => 4,
        Some(b'U') => 8,
        // A line that goes on in the next.
        Some(b' ' | b'\t' | b'\r' | b'\n') => {
            let after = rest[1..].trim_start_matches([' ', '\t', '\r', '\n']);
            return (rest.len() - after.len(), 0);
        }
        Some(_) => return (2, 1),
        None => return (1, 1),
    };
    let number = rest.get(2..2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    (2 + digits, number.and_then(char::from_u32).map_or(1, char::len_utf8))
}

fn quotes(written: &str) -> usize {
    if written.starts_with("\"\"\"") || written.starts_with("'''") { 3 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands where `word` stands in what the text reads as.
    fn placed(written: &str, word: &str) -> String {
        let file = format!("key = {written}\n");
        let table: toml::Table = toml::from_str(&file).unwrap();
        let read = table["key"].as_str().unwrap();
        let at = read.find(word).unwrap();
        file[place(&file, &(6..6 + written.len()), &(at..at + word.len()))].to_owned()
    }

    #[test]
    fn a_part_is_found_behind_quotes_escapes_and_broken_lines() {
        for written in [
            "\"a {{ x }}\"",
            "'a {{ x }}'",
            "\"\\u00fc \\\"a\\\" \\n\\U0001F600\\t{{ x }} b\"",
            "\"\"\"\n\"a\"\n  {{ x }}\"\"\"",
            "\"\"\"a \\\n    {{ x }}\n\"\"\"",
            "'''\r\na\\n\r\nü {{ x }}\r\n'''",
            "\"\"\"\r\n\\\\ a\r\nü {{ x }}\r\n\"\"\"",
        ] {
            assert_eq!(placed(written, "{{ x }}"), "{{ x }}", "{written}");
        }
        assert_eq!(placed("\"a\\u00fcb\"", "ü"), "\\u00fc");
    }

    #[test]
    fn what_is_missing_at_the_end_stands_before_the_last_quote() {
        assert_eq!(place("k = \"{{ x\"", &(4..10), &(3..4)), 8..9);
        assert_eq!(place("k = \"{{ x\"", &(4..10), &(9..12)), 9..9);
        assert_eq!(place("", &(4..9), &(0..1)), 4..9);
    }
}
