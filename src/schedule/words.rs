//! A length of time as a person says it.

use std::time::Duration;

const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];

/// `1h`, `1h 30m`, `2d 3h`: the two largest units, no longer than it is.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let Some(first) = UNITS.iter().position(|(worth, _)| seconds >= *worth) else { return "0s".to_owned() };
    let (worth, unit) = UNITS[first];
    let rest = UNITS.get(first + 1).map(|(small, unit)| (seconds % worth / small, unit)).filter(|(number, _)| *number > 0);
    let rest = rest.map(|(number, unit)| format!(" {number}{unit}")).unwrap_or_default();
    format!("{}{unit}{rest}", seconds / worth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_by_its_two_largest_units() {
        let told = [0, 59, 60, 3_600, 5_400, 43_150, 86_400, 183_600, 604_800].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(told, ["0s", "59s", "1m", "1h", "1h 30m", "11h 59m", "1d", "2d 3h", "7d"]);
    }
}
