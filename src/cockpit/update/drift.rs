//! What has drifted: when it is asked for, where the cursor is, and a finding that is opened or checked anew.

use std::sync::Arc;

use jiff::SignedDuration;

use super::keys;
use super::moving::Step;
use crate::cockpit::app::{App, Level, Prompt, PromptKind};
use crate::cockpit::msg::{Ask, Effect, Target};
use crate::cockpit::screens;
use crate::cockpit::settings::ScreenName;
use crate::domain::drift::KnownDrift;
use crate::domain::ids::InstanceId;
use crate::ops::{DriftWindow, OpsError};
use crate::query::DriftFilter;

/// How often it is asked for while it is shown, besides whenever something changes: a check grows old by time alone.
const EVERY: SignedDuration = SignedDuration::from_secs(15);

fn shown(app: &App) -> bool {
    matches!(app.screen(), ScreenName::Drift | ScreenName::Finding)
}

/// Asks what has drifted, unless that is asked already.
pub(super) fn ask(app: &mut App) -> Option<Effect> {
    if app.busy(Target::Drift) {
        return None;
    }
    app.drift.asked_at = Some(app.now);
    app.drift.window.asked(app.now);
    let query = app.drift.query();
    Some(app.ask(Ask::Drift(query)))
}

/// Something has changed.
pub(super) fn changed(app: &mut App) -> Option<Effect> {
    if shown(app) { ask(app) } else { None }
}

/// Time has passed.
pub(super) fn tick(app: &mut App) -> Option<Effect> {
    let due = app.drift.asked_at.is_none_or(|at| app.now.duration_since(at) >= EVERY);
    if due && app.paused.is_none() && shown(app) { ask(app) } else { None }
}

/// What has drifted came.
pub(super) fn came(app: &mut App, answer: Result<DriftWindow, OpsError>) -> Vec<Effect> {
    app.drift.window.answered(answer.map(Arc::new), app.now);
    let elsewhere = app.drift.settle();
    // What is open is as it was told last, for as long as it is told.
    let open = app.drift.open.as_ref().map(|known| known.finding.id.clone());
    if let Some(id) = open
        && let Some(row) = app.drift.rows().iter().find(|row| row.first.finding.id == id)
    {
        app.drift.open = Some(row.first.clone());
        app.drift.work_out();
    }
    // What matches may have become less than where the cursor was.
    if elsewhere { ask(app).into_iter().collect() } else { Vec::new() }
}

/// Puts the cursor on a row.
pub(super) fn select(app: &mut App, index: usize) -> Vec<Effect> {
    if app.drift.select(index) {
        app.forget(Target::Drift);
        return ask(app).into_iter().collect();
    }
    Vec::new()
}

/// A line to type a filter.
pub(super) fn open_filter(app: &mut App) -> Vec<Effect> {
    let before = app.drift.text.clone();
    app.prompt = Some(Prompt::new(PromptKind::Drift { before: before.clone() }, before));
    Vec::new()
}

/// What was typed has changed. One that can't be read leaves the last one in force.
pub(super) fn typed(app: &mut App, text: &str) -> Vec<Effect> {
    match DriftFilter::parse(text) {
        Ok(filter) => {
            if app.drift.take_filter(text, filter) {
                app.forget(Target::Drift);
            }
            ask(app).into_iter().collect()
        }
        Err(error) => {
            app.drift.error = Some(error);
            Vec::new()
        }
    }
}

/// Shows lines that are alike, too, or folds long runs of them.
pub(super) fn fold(app: &mut App) -> Vec<Effect> {
    app.drift.unfolded = !app.drift.unfolded;
    app.drift.work_out();
    Vec::new()
}

/// Moves the cursor, or scrolls what is open.
pub(super) fn step(app: &mut App, step: Step) -> Vec<Effect> {
    if app.screen() == ScreenName::Finding {
        let (total, page) = screens::drift::extent(app);
        let most = total.saturating_sub(page);
        app.drift.scroll = step.from(app.drift.scroll.min(most), most + 1, page);
        return Vec::new();
    }
    let page = usize::from(screens::drift::areas(app).list.height).max(1);
    let to = step.from(app.drift.index, app.drift.total(), page);
    select(app, to)
}

/// Opens the finding under the cursor.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let Some(known) = app.drift.row().map(|row| row.first.clone()) else {
        app.say(Level::Info, "there is nothing to open here");
        return Vec::new();
    };
    show(app, known)
}

fn show(app: &mut App, known: KnownDrift) -> Vec<Effect> {
    app.drift.open = Some(known);
    app.drift.scroll = 0;
    app.drift.work_out();
    let mut stack = app.stack.clone();
    stack.push(ScreenName::Finding);
    keys::go(app, stack, None)
}

/// Opens a finding, as far as it is held here.
pub(super) fn open_one(app: &mut App, id: &InstanceId) -> Vec<Effect> {
    let of_card =
        app.tenants.card.value().and_then(|card| card.drift.iter().find(|known| known.finding.id == *id).cloned());
    let held = || app.drift.rows().iter().map(|row| &row.first).find(|known| known.finding.id == *id).cloned();
    let Some(known) = of_card.or_else(held) else {
        app.say(Level::Info, "it is not told any more");
        return Vec::new();
    };
    show(app, known)
}

/// One row for each cause, or for each finding.
pub(super) fn turn(app: &mut App) -> Vec<Effect> {
    app.drift.by_cause = !app.drift.by_cause;
    app.drift.index = 0;
    app.forget(Target::Drift);
    ask(app).into_iter().collect()
}

/// Checks the finding under the cursor anew, or the one that is open.
pub(super) fn recheck(app: &mut App) -> Option<Effect> {
    let open = app.screen() == ScreenName::Finding;
    let id = app.drift.looked_at(open)?.finding.id.clone();
    Some(app.ask(Ask::Recheck(id)))
}

/// It was checked anew.
pub(super) fn rechecked(app: &mut App, answer: Result<KnownDrift, OpsError>) -> Option<Effect> {
    match answer {
        Ok(known) => {
            app.say(Level::Info, format!("checked: {}", known.status(app.now).words()));
            if app.drift.open.as_ref().is_some_and(|open| open.finding.id == known.finding.id) {
                app.drift.open = Some(known);
                app.drift.work_out();
            }
        }
        Err(error) => app.say(Level::Warning, format!("it could not be checked: {error}")),
    }
    changed(app)
}
