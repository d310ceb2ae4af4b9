//! The claim menu: what is said of a cohort, until when, and a note.

use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;

use super::acting::button;
use super::{frame, inside, place};
use crate::cockpit::app::App;
use crate::cockpit::claims::{Choice, ClaimMenu, ClaimPart, ENDS, Field};
use crate::cockpit::hit::Hit;
use crate::cockpit::widgets::numbers::grouped;
use crate::cockpit::widgets::pen::{Pen, width};
use crate::domain::claim::Claim;
use crate::domain::text::SafeText;

/// `claimed by op-b at 03:10 until 03:40 UTC: rolling back`.
pub(in crate::cockpit) fn told(app: &App, claim: &Claim) -> SafeText {
    let (operator, times) = (&app.settings.operator, &app.times);
    let who = if claim.by == **operator { "you" } else { &claim.by };
    let note = claim.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
    // Its zone is named once, unless the two have two.
    let (at, until) = (times.minute(claim.at, app.now), times.minute(claim.until, app.now));
    let zone = times.zone(claim.until);
    let at = at.strip_suffix(&format!(" {zone}")).unwrap_or(&at);
    format!("{} by {who} at {at} until {until}{note}", claim.kind.done()).into()
}

/// Draws it, and tells where the text cursor is.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>, menu: &ClaimMenu) -> Option<Position> {
    let choices = menu.choices();
    let lines = 2 + 2 + u16::try_from(choices.len()).unwrap_or(4) + 4;
    let area = place(app, 84, lines);
    let keys: &[(&str, &str)] = if menu.over.is_some() {
        &[("Enter", "choose"), ("Tab", "other"), ("Esc", "back")]
    } else {
        &[("Enter", "record it"), ("Tab", "next field"), ("Esc", "close")]
    };
    let cohort = &menu.cohort;
    frame(pen, area, &format!("claim cohort {}", cohort.id), keys, pen.styles.popup_border);
    let inner = inside(area);
    if let Some((claim, yes)) = &menu.over {
        take_over(app, pen, inner, claim, *yes);
        return None;
    }
    let styles = pen.styles;
    let mut y = inner.y;
    let mut line = |pen: &mut Pen<'_>, text: &str, style: Style| {
        if y < inner.bottom() {
            pen.text(inner.x, y, inner.width, text, style);
        }
        y += 1;
    };
    let name = format!("{} {} {}, {} stuck", cohort.flow, pen.glyphs.step, cohort.step, grouped(cohort.count));
    line(pen, &name, styles.strong);
    match &cohort.claim {
        Some(claim) => line(pen, &told(app, claim), styles.info),
        None => line(pen, "nobody has claimed it", styles.dim),
    }
    for (at, choice) in choices.iter().enumerate() {
        let row = Rect { y, height: 1, x: inner.x.saturating_sub(1), width: inner.width + 2 };
        if y >= inner.bottom() {
            break;
        }
        pen.hit(row, Hit::Claim(ClaimPart::Choice(at)));
        if at == menu.index {
            let focus = menu.field == Field::What;
            pen.style(row, if focus { styles.selected } else { styles.selected_idle });
            pen.text(row.x, y, 1, pen.glyphs.cursor, styles.title);
        }
        pen.text(inner.x + 1, y, 12, choice.name(), styles.strong);
        pen.text(inner.x + 14, y, inner.width.saturating_sub(14), choice.doc(), styles.text);
        y += 1;
    }
    y += 1;
    if menu.choice() == Choice::Release {
        say(app, pen, menu, Rect { y, ..inner }, inner.bottom());
        return None;
    }
    let mut cursor = None;
    if y < inner.bottom() {
        let area = Rect { y, width: 19.min(inner.width), height: 1, ..inner };
        pen.hit(area, Hit::Claim(ClaimPart::Field(Field::End)));
        let at = input(pen, area, "for", &menu.end, menu.field == Field::End);
        cursor = cursor.or(at);
        let ends: Vec<Span<'_>> = ENDS
            .iter()
            .map(|end| {
                let chosen = *end == menu.end.value();
                Span::styled(format!("{end}  "), if chosen { styles.key } else { styles.faint })
            })
            .collect();
        let x = inner.x + 20.min(inner.width);
        let mut from = x;
        for (at, end) in ends.iter().enumerate() {
            let wide = u16::try_from(width(&end.content)).unwrap_or(0);
            let shown = wide.min(inner.right().saturating_sub(from));
            pen.hit(Rect { x: from, y, width: shown, height: 1 }, Hit::Claim(ClaimPart::End(at)));
            from += wide;
        }
        let used = pen.spans(x, y, inner.right().saturating_sub(x), &ends);
        let until = menu.until(&app.times, app.now);
        let until =
            until.map_or_else(|_| "until ?".to_owned(), |at| format!("until {}", app.times.minute(at, app.now)));
        let x = (x + used + 1).min(inner.right());
        pen.text(x, y, inner.right() - x, &until, styles.text);
    }
    y += 1;
    if y < inner.bottom() {
        pen.hit(Rect { y, height: 1, ..inner }, Hit::Claim(ClaimPart::Field(Field::Note)));
        let at = input(pen, Rect { y, ..inner }, "note", &menu.note, menu.field == Field::Note);
        cursor = cursor.or(at);
    }
    say(app, pen, menu, Rect { y: y + 1, ..inner }, inner.bottom());
    cursor
}

/// What went wrong, or how far it has come, in the line that is left.
fn say(app: &App, pen: &mut Pen<'_>, menu: &ClaimMenu, area: Rect, bottom: u16) {
    // Where it is too low for a line of its own, the last line is the message's.
    let y = area.y.min(bottom.saturating_sub(1));
    if let Some(error) = &menu.error {
        pen.clear(Rect { y, height: 1, ..area }, pen.styles.popup);
        pen.text(area.x, y, area.width, error, pen.styles.warning);
    } else if menu.sent {
        pen.text(area.x, y, area.width, "being recorded", pen.styles.info);
    } else if area.y < bottom {
        let text = if app.read_only().is_some() {
            "claims are recorded though nothing can be acted on; they change nothing in an engine"
        } else {
            "seen by whoever shares the record; changes nothing in an engine"
        };
        pen.text(area.x, y, area.width, text, pen.styles.faint);
    }
}

/// A labelled text that is typed.
fn input(pen: &mut Pen<'_>, area: Rect, label: &str, input: &tui_input::Input, focus: bool) -> Option<Position> {
    let styles = pen.styles;
    pen.text(area.x, area.y, 5, label, styles.dim);
    let x = area.x + 6;
    let room = area.right().saturating_sub(x);
    let style = if focus { styles.input } else { styles.text };
    pen.style(Rect { x, width: room, height: 1, ..area }, styles.input);
    let scroll = input.visual_scroll(usize::from(room.saturating_sub(1)));
    let text: String = SafeText::new(input.value()).chars().skip(scroll).collect();
    pen.text(x, area.y, room, &text, style);
    let column = u16::try_from(input.visual_cursor().saturating_sub(scroll)).unwrap_or(0);
    focus.then(|| Position::new(x + column.min(room), area.y))
}

/// Somebody else has it: asked before their claim is replaced.
fn take_over(app: &App, pen: &mut Pen<'_>, area: Rect, claim: &Claim, yes: bool) {
    let styles = pen.styles;
    let question = format!("{} has it until {}; take over?", claim.by, app.times.minute(claim.until, app.now));
    let text = Rect { height: area.height.saturating_sub(2), ..area };
    pen.centre(text, &question, styles.warning);
    let y = area.bottom().saturating_sub(1);
    let line = Rect { y, height: 1.min(area.height), ..area };
    let style = |focus: bool| if focus { styles.button_focus } else { styles.button };
    let x = area.x + area.width.saturating_sub(28) / 2;
    let used = button(pen, x, line, "Leave it", style(!yes), !yes);
    pen.hit(Rect { x, width: used, ..line }, Hit::Claim(ClaimPart::Over(false)));
    let x = x + used + 3;
    let used = button(pen, x, line, "Take over", style(yes), yes);
    pen.hit(Rect { x, width: used, ..line }, Hit::Claim(ClaimPart::Over(true)));
}
