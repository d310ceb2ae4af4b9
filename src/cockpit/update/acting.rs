//! The way to an act: verbs, plan, review, progress. And the keys of the other popups.
//!
//! [`Effect::Act`] is made in one place, [`confirm`], and only there.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler as _;

use super::moving::Step;
use super::{arming, ask_detail, claims, contexts, deeds, lists, many, menus, picking, prompt, remediations, theme};
use crate::cockpit::app::{App, Focus, Level, Popup, Review, ReviewState, Sending};
use crate::cockpit::command::CommandId;
use crate::cockpit::keymap::{Key, show};
use crate::cockpit::many::{Deed, ON_ANOTHER, OffersMenu, Whom, WidePopup, on_another};
use crate::cockpit::msg::{Ask, Effect, Target};
use crate::cockpit::popups;
use crate::cockpit::remote::Remote;
use crate::cockpit::settings::ScreenName;
use crate::domain::remediation::Plan;
use crate::ops::{FlowAnswer, OpsError, Selection};

/// Opens the menu of verbs.
pub(super) fn open_verbs(app: &mut App) -> Vec<Effect> {
    if matches!(app.screen(), ScreenName::Remediations | ScreenName::Remediation) {
        return remediations::verbs(app);
    }
    // One that is marked is one instance like any other.
    let marked = match app.marked() {
        Some(Selection::Ids(ids)) if ids.len() == 1 => ids.first().cloned(),
        _ => None,
    };
    if marked.is_none()
        && let Some(whom) = Whom::here(app)
    {
        return many::open(app, whom);
    }
    let target = match marked.map_or_else(|| app.subject(), Ok) {
        Ok(target) => target,
        Err(why) => {
            app.say(Level::Info, why);
            return Vec::new();
        }
    };
    // What the open instance's last reading said is shown at once, and read again.
    let answer = match &app.detail.answer {
        Remote::Fresh { value, at } if app.screen() == ScreenName::Detail && value.detail.flow.id == target => {
            Remote::Fresh { value: Box::new(value.clone()), at: *at }
        }
        _ => Remote::Loading(app.now),
    };
    app.popup = Some(Popup::Verbs { target, answer, index: 0 });
    ask_detail(app).into_iter().collect()
}

/// Whether the focus is in a popup's reason.
pub(super) fn reason_input(app: &App) -> bool {
    match &app.popup {
        Some(Popup::Review(review)) => review.focus == Focus::Reason && review.state == ReviewState::Open,
        Some(Popup::Arm(_) | Popup::Rearm(_) | Popup::Decide(_)) => true,
        Some(Popup::Wide(wide)) => many::types(wide),
        _ => false,
    }
}

/// Pasted text goes into the reason, and nowhere else in a popup.
pub(super) fn paste(app: &mut App, text: &str) -> Vec<Effect> {
    if let Some(Popup::Review(review)) = &mut app.popup {
        prompt::insert(&mut review.reason, text);
    }
    many::paste(app, text);
    match &mut app.popup {
        Some(Popup::Rearm(form)) => form.reason.paste(text),
        Some(Popup::Arm(form)) => form.reason.paste(text),
        Some(Popup::Decide(form)) => form.reason.paste(text),
        _ => {}
    }
    Vec::new()
}

/// The plan was made, or not.
pub(super) fn plan_came(app: &mut App, answer: Result<Plan, OpsError>) {
    let Some(Popup::Planning { verb, target, error, .. }) = &mut app.popup else { return };
    match answer {
        Ok(plan) if plan.verb == *verb && plan.target == *target => {
            app.popup = Some(Popup::Review(Box::new(Review {
                plan,
                reason: Input::default(),
                focus: Focus::Reason,
                state: ReviewState::Open,
                changed: None,
                vanished: false,
                scroll: 0,
            })));
        }
        Ok(_) => *error = Some(OpsError::Changed("the plan that came is not the one that was asked for".into())),
        Err(why) => *error = Some(why),
    }
}

/// A key while a popup is open. One that does nothing there is told, as it is on a screen.
pub(super) fn popup_key(app: &mut App, event: &KeyEvent, key: Key) -> Vec<Effect> {
    let typed = reason_input(app) || matches!(app.popup, Some(Popup::Claim(_) | Popup::Review(_)));
    let moving = lists::step(app, key).is_some();
    let plain = ["enter", "tab", "backtab", "left", "right", "space", "esc", "ctrl-c"];
    if typed || moving || plain.into_iter().any(|name| Key::parse(name) == Some(key)) {
        return popup_key_taken(app, event, key);
    }
    let before = format!("{:?}", app.popup);
    let effects = popup_key_taken(app, event, key);
    if effects.is_empty() && app.message.is_none() && format!("{:?}", app.popup) == before {
        app.say(Level::Info, format!("{} is not bound here; Esc closes this", show(&[key])));
    }
    effects
}

fn popup_key_taken(app: &mut App, event: &KeyEvent, key: Key) -> Vec<Effect> {
    let is = |name: &str| Key::parse(name) == Some(key);
    // Esc and Ctrl-C close whatever the config says: nobody is caught in a popup.
    let close = is("esc") || is("ctrl-c");
    let meant = app.keymap.in_popup(key);
    let is_for = |id: CommandId| meant == Some(id);
    let scroll_by = match meant {
        // The arrows move whatever the config says.
        _ if is("up") => -1,
        _ if is("down") => 1,
        Some(CommandId::Up) => -1,
        Some(CommandId::Down) => 1,
        Some(CommandId::PageUp | CommandId::HalfUp) => -10,
        Some(CommandId::PageDown | CommandId::HalfDown) => 10,
        // Where a list has no marks, the bar turns the page as in any pager.
        _ if is("space") => 10,
        _ => 0,
    };
    if matches!(app.popup, Some(Popup::Claim(_))) {
        return claims::key(app, event, key);
    }
    if matches!(app.popup, Some(Popup::Menu { .. })) {
        return menus::key(app, key);
    }
    if matches!(app.popup, Some(Popup::Views { .. })) {
        return menus::views_key(app, key);
    }
    if matches!(app.popup, Some(Popup::Wide(_))) {
        return deeds::key(app, event, key);
    }
    let leave = lists::leaves(app, key);
    if matches!(app.popup, Some(Popup::Log(_))) {
        super::log::key(app, key, scroll_by);
        return Vec::new();
    }
    let most = popups::overflow(app);
    let Some(popup) = &mut app.popup else { return Vec::new() };
    match popup {
        Popup::Arm(_) => return arming::key(app, event, key),
        Popup::Decide(_) => return super::deciding::key(app, event, key),
        Popup::Rearm(_) => return super::records::key(app, event, key),
        Popup::Contexts(_) => return contexts::key(app, key),
        Popup::Log(_) | Popup::Claim(_) | Popup::Menu { .. } | Popup::Views { .. } | Popup::Wide(_) => {}
        Popup::Help { scroll, find, typing: true } => {
            match key_text(event) {
                _ if is("enter") => {}
                _ if close => find.clear(),
                Typed::Character(c) if find.len() < 80 => {
                    find.push(c);
                    *scroll = 0;
                    return Vec::new();
                }
                Typed::Back => {
                    find.pop();
                    return Vec::new();
                }
                Typed::Character(_) | Typed::Nothing => {
                    scrolled(scroll, scroll_by, most);
                    return Vec::new();
                }
            }
            if let Some(Popup::Help { typing, .. }) = &mut app.popup {
                *typing = false;
            }
        }
        Popup::Help { find, scroll, .. } if close && !find.is_empty() => {
            find.clear();
            *scroll = 0;
        }
        Popup::Help { typing, scroll, .. } if is("/") => {
            *typing = true;
            *scroll = 0;
        }
        Popup::Help { scroll, .. } => {
            if close || leave || is_for(CommandId::Help) {
                app.popup = None;
            } else if is_for(CommandId::Top) {
                *scroll = 0;
            } else if is_for(CommandId::Bottom) {
                *scroll = most;
            } else {
                scrolled(scroll, scroll_by, most);
            }
        }
        Popup::Progress { scroll, .. } | Popup::Source { scroll, .. } => {
            if close || leave || is("enter") {
                app.popup = None;
            } else {
                scrolled(scroll, scroll_by, most);
            }
        }
        Popup::Suspects(look) => {
            if close || leave || is("enter") || app.keymap.is(CommandId::Near, key) {
                app.popup = None;
            } else {
                scrolled(&mut look.scroll, scroll_by, most);
            }
        }
        Popup::Verbs { index, answer, .. } => {
            let count = answer.value().map_or(0, |answer| entries(answer));
            if close || leave {
                app.popup = None;
                app.forget(Target::Flow);
            } else if scroll_by < 0 {
                *index = index.saturating_sub(1);
            } else if scroll_by > 0 {
                *index = (*index + 1).min(count.saturating_sub(1));
            } else if is("enter") {
                return plan(app);
            }
        }
        Popup::Themes { .. } => {
            if close || leave {
                app.popup = None;
            } else if is("enter") {
                theme::keep(app);
            } else if let Some(step) = lists::step(app, key) {
                theme::step(app, step);
            }
        }
        Popup::Planning { .. } => {
            if close || leave {
                app.popup = None;
                app.forget(Target::Plan);
            }
        }
        // Its keys have a place of their own.
        Popup::Page { .. } => return super::opening::key(app, event),
        Popup::Quit { leave } => {
            if close {
                app.popup = None;
            } else if is("tab") || is("backtab") || is("left") || is("right") || is("h") || is("l") {
                *leave = !*leave;
            } else if is("enter") {
                let leave = *leave;
                app.popup = None;
                return if leave { vec![Effect::Quit] } else { Vec::new() };
            }
        }
        Popup::Review(review) => {
            if close {
                app.popup = None;
                return Vec::new();
            }
            match review.state {
                ReviewState::Open => return review_key(app, event, key),
                ReviewState::Refused(_) if is("enter") || leave => app.popup = None,
                // Nothing more can be sent from here; a second Enter finds nothing to press.
                ReviewState::Sent | ReviewState::Refused(_) => {}
            }
        }
    }
    Vec::new()
}

/// What a key types.
enum Typed {
    Character(char),
    Back,
    Nothing,
}

fn key_text(event: &KeyEvent) -> Typed {
    match event.code {
        KeyCode::Char(c) if !event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
            Typed::Character(c)
        }
        KeyCode::Backspace => Typed::Back,
        _ => Typed::Nothing,
    }
}

/// Closes the popup as Esc does, for a click.
pub(super) fn close(app: &mut App) -> Vec<Effect> {
    let Some(esc) = Key::parse("esc") else { return Vec::new() };
    popup_key(app, &esc.event(), esc)
}

/// One notch of the wheel over a popup.
pub(super) fn popup_step(app: &mut App, step: Step) {
    let by = if matches!(step, Step::Up) { -1 } else { 1 };
    let most = popups::overflow(app);
    match &mut app.popup {
        Some(Popup::Help { scroll, .. } | Popup::Progress { scroll, .. } | Popup::Source { scroll, .. }) => {
            scrolled(scroll, by, most);
        }
        Some(Popup::Review(review)) => scrolled(&mut review.scroll, by, most),
        Some(Popup::Suspects(look)) => scrolled(&mut look.scroll, by, most),
        Some(Popup::Verbs { index, answer, .. }) => {
            let count = answer.value().map_or(0, |answer| entries(answer));
            *index = step.from(*index, count, 1);
        }
        Some(Popup::Themes { .. }) => theme::step(app, step),
        Some(Popup::Menu { menu, index }) => {
            let (menu, at) = (*menu, *index);
            let index = step.from(at, menu.entries(app).len(), 1);
            app.popup = Some(Popup::Menu { menu, index });
        }
        Some(Popup::Views { views, index, .. }) => *index = step.from(*index, views.len(), 1),
        Some(Popup::Wide(wide)) => match &mut **wide {
            WidePopup::Deeds { index, .. } => *index = step.from(*index, Deed::ALL.len(), 1),
            WidePopup::Offers(_) => many::step(app, step),
            WidePopup::Deployments(picker) => {
                let count = picker.answer.value().map_or(0, |answer| answer.all.len());
                picker.index = step.from(picker.index, count, 1);
            }
            WidePopup::Review(review) => scrolled(&mut review.scroll, by, most),
            WidePopup::Answer(form) => scrolled(&mut form.scroll, by, most),
            WidePopup::Planning { .. } | WidePopup::Sure { .. } | WidePopup::Parameters(_) => {}
        },
        Some(Popup::Contexts(_)) => contexts::step(app, step),
        Some(Popup::Log(_)) => super::log::step(app, by),
        _ => {}
    }
}

/// A click on a row of a popup; a second one chooses it, which at most makes a plan.
pub(super) fn popup_row(app: &mut App, row: usize, twice: bool) -> Vec<Effect> {
    match &mut app.popup {
        Some(Popup::Verbs { index, .. } | Popup::Themes { index }) => *index = row,
        Some(Popup::Menu { .. } | Popup::Views { .. }) => return menus::clicked(app, row, twice),
        Some(Popup::Wide(wide)) => {
            match &mut **wide {
                WidePopup::Deeds { index, .. } | WidePopup::Offers(OffersMenu { index, .. }) => *index = row,
                WidePopup::Deployments(picker) => picker.index = row,
                _ => {}
            }
            return if twice { chosen_twice(app) } else { Vec::new() };
        }
        Some(Popup::Contexts(_)) => return contexts::clicked(app, row, twice),
        Some(Popup::Log(_)) => {
            super::log::clicked(app, row, twice);
            return Vec::new();
        }
        _ => return Vec::new(),
    }
    match &app.popup {
        Some(Popup::Verbs { .. }) if twice => return plan(app),
        Some(Popup::Themes { .. }) if twice => theme::keep(app),
        _ => {}
    }
    Vec::new()
}

/// A second click on an entry of a menu of remediations: what at most opens something is done.
fn chosen_twice(app: &mut App) -> Vec<Effect> {
    match deeds::wide(app) {
        Some(WidePopup::Offers(_)) => many::choose(app),
        Some(WidePopup::Deployments(_)) => picking::choose(app),
        Some(WidePopup::Deeds { index, .. }) => match Deed::ALL.get(*index) {
            Some(Deed::Control(crate::domain::wide::Control::Hold)) => {
                app.say(Level::Info, "a click chooses it; Enter holds");
                Vec::new()
            }
            _ => deeds::choose(app),
        },
        _ => Vec::new(),
    }
}

/// A click on a button gives it the focus.
pub(super) fn focus_button(app: &mut App, at: usize) {
    many::focus(app, at);
    if let Some(Popup::Page { button, .. }) = &mut app.popup {
        *button = at;
        app.say(Level::Info, super::mouse::FOCUS);
    }
}

fn scrolled(scroll: &mut usize, by: isize, most: usize) {
    *scroll = scroll.min(&mut most.clone()).saturating_add_signed(by).min(most);
}

/// How many entries the menu of verbs has.
fn entries(answer: &FlowAnswer) -> usize {
    answer.verbs.len() + usize::from(on_another(answer).is_some())
}

/// Enter on a verb: asks for its plan. Changes nothing.
fn plan(app: &mut App) -> Vec<Effect> {
    let Some(Popup::Verbs { target, answer, index }) = &app.popup else { return Vec::new() };
    if let Some(resume) = answer.value().and_then(|answer| on_another(answer)).filter(|(at, _)| at == index) {
        let refusal = app.read_only().cloned().or_else(|| resume.1.refusal.clone());
        let target = target.clone();
        if let Some(why) = refusal {
            app.say(Level::Warning, format!("{ON_ANOTHER}: {why}"));
            return Vec::new();
        }
        app.forget(Target::Flow);
        return picking::open(app, Whom::one(target));
    }
    let Some(offer) = answer.value().and_then(|answer| answer.verbs.get(*index)).cloned() else { return Vec::new() };
    let target = target.clone();
    let refusal = app.read_only().cloned().or(offer.refusal);
    if let Some(why) = refusal {
        app.say(Level::Warning, format!("{}: {why}", offer.verb.label()));
        return Vec::new();
    }
    app.forget(Target::Flow);
    app.popup = Some(Popup::Planning { verb: offer.verb, target: target.clone(), error: None, since: app.now });
    vec![app.ask(Ask::Plan(offer.verb, target))]
}

fn review_key(app: &mut App, event: &KeyEvent, key: Key) -> Vec<Effect> {
    let is = |name: &str| Key::parse(name) == Some(key);
    let most = popups::overflow(app);
    let Some(Popup::Review(review)) = &mut app.popup else { return Vec::new() };
    if is("pgup") {
        scrolled(&mut review.scroll, -5, most);
        return Vec::new();
    }
    if is("pgdn") {
        scrolled(&mut review.scroll, 5, most);
        return Vec::new();
    }
    let forth = is("tab") || is("down");
    let back = is("backtab") || is("up");
    match review.focus {
        Focus::Reason if forth || is("enter") => review.focus = Focus::Cancel,
        Focus::Reason if back => review.focus = Focus::Do,
        Focus::Reason => {
            review.reason.handle_event(&Event::Key(*event));
        }
        Focus::Cancel if forth || is("right") => review.focus = Focus::Do,
        Focus::Cancel if back => review.focus = Focus::Reason,
        Focus::Cancel if is("enter") => app.popup = None,
        Focus::Do if forth => review.focus = Focus::Reason,
        Focus::Do if back || is("left") => review.focus = Focus::Cancel,
        Focus::Do if is("enter") => return confirm(app),
        Focus::Cancel | Focus::Do => {
            // Text belongs to the reason, wherever the focus is: none of it is lost.
            let before = review.reason.value().len();
            if matches!(event.code, KeyCode::Char(_)) {
                review.reason.handle_event(&Event::Key(*event));
            }
            if review.reason.value().len() > before {
                review.focus = Focus::Reason;
            }
        }
    }
    Vec::new()
}

/// Enter on the button with the verb's name: the only way to an act.
fn confirm(app: &mut App) -> Vec<Effect> {
    let now = app.now;
    let read_only = app.read_only().cloned();
    let verbs = app.keymap.label(CommandId::Verbs);
    if app.sending.is_some() {
        app.say(Level::Warning, "another request has not been answered yet; nothing was sent");
        return Vec::new();
    }
    let Some(Popup::Review(review)) = &mut app.popup else { return Vec::new() };
    if review.state != ReviewState::Open || review.focus != Focus::Do {
        return Vec::new();
    }
    if let Some(why) = read_only.map(|why| why.to_string()).or_else(|| review.obstacle(now, &verbs)) {
        app.say(Level::Warning, why);
        return Vec::new();
    }
    if review.plan.policy.approvals().is_some() {
        // Not an act: a plan of many with this one alone, which is asked for and waits.
        let (verb, target, reason) = (review.plan.verb, review.plan.target.clone(), review.reason.value().to_owned());
        return many::plan_one(app, verb, target, reason);
    }
    review.state = ReviewState::Sent;
    let plan_hash = review.plan.hash.clone();
    let reason = review.reason.value().trim().to_owned();
    app.sending = Some(Sending { verb: review.plan.verb, target: review.plan.target.clone() });
    let ticket = app.ticket(Target::Act);
    vec![Effect::Act { ticket, plan_hash, reason }]
}
