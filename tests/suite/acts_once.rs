//! An act is sent once, whatever becomes of its answer: lost in every way, asked for fifty times at once, or in a
//! process that ends in the middle. From then on it is looked at, and what nobody can say is called unknown.

use std::path::Path;
use std::sync::Arc;

use crate::support::fake_restate::{FakeRestate, Kind, row};
use crate::support::hostile::{Behaviour, Reply};
use crate::support::hub::{SOON, SOURCE, VERBS_OF_PAUSED, ended, hub, id};
use crate::support::ledger::{put, verified};
use crate::support::matrix::record;
use crate::support::wait::{eventually, seen};
use quarterdeck::domain::remediation::{ItemState, Remediation, Verb};
use quarterdeck::ops::Ops;
use serde_json::json;
use tokio::task::JoinSet;

/// Answers after which nobody can say whether the engine took the act.
fn lost() -> Vec<(&'static str, Behaviour)> {
    let answer = |status, kind, body: &str| Behaviour::Answers(Reply::new(status, kind, body));
    vec![
        ("close", Behaviour::Close),
        ("not http", Behaviour::NotHttp),
        ("silent", Behaviour::Silent),
        ("slow head", Behaviour::SlowHead),
        ("header flood", Behaviour::HeaderFlood),
        ("500", Behaviour::ErrorHtml),
        ("a page", Behaviour::Html),
        ("502", answer(502, "text/html", "<html>bad gateway</html>")),
        ("503", answer(503, "application/json", "{}")),
        ("504", answer(504, "text/plain", "")),
        ("408", answer(408, "text/plain", "")),
        ("204", answer(204, "text/plain", "")),
    ]
}

async fn is_lost_once(name: &'static str, behaviour: Behaviour, verb: Verb) {
    let dir = tempfile::tempdir().unwrap();
    let server = FakeRestate::start(vec![row("inv_1")]);
    server.behave_for(Kind::Act, behaviour);
    let first = hub(&server.url(), "", Some(dir.path()));
    let plan = first.plan(verb, &id("inv_1")).await.unwrap();
    let act = first.remediate(&plan.hash, "a test asked for it").await.unwrap();
    let act = ended(&first, &act).await;
    // Nothing is to be seen of it, so that it stays so.
    assert_eq!(act.item, ItemState::Unknown, "{name}: {act:#?}");
    assert!(first.remediate(&plan.hash, "once more").await.is_err(), "{name}: a plan is good once");
    first.pass().await;
    drop(first);
    // The next process knows of it, and leaves it alone.
    server.be_good();
    let second = hub(&server.url(), "", Some(dir.path()));
    let polling = second.start();
    eventually(SOON, || async { second.refresh(None).await }).await;
    second.pass().await;
    assert_eq!(server.asked(Kind::Act), 1, "{name}");
    drop(polling);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_unknown_and_never_sent_again() {
    let mut running = JoinSet::new();
    let mut done = 0;
    for (name, behaviour) in lost() {
        for verb in VERBS_OF_PAUSED {
            // Most of them only wait; too many at once would be late with what is to be good.
            if running.len() == 4 {
                running.join_next().await.unwrap().unwrap();
                done += 1;
            }
            running.spawn(is_lost_once(name, behaviour.clone(), verb));
        }
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
        done += 1;
    }
    record("acts-once", done, 24);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_enters_in_one_instant_are_one_act() {
    let mut asked = 0;
    for verb in VERBS_OF_PAUSED {
        let server = FakeRestate::start(vec![row("inv_1")]);
        let hub = hub(&server.url(), "", None);
        let plan = hub.plan(verb, &id("inv_1")).await.unwrap();
        let mut running = JoinSet::new();
        for _ in 0..50 {
            let (hub, hash) = (Arc::clone(&hub), plan.hash.clone());
            running.spawn(async move { hub.remediate(&hash, "a test asked for it").await });
            asked += 1;
        }
        let answers = running.join_all().await;
        let taken: Vec<_> = answers.into_iter().flatten().collect();
        assert_eq!(taken.len(), 1, "{verb:?}");
        eventually(SOON, || async { seen(server.asked(Kind::Act), |sent| *sent > 0) }).await;
        hub.pass().await;
        assert_eq!(server.asked(Kind::Act), 1, "{verb:?}");
    }
    record("acts-once", asked, 100);
}

/// A folder with what an older version has recorded, as far as that.
fn state_with(record: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "journal.jsonl", record);
    dir
}

/// The record of an act as the version before the ledger wrote it.
fn of_an_older_version(act: &Remediation) -> Vec<u8> {
    let (id, hash, version) = (&act.id, &act.plan.hash, &act.plan.version);
    let lines = [
        json!({
            "at": act.requested_at, "id": id, "event": "sending", "verb": "resume", "source": SOURCE,
            "instance": "inv_1", "version": version, "flow": act.plan.flow, "plan_hash": hash, "reason": act.reason,
            "requested_by": "tester",
            "before": {
                "engine_now": act.requested_at, "completed_commands": 2, "step": "apply-0042", "fingerprint": null,
            },
        }),
        json!({"at": act.requested_at, "id": id, "event": "answered", "state": "unknown", "text": "UNKNOWN"}),
        json!({"at": act.requested_at, "id": id, "event": "ended", "state": "unknown", "text": act.outcome}),
    ];
    lines.map(|line| format!("{line}\n")).concat().into_bytes()
}

async fn sends_nothing(server: &FakeRestate, state: &Path, what: &str) {
    let before = server.asked(Kind::Act);
    let hub = hub(&server.url(), "", Some(state));
    let polling = hub.start();
    eventually(SOON, || async { seen(hub.remediations().await, Result::is_ok) }).await.unwrap();
    hub.pass().await;
    let acts = hub.remediations().await.unwrap();
    assert!(acts.len() <= 1, "{what}: {acts:#?}");
    assert_eq!(server.asked(Kind::Act), before, "{what}");
    drop(polling);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_an_older_version_that_ends_anywhere_is_taken_over_and_nothing_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let server = FakeRestate::start(vec![row("inv_1")]);
    server.behave_for(Kind::Act, Behaviour::Close);
    let first = hub(&server.url(), "", Some(dir.path()));
    let plan = first.plan(Verb::Resume, &id("inv_1")).await.unwrap();
    let act = first.remediate(&plan.hash, "a test asked for it").await.unwrap();
    let act = ended(&first, &act).await;
    drop(first);
    let record_of_it = of_an_older_version(&act);
    // After each whole line, and somewhere in each of them.
    let ends = record_of_it.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let mut cuts: Vec<usize> = ends.chain((0..record_of_it.len()).step_by(97)).collect();
    cuts.sort_unstable();
    let mut cases = 0;
    for cut in cuts {
        let state = state_with(&record_of_it[..cut]);
        let what = format!("cut after {cut} of {} bytes", record_of_it.len());
        sends_nothing(&server, state.path(), &what).await;
        assert!(!state.path().join("journal.jsonl").exists(), "{what}: it is taken over");
        assert_eq!(verified(state.path()).broken, None, "{what}");
        cases += 1;
    }
    assert_eq!(server.asked(Kind::Act), 1);
    record("acts-once", cases, 10);
}
