//! Who else has the ledger open. One of the two places where another kind of database does it in its own way.
//!
//! A file beside the database: whoever has the ledger open holds a shared lock on it, so that an exclusive one tells
//! that nobody else does. The system lets go of it however a process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::error::LedgerError;

/// How long another process is waited for that opens the ledger at the same moment.
const PATIENCE: Duration = Duration::from_secs(5);

/// A lock on the ledger, as long as it is kept.
#[derive(Debug)]
pub(super) struct Presence {
    file: File,
    /// Whether nobody else had it open.
    pub(super) alone: bool,
}

impl Presence {
    /// Takes the lock: alone if nobody else has it, and together with the others otherwise.
    pub(super) fn take(directory: &Path) -> Result<Self, LedgerError> {
        let path = directory.join("ledger.lock");
        let told = LedgerError::file(&path);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(&told)?;
        match file.try_lock() {
            Ok(()) => return Ok(Self { file, alone: true }),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(told(error)),
        }
        let begun = Instant::now();
        loop {
            match file.try_lock_shared() {
                Ok(()) => return Ok(Self { file, alone: false }),
                Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(TryLockError::WouldBlock) => return Err(LedgerError::Locked(path)),
                Err(TryLockError::Error(error)) => return Err(told(error)),
            }
        }
    }

    /// From now on others may open it, too.
    pub(super) fn share(&self, directory: &Path) -> Result<(), LedgerError> {
        self.file.lock_shared().map_err(LedgerError::file(&directory.join("ledger.lock")))
    }
}
