//! The list above the command line.

use ratatui::layout::Rect;

use super::pen::{Pen, width};
use crate::cockpit::app::{App, Prompt, PromptKind};
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::palette;
use crate::cockpit::popups::frame;

/// How many lines of it are shown at most.
const TALLEST: u16 = 14;

/// Draws it while a command is typed.
pub(crate) fn draw(app: &App, pen: &mut Pen<'_>) {
    let Some(prompt) = app.prompt.as_ref().filter(|prompt| prompt.kind == PromptKind::Command) else { return };
    let (columns, lines) = app.size;
    let offers = palette::offers(app, prompt.input.value());
    if lines < 8 {
        return;
    }
    if offers.is_empty() {
        if let Some(text) = palette::notice(app, prompt.input.value()) {
            let area = Rect::new(0, lines.saturating_sub(4), columns.min(110), 3);
            frame(pen, area, "commands", &[("Ctrl-U", "empty"), ("Esc", "close")], pen.styles.popup_border);
            pen.text(area.x + 3, area.y + 1, area.width.saturating_sub(5), &text, pen.styles.warning);
        }
        return;
    }
    let tall = u16::try_from(offers.len()).unwrap_or(u16::MAX).min(TALLEST).min(lines.saturating_sub(5)) + 2;
    let area = Rect::new(0, lines.saturating_sub(1 + tall), columns.min(110), tall);
    let at = chosen(app, prompt);
    let all = [("Up Down", "choose"), ("Tab", "complete"), ("Enter", "run"), ("Esc", "close")];
    // Enter runs nothing that was neither named nor chosen.
    let keys: Vec<_> = all.into_iter().filter(|(key, _)| at.is_some() || *key != "Enter").collect();
    let title = if prompt.input.value().trim_start().contains(' ') { "may follow" } else { "commands" };
    frame(pen, area, title, &keys, pen.styles.popup_border);
    let inner = Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(4), height: tall - 2 };
    let labels = offers.iter().map(|offer| width(&offer.label)).max().unwrap_or(0).clamp(10, 30);
    let labels = u16::try_from(labels).unwrap_or(30).min(inner.width);
    let key_columns = offers.iter().map(|offer| width(&offer.keys)).max().unwrap_or(0).min(12);
    let key_columns = u16::try_from(key_columns).unwrap_or(12);
    let rows = usize::from(inner.height);
    let first = at.unwrap_or(0).saturating_sub(rows / 2).min(offers.len().saturating_sub(rows));
    let styles = pen.styles;
    for (y, (index, offer)) in (inner.top()..inner.bottom()).zip(offers.iter().enumerate().skip(first)) {
        let line = Rect { x: inner.x - 1, y, width: inner.width + 2, height: 1 };
        pen.hit(line, Hit::Row(Place::Offers, index));
        if at == Some(index) {
            pen.style(line, styles.selected);
            pen.text(line.x, y, 1, pen.glyphs.cursor, styles.title);
        }
        let mut x = inner.x + 1;
        pen.text(x, y, labels, &offer.label, styles.strong);
        x += labels + 2;
        pen.text(x, y, key_columns.min(inner.right().saturating_sub(x)), &offer.keys, styles.key);
        x += key_columns + if key_columns > 0 { 2 } else { 0 };
        pen.text(x, y, inner.right().saturating_sub(x), &offer.doc, styles.dim);
    }
    let below = offers.len().saturating_sub(first + rows);
    if below > 0 {
        let text = format!(" {below} more {} ", pen.glyphs.below);
        pen.right(area.x, area.bottom() - 1, area.width.saturating_sub(2), &text, styles.popup_border);
    }
}

/// Which one Enter would take: the one that was moved to, else the one that is named.
pub(crate) fn chosen(app: &App, prompt: &Prompt) -> Option<usize> {
    prompt.chosen.or_else(|| palette::leading(app, prompt.input.value()))
}
