//! Crashes: the built binary is killed, at named moments and at random ones, and what arrived is counted.

#[cfg(test)]
mod kills;
#[cfg(test)]
#[expect(dead_code, unused_imports, reason = "these stories need a part of the kit only")]
#[path = "../it/kit/mod.rs"]
mod kit;
#[cfg(test)]
mod moments;
#[cfg(test)]
#[path = "../simulation/world/random.rs"]
mod random;

#[cfg(test)]
mod short {
    use crate::kills::{Plan, kills};

    #[test]
    fn a_run_that_is_killed_at_any_moment_loses_nothing_and_repeats_only_its_window() {
        let tally = kills(Plan { kills: 24, seed: 4 });
        assert!(tally.kills >= 24, "{tally:?}");
    }
}
