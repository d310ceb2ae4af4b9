//! The record of acts: one line of JSON before and after each, appended and flushed to the disk, never changed.
//!
//! What is not recorded is not done: where a line can't be written, the act does not run. A later version moves the
//! record into a database; callers will not notice.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::verify::Baseline;
use crate::domain::remediation::{ItemState, Verb};

/// The longest line that is read back, in bytes; a longer one was not written by this program.
const LINE: usize = 64 * 1024;

/// One line of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// When it was written.
    pub(super) at: Timestamp,
    /// Which act.
    pub(super) id: String,
    /// What is told.
    #[serde(flatten)]
    pub(super) event: Event,
}

/// What a line tells of an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    /// It is about to be sent.
    Sending(Box<Sending>),
    /// The engine answered, or the answer was lost.
    Answered { state: ItemState, text: String },
    /// Nothing more will happen by itself.
    Ended { state: ItemState, text: String },
    /// Acts on a production context are let through.
    Armed(Arming),
    /// And not any more.
    Disarmed { text: String },
}

/// An act that is about to be sent: everything needed to see later what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sending {
    pub(super) verb: Verb,
    pub(super) source: String,
    pub(super) instance: String,
    pub(super) version: String,
    pub(super) flow: String,
    pub(super) plan_hash: String,
    pub(super) reason: String,
    /// Taken on trust.
    pub(super) requested_by: String,
    pub(super) before: Baseline,
}

/// Until when acts are let through, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Arming {
    pub(super) until: Timestamp,
    pub(super) reason: String,
    /// Taken on trust.
    pub(super) requested_by: String,
}

/// The record of acts.
#[derive(Debug)]
pub(super) struct Journal(Mutex<Store>);

#[derive(Debug)]
enum Store {
    /// A file, and where it is. `alone`: no other process had it open when this one opened it.
    File { file: File, path: PathBuf, alone: bool },
    /// For a world that is gone with the process.
    Memory(Vec<Entry>),
}

impl Journal {
    /// Opens the record in the state directory, for its owner alone.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        let path = directory.join("journal.jsonl");
        let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        std::fs::create_dir_all(directory).map_err(told)?;
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path).map_err(told)?;
        let mode = file.metadata().map_err(told)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let mend = format!("{} can be read by others (mode {mode:o}); mend it with: chmod 600 {0}", path.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, mend));
        }
        // Whoever has it open holds a shared lock; so an exclusive one tells that nobody else does.
        let alone = file.try_lock().is_ok();
        file.lock_shared().map_err(told)?;
        Ok(Self(Mutex::new(Store::File { file, path, alone })))
    }

    /// A record that is gone with the process.
    pub(super) fn in_memory() -> Self {
        Self(Mutex::new(Store::Memory(Vec::new())))
    }

    /// A record on a disk that is full.
    #[cfg(test)]
    pub(super) fn full() -> Self {
        let path = PathBuf::from("/dev/full");
        let file = OpenOptions::new().read(true).append(true).open(&path).unwrap();
        Self(Mutex::new(Store::File { file, path, alone: false }))
    }

    /// Appends a line and waits until the disk has it.
    pub(super) fn append(&self, entry: Entry) -> io::Result<()> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Store::Memory(entries) => entries.push(entry),
            Store::File { file, .. } => {
                // A process that ended in the middle of a line, or a disk that was full, left half of one: what came
                // right behind it could not be read back.
                let mut line = if ends_a_line(file)? { Vec::new() } else { vec![b'\n'] };
                serde_json::to_writer(&mut line, &entry)?;
                line.push(b'\n');
                file.write_all(&line)?;
                file.sync_data()?;
            }
        }
        Ok(())
    }

    /// The acts that were begun and whose end is not recorded: a process ended while they ran.
    ///
    /// A line that can't be read (the process was ended in the middle of it) is passed over. None where another
    /// process has the record open: what is unfinished may be its own, and run.
    pub(super) fn unfinished(&self) -> io::Result<Vec<Entry>> {
        let entries = match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Store::Memory(entries) => entries.clone(),
            Store::File { alone: false, .. } => return Ok(Vec::new()),
            Store::File { path, .. } => BufReader::new(File::open(path)?)
                .split(b'\n')
                .filter_map(|line| {
                    let line = line.ok()?;
                    (line.len() <= LINE).then(|| serde_json::from_slice(&line).ok()).flatten()
                })
                .collect(),
        };
        let mut open: Vec<Entry> = Vec::new();
        for entry in entries {
            match entry.event {
                Event::Sending(_) => open.push(entry),
                Event::Answered { .. } | Event::Armed(_) | Event::Disarmed { .. } => {}
                Event::Ended { .. } => open.retain(|begun| begun.id != entry.id),
            }
        }
        Ok(open)
    }
}

/// Whether what is appended begins a line.
fn ends_a_line(file: &File) -> io::Result<bool> {
    let Some(last) = file.metadata()?.len().checked_sub(1) else { return Ok(true) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, event: Event) -> Entry {
        Entry { at: "2026-01-15T03:12:00Z".parse().unwrap(), id: id.to_owned(), event }
    }

    fn sending() -> Event {
        Event::Sending(Box::new(Sending {
            verb: Verb::Resume,
            source: "restate".into(),
            instance: "inv_1".into(),
            version: "v".into(),
            flow: "a/b".into(),
            plan_hash: "h".into(),
            reason: "because".into(),
            requested_by: "somebody".into(),
            before: Baseline {
                engine_now: "2026-01-15T03:12:00Z".parse().unwrap(),
                completed_commands: 2,
                step: "apply".into(),
                fingerprint: None,
            },
        }))
    }

    fn ended() -> Event {
        Event::Ended { state: ItemState::Verified, text: "it succeeded".into() }
    }

    #[test]
    fn what_was_begun_and_not_ended_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        journal.append(entry("1", sending())).unwrap();
        journal.append(entry("2", sending())).unwrap();
        journal.append(entry("1", ended())).unwrap();
        drop(journal);
        let open = Journal::open(dir.path()).unwrap().unfinished().unwrap();
        assert_eq!(open, vec![entry("2", sending())]);
    }

    #[test]
    fn what_another_process_may_be_running_is_left_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let first = Journal::open(dir.path()).unwrap();
        first.append(entry("1", sending())).unwrap();
        let second = Journal::open(dir.path()).unwrap();
        assert_eq!(second.unfinished().unwrap(), vec![]);
        second.append(entry("2", sending())).unwrap();
        drop((first, second));
        assert_eq!(Journal::open(dir.path()).unwrap().unfinished().unwrap().len(), 2);
    }

    #[test]
    fn a_line_cut_in_the_middle_hides_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        journal.append(entry("1", sending())).unwrap();
        drop(journal);
        let path = dir.path().join("journal.jsonl");
        let mut text = std::fs::read(&path).unwrap();
        let half = text.len() / 2;
        let head = text[..half].to_vec();
        text.extend(head);
        std::fs::write(&path, text).unwrap();
        assert_eq!(Journal::open(dir.path()).unwrap().unfinished().unwrap().len(), 1);
    }

    #[test]
    fn what_comes_after_half_a_line_can_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        drop(Journal::open(dir.path()).unwrap());
        std::fs::write(&path, "{\"at\":\"2026-01-15T0").unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        journal.append(entry("2", sending())).unwrap();
        journal.append(entry("3", sending())).unwrap();
        drop(journal);
        let open = Journal::open(dir.path()).unwrap().unfinished().unwrap();
        assert_eq!(open, vec![entry("2", sending()), entry("3", sending())]);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3, "no line is empty");
    }

    #[test]
    fn others_may_not_read_it() {
        let dir = tempfile::tempdir().unwrap();
        drop(Journal::open(dir.path()).unwrap());
        let path = dir.path().join("journal.jsonl");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Journal::open(dir.path()).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_an_error() {
        assert!(Journal::open(Path::new("/proc/quarterdeck")).is_err());
    }
}
