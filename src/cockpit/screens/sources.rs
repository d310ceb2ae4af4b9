//! The sources: each control plane, how fresh it is, and what is wrong with it.

use jiff::SignedDuration;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::body;
use super::detail::{Block, labelled, paint};
use crate::cockpit::app::App;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::numbers::grouped;
use crate::cockpit::widgets::pen::Pen;
use crate::cockpit::widgets::state;
use crate::domain::source::{Freshness, SourceStatus};
use crate::domain::time::{age, since, words};

/// Draws the screen.
pub(in crate::cockpit) fn draw(app: &App, pen: &mut Pen<'_>) {
    let area = body(app);
    if state::absent(pen, area, &app.overview, "the sources", app.now) || area.height == 0 {
        return;
    }
    let Some(overview) = app.overview.value() else { return };
    if overview.sources.is_empty() {
        pen.centre(area, "no source is configured", pen.styles.warning);
        return;
    }
    let count = u16::try_from(overview.sources.len()).unwrap_or(u16::MAX);
    let table = Rect { height: (count + 1).min((area.height * 3 / 5).max(2).min(area.height)), ..area };
    heading(pen, table);
    let at = overview.sources.iter().position(|source| Some(&source.name) == app.source.as_ref()).unwrap_or(0);
    let rows = usize::from(table.height - 1);
    let first = at.saturating_sub(rows / 2).min(overview.sources.len().saturating_sub(rows));
    for (y, (index, source)) in (table.y + 1..table.bottom()).zip(overview.sources.iter().enumerate().skip(first)) {
        let line = Rect { y, height: 1, ..table };
        pen.hit(line, Hit::Row(Place::Sources, index));
        if index == at {
            pen.style(line, pen.styles.selected);
            pen.text(line.x, y, 1, pen.glyphs.cursor, pen.styles.title);
        }
        row(app, pen, source, line);
    }
    let below = Rect { y: table.bottom() + 1, height: area.height.saturating_sub(table.height + 1), ..area };
    if let Some(source) = overview.sources.get(at) {
        about(app, pen, source, below);
    }
}

/// Name, state, age, latency, interval, rows, bad rows, version: their widths; those that don't fit are left out.
const WIDTHS: [(&str, u16); 8] = [
    ("SOURCE", 16),
    ("STATE", 12),
    ("AGE", 6),
    ("LATENCY", 9),
    ("EVERY", 7),
    ("ROWS", 10),
    ("BAD", 6),
    ("VERSION", 12),
];

fn heading(pen: &mut Pen<'_>, area: Rect) {
    let mut x = area.x + 2;
    for (at, (title, columns)) in WIDTHS.iter().enumerate() {
        if x + columns > area.right() {
            break;
        }
        if (2..7).contains(&at) {
            pen.right(x, area.y, columns - 2, title, pen.styles.heading);
        } else {
            pen.text(x, area.y, *columns, title, pen.styles.heading);
        }
        x += columns;
    }
}

fn state_style(styles: &Styles, state: Freshness) -> Style {
    match state {
        Freshness::Live => styles.ok,
        Freshness::Stale => styles.stale,
        Freshness::Failed => styles.failed,
        Freshness::Never => styles.recheck,
    }
}

fn row(app: &App, pen: &mut Pen<'_>, source: &SourceStatus, area: Rect) {
    let styles = pen.styles;
    let style = state_style(styles, source.state);
    let unknown = || "?".to_owned();
    // Rows of a source that has never answered are not nought, but unknown.
    let rows = if source.last_good_at.is_some() { grouped(source.rows as u64) } else { unknown() };
    let bad = if source.last_good_at.is_some() { grouped(source.bad_rows as u64) } else { unknown() };
    let cells: [(String, Style); 8] = [
        (source.name.to_string(), styles.strong),
        (format!("{} {}", pen.glyphs.freshness(source.state), source.state.name()), style),
        (source.age(app.now).map_or_else(unknown, age), style),
        (source.latency.map_or_else(unknown, latency), styles.text),
        (age(source.interval), styles.dim),
        (rows, styles.text),
        (bad, if source.bad_rows > 0 { styles.warning } else { styles.dim }),
        (source.version.as_deref().unwrap_or("?").to_owned(), styles.dim),
    ];
    let mut x = area.x + 2;
    for (at, ((text, style), (_, columns))) in cells.iter().zip(WIDTHS).enumerate() {
        if x + columns > area.right() {
            break;
        }
        if (2..7).contains(&at) {
            pen.right(x, area.y, columns - 2, text, *style);
        } else {
            pen.text(x, area.y, columns - 1, text, *style);
        }
        x += columns;
    }
    if x + 8 < area.right() {
        let text = source.error.as_deref().unwrap_or(&source.address);
        let style = if source.error.is_some() { styles.error_text } else { styles.faint };
        pen.text(x, area.y, area.right() - x - 1, text, style);
    }
}

fn latency(duration: SignedDuration) -> String {
    let millis = duration.as_millis();
    if millis < 1_000 { format!("{millis} ms") } else { format!("{}.{} s", millis / 1_000, millis % 1_000 / 100) }
}

fn about(app: &App, pen: &mut Pen<'_>, source: &SourceStatus, area: Rect) {
    if area.height < 2 {
        return;
    }
    let styles = pen.styles;
    pen.rule(Rect { height: 1, ..area }, &[Span::styled(source.name.to_string(), styles.title)]);
    let inner = Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(3), height: area.height - 1 };
    let block = facts(app, styles, source, usize::from(inner.width));
    paint(pen, inner, &block, 0);
}

/// Everything that is known of a source.
pub(in crate::cockpit) fn facts(app: &App, styles: &Styles, source: &SourceStatus, columns: usize) -> Block {
    let mut block = Block::default();
    if let Some(error) = &source.error {
        let times = if source.failures > 1 { format!(" ({} times in a row)", source.failures) } else { String::new() };
        labelled(&mut block, styles, "error", &format!("{error}{times}"), styles.error_text, columns);
    }
    let heard = match source.last_good_at {
        Some(at) => format!("{} ago, at {}", words(since(at, app.now)), app.times.date_time(at)),
        None => "never".to_owned(),
    };
    labelled(&mut block, styles, "heard", &heard, state_style(styles, source.state), columns);
    if let Some(at) = source.last_asked_at {
        labelled(&mut block, styles, "asked", &format!("{} ago", words(since(at, app.now))), styles.text, columns);
    }
    labelled(&mut block, styles, "address", &source.address, styles.text, columns);
    if source.unverified {
        let text = "NOT VERIFIED (verify = false): nobody knows who answers, so nothing can be acted on";
        labelled(&mut block, styles, "TLS", text, styles.warning, columns);
    }
    labelled(&mut block, styles, "kind", source.kind, styles.text, columns);
    let clock = match source.clock_offset {
        Some(offset) if offset.as_secs().abs() < 1 => "agrees with this machine's".to_owned(),
        Some(offset) if offset.is_negative() => format!("{} behind this machine's", words(-offset)),
        Some(offset) => format!("{} ahead of this machine's", words(offset)),
        None => "not known".to_owned(),
    };
    labelled(&mut block, styles, "clock", &clock, styles.text, columns);
    if let Some(bad) = &source.bad_row {
        let text = format!("{} could not be read; the first: {bad}", grouped(source.bad_rows as u64));
        labelled(&mut block, styles, "bad rows", &text, styles.warning, columns);
    }
    if let Some(untold) = &source.untold_tenant {
        let rows = grouped(source.untold_tenants as u64);
        let text = format!("not told for {rows} instances; the first: {untold}");
        labelled(&mut block, styles, "tenants", &text, styles.warning, columns);
    }
    block
}
