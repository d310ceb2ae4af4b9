//! What is kept of a demo from one command to the next: when it began, how fast its time runs, and the acts that it
//! accepted. The world is a pure function of these, so nothing else is.
//!
//! One file of JSON lines in a folder for each seed, for its owner alone. Lines are only ever appended, so that two
//! cockpits on one demo see each other's acts. Whoever stays open holds a shared lock on the file; whoever can lock it
//! alone may begin it anew.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::clock::Ms;
use crate::domain::remediation::Verb;

/// Changes whenever one seed comes to mean another world: acts of an older one mean nothing there.
const VERSION: u32 = 1;

/// A demo that nobody has looked at for so long is begun anew.
const KEPT_FOR: Duration = Duration::from_secs(2 * 3_600);

/// An open demo is marked as in use this often.
const TOUCH_EVERY: Duration = Duration::from_secs(600);

/// More than anybody does in a demo, in bytes: what is longer was not written here.
const LONGEST: u64 = 4 * 1024 * 1024;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(super) enum Line {
    /// The first one.
    Began { version: u32, seed: u64, at: Timestamp },
    /// From a moment of the clock, which is one of the world, time runs at another speed.
    Speed { speed: f64, outer: Timestamp, inner: Timestamp },
    /// An act that was accepted, in milliseconds since the world began.
    Act {
        at: Ms,
        verb: Verb,
        instance: String,
        key: String,
        /// Whether it goes on on the code before the one that fails.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        earlier: bool,
    },
    /// The service of the main incident was put back to its earlier code.
    PutBack { at: Ms },
    /// What a finding of drift is about began to be made what is wanted.
    Reconciled { at: Ms, finding: String, key: String },
}

/// The file of a demo that is open.
#[derive(Debug)]
pub(super) struct Store {
    file: File,
    /// How much of it has been read.
    read: u64,
    touched: SystemTime,
}

/// A demo that was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) store: Store,
    /// When it began.
    pub(super) began: Timestamp,
    /// What has happened in it since.
    pub(super) lines: Vec<Line>,
    /// Why it was begun anew where that was not asked for and is no matter of age.
    pub(super) note: Option<String>,
}

/// Where the world of a folder is kept.
fn path(folder: &Path) -> PathBuf {
    folder.join("world.jsonl")
}

impl Store {
    /// Opens the demo that is kept in a folder, and begins it anew where there is none, where it is too old, where it
    /// can't be read, or where that is asked for.
    pub(super) fn open(folder: &Path, seed: u64, now: Timestamp, fresh: bool) -> io::Result<Opened> {
        let path = path(folder);
        let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(told)?;
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path).map_err(told)?;
        let mode = file.metadata().map_err(told)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let mend = format!("{} can be read by others (mode {mode:o}); mend it with: chmod 600 {0}", path.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, mend));
        }
        let mut note = None;
        if file.try_lock().is_ok() {
            let text = read(&mut file, 0).map_err(told)?;
            let old = file.metadata()?.modified().is_ok_and(|at| aged(at, SystemTime::from(now)));
            let known = began(&text, seed);
            if known.is_err() && !text.is_empty() {
                note = known.as_ref().err().map(|why| format!("{}: {why}; the demo is begun anew", path.display()));
            }
            if fresh || old || known.is_err() {
                begin(&mut file, folder, seed, now).map_err(told)?;
            } else if !text.ends_with(b"\n") {
                // A line that was cut off must not swallow the next one.
                file.write_all(b"\n").map_err(told)?;
            }
            file.unlock().map_err(told)?;
        } else if fresh {
            let why = "it is open in another cockpit: leave that first, or take another --seed";
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, why));
        }
        // Waits for whoever begins it anew at this moment.
        file.lock_shared().map_err(told)?;
        let text = read(&mut file, 0).map_err(told)?;
        let began = began(&text, seed).map_err(|why| told(io::Error::new(io::ErrorKind::InvalidData, why)))?;
        let (lines, used) = lines(&text);
        let mut store = Self { file, read: used, touched: SystemTime::UNIX_EPOCH };
        store.touch();
        Ok(Opened { store, began, lines, note })
    }

    /// A look at the demo that is kept in a folder, which changes nothing there. `Ok(None)` where there is none, or
    /// none that is still good.
    pub(super) fn glimpse(folder: &Path, seed: u64, now: Timestamp) -> io::Result<Option<(Timestamp, Vec<Line>)>> {
        let path = path(folder);
        let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(told(error)),
        };
        if aged(file.metadata().and_then(|data| data.modified()).map_err(told)?, SystemTime::from(now)) {
            return Ok(None);
        }
        let text = read(&mut file, 0).map_err(told)?;
        let began = began(&text, seed).map_err(|why| told(io::Error::new(io::ErrorKind::InvalidData, why)))?;
        Ok(Some((began, lines(&text).0)))
    }

    /// What others have appended since it was read last. Where it can't be read, nothing.
    pub(super) fn news(&mut self) -> Vec<Line> {
        self.touch();
        match self.file.metadata() {
            Ok(data) if data.len() > self.read => {}
            _ => return Vec::new(),
        }
        let Ok(text) = read(&mut self.file, self.read) else { return Vec::new() };
        let (lines, used) = lines(&text);
        self.read += used;
        lines
    }

    /// Appends a line, in one piece, and waits until the disk has it. It is read back as one of the news.
    pub(super) fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.write_all(&text)?;
        self.file.sync_data()
    }

    /// Marks it as in use. Where that can't be done it ages, and is begun anew the sooner.
    fn touch(&mut self) {
        let now = SystemTime::now();
        if now.duration_since(self.touched).is_ok_and(|passed| passed >= TOUCH_EVERY) {
            self.touched = now;
            let _ = self.file.set_modified(now);
        }
    }
}

/// Whether a file that was last used at a time is too old.
fn aged(used: SystemTime, now: SystemTime) -> bool {
    now.duration_since(used).is_ok_and(|passed| passed > KEPT_FOR)
}

/// Empties the folder of what belongs to an older world, and writes the first line of a new one.
fn begin(file: &mut File, folder: &Path, seed: u64, now: Timestamp) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() && entry.path() != path(folder) {
            std::fs::remove_file(entry.path())?;
        }
    }
    file.set_len(0)?;
    let mut text = serde_json::to_vec(&Line::Began { version: VERSION, seed, at: now })?;
    text.push(b'\n');
    file.write_all(&text)?;
    file.sync_data()
}

/// What a file holds from a place on.
fn read(file: &mut File, from: u64) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.take(LONGEST).read_to_end(&mut text)?;
    Ok(text)
}

/// When the world of a file began; in words why that can't be told.
fn began(text: &[u8], seed: u64) -> Result<Timestamp, String> {
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match serde_json::from_slice(first) {
        Ok(Line::Began { version: VERSION, seed: of, at }) if of == seed => Ok(at),
        Ok(Line::Began { .. }) => Err("it was written by another version of Quarterdeck".to_owned()),
        Ok(_) | Err(_) => Err("it can't be read".to_owned()),
    }
}

/// The whole lines of a text, and how many bytes they are. A line that can't be read was cut off by a crash, and is
/// passed over.
fn lines(text: &[u8]) -> (Vec<Line>, u64) {
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let lines = text[..whole].split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    (lines.collect(), whole as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::now()
    }

    fn act(key: &str) -> Line {
        Line::Act { at: 61_000, verb: Verb::Resume, instance: "wf_0".into(), key: key.into(), earlier: false }
    }

    #[test]
    fn what_is_appended_is_seen_by_whoever_has_it_open_and_by_whoever_comes() {
        let dir = tempfile::tempdir().unwrap();
        let mut one = Store::open(dir.path(), 7, now(), false).unwrap();
        let mut other = Store::open(dir.path(), 7, now(), false).unwrap();
        assert_eq!(one.began, other.began);
        one.store.append(&act("a")).unwrap();
        assert_eq!(other.store.news(), [act("a")]);
        assert_eq!(other.store.news(), []);
        let (began, lines) = Store::glimpse(dir.path(), 7, now()).unwrap().unwrap();
        assert_eq!(began, one.began);
        assert!(lines.ends_with(&[act("a")]), "{lines:?}");
        drop((one, other));
        let again = Store::open(dir.path(), 7, now(), false).unwrap();
        assert!(again.lines.ends_with(&[act("a")]) && again.note.is_none());
        let mode = std::fs::metadata(path(dir.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn it_is_begun_anew_on_request_and_only_where_nobody_else_has_it_open() {
        let dir = tempfile::tempdir().unwrap();
        let mut open = Store::open(dir.path(), 7, now(), false).unwrap();
        open.store.append(&act("a")).unwrap();
        std::fs::write(dir.path().join("journal.jsonl"), "{}").unwrap();
        let refused = Store::open(dir.path(), 7, now(), true).unwrap_err();
        assert!(refused.to_string().contains("open in another cockpit"), "{refused}");
        drop(open);
        let fresh = Store::open(dir.path(), 7, now(), true).unwrap();
        assert_eq!(fresh.lines.len(), 1, "{:?}", fresh.lines);
        assert!(!dir.path().join("journal.jsonl").exists(), "its record belongs to the world that is gone");
    }

    #[test]
    fn what_nobody_used_for_hours_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path(), 7, now(), false).unwrap().store;
        store.append(&act("a")).unwrap();
        store.file.set_modified(SystemTime::now() - KEPT_FOR - Duration::from_secs(60)).unwrap();
        drop(store);
        assert!(Store::glimpse(dir.path(), 7, now()).unwrap().is_none());
        let opened = Store::open(dir.path(), 7, now(), false).unwrap();
        assert_eq!((opened.lines.len(), opened.note), (1, None));
    }

    #[test]
    fn a_file_that_can_not_be_read_is_told_and_begun_anew() {
        for broken in ["nonsense\n", "{\"what\":\"began\",\"version\":0,\"seed\":7,\"at\":\"2026-01-15T03:12:00Z\"}\n"]
        {
            let dir = tempfile::tempdir().unwrap();
            drop(Store::open(dir.path(), 7, now(), false).unwrap());
            std::fs::write(path(dir.path()), broken).unwrap();
            assert!(Store::glimpse(dir.path(), 7, now()).is_err());
            let opened = Store::open(dir.path(), 7, now(), false).unwrap();
            assert!(opened.note.unwrap().ends_with("the demo is begun anew"));
            assert_eq!(opened.lines.len(), 1);
        }
    }

    #[test]
    fn a_line_that_was_cut_off_swallows_no_other() {
        let dir = tempfile::tempdir().unwrap();
        drop(Store::open(dir.path(), 7, now(), false).unwrap());
        let mut file = OpenOptions::new().append(true).open(path(dir.path())).unwrap();
        file.write_all(b"{\"what\":\"act\",\"at\":1").unwrap();
        let mut opened = Store::open(dir.path(), 7, now(), false).unwrap();
        opened.store.append(&act("b")).unwrap();
        assert_eq!(opened.store.news(), [act("b")]);
    }

    #[test]
    fn others_may_not_read_it() {
        let dir = tempfile::tempdir().unwrap();
        drop(Store::open(dir.path(), 7, now(), false).unwrap());
        std::fs::set_permissions(path(dir.path()), std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Store::open(dir.path(), 7, now(), false).unwrap_err().to_string().contains("chmod 600"));
    }
}
