//! The lines that are typed.

use super::{Desk, asks};
use crate::cockpit::msg::{Ask, Msg};
use crate::cockpit::settings::ScreenName;
use crate::cockpit::update::update;
use crate::query::Filter;

#[test]
fn a_filter_is_tried_as_it_is_typed_and_esc_restores() {
    let mut desk = Desk::new();
    desk.keys("2 /");
    let effects = desk.press("a");
    let asked = asks(&effects);
    let [Ask::Flows(query)] = asked[..] else { panic!("{asked:?}") };
    assert_eq!(query.filter, Filter::parse("a").unwrap());
    desk.settle(effects);
    desk.keys("c m e");
    assert!(desk.app.flows.window.value().unwrap().total < 382);
    desk.keys("esc");
    assert_eq!((desk.app.flows.text.as_str(), desk.app.flows.window.value().unwrap().total), ("", 382));
    desk.keys("/ a c m e enter");
    assert_eq!(desk.app.flows.text, "acme");
    assert!(desk.app.prompt.is_none());
}

#[test]
fn a_bad_filter_keeps_the_last_good_result() {
    let mut desk = Desk::new();
    desk.keys("2 / a c m e");
    let total = desk.app.flows.window.value().unwrap().total;
    // Pasted at once: each word on the way there would be a filter of its own.
    let effects = update(&mut desk.app, Msg::Paste(" tennant:x".to_owned()), desk.now);
    assert!(effects.is_empty());
    let error = desk.app.flows.error.clone().unwrap();
    assert_eq!(error.column, 6);
    assert_eq!(desk.app.flows.window.value().unwrap().total, total);
    desk.keys("enter");
    assert!(desk.app.prompt.is_some(), "it stays open to be mended");
    desk.keys("ctrl-c");
    assert!(desk.app.flows.error.is_none() && desk.app.prompt.is_none());
}

#[test]
fn the_filter_opens_from_the_board_and_goes_back_there() {
    let mut desk = Desk::new();
    desk.keys("/");
    assert_eq!(desk.app.screen(), ScreenName::Flows);
    desk.keys("x esc");
    assert_eq!(desk.app.screen(), ScreenName::Board);
}

#[test]
fn commands_are_typed_completed_and_mended() {
    let mut desk = Desk::new();
    desk.keys(": f l tab enter");
    assert_eq!(desk.app.screen(), ScreenName::Flows);
    desk.keys(": s o u r c e s enter");
    assert_eq!(desk.app.screen(), ScreenName::Sources);
    desk.keys(": b a o r d enter");
    assert!(desk.app.prompt.as_ref().unwrap().error.as_ref().unwrap().contains("nearest: board"));
    desk.keys("esc : backspace");
    assert!(desk.app.prompt.is_none());
}

#[test]
fn pasted_text_goes_only_where_text_is_typed() {
    let mut desk = Desk::new();
    let paste = |desk: &mut Desk, text: &str| {
        let effects = update(&mut desk.app, Msg::Paste(text.to_owned()), desk.now);
        desk.settle(effects);
    };
    // On a screen a paste is no row of keys.
    paste(&mut desk, "q\nv\n");
    assert!(desk.done.is_empty() && desk.app.popup.is_none());
    desk.keys("2 /");
    paste(&mut desk, "ac\u{1b}[2J\nme");
    assert!(!desk.app.flows.text.contains('\u{1b}') && !desk.app.flows.text.contains('\n'));
    desk.keys("esc v enter");
    paste(&mut desk, "fixed by hand\n\n");
    desk.keys("tab tab");
    paste(&mut desk, "\n");
    assert!(desk.done.is_empty());
}

#[test]
fn a_filter_goes_on_from_the_one_in_force() {
    let mut desk = Desk::new();
    desk.keys(": f l o w s");
    let effects = update(&mut desk.app, Msg::Paste(" is:stuck  acme".to_owned()), desk.now);
    desk.settle(effects);
    desk.keys("enter");
    assert_eq!((desk.app.screen(), desk.app.flows.text.as_str()), (ScreenName::Flows, "is:stuck  acme"));
    desk.keys("/ x");
    assert_eq!(desk.app.flows.text, "is:stuck  acme x", "a word of its own");
    desk.keys("ctrl-c : f l o w s");
    let effects = update(&mut desk.app, Msg::Paste(" tennant:x".to_owned()), desk.now);
    desk.settle(effects);
    desk.keys("enter");
    assert!(desk.app.prompt.as_ref().unwrap().error.as_ref().unwrap().contains("tennant"));
}

#[test]
fn a_sequence_shows_how_it_can_go_on_and_what_breaks_it_does_nothing() {
    let mut desk = Desk::new();
    desk.keys("2 j j g");
    let picture = desk.picture();
    assert!(picture.contains("g  to the first"), "{picture}");
    desk.keys("P");
    assert!(desk.app.pressed.is_empty() && desk.app.paused.is_none(), "P broke the sequence and is no command");
    let said = desk.app.message.clone().unwrap().text;
    assert!(said.starts_with("g P is not bound"), "{said}");
    desk.keys("g esc");
    assert_eq!((desk.app.screen(), desk.app.pressed.len()), (ScreenName::Flows, 0), "Esc ends the sequence alone");
    desk.keys("g g");
    assert_eq!(desk.app.flows.cursor, 0);
}

#[test]
fn a_key_that_does_nothing_here_says_where_it_does() {
    let mut desk = Desk::new();
    desk.keys("s");
    assert_eq!(
        desk.app.message.clone().unwrap().text.as_str(),
        "s (sort) is a key of Flows; ? lists those of this screen"
    );
    desk.keys("f9");
    assert_eq!(desk.app.message.clone().unwrap().text.as_str(), "F9 is not bound; ? lists the keys");
}

#[test]
fn the_config_s_keys_work_and_are_the_ones_that_are_shown() {
    let changes = [("refresh", "f5"), ("down", "f6"), ("quit", "none"), ("help", "f2"), ("suspend", "ctrl-t")];
    let changes: Vec<_> = changes.iter().map(|(name, key)| ((*name).to_owned(), vec![(*key).to_owned()])).collect();
    let (map, problems) = crate::cockpit::keymap::Keymap::configured(&changes);
    assert_eq!(problems, Vec::new());
    let mut desk = Desk::new();
    desk.app.keymap = map;
    let footer = desk.picture().lines().last().unwrap().to_owned();
    assert!(footer.contains("F2 help") && footer.contains(":q back/quit"), "{footer}");
    desk.keys("2 f6 f6");
    assert_eq!(desk.app.flows.cursor, 2);
    desk.keys("f2");
    desk.keys("f6 f6");
    assert!(
        matches!(desk.app.popup, Some(crate::cockpit::app::Popup::Help { scroll: 2, .. })),
        "popups follow them too"
    );
    assert_eq!(desk.press("ctrl-t"), [crate::cockpit::msg::Effect::Suspend]);
    assert!(desk.press("ctrl-z").is_empty());
}
