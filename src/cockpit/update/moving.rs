//! The cursor: which row it is on, and which rows must be held for it.

use super::data::select_at_cursor;
use crate::cockpit::app::{App, FlowsState, Pane};
use crate::cockpit::msg::{Ask, Effect};
use crate::cockpit::screens;
use crate::cockpit::settings::ScreenName;
use crate::ops::{FlowsQuery, GroupBy, Page, SortBy};

/// A move of the cursor.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Up,
    Down,
    HalfUp,
    HalfDown,
    PageUp,
    PageDown,
    Top,
    Bottom,
}

impl Step {
    /// Where a move leads from an index among `total`, with `page` rows on screen.
    pub(super) fn from(self, index: usize, total: usize, page: usize) -> usize {
        let half = (page / 2).max(1);
        let page = page.max(1);
        let target = match self {
            Self::Up => index.saturating_sub(1),
            Self::Down => index.saturating_add(1),
            Self::HalfUp => index.saturating_sub(half),
            Self::HalfDown => index.saturating_add(half),
            Self::PageUp => index.saturating_sub(page),
            Self::PageDown => index.saturating_add(page),
            Self::Top => 0,
            Self::Bottom => usize::MAX,
        };
        target.min(total.saturating_sub(1))
    }
}

/// Moves the cursor of the screen.
pub(super) fn step(app: &mut App, step: Step) -> Vec<Effect> {
    match app.screen() {
        ScreenName::Board => board(app, step),
        ScreenName::Flows => return flows(app, step),
        ScreenName::Detail => {
            let (total, page) = screens::detail::extent(app);
            let most = total.saturating_sub(page);
            app.detail.scroll = step.from(app.detail.scroll.min(most), most + 1, page);
        }
        ScreenName::Compare => {
            let (total, page) = screens::compare::extent(app);
            let most = total.saturating_sub(page);
            app.compare.scroll = step.from(app.compare.scroll.min(most), most + 1, page);
        }
        ScreenName::Raw => {
            let rows = super::raw::rows(app);
            let to = step.from(app.raw.cursor, app.raw.visible.len(), rows);
            app.raw.move_to(to, rows);
        }
        ScreenName::Remediations | ScreenName::Remediation => return super::remediations::step(app, step),
        ScreenName::Drift | ScreenName::Finding => return super::drift::step(app, step),
        ScreenName::Tenants | ScreenName::Tenant => return super::tenants::step(app, step),
        ScreenName::Events | ScreenName::Event => return super::events::step(app, step),
        ScreenName::Latency => super::latency::step(app, step),
        ScreenName::Sources => {
            let Some(overview) = app.overview.value() else { return Vec::new() };
            let at = overview.sources.iter().position(|source| Some(&source.name) == app.source.as_ref()).unwrap_or(0);
            let to = step.from(at, overview.sources.len(), overview.sources.len());
            app.source = overview.sources.get(to).map(|source| source.name.clone());
        }
    }
    Vec::new()
}

/// Puts the board's cursor on a row of the list that has the focus.
pub(super) fn select_on_board(app: &mut App, index: usize) {
    match app.board.pane {
        Pane::Cohorts => {
            let board = &mut app.board;
            let mut index = index;
            if board.gone && index != board.index {
                // What is gone leaves its place as soon as the cursor does.
                board.shown.remove(board.index.min(board.shown.len().saturating_sub(1)));
                board.gone = false;
                index -= usize::from(index > board.index);
            }
            board.index = index.min(board.shown.len().saturating_sub(1));
            board.cohort = board.shown.get(board.index).map(|cohort| cohort.id.clone());
            board.moved_at = Some(app.now);
        }
        Pane::Strip => app.board.flow = screens::board::strip_keys(app).get(index).cloned(),
    }
}

/// Puts the cursor on a row of the flows.
pub(super) fn select_flow(app: &mut App, index: usize) -> Vec<Effect> {
    let rows = flow_rows(app);
    let flows = &mut app.flows;
    let Some(window) = flows.window.value() else { return Vec::new() };
    if index == flows.cursor && flows.selected.is_some() || index >= window.total + usize::from(flows.gone) {
        return Vec::new();
    }
    // Those behind one that is gone are one line lower than they will be.
    flows.cursor = index - usize::from(flows.gone && index > flows.cursor);
    select_at_cursor(app);
    keep_in_view(app, rows);
    prefetch(app)
}

fn board(app: &mut App, step: Step) {
    let page = usize::from(app.size.1 / 3);
    match app.board.pane {
        Pane::Cohorts => {
            let board = &mut app.board;
            let mut from = board.index;
            if board.gone {
                // What is gone leaves its place as soon as the cursor does.
                board.shown.remove(from.min(board.shown.len().saturating_sub(1)));
                board.gone = false;
                if matches!(step, Step::Down) {
                    // The next one has moved up into its place.
                    from = from.wrapping_sub(1);
                }
            }
            let to = if from == usize::MAX { 0 } else { step.from(from, board.shown.len(), page) };
            board.index = to.min(board.shown.len().saturating_sub(1));
            board.cohort = board.shown.get(board.index).map(|cohort| cohort.id.clone());
            board.moved_at = Some(app.now);
            board.settled = true;
        }
        Pane::Strip => {
            let lines = screens::board::strip_keys(app);
            let here = screens::board::strip_at(app);
            let at = lines.iter().position(|key| Some(key) == here.as_ref()).unwrap_or(0);
            app.board.flow = lines.get(step.from(at, lines.len(), page)).cloned();
        }
    }
}

/// How many rows of flows are on screen.
pub(super) fn flow_rows(app: &App) -> usize {
    usize::from(screens::flows::areas(app).list.height).max(1)
}

fn flows(app: &mut App, step: Step) -> Vec<Effect> {
    let rows = flow_rows(app);
    let flows = &mut app.flows;
    let Some(window) = flows.window.value() else { return Vec::new() };
    let total = window.total;
    let mut from = flows.cursor;
    if flows.gone && matches!(step, Step::Down) {
        // The next one has moved up into the place of the one that is gone.
        if from < total {
            from = from.wrapping_sub(1);
        }
    }
    let to = if from == usize::MAX { 0 } else { step.from(from, total, rows) };
    if to == flows.cursor && (flows.selected.is_some() || flows.head.is_some()) && !flows.gone {
        return Vec::new();
    }
    flows.cursor = to;
    select_at_cursor(app);
    keep_in_view(app, rows);
    prefetch(app)
}

/// Scrolls so that the cursor is on screen.
pub(super) fn keep_in_view(app: &mut App, rows: usize) {
    let flows = &mut app.flows;
    let total = flows.window.value().map_or(0, |window| window.total);
    // A ghost takes a row of its own.
    let total = total + usize::from(flows.gone);
    flows.top = flows.top.min(flows.cursor);
    if flows.cursor >= flows.top + rows {
        flows.top = flows.cursor + 1 - rows;
    }
    flows.top = flows.top.min(total.saturating_sub(rows));
}

/// Asks for more rows where those on screen, or the next ones above or below, are not held.
pub(super) fn prefetch(app: &mut App) -> Vec<Effect> {
    let rows = flow_rows(app);
    let flows = &app.flows;
    let Some(window) = flows.window.value() else { return Vec::new() };
    let first = flows.top.saturating_sub(rows / 2);
    let last = (flows.top + rows + rows / 2).min(window.total);
    let held = window.offset..window.offset + window.len();
    let unknown = flows.selected.is_none() && flows.head.is_none();
    let lacking = (first < held.start || last > held.end) && !window.is_empty() || unknown;
    if window.total > 0 && lacking { vec![ask_flows(app)] } else { Vec::new() }
}

/// Asks for the rows on screen and a page around them, so that the selected one stays on its line.
pub(super) fn ask_flows(app: &mut App) -> Effect {
    let rows = flow_rows(app);
    let now = app.now;
    let flows = &mut app.flows;
    let offset = flows.top.saturating_sub(rows);
    let before = flows.cursor.saturating_sub(offset);
    let otherwise = if flows.outdated { 0 } else { offset };
    let page = match (&flows.selected, &flows.head) {
        (Some(id), _) => Page::Anchor { id: id.clone(), before, otherwise },
        (None, Some(key)) => Page::Head { key: key.clone(), before, otherwise },
        (None, None) => Page::Offset(offset),
    };
    let query = FlowsQuery {
        filter: flows.filter.clone(),
        sort: flows.sort,
        reverse: flows.reverse,
        group: flows.group.clone(),
        page,
        limit: rows.max(10) * 3,
    };
    flows.window.asked(now);
    flows.asked_top = flows.top;
    flows.asked_order = order(flows);
    app.ask(Ask::Flows(query))
}

/// Asks anew after the filter or the order changed: from the top where it was the order.
pub(super) fn requery(app: &mut App) -> Effect {
    let flows = &mut app.flows;
    flows.outdated = true;
    if flows.asked_order != order(flows) {
        // Whoever sorts wants to see what comes first, and not where the row under the cursor has gone.
        flows.selected = None;
        flows.head = None;
        flows.gone = false;
    }
    if flows.selected.is_none() && flows.head.is_none() {
        // A place in the old list means nothing in the new one.
        flows.cursor = 0;
        flows.top = 0;
    }
    ask_flows(app)
}

/// Turns an order that was turned round back, for a list that is opened anew.
pub(super) fn upright(app: &mut App) {
    let flows = &mut app.flows;
    if std::mem::take(&mut flows.reverse) {
        flows.outdated = true;
        flows.selected = None;
        flows.head = None;
        flows.gone = false;
        flows.cursor = 0;
        flows.top = 0;
    }
}

/// What decides which row comes first.
fn order(flows: &FlowsState) -> (SortBy, bool, Option<GroupBy>) {
    (flows.sort, flows.reverse, flows.group.as_ref().map(|group| group.by))
}

/// The screen has another size.
pub(super) fn resized(app: &mut App) -> Vec<Effect> {
    if app.screen() != ScreenName::Flows {
        return Vec::new();
    }
    let rows = flow_rows(app);
    keep_in_view(app, rows);
    prefetch(app)
}
