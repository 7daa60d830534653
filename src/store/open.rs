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
    refuse_empty(path)?;
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    migrate(&mut connection, path, MIGRATIONS)?;
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
    refuse_empty(path)?;
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

/// A database that only its owner may read, in a folder of the same kind. It comes to its place with all its tables, so that an
/// empty file there was made by something else.
fn create(path: &Path) -> Result<(), StoreError> {
    let failed = |cause: std::io::Error| StoreError::Open { path: path.to_owned(), cause: cause.to_string() };
    make_folder(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Its mode is 0600, and it goes whatever happens.
    let new = tempfile::Builder::new().prefix(".feeds-").suffix(".new").tempfile_in(folder).map_err(failed)?;
    let mut connection = connect(new.path(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    migrate(&mut connection, new.path(), MIGRATIONS)?;
    drop(connection);
    match new.persist_noclobber(path) {
        Ok(_) => fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed),
        // Another process was faster; what it made is opened like any other.
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error.error)),
    }
}

/// A file without a byte is what a mishap leaves of a database: it is not taken for a new one.
fn refuse_empty(path: &Path) -> Result<(), StoreError> {
    match fs::metadata(path) {
        Ok(found) if found.len() == 0 => Err(StoreError::Damaged("the file is empty".to_owned())),
        Ok(_) | Err(_) => Ok(()),
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
    number_of(MIGRATIONS)
}

fn number_of(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

fn version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Applies the migrations that are missing, each with its number in one transaction. A database that has something in it is
/// copied first, so that a person can go back to the earlier version of this program.
fn migrate(connection: &mut Connection, path: &Path, migrations: &[&str]) -> Result<(), StoreError> {
    let (found, latest) = (version(connection)?, number_of(migrations));
    if found > latest {
        return Err(StoreError::Newer { found, known: latest });
    }
    if (1..latest).contains(&found) {
        back_up(connection, path, found)?;
    }
    for (number, sql) in (1_i64..).zip(migrations).filter(|(number, _)| *number > found) {
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

/// Copies the database to `<database>.v<version>.bak`, for its owner alone: whole, on the disk, or not at all.
fn back_up(connection: &Connection, path: &Path, version: i64) -> Result<(), StoreError> {
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let copy = beside(&format!(".v{version}.bak"));
    let unfinished = beside(&format!(".v{version}.bak.{}", std::process::id()));
    let failed = |cause: String| StoreError::Backup { path: copy.clone(), cause };
    let copied = (|| {
        fs::remove_file(&unfinished).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        // SQLite fills an empty file, and leaves its mode alone.
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        let name = unfinished.to_str().ok_or_else(|| std::io::Error::other("its name is not UTF-8"))?;
        connection.execute("VACUUM INTO ?1", [name]).map_err(std::io::Error::other)?;
        fs::File::open(&unfinished)?.sync_all()?;
        if self::version(connection).map_err(std::io::Error::other)? != version {
            // Another process was faster, and has made its copy.
            return fs::remove_file(&unfinished);
        }
        fs::rename(&unfinished, &copy)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::File::open(folder)?.sync_all()
    })();
    copied.map_err(|error: std::io::Error| {
        fs::remove_file(&unfinished).ok();
        failed(error.to_string())
    })
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
    fn what_is_written_down_is_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let connection = for_writing(&folder.path().join("feeds.db"), IfMissing::Create).unwrap();
        let pragma =
            |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
        assert_eq!(pragma("journal_mode"), rusqlite::types::Value::Text("wal".to_owned()));
        assert_eq!(pragma("synchronous"), rusqlite::types::Value::Integer(2), "full");
        assert_eq!(pragma("foreign_keys"), rusqlite::types::Value::Integer(1));
    }

    #[test]
    fn a_database_is_copied_before_it_is_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feeds.db");
        let copy = folder.path().join("feeds.db.v1.bak");
        let mut connection = for_writing(&path, IfMissing::Create).unwrap();
        connection.execute("INSERT INTO runs (started_at) VALUES (7)", []).unwrap();
        assert!(!copy.exists(), "a new database has nothing to copy");
        let broken = [MIGRATIONS[0], "CREATE TABLE later (id INTEGER); CREATE TABLE runs (id INTEGER)"];
        assert!(migrate(&mut connection, &path, &broken).is_err());
        assert_eq!(version(&connection).unwrap(), 1, "all or nothing");
        migrate(&mut connection, &path, &[MIGRATIONS[0], "CREATE TABLE later (id INTEGER)"]).unwrap();
        assert_eq!(version(&connection).unwrap(), 2);
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
        let earlier = connect(&copy, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        assert_eq!(version(&earlier).unwrap(), 1);
        let started: i64 = earlier.query_row("SELECT started_at FROM runs", [], |row| row.get(0)).unwrap();
        assert_eq!(started, 7);
        let files = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 4, "the database, its two companions and the copy; nothing unfinished");
        fs::remove_file(&copy).unwrap();
        migrate(&mut connection, &path, &[MIGRATIONS[0], "CREATE TABLE later (id INTEGER)"]).unwrap();
        assert!(!copy.exists(), "nothing was due");
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
        fs::write(&damaged, "").unwrap();
        assert!(matches!(for_writing(&damaged, IfMissing::Create), Err(StoreError::Damaged(_))));

        let link = folder.path().join("link.db");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(for_writing(&link, IfMissing::Create), Err(StoreError::Open { .. })));
    }
}
