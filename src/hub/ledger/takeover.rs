//! Takes over the records of an older version: files of one line of JSON for each thing that happened.
//!
//! All of a file goes into the ledger at once, together with how many bytes it was and their hash; then the file gets
//! another name. A process that ends between the two is followed by one that knows these bytes, and only renames.

mod claims;
mod journal;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::SqliteConnection;

pub(in crate::hub) use self::claims::NAME as CLAIMS;
use super::error::LedgerError;
use super::{ITSELF, Writing, own, transact};
use crate::domain::audit::{Action, Draft, ON_TRUST};

/// The longest line that is read, in bytes; a longer one was not written by Quarterdeck.
const LINE: usize = 64 * 1024;

/// What was taken over before.
#[derive(Deserialize)]
struct Taken {
    from: String,
    bytes: usize,
    sha256: String,
}

/// Takes over what is there. Nobody else has the ledger open.
pub(super) async fn take_over(directory: &Path, connection: &mut SqliteConnection) -> Result<(), LedgerError> {
    one(directory, connection, journal::NAME, journal::take).await?;
    one(directory, connection, claims::NAME, claims::take).await
}

/// Takes over one record, whose lines `take` writes, where it is there.
async fn one<L: DeserializeOwned>(
    directory: &Path,
    connection: &mut SqliteConnection,
    name: &'static str,
    take: impl AsyncFnOnce(&mut Writing<'_>, Vec<L>) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    let path = directory.join(name);
    let Some(text) = read(&path)? else { return Ok(()) };
    let known = known(connection, name, &text).await?;
    if known.is_none_or(|known| known < text.len()) {
        let left = text.get(known.unwrap_or_default()..).unwrap_or_default();
        let (lines, unreadable) = lines(left);
        let detail = json!({
            "from": name, "bytes": text.len(), "sha256": sha256(&text), "lines": lines.len(), "unreadable": unreadable,
        });
        transact(connection, Some(directory), async move |writing: &mut Writing<'_>| {
            writing.audit(own(Action::Takeover, detail)).await?;
            take(writing, lines).await
        })
        .await?;
    }
    let told = LedgerError::file(&path);
    std::fs::rename(&path, free_name(directory, name)).map_err(&told)?;
    File::open(directory).and_then(|folder| folder.sync_all()).map_err(told)
}

/// The whole record, which nobody writes to any more; `None` where there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, LedgerError> {
    let told = LedgerError::file(path);
    let about = match std::fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(told(error)),
    };
    // Whatever else stands there could keep whoever opens it waiting.
    if !about.is_file() {
        return Err(told(io::Error::other("not a file")));
    }
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(LedgerError::Exposed { path: path.to_owned(), mode });
    }
    let mut file = OpenOptions::new().read(true).open(path).map_err(&told)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(LedgerError::OldRecordInUse(path.to_owned())),
        Err(TryLockError::Error(error)) => return Err(told(error)),
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(told)?;
    Ok(Some(text))
}

/// How many of its bytes are in the ledger already.
async fn known(connection: &mut SqliteConnection, name: &str, text: &[u8]) -> Result<Option<usize>, LedgerError> {
    let details: Vec<String> = sqlx::query_scalar("SELECT detail FROM audit WHERE action = $1")
        .bind(Action::Takeover.name())
        .fetch_all(connection)
        .await?;
    let taken = details.iter().filter_map(|detail| serde_json::from_str::<Taken>(detail).ok());
    Ok(taken
        .filter(|taken| taken.from == name)
        .filter(|taken| text.get(..taken.bytes).is_some_and(|head| sha256(head) == taken.sha256))
        .map(|taken| taken.bytes)
        .max())
}

/// The lines that can be read, and how many can't: a process ended in the middle of them.
fn lines<L: DeserializeOwned>(text: &[u8]) -> (Vec<L>, usize) {
    let mut unreadable = 0;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).filter_map(|line| {
        let read = if line.len() <= LINE { serde_json::from_slice(line).ok() } else { None };
        unreadable += usize::from(read.is_none());
        read
    });
    (lines.collect(), unreadable)
}

/// An entry on a line of a record. The older version knew of no context.
fn told(name: &str, at: Timestamp, actor: String, action: Action, subject: String, detail: Value) -> Draft {
    let mut detail = detail;
    if let Some(detail) = detail.as_object_mut() {
        detail.insert("from".to_owned(), name.into());
    }
    Draft {
        at,
        trusted: (actor != ITSELF).then(|| ON_TRUST.to_owned()),
        actor,
        context: String::new(),
        action,
        subject,
        remediation: None,
        plan_hash: None,
        detail,
    }
}

fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A name that no other record has that was taken over.
fn free_name(directory: &Path, name: &str) -> PathBuf {
    let name = |n: usize| {
        let tail = if n == 1 { String::new() } else { format!("-{n}") };
        directory.join(format!("{name}.taken-over{tail}"))
    };
    let mut n = 1;
    while name(n).exists() {
        n += 1;
    }
    name(n)
}
