//! Who of what drifts is acted on, and who is left out.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use tokio::sync::mpsc;

use super::*;
use crate::config::{TenantBook, ThresholdBook};
use crate::connect::{Act, ActAnswer, Observation, Tells, hand_on};
use crate::domain::drift::tests::{at, finding};
use crate::domain::drift::{DriftStatus, Severity};
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
    hub_of(Arc::new(thing), ledger, false).await
}

async fn hub_of(thing: Arc<Thing>, ledger: Ledger, locked: bool) -> Arc<Hub> {
    hub_with(thing, ledger, locked, ThresholdBook::default()).await
}

async fn hub_with(thing: Arc<Thing>, ledger: Ledger, locked: bool, thresholds: ThresholdBook) -> Arc<Hub> {
    let setup = Setup {
        context: "c".to_owned(),
        operator: "ada".to_owned(),
        read_only: None,
        locked,
        thresholds,
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
async fn what_is_adopted_is_that_for_as_long_as_the_same_is_seen() {
    let thing = Arc::new(Thing { told: Mutex::new(vec![finding("drifted")]), before: None });
    let hub = hub_of(thing.clone(), Ledger::in_memory(), false).await;
    let seen = finding("drifted").seen();
    let says =
        |seen: Option<SafeText>, reason: &str| crate::ops::AdoptOf { id: id("drifted"), seen, reason: reason.into() };
    for (seen, reason, why) in [
        (Some(seen.clone()), " ", "a reason is needed"),
        (Some("another".into()), "better so", "it differs otherwise now"),
        (None, "better so", "nobody has adopted it"),
    ] {
        let refused = hub.adopt(&says(seen, reason)).await.unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
    let known = hub.adopt(&says(Some(seen.clone()), "better so")).await.unwrap();
    assert_eq!((known.status(at(0)), known.adopted().unwrap().by.as_str()), (DriftStatus::Adopted, "ada"));
    let why = hub.plan_of_many(&wish(Verb::Reconcile, cause())).await.unwrap_err().to_string();
    assert!(why.contains("ada said that it is wanted as it is: better so"), "{why}");
    // It stands through the next pass, and is counted as what it is.
    let query = crate::ops::DriftQuery { limit: 10, ..crate::ops::DriftQuery::default() };
    hub.pass().await;
    let window = hub.drift(&query).await.unwrap();
    assert_eq!((window.by_status.get(&DriftStatus::Adopted), window.by_severity.len()), (Some(&1), 0));
    // What is there is another thing: it has drifted again.
    let other = crate::domain::difference::Difference::Patch(crate::domain::difference::Patch::read(
        "@@ -1 +1 @@\n-a\n+b\n",
        &crate::domain::redact::Redactor::default(),
    ));
    thing.told.lock().unwrap()[0].difference = other;
    hub.pass().await;
    let known = hub.finding(&id("drifted")).await.unwrap();
    assert_eq!((known.status(at(0)), known.adoption.is_some()), (DriftStatus::Drifted, true));
    assert!(hub.plan_of_many(&wish(Verb::Reconcile, cause())).await.is_ok());
    // And back, and taken back.
    thing.told.lock().unwrap()[0] = finding("drifted");
    hub.pass().await;
    assert_eq!(hub.finding(&id("drifted")).await.unwrap().status(at(0)), DriftStatus::Adopted);
    let known = hub.adopt(&says(None, "no, it is not")).await.unwrap();
    assert_eq!((known.status(at(0)), known.adoption), (DriftStatus::Drifted, None));
    // One decision at a time: the later one counts, and ending one ends no other.
    hub.adopt(&says(Some(seen), "better so")).await.unwrap();
    let ignore = |until: Option<i64>| crate::ops::IgnoreOf {
        id: id("drifted"),
        until: until.map(at),
        reason: "the move".into(),
    };
    assert!(hub.ignore(&ignore(None)).await.is_err());
    assert_eq!(hub.ignore(&ignore(Some(3_600))).await.unwrap().status(at(0)), DriftStatus::Ignored);
    assert!(hub.adopt(&says(None, "no, it is not")).await.is_err());
}

#[tokio::test]
async fn what_may_not_be_acted_on_or_was_not_seen_is_not_adopted() {
    let mut untold = finding("untold");
    untold.difference = crate::domain::difference::Difference::Untold;
    let mut told = each();
    told.push(untold);
    let adopt = async |hub: &Hub, instance: &str| {
        let id = id(instance);
        let seen = Some(hub.finding(&id).await.unwrap().finding.seen());
        let reason = "better so".into();
        hub.adopt(&crate::ops::AdoptOf { id, seen, reason }).await.map_err(|error| error.to_string())
    };
    let thing = || Arc::new(Thing { told: Mutex::new(told.clone()), before: None });
    let open = hub_of(thing(), Ledger::in_memory(), false).await;
    for (instance, why) in [
        ("stale", "check it anew first"),
        ("silent", "it is not checked"),
        ("busy", "it is reconciling"),
        ("inexact", INEXACT),
        ("untold", "does not tell what differs"),
    ] {
        let refused = adopt(&open, instance).await.unwrap_err();
        assert!(refused.contains(why), "{instance}: {refused}");
    }
    assert_eq!(adopt(&open, "ignored").await.unwrap().status(at(0)), DriftStatus::Adopted);
    let locked = hub_of(thing(), Ledger::in_memory(), true).await;
    let refused = adopt(&locked, "drifted").await.unwrap_err();
    assert!(refused.contains("arm"), "{refused}");
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

#[tokio::test]
async fn rules_of_the_config_say_how_bad_it_is_and_no_plan_depends_on_them() {
    let config = "[[source]]\nname = \"a\"\nkind = \"restate\"\nurl = \"http://localhost:9070\"\n\
                  [[drift_rule]]\ntier = \"gold\"\nseverity = \"info\"\n\
                  [[drift_rule]]\nsource = \"salt\"\nseverity = \"critical\"\nowner = \"team-os\"\n";
    let book = crate::config::Config::parse(config, "config.toml", None).unwrap().thresholds;
    let thing = || Arc::new(Thing { told: Mutex::new(vec![finding("drifted")]), before: None });
    let ruled = hub_with(thing(), Ledger::in_memory(), false, book).await;
    let query = crate::ops::DriftQuery { limit: 10, ..crate::ops::DriftQuery::default() };
    let window = ruled.drift(&query).await.unwrap();
    let first = &window.rows[0].first;
    assert_eq!((first.severity, first.owner.as_deref()), (Severity::Critical, Some("team-os")));
    assert_eq!(window.by_severity.get(&Severity::Critical), Some(&1));
    let filter = crate::query::DriftFilter::parse("owner:team-os severity:critical").unwrap();
    assert_eq!(ruled.drift(&crate::ops::DriftQuery { filter, ..query }).await.unwrap().total, 1);
    let plan = ruled.plan_of_many(&wish(Verb::Reconcile, cause())).await.unwrap();
    let without = hub_of(thing(), Ledger::in_memory(), false).await;
    assert_eq!(without.plan_of_many(&wish(Verb::Reconcile, cause())).await.unwrap().hash, plan.hash);
}
