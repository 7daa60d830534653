//! PURE. What is wrong with a feed that cannot be read, how serious that is, and what a person can do. Goes in: what happened,
//! how often and since when. Comes out: a [`Trouble`], and whether it [`needs a person`](needs_person).

use std::time::Duration;

use jiff::Timestamp;

/// What is wrong with a feed, the most serious first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// The publisher says that it is gone for good (410).
    Gone,
    /// A page for people came in its place.
    Page,
    /// There is nothing at its address (404).
    Missing,
    /// The server's certificate has expired.
    Certificate,
    /// The server's certificate is not to be trusted, or there is no TLS at all.
    Untrusted,
    /// The server refuses us (401, 402, 403, 451).
    Refused,
    /// The address guard refuses it.
    Guarded,
    /// The server has trouble of its own (5xx), or too many ask it (429).
    Server,
    /// There is no connection to the server: its name, its address.
    Unreachable,
    /// The answer did not come in time.
    Slow,
    /// The document is larger than it may be.
    TooLarge,
    /// What came is no feed that can be read.
    Unreadable,
    /// The file cannot be read.
    File,
    /// The program that gives or filters the document failed.
    Program,
    /// What the program said was to try later.
    Later,
    /// Something else.
    Other,
}

/// A failing feed is a person's business after so long.
pub const FAILING_FOR_DAYS: Duration = Duration::from_secs(3 * 86_400);
/// A server that refuses us so often in a row means it.
const REFUSALS: u32 = 3;

impl Trouble {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("gone", Self::Gone),
        ("page", Self::Page),
        ("missing", Self::Missing),
        ("certificate", Self::Certificate),
        ("untrusted", Self::Untrusted),
        ("refused", Self::Refused),
        ("guarded", Self::Guarded),
        ("server", Self::Server),
        ("unreachable", Self::Unreachable),
        ("slow", Self::Slow),
        ("too-large", Self::TooLarge),
        ("unreadable", Self::Unreadable),
        ("file", Self::File),
        ("program", Self::Program),
        ("later", Self::Later),
        ("other", Self::Other),
    ];

    /// The word for it, as it stands in the database and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, trouble)| *trouble == self).map_or("other", |(word, _)| word)
    }

    /// The one of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(name, _)| *name == word).map(|(_, trouble)| *trouble)
    }

    /// What a status that is no success says.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            410 => Self::Gone,
            404 => Self::Missing,
            401 | 402 | 403 | 451 => Self::Refused,
            429 | 500..=599 => Self::Server,
            _ => Self::Other,
        }
    }

    /// What a person can do about it, in a sentence about the feed `name`.
    #[must_use]
    pub fn advice(self, name: &str) -> String {
        match self {
            Self::Gone => format!("its publisher has ended it; `feeds remove {name}` takes it out"),
            Self::Page => format!("`feeds show {name}` says what comes instead; its site may have a new address for it"),
            Self::Missing => {
                "it may have moved: look for its new address on its site, and put that into the configuration".to_owned()
            }
            Self::Certificate => "only its publisher can renew that; it is asked again all the same".to_owned(),
            Self::Untrusted => {
                "look for its address with the right name; the certificate of an authority of your own goes into `ca_file`"
                    .to_owned()
            }
            Self::Refused => "it may want a login, or no programs at all: its publisher can say which".to_owned(),
            Self::Guarded => {
                format!("if you trust it, `feeds show {name}` says which line to add to `allow_addresses` under `[http]`")
            }
            Self::Server => "mostly this passes; it is asked again all the same".to_owned(),
            Self::Slow => "mostly this passes; if it is always slow, raise `timeout`, for this feed or under `[http]`".to_owned(),
            Self::Unreachable => "if other feeds can be read, its site is down or has a new address".to_owned(),
            Self::TooLarge => "raise `max_body`, for this feed or under `[http]`, if it is meant to be that large".to_owned(),
            Self::Unreadable => format!("`feeds show {name}` says what comes; its publisher may not know"),
            Self::File => "put it back, or correct its path in the configuration".to_owned(),
            Self::Program | Self::Later => format!("`feeds status {name}` shows what the program wrote to its standard error"),
            Self::Other => format!("`feeds show {name}` asks once more, and says what comes"),
        }
    }
}

/// Whether a feed needs a person: gone at once, refused three times, anything else when it has lasted for days.
#[must_use]
pub fn needs_person(trouble: Trouble, failures: u32, since: Option<Timestamp>, now: Timestamp) -> bool {
    let long = || {
        since.is_some_and(|since| Duration::try_from(now.duration_since(since)).is_ok_and(|failing| failing >= FAILING_FOR_DAYS))
    };
    match trouble {
        Trouble::Gone => true,
        Trouble::Refused => failures >= REFUSALS || long(),
        _ => long(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(hours * 3_600).unwrap()
    }

    #[test]
    fn p19_p20_a_refusal_is_told_after_three_a_gone_feed_at_once_and_all_else_after_three_days() {
        let needs = |trouble, failures, hours| needs_person(trouble, failures, Some(at(0)), at(hours));
        assert!(needs(Trouble::Gone, 1, 0));
        assert!(!needs(Trouble::Refused, 2, 6) && needs(Trouble::Refused, 3, 18));
        for (_, trouble) in &Trouble::WORDS[1..] {
            assert!(needs(*trouble, 2, 72), "{trouble:?}");
            assert!(*trouble == Trouble::Refused || !needs(*trouble, 9, 71), "{trouble:?}");
        }
        assert!(!needs_person(Trouble::Server, 9, None, at(99)));
        assert!(!needs_person(Trouble::Server, 9, Some(at(9)), at(0)), "a clock that was set back");
    }

    #[test]
    fn every_trouble_has_a_word_a_place_and_an_advice() {
        let mut before = None;
        for (word, trouble) in Trouble::WORDS {
            assert_eq!((trouble.word(), Trouble::from_word(word)), (*word, Some(*trouble)));
            assert!(before < Some(*trouble), "the table is in the order of seriousness");
            assert!(!trouble.advice("x").is_empty());
            before = Some(*trouble);
        }
        assert_eq!(Trouble::from_word("else"), None);
    }

    #[test]
    fn a_status_says_what_is_wrong() {
        for (status, trouble) in [
            (410, Trouble::Gone),
            (404, Trouble::Missing),
            (401, Trouble::Refused),
            (403, Trouble::Refused),
            (451, Trouble::Refused),
            (429, Trouble::Server),
            (500, Trouble::Server),
            (599, Trouble::Server),
            (400, Trouble::Other),
            (302, Trouble::Other),
        ] {
            assert_eq!(Trouble::of_status(status), trouble, "{status}");
        }
    }
}
