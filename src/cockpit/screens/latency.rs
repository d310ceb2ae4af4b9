//! How long steps take: a row for each step, a column for each slot of time, a sign for how it did against its promise.

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use super::body;
use crate::cockpit::app::App;
use crate::cockpit::command::CommandId;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::numbers::grouped;
use crate::cockpit::widgets::pen::{Pen, fit, width, wrap};
use crate::cockpit::widgets::state;
use crate::domain::latency::{Heat, LatencyCell, Measure};
use crate::domain::time::short;
use crate::ops::{Latency, LatencyRow};

/// The column of the promise, with a gap before it and behind it.
const PROMISE: u16 = 8;

/// How many lines the words of the slot under the cursor have at most.
const WORDS: u16 = 3;

/// From how many columns on there is room for more words.
const ROOMY: u16 = 110;

/// Where everything is.
struct Layout {
    /// The steps, below the heading and the times.
    rows: Rect,
    /// What stands below them.
    below: Rect,
    /// Where the slots begin.
    slots_x: u16,
    /// How many slots there is room for.
    shown: usize,
    /// How many columns a slot has.
    wide: u16,
}

fn layout(app: &App, slots: usize) -> Layout {
    let area = body(app);
    let names = app.latency.rows().map(|row| width(&row.flow) + 3 + width(&row.step)).max().unwrap_or(0);
    let names = u16::try_from(names).unwrap_or(u16::MAX).clamp(12, (area.width * 2 / 5).max(12));
    // Where there is room for every slot, the names get what is left.
    let all = u16::try_from(slots).unwrap_or(u16::MAX);
    let least = (area.width / 4).max(12);
    let names = if area.width >= all + least + PROMISE + 3 {
        names.min(area.width - all - PROMISE - 3)
    } else {
        names.min(least + 4)
    };
    let slots_x = area.x + 2 + names + PROMISE;
    let room = area.right().saturating_sub(slots_x + 1);
    let wide = if room >= all.saturating_mul(2) { 2 } else { 1 };
    let shown = usize::from(room / wide).min(slots);
    let below = (WORDS + 2).min(area.height / 3);
    let head = 2.min(area.height);
    let rows = Rect { y: area.y + head, height: area.height.saturating_sub(head + below), ..area };
    let below = Rect { y: rows.bottom(), height: area.bottom().saturating_sub(rows.bottom()), ..area };
    Layout { rows, below, slots_x, shown, wide }
}

/// How many steps fit on the screen.
pub(in crate::cockpit) fn page(app: &App) -> usize {
    usize::from(layout(app, app.latency.answer.value().map_or(0, |latency| latency.slots.len())).rows.height)
}

fn style(styles: &Styles, heat: Heat) -> Style {
    match heat {
        Heat::NoData => styles.faint,
        Heat::Blind => styles.unknown,
        Heat::Unfinished => styles.info,
        Heat::Unpromised => styles.dim,
        Heat::Within => styles.ok,
        Heat::Near => styles.suspect,
        Heat::Over => styles.stuck,
        Heat::FarOver => styles.failed,
    }
}

/// Draws the screen.
pub(in crate::cockpit) fn draw(app: &App, pen: &mut Pen<'_>) {
    let area = body(app);
    if area.height < 4 || state::absent(pen, area, &app.latency.answer, "how long steps take", app.now) {
        return;
    }
    let Some(latency) = app.latency.answer.value() else { return };
    heading(app, pen, Rect { height: 1, ..area });
    if app.latency.count() == 0 {
        let text = nothing(app, latency);
        pen.centre(Rect { y: area.y + 1, height: area.height - 2, ..area }, &text, pen.styles.dim);
        notes(app, pen, latency, Rect { y: area.bottom() - 1, height: 1, ..area });
        return;
    }
    let layout = layout(app, latency.slots.len());
    let cursor = app.latency.slot_at();
    // The last ones, unless the cursor is on an older one.
    let first = latency.slots.len().saturating_sub(layout.shown).min(cursor);
    times(app, pen, latency, &layout, first, area.y + 1);
    pen.hit(layout.rows, Hit::Area(Place::Latency));
    let at = app.latency.at();
    let lines = usize::from(layout.rows.height);
    let top = at.saturating_sub(lines / 2).min(app.latency.count().saturating_sub(lines));
    for (y, (index, row)) in (layout.rows.top()..layout.rows.bottom()).zip(app.latency.rows().enumerate().skip(top)) {
        pen.hit(Rect { y, height: 1, ..layout.rows }, Hit::Row(Place::Latency, index));
        line(pen, row, &layout, y, (first, cursor), index == at);
    }
    below(app, pen, latency, layout.below);
}

fn heading(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let what = match app.latency.measure {
        Measure::Run => "how long steps run",
        Measure::Queue => "how long steps queue",
    };
    let of = app.latency.flow.as_ref().map_or_else(|| "every flow".to_owned(), ToString::to_string);
    let other = match app.latency.measure {
        Measure::Run => "queue",
        Measure::Queue => "run",
    };
    let tab = app.keymap.label(CommandId::NextPane);
    let mut spans = vec![
        Span::styled(format!("{what} in {of}"), pen.styles.title),
        Span::styled(format!("  {tab} {other}"), pen.styles.dim),
    ];
    if app.latency.flow.is_some() {
        let all = app.keymap.label(CommandId::Latency);
        spans.push(Span::styled(format!("  {all} every flow"), pen.styles.dim));
    }
    if area.width >= ROOMY {
        spans.push(Span::styled("  95th percentile of 5 minutes against its promise", pen.styles.dim));
    }
    pen.rule(area, &spans);
}

/// Why there is nothing to show.
fn nothing(app: &App, latency: &Latency) -> String {
    if latency.sources.is_empty() {
        return "no source of this context tells of flows, so there are no steps to measure".to_owned();
    }
    let of = app.latency.flow.as_ref().map_or_else(String::new, |flow| format!(" of {flow}"));
    let other = latency.rows.len();
    if other > 0 {
        let tab = app.keymap.label(CommandId::NextPane);
        let what = match app.latency.measure {
            Measure::Run => ("ran", "queued"),
            Measure::Queue => ("queued", "ran"),
        };
        return format!("nothing{of} is known to have {}; {tab} shows what has {}", what.0, what.1);
    }
    format!("no data: nothing{of} has run or queued within 6 hours, as far as is told")
}

/// The times above the slots: whole hours, and the names of the columns before them.
fn times(app: &App, pen: &mut Pen<'_>, latency: &Latency, layout: &Layout, first: usize, y: u16) {
    let x = layout.rows.x;
    let names = layout.slots_x - x - PROMISE;
    pen.text(x + 2, y, names.saturating_sub(2), &format!("FLOW {} STEP", pen.glyphs.step), pen.styles.heading);
    pen.right(layout.slots_x - PROMISE, y, PROMISE - 1, "PROMISE", pen.styles.heading);
    let mut free = layout.slots_x;
    for (nth, slot) in latency.slots.iter().skip(first).take(layout.shown).enumerate() {
        let at = layout.slots_x + u16::try_from(nth).unwrap_or(u16::MAX).saturating_mul(layout.wide);
        let clock = app.times.clock(*slot);
        let columns = u16::try_from(width(&clock)).unwrap_or(0);
        if clock.ends_with(":00") && at >= free && at + columns <= layout.rows.right() {
            pen.text(at, y, columns, &clock, pen.styles.faint);
            free = at + columns + 1;
        }
    }
}

/// One step.
fn line(pen: &mut Pen<'_>, row: &LatencyRow, layout: &Layout, y: u16, (first, cursor): (usize, usize), here: bool) {
    let (x, styles) = (layout.rows.x, pen.styles);
    let names = layout.slots_x - x - PROMISE;
    if here {
        pen.style(Rect { x, y, width: layout.slots_x - x, height: 1 }, styles.selected);
        pen.text(x, y, 1, pen.glyphs.cursor, styles.title);
    }
    // The step tells rows apart: the flow gives way.
    let room = usize::from(names.saturating_sub(2));
    let step = fit(&row.step, room.saturating_sub(8).max(room / 2), pen.glyphs.ellipsis).into_owned();
    let flow = fit(&row.flow, room.saturating_sub(width(&step) + 3), pen.glyphs.ellipsis).into_owned();
    let name = [
        Span::styled(flow, styles.strong),
        Span::styled(format!(" {} ", pen.glyphs.step), styles.faint),
        Span::styled(step, styles.text),
    ];
    pen.spans(x + 2, y, names.saturating_sub(2), &name);
    let (promise, promised) = match row.promise {
        Some(promise) => (short(promise), styles.text),
        None => (pen.glyphs.none.to_owned(), styles.faint),
    };
    pen.right(layout.slots_x - PROMISE, y, PROMISE - 1, &promise, promised);
    let mut at = layout.slots_x;
    let mut cells = row.cells.iter().enumerate().skip(first).take(layout.shown).peekable();
    while let Some((nth, cell)) = cells.next() {
        let marked = here && nth == cursor;
        let mut alike = 1;
        // Slots that look the same are one text.
        while !marked && cells.next_if(|(nth, next)| next.heat == cell.heat && !(here && *nth == cursor)).is_some() {
            alike += 1;
        }
        let text = pen.glyphs.heat(cell.heat).repeat(alike * usize::from(layout.wide));
        let style = style(styles, cell.heat);
        let style = if marked { style.add_modifier(Modifier::REVERSED | Modifier::BOLD) } else { style };
        let columns = u16::try_from(width(&text)).unwrap_or(u16::MAX);
        pen.text(at, y, columns, &text, style);
        at = at.saturating_add(columns);
    }
}

/// What is under the cursor in words, what the signs mean, and what is not known.
fn below(app: &App, pen: &mut Pen<'_>, latency: &Latency, area: Rect) {
    if area.height == 0 {
        return;
    }
    pen.rule(Rect { height: 1, ..area }, &[]);
    let room = usize::from(area.width.saturating_sub(3));
    let mut y = area.y + 1;
    let last = area.bottom().saturating_sub(1);
    if let Some((row, cell)) = app.latency.current().zip(app.latency.cell()) {
        let words = words(app, pen.ascii, latency, row, cell);
        for text in wrap(&words, room).into_iter().take(usize::from(WORDS)) {
            if y >= last {
                break;
            }
            pen.text(area.x + 2, y, area.width.saturating_sub(3), &text, style(pen.styles, cell.heat));
            y += 1;
        }
    }
    // What is wrong goes before what is always the same.
    if y < last && notes(app, pen, latency, Rect { y, height: last - y, ..area }) {
        y = last;
    }
    if y <= last {
        legend(pen, Rect { y: last, height: 1, ..area });
    }
}

/// `database, 02:40-02:45: p95 41s run, promise 30s; 12 finished, 3 still running`.
fn words(app: &App, ascii: bool, latency: &Latency, row: &LatencyRow, cell: &LatencyCell) -> String {
    let slot = app.latency.slot_at();
    let begins = latency.slots.get(slot).copied().unwrap_or(latency.at);
    let ends = latency.slots.get(slot + 1).map_or_else(|| "now".to_owned(), |ends| app.times.clock(*ends));
    let dash = app.glyphs.to;
    let at = format!("{}, {}{dash}{ends}", row.step, app.times.clock(begins));
    let promise =
        row.promise.map_or_else(|| "nothing promised".to_owned(), |promise| format!("promise {}", short(promise)));
    let p95 = cell.p95.map(|p95| {
        let least = if cell.at_least { if ascii { "at least " } else { "\u{2265} " } } else { "" };
        let p50 = cell.p50.map_or_else(String::new, |p50| format!(" (median {})", short(p50)));
        format!("p95 {least}{}{p50} {}", short(p95), row.measure.name())
    });
    let does = match row.measure {
        Measure::Run => "running",
        Measure::Queue => "in the queue",
    };
    let still = if slot + 1 < latency.slots.len() { "at its end" } else { "now" };
    let mut counts = vec![format!("{} finished", grouped(cell.finished))];
    if cell.failed > 0 {
        counts.push(format!("{} failed", grouped(cell.failed)));
    }
    if cell.going > 0 {
        counts.push(format!("{} still {does} {still}", grouped(cell.going)));
    }
    let counts = counts.join(", ");
    match (cell.heat, p95) {
        (Heat::NoData, _) => format!("{at}: no data: nothing was in it then; {promise}"),
        (Heat::Blind, p95) => {
            let known = p95.map_or_else(String::new, |p95| format!("; as far as it is: {p95}, {counts}"));
            format!("{at}: not known{known}; {promise}")
        }
        (Heat::Unfinished, Some(p95)) => format!("{at}: none finished yet: {p95}, {promise}; {counts}"),
        (heat, Some(p95)) if row.promise.is_some() => {
            format!("{at}: {} its promise: {p95}, {promise}; {counts}", heat.words())
        }
        (_, Some(p95)) => format!("{at}: {p95}, {promise}; {counts}"),
        (_, None) => format!("{at}: {counts}; {promise}"),
    }
}

/// What the signs mean.
fn legend(pen: &mut Pen<'_>, area: Rect) {
    let mut spans = Vec::new();
    let worst_first = Heat::ALL.into_iter().skip(4).chain(Heat::ALL.into_iter().take(4));
    for heat in worst_first {
        let words = match heat {
            Heat::Within if area.width >= ROOMY => "within 80%",
            Heat::FarOver if area.width >= ROOMY => "over three times",
            Heat::Within => "ok",
            Heat::Blind => "blind",
            Heat::Unfinished => "open",
            Heat::Unpromised => "unpromised",
            other => other.words(),
        };
        spans.push(Span::styled(pen.glyphs.heat(heat), style(pen.styles, heat)));
        spans.push(Span::styled(format!(" {words}  "), pen.styles.dim));
    }
    pen.spans(area.x + 2, area.y, area.width.saturating_sub(3), &spans);
}

/// What of the sources is not known, in the last lines of an area. Returns whether there is anything.
fn notes(app: &App, pen: &mut Pen<'_>, latency: &Latency, area: Rect) -> bool {
    let mut notes: Vec<String> = Vec::new();
    for source in &latency.sources {
        let name = &source.name;
        if let Some(error) = &source.error {
            notes.push(format!("{} {name}: {error}", pen.glyphs.blind));
        }
        if source.tells == Some(false) {
            notes.push(format!("{name} does not tell when steps end: only what goes on is known"));
        }
        let late = source.known_from.filter(|from| latency.slots.first().is_some_and(|begins| from > begins));
        if let Some(from) = late {
            notes.push(format!("{name} is known since {}: more has ended than is read", app.times.clock(from)));
        }
        if source.left_out > 0 {
            notes.push(format!("{name} has more different steps than are measured"));
        }
    }
    if let Some(error) = stale(app) {
        notes.insert(0, error);
    }
    if notes.is_empty() {
        return false;
    }
    let room = area.width.saturating_sub(3);
    let mut lines = wrap(&notes.join("; "), usize::from(room));
    let shown = lines.len().min(usize::from(area.height));
    if shown < lines.len() {
        // The last line that is shown is cut where it ends, so that it is seen that there is more.
        let rest = lines.split_off(shown.saturating_sub(1)).join(" ");
        lines.push(rest);
    }
    let first = area.bottom().saturating_sub(u16::try_from(shown).unwrap_or(area.height));
    for (y, text) in (first..area.bottom()).zip(lines) {
        pen.text(area.x + 2, y, room, &text, pen.styles.stale);
    }
    true
}

fn stale(app: &App) -> Option<String> {
    match &app.latency.answer {
        crate::cockpit::remote::Remote::Stale { error, .. } => Some(error.to_string()),
        _ => None,
    }
}
