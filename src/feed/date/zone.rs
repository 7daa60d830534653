//! Time zones by name. Where a name is used in several places, the one that writes the most feeds is meant. Regions follow
//! their present rules also in the past: no zone database is asked, so that a date means the same on each machine.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// Names, and how many minutes they are ahead of UTC. `ET` and its like are standard time, as elsewhere in the feed world.
const NAMES: &[(&str, i32)] = &[
    ("GMT", 0),
    ("UTC", 0),
    ("UT", 0),
    ("Z", 0),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
    ("ET", -300),
    ("CT", -360),
    ("MT", -420),
    ("PT", -480),
    ("AT", -240),
    ("CET", 60),
    ("CEST", 120),
    ("MET", 60),
    ("MEST", 120),
    ("MEWT", 60),
    ("MEZ", 60),
    ("MESZ", 120),
    ("BST", 60),
    ("WET", 0),
    ("WEST", 60),
    ("EET", 120),
    ("EEST", 180),
    ("IST", 330),
    ("JST", 540),
    ("KST", 540),
    ("MSK", 180),
    ("MSD", 240),
    ("AST", -240),
    ("ADT", -180),
    ("NST", -210),
    ("NDT", -150),
    ("NT", -210),
    ("AKST", -540),
    ("AKDT", -480),
    ("HST", -600),
    ("HAST", -600),
    ("HADT", -540),
    ("SST", -660),
    ("HNE", -300),
    ("HAE", -240),
    ("BRT", -180),
    ("BRST", -120),
    ("ART", -180),
    ("UYT", -180),
    ("CLT", -240),
    ("CLST", -180),
    ("BOT", -240),
    ("VET", -240),
    ("COT", -300),
    ("PET", -300),
    ("IDT", 180),
    ("TRT", 180),
    ("EAT", 180),
    ("SAST", 120),
    ("CAT", 120),
    ("WAT", 60),
    ("IRST", 210),
    ("IRDT", 270),
    ("GST", 240),
    ("SAMT", 240),
    ("PKT", 300),
    ("UZT", 300),
    ("YEKT", 300),
    ("NPT", 345),
    ("OMST", 360),
    ("BDT", 360),
    ("NOVT", 420),
    ("KRAT", 420),
    ("ICT", 420),
    ("WIB", 420),
    ("WITA", 480),
    ("WIT", 540),
    ("SGT", 480),
    ("MYT", 480),
    ("HKT", 480),
    ("PHT", 480),
    ("IRKT", 480),
    ("AWST", 480),
    ("AWDT", 540),
    ("YAKT", 540),
    ("ACST", 570),
    ("ACDT", 630),
    ("AEST", 600),
    ("AEDT", 660),
    ("AET", 600),
    ("CHST", 600),
    ("VLAT", 600),
    ("MAGT", 660),
    ("PETT", 720),
    ("NZST", 720),
    ("NZDT", 780),
    ("NZT", 720),
    ("МСК", 180),
];

const EUROPE_WEST: &str = "WET0WEST,M3.5.0/1,M10.5.0";
const EUROPE: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
const EUROPE_EAST: &str = "EET-2EEST,M3.5.0/3,M10.5.0/4";
const EASTERN: &str = "EST5EDT,M3.2.0,M11.1.0";
const CENTRAL: &str = "CST6CDT,M3.2.0,M11.1.0";
const MOUNTAIN: &str = "MST7MDT,M3.2.0,M11.1.0";
const PACIFIC: &str = "PST8PDT,M3.2.0,M11.1.0";
const SYDNEY: &str = "AEST-10AEDT,M10.1.0,M4.1.0/3";

/// The last part of a region's name, and its rule as in POSIX.
const REGIONS: &[(&str, &str)] = &[
    ("London", "GMT0BST,M3.5.0/1,M10.5.0"),
    ("Dublin", "GMT0BST,M3.5.0/1,M10.5.0"),
    ("Lisbon", EUROPE_WEST),
    ("Amsterdam", EUROPE),
    ("Belgrade", EUROPE),
    ("Berlin", EUROPE),
    ("Brussels", EUROPE),
    ("Budapest", EUROPE),
    ("Copenhagen", EUROPE),
    ("Madrid", EUROPE),
    ("Oslo", EUROPE),
    ("Paris", EUROPE),
    ("Prague", EUROPE),
    ("Rome", EUROPE),
    ("Stockholm", EUROPE),
    ("Vienna", EUROPE),
    ("Warsaw", EUROPE),
    ("Zurich", EUROPE),
    ("Athens", EUROPE_EAST),
    ("Bucharest", EUROPE_EAST),
    ("Helsinki", EUROPE_EAST),
    ("Kiev", EUROPE_EAST),
    ("Kyiv", EUROPE_EAST),
    ("Sofia", EUROPE_EAST),
    ("Istanbul", "TRT-3"),
    ("Moscow", "MSK-3"),
    ("New_York", EASTERN),
    ("Detroit", EASTERN),
    ("Toronto", EASTERN),
    ("Montreal", EASTERN),
    ("Eastern", EASTERN),
    ("Chicago", CENTRAL),
    ("Winnipeg", CENTRAL),
    ("Central", CENTRAL),
    ("Denver", MOUNTAIN),
    ("Edmonton", MOUNTAIN),
    ("Mountain", MOUNTAIN),
    ("Phoenix", "MST7"),
    ("Los_Angeles", PACIFIC),
    ("Vancouver", PACIFIC),
    ("Pacific", PACIFIC),
    ("Halifax", "AST4ADT,M3.2.0,M11.1.0"),
    ("Sao_Paulo", "BRT3"),
    ("Buenos_Aires", "ART3"),
    ("Mexico_City", "CST6"),
    ("Bogota", "COT5"),
    ("Lima", "PET5"),
    ("Tokyo", "JST-9"),
    ("Seoul", "KST-9"),
    ("Shanghai", "CST-8"),
    ("Hong_Kong", "HKT-8"),
    ("Taipei", "CST-8"),
    ("Singapore", "SGT-8"),
    ("Manila", "PHT-8"),
    ("Jakarta", "WIB-7"),
    ("Bangkok", "ICT-7"),
    ("Ho_Chi_Minh", "ICT-7"),
    ("Kolkata", "IST-5:30"),
    ("Calcutta", "IST-5:30"),
    ("Karachi", "PKT-5"),
    ("Dubai", "GST-4"),
    ("Tehran", "IRST-3:30"),
    ("Jerusalem", "IST-2IDT,M3.4.4/26,M10.5.0"),
    ("Johannesburg", "SAST-2"),
    ("Lagos", "WAT-1"),
    ("Nairobi", "EAT-3"),
    ("Sydney", SYDNEY),
    ("Melbourne", SYDNEY),
    ("Brisbane", "AEST-10"),
    ("Perth", "AWST-8"),
    ("Auckland", "NZST-12NZDT,M9.5.0,M4.1.0/3"),
    ("Honolulu", "HST10"),
    ("Anchorage", "AKST9AKDT,M3.2.0,M11.1.0"),
];

/// Where a date's clock stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Zone {
    /// Seconds ahead of UTC, by a name.
    Named(i32),
    /// Seconds ahead of UTC, in numbers: what a name says beside it does not count.
    Ahead(i32),
    /// A rule as in POSIX.
    Rule(&'static str),
}

/// The zone of that name, in upper case or lower.
pub(super) fn named(word: &str) -> Option<Zone> {
    let same = |name: &str| name.eq_ignore_ascii_case(word);
    NAMES.iter().find(|(name, _)| same(name)).map(|(_, minutes)| Zone::Named(minutes * 60))
}

/// The zone of a place, such as `America/New_York`; what stands before the last `/` is not needed.
pub(super) fn region(place: &str) -> Option<Zone> {
    let place = place.rsplit('/').next()?;
    REGIONS.iter().find(|(name, _)| name.eq_ignore_ascii_case(place)).map(|(_, rule)| Zone::Rule(rule))
}

/// Whether a word may be a zone that nobody knows, or a single letter: RFC 2822 (section 4.3) takes the ones for UTC, and also
/// the others, because RFC 822 got their signs wrong.
pub(super) fn may_be_name(word: &str) -> bool {
    word.len() <= 5 && word.bytes().all(|byte| byte.is_ascii_alphabetic())
}

impl Zone {
    /// The moment at which the zone's clock shows that.
    pub(super) fn timestamp(self, shown: DateTime) -> Option<jiff::Timestamp> {
        match self {
            Self::Named(seconds) | Self::Ahead(seconds) => Offset::from_seconds(seconds).ok()?.to_timestamp(shown).ok(),
            Self::Rule(rule) => TimeZone::posix(rule).ok()?.to_timestamp(shown).ok(),
        }
    }
}
