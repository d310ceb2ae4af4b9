//! What lies over a screen: the help, and the way from a verb to its outcome.

pub(super) mod acting;
mod answer;
mod arming;
pub(super) mod claim;
mod contexts;
mod deciding;
mod deployments;
pub(super) mod help;
mod line;
pub(super) mod log;
pub(super) mod menu;
mod offers;
pub(super) mod page;
mod parameters;
pub(super) mod progress;
mod rearm;
mod reason;
pub(super) mod source;
mod suspects;
pub(super) mod themes;
mod wide;
mod wide_review;

use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;

use super::app::{App, Popup};
use super::hit::{Hit, Place};
use super::screens::detail::{Block, paint};
use super::widgets::pen::{Pen, width, wrap};

/// A box of at most this size in the middle of the screen.
fn place(app: &App, columns: u16, lines: u16) -> Rect {
    let (width, height) = app.size;
    let room = (width.saturating_sub(if width < 90 { 2 } else { 8 }), height.saturating_sub(3));
    let (columns, lines) = (columns.min(room.0), lines.min(room.1));
    Rect::new((width - columns) / 2, 1 + (height.saturating_sub(2).saturating_sub(lines)) / 2, columns, lines)
}

/// The part inside a box's border.
fn inside(frame: Rect) -> Rect {
    Rect {
        x: frame.x + 2,
        y: frame.y + 1,
        width: frame.width.saturating_sub(4),
        height: frame.height.saturating_sub(2),
    }
}

/// Draws the box with its title and, at its lower edge, its keys.
pub(super) fn frame(pen: &mut Pen<'_>, area: Rect, title: &str, keys: &[(&str, &str)], border: Style) {
    pen.clear(area, pen.styles.popup);
    if area.width < 2 || area.height < 2 {
        return;
    }
    let [top_left, top_right, bottom_left, bottom_right] = pen.glyphs.corners;
    let (left, right, top, bottom) = (area.left(), area.right() - 1, area.top(), area.bottom() - 1);
    for x in left + 1..right {
        pen.text(x, top, 1, pen.glyphs.rule, border);
        pen.text(x, bottom, 1, pen.glyphs.rule, border);
    }
    for y in top + 1..bottom {
        pen.text(left, y, 1, pen.glyphs.bar, border);
        pen.text(right, y, 1, pen.glyphs.bar, border);
    }
    for (x, y, corner) in
        [(left, top, top_left), (right, top, top_right), (left, bottom, bottom_left), (right, bottom, bottom_right)]
    {
        pen.text(x, y, 1, corner, border);
    }
    pen.text(left + 2, top, area.width.saturating_sub(4), &format!(" {title} "), border.patch(pen.styles.strong));
    pen.hit(area, Hit::Nothing);
    let mut x = left + 2;
    for (key, what) in keys {
        let wide = u16::try_from(width(key) + width(what) + 3).unwrap_or(u16::MAX);
        if x + wide > right {
            break;
        }
        // The one way out that a click may take. None of the others may: one of them acts.
        if *key == "Esc" {
            pen.hit(Rect::new(x, bottom, wide, 1), Hit::Close);
        }
        let spans = [
            Span::styled(format!(" {key}"), border.patch(pen.styles.key)),
            Span::styled(format!(" {what} "), border.patch(pen.styles.dim)),
        ];
        x += pen.spans(x, bottom, right.saturating_sub(x), &spans);
    }
}

/// The scrolled text of the present popup and where it is, if it has any.
fn scrolling(app: &App, styles: &super::theme::Styles) -> Option<(Block, Rect)> {
    match app.popup.as_ref()? {
        Popup::Help { find, .. } => Some(help::content(app, styles, find)),
        Popup::Progress { id, .. } => Some(progress::content(app, styles, id)),
        Popup::Source { name, .. } => Some(source::content(app, styles, name)),
        Popup::Suspects(look) => Some(suspects::content(app, styles, look)),
        Popup::Review(review) => Some(acting::review_content(app, styles, review)),
        Popup::Wide(wide) => wide::scrolling(app, styles, wide),
        Popup::Log(_)
        | Popup::Verbs { .. }
        | Popup::Planning { .. }
        | Popup::Themes { .. }
        | Popup::Page { .. }
        | Popup::Quit { .. }
        | Popup::Contexts(_)
        | Popup::Arm(_)
        | Popup::Decide(_)
        | Popup::Rearm(_)
        | Popup::Claim(_)
        | Popup::Menu { .. }
        | Popup::Views { .. } => None,
    }
}

/// How far the present popup can be scrolled.
pub(super) fn overflow(app: &App) -> usize {
    let styles = super::theme::Styles::default();
    scrolling(app, &styles).map_or(0, |(block, area)| block.len().saturating_sub(usize::from(area.height)))
}

/// Draws the popup, and tells where the text cursor is.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>) -> Option<Position> {
    match app.popup.as_ref()? {
        Popup::Help { scroll, find, typing } => {
            let (block, area) = help::content(app, pen.styles, find);
            help::frame(app, pen, find, *typing);
            pen.hit(area, Hit::Area(Place::Popup));
            paint(pen, area, &block, *scroll);
            None
        }
        Popup::Progress { id, scroll } => {
            progress::frame(app, pen, id);
            let (block, area) = progress::content(app, pen.styles, id);
            pen.hit(area, Hit::Area(Place::Popup));
            paint(pen, area, &block, *scroll);
            None
        }
        Popup::Log(look) => {
            log::draw(app, pen, look);
            None
        }
        Popup::Verbs { target, answer, index } => {
            acting::verbs(app, pen, target, answer, *index);
            None
        }
        Popup::Planning { verb, target, error, since } => {
            acting::planning(app, pen, (*verb, target), error.as_ref(), *since);
            None
        }
        Popup::Source { name, scroll } => {
            source::frame(app, pen, name);
            let (block, area) = source::content(app, pen.styles, name);
            pen.hit(area, Hit::Area(Place::Popup));
            paint(pen, area, &block, *scroll);
            None
        }
        Popup::Suspects(look) => {
            suspects::frame(app, pen, look);
            let (block, area) = suspects::content(app, pen.styles, look);
            pen.hit(area, Hit::Area(Place::Popup));
            paint(pen, area, &block, look.scroll);
            None
        }
        Popup::Themes { index } => {
            themes::draw(app, pen, *index);
            None
        }
        Popup::Review(review) => acting::review(app, pen, review),
        Popup::Arm(form) => arming::draw(app, pen, form),
        Popup::Decide(form) => deciding::draw(app, pen, form),
        Popup::Rearm(form) => rearm::draw(app, pen, form),
        Popup::Contexts(list) => {
            contexts::draw(app, pen, list);
            None
        }
        Popup::Wide(wide) => wide::draw(app, pen, wide),
        Popup::Claim(menu) => claim::draw(app, pen, menu),
        Popup::Menu { menu, index } => {
            menu::menu(app, pen, *menu, *index);
            None
        }
        Popup::Views { views, index, counts } => {
            menu::views(app, pen, views, *index, counts);
            None
        }
        Popup::Page { id, url, button } => {
            page::page(app, pen, id, url, *button);
            None
        }
        Popup::Quit { leave } => {
            acting::quit(app, pen, *leave);
            None
        }
    }
}
