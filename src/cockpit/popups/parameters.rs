//! The parameters of a runbook being filled in: what each is for, its field, and what is wrong with it beside it.

use ratatui::layout::{Position, Rect};

use super::acting::button;
use super::{frame, inside, line, place};
use crate::cockpit::app::App;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::many::{ParametersForm, ParametersPart};
use crate::cockpit::widgets::pen::{Pen, wrap};
use crate::domain::runbook::{Field, Kind};
use crate::domain::text::SafeText;

/// The columns of the box.
const COLUMNS: u16 = 92;

/// The lines of a field: what it is, and what is typed.
const LINES: u16 = 2;

/// Draws it, and tells where the text cursor is.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>, form: &ParametersForm) -> Option<Position> {
    let runbook = &form.runbook;
    let columns = usize::from(inside(place(app, COLUMNS, 30)).width);
    let steps: Vec<String> = runbook.steps.iter().map(ToString::to_string).collect();
    let mut head = wrap(&format!("{}: {}", form.whom.words, steps.join(", then ")), columns);
    if !runbook.description.is_empty() {
        head.extend(wrap(&runbook.description, columns));
    }
    let fields = u16::try_from(form.fields.len()).unwrap_or(u16::MAX);
    let lines = u16::try_from(head.len()).unwrap_or(u16::MAX).saturating_add(fields.saturating_mul(LINES));
    let area = place(app, COLUMNS, lines.saturating_add(6));
    let keys: &[(&str, &str)] = match form.focus {
        ParametersPart::Field(_) => &[("Enter Tab", "on"), ("Esc", "close, nothing planned")],
        ParametersPart::Cancel => &[("Tab", "on"), ("Enter", "close, nothing planned"), ("Esc", "close")],
        ParametersPart::Plan => &[("Tab", "on"), ("Enter", "plan it; nothing is sent"), ("Esc", "close")],
    };
    frame(pen, area, &format!("{}: parameters", runbook.id), keys, pen.styles.popup_border);
    let inner = inside(area);
    pen.hit(inner, Hit::Area(Place::Popup));
    let mut y = inner.y;
    for text in &head {
        if y + 3 >= inner.bottom() {
            break;
        }
        pen.text(inner.x, y, inner.width, text, pen.styles.text);
        y += 1;
    }
    let room = Rect { y: y + 1, height: inner.bottom().saturating_sub(y + 4), ..inner };
    let wrong = form.wrong();
    let cursor = drawn(pen, form, &wrong, room);
    let obstacle = form.obstacle();
    let line = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
    if let Some((_, why)) = wrong.iter().find(|(at, _)| at.is_none()) {
        pen.text(line.x, line.y.saturating_sub(1), line.width, why, pen.styles.warning);
    }
    buttons(pen, form, obstacle.is_none(), line);
    cursor
}

/// The fields, from the first so that the one with the focus is in sight.
fn drawn(
    pen: &mut Pen<'_>,
    form: &ParametersForm,
    wrong: &[(Option<usize>, SafeText)],
    room: Rect,
) -> Option<Position> {
    let shown = usize::from(room.height / LINES).max(1);
    let focus = match form.focus {
        ParametersPart::Field(at) => at,
        ParametersPart::Cancel | ParametersPart::Plan => form.fields.len().saturating_sub(1),
    };
    let first = (focus + 1).saturating_sub(shown);
    let mut cursor = None;
    let mut y = room.y;
    for (at, (field, input)) in form.fields.iter().enumerate().skip(first).take(shown) {
        if y + 1 >= room.bottom() {
            break;
        }
        let here = form.focus == ParametersPart::Field(at);
        pen.hit(Rect { y, height: LINES, ..room }, Hit::Button(at));
        let why = wrong.iter().find(|(of, _)| *of == Some(at)).map(|(_, why)| why);
        // What was not filled in yet is no mistake so far.
        let told = why.filter(|_| !input.value().is_empty());
        let (text, style) = match told {
            Some(why) => (why.to_string(), pen.styles.warning),
            None => (what(field), pen.styles.dim),
        };
        pen.text(room.x, y, room.width, &text, style);
        let area = Rect { y: y + 1, height: 1, ..room };
        let hint = if field.required && field.default.is_none() { "has to be given" } else { "may be left out" };
        cursor = line::draw(pen, &field.name, input, here, hint, area).or(cursor);
        y += LINES;
    }
    cursor
}

/// `text: primary, replica; which one was moved`.
fn what(field: &Field) -> String {
    let mut text = match field.kind {
        Kind::Text if field.name.chars().count() > 9 => format!("{} (text)", field.name),
        kind => kind.words().to_owned(),
    };
    if !field.choices.is_empty() {
        let choices: Vec<&str> = field.choices.iter().map(SafeText::as_str).collect();
        text = format!("{text}: {}", choices.join(", "));
    }
    if !field.description.is_empty() {
        text = format!("{text}; {}", field.description);
    }
    text
}

fn buttons(pen: &mut Pen<'_>, form: &ParametersForm, may: bool, line: Rect) {
    let styles = pen.styles;
    let parts = form.parts();
    let index = |part| parts.iter().position(|other| *other == part).unwrap_or(0);
    let focus = |part| form.focus == part;
    let back = if focus(ParametersPart::Cancel) { styles.button_focus } else { styles.button };
    let plans = match (may, focus(ParametersPart::Plan)) {
        (false, _) => styles.button_off,
        (true, true) => styles.button_focus,
        (true, false) => styles.button,
    };
    let mut x = line.x + 10;
    let used = button(pen, x, line, "Back", back, focus(ParametersPart::Cancel));
    pen.hit(Rect { x, width: used, ..line }, Hit::Button(index(ParametersPart::Cancel)));
    x += used + 3;
    let used = button(pen, x, line, "Plan", plans, focus(ParametersPart::Plan));
    pen.hit(Rect { x, width: used, ..line }, Hit::Button(index(ParametersPart::Plan)));
}
