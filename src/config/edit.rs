//! Changes to `config.toml` that leave everything else in it as it is: comments, order, formatting. Goes in: the file
//! and what is to be changed. Comes out: the file replaced as a whole, or not at all. A file that does not parse is
//! never touched, and what is written in a form that cannot be changed safely is refused.

mod splice;
mod write;

use std::fs::File;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::Backlog;
use super::explain::{Mistake, Mistakes};
use super::section::is_name;
use crate::schedule::Every;

pub use write::create_new;

/// A feed to be added: only what was given is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFeed {
    /// Its name.
    pub name: String,
    /// Its URL, or its path.
    pub url: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its sinks, by name.
    pub sinks: Vec<String>,
    /// How often to ask it.
    pub interval: Option<Every>,
    /// How many of the entries already there to deliver.
    pub backlog: Option<Backlog>,
}

/// Why a configuration could not be changed. Nothing was.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The file could not be read.
    #[error("cannot read `{path}`: {cause}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file could not be written.
    #[error("cannot write `{path}`: {cause}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file to be made is there already.
    #[error("`{0}` exists already")]
    AlreadyThere(PathBuf),
    /// The file is no TOML.
    #[error("{0}")]
    Broken(Mistakes),
    /// Somebody else changed the file in between.
    #[error("`{0}` was changed meanwhile by another program")]
    Changed(PathBuf),
    /// There is such a feed already.
    #[error("there is a feed `{0}` already")]
    Exists(String),
    /// There is no such feed.
    #[error("there is no feed `{0}`")]
    Missing(String),
    /// No feed can have that name.
    #[error("`{0}` cannot be the name of a feed")]
    Name(String),
    /// It is written in a form that cannot be changed without a person.
    #[error("`{what}` is not written as a table of its own (line {line})")]
    Form {
        /// What is written so.
        what: String,
        /// Where, from 1.
        line: usize,
    },
}

impl EditError {
    /// The next step.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Read { .. } | Self::Write { .. } | Self::Broken(_) | Self::Missing(_) => None,
            Self::AlreadyThere(path) => Some(format!("it was left as it is; edit it, or move it away: {}", path.display())),
            Self::Changed(_) => Some("try again".to_owned()),
            Self::Exists(_) => Some("choose another name with `--name`".to_owned()),
            Self::Name(_) => {
                Some("a name has up to 64 of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or digit".to_owned())
            }
            Self::Form { .. } => Some("change it by hand, or write it as a table `[feeds.NAME]`".to_owned()),
        }
    }
}

/// A configuration that is being changed. Its folder is locked for other commands until this is dropped.
#[derive(Debug)]
pub struct ConfigFile {
    /// The file itself, symbolic links followed.
    path: PathBuf,
    named: PathBuf,
    original: String,
    text: String,
    _lock: Option<File>,
}

impl ConfigFile {
    /// Reads a configuration to change it. Waits while another command changes it.
    ///
    /// # Errors
    /// When it cannot be read, or is no TOML.
    pub fn open(path: &Path) -> Result<Self, EditError> {
        let unreadable = |cause| EditError::Read { path: path.to_owned(), cause };
        let target = std::fs::canonicalize(path).map_err(unreadable)?;
        let lock = write::lock_folder_of(&target);
        let text = std::fs::read_to_string(&target).map_err(unreadable)?;
        let (_, errors) = DeTable::parse_recoverable(&text);
        if !errors.is_empty() {
            let mistake = |error: toml::de::Error| Mistake::error(error.span().unwrap_or(0..0), error.message());
            let mistakes = errors.into_iter().map(mistake).collect();
            return Err(EditError::Broken(Mistakes::new(path, &text, mistakes)));
        }
        Ok(Self { path: target, named: path.to_owned(), original: text.clone(), text, _lock: lock })
    }

    /// The text as it stands after the changes so far: to be checked before it is saved.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Adds a feed below the last one, or at the end.
    ///
    /// # Errors
    /// When there is one of that name, or the feeds are not written as tables.
    pub fn append_feed(&mut self, feed: &NewFeed) -> Result<(), EditError> {
        self.text = appended(&self.text, feed)?;
        Ok(())
    }

    /// Removes a feed and the comment lines directly above it.
    ///
    /// # Errors
    /// When there is none of that name, or it is not written as a table.
    pub fn remove_feed(&mut self, name: &str) -> Result<(), EditError> {
        self.text = splice::remove(&self.text, name)?;
        Ok(())
    }

    /// Pauses a feed, or lets it be polled again.
    ///
    /// # Errors
    /// When there is none of that name, or it is not written as a table.
    pub fn set_paused(&mut self, name: &str, paused: bool) -> Result<(), EditError> {
        self.text = splice::set_paused(&self.text, name, paused)?;
        Ok(())
    }

    /// Puts the changed text in the place of the file, as a whole. Mode and owner stay.
    ///
    /// # Errors
    /// When it cannot be written, or somebody else changed the file in between.
    pub fn save(&mut self) -> Result<(), EditError> {
        if self.text == self.original {
            return Ok(());
        }
        // An editor knows nothing of the lock.
        let now = std::fs::read(&self.path).map_err(|cause| EditError::Read { path: self.named.clone(), cause })?;
        if now != self.original.as_bytes() {
            return Err(EditError::Changed(self.named.clone()));
        }
        write::replace(&self.path, &self.text).map_err(|cause| EditError::Write { path: self.named.clone(), cause })?;
        self.original.clone_from(&self.text);
        Ok(())
    }
}

/// A configuration's text with one more feed in it.
pub(super) fn appended(text: &str, feed: &NewFeed) -> Result<String, EditError> {
    if is_name(&feed.name) { splice::append(text, feed) } else { Err(EditError::Name(feed.name.clone())) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn feed(name: &str) -> NewFeed {
        let url = format!("https://{name}.example/");
        NewFeed { name: name.to_owned(), url, tags: Vec::new(), sinks: Vec::new(), interval: None, backlog: None }
    }

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn an_edit_replaces_the_file_behind_a_link_and_keeps_its_mode() {
        let (folder, path) = file("# mine\n");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let link = elsewhere.path().join("config.toml");
        symlink(&path, &link).unwrap();
        let mut config = ConfigFile::open(&link).unwrap();
        config.append_feed(&feed("a")).unwrap();
        config.save().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "# mine\n\n[feeds.a]\nurl = \"https://a.example/\"\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_does_not_parse_is_never_touched() {
        let (_folder, path) = file("a = \nb = tru\n");
        let error = ConfigFile::open(&path).unwrap_err();
        assert!(error.to_string().contains("config.toml:2:"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a = \nb = tru\n");
    }

    #[test]
    fn what_an_editor_wrote_in_between_is_kept() {
        let (_folder, path) = file("");
        let mut config = ConfigFile::open(&path).unwrap();
        config.append_feed(&feed("a")).unwrap();
        std::fs::write(&path, "# new\n").unwrap();
        assert!(matches!(config.save(), Err(EditError::Changed(_))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "# new\n");
    }

    #[test]
    fn two_edits_at_once_are_both_kept() {
        let (_folder, path) = file("");
        let mut first = ConfigFile::open(&path).unwrap();
        let second = std::thread::spawn({
            let path = path.clone();
            move || {
                let mut config = ConfigFile::open(&path).unwrap();
                config.append_feed(&feed("b")).unwrap();
                config.save().unwrap();
            }
        });
        first.append_feed(&feed("a")).unwrap();
        first.save().unwrap();
        drop(first);
        second.join().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("[feeds.a]") && text.contains("[feeds.b]"), "{text}");
    }

    #[test]
    fn a_new_file_never_overwrites_one() {
        let (folder, path) = file("# mine\n");
        assert!(matches!(create_new(&path, "x"), Err(EditError::AlreadyThere(_))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "# mine\n");
        let new = folder.path().join("a/b/config.toml");
        create_new(&new, "x = 1\n").unwrap();
        assert_eq!(std::fs::read_to_string(&new).unwrap(), "x = 1\n");
        assert_eq!(std::fs::metadata(&new).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
