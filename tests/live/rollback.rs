//! Bad code on a real Restate: which deployments there are, resuming what is stuck on the bad one on a good one, putting
//! the service back, and what is refused or unknown on the way.

use std::time::Duration;

use crate::support::hub::{SOON, SOURCE, becomes, hub, id};
use crate::support::proxy::Proxy;
use crate::support::restate::{Restate, Worker};
use crate::support::wait::{eventually, seen};
use quarterdeck::connect::restate::Restate as Connection;
use quarterdeck::connect::{Act, ActAnswer, ConnectError, Connector};
use quarterdeck::domain::deployment::Deployment;
use quarterdeck::domain::flow::Status;
use quarterdeck::domain::plan::{DEPLOYMENT, PUT_BACK, Pace, Parameters};
use quarterdeck::domain::remediation::{Risk, Verb};
use quarterdeck::domain::remedy::Remedy;
use quarterdeck::domain::wide::{Control, WideState};
use quarterdeck::ops::{Ops, OpsError, PlanWish, RequestOf, Selection};
use serde_json::{Value, json};

const FLOW: &str = "SchemaMigration/migrate";

/// A server with the first worker, which is good, and a second one that fails in a step.
struct Place {
    restate: Restate,
    first: String,
    second: Worker,
}

impl Place {
    async fn new() -> Self {
        let restate = Restate::start().await;
        let rows = restate.sql("select id from sys_deployment").await;
        let first = rows[0]["id"].as_str().unwrap().to_owned();
        let second = restate.deploy("second", &json!({"x-api-key": "hunter2"})).await;
        second.fault_on("migration");
        Self { restate, first, second }
    }

    fn connection(&self) -> Connection {
        connection(&self.restate.admin_url())
    }

    /// Sends some, and waits until the engine has given up on them.
    async fn stuck(&self, shards: std::ops::Range<u32>) -> Vec<String> {
        let calls = shards.map(|shard| (FLOW.to_owned(), json!(shard)));
        let ids = self.restate.send_many(calls).await;
        for id in &ids {
            self.becomes(id, "paused").await;
        }
        ids
    }

    async fn row(&self, id: &str) -> Value {
        let rows = self
            .restate
            .sql(&format!(
                "select status, completion_result, pinned_deployment_id from sys_invocation where id = '{id}'"
            ))
            .await;
        rows[0].clone()
    }

    async fn becomes(&self, id: &str, status: &str) -> Value {
        eventually(SOON, || async { seen(self.row(id).await, |row| row["status"] == status) }).await
    }
}

fn connection(url: &str) -> Connection {
    Connection::new(SOURCE, url, Duration::from_secs(10), None).unwrap()
}

fn resume_on(instance: &str, deployment: &str) -> Act {
    Act {
        verb: Verb::Resume,
        parameters: Parameters::from([(DEPLOYMENT.into(), deployment.into())]),
        instance: instance.into(),
        key: "k".into(),
    }
}

/// Id, revision, whether it is current, and how many are pinned to it.
async fn told(connection: &Connection) -> Vec<(String, u64, bool, u64)> {
    let all = connection.deployments(FLOW).await.unwrap();
    all.iter().map(|d: &Deployment| (d.id.to_string(), d.revision, d.current, d.pinned)).collect()
}

fn refusal(answer: ActAnswer) -> String {
    match answer {
        ActAnswer::Refused(why) => why.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_bad_code_left_stuck_goes_on_on_good_code_and_the_service_is_put_back() {
    let place = Place::new().await;
    let Place { restate, first, second } = &place;
    let bad = &second.deployment;
    let connection = place.connection();
    let stuck = place.stuck(0..3).await;
    assert_eq!(told(&connection).await, [(bad.clone(), 2, true, 3), (first.clone(), 1, false, 0)]);
    let all = connection.deployments(FLOW).await.unwrap();
    assert!(all.iter().all(|d| d.sdk.as_ref().is_some_and(|sdk| sdk.starts_with("restate-sdk-rust/"))), "{all:?}");
    assert!(all.iter().all(|d| d.address.starts_with("http://127.0.0.1:")) && all[0].created_at > all[1].created_at);
    assert!(connection.deployments("Nobody/knows").await.unwrap().is_empty());

    // What the engine will do is said before.
    let hub = hub(&restate.admin_url(), "", None);
    let row = becomes(&hub, &stuck[0], |row| row.flow.status == Status::Paused).await;
    let act = resume_on(&stuck[0], first);
    let effect = connection.effect_with(Verb::Resume, &act.parameters, &row.flow);
    let said = format!(
        "Restate starts it again at apply-0042 on the code of {first}, where it stays; steps that completed are not run again"
    );
    assert_eq!(*effect, said);
    assert_eq!(connection.objection(Verb::Resume, &act.parameters, &row.flow), None);
    let back = connection.plan_put_back(FLOW, bad, first).await.unwrap();
    assert_eq!((back.risk, back.moves.len()), (Risk::Costly, 10), "{back:?}");
    assert!(back.moves.iter().any(|service| *service == *"SchemaMigration"), "{back:?}");
    assert!(back.effect.contains(&format!("from {first} anew, as revision 3 or later")), "{back:?}");
    assert!(back.switches_off.starts_with(&format!("{bad} gets nothing new of ")), "{back:?}");
    assert_eq!(told(&connection).await[0], (bad.clone(), 2, true, 3), "looking changes nothing");

    for instance in &stuck {
        assert_eq!(connection.act(&resume_on(instance, first)).await, ActAnswer::Done);
        let row = place.becomes(instance, "completed").await;
        assert_eq!((&row["completion_result"], &row["pinned_deployment_id"]), (&json!("success"), &json!(first)));
    }

    assert_eq!(connection.put_back(FLOW, bad, first).await, ActAnswer::Done);
    assert_eq!(told(&connection).await, [(first.clone(), 3, true, 0), (bad.clone(), 2, false, 0)]);
    let new = restate.send(FLOW, &json!(9)).await;
    let row = place.becomes(&new, "completed").await;
    assert_eq!((&row["completion_result"], &row["pinned_deployment_id"]), (&json!("success"), &json!(first)));

    // The way back is the same, and what somebody said of the other deployment is not lost by it.
    let before = restate.deployment(bad).await;
    assert_eq!(before["additional_headers"], json!({"x-api-key": "hunter2"}));
    assert_eq!(connection.put_back(FLOW, first, bad).await, ActAnswer::Done);
    assert_eq!(told(&connection).await, [(bad.clone(), 4, true, 0), (first.clone(), 3, false, 0)]);
    let after = restate.deployment(bad).await;
    for kept in ["uri", "additional_headers", "metadata", "http_version", "protocol_type"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_is_refused_in_the_engines_words_or_not_sent_at_all() {
    let mut place = Place::new().await;
    let proxy = Proxy::start(&place.restate.admin_url());
    let connection = connection(&proxy.url());
    let stuck = place.stuck(0..1).await;
    let (first, bad) = (place.first.clone(), place.second.deployment.clone());

    let why = refusal(connection.act(&resume_on(&stuck[0], "dp_11111111111111111111111")).await);
    assert_eq!(why, format!("The given deployment was not found when trying to resume the invocation '{}'.", stuck[0]));
    assert_eq!(proxy.seen().len(), 1);
    for odd in ["latest", "dp_1&x=y", "dp_1/../../x"] {
        let why = refusal(connection.act(&resume_on(&stuck[0], odd)).await);
        assert_eq!(why, format!("nothing was sent: {odd} is no deployment id"));
    }
    let kill = Act { verb: Verb::Kill, ..resume_on(&stuck[0], &first) };
    assert_eq!(refusal(connection.act(&kill).await), "nothing was sent: kill takes no deployment at restate");

    // One that is being retried is moved after a pause only: so it is not offered, and the engine says the same.
    place.second.fault_on("database");
    let retried = place.restate.send("TenantProvisioning/acme/run", &json!("eu-west-1")).await;
    let hub = hub(&place.restate.admin_url(), "", None);
    let row = becomes(&hub, &retried, |row| row.flow.status == Status::BackingOff).await;
    let act = resume_on(&retried, &first);
    let objection = connection.objection(Verb::Resume, &act.parameters, &row.flow).unwrap();
    assert_eq!(objection, "Restate moves one to another deployment only while it is paused: pause it first");
    assert_eq!(connection.objection(Verb::Resume, &Parameters::new(), &row.flow), None);
    assert!(refusal(connection.act(&act).await).contains("deployment id cannot be changed"));
    let sent = proxy.seen().len();

    // Putting back what is not there, or not current, or where it is.
    let unknown = "dp_11111111111111111111111";
    for (flow, from, to, why) in [
        (FLOW, bad.as_str(), unknown, format!("SchemaMigration was not registered from {unknown}")),
        ("Nobody/knows", &bad, &first, format!("Nobody was not registered from {bad}")),
        (FLOW, &first, &bad, format!("{first} is not the current deployment any more: that is {bad}")),
        (FLOW, &bad, &bad, format!("{bad} is where it is")),
        (FLOW, &bad, "dp_1?force=true", "dp_1?force=true is no deployment id".to_owned()),
    ] {
        assert_eq!(connection.plan_put_back(flow, from, to).await, Err(ConnectError::Refused(why.as_str().into())));
        assert_eq!(refusal(connection.put_back(flow, from, to).await), format!("nothing was sent: {why}"));
    }
    assert_eq!(proxy.seen().len(), sent, "none of these was sent");

    // Code that is not there can't be put back to: the engine asks it first, and changes nothing.
    place.restate.stop_worker();
    let why = refusal(connection.put_back(FLOW, &bad, &first).await);
    assert!(why.starts_with("[META0003]") && why.contains("Connection refused"), "{why}");
    assert_eq!(proxy.seen().len(), sent + 1);
    assert_eq!(told(&connection).await, [(bad, 2, true, 1), (first, 1, false, 0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_unknown_was_sent_once_and_can_be_looked_up() {
    let place = Place::new().await;
    let proxy = Proxy::start(&place.restate.admin_url());
    let connection = connection(&proxy.url());
    let stuck = place.stuck(0..1).await;
    let (first, bad) = (&place.first, &place.second.deployment);

    proxy.cut_after(1);
    let answer = connection.act(&resume_on(&stuck[0], first)).await;
    assert!(matches!(answer, ActAnswer::Unknown(_)), "{answer:?}");
    assert_eq!(proxy.seen(), [format!("/invocations/{}/resume?deployment={first}", stuck[0])]);
    let row = place.becomes(&stuck[0], "completed").await;
    assert_eq!(row["pinned_deployment_id"], json!(first));

    // It never arrived, and it arrived: both are unknown, and the engine tells which was which.
    proxy.cut_before(1);
    let answer = connection.put_back(FLOW, bad, first).await;
    assert!(matches!(answer, ActAnswer::Unknown(_)), "{answer:?}");
    assert_eq!(told(&connection).await, [(bad.clone(), 2, true, 0), (first.clone(), 1, false, 0)]);
    proxy.cut_after(1);
    let answer = connection.put_back(FLOW, bad, first).await;
    assert!(matches!(answer, ActAnswer::Unknown(_)), "{answer:?}");
    eventually(SOON, || async {
        seen(told(&connection).await, |told| *told == [(first.clone(), 3, true, 0), (bad.clone(), 2, false, 0)])
    })
    .await;
    assert_eq!((proxy.seen().len(), proxy.reached().len()), (3, 2), "{:?}", proxy.seen());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_on_a_third_deployment_is_not_put_back_unasked() {
    let place = Place::new().await;
    let third = place.restate.deploy("third", &json!({})).await;
    let (first, bad) = (&place.first, &place.second.deployment);
    let connection = place.connection();
    // Now all stands on the third one; of it, the second one is no way out for what nobody named.
    let revisions = told(&connection).await;
    assert_eq!(revisions[0], (third.deployment.clone(), 3, true, 0));
    let why = refusal(connection.put_back(FLOW, bad, first).await);
    assert_eq!(
        why,
        format!("nothing was sent: {bad} is not the current deployment any more: that is {}", third.deployment)
    );
    // From the third one to the first is two steps back at once, and as good.
    assert_eq!(connection.put_back(FLOW, &third.deployment, first).await, ActAnswer::Done);
    assert_eq!(told(&connection).await[0], (first.clone(), 4, true, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_says_when_an_instance_is_not_on_current_code() {
    let place = Place::new().await;
    let hub = hub(&place.restate.admin_url(), "", None);
    let stuck = place.stuck(0..1).await;
    let (first, bad) = (&place.first, &place.second.deployment);
    let apart = format!("it stays on {bad}, which is not the current deployment ({first})");
    let fact = |of: &str| (DEPLOYMENT, of.into());

    let warnings = async |hub: &quarterdeck::hub::Hub| hub.plan(Verb::Resume, &id(&stuck[0])).await.unwrap().warnings;
    assert!(!warnings(&hub).await.iter().any(|words| words.contains("stays on")));
    let facts = hub.flow(&id(&stuck[0])).await.unwrap().detail.facts;
    assert!(facts.contains(&fact(&format!("{bad}, the current one"))), "{facts:?}");

    assert_eq!(place.connection().put_back(FLOW, bad, first).await, ActAnswer::Done);
    let told = warnings(&hub).await;
    assert!(told.iter().any(|words| **words == *apart), "{told:?}");
    let facts = hub.flow(&id(&stuck[0])).await.unwrap().detail.facts;
    assert!(facts.contains(&fact(&format!("{bad}; current is {first}"))), "{facts:?}");
}

/// What is stuck on the second worker's code goes on on the first one's, as a remediation of many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stuck_on_bad_code_is_rolled_back_as_one_remediation() {
    let place = Place::new().await;
    let stuck = place.stuck(0..12).await;
    let hub = hub(&place.restate.admin_url(), "", None);
    hub.pass().await;
    let wish = |deployment: &str| PlanWish {
        remedy: Remedy::Verb(
            Verb::Resume,
            Parameters::from([
                (DEPLOYMENT.into(), deployment.into()),
                (PUT_BACK.into(), place.second.deployment.as_str().into()),
            ]),
        ),
        selection: Selection::Ids(stuck.iter().map(|instance| id(instance)).collect()),
        waves: "probe,rest".parse().unwrap(),
        pace: Pace { per_second: 50, ..Pace::default() },
    };
    let choice = hub.deployments(&wish("").selection).await.unwrap();
    assert_eq!((choice.source.as_str(), choice.service.as_str()), (SOURCE, "SchemaMigration"));
    let told: Vec<_> = choice.all.iter().map(|one| (one.id.as_str(), one.current, one.pinned, one.failing)).collect();
    assert_eq!(told, [(place.second.deployment.as_str(), true, 12, 12), (place.first.as_str(), false, 0, 0)]);
    let refused = hub.plan_of_many(&wish("no/id")).await.unwrap_err();
    assert!(matches!(refused, OpsError::Refused(_)), "{refused:?}");
    let plan = hub.plan_of_many(&wish(&place.first)).await.unwrap();
    assert!(plan.effects.iter().all(|(effect, _)| effect.contains(&place.first)), "{:?}", plan.effects);
    assert_eq!((plan.effects.len(), plan.frozen.risk()), (2, Risk::Costly), "{:?}", plan.effects);
    let reason = "the second deployment fails".into();
    let asked = RequestOf { plan_hash: plan.hash.clone(), reason, ticket: None, takes_back: None, break_glass: None };
    let one = hub.request(&asked).await.unwrap();
    hub.control(&one.id, Control::Run).await.unwrap();
    let done = eventually(SOON, || async {
        seen(hub.wide_remediation(&one.id).await.unwrap(), |detail| !detail.head.state.runs())
    })
    .await;
    assert_eq!(
        (done.head.state, done.head.counts.words().as_str()),
        (WideState::Succeeded, "12 verified"),
        "{done:#?}"
    );
    let words = format!("12 verified; the service is back on {}, from {}", place.first, place.second.deployment);
    assert_eq!(done.head.outcome, *words);
    let asked = done.history.iter().filter(|told| told.subject == format!("{SOURCE}/SchemaMigration").as_str());
    assert_eq!(asked.map(|told| told.action.to_string()).collect::<Vec<_>>(), ["act", "answer"]);
    // The engine tells of a deployment that was registered; that it was ourselves is known all the same.
    let outside = hub.outside(50).await.unwrap();
    assert!(outside.acts.iter().all(|act| act.subject != place.first.as_str()), "{outside:?}");
    let after = place.restate.send(FLOW, &json!(99)).await;
    let row = place.becomes(&after, "completed").await;
    assert_eq!(row["pinned_deployment_id"], place.first.as_str(), "{row}");
    for instance in &stuck {
        let row = place.row(instance).await;
        assert_eq!((&row["status"], &row["completion_result"]), (&json!("completed"), &json!("success")), "{row}");
        assert_eq!(row["pinned_deployment_id"], place.first.as_str(), "{row}");
    }
}
