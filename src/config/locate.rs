//! Which configuration and which database a command works on. Goes in: what the command line says, the environment,
//! whether a file exists. Comes out: a path. Opens nothing.

use std::path::{Path, PathBuf};

use crate::env::Env;

/// The last place that is looked for a configuration: the machine's own.
const SYSTEM: &str = "/etc/feeds/config.toml";

/// Why no path could be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocateError {
    /// No configuration is named, and none is where one is looked for.
    #[error("there is no configuration: looked for {}", crate::words::list(&.0.iter().map(|path| path.display().to_string()).collect::<Vec<_>>()))]
    NoConfig(Vec<PathBuf>),
    /// There is no home folder to look in.
    #[error("there is no home folder: HOME is not set")]
    NoHome,
}

impl LocateError {
    /// The next step.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::NoConfig(_) => "run `feeds init` to write one, or name a file with `--config`".to_owned(),
            Self::NoHome => "name the files with `--config` and `--database`".to_owned(),
        }
    }
}

/// The configuration: `--config`, `FEEDS_CONFIG`, the user's own, the machine's.
///
/// # Errors
/// When none is named and none exists.
pub fn config(flag: Option<&Path>, env: &Env, exists: &dyn Fn(&Path) -> bool) -> Result<PathBuf, LocateError> {
    if let Some(named) = named(flag, env, "FEEDS_CONFIG") {
        return Ok(named);
    }
    let places: Vec<PathBuf> = own_config(env).into_iter().chain([PathBuf::from(SYSTEM)]).collect();
    places.iter().find(|path| exists(path)).cloned().ok_or(LocateError::NoConfig(places))
}

/// Where `feeds init` writes: `--config`, `FEEDS_CONFIG`, the user's own place.
///
/// # Errors
/// When none is named and there is no home folder.
pub fn new_config(flag: Option<&Path>, env: &Env) -> Result<PathBuf, LocateError> {
    named(flag, env, "FEEDS_CONFIG").or_else(|| own_config(env)).ok_or(LocateError::NoHome)
}

/// The database: `--database`, `FEEDS_DATABASE`, the configuration's key, systemd's state folder, the user's own place.
///
/// # Errors
/// When none is named and there is no home folder.
pub fn database(flag: Option<&Path>, env: &Env, key: Option<&Path>) -> Result<PathBuf, LocateError> {
    let systemd = || {
        // systemd separates several folders by colons (systemd.exec(5)).
        let folders = env.get("STATE_DIRECTORY")?;
        let first = PathBuf::from(folders.split(':').next()?);
        first.is_absolute().then(|| first.join("feeds.db"))
    };
    let own = || Some(xdg(env, "XDG_STATE_HOME", ".local/state")?.join("feeds/feeds.db"));
    named(flag, env, "FEEDS_DATABASE")
        .or_else(|| key.map(Path::to_owned))
        .or_else(systemd)
        .or_else(own)
        .ok_or(LocateError::NoHome)
}

/// What the command line or a variable names.
fn named(flag: Option<&Path>, env: &Env, variable: &str) -> Option<PathBuf> {
    flag.map(Path::to_owned).or_else(|| env.get(variable).map(PathBuf::from))
}

fn own_config(env: &Env) -> Option<PathBuf> {
    Some(xdg(env, "XDG_CONFIG_HOME", ".config")?.join("feeds/config.toml"))
}

/// A folder of the XDG base directory specification.
fn xdg(env: &Env, variable: &str, default: &str) -> Option<PathBuf> {
    env.folder(variable).or_else(|| Some(env.folder("HOME")?.join(default)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(values: &'static [(&'static str, &'static str)]) -> Env {
        Env::from_fn(move |name| values.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    const HOME: (&str, &str) = ("HOME", "/home/me");
    const STATE: (&str, &str) = ("STATE_DIRECTORY", "/var/lib/feeds:/var/lib/other");

    #[test]
    fn the_nearest_configuration_is_taken() {
        let find = |flag: Option<&str>, values, existing: &'static str| {
            config(flag.map(Path::new), &env(values), &|path| path == Path::new(existing)).map(|path| path.display().to_string())
        };
        let found = |path: &str| Ok(path.to_owned());
        assert_eq!(find(Some("a.toml"), &[HOME, ("FEEDS_CONFIG", "b.toml")], ""), found("a.toml"));
        assert_eq!(find(None, &[HOME, ("FEEDS_CONFIG", "b.toml")], ""), found("b.toml"));
        let own = "/home/me/.config/feeds/config.toml";
        assert_eq!(find(None, &[HOME, ("FEEDS_CONFIG", "")], own), found(own));
        assert_eq!(find(None, &[HOME, ("XDG_CONFIG_HOME", "/x")], "/x/feeds/config.toml"), found("/x/feeds/config.toml"));
        assert_eq!(find(None, &[HOME], SYSTEM), found(SYSTEM));
        assert_eq!(find(None, &[], SYSTEM), found(SYSTEM));
        let error = find(None, &[HOME], "").unwrap_err();
        assert_eq!(error.to_string(), format!("there is no configuration: looked for `{own}` and `{SYSTEM}`"));
    }

    #[test]
    fn a_new_configuration_goes_to_the_users_own_place() {
        assert_eq!(new_config(None, &env(&[HOME])), Ok("/home/me/.config/feeds/config.toml".into()));
        assert_eq!(new_config(Some(Path::new("x.toml")), &env(&[HOME])), Ok("x.toml".into()));
        assert_eq!(new_config(None, &env(&[])), Err(LocateError::NoHome));
    }

    #[test]
    fn the_nearest_database_is_taken() {
        let find = |flag: Option<&str>, values, key: Option<&str>| {
            database(flag.map(Path::new), &env(values), key.map(Path::new)).map(|path| path.display().to_string())
        };
        let found = |path: &str| Ok(path.to_owned());
        assert_eq!(find(Some("a.db"), &[HOME, STATE, ("FEEDS_DATABASE", "b.db")], Some("/c.db")), found("a.db"));
        assert_eq!(find(None, &[HOME, STATE, ("FEEDS_DATABASE", "b.db")], Some("/c.db")), found("b.db"));
        assert_eq!(find(None, &[HOME, STATE], Some("/c.db")), found("/c.db"));
        assert_eq!(find(None, &[HOME, STATE], None), found("/var/lib/feeds/feeds.db"));
        assert_eq!(find(None, &[HOME], None), found("/home/me/.local/state/feeds/feeds.db"));
        assert_eq!(find(None, &[HOME, ("XDG_STATE_HOME", "relative")], None), found("/home/me/.local/state/feeds/feeds.db"));
        assert_eq!(find(None, &[], None), Err(LocateError::NoHome));
    }
}
