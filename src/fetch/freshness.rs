//! PURE. When a publisher may be asked again, as its headers say: how long an answer is fresh (RFC 9111 section 4.2),
//! and how long to leave it alone (RFC 9110 section 10.2.3). Its own `Date` is the clock, where it gives one; else the time of
//! receipt (RFC 9110 section 6.6.1).

use std::time::{Duration, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use crate::net::HeaderMap;

/// `max-age` less `Age`, else `Expires` less `Date`, by the publisher's clock where it tells its time. Nothing where it is not to
/// be kept or that cannot be read; `None` where nothing is said.
pub(super) fn fresh_for(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let cache_control = joined(headers, "cache-control").to_ascii_lowercase();
    let directives = || cache_control.split(',').map(str::trim);
    if directives().any(|d| matches!(name_of(d), "no-store" | "no-cache")) {
        return Some(Duration::ZERO);
    }
    let seconds = match directives().find(|d| name_of(d) == "max-age") {
        Some(max_age) => {
            let lifetime = max_age.split_once('=').and_then(|(_, seconds)| whole_number(seconds)).unwrap_or(0);
            lifetime.saturating_sub(whole_number(&joined(headers, "age")).unwrap_or(0))
        }
        None if headers.contains_key("expires") => date(headers, "expires").unwrap_or(0).saturating_sub(its_now(headers, now)),
        None => return None,
    };
    Some(Duration::from_secs(seconds))
}

/// `Retry-After`, in seconds or as a date: the first that can be read. A date that has passed is no wait.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let wait = |text: &str| {
        // What a proxy joined of two fields, and parts of a second that nobody needs.
        let number = text.split(',').next().unwrap_or_default().split('.').next().and_then(whole_number);
        number.or_else(|| Some(time(text)?.saturating_sub(its_now(headers, now))))
    };
    let seconds = headers.get_all("retry-after").iter().find_map(|value| wait(value.to_str().ok()?))?;
    Some(Duration::from_secs(seconds))
}

fn joined(headers: &HeaderMap, name: &str) -> String {
    let values: Vec<_> = headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
    values.join(",")
}

fn name_of(directive: &str) -> &str {
    directive.split('=').next().unwrap_or_default().trim()
}

/// A number of seconds, in quotes or not. Larger ones than can be are as good as the largest (RFC 9111 section 1.2.2).
fn whole_number(text: &str) -> Option<u64> {
    let digits = text.trim().trim_matches('"');
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::from(u32::MAX)).min(u64::from(u32::MAX)))
}

fn date(headers: &HeaderMap, name: &str) -> Option<u64> {
    time(headers.get(name)?.to_str().ok()?)
}

/// A date as HTTP has it, or as mail and RFC 3339 do.
fn time(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Ok(time) = httpdate::parse_http_date(text) {
        return Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs());
    }
    // `UTC` is no zone of RFC 2822.
    let zoned = text.strip_suffix("UTC").map(|day| format!("{day}GMT"));
    let mail = DateTimeParser::new().relaxed_weekday(true).parse_timestamp(zoned.as_deref().unwrap_or(text));
    u64::try_from(mail.or_else(|_| text.parse::<Timestamp>()).ok()?.as_second()).ok()
}

/// By how many seconds a publisher's clock is ahead of ours. What lay in a cache has aged since its `Date`.
pub(super) fn ahead(headers: &HeaderMap, now: Timestamp) -> Option<i64> {
    let age = whole_number(&joined(headers, "age")).unwrap_or(0);
    let its = date(headers, "date")?.saturating_add(age);
    Some(i64::try_from(its).ok()?.saturating_sub(now.as_second()))
}

fn its_now(headers: &HeaderMap, now: Timestamp) -> u64 {
    date(headers, "date").unwrap_or_else(|| u64::try_from(now.as_second()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    #[track_caller]
    fn is_fresh_for(pairs: &[(&'static str, &'static str)], seconds: Option<u64>) {
        assert_eq!(fresh_for(&headers(pairs), now()), seconds.map(Duration::from_secs), "{pairs:?}");
    }

    const NOON: &str = "Tue, 24 Nov 2026 12:00:00 GMT";
    const ONE: &str = "Tue, 24 Nov 2026 13:00:00 GMT";
    const TWO: &str = "Tue, 24 Nov 2026 14:00:00 GMT";

    #[test]
    fn max_age_less_age_goes_before_expires_less_date() {
        is_fresh_for(&[], None);
        is_fresh_for(&[("cache-control", "max-age=3600")], Some(3600));
        is_fresh_for(&[("cache-control", "public, Max-Age=\"3600\""), ("age", "600")], Some(3000));
        is_fresh_for(&[("cache-control", "max-age=60"), ("age", "600")], Some(0));
        is_fresh_for(&[("cache-control", "max-age=60"), ("expires", TWO), ("date", NOON)], Some(60));
        is_fresh_for(&[("cache-control", "s-maxage=60"), ("expires", TWO), ("date", ONE)], Some(3600));
        is_fresh_for(&[("expires", TWO)], Some(7200));
        is_fresh_for(&[("expires", TWO), ("date", "now")], Some(7200));
        is_fresh_for(&[("expires", NOON), ("date", ONE)], Some(0));
        is_fresh_for(&[("expires", "0"), ("date", ONE)], Some(0));
        is_fresh_for(&[("cache-control", "max-age=soon"), ("expires", TWO)], Some(0));
        is_fresh_for(&[("cache-control", "max-age=99999999999999999999")], Some(u64::from(u32::MAX)));
    }

    #[test]
    fn p15_nothing_is_guessed_and_what_is_said_to_shared_caches_is_not_said_to_us() {
        is_fresh_for(&[("last-modified", "Tue, 24 Nov 2015 12:00:00 GMT"), ("date", NOON)], None);
        is_fresh_for(&[("cache-control", "s-maxage=86400")], None);
        is_fresh_for(&[("cache-control", "stale-while-revalidate=86400, stale-if-error=86400")], None);
        is_fresh_for(&[("cache-control", "max-age=60, s-maxage=86400, stale-while-revalidate=86400")], Some(60));
        is_fresh_for(&[("cache-control", "public, immutable"), ("last-modified", NOON)], None);
    }

    #[test]
    fn p38_a_lifetime_counts_by_the_publishers_clock_and_ours_is_compared_with_it() {
        is_fresh_for(&[("expires", "Tue, 24 Nov 2099 14:00:00 GMT"), ("date", "Tue, 24 Nov 2099 13:00:00 GMT")], Some(3600));
        is_fresh_for(&[("expires", "Thu, 01 Jan 1970 02:00:00 GMT"), ("date", "Thu, 01 Jan 1970 00:00:00 GMT")], Some(7200));
        let ahead = |pairs| ahead(&headers(pairs), now());
        assert_eq!((ahead(&[("date", TWO)]), ahead(&[("date", NOON)])), (Some(7200), Some(0)));
        assert_eq!(ahead(&[("date", NOON), ("age", "3600")]), Some(3600), "from a cache");
        assert_eq!(ahead(&[("date", "Thu, 01 Jan 1970 00:00:00 GMT")]), Some(-now().as_second()));
        assert_eq!((ahead(&[]), ahead(&[("date", "now")])), (None, None));
    }

    #[test]
    fn what_is_not_to_be_kept_is_not_fresh() {
        is_fresh_for(&[("cache-control", "max-age=3600, no-cache")], Some(0));
        is_fresh_for(&[("cache-control", "no-store"), ("expires", TWO), ("date", NOON)], Some(0));
        is_fresh_for(&[("cache-control", "max-age=3600"), ("cache-control", "no-cache=\"set-cookie\"")], Some(0));
    }

    #[test]
    fn a_wait_is_read_in_seconds_and_as_a_date() {
        let wait = |pairs| retry_after(&headers(pairs), now()).map(|wait: Duration| wait.as_secs());
        assert_eq!(wait(&[("retry-after", "120")]), Some(120));
        assert_eq!(wait(&[("retry-after", TWO)]), Some(7200));
        assert_eq!(wait(&[("retry-after", TWO), ("date", ONE)]), Some(3600));
        assert_eq!(wait(&[("retry-after", NOON), ("date", ONE)]), Some(0));
        assert_eq!(wait(&[("retry-after", "later")]), None);
        assert_eq!(wait(&[("retry-after", "later"), ("retry-after", "120"), ("retry-after", "60")]), Some(120));
        assert_eq!((wait(&[("retry-after", "7200.5")]), wait(&[("retry-after", "120, 60")])), (Some(7200), Some(120)));
        for fields in &[
            [("retry-after", "Tue, 24 Nov 2026 14:00:00 +0000")],
            [("retry-after", "Tue, 24 Nov 2026 14:00:00 UTC")],
            [("retry-after", "2026-11-24T14:00:00Z")],
        ] {
            assert_eq!(wait(fields), Some(7200), "{fields:?}");
        }
        assert_eq!(wait(&[]), None);
    }
}
