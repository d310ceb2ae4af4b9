//! The Remediation screens: which one is under the cursor, which one is open, and what is asked for them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::moving::Step;
use super::{deeds, keys};
use crate::cockpit::app::{App, DETAIL_EVERY, Level, Popup};
use crate::cockpit::command::CommandId;
use crate::cockpit::many::{Detail, Older, Part, Row, WidePopup, rows, words};
use crate::cockpit::msg::{Ask, Effect, Target};
use crate::cockpit::records::{Tab, at_remediations};
use crate::cockpit::remote::Remote;
use crate::cockpit::screens;
use crate::cockpit::settings::ScreenName;
use crate::domain::text::SafeText;
use crate::domain::wide::{WideDetail, WideRemediation, WideState};
use crate::ops::OpsError;

/// What lies below the screens of one remediation of many.
pub(super) fn stack() -> Vec<ScreenName> {
    vec![ScreenName::Board, ScreenName::Remediations]
}

/// Goes to what waits for approval, or says that nothing does.
pub(super) fn inbox(app: &mut App) -> Vec<Effect> {
    let waits = |state| state == WideState::AwaitingApproval;
    let first = app.remediations.in_state(waits).max_by_key(|head| head.requested_at).map(|head| head.id.clone());
    if first.is_none() && app.remediations.list.value().is_some() {
        app.say(Level::Info, "nothing waits for approval");
        return vec![app.ask(Ask::Wides)];
    }
    app.remediations.selected = first;
    app.records.tab = Tab::Remediations;
    let effects = keys::go(app, stack(), None);
    settle(app);
    effects
}

/// What to ask when one of the screens comes to the front.
pub(super) fn entered(app: &mut App) -> Vec<Effect> {
    if app.screen() == ScreenName::Remediations && app.remediations.index == 0 {
        // What is old is read again by whoever goes there again.
        app.remediations.older = Older::default();
    }
    settle(app);
    let mut effects = Vec::new();
    if !app.busy(Target::Wides) {
        app.remediations.list.asked(app.now);
        effects.push(app.ask(Ask::Wides));
    }
    effects.extend(ask_detail(app));
    effects
}

/// The one whose items are wanted: of what lies over the screen, else the open one.
fn wanted(app: &App) -> Option<SafeText> {
    if let Some(Popup::Wide(wide)) = &app.popup {
        return match &**wide {
            WidePopup::Deeds { id, .. } | WidePopup::Sure { id, .. } => Some(id.clone()),
            WidePopup::Answer(form) => Some(form.head.id.clone()),
            WidePopup::Offers(_)
            | WidePopup::Parameters(_)
            | WidePopup::Deployments(_)
            | WidePopup::Planning { .. }
            | WidePopup::Review(_) => None,
        };
    }
    app.remediations.open.clone().filter(|_| app.screen() == ScreenName::Remediation)
}

/// Asks for one with its items.
pub(super) fn ask_detail(app: &mut App) -> Option<Effect> {
    let id = wanted(app)?;
    let now = app.now;
    if app.remediations.detail.as_ref().is_none_or(|detail| detail.id != id) {
        app.remediations.detail = Some(Detail { id: id.clone(), answer: Remote::Never, asked_at: now });
    }
    if let Some(detail) = &mut app.remediations.detail {
        detail.answer.asked(now);
        detail.asked_at = now;
    }
    Some(app.ask(Ask::Wide(id)))
}

/// Something has changed.
pub(super) fn changed(app: &mut App) -> Vec<Effect> {
    let mut effects = Vec::new();
    if !app.busy(Target::Wides) {
        effects.push(app.ask(Ask::Wides));
    }
    if wanted(app).is_some() && !app.busy(Target::Wide) {
        effects.extend(ask_detail(app));
    }
    effects
}

/// Time has passed: what runs is asked for again.
pub(super) fn tick(app: &mut App) -> Vec<Effect> {
    let mut effects = Vec::new();
    if app.remediations.in_state(WideState::runs).next().is_some() && !app.busy(Target::Wides) {
        effects.push(app.ask(Ask::Wides));
    }
    let now = app.now;
    let old = app.remediations.detail.as_ref().is_none_or(|detail| now.duration_since(detail.asked_at) >= DETAIL_EVERY);
    if wanted(app).is_some() && old && (app.paused.is_none() || app.popup.is_some()) && !app.busy(Target::Wide) {
        effects.extend(ask_detail(app));
    }
    effects
}

/// The list came.
pub(super) fn came(app: &mut App, answer: Result<Arc<Vec<Arc<WideRemediation>>>, OpsError>) {
    let before: Option<HashMap<SafeText, WideState>> =
        app.remediations.list.value().map(|list| list.iter().map(|head| (head.id.clone(), head.state)).collect());
    if let Ok(new) = &answer {
        keep_dropped(app, new);
    }
    app.remediations.list.answered(answer, app.now);
    settle(app);
    if let Some(before) = before {
        tell_changes(app, &before);
    }
}

/// Says in the footer what has become of one, and what somebody else asks for.
fn tell_changes(app: &mut App, before: &HashMap<SafeText, WideState>) {
    let moved = app.remediations.all().find(|head| match before.get(&head.id) {
        Some(state) => *state != head.state,
        None => head.state == WideState::AwaitingApproval && head.requested_by != *app.settings.operator,
    });
    let Some(head) = moved.cloned() else { return };
    if app.popup.is_some()
        || app.screen() == ScreenName::Remediation && app.remediations.open.as_ref() == Some(&head.id)
    {
        return;
    }
    let (level, text) = match head.state {
        WideState::AwaitingApproval => {
            let key = app.keymap.label(CommandId::Approvals);
            (Level::Warning, format!("{} asks: {}; {key} shows it", head.requested_by, words::what(&head.plan)))
        }
        state => {
            let well =
                matches!(state, WideState::Approved | WideState::Running | WideState::Verifying | WideState::Succeeded);
            let why = if head.outcome.is_empty() { String::new() } else { format!(": {}", head.outcome) };
            let text = format!("{}: {}{why}", words::what(&head.plan), state.words());
            (if well { Level::Info } else { Level::Warning }, text)
        }
    };
    app.say(level, text);
}

/// One came with its items.
pub(super) fn detail_came(app: &mut App, answer: Result<WideDetail, OpsError>) {
    let now = app.now;
    let Some(detail) = &mut app.remediations.detail else { return };
    if answer.as_ref().is_ok_and(|answer| answer.head.id != detail.id) {
        return;
    }
    detail.answer.answered(answer.map(Arc::new), now);
}

/// Notes what one is now, before the list says so.
pub(super) fn keep(app: &mut App, head: Arc<WideRemediation>) {
    let mut list = app.remediations.list.value().cloned().unwrap_or_default();
    let known = Arc::make_mut(&mut list);
    match known.iter_mut().find(|known| known.id == head.id) {
        Some(known) => *known = head,
        None => known.insert(0, head),
    }
    app.remediations.list.answered(Ok(list), app.now);
    settle(app);
}

/// Finds what is under the cursor in the list as it is now.
pub(super) fn settle(app: &mut App) {
    let rows = rows(app);
    let found = app.remediations.selected.as_ref().and_then(|id| rows.position(id));
    let index = found.unwrap_or_else(|| app.remediations.index.min(rows.len().saturating_sub(1)));
    let selected = rows.get(index).map(|row| row.id().clone());
    app.remediations.index = index;
    app.remediations.selected = selected;
}

/// Moves the cursor of the list, or scrolls the one that is open.
pub(super) fn step(app: &mut App, step: Step) -> Vec<Effect> {
    if app.screen() == ScreenName::Remediation {
        let (total, page) = screens::remediation::extent(app);
        let most = total.saturating_sub(page);
        app.remediations.scroll = step.from(app.remediations.scroll.min(most), most + 1, page);
        return Vec::new();
    }
    if !at_remediations(app) {
        super::records::step(app, step);
        return Vec::new();
    }
    let page = usize::from(screens::remediations::areas(app).list.height).max(1);
    let to = step.from(app.remediations.index, rows(app).len(), page);
    select(app, to)
}

/// Puts the cursor on a line.
pub(super) fn select(app: &mut App, index: usize) -> Vec<Effect> {
    if !at_remediations(app) {
        super::records::select(app, index);
        return Vec::new();
    }
    let rows = rows(app);
    let left = rows.len().saturating_sub(index);
    if let Some(selected) = rows.get(index).map(|row| row.id().clone()) {
        app.remediations.index = index;
        app.remediations.selected = Some(selected);
    }
    if left <= NEAR_THE_END { ask_older(app).into_iter().collect() } else { Vec::new() }
}

/// From how many lines before the end of the list on older ones are asked for.
const NEAR_THE_END: usize = 100;

/// Asks for what was before all that is known.
fn ask_older(app: &mut App) -> Option<Effect> {
    if app.remediations.older.whole || app.busy(Target::Older) {
        return None;
    }
    let known = app.remediations.all().chain(&app.remediations.older.rows);
    let last = known.filter(|head| head.state.ended()).min_by_key(|head| (head.requested_at, head.id.clone()));
    let last = last.map(|head| head.id.clone())?;
    Some(app.ask(Ask::Older(last)))
}

/// What was before came; what can't be had is asked for again when somebody comes to the end once more.
pub(super) fn older_came(app: &mut App, answer: Result<Vec<Arc<WideRemediation>>, OpsError>) {
    match answer {
        Ok(more) => {
            let last = app.remediations.older.rows.last().map(|head| (head.requested_at, head.id.clone()));
            let after = |head: &Arc<WideRemediation>| {
                last.as_ref().is_none_or(|last| (head.requested_at, head.id.clone()) < *last)
            };
            app.remediations.older.whole = more.is_empty();
            app.remediations.older.rows.extend(more.into_iter().filter(after));
        }
        Err(error) => app.say(Level::Warning, format!("what was before is not known: {error}")),
    }
}

/// What is no more among the newest in the list is kept before what is older.
fn keep_dropped(app: &mut App, new: &[Arc<WideRemediation>]) {
    if app.remediations.older.rows.is_empty() {
        return;
    }
    let ids: HashSet<&SafeText> = new.iter().map(|head| &head.id).collect();
    let dropped = app.remediations.all().filter(|head| head.state.ended() && !ids.contains(&head.id));
    let mut dropped: Vec<_> = dropped.cloned().collect();
    dropped.sort_by(|one, other| (other.requested_at, &other.id).cmp(&(one.requested_at, &one.id)));
    app.remediations.older.rows.splice(..0, dropped);
}

/// Opens what is under the cursor.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let rows = rows(app);
    let Some(row) = rows.get(app.remediations.index) else {
        app.say(Level::Info, "there is nothing to open here");
        return Vec::new();
    };
    let id = row.id().clone();
    match row {
        Row::Single(_) => {
            app.popup = Some(Popup::Progress { id, scroll: 0 });
            Vec::new()
        }
        Row::Wide(_) => show(app, id),
    }
}

/// Opens what was done to an instance, by its id.
pub(super) fn open_one(app: &mut App, id: SafeText) -> Vec<Effect> {
    let single = app.acts.value().is_some_and(|acts| acts.iter().any(|act| act.id == id));
    if single {
        app.popup = Some(Popup::Progress { id, scroll: 0 });
        return Vec::new();
    }
    let mut stack = app.stack.clone();
    app.remediations.open = Some(id);
    app.remediations.scroll = 0;
    stack.push(ScreenName::Remediation);
    keys::go(app, stack, None)
}

/// Shows one in full.
pub(super) fn show(app: &mut App, id: SafeText) -> Vec<Effect> {
    app.remediations.selected = Some(id.clone());
    app.remediations.open = Some(id);
    app.remediations.scroll = 0;
    let mut stack = stack();
    stack.push(ScreenName::Remediation);
    keys::go(app, stack, None)
}

/// Tab: to the next part of the one that is open, by the line at its top.
pub(super) fn next_part(app: &mut App) {
    let starts = screens::remediation::starts(app);
    let at = app.remediations.scroll;
    let next = [Part::Items, Part::History].into_iter().map(|part| starts[part as usize]).find(|start| *start > at);
    let (total, page) = screens::remediation::extent(app);
    let most = total.saturating_sub(page);
    // The last part may be on screen as a whole, and then it is not at the top: from there it goes round.
    app.remediations.scroll = next.filter(|_| at < most).map_or(0, |start| start.min(most));
}

/// The remediation of many that is shown or under the cursor; why there is none.
pub(super) fn subject(app: &App) -> Result<SafeText, String> {
    match app.screen() {
        ScreenName::Remediation => app.remediations.open.clone().ok_or_else(|| "nothing is open".to_owned()),
        ScreenName::Remediations if !at_remediations(app) => Err("no remediation is shown here".to_owned()),
        ScreenName::Remediations => match rows(app).get(app.remediations.index) {
            Some(Row::Wide(head)) => Ok(head.id.clone()),
            Some(Row::Single(_)) => {
                let open = app.keymap.label(CommandId::Open);
                Err(format!("this is one act: {open} shows how far it has come; there is nothing to hold or approve"))
            }
            None => Err("there is no remediation here".to_owned()),
        },
        _ => Err("no remediation is shown here".to_owned()),
    }
}

/// Opens the menu of what may be asked of the one that is shown.
pub(super) fn verbs(app: &mut App) -> Vec<Effect> {
    if app.screen() == ScreenName::Remediations && !at_remediations(app) {
        return super::records::rearm(app);
    }
    match subject(app) {
        Ok(id) => deeds::open(app, id, None),
        Err(why) => {
            app.say(Level::Info, why);
            Vec::new()
        }
    }
}
