//! The cursor follows an instance, not a place; old answers are dropped.

use super::fake::{self, FakeOps};
use super::{Desk, asks};
use crate::cockpit::app::Pane;
use crate::cockpit::msg::{Answer, Ask, Effect, Msg};
use crate::cockpit::screens::board::{strip_at, strip_keys};
use crate::cockpit::settings::ScreenName;
use crate::cockpit::update::update;

#[test]
fn the_selection_is_an_instance() {
    let mut desk = Desk::new();
    desk.keys("2 j j j j");
    let id = desk.app.flows.selected.clone().unwrap();
    assert_eq!(id, fake::instance(4).id);
    // Three come in above it: it keeps its line, and the list moves under it.
    let line = desk.app.flows.cursor - desk.app.flows.top;
    desk.ops.rows.lock().unwrap().splice(0..0, (900..903).map(fake::judged));
    desk.change();
    assert_eq!(desk.app.flows.selected, Some(id));
    assert_eq!((desk.app.flows.cursor, desk.app.flows.cursor - desk.app.flows.top), (7, line));
}

#[test]
fn what_vanished_stays_under_the_cursor_until_it_moves() {
    let mut desk = Desk::new();
    desk.keys("2 j j");
    desk.ops.rows.lock().unwrap().remove(2);
    desk.change();
    assert!(desk.app.flows.gone);
    assert_eq!(desk.app.flows.selected, Some(fake::instance(2).id));
    desk.keys("j");
    assert_eq!(desk.app.flows.selected, Some(fake::instance(3).id), "the next one, none is passed over");
    desk.keys("k");
    assert_eq!(desk.app.flows.selected, Some(fake::instance(1).id));
}

#[test]
fn a_long_list_is_held_in_windows() {
    let mut desk = Desk::new();
    desk.keys("2 G");
    assert_eq!(desk.app.flows.selected, Some(fake::instance(381).id));
    desk.keys("g g");
    assert_eq!(desk.app.flows.selected, Some(fake::instance(0).id));
    for n in 1..200 {
        desk.keys("j");
        assert_eq!(desk.app.flows.selected, Some(fake::instance(n).id), "row {n}");
    }
    assert!(desk.app.flows.window.value().unwrap().rows.len() < 100);
    desk.keys("ctrl-d pgdn ctrl-u pgup end home");
    assert_eq!(desk.app.flows.cursor, 0);
}

#[test]
fn an_answer_to_an_older_question_is_dropped() {
    let mut desk = Desk::new();
    let first = desk.press("2");
    let second = desk.press("S");
    let [Effect::Ask(old, Ask::Flows(query))] = &first[..] else { panic!("{first:?}") };
    let window = fake::window(&[fake::judged(5)], query);
    let _ = update(&mut desk.app, Msg::Reply(*old, Answer::Flows(Ok(window))), desk.now);
    assert!(desk.app.flows.window.value().is_none());
    desk.settle(second);
    assert_eq!(desk.app.flows.window.value().unwrap().total, 382);
}

#[test]
fn changes_that_come_while_a_question_is_out_ask_once_more() {
    let mut desk = Desk::new();
    desk.keys("2");
    let first = update(&mut desk.app, Msg::Changed(8), desk.now);
    assert_eq!(asks(&first).len(), 4);
    for revision in 9..20 {
        assert!(update(&mut desk.app, Msg::Changed(revision), desk.now).is_empty());
    }
    let [Effect::Ask(ticket, Ask::Overview), ..] = &first[..] else { panic!("{first:?}") };
    let reply = Answer::Overview(Ok(fake::overview().into()));
    let again = update(&mut desk.app, Msg::Reply(*ticket, reply), desk.now);
    assert!(matches!(asks(&again)[..], [Ask::Overview]));
}

#[test]
fn the_board_keeps_its_order_while_the_cursor_moves() {
    let mut desk = Desk::new();
    desk.keys("j");
    let before: Vec<_> = desk.app.board.shown.iter().map(|cohort| cohort.id.clone()).collect();
    let mut overview = desk.ops.overview.lock().unwrap();
    let cohorts = &mut overview.as_mut().unwrap().cohorts;
    cohorts.reverse();
    let mut new = cohorts[0].clone();
    new.id = "newcomer".into();
    cohorts.insert(0, new);
    drop(overview);
    desk.change();
    let during: Vec<_> = desk.app.board.shown.iter().map(|cohort| cohort.id.clone()).collect();
    assert_eq!((during, desk.app.board.new), (before.clone(), 1));
    desk.wait(4);
    assert_eq!((desk.app.board.shown[0].id.as_str(), desk.app.board.new), ("newcomer", 0));
    assert_eq!(desk.app.board.cohort, Some(before[1].clone()));
    assert_eq!(desk.app.board.shown[desk.app.board.index].id, before[1]);
}

#[test]
fn a_cohort_that_is_gone_stays_greyed_and_opens_nothing() {
    let mut desk = Desk::new();
    desk.keys("j");
    let second = desk.app.board.shown[2].id.clone();
    desk.ops.overview.lock().unwrap().as_mut().unwrap().cohorts.remove(1);
    desk.wait(4);
    desk.change();
    assert!(desk.app.board.gone);
    desk.keys("enter");
    assert_eq!(desk.app.screen(), ScreenName::Board);
    desk.keys("j");
    assert_eq!((desk.app.board.cohort.clone(), desk.app.board.gone), (Some(second), false));
}

#[test]
fn enter_on_a_cohort_opens_its_instances_and_two_opens_all() {
    let mut desk = Desk::new();
    desk.keys("enter");
    assert_eq!(desk.app.flows.text, format!("cohort:{}", fake::cohorts()[0].id));
    desk.keys("0");
    assert_eq!((desk.app.flows.text.as_str(), desk.app.stack.len()), ("", 2));
    assert!(desk.app.flows.window.value().unwrap().total == 382);
    desk.keys("-");
    assert_eq!(desk.app.flows.text, format!("cohort:{}", fake::cohorts()[0].id));
    desk.keys("1 tab enter");
    assert_eq!((desk.app.board.pane, desk.app.flows.text.as_str()), (Pane::Strip, "flow:tenant-provisioning"));
}

#[test]
fn a_pause_asks_nothing_until_it_ends() {
    let mut desk = Desk::new();
    desk.keys("P");
    assert!(update(&mut desk.app, Msg::Changed(9), desk.now).is_empty());
    let effects = desk.press("P");
    assert!(asks(&effects).contains(&&Ask::Overview));
}

#[test]
fn the_open_instance_is_read_every_two_seconds() {
    let mut desk = Desk::new();
    desk.keys("2 enter");
    desk.now += jiff::SignedDuration::from_secs(1);
    assert!(asks(&update(&mut desk.app, Msg::Tick, desk.now)).is_empty());
    desk.now += jiff::SignedDuration::from_secs(1);
    assert!(matches!(asks(&update(&mut desk.app, Msg::Tick, desk.now))[..], [Ask::Flow(_)]));
}

#[test]
fn an_empty_hub_can_be_walked_through() {
    let ops = FakeOps { rows: Vec::new().into(), ..FakeOps::default() };
    if let Ok(overview) = ops.overview.lock().unwrap().as_mut() {
        overview.cells.clear();
        overview.cohorts.clear();
        overview.sources.clear();
    }
    let mut desk = Desk::with(ops);
    desk.keys("j k G enter v tab j enter 2 j k G g g ctrl-d enter v y s esc S b t enter space V * w esc 8 j k y 1 - - : a c t s enter ?");
}

#[test]
fn another_order_begins_at_the_top() {
    let mut desk = Desk::new();
    desk.keys("2 j j j");
    for (key, first) in [("s f", 0), ("S", 381)] {
        desk.keys(key);
        assert_eq!((desk.app.flows.cursor, desk.app.flows.top), (0, 0), "after {key}");
        assert_eq!(desk.app.flows.selected, Some(fake::instance(first).id));
        desk.keys("j j");
    }
}

#[test]
fn a_move_before_the_new_order_has_come_is_kept() {
    for (keys, cursor) in [("G", 381), ("j j", 2), ("ctrl-d", 9)] {
        let mut desk = Desk::new();
        desk.keys("2 G");
        let mut effects = desk.press("S");
        for key in keys.split(' ') {
            effects.extend(desk.press(key));
        }
        desk.settle(effects);
        let flows = &desk.app.flows;
        assert_eq!(flows.cursor, cursor, "after {keys}");
        assert_eq!(flows.selected, Some(fake::instance(381 - cursor).id), "after {keys}");
    }
}

#[test]
fn a_filter_that_drops_what_is_under_the_cursor_reads_from_the_top() {
    let mut desk = Desk::new();
    desk.keys("2 G");
    desk.keys("/");
    let typed = desk.press("x");
    desk.ops.rows.lock().unwrap().truncate(40);
    desk.settle(typed);
    let flows = &desk.app.flows;
    assert_eq!((flows.cursor, flows.top), (0, 0));
    assert!(!flows.gone);
}

#[test]
fn a_ghost_does_not_outlive_the_filter_it_was_in() {
    let mut desk = Desk::new();
    desk.keys("2 ctrl-d ctrl-d j j");
    let at = desk.app.flows.cursor;
    desk.ops.rows.lock().unwrap().remove(at);
    desk.change();
    assert!(desk.app.flows.gone && at > 10, "{at}");
    // What it was is typed, letter by letter and quicker than the hub answers.
    let mut typed = desk.press("/");
    for key in ["t", "e", "n"] {
        typed.extend(desk.press(key));
    }
    desk.settle(typed);
    let flows = &desk.app.flows;
    assert_eq!((flows.cursor, flows.top, flows.gone), (0, 0, false));
    assert_eq!(flows.selected, Some(fake::instance(0).id));
    assert!(!desk.picture().contains(" left "), "{}", desk.picture());
}

#[test]
fn a_change_while_a_filter_is_on_its_way_makes_no_ghost() {
    let mut desk = Desk::new();
    desk.keys("2 G /");
    let mut typed = desk.press("x");
    desk.ops.rows.lock().unwrap().truncate(40);
    // The hub tells of a change before it has answered.
    typed.extend(update(&mut desk.app, Msg::Changed(9), desk.now));
    desk.settle(typed);
    desk.change();
    let flows = &desk.app.flows;
    assert_eq!((flows.cursor, flows.top, flows.gone), (0, 0, false));
}

#[test]
fn the_strip_begins_at_its_top_until_somebody_moves_there() {
    let mut desk = Desk::new();
    let reversed = |desk: &Desk| desk.ops.overview.lock().unwrap().as_mut().unwrap().cells.reverse();
    let first = strip_keys(&desk.app)[0].clone();
    assert_eq!(strip_at(&desk.app), Some(first.clone()));
    // The flow on top is another one when more sources have answered.
    let more = fake::overview().cells[0].clone();
    desk.ops.overview.lock().unwrap().as_mut().unwrap().cells.push(crate::ops::Cell {
        flow: "newcomer".into(),
        counts: crate::domain::cohort::Counts { stuck: 5_000, open: 5_000, ..more.counts.clone() },
        ..more
    });
    desk.change();
    assert_eq!(strip_at(&desk.app).unwrap().1, "newcomer");
    desk.keys("tab j");
    assert_eq!(strip_at(&desk.app), Some(first.clone()));
    reversed(&desk);
    desk.change();
    assert_eq!(strip_at(&desk.app), Some(first), "what was moved to is stayed on");
    desk.keys("k enter");
    assert_eq!(desk.app.flows.text, "flow:newcomer");
}
