//! The popup that asks why something is noted as armed again.

use ratatui::layout::Position;

use super::{frame, inside, place, reason};
use crate::cockpit::app::App;
use crate::cockpit::records::RearmForm;
use crate::cockpit::widgets::pen::Pen;

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
    reason::draw(pen, inner, &texts, &form.reason)
}
