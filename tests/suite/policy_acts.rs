//! What policies and freezes say of an act is shown with its plan, and asked again when it is carried out: what is
//! refused is not sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::support::fake_restate::{FakeRestate, Kind, row};
use crate::support::hub::{SOON, SOURCE, id, setup};
use crate::support::wait::{eventually, seen};
use jiff::Timestamp;
use quarterdeck::config::Config;
use quarterdeck::connect::Connector;
use quarterdeck::connect::restate::Restate;
use quarterdeck::domain::policy::Decision;
use quarterdeck::domain::remediation::Verb;
use quarterdeck::hub::{Hub, Setup};
use quarterdeck::ops::{Ops, OpsError};

/// A hub under these rules, of an operator, whose clock is what is put into it.
fn hub(url: &str, rules: &str, production: bool, operator: &str, clock: &Arc<AtomicI64>) -> Arc<Hub> {
    let config = format!(
        "{rules}\n[context.here]\nproduction = {production}\n[[context.here.source]]\nname = \"{SOURCE}\"\nkind = \"restate\"\nurl = \"{url}\"\n"
    );
    let config = Config::parse(&config, "config.toml", None).unwrap();
    let connector = Restate::new(SOURCE, url, Duration::from_secs(5), None).unwrap();
    let sources = vec![(SOURCE.into(), Arc::new(connector) as Arc<dyn Connector>, Duration::from_secs(1))];
    let clock = Arc::clone(clock);
    Hub::new(Setup {
        operator: operator.into(),
        clock: Arc::new(move || Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap()),
        ..setup(config, sources)
    })
}

fn at(moment: &str) -> Arc<AtomicI64> {
    Arc::new(AtomicI64::new(moment.parse::<Timestamp>().unwrap().as_second()))
}

async fn refused(hub: &Hub, hash: &str, reason: &str) -> String {
    match hub.remediate(hash, reason).await {
        Err(OpsError::Refused(why)) => why.to_string(),
        other => panic!("{other:?}"),
    }
}

async fn sent_once(server: &FakeRestate) {
    eventually(SOON, || async { seen(server.asked(Kind::Act), |asked| *asked == 1) }).await;
}

const FREEZE: &str = "[[freeze]]\nname = \"launch\"\nfrom = \"2026-11-22T12:00:00Z\"\nuntil = \"2026-11-22T18:00:00Z\"\nreason = \"the launch\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_freeze_that_begins_after_the_plan_was_made_refuses_it() {
    let server = FakeRestate::start(vec![row("inv_1")]);
    let clock = at("2026-11-22T11:59:00Z");
    let hub = hub(&server.url(), FREEZE, false, "jo", &clock);
    let plan = hub.plan(Verb::Resume, &id("inv_1")).await.unwrap();
    assert_eq!(plan.policy.decision, Decision::Allow);
    clock.fetch_add(60, Ordering::SeqCst);
    let why = refused(&hub, &plan.hash, "a test asked for it").await;
    assert!(why.contains("not allowed: freeze launch: the launch, until 2026-11-22 18:00 UTC"), "{why}");
    assert_eq!(server.asked(Kind::Act), 0);
    // The menu says so, and a plan that is made now.
    let answer = hub.flow(&id("inv_1")).await.unwrap();
    let offer = answer.verbs.iter().find(|offer| offer.verb == Verb::Resume).unwrap();
    assert!(offer.refusal.as_ref().unwrap().contains("freeze launch"), "{offer:?}");
    let frozen = hub.plan(Verb::Resume, &id("inv_1")).await.unwrap();
    assert!(frozen.policy.denial().unwrap().contains("freeze launch"));
    assert_eq!(frozen.hash, plan.hash, "what is decided of it is no part of what it is");
    // It was spent by neither: once the freeze is over, it can be carried out.
    clock.fetch_sub(60, Ordering::SeqCst);
    hub.remediate(&frozen.hash, "before it began").await.unwrap();
    sent_once(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_an_approval_is_not_sent_without_it() {
    let rules = r#"
        [[policy]]
        name = "lasting"
        when = 'request.risk == "irreversible"'
        decision = "require-approval"
        approvals = 1
        reason = "nothing takes it back"
    "#;
    let server = FakeRestate::start(vec![row("inv_1")]);
    let hub = hub(&server.url(), rules, true, "jo", &at("2026-11-22T12:00:00Z"));
    let answer = hub.flow(&id("inv_1")).await.unwrap();
    let offer = |verb| answer.verbs.iter().find(|offer| offer.verb == verb).unwrap();
    assert_eq!((&offer(Verb::Resume).refusal, &offer(Verb::Resume).needs), (&None, &None));
    assert!(offer(Verb::Cancel).needs.as_ref().unwrap().contains("approvals are needed: 1 of anybody else"));
    let cancel = hub.plan(Verb::Cancel, &id("inv_1")).await.unwrap();
    let why = refused(&hub, &cancel.hash, "a test asked for it").await;
    assert!(why.starts_with("approvals are needed: 1 of anybody else (lasting: nothing takes it back"), "{why}");
    assert_eq!(server.asked(Kind::Act), 0);
    let resume = hub.plan(Verb::Resume, &id("inv_1")).await.unwrap();
    assert_eq!((&resume.policy.decision, resume.policy.reasons.len()), (&Decision::Allow, 0));
    hub.remediate(&resume.hash, "a test asked for it").await.unwrap();
    sent_once(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hangs_on_the_reason_is_decided_once_there_is_one_and_a_warning_is_told() {
    let rules = r#"
        [roles]
        responder = ["jo"]
        [[policy]]
        name = "incident"
        when = '!request.reason.contains("INC-")'
        decision = "deny"
        reason = "name the incident"
        [[policy]]
        name = "responders"
        when = '!("responder" in actor.roles)'
        decision = "deny"
        reason = "only responders act"
        [[policy]]
        name = "known"
        when = 'request.verb == "resume" && plan.targets == 1 && plan.sources == ["restate"]'
        decision = "warn"
        reason = "the queue is long"
    "#;
    let server = FakeRestate::start(vec![row("inv_1")]);
    let clock = at("2026-11-22T12:00:00Z");
    let jo = hub(&server.url(), rules, false, "jo", &clock);
    let plan = jo.plan(Verb::Resume, &id("inv_1")).await.unwrap();
    let told = |word: &str| plan.warnings.iter().any(|warning| warning.contains(word));
    assert!(told("known: the queue is long") && told("incident: it looks at the reason"), "{:?}", plan.warnings);
    assert!(plan.policy.denial().is_none());
    let why = refused(&jo, &plan.hash, "because").await;
    assert_eq!(why, "not allowed: incident: name the incident");
    let mara = hub(&server.url(), rules, false, "mara", &clock);
    let hers = mara.plan(Verb::Resume, &id("inv_1")).await.unwrap();
    let why = refused(&mara, &hers.hash, "INC-1 is over").await;
    assert_eq!(why, "not allowed: responders: only responders act");
    assert_eq!(server.asked(Kind::Act), 0);
    let act = jo.remediate(&plan.hash, "INC-1 is over").await.unwrap();
    assert_eq!(act.plan.policy.decision, Decision::Warn, "what was decided goes with the act");
    sent_once(&server).await;
}
