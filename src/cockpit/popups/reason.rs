//! What a popup shows that asks for a reason and nothing else: what it is about, the line for the reason, and what is
//! missing or became of it.

use ratatui::layout::{Position, Rect};

use super::line;
use crate::cockpit::update::reason::ReasonForm;
use crate::cockpit::widgets::pen::{Pen, wrap};
use crate::ops::REASON_LEAST;

/// Draws it, and tells where the text cursor is.
pub(super) fn draw(pen: &mut Pen<'_>, inner: Rect, texts: &[String], why: &ReasonForm) -> Option<Position> {
    let mut y = inner.y;
    // The line that is typed into stays, however small the terminal.
    let last = inner.bottom().saturating_sub(2);
    for text in texts.iter().flat_map(|text| wrap(text, usize::from(inner.width))) {
        if y >= last {
            break;
        }
        pen.text(inner.x, y, inner.width, &text, pen.styles.text);
        y += 1;
    }
    let y = (y + 1).min(last.max(inner.y));
    let hint = format!("at least {REASON_LEAST} characters: it stays in the record");
    let cursor = line::draw(pen, "reason", &why.input, !why.sent, &hint, Rect { y, height: 1, ..inner });
    let below = Rect { y: y + 1, height: inner.bottom().saturating_sub(y + 1), ..inner };
    let (text, style) = match (&why.error, why.sent, why.ready()) {
        (Some(error), ..) => (format!("{} {error}", pen.glyphs.bad), pen.styles.failed),
        (None, true, _) => (format!("{} being recorded", pen.glyphs.busy), pen.styles.info),
        (None, false, false) => (hint, pen.styles.faint),
        (None, false, true) => return cursor,
    };
    for (y, text) in (below.y..below.bottom()).zip(wrap(&text, usize::from(below.width))) {
        pen.text(below.x, y, below.width, &text, style);
    }
    cursor
}
