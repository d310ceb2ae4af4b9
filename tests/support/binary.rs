//! The program itself, run on a config in a home of its own.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::ways::CANARY;

/// What a run of the program came to.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it said besides.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
    /// The most memory that it was seen to hold, in bytes.
    pub peak: u64,
}

impl Ran {
    /// What it printed, as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A home with a config in it.
pub struct Binary {
    home: TempDir,
}

impl Binary {
    /// With this config.
    pub fn new(config: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("config.toml"), config).unwrap();
        Self { home }
    }

    /// Runs `quarterdeck` with these words, to its end.
    pub fn run(&self, words: &[&str]) -> Ran {
        let out = tempfile::NamedTempFile::new_in(&self.home).unwrap();
        let err = tempfile::NamedTempFile::new_in(&self.home).unwrap();
        let started = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_quarterdeck"))
            .args(words)
            .env_clear()
            .env("HOME", self.home.path())
            .env("QUARTERDECK_CONFIG", self.home.path().join("config.toml"))
            .env("TOKEN", CANARY)
            .stdin(Stdio::null())
            .stdout(out.reopen().unwrap())
            .stderr(err.reopen().unwrap())
            .spawn()
            .unwrap();
        let memory = format!("/proc/{}/status", child.id());
        let mut peak = 0;
        // The system forgets how much memory it was when the process ends, so it is asked again and again.
        let status = loop {
            peak = peak.max(most_memory(&memory));
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(3)),
            }
        };
        let read = |path: &Path| String::from_utf8(std::fs::read(path).unwrap()).expect("what is printed is UTF-8");
        Ran { code: status.code(), stdout: read(out.path()), stderr: read(err.path()), took: started.elapsed(), peak }
    }
}

fn most_memory(path: &str) -> u64 {
    let status = std::fs::read_to_string(path).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}
