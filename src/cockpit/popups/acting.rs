//! From a verb to its request: the menu, the plan, its review with the reason, and the question before quitting.

use jiff::Timestamp;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;

use super::{frame, inside, line, place};
use crate::cockpit::app::{App, Focus, REASON_MIN, Review, ReviewState};
use crate::cockpit::command::CommandId;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::many::{ON_ANOTHER, ON_ANOTHER_DOES, on_another, words};
use crate::cockpit::remote::Remote;
use crate::cockpit::screens::detail::{Block, labelled, paint};
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::pen::{Pen, wrap};
use crate::cockpit::widgets::state;
use crate::domain::ids::InstanceId;
use crate::domain::policy::{Decision, Mode};
use crate::domain::remediation::{ItemState, Risk, Verb};
use crate::domain::time::{age, since};
use crate::domain::wide::WideState;
use crate::ops::{FlowAnswer, OpsError};

/// Columns for the name of a verb.
const NAME: u16 = 14;

/// The menu of verbs. Choosing one makes a plan and changes nothing.
pub(super) fn verbs(app: &App, pen: &mut Pen<'_>, target: &InstanceId, answer: &Remote<Box<FlowAnswer>>, index: usize) {
    let count = answer.value().map_or(1, |answer| answer.verbs.len() + usize::from(on_another(answer).is_some()));
    let area = place(app, 78, u16::try_from(count * 2 + 3).unwrap_or(20));
    let title = format!("what may be done to {target}");
    frame(pen, area, &title, &[("Enter", "plan it; nothing is sent"), ("Esc", "close")], pen.styles.popup_border);
    let inner = inside(area);
    if state::absent(pen, inner, answer, "what may be done", app.now) {
        return;
    }
    let Some(answer) = answer.value() else { return };
    if answer.verbs.is_empty() {
        pen.centre(inner, "its source offers no verb", pen.styles.dim);
        return;
    }
    let mut y = inner.y + 1;
    let status = answer.detail.flow.status;
    let verbs = answer.verbs.iter().map(|offer| (offer, offer.verb.label(), offer.verb.words(status)));
    let other = on_another(answer).map(|(_, resume)| (resume, ON_ANOTHER, ON_ANOTHER_DOES));
    for (at, (offer, label, does)) in verbs.chain(other).enumerate() {
        if y >= inner.bottom() {
            break;
        }
        let refusal = app.read_only().or(offer.refusal.as_ref());
        let selected = at == index;
        pen.hit(Rect { y, height: 2, ..inner }, Hit::Row(Place::Popup, at));
        if selected {
            pen.style(Rect { y, height: 1, x: inner.x.saturating_sub(1), width: inner.width + 2 }, pen.styles.selected);
            pen.text(inner.x.saturating_sub(1), y, 1, pen.glyphs.cursor, pen.styles.title);
        }
        let (name, words) =
            if refusal.is_some() { (pen.styles.faint, pen.styles.faint) } else { (pen.styles.strong, pen.styles.text) };
        pen.text(inner.x + 1, y, NAME, label, name);
        let (x, width) = (inner.x + NAME + 2, inner.width.saturating_sub(NAME + 3));
        pen.text(x, y, width, does, words);
        if let Some(why) = refusal
            && y + 1 < inner.bottom()
        {
            let text = format!("not now: {why}");
            pen.text(x, y + 1, width, &text, pen.styles.suspect);
        } else if let Some(needs) = &offer.needs
            && y + 1 < inner.bottom()
        {
            pen.text(x, y + 1, width, needs, pen.styles.info);
        }
        y += 2;
    }
}

/// A plan is being made, or could not be.
pub(super) fn planning(
    app: &App,
    pen: &mut Pen<'_>,
    what: (Verb, &InstanceId),
    error: Option<&OpsError>,
    began: Timestamp,
) {
    planning_of(app, pen, &format!("{} {}", what.0.label(), what.1), error, began);
}

/// The same of whatever the title names.
pub(super) fn planning_of(app: &App, pen: &mut Pen<'_>, title: &str, error: Option<&OpsError>, began: Timestamp) {
    let area = place(app, 72, 7);
    frame(pen, area, title, &[("Esc", "close")], pen.styles.popup_border);
    match error {
        Some(error) => pen.centre(inside(area), &format!("no plan: {error}. Nothing was sent."), pen.styles.warning),
        None => {
            let waited = age(since(began, app.now));
            let text = format!("{} looking at it afresh, {waited}; nothing is sent", pen.glyphs.busy);
            pen.centre(inside(area), &text, pen.styles.info);
        }
    }
}

/// The lines below the plan: the reason, what is in the way, the buttons, and two gaps.
const FORM: u16 = 5;

fn review_area(app: &App, block: &Block) -> Rect {
    place(app, 96, u16::try_from(block.len()).unwrap_or(u16::MAX).saturating_add(FORM + 2))
}

/// The plan under review, and where.
pub(super) fn review_content(app: &App, styles: &Styles, review: &Review) -> (Block, Rect) {
    let columns = usize::from(inside(place(app, 96, 30)).width);
    let plan = &review.plan;
    let mut block = Block::default();
    let mut fact = |label: &str, text: &str, style: Style| labelled(&mut block, styles, label, text, style, columns);
    fact("target", &plan.target.to_string(), styles.strong);
    fact("flow", &format!("{} {} {}", plan.flow, app.glyphs.step, plan.step), styles.text);
    fact("tenant", plan.tenant.as_deref().unwrap_or("not known"), styles.text);
    fact("status", plan.status.words(), styles.text);
    if let Some(evidence) = &plan.evidence {
        fact("why", evidence, styles.text);
    }
    if let Some(error) = &plan.error {
        fact("error", error, styles.error_text);
    }
    fact("effect", &plan.effect, styles.strong);
    let way_back_style = if plan.verb.risk() == Risk::Irreversible { styles.warning } else { styles.text };
    fact("risk", plan.verb.risk().name(), way_back_style);
    fact("way back", plan.verb.way_back(), way_back_style);
    for warning in &plan.warnings {
        fact("warning", &format!("{} {warning}", app.glyphs.warn), styles.warning);
    }
    for reason in &plan.policy.reasons {
        let (sign, style) = match (reason.mode, &reason.decision) {
            (Mode::Shadow, _) => ("in shadow, counts for nothing: ", styles.dim),
            (Mode::Enforce, Decision::Deny) => ("not allowed, ", styles.failed),
            (Mode::Enforce, Decision::RequireApproval(_)) => ("needs approval, ", styles.warning),
            (Mode::Enforce, Decision::Allow) => ("allowed, ", styles.text),
            // It is among the warnings.
            (Mode::Enforce, Decision::Warn) => continue,
        };
        fact("policy", &format!("{sign}{reason}"), style);
    }
    let left = if app.now < plan.expires_at {
        format!("expires in {}", age(since(app.now, plan.expires_at)))
    } else {
        "EXPIRED".to_owned()
    };
    let read = age(since(plan.read_at, app.now));
    fact(
        "version",
        &format!("{}, seen {read} ago at {}; {left}", plan.version, app.times.moment(plan.read_at, app.now)),
        styles.dim,
    );
    let area = inside(review_area(app, &block));
    (block, Rect { height: area.height.saturating_sub(FORM), ..area })
}

/// The review: the plan, the reason, the way back and the verb. Tells where the text cursor is.
pub(super) fn review(app: &App, pen: &mut Pen<'_>, review: &Review) -> Option<Position> {
    let (block, text_area) = review_content(app, pen.styles, review);
    let area = review_area(app, &block);
    let irreversible = review.plan.verb.risk() == Risk::Irreversible;
    let border = if irreversible { pen.styles.popup_danger } else { pen.styles.popup_border };
    let keys: &[(&str, &str)] = match review.focus {
        Focus::Reason => &[("Enter Tab", "to the buttons"), ("Esc", "close, nothing sent")],
        Focus::Cancel => &[("Tab", "to the other button"), ("Enter", "close, nothing sent"), ("Esc", "close")],
        Focus::Do if review.plan.policy.approvals().is_some() => {
            &[("Tab", "back to the reason"), ("Enter", "plan the request"), ("Esc", "close, nothing sent")]
        }
        Focus::Do => &[("Tab", "back to the reason"), ("Enter", "do it"), ("Esc", "close, nothing sent")],
    };
    frame(pen, area, &format!("review: {} one instance", review.plan.verb.label()), keys, border);
    paint(pen, text_area, &block, review.scroll);
    pen.hit(text_area, Hit::Area(Place::Popup));
    let form =
        Rect { y: text_area.bottom(), height: inside(area).bottom().saturating_sub(text_area.bottom()), ..text_area };
    if form.height < 3 {
        pen.text(form.x, form.y, form.width, "the terminal is too small to review this", pen.styles.warning);
        return None;
    }
    if let ReviewState::Refused(error) = &review.state {
        let (head, style) = match error {
            // The record may or may not have been made: the answer was lost.
            OpsError::Source(_) => ("not known whether it was recorded", pen.styles.unknown),
            _ => ("NOT DONE, nothing was sent", pen.styles.failed),
        };
        let text = format!("{} {head}: {error}", pen.glyphs.bad);
        let lines = wrap(&text, usize::from(form.width));
        for (y, line) in (form.y + 1..form.bottom()).zip(lines) {
            pen.text(form.x, y, form.width, &line, style);
        }
        return None;
    }
    let cursor = reason(pen, review, Rect { y: form.y + 1, height: 1, ..form });
    let obstacle = review.obstacle(app.now, &app.keymap.label(CommandId::Verbs));
    let y = form.bottom() - 1;
    if review.state == ReviewState::Sent {
        pen.text(form.x, y, form.width, &format!("{} being recorded", pen.glyphs.busy), pen.styles.info);
        return None;
    }
    let asks = review.plan.policy.approvals().map(|needed| format!("the button asks first: {needed}"));
    if let Some(why) = app.read_only().map(ToString::to_string).or_else(|| obstacle.clone()).or(asks)
        && form.height >= 4
    {
        let empty = review.reason.value().is_empty() && review.changed.is_none();
        let style = if empty { pen.styles.faint } else { pen.styles.warning };
        pen.text(form.x, y - 1, form.width, &why, style);
    }
    let ready = obstacle.is_none() && app.read_only().is_none();
    buttons(pen, review, ready, irreversible, Rect { y, height: 1, ..form });
    cursor
}

fn reason(pen: &mut Pen<'_>, review: &Review, area: Rect) -> Option<Position> {
    let focus = review.focus == Focus::Reason && review.state == ReviewState::Open;
    let hint = format!("at least {REASON_MIN} characters: it stays in the record");
    pen.hit(area, Hit::Review(Focus::Reason));
    line::draw(pen, "reason", &review.reason, focus, &hint, area)
}

/// The name of the button that sends nothing. To cancel is a verb.
const WAY_OUT: &str = "Back";

fn buttons(pen: &mut Pen<'_>, review: &Review, ready: bool, irreversible: bool, area: Rect) {
    let styles = pen.styles;
    let cancel = if review.focus == Focus::Cancel { styles.button_focus } else { styles.button };
    let mut x = area.x + 10;
    let used = button(pen, x, area, WAY_OUT, cancel, review.focus == Focus::Cancel);
    pen.hit(Rect { x, width: used, ..area }, Hit::Review(Focus::Cancel));
    x += used + 3;
    let act = match (review.focus == Focus::Do, ready) {
        (_, false) => styles.button_off,
        (true, true) if irreversible => styles.button_danger,
        (true, true) => styles.button_focus,
        (false, true) => styles.button,
    };
    let mut name = review.plan.verb.label().to_owned();
    // The word alone could be taken for the way out.
    if review.plan.verb == Verb::Cancel {
        name = format!("{name} the instance");
    }
    if review.plan.policy.approvals().is_some() {
        "request approval".clone_into(&mut name);
    }
    let mut letters = name.chars();
    let name = letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default();
    let used = button(pen, x, area, &name, act, review.focus == Focus::Do);
    pen.hit(Rect { x, width: used, ..area }, Hit::Review(Focus::Do));
}

/// A button. The focus is shown by brackets too.
pub(super) fn button(pen: &mut Pen<'_>, x: u16, area: Rect, text: &str, style: Style, focus: bool) -> u16 {
    let text = if focus { format!("[ {text} ]") } else { format!("  {text}  ") };
    pen.text(x, area.y, area.right().saturating_sub(x), &text, style)
}

/// Acts run, and the operator asked to quit.
pub(super) fn quit(app: &App, pen: &mut Pen<'_>, leave: bool) {
    let running = app.running();
    let wide: Vec<_> = app.remediations.in_state(WideState::runs).collect();
    let count = u16::try_from(running.len() + wide.len()).unwrap_or(u16::MAX);
    let lines = u16::try_from(running.len() + wide.len() * 2).unwrap_or(u16::MAX);
    let area = place(app, 76, lines.saturating_add(7));
    let keys = [("Tab", "the other button"), ("Enter", "press it"), ("Esc", "stay")];
    let title = match count {
        0 => "no act runs any more: quit?".to_owned(),
        1 if running.is_empty() => "a remediation is still running".to_owned(),
        1 => "an act is still running".to_owned(),
        more if wide.is_empty() => format!("{more} acts are still running"),
        more => format!("{more} acts and remediations are still running"),
    };
    frame(pen, area, &title, &keys, pen.styles.popup_danger);
    let inner = inside(area);
    let mut y = inner.y;
    for act in &running {
        let id = act.id.as_deref().unwrap_or("not recorded yet");
        let spans = [
            Span::styled(format!("{} {} ", pen.glyphs.busy, act.verb.label()), pen.styles.strong),
            Span::styled(act.target.to_string(), pen.styles.strong),
            Span::styled(format!("  {id}"), pen.styles.dim),
        ];
        if y + 2 >= inner.bottom() {
            break;
        }
        pen.spans(inner.x, y, inner.width, &spans);
        y += 1;
    }
    for head in &wide {
        if y + 3 >= inner.bottom() {
            break;
        }
        let name = format!("{} {}  ", pen.glyphs.busy, words::what(&head.plan));
        let spans = [Span::styled(name, pen.styles.strong), Span::styled(head.id.to_string(), pen.styles.dim)];
        pen.spans(inner.x, y, inner.width, &spans);
        let (through, left) = (words::through(&head.counts), head.counts.get(ItemState::Pending));
        let text = format!("  will be held: {through} through, {left} not sent; resume goes on from anywhere");
        pen.text(inner.x, y + 1, inner.width, &text, pen.styles.warning);
        y += 2;
    }
    let text = match (running.is_empty(), wide.is_empty()) {
        (true, true) => "it has ended meanwhile",
        (true, false) => "",
        (false, _) => "the engine goes on with it; its outcome will not be watched from here",
    };
    pen.text(inner.x, y, inner.width, text, pen.styles.text);
    let line = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
    let style = |focus: bool| if focus { pen.styles.button_focus } else { pen.styles.button };
    let (stay_style, quit_style) = (style(!leave), style(leave));
    let used = button(pen, line.x, line, "Stay", stay_style, !leave);
    pen.hit(Rect { width: used, ..line }, Hit::Leave(false));
    let x = line.x + used + 3;
    let used = button(pen, x, line, "Quit", quit_style, leave);
    pen.hit(Rect { x, width: used, ..line }, Hit::Leave(true));
}
