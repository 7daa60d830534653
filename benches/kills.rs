//! `cargo bench --bench kills`: 500 runs of the program are killed at random moments, and what arrived is counted. The suite does
//! the same with a few. `FEEDS_KILLS` and `FEEDS_SEED` choose other numbers.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for tests alone"
)]

#[path = "../tests/faults/kills.rs"]
mod kills;
#[expect(dead_code, unused_imports, clippy::wildcard_imports, reason = "the kills need a part of the kit only")]
#[path = "../tests/it/kit/mod.rs"]
mod kit;
#[path = "../tests/simulation/world/random.rs"]
mod random;

use std::time::Instant;

fn main() {
    let number = |name: &str, or: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or);
    let kills = usize::try_from(number("FEEDS_KILLS", 500)).expect("a number of kills");
    let plan = kills::Plan { kills, seed: number("FEEDS_SEED", 1) };
    let started = Instant::now();
    let kills::Tally { kills, survived, due, extra, untold } = kills::kills(plan);
    println!(
        "{kills} runs killed, {survived} were over before, {due} deliveries due in all: none lost, {extra} extra copies \
         ({untold} of them may be due to the server, which hung up on what it had taken), the database sound after each, {:.0?}",
        started.elapsed()
    );
}
