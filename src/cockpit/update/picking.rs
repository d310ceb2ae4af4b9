//! The choice of a deployment on which instances are to go on. It ends in a plan, which is reviewed like any other.

use super::{deeds, lists, many};
use crate::cockpit::app::{App, Level, Popup};
use crate::cockpit::keymap::Key;
use crate::cockpit::many::{Picker, Whom, WidePopup};
use crate::cockpit::msg::{Ask, Effect, Target};
use crate::cockpit::remote::Remote;
use crate::domain::deployment::Deployments;
use crate::ops::OpsError;

/// Opens it, and asks what there is to choose from.
pub(super) fn open(app: &mut App, whom: Whom) -> Vec<Effect> {
    let of = whom.selection.clone();
    let picker = Picker { whom, answer: Remote::Loading(app.now), index: 0, put_back: false };
    app.popup = Some(Popup::Wide(Box::new(WidePopup::Deployments(Box::new(picker)))));
    vec![app.ask(Ask::Deployments(of))]
}

/// What there is to choose from came, or did not. The cursor goes to the newest one before the current one.
pub(super) fn came(app: &mut App, answer: Result<Deployments, OpsError>) {
    let now = app.now;
    let Some(WidePopup::Deployments(picker)) = deeds::wide(app) else { return };
    let first = |all: &Deployments| all.all.iter().position(|deployment| !deployment.current);
    picker.index = answer.as_ref().ok().and_then(first).unwrap_or(0);
    picker.answer.answered(answer, now);
}

/// A key while it is open.
pub(super) fn key(app: &mut App, key: Key) -> Vec<Effect> {
    if lists::leaves(app, key) {
        app.popup = None;
        app.forget(Target::Deployments);
        return Vec::new();
    }
    if lists::is(key, &["enter"]) {
        return choose(app);
    }
    if lists::is(key, &["space"]) {
        turn(app);
    } else if let Some(step) = lists::step(app, key)
        && let Some(WidePopup::Deployments(picker)) = deeds::wide(app)
    {
        let count = picker.answer.value().map_or(0, |answer| answer.all.len());
        picker.index = step.from(picker.index, count, 5);
    }
    Vec::new()
}

/// Whether the service is put back in the end, turned round.
fn turn(app: &mut App) {
    let Some(WidePopup::Deployments(picker)) = deeds::wide(app) else { return };
    match picker.from() {
        _ if picker.put_back => picker.put_back = false,
        Ok(_) => picker.put_back = true,
        Err(why) => app.say(Level::Info, why),
    }
}

/// Enter on a deployment: asks for the plan. Changes nothing.
pub(super) fn choose(app: &mut App) -> Vec<Effect> {
    let Some(WidePopup::Deployments(picker)) = deeds::wide(app) else { return Vec::new() };
    if picker.put_back
        && let Err(why) = picker.from()
    {
        app.say(Level::Warning, format!("{why}; space leaves the service as it is"));
        return Vec::new();
    }
    let Some(wish) = picker.wish() else { return Vec::new() };
    let whom = picker.whom.clone();
    many::plan(app, wish, whom, String::new())
}
