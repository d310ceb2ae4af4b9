//! `get --watch` as a script uses it: streams in every format, and how they end.
//!
//! On a demo whose time runs fast, so that things happen while one looks.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStdout, Stdio};

use crate::support::program::command;
use serde_json::Value;
use tempfile::TempDir;

/// A watch that runs.
struct Watch {
    child: Child,
    out: Option<BufReader<ChildStdout>>,
    _state: TempDir,
}

impl Watch {
    fn start(words: &[&str], speed: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        let mut child = command(["--demo", "--speed", speed, "get"].iter().chain(words))
            .env("QUARTERDECK_STATE_DIR", state.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = child.stdout.take().map(BufReader::new);
        Self { child, out, _state: state }
    }

    /// The next line; `None` at the end.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.out.as_mut().unwrap().read_line(&mut line).unwrap();
        (read > 0).then(|| line.trim_end_matches('\n').to_owned())
    }

    /// The exit code, the signal, and what it said besides.
    fn end(mut self) -> (Option<i32>, Option<i32>, String) {
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let status = self.child.wait().unwrap();
        (status.code(), status.signal(), said)
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn ndjson_is_what_changed_and_can_be_played_back() {
    let mut watch = Watch::start(&["flows", "--watch=200ms", "-o", "ndjson", "flow:reset-password"], "30");
    let (mut there, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    let mut last = String::new();
    while kinds.len() < 3 {
        let line: Value = serde_json::from_str(&watch.line().unwrap()).unwrap();
        let text = |name: &str| line[name].as_str().unwrap_or_else(|| panic!("{name}: {line}")).to_owned();
        let (id, change, at) = (text("id"), text("change"), text("at"));
        let consistent = match change.as_str() {
            "added" => there.insert(id),
            "changed" => there.contains(&id),
            "gone" => there.remove(&id),
            other => panic!("{other}"),
        };
        assert!(consistent, "{line}");
        assert!(last <= at, "{last} and then {at}");
        last = at;
        assert_eq!(line["flow"], "reset-password");
        kinds.insert(change);
    }
    watch.kill();
}

#[test]
fn json_is_one_document_a_line_and_csv_has_the_time() {
    let mut watch = Watch::start(&["board", "--watch=200ms", "-o", "json"], "10");
    let documents: Vec<Value> = (0..3).map(|_| serde_json::from_str(&watch.line().unwrap()).unwrap()).collect();
    let at: BTreeSet<&str> = documents.iter().map(|document| document["at"].as_str().unwrap()).collect();
    assert_eq!(at.len(), 3, "each at its own time");
    assert!(documents.iter().all(|document| document["schema"] == "quarterdeck.board/1"));
    watch.kill();

    let mut watch = Watch::start(&["sources", "--watch=200ms", "-o", "csv"], "10");
    let header = watch.line().unwrap();
    assert!(header.starts_with("time,name,kind,state,"), "{header}");
    let mut times = BTreeSet::new();
    let names = ["platform,", "accounts,", "billing,", "infra,", "directory,", "alerts,"];
    for n in 0..18 {
        let row = watch.line().unwrap();
        let (time, rest) = row.split_once(',').unwrap();
        time.parse::<jiff::Timestamp>().unwrap();
        assert!(rest.starts_with(names[n % 6]), "{row}");
        times.insert(time.to_owned());
    }
    assert_eq!(times.len(), 3, "six sources a look, and the header once");
    watch.kill();
}

#[test]
fn tables_follow_each_other_where_there_is_no_terminal() {
    let mut watch = Watch::start(&["flows", "--watch=200ms", "step:build", "is:stuck"], "1");
    for _ in 0..2 {
        let title = watch.line().unwrap();
        assert!(title.starts_with("at 20") && title.ends_with(" UTC"), "{title}");
        assert!(watch.line().unwrap().starts_with("VERDICT"));
        for _ in 0..3 {
            assert!(watch.line().unwrap().starts_with("stuck"));
        }
        assert_eq!(watch.line().unwrap(), "");
    }
    watch.kill();
}

#[test]
fn with_fail_on_stuck_it_ends_once_something_is_and_no_silent_source_ends_it() {
    // Deadlocks begin after four minutes; from five to eight minutes their source answers nobody.
    let words = ["flows", "--watch=200ms", "-o", "ndjson", "--fail-on", "stuck", "flow:meter-usage"];
    let mut watch = Watch::start(&words, "60");
    let mut last = Value::Null;
    let mut lines = 0;
    while let Some(line) = watch.line() {
        last = serde_json::from_str(&line).unwrap();
        lines += 1;
    }
    assert!(lines > 30, "{lines}: it began with nothing stuck");
    assert_eq!(last["flow"], "meter-usage");
    let (code, _, said) = watch.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("source billing: connection refused by billing-engine.internal:7233"), "{said}");
    assert!(said.contains("answers again"), "{said}");
}

#[test]
fn it_ends_with_its_reader_and_with_ctrl_c() {
    let mut watch = Watch::start(&["board", "--watch=200ms"], "1");
    watch.line().unwrap();
    drop(watch.out.take());
    let (code, signal, said) = watch.end();
    assert_eq!((code, signal, said.as_str()), (Some(0), None, ""), "a reader that has gone is no error");

    let mut watch = Watch::start(&["board", "--watch=200ms"], "1");
    watch.line().unwrap();
    let pid = rustix::process::Pid::from_child(&watch.child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let out = watch.out.take();
    let (code, signal, _) = watch.end();
    drop(out);
    assert_eq!((code, signal), (None, Some(2)), "130 to a shell");
}

#[test]
fn an_interval_is_a_length_of_time_and_not_too_short() {
    for (interval, word) in [("--watch=soon", "soon"), ("--watch=10ms", "200ms"), ("--watch=3", "unit")] {
        crate::support::program::demo(&["get", "board", interval]).refused(&[word]);
    }
    crate::support::program::demo(&["get", "flow", "platform/wf_1", "--watch"]).refused(&["--watch"]);
}
