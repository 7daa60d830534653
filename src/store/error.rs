//! What can go wrong with the database, told apart by what a person can do about it.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why the database could not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// There is none yet.
    #[error("there is no database at `{0}` yet")]
    Missing(PathBuf),
    /// The file or its folder could not be made or opened.
    #[error("cannot open the database `{path}`: {cause}")]
    Open {
        /// The database.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// It was written by a later version of this program.
    #[error("the database is newer than this program (its version is {found}, this program knows {known})")]
    Newer {
        /// The version of the database's tables.
        found: i64,
        /// The latest version this program knows.
        known: i64,
    },
    /// Its tables are those of an earlier version, and it was opened to be read only.
    #[error("the database is from an earlier version of this program")]
    Older,
    /// It could not be copied before it was to be brought up to date; it is as it was.
    #[error("cannot copy the database to `{path}` before it is brought up to date: {cause}")]
    Backup {
        /// The copy.
        path: PathBuf,
        /// What happened, in words.
        cause: String,
    },
    /// The disk, or the quota, is full.
    #[error("the disk is full")]
    Full,
    /// The disk refused: a file's size is limited, or the disk itself fails.
    #[error("the disk refuses to read or write: {0}")]
    Disk(String),
    /// It cannot be written to.
    #[error("the database cannot be written: {0}")]
    ReadOnly(String),
    /// Another program has held it for too long.
    #[error("the database is locked by another program")]
    Busy,
    /// Its content is damaged.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// Anything else that SQLite says.
    #[error("the database failed: {0}")]
    Other(String),
    /// The writing thread has ended.
    #[error("the database is closed")]
    Stopped,
}

impl StoreError {
    /// The next step for a person.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Missing(_) => "`feeds run --once` makes it",
            Self::Open { .. } | Self::ReadOnly(_) => {
                "see that the file and its folder belong to the user who runs `feeds`, or name another with `--database`"
            }
            Self::Newer { .. } => "install the version of `feeds` that wrote it, or name another database with `--database`",
            Self::Older => "`feeds run --once` brings it up to date",
            Self::Full => "make room; nothing is lost, the next run goes on where this one stopped",
            Self::Backup { .. } => "make room, and see that the folder can be written; the database is as it was",
            Self::Disk(_) => "see whether the disk is full, or the size of files limited (`ulimit -f`); nothing is lost",
            Self::Busy => "end the program that holds it open, then run again",
            Self::Damaged(_) => "keep the file, restore a copy of it, or name a new one with `--database`",
            Self::Other(_) | Self::Stopped => return None,
        };
        Some(help.to_owned())
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        let Some(code) = error.sqlite_error_code() else { return Self::Other(text) };
        match code {
            ErrorCode::DiskFull => Self::Full,
            ErrorCode::SystemIoFailure => Self::Disk(text),
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen => Self::ReadOnly(text),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Damaged(text),
            _ => Self::Other(text),
        }
    }
}
