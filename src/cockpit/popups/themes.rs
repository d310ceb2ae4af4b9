//! The themes to choose from. The screen is drawn in the one under the cursor while it is.

use ratatui::layout::Rect;
use ratatui::text::Span;

use super::{frame, inside, place};
use crate::cockpit::app::App;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::settings::Colours;
use crate::cockpit::theme::DEFAULT;
use crate::cockpit::widgets::pen::Pen;

/// Draws the list, and what the states look like.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>, index: usize) {
    let names = app.settings.themes.names();
    let count = u16::try_from(names.len()).unwrap_or(u16::MAX);
    let area = place(app, 66, count.saturating_add(6));
    let keys = [("Up Down", "look"), ("Enter", "keep"), ("Esc", "as before")];
    frame(pen, area, "themes", &keys, pen.styles.popup_border);
    let inner = inside(area);
    let styles = pen.styles;
    let rows = usize::from(inner.height.saturating_sub(4).max(1));
    let first = index.saturating_sub(rows / 2).min(names.len().saturating_sub(rows));
    let now = app.theme.as_deref().unwrap_or(DEFAULT);
    for (y, (at, name)) in (inner.top()..inner.bottom()).zip(names.iter().enumerate().skip(first).take(rows)) {
        let line = Rect { x: inner.x.saturating_sub(1), y, width: inner.width + 2, height: 1 };
        pen.hit(line, Hit::Row(Place::Popup, at));
        if at == index {
            pen.style(line, styles.selected);
            pen.text(line.x, y, 1, pen.glyphs.cursor, styles.title);
        }
        let style = if *name == now { styles.strong } else { styles.text };
        let used = pen.text(inner.x + 1, y, 30, name, style);
        let own = if app.settings.themes.is_own(name) { "  your own" } else { "" };
        let mark = if *name == now { "  in force" } else { "" };
        pen.text(inner.x + 1 + used, y, inner.width.saturating_sub(used + 1), &format!("{mark}{own}"), styles.dim);
    }
    let y = inner.bottom().saturating_sub(2);
    if inner.height < 6 {
        return;
    }
    if let Some(Err(error)) = names.get(index).map(|name| app.settings.styles(Some(name))) {
        for (y, line) in (y - 1..inner.bottom()).zip(super::wrap(&error, usize::from(inner.width))) {
            pen.text(inner.x, y, inner.width, &line, styles.warning);
        }
        return;
    }
    let g = pen.glyphs;
    let states = [
        (format!("{} stuck  ", g.bad), styles.stuck),
        (format!("{} suspect  ", g.warn), styles.suspect),
        (format!("{} waiting  ", g.waiting), styles.waiting),
        (format!("{} held  ", g.dot), styles.held),
        (format!("{} unknown  ", g.blind), styles.unknown),
        (format!("{} well", g.ok), styles.ok),
    ];
    let spans: Vec<Span<'_>> = states.into_iter().map(|(text, style)| Span::styled(text, style)).collect();
    pen.spans(inner.x, y, inner.width, &spans);
    let text = match app.settings.colours {
        Colours::None => "this terminal shows no colours: all themes look alike",
        Colours::Sixteen => "this terminal shows 16 colours: each theme's own stand-ins",
        Colours::Indexed | Colours::TrueColour => "",
    };
    pen.text(inner.x, y + 1, inner.width, text, styles.dim);
}
