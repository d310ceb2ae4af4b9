//! The engine's own page of an instance: shown whole before it is opened, since its place comes from a config and its
//! last part from an engine.

use crossterm::event::KeyEvent;

use super::{copying, lists};
use crate::cockpit::app::{App, Level, Popup};
use crate::cockpit::clipboard::Clip;
use crate::cockpit::keymap::Key;
use crate::cockpit::msg::Effect;
use crate::domain::ids::InstanceId;
use crate::domain::text::SafeText;

/// Asks where it is.
pub(super) fn ask(app: &mut App) -> Vec<Effect> {
    match app.subject() {
        Ok(id) => vec![copying::ask(app, crate::cockpit::app::WaysFor::Open, id)],
        Err(why) => {
            app.say(Level::Info, why);
            Vec::new()
        }
    }
}

/// Shows it, with what can be done.
pub(super) fn show(app: &mut App, id: InstanceId, url: SafeText) {
    if app.popup.is_none() {
        let button = usize::from(app.settings.opener.is_err());
        app.popup = Some(Popup::Page { id, url, button });
    }
}

/// A key while it is shown.
pub(super) fn key(app: &mut App, event: &KeyEvent) -> Vec<Effect> {
    let key = Key::of(event);
    let is = |name: &str| Key::parse(name) == Some(key);
    // To the left is another button here, and no way back.
    let leaves = lists::leaves(app, key) && !is("left") && !is("h");
    let Some(Popup::Page { url, button, .. }) = &mut app.popup else { return Vec::new() };
    if leaves {
        app.popup = None;
        return Vec::new();
    }
    if is("left") || is("h") || is("backtab") {
        *button = button.saturating_sub(1);
    } else if is("right") || is("l") || is("tab") {
        *button = (*button + 1).min(2);
    } else if is("y") || is("enter") && *button == 1 {
        let clip = Clip::word(url);
        app.popup = None;
        return copying::send(app, clip);
    } else if is("enter") && *button == 0 {
        if let Err(why) = &app.settings.opener {
            let why = why.clone();
            app.say(Level::Warning, why);
            return Vec::new();
        }
        let url = url.clone();
        app.popup = None;
        app.say(Level::Info, "asked the browser to open it");
        return vec![Effect::Open(url)];
    } else if is("enter") {
        app.popup = None;
    }
    Vec::new()
}
