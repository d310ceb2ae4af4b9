//! The line at the bottom: what was just said, what is being typed, or the keys of this screen while nothing lies
//! over it.

use ratatui::layout::{Position, Rect};
use ratatui::text::Span;

use super::pen::{Pen, width};
use crate::cockpit::app::{App, Level, Prompt, PromptKind};
use crate::cockpit::command::{self, CommandId, TABLE};
use crate::cockpit::hit::Hit;
use crate::cockpit::keymap::show;
use crate::domain::text::SafeText;
use crate::ops::Selection;
use crate::query::Filter;

/// Draws it, and tells where the text cursor is.
pub(crate) fn draw(app: &App, pen: &mut Pen<'_>, area: Rect) -> Option<Position> {
    pen.clear(area, pen.styles.bar);
    let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let above = |kind: &PromptKind| {
        matches!(kind, PromptKind::Filter { .. } | PromptKind::Events { .. } | PromptKind::Drift { .. })
    };
    let below = |prompt: &&Prompt| !above(&prompt.kind);
    if let Some(prompt) = app.prompt.as_ref().filter(below) {
        let typed = SafeText::new(prompt.input.value());
        let sign = match prompt.kind {
            PromptKind::Command => ":",
            PromptKind::Tenant { .. } => "tenant: ",
            _ => "/",
        };
        let used = pen.text(area.x, area.y, area.width, &format!("{sign}{typed}"), pen.styles.bar_strong);
        let cursor = u16::try_from(width(sign)).unwrap_or(1) + u16::try_from(prompt.input.visual_cursor()).unwrap_or(0);
        let rest = Rect { x: area.x + used + 3, width: area.width.saturating_sub(used + 3), ..area };
        match &prompt.error {
            Some(error) => {
                pen.text(rest.x, rest.y, rest.width, error, pen.styles.bar.patch(pen.styles.warning));
            }
            None if prompt.kind == PromptKind::Command => {
                pen.text(rest.x, rest.y, rest.width, follows(&typed).unwrap_or_default(), pen.styles.bar);
            }
            None if matches!(prompt.kind, PromptKind::Tenant { .. }) => {
                hints(pen, rest, &[("Enter", "open"), ("Up Down", "choose"), ("Esc", "as it was")]);
            }
            None => hints(pen, rest, &[("Enter", "keep"), ("Esc", "as it was")]),
        }
        return Some(Position::new((area.x + cursor).min(area.right()), area.y));
    }
    if let Some(message) = &app.message {
        let style = match message.level {
            Level::Info => pen.styles.info,
            Level::Warning => pen.styles.warning,
        };
        pen.text(area.x, area.y, area.width, &message.text, pen.styles.bar.patch(style));
        return None;
    }
    let area = config(app, pen, area);
    if app.popup.is_some() {
        // Its keys stand at its lower edge; those of the screen beneath do nothing now.
    } else if let Some(Prompt { kind: kind @ (PromptKind::Events { .. } | PromptKind::Drift { .. }), .. }) = &app.prompt
    {
        let of_drift = matches!(kind, PromptKind::Drift { .. });
        let keys = if of_drift { crate::query::DRIFT_KEYS } else { crate::query::EVENT_KEYS };
        let keys: Vec<&str> = keys.iter().map(|(name, _)| *name).collect();
        hints(pen, area, &[("Enter", "keep"), ("Esc", "restore"), ("keys", &keys.join(": "))]);
    } else if app.prompt.is_some() {
        filter_hints(app, pen, area);
    } else if app.pressed.is_empty() {
        screen_hints(app, pen, area);
    } else {
        let pressed = show(&app.pressed);
        hints(pen, area, &[(&pressed, "goes on with one of these"), ("Esc", "cancel")]);
    }
    None
}

/// What is wrong with the config, for as long as it is, and the room that this leaves. Help and the way out stay.
fn config(app: &App, pen: &mut Pen<'_>, area: Rect) -> Rect {
    let Some(problem) = &app.config.problem else { return area };
    let style = pen.styles.bar.patch(pen.styles.warning);
    let used = 3 + pen.text(area.x, area.y, area.width.saturating_sub(area.width / 4), problem, style);
    Rect { x: area.x + used.min(area.width), width: area.width.saturating_sub(used), ..area }
}

/// What may be typed after the name that stands there.
fn follows(typed: &str) -> Option<&'static str> {
    command::exact(typed.trim())?.words
}

/// While a filter is typed: what the word could become, and the keys.
fn filter_hints(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let Some(prompt) = &app.prompt else { return };
    let found = Filter::complete(prompt.input.value(), prompt.input.cursor());
    let mut shown = vec![("Enter", "keep"), ("Esc", "restore")];
    // At the beginning of a word everything fits, which helps nobody.
    let begun = prompt.input.value().chars().nth(prompt.input.cursor().saturating_sub(1)).is_some_and(|c| c != ' ');
    let words = found.iter().take(12).map(|one| one.label.as_str()).collect::<Vec<_>>().join("  ");
    if begun && !found.is_empty() {
        shown.insert(0, ("Tab", &words));
    } else {
        shown.push(("Ctrl-U", "empty"));
        if !app.history.filters.is_empty() {
            shown.push(("Up", "earlier ones"));
        }
    }
    hints(pen, area, &shown);
}

/// What stays longest where not all hints fit, the most needed first: how to get help and out, then how to do what has
/// no key, then what the screen is for. The others follow in the order of the table.
const KEPT: [CommandId; 8] = [
    CommandId::Help,
    CommandId::Quit,
    CommandId::CommandLine,
    CommandId::Open,
    CommandId::Verbs,
    CommandId::Filter,
    CommandId::Sort,
    CommandId::Mark,
];

/// The keys of the screen, from the table and in its order, as many as fit; help is always the last one.
fn screen_hints(app: &App, pen: &mut Pen<'_>, area: Rect) {
    if let Some(selection) = app.marked() {
        mark_hints(app, pen, area, selection);
        return;
    }
    let mut all: Vec<(CommandId, String, &str)> = TABLE
        .iter()
        .filter(|command| command.at(app.screen()))
        .filter_map(|command| {
            let hint = command.hint?;
            Some((command.id, app.keymap.first(command.id).or_else(|| unbound(app, command.id))?, hint))
        })
        .collect();
    all.sort_by_key(|(id, ..)| *id == CommandId::Help);
    let mut by_need: Vec<usize> = (0..all.len()).collect();
    let need = |at: &usize| {
        let id = all.get(*at).map(|(id, ..)| *id);
        KEPT.iter().position(|kept| Some(*kept) == id).unwrap_or(KEPT.len())
    };
    by_need.sort_by_key(need);
    let mut room = usize::from(area.width) + 3;
    let mut shown = vec![false; all.len()];
    for at in by_need {
        let (Some((_, key, hint)), Some(shown)) = (all.get(at), shown.get_mut(at)) else { continue };
        let size = width(key) + 1 + width(hint) + 3;
        if size <= room {
            room -= size;
            *shown = true;
        }
    }
    let shown = all.iter().zip(shown).filter(|(_, shown)| *shown);
    let shown: Vec<_> = shown.map(|(hint, _)| hint).collect();
    let mut x = area.x;
    for (id, key, hint) in &shown {
        let wide = u16::try_from(width(key) + 1 + width(hint)).unwrap_or(u16::MAX);
        pen.hit(Rect { x, width: wide, height: 1, ..area }, Hit::Command(*id));
        x = x.saturating_add(wide + 3);
    }
    let shown: Vec<_> = shown.iter().map(|(_, key, hint)| (key.as_str(), *hint)).collect();
    hints(pen, area, &shown);
}

/// What the marks are good for.
fn mark_hints(app: &App, pen: &mut Pen<'_>, area: Rect, selection: &Selection) {
    let two = matches!(selection, Selection::Ids(ids) if ids.len() == 2);
    let all: [(CommandId, &str); 8] = [
        (CommandId::Verbs, "act"),
        (CommandId::Copy, "copy their ids"),
        (CommandId::CopyRow, "rows"),
        (CommandId::CopyJson, "JSON"),
        (CommandId::Compare, "compare the two"),
        (CommandId::Mark, "mark"),
        (CommandId::MarkRange, "up to here"),
        (CommandId::Back, "clear"),
    ];
    let keys: Vec<_> = all
        .into_iter()
        .filter(|(id, _)| two || *id != CommandId::Compare)
        .map(|(id, hint)| (id, app.keymap.label(id), hint))
        .collect();
    let mut x = area.x;
    for (id, key, hint) in &keys {
        let wide = u16::try_from(width(key) + 1 + width(hint)).unwrap_or(u16::MAX);
        pen.hit(Rect { x, width: wide, height: 1, ..area }, Hit::Command(*id));
        x = x.saturating_add(wide + 3);
    }
    let shown: Vec<_> = keys.iter().map(|(_, key, hint)| (key.as_str(), *hint)).collect();
    hints(pen, area, &shown);
}

/// What stands for a key that was taken away, where there must be something: how to get help and out.
fn unbound(app: &App, id: CommandId) -> Option<String> {
    match id {
        CommandId::Help => Some(app.keymap.label(id)),
        CommandId::Quit => Some(app.keymap.label(CommandId::QuitAll)),
        _ => None,
    }
}

/// Keys and what they do.
pub(crate) fn hints(pen: &mut Pen<'_>, area: Rect, hints: &[(&str, &str)]) {
    let styles = pen.styles;
    let spans: Vec<Span<'_>> = hints
        .iter()
        .enumerate()
        .flat_map(|(at, (key, hint))| {
            let gap = if at + 1 < hints.len() { "   " } else { "" };
            [Span::styled((*key).to_owned(), styles.bar_strong), Span::styled(format!(" {hint}{gap}"), styles.bar)]
        })
        .collect();
    pen.spans(area.x, area.y, area.width, &spans);
}
