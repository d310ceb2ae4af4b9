//! Claims: a menu and Enter, never a key; the word of another is not replaced unasked.

use jiff::SignedDuration;

use jiff::tz::TimeZone;

use super::Desk;
use super::fake;
use crate::cockpit::app::Popup;
use crate::cockpit::msg::Effect;
use crate::cockpit::times::Times;
use crate::config::Times as By;
use crate::domain::claim::{Claim, ClaimChange, ClaimKind, ClaimRequest};

/// What was asked to be recorded.
fn requests(desk: &Desk) -> Vec<ClaimRequest> {
    let claim = |effect: &Effect| if let Effect::Claim { request, .. } = effect { Some(request.clone()) } else { None };
    desk.done.iter().filter_map(claim).collect()
}

fn others_claim(kind: ClaimKind) -> Claim {
    let until = fake::now() + SignedDuration::from_mins(28);
    Claim {
        id: "claim-of-b".into(),
        cohort: fake::cohorts()[0].id.clone(),
        kind,
        by: "op-b".into(),
        at: fake::now(),
        until,
        note: Some("rolling back".into()),
        count: 298,
        tenants: 41,
    }
}

/// A board whose first cohort somebody else has.
fn taken() -> Desk {
    let mut overview = fake::overview();
    overview.cohorts[0].claim = Some(others_claim(ClaimKind::Claim));
    let ops = fake::FakeOps { overview: std::sync::Mutex::new(Ok(overview)), ..fake::FakeOps::default() };
    Desk::with(ops)
}

#[test]
fn no_single_key_claims() {
    let mut desk = Desk::new();
    desk.keys("c");
    assert!(matches!(desk.app.popup, Some(Popup::Claim(_))));
    assert_eq!(requests(&desk), vec![]);
    desk.keys("esc");
    assert_eq!((desk.app.popup.is_none(), requests(&desk)), (true, vec![]));
    desk.keys("c enter");
    let [request] = &requests(&desk)[..] else { panic!("one") };
    let until = fake::now() + SignedDuration::from_mins(30);
    assert_eq!(request.what, ClaimChange::Make { kind: ClaimKind::Claim, until, note: String::new() });
    assert_eq!((&request.cohort, &request.over), (&fake::cohorts()[0].id, &None));
    assert!(desk.app.popup.is_none());
    let picture = desk.picture();
    assert!(picture.contains("you 30m") && picture.contains("claimed until 03:42 UTC"), "{picture}");
    assert_eq!(picture.matches("unclaimed").count(), 4, "{picture}");
}

#[test]
fn an_end_and_a_note_are_typed() {
    let mut desk = Desk::new();
    desk.keys("c s 4 5 m tab d i s k enter");
    let [request] = &requests(&desk)[..] else { panic!("one") };
    let until = fake::now() + SignedDuration::from_mins(45);
    let expected = ClaimChange::Make { kind: ClaimKind::Snooze, until, note: "disk".to_owned() };
    assert_eq!(request.what, expected);
    // What cannot be read is said, and nothing is asked for.
    desk.keys("c 4 5 enter");
    assert_eq!(requests(&desk).len(), 1);
    assert!(desk.picture().contains("\"45\" is no end"), "{}", desk.picture());
    desk.keys("backspace backspace 0 3 : 4 0 enter");
    assert_eq!(requests(&desk).len(), 2);
}

#[test]
fn the_claim_of_another_is_replaced_only_after_a_question() {
    let mut desk = taken();
    let picture = desk.picture();
    assert!(picture.contains("op-b 28m") && picture.contains("until 03:40 UTC: rolling back"), "{picture}");
    desk.keys("c enter");
    assert!(desk.picture().contains("op-b has it until 03:40 UTC; take over?"), "{}", desk.picture());
    desk.keys("enter");
    assert_eq!(requests(&desk), vec![], "the button that leaves it has the focus");
    desk.keys("enter tab enter");
    let [request] = &requests(&desk)[..] else { panic!("one") };
    assert_eq!(request.over.as_deref(), Some("claim-of-b"));
    assert!(desk.picture().contains("you 30m"), "{}", desk.picture());
}

#[test]
fn the_detail_says_who_has_its_cohort_by_the_clock_that_is_shown() {
    let mut desk = Desk::new();
    desk.keys("2 enter");
    let row = desk.app.flows.row.clone().unwrap();
    let cohort = crate::domain::cohort::cohort_of(&row).unwrap();
    assert!(!desk.picture().contains("op-b"));
    let claim = Claim { cohort: cohort.clone(), ..others_claim(ClaimKind::Claim) };
    let mut overview = fake::overview();
    overview.cohorts[0].id = cohort;
    overview.cohorts[0].claim = Some(claim);
    *desk.ops.overview.lock().unwrap() = Ok(overview);
    desk.change();
    let picture = desk.picture();
    assert!(picture.contains("claimed by op-b at 03:12 until 03:40 UTC: rolling back"), "{picture}");
    desk.app.times = Times::new(By::Utc, TimeZone::posix("CET-1").unwrap());
    desk.keys("U");
    let picture = desk.picture();
    assert!(picture.contains("claimed by op-b at 04:12 until 04:40 CET: rolling back"), "{picture}");
}

#[test]
fn an_end_is_typed_and_told_by_the_clock_that_is_shown() {
    let mut desk = taken();
    desk.app.times = Times::new(By::Local, TimeZone::posix("CET-1").unwrap());
    desk.keys("c 0 4 : 3 0");
    assert!(desk.picture().contains("until 04:30 CET"), "{}", desk.picture());
    desk.keys("enter");
    assert!(desk.picture().contains("op-b has it until 04:40 CET; take over?"), "{}", desk.picture());
    desk.keys("tab enter");
    let [request] = &requests(&desk)[..] else { panic!("one") };
    let until = "2026-01-15T03:30:00Z".parse().unwrap();
    assert_eq!(request.what, ClaimChange::Make { kind: ClaimKind::Claim, until, note: String::new() });
    assert!(desk.picture().contains("claimed until 04:30 CET"), "{}", desk.picture());
}

#[test]
fn whoever_was_quicker_is_told() {
    let mut desk = Desk::new();
    desk.keys("c");
    desk.ops.overview.lock().unwrap().as_mut().unwrap().cohorts[0].claim = Some(others_claim(ClaimKind::Claim));
    desk.keys("enter");
    let picture = desk.picture();
    assert!(picture.contains("op-b has it") && picture.contains("claimed by op-b at 03:12"), "{picture}");
    desk.keys("enter");
    assert!(desk.picture().contains("take over?"));
}

#[test]
fn what_is_snoozed_is_folded_into_a_count() {
    let mut desk = Desk::new();
    desk.keys("j c s enter");
    let picture = desk.picture();
    assert!(!picture.contains("SQLSTATE") && picture.contains("1 snoozed (F shows)"), "{picture}");
    assert_eq!(desk.app.board.cohort, Some(fake::cohorts()[2].id.clone()), "the next one has moved up");
    desk.wait(10);
    assert_eq!(desk.app.board.shown.len(), 4);
    desk.keys("F");
    assert_eq!(desk.app.board.shown.len(), 5);
    assert!(desk.picture().contains("snoozed 59m"), "{}", desk.picture());
    desk.keys("k c r enter");
    desk.keys("F");
    assert_eq!((desk.app.board.shown.len(), desk.app.board.folded), (5, 0));
}

#[test]
fn the_menu_fits_every_terminal() {
    let mut desk = taken();
    for keys in ["c", "enter"] {
        desk.keys(keys);
        for size in [(1, 1), (2, 5), (20, 6), (40, 10), (80, 24), (200, 60)] {
            desk.app.size = size;
            let _ = desk.picture();
        }
    }
    desk.keys("esc");
    desk.app.size = (80, 24);
    insta::assert_snapshot!(desk.picture());
}
