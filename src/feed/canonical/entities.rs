//! Character references: those of XML, those of HTML that feeds use without asking, and those that a document declares.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;

use html5ever::data::{C1_REPLACEMENTS, NAMED_ENTITIES};
use memchr::memchr;

/// The longest name of a reference; the longest of HTML's has 31 letters.
const LONGEST_NAME: usize = 40;
/// The largest number of references that a document may declare, and the longest text of one.
const MOST_DECLARED: usize = 200;
const LONGEST_DECLARED: usize = 1_000;
/// How much text may come of them in one document, in bytes.
const MOST_EXPANDED: usize = 1024 * 1024;

/// What a document's references stand for.
#[derive(Debug, Default)]
pub(crate) struct Entities {
    declared: HashMap<String, String>,
    /// How much text has come of them.
    expanded: Cell<usize>,
}

impl Entities {
    /// Takes over the internal entities that a document type declares. What they stand for is text, and holds no other
    /// reference to a declared one: so none can grow.
    pub(crate) fn declare(&mut self, doctype: &str) {
        for declaration in doctype.split("<!ENTITY").skip(1).take(MOST_DECLARED) {
            let mut rest = declaration.trim_start();
            let name_end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let name = &rest[..name_end];
            rest = rest[name_end..].trim_start();
            let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
            let Some((value, _)) = rest[1..].split_once(quote) else { continue };
            if name.len() <= LONGEST_NAME && value.len() <= LONGEST_DECLARED && !matches!(name, "" | "%") {
                let value = Entities::default().resolve(value).into_owned();
                self.declared.entry(name.to_owned()).or_insert(value);
            }
        }
    }

    /// Text with its references resolved; what is none stays as it is.
    pub(crate) fn resolve<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let bytes = text.as_bytes();
        let Some(first) = memchr(b'&', bytes) else { return Cow::Borrowed(text) };
        let mut out = String::with_capacity(text.len());
        out.push_str(&text[..first]);
        let mut at = first;
        while at < bytes.len() {
            // Here stands an ampersand.
            let used = self.reference(&text[at..], &mut out);
            if used == 0 {
                out.push('&');
            }
            at += used.max(1);
            let end = memchr(b'&', &bytes[at..]).map_or(bytes.len(), |end| at + end);
            out.push_str(&text[at..end]);
            at = end;
        }
        Cow::Owned(out)
    }

    /// Writes what the reference at the beginning of `text` stands for, and says how long it is; 0 where it is none.
    fn reference(&self, text: &str, out: &mut String) -> usize {
        let bytes = text.as_bytes();
        let window = &bytes[..bytes.len().min(LONGEST_NAME + 2)];
        let named = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'#' | b'_' | b'-' | b'.' | b':');
        let end = 1 + window[1..].iter().position(|b| !named(b)).unwrap_or(window.len() - 1);
        let (name, closed) = (&text[1..end], bytes.get(end) == Some(&b';'));
        let used = end + usize::from(closed);
        let ascii = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => None,
        };
        if let Some(c) = ascii.filter(|_| closed) {
            out.push(c);
            return used;
        }
        if let Some(number) = name.strip_prefix('#') {
            // Where no semicolon ends a number, its digits do.
            let hex = number.starts_with(['x', 'X']);
            let digits = number.get(usize::from(hex)..).unwrap_or_default();
            let digits_end = digits.find(|c: char| !c.is_digit(if hex { 16 } else { 10 })).unwrap_or(digits.len());
            let Ok(code) = u32::from_str_radix(&digits[..digits_end], if hex { 16 } else { 10 }) else {
                return if digits_end > 0 && closed {
                    out.push('\u{fffd}');
                    used
                } else {
                    0
                };
            };
            let used = 2 + usize::from(hex) + digits_end;
            let used = used + usize::from(bytes.get(used) == Some(&b';'));
            // Some write what UTF-16 makes two of as two.
            if let (0xd800..=0xdbff, Some(low)) = (code, low_surrogate(&text[used..])) {
                out.extend(char::from_u32(0x10000 + ((code - 0xd800) << 10) + (low.0 - 0xdc00)));
                return used + low.1;
            }
            out.extend(character(code));
            return used;
        }
        if let Some(value) = self.declared.get(name).filter(|_| closed && self.expanded.get() < MOST_EXPANDED) {
            self.expanded.set(self.expanded.get() + value.len());
            out.push_str(value);
            return used;
        }
        // Without a semicolon `&copy=1` in an address is no sign.
        let known = if closed { NAMED_ENTITIES.get(&text[1..used]) } else { None };
        match known {
            Some((first, second)) if *first != 0 => {
                out.extend([*first, *second].into_iter().filter(|code| *code != 0).filter_map(char::from_u32));
                used
            }
            _ => 0,
        }
    }
}

/// The second half of a pair of UTF-16 that a text begins with as a reference, and how long that is.
fn low_surrogate(text: &str) -> Option<(u32, usize)> {
    let number = text.get(..LONGEST_NAME.min(text.len())).unwrap_or(text).strip_prefix("&#")?;
    let (digits, _) = number.split_once(';')?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    code.ok().filter(|code| (0xdc00..=0xdfff).contains(code)).map(|code| (code, digits.len() + 3))
}

/// The character of a number, as HTML reads it: what lies between 128 and 159 is windows-1252's.
pub(crate) fn character(code: u32) -> Option<char> {
    match code {
        0x80..=0x9f => C1_REPLACEMENTS[code as usize - 0x80].or(Some('\u{fffd}')),
        0..=8 | 0xb | 0xc | 0xe..=0x1f | 0x7f | 0xfffe | 0xffff => None,
        _ => Some(char::from_u32(code).unwrap_or('\u{fffd}')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_all_kinds_are_resolved() {
        let table = [
            ("a &amp; b &lt;p&gt; &quot;&apos;", "a & b <p> \"'"),
            ("&nbsp;&eacute;&hellip;&mdash;", "\u{a0}é…—"),
            ("&#8217;&#x2019;&#X2019;&#150;&#0;&#12", "’’’–"),
            ("&amp;nbsp; &amp;amp;", "&nbsp; &amp;"),
            ("AT&T R&D; a&b=c&copy=d && & &;", "AT&T R&D; a&b=c&copy=d && & &;"),
            ("&#55357;&#56359;&#xD83D;&#xDC27;", "🐧🐧"),
            ("&#xD800;&#1114112;&#99999999999;", "\u{fffd}\u{fffd}\u{fffd}"),
            ("ünïcode &unknown; &", "ünïcode &unknown; &"),
        ];
        for (written, read) in table {
            assert_eq!(Entities::default().resolve(written), read, "{written}");
        }
    }

    #[test]
    fn what_a_document_declares_is_text_and_does_not_grow() {
        let mut entities = Entities::default();
        entities.declare("rss [<!ENTITY name \"Jane &#38; co\"><!ENTITY lol \"&lol2;&lol2;\"><!ENTITY lol2 'ha'><!ENTITY % x SYSTEM 'file:///etc/passwd'>]");
        assert_eq!(entities.resolve("&name;: &lol; &x;"), "Jane & co: &lol2;&lol2; &x;");
    }
}
