//! JSON as it comes: read forward, once, without a tree. Trailing commas, comments, single quotes, bare words, raw control
//! characters, quotes within text and wrong brackets are understood; where the text ends, everything that is open is [`torn`].
//!
//! [`torn`]: Scanner::is_torn

use std::borrow::Cow;

/// A value, or the beginning of one that has parts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A string, or a bare word that should have been one.
    Text(Cow<'a, str>),
    /// A number, as it was written.
    Number(&'a str),
    /// `true` or `false`.
    Flag,
    /// `null`, and what other languages call it; also a value that is missing.
    Null,
    /// The keys come next.
    Object,
    /// The elements come next.
    Array,
}

/// The place in a text, and what is open there.
#[derive(Debug, Clone)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    objects: usize,
    arrays: usize,
    torn: bool,
}

/// How much white space is looked past to tell what a bracket means: it is looked at again for each array that is open.
const FARTHEST: usize = 256;

impl<'a> Scanner<'a> {
    /// Before the first value.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, objects: 0, arrays: 0, torn: false }
    }

    /// Whether the text ended before everything was closed.
    pub(super) fn is_torn(&self) -> bool {
        self.torn
    }

    /// The next key of the object that is open, or `None` where it ends.
    pub(super) fn key(&mut self) -> Option<Cow<'a, str>> {
        loop {
            self.space();
            match self.peek() {
                None => self.torn = true,
                Some(b'}') => self.at += 1,
                // Its own bracket was forgotten.
                Some(b']' | b'{' | b'[') if self.arrays > 0 => {}
                Some(b'{' | b'[') => {
                    self.skip_value();
                    continue;
                }
                Some(b',' | b':' | b';' | b'(' | b')' | b']') => {
                    self.at += 1;
                    continue;
                }
                Some(quote @ (b'"' | b'\'')) => return Some(self.string(quote)),
                Some(_) => return Some(Cow::Borrowed(self.word())),
            }
            self.objects = self.objects.saturating_sub(1);
            return None;
        }
    }

    /// Whether the array that is open has another element.
    pub(super) fn more(&mut self) -> bool {
        loop {
            self.space();
            match self.peek() {
                None => self.torn = true,
                Some(b']') => self.at += 1,
                Some(b'}') if self.objects > 0 && !self.is_one_too_many() => {}
                Some(b',' | b':' | b';' | b'(' | b')' | b'}') => {
                    self.at += 1;
                    continue;
                }
                Some(_) => return true,
            }
            self.arrays = self.arrays.saturating_sub(1);
            return false;
        }
    }

    /// The value that comes next.
    pub(super) fn value(&mut self) -> Value<'a> {
        self.space();
        while self.peek() == Some(b':') {
            self.at += 1;
            self.space();
        }
        match self.peek() {
            None => {
                self.torn = true;
                Value::Null
            }
            Some(b',' | b'}' | b']' | b';' | b')' | b'(') => Value::Null,
            Some(b'{') => {
                self.at += 1;
                self.objects += 1;
                Value::Object
            }
            Some(b'[') => {
                self.at += 1;
                self.arrays += 1;
                Value::Array
            }
            Some(quote @ (b'"' | b'\'')) => Value::Text(self.string(quote)),
            Some(_) => match self.word() {
                "true" | "false" | "True" | "False" => Value::Flag,
                "null" | "undefined" | "None" | "NaN" | "nil" | "-Infinity" | "Infinity" => Value::Null,
                word if word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) => Value::Number(word),
                word => Value::Text(Cow::Borrowed(word)),
            },
        }
    }

    /// Passes over the value that comes next.
    pub(super) fn skip_value(&mut self) {
        let value = self.value();
        self.skip(&value);
    }

    /// Passes over what is left of a value that was begun, however deep it goes.
    pub(super) fn skip(&mut self, value: &Value<'_>) {
        let is_object = |value: &Value<'_>| match value {
            Value::Object => Some(true),
            Value::Array => Some(false),
            Value::Text(_) | Value::Number(_) | Value::Flag | Value::Null => None,
        };
        let mut open: Vec<bool> = is_object(value).into_iter().collect();
        while let Some(object) = open.last() {
            let goes_on = if *object { self.key().is_some() } else { self.more() };
            if goes_on {
                let inner = self.value();
                open.extend(is_object(&inner));
            } else {
                open.pop();
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// White space and comments.
    fn space(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}');
            self.at += rest.len() - trimmed.len();
            let length = if trimmed.starts_with("//") {
                trimmed.find('\n').unwrap_or(trimmed.len())
            } else if trimmed.starts_with("/*") {
                trimmed.find("*/").map_or(trimmed.len(), |end| end + 2)
            } else {
                return;
            };
            self.at += length;
        }
    }

    /// Whether the brace here closes nothing: the array goes on after it.
    fn is_one_too_many(&self) -> bool {
        let near = |text: &'a str| {
            let end = text.bytes().take(FARTHEST).position(|b| !b.is_ascii_whitespace());
            end.map(|end| &text[end..])
        };
        let after = near(&self.rest()[1..]).and_then(|after| near(after.strip_prefix(',')?));
        after.is_some_and(|after| after.starts_with('{'))
    }

    /// Something without quotes; never nothing.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let ends = |c: char| {
            c.is_whitespace() || c.is_control() || matches!(c, ',' | ':' | ';' | '{' | '}' | '[' | ']' | '"' | '\'' | '(' | ')')
        };
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest[first..].find(ends).map_or(rest.len(), |end| end + first);
        self.at += end;
        &rest[..end]
    }

    /// A string from its opening quote on.
    fn string(&mut self, quote: u8) -> Cow<'a, str> {
        self.at += 1;
        let from = self.at;
        let mut owned: Option<String> = None;
        let mut piece = from;
        loop {
            let Some(found) = self.text.as_bytes()[self.at..].iter().position(|b| *b == quote || *b == b'\\') else {
                self.at = self.text.len();
                self.torn = true;
                break;
            };
            self.at += found;
            if self.peek() == Some(quote) {
                if self.ends_here() {
                    break;
                }
                self.at += 1;
                continue;
            }
            let out = owned.get_or_insert_default();
            out.push_str(&self.text[piece..self.at]);
            self.at += 1;
            self.escape(out);
            piece = self.at;
        }
        let last = &self.text[piece..self.at];
        self.at = (self.at + 1).min(self.text.len());
        match owned {
            None => Cow::Borrowed(last),
            Some(mut text) => {
                text.push_str(last);
                Cow::Owned(text)
            }
        }
    }

    /// Whether the quote here is the end of its string, and no quote within it that somebody forgot to escape.
    fn ends_here(&self) -> bool {
        let after = &self.rest()[1..];
        let next = after.trim_start();
        let broken = || after[..after.len() - next.len()].contains('\n');
        match next.bytes().next() {
            None | Some(b',' | b':' | b'}' | b']' | b'/' | b')' | b';') => true,
            Some(b'"' | b'\'') => broken(),
            Some(b'{') => next[1..].trim_start().starts_with('"'),
            Some(_) => false,
        }
    }

    /// What an escape stands for, from after its backslash on.
    fn escape(&mut self, out: &mut String) {
        let Some(c) = self.rest().chars().next() else { return };
        self.at += c.len_utf8();
        match c {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'b' | 'f' | '\n' | '0' => {}
            'x' => match self.hex(2).and_then(char::from_u32) {
                Some(c) => out.push(c),
                None => out.push_str("\\x"),
            },
            'u' => match self.hex(4) {
                Some(unit) => out.push(self.unit(unit)),
                None => out.push_str("\\u"),
            },
            other => out.push(other),
        }
    }

    /// The character of a UTF-16 unit, and of the one after it where both make one.
    fn unit(&mut self, unit: u32) -> char {
        let low = |scanner: &mut Self| {
            let before = scanner.at;
            if scanner.rest().starts_with("\\u") {
                scanner.at += 2;
                if let Some(low) = scanner.hex(4).filter(|low| (0xdc00..0xe000).contains(low)) {
                    return Some(low);
                }
            }
            scanner.at = before;
            None
        };
        let number = match unit {
            0xd800..0xdc00 => low(self).map(|low| 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)),
            _ => Some(unit),
        };
        number.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        let text = self.rest().get(..digits).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.at += digits;
        u32::from_str_radix(text, 16).ok()
    }
}
