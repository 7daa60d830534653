//! PURE. What a reader sees of an entry, as plain text, and what of that is steady: without the numbers, times and counters
//! that change by themselves. Goes in: an entry. Comes out: text to hash and to compare; it is never shown as the entry.

mod phrases;

use self::phrases::Phrase;
use super::entry::Entry;
use super::text;

/// The title on the first line, the text of the body on the second.
#[must_use]
pub fn text(entry: &Entry) -> String {
    let title = text::one_line(entry.title.as_deref().unwrap_or_default());
    format!("{title}\n{}", text::from_html(entry.body().unwrap_or_default()))
}

/// Text without what changes by itself: each number, date and age is the same as any other, each counter of a thing too, and
/// so is white space. So digits alone make no change, also where they mean something ("version 1.2").
#[must_use]
pub fn steady(seen: &str) -> String {
    let words: Vec<&str> = seen.split_whitespace().collect();
    let bare: Vec<String> = words.iter().map(|word| phrases::bare(word)).collect();
    let mut steady = String::with_capacity(seen.len());
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if let Some((length, phrase)) = phrases::begins(&bare[at..]) {
            push_number(&mut steady);
            if let Phrase::Count(what) = phrase {
                steady.push_str(what);
                steady.push(' ');
            }
            at += length;
        } else if let Some(length) = phrases::date(&bare[at..]) {
            push_number(&mut steady);
            // The last number of a date may be the first word of what follows: "Monday 3 hours ago".
            let goes_on = length > 1 && phrases::begins(&bare[at + length - 1..]).is_some();
            at += if goes_on { length - 1 } else { length };
        } else {
            push_without_digits(&mut steady, word);
            steady.push(' ');
            at += 1;
        }
    }
    steady.truncate(steady.trim_end().len());
    steady
}

/// Any number; two in a row are as one, because an age may become a date with a time of day.
fn push_number(steady: &mut String) {
    if steady != "0 " && !steady.ends_with(" 0 ") {
        steady.push_str("0 ");
    }
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
            ("No comments yet", "12 comments"),
            ("no comments", "1 comment so far"),
            ("Leave a comment", "a comment"),
            ("Noch keine Kommentare", "3 Kommentare"),
            ("Aucun commentaire pour l’instant", "un commentaire"),
            ("Pas encore de commentaires", "2 commentaires"),
            ("Sin comentarios", "5 comentarios"),
            ("Nessun commento", "3 commenti"),
            ("нет комментариев", "12 комментариев"),
            ("3 min ago", "59 minutes ago"),
            ("posted 59m ago by x", "posted 2 hours ago by x"),
            ("posted just now by x", "posted a few seconds ago by x"),
            ("posted an hour ago by x", "posted yesterday by x"),
            ("posted yesterday by x", "posted 2 days ago by x"),
            ("about 1 hour ago", "less than a minute ago"),
            ("today at 9:05", "Yesterday at 23:59"),
            ("Yesterday at 9:05", "5 January 2026"),
            ("gerade eben", "vor etwa einer Stunde"),
            ("gestern", "vor 3 Tagen"),
            ("il y a 5 minutes", "il y a environ une heure"),
            ("Hier à 9:05", "Aujourd’hui à 12:30"),
            ("hace un momento", "hace 3 días"),
            ("un'ora fa", "2 giorni fa"),
            ("há 5 minutos", "ontem"),
            ("een uur geleden", "3 dagen geleden"),
            ("5 minut temu", "wczoraj"),
            ("5 минут назад", "вчера"),
            ("för 5 minuter sedan", "igår"),
            ("am 5. Januar 2026, 9:05 Uhr", "am Dienstag, 11. Februar 2026 12:30 Uhr"),
            ("el 5 de enero de 2026", "el 11 de febrero de 2027"),
            ("le lundi 5 janvier 2026", "le 1er août 2026"),
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
            ("12 likes", "12 comments"),
            ("he gave no comment", "he gave a comment"),
            ("there is a view of the sea", "there is no view of the sea"),
            ("he died today", "he died yesterday"),
            ("he died a year ago", "he died a week ago"),
            ("klicken Sie hier", "klicken Sie dort"),
            ("a few people", "a few hours"),
            ("it takes an hour", "it takes a day"),
            ("der Gipfel vor uns", "der Gipfel vor ihnen"),
            ("hace frío", "hace calor"),
            ("no reply came", "a reply came"),
            ("Mars was seen", "Avril was seen"),
        ] {
            assert!(!same(before, after), "{:?}", steady(before));
        }
    }

    #[test]
    fn no_text_costs_more_than_its_length() {
        for word in ["march ", "5 ", "noch ", "a ", "about ", "de "] {
            let text = word.repeat(50_000);
            assert!(steady(&text).len() <= text.len());
        }
    }

    #[test]
    fn what_is_seen_is_title_and_text_without_markup_or_addresses() {
        let body = Some("<p>One <a href='https://example.org/?utm_source=x'>two</a></p>".to_owned());
        let entry = Entry { title: Some("A  title".to_owned()), content: body, ..Entry::default() };
        assert_eq!(text(&entry), "A title\nOne two");
    }
}
