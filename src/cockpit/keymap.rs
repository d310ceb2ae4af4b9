//! From keys to commands: single keys and sequences such as `g g`.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::command::{Command, CommandId, TABLE};
use super::settings::ScreenName;

/// A key as it is bound: its code, with the modifiers that are not already in the character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
}

impl Key {
    /// Reads a key's name: `a`, `G`, `ctrl-d`, `pgup`.
    pub fn parse(name: &str) -> Option<Self> {
        let (ctrl, rest) = name.strip_prefix("ctrl-").map_or((false, name), |rest| (true, rest));
        let (alt, rest) = rest.strip_prefix("alt-").map_or((false, rest), |rest| (true, rest));
        let code = match rest {
            "enter" => KeyCode::Enter,
            "esc" => KeyCode::Esc,
            "tab" => KeyCode::Tab,
            "backtab" => KeyCode::BackTab,
            "space" => KeyCode::Char(' '),
            "up" => KeyCode::Up,
            "down" => KeyCode::Down,
            "left" => KeyCode::Left,
            "right" => KeyCode::Right,
            "home" => KeyCode::Home,
            "end" => KeyCode::End,
            "pgup" => KeyCode::PageUp,
            "pgdn" => KeyCode::PageDown,
            "delete" => KeyCode::Delete,
            "backspace" => KeyCode::Backspace,
            "f1" => KeyCode::F(1),
            _ => {
                let mut chars = rest.chars();
                let one = chars.next()?;
                if chars.next().is_some() {
                    return None;
                }
                KeyCode::Char(one)
            }
        };
        Some(Self { code, ctrl, alt })
    }

    /// The key of an event. A shifted letter is its capital, whatever the terminal says of Shift.
    pub fn of(event: &KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            KeyCode::Char(c) if event.modifiers.contains(KeyModifiers::SHIFT) && !ctrl => {
                KeyCode::Char(c.to_uppercase().next().unwrap_or(c))
            }
            KeyCode::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            code => code,
        };
        Self { code, ctrl, alt: event.modifiers.contains(KeyModifiers::ALT) }
    }

    /// The event that pressing it makes.
    pub fn event(self) -> KeyEvent {
        let mut modifiers = KeyModifiers::NONE;
        modifiers.set(KeyModifiers::CONTROL, self.ctrl);
        modifiers.set(KeyModifiers::ALT, self.alt);
        KeyEvent::new(self.code, modifiers)
    }
}

/// How a key is written in hints and help.
pub fn label(keys: &str) -> String {
    keys.split(' ')
        .map(|key| match key {
            "enter" => "Enter".to_owned(),
            "esc" => "Esc".to_owned(),
            "tab" => "Tab".to_owned(),
            "backtab" => "Shift-Tab".to_owned(),
            "space" => "Space".to_owned(),
            "up" => "Up".to_owned(),
            "down" => "Down".to_owned(),
            "left" => "Left".to_owned(),
            "right" => "Right".to_owned(),
            "home" => "Home".to_owned(),
            "end" => "End".to_owned(),
            "pgup" => "PgUp".to_owned(),
            "pgdn" => "PgDn".to_owned(),
            "delete" => "Delete".to_owned(),
            "f1" => "F1".to_owned(),
            other => match other.strip_prefix("ctrl-") {
                Some(rest) => format!("Ctrl-{}", rest.to_uppercase()),
                None => other.to_owned(),
            },
        })
        .collect::<Vec<_>>()
        .join(" ")
}

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

/// Every binding, read from the table once.
#[derive(Debug, Clone)]
pub struct Keymap {
    bindings: Vec<(Vec<Key>, &'static Command)>,
}

impl Default for Keymap {
    fn default() -> Self {
        let bindings = TABLE
            .iter()
            .flat_map(|command| command.keys.iter().map(move |keys| (keys, command)))
            .filter_map(|(keys, command)| {
                let sequence: Option<Vec<Key>> = keys.split(' ').map(Key::parse).collect();
                Some((sequence?, command))
            })
            .collect();
        Self { bindings }
    }
}

impl Keymap {
    /// What these keys mean on a screen.
    pub fn find(&self, screen: ScreenName, pressed: &[Key]) -> Found {
        let mut start = false;
        for (sequence, command) in &self.bindings {
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

    /// What can follow these keys: the rest of the sequence, and the command.
    pub fn continuations(&self, screen: ScreenName, pressed: &[Key]) -> Vec<(&'static str, &'static Command)> {
        TABLE
            .iter()
            .filter(|command| command.at(screen))
            .flat_map(|command| command.keys.iter().map(move |keys| (*keys, command)))
            .filter(|(keys, _)| {
                let sequence: Vec<Key> = keys.split(' ').filter_map(Key::parse).collect();
                sequence.len() > pressed.len() && sequence.starts_with(pressed)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<Key> {
        text.split(' ').map(|key| Key::parse(key).unwrap()).collect()
    }

    #[test]
    fn every_key_in_the_table_can_be_read_and_means_one_thing_on_a_screen() {
        let map = Keymap::default();
        for command in TABLE {
            for sequence in command.keys {
                for screen in ScreenName::ALL.into_iter().filter(|screen| command.at(*screen)) {
                    assert_eq!(map.find(screen, &keys(sequence)), Found::Command(command.id), "{sequence} {screen:?}");
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
        assert_eq!(map.continuations(ScreenName::Flows, &keys("g")).len(), 1);
    }

    #[test]
    fn screens_that_are_not_built_have_no_key() {
        let map = Keymap::default();
        for key in ["3", "4", "5", "6", "7", "9", "A"] {
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
        assert_eq!(label("ctrl-d"), "Ctrl-D");
        assert_eq!(label("g g"), "g g");
    }
}
