//! What has happened: when it is asked for, where the cursor is, and where one goes on to from an event.

use std::sync::Arc;

use jiff::SignedDuration;

use super::moving::Step;
use super::{keys, tenants};
use crate::cockpit::app::{App, Level, Prompt, PromptKind};
use crate::cockpit::events::{Related, related};
use crate::cockpit::msg::{Ask, Effect, Target};
use crate::cockpit::screens;
use crate::cockpit::settings::ScreenName;
use crate::ops::{EventRow, EventWindow, OpsError};
use crate::query::{EventFilter, Filter};

/// How often it is asked for while it is shown, besides whenever something changes.
const EVERY: SignedDuration = SignedDuration::from_secs(5);

/// Asks for the stream, unless that is asked already.
pub(super) fn ask(app: &mut App) -> Option<Effect> {
    if app.busy(Target::Events) {
        return None;
    }
    app.events.asked_at = Some(app.now);
    app.events.window.asked(app.now);
    let query = app.events.query();
    Some(app.ask(Ask::Events(query)))
}

/// Something has changed, or the screen comes to the front.
pub(super) fn changed(app: &mut App) -> Option<Effect> {
    if app.screen() == ScreenName::Events { ask(app) } else { None }
}

/// Time has passed.
pub(super) fn tick(app: &mut App) -> Option<Effect> {
    let due = app.events.asked_at.is_none_or(|at| app.now.duration_since(at) >= EVERY);
    if due && app.paused.is_none() { changed(app) } else { None }
}

/// The stream came.
pub(super) fn came(app: &mut App, answer: Result<EventWindow, OpsError>) {
    app.events.window.answered(answer.map(Arc::new), app.now);
    app.events.settle();
}

/// Moves the cursor, or goes through what an event leads to.
pub(super) fn step(app: &mut App, step: Step) -> Vec<Effect> {
    if app.screen() == ScreenName::Event {
        let Some(open) = &app.events.open else { return Vec::new() };
        let count = related(open).len();
        match step {
            Step::Up | Step::Down => app.events.related = step.from(app.events.related, count, count),
            _ => {
                let (total, page) = screens::events::extent(app);
                let most = total.saturating_sub(page);
                app.events.scroll = step.from(app.events.scroll.min(most), most + 1, page);
            }
        }
        return Vec::new();
    }
    let page = usize::from(screens::events::areas(app).list.height).max(1);
    let to = step.from(app.events.index, app.events.total(), page);
    select(app, to)
}

/// Puts the cursor on a row.
pub(super) fn select(app: &mut App, index: usize) -> Vec<Effect> {
    if app.events.select(index) {
        app.forget(Target::Events);
        return ask(app).into_iter().collect();
    }
    Vec::new()
}

/// Opens the event under the cursor.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    match app.events.at(app.events.index).cloned() {
        Some(row) => show(app, row),
        None => {
            app.say(Level::Info, "there is nothing to open here");
            Vec::new()
        }
    }
}

fn show(app: &mut App, row: EventRow) -> Vec<Effect> {
    (app.events.related, app.events.scroll) = (0, 0);
    app.events.open = Some(row);
    let mut stack = app.stack.clone();
    if stack.last() != Some(&ScreenName::Event) {
        stack.push(ScreenName::Event);
    }
    keys::go(app, stack, None)
}

/// Opens an event by its number.
pub(super) fn open_one(app: &mut App, number: u64) -> Vec<Effect> {
    vec![app.ask(Ask::Event(number))]
}

/// It came, or is held no more.
pub(super) fn one_came(app: &mut App, answer: Result<EventRow, OpsError>) -> Vec<Effect> {
    match answer {
        Ok(row) => show(app, row),
        Err(error) => {
            app.say(Level::Warning, error.to_string());
            Vec::new()
        }
    }
}

/// Goes to what is under the cursor of the open event.
pub(super) fn follow(app: &mut App) -> Vec<Effect> {
    let Some(open) = app.events.open.clone() else { return Vec::new() };
    match related(&open).into_iter().nth(app.events.related) {
        None => Vec::new(),
        Some(Related::Tenant(name)) => tenants::named(app, &name),
        Some(Related::Flows(filter)) => keys::go(app, vec![ScreenName::Board, ScreenName::Flows], Some(filter)),
        Some(Related::Events(_, filter)) => filtered(app, &filter),
    }
}

/// Goes to the stream with a filter.
pub(super) fn filtered(app: &mut App, text: &str) -> Vec<Effect> {
    // A filter that is made here is one that can be read.
    if let Ok(filter) = EventFilter::parse(text) {
        set(app, text, filter);
    }
    keys::go(app, vec![ScreenName::Board, ScreenName::Events], None)
}

fn set(app: &mut App, text: &str, filter: EventFilter) {
    let events = &mut app.events;
    events.error = None;
    text.clone_into(&mut events.text);
    if filter != events.filter {
        events.filter = filter;
        (events.index, events.selected, events.until) = (0, None, None);
        app.forget(Target::Events);
    }
}

/// A line to type a filter.
pub(super) fn open_filter(app: &mut App) -> Vec<Effect> {
    let before = app.events.text.clone();
    app.prompt = Some(Prompt::new(PromptKind::Events { before: before.clone() }, before));
    Vec::new()
}

/// What was typed has changed. One that can't be read leaves the last one in force.
pub(super) fn typed(app: &mut App, text: &str) -> Vec<Effect> {
    match EventFilter::parse(text) {
        Ok(filter) => {
            set(app, text, filter);
            ask(app).into_iter().collect()
        }
        Err(error) => {
            app.events.error = Some(error);
            Vec::new()
        }
    }
}

/// The tenant of what is under the cursor, on whichever screen.
fn tenant_here(app: &App) -> Option<crate::domain::text::SafeText> {
    match app.screen() {
        ScreenName::Flows => app.flows.row.as_ref()?.flow.tenant.clone(),
        ScreenName::Detail => {
            let answer = app.detail.answer.value().map(|answer| &answer.detail.flow);
            answer.or_else(|| app.detail.seed.as_ref().map(|row| &row.flow))?.tenant.clone()
        }
        ScreenName::Drift => app.drift.row()?.first.finding.tenant.clone(),
        ScreenName::Finding => app.drift.open.as_ref()?.finding.tenant.clone(),
        ScreenName::Events => app.events.at(app.events.index)?.event.tenant.clone(),
        ScreenName::Event => app.events.open.as_ref()?.event.tenant.clone(),
        ScreenName::Tenants => app.tenants.current().map(|row| row.tenant.id.instance.clone()),
        ScreenName::Tenant => app.tenants.open.as_ref().map(|id| id.instance.clone()),
        _ => None,
    }
}

/// Where a command leads from what is under the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    Tenant,
    Flows,
    Events,
}

/// Goes to the tenant of what is under the cursor, to their flows, or to what happened to them.
pub(super) fn go_to(app: &mut App, to: To) -> Vec<Effect> {
    let Some(tenant) = tenant_here(app) else {
        app.say(Level::Info, "whose it is, is not known");
        return Vec::new();
    };
    let quoted = format!("tenant:\"{}\"", tenant.replace('"', ""));
    match to {
        To::Tenant => tenants::named(app, &tenant),
        To::Events => filtered(app, &quoted),
        To::Flows => match Filter::parse(&quoted) {
            Ok(filter) => keys::go_filtered(app, vec![ScreenName::Board, ScreenName::Flows], quoted, filter),
            Err(error) => {
                app.say(Level::Warning, error.to_string());
                Vec::new()
            }
        },
    }
}
