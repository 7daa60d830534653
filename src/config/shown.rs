//! One line of the configuration as it may be shown: secrets masked, tabs widened, a long line cut around the caret.
//! Goes in: the text and a span. Comes out: the line and the carets beneath it.

use std::ops::Range;

use toml::de::{DeTable, DeValue};
use url::Url;

use crate::secret::{redact, redact_text};
use crate::sink::SECRETS;

/// The parts of a text that are never shown, and what stands in their place.
pub(super) struct Hidden(Vec<(Range<usize>, String)>);

const MASK: &str = "\"[secret]\"";
/// So many characters of a long line are shown.
const WIDTH: usize = 120;
/// So many of them before the caret.
const BEFORE: usize = 40;

impl Hidden {
    /// Finds what must not be shown: by the document's structure where it has one, else line by line.
    pub(super) fn find(text: &str) -> Self {
        let mut hidden = Vec::new();
        let (table, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            hide_in_table(text, table.get_ref(), &mut hidden);
        } else {
            hide_in_lines(text, &mut hidden);
        }
        hide_in_urls(text, &mut hidden);
        hidden.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let mut end = 0;
        hidden.retain(|(range, _): &(Range<usize>, String)| {
            let apart = range.start >= end;
            end = end.max(range.end);
            apart
        });
        Self(hidden)
    }

    /// The line in which `span` begins, and carets below the span.
    pub(super) fn line(&self, text: &str, span: &Range<usize>) -> (String, String) {
        let start = span.start.min(text.len());
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let (mut shown, mut columns) = (String::new(), None::<Range<usize>>);
        let mut width = 0;
        let mut at = line_start;
        let mut mark = |from: usize, to: usize, width: usize, more: usize| {
            if from < span.end.max(start + 1) && to > start && more > 0 {
                let columns = columns.get_or_insert(width..width);
                columns.end = width + more;
            }
        };
        while at < line_end {
            let masked = self.0.iter().find(|(range, _)| range.contains(&at));
            let (next, piece) = if let Some((range, instead)) = masked {
                // What began on a line above is masked again on this one.
                (range.end.min(line_end), instead.clone())
            } else {
                let character = text[at..].chars().next().unwrap_or(' ');
                let piece = match character {
                    '\t' => "    ".to_owned(),
                    '\u{feff}' | '\r' => String::new(),
                    c if c.is_control() => "\u{fffd}".to_owned(),
                    c => c.to_string(),
                };
                (at + character.len_utf8(), piece)
            };
            let more = piece.chars().count();
            mark(at, next, width, more);
            shown.push_str(&piece);
            width += more;
            at = next;
        }
        let columns = columns.unwrap_or(width..width + 1);
        cut(&shown, columns)
    }
}

/// At most [`WIDTH`] characters of the line, the first caret among them.
fn cut(line: &str, columns: Range<usize>) -> (String, String) {
    let length = line.chars().count();
    let carets = |skip: usize, count: usize| format!("{}{}", " ".repeat(skip), "^".repeat(count.max(1)));
    if length <= WIDTH {
        return (line.trim_end().to_owned(), carets(columns.start, columns.len()));
    }
    let first = columns.start.saturating_sub(BEFORE).min(length - WIDTH);
    let last = first + WIDTH;
    let middle: String = line.chars().skip(first).take(WIDTH).collect();
    let (left, right) = (if first > 0 { "…" } else { "" }, if last < length { "…" } else { "" });
    let skip = columns.start - first + left.chars().count();
    (format!("{left}{middle}{right}"), carets(skip, columns.end.min(last).saturating_sub(columns.start)))
}

/// Whether a key's value is a secret, by its name or by what its name was probably meant to be.
fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase().replace('-', "_");
    if is_a_place(&key) {
        return false;
    }
    let near = |secret: &str| strsim::damerau_levenshtein(&key, secret) <= 2;
    let parts = ["passw", "secret", "token", "api_key", "apikey", "authorization", "cookie"];
    SECRETS.iter().any(|secret| near(secret)) || parts.iter().any(|part| key.contains(part))
}

/// Whether a key names where a secret is kept, and does not hold it.
fn is_a_place(key: &str) -> bool {
    key.ends_with("_file") || key.ends_with("_command")
}

fn hide_in_table(text: &str, table: &DeTable<'_>, hidden: &mut Vec<(Range<usize>, String)>) {
    for (key, value) in table {
        if let (true, DeValue::Table(fields)) = (key.get_ref() == "headers", value.get_ref()) {
            // Any value of a header may be a secret.
            let held = fields.iter().filter(|(name, _)| !is_a_place(name.get_ref()));
            hidden.extend(held.map(|(_, value)| (value.span(), MASK.to_owned())));
        } else {
            hide_in_value(text, is_secret(key.get_ref()), value, hidden);
        }
    }
}

fn hide_in_value(text: &str, secret: bool, value: &toml::Spanned<DeValue<'_>>, hidden: &mut Vec<(Range<usize>, String)>) {
    match value.get_ref() {
        // A table of that name may as well be a feed called `token`; what is in it is looked at key by key.
        DeValue::Table(table) => hide_in_table(text, table, hidden),
        DeValue::Array(values) if !secret => values.iter().for_each(|value| hide_in_value(text, false, value, hidden)),
        _ if secret => hidden.push((value.span(), MASK.to_owned())),
        _ => {}
    }
}

/// For a text that is no TOML: everything after the `=` of a secret's key is hidden, up to the end of its line, or of
/// its string of several lines.
fn hide_in_lines(text: &str, hidden: &mut Vec<(Range<usize>, String)>) {
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let end = line_start + line.trim_end().len();
        for (equals, _) in line.match_indices('=') {
            let key = line[..equals].trim_end().trim_end_matches(['"', '\'']);
            let from = key
                .rfind(|c: char| !c.is_alphanumeric() && c != '_' && c != '-')
                .map_or(0, |at| at + key[at..].chars().next().map_or(1, char::len_utf8));
            if !is_secret(&key[from..]) {
                continue;
            }
            let value = line_start + equals + 1;
            let begun = text[value..].trim_start();
            let many = ["\"\"\"", "'''"].into_iter().find(|quotes| begun.starts_with(quotes));
            let value_end = many.map_or(end, |quotes| {
                let opened = text.len() - begun.len() + quotes.len();
                text[opened..].find(quotes).map_or(text.len(), |at| opened + at + quotes.len())
            });
            hidden.push((value..value_end.max(value), format!(" {MASK}")));
            break;
        }
        line_start += line.len();
    }
}

/// Passwords and tokens in URLs, wherever they stand.
fn hide_in_urls(text: &str, hidden: &mut Vec<(Range<usize>, String)>) {
    for (at, _) in text.match_indices("://") {
        let start = text[..at]
            .rfind(|c: char| !c.is_ascii_alphanumeric())
            .map_or(0, |before| before + text[before..].chars().next().map_or(1, char::len_utf8));
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'');
        let end = text[at..].find(ends).map_or(text.len(), |length| at + length);
        let written = &text[start..end];
        let shown = match Url::parse(written) {
            Ok(url) => Some(redact(&url)).filter(|shown| shown != url.as_str()),
            Err(_) => Some(redact_text(written)).filter(|shown| shown != written),
        };
        hidden.extend(shown.map(|shown| (start..end, shown)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, word: &str) -> (String, String) {
        let start = text.find(word).unwrap();
        Hidden::find(text).line(text, &(start..start + word.len()))
    }

    #[test]
    fn the_value_of_a_secret_is_never_shown() {
        let (line, carets) = shown("a = { password = \"hunter2\", prot = 5 }\n", "prot");
        assert_eq!(line, "a = { password = \"[secret]\", prot = 5 }");
        assert_eq!(carets.find('^'), line.find("prot"));
        for text in ["token = 'hunter2'", "pasword = 'hunter2'", "bearer_token = ['hunter2']", "x = {api_key = 'hunter2'}"] {
            assert!(!shown(text, "hunter2").0.contains("hunter2"), "{text}");
        }
        let several = "password = \"\"\"\nhunter2\"\"\"\nport = 5";
        assert_eq!(shown(several, "hunter2"), ("\"[secret]\"".to_owned(), "^^^^^^^^^^".to_owned()));
        assert_eq!(shown("password_command = 'pass show smtp'", "pass show").0, "password_command = 'pass show smtp'");
    }

    #[test]
    fn the_value_of_a_header_is_never_shown_and_its_place_is() {
        let (line, _) = shown("headers = { X-Any = \"hunter2\", Cookie_file = \"~/c\" }", "X-Any");
        assert_eq!(line, "headers = { X-Any = \"[secret]\", Cookie_file = \"~/c\" }");
    }

    #[test]
    fn a_secret_stays_hidden_in_a_file_that_does_not_parse() {
        for text in
            ["password = hunter2", "password = \"hunter2", "a = {token = 'hunter2'", "[x\n\"token\" = \"\"\"\nhunter2\"\"\" x"]
        {
            assert!(!shown(text, "hunter2").0.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_never_shown() {
        let text = "url = \"https://me:hunter2@h.example/feed\" # ok";
        assert_eq!(shown(text, "url").0, "url = \"https://me@h.example/feed\" # ok");
        let mistaken = "url = \"https://me:hunter2@h.example:99999/feed?token=abc\"";
        assert_eq!(shown(mistaken, "url").0, "url = \"https://me@h.example:99999/feed?token=REDACTED\"");
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret_and_tabs_are_widened() {
        let text = format!("{}here{}", "x".repeat(300), "y".repeat(300));
        let (line, carets) = shown(&text, "here");
        assert_eq!(line.chars().count(), 122);
        let column = carets.chars().take_while(|c| *c == ' ').count();
        assert_eq!(line.chars().skip(column).take(4).collect::<String>(), "here");
        assert_eq!(shown("\ta\t= 1", "="), ("    a    = 1".to_owned(), "         ^".to_owned()));
        assert_eq!(shown("a = [\n1,\n]\n", "[\n1,\n]"), ("a = [".to_owned(), "    ^".to_owned()));
    }
}
