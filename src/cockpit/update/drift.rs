//! What has drifted: when it is asked for, where the cursor is, and a finding that is opened or checked anew.

use std::sync::Arc;

use jiff::SignedDuration;

use super::keys;
use super::moving::Step;
use crate::cockpit::app::{App, Level};
use crate::cockpit::msg::{Ask, Effect, Target};
use crate::cockpit::screens;
use crate::cockpit::settings::ScreenName;
use crate::domain::drift::KnownDrift;
use crate::domain::ids::InstanceId;
use crate::ops::{DriftWindow, OpsError};

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
pub(super) fn came(app: &mut App, answer: Result<DriftWindow, OpsError>) {
    app.drift.window.answered(answer.map(Arc::new), app.now);
    app.drift.settle();
    // What is open is as it was told last, for as long as it is told.
    let open = app.drift.open.as_ref().map(|known| known.finding.id.clone());
    if let Some(id) = open
        && let Some(row) = app.drift.rows().iter().find(|row| row.first.finding.id == id)
    {
        app.drift.open = Some(row.first.clone());
        app.drift.work_out();
    }
}

/// Moves the cursor, or scrolls what is open.
pub(super) fn step(app: &mut App, step: Step) {
    if app.screen() == ScreenName::Finding {
        let (total, page) = screens::drift::extent(app);
        let most = total.saturating_sub(page);
        app.drift.scroll = step.from(app.drift.scroll.min(most), most + 1, page);
        return;
    }
    let page = usize::from(screens::drift::areas(app).list.height).max(1);
    let to = step.from(app.drift.index, app.drift.rows().len(), page);
    app.drift.select(to);
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
