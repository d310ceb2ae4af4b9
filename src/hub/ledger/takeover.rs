//! Takes over the record of an older version: `journal.jsonl`, one line of JSON before and after each act.
//!
//! All of it goes into the ledger at once, together with how many bytes it was and their hash; then the file gets
//! another name. A process that ends between the two is followed by one that knows these bytes, and only renames.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::SqliteConnection;

use super::error::LedgerError;
use super::{Begun, Writing, own, transact};
use crate::domain::audit::{Action, Draft, ON_TRUST};
use crate::domain::remediation::ItemState;
use crate::hub::journal::{Arming, Sending};

/// The longest line that is read, in bytes; a longer one was not written by Quarterdeck.
const LINE: usize = 64 * 1024;

/// Its name.
const NAME: &str = "journal.jsonl";

/// A line.
#[derive(Debug, Deserialize)]
struct Line {
    at: Timestamp,
    id: String,
    #[serde(flatten)]
    event: Event,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event {
    Sending(Box<Sending>),
    Answered { state: ItemState, text: String },
    Ended { state: ItemState, text: String },
    Armed(Arming),
    Disarmed { text: String },
}

/// What was taken over before.
#[derive(Deserialize)]
struct Taken {
    bytes: usize,
    sha256: String,
}

/// Takes it over where it is there. Nobody else has the ledger open.
pub(super) async fn take_over(directory: &Path, connection: &mut SqliteConnection) -> Result<(), LedgerError> {
    let path = directory.join(NAME);
    let Some(text) = read(&path)? else { return Ok(()) };
    let known = known(connection, &text).await?;
    if known.is_none_or(|known| known < text.len()) {
        let left = text.get(known.unwrap_or_default()..).unwrap_or_default();
        let (lines, unreadable) = lines(left);
        let detail = json!({
            "from": NAME, "bytes": text.len(), "sha256": sha256(&text), "lines": lines.len(), "unreadable": unreadable,
        });
        transact(connection, Some(directory), async move |writing: &mut Writing<'_>| {
            writing.audit(own(Action::Takeover, detail)).await?;
            let mut acts = HashMap::new();
            for line in lines {
                take(writing, line, &mut acts).await?;
            }
            Ok(())
        })
        .await?;
    }
    let told = LedgerError::file(&path);
    std::fs::rename(&path, free_name(directory)).map_err(&told)?;
    File::open(directory).and_then(|folder| folder.sync_all()).map_err(told)
}

/// The whole record, which nobody writes to any more; `None` where there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, LedgerError> {
    let told = LedgerError::file(path);
    let mut file = match OpenOptions::new().read(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(told(error)),
    };
    let mode = file.metadata().map_err(&told)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(LedgerError::Exposed { path: path.to_owned(), mode });
    }
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
async fn known(connection: &mut SqliteConnection, text: &[u8]) -> Result<Option<usize>, LedgerError> {
    let details: Vec<String> = sqlx::query_scalar("SELECT detail FROM audit WHERE action = $1")
        .bind(Action::Takeover.name())
        .fetch_all(connection)
        .await?;
    let taken = details.iter().filter_map(|detail| serde_json::from_str::<Taken>(detail).ok());
    Ok(taken
        .filter(|taken| text.get(..taken.bytes).is_some_and(|head| sha256(head) == taken.sha256))
        .map(|taken| taken.bytes)
        .max())
}

/// The lines that can be read, and how many can't: a process ended in the middle of them.
fn lines(text: &[u8]) -> (Vec<Line>, usize) {
    let mut unreadable = 0;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).filter_map(|line| {
        let read = if line.len() <= LINE { serde_json::from_slice(line).ok() } else { None };
        unreadable += usize::from(read.is_none());
        read
    });
    (lines.collect(), unreadable)
}

/// Who acted on what, by the act's id.
type Acts = HashMap<String, (String, String, String)>;

async fn take(writing: &mut Writing<'_>, line: Line, acts: &mut Acts) -> Result<(), LedgerError> {
    let Line { at, id, event } = line;
    let of = |acts: &Acts| acts.get(&id).cloned().unwrap_or_default();
    let ((actor, subject, plan), action, detail) = match event {
        Event::Sending(sending) => {
            let detail = sending.told();
            let subject = format!("{}/{}", sending.source, sending.instance);
            acts.insert(id.clone(), (sending.requested_by.clone(), subject, sending.plan_hash.clone()));
            let text = serde_json::to_string(&sending).map_err(|error| LedgerError::Unwritable(error.to_string()))?;
            let Sending { source, instance, .. } = *sending;
            writing.begin_unless_known(&Begun { id: id.clone(), at, source, instance, sending: text }).await?;
            (of(acts), Action::Act, detail)
        }
        Event::Answered { state, text } => {
            writing.answer(&id, state, &text, at).await?;
            (of(acts), Action::Answer, json!({ "state": state.name(), "text": text }))
        }
        Event::Ended { state, text } => {
            writing.end(&id, state, &text, at).await?;
            (of(acts), Action::Outcome, json!({ "state": state.name(), "text": text }))
        }
        Event::Armed(arming) => {
            acts.insert(id.clone(), (arming.requested_by.clone(), String::new(), String::new()));
            (of(acts), Action::Arm, arming.told())
        }
        Event::Disarmed { text } => (of(acts), Action::Disarm, json!({ "text": text })),
    };
    let mut detail = detail;
    if let Some(detail) = detail.as_object_mut() {
        detail.insert("from".to_owned(), NAME.into());
    }
    writing
        .audit(Draft {
            at,
            actor,
            trusted: Some(ON_TRUST.to_owned()),
            context: String::new(),
            action,
            subject,
            remediation: Some(id),
            plan_hash: Some(plan).filter(|plan| !plan.is_empty()),
            detail,
        })
        .await
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
fn free_name(directory: &Path) -> PathBuf {
    let name = |n: usize| {
        let tail = if n == 1 { String::new() } else { format!("-{n}") };
        directory.join(format!("{NAME}.taken-over{tail}"))
    };
    let mut n = 1;
    while name(n).exists() {
        n += 1;
    }
    name(n)
}
