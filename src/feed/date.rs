//! PURE. The dates of feeds. Goes in: what stands in an element for a date. Comes out: a moment, or nothing where a part of the
//! text cannot be understood: no date is better than a wrong one.
//!
//! There is one reader and no list of formats. It goes through numbers, words and signs once, and each finds its place by what
//! it is: a number before a colon is a time, one with four digits a year. What remains is decided as follows.
//! - Without a zone it is UTC. Korean words alone say where the clock stands: nine hours ahead, as their two publishers mean it.
//! - `1/2/2020` is January 2nd, `1.2.2020` and `1-2-2020` are February 1st, and `01-02-03` is 2001 (ISO 8601). A number that can
//!   be no month decides for itself.
//! - Two digits of a year are RFC 2822's: up to 49 it is 20xx, from 50 on 19xx.
//! - A weekday is never believed, and never missed.

mod calendar;
mod clock;
mod exact;
mod names;
mod reader;
mod token;
mod zone;

use jiff::Timestamp;
use jiff::civil::Time;

use self::calendar::{date, full_year};
use self::reader::Reader;
use self::token::{Cursor, Number, Token};
use self::zone::Zone;

/// A date with more characters is none.
const LONGEST: usize = 200;
/// The first second of year 1.
const FIRST_SECOND: i64 = -62_135_596_800;

/// Reads a date in any of the forms that feeds use.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > LONGEST && text.chars().nth(LONGEST).is_some() {
        return None;
    }
    exact::read(text).or_else(|| read(text)).filter(|found| found.as_second() >= FIRST_SECOND)
}

fn read(text: &str) -> Option<Timestamp> {
    let mut cursor = Cursor::new(text);
    match cursor.peek()?.token {
        Token::Number(Number { digits: 10 | 13, .. }) => counted_from_1970(cursor),
        Token::Sign('@' | '/') => {
            let inner = text.strip_prefix('@').or_else(|| text.strip_prefix("/Date(")?.strip_suffix(")/"));
            counted_from_1970(Cursor::new(inner?))
        }
        Token::Sign('-') => {
            cursor.take();
            year_and_month(cursor)
        }
        Token::Number(_) | Token::Word(_) | Token::Sign(_) => Reader::new(cursor).read(),
    }
}

/// Seconds or milliseconds since 1970; an offset behind them (.NET) changes nothing.
fn counted_from_1970(mut cursor: Cursor<'_>) -> Option<Timestamp> {
    let count = cursor.take_number()?;
    let value = i64::try_from(count.value).ok()?;
    for sign in ['.', '+', '-'] {
        if cursor.skip_sign(sign) {
            cursor.take_number()?;
            break;
        }
    }
    match (count.digits, cursor.peek()) {
        (10, None) => Timestamp::from_second(value).ok(),
        (13, None) => Timestamp::from_millisecond(value).ok(),
        _ => None,
    }
}

/// ISO 8601 of 1988: `-0312` and `-03-12` are December of 2003, `-03` is that year.
fn year_and_month(mut cursor: Cursor<'_>) -> Option<Timestamp> {
    let first = cursor.take_number()?;
    let (year, month) = match first.digits {
        4 => (first.value / 100, first.value % 100),
        2 if cursor.skip_sign('-') => (first.value, cursor.take_number().filter(|month| month.digits == 2)?.value),
        2 => (first.value, 1),
        _ => return None,
    };
    let date = date(full_year(Number { value: year, digits: 2 })?, i8::try_from(month).ok()?, 1)?;
    if cursor.peek().is_some() { None } else { Zone::Named(0).timestamp(date.to_datetime(Time::midnight())) }
}

#[cfg(test)]
mod tests;
