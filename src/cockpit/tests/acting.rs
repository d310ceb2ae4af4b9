//! Nothing is acted on but through the review, and only once.

use std::sync::atomic::Ordering;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::SignedDuration;

use super::Desk;
use super::fake::{self, FakeOps};
use crate::cockpit::app::{App, Focus, Popup, ReviewState};
use crate::cockpit::msg::{Effect, Msg};
use crate::cockpit::settings::ScreenName;
use crate::cockpit::update::update;
use crate::domain::flow::{Status, Version};
use crate::domain::remediation::ItemState;
use crate::domain::remediation::Verb;

fn review(app: &App) -> &crate::cockpit::app::Review {
    match &app.popup {
        Some(Popup::Review(review)) => review,
        other => panic!("no review but {other:?}"),
    }
}

/// Every key that a terminal can send, alone and with modifiers.
pub(super) fn every_key() -> Vec<KeyEvent> {
    let mut codes: Vec<KeyCode> = (' '..='~').map(KeyCode::Char).collect();
    codes.extend((1..=12).map(KeyCode::F));
    codes.extend([
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::Insert,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::PageUp,
        KeyCode::PageDown,
    ]);
    let modifiers = [KeyModifiers::NONE, KeyModifiers::SHIFT, KeyModifiers::CONTROL, KeyModifiers::ALT];
    codes.into_iter().flat_map(|code| modifiers.map(|modifiers| KeyEvent::new(code, modifiers))).collect()
}

#[test]
fn no_single_key_acts_anywhere() {
    let places =
        ["", "2", "8", "2 enter", "2 v", "2 v enter", "?", ":", "2 /", "2 enter v enter tab", "2 v enter tab tab"];
    for place in places {
        let mut desk = Desk::new();
        desk.keys(place);
        for key in every_key() {
            let mut app = desk.app.clone();
            let effects = update(&mut app, Msg::Key(key), desk.now);
            assert!(!effects.iter().any(|effect| matches!(effect, Effect::Act { .. })), "{key:?} after {place:?}");
            assert_eq!(desk.ops.acted.load(Ordering::SeqCst), 0);
        }
    }
}

#[test]
fn what_is_typed_on_a_button_goes_into_the_reason() {
    for way in ["tab", "tab tab"] {
        let mut desk = Desk::new();
        desk.keys(&format!("2 v enter o k {way}"));
        assert_ne!(review(&desk.app).focus, Focus::Reason);
        desk.keys("q");
        assert_eq!((review(&desk.app).focus, review(&desk.app).reason.value()), (Focus::Reason, "okq"));
    }
}

#[test]
fn the_focus_goes_from_the_reason_to_cancel_to_the_verb() {
    let mut desk = Desk::new();
    desk.keys("2 v enter");
    assert_eq!(review(&desk.app).focus, Focus::Reason);
    desk.keys("o k enter");
    assert_eq!(review(&desk.app).focus, Focus::Cancel);
    desk.keys("tab enter");
    assert!(desk.done.is_empty(), "two characters are no reason");
    desk.keys("tab");
    assert_eq!(review(&desk.app).focus, Focus::Reason);
    desk.keys("a y tab tab");
    assert_eq!(review(&desk.app).focus, Focus::Do);
    desk.keys("enter");
    let [Effect::Act { reason, plan_hash, .. }] = &desk.done[..] else { panic!("{:?}", desk.done) };
    assert_eq!((reason.as_str(), plan_hash.as_str()), ("okay", "9f2c6e1ab4d8"));
    assert!(matches!(&desk.app.popup, Some(Popup::Progress { .. })));
}

#[test]
fn a_second_enter_sends_nothing() {
    let mut desk = Desk::new();
    desk.keys("2 v enter f i x e d tab tab");
    let first = desk.press("enter");
    assert!(matches!(first[..], [Effect::Act { .. }]));
    for _ in 0..5 {
        assert!(desk.press("enter").is_empty());
    }
    // Nor does another review while the first answer is out.
    desk.keys("esc v enter f i x e d tab tab");
    assert!(desk.press("enter").is_empty());
}

#[test]
fn enter_held_down_from_the_menu_on_acts_on_nothing() {
    let mut desk = Desk::new();
    desk.keys("2 v");
    for _ in 0..200 {
        desk.keys("enter");
    }
    assert!(!desk.done.iter().any(|effect| matches!(effect, Effect::Act { .. })));
}

#[test]
fn a_plan_that_expired_or_whose_target_changed_is_not_sent() {
    let mut desk = Desk::new();
    desk.keys("2 v enter f i x e d tab tab");
    desk.now += SignedDuration::from_mins(16);
    desk.keys("enter");
    assert!(desk.done.is_empty());
    assert!(review(&desk.app).obstacle(desk.now, "v").unwrap().contains("expired"));

    let mut desk = Desk::new();
    desk.keys("2 v enter f i x e d tab tab");
    let mut rows = desk.ops.rows.lock().unwrap();
    let mut changed = (*rows[0]).clone();
    changed.flow.version = Version::of(Status::Running, None, 5, "dp_1");
    rows[0] = changed.into();
    drop(rows);
    desk.wait(3);
    assert!(review(&desk.app).changed.is_some());
    desk.keys("enter");
    assert!(desk.done.is_empty());

    desk.ops.rows.lock().unwrap().remove(0);
    desk.wait(3);
    assert!(review(&desk.app).obstacle(desk.now, "v").unwrap().contains("gone"));
}

#[test]
fn a_greyed_verb_and_a_read_only_world_make_no_plan() {
    let mut desk = Desk::new();
    desk.keys("2 v down enter");
    assert!(matches!(&desk.app.popup, Some(Popup::Verbs { index: 1, .. })));
    assert!(desk.app.message.as_ref().unwrap().text.contains("its source is stale"));
    desk.app.settings.read_only = Some("production is read-only".into());
    desk.keys("up enter");
    assert!(matches!(&desk.app.popup, Some(Popup::Verbs { .. })));
    assert!(desk.app.message.as_ref().unwrap().text.contains("production is read-only"));
}

#[test]
fn what_is_gone_has_no_verbs() {
    let mut desk = Desk::new();
    desk.keys("2 j j");
    desk.ops.rows.lock().unwrap().remove(2);
    desk.change();
    assert!(desk.app.flows.gone);
    desk.keys("v");
    assert!(desk.app.popup.is_none());
    assert!(desk.app.message.as_ref().unwrap().text.contains("gone"));
}

#[test]
fn keys_that_destroy_elsewhere_only_hint() {
    let mut desk = Desk::new();
    for key in ["x", "ctrl-k", "delete"] {
        desk.app.message = None;
        desk.keys(&format!("2 {key}"));
        assert!(desk.app.message.as_ref().unwrap().text.contains("use v"), "{key}");
    }
}

#[test]
fn quitting_asks_while_an_act_runs_and_names_it() {
    let mut desk = Desk::with(FakeOps { acts: vec![fake::act(ItemState::Accepted)].into(), ..FakeOps::default() });
    for keys in ["q", "ctrl-c ctrl-c", ": q enter"] {
        desk.keys(keys);
        assert!(matches!(desk.app.popup, Some(Popup::Quit { leave: false })), "{keys}");
        desk.keys("enter");
        assert!(desk.app.popup.is_none() && desk.done.is_empty(), "{keys}");
    }
    let running = desk.app.running();
    assert_eq!((running[0].verb, running[0].id.as_deref()), (Verb::Resume, Some("rem-01JH")));
    desk.keys("q tab enter");
    assert_eq!(desk.done, [Effect::Quit]);
}

#[test]
fn q_goes_back_layer_by_layer_and_then_quits() {
    let mut desk = Desk::new();
    desk.keys("enter enter q q");
    assert_eq!(desk.app.screen(), ScreenName::Board);
    assert!(desk.done.is_empty());
    desk.keys("q");
    assert_eq!(desk.done, [Effect::Quit]);
}

#[test]
fn ctrl_c_closes_what_is_open_and_quits_only_twice() {
    let mut desk = Desk::new();
    desk.keys("? ctrl-c : b ctrl-c 2 v enter ctrl-c");
    assert!(desk.app.popup.is_none() && desk.app.prompt.is_none() && desk.done.is_empty());
    desk.keys("ctrl-c j ctrl-c");
    assert!(desk.done.is_empty(), "another key lies between");
    desk.keys("ctrl-c");
    assert_eq!(desk.done, [Effect::Quit]);
}

#[test]
fn a_refusal_is_told_and_closes_with_enter() {
    let mut desk = Desk::new();
    desk.keys("2 v enter f i x e d tab tab");
    let [Effect::Act { ticket, .. }] = desk.press("enter")[..] else { panic!() };
    let refused = Err(crate::ops::OpsError::Changed("it succeeded meanwhile".into()));
    let reply = crate::cockpit::msg::Answer::Act(Box::new(refused));
    let _ = update(&mut desk.app, Msg::Reply(ticket, reply), desk.now);
    assert!(matches!(review(&desk.app).state, ReviewState::Refused(_)));
    assert!(desk.app.running().is_empty());
    desk.keys("enter");
    assert!(desk.app.popup.is_none());
}
