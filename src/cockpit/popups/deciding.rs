//! The popup that asks why a finding is adopted, or for how long it is left alone and why.

use ratatui::layout::Position;

use super::{frame, inside, place, reason};
use crate::cockpit::app::App;
use crate::cockpit::update::deciding::{Decides, DecisionForm};
use crate::cockpit::widgets::numbers::grouped;
use crate::cockpit::widgets::pen::Pen;
use crate::domain::decided::CHANGE_THERE;
use crate::domain::time::words;

/// Its title, its keys, and what is said in it.
type Words = (String, &'static [(&'static str, &'static str)], Vec<String>);

/// Draws it, and tells where the text cursor is.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>, form: &DecisionForm) -> Option<Position> {
    let finding = &form.known.finding;
    let (title, keys, texts) = match form.decides {
        Decides::Ignore => ignoring(app, form),
        Decides::Adopt => adopting(form),
    };
    let area = place(app, 78, 12 + u16::try_from(texts.len()).unwrap_or(1));
    frame(pen, area, &title, keys, pen.styles.popup);
    let mut all = vec![format!("{} in {}", finding.what, finding.scope)];
    all.extend(texts);
    reason::draw(pen, inside(area), &all, &form.reason)
}

fn ignoring(app: &App, form: &DecisionForm) -> Words {
    if form.ends() {
        let text = "From now on it is listed as drifted again, and may be acted on.".to_owned();
        return ("heed it again".to_owned(), &[("Enter", "heed it"), ("Esc", "close, stays left alone")], vec![text]);
    }
    let until = app.now.saturating_add(form.lasting()).unwrap_or(app.now);
    let until = app.times.moment(until, app.now);
    let text = format!("Until {until} it is listed as ignored, and no plan acts on it. In its source nothing changes.");
    let keys = &[("Enter", "leave it alone"), ("Up Down", "longer, shorter"), ("Esc", "close")];
    (format!("leave it alone for {}", words(form.lasting())), keys, vec![text])
}

fn adopting(form: &DecisionForm) -> Words {
    if form.ends() {
        let text = "From now on it is listed as drifted again, and may be acted on.".to_owned();
        return (
            "no longer adopt it".to_owned(),
            &[("Enter", "take it back"), ("Esc", "close, stays adopted")],
            vec![text],
        );
    }
    let mut texts = vec![format!(
        "For as long as it differs as it does now it is listed as adopted, and no plan acts on it; {CHANGE_THERE}."
    )];
    if let Some(lacks) = form.known.finding.difference.lacks().filter(|lacks| *lacks > 0) {
        texts.push(format!("LOSES {} of what is wanted: they are not there.", grouped(lacks as u64)));
    }
    ("adopt what is there".to_owned(), &[("Enter", "adopt it"), ("Esc", "close, nothing is decided")], texts)
}
