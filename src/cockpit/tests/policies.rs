//! What policies say stands in the review and in the menu; what they refuse sends nothing.

use std::collections::BTreeSet;

use super::Desk;
use crate::cockpit::app::Popup;
use crate::cockpit::many::WidePopup;
use crate::cockpit::msg::Effect;
use crate::domain::policy::{Decision, Mode, Needed, PolicyDecision, Reason};

/// A review of a plan of which this is decided, with a reason and the focus on the verb.
fn reviewed(reasons: Vec<Reason>) -> Desk {
    let mut desk = Desk::new();
    desk.keys("2 v enter");
    let Some(Popup::Review(review)) = &mut desk.app.popup else { panic!("no review") };
    review.plan.policy = PolicyDecision::of(reasons, Vec::new());
    desk.keys("f i x e d tab tab");
    desk
}

fn acts(desk: &mut Desk) -> bool {
    desk.press("enter").iter().any(|effect| matches!(effect, Effect::Act { .. }))
}

fn approval() -> Decision {
    Decision::RequireApproval(Needed { approve: 2, roles: BTreeSet::from(["lead".into()]) })
}

#[test]
fn what_is_denied_is_told_with_every_reason_and_sends_nothing() {
    let shadow = Reason { mode: Mode::Shadow, ..Reason::new("tried", Decision::Deny, "looked at for a month") };
    let mut desk = reviewed(vec![
        Reason::new(
            "freeze launch",
            Decision::Deny,
            "the launch, until 2026-11-22 18:00 UTC; incident may override it",
        ),
        Reason::new("gold", approval(), "gold tenants are promised more"),
        shadow,
    ]);
    insta::assert_snapshot!(desk.picture());
    assert!(!acts(&mut desk), "{:?}", desk.app.message);
}

#[test]
fn what_needs_approvals_is_told_and_sends_nothing() {
    let mut desk = reviewed(vec![Reason::new("gold", approval(), "gold tenants are promised more")]);
    insta::assert_snapshot!(desk.picture());
    assert!(!acts(&mut desk), "{:?}", desk.app.message);
}

#[test]
fn what_needs_approvals_can_be_asked_for_with_the_reason_that_was_typed() {
    let mut desk = reviewed(vec![Reason::new("gold", approval(), "gold tenants are promised more")]);
    desk.keys("enter");
    let Some(Popup::Wide(wide)) = &desk.app.popup else { panic!("{:?}", desk.app.popup) };
    let WidePopup::Review(review) = &**wide else { panic!("{wide:?}") };
    assert_eq!((review.plan.frozen.targets.len(), review.reason.value()), (1, "fixed"));
    assert_eq!(
        crate::cockpit::many::confirmation(&review.plan),
        None,
        "one that can be taken back takes a reason alone"
    );
    desk.keys("tab tab tab enter");
    assert!(
        matches!(&desk.done[..], [Effect::Request { request, .. }] if request.reason == *"fixed"),
        "{:?}",
        desk.done
    );
}

#[test]
fn what_is_allowed_is_sent() {
    let shadow = Reason { mode: Mode::Shadow, ..Reason::new("tried", Decision::Deny, "looked at for a month") };
    assert!(acts(&mut reviewed(vec![shadow])), "in shadow it counts for nothing");
}

#[test]
fn the_menu_says_what_a_verb_needs() {
    let mut desk = Desk::new();
    desk.keys("2 v");
    let Some(Popup::Verbs { answer, .. }) = &mut desk.app.popup else { panic!("no menu") };
    let mut told = answer.value().unwrap().clone();
    told.verbs[0].needs = Some("approvals are needed: 2 of lead (gold: gold tenants are promised more)".into());
    answer.answered(Ok(told), desk.now);
    let picture = desk.picture();
    assert!(picture.contains("approvals are needed: 2 of lead"), "{picture}");
}
