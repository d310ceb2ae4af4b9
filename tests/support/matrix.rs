//! How many cases a test really went through, for the table in `RELIABILITY.md`.
//!
//! The runner gives each test a process of its own and hides what those that pass print. So each count is a small file
//! in `target/matrix`, named after its line of the table and the place that wrote it. `tests/run` empties that folder
//! before the tests, and afterwards `tests/suite/reliability.rs` adds them up, prints them, and fails where one is missing.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "some binaries of tests take in this file on its own, and use a part of it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a count that can't be kept ends its test; clippy's own exception covers test functions only"
)]

use std::collections::BTreeMap;
use std::panic::Location;
use std::path::{Path, PathBuf};

/// Where the counts are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/matrix")
}

/// Keeps that a test went through `count` cases of a line of the table. Count them one by one, as they pass, and keep
/// them at the end: then the number says what was done and not what was meant. One call in the source keeps one number,
/// the last one that it was given.
///
/// # Panics
/// Where the cases are fewer than `least`.
#[track_caller]
pub fn record(line: &str, count: usize, least: usize) {
    let place = Location::caller();
    assert!(count >= least, "{line}: {count} cases of at least {least}");
    let folder = folder().join(line);
    std::fs::create_dir_all(&folder).unwrap();
    let name = format!("{}:{}", place.file().replace('/', "~"), place.line());
    std::fs::write(folder.join(name), count.to_string()).unwrap();
}

/// Every count of a line that was kept, by the file of the test.
pub fn recorded(line: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for entry in std::fs::read_dir(folder().join(line)).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().replace('~', "/");
        let (module, _) = name.split_once(':').unwrap();
        let count: usize = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        *counts.entry(module.to_owned()).or_default() += count;
    }
    counts
}

/// The lines of which something was kept.
pub fn lines() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
