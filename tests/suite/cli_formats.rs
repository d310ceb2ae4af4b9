//! What `quarterdeck get` prints, as people script against it: every name of the contract with its type, and the same
//! truth in each format.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use crate::support::program::{Said, command, demo, demo_json, list, run, without_times};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

/// What a field of the contract holds.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    TextOrNull,
    Count,
    CountOrNull,
    Time,
    TimeOrNull,
    Flag,
    Counts,
    OneOf(&'static [&'static str]),
    OneOfOrNull(&'static [&'static str]),
}

impl Kind {
    fn fits(self, value: &Value) -> bool {
        let time = || value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok() && text.ends_with('Z'));
        let one_of = |names: &[&str]| value.as_str().is_some_and(|text| names.contains(&text));
        match self {
            Self::Text => value.as_str().is_some_and(|text| !text.is_empty()),
            Self::TextOrNull => value.is_null() || value.is_string(),
            Self::Count => value.is_u64(),
            Self::CountOrNull => value.is_null() || value.is_u64(),
            Self::Time => time(),
            Self::TimeOrNull => value.is_null() || time(),
            Self::Flag => value.is_boolean(),
            Self::Counts => value.as_object().is_some_and(|counts| {
                counts.iter().all(|(rule, n)| RULES.contains(&rule.as_str()) && n.as_u64().is_some_and(|n| n > 0))
            }),
            Self::OneOf(names) => one_of(names),
            Self::OneOfOrNull(names) => value.is_null() || one_of(names),
        }
    }
}

const RULES: &[&str] = &[
    "exhausted",
    "blocked_by",
    "retry_storm",
    "task_fault",
    "no_consumer",
    "lost_wait",
    "overdue",
    "never_started",
    "orphan",
];

/// Those that are on by default, all of which the demo has.
const IN_DEMO: &[&str] = RULES.split_at(8).0;
const VERDICTS: &[&str] = &["ok", "suspect", "stuck", "recheck", "unknown"];
const STATUSES: &[&str] = &[
    "scheduled",
    "queued",
    "running",
    "backing_off",
    "waiting",
    "paused",
    "compensating",
    "succeeded",
    "failed",
    "cancelled",
    "timed_out",
    "unknown",
];

const SOURCE: &[(&str, Kind)] = &[
    ("name", Kind::Text),
    ("kind", Kind::Text),
    ("state", Kind::OneOf(&["live", "stale", "failed", "never"])),
    ("age_seconds", Kind::CountOrNull),
    ("error", Kind::TextOrNull),
];
const CELL: &[(&str, Kind)] = &[
    ("source", Kind::Text),
    ("flow", Kind::Text),
    ("step", Kind::Text),
    ("open", Kind::Count),
    ("stuck", Kind::Count),
    ("waiting", Kind::Count),
    ("held", Kind::Count),
    ("failed", Kind::Count),
    ("unknown", Kind::Count),
    ("by_rule", Kind::Counts),
    ("approximate", Kind::Flag),
];
const COHORT: &[(&str, Kind)] = &[
    ("id", Kind::Text),
    ("source", Kind::Text),
    ("flow", Kind::Text),
    ("step", Kind::Text),
    ("fingerprint", Kind::Text),
    ("count", Kind::Count),
    ("tenants", Kind::CountOrNull),
    ("since", Kind::TimeOrNull),
];
const GROUP: &[(&str, Kind)] = &[
    ("group", Kind::TextOrNull),
    ("count", Kind::Count),
    ("stuck", Kind::Count),
    ("open", Kind::Count),
    ("oldest", Kind::TimeOrNull),
];
const ROW: &[(&str, Kind)] = &[
    ("id", Kind::Text),
    ("source", Kind::Text),
    ("instance", Kind::Text),
    ("flow", Kind::Text),
    ("step", Kind::Text),
    ("tenant", Kind::TextOrNull),
    ("status", Kind::OneOf(STATUSES)),
    ("verdict", Kind::OneOf(VERDICTS)),
    ("rule", Kind::OneOfOrNull(RULES)),
    ("since", Kind::TimeOrNull),
    ("attempts", Kind::CountOrNull),
    ("error", Kind::TextOrNull),
    ("observed_at", Kind::Time),
];

#[track_caller]
fn keeps(contract: &[(&str, Kind)], value: &Value) {
    for (name, kind) in contract {
        let field = value.get(name).unwrap_or_else(|| panic!("{name} is missing in {value}"));
        assert!(kind.fits(field), "{name} is no {kind:?} in {value}");
    }
}

fn names(contract: &[(&'static str, Kind)]) -> Vec<&'static str> {
    contract.iter().map(|(name, _)| *name).collect()
}

#[test]
fn the_board_in_json_keeps_the_contract() {
    let board = demo_json(&["get", "board"]);
    assert_eq!(board["schema"], "quarterdeck.board/1");
    assert!(Kind::Time.fits(&board["at"]));
    for (key, contract) in [("sources", SOURCE), ("cells", CELL), ("cohorts", COHORT)] {
        assert!(!list(&board, key).is_empty(), "{key}");
        for value in list(&board, key) {
            keeps(contract, value);
        }
    }
    assert_eq!(list(&board, "sources")[0]["state"], "live");
}

#[test]
fn groups_add_up_to_what_matches() {
    for by in ["flow", "step", "rule", "status", "tenant", "source", "error"] {
        let groups = demo_json(&["get", "flows", "--all", "--group-by", by, "state:open"]);
        assert_eq!((groups["schema"].as_str(), groups["by"].as_str()), (Some("quarterdeck.groups/1"), Some(by)));
        let rows = list(&groups, "rows");
        assert_eq!(groups["total"], rows.len());
        let sum = |name: &str| rows.iter().map(|row| row[name].as_u64().unwrap()).sum::<u64>();
        assert_eq!(groups["matching"], sum("count"), "{by}");
        assert_eq!(sum("open"), sum("count"), "{by}: what is open has not ended");
        assert!(rows.windows(2).all(|pair| pair[0]["stuck"].as_u64() >= pair[1]["stuck"].as_u64()), "{by}");
        for row in rows {
            keeps(GROUP, row);
        }
    }
    let said = demo(&["get", "flows", "--group-by", "rule"]).good();
    assert!(said.out.starts_with("STUCK") && said.out.contains("not stuck"), "{}", said.out);
    run(["--demo", "get", "flows", "--group-by", "colour"])
        .refused(&["flow, step, rule, status, tenant, source, error"]);
}

#[test]
fn the_flows_in_json_keep_the_contract() {
    let flows = demo_json(&["get", "flows", "--all"]);
    assert_eq!(flows["schema"], "quarterdeck.flows/1");
    let rows = list(&flows, "rows");
    assert_eq!(flows["total"], rows.len());
    for row in rows {
        keeps(ROW, row);
        assert_eq!(row["id"], format!("{}/{}", row["source"].as_str().unwrap(), row["instance"].as_str().unwrap()));
        assert!(row["verdict"] != "stuck" || (!row["rule"].is_null() && !row["since"].is_null()), "{row}");
    }
    // None is left untested.
    let rules: BTreeSet<&str> = rows.iter().filter_map(|row| row["rule"].as_str()).collect();
    assert_eq!(rules, IN_DEMO.iter().copied().collect());
    let ids: BTreeSet<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!(ids.len(), rows.len(), "no instance twice");
}

#[test]
fn the_sources_in_json_are_named_as_on_the_board() {
    let sources = demo_json(&["get", "sources"]);
    assert_eq!(sources["schema"], "quarterdeck.sources/1");
    assert_eq!(list(&sources, "rows").len(), 6);
    for row in list(&sources, "rows") {
        keeps(SOURCE, row);
    }
}

/// A cell of CSV as it is written for a value of JSON.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(counts) => counts.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

#[test]
fn each_format_tells_the_same() {
    for (what, key, contract) in [("board", "cells", CELL), ("flows", "rows", ROW), ("sources", "rows", SOURCE)] {
        let args: &[&str] = if what == "flows" { &["get", what, "--all"] } else { &["get", what] };
        // How long the look took is the one thing besides time that differs from run to run.
        let steady = |row: &Value| {
            let mut row = without_times(row);
            row.as_object_mut().unwrap().remove("latency_ms");
            row
        };
        let json = demo_json(args);
        let rows = list(&json, key);
        assert!(!rows.is_empty(), "{what}");
        let lines = demo(&[args, &["-o", "ndjson"]].concat()).good().ndjson();
        assert_eq!(lines.iter().map(steady).collect::<Vec<_>>(), rows.iter().map(steady).collect::<Vec<_>>(), "{what}");

        let (header, records) = demo(&[args, &["-o", "csv"]].concat()).good().csv();
        assert_eq!(header[..contract.len()], names(contract), "the contract's names come first");
        assert_eq!(records.len(), rows.len(), "{what}");
        for (record, row) in records.iter().zip(rows) {
            assert_eq!(header.len(), row.as_object().unwrap().len(), "{what}: a column for every name");
            for (name, told) in header.iter().zip(record).filter(|(name, _)| *name != "latency_ms") {
                let wanted = cell(&row[name.as_str()]);
                let both_times = [told, &wanted].iter().all(|text| text.parse::<jiff::Timestamp>().is_ok());
                assert!(both_times || *told == wanted, "{what}: {name} is {told:?} and in JSON {wanted:?}");
            }
        }

        let table = demo(&[args, &["-o", "table"]].concat()).good().out;
        assert_eq!(demo(args).good().out.lines().count(), table.lines().count(), "the table is the default");
        for row in rows {
            let name = row.get("instance").or(row.get("flow")).or(row.get("name")).and_then(Value::as_str).unwrap();
            assert!(table.contains(name), "{what}: {name} is missing");
        }
    }
}

/// Each column begins where its name does, whatever the width of the characters before it.
#[track_caller]
fn aligned(lines: &[&str]) {
    let header = lines[0];
    let starts = header.match_indices("  ").map(|(at, gap)| at + gap.len());
    let starts: Vec<usize> =
        starts.filter(|at| header[*at..].starts_with(|c| c != ' ')).map(|at| header[..at].width()).collect();
    assert!(starts.len() >= 4, "{header}");
    for line in &lines[1..] {
        for start in &starts {
            let before: String = line
                .chars()
                .scan(0, |width, c| {
                    *width += c.to_string().width();
                    (*width <= *start).then_some(c)
                })
                .collect();
            let short = line.width() <= *start;
            assert!(
                short || (before.width() == *start && before.ends_with("  ")),
                "column {start} of\n{header}\n{line}"
            );
        }
    }
}

#[test]
fn tables_are_aligned_and_show_what_is_hidden() {
    let flows = demo(&["get", "flows", "--all"]).good().out;
    aligned(&flows.lines().collect::<Vec<_>>());
    // An error of the demo tries to clear the screen and to reach the clipboard: `Said` refuses any control character.
    assert!(flows.contains("␛[2J"), "the attempt is shown");
    let board = demo(&["get", "board"]).good().out;
    let tables: Vec<Vec<&str>> =
        board.split("\n\n").map(|table| table.lines().filter(|line| !line.is_empty()).collect()).collect();
    assert_eq!(tables.len(), 3, "cohorts, counts, sources");
    for table in &tables {
        aligned(table);
    }
    aligned(&demo(&["get", "sources"]).good().out.lines().collect::<Vec<_>>());
}

#[test]
fn a_list_has_an_end_and_says_what_it_leaves_out() {
    let all = demo_json(&["get", "flows", "--all"]);
    let total = all["total"].as_u64().unwrap();
    assert!(total > 200, "the demo has more rows than the limit");
    let whole = without_times(&all);
    for (args, shown) in [(&["get", "flows"][..], 200), (&["get", "flows", "--limit", "3"], 3)] {
        let json = demo_json(args);
        assert_eq!(json["total"], total, "the total does not depend on the limit");
        assert_eq!(list(&without_times(&json), "rows"), &list(&whole, "rows")[..shown], "the first ones of all");
        for format in ["csv", "ndjson", "table"] {
            let said = demo(&[args, &["-o", format]].concat());
            assert_eq!(said.code, 0);
            assert_eq!(said.err, format!("{shown} of {total} shown; --all shows every one\n"));
            assert_eq!(said.out.lines().count(), shown + usize::from(format != "ndjson"));
        }
    }
    assert_eq!(demo(&["get", "flows", "--limit", "100000", "-o", "ndjson"]).good().ndjson().len() as u64, total);
    let none = demo_json(&["get", "flows", "--limit", "0"]);
    assert_eq!((none["total"].as_u64(), list(&none, "rows").len()), (Some(total), 0));
    demo(&["get", "flows", "--limit", "3", "--all"]).refused(&["--limit", "--all"]);
    demo(&["get", "flows", "--limit", "some"]).refused(&["--limit", "some"]);
    demo(&["get", "board", "--limit", "3"]).refused(&["--limit"]);
}

/// The counts of one flow and step: by the names of the board, and what is stuck by rule.
type Counted = (BTreeMap<&'static str, u64>, BTreeMap<String, u64>);

/// What the rows of `get flows` come to by flow and step.
fn counted(rows: &[Value]) -> BTreeMap<(String, String), Counted> {
    let mut places: BTreeMap<_, Counted> = BTreeMap::new();
    for row in rows {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let (numbers, rules) = places.entry((text("flow"), text("step"))).or_default();
        let mut count = |name, yes: bool| *numbers.entry(name).or_default() += u64::from(yes);
        let stuck = row["verdict"] == "stuck";
        count("open", row["status"] != "failed");
        count("stuck", stuck);
        count("waiting", row["status"] == "waiting" && !stuck);
        count("held", row["status"] == "paused" && !stuck);
        count("failed", row["status"] == "failed");
        count("unknown", row["verdict"] == "unknown");
        if stuck {
            *rules.entry(text("rule")).or_default() += 1;
        }
    }
    places
}

#[test]
fn the_board_adds_up_to_the_flows() {
    for filter in [&[][..], &["flow:tenant-*"], &["is:stuck", "-rule:exhausted"], &["state:held,failed"]] {
        let board = demo_json(&[&["get", "board"], filter].concat());
        let flows = demo_json(&[&["get", "flows", "--all"], filter].concat());
        let counted = counted(list(&flows, "rows"));
        assert!(!counted.is_empty(), "{filter:?}");
        assert_eq!(list(&board, "cells").len(), counted.len(), "{filter:?}: a cell for each place");
        for cell in list(&board, "cells") {
            let place = (cell["flow"].as_str().unwrap().to_owned(), cell["step"].as_str().unwrap().to_owned());
            let (numbers, rules) = &counted[&place];
            for (name, n) in numbers {
                assert_eq!(cell[name], *n, "{filter:?}: {name} of {place:?}");
            }
            assert_eq!(cell["by_rule"], serde_json::json!(rules), "{filter:?}: {place:?}");
            assert_eq!(cell["approximate"], false);
        }
        let stuck: u64 = counted.values().map(|(numbers, _)| numbers["stuck"]).sum();
        let in_cohorts: u64 = list(&board, "cohorts").iter().map(|cohort| cohort["count"].as_u64().unwrap()).sum();
        assert_eq!(in_cohorts, stuck, "{filter:?}");
        for cohort in list(&board, "cohorts") {
            let of_cohort = format!("cohort:{}", cohort["id"].as_str().unwrap());
            let members = demo_json(&[&["get", "flows", &of_cohort], filter].concat());
            assert_eq!(members["total"], cohort["count"], "{filter:?}: {of_cohort}");
        }
    }
}

#[test]
fn a_seed_is_a_world() {
    let world = |seed: &str| {
        let flows = run(["--demo", "--seed", seed, "get", "flows", "--all", "-o", "json"]).good().json();
        let board = run(["get", "board", "-o", "json", "--seed", seed, "--demo"]).good().json();
        (without_times(&flows), without_times(&board["cells"]), without_times(&board["cohorts"]))
    };
    assert_eq!(world("7"), world("7"));
    assert_ne!(world("7"), world("8"));
}

#[test]
fn one_flow_says_what_the_list_says_of_it() {
    let all = demo_json(&["get", "flows", "--all"]);
    let rows = list(&all, "rows");
    for rule in IN_DEMO {
        let row = rows.iter().find(|row| row["rule"] == *rule && row["verdict"] == "stuck").unwrap();
        let flow = demo_json(&["get", "flow", row["id"].as_str().unwrap()]);
        assert_eq!(flow["schema"], "quarterdeck.flow/1");
        keeps(ROW, &flow);
        for name in ["id", "flow", "step", "tenant", "status", "verdict", "rule", "evidence", "attempts", "version"] {
            assert_eq!(flow[name], row[name], "{rule}: {name}");
        }
        let whole = flow["error"].as_str().unwrap_or_default();
        assert!(whole.starts_with(row["error"].as_str().unwrap_or_default()), "{rule}: the error, and all of it");
        assert!(!list(&flow, "timeline").is_empty() && !list(&flow, "verbs").is_empty(), "{rule}");
    }
}

#[test]
fn one_flow_is_had_in_each_format() {
    let all = demo_json(&["get", "flows", "rule:exhausted", "flow:schema-migration", "--limit", "1"]);
    let row = &list(&all, "rows")[0];
    let (id, instance) = (row["id"].as_str().unwrap(), row["instance"].as_str().unwrap());
    let json = demo_json(&["get", "flow", id]);
    let line = demo(&["get", "flow", id, "-o", "ndjson"]).good().ndjson();
    assert_eq!(line.iter().map(without_times).collect::<Vec<_>>(), [without_times(&json)]);
    let (header, records) = demo(&["get", "flow", id, "-o", "csv"]).good().csv();
    assert_eq!(header, ["at", "ended_at", "outcome", "what", "note"]);
    assert_eq!(records.len(), list(&json, "timeline").len());
    let text = demo(&["get", "flow", id]).good().out;
    for words in [id, "schema-migration › apply-0042", "stuck", "limit: at once", "relation \"", "resume", "cancel"] {
        assert!(text.contains(words), "{words}:\n{text}");
    }
    assert!(text.contains("    at "), "the whole error, its trace included:\n{text}");
    // By its own id alone every source is asked, and one of three has it.
    let alone = demo(&["get", "flow", instance, "-o", "json"]).good().json();
    assert_eq!(without_times(&alone), without_times(&json));
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    for format in ["table", "json", "ndjson", "csv"] {
        let mut command = command(["--demo", "get", "flows", "--all", "-o", format]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The answer is longer than a pipe holds, so that the program is still writing when its reader has gone.
        let mut line = String::new();
        BufReader::with_capacity(64, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""), "{format}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command(["--demo", "get", "board"]).stdout(full).output().unwrap();
    let said = Said::of(&output);
    assert_eq!(
        (said.code, said.err.as_str()),
        (70, "quarterdeck: standard output: No space left on device (os error 28)\n")
    );
}
