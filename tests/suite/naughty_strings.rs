//! The Big List of Naughty Strings as names, keys and errors: in the cockpit on an emulated screen, as a table, and as
//! JSON and CSV. Nothing panics, nothing hides, and what stands beside them stays in its column.

use std::collections::HashMap;

use crate::support::binary::Binary;
use crate::support::fake_restate::{FakeRestate, row_with};
use crate::support::hub::config_of;
use crate::support::matrix::record;
use crate::term::{Launch, PROGRAM, Seen, bytes};
use quarterdeck::domain::text::is_hidden;
use serde_json::json;
use unicode_width::UnicodeWidthStr as _;

fn strings() -> Vec<String> {
    let strings: Vec<String> = serde_json::from_str(include_str!("../corpora/blns.json")).unwrap();
    assert_eq!(strings.len(), 515);
    strings
}

fn id(n: usize) -> String {
    format!("inv_k{n:03}")
}

/// A server that knows one instance a string, which has it wherever there is text.
fn server() -> FakeRestate {
    let rows = strings().into_iter().enumerate().map(|(n, text)| {
        row_with(
            &id(n),
            &json!({
                "target_service_name": text, "target_handler_name": text, "target_service_key": text, "step": text,
                "last_failure": text, "pause_message": text, "last_failure_error_code": null, "pause_code": text,
            }),
        )
    });
    FakeRestate::start(rows.collect())
}

fn hides(text: &str) -> Option<char> {
    text.chars().find(|c| is_hidden(*c))
}

/// The column in which a text begins in a row of the screen, as the emulator has it.
fn column_of(seen: &Seen, row: u16, text: &str) -> Option<u16> {
    let columns = seen.screen.size().1.get();
    let cell = |column: u16| seen.screen.cell(row, column).map(|cell| cell.contents().to_owned());
    (0..columns).find(|start| {
        text.chars().zip(*start..).all(|(c, column)| cell(column).is_some_and(|cell| cell == c.to_string()))
    })
}

/// The rows of the list, by instance. The preview below it has one of them once more.
fn rows_of(seen: &Seen) -> HashMap<usize, u16> {
    let number = |line: &str| line.rsplit_once("inv_k").and_then(|(_, rest)| rest.get(..3)?.parse().ok());
    let mut rows = HashMap::new();
    for (row, line) in seen.lines.iter().enumerate() {
        if let Some(n) = number(line) {
            rows.entry(n).or_insert(u16::try_from(row).unwrap());
        }
    }
    rows
}

#[test]
fn on_an_emulated_screen() {
    let server = server();
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config.toml");
    std::fs::write(&config, config_of(&[("a", &server.url(), "30s")])).unwrap();
    let launch = Launch::command(&[PROGRAM]).env("QUARTERDECK_CONFIG", config.to_str().unwrap());
    let mut term = launch.size((220, 545)).start();
    term.shows("flows need eyes");
    term.press("2");
    let seen = term.until("every instance", |seen| rows_of(seen).len() == 515);
    let head = seen.lines.iter().position(|line| line.contains(" ERROR") && line.contains(" ID")).unwrap();
    let columns: Vec<u16> = ["TENANT", "ERROR", "ID"]
        .map(|name| column_of(&seen, u16::try_from(head).unwrap(), name).unwrap_or_else(|| panic!("no column {name}")))
        .to_vec();
    let mut cases = 0;
    for (n, row) in rows_of(&seen) {
        let text = strings().swap_remove(n);
        let line = &seen.lines[usize::from(row)];
        assert_eq!(hides(line), None, "{text:?}: {line}");
        assert_eq!(column_of(&seen, row, &id(n)), columns.last().copied(), "{text:?}: {line}");
        for column in &columns {
            let before = seen.screen.cell(row, column - 1).unwrap();
            assert!(before.contents().trim().is_empty(), "{text:?}: no gap before {column}: {line}");
        }
        cases += 1;
    }
    term.write(":q\r");
    term.given_back();
    let (text, commands) = bytes::text_and_commands(&term.raw());
    assert_eq!(hides(&text.replace(['\r', '\n'], "")), None);
    assert_eq!(commands, Vec::<String>::new());
    record("naughty-strings", cases, 515);
}

#[test]
fn in_a_table() {
    let server = server();
    let ran = Binary::new(&config_of(&[("a", &server.url(), "30s")])).run(&["get", "flows", "--all"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let (head, lines) = lines.split_first().unwrap();
    let column = |name: &str| head[..head.find(name).unwrap()].width();
    let mut cases = 0;
    for (n, text) in strings().into_iter().enumerate() {
        // Between the names and the error; so it is where it should be if everything before it is as wide as it seems.
        let id = format!("a/{}", id(n));
        let mut found =
            lines.iter().filter_map(|line| line.rsplit_once(&id).map(|(before, after)| (line, before, after)));
        let (line, before, after) = found.next().unwrap_or_else(|| panic!("{text:?} has no row"));
        assert_eq!(before.width(), column("ID"), "{text:?}: {line}");
        assert!(after.is_empty() || after.starts_with("  "), "{text:?}: {line}");
        assert_eq!(hides(line), None, "{text:?}: {line}");
        cases += 1;
    }
    assert_eq!(lines.len(), cases);
    record("naughty-strings", cases, 515);
}

#[test]
fn as_json_and_as_csv() {
    let server = server();
    let binary = Binary::new(&config_of(&[("a", &server.url(), "30s")]));
    let run = |format: &str| {
        let ran = binary.run(&["get", "flows", "--all", "-o", format]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
        ran
    };
    let json = run("json").json();
    let csv = run("csv");
    let mut reader = csv::Reader::from_reader(csv.stdout.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell = |record: &csv::StringRecord, name: &str| {
        let at = headers.iter().position(|header| header == name).unwrap_or_else(|| panic!("{headers:?}"));
        record[at].to_owned()
    };
    let mut cases = 0;
    for (n, text) in strings().into_iter().enumerate() {
        let rows = json["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["id"] == *format!("a/{}", id(n))).unwrap_or_else(|| panic!("{text:?}"));
        let record = records.iter().find(|record| cell(record, "id") == format!("a/{}", id(n))).unwrap();
        for name in ["step", "key", "flow", "error"] {
            let value = &row[name];
            let as_text = value.as_str().unwrap_or_default();
            let hidden = as_text.chars().find(|c| is_hidden(*c) && *c != '\n');
            assert_eq!(hidden, None, "{text:?}: {value}");
            let cell = cell(record, name);
            assert_eq!(cell.chars().find(|c| is_hidden(*c) && *c != '\n'), None, "{text:?}: {cell}");
            let formula = cell.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
            assert!(!formula || cell.parse::<f64>().is_ok(), "{text:?}: {cell}");
            assert_eq!(cell.trim_start_matches('\''), as_text.trim_start_matches('\''), "{text:?}: {name}");
        }
        // Where nothing had to be changed, it is what was sent; and nothing has vanished from what had to be.
        let step = row["step"].as_str().unwrap();
        if text.chars().count() <= 200 {
            assert_eq!(step.chars().count(), text.chars().count(), "{text:?}: {step}");
            if text.chars().all(|c| c.is_ascii() && !is_hidden(c)) {
                assert_eq!(step, text);
            }
        }
        cases += 1;
    }
    assert_eq!(records.len(), cases);
    record("naughty-strings", cases, 515);
}
