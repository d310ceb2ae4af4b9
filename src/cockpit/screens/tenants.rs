//! Tenants: who was found, by what, and who is hurt.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::body;
use crate::cockpit::app::{App, PromptKind};
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::numbers::{grouped, plural};
use crate::cockpit::widgets::pen::Pen;
use crate::cockpit::widgets::state;
use crate::domain::tenant::TenantStatus;
use crate::ops::TenantRow;

/// Where the parts of the screen are.
pub(in crate::cockpit) struct Areas {
    notes: Rect,
    heading: Rect,
    pub(in crate::cockpit) list: Rect,
}

/// Places the parts.
pub(in crate::cockpit) fn areas(app: &App) -> Areas {
    let whole = body(app);
    let silent = app.tenants.window.value().map_or(0, |window| window.blind.len());
    let notes = u16::try_from(1 + silent).unwrap_or(u16::MAX).min(whole.height / 4).max(1).min(whole.height);
    let notes = Rect { height: notes, ..whole };
    let heading = Rect { y: notes.bottom(), height: 1.min(whole.height - notes.height), ..whole };
    let list = Rect { y: heading.bottom(), height: whole.bottom().saturating_sub(heading.bottom()), ..whole };
    Areas { notes, heading, list }
}

/// What is to be known of the whole, in one line.
fn summary(app: &App) -> String {
    let Some(window) = app.tenants.window.value() else { return String::new() };
    let looked = if app.tenants.found_by.is_empty() {
        plural(window.known as u64, "tenant")
    } else {
        format!("{} of {}", grouped(window.total as u64), plural(window.known as u64, "tenant"))
    };
    let by_status: Vec<String> =
        window.by_status.iter().map(|(status, count)| format!("{} {}", grouped(*count), status.name())).collect();
    if window.sources == 0 {
        return format!("{looked}, as others name them: no source of this context is a directory");
    }
    format!("{looked}: {}", by_status.join(", "))
}

/// Draws the list.
pub(in crate::cockpit) fn draw(app: &App, pen: &mut Pen<'_>) {
    let areas = areas(app);
    let whole = body(app);
    if state::absent(pen, whole, &app.tenants.window, "the tenants", app.now) {
        return;
    }
    let Some(window) = app.tenants.window.value() else { return };
    let inner = |area: Rect| Rect { x: area.x + 2, width: area.width.saturating_sub(2), ..area };
    let notes = inner(areas.notes);
    pen.text(notes.x, notes.y, notes.width, &summary(app), pen.styles.dim);
    for (y, (source, why)) in (notes.top() + 1..notes.bottom()).zip(&window.blind) {
        let text = format!("{} {source} is silent: {why}", pen.glyphs.warn);
        pen.text(notes.x, y, notes.width, &text, pen.styles.stale);
    }
    if window.rows.is_empty() {
        let typing = app.prompt.as_ref().is_some_and(|prompt| matches!(prompt.kind, PromptKind::Tenant { .. }));
        let text = match (app.tenants.found_by.is_empty(), typing) {
            (true, _) => "no tenants are known yet",
            (false, true) => "nobody is known by that: an id, a name, a domain, an address, in whole or begun",
            (false, false) => "nobody is known by that",
        };
        pen.centre(
            Rect { y: areas.notes.bottom(), height: whole.height - areas.notes.height, ..whole },
            text,
            pen.styles.dim,
        );
        return;
    }
    let columns = columns(areas.list.width);
    let mut x = areas.heading.x + 2;
    for (title, wide) in &columns {
        pen.text(x, areas.heading.y, wide.saturating_sub(1), title, pen.styles.heading);
        x += wide;
    }
    pen.hit(areas.list, Hit::Area(Place::Tenants));
    let height = usize::from(areas.list.height);
    let first = app.tenants.index.saturating_sub(height / 2).min(window.total.saturating_sub(height));
    for (y, index) in (areas.list.top()..areas.list.bottom()).zip(first..) {
        let Some(row) = app.tenants.at(index) else { break };
        let line = Rect { y, height: 1, ..areas.list };
        pen.hit(line, Hit::Row(Place::Tenants, index));
        if index == app.tenants.index {
            pen.style(line, pen.styles.selected);
            pen.text(line.x, y, 1, pen.glyphs.cursor, pen.styles.title);
        }
        let mut x = line.x + 2;
        for ((text, style), (_, wide)) in cells(pen, row).into_iter().zip(&columns) {
            pen.text(x, y, wide.saturating_sub(1), &text, style);
            x += wide;
        }
    }
}

/// The columns and their widths; what does not fit is 0.
fn columns(width: u16) -> [(&'static str, u16); 9] {
    let id = if width >= 140 { 26 } else { 16 };
    let (plan, tier) = if width >= 90 { (11, 9) } else { (0, 8) };
    let region = if width >= 100 { 13 } else { 0 };
    let found = if width >= 110 { 15 } else { 0 };
    let fixed = 2 + id + 13 + plan + tier + region + 7 + 7 + found;
    [
        ("NAME", width.saturating_sub(fixed)),
        ("ID", id),
        ("STATUS", 13),
        ("PLAN", plan),
        ("TIER", tier),
        ("REGION", region),
        ("STUCK", 7),
        ("DRIFT", 7),
        ("FOUND BY", found),
    ]
}

/// How a status looks, and its sign.
pub(super) fn status_style(styles: &Styles, status: TenantStatus) -> Style {
    match status {
        TenantStatus::Active => styles.ok,
        TenantStatus::Provisioning | TenantStatus::Deleting => styles.info,
        TenantStatus::Degraded => styles.warning,
        TenantStatus::Suspended => styles.suspect,
        TenantStatus::Deleted => styles.dim,
        TenantStatus::Unknown => styles.unknown,
    }
}

fn cells(pen: &Pen<'_>, row: &TenantRow) -> [(String, Style); 9] {
    let (styles, tenant) = (pen.styles, &row.tenant);
    let maybe = |text: &Option<crate::domain::text::SafeText>| text.as_deref().unwrap_or("?").to_owned();
    let count = |n: u64, style: Style| if n == 0 { ("0".to_owned(), styles.faint) } else { (grouped(n), style) };
    let name = if row.listed { tenant.name.to_string() } else { format!("{} (named by others)", tenant.name) };
    [
        (name, styles.strong),
        (tenant.id.instance.to_string(), styles.text),
        (tenant.status.name().to_owned(), status_style(styles, tenant.status)),
        (maybe(&tenant.plan), styles.text),
        (maybe(&tenant.tier), styles.text),
        (maybe(&tenant.region), styles.dim),
        count(row.stuck, styles.stuck),
        count(row.drift, styles.warning),
        (row.found_by.as_ref().map(crate::domain::tenant::FoundBy::words).unwrap_or_default(), styles.dim),
    ]
}
