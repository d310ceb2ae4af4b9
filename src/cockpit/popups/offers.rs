//! The menu of what may be done to all that were chosen.

use ratatui::layout::Rect;

use super::wide::{NAME, chosen};
use super::{frame, inside, place};
use crate::cockpit::app::App;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::many::{OffersMenu, offers};
use crate::cockpit::widgets::pen::Pen;

/// Draws it.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>, menu: &OffersMenu) {
    let all = offers(app, &menu.whom, menu.runbooks(), menu.others);
    let untold = menu.runbooks.error().map(|error| format!("runbooks are not known: {error}"));
    let lines = all.len() * 2 + 3 + usize::from(untold.is_some());
    let area = place(app, 104, u16::try_from(lines).unwrap_or(20));
    let keys = [("Enter", "plan it; nothing is sent"), ("Esc", "close")];
    frame(pen, area, &format!("what may be done to {}", menu.whom.words), &keys, pen.styles.popup_border);
    let inner = inside(area);
    if let Some(untold) = &untold {
        pen.text(inner.x + 1, inner.bottom().saturating_sub(1), inner.width, untold, pen.styles.stale);
    }
    let bottom = inner.bottom().saturating_sub(u16::from(untold.is_some()));
    let room = usize::from(bottom.saturating_sub(inner.y + 1)) / 2;
    let first = (menu.index + 1).saturating_sub(room.max(1));
    let mut y = inner.y + 1;
    for (at, offer) in all.iter().enumerate().skip(first) {
        if y >= bottom {
            break;
        }
        pen.hit(Rect { y, height: 2, ..inner }, Hit::Row(Place::Popup, at));
        chosen(pen, inner, y, at == menu.index);
        let (name, words) = match offer.refusal {
            Some(_) => (pen.styles.faint, pen.styles.faint),
            None => (pen.styles.strong, pen.styles.text),
        };
        let (x, room) = (inner.x + NAME + 2, inner.width.saturating_sub(NAME + 3));
        pen.text(inner.x + 1, y, NAME, &offer.name, name);
        pen.text(x, y, room, &offer.words, words);
        if y + 1 < bottom {
            match &offer.refusal {
                Some(why) => pen.text(x, y + 1, room, &format!("not now: {why}"), pen.styles.suspect),
                None => pen.text(x, y + 1, room, &offer.more, pen.styles.faint),
            };
        }
        y += 2;
    }
}
