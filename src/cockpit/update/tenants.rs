//! Tenants: looking for them, opening one, going on from there, and what is told when nothing of theirs is stuck any more.

use std::sync::Arc;

use jiff::SignedDuration;

use super::keys;
use super::moving::Step;
use crate::cockpit::app::{App, Level, Prompt, PromptKind};
use crate::cockpit::clipboard::Clip;
use crate::cockpit::msg::{Ask, Effect, Target};
use crate::cockpit::remote::Remote;
use crate::cockpit::screens;
use crate::cockpit::settings::ScreenName;
use crate::cockpit::tenants::{Revealed, TenantPane};
use crate::cockpit::widgets::numbers::plural;
use crate::domain::ids::InstanceId;
use crate::domain::tenant::FoundBy;
use crate::domain::text::SafeText;
use crate::ops::{
    Audience, OpsError, Reference, TenantCard, TenantWindow, TimelineQuery, TimelineWindow, case_json, case_markdown,
    is_reason,
};

/// How often they are asked for while they are shown, besides whenever something changes.
const EVERY: SignedDuration = SignedDuration::from_secs(15);

/// How long what was revealed is shown.
const REVEALED_FOR: SignedDuration = SignedDuration::from_mins(5);

/// How near to the end of what is held of a timeline more of it is asked for.
const NEAR: usize = 50;

/// The most tenants that are watched.
const WATCHED: usize = 20;

/// Asks for the list, unless that is asked already.
pub(super) fn ask(app: &mut App) -> Option<Effect> {
    if app.busy(Target::Tenants) {
        return None;
    }
    app.tenants.asked_at = Some(app.now);
    app.tenants.window.asked(app.now);
    let query = app.tenants.query();
    Some(app.ask(Ask::Tenants(query)))
}

/// Asks for the tenant that is open, and what happened to them.
pub(super) fn ask_open(app: &mut App) -> Vec<Effect> {
    let Some(id) = app.tenants.open.clone() else { return Vec::new() };
    app.tenants.asked_at = Some(app.now);
    let mut effects = Vec::new();
    if !app.busy(Target::Tenant) {
        app.tenants.card.asked(app.now);
        effects.push(app.ask(Ask::Tenant(id)));
    }
    if !app.busy(Target::Timeline)
        && let Some(query) = app.tenants.timeline_query(false)
    {
        app.tenants.timeline.asked(app.now);
        effects.push(app.ask(Ask::Timeline(query)));
    }
    effects
}

/// What to ask when one of the two screens comes to the front.
pub(super) fn entered(app: &mut App) -> Vec<Effect> {
    match app.screen() {
        ScreenName::Tenants => ask(app).into_iter().collect(),
        ScreenName::Tenant => ask_open(app),
        _ => Vec::new(),
    }
}

/// Something has changed.
pub(super) fn changed(app: &mut App) -> Vec<Effect> {
    entered(app)
}

/// Time has passed.
pub(super) fn tick(app: &mut App) -> Vec<Effect> {
    let now = app.now;
    app.tenants.revealed.retain(|revealed| now < revealed.until);
    let due = |at: Option<jiff::Timestamp>| at.is_none_or(|at| now.duration_since(at) >= EVERY);
    let mut effects = Vec::new();
    let shown = matches!(app.screen(), ScreenName::Tenants | ScreenName::Tenant);
    if shown && app.paused.is_none() && due(app.tenants.asked_at) {
        effects.extend(entered(app));
    }
    if !app.tenants.watched.is_empty() && due(app.tenants.watched_at) && !app.busy(Target::Watched) {
        app.tenants.watched_at = Some(now);
        // One after the other, so that many of them cost no more at a time than one.
        app.tenants.watched.rotate_left(1);
        if let Some((id, _)) = app.tenants.watched.last().cloned() {
            effects.push(app.ask(Ask::Watched(id)));
        }
    }
    effects
}

/// Looks for a tenant: the list, with a line to type what they are found by.
pub(super) fn find(app: &mut App) -> Vec<Effect> {
    let before = app.tenants.text.clone();
    let came = app.screen() != ScreenName::Tenants;
    let effects = if came { keys::go(app, vec![ScreenName::Board, ScreenName::Tenants], None) } else { Vec::new() };
    app.prompt = Some(Prompt::new(PromptKind::Tenant { before, came }, ""));
    effects.into_iter().chain(look_for(app, "")).collect()
}

/// What was typed has changed.
pub(super) fn look_for(app: &mut App, text: &str) -> Option<Effect> {
    app.tenants.open_when_found = false;
    if app.tenants.text == text {
        return None;
    }
    text.clone_into(&mut app.tenants.text);
    app.tenants.index = 0;
    app.tenants.selected = None;
    app.forget(Target::Tenants);
    ask(app)
}

/// What was typed is what is wanted: the one that is found is opened. A name in full opens it before it is seen.
pub(super) fn found(app: &mut App) -> Vec<Effect> {
    if app.tenants.current().is_some() {
        return open(app);
    }
    app.tenants.open_when_found = true;
    // Where it is known already that nobody is found, that is said.
    if app.tenants.found_by == app.tenants.text && app.tenants.window.value().is_some() {
        return opened_when_found(app);
    }
    Vec::new()
}

/// Looks for a tenant by words that were typed in whole, and opens the one that they name.
pub(super) fn named(app: &mut App, words: &str) -> Vec<Effect> {
    let mut effects = keys::go(app, vec![ScreenName::Board, ScreenName::Tenants], None);
    effects.extend(look_for(app, words));
    app.tenants.open_when_found = true;
    // The same words as before: what they find is there already.
    if app.tenants.current().is_some() {
        effects.extend(opened_when_found(app));
    }
    effects
}

/// Opens the one that was found, where it is certain whom the words name; else one has to choose.
fn opened_when_found(app: &mut App) -> Vec<Effect> {
    if !std::mem::take(&mut app.tenants.open_when_found) {
        return Vec::new();
    }
    let total = app.tenants.total();
    let sure =
        |found_by: &FoundBy| matches!(found_by, FoundBy::Id | FoundBy::Name | FoundBy::Domain | FoundBy::Field(_));
    let is_sure = |index| app.tenants.at(index).and_then(|row| row.found_by.as_ref()).is_some_and(sure);
    match total {
        0 => {
            let silent = app.tenants.window.value().map_or(0, |window| window.blind.len());
            let but = if silent > 0 { format!("; {} silent", plural(silent as u64, "source")) } else { String::new() };
            let text = SafeText::clipped(&app.tenants.text, 60);
            app.say(Level::Info, format!("no tenant is known as {text}{but}"));
            Vec::new()
        }
        1 => open(app),
        // A name in full that only one of them has.
        _ if is_sure(0) && !is_sure(1) => open(app),
        _ => {
            app.say(Level::Info, format!("{total} tenants may be meant: choose one"));
            Vec::new()
        }
    }
}

/// The list came.
pub(super) fn came(app: &mut App, query: &SafeText, answer: Result<TenantWindow, OpsError>) -> Vec<Effect> {
    app.tenants.window.answered(answer.map(Arc::new), app.now);
    app.tenants.found_by = query.to_string();
    app.tenants.settle();
    let outside = app.tenants.select(app.tenants.index);
    let mut effects = Vec::new();
    if outside {
        effects.extend(ask(app));
    }
    if app.tenants.found_by == app.tenants.text && app.screen() == ScreenName::Tenants {
        effects.extend(opened_when_found(app));
    }
    effects
}

/// Opens the tenant under the cursor.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let Some(id) = app.tenants.current().map(|row| row.tenant.id.clone()) else {
        app.say(Level::Info, "there is nothing to open here");
        return Vec::new();
    };
    app.prompt = None;
    open_one(app, id)
}

/// Opens a tenant.
fn open_one(app: &mut App, id: InstanceId) -> Vec<Effect> {
    let tenants = &mut app.tenants;
    if tenants.open.as_ref() != Some(&id) {
        tenants.card = Remote::Never;
        tenants.timeline = Remote::Never;
        tenants.rows.clear();
        tenants.pane = TenantPane::Card;
        (tenants.thing, tenants.row, tenants.place) = (0, 0, None);
    }
    tenants.open = Some(id);
    app.forget(Target::Tenant);
    app.forget(Target::Timeline);
    let mut stack = app.stack.clone();
    if stack.last() != Some(&ScreenName::Tenant) {
        stack.push(ScreenName::Tenant);
    }
    keys::go(app, stack, None)
}

/// The card came.
pub(super) fn card_came(app: &mut App, answer: Result<TenantCard, OpsError>) {
    app.tenants.card.answered(answer.map(Arc::new), app.now);
    let last = app.tenants.things().len().saturating_sub(1);
    app.tenants.thing = app.tenants.thing.min(last);
}

/// A part of the timeline came.
pub(super) fn timeline_came(app: &mut App, query: &TimelineQuery, answer: Result<TimelineWindow, OpsError>) {
    if let Ok(window) = &answer {
        let held = app.tenants.rows.len();
        app.tenants.take(query.before.as_ref(), &window.rows);
        // Where more is held than came, what comes next is known from before.
        if query.before.is_none() && held > window.rows.len() && app.tenants.rows.len() > window.rows.len() {
            let next = app.tenants.timeline.value().and_then(|before| before.next.clone());
            let mut window = window.clone();
            window.next = next;
            app.tenants.timeline.answered(Ok(Arc::new(window)), app.now);
            return;
        }
    }
    app.tenants.timeline.answered(answer.map(Arc::new), app.now);
}

/// Moves the cursor.
pub(super) fn step(app: &mut App, step: Step) -> Vec<Effect> {
    if app.screen() == ScreenName::Tenants {
        let page = usize::from(screens::tenants::areas(app).list.height).max(1);
        let to = step.from(app.tenants.index, app.tenants.total(), page);
        return if app.tenants.select(to) { ask(app).into_iter().collect() } else { Vec::new() };
    }
    let page = screens::tenant::page(app);
    match app.tenants.pane {
        TenantPane::Card => {
            app.tenants.thing = step.from(app.tenants.thing, app.tenants.things().len(), page);
            Vec::new()
        }
        TenantPane::Timeline => {
            let to = step.from(app.tenants.row, app.tenants.shown().len(), page);
            select_row(app, to)
        }
    }
}

/// Puts the cursor on a row of the timeline, and asks for more where it is near the end of what is held.
pub(super) fn select_row(app: &mut App, index: usize) -> Vec<Effect> {
    app.tenants.pane = TenantPane::Timeline;
    app.tenants.select_row(index);
    let near = app.tenants.row + NEAR >= app.tenants.shown().len();
    match app.tenants.timeline_query(true) {
        Some(query) if near && !app.busy(Target::Timeline) => vec![app.ask(Ask::Timeline(query))],
        _ => Vec::new(),
    }
}

/// Goes to the other part.
pub(super) fn next_pane(app: &mut App) {
    app.tenants.pane = match app.tenants.pane {
        TenantPane::Card => TenantPane::Timeline,
        TenantPane::Timeline => TenantPane::Card,
    };
}

/// Shows what customers may see alone, or everything.
pub(super) fn turn_side(app: &mut App) {
    if app.settings.customer_only {
        app.say(Level::Info, "the role support sees what customers may see");
        return;
    }
    app.tenants.customer = !app.tenants.customer;
    let to = app.tenants.row;
    app.tenants.select_row(to);
    let key = app.keymap.label(crate::cockpit::command::CommandId::CustomerSide);
    let text = if app.tenants.customer {
        format!("only what the customer may see; {key} shows the rest")
    } else {
        "everything but what is personal or secret".to_owned()
    };
    app.say(Level::Info, text);
}

/// Opens what is under the cursor: each in its own screen.
pub(super) fn follow(app: &mut App) -> Vec<Effect> {
    let Some(reference) = app.tenants.reference() else {
        app.say(Level::Info, "there is nothing to open here");
        return Vec::new();
    };
    go_to(app, reference)
}

/// Goes to what something refers to.
pub(super) fn go_to(app: &mut App, reference: Reference) -> Vec<Effect> {
    let mut stack = app.stack.clone();
    match reference {
        Reference::Flow(id) => {
            if app.detail.id.as_ref() != Some(&id) {
                app.detail.answer = Remote::Never;
            }
            app.detail.seed = None;
            app.detail.id = Some(id);
            app.detail.scroll = 0;
            stack.push(ScreenName::Detail);
            keys::go(app, stack, None)
        }
        Reference::Drift(id) => super::drift::open_one(app, &id),
        Reference::Remediation(id, _) => super::remediations::open_one(app, id),
        Reference::Event(number, _) => super::events::open_one(app, number),
        Reference::Past(_) => {
            app.say(Level::Info, "it is kept by its source alone: there is no more of it here");
            Vec::new()
        }
    }
}

/// Watches the tenant that is open until nothing of theirs is stuck, or no longer.
pub(super) fn watch(app: &mut App) {
    let Some(card) = app.tenants.card.value().cloned() else { return };
    let id = card.tenant.id.clone();
    if let Some(at) = app.tenants.watched.iter().position(|(watched, _)| *watched == id) {
        app.tenants.watched.remove(at);
        app.say(Level::Info, format!("{} is watched no longer", card.tenant.name));
        return;
    }
    if card.counts.stuck == 0 {
        app.say(Level::Info, format!("nothing of {} is stuck", card.tenant.name));
        return;
    }
    app.tenants.watched.push((id, card.tenant.name.clone()));
    if app.tenants.watched.len() > WATCHED {
        app.tenants.watched.remove(0);
    }
    app.say(Level::Info, format!("you will be told when nothing of {} is stuck any more", card.tenant.name));
}

/// How a tenant that is watched stands. What is not known is no good news.
pub(super) fn watched_came(app: &mut App, answer: Result<TenantCard, OpsError>) -> Vec<Effect> {
    let Ok(card) = answer else { return Vec::new() };
    if card.counts.stuck > 0 || !card.blind.is_empty() {
        return Vec::new();
    }
    let id = card.tenant.id.clone();
    app.tenants.watched.retain(|(watched, _)| *watched != id);
    app.say(Level::Warning, format!("{}: nothing is stuck any more", card.tenant.name));
    vec![Effect::Bell]
}

/// Asks for a personal field: `FIELD REASON`.
pub(super) fn reveal(app: &mut App, words: &str) -> Result<Vec<Effect>, String> {
    if app.settings.customer_only {
        return Err("the role support sees what customers may see".to_owned());
    }
    let Some(tenant) = app.tenants.open.clone().filter(|_| app.screen() == ScreenName::Tenant) else {
        return Err("a tenant has to be open: t finds them".to_owned());
    };
    let (field, reason) = words.split_once(' ').unwrap_or((words, ""));
    if !is_reason(reason) {
        return Err("a reason is needed, for the record: :reveal FIELD REASON".to_owned());
    }
    let (field, reason) = (SafeText::clipped(field, 80), reason.trim().to_owned());
    Ok(vec![app.ask(Ask::Reveal { tenant, field, reason })])
}

/// It was revealed, or not.
pub(super) fn revealed(app: &mut App, of: (InstanceId, SafeText), answer: Result<SafeText, OpsError>) {
    let (tenant, field) = of;
    match answer {
        Ok(value) => {
            app.say(Level::Info, format!("{field} is shown for 5 minutes; that is recorded"));
            app.tenants.revealed.retain(|known| known.tenant != tenant || known.field != field);
            let until = app.now + REVEALED_FOR;
            app.tenants.revealed.push(Revealed { tenant, field, value, until });
        }
        Err(error) => app.say(Level::Warning, error.to_string()),
    }
}

fn audience(app: &App) -> Audience {
    if app.shows_customer() { Audience::Customer } else { Audience::Own }
}

/// The case as it is copied: Markdown, or JSON. What was revealed is no part of it.
pub(in crate::cockpit) fn case(app: &App, json: bool) -> Option<Clip> {
    let card = app.tenants.card.value()?;
    let rows = &app.tenants.rows;
    let text = if json {
        serde_json::to_string_pretty(&case_json(card, rows, audience(app))).ok()?
    } else {
        case_markdown(card, rows, audience(app))
    };
    Some(Clip::text(&text))
}

/// Writes the case into two files: Markdown and JSON.
pub(super) fn export(app: &mut App) -> Vec<Effect> {
    let Some(card) = app.tenants.card.value().cloned() else {
        app.say(Level::Info, "there is nothing to write yet");
        return Vec::new();
    };
    let rows = &app.tenants.rows;
    let safe: String =
        card.tenant.id.instance.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let safe: String = safe.chars().take(60).collect();
    let stem = format!("case-{safe}-{}", app.now.strftime("%Y%m%dT%H%M%SZ"));
    let json = serde_json::to_string_pretty(&case_json(&card, rows, audience(app))).unwrap_or_default();
    let markdown = case_markdown(&card, rows, audience(app));
    vec![Effect::Write(vec![(format!("{stem}.md"), markdown), (format!("{stem}.json"), json)])]
}
