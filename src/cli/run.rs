//! `feeds run`: once, as cron and timers want it, or staying up.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::dry_run;
use super::events::Tally;
use super::failure::{Exit, Failure};
use super::once::{Pass, pass};
use super::session::{Place, database_failure, feed, tell_of_gone};
use crate::config::Config;
use crate::store::{IfMissing, RunLock, Store, Taken};
use crate::words::count;

/// What `feeds run` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Poll what is due, deliver what is queued, and end
    #[arg(long)]
    once: bool,
    /// Ask though nothing is due; never before a publisher's Retry-After
    #[arg(long)]
    force: bool,
    /// Ask this feed alone; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Fetch and show what is new; write and deliver nothing. What `once_per` and `updates` make of it is not reckoned
    #[arg(long)]
    dry_run: bool,
}

/// The last event of a run, as scripts see it.
#[derive(Debug, Serialize)]
struct Summary {
    event: &'static str,
    started_at: Timestamp,
    ended_at: Timestamp,
    polled: u64,
    unchanged: u64,
    failed: u64,
    new: u64,
    delivered: u64,
    retried: u64,
    rejected: u64,
}

pub(super) async fn run(place: &Place, arguments: Arguments) -> Result<Exit, Failure> {
    let config = place.config()?;
    arguments.only.iter().try_for_each(|name| feed(&config, name).map(drop))?;
    tell_of_gone(place, &config, &arguments.only);
    if arguments.dry_run {
        return dry_run::run(place, &config, arguments.force, &arguments.only).await;
    }
    if !config.warnings.is_empty() {
        tracing::warn!("{}", config.warnings.to_string().trim_start_matches("warning: ").trim_end());
    }
    let path = place.database_path(&config)?;
    let failed = |error| database_failure(&path, error);
    let _lock = match RunLock::take(&path).map_err(failed)? {
        Taken::Ours(lock) => lock,
        Taken::Theirs(pid) => {
            let pid = pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
            place.printer.note(&format!("another run is under way{pid}; this one has nothing to do"));
            return Ok(Exit::Done);
        }
    };
    let store = Store::open(&path, IfMissing::Create).map_err(failed)?;
    let stop = stop_on_signals()?;
    let work = Pass {
        force: arguments.force,
        only: arguments.only,
        eager: true,
        patience: if arguments.once { PATIENCE } else { PATIENCE_OF_A_PASS },
        host_patience: if arguments.once { crate::fetch::PATIENCE } else { PATIENCE_OF_A_PASS },
    };
    if arguments.once {
        let tally = told(place, config, &store, &path, &work, &stop).await?;
        return Ok(if tally.needs_person { Exit::NeedsPerson } else { Exit::Done });
    }
    stay(place, config, &store, &path, work, stop).await
}

/// How long `run --once` stays for the sake of sinks that have a rate. What is left then is the next run's.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// The same for one pass of a run that stays: the configuration may change meanwhile.
const PATIENCE_OF_A_PASS: Duration = Duration::from_secs(60);

/// Stays up: a pass whenever something is due. Ends when told to, and for nothing else: a mistake in the configuration is
/// told, and the last good one holds.
async fn stay(
    place: &Place,
    mut config: Config,
    store: &Store,
    path: &Path,
    mut work: Pass,
    mut stop: watch::Receiver<bool>,
) -> Result<Exit, Failure> {
    /// How often it is looked whether something is due: reading two indexes, and the file where it was changed.
    const LOOK: Duration = Duration::from_secs(2);
    let mut good = std::fs::read_to_string(&config.path).unwrap_or_default();
    let mut told_of = String::new();
    loop {
        let config_path = config.path.clone();
        let sinks: Vec<String> = config.sinks.iter().map(|(name, _)| name.clone()).collect();
        if let Err(failure) = told(place, config, store, path, &work, &stop).await {
            tracing::error!("{}", failure.lines("the run was broken off").trim_start_matches("the run was broken off: "));
        }
        // Only the first pass asks out of turn.
        work = Pass { force: false, eager: false, ..work };
        let changed = loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
            if *stop.borrow() {
                return Ok(Exit::Done);
            }
            let text = std::fs::read_to_string(&config_path).unwrap_or_default();
            if text != good && text != told_of {
                break text;
            }
            if store.is_anything_due(sinks.clone(), place.clock.now()).await.unwrap_or(true) {
                break good.clone();
            }
        };
        config = match Config::from_text(&config_path, &changed, &place.env) {
            Ok(config) => {
                good = changed;
                config
            }
            Err(mistakes) => {
                tracing::error!("{mistakes}\nhelp: until it is mended, the configuration holds as it was");
                told_of = changed;
                Config::from_text(&config_path, &good, &place.env).map_err(|mistakes| Failure::usage(mistakes.to_string()))?
            }
        };
    }
}

/// One pass, and its summary.
async fn told(
    place: &Place,
    config: Config,
    store: &Store,
    path: &Path,
    work: &Pass,
    stop: &watch::Receiver<bool>,
) -> Result<Tally, Failure> {
    let started_at = place.clock.now();
    let places: Vec<String> = config.sinks.iter().map(|(_, sink)| sink.place()).collect();
    let name_database = |failure: Failure| match failure.exit {
        Exit::Storage if failure.cause.is_none() => {
            let cause = failure.error.clone();
            Failure { error: format!("cannot use the database `{}`", path.display()), cause: Some(cause), ..failure }
        }
        Exit::Done | Exit::NeedsPerson | Exit::Usage | Exit::Storage => failure,
    };
    let tally = pass(place, config, store, work, stop).await.map_err(name_database)?;
    let totals = tally.totals;
    if place.printer.json {
        place.printer.json(&Summary {
            event: "summary",
            started_at,
            ended_at: place.clock.now(),
            polled: totals.polled,
            unchanged: tally.unchanged,
            failed: totals.failed,
            new: totals.entries,
            delivered: totals.delivered,
            retried: totals.retried,
            rejected: totals.rejected,
        });
    } else if place.printer.attended {
        place.printer.note(&summary(&tally, &places));
    }
    Ok(tally)
}

/// `3 feeds polled (1 unchanged, 1 failed), 2 new entries, 2 delivered to ~/Mail/feeds`
fn summary(tally: &Tally, places: &[String]) -> String {
    let totals = tally.totals;
    let mut notes = Vec::new();
    if tally.unchanged > 0 {
        notes.push(format!("{} unchanged", tally.unchanged));
    }
    if totals.failed > 0 {
        notes.push(format!("{} failed", totals.failed));
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    let new = match totals.entries {
        1 => "1 new entry".to_owned(),
        entries => format!("{entries} new entries"),
    };
    let mut text = format!("{} polled{notes}, {new}, {} delivered", count(totals.polled, "feed"), totals.delivered);
    if totals.delivered > 0 && !places.is_empty() {
        text.extend([" to ".to_owned(), places.join(", ")]);
    }
    if totals.retried > 0 {
        text.extend([", ".to_owned(), totals.retried.to_string(), " to be tried again".to_owned()]);
    }
    if totals.rejected > 0 {
        text.extend([", ".to_owned(), totals.rejected.to_string(), " given up (`feeds queue` shows why)".to_owned()]);
    }
    text
}

/// Turns to true at the first SIGTERM or Ctrl-C. A second one ends the process at once, as SIGKILL would: nothing is lost by it.
fn stop_on_signals() -> Result<watch::Receiver<bool>, Failure> {
    /// Who signals a process and then its group means it once.
    const ONE_WORD: Duration = Duration::from_secs(1);
    let failed = |error: std::io::Error| Failure::storage(format!("cannot listen for signals: {error}"));
    let listen = || Ok::<_, std::io::Error>((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?));
    let (mut terminate, mut interrupt) = listen().map_err(failed)?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        // The sender lives as long as this task, so that those who wait for the word do not take its end for one.
        sender.send_replace(true);
        tokio::time::sleep(ONE_WORD).await;
        let Ok((mut terminate, mut interrupt)) = listen() else { return std::future::pending().await };
        let status = tokio::select! {
            _ = terminate.recv() => 128 + rustix::process::Signal::TERM.as_raw(),
            _ = interrupt.recv() => 128 + rustix::process::Signal::INT.as_raw(),
        };
        crate::fetch::end_programs();
        #[expect(clippy::exit, reason = "whoever says it twice does not want to wait for anything")]
        std::process::exit(status);
    });
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RunTotals;

    #[test]
    fn a_summary_is_one_line() {
        let totals = RunTotals { polled: 3, failed: 1, entries: 1, delivered: 1, ..RunTotals::default() };
        let tally = Tally { totals, unchanged: 1, needs_person: false };
        let text = summary(&tally, &["~/Mail".to_owned()]);
        assert_eq!(text, "3 feeds polled (1 unchanged, 1 failed), 1 new entry, 1 delivered to ~/Mail");
        assert_eq!(summary(&Tally::default(), &[]), "0 feeds polled, 0 new entries, 0 delivered");
    }
}
