//! A whole frame. Reads the state and nothing else.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::app::App;
use super::settings::ScreenName;
use super::theme::Styles;
use super::widgets::pen::Pen;
use super::widgets::{footer, header};
use super::{popups, screens};

/// The smallest terminal that a screen is drawn on: columns, rows.
pub const LEAST: (u16, u16) = (40, 10);

/// Draws the cockpit, and tells where the text cursor is.
pub fn draw(app: &App, styles: &Styles, buffer: &mut Buffer) -> Option<Position> {
    let area = buffer.area;
    let mut pen = Pen { buffer, styles, glyphs: app.glyphs, ascii: app.settings.ascii };
    pen.clear(area, styles.ground);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!("too small: {}x{} of {}x{}", area.width, area.height, LEAST.0, LEAST.1);
        let y = area.y + area.height / 2;
        pen.text(area.x, y.min(area.bottom().saturating_sub(1)), area.width, &text, styles.text);
        return None;
    }
    header::draw(app, &mut pen, Rect { height: 2, ..area });
    let mut cursor = None;
    match app.screen() {
        ScreenName::Board => screens::board::draw(app, &mut pen),
        ScreenName::Flows => cursor = screens::flows::draw(app, &mut pen),
        ScreenName::Detail => screens::detail::draw(app, &mut pen),
        ScreenName::Compare => screens::compare::draw(app, &mut pen),
        ScreenName::Raw => screens::raw::draw(app, &mut pen),
        ScreenName::Sources => screens::sources::draw(app, &mut pen),
    }
    let footer = Rect { y: area.bottom() - 1, height: 1, ..area };
    cursor = footer::draw(app, &mut pen, footer).or(cursor);
    if app.popup.is_some() {
        cursor = popups::draw(app, &mut pen);
    }
    cursor
}
