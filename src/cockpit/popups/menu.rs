//! The menus of the list, and the saved views with their counts.

use ratatui::layout::Rect;

use super::{frame, inside, place};
use crate::cockpit::app::App;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::menus::Menu;
use crate::cockpit::remote::Remote;
use crate::cockpit::views::View;
use crate::cockpit::widgets::numbers::{engines, grouped};
use crate::cockpit::widgets::pen::{Pen, width};
use crate::domain::source::{Freshness, SourceStatus};
use crate::domain::text::SafeText;
use crate::ops::FlowCount;

/// A line of a list, by its index, and whether the cursor is on it.
fn line(pen: &mut Pen<'_>, inner: Rect, y: u16, index: usize, here: bool) {
    let row = Rect { y, height: 1, x: inner.x.saturating_sub(1), width: inner.width + 2 };
    pen.hit(row, Hit::Row(Place::Popup, index));
    if here {
        pen.style(row, pen.styles.selected);
        pen.text(row.x, y, 1, pen.glyphs.cursor, pen.styles.title);
    }
}

/// The first entry to show so that the cursor is on screen.
fn first(index: usize, rows: u16) -> usize {
    (index + 1).saturating_sub(usize::from(rows.max(1)))
}

/// Draws a menu.
pub(super) fn menu(app: &App, pen: &mut Pen<'_>, menu: Menu, index: usize) {
    let entries = menu.entries(app);
    let columns = if menu == Menu::Sort { 64 } else { 36 };
    let area = place(app, columns, u16::try_from(entries.len() + 2).unwrap_or(20));
    let keys: &[(&str, &str)] = match menu {
        Menu::Sort => &[("Enter", "choose; again: turn round"), ("Esc", "close")],
        Menu::Group => &[("Enter", "choose"), ("Esc", "close")],
    };
    frame(pen, area, menu.title(), keys, pen.styles.popup_border);
    let inner = inside(area);
    pen.hit(inner, Hit::Area(Place::Popup));
    let from = first(index, inner.height);
    for (y, (at, entry)) in (inner.top()..inner.bottom()).zip(entries.iter().enumerate().skip(from)) {
        line(pen, inner, y, at, at == index);
        pen.text(inner.x + 1, y, 1, entry.key.encode_utf8(&mut [0; 4]), pen.styles.key);
        let style = if entry.now { pen.styles.strong } else { pen.styles.text };
        pen.text(inner.x + 4, y, 10, entry.name, style);
        let order = pen.glyphs.order[usize::from(app.flows.reverse)];
        let now = match menu {
            Menu::Sort if entry.now => format!("{} (now {order})", entry.doc),
            Menu::Group if entry.now => format!("{} (now)", entry.doc),
            _ => entry.doc.to_owned(),
        };
        pen.text(inner.x + 15, y, inner.width.saturating_sub(15), now.trim(), pen.styles.dim);
    }
}

/// Draws the views.
pub(super) fn views(app: &App, pen: &mut Pen<'_>, views: &[View], index: usize, counts: &Remote<Vec<FlowCount>>) {
    let area = place(app, 92, u16::try_from(views.len() + 4).unwrap_or(40));
    let keys = [("Enter", "open"), ("1-9", "open"), ("Esc", "close"), (":view save NAME", "keeps the present list")];
    frame(pen, area, "views", &keys, pen.styles.popup_border);
    let inner = inside(area);
    if inner.height == 0 {
        return;
    }
    let heading = pen.styles.heading;
    let name = views.iter().map(|view| width(&view.name)).max().unwrap_or(0).clamp(8, 24);
    let name = u16::try_from(name).unwrap_or(24);
    let at = inner.x + 4 + name;
    pen.text(inner.x + 4, inner.y, name, "VIEW", heading);
    pen.right(at, inner.y, 9, "STUCK", heading);
    pen.right(at + 9, inner.y, 10, "MATCHES", heading);
    pen.text(at + 21, inner.y, inner.right().saturating_sub(at + 21), "FILTER", heading);
    // What a silent source has is not known, and may be more.
    let overview = app.overview.value();
    let live = |source: &SourceStatus| source.state == Freshness::Live;
    let silent = overview.is_none_or(|overview| !engines(overview).all(live));
    let all_silent = overview.is_some_and(|overview| !engines(overview).any(live));
    let number = |known: Option<u64>| match known {
        None => "?".to_owned(),
        Some(_) if all_silent => "?".to_owned(),
        Some(known) if silent => format!("{}+?", grouped(known)),
        Some(known) => grouped(known),
    };
    let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(2), ..inner };
    pen.hit(list, Hit::Area(Place::Popup));
    let from = first(index, list.height);
    for (y, (n, view)) in (list.top()..list.bottom()).zip(views.iter().enumerate().skip(from)) {
        line(pen, list, y, n, n == index);
        if n < 9 {
            pen.text(list.x + 1, y, 1, &(n + 1).to_string(), pen.styles.key);
        }
        pen.text(list.x + 4, y, name, &view.name, pen.styles.strong);
        let count = counts.value().and_then(|counts| counts.get(n));
        let stuck = count.map(|count| count.stuck);
        let style = if stuck.is_some_and(|stuck| stuck > 0) { pen.styles.stuck } else { pen.styles.dim };
        pen.right(at, y, 9, &number(stuck), style);
        pen.right(at + 9, y, 10, &number(count.map(|count| count.matching)), pen.styles.text);
        let filter = if view.text.is_empty() { "everything" } else { &view.text };
        let turned = if view.reverse { " reversed" } else { "" };
        let group = view.group.map(|by| format!(", grouped by {}", by.name())).unwrap_or_default();
        let text = SafeText::from(format!("{filter}  by {}{turned}{group}{}", view.sort.name(), view.origin.words()));
        pen.text(at + 21, y, list.right().saturating_sub(at + 21), &text, pen.styles.dim);
    }
    if let Some(error) = counts.error().filter(|_| inner.height > 2) {
        pen.text(inner.x, inner.bottom() - 1, inner.width, &format!("not counted: {error}"), pen.styles.stale);
    }
}
