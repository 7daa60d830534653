//! Small words that every message needs: "1 entry", "2 entries"; "did you mean …?".

/// `1 entry`, `2 entries`: a number with its noun in the right form.
#[must_use]
pub fn count(number: impl Into<u64>, noun: &str) -> String {
    let number = number.into();
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) if !noun.ends_with("ay") => format!("{number} {stem}ies"),
        (_, _) => format!("{number} {noun}s"),
    }
}

/// The known word that was probably meant: the same but for case and punctuation, or within a few slips of the finger.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let word = plain(word);
    let slips = |candidate: &str| strsim::damerau_levenshtein(&word, &plain(candidate));
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    known.into_iter().map(|candidate| (slips(candidate), candidate)).filter(|(n, _)| *n <= allowed).min().map(|(_, c)| c)
}

/// A help line for a word that is not known: the nearest known one, else all of them; `noun` is what they are.
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone, noun: &str) -> String {
    if let Some(candidate) = nearest(word, known.clone()) {
        return format!("did you mean `{candidate}`?");
    }
    let all: Vec<String> = known.into_iter().map(|word| format!("`{word}`")).collect();
    match all.as_slice() {
        [] => format!("there is no {noun} yet"),
        [one] => format!("the only {noun} is {one}"),
        [..] => format!("the {noun}s are {}", all.join(", ")),
    }
}

/// Words as a sentence lists them: `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list<S: AsRef<str>>(words: &[S]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{}`", word.as_ref())).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noun_follows_its_number() {
        assert_eq!(count(1_u32, "entry"), "1 entry");
        assert_eq!(count(0_u32, "entry"), "0 entries");
        assert_eq!(count(2_u32, "feed"), "2 feeds");
        assert_eq!(count(3_u32, "day"), "3 days");
    }

    #[test]
    fn a_slip_of_the_finger_finds_the_word_that_was_meant() {
        let known = ["interval", "sinks", "tags", "user_agent"];
        assert_eq!(nearest("intervall", known), Some("interval"));
        assert_eq!(nearest("snik", known), None);
        assert_eq!(nearest("sink", known), Some("sinks"));
        assert_eq!(nearest("User-Agent", known), Some("user_agent"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(did_you_mean("intreval", known, "key"), "did you mean `interval`?");
        assert_eq!(did_you_mean("colour", ["url", "tags"], "key"), "the keys are `url`, `tags`");
        assert_eq!(did_you_mean("colour", ["url"], "key"), "the only key is `url`");
        assert_eq!(did_you_mean("inbox", [], "sink"), "there is no sink yet");
    }

    #[test]
    fn a_list_reads_as_a_sentence() {
        assert_eq!(list(&["a"]), "`a`");
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
