//! One process carries remediations of many out: whoever holds the lock on a file beside the ledger. The system lets go
//! of it however a process ends, so that a lock that can be had says that nobody sends anything.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The lock of one state directory; none is needed for a ledger in memory.
#[derive(Debug)]
pub(super) struct Turn {
    path: Option<PathBuf>,
    held: Mutex<Option<File>>,
}

impl Turn {
    pub(super) fn new(directory: Option<&Path>) -> Self {
        Self { path: directory.map(|directory| directory.join("executor.lock")), held: Mutex::default() }
    }

    /// Takes it, and gives whether this process has it now.
    ///
    /// # Errors
    /// Where the file can't be made or locked at all.
    pub(super) fn take(&self) -> std::io::Result<bool> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(path), None) = (&self.path, &*held) else { return Ok(true) };
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        match file.try_lock() {
            Ok(()) => {
                *held = Some(file);
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Lets go of it.
    pub(super) fn release(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
