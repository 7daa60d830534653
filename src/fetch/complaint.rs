//! PURE. What a program wrote to its standard error, as it is kept and repeated: harmless, short, and without what only a terminal
//! understands.

use crate::feed::text::{cut, one_line};

/// How many lines are repeated in an error.
const REPEATED: usize = 3;
/// How much they take together, in bytes.
const MOST_REPEATED: usize = 300;

/// What a program wrote to its standard error, made harmless line by line.
pub(super) fn kept(errors: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(errors);
    let lines: Vec<String> = text.lines().map(|line| one_line(&without_escapes(line))).filter(|line| !line.is_empty()).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// `: the last lines`, or nothing; the earlier ones where there is room for them.
pub(super) fn last_lines(errors: &[u8]) -> String {
    let Some(text) = kept(errors) else { return String::new() };
    let mut said = String::new();
    for line in text.lines().rev().take(REPEATED) {
        if said.is_empty() {
            // A character takes four bytes at most.
            said = if line.len() > MOST_REPEATED { cut(line, MOST_REPEATED / 4) } else { line.to_owned() };
        } else if line.len() + "; ".len() + said.len() <= MOST_REPEATED {
            said = format!("{line}; {said}");
        } else {
            break;
        }
    }
    format!(": {said}")
}

/// A line as a terminal shows it, without what colours it and moves about (ECMA-48 sections 5.4 and 5.6).
fn without_escapes(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let begins = match character {
            '\u{1b}' => characters.next(),
            '\u{9b}' => Some('['),
            other => {
                shown.push(other);
                continue;
            }
        };
        match begins {
            Some('[') => drop(characters.find(|c| ('@'..='~').contains(c))),
            // A window's title, a link's address: up to a bell, or to ESC and `\`.
            Some(']' | 'P' | 'X' | '^' | '_') => {
                if characters.find(|c| matches!(c, '\u{7}' | '\u{1b}' | '\u{9c}')) == Some('\u{1b}') {
                    characters.next();
                }
            }
            // One of several alphabets.
            Some(' '..='/') => drop(characters.find(|c| ('0'..='~').contains(c))),
            Some(_) | None => {}
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_of_what_a_program_says_are_repeated_within_bounds() {
        let two = format!("{}\nTypeError: it is none\n", "x".repeat(290));
        assert_eq!(last_lines(two.as_bytes()), ": TypeError: it is none");
        let long = last_lines("ü".repeat(400).as_bytes());
        assert!(long.len() <= 2 + MOST_REPEATED && long.ends_with('…'), "{long}");
        assert_eq!(last_lines(b"\x1b[2K\n \n"), "");
    }

    #[test]
    fn colours_links_and_titles_are_no_words() {
        let link = "\u{1b}]8;;https://h.example/\u{1b}\\here\u{1b}]8;;\u{7} \u{1b}(Bnow";
        assert_eq!(without_escapes(link), "here now");
        assert_eq!(without_escapes("a\u{1b}[38;5;9mb\u{9b}0mc\u{1b}"), "abc");
        assert_eq!(without_escapes("cut \u{1b}[31"), "cut ");
    }
}
