//! How something looks that was asked for and is not there: each reason differently.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::pen::Pen;
use crate::cockpit::remote::Remote;
use crate::domain::time::{age, since};

/// Says why there is nothing to show. Returns whether there was a reason.
pub(crate) fn absent<T>(pen: &mut Pen<'_>, area: Rect, remote: &Remote<T>, what: &str, now: Timestamp) -> bool {
    let (text, style) = match remote {
        Remote::Fresh { .. } | Remote::Stale { .. } => return false,
        Remote::Never => (format!("{} {what}: not asked yet", pen.glyphs.dot), pen.styles.faint),
        Remote::Loading(began) => {
            let waited = since(*began, now);
            let long = if waited.as_secs() >= 1 { format!(", {}", age(waited)) } else { String::new() };
            (format!("{} {what}: asking{long}", pen.glyphs.busy), pen.styles.info)
        }
        Remote::Failed(error) => (format!("{} {what}: {error}", pen.glyphs.bad), pen.styles.failed),
    };
    pen.centre(area, &text, style);
    true
}

/// Says that what is shown is old, in one line. Returns whether it is.
pub(crate) fn stale<T>(pen: &mut Pen<'_>, area: Rect, remote: &Remote<T>, now: Timestamp) -> bool {
    let Remote::Stale { at, error, .. } = remote else { return false };
    let text = format!("{} {} old: {error}", pen.glyphs.warn, age(since(*at, now)));
    pen.text(area.x, area.y, area.width, &text, pen.styles.stale);
    true
}
