//! PURE. Which language a mail is in, and which way it is read.

use crate::feed::{Entry, Facts};

/// Languages that are written from right to left unless a script says otherwise.
const RIGHT_TO_LEFT: &[&str] = &[
    "ar", "arc", "arz", "ckb", "dv", "fa", "glk", "he", "iw", "khw", "ks", "lrc", "mzn", "nqo", "pnb", "prs", "ps", "sd", "syr",
    "ug", "ur", "yi",
];
/// Scripts that are.
const SCRIPTS: &[&str] = &["adlm", "arab", "hebr", "mand", "nkoo", "rohg", "samr", "syrc", "thaa"];
/// How much of a text is looked at, in characters.
const LOOKED_AT: usize = 400;

/// The language tag of an entry, else of its feed, where it has the form of one.
pub(super) fn language<'a>(entry: &'a Entry, facts: &'a Facts) -> Option<&'a str> {
    let tags = [entry.language.as_deref(), Some(facts.feed.language.as_str())];
    tags.into_iter().flatten().find(|tag| is_language(tag))
}

/// `rtl`, or `auto` for a program to see for itself. Letters tell more than the language: many feeds name a wrong one.
pub(super) fn direction(language: Option<&str>, text: &str) -> &'static str {
    let letters = || text.chars().take(LOOKED_AT).filter(|c| c.is_alphabetic());
    let (all, turned) = (letters().count(), letters().filter(|c| is_right_to_left(*c)).count());
    let said = language.is_some_and(is_of_right_to_left);
    if turned * 2 > all || (said && (turned > 0 || all == 0)) { "rtl" } else { "auto" }
}

fn is_of_right_to_left(tag: &str) -> bool {
    let tag = tag.to_ascii_lowercase();
    let (first, rest) = tag.split_once('-').unwrap_or((&tag, ""));
    let script = rest.split('-').find(|part| part.len() == 4 && part.chars().all(|c| c.is_ascii_alphabetic()));
    script.map_or_else(|| RIGHT_TO_LEFT.contains(&first), |script| SCRIPTS.contains(&script))
}

fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFF}' | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
}

/// Whether text has the form of a language tag (BCP 47).
pub(super) fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    let is_word = |part: &str, most: usize| (1..=most).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
    let begins = first.len() >= 2 && first.chars().all(|c| c.is_ascii_alphabetic()) && is_word(first, 3);
    begins && tag.len() <= 35 && parts.all(|part| is_word(part, 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_tag_is_told_from_other_words() {
        assert!(["en", "en-US", "zh-Hant-TW", "gsw"].iter().all(|tag| is_language(tag)));
        assert!(["", "english!", "e", "en us", "en-"].iter().all(|tag| !is_language(tag)));
    }

    #[test]
    fn what_is_read_from_right_to_left_is_known_by_language_script_or_letters() {
        for (language, text, expected) in [
            (Some("ar"), "", "rtl"),
            (Some("he-IL"), "latin שלום", "rtl"),
            (Some("he-IL"), "latin", "auto"),
            (Some("ks-Deva"), "", "auto"),
            (Some("az-Arab"), "", "rtl"),
            (Some("en"), "שלום", "rtl"),
            (None, "שלום עולם, hi", "rtl"),
            (None, "Hello שלום", "auto"),
            (None, "", "auto"),
        ] {
            assert_eq!(direction(language, text), expected, "{language:?} {text}");
        }
    }
}
