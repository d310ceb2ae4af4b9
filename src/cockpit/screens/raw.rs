//! What the engine keeps of one instance, as it gave it: JSON with its secrets taken out, to be folded and searched.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::body;
use crate::cockpit::app::App;
use crate::cockpit::raw::{Line, Tone};
use crate::cockpit::remote::Remote;
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::numbers::plural;
use crate::cockpit::widgets::pen::Pen;
use crate::cockpit::widgets::state;
use crate::domain::time::{age, since};

/// Where the lines stand: below the title.
pub(in crate::cockpit) fn area(app: &App) -> Rect {
    let area = body(app);
    Rect { x: area.x, y: area.y + 1, width: area.width, height: area.height.saturating_sub(1) }
}

/// Draws the screen.
pub(in crate::cockpit) fn draw(app: &App, pen: &mut Pen<'_>) {
    let whole = body(app);
    if whole.height == 0 {
        return;
    }
    let raw = &app.raw;
    title(app, pen, Rect { height: 1, ..whole });
    let mut area = area(app);
    if raw.answer.value().is_none() {
        state::absent(pen, area, &raw.answer, "what its source keeps of it", app.now);
        return;
    }
    if area.height > 0 && state::stale(pen, Rect { height: 1, ..area }, &raw.answer, app.now) {
        area.y += 1;
        area.height -= 1;
    }
    for (y, nth) in (area.top()..area.bottom()).zip(raw.top..) {
        let Some(&at) = raw.visible.get(nth) else { break };
        let Some(line) = raw.lines.get(at) else { break };
        let here = nth == raw.cursor;
        let folded = raw.is_folded(at);
        let sign = match (&line.fold, folded) {
            (None, _) => " ",
            (Some(_), true) => pen.glyphs.folded,
            (Some(_), false) => pen.glyphs.unfolded,
        };
        if here {
            pen.text(area.x, y, 1, pen.glyphs.cursor, pen.styles.key);
        }
        let x = area.x + 1 + u16::try_from(line.depth * 2).unwrap_or(0).min(area.width / 2);
        pen.text(x, y, 1, sign, pen.styles.faint);
        let mut spans = spans(pen.styles, line, &raw.search);
        if let Some((_, text)) = line.fold.as_ref().filter(|_| folded) {
            spans.push(Span::styled(format!(" {} {text}", pen.glyphs.ellipsis), pen.styles.dim));
        }
        pen.spans(x + 2, y, area.right().saturating_sub(x + 2), &spans);
        if here {
            pen.style(Rect { x: area.x, y, width: area.width, height: 1 }, pen.styles.selected);
        }
    }
    let shown = raw.top + usize::from(area.height);
    let below = raw.visible.len().saturating_sub(shown);
    if below > 0 && area.height > 1 {
        let text = format!(" {below} more {} ", pen.glyphs.below);
        pen.right(area.x, area.bottom() - 1, area.width, &text, pen.styles.info);
    }
}

fn title(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let raw = &app.raw;
    let id = raw.id.as_ref().map_or_else(|| "nothing is open".to_owned(), ToString::to_string);
    let read = match &raw.answer {
        Remote::Fresh { at, .. } | Remote::Stale { at, .. } => {
            format!("  as its engine keeps it, read {} ago", age(since(*at, app.now)))
        }
        _ => String::new(),
    };
    let mut spans = vec![Span::styled(id, pen.styles.title)];
    if !raw.search.is_empty() {
        let hits = plural(raw.hits() as u64, "line");
        let text = match raw.hit() {
            Some(hit) => format!("  /{} {hit}/{}", raw.search, raw.hits()),
            None => format!("  /{} in {hits}", raw.search),
        };
        spans.push(Span::styled(text, pen.styles.info));
    }
    spans.push(Span::styled(read, pen.styles.dim));
    pen.rule(area, &spans);
}

fn tone(styles: &Styles, tone: Tone) -> Style {
    match tone {
        Tone::Part => styles.title,
        Tone::Name => styles.link,
        Tone::Text => styles.text,
        Tone::Number => styles.info,
        Tone::Word => styles.strong,
        Tone::Mark => styles.faint,
        Tone::Hidden => styles.warning,
        Tone::Note => styles.dim,
    }
}

/// The pieces of a line, with what is searched for made to stand out.
fn spans(styles: &Styles, line: &Line, search: &str) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    for (kind, text) in &line.pieces {
        let style = tone(styles, *kind);
        let lower = text.to_lowercase();
        // Where small letters take other room than capitals, places in one text are none in the other.
        if search.is_empty() || lower.len() != text.len() {
            spans.push(Span::styled(text.to_string(), style));
            continue;
        }
        let mut from = 0;
        for (at, hit) in lower.match_indices(search) {
            let (Some(before), Some(hit)) = (text.get(from..at), text.get(at..at + hit.len())) else { continue };
            spans.push(Span::styled(before.to_owned(), style));
            spans.push(Span::styled(hit.to_owned(), styles.input));
            from = at + hit.len();
        }
        spans.push(Span::styled(text.get(from..).unwrap_or_default().to_owned(), style));
    }
    spans
}
