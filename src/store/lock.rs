//! One run at a time: the file `<database>.lock`, which holds the run's process number. The lock dies with its process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::StoreError;
use super::open::make_folder;

/// The right to run, for as long as it is held.
#[derive(Debug)]
pub struct RunLock {
    /// Dropping it gives the lock back.
    _file: File,
}

/// What came of asking for the lock.
#[derive(Debug)]
pub enum Taken {
    /// It is ours.
    Ours(RunLock),
    /// Another run has it; its process number, where it could be read.
    Theirs(Option<u32>),
}

impl RunLock {
    /// Asks for the lock beside the database at `path`, without waiting.
    ///
    /// # Errors
    /// When the file cannot be made or locked at all.
    pub fn take(path: &Path) -> Result<Taken, StoreError> {
        let failed = |cause: std::io::Error| StoreError::Open { path: path.to_owned(), cause: cause.to_string() };
        make_folder(path)?;
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(no_follow);
        let mut file = options.open(&name).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                let pid = format!("{}\n", std::process::id());
                let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(pid.as_bytes()));
                written.map_err(failed)?;
                Ok(Taken::Ours(Self { _file: file }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let pid = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                Ok(Taken::Theirs(pid))
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_holds_the_lock_and_it_is_free_again_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feeds.db");
        let Taken::Ours(first) = RunLock::take(&path).unwrap() else { panic!("free") };
        assert!(matches!(RunLock::take(&path).unwrap(), Taken::Theirs(Some(pid)) if pid == std::process::id()));
        drop(first);
        assert!(matches!(RunLock::take(&path).unwrap(), Taken::Ours(_)));
    }
}
