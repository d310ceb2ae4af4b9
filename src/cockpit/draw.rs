//! A whole frame. Reads the state and nothing else.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::app::App;
use super::hit::{Hit, Place};
use super::settings::ScreenName;
use super::theme::Styles;
use super::widgets::pen::Pen;
use super::widgets::sheet::Sheet;
use super::widgets::{footer, header, palette, whichkey};
use super::{popups, screens};

/// The smallest terminal that a screen is drawn on: columns, rows.
pub const LEAST: (u16, u16) = (40, 10);

/// Draws the cockpit, and tells where the text cursor is.
pub fn draw(app: &App, styles: &Styles, buffer: &mut Buffer) -> Option<Position> {
    let mut sheet = Sheet::new(buffer.area);
    let cursor = note(app, styles, &mut sheet);
    sheet.fill_in(buffer);
    cursor
}

/// Notes what is to be drawn on a sheet, and tells where the text cursor is.
pub(super) fn note(app: &App, styles: &Styles, sheet: &mut Sheet) -> Option<Position> {
    let mut pen = Pen { sheet, styles, glyphs: app.glyphs, ascii: app.settings.ascii, hits: Vec::new() };
    everything(app, &mut pen)
}

/// What lies where on the screen, for the mouse; later ones lie on top.
pub fn hits(app: &App) -> Vec<(Rect, Hit)> {
    let (width, height) = app.size;
    let mut sheet = Sheet::new(Rect::new(0, 0, width, height));
    let styles = Styles::default();
    let ascii = app.settings.ascii;
    let mut pen = Pen { sheet: &mut sheet, styles: &styles, glyphs: app.glyphs, ascii, hits: Vec::new() };
    everything(app, &mut pen);
    pen.hits
}

fn everything(app: &App, pen: &mut Pen<'_>) -> Option<Position> {
    let area = pen.sheet.area();
    pen.clear(area, pen.styles.ground);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!("too small: {}x{} of {}x{}", area.width, area.height, LEAST.0, LEAST.1);
        let y = area.y + area.height / 2;
        pen.text(area.x, y.min(area.bottom().saturating_sub(1)), area.width, &text, pen.styles.text);
        return None;
    }
    header::draw(app, pen, Rect { height: 2, ..area });
    let mut cursor = None;
    match app.screen() {
        ScreenName::Board => screens::board::draw(app, pen),
        ScreenName::Flows => cursor = screens::flows::draw(app, pen),
        ScreenName::Detail => {
            pen.hit(screens::body(app), Hit::Area(Place::Text));
            screens::detail::draw(app, pen);
        }
        ScreenName::Compare => {
            pen.hit(screens::body(app), Hit::Area(Place::Text));
            screens::compare::draw(app, pen);
        }
        ScreenName::Raw => {
            pen.hit(screens::body(app), Hit::Area(Place::Text));
            screens::raw::draw(app, pen);
        }
        ScreenName::Remediations => screens::remediations::draw(app, pen),
        ScreenName::Remediation => {
            pen.hit(screens::body(app), Hit::Area(Place::Text));
            screens::remediation::draw(app, pen);
        }
        ScreenName::Drift => cursor = screens::drift::draw(app, pen),
        ScreenName::Finding => {
            pen.hit(screens::body(app), Hit::Area(Place::Text));
            screens::drift::draw_finding(app, pen);
        }
        ScreenName::Sources => screens::sources::draw(app, pen),
        ScreenName::Tenants => screens::tenants::draw(app, pen),
        ScreenName::Tenant => screens::tenant::draw(app, pen),
        ScreenName::Events => cursor = screens::events::draw(app, pen),
        ScreenName::Latency => screens::latency::draw(app, pen),
        ScreenName::Event => {
            pen.hit(screens::body(app), Hit::Area(Place::Text));
            screens::events::draw_one(app, pen);
        }
    }
    let footer = Rect { y: area.bottom() - 1, height: 1, ..area };
    cursor = footer::draw(app, pen, footer).or(cursor);
    whichkey::draw(app, pen);
    palette::draw(app, pen);
    if app.popup.is_some() {
        pen.hit(area, Hit::Nothing);
        cursor = popups::draw(app, pen);
    }
    cursor
}
