//! The calendar's part of a date: which number is the year, and whether there is such a day.

use jiff::civil::{Date, ISOWeekDate, Weekday};

use super::token::Number;

impl Number {
    /// Whether it can be no day and no month.
    pub(super) fn is_year(self) -> bool {
        self.digits >= 3 || self.value > 31
    }

    /// Whether a year with so many digits is a slip.
    pub(super) fn is_odd(self) -> bool {
        !matches!(self.digits, 2 | 4)
    }
}

/// Three numbers, by the custom that their separator belongs to.
pub(super) fn in_order(a: Number, b: Number, c: Number, separator: Option<char>) -> Option<Date> {
    let iso = matches!(separator, None | Some('-')) && !c.is_year();
    let (year, month, day) = match separator {
        _ if a.is_year() || iso => (a, b, c),
        Some('/') if a.value <= 12 => (c, a, b),
        _ if b.value > 12 => (c, a, b),
        _ => (c, b, a),
    };
    let year = if year.is_odd() { None } else { full_year(year) };
    date(year?, small(month.value)?, small(day.value)?)
}

/// A year with its century (RFC 2822, section 4.3).
pub(super) fn full_year(number: Number) -> Option<i16> {
    let year = i16::try_from(number.value).ok()?;
    match (number.digits, year) {
        (1 | 2, ..=49) => Some(year + 2000),
        (1..=3, _) => Some(year + 1900),
        _ => Some(year),
    }
}

pub(super) fn small(value: u64) -> Option<i8> {
    i8::try_from(value).ok()
}

pub(super) fn date(year: i16, month: i8, day: i8) -> Option<Date> {
    // An error of the calendar costs more than to ask before.
    let plausible = year >= 1 && (1..=12).contains(&month) && (1..=31).contains(&day);
    plausible.then(|| Date::new(year, month, day).ok()).flatten()
}

pub(super) fn day_of_year(year: i16, day: u64) -> Option<Date> {
    date(year, 1, 1)?.with().day_of_year(i16::try_from(day).ok()?).build().ok()
}

/// A date without separators: `20031231`, `2003365`, `031231`, `03365`; and the number behind it that is a time.
pub(super) fn compact(number: Number) -> Option<(Date, Option<Number>)> {
    let (value, time) = match number.digits {
        14 => (number.value / 1_000_000, Some(Number { value: number.value % 1_000_000, digits: 6 })),
        12 => (number.value / 10_000, Some(Number { value: number.value % 10_000, digits: 4 })),
        _ => (number.value, None),
    };
    let in_year =
        |unit| full_year(Number { value: value / unit, digits: if value >= unit * 100 || number.digits > 6 { 4 } else { 2 } });
    let found = match number.digits {
        6 | 8 | 12 | 14 => date(in_year(10_000)?, small(value / 100 % 100)?, small(value % 100)?),
        5 | 7 => day_of_year(in_year(1000)?, value % 1000),
        _ => None,
    };
    Some((found?, time))
}

/// A week of ISO 8601, `52` with its day or `523` without; its Monday where no day is given.
pub(super) fn week(year: Number, number: Number, day: Option<Number>) -> Option<Date> {
    let (week, day) = match (number.digits, day) {
        (2, day) => (number.value, day.map_or(1, |day| day.value)),
        (3, None) => (number.value / 10, number.value % 10),
        _ => return None,
    };
    let weekday = Weekday::from_monday_one_offset(small(day)?).ok()?;
    Some(ISOWeekDate::new(full_year(year)?, small(week)?, weekday).ok()?.date())
}
