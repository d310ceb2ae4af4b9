//! The popup that asks why something is noted as armed again.

use ratatui::layout::{Position, Rect};

use super::{frame, inside, line, place};
use crate::cockpit::app::App;
use crate::cockpit::records::RearmForm;
use crate::cockpit::widgets::pen::{Pen, wrap};
use crate::ops::REASON_LEAST;

/// Draws it, and tells where the text cursor is.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>, form: &RearmForm) -> Option<Position> {
    let area = place(app, 78, 13);
    let keys = [("Enter", "note it"), ("Esc", "close, it stays listed")];
    frame(pen, area, "armed again", &keys, pen.styles.popup);
    let inner = inside(area);
    let effect = &form.effect;
    let texts = [
        format!("switched off: {}", effect.what),
        format!("armed again by: {}", effect.way_back),
        "This arms nothing: it notes that somebody has, so that it is listed no more.".to_owned(),
    ];
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
    let cursor = line::draw(pen, "reason", &form.reason, !form.sent, &hint, Rect { y, height: 1, ..inner });
    let below = Rect { y: y + 1, height: inner.bottom().saturating_sub(y + 1), ..inner };
    let (text, style) = match (&form.error, form.sent, form.ready()) {
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
