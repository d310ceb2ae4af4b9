//! What stands beside the remediations: each part at each size, how one gets there and on from there, and the one thing
//! that may be noted there.

use std::sync::atomic::Ordering;

use super::Desk;
use super::fake::wide::some;
use super::fake::{self, FakeOps, records};
use super::pictures::{draws_at_all_sizes, keep, keep_plain, plain, shot};
use crate::cockpit::app::Popup;
use crate::cockpit::msg::Effect;
use crate::cockpit::records::Tab;
use crate::cockpit::settings::ScreenName;
use crate::ops::OpsError;

const PARTS: [(&str, &str); 4] =
    [("outside", "5 tab"), ("in-force", "5 tab tab"), ("automations", "5 tab tab tab j"), ("rearm", "5 tab tab v")];

fn ops() -> FakeOps {
    FakeOps {
        outside: Ok(records::outside()).into(),
        in_force: records::in_force().into(),
        automations: records::automations().into(),
        ..FakeOps::with_wides(some())
    }
}

fn said(desk: &Desk) -> String {
    desk.app.message.as_ref().map(|message| message.text.to_string()).unwrap_or_default()
}

#[test]
fn each_part_at_each_size() {
    for size in [(80, 24), (120, 34), (200, 60)] {
        for (name, keys) in PARTS {
            let name = format!("records-{name}-{}x{}", size.0, size.1);
            let buffer = shot(ops(), ScreenName::Board, keys, size, &fake::settings());
            insta::assert_snapshot!(name.clone(), keep(&name, &buffer));
        }
    }
}

#[test]
fn without_colours_and_in_ascii() {
    for (name, keys) in PARTS {
        let buffer = shot(ops(), ScreenName::Board, keys, (80, 24), &plain());
        let name = format!("records-ascii-{name}");
        insta::assert_snapshot!(name.clone(), keep_plain(&name, &buffer));
    }
}

#[test]
fn no_size_panics() {
    for (_, keys) in PARTS {
        draws_at_all_sizes(ops, keys);
    }
}

#[test]
fn the_parts_are_gone_round_and_reached_by_name() {
    let mut desk = Desk::with(ops());
    desk.keys("5");
    for tab in [Tab::Outside, Tab::InForce, Tab::Automations, Tab::Remediations] {
        desk.keys("tab");
        assert_eq!(desk.app.records.tab, tab);
    }
    for (typed, tab) in [("outside", Tab::Outside), ("in-force", Tab::InForce), ("automations", Tab::Automations)] {
        let mut desk = Desk::with(ops());
        let letters: Vec<String> = typed.chars().map(|c| c.to_string()).collect();
        desk.keys(&format!(": {} enter", letters.join(" ")));
        assert_eq!((desk.app.screen(), desk.app.records.tab), (ScreenName::Remediations, tab), "{typed}");
        // Its own key goes back to the remediations, and so does the inbox.
        desk.keys("5");
        assert_eq!(desk.app.records.tab, Tab::Remediations);
    }
    let mut desk = Desk::with(ops());
    desk.keys("5 tab A");
    assert_eq!(desk.app.records.tab, Tab::Remediations);
}

#[test]
fn what_is_not_known_is_told_and_nothing_is_made_up() {
    let failing = FakeOps { outside: Err(OpsError::Refused("no record".into())).into(), ..FakeOps::default() };
    let mut desk = Desk::with(failing);
    desk.keys("5 tab");
    assert!(desk.picture().contains("what others did: no record") && desk.picture().contains("Outside ?"));
    let mut desk = Desk::new();
    for words in [
        "nothing was done outside",
        "nothing is switched off, and no exception is in force",
        "the config has no [[automation]]",
    ] {
        desk.keys("5");
        while !desk.picture().contains(words) {
            desk.keys("tab");
            assert!(desk.app.records.tab != Tab::Remediations, "{words}");
        }
    }
}

#[test]
fn what_is_over_is_no_longer_in_force_whatever_was_heard() {
    let mut desk = Desk::with(ops());
    desk.keys("5");
    assert_eq!(desk.app.records.badge(desk.now), (1, 2));
    assert!(desk.picture().contains("OFF 1") && desk.picture().contains("BORROWED 2"), "{}", desk.picture());
    desk.wait(13 * 60);
    assert_eq!(desk.app.records.badge(desk.now), (1, 1));
}

#[test]
fn one_goes_on_to_the_instance_and_to_what_an_automation_matches() {
    let mut desk = Desk::with(ops());
    desk.keys("5 tab enter");
    assert_eq!(desk.app.screen(), ScreenName::Detail);
    assert_eq!(desk.app.detail.id.as_ref().unwrap().instance, "inv_1dQ0000mXk7Vb2oZrT9");
    desk.keys("esc");
    assert_eq!((desk.app.screen(), desk.app.records.tab), (ScreenName::Remediations, Tab::Outside));
    desk.keys("j enter");
    assert!(said(&desk).contains("this is no instance"), "{}", said(&desk));
    desk.keys("tab tab enter");
    assert_eq!(desk.app.screen(), ScreenName::Flows);
    assert_eq!(desk.app.flows.text, "rule:retry_storm flow:tenant-provisioning/*");
}

#[test]
fn what_is_armed_again_is_noted_with_a_reason_and_once() {
    let mut desk = Desk::with(ops());
    desk.keys("5 tab tab v");
    assert!(matches!(desk.app.popup, Some(Popup::Rearm(_))));
    // Without a reason Enter does nothing, however often.
    desk.keys("enter enter o k enter");
    assert!(desk.done.is_empty(), "{:?}", desk.done);
    desk.keys("a y");
    let effects = desk.press("enter");
    // Until it is answered a second Enter finds nothing to press.
    assert!(desk.press("enter").is_empty());
    desk.settle(effects);
    let [Effect::Rearm { id, reason, .. }] = &desk.done[..] else { panic!("{:?}", desk.done) };
    assert_eq!((id.as_str(), reason.as_str()), ("se-1", "okay"));
    assert!(desk.app.popup.is_none() && said(&desk).contains("noted as armed again"));
    assert_eq!(desk.ops.acted.load(Ordering::SeqCst), 1);
    assert_eq!(desk.app.records.badge(desk.now).0, 0);
    // What ends by itself is not to be ended.
    desk.keys("v");
    assert!(said(&desk).contains("this ends by itself") && desk.app.popup.is_none(), "{}", said(&desk));
}

#[test]
fn what_was_armed_again_by_somebody_else_is_told_where_it_was_asked() {
    let mut desk = Desk::with(ops());
    desk.keys("5 tab tab v");
    desk.ops.in_force.lock().unwrap().side_effects.clear();
    desk.keys("o k a y enter");
    assert!(desk.picture().contains("it was armed again before"), "{}", desk.picture());
    desk.keys("esc");
    assert!(desk.app.popup.is_none());
}

#[test]
fn nothing_of_the_remediations_is_acted_on_from_beside_them() {
    for part in ["5 tab", "5 tab tab tab"] {
        let mut desk = Desk::with(ops());
        desk.keys(part);
        desk.keys("v");
        assert!(said(&desk).contains("nothing is acted on here") && desk.app.popup.is_none(), "{}", said(&desk));
    }
    let mut desk = Desk::with(ops());
    desk.keys("5 tab : h o l d enter");
    assert!(desk.done.is_empty(), "{:?}", desk.done);
}
