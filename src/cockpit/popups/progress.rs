//! An act as it goes: accepted, done, verified are three different words.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::{inside, place};
use crate::cockpit::app::App;
use crate::cockpit::screens::detail::{Block, labelled};
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::pen::{Pen, wrap};
use crate::domain::remediation::{ItemState, Remediation};
use crate::domain::time::{age, since, words};

/// The style of a state.
pub(in crate::cockpit) fn style(styles: &Styles, state: ItemState) -> Style {
    match state {
        ItemState::Pending | ItemState::Accepted | ItemState::Done => styles.info,
        ItemState::Skipped => styles.dim,
        ItemState::Verified => styles.ok,
        ItemState::Failed => styles.failed,
        ItemState::Unknown => styles.unknown,
    }
}

fn area(app: &App, lines: usize) -> Rect {
    place(app, 96, u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(2))
}

/// Draws the box around it.
pub(super) fn frame(app: &App, pen: &mut Pen<'_>, id: &str) {
    let act = app.act(id);
    let title = act.map_or("act".to_owned(), |act| format!("{} {}", act.plan.verb.label(), act.plan.target));
    let close = if act.is_some_and(|act| act.ended) { "close" } else { "leave it running" };
    let (block, _) = content(app, pen.styles, id);
    super::frame(pen, area(app, block.len()), &title, &[("Esc", close)], pen.styles.popup_border);
}

/// The word for a state, in full.
fn headline(state: ItemState) -> &'static str {
    match state {
        ItemState::Pending => "PENDING: recorded, not sent yet",
        ItemState::Skipped => "SKIPPED: not sent",
        ItemState::Accepted => "ACCEPTED: the engine took it; what comes of it is being watched",
        ItemState::Done => "DONE: the engine finished it; its effect is being watched",
        ItemState::Verified => "VERIFIED: the effect was seen and held",
        ItemState::Failed => "FAILED",
        ItemState::Unknown => "UNKNOWN: nobody can say whether it took effect; nothing is sent a second time",
    }
}

/// What it says, and where.
pub(super) fn content(app: &App, styles: &Styles, id: &str) -> (Block, Rect) {
    let columns = usize::from(inside(place(app, 96, 22)).width);
    let mut block = Block::default();
    let Some(act) = app.act(id) else {
        block.push(vec![Span::styled("this act is not known any more", styles.dim)]);
        let area = inside(area(app, block.len()));
        return (block, area);
    };
    let block = told(app, styles, act, columns);
    let area = inside(area(app, block.len()));
    (block, area)
}

/// What is known of an act.
pub(in crate::cockpit) fn told(app: &App, styles: &Styles, act: &Remediation, columns: usize) -> Block {
    let mut block = Block::default();
    stages(&mut block, app, styles, act);
    block.gap();
    for line in wrap(&format!("{} {}", app.glyphs.item(act.item), headline(act.item)), columns) {
        block.push(vec![Span::styled(line, style(styles, act.item))]);
    }
    if !act.outcome.is_empty() {
        labelled(&mut block, styles, "outcome", &act.outcome, styles.strong, columns);
    }
    if let Some(until) = act.watched_until.filter(|until| !act.ended && *until > app.now) {
        let text = format!("for another {}", words(since(app.now, until)));
        labelled(&mut block, styles, "watched", &text, styles.text, columns);
    }
    block.gap();
    labelled(&mut block, styles, "reason", &act.reason, styles.text, columns);
    let by = format!("{}, {} ago", act.requested_by, age(since(act.requested_at, app.now)));
    labelled(&mut block, styles, "by", &by, styles.text, columns);
    let of = format!("{} {} {}", act.plan.flow, app.glyphs.step, act.plan.step);
    labelled(&mut block, styles, "flow", &of, styles.text, columns);
    labelled(&mut block, styles, "act", &act.id, styles.dim, columns);
    block.gap();
    for (at, text) in &act.log {
        let lines = wrap(text, columns.saturating_sub(10));
        for (n, line) in lines.into_iter().enumerate() {
            let time = if n == 0 { app.times.second(*at) } else { String::new() };
            block.push(vec![Span::styled(format!("{time:<10}"), styles.faint), Span::styled(line, styles.text)]);
        }
    }
    block
}

/// The way an act goes, with the part that lies behind it. One that came to nothing keeps the way it went.
fn stages(block: &mut Block, app: &App, styles: &Styles, act: &Remediation) {
    let went = match act.answered {
        Some(ItemState::Done) => 2,
        Some(_) => 1,
        None => 0,
    };
    let ended_badly = matches!(act.item, ItemState::Failed | ItemState::Unknown);
    let reached = match act.item {
        ItemState::Pending | ItemState::Skipped => 0,
        ItemState::Accepted => 1,
        ItemState::Done => 2,
        ItemState::Verified => 3,
        ItemState::Failed | ItemState::Unknown => went,
    };
    let mut line = Vec::new();
    let stages = ["recorded", "accepted", "done", "verified"];
    let shown = if ended_badly { reached + 1 } else { stages.len() };
    for (at, name) in stages.into_iter().take(shown).enumerate() {
        if at > 0 {
            line.push(Span::styled(format!(" {} ", app.glyphs.arrow), styles.faint));
        }
        let style = if at <= reached { styles.ok } else { styles.faint };
        let mark = if at <= reached { app.glyphs.ok } else { app.glyphs.dot };
        line.push(Span::styled(format!("{mark} {name}"), style));
    }
    if ended_badly {
        line.push(Span::styled(format!(" {} ", app.glyphs.arrow), styles.faint));
        let text = format!("{} {}", app.glyphs.item(act.item), act.item.name().to_uppercase());
        line.push(Span::styled(text, style(styles, act.item)));
    }
    block.push(line);
}
