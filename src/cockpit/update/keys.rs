//! Keys: to the popup, to the line that is typed, or through the keymap to a command.

use crossterm::event::{KeyEvent, KeyEventKind};
use jiff::SignedDuration;

use super::copying::{self, What};
use super::events::To;
use super::moving::{self, Step};
use super::{
    acting, arming, compare, contexts, deeds, drift, entered, events, latency, marks, menus, opening, prompt, raw,
    records, reload, remediations, tenants, theme,
};
use crate::cockpit::app::{App, Level, Pane, Popup, PromptKind};
use crate::cockpit::command::{Command, CommandId};
use crate::cockpit::keymap::{Found, Key, show};
use crate::cockpit::many::Deed;
use crate::cockpit::menus::Menu;
use crate::cockpit::msg::{Ask, Effect};
use crate::cockpit::records::{Tab, at_remediations};
use crate::cockpit::remote::Remote;
use crate::cockpit::screens;
use crate::cockpit::settings::ScreenName;
use crate::domain::approval::Answer;
use crate::domain::wide::{Control, WideState};
use crate::ops::ARM_AT_MOST;
use crate::query::Filter;

pub(super) fn key(app: &mut App, event: &KeyEvent) -> Vec<Effect> {
    if event.kind == KeyEventKind::Release {
        return Vec::new();
    }
    let key = Key::of(event);
    // Whoever goes on with something else no longer waits for it.
    app.open_when_known = false;
    // What answered the last key is no answer to this one.
    if app.message.as_ref().is_some_and(|message| message.level == Level::Info) {
        app.message = None;
    }
    // These two are the terminal's own and are the same everywhere.
    if app.keymap.is(CommandId::Suspend, key) {
        return vec![Effect::Suspend];
    }
    if app.keymap.is(CommandId::Repaint, key) && app.prompt.is_none() {
        return vec![Effect::Repaint];
    }
    if app.popup.is_some() {
        return acting::popup_key(app, event, key);
    }
    if app.prompt.is_some() {
        return prompt::key(app, event, key);
    }
    if !app.pressed.is_empty() && [Key::parse("esc"), Key::parse("ctrl-c")].contains(&Some(key)) {
        app.pressed.clear();
        return Vec::new();
    }
    app.pressed.push(key);
    match app.keymap.find(app.screen(), &app.pressed) {
        Found::Start => Vec::new(),
        Found::Command(id) => {
            app.pressed.clear();
            command(app, id)
        }
        Found::Nothing => {
            not_bound(app);
            Vec::new()
        }
    }
}

/// Says what the keys that were pressed are not, and ends the sequence. What broke it is not taken for a command of
/// its own: who pressed it meant the whole.
fn not_bound(app: &mut App) {
    let pressed = std::mem::take(&mut app.pressed);
    let keys = show(&pressed);
    let help = app.keymap.label(CommandId::Help);
    let verbs = app.keymap.find(ScreenName::Flows, &pressed) == Found::Command(CommandId::Verbs);
    let habit = if let [one] = pressed[..] { habit(app, one) } else { None };
    let text = if let Some(text) = habit {
        format!("{keys} is not bound: {text}")
    } else if let (true, Err(why)) = (verbs, app.subject()) {
        why
    } else if pressed.len() > 1 {
        format!("{keys} is not bound; {} shows what may follow it", show(&pressed[..pressed.len() - 1]))
    } else if let Some(other) = app.keymap.elsewhere(app.screen(), &pressed) {
        let places: Vec<_> = other.screens.iter().map(|screen| screen.title()).collect();
        format!("{keys} ({}) is a key of {}; {help} lists those of this screen", other.name, places.join(", "))
    } else {
        format!("{keys} is not bound; {help} lists the keys")
    };
    app.say(Level::Info, text);
}

/// What to tell those who press a key for what it does elsewhere.
const NO_UNDO: &str = "no act is undone by a key; each review says its way back";

/// What a key that is not bound is meant for where people come from, and what does that here.
fn habit(app: &App, key: Key) -> Option<String> {
    let is = |name: &str| Key::parse(name) == Some(key);
    let label = |id| app.keymap.label(id);
    if is("u") || is("z") || is("Z") {
        return Some(NO_UNDO.to_owned());
    }
    if is("ctrl-space") {
        return Some(format!("{} marks a range", label(CommandId::MarkRange)));
    }
    (show(&[key]) == "Ctrl-\\").then(|| format!("{} clears the marks", label(CommandId::Back)))
}

/// Carries a command out.
pub(super) fn command(app: &mut App, id: CommandId) -> Vec<Effect> {
    if id != CommandId::Interrupt {
        app.interrupted_at = None;
    }
    match id {
        CommandId::Up => moving::step(app, Step::Up),
        CommandId::Down => moving::step(app, Step::Down),
        CommandId::HalfUp => moving::step(app, Step::HalfUp),
        CommandId::HalfDown => moving::step(app, Step::HalfDown),
        CommandId::PageUp => moving::step(app, Step::PageUp),
        CommandId::PageDown => moving::step(app, Step::PageDown),
        CommandId::Top => moving::step(app, Step::Top),
        CommandId::Bottom => moving::step(app, Step::Bottom),
        CommandId::Open => open(app),
        CommandId::Verbs => acting::open_verbs(app),
        CommandId::Filter if app.screen() == ScreenName::Events => events::open_filter(app),
        CommandId::Filter if app.screen() == ScreenName::Drift => drift::open_filter(app),
        CommandId::Filter if app.screen() == ScreenName::Tenants => tenants::find(app),
        CommandId::Filter => prompt::open_filter(app),
        CommandId::CommandLine => prompt::open_command(app),
        CommandId::Sort => menus::open(app, Menu::Sort),
        CommandId::Group if app.screen() == ScreenName::Drift => drift::turn(app),
        CommandId::Group => menus::open(app, Menu::Group),
        CommandId::Views => menus::open_views(app),
        CommandId::Mark => marks::toggle(app),
        CommandId::MarkRange => marks::range(app),
        CommandId::MarkAll => marks::all(app),
        CommandId::Unmark => {
            if !marks::clear(app) {
                app.say(Level::Info, "nothing is marked");
            }
            Vec::new()
        }
        CommandId::Reverse => menus::turn(app),
        CommandId::ShowAll => {
            app.board.show_all = !app.board.show_all;
            super::data::overview_came(app);
            Vec::new()
        }
        CommandId::NextPane if app.screen() == ScreenName::Remediations => records::next(app),
        CommandId::NextPane if app.screen() == ScreenName::Remediation => {
            remediations::next_part(app);
            Vec::new()
        }
        CommandId::NextPane if app.screen() == ScreenName::Tenant => {
            tenants::next_pane(app);
            Vec::new()
        }
        CommandId::NextPane if app.screen() == ScreenName::Latency => {
            latency::turn(app);
            Vec::new()
        }
        CommandId::NextPane if app.screen() == ScreenName::Finding => {
            app.drift.beside = !app.drift.beside;
            Vec::new()
        }
        CommandId::NextPane => {
            app.board.pane = match app.board.pane {
                Pane::Cohorts => Pane::Strip,
                Pane::Strip => Pane::Cohorts,
            };
            Vec::new()
        }
        CommandId::Claim => super::claims::open(app),
        CommandId::Near => super::suspects::open(app),
        CommandId::Latency => latency::open(app),
        CommandId::Later => latency::later(app),
        CommandId::StepFlows => latency::follow(app),
        CommandId::Copy => copying::copy(app, What::Id),
        CommandId::CopyRow => copying::copy(app, What::Row),
        CommandId::CopyJson => copying::copy(app, What::Json),
        CommandId::CopyCurl => copying::copy(app, What::Curl),
        CommandId::CopyStatus => copying::copy(app, What::Status),
        CommandId::Page => opening::ask(app),
        CommandId::Compare => compare::choose(app),
        CommandId::Board => go(app, vec![ScreenName::Board], None),
        CommandId::NextScreen => turn(app, true),
        CommandId::PreviousScreen => turn(app, false),
        CommandId::Flows => flows(app),
        CommandId::AllFlows => {
            if app.screen() != ScreenName::Flows {
                moving::upright(app);
            }
            go(app, vec![ScreenName::Board, ScreenName::Flows], Some(String::new()))
        }
        CommandId::Remediations => records::show(app, Tab::Remediations),
        CommandId::Outside => records::show(app, Tab::Outside),
        CommandId::InForce => records::show(app, Tab::InForce),
        CommandId::Automations => records::show(app, Tab::Automations),
        CommandId::Approvals => remediations::inbox(app),
        CommandId::Run => deeds::typed(app, Deed::Control(Control::Run)),
        CommandId::Hold => deeds::typed(app, Deed::Control(Control::Hold)),
        CommandId::Resume => deeds::typed(app, Deed::Control(Control::Resume)),
        CommandId::Abort => deeds::typed(app, Deed::Control(Control::Abort)),
        CommandId::Approve => deeds::typed(app, Deed::Answer(Answer::Approve)),
        CommandId::Deny => deeds::typed(app, Deed::Answer(Answer::Deny)),
        CommandId::Tenants => go(app, vec![ScreenName::Board, ScreenName::Tenants], None),
        CommandId::Events => go(app, vec![ScreenName::Board, ScreenName::Events], None),
        CommandId::CustomerSide => {
            tenants::turn_side(app);
            Vec::new()
        }
        CommandId::Watch => {
            tenants::watch(app);
            Vec::new()
        }
        CommandId::Case => tenants::export(app),
        CommandId::Reveal => {
            app.say(Level::Info, ":reveal FIELD REASON shows a personal field for 5 minutes, which is recorded");
            Vec::new()
        }
        CommandId::GoTenant => events::go_to(app, To::Tenant),
        CommandId::GoFlows => events::go_to(app, To::Flows),
        CommandId::GoEvents => events::go_to(app, To::Events),
        CommandId::Adopt => super::deciding::adopt(app),
        CommandId::Drift => go(app, vec![ScreenName::Board, ScreenName::Drift], None),
        CommandId::Sources => go(app, vec![ScreenName::Board, ScreenName::Sources], None),
        CommandId::Previous => match app.previous.clone() {
            Some((stack, filter)) => go(app, stack, Some(filter)),
            None => {
                app.say(Level::Info, "there is no screen before this one");
                Vec::new()
            }
        },
        // Marks are a layer of their own.
        CommandId::Back if app.marked().is_some() => {
            marks::clear(app);
            Vec::new()
        }
        CommandId::Back if app.screen() == ScreenName::Raw && raw::forget_search(app) => Vec::new(),
        CommandId::Back => back(app),
        CommandId::Out if app.screen() == ScreenName::Raw && raw::fold_out(app) => Vec::new(),
        CommandId::Out if app.screen() == ScreenName::Latency => latency::earlier(app),
        CommandId::Out => match menus::fold_out(app) {
            Some(effects) => effects,
            None => back(app),
        },
        CommandId::Quit if app.stack.len() > 1 => back(app),
        CommandId::Quit | CommandId::QuitAll => quit(app),
        CommandId::Interrupt => interrupt(app),
        CommandId::Refresh => {
            let mut effects = vec![app.ask(Ask::Refresh)];
            match app.screen() {
                ScreenName::Detail => effects.extend(super::ask_detail(app)),
                ScreenName::Raw => effects.extend(raw::ask(app)),
                ScreenName::Compare => effects.extend(compare::ask(app)),
                ScreenName::Latency => effects.extend(latency::ask(app)),
                ScreenName::Drift | ScreenName::Finding => effects.extend(drift::recheck(app)),
                ScreenName::Remediations | ScreenName::Remediation => {
                    effects.extend(remediations::entered(app));
                    effects.extend(records::entered(app, true));
                }
                _ => {}
            }
            effects
        }
        CommandId::Speed => {
            let now = match app.settings.speed {
                Some(speed) => format!("the demo's time runs {speed} times as fast; :speed 10 makes it ten times"),
                None => NO_DEMO.to_owned(),
            };
            app.say(Level::Info, now);
            Vec::new()
        }
        CommandId::Pause => pause(app),
        CommandId::Acts => {
            match app.acts.value().and_then(|acts| acts.first()).map(|act| act.id.clone()) {
                Some(id) => app.popup = Some(Popup::Progress { id, scroll: 0 }),
                None => app.say(Level::Info, "nothing has been done from here yet"),
            }
            Vec::new()
        }
        CommandId::Log => super::log::open(app),
        CommandId::Help => {
            app.popup = Some(Popup::Help { scroll: 0, find: String::new(), typing: false });
            Vec::new()
        }
        CommandId::Contexts => contexts::open(app),
        CommandId::Arm => arming::open(app, ARM_AT_MOST, ""),
        CommandId::Disarm => arming::disarm(app),
        CommandId::Theme => {
            theme::open(app);
            Vec::new()
        }
        CommandId::Mouse => mouse_to(app, !app.settings.mouse),
        CommandId::Tenant => tenants::find(app),
        CommandId::Suspend => vec![Effect::Suspend],
        CommandId::Repaint => vec![Effect::Repaint],
        CommandId::Chart => {
            app.detail.chart = !app.detail.chart;
            // What was asked for is to be seen, where it began out of sight.
            let (lines, rows) = screens::detail::extent(app);
            let at = screens::detail::steps_at(app);
            if at < app.detail.scroll || at + 8 > app.detail.scroll + rows {
                app.detail.scroll = at.min(lines.saturating_sub(rows));
            }
            Vec::new()
        }
        CommandId::Reload => reload::ask(app),
        CommandId::Zone => {
            match app.times.turn() {
                Ok(()) => {
                    let zone = app.times.zone(app.now);
                    app.say(
                        Level::Info,
                        format!("times are shown in {zone}; {} turns back", app.keymap.label(CommandId::Zone)),
                    );
                }
                Err(why) => app.say(Level::Warning, why),
            }
            Vec::new()
        }
        CommandId::Raw => raw::open(app),
        CommandId::Fold => raw::toggle(app, false),
        CommandId::Unfold => raw::unfold(app),
        CommandId::FoldAll if app.screen() == ScreenName::Flows => match menus::fold_out(app) {
            Some(effects) => effects,
            None => {
                let text = if app.flows.group.is_some() { "no group is open here" } else { NO_UNDO };
                app.say(Level::Info, text);
                Vec::new()
            }
        },
        CommandId::FoldAll if app.screen() == ScreenName::Finding => drift::fold(app),
        CommandId::FoldAll => raw::toggle(app, true),
        CommandId::Search => raw::open_search(app),
        CommandId::SearchNext => raw::next(app, false),
        CommandId::SearchPrevious => raw::next(app, true),
        CommandId::UseVerbs => {
            let verbs = app.keymap.label(CommandId::Verbs);
            app.say(Level::Info, format!("that key is not bound, since it destroys elsewhere: use {verbs}"));
            Vec::new()
        }
    }
}

/// Why there is no speed to speak of.
const NO_DEMO: &str = "only the demo's time can be made to run faster";

/// Carries a command out that was typed with words after its name. An error stays in the line, so that the words can
/// be mended.
pub(super) fn command_with(app: &mut App, command: &Command, words: &str) -> Result<Vec<Effect>, String> {
    match command.id {
        CommandId::Flows | CommandId::Filter => {
            let filter = Filter::parse(words).map_err(|error| error.to_string())?;
            Ok(go_filtered(app, vec![ScreenName::Board, ScreenName::Flows], words.to_owned(), filter))
        }
        CommandId::Sort => menus::sort(app, words),
        CommandId::Speed => match (app.settings.speed, words.trim_end_matches(['x', '×']).parse::<f64>()) {
            (None, _) => Err(NO_DEMO.to_owned()),
            (Some(_), Ok(speed)) => Ok(vec![Effect::Speed(speed)]),
            (Some(_), Err(_)) => Err(format!(":speed takes a number, as in :speed 10, and not {words}")),
        },
        CommandId::Reveal => tenants::reveal(app, words),
        CommandId::Arm => arming::arm_with(app, words),
        CommandId::Contexts => contexts::go(app, words),
        CommandId::Views => menus::typed(app, words),
        CommandId::Theme => theme::set(app, words).map(|()| Vec::new()),
        CommandId::Mouse => match words {
            "on" => Ok(mouse_to(app, true)),
            "off" => Ok(mouse_to(app, false)),
            _ => Err(format!("the mouse is on or off, and not {words:?}")),
        },
        CommandId::Tenant => Ok(tenants::named(app, words)),
        CommandId::Latency => Ok(latency::of(app, words)),
        _ => Err(format!(":{} takes no words", command.name)),
    }
}

/// Listens to the mouse, or leaves it to the terminal.
fn mouse_to(app: &mut App, on: bool) -> Vec<Effect> {
    app.settings.mouse = on;
    app.say(Level::Info, if on { "the mouse is listened to" } else { "the mouse is the terminal's again" });
    vec![Effect::Mouse(on)]
}

/// The flows, with the filter that was in force, which says how it is taken away.
fn flows(app: &mut App) -> Vec<Effect> {
    let there = app.screen() == ScreenName::Flows;
    if !there {
        moving::upright(app);
    }
    let effects = go(app, vec![ScreenName::Board, ScreenName::Flows], None);
    if !app.flows.text.is_empty() && !there {
        let all = app.keymap.label(CommandId::AllFlows);
        app.say(Level::Info, format!("the filter is still in force; {all} clears it"));
    }
    effects
}

/// The screens in the order of their keys.
const LISTS: [ScreenName; 7] = [
    ScreenName::Board,
    ScreenName::Flows,
    ScreenName::Tenants,
    ScreenName::Drift,
    ScreenName::Remediations,
    ScreenName::Events,
    ScreenName::Sources,
];

/// Goes on to the screen beside this one, in the order of their keys. The filter of the flows stays in force.
fn turn(app: &mut App, forwards: bool) -> Vec<Effect> {
    let here = app.stack.get(1).copied().unwrap_or(ScreenName::Board);
    // Where nobody tells of something, its screen is gone to by its key alone.
    let screens = LISTS.into_iter().filter(|screen| app.has(*screen) || here == *screen);
    let screens: Vec<ScreenName> = screens.collect();
    let by = if forwards { 1 } else { screens.len() - 1 };
    let at = screens.iter().position(|screen| *screen == here).unwrap_or(0);
    let to = screens[(at + by) % screens.len()];
    let stack = if to == ScreenName::Board { vec![to] } else { vec![ScreenName::Board, to] };
    go(app, stack, None)
}

/// Goes to other screens; where `filter` is given, with that filter on the flows.
pub(super) fn go(app: &mut App, stack: Vec<ScreenName>, filter: Option<String>) -> Vec<Effect> {
    if let Some(text) = filter
        && text != app.flows.text
        && let Ok(filter) = Filter::parse(&text)
    {
        return go_filtered(app, stack, text, filter);
    }
    if stack != app.stack {
        app.previous = Some((app.stack.clone(), app.flows.text.clone()));
    }
    app.stack = stack;
    entered(app)
}

pub(super) fn go_filtered(app: &mut App, stack: Vec<ScreenName>, text: String, filter: Filter) -> Vec<Effect> {
    if stack != app.stack || text != app.flows.text {
        app.previous = Some((app.stack.clone(), app.flows.text.clone()));
    }
    app.stack = stack;
    if text != app.flows.text {
        set_filter(app, text, filter);
    }
    entered(app)
}

/// Puts a filter in force, with the cursor at the top.
fn set_filter(app: &mut App, text: String, filter: Filter) {
    let flows = &mut app.flows;
    flows.text = text;
    flows.filter = filter;
    flows.error = None;
    flows.group = None;
    // A new list begins with the worst, whatever the last one was turned to.
    flows.reverse = false;
    flows.selected = None;
    flows.head = None;
    flows.row = None;
    flows.gone = false;
    flows.gone_at = None;
    flows.cursor = 0;
    flows.top = 0;
    flows.window = Remote::Never;
    flows.outdated = true;
}

pub(super) fn open(app: &mut App) -> Vec<Effect> {
    match app.screen() {
        ScreenName::Board => {
            let filter = match app.board.pane {
                Pane::Cohorts if app.board.gone => None,
                Pane::Cohorts => app.board.cohort.as_ref().map(|id| format!("cohort:{id}")),
                Pane::Strip => screens::board::strip_at(app).map(|(_, flow)| format!("flow:{}", quoted(&flow))),
            };
            match filter {
                Some(filter) => {
                    moving::upright(app);
                    go(app, vec![ScreenName::Board, ScreenName::Flows], Some(filter))
                }
                None => {
                    app.say(Level::Info, "there is nothing to open here");
                    Vec::new()
                }
            }
        }
        ScreenName::Flows => {
            if app.flows.head.is_some() {
                return menus::fold(app);
            }
            let Some(id) = app.flows.selected.clone() else {
                // The rows are on their way: what comes under the cursor is opened as soon as it is there.
                app.open_when_known = app.flows.window.value().is_none() || app.flows.outdated;
                return Vec::new();
            };
            if app.detail.id.as_ref() != Some(&id) {
                app.detail.answer = Remote::Never;
            }
            app.detail.seed = app.flows.row.clone();
            app.detail.id = Some(id);
            app.detail.scroll = 0;
            let mut stack = app.stack.clone();
            stack.push(ScreenName::Detail);
            go(app, stack, None)
        }
        ScreenName::Sources => {
            match app.source.clone() {
                Some(name) => app.popup = Some(Popup::Source { name, scroll: 0 }),
                None => app.say(Level::Info, "there is nothing to open here"),
            }
            Vec::new()
        }
        ScreenName::Drift => drift::open(app),
        ScreenName::Tenants => tenants::open(app),
        ScreenName::Tenant => tenants::follow(app),
        ScreenName::Events => events::open(app),
        ScreenName::Event => events::follow(app),
        ScreenName::Remediations if at_remediations(app) => remediations::open(app),
        ScreenName::Remediations => records::open(app),
        ScreenName::Detail
        | ScreenName::Raw
        | ScreenName::Compare
        | ScreenName::Remediation
        | ScreenName::Finding
        | ScreenName::Latency => Vec::new(),
    }
}

/// A value for the filter, in quotes where it holds something that the language would read.
pub(super) fn quoted(value: &str) -> String {
    if value.contains(|c: char| c.is_whitespace() || matches!(c, '"' | ',' | ':')) {
        format!("\"{}\"", value.replace('"', ""))
    } else {
        value.to_owned()
    }
}

fn back(app: &mut App) -> Vec<Effect> {
    if app.stack.len() > 1 {
        let mut stack = app.stack.clone();
        stack.pop();
        return go(app, stack, None);
    }
    let quit = app.keymap.label(CommandId::Quit);
    app.say(Level::Info, format!("this is the first screen; {quit} quits"));
    Vec::new()
}

fn quit(app: &mut App) -> Vec<Effect> {
    if app.running().is_empty() && app.remediations.in_state(WideState::runs).next().is_none() {
        return vec![Effect::Quit];
    }
    app.popup = Some(Popup::Quit { leave: false });
    Vec::new()
}

fn interrupt(app: &mut App) -> Vec<Effect> {
    let twice = app.interrupted_at.is_some_and(|at| app.now.duration_since(at) <= SignedDuration::from_secs(2));
    if twice {
        app.interrupted_at = None;
        return quit(app);
    }
    app.interrupted_at = Some(app.now);
    let again = app.keymap.label(CommandId::Interrupt);
    app.say(Level::Info, format!("{again} again quits"));
    Vec::new()
}

fn pause(app: &mut App) -> Vec<Effect> {
    if app.paused.take().is_some() {
        app.say(Level::Info, "live updates go on");
        return super::data::changed(app);
    }
    app.paused = Some(app.now);
    let pause = app.keymap.label(CommandId::Pause);
    app.say(
        Level::Info,
        format!("live updates are paused: values stay, ages go on, acts look afresh; {pause} goes on"),
    );
    Vec::new()
}

/// What Esc and Ctrl-C do while a line is typed.
pub(super) fn cancel_prompt(app: &mut App) -> Vec<Effect> {
    let Some(prompt) = app.prompt.take() else { return Vec::new() };
    match prompt.kind {
        PromptKind::Command => Vec::new(),
        PromptKind::Search { before } => {
            raw::cancel(app, before);
            Vec::new()
        }
        PromptKind::Tenant { before, came } => {
            let effects: Vec<Effect> = tenants::look_for(app, &before).into_iter().collect();
            if came {
                return back(app);
            }
            effects
        }
        PromptKind::Drift { before } => {
            app.drift.error = None;
            drift::typed(app, &before)
        }
        PromptKind::Events { before } => {
            app.events.error = None;
            events::typed(app, &before)
        }
        PromptKind::Filter { before, came } => {
            app.flows.error = None;
            let mut effects = Vec::new();
            if app.flows.text != before
                && let Ok(filter) = Filter::parse(&before)
            {
                app.flows.text = before;
                app.flows.filter = filter;
                effects.push(moving::requery(app));
            }
            if came {
                return back(app);
            }
            effects
        }
    }
}
