//! The menu of what may be done to all that were chosen.

use ratatui::layout::Rect;

use super::wide::{NAME, chosen};
use super::{frame, inside, place};
use crate::cockpit::app::App;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::many::{Does, Whom, offers};
use crate::cockpit::widgets::pen::Pen;

/// Draws it.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>, whom: &Whom, index: usize) {
    let all = offers(app, whom);
    let area = place(app, 84, u16::try_from(all.len() * 2 + 3).unwrap_or(20));
    let keys = [("Enter", "plan it; nothing is sent"), ("Esc", "close")];
    frame(pen, area, &format!("what may be done to {}", whom.words), &keys, pen.styles.popup_border);
    let inner = inside(area);
    let mut y = inner.y + 1;
    for (at, offer) in all.iter().enumerate() {
        if y >= inner.bottom() {
            break;
        }
        pen.hit(Rect { y, height: 2, ..inner }, Hit::Row(Place::Popup, at));
        chosen(pen, inner, y, at == index);
        let (name, words) = match offer.refusal {
            Some(_) => (pen.styles.faint, pen.styles.faint),
            None => (pen.styles.strong, pen.styles.text),
        };
        let (x, room) = (inner.x + NAME + 2, inner.width.saturating_sub(NAME + 3));
        pen.text(inner.x + 1, y, NAME, offer.name, name);
        pen.text(x, y, room, offer.words, words);
        if y + 1 < inner.bottom() {
            match &offer.refusal {
                Some(why) => pen.text(x, y + 1, room, &format!("not now: {why}"), pen.styles.suspect),
                None if offer.does == Does::Deployment => {
                    pen.text(x, y + 1, room, "which one is chosen next", pen.styles.faint)
                }
                None => pen.text(x, y + 1, room, &format!("in waves: {}", offer.waves), pen.styles.faint),
            };
        }
        y += 2;
    }
}
