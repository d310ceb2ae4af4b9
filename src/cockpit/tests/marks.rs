//! Marks: one, a range, all that match; by id and over every order.

use super::fake::{self, judged, now};
use super::{Desk, asks};
use crate::cockpit::app::Popup;
use crate::cockpit::many::WidePopup;
use crate::cockpit::marks::Marks;
use crate::cockpit::msg::{Ask, Effect};
use crate::ops::Selection;
use crate::query::Filter;

#[test]
fn marks_are_counted_with_what_vanished() {
    let mut marks = Marks::one(judged(0).flow.id.clone());
    marks.toggle(&judged(1), now()).unwrap();
    marks.toggle(&judged(2), now()).unwrap();
    assert_eq!(marks.words(), "3 marked");
    marks.now = Some(1);
    assert_eq!(marks.words(), "3 marked, 2 gone");
    marks.toggle(&judged(1), now()).unwrap();
    assert!(!marks.holds(&judged(1), now()) && marks.holds(&judged(2), now()));
    assert_eq!(marks.words(), "2 marked", "how many are gone of these is not known yet");
    marks.toggle(&judged(0), now()).unwrap();
    marks.toggle(&judged(2), now()).unwrap();
    assert!(marks.is_empty());
}

#[test]
fn all_that_match_is_a_filter_and_not_a_list() {
    let mut marks = Marks::all(Filter::parse("flow:schema-migration").unwrap(), 312, 7);
    assert_eq!(marks.words(), "all 312 marked");
    marks.now = Some(318);
    assert_eq!(marks.words(), "312 when marked, 318 now");
    assert!(marks.holds(&judged(0), now()) && marks.holds(&judged(4_000), now()) && !marks.holds(&judged(1), now()));
    marks.toggle(&judged(0), now()).unwrap();
    assert!(!marks.holds(&judged(0), now()));
    marks.now = Some(311);
    assert_eq!(marks.words(), "all 311 marked, 1 left out");
    assert!(marks.toggle(&judged(1), now()).is_err(), "it does not match");
    marks.toggle(&judged(0), now()).unwrap();
    assert!(marks.holds(&judged(0), now()));
}

/// Who is marked one by one.
fn marked(desk: &Desk) -> Vec<usize> {
    match desk.app.marked() {
        Some(Selection::Ids(ids)) => (0..382).filter(|n| ids.contains(&fake::instance(*n).id)).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn space_marks_and_goes_on() {
    let mut desk = Desk::new();
    desk.keys("2 space space j space");
    assert_eq!(marked(&desk), [0, 1, 3]);
    assert_eq!(desk.app.flows.cursor, 4);
    assert!(desk.picture().contains("3 marked"), "{}", desk.picture());
    // They are marks on instances and not on lines.
    desk.keys("S");
    assert_eq!(marked(&desk), [0, 1, 3]);
    desk.keys("G space");
    assert_eq!(marked(&desk), [1, 3], "again on the same one takes its mark away");
    desk.ops.rows.lock().unwrap().retain(|row| row.flow.id != fake::instance(3).id);
    desk.change();
    assert!(desk.picture().contains("2 marked, 1 gone"), "{}", desk.picture());
    desk.keys("esc");
    assert_eq!((desk.app.marked().is_none(), desk.app.stack.len()), (true, 2), "one layer: the screen stays");
    desk.keys("esc");
    assert_eq!(desk.app.stack.len(), 1);
}

#[test]
fn a_range_reaches_over_what_is_not_held() {
    let mut desk = Desk::new();
    desk.keys("2 j j space G V");
    let expected: Vec<usize> = (2..382).collect();
    assert_eq!(marked(&desk), expected);
    desk.keys(": u n m a r k enter");
    assert!(desk.app.marked().is_none());
    desk.keys("g g V j V");
    assert_eq!(marked(&desk), [0, 1], "without a mark the first V makes one");
}

#[test]
fn all_that_match_now_and_later() {
    let mut desk = Desk::new();
    desk.keys("2 / a c m e enter *");
    let total = desk.app.flows.window.value().unwrap().matching;
    assert!(desk.picture().contains(&format!("all {total} marked")), "{}", desk.picture());
    desk.keys("space");
    assert!(desk.picture().contains(&format!("all {} marked, 1 left out", total - 1)), "{}", desk.picture());
    desk.keys("k space");
    let more: Vec<_> = (400..415).map(judged).collect();
    let came = more.iter().filter(|row| Filter::parse("acme").unwrap().matches(row, now())).count();
    desk.ops.rows.lock().unwrap().extend(more);
    desk.change();
    let told = format!("{total} when marked, {} now", total + came);
    assert!(desk.picture().contains(&told), "{told}\n{}", desk.picture());
    desk.keys("*");
    assert!(desk.app.marked().is_none());
}

#[test]
fn with_marks_no_verb_is_offered_as_if_it_were_for_one() {
    let mut desk = Desk::new();
    desk.keys("2 space space v");
    let Some(Popup::Wide(wide)) = &desk.app.popup else { panic!("{:?}", desk.app.popup) };
    assert!(matches!(&**wide, WidePopup::Offers(menu) if menu.whom.words == *"2 marked instances"), "{wide:?}");
    // One that is marked is meant, wherever the cursor is.
    let mut desk = Desk::new();
    desk.keys("2");
    let first = desk.app.flows.selected.clone();
    desk.keys("space j j v");
    assert!(matches!(&desk.app.popup, Some(Popup::Verbs { target, .. }) if Some(target) == first.as_ref()));
}

#[test]
fn what_is_marked_is_counted_again_after_each_change() {
    let mut desk = Desk::new();
    desk.keys("2 space");
    let effects = crate::cockpit::update::update(&mut desk.app, crate::cockpit::msg::Msg::Changed(9), desk.now);
    assert!(asks(&effects).iter().any(|ask| matches!(ask, Ask::Marked(_))));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Act { .. })));
}

#[test]
fn a_copy_is_of_all_that_is_marked() {
    let mut desk = Desk::new();
    desk.keys("2 space space y y");
    let Some(Effect::Copy(clip)) = desk.done.last() else { panic!("{:?}", desk.done) };
    assert_eq!(clip.as_str(), format!("{}\n{}", fake::instance(0).id.instance, fake::instance(1).id.instance));
    desk.keys("y j");
    let Some(Effect::Copy(clip)) = desk.done.last() else { panic!("{:?}", desk.done) };
    let read: serde_json::Value = serde_json::from_str(clip.as_str()).unwrap();
    assert_eq!(read.as_array().unwrap().len(), 2);
    desk.ops.rows.lock().unwrap().clear();
    let before = desk.done.len();
    desk.keys("y r");
    assert_eq!(desk.done.len(), before);
    assert!(desk.app.message.as_ref().unwrap().text.contains("is gone"));
}

#[test]
fn two_marks_are_compared() {
    let mut desk = Desk::new();
    desk.keys("2 space j space =");
    let pair = desk.app.compare.pair.clone().unwrap();
    assert_eq!(pair, [fake::instance(0).id, fake::instance(2).id]);
}
