//! What each HTTP status does: one table, which `docs/http-statuses.md` shows.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{DAY, HOUR};

/// What an answer with a status does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// The document is read.
    Document,
    /// The document is the one we have.
    Unchanged,
    /// Followed, and remembered once all redirects on the way are such and the document has been read.
    Moved,
    /// Followed each time, never remembered.
    Elsewhere,
    /// We are not welcome, or not as we are.
    Refused,
    /// There is nothing, now.
    Missing,
    /// There is nothing, for good.
    Gone,
    /// We ask too often: the whole host is left alone.
    TooMany,
    /// The server is busy.
    Busy,
    /// Anything else that is no document; no answer at all is treated alike.
    Failure,
}

/// A row of the table: the statuses and their treatment.
type Row = (&'static [RangeInclusive<u16>], Treatment);

/// Every status stands in one row alone.
const TABLE: &[Row] = &[
    (&[200..=200], Treatment::Document),
    (&[304..=304], Treatment::Unchanged),
    (&[301..=301, 308..=308], Treatment::Moved),
    (&[302..=303, 307..=307], Treatment::Elsewhere),
    (&[401..=403, 451..=451], Treatment::Refused),
    (&[404..=404], Treatment::Missing),
    (&[410..=410], Treatment::Gone),
    (&[429..=429], Treatment::TooMany),
    (&[503..=503], Treatment::Busy),
    (
        &[
            100..=199,
            201..=299,
            300..=300,
            305..=306,
            309..=399,
            400..=400,
            405..=409,
            411..=428,
            430..=450,
            452..=502,
            504..=599,
        ],
        Treatment::Failure,
    ),
];

impl Treatment {
    /// What an answer with this status does; no status is no answer.
    #[must_use]
    pub fn of(status: Option<u16>) -> Self {
        let Some(status) = status else { return Self::Failure };
        let row = TABLE.iter().find(|(statuses, _)| statuses.iter().any(|range| range.contains(&status)));
        row.map_or(Self::Failure, |(_, treatment)| *treatment)
    }

    /// The wait after the first failure, and the longest to which it doubles.
    pub(super) const fn back_off(self) -> (Duration, Duration) {
        match self {
            Self::Refused => (Duration::from_secs(6 * 3_600), Duration::from_secs(7 * 86_400)),
            Self::TooMany | Self::Busy => (Duration::from_secs(2 * 3_600), DAY),
            // A document that cannot be read, or a redirect that leads nowhere, is a failure like any other.
            Self::Document | Self::Unchanged | Self::Moved | Self::Elsewhere | Self::Missing | Self::Gone | Self::Failure => {
                (HOUR, DAY)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    const PAGE: &str = include_str!("../../docs/http-statuses.md");

    /// What a person reads of a treatment: what happens, and when the next request is.
    fn words(treatment: Treatment) -> (&'static str, &'static str) {
        match treatment {
            Treatment::Document => ("the document is read, and its validators are kept with it", "after the interval"),
            Treatment::Unchanged => ("nothing changed; new validators and a new lifetime are taken over", "after the interval"),
            Treatment::Moved => ("followed; remembered once the document there has been read as a feed", "after the interval"),
            Treatment::Elsewhere => ("followed each time, never remembered", "after the interval"),
            Treatment::Refused => ("a failure; a person's business after three in a row", "6h, doubling to 7d"),
            Treatment::Missing => ("a failure, often a move; a person's business after three days", "1h, doubling to 24h"),
            Treatment::Gone => ("the feed is gone; a person's business at once", "never again by itself"),
            Treatment::TooMany => ("a failure, and all feeds of the host wait", "after `Retry-After`; else 2h, doubling to 24h"),
            Treatment::Busy => ("a failure", "after `Retry-After`; else 2h, doubling to 24h"),
            Treatment::Failure => ("a failure; a person's business after three days", "1h, doubling to 24h"),
        }
    }

    /// The table as `docs/http-statuses.md` has it.
    fn table() -> String {
        let mut text = "| status | what it does | the next request |\n|---|---|---|\n".to_owned();
        for (statuses, treatment) in TABLE {
            let (does, next) = words(*treatment);
            let range = |range: &RangeInclusive<u16>| match range.clone().into_inner() {
                (first, last) if first == last => first.to_string(),
                (first, last) if last == first + 1 => format!("{first}, {last}"),
                (first, last) => format!("{first}–{last}"),
            };
            let statuses = statuses.iter().map(range).collect::<Vec<_>>().join(", ");
            let _ = writeln!(text, "| {statuses} | {does} | {next} |");
        }
        text + "| no answer | as any other failure: no such name, no connection, no TLS, no time | 1h, doubling to 24h |\n"
    }

    #[test]
    fn every_status_stands_in_one_row() {
        for status in 100..=599 {
            let rows = TABLE.iter().flat_map(|(statuses, _)| *statuses).filter(|range| range.contains(&status)).count();
            assert_eq!(rows, 1, "{status}");
        }
        assert_eq!([None, Some(0), Some(999)].map(Treatment::of), [Treatment::Failure; 3]);
    }

    #[test]
    fn the_page_shows_the_table() {
        assert!(PAGE.contains(&table()), "docs/http-statuses.md lacks this table:\n{}", table());
    }
}
