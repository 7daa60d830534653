//! Quantities as people write them: `"1h"`, `"16MiB"`. A bare number of seconds or bytes is refused, so that no
//! setting is ever off by a factor. Goes in: text. Comes out: [`Interval`], [`ByteSize`], [`Rate`]. Knows nothing of any room.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A length of time, written as a whole number and one of `s`, `m`, `h`, `d`, `w`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(Duration);

/// A number of bytes, written as a whole number and one of `B`, `KiB`, `MiB`, `GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(u64);

/// So many in a length of time, written as a whole number, a slash and one of `s`, `min`, `h`, `d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    count: u32,
    unit: usize,
}

/// Why a quantity could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Not a number followed by a unit of time.
    #[error("`{0}` is not an interval; write a number and s, m, h, d or w, such as \"30s\" or \"1h\"")]
    Interval(String),
    /// Not a number followed by a unit of size.
    #[error("`{0}` is not a size; write a number and KiB, MiB or GiB, such as \"16MiB\"")]
    Size(String),
    /// Not a number, a slash and a unit of time.
    #[error("`{0}` is not a rate; write a number, a slash and s, min, h or d, such as \"60/min\"")]
    Rate(String),
}

const TIME_UNITS: &[(&str, u64)] = &[("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
const RATE_UNITS: &[(&str, u64)] = &[("s", 1), ("min", 60), ("h", 3_600), ("d", 86_400)];
const SIZE_UNITS: &[(&str, u64)] = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Splits `12h` into 12 times the worth of `h`. `None` where it is not of that form or overflows.
fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start();
    let (_, worth) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*worth)
}

/// The longest an interval may be: ten years. Keeps every sum with a time of day in range.
const LONGEST: u64 = 10 * 365 * 86_400;

impl Interval {
    /// An interval of whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The same as a [`Duration`].
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl ByteSize {
    /// A size of so many bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// How many bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl Rate {
    /// The pause that keeps it: from the beginning of one to the beginning of the next.
    #[must_use]
    pub fn spacing(self) -> Duration {
        let (_, seconds) = RATE_UNITS[self.unit];
        Duration::from_secs(seconds) / self.count
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let read = || {
            let (count, unit) = text.split_once('/')?;
            let (count, unit) = (count.trim(), unit.trim());
            let digits = !count.is_empty() && count.bytes().all(|digit| digit.is_ascii_digit());
            let count = count.parse().ok().filter(|count| digits && *count > 0)?;
            Some(Self { count, unit: RATE_UNITS.iter().position(|(name, _)| *name == unit)? })
        };
        read().ok_or_else(|| UnitError::Rate(text.to_owned()))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, _) = RATE_UNITS[self.unit];
        write!(f, "{}/{unit}", self.count)
    }
}

impl FromStr for Interval {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        if text.trim() == "0" {
            return Ok(Self(Duration::ZERO));
        }
        match quantity(text, TIME_UNITS) {
            Some(seconds) if seconds <= LONGEST => Ok(Self::from_secs(seconds)),
            _ => Err(UnitError::Interval(text.to_owned())),
        }
    }
}

impl FromStr for ByteSize {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        quantity(text, SIZE_UNITS).map(Self).ok_or_else(|| UnitError::Size(text.to_owned()))
    }
}

/// Writes `amount` in the largest unit that divides it.
fn largest_unit(f: &mut fmt::Formatter<'_>, amount: u64, units: &[(&str, u64)]) -> fmt::Result {
    let smallest = units[units.len() - 1];
    let (unit, worth) = units.iter().find(|(_, worth)| amount > 0 && amount.is_multiple_of(*worth)).unwrap_or(&smallest);
    write!(f, "{}{unit}", amount / worth)
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        largest_unit(f, self.0.as_secs(), TIME_UNITS)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        largest_unit(f, self.0, SIZE_UNITS)
    }
}

/// Reads a quantity from a string value, so that a mistake names the form that is wanted.
struct FromText<T>(std::marker::PhantomData<T>, &'static str);

impl<T: FromStr<Err = UnitError>> Visitor<'_> for FromText<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(FromText(std::marker::PhantomData, "an interval such as \"1h\""))
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(FromText(std::marker::PhantomData, "a size such as \"16MiB\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_reads_back_as_it_is_written() {
        for text in ["30s", "15m", "1h", "2d", "1w", "90s"] {
            assert_eq!(text.parse::<Interval>().unwrap().to_string(), text);
        }
        assert_eq!("3600s".parse::<Interval>().unwrap().to_string(), "1h");
        assert_eq!("0s".parse::<Interval>().unwrap().duration(), Duration::ZERO);
    }

    #[test]
    fn a_quantity_without_a_unit_is_refused() {
        for text in ["", "1", "h", "-1h", "1.5h", "1y", "99999999999999999999h", "9999999999999d"] {
            assert!(text.parse::<Interval>().is_err(), "{text}");
        }
        assert!("16".parse::<ByteSize>().is_err());
        assert!("16MB".parse::<ByteSize>().is_err());
    }

    #[test]
    fn a_rate_reads_back_as_it_is_written() {
        for (text, millis) in [("60/min", 1_000), ("1/s", 1_000), ("10/s", 100), ("2/h", 1_800_000), ("1/d", 86_400_000)] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!((rate.to_string(), rate.spacing()), (text.to_owned(), Duration::from_millis(millis)));
        }
        assert_eq!(" 60 / min ".parse::<Rate>().unwrap().to_string(), "60/min");
        for text in ["", "60", "0/min", "-1/min", "+1/min", "1.5/min", "60/m", "60/minute", "/min", "99999999999/s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_size_reads_back_as_it_is_written() {
        assert_eq!("16MiB".parse::<ByteSize>().unwrap().bytes(), 16 << 20);
        assert_eq!(ByteSize::from_bytes(64 << 10).to_string(), "64KiB");
    }
}
