//! `cargo bench --bench simulation`: 100,000 invented histories, as the suite plays a few hundred of them. `FEEDS_HISTORIES` and
//! `FEEDS_SEED` choose another number of them and another first one.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a program for tests alone")]

#[expect(dead_code, unused_imports, reason = "flaws are for the suite")]
#[path = "../tests/simulation/world/mod.rs"]
mod world;

use std::io::{BufRead as _, BufReader};
use std::num::NonZero;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use world::{Tally, history};

/// Set where a process plays a share of the histories for another one.
const SHARE: &str = "FEEDS_SHARE";
/// How a share's last line begins.
const SUM: &str = "sum:";

fn main() {
    let number = |name: &str, or: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or);
    let (first, histories) = (number("FEEDS_SEED", 0), number("FEEDS_HISTORIES", 100_000));
    if std::env::var_os(SHARE).is_some() {
        play(first, histories);
        return;
    }
    let started = Instant::now();
    // A process for each core: threads of one process wait for each other at SQLite's own locks.
    let shares = std::thread::available_parallelism().map_or(1, NonZero::get).try_into().unwrap_or(1);
    let begin = |share: u64| histories * share / shares;
    let children: Vec<Child> = (0..shares).map(|share| start(first + begin(share), begin(share + 1) - begin(share))).collect();
    let (mut all, mut failed) = (Tally::default(), 0);
    let sums: Vec<_> = children.into_iter().map(|child| std::thread::spawn(move || sum(child))).collect();
    for sum in sums {
        let (share, broken) = sum.join().expect("a share that was played to its end");
        all.add(share);
        failed += broken;
    }
    let Tally { lives, deaths, refusals, jumps, posts, accepted, extra } = all;
    println!(
        "{histories} histories, {failed} of them broke a promise: {lives} lives, {deaths} of which ended in the middle, \
         {refusals} writes that the disk refused, {jumps} jumps of the clock; {posts} posts, {accepted} mails and links accepted, \
         {extra} of them copies; {:.0?}",
        started.elapsed()
    );
    assert_eq!(failed, 0, "histories that broke a promise");
}

/// Starts this program once more, for these histories alone.
fn start(first: u64, histories: u64) -> Child {
    let program = std::env::current_exe().expect("this program");
    let numbers = [("FEEDS_SEED", first), ("FEEDS_HISTORIES", histories)].map(|(name, number)| (name, number.to_string()));
    Command::new(program).envs(numbers).env(SHARE, "1").stdout(Stdio::piped()).spawn().expect("a process")
}

/// What a share came to, and how many of its histories broke a promise; those are told as they come.
fn sum(mut child: Child) -> (Tally, u64) {
    let mut numbers = Vec::new();
    for line in BufReader::new(child.stdout.take().expect("its output")).lines() {
        let line = line.expect("a line");
        match line.strip_prefix(SUM) {
            Some(sum) => numbers = sum.split_whitespace().map(|number| number.parse().expect("a number")).collect(),
            None => println!("{line}"),
        }
    }
    assert!(child.wait().expect("its end").success(), "a share ended early");
    let [lives, deaths, refusals, jumps, posts, accepted, extra, failed] = numbers[..] else { panic!("no sum: {numbers:?}") };
    (Tally { lives, deaths, refusals, jumps, posts, accepted, extra }, failed)
}

/// Plays these histories, one after the other.
fn play(first: u64, histories: u64) {
    let (mut all, mut failed) = (Tally::default(), 0);
    for seed in first..first + histories {
        match history(seed) {
            Ok((tally, _)) => all.add(tally),
            Err(failure) => {
                failed += 1;
                println!("seed {seed}: {}", failure.breach);
            }
        }
    }
    let Tally { lives, deaths, refusals, jumps, posts, accepted, extra } = all;
    println!("{SUM} {lives} {deaths} {refusals} {jumps} {posts} {accepted} {extra} {failed}");
}
