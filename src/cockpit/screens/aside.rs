//! What a wide board has room for beside the rest: what is stuck by rule, the sources, and the last acts.

use std::collections::BTreeMap;

use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::cockpit::app::App;
use crate::cockpit::popups::progress;
use crate::cockpit::widgets::numbers::grouped;
use crate::cockpit::widgets::pen::{Pen, width};
use crate::cockpit::widgets::spark::spark;
use crate::domain::source::Freshness;
use crate::domain::time::{age, since};
use crate::domain::trend::by_minute;
use crate::domain::verdict::Rule;
use crate::ops::Overview;

/// The height of the picture of the last hour.
const HEIGHT: usize = 4;

/// Draws it, as far as there is room.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>, overview: &Overview, area: Rect) {
    let mut y = area.y;
    let mut room = |lines: usize| {
        let from = y;
        let lines = u16::try_from(lines).unwrap_or(u16::MAX);
        let fits = from.saturating_add(lines) <= area.bottom();
        if fits {
            y = from + lines + 1;
        }
        fits.then_some(Rect { y: from, height: lines, ..area })
    };
    let known = overview.trend.as_ref().is_some_and(|trend| trend.samples.len() > 1);
    if known && let Some(part) = room(1 + HEIGHT) {
        draw_trend(app, pen, overview, part);
    }
    let rules = by_rule(overview);
    if !rules.is_empty()
        && let Some(part) = room(rules.len() + 1)
    {
        draw_rules(pen, &rules, part);
    }
    if let Some(part) = room(overview.sources.len() + 1) {
        draw_sources(app, pen, overview, part);
    }
    let acts = app.acts.value().map_or(0, Vec::len).min(8);
    if acts > 0
        && let Some(part) = room(acts + 1)
    {
        draw_acts(app, pen, part);
    }
}

/// How many were stuck in each minute of the last hour, with the highest number beside the picture.
fn draw_trend(app: &App, pen: &mut Pen<'_>, overview: &Overview, area: Rect) {
    title(pen, area, "stuck, last 60 min");
    let Some(trend) = &overview.trend else { return };
    let minutes = by_minute(&trend.samples, app.now, |sample| sample.stuck);
    let most = minutes.iter().copied().flatten().max().unwrap_or_default();
    pen.right(area.x + 2, area.y + 1, 8, &grouped(most), pen.styles.dim);
    pen.right(area.x + 2, area.bottom().saturating_sub(1), 8, "0", pen.styles.dim);
    let room = usize::from(area.width.saturating_sub(14));
    for (y, row) in (area.y + 1..area.bottom()).zip(spark(&minutes, room, HEIGHT, pen.ascii)) {
        pen.text(area.x + 11, y, area.width.saturating_sub(12), &row, pen.styles.stuck);
    }
}

fn by_rule(overview: &Overview) -> BTreeMap<Rule, u64> {
    let mut rules = BTreeMap::new();
    for cell in overview.cells.iter().filter(|cell| cell.live) {
        for (rule, count) in &cell.counts.by_rule {
            *rules.entry(*rule).or_default() += count;
        }
    }
    rules
}

fn title(pen: &mut Pen<'_>, area: Rect, text: &str) {
    pen.rule(Rect { height: 1, ..area }, &[Span::styled(text.to_owned(), pen.styles.dim)]);
}

fn draw_rules(pen: &mut Pen<'_>, rules: &BTreeMap<Rule, u64>, area: Rect) {
    title(pen, area, "stuck by rule");
    let most = rules.values().copied().max().unwrap_or(1).max(1);
    let words = rules.keys().map(|rule| width(rule.words())).max().unwrap_or(0).max(12);
    let words = u16::try_from(words).unwrap_or(12);
    for (y, (rule, count)) in (area.y + 1..area.bottom()).zip(rules) {
        pen.text(area.x + 2, y, words, rule.words(), pen.styles.suspect);
        pen.right(area.x + 2 + words, y, 8, &grouped(*count), pen.styles.stuck);
        let room = u64::from(area.width.saturating_sub(14 + words)).min(40);
        let bar = u16::try_from((count * room).div_ceil(most)).unwrap_or(0);
        for x in 0..bar {
            pen.text(area.x + 12 + words + x, y, 1, pen.glyphs.shades[2], pen.styles.stuck);
        }
    }
}

fn draw_sources(app: &App, pen: &mut Pen<'_>, overview: &Overview, area: Rect) {
    title(pen, area, "sources");
    for (y, source) in (area.y + 1..area.bottom()).zip(&overview.sources) {
        let style = match source.state {
            Freshness::Live => pen.styles.ok,
            Freshness::Stale => pen.styles.stale,
            Freshness::Failed => pen.styles.failed,
            Freshness::Never => pen.styles.recheck,
        };
        let mut x = area.x + 2;
        pen.text(x, y, 15, &source.name, pen.styles.text);
        x += 16;
        pen.text(x, y, 8, &format!("{} {}", pen.glyphs.freshness(source.state), source.state.name()), style);
        x += 9;
        pen.right(x, y, 4, &source.age(app.now).map_or_else(|| "?".to_owned(), age), style);
        x += 6;
        let room = area.right().saturating_sub(x);
        match &source.error {
            Some(error) => pen.text(x, y, room, error, pen.styles.error_text),
            None => pen.text(x, y, room, &format!("{} instances", grouped(source.rows as u64)), pen.styles.dim),
        };
    }
}

fn draw_acts(app: &App, pen: &mut Pen<'_>, area: Rect) {
    title(pen, area, "acts, the newest first (:acts)");
    let Some(acts) = app.acts.value() else { return };
    for (y, act) in (area.y + 1..area.bottom()).zip(acts) {
        let spans = [
            Span::styled(
                format!("{} {:<9}", pen.glyphs.item(act.item), act.item.name()),
                progress::style(pen.styles, act.item),
            ),
            Span::styled(format!("{:>4} ago  ", age(since(act.requested_at, app.now))), pen.styles.dim),
            Span::styled(format!("{} {}", act.plan.verb.label(), act.plan.target), pen.styles.text),
            Span::styled(format!("  {}", act.outcome), pen.styles.dim),
        ];
        pen.spans(area.x + 2, y, area.width.saturating_sub(2), &spans);
    }
}
