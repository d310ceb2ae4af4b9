//! The popup that asks why a production context is armed, and for how long.

use ratatui::layout::{Position, Rect};

use super::{frame, inside, line, place};
use crate::cockpit::app::App;
use crate::cockpit::update::arming::ArmForm;
use crate::cockpit::widgets::pen::{Pen, wrap};
use crate::domain::time::words;
use crate::ops::REASON_LEAST;

/// Draws it, and tells where the text cursor is.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>, form: &ArmForm) -> Option<Position> {
    let area = place(app, 78, 12);
    let context = &app.settings.context;
    let keys = [("Enter", "arm"), ("Up Down", "longer, shorter"), ("Esc", "close, stays locked")];
    frame(pen, area, &format!("arm {context} for {}", words(form.lasting)), &keys, pen.styles.popup_danger);
    let inner = inside(area);
    let until = app.now.saturating_add(form.lasting).unwrap_or(app.now);
    let texts = [
        format!(
            "Acts on {context} will be let through until {}; then it locks itself again.",
            app.times.moment(until, app.now)
        ),
        "Nothing is done by this: each act still has its own plan, review and reason.".to_owned(),
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
