//! What has happened: the stream of it, and one event with what it leads to.

use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;

use super::detail::{Block, labelled, paint};
use super::{body, filter_line};
use crate::cockpit::app::{App, PromptKind};
use crate::cockpit::events::{Related, related};
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::numbers::{grouped, plural};
use crate::cockpit::widgets::pen::{Cells, Pen};
use crate::cockpit::widgets::state;
use crate::domain::drift::Severity;
use crate::domain::event::EventClass;
use crate::domain::text::SafeText;
use crate::domain::time::age;
use crate::ops::{EventRow, EventWindow};

/// Where the parts of the screen are.
pub(in crate::cockpit) struct Areas {
    filter: Rect,
    notes: Rect,
    pub(in crate::cockpit) list: Rect,
}

/// Places the parts.
pub(in crate::cockpit) fn areas(app: &App) -> Areas {
    let whole = body(app);
    let filter = Rect { height: 1.min(whole.height), ..whole };
    let count = app.events.window.value().map_or(0, |window| notes(window).len());
    let height = u16::try_from(count).unwrap_or(u16::MAX).min(whole.height / 3);
    let notes = Rect { y: filter.bottom(), height, ..whole };
    let list = Rect { y: notes.bottom(), height: whole.bottom().saturating_sub(notes.bottom()), ..whole };
    Areas { filter, notes, list }
}

/// What is to be known of the whole, a line each: how far it is behind, what is missing, who is silent.
fn notes(window: &EventWindow) -> Vec<(String, bool)> {
    let mut notes = Vec::new();
    let mut parts = vec![format!("{} held", grouped(window.held as u64))];
    if window.repeated > 0 {
        parts.push(format!("{} came twice", grouped(window.repeated)));
    }
    if window.let_go > 0 {
        parts.push(format!("{} older ones let go", grouped(window.let_go)));
    }
    parts.extend(window.lags.iter().map(|lag| format!("{} is {} behind", lag.source, age(lag.median))));
    notes.push((parts.join(" · "), false));
    if window.missing > 0 {
        let gap = window.gaps.first();
        let last = gap.map(|gap| format!(", the last from {}: {} to {}", gap.origin, gap.from, gap.to));
        notes.push((format!("{} missing{}", plural(window.missing, "event"), last.unwrap_or_default()), true));
    }
    if let Some(letter) = window.dead.first() {
        let text = format!(
            "{} came that are no events; the last from {}: {}",
            grouped(window.dead_in_all),
            letter.source,
            letter.why
        );
        notes.push((text, true));
    }
    notes.extend(window.blind.iter().map(|(source, why)| (format!("{source} is silent: {why}"), true)));
    notes
}

/// Draws the stream, and tells where the text cursor is.
pub(in crate::cockpit) fn draw(app: &App, pen: &mut Pen<'_>) -> Option<Position> {
    let areas = areas(app);
    let whole = body(app);
    let cursor = filter(app, pen, areas.filter);
    let rest = Rect { y: areas.filter.bottom(), height: whole.height - areas.filter.height, ..whole };
    if state::absent(pen, rest, &app.events.window, "what has happened", app.now) {
        return cursor;
    }
    let Some(window) = app.events.window.value() else { return cursor };
    for (y, (text, bad)) in (areas.notes.top()..areas.notes.bottom()).zip(notes(window)) {
        let (text, style) = if bad {
            (format!("{} {text}", pen.glyphs.warn), pen.styles.stale)
        } else {
            (text.replace('·', pen.glyphs.part), pen.styles.dim)
        };
        pen.text(areas.notes.x + 2, y, areas.notes.width.saturating_sub(2), &text, style);
    }
    if window.total == 0 {
        let text = match (window.sources, window.held) {
            (0, 0) => "no source of this context tells what happens",
            (_, 0) => "nothing has been told yet",
            _ => "nothing that is held matches",
        };
        pen.centre(areas.list, text, pen.styles.dim);
        return cursor;
    }
    pen.hit(areas.list, Hit::Area(Place::Events));
    let height = usize::from(areas.list.height);
    let first = app.events.index.saturating_sub(height / 2).min(window.total.saturating_sub(height));
    for (y, index) in (areas.list.top()..areas.list.bottom()).zip(first..) {
        let Some(row) = app.events.at(index) else { break };
        let line = Rect { y, height: 1, ..areas.list };
        pen.hit(line, Hit::Row(Place::Events, index));
        if index == app.events.index {
            pen.style(line, pen.styles.selected);
            pen.text(line.x, y, 1, pen.glyphs.cursor, pen.styles.title);
        }
        draw_row(app, pen, line, row);
    }
    cursor
}

/// The filter, or what is typed of it; on its right how many there are.
fn filter(app: &App, pen: &mut Pen<'_>, area: Rect) -> Option<Position> {
    let inner = Rect { x: area.x + 2, width: area.width.saturating_sub(4), ..area };
    let newer = app.events.window.value().map_or(0, |window| window.newer);
    let total = match newer {
        0 => plural(app.events.total() as u64, "event"),
        newer => format!(
            "{} {}, {} newer {}",
            grouped(app.events.total() as u64),
            "events",
            grouped(newer as u64),
            pen.glyphs.above
        ),
    };
    pen.right(inner.x, inner.y, inner.width, &total, if newer > 0 { pen.styles.info } else { pen.styles.dim });
    let room = inner.width.saturating_sub(u16::try_from(total.len() + 2).unwrap_or(u16::MAX));
    let typing = app.prompt.as_ref().filter(|prompt| matches!(prompt.kind, PromptKind::Events { .. }));
    let error = app.events.error.as_ref();
    filter_line(pen, Rect { width: room, ..inner }, typing, &app.events.text, error)
}

fn class_style(styles: &Styles, class: EventClass) -> Style {
    match class {
        EventClass::Change | EventClass::Deployment => styles.info,
        EventClass::Alert => styles.warning,
        EventClass::Remediation => styles.ok,
        EventClass::Decision | EventClass::Flow | EventClass::Other => styles.dim,
    }
}

fn severity_style(styles: &Styles, severity: Severity) -> Style {
    match severity {
        Severity::Critical => styles.failed,
        Severity::Warning => styles.warning,
        Severity::Info | Severity::Unknown => styles.text,
    }
}

fn draw_row(app: &App, pen: &mut Pen<'_>, line: Rect, row: &EventRow) {
    let (styles, event) = (pen.styles, &row.event);
    let mut cells = Cells::of(line);
    // What is told again and again stands where it was told last.
    let at = if row.times > 1 { row.last_at } else { event.at };
    cells.put(pen, 12, &app.times.stamp(at, app.now), if row.ahead { styles.warning } else { styles.dim });
    cells.put(pen, 13, event.class.name(), class_style(styles, event.class));
    if line.width >= 80 {
        cells.put(pen, 13, &event.source, styles.faint);
    }
    if line.width >= 100 {
        cells.put(pen, 15, event.tenant.as_deref().unwrap_or(""), styles.text);
    }
    let mut text = event.text.to_string();
    if row.times > 1 {
        text = format!("{text} ({} times)", grouped(row.times.into()));
    }
    if row.again > 0 {
        text = format!("{text} (again)");
    }
    if row.ahead {
        text = format!("{text} (its time is ahead of the clock)");
    }
    if let Some(by) = &event.by {
        text = format!("{text}  by {by}");
    }
    cells.put(pen, line.width, &text, severity_style(styles, event.severity));
}

/// Draws the event that is open.
pub(in crate::cockpit) fn draw_one(app: &App, pen: &mut Pen<'_>) {
    let area = body(app);
    let Some(row) = &app.events.open else { return };
    let inner = Rect { x: area.x + 2, width: area.width.saturating_sub(3), ..area };
    let block = about(app, pen.styles, pen.glyphs.cursor, row, usize::from(inner.width));
    paint(pen, inner, &block, app.events.scroll);
}

/// How many lines the open event has, and how many are in sight.
pub(in crate::cockpit) fn extent(app: &App) -> (usize, usize) {
    let area = body(app);
    let Some(row) = &app.events.open else { return (0, 1) };
    let columns = usize::from(area.width.saturating_sub(3));
    (about(app, &Styles::default(), "", row, columns).len(), usize::from(area.height))
}

fn about(app: &App, styles: &Styles, cursor: &str, row: &EventRow, columns: usize) -> Block {
    let mut block = Block::default();
    let event = &row.event;
    let mut fact = |label: &str, text: &str, style: Style| labelled(&mut block, styles, label, text, style, columns);
    fact("what", &event.text, styles.strong);
    fact(
        "class",
        &format!("{}, severity {}", event.class.name(), event.severity.name()),
        class_style(styles, event.class),
    );
    fact("at", &app.times.date_time(event.at), styles.text);
    let late = crate::domain::time::since(event.at, row.received_at);
    fact("came", &format!("{} later, from {}", age(late), event.source), styles.text);
    if row.times > 1 {
        let text = format!("{} times, the last at {}", grouped(row.times.into()), app.times.date_time(row.last_at));
        fact("told", &text, styles.text);
    }
    for (label, value) in
        [("tenant", &event.tenant), ("to", &event.subject), ("by", &event.by), ("trace", &event.trace)]
    {
        if let Some(value) = value {
            fact(label, value, styles.text);
        }
    }
    for (name, value) in &event.scope {
        fact(name, value, styles.text);
    }
    block.gap();
    block.push(vec![Span::styled("leads to", styles.heading)]);
    for (at, one) in related(row).iter().enumerate() {
        let text = match one {
            Related::Tenant(name) => format!("the tenant {name}"),
            Related::Flows(filter) => format!("flows: {filter}"),
            Related::Events(words, filter) => format!("events that it {words}: {filter}"),
        };
        let here = at == app.events.related;
        let sign = if here { cursor } else { " " };
        block.push(vec![Span::styled(format!("{sign} {text}"), if here { styles.selected } else { styles.text })]);
    }
    block.gap();
    block.push(vec![Span::styled("as CloudEvents 1.0 have it", styles.heading)]);
    let json = serde_json::to_string_pretty(&event.cloud_event()).unwrap_or_default();
    for line in json.lines() {
        block.push(vec![Span::styled(SafeText::new(line).to_string(), styles.dim)]);
    }
    block
}
