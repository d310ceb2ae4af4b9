//! The viewer of raw JSON: opened, moved in, folded and searched.

use crate::cockpit::app::{App, Level, Prompt, PromptKind};
use crate::cockpit::command::CommandId;
use crate::cockpit::msg::{Ask, Effect};
use crate::cockpit::raw::RawState;
use crate::cockpit::screens;
use crate::cockpit::settings::ScreenName;
use crate::domain::raw::RawFlow;
use crate::ops::OpsError;

use super::keys;

/// Opens what the engine keeps of the instance under the cursor.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let id = match app.subject() {
        Ok(id) => id,
        Err(why) => {
            app.say(Level::Info, why);
            return Vec::new();
        }
    };
    if app.raw.id.as_ref() != Some(&id) {
        app.raw = RawState::of(id);
    }
    let mut stack = app.stack.clone();
    stack.push(ScreenName::Raw);
    keys::go(app, stack, None)
}

/// Asks for it.
pub(super) fn ask(app: &mut App) -> Option<Effect> {
    let id = app.raw.id.clone()?;
    app.raw.answer.asked(app.now);
    Some(app.ask(Ask::Raw(id)))
}

/// It came.
pub(super) fn came(app: &mut App, answer: Result<RawFlow, OpsError>) {
    app.raw.answer.answered(answer, app.now);
    lay_out(app);
}

/// Lays it out for the terminal's size.
pub(super) fn lay_out(app: &mut App) {
    let rows = rows(app);
    app.raw.lay_out(usize::from(app.size.0));
    app.raw.keep_in_view(rows);
}

/// How many lines are on screen.
pub(super) fn rows(app: &App) -> usize {
    usize::from(screens::raw::area(app).height).max(1)
}

pub(super) fn toggle(app: &mut App, all: bool) -> Vec<Effect> {
    if all {
        app.raw.toggle_all();
    } else {
        app.raw.toggle();
    }
    let rows = rows(app);
    app.raw.keep_in_view(rows);
    Vec::new()
}

/// Unfolds what is under the cursor.
pub(super) fn unfold(app: &mut App) -> Vec<Effect> {
    app.raw.unfold();
    let rows = rows(app);
    app.raw.keep_in_view(rows);
    Vec::new()
}

/// Folds what is under the cursor, or goes to what holds it. False at the outermost: then there is only the way back.
pub(super) fn fold_out(app: &mut App) -> bool {
    let done = app.raw.fold_out();
    let rows = rows(app);
    app.raw.keep_in_view(rows);
    done
}

/// Takes the search away. Tells whether there was one.
pub(super) fn forget_search(app: &mut App) -> bool {
    !std::mem::take(&mut app.raw.search).is_empty()
}

/// Opens the line into which one types what is searched for.
pub(super) fn open_search(app: &mut App) -> Vec<Effect> {
    let before = (app.raw.search.clone(), app.raw.cursor);
    app.prompt = Some(Prompt::new(PromptKind::Search { before }, ""));
    Vec::new()
}

/// What is typed is searched for at once, from where the cursor was.
pub(super) fn typed(app: &mut App, text: &str, from: usize) {
    app.raw.search = text.to_lowercase();
    app.raw.cursor = from;
    let found = app.raw.search.is_empty() || app.raw.find(false, true);
    if let Some(prompt) = &mut app.prompt {
        prompt.error = (!found).then(|| "nothing here holds it".to_owned());
    }
    let rows = rows(app);
    app.raw.keep_hit_in_view(rows);
}

/// Takes a search back.
pub(super) fn cancel(app: &mut App, before: (String, usize)) {
    let rows = rows(app);
    app.raw.search = before.0;
    app.raw.move_to(before.1, rows);
}

/// The next line that holds what is searched for.
pub(super) fn next(app: &mut App, backwards: bool) -> Vec<Effect> {
    if app.raw.search.is_empty() {
        app.say(Level::Info, format!("nothing is searched for: {} begins", app.keymap.label(CommandId::Search)));
    } else if !app.raw.find(backwards, false) {
        app.say(Level::Info, "nothing here holds it");
    }
    let rows = rows(app);
    app.raw.keep_hit_in_view(rows);
    Vec::new()
}
