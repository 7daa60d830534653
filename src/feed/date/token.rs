//! A date's text as numbers, words and signs, one at a time and without a copy. Knows nothing of dates but that each Han
//! character is a word of its own.

use super::super::text::is_unseen;

/// A run of digits, of any script that feeds use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Number {
    /// What its first [`MOST_DIGITS`] digits amount to.
    pub(super) value: u64,
    /// How many digits there are, zeros in front counted.
    pub(super) digits: usize,
}

/// As many digits as always fit into a number.
const MOST_DIGITS: usize = 18;

/// What stands in a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Number(Number),
    /// Letters, and the accents that follow them.
    Word(&'a str),
    /// Anything else, its look-alikes as the ASCII sign they stand for.
    Sign(char),
}

/// A token, and whether white space stands before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) token: Token<'a>,
    pub(super) spaced: bool,
}

/// What is left to read. Copying it is how one looks ahead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// The next token.
    pub(super) fn take(&mut self) -> Option<Piece<'a>> {
        let text = self.rest.trim_start_matches(is_blank);
        let spaced = text.len() < self.rest.len();
        let first = text.chars().next()?;
        let (token, length) = if digit(first).is_some() {
            number(text)
        } else if is_letter(first) {
            let length = if is_han(first) { first.len_utf8() } else { run(text) };
            let (word, _) = text.split_at(length);
            (Token::Word(word), length)
        } else {
            (Token::Sign(plain(first)), first.len_utf8())
        };
        (_, self.rest) = text.split_at(length);
        Some(Piece { token, spaced })
    }

    /// The character that the next token begins with.
    pub(super) fn first(self) -> Option<char> {
        self.rest.trim_start_matches(is_blank).chars().next()
    }

    pub(super) fn peek(self) -> Option<Piece<'a>> {
        let mut ahead = self;
        ahead.take()
    }

    /// Goes past the next token if it is this sign and stands close.
    pub(super) fn skip_sign(&mut self, sign: char) -> bool {
        let mut ahead = *self;
        let found = matches!(ahead.take(), Some(Piece { token: Token::Sign(c), spaced: false }) if c == sign);
        if found {
            *self = ahead;
        }
        found
    }

    /// Goes past the next character of that sort, and gives what stands before it.
    pub(super) fn take_until(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let (found, rest) = self.rest.split_at(self.rest.find(&ends).unwrap_or(self.rest.len()));
        self.rest = rest.strip_prefix(ends).unwrap_or(rest);
        found
    }

    /// Takes the next token if it is a number and stands close.
    pub(super) fn take_number(&mut self) -> Option<Number> {
        let mut ahead = *self;
        let Some(Piece { token: Token::Number(number), spaced: false }) = ahead.take() else { return None };
        *self = ahead;
        Some(number)
    }
}

fn number(text: &str) -> (Token<'static>, usize) {
    let mut number = Number::default();
    for (at, c) in text.char_indices() {
        let Some(digit) = digit(c) else { return (Token::Number(number), at) };
        if number.digits < MOST_DIGITS {
            number.value = number.value * 10 + u64::from(digit);
        }
        number.digits += 1;
    }
    (Token::Number(number), text.len())
}

fn is_blank(c: char) -> bool {
    if c.is_ascii() { c == ' ' || c.is_ascii_whitespace() } else { c.is_whitespace() || is_unseen(c) }
}

fn run(text: &str) -> usize {
    let ends = |c: char| is_han(c) || !(is_letter(c) || is_accent(c));
    text.find(ends).unwrap_or(text.len())
}

/// ASCII, full-width, Arabic and Persian digits.
fn digit(c: char) -> Option<u32> {
    let zero = match c {
        '0'..='9' => '0',
        '\u{FF10}'..='\u{FF19}' => '\u{FF10}',
        '\u{660}'..='\u{669}' => '\u{660}',
        '\u{6F0}'..='\u{6F9}' => '\u{6F0}',
        _ => return None,
    };
    Some(u32::from(c) - u32::from(zero))
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || (!c.is_ascii() && c.is_alphabetic())
}

/// Accents that are characters of their own.
pub(super) fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}')
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9FFF}')
}

fn plain(c: char) -> char {
    match c {
        '\u{2212}' | '\u{2010}'..='\u{2015}' | '\u{FF0D}' => '-',
        '\u{FF1A}' => ':',
        '\u{FF0F}' => '/',
        '\u{FF0B}' => '+',
        '\u{FF0E}' | '\u{3002}' => '.',
        '\u{FF0C}' | '\u{3001}' | '\u{60C}' => ',',
        '\u{FF08}' => '(',
        '\u{FF09}' => ')',
        '\u{2018}' | '\u{2019}' => '\'',
        _ => c,
    }
}
