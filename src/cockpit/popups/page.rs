//! The confirmation before the engine's own page of an instance is opened.

use ratatui::layout::Rect;
use ratatui::text::Span;

use super::{frame, inside, place};
use crate::cockpit::app::App;
use crate::cockpit::hit::Hit;
use crate::cockpit::widgets::pen::{Pen, wrap_exactly};
use crate::domain::ids::InstanceId;

/// Draws it. The URL is shown whole: where it leads is for the operator to judge.
pub(in crate::cockpit) fn page(app: &App, pen: &mut Pen<'_>, id: &InstanceId, url: &str, button: usize) {
    let columns = 76.min(app.size.0.saturating_sub(2)).max(10);
    let lines = wrap_exactly(url, usize::from(columns.saturating_sub(4)));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(6);
    let area = place(app, columns, height);
    let keys = [("Enter", "choose"), ("Tab", "next"), ("y", "copy"), ("Esc", "close")];
    frame(pen, area, "open in the engine's own page", &keys, pen.styles.popup_border);
    let inner = inside(area);
    pen.text(inner.x, inner.y, inner.width, &format!("of {id}"), pen.styles.dim);
    let room = usize::from(inner.height.saturating_sub(4));
    for (line, y) in lines.iter().take(room).zip(inner.y + 1..) {
        pen.text(inner.x, y, inner.width, line, pen.styles.strong);
    }
    let below = inner.y + 2 + u16::try_from(lines.len().min(room)).unwrap_or(0);
    if lines.len() > room {
        pen.text(
            inner.x,
            below.saturating_sub(1),
            inner.width,
            "more than fits here: copy it and look first",
            pen.styles.warning,
        );
    }
    let line = match &app.settings.opener {
        Ok(opener) => format!("by {}", opener.words()),
        Err(why) => why.to_string(),
    };
    if below < area.bottom().saturating_sub(1) {
        pen.text(inner.x, below, inner.width, &line, pen.styles.dim);
    }
    let y = below + 1;
    if y >= area.bottom().saturating_sub(1) {
        return;
    }
    let mut x = inner.x;
    for (at, text) in [" open ", " copy ", " close "].into_iter().enumerate() {
        let style = match (at == button, at == 0 && app.settings.opener.is_err()) {
            (_, true) => pen.styles.button_off,
            (true, false) => pen.styles.button_focus,
            (false, false) => pen.styles.button,
        };
        let rest = Rect { x, width: inner.right().saturating_sub(x), ..inner };
        let used = pen.spans(rest.x, y, rest.width, &[Span::styled(text, style)]);
        pen.hit(Rect { x, y, width: used, height: 1 }, Hit::Button(at));
        x += used + 2;
    }
}
