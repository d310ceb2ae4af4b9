//! The board tells the engine's own truth: 20,000 invocations on a real Restate, compared one by one and count by
//! count with what the engine's tables say.
//!
//! The expectation is worked out here from the raw tables, entry by entry, and shares nothing with the connector's SQL.

#![allow(clippy::print_stderr, reason = "what was compared is part of what this test tells")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::restate::Restate;
use crate::support::wait::{eventually, seen};
use serde_json::{Value, json};

/// What one open or failed instance must look like: status class, step, held, failed, waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Expected {
    flow: String,
    step: String,
    status: &'static str,
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

/// The step by its definition: the highest command without a notification, by name or kind.
fn step(invocation: &Value, journal: &[&Value]) -> String {
    let mut completed = HashSet::new();
    let mut commands: Vec<(u64, &Value, Value)> = Vec::new();
    for row in journal {
        let lite: Value = serde_json::from_str(text(row, "entry_lite_json")).unwrap();
        if let Some(id) = lite["Notification"]["id"]["CompletionId"].as_u64() {
            completed.insert(id);
        } else if lite.get("Command").is_some() {
            commands.push((row["index"].as_u64().unwrap(), row, lite["Command"].clone()));
        }
    }
    commands.sort_by_key(|(index, ..)| *index);
    let begun = commands.iter().any(|(_, row, _)| text(row, "entry_type") != "Command: Input");
    let open = commands.iter().rev().find(|(_, _, command)| {
        let body = command.as_object().unwrap().values().next().unwrap();
        let id = body["result_completion_id"].as_u64().or(body["completion_id"].as_u64());
        id.is_some_and(|id| !completed.contains(&id))
    });
    match open {
        Some((_, row, command)) => {
            let kind = text(row, "entry_type").strip_prefix("Command: ").unwrap();
            match (text(row, "name"), kind) {
                ("", "Sleep") => "sleep".to_owned(),
                ("", "GetPromise") => format!("promise:{}", command["GetPromise"]["key"].as_str().unwrap()),
                ("", "Call") => {
                    let target = command["Call"]["invocation_target"].as_object().unwrap().values().next().unwrap();
                    format!("call:{}/{}", target["name"].as_str().unwrap(), target["handler"].as_str().unwrap())
                }
                ("", other) => panic!("the workload has no unnamed {other}"),
                (name, _) => name.to_owned(),
            }
        }
        None if text(invocation, "status") == "suspended" => "awakeable".to_owned(),
        None if begun => "(last step)".to_owned(),
        None => "(queued)".to_owned(),
    }
}

async fn expectation(restate: &Restate) -> HashMap<String, Expected> {
    let invocations = restate
        .sql("select id, target_service_name, target_handler_name, status, completion_result, completion_failure, restarted_from from sys_invocation")
        .await;
    let journal = restate.sql("select id, index, entry_type, name, entry_lite_json from sys_journal").await;
    let pauses = restate.sql("select id, event_json from sys_journal_events where event_type = 'Paused'").await;
    let mut by_id: HashMap<&str, Vec<&Value>> = HashMap::new();
    for row in &journal {
        by_id.entry(text(row, "id")).or_default().push(row);
    }
    // In this workload a person pauses only what hangs in a step, so that such a pause carries no failure.
    let exhausted: HashSet<&str> = pauses
        .iter()
        .filter(|row| serde_json::from_str::<Value>(text(row, "event_json")).unwrap()["last_failure"].is_object())
        .map(|row| text(row, "id"))
        .collect();
    let restarted: HashSet<&str> = invocations.iter().map(|row| text(row, "restarted_from")).collect();
    let mut expected = HashMap::new();
    for row in &invocations {
        let id = text(row, "id");
        let status = match text(row, "status") {
            "completed" => {
                let on_purpose = matches!(text(row, "completion_failure"), "[409] cancelled" | "[409] killed");
                if text(row, "completion_result") != "failure" || on_purpose || restarted.contains(id) {
                    continue;
                }
                "failed"
            }
            "pending" | "ready" => "queued",
            "scheduled" => "scheduled",
            // An attempt may begin or end between two looks.
            "running" | "backing-off" => "active",
            "suspended" => "waiting",
            "paused" if exhausted.contains(id) => "paused",
            "paused" => "held",
            other => panic!("unknown status {other}"),
        };
        let step = step(row, by_id.get(id).map(Vec::as_slice).unwrap_or_default());
        let flow = format!("{}/{}", text(row, "target_service_name"), text(row, "target_handler_name"));
        expected.insert(id.to_owned(), Expected { flow, step, status });
    }
    expected
}

fn quarterdeck(config: &std::path::Path, args: &[&str]) -> Value {
    let output =
        Command::new(env!("CARGO_BIN_EXE_quarterdeck")).arg("--config").arg(config).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Fills the engine with 20,000 invocations of every kind and waits until they are at rest.
async fn fill(restate: &Restate) {
    for fault in ["database", "migration", "hang", "order"] {
        restate.fault_on(fault, None);
    }
    let mut calls: Vec<(String, Value)> = Vec::new();
    let mut add = |count: usize, call: &dyn Fn(usize) -> (String, Value)| calls.extend((0..count).map(call));
    add(10_000, &|n| ("Noop/ping".into(), json!(n)));
    add(3_000, &|n| ("SchemaMigration/migrate".into(), json!(n)));
    add(1_500, &|n| ("DnsCutover/cutover".into(), json!(format!("zone-{n}.test"))));
    add(1_500, &|n| ("BackupRun/run".into(), json!(format!("tenant-{n}"))));
    add(1_700, &|n| (format!("ConfigReconciler/key-{}/reconcile", n % 300), json!(36_000_000)));
    add(1_000, &|n| (format!("Noop/ping?delay={}h", 2 + n % 40), json!(n)));
    add(600, &|n| (format!("OrderBook/book-{}/place", n % 40), json!(n)));
    add(400, &|n| (format!("TenantProvisioning/tenant-{n}/run"), json!("eu-west-1")));
    add(200, &|n| ("PlanUpgrade/upgrade".into(), json!(n)));
    add(100, &|n| ("CertRotation/rotate".into(), json!(format!("tenant-{n}"))));
    let started = Instant::now();
    let ids = restate.send_many(calls).await;
    eprintln!("{} invocations sent in {:?}", ids.len(), started.elapsed());
    assert_eq!(ids.len(), 20_000);
    at_rest(restate).await;
    // Ended on purpose, restarted, and paused by a person: none of them is failed, and the last are held.
    let some = |kind: &str, n: usize| {
        let query = format!("select id from sys_invocation where {kind} order by id limit {n}");
        async move { restate.sql(&query).await.iter().map(|row| text(row, "id").to_owned()).collect::<Vec<_>>() }
    };
    for id in some("status = 'paused'", 40).await {
        assert_eq!(restate.patch(&id, "cancel").await.0, 202);
    }
    for id in some("status = 'pending'", 40).await {
        assert!(matches!(restate.patch(&id, "kill").await.0, 200 | 202));
    }
    for id in some("target_service_name = 'DnsCutover'", 40).await {
        assert!(matches!(restate.patch(&id, "restart-as-new").await.0, 200..=202));
    }
    at_rest(restate).await;
}

/// Waits until nothing changes any more but the attempts of what is retried.
async fn at_rest(restate: &Restate) {
    let classes = "select case when status in ('running', 'backing-off') then 'active' else status end as class, \
                   target_service_name as service, completion_result as result, count(*) as n \
                   from sys_invocation group by 1, 2, 3 order by 1, 2, 3";
    let calm = std::cell::RefCell::new((Vec::new(), 0));
    let retried = ["TenantProvisioning", "OrderBook", "CertRotation"];
    eventually(Duration::from_secs(180), || async {
        let now = restate.sql(classes).await;
        let busy = now.iter().any(|row| text(row, "class") == "active" && !retried.contains(&text(row, "service")));
        let mut calm = calm.borrow_mut();
        calm.1 = if !busy && now == calm.0 { calm.1 + 1 } else { 0 };
        calm.0 = now;
        seen(calm.1, |looks| *looks >= 15)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_instance_and_every_count_of_20_000_equals_the_engines_own() {
    let restate = Restate::start().await;
    fill(&restate).await;
    let expected = expectation(&restate).await;
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config.toml");
    let settings = format!(
        "[thresholds]\nretry_attempts = 1\nretry_min_age = \"1ms\"\noverdue = \"1ms\"\n\n\
         [[source]]\nname = \"restate\"\nkind = \"restate\"\nurl = \"{}\"\ntimeout = \"60s\"\n",
        restate.admin_url()
    );
    std::fs::write(&config, settings).unwrap();

    let started = Instant::now();
    let flows = quarterdeck(&config, &["get", "flows", "--all", "-o", "json"]);
    eprintln!("get flows --all: {:?} for {} rows", started.elapsed(), flows["total"]);
    assert_eq!(flows["schema"], "quarterdeck.flows/1");
    let rows = flows["rows"].as_array().unwrap();
    assert_eq!(flows["total"].as_u64().unwrap(), rows.len() as u64);
    let mut differences = Vec::new();
    let mut unseen = expected.clone();
    for row in rows {
        let status = match (text(row, "status"), text(row, "verdict")) {
            ("running" | "backing_off", _) => "active",
            ("paused", "stuck") => "paused",
            ("paused", _) => "held",
            ("scheduled", _) => "scheduled",
            ("queued", _) => "queued",
            ("waiting", _) => "waiting",
            ("failed", _) => "failed",
            (other, _) => panic!("unexpected status {other}"),
        };
        let told = Expected { flow: text(row, "flow").into(), step: text(row, "step").into(), status };
        if unseen.remove(text(row, "instance")).as_ref() != Some(&told) {
            differences.push(format!(
                "{told:?} for {} where the engine says {:?}",
                row["instance"],
                expected.get(text(row, "instance"))
            ));
        }
    }
    differences.extend(unseen.keys().map(|id| format!("{id} is missing")));
    assert!(
        differences.is_empty(),
        "{} differences, e.g. {:#?}",
        differences.len(),
        &differences[..differences.len().min(5)]
    );

    let board = quarterdeck(&config, &["get", "board", "-o", "json"]);
    assert_eq!(board["schema"], "quarterdeck.board/1");
    assert_eq!(board["sources"][0]["state"], "live");
    // open, waiting, held, failed, stuck
    let mut counts: BTreeMap<(String, String), [u64; 5]> = BTreeMap::new();
    let holders: HashSet<String> = restate
        .sql("select service_name, service_key from sys_keyed_service_status k join sys_invocation i on i.id = k.invocation_id where i.status in ('backing-off', 'running')")
        .await
        .iter()
        .map(|row| format!("{}/{}", text(row, "service_name"), text(row, "service_key")))
        .collect();
    assert!(!holders.is_empty());
    for expected in expected.values() {
        let cell = counts.entry((expected.flow.clone(), expected.step.clone())).or_default();
        match expected.status {
            "failed" => cell[3] += 1,
            status => {
                cell[0] += 1;
                cell[1] += u64::from(status == "waiting");
                cell[2] += u64::from(status == "held");
            }
        }
        // By the thresholds above: all that is retried, hangs or has no retries left, and whatever is behind it.
        let behind_a_stuck_one = expected.status == "queued" && expected.flow == "OrderBook/place";
        let stuck = matches!(expected.status, "failed" | "paused" | "active") || behind_a_stuck_one;
        cell[4] += u64::from(stuck);
    }
    let mut told = BTreeMap::new();
    for cell in board["cells"].as_array().unwrap() {
        let number = |key: &str| cell[key].as_u64().unwrap();
        let place = (text(cell, "flow").to_owned(), text(cell, "step").to_owned());
        let by_rule: u64 = cell["by_rule"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(by_rule, number("stuck"), "{place:?}");
        assert_eq!(cell["approximate"], false);
        assert_eq!(number("unknown"), 0, "{place:?}");
        told.insert(place, ["open", "waiting", "held", "failed", "stuck"].map(number));
    }
    assert_eq!(told, counts);
    let stuck: u64 = counts.values().map(|cell| cell[4]).sum();
    let in_cohorts: u64 =
        board["cohorts"].as_array().unwrap().iter().map(|cohort| cohort["count"].as_u64().unwrap()).sum();
    assert_eq!(in_cohorts, stuck);
    eprintln!(
        "{} instances and {} cells compared; {stuck} stuck in {} cohorts",
        expected.len(),
        told.len(),
        board["cohorts"].as_array().unwrap().len()
    );
}
