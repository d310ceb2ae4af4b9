//! Tenants and events: how they are found, drawn at each size, gone on from, and what a customer may see.

use super::Desk;
use super::fake::tenants::known;
use super::fake::{self, FakeOps};
use super::pictures::{draws_at_all_sizes, keep, keep_plain, plain, shot};
use crate::cockpit::msg::{Ask, Effect, Msg, Target, Ticket};
use crate::cockpit::settings::ScreenName;
use crate::cockpit::tenants::TenantPane;
use crate::cockpit::update::update;

const SCREENS: [(&str, &str); 7] = [
    ("tenants", "3"),
    ("typing", "t b l u e"),
    ("tenant", "3 enter"),
    ("timeline", "3 enter tab j j"),
    ("customer", "3 enter i"),
    ("events", "7"),
    ("event", "7 enter"),
];

fn ops() -> FakeOps {
    let ops = FakeOps::default();
    *ops.known.lock().unwrap() = known();
    if let Ok(overview) = ops.overview.lock().unwrap().as_mut() {
        (overview.sources[0].tenants, overview.sources[0].events) = (Some(4), true);
    }
    ops
}

/// Types a line, which its first character opens, and enters it.
fn type_line(desk: &mut Desk, line: &str) {
    for c in line.chars() {
        desk.keys(&if c == ' ' { "space".to_owned() } else { c.to_string() });
    }
    desk.keys("enter");
}

#[test]
fn each_screen_at_each_size() {
    let look = fake::settings();
    for size in [(80, 24), (120, 34), (200, 60)] {
        for (name, keys) in SCREENS {
            let name = format!("{name}-{}x{}", size.0, size.1);
            let buffer = shot(ops(), ScreenName::Board, keys, size, &look);
            insta::assert_snapshot!(name.clone(), keep(&name, &buffer));
        }
    }
}

#[test]
fn without_colours_and_in_ascii() {
    for (name, keys) in SCREENS {
        let buffer = shot(ops(), ScreenName::Board, keys, (120, 34), &plain());
        let name = format!("{name}-ascii");
        insta::assert_snapshot!(name.clone(), keep_plain(&name, &buffer));
    }
}

#[test]
fn no_size_panics() {
    for keys in ["3", "3 enter", "3 enter i", "7", "7 enter"] {
        draws_at_all_sizes(ops, keys);
    }
}

#[test]
fn a_tenant_on_the_phone_is_open_within_six_keys() {
    let mut desk = Desk::with(ops());
    desk.keys("t n o r enter");
    assert_eq!(desk.app.screen(), ScreenName::Tenant);
    assert_eq!(desk.app.tenants.card.value().unwrap().tenant.name, "Northwind");
    assert!(!desk.app.tenants.rows.is_empty(), "with what happened to them");
    desk.keys("esc");
    assert_eq!(desk.app.screen(), ScreenName::Tenants);
}

#[test]
fn who_types_faster_than_it_is_found_gets_who_they_named_and_never_somebody_else() {
    // Each key is pressed before the answer to the one before is there.
    let typed = |keys: &[&str]| {
        let mut desk = Desk::with(ops());
        let mut asked = Vec::new();
        for key in keys {
            asked.extend(desk.press(key));
        }
        assert_ne!(desk.app.screen(), ScreenName::Tenant, "nobody is opened who was not found by that");
        desk.settle(asked);
        desk
    };
    let desk = typed(&["t", "n", "o", "r", "t", "h", "enter"]);
    assert_eq!(desk.app.tenants.card.value().unwrap().tenant.name, "Northwind");
    let desk = typed(&["t", "b", "l", "u", "e", "enter"]);
    assert_eq!(desk.app.screen(), ScreenName::Tenants, "of two one has to choose");
    assert!(desk.picture().contains("2 tenants may be meant: choose one"), "{}", desk.picture());
}

#[test]
fn what_they_were_found_by_before_comes_back_with_escape() {
    let mut desk = Desk::with(ops());
    desk.keys("3 t n o r esc");
    assert_eq!(
        (desk.app.screen(), desk.app.tenants.text.as_str(), desk.app.tenants.total()),
        (ScreenName::Tenants, "", 4)
    );
    desk.keys("1 t n o r esc");
    assert_eq!(desk.app.screen(), ScreenName::Board);
}

#[test]
fn each_thing_leads_to_its_own_screen() {
    for (keys, screen) in [
        ("enter", ScreenName::Detail),
        ("G enter", ScreenName::Finding),
        ("tab enter", ScreenName::Detail),
        ("tab j enter", ScreenName::Event),
        ("tab j j j enter", ScreenName::Remediation),
        ("g f", ScreenName::Flows),
        ("g v", ScreenName::Events),
        ("g v enter enter", ScreenName::Tenant),
        ("enter g t", ScreenName::Tenant),
    ] {
        let mut desk = Desk::with(ops());
        desk.keys("3 enter");
        desk.keys(keys);
        assert_eq!(desk.app.screen(), screen, "{keys}");
    }
    let mut desk = Desk::with(ops());
    desk.keys("3 enter g f");
    assert_eq!(desk.app.flows.text, "tenant:\"t-0017\"");
}

#[test]
fn a_verb_is_about_the_flow_under_the_cursor() {
    let mut desk = Desk::with(ops());
    desk.keys("3 enter j");
    let id = desk.app.tenants.card.value().unwrap().flows[1].flow.id.clone();
    assert_eq!(desk.app.subject(), Ok(id));
    desk.keys("G");
    assert!(desk.app.subject().is_err(), "a finding is no flow");
}

#[test]
fn the_timeline_is_read_on_without_an_end_and_nothing_moves_under_who_reads() {
    let mut desk = Desk::with(ops());
    desk.keys("3 enter tab");
    assert_eq!(desk.app.tenants.rows.len(), 200);
    for _ in 0..3 {
        desk.keys("G");
    }
    assert_eq!((desk.app.tenants.rows.len(), desk.app.tenants.row), (450, 449));
    let place = desk.app.tenants.place.clone();
    desk.ops.known.lock().unwrap().timeline = 460;
    let effects = update(&mut desk.app, Msg::Changed(2), desk.now);
    desk.settle(effects);
    assert_eq!(desk.app.tenants.place, place);
    assert_eq!(desk.app.tenants.rows.len(), 450, "what was read stays");
}

#[test]
fn what_the_customer_may_see_holds_nothing_internal() {
    let mut desk = Desk::with(ops());
    desk.keys("3 enter i");
    for internal in ["refused", "directory", "schema-svc", "cell-7", "email", "policy", "billing", "aws_sqs_queue"] {
        assert!(!desk.picture().contains(internal), "{internal}: {}", desk.picture());
    }
    assert!(desk.picture().contains("it takes"));
    desk.app.settings.customer_only = true;
    desk.keys("i");
    assert!(!desk.picture().contains("cell-7"), "the role support sees no more: {}", desk.picture());
}

#[test]
fn what_is_personal_is_shown_for_a_while_and_for_a_reason() {
    let mut desk = Desk::with(ops());
    desk.keys("3 enter");
    assert!(!desk.picture().contains("ops@"));
    type_line(&mut desk, ":reveal email");
    assert!(desk.picture().contains("a reason is needed"), "{}", desk.picture());
    desk.keys("esc");
    type_line(&mut desk, ":reveal email the customer is on the phone");
    assert!(desk.picture().contains("ops@blue-harbor.example"), "{}", desk.picture());
    let clip = crate::cockpit::update::tenants::case(&desk.app, true).unwrap();
    assert!(!clip.as_str().contains("ops@"), "what was revealed is no part of a case");
    desk.wait(301);
    assert!(!desk.picture().contains("ops@"), "{}", desk.picture());
}

#[test]
fn a_case_is_written_into_two_files() {
    let mut desk = Desk::with(ops());
    desk.keys("3 enter E");
    let Some(Effect::Write(files)) = desk.done.pop() else { panic!("nothing is written: {:?}", desk.done) };
    let names: Vec<&str> = files.iter().map(|(name, _)| name.rsplit_once('.').unwrap().1).collect();
    assert_eq!(names, ["md", "json"]);
    assert!(files[0].1.contains("# Blue Harbor Logistics") && !files[0].1.contains("ops@"));
    serde_json::from_str::<serde_json::Value>(&files[1].1).unwrap();
}

#[test]
fn one_is_told_when_nothing_is_stuck_any_more_and_silence_is_no_good_news() {
    let mut desk = Desk::with(ops());
    desk.keys("3 enter n");
    assert!(desk.picture().contains("you will be told"), "{}", desk.picture());
    desk.keys("1");
    desk.wait(16);
    assert_eq!(desk.app.tenants.watched.len(), 1);
    desk.ops.known.lock().unwrap().mended = true;
    desk.wait(16);
    assert!(desk.app.tenants.watched.is_empty());
    assert!(desk.done.contains(&Effect::Bell));
    assert!(desk.picture().contains("Blue Harbor Logistics: nothing is stuck any more"), "{}", desk.picture());
}

#[test]
fn a_tenant_that_vanishes_while_it_is_open_stays_with_what_was_known() {
    let mut desk = Desk::with(ops());
    desk.keys("3 enter");
    desk.ops.known.lock().unwrap().tenants.clear();
    desk.wait(16);
    assert!(desk.picture().contains("Blue Harbor Logistics"), "{}", desk.picture());
}

#[test]
fn the_stream_goes_on_at_the_top_and_stands_still_further_down() {
    let mut desk = Desk::with(ops());
    desk.keys("7");
    let newer = |desk: &mut Desk| {
        desk.ops.known.lock().unwrap().events += 5;
        let effects = update(&mut desk.app, Msg::Changed(2), desk.now);
        desk.settle(effects);
    };
    newer(&mut desk);
    assert_eq!(desk.app.events.selected, Some(905), "the newest one");
    desk.keys("j j");
    newer(&mut desk);
    assert_eq!((desk.app.events.selected, desk.app.events.index), (Some(903), 2));
    assert!(desk.picture().contains("5 newer"), "{}", desk.picture());
    desk.keys("g g");
    assert_eq!(desk.app.events.selected, Some(910), "nothing was lost");
    desk.keys("G");
    assert_eq!((desk.app.events.selected, desk.app.events.index), (Some(1), 909), "down to the first one");
}

#[test]
fn a_filter_is_tried_as_it_is_typed_and_a_bad_one_leaves_the_last_in_force() {
    let mut desk = Desk::with(ops());
    desk.keys("7");
    type_line(&mut desk, "/class:alert");
    assert_eq!(desk.app.events.total(), 225);
    desk.keys("/ , x");
    assert_eq!(desk.app.events.total(), 225);
    assert!(desk.picture().contains("unknown class \"x\""), "{}", desk.picture());
    desk.keys("esc");
    assert_eq!(desk.app.events.text, "class:alert");
}

#[test]
fn an_answer_to_an_older_question_is_dropped() {
    let mut desk = Desk::with(ops());
    desk.keys("3");
    let old = Ticket { target: Target::Tenants, epoch: 1 };
    let query = crate::ops::TenantsQuery { text: "north".into(), offset: 0, limit: 9 };
    let reply = desk.runtime.block_on(crate::cockpit::runtime::effects::answer(&*desk.ops, Ask::Tenants(query)));
    desk.keys("t b");
    let effects = update(&mut desk.app, Msg::Reply(old, reply), desk.now);
    desk.settle(effects);
    assert_eq!(desk.app.tenants.found_by, "b");
    assert_eq!(desk.app.tenants.pane, TenantPane::Card);
}
