//! What changed before a cohort got stuck: one line on the board, the ranked list behind a key.

use super::Desk;
use super::fake;
use crate::cockpit::app::Popup;
use crate::domain::correlation::{Certainty, Near};

/// A board whose first cohort has a change that fits.
fn near() -> Desk {
    let mut overview = fake::overview();
    let cohort = &mut overview.cohorts[0];
    cohort.near = Some(Near {
        what: "schema-svc 4.2.1 is out".into(),
        at: cohort.onset.unwrap(),
        when: "same minute as the onset".into(),
        certainty: Certainty::Possible,
    });
    Desk::with(fake::FakeOps { overview: std::sync::Mutex::new(Ok(overview)), ..fake::FakeOps::default() })
}

#[test]
fn the_change_that_fits_best_stands_under_its_cohort_with_how_sure_it_is() {
    let desk = near();
    let picture = desk.picture();
    assert!(picture.contains("near  possible: schema-svc 4.2.1 is out at "), "{picture}");
    assert!(picture.contains(", same minute as the onset"), "{picture}");
    assert_eq!(picture.matches("near  ").count(), 1, "nothing is said where nothing is known: {picture}");
}

#[test]
fn the_list_is_asked_for_by_a_key_and_says_what_speaks_for_each_and_what_is_not_known() {
    let mut desk = Desk::new();
    desk.keys("n");
    let picture = desk.picture();
    for text in [
        "near tenant-provisioning",
        "cause     possible",
        "flags is silent: what it would have told is missing",
        "1   tenant-svc 4.2.1 is out, by ci",
        "\"tenant\" is in the flow; 3 min before the onset",
        "only the time fits",
        "37 of 41 tenants have drift in policy network-default",
    ] {
        assert!(picture.contains(text), "{text}: {picture}");
    }
    assert!(!picture.contains("likely:"), "a silent source leaves nothing likely: {picture}");
    desk.keys("n");
    assert!(desk.app.popup.is_none());
}

#[test]
fn where_there_is_no_cohort_a_sentence_says_so() {
    let mut desk = Desk::new();
    desk.keys("tab n");
    assert!(desk.app.popup.is_none());
    assert!(desk.picture().contains("goes to the cohorts: this is about one of them"), "{}", desk.picture());
    let mut desk = Desk::new();
    desk.keys("2 n");
    assert!(matches!(desk.app.popup, Some(Popup::Suspects(_))), "the first row is stuck: {}", desk.picture());
}
