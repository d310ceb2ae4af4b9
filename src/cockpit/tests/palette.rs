//! The command line with its list, its history, and the help.

use super::Desk;
use super::fake::context;
use crate::cockpit::app::Popup;
use crate::cockpit::msg::{Effect, Msg};
use crate::cockpit::palette::offers;
use crate::cockpit::settings::ScreenName;
use crate::cockpit::update::update;
use crate::cockpit::views::all;

fn write(desk: &mut Desk, text: &str) {
    for c in text.chars() {
        let name = if c == ' ' { "space".to_owned() } else { c.to_string() };
        desk.keys(&name);
    }
}

#[test]
fn commands_are_found_by_any_part_of_their_name() {
    let mut desk = Desk::new();
    let first = |desk: &Desk, line: &str| offers(&desk.app, line).first().map(|offer| offer.line.trim().to_owned());
    assert_eq!(first(&desk, "so"), Some("sources".to_owned()), "a beginning goes before letters in between");
    assert_eq!(first(&desk, "scr"), Some("next-screen".to_owned()));
    assert_eq!(first(&desk, "shal"), Some("show-all".to_owned()));
    assert_eq!(first(&desk, "quit"), Some("q".to_owned()), "a whole name goes before everything");
    assert_eq!(first(&desk, "baord"), None);
    assert_eq!(first(&desk, "mark"), None, "it is the flows'");
    desk.keys("1 :");
    write(&mut desk, "shal");
    assert!(desk.picture().contains("show-all"), "{}", desk.picture());
    desk.keys("down enter");
    assert!(desk.app.board.show_all, "what was moved to is done");
}

#[test]
fn contexts_and_views_are_offered_behind_their_commands() {
    let mut desk = Desk::new();
    desk.app.settings.contexts = ["shop-eu", "staging"].map(context).into();
    let labels = |desk: &Desk, line: &str| {
        let label = |offer: &crate::cockpit::palette::Offer| offer.label.to_string();
        offers(&desk.app, line).iter().map(label).collect::<Vec<_>>()
    };
    assert_eq!(labels(&desk, "context "), ["shop-eu", "staging", "demo"]);
    assert_eq!(labels(&desk, "ctx stg"), ["staging"]);
    let views: Vec<String> = all(&desk.app).iter().map(|view| view.name.to_string()).collect();
    assert!(views.len() > 2);
    assert_eq!(labels(&desk, "view "), views);
    desk.keys(":");
    write(&mut desk, "context stg");
    assert!(desk.picture().contains("1 source"), "{}", desk.picture());
    desk.keys("tab");
    assert_eq!(desk.app.prompt.as_ref().unwrap().input.value(), "context staging");
    desk.keys("enter");
    assert_eq!(desk.done, [Effect::Switch("staging".into())]);
    desk.keys("esc :");
    write(&mut desk, "view ");
    desk.keys("down enter");
    assert_eq!(desk.app.screen(), ScreenName::Flows);
    assert_eq!(desk.app.flows.text, all(&desk.app)[0].text);
}

#[test]
fn the_list_is_moved_in_and_what_is_marked_is_done() {
    let mut desk = Desk::new();
    desk.keys(":");
    desk.keys("enter");
    assert!(desk.app.prompt.is_none(), "nothing typed, nothing done");
    desk.keys(": down down up");
    let at = desk.app.prompt.as_ref().unwrap().chosen;
    assert_eq!(at, Some(0));
    write(&mut desk, "s");
    assert_eq!(desk.app.prompt.as_ref().unwrap().chosen, None, "another text, another list");
    desk.keys("ctrl-u");
    write(&mut desk, "sou");
    desk.keys("tab");
    assert_eq!(desk.app.prompt.as_ref().unwrap().input.value(), "sources");
    desk.keys("enter");
    assert_eq!(desk.app.screen(), ScreenName::Sources);
}

#[test]
fn arguments_are_completed() {
    let mut desk = Desk::new();
    desk.keys(":");
    write(&mut desk, "flows ru");
    assert!(desk.picture().contains("rule:"), "{}", desk.picture());
    desk.keys("tab");
    write(&mut desk, "retry");
    desk.keys("tab enter");
    assert_eq!((desk.app.screen(), desk.app.flows.text.as_str()), (ScreenName::Flows, "rule:retry_storm"));
    desk.keys(":");
    write(&mut desk, "theme gruv");
    desk.keys("down enter");
    assert_eq!(desk.app.theme.as_deref(), Some("gruvbox-dark"));
    desk.keys(":");
    write(&mut desk, "theme nope");
    desk.keys("enter");
    let error = desk.app.prompt.as_ref().unwrap().error.clone().unwrap();
    assert!(error.contains("there is none called \"nope\""), "{error}");
}

#[test]
fn lines_of_before_come_back() {
    let mut desk = Desk::new();
    desk.keys(":");
    write(&mut desk, "flows is:stuck");
    desk.keys("enter :");
    write(&mut desk, "sources");
    desk.keys("enter : up");
    let line = |desk: &Desk| desk.app.prompt.as_ref().unwrap().input.value().to_owned();
    assert_eq!(line(&desk), "sources");
    desk.keys("up up");
    assert_eq!(line(&desk), "flows is:stuck", "the first one stays");
    desk.keys("down");
    assert_eq!(line(&desk), "sources");
    desk.keys("down");
    assert_eq!(line(&desk), "");
    desk.keys("up up enter");
    assert_eq!(desk.app.flows.text, "is:stuck");
    desk.keys("/ ctrl-u a c m e enter / ctrl-u x enter / ctrl-u up up");
    assert_eq!(desk.app.flows.text, "acme", "a filter of before is tried at once");
    desk.keys("esc");
    assert_eq!(desk.app.flows.text, "x");
}

#[test]
fn words_of_a_filter_are_completed() {
    let mut desk = Desk::new();
    desk.keys("2 /");
    write(&mut desk, "ru");
    let footer = desk.picture().lines().last().unwrap().to_owned();
    assert!(footer.contains("Tab rule:"), "{footer}");
    desk.keys("tab");
    write(&mut desk, "ov");
    desk.keys("tab");
    assert_eq!(desk.app.flows.text, "rule:overdue");
}

#[test]
fn a_tenant_is_asked_for_by_a_key_or_by_name() {
    let mut desk = Desk::new();
    desk.keys("t");
    assert_eq!(desk.app.screen(), ScreenName::Tenants);
    write(&mut desk, "acme");
    desk.keys("enter");
    assert!(desk.picture().contains("no tenant is known as acme"), "{}", desk.picture());
    desk.keys("1 :");
    write(&mut desk, "tenant umbrella");
    desk.keys("enter");
    assert_eq!(desk.app.screen(), ScreenName::Tenants);
    assert!(desk.picture().contains("no tenant is known as umbrella"), "{}", desk.picture());
}

#[test]
fn enter_before_the_rows_have_come_opens_what_comes() {
    let mut desk = Desk::new();
    let rows = desk.press("2");
    assert!(desk.press("enter").is_empty());
    desk.settle(rows);
    assert_eq!(desk.app.screen(), ScreenName::Detail);
    let mut desk = Desk::new();
    let rows = desk.press("2");
    let _ = (desk.press("enter"), desk.press("j"));
    desk.settle(rows);
    assert_eq!(desk.app.screen(), ScreenName::Flows, "who goes on with something else does not wait for it");
}

#[test]
fn brackets_turn_the_screens() {
    let mut desk = Desk::new();
    for screen in [ScreenName::Flows, ScreenName::Remediations, ScreenName::Sources, ScreenName::Board] {
        desk.keys("]");
        assert_eq!(desk.app.screen(), screen);
    }
    desk.keys("[");
    assert_eq!(desk.app.screen(), ScreenName::Sources);
}

#[test]
fn the_help_is_searched() {
    let mut desk = Desk::new();
    desk.keys("? /");
    write(&mut desk, "live upd");
    let picture = desk.picture();
    assert!(picture.contains("pause live updates") && !picture.contains("verdicts"), "{picture}");
    desk.keys("enter esc");
    assert!(matches!(&desk.app.popup, Some(Popup::Help { find, .. }) if find.is_empty()), "Esc has all of it back");
    desk.keys("/ z z z q z");
    assert!(desk.picture().contains("nothing in the help has that"), "q is a letter there");
    desk.keys("esc");
    assert!(matches!(&desk.app.popup, Some(Popup::Help { typing: false, .. })));
    desk.keys("esc");
    assert!(desk.app.popup.is_none());
}

#[test]
fn a_theme_is_looked_at_kept_or_left() {
    let mut desk = Desk::new();
    desk.keys("T j j");
    assert_eq!(desk.app.theme(), Some("high-contrast"), "the screen is drawn in it while it is looked at");
    assert!(desk.picture().contains("gruvbox-dark"), "{}", desk.picture());
    desk.keys("esc");
    assert_eq!(desk.app.theme(), None);
    desk.keys("T G enter");
    assert_eq!((desk.app.theme(), desk.app.popup.is_none()), (Some("tokyo-night"), true));
    let said = desk.app.message.clone().unwrap().text;
    assert!(said.contains("theme = \"tokyo-night\" under [ui]"), "{said}");
    desk.keys("T");
    assert!(matches!(desk.app.popup, Some(Popup::Themes { index: 6 })), "it begins at the one in force");
}

#[test]
fn the_mouse_is_switched_by_a_command() {
    let mut desk = Desk::new();
    desk.keys(":");
    write(&mut desk, "mouse off");
    desk.keys("enter");
    assert_eq!(desk.done, [Effect::Mouse(false)]);
    assert!(!desk.app.settings.mouse);
    desk.keys("?");
    let effects = update(&mut desk.app, Msg::Tick, desk.now);
    assert!(effects.is_empty());
}

#[test]
fn a_source_is_opened_with_its_error_in_full() {
    let mut desk = Desk::new();
    desk.keys("8 j enter");
    let picture = desk.picture();
    for fact in [
        "source billing",
        "tcp connect to billing.internal:9070",
        "be read; resume, pause, restart as new, cancel, kill, purge",
    ] {
        assert!(picture.contains(fact), "{fact}\n{picture}");
    }
    desk.keys("q");
    assert!(desk.app.popup.is_none());
    desk.keys("v");
    let said = desk.app.message.clone().unwrap().text;
    assert!(said.starts_with("verbs act on instances"), "{said}");
}
