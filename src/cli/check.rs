//! What the config can't check by itself: the names of themes, commands, keys and orders, which are the cockpit's, and
//! filters, which are the filter language's.

use crate::cockpit::command::TABLE;
use crate::cockpit::keymap::Key;
use crate::cockpit::theme::Styles;
use crate::cockpit::{Colours, theme};
use crate::config::{Diagnostic, KeySetting, Setting, Ui, ViewSetting};
use crate::ops::SortBy;
use crate::query::Filter;

/// What is wrong with how the cockpit is to look and behave, from the first line to the last.
pub(super) fn mistakes(ui: &Ui, keys: &[KeySetting], views: &[ViewSetting]) -> Vec<Diagnostic> {
    let mut wrong: Vec<Diagnostic> = theme_mistake(&ui.theme).into_iter().collect();
    wrong.extend(keys.iter().flat_map(key_mistakes));
    wrong.extend(views.iter().flat_map(view_mistakes));
    wrong.sort_by_key(|diagnostic| (diagnostic.place.line, diagnostic.place.column));
    wrong
}

fn theme_mistake(setting: &Setting<Option<String>>) -> Option<Diagnostic> {
    let name = setting.value.as_deref()?;
    let error = Styles::load(Some(name), Colours::TrueColour).err()?;
    Some(setting.wrong(format!("theme: {error}")).or_rather(name, theme::NAMES))
}

fn key_mistakes(set: &KeySetting) -> Vec<Diagnostic> {
    let mut wrong = Vec::new();
    let names = || TABLE.iter().map(|command| command.name);
    let name = &set.command.value;
    if !names().any(|known| known == name) {
        wrong.push(set.command.wrong(format!("there is no command \"{name}\"")).or_rather(name, names()));
    }
    for keys in &set.keys {
        let readable = !keys.value.is_empty() && keys.value.split(' ').all(|key| Key::parse(key).is_some());
        if !readable {
            let message = format!("\"{}\" is no key; write it as \"s\", \"ctrl-d\", \"pgdn\" or \"g g\"", keys.value);
            wrong.push(keys.wrong(message));
        }
    }
    wrong
}

fn view_mistakes(view: &ViewSetting) -> Vec<Diagnostic> {
    let mut wrong = Vec::new();
    if let Some(filter) = &view.filter
        && let Err(error) = Filter::parse(&filter.value)
    {
        wrong.push(filter.wrong(format!("the filter of view \"{}\": {error}", view.name.value)));
    }
    if let Some(sort) = &view.sort {
        let names = SortBy::ALL.map(SortBy::name);
        if !names.contains(&sort.value.as_str()) {
            let message = format!("unknown order \"{}\"; there are: {}", sort.value, names.join(", "));
            wrong.push(sort.wrong(message).or_rather(&sort.value, names));
        }
    }
    wrong
}
