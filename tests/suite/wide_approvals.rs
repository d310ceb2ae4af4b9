//! Nobody's request runs without those whose word its policy asks for: every way round that others have left open.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::crowd::Crowd;
use crate::support::matrix::record;
use crate::support::runs::{Place, TWO_PEOPLE, asked, carried, request, review, stands, wish, wish_for};
use jiff::SignedDuration;
use quarterdeck::domain::approval::{Answer, ApprovalState};
use quarterdeck::domain::code;
use quarterdeck::domain::wide::{Control, WideRemediation, WideState};
use quarterdeck::hub::Hub;
use quarterdeck::ops::{Ops, OpsError, RequestOf, ReviewOf};

/// Two of the sre, and a lead.
const THREE_WORDS: &str = "[roles]\nsre = [\"ben\", \"cleo\", \"dan\"]\nlead = [\"cleo\"]\n\
    [[policy]]\nname = \"two\"\nwhen = \"true\"\ndecision = \"require-approval\"\napprovals = 2\nroles = [\"sre\"]\nreason = \"two of us\"\n\
    [[policy]]\nname = \"lead\"\nwhen = \"true\"\ndecision = \"require-approval\"\nroles = [\"lead\"]\nreason = \"a lead has to know\"\n";

/// How many ways round were closed so far, in this test.
static CLOSED: AtomicUsize = AtomicUsize::new(0);

fn refused<T: std::fmt::Debug>(answer: Result<T, OpsError>) -> String {
    match answer {
        Err(OpsError::Refused(why)) => {
            CLOSED.fetch_add(1, Ordering::SeqCst);
            why.to_string()
        }
        other => panic!("not refused: {other:?}"),
    }
}

/// A request of Ada's for five, which needs one approval.
async fn waiting(place: &Place) -> (Arc<Hub>, Arc<WideRemediation>) {
    let ada = place.hub("ada").await;
    let one = asked(&ada, &wish("probe,rest")).await;
    assert_eq!((one.state, one.approval.state), (WideState::AwaitingApproval, ApprovalState::Pending));
    (ada, one)
}

/// It can't be started, by anybody, and nothing was sent.
async fn is_not_started(place: &Place, hubs: &[&Arc<Hub>], id: &str) {
    for hub in hubs {
        refused(hub.control(id, Control::Run).await);
    }
    assert!(place.crowd.acted_on().is_empty());
}

#[tokio::test(start_paused = true)]
async fn no_one_approves_their_own_request_under_any_name() {
    let place = Place::new(Crowd::of(5), TWO_PEOPLE);
    let (ada, one) = waiting(&place).await;
    let names = ["ada", "Ada", "ADA", " ada", "ada ", "\tada", "aDa ", "  AdA  "];
    for name in names {
        let alias = place.hub(name).await;
        let why = refused(review(&alias, &one, Answer::Approve).await);
        assert_eq!(why, "no one approves their own request", "{name:?}");
        let why = refused(review(&alias, &one, Answer::Deny).await);
        assert_eq!(why, "it is your own request: abort takes it back", "{name:?}");
        is_not_started(&place, &[&ada, &alias], &one.id).await;
    }
    record("two-persons", CLOSED.load(Ordering::SeqCst), 16);
}

#[tokio::test(start_paused = true)]
async fn an_approval_is_for_one_plan_of_one_remediation_once() {
    let place = Place::new(Crowd::of(10), TWO_PEOPLE);
    let (ada, one) = waiting(&place).await;
    let ben = place.hub("ben").await;
    // Of another plan.
    let other = asked(&ada, &wish_for(0..4, "rest")).await;
    let crossed = ReviewOf {
        id: one.id.clone(),
        plan_hash: other.plan.hash.clone(),
        answer: Answer::Approve,
        comment: "looked at it".into(),
        code: None,
    };
    let why = refused(ben.review(&crossed).await);
    assert_eq!(why, "the plan is another one than the one that was looked at");
    // Without a word.
    let silent = ReviewOf { plan_hash: one.plan.hash.clone(), comment: "  ".into(), ..crossed };
    assert_eq!(refused(ben.review(&silent).await), "a comment is needed, for the record");
    is_not_started(&place, &[&ada, &ben], &one.id).await;
    // And then it is good, once.
    let approved = review(&ben, &one, Answer::Approve).await.unwrap();
    assert_eq!((approved.state, approved.approval.state), (WideState::Approved, ApprovalState::Approved));
    assert_eq!(refused(review(&ben, &one, Answer::Approve).await), "it has been approved already");
    // The other one is not approved by it.
    assert!(refused(ada.control(&other.id, Control::Run).await).starts_with("run can't be had"));
    let done = carried(&ada, &one.id, Control::Run).await;
    assert_eq!((done.head.state, done.head.approval.state), (WideState::Succeeded, ApprovalState::Spent));
    assert!(refused(ada.control(&one.id, Control::Run).await).starts_with("run can't be had: it is succeeded"));
    assert!(refused(review(&ben, &one, Answer::Approve).await).contains("used already"));
    let again = refused(request(&ada, &one.plan).await);
    assert!(again.starts_with("this plan was asked for already"), "{again}");
    record("two-persons", CLOSED.load(Ordering::SeqCst), 7);
}

#[tokio::test(start_paused = true)]
async fn every_demand_is_met_and_not_one_of_them() {
    let place = Place::new(Crowd::of(2), THREE_WORDS);
    let (ada, one) = waiting(&place).await;
    let [ben, dan, eve, cleo] =
        [place.hub("ben").await, place.hub("dan").await, place.hub("eve").await, place.hub("cleo").await];
    let why = refused(review(&eve, &one, Answer::Approve).await);
    assert_eq!(why, "your word does not count for it: it needs 2 of sre, and 1 of lead");
    let after = review(&ben, &one, Answer::Approve).await.unwrap();
    assert_eq!(after.outcome, "approvals are still needed: 1 of sre, and 1 of lead");
    assert_eq!(refused(review(&ben, &one, Answer::Approve).await), "you have said already what you think of it");
    is_not_started(&place, &[&ada, &ben], &one.id).await;
    let after = review(&dan, &one, Answer::Approve).await.unwrap();
    assert_eq!(
        (after.state, after.outcome.as_str()),
        (WideState::AwaitingApproval, "approvals are still needed: 1 of lead")
    );
    is_not_started(&place, &[&ada, &dan], &one.id).await;
    let after = review(&cleo, &one, Answer::Approve).await.unwrap();
    assert_eq!(after.state, WideState::Approved);
    record("two-persons", CLOSED.load(Ordering::SeqCst), 5);
}

#[tokio::test(start_paused = true)]
async fn one_denial_ends_it() {
    let place = Place::new(Crowd::of(5), TWO_PEOPLE);
    let (ada, one) = waiting(&place).await;
    let (ben, eve) = (place.hub("ben").await, place.hub("eve").await);
    let denied = review(&eve, &one, Answer::Deny).await.unwrap();
    assert_eq!((denied.state, denied.approval.state), (WideState::Rejected, ApprovalState::Denied));
    assert_eq!(denied.outcome, "denied by eve: nothing was sent");
    assert_eq!(refused(review(&ben, &one, Answer::Approve).await), "it has been denied");
    is_not_started(&place, &[&ada, &ben], &one.id).await;
    record("two-persons", CLOSED.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn time_ends_what_was_not_given_and_what_was_not_used() {
    let place = Place::new(Crowd::of(5), TWO_PEOPLE);
    let (ada, one) = waiting(&place).await;
    let ben = place.hub("ben").await;
    place.wait(30 * 60);
    assert!(refused(review(&ben, &one, Answer::Approve).await).starts_with("the time for it is over"));
    is_not_started(&place, &[&ada, &ben], &one.id).await;
    assert_eq!(ada.wide_remediation(&one.id).await.unwrap().head.state, WideState::Expired);
    // Asked for anew, approved, and not started in time.
    let (_, one) = waiting(&place).await;
    review(&ben, &one, Answer::Approve).await.unwrap();
    place.wait(10 * 60);
    is_not_started(&place, &[&ada, &ben], &one.id).await;
    assert_eq!(stands(&ada.wide_remediation(&one.id).await.unwrap()).0, WideState::Expired);
    record("two-persons", CLOSED.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_was_lost_and_a_policy_that_became_stricter_count_at_the_start() {
    let mut place = Place::new(Crowd::of(5), TWO_PEOPLE);
    let (_, one) = waiting(&place).await;
    let cleo = place.hub("cleo").await;
    review(&cleo, &one, Answer::Approve).await.unwrap();
    place.config("[limits]\napproval_above = 3\n[roles]\nsre = [\"ben\"]\n\
        [[policy]]\nname = \"two\"\nwhen = \"true\"\ndecision = \"require-approval\"\nroles = [\"sre\"]\nreason = \"one of us\"\n");
    let ada = place.hub("ada").await;
    let why = refused(ada.control(&one.id, Control::Run).await);
    assert_eq!(why, "more approvals are asked for than when it was requested: 1 of sre");
    place.config("[[policy]]\nname = \"closed\"\nwhen = \"true\"\ndecision = \"deny\"\nreason = \"stocktaking\"\n");
    let ada = place.hub("ada").await;
    assert_eq!(refused(ada.control(&one.id, Control::Run).await), "not allowed: closed: stocktaking");
    // With a role that the approval counted for.
    let mut place = Place::new(Crowd::of(2), THREE_WORDS);
    let (_, one) = waiting(&place).await;
    for name in ["ben", "dan", "cleo"] {
        review(&*place.hub(name).await, &one, Answer::Approve).await.unwrap();
    }
    place.config(&THREE_WORDS.replace(", \"dan\"", ""));
    let ada = place.hub("ada").await;
    // Cleo is of the sre, too: her word counts for both.
    assert_eq!(carried(&ada, &one.id, Control::Run).await.head.state, WideState::Succeeded);
    let mut place = Place::new(Crowd::of(2), THREE_WORDS);
    let (_, one) = waiting(&place).await;
    for name in ["ben", "cleo"] {
        review(&*place.hub(name).await, &one, Answer::Approve).await.unwrap();
    }
    place.config(&THREE_WORDS.replace("\"ben\", ", ""));
    let ada = place.hub("ada").await;
    let why = refused(ada.control(&one.id, Control::Run).await);
    assert_eq!(why, "somebody who approved it has not got the role any more: it needs 1 of sre");
    assert!(place.crowd.acted_on().is_empty());
    record("two-persons", CLOSED.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn two_approvals_and_two_starts_in_one_instant_are_one() {
    for _ in 0..10 {
        let place = Place::new(Crowd::of(5), TWO_PEOPLE);
        let (ada, one) = waiting(&place).await;
        let (ben, cleo) = (place.hub("ben").await, place.hub("cleo").await);
        let (first, second) = tokio::join!(review(&ben, &one, Answer::Approve), review(&cleo, &one, Answer::Approve));
        assert_eq!([first, second].into_iter().flatten().count(), 1);
        CLOSED.fetch_add(1, Ordering::SeqCst);
        let starts = [&ada, &ben, &cleo].map(|hub| hub.control(&one.id, Control::Run));
        let started = futures_util::future::join_all(starts).await;
        assert_eq!(started.iter().filter(|start| start.is_ok()).count(), 1, "{started:?}");
        CLOSED.fetch_add(2, Ordering::SeqCst);
        while ada.wide_remediation(&one.id).await.unwrap().head.state.runs() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!((place.crowd.acted_on().len(), place.crowd.twice()), (5, Vec::new()));
    }
    record("two-persons", CLOSED.load(Ordering::SeqCst), 20);
}

#[tokio::test(start_paused = true)]
async fn a_lone_operator_types_the_words_of_the_plan() {
    let place = Place::new(Crowd::of(5), &format!("solo = true\n{TWO_PEOPLE}"));
    let (ada, one) = waiting(&place).await;
    let said = |code: Option<String>| ReviewOf {
        id: one.id.clone(),
        plan_hash: one.plan.hash.clone(),
        answer: Answer::Approve,
        comment: "nobody else is up".into(),
        code: code.map(Into::into),
    };
    for wrong in [None, Some(String::new()), Some("one two three four".to_owned()), Some(code::words("another plan"))] {
        assert_eq!(refused(ada.review(&said(wrong)).await), "a lone operator approves with the plan's four words");
    }
    is_not_started(&place, &[&ada], &one.id).await;
    let approved = ada.review(&said(Some(code::words(&one.plan.hash)))).await.unwrap();
    assert!(approved.state == WideState::Approved && approved.approval.reviews[0].solo, "{approved:?}");
    record("two-persons", CLOSED.load(Ordering::SeqCst), 5);
}

/// A freeze of everything, that the role incident may override for a while.
const FROZEN: &str = "[roles]\nincident = [\"ada\"]\n\
    [[freeze]]\nname = \"sale\"\nfrom = \"2020-01-01T00:00:00Z\"\nuntil = \"2099-01-01T00:00:00Z\"\nkind = \"deny\"\n\
    override_roles = [\"incident\"]\nreason = \"the big sale\"\n";

#[tokio::test(start_paused = true)]
async fn a_freeze_is_overridden_by_its_role_with_a_reason_and_an_end() {
    let place = Place::new(Crowd::of(3), FROZEN);
    let (ada, eve) = (place.hub("ada").await, place.hub("eve").await);
    let plan = ada.plan_of_many(&wish("rest")).await.unwrap();
    assert!(refused(request(&ada, &plan).await).contains("the big sale"));
    let with = |role: &str, lasting: SignedDuration| RequestOf {
        plan_hash: plan.hash.clone(),
        reason: "checkout is down".into(),
        ticket: None,
        takes_back: None,
        break_glass: Some((role.into(), lasting)),
    };
    let half_an_hour = SignedDuration::from_mins(30);
    assert!(refused(eve.request(&with("incident", half_an_hour)).await).contains("eve is not one of incident"));
    assert!(refused(ada.request(&with("sre", half_an_hour)).await).contains("sre may not override it"));
    assert!(refused(ada.request(&with("incident", SignedDuration::from_hours(9))).await).contains("4h at most"));
    let one = ada.request(&with("incident", half_an_hour)).await.unwrap();
    let [borrowed] = &one.plan.policy.borrowed[..] else { panic!("{:?}", one.plan.policy) };
    assert_eq!((borrowed.freeze.as_str(), borrowed.by.as_str(), borrowed.role.as_str()), ("sale", "ada", "incident"));
    let done = carried(&ada, &one.id, Control::Run).await;
    assert_eq!(stands(&done).0, WideState::Succeeded);
    record("two-persons", CLOSED.load(Ordering::SeqCst), 4);
}
