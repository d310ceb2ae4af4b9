//! From marks or a cohort to a request: the verbs, the plan, its review; and nothing is asked for by the way.

use std::sync::atomic::Ordering;

use jiff::SignedDuration;

use super::Desk;
use super::fake::{self, FakeOps};
use super::pictures::{keep, shot};
use crate::cockpit::app::Popup;
use crate::cockpit::many::{Step, WidePopup, WideReview, WideReviewPart};
use crate::cockpit::msg::{Ask, Effect, Msg};
use crate::cockpit::settings::ScreenName;
use crate::cockpit::update::update;
use crate::domain::plan::Parameters;
use crate::domain::remediation::Verb;
use crate::domain::remedy::Remedy;
use crate::domain::text::SafeText;
use crate::domain::wide::WideState;
use crate::ops::{OpsError, Selection};

fn review(desk: &Desk) -> &WideReview {
    match &desk.app.popup {
        Some(Popup::Wide(wide)) => match &**wide {
            WidePopup::Review(review) => review,
            other => panic!("no review but {other:?}"),
        },
        other => panic!("no review but {other:?}"),
    }
}

fn said(desk: &Desk) -> String {
    desk.app.message.as_ref().map(|message| message.text.to_string()).unwrap_or_default()
}

/// Types a text into what has the focus.
fn type_in(desk: &mut Desk, text: &str) {
    for c in text.chars() {
        let name = if c == ' ' { "space".to_owned() } else { c.to_string() };
        desk.keys(&name);
    }
}

/// Everything that has to be filled in, with the focus on the button.
fn fill_in(desk: &mut Desk, confirm: &str) {
    type_in(desk, "the database is back");
    desk.keys("tab");
    type_in(desk, "INC-4711");
    desk.keys("tab");
    if !confirm.is_empty() {
        type_in(desk, confirm);
        desk.keys("tab");
    }
    desk.keys("tab");
}

#[test]
fn each_step_at_two_sizes() {
    for size in [(80, 24), (120, 34), (200, 60)] {
        for (name, screen, keys) in [
            ("offers", ScreenName::Flows, "space j space v"),
            ("deployments", ScreenName::Board, "v down down enter space"),
            ("review", ScreenName::Flows, "* v down enter"),
            (
                "review-ready",
                ScreenName::Flows,
                "space j space v enter f i x e d tab tab 2 space o f space 2 space f l o w s tab tab",
            ),
        ] {
            let name = format!("many-{name}-{}x{}", size.0, size.1);
            let buffer = shot(FakeOps::default(), screen, keys, size, &fake::settings());
            insta::assert_snapshot!(name.clone(), keep(&name, &buffer));
        }
    }
}

#[test]
fn no_size_panics() {
    for (width, height) in
        (40..=200).step_by(23).flat_map(|width| (10..=50).step_by(7).map(move |height| (width, height)))
    {
        for keys in ["* v", "* v enter"] {
            let buffer = shot(FakeOps::default(), ScreenName::Flows, keys, (width, height), &fake::settings());
            assert_eq!((buffer.area.width, buffer.area.height), (width, height));
        }
    }
}

#[test]
fn the_probe_comes_first_for_a_cohort_and_for_marks() {
    for way in ["v", "2 * v", "2 space space v"] {
        let mut desk = Desk::new();
        desk.keys(way);
        let picture = desk.picture();
        let (probe, resume) = (picture.find("probe").unwrap(), picture.find("goes on from the failed step").unwrap());
        assert!(probe < resume && picture.contains("act on one, watch it, then decide"), "{picture}");
        let effects = desk.press("enter");
        let asked = super::asks(&effects);
        let [Ask::PlanOfMany(wish)] = &asked[..] else { panic!("{asked:?}") };
        assert_eq!(wish.remedy, Remedy::Verb(Verb::Resume, Parameters::new()), "{way}");
        assert_eq!(wish.waves.to_string(), "probe,rest", "{way}");
        assert_eq!(desk.ops.acted.load(Ordering::SeqCst), 0);
    }
    let mut desk = Desk::new();
    desk.keys("v");
    let effects = desk.press("enter");
    let asked = super::asks(&effects);
    let [Ask::PlanOfMany(wish)] = &asked[..] else { panic!("{asked:?}") };
    assert!(matches!(&wish.selection, Selection::Matching { without, .. } if without.is_empty()), "{wish:?}");
}

#[test]
fn one_mark_is_one_instance() {
    let mut desk = Desk::new();
    desk.keys("2 space v");
    assert!(matches!(desk.app.popup, Some(Popup::Verbs { .. })), "{:?}", desk.app.popup);
}

#[test]
fn a_request_takes_a_reason_and_what_has_to_be_typed() {
    let mut desk = Desk::new();
    desk.keys("2 * v down enter");
    assert_eq!(review(&desk).focus, WideReviewPart::Reason);
    let wanted = crate::cockpit::many::confirmation(&review(&desk).plan).unwrap();
    assert_eq!(wanted, "382 of 4 flows");
    fill_in(&mut desk, "382");
    assert_eq!(review(&desk).focus, WideReviewPart::Request);
    desk.keys("enter");
    assert!(desk.done.is_empty() && said(&desk).contains("type what is asked for: 382 of 4 flows"), "{}", said(&desk));
    desk.keys("backtab backtab");
    type_in(&mut desk, " of 4 flows");
    desk.keys("tab tab enter");
    let [Effect::Request { request, .. }] = &desk.done[..] else { panic!("{:?}", desk.done) };
    assert_eq!((request.reason.as_str(), request.ticket.as_deref()), ("the database is back", Some("INC-4711")));
    assert_eq!(request.plan_hash, review(&desk).plan.hash);
    let Step::Requested(head) = &review(&desk).step else { panic!("{:?}", review(&desk).step) };
    assert_eq!(head.state, WideState::AwaitingApproval);
    desk.app.size = (200, 60);
    assert!(desk.picture().contains("it waits for approval: 1 of lead"), "{}", desk.picture());
    // Enter leads to it, and asks for nothing more.
    desk.keys("enter enter enter");
    assert_eq!((desk.app.screen(), desk.done.len()), (ScreenName::Remediation, 1));
    assert_eq!(desk.app.remediations.open.as_deref(), Some("rem-new"));
}

#[test]
fn a_second_enter_asks_for_nothing_twice() {
    let mut desk = Desk::new();
    desk.keys("2 * v enter");
    fill_in(&mut desk, "382 of 4 flows");
    assert!(matches!(&desk.press("enter")[..], [Effect::Request { .. }]));
    for _ in 0..5 {
        assert!(desk.press("enter").is_empty());
    }
    // Nor does another review while the first answer is out.
    desk.keys("esc v enter");
    fill_in(&mut desk, "382 of 4 flows");
    assert!(desk.press("enter").is_empty());
}

#[test]
fn enter_held_down_asks_for_nothing() {
    let mut desk = Desk::new();
    desk.keys("2 * v");
    for _ in 0..200 {
        desk.keys("enter");
    }
    assert!(desk.done.is_empty(), "{:?}", desk.done);
}

#[test]
fn what_has_to_be_typed_is_not_pasted() {
    let mut desk = Desk::new();
    desk.keys("2 * v enter tab tab");
    let _ = update(&mut desk.app, Msg::Paste("382 of 4 flows".into()), desk.now);
    assert_eq!(review(&desk).confirm.value(), "");
    desk.keys("backtab backtab");
    let _ = update(&mut desk.app, Msg::Paste("because".into()), desk.now);
    assert_eq!(review(&desk).reason.value(), "because");
}

#[test]
fn a_plan_that_expired_is_not_asked_for() {
    let mut desk = Desk::new();
    desk.keys("2 * v enter");
    fill_in(&mut desk, "382 of 4 flows");
    desk.now += SignedDuration::from_mins(16);
    desk.keys("enter");
    assert!(desk.done.is_empty() && said(&desk).contains("expired"), "{}", said(&desk));
    assert!(desk.picture().contains("EXPIRED"), "{}", desk.picture());
}

#[test]
fn a_world_that_is_read_only_makes_no_plan() {
    let mut desk = Desk::new();
    desk.keys("2 * v");
    desk.app.settings.read_only = Some("production is read-only".into());
    assert!(desk.press("enter").is_empty());
    assert!(said(&desk).contains("production is read-only"), "{}", said(&desk));
}

#[test]
fn a_refusal_is_told_and_closes_with_enter() {
    let mut desk = Desk::new();
    desk.keys("2 * v enter");
    fill_in(&mut desk, "382 of 4 flows");
    *desk.ops.planned.lock().unwrap() = None;
    desk.keys("enter");
    assert!(matches!(review(&desk).step, Step::Refused(OpsError::Changed(_))), "{:?}", review(&desk).step);
    assert!(desk.picture().contains("NOT ASKED FOR"), "{}", desk.picture());
    desk.keys("enter");
    assert!(desk.app.popup.is_none());
}

#[test]
fn what_can_t_be_planned_is_told() {
    let mut desk = Desk::new();
    desk.keys("2 * v");
    desk.ops.rows.lock().unwrap().clear();
    desk.keys("enter");
    let picture = desk.picture();
    assert!(picture.contains("nothing matches, so there is nothing to plan"), "{picture}");
}

#[test]
fn a_deployment_is_chosen_and_planned_and_the_service_put_back_where_that_is_wished() {
    let wished = |keys: &str| {
        let mut desk = Desk::new();
        desk.keys(&format!("v down down enter {keys}"));
        let effects = desk.press("enter");
        let asked = super::asks(&effects);
        let [Ask::PlanOfMany(wish)] = &asked[..] else { panic!("{asked:?}\n{}", desk.picture()) };
        let Remedy::Verb(Verb::Resume, parameters) = &wish.remedy else { panic!("{wish:?}") };
        assert_eq!(desk.ops.acted.load(Ordering::SeqCst), 0);
        let of = |name: &str| parameters.get(&SafeText::from(name)).map(ToString::to_string).unwrap_or_default();
        (of("deployment"), of("put_back_from"))
    };
    let [newest, before, oldest] =
        ["dp_17sztQp4gnEC1L0OCFM9aEh", "dp_11pXug0mWsff2NOoRBZbOcV", "dp_10fRr1Wq9TzBkq2mMYcW3xP"];
    // The cursor is on the newest one before the current one.
    assert_eq!(wished(""), (before.to_owned(), String::new()));
    assert_eq!(wished("space"), (before.to_owned(), newest.to_owned()));
    assert_eq!(wished("space space"), (before.to_owned(), String::new()));
    assert_eq!(wished("j space"), (oldest.to_owned(), newest.to_owned()));
    assert_eq!(wished("k"), (newest.to_owned(), String::new()));
    // To the current one nothing is put back.
    let mut desk = Desk::new();
    desk.keys("v down down enter space k");
    let effects = desk.press("enter");
    assert!(super::asks(&effects).is_empty(), "{effects:?}");
    assert!(desk.picture().contains("is the current one: there is nothing to put back"), "{}", desk.picture());
}

#[test]
fn one_instance_goes_on_on_another_deployment_too_and_several_services_do_not() {
    let mut desk = Desk::new();
    desk.keys("2 enter v G");
    let picture = desk.picture();
    assert!(picture.contains("resume on"), "{picture}");
    for _ in 0..12 {
        desk.keys("j");
    }
    let effects = desk.press("enter");
    let asked = super::asks(&effects);
    let [Ask::Deployments(Selection::Ids(ids))] = &asked[..] else { panic!("{asked:?}\n{}", desk.picture()) };
    assert_eq!(ids.len(), 1);
    let mut desk = Desk::new();
    desk.keys("2 * v down down enter");
    assert!(desk.picture().contains("they are of several services"), "{}", desk.picture());
    let effects = desk.press("enter");
    assert!(super::asks(&effects).is_empty(), "{effects:?}");
}

#[test]
fn an_engine_without_deployments_offers_none() {
    let mut desk = Desk::new();
    if let Ok(overview) = &mut *desk.ops.overview.lock().unwrap() {
        overview.sources.iter_mut().for_each(|source| source.deployments = false);
    }
    desk.change();
    desk.keys("v");
    let picture = desk.picture();
    assert!(picture.contains("goes on from the failed step") && !picture.contains("resume on"), "{picture}");
}
