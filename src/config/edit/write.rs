//! Files put in their place as a whole, or not at all. Goes in: a path and a text. Knows nothing of what it means.

use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::Path;

use super::EditError;

/// Waits until no other command changes a file of this folder, and keeps them waiting until the handle is dropped.
pub(super) fn lock_folder_of(path: &Path) -> Option<File> {
    let folder = File::open(folder_of(path)).ok()?;
    // Some network file systems lock no folders. The file is replaced as a whole there too; only two edits at the very
    // same moment are then told apart by `EditError::Changed` alone.
    folder.lock().is_ok().then_some(folder)
}

/// Puts `text` in the place of the file `path`, which keeps its mode and its owner.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let before = std::fs::metadata(path)?;
    let folder = folder_of(path);
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    keep_owner(file.as_file(), &before)?;
    file.as_file().set_permissions(before.permissions())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

/// Writes a new file, readable by its owner alone, and the folders it needs.
///
/// # Errors
/// When there is such a file already, or it cannot be written.
pub fn create_new(path: &Path, text: &str) -> Result<(), EditError> {
    let failed = |cause: io::Error| match cause.kind() {
        io::ErrorKind::AlreadyExists => EditError::AlreadyThere(path.to_owned()),
        _ => EditError::Write { path: path.to_owned(), cause },
    };
    let folder = folder_of(path);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist_noclobber(path).map_err(|error| failed(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

fn keep_owner(file: &File, before: &Metadata) -> io::Result<()> {
    let now = file.metadata()?;
    if (now.uid(), now.gid()) == (before.uid(), before.gid()) {
        return Ok(());
    }
    fchown(file, Some(before.uid()), Some(before.gid()))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
