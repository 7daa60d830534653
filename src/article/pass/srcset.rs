//! PURE. Which of the pictures is taken that a page offers for screens of many sizes.

/// The width that is wanted: twice a mail's column, for a screen of fine dots.
const WANTED: f64 = 1200.0;
/// The density that is wanted where widths are not told.
const DENSITY: f64 = 2.0;

/// The best candidate of a set: nearest to the wanted width, else the finest up to twice the dots.
pub(super) fn best(set: &str) -> Option<&str> {
    let mut best: Option<(f64, &str)> = None;
    for (address, size) in candidates(set) {
        let number = |unit| size.strip_suffix(unit).and_then(|number: &str| number.parse::<f64>().ok()).filter(|n| n.is_finite());
        let distance = match (number('w'), number('x')) {
            (Some(width), _) => (width - WANTED).abs(),
            // What is too fine is only large.
            (None, Some(density)) if density > DENSITY => density * 100.0,
            (None, Some(density)) => DENSITY - density,
            (None, None) => DENSITY - 1.0,
        };
        if best.is_none_or(|(nearest, _)| distance < nearest) {
            best = Some((distance, address));
        }
    }
    best.map(|(_, address)| address)
}

/// The addresses of a set, each with its size. Commas may stand within an address: it ends at white space, or at a comma before
/// some.
fn candidates(set: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = set;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (address, after) = rest.split_at(end);
        if let Some(bare) = address.strip_suffix(',') {
            rest = after;
            return Some((bare.trim_end_matches(','), ""));
        }
        let (size, after) = after.split_once(',').unwrap_or((after, ""));
        rest = after;
        Some((address, size.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::best;

    #[test]
    fn the_candidate_nearest_to_the_wanted_width_is_taken() {
        assert_eq!(best("a.jpg 300w, b.jpg 1024w, c.jpg 2560w"), Some("b.jpg"));
        assert_eq!(best("a.jpg, b.jpg 2x, c.jpg 4x"), Some("b.jpg"));
        assert_eq!(best("https://cdn.example/w_300,q_80/a.jpg 300w,\n https://cdn.example/w_1200,q_80/a.jpg 1200w"), {
            Some("https://cdn.example/w_1200,q_80/a.jpg")
        });
        assert_eq!((best("a.jpg"), best(" , "), best("a.jpg NaNw")), (Some("a.jpg"), None, Some("a.jpg")));
    }
}
