//! Text from an engine that would command a terminal, hide, or turn what stands around it: in every field that is
//! shown, through every command and every format, and through the drawn cockpit.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::support::binary::{Binary, Ran};
use crate::support::fake_restate::{FakeRestate, Kind, row, row_with};
use crate::support::hub::{config_of, hub_of, rows};
use crate::support::matrix::record;
use crate::support::payloads::payloads;
use quarterdeck::cockpit::{self, ScreenName, Settings};
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::remediation::Verb;
use quarterdeck::domain::text::is_hidden;
use quarterdeck::hub::Hub;
use quarterdeck::ops::{Ops, OpsError};
use serde_json::{Value, json};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

const FORMATS: [&str; 4] = ["table", "json", "ndjson", "csv"];

/// Instances with a payload in every field that is text.
fn hostile_rows() -> Vec<Value> {
    let made = payloads().into_iter().enumerate().map(|(n, text)| {
        let status = ["paused", "backing-off", "completed", "pending", "suspended", "running"][n % 6];
        // Half of them have an id that can be asked for.
        let id = if n % 2 == 0 { format!("inv_{n}") } else { format!("inv_{n}{text}") };
        row_with(
            &id,
            &json!({
                "target_service_name": text, "target_handler_name": text, "target_service_key": text, "status": status,
                "completion_result": "failure", "completion_failure": (status == "completed").then_some(&text),
                "last_failure": format!("[500 {text}] {text}"), "last_failure_error_code": text,
                "pinned_deployment_id": text, "command": text, "pause_message": text, "pause_code": text,
                "step": text, "holder": text,
            }),
        )
    });
    made.collect()
}

fn server() -> FakeRestate {
    let server = FakeRestate::start(hostile_rows());
    server.edit(|world| {
        let texts = payloads();
        let all = texts[..texts.len() - 4].join("\n");
        world.whole = vec![json!({
            "last_failure": all, "pinned_deployment_id": texts[0], "invoked_by": texts[12],
            "invoked_by_target": texts[37], "invoked_by_id": texts[42], "restarted_from": texts[48],
            "idempotency_key": texts[20], "trace_id": texts[76], "current_deployment_id": texts[58],
        })];
        world.journal = texts
            .iter()
            .map(|text| json!({"entry_type": format!("Command: {text}"), "name": text, "entry_lite_json": text}))
            .collect();
        world.events = texts
            .iter()
            .map(|text| json!({"event_type": text, "event_json": json!({"error_message": text}).to_string()}))
            .collect();
    });
    let version = json!({"version": "1.7\u{1b}[31m\u{202e}\u{200b}"});
    let answer = crate::support::hostile::Reply::json(&version);
    server.behave_for(Kind::Version, crate::support::hostile::Behaviour::Answers(answer));
    server
}

fn binary(server: &FakeRestate) -> Binary {
    Binary::new(&config_of(&[("a", &server.url(), "30s")]))
}

/// Whether a text may go to a terminal: it holds nothing but visible characters and the ends of its lines.
#[track_caller]
fn is_clean(name: &str, text: &str) {
    let hidden = text.chars().enumerate().find(|(_, c)| *c != '\n' && (is_hidden(*c) || c.is_control()));
    if let Some((at, c)) = hidden {
        let around: String = text.chars().skip(at.saturating_sub(60)).take(120).collect();
        panic!("{name}: {c:?} in {around:?}");
    }
}

fn no_value_hides(name: &str, value: &Value) {
    match value {
        Value::String(text) => is_clean(name, text),
        Value::Array(values) => values.iter().for_each(|value| no_value_hides(name, value)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            is_clean(name, key);
            // The whole error has lines; nothing else has.
            assert!(key == "error" || !value.as_str().is_some_and(|text| text.contains('\n')), "{name}: {key}");
            no_value_hides(name, value);
        }),
        _ => {}
    }
}

/// Whether each column of a table begins where its heading does, in columns of a screen.
fn is_aligned(name: &str, table: &[&str], headings: &[&str]) {
    let (head, body) = table.split_first().unwrap();
    let starts: Vec<usize> = headings.iter().map(|heading| head[..head.find(heading).unwrap()].width()).collect();
    for line in body {
        let mut column = 0;
        // Where a character begins, and how many spaces stand before it.
        let mut begins = HashMap::new();
        let mut spaces = 0;
        for c in line.chars() {
            begins.entry(column).or_insert(spaces);
            spaces = if c == ' ' { spaces + 1 } else { 0 };
            column += c.width().unwrap_or(0);
        }
        for start in starts.iter().filter(|start| **start > 0 && **start < column) {
            assert!(begins.get(start).is_some_and(|spaces| *spaces >= 2), "{name}: no gap before {start} of {line:?}");
        }
    }
}

/// What a format promises, whatever is in it.
fn is_well_formed(name: &str, format: &str, ran: &Ran) {
    is_clean(name, &ran.stdout);
    is_clean(name, &ran.stderr);
    assert!(!ran.stderr.contains("panicked"), "{name}: {}", ran.stderr);
    assert!(ran.stdout.len() < 3_000_000, "{name}: {} bytes", ran.stdout.len());
    match format {
        "json" => no_value_hides(name, &ran.json()),
        "ndjson" => {
            for line in ran.stdout.lines() {
                no_value_hides(name, &serde_json::from_str(line).unwrap());
            }
        }
        "csv" => {
            let mut reader = csv::Reader::from_reader(ran.stdout.as_bytes());
            for record in reader.records() {
                for cell in &record.unwrap() {
                    let formula = cell.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r']);
                    assert!(!formula || cell.parse::<f64>().is_ok(), "{name}: {cell:?}");
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_command_in_every_format() {
    let server = server();
    let binary = binary(&server);
    let count = hostile_rows().len();
    for format in FORMATS {
        for what in ["board", "flows", "sources"] {
            let name = format!("get {what} -o {format}");
            let all: &[&str] = if what == "flows" { &["--all"] } else { &[] };
            let ran = binary.run(&[&["get", what, "-o", format], all].concat());
            assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
            is_well_formed(&name, format, &ran);
            let lines: Vec<&str> = ran.stdout.lines().collect();
            match (what, format) {
                ("flows", "table") => {
                    assert_eq!(lines.len(), count + 1, "one line a row");
                    is_aligned(
                        &name,
                        &lines,
                        &["VERDICT", "RULE", "STATUS", "FLOW › STEP", "TENANT/KEY", "ID", "ERROR"],
                    );
                }
                ("board", "table") => {
                    let tables: Vec<&[&str]> = lines.split(|line| line.is_empty()).collect();
                    assert_eq!(tables.len(), 3, "{name}");
                    is_aligned(
                        &name,
                        tables[0],
                        &["STUCK", "FOR", "TENANTS", "SOURCE", "FLOW › STEP", "RULE", "COHORT", "WHY"],
                    );
                    is_aligned(&name, tables[1], &["SOURCE", "FLOW", "STEP", "OPEN", "FAILED", "RULES"]);
                }
                ("flows", "json") => assert_eq!(ran.json()["rows"].as_array().unwrap().len(), count),
                ("flows", "ndjson" | "csv") => assert_eq!(lines.len(), count + usize::from(format == "csv")),
                _ => {}
            }
            // What was taken out is seen to be gone.
            assert!(ran.stdout.contains('␛'), "{name}");
        }
        let name = format!("get flow -o {format}");
        let ran = binary.run(&["get", "flow", "inv_12", "-o", format]);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        is_well_formed(&name, format, &ran);
        assert!(ran.stdout.contains("␛]52;c;"), "{name}: {}", ran.stdout);
    }
}

#[test]
fn every_screen_in_every_format() {
    let server = server();
    let binary = binary(&server);
    let colours = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    for screen in ["board", "flows", "detail", "sources"] {
        for format in ["text", "ansi", "svg"] {
            let name = format!("snapshot {screen} {format}");
            let ran = binary.run(&["snapshot", "--screen", screen, "--format", format, "--size", "180x50"]);
            assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
            is_clean(&name, &ran.stderr);
            let text = if format == "ansi" { colours.replace_all(&ran.stdout, "") } else { ran.stdout.as_str().into() };
            is_clean(&name, &text);
            if format != "svg" {
                assert!(text.lines().all(|line| line.width() <= 180), "{name}: {text}");
            }
            assert!(!text.contains("<script>") && (screen == "sources" || text.contains('␛')), "{name}: {text}");
        }
    }
}

/// A megabyte in every field: what is printed is of the length of a line, and what is kept is no more.
#[test]
fn a_megabyte_in_every_field() {
    let mut long = row("inv_1");
    let text = format!("{}\u{1b}[31m", "x".repeat(1 << 20));
    for (field, value) in long.as_object_mut().unwrap() {
        if value.is_string() && !["id", "status"].contains(&field.as_str()) && !field.ends_with("_at") {
            *value = json!(text);
        }
    }
    let server = FakeRestate::start(vec![long]);
    server.edit(|world| {
        world.whole = vec![json!({"last_failure": text, "trace_id": text, "invoked_by": text})];
        world.journal = vec![json!({"entry_type": "Command: Run", "name": text}), json!({"entry_type": text})];
        world.events = vec![json!({"event_type": text})];
    });
    let binary = binary(&server);
    for (words, format, most) in
        [(&["flows", "--all"][..], "table", 3_000), (&["board"], "json", 5_000), (&["flow", "inv_1"], "table", 80_000)]
    {
        let ran = binary.run(&[&["get"], words, &["-o", format]].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        is_well_formed(words[0], format, &ran);
        assert!(ran.stdout.len() < most, "{words:?} {format}: {} bytes", ran.stdout.len());
    }
    // The source says which row, and begins to say what, where a megabyte is where a number should be.
    server.edit(|world| {
        world.counts = Some(vec![]);
        world.rows = vec![row_with("inv_1", &json!({"retry_count": text})), row_with(&text, &json!({"step": 7}))];
    });
    let ran = binary.run(&["get", "flows"]);
    is_well_formed("bad rows", "table", &ran);
    assert!(ran.stderr.contains("2 rows could not be read; the first: row 1 ") && ran.stderr.len() < 1_000, "{ran:?}");
}

/// Every payload in every field on every screen. Seven of those and three sizes meet in every way, since neither divides the other.
#[tokio::test]
async fn every_payload_is_drawn() {
    let server = server();
    let hub = hub_of(&config_of(&[("a", &server.url(), "30s")]), None, Duration::from_secs(60));
    let sizes = [(40, 12), (100, 30), (180, 50)];
    let mut cases = 0;
    for (made, text) in hostile_rows().into_iter().zip(payloads()) {
        server.edit(|world| {
            world.rows = vec![made];
            world.journal = vec![json!({"entry_type": format!("Command: {text}"), "name": text})];
            world.events = vec![json!({"event_type": text, "event_json": json!({"error_message": text}).to_string()})];
        });
        hub.pass().await;
        for (screen, keys) in [
            ("board", ""),
            ("board", "enter"),
            ("flows", ""),
            ("flows", "enter"),
            ("flows", "enter v"),
            ("sources", ""),
            ("flows", "s"),
        ] {
            let (width, height) = sizes[cases % 3];
            let ops: Arc<dyn Ops> = hub.clone();
            let settings = Settings::new("test", "tester");
            let screen: ScreenName = screen.parse().unwrap();
            let buffer = cockpit::snapshot_after(ops, screen, keys, width, height, &settings).await.unwrap();
            for text in [cockpit::text(&buffer), cockpit::svg(&buffer, "test")] {
                is_clean(&format!("{screen:?} {keys} {width}"), &text);
            }
            assert!(cockpit::text(&buffer).lines().all(|line| line.width() <= usize::from(width)));
            cases += 1;
        }
    }
    record("escapes", cases, payloads().len() * 7);
}

fn hub_with(rows: Vec<Value>) -> (FakeRestate, Arc<Hub>) {
    let server = FakeRestate::start(rows);
    let hub = hub_of(&config_of(&[("a", &server.url(), "30s")]), None, Duration::from_secs(60));
    (server, hub)
}

/// What is shown of them is the same; who is meant by it nobody can say.
#[tokio::test]
async fn ids_that_look_the_same_stay_two_rows_and_none_is_acted_on() {
    let long = "x".repeat(300);
    let groups: [(&[&str], &str); 6] = [
        (&["inv_\u{200b}a", "inv_\u{200c}a"], "inv_\u{FFFD}a"),
        // One that really is what the other looks like.
        (&["inv_\u{1b}a", "inv_␛a"], "inv_␛a"),
        (&["inv_\u{202e}b", "inv_\u{e0041}b", "inv_\u{FFFD}b"], "inv_\u{FFFD}b"),
        (&["inv_\nc", "inv_␊c"], "inv_␊c"),
        (&["", ""], ""),
        (&["inv_\u{2028}"], "inv_\u{FFFD}"),
    ];
    for (raw, shown) in groups {
        let (server, hub) = hub_with(raw.iter().map(|id| row(id)).collect());
        hub.pass().await;
        let held = rows(&hub, "a").await;
        assert_eq!(held.len(), raw.len(), "{raw:?}");
        assert!(held.iter().all(|row| row.flow.id.instance == *shown), "{raw:?}: {held:?}");
        let id = InstanceId::new("a", shown);
        for verb in Verb::OF_FLOWS {
            let refused = hub.plan(verb, &id).await.unwrap_err();
            let OpsError::Refused(why) = refused else {
                // Nothing was scrubbed, and still no invocation can have that id.
                assert!(shown.is_empty() && matches!(refused, OpsError::NotFound(_)), "{raw:?}: {refused:?}");
                continue;
            };
            assert_eq!(why, "its id is too long or holds hidden characters, so it can't be named exactly");
        }
        hub.flow(&id).await.unwrap_err();
        assert_eq!((server.asked(Kind::One), server.asked(Kind::Act)), (0, 0), "{raw:?}");
    }
    // Two that differ only behind the cut.
    let (server, hub) = hub_with(vec![row(&format!("{long}1")), row(&format!("{long}2")), row("inv_1")]);
    hub.pass().await;
    let held = rows(&hub, "a").await;
    assert_eq!(held.len(), 3);
    let cut = held.iter().find(|row| row.flow.id.instance.ends_with('…')).unwrap();
    assert!(matches!(hub.plan(Verb::Resume, &cut.flow.id).await, Err(OpsError::Refused(_))));
    assert_eq!((server.asked(Kind::One), server.asked(Kind::Act)), (0, 0));
    // The one beside them is a row like any other.
    hub.plan(Verb::Resume, &InstanceId::new("a", "inv_1")).await.unwrap();
}

#[test]
fn an_id_as_it_is_shown_finds_nothing() {
    let (server, _) = hub_with(vec![row("inv_\u{1b}a"), row("inv_1")]);
    let binary = binary(&server);
    for id in ["a/inv_␛a", "a/inv_\u{1b}a", "inv_' or '1'='1", "../version", "inv_1?x", "inv_1/resume", "inv_%31"] {
        let ran = binary.run(&["get", "flow", id]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{id:?}: {ran:?}");
        is_clean(id, &ran.stderr);
    }
    assert_eq!(server.count(), 0, "nothing was asked: {:?}", server.requests());
    assert_eq!(binary.run(&["get", "flow", "inv_1"]).code, Some(0));
}
