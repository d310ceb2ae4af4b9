//! The popup that asks for how long a finding is left alone, and why.

use ratatui::layout::Position;

use super::reason::{self, Why};
use super::{frame, inside, place};
use crate::cockpit::app::App;
use crate::cockpit::update::ignoring::IgnoreForm;
use crate::cockpit::widgets::pen::Pen;
use crate::domain::time::words;

/// Draws it, and tells where the text cursor is.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>, form: &IgnoreForm) -> Option<Position> {
    let area = place(app, 78, 13);
    let finding = &form.known.finding;
    let (title, keys, texts): (_, &[(&str, &str)], _) = if form.ends() {
        let text = "From now on it is listed as drifted again, and may be acted on.".to_owned();
        ("heed it again".to_owned(), &[("Enter", "heed it"), ("Esc", "close, stays left alone")], text)
    } else {
        let until = app.now.saturating_add(form.lasting()).unwrap_or(app.now);
        let text = format!(
            "Until {} it is listed as ignored, and no plan acts on it. In its source nothing changes.",
            app.times.moment(until, app.now)
        );
        let keys: &[(&str, &str)] = &[("Enter", "leave it alone"), ("Up Down", "longer, shorter"), ("Esc", "close")];
        (format!("leave it alone for {}", words(form.lasting())), keys, text)
    };
    frame(pen, area, &title, keys, pen.styles.popup);
    let what = format!("{} in {}", finding.what, finding.scope);
    let why = Why { input: &form.reason, sent: form.sent, error: form.error.as_ref(), ready: form.ready() };
    reason::draw(pen, inside(area), &[what, texts], &why)
}
