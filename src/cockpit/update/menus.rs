//! The menus of the list: its order, its groups, and the saved views.

use super::{keys, lists, moving};
use crate::cockpit::app::{App, Level, Popup};
use crate::cockpit::clipboard::Clip;
use crate::cockpit::command::CommandId;
use crate::cockpit::keymap::Key;
use crate::cockpit::menus::{Chosen, Menu};
use crate::cockpit::msg::{Ask, Effect, Target};
use crate::cockpit::remote::Remote;
use crate::cockpit::settings::ScreenName;
use crate::cockpit::views::{self, Origin, View};
use crate::domain::text::SafeText;
use crate::ops::{FlowCount, GroupBy, Grouping, OpsError, SortBy};
use crate::query::Filter;

/// Opens a menu, with the cursor on what is in force.
pub(super) fn open(app: &mut App, menu: Menu) -> Vec<Effect> {
    let index = menu.entries(app).iter().position(|entry| entry.now).unwrap_or(0);
    app.popup = Some(Popup::Menu { menu, index });
    Vec::new()
}

/// A key while a menu is open.
pub(super) fn key(app: &mut App, key: Key) -> Vec<Effect> {
    let Some(Popup::Menu { menu, index }) = app.popup else { return Vec::new() };
    let entries = menu.entries(app);
    // The letters stand beside the entries: they go before whatever the config made of them.
    let named = entries.iter().find(|entry| lists::is(key, &[entry.key.encode_utf8(&mut [0; 4])]));
    if let Some(entry) = named.or(entries.get(index).filter(|_| lists::is(key, &["enter"]))) {
        return choose(app, entry.chosen);
    }
    if lists::leaves(app, key) {
        app.popup = None;
    } else if let Some(step) = lists::step(app, key) {
        app.popup = Some(Popup::Menu { menu, index: step.from(index, entries.len(), PAGE) });
    }
    Vec::new()
}

/// How far a page goes in a list that lies over the screen.
const PAGE: usize = 10;

/// A click on an entry; a second one chooses it.
pub(super) fn clicked(app: &mut App, row: usize, twice: bool) -> Vec<Effect> {
    match &mut app.popup {
        Some(Popup::Menu { menu, index }) => {
            *index = row;
            let menu = *menu;
            match menu.entries(app).get(row).filter(|_| twice) {
                Some(entry) => choose(app, entry.chosen),
                None => Vec::new(),
            }
        }
        Some(Popup::Views { index, .. }) => {
            *index = row;
            if twice { take_view(app, row) } else { Vec::new() }
        }
        _ => Vec::new(),
    }
}

fn choose(app: &mut App, chosen: Chosen) -> Vec<Effect> {
    app.popup = None;
    match chosen {
        Chosen::Sort(sort) if sort == app.flows.sort => return turn(app),
        Chosen::Sort(sort) => {
            app.flows.sort = sort;
            app.flows.reverse = false;
        }
        Chosen::Group(by) => group(app, by),
    }
    vec![moving::requery(app)]
}

/// Turns the order round, and says what comes first now.
pub(super) fn turn(app: &mut App) -> Vec<Effect> {
    app.flows.reverse = !app.flows.reverse;
    let key = app.keymap.label(CommandId::Reverse);
    let first = match (app.flows.sort, app.flows.reverse) {
        (SortBy::Worst, true) => ": least bad first",
        (SortBy::Worst, false) => ": worst first",
        _ => "",
    };
    let turned = if app.flows.reverse { "order turned" } else { "order as it was" };
    let back = if app.flows.reverse { format!("; {key} turns it back") } else { String::new() };
    app.say(Level::Info, format!("{turned}{first}{back}"));
    vec![moving::requery(app)]
}

/// `:sort NAME` sorts the flows by a column; from another screen it goes there.
pub(super) fn sort(app: &mut App, words: &str) -> Result<Vec<Effect>, String> {
    let Some(sort) = SortBy::by_name(words.trim()) else {
        let names: Vec<_> = SortBy::ALL.into_iter().map(SortBy::name).collect();
        return Err(format!("no order {}; there are: {}", SafeText::clipped(words, 20), names.join(", ")));
    };
    app.flows.sort = sort;
    app.flows.reverse = false;
    if app.screen() != ScreenName::Flows {
        // What this asks is asked anew below, in the order that was named.
        let _ = keys::go(app, vec![ScreenName::Board, ScreenName::Flows], None);
    }
    Ok(vec![moving::requery(app)])
}

/// Puts groups in force, each of them folded.
fn group(app: &mut App, by: Option<GroupBy>) {
    app.flows.group = by.map(|by| Grouping { by, unfolded: std::collections::BTreeSet::new() });
}

/// Unfolds the group under the cursor, or folds it.
pub(super) fn fold(app: &mut App) -> Vec<Effect> {
    let flows = &mut app.flows;
    let (Some(key), Some(group)) = (flows.head.clone(), &mut flows.group) else { return Vec::new() };
    if !group.unfolded.remove(&key) {
        group.unfolded.insert(key);
    }
    vec![moving::ask_flows(app)]
}

/// Folds the group whose head or row is under the cursor, and goes to its head; `None` where none is open there.
pub(super) fn fold_out(app: &mut App) -> Option<Vec<Effect>> {
    if app.screen() != ScreenName::Flows {
        return None;
    }
    let window = app.flows.window.value()?;
    // The head of what is under the cursor is the last one at it or above it.
    let above = window.heads.iter().rev().find(|head| head.line <= app.flows.cursor);
    let key = app.flows.head.clone().or_else(|| above.map(|head| head.key.clone()));
    let line = above.map(|head| head.line);
    let unfolded = &mut app.flows.group.as_mut()?.unfolded;
    let key = match key {
        Some(key) => key,
        // Its head is above the rows that are held: of one group that is open, it can only be that.
        None if unfolded.len() == 1 => unfolded.first()?.clone(),
        None => return None,
    };
    if !unfolded.remove(&key) {
        return None;
    }
    let flows = &mut app.flows;
    flows.head = Some(key);
    flows.selected = None;
    flows.row = None;
    flows.gone = false;
    if let Some(line) = line {
        flows.cursor = line;
        flows.top = flows.top.min(line);
    }
    Some(vec![moving::ask_flows(app)])
}

/// Opens the list of views, and asks how many instances each of them has.
pub(super) fn open_views(app: &mut App) -> Vec<Effect> {
    let views = views::all(app);
    let same = |view: &View| app.screen() == ScreenName::Flows && view.text == app.flows.text;
    let index = views.iter().position(same).unwrap_or(0);
    app.popup = Some(Popup::Views { views, index, counts: Remote::Loading(app.now) });
    count_views(app)
}

/// Asks for the counts of the views that are shown; what is claimed may have changed since.
pub(super) fn count_views(app: &mut App) -> Vec<Effect> {
    let all = views::all(app);
    let Some(Popup::Views { views, .. }) = &mut app.popup else { return Vec::new() };
    if views.len() == all.len() {
        *views = all;
    }
    let filters = views.iter().map(|view| view.filter.clone()).collect();
    vec![app.ask(Ask::Counts(filters))]
}

/// The same after a change, if nothing is being asked already.
pub(super) fn recount_views(app: &mut App) -> Vec<Effect> {
    let shown = matches!(app.popup, Some(Popup::Views { .. }));
    if shown && !app.busy(Target::Counts) { count_views(app) } else { Vec::new() }
}

/// How many instances each view has.
pub(super) fn counted(app: &mut App, answer: Result<Vec<FlowCount>, OpsError>) {
    let now = app.now;
    if let Some(Popup::Views { counts, .. }) = &mut app.popup {
        counts.answered(answer, now);
    }
}

/// A key while the views are listed.
pub(super) fn views_key(app: &mut App, key: Key) -> Vec<Effect> {
    let leaves = lists::leaves(app, key) || app.keymap.is(CommandId::Views, key);
    let step = lists::step(app, key);
    let Some(Popup::Views { views, index, .. }) = &mut app.popup else { return Vec::new() };
    let digit = (1..=9_usize).find(|n| lists::is(key, &[&n.to_string()])).map(|n| n - 1);
    if let Some(at) = digit.filter(|at| *at < views.len()).or(lists::is(key, &["enter"]).then_some(*index)) {
        return take_view(app, at);
    }
    if leaves {
        app.popup = None;
        app.forget(Target::Counts);
    } else if let Some(step) = step {
        *index = step.from(*index, views.len(), PAGE);
    }
    Vec::new()
}

/// Goes to the view in this place of the list.
fn take_view(app: &mut App, at: usize) -> Vec<Effect> {
    let Some(Popup::Views { views, .. }) = &app.popup else { return Vec::new() };
    let view = views.get(at).cloned();
    app.popup = None;
    app.forget(Target::Counts);
    view.map(|view| go(app, &view)).unwrap_or_default()
}

/// Goes to a view.
fn go(app: &mut App, view: &View) -> Vec<Effect> {
    // What this asks is asked in the old order; the question after it takes its place.
    let _ = keys::go_filtered(app, vec![ScreenName::Board, ScreenName::Flows], view.text.clone(), view.filter.clone());
    app.flows.sort = view.sort;
    app.flows.reverse = view.reverse;
    group(app, view.group);
    vec![moving::requery(app)]
}

/// `:view NAME` goes there; `:view save NAME` keeps the present list under a name for this session, and copies what
/// the config needs to keep it for ever.
pub(super) fn typed(app: &mut App, words: &str) -> Result<Vec<Effect>, String> {
    let name = words.trim();
    if let Some(name) = name.strip_prefix("save ").map(str::trim).filter(|name| !name.is_empty()) {
        return save(app, name);
    }
    let views = views::all(app);
    if let Some(view) = views.iter().find(|view| view.name == *name) {
        return Ok(go(app, view));
    }
    let names: Vec<&str> = views.iter().map(|view| view.name.as_str()).collect();
    Err(format!("no view {name}; there are: {}", names.join(", ")))
}

fn save(app: &mut App, name: &str) -> Result<Vec<Effect>, String> {
    if app.screen() != ScreenName::Flows {
        return Err(format!("a view is saved from the list of flows ({})", app.keymap.label(CommandId::Flows)));
    }
    let flows = &app.flows;
    let view = View {
        name: SafeText::clipped(name, 40),
        text: flows.text.trim().to_owned(),
        filter: Filter::parse(&flows.text).map_err(|error| error.to_string())?,
        sort: flows.sort,
        reverse: flows.reverse,
        group: flows.group.as_ref().map(|group| group.by),
        origin: Origin::Session,
    };
    app.views.retain(|known| known.name != view.name);
    let toml = Clip::lines(view.toml());
    app.say(
        Level::Info,
        format!("view {} is kept for this session; copied what the config needs to keep it", view.name),
    );
    app.views.push(view);
    Ok(vec![Effect::Copy(toml)])
}
