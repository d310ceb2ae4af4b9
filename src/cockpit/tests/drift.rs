//! What has drifted: the list and a finding at each size, how one gets there, and a check that is made anew.

use super::fake::{self, FakeOps, drift};
use super::pictures::{draws_at_all_sizes, keep, keep_plain, plain, shot};
use super::{Desk, asks};
use crate::cockpit::app::Popup;
use crate::cockpit::msg::Ask;
use crate::cockpit::settings::ScreenName;
use crate::domain::remediation::Verb;
use crate::domain::remedy::Remedy;
use crate::domain::source::Freshness;
use crate::ops::{DriftQuery, DriftWindow, OpsError, Selection};

const SCREENS: [(&str, &str); 3] = [("list", "4"), ("other", "4 j"), ("finding", "4 enter")];

fn ops() -> FakeOps {
    FakeOps { drift: Ok(drift::window()).into(), ..FakeOps::default() }
}

fn said(desk: &Desk) -> String {
    desk.app.message.as_ref().map(|message| message.text.to_string()).unwrap_or_default()
}

#[test]
fn each_screen_at_each_size() {
    for size in [(80, 24), (120, 34), (200, 60)] {
        for (name, keys) in SCREENS {
            let name = format!("drift-{name}-{}x{}", size.0, size.1);
            let buffer = shot(ops(), ScreenName::Board, keys, size, &fake::settings());
            insta::assert_snapshot!(name.clone(), keep(&name, &buffer));
        }
    }
}

#[test]
fn without_colours_and_in_ascii() {
    for (name, keys) in SCREENS {
        let buffer = shot(ops(), ScreenName::Board, keys, (120, 34), &plain());
        let name = format!("drift-ascii-{name}");
        insta::assert_snapshot!(name.clone(), keep_plain(&name, &buffer));
    }
}

#[test]
fn no_size_panics() {
    for (_, keys) in SCREENS {
        draws_at_all_sizes(ops, keys);
    }
}

#[test]
fn a_secret_is_on_no_screen() {
    for (_, keys) in SCREENS {
        let mut desk = Desk::with(ops());
        desk.keys(keys);
        assert!(!desk.picture().contains("hunter2"), "{}", desk.picture());
    }
}

#[test]
fn causes_are_taken_apart_and_put_together_again() {
    let mut desk = Desk::with(ops());
    desk.keys("4");
    assert!(desk.picture().contains("by cause"), "{}", desk.picture());
    let effects = desk.press("b");
    let asked: Vec<&Ask> = asks(&effects);
    assert!(matches!(asked[..], [Ask::Drift(DriftQuery { by_cause: false, .. })]), "{asked:?}");
    assert!(desk.picture().contains("each by itself"), "{}", desk.picture());
}

#[test]
fn the_cursor_stays_on_its_finding_while_others_come() {
    let mut desk = Desk::with(ops());
    desk.keys("4 j");
    let id = desk.app.drift.selected.clone().unwrap();
    assert_eq!(id.to_string(), "infra/web-1:nginx");
    if let Ok(window) = &mut *desk.ops.drift.lock().unwrap() {
        window.rows.rotate_right(1);
    }
    desk.change();
    assert_eq!((desk.app.drift.selected.clone(), desk.app.drift.index), (Some(id), 2));
    // It is gone: the cursor is on what has its place.
    if let Ok(window) = &mut *desk.ops.drift.lock().unwrap() {
        window.rows.truncate(1);
    }
    desk.change();
    assert_eq!(desk.app.drift.index, 0);
}

#[test]
fn a_check_that_is_made_anew_is_asked_for_and_told() {
    let mut desk = Desk::with(ops());
    desk.keys("4 j enter");
    assert_eq!(desk.app.screen(), ScreenName::Finding);
    assert!(desk.picture().contains("too old to be acted on"), "{}", desk.picture());
    let effects = desk.press("r");
    let asked: Vec<&Ask> = asks(&effects);
    assert!(asked.iter().any(|ask| matches!(ask, Ask::Recheck(id) if *id.instance == *"web-1:nginx")), "{asked:?}");
    desk.keys("r");
    assert_eq!(said(&desk), "checked: drifted");
    desk.keys("esc");
    assert_eq!(desk.app.screen(), ScreenName::Drift);
}

#[test]
fn nothing_that_drifted_is_told_apart_from_nothing_that_is_known() {
    let empty = |sources: usize, blind: usize| {
        let silent = ("salt".into(), "connection refused".into());
        let window = DriftWindow { rows: Vec::new(), total: 0, sources, blind: vec![silent; blind], ..drift::window() };
        let mut desk = Desk::with(FakeOps { drift: Ok(window).into(), ..FakeOps::default() });
        desk.keys("4");
        desk.picture()
    };
    assert!(empty(0, 0).contains("no source of this context tells of drift"));
    assert!(empty(2, 0).contains("nothing has drifted, as far as it was checked"));
    assert!(empty(1, 1).contains("nothing is known: no source that tells of drift has answered"));
    let mut desk =
        Desk::with(FakeOps { drift: Err(OpsError::Source("no answer".into())).into(), ..FakeOps::default() });
    desk.keys("4");
    assert!(desk.picture().contains("no answer"), "{}", desk.picture());
}

#[test]
fn what_a_silent_source_had_is_not_green() {
    let mut window = drift::window();
    for row in &mut window.rows {
        row.first.stale = true;
    }
    window.in_sync_was = Some(12);
    let mut desk = Desk::with(FakeOps { drift: Ok(window).into(), ..FakeOps::default() });
    desk.keys("4");
    let picture = desk.picture();
    assert!(picture.contains("1,204+? in sync (silent: 12 before)"), "{picture}");
    let resolved = picture.lines().find(|line| line.contains("resolved") && line.contains("/etc/motd"));
    assert!(resolved.is_some_and(|line| line.contains("? resolved")), "{picture}");
}

#[test]
fn it_stands_among_the_screens_where_a_source_tells_of_it() {
    let tabs = |tells: bool| {
        let mut desk = Desk::with(ops());
        if let Ok(overview) = &mut *desk.ops.overview.lock().unwrap() {
            overview.sources[0].drift = tells.then_some(41);
        }
        desk.change();
        desk.keys("2 ]");
        (desk.picture().contains("4 Drift"), desk.app.screen())
    };
    assert_eq!(tabs(true), (true, ScreenName::Drift));
    assert_eq!(tabs(false), (false, ScreenName::Remediations));
}

#[test]
fn where_nothing_drifted_there_is_nothing_to_act_on() {
    let window = DriftWindow { rows: Vec::new(), total: 0, ..drift::window() };
    let mut desk = Desk::with(FakeOps { drift: Ok(window).into(), ..FakeOps::default() });
    desk.keys("4 v");
    assert!(desk.app.popup.is_none() && said(&desk).contains("nothing that drifted"), "{}", said(&desk));
}

/// The same with a source that can act.
fn acting() -> Desk {
    let mut desk = Desk::with(ops());
    if let Ok(overview) = &mut *desk.ops.overview.lock().unwrap() {
        let mut infra = fake::source("infra", Freshness::Live, 2);
        (infra.verbs, infra.drift) = (&Verb::OF_DRIFT, Some(41));
        overview.sources.push(infra);
    }
    desk.change();
    desk
}

fn types(desk: &mut Desk, text: &str) {
    let keys: Vec<String> = text.chars().map(|c| if c == ' ' { "space".into() } else { c.to_string() }).collect();
    desk.keys(&keys.join(" "));
}

#[test]
fn the_verbs_of_a_cause_are_offered_and_make_a_plan_of_all_of_it() {
    let mut desk = acting();
    desk.keys("4 v");
    let picture = desk.picture();
    for words in ["reconcile", "restore", "ignore", "it loses 1 of what is there", "40 of aws_sqs_queue.jobs"] {
        assert!(picture.contains(words), "{words}: {picture}");
    }
    assert!(!picture.contains("resume"), "{picture}");
    let effects = desk.press("enter");
    let asked = asks(&effects);
    let [Ask::PlanOfMany(wish)] = asked[..] else { panic!("{asked:?}") };
    assert!(matches!(&wish.remedy, Remedy::Verb(Verb::Reconcile, given) if given.is_empty()), "{wish:?}");
    let key = desk.app.drift.row().unwrap().first.finding.cause_key.clone();
    assert_eq!(wish.selection, Selection::Cause { source: Some("infra".into()), key });
}

#[test]
fn a_check_that_is_too_old_is_acted_on_by_nothing() {
    let mut desk = acting();
    desk.keys("4 j enter v");
    assert!(desk.picture().contains("check it anew first"), "{}", desk.picture());
    assert!(asks(&desk.press("enter")).is_empty(), "a greyed verb makes no plan");
    assert!(said(&desk).contains("too old to be acted on"), "{}", said(&desk));
    // Its source offers nothing at all.
    let mut desk = Desk::with(ops());
    desk.keys("4 v enter");
    assert!(said(&desk).contains("no source of theirs is live"), "{}", said(&desk));
}

#[test]
fn what_is_left_alone_has_a_reason_and_an_end() {
    let mut desk = acting();
    desk.keys("4 v G enter");
    assert!(matches!(desk.app.popup, Some(Popup::Ignore(_))), "{}", desk.picture());
    assert!(asks(&desk.press("enter")).is_empty(), "no reason, nothing asked");
    types(&mut desk, "until the move");
    let effects = desk.press("up");
    assert!(effects.is_empty());
    let effects = desk.press("enter");
    let asked = asks(&effects);
    let [Ask::Ignore(ignore)] = asked[..] else { panic!("{asked:?}") };
    assert_eq!(ignore.reason, "until the move");
    assert_eq!(ignore.until, Some(fake::now() + jiff::SignedDuration::from_hours(72)));
    desk.keys("enter");
    assert!(matches!(desk.app.popup, Some(Popup::Ignore(_))), "it is asked once");
}
