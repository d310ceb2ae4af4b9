//! How long steps take: when it is asked for, and where the cursor is.

use std::sync::Arc;

use jiff::SignedDuration;

use super::keys;
use super::moving::{self, Step};
use crate::cockpit::app::{App, Level, Pane};
use crate::cockpit::command::CommandId;
use crate::cockpit::msg::{Ask, Effect, Target};
use crate::cockpit::remote::Remote;
use crate::cockpit::screens;
use crate::cockpit::settings::ScreenName;
use crate::domain::latency::Measure;
use crate::domain::text::SafeText;
use crate::ops::{Latency, LatencyQuery, OpsError};

/// How often it is asked for while it is shown.
const EVERY: SignedDuration = SignedDuration::from_secs(10);

/// Opens it for the flow under the cursor, or for all where there is none; where it is open, goes from one to all and back.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    if app.screen() == ScreenName::Latency {
        let latency = &mut app.latency;
        let to = if latency.flow.is_some() { None } else { latency.flow_before.take() };
        if to.is_none() && latency.flow.is_none() {
            app.say(Level::Info, "these are all flows; on the board or in a list it shows the flow under the cursor");
            return Vec::new();
        }
        latency.flow_before = latency.flow.take();
        return show(app, to);
    }
    let flow = match app.screen() {
        ScreenName::Board if app.board.pane == Pane::Strip => screens::board::strip_at(app).map(|(_, flow)| flow),
        ScreenName::Board => {
            let cohort = app.board.shown.get(app.board.index).filter(|_| !app.board.gone);
            cohort.map(|cohort| cohort.flow.clone())
        }
        ScreenName::Flows => app.flows.row.as_ref().map(|row| row.flow.flow.clone()),
        ScreenName::Detail => {
            let answer = app.detail.answer.value().map(|answer| answer.detail.flow.flow.clone());
            answer.or_else(|| app.detail.seed.as_ref().map(|row| row.flow.flow.clone()))
        }
        _ => None,
    };
    app.latency.flow_before = None;
    show(app, flow)
}

/// Opens it for the flows that a pattern matches.
pub(super) fn of(app: &mut App, flow: &str) -> Vec<Effect> {
    app.latency.flow_before = None;
    show(app, Some(flow.into()))
}

fn show(app: &mut App, flow: Option<SafeText>) -> Vec<Effect> {
    if app.latency.flow != flow {
        app.latency.flow = flow;
        app.latency.answer = Remote::Never;
        app.latency.select(0);
    }
    // An answer about other flows is not waited for.
    app.forget(Target::Latency);
    let mut stack = app.stack.clone();
    if stack.last() != Some(&ScreenName::Latency) {
        stack.push(ScreenName::Latency);
    }
    keys::go(app, stack, None)
}

/// Asks for it, unless that is asked already.
pub(super) fn ask(app: &mut App) -> Option<Effect> {
    if app.busy(Target::Latency) {
        return None;
    }
    app.latency.asked_at = Some(app.now);
    app.latency.answer.asked(app.now);
    let query = LatencyQuery { flow: app.latency.flow.clone() };
    Some(app.ask(Ask::Latency(query)))
}

/// Time has passed.
pub(super) fn tick(app: &mut App) -> Option<Effect> {
    let due = app.latency.asked_at.is_none_or(|at| app.now.duration_since(at) >= EVERY);
    if app.screen() == ScreenName::Latency && due && app.paused.is_none() { ask(app) } else { None }
}

/// It came.
pub(super) fn came(app: &mut App, answer: Result<Latency, OpsError>) {
    app.latency.answer.answered(answer.map(Arc::new), app.now);
    let at = app.latency.at();
    app.latency.select(at);
}

/// Moves the cursor to another step.
pub(super) fn step(app: &mut App, step: Step) {
    let page = screens::latency::page(app);
    let to = step.from(app.latency.at(), app.latency.count(), page);
    app.latency.select(to);
}

/// The slot after the one under the cursor.
pub(super) fn later(app: &mut App) -> Vec<Effect> {
    let to = app.latency.slot_at() + 1;
    app.latency.go_to(to);
    Vec::new()
}

/// The slot before the one under the cursor.
pub(super) fn earlier(app: &mut App) -> Vec<Effect> {
    let at = app.latency.slot_at();
    if at == 0 {
        let back = app.keymap.label(CommandId::Back);
        app.say(Level::Info, format!("this is the first slot that is told; {back} goes back"));
    } else {
        app.latency.go_to(at - 1);
    }
    Vec::new()
}

/// Shows the other time of the steps.
pub(super) fn turn(app: &mut App) {
    let at = app.latency.at();
    app.latency.measure = match app.latency.measure {
        Measure::Run => Measure::Queue,
        Measure::Queue => Measure::Run,
    };
    if app.latency.at() != at {
        let to = app.latency.at();
        app.latency.select(to);
    }
}

/// Goes to the instances that are in the step under the cursor.
pub(super) fn follow(app: &mut App) -> Vec<Effect> {
    let Some(row) = app.latency.current() else {
        app.say(Level::Info, "there is no step here");
        return Vec::new();
    };
    let [source, flow, step] = [&row.source, &row.flow, &row.step].map(|name| keys::quoted(name));
    let filter = format!("source:{source} flow:{flow} step:{step}");
    moving::upright(app);
    let mut stack = app.stack.clone();
    stack.push(ScreenName::Flows);
    keys::go(app, stack, Some(filter))
}
