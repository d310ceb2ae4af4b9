//! Processes by their ids, as the kernel lists them.

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its name, cut after 15 letters.
    pub name: String,
    /// What it is doing: `R` runs, `S` sleeps, `T` is stopped, `Z` has ended.
    pub state: char,
    session: i32,
}

impl Process {
    /// Reads one; `None` where there is none.
    pub fn of(pid: i32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in brackets and may hold some itself.
        let (head, rest) = stat.rsplit_once(')')?;
        let (_, name) = head.split_once('(')?;
        let mut fields = rest.split_whitespace();
        let state = fields.next()?.chars().next()?;
        let session = fields.nth(2)?.parse().ok()?;
        Some(Self { pid, name: name.to_owned(), state, session })
    }
}

/// Every process of a session that has not ended.
pub fn of_session(session: i32) -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Process::of)
        .filter(|process| process.session == session && process.state != 'Z')
        .collect()
}

/// Kills every process of a session, until there is none.
pub fn end_session(session: i32) {
    for _ in 0..100 {
        let left = of_session(session);
        if left.is_empty() {
            return;
        }
        for process in left {
            let _ = kill(process.pid, Signal::KILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Sends a signal.
pub fn send(pid: i32, signal: Signal) {
    kill(pid, signal).unwrap();
}

fn kill(pid: i32, signal: Signal) -> Result<(), Errno> {
    kill_process(Pid::from_raw(pid).unwrap(), signal)
}

/// Whether there is no such process, or only what is left of it until its parent has asked.
pub fn is_gone(pid: i32) -> bool {
    let none = Pid::from_raw(pid).is_none_or(|pid| test_kill_process(pid) == Err(Errno::SRCH));
    none || Process::of(pid).is_none_or(|process| process.state == 'Z')
}
