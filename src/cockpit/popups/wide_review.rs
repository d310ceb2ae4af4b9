//! The review of a plan of many: what it is to do, then the reason, the ticket, what has to be typed, and the buttons.

use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::acting::button;
use super::{frame, inside, line, place};
use crate::cockpit::app::{App, REASON_MIN};
use crate::cockpit::command::CommandId;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::many::{Step, WideReview, WideReviewPart, confirmation, words};
use crate::cockpit::screens::detail::{Block, labelled, paint};
use crate::cockpit::screens::remediation::planned;
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::pen::{Pen, wrap};
use crate::domain::remediation::Risk;
use crate::domain::time::{age, since, words as duration};
use crate::domain::wide::WideState;
use crate::ops::OpsError;

/// The columns of the box.
const COLUMNS: u16 = 104;

/// The lines below the plan: a gap, the fields, what is in the way, the buttons.
fn form(review: &WideReview) -> u16 {
    4 + if confirmation(&review.plan).is_some() { 2 } else { 1 }
}

fn area(app: &App, review: &WideReview, lines: usize) -> Rect {
    place(app, COLUMNS, u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(form(review) + 2))
}

/// The plan, and where it is.
pub(super) fn content(app: &App, styles: &Styles, review: &WideReview) -> (Block, Rect) {
    let columns = usize::from(inside(place(app, COLUMNS, 30)).width);
    let plan = &review.plan;
    let mut block = Block::default();
    let mut fact = |label: &str, text: &str, style: Style| labelled(&mut block, styles, label, text, style, columns);
    if let Some(taken) = &review.takes_back {
        fact("takes back", taken, styles.strong);
    }
    fact("to", &format!("{}  ({})", words::what(plan), review.whom.words), styles.strong);
    let left = if app.now < plan.expires_at {
        format!("expires in {}", age(since(app.now, plan.expires_at)))
    } else {
        "EXPIRED".to_owned()
    };
    let made = age(since(plan.made_at, app.now));
    fact("made", &format!("{made} ago; {left}"), if app.now < plan.expires_at { styles.dim } else { styles.warning });
    planned(&mut block, styles, plan, columns);
    let area = inside(area(app, review, block.len()));
    let form = form(review);
    (block, Rect { height: area.height.saturating_sub(form), ..area })
}

/// Draws it, and tells where the text cursor is.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>, review: &WideReview) -> Option<Position> {
    let (block, text) = content(app, pen.styles, review);
    let area = area(app, review, block.len());
    let irreversible = review.plan.risk() == Risk::Irreversible;
    let border = if irreversible { pen.styles.popup_danger } else { pen.styles.popup_border };
    let keys: &[(&str, &str)] = match (&review.step, review.focus) {
        (Step::Requested(_), _) => &[("Enter", "show it"), ("Esc", "close")],
        (Step::Sent | Step::Refused(_), _) => &[("Esc", "close")],
        (Step::Open, WideReviewPart::Cancel) => &[("Tab", "on"), ("Enter", "close, nothing asked"), ("Esc", "close")],
        (Step::Open, WideReviewPart::Request) => &[("Tab", "on"), ("Enter", "ask for it"), ("Esc", "close")],
        (Step::Open, _) => &[("Enter Tab", "on"), ("Esc", "close, nothing asked"), ("PgDn", "more of the plan")],
    };
    frame(pen, area, &format!("review: {}", words::what(&review.plan)), keys, border);
    paint(pen, text, &block, review.scroll);
    pen.hit(text, Hit::Area(Place::Popup));
    let inner = inside(area);
    let below = Rect { y: text.bottom(), height: inner.bottom().saturating_sub(text.bottom()), ..text };
    if below.height < form(review) {
        pen.text(below.x, below.y, below.width, "the terminal is too small to review this", pen.styles.warning);
        return None;
    }
    match &review.step {
        Step::Open => fields(app, pen, review, below, irreversible),
        Step::Sent => {
            let y = below.bottom() - 1;
            pen.text(below.x, y, below.width, &format!("{} being recorded", pen.glyphs.busy), pen.styles.info);
            None
        }
        Step::Refused(error) => {
            let (head, style) = match error {
                // The record may or may not have been made: the answer was lost.
                OpsError::Source(_) => ("not known whether it was recorded", pen.styles.unknown),
                _ => ("NOT ASKED FOR, nothing is sent", pen.styles.failed),
            };
            said(pen, below, &format!("{} {head}: {error}", pen.glyphs.bad), style);
            None
        }
        Step::Requested(head) => {
            let until = app.times.minute(head.approval.expires_at, app.now);
            let left = duration(since(app.now, head.approval.expires_at));
            let next = match head.state {
                WideState::AwaitingApproval => {
                    format!("it waits for approval: {}, until {until} ({left})", words::needed(&head.approval))
                }
                WideState::Approved => {
                    let verbs = app.keymap.label(CommandId::Verbs);
                    format!("{}, until {until} ({left}) at the latest; {verbs} on it can end it", words::next(head))
                }
                _ => words::next(head),
            };
            said(pen, below, &format!("{} recorded as {}. {next}", pen.glyphs.ok, head.id), pen.styles.ok);
            None
        }
    }
}

/// A text below the plan.
fn said(pen: &mut Pen<'_>, below: Rect, text: &str, style: Style) {
    for (y, line) in (below.y + 1..below.bottom()).zip(wrap(text, usize::from(below.width))) {
        pen.text(below.x, y, below.width, &line, style);
    }
}

fn fields(app: &App, pen: &mut Pen<'_>, review: &WideReview, below: Rect, irreversible: bool) -> Option<Position> {
    let parts = review.parts();
    let index = |part| parts.iter().position(|other| *other == part).unwrap_or(0);
    let wanted = confirmation(&review.plan);
    let reason = format!("at least {REASON_MIN} characters: it stays in the record");
    let type_it = wanted.as_ref().map(|wanted| format!("type: {wanted}")).unwrap_or_default();
    let mut inputs = vec![
        (WideReviewPart::Reason, "reason", &review.reason, reason.as_str()),
        (WideReviewPart::Ticket, "ticket", &review.ticket, "where there is one"),
    ];
    if wanted.is_some() {
        inputs.push((WideReviewPart::Confirm, "confirm", &review.confirm, type_it.as_str()));
    }
    let mut cursor = None;
    for (y, (part, label, input, hint)) in (below.y + 1..).zip(inputs) {
        let area = Rect { y, height: 1, ..below };
        pen.hit(area, Hit::Button(index(part)));
        cursor = line::draw(pen, label, input, review.focus == part, hint, area).or(cursor);
    }
    let verbs = app.keymap.label(CommandId::Verbs);
    let obstacle = app.read_only().map(ToString::to_string).or_else(|| review.obstacle(app.now, &verbs));
    let y = below.bottom() - 1;
    if let Some(why) = &obstacle {
        let style = if review.reason.value().is_empty() { pen.styles.faint } else { pen.styles.warning };
        pen.text(below.x, y - 1, below.width, why, style);
    }
    let styles = pen.styles;
    let line = Rect { y, height: 1, ..below };
    let focus = |part| review.focus == part;
    let back = if focus(WideReviewPart::Cancel) { styles.button_focus } else { styles.button };
    let asks = match (obstacle.is_none(), focus(WideReviewPart::Request)) {
        (false, _) => styles.button_off,
        (true, true) if irreversible => styles.button_danger,
        (true, true) => styles.button_focus,
        (true, false) => styles.button,
    };
    let mut x = line.x + 10;
    let used = button(pen, x, line, "Back", back, focus(WideReviewPart::Cancel));
    pen.hit(Rect { x, width: used, ..line }, Hit::Button(index(WideReviewPart::Cancel)));
    x += used + 3;
    let used = button(pen, x, line, "Request", asks, focus(WideReviewPart::Request));
    pen.hit(Rect { x, width: used, ..line }, Hit::Button(index(WideReviewPart::Request)));
    cursor
}
