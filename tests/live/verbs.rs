//! Every verb on a real Restate: what it does, when it counts as verified, and when it can't be had.

use crate::support::hub::{SOON, act, becomes, ended, gone, hub, id};
use crate::support::proxy::Proxy;
use crate::support::restate::Restate;
use crate::support::wait::eventually;
use quarterdeck::domain::flow::{PauseCause, Status};
use quarterdeck::domain::remediation::{ItemState, Remediation, Verb};
use quarterdeck::hub::Hub;
use quarterdeck::ops::{Ops, OpsError};
use serde_json::json;

async fn done(hub: &Hub, verb: Verb, instance: &str) -> Remediation {
    ended(hub, &act(hub, verb, instance).await.unwrap()).await
}

fn outcome(act: &Remediation) -> (ItemState, &str) {
    (act.item, &act.outcome)
}

/// The invocations that were begun from one.
async fn successors(restate: &Restate, instance: &str) -> Vec<String> {
    let rows = restate.sql(&format!("select id from sys_invocation where restarted_from = '{instance}'")).await;
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_holds_what_is_retried_and_a_resume_takes_it_back() {
    let restate = Restate::start().await;
    let hub = hub(&restate.admin_url(), "", None);
    restate.fault_on("database", None);
    let retried = restate.send("TenantProvisioning/acme/run", &json!("eu-west-1")).await;
    becomes(&hub, &retried, |row| row.flow.status == Status::BackingOff).await;
    assert_eq!(outcome(&done(&hub, Verb::Pause, &retried).await), (ItemState::Verified, "verified: it is paused"));
    let held = becomes(&hub, &retried, |row| row.flow.status == Status::Paused).await;
    assert_eq!(held.flow.pause, Some(PauseCause::Held), "a person's pause is no exhaustion");

    let refused = hub.plan(Verb::Pause, &id(&retried)).await.unwrap_err();
    assert_eq!(refused, OpsError::Refused("pause can't be had: it is paused".into()));

    restate.fault_off("database");
    let resumed = done(&hub, Verb::Resume, &retried).await;
    assert_eq!(resumed.item, ItemState::Verified, "{resumed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_ends_it_and_a_purge_removes_what_is_left() {
    let restate = Restate::start().await;
    let hub = hub(&restate.admin_url(), "", None);
    restate.fault_on("migration", None);
    let paused = restate.send("SchemaMigration/migrate", &json!(7)).await;
    becomes(&hub, &paused, |row| row.flow.status == Status::Paused).await;
    for verb in [Verb::Purge, Verb::RestartAsNew] {
        let refused = hub.plan(verb, &id(&paused)).await.unwrap_err();
        assert_eq!(refused, OpsError::Refused(format!("{} can't be had: it has not ended", verb.label()).into()));
    }
    assert_eq!(outcome(&done(&hub, Verb::Kill, &paused).await), (ItemState::Verified, "verified: it is killed"));
    gone(&hub, &paused).await;

    let failed = restate.send("DnsCutover/cutover", &json!("acme.test")).await;
    becomes(&hub, &failed, |row| row.flow.status == Status::Failed).await;
    assert_eq!(outcome(&done(&hub, Verb::Purge, &failed).await), (ItemState::Verified, "verified: it is gone"));
    assert!(restate.sql(&format!("select id from sys_invocation where id = '{failed}'")).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_verified_by_what_it_began() {
    let restate = Restate::start().await;
    let hub = hub(&restate.admin_url(), "", None);
    let failed = restate.send("DnsCutover/cutover", &json!("acme.test")).await;
    becomes(&hub, &failed, |row| row.flow.status == Status::Failed).await;
    let again = done(&hub, Verb::RestartAsNew, &failed).await;
    assert_eq!(again.item, ItemState::Failed, "{again:?}");
    assert!(again.outcome.starts_with("did not help: it failed for good in"), "{again:?}");
    let [second] = &successors(&restate, &failed).await[..] else { panic!("not one was begun") };
    assert!(again.log.iter().any(|(_, line)| line.contains(second.as_str())), "{again:?}");

    restate.fault_on("unlocked", None);
    becomes(&hub, second, |row| row.flow.status == Status::Failed).await;
    assert_eq!(outcome(&done(&hub, Verb::RestartAsNew, second).await), (ItemState::Verified, "verified: it succeeded"));
    gone(&hub, second).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_whose_answer_was_lost_is_found_by_what_it_began_and_not_sent_again() {
    let restate = Restate::start().await;
    let proxy = Proxy::start(&restate.admin_url());
    let hub = hub(&proxy.url(), "", None);
    let [reached, lost] = ["a.test", "b.test"].map(|zone| json!(zone));
    let reached = restate.send("DnsCutover/cutover", &reached).await;
    let lost = restate.send("DnsCutover/cutover", &lost).await;
    for instance in [&reached, &lost] {
        becomes(&hub, instance, |row| row.flow.status == Status::Failed).await;
    }
    restate.fault_on("unlocked", None);

    proxy.cut_after(1);
    let first = done(&hub, Verb::RestartAsNew, &reached).await;
    assert_eq!(outcome(&first), (ItemState::Verified, "verified, though its answer was lost: it succeeded"));
    proxy.cut_before(1);
    let second = done(&hub, Verb::RestartAsNew, &lost).await;
    assert_eq!(second.item, ItemState::Unknown, "{second:?}");
    assert!(second.outcome.contains("nothing was sent again"), "{second:?}");

    let counts = (successors(&restate, &reached).await.len(), successors(&restate, &lost).await.len());
    assert_eq!(counts, (1, 0));
    let sent = |instance: &str| proxy.seen().iter().filter(|path| path.contains(instance)).count();
    assert_eq!((sent(&reached), sent(&lost)), (1, 1), "{:?}", proxy.seen());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_engine_says_of_a_verb_that_came_too_late_is_told() {
    let restate = Restate::start().await;
    let proxy = Proxy::start(&restate.admin_url());
    let hub = hub(&proxy.url(), "", None);
    let waiting = restate.send("BackupRun/run", &json!("acme")).await;
    becomes(&hub, &waiting, |row| row.flow.status == Status::Waiting).await;
    proxy.hold();
    let late = act(&hub, Verb::Kill, &waiting).await.unwrap();
    eventually(SOON, || async { if proxy.held() == 1 { Ok(()) } else { Err(proxy.held()) } }).await;
    assert_eq!(restate.patch(&waiting, "kill").await.0, 200);
    proxy.release();
    let late = ended(&hub, &late).await;
    let words = format!("refused: The invocation '{waiting}' was already completed.");
    assert_eq!(outcome(&late), (ItemState::Failed, words.as_str()));
}
