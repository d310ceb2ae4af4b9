//! What lies over the screen on the way to a remediation of many, and beside one.

use ratatui::layout::{Position, Rect};

use super::acting::button;
use super::{answer, deployments, frame, inside, offers, parameters, place, wide_review};
use crate::cockpit::app::App;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::many::{Planned, WidePopup, deeds, words};
use crate::cockpit::screens::detail::Block;
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::pen::{Pen, wrap};
use crate::domain::text::SafeText;
use crate::domain::wide::{Control, WideRemediation};

/// The scrolled text of one and where it is, if it has any.
pub(super) fn scrolling(app: &App, styles: &Styles, wide: &WidePopup) -> Option<(Block, Rect)> {
    match wide {
        WidePopup::Review(review) => Some(wide_review::content(app, styles, review)),
        WidePopup::Answer(form) => Some(answer::content(app, styles, form)),
        _ => None,
    }
}

/// Draws one, and tells where the text cursor is.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>, wide: &WidePopup) -> Option<Position> {
    match wide {
        WidePopup::Offers(menu) => offers::draw(app, pen, menu),
        WidePopup::Parameters(form) => return parameters::draw(app, pen, form),
        WidePopup::Deployments(picker) => deployments::draw(app, pen, picker),
        WidePopup::Planning { of, whom, error, since, .. } => {
            let title = match of {
                Planned::Wish(wish) => format!("{} {}", wish.remedy.label(), whom.words),
                Planned::Rollback(_) => format!("roll back {}", whom.words),
            };
            super::acting::planning_of(app, pen, &title, error.as_ref(), *since);
        }
        WidePopup::Review(review) => return wide_review::draw(app, pen, review),
        WidePopup::Deeds { id, index } => menu(app, pen, id, *index),
        WidePopup::Sure { id, control, yes } => sure(app, pen, id, *control, *yes),
        WidePopup::Answer(form) => return answer::draw(app, pen, form),
    }
    None
}

/// What is known of one.
fn known<'a>(app: &'a App, id: &str) -> Option<&'a WideRemediation> {
    let listed = app.remediations.get(id).map(|head| &**head);
    listed.or_else(|| app.remediations.detail_of(id).map(|detail| &*detail.head))
}

/// The columns of a name in a menu.
pub(super) const NAME: u16 = 14;

/// What may be asked of a remediation.
fn menu(app: &App, pen: &mut Pen<'_>, id: &SafeText, index: usize) {
    let Some(head) = known(app, id) else {
        let area = place(app, 60, 5);
        frame(pen, area, id, &[("Esc", "close")], pen.styles.popup_border);
        pen.centre(inside(area), "it is not known any more", pen.styles.dim);
        return;
    };
    let entries = deeds(app, head);
    // Where there is no room for two lines each, the entry under the cursor alone tells why not.
    let tall = usize::from(app.size.1) >= entries.len() * 2 + 6;
    let lines = if tall { entries.len() * 2 } else { entries.len() + 1 };
    let area = place(app, 84, u16::try_from(lines + 3).unwrap_or(20));
    let title = format!("{}: {}", id, words::what(&head.plan));
    frame(pen, area, &title, &[("Enter", "choose"), ("Esc", "close")], pen.styles.popup_border);
    let inner = inside(area);
    let mut y = inner.y + 1;
    for (at, entry) in entries.iter().enumerate() {
        if y >= inner.bottom() {
            break;
        }
        let height = if tall { 2 } else { 1 };
        pen.hit(Rect { y, height, ..inner }, Hit::Row(Place::Popup, at));
        chosen(pen, inner, y, at == index);
        let (name, text) = match entry.refusal {
            Some(_) => (pen.styles.faint, pen.styles.faint),
            None => (pen.styles.strong, pen.styles.text),
        };
        let (x, room) = (inner.x + NAME + 2, inner.width.saturating_sub(NAME + 3));
        pen.text(inner.x + 1, y, NAME, entry.deed.name(), name);
        pen.text(x, y, room, entry.words, text);
        let why = entry.refusal.as_ref().filter(|_| tall || at == index);
        if let Some(why) = why {
            let y = if tall { y + 1 } else { inner.bottom().saturating_sub(1) };
            if y < inner.bottom() {
                pen.text(x, y, room, &format!("not now: {why}"), pen.styles.suspect);
            }
        }
        y += height;
    }
}

/// The line under the cursor of a menu.
pub(super) fn chosen(pen: &mut Pen<'_>, inner: Rect, y: u16, here: bool) {
    if here {
        pen.style(Rect { y, height: 1, x: inner.x.saturating_sub(1), width: inner.width + 2 }, pen.styles.selected);
        pen.text(inner.x.saturating_sub(1), y, 1, pen.glyphs.cursor, pen.styles.title);
    }
}

/// Somebody is about to start, resume or end a remediation.
fn sure(app: &App, pen: &mut Pen<'_>, id: &SafeText, control: Control, yes: bool) {
    let head = known(app, id);
    let what = head.map_or_else(|| id.to_string(), |head| words::what(&head.plan));
    let ends = control == Control::Abort;
    let question = match (control, head) {
        (Control::Abort, Some(head)) => {
            let left = head.counts.get(crate::domain::remediation::ItemState::Pending);
            format!(
                "{left} not sent yet will never be; those that were sent are watched to their end. There is no way back."
            )
        }
        (Control::Run, Some(head)) => {
            let sizes = head.plan.frozen.waves.sizes(head.plan.frozen.targets.len());
            let first = sizes.first().copied().unwrap_or(0);
            format!("its first wave of {first} is sent at once, the next ones as each is verified; hold stops it.")
        }
        (Control::Resume, Some(head)) => {
            format!("it goes on from where it is: {}", words::counts(&head.counts, pen.glyphs.part))
        }
        _ => "it is not known any more".to_owned(),
    };
    let area = place(app, 76, 8);
    let border = if ends { pen.styles.popup_danger } else { pen.styles.popup_border };
    let keys = [("Tab", "the other button"), ("Enter", "press it"), ("Esc", "back")];
    frame(pen, area, &format!("{}: {what}", control.name()), &keys, border);
    let inner = inside(area);
    for (y, line) in (inner.y + 1..inner.bottom().saturating_sub(1)).zip(wrap(&question, usize::from(inner.width))) {
        pen.text(inner.x, y, inner.width, &line, pen.styles.text);
    }
    let name = match control {
        Control::Run => "Run it",
        Control::Hold => "Hold it",
        Control::Resume => "Resume it",
        Control::Abort => "Abort it",
    };
    let line = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
    let styles = pen.styles;
    let back = if yes { styles.button } else { styles.button_focus };
    let does = match (yes, ends) {
        (false, _) => styles.button,
        (true, true) => styles.button_danger,
        (true, false) => styles.button_focus,
    };
    let used = button(pen, line.x, line, "Back", back, !yes);
    pen.hit(Rect { width: used, ..line }, Hit::Button(0));
    let x = line.x + used + 3;
    let used = button(pen, x, line, name, does, yes);
    pen.hit(Rect { x, width: used, ..line }, Hit::Button(1));
}
