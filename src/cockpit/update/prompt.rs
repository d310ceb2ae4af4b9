//! The line that is typed: a filter, which is tried as it is typed, or a command.

use crossterm::event::{Event, KeyEvent};
use tui_input::backend::crossterm::EventHandler as _;
use tui_input::{Input, InputRequest};

use super::{acting, keys, moving, raw};
use crate::cockpit::app::{App, Prompt, PromptKind};
use crate::cockpit::command;
use crate::cockpit::keymap::Key;
use crate::cockpit::msg::Effect;
use crate::cockpit::settings::ScreenName;
use crate::domain::text::SafeText;
use crate::query::Filter;

/// The longest text that a line takes, in characters.
const MAX: usize = 1_000;

pub(super) fn open_filter(app: &mut App) -> Vec<Effect> {
    let came = app.screen() != ScreenName::Flows;
    let effects =
        if came { keys::go(app, vec![ScreenName::Board, ScreenName::Flows], Some(String::new())) } else { Vec::new() };
    let before = app.flows.text.clone();
    // What is typed is a word of its own, and not the end of the last one.
    let gap = if before.is_empty() || before.ends_with(' ') { "" } else { " " };
    let input = Input::new(format!("{before}{gap}"));
    app.prompt = Some(Prompt { input, kind: PromptKind::Filter { before, came }, error: None });
    effects
}

pub(super) fn open_command(app: &mut App) -> Vec<Effect> {
    app.prompt = Some(Prompt { kind: PromptKind::Command, input: Input::default(), error: None });
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
    let Some(prompt) = &mut app.prompt else { return Vec::new() };
    if is("tab") {
        if prompt.kind == PromptKind::Command {
            complete(prompt);
        }
        return Vec::new();
    }
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

/// Pasted text goes where text is typed, as one line.
pub(super) fn paste(app: &mut App, text: &str) -> Vec<Effect> {
    let lines: Vec<_> = text.split(['\r', '\n', '\t']).filter(|line| !line.is_empty()).collect();
    let line = SafeText::new(&lines.join(" "));
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
    let text = prompt.input.value().to_owned();
    match &prompt.kind {
        PromptKind::Command => return Vec::new(),
        PromptKind::Search { before } => {
            let from = before.1;
            raw::typed(app, &text, from);
            return Vec::new();
        }
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
    let Some(prompt) = &mut app.prompt else { return Vec::new() };
    match &prompt.kind {
        // A filter that can't be read stays open, so that it can be mended.
        PromptKind::Filter { .. } if app.flows.error.is_some() => Vec::new(),
        PromptKind::Filter { .. } | PromptKind::Search { .. } => {
            app.prompt = None;
            Vec::new()
        }
        PromptKind::Command => {
            let line = prompt.input.value().trim().to_owned();
            if line.is_empty() {
                app.prompt = None;
                return Vec::new();
            }
            let (name, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let rest = rest.trim();
            match command::by_name(name) {
                Ok(command) if !rest.is_empty() => match keys::command_with(app, command, rest) {
                    Ok(effects) => {
                        app.prompt = None;
                        effects
                    }
                    Err(error) => {
                        if let Some(prompt) = &mut app.prompt {
                            prompt.error = Some(error);
                        }
                        Vec::new()
                    }
                },
                Ok(command) => {
                    app.prompt = None;
                    keys::command(app, command.id)
                }
                Err(error) => {
                    prompt.error = Some(error);
                    Vec::new()
                }
            }
        }
    }
}

/// Completes a command as far as it is certain, then steps through what it may be.
fn complete(prompt: &mut Prompt) {
    let found = command::completions(prompt.input.value());
    let Some(first) = found.first() else { return };
    let common = found.iter().skip(1).fold(first.name, |common, command| {
        let same = common.bytes().zip(command.name.bytes()).take_while(|(a, b)| a == b).count();
        &common[..same]
    });
    let text = if common.len() > prompt.input.value().len() { common } else { first.name };
    prompt.input = Input::new(text.to_owned());
}
