//! Each kind of stuck, waiting and ended work on a real Restate has the status and the verdict that it should have.

use crate::support::hub::{becomes, gone, hub, id, row};
use crate::support::restate::Restate;
use quarterdeck::domain::flow::{PauseCause, Status, WaitKind};
use quarterdeck::domain::remediation::Verb;
use quarterdeck::domain::verdict::{Rule, Verdict};
use quarterdeck::ops::Ops;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_has_its_status_and_verdict() {
    let restate = Restate::start().await;
    for fault in ["database", "migration", "hang", "order"] {
        restate.fault_on(fault, None);
    }
    let exhausted = restate.send("SchemaMigration/migrate", &json!(7)).await;
    let backing_off = restate.send("TenantProvisioning/acme/run", &json!("eu-west-1")).await;
    let held = restate.send("TenantProvisioning/globex/run", &json!("eu-west-1")).await;
    let held_hung = restate.send("CertRotation/rotate", &json!("held")).await;
    let hung = restate.send("CertRotation/rotate", &json!("initech")).await;
    let sleeping = restate.send("ConfigReconciler/acme/reconcile", &json!(36_000_000)).await;
    let behind_a_sleeper = restate.send("ConfigReconciler/acme/reconcile", &json!(1)).await;
    let failing_holder = restate.send("OrderBook/acme/place", &json!(1)).await;
    let behind_a_stuck_one = restate.send("OrderBook/acme/place", &json!(2)).await;
    let callback = restate.send("BackupRun/run", &json!("acme")).await;
    let caller = restate.send("PlanUpgrade/upgrade", &json!(9)).await;
    let scheduled = restate.send("Noop/ping?delay=2h", &json!(1)).await;
    let failed = restate.send("DnsCutover/cutover", &json!("acme.test")).await;
    let cancelled = restate.send("BackupRun/run", &json!("cancelled")).await;
    let killed = restate.send("BackupRun/run", &json!("killed")).await;
    let done = restate.send("Noop/ping", &json!(1)).await;

    // With the defaults nothing is old enough yet to be stuck, but what has no retries left.
    let young = hub(&restate.admin_url(), "", None);
    let paused = becomes(&young, &exhausted, |row| row.flow.status == Status::Paused).await;
    assert_eq!(paused.flow.pause, Some(PauseCause::Exhausted));
    assert_eq!(paused.flow.step, "apply-0042");
    assert_eq!((paused.judgement.verdict, paused.judgement.rule()), (Verdict::Stuck, Some(Rule::Exhausted)));
    assert_eq!(paused.flow.attempts, None, "the engine does not say");
    assert!(
        paused
            .judgement
            .primary()
            .unwrap()
            .evidence
            .starts_with("paused by the engine after its last attempt at apply-0042")
    );
    assert_eq!(paused.flow.error.as_ref().unwrap().text, "relation \"tenant_settings\" does not exist (shard 7)");
    assert_eq!(paused.flow.error.as_ref().unwrap().fingerprint, "relation \"<name>\" does not exist (shard <n>)");

    let failed = becomes(&young, &failed, |row| row.flow.status == Status::Failed).await;
    assert_eq!((failed.judgement.verdict, failed.judgement.rule()), (Verdict::Stuck, Some(Rule::Exhausted)));
    assert_eq!(
        failed.flow.error.as_ref().unwrap().code.as_deref(),
        Some("409"),
        "an application's own 409 is a failure"
    );

    let retried = becomes(&young, &backing_off, |row| row.flow.status == Status::BackingOff).await;
    assert!(matches!(retried.judgement.verdict, Verdict::Ok | Verdict::Suspect), "{retried:?}");
    assert!(retried.flow.next_retry_at.is_some() && retried.flow.first_failure_at.is_some());
    assert_eq!(retried.flow.error.as_ref().unwrap().fingerprint, "connect ECONNREFUSED <host> while creating <key>");

    // Paused by a person: out of a retry, and out of a step that hangs (which takes effect when it yields).
    becomes(&young, &held, |row| row.flow.status == Status::BackingOff).await;
    assert_eq!(restate.patch(&held, "pause").await.0, 202);
    let held = becomes(&young, &held, |row| row.flow.status == Status::Paused).await;
    assert_eq!((held.flow.pause, held.judgement.verdict), (Some(PauseCause::Held), Verdict::Ok));
    becomes(&young, &held_hung, |row| row.flow.step == "wait-acme").await;
    assert_eq!(restate.patch(&held_hung, "pause").await.0, 202);

    for instance in [&cancelled, &killed] {
        becomes(&young, instance, |row| row.flow.status == Status::Waiting).await;
    }
    assert_eq!(restate.patch(&cancelled, "cancel").await.0, 202);
    assert!(matches!(restate.patch(&killed, "kill").await.0, 200 | 202));
    for instance in [&cancelled, &killed, &done] {
        gone(&young, instance).await;
    }
    for (ended, status) in [(&cancelled, Status::Cancelled), (&killed, Status::Cancelled), (&done, Status::Succeeded)] {
        let answer = young.flow(&id(ended)).await.unwrap();
        assert_eq!((answer.detail.flow.status, answer.judgement.verdict), (status, Verdict::Ok));
        // What has ended is only ever begun anew or forgotten.
        for offer in &answer.verbs {
            let refusal = (!matches!(offer.verb, Verb::RestartAsNew | Verb::Purge)).then_some("it has ended");
            assert_eq!(offer.refusal.as_deref(), refusal, "{:?} of {status:?}", offer.verb);
        }
    }

    // With thresholds of next to nothing, what fails or hangs is stuck, and what waits by right still is not.
    let strict =
        hub(&restate.admin_url(), "[thresholds]\nretry_attempts = 1\nretry_min_age = \"1ms\"\noverdue = \"1ms\"", None);
    let storm = becomes(&strict, &backing_off, |row| row.judgement.stuck()).await;
    assert_eq!(storm.judgement.rule(), Some(Rule::RetryStorm));
    let overdue = becomes(&strict, &hung, |row| row.judgement.stuck()).await;
    assert_eq!((overdue.flow.status, overdue.judgement.rule()), (Status::Running, Some(Rule::Overdue)));
    assert_eq!(overdue.flow.step, "wait-acme");
    becomes(&strict, &failing_holder, |row| row.judgement.rule() == Some(Rule::RetryStorm)).await;
    let blocked = becomes(&strict, &behind_a_stuck_one, |row| row.judgement.stuck()).await;
    assert_eq!((blocked.flow.status, blocked.judgement.rule()), (Status::Queued, Some(Rule::BlockedBy)));
    assert!(blocked.judgement.primary().unwrap().evidence.contains(&failing_holder), "it names who holds the key");

    let legitimate = [
        (&sleeping, Status::Waiting, "sleep", Some(WaitKind::Timer)),
        (&behind_a_sleeper, Status::Queued, "(queued)", Some(WaitKind::Lock)),
        (&callback, Status::Waiting, "awakeable", Some(WaitKind::Signal)),
        (&caller, Status::Waiting, "call:SchemaMigration/migrate", Some(WaitKind::Child)),
        (&scheduled, Status::Scheduled, "(queued)", None),
    ];
    for (instance, status, step, wait) in legitimate {
        let row = becomes(&strict, instance, |row| row.flow.status == status && row.flow.step == *step).await;
        assert_eq!(row.flow.wait.as_ref().map(|wait| wait.kind), wait, "{step}");
        assert_eq!(row.judgement.verdict, Verdict::Ok, "{step}: {row:?}");
    }
    assert!(row(&strict, &sleeping).await.unwrap().flow.wait.as_ref().unwrap().until.is_some());

    // A wait becomes lost when it is too long for its kind, and a promise is a person's to keep.
    restate.fault_off("database");
    let promise = restate.send("TenantProvisioning/umbrella/run", &json!("eu-west-1")).await;
    becomes(&strict, &promise, |row| row.flow.status == Status::Waiting && row.flow.step == "promise:approval").await;
    let impatient = hub(&restate.admin_url(), "[thresholds]\nwait_callback = \"1ms\"\nwait_person = \"1ms\"", None);
    for instance in [&callback, &promise] {
        let lost = becomes(&impatient, instance, |row| row.judgement.stuck()).await;
        assert_eq!(lost.judgement.rule(), Some(Rule::LostWait));
    }
    // What runs on after a pause was asked for is held once it yields.
    restate.fault_off("hang");
    gone(&strict, &hung).await;
}
