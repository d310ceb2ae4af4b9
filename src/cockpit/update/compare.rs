//! Comparing two instances: the first is remembered, the second opens the screen.

use crate::cockpit::app::{App, Level};
use crate::cockpit::command::CommandId;
use crate::cockpit::compare::CompareState;
use crate::cockpit::msg::{Ask, Effect};
use crate::cockpit::settings::ScreenName;
use crate::domain::ids::InstanceId;
use crate::ops::{FlowAnswer, OpsError, Selection};

use super::keys;

/// Compares the two that are marked; else remembers the instance under the cursor, or compares it with the one that was
/// remembered.
pub(super) fn choose(app: &mut App) -> Vec<Effect> {
    if let Some(Selection::Ids(ids)) = app.marked() {
        let two = (ids.first().cloned().filter(|_| ids.len() == 2)).zip(ids.last().cloned());
        if let Some((first, second)) = two {
            return show(app, [first, second]);
        }
    }
    let id = match app.subject() {
        Ok(id) => id,
        Err(why) => {
            app.say(Level::Info, why);
            return Vec::new();
        }
    };
    match app.compare.first.take() {
        Some(first) if first != id => show(app, [first, id]),
        Some(_) => {
            app.say(Level::Info, "this one is no longer remembered");
            Vec::new()
        }
        None => {
            let compare = app.keymap.label(CommandId::Compare);
            app.say(Level::Info, format!("{id} is remembered: {compare} on another one compares them"));
            app.compare.first = Some(id);
            Vec::new()
        }
    }
}

/// Opens the screen on two.
pub(super) fn show(app: &mut App, pair: [InstanceId; 2]) -> Vec<Effect> {
    app.compare = CompareState { pair: Some(pair), ..CompareState::default() };
    let mut stack = app.stack.clone();
    stack.push(ScreenName::Compare);
    keys::go(app, stack, None)
}

/// Asks for both.
pub(super) fn ask(app: &mut App) -> Option<Effect> {
    let pair = app.compare.pair.clone()?;
    for answer in &mut app.compare.answers {
        answer.asked(app.now);
    }
    Some(app.ask(Ask::Pair(pair)))
}

/// They came.
pub(super) fn came(app: &mut App, answers: [Result<FlowAnswer, OpsError>; 2]) {
    let now = app.now;
    for (known, answer) in app.compare.answers.iter_mut().zip(answers) {
        known.answered(answer, now);
    }
}
