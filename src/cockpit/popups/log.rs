//! The log: what is wrong with each source, with when and how often; then the last events, the newest at the bottom.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::{inside, place};
use crate::cockpit::app::App;
use crate::cockpit::command::CommandId;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::log::LogLook;
use crate::cockpit::remote::Remote;
use crate::cockpit::screens::detail::{Block, labelled, paint};
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::numbers::{grouped, plural};
use crate::cockpit::widgets::pen::{Pen, width, wrap};
use crate::domain::log::{LogEntry, LogLevel, LogView};

fn area(app: &App) -> Rect {
    place(app, 180, 60)
}

fn level_style(styles: &Styles, level: LogLevel) -> Style {
    match level {
        LogLevel::Error => styles.error_text,
        LogLevel::Warning => styles.warning,
        LogLevel::Info => styles.text,
        LogLevel::Debug => styles.dim,
    }
}

/// Draws it.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>, look: &LogLook) {
    let frame = area(app);
    let inner = inside(frame);
    let border = pen.styles.popup_border;
    if let Some(entry) = &look.whole {
        super::frame(pen, frame, "log: one event", &[("Esc", "back to the list")], border);
        whole(app, pen, inner, entry);
        return;
    }
    let shown = match look.level {
        LogLevel::Error => "errors only",
        LogLevel::Warning => "errors and warnings",
        LogLevel::Info => "errors, warnings, info",
        LogLevel::Debug => "all levels",
    };
    let moves = format!("{} {}", app.keymap.label(CommandId::Up), app.keymap.label(CommandId::Down));
    let newest = app.keymap.label(CommandId::Bottom);
    let keys = [("Esc", "close"), (&*moves, "move"), ("Enter", "in full"), ("Tab", "levels"), (&*newest, "newest")];
    super::frame(pen, frame, &format!("log: {shown}, {}", app.times.zone(app.now)), &keys, border);
    pen.hit(inner, Hit::Area(Place::Popup));
    match &app.log {
        Remote::Failed(error) => pen.centre(inner, &error.to_string(), pen.styles.error_text),
        log => match log.value() {
            Some(view) => list(app, pen, inner, view, look),
            None => pen.centre(inner, "reading the log", pen.styles.dim),
        },
    }
}

fn list(app: &App, pen: &mut Pen<'_>, area: Rect, view: &LogView, look: &LogLook) {
    let styles = pen.styles;
    let columns = usize::from(area.width);
    let mut head = Block::default();
    for trouble in view.troubles.iter().take(usize::from(area.height / 6)) {
        let times = if trouble.count == 1 {
            format!("once, {}", app.times.second(trouble.last_at))
        } else {
            let count = grouped(trouble.count);
            format!("{count} times, {} to {}", app.times.second(trouble.first_at), app.times.second(trouble.last_at))
        };
        head.push(vec![
            Span::styled(format!("{} ", trouble.source), styles.strong),
            Span::styled(format!("{times}: "), level_style(styles, trouble.level)),
            Span::styled(trouble.text.to_string(), styles.text),
        ]);
    }
    let mut foot = Vec::new();
    match (&view.problem, &view.place) {
        (Some(problem), _) => foot.push((format!("NOT WRITTEN: {problem}"), styles.error_text)),
        (None, Some(place)) => foot.push((format!("files: {place}"), styles.faint)),
        (None, None) => foot.push(("kept in memory alone".to_owned(), styles.faint)),
    }
    if view.dropped > 0 {
        foot.push((format!("{} older are no longer held here", plural(view.dropped, "event")), styles.faint));
    }
    let foot: Vec<(String, Style)> = foot
        .into_iter()
        .flat_map(|(text, style)| wrap(&text, columns.max(1)).into_iter().map(move |line| (line, style)))
        .collect();
    let head_lines = u16::try_from(head.len()).unwrap_or(0).min(area.height / 3);
    let foot_lines = u16::try_from(foot.len()).unwrap_or(0).min(area.height / 3);
    paint(pen, Rect { height: head_lines, ..area }, &head, 0);
    if head_lines > 0 {
        pen.rule(Rect { y: area.y + head_lines, height: 1, ..area }, &[]);
    }
    let above = if head_lines > 0 { head_lines + 1 } else { 0 };
    let room = Rect { y: area.y + above, height: area.height.saturating_sub(above + foot_lines), ..area };
    for (at, (line, style)) in foot.iter().take(usize::from(foot_lines)).enumerate() {
        pen.text(area.x, room.bottom() + u16::try_from(at).unwrap_or(0), area.width, line, *style);
    }
    rows(app, pen, room, view, look);
}

fn rows(app: &App, pen: &mut Pen<'_>, area: Rect, view: &LogView, look: &LogLook) {
    let entries = look.entries(view);
    if entries.is_empty() {
        pen.centre(area, "nothing of this level has happened since the start", pen.styles.dim);
        return;
    }
    let height = usize::from(area.height);
    if height == 0 {
        return;
    }
    let cursor = entries.len() - 1 - look.above.min(entries.len() - 1);
    // The newest at the bottom; the cursor is kept in sight.
    let last = (cursor + height / 2 + 1).clamp(height.min(entries.len()), entries.len());
    let first = last.saturating_sub(height);
    let styles = pen.styles;
    let named = entries[first..last].iter().filter_map(|entry| entry.source.as_ref()).map(|source| width(source));
    let source_columns = named.max().unwrap_or(0).min(16);
    for (y, (at, entry)) in (area.top()..area.bottom()).zip(entries.iter().enumerate().take(last).skip(first)) {
        pen.hit(Rect { y, height: 1, ..area }, Hit::Row(Place::Popup, at));
        if at == cursor {
            pen.style(Rect { y, height: 1, ..area }, styles.selected);
        }
        let style = level_style(styles, entry.level);
        let mut x = area.x;
        let mut put = |pen: &mut Pen<'_>, columns: u16, text: &str, style: Style| {
            let columns = columns.min(area.right().saturating_sub(x));
            pen.text(x, y, columns.saturating_sub(1), text, style);
            x += columns;
        };
        put(pen, 10, &app.times.second(entry.at), styles.faint);
        put(pen, 9, &entry.level.name().to_uppercase(), style);
        if source_columns > 0 {
            let columns = u16::try_from(source_columns + 1).unwrap_or(1);
            put(pen, columns, entry.source.as_deref().unwrap_or_default(), styles.strong);
        }
        put(pen, u16::MAX, &entry.line(), if entry.level <= LogLevel::Warning { style } else { styles.text });
    }
}

fn whole(app: &App, pen: &mut Pen<'_>, area: Rect, entry: &LogEntry) {
    let styles = pen.styles;
    let columns = usize::from(area.width);
    let mut block = Block::default();
    labelled(&mut block, styles, "when", &app.times.date_time(entry.at), styles.text, columns);
    let style = level_style(styles, entry.level);
    labelled(&mut block, styles, "level", entry.level.name(), style, columns);
    if let Some(source) = &entry.source {
        labelled(&mut block, styles, "source", source, styles.strong, columns);
    }
    labelled(&mut block, styles, "what", &entry.text, styles.strong, columns);
    for (name, value) in &entry.fields {
        labelled(&mut block, styles, name, value, styles.text, columns);
    }
    paint(pen, area, &block, 0);
}
