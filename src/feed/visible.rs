//! PURE. What a reader sees of an entry, as plain text, and what of that is steady: without the numbers, times and counters
//! that change by themselves. Goes in: an entry. Comes out: text to hash and to compare; it is never shown as the entry.

use super::entry::Entry;
use super::text;

/// The title on the first line, the text of the body on the second.
#[must_use]
pub fn text(entry: &Entry) -> String {
    let title = text::one_line(entry.title.as_deref().unwrap_or_default());
    format!("{title}\n{}", text::from_html(entry.body().unwrap_or_default()))
}

/// What is counted under a post: "1 comment" and "12 comments" are the same.
const COUNTED: &[&str] = &[
    "boosts",
    "claps",
    "comments",
    "downloads",
    "favorites",
    "favourites",
    "likes",
    "points",
    "reactions",
    "reads",
    "replies",
    "reposts",
    "responses",
    "retweets",
    "shares",
    "stars",
    "upvotes",
    "views",
    "votes",
];
/// In what an age is told: "3 min ago" and "2 hours ago" are the same; "for 3 hours" and "for 2 days" are not.
const AGES: &[&str] =
    &["d", "days", "h", "hours", "hrs", "m", "mins", "minutes", "months", "s", "seconds", "secs", "weeks", "w", "y", "years"];
/// The words of dates, in English: with a number beside them they are one.
const OF_DATES: &[&str] = &[
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "sept",
    "oct",
    "nov",
    "dec",
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "mon",
    "tue",
    "tues",
    "wed",
    "thu",
    "thur",
    "thurs",
    "fri",
    "sat",
    "sun",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "am",
    "pm",
    "utc",
    "gmt",
    "at",
];

/// Text without what changes by itself: each number, date, age and counter is the same as any other, and so is white space.
/// So digits alone make no change, also where they mean something ("version 1.2").
#[must_use]
pub fn steady(seen: &str) -> String {
    let words: Vec<&str> = seen.split_whitespace().collect();
    let mut steady = String::with_capacity(seen.len());
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let run = words[at..].iter().take_while(|word| is_number(word) || is_of_date(word)).count();
        let numbers = words[at..at + run].iter().filter(|word| is_number(word)).count();
        if numbers > 0 {
            steady.push('0');
            at += run;
            at += words.get(at..).map_or(0, counted);
        } else {
            push_without_digits(&mut steady, word);
            at += 1;
        }
        steady.push(' ');
    }
    steady.truncate(steady.trim_end().len());
    steady
}

/// How many of the words after a number only say what it counts, or how long ago.
fn counted(after: &[&str]) -> usize {
    let is = |place: usize, list: &[&str]| {
        let Some(word) = after.get(place).map(|word| bare(word)) else { return false };
        list.iter()
            .any(|known| *known == word || known.strip_suffix('s') == Some(&word) || (*known == "replies" && word == "reply"))
    };
    let ago = |place: usize| after.get(place).is_some_and(|word| bare(word) == "ago");
    match () {
        () if ago(0) => 1,
        () if is(0, AGES) && ago(1) => 2,
        () if is(0, COUNTED) => 1,
        () => 0,
    }
}

/// A word in small letters, without the punctuation around it.
fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

/// Digits, with what belongs to a number or a time of day: `12`, `1,234`, `12:30`, `3rd`, `12K`, `5min`, `2026-01-05`.
fn is_number(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let letters = word.trim_start_matches(|c: char| c.is_numeric() || matches!(c, '.' | ',' | ':' | '-' | '/'));
    letters.len() < word.len() && letters.len() <= 4 && letters.chars().all(|c| c.is_ascii_alphabetic()) || is_timestamp(word)
}

/// `2026-01-05T08:00:00Z` and its kin.
fn is_timestamp(word: &str) -> bool {
    let of_time = |c: char| c.is_ascii_digit() || matches!(c, '-' | ':' | '.' | '+' | 'T' | 'Z' | 't' | 'z');
    word.starts_with(|c: char| c.is_ascii_digit()) && word.contains(':') && word.chars().all(of_time)
}

fn is_of_date(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    OF_DATES.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// A word in which each run of digits is the same as any other.
fn push_without_digits(steady: &mut String, word: &str) {
    let mut in_number = false;
    for c in word.chars() {
        if c.is_numeric() {
            if !in_number {
                steady.push('0');
            }
            in_number = true;
        } else {
            in_number = false;
            steady.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        steady(a) == steady(b)
    }

    #[test]
    fn numbers_times_and_counters_alone_are_no_change() {
        for (before, after) in [
            ("12 comments", "13 comments"),
            ("(1 comment)", "(2,345 comments)"),
            ("1 reply.", "20 replies."),
            ("12K views · 9 likes", "1.2M views · 10 likes"),
            ("3 min ago", "59 minutes ago"),
            ("posted 59m ago by x", "posted 2 hours ago by x"),
            ("Updated 5 January 2026 at 9:05 am", "Updated 11 February 2026 at 12:30 pm"),
            ("on Mon, 05 Jan 2026 08:00:00 GMT", "on Sunday 6 December 2026"),
            ("as of 2026-01-05T08:00:00Z", "as of 2026-11-12T18:30:01+01:00"),
            ("version 1.2", "version 1.10"),
            ("第12条", "第345条"),
            ("a  b\nc", "a b c"),
        ] {
            assert!(same(before, after), "{:?} and {:?}", steady(before), steady(after));
        }
    }

    #[test]
    fn words_are_a_change_also_beside_numbers() {
        for (before, after) in [
            ("one two", "one three"),
            ("the outage lasted 3 hours", "the outage lasted 3 days"),
            ("in March we began", "in April we began"),
            ("he may come", "he will come"),
            ("3月に発売された", "3月に延期された"),
            ("it costs 10 euros", "it costs 10 dollars"),
            ("yes", "yes 3"),
        ] {
            assert!(!same(before, after), "{:?}", steady(before));
        }
    }

    #[test]
    fn what_is_seen_is_title_and_text_without_markup_or_addresses() {
        let body = Some("<p>One <a href='https://example.org/?utm_source=x'>two</a></p>".to_owned());
        let entry = Entry { title: Some("A  title".to_owned()), content: body, ..Entry::default() };
        assert_eq!(text(&entry), "A title\nOne two");
    }
}
