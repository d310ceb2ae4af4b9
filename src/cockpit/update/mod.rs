//! The one place where the state changes: a message in, new state and effects out. It waits for nothing and asks
//! nobody; the present is passed in.

mod acting;
pub(super) mod arming;
mod claims;
mod compare;
pub(super) mod contexts;
mod copying;
mod data;
pub(super) mod deciding;
mod deeds;
mod drift;
mod events;
mod keys;
mod latency;
mod lists;
mod log;
mod many;
mod marks;
mod menus;
mod mouse;
mod moving;
mod opening;
mod picking;
mod prompt;
mod raw;
pub(super) mod reason;
mod records;
pub(super) mod reload;
mod remediations;
mod runbooks;
mod suspects;
pub(super) mod tenants;
mod theme;

pub use copying::What;
use jiff::{SignedDuration, Timestamp};

use super::app::{App, DETAIL_EVERY, Popup};
use super::msg::{Ask, Effect, Msg, Target};
use super::settings::ScreenName;

/// Takes a message.
pub fn update(app: &mut App, msg: Msg, now: Timestamp) -> Vec<Effect> {
    app.now = now;
    let mut effects = taken(app, msg);
    effects.extend(reload::due(app));
    effects
}

fn taken(app: &mut App, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Key(key) => keys::key(app, &key),
        Msg::Mouse(event) => mouse::mouse(app, event),
        Msg::Paste(text) => prompt::paste(app, &text),
        Msg::Resize(width, height) => {
            app.size = (width, height);
            raw::lay_out(app);
            moving::resized(app)
        }
        Msg::Tick => tick(app),
        Msg::Changed(_) if app.paused.is_some() => Vec::new(),
        Msg::Changed(_) => data::changed(app),
        Msg::Reply(ticket, answer) => data::reply(app, ticket, answer),
        Msg::NotOpened(name, why) => {
            contexts::failed(app, &name, why);
            Vec::new()
        }
        Msg::Edited => vec![Effect::Reload],
        Msg::Reread(said) => reload::reread(app, said),
    }
}

/// What to ask first.
pub fn start(app: &mut App) -> Vec<Effect> {
    let mut effects = vec![app.ask(Ask::Overview), app.ask(Ask::Remediations), app.ask(Ask::Wides)];
    effects.extend(records::begin(app));
    effects.extend(entered(app));
    app.overview.asked(app.now);
    effects
}

/// What to ask when a screen comes to the front.
fn entered(app: &mut App) -> Vec<Effect> {
    match app.screen() {
        ScreenName::Flows => vec![moving::ask_flows(app)],
        ScreenName::Detail => ask_detail(app).into_iter().chain(records::of_instance(app)).collect(),
        ScreenName::Compare => compare::ask(app).into_iter().collect(),
        ScreenName::Raw if app.raw.answer.value().is_none() => raw::ask(app).into_iter().collect(),
        ScreenName::Remediations | ScreenName::Remediation => {
            let mut effects = remediations::entered(app);
            effects.extend(records::entered(app, false));
            effects
        }
        ScreenName::Drift | ScreenName::Finding => drift::ask(app).into_iter().collect(),
        ScreenName::Tenants | ScreenName::Tenant => tenants::entered(app),
        ScreenName::Events => events::ask(app).into_iter().collect(),
        ScreenName::Latency => latency::ask(app).into_iter().collect(),
        ScreenName::Board | ScreenName::Sources | ScreenName::Raw | ScreenName::Event => Vec::new(),
    }
}

/// Asks for the open instance, or for the one under review.
fn ask_detail(app: &mut App) -> Option<Effect> {
    let id = match &app.popup {
        Some(Popup::Review(review)) => review.plan.target.clone(),
        Some(Popup::Verbs { target, .. }) => target.clone(),
        _ if app.screen() == ScreenName::Detail => app.detail.id.clone()?,
        _ => return None,
    };
    app.detail.asked_at = Some(app.now);
    if app.detail.id.as_ref() == Some(&id) {
        app.detail.answer.asked(app.now);
    }
    Some(app.ask(Ask::Flow(id)))
}

fn tick(app: &mut App) -> Vec<Effect> {
    let now = app.now;
    if app.message.as_ref().is_some_and(|message| now >= message.until) {
        app.message = None;
    }
    if app.interrupted_at.is_some_and(|at| now.duration_since(at) > SignedDuration::from_secs(2)) {
        app.interrupted_at = None;
    }
    arming::tick(app);
    data::thaw(app);
    let mut effects = Vec::new();
    effects.extend(log::tick(app));
    let watched = app.screen() == ScreenName::Detail || matches!(app.popup, Some(Popup::Review(_)));
    let due = app.detail.asked_at.is_none_or(|at| now.duration_since(at) >= DETAIL_EVERY);
    if watched && due && (app.paused.is_none() || app.popup.is_some()) && !app.busy(Target::Flow) {
        effects.extend(ask_detail(app));
    }
    if !app.running().is_empty() && !app.busy(Target::Remediations) {
        effects.push(app.ask(Ask::Remediations));
    }
    effects.extend(remediations::tick(app));
    effects.extend(records::tick(app));
    effects.extend(drift::tick(app));
    effects.extend(tenants::tick(app));
    effects.extend(events::tick(app));
    effects.extend(latency::tick(app));
    effects
}

/// When the next [`Msg::Tick`] is due: when something on screen that depends on time alone changes next.
pub fn next_tick(app: &App, now: Timestamp) -> Timestamp {
    let second = SignedDuration::from_secs(1);
    // Ages of sources are shown in seconds while they are young, and there is hardly a moment without one; a screen
    // that has none at all waits for the clock's next minute.
    let moving = app.overview.value().is_some_and(|overview| !overview.sources.is_empty())
        || app.message.is_some()
        || app.popup.is_some()
        || app.screen().below_flows()
        || app.sending.is_some();
    if moving {
        let into = SignedDuration::from_nanos(i64::from(now.subsec_nanosecond()));
        now + second - into
    } else {
        let into = now.as_second().rem_euclid(60);
        now + SignedDuration::from_secs(60 - into)
    }
}
