//! The program in a real pseudo-terminal: keys go in, bytes come out, and an emulator shows what an operator would
//! see.
//!
//! Nothing here sleeps and hopes: [`Term::until`] looks at each piece of output as it comes, and fails with the screen
//! when its time is up. Whatever runs in the terminal is dead when a [`Term`] is gone.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test binary compiles this module on its own and uses a part of it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that fails ends its test; clippy's own exception covers test functions only"
)]

pub mod bytes;
mod keys;
mod launch;
pub mod process;
mod seen;

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use portable_pty::{Child, ExitStatus, MasterPty, PtySize};
use rustix::process::Signal;
use tempfile::TempDir;

pub use crate::support::wait;
pub use launch::Launch;
pub use seen::{Seen, assert_sane};

/// How long the screen may take to show something. Far more than it needs on an idle machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long a program that was told to end may take. It needs some milliseconds.
pub const GONE: Duration = Duration::from_secs(10);

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_quarterdeck");

/// U+FFFD, as it is written.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// Columns and rows.
pub type Size = (u16, u16);

/// A program in a terminal.
pub struct Term {
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    /// Kept open, so that the terminal's modes can be asked for when nobody else has it open.
    slave: Option<File>,
    before: String,
    child: Box<dyn Child + Send + Sync>,
    shared: Arc<Shared>,
    size: Size,
    home: TempDir,
}

/// What the thread that reads the terminal shares with the test.
struct Shared {
    inner: Mutex<Inner>,
    changed: Condvar,
}

struct Inner {
    parser: vt100::Parser,
    raw: Vec<u8>,
    /// A frame has begun and has not ended (`CSI ?2026 h` and `l`): a terminal shows none of it yet.
    in_frame: bool,
    /// Nobody has the terminal open any more, and everything that was written to it was read.
    ended: bool,
    /// The thread is to let go of the terminal.
    leave: bool,
    /// The first bytes of a character whose others have not come.
    held: Vec<u8>,
}

impl Shared {
    fn new(size: Size) -> Self {
        let (columns, rows) = emulated(size);
        let parser = vt100::Parser::new(rows, columns, 0);
        Self {
            inner: Mutex::new(Inner {
                parser,
                raw: Vec::new(),
                in_frame: false,
                ended: false,
                leave: false,
                held: Vec::new(),
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(&self, mut reader: Box<dyn Read + Send>) {
        let mut buffer = [0; 16 * 1024];
        loop {
            let read = reader.read(&mut buffer).unwrap_or(0);
            let mut inner = self.lock();
            inner.take(&buffer[..read]);
            inner.ended |= read == 0;
            let done = read == 0 || inner.leave;
            self.changed.notify_all();
            if done {
                return;
            }
        }
    }
}

impl Inner {
    /// Gives the emulator what was written. It has no column for U+FFFD, which every terminal has: another character
    /// that nobody uses stands for it, until [`Seen`] puts it back.
    fn emulate(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        let whole = self.held.len() - [2, 1].into_iter().find(|n| self.held.ends_with(&REPLACEMENT[..*n])).unwrap_or(0);
        let rest = self.held.split_off(whole);
        let mut bytes = std::mem::replace(&mut self.held, rest);
        for at in 0..bytes.len().saturating_sub(2) {
            if bytes[at..].starts_with(REPLACEMENT) {
                bytes[at..at + 3].copy_from_slice(seen::STAND_IN.encode_utf8(&mut [0; 3]).as_bytes());
            }
        }
        self.parser.process(&bytes);
    }

    fn take(&mut self, bytes: &[u8]) {
        // A mark may be cut in two by the end of what was read at once.
        let from = self.raw.len().saturating_sub(bytes::FRAME_BEGIN.len() - 1);
        self.emulate(bytes);
        self.raw.extend_from_slice(bytes);
        let last = |mark: &[u8]| self.raw[from..].windows(mark.len()).rposition(|window| window == mark);
        match (last(bytes::FRAME_BEGIN), last(bytes::FRAME_END)) {
            (None, None) => {}
            (begin, end) => self.in_frame = begin > end,
        }
    }
}

impl Term {
    /// What is on the screen now.
    #[track_caller]
    pub fn seen(&self) -> Seen {
        self.until("a whole frame", |_| true)
    }

    /// Waits until the screen is as wanted. Looks at whole frames only, as a terminal shows them.
    ///
    /// # Panics
    /// When it still is not after [`PATIENCE`], with the screen.
    #[track_caller]
    pub fn until(&self, what: &str, so: impl Fn(&Seen) -> bool) -> Seen {
        self.wait_for(what, |_, seen| so(seen))
    }

    #[track_caller]
    fn wait_for(&self, what: &str, so: impl Fn(&Inner, &Seen) -> bool) -> Seen {
        let deadline = Instant::now() + PATIENCE;
        let mut inner = self.shared.lock();
        loop {
            let seen = Seen::of(inner.parser.screen());
            if !inner.in_frame && so(&inner, &seen) {
                return seen;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let tail = String::from_utf8_lossy(&inner.raw[inner.raw.len().saturating_sub(300)..]).into_owned();
                let ended = if inner.ended { ", and its program has gone" } else { "" };
                drop(inner);
                panic!("not seen within {PATIENCE:?}{ended}: {what}\n{}\nlast bytes: {tail:?}", seen.picture());
            }
            inner = self.shared.changed.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Has the whole screen painted anew (Ctrl-L), and waits until it is: every key before that has been taken then.
    #[track_caller]
    pub fn repainted(&mut self) -> Seen {
        let mark = self.mark();
        self.press("ctrl-l");
        self.painted_since(mark)
    }

    /// Waits until the whole screen was painted anew after a mark.
    #[track_caller]
    pub fn painted_since(&self, mark: usize) -> Seen {
        self.wait_for("a screen that is painted anew", |inner, _| bytes::count(&inner.raw[mark..], bytes::CLEAR) > 0)
    }

    /// Waits until a text is on the screen.
    #[track_caller]
    pub fn shows(&self, text: &str) -> Seen {
        self.until(text, |seen| seen.has(text))
    }

    /// Waits until all of these texts are on the screen.
    #[track_caller]
    pub fn shows_all(&self, texts: &[&str]) -> Seen {
        self.until(&texts.join(" | "), |seen| texts.iter().all(|text| seen.has(text)))
    }

    /// Waits until a text is on the screen no more.
    #[track_caller]
    pub fn lacks(&self, text: &str) -> Seen {
        self.until(&format!("the screen without {text:?}"), |seen| !seen.has(text))
    }

    /// Presses keys, named as in the table of commands: `enter`, `ctrl-c`, `G`.
    ///
    /// Escape is to be the last one of a press, and its effect to be awaited before the next: a terminal can't tell
    /// it from Alt otherwise.
    pub fn press(&mut self, keys: &str) {
        let mut bytes = Vec::new();
        for key in keys.split(' ') {
            bytes.extend_from_slice(&keys::encoded(key));
        }
        self.send(&bytes);
    }

    /// Types a text.
    pub fn write(&mut self, text: &str) {
        self.send(text.as_bytes());
    }

    /// Pastes a text, as a terminal with bracketed paste does.
    pub fn paste(&mut self, text: &str) {
        self.send(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    }

    fn send(&mut self, bytes: &[u8]) {
        let writer = self.writer.as_mut().expect("the terminal was hung up");
        writer.write_all(bytes).unwrap();
        writer.flush().unwrap();
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, size: Size) {
        let (columns, rows) = emulated(size);
        self.size = size;
        // Held over both, so that no frame for the new size meets an emulator of the old one.
        let mut inner = self.shared.lock();
        inner.parser.screen_mut().set_size(rows, columns);
        self.master.as_ref().unwrap().resize(pty_size(size)).unwrap();
    }

    /// How many bytes have come so far: a place for [`Term::raw_since`].
    pub fn mark(&self) -> usize {
        self.shared.lock().raw.len()
    }

    /// Every byte that has come.
    pub fn raw(&self) -> Vec<u8> {
        self.raw_since(0)
    }

    /// The bytes that have come since a mark.
    pub fn raw_since(&self, mark: usize) -> Vec<u8> {
        self.shared.lock().raw[mark..].to_vec()
    }

    /// The terminal's modes before anything was started in it.
    pub fn modes_before(&self) -> &str {
        &self.before
    }

    /// Waits until the terminal's modes are as wanted: a shell sets them without writing anything.
    #[track_caller]
    pub fn until_modes(&self, so: impl Fn(&str) -> bool) {
        wait::eventually_now(PATIENCE, || wait::seen(self.modes(), |modes| so(modes)));
    }

    /// The terminal's modes: line editing, echo, signals, and all the rest.
    pub fn modes(&self) -> String {
        modes(self.slave.as_ref().expect("the terminal was closed"))
    }

    /// A folder of this terminal's own; the home of what runs in it.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The id of the program that was started.
    pub fn pid(&self) -> i32 {
        self.child.process_id().and_then(|pid| i32::try_from(pid).ok()).expect("it has gone")
    }

    /// The id of the process of this name that was started in this terminal, by a shell or at first.
    #[track_caller]
    pub fn pid_of(&self, name: &str) -> i32 {
        let session = self.pid();
        wait::eventually_now(PATIENCE, || {
            let found = process::of_session(session);
            found.iter().find(|process| process.name == name).map(|process| process.pid).ok_or(found)
        })
    }

    /// Sends a signal to the program that was started.
    pub fn signal(&self, signal: Signal) {
        process::send(self.pid(), signal);
    }

    /// Waits until the program that was started has ended.
    ///
    /// # Panics
    /// When it still runs after [`GONE`], with the screen.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let shared = Arc::clone(&self.shared);
        wait::eventually_now(GONE, || match self.child.try_wait().unwrap() {
            Some(status) => Ok(status),
            None => Err(Still(Seen::of(shared.lock().parser.screen()).picture())),
        })
    }

    /// As [`Term::ended`]; then waits for the last byte. The terminal is closed to the test afterwards.
    #[track_caller]
    pub fn closed(&mut self) -> (ExitStatus, Seen) {
        let status = self.ended();
        self.slave = None;
        let deadline = Instant::now() + PATIENCE;
        let mut inner = self.shared.lock();
        while !inner.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "something still has the terminal open: {:?}", process::of_session(self.pid()));
            inner = self.shared.changed.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        (status, Seen::of(inner.parser.screen()))
    }

    /// Waits until the program has ended, and looks whether its terminal is as it was before.
    #[track_caller]
    pub fn given_back(&mut self) -> (ExitStatus, Seen) {
        self.ended();
        assert_eq!(self.modes(), self.before, "the modes of the terminal");
        let (status, seen) = self.closed();
        assert_sane(&seen);
        assert_eq!(bytes::modes_left(&self.raw()), Vec::<String>::new(), "modes that were not taken back");
        (status, seen)
    }

    /// Closes the terminal under the program, as a window that is closed does.
    ///
    /// On the way a line end and an end of file are typed: the pseudo-terminal's library does so.
    pub fn hang_up(&mut self) {
        self.shared.lock().leave = true;
        self.slave = None;
        // What is typed is answered with a frame, which wakes the thread that reads; it holds the last handle.
        self.writer = None;
        self.master = None;
    }
}

impl Drop for Term {
    fn drop(&mut self) {
        if let Some(pid) = self.child.process_id().and_then(|pid| i32::try_from(pid).ok()) {
            process::end_session(pid);
        }
        // It was killed if it was there at all.
        let _ = self.child.wait();
    }
}

/// A screen as the text of a failure.
struct Still(String);

impl std::fmt::Debug for Still {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "it still runs\n{}", self.0)
    }
}

fn pty_size((columns, rows): Size) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

/// The emulator has at least one cell, also where the terminal says that it has none.
fn emulated((columns, rows): Size) -> (NonZeroU16, NonZeroU16) {
    let at_least_one = |n| NonZeroU16::new(n).unwrap_or(NonZeroU16::MIN);
    (at_least_one(columns), at_least_one(rows))
}

/// Everything that `stty` could tell of a terminal.
fn modes(tty: &File) -> String {
    format!("{:#?}", rustix::termios::tcgetattr(tty).unwrap())
}
