//! What stands beside the remediations: when it is asked for, where the cursor is, and the way to note that something is
//! armed again.

use std::sync::Arc;

use crossterm::event::KeyEvent;
use jiff::SignedDuration;

use super::moving::Step;
use super::{keys, remediations};
use crate::cockpit::app::{App, Level, Popup};
use crate::cockpit::command::CommandId;
use crate::cockpit::keymap::Key;
use crate::cockpit::msg::{Ask, Effect, Target};
use crate::cockpit::records::{Held, RearmForm, Tab};
use crate::cockpit::remote::Remote;
use crate::cockpit::screens;
use crate::cockpit::settings::ScreenName;
use crate::cockpit::update::reason::{Pressed, ReasonForm};
use crate::domain::automation::AutomationStatus;
use crate::domain::ids::InstanceId;
use crate::domain::in_force::InForce;
use crate::domain::outside::Outside;
use crate::ops::OpsError;
use crate::query::Filter;

/// How often it is asked what is in force: the header tells of it.
const IN_FORCE_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// How often it is asked what others did, where that is shown: every source is asked.
const OUTSIDE_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// So many acts of others are asked for.
pub(super) const OUTSIDE_MOST: usize = 500;

fn shown(app: &App) -> bool {
    app.screen() == ScreenName::Remediations
}

fn ask_in_force(app: &mut App) -> Option<Effect> {
    if app.busy(Target::InForce) {
        return None;
    }
    app.records.in_force_asked = Some(app.now);
    app.records.in_force.asked(app.now);
    Some(app.ask(Ask::InForce))
}

fn ask_automations(app: &mut App) -> Option<Effect> {
    if app.busy(Target::Automations) {
        return None;
    }
    app.records.automations.asked(app.now);
    Some(app.ask(Ask::Automations))
}

/// Asks what others did, unless that was asked a moment ago.
fn ask_outside(app: &mut App) -> Option<Effect> {
    let now = app.now;
    let lately = app.records.outside_asked.is_some_and(|at| now.duration_since(at) < OUTSIDE_EVERY);
    if lately || app.busy(Target::Outside) {
        return None;
    }
    app.records.outside_asked = Some(now);
    app.records.outside.asked(now);
    Some(app.ask(Ask::Outside(OUTSIDE_MOST)))
}

/// What to ask first: the header tells of what is in force.
pub(super) fn begin(app: &mut App) -> Option<Effect> {
    ask_in_force(app)
}

/// What to ask when the screen comes to the front. `anew`: somebody wants to know it now.
pub(super) fn entered(app: &mut App, anew: bool) -> Vec<Effect> {
    if !shown(app) {
        return Vec::new();
    }
    if anew {
        app.records.outside_asked = None;
    }
    let mut effects: Vec<Effect> = ask_in_force(app).into_iter().collect();
    effects.extend(ask_automations(app));
    effects.extend(ask_outside(app));
    effects
}

/// Something has changed.
pub(super) fn changed(app: &mut App) -> Vec<Effect> {
    if !shown(app) {
        return Vec::new();
    }
    ask_in_force(app).into_iter().chain(ask_automations(app)).collect()
}

/// Time has passed.
pub(super) fn tick(app: &mut App) -> Vec<Effect> {
    if app.paused.is_some() {
        return Vec::new();
    }
    let now = app.now;
    let due = app.records.in_force_asked.is_none_or(|at| now.duration_since(at) >= IN_FORCE_EVERY);
    let mut effects: Vec<Effect> = due.then(|| ask_in_force(app)).flatten().into_iter().collect();
    if shown(app) {
        effects.extend(ask_outside(app));
    }
    effects
}

/// What to ask when an instance is opened: its timeline tells what others did to it.
pub(super) fn of_instance(app: &mut App) -> Option<Effect> {
    ask_outside(app)
}

pub(super) fn outside_came(app: &mut App, answer: Result<Outside, OpsError>) -> Vec<Effect> {
    app.records.outside.answered(answer.map(Arc::new), app.now);
    settle(app);
    // What was done to the open instance is told with it from now on.
    if app.screen() == ScreenName::Detail { super::ask_detail(app).into_iter().collect() } else { Vec::new() }
}

pub(super) fn in_force_came(app: &mut App, answer: Result<InForce, OpsError>) {
    app.records.in_force.answered(answer.map(Arc::new), app.now);
    settle(app);
}

pub(super) fn automations_came(app: &mut App, answer: Result<Vec<AutomationStatus>, OpsError>) {
    app.records.automations.answered(answer.map(Arc::new), app.now);
    settle(app);
}

fn settle(app: &mut App) {
    app.records.index = app.records.index.min(app.records.lines(app.now).saturating_sub(1));
}

/// Goes to a part of the screen.
pub(super) fn show(app: &mut App, tab: Tab) -> Vec<Effect> {
    if app.records.tab != tab {
        app.records.tab = tab;
        app.records.index = 0;
    }
    keys::go(app, remediations::stack(), None)
}

/// Tab: to the next part.
pub(super) fn next(app: &mut App) -> Vec<Effect> {
    let tab = app.records.tab.next();
    app.records.tab = tab;
    app.records.index = 0;
    Vec::new()
}

/// Moves the cursor.
pub(super) fn step(app: &mut App, step: Step) {
    let page = usize::from(screens::records::areas(app).list.height).max(1);
    app.records.index = step.from(app.records.index, app.records.lines(app.now), page);
}

/// Puts the cursor on a line.
pub(super) fn select(app: &mut App, index: usize) {
    app.records.index = index;
    settle(app);
}

/// Opens what is under the cursor: the instance that somebody acted on, what an automation matches, or the way to note
/// that something is armed again.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let index = app.records.index;
    match app.records.tab {
        Tab::Remediations => Vec::new(),
        Tab::Outside => {
            let act = app.records.outside.value().and_then(|outside| outside.acts.get(index)).cloned();
            match act {
                Some(act) if act.verb.is_some() => {
                    instance(app, InstanceId { source: act.source, instance: act.subject })
                }
                Some(_) => said(app, "this is no instance: there is nothing to open"),
                None => said(app, "there is nothing to open here"),
            }
        }
        Tab::InForce => rearm(app),
        Tab::Automations => {
            let when = app
                .records
                .automations
                .value()
                .and_then(|all| all.get(index))
                .map(|status| status.automation.when.clone());
            match when.map(|text| Filter::parse(&text).map(|filter| (text, filter))) {
                Some(Ok((text, filter))) => {
                    keys::go_filtered(app, vec![ScreenName::Board, ScreenName::Flows], text, filter)
                }
                _ => said(app, "there is nothing to open here"),
            }
        }
    }
}

fn said(app: &mut App, text: &str) -> Vec<Effect> {
    app.say(Level::Info, text);
    Vec::new()
}

fn instance(app: &mut App, id: InstanceId) -> Vec<Effect> {
    if app.detail.id.as_ref() != Some(&id) {
        app.detail.answer = Remote::Never;
    }
    app.detail.seed = None;
    app.detail.id = Some(id);
    app.detail.scroll = 0;
    let mut stack = app.stack.clone();
    stack.push(ScreenName::Detail);
    keys::go(app, stack, None)
}

/// Asks for the reason before what is under the cursor is noted as armed again.
pub(super) fn rearm(app: &mut App) -> Vec<Effect> {
    if app.records.tab != Tab::InForce {
        let key = app.keymap.label(CommandId::Remediations);
        return said(app, &format!("nothing is acted on here; {key} shows the remediations"));
    }
    match app.records.held(app.now).get(app.records.index) {
        Some(Held::Off(effect)) => {
            let effect = (*effect).clone();
            app.popup = Some(Popup::Rearm(Box::new(RearmForm { effect, reason: ReasonForm::default() })));
            Vec::new()
        }
        Some(Held::Borrowed(_)) => said(app, "this ends by itself"),
        None => said(app, "nothing is switched off"),
    }
}

/// A key while the reason is asked for.
pub(super) fn key(app: &mut App, event: &KeyEvent, key: Key) -> Vec<Effect> {
    let Some(Popup::Rearm(form)) = &mut app.popup else { return Vec::new() };
    match form.reason.key(event, key) {
        Pressed::Close => app.popup = None,
        Pressed::Send => {
            let (id, reason) = (form.effect.id.clone(), form.reason.text().to_owned());
            let ticket = app.ticket(Target::Rearm);
            return vec![Effect::Rearm { ticket, id, reason }];
        }
        Pressed::Up | Pressed::Down | Pressed::Taken => {}
    }
    Vec::new()
}

/// It was noted, or not.
pub(super) fn rearmed(app: &mut App, answer: Result<(), OpsError>) -> Vec<Effect> {
    match answer {
        Ok(()) => {
            if matches!(app.popup, Some(Popup::Rearm(_))) {
                app.popup = None;
            }
            app.say(Level::Info, "noted as armed again");
            ask_in_force(app).into_iter().collect()
        }
        Err(error) => {
            match &mut app.popup {
                Some(Popup::Rearm(form)) => form.reason.refused(&error),
                _ => app.say(Level::Warning, error.to_string()),
            }
            Vec::new()
        }
    }
}
