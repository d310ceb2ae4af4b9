//! What has drifted: the list of it, and one finding with what differs.

use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;

use super::detail::{Block, labelled, paint_part};
use super::{body, filter_line};
use crate::cockpit::app::{App, PromptKind};
use crate::cockpit::drift::Differing;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::numbers::{grouped, plural};
use crate::cockpit::widgets::pen::{Pen, fit};
use crate::cockpit::widgets::state;
use crate::domain::decided::CHANGE_THERE;
use crate::domain::difference::{DiffLine, Side};
use crate::domain::drift::{DriftStatus, KnownDrift, Severity};
use crate::domain::time::{age, since};
use crate::ops::DriftCause;

/// A line of a text.
type Line = Vec<Span<'static>>;

/// From how many columns on what differs stands side by side.
const BESIDE: usize = 100;

/// Where the parts of the list's screen are.
pub(in crate::cockpit) struct Areas {
    filter: Rect,
    notes: Rect,
    heading: Rect,
    pub(in crate::cockpit) list: Rect,
    preview: Rect,
}

/// Places the parts.
pub(in crate::cockpit) fn areas(app: &App) -> Areas {
    let whole = body(app);
    let filter = Rect { height: 1.min(whole.height), ..whole };
    let height = u16::try_from(notes(app).len()).unwrap_or(u16::MAX).min(whole.height / 4);
    let notes = Rect { y: filter.bottom(), height, ..whole };
    let rest = Rect { y: notes.bottom(), height: whole.bottom().saturating_sub(notes.bottom()), ..whole };
    let wanted = u16::try_from(app.drift.total() + 1).unwrap_or(u16::MAX);
    let top = wanted.clamp(2, (rest.height / 2).max(2)).min(rest.height);
    let heading = Rect { height: 1.min(top), ..rest };
    let list = Rect { y: rest.y + heading.height, height: top - heading.height, ..rest };
    Areas { filter, notes, heading, list, preview: Rect { y: rest.y + top, height: rest.height - top, ..rest } }
}

/// What is to be known of the whole, a line each: how much stands where, and who is silent.
fn notes(app: &App) -> Vec<(String, bool)> {
    let Some(window) = app.drift.window.value() else { return Vec::new() };
    let counts = window.by_status.iter().map(|(status, count)| format!("{} {}", grouped(*count), status.words()));
    let counts: Vec<String> = counts.chain([window.in_sync_told(grouped)]).collect();
    let how = if app.drift.by_cause { "by cause" } else { "each by itself" };
    let mut notes = vec![(format!("{} · {how}", counts.join(" · ")), false)];
    notes.extend(window.blind.iter().map(|(source, why)| (format!("{source} is silent: {why}"), true)));
    notes
}

/// The filter, or what is typed of it; on its right how many findings match.
fn filter(app: &App, pen: &mut Pen<'_>, area: Rect) -> Option<Position> {
    let inner = Rect { x: area.x + 2, width: area.width.saturating_sub(4), ..area };
    let told = app.drift.window.value().map_or_else(String::new, |window| {
        let matching: u64 = window.by_status.values().sum();
        match (app.drift.filter.is_empty(), window.of_all) {
            (true, _) => plural(matching, "finding"),
            (false, all) => format!("{} of {}", grouped(matching), plural(all as u64, "finding")),
        }
    });
    pen.right(inner.x, inner.y, inner.width, &told, pen.styles.dim);
    let room = inner.width.saturating_sub(u16::try_from(told.len() + 2).unwrap_or(u16::MAX));
    let typing = app.prompt.as_ref().filter(|prompt| matches!(prompt.kind, PromptKind::Drift { .. }));
    filter_line(pen, Rect { width: room, ..inner }, typing, &app.drift.text, app.drift.error.as_ref())
}

/// Draws the list, and tells where the text cursor is.
pub(in crate::cockpit) fn draw(app: &App, pen: &mut Pen<'_>) -> Option<Position> {
    let areas = areas(app);
    let whole = body(app);
    let cursor = filter(app, pen, areas.filter);
    let below = Rect { y: areas.filter.bottom(), height: whole.height - areas.filter.height, ..whole };
    if state::absent(pen, below, &app.drift.window, "the drift", app.now) {
        return cursor;
    }
    for (y, (text, silent)) in (areas.notes.top()..areas.notes.bottom()).zip(notes(app)) {
        let (text, style) = if silent {
            (format!("{} {text}", pen.glyphs.warn), pen.styles.stale)
        } else {
            (text.replace('·', pen.glyphs.part), pen.styles.dim)
        };
        pen.text(areas.notes.x + 2, y, areas.notes.width.saturating_sub(2), &text, style);
    }
    let rest = Rect { y: areas.notes.bottom(), height: whole.bottom().saturating_sub(areas.notes.bottom()), ..whole };
    let Some(window) = app.drift.window.value() else { return cursor };
    if window.total == 0 {
        let text = match (window.sources, window.blind.len()) {
            _ if window.of_all > 0 && !app.drift.filter.is_empty() => "nothing that drifts matches",
            (0, _) => "no source of this context tells of drift",
            (all, blind) if all == blind => "nothing is known: no source that tells of drift has answered",
            _ => "nothing has drifted, as far as it was checked",
        };
        pen.centre(rest, text, pen.styles.dim);
        return cursor;
    }
    let columns = columns(areas.list.width, app.drift.by_cause);
    let mut x = areas.heading.x + 2;
    for (title, wide) in &columns {
        pen.text(x, areas.heading.y, wide.saturating_sub(1), title, pen.styles.heading);
        x += wide;
    }
    pen.hit(areas.list, Hit::Area(Place::Drift));
    let height = usize::from(areas.list.height);
    let first = app.drift.index.saturating_sub(height / 2).min(window.total.saturating_sub(height));
    for (y, index) in (areas.list.top()..areas.list.bottom()).zip(first..) {
        let Some(row) = app.drift.at(index) else { break };
        let line = Rect { y, height: 1, ..areas.list };
        pen.hit(line, Hit::Row(Place::Drift, index));
        if index == app.drift.index {
            pen.style(line, pen.styles.selected);
            pen.text(line.x, y, 1, pen.glyphs.cursor, pen.styles.title);
        }
        let mut x = line.x + 2;
        for ((text, style), (_, wide)) in cells(app, pen, row).into_iter().zip(&columns) {
            pen.text(x, y, wide.saturating_sub(1), &text, style);
            x += wide;
        }
    }
    preview(app, pen, areas.preview);
    cursor
}

/// The columns and their widths; what does not fit is 0.
fn columns(width: u16, by_cause: bool) -> [(&'static str, u16); 9] {
    let count = if by_cause { 7 } else { 0 };
    let severity = if width >= 70 { 10 } else { 0 };
    let (scope, tenant) = if width >= 100 {
        (18, 14)
    } else if width >= 60 {
        (14, 0)
    } else {
        (0, 0)
    };
    let owner = if width >= 120 { 15 } else { 0 };
    let checked = if width >= 90 { 13 } else { 0 };
    let fixed = 2 + 14 + count + severity + scope + tenant + owner + 7 + checked;
    [
        ("STATUS", 14),
        ("COUNT", count),
        ("SEVERITY", severity),
        ("WHAT", width.saturating_sub(fixed)),
        ("WHERE", scope),
        ("TENANT", tenant),
        ("OWNER", owner),
        ("SINCE", 7),
        ("CHECKED", checked),
    ]
}

fn status_style(styles: &Styles, status: DriftStatus) -> Style {
    match status {
        DriftStatus::Drifted => styles.stuck,
        DriftStatus::Reconciling | DriftStatus::Adopted => styles.info,
        DriftStatus::NotChecked | DriftStatus::Unsupported | DriftStatus::Unknown => styles.unknown,
        DriftStatus::Ignored => styles.dim,
        DriftStatus::Resolved | DriftStatus::InSync => styles.ok,
    }
}

fn severity_style(styles: &Styles, severity: Severity) -> Style {
    match severity {
        Severity::Critical => styles.failed,
        Severity::Warning => styles.warning,
        Severity::Info => styles.text,
        Severity::Unknown => styles.unknown,
    }
}

/// A sign for where it stands, so that it is not told by colour alone.
fn sign(pen: &Pen<'_>, status: DriftStatus) -> &'static str {
    match status {
        DriftStatus::Drifted => pen.glyphs.bad,
        DriftStatus::Reconciling => pen.glyphs.busy,
        DriftStatus::NotChecked | DriftStatus::Unsupported | DriftStatus::Unknown => "?",
        DriftStatus::Ignored | DriftStatus::Adopted => pen.glyphs.dot,
        DriftStatus::Resolved | DriftStatus::InSync => pen.glyphs.item(crate::domain::remediation::ItemState::Verified),
    }
}

fn checked(app: &App, known: &KnownDrift) -> String {
    let Some(at) = known.finding.last_checked else { return "never".to_owned() };
    let old = age(since(at, app.now));
    if known.stale { format!("{old} stale") } else { old }
}

fn cells(app: &App, pen: &Pen<'_>, row: &DriftCause) -> [(String, Style); 9] {
    let styles = pen.styles;
    let finding = &row.first.finding;
    let status = row.first.status(app.now);
    let scope = if row.scopes > 1 { plural(row.scopes, "place") } else { finding.scope.to_string() };
    let tenant = match (row.tenants, &finding.tenant) {
        (2.., _) => plural(row.tenants, "tenant"),
        (_, Some(tenant)) => tenant.to_string(),
        (_, None) => "?".to_owned(),
    };
    // What is as wanted again is so for as long as its source says so.
    let (sign, style) = if row.first.stale && status.is_green() {
        (pen.glyphs.blind, styles.stale)
    } else {
        (sign(pen, status), status_style(styles, status))
    };
    [
        (format!("{sign} {}", status.words()), style),
        (grouped(row.count), styles.strong),
        (row.first.severity.name().to_owned(), severity_style(styles, row.first.severity)),
        (format!("{} ({})", finding.what, finding.kind.words()), styles.text),
        (scope, styles.text),
        (tenant, styles.dim),
        (row.first.owner.as_deref().unwrap_or("?").to_owned(), styles.dim),
        (age(since(row.first.began(), app.now)), styles.text),
        (checked(app, &row.first), if row.first.stale { styles.stale } else { styles.dim }),
    ]
}

/// What is under the cursor, with a rule above it.
fn preview(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let Some(row) = app.drift.row().filter(|_| area.height >= 2) else { return };
    let title = Span::styled(row.first.finding.id.to_string(), pen.styles.dim);
    pen.rule(Rect { height: 1, ..area }, &[title]);
    let inner = Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(3), height: area.height - 1 };
    about(app, pen, inner, &row.first, 0);
}

/// Draws the finding that is open.
pub(in crate::cockpit) fn draw_finding(app: &App, pen: &mut Pen<'_>) {
    let area = body(app);
    let Some(known) = &app.drift.open else { return };
    let inner = Rect { x: area.x + 2, width: area.width.saturating_sub(3), ..area };
    about(app, pen, inner, known, app.drift.scroll);
}

/// How many lines the open finding has, and how many are in sight.
pub(in crate::cockpit) fn extent(app: &App) -> (usize, usize) {
    let area = body(app);
    let Some(known) = &app.drift.open else { return (0, 1) };
    let columns = usize::from(area.width.saturating_sub(3));
    let rows = rows(app, known, columns);
    (facts(app, &Styles::default(), known, columns).len() + 1 + rows, usize::from(area.height))
}

fn is_beside(app: &App, columns: usize) -> bool {
    app.drift.beside && columns >= BESIDE
}

/// How many lines tell what differs; side by side there is a heading.
fn rows(app: &App, known: &KnownDrift, columns: usize) -> usize {
    let differing = app.drift.differing(&known.finding.id);
    differing.map_or(0, |all| if is_beside(app, columns) { all.rows() + 1 } else { all.lines().len() })
}

/// What is known of a finding and what differs, from a line on. Only what is in sight is made.
fn about(app: &App, pen: &mut Pen<'_>, area: Rect, known: &KnownDrift, scroll: usize) {
    let columns = usize::from(area.width);
    let mut facts = facts(app, pen.styles, known, columns);
    facts.gap();
    let (told, height) = (facts.len(), usize::from(area.height));
    let total = told + rows(app, known, columns);
    let first = scroll.min(total.saturating_sub(height));
    let last = total.min(first + height);
    let mut lines: Vec<Line> = facts.into_lines().into_iter().skip(first).take(height).collect();
    if let Some(differing) = app.drift.differing(&known.finding.id) {
        let part = first.saturating_sub(told)..last.saturating_sub(told);
        let line = |at: usize| {
            if is_beside(app, columns) {
                beside(pen, differing, at, columns)
            } else {
                unified(pen, differing, at, columns)
            }
        };
        #[cfg(test)]
        MADE.with(|made| made.set(made.get() + part.len()));
        lines.extend(part.filter_map(line));
    }
    paint_part(pen, area, lines.iter(), first, total - last);
}

/// A line of what differs, as a patch tells it.
fn unified(pen: &Pen<'_>, differing: &Differing, at: usize, columns: usize) -> Option<Line> {
    let line = differing.lines().get(at)?;
    let text = format!("{}{}", line.side.sign(), line.text);
    Some(vec![Span::styled(fit(&text, columns, pen.glyphs.ellipsis).into_owned(), style(pen.styles, line.side))])
}

const fn style(styles: &Styles, side: Side) -> Style {
    match side {
        Side::Both => styles.dim,
        Side::There => styles.failed,
        Side::Wanted => styles.ok,
        Side::Note => styles.info,
    }
}

/// A line with what is wanted on the left, and what is there on the right; the first one is the heading.
fn beside(pen: &Pen<'_>, differing: &Differing, at: usize, columns: usize) -> Option<Line> {
    let half = (columns.saturating_sub(3)) / 2;
    let styles = pen.styles;
    let Some(row) = at.checked_sub(1) else {
        let head = |text: &str| Span::styled(format!("{text:<half$}"), styles.heading);
        return Some(vec![head("wanted"), Span::raw("   "), Span::styled("there", styles.heading)]);
    };
    let cell = |line: Option<&DiffLine>| {
        let (text, style) = match line {
            Some(line) => (format!("{}{}", line.side.sign(), line.text), style(styles, line.side)),
            None => (String::new(), styles.dim),
        };
        let text = fit(&text, half, pen.glyphs.ellipsis).into_owned();
        let gap = half.saturating_sub(crate::cockpit::widgets::pen::width(&text));
        Span::styled(format!("{text}{}", " ".repeat(gap)), style)
    };
    let (wanted, there) = differing.pair(row)?;
    let mut right = cell(there);
    right.content = right.content.trim_end().to_owned().into();
    Some(vec![cell(wanted), Span::styled(format!(" {} ", pen.glyphs.bar), styles.rule), right])
}

fn facts(app: &App, styles: &Styles, known: &KnownDrift, columns: usize) -> Block {
    let mut block = Block::default();
    let finding = &known.finding;
    let status = known.status(app.now);
    let mut fact = |label: &str, text: &str, style: Style| labelled(&mut block, styles, label, text, style, columns);
    let standing = format!("{}, {}, severity {}", status.words(), finding.kind.words(), known.severity.name());
    fact("status", &standing, status_style(styles, status));
    if let Some(ignore) = &known.ignore {
        let until = app.times.moment(ignore.until, app.now);
        fact("ignored", &format!("until {until}, says {}: {}", ignore.by, ignore.reason), styles.info);
    }
    if let Some(adoption) = &known.adoption {
        let at = app.times.moment(adoption.at, app.now);
        let rest = if known.adopted().is_some() { CHANGE_THERE } else { "it differs otherwise by now" };
        fact("adopted", &format!("{at}, says {}: {}; {rest}", adoption.by, adoption.reason), styles.info);
    }
    fact("what", &finding.what, styles.strong);
    fact("where", &finding.scope, styles.text);
    fact("tenant", finding.tenant.as_deref().unwrap_or("?"), styles.text);
    if let Some(note) = &finding.note {
        fact("note", note, styles.text);
    }
    if let Some(owner) = &known.owner {
        fact("owner", owner, styles.text);
    }
    let told = |at| format!("{}, {} ago", app.times.moment(at, app.now), age(since(at, app.now)));
    let mut began = told(known.began());
    if known.began() < known.first_seen {
        began = format!("{began}; first seen here {}", told(known.first_seen));
    }
    fact("since", &began, styles.text);
    match finding.last_checked {
        None => fact("checked", "never", styles.unknown),
        Some(at) => {
            let stale = if known.stale { ": too old to be acted on, check it anew first" } else { "" };
            let text = format!("{}, {} ago{stale}", app.times.moment(at, app.now), age(since(at, app.now)));
            fact("checked", &text, if known.stale { styles.stale } else { styles.text });
        }
    }
    if let Some(reference) = &finding.desired.reference {
        fact("wanted by", reference, styles.text);
    }
    if let Some(removes) = known.loses() {
        let text = format!("{} of what is there, if it is made what is wanted", grouped(removes as u64));
        fact("loses", &text, styles.warning);
    }
    block
}

#[cfg(test)]
thread_local! {
    /// How many lines of differences were made to be drawn.
    static MADE: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// How many lines of differences were made to be drawn by this test.
#[cfg(test)]
pub(in crate::cockpit) fn made() -> usize {
    MADE.get()
}
