//! Runbooks in the menu of what may be done, and the form of their parameters. What comes of it is a plan at most.

use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::backend::crossterm::EventHandler as _;

use super::{deeds, lists, many};
use crate::cockpit::app::{App, Level, Popup};
use crate::cockpit::keymap::Key;
use crate::cockpit::many::{ParametersForm, ParametersPart, Whom, WidePopup, runbook_wish};
use crate::cockpit::msg::Effect;
use crate::domain::runbook::{Given, Runbook, RunbookOffer};
use crate::ops::OpsError;

/// The longest text that a field takes, in characters.
const MAX: usize = 1_000;

/// Which runbooks there are, or why nobody knows.
pub(super) fn came(app: &mut App, answer: Result<Vec<RunbookOffer>, OpsError>) {
    let now = app.now;
    if let Some(WidePopup::Offers(menu)) = deeds::wide(app) {
        menu.runbooks.answered(answer, now);
    }
}

/// A runbook was chosen: its parameters are asked for, where it takes any.
pub(super) fn choose(app: &mut App, whom: Whom, runbook: std::sync::Arc<Runbook>) -> Vec<Effect> {
    if runbook.schema.fields().is_empty() {
        let wish = runbook_wish(&whom, &runbook, Given::new());
        return many::plan(app, wish, whom, String::new());
    }
    app.popup = Some(Popup::Wide(Box::new(WidePopup::Parameters(Box::new(ParametersForm::new(whom, runbook))))));
    Vec::new()
}

/// A key while parameters are filled in.
pub(super) fn key(app: &mut App, event: &KeyEvent, key: Key) -> Vec<Effect> {
    let is = |names: &[&str]| lists::is(key, names);
    let Some(WidePopup::Parameters(form)) = deeds::wide(app) else { return Vec::new() };
    if is(&["esc", "ctrl-c"]) {
        app.popup = None;
        return Vec::new();
    }
    let parts = form.parts();
    if is(&["tab", "down"]) || is(&["right"]) && form.focus == ParametersPart::Cancel {
        form.focus = many::beside(&parts, form.focus, 1);
    } else if is(&["backtab", "up"]) || is(&["left"]) && form.focus == ParametersPart::Plan {
        form.focus = many::beside(&parts, form.focus, parts.len() - 1);
    } else if is(&["enter"]) {
        match form.focus {
            ParametersPart::Field(_) => form.focus = many::beside(&parts, form.focus, 1),
            ParametersPart::Cancel => app.popup = None,
            ParametersPart::Plan => return plan(app),
        }
    } else if let Some(field) = form.field()
        && (field.value().chars().count() < MAX || !matches!(event.code, KeyCode::Char(_)))
    {
        field.handle_event(&Event::Key(*event));
    }
    Vec::new()
}

fn plan(app: &mut App) -> Vec<Effect> {
    let Some(WidePopup::Parameters(form)) = deeds::wide(app) else { return Vec::new() };
    if let Some(why) = form.obstacle() {
        app.say(Level::Warning, why);
        return Vec::new();
    }
    let (wish, whom) = (form.wish(), form.whom.clone());
    many::plan(app, wish, whom, String::new())
}
