//! `quarterdeck get` on sources that are bad from the start: exit code 3, JSON with the reason, an end in time, and
//! a bounded memory.

use std::sync::Mutex;
use std::time::Duration;

use crate::support::binary::{Binary, Ran};
use crate::support::fake_restate::{FakeRestate, Kind, row};
use crate::support::hostile::{Behaviour, Reply};
use crate::support::hub::config_of;
use crate::support::matrix::record;
use crate::support::ways::{CANARY, Case, cases_that};
use quarterdeck::domain::text::is_hidden;
use serde_json::{Value, json};

const MIB: u64 = 1 << 20;

/// Two sources, with a bearer that the environment holds.
fn config(sources: &[(&str, &str, &str)]) -> String {
    let auth = "auth = { bearer = { env = \"TOKEN\" } }\n";
    sources.iter().map(|source| config_of(&[*source]) + auth).collect()
}

/// What is printed is for a terminal, whatever came.
fn is_clean(name: &str, ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains(CANARY), "{name}: {text}");
        let hidden = text.chars().find(|c| *c != '\n' && is_hidden(*c));
        assert_eq!(hidden, None, "{name}: {text}");
    }
    assert!(!ran.stderr.contains("panicked"), "{name}: {}", ran.stderr);
}

fn source<'a>(answer: &'a Value, list: &str, name: &str) -> &'a Value {
    answer[list].as_array().unwrap().iter().find(|source| source["name"] == name).unwrap()
}

fn is_told_by_get(case: &Case) {
    let name = case.name;
    let mut bad = FakeRestate::start(vec![row("inv_1")]);
    let good = FakeRestate::start(vec![row("inv_9")]);
    case.begin(&mut bad);
    let binary = Binary::new(&config(&[("bad", &bad.url(), case.timeout), ("good", &good.url(), "30s")]));
    for (what, list) in [("sources", "rows"), ("board", "sources")] {
        let before = bad.count();
        let ran = binary.run(&["get", what, "-o", "json"]);
        is_clean(name, &ran);
        assert_eq!(ran.code, Some(3), "{name}: {ran:?}");
        assert!(ran.took < Duration::from_secs(20), "{name}: {:?}", ran.took);
        let answer = ran.json();
        assert_eq!(answer["schema"], format!("quarterdeck.{what}/1"));
        let told = source(&answer, list, "bad");
        let error = told["error"].as_str().unwrap();
        case.is_told(error);
        assert_eq!(told["state"], "failed", "{name}: {told}");
        // What was never read is not none.
        let unknown = ["rows", "bad_rows", "age_seconds", "latency_ms", "version"];
        assert!(unknown.iter().all(|field| told[field] == Value::Null), "{name}: {told}");
        assert_eq!(ran.stderr, format!("quarterdeck: source bad: {error}\n"));
        let other = source(&answer, list, "good");
        assert_eq!((&other["state"], &other["rows"]), (&json!("live"), &json!(1)), "{name}: {other}");
        if what == "board" {
            for list in ["cells", "cohorts"] {
                let from = answer[list].as_array().unwrap().iter().map(|row| &row["source"]).collect::<Vec<_>>();
                assert_eq!(from, [&json!("good")], "{name}: {list}");
            }
        }
        let asked = bad.count() - before;
        assert!(asked <= Kind::PASS.len(), "{name}: {asked} requests for one pass");
    }
}

#[test]
fn every_bad_source_is_told_by_the_program() {
    let cases = Mutex::new(cases_that(false));
    let done = Mutex::new(0);
    // Most of them only wait for a deadline.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(case) = cases.lock().unwrap().pop() else { break };
                    is_told_by_get(&case);
                    *done.lock().unwrap() += 1;
                }
            });
        }
    });
    record("hostile-http", done.into_inner().unwrap(), 36);
}

#[test]
fn every_source_that_sends_too_much_is_told_by_the_program() {
    let done = cases_that(true).iter().map(is_told_by_get).count();
    record("hostile-http", done, 6);
}

#[test]
fn a_failed_source_wins_over_what_is_stuck() {
    let (bad, good) = (FakeRestate::start(vec![]), FakeRestate::start(vec![row("inv_9")]));
    bad.behave(Behaviour::Close);
    let binary = Binary::new(&config(&[("bad", &bad.url(), "5s"), ("good", &good.url(), "30s")]));
    for format in ["table", "json", "ndjson", "csv"] {
        let ran = binary.run(&["get", "flows", "--fail-on", "stuck", "-o", format]);
        is_clean(format, &ran);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert!(ran.stdout.contains("inv_9") && ran.stderr.contains("source bad: "), "{ran:?}");
    }
    bad.be_good();
    assert_eq!(binary.run(&["get", "flows", "--fail-on", "stuck"]).code, Some(1));
}

/// How much memory the program takes, and how much was sent to it.
#[test]
fn memory_is_bounded_whatever_comes() {
    let json = |body: String| Behaviour::Answers(Reply::new(200, "application/json", body));
    let small = {
        let server = FakeRestate::start(vec![row("inv_1")]);
        Binary::new(&config(&[("good", &server.url(), "30s")])).run(&["get", "sources", "-o", "json"])
    };
    assert_eq!(small.code, Some(0), "{small:?}");
    assert!(small.peak > MIB && small.peak < 60 * MIB, "{} MiB with a good source", small.peak / MIB);
    // Each of these would be a hundred times as large in memory, if it were taken as it comes.
    let tiny_rows = json(format!("{{\"rows\":[{}0]}}", "0,".repeat(30 << 20)));
    let least = r#"{"id":"","target_service_name":"","target_handler_name":"","status":"","step":""},"#;
    let empty_rows = json(format!("{{\"rows\":[{}0]}}", least.repeat((60 << 20) / least.len())));
    let cases = [
        ("200 MB", Kind::Version, Behaviour::Huge(200_000_000), "larger than 1 MiB", 16),
        ("gzip bomb", Kind::Version, Behaviour::GzipBomb(4096), "larger than 1 MiB", 16),
        ("endless", Kind::Version, Behaviour::Endless, "larger than 1 MiB", 16),
        ("200 MB of rows", Kind::Rows, Behaviour::Huge(200_000_000), "larger than 128 MiB", 150),
        ("gzip bomb of rows", Kind::Rows, Behaviour::GzipBomb(4096), "larger than 128 MiB", 150),
        ("endless rows", Kind::Rows, Behaviour::Endless, "larger than 128 MiB", 150),
        ("tiny rows", Kind::Rows, tiny_rows, "more than 20000 rows", 100),
        ("empty rows", Kind::Rows, empty_rows, "more than 20000 rows", 100),
    ];
    let mut done = 0;
    for (name, kind, behaviour, says, sent) in cases {
        let server = FakeRestate::start(vec![row("inv_1")]);
        server.behave_for(kind, behaviour);
        let binary = Binary::new(&config(&[("bad", &server.url(), "40s")]));
        let ran = binary.run(&["get", "sources", "-o", "json"]);
        assert_eq!(ran.code, Some(3), "{name}: {ran:?}");
        assert!(ran.stderr.contains(says), "{name}: {ran:?}");
        // What it takes anyway is the program itself, which is larger in a build for tests.
        let limit = if sent < 100 { 30 } else { 136 };
        let more = ran.peak.saturating_sub(small.peak);
        assert!(more < limit * MIB, "{name}: {} MiB more than with a good source", more / MIB);
        // What was sent beyond it is no more than fits into the buffers on the way.
        assert!(server.sent() < sent * MIB, "{name}: {} MiB were sent", server.sent() / MIB);
        done += 1;
    }
    record("hostile-http", done, 8);
}
