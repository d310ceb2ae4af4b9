//! Who of what drifts is acted on, and who is left out.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use tokio::sync::mpsc;

use super::*;
use crate::config::{TenantBook, ThresholdBook};
use crate::connect::{Act, ActAnswer, Observation, Tells, hand_on};
use crate::domain::drift::DriftStatus;
use crate::domain::drift::tests::{at, finding};
use crate::domain::remedy::Remedy;
use crate::hub::ledger::Ledger;
use crate::hub::{Policing, Setup};
use crate::ops::Ops as _;

/// Something that tells drift.
#[derive(Default)]
struct Thing {
    told: Mutex<Vec<DriftFinding>>,
    before: Option<SafeText>,
}

#[async_trait]
impl Connector for Thing {
    fn kind(&self) -> &'static str {
        "thing"
    }

    fn address(&self) -> SafeText {
        "here".into()
    }

    fn tells(&self) -> Tells {
        Tells { drift: true, ..Tells::NOTHING }
    }

    fn verbs(&self) -> &'static [Verb] {
        &Verb::OF_DRIFT
    }

    fn effect(&self, verb: Verb, _target: &FlowInstance) -> SafeText {
        verb.label().into()
    }

    async fn check(&self) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn observe(&self, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        let told = self.told.lock().unwrap().clone();
        let engine_now = Some(at(0));
        hand_on(&sink, [Observation::Drift(told), Observation::End { complete: true, engine_now, version: None }]).await
    }

    async fn recheck(&self, ids: &[SafeText]) -> Result<Vec<Option<DriftFinding>>, ConnectError> {
        let told = self.told.lock().unwrap();
        Ok(ids.iter().map(|id| told.iter().find(|finding| finding.id.instance == *id).cloned()).collect())
    }

    async fn contents(&self, ids: &[SafeText]) -> Result<Vec<Option<Contents>>, ConnectError> {
        let contents = Contents { there: Some("now".into()), before: self.before.clone(), words: None };
        Ok(vec![Some(contents); ids.len()])
    }

    async fn act(&self, _act: &Act) -> ActAnswer {
        ActAnswer::Accepted
    }
}

/// One of each: drifted, stale, silent, as wanted, ignored by its source.
fn each() -> Vec<DriftFinding> {
    let one = |id: &str, change: fn(&mut DriftFinding)| {
        let mut one = finding(id);
        change(&mut one);
        one
    };
    vec![
        one("drifted", |_| {}),
        one("stale", |one| one.last_checked = Some(at(-100_000))),
        one("silent", |one| one.status = DriftStatus::NotChecked),
        one("inexact", |one| one.exact_id = false),
        one("ignored", |one| one.ignored_until = Some(at(1_000))),
        one("busy", |one| one.status = DriftStatus::Reconciling),
    ]
}

async fn hub(thing: Thing, ledger: Ledger) -> Arc<Hub> {
    let thing = Arc::new(thing) as Arc<dyn Connector>;
    let setup = Setup {
        context: "c".to_owned(),
        operator: "ada".to_owned(),
        read_only: None,
        locked: false,
        thresholds: ThresholdBook::default(),
        tenants: TenantBook::default(),
        policing: Policing::default(),
        soak: SignedDuration::ZERO,
        state_dir: None,
        read_dir: None,
        clock: Arc::new(|| at(0)),
        sources: vec![("salt".to_owned(), thing, Duration::from_secs(5))],
    };
    let hub = Hub::on(setup, Ok(ledger));
    hub.pass().await;
    hub
}

fn wish(verb: Verb, selection: Selection) -> PlanWish {
    PlanWish {
        remedy: Remedy::Verb(verb, Parameters::new()),
        selection,
        waves: "rest".parse().unwrap(),
        pace: crate::domain::plan::Pace::default(),
    }
}

fn cause() -> Selection {
    Selection::Cause { source: None, key: DriftFinding::cause(&["/etc/motd"]) }
}

fn id(instance: &str) -> InstanceId {
    InstanceId::new("salt", instance)
}

#[tokio::test]
async fn who_cannot_be_acted_on_is_left_out_with_why() {
    let hub = hub(Thing { told: Mutex::new(each()), before: None }, Ledger::in_memory()).await;
    let plan = hub.plan_of_many(&wish(Verb::Reconcile, cause())).await.unwrap();
    let targets: Vec<&str> = plan.frozen.targets.iter().map(|target| target.id.instance.as_str()).collect();
    assert_eq!(targets, ["drifted"]);
    let skipped: Vec<(&str, &str)> =
        plan.skipped.iter().map(|skipped| (skipped.id.instance.as_str(), skipped.reason.as_str())).collect();
    assert_eq!(
        skipped,
        [
            ("busy", "something is about to bring it back"),
            ("ignored", "its source says to leave it alone"),
            ("inexact", INEXACT),
            ("silent", "nobody knows whether it differs: it is not checked"),
            ("stale", "its check is too old to be acted on: check it anew first"),
        ]
    );
    assert_eq!(plan.frozen.targets[0].version, finding("drifted").version());
    assert!(plan.effects[0].0.contains("1 of what is there are LOST"), "{:?}", plan.effects);
    let again = hub.plan_of_many(&wish(Verb::Reconcile, cause())).await.unwrap();
    assert_eq!(again.hash, plan.hash, "made once more while nothing has changed");
    // Another cause, and what nobody tells of.
    let other = Selection::Cause { source: Some("elsewhere".into()), key: DriftFinding::cause(&["/etc/motd"]) };
    let why = hub.plan_of_many(&wish(Verb::Reconcile, other)).await.unwrap_err().to_string();
    assert!(why.contains("nothing matches"), "{why}");
    let gone = Selection::Ids([id("no-such")].into());
    let why = hub.plan_of_many(&wish(Verb::Reconcile, gone)).await.unwrap_err().to_string();
    assert!(why.contains("its source tells of no such drift"), "{why}");
    let flows = Selection::Matching { filter: crate::query::Filter::default(), without: BTreeSet::new() };
    assert!(hub.plan_of_many(&wish(Verb::Reconcile, flows)).await.is_err());
    let why = hub.plan_of_many(&wish(Verb::Resume, cause())).await.unwrap_err().to_string();
    assert!(why.contains("nothing matches"), "{why}");
}

#[tokio::test]
async fn what_is_to_be_put_back_is_a_part_of_the_plan() {
    let of = async |before: Option<&str>| {
        let thing = Thing { told: Mutex::new(vec![finding("drifted")]), before: before.map(SafeText::from) };
        let hub = hub(thing, Ledger::in_memory()).await;
        hub.plan_of_many(&wish(Verb::Restore, cause())).await
    };
    let (one, other) = (of(Some("a")).await.unwrap(), of(Some("b")).await.unwrap());
    assert_ne!(one.hash, other.hash);
    assert!(!one.blast.destroys(), "what is there is kept");
    let why = of(None).await.unwrap_err().to_string();
    assert!(why.contains("nothing is kept of what was there before"), "{why}");
}

#[tokio::test]
async fn a_finding_that_is_left_alone_is_no_target_until_its_end() {
    let hub = hub(Thing { told: Mutex::new(vec![finding("drifted")]), before: None }, Ledger::in_memory()).await;
    let says = |until: Option<i64>, reason: &str| crate::ops::IgnoreOf {
        id: id("drifted"),
        until: until.map(at),
        reason: reason.into(),
    };
    for (until, reason, why) in [
        (Some(3_600), " ", "a reason is needed"),
        (Some(5), "the move", "a minute to 90 days"),
        (Some(100 * 86_400), "the move", "a minute to 90 days"),
        (None, "the move", "nobody has said to leave it alone"),
    ] {
        let refused = hub.ignore(&says(until, reason)).await.unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
    let known = hub.ignore(&says(Some(3_600), "the move")).await.unwrap();
    assert_eq!(known.status(at(0)), DriftStatus::Ignored);
    let why = hub.plan_of_many(&wish(Verb::Reconcile, cause())).await.unwrap_err().to_string();
    assert!(why.contains("ada said to leave it alone until") && why.contains("the move"), "{why}");
    assert_eq!(hub.ignore(&says(None, "it is over")).await.unwrap().status(at(0)), DriftStatus::Drifted);
    assert!(hub.plan_of_many(&wish(Verb::Reconcile, cause())).await.is_ok());
}

#[tokio::test]
async fn after_three_automatic_repairs_that_failed_a_person_has_to_look() {
    let ledger = Ledger::in_memory();
    let hub = hub(Thing { told: Mutex::new(vec![finding("drifted")]), before: None }, ledger.clone()).await;
    let plan = async |by: &str| hub.wide_plan(&wish(Verb::Reconcile, cause()), &Asked::by(by.into())).await;
    let came_to = [("failed", true), ("failed", true), ("failed", false), ("failed", true)];
    for (n, (state, automatic)) in came_to.into_iter().enumerate() {
        assert!(plan("automation:mend").await.is_ok(), "{n}");
        ledger.tell_of_item(&id("drifted"), n, if automatic { "automation:mend" } else { "ada" }, state);
    }
    let why = plan("automation:mend").await.unwrap_err().to_string();
    assert!(why.contains("3 automatic repairs of it in a row have failed"), "{why}");
    assert!(plan("ada").await.is_ok(), "a person may");
    ledger.tell_of_item(&id("drifted"), 9, "automation:mend", "verified");
    assert!(plan("automation:mend").await.is_ok(), "one that held begins anew");
}
