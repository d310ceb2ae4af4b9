//! From keys to commands: the bindings of the table, changed by the config.
//!
//! What the config gets wrong is told, with the two names where keys clash, and changes nothing: the default stays in
//! force. So a cockpit always has keys, whatever stands in the file.

mod check;
mod key;
#[cfg(test)]
mod tests;

use super::command::{Command, CommandId, TABLE, find};
use super::settings::ScreenName;

pub use check::KeyProblem;
pub use key::{Key, sequence, show};

/// What keys pressed one after another mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A command.
    Command(CommandId),
    /// The start of one.
    Start,
    /// Nothing.
    Nothing,
}

/// Keys one after another, and what they do.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Binding {
    sequence: Vec<Key>,
    command: &'static Command,
}

/// Every binding that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self { bindings: TABLE.iter().flat_map(defaults).collect() }
    }
}

fn defaults(command: &'static Command) -> impl Iterator<Item = Binding> {
    command.keys.iter().filter_map(move |keys| Some(Binding { sequence: sequence(keys).ok()?, command }))
}

impl Keymap {
    /// The defaults with the changes of the config: a command's name, and its keys instead of the default ones. None,
    /// or `"none"`, takes its keys away. What can't be taken is left at its default and told.
    pub fn configured(changes: &[(String, Vec<String>)]) -> (Self, Vec<KeyProblem>) {
        check::configured(changes)
    }

    /// What these keys mean on a screen.
    pub fn find(&self, screen: ScreenName, pressed: &[Key]) -> Found {
        let mut start = false;
        for Binding { sequence, command } in &self.bindings {
            if !command.at(screen) || !sequence.starts_with(pressed) {
                continue;
            }
            if sequence.len() == pressed.len() {
                return Found::Command(command.id);
            }
            start = true;
        }
        if start { Found::Start } else { Found::Nothing }
    }

    /// What can follow these keys: the rest of the sequence as it is shown, and the command.
    pub fn continuations(&self, screen: ScreenName, pressed: &[Key]) -> Vec<(String, &'static Command)> {
        self.bindings
            .iter()
            .filter(|binding| binding.command.at(screen))
            .filter_map(|Binding { sequence, command }| {
                let rest = sequence.strip_prefix(pressed).filter(|rest| !rest.is_empty())?;
                Some((show(rest), *command))
            })
            .collect()
    }

    /// What a key does in a popup: the command of all screens that it is bound to. Of a sequence of one key, such as
    /// `g g`, once is enough there.
    pub fn in_popup(&self, key: Key) -> Option<CommandId> {
        let all = |binding: &&Binding| binding.sequence.iter().all(|one| *one == key);
        self.bindings
            .iter()
            .filter(|binding| binding.command.screens.is_empty())
            .find(all)
            .map(|binding| binding.command.id)
    }

    /// Whether a single key does this on every screen.
    pub fn is(&self, id: CommandId, key: Key) -> bool {
        self.bindings.iter().any(|binding| binding.command.id == id && binding.sequence == [key])
    }

    /// The screens' commands that keys mean elsewhere than on `screen`.
    pub fn elsewhere(&self, screen: ScreenName, pressed: &[Key]) -> Option<&'static Command> {
        let found = self.bindings.iter().find(|binding| binding.sequence == pressed && !binding.command.at(screen));
        found.map(|binding| binding.command)
    }

    /// Every key of a command, as they are shown.
    pub fn labels(&self, id: CommandId) -> Vec<String> {
        let own = self.bindings.iter().filter(|binding| binding.command.id == id);
        own.map(|binding| show(&binding.sequence)).collect()
    }

    /// The first key of a command, as it is shown.
    pub fn first(&self, id: CommandId) -> Option<String> {
        self.bindings.iter().find(|binding| binding.command.id == id).map(|binding| show(&binding.sequence))
    }

    /// How to reach a command, for a sentence: its first key; where it has none and can be typed, `:name`; else its
    /// name.
    pub fn label(&self, id: CommandId) -> String {
        if let Some(first) = self.first(id) {
            return first;
        }
        match find(id) {
            Some(command) if command.typed => format!(":{}", command.name),
            Some(command) => command.name.to_owned(),
            None => String::new(),
        }
    }
}
