//! Opening the database file: who may read it, which pragmas hold, and the migrations from `migrations/`.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{IfMissing, StoreError};

/// Forward only, numbered from 1, never edited once released.
const MIGRATIONS: &[&str] = &[include_str!("../../migrations/0001_start.sql")];

/// How long to wait for another program's transaction.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that writes; makes the file where it is missing and may be made, and brings its tables up to date.
pub(super) fn for_writing(path: &Path, missing: IfMissing) -> Result<Connection, StoreError> {
    if !path.exists() {
        match missing {
            IfMissing::Fail => return Err(StoreError::Missing(path.to_owned())),
            IfMissing::Create => create(path)?,
        }
    }
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    migrate(&mut connection)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // A delivery that is written down stays written down, power cut included.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn for_reading(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing(path.to_owned()));
    }
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    match version(&connection)? {
        found if found == latest() => Ok(connection),
        found if found > latest() => Err(StoreError::Newer { found, known: latest() }),
        _ => Err(StoreError::Older),
    }
}

/// The folder of the database, for its owner alone where it is made.
pub(super) fn make_folder(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|cause| StoreError::Open { path: path.to_owned(), cause: cause.to_string() })
}

/// An empty file that only its owner may read, in a folder of the same kind.
fn create(path: &Path) -> Result<(), StoreError> {
    let failed = |cause: std::io::Error| StoreError::Open { path: path.to_owned(), cause: cause.to_string() };
    make_folder(path)?;
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        // Another process was faster; what it made is opened like any other.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let failed = |cause: String| StoreError::Open { path: path.to_owned(), cause };
    // The folder may be reached by links; the file itself may not be one, lest another's file is written to.
    let real = real_path(path).map_err(|error| failed(error.to_string()))?;
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(real, flags).map_err(|error| failed(error.to_string()))?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn real_path(path: &Path) -> std::io::Result<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| std::io::Error::other("not the name of a file"))?;
    Ok(folder.canonicalize()?.join(name))
}

fn latest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

fn version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Applies the migrations that are missing, each with its number in one transaction.
fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let found = version(connection)?;
    if found > latest() {
        return Err(StoreError::Newer { found, known: latest() });
    }
    for (number, sql) in (1_i64..).zip(MIGRATIONS).filter(|(number, _)| *number > found) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Asked again under the lock: another process may have been faster.
        let at: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if at < number {
            transaction.execute_batch(sql)?;
            transaction.pragma_update(None, "user_version", number)?;
        }
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_new_database_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/feeds.db");
        for_writing(&path, IfMissing::Create).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }

    #[test]
    fn a_newer_a_damaged_and_a_linked_database_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feeds.db");
        assert!(matches!(for_writing(&path, IfMissing::Fail), Err(StoreError::Missing(_))));
        let connection = for_writing(&path, IfMissing::Create).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        assert!(matches!(for_writing(&path, IfMissing::Create), Err(StoreError::Newer { found: 99, .. })));

        let damaged = folder.path().join("damaged.db");
        fs::write(&damaged, "not a database, whatever its name says".repeat(100)).unwrap();
        assert!(matches!(for_writing(&damaged, IfMissing::Create), Err(StoreError::Damaged(_))));

        let link = folder.path().join("link.db");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(for_writing(&link, IfMissing::Create), Err(StoreError::Open { .. })));
    }
}
