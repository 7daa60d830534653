//! What an answer means, for sinks that speak HTTP: status and headers in, [`Verdict`] out. Success is the sink's own to
//! read, because many a service says 200 to what it did not do.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use crate::delivery::{Outcome, Pause};
use crate::net::{HeaderMap, HttpError, Reply};
use crate::secret::redact;

/// What came of a parcel, or why the sink must rest before it is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is about this parcel.
    This(Outcome),
    /// It is about the sink.
    Rest(Pause),
}

impl Verdict {
    /// The sink must rest, for this reason.
    pub(super) fn rest(reason: impl Into<String>) -> Self {
        Self::Rest(Pause { reason: reason.into(), after: None })
    }

    /// The parcel can never be delivered as it is.
    pub(super) fn rejected(reason: impl Into<String>, try_smaller: bool) -> Self {
        Self::This(Outcome::Rejected { reason: reason.into(), try_smaller })
    }
}

/// How many parcels in a row may go without a clear answer: one may be to blame itself, several are not.
#[derive(Debug)]
pub(super) struct Patience {
    left: u32,
    full: u32,
}

impl Patience {
    /// So many in a row end it.
    pub(super) fn new(full: u32) -> Self {
        Self { left: full, full }
    }

    /// Takes note of an outcome. At the last that is bearable, the sink must rest.
    pub(super) fn bear(&mut self, outcome: &Outcome) -> Result<(), Pause> {
        match outcome {
            Outcome::Accepted { .. } | Outcome::Rejected { .. } | Outcome::Misaddressed { .. } => self.left = self.full,
            Outcome::Retry { .. } | Outcome::Unknown { .. } => self.left = self.left.saturating_sub(1),
        }
        match outcome {
            Outcome::Retry { reason, after } if self.left == 0 => Err(Pause { reason: reason.clone(), after: *after }),
            Outcome::Unknown { reason } if self.left == 0 => Err(Pause { reason: reason.clone(), after: None }),
            Outcome::Retry { .. }
            | Outcome::Unknown { .. }
            | Outcome::Accepted { .. }
            | Outcome::Rejected { .. }
            | Outcome::Misaddressed { .. } => Ok(()),
        }
    }
}

/// So much of an answer's body is shown.
const MAX_SHOWN: usize = 300;

/// What a reply means that is not the success the sink looks for.
pub(super) fn of_reply(reply: &Reply, now: Timestamp) -> Verdict {
    let said = said(reply);
    let after = retry_after(&reply.headers, now);
    match reply.status {
        300..400 => {
            let location = reply.headers.get("location").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            // Followed, a POST would become a GET, which answers 200 and saves nothing.
            Verdict::rest(match location.and_then(|location| reply.url.join(&location).ok()) {
                Some(location) => format!("{said}; it points to {}, and `url` must be that itself", redact(&location)),
                None => said,
            })
        }
        401 | 403 => Verdict::rest(format!("the login was refused: {said}")),
        429 => Verdict::Rest(Pause { reason: said, after }),
        408 | 425 | 500.. => Verdict::This(Outcome::Retry { reason: said, after }),
        // Said of what was sent; but not by a page, which comes from something that stands in front of the service.
        400 | 413 | 414 | 422 if !is_page(reply) => Verdict::rejected(said, false),
        400..500 => Verdict::rest(format!("{said}; is `url` right?")),
        _ => Verdict::rest(format!("{said}, which is no answer to what was asked")),
    }
}

/// Whether the body is a page for people.
fn is_page(reply: &Reply) -> bool {
    reply.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// What it means that no reply came.
pub(super) fn of_error(error: &HttpError) -> Verdict {
    if error.was_sent() {
        Verdict::This(Outcome::Unknown { reason: error.to_string() })
    } else {
        Verdict::rest(error.to_string())
    }
}

/// A reply in words: its status, and the beginning of its body.
pub(super) fn said(reply: &Reply) -> String {
    let text = String::from_utf8_lossy(&reply.body);
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    let body: String = words.join(" ").chars().take(MAX_SHOWN).collect();
    let separator = if body.is_empty() { "" } else { ": " };
    format!("it answered {}{separator}{body}", reply.status)
}

/// How long the server asks to be left alone (RFC 9110 section 10.2.3): seconds or a date. A date in the past is no wish.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    date.checked_sub(Duration::from_secs(u64::try_from(now.as_second()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::HeaderName;
    use crate::net::Room;

    fn reply(status: u16, header: Option<(&'static str, &str)>, body: &str) -> Verdict {
        let headers = header.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).into_iter().collect();
        let url = "https://links.example.net/".parse().unwrap();
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        of_reply(&Reply { status, headers, body: body.into(), room: Room::default(), url }, now)
    }

    #[test]
    fn the_status_decides_who_has_the_trouble() {
        for status in [301, 303, 401, 403, 404, 405, 429, 204] {
            assert!(matches!(reply(status, None, ""), Verdict::Rest(_)), "{status}");
        }
        for status in [408, 425, 500, 502, 503, 599] {
            assert!(matches!(reply(status, None, ""), Verdict::This(Outcome::Retry { .. })), "{status}");
        }
        for status in [400, 413, 422] {
            assert!(matches!(reply(status, None, ""), Verdict::This(Outcome::Rejected { try_smaller: false, .. })), "{status}");
            // A page is some proxy's, which has not read what was sent.
            assert!(matches!(reply(status, None, "\n<html>"), Verdict::Rest(_)), "{status}");
        }
    }

    #[test]
    fn a_reply_is_shown_with_the_beginning_of_its_body() {
        let Verdict::This(Outcome::Rejected { reason, .. }) = reply(400, None, "{\n \"url\":\t[\"Enter a valid URL.\"]}") else {
            panic!()
        };
        assert_eq!(reason, "it answered 400: { \"url\": [\"Enter a valid URL.\"]}");
        let Verdict::This(Outcome::Rejected { reason, .. }) = reply(400, None, &"ä".repeat(9999)) else { panic!() };
        assert_eq!(reason.chars().count(), 317);
        let Verdict::Rest(pause) = reply(301, Some(("location", "/login?token=abc")), "") else { panic!() };
        assert_eq!(
            pause.reason,
            "it answered 301; it points to https://links.example.net/login?token=REDACTED, and `url` must be that itself"
        );
        let Verdict::Rest(pause) = reply(302, Some(("location", "https://sso.example/?token=abc")), "") else { panic!() };
        assert!(!pause.reason.contains("abc"));
    }

    #[test]
    fn a_wish_to_be_left_alone_is_read_as_seconds_or_a_date() {
        let after = |value| match reply(503, Some(("retry-after", value)), "") {
            Verdict::This(Outcome::Retry { after, .. }) => after.map(|after| after.as_secs()),
            Verdict::This(_) | Verdict::Rest(_) => None,
        };
        assert_eq!(after("120"), Some(120));
        assert_eq!(after("Thu, 01 Jan 2026 01:00:00 GMT"), Some(3600));
        assert_eq!(after("Thu, 01 Jan 2025 01:00:00 GMT"), None);
        assert_eq!(after("soon"), None);
    }

    #[test]
    fn patience_ends_after_so_many_in_a_row() {
        let retry = Outcome::Retry { reason: "it answered 503".to_owned(), after: Some(Duration::from_secs(9)) };
        let accepted = Outcome::Accepted { receipt: String::new(), was_there: false };
        let mut patience = Patience::new(2);
        assert_eq!([&retry, &accepted, &retry].map(|outcome| patience.bear(outcome).is_ok()), [true; 3]);
        assert_eq!(patience.bear(&retry).unwrap_err().after, Some(Duration::from_secs(9)));
    }
}
