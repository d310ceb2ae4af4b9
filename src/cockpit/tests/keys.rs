//! What is said names the keys that are in force, and no others.

use std::collections::HashMap;

use jiff::SignedDuration;

use super::Desk;
use super::fake::{self, FakeOps};
use crate::cockpit::app::{Popup, REASON_MIN};
use crate::cockpit::command::{CommandId, TABLE};
use crate::cockpit::keymap::Keymap;
use crate::cockpit::settings::ScreenName;

/// A cockpit in which every command that has keys has another one, `Alt` with a character of its own.
fn rebound() -> (Desk, HashMap<CommandId, String>) {
    let mut signs =
        ('a'..='z').chain('A'..='N').chain('P'..='Z').chain('0'..='9').chain("!$%&#+*~^@(){}_;'|?<>".chars());
    let keys: HashMap<CommandId, String> = TABLE
        .iter()
        .filter(|command| !command.keys.is_empty())
        .map(|command| (command.id, format!("alt-{}", signs.next().unwrap())))
        .collect();
    let changes: Vec<(String, Vec<String>)> = TABLE
        .iter()
        .filter_map(|command| Some((command.name.to_owned(), vec![keys.get(&command.id)?.clone()])))
        .collect();
    let (keymap, problems) = Keymap::configured(&changes);
    assert!(problems.is_empty(), "{problems:?}");
    let wides = fake::wide::some();
    let mut desk = Desk::with(FakeOps { log: super::log::filled(), ..FakeOps::with_wides(wides) });
    desk.app.keymap = keymap;
    (desk, keys)
}

/// Default keys that a text could name, as they are shown.
const DEFAULTS: [&str; 24] = [
    "A", "v", "F", "U", "J", "b", "o", "S", "V", "P", "T", "L", "C", "Y", "t", "c", "q", "G", "N", "n", "=", "*",
    "Space", "Ctrl-C",
];

/// Those that have another meaning of their own where something is typed or lies over the screen.
const FIXED: [&str; 4] = ["Tab", "Enter", "Esc", "Up"];

/// What stands in the box that lies over a screen, or all of the screen: around a box there are halves of words.
fn uppermost(picture: &str) -> String {
    let lines: Vec<Vec<char>> = picture.lines().map(|line| line.chars().collect()).collect();
    let corner = |sign| lines.iter().enumerate().find_map(|(y, line)| Some((line.iter().position(|c| *c == sign)?, y)));
    let (Some((left, top)), Some((right, bottom))) = (corner('╭'), corner('╯')) else { return picture.to_owned() };
    let line = |line: &Vec<char>| line.iter().skip(left).take(right - left).collect::<String>();
    lines[top..=bottom].iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The default keys that a screen names.
fn named(picture: &str, popup: bool) -> Vec<String> {
    let words = picture.split(|c: char| c.is_whitespace() || "()[],;:│".contains(c));
    words.filter(|word| DEFAULTS.contains(word) || !popup && FIXED.contains(word)).map(str::to_owned).collect()
}

#[test]
fn no_text_names_a_key_that_was_taken_away() {
    use CommandId::{
        Approvals, Back, Board, Chart, Claim, Compare, Contexts, CopyStatus, Flows, Group, Help, Log, Mark, MarkAll,
        MarkRange, NextPane, Open, Page, Pause, Raw, Remediations, Search, SearchNext, ShowAll, Sources, Theme, Verbs,
        Views, Zone,
    };
    // Each of them begins where the last one ended.
    let ways: [&[CommandId]; 35] = [
        &[],
        &[Verbs],
        &[Remediations],
        &[Approvals],
        &[Verbs],
        &[Open],
        &[Verbs],
        &[Board],
        &[NextPane, Claim],
        &[NextPane, ShowAll],
        &[Zone],
        &[Pause],
        &[Help],
        &[Views],
        &[Contexts],
        &[Theme],
        &[Log],
        &[Sources],
        &[Flows],
        &[MarkRange],
        &[MarkAll],
        &[Back, Mark],
        &[Verbs],
        &[Back, Compare],
        &[Compare],
        &[CopyStatus],
        &[Open],
        &[Chart],
        &[Page],
        &[Verbs],
        &[Raw],
        &[SearchNext],
        &[Search],
        &[Flows, Group],
        &[Board],
    ];
    for size in [(80, 24), (120, 34), (200, 60)] {
        let (mut desk, keys) = rebound();
        desk.app.size = size;
        for way in ways {
            for id in way {
                desk.keys(&keys[id]);
            }
            let covered = desk.app.popup.is_some() || desk.app.prompt.is_some();
            // The letters of a menu are its own, and so are those of a theme's states and of the signs in the help.
            let own = matches!(desk.app.popup, Some(Popup::Menu { .. } | Popup::Help { .. } | Popup::Page { .. }));
            let picture = desk.picture();
            let found = named(&uppermost(&picture), covered);
            assert!(found.is_empty() || own, "{way:?} names {found:?}\n{picture}");
            assert!(
                !picture.contains("8 Sources")
                    && !picture.contains("5 Acts")
                    && !picture.contains("(1)")
                    && !picture.contains("(2)"),
                "{picture}"
            );
            if covered {
                desk.keys("esc");
            }
        }
    }
}

#[test]
fn refusals_name_the_keys_in_force() {
    let (mut desk, keys) = rebound();
    desk.keys(&format!("{} {}", keys[&CommandId::Flows], keys[&CommandId::Group]));
    desk.keys("t");
    for id in [CommandId::Verbs, CommandId::Mark] {
        desk.keys(&keys[&id]);
        let said = desk.app.message.clone().unwrap().text;
        assert!(said.contains(&desk.app.keymap.label(CommandId::Open)), "{said}");
        assert_eq!(named(&said, false), Vec::<String>::new(), "{said}");
    }
    // A plan that is too old says how a new one is made.
    desk.keys(&keys[&CommandId::Flows]);
    desk.keys(&format!("{} n", keys[&CommandId::Group]));
    desk.keys(&format!("{} enter", keys[&CommandId::Verbs]));
    for _ in 0..REASON_MIN {
        desk.keys("x");
    }
    desk.now += SignedDuration::from_hours(1);
    desk.wait(1);
    let picture = desk.picture();
    assert!(picture.contains(&format!("then {} plans anew", desk.app.keymap.label(CommandId::Verbs))), "{picture}");
}

#[test]
fn lists_over_the_screen_are_moved_in_by_the_keys_in_force_and_by_the_arrows() {
    for (popup, last) in [(CommandId::Views, "enter"), (CommandId::Contexts, "esc"), (CommandId::Log, "esc")] {
        let (mut desk, keys) = rebound();
        let at = |desk: &Desk| match &desk.app.popup {
            Some(Popup::Views { index, .. }) => *index,
            Some(Popup::Contexts(list)) => list.index,
            Some(Popup::Log(look)) => 100 - look.above,
            other => panic!("{other:?}"),
        };
        desk.app.settings.contexts = ["a", "b", "d"].map(fake::context).into();
        desk.keys(&keys[&popup]);
        desk.keys(&keys[&CommandId::Top]);
        let top = at(&desk);
        desk.keys(&keys[&CommandId::Down]);
        assert_eq!(at(&desk), top + 1, "{popup:?}");
        desk.keys("down");
        desk.keys(&keys[&CommandId::Up]);
        assert_eq!(at(&desk), top + 1, "{popup:?}");
        // What was taken away moves and closes nothing.
        desk.keys("j k q G L");
        assert_eq!(at(&desk), top + 1, "{popup:?}");
        desk.keys(last);
        assert!(desk.app.popup.is_none(), "{popup:?}");
        desk.keys(&keys[&popup]);
        desk.keys(&keys[&CommandId::Quit]);
        assert!(desk.app.popup.is_none() && desk.app.screen() != ScreenName::Sources, "{popup:?}");
    }
}
