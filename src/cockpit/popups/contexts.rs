//! The list of contexts: which there are, which of them are production, and which one is shown.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::{frame, inside, place};
use crate::cockpit::app::App;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::update::contexts::{ContextList, choices, is_current, told};
use crate::cockpit::widgets::pen::{Pen, wrap};
use crate::domain::text::SafeText;

/// What the header's rule would look like in a context's colour.
fn worn(app: &App, pen: &Pen<'_>, colour: &str) -> Style {
    let mut styles = pen.styles.clone();
    match styles.accent(colour, app.settings.colours) {
        Ok(()) => Style { bg: None, ..styles.header_rule },
        Err(_) => pen.styles.faint,
    }
}

/// Draws it.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>, list: &ContextList) {
    let all = choices(app);
    let area = place(app, 72, u16::try_from(all.len() + 5).unwrap_or(u16::MAX));
    let keys = [("Enter", "go there"), ("Esc", "stay")];
    frame(pen, area, "contexts", &keys, pen.styles.popup_border);
    let inner = inside(area);
    pen.hit(inner, Hit::Area(Place::Popup));
    let below = 2.min(inner.height.saturating_sub(1));
    let room = usize::from(inner.height - below);
    let top = (list.index + 1).saturating_sub(room);
    for (line, (at, context)) in (inner.y..inner.bottom() - below).zip(all.iter().enumerate().skip(top)) {
        let row = Rect { x: inner.x, y: line, width: inner.width, height: 1 };
        let wide = Rect { x: row.x.saturating_sub(1), width: row.width + 2, ..row };
        pen.hit(wide, Hit::Row(Place::Popup, at));
        if at == list.index {
            pen.style(wide, pen.styles.selected);
            pen.text(wide.x, line, 1, pen.glyphs.cursor, pen.styles.title);
        }
        let mark = context.colour.as_deref().map_or(pen.styles.faint, |colour| worn(app, pen, colour));
        let here = if is_current(app, &context.name) { "shown now" } else { "" };
        let kind = if context.production { "PRODUCTION" } else { "" };
        let name = SafeText::new(&context.name);
        let spans = [
            Span::styled(format!("{} ", pen.glyphs.dot), mark),
            Span::styled(format!("{name:<24} "), pen.styles.strong),
            Span::styled(format!("{kind:<11} "), pen.styles.warning),
            Span::styled(format!("{:<11} ", told(context)), pen.styles.dim),
            Span::styled(here, pen.styles.info),
        ];
        pen.spans(row.x + 1, line, row.width.saturating_sub(1), &spans);
    }
    let (text, style) = match (&list.error, &list.opening) {
        (Some(error), _) => (format!("{} {error}", pen.glyphs.bad), pen.styles.failed),
        (None, Some(name)) => (format!("{} opening {}", pen.glyphs.busy, SafeText::new(name)), pen.styles.info),
        (None, None) => return,
    };
    for (line, text) in (inner.bottom() - below..inner.bottom()).zip(wrap(&text, usize::from(inner.width))) {
        pen.text(inner.x, line, inner.width, &text, style);
    }
}
