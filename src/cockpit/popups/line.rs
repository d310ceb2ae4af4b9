//! A line in a popup that is typed into.

use ratatui::layout::{Position, Rect};
use tui_input::Input;

use crate::cockpit::widgets::pen::Pen;
use crate::domain::text::SafeText;

/// The columns of the label.
const LABEL: u16 = 10;

/// Draws the label and what is typed, so that the cursor is in sight; tells where that is. `hint` stands where nothing
/// is typed and the focus is elsewhere.
pub(super) fn draw(
    pen: &mut Pen<'_>,
    label: &str,
    input: &Input,
    focus: bool,
    hint: &str,
    area: Rect,
) -> Option<Position> {
    let style = if focus { pen.styles.title } else { pen.styles.faint };
    pen.text(area.x, area.y, LABEL, label, style);
    let (x, columns) = (area.x + LABEL, area.width.saturating_sub(LABEL));
    pen.style(Rect { x, width: columns, ..area }, pen.styles.button);
    let typed = SafeText::new(input.value());
    if typed.is_empty() && !focus {
        pen.text(x, area.y, columns, hint, pen.styles.dim);
    }
    let scroll = input.visual_scroll(usize::from(columns.saturating_sub(1)));
    let mut skipped = 0;
    let shown: String = typed
        .chars()
        .skip_while(|c| {
            let before = skipped;
            skipped += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
            before < scroll
        })
        .collect();
    pen.text(x, area.y, columns, &shown, pen.styles.strong);
    let column = u16::try_from(input.visual_cursor().saturating_sub(scroll)).unwrap_or(0);
    focus.then(|| Position::new(x + column.min(columns.saturating_sub(1)), area.y))
}
