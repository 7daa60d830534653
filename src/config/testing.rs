//! What this room's tests share: a configuration as if it stood in a home folder, checked with the real sinks.

use super::{Config, Mistakes, Readers};
use crate::env::Env;

/// Checks a text as if it were `/home/me/feeds/config.toml`.
pub(super) fn check(text: &str) -> Result<Config, Mistakes> {
    Config::check("/home/me/feeds/config.toml".as_ref(), text, Readers::Owner, &env())
}

/// Checks a text that others can read.
pub(super) fn check_in_the_open(text: &str) -> Result<Config, Mistakes> {
    Config::check("config.toml".as_ref(), text, Readers::Others, &env())
}

/// An environment with a home folder and nothing else.
pub(super) fn env() -> Env {
    Env::from_fn(|name| (name == "HOME").then(|| "/home/me".to_owned()))
}
