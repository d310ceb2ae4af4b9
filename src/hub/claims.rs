//! The record of claims: one line of JSON for each that is made, taken back or outgrown, appended and flushed to the
//! disk. Whoever shares the state directory reads the others' lines, and whoever writes does so alone.
//!
//! A line that can't be read is passed over and counted. Old lines tell who said what and when; only the last ones
//! matter for the present, since every claim has an end.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::claim::{Claim, ClaimChange, ClaimKind, ClaimRequest, LONGEST, NOTE_MAX, SHORTEST};
use crate::domain::cohort::Cohort;
use crate::domain::hash::digest;
use crate::domain::text::SafeText;
use crate::domain::time::clock;
use crate::ops::OpsError;

/// How much of the end of the file is read: some thousands of lines, and far more than can still hold.
const TAIL: u64 = 4 * 1024 * 1024;

/// The longest line that is read, in bytes; a longer one was not written by this program.
const LINE: usize = 16 * 1024;

/// For how long another program's writing is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// One line of the record.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    at: Timestamp,
    cohort: String,
    by: String,
    #[serde(flatten)]
    event: Event,
}

/// What a line tells of a cohort.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event {
    /// A claim is made, in place of the one there was.
    Made {
        id: String,
        kind: ClaimKind,
        until: Timestamp,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
        count: u64,
        tenants: u64,
    },
    /// It is taken back.
    Released,
    /// The cohort outgrew the claim of this id.
    Outgrown { id: String },
}

/// Every claim that may still hold.
#[derive(Debug)]
pub(super) struct Claims {
    operator: SafeText,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Where they are recorded; `None` for a world that is gone with the process.
    path: Option<PathBuf>,
    /// Which file was read, and how far.
    read: Option<(u64, u64)>,
    by_cohort: HashMap<SafeText, Claim>,
    broken: usize,
    made: u64,
}

impl Claims {
    /// The claims recorded in a directory, which nothing is written to before the first claim; or in memory alone.
    pub(super) fn new(operator: &str, directory: Option<&Path>) -> Self {
        let path = directory.map(|directory| directory.join("claims.jsonl"));
        Self { operator: operator.into(), state: Mutex::new(State { path, ..State::default() }) }
    }

    /// Puts the claims that hold on the cohorts; those of a `whole` board, which no filter chose, may have outgrown
    /// theirs, which is recorded. What was said by others since the last look is read first. Tells what went wrong.
    pub(super) fn put_on(&self, cohorts: &mut [Cohort], whole: bool, now: Timestamp) -> Option<SafeText> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut error = state.catch_up().err().map(|error| SafeText::from(error.to_string()));
        state.by_cohort.retain(|_, claim| !claim.expired(now));
        for cohort in cohorts {
            let Some(claim) = state.by_cohort.get(&cohort.id).cloned() else { continue };
            // What a filter leaves of a cohort says nothing of its growth.
            if whole && claim.outgrown(cohort) {
                let event = Event::Outgrown { id: claim.id.to_string() };
                let entry = Entry { at: now, cohort: cohort.id.to_string(), by: self.operator.to_string(), event };
                if let Err(why) = state.append(entry, Duration::ZERO, |_| Ok(())) {
                    // It counts no longer, whether or not that can be recorded.
                    state.by_cohort.remove(&cohort.id);
                    error = Some(why.to_string().into());
                }
            } else {
                cohort.claim = Some(claim);
            }
        }
        let lines = if state.broken == 1 { "line" } else { "lines" };
        let broken = (state.broken > 0).then(|| format!("{} {lines} of the claims can't be read", state.broken).into());
        error.or(broken)
    }

    /// Every claim that holds, whatever has become of its cohort.
    pub(super) fn in_force(&self, now: Timestamp) -> Vec<Claim> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // What can't be read is told with each board.
        let _ = state.catch_up();
        state.by_cohort.values().filter(|claim| !claim.expired(now)).cloned().collect()
    }

    /// Makes a claim or takes it back. `cohort` is as it is now.
    pub(super) fn change(
        &self,
        request: &ClaimRequest,
        cohort: &Cohort,
        now: Timestamp,
    ) -> Result<Option<Claim>, OpsError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let event = match &request.what {
            ClaimChange::Release => Event::Released,
            ClaimChange::Make { kind, until, note } => {
                let length = until.duration_since(now);
                if length < SHORTEST || length > LONGEST {
                    return Err(OpsError::Refused("a claim needs an end: a minute to a week from now".into()));
                }
                state.made += 1;
                let serial = format!("{} {} {}", now.as_nanosecond(), std::process::id(), state.made);
                Event::Made {
                    id: digest(&[&request.cohort, &self.operator, &serial], 6).to_string(),
                    kind: *kind,
                    until: *until,
                    note: SafeText::clipped(note.trim(), NOTE_MAX).to_string(),
                    count: cohort.count,
                    tenants: cohort.tenants,
                }
            }
        };
        let entry = Entry { at: now, cohort: request.cohort.to_string(), by: self.operator.to_string(), event };
        // Looked at once more when nobody else can write: two who press Enter in one moment are not both told yes.
        state.append(entry, PATIENCE, |state| {
            let holds = state.by_cohort.get(&request.cohort).filter(|claim| !claim.expired(now));
            match (holds, &request.what) {
                (Some(other), _) if other.by != self.operator && request.over.as_ref() != Some(&other.id) => {
                    let (by, until) = (&other.by, clock(other.until));
                    Err(OpsError::Changed(format!("{by} has it until {until} UTC; nothing was changed").into()))
                }
                (None, ClaimChange::Release) => Err(OpsError::Refused("nobody has claimed it".into())),
                _ => Ok(()),
            }
        })?;
        Ok(state.by_cohort.get(&request.cohort).cloned())
    }
}

impl State {
    /// Reads what was written since the last look.
    fn catch_up(&mut self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        // Whatever else stands there could keep whoever opens it waiting.
        if std::fs::metadata(path).is_ok_and(|about| !about.is_file()) {
            return Err(told(io::Error::other("not a file")));
        }
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.read = None;
                self.by_cohort.clear();
                return Ok(());
            }
            Err(error) => return Err(told(error)),
        };
        let about = file.metadata().map_err(told)?;
        let (from, fresh) = match self.read {
            Some((inode, offset)) if inode == about.ino() && offset <= about.len() => (offset, false),
            // Another file, or one that was cut: read anew.
            _ => (about.len().saturating_sub(TAIL), true),
        };
        if fresh {
            self.by_cohort.clear();
            self.broken = 0;
        }
        if from == about.len() && !fresh {
            return Ok(());
        }
        file.seek(SeekFrom::Start(from)).map_err(told)?;
        let mut text = Vec::new();
        file.take(TAIL + LINE as u64).read_to_end(&mut text).map_err(told)?;
        // A last line without its end is being written, or was cut; it is looked at once it has one.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        self.read = Some((about.ino(), from + whole as u64));
        let mut lines = text.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n');
        if fresh && from > 0 {
            lines.next();
        }
        for line in lines.filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(entry) if line.len() <= LINE => self.apply(entry),
                _ => self.broken += 1,
            }
        }
        Ok(())
    }

    fn apply(&mut self, entry: Entry) {
        let cohort = SafeText::from(entry.cohort);
        match entry.event {
            Event::Made { id, kind, until, note, count, tenants } => {
                let claim = Claim {
                    id: id.into(),
                    cohort: cohort.clone(),
                    kind,
                    by: SafeText::clipped(&entry.by, NOTE_MAX),
                    at: entry.at,
                    // Written by hand or by a wrong clock, it may not hold for ever.
                    until: until.min(entry.at.saturating_add(LONGEST).unwrap_or(until)),
                    note: Some(SafeText::clipped(&note, NOTE_MAX)).filter(|note| !note.is_empty()),
                    count,
                    tenants,
                };
                self.by_cohort.insert(cohort, claim);
            }
            Event::Released => _ = self.by_cohort.remove(&cohort),
            Event::Outgrown { id } => {
                if self.by_cohort.get(&cohort).is_some_and(|claim| claim.id == *id) {
                    self.by_cohort.remove(&cohort);
                }
            }
        }
    }

    /// Appends a line if `allowed` says so of what is recorded at that moment, and waits until the disk has it.
    fn append(
        &mut self,
        entry: Entry,
        patience: Duration,
        allowed: impl FnOnce(&Self) -> Result<(), OpsError>,
    ) -> Result<(), OpsError> {
        let Some(path) = self.path.clone() else {
            allowed(self)?;
            self.apply(entry);
            return Ok(());
        };
        let told = |error: io::Error| OpsError::Journal(format!("claims: {}: {error}", path.display()).into());
        let mut file = open(&path).map_err(told)?;
        lock(&file, patience).map_err(told)?;
        self.catch_up().map_err(|error| OpsError::Journal(format!("claims: {error}").into()))?;
        allowed(self)?;
        let mut line = Vec::new();
        // Whoever wrote last may have been ended in the middle: its line does not swallow this one.
        let end = file.metadata().map_err(told)?.len();
        if self.read.is_some_and(|(_, read)| read < end) {
            line.push(b'\n');
        }
        serde_json::to_writer(&mut line, &entry).map_err(|error| told(error.into()))?;
        line.push(b'\n');
        file.write_all(&line).map_err(told)?;
        file.sync_data().map_err(told)?;
        self.catch_up().map_err(|error| OpsError::Journal(format!("claims: {error}").into()))
    }
}

/// Opens the record for appending, for its owner alone.
fn open(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let mend = format!("it can be read by others (mode {mode:o}); mend it with: chmod 600 {}", path.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, mend));
    }
    Ok(file)
}

/// Waits until nobody else writes; whoever does needs a moment only.
fn lock(file: &File, patience: Duration) -> io::Result<()> {
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if began.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => return Err(io::Error::other("another program keeps it locked")),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
