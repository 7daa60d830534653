//! The one place that reads environment variables, and the paths that depend on one (`~`). Code is handed an [`Env`];
//! tests hand in their own. Goes in: a variable's name. Comes out: its value, where it is set and not empty.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

type LookUp = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Looks up environment variables. Cheap to clone.
#[derive(Clone)]
pub struct Env(Arc<LookUp>);

/// Why a path with `~` cannot be resolved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// There is no home folder to put in its place.
    #[error("`~` stands for the home folder, and HOME is not set")]
    NoHome,
    /// `~name` is the shell's.
    #[error("`{0}` names another user's home folder; write its whole path")]
    OtherHome(String),
    /// Nothing is no path.
    #[error("the path is empty")]
    Empty,
}

impl Env {
    /// The process's own environment. A value that is not UTF-8 counts as not set.
    #[must_use]
    pub fn system() -> Self {
        Self::from_fn(|name| std::env::var(name).ok())
    }

    /// An environment that answers what `look_up` says.
    pub fn from_fn(look_up: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(look_up))
    }

    /// The value of a variable; an empty one counts as not set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    /// The value of a variable that holds a path. A relative one counts as not set, as the XDG specification wants it.
    #[must_use]
    pub fn folder(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    /// A path as people write it: `~` is the home folder, and a relative one is relative to `folder`.
    ///
    /// # Errors
    /// When it is empty, names another user's home, or there is no home folder.
    pub fn path(&self, text: &str, folder: &Path) -> Result<PathBuf, PathError> {
        let Some(after) = text.strip_prefix('~') else {
            return if text.is_empty() { Err(PathError::Empty) } else { Ok(folder.join(text)) };
        };
        if !after.is_empty() && !after.starts_with('/') {
            return Err(PathError::OtherHome(text.to_owned()));
        }
        let home = self.folder("HOME").ok_or(PathError::NoHome)?;
        Ok(home.join(after.trim_start_matches('/')))
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_resolved_as_people_write_it() {
        let env = Env::from_fn(|name| (name == "HOME").then(|| "/home/me".to_owned()));
        let path = |text| env.path(text, Path::new("/etc/feeds"));
        assert_eq!(path("~/Mail/feeds"), Ok(PathBuf::from("/home/me/Mail/feeds")));
        assert_eq!(path("~"), Ok(PathBuf::from("/home/me/")));
        assert_eq!(path("demo/feeds.db"), Ok(PathBuf::from("/etc/feeds/demo/feeds.db")));
        assert_eq!(path("/var/x"), Ok(PathBuf::from("/var/x")));
        assert_eq!(path("~you/x"), Err(PathError::OtherHome("~you/x".to_owned())));
        assert_eq!(path(""), Err(PathError::Empty));
        assert_eq!(Env::from_fn(|_| None).path("~/x", Path::new("/")), Err(PathError::NoHome));
    }

    #[test]
    fn an_empty_variable_is_one_that_is_not_set() {
        let env = Env::from_fn(|name| Some(if name == "A" { String::new() } else { "relative".to_owned() }));
        assert_eq!((env.get("A"), env.get("B")), (None, Some("relative".to_owned())));
        assert_eq!(env.folder("B"), None);
    }
}
