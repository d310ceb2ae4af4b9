//! Acts on a real Restate: verified, refused, still failing, or unknown; recorded before and after; never sent twice.

use crate::support::hub::{SOON, act, becomes, ended, hub, id};
use crate::support::ledger::{copied, detail, entries, events, verified};
use crate::support::proxy::Proxy;
use crate::support::restate::Restate;
use crate::support::wait::eventually;
use quarterdeck::domain::flow::Status;
use quarterdeck::domain::remediation::{ItemState, Verb};
use quarterdeck::ops::{Ops, OpsError};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resume_is_verified_when_the_cause_is_gone_and_says_so_when_it_is_not() {
    let restate = Restate::start().await;
    let state = tempfile::tempdir().unwrap();
    let hub = hub(&restate.admin_url(), "", Some(state.path()));
    for fault in ["database", "migration"] {
        restate.fault_on(fault, None);
    }
    let paused = restate.send("SchemaMigration/migrate", &json!(7)).await;
    let retried = restate.send("TenantProvisioning/acme/run", &json!("eu-west-1")).await;
    becomes(&hub, &paused, |row| row.flow.status == Status::Paused).await;
    becomes(&hub, &retried, |row| row.flow.status == Status::BackingOff && row.flow.attempts >= Some(2)).await;

    // The cause is still there: the engine pauses the one again, and goes on retrying the other.
    let again = ended(&hub, &act(&hub, Verb::Resume, &paused).await.unwrap()).await;
    assert_eq!(again.item, ItemState::Failed, "{again:?}");
    assert!(
        again.outcome.contains("the cause is still there: paused again at apply-0042 with the same error"),
        "{again:?}"
    );
    let again = ended(&hub, &act(&hub, Verb::Resume, &retried).await.unwrap()).await;
    assert_eq!(again.item, ItemState::Failed, "{again:?}");
    assert!(again.outcome.contains("failed again at create-database with the same error"), "{again:?}");

    // The cause is gone: the one succeeds, which ends its soak; the other gets past its step and stays there.
    for fault in ["database", "migration"] {
        restate.fault_off(fault);
    }
    let fixed = ended(&hub, &act(&hub, Verb::Resume, &paused).await.unwrap()).await;
    assert_eq!((fixed.item, fixed.outcome.as_str()), (ItemState::Verified, "verified: it succeeded"));
    let before = becomes(&hub, &retried, |_| true).await.flow.status;
    if before == Status::BackingOff {
        let fixed = ended(&hub, &act(&hub, Verb::Resume, &retried).await.unwrap()).await;
        assert_eq!(fixed.item, ItemState::Verified, "{fixed:?}");
        assert_eq!(fixed.outcome, "verified: it is past create-database, now in promise:approval");
    }
    let told = entries(state.path());
    assert_eq!(events(&told, &fixed.id), ["act", "answer", "outcome"]);
    let actions: Vec<&str> = told.iter().take(5).map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["dry_run", "attempt", "act", "answer", "outcome"]);
    assert_eq!(detail(&told[2])["reason"], "a test asked for it");
    assert_eq!(told[2].actor, "tester");
    assert_eq!(verified(state.path()).broken, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_is_verified_and_one_of_a_finished_instance_is_refused_in_the_engines_words() {
    let restate = Restate::start().await;
    let proxy = Proxy::start(&restate.admin_url());
    let hub = hub(&proxy.url(), "", None);
    restate.fault_on("migration", None);
    let waiting = restate.send("BackupRun/run", &json!("acme")).await;
    becomes(&hub, &waiting, |row| row.flow.status == Status::Waiting).await;
    let cancelled = ended(&hub, &act(&hub, Verb::Cancel, &waiting).await.unwrap()).await;
    assert_eq!((cancelled.item, cancelled.outcome.as_str()), (ItemState::Verified, "verified: it is cancelled"));

    // It finishes while the request is on its way, after Quarterdeck's last look at it.
    let paused = restate.send("SchemaMigration/migrate", &json!(7)).await;
    becomes(&hub, &paused, |row| row.flow.status == Status::Paused).await;
    proxy.hold();
    let late = act(&hub, Verb::Cancel, &paused).await.unwrap();
    eventually(SOON, || async { if proxy.held() == 1 { Ok(()) } else { Err(proxy.held()) } }).await;
    restate.fault_off("migration");
    assert_eq!(restate.patch(&paused, "resume").await.0, 200);
    eventually(SOON, || async {
        let rows = restate.sql(&format!("select status from sys_invocation where id = '{paused}'")).await;
        if rows[0]["status"] == "completed" { Ok(()) } else { Err(rows) }
    })
    .await;
    proxy.release();
    let late = ended(&hub, &late).await;
    assert_eq!(late.item, ItemState::Failed);
    assert_eq!(*late.outcome, format!("refused: The invocation '{paused}' was already completed."));

    // Of one that Quarterdeck knows to have ended nothing is sent at all.
    let sent = proxy.seen().len();
    let refused = hub.plan(Verb::Cancel, &id(&paused)).await.unwrap_err();
    assert_eq!(refused, OpsError::Refused("cancel can't be had: it has ended".into()));
    assert_eq!(proxy.seen().len(), sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_unknown_is_looked_at_again_and_nothing_is_sent_twice() {
    let restate = Restate::start().await;
    let proxy = Proxy::start(&restate.admin_url());
    let state = tempfile::tempdir().unwrap();
    let hub = hub(&proxy.url(), "", Some(state.path()));
    restate.fault_on("migration", None);
    let reached = restate.send("SchemaMigration/migrate", &json!(1)).await;
    let lost = restate.send("SchemaMigration/migrate", &json!(2)).await;
    for instance in [&reached, &lost] {
        becomes(&hub, instance, |row| row.flow.status == Status::Paused).await;
    }
    restate.fault_off("migration");

    // The request arrived and its answer did not: what it did is seen.
    proxy.cut_after(1);
    let first = act(&hub, Verb::Resume, &reached).await.unwrap();
    let first = ended(&hub, &first).await;
    assert_eq!(first.item, ItemState::Verified, "{first:?}");
    assert!(first.outcome.starts_with("verified, though its answer was lost: it succeeded"), "{first:?}");
    assert!(first.log.iter().any(|(_, line)| line.starts_with("UNKNOWN whether the engine took it")), "{first:?}");

    // The request never arrived: nobody can say so, and it stays unknown.
    proxy.cut_before(1);
    let second = ended(&hub, &act(&hub, Verb::Resume, &lost).await.unwrap()).await;
    assert_eq!(second.item, ItemState::Unknown, "{second:?}");
    assert!(second.outcome.contains("nothing was sent again"), "{second:?}");

    let sent = |instance: &str| proxy.seen().iter().filter(|path| path.contains(instance)).count();
    assert_eq!((sent(&reached), sent(&lost)), (1, 1), "{:?}", proxy.seen());
    assert_eq!(proxy.reached().len(), 1);
    assert_eq!(events(&entries(state.path()), &second.id), ["act", "answer", "outcome"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_for_one_version_and_for_one_time() {
    let restate = Restate::start().await;
    let proxy = Proxy::start(&restate.admin_url());
    let hub = hub(&proxy.url(), "", None);
    restate.fault_on("migration", None);
    let paused = restate.send("SchemaMigration/migrate", &json!(7)).await;
    becomes(&hub, &paused, |row| row.flow.status == Status::Paused).await;

    let stale = hub.plan(Verb::Resume, &id(&paused)).await.unwrap();
    assert_eq!(stale.hash, hub.plan(Verb::Resume, &id(&paused)).await.unwrap().hash, "unchanged, the same hash");
    assert_ne!(stale.hash, hub.plan(Verb::Cancel, &id(&paused)).await.unwrap().hash);
    assert!(matches!(hub.remediate(&stale.hash, "  ").await, Err(OpsError::Refused(_))), "a reason is needed");
    restate.fault_off("migration");
    assert_eq!(restate.patch(&paused, "resume").await.0, 200);
    crate::support::hub::gone(&hub, &paused).await;
    assert!(matches!(hub.remediate(&stale.hash, "too late").await, Err(OpsError::Changed(_))));
    assert!(matches!(hub.remediate(&stale.hash, "once more").await, Err(OpsError::Refused(_))));
    assert!(proxy.seen().is_empty(), "nothing was sent");

    restate.fault_on("migration", None);
    let other = restate.send("SchemaMigration/migrate", &json!(8)).await;
    becomes(&hub, &other, |row| row.flow.status == Status::Paused).await;
    let plan = hub.plan(Verb::Resume, &id(&other)).await.unwrap();
    // Two requests in one instant, as a double Enter makes them.
    let (a, b) = tokio::join!(hub.remediate(&plan.hash, "twice"), hub.remediate(&plan.hash, "twice"));
    assert_eq!([a.is_ok(), b.is_ok()].iter().filter(|ok| **ok).count(), 1, "{a:?} {b:?}");
    ended(&hub, &a.or(b).unwrap()).await;
    assert_eq!(proxy.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_act_whose_process_ended_is_looked_at_again_and_never_sent_again() {
    let restate = Restate::start().await;
    let proxy = Proxy::start(&restate.admin_url());
    let state = tempfile::tempdir().unwrap();
    restate.fault_on("migration", None);
    let paused = restate.send("SchemaMigration/migrate", &json!(7)).await;
    let first = hub(&proxy.url(), "", Some(state.path()));
    becomes(&first, &paused, |row| row.flow.status == Status::Paused).await;
    // The record of a process that was ended between its request and the answer.
    proxy.hold();
    restate.fault_off("migration");
    act(&first, Verb::Resume, &paused).await.unwrap();
    eventually(SOON, || async { if proxy.held() == 1 { Ok(()) } else { Err(proxy.held()) } }).await;
    let other_state = copied(state.path());
    proxy.release();

    let second = hub(&proxy.url(), "", Some(other_state.path()));
    let polling = second.start();
    let found = second.remediations().await.unwrap();
    assert_eq!(found.len(), 1);
    let found = ended(&second, &found[0]).await;
    assert_eq!(found.item, ItemState::Verified, "{found:?}");
    assert_eq!(proxy.seen().len(), 1, "{:?}", proxy.seen());
    drop(polling);
}
