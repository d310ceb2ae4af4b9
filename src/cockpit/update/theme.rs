//! The theme: looked at while the list is moved in, kept with Enter, as before with Esc.

use super::moving::Step;
use crate::cockpit::app::{App, Level, Popup};
use crate::cockpit::theme::DEFAULT;

/// Opens the list on the theme in force.
pub(super) fn open(app: &mut App) {
    let now = app.theme.as_deref().unwrap_or(DEFAULT);
    let index = app.settings.themes.names().iter().position(|name| *name == now).unwrap_or(0);
    app.popup = Some(Popup::Themes { index });
}

/// Moves in the list.
pub(super) fn step(app: &mut App, step: Step) {
    let count = app.settings.themes.names().len();
    if let Some(Popup::Themes { index }) = &mut app.popup {
        *index = step.from(*index, count, 10);
    }
}

/// Keeps the one under the cursor until the end, and says how it stays for good. One that can't be read is not kept.
pub(super) fn keep(app: &mut App) {
    let Some(name) = app.theme().map(str::to_owned) else { return };
    if set(app, &name).is_ok() {
        app.popup = None;
    }
}

/// Puts a theme in force.
pub(super) fn set(app: &mut App, name: &str) -> Result<(), String> {
    app.settings.styles(Some(name))?;
    app.theme = Some(name.to_owned());
    app.say(Level::Info, format!("{name} until the end; theme = \"{name}\" under [ui] in the config keeps it"));
    Ok(())
}
