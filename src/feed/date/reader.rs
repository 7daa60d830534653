//! Reads a date token by token: each says by itself, or by what stands beside it, what it is. A token that cannot be placed
//! ends the reading without a date.

use jiff::Timestamp;
use jiff::civil::{Date, Time};

use super::calendar::{self, date, day_of_year, full_year, in_order, small};
use super::clock::{self, Clock};
use super::names::{self, Half, Meaning, Unit};
use super::token::{Cursor, Number, Piece, Token};
use super::zone::{self, Zone};

/// Where clocks stand that are read in Korean.
const KOREA: Zone = Zone::Named(9 * 3600);

/// What was read last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Number,
    Word,
    /// The `T` before a time.
    TimeMark,
    Time,
    Zone,
    Sign,
}

/// What a text has said so far.
pub(super) struct Reader<'a> {
    cursor: Cursor<'a>,
    last: Last,
    /// Numbers whose place is not known yet, and how many there are.
    numbers: [Number; 3],
    count: usize,
    /// What stood between the first two.
    separator: Option<char>,
    year: Option<Number>,
    month: Option<i8>,
    month_may_be_weekday: bool,
    day: Option<Number>,
    /// A date that came in one piece.
    date: Option<Date>,
    time: Option<Clock>,
    half: Option<Half>,
    zone: Option<Zone>,
    /// `Etc/GMT+5` is five hours behind.
    zone_is_reversed: bool,
    is_korean: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(cursor: Cursor<'a>) -> Self {
        Self {
            cursor,
            last: Last::Nothing,
            numbers: [Number::default(); 3],
            count: 0,
            separator: None,
            year: None,
            month: None,
            month_may_be_weekday: false,
            day: None,
            date: None,
            time: None,
            half: None,
            zone: None,
            zone_is_reversed: false,
            is_korean: false,
        }
    }

    /// The moment that the text means, if all of it is understood.
    pub(super) fn read(mut self) -> Option<Timestamp> {
        while let Some(piece) = self.cursor.take() {
            self.last = match piece.token {
                Token::Number(number) => self.number(number)?,
                Token::Word(word) => self.word(word)?,
                Token::Sign(sign) => self.sign(sign, piece.spaced)?,
            };
        }
        let date = self.calendar()?;
        let (time, next_day) = match self.time {
            Some(clock) => clock.time(self.half)?,
            None => (Time::midnight(), false),
        };
        let date = if next_day { date.tomorrow().ok()? } else { date };
        let zone = self.zone.unwrap_or(if self.is_korean { KOREA } else { Zone::Named(0) });
        zone.timestamp(date.to_datetime(time))
    }

    fn has_date(&self) -> bool {
        let named = [self.year.is_some(), self.month.is_some(), self.day.is_some()].into_iter().filter(|known| *known).count();
        self.date.is_some() || self.count + named >= 3
    }

    fn has_year(&self) -> bool {
        let numbers = self.numbers.get(..self.count).unwrap_or_default();
        self.date.is_some() || self.year.is_some() || numbers.iter().any(|number| number.is_year())
    }

    fn begins_date(&self) -> bool {
        self.date.is_none() && self.count == 0 && self.year.is_none() && self.month.is_none() && self.day.is_none()
    }

    /// The word that follows, if it says what the number before it counts.
    fn unit_ahead(&self) -> Option<Unit> {
        // A quick no for what comes most.
        if self.cursor.first().is_none_or(|c| c.is_ascii() && !matches!(c, 'h' | 'H' | 'u' | 'U')) {
            return None;
        }
        let Some(Piece { token: Token::Word(word), .. }) = self.cursor.peek() else { return None };
        names::unit(word)
    }

    fn is_close(&self, sign: char) -> bool {
        let mut ahead = self.cursor;
        ahead.skip_sign(sign) && ahead.take_number().is_some()
    }

    fn number(&mut self, number: Number) -> Option<Last> {
        let unit = self.unit_ahead();
        if let Some(unit) = unit {
            return self.counted(number, unit);
        }
        if number.digits <= 2 && self.is_close(':') {
            if self.time.is_none() {
                self.time = Some(Clock::signed(number, ':', &mut self.cursor)?);
                return Some(Last::Time);
            }
            return self.lost_plus(number);
        }
        let is_due = self.last == Last::TimeMark;
        if self.time.is_none() && (is_due || self.has_date()) {
            return self.time_without_colon(number, is_due);
        }
        if self.has_date() {
            return self.lost_plus(number);
        }
        self.part_of_date(number)
    }

    /// A time that is one because its place says so.
    fn time_without_colon(&mut self, number: Number, is_due: bool) -> Option<Last> {
        let is_dotted = !is_due && number.digits <= 2 && self.is_close('.');
        // The number of a year may come after those of two days.
        let may_be_year = number.digits == 4 && !self.has_year();
        let is_bare_hour = number.digits <= 2 && !is_dotted && !self.ends_time();
        if !is_due && (is_bare_hour || may_be_year) {
            return None;
        }
        self.time =
            Some(if is_dotted { Clock::signed(number, '.', &mut self.cursor)? } else { Clock::basic(number, &mut self.cursor)? });
        Some(Last::Time)
    }

    /// `14:33:00 0100`: an offset whose plus became a space on its way through a URL.
    fn lost_plus(&mut self, number: Number) -> Option<Last> {
        let is_offset = number.digits == 4 || number.value == 0 || self.is_close(':');
        let lost = is_offset && self.has_date() && self.last == Last::Time && self.zone.is_none();
        lost.then(|| self.offset(number, 1)).flatten()
    }

    fn counted(&mut self, number: Number, unit: Unit) -> Option<Last> {
        if let Some(Piece { token: Token::Word(word), .. }) = self.cursor.take() {
            self.is_korean |= is_hangul(word);
        }
        match unit {
            Unit::Year if self.year.is_none() => self.year = Some(number),
            Unit::Month if self.month.is_none() => self.month = i8::try_from(number.value).ok(),
            Unit::Day if self.day.is_none() => self.day = Some(number),
            Unit::Hour if self.time.is_none() => {
                self.time = Some(Clock::counted(number, &mut self.cursor));
                return Some(Last::Time);
            }
            Unit::Year | Unit::Month | Unit::Day | Unit::Hour | Unit::Minute | Unit::Second => return None,
        }
        Some(Last::Word)
    }

    fn part_of_date(&mut self, number: Number) -> Option<Last> {
        if number.digits > 4 {
            return self.compact(number);
        }
        *self.numbers.get_mut(self.count)? = number;
        self.count += 1;
        Some(Last::Number)
    }

    fn compact(&mut self, number: Number) -> Option<Last> {
        if !self.begins_date() {
            return None;
        }
        let (date, clock) = calendar::compact(number)?;
        self.date = Some(date);
        let Some(clock) = clock else { return Some(Last::Number) };
        self.time = Some(Clock::basic(clock, &mut self.cursor)?);
        Some(Last::Time)
    }

    fn word(&mut self, word: &'a str) -> Option<Last> {
        self.is_korean |= is_hangul(word);
        if let Some(half) = clock::half_of_day(word, &mut self.cursor) {
            self.half = self.half.or(Some(half));
            return Some(if self.time.is_some() { Last::Time } else { Last::Word });
        }
        if self.time.is_some()
            && let Some(zone) = zone::named(word)
        {
            return Some(self.stands_at(zone));
        }
        let before_number = matches!(self.cursor.peek(), Some(Piece { token: Token::Number(_), spaced: false }));
        if word.eq_ignore_ascii_case("t") && !self.begins_date() && (before_number || self.cursor.peek().is_none()) {
            return Some(Last::TimeMark);
        }
        if word.eq_ignore_ascii_case("w") && before_number && self.count == 1 && self.month.is_none() {
            return self.week();
        }
        if !self.begins_date() && self.is_region(word) {
            return self.region(word);
        }
        match names::meaning(word) {
            Some(Meaning::Month(month)) => self.named_month(month, false),
            Some(Meaning::MonthOrWeekday(month)) => self.named_month(month, true),
            Some(Meaning::Nothing | Meaning::Unit(_) | Meaning::Half(_)) => Some(Last::Word),
            None => self.unknown(word),
        }
    }

    /// The week of a year, behind its `W`.
    fn week(&mut self) -> Option<Last> {
        let number = self.cursor.take_number()?;
        let dashed = number.digits == 2 && self.is_close('-') && self.cursor.skip_sign('-');
        let day = if dashed { self.cursor.take_number() } else { None };
        self.date = Some(calendar::week(*self.numbers.first()?, number, day)?);
        Some(Last::Number)
    }

    /// Whether what follows can only stand behind a time.
    fn ends_time(&self) -> bool {
        let mut ahead = self.cursor;
        match ahead.take() {
            Some(Piece { token: Token::Word(word), .. }) => {
                zone::named(word).is_some() || clock::half_of_day(word, &mut ahead).is_some()
            }
            Some(Piece { token: Token::Sign('+' | '-'), .. }) => ahead.take_number().is_some_and(|number| number.digits == 4),
            _ => false,
        }
    }

    fn named_month(&mut self, month: i8, may_be_weekday: bool) -> Option<Last> {
        match self.month {
            None => (self.month, self.month_may_be_weekday) = (Some(month), may_be_weekday),
            Some(_) if self.month_may_be_weekday => (self.month, self.month_may_be_weekday) = (Some(month), false),
            Some(_) if may_be_weekday => {}
            Some(_) => return None,
        }
        Some(Last::Word)
    }

    fn stands_at(&mut self, zone: Zone) -> Last {
        self.zone = match (self.zone, zone) {
            (None | Some(Zone::Named(_)), Zone::Ahead(_)) | (None, Zone::Named(_) | Zone::Rule(_)) => Some(zone),
            (known, Zone::Named(_) | Zone::Ahead(_) | Zone::Rule(_)) => known,
        };
        Last::Zone
    }

    fn is_region(&self, word: &str) -> bool {
        let mut ahead = self.cursor;
        word.len() > 1
            && ahead.skip_sign('/')
            && matches!(ahead.take(), Some(Piece { token: Token::Word(_), spaced: false }))
            && !matches!(names::meaning(word), Some(Meaning::Month(_) | Meaning::MonthOrWeekday(_)))
    }

    fn region(&mut self, word: &str) -> Option<Last> {
        self.cursor.skip_sign('/');
        if word.eq_ignore_ascii_case("etc") {
            self.zone_is_reversed = true;
            return Some(Last::Word);
        }
        let zone = zone::region(self.cursor.take_until(|c| c.is_whitespace() || matches!(c, ']' | ')')))?;
        Some(self.stands_at(zone))
    }

    /// A word in no table: a zone that nobody knows, or a weekday in another language.
    fn unknown(&mut self, word: &str) -> Option<Last> {
        let before_comma = matches!(self.cursor.peek(), Some(Piece { token: Token::Sign(',' | '.'), .. }));
        if self.last == Last::Nothing && before_comma {
            return Some(Last::Word);
        }
        if !self.has_date() && self.time.is_none() {
            return None;
        }
        let rfc_2822 = self.last == Last::Time && self.zone.is_none() && zone::may_be_name(word);
        let zone = zone::named(word).or_else(|| rfc_2822.then_some(Zone::Named(0)))?;
        Some(self.stands_at(zone))
    }

    fn sign(&mut self, sign: char, spaced: bool) -> Option<Last> {
        match sign {
            '(' | '[' => {
                let aside = self.cursor.take_until(|c| matches!(c, ')' | ']' | '）'));
                if let (Some(_), None) = (self.time, self.zone)
                    && let Some(zone) = zone::named(aside).or_else(|| zone::region(aside))
                {
                    self.stands_at(zone);
                }
                Some(self.last)
            }
            '+' | '-' if self.begins_offset(sign, spaced) => {
                let number = self.cursor.take_number()?;
                self.offset(number, if sign == '-' { -1 } else { 1 })
            }
            '-' => {
                // WordPress dates a draft `Wed, 30 Nov -0001`.
                let negative = spaced && !self.begins_date() && self.cursor.take_number().is_some();
                (!negative).then(|| self.separated(sign))
            }
            ':' if self.time.is_some() && !matches!(self.cursor.first(), Some('+' | '-')) => None,
            ':' | '/' | '.' => Some(self.separated(sign)),
            ',' | ';' | '|' | '_' | '~' | '\'' | '"' | ')' | ']' | '）' | '·' | '•' | '°' | '@' => Some(Last::Sign),
            _ => None,
        }
    }

    fn separated(&mut self, sign: char) -> Last {
        if self.last == Last::Number && self.count == 1 {
            self.separator = Some(sign);
        }
        Last::Sign
    }

    fn begins_offset(&self, sign: char, spaced: bool) -> bool {
        let mut ahead = self.cursor;
        let Some(number) = ahead.take_number() else { return false };
        if matches!(self.last, Last::Time | Last::Zone) || (self.time.is_some() && (spaced || self.last == Last::Sign)) {
            return true;
        }
        if self.time.is_some() || !self.has_date() {
            return false;
        }
        // XML Schema has dates with an offset and without a time.
        let short = number.digits == 2 && ahead.skip_sign(':') && ahead.take_number().is_some() && !ahead.skip_sign(':');
        sign == '+' || (short && !spaced)
    }

    fn offset(&mut self, number: Number, sign: i32) -> Option<Last> {
        let sign = if self.zone_is_reversed { -sign } else { sign };
        let seconds = clock::ahead_of_utc(number, &mut self.cursor)?;
        Some(self.stands_at(Zone::Ahead(sign * seconds)))
    }

    fn calendar(&self) -> Option<Date> {
        if let Some(date) = self.date {
            return Some(date);
        }
        if self.year.is_some() || self.day.is_some() {
            let day = self.day.map_or(Some(1), |day| small(day.value))?;
            return date(full_year(self.year?).filter(|_| self.count == 0)?, self.month?, day);
        }
        match (self.month, self.numbers.get(..self.count)?) {
            (Some(month), [a, b]) => {
                let (day, year) = if a.is_year() && !b.is_year() { (b, a) } else { (a, b) };
                date(full_year(*year)?, month, small(day.value)?)
            }
            (Some(month), [year]) if year.digits == 4 => date(full_year(*year)?, month, 1),
            (None, [a, b, c]) => in_order(*a, *b, *c, self.separator),
            (None, [a, b]) if b.digits == 3 && !a.is_odd() => day_of_year(full_year(*a)?, b.value),
            (None, [year, month]) if year.digits == 4 => date(full_year(*year)?, small(month.value)?, 1),
            (None, [month, year]) if year.digits == 4 => date(full_year(*year)?, small(month.value)?, 1),
            (None, [year]) if year.digits == 4 && self.time.is_none() => date(full_year(*year)?, 1, 1),
            _ => None,
        }
    }
}

fn is_hangul(word: &str) -> bool {
    word.starts_with(|c| matches!(c, '\u{AC00}'..='\u{D7A3}'))
}
