use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::*;

fn keys(text: &str) -> Vec<Key> {
    sequence(text).unwrap()
}

fn configured(changes: &[(&str, &[&str])]) -> (Keymap, Vec<String>) {
    let owned: Vec<_> = changes
        .iter()
        .map(|(name, keys)| ((*name).to_owned(), keys.iter().map(|key| (*key).to_owned()).collect()))
        .collect();
    let (map, problems) = Keymap::configured(&owned);
    (map, problems.into_iter().map(|problem| problem.message).collect())
}

#[test]
fn every_key_in_the_table_can_be_read_and_means_one_thing_on_a_screen() {
    let map = Keymap::default();
    for command in TABLE {
        for text in command.keys {
            for screen in ScreenName::ALL.into_iter().filter(|screen| command.at(*screen)) {
                assert_eq!(map.find(screen, &keys(text)), Found::Command(command.id), "{text} {screen:?}");
                for end in 1..keys(text).len() {
                    assert_eq!(map.find(screen, &keys(text)[..end]), Found::Start, "{text} {screen:?}");
                }
            }
        }
    }
}

#[test]
fn sequences_have_starts() {
    let map = Keymap::default();
    assert_eq!(map.find(ScreenName::Flows, &keys("g")), Found::Start);
    assert_eq!(map.find(ScreenName::Flows, &keys("g g")), Found::Command(CommandId::Top));
    assert_eq!(map.find(ScreenName::Flows, &keys("g x")), Found::Nothing);
    assert_eq!(map.continuations(ScreenName::Flows, &keys("g")).len(), 4);
}

#[test]
fn screens_that_are_not_built_have_no_key() {
    let map = Keymap::default();
    for key in ["6", "9"] {
        for screen in ScreenName::ALL {
            assert_eq!(map.find(screen, &keys(key)), Found::Nothing, "{key}");
        }
    }
}

#[test]
fn shift_is_told_in_two_ways() {
    let plain = KeyEvent::new(KeyCode::Char('G'), KeyModifiers::NONE);
    let shifted = KeyEvent::new(KeyCode::Char('g'), KeyModifiers::SHIFT);
    assert_eq!(Key::of(&plain), Key::of(&shifted));
    assert_eq!(Key::of(&plain), Key::parse("shift-g").unwrap());
    assert_eq!(Key::parse("shift-tab"), Key::parse("backtab"));
}

#[test]
fn keys_are_shown_as_they_can_be_written() {
    for (name, shown) in [
        ("ctrl-d", "Ctrl-D"),
        ("g g", "g g"),
        ("alt-enter", "Alt-Enter"),
        ("f12", "F12"),
        ("shift-up", "Shift-Up"),
        ("ctrl-space", "Ctrl-Space"),
        ("PageUp", "PgUp"),
        ("-", "-"),
        ("alt--", "Alt--"),
    ] {
        assert_eq!(show(&keys(name)), shown);
        assert_eq!(keys(shown), keys(name));
    }
}

#[test]
fn every_key_that_is_taken_comes_back_from_its_event() {
    for name in ["a", "A", "ctrl-a", "alt-a", "ctrl-alt-a", "enter", "alt-enter", "shift-left", "ctrl-pgup", "f5", "é"]
    {
        let key = Key::read(name).unwrap();
        assert_eq!(Key::of(&key.event()), key, "{name}");
    }
}

#[test]
fn keys_that_a_terminal_can_not_send_are_refused() {
    for (name, why) in [
        ("ctrl-i", "sends Tab"),
        ("ctrl-m", "sends Enter"),
        ("ctrl-[", "sends Esc"),
        ("ctrl-shift-x", "the same without Shift"),
        ("shift-1", "the character that Shift makes"),
        ("ctrl-1", "letters and Space only"),
        ("ctrl-enter", "without the modifier"),
        ("alt-[", "begins other keys"),
        ("gg", "written with a space"),
        ("entr", "is enter meant?"),
        ("ctrl-", "names no key"),
        ("f13", "no key is called"),
    ] {
        let said = Key::read(name).unwrap_err();
        assert!(said.contains(why), "{name}: {said}");
    }
}

#[test]
fn the_config_gives_keys_and_takes_them_away() {
    let (map, problems) = configured(&[("refresh", &["f5", "ctrl-x r"]), ("previous", &["none"]), ("pause", &[])]);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(map.labels(CommandId::Refresh), ["F5", "Ctrl-X r"]);
    assert_eq!(map.find(ScreenName::Board, &keys("r")), Found::Nothing);
    assert_eq!(map.find(ScreenName::Board, &keys("-")), Found::Nothing);
    assert_eq!(map.label(CommandId::Pause), ":pause");
    assert_eq!(map.label(CommandId::Refresh), "F5");
}

#[test]
fn two_commands_can_swap_their_keys() {
    let (map, problems) = configured(&[("refresh", &["P"]), ("pause", &["r"])]);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(map.find(ScreenName::Board, &keys("P")), Found::Command(CommandId::Refresh));
    assert_eq!(map.find(ScreenName::Board, &keys("r")), Found::Command(CommandId::Pause));
}

#[test]
fn clashes_are_told_with_both_names_and_the_default_stays() {
    let (map, problems) = configured(&[("refresh", &["?"])]);
    assert_eq!(problems, ["? can't be both refresh and help, everywhere"]);
    assert_eq!(map, Keymap::default());
    let (map, problems) = configured(&[("pause", &["g"])]);
    assert_eq!(
        problems,
        [
            "g of pause begins g t of go-tenant, which could never be typed, on Flows, Detail, Drift, Finding, Events, Event"
        ]
    );
    assert_eq!(map, Keymap::default());
    let (map, problems) = configured(&[("refresh", &["f5"]), ("pause", &["f5 f6"])]);
    assert_eq!(problems, ["F5 F6 of pause begins with F5 of refresh, and could never be typed, everywhere"]);
    assert_eq!(map.labels(CommandId::Refresh), ["F5"]);
    assert_eq!(map.labels(CommandId::Pause), Keymap::default().labels(CommandId::Pause));
}

#[test]
fn what_is_on_different_screens_does_not_clash() {
    let (map, problems) = configured(&[("show-all", &["f6"]), ("sort", &["f6"])]);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(map.find(ScreenName::Board, &keys("f6")), Found::Command(CommandId::ShowAll));
    assert_eq!(map.find(ScreenName::Flows, &keys("f6")), Found::Command(CommandId::Sort));
    let (_, problems) = configured(&[("refresh", &["f6"]), ("sort", &["f6"])]);
    assert_eq!(problems, ["F6 can't be both sort and refresh, on Flows"]);
}

#[test]
fn the_last_way_out_and_to_the_help_stay() {
    let (map, problems) = configured(&[("quit", &[]), ("interrupt", &[]), ("command-line", &["none"])]);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("no way out of the cockpit would be left"), "{problems:?}");
    assert_eq!(map.labels(CommandId::CommandLine), Keymap::default().labels(CommandId::CommandLine));
    let (_, problems) = configured(&[("help", &[]), ("quit", &[])]);
    assert_eq!(problems, Vec::<String>::new(), ":help and :q are left");
}

#[test]
fn wrong_names_are_answered_with_the_nearest() {
    let changes = [("refesh".to_owned(), vec!["r".to_owned()]), ("sort".to_owned(), vec!["bogus".to_owned()])];
    let (map, problems) = Keymap::configured(&changes);
    assert_eq!(map, Keymap::default());
    assert_eq!((problems[0].entry, problems[0].suggestion.as_deref()), (0, Some("refresh")));
    assert_eq!((problems[1].entry, problems[1].name.as_str()), (1, "sort"));
}

#[test]
fn keys_that_destroy_elsewhere_can_be_given_to_something_else() {
    let (map, problems) = configured(&[("refresh", &["x"])]);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(map.find(ScreenName::Board, &keys("x")), Found::Command(CommandId::Refresh));
    assert_eq!(map.find(ScreenName::Board, &keys("delete")), Found::Command(CommandId::UseVerbs));
}

#[test]
fn popups_follow_the_keys_of_all_screens() {
    let map = Keymap::default();
    for (key, id) in [("j", CommandId::Down), ("g", CommandId::Top), ("q", CommandId::Quit), ("?", CommandId::Help)] {
        assert_eq!(map.in_popup(Key::parse(key).unwrap()), Some(id), "{key}");
    }
    assert_eq!(map.in_popup(Key::parse("s").unwrap()), None, "a screen's own key means nothing there");
}
