//! The log: opened, read again while it is open, moved in.

use std::sync::Arc;

use super::lists;
use crate::cockpit::app::{App, Popup};
use crate::cockpit::command::CommandId;
use crate::cockpit::keymap::Key;
use crate::cockpit::log::LogLook;
use crate::cockpit::msg::{Ask, Effect, Target};
use crate::domain::log::{LogEntry, LogLevel, LogView};

/// Opens it.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    app.popup = Some(Popup::Log(LogLook::default()));
    vec![app.ask(Ask::Log)]
}

/// Reads it again, while it is looked at.
pub(super) fn tick(app: &mut App) -> Option<Effect> {
    let open = matches!(app.popup, Some(Popup::Log(_)));
    (open && !app.busy(Target::Log)).then(|| app.ask(Ask::Log))
}

/// A key while it is open. `page` is a page of lines; `by` how far a key moves down, negative for up.
pub(super) fn key(app: &mut App, key: Key, by: isize) {
    let is = |name: &str| Key::parse(name) == Some(key);
    let meant = app.keymap.in_popup(key);
    let opens = is("enter") || app.keymap.is(CommandId::Open, key);
    let close = lists::leaves(app, key) || meant == Some(CommandId::Log);
    let view = app.log.value().cloned();
    let Some(Popup::Log(look)) = &mut app.popup else { return };
    if look.whole.is_some() {
        if close || is("enter") {
            look.whole = None;
        }
        return;
    }
    let Some(view) = view else {
        if close {
            app.popup = None;
        }
        return;
    };
    let most = look.entries(&view).len().saturating_sub(1);
    if close {
        app.popup = None;
    } else if meant == Some(CommandId::Bottom) {
        look.above = 0;
    } else if meant == Some(CommandId::Top) {
        look.above = most;
    } else if is("tab") || is("backtab") {
        let at = LogLevel::ALL.iter().position(|level| *level == look.level).unwrap_or(0);
        let step = if is("tab") { 1 } else { LogLevel::ALL.len() - 1 };
        look.level = LogLevel::ALL[(at + step) % LogLevel::ALL.len()];
        look.above = 0;
    } else if opens {
        let entries = look.entries(&view);
        look.whole =
            entries.len().checked_sub(look.above + 1).and_then(|at| entries.get(at)).map(|entry| (*entry).clone());
    } else {
        look.above = look.above.saturating_add_signed(-by).min(most);
    }
}

/// A click on an event, by its index among those that are shown; a second one shows it in full.
pub(super) fn clicked(app: &mut App, row: usize, twice: bool) {
    let view = app.log.value().cloned();
    let (Some(view), Some(Popup::Log(look))) = (view, &mut app.popup) else { return };
    let entries = look.entries(&view);
    let Some(entry) = entries.get(row) else { return };
    let whole = twice.then(|| (*entry).clone());
    look.above = entries.len() - 1 - row;
    look.whole = whole;
}

/// One notch of the wheel.
pub(super) fn step(app: &mut App, by: isize) {
    let view = app.log.value().cloned();
    let (Some(view), Some(Popup::Log(look))) = (view, &mut app.popup) else { return };
    let most = look.entries(&view).len().saturating_sub(1);
    look.above = look.above.saturating_add_signed(-by).min(most);
}

/// New events have come: the cursor stays on its event, unless it is on the newest.
pub(super) fn came(app: &mut App, before: Option<&LogView>) {
    let (Some(view), Some(before)) = (app.log.value().cloned(), before) else { return };
    let Some(Popup::Log(look)) = &mut app.popup else { return };
    if look.above == 0 {
        return;
    }
    // Older ones may have been let go meanwhile: what is new is what came after the last one known.
    let last = before.entries.last();
    let known = |entry: &Arc<LogEntry>| last.is_some_and(|last| Arc::ptr_eq(last, entry));
    let entries = look.entries(&view);
    let new = entries.iter().rev().take_while(|entry| !known(entry)).count();
    let passed = view.entries.iter().rev().take_while(|entry| !known(entry)).filter(|entry| entry.level <= look.level);
    let new = new.min(passed.count());
    look.above = (look.above + new).min(entries.len().saturating_sub(1));
}
