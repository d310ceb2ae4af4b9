//! What minions are at, by a salt-api made for tests: told as it runs, unknown where a minion is silent, ended by one signal.

use crate::salt::{DIFF, act, connector, drifted, hub_of, states, wish};
use crate::support::fake_salt::{FakeSalt, recorded};
use crate::support::hub::rows;
use crate::support::matrix::record;
use crate::support::runs::{carried, request};
use quarterdeck::connect::salt::Salt;
use quarterdeck::connect::{ActAnswer, Connector, Observation};
use quarterdeck::domain::drift::DriftStatus;
use quarterdeck::domain::flow::{FlowInstance, Status};
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::remediation::{ItemState, Verb};
use quarterdeck::domain::text::is_hidden;
use quarterdeck::domain::wide::{Control, WideState};
use quarterdeck::ops::{DriftQuery, Ops};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// A job that began an hour ahead of UTC, as the clock of the master that is made for tests goes.
const JID: &str = "20261121104700000000";

const ID: &str = "20261121104700000000@m";

fn job(jid: &str, function: &str, arguments: &Value) -> Value {
    json!({"pid": 6405, "fun": function, "arg": arguments, "tgt": "*", "jid": jid, "ret": "", "tgt_type": "glob", "user": "ops"})
}

fn server() -> FakeSalt {
    let server = FakeSalt::start([("m", states([drifted("motd", DIFF)])), ("other", states([drifted("motd", DIFF)]))]);
    let secret = json!(["curl -H password=hunter2"]);
    server.edit(|world| {
        let both = json!([job(JID, "state.apply", &json!(["cp", {"__kwarg__": true}])), job("2", "cmd.run", &secret)]);
        world.running.insert("m".to_owned(), both);
    });
    server
}

/// The jobs that a pass tells, and how much could not be read.
async fn pass(salt: &Salt) -> (Vec<FlowInstance>, usize) {
    let (sink, mut parts) = mpsc::channel(1_000);
    salt.observe(sink).await.unwrap();
    let (mut flows, mut bad) = (Vec::new(), 0);
    while let Some(part) = parts.recv().await {
        match part {
            Observation::Flows(some) => flows.extend(some),
            Observation::BadRows { count, .. } => bad += count,
            _ => {}
        }
    }
    flows.sort_by(|one, other| one.id.cmp(&other.id));
    (flows, bad)
}

#[tokio::test]
async fn what_minions_are_at_is_told_without_commands() {
    let server = server();
    let salt = connector(&server);
    let (flows, bad) = pass(&salt).await;
    let [apply, command] = &flows[..] else { panic!("{flows:#?}") };
    assert_eq!(bad, 0);
    assert_eq!((apply.id.instance.as_str(), apply.exact_id, apply.status), (ID, true, Status::Running));
    assert_eq!((apply.flow.as_str(), apply.step.as_str(), apply.key.as_deref()), ("state.apply", "cp", Some("m")));
    assert_eq!(apply.created_at.unwrap().to_string(), "2026-11-21T09:47:00Z", "by UTC");
    // What can't be an id of Salt's is shown, and can't be acted on.
    assert_eq!((command.step.as_str(), command.exact_id, command.created_at), ("[running]", false, None));
    assert!(!format!("{flows:?}").contains("hunter2"), "{flows:?}");
    // Questions are jobs, too: here and elsewhere. They are nothing to look at, unless they hang.
    let test = json!([{"__kwarg__": true, "test": true}]);
    for (jid, function, arguments, left_out) in [
        ("20261121104800000000", "grains.item", json!([]), true),
        ("20261121104800000000", "state.apply", test.clone(), true),
        ("20261121104800000000", "state.apply", json!([{"__kwarg__": true, "test": false}]), false),
        ("20261121103800000000", "state.apply", test, false),
        ("2", "grains.item", json!([]), false),
    ] {
        server.edit(|world| _ = world.running.insert("m".to_owned(), json!([job(jid, function, &arguments)])));
        assert_eq!(pass(&salt).await.0.is_empty(), left_out, "{jid} {function} {arguments}");
    }
}

#[tokio::test]
async fn of_a_silent_minion_nobody_knows_whether_it_is_still_at_it() {
    let server = server();
    let salt = connector(&server);
    let hub = hub_of(connector(&server), None);
    hub.pass().await;
    pass(&salt).await;
    server.edit(|world| _ = world.silent.insert("m".to_owned()));
    let (flows, _) = pass(&salt).await;
    assert_eq!(flows.iter().map(|flow| flow.status).collect::<Vec<_>>(), [Status::Unknown; 2]);
    server.edit(|world| _ = world.kept.insert(JID.to_owned(), json!({"Function": "state.apply", "Arguments": ["cp"]})));
    let sight = salt.sights(&[ID.into()]).await.unwrap().remove(0).unwrap();
    assert_eq!((sight.flow.status, sight.flow.step.as_str()), (Status::Unknown, "cp"));
    assert!(hub.plan(Verb::Kill, &InstanceId::new("s", ID)).await.is_err(), "nothing is planned for what is not known");
    server.edit(|world| {
        world.silent.clear();
        world.running.clear();
    });
    assert_eq!(pass(&salt).await.0, []);
    assert!(salt.read(ID).await.unwrap().is_none(), "it neither runs nor has returned");
}

#[tokio::test]
async fn what_a_job_came_to_is_told_by_what_the_master_keeps() {
    let server = server();
    let salt = connector(&server);
    let reading = salt.read(ID).await.unwrap().unwrap();
    assert_eq!(reading.detail.flow.status, Status::Running);
    let facts = reading.detail.facts.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>();
    assert_eq!(facts[..1], ["minion: m"], "{facts:?}");
    assert!(facts.contains(&"process: 6405".to_owned()), "{facts:?}");
    server.edit(|world| world.running.clear());
    let kept = recorded("job")["response"]["body"]["info"][0].clone();
    for (jid, result, status) in [
        ("20261121104700000001", json!({"m": {"return": "x", "retcode": 0, "success": true}}), Status::Succeeded),
        ("20261121104700000002", json!({"m": {"return": ["no such state"], "retcode": 1}}), Status::Failed),
        ("20261121104700000003", json!({"m": {"return": "boo", "success": false}}), Status::Failed),
    ] {
        let mut job = kept.clone();
        job["Result"] = result;
        server.edit(|world| _ = world.kept.insert(jid.to_owned(), job));
        let reading = salt.read(&format!("{jid}@m")).await.unwrap().unwrap();
        assert_eq!(reading.detail.flow.status, status, "{jid}");
        assert_eq!(reading.detail.error.is_empty(), status == Status::Succeeded, "{jid}");
    }
    for none in ["m", "20261121104700000009@m", "20261121104700000001@nobody", "x@m"] {
        assert!(salt.read(none).await.unwrap().is_none(), "{none}");
    }
}

#[tokio::test]
async fn what_one_minion_tells_of_its_jobs_spoils_no_other() {
    let odd = [
        ("a text", json!("'saltutil.running' is not available.").to_string()),
        ("nothing", "null".to_owned()),
        ("a number", "7".to_owned()),
        ("deep", format!("{}{}", "[".repeat(5_000), "]".repeat(5_000))),
        ("rows that are none", json!([7]).to_string()),
        ("no id", json!([{"fun": "test.sleep"}]).to_string()),
        ("too many", json!(vec![job(JID, "test.sleep", &json!([1])); 1_001]).to_string()),
    ];
    for (name, told) in &odd {
        let server = server();
        let salt = connector(&server);
        server.edit(|world| _ = world.odd.insert("other".to_owned(), told.clone()));
        let (flows, bad) = pass(&salt).await;
        assert_eq!((flows.len(), bad), (2, 1), "{name}: {flows:#?}");
    }
    let hostile = job(JID, "\u{1b}[2Jboo\u{202e}", &json!(["\u{1b}]0;x\u{7}"]));
    let server = server();
    server.edit(|world| _ = world.running.insert("other".to_owned(), json!([hostile, hostile])));
    let (flows, _) = pass(&connector(&server)).await;
    assert_eq!(flows.len(), 3, "told twice it is one: {flows:#?}");
    assert!(
        !flows.iter().any(|flow| format!("{}{}{}", flow.flow, flow.step, flow.id).contains(is_hidden)),
        "{flows:#?}"
    );
    record("typed-edges", odd.len() + 1, 8);
}

#[tokio::test]
async fn a_job_is_ended_by_one_signal_and_seen_to_be_gone() {
    let server = server();
    let hub = hub_of(connector(&server), None);
    hub.pass().await;
    assert_eq!(rows(&hub, "s").await.len(), 2);
    let plan = hub.plan_of_many(&wish(Verb::Kill, &InstanceId::new("s", ID))).await.unwrap();
    let asked = request(&hub, &plan).await.unwrap();
    let done = carried(&hub, &asked.id, Control::Run).await;
    assert_eq!((done.head.state, done.items[0].state), (WideState::Succeeded, ItemState::Verified), "{done:#?}");
    assert_eq!(done.items[0].words, "verified: it is gone");
    let sent = server.changes();
    assert_eq!(sent.len(), 1, "{sent:#?}");
    let own = json!({"quarterdeck": ID, "verb": "kill"});
    assert_eq!((&sent[0]["arg"], &sent[0]["tgt"], &sent[0]["metadata"]), (&json!([JID]), &json!(["m"]), &own));

    let salt = connector(&server);
    assert!(matches!(salt.act(&act(Verb::Kill, ID)).await, ActAnswer::Gone(_)), "it does not run any more");
    assert!(matches!(salt.act(&act(Verb::Kill, &format!("{JID}@nobody"))).await, ActAnswer::Gone(_)));
    for (verb, instance) in [(Verb::Kill, "m"), (Verb::Kill, "2@m"), (Verb::Reconcile, ID), (Verb::Cancel, ID)] {
        let answer = salt.act(&act(verb, instance)).await;
        assert!(matches!(answer, ActAnswer::Refused(_)), "{verb:?} {instance}: {answer:?}");
    }
}

#[tokio::test]
async fn a_minion_that_is_busy_for_a_moment_is_asked_again() {
    let server = server();
    server.edit(|world| world.busy_for = 1);
    let hub = hub_of(connector(&server), None);
    hub.pass().await;
    let rows = hub.drift(&DriftQuery { by_cause: false, limit: 10, ..DriftQuery::default() }).await.unwrap().rows;
    let status = rows.iter().map(|row| row.first.finding.status).collect::<Vec<_>>();
    assert_eq!(status, [DriftStatus::Drifted; 2]);
}
