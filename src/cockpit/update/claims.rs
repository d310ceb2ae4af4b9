//! The claim menu's keys, and what becomes of what it asks for. It changes nothing in an engine.

use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler as _;

use super::lists;
use crate::cockpit::app::{App, Level, Pane, Popup};
use crate::cockpit::claims::{ClaimMenu, ClaimPart, Field};
use crate::cockpit::command::CommandId;
use crate::cockpit::keymap::Key;
use crate::cockpit::msg::{Ask, Effect, Target};
use crate::cockpit::settings::ScreenName;
use crate::domain::claim::{Claim, NOTE_MAX};
use crate::domain::cohort::{Cohort, cohort_of};
use crate::domain::flow::JudgedFlow;
use crate::ops::OpsError;

/// The longest end that can be typed, in characters.
const END_MAX: usize = 12;

/// Opens the menu for the cohort under the cursor.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let board = app.screen() == ScreenName::Board;
    let cohort = cohort_here(app);
    let why = match cohort {
        None if !board => match app.screen() {
            ScreenName::Flows | ScreenName::Detail => {
                "it is in no cohort of the board: there is nothing to claim".to_owned()
            }
            _ => "cohorts are claimed on the board, and on an instance of one".to_owned(),
        },
        _ if board && app.board.pane == Pane::Strip => {
            format!("{} goes to the cohorts: one of them can be claimed", app.keymap.label(CommandId::NextPane))
        }
        _ if board && app.board.gone => "it is gone from the board; nothing is left to claim".to_owned(),
        None => "there is no cohort to claim".to_owned(),
        Some(cohort) => {
            let menu = ClaimMenu::new(cohort.clone(), app.settings.operator.clone());
            app.popup = Some(Popup::Claim(Box::new(menu)));
            return Vec::new();
        }
    };
    app.say(Level::Info, why);
    Vec::new()
}

/// The cohort under the cursor, or of the instance there.
pub(super) fn cohort_here(app: &App) -> Option<&Cohort> {
    if app.screen() != ScreenName::Board {
        return cohort_of_instance(app);
    }
    app.board.shown.get(app.board.index).filter(|cohort| Some(&cohort.id) == app.board.cohort.as_ref())
}

/// The cohort of the instance under the cursor, or of the open one, if the board has it.
fn cohort_of_instance(app: &App) -> Option<&Cohort> {
    let id = match app.screen() {
        ScreenName::Flows => cohort_of(app.flows.row.as_deref().filter(|_| !app.flows.gone)?)?,
        ScreenName::Detail => {
            let open = app
                .detail
                .answer
                .value()
                .map(|answer| JudgedFlow { flow: answer.detail.flow.clone(), judgement: answer.judgement.clone() });
            match open {
                Some(open) => cohort_of(&open)?,
                None => cohort_of(app.detail.seed.as_deref()?)?,
            }
        }
        _ => return None,
    };
    app.overview.value()?.cohorts.iter().find(|cohort| cohort.id == id)
}

/// A key while the menu is open.
pub(super) fn key(app: &mut App, event: &KeyEvent, key: Key) -> Vec<Effect> {
    let is = |name: &str| Key::parse(name) == Some(key);
    let quit = app.keymap.in_popup(key) == Some(CommandId::Quit);
    let Some(Popup::Claim(menu)) = &mut app.popup else { return Vec::new() };
    let close = is("esc") || is("ctrl-c");
    if let Some((_, yes)) = &mut menu.over {
        if close || quit {
            menu.over = None;
        } else if is("tab") || is("backtab") || is("left") || is("right") || is("h") || is("l") {
            *yes = !*yes;
        } else if is("enter") && *yes {
            return send(app);
        } else if is("enter") {
            menu.over = None;
        }
        return Vec::new();
    }
    if close {
        app.popup = None;
    } else if menu.sent {
        // Nothing more can be asked for before the answer is there.
    } else if is("enter") {
        return send(app);
    } else if is("tab") {
        menu.field = menu.field.next();
    } else if is("backtab") {
        menu.field = menu.field.next().next();
    } else {
        match menu.field {
            Field::What => what_key(app, event, key),
            Field::End if is("right") || is("left") => menu.step_end(is("right")),
            Field::End if is("up") => menu.field = Field::What,
            Field::End | Field::Note if is("down") => menu.field = Field::Note,
            Field::Note if is("up") => menu.field = Field::End,
            Field::End => {
                type_into(&mut menu.end, END_MAX, event);
                menu.end_typed = true;
                menu.error = None;
            }
            Field::Note => type_into(&mut menu.note, NOTE_MAX, event),
        }
    }
    Vec::new()
}

fn what_key(app: &mut App, event: &KeyEvent, key: Key) {
    let is = |name: &str| Key::parse(name) == Some(key);
    let step = lists::step(app, key);
    let quit = app.keymap.in_popup(key) == Some(CommandId::Quit);
    let Some(Popup::Claim(menu)) = &mut app.popup else { return };
    let named = match event.code {
        KeyCode::Char(c) => menu.choices().iter().position(|choice| choice.name().starts_with(c)),
        _ => None,
    };
    if let Some(at) = named {
        menu.choose(at);
    } else if quit {
        app.popup = None;
    } else if let Some(step) = step {
        menu.choose(step.from(menu.index, menu.choices().len(), 10));
    } else if is("right") || is("left") || is("l") || is("h") {
        menu.step_end(is("right") || is("l"));
    } else if matches!(event.code, KeyCode::Char(c) if c.is_ascii_digit()) {
        // Whoever types a number means the end.
        menu.end = Input::default();
        menu.end_typed = true;
        menu.field = Field::End;
        type_into(&mut menu.end, END_MAX, event);
    }
}

/// A click on a part of the menu. It chooses and gives the focus; Enter alone records.
pub(super) fn clicked(app: &mut App, part: ClaimPart) {
    let Some(Popup::Claim(menu)) = &mut app.popup else { return };
    if menu.sent {
        return;
    }
    match part {
        ClaimPart::Choice(at) => {
            menu.choose(at);
            menu.field = Field::What;
        }
        ClaimPart::End(at) => {
            menu.set_end(at);
            menu.field = Field::End;
        }
        ClaimPart::Field(field) => menu.field = field,
        ClaimPart::Over(take) => {
            if let Some((_, yes)) = &mut menu.over {
                *yes = take;
            }
            app.say(Level::Info, super::mouse::FOCUS);
        }
    }
}

fn type_into(input: &mut Input, most: usize, event: &KeyEvent) {
    if input.value().chars().count() < most || !matches!(event.code, KeyCode::Char(_)) {
        input.handle_event(&Event::Key(*event));
    }
}

/// Pasted text goes into the field that has the focus, where it is one.
pub(super) fn paste(app: &mut App, text: &str) {
    let Some(Popup::Claim(menu)) = &mut app.popup else { return };
    let (input, most) = match menu.field {
        Field::What => return,
        Field::End => (&mut menu.end, END_MAX),
        Field::Note => (&mut menu.note, NOTE_MAX),
    };
    let room = most.saturating_sub(input.value().chars().count());
    let text: String = text.chars().take(room).collect();
    super::prompt::insert(input, &text);
}

/// Enter: asks for it, or asks first whether the claim of somebody else is to be replaced.
fn send(app: &mut App) -> Vec<Effect> {
    let now = app.now;
    let Some(Popup::Claim(menu)) = &mut app.popup else { return Vec::new() };
    let request = match menu.request(&app.times, now) {
        Ok(request) => request,
        Err(why) => {
            menu.error = Some(why.into());
            menu.over = None;
            return Vec::new();
        }
    };
    if let Some(others) = menu.others(now)
        && menu.over.as_ref().is_none_or(|(claim, _)| claim.id != others.id)
    {
        menu.over = Some((others.clone(), false));
        return Vec::new();
    }
    menu.sent = true;
    menu.error = None;
    let ticket = app.ticket(Target::Claim);
    vec![Effect::Claim { ticket, request }]
}

/// It was recorded, or not.
pub(super) fn came(app: &mut App, answer: Result<Option<Claim>, OpsError>) -> Vec<Effect> {
    let menu = if let Some(Popup::Claim(menu)) = &mut app.popup { Some(menu) } else { None };
    match answer {
        Ok(claim) => {
            app.popup = if menu.is_some() { None } else { app.popup.take() };
            let text = match claim {
                Some(claim) => format!("{} until {}", claim.kind.done(), app.times.minute(claim.until, app.now)),
                None => "released: nobody has it any more".to_owned(),
            };
            app.say(Level::Info, text);
        }
        Err(error) => match menu {
            Some(menu) => {
                menu.sent = false;
                menu.over = None;
                menu.error = Some(error.to_string().into());
            }
            None => app.say(Level::Warning, format!("not recorded: {error}")),
        },
    }
    // Also where it was refused: somebody else has been quicker, and the board is to say who.
    vec![app.ask(Ask::Overview)]
}

/// The board is known anew: an open menu shows who has its cohort now.
pub(super) fn refresh(app: &mut App) {
    let Some(Popup::Claim(menu)) = &mut app.popup else { return };
    let Some(overview) = app.overview.value() else { return };
    if let Some(cohort) = overview.cohorts.iter().find(|cohort| cohort.id == menu.cohort.id) {
        menu.cohort = cohort.clone();
        menu.index = menu.index.min(menu.choices().len() - 1);
    }
}
