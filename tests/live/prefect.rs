//! A real Prefect server: what the board says of runs in each state is what the server counts itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::support::hub::{gone, row, rows, setup, status};
use crate::support::prefect::{Prefect, in_seconds};
use crate::support::proxy::Proxy;
use crate::support::wait::{eventually, seen};
use jiff::SignedDuration;
use quarterdeck::cockpit::{self, ScreenName, Settings};
use quarterdeck::config::{Config, Flags, Surroundings};
use quarterdeck::connect::prefect::Prefect as Connected;
use quarterdeck::connect::{Act, ActAnswer, Connector};
use quarterdeck::domain::cohort::Counts;
use quarterdeck::domain::flow::{EntryOutcome, JudgedFlow, PauseCause, Status, WaitKind};
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::latency::Measure;
use quarterdeck::domain::remediation::{ItemState, Remediation, Verb};
use quarterdeck::domain::run::StretchKind;
use quarterdeck::domain::signs::Worker;
use quarterdeck::domain::source::Freshness;
use quarterdeck::domain::verdict::{Rule, Verdict};
use quarterdeck::hub::{Hub, Setup};
use quarterdeck::ops::{LatencyQuery, Ops, OpsError};
use quarterdeck::query::Filter;
use serde_json::{Value, json};

const SOURCE: &str = "prefect-eu";

/// The longest that anything may take: each run of a flow is a process of its own, which needs seconds to begin.
const SOON: Duration = Duration::from_secs(120);

/// A hub on the API at `url`, with this user's password from a variable, as a config says it.
fn hub(url: &str, auth: Option<(&str, &str)>, thresholds: &str, state_dir: Option<&Path>) -> Arc<Hub> {
    let mut text = format!("{thresholds}\n[[source]]\nname = \"{SOURCE}\"\nkind = \"prefect\"\nurl = \"{url}\"\n");
    if let Some((user, _)) = auth {
        let password = "password = { env = \"PREFECT_PASSWORD\" }";
        text.extend(["auth = { basic = { user = \"", user, "\", ", password, " } }\n"]);
    }
    let variable = |name: &str| auth.filter(|_| name == "PREFECT_PASSWORD").map(|(_, password)| password.to_owned());
    let surroundings = Surroundings { variable: &variable, folder: Path::new(".") };
    let config = Config::parse_in(&text, "config.toml", &Flags::default(), &surroundings).unwrap();
    let transport = config.context.sources[0].transport.clone();
    let connector = Connected::new(SOURCE, url, Duration::from_secs(20), transport).unwrap();
    let sources = vec![(SOURCE.into(), Arc::new(connector) as Arc<dyn Connector>, Duration::from_secs(1))];
    let state_dir = state_dir.map(Path::to_path_buf);
    Hub::new(Setup { state_dir, ..setup(config, sources) })
}

fn id(instance: &str) -> InstanceId {
    InstanceId::new(SOURCE, instance)
}

async fn act(hub: &Hub, verb: Verb, instance: &str) -> Result<Remediation, OpsError> {
    let plan = hub.plan(verb, &id(instance)).await?;
    hub.remediate(&plan.hash, "a test asked for it").await
}

/// Everything that is counted, over all places; and whether it is exact.
async fn sums(hub: &Hub) -> (Counts, bool) {
    let overview = hub.overview(&Filter::default()).await.unwrap();
    let mut sum = Counts::default();
    for cell in &overview.cells {
        sum.open += cell.counts.open;
        sum.waiting += cell.counts.waiting;
        sum.held += cell.counts.held;
        sum.failed += cell.counts.failed;
        sum.stuck += cell.counts.stuck;
    }
    (sum, overview.cells.iter().all(|cell| !cell.approximate))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_board_counts_is_what_the_server_counts() {
    let prefect = Prefect::start().await;
    let flow = prefect.flow("config-reconcile").await;
    prefect.post("/work_pools/", &json!({"name": "eu west", "type": "process"})).await;
    let pooled = prefect.deployment(&flow, "prod", Some("eu west")).await;
    let served = prefect.deployment(&flow, "served", None).await;
    let run = |name: &str, deployment: Option<&str>| json!({"flow_id": flow, "deployment_id": deployment, "name": name, "tags": ["tenant:acme", "x"]});
    let kind = |kind: &str| json!({ "type": kind });
    let running = kind("RUNNING");
    let suspended = |key: Value| json!({"type": "PAUSED", "name": "Suspended", "state_details": {"pause_reschedule": true, "pause_key": key}});
    let mut ids = BTreeMap::new();
    let late = json!({"state": {"type": "SCHEDULED", "state_details": {"scheduled_time": in_seconds(-600)}}});
    ids.insert("late", prefect.begin(&pooled, &late).await);
    ids.insert("late, served by nobody", prefect.begin(&served, &late).await);
    let later = json!({"state": {"type": "SCHEDULED", "state_details": {"scheduled_time": in_seconds(7_200)}}});
    ids.insert("later", prefect.begin(&pooled, &later).await);
    let states = [
        ("pending", vec![]),
        ("pending, served by nobody", vec![]),
        ("running", vec![running.clone()]),
        ("paused", vec![running.clone(), json!({"type": "PAUSED", "name": "Paused"})]),
        ("suspended", vec![running.clone(), suspended(Value::Null)]),
        ("suspends itself", vec![running.clone(), suspended(json!("1"))]),
        ("cancelling", vec![running.clone(), kind("CANCELLING")]),
        ("cancelled", vec![running.clone(), kind("CANCELLED")]),
        ("completed", vec![running.clone(), kind("COMPLETED")]),
        ("failed", vec![running.clone(), json!({"type": "FAILED", "message": "Apply failed: 3 resources differ"})]),
        ("timed out", vec![running.clone(), json!({"type": "FAILED", "name": "TimedOut", "message": "too late"})]),
        ("crashed", vec![running.clone(), json!({"type": "CRASHED", "message": "exit code 137"})]),
        ("retried", vec![running.clone(), kind("FAILED"), json!({"type": "SCHEDULED", "name": "AwaitingRetry"})]),
    ];
    for (name, states) in states {
        let deployment = if name.ends_with("nobody") { &served } else { &pooled };
        ids.insert(name, prefect.made(&run(name, Some(deployment)), &states).await);
    }
    let hub = hub(&prefect.url(), None, "[thresholds]\nno_worker = \"1s\"\n", None);
    // Late is what the server says of it some seconds after it was due.
    becomes(&hub, &ids["late"], |row| row.judgement.verdict == Verdict::Stuck).await;

    let told: BTreeMap<String, Arc<JudgedFlow>> =
        rows(&hub, SOURCE).await.into_iter().map(|row| (row.flow.id.instance.to_string(), row)).collect();
    let expected = [
        ("late", Status::Scheduled, "(queued)"),
        ("late, served by nobody", Status::Scheduled, "(queued)"),
        ("later", Status::Scheduled, "(queued)"),
        ("pending", Status::Queued, "(queued)"),
        ("pending, served by nobody", Status::Queued, "(queued)"),
        ("running", Status::Running, "(queued)"),
        ("paused", Status::Waiting, "pause"),
        ("suspended", Status::Paused, "pause"),
        ("suspends itself", Status::Waiting, "pause"),
        ("cancelling", Status::Running, "(cancelling)"),
        ("failed", Status::Failed, "(queued)"),
        ("timed out", Status::TimedOut, "(queued)"),
        ("crashed", Status::Failed, "(queued)"),
        ("retried", Status::BackingOff, "(queued)"),
    ];
    for (name, status, step) in expected {
        let row = told.get(&ids[name]).unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!((row.flow.status, row.flow.step.as_str()), (status, step), "{name}: {row:#?}");
        assert_eq!(*row.flow.flow, *"config-reconcile");
        let begun_by_deployment = name.starts_with("late");
        assert_eq!(row.flow.tenant.as_deref(), (!begun_by_deployment).then_some("acme"), "{name}");
    }
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    let of = |name: &str| &*told[&ids[name]];
    let found =
        |name: &str, rule: Rule| of(name).judgement.findings.iter().find(|finding| finding.rule == rule).cloned();
    let no_worker = found("late", Rule::NoConsumer).unwrap();
    assert!(no_worker.evidence.starts_with("work pool eu west has no worker, for "), "{no_worker:?}");
    assert_eq!(found("late", Rule::NeverStarted).unwrap().verdict, Verdict::Stuck);
    let unserved = found("late, served by nobody", Rule::NoConsumer).unwrap();
    assert!(unserved.evidence.starts_with("no process serves the deployment served, for "), "{unserved:?}");
    assert_eq!(of("later").judgement.verdict, Verdict::Ok, "{:?}", of("later").judgement);
    assert_eq!(of("crashed").judgement.findings.len(), 2);
    assert_eq!(found("crashed", Rule::TaskFault).unwrap().verdict, Verdict::Stuck);
    assert_eq!(of("failed").flow.error.as_ref().unwrap().text.as_str(), "Apply failed: 3 resources differ");
    assert_eq!(of("suspended").flow.pause, Some(PauseCause::Held));
    assert_eq!(of("paused").flow.wait.as_ref().unwrap().kind, WaitKind::Approval);

    // The server's own counts, asked for in another way.
    let open = json!({"state": {"type": {"not_any_": ["COMPLETED", "CANCELLED", "FAILED", "CRASHED"]}}});
    let bad = json!({"state": {"type": {"any_": ["FAILED", "CRASHED"]}}});
    let paused = json!({"state": {"type": {"any_": ["PAUSED"]}}});
    let (sum, exact) = sums(&hub).await;
    assert!(exact);
    assert_eq!((sum.open, sum.failed), (prefect.count(open.clone()).await, prefect.count(bad.clone()).await));
    assert_eq!(sum.waiting + sum.held, prefect.count(paused).await);
    assert_eq!((sum.open, sum.failed, sum.waiting, sum.held), (11, 3, 2, 1));

    // More than fits a page, of which more than a page are due in one moment.
    let moment = in_seconds(3_600);
    for n in 0..450 {
        let time = if n < 250 { moment.clone() } else { in_seconds(4_000 + n) };
        let state = json!({"type": "SCHEDULED", "state_details": {"scheduled_time": time}});
        prefect.begin(&pooled, &json!({"state": state, "tags": ["tenant:globex"]})).await;
    }
    hub.pass().await;
    let (sum, exact) = sums(&hub).await;
    assert!(exact, "{sum:?}");
    assert_eq!(sum.open, prefect.count(open).await);
    assert_eq!((sum.open, rows(&hub, SOURCE).await.len()), (461, 464));

    // What is gone is told as such.
    // A server whose database is busy says 503, and is asked again.
    let path = format!("/deployments/{served}");
    eventually(SOON, || async {
        match prefect.send(reqwest::Method::DELETE, &path, &Value::Null).await.0 {
            204 => Ok(()),
            503 => Err(503),
            other => panic!("{other}"),
        }
    })
    .await;
    gone(&hub, &ids["late, served by nobody"]).await;
    let orphaned = row(&hub, &ids["pending, served by nobody"]).await.unwrap();
    assert!(matches!(orphaned.flow.signs.worker, Worker::Gone { .. }), "{orphaned:#?}");
    assert_eq!(status(&hub, SOURCE).await.version.as_deref(), Some("3.8.8"));
}

/// Waits until an instance is as wanted, and gives it.
async fn becomes(hub: &Hub, instance: &str, wanted: impl Fn(&JudgedFlow) -> bool) -> Arc<JudgedFlow> {
    let told = |row: &JudgedFlow| {
        let flow = &row.flow;
        format!("{} {}: {} in {}, {:?}", flow.id.instance, flow.flow, flow.status.name(), flow.step, flow.error)
    };
    eventually(SOON, || async {
        // The server is one process: whoever asks without a pause keeps it from learning of tasks.
        tokio::time::sleep(Duration::from_millis(700)).await;
        match row(hub, instance).await.filter(|row| wanted(row)) {
            Some(row) => Ok(row),
            None => Err((instance, rows(hub, SOURCE).await.iter().map(|row| told(row)).collect::<Vec<_>>())),
        }
    })
    .await
}

/// Waits until nothing more happens to an act by itself.
async fn ended(hub: &Hub, act: &Remediation) -> Remediation {
    let found = eventually(SOON, || async {
        let acts = hub.remediations().await.unwrap();
        seen(acts.into_iter().find(|other| other.id == act.id), |act| act.as_ref().is_some_and(|act| act.ended))
    });
    found.await.unwrap()
}

async fn done(hub: &Hub, verb: Verb, instance: &str) -> Remediation {
    ended(hub, &act(hub, verb, instance).await.unwrap()).await
}

/// Waits until the server has given a run this name of a state.
async fn stands(prefect: &Prefect, id: &str, name: &str) {
    eventually(SOON, || async { seen(prefect.run(id).await, |run| run["state_name"] == name) }).await;
}

/// Waits until the server itself says that these tasks of a run are done, and knows of no other: it learns of them from
/// events, on a busy machine seconds after the run has gone on.
async fn tasks_done(prefect: &Prefect, id: &str, wanted: &[&str]) {
    let of_run = json!({"flow_runs": {"id": {"any_": [id]}}});
    eventually(SOON, || async {
        let tasks = prefect.post("/task_runs/filter", &of_run).await;
        seen(tasks, |tasks| {
            let tasks = tasks.as_array().unwrap();
            let done = |name: &&str| {
                let of_name = |task: &&Value| task["name"].as_str().is_some_and(|own| own.starts_with(*name));
                tasks.iter().find(of_name).is_some_and(|task| task["state_type"] == "COMPLETED")
            };
            tasks.len() == wanted.len() && wanted.iter().all(done)
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_verb_is_sent_once_and_verified() {
    let prefect = Prefect::start().await;
    let flow = prefect.flow("config-reconcile").await;
    let deployment = prefect.deployment(&flow, "prod", None).await;
    let of = |deployment: Option<&str>| json!({"flow_id": flow, "deployment_id": deployment, "tags": ["tenant:acme"], "parameters": {"shard": 3}});
    let running = json!({"type": "RUNNING"});
    let failed = json!({"type": "FAILED", "message": "no"});
    let state = tempfile::tempdir().unwrap();
    let proxy = Proxy::start(prefect.url().trim_end_matches("/api"));
    let url = format!("{}/api", proxy.url());
    let hub = hub(&url, None, "", Some(state.path()));
    let run = |states: &[Value]| {
        let (body, states) = (of(Some(&deployment)), states.to_vec());
        let prefect = &prefect;
        async move { prefect.made(&body, &states).await }
    };
    let outcome = |act: &Remediation| (act.item, act.outcome.to_string());

    // Paused and resumed: what a process would do is done by hand.
    let one = run(std::slice::from_ref(&running)).await;
    assert_eq!(outcome(&done(&hub, Verb::Pause, &one).await), (ItemState::Verified, "verified: it is paused".into()));
    let held = row(&hub, &one).await.unwrap();
    assert_eq!((held.flow.status, held.flow.pause), (Status::Paused, Some(PauseCause::Held)));
    assert_eq!(held.judgement.verdict, Verdict::Ok, "{held:?}");
    let resumed = act(&hub, Verb::Resume, &one).await.unwrap();
    stands(&prefect, &one, "Resuming").await;
    prefect.becomes(&one, &running, true).await;
    prefect.becomes(&one, &json!({"type": "COMPLETED"}), true).await;
    assert_eq!(outcome(&ended(&hub, &resumed).await), (ItemState::Verified, "verified: it succeeded".into()));

    // One that failed is tried again as the same run, and may fail again.
    let two = run(&[running.clone(), failed.clone()]).await;
    let again = act(&hub, Verb::Resume, &two).await.unwrap();
    stands(&prefect, &two, "AwaitingRetry").await;
    let waits = row(&hub, &two).await.unwrap();
    assert_eq!((waits.flow.status, waits.flow.error.as_ref()), (Status::BackingOff, None), "{waits:?}");
    let refused = hub.plan(Verb::Resume, &id(&two)).await.unwrap_err();
    assert!(matches!(&refused, OpsError::Refused(why) if why.contains("by itself")), "{refused:?}");
    prefect.becomes(&two, &running, true).await;
    prefect.becomes(&two, &failed, true).await;
    let again = ended(&hub, &again).await;
    assert_eq!(again.item, ItemState::Failed, "{again:?}");
    assert!(again.outcome.starts_with("did not help: it failed for good in "), "{again:?}");

    // HTTP says 200, and the server refuses.
    let alone = prefect.made(&of(None), &[running.clone(), failed.clone()]).await;
    let refused = done(&hub, Verb::Resume, &alone).await;
    let why = "refused: Cannot reschedule a run without an associated deployment.";
    assert_eq!(outcome(&refused), (ItemState::Failed, why.into()));
    let refused = done(&hub, Verb::RestartAsNew, &alone).await;
    assert!(refused.outcome.starts_with("refused: nothing was sent: it has no deployment"), "{refused:?}");
    let connector = Connected::new(SOURCE, &prefect.url(), SOON, None).unwrap();
    let by_hand = |verb, instance: &str| Act {
        verb,
        parameters: quarterdeck::domain::plan::Parameters::new(),
        instance: instance.into(),
        key: "k".into(),
    };
    let three = run(std::slice::from_ref(&running)).await;
    let answer = connector.act(&by_hand(Verb::Resume, &three)).await;
    assert_eq!(answer, ActAnswer::Refused("Cannot resume a flow run that is not paused.".into()));

    // Cancelled: at once without a process, else by a worker.
    let scheduled = prefect.begin(&deployment, &json!({})).await;
    assert_eq!(
        outcome(&done(&hub, Verb::Cancel, &scheduled).await),
        (ItemState::Verified, "verified: it is cancelled".into())
    );
    let cancelled = act(&hub, Verb::Cancel, &three).await.unwrap();
    stands(&prefect, &three, "Cancelling").await;
    assert_eq!(*row(&hub, &three).await.unwrap().flow.step, *"(cancelling)");
    prefect.becomes(&three, &json!({"type": "CANCELLED"}), false).await;
    let cancelled = ended(&hub, &cancelled).await;
    assert_eq!(outcome(&cancelled), (ItemState::Verified, "verified: it is cancelled".into()));
    assert_eq!(cancelled.answered, Some(ItemState::Accepted));
    let four = run(std::slice::from_ref(&running)).await;
    assert_eq!(outcome(&done(&hub, Verb::Kill, &four).await), (ItemState::Verified, "verified: it is killed".into()));

    // Restarted: the new run is looked at, and the old one is superseded.
    row(&hub, &two).await.unwrap();
    let restarted = act(&hub, Verb::RestartAsNew, &two).await.unwrap();
    let tag = json!({"tags": {"all_": [format!("restarted-from:{two}")]}});
    let runs = json!({ "flow_runs": tag });
    let begun = eventually(SOON, || async {
        seen(prefect.post("/flow_runs/filter", &runs).await, |runs| runs[0]["id"].is_string())
    })
    .await;
    let (new, count) = (begun[0]["id"].as_str().unwrap(), begun.as_array().unwrap().len());
    assert_eq!((count, &begun[0]["parameters"], &begun[0]["flow_id"]), (1, &json!({"shard": 3}), &json!(flow)));
    assert!(begun[0]["tags"].as_array().unwrap().contains(&json!("tenant:acme")), "{begun}");
    prefect.becomes(new, &running, true).await;
    prefect.becomes(new, &json!({"type": "COMPLETED"}), true).await;
    assert_eq!(outcome(&ended(&hub, &restarted).await), (ItemState::Verified, "verified: it succeeded".into()));
    gone(&hub, &two).await;
    let (sum, exact) = sums(&hub).await;
    assert!(exact);
    assert_eq!((sum.failed, prefect.count(json!({"state": {"type": {"any_": ["FAILED"]}}})).await), (1, 2));

    assert_eq!(outcome(&done(&hub, Verb::Purge, &alone).await), (ItemState::Verified, "verified: it is gone".into()));
    assert_eq!(prefect.run(&alone).await, Value::Null);
    // It vanished between the page and the act.
    assert_eq!(
        connector.act(&by_hand(Verb::Resume, &alone)).await,
        ActAnswer::Gone("there is no such flow run".into())
    );
    assert!(matches!(connector.act(&by_hand(Verb::Kill, &alone)).await, ActAnswer::Gone(_)));
    assert!(hub.plan(Verb::Resume, &id(&alone)).await.is_err());

    // A lost answer is looked at, and never sent again.
    let five = run(std::slice::from_ref(&running)).await;
    let plan = hub.plan(Verb::Kill, &id(&five)).await.unwrap();
    row(&hub, &five).await.unwrap();
    let reached = proxy.reached().len();
    proxy.cut_after(1);
    let lost = hub.remediate(&plan.hash, "a test asked for it").await.unwrap();
    let lost = ended(&hub, &lost).await;
    assert!(matches!(lost.item, ItemState::Verified | ItemState::Unknown), "{lost:?}");
    let sent = proxy.reached().split_off(reached).into_iter().filter(|line| line.contains("set_state")).count();
    assert!(sent <= 1, "{sent}");

    // What somebody else did is told as such, and what was done here is not.
    let six = run(&[running.clone(), json!({"type": "CANCELLING"})]).await;
    let seven = run(&[running.clone(), failed]).await;
    prefect.becomes(&seven, &json!({"type": "SCHEDULED", "name": "AwaitingRetry"}), false).await;
    let held = json!({"type": "PAUSED", "name": "Suspended", "state_details": {"pause_reschedule": true}});
    let eight = run(&[running, held]).await;
    let others = || async {
        let outside = hub.outside(100).await.unwrap();
        assert!(outside.untold.is_empty(), "{outside:?}");
        let mine = [&six, &seven, &eight];
        let told = outside.acts.iter().filter(|act| mine.iter().any(|id| *act.subject == ***id));
        let told: Vec<(Option<Verb>, String)> = told.map(|act| (act.verb, act.what.to_string())).collect();
        (told, outside.acts.iter().any(|act| *act.subject == *four || *act.subject == *scheduled))
    };
    let (told, own) = eventually(SOON, || async { seen(others().await, |(told, _)| told.len() == 3) }).await;
    assert!(!own, "what was done here is not outside");
    for (verb, what) in [
        (Verb::Cancel, "cancelled: config-reconcile"),
        (Verb::Resume, "retried: config-reconcile"),
        (Verb::Pause, "paused: config-reconcile"),
    ] {
        assert!(told.contains(&(Some(verb), what.into())), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_flows_stand_where_their_tasks_do() {
    let mut prefect = Prefect::start().await;
    prefect.fault_on("database");
    prefect.serve();
    let hub = hub(&prefect.url(), None, "", None);
    let tenant = json!({"parameters": {"tenant": "globex"}, "tags": ["tenant:globex"]});
    let failing = prefect.begin(&prefect.served("tenant-provisioning").await, &tenant).await;
    // The server learns of tasks from events, and so somewhat later than of their run.
    let known = |row: &JudgedFlow| row.flow.status == Status::Failed && row.flow.completed_commands == 1;
    let failed = becomes(&hub, &failing, |row| known(row) && *row.flow.step == *"create_database").await;
    assert_eq!((failed.flow.step.as_str(), failed.flow.tenant.as_deref()), ("create_database", Some("globex")));
    let error = failed.flow.error.as_ref().unwrap();
    assert!(error.text.ends_with("connect ECONNREFUSED db-primary:5432 while creating globex"), "{error:?}");
    assert!(!error.fingerprint.contains("globex"), "{error:?}");

    // One after the other: each begins a process that takes a core for seconds.
    let retried = prefect.begin(&prefect.served("dns-cutover").await, &json!({})).await;
    let backing_off =
        becomes(&hub, &retried, |row| row.flow.status == Status::BackingOff && row.flow.error.is_some()).await;
    assert_eq!((backing_off.flow.step.as_str(), backing_off.flow.attempts), ("publish_dns", Some(1)));
    let ahead = backing_off.flow.next_retry_at.unwrap().duration_since(backing_off.flow.observed_at);
    assert!(ahead > SignedDuration::from_mins(5), "{ahead:?}");
    assert!(backing_off.flow.first_failure_at.is_some());
    let error = backing_off.flow.error.as_ref().unwrap();
    assert!(error.text.contains("SERVFAIL from dns-api") && !error.text.contains("Retry"), "{error:?}");

    let waiting = prefect.begin(&prefect.served("backup-verify").await, &json!({})).await;
    stands(&prefect, &waiting, "Paused").await;
    tasks_done(&prefect, &waiting, &["allocate_network"]).await;
    let paused = becomes(&hub, &waiting, |row| row.flow.status == Status::Waiting).await;
    let wait = paused.flow.wait.as_ref().unwrap();
    assert_eq!((wait.kind, paused.flow.step.as_str()), (WaitKind::Approval, "pause"));
    assert!(wait.until.is_some());
    let refused = done(&hub, Verb::Pause, &waiting).await;
    assert_eq!(*refused.outcome, *"refused: Cannot suspend flows that are not currently running.");
    let approved = done(&hub, Verb::Resume, &waiting).await;
    assert_eq!(approved.item, ItemState::Verified, "{approved:?}");

    let detail = hub.flow(&id(&failing)).await.unwrap();
    let runs = &detail.detail.runs;
    let named: Vec<&str> = runs.iter().map(|run| run.step.as_str()).collect();
    assert_eq!(named, ["(queued)", "allocate_network", "create_database"], "{runs:#?}");
    assert!(runs[0].stretches.iter().any(|stretch| stretch.kind == StretchKind::Queued));
    assert_eq!((runs[1].outcome, runs[2].outcome), (EntryOutcome::Done, EntryOutcome::Failed));
    assert_eq!(runs[2].failures.len(), 1);
    assert_eq!(detail.detail.attempts.list.len(), 1, "{:?}", detail.detail.attempts);
    assert!(detail.detail.facts.iter().any(|(label, value)| *label == "deployment" && **value == *"prod"));
    assert!(detail.detail.error[0].contains("ECONNREFUSED"), "{:?}", detail.detail.error);
    let raw = serde_json::to_string(&format!("{:?}", hub.raw(&id(&failing)).await.unwrap())).unwrap();
    assert!(raw.contains("globex") && raw.contains("create_database"), "{raw}");

    // How long its tasks took that have ended; the one that failed has not shown how long it takes.
    let latency = hub.latency(&LatencyQuery { flow: Some("tenant-provisioning".into()) }).await.unwrap();
    assert_eq!((latency.sources[0].tells, latency.sources[0].error.as_ref()), (Some(true), None));
    let sum = |step: &str, measure: Measure| {
        let row = latency.rows.iter().find(|row| row.step == *step && row.measure == measure).unwrap();
        let cells = row.cells.iter();
        cells.fold((0, 0), |(finished, failed), cell| (finished + cell.finished, failed + cell.failed))
    };
    assert_eq!(sum("allocate_network", Measure::Run), (1, 0), "{latency:?}");
    assert_eq!((sum("allocate_network", Measure::Queue), sum("create_database", Measure::Run)), ((1, 0), (0, 1)));

    // Tried again with the cause gone, it succeeds; a second time as a run of its own.
    prefect.fault_off("database");
    let repaired = done(&hub, Verb::Resume, &failing).await;
    assert_eq!((repaired.item, repaired.outcome.as_str()), (ItemState::Verified, "verified: it succeeded"));

    let working = prefect.begin(&prefect.served("cert-rotation").await, &json!({})).await;
    becomes(&hub, &working, |row| *row.flow.step == *"wait").await;
    // Each second one of its tasks is done, and on a busy machine that may be between plan and act: nothing is sent then.
    let cancelled = eventually(SOON, || async {
        match act(&hub, Verb::Cancel, &working).await {
            Err(OpsError::Changed(why)) => Err(why),
            answer => Ok(answer.unwrap()),
        }
    })
    .await;
    let cancelled = ended(&hub, &cancelled).await;
    assert_eq!((cancelled.item, cancelled.outcome.as_str()), (ItemState::Verified, "verified: it is cancelled"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_wants_a_password_dies_and_comes_back() {
    let mut prefect = Prefect::start_with(Some(("quarterdeck", "hunter2hunter2"))).await;
    let flow = prefect.flow("config-reconcile").await;
    let failed = json!({"type": "FAILED", "message": "no"});
    let one = prefect.made(&json!({ "flow_id": flow }), &[json!({"type": "RUNNING"}), failed]).await;
    let wrong = [None, Some(("quarterdeck", "wrong"))];
    for auth in wrong {
        let hub = hub(&prefect.url(), auth, "", None);
        hub.pass().await;
        let status = status(&hub, SOURCE).await;
        assert_eq!(status.state, Freshness::Failed);
        assert!(status.error.as_deref().unwrap().contains("refused (401)"), "{status:?}");
    }
    let hub = hub(&prefect.url(), Some(("quarterdeck", "hunter2hunter2")), "", None);
    let polling = hub.start();
    let is = |state| {
        let hub = &hub;
        eventually(SOON, move || async move { seen(status(hub, SOURCE).await, |status| status.state == state) })
    };
    is(Freshness::Live).await;
    let before = becomes(&hub, &one, |row| row.judgement.verdict == Verdict::Stuck).await;
    let plan = hub.plan(Verb::Purge, &id(&one)).await.unwrap();

    prefect.kill_server();
    is(Freshness::Stale).await;
    let kept = rows(&hub, SOURCE).await;
    assert_eq!((kept.len(), kept[0].judgement.verdict), (1, Verdict::Recheck));
    assert_eq!(kept[0].flow.error, before.flow.error);
    let settings = Settings::new("test", "tester");
    let drawn = cockpit::snapshot(hub.clone(), ScreenName::Board, 120, 34, &settings).await.unwrap();
    let board = cockpit::text(&drawn);
    assert!(board.contains("STUCK ? was 1"), "{board}");
    assert!(hub.remediate(&plan.hash, "a test asked for it").await.is_err());

    prefect.restart_server().await;
    is(Freshness::Live).await;
    let purged = done(&hub, Verb::Purge, &one).await;
    assert_eq!((purged.item, purged.outcome.as_str()), (ItemState::Verified, "verified: it is gone"));
    drop(polling);
}
