//! Remediations that are taken back by others: what is a target and what is not, once and never twice, by a right of its
//! own, and what has no way back.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::support::crowd::{CROWD, Crowd, Fate, name};
use crate::support::ledger::verified;
use crate::support::runs::{Place, asked, carried, request, request_back, stands, wish, wish_for};
use quarterdeck::domain::flow::Status;
use quarterdeck::domain::plan::{Parameters, WidePlan};
use quarterdeck::domain::remediation::Verb;
use quarterdeck::domain::remedy::Remedy;
use quarterdeck::domain::wide::{Control, WideRemediation, WideState};
use quarterdeck::hub::Hub;
use quarterdeck::ops::{Ops, OpsError, PlanWish};

fn of(verb: Verb) -> Remedy {
    Remedy::Verb(verb, Parameters::new())
}

fn pause(those: impl IntoIterator<Item = usize>) -> PlanWish {
    PlanWish { remedy: of(Verb::Pause), ..wish_for(those, "probe,rest") }
}

/// A pause of so many that has ended.
async fn paused(hub: &Hub, count: usize) -> Arc<WideRemediation> {
    let one = asked(hub, &pause(0..count)).await;
    let done = carried(hub, &one.id, Control::Run).await;
    hub.pass().await;
    done.head
}

fn why(refused: Result<impl std::fmt::Debug, OpsError>) -> String {
    match refused {
        Err(OpsError::Refused(why)) => why.to_string(),
        other => panic!("{other:?}"),
    }
}

fn left_out(plan: &WidePlan) -> BTreeMap<String, String> {
    plan.skipped.iter().map(|one| (one.id.instance.to_string(), one.reason.to_string())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_many_is_taken_back_by_a_resume_of_those_that_it_paused_once() {
    let place = Place::new(Crowd::retrying(12), "");
    let hub = place.hub("ada").await;
    let one = asked(&hub, &pause(0..12)).await;
    assert_eq!(
        why(hub.plan_rollback(&one.id).await),
        format!("{} can't be taken back: it has not ended: it is approved", one.id)
    );
    place.crowd.fate_of(3, Fate::Refused);
    place.crowd.changes(5);
    let done = carried(&hub, &one.id, Control::Run).await;
    assert_eq!(stands(&done), (WideState::Partial, "1 skipped, 10 verified, 1 failed".to_owned()));
    assert!((0..12).all(|n| (place.crowd.status(n) == Status::Paused) != [3, 5].contains(&n)));
    // Somebody else lets one go on, and one comes to its end.
    place.crowd.goes_on(7);
    place.crowd.arrived(&name(8));
    hub.pass().await;
    let before = place.crowd.acted_on().len();
    let plan = hub.plan_rollback(&one.id).await.unwrap();
    assert_eq!(plan.frozen.remedy.name(), "resume");
    let targets: Vec<String> = plan.frozen.targets.iter().map(|target| target.id.instance.to_string()).collect();
    assert_eq!(targets, [0, 1, 2, 4, 6, 9, 10, 11].map(name));
    let skipped = left_out(&plan);
    assert_eq!(skipped.len() + targets.len(), 12, "each item is a target or left out: {skipped:?}");
    for (n, words) in [
        (3, "it failed, so there is nothing to take back"),
        (5, "nothing was sent to it, so there is nothing to take back"),
        (7, "it is not paused any more: backing off"),
        (8, "its source does not list it any more: it has ended, or is gone"),
    ] {
        assert_eq!(skipped[&name(n)], words);
    }
    assert_eq!(place.crowd.acted_on().len(), before, "a plan sends nothing");

    let back = request_back(&hub, &plan, &one.id).await.unwrap();
    assert_eq!((back.state, back.takes_back.as_deref()), (WideState::Approved, Some(one.id.as_str())));
    let again = format!("{} takes it back already: it is approved", back.id);
    assert!(why(hub.plan_rollback(&one.id).await).ends_with(&again));
    let other = place.hub("ben").await;
    for hub in [&hub, &other] {
        let refused = why(request_back(hub, &plan, &one.id).await);
        assert!(refused.starts_with("this plan was asked for already") || refused.ends_with(&again), "{refused}");
    }
    assert_eq!(hub.wide_remediation(&one.id).await.unwrap().head.state, WideState::Partial, "nothing is back yet");

    let taken = carried(&hub, &back.id, Control::Run).await;
    assert_eq!(stands(&taken), (WideState::Succeeded, "8 verified".to_owned()), "{:#?}", taken.head);
    assert!([0, 1, 2, 4, 6, 9, 10, 11].iter().all(|n| place.crowd.status(*n) == Status::Succeeded));
    assert_eq!((place.crowd.status(3), place.crowd.status(7)), (Status::BackingOff, Status::BackingOff));
    let first = hub.wide_remediation(&one.id).await.unwrap();
    assert_eq!(first.head.state, WideState::RolledBack);
    let words = format!("taken back by {}; before that: 1 skipped, 10 verified, 1 failed", back.id);
    assert_eq!(*first.head.outcome, *words);
    let last = first.history.last().unwrap();
    assert_eq!((last.action.as_str(), last.text.as_str()), ("outcome", words.as_str()));
    let asked_for = taken.history.iter().find(|told| told.action == "request").unwrap();
    assert!(asked_for.text.contains(&format!("takes_back: {}", one.id)), "{asked_for:?}");

    // It can't be taken back twice, and what took it back has no way back.
    let twice = format!("{} can't be taken back: it was taken back already", one.id);
    assert_eq!(why(hub.plan_rollback(&one.id).await), twice);
    assert_eq!(why(request_back(&hub, &plan, &one.id).await), twice);
    let none = why(hub.plan_rollback(&back.id).await);
    assert!(none.contains("none: nothing takes a resume back; way back: none needed"), "{none}");
    assert_eq!((place.crowd.acted_on().len(), place.crowd.twice()), (before + 8, Vec::new()));
    assert!(verified(place.dir.path()).broken.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_same_instances_may_be_paused_and_let_go_again_and_again() {
    let place = Place::new(Crowd::retrying(2), "");
    let hub = place.hub("ada").await;
    for _ in 0..3 {
        let one = paused(&hub, 2).await;
        assert_eq!(one.state, WideState::Succeeded);
        let plan = hub.plan_rollback(&one.id).await.unwrap();
        let back = request_back(&hub, &plan, &one.id).await.unwrap();
        let taken = carried(&hub, &back.id, Control::Run).await;
        assert_eq!(taken.head.state, WideState::Succeeded);
        // They fail again.
        (0..2).for_each(|n| place.crowd.goes_back(n));
        hub.pass().await;
    }
    assert_eq!((place.crowd.acted_on().len(), place.crowd.twice()), (12, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn what_has_no_way_back_says_so() {
    let place = Place::new(Crowd::of(3), "");
    let hub = place.hub("ada").await;
    for (verb, words) in [
        (Verb::Kill, "none: a kill has no way back: a killed instance cannot be resumed, and what it did stays"),
        (
            Verb::Resume,
            "none: nothing takes a resume back; way back: none needed: steps that completed are not run again",
        ),
    ] {
        let one =
            asked(&hub, &PlanWish { remedy: of(verb), ..wish_for([usize::from(verb == Verb::Kill)], "rest") }).await;
        carried(&hub, &one.id, Control::Run).await;
        assert_eq!(why(hub.plan_rollback(&one.id).await), format!("{} can't be taken back: {words}", one.id));
    }
    let nothing = hub.plan_rollback("0123").await.unwrap_err();
    assert_eq!(nothing, OpsError::NotFound("there is no remediation 0123".into()));
}

#[tokio::test(start_paused = true)]
async fn only_the_plan_that_takes_it_back_is_taken_for_that() {
    let place = Place::new(Crowd::retrying(4), "");
    let hub = place.hub("ada").await;
    let one = paused(&hub, 2).await;
    let two = asked(&hub, &pause([2])).await;
    carried(&hub, &two.id, Control::Run).await;
    hub.pass().await;
    let all = hub.plan_of_many(&wish("rest")).await.unwrap();
    assert_eq!(all.frozen.targets.len(), 3);
    let stranger = format!("{} did nothing that held to {CROWD}/i002, so there is nothing to take back", one.id);
    assert_eq!(why(request_back(&hub, &all, &one.id).await), stranger);
    let kill = hub.plan_of_many(&PlanWish { remedy: of(Verb::Kill), ..wish_for([0], "rest") }).await.unwrap();
    assert_eq!(why(request_back(&hub, &kill, &one.id).await), format!("this plan is not what takes {} back", one.id));
    let some = hub.plan_of_many(&wish_for([0], "rest")).await.unwrap();
    assert_eq!(why(request_back(&hub, &some, "0123").await), "there is no remediation 0123 to take back");
    assert!(place.crowd.acted_on().len() == 3, "nothing was sent");
}

#[tokio::test(start_paused = true)]
async fn to_take_back_is_a_right_of_its_own_and_gives_no_other() {
    let roles = "[roles]\nsre = [\"ada\", \"cleo\"]\nlead = [\"cleo\"]\n";
    let policy = |name: &str, when: &str| {
        format!("[[policy]]\nname = \"{name}\"\nwhen = '{when}'\ndecision = \"deny\"\nreason = \"by {name}\"\n")
    };
    let own = policy("leads roll back", r#"request.verb == "rollback" && !("lead" in actor.roles)"#);
    let mut place = Place::new(Crowd::retrying(3), &(roles.to_owned() + &own));
    let (ada, cleo) = (place.hub("ada").await, place.hub("cleo").await);
    let one = paused(&ada, 3).await;
    cleo.pass().await;
    // A plain resume is another matter: ada may.
    assert!(ada.plan_of_many(&wish_for([0], "rest")).await.unwrap().policy.denial().is_none());
    let plan = ada.plan_rollback(&one.id).await.unwrap();
    assert!(plan.policy.denial().is_some_and(|why| why.contains("by leads roll back")), "{:?}", plan.policy);
    let refused = why(request_back(&ada, &plan, &one.id).await);
    assert!(refused.contains("by leads roll back"), "{refused}");
    let plan = cleo.plan_rollback(&one.id).await.unwrap();
    let back = request_back(&cleo, &plan, &one.id).await.unwrap();
    // Who lost the right before the start does not start it, and what denies a resume denies it too.
    drop((ada, cleo));
    for rule in [policy("nobody", r#"request.verb == "rollback""#), policy("calm", r#"request.verb == "resume""#)] {
        place.config(&(roles.to_owned() + &rule));
        let cleo = place.hub("cleo").await;
        let refused = why(cleo.control(&back.id, Control::Run).await);
        assert!(refused.contains("by nobody") || refused.contains("by calm"), "{refused}");
    }
    place.config(roles);
    let cleo = place.hub("cleo").await;
    let done = carried(&cleo, &back.id, Control::Run).await;
    assert_eq!(done.head.state, WideState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn one_that_did_not_hold_leaves_the_first_one_as_it_is_and_may_be_tried_again() {
    let place = Place::new(Crowd::retrying(3), "");
    let hub = place.hub("ada").await;
    let one = paused(&hub, 3).await;
    place.crowd.fate_of(1, Fate::Refused);
    let plan = hub.plan_rollback(&one.id).await.unwrap();
    let back = request_back(&hub, &plan, &one.id).await.unwrap();
    let done = carried(&hub, &back.id, Control::Run).await;
    assert_eq!(stands(&done), (WideState::Partial, "2 verified, 1 failed".to_owned()), "{}", done.head.outcome);
    assert_eq!(hub.wide_remediation(&one.id).await.unwrap().head.state, WideState::Succeeded);
    place.crowd.fate_of(1, Fate::Succeeds);
    hub.pass().await;
    let plan = hub.plan_rollback(&one.id).await.unwrap();
    assert_eq!(plan.frozen.targets.len(), 1, "the one that is still paused");
    let back = request_back(&hub, &plan, &one.id).await.unwrap();
    carried(&hub, &back.id, Control::Run).await;
    assert_eq!(hub.wide_remediation(&one.id).await.unwrap().head.state, WideState::RolledBack);
    assert!(request(&hub, &plan).await.is_err(), "it was asked for");
}
