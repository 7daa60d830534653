//! PURE. Header text on the wire: plain where it can be, quoted or in encoded words (RFC 2047) where it must, folded so that no
//! line is longer than 76 octets unless a single word is.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The longest line with an encoded word (RFC 2047 section 2), and the width that all are folded at.
const WIDTH: usize = 76;
/// The longest encoded word.
const WORD: usize = 75;
/// What stands around the text of an encoded word.
const AROUND: usize = "=?utf-8?q??=".len();

/// Text for a header without structure, such as a subject. `at` is how far the header's name has come on the first line.
pub(super) fn unstructured(text: &str, at: usize) -> String {
    // What looks like an encoded word would be taken for one.
    if is_plain(text) && !text.contains("=?") { folded(text, at) } else { encoded(text, at) }
}

/// A phrase, such as the name beside an address: an atom, a quoted string (RFC 5322 section 3.2.5), or encoded words.
pub(super) fn phrase(text: &str, at: usize) -> String {
    let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~ ".contains(c);
    if !is_plain(text) || text.contains("=?") {
        encoded(text, at)
    } else if text.chars().all(is_atom) && !text.is_empty() {
        folded(text, at)
    } else {
        folded(&format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")), at)
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// Plain text with a line end before each word that would go over the width.
fn folded(text: &str, at: usize) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut column = at;
    for (place, word) in text.split(' ').enumerate() {
        if place > 0 {
            // A line of nothing but space would end the headers for some programs.
            if column + 1 + word.len() > WIDTH && !word.is_empty() && !out.is_empty() {
                out.push_str("\r\n");
                column = 0;
            }
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
    out
}

/// The whole text in encoded words: a reader takes the space between two of them for none.
fn encoded(text: &str, at: usize) -> String {
    let in_q: usize = text.chars().map(q_length).sum();
    let letter = if in_q <= text.len().div_ceil(3) * 4 { 'q' } else { 'b' };
    let mut out = String::new();
    let mut room = WIDTH.saturating_sub(at).min(WORD);
    let mut rest = text;
    while !rest.is_empty() {
        let end = fitting(rest, letter, room.saturating_sub(AROUND));
        if end == 0 {
            // Not even one character fits behind the header's name: the next line is empty.
            out.push_str("\r\n ");
            room = WORD;
            continue;
        }
        let (part, after) = rest.split_at(end);
        let written = if letter == 'q' { part.chars().map(q).collect() } else { STANDARD.encode(part) };
        let _ = write!(out, "=?utf-8?{letter}?{written}?=");
        rest = after;
        if !rest.is_empty() {
            out.push_str("\r\n ");
            room = WORD;
        }
    }
    out
}

/// How many bytes of the text fit into so many characters of an encoded word, cut between characters.
fn fitting(text: &str, letter: char, room: usize) -> usize {
    let (mut end, mut length) = (0, 0);
    for c in text.chars() {
        length += if letter == 'q' { q_length(c) } else { c.len_utf8() };
        let taken = if letter == 'q' { length } else { length.div_ceil(3) * 4 };
        if taken > room {
            break;
        }
        end += c.len_utf8();
    }
    end
}

/// A character in the form "Q"; as a phrase wants it, which every other place takes too (RFC 2047 section 5).
fn q(c: char) -> String {
    match c {
        ' ' => "_".to_owned(),
        c if c.is_ascii_alphanumeric() || "!*+-/".contains(c) => c.to_string(),
        c => c.to_string().bytes().fold(String::new(), |mut out, byte| {
            let _ = write!(out, "={byte:02X}");
            out
        }),
    }
}

fn q_length(c: char) -> usize {
    if c == ' ' || c.is_ascii_alphanumeric() || "!*+-/".contains(c) { 1 } else { c.len_utf8() * 3 }
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;

    use super::*;

    fn reads_back(text: &str) {
        let mail = format!("Subject: {}\r\nFrom: {}\r\n <a@example.net>\r\n\r\nx\r\n", unstructured(text, 9), phrase(text, 6));
        for line in mail.lines().filter(|line| line.contains("=?")) {
            assert!(line.len() <= WIDTH, "{} octets in {line}", line.len());
        }
        let message = MessageParser::default().parse(&mail).unwrap();
        assert_eq!(message.subject(), Some(text), "{mail}");
        let from = message.from().and_then(|from| from.first()).unwrap();
        assert_eq!((from.name(), from.address()), (Some(text), Some("a@example.net")), "{mail}");
    }

    #[test]
    fn any_text_is_read_back_as_it_was() {
        let long = "Ünïcödé and plain words by turns, ".repeat(6);
        let texts =
            ["Name", "Name, Inc. (x)", "A \"quoted\" \\ name", "größe", "日本語のとても長い題名".repeat(5).as_str(), long.trim()]
                .map(str::to_owned);
        for text in &texts {
            reads_back(text);
        }
        reads_back("=?utf-8?q?fake?=");
        reads_back("word ".repeat(40).trim_end());
        reads_back(&"x".repeat(190));
    }

    #[test]
    fn plain_text_stays_readable() {
        assert_eq!(unstructured("How to count waves", 9), "How to count waves");
        assert_eq!(phrase("The News", 6), "The News");
        assert_eq!(phrase("Name, Inc.", 6), "\"Name, Inc.\"");
        assert_eq!(unstructured("größe", 9), "=?utf-8?b?Z3LDtsOfZQ==?=");
    }
}
