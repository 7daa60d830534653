//! Times that a wrong clock left behind. A clock that ran ahead and was set right again must stop no feed and no delivery: what
//! was to happen so long after the last time happens so long after now.

use rusqlite::{Connection, params};

/// The longest that a sink's own wish is obeyed; no `next_attempt` is later where the clock was right.
const LONGEST_WISH: i64 = 7 * 86_400;
/// Longer than any wait of our own making.
const LONGEST_WAIT: i64 = 8 * 3_600;

/// Brings what lies in a future that cannot be back to `now`.
pub(super) fn set_right(connection: &Connection, now: i64) -> Result<(), rusqlite::Error> {
    let feeds = "UPDATE feeds SET next_poll = ?1 + max(0, next_poll - last_attempt),
                   not_before = CASE WHEN not_before > last_attempt THEN ?1 + not_before - last_attempt ELSE 0 END,
                   last_attempt = ?1, last_success = min(last_success, ?1), failing_since = min(failing_since, ?1)
                 WHERE last_attempt > ?1";
    connection.execute(feeds, [now])?;
    let hosts = "UPDATE hosts SET until = ?1 + max(0, until - last_asked), last_asked = ?1 WHERE last_asked > ?1";
    connection.execute(hosts, [now])?;
    let deliveries = "UPDATE deliveries SET next_attempt = ?1
                      WHERE state = 'pending' AND next_attempt > ?1
                        AND (queued_at > ?1 OR next_attempt > ?1 + CASE WHEN asked THEN ?2 ELSE ?3 END)";
    connection.execute(deliveries, params![now, LONGEST_WISH, LONGEST_WAIT])?;
    connection.execute("UPDATE sinks SET rest_until = ?1 WHERE rest_until > ?1 + ?2", [now, LONGEST_WISH])?;
    Ok(())
}
