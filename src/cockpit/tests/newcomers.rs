//! What those who know k9s, lazygit or yazi press first, and what they are told.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::Desk;
use super::fake::{self, act};
use crate::cockpit::app::Popup;
use crate::cockpit::msg::{Effect, Msg};
use crate::cockpit::settings::ScreenName;
use crate::cockpit::update::update;
use crate::domain::remediation::{ItemState, Verb};

fn write(desk: &mut Desk, text: &str) {
    for c in text.chars() {
        let name = if c == ' ' { "space".to_owned() } else { c.to_string() };
        desk.keys(&name);
    }
}

fn said(desk: &Desk) -> String {
    desk.app.message.as_ref().map(|message| message.text.to_string()).unwrap_or_default()
}

/// What is told of a line after Enter, with the prompt still open.
fn refused(line: &str) -> String {
    let mut desk = Desk::new();
    desk.keys(":");
    write(&mut desk, line);
    desk.keys("enter");
    assert!(desk.done.is_empty(), "{line} did {:?}", desk.done);
    assert!(desk.app.popup.is_none() && desk.app.screen() == ScreenName::Board, "{line}");
    desk.app.prompt.as_ref().and_then(|prompt| prompt.error.clone()).unwrap_or_else(|| panic!("{line} ran"))
}

#[test]
fn no_command_is_guessed() {
    for (line, told) in [
        ("po", "no command :po; nearest: "),
        ("ro", "no command :ro"),
        ("frob", "no command :frob; ? lists"),
        ("s", "no command :s; nearest: "),
        ("!ls", "there is no shell here"),
        ("!", "there is no shell here"),
        ("rm", "verbs are behind v"),
        ("restart", "verbs are behind v"),
        ("kill", "verbs are behind v"),
        ("delete x", "verbs are behind v"),
        ("pause-instance", "verbs are behind v"),
        ("fold", ":fold is a command of Raw JSON"),
    ] {
        assert!(refused(line).starts_with(told), "{line}: {}", refused(line));
    }
    for line in ["resume", "abort", "hold"] {
        let mut desk = Desk::new();
        desk.keys(":");
        write(&mut desk, line);
        desk.keys("enter");
        let said = desk.app.message.clone().unwrap().text;
        assert!(said.contains(&format!("there is no remediation to {line}")) && said.contains("behind v"), "{said}");
        assert!(desk.app.popup.is_none() && desk.done.is_empty());
    }
    let mut desk = Desk::new();
    desk.keys(":");
    write(&mut desk, "sour");
    desk.keys("enter");
    assert_eq!(desk.app.screen(), ScreenName::Sources, "one name alone begins so");
    desk.keys(":");
    write(&mut desk, "shal");
    desk.keys("esc 1 :");
    write(&mut desk, "shal");
    desk.keys("enter");
    assert!(desk.app.prompt.is_some() && !desk.app.board.show_all);
    desk.keys("tab enter");
    assert!(desk.app.board.show_all, "what Tab completed is named");
}

#[test]
fn the_box_says_what_is_not_there() {
    let mut desk = Desk::new();
    desk.keys(":");
    write(&mut desk, "frob");
    assert!(desk.picture().contains("no command like frob"), "{}", desk.picture());
    desk.keys("ctrl-u");
    write(&mut desk, "!ls");
    assert!(desk.picture().contains("there is no shell here"), "{}", desk.picture());
    desk.keys("ctrl-u");
    write(&mut desk, "rm");
    let picture = desk.picture();
    assert!(picture.contains("verbs are behind v") && !picture.contains("arm "), "{picture}");
}

#[test]
fn a_filter_and_an_order_are_typed_as_commands() {
    let mut desk = Desk::new();
    desk.keys(":");
    write(&mut desk, "filter is:stuck");
    desk.keys("enter");
    assert_eq!((desk.app.screen(), desk.app.flows.text.as_str()), (ScreenName::Flows, "is:stuck"));
    desk.keys(":");
    write(&mut desk, "sort tenant");
    desk.keys("enter");
    assert_eq!(desk.app.flows.sort.name(), "tenant");
    desk.keys(":");
    write(&mut desk, "sort nope");
    desk.keys("enter");
    let error = desk.app.prompt.as_ref().unwrap().error.clone().unwrap();
    assert!(error.contains("no order nope; there are: "), "{error}");
}

#[test]
fn what_is_typed_and_no_filter_yet_is_told_beside_the_rows() {
    let mut desk = Desk::new();
    desk.keys("2 / a c m e");
    let effects = update(&mut desk.app, Msg::Paste(" tenant=x".to_owned()), desk.now);
    assert!(effects.is_empty());
    let picture = desk.picture();
    assert!(picture.contains("rows: still those of acme") && picture.contains("is tenant:x meant?"), "{picture}");
    desk.keys("enter");
    assert!(said(&desk).starts_with("not a filter yet: column 6"), "{}", said(&desk));
}

#[test]
fn a_turned_order_is_told_and_does_not_stick() {
    let mut desk = Desk::new();
    desk.keys("2 S");
    assert_eq!(said(&desk), "order turned: least bad first; S turns it back");
    assert!(desk.picture().contains("least bad first"), "{}", desk.picture());
    for keys in ["1 2", "1 0", "1 enter"] {
        let mut desk = Desk::new();
        desk.keys("2 S");
        desk.keys(keys);
        assert!(!desk.app.flows.reverse, "{keys}");
        assert_eq!(desk.app.flows.cursor, 0);
    }
    desk.keys("enter esc");
    assert!(desk.app.flows.reverse, "who only looked at one comes back to the same list");
}

#[test]
fn two_keeps_the_filter_and_zero_clears_it() {
    let mut desk = Desk::new();
    desk.keys("2 / a c m e enter 1 2");
    assert_eq!(desk.app.flows.text, "acme");
    assert_eq!(said(&desk), "the filter is still in force; 0 clears it");
    desk.keys("1 0");
    assert_eq!(desk.app.flows.text, "");
    desk.keys("8");
    assert_eq!(desk.app.screen(), ScreenName::Sources);
}

#[test]
fn an_empty_list_says_what_it_was_near_to() {
    let mut desk = Desk::new();
    desk.keys(":");
    write(&mut desk, "flows tenant:acm");
    desk.keys("enter");
    let picture = desk.picture();
    assert!(picture.contains("none of 382 matches; 3 have a tenant that begins with acm: tenant:acm*"), "{picture}");
}

#[test]
fn an_instance_says_what_became_of_the_act_on_it() {
    let mut desk = Desk::new();
    let mut failed = act(ItemState::Failed);
    failed.plan.target = fake::instance(2).id;
    failed.outcome = "did not help: failed again at send-sms".into();
    *desk.ops.acts.lock().unwrap() = vec![failed];
    desk.change();
    desk.keys("2 j j enter");
    let picture = desk.picture();
    assert!(picture.contains("your resume 50s ago: did not help: failed again"), "{picture}");
    let verdict = picture.lines().find(|line| line.contains("reset-password")).unwrap();
    assert!(!verdict.contains("OK") && verdict.contains("RUNNING"), "{verdict}");
}

#[test]
fn an_act_that_came_to_nothing_keeps_the_way_it_went() {
    let mut desk = Desk::new();
    let mut failed = act(ItemState::Failed);
    failed.answered = Some(ItemState::Accepted);
    *desk.ops.acts.lock().unwrap() = vec![failed];
    desk.change();
    desk.keys("@");
    let picture = desk.picture();
    let way = picture.lines().find(|line| line.contains("recorded")).unwrap();
    assert!(way.contains("accepted") && way.contains("FAILED") && !way.contains("verified"), "{way}");
    assert!(!picture.contains("leave it running"), "{picture}");
}

#[test]
fn marks_say_what_they_are_good_for() {
    let mut desk = Desk::new();
    desk.keys("2 V");
    assert!(said(&desk).starts_with("the range begins here: V on another one"), "{}", said(&desk));
    desk.keys("j V");
    assert!(said(&desk).contains("1 more marked"), "{}", said(&desk));
    desk.wait(10);
    let footer = desk.picture().lines().last().unwrap().to_owned();
    for hint in ["y y copy their ids", "= compare the two", "Esc clear"] {
        assert!(footer.contains(hint), "{hint}: {footer}");
    }
    desk.keys("y y");
    assert!(said(&desk).starts_with("2 ids copied"), "{}", said(&desk));
    assert!(matches!(desk.done[..], [Effect::Copy(_)]));
    desk.keys("=");
    assert_eq!(desk.app.screen(), ScreenName::Compare);
}

#[test]
fn what_left_the_list_says_since_when_and_what_was_done_to_it() {
    let mut desk = Desk::new();
    desk.keys("2");
    let id = desk.app.flows.selected.clone().unwrap();
    let mut cancelled = act(ItemState::Verified);
    cancelled.plan.verb = Verb::Cancel;
    cancelled.plan.target = id.clone();
    cancelled.outcome = "verified: it is cancelled".into();
    *desk.ops.acts.lock().unwrap() = vec![cancelled];
    desk.ops.rows.lock().unwrap().retain(|row| row.flow.id != id);
    desk.change();
    assert!(desk.app.flows.gone);
    desk.wait(12);
    let picture = desk.picture();
    assert!(picture.contains("left      the list 12s ago; Enter shows"), "{picture}");
    assert!(picture.contains("your cancel 1m ago: verified: it is cancelled"), "{picture}");
    assert!(!picture.contains("paused by the engine"), "why it was stuck is stale: {picture}");
}

#[test]
fn a_key_that_does_nothing_in_a_popup_says_so() {
    for (open, key) in [("2 v", "z"), ("2 s", "Z"), ("w", "x"), ("T", "f5"), ("8 enter", "e"), ("?", "E")] {
        let mut desk = Desk::new();
        desk.keys(open);
        desk.keys(key);
        assert!(said(&desk).contains("is not bound here; Esc closes"), "{open} {key}: {}", said(&desk));
        assert!(desk.app.popup.is_some());
    }
    let mut desk = Desk::new();
    desk.keys("2 v j j k k");
    assert_eq!(said(&desk), "", "a move at the end is no mistake");
}

#[test]
fn a_cohort_is_claimed_from_an_instance_of_it() {
    let mut desk = Desk::new();
    let row = fake::judged(0);
    let id = crate::domain::cohort::cohort_of(&row).unwrap();
    {
        let mut overview = desk.ops.overview.lock().unwrap();
        overview.as_mut().unwrap().cohorts[0].id = id.clone();
    }
    desk.change();
    for keys in ["2 c", "2 enter c"] {
        let mut desk = Desk { app: desk.app.clone(), ..Desk::new() };
        desk.keys(keys);
        let Some(Popup::Claim(menu)) = &desk.app.popup else { panic!("{keys}: {}", said(&desk)) };
        assert_eq!(menu.cohort.id, id);
    }
    let mut desk = Desk::new();
    desk.keys("2 j j c");
    assert!(said(&desk).contains("in no cohort"), "{}", said(&desk));
    desk.keys("8 c");
    assert!(desk.app.popup.is_none() && !said(&desk).is_empty());
}

#[test]
fn a_tree_is_folded_and_left_as_in_a_file_manager() {
    let mut desk = Desk::new();
    desk.keys("2 J");
    assert_eq!(desk.app.screen(), ScreenName::Raw);
    let all = desk.app.raw.visible.len();
    desk.keys("j h");
    assert!(desk.app.raw.visible.len() < all && desk.app.raw.cursor == 1, "it is folded");
    desk.keys("l");
    assert_eq!(desk.app.raw.visible.len(), all);
    let leaf = (2..all).find(|at| desk.app.raw.lines[desk.app.raw.visible[*at]].fold.is_none()).unwrap();
    desk.app.raw.cursor = leaf;
    desk.keys("h");
    assert!(desk.app.raw.cursor < leaf && desk.app.raw.visible.len() == all, "what holds nothing goes to its parent");
    desk.app.raw.cursor = 0;
    desk.keys("h");
    assert_eq!(desk.app.screen(), ScreenName::Raw, "it is folded first");
    desk.keys("h");
    assert_eq!(desk.app.screen(), ScreenName::Flows, "from the outermost it leads back");
}

#[test]
fn a_search_is_a_layer_and_says_which_hit_it_is_at() {
    let mut desk = Desk::new();
    desk.app.size = (120, 14);
    desk.keys("2 J /");
    write(&mut desk, "e");
    desk.keys("enter n");
    let raw = &desk.app.raw;
    let hits = raw.hits();
    assert!(raw.hit() == Some(2) && hits > 2, "{:?} of {hits}", raw.hit());
    assert!(desk.picture().contains(&format!("/e 2/{hits}")), "{}", desk.picture());
    desk.keys("n n n n n n");
    let raw = &desk.app.raw;
    let below = raw.visible.len() - 1 - raw.cursor;
    assert!(raw.cursor - raw.top >= 2.min(raw.cursor) && raw.top + 11 > raw.cursor + 2.min(below).min(1), "context");
    desk.keys("esc");
    assert!(desk.app.screen() == ScreenName::Raw && desk.app.raw.search.is_empty());
    desk.keys("esc");
    assert_eq!(desk.app.screen(), ScreenName::Flows);
}

#[test]
fn a_group_is_folded_from_its_head_and_from_within() {
    for inside in ["h", "j h", "j j left", "z", "j z"] {
        let mut desk = Desk::new();
        desk.keys("2 b t enter");
        assert_eq!(desk.app.flows.group.as_ref().unwrap().unfolded.len(), 1);
        desk.keys(inside);
        assert!(desk.app.flows.group.as_ref().unwrap().unfolded.is_empty(), "{inside}");
        assert!(desk.app.flows.head.is_some() && desk.app.flows.cursor == 0, "{inside}");
        desk.keys("h");
        assert_eq!(desk.app.screen(), ScreenName::Board, "then it leads back");
    }
}

#[test]
fn keys_of_habit_say_what_does_that_here() {
    let mut desk = Desk::new();
    for (key, told) in [("u", "no act is undone"), ("z", "no act is undone"), ("ctrl-space", "V marks a range")] {
        desk.keys("2");
        desk.keys(key);
        assert!(said(&desk).contains(told), "{key}: {}", said(&desk));
    }
    // The oldest encoding of Ctrl-\ is read as Ctrl-4.
    let event = KeyEvent::new(KeyCode::Char('4'), KeyModifiers::CONTROL);
    let _ = update(&mut desk.app, Msg::Key(event), desk.now);
    assert_eq!(said(&desk), "Ctrl-\\ is not bound: Esc clears the marks");
}

#[test]
fn the_help_goes_on_with_other_screens_and_uses_the_width() {
    let mut desk = Desk::new();
    desk.keys("? /");
    write(&mut desk, "turn the order");
    assert!(desk.picture().contains("on other screens"), "{}", desk.picture());
    let mut desk = Desk::new();
    desk.app.size = (200, 60);
    desk.keys("?");
    let picture = desk.picture();
    assert!(picture.lines().any(|line| line.contains("on this screen") && line.contains("filter")), "{picture}");
}

#[test]
fn too_soon_is_not_blind() {
    let picture = Desk::new().picture();
    let line = picture.lines().find(|line| line.contains("delete-tenant")).unwrap();
    assert!(line.contains(" – "), "{line}");
}

#[test]
fn a_config_that_is_not_in_force_says_so_for_as_long() {
    let mut settings = fake::settings();
    settings.unread = Some("config not in force: line 12: unknown key".into());
    let mut desk = Desk::new();
    desk.app = crate::cockpit::app::App::new(settings, (120, 34), desk.now);
    desk.wait(60);
    assert!(desk.picture().contains("config not in force: line 12"), "{}", desk.picture());
}
