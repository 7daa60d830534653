//! Code pages of one byte a character that the Encoding Standard leaves out, and the companion of those that it has.

use encoding_rs::Encoding;

use super::label::Charset;

/// A page a line: its names, a tab, and its characters from 0x80 on (of mainframes: from 0x40 on).
const PAGES: &str = include_str!("pages.txt");
/// The page that mainframes use for declarations.
const INVARIANT: &str = "cp037";

/// The page of a name, written small and without anything but letters and digits.
pub(super) fn named(name: &str) -> Option<Charset> {
    let table = table(name)?;
    Some(if is_of_mainframes(table) { Charset::Ebcdic } else { Charset::Page(table) })
}

fn table(name: &str) -> Option<&'static str> {
    let mut pages = PAGES.lines().filter_map(|line| line.split_once('\t'));
    pages.find(|(names, _)| names.split(' ').any(|known| known == name)).map(|(_, table)| table)
}

fn is_of_mainframes(table: &str) -> bool {
    table.chars().nth(128).is_some()
}

/// Text by the page's characters from 0x80 on.
pub(super) fn decode(bytes: &[u8], table: &str) -> String {
    let upper: Vec<char> = table.chars().collect();
    let character = |byte: &u8| match byte.checked_sub(0x80) {
        None => char::from(*byte),
        Some(place) => upper.get(usize::from(place)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    bytes.iter().map(character).collect()
}

/// Text of a mainframe, by the name in its declaration.
pub(super) fn ebcdic(bytes: &[u8], name: Option<&str>) -> String {
    let plain: String = name.unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
    let own = table(&plain.to_ascii_lowercase()).filter(|table| is_of_mainframes(table));
    let upper: Vec<char> = own.or_else(|| table(INVARIANT)).unwrap_or_default().chars().collect();
    let character = |byte: &u8| match byte {
        0x05 => '\t',
        0x0d => '\r',
        0x15 | 0x25 => '\n',
        _ => byte.checked_sub(0x40).and_then(|place| upper.get(usize::from(place)).copied()).unwrap_or(' '),
    };
    bytes.iter().map(character).collect()
}

/// Where ISO 8859 has control characters that nobody writes, its companion of Windows has the quotes and dashes that were meant.
pub(super) fn with_companion(text: String, encoding: &'static Encoding) -> String {
    let control = |c: char| matches!(c, '\u{80}'..='\u{9f}');
    if !encoding.is_single_byte() || !text.contains(control) {
        return text;
    }
    let companion = match encoding.name() {
        "ISO-8859-2" | "ISO-8859-16" => encoding_rs::WINDOWS_1250,
        "ISO-8859-5" => encoding_rs::WINDOWS_1251,
        "ISO-8859-7" => encoding_rs::WINDOWS_1253,
        "ISO-8859-6" => encoding_rs::WINDOWS_1256,
        "ISO-8859-4" | "ISO-8859-13" => encoding_rs::WINDOWS_1257,
        _ => encoding_rs::WINDOWS_1252,
    };
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match u8::try_from(c).ok().filter(|_| control(c)) {
            Some(byte) => out.push_str(&companion.decode_without_bom_handling(&[byte]).0),
            None => out.push(c),
        }
    }
    out
}
