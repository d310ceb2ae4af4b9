//! The screens, one a file.

mod aside;
pub(super) mod board;
pub(super) mod compare;
pub(super) mod detail;
pub(super) mod drift;
pub(super) mod events;
pub(super) mod flows;
mod gantt;
pub(super) mod latency;
pub(super) mod preview;
pub(super) mod raw;
pub(super) mod records;
pub(super) mod remediation;
pub(super) mod remediations;
pub(super) mod sources;
pub(super) mod strip;
pub(super) mod tenant;
pub(super) mod tenants;

use ratatui::layout::{Position, Rect};

use super::app::{App, Prompt};
use super::widgets::pen::Pen;
use crate::domain::text::SafeText;
use crate::query::FilterError;

/// The part of the terminal that a screen has: all but the header and the footer.
pub(super) fn body(app: &App) -> Rect {
    let (width, height) = app.size;
    Rect::new(0, 2, width, height.saturating_sub(3))
}

/// A filter, or what is typed of it. Tells where the text cursor is.
fn filter_line(
    pen: &mut Pen<'_>,
    area: Rect,
    typing: Option<&Prompt>,
    text: &str,
    error: Option<&FilterError>,
) -> Option<Position> {
    let Some(prompt) = typing else {
        let (text, style) = match text {
            "" => ("everything".to_owned(), pen.styles.faint),
            text => (format!("/{text}"), pen.styles.strong),
        };
        pen.text(area.x, area.y, area.width, &SafeText::new(&text), style);
        return None;
    };
    let typed = SafeText::new(prompt.input.value());
    let used = pen.text(area.x, area.y, area.width, &format!("/{typed}"), pen.styles.strong);
    if let Some(error) = error {
        let text = format!("  {error}");
        pen.text(area.x + used, area.y, area.width.saturating_sub(used), &text, pen.styles.warning);
    }
    let at = 1 + u16::try_from(prompt.input.visual_cursor()).unwrap_or(0);
    Some(Position::new((area.x + at).min(area.right()), area.y))
}
