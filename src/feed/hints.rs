//! PURE. What a document says of how often it changes: RSS's `ttl`, `skipHours` and `skipDays`, and the module "syndication" of
//! RSS 1.0. Goes in: text of its elements. Comes out: [`Hints`]. What they mean for the next request is decided in `schedule`.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A publisher's own words on when to ask. Absent is absent; nonsense is absent too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hints {
    /// For how many minutes it may be kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// Hours of the day, 0 to 23 in GMT, in which nobody need ask.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub skip_hours: BTreeSet<u8>,
    /// Days of the week, from Monday as 1 to Sunday as 7, on which nobody need ask.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub skip_days: BTreeSet<u8>,
    /// In what time it changes …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_period: Option<Period>,
    /// … and how often in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_frequency: Option<u32>,
    /// From when that is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_base: Option<Timestamp>,
}

/// What `sy:updatePeriod` may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// An hour.
    Hourly,
    /// A day.
    Daily,
    /// Seven days.
    Weekly,
    /// Thirty days.
    Monthly,
    /// 365 days.
    Yearly,
}

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Period {
    /// How long it is.
    #[must_use]
    pub const fn length(self) -> Duration {
        let hours = match self {
            Self::Hourly => 1,
            Self::Daily => 24,
            Self::Weekly => 7 * 24,
            Self::Monthly => 30 * 24,
            Self::Yearly => 365 * 24,
        };
        Duration::from_secs(hours * 3_600)
    }

    fn read(text: &str) -> Option<Self> {
        Some(match &*text.trim().to_ascii_lowercase() {
            "hourly" => Self::Hourly,
            "daily" => Self::Daily,
            "weekly" => Self::Weekly,
            "monthly" => Self::Monthly,
            "yearly" | "annually" => Self::Yearly,
            _ => return None,
        })
    }
}

impl Hints {
    /// `ttl`, in minutes; zero says nothing.
    pub(super) fn read_ttl(&mut self, text: &str) {
        // Some write a fraction, and some "never" with more digits than a number has.
        let whole = text.trim().split('.').next().unwrap_or_default();
        let is_number = !whole.is_empty() && whole.bytes().all(|digit| digit.is_ascii_digit());
        let minutes = is_number.then(|| whole.parse().unwrap_or(u32::MAX)).filter(|minutes| *minutes > 0);
        self.ttl = minutes.or(self.ttl);
    }

    /// One `hour` of `skipHours`; some write midnight as 24.
    pub(super) fn read_hour(&mut self, text: &str) {
        if let Some(hour) = text.trim().parse::<u8>().ok().filter(|hour| *hour <= 24) {
            self.skip_hours.insert(hour % 24);
        }
    }

    /// One `day` of `skipDays`.
    pub(super) fn read_day(&mut self, text: &str) {
        let word = text.trim().to_ascii_lowercase();
        if let Some(place) = DAYS.iter().position(|day| *day == word) {
            self.skip_days.extend(u8::try_from(place + 1));
        }
    }

    /// `sy:updatePeriod`.
    pub(super) fn read_period(&mut self, text: &str) {
        self.update_period = Period::read(text).or(self.update_period);
    }

    /// `sy:updateFrequency`.
    pub(super) fn read_frequency(&mut self, text: &str) {
        self.update_frequency = positive(text).or(self.update_frequency);
    }

    /// Drops what cannot be meant, as who skips all hours would never be asked; says so.
    pub(super) fn settle(&mut self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.skip_hours.len() >= 24 {
            self.skip_hours.clear();
            remarks.push("`skipHours` names all hours of the day, and is ignored".to_owned());
        }
        if self.skip_days.len() >= 7 {
            self.skip_days.clear();
            remarks.push("`skipDays` names all days of the week, and is ignored".to_owned());
        }
        remarks
    }
}

fn positive(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::parse;

    fn hints(inside: &str) -> (Hints, Vec<String>) {
        let text = format!(
            "<rss version='2.0' xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'><channel><title>t</title>{inside}\
             <item><title>one</title><ttl>7</ttl><link>https://h.example/1</link></item></channel></rss>"
        );
        let parsed = parse(text.as_bytes(), None, None).unwrap();
        (parsed.hints, parsed.remarks)
    }

    #[test]
    fn a_feed_says_how_often_it_changes() {
        let (hints, remarks) = hints(
            "<ttl> 120 </ttl><skipHours><hour>0</hour><hour>24</hour><hour>7</hour><hour>25</hour></skipHours>\
             <skipDays><day>Saturday</day><day>sunday</day><day>Caturday</day></skipDays><sy:updatePeriod> daily </sy:updatePeriod>\
             <sy:updateFrequency>2</sy:updateFrequency><sy:updateBase>2000-01-01T12:00+00:00</sy:updateBase>",
        );
        assert_eq!(hints.ttl, Some(120));
        let ttl = |text: &str| self::hints(&format!("<ttl>{text}</ttl>")).0.ttl;
        assert_eq!((ttl("600.0"), ttl("99999999999"), ttl("-5"), ttl(".5")), (Some(600), Some(u32::MAX), None, None));
        assert_eq!(hints.skip_hours, BTreeSet::from([0, 7]));
        assert_eq!(hints.skip_days, BTreeSet::from([6, 7]));
        assert_eq!((hints.update_period, hints.update_frequency), (Some(Period::Daily), Some(2)));
        assert_eq!(hints.update_base, "2000-01-01T12:00:00Z".parse().ok());
        assert_eq!(remarks, Vec::<String>::new());
    }

    #[test]
    fn nonsense_says_nothing() {
        let (found, _) = hints(
            "<ttl>soon</ttl><ttl>0</ttl><skipHours/><skipDays>Monday</skipDays><updatePeriod>daily</updatePeriod>\
             <sy:updatePeriod>now and then</sy:updatePeriod><sy:updateFrequency>-1</sy:updateFrequency><sy:updateBase/>",
        );
        assert_eq!(found, Hints::default());
    }

    #[test]
    fn who_skips_all_hours_or_days_skips_none() {
        let all: String = (0..24).map(|hour| format!("<hour>{hour}</hour>")).collect::<Vec<_>>().concat();
        let days = DAYS.map(|day| format!("<day>{day}</day>")).concat();
        let (hints, remarks) = hints(&format!("<skipHours>{all}</skipHours><skipDays>{days}</skipDays>"));
        assert_eq!(hints, Hints::default());
        assert_eq!(remarks.len(), 2);
        assert!(remarks[0].contains("all hours"), "{remarks:?}");
    }

    #[test]
    fn rss_1_has_the_module_beside_its_channel() {
        let text = "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'
            xmlns:x='http://purl.org/rss/1.0/modules/syndication/'><channel rdf:about='https://h.example/'><title>t</title>
            <x:updatePeriod>weekly</x:updatePeriod></channel><item rdf:about='https://h.example/1'><title>one</title></item></rdf:RDF>";
        let parsed = parse(text.as_bytes(), None, None).unwrap();
        assert_eq!(parsed.hints, Hints { update_period: Some(Period::Weekly), ..Hints::default() });
    }

    #[test]
    fn what_is_kept_of_it_reads_back() {
        let (hints, _) = hints("<ttl>60</ttl><skipHours><hour>3</hour></skipHours><sy:updatePeriod>hourly</sy:updatePeriod>");
        let text = serde_json::to_string(&hints).unwrap();
        assert_eq!(text, r#"{"ttl":60,"skip_hours":[3],"update_period":"hourly"}"#);
        assert_eq!(serde_json::from_str::<Hints>(&text).unwrap(), hints);
        assert_eq!(serde_json::from_str::<Hints>("{}").unwrap(), Hints::default());
    }
}
