//! What must be so whatever comes, for each of the places that read bytes from outside. Used by the targets of the
//! fuzzer, and by `tests/suite/fuzz_corpus.rs`.
#![allow(dead_code, reason = "each target is a program of its own, and has one of them")]

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use quarterdeck::cockpit::Colours;
use quarterdeck::cockpit::keymap::{Key, sequence, show};
use quarterdeck::cockpit::theme::Themes;
use quarterdeck::config::{Config, Flags, Surroundings};
use quarterdeck::connect::restate::Restate;
use quarterdeck::domain::flow::{FlowError, JudgedFlow};
use quarterdeck::domain::raw::Json;
use quarterdeck::domain::redact::Redactor;
use quarterdeck::domain::text::{SafeText, is_hidden};
use quarterdeck::domain::verdict::{Circumstances, Thresholds, judge};
use quarterdeck::query::Filter;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthChar as _;

/// A secret that may show nowhere.
const CANARY: &str = "canary5f1d2c";

/// Long inputs find little that short ones do not, and take long.
const LONGEST: usize = 16 * 1024;

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data.get(..LONGEST).unwrap_or(data)).ok()
}

fn shows_all(safe: &str) {
    let hidden = safe.chars().find(|c| is_hidden(*c));
    assert_eq!(hidden, None, "{safe:?}");
}

/// The present, for whatever asks.
fn now() -> Timestamp {
    Timestamp::from_second(1_768_446_720).unwrap()
}

/// The filter language.
pub(crate) fn filter(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let characters = text.chars().count();
    for cursor in [0, 1, characters / 2, characters, characters + 1] {
        drop(Filter::complete(text, cursor));
    }
    match Filter::parse(text) {
        Ok(filter) => {
            let written = filter.to_string();
            let again = Filter::parse(&written).unwrap_or_else(|error| panic!("{text:?} became {written:?}: {error}"));
            assert_eq!(again, filter, "{text:?} became {written:?}");
            assert_eq!(again.to_string(), written);
            for row in ROWS.iter() {
                assert_eq!(filter.matches(row, now()), again.matches(row, now()));
            }
        }
        Err(error) => {
            assert!(error.column >= 1 && error.column <= characters + 1, "{text:?}: {error:?}");
            assert!(text.contains(&error.word), "{text:?}: {error:?}");
            assert!(!error.message.is_empty());
        }
    }
}

/// Some instances for filters to match.
static ROWS: LazyLock<Vec<JudgedFlow>> = LazyLock::new(|| {
    let answer = json!({"rows": [{
        "id": "inv_1", "target_service_name": "SchemaMigration", "target_handler_name": "migrate",
        "target_service_key": "acme", "status": "paused", "created_at": "2026-01-15T03:00:00Z", "retry_count": 5,
        "last_failure": "[500 Internal] relation \"plans\" does not exist", "paused_at": "2026-01-15T03:10:00Z",
        "step": "apply-0042",
    }, {
        "id": "inv_2", "target_service_name": "", "target_handler_name": "", "status": "running", "step": "",
    }]});
    judged(answer.to_string().as_bytes())
});

static RESTATE: LazyLock<Restate> =
    LazyLock::new(|| Restate::new("a", "http://127.0.0.1:9", Duration::from_secs(1), None).unwrap());

/// Every instance of an answer, and what the rules say of it.
fn judged(answer: &[u8]) -> Vec<JudgedFlow> {
    let Ok(page) = RESTATE.read_page(answer, now()) else { return Vec::new() };
    let judged = page.flows.into_iter().map(|flow| {
        let judgement = judge(&flow, &Thresholds::default(), &Circumstances { now: now(), holder: None });
        JudgedFlow { flow, judgement }
    });
    judged.collect()
}

/// An answer of Restate. What is no whole answer is tried as its rows, and as the value of each field of one.
pub(crate) fn intake(data: &[u8]) {
    let data = data.get(..LONGEST).unwrap_or(data);
    read_answer(data);
    read_answer(&[b"{\"rows\":[", data, b"]}"].concat());
    if let Ok(value) = serde_json::from_slice::<Value>(data) {
        for field in
            ["id", "target_service_name", "step", "status", "last_failure", "created_at", "retry_count", "wakes_at"]
        {
            let mut row = json!({
                "id": "inv_1", "target_service_name": "S", "target_handler_name": "h", "status": "paused", "step": "s",
            });
            row[field] = value.clone();
            read_answer(json!({"rows": [row]}).to_string().as_bytes());
        }
    }
}

fn read_answer(answer: &[u8]) {
    match RESTATE.read_page(answer, now()) {
        Ok(page) => {
            assert_eq!(page.first_bad.is_some(), page.bad > 0);
            shows_all(page.first_bad.as_deref().unwrap_or_default());
        }
        Err(error) => {
            let words = error.to_string();
            assert!(!words.is_empty());
            shows_all(&words);
        }
    }
    for row in judged(answer) {
        let flow = &row.flow;
        for shown in [&flow.id.instance, &flow.flow, &flow.step].into_iter().chain(&flow.key).chain(&flow.tenant) {
            shows_all(shown);
        }
        for finding in &row.judgement.findings {
            shows_all(&finding.evidence);
        }
    }
}

/// Any text.
pub(crate) fn scrubber(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let safe = SafeText::new(text);
    shows_all(&safe);
    assert_eq!(safe.chars().count(), text.chars().count(), "{text:?}");
    assert_eq!(SafeText::new(&safe), safe);
    let taken = safe.chars().zip(text.chars()).filter(|(shown, was)| shown != was);
    assert!(taken.into_iter().all(|(shown, _)| shown.width() == Some(1)));
    for max in [0, 1, 7, 120] {
        let clipped = SafeText::clipped(text, max);
        shows_all(&clipped);
        assert!(clipped.chars().count() <= max + 1);
        shows_all(&SafeText::first_line(text, max));
    }
    for line in SafeText::lines(text) {
        shows_all(&line);
    }
    let error = FlowError::new(None, text, &["acme"], &Redactor::default());
    shows_all(&error.fingerprint);
    assert_eq!(FlowError::new(None, text, &["acme"], &Redactor::default()), error);
}

/// A document of an engine.
pub(crate) fn secrets(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let redactor = Redactor::default();
    let shown = serde_json::to_string(&Json::read(text, &redactor)).unwrap();
    shows_all(&shown);
    // Wherever it stands, under a name that says so.
    for secret in [
        json!({"password": CANARY, "x": text}),
        json!({"x": [text, {"Api-Key": [CANARY]}]}),
        json!({"x": text, "y": json!({"client_secret": {"value": CANARY}}).to_string()}),
    ] {
        let shown = serde_json::to_string(&Json::read(&secret.to_string(), &redactor)).unwrap();
        shows_all(&shown);
        assert!(text.contains(CANARY) || !shown.contains(CANARY), "{shown}");
    }
}

/// A config file.
pub(crate) fn config(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if text.contains(CANARY) || text.contains("command") || text.contains("file") {
        // Neither programs nor other files are the fuzzer's business.
        return;
    }
    // The program's own, and the name of whoever runs it, hold no secret.
    let open = |name: &str| name.starts_with("QUARTERDECK_") || ["USER", "LOGNAME"].contains(&name);
    let variable = |name: &str| (!open(name)).then(|| CANARY.to_owned());
    let surroundings = Surroundings { variable: &variable, folder: Path::new("/nonexistent") };
    match Config::parse_in(text, "config.toml", &Flags::default(), &surroundings) {
        Ok(config) => assert!(!format!("{config:?}").contains(CANARY), "{config:?}"),
        Err(error) => {
            let words = format!("{error}{error:?}");
            assert!(!words.contains(CANARY) && !error.to_string().is_empty(), "{words}");
        }
    }
}

/// A theme, and the name of a key.
pub(crate) fn look(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let mut themes = Themes::default();
    themes.add("fuzzed".to_owned(), text.to_owned());
    for colours in [Colours::TrueColour, Colours::Sixteen, Colours::None] {
        if let Err(error) = themes.styles(Some("fuzzed"), colours) {
            assert!(!error.is_empty());
        }
    }
    for name in text.split_whitespace() {
        if let Some(key) = Key::parse(name) {
            assert_eq!(Key::of(&key.event()), key, "{name:?}");
            assert_eq!(sequence(&show(&[key])), Ok(vec![key]), "{name:?}");
        }
    }
}
