//! The line that is typed: a filter, which is tried as it is typed, or a command.

use crossterm::event::{Event, KeyEvent};
use tui_input::backend::crossterm::EventHandler as _;
use tui_input::{Input, InputRequest};

use super::moving::Step;
use super::{acting, claims, drift, events, keys, moving, raw, tenants};
use crate::cockpit::app::{App, Level, Popup, Prompt, PromptKind};
use crate::cockpit::keymap::Key;
use crate::cockpit::msg::Effect;
use crate::cockpit::palette;
use crate::cockpit::settings::ScreenName;
use crate::cockpit::widgets::palette::chosen;
use crate::domain::text::SafeText;
use crate::query::Filter;

/// The longest text that a line takes, in characters.
const MAX: usize = 1_000;

pub(super) fn open_filter(app: &mut App) -> Vec<Effect> {
    open_filter_with(app, "")
}

/// Opens the filter with something typed into it already.
pub(super) fn open_filter_with(app: &mut App, text: &str) -> Vec<Effect> {
    let came = app.screen() != ScreenName::Flows;
    let effects =
        if came { keys::go(app, vec![ScreenName::Board, ScreenName::Flows], Some(String::new())) } else { Vec::new() };
    let before = app.flows.text.clone();
    // What is typed is a word of its own, and not the end of the last one.
    let gap = if before.is_empty() || before.ends_with(' ') { "" } else { " " };
    let line = format!("{before}{gap}{text}");
    app.prompt = Some(Prompt::new(PromptKind::Filter { before, came }, line));
    effects
}

pub(super) fn open_command(app: &mut App) -> Vec<Effect> {
    app.prompt = Some(Prompt::new(PromptKind::Command, ""));
    Vec::new()
}

pub(super) fn key(app: &mut App, event: &KeyEvent, key: Key) -> Vec<Effect> {
    let is = |name: &str| Key::parse(name) == Some(key);
    if is("esc") || is("ctrl-c") {
        return keys::cancel_prompt(app);
    }
    if is("enter") {
        return enter(app);
    }
    if is("up") || is("ctrl-p") {
        return up_or_down(app, Step::Up);
    }
    if is("down") || is("ctrl-n") {
        return up_or_down(app, Step::Down);
    }
    if is("tab") || is("backtab") {
        return complete(app);
    }
    let Some(prompt) = &mut app.prompt else { return Vec::new() };
    if is("backspace") && prompt.input.value().is_empty() && prompt.kind == PromptKind::Command {
        app.prompt = None;
        return Vec::new();
    }
    let before = prompt.input.value().to_owned();
    if before.chars().count() < MAX || !matches!(event.code, crossterm::event::KeyCode::Char(_)) {
        prompt.input.handle_event(&Event::Key(*event));
    }
    if prompt.input.value() == before { Vec::new() } else { typed(app) }
}

/// Up and Down: through the lines of before while nothing else was typed, else through what is offered.
fn up_or_down(app: &mut App, step: Step) -> Vec<Effect> {
    let Some(prompt) = &app.prompt else { return Vec::new() };
    // Who looks for somebody sees who is found, and goes through them.
    if matches!(prompt.kind, PromptKind::Tenant { .. }) {
        return tenants::step(app, step);
    }
    let recalls = prompt.recalled.is_some()
        || prompt.chosen.is_none() && matches!(step, Step::Up) && prompt.input.value().trim().is_empty()
        || prompt.kind != PromptKind::Command;
    if recalls {
        return recall(app, step);
    }
    self::step(app, step);
    Vec::new()
}

/// A line of before, or the empty one after the last.
fn recall(app: &mut App, step: Step) -> Vec<Effect> {
    let Some(prompt) = &mut app.prompt else { return Vec::new() };
    let lines = app.history.of(&prompt.kind);
    let back = match (step, prompt.recalled) {
        (Step::Up, None) => Some(0),
        (Step::Up, Some(back)) => Some((back + 1).min(lines.len().saturating_sub(1))),
        (_, None | Some(0)) => None,
        (_, Some(back)) => Some(back - 1),
    };
    let line = back.and_then(|back| lines.get(lines.len().checked_sub(back + 1)?)).cloned();
    if line.is_none() && prompt.recalled.is_none() {
        return Vec::new();
    }
    prompt.input = Input::new(line.clone().unwrap_or_default());
    let effects = typed(app);
    if let Some(prompt) = &mut app.prompt {
        prompt.recalled = line.and(back);
    }
    effects
}

/// Moves in what is offered.
pub(super) fn step(app: &mut App, step: Step) {
    let Some(prompt) = app.prompt.as_ref().filter(|prompt| prompt.kind == PromptKind::Command) else { return };
    let count = palette::offers(app, prompt.input.value()).len();
    let at = chosen(app, prompt);
    let to = match (step, at) {
        (Step::Up, None) => count.checked_sub(1),
        (_, None) => (count > 0).then_some(0),
        (step, Some(at)) => Some(step.from(at, count, 10)),
    };
    if let Some(prompt) = &mut app.prompt {
        prompt.chosen = to;
    }
}

/// A click on what is offered; a second one takes it.
pub(super) fn choose(app: &mut App, index: usize, twice: bool) -> Vec<Effect> {
    if let Some(prompt) = &mut app.prompt {
        prompt.chosen = Some(index);
    }
    if twice { enter(app) } else { Vec::new() }
}

/// Pasted text goes where text is typed, as one line.
pub(super) fn paste(app: &mut App, text: &str) -> Vec<Effect> {
    let lines: Vec<_> = text.split(['\r', '\n', '\t']).filter(|line| !line.is_empty()).collect();
    let line = SafeText::new(&lines.join(" "));
    if matches!(app.popup, Some(Popup::Claim(_))) {
        claims::paste(app, &line);
        return Vec::new();
    }
    let input = match (acting::reason_input(app), app.prompt.is_some()) {
        (true, _) => return acting::paste(app, &line),
        (false, true) => app.prompt.as_mut().map(|prompt| &mut prompt.input),
        (false, false) => None,
    };
    let Some(input) = input else { return Vec::new() };
    insert(input, &line);
    typed(app)
}

/// Puts text in at the cursor.
pub(super) fn insert(input: &mut Input, text: &str) {
    let room = MAX.saturating_sub(input.value().chars().count());
    for c in text.chars().take(room) {
        input.handle(InputRequest::InsertChar(c));
    }
}

/// The text has changed: a filter is tried at once; one that can't be read leaves the last one in force.
fn typed(app: &mut App) -> Vec<Effect> {
    let Some(prompt) = &mut app.prompt else { return Vec::new() };
    prompt.error = None;
    prompt.chosen = None;
    prompt.recalled = None;
    let text = prompt.input.value().to_owned();
    match &prompt.kind {
        PromptKind::Command => return Vec::new(),
        PromptKind::Search { before } => {
            let from = before.1;
            raw::typed(app, &text, from);
            return Vec::new();
        }
        PromptKind::Tenant { .. } => return tenants::look_for(app, text.trim()).into_iter().collect(),
        PromptKind::Events { .. } => return events::typed(app, &text),
        PromptKind::Drift { .. } => return drift::typed(app, &text),
        PromptKind::Filter { .. } => {}
    }
    match Filter::parse(&text) {
        Ok(filter) => {
            app.flows.error = None;
            let same = filter == app.flows.filter;
            app.flows.text = text;
            if same {
                return Vec::new();
            }
            app.flows.filter = filter;
            vec![moving::requery(app)]
        }
        Err(error) => {
            app.flows.error = Some(error);
            Vec::new()
        }
    }
}

fn enter(app: &mut App) -> Vec<Effect> {
    let Some(prompt) = &app.prompt else { return Vec::new() };
    // A blank behind a command's name is what its words are offered for.
    let (kind, typed) = (prompt.kind.clone(), prompt.input.value().trim_start().to_owned());
    let line = typed.trim_end();
    match kind {
        // A filter that can't be read stays open, so that it can be mended.
        PromptKind::Filter { .. } if app.flows.error.is_some() => {
            let why = app.flows.error.as_ref().map(ToString::to_string).unwrap_or_default();
            app.say(Level::Warning, format!("not a filter yet: {why}"));
            Vec::new()
        }
        PromptKind::Events { .. } if app.events.error.is_some() => {
            let why = app.events.error.as_ref().map(ToString::to_string).unwrap_or_default();
            app.say(Level::Warning, format!("not a filter yet: {why}"));
            Vec::new()
        }
        PromptKind::Drift { .. } if app.drift.error.is_some() => {
            let why = app.drift.error.as_ref().map(ToString::to_string).unwrap_or_default();
            app.say(Level::Warning, format!("not a filter yet: {why}"));
            Vec::new()
        }
        PromptKind::Tenant { .. } => {
            app.prompt = None;
            app.history.keep(&kind, line);
            tenants::found(app)
        }
        PromptKind::Filter { .. }
        | PromptKind::Search { .. }
        | PromptKind::Events { .. }
        | PromptKind::Drift { .. } => {
            app.prompt = None;
            app.history.keep(&kind, line);
            Vec::new()
        }
        PromptKind::Command => run(app, &typed),
    }
}

/// Enter on a command line: what was moved to, or what is named. Nothing is guessed.
fn run(app: &mut App, line: &str) -> Vec<Effect> {
    let Some(prompt) = &app.prompt else { return Vec::new() };
    let offer = prompt.chosen.and_then(|at| palette::offers(app, prompt.input.value()).into_iter().nth(at));
    let line = match offer {
        // What takes words and was only chosen may be gone on with; what needs none is done.
        Some(offer) => match offer.run {
            Some(id) => {
                app.prompt = None;
                app.history.keep(&PromptKind::Command, offer.line.trim());
                return keys::command(app, id);
            }
            None => offer.line,
        },
        None => line.to_owned(),
    };
    if line.is_empty() {
        app.prompt = None;
        return Vec::new();
    }
    let (name, words) = line.split_once(' ').unwrap_or((&line, ""));
    let words = words.trim();
    let done = palette::meant(app, name).and_then(|command| {
        if words.is_empty() {
            app.prompt = None;
            return Ok(keys::command(app, command.id));
        }
        let effects = keys::command_with(app, command, words)?;
        app.prompt = None;
        Ok(effects)
    });
    match done {
        Ok(effects) => {
            app.history.keep(&PromptKind::Command, &line);
            effects
        }
        Err(error) => {
            if let Some(prompt) = &mut app.prompt {
                prompt.error = Some(error);
            }
            Vec::new()
        }
    }
}

/// Completes the line with what is offered: what was moved to, or the best.
fn complete(app: &mut App) -> Vec<Effect> {
    let Some(prompt) = &app.prompt else { return Vec::new() };
    let line = match &prompt.kind {
        PromptKind::Command => {
            let offers = palette::offers(app, prompt.input.value());
            offers.into_iter().nth(chosen(app, prompt).unwrap_or(0)).map(|offer| offer.line)
        }
        PromptKind::Filter { .. } => complete_filter(prompt.input.value(), prompt.input.cursor()),
        PromptKind::Search { .. }
        | PromptKind::Tenant { .. }
        | PromptKind::Events { .. }
        | PromptKind::Drift { .. } => None,
    };
    let Some(line) = line.filter(|line| line != prompt.input.value()) else { return Vec::new() };
    if let Some(prompt) = &mut app.prompt {
        prompt.input = Input::new(line);
    }
    typed(app)
}

/// As far as all that fits is the same, or else the first of it.
fn complete_filter(text: &str, cursor: usize) -> Option<String> {
    let found = Filter::complete(text, cursor);
    let first = found.first()?;
    let common = found.iter().skip(1).fold(first.text.as_str(), |common, other| {
        let same = common.chars().zip(other.text.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
        &common[..same]
    });
    // What stands behind the cursor is the same in all of them, and no part of the completion.
    Some(if found.len() > 1 && common.len() > text.len() { common.to_owned() } else { first.text.clone() })
}
