//! What the list knows of the instance under the cursor: enough to decide whether to open it.

use ratatui::layout::Rect;
use ratatui::text::Span;

use super::detail::{Block, explain, labelled, paint};
use super::flows::state_of;
use crate::cockpit::app::App;
use crate::cockpit::widgets::numbers::engine_now;
use crate::cockpit::widgets::pen::Pen;

/// Draws it, with a rule on its left or above.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let beside = area.x > 0;
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
        pen.centre(inner, "nothing is selected", pen.styles.faint);
        return;
    };
    let styles = pen.styles;
    let columns = usize::from(inner.width);
    let source = app.overview.value().and_then(|overview| overview.source(&row.flow.id.source));
    let now = engine_now(source, app.now);
    let (glyph, word, style) = state_of(pen, row);
    let mut block = Block::default();
    if app.flows.gone {
        // It may well be there still, and only be something else than what the list is of.
        let text = "it is not in this list any more: Enter shows how it is now";
        labelled(&mut block, styles, "left", text, styles.gone, columns);
    }
    block.push(vec![
        Span::styled(format!("{glyph} {word}"), style),
        Span::styled(format!("  {}", row.flow.flow), styles.strong),
        Span::styled(format!(" {} ", pen.glyphs.step), styles.faint),
        Span::styled(row.flow.step.to_string(), styles.strong),
    ]);
    explain(&mut block, styles, &row.judgement, now, columns);
    labelled(&mut block, styles, "status", row.flow.status.words(), styles.text, columns);
    if let Some(tenant) = &row.flow.tenant {
        labelled(&mut block, styles, "tenant", tenant, styles.text, columns);
    }
    labelled(&mut block, styles, "id", &row.flow.id.to_string(), styles.text, columns);
    if let Some(error) = &row.flow.error {
        labelled(&mut block, styles, "error", &error.text, styles.error_text, columns);
    }
    paint(pen, inner, &block, 0);
}
