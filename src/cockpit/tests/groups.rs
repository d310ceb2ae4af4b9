//! The order, the groups, the saved views, and the pause.

use super::fake::{self, FakeOps, settings};
use super::{Desk, asks};
use crate::cockpit::app::Popup;
use crate::cockpit::msg::{Ask, Effect, Msg};
use crate::cockpit::settings::ScreenName;
use crate::cockpit::update::update;
use crate::cockpit::views::{Origin, View};
use crate::domain::remediation::ItemState;
use crate::ops::{GroupBy, SortBy};
use crate::query::Filter;

#[test]
fn an_order_is_two_keys_away_and_the_same_again_turns_it_round() {
    let mut desk = Desk::new();
    desk.keys("2 s t");
    assert_eq!((desk.app.flows.sort, desk.app.flows.reverse), (SortBy::Tenant, false));
    assert!(desk.picture().contains("TENANT↓"), "{}", desk.picture());
    desk.keys("s enter");
    assert_eq!((desk.app.flows.sort, desk.app.flows.reverse), (SortBy::Tenant, true));
    desk.keys("s j enter");
    assert_eq!((desk.app.flows.sort, desk.app.flows.reverse), (SortBy::Status, false));
    for (key, title) in [("s e", "ERROR↓"), ("s p", "STEP↓"), ("s i", "ID↓"), ("s a", "ATT↓"), ("s f", "FLOW↓")]
    {
        desk.keys(key);
        assert!(desk.picture().contains(title), "{title}\n{}", desk.picture());
    }
}

#[test]
fn groups_are_folded_until_enter_opens_them() {
    let mut desk = Desk::new();
    desk.keys("2 b t");
    let window = desk.app.flows.window.value().unwrap();
    assert_eq!((window.total, window.matching, window.rows.len()), (6, 382, 0));
    assert!(desk.app.flows.selected.is_none() && desk.app.flows.head.is_some());
    insta::assert_snapshot!("groups-folded", desk.picture());
    desk.keys("enter");
    let opened = desk.app.flows.window.value().unwrap();
    let size = opened.heads[0].count;
    assert_eq!(opened.total, 6 + size);
    assert_eq!(desk.app.flows.cursor, 0, "the cursor stays on the head");
    desk.keys("j");
    assert!(desk.app.flows.selected.is_some() && desk.app.flows.head.is_none());
    insta::assert_snapshot!("groups-open", desk.picture());
    // Through the whole of a group that is longer than any window, onto the next head.
    for _ in 0..size {
        desk.keys("j");
    }
    assert!(desk.app.flows.head.is_some() && desk.app.flows.selected.is_none());
    assert_eq!(desk.app.flows.cursor, 1 + size);
    desk.keys("G");
    assert_eq!(desk.app.flows.cursor, 5 + size);
    desk.keys("g g enter v");
    assert!(desk.app.popup.is_none(), "a group is no instance");
    assert_eq!(desk.app.flows.window.value().unwrap().total, 6);
    desk.keys("b n");
    assert!(desk.app.flows.group.is_none() && desk.app.flows.selected.is_some());
}

#[test]
fn an_instance_in_a_group_opens_and_comes_back() {
    let mut desk = Desk::new();
    desk.keys("2 b t enter j j");
    let id = desk.app.flows.selected.clone();
    desk.keys("enter");
    assert_eq!((desk.app.screen(), desk.app.detail.id.clone()), (ScreenName::Detail, id.clone()));
    desk.keys("esc");
    desk.change();
    assert_eq!((desk.app.flows.selected.clone(), desk.app.flows.cursor), (id, 2));
}

fn with_view() -> Desk {
    let mut desk = Desk::new();
    desk.app.settings.views = vec![View {
        name: "acme".into(),
        text: "acme".to_owned(),
        filter: Filter::parse("acme").unwrap(),
        sort: SortBy::Attempts,
        reverse: true,
        group: Some(GroupBy::Status),
        origin: Origin::Config,
    }];
    desk
}

#[test]
fn views_tell_how_many_match_now() {
    let mut desk = with_view();
    desk.keys("w");
    insta::assert_snapshot!("views", desk.picture());
    desk.ops.rows.lock().unwrap().clear();
    desk.change();
    let Some(Popup::Views { counts, .. }) = &desk.app.popup else { panic!("closed") };
    assert!(counts.value().unwrap().iter().all(|count| count.matching == 0));
    desk.keys("6");
    let flows = &desk.app.flows;
    assert_eq!((desk.app.screen(), &*flows.text), (ScreenName::Flows, "acme"));
    assert_eq!((flows.sort, flows.reverse), (SortBy::Attempts, true));
    assert_eq!(flows.group.as_ref().map(|group| group.by), Some(GroupBy::Status));
}

#[test]
fn mine_is_what_i_have_claimed() {
    let mut desk = Desk::new();
    desk.keys("w 2");
    assert_eq!(desk.app.flows.text, "cohort:none");
    desk.keys("1 c enter w 2");
    assert_eq!(desk.app.flows.text, format!("cohort:{}", fake::cohorts()[0].id));
}

/// Types a command.
fn type_in(desk: &mut Desk, text: &str) {
    desk.keys(":");
    let effects = update(&mut desk.app, Msg::Paste(text.to_owned()), desk.now);
    desk.settle(effects);
    desk.keys("enter");
}

#[test]
fn a_view_is_saved_for_the_session_and_copied_for_the_config() {
    let mut desk = Desk::new();
    desk.keys("2 / a c m e enter s a b r");
    type_in(&mut desk, "view save \"my\" view");
    let Some(Effect::Copy(clip)) = desk.done.last() else { panic!("{:?}", desk.done) };
    let read: toml::Table = clip.as_str().parse().unwrap();
    let view = &read["view"][0];
    assert_eq!(view["name"].as_str(), Some("\"my\" view"));
    assert_eq!((view["filter"].as_str(), view["sort"].as_str()), (Some("acme"), Some("attempts")));
    assert_eq!(view["group"].as_str(), Some("rule"));
    type_in(&mut desk, "view stuck");
    assert_eq!((&*desk.app.flows.text, desk.app.flows.group.is_none()), ("is:stuck", true));
    type_in(&mut desk, "view \"my\" view");
    assert_eq!(desk.app.flows.text, "acme");
    type_in(&mut desk, "view nosuch");
    let error = desk.app.prompt.as_ref().unwrap().error.clone().unwrap();
    assert!(error.contains("stuck, mine, blocked, unknown, oldest"), "{error}");
}

#[test]
fn a_pause_is_told_and_acts_look_afresh() {
    let mut desk = Desk::new();
    desk.keys("2 P");
    assert!(desk.picture().contains("PAUSED since 03:12"), "{}", desk.picture());
    let before = desk.app.flows.window.clone();
    desk.ops.rows.lock().unwrap().remove(0);
    assert!(update(&mut desk.app, Msg::Changed(9), desk.now).is_empty());
    desk.wait(60);
    assert_eq!(desk.app.flows.window, before, "what is shown stays");
    let effects = desk.press("v");
    assert!(matches!(asks(&effects)[..], [Ask::Flow(_)]), "a fresh look, paused or not");
    desk.settle(effects);
    desk.keys("esc j v enter f i x e d tab tab enter");
    assert!(matches!(desk.done.last(), Some(Effect::Act { .. })));
    // What became of an act is followed all the same.
    desk.ops.acts.lock().unwrap()[0] = fake::act(ItemState::Verified);
    desk.wait(1);
    assert!(desk.app.acts.value().unwrap()[0].ended);
    desk.keys("esc P");
    assert!(!desk.picture().contains("PAUSED"));
    assert_eq!(desk.app.flows.window.value().unwrap().total, 381);
}

#[test]
fn no_size_panics_with_groups_menus_and_marks() {
    let mut desk = with_view();
    for keys in ["2 b t enter j space *", "s", "esc b", "esc w", "esc G"] {
        desk.keys(keys);
        for size in [(1, 1), (2, 3), (15, 4), (40, 10), (80, 24), (121, 20), (200, 60)] {
            desk.app.size = size;
            let _ = desk.picture();
        }
    }
    let ops = FakeOps { rows: Vec::new().into(), ..FakeOps::default() };
    let mut empty = Desk::with(ops);
    empty.app.settings = settings();
    empty.keys("2 b s enter * space V w 1");
    let _ = empty.picture();
}
