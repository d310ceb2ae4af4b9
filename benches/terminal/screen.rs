//! A program in a pseudo-terminal, and when what it writes arrives.

use std::io::{Read as _, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::Failure;

/// Rows and columns of the terminal that everything is measured in.
pub(crate) const SIZE: (u16, u16) = (60, 200);

/// How long a program may take to show something.
const PATIENCE: Duration = Duration::from_secs(120);

/// What terminals are asked at the start by some programs, and what is answered.
const ANSWERS: [(&[u8], &[u8]); 4] = [
    (b"\x1b[?u", b"\x1b[?0u"),
    (b"\x1b]11;?", b"\x1b]11;rgb:0000/0000/0000\x1b\\"),
    (b"\x1b[6n", b"\x1b[1;1R"),
    (b"\x1b[c", b"\x1b[?62;22c"),
];

/// A program that is measured.
pub(crate) struct Screen {
    child: Box<dyn Child + Send + Sync>,
    // Dropped, it hangs up.
    _master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    parts: Receiver<(Instant, Vec<u8>)>,
    emulator: vt100::Parser,
    pub(crate) started: Instant,
    /// Bytes written to the terminal so far.
    pub(crate) bytes: usize,
}

impl Screen {
    /// Starts a program: its words, where it reads from besides the terminal, and where its files go.
    pub(crate) fn start(words: &[String], stdin: Option<&Path>, home: &Path) -> Result<Self, Failure> {
        let size = PtySize { rows: SIZE.0, cols: SIZE.1, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size)?;
        let quoted: Vec<String> = words.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
        let from = stdin.map(|stdin| format!(" < '{}'", stdin.display())).unwrap_or_default();
        let line = format!("exec {}{from}", quoted.join(" "));
        // A shell is what redirects; each program is started through one, so that all pay for it.
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", &line]);
        command.env_clear();
        for (name, value) in
            [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("LC_ALL", "C.UTF-8"), ("PATH", "/usr/bin:/bin")]
        {
            command.env(name, value);
        }
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
            command.env(name, home);
        }
        let started = Instant::now();
        let child = pair.slave.spawn_command(command)?;
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader()?;
        let writer = pair.master.take_writer()?;
        let (sender, parts) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1_024];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send((Instant::now(), buffer[..read].to_vec())).is_err() {
                    break;
                }
            }
        });
        let [rows, columns] = [SIZE.0, SIZE.1].map(|n| NonZeroU16::new(n).unwrap_or(NonZeroU16::MIN));
        let emulator = vt100::Parser::new(rows, columns, 0);
        Ok(Self { child, _master: pair.master, writer, parts, emulator, started, bytes: 0 })
    }

    /// Takes in what arrives next within a time, and tells when it did; `None` where nothing does.
    fn next(&mut self, within: Duration) -> Result<Option<Instant>, Failure> {
        match self.parts.recv_timeout(within) {
            Ok((at, bytes)) => {
                self.bytes += bytes.len();
                for (asked, answer) in ANSWERS {
                    if bytes.windows(asked.len()).any(|part| part == asked) {
                        self.write(answer)?;
                    }
                }
                self.emulator.process(&bytes);
                Ok(Some(at))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(format!("it has ended:\n{}", self.text()).into()),
        }
    }

    /// Presses keys.
    pub(crate) fn write(&mut self, keys: &[u8]) -> Result<(), Failure> {
        self.writer.write_all(keys)?;
        Ok(self.writer.flush()?)
    }

    /// What is on the screen.
    pub(crate) fn text(&self) -> String {
        self.emulator.screen().contents()
    }

    fn looks(&self) -> String {
        self.emulator.screen().contents_formatted()
    }

    /// Waits until the screen is so, and tells when the bytes that made it so arrived.
    pub(crate) fn until(&mut self, what: &str, holds: impl Fn(&str) -> bool) -> Result<Instant, Failure> {
        let begun = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            match self.next(left)? {
                Some(at) if holds(&self.text()) => return Ok(at),
                Some(_) => {}
                None => return Err(format!("not seen: {what}, in\n{}", self.text()).into()),
            }
        }
    }

    /// Waits until what is read off the screen has changed and then been the same for a while, and tells what it is and
    /// when it came.
    pub(crate) fn settled(
        &mut self,
        read: impl Fn(&str) -> String,
        still: Duration,
    ) -> Result<(String, Option<Instant>), Failure> {
        let (mut known, mut came, mut since) = (read(&self.text()), None, Instant::now());
        loop {
            let patience = if came.is_none() { PATIENCE } else { still };
            let left = patience.saturating_sub(since.elapsed());
            if left.is_zero() {
                break;
            }
            let Some(at) = self.next(left)? else { continue };
            let now = read(&self.text());
            // A count that is being made anew is not told by some for a while.
            if now != known && !now.is_empty() {
                (known, came, since) = (now, Some(at), Instant::now());
            }
        }
        Ok((known, came))
    }

    /// Waits until nothing has arrived for a while, or for so long at most.
    pub(crate) fn quiet(&mut self, silence: Duration, most: Duration) -> Result<(), Failure> {
        let begun = Instant::now();
        while begun.elapsed() < most && self.next(silence)?.is_some() {}
        Ok(())
    }

    /// Presses a key, and tells how long it took until the screen changed; `None` where it does not within a second.
    pub(crate) fn paint(&mut self, key: &[u8]) -> Result<Option<Duration>, Failure> {
        let before = self.looks();
        let pressed = Instant::now();
        self.write(key)?;
        while pressed.elapsed() < Duration::from_secs(1) {
            match self.next(Duration::from_secs(1))? {
                Some(at) if self.looks() != before => return Ok(Some(at - pressed)),
                Some(_) => {}
                None => break,
            }
        }
        Ok(None)
    }

    /// Resident memory now and at its highest, in bytes.
    pub(crate) fn memory(&self) -> Result<(u64, u64), Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() * 1_024
        };
        Ok((field("VmRSS:"), field("VmHWM:")))
    }

    /// Processor time so far, of all threads.
    pub(crate) fn processor(&self) -> Result<Duration, Failure> {
        let mut nanos = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.pid()?))? {
            let told = std::fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
            nanos += told.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or_default();
        }
        Ok(Duration::from_nanos(nanos))
    }

    fn pid(&self) -> Result<u32, Failure> {
        self.child.process_id().ok_or_else(|| "it has no process any more".into())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // One that is gone already can't be ended, and needs not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
