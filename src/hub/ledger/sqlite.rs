//! What is said to SQLite and to no other database: how it is opened, how the chain's end is held while it is written,
//! and how a copy is made. The other place is `lock.rs`; a ledger on PostgreSQL has its own two.

use std::fs::OpenOptions;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};

use super::error::LedgerError;

/// For how long another program's writing is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many rows are read ahead.
const AHEAD: usize = 1024;

/// Begins to write: whoever has begun so is alone with the chain's end until it commits.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

fn options() -> SqliteConnectOptions {
    SqliteConnectOptions::new().row_buffer_size(AHEAD).foreign_keys(true).disable_statement_logging()
}

/// A database that is gone with its connection.
pub(super) async fn in_memory() -> Result<SqliteConnection, sqlx::Error> {
    options().in_memory(true).connect().await
}

/// The database of a file that is there. What is committed is on the disk.
pub(super) async fn connect(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    options()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(PATIENCE)
        .connect()
        .await
}

/// The database of a file that is there, for reading alone.
pub(super) async fn connect_to_read(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    // Opened as for writing, since the log beside it may have to be read back; no statement may write.
    let options = options().filename(path).create_if_missing(false).busy_timeout(PATIENCE);
    options.pragma("query_only", "ON").connect().await
}

/// Makes the file for its owner alone where there is none.
pub(super) fn make(path: &Path) -> Result<(), LedgerError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(LedgerError::file(path)(error)),
        _ => Ok(()),
    }
}

/// Refuses a file that others can read. It is not opened for that: where this process has the database open, closing
/// the file once more would take the database's locks away (<https://www.sqlite.org/howtocorrupt.html>, 2.2).
pub(super) fn private(path: &Path) -> Result<(), LedgerError> {
    let mode = std::fs::metadata(path).map_err(LedgerError::file(path))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 { Err(LedgerError::Exposed { path: path.to_owned(), mode }) } else { Ok(()) }
}

/// Refuses a file that ends in the middle of a page: SQLite would take what is missing for zeros. While there is a log
/// beside it, the file may be as a process has left it that ended while it wrote; the log has all of it.
async fn whole_pages(connection: &mut SqliteConnection, path: &Path) -> Result<(), LedgerError> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if std::fs::metadata(log).is_ok_and(|log| log.len() > 0) {
        return Ok(());
    }
    let size: i64 = sqlx::query_scalar("PRAGMA page_size").fetch_one(connection).await?;
    let length = std::fs::metadata(path).map_err(LedgerError::file(path))?.len();
    if length.checked_rem(size.unsigned_abs()) == Some(0) {
        return Ok(());
    }
    Err(LedgerError::Corrupt { path: path.to_owned(), why: "it ends in the middle of a page".to_owned() })
}

/// Looks over every page.
pub(super) async fn check(connection: &mut SqliteConnection, path: &Path) -> Result<(), LedgerError> {
    whole_pages(connection, path).await?;
    let found: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(connection).await?;
    if found == "ok" { Ok(()) } else { Err(LedgerError::Corrupt { path: path.to_owned(), why: found }) }
}

/// A number that is another one once another connection has written.
pub(super) async fn data_version(connection: &mut SqliteConnection) -> Result<i64, LedgerError> {
    Ok(sqlx::query_scalar("PRAGMA data_version").fetch_one(connection).await?)
}

/// How many tables there are, and whether one of them has this name.
pub(super) async fn tables(connection: &mut SqliteConnection, name: &str) -> Result<(i64, bool), sqlx::Error> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'")
        .fetch_one(&mut *connection)
        .await?;
    let named: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1")
        .bind(name)
        .fetch_one(connection)
        .await?;
    Ok((count, named > 0))
}

/// Copies the whole database into a file for its owner alone, which is there once it is whole and on the disk.
pub(super) async fn copy(connection: &mut SqliteConnection, to: &Path) -> Result<(), LedgerError> {
    let told = LedgerError::file(to);
    let mut begun = to.as_os_str().to_owned();
    begun.push(".new");
    let begun = Path::new(&begun);
    // What a process has left that ended while it copied.
    match std::fs::remove_file(begun) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(told(error)),
        _ => make(begun)?,
    }
    let name = begun.to_str().ok_or_else(|| LedgerError::Unwritable(format!("{}: no UTF-8", begun.display())))?;
    sqlx::query("VACUUM INTO $1").bind(name).execute(connection).await?;
    let written = OpenOptions::new().write(true).open(begun);
    written.and_then(|file| file.sync_all()).and_then(|()| std::fs::rename(begun, to)).map_err(told)
}
