//! Plans of Terraform's as drift, from a file, a folder and a URL, as the command line tells them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::support::hub::{SOON, setup};
use crate::support::program::{Said, command, finish};
use crate::support::wait::eventually;
use jiff::{SignedDuration, Timestamp};
use quarterdeck::config::Config;
use quarterdeck::connect::Connector;
use quarterdeck::connect::terraform::{Place, Terraform};
use quarterdeck::domain::drift::DriftStatus;
use quarterdeck::hub::{Hub, Setup};
use quarterdeck::ops::{DriftQuery, Ops as _};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpora/terraform/aws_show_drift.json");

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn queue(wanted: u32, there: u32) -> Value {
    json!({ "format_version": "1.2", "terraform_version": "1.11.4", "timestamp": Timestamp::now(), "resource_changes": [
        { "address": "q.jobs", "mode": "managed", "type": "q", "name": "jobs", "change": {
            "actions": if wanted == there { json!(["no-op"]) } else { json!(["update"]) },
            "before": { "seconds": there }, "after": { "seconds": wanted },
            "after_unknown": {}, "before_sensitive": {}, "after_sensitive": {} } },
    ]})
}

/// `quarterdeck get drift` with a source of these keys.
fn get(home: &Path, source: &str, words: &[&str]) -> Said {
    let config = home.join("config.toml");
    let text = format!("state_dir = \"state\"\n[[source]]\nname = \"infra\"\nkind = \"terraform\"\n{source}\n");
    std::fs::write(&config, text).unwrap();
    finish(command(["get", "drift"].iter().chain(words)).arg("--config").arg(config))
}

fn rows(told: &Value) -> Vec<(String, String, String)> {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    told["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (text(row, "id"), text(row, "kind"), text(row, "status")))
        .collect()
}

#[test]
fn what_a_real_plan_says_was_changed_outside_is_drift() {
    let home = folder();
    let source = format!("path = {RECORDED:?}");
    let told = get(home.path(), &source, &["-o", "json"]).good().json();
    assert_eq!(told["schema"], "quarterdeck.drift/1");
    let rows = rows(&told);
    assert_eq!(told["total"], rows.len());
    let of = |kind: &str, status: &str, address: &str| {
        (format!("infra/aws_show_drift:{address}"), kind.to_owned(), status.to_owned())
    };
    assert!(rows.contains(&of("missing", "drifted", "aws_dynamodb_table.cfg")), "{rows:?}");
    assert!(rows.contains(&of("modified", "drifted", "aws_sqs_queue.jobs")), "{rows:?}");
    let queue = get(home.path(), &source, &["infra/aws_show_drift:aws_sqs_queue.jobs", "-o", "json"]).good().json();
    assert_eq!((&queue["tenant"], &queue["schema"]), (&json!("acme-eu"), &json!("quarterdeck.drift-finding/1")));
    assert_eq!(
        queue["difference"]["patch"],
        json!([{ "op": "replace", "path": "/visibility_timeout_seconds", "value": 30 }]),
        "{queue:#}"
    );
    let text = get(home.path(), &source, &["infra/aws_show_drift:aws_sqs_queue.jobs"]).good().out;
    assert!(text.contains("-  \"visibility_timeout_seconds\": 300"), "{text}");
    let gone = get(home.path(), &source, &["infra/nothing"]);
    assert_eq!((gone.code, gone.err.trim_end()), (2, "quarterdeck: infra tells of no drift nothing"));
}

#[test]
fn a_folder_is_an_environment_for_each_file_and_one_cause_is_one_row() {
    let home = folder();
    let plans = home.path().join("plans");
    std::fs::create_dir(&plans).unwrap();
    for n in 0..40 {
        std::fs::write(plans.join(format!("env-{n:02}.json")), queue(30, 300 + n).to_string()).unwrap();
    }
    std::fs::write(plans.join("env-good.json"), queue(30, 30).to_string()).unwrap();
    std::fs::write(plans.join("notes.txt"), "none of them").unwrap();
    let told = get(home.path(), "path = \"plans\"", &["--by-cause", "-o", "json"]).good().json();
    assert_eq!((told["total"].as_u64(), told["in_sync"].as_u64()), (Some(1), Some(1)), "{told:#}");
    assert_eq!((&told["rows"][0]["count"], &told["rows"][0]["scopes"]), (&json!(40), &json!(40)));
    let listed = get(home.path(), "path = \"plans\"", &["--limit", "3"]);
    assert_eq!(listed.out.lines().count(), 4, "{listed:?}");
    assert!(listed.err.contains("40 drifted, 1 in sync") && listed.err.contains("37 more"), "{listed:?}");
}

#[test]
fn what_can_not_be_read_is_said_and_never_looks_green() {
    let home = folder();
    let refused = |source: &str| get(home.path(), source, &["-o", "json"]);
    let missing = refused("path = \"nowhere.json\"");
    assert_eq!(missing.code, 3, "{missing:?}");
    assert!(missing.err.contains("nowhere.json: No such file"), "{missing:?}");
    assert_eq!(missing.json()["blind"][0]["source"], "infra");
    for (text, why) in [
        ("", "no plan as JSON: EOF"),
        ("<html>no</html>", "no plan as JSON: expected value"),
        ("{\"format_version\":\"9.0\"}", "a plan of format 9.0"),
        ("{\"format_version\":\"1.2\",\"resource_drift\":{}}", "no plan as JSON: invalid type: map"),
        (&format!("{{\"resource_drift\":{}", "[".repeat(100_000)), "no plan as JSON: recursion limit"),
        ("{\"format_version\":\"1.2\",\"resource_changes\":[", "no plan as JSON: EOF"),
    ] {
        let file = home.path().join("bad.json");
        std::fs::write(&file, text).unwrap();
        let said = refused("path = \"bad.json\"");
        assert!(said.code == 3 && said.err.contains(why), "{text:.40}: {said:?}");
    }
    std::fs::create_dir(home.path().join("empty")).unwrap();
    assert!(refused("path = \"empty\"").err.contains("it holds no *.json"));
    let both = refused("path = \"bad.json\"\nurl = \"http://localhost:1\"");
    assert!(both.code == 2 && both.err.contains("a \"path\" or a \"url\", and not both"), "{both:?}");
    let hostile = json!({ "format_version": "1.2", "resource_changes": [
        { "address": "a\u{1b}[2J\u{202e}.x", "mode": "managed", "type": "a", "change": {
            "actions": ["create"], "before": null, "after": { "\u{1b}]0;x\u{7}": "\u{9b}31m", "password": "hunter2" } } },
    ]});
    std::fs::write(home.path().join("bad.json"), hostile.to_string()).unwrap();
    // What a terminal would obey is refused by the helper that runs the program.
    let said = get(home.path(), "path = \"bad.json\"", &[]);
    assert!(said.code == 0 && !said.out.contains("hunter2"), "{said:?}");
}

#[test]
fn what_differs_may_be_long_deep_or_no_text() {
    let home = folder();
    let lines = |last: &str| format!("{}{last}\n", "a line of it\n".repeat(50_000));
    let deep = |last: Value| {
        (0..90).fold(last, |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({"in": inner}) })
    };
    let binary = |last: char| format!("\u{0}\u{1}\u{1b}[2J\u{7f}\u{9b}31m\u{202e}{last}").repeat(2_000);
    let change = |name: &str, was: Value, is: Value| {
        json!({ "address": format!("a.{name}"), "mode": "managed", "type": "a", "name": name, "change": {
            "actions": ["update"], "before": { "value": is }, "after": { "value": was },
            "after_unknown": {}, "before_sensitive": {}, "after_sensitive": {} } })
    };
    let plan = json!({ "format_version": "1.2", "timestamp": Timestamp::now(), "resource_changes": [
        change("long", lines("x").into(), lines("y").into()),
        change("deep", deep(json!(1)), deep(json!(2))),
        change("binary", binary('a').into(), binary('b').into()),
        change("twice", json!(1), json!(2)),
        change("twice", json!(1), json!(3)),
    ]});
    std::fs::write(home.path().join("bad.json"), plan.to_string()).unwrap();
    let said = get(home.path(), "path = \"bad.json\"", &["-o", "json"]);
    assert_eq!(said.code, 0, "{:.2000}", said.err);
    let mut ids: Vec<String> = rows(&said.json()).into_iter().map(|(id, ..)| id).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["infra/bad:a.binary", "infra/bad:a.deep", "infra/bad:a.long", "infra/bad:a.twice"]);
    for id in ids {
        for form in [&["-o", "json"][..], &[]] {
            let said = get(home.path(), "path = \"bad.json\"", &[&[id.as_str()], form].concat());
            assert!(said.code == 0 && said.out.len() < 8 * 1024 * 1024, "{id}: {:.500}", said.err);
            assert!(!said.out.contains('\u{1b}') && !said.out.contains('\u{202e}'), "{id}");
        }
    }
}

fn hub(place: Place) -> Arc<Hub> {
    let config = Config::parse("[[source]]\nname = \"infra\"\nkind = \"terraform\"\npath = \"x\"", "config.toml", None);
    let connector = Terraform::new("infra", place, SignedDuration::from_hours(24));
    let sources = vec![("infra".into(), Arc::new(connector) as Arc<dyn Connector>, Duration::from_secs(1))];
    Hub::new(setup(config.unwrap(), sources))
}

async fn told(hub: &Hub) -> Vec<(DriftStatus, Timestamp)> {
    let window = hub.drift(&DriftQuery { by_cause: false, limit: 10, ..DriftQuery::default() }).await.unwrap();
    window.rows.iter().map(|row| (row.first.finding.status, row.first.first_seen)).collect()
}

#[tokio::test]
async fn a_plan_that_is_made_anew_is_read_and_what_is_as_wanted_again_is_resolved() {
    let home = folder();
    let file = home.path().join("eu.json");
    std::fs::write(&file, queue(30, 300).to_string()).unwrap();
    let hub = hub(Place::Path(file.clone()));
    hub.pass().await;
    let first = told(&hub).await;
    assert_eq!(first[0].0, DriftStatus::Drifted);
    hub.pass().await;
    assert_eq!(told(&hub).await, first, "nothing was written, so nothing is otherwise");
    // Looked at by itself, it is what the file says by then.
    std::fs::write(&file, queue(30, 31).to_string()).unwrap();
    let id = "infra/eu:q.jobs";
    let again = hub.recheck(&quarterdeck::domain::ids::InstanceId::parse(id).unwrap()).await.unwrap();
    assert_eq!((again.finding.status, again.first_seen), first[0]);
    std::fs::write(&file, queue(30, 30).to_string()).unwrap();
    hub.pass().await;
    assert_eq!(told(&hub).await, [(DriftStatus::Resolved, first[0].1)]);
    // The file is gone: what was told stays, and its source says why it is not the present.
    std::fs::remove_file(&file).unwrap();
    hub.pass().await;
    let window = hub.drift(&DriftQuery { by_cause: false, limit: 10, ..DriftQuery::default() }).await.unwrap();
    assert_eq!((window.rows.len(), window.blind.len()), (1, 1), "{window:?}");
}

#[tokio::test]
async fn since_when_there_is_drift_is_known_after_a_restart() {
    let home = folder();
    let file = home.path().join("eu.json");
    std::fs::write(&file, queue(30, 300).to_string()).unwrap();
    let begun = || {
        let config = "[[source]]\nname = \"infra\"\nkind = \"terraform\"\npath = \"x\"";
        let config = Config::parse(config, "config.toml", None).unwrap();
        let connector = Terraform::new("infra", Place::Path(file.clone()), SignedDuration::from_hours(24));
        let sources = vec![("infra".into(), Arc::new(connector) as Arc<dyn Connector>, Duration::from_secs(1))];
        let state = home.path().join("state");
        Hub::new(Setup { state_dir: Some(state), ..setup(config, sources) })
    };
    let first = {
        let hub = begun();
        let polling = hub.start();
        let first = eventually(SOON, || async { told(&hub).await.pop().ok_or("nothing yet") }).await;
        // What is kept is written beside the pass.
        let kept = || async { (!kept(home.path()).await.is_empty()).then_some(()).ok_or("not yet") };
        eventually(SOON, kept).await;
        drop(polling);
        first
    };
    tokio::time::sleep(Duration::from_millis(5)).await;
    let hub = begun();
    hub.pass().await;
    let again = told(&hub).await;
    assert_eq!(again[0].1.as_millisecond(), first.1.as_millisecond());
    // What is mended is forgotten, and comes back as new.
    let polling = hub.start();
    std::fs::write(&file, queue(30, 30).to_string()).unwrap();
    let gone = || async { kept(home.path()).await.is_empty().then_some(()).ok_or("still there") };
    eventually(SOON, gone).await;
    drop(polling);
}

/// What the ledger has of findings.
async fn kept(home: &Path) -> Vec<String> {
    use sqlx::ConnectOptions as _;
    let file = home.join("state/ledger.sqlite");
    let mut connection = sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    sqlx::query_scalar("SELECT finding FROM drift_findings").fetch_all(&mut connection).await.unwrap()
}

#[tokio::test]
async fn a_plan_may_come_from_a_server() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let Some(request) = crate::support::request::Request::read(&mut stream).await else { continue };
            let (status, body) = match request.path.as_str() {
                "/artifacts/eu.json" => ("200 OK", queue(30, 300).to_string()),
                _ => ("404 Not Found", "<html>not here</html>".to_owned()),
            };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let place = |path: &str| {
        Place::url(
            &format!("http://127.0.0.1:{port}/{path}"),
            Duration::from_secs(5),
            quarterdeck::config::Transport::default(),
        )
        .unwrap()
    };
    let there = hub(place("artifacts/eu.json"));
    there.pass().await;
    let window = there.drift(&DriftQuery { by_cause: false, limit: 10, ..DriftQuery::default() }).await.unwrap();
    let ids: Vec<String> = window.rows.iter().map(|row| row.first.finding.id.to_string()).collect();
    assert_eq!(ids, ["infra/eu:q.jobs"], "{window:?}");
    let gone = hub(place("artifacts/us.json"));
    gone.pass().await;
    let window = gone.drift(&DriftQuery { by_cause: false, limit: 10, ..DriftQuery::default() }).await.unwrap();
    assert!(window.rows.is_empty() && window.blind[0].1.contains("404"), "{window:?}");
    server.abort();
}
