//! Leaving a finding of drift alone for a while: the popup that asks for how long and why. It changes nothing outside.

use crossterm::event::{Event, KeyEvent};
use jiff::SignedDuration;
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler as _;

use super::{drift, prompt};
use crate::cockpit::app::{App, Level, Popup};
use crate::cockpit::keymap::Key;
use crate::cockpit::msg::{Ask, Effect};
use crate::domain::drift::KnownDrift;
use crate::domain::text::SafeText;
use crate::domain::time::words;
use crate::ops::{IgnoreOf, OpsError, is_reason};

/// For how long, from one key to the next.
const LENGTHS: [i64; 8] = [1, 4, 8, 24, 3 * 24, 7 * 24, 30 * 24, 90 * 24];

/// A day, until somebody says otherwise.
const USUAL: usize = 3;

/// What the popup holds.
#[derive(Debug, Clone)]
pub struct IgnoreForm {
    /// Which finding.
    pub known: KnownDrift,
    /// Why.
    pub reason: Input,
    /// Which length.
    length: usize,
    /// Whether it has been asked for and not been answered.
    pub sent: bool,
    /// Why it was refused.
    pub error: Option<SafeText>,
}

impl IgnoreForm {
    /// Whether the reason is long enough.
    pub fn ready(&self) -> bool {
        is_reason(self.reason.value())
    }

    /// Whether it ends what was said before.
    pub const fn ends(&self) -> bool {
        self.known.ignore.is_some()
    }

    /// For how long.
    pub fn lasting(&self) -> SignedDuration {
        SignedDuration::from_hours(LENGTHS.get(self.length).copied().unwrap_or(1))
    }
}

/// Opens the popup.
pub(super) fn open(app: &mut App, known: Option<KnownDrift>) -> Vec<Effect> {
    let Some(known) = known else { return Vec::new() };
    let form = IgnoreForm { known, reason: Input::default(), length: USUAL, sent: false, error: None };
    app.popup = Some(Popup::Ignore(Box::new(form)));
    Vec::new()
}

/// A key while it is open.
pub(super) fn key(app: &mut App, event: &KeyEvent, key: Key) -> Vec<Effect> {
    let is = |name: &str| Key::parse(name) == Some(key);
    let now = app.now;
    let Some(Popup::Ignore(form)) = &mut app.popup else { return Vec::new() };
    if is("esc") || is("ctrl-c") {
        app.popup = None;
    } else if form.sent {
        // A second Enter finds nothing to press.
    } else if is("enter") {
        if form.ready() {
            form.sent = true;
            form.error = None;
            let until = (!form.ends()).then(|| now.saturating_add(form.lasting()).unwrap_or(now));
            let reason = SafeText::new(form.reason.value().trim());
            let ignore = IgnoreOf { id: form.known.finding.id.clone(), until, reason };
            return vec![app.ask(Ask::Ignore(ignore))];
        }
    } else if is("up") {
        form.length = (form.length + 1).min(LENGTHS.len() - 1);
    } else if is("down") {
        form.length = form.length.saturating_sub(1);
    } else {
        form.reason.handle_event(&Event::Key(*event));
    }
    Vec::new()
}

/// Pasted text goes into the reason.
pub(super) fn paste(app: &mut App, text: &str) {
    if let Some(Popup::Ignore(form)) = &mut app.popup
        && !form.sent
    {
        prompt::insert(&mut form.reason, text);
    }
}

/// It is left alone, or not any more, or it was refused.
pub(super) fn came(app: &mut App, answer: Result<KnownDrift, OpsError>) -> Vec<Effect> {
    match answer {
        Ok(known) => {
            if matches!(app.popup, Some(Popup::Ignore(_))) {
                app.popup = None;
            }
            let said = match &known.ignore {
                Some(ignore) => format!("left alone for {}", words(ignore.until.duration_since(app.now))),
                None => "not left alone any more".to_owned(),
            };
            app.say(Level::Info, said);
            if app.drift.open.as_ref().is_some_and(|open| open.finding.id == known.finding.id) {
                app.drift.open = Some(known);
            }
        }
        Err(error) => match &mut app.popup {
            Some(Popup::Ignore(form)) => {
                form.sent = false;
                form.error = Some(error.to_string().into());
            }
            _ => app.say(Level::Warning, error.to_string()),
        },
    }
    drift::changed(app).into_iter().collect()
}
