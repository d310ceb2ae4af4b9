//! What changed before a cohort got stuck: asked for, and taken in.

use crate::cockpit::app::{App, Level, Pane, Popup, SuspectsLook};
use crate::cockpit::command::CommandId;
use crate::cockpit::msg::{Ask, Effect};
use crate::cockpit::remote::Remote;
use crate::cockpit::settings::ScreenName;
use crate::ops::{CohortSuspects, OpsError};

/// Opens it for the cohort under the cursor.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let board = app.screen() == ScreenName::Board;
    let on_strip = board && app.board.pane == Pane::Strip;
    let cohort = super::claims::cohort_here(app).filter(|_| !on_strip).cloned();
    let Some(cohort) = cohort else {
        let why = if on_strip {
            format!("{} goes to the cohorts: this is about one of them", app.keymap.label(CommandId::NextPane))
        } else {
            "there is no cohort here: only what is stuck has a cause to look for".to_owned()
        };
        app.say(Level::Info, why);
        return Vec::new();
    };
    let ask = Ask::Suspects(cohort.id.clone());
    app.popup = Some(Popup::Suspects(Box::new(SuspectsLook { cohort, answer: Remote::Loading(app.now), scroll: 0 })));
    vec![app.ask(ask)]
}

/// The answer.
pub(super) fn came(app: &mut App, answer: Result<CohortSuspects, OpsError>) {
    let now = app.now;
    let Some(Popup::Suspects(look)) = &mut app.popup else { return };
    if answer.as_ref().is_ok_and(|answer| answer.cohort.id != look.cohort.id) {
        return;
    }
    look.answer.answered(answer, now);
}
