//! What the hub tells: answers to questions, and that something has changed.

use std::sync::Arc;

use super::{
    ask_detail, claims, deciding, deeds, drift, events, many, marks, menus, moving, picking, records, remediations,
    runbooks, tenants,
};
use crate::cockpit::app::{App, FREEZE, Level, Popup, ReviewState};
use crate::cockpit::msg::{Answer, Ask, Effect, Target, Ticket};
use crate::cockpit::settings::ScreenName;
use crate::domain::claim::Claim;
use crate::domain::cohort::Cohort;
use crate::domain::remediation::ItemState;
use crate::domain::remediation::Remediation;
use crate::domain::source::{Freshness, SourceStatus};
use crate::domain::text::SafeText;
use crate::domain::time::{since, words};
use crate::ops::{FlowAnswer, FlowWindow, Line, OpsError, Overview};

/// What is said after somebody wished that the sources be asked: not that one is which wants to be left alone, since no
/// key makes it be asked early.
fn being_asked(app: &App) -> (Level, String) {
    let overview = app.overview.value();
    let waits = overview.into_iter().flat_map(|overview| {
        let gone_by = since(overview.at, app.now);
        let left = move |source: &SourceStatus| {
            source.left_alone.map(|left| left - gone_by).filter(jiff::SignedDuration::is_positive)
        };
        overview.sources.iter().filter_map(move |source| Some((source.name.clone(), left(source)?)))
    });
    let mut waits: Vec<_> = waits.collect();
    waits.sort_by_key(|(_, left)| *left);
    let among = overview.map_or(0, |overview| overview.sources.len());
    match waits.as_slice() {
        [] => (Level::Info, "the sources are being asked".to_owned()),
        [(name, left)] if among == 1 => {
            (Level::Warning, format!("not asked: {name} wants to be left alone for {} more", words(*left)))
        }
        [(name, left)] => {
            let words = words(*left);
            (Level::Warning, format!("the others are being asked: {name} wants to be left alone for {words} more"))
        }
        [(name, left), rest @ ..] => {
            let all = if waits.len() == among { "not asked" } else { "the others are being asked" };
            let (words, more) = (words(*left), rest.len());
            (Level::Warning, format!("{all}: {name} wants to be left alone for {words} more, and so do {more} more"))
        }
    }
}

/// The hub knows more than before: asks for what is on screen.
pub(super) fn changed(app: &mut App) -> Vec<Effect> {
    let mut effects = Vec::new();
    if !app.busy(Target::Overview) {
        effects.push(app.ask(Ask::Overview));
    }
    if app.screen() == ScreenName::Flows && !app.busy(Target::Flows) {
        effects.push(moving::ask_flows(app));
    }
    if !app.busy(Target::Remediations) {
        effects.push(app.ask(Ask::Remediations));
    }
    effects.extend(remediations::changed(app));
    effects.extend(records::changed(app));
    effects.extend(drift::changed(app));
    effects.extend(tenants::changed(app));
    effects.extend(events::changed(app));
    effects.extend(marks::recount(app));
    effects.extend(menus::recount_views(app));
    effects
}

/// An answer. One to an older question is dropped.
pub(super) fn reply(app: &mut App, ticket: Ticket, answer: Answer) -> Vec<Effect> {
    let Some(again) = app.accept(ticket) else { return Vec::new() };
    let now = app.now;
    let mut effects = match answer {
        Answer::Overview(answer) => {
            app.overview.answered(answer, now);
            overview_came(app);
            claims::refresh(app);
            Vec::new()
        }
        Answer::Flows(answer) => {
            app.flows.window.answered(answer, now);
            let mut effects = flows_came(app);
            if app.open_when_known && app.flows.selected.is_some() {
                app.open_when_known = false;
                if app.screen() == ScreenName::Flows && app.popup.is_none() && app.prompt.is_none() {
                    effects.extend(super::keys::open(app));
                }
            }
            effects
        }
        Answer::Flow(answer) => {
            flow_came(app, *answer);
            Vec::new()
        }
        Answer::Plan(answer) => {
            super::acting::plan_came(app, *answer);
            Vec::new()
        }
        Answer::Log(answer) => {
            let before = app.log.value().cloned();
            app.log.answered(answer, now);
            super::log::came(app, before.as_deref());
            Vec::new()
        }
        Answer::Remediations(answer) => {
            let before = app.acts.value().cloned().unwrap_or_default();
            app.acts.answered(answer, now);
            remediations::settle(app);
            tell_endings(app, &before);
            Vec::new()
        }
        Answer::Wides(answer) => {
            remediations::came(app, answer);
            Vec::new()
        }
        Answer::Older(answer) => {
            remediations::older_came(app, answer);
            Vec::new()
        }
        Answer::Wide(answer) => {
            remediations::detail_came(app, *answer);
            Vec::new()
        }
        Answer::Runbooks(answer) => {
            runbooks::came(app, answer);
            Vec::new()
        }
        Answer::Latency(answer) => {
            super::latency::came(app, *answer);
            Vec::new()
        }
        Answer::Outside(answer) => records::outside_came(app, answer),
        Answer::InForce(answer) => {
            records::in_force_came(app, answer);
            Vec::new()
        }
        Answer::Automations(answer) => {
            records::automations_came(app, answer);
            Vec::new()
        }
        Answer::Suspects(answer) => {
            super::suspects::came(app, *answer);
            Vec::new()
        }
        Answer::Drift(answer) => drift::came(app, answer),
        Answer::Decided(answer) => deciding::came(app, *answer),
        Answer::Tenants(text, answer) => tenants::came(app, &text, answer),
        Answer::Tenant(answer) => {
            tenants::card_came(app, *answer);
            Vec::new()
        }
        Answer::Timeline(query, answer) => {
            tenants::timeline_came(app, &query, answer);
            Vec::new()
        }
        Answer::Watched(answer) => tenants::watched_came(app, *answer),
        Answer::Reveal(of, answer) => {
            tenants::revealed(app, of, answer);
            Vec::new()
        }
        Answer::Events(answer) => {
            events::came(app, *answer);
            Vec::new()
        }
        Answer::Event(answer) => events::one_came(app, *answer),
        Answer::Recheck(answer) => drift::rechecked(app, *answer).into_iter().collect(),
        Answer::Rearm(answer) => records::rearmed(app, answer),
        Answer::PlanOfMany(answer) => {
            many::plan_came(app, *answer);
            Vec::new()
        }
        Answer::Deployments(answer) => {
            picking::came(app, answer);
            Vec::new()
        }
        Answer::Request(answer) => many::request_came(app, answer),
        Answer::WideReview(answer) => deeds::review_came(app, answer),
        Answer::Control(control, answer) => deeds::control_came(app, control, answer),
        Answer::Refresh(Ok(())) => {
            let (level, words) = being_asked(app);
            app.say(level, words);
            Vec::new()
        }
        Answer::Refresh(Err(error)) => {
            app.say(Level::Warning, error.to_string());
            Vec::new()
        }
        Answer::Arm(answer) => {
            super::arming::came(app, answer);
            Vec::new()
        }
        Answer::Act(answer) => act_came(app, *answer),
        Answer::Claim(answer) => claims::came(app, answer),
        Answer::Marked(answer) => {
            marks::counted(app, answer);
            Vec::new()
        }
        Answer::Range(answer) => marks::range_came(app, answer),
        Answer::Rows(answer) => super::copying::rows_came(app, answer),
        Answer::Counts(answer) => {
            menus::counted(app, answer);
            Vec::new()
        }
        Answer::Pair(answers) => {
            super::compare::came(app, *answers);
            Vec::new()
        }
        Answer::Ways(answer) => super::copying::came(app, answer),
        Answer::Raw(answer) => {
            super::raw::came(app, *answer);
            Vec::new()
        }
    };
    if again && app.paused.is_none() {
        effects.extend(match ticket.target {
            Target::Overview => Some(app.ask(Ask::Overview)),
            Target::Flows if app.screen() == ScreenName::Flows && !effects.iter().any(is_flows) => {
                Some(moving::ask_flows(app))
            }
            Target::Remediations => Some(app.ask(Ask::Remediations)),
            Target::Wides => Some(app.ask(Ask::Wides)),
            Target::Wide => remediations::ask_detail(app),
            Target::Drift => drift::ask(app),
            Target::Tenants => tenants::ask(app),
            Target::Events => events::ask(app),
            Target::Latency => super::latency::ask(app),
            Target::InForce => Some(app.ask(Ask::InForce)),
            Target::Automations => Some(app.ask(Ask::Automations)),
            Target::Flow => ask_detail(app),
            Target::Marked => marks::count(app).pop(),
            Target::Counts => {
                matches!(app.popup, Some(Popup::Views { .. })).then(|| menus::count_views(app).pop()).flatten()
            }
            Target::Flows
            | Target::Tenant
            | Target::Timeline
            | Target::Watched
            | Target::Reveal
            | Target::Event
            | Target::Plan
            | Target::Refresh
            | Target::Act
            | Target::Arm
            | Target::Claim
            | Target::Range
            | Target::Rows
            | Target::Raw
            | Target::Log
            | Target::Suspects
            | Target::Pair
            | Target::Older
            | Target::PlanOfMany
            | Target::Runbooks
            | Target::Deployments
            | Target::Request
            | Target::WideReview
            | Target::Control
            | Target::Outside
            | Target::Recheck
            | Target::Decide
            | Target::Rearm
            | Target::Ways => None,
        });
    }
    effects
}

fn is_flows(effect: &Effect) -> bool {
    matches!(effect, Effect::Ask(_, Ask::Flows(_)))
}

/// Puts the cohorts on the board: in the hub's order, or in the order shown while the cursor moves.
pub(super) fn overview_came(app: &mut App) {
    let Some(overview) = app.overview.value().cloned() else { return };
    let show_all = app.board.show_all;
    app.board.folded = overview.cohorts.iter().filter(|cohort| folded(cohort, show_all)).count();
    let frozen = app.board.moved_at.is_some_and(|at| app.now.duration_since(at) < FREEZE);
    if frozen && !app.board.shown.is_empty() {
        freeze(app, &overview);
    } else {
        settle(app, &overview);
    }
    let known = app.source.as_ref().is_some_and(|name| overview.source(name).is_some());
    if !known {
        app.source = overview.sources.first().map(|source| source.name.clone());
    }
}

/// New values in the old order; what is new is only counted.
fn freeze(app: &mut App, overview: &Overview) {
    let board = &mut app.board;
    let selected = board.cohort.clone();
    let show_all = board.show_all;
    let mut gone = false;
    board.shown.retain_mut(|shown| {
        if let Some(cohort) = overview.cohorts.iter().find(|cohort| cohort.id == shown.id) {
            *shown = cohort.clone();
            !folded(cohort, show_all)
        } else {
            let kept = Some(&shown.id) == selected.as_ref();
            gone |= kept;
            kept
        }
    });
    board.gone = gone;
    let unfolded = overview.cohorts.iter().filter(|cohort| !folded(cohort, show_all));
    board.new = unfolded.filter(|cohort| !board.shown.iter().any(|shown| shown.id == cohort.id)).count();
    board.index = position(&board.shown, selected.as_deref()).unwrap_or(board.index);
    if position(&board.shown, selected.as_deref()).is_none() {
        // What was put aside leaves at once, and the next one has moved up into its place.
        board.index = board.index.min(board.shown.len().saturating_sub(1));
        board.cohort = board.shown.get(board.index).map(|cohort| cohort.id.clone());
    }
}

/// Whether a cohort is put aside and not shown.
fn folded(cohort: &Cohort, show_all: bool) -> bool {
    !show_all && cohort.claim.as_ref().is_some_and(Claim::hides)
}

/// The hub's order. What is selected and no longer there keeps its place, greyed.
fn settle(app: &mut App, overview: &Overview) {
    let board = &mut app.board;
    let show_all = board.show_all;
    let mut shown: Vec<Cohort> = overview.cohorts.iter().filter(|cohort| !folded(cohort, show_all)).cloned().collect();
    let aside = |id: &SafeText| overview.cohorts.iter().any(|cohort| cohort.id == *id && folded(cohort, show_all));
    board.new = 0;
    // Sources answer one after another, and the first one need not have the worst.
    if !board.settled {
        board.cohort = None;
        board.settled = overview.sources.iter().all(|source| source.state != Freshness::Never);
    }
    if board.cohort.as_ref().is_some_and(aside) {
        // What was put aside leaves at once, and the next one has moved up into its place.
        board.index = board.index.min(shown.len().saturating_sub(1));
        board.cohort = shown.get(board.index).map(|cohort| cohort.id.clone());
        board.gone = false;
    }
    if let Some(id) = board.cohort.clone() {
        if let Some(index) = position(&shown, Some(&id)) {
            board.index = index;
            board.gone = false;
        } else if let Some(ghost) = board.shown.iter().find(|cohort| cohort.id == id).cloned() {
            board.index = board.index.min(shown.len());
            shown.insert(board.index, ghost);
            board.gone = true;
        } else {
            board.cohort = None;
        }
    }
    if board.cohort.is_none() {
        board.index = 0;
        board.gone = false;
        board.cohort = shown.first().map(|cohort| cohort.id.clone());
    }
    board.shown = shown;
}

fn position(cohorts: &[Cohort], id: Option<&str>) -> Option<usize> {
    let id = id?;
    cohorts.iter().position(|cohort| cohort.id == *id)
}

/// Lets the order go again once the cursor has been at rest for a while.
pub(super) fn thaw(app: &mut App) {
    if app.board.moved_at.is_some_and(|at| app.now.duration_since(at) >= FREEZE) {
        app.board.moved_at = None;
        if let Some(overview) = app.overview.value().cloned() {
            settle(app, &overview);
        }
    }
}

/// Finds the selected instance in the new window, and keeps it on its line of the screen.
fn flows_came(app: &mut App) -> Vec<Effect> {
    let rows = moving::flow_rows(app);
    let flows = &mut app.flows;
    let Some(window) = flows.window.value() else { return Vec::new() };
    if flows.window.error().is_some() {
        return Vec::new();
    }
    let was_outdated = std::mem::take(&mut flows.outdated);
    let found = match (&flows.selected, &flows.head) {
        (Some(id), _) => window.position(id),
        (None, Some(key)) => window.position_of_head(key),
        (None, None) => None,
    };
    match found {
        Some(at) => {
            let line = flows.cursor.saturating_sub(flows.top);
            flows.cursor = at;
            flows.top = flows.cursor.saturating_sub(line);
            flows.row = row_at(window, at);
            flows.gone = false;
        }
        None if flows.selected.is_some() && !was_outdated => {
            if !std::mem::replace(&mut flows.gone, true) {
                flows.gone_at = Some(app.now);
            }
            flows.cursor = flows.cursor.min(window.total);
        }
        None => {
            // A new question, or a place whose row was not known: the selection is by place this once.
            if was_outdated && (flows.selected.is_some() || flows.head.is_some()) {
                // What was under the cursor is not in the new list, which is then read from its top.
                flows.selected = None;
                flows.head = None;
                flows.cursor = 0;
                flows.top = 0;
                if window.offset > 0 {
                    return vec![moving::ask_flows(app)];
                }
            }
            let last = window.offset + window.len().saturating_sub(1);
            flows.cursor = flows.cursor.clamp(window.offset, last);
            select_at_cursor(app);
        }
    }
    let asked = app.flows.asked_top;
    moving::keep_in_view(app, rows);
    // Only where the screen has moved since: what a hub does not hand out is not asked for again and again.
    if app.flows.top == asked { Vec::new() } else { moving::prefetch(app) }
}

/// Selects the row that is now under the cursor, if it is held.
pub(super) fn select_at_cursor(app: &mut App) {
    let flows = &mut app.flows;
    if flows.outdated && flows.selected.is_none() && flows.head.is_none() {
        // The rows held are in another order than the one asked for: until they come, a move is to a place.
        return;
    }
    let window = flows.window.value();
    let row = window.and_then(|window| row_at(window, flows.cursor));
    flows.head = match window.and_then(|window| window.line(flows.cursor)) {
        Some(Line::Head(head)) => Some(head.key.clone()),
        Some(Line::Row(_)) | None => None,
    };
    flows.selected = row.as_ref().map(|row| row.flow.id.clone());
    flows.row = row;
    flows.gone = false;
}

fn row_at(window: &FlowWindow, index: usize) -> Option<Arc<crate::domain::flow::JudgedFlow>> {
    match window.line(index)? {
        Line::Row(row) => Some(row.clone()),
        Line::Head(_) => None,
    }
}

/// One instance was read: for the detail, the verbs' menu, and to see whether a plan under review still holds.
fn flow_came(app: &mut App, answer: Result<FlowAnswer, OpsError>) {
    let now = app.now;
    match &mut app.popup {
        Some(Popup::Review(review)) if review.state == ReviewState::Open => match &answer {
            Ok(answer) if answer.detail.flow.id == review.plan.target => {
                let version = &answer.detail.flow.version;
                review.changed = (review.plan.version != *version.as_str()).then(|| version.clone());
                review.vanished = false;
            }
            Err(OpsError::NotFound(_)) => review.vanished = true,
            _ => {}
        },
        Some(Popup::Verbs { target, answer: known, .. }) => match &answer {
            Ok(answer) if answer.detail.flow.id == *target => known.answered(Ok(Box::new(answer.clone())), now),
            Ok(_) => {}
            Err(error) => known.answered(Err(error.clone()), now),
        },
        _ => {}
    }
    let ours = match &answer {
        Ok(answer) => app.detail.id.as_ref() == Some(&answer.detail.flow.id),
        Err(_) => {
            app.screen() == ScreenName::Detail && !matches!(app.popup, Some(Popup::Verbs { .. } | Popup::Review(_)))
        }
    };
    if ours {
        app.detail.answer.answered(answer, now);
    }
}

/// The act was recorded, or not.
fn act_came(app: &mut App, answer: Result<Remediation, OpsError>) -> Vec<Effect> {
    app.sending = None;
    match answer {
        Ok(act) => {
            if matches!(&app.popup, Some(Popup::Review(review)) if review.plan.hash == act.plan.hash) {
                app.popup = Some(Popup::Progress { id: act.id.clone(), scroll: 0 });
            }
            let mut acts = app.acts.value().cloned().unwrap_or_default();
            if !acts.iter().any(|known| known.id == act.id) {
                acts.insert(0, act);
            }
            app.acts.answered(Ok(acts), app.now);
            vec![app.ask(Ask::Remediations)]
        }
        Err(error) => {
            app.say(Level::Warning, format!("not done: {error}"));
            if let Some(Popup::Review(review)) = &mut app.popup {
                review.state = ReviewState::Refused(error);
            }
            Vec::new()
        }
    }
}

/// Says in the footer what acts came to that ended out of sight.
fn tell_endings(app: &mut App, before: &[Remediation]) {
    let Some(acts) = app.acts.value() else { return };
    let ended = acts.iter().find(|act| act.ended && before.iter().any(|known| known.id == act.id && !known.ended));
    let Some(act) = ended.cloned() else { return };
    if matches!(&app.popup, Some(Popup::Progress { id, .. }) if *id == act.id) {
        return;
    }
    let level = if act.item == ItemState::Verified { Level::Info } else { Level::Warning };
    app.say(level, format!("{} {}: {}, {}", act.plan.verb.label(), act.plan.target, act.item.name(), act.outcome));
}
