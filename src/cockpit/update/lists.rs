//! What keys mean in a list or a text that lies over the screen: the ways out and the steps, by the keys that are in
//! force. Esc, Ctrl-C and the arrows mean the same whatever the config says.

use super::moving::Step;
use crate::cockpit::app::App;
use crate::cockpit::command::CommandId;
use crate::cockpit::keymap::Key;

/// Whether a key is one of these, whatever it is bound to.
pub(super) fn is(key: Key, names: &[&str]) -> bool {
    names.iter().any(|name| Key::parse(name) == Some(key))
}

/// Whether a key closes what is open.
pub(super) fn leaves(app: &App, key: Key) -> bool {
    let meant = app.keymap.in_popup(key);
    is(key, &["esc", "ctrl-c"])
        || matches!(meant, Some(CommandId::Quit | CommandId::Back | CommandId::Out | CommandId::Interrupt))
}

/// The step that a key makes.
pub(super) fn step(app: &App, key: Key) -> Option<Step> {
    let meant = app.keymap.in_popup(key);
    Some(match meant {
        _ if is(key, &["up"]) => Step::Up,
        _ if is(key, &["down"]) => Step::Down,
        Some(CommandId::Up) => Step::Up,
        Some(CommandId::Down) => Step::Down,
        Some(CommandId::HalfUp) => Step::HalfUp,
        Some(CommandId::HalfDown) => Step::HalfDown,
        Some(CommandId::PageUp) => Step::PageUp,
        Some(CommandId::PageDown) => Step::PageDown,
        Some(CommandId::Top) => Step::Top,
        Some(CommandId::Bottom) => Step::Bottom,
        _ => return None,
    })
}
