//! PURE. Lines as one text: each as it is, or as `format=flowed` (RFC 3676), whose reader wraps paragraphs anew at his own
//! width. There a blank at the end of a line says that it goes on; code and addresses never do.

use super::{End, Text};

impl Text {
    /// The text, a line's end after each line but the last.
    pub(in crate::article) fn plain(&self) -> String {
        let mut plain = String::new();
        for (at, line) in self.lines.iter().enumerate() {
            if at > 0 {
                plain.push('\n');
            }
            let begun = plain.len();
            for _ in 0..line.quote {
                plain.push_str("> ");
            }
            plain.push_str(&line.lead);
            plain.push_str(&line.text);
            plain.truncate(begun + plain[begun..].trim_end().len());
        }
        plain
    }

    /// The text as `format=flowed` without `DelSp`.
    pub(in crate::article) fn flowed(&self) -> String {
        let mut flowed = String::new();
        // How the line before ended: what goes on has neither mark nor indent.
        let mut before = None;
        for line in &self.lines {
            let goes_on = matches!(before, Some(End::Space | End::Join));
            // Without blanks there is nothing to flow at, and "-- " is the sign of a signature.
            let same_line =
                before == Some(End::Join) || flowed.ends_with("\n-- ") || flowed.ends_with("> -- ") || flowed == "-- ";
            if !same_line || !goes_on {
                if before.is_some() {
                    flowed.push('\n');
                }
                begin(&mut flowed, line.quote, if goes_on { "" } else { &line.lead }, &line.text);
            } else {
                flowed.push_str(&line.text);
            }
            if line.end == End::Space {
                flowed.push(' ');
            }
            before = Some(line.end);
        }
        flowed
    }
}

/// Begins a line: quotation marks, a blank where the line's own beginning would be taken for something else, the line.
fn begin(flowed: &mut String, quote: usize, lead: &str, text: &str) {
    for _ in 0..quote {
        flowed.push('>');
    }
    let first = if lead.is_empty() { text } else { lead };
    let is_empty = lead.is_empty() && text.is_empty();
    if (quote > 0 && !is_empty) || first.starts_with([' ', '>']) || first.starts_with("From ") {
        flowed.push(' ');
    }
    flowed.push_str(lead);
    flowed.push_str(text);
    // A line whose author ended it does not go on.
    flowed.truncate(flowed.trim_end_matches(' ').len());
}
