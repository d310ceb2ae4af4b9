//! The mouse: what is clicked is what is seen, and nothing that is clicked acts.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use jiff::SignedDuration;
use ratatui::layout::Rect;

use super::Desk;
use super::fake::FakeOps;
use super::fake::wide::some;
use crate::cockpit::app::{Focus, Pane, Popup};
use crate::cockpit::claims::Field;
use crate::cockpit::draw::hits;
use crate::cockpit::hit::Hit;
use crate::cockpit::msg::{Effect, Msg};
use crate::cockpit::screens::board::strip_keys;
use crate::cockpit::settings::ScreenName;
use crate::cockpit::update::update;
use crate::ops::SortBy;

impl Desk {
    fn mouse(&mut self, kind: MouseEventKind, (column, row): (u16, u16)) {
        // Two clicks of a test are two clicks, unless it says otherwise.
        self.now += SignedDuration::from_secs(1);
        self.mouse_at_once(kind, (column, row));
    }

    fn mouse_at_once(&mut self, kind: MouseEventKind, (column, row): (u16, u16)) {
        let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
        let effects = update(&mut self.app, Msg::Mouse(event), self.now);
        self.settle(effects);
    }

    fn click(&mut self, at: (u16, u16)) {
        self.mouse(MouseEventKind::Down(MouseButton::Left), at);
    }

    fn twice(&mut self, at: (u16, u16)) {
        self.click(at);
        self.mouse_at_once(MouseEventKind::Down(MouseButton::Left), at);
    }

    /// Where a text stands on the screen.
    fn find(&self, text: &str) -> (u16, u16) {
        let picture = self.picture();
        let found = picture.lines().enumerate().find_map(|(y, line)| Some((line.find(text)?, y, line)));
        let (byte, y, line) = found.unwrap_or_else(|| panic!("no {text:?} in\n{picture}"));
        let x = unicode_width::UnicodeWidthStr::width(&line[..byte]);
        (u16::try_from(x).unwrap(), u16::try_from(y).unwrap())
    }
}

#[test]
fn clicks_select_and_double_clicks_open() {
    let mut desk = Desk::new();
    desk.keys("2");
    let row = (10, 8);
    desk.click(row);
    assert_eq!(desk.app.flows.cursor, 4, "the fifth row of the list");
    desk.click(row);
    assert_eq!(desk.app.screen(), ScreenName::Flows, "a second click after a while is another click");
    desk.twice(row);
    assert_eq!(desk.app.screen(), ScreenName::Detail);
    assert_eq!(desk.app.detail.id, Some(super::fake::instance(4).id));
}

#[test]
fn the_board_s_lists_take_clicks_of_their_own() {
    let mut desk = Desk::new();
    let second = desk.find("schema-migration");
    desk.click(second);
    assert_eq!((desk.app.board.pane, desk.app.board.index), (Pane::Cohorts, 1));
    let flow = desk.find("flows need eyes");
    desk.click((flow.0, flow.1 + 2));
    assert_eq!(desk.app.board.pane, Pane::Strip);
    desk.twice((flow.0, flow.1 + 1));
    assert!(desk.app.flows.text.starts_with("flow:"), "{}", desk.app.flows.text);
}

#[test]
fn names_hints_and_heads_of_columns_are_keys() {
    let mut desk = Desk::new();
    let tab = desk.find("8 Sources");
    desk.click(tab);
    assert_eq!(desk.app.screen(), ScreenName::Sources);
    let tab = desk.find("2 Flows");
    desk.click(tab);
    assert_eq!(desk.app.screen(), ScreenName::Flows);
    let head = desk.find("TENANT");
    desk.click(head);
    assert_eq!((desk.app.flows.sort, desk.app.flows.reverse), (SortBy::Tenant, false));
    desk.click(head);
    assert_eq!((desk.app.flows.sort, desk.app.flows.reverse), (SortBy::Tenant, true), "once more turns it round");
    let help = desk.find("? help");
    desk.click(help);
    assert!(matches!(desk.app.popup, Some(Popup::Help { .. })));
    let close = desk.find("Esc close");
    desk.click(close);
    assert!(desk.app.popup.is_none());
}

#[test]
fn the_wheel_moves_what_is_under_the_pointer() {
    let mut desk = Desk::new();
    desk.keys("2");
    desk.mouse(MouseEventKind::ScrollDown, (10, 8));
    assert_eq!(desk.app.flows.cursor, 3);
    desk.mouse(MouseEventKind::ScrollUp, (10, 8));
    assert_eq!(desk.app.flows.cursor, 0);
    for _ in 0..30 {
        desk.mouse_at_once(MouseEventKind::ScrollDown, (10, 8));
    }
    assert_eq!(desk.app.flows.selected, Some(super::fake::instance(90).id), "through the windows of a long list");
    desk.keys("1");
    let strip = desk.find("flows need eyes");
    let before = desk.app.board.flow.clone();
    desk.mouse(MouseEventKind::ScrollDown, (strip.0, strip.1 + 1));
    assert!(before.is_none() && desk.app.board.flow == strip_keys(&desk.app).into_iter().nth(3));
    assert_eq!(desk.app.board.pane, Pane::Cohorts, "the focus stays where it is");
    desk.keys("?");
    desk.mouse(MouseEventKind::ScrollDown, (60, 15));
    assert!(matches!(desk.app.popup, Some(Popup::Help { scroll: 3, .. })));
}

#[test]
fn no_click_confirms_an_act() {
    let mut desk = Desk::new();
    desk.keys("2 v");
    let verb = desk.find("resume");
    desk.twice(verb);
    assert!(matches!(desk.app.popup, Some(Popup::Review(_))), "a plan is made, which changes nothing");
    desk.keys("f i x e d");
    let places: Vec<(Rect, Hit)> = hits(&desk.app);
    let at = places.iter().rev().find(|(_, hit)| *hit == Hit::Review(Focus::Do)).unwrap().0;
    for _ in 0..5 {
        desk.twice((at.x + 3, at.y));
    }
    assert!(matches!(&desk.app.popup, Some(Popup::Review(review)) if review.focus == Focus::Do));
    assert!(desk.done.is_empty(), "{:?}", desk.done);
    let said = desk.app.message.clone().unwrap().text;
    assert_eq!(said.as_str(), "a click gives the focus; Enter presses the button");
    // Whatever there is to be clicked on, clicked on twice: nothing is ever asked to act.
    for (area, hit) in places {
        desk.twice((area.x + area.width / 2, area.y + area.height / 2));
        assert!(!desk.done.iter().any(|effect| matches!(effect, Effect::Act { .. })), "{hit:?}");
    }
}

#[test]
fn remediations_are_chosen_by_clicks_and_none_is_acted_on() {
    let mut desk = Desk::with(FakeOps::with_wides(some()));
    let tab = desk.find("5 Acts");
    desk.click(tab);
    assert_eq!(desk.app.screen(), ScreenName::Remediations);
    let held = desk.find("! held");
    desk.click(held);
    assert_eq!(desk.app.remediations.selected.as_deref(), Some("rem-held"));
    desk.twice(held);
    assert_eq!(desk.app.screen(), ScreenName::Remediation);
    // Nothing that is clicked on the way to an act is the act: neither in the menu nor in what it opens.
    for way in ["A v", "A v enter", "A j v", "A j v down down enter", "2 * v", "2 * v enter"] {
        let mut desk = Desk::with(FakeOps::with_wides(some()));
        desk.keys(way);
        for (area, hit) in hits(&desk.app) {
            let mut desk = Desk { app: desk.app.clone(), ..Desk::with(FakeOps::with_wides(some())) };
            desk.twice((area.x + area.width / 2, area.y + area.height / 2));
            let acts = |effect: &Effect| {
                matches!(effect, Effect::Request { .. } | Effect::Review { .. } | Effect::Control { .. })
            };
            assert!(!desk.done.iter().any(acts), "{way}: {hit:?}");
        }
    }
}

#[test]
fn what_lies_beneath_a_popup_is_not_clicked() {
    let mut desk = Desk::new();
    desk.keys("T");
    let tab = desk.find("8 Sources");
    desk.click(tab);
    assert_eq!(desk.app.screen(), ScreenName::Board);
    let theme = desk.find("gruvbox-dark");
    desk.click(theme);
    assert_eq!(desk.app.theme(), Some("gruvbox-dark"));
    desk.twice(theme);
    assert!(desk.app.popup.is_none() && desk.app.theme.as_deref() == Some("gruvbox-dark"));
}

#[test]
fn the_menus_and_the_views_are_chosen_from_by_clicks() {
    let mut desk = Desk::new();
    desk.keys("2 s");
    let tenant = desk.find("tenant  ");
    desk.click(tenant);
    assert!(matches!(desk.app.popup, Some(Popup::Menu { .. })), "one click only moves");
    assert_eq!(desk.app.flows.sort, SortBy::default());
    desk.twice(tenant);
    assert_eq!((desk.app.popup.is_none(), desk.app.flows.sort), (true, SortBy::Tenant));
    desk.keys("b");
    let tenant = desk.find("t  tenant");
    desk.mouse(MouseEventKind::ScrollDown, tenant);
    assert!(matches!(desk.app.popup, Some(Popup::Menu { index: 3, .. })), "{:?}", desk.app.popup);
    desk.twice(tenant);
    assert_eq!(desk.app.flows.group.as_ref().unwrap().by, crate::ops::GroupBy::Tenant);
    desk.keys("w");
    let (name, text) = match &desk.app.popup {
        Some(Popup::Views { views, .. }) => (views[1].name.to_string(), views[1].text.clone()),
        other => panic!("{other:?}"),
    };
    let view = desk.find(&name);
    desk.twice(view);
    assert_eq!((desk.app.popup.is_none(), desk.app.flows.text.clone()), (true, text));
}

#[test]
fn groups_are_opened_by_a_double_click_and_by_their_sign() {
    let mut desk = Desk::new();
    desk.keys("2 b t");
    let total = |desk: &Desk| desk.app.flows.window.value().unwrap().total;
    let (x, y) = desk.find("▹");
    desk.click((x + 40, y + 1));
    assert_eq!((desk.app.flows.cursor, total(&desk)), (1, 6), "one click only selects");
    assert!(desk.app.flows.head.is_some());
    desk.twice((x + 40, y + 1));
    let opened = total(&desk);
    assert!(opened > 6);
    desk.twice((x + 40, y + 1));
    assert_eq!(total(&desk), 6);
    desk.click((x, y + 1));
    assert_eq!(total(&desk), opened, "its sign opens it at once");
    desk.click((x, y + 1));
    assert_eq!(total(&desk), 6);
}

#[test]
fn contexts_and_pages_take_clicks() {
    let mut desk = Desk::new();
    desk.app.settings.contexts = ["shop-eu", "staging"].map(super::fake::context).into();
    desk.keys("C");
    let staging = desk.find("staging");
    desk.click(staging);
    assert!(desk.done.is_empty());
    desk.twice(staging);
    assert_eq!(desk.done, [Effect::Switch("staging".into())]);
    desk.keys("esc 2 o");
    let copy = desk.find(" copy ");
    desk.twice((copy.0 + 2, copy.1));
    assert!(matches!(desk.app.popup, Some(Popup::Page { button: 1, .. })), "{:?}", desk.app.popup);
    assert_eq!(desk.done.len(), 1, "no click presses a button");
}

#[test]
fn no_click_claims() {
    let mut desk = Desk::new();
    desk.keys("c");
    let snooze = desk.find("snooze ");
    desk.twice(snooze);
    let menu = |desk: &Desk| match &desk.app.popup {
        Some(Popup::Claim(menu)) => menu.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!((menu(&desk).index, menu(&desk).field), (2, Field::What));
    let hour = desk.find("4h  8h");
    desk.click(hour);
    assert_eq!((menu(&desk).end.value(), menu(&desk).field), ("4h", Field::End));
    let note = desk.find("note ");
    desk.click(note);
    assert_eq!(menu(&desk).field, Field::Note);
    for (area, _) in hits(&desk.app) {
        desk.twice((area.x + area.width / 2, area.y + area.height / 2));
    }
    assert!(desk.done.is_empty(), "{:?}", desk.done);
}

#[test]
fn events_of_the_log_are_opened_by_a_double_click() {
    let mut desk = Desk::with(super::fake::FakeOps { log: super::log::filled(), ..super::fake::FakeOps::default() });
    desk.keys("L");
    let row = desk.find("INFO");
    desk.click(row);
    let Some(Popup::Log(look)) = &desk.app.popup else { panic!("no log") };
    assert!(look.above > 0 && look.whole.is_none());
    let above = look.above;
    desk.mouse(MouseEventKind::ScrollDown, row);
    assert!(matches!(&desk.app.popup, Some(Popup::Log(look)) if look.above == above - 3));
    let row = desk.find("INFO");
    desk.twice(row);
    assert!(matches!(&desk.app.popup, Some(Popup::Log(look)) if look.whole.is_some()));
}

#[test]
fn what_the_command_line_offers_can_be_clicked() {
    let mut desk = Desk::new();
    desk.keys(": s o u");
    let offer = desk.find("the control planes");
    desk.click(offer);
    assert_eq!(desk.app.prompt.as_ref().unwrap().chosen, Some(0));
    let tab = desk.find("2 Flows");
    desk.click(tab);
    assert_eq!(desk.app.screen(), ScreenName::Board, "while something is typed, the rest is only looked at");
    desk.twice(offer);
    assert_eq!(desk.app.screen(), ScreenName::Sources);
}

#[test]
fn a_mouse_that_is_off_does_nothing() {
    let mut desk = Desk::new();
    desk.app.settings.mouse = false;
    let tab = desk.find("8 Sources");
    desk.click(tab);
    assert_eq!(desk.app.screen(), ScreenName::Board);
}

#[test]
fn every_hit_lies_on_the_screen() {
    for size in [(1, 1), (40, 10), (80, 24)] {
        for keys in [
            "",
            "tab",
            "2",
            "2 enter",
            "8",
            "?",
            "T",
            "2 v",
            "2 v enter",
            ":",
            "2 /",
            "2 g",
            "c",
            "L",
            "C",
            "w",
            "2 s",
            "2 b",
            "2 b t",
            "2 o",
        ] {
            let mut desk = Desk::new();
            desk.app.size = size;
            desk.keys(keys);
            let screen = Rect::new(0, 0, size.0, size.1);
            for (area, hit) in hits(&desk.app) {
                assert_eq!(area.intersection(screen), area, "{hit:?} at {size:?} after {keys:?}");
            }
        }
    }
}
