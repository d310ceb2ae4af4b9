//! What can follow the keys that were pressed: a small box above the footer, there at once.

use ratatui::layout::Rect;
use ratatui::text::Span;

use super::pen::{Pen, width};
use crate::cockpit::app::App;
use crate::cockpit::keymap::show;
use crate::cockpit::popups::frame;

/// Draws it while a sequence is not complete.
pub(crate) fn draw(app: &App, pen: &mut Pen<'_>) {
    if app.pressed.is_empty() || app.popup.is_some() {
        return;
    }
    let next = app.keymap.continuations(app.screen(), &app.pressed);
    let keys = next.iter().map(|(keys, _)| width(keys)).max().unwrap_or(0);
    let docs = next.iter().map(|(_, command)| width(command.doc)).max().unwrap_or(0);
    let (columns, lines) = app.size;
    // The footer keeps its line, the header its two.
    let tall = u16::try_from(next.len() + 2).unwrap_or(u16::MAX).min(lines.saturating_sub(3));
    let wide = u16::try_from(keys + docs + 7).unwrap_or(u16::MAX).max(24).min(columns);
    let area = Rect::new(columns - wide, lines.saturating_sub(1 + tall), wide, tall);
    let title = format!("{} …", show(&app.pressed));
    frame(pen, area, &title, &[("Esc", "cancel")], pen.styles.popup_border);
    let (key, text) = (pen.styles.popup.patch(pen.styles.key), pen.styles.popup);
    for (y, (rest, command)) in (area.y + 1..area.bottom().saturating_sub(1)).zip(&next) {
        let gap = " ".repeat(keys - width(rest) + 2);
        let spans = [Span::styled(format!("{rest}{gap}"), key), Span::styled(command.doc, text)];
        pen.spans(area.x + 2, y, area.width.saturating_sub(4), &spans);
    }
}
