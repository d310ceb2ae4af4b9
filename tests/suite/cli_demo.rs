//! The demo from one command to the next: one world, however many look at it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use crate::support::program::{Said, command, finish, list};
use serde_json::Value;

const FLOWS: [&str; 6] = ["get", "flows", "--demo", "-o", "json", "flow:schema-migration"];

fn demo(state: &Path, words: &[&str]) -> Said {
    finish(command(words).env("QUARTERDECK_STATE_DIR", state))
}

/// When each instance came to be: the same in one world, at whatever time one looks.
fn births(flows: &Value) -> BTreeMap<String, String> {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    list(flows, "rows").iter().map(|row| (text(row, "id"), text(row, "created_at"))).collect()
}

/// Something that keeps a world open, and what it saw first.
fn open(state: &Path) -> (Child, Value) {
    let mut child = command([&FLOWS[..], &["--watch=200ms"]].concat())
        .env("QUARTERDECK_STATE_DIR", state)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_look_begins_no_world_and_joins_the_one_that_is_kept() {
    let state = tempfile::tempdir().unwrap();
    demo(state.path(), &FLOWS).good();
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0, "a look leaves nothing behind");
    let (child, seen) = open(state.path());
    let began = births(&seen);
    assert!(began.len() >= 61);
    let kept = state.path().join("demo-312/world.jsonl");
    assert!(kept.is_file());
    let there = |flows: &Value| births(flows).iter().filter(|birth| began.get(birth.0) == Some(birth.1)).count();
    let joined = demo(state.path(), &FLOWS).good().json();
    assert_eq!(there(&joined), began.len(), "the same instances, born at the same times");
    end(child);
    // It stays when the one that began it has gone.
    assert_eq!(there(&demo(state.path(), &FLOWS).good().json()), began.len());
    let fresh = demo(state.path(), &[&FLOWS[..], &["--fresh"]].concat()).good().json();
    assert_eq!(there(&fresh), 0, "a fresh one begins now");
    let other = demo(state.path(), &[&FLOWS[..], &["--seed", "7"]].concat()).good().json();
    assert_eq!(there(&other), 0, "another seed is another world");
}

#[test]
fn a_fresh_one_is_refused_while_it_is_open_elsewhere() {
    let state = tempfile::tempdir().unwrap();
    let (child, _) = open(state.path());
    let words = ["get", "board", "--demo", "--watch", "--fresh"];
    demo(state.path(), &words).refused(&["--fresh: it is open in another cockpit", "--seed"]);
    end(child);
}

#[test]
fn what_can_not_be_read_is_told_and_stops_nobody() {
    let state = tempfile::tempdir().unwrap();
    let (child, _) = open(state.path());
    end(child);
    let kept = state.path().join("demo-312/world.jsonl");
    std::fs::write(&kept, "{}\nnonsense\n").unwrap();
    let said = demo(state.path(), &FLOWS);
    assert_eq!((said.code, births(&said.json()).len()), (0, 61));
    assert!(said.err.contains("world.jsonl: it can't be read; this is the first moment of the demo"), "{}", said.err);
    let (child, seen) = open(state.path());
    assert!(births(&seen).len() >= 61);
    end(child);
    assert_eq!(demo(state.path(), &FLOWS).good().code, 0, "begun anew, and whole again");
}

#[test]
fn speed_is_for_what_stays_open() {
    let state = tempfile::tempdir().unwrap();
    demo(state.path(), &["get", "board", "--demo", "--speed", "10"]).refused(&["--speed goes with what stays open"]);
    demo(state.path(), &["get", "board", "--speed", "10"]).refused(&["--speed goes with --demo"]);
    demo(state.path(), &["get", "board", "--fresh"]).refused(&["--fresh goes with --demo"]);
    for (speed, why) in [("0", "from 0.1 to 1000"), ("fast", "a number is wanted"), ("NaN", "from 0.1 to 1000")] {
        demo(state.path(), &["get", "board", "--demo", "--watch", "--speed", speed]).refused(&[why]);
    }
}
