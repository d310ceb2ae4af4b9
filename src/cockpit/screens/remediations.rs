//! The remediations: what waits for approval, what runs, what was done; and below or beside them the one under the
//! cursor.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::detail::paint;
use super::records::{self, below};
use super::remediation::about;
use crate::cockpit::app::App;
use crate::cockpit::command::CommandId;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::many::{Row, rows, words};
use crate::cockpit::popups::progress;
use crate::cockpit::records::at_remediations;
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::numbers::grouped;
use crate::cockpit::widgets::pen::{Pen, width};
use crate::cockpit::widgets::state;
use crate::domain::remediation::{ItemState, Remediation};
use crate::domain::time::{age, since};
use crate::domain::wide::{ItemCounts, WideRemediation, WideState};

/// From how many columns on the preview stands beside the list.
const WIDE: u16 = 120;

/// From how many columns on the list tells the counts in words.
const WORDS: u16 = 104;

/// Where the parts of the screen are.
pub(in crate::cockpit) struct Areas {
    heading: Rect,
    pub(in crate::cockpit) list: Rect,
    preview: Rect,
}

/// Places the parts.
pub(in crate::cockpit) fn areas(app: &App) -> Areas {
    let body = below(app);
    let (left, preview) = if body.width >= WIDE {
        let left = if body.width < 160 { body.width * 2 / 3 } else { body.width * 3 / 5 };
        (Rect { width: left, ..body }, Rect { x: body.x + left, width: body.width - left, ..body })
    } else {
        // What a short list leaves free is the preview's, and half of the screen is the list's.
        let wanted = u16::try_from(rows(app).len() + 1).unwrap_or(u16::MAX);
        let top = wanted.clamp(2, (body.height / 2).max(2)).min(body.height);
        (Rect { height: top, ..body }, Rect { y: body.y + top, height: body.height - top, ..body })
    };
    let heading = Rect { height: 1.min(left.height), ..left };
    Areas { heading, list: Rect { y: left.y + heading.height, height: left.height - heading.height, ..left }, preview }
}

/// Draws the screen.
pub(in crate::cockpit) fn draw(app: &App, pen: &mut Pen<'_>) {
    records::tabs(app, pen);
    if !at_remediations(app) {
        return records::draw(app, pen);
    }
    let whole = below(app);
    let rows = rows(app);
    if rows.is_empty() {
        if state::absent(pen, whole, &app.remediations.list, "the remediations", app.now) {
            return;
        }
        let verbs = app.keymap.label(CommandId::Verbs);
        pen.centre(whole, &format!("no remediation yet: {verbs} on marks or a cohort plans one"), pen.styles.dim);
        return;
    }
    let mut areas = areas(app);
    if let Some(why) = app.remediations.list.error() {
        // What is old, or was not had at all, is said above what there is.
        let text = format!("{} what is of many is not known: {why}", pen.glyphs.warn);
        pen.text(whole.x + 2, whole.y, areas.heading.width.saturating_sub(2), &text, pen.styles.stale);
        areas.heading.y += 1;
        areas.list.y += 1;
        areas.list.height = areas.list.height.saturating_sub(1);
    }
    let columns = Columns::of(areas.list.width);
    heading(pen, areas.heading, &columns);
    pen.hit(areas.list, Hit::Area(Place::Remediations));
    let height = usize::from(areas.list.height);
    let at = app.remediations.index.min(rows.len() - 1);
    let first = at.saturating_sub(height / 2).min(rows.len().saturating_sub(height));
    for (y, index) in (areas.list.top()..areas.list.bottom()).zip(first..) {
        let Some(row) = rows.get(index) else { break };
        let line = Rect { y, height: 1, ..areas.list };
        pen.hit(line, Hit::Row(Place::Remediations, index));
        if index == at {
            pen.style(line, pen.styles.selected);
            pen.text(line.x, y, 1, pen.glyphs.cursor, pen.styles.title);
        }
        match row {
            Row::Wide(head) => wide(app, pen, head, line, &columns),
            Row::Single(act) => single(app, pen, act, line, &columns),
        }
    }
    if let Some(row) = rows.get(at) {
        preview(app, pen, row, areas.preview);
    }
}

/// The widths of the columns; what does not fit is 0.
struct Columns {
    state: u16,
    what: u16,
    counts: u16,
    by: u16,
}

/// The columns of an age, with the gap before it.
const AGE: u16 = 5;

impl Columns {
    fn of(width: u16) -> Self {
        let state = if width >= 50 { 21 } else { 2 };
        let by = if width >= 90 { 9 } else { 0 };
        let counts = match width {
            WORDS.. => 34,
            70.. => 17,
            _ => 0,
        };
        Self { state, counts, by, what: width.saturating_sub(2 + state + counts + by + AGE + 1) }
    }
}

fn heading(pen: &mut Pen<'_>, area: Rect, columns: &Columns) {
    let style = pen.styles.heading;
    let mut x = area.x + 2;
    for (title, wide) in
        [("STATE", columns.state), ("WHAT", columns.what), ("ITEMS", columns.counts), ("BY", columns.by)]
    {
        pen.text(x, area.y, wide.saturating_sub(1), title, style);
        x += wide;
    }
    pen.right(x, area.y, AGE.min(area.right().saturating_sub(x)), "AGE", style);
}

/// The style of a state.
pub(in crate::cockpit) const fn style(styles: &Styles, state: WideState) -> Style {
    match state {
        WideState::AwaitingApproval => styles.warning,
        WideState::Approved => styles.suggest,
        WideState::Running | WideState::Verifying => styles.info,
        WideState::Held => styles.held,
        WideState::Succeeded => styles.ok,
        WideState::Partial => styles.suspect,
        WideState::Failed | WideState::Aborted | WideState::Rejected => styles.failed,
        WideState::Expired | WideState::Stale | WideState::RolledBack => styles.dim,
        WideState::Unknown => styles.unknown,
    }
}

/// `40✓ 2✗ 256◌`: the counts where there is no room for their words.
fn signs(pen: &Pen<'_>, counts: &ItemCounts) -> String {
    let waits = [ItemState::Pending, ItemState::Accepted, ItemState::Done];
    let open: u64 = waits.into_iter().map(|state| counts.get(state)).sum();
    let ended = [ItemState::Verified, ItemState::Failed, ItemState::Unknown, ItemState::Skipped];
    let mut parts: Vec<String> = ended
        .into_iter()
        .filter(|state| counts.get(*state) > 0)
        .map(|state| format!("{}{}", grouped(counts.get(state)), pen.glyphs.item(state)))
        .collect();
    if open > 0 {
        parts.push(format!("{}{}", grouped(open), pen.glyphs.busy));
    }
    parts.join(" ")
}

fn wide(app: &App, pen: &mut Pen<'_>, head: &WideRemediation, area: Rect, columns: &Columns) {
    let styles = pen.styles;
    let counts =
        if columns.counts > 20 { words::counts(&head.counts, pen.glyphs.part) } else { signs(pen, &head.counts) };
    // Those that can't be told in words are told in signs, so that none of them is cut off.
    let counts = if width(&counts) >= usize::from(columns.counts) { signs(pen, &head.counts) } else { counts };
    let cells = [
        (format!("{} {}", pen.glyphs.wide(head.state), head.state.words()), style(styles, head.state)),
        (words::what(&head.plan), styles.strong),
        (counts, styles.text),
        (head.requested_by.to_string(), styles.dim),
    ];
    line(app, pen, &cells, head.requested_at, area, columns);
}

fn single(app: &App, pen: &mut Pen<'_>, act: &Remediation, area: Rect, columns: &Columns) {
    let styles = pen.styles;
    let cells = [
        (format!("{} {}", pen.glyphs.item(act.item), act.item.name()), progress::style(styles, act.item)),
        (format!("{} {}", act.plan.verb.label(), act.plan.target), styles.text),
        ("one act".to_owned(), styles.dim),
        (act.requested_by.to_string(), styles.dim),
    ];
    line(app, pen, &cells, act.requested_at, area, columns);
}

fn line(
    app: &App,
    pen: &mut Pen<'_>,
    cells: &[(String, Style); 4],
    at: jiff::Timestamp,
    area: Rect,
    columns: &Columns,
) {
    let mut x = area.x + 2;
    for ((text, style), wide) in cells.iter().zip([columns.state, columns.what, columns.counts, columns.by]) {
        pen.text(x, area.y, wide.saturating_sub(1), text, *style);
        x += wide;
    }
    let old = age(since(at, app.now));
    pen.right(x, area.y, AGE.min(area.right().saturating_sub(x)), &old, pen.styles.dim);
}

/// What is under the cursor, with a rule on its left or above.
fn preview(app: &App, pen: &mut Pen<'_>, row: Row<'_>, area: Rect) {
    if area.height < 2 || area.width < 8 {
        return;
    }
    let inner = if area.x > 0 {
        for y in area.top()..area.bottom() {
            pen.text(area.x, y, 1, pen.glyphs.bar, pen.styles.rule);
        }
        Rect { x: area.x + 2, width: area.width - 3, ..area }
    } else {
        let id = Span::styled(row.id().to_string(), pen.styles.dim);
        pen.rule(Rect { height: 1, ..area }, &[id]);
        Rect { x: area.x + 2, y: area.y + 1, width: area.width - 3, height: area.height - 1 }
    };
    let block = match row {
        Row::Wide(head) => about(app, pen.styles, head, usize::from(inner.width)),
        Row::Single(act) => progress::told(app, pen.styles, act, usize::from(inner.width)),
    };
    paint(pen, inner, &block, 0);
}
