//! Why the ledger can't be had, in words that say what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use sqlx::error::DatabaseError;

/// Why the ledger can't be read or written. Where it can't be written, nothing is sent.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another program holds it.
    #[error("{} is locked by another program (sqlite3, a backup?); end that and try again", .0.display())]
    Locked(PathBuf),
    /// An older or newer Quarterdeck has it open, and it must be changed for this one.
    #[error("{} must be changed for this version, and another Quarterdeck has it open; leave that first", .0.display())]
    InUse(PathBuf),
    /// Its pages are not as they were written.
    #[error(
        "{} is damaged: {why}; keep it for whoever looks into it, and put a copy back or begin anew: mv {0} {0}.damaged",
        path.display()
    )]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What the database says.
        why: String,
    },
    /// There is no room.
    #[error("{} can't grow: the disk is full", .0.display())]
    Full(PathBuf),
    /// A later version has changed it.
    #[error("{} was written by a newer Quarterdeck (its tables are version {found}, and this program knows {known}); use that one", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// The version of its tables.
        found: i64,
        /// The latest one that this program knows.
        known: i64,
    },
    /// It is a database, and not a ledger.
    #[error("{} is no ledger of Quarterdeck", .0.display())]
    Foreign(PathBuf),
    /// Others could read who did what.
    #[error("{} can be read by others (mode {mode:o}); mend it with: chmod 600 {0}", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The record of an older version is still being written.
    #[error("{} is still written by an older Quarterdeck; leave that first", .0.display())]
    OldRecordInUse(PathBuf),
    /// The chain does not hold what was noted of its end.
    #[error("{why}; `quarterdeck audit verify` tells more. To go on with what is there: mv {} {0}.kept", head.display())]
    Broken {
        /// What is wrong.
        why: String,
        /// The note of its end.
        head: PathBuf,
    },
    /// The folder or a file in it can't be used.
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database refused for another reason.
    #[error("{}: {why}", path.display())]
    Database {
        /// Which file.
        path: PathBuf,
        /// What it says.
        why: String,
    },
    /// What the database says, where it is not known yet of which file.
    #[error("{0}")]
    Unplaced(sqlx::Error),
    /// What is to be recorded has no form in which it can be.
    #[error("it can't be written down: {0}")]
    Unwritable(String),
}

// SQLite's primary result codes, https://www.sqlite.org/rescode.html: they are stable by promise.
const PERM: u32 = 3;
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const READONLY: u32 = 8;
const IOERR: u32 = 10;
const CORRUPT: u32 = 11;
const FULL: u32 = 13;
const CANTOPEN: u32 = 14;
const NOTADB: u32 = 26;

impl From<sqlx::Error> for LedgerError {
    fn from(error: sqlx::Error) -> Self {
        Self::Unplaced(error)
    }
}

impl LedgerError {
    /// The same, of the ledger in this file.
    pub(super) fn at(self, path: &Path) -> Self {
        let path = path.to_owned();
        match self {
            Self::Unplaced(sqlx::Error::Database(error)) => Self::of_code(&*error, path),
            Self::Unplaced(other) => Self::Database { path, why: other.to_string() },
            placed => placed,
        }
    }

    fn of_code(error: &dyn DatabaseError, path: PathBuf) -> Self {
        let why = error.message().to_owned();
        let code: Option<u32> = error.code().and_then(|code| code.parse().ok());
        // The primary code is in the last byte of an extended one.
        match code.map(|code| code & 0xFF) {
            Some(BUSY | LOCKED) => Self::Locked(path),
            Some(CORRUPT | NOTADB) => Self::Corrupt { path, why },
            Some(FULL) => Self::Full(path),
            Some(PERM | READONLY | CANTOPEN) => Self::Database { path, why: format!("it can't be opened: {why}") },
            Some(IOERR) => Self::Database { path, why: format!("the disk can't be read or written: {why}") },
            _ => Self::Database { path, why },
        }
    }

    /// A file that can't be used.
    pub(super) fn file(path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(path.clone()),
            _ => Self::File { path: path.clone(), source },
        }
    }
}
