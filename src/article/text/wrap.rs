//! PURE. A paragraph wrapped at a width. Words are never broken, however long: an address must stay whole. Scripts that put no
//! blanks between words are wrapped between their signs, which take two columns.

use unicode_width::UnicodeWidthStr;

use super::End;

/// Signs that begin no line: closing brackets and marks of East Asian scripts.
const NOT_FIRST: &str = "、。，．：；？！）」』】》〉〕］｝ー々…‥・゛゜ぁぃぅぇぉっゃゅょァィゥェォッャュョ”’,.:;?!)]}%％";
/// Signs that end no line.
const NOT_LAST: &str = "（「『【《〈〔［｛“‘([{";

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// Whether a line may end before and after a sign.
fn is_ideographic(c: char) -> bool {
    matches!(c, '\u{2E80}'..='\u{A4CF}' | '\u{F900}'..='\u{FAFF}' | '\u{FE30}'..='\u{FE4F}' | '\u{FF00}'..='\u{FFEF}' | '\u{20000}'..='\u{3FFFF}')
}

/// The piece that a text begins with, which is not broken.
fn piece(text: &str) -> &str {
    let mut last = None;
    for (at, c) in text.char_indices() {
        if let Some(last) = last {
            let may_break = (is_ideographic(last) || is_ideographic(c)) && !NOT_FIRST.contains(c) && !NOT_LAST.contains(last);
            if may_break {
                return &text[..at];
            }
        }
        last = Some(c);
    }
    text
}

/// Lines of at most so many columns, and how each ends.
pub(super) fn wrap(paragraph: &str, room: usize) -> Vec<(String, End)> {
    let mut lines = Vec::new();
    let (mut line, mut taken) = (String::new(), 0);
    let mut glue = "";
    for word in paragraph.split(' ').filter(|word| !word.is_empty()) {
        let mut rest = word;
        while !rest.is_empty() {
            let piece = if rest.is_ascii() { rest } else { piece(rest) };
            rest = &rest[piece.len()..];
            let columns = width(piece);
            if !line.is_empty() && taken + glue.len() + columns > room {
                let end = if glue.is_empty() { End::Join } else { End::Space };
                lines.push((shown(std::mem::take(&mut line)), end));
                taken = 0;
            } else if !line.is_empty() {
                line.push_str(glue);
                taken += glue.len();
            }
            line.push_str(piece);
            taken += columns;
            glue = "";
        }
        glue = " ";
    }
    if !line.is_empty() {
        lines.push((shown(line), End::Hard));
    }
    lines
}

/// A line as it is shown: what was not to be broken is plain blanks again.
fn shown(line: String) -> String {
    if line.contains('\u{a0}') { line.replace('\u{a0}', " ").trim_end().to_owned() } else { line }
}
