//! The way from a choice of instances to a request: what may be done to all of them, the plan, its review.
//!
//! [`Effect::Request`] is made in one place, [`request`], and only there.

use std::sync::Arc;

use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::backend::crossterm::EventHandler as _;

use super::deciding::Decides;
use super::{deeds, lists, picking, prompt, remediations, runbooks};
use crate::cockpit::app::{App, Level, Popup};
use crate::cockpit::command::CommandId;
use crate::cockpit::keymap::Key;
use crate::cockpit::many::{
    Choice, Offer, OffersMenu, Planned, Step, Whom, WidePopup, WideReview, WideReviewPart, offers, verb_wish,
};
use crate::cockpit::msg::{Ask, Effect, Target};
use crate::cockpit::popups;
use crate::cockpit::remote::Remote;
use crate::domain::ids::InstanceId;
use crate::domain::plan::{Pace, Parameters, Waves, WidePlan};
use crate::domain::remediation::Verb;
use crate::domain::remedy::Remedy;
use crate::domain::text::SafeText;
use crate::domain::wide::WideRemediation;
use crate::ops::{OpsError, PlanWish};

/// The longest text that a field takes, in characters.
const MAX: usize = 1_000;

/// Opens the menu of what may be done to all that were chosen.
pub(super) fn open(app: &mut App, whom: Whom) -> Vec<Effect> {
    let selection = whom.selection.clone();
    let menu = OffersMenu { whom, runbooks: Remote::Loading(app.now), others: false, index: 0 };
    app.popup = Some(Popup::Wide(Box::new(WidePopup::Offers(menu))));
    vec![app.ask(Ask::Runbooks(selection))]
}

/// The part that is so many places further on, round at the end.
pub(super) fn beside<P: PartialEq + Copy>(parts: &[P], here: P, by: usize) -> P {
    let at = parts.iter().position(|part| *part == here).unwrap_or(0);
    parts.get((at + by) % parts.len().max(1)).copied().unwrap_or(here)
}

/// A key on the way to a request.
pub(super) fn key(app: &mut App, event: &KeyEvent, key: Key) -> Vec<Effect> {
    match deeds::wide(app) {
        Some(WidePopup::Offers(_)) => offers_key(app, key),
        Some(WidePopup::Deployments(_)) => picking::key(app, key),
        Some(WidePopup::Planning { .. }) => {
            if lists::leaves(app, key) {
                app.popup = None;
                app.forget(Target::PlanOfMany);
            }
            Vec::new()
        }
        Some(WidePopup::Review(_)) => review_key(app, event, key),
        _ => Vec::new(),
    }
}

fn offers_key(app: &mut App, key: Key) -> Vec<Effect> {
    if lists::leaves(app, key) {
        app.popup = None;
        app.forget(Target::Runbooks);
        return Vec::new();
    }
    if lists::is(key, &["enter"]) {
        return choose(app);
    }
    if let Some(way) = lists::step(app, key) {
        step(app, way);
    }
    Vec::new()
}

/// What is offered.
fn offered(app: &mut App) -> Vec<Offer> {
    let Some(WidePopup::Offers(menu)) = deeds::wide(app) else { return Vec::new() };
    let menu = menu.clone();
    offers(app, &menu.whom, menu.runbooks(), menu.others)
}

/// Moves the cursor of the menu.
pub(super) fn step(app: &mut App, step: super::moving::Step) {
    let count = offered(app).len();
    if let Some(WidePopup::Offers(menu)) = deeds::wide(app) {
        menu.index = step.from(menu.index, count, 10);
    }
}

/// Enter on an entry: asks for its plan. Changes nothing.
pub(super) fn choose(app: &mut App) -> Vec<Effect> {
    let offers = offered(app);
    let Some(WidePopup::Offers(menu)) = deeds::wide(app) else { return Vec::new() };
    let (whom, index) = (menu.whom.clone(), menu.index);
    let Some(offer) = offers.into_iter().nth(index) else { return Vec::new() };
    if let Some(why) = offer.refusal {
        app.say(Level::Warning, format!("{}: {why}", offer.name));
        return Vec::new();
    }
    match offer.choice {
        Choice::Verb(verb, waves) => plan(app, verb_wish(&whom, verb, waves), whom, String::new()),
        Choice::Deployment => picking::open(app, whom),
        Choice::Runbook(runbook) => runbooks::choose(app, whom, runbook),
        Choice::Ignore => super::deciding::open(app, Decides::Ignore, whom.drift),
        Choice::Adopt => super::deciding::open(app, Decides::Adopt, whom.drift),
        Choice::Others => {
            if let Some(WidePopup::Offers(menu)) = deeds::wide(app) {
                menu.others = true;
            }
            Vec::new()
        }
    }
}

/// Asks for a plan.
pub(super) fn plan(app: &mut App, wish: PlanWish, whom: Whom, reason: String) -> Vec<Effect> {
    planning(app, Planned::Wish(Box::new(wish.clone())), whom, reason);
    vec![app.ask(Ask::PlanOfMany(wish))]
}

/// Asks for the plan that takes a remediation back.
pub(super) fn plan_rollback(app: &mut App, id: SafeText, whom: Whom) -> Vec<Effect> {
    planning(app, Planned::Rollback(id.clone()), whom, String::new());
    vec![app.ask(Ask::PlanRollback(id))]
}

fn planning(app: &mut App, of: Planned, whom: Whom, reason: String) {
    let planning = WidePopup::Planning { of, whom, reason, error: None, since: app.now };
    app.popup = Some(Popup::Wide(Box::new(planning)));
}

/// One instance whose plan needs approvals: a plan of many with it alone, which can be asked for.
pub(super) fn plan_one(app: &mut App, verb: Verb, id: InstanceId, reason: String) -> Vec<Effect> {
    let whom = Whom::one(id);
    let wish = PlanWish {
        remedy: Remedy::Verb(verb, Parameters::new()),
        selection: whom.selection.clone(),
        waves: "rest".parse().unwrap_or_else(|_: String| Waves::default()),
        pace: Pace::default(),
    };
    plan(app, wish, whom, reason)
}

/// The plan was made, or not.
pub(super) fn plan_came(app: &mut App, answer: Result<WidePlan, OpsError>) {
    let Some(WidePopup::Planning { of, whom, reason, error, .. }) = deeds::wide(app) else { return };
    match answer {
        Ok(plan) if of.is(&plan) => {
            let review = WideReview::new(plan, whom.clone(), of.takes_back().cloned(), std::mem::take(reason));
            app.popup = Some(Popup::Wide(Box::new(WidePopup::Review(Box::new(review)))));
        }
        Ok(_) => *error = Some(OpsError::Changed("the plan that came is not the one that was asked for".into())),
        Err(why) => *error = Some(why),
    }
}

/// Whether something that is typed into has the focus.
pub(super) fn types(wide: &WidePopup) -> bool {
    match wide {
        WidePopup::Review(review) => review.step == Step::Open,
        WidePopup::Answer(form) => !form.sent,
        WidePopup::Parameters(_) => true,
        _ => false,
    }
}

/// Pasted text goes into the field with the focus; never into what has to be typed.
pub(super) fn paste(app: &mut App, text: &str) {
    use crate::cockpit::many::AnswerPart;
    let input = match deeds::wide(app) {
        Some(WidePopup::Review(review)) if review.step == Step::Open => match review.focus {
            WideReviewPart::Ticket => &mut review.ticket,
            WideReviewPart::Confirm => {
                app.say(Level::Info, "this is there to be typed: nothing was pasted");
                return;
            }
            _ => &mut review.reason,
        },
        Some(WidePopup::Answer(form)) if !form.sent => match form.focus {
            AnswerPart::Code => {
                app.say(Level::Info, "this is there to be typed: nothing was pasted");
                return;
            }
            _ => &mut form.comment,
        },
        Some(WidePopup::Parameters(form)) => match form.field() {
            Some(field) => field,
            None => return,
        },
        _ => return,
    };
    prompt::insert(input, text);
}

fn review_key(app: &mut App, event: &KeyEvent, key: Key) -> Vec<Effect> {
    let is = |names: &[&str]| lists::is(key, names);
    let most = popups::overflow(app);
    let Some(WidePopup::Review(review)) = deeds::wide(app) else { return Vec::new() };
    if is(&["esc", "ctrl-c"]) {
        app.popup = None;
        return Vec::new();
    }
    if is(&["pgup"]) {
        review.scroll = review.scroll.min(most).saturating_sub(5);
        return Vec::new();
    }
    if is(&["pgdn"]) {
        review.scroll = (review.scroll + 5).min(most);
        return Vec::new();
    }
    match &review.step {
        Step::Open => {}
        Step::Requested(head) if is(&["enter"]) => {
            let id = head.id.clone();
            app.popup = None;
            return remediations::show(app, id);
        }
        Step::Refused(_) if is(&["enter"]) => {
            app.popup = None;
            return Vec::new();
        }
        // Nothing more can be sent from here; a second Enter finds nothing to press.
        Step::Sent | Step::Requested(_) | Step::Refused(_) => return Vec::new(),
    }
    let parts = review.parts();
    if is(&["tab", "down"]) || is(&["right"]) && review.focus == WideReviewPart::Cancel {
        review.focus = beside(&parts, review.focus, 1);
    } else if is(&["backtab", "up"]) || is(&["left"]) && review.focus == WideReviewPart::Request {
        review.focus = beside(&parts, review.focus, parts.len() - 1);
    } else if is(&["enter"]) {
        match review.focus {
            WideReviewPart::Cancel => app.popup = None,
            WideReviewPart::Request => return request(app),
            _ => review.focus = beside(&parts, review.focus, 1),
        }
    } else if let Some(field) = review.field() {
        if field.value().chars().count() < MAX || !matches!(event.code, KeyCode::Char(_)) {
            field.handle_event(&Event::Key(*event));
        }
    } else {
        // Text belongs to the reason, wherever the focus is: none of it is lost.
        let before = review.reason.value().len();
        if matches!(event.code, KeyCode::Char(_)) {
            review.reason.handle_event(&Event::Key(*event));
        }
        if review.reason.value().len() > before {
            review.focus = WideReviewPart::Reason;
        }
    }
    Vec::new()
}

/// Enter on the button: the only way to a request.
fn request(app: &mut App) -> Vec<Effect> {
    let now = app.now;
    let read_only = app.read_only().map(ToString::to_string);
    let verbs = app.keymap.label(CommandId::Verbs);
    if app.remediations.requesting {
        app.say(Level::Warning, "another request has not been answered yet; nothing was sent");
        return Vec::new();
    }
    let Some(WidePopup::Review(review)) = deeds::wide(app) else { return Vec::new() };
    if review.step != Step::Open || review.focus != WideReviewPart::Request {
        return Vec::new();
    }
    if let Some(why) = read_only.or_else(|| review.obstacle(now, &verbs)) {
        app.say(Level::Warning, why);
        return Vec::new();
    }
    review.step = Step::Sent;
    let request = review.request();
    app.remediations.requesting = true;
    let ticket = app.ticket(Target::Request);
    vec![Effect::Request { ticket, request }]
}

/// The request was recorded, or not.
pub(super) fn request_came(app: &mut App, answer: Result<Arc<WideRemediation>, OpsError>) -> Vec<Effect> {
    app.remediations.requesting = false;
    match answer {
        Ok(head) => {
            let mut shown = false;
            if let Some(WidePopup::Review(review)) = deeds::wide(app)
                && review.plan.hash == head.plan.hash
            {
                review.step = Step::Requested(head.clone());
                review.scroll = 0;
                shown = true;
            }
            if !shown {
                let key = app.keymap.label(CommandId::Remediations);
                app.say(Level::Info, format!("asked for: {}; {key} shows it", head.id));
            }
            remediations::keep(app, head);
        }
        Err(error) => {
            app.say(Level::Warning, format!("not asked for: {error}"));
            if let Some(WidePopup::Review(review)) = deeds::wide(app)
                && review.step == Step::Sent
            {
                review.step = Step::Refused(error);
            }
        }
    }
    vec![app.ask(Ask::Wides)]
}

/// A click on a button or a field gives it the focus.
pub(super) fn focus(app: &mut App, at: usize) {
    match deeds::wide(app) {
        Some(WidePopup::Review(review)) if review.step == Step::Open => {
            review.focus = review.parts().get(at).copied().unwrap_or(review.focus);
        }
        Some(WidePopup::Answer(form)) if !form.sent => {
            form.focus = form.parts().get(at).copied().unwrap_or(form.focus);
        }
        Some(WidePopup::Parameters(form)) => form.focus = form.parts().get(at).copied().unwrap_or(form.focus),
        Some(WidePopup::Sure { yes, .. }) => *yes = at > 0,
        _ => return,
    }
    app.say(Level::Info, super::mouse::FOCUS);
}
