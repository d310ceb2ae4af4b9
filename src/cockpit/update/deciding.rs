//! What is decided of a finding of drift: to leave it alone for a while, or that what is there is wanted. The popup asks
//! why, and for how long. It changes nothing outside.

use crossterm::event::KeyEvent;
use jiff::SignedDuration;

use super::drift;
use crate::cockpit::app::{App, Level, Popup};
use crate::cockpit::keymap::Key;
use crate::cockpit::msg::{Ask, Effect};
use crate::cockpit::settings::ScreenName;
use crate::cockpit::update::reason::{Pressed, ReasonForm};
use crate::domain::drift::KnownDrift;
use crate::domain::text::SafeText;
use crate::domain::time::words;
use crate::ops::{AdoptOf, IgnoreOf, OpsError};

/// For how long, from one key to the next.
const LENGTHS: [i64; 8] = [1, 4, 8, 24, 3 * 24, 7 * 24, 30 * 24, 90 * 24];

/// A day, until somebody says otherwise.
const USUAL: usize = 3;

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decides {
    /// To leave it alone for a while, or not any more.
    Ignore,
    /// That what is there is wanted, or not any more.
    Adopt,
}

/// What the popup holds.
#[derive(Debug, Clone)]
pub struct DecisionForm {
    /// What is decided.
    pub decides: Decides,
    /// Which finding, as it was when the popup was opened.
    pub known: KnownDrift,
    /// Why.
    pub reason: ReasonForm,
    /// Which length.
    length: usize,
}

impl DecisionForm {
    /// Whether it ends what was said before.
    pub fn ends(&self) -> bool {
        match self.decides {
            Decides::Ignore => self.known.ignore.is_some(),
            // One that holds no more is made anew, of what is there now.
            Decides::Adopt => self.known.adopted().is_some(),
        }
    }

    /// For how long it is left alone.
    pub fn lasting(&self) -> SignedDuration {
        SignedDuration::from_hours(LENGTHS.get(self.length).copied().unwrap_or(1))
    }

    fn ask(&self, now: jiff::Timestamp) -> Ask {
        let id = self.known.finding.id.clone();
        let reason = SafeText::new(self.reason.text());
        match self.decides {
            Decides::Ignore => {
                let until = (!self.ends()).then(|| now.saturating_add(self.lasting()).unwrap_or(now));
                Ask::Ignore(IgnoreOf { id, until, reason })
            }
            Decides::Adopt => {
                let seen = (!self.ends()).then(|| self.known.finding.seen());
                Ask::Adopt(AdoptOf { id, seen, reason })
            }
        }
    }
}

/// Opens the popup.
pub(super) fn open(app: &mut App, decides: Decides, known: Option<KnownDrift>) -> Vec<Effect> {
    let Some(known) = known else { return Vec::new() };
    let form = DecisionForm { decides, known, reason: ReasonForm::default(), length: USUAL };
    app.popup = Some(Popup::Decide(Box::new(form)));
    Vec::new()
}

/// The key that adopts what is under the cursor, or takes that back.
pub(super) fn adopt(app: &mut App) -> Vec<Effect> {
    let Some(known) = app.drift.looked_at(app.screen() == ScreenName::Finding).cloned() else {
        app.say(Level::Info, "there is nothing to adopt here");
        return Vec::new();
    };
    let why = app.read_only().map(ToString::to_string);
    let why = why.or_else(|| known.adopted().is_none().then(|| known.unadoptable()).flatten());
    if let Some(why) = why {
        app.say(Level::Warning, format!("adopt: {why}"));
        return Vec::new();
    }
    open(app, Decides::Adopt, Some(known))
}

/// A key while it is open.
pub(super) fn key(app: &mut App, event: &KeyEvent, key: Key) -> Vec<Effect> {
    let now = app.now;
    let Some(Popup::Decide(form)) = &mut app.popup else { return Vec::new() };
    match form.reason.key(event, key) {
        Pressed::Close => app.popup = None,
        Pressed::Send => {
            let ask = form.ask(now);
            return vec![app.ask(ask)];
        }
        Pressed::Up => form.length = (form.length + 1).min(LENGTHS.len() - 1),
        Pressed::Down => form.length = form.length.saturating_sub(1),
        Pressed::Taken => {}
    }
    Vec::new()
}

/// It is decided, or it was refused.
pub(super) fn came(app: &mut App, answer: Result<KnownDrift, OpsError>) -> Vec<Effect> {
    match answer {
        Ok(known) => {
            let decided = match &app.popup {
                Some(Popup::Decide(form)) => Some(form.decides),
                _ => None,
            };
            if decided.is_some() {
                app.popup = None;
            }
            let said = match (&known.ignore, known.adopted(), decided) {
                (Some(ignore), ..) => format!("left alone for {}", words(ignore.until.duration_since(app.now))),
                (None, Some(_), _) => "adopted, for as long as it differs as it does now".to_owned(),
                (None, None, Some(Decides::Adopt)) => "not adopted any more".to_owned(),
                (None, None, _) => "not left alone any more".to_owned(),
            };
            app.say(Level::Info, said);
            if app.drift.open.as_ref().is_some_and(|open| open.finding.id == known.finding.id) {
                app.drift.open = Some(known);
            }
        }
        Err(error) => match &mut app.popup {
            Some(Popup::Decide(form)) => form.reason.refused(&error),
            _ => app.say(Level::Warning, error.to_string()),
        },
    }
    drift::changed(app).into_iter().collect()
}
