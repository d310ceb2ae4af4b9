//! Runbooks in the menu of what may be done: those that are suggested, the others behind, the form of their parameters, and
//! a plan at the end of it.

use serde_json::json;

use super::Desk;
use super::fake::{self, FakeOps};
use super::pictures::{keep, shot};
use crate::cockpit::app::Popup;
use crate::cockpit::many::{ParametersForm, ParametersPart, WidePopup};
use crate::cockpit::msg::Ask;
use crate::cockpit::settings::ScreenName;
use crate::domain::remedy::{Remedy, Wished};

/// From the first cohort, which waits for a database, to the form.
const TO_THE_FORM: &str = "v G k enter";

fn type_in(desk: &mut Desk, text: &str) {
    for c in text.chars() {
        desk.keys(&c.to_string());
    }
}

fn form(desk: &Desk) -> &ParametersForm {
    match &desk.app.popup {
        Some(Popup::Wide(wide)) => match &**wide {
            WidePopup::Parameters(form) => form,
            other => panic!("no form but {other:?}"),
        },
        other => panic!("no form but {other:?}"),
    }
}

#[test]
fn each_step_at_three_sizes() {
    for size in [(80, 24), (120, 34), (200, 60)] {
        for (name, keys) in [
            ("menu", "v G"),
            ("form", TO_THE_FORM),
            ("wrong", "v G k enter x tab backspace 9 9"),
            ("review", "v G k enter p r i m a r y tab tab tab tab enter"),
        ] {
            let name = format!("runbook-{name}-{}x{}", size.0, size.1);
            let buffer = shot(FakeOps::default(), ScreenName::Board, keys, size, &fake::settings());
            insta::assert_snapshot!(name.clone(), keep(&name, &buffer));
        }
    }
}

#[test]
fn those_that_are_suggested_come_first_and_the_others_behind() {
    let mut desk = Desk::new();
    desk.keys("v G");
    let picture = desk.picture();
    assert!(picture.contains("drain@2") && picture.contains("1 other runbook"), "{picture}");
    assert!(!picture.contains("sweep@1"), "{picture}");
    desk.keys("enter");
    let picture = desk.picture();
    assert!(picture.contains("sweep@1") && !picture.contains("other runbook"), "{picture}");
    // One that takes nothing is planned at once.
    let effects = desk.press("enter");
    let asked = super::asks(&effects);
    let [Ask::PlanOfMany(wish)] = &asked[..] else { panic!("{asked:?}") };
    let Remedy::Runbook(Wished { name, version, parameters }) = &wish.remedy else { panic!("{wish:?}") };
    assert_eq!((name.as_str(), version.as_deref(), parameters.len()), ("sweep", Some("1"), 0));
}

#[test]
fn what_is_wrong_is_said_beside_its_field_and_nothing_is_planned() {
    let mut desk = Desk::new();
    desk.keys(TO_THE_FORM);
    assert_eq!(form(&desk).focus, ParametersPart::Field(0));
    assert_eq!(form(&desk).fields[1].1.value(), "5", "what holds by default stands there");
    type_in(&mut desk, "x");
    assert!(desk.picture().contains("\"x\" is not one of \"primary\" or \"replica\""), "{}", desk.picture());
    desk.keys("tab backspace");
    type_in(&mut desk, "soon");
    assert!(desk.picture().contains("\"soon\" is not of type \"integer\""), "{}", desk.picture());
    desk.keys("tab tab tab");
    assert_eq!(form(&desk).focus, ParametersPart::Plan);
    let effects = desk.press("enter");
    assert!(effects.is_empty(), "{effects:?}");
    let said = desk.app.message.as_ref().map(|message| message.text.to_string()).unwrap_or_default();
    assert!(said.starts_with("database: \"x\" is not one of"), "{said}");
}

#[test]
fn what_was_filled_in_is_planned_and_reviewed_as_a_verb_is() {
    let mut desk = Desk::new();
    desk.keys(TO_THE_FORM);
    type_in(&mut desk, "replica");
    desk.keys("tab backspace");
    type_in(&mut desk, "12");
    desk.keys("tab tab tab");
    let effects = desk.press("enter");
    {
        let asked = super::asks(&effects);
        let [Ask::PlanOfMany(wish)] = &asked[..] else { panic!("{asked:?}") };
        let Remedy::Runbook(Wished { parameters, .. }) = &wish.remedy else { panic!("{wish:?}") };
        assert_eq!(json!(parameters), json!({"database": "replica", "minutes": 12}), "what is left empty is not given");
    }
    desk.settle(effects);
    desk.app.size = (200, 60);
    let picture = desk.picture();
    for told in [
        "review: drain@2",
        "none: nothing is declared that takes it back",
        "retries against the old database",
        "replica",
    ] {
        assert!(picture.contains(told), "{told}: {picture}");
    }
    assert!(desk.done.is_empty(), "nothing is asked for by the way");
    desk.keys("esc");
    assert!(desk.app.popup.is_none());
}
