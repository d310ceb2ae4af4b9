//! Rows that are not what they should be, field by field: the row or the source says so, and the rest is read.

use std::sync::Arc;
use std::time::Duration;

use crate::support::fake_restate::{FakeRestate, Kind, row, row_with};
use crate::support::hostile::{Behaviour, Reply};
use crate::support::hub::{config_of, hub_of, rows, status};
use crate::support::matrix::record;
use quarterdeck::cockpit::{self, ScreenName, Settings};
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::source::Freshness;
use quarterdeck::domain::text::is_hidden;
use quarterdeck::hub::Hub;
use quarterdeck::ops::{Ops, OpsError};
use serde_json::{Value, json};

/// Stands in a row for what is put there as raw JSON, since not all of it can be held as a value.
const HOLE: &str = "\"@@\"";

fn place() -> (FakeRestate, Arc<Hub>) {
    let server = FakeRestate::start(vec![row("inv_1"), row("inv_2")]);
    let hub = hub_of(&config_of(&[("a", &server.url(), "20s")]), None, Duration::from_secs(60));
    (server, hub)
}

fn raw_json(body: impl Into<Vec<u8>>) -> Behaviour {
    Behaviour::Answers(Reply::new(200, "application/json", body))
}

/// Rows, in the first of which a field is this raw JSON.
fn rows_with(first: &Value, field: &str, raw: &str, rest: &[Value]) -> Behaviour {
    let mut first = first.clone();
    first[field] = json!("@@");
    let mut rows = vec![first.to_string().replace(HOLE, raw)];
    rows.extend(rest.iter().map(ToString::to_string));
    raw_json(format!("{{\"rows\":[{}]}}", rows.join(",")))
}

fn without(row: &Value, field: &str) -> Value {
    let mut row = row.clone();
    row.as_object_mut().unwrap().remove(field);
    row
}

#[derive(Clone, Copy, PartialEq)]
enum Type {
    Text,
    Time,
    /// Up to this, in steps of one.
    Count(u64),
    Millis,
    Flag,
}

/// Each field of an instance's row: its type, and whether a row is none without it.
const INSTANCE: [(&str, Type, bool); 38] = [
    ("id", Type::Text, true),
    ("target_service_name", Type::Text, true),
    ("target_handler_name", Type::Text, true),
    ("target_service_key", Type::Text, false),
    ("status", Type::Text, true),
    ("completion_result", Type::Text, false),
    ("completion_failure", Type::Text, false),
    ("created_at", Type::Time, false),
    ("modified_at", Type::Time, false),
    ("inboxed_at", Type::Time, false),
    ("completed_at", Type::Time, false),
    ("last_start_at", Type::Time, false),
    ("next_retry_at", Type::Time, false),
    ("retry_count", Type::Count(u32::MAX as u64), false),
    ("last_failure", Type::Text, false),
    ("last_failure_error_code", Type::Text, false),
    ("pinned_deployment_id", Type::Text, false),
    ("journal_commands_size", Type::Count(u64::MAX), false),
    ("open_commands", Type::Count(u64::MAX), false),
    ("entered_at", Type::Time, false),
    ("wakes_at", Type::Millis, false),
    ("command", Type::Text, false),
    ("paused_at", Type::Time, false),
    ("pause_message", Type::Text, false),
    ("pause_code", Type::Text, false),
    ("first_failure_at", Type::Time, false),
    ("last_failure_at", Type::Time, false),
    ("step", Type::Text, true),
    ("held", Type::Flag, false),
    ("holder", Type::Text, false),
    ("scheduled_start_at", Type::Time, false),
    ("invoked_by_id", Type::Text, false),
    ("deployment_gone", Type::Flag, false),
    ("crashes", Type::Count(u32::MAX as u64), false),
    ("crashed_at", Type::Time, false),
    ("absent_at", Type::Time, false),
    ("seen_at", Type::Time, false),
    ("gone_at", Type::Time, false),
];

/// Whether something is a value of a type.
type Fits = fn(Type) -> bool;

/// Raw JSON, and whether it is a value of a type.
fn values() -> Vec<(String, Fits)> {
    let never: Fits = |_| false;
    let text: Fits = |t| t == Type::Text;
    vec![
        ("true".into(), |t| t == Type::Flag),
        ("0".into(), |t| matches!(t, Type::Count(_) | Type::Millis)),
        ("-1".into(), |t| t == Type::Millis),
        ("1.5".into(), never),
        ("1e300".into(), never),
        ("1e400".into(), never),
        ("4294967295".into(), |t| matches!(t, Type::Count(_) | Type::Millis)),
        ("4294967296".into(), |t| matches!(t, Type::Count(u64::MAX) | Type::Millis)),
        ("18446744073709551615".into(), |t| t == Type::Count(u64::MAX)),
        ("18446744073709551616".into(), never),
        ("9223372036854775807".into(), |t| matches!(t, Type::Count(u64::MAX) | Type::Millis)),
        ("-9223372036854775808".into(), |t| t == Type::Millis),
        ("\"\"".into(), text),
        ("\"7\"".into(), text),
        ("\"2026-13-45T99:00:00Z\"".into(), text),
        ("\"2026-01-15T03:00:00.123456789Z\"".into(), |t| matches!(t, Type::Text | Type::Time)),
        ("\"-009999-01-02T01:59:59Z\"".into(), |t| matches!(t, Type::Text | Type::Time)),
        ("\"9999-12-30T22:00:00.999999999Z\"".into(), |t| matches!(t, Type::Text | Type::Time)),
        ("\"+999999-01-01T00:00:00Z\"".into(), text),
        ("\"\\ud800\"".into(), never),
        (format!("\"{}\"", "x".repeat(1 << 20)), text),
        ("[]".into(), never),
        ("[\"inv_1\"]".into(), never),
        ("{}".into(), never),
        (format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)), never),
        (format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000)), never),
    ]
}

fn is_short_and_clean(name: &str, text: &str) {
    assert!(!text.chars().any(is_hidden) && text.chars().count() < 700, "{name}: {text}");
}

#[tokio::test]
async fn each_field_of_a_row_with_each_kind_of_value() {
    let (server, hub) = place();
    let mut cases = 0;
    let mut bad_rows = 0;
    for (field, kind, required) in INSTANCE {
        let mut tried: Vec<(String, Behaviour, bool)> = values()
            .into_iter()
            .map(|(raw, fits)| {
                let answer = rows_with(&row("inv_1"), field, &raw, &[row("inv_2")]);
                (format!("{field}: {}", raw.chars().take(40).collect::<String>()), answer, fits(kind))
            })
            .collect();
        let null = rows_with(&row("inv_1"), field, "null", &[row("inv_2")]);
        tried.push((format!("{field}: null"), null, !required && kind != Type::Flag));
        let missing = Reply::rows(&[without(&row("inv_1"), field), row("inv_2")]);
        tried.push((format!("{field} missing"), Behaviour::Answers(missing), !required));
        for (name, answer, good) in tried {
            server.behave_for(Kind::Rows, answer);
            hub.pass().await;
            let told = status(&hub, "a").await;
            assert_eq!((told.state, told.error.as_deref()), (Freshness::Live, None), "{name}: {told:?}");
            assert_eq!((told.rows, told.bad_rows), if good { (2, 0) } else { (1, 1) }, "{name}: {told:?}");
            let row_2 = rows(&hub, "a").await.into_iter().find(|row| row.flow.id.instance == *"inv_2");
            assert!(row_2.is_some(), "{name}: the other row is there");
            if !good {
                let why = told.bad_row.as_deref().unwrap();
                is_short_and_clean(&name, why);
                assert!(
                    why.starts_with("row 1 can't be read: ") && why.contains(" at line 1 column "),
                    "{name}: {why}"
                );
                bad_rows += 1;
            }
            cases += 1;
        }
    }
    record("typed-edges", cases, 30 * 28);
    assert!(bad_rows > 500, "{bad_rows}");
}

#[tokio::test]
async fn each_field_of_the_other_answers_of_a_pass() {
    let (server, hub) = place();
    let count = json!({
        "target_service_name": "S", "target_handler_name": "h", "step": "s", "open": 1, "waiting": 0, "held": 0,
        "failed": 0,
    });
    let mut fields: Vec<(Kind, Value, &str, Type)> = vec![(Kind::Clock, json!({"now": ""}), "now", Type::Time)];
    for field in ["target_service_name", "target_handler_name", "step"] {
        fields.push((Kind::Counts, count.clone(), field, Type::Text));
    }
    for field in ["open", "waiting", "held", "failed"] {
        fields.push((Kind::Counts, count.clone(), field, Type::Count(u64::from(u32::MAX))));
    }
    let mut cases = 0;
    for (kind, good_row, field, of) in fields {
        let mut tried: Vec<(String, Behaviour, bool)> = values()
            .into_iter()
            .map(|(raw, fits)| {
                let name = format!("{field}: {}", raw.chars().take(40).collect::<String>());
                let fits = fits(of) && (of != Type::Text || raw.len() < 1 << 20 || kind == Kind::Counts);
                (name, rows_with(&good_row, field, &raw, &[]), fits)
            })
            .collect();
        tried.push((format!("{field}: null"), rows_with(&good_row, field, "null", &[]), false));
        tried.push((format!("{field} missing"), Behaviour::Answers(Reply::rows(&[without(&good_row, field)])), false));
        for (name, answer, good) in tried {
            server.be_good();
            hub.pass().await;
            server.behave_for(kind, answer);
            hub.pass().await;
            let told = status(&hub, "a").await;
            // A wrong count would be a wrong number on the board, so that none of the pass is taken.
            assert_eq!(told.state == Freshness::Live, good, "{name}: {told:?}");
            assert_eq!(told.rows, 2, "{name}");
            if !good {
                is_short_and_clean(&name, told.error.as_deref().unwrap());
            }
            cases += 1;
        }
    }
    record("typed-edges", cases, 8 * 28);
}

#[tokio::test]
async fn each_field_of_one_instance_in_full() {
    let (server, hub) = place();
    let whole = json!({
        "last_failure": "no", "completion_failure": null, "pinned_deployment_id": "dp_1",
        "last_attempt_deployment_id": "dp_2", "invoked_by": "ingress", "invoked_by_target": null,
        "invoked_by_id": null, "restarted_from": null, "idempotency_key": "k", "trace_id": "t", "journal_size": 3,
        "scheduled_start_at": null, "completed_at": null, "current_deployment_id": "dp_2",
    });
    let journal = json!({
        "entry_type": "Command: Run", "name": "apply", "appended_at": "2026-01-15T03:05:00Z",
        "entry_lite_json": "{\"Command\":{\"Run\":{\"completion_id\":1}}}",
    });
    let event = json!({
        "appended_at": "2026-01-15T03:06:00Z", "event_type": "TransientError",
        "event_json": "{\"error_message\":\"no\",\"error_stacktrace\":\"at x\"}",
    });
    let id = InstanceId::new("a", "inv_1");
    let mut cases = 0;
    for (kind, good_row) in
        [(Kind::Whole, whole), (Kind::Journal, journal), (Kind::Events, event), (Kind::One, row("inv_1"))]
    {
        for field in good_row.as_object().unwrap().keys() {
            // Those of the instance itself are the same in a pass.
            let step = if kind == Kind::One { 5 } else { 1 };
            let mut tried: Vec<(String, Behaviour)> = values()
                .into_iter()
                .step_by(step)
                .map(|(raw, _)| (raw.chars().take(40).collect(), rows_with(&good_row, field, &raw, &[])))
                .collect();
            tried.push(("null".into(), rows_with(&good_row, field, "null", &[])));
            tried.push(("missing".into(), Behaviour::Answers(Reply::rows(&[without(&good_row, field)]))));
            for (name, answer) in tried {
                let name = format!("{kind:?} {field}: {name}");
                server.be_good();
                server.behave_for(kind, answer);
                match hub.flow(&id).await {
                    Ok(answer) => {
                        assert_eq!(answer.detail.flow.id, id, "{name}");
                        let said = format!("{:?}", answer.detail.timeline) + &format!("{:?}", answer.detail.facts);
                        assert!(said.len() < 8_000, "{name}: {} bytes", said.len());
                    }
                    Err(OpsError::Source(why)) => is_short_and_clean(&name, &why),
                    Err(other) => panic!("{name}: {other:?}"),
                }
                cases += 1;
            }
        }
    }
    record("typed-edges", cases, (14 + 4 + 3) * 28 + 30 * 8);
}

/// JSON that is kept as text within a field, and that no query looks into.
#[tokio::test]
async fn what_a_journal_carries_may_be_anything() {
    let (server, hub) = place();
    let mut cases = 0;
    let lite = [
        "",
        "null",
        "7",
        "[]",
        "{",
        "\u{feff}{}",
        "{\"Command\":null}",
        "{\"Command\":{}}",
        "{\"Command\":{\"Call\":7}}",
        "{\"Command\":{\"Call\":{\"invocation_target\":{\"Service\":{\"name\":7}}}}}",
        "{\"Command\":{\"Sleep\":{\"wake_up_time\":9223372036854775807,\"completion_id\":18446744073709551615}}}",
        "{\"Notification\":{\"id\":{\"CompletionId\":-1}}}",
    ];
    let deep = format!("{{\"Command\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let lite: Vec<&str> = lite.into_iter().chain([deep.as_str()]).collect();
    let types = [
        "",
        "Command: ",
        "Notification: ",
        "Command: Call",
        "Command: Sleep",
        "Command: GetPromise",
        "Command: \u{1b}[2J",
    ];
    for entry_type in types {
        for lite in &lite {
            server.edit(|world| {
                world.journal = vec![json!({"entry_type": entry_type, "entry_lite_json": lite, "name": ""})];
                world.events = vec![json!({"event_type": entry_type, "event_json": lite})];
            });
            let answer = hub.flow(&InstanceId::new("a", "inv_1")).await.unwrap();
            assert!(answer.detail.timeline.len() <= 2, "{:?}", answer.detail.timeline);
            let said = answer.detail.timeline.iter().map(|entry| entry.what.to_string()).collect::<String>();
            assert!(!said.chars().any(is_hidden), "{said}");
            cases += 1;
        }
    }
    // Names of any length are cut.
    let long = "x".repeat(1 << 20);
    let call = json!({"Command": {"Call": {"invocation_target": {"Service": {"name": long, "handler": long}}}}});
    server.edit(|world| {
        world.journal = vec![
            json!({"entry_type": format!("Command: {long}")}),
            json!({"entry_type": "Command: Call", "entry_lite_json": call.to_string()}),
        ];
        world.events = vec![json!({"event_type": long, "event_json": json!({"error_message": long}).to_string()})];
    });
    let answer = hub.flow(&InstanceId::new("a", "inv_1")).await.unwrap();
    for entry in &answer.detail.timeline {
        assert!(entry.what.chars().count() <= 121, "{}", entry.what.chars().count());
        assert!(entry.note.as_ref().is_none_or(|note| note.chars().count() <= 513));
    }
    assert_eq!(answer.detail.timeline.len(), 3);
    record("typed-edges", cases, 7 * 13);
}

/// A server that tells of another instance than was asked for would have an act go to that one.
#[tokio::test]
async fn another_instance_than_was_asked_for_is_refused() {
    let (server, hub) = place();
    server.behave_for(Kind::One, Behaviour::Answers(Reply::rows(&[row("inv_2")])));
    let id = InstanceId::new("a", "inv_1");
    let wanted = OpsError::Source("asked for inv_1, the server told of inv_2".into());
    assert_eq!(hub.flow(&id).await.unwrap_err(), wanted);
    for verb in quarterdeck::domain::remediation::Verb::OF_FLOWS {
        assert_eq!(hub.plan(verb, &id).await.unwrap_err(), wanted);
    }
}

/// Rows read and rows that could not be, or what is said of the answer.
type Wanted = Result<(usize, usize), &'static str>;

#[tokio::test]
async fn shapes_of_the_answer_as_a_whole() {
    let (server, hub) = place();
    let good = row("inv_1").to_string();
    let twice = good.replacen('{', "{\"id\":\"inv_0\",", 1);
    let twice_unknown = good.replacen('{', "{\"x\":1,\"x\":2,\"rows\":[],", 1);
    let cases: Vec<(&str, Vec<u8>, Wanted)> = vec![
        ("no rows", br#"{"rows":[]}"#.to_vec(), Ok((0, 0))),
        ("an unknown field twice", format!("{{\"rows\":[{twice_unknown}]}}").into(), Ok((1, 0))),
        ("more fields", format!("{{\"a\":null,\"rows\":[{good}],\"b\":[1e400]}}").into(), Ok((1, 0))),
        ("a known field twice", format!("{{\"rows\":[{twice}]}}").into(), Ok((0, 1))),
        ("rows twice", br#"{"rows":[],"rows":[]}"#.to_vec(), Err("duplicate field `rows`")),
        ("rows null", br#"{"rows":null}"#.to_vec(), Err("invalid type: null")),
        ("rows an object", br#"{"rows":{}}"#.to_vec(), Err("invalid type: map")),
        ("rows a text", br#"{"rows":"none"}"#.to_vec(), Err("invalid type: string")),
        ("Rows", br#"{"Rows":[]}"#.to_vec(), Err("missing field `rows`")),
        ("a list that fits", b"[[]]".to_vec(), Err("invalid type: sequence, expected an object")),
        ("a row that is a list", br#"{"rows":[["inv_1","S","h"]]}"#.to_vec(), Ok((0, 1))),
        ("null", b"null".to_vec(), Err("invalid type: null")),
        ("a BOM", [b"\xef\xbb\xbf", br#"{"rows":[]}"#.as_slice()].concat(), Err("line 1 column 1")),
        ("UTF-16", br#"{"rows":[]}"#.iter().flat_map(|b| [0, *b]).collect(), Err("line 1 column 1")),
        ("Latin-1", b"{\"rows\":[{\"id\":\"\xe9\"}]}".to_vec(), Err("invalid unicode")),
        ("more after the end", br#"{"rows":[]}{"rows":[]}"#.to_vec(), Err("trailing characters at line 1 column 12")),
        ("a NUL after the end", b"{\"rows\":[]}\0".to_vec(), Err("trailing characters")),
        ("a comma too many", br#"{"rows":[1,]}"#.to_vec(), Err("line 1 column 12")),
        ("NaN", br#"{"rows":[NaN]}"#.to_vec(), Err("line 1 column 1")),
        ("nulls", br#"{"rows":[null,null,{}]}"#.to_vec(), Ok((0, 3))),
        ("deep in a row", format!("{{\"rows\":[{}{}]}}", "[".repeat(10_000), "]".repeat(10_000)).into(), Ok((0, 1))),
        ("deep and cut", format!("{{\"rows\":{}", "[".repeat(100_000)).into(), Err("broke off after")),
        (
            "another one's",
            br#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#.to_vec(),
            Err("Restate admin API"),
        ),
    ];
    let mut done = 0;
    for (name, body, wanted) in cases {
        server.be_good();
        hub.pass().await;
        server.behave_for(Kind::Rows, raw_json(body));
        hub.pass().await;
        let told = status(&hub, "a").await;
        match wanted {
            Ok(counts) => {
                assert_eq!(
                    (told.state, told.rows, told.bad_rows),
                    (Freshness::Live, counts.0, counts.1),
                    "{name}: {told:?}"
                );
            }
            Err(says) => {
                assert_eq!((told.state, told.rows), (Freshness::Stale, 2), "{name}: {told:?}");
                let error = told.error.as_deref().unwrap();
                assert!(error.contains(says), "{name}: {error}");
                is_short_and_clean(name, error);
            }
        }
        done += 1;
    }
    record("typed-edges", done, 23);
}

/// How deep an answer may be is decided by whoever reads it, and not by its sender.
#[tokio::test]
async fn any_depth_in_any_place() {
    let (server, hub) = place();
    let mut cases = 0;
    for depth in [127, 128, 129, 1_000, 100_000] {
        for (open, middle, close) in [("[", "", "]"), ("{\"a\":", "1", "}")] {
            let deep = format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
            let (one, two) = (row("inv_1").to_string(), row("inv_2").to_string());
            let unknown = one.replacen('{', &format!("{{\"unknown\":{deep},"), 1);
            let step = one.replace("\"step\":\"apply-0042\"", &format!("\"step\":{deep}"));
            assert!(unknown.len() > depth && step.len() > depth);
            for (name, body, wanted) in [
                ("a field that nobody knows", format!("{{\"rows\":[{unknown},{two}]}}"), (2, 0)),
                ("a field of the answer", format!("{{\"more\":{deep},\"rows\":[{one},{two}]}}"), (2, 0)),
                ("a known field", format!("{{\"rows\":[{step},{two}]}}"), (1, 1)),
                ("a row", format!("{{\"rows\":[{deep},{two}]}}"), (1, 1)),
            ] {
                let name = format!("{depth} times {open} as {name}");
                server.behave_for(Kind::Rows, raw_json(body));
                hub.pass().await;
                let told = status(&hub, "a").await;
                assert_eq!((told.state, (told.rows, told.bad_rows)), (Freshness::Live, wanted), "{name}: {told:?}");
                cases += 1;
            }
            // In place of an answer it is none.
            server.behave_for(Kind::Rows, raw_json(deep));
            hub.pass().await;
            let told = status(&hub, "a").await;
            assert_eq!((told.state, told.rows > 0), (Freshness::Stale, true), "{depth} times {open}: {told:?}");
            is_short_and_clean("an answer", told.error.as_deref().unwrap());
            server.be_good();
            hub.pass().await;
            cases += 1;
        }
    }
    record("typed-edges", cases, 50);
}

/// What an answer calls itself, and what it is packed in.
#[tokio::test]
async fn any_content_type_and_encoding() {
    let (server, hub) = place();
    let body = json!({"rows": [row("inv_1")]}).to_string();
    let packed = {
        use std::io::Write as _;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(body.as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    let kind = |kind: &str| Reply::new(200, kind, body.clone());
    let of = |headers: &[(&'static str, &str)], body: &[u8]| Reply {
        status: 200,
        headers: headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        body: body.to_vec(),
    };
    let json = ("content-type", "application/json");
    let cut = &packed[..packed.len() / 2];
    let plain = body.as_bytes();
    let cases: Vec<(&str, Reply, bool)> = vec![
        ("with a charset", kind("application/json; charset=utf-8"), true),
        ("in capitals", kind("Application/JSON"), true),
        ("HTML", kind("text/html"), false),
        ("plain text", kind("text/plain; charset=utf-8"), false),
        ("bytes", kind("application/octet-stream"), false),
        ("an image", kind("image/png"), false),
        ("a form", kind("multipart/form-data; boundary=x"), false),
        ("packed", of(&[json, ("content-encoding", "gzip")], &packed), true),
        ("packed and cut", of(&[json, ("content-encoding", "gzip")], cut), false),
        ("packed and not called so", of(&[json], &packed), false),
        ("called packed", of(&[json, ("content-encoding", "gzip")], plain), false),
        ("packed twice", of(&[json, ("content-encoding", "gzip, gzip")], &packed), false),
    ];
    let mut done = 0;
    for (name, reply, good) in cases {
        server.be_good();
        hub.pass().await;
        server.behave_for(Kind::Rows, Behaviour::Answers(reply));
        hub.pass().await;
        let told = status(&hub, "a").await;
        assert_eq!(told.state == Freshness::Live, good, "{name}: {told:?}");
        assert_eq!(told.rows, if good { 1 } else { 2 }, "{name}: {told:?}");
        assert_eq!(told.error.is_none(), good, "{name}: {told:?}");
        is_short_and_clean(name, told.error.as_deref().unwrap_or_default());
        done += 1;
    }
    record("typed-edges", done, 12);
}

/// The largest and the smallest of everything, on every screen.
#[tokio::test]
async fn extremes_are_drawn() {
    let (server, hub) = place();
    let (first, last) = ("-009999-01-02T01:59:59Z", "9999-12-30T22:00:00.999999999Z");
    let mut made = Vec::new();
    for status in
        ["pending", "scheduled", "ready", "running", "suspended", "backing-off", "paused", "completed", "\u{1b}"]
    {
        for time in [first, last] {
            let mut extreme = row_with(
                &format!("inv_{}", made.len()),
                &json!({
                    "status": status, "completion_result": "failure", "wakes_at": i64::MAX, "retry_count": u32::MAX,
                    "journal_commands_size": u64::MAX, "open_commands": u64::MAX, "command": "Sleep", "holder": "inv_0",
                }),
            );
            for (field, kind, _) in INSTANCE {
                if kind == Type::Time {
                    extreme[field] = json!(time);
                }
            }
            made.push(extreme);
        }
    }
    let most = u32::MAX;
    let place = |step: &str| {
        json!({
            "target_service_name": "SchemaMigration", "target_handler_name": "migrate", "step": step, "open": most,
            "waiting": most, "held": most, "failed": most,
        })
    };
    server.edit(|world| {
        world.rows = made;
        // The same place twice, and another of the same flow.
        world.counts = Some(vec![place("apply-0042"), place("apply-0042"), place("other")]);
    });
    for now in [first, last, "2026-01-15T03:12:00Z"] {
        server.behave_for(Kind::Clock, Behaviour::Answers(Reply::rows(&[json!({"now": now})])));
        hub.pass().await;
        let told = status(&hub, "a").await;
        assert_eq!((told.state, told.rows, told.bad_rows), (Freshness::Live, 18, 0), "{now}: {told:?}");
        let overview = hub.overview(&quarterdeck::query::Filter::default()).await.unwrap();
        let open: Vec<u64> = overview.cells.iter().map(|cell| cell.counts.open).collect();
        assert_eq!(open, [2 * u64::from(most), u64::from(most)]);
        for screen in ["board", "flows", "detail", "sources"] {
            for (width, height) in [(40, 10), (80, 24), (200, 50)] {
                let screen: ScreenName = screen.parse().unwrap();
                let ops: Arc<dyn Ops> = hub.clone();
                let settings = Settings::new("test", "tester");
                let buffer = cockpit::snapshot(ops, screen, width, height, &settings).await.unwrap();
                let text = cockpit::text(&buffer);
                assert!(!text.chars().any(|c| c != '\n' && is_hidden(c)), "{text}");
            }
        }
    }
}
