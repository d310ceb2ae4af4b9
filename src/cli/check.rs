//! What the config can't check by itself: the names of themes, commands, keys and orders, which are the cockpit's, and
//! filters, which are the filter language's.

use crate::cockpit::Colours;
use crate::cockpit::keymap::Keymap;
use crate::cockpit::theme::Themes;
use crate::config::{Diagnostic, KeySetting, Setting, Ui, ViewSetting};
use crate::query::{Filter, GroupBy, SortBy};

/// What is wrong with how the cockpit is to look and behave, from the first line to the last.
pub(super) fn mistakes(ui: &Ui, keys: &[KeySetting], views: &[ViewSetting], themes: &Themes) -> Vec<Diagnostic> {
    let mut wrong: Vec<Diagnostic> = theme_mistake(&ui.theme, themes).into_iter().collect();
    wrong.extend(keymap(keys).1);
    wrong.extend(views.iter().flat_map(view_mistakes));
    wrong.sort_by_key(|diagnostic| (diagnostic.place.line, diagnostic.place.column));
    wrong
}

/// The keys with the changes of the config, and what could not be taken of them: there the default stays in force.
pub(super) fn keymap(keys: &[KeySetting]) -> (Keymap, Vec<Diagnostic>) {
    let entries: Vec<(String, Vec<String>)> = keys
        .iter()
        .map(|set| (set.command.value.clone(), set.keys.iter().map(|key| key.value.clone()).collect()))
        .collect();
    let (map, problems) = Keymap::configured(&entries);
    let wrong = problems.into_iter().filter_map(|problem| {
        let set = keys.get(problem.entry)?;
        // The key itself is pointed at where the message is about one.
        let place = set.keys.iter().find(|key| problem.message.contains(&format!("{:?}", key.value)));
        let mut diagnostic = place.unwrap_or(&set.command).wrong(problem.message);
        diagnostic.suggestion = problem.suggestion;
        Some(diagnostic)
    });
    let wrong = wrong.collect();
    (map, wrong)
}

/// What is wrong with the theme that is named.
pub(super) fn theme_mistake(setting: &Setting<Option<String>>, themes: &Themes) -> Option<Diagnostic> {
    let name = setting.value.as_deref()?;
    let error = themes.styles(Some(name), Colours::TrueColour).err()?;
    Some(setting.wrong(format!("theme: {error}")))
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
    if let Some(group) = view.group.as_ref().filter(|group| GroupBy::by_name(&group.value).is_none()) {
        let names = GroupBy::ALL.map(GroupBy::name);
        let message = format!("unknown group \"{}\"; there are: {}", group.value, names.join(", "));
        wrong.push(group.wrong(message).or_rather(&group.value, names));
    }
    wrong
}
