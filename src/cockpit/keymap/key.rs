//! One key: how it is written in the table and the config, what a terminal sends for it, and how it is shown.

use std::fmt::{self, Write as _};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key as it is bound: its code, with the modifiers that are not already in the character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
    shift: bool,
}

/// The keys that have a name: as it is written, and as it is shown.
const NAMED: [(&str, &str, KeyCode); 16] = [
    ("enter", "Enter", KeyCode::Enter),
    ("esc", "Esc", KeyCode::Esc),
    ("tab", "Tab", KeyCode::Tab),
    ("backtab", "Shift-Tab", KeyCode::BackTab),
    ("space", "Space", KeyCode::Char(' ')),
    ("up", "Up", KeyCode::Up),
    ("down", "Down", KeyCode::Down),
    ("left", "Left", KeyCode::Left),
    ("right", "Right", KeyCode::Right),
    ("home", "Home", KeyCode::Home),
    ("end", "End", KeyCode::End),
    ("pgup", "PgUp", KeyCode::PageUp),
    ("pgdn", "PgDn", KeyCode::PageDown),
    ("insert", "Insert", KeyCode::Insert),
    ("delete", "Delete", KeyCode::Delete),
    ("backspace", "Backspace", KeyCode::Backspace),
];

/// What was pressed with Ctrl where the oldest encoding is read as a digit: `Ctrl-\` comes as Ctrl-4.
const fn pressed_with_ctrl(c: char) -> char {
    match c {
        '4' => '\\',
        '5' => ']',
        '6' => '^',
        '7' => '_',
        other => other,
    }
}

impl Key {
    /// Reads a key's name, and says in words what is wrong with it: `a`, `G`, `ctrl-d`, `alt-enter`, `f5`, `pgup`.
    pub fn read(name: &str) -> Result<Self, String> {
        let (mut ctrl, mut alt, mut shift) = (false, false, false);
        let mut rest = name;
        loop {
            let lower = rest.to_ascii_lowercase();
            let (set, len) = if lower.starts_with("ctrl-") {
                (&mut ctrl, 5)
            } else if lower.starts_with("alt-") {
                (&mut alt, 4)
            } else if lower.starts_with("shift-") {
                (&mut shift, 6)
            } else {
                break;
            };
            // A modifier alone, or one before the dash itself, ends here.
            if rest.len() == len {
                return Err(format!("{name:?} names no key after its last dash"));
            }
            *set = true;
            rest = &rest[len..];
        }
        let mut code = code(rest).ok_or_else(|| unknown(name, rest))?;
        match code {
            KeyCode::Char(c) if shift && !ctrl && c.is_alphabetic() => {
                code = KeyCode::Char(c.to_uppercase().next().unwrap_or(c));
                shift = false;
            }
            KeyCode::Tab if shift => {
                code = KeyCode::BackTab;
                shift = false;
            }
            KeyCode::Char(c) if ctrl => code = KeyCode::Char(c.to_ascii_lowercase()),
            _ => {}
        }
        let key = Self { code, ctrl, alt, shift };
        match key.unsendable() {
            Some(why) => Err(format!("{name:?} can't be told apart: {why}")),
            None => Ok(key),
        }
    }

    /// Reads a key's name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::read(name).ok()
    }

    /// Why a terminal never sends this key as such, if so. Only what the oldest encoding can carry is taken: what one
    /// terminal sends and the next does not would be a key that works on some desks.
    fn unsendable(self) -> Option<&'static str> {
        match self.code {
            KeyCode::Char('i') if self.ctrl => Some("a terminal sends Tab for it"),
            KeyCode::Char('m') if self.ctrl => Some("a terminal sends Enter for it"),
            KeyCode::Char('[') if self.ctrl => Some("a terminal sends Esc for it"),
            KeyCode::Char('[' | 'O') if self.alt => Some("a terminal begins other keys with it"),
            KeyCode::Char(_) if self.ctrl && self.shift => Some("a terminal sends the same without Shift"),
            KeyCode::Char(_) if self.shift => Some("write the character that Shift makes of it"),
            KeyCode::Char(c) if self.ctrl && !(c.is_ascii_lowercase() || c == ' ') => {
                Some("Ctrl goes with letters and Space only")
            }
            KeyCode::Enter | KeyCode::Tab | KeyCode::BackTab | KeyCode::Esc | KeyCode::Backspace
                if self.ctrl || self.shift =>
            {
                Some("a terminal sends the same without the modifier")
            }
            KeyCode::Esc if self.alt => Some("a terminal sends Esc twice for it"),
            _ => None,
        }
    }

    /// The key of an event. A shifted letter is its capital, whatever the terminal says of Shift.
    pub fn of(event: &KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let alt = event.modifiers.contains(KeyModifiers::ALT);
        let mut shift = event.modifiers.contains(KeyModifiers::SHIFT);
        let code = match event.code {
            KeyCode::Char(c) if ctrl => KeyCode::Char(pressed_with_ctrl(c.to_ascii_lowercase())),
            KeyCode::Char(c) if shift => KeyCode::Char(c.to_uppercase().next().unwrap_or(c)),
            KeyCode::Tab if shift => KeyCode::BackTab,
            code => code,
        };
        if matches!(code, KeyCode::Char(_) | KeyCode::BackTab) {
            shift = false;
        }
        Self { code, ctrl, alt, shift }
    }

    /// The event that pressing it makes.
    pub fn event(self) -> KeyEvent {
        let mut modifiers = KeyModifiers::NONE;
        modifiers.set(KeyModifiers::CONTROL, self.ctrl);
        modifiers.set(KeyModifiers::ALT, self.alt);
        modifiers.set(KeyModifiers::SHIFT, self.shift);
        KeyEvent::new(self.code, modifiers)
    }
}

/// A key as it is shown: `Ctrl-D`, `PgUp`, `g`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (set, word) in [(self.ctrl, "Ctrl-"), (self.alt, "Alt-"), (self.shift, "Shift-")] {
            if set {
                f.write_str(word)?;
            }
        }
        if let Some((_, shown, _)) = NAMED.iter().find(|(.., code)| *code == self.code) {
            return f.write_str(shown);
        }
        match self.code {
            KeyCode::Char(c) if self.ctrl => write!(f, "{}", c.to_ascii_uppercase()),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(n) => write!(f, "F{n}"),
            _ => f.write_str("?"),
        }
    }
}

/// The code of a key without modifiers.
fn code(name: &str) -> Option<KeyCode> {
    let mut chars = name.chars();
    if let (Some(one), None) = (chars.next(), chars.next()) {
        return (!one.is_control() && !one.is_whitespace()).then_some(KeyCode::Char(one));
    }
    let lower = name.to_ascii_lowercase();
    let lower = match lower.as_str() {
        "return" => "enter",
        "escape" => "esc",
        "pageup" => "pgup",
        "pagedown" | "pgdown" => "pgdn",
        "del" => "delete",
        "ins" => "insert",
        other => other,
    };
    if let Some(number) = lower.strip_prefix('f') {
        return number.parse().ok().filter(|n| (1..=12).contains(n)).map(KeyCode::F);
    }
    NAMED.iter().find(|(known, ..)| *known == lower).map(|(.., code)| *code)
}

fn unknown(name: &str, rest: &str) -> String {
    let meant = crate::domain::nearest::nearest(rest, NAMED.iter().map(|(known, ..)| *known));
    let meant = meant.map(|meant| format!("; is {meant} meant?")).unwrap_or_default();
    let hint = if meant.is_empty() && rest.chars().count() > 1 {
        "; one key after another is written with a space: \"g g\""
    } else {
        ""
    };
    format!("no key is called {name:?}{meant}{hint}")
}

/// How keys one after another are shown.
pub fn show(sequence: &[Key]) -> String {
    let mut shown = String::new();
    for key in sequence {
        let gap = if shown.is_empty() { "" } else { " " };
        // A text takes whatever is written into it.
        let _ = write!(shown, "{gap}{key}");
    }
    shown
}

/// Reads keys one after another, separated by spaces.
pub fn sequence(text: &str) -> Result<Vec<Key>, String> {
    text.split_whitespace().map(Key::read).collect()
}
