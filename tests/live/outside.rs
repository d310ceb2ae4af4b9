//! What was done to a real Restate and not by Quarterdeck: only that is listed, whichever process did what.

use std::collections::BTreeSet;

use crate::support::hub::{SOON, act, becomes, ended, hub};
use crate::support::proxy::Proxy;
use crate::support::restate::Restate;
use crate::support::wait::{eventually, seen};
use quarterdeck::domain::flow::Status;
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::outside::OutsideAct;
use quarterdeck::domain::remediation::{ItemState, Verb};
use quarterdeck::hub::Hub;
use quarterdeck::ops::{Ops, OpsError};
use serde_json::json;

/// What was done to instances, by whom nobody knows: the verb and the instance.
async fn told(hub: &Hub) -> BTreeSet<(Verb, String)> {
    let outside = hub.outside(100).await.unwrap();
    assert!(outside.untold.is_empty(), "{outside:?}");
    assert!(outside.acts.is_sorted_by(|one, other| one.at >= other.at), "{outside:?}");
    let of_instance = |act: &OutsideAct| Some((act.verb?, act.subject.to_string()));
    outside.acts.iter().filter_map(of_instance).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_what_was_done_only_what_was_done_outside_is_listed() {
    let restate = Restate::start().await;
    let state = tempfile::tempdir().unwrap();
    let hub_of = || hub(&restate.admin_url(), "", Some(state.path()));
    let ours = hub_of();
    restate.fault_on("database", None);

    // Two of each: one is done by the hub, one by somebody else.
    let waiting =
        restate.send_many(["a", "b", "c", "d"].map(|tenant| ("BackupRun/run".to_owned(), json!(tenant)))).await;
    let retried =
        restate.send_many(["e", "f"].map(|tenant| (format!("TenantProvisioning/{tenant}/run"), json!("eu")))).await;
    let failed = restate.send_many(["g", "h"].map(|zone| ("DnsCutover/cutover".to_owned(), json!(zone)))).await;
    for (ids, status) in [(&waiting, Status::Waiting), (&retried, Status::BackingOff), (&failed, Status::Failed)] {
        for id in ids {
            becomes(&ours, id, |row| row.flow.status == status).await;
        }
    }
    let pairs = [
        (Verb::Cancel, &waiting[0], &waiting[1]),
        (Verb::Kill, &waiting[2], &waiting[3]),
        (Verb::Pause, &retried[0], &retried[1]),
        (Verb::RestartAsNew, &failed[0], &failed[1]),
    ];
    let mut expected = BTreeSet::new();
    for (verb, own, other) in pairs {
        let (status, body) = restate.patch(other, verb.name()).await;
        assert!((200..300).contains(&status), "{verb:?}: {status} {body}");
        expected.insert((verb, other.clone()));
        let done = ended(&ours, &act(&ours, verb, own).await.unwrap()).await;
        assert!(done.answered.is_some(), "{done:?}");
    }
    eventually(SOON, || async { seen(told(&ours).await, |told| *told == expected) }).await;

    // What it is and to what, in words; the registration of the worker is outside, too.
    let outside = ours.outside(100).await.unwrap();
    let of = |subject: &str| outside.acts.iter().find(|act| *act.subject == *subject).unwrap();
    assert_eq!(*of(&waiting[1]).what, *"cancelled: BackupRun/run");
    assert_eq!(*of(&waiting[3]).what, *"killed: BackupRun/run");
    assert_eq!(*of(&retried[1]).what, *"paused: TenantProvisioning/run");
    assert!(of(&failed[1]).what.starts_with("restarted as inv_"), "{outside:?}");
    assert!(of(&failed[1]).what.ends_with(": DnsCutover/cutover"), "{outside:?}");
    let [deployed] = &outside.acts.iter().filter(|act| act.verb.is_none()).collect::<Vec<_>>()[..] else {
        panic!("{outside:?}")
    };
    assert!(deployed.what.starts_with("registered from http://127.0.0.1:"), "{deployed:?}");
    assert!(deployed.what.ends_with(": BackupRun, CertRotation, ConfigReconciler and 7 more"), "{deployed:?}");
    assert_eq!(ours.outside(2).await.unwrap().acts, outside.acts[..2], "the newest ones");

    // It stands in the timeline of what it was done to, and of nothing else.
    let marked = async |id: &String| {
        let timeline = ours.flow(&InstanceId::new("restate", id.as_str())).await.unwrap().detail.timeline;
        timeline.into_iter().map(|entry| entry.what.to_string()).filter(|what| what.starts_with("outside: ")).collect()
    };
    let of_it: Vec<String> = marked(&retried[1]).await;
    assert_eq!(of_it, ["outside: paused: TenantProvisioning/run"]);
    let of_ours: Vec<String> = marked(&retried[0]).await;
    assert!(of_ours.is_empty(), "{of_ours:?}");

    // Another process knows from the record what the first one did; one without that record takes all for outside.
    let next = hub_of();
    next.pass().await;
    assert_eq!(told(&next).await, expected);
    let stranger = hub(&restate.admin_url(), "", None);
    stranger.pass().await;
    let all = told(&stranger).await;
    assert_eq!(all.len(), 8, "{all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_refused_explains_nothing_and_what_was_lost_does() {
    let restate = Restate::start().await;
    let proxy = Proxy::start(&restate.admin_url());
    let hub = hub(&proxy.url(), "", None);
    let waiting = restate.send_many(["a", "b"].map(|tenant| ("BackupRun/run".to_owned(), json!(tenant)))).await;
    for id in &waiting {
        becomes(&hub, id, |row| row.flow.status == Status::Waiting).await;
    }
    // Somebody kills it before our own request for that arrives, which is refused then.
    proxy.hold();
    let late = act(&hub, Verb::Kill, &waiting[0]).await.unwrap();
    eventually(SOON, || async { if proxy.held() == 1 { Ok(()) } else { Err(proxy.held()) } }).await;
    assert_eq!(restate.patch(&waiting[0], "kill").await.0, 200);
    proxy.release();
    let late = ended(&hub, &late).await;
    assert!(late.outcome.starts_with("refused: "), "{late:?}");
    // This one arrived, and its answer did not.
    proxy.cut_after(1);
    let lost = ended(&hub, &act(&hub, Verb::Kill, &waiting[1]).await.unwrap()).await;
    assert_eq!(lost.item, ItemState::Verified, "{lost:?}");
    assert_eq!(told(&hub).await, BTreeSet::from([(Verb::Kill, waiting[0].clone())]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_along_calls_is_one_act() {
    let restate = Restate::start().await;
    let hub = hub(&restate.admin_url(), "", None);
    restate.fault_on("migration", None);
    let mut callers = Vec::new();
    for shard in [1, 2] {
        let caller = restate.send("PlanUpgrade/upgrade", &json!(shard)).await;
        let below = format!("select id from sys_invocation where invoked_by_id = '{caller}' and status = 'paused'");
        let rows = eventually(SOON, || async { seen(restate.sql(&below).await, |rows| rows.len() == 1) }).await;
        becomes(&hub, rows[0]["id"].as_str().unwrap(), |row| row.flow.status == Status::Paused).await;
        becomes(&hub, &caller, |row| row.flow.status == Status::Waiting).await;
        callers.push(caller);
    }
    assert_eq!(restate.patch(&callers[0], "kill").await.0, 200);
    assert!(ended(&hub, &act(&hub, Verb::Kill, &callers[1]).await.unwrap()).await.answered.is_some());
    let killed = "select id from sys_invocation where completion_failure = '[409] killed'";
    eventually(SOON, || async { seen(restate.sql(killed).await, |rows| rows.len() == 4) }).await;
    assert_eq!(told(&hub).await, BTreeSet::from([(Verb::Kill, callers[0].clone())]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_tell_is_named_and_without_a_record_nothing_is_said() {
    let mut restate = Restate::start().await;
    let state = tempfile::tempdir().unwrap();
    let watching = hub(&restate.admin_url(), "", Some(state.path()));
    restate.kill_server();
    let outside = watching.outside(100).await.unwrap();
    assert!(outside.acts.is_empty());
    let [(source, why)] = &outside.untold[..] else { panic!("{outside:?}") };
    assert!(*source == *"restate" && !why.is_empty(), "{outside:?}");

    // A folder where the ledger should be: nothing can be recorded, so nothing is known of what was.
    std::fs::create_dir_all(state.path().join("other/ledger.sqlite")).unwrap();
    let blind = hub(&restate.admin_url(), "", Some(&state.path().join("other")));
    let Err(OpsError::Refused(why)) = blind.outside(100).await else { panic!("it is told") };
    assert!(why.starts_with("without its own record Quarterdeck can't say what was done outside: "), "{why}");
}
