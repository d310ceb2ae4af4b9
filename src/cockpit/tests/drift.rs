//! What has drifted: the list and a finding at each size, how one gets there, and a check that is made anew.

use std::sync::Arc;

use super::fake::{self, FakeOps, drift};
use super::pictures::{draws_at_all_sizes, keep, keep_plain, plain, shot};
use super::{Desk, asks};
use crate::cockpit::app::Popup;
use crate::cockpit::msg::Ask;
use crate::cockpit::settings::ScreenName;
use crate::domain::decided::Adoption;
use crate::domain::ids::InstanceId;
use crate::domain::remediation::Verb;
use crate::domain::remedy::Remedy;
use crate::domain::source::Freshness;
use crate::domain::text::SafeText;
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
        window.total = 1;
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
        let window = DriftWindow {
            rows: Vec::new(),
            total: 0,
            of_all: 0,
            sources,
            blind: vec![silent; blind],
            ..drift::window()
        };
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
    assert!(matches!(desk.app.popup, Some(Popup::Decide(_))), "{}", desk.picture());
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
    assert!(matches!(desk.app.popup, Some(Popup::Decide(_))), "it is asked once");
}

#[test]
fn what_is_there_is_adopted_with_a_reason_for_the_difference_that_was_seen() {
    let mut desk = acting();
    desk.keys("4 a");
    let picture = desk.picture();
    for words in ["adopt what is there", "LOSES 1 of what is wanted", "change it there"] {
        assert!(picture.contains(words), "{words}: {picture}");
    }
    assert!(asks(&desk.press("enter")).is_empty(), "no reason, nothing asked");
    types(&mut desk, "five minutes are right");
    let effects = desk.press("enter");
    let asked = asks(&effects);
    let [Ask::Adopt(adopt)] = asked[..] else { panic!("{asked:?}") };
    assert_eq!(adopt.reason, "five minutes are right");
    let seen = desk.app.drift.row().unwrap().first.finding.seen();
    assert_eq!(adopt.seen, Some(seen));
    assert!(asks(&desk.press("enter")).is_empty(), "it is asked once");
}

#[test]
fn what_was_not_seen_whole_or_lately_is_not_adopted() {
    for (keys, why) in [
        ("4 j a", "check it anew first"),
        ("4 j enter a", "check it anew first"),
        ("4 j j a", "it is not checked"),
        ("4 G a", "it is resolved"),
    ] {
        let mut desk = acting();
        desk.keys(keys);
        assert!(desk.app.popup.is_none() && said(&desk).contains(why), "{keys}: {}", said(&desk));
    }
}

#[test]
fn an_adoption_is_told_and_can_be_taken_back() {
    let mut desk = acting();
    let adopted = |desk: &Desk, seen: Option<&str>| {
        if let Ok(window) = &mut *desk.ops.drift.lock().unwrap() {
            let known = &mut window.rows[0].first;
            let seen = seen.map_or_else(|| known.finding.seen(), SafeText::from);
            let adoption =
                Adoption { by: "ada".into(), at: fake::now(), seen, reason: "five minutes are right".into() };
            known.adoption = Some(adoption);
        }
    };
    adopted(&desk, None);
    desk.keys("4");
    let picture = desk.picture();
    for words in ["adopted", "says ada: five minutes are right", "change it there"] {
        assert!(picture.contains(words), "{words}: {picture}");
    }
    desk.keys("v");
    assert!(desk.picture().contains("ada said that it is wanted as it is"), "no plan acts on it: {}", desk.picture());
    desk.keys("esc a");
    types(&mut desk, "it was wrong");
    let effects = desk.press("enter");
    let asked = asks(&effects);
    let [Ask::Adopt(adopt)] = asked[..] else { panic!("{asked:?}") };
    assert_eq!(adopt.seen, None, "it is taken back");
    // What is there is another thing by now: it has drifted again, and can be adopted again.
    let mut desk = acting();
    adopted(&desk, Some("something else"));
    desk.keys("4");
    assert!(desk.picture().contains("it differs otherwise by now"), "{}", desk.picture());
    desk.keys("a");
    assert!(desk.picture().contains("adopt what is there"), "{}", desk.picture());
}

/// A thousand and some findings, of which the cockpit is given those that it asks for.
fn many() -> Desk {
    let mut window = drift::window();
    let first = window.rows[1].clone();
    let row = |n: usize| {
        let mut row = first.clone();
        let finding = Arc::make_mut(&mut row.first.finding);
        finding.id = InstanceId::new("infra", format!("web-{n}:nginx"));
        row
    };
    window.rows = (0..2_000).map(row).collect();
    (window.total, window.of_all) = (2_000, 2_000);
    Desk::with(FakeOps { drift: Ok(window).into(), ..FakeOps::default() })
}

#[test]
fn of_any_number_of_findings_those_around_the_cursor_are_held() {
    let mut desk = many();
    desk.keys("4");
    assert_eq!(desk.app.drift.rows().len(), crate::cockpit::part::HELD);
    let effects = desk.press("G");
    let asked: Vec<&Ask> = asks(&effects);
    assert!(matches!(asked[..], [Ask::Drift(DriftQuery { offset: 1_500, .. })]), "{asked:?}");
    let mut desk = many();
    desk.keys("4 G");
    assert_eq!(desk.app.drift.selected.as_ref().unwrap().to_string(), "infra/web-1999:nginx");
    desk.keys("g g");
    assert_eq!(desk.app.drift.selected.as_ref().unwrap().to_string(), "infra/web-0:nginx");
    // Another finding stands before it: the cursor stays on its own.
    desk.keys("ctrl-d");
    let id = desk.app.drift.selected.clone();
    if let Ok(window) = &mut *desk.ops.drift.lock().unwrap() {
        window.rows.rotate_right(1);
    }
    desk.change();
    assert_eq!(desk.app.drift.selected, id);
}

#[test]
fn what_is_typed_filters_at_once_and_what_cannot_be_read_leaves_the_last_one() {
    let mut desk = Desk::with(ops());
    desk.keys("4 j /");
    types(&mut desk, "owner:team-a");
    let effects = desk.press("b");
    let asked: Vec<&Ask> = asks(&effects);
    let [Ask::Drift(query)] = asked[..] else { panic!("{asked:?}") };
    assert_eq!((query.filter.to_string().as_str(), query.offset), ("owner:team-ab", 0));
    assert_eq!(desk.app.drift.index, 0, "the first that matches");
    types(&mut desk, " ownr:x");
    assert!(desk.picture().contains("unknown key"), "{}", desk.picture());
    assert_eq!(desk.app.drift.filter.to_string(), "owner:team-ab ownr", "the last one that could be read");
    desk.keys("enter");
    assert!(said(&desk).contains("not a filter yet"), "{}", said(&desk));
    desk.keys("esc");
    assert!(desk.app.prompt.is_none() && desk.app.drift.filter.is_empty());
}

#[test]
fn what_does_not_match_is_told_apart_from_nothing_that_drifted() {
    let window =
        DriftWindow { rows: Vec::new(), total: 0, by_status: std::collections::BTreeMap::new(), ..drift::window() };
    let mut desk = Desk::with(FakeOps { drift: Ok(window).into(), ..FakeOps::default() });
    desk.keys("4 /");
    types(&mut desk, "nothing-is-called-so");
    desk.keys("enter");
    let picture = desk.picture();
    assert!(picture.contains("nothing that drifts matches") && picture.contains("0 of 43 findings"), "{picture}");
}

#[test]
fn a_frame_of_a_difference_of_fifty_thousand_lines_makes_those_in_sight() {
    use crate::cockpit::screens::drift::made;
    let mut window = drift::window();
    let wanted: Vec<u32> = (0..50_000).collect();
    let there: Vec<u32> = wanted.iter().map(|n| if n % 1_000 == 7 { n + 1 } else { *n }).collect();
    let text = wanted.iter().zip(&there).fold("@@ -1 +1 @@\n".to_owned(), |text, (one, other)| {
        if one == other { text + &format!(" line {one}\n") } else { text + &format!("-line {other}\n+line {one}\n") }
    });
    let patch = crate::domain::difference::Patch::read(&text, &crate::domain::redact::Redactor::default());
    Arc::make_mut(&mut window.rows[0].first.finding).difference = crate::domain::difference::Difference::Patch(patch);
    let mut desk = Desk::with(FakeOps { drift: Ok(window).into(), ..FakeOps::default() });
    desk.keys("4 enter");
    let folded = crate::cockpit::screens::drift::extent(&desk.app).0;
    desk.keys("z");
    let unfolded = crate::cockpit::screens::drift::extent(&desk.app).0;
    assert!(folded < 300 && unfolded > 9_000, "{folded} {unfolded}");
    for keys in ["g g", "G", "tab", "ctrl-u"] {
        desk.keys(keys);
        let before = made();
        let picture = desk.picture();
        let lines = made() - before;
        assert!(lines > 5 && lines <= picture.lines().count(), "{keys}: {lines}");
    }
}
