//! What changed before a cohort got stuck, ranked by what speaks for it; and the drift that its tenants share.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::{inside, place};
use crate::cockpit::app::{App, SuspectsLook};
use crate::cockpit::remote::Remote;
use crate::cockpit::screens::detail::{Block, labelled};
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::numbers::plural;
use crate::cockpit::widgets::pen::{Pen, wrap};
use crate::domain::correlation::{Certainty, Suspect};
use crate::domain::text::SafeText;
use crate::domain::time::{age, since};
use crate::ops::CohortSuspects;

/// How wide it is at most, and in how many columns the texts of a suspect begin.
const WIDE: u16 = 110;
const INDENT: usize = 4;

/// Draws the box around it.
pub(super) fn frame(app: &App, pen: &mut Pen<'_>, look: &SuspectsLook) {
    let area = area(app, pen.styles, look).0;
    let title = format!("near {} {} {}", look.cohort.flow, pen.glyphs.step, look.cohort.step);
    super::frame(pen, area, &title, &[("Esc", "close")], pen.styles.popup_border);
}

fn area(app: &App, styles: &Styles, look: &SuspectsLook) -> (Rect, Block) {
    let columns = usize::from(inside(place(app, WIDE, 40)).width);
    let mut block = Block::default();
    match &look.answer {
        Remote::Never | Remote::Loading(_) => {
            labelled(&mut block, styles, "", "looking at what changed", styles.info, columns);
        }
        Remote::Failed(error) | Remote::Stale { error, .. } => {
            labelled(&mut block, styles, "", &error.to_string(), styles.error_text, columns);
        }
        Remote::Fresh { value, .. } => told(app, styles, value, columns, &mut block),
    }
    let lines = u16::try_from(block.len()).unwrap_or(u16::MAX);
    (place(app, WIDE, lines.saturating_add(2)), block)
}

fn told(app: &App, styles: &Styles, answer: &CohortSuspects, columns: usize, block: &mut Block) {
    let CohortSuspects { suspects, drift, .. } = answer;
    if let Some(onset) = suspects.onset {
        let ago = age(since(onset, app.now));
        let of = plural(suspects.considered as u64, "change");
        let text = format!("{}, {ago} ago; {of} in the 6 hours before", app.times.second(onset));
        labelled(block, styles, "onset", &text, styles.text, columns);
    }
    let style = if suspects.first().is_some() { styles.suspect } else { styles.dim };
    labelled(block, styles, "cause", suspects.verdict(), style, columns);
    for text in &suspects.unknown {
        labelled(block, styles, "but", text, styles.stale, columns);
    }
    if !suspects.ranked.is_empty() {
        block.push(Vec::new());
    }
    for (n, suspect) in suspects.ranked.iter().enumerate() {
        one(app, styles, n + 1, suspect, columns, block);
    }
    block.push(Vec::new());
    for shared in drift {
        labelled(block, styles, "drift", &shared.words(), styles.text, columns);
    }
    for (source, why) in &answer.drift_blind {
        labelled(block, styles, "drift", &format!("{source} is silent: {why}"), styles.stale, columns);
    }
    if drift.is_empty() && answer.drift_blind.is_empty() {
        let text = match answer.drift_sources {
            0 => "no source tells of drift",
            _ => "its tenants share none, as far as it was checked",
        };
        labelled(block, styles, "drift", text, styles.dim, columns);
    }
}

fn one(app: &App, styles: &Styles, number: usize, suspect: &Suspect, columns: usize, block: &mut Block) {
    let Suspect { event, certainty, evidence, .. } = suspect;
    let style = match certainty {
        Certainty::Likely => styles.suspect,
        Certainty::Possible => styles.text,
        Certainty::TimeAlone | Certainty::Unlikely => styles.dim,
    };
    let by = event.by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default();
    let head = format!("{}{by}  ({}, {})", event.text, app.times.second(event.at), event.source);
    let indented = |text: &str, style: Style, first: String, block: &mut Block| {
        for (at, line) in wrap(text, columns.saturating_sub(INDENT)).into_iter().enumerate() {
            let before = if at == 0 { first.clone() } else { String::new() };
            block.push(vec![Span::styled(format!("{before:<INDENT$}"), styles.faint), Span::styled(line, style)]);
        }
    };
    indented(&head, style, format!("{number}"), block);
    let evidence: Vec<&str> = evidence.iter().map(SafeText::as_str).collect();
    let words = format!("{}: {}", certainty.words(), evidence.join("; "));
    indented(&words, styles.dim, String::new(), block);
}

/// What it says, and where.
pub(super) fn content(app: &App, styles: &Styles, look: &SuspectsLook) -> (Block, Rect) {
    let (area, block) = area(app, styles, look);
    (block, inside(area))
}
