//! What the list knows of the instance under the cursor: enough to decide whether to open it.

use ratatui::layout::Rect;
use ratatui::text::Span;

use super::detail::{Block, explain, labelled, paint};
use super::flows::state_of;
use crate::cockpit::acts;
use crate::cockpit::app::App;
use crate::cockpit::command::CommandId;
use crate::cockpit::popups::progress;
use crate::cockpit::widgets::numbers::engine_now;
use crate::cockpit::widgets::pen::Pen;
use crate::domain::time::{age, since};

/// Draws it, with a rule on its left or above.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let beside = area.x > 0;
    if !beside && area.height < 5 {
        compact(app, pen, area);
        return;
    }
    let inner = if beside {
        for y in area.top()..area.bottom() {
            pen.text(area.x, y, 1, pen.glyphs.bar, pen.styles.rule);
        }
        Rect { x: area.x + 2, width: area.width.saturating_sub(3), ..area }
    } else {
        pen.rule(Rect { height: 1, ..area }, &[Span::styled("under the cursor", pen.styles.dim)]);
        Rect {
            x: area.x + 2,
            width: area.width.saturating_sub(3),
            y: area.y + 1,
            height: area.height.saturating_sub(1),
        }
    };
    let Some(row) = &app.flows.row else {
        pen.centre(inner, &nothing(app), pen.styles.faint);
        return;
    };
    let styles = pen.styles;
    let columns = usize::from(inner.width);
    let source = app.overview.value().and_then(|overview| overview.source(&row.flow.id.source));
    let now = engine_now(source, app.now);
    let (glyph, word, style) = state_of(pen, row);
    let mut block = Block::default();
    if app.flows.gone {
        // It may well be there still, and only be something else than what the list is of: why it was in it says
        // nothing any more.
        let open = app.keymap.label(CommandId::Open);
        let text = format!("{}; {open} shows how it is now", left(app).trim_start_matches("left "));
        labelled(&mut block, styles, "left", &text, styles.gone, columns);
        if let Some(act) = acts::last_on(app, &row.flow.id) {
            let text = acts::told(act, &app.settings.operator, app.now);
            labelled(&mut block, styles, "act", &text, progress::style(styles, act.item), columns);
        }
    }
    let (glyph, word, style) =
        if app.flows.gone { (pen.glyphs.dot, "left", styles.gone) } else { (glyph, word, style) };
    block.push(vec![
        Span::styled(format!("{glyph} {word}"), style),
        Span::styled(format!("  {}", row.flow.flow), styles.strong),
        Span::styled(format!(" {} ", pen.glyphs.step), styles.faint),
        Span::styled(row.flow.step.to_string(), styles.strong),
    ]);
    if !app.flows.gone {
        explain(&mut block, styles, &row.judgement, &app.times, now, columns);
        if let Some(error) = &row.flow.error {
            labelled(&mut block, styles, "error", &error.text, styles.error_text, columns);
        }
        labelled(&mut block, styles, "status", row.flow.status.words(), styles.text, columns);
    }
    if let Some(tenant) = &row.flow.tenant {
        labelled(&mut block, styles, "tenant", tenant, styles.text, columns);
    }
    labelled(&mut block, styles, "id", &row.flow.id.to_string(), styles.text, columns);
    paint(pen, inner, &block, 0);
}

/// `left the list 12s ago`.
fn left(app: &App) -> String {
    let ago = app.flows.gone_at.map(|at| format!(" {} ago", age(since(at, app.now)))).unwrap_or_default();
    format!("left the list{ago}")
}

/// What is said where there is no instance to be told of.
fn nothing(app: &App) -> String {
    match app.flows.head {
        Some(_) => format!("a group: {} opens it, and closes it", app.keymap.label(CommandId::Open)),
        None => "nothing is selected".to_owned(),
    }
}

/// What there is room for in a few lines: which one in the rule, below it what went wrong or why it is as it is, then
/// who it is.
fn compact(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let styles = pen.styles;
    let Some(row) = &app.flows.row else {
        pen.rule(Rect { height: 1, ..area }, &[Span::styled(nothing(app), styles.dim)]);
        return;
    };
    let instance = &row.flow;
    let left = left(app);
    let (glyph, word, style) = if app.flows.gone { (pen.glyphs.dot, &*left, styles.gone) } else { state_of(pen, row) };
    let title = [
        Span::styled(format!("{glyph} {word}"), style),
        Span::styled(format!("  {}", instance.flow), styles.strong),
        Span::styled(format!(" {} ", pen.glyphs.step), styles.faint),
        Span::styled(instance.step.to_string(), styles.strong),
    ];
    pen.rule(Rect { height: 1, ..area }, &title);
    let evidence = row.judgement.primary().map(|finding| &finding.evidence).filter(|evidence| !evidence.is_empty());
    let why = evidence.map(|evidence| ("why", &**evidence, styles.text));
    let error = instance.error.as_ref().map(|error| ("error", &*error.text, styles.error_text));
    let id = instance.id.to_string();
    let tenant = instance.tenant.as_deref().map(|tenant| format!("   {tenant}")).unwrap_or_default();
    let who = Some(("id", &*id, styles.text));
    let act = acts::last_on(app, &instance.id).filter(|_| app.flows.gone);
    let done = act.map(|act| acts::told(act, &app.settings.operator, app.now));
    let act = act.zip(done.as_deref()).map(|(act, text)| ("act", text, progress::style(styles, act.item)));
    let lines = if app.flows.gone {
        [act.or(who), who.filter(|_| act.is_some()), None]
    } else if error.is_some() {
        [error, who, why]
    } else {
        [why, who, None]
    };
    for (y, (label, text, style)) in (area.y + 1..area.bottom()).zip(lines.into_iter().flatten()) {
        pen.text(area.x + 2, y, 7, label, styles.faint);
        let room = area.width.saturating_sub(11);
        let used = pen.text(area.x + 10, y, room, text, style);
        if label == "id" {
            pen.text(area.x + 10 + used, y, room - used, &tenant, styles.dim);
        }
    }
}
