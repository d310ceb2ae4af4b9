//! The keys of the config laid over the default ones, and everything that is wrong with them.

use super::super::command::{Command, CommandId, TABLE, find};
use super::super::settings::ScreenName;
use super::key::{Key, sequence, show};
use super::{Binding, Keymap, defaults};
use crate::domain::nearest::nearest;

/// One thing that is wrong with the keys of the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyProblem {
    /// Which entry, counted from 0.
    pub entry: usize,
    /// The name in that entry.
    pub name: String,
    /// What is wrong, in words.
    pub message: String,
    /// The name that was probably meant.
    pub suggestion: Option<String>,
}

/// The longest sequence of keys.
const LONGEST: usize = 4;

/// What must not lose its last key: what it is, and the commands of which one must keep a key.
const WAYS: [(&str, &[CommandId]); 2] = [
    ("out of the cockpit", &[CommandId::Quit, CommandId::Interrupt, CommandId::CommandLine]),
    ("to the help", &[CommandId::Help, CommandId::CommandLine]),
];

/// An entry that can be read: which one, and what it binds.
struct Change {
    entry: usize,
    command: &'static Command,
    keys: Vec<Vec<Key>>,
}

pub(super) fn configured(entries: &[(String, Vec<String>)]) -> (Keymap, Vec<KeyProblem>) {
    let mut problems = Vec::new();
    let mut changes = Vec::new();
    for (entry, (name, keys)) in entries.iter().enumerate() {
        match read(name, keys) {
            Ok((command, keys)) => changes.push(Change { entry, command, keys }),
            Err((message, suggestion)) => {
                problems.push(KeyProblem { entry, name: name.clone(), message, suggestion });
            }
        }
    }
    // One entry at a time falls back to its default until what is left goes together.
    loop {
        let map = apply(&changes);
        let Some((at, message)) = clash(&map, &changes).or_else(|| lost(&map, &changes)) else {
            problems.sort_by_key(|problem| problem.entry);
            return (map, problems);
        };
        let change = changes.remove(at);
        let name = change.command.name.to_owned();
        problems.push(KeyProblem { entry: change.entry, name, message, suggestion: None });
    }
}

type Read = Result<(&'static Command, Vec<Vec<Key>>), (String, Option<String>)>;

fn read(name: &str, keys: &[String]) -> Read {
    let Some(command) = TABLE.iter().find(|command| command.name == name) else {
        let meant = nearest(name, TABLE.iter().map(|command| command.name)).map(str::to_owned);
        return Err((format!("no command is called {name:?}"), meant));
    };
    if keys.iter().all(|keys| keys == "none") {
        return Ok((command, Vec::new()));
    }
    let mut read = Vec::new();
    for text in keys {
        if text == "none" {
            return Err(("\"none\" stands alone: a command has keys or none".to_owned(), None));
        }
        let keys = sequence(text).map_err(|why| (why, None))?;
        let esc = Key::parse("esc");
        if keys.is_empty() || keys.len() > LONGEST {
            return Err((format!("{text:?}: from one to {LONGEST} keys one after another"), None));
        }
        if keys.len() > 1 && keys.iter().any(|key| Some(*key) == esc) {
            return Err((format!("{text:?}: Esc ends a sequence, and can't be a part of one"), None));
        }
        if !read.contains(&keys) {
            read.push(keys);
        }
    }
    Ok((command, read))
}

/// The bindings with the changes in force. What the table keeps free of harm gives way to whoever wants those keys.
fn apply(changes: &[Change]) -> Keymap {
    let wanted = |keys: &Vec<Key>| changes.iter().any(|change| change.keys.iter().any(|own| own == keys));
    let bindings =
        TABLE.iter().flat_map(|command| match changes.iter().find(|change| change.command.id == command.id) {
            Some(change) => {
                change.keys.iter().map(|keys| Binding { sequence: keys.clone(), command }).collect::<Vec<_>>()
            }
            None if command.id == CommandId::UseVerbs => {
                defaults(command).filter(|binding| !wanted(&binding.sequence)).collect()
            }
            None => defaults(command).collect(),
        });
    Keymap { bindings: bindings.collect() }
}

/// The first two bindings that can't both be, and which change has to give way.
fn clash(map: &Keymap, changes: &[Change]) -> Option<(usize, String)> {
    let change_of = |binding: &Binding| changes.iter().position(|change| change.command.id == binding.command.id);
    for (at, one) in map.bindings.iter().enumerate() {
        for other in map.bindings.iter().skip(at + 1) {
            let both: Vec<_> = shared(one.command, other.command);
            let nested = one.sequence.starts_with(&other.sequence) || other.sequence.starts_with(&one.sequence);
            if one.command.id == other.command.id && one.sequence == other.sequence || !nested || both.is_empty() {
                continue;
            }
            // The later of two entries gives way; a default never does.
            let Some(loser) = change_of(one).max(change_of(other)) else { continue };
            let (mine, theirs) = if change_of(one) == Some(loser) { (one, other) } else { (other, one) };
            return Some((loser, told(mine, theirs, &both)));
        }
    }
    None
}

/// Two bindings that clash, in words.
fn told(mine: &Binding, theirs: &Binding, screens: &[ScreenName]) -> String {
    let place = if screens.len() == ScreenName::ALL.len() {
        "everywhere".to_owned()
    } else {
        let titles: Vec<_> = screens.iter().map(|screen| screen.title()).collect();
        format!("on {}", titles.join(", "))
    };
    let (keys, other) = (show(&mine.sequence), theirs.command.name);
    let theirs = show(&theirs.sequence);
    let (own, count) = (mine.command.name, mine.sequence.len());
    if keys == theirs {
        format!("{keys} can't be both {own} and {other}, {place}")
    } else if theirs.split(' ').count() > count {
        format!("{keys} of {own} begins {theirs} of {other}, which could never be typed, {place}")
    } else {
        format!("{keys} of {own} begins with {theirs} of {other}, and could never be typed, {place}")
    }
}

/// The screens on which both can be had.
fn shared(one: &Command, other: &Command) -> Vec<ScreenName> {
    ScreenName::ALL.into_iter().filter(|screen| one.at(*screen) && other.at(*screen)).collect()
}

/// The change that takes a last way.
fn lost(map: &Keymap, changes: &[Change]) -> Option<(usize, String)> {
    WAYS.iter().find_map(|(what, ways)| {
        if ways.iter().any(|id| map.bindings.iter().any(|binding| binding.command.id == *id)) {
            return None;
        }
        let at = changes.iter().rposition(|change| ways.contains(&change.command.id))?;
        let names: Vec<_> = ways.iter().filter_map(|id| Some(find(*id)?.name)).collect();
        Some((at, format!("no way {what} would be left: one of {} must have a key", names.join(", "))))
    })
}
