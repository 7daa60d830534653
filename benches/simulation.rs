//! `cargo bench --bench simulation`: 100,000 invented histories, as the suite plays a few hundred of them. `FEEDS_HISTORIES` and
//! `FEEDS_SEED` choose another number of them and another first one.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a program for tests alone")]

#[expect(dead_code, unused_imports, reason = "flaws are for the suite")]
#[path = "../tests/simulation/world/mod.rs"]
mod world;

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use world::{Tally, history};

fn main() {
    let number = |name: &str, or: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or);
    let (first, histories) = (number("FEEDS_SEED", 0), number("FEEDS_HISTORIES", 100_000));
    let (next, all, failed) = (AtomicU64::new(first), Mutex::new(Tally::default()), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= first + histories {
                        break;
                    }
                    match history(seed) {
                        Ok((tally, _)) => all.lock().expect("no thread panicked").add(tally),
                        Err(failure) => {
                            failed.fetch_add(1, Ordering::SeqCst);
                            println!("seed {seed}: {}", failure.breach);
                        }
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    let Tally { lives, deaths, refusals, jumps, posts, accepted, extra } = all.into_inner().expect("no thread panicked");
    println!(
        "{histories} histories, {failed} of them broke a promise: {lives} lives, {deaths} of which ended in the middle, \
         {refusals} writes that the disk refused, {jumps} jumps of the clock; {posts} posts, {accepted} mails and links accepted, \
         {extra} of them copies; {:.0?}",
        started.elapsed()
    );
    assert_eq!(failed, 0, "histories that broke a promise");
}
