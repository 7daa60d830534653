//! The time of a day, and how far a clock is ahead of UTC, read from a [`Cursor`] that stands behind their first number.

use jiff::civil::Time;

use super::names::{self, Half, Meaning, Unit};
use super::token::{Cursor, Number, Piece, Token};

/// A time of the day as it is written: an hour may be 24, and a second 60.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    hour: u64,
    minute: u64,
    second: u64,
    nanosecond: u64,
}

const NANOSECONDS: u64 = 1_000_000_000;
const HOUR: u64 = 3600;
const MINUTE: u64 = 60;

impl Clock {
    fn new(hour: u64, minute: u64, second: u64) -> Self {
        Self { hour, minute, second, nanosecond: 0 }
    }

    /// `14:33`, `14:33:00.5` or, with another `sign`, `14.33`; the cursor stands at the first sign.
    pub(super) fn signed(hour: Number, sign: char, cursor: &mut Cursor<'_>) -> Option<Self> {
        let mut ahead = *cursor;
        let minute = ahead.skip_sign(sign).then(|| ahead.take_number()).flatten().filter(|minute| minute.digits <= 2)?;
        *cursor = ahead;
        let second = ahead.skip_sign(sign).then(|| ahead.take_number()).flatten();
        let Some(second) = second else {
            return Self::new(hour.value, minute.value, 0).with_fraction(cursor, MINUTE);
        };
        if second.digits > 2 {
            return None;
        }
        *cursor = ahead;
        let clock = Self::new(hour.value, minute.value, second.value);
        // SQL Server writes its milliseconds behind a colon.
        if sign == ':'
            && ahead.skip_sign(':')
            && let Some(thousandth) = ahead.take_number()
        {
            *cursor = ahead;
            let known = thousandth.digits == 3 || thousandth.value == 0;
            return known.then_some(Self { nanosecond: thousandth.value * (NANOSECONDS / 1000), ..clock });
        }
        clock.with_fraction(cursor, 1)
    }

    /// `14`, `1433` or `143300`.
    pub(super) fn basic(number: Number, cursor: &mut Cursor<'_>) -> Option<Self> {
        let value = number.value;
        match number.digits {
            1 | 2 => Self::new(value, 0, 0).with_fraction(cursor, HOUR),
            4 => Self::new(value / 100, value % 100, 0).with_fraction(cursor, MINUTE),
            6 => Self::new(value / 10_000, value / 100 % 100, value % 100).with_fraction(cursor, 1),
            _ => None,
        }
    }

    /// `14h33`, `14時33分5秒`; the cursor stands behind the word for hours.
    pub(super) fn counted(hour: Number, cursor: &mut Cursor<'_>) -> Self {
        let mut clock = Self::new(hour.value, 0, 0);
        if let Some(minute) = counted(cursor, Unit::Minute, true) {
            clock.minute = minute;
            clock.second = counted(cursor, Unit::Second, false).unwrap_or(0);
        }
        clock
    }

    /// A fraction of the last number, which counts that many seconds each.
    fn with_fraction(mut self, cursor: &mut Cursor<'_>, seconds: u64) -> Option<Self> {
        let mut ahead = *cursor;
        if !(ahead.skip_sign('.') || ahead.skip_sign(',')) {
            return Some(self);
        }
        let Some(number) = ahead.take_number() else { return Some(self) };
        *cursor = ahead;
        let digits = u32::try_from(number.digits.min(18)).ok()?;
        let nanoseconds = match digits {
            0..=9 => number.value * 10_u64.pow(9 - digits),
            _ => number.value / 10_u64.pow(digits - 9),
        } * seconds;
        let whole = nanoseconds / NANOSECONDS;
        self.minute += whole / 60;
        self.second += whole % 60;
        self.nanosecond = nanoseconds % NANOSECONDS;
        Some(self)
    }

    /// The time, and whether it is the next day's: 24:00 is.
    pub(super) fn time(self, half: Option<Half>) -> Option<(Time, bool)> {
        let hour = match half {
            Some(Half::Afternoon) if self.hour < 12 => self.hour + 12,
            Some(Half::Morning) if self.hour == 12 => 0,
            Some(Half::Morning | Half::Afternoon) | None => self.hour,
        };
        // A leap second is the end of the second before it.
        let second = if self.second == 60 { 59 } else { self.second };
        let part = |value: u64| i8::try_from(value).ok();
        let (hour, next) = if hour == 24 { (0, true) } else { (hour, false) };
        let time = Time::new(part(hour)?, part(self.minute)?, part(second)?, i32::try_from(self.nanosecond).ok()?).ok()?;
        Some((time, next))
    }
}

/// A number that counts `unit`; without that word only if it stands close.
fn counted(cursor: &mut Cursor<'_>, unit: Unit, may_be_bare: bool) -> Option<u64> {
    let mut ahead = *cursor;
    let Some(Piece { token: Token::Number(number), spaced }) = ahead.take() else { return None };
    let bare = ahead;
    let named = matches!(ahead.take(), Some(Piece { token: Token::Word(word), .. }) if names::unit(word) == Some(unit));
    if !named && (spaced || !may_be_bare || number.digits > 2) {
        return None;
    }
    *cursor = if named { ahead } else { bare };
    Some(number.value)
}

/// Seconds ahead of UTC: `1`, `01`, `100`, `0100`, `01:00`, `1:0`.
pub(super) fn ahead_of_utc(number: Number, cursor: &mut Cursor<'_>) -> Option<i32> {
    let mut ahead = *cursor;
    let (hours, minutes) = match number.digits {
        1 | 2 if ahead.skip_sign(':') || ahead.skip_sign('.') => {
            let minutes = ahead.take_number().filter(|minutes| minutes.digits <= 2)?;
            let more = ahead;
            if !(ahead.skip_sign(':') && ahead.take_number().is_some_and(|seconds| seconds.value == 0)) {
                ahead = more;
            }
            *cursor = ahead;
            (number.value, minutes.value)
        }
        1 | 2 => (number.value, 0),
        // What is left of `0530`.
        3 if number.value < 100 => (number.value / 10, number.value % 10 * 10),
        3 | 4 => (number.value / 100, number.value % 100),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then(|| i32::try_from(hours * HOUR + minutes * MINUTE).ok()).flatten()
}

/// The half of the day, also where it is `a.m.` with its dots.
pub(super) fn half_of_day(word: &str, cursor: &mut Cursor<'_>) -> Option<Half> {
    let mut letters = word.chars().flat_map(char::to_lowercase);
    let first = letters.next()?;
    let (second, third) = (letters.next(), letters.next());
    let initial = matches!(first, 'a' | 'p' | 'π' | 'μ');
    match (second, third) {
        (Some('m' | 'μ'), None) if initial => {}
        (None, None) if initial => {
            let mut ahead = *cursor;
            if !ahead.skip_sign('.') {
                return None;
            }
            let Some(Piece { token: Token::Word("m" | "M" | "μ" | "Μ"), .. }) = ahead.take() else { return None };
            *cursor = ahead;
        }
        _ if first.is_ascii() => return None,
        _ => {
            return match names::meaning(word) {
                Some(Meaning::Half(half)) => Some(half),
                _ => None,
            };
        }
    }
    Some(if matches!(first, 'a' | 'π') { Half::Morning } else { Half::Afternoon })
}
