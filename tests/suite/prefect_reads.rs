//! What a Prefect server tells, read from answers that a real one gave: rows, pages, requests, counts, hostile text.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::support::fake_prefect::{FakePrefect, body, id, run, run_in};
use crate::support::hub::{rows, setup, status};
use crate::support::matrix::record;
use quarterdeck::config::Config;
use quarterdeck::config::jq::Names;
use quarterdeck::connect::prefect::Prefect;
use quarterdeck::connect::{Connector, PayloadOf};
use quarterdeck::domain::flow::{JudgedFlow, PauseCause, Status, WaitKind};
use quarterdeck::domain::latency::Measure;
use quarterdeck::domain::text::is_hidden;
use quarterdeck::domain::verdict::{Rule, Verdict};
use quarterdeck::hub::Hub;
use quarterdeck::ops::Ops;
use quarterdeck::query::Filter;
use serde_json::{Value, json};

fn connector(server: &FakePrefect) -> Prefect {
    Prefect::new("p", &server.url(), Duration::from_secs(20), None).unwrap()
}

fn hub(server: &FakePrefect) -> Arc<Hub> {
    let config = format!("[[source]]\nname = \"p\"\nkind = \"prefect\"\nurl = \"{}\"\n", server.url());
    let config = Config::parse(&config, "config.toml", None).unwrap();
    let connector: Arc<dyn Connector> = Arc::new(connector(server));
    Hub::new(setup(config, vec![("p".into(), connector, Duration::from_secs(60))]))
}

async fn told(server: &FakePrefect) -> (Arc<Hub>, Vec<Arc<JudgedFlow>>) {
    let hub = hub(server);
    hub.pass().await;
    let status = status(&hub, "p").await;
    assert_eq!((status.error, status.bad_row), (None, None));
    let rows = rows(&hub, "p").await;
    (hub, rows)
}

#[tokio::test]
async fn a_recorded_failure_stands_where_its_task_failed() {
    let server = FakePrefect::start(body("flow_runs_filter_failed").as_array().unwrap().clone());
    server.edit(|world| world.tasks = body("task_runs_failed").as_array().unwrap().clone());
    let (_, rows) = told(&server).await;
    let flow = &rows.iter().find(|row| *row.flow.step == *"create_database").unwrap().flow;
    assert_eq!((flow.status, flow.flow.as_str(), flow.completed_commands), (Status::Failed, "tenant-provisioning", 1));
    assert_eq!(flow.tenant.as_deref(), Some("acme-eu"));
    let error = flow.error.as_ref().unwrap();
    assert!(error.text.contains("connect ECONNREFUSED db-primary:5432 while creating"), "{error:?}");
    // The other one has the tag of its deployment beside its own, and its tasks were not recorded.
    let other = &rows.iter().find(|row| *row.flow.step != *"create_database").unwrap().flow;
    assert_eq!((other.tenant.as_deref(), other.step.as_str()), (None, "(queued)"));
    assert!(rows.iter().all(|row| row.judgement.stuck_rule() == Some(Rule::Exhausted)));
}

#[tokio::test]
async fn recorded_late_runs_have_no_worker_and_a_retry_is_one() {
    let late = body("flow_runs_filter_late_by_name").as_array().unwrap().clone();
    let server = FakePrefect::start(late);
    let (_, rows) = told(&server).await;
    assert_eq!(rows.len(), 2);
    for row in &rows {
        let flow = &row.flow;
        assert_eq!((flow.status, row.judgement.verdict), (Status::Scheduled, Verdict::Stuck), "{row:#?}");
        let rules: Vec<Rule> = row.judgement.findings.iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, [Rule::NoConsumer, Rule::NeverStarted]);
        let evidence = &row.judgement.findings[0].evidence;
        assert!(evidence.starts_with("work pool eu-west-pool has no worker, for "), "{evidence}");
    }
}

#[tokio::test]
async fn a_task_that_is_tried_again_makes_its_run_one_that_is() {
    let task = body("task_runs_filter")[0].clone();
    let mut running = run_in(1, "RUNNING", "Running");
    running["id"] = task["flow_run_id"].clone();
    let server = FakePrefect::start(vec![running]);
    server.edit(|world| world.tasks = vec![task]);
    let (_, rows) = told(&server).await;
    let flow = &rows[0].flow;
    assert_eq!((flow.status, flow.step.as_str(), flow.attempts), (Status::BackingOff, "publish_dns", Some(1)));
    assert_eq!(flow.next_retry_at.unwrap().to_string(), "2026-11-21T09:20:59.394354Z");
    assert_eq!(flow.first_failure_at.unwrap().to_string(), "2026-11-21T09:10:59.394433Z");
}

#[tokio::test]
async fn each_state_is_a_status() {
    let cases = [
        ("SCHEDULED", "Scheduled", Status::Scheduled),
        ("SCHEDULED", "Late", Status::Scheduled),
        ("SCHEDULED", "AwaitingConcurrencySlot", Status::Scheduled),
        ("SCHEDULED", "Resuming", Status::Scheduled),
        ("SCHEDULED", "AwaitingRetry", Status::BackingOff),
        ("PENDING", "Submitting", Status::Queued),
        ("RUNNING", "Retrying", Status::Running),
        ("CANCELLING", "Cancelling", Status::Running),
        ("PAUSED", "Paused", Status::Waiting),
        ("FAILED", "Failed", Status::Failed),
        ("FAILED", "TimedOut", Status::TimedOut),
        ("CRASHED", "Crashed", Status::Failed),
        // What a later version may know.
        ("DREAMING", "Dreaming", Status::Unknown),
        ("", "", Status::Unknown),
    ];
    let mut runs: Vec<Value> = cases.iter().enumerate().map(|(n, (kind, name, _))| run_in(n, kind, name)).collect();
    let suspended = |n: usize, details: Value| {
        let mut run = run_in(n, "PAUSED", "Suspended");
        for (name, value) in details.as_object().unwrap() {
            run["state"]["state_details"][name] = value.clone();
        }
        run
    };
    let key = id(7);
    for (n, details, _) in suspensions(&key) {
        runs.push(suspended(n, details));
    }
    let server = FakePrefect::start(runs);
    let (hub, rows) = told(&server).await;
    let of = |n: usize| &rows.iter().find(|row| *row.flow.id.instance == *id(n)).unwrap().flow;
    for (n, (kind, name, wanted)) in cases.iter().enumerate() {
        assert_eq!(of(n).status, *wanted, "{kind} {name}");
    }
    for (n, details, held) in suspensions(&key) {
        let (status, pause) = if held { (Status::Paused, Some(PauseCause::Held)) } else { (Status::Waiting, None) };
        assert_eq!((of(n).status, of(n).pause), (status, pause), "{details}");
        assert_eq!(of(n).wait.as_ref().map(|wait| wait.kind), (!held).then_some(WaitKind::Approval), "{details}");
    }
    let counts = hub.overview(&Filter::default()).await.unwrap();
    let sum =
        |of: fn(&quarterdeck::domain::cohort::Counts) -> u64| counts.cells.iter().map(|c| of(&c.counts)).sum::<u64>();
    assert_eq!((sum(|c| c.open), sum(|c| c.failed)), (11 + 5, 3));
    assert_eq!((sum(|c| c.waiting), sum(|c| c.held)), (4, 2));
}

/// Details of a suspension, and whether it came from outside.
fn suspensions(uuid: &str) -> Vec<(usize, Value, bool)> {
    vec![
        (100, json!({"pause_reschedule": true}), true),
        (101, json!({"pause_reschedule": true, "pause_key": uuid}), true),
        (102, json!({"pause_reschedule": true, "pause_key": "1"}), false),
        (103, json!({"pause_reschedule": true, "pause_key": "sign-off"}), false),
        (104, json!({"pause_reschedule": true, "run_input_keyset": {"schema": "x"}}), false),
    ]
}

/// Runs that were to start at one moment, more than fit a page, among others.
fn many(count: usize) -> Vec<Value> {
    let at = |n: usize| {
        let minute = if (150..400).contains(&n) { 150 } else { n };
        format!("2026-11-21T{:02}:{:02}:00Z", minute / 60, minute % 60)
    };
    let other = |n: usize| json!({"expected_start_time": at(n), "state_type": "RUNNING", "state.type": "RUNNING", "state_name": "Running"});
    let template = run(0, &json!({}));
    let mut runs = Vec::with_capacity(count);
    for n in 0..count {
        let mut run = template.clone();
        run["id"] = json!(id(n));
        for (name, value) in other(n % 1_400).as_object().unwrap() {
            *name.split('.').fold(&mut run, |at, part| &mut at[part]) = value.clone();
        }
        runs.push(run);
    }
    runs
}

#[tokio::test]
async fn every_run_is_told_once_and_few_questions_are_asked() {
    let server = FakePrefect::start(many(1_000));
    let (hub, rows) = told(&server).await;
    let ids: BTreeSet<String> = rows.iter().map(|row| row.flow.id.instance.to_string()).collect();
    assert_eq!((rows.len(), ids.len()), (1_000, 1_000));
    let counts = hub.overview(&Filter::default()).await.unwrap();
    assert!(counts.cells.iter().all(|cell| !cell.approximate));
    assert_eq!(counts.cells.iter().map(|cell| cell.counts.open).sum::<u64>(), 1_000);
    let asked = |path: &str| server.requests().iter().filter(|request| request.path.contains(path)).count();
    // Five pages, what the moments that several share cost more, and one of failed ones.
    assert!(asked("/flow_runs/filter") <= 9, "{}", asked("/flow_runs/filter"));
    assert_eq!((asked("/flows/filter"), asked("/flow_runs/history"), asked("/admin/version")), (1, 2, 1));
    assert!(server.requests().len() <= 40, "{}", server.requests().len());
    for request in server.requests().iter().filter(|request| request.path.ends_with("/filter")) {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert!(body["limit"].as_u64().is_some_and(|limit| limit <= 200), "{}: {body}", request.path);
    }
}

#[tokio::test]
async fn what_the_server_counts_and_does_not_tell_is_counted_and_what_ended_meanwhile_makes_it_approximate() {
    let server = FakePrefect::start(many(3));
    let count = |n: u64| crate::support::fake_prefect::reply(200, &json!([{"states": [{"count_runs": n}]}]));
    let of = async |server: &FakePrefect| {
        let hub = hub(server);
        hub.pass().await;
        let cells = hub.overview(&Filter::default()).await.unwrap().cells.clone();
        (cells.iter().map(|cell| cell.counts.open).sum::<u64>(), cells.iter().any(|cell| cell.approximate), cells)
    };
    server.behave_at("/history", count(5));
    let (open, approximate, cells) = of(&server).await;
    assert_eq!((open, approximate), (5, false));
    assert!(cells.iter().any(|cell| *cell.flow == *"(not read)" && cell.counts.open == 2), "{cells:#?}");
    server.behave_at("/history", count(1));
    assert_eq!(
        {
            let (open, approximate, _) = of(&server).await;
            (open, approximate)
        },
        (3, true)
    );
}

#[tokio::test]
async fn what_was_restarted_is_superseded() {
    let again = run(
        2,
        &json!({
            "tags": [format!("restarted-from:{}", id(1))], "state_type": "RUNNING", "state.type": "RUNNING", "state_name": "Running",
        }),
    );
    let server = FakePrefect::start(vec![run(1, &json!({})), again, run(3, &json!({}))]);
    let (hub, rows) = told(&server).await;
    let ids: BTreeSet<String> = rows.iter().map(|row| row.flow.id.instance.to_string()).collect();
    assert_eq!(ids, BTreeSet::from([id(2), id(3)]));
    let cells = hub.overview(&Filter::default()).await.unwrap().cells.clone();
    assert_eq!(cells.iter().map(|cell| cell.counts.failed).sum::<u64>(), 1);
}

#[tokio::test]
async fn programs_for_tenants_are_given_parameters_and_tags() {
    let server = FakePrefect::start(vec![run(1, &json!({}))]);
    let (instance, flow) = (id(1).as_str().into(), "tenant-provisioning".into());
    let of = PayloadOf { instance: &instance, flow: &flow, key: None };
    let names = Names { input: true, headers: true, ..Names::default() };
    let told = connector(&server).payloads(&[of], names).await.unwrap();
    assert_eq!(told[0].input, Some(json!({"tenant": "globex"})));
    assert_eq!(told[0].headers.as_ref().unwrap()["tags"], json!(["tenant:globex", "tenant:acme-eu", "control-plane"]));
}

#[tokio::test]
async fn naughty_strings_are_shown_as_what_they_are_and_obeyed_by_nobody() {
    let strings: Vec<String> = serde_json::from_str(include_str!("../corpora/blns.json")).unwrap();
    let mut cases = 0;
    for strings in strings.chunks(100) {
        let named = |(n, text): (usize, &String)| {
            run(
                n,
                &json!({
                    "name": text, "state.message": text, "tags": [format!("tenant:{text}")], "state_name": text,
                    "flow_id": text, "work_pool_name": text,
                }),
            )
        };
        let server = FakePrefect::start(strings.iter().enumerate().map(named).collect());
        let (_, rows) = told(&server).await;
        assert_eq!(rows.len(), strings.len());
        for row in rows {
            let flow = &row.flow;
            let texts = [&flow.flow, &flow.step, &flow.error.as_ref().unwrap().text];
            let texts = texts.into_iter().chain(&flow.tenant).chain(&flow.error.as_ref().unwrap().code);
            for text in texts {
                assert!(!text.chars().any(is_hidden), "{text:?}");
            }
            cases += 1;
        }
    }
    record("naughty-strings", cases, 515);
}

/// A task run that was to start, ran and ended at seconds after a moment.
fn task(number: usize, of: &Value, key: &str, state: &str, times: [i64; 3]) -> Value {
    let at = |second: i64| format!("2026-01-15T03:{:02}:{:02}Z", second / 60, second % 60);
    json!({
        "id": id(5_000 + number), "flow_run_id": of["id"], "task_key": key, "state_type": state, "run_count": 2,
        "state": {"type": state, "name": state, "timestamp": at(times[2])},
        "expected_start_time": at(times[0]), "start_time": at(times[1]), "end_time": at(times[2]),
    })
}

#[tokio::test]
async fn tasks_that_have_ended_tell_how_long_they_took_and_queued() {
    let one = run_in(1, "COMPLETED", "Completed");
    let mut child = task(3, &one, "charge-0a1b2c3d", "COMPLETED", [0, 0, 900]);
    child["state"]["state_details"] = json!({"child_flow_run_id": id(9)});
    let gone = task(4, &json!({"id": id(77)}), "charge-0a1b2c3d", "COMPLETED", [0, 0, 901]);
    let mut never = task(5, &one, "charge-0a1b2c3d", "CANCELLED", [0, 0, 902]);
    never["start_time"] = Value::Null;
    let tasks = vec![
        task(0, &one, "charge-0a1b2c3d", "COMPLETED", [60, 65, 100]),
        task(1, &one, "charge-0a1b2c3d", "FAILED", [60, 61, 200]),
        task(2, &one, "charge-0a1b2c3d", "COMPLETED", [0, 1, 9]),
        child,
        gone,
        never,
    ];
    let server = FakePrefect::start(vec![one.clone()]);
    server.edit(|world| world.tasks = tasks.clone());
    let after = "2026-01-15T03:01:00Z".parse().unwrap();
    let told = connector(&server).step_times(after).await.unwrap().unwrap();
    assert_eq!(told.complete_since, after);
    let mut times: Vec<(Measure, i64, bool)> = told
        .times
        .iter()
        .map(|time| {
            assert_eq!(time.step, "charge", "{time:?}");
            (time.measure, time.to.duration_since(time.from).as_secs(), time.well)
        })
        .collect();
    times.sort_unstable_by_key(|(measure, seconds, _)| (*measure, *seconds));
    // What stands for another run, was never begun, or belongs to a run that is gone is no time of a step.
    assert_eq!(
        times,
        [(Measure::Run, 35, true), (Measure::Run, 139, false), (Measure::Queue, 1, true), (Measure::Queue, 5, true)]
    );
}

#[tokio::test]
async fn of_more_tasks_than_are_read_the_last_ones_are_told_and_from_when_on() {
    let one = run_in(1, "COMPLETED", "Completed");
    let second = |number: usize| i64::try_from(number / 2).unwrap();
    let tasks: Vec<Value> = (0..4_300).map(|n| task(n, &one, "charge", "COMPLETED", [0, 0, second(n)])).collect();
    let server = FakePrefect::start(vec![one]);
    server.edit(|world| world.tasks = tasks);
    let after = "2026-01-15T02:59:59Z".parse().unwrap();
    let told = connector(&server).step_times(after).await.unwrap().unwrap();
    let runs = told.times.iter().filter(|time| time.measure == Measure::Run).count();
    assert_eq!(runs, 4_000);
    assert_eq!(told.complete_since.to_string(), "2026-01-15T03:02:30Z");
}
