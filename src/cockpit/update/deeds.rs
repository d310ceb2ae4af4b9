//! What is asked of a remediation of many: the menu, the question before a start or an end, and the comment of an
//! approval.
//!
//! [`Effect::Control`] is made in [`send`] and [`Effect::Review`] in [`answer`], and only there. No single key leads to
//! either: the menu comes before each of them.

use std::sync::Arc;

use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::backend::crossterm::EventHandler as _;

use super::{lists, many, remediations, runbooks};
use crate::cockpit::app::{App, Level, Popup};
use crate::cockpit::command::CommandId;
use crate::cockpit::keymap::Key;
use crate::cockpit::many::{AnswerForm, AnswerPart, Deed, Whom, WidePopup, deeds, words};
use crate::cockpit::msg::{Ask, Effect, Target};
use crate::cockpit::popups;
use crate::domain::approval::Answer;
use crate::domain::text::SafeText;
use crate::domain::wide::{Control, WideRemediation};
use crate::ops::{OpsError, PlanWish};

/// Opens the menu of one, with the cursor on what is wanted, or on the first that can be had.
pub(super) fn open(app: &mut App, id: SafeText, wanted: Option<Deed>) -> Vec<Effect> {
    let Some(head) = known(app, &id) else {
        app.say(Level::Warning, format!("{id} is not known any more"));
        return Vec::new();
    };
    let entries = deeds(app, &head);
    let at = |deed| entries.iter().position(|entry| entry.deed == deed);
    // What waits for approval was opened to be approved, or to be told why one may not.
    let approve = Deed::Answer(Answer::Approve);
    let approve = approve.fits(&head).then_some(approve);
    let first = entries.iter().position(|entry| entry.refusal.is_none());
    let index = wanted.or(approve).and_then(at).or(first).unwrap_or(0);
    app.popup = Some(Popup::Wide(Box::new(WidePopup::Deeds { id, index })));
    remediations::ask_detail(app).into_iter().collect()
}

/// What is known of one: of the list, or of what was read last.
pub(super) fn known(app: &App, id: &str) -> Option<Arc<WideRemediation>> {
    let listed = app.remediations.get(id).cloned();
    listed.or_else(|| app.remediations.detail_of(id).map(|detail| detail.head.clone()))
}

/// A command that was typed: the menu of the one that it can only be about, with the cursor on it.
pub(super) fn typed(app: &mut App, deed: Deed) -> Vec<Effect> {
    if let Ok(id) = remediations::subject(app) {
        return open(app, id, Some(deed));
    }
    let fitting = app.remediations.all().filter(|head| deed.fits(head)).map(|head| head.id.clone());
    let fitting: Vec<SafeText> = fitting.take(2).collect();
    match fitting.as_slice() {
        [only] => {
            let only = only.clone();
            app.remediations.selected = Some(only.clone());
            let mut effects = super::keys::go(app, remediations::stack(), None);
            effects.extend(open(app, only, Some(deed)));
            effects
        }
        [_, ..] => {
            let verbs = app.keymap.label(CommandId::Verbs);
            let effects = super::keys::go(app, remediations::stack(), None);
            app.say(Level::Info, format!("there are several: choose one, then {verbs}"));
            effects
        }
        [] => {
            let verbs = app.keymap.label(CommandId::Verbs);
            let text = format!(
                "there is no remediation to {}; what may be done to an instance is behind {verbs}",
                deed.name()
            );
            app.say(Level::Info, text);
            Vec::new()
        }
    }
}

/// A key while one of the popups of remediations is open.
pub(super) fn key(app: &mut App, event: &KeyEvent, key: Key) -> Vec<Effect> {
    let Some(Popup::Wide(wide)) = &app.popup else { return Vec::new() };
    match &**wide {
        WidePopup::Parameters(_) => runbooks::key(app, event, key),
        WidePopup::Offers(_) | WidePopup::Deployments(_) | WidePopup::Planning { .. } | WidePopup::Review(_) => {
            many::key(app, event, key)
        }
        WidePopup::Deeds { .. } => menu_key(app, key),
        WidePopup::Sure { .. } => sure_key(app, key),
        WidePopup::Answer(_) => answer_key(app, event, key),
    }
}

fn menu_key(app: &mut App, key: Key) -> Vec<Effect> {
    if lists::leaves(app, key) {
        app.popup = None;
        app.forget(Target::Wide);
        return Vec::new();
    }
    if lists::is(key, &["enter"]) {
        return choose(app);
    }
    if let Some(step) = lists::step(app, key)
        && let Some(WidePopup::Deeds { index, .. }) = wide(app)
    {
        *index = step.from(*index, Deed::ALL.len(), 10);
    }
    Vec::new()
}

/// The popup of remediations that is open.
pub(super) fn wide(app: &mut App) -> Option<&mut WidePopup> {
    match &mut app.popup {
        Some(Popup::Wide(wide)) => Some(wide),
        _ => None,
    }
}

/// Enter on an entry of the menu.
pub(super) fn choose(app: &mut App) -> Vec<Effect> {
    let Some(WidePopup::Deeds { id, index }) = wide(app) else { return Vec::new() };
    let (id, index) = (id.clone(), *index);
    let Some(head) = known(app, &id) else { return Vec::new() };
    let entries = deeds(app, &head);
    let Some(entry) = entries.get(index) else { return Vec::new() };
    if let Some(why) = &entry.refusal {
        app.say(Level::Warning, format!("{}: {why}", entry.deed.name()));
        return Vec::new();
    }
    match entry.deed {
        // Nothing is lost by it, and each second counts.
        Deed::Control(Control::Hold) => send(app, id, Control::Hold),
        Deed::Control(control) => {
            app.popup = Some(Popup::Wide(Box::new(WidePopup::Sure { id, control, yes: false })));
            Vec::new()
        }
        Deed::Answer(answer) => {
            let form = AnswerForm::new(head, answer, &app.settings.operator);
            app.popup = Some(Popup::Wide(Box::new(WidePopup::Answer(Box::new(form)))));
            Vec::new()
        }
        Deed::Again(state) => {
            let Some(detail) = app.remediations.detail_of(&id) else { return Vec::new() };
            let items = detail.items.iter().filter(|item| item.state == state);
            let whom = Whom::again(items.map(|item| item.target.id.clone()).collect(), state.name(), &id);
            let frozen = &head.plan.frozen;
            let wish = PlanWish {
                remedy: frozen.remedy.again(),
                selection: whom.selection.clone(),
                waves: frozen.waves.clone(),
                pace: frozen.pace,
            };
            many::plan(app, wish, whom, String::new())
        }
        Deed::RollBack => many::plan_rollback(app, id, Whom::of_remediation(&head)),
    }
}

fn sure_key(app: &mut App, key: Key) -> Vec<Effect> {
    let is = |names: &[&str]| lists::is(key, names);
    let Some(WidePopup::Sure { id, control, yes }) = wide(app) else { return Vec::new() };
    if is(&["esc", "ctrl-c"]) {
        app.popup = None;
    } else if is(&["tab", "backtab", "left", "right", "h", "l"]) {
        *yes = !*yes;
    } else if is(&["enter"]) {
        let (id, control, yes) = (id.clone(), *control, *yes);
        app.popup = None;
        if yes {
            return send(app, id, control);
        }
    }
    Vec::new()
}

/// Starts, holds, resumes or ends one: the only way to that.
fn send(app: &mut App, id: SafeText, control: Control) -> Vec<Effect> {
    let refusal = known(app, &id).map(|head| deeds(app, &head)).and_then(|entries| {
        entries.into_iter().find(|entry| entry.deed == Deed::Control(control)).and_then(|entry| entry.refusal)
    });
    app.popup = None;
    if let Some(why) = refusal {
        app.say(Level::Warning, format!("{}: {why}", control.name()));
        return Vec::new();
    }
    app.say(Level::Info, format!("{} {id}: being recorded", control.name()));
    let ticket = app.ticket(Target::Control);
    vec![Effect::Control { ticket, id, control }]
}

/// It was started, held, resumed or ended, or not.
pub(super) fn control_came(
    app: &mut App,
    control: Control,
    answer: Result<Arc<WideRemediation>, OpsError>,
) -> Vec<Effect> {
    match answer {
        Ok(head) => {
            let counts = words::counts(&head.counts, app.glyphs.part);
            let text = format!("{}: {}, {counts}", control.name(), head.state.told());
            remediations::keep(app, head);
            app.say(Level::Info, text);
        }
        Err(error) => {
            let head = match error {
                // The record may or may not have been made: the answer was lost.
                OpsError::Source(_) => "not known whether it was recorded",
                _ => "not done",
            };
            app.say(Level::Warning, format!("{}: {head}: {error}", control.name()));
        }
    }
    let mut effects = vec![app.ask(Ask::Wides)];
    effects.extend(remediations::ask_detail(app));
    effects
}

fn answer_key(app: &mut App, event: &KeyEvent, key: Key) -> Vec<Effect> {
    let is = |names: &[&str]| lists::is(key, names);
    let most = popups::overflow(app);
    let Some(WidePopup::Answer(form)) = wide(app) else { return Vec::new() };
    let parts = form.parts();
    if is(&["esc", "ctrl-c"]) || form.error.is_some() && is(&["enter"]) {
        app.popup = None;
    } else if is(&["pgup"]) {
        form.scroll = form.scroll.min(most).saturating_sub(5);
    } else if is(&["pgdn"]) {
        form.scroll = (form.scroll + 5).min(most);
    } else if form.sent {
        // Nothing more can be sent from here; a second Enter finds nothing to press.
    } else if is(&["tab", "down"]) || is(&["right"]) && form.focus == AnswerPart::Cancel {
        form.focus = many::beside(&parts, form.focus, 1);
    } else if is(&["backtab", "up"]) || is(&["left"]) && form.focus == AnswerPart::Do {
        form.focus = many::beside(&parts, form.focus, parts.len() - 1);
    } else if is(&["enter"]) {
        match form.focus {
            AnswerPart::Comment | AnswerPart::Code => form.focus = many::beside(&parts, form.focus, 1),
            AnswerPart::Cancel => app.popup = None,
            AnswerPart::Do => return self::answer(app),
        }
    } else {
        match (form.focus, &mut form.code) {
            (AnswerPart::Code, Some(code)) => {
                code.handle_event(&Event::Key(*event));
            }
            // Text belongs to the comment, wherever the focus is: none of it is lost.
            (AnswerPart::Comment, _) => {
                form.comment.handle_event(&Event::Key(*event));
            }
            _ => {
                let before = form.comment.value().len();
                if matches!(event.code, KeyCode::Char(_)) {
                    form.comment.handle_event(&Event::Key(*event));
                }
                if form.comment.value().len() > before {
                    form.focus = AnswerPart::Comment;
                }
            }
        }
    }
    Vec::new()
}

/// Enter on the button: the only way to an approval or a denial.
fn answer(app: &mut App) -> Vec<Effect> {
    let now = app.now;
    if app.remediations.reviewing {
        app.say(Level::Warning, "what was said before has not been answered yet; nothing was sent");
        return Vec::new();
    }
    let Some(Popup::Wide(wide)) = &app.popup else { return Vec::new() };
    let WidePopup::Answer(form) = &**wide else { return Vec::new() };
    let known = known(app, &form.head.id);
    if let Some(why) = form.obstacle(known.as_deref(), now) {
        app.say(Level::Warning, why);
        return Vec::new();
    }
    let review = form.review();
    if let Some(WidePopup::Answer(form)) = self::wide(app) {
        form.sent = true;
    }
    app.remediations.reviewing = true;
    let ticket = app.ticket(Target::WideReview);
    vec![Effect::Review { ticket, review }]
}

/// What was said was recorded, or not.
pub(super) fn review_came(app: &mut App, answer: Result<Arc<WideRemediation>, OpsError>) -> Vec<Effect> {
    app.remediations.reviewing = false;
    match answer {
        Ok(head) => {
            if matches!(wide(app), Some(WidePopup::Answer(form)) if form.head.id == head.id) {
                app.popup = None;
            }
            app.say(Level::Info, format!("recorded; {}", words::next(&head)));
            remediations::keep(app, head);
        }
        Err(error) => {
            app.say(Level::Warning, format!("not recorded: {error}"));
            if let Some(WidePopup::Answer(form)) = wide(app)
                && form.sent
            {
                form.error = Some(error);
            }
        }
    }
    let mut effects = vec![app.ask(Ask::Wides)];
    effects.extend(remediations::ask_detail(app));
    effects
}
