//! A sink's rate: one parcel at a time, a pause between two. It holds between runs too, from what the database knows of the
//! last one. Waiting holds up neither a word to stop nor another sink.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::sink::Sink;

/// When the next parcel may go.
pub(super) struct Pace {
    spacing: Duration,
    next: Instant,
    end: Instant,
}

/// What came of waiting for one's turn.
pub(super) enum Turn {
    /// It has come.
    Now,
    /// It does not come in this round.
    Over,
}

/// An open connection is kept over a pause of this length; servers end it not much later.
const KEPT_OPEN: Duration = Duration::from_secs(10);
/// Nobody waits for ever; an [`Instant`] has an end.
const LONGEST: Duration = Duration::from_secs(400 * 86_400);

impl Pace {
    /// A pace with `spacing` between two, the last of which went at `last`; waits at most `patience` in all.
    pub(super) fn new(spacing: Duration, last: Option<Timestamp>, now: Timestamp, patience: Duration) -> Self {
        let start = Instant::now();
        Self { spacing, next: start + left(spacing, last, now).min(LONGEST), end: start + patience.min(LONGEST) }
    }

    /// Waits for one's turn, or until there is none in this round.
    pub(super) async fn turn(&self, sink: &dyn Sink, stop: &mut watch::Receiver<bool>) -> Turn {
        if self.next > self.end {
            return Turn::Over;
        }
        if self.next.saturating_duration_since(Instant::now()) > KEPT_OPEN {
            sink.close().await;
        }
        tokio::select! {
            () = sleep_until(self.next) => Turn::Now,
            stopped = stop.wait_for(|stop| *stop) => {
                drop(stopped);
                Turn::Over
            }
        }
    }

    /// One goes now.
    pub(super) fn went(&mut self) {
        self.next = Instant::now() + self.spacing.min(LONGEST);
    }
}

/// How much of the pause is left. What went in the future was written down by a clock that was set back since.
fn left(spacing: Duration, last: Option<Timestamp>, now: Timestamp) -> Duration {
    let Some(last) = last else { return Duration::ZERO };
    Duration::try_from(now.duration_since(last)).map_or(Duration::ZERO, |gone| spacing.saturating_sub(gone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_holds_from_one_run_to_the_next() {
        let now = Timestamp::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let ago = |seconds: i64| Some(now - jiff::SignedDuration::from_secs(seconds));
        let minute = Duration::from_secs(60);
        assert_eq!(left(minute, None, now), Duration::ZERO);
        assert_eq!(left(minute, ago(20), now), Duration::from_secs(40));
        assert_eq!((left(minute, ago(60), now), left(minute, ago(9_999), now)), (Duration::ZERO, Duration::ZERO));
        assert_eq!(left(minute, ago(-9_999), now), Duration::ZERO, "the clock was set back");
    }
}
