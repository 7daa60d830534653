//! Whether there is room for what a run writes down. A transaction alone does not tell: it may fit into what the database
//! has room for already, on a disk that is full.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::{Store, StoreError};

/// So much is asked for: what some hundred entries take.
const ROOM: u64 = 256 << 10;

impl Store {
    /// Asks for room beside the database, and gives it back.
    pub(super) async fn make_sure_of_room(&self) -> Result<(), StoreError> {
        let folder = Arc::clone(&self.folder);
        tokio::task::spawn_blocking(move || probe(&folder)).await.map_err(|_| StoreError::Stopped)?
    }
}

fn probe(folder: &Path) -> Result<(), StoreError> {
    // Without a name: it is gone with the process, whatever happens.
    let file = tempfile::tempfile_in(folder).map_err(|error| judge(&error))?;
    match fallocate(&file, FallocateFlags::empty(), 0, ROOM) {
        // Not every file system can promise room; there the first transaction must do.
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
        Err(error) => Err(judge(&error.into())),
    }
}

fn judge(error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::NotFound => {
            StoreError::ReadOnly(error.to_string())
        }
        _ => StoreError::Disk(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_room_keeps_nothing_of_the_probe() {
        let folder = tempfile::tempdir().unwrap();
        probe(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(matches!(probe(&folder.path().join("none")), Err(StoreError::ReadOnly(_))));
        assert!(matches!(judge(&io::ErrorKind::StorageFull.into()), StoreError::Full));
    }
}
