//! The choice of a deployment: which there are, since when, what stays on each, and from which to which it would go.

use ratatui::layout::Rect;

use super::wide::chosen;
use super::{frame, inside, place};
use crate::cockpit::app::App;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::many::Picker;
use crate::cockpit::widgets::numbers::grouped;
use crate::cockpit::widgets::pen::Pen;
use crate::cockpit::widgets::state;
use crate::domain::deployment::Deployment;
use crate::domain::time::{age, since};

/// Lines of one deployment.
const LINES: u16 = 2;

/// Draws it.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>, picker: &Picker) {
    let count = u16::try_from(picker.answer.value().map_or(1, |answer| answer.all.len())).unwrap_or(u16::MAX);
    let area = place(app, 96, count.saturating_mul(LINES).saturating_add(8));
    let keys = [("Enter", "plan it; nothing is sent"), ("space", "put the service back"), ("Esc", "close")];
    frame(pen, area, &format!("resume on which deployment: {}", picker.whom.words), &keys, pen.styles.popup_border);
    let inner = inside(area);
    if state::absent(pen, inner, &picker.answer, "its deployments", app.now) {
        return;
    }
    let Some(answer) = picker.answer.value() else { return };
    let styles = pen.styles;
    pen.text(inner.x, inner.y + 1, inner.width, &format!("{} at {}", answer.service, answer.source), styles.dim);
    let list = Rect { y: inner.y + 3, height: inner.height.saturating_sub(6), ..inner };
    let shown = usize::from(list.height / LINES);
    let first = (picker.index + 1).saturating_sub(shown.max(1));
    let mut y = list.y;
    for (at, deployment) in answer.all.iter().enumerate().skip(first).take(shown) {
        pen.hit(Rect { y, height: LINES, ..list }, Hit::Row(Place::Popup, at));
        chosen(pen, list, y, at == picker.index);
        let mark = match (deployment.current, at == picker.index) {
            (true, true) => "current, target",
            (true, false) => "current",
            (false, true) => "target",
            (false, false) => "",
        };
        pen.text(list.x + 1, y, 9, &format!("rev {}", deployment.revision), styles.dim);
        let room = list.width.saturating_sub(11 + 17);
        pen.text(list.x + 11, y, room, &deployment.id, styles.strong);
        pen.right(list.right().saturating_sub(17), y, 16, mark, styles.info);
        let registered = age(since(deployment.created_at, app.now));
        let told = format!("registered {registered} ago; {}; {}", stay(deployment), deployment.address);
        pen.text(list.x + 11, y + 1, list.width.saturating_sub(12), &told, styles.text);
        y += LINES;
    }
    let below = inner.bottom().saturating_sub(2);
    if below <= list.y {
        return;
    }
    let from = answer.current().map_or("none", |current| current.id.as_str());
    let to = picker.target().map_or("none", |target| target.id.as_str());
    let arrow = pen.glyphs.arrow;
    pen.text(inner.x, below, inner.width, &format!("current {from} {arrow} target {to}"), styles.text);
    let (text, style) = match picker.from() {
        Err(why) if picker.put_back => (format!("[x] {why}"), styles.warning),
        Err(why) => (format!("[ ] the service stays where it is: {why}"), styles.faint),
        Ok(_) if picker.put_back => {
            (format!("[x] once all are verified, {} is put back to the target", answer.service), styles.strong)
        }
        Ok(_) => ("[ ] put the service back to the target, once all are verified".to_owned(), styles.text),
    };
    pen.text(inner.x, below + 1, inner.width, &text, style);
}

/// What stays on it.
fn stay(deployment: &Deployment) -> String {
    match (deployment.pinned, deployment.failing) {
        (0, _) => "nothing open stays on it".to_owned(),
        (open, 0) => format!("{} open on it, none of them fails", grouped(open)),
        (open, failing) => format!("{} open on it, {} paused or failing", grouped(open), grouped(failing)),
    }
}
