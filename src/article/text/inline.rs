//! PURE. Signs that are raised or lowered, where there are such letters; what has none stands as it is. Words that are struck
//! out, by a mark.

const RAISED: &[(char, char)] = &[
    ('0', '⁰'),
    ('1', '¹'),
    ('2', '²'),
    ('3', '³'),
    ('4', '⁴'),
    ('5', '⁵'),
    ('6', '⁶'),
    ('7', '⁷'),
    ('8', '⁸'),
    ('9', '⁹'),
    ('+', '⁺'),
    ('-', '⁻'),
    ('−', '⁻'),
    ('=', '⁼'),
    ('(', '⁽'),
    (')', '⁾'),
    ('n', 'ⁿ'),
    ('i', 'ⁱ'),
];
const LOWERED: &[(char, char)] = &[
    ('0', '₀'),
    ('1', '₁'),
    ('2', '₂'),
    ('3', '₃'),
    ('4', '₄'),
    ('5', '₅'),
    ('6', '₆'),
    ('7', '₇'),
    ('8', '₈'),
    ('9', '₉'),
    ('+', '₊'),
    ('-', '₋'),
    ('−', '₋'),
    ('=', '₌'),
    ('(', '₍'),
    (')', '₎'),
];
/// What is raised only for the eye: the ends of ordinals, and marks.
const PLAIN: &[&str] = &["st", "nd", "rd", "th", "er", "re", "e", "o", "a", "er", "ème", "tm", "sm"];

pub(super) fn raised(text: &str) -> String {
    let is_plain = text.starts_with('[') || PLAIN.contains(&text.to_lowercase().as_str());
    if is_plain { text.to_owned() } else { mapped(text, RAISED).unwrap_or_else(|| format!("^{text}")) }
}

pub(super) fn lowered(text: &str) -> String {
    mapped(text, LOWERED).unwrap_or_else(|| format!("_{text}"))
}

pub(super) fn struck(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("~{text}~") }
}

fn mapped(text: &str, letters: &[(char, char)]) -> Option<String> {
    text.chars().map(|c| letters.iter().find(|(plain, _)| *plain == c).map(|(_, letter)| *letter)).collect()
}
