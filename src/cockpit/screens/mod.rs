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

use ratatui::layout::Rect;

use super::app::App;

/// The part of the terminal that a screen has: all but the header and the footer.
pub(super) fn body(app: &App) -> Rect {
    let (width, height) = app.size;
    Rect::new(0, 2, width, height.saturating_sub(3))
}
