//! One process carries remediations of many out: whoever holds the lock on a file beside the ledger. The system lets go
//! of it however a process ends, so that a lock that can be had says that nobody sends anything.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The lock of one state directory; none is needed for a ledger in memory.
#[derive(Debug)]
pub(super) struct Turn {
    path: Option<PathBuf>,
    held: Mutex<Weak<Held>>,
}

/// That this process is the one that sends, for as long as any of these is kept.
#[derive(Debug)]
pub(super) struct Held {
    _file: Option<File>,
}

impl Turn {
    pub(super) fn new(directory: Option<&Path>) -> Self {
        Self { path: directory.map(|directory| directory.join("executor.lock")), held: Mutex::default() }
    }

    /// Takes it; `None` where another process has it.
    ///
    /// # Errors
    /// Where the file can't be made or locked at all.
    pub(super) fn take(&self) -> std::io::Result<Option<Arc<Held>>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.upgrade() {
            return Ok(Some(held));
        }
        let file = match &self.path {
            None => None,
            Some(path) => {
                let file =
                    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
                match file.try_lock() {
                    Ok(()) => Some(file),
                    Err(TryLockError::WouldBlock) => return Ok(None),
                    Err(TryLockError::Error(error)) => return Err(error),
                }
            }
        };
        let taken = Arc::new(Held { _file: file });
        *held = Arc::downgrade(&taken);
        Ok(Some(taken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_as_long_as_anybody_in_this_process_keeps_it() {
        let dir = tempfile::tempdir().unwrap();
        let (here, there) = (Turn::new(Some(dir.path())), Turn::new(Some(dir.path())));
        let first = here.take().unwrap().unwrap();
        let second = here.take().unwrap().unwrap();
        assert!(there.take().unwrap().is_none());
        drop(first);
        assert!(there.take().unwrap().is_none(), "the second one keeps it");
        drop(second);
        let other = there.take().unwrap().unwrap();
        assert!(here.take().unwrap().is_none());
        drop(other);
        assert!(Turn::new(None).take().unwrap().is_some());
    }
}
