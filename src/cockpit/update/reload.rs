//! The config read again while the cockpit is open: what can be taken at once is, what needs another hub waits until
//! nothing is under way, and what is broken is told while the last good values stay in force.

use crate::cockpit::app::{App, Level, Popup};
use crate::cockpit::glyphs::Glyphs;
use crate::cockpit::msg::Effect;
use crate::cockpit::session::Reread;
use crate::cockpit::settings::Settings;
use crate::cockpit::times::Times;
use crate::domain::text::SafeText;

/// What is known of the config since it was read first.
#[derive(Debug, Clone)]
pub struct ConfigState {
    /// Whether somebody asked for it to be read: then it is said, too, that nothing has changed.
    pub asked: bool,
    /// What is wrong with it, until it is mended.
    pub problem: Option<SafeText>,
    /// Whether what it says waits until nothing is under way.
    pub waits: bool,
    /// What it says of the mouse; the operator may have said otherwise since.
    pub mouse: bool,
}

impl ConfigState {
    /// Nothing but what it said at the start.
    pub fn new(settings: &Settings) -> Self {
        Self { asked: false, problem: settings.unread.clone(), waits: false, mouse: settings.mouse }
    }
}

/// Reads it because somebody asks.
pub(super) fn ask(app: &mut App) -> Vec<Effect> {
    app.config.asked = true;
    vec![Effect::Reload]
}

/// What has to end before the context is opened anew, in words. With it would go what watches an act, and what is being
/// typed.
pub(crate) fn obstacle(app: &App) -> Option<&'static str> {
    if !app.running().is_empty() {
        return Some("the act has ended");
    }
    match &app.popup {
        Some(Popup::Review(_) | Popup::Planning { .. }) => Some("the review is closed"),
        Some(Popup::Arm(_) | Popup::Rearm(_) | Popup::Decide(_) | Popup::Claim(_)) => {
            Some("what is being filled in is closed")
        }
        Some(Popup::Contexts(list)) if list.opening.is_some() => Some("the other context is open"),
        _ => app.prompt.is_some().then_some("what is being typed is done"),
    }
}

/// Reads it again once nothing is in its way any more.
pub(super) fn due(app: &mut App) -> Option<Effect> {
    let due = app.config.waits && obstacle(app).is_none();
    app.config.waits &= !due;
    due.then_some(Effect::Reload)
}

/// It was read.
pub(super) fn reread(app: &mut App, said: Result<Reread, SafeText>) -> Vec<Effect> {
    let asked = std::mem::take(&mut app.config.asked);
    let said = match said {
        Ok(said) => said,
        Err(problem) => {
            app.config.waits = false;
            // The footer keeps it; whatever else is said there goes.
            app.message = None;
            app.config.problem = Some(problem);
            return Vec::new();
        }
    };
    let mended = app.config.problem.take().is_some();
    match said {
        Reread::Same => {
            app.config.waits = false;
            if mended {
                app.say(Level::Info, "the config is right again, and says what it said before");
            } else if asked {
                app.say(Level::Info, "the config says what it said before");
            }
            Vec::new()
        }
        Reread::Looks(settings) => {
            app.config.waits = false;
            let effects = dress(app, &settings);
            match &settings.warning {
                Some(warning) => app.say(Level::Warning, warning.clone()),
                None => app.say(Level::Info, "the config was read: what it says now is in force"),
            }
            effects
        }
        Reread::Hub => match obstacle(app) {
            Some(until) => {
                wait(app, until);
                Vec::new()
            }
            None => vec![Effect::Reopen],
        },
    }
}

/// Lets it wait.
pub(crate) fn wait(app: &mut App, until: &str) {
    app.config.waits = true;
    app.say(Level::Info, format!("the new config waits until {until}"));
}

/// Takes over how it is to look. What the operator chose while it ran stays where the config says what it said before.
pub(crate) fn dress(app: &mut App, newer: &Settings) -> Vec<Effect> {
    let mut effects = vec![Effect::Restyle, Effect::Repaint];
    if newer.theme != app.settings.theme {
        app.theme.clone_from(&newer.theme);
    }
    if newer.times != app.settings.times {
        app.times = Times::new(newer.times, app.settings.zone.clone());
    }
    if newer.mouse != app.config.mouse {
        app.config.mouse = newer.mouse;
        app.settings.mouse = newer.mouse;
        effects.push(Effect::Mouse(newer.mouse));
    }
    if newer.keymap != app.keymap {
        app.keymap = newer.keymap.clone();
        app.pressed.clear();
    }
    app.glyphs = Glyphs::of(newer.ascii);
    let newer = newer.clone();
    app.settings = Settings {
        contexts: newer.contexts,
        colours: newer.colours,
        ascii: newer.ascii,
        theme: newer.theme,
        themes: newer.themes,
        accent: newer.accent,
        keymap: newer.keymap,
        times: newer.times,
        views: newer.views,
        frame_every: newer.frame_every,
        stamp: newer.stamp,
        ..app.settings.clone()
    };
    effects
}

/// Takes over to the context opened anew what the operator did in the old one: the screen, the filter, and what was
/// typed and saved.
pub(crate) fn carry(older: &App, settings: &mut Settings) {
    settings.start = match older.screen() {
        screen if screen.below_flows() => crate::cockpit::settings::ScreenName::Flows,
        screen => screen,
    };
    settings.filter = Some(older.flows.text.clone());
}
