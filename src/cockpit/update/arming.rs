//! Arming a production context and locking it again: from the typed command, or in a popup that asks for the reason.
//! It changes nothing outside: each act still has its own plan and review.

use crossterm::event::KeyEvent;
use jiff::SignedDuration;

use crate::cockpit::app::{App, Level, Popup};
use crate::cockpit::keymap::Key;
use crate::cockpit::msg::{Ask, Effect, Target};
use crate::cockpit::update::reason::{Pressed, ReasonForm};
use crate::domain::text::SafeText;
use crate::domain::time::{parse_duration, words};
use crate::ops::{ARM_AT_MOST, Armed, NOT_LOCKED, OpsError, REASON_LEAST, is_reason};

/// By how much the keys change the time.
const STEP: SignedDuration = SignedDuration::from_mins(5);

/// What the popup holds that asks for the reason.
#[derive(Debug, Clone)]
pub struct ArmForm {
    /// Why.
    pub reason: ReasonForm,
    /// For how long.
    pub lasting: SignedDuration,
}

/// Opens the popup, or says why there is nothing to arm.
pub(super) fn open(app: &mut App, lasting: SignedDuration, reason: &str) -> Vec<Effect> {
    if let Err(why) = lockable(app) {
        app.say(Level::Info, why);
        return Vec::new();
    }
    app.popup = Some(Popup::Arm(Box::new(ArmForm { reason: ReasonForm::new(reason), lasting })));
    Vec::new()
}

/// `[30m] REASON`, typed after the command.
pub(super) fn arm_with(app: &mut App, words_typed: &str) -> Result<Vec<Effect>, String> {
    lockable(app).map_err(|why| why.to_string())?;
    let (first, rest) = words_typed.split_once(char::is_whitespace).unwrap_or((words_typed, ""));
    let begins_with_digit = first.starts_with(|c: char| c.is_ascii_digit());
    let (lasting, reason) = match parse_duration(first) {
        Ok(lasting) => (lasting, rest.trim()),
        Err(error) if begins_with_digit && rest.is_empty() => return Err(error.to_string()),
        Err(_) => (ARM_AT_MOST, words_typed),
    };
    if !lasting.is_positive() || lasting > ARM_AT_MOST {
        return Err(format!("it can be armed for {} at most", words(ARM_AT_MOST)));
    }
    if reason.is_empty() {
        return Ok(open(app, lasting, ""));
    }
    if !is_reason(reason) {
        return Err(format!("a reason of at least {REASON_LEAST} characters is needed"));
    }
    Ok(vec![app.ask(Ask::Arm { lasting, reason: reason.to_owned() })])
}

/// Locks the context again.
pub(super) fn disarm(app: &mut App) -> Vec<Effect> {
    match lockable(app) {
        Err(why) => app.say(Level::Info, why),
        Ok(()) if app.armed().is_none() => app.say(Level::Info, "it is not armed"),
        Ok(()) => return vec![app.ask(Ask::Disarm)],
    }
    Vec::new()
}

/// Whether the context has a lock, else why not.
fn lockable(app: &App) -> Result<(), SafeText> {
    match (app.overview.value(), app.read_only()) {
        (Some(overview), _) if overview.lock.is_some() => Ok(()),
        (_, Some(why)) => Err(format!("it can't be armed: {why}").into()),
        (Some(_), None) => Err(NOT_LOCKED.into()),
        (None, None) => Err("the hub has not answered yet".into()),
    }
}

/// A key while the popup is open.
pub(super) fn key(app: &mut App, event: &KeyEvent, key: Key) -> Vec<Effect> {
    let Some(Popup::Arm(form)) = &mut app.popup else { return Vec::new() };
    match form.reason.key(event, key) {
        Pressed::Close => app.popup = None,
        Pressed::Send => {
            let ask = Ask::Arm { lasting: form.lasting, reason: form.reason.text().to_owned() };
            return vec![app.ask(ask)];
        }
        Pressed::Up => form.lasting = (form.lasting + STEP).min(ARM_AT_MOST),
        Pressed::Down => form.lasting = (form.lasting - STEP).max(STEP.min(form.lasting)),
        Pressed::Taken => {}
    }
    Vec::new()
}

/// The hub armed it, locked it, or refused.
pub(super) fn came(app: &mut App, answer: Result<Option<Armed>, OpsError>) {
    match answer {
        Ok(armed) => {
            if matches!(app.popup, Some(Popup::Arm(_))) {
                app.popup = None;
            }
            match &armed {
                Some(armed) => {
                    let left = words(armed.until.duration_since(app.now));
                    app.say(Level::Warning, format!("armed for {left}; :disarm locks it again"));
                }
                None => app.say(Level::Info, "locked: nothing is acted on any more"),
            }
            // At once, also where live updates are paused.
            app.set_armed(armed);
        }
        Err(error) => match &mut app.popup {
            Some(Popup::Arm(form)) => form.reason.refused(&error),
            _ => app.say(Level::Warning, error.to_string()),
        },
    }
}

/// Says when the time is over.
pub(super) fn tick(app: &mut App) {
    let over = app
        .overview
        .value()
        .and_then(|overview| overview.lock.as_ref()?.armed.as_ref())
        .is_some_and(|armed| armed.until <= app.now);
    if over {
        app.set_armed(None);
        app.forget(Target::Arm);
        app.say(Level::Warning, "read-only again: the time for which it was armed is over");
    }
}
