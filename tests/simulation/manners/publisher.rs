//! An invented publisher that minds its manners: ten kinds of them, by what they say of when to ask, and what goes wrong.

use std::fmt::Write as _;
use std::time::Duration;

use feeds::fetch::{Answer, FetchError, FetchErrorKind, Fetched, Room, Validators};
use feeds::schedule::{Every, Settings};
use jiff::Timestamp;
use url::Url;

use super::super::world::random::Random;
use super::{BEGINNING, DAY, Host, Lapse};

/// The kinds, in words.
pub(crate) const KINDS: [&str; 10] = [
    "validators, and no more",
    "`max-age` of 2 to 12 hours",
    "no validators",
    "`ttl` of two hours",
    "`skipHours` at night, `skipDays` at weekends",
    "`sy:updatePeriod` twice a day",
    "nothing new for 40 or 200 days",
    "asked as often as it publishes (`auto`)",
    "429 and 503, with `Retry-After` and without, and 500",
    "403, 404, 410, now and then a whole day",
];

const HOUR: i64 = 3_600;

pub(crate) struct Publisher {
    pub(crate) name: String,
    pub(crate) url: Url,
    pub(crate) kind: usize,
    pub(crate) settings: Settings,
    number: i64,
    /// How often it publishes.
    period: i64,
    /// What it has given, and what follows from it.
    given: Option<String>,
    last: Option<i64>,
    fresh_until: i64,
    left_alone_until: i64,
    gone: bool,
}

impl Publisher {
    pub(crate) fn new(number: usize, random: &mut Random) -> Self {
        // Many at one host, some at another, a few at each of the others.
        let host = match number {
            0..=99 => "many.example".to_owned(),
            100..=139 => "some.example".to_owned(),
            _ => format!("h{}.example", number / 3),
        };
        let kind = number % KINDS.len();
        let every = if kind == 7 { Every::Auto } else { Every::Usual };
        Self {
            name: format!("f{number}"),
            url: Url::parse(&format!("https://{host}/{number}")).expect("a URL"),
            kind,
            settings: Settings { every, recheck: None },
            number: i64::try_from(number).expect("a small number"),
            period: HOUR * i64::from(random.of(&[6_u32, 24, 72])),
            given: None,
            last: None,
            fresh_until: 0,
            left_alone_until: 0,
            gone: false,
        }
    }

    fn gives_validators(&self) -> bool {
        self.kind != 2
    }

    /// What it minds about a request.
    pub(crate) fn lapses(&mut self, validators: Option<&Validators>, now: i64, forced: bool, host: &Host) -> Vec<Lapse> {
        let least = match self.kind {
            2 => DAY,
            7 => 900,
            _ => HOUR,
        };
        let sent = validators.and_then(|known| known.etag.clone());
        // Nobody can know before the first answer what it says.
        let known = self.last.is_some();
        let early = self.last.replace(now).is_some_and(|last| now - last < least);
        let minded = [
            (Lapse::Unconditional, self.given.as_ref().is_some_and(|given| sent.as_deref() != Some(given.as_bytes()))),
            (Lapse::Early, early && !forced),
            (Lapse::WithinLifetime, now < self.fresh_until && !forced),
            (Lapse::WithinRetryAfter, now < self.left_alone_until.max(host.left_alone_until)),
            (Lapse::Skipped, self.kind == 4 && known && !forced && skips(now)),
            (Lapse::Gone, self.gone),
        ];
        minded.into_iter().filter(|(_, minded)| *minded).map(|(lapse, _)| lapse).collect()
    }

    pub(crate) fn answer(
        &mut self,
        validators: Option<&Validators>,
        now: i64,
        random: &mut Random,
        host: &mut Host,
    ) -> Result<Fetched, FetchError> {
        if let Some((status, retry_after)) = self.trouble(now, random) {
            let until = retry_after.map_or(0, |seconds| now + i64::from(seconds));
            self.left_alone_until = until;
            if status == 429 {
                host.left_alone_until = host.left_alone_until.max(until);
            }
            self.gone |= status == 410;
            let retry_after = retry_after.map(|seconds| Duration::from_secs(seconds.into()));
            return Err(FetchError { retry_after, status: Some(status), ..FetchErrorKind::Status(status).into() });
        }
        let etag = format!("\"{}\"", self.newest(now));
        let fresh_for = (self.kind == 1).then(|| HOUR * (2 + self.number / 10 % 3 * 5));
        let named = match self.kind {
            3 => 2 * HOUR,
            5 => 12 * HOUR,
            _ => 0,
        };
        self.fresh_until = now + fresh_for.unwrap_or(0).max(named);
        // Half of those who name a lifetime do not repeat it with a 304.
        let repeats = self.number % 20 < 10;
        let duration = fresh_for.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
        if let Some(known) = validators.filter(|known| known.etag.as_deref() == Some(etag.as_bytes())) {
            return Ok(Fetched::Unchanged { validators: known.clone(), fresh_for: duration.filter(|_| repeats), moved_to: None });
        }
        let given = self.gives_validators().then_some(etag);
        self.given.clone_from(&given);
        let etag = given.map(String::into_bytes);
        Ok(Fetched::Document(Box::new(Answer {
            bytes: self.document(now).into_bytes(),
            content_type: Some("application/rss+xml".to_owned()),
            url: self.url.clone(),
            moved_to: None,
            validators: Validators { etag, last_modified: None, url: self.url.to_string(), asked_as: None },
            fresh_for: duration,
            said: None,
            room: Room::default(),
        })))
    }

    /// What goes wrong just now.
    fn trouble(&self, now: i64, random: &mut Random) -> Option<(u16, Option<u32>)> {
        let day = (now - BEGINNING) / DAY;
        match self.kind {
            8 if random.in_thousand(200) => {
                let wish = [None, Some(30), Some(20_000), Some(100_000)];
                Some((random.of(&[429, 503, 503, 500]), random.of(&wish)))
            }
            9 => match self.number / 10 % 3 {
                0 if day >= 5 => Some((410, None)),
                1 if day % 3 == 1 => Some((403, None)),
                2 if day % 3 == 1 => Some((404, None)),
                _ => None,
            },
            _ => None,
        }
    }

    /// When its newest post appeared.
    fn newest(&self, now: i64) -> i64 {
        match self.kind {
            6 => BEGINNING - DAY * if self.number % 20 < 10 { 40 } else { 200 },
            _ => (now - self.number) / self.period * self.period,
        }
    }

    fn document(&self, now: i64) -> String {
        let says = match self.kind {
            3 => "<ttl>120</ttl>".to_owned(),
            4 => {
                let hours: String = (0..6).map(|hour| format!("<hour>{hour}</hour>")).collect::<Vec<_>>().concat();
                format!("<skipHours>{hours}</skipHours><skipDays><day>Saturday</day><day>Sunday</day></skipDays>")
            }
            5 => "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>\
                  <sy:updateBase>2000-01-01T12:00+00:00</sy:updateBase>"
                .to_owned(),
            _ => String::new(),
        };
        let mut text = format!(
            "<rss version=\"2.0\" xmlns:sy=\"http://purl.org/rss/1.0/modules/syndication/\"><channel><title>{}</title>{says}",
            self.name
        );
        for back in 0..5 {
            let at = self.newest(now) - back * self.period;
            let date = Timestamp::from_second(at).expect("a time").strftime("%a, %d %b %Y %H:%M:%S GMT");
            write!(text, "<item><title>{at}</title><guid isPermaLink=\"false\">{at}</guid><pubDate>{date}</pubDate></item>")
                .expect("text takes all");
        }
        text + "</channel></rss>"
    }
}

/// The first six hours of each day, and the weekend; the first day is a Monday.
fn skips(now: i64) -> bool {
    let since = now - BEGINNING;
    since / HOUR % 24 < 6 || since / DAY % 7 >= 5
}
