//! Runs the programs that entries pass through: a few of a feed side by side, none that hangs again and again, and none for an
//! entry so soon after it has asked to be tried later.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::fetch::{FetchErrorKind, Program, ProgramError};
use crate::resource::Resource;

/// How many of a feed's entries are passed through its program at once.
const AT_ONCE: u32 = 4;
/// After so many times in a row that its time was over, a program is not run again in the same run.
const MOST_SLOW: u32 = 2;
/// For so long the word of a program that it wants to be tried later holds for an entry.
const HOLDS: Duration = Duration::from_secs(60);

/// What is known of the programs of a run.
#[derive(Debug, Default)]
pub(super) struct Programs {
    /// By the feed's name.
    places: Mutex<HashMap<String, Arc<Semaphore>>>,
    /// How often in a row each did not end in its time.
    slow: Mutex<HashMap<Vec<String>, u32>>,
    /// What asked to be tried later, by the key of its resource: when, and in which words.
    later: Mutex<HashMap<String, (Instant, String)>>,
}

impl Programs {
    /// What a program makes of an entry, or why it makes nothing: to be kept under `key`.
    ///
    /// # Errors
    /// In words, that it asks to be tried later.
    pub(super) async fn pass(&self, key: &str, input: &str, program: &Program) -> Result<Resource, String> {
        if let Some((at, said)) = locked(&self.later).get(key)
            && at.elapsed() < HOLDS
        {
            return Err(said.clone());
        }
        let places = Arc::clone(
            locked(&self.places).entry(program.feed.clone()).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE as usize))),
        );
        let mut place = places.acquire().await;
        if self.times_slow(program) > 0 {
            // Those beside it will be slow as well: it waits for what becomes of them, and then goes alone.
            drop(place);
            place = places.acquire_many(AT_ONCE).await;
        }
        let _place = place;
        if self.times_slow(program) >= MOST_SLOW {
            return Ok(Resource::Failed(format!("`{}` did not end in time before, and was not run", program.name())));
        }
        let error = match program.pass(input.as_bytes().to_vec()).await {
            Ok(bytes) => {
                locked(&self.slow).remove(&program.words);
                return Ok(Resource::Kept { media_type: "application/json".to_owned(), bytes: bytes.into() });
            }
            Err(error) => error,
        };
        let mut slow = locked(&self.slow);
        match &error.kind {
            FetchErrorKind::Program(ProgramError::Slow { .. }) => *slow.entry(program.words.clone()).or_default() += 1,
            FetchErrorKind::Program(ProgramError::Later { .. }) => {
                slow.remove(&program.words);
                let mut later = locked(&self.later);
                later.retain(|_, (at, _)| at.elapsed() < HOLDS);
                later.insert(key.to_owned(), (Instant::now(), error.to_string()));
                return Err(error.to_string());
            }
            _ => drop(slow.remove(&program.words)),
        }
        Ok(Resource::Failed(error.to_string()))
    }

    fn times_slow(&self, program: &Program) -> u32 {
        locked(&self.slow).get(&program.words).copied().unwrap_or_default()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(script: &str, limit: Duration) -> Program {
        let words = ["sh", "-c", script].map(str::to_owned).to_vec();
        Program { words, folder: "/".into(), feed: "news".to_owned(), limit, most: 1_000 }
    }

    #[tokio::test]
    async fn a_program_that_hangs_twice_is_not_run_a_third_time() {
        let hangs = program("read x; test $x = quick || sleep 60", Duration::from_millis(200));
        let programs = Programs::default();
        for (input, words) in [
            ("slow\n", "did not end within"),
            ("quick\n", ""),
            ("slow\n", "did not end within"),
            ("slow\n", "did not end within"),
            ("quick\n", "and was not run"),
        ] {
            match programs.pass(input, input, &hangs).await.unwrap() {
                Resource::Failed(why) => assert!(!words.is_empty() && why.contains(words), "{why}"),
                Resource::Kept { .. } => assert_eq!(words, ""),
            }
        }
    }

    #[tokio::test]
    async fn of_many_entries_a_program_that_hangs_costs_its_time_once() {
        let folder = tempfile::tempdir().unwrap();
        let script = format!("echo run >> '{}/runs'; sleep 60", folder.path().display());
        let (programs, hangs) = (Programs::default(), program(&script, Duration::from_millis(500)));
        let all = (0..12).map(|_| programs.pass("a", "{}", &hangs));
        let failed = |made: &Result<Resource, String>| matches!(made, Ok(Resource::Failed(_)));
        assert!(futures_util::future::join_all(all).await.iter().all(failed));
        // A slow machine may end some before they have said so.
        assert!(std::fs::read_to_string(folder.path().join("runs")).unwrap_or_default().lines().count() <= 4);
    }

    #[tokio::test]
    async fn a_program_that_wants_to_be_tried_later_is_not_asked_again_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let script = format!("echo run >> '{}/runs'; echo busy >&2; exit 75", folder.path().display());
        let (programs, busy) = (Programs::default(), program(&script, Duration::from_secs(20)));
        for _ in 0..2 {
            assert_eq!(programs.pass("a", "{}", &busy).await, Err("`sh` asks to be tried later: busy".to_owned()));
        }
        assert!(programs.pass("b", "{}", &busy).await.is_err());
        assert_eq!(std::fs::read_to_string(folder.path().join("runs")).unwrap().lines().count(), 2);
    }

    #[tokio::test]
    async fn a_feeds_entries_pass_side_by_side() {
        // Each waits for the other to have begun.
        let folder = tempfile::tempdir().unwrap();
        let wait = "until test $(ls | wc -l) = 2; do sleep 0.01; done";
        let meets =
            Program { folder: folder.path().to_owned(), ..program(&format!("touch $$; {wait}"), Duration::from_secs(60)) };
        let programs = Programs::default();
        let both = tokio::join!(programs.pass("a", "1", &meets), programs.pass("b", "2", &meets));
        assert!(matches!(both, (Ok(Resource::Kept { .. }), Ok(Resource::Kept { .. }))), "{both:?}");
    }
}
