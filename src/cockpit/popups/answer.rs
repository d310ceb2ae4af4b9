//! An approval or a denial being written: what it is about, with the plan's whole hash, then the comment.

use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::acting::button;
use super::{frame, inside, line, place};
use crate::cockpit::app::{App, REASON_MIN};
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::many::{AnswerForm, AnswerPart, code, words};
use crate::cockpit::screens::detail::{Block, labelled, paint};
use crate::cockpit::screens::remediation::planned;
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::pen::{Pen, wrap};
use crate::domain::approval::Answer;
use crate::domain::time::{age, since};
use crate::ops::OpsError;

/// The columns of the box.
const COLUMNS: u16 = 104;

/// The lines below the text: a gap, the fields, what is in the way, the buttons.
fn form_lines(form: &AnswerForm) -> u16 {
    if form.code.is_some() { 5 } else { 4 }
}

fn area(app: &App, form: &AnswerForm, lines: usize) -> Rect {
    place(app, COLUMNS, u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(form_lines(form) + 2))
}

/// What it is about, and where that is.
pub(super) fn content(app: &App, styles: &Styles, form: &AnswerForm) -> (Block, Rect) {
    let columns = usize::from(inside(place(app, COLUMNS, 30)).width);
    let head = &form.head;
    let mut block = Block::default();
    let mut fact = |label: &str, text: &str, style: Style| labelled(&mut block, styles, label, text, style, columns);
    fact("to", &words::what(&head.plan), styles.strong);
    fact("hash", &head.plan.hash, styles.strong);
    let asked = format!("by {}, {} ago: {}", head.requested_by, age(since(head.requested_at, app.now)), head.reason);
    fact("asked", &asked, styles.text);
    if let Some(ticket) = &head.ticket {
        fact("ticket", ticket, styles.text);
    }
    fact("needs", &words::needed(&head.approval), styles.text);
    planned(&mut block, styles, &head.plan, columns);
    let area = inside(area(app, form, block.len()));
    (block, Rect { height: area.height.saturating_sub(form_lines(form)), ..area })
}

/// Draws it, and tells where the text cursor is.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>, form: &AnswerForm) -> Option<Position> {
    let (block, text) = content(app, pen.styles, form);
    let area = area(app, form, block.len());
    let denies = form.answer == Answer::Deny;
    let keys: &[(&str, &str)] = match form.focus {
        _ if form.sent => &[("Esc", "close")],
        AnswerPart::Comment | AnswerPart::Code => {
            &[("Enter Tab", "on"), ("Esc", "close, nothing said"), ("PgDn", "more")]
        }
        AnswerPart::Cancel => &[("Tab", "on"), ("Enter", "close, nothing said"), ("Esc", "close")],
        AnswerPart::Do => &[("Tab", "on"), ("Enter", form.answer.name()), ("Esc", "close")],
    };
    let title = format!("{} {}", form.answer.name(), form.head.id);
    let border = if denies { pen.styles.popup_danger } else { pen.styles.popup_border };
    frame(pen, area, &title, keys, border);
    paint(pen, text, &block, form.scroll);
    pen.hit(text, Hit::Area(Place::Popup));
    let inner = inside(area);
    let below = Rect { y: text.bottom(), height: inner.bottom().saturating_sub(text.bottom()), ..text };
    if below.height < form_lines(form) {
        pen.text(below.x, below.y, below.width, "the terminal is too small to say it", pen.styles.warning);
        return None;
    }
    let y = below.bottom() - 1;
    if let Some(error) = &form.error {
        let (head, style) = match error {
            // The record may or may not have been made: the answer was lost.
            OpsError::Source(_) => ("not known whether it was recorded", pen.styles.unknown),
            _ => ("NOT RECORDED", pen.styles.failed),
        };
        let text = format!("{} {head}: {error}", pen.glyphs.bad);
        for (y, line) in (below.y + 1..below.bottom()).zip(wrap(&text, usize::from(below.width))) {
            pen.text(below.x, y, below.width, &line, style);
        }
        return None;
    }
    if form.sent {
        pen.text(below.x, y, below.width, &format!("{} being recorded", pen.glyphs.busy), pen.styles.info);
        return None;
    }
    fields(app, pen, form, below)
}

fn fields(app: &App, pen: &mut Pen<'_>, form: &AnswerForm, below: Rect) -> Option<Position> {
    let parts = form.parts();
    let index = |part| parts.iter().position(|other| *other == part).unwrap_or(0);
    let comment = Rect { y: below.y + 1, height: 1, ..below };
    let hint = format!("at least {REASON_MIN} characters: it stays in the record");
    pen.hit(comment, Hit::Button(index(AnswerPart::Comment)));
    let mut cursor = line::draw(pen, "comment", &form.comment, form.focus == AnswerPart::Comment, &hint, comment);
    if let Some(typed) = &form.code {
        let area = Rect { y: below.y + 2, height: 1, ..below };
        let hint = format!("your own request; type: {}", code(&form.head.plan));
        pen.hit(area, Hit::Button(index(AnswerPart::Code)));
        cursor = line::draw(pen, "code", typed, form.focus == AnswerPart::Code, &hint, area).or(cursor);
    }
    let known = app.remediations.get(&form.head.id).map(|head| &**head);
    let obstacle = form.obstacle(known, app.now);
    let y = below.bottom() - 1;
    if let Some(why) = &obstacle {
        let style = if form.comment.value().is_empty() { pen.styles.faint } else { pen.styles.warning };
        pen.text(below.x, y - 1, below.width, why, style);
    }
    let styles = pen.styles;
    let focus = |part| form.focus == part;
    let back = if focus(AnswerPart::Cancel) { styles.button_focus } else { styles.button };
    let says = match (obstacle.is_none(), focus(AnswerPart::Do)) {
        (false, _) => styles.button_off,
        (true, true) if form.answer == Answer::Deny => styles.button_danger,
        (true, true) => styles.button_focus,
        (true, false) => styles.button,
    };
    let line = Rect { y, height: 1, ..below };
    let mut x = line.x + 10;
    let used = button(pen, x, line, "Back", back, focus(AnswerPart::Cancel));
    pen.hit(Rect { x, width: used, ..line }, Hit::Button(index(AnswerPart::Cancel)));
    x += used + 3;
    let name = if form.answer == Answer::Deny { "Deny" } else { "Approve" };
    let used = button(pen, x, line, name, says, focus(AnswerPart::Do));
    pen.hit(Rect { x, width: used, ..line }, Hit::Button(index(AnswerPart::Do)));
    cursor
}
