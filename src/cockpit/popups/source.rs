//! One source: its error in full, and what is known of it.

use ratatui::layout::Rect;

use super::{inside, place};
use crate::cockpit::app::App;
use crate::cockpit::screens::detail::{Block, labelled};
use crate::cockpit::screens::sources::facts;
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::pen::Pen;

/// Draws the box around it.
pub(super) fn frame(app: &App, pen: &mut Pen<'_>, name: &str) {
    let area = area(app, pen.styles, name).0;
    super::frame(pen, area, &format!("source {name}"), &[("Esc", "close")], pen.styles.popup_border);
}

fn area(app: &App, styles: &Styles, name: &str) -> (Rect, Block) {
    let columns = usize::from(inside(place(app, 100, 30)).width);
    let mut block = Block::default();
    match app.overview.value().and_then(|overview| overview.source(name)) {
        Some(source) => {
            block = facts(app, styles, source, columns);
            let verbs: Vec<_> = source.verbs.iter().map(|verb| verb.label()).collect();
            let verbs =
                if verbs.is_empty() { "be read only".to_owned() } else { format!("be read; {}", verbs.join(", ")) };
            labelled(&mut block, styles, "can", &verbs, styles.text, columns);
            if let Some(why) = app.read_only() {
                labelled(&mut block, styles, "may not", &format!("act: {why}"), styles.suspect, columns);
            }
        }
        None => labelled(&mut block, styles, "", "it is no longer there", styles.warning, columns),
    }
    let lines = u16::try_from(block.len()).unwrap_or(u16::MAX);
    (place(app, 100, lines.saturating_add(2)), block)
}

/// What it says, and where.
pub(super) fn content(app: &App, styles: &Styles, name: &str) -> (Block, Rect) {
    let (area, block) = area(app, styles, name);
    (block, inside(area))
}
