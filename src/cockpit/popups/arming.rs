//! The popup that asks why a production context is armed, and for how long.

use ratatui::layout::Position;

use super::{frame, inside, place, reason};
use crate::cockpit::app::App;
use crate::cockpit::update::arming::ArmForm;
use crate::cockpit::widgets::pen::Pen;
use crate::domain::time::words;

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
    reason::draw(pen, inner, &texts, &form.reason)
}
