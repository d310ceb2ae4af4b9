//! Going to another context: a list to choose from, or a name. The old one stays until the new one is open; then
//! everything that was known of it is dropped with it.

use super::lists;
use super::moving::Step;
use crate::cockpit::app::{App, Level, Popup};
use crate::cockpit::keymap::Key;
use crate::cockpit::msg::Effect;
use crate::cockpit::settings::{Badge, DEMO};
use crate::cockpit::widgets::numbers::plural;
use crate::config::ContextInfo;
use crate::domain::nearest::nearest;
use crate::domain::text::SafeText;

/// What the list of contexts holds.
#[derive(Debug, Clone, Default)]
pub struct ContextList {
    /// The index of the one under the cursor.
    pub index: usize,
    /// The one that is being opened.
    pub opening: Option<String>,
    /// Why one could not be opened.
    pub error: Option<SafeText>,
}

/// Every context that can be gone to: those of the config, and the demo world.
pub(crate) fn choices(app: &App) -> Vec<ContextInfo> {
    let mut all = app.settings.contexts.clone();
    if !all.iter().any(|context| context.name == DEMO) {
        all.push(ContextInfo { name: DEMO.to_owned(), production: false, colour: None, sources: 1 });
    }
    all
}

/// What a context has, in words.
pub(crate) fn told(context: &ContextInfo) -> String {
    if context.name == DEMO { "made up".to_owned() } else { plural(context.sources as u64, "source") }
}

/// Whether this is the context that is shown.
pub(crate) fn is_current(app: &App, name: &str) -> bool {
    app.settings.context == *name && (name == DEMO) == (app.settings.badge == Badge::Demo)
}

/// Opens the list, with the cursor on the present one.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let index = choices(app).iter().position(|context| is_current(app, &context.name)).unwrap_or(0);
    app.popup = Some(Popup::Contexts(Box::new(ContextList { index, ..ContextList::default() })));
    Vec::new()
}

/// Goes to the context of this name.
pub(super) fn go(app: &mut App, name: &str) -> Result<Vec<Effect>, String> {
    let all = choices(app);
    if !all.iter().any(|context| context.name == name) {
        let names = || all.iter().map(|context| context.name.as_str());
        let meant = nearest(name, names()).map(|meant| format!("; is {meant} meant?")).unwrap_or_default();
        return Err(format!("no context {name}{meant}; there are: {}", names().collect::<Vec<_>>().join(", ")));
    }
    if is_current(app, name) {
        return Err(format!("{name} is shown already"));
    }
    if let Some(act) = app.running().first() {
        return Err(format!("not while {} of {} runs: its outcome would not be watched", act.verb.label(), act.target));
    }
    open(app);
    if let Some(Popup::Contexts(list)) = &mut app.popup {
        list.index = all.iter().position(|context| context.name == name).unwrap_or(0);
        list.opening = Some(name.to_owned());
    }
    Ok(vec![Effect::Switch(name.to_owned())])
}

/// A key while the list is open.
pub(super) fn key(app: &mut App, key: Key) -> Vec<Effect> {
    let (leaves, step) = (lists::leaves(app, key), lists::step(app, key));
    let count = choices(app).len();
    let Some(Popup::Contexts(list)) = &mut app.popup else { return Vec::new() };
    if leaves {
        // One that is being opened is not gone to any more.
        app.popup = None;
    } else if list.opening.is_some() {
        // One at a time.
    } else if lists::is(key, &["enter"]) {
        return choose(app);
    } else if let Some(step) = step {
        list.index = step.from(list.index, count, 10);
    }
    Vec::new()
}

/// Goes to the one under the cursor.
fn choose(app: &mut App) -> Vec<Effect> {
    let Some(Popup::Contexts(list)) = &app.popup else { return Vec::new() };
    let Some(name) = choices(app).get(list.index).map(|context| context.name.clone()) else { return Vec::new() };
    go(app, &name).unwrap_or_else(|why| {
        if let Some(Popup::Contexts(list)) = &mut app.popup {
            list.error = Some(why.into());
        }
        Vec::new()
    })
}

/// One notch of the wheel.
pub(super) fn step(app: &mut App, step: Step) {
    let count = choices(app).len();
    if let Some(Popup::Contexts(list)) = &mut app.popup
        && list.opening.is_none()
    {
        list.index = step.from(list.index, count, 1);
    }
}

/// A click on one; a second one goes there.
pub(super) fn clicked(app: &mut App, row: usize, twice: bool) -> Vec<Effect> {
    match &mut app.popup {
        Some(Popup::Contexts(list)) if list.opening.is_none() => list.index = row,
        _ => return Vec::new(),
    }
    if twice { choose(app) } else { Vec::new() }
}

/// Whether the context that was opened is still wanted: nobody closed the list, and no act began meanwhile.
pub(crate) fn still_wanted(app: &App, name: &str) -> bool {
    let asked = matches!(&app.popup, Some(Popup::Contexts(list)) if list.opening.as_deref() == Some(name));
    asked && app.running().is_empty()
}

/// It could not be opened.
pub(super) fn failed(app: &mut App, name: &str, why: SafeText) {
    match &mut app.popup {
        Some(Popup::Contexts(list)) if list.opening.as_deref() == Some(name) => {
            list.opening = None;
            list.error = Some(why);
        }
        _ => app.say(Level::Warning, format!("{name} was not opened: {why}")),
    }
}
