//! The flows at a glance: one glyph per step, the ones that need eyes first, the healthy ones folded into a count.

use std::cmp::Reverse;

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use crate::cockpit::app::{App, Pane};
use crate::cockpit::command::CommandId;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::widgets::numbers::grouped;
use crate::cockpit::widgets::pen::{Pen, width};
use crate::domain::text::SafeText;
use crate::domain::time::age;
use crate::ops::{Cell, Overview};

/// One flow of one source.
pub(in crate::cockpit) struct FlowLine<'a> {
    pub(in crate::cockpit) source: SafeText,
    pub(in crate::cockpit) flow: SafeText,
    cells: Vec<&'a Cell>,
    live: bool,
    stuck: u64,
    /// Open or failed: what may be stuck.
    open: u64,
    approximate: bool,
}

impl FlowLine<'_> {
    fn needs_eyes(&self) -> bool {
        !self.live || self.stuck > 0 || self.cells.iter().any(|cell| cell.counts.unknown > 0)
    }
}

/// The flows to show, worst first, and how many there are in all.
pub(in crate::cockpit) fn lines(overview: &Overview, all: bool) -> (Vec<FlowLine<'_>>, usize) {
    let mut lines: Vec<FlowLine<'_>> = Vec::new();
    for cell in &overview.cells {
        let at = lines.iter().position(|line| line.flow == cell.flow && line.source == cell.source);
        let at = at.unwrap_or_else(|| {
            lines.push(FlowLine {
                source: cell.source.clone(),
                flow: cell.flow.clone(),
                cells: Vec::new(),
                live: true,
                stuck: 0,
                open: 0,
                approximate: false,
            });
            lines.len() - 1
        });
        if let Some(line) = lines.get_mut(at) {
            line.live &= cell.live;
            line.stuck += cell.counts.stuck;
            line.open += cell.counts.open + cell.counts.failed;
            line.approximate |= cell.approximate;
            line.cells.push(cell);
        }
    }
    let total = lines.len();
    lines.sort_by_key(|line| (!line.needs_eyes(), Reverse(line.stuck), line.live));
    if !all {
        lines.retain(FlowLine::needs_eyes);
    }
    (lines, total)
}

/// Draws the strip, and tells how many lines it took.
pub(in crate::cockpit) fn draw(app: &App, pen: &mut Pen<'_>, overview: &Overview, area: Rect) -> u16 {
    if area.height == 0 || area.width < 20 {
        return 0;
    }
    let (shown, total) = lines(overview, app.board.show_all);
    let eyes = shown.iter().filter(|line| line.needs_eyes()).count();
    title(app, pen, area, eyes, total);
    pen.hit(area, Hit::Area(Place::Board(Pane::Strip)));
    let healthy = total - eyes;
    let foot = u16::from(area.height > 2);
    let list = Rect { y: area.y + 1, height: area.height.saturating_sub(1 + foot), ..area };
    let moved_to = shown.iter().position(|line| {
        app.board.flow.as_ref().is_some_and(|(source, flow)| *source == line.source && *flow == line.flow)
    });
    let at = moved_to.or((!shown.is_empty()).then_some(0));
    let rows = usize::from(list.height);
    let first = at.map_or(0, |at| at.saturating_sub(rows / 2)).min(shown.len().saturating_sub(rows));
    let names = shown.iter().map(|line| width(&line.flow)).max().unwrap_or(0).clamp(12, 34);
    let names = u16::try_from(names).unwrap_or(34).min(area.width * 2 / 5);
    let steps = shown.iter().map(|line| line.cells.len()).max().unwrap_or(1).clamp(1, 12);
    let steps = u16::try_from(steps).unwrap_or(12);
    for (y, (index, line)) in (list.top()..list.bottom()).zip(shown.iter().enumerate().skip(first)) {
        let row = Rect { y, height: 1, ..list };
        let selected = at == Some(index) && app.board.pane == Pane::Strip;
        pen.hit(row, Hit::Row(Place::Board(Pane::Strip), index));
        if selected {
            pen.style(row, pen.styles.selected);
            pen.text(row.x, y, 1, pen.glyphs.cursor, pen.styles.title);
        }
        flow(app, pen, overview, line, row, (names, steps));
    }
    if foot == 1 {
        let y = (list.y + u16::try_from(shown.len()).unwrap_or(0)).min(area.bottom() - 1);
        let hidden = shown.len().saturating_sub(rows);
        let mut text = match (app.board.show_all, healthy) {
            (_, 0) => "no flow without something stuck".to_owned(),
            (false, 1) => "1 flow has nothing stuck".to_owned(),
            (false, n) => format!("{} flows have nothing stuck", grouped(n as u64)),
            (true, n) => format!("{} of them with nothing stuck", grouped(n as u64)),
        };
        if hidden > 0 {
            text = format!("{hidden} more {}   {text}", pen.glyphs.below);
        }
        pen.text(area.x + 2, y, area.width.saturating_sub(2), &text, pen.styles.faint);
        let key = app.keymap.label(CommandId::ShowAll);
        let key = format!("{key} {}", if app.board.show_all { "fold them" } else { "show all" });
        if healthy > 0 && usize::from(area.width) > width(&text) + width(&key) + 6 {
            pen.right(area.x, y, area.width - 1, &key, pen.styles.faint);
            let wide = u16::try_from(width(&key)).unwrap_or(0);
            let place = Rect { x: area.right().saturating_sub(1 + wide), y, width: wide, height: 1 };
            pen.hit(place, Hit::Command(CommandId::ShowAll));
        }
    }
    area.height.min(u16::try_from(shown.len()).unwrap_or(u16::MAX).saturating_add(1 + foot))
}

fn title(app: &App, pen: &mut Pen<'_>, area: Rect, eyes: usize, total: usize) {
    let styles = pen.styles;
    let text =
        if eyes == 0 { format!("no flow of {total} needs eyes") } else { format!("{eyes} of {total} flows need eyes") };
    let focus = app.board.pane == Pane::Strip;
    let mut spans = vec![Span::styled(text, if focus { styles.title } else { styles.dim })];
    let g = pen.glyphs;
    let legend = [
        (g.shades[0], " 0"),
        (g.shades[1], " <10"),
        (g.shades[2], " <100"),
        (g.shades[3], " \u{2265}100"),
        (g.blind, " blind"),
        (g.waiting, " waiting"),
    ];
    if area.width >= 84 {
        for (glyph, meaning) in legend {
            let meaning = if pen.ascii { meaning.replace('\u{2265}', ">=") } else { meaning.to_owned() };
            spans.push(Span::styled(format!("   {glyph}"), styles.text));
            spans.push(Span::styled(meaning, styles.faint));
        }
    }
    pen.rule(Rect { height: 1, ..area }, &spans);
}

fn flow(app: &App, pen: &mut Pen<'_>, overview: &Overview, line: &FlowLine<'_>, row: Rect, sizes: (u16, u16)) {
    let styles = pen.styles;
    let (names, steps) = sizes;
    let y = row.y;
    let mut x = row.x + 2;
    let name = if !line.live {
        styles.gone
    } else if line.stuck > 0 {
        styles.text
    } else {
        styles.dim
    };
    pen.text(x, y, names, &line.flow, name);
    x += names + 1;
    let (stuck, counted) = if line.live {
        (grouped(line.stuck), if line.stuck > 0 { styles.stuck } else { styles.dim })
    } else {
        ("?".to_owned(), styles.unknown)
    };
    pen.right(x, y, 6, &stuck, counted);
    let open = match (line.live, line.approximate) {
        (true, false) => format!("/{}", grouped(line.open)),
        (true, true) => format!("/~{}", grouped(line.open)),
        (false, _) => "/?".to_owned(),
    };
    pen.text(x + 6, y, 8, &open, styles.dim);
    x += 15;
    for cell in line.cells.iter().take(usize::from(steps)) {
        let (glyph, style) = glyph(pen, cell);
        x += pen.text(x, y, row.right().saturating_sub(x), glyph, style);
    }
    x = row.x + 2 + names + 1 + 15 + steps + 2;
    let room = row.right().saturating_sub(x + 1);
    let text = if line.live {
        worst(line)
    } else {
        let silent = overview.source(&line.source).and_then(|source| source.age(app.now));
        let silent = silent.map_or("has never answered".to_owned(), |silent| format!("silent {}", age(silent)));
        format!("{} {silent}, was {}/{}", line.source, grouped(line.stuck), grouped(line.open))
    };
    pen.text(x, y, room, &text, styles.dim);
}

/// The steps with the most stuck instances.
fn worst(line: &FlowLine<'_>) -> String {
    let mut cells: Vec<&&Cell> = line.cells.iter().filter(|cell| cell.counts.stuck > 0).collect();
    cells.sort_by_key(|cell| Reverse(cell.counts.stuck));
    let named: Vec<String> = cells.iter().map(|cell| format!("{} {}", cell.step, grouped(cell.counts.stuck))).collect();
    named.join(", ")
}

fn glyph(pen: &Pen<'_>, cell: &Cell) -> (&'static str, Style) {
    let styles = pen.styles;
    if !cell.live {
        return (pen.glyphs.blind, styles.unknown);
    }
    let counts = &cell.counts;
    match counts.stuck {
        0 if counts.unknown > 0 => (pen.glyphs.blind, styles.unknown),
        0 if counts.waiting > 0 && counts.waiting == counts.open => (pen.glyphs.waiting, styles.waiting),
        0 => (pen.glyphs.shade(0), styles.faint),
        stuck => (pen.glyphs.shade(stuck), styles.stuck),
    }
}
