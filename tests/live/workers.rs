//! What a real Restate tells of workers that crash or are gone, of due times, of parents, and of tenants.

use crate::support::hub::{SOON, SOURCE, becomes, hub, id, status};
use crate::support::restate::Restate;
use crate::support::wait::eventually;
use quarterdeck::domain::flow::{JudgedFlow, Status};
use quarterdeck::domain::signs::Worker;
use quarterdeck::domain::verdict::{Rule, Verdict};
use quarterdeck::ops::Ops;
use serde_json::json;

/// What a rule says of a row, whether it is the primary one or not.
fn said(row: &JudgedFlow, rule: Rule) -> Option<Verdict> {
    row.judgement.findings.iter().find(|finding| finding.rule == rule).map(|finding| finding.verdict)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_crashes_or_is_gone_is_told_apart_from_a_task_that_fails() {
    let mut restate = Restate::start().await;
    restate.fault_on("hang", None);
    restate.fault_on("database", None);
    let hub = hub(&restate.admin_url(), "[thresholds]\nno_worker = \"1ms\"", None);
    let hung = restate.send("CertRotation/rotate", &json!("acme")).await;
    let failing = restate.send("TenantProvisioning/acme/run", &json!("eu-west-1")).await;
    becomes(&hub, &hung, |row| row.flow.step == "wait-acme").await;
    becomes(&hub, &failing, |row| row.flow.status == Status::BackingOff).await;

    // Once may be a restart.
    restate.stop_worker();
    let crashed = becomes(&hub, &hung, |row| said(row, Rule::TaskFault) == Some(Verdict::Suspect)).await;
    assert_eq!(crashed.flow.signs.faults.as_ref().unwrap().count, Some(1));
    let absent = becomes(&hub, &hung, |row| said(row, Rule::NoConsumer) == Some(Verdict::Stuck)).await;
    assert!(matches!(absent.flow.signs.worker, Worker::Absent { since: Some(_), .. }), "{absent:?}");
    let new = restate.send("Noop/ping", &json!(1)).await;
    becomes(&hub, &new, |row| said(row, Rule::NoConsumer) == Some(Verdict::Stuck)).await;
    let failing = becomes(&hub, &failing, |row| said(row, Rule::NoConsumer) == Some(Verdict::Stuck)).await;
    assert_eq!(said(&failing, Rule::TaskFault), None, "its task failed; no worker crashed on it: {failing:?}");

    // Twice is a fault.
    restate.start_worker();
    let back = |row: &JudgedFlow| row.flow.status == Status::Running && said(row, Rule::NoConsumer).is_none();
    becomes(&hub, &hung, back).await;
    restate.stop_worker();
    let fault = becomes(&hub, &hung, |row| said(row, Rule::TaskFault) == Some(Verdict::Stuck)).await;
    assert_eq!(fault.flow.signs.faults.as_ref().unwrap().count, Some(2));

    // A deployment that was removed comes back under no name.
    let waiting = hub.flow(&id(&hung)).await.unwrap();
    assert!(waiting.judgement.stuck());
    let deployment = restate.sql("select id from sys_deployment").await[0]["id"].as_str().unwrap().to_owned();
    restate.delete(&format!("/deployments/{deployment}?force=true")).await;
    let gone = becomes(&hub, &hung, |row| matches!(row.flow.signs.worker, Worker::Gone { .. })).await;
    assert_eq!(said(&gone, Rule::NoConsumer), Some(Verdict::Stuck));
    assert!(gone.judgement.findings.iter().any(|finding| finding.evidence.contains(&deployment)), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn due_times_parents_and_tenants_are_told() {
    let restate = Restate::start().await;
    let config = "[thresholds]\norphan = \"1ms\"\n\
                  [[tenant]]\nflow = \"OrderBook/*\"\nfrom = \"key\"\n\
                  [[tenant]]\nflow = \"BackupRun/*\"\njq = '.input'\n\
                  [[tenant]]\nflow = \"Ledger/*\"\njq = '.state.owner'\n\
                  [[tenant]]\nflow = \"CertRotation/*\"\njq = '.input.tenant'\n";
    let hub = hub(&restate.admin_url(), config, None);
    restate.fault_on("order", None);
    restate.fault_on("hang", None);

    let scheduled = restate.send("Noop/ping?delay=2h", &json!(1)).await;
    let row = becomes(&hub, &scheduled, |row| row.flow.status == Status::Scheduled).await;
    let (due, created) = (row.flow.signs.due_at.unwrap(), row.flow.created_at.unwrap());
    assert!((7_100..7_300).contains(&due.duration_since(created).as_secs()), "{due} {created}");
    assert_eq!(row.judgement.verdict, Verdict::Ok);

    let parent = restate.send("PlanUpgrade/tell", &json!("globex")).await;
    let query = format!("select id from sys_invocation where invoked_by_id = '{parent}'");
    let child = eventually(SOON, || async {
        let rows = restate.sql(&query).await;
        rows.first().map(|row| row["id"].as_str().unwrap().to_owned()).ok_or("it has sent nothing yet")
    })
    .await;
    let orphan = becomes(&hub, &child, |row| said(row, Rule::Orphan) == Some(Verdict::Stuck)).await;
    assert_eq!(orphan.flow.signs.parent.as_ref().unwrap().id.as_str(), parent);
    let alone = hub.flow(&id(&child)).await.unwrap();
    assert!(alone.judgement.findings.iter().any(|finding| finding.rule == Rule::Orphan), "{:?}", alone.judgement);
    assert_eq!(orphan.flow.tenant.as_deref(), Some("globex"), "from its input");
    assert_eq!(alone.detail.flow.tenant.as_deref(), Some("globex"), "and so when it is read alone");

    let keyed = restate.send("OrderBook/acme/place", &json!(1)).await;
    let row = becomes(&hub, &keyed, |row| row.flow.tenant.is_some()).await;
    assert_eq!(row.flow.tenant.as_deref(), Some("acme"));
    let stateful = restate.send("Ledger/book-7/hold", &json!("initech")).await;
    let row = becomes(&hub, &stateful, |row| row.flow.tenant.is_some()).await;
    assert_eq!(row.flow.tenant.as_deref(), Some("initech"), "from what its key holds");

    // A program that fails on an input is counted and said, and breaks nothing.
    let text = restate.send("CertRotation/rotate", &json!("no object")).await;
    let row = becomes(&hub, &text, |row| row.flow.step == "wait-acme").await;
    assert_eq!(row.flow.tenant, None);
    let status = status(&hub, SOURCE).await;
    assert_eq!(status.untold_tenants, 1);
    let why = status.untold_tenant.unwrap();
    assert!(why.contains(&text) && why.contains("it fails") && !why.contains("no object"), "{why}");
}
