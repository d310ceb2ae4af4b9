//! `audit.head`: the end of the audit's chain, noted outside the database, since a chain does not notice that its end
//! was cut.
//!
//! It is written after the entries are on the disk, so it may be behind by what was written when a process ended in
//! between, and is never ahead. It only ever moves forward.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::LedgerError;
use crate::domain::audit::Head;

const SCHEMA: &str = "quarterdeck.audit-head/1";

/// The longest that such a file is, in bytes; a longer one was not written by this program.
const LONGEST: u64 = 1024;

#[derive(Serialize, Deserialize)]
struct Note {
    schema: String,
    #[serde(flatten)]
    head: Head,
}

/// Where it is noted.
pub(super) fn path(directory: &Path) -> PathBuf {
    directory.join("audit.head")
}

/// What is noted; `None` where nothing is.
pub(super) fn read(directory: &Path) -> Result<Option<Head>, LedgerError> {
    let path = path(directory);
    let broken =
        |why: &str| LedgerError::Broken { why: format!("{} can't be read: {why}", path.display()), head: path.clone() };
    let text = match std::fs::metadata(&path) {
        Ok(data) if data.len() > LONGEST => return Err(broken("it is too long")),
        Ok(_) => std::fs::read(&path).map_err(LedgerError::file(&path))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LedgerError::file(&path)(error)),
    };
    match serde_json::from_slice::<Note>(&text) {
        Ok(note) if note.schema == SCHEMA => Ok(Some(note.head)),
        Ok(_) => Err(broken("it is of another version")),
        Err(_) => Err(broken("it is not as it was written")),
    }
}

/// Notes the end, unless a later one is noted already. What is noted is whole, whenever the machine stops.
pub(super) fn note(directory: &Path, head: &Head) -> Result<(), LedgerError> {
    let path = path(directory);
    let told = LedgerError::file(&path);
    // One at a time: else the note of a process that was slow would take the place of a later one.
    let turn = directory.join("audit.head.lock");
    let turn = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&turn);
    let turn = turn.map_err(&told)?;
    turn.lock().map_err(&told)?;
    if read(directory)?.is_some_and(|noted| noted.sequence >= head.sequence) {
        return Ok(());
    }
    let fresh = directory.join("audit.head.new");
    let mut text = serde_json::to_vec(&Note { schema: SCHEMA.to_owned(), head: head.clone() })
        .map_err(|error| LedgerError::Unwritable(error.to_string()))?;
    text.push(b'\n');
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh).map_err(&told)?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(&told)?;
    std::fs::rename(&fresh, &path).map_err(&told)?;
    // A machine that stops may have the older note again, which is only behind: so the folder is not waited for.
    Ok(())
}
