//! Marking on the list: one, a range, all that match; and what a new look says of what is marked.

use super::moving::{self, Step};
use crate::cockpit::app::{App, Level};
use crate::cockpit::command::CommandId;
use crate::cockpit::marks::{MOST, Marks, NotMarked};
use crate::cockpit::msg::{Ask, Effect, Target};
use crate::cockpit::settings::ScreenName;
use crate::cockpit::widgets::numbers::{engine_now, grouped};
use crate::domain::flow::JudgedFlow;
use crate::ops::{FlowWindow, FlowsQuery, OpsError, Page, Selected, Selection};

/// The present by the clock of an instance's source.
fn now_for(app: &App, row: &JudgedFlow) -> jiff::Timestamp {
    engine_now(app.overview.value().and_then(|overview| overview.source(&row.flow.id.source)), app.now)
}

/// Whether all that match are marked.
fn marks_all(app: &App) -> bool {
    app.flows.marks.as_ref().is_some_and(|marks| matches!(marks.selection, Selection::Matching { .. }))
}

/// Marks what is under the cursor, or takes its mark away, and goes to the next one.
pub(super) fn toggle(app: &mut App) -> Vec<Effect> {
    let Some(row) = app.flows.row.clone().filter(|_| !app.flows.gone) else {
        let why = match app.flows.head {
            Some(_) => format!("marks are on instances: {} opens the group", app.keymap.label(CommandId::Open)),
            None => "nothing is selected".to_owned(),
        };
        app.say(Level::Info, why);
        return Vec::new();
    };
    let now = now_for(app, &row);
    match &mut app.flows.marks {
        None => app.flows.marks = Some(Marks::one(row.flow.id.clone())),
        Some(marks) => {
            if let Err(why) = marks.toggle(&row, now) {
                let why = match why {
                    NotMarked::Full => too_many(app),
                    NotMarked::OtherFilter => {
                        let back = app.keymap.label(CommandId::Back);
                        format!("all that match another filter are marked; {back} clears that first")
                    }
                };
                app.say(Level::Warning, why);
                return Vec::new();
            }
        }
    }
    app.flows.marks = app.flows.marks.take().filter(|marks| !marks.is_empty());
    let mut effects = count(app);
    effects.extend(moving::step(app, Step::Down));
    effects
}

/// Why no more can be marked one by one.
fn too_many(app: &App) -> String {
    let all = app.keymap.label(CommandId::MarkAll);
    format!("no more than {} can be marked one by one; {all} marks all that match", grouped(MOST as u64))
}

/// Marks everything from the last mark to the cursor.
pub(super) fn range(app: &mut App) -> Vec<Effect> {
    let last = app.flows.marks.as_ref().and_then(|marks| marks.last.clone());
    let why = match (last, app.flows.selected.clone()) {
        _ if marks_all(app) => "all that match are marked already".to_owned(),
        (None, Some(_)) => return anchor(app),
        (_, None) if app.flows.outdated => "the list is not there yet".to_owned(),
        (_, None) => "a range ends on an instance".to_owned(),
        (Some(last), Some(here)) => {
            let flows = &app.flows;
            let query = FlowsQuery {
                filter: flows.filter.clone(),
                sort: flows.sort,
                reverse: flows.reverse,
                group: flows.group.clone(),
                page: Page::Between(last, here),
                limit: MOST + 1,
            };
            return vec![app.ask(Ask::Range(query))];
        }
    };
    app.say(Level::Info, why);
    Vec::new()
}

/// Marks what is under the cursor as the one end of a range, where nothing was marked to draw it from.
fn anchor(app: &mut App) -> Vec<Effect> {
    let Some(row) = app.flows.row.clone().filter(|_| !app.flows.gone) else {
        app.say(Level::Info, "a range begins on an instance");
        return Vec::new();
    };
    let id = row.flow.id.clone();
    match &mut app.flows.marks {
        None => app.flows.marks = Some(Marks::one(id)),
        Some(marks) => {
            if let Selection::Ids(ids) = &mut marks.selection {
                ids.insert(id.clone());
            }
            marks.last = Some(id);
            marks.now = None;
        }
    }
    let range = app.keymap.label(CommandId::MarkRange);
    app.say(Level::Info, format!("the range begins here: {range} on another one marks up to it"));
    count(app)
}

/// The rows of a range.
pub(super) fn range_came(app: &mut App, answer: Result<FlowWindow, OpsError>) -> Vec<Effect> {
    let window = match answer {
        Ok(window) if !window.rows.is_empty() => window,
        Ok(_) => {
            app.say(Level::Warning, "the range can't be drawn: one of its ends has left this list");
            return Vec::new();
        }
        Err(error) => {
            app.say(Level::Warning, format!("no range: {error}"));
            return Vec::new();
        }
    };
    let Some(Marks { selection: Selection::Ids(ids), last, now, .. }) = &mut app.flows.marks else { return Vec::new() };
    let before = ids.len();
    let new = window.rows.iter().filter(|row| !ids.contains(&row.flow.id)).count();
    if before + new > MOST {
        let why = too_many(app);
        app.say(Level::Warning, why);
        return Vec::new();
    }
    ids.extend(window.rows.iter().map(|row| row.flow.id.clone()));
    *now = None;
    *last = app.flows.selected.clone().filter(|id| ids.contains(id)).or(last.take());
    app.say(Level::Info, format!("{} more marked", grouped(new as u64)));
    count(app)
}

/// Marks all that match the filter, now and later; again clears that.
pub(super) fn all(app: &mut App) -> Vec<Effect> {
    if marks_all(app) {
        clear(app);
        return Vec::new();
    }
    let Some(window) = app.flows.window.value().filter(|_| !app.flows.outdated) else {
        app.say(Level::Info, "the list is not there yet");
        return Vec::new();
    };
    if window.matching == 0 {
        app.say(Level::Info, "nothing matches");
        return Vec::new();
    }
    app.flows.marks = Some(Marks::all(app.flows.filter.clone(), window.matching, window.revision));
    let mark = app.keymap.label(CommandId::Mark);
    app.say(Level::Info, format!("all that match are marked, also those that come later; {mark} leaves one out"));
    count(app)
}

/// Takes every mark away. Tells whether there was one.
pub(super) fn clear(app: &mut App) -> bool {
    let had = app.flows.marks.take();
    if let Some(marks) = &had {
        app.say(Level::Info, format!("cleared: {}", marks.words()));
    }
    had.is_some()
}

/// Asks how many there are now of what is marked.
pub(super) fn count(app: &mut App) -> Vec<Effect> {
    match &app.flows.marks {
        Some(marks) => {
            let selection = marks.selection.clone();
            vec![app.ask(Ask::Marked(selection))]
        }
        None => Vec::new(),
    }
}

/// The same after a change, if nothing is being asked already.
pub(super) fn recount(app: &mut App) -> Vec<Effect> {
    let shown = app.screen() == ScreenName::Flows && app.flows.marks.is_some();
    if shown && !app.busy(Target::Marked) { count(app) } else { Vec::new() }
}

/// How many there are now.
pub(super) fn counted(app: &mut App, answer: Result<Selected, OpsError>) {
    // One that can't be had leaves the number unknown, and the next change asks again.
    if let (Some(marks), Ok(selected)) = (&mut app.flows.marks, answer) {
        marks.now = Some(selected.total);
    }
}
