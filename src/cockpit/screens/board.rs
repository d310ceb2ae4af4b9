//! The board: what is stuck, where, since when, why and for whom; the worst first.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::{aside, body, strip};
use crate::cockpit::app::{App, Pane};
use crate::cockpit::claims::owner;
use crate::cockpit::command::CommandId;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::many::words;
use crate::cockpit::popups;
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::numbers::{age_since, blind, engine_now, engines, flowless, grouped, plural, signed};
use crate::cockpit::widgets::pen::{Pen, width, wrap};
use crate::cockpit::widgets::spark::spark;
use crate::cockpit::widgets::state;
use crate::domain::cohort::Cohort;
use crate::domain::correlation::Certainty;
use crate::domain::flow::WaitKind;
use crate::domain::source::{Freshness, SourceStatus};
use crate::domain::text::SafeText;
use crate::domain::time::{age, since};
use crate::domain::trend::by_minute;
use crate::domain::verdict::Rule;
use crate::domain::wide::WideState;
use crate::ops::Overview;

/// From how many columns on the heading shows how many were stuck over the last hour.
const PICTURE: u16 = 120;

/// From how many columns on the strip stands beside the cohorts.
const WIDE: u16 = 160;

/// The flows of the strip in the order in which they are shown, for the cursor.
pub(in crate::cockpit) fn strip_keys(app: &App) -> Vec<(SafeText, SafeText)> {
    let Some(overview) = app.overview.value() else { return Vec::new() };
    let (shown, _) = strip::lines(overview, app.board.show_all);
    shown.into_iter().map(|line| (line.source, line.flow)).collect()
}

/// What is under the strip's cursor: what the operator moved to, for as long as it is shown, or else the first.
pub(in crate::cockpit) fn strip_at(app: &App) -> Option<(SafeText, SafeText)> {
    let keys = strip_keys(app);
    let moved_to = app.board.flow.as_ref().and_then(|flow| keys.iter().find(|key| *key == flow));
    moved_to.or(keys.first()).cloned()
}

/// Draws the board.
pub(in crate::cockpit) fn draw(app: &App, pen: &mut Pen<'_>) {
    let mut area = body(app);
    if state::absent(pen, area, &app.overview, "the board", app.now) {
        return;
    }
    let Some(overview) = app.overview.value().cloned() else { return };
    if state::stale(pen, area, &app.overview, app.now) {
        area.y += 1;
        area.height = area.height.saturating_sub(1);
    }
    if last_act(app, pen, Rect { y: area.bottom().saturating_sub(1), height: 1.min(area.height), ..area }) {
        area.height = area.height.saturating_sub(1);
    }
    if remediation(app, pen, Rect { y: area.bottom().saturating_sub(1), height: 1.min(area.height), ..area }) {
        area.height = area.height.saturating_sub(1);
    }
    if flowless(&overview) {
        let text = Rect { height: area.height * 2 / 3, ..area };
        without_flows(app, pen, &overview, text);
        return;
    }
    if area.width >= WIDE {
        let left = area.width * 11 / 20;
        cohorts(app, pen, &overview, Rect { width: left, ..area });
        for y in area.top()..area.bottom() {
            pen.text(area.x + left + 1, y, 1, pen.glyphs.bar, pen.styles.rule);
        }
        let right = Rect { x: area.x + left + 3, width: area.width - left - 4, ..area };
        let strip_height = strip::draw(app, pen, &overview, right);
        let rest =
            Rect { y: right.y + strip_height + 1, height: right.height.saturating_sub(strip_height + 1), ..right };
        aside::draw(app, pen, &overview, rest);
        return;
    }
    let (flows, _) = strip::lines(&overview, app.board.show_all);
    let strip_wants = u16::try_from(flows.len() + 2).unwrap_or(u16::MAX);
    let full = 1 + app.board.shown.len().max(1) * 5;
    let cohorts_want = u16::try_from(full).unwrap_or(u16::MAX);
    let most = area.height.saturating_sub(strip_wants).max(area.height * 11 / 20);
    let top = cohorts_want.min(most);
    cohorts(app, pen, &overview, Rect { height: top, ..area });
    let below = Rect { y: area.y + top, height: area.height - top, ..area };
    strip::draw(app, pen, &overview, below);
}

/// The widths of the columns before and after the name.
struct Columns {
    /// How much a cohort has grown.
    growth: u16,
    source: u16,
    rule: u16,
    /// Who has it, and for how much longer; with the gap behind it.
    owner: u16,
    name: u16,
    /// How wide the names are; behind them is room for what tells two cohorts of one step apart. 0 where there is none.
    names: u16,
}

const NUMBERS: u16 = 2 + 3 + 8 + 6 + 9 + 2;

fn cohorts(app: &App, pen: &mut Pen<'_>, overview: &Overview, area: Rect) {
    if area.height == 0 {
        return;
    }
    let sources = if overview.sources.len() > 1 && area.width >= 96 { 12 } else { 0 };
    let shown = &app.board.shown;
    // A gap stands before and behind it. Where it is narrow, it takes no room from the names: it is the last column
    // there, and goes on to the edge.
    let rules = shown.iter().map(|cohort| width(cohort.rule.words())).max().unwrap_or(0).max(11);
    let rules = if area.width >= 100 { rules } else { 11 };
    let rule = if area.width >= 60 { u16::try_from(rules).unwrap_or(0) + 2 } else { 0 };
    // Where it is narrow, the column is there for as long as anybody has anything.
    let owner = match area.width {
        120.. => 15,
        84.. => 11,
        60.. if shown.iter().any(|cohort| cohort.claim.is_some()) => 9,
        _ => 0,
    };
    // Under a filter no past is known, and on a narrow screen other things tell more: who has it, above all.
    let growth = match area.width {
        _ if overview.trend.is_none() => 0,
        104.. => 7,
        72.. if owner == 0 => 7,
        _ => 0,
    };
    let name = area.width.saturating_sub(NUMBERS + growth + sources + rule + owner);
    let names = shown.iter().map(|cohort| width(&cohort.flow) + 3 + width(&cohort.step)).max().unwrap_or(0);
    let names = u16::try_from(names).unwrap_or(u16::MAX).clamp(16, 40);
    let names = if area.width >= 110 && name >= names + 3 + 12 { names } else { 0 };
    let columns = Columns { growth, source: sources, rule, owner, name, names };
    pen.hit(area, Hit::Area(Place::Board(Pane::Cohorts)));
    let mut list = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let aside = put_aside(app, overview);
    if let Some(text) = aside.filter(|_| list.height > 1) {
        list.height -= 1;
        pen.text(area.x + 2, list.bottom(), area.width.saturating_sub(2), &text, pen.styles.dim);
    }
    if shown.is_empty() {
        heading(app, pen, overview, area, &columns, 0);
        nothing(app, pen, overview, list);
        return;
    }
    let whole = shown.get(app.board.index).map_or(0, |cohort| {
        let live = overview.source(&cohort.source).is_some_and(|source| source.state == Freshness::Live);
        // Half of the list at most is the explanation's: it must not drive the others away.
        explanation(app, pen.styles, cohort, live, text_columns(list), (list.height / 2).max(5).saturating_sub(1)).len()
    });
    let whole = 1 + u16::try_from(whole).unwrap_or(u16::MAX);
    let sizes = sizes(shown, app.board.index, whole, list.height);
    let first = first_shown(&sizes, app.board.index, list.height);
    let mut y = list.y;
    for (at, cohort) in shown.iter().enumerate().skip(first) {
        if y >= list.bottom() {
            break;
        }
        let height = sizes.get(at).copied().unwrap_or(1).min(list.bottom() - y);
        pen.hit(Rect { y, height, ..list }, Hit::Row(Place::Board(Pane::Cohorts), at));
        row(app, pen, overview, cohort, at, Rect { y, height, ..list }, &columns);
        y += height;
    }
    let hidden = shown.len().saturating_sub(first);
    let fit = sizes.iter().skip(first).scan(0, |sum, size| {
        *sum += size;
        Some(*sum)
    });
    let visible = fit.take_while(|sum| *sum <= list.height).count();
    heading(app, pen, overview, area, &columns, hidden.saturating_sub(visible));
}

/// How many lines each cohort has: the one under the cursor with its explanation; the others with it, with the first
/// line of it or without, as there is room; and with a gap behind each where there is room for that too. `whole` is
/// how many the one under the cursor needs.
fn sizes(shown: &[Cohort], cursor: usize, whole: u16, height: u16) -> Vec<u16> {
    let full = |cohort: &Cohort| 1 + lines_of(cohort);
    let with = |others: &dyn Fn(&Cohort) -> u16, gap: u16| -> Vec<u16> {
        let size = |(at, cohort): (usize, &Cohort)| if at == cursor { whole } else { others(cohort) };
        shown.iter().enumerate().map(|one| size(one) + gap).collect()
    };
    let fits = |sizes: &Vec<u16>| sizes.iter().map(|size| usize::from(*size)).sum::<usize>() <= usize::from(height);
    [with(&full, 1), with(&full, 0), with(&|_| 2, 0)]
        .into_iter()
        .find(fits)
        .unwrap_or_else(|| with(&|_| 1, 0).into_iter().map(|size| size.min(height.max(1))).collect())
}

/// The first row to show so that the one under the cursor is whole on screen, in the middle if it can be.
fn first_shown(sizes: &[u16], cursor: usize, height: u16) -> usize {
    let total: u16 = sizes.iter().fold(0, |sum, size| sum.saturating_add(*size));
    if total <= height {
        return 0;
    }
    let mut first = cursor.min(sizes.len().saturating_sub(1));
    let mut used = sizes.get(first).copied().unwrap_or(0);
    let tail: u16 = sizes.iter().skip(first + 1).fold(0, |sum, size| sum.saturating_add(*size));
    let below = tail.min((height.saturating_sub(used)) / 2);
    while first > 0 {
        let size = sizes.get(first - 1).copied().unwrap_or(1);
        if used + size + below > height {
            break;
        }
        used += size;
        first -= 1;
    }
    first
}

/// What is not in the list, and why: cohorts that somebody put aside; and what is wrong with the record of that.
fn put_aside(app: &App, overview: &Overview) -> Option<String> {
    let folded = (app.board.folded > 0)
        .then(|| format!("{} snoozed ({} shows)", app.board.folded, app.keymap.label(CommandId::ShowAll)));
    let note = overview.claims_note.as_ref().map(|note| format!("claims: {note}"));
    let texts: Vec<String> = folded.into_iter().chain(note).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// The titles of the columns; behind that of the widest one how many cohorts are new, and how many are below.
fn heading(app: &App, pen: &mut Pen<'_>, overview: &Overview, area: Rect, columns: &Columns, below: usize) {
    let style = pen.styles.heading;
    let y = area.y;
    pen.right(area.x + 2, y, 2, "#", style);
    pen.right(area.x + 5, y, 7, "STUCK", style);
    pen.right(area.x + 13, y, columns.growth.saturating_sub(1), if pen.ascii { "+/5m" } else { "\u{394}5m" }, style);
    pen.right(area.x + columns.growth + 13, y, 5, "FOR", style);
    pen.right(area.x + columns.growth + 19, y, 8, "TENANTS", style);
    let x = area.x + NUMBERS + columns.growth - 1;
    let title = format!("FLOW {} STEP", pen.glyphs.step);
    let mut used = pen.text(x, y, columns.name, &title, style);
    pen.text(x + columns.name + 1, y, columns.rule, "RULE", style);
    pen.text(x + columns.name + columns.rule + 1, y, columns.owner.saturating_sub(1), "OWNER", style);
    let source = x + columns.name + columns.rule + columns.owner + 1;
    pen.text(source, y, columns.source.saturating_sub(1), "SOURCE", style);
    if app.board.new > 0 {
        let text = format!("  {} new {}", app.board.new, pen.glyphs.above);
        used += pen.text(x + used, y, columns.name.saturating_sub(used), &text, pen.styles.info);
    }
    if below > 0 {
        let text = format!("  {below} more {}", pen.glyphs.below);
        used += pen.text(x + used, y, columns.name.saturating_sub(used), &text, pen.styles.dim);
    }
    // Beside the strip there is a larger picture of it.
    if app.size.0 >= PICTURE && app.size.0 < WIDE {
        let from = used.max(22) + 1;
        let width = columns.name.saturating_sub(from + 1);
        last_hour(app, pen, overview, Rect { x: x + from, y, width, height: 1 });
    }
}

/// How many were stuck in each minute of the last hour, as far as that is known.
fn last_hour(app: &App, pen: &mut Pen<'_>, overview: &Overview, area: Rect) {
    const LABEL: &str = "stuck, 60 min ";
    let Some(trend) = overview.trend.as_ref().filter(|trend| trend.samples.len() > 1) else { return };
    let minutes = by_minute(&trend.samples, app.now, |sample| sample.stuck);
    let room = usize::from(area.width).saturating_sub(width(LABEL));
    let Some(picture) = spark(&minutes, room, 1, pen.ascii).pop().filter(|_| room >= 12) else { return };
    let label = u16::try_from(width(LABEL)).unwrap_or(0);
    let from = area.right().saturating_sub(label + u16::try_from(width(&picture)).unwrap_or(0));
    pen.text(from, area.y, label, LABEL, pen.styles.faint);
    pen.text(from + label, area.y, area.right().saturating_sub(from + label), &picture, pen.styles.stuck);
}

fn nothing(app: &App, pen: &mut Pen<'_>, overview: &Overview, area: Rect) {
    // Nothing of a flow is known, or unknown, by whoever tells of none.
    let (all, blind) = engines(overview)
        .fold((0_u64, 0_u64), |(all, blind), source| (all + 1, blind + u64::from(source.state != Freshness::Live)));
    let open: u64 = overview.cells.iter().filter(|cell| cell.live).map(|cell| cell.counts.open).sum();
    if overview.sources.is_empty() {
        pen.centre(area, "no source is configured", pen.styles.warning);
    } else if blind == all {
        let asked = engines(overview).any(|source| source.state != Freshness::Never);
        let text = if asked {
            let sources = app.keymap.label(CommandId::Sources);
            format!("{} no source answers: nothing is known ({sources} shows why)", pen.glyphs.blind)
        } else {
            format!("{} asking {} for the first time", pen.glyphs.busy, plural(blind, "source"))
        };
        pen.centre(area, &text, if asked { pen.styles.stale } else { pen.styles.info });
    } else if blind > 0 {
        let text = format!("{} nothing is stuck in what answers; {} silent", pen.glyphs.blind, plural(blind, "source"));
        pen.centre(area, &text, pen.styles.stale);
    } else if app.board.folded > 0 {
        let text = format!("{} nothing else is stuck than what was put aside", pen.glyphs.ok);
        pen.centre(area, &text, pen.styles.ok);
    } else {
        let when = age(since(overview.at, app.now));
        let text = format!("{} nothing is stuck; {} open, seen {when} ago", pen.glyphs.ok, grouped(open));
        pen.centre(area, &text, pen.styles.ok);
    }
}

/// That nobody here tells of flows, what they do tell, and which key shows it.
fn without_flows(app: &App, pen: &mut Pen<'_>, overview: &Overview, area: Rect) {
    let key = |id| app.keymap.label(id);
    // Of who has not answered a number is not known, and no nought.
    let sum = |of: fn(&SourceStatus) -> Option<usize>, what: &str| {
        let told = || overview.sources.iter().filter(|source| of(source).is_some());
        let known: usize = told().filter(|source| source.last_good_at.is_some()).filter_map(of).sum();
        let unknown = told().any(|source| source.state != Freshness::Live);
        let count = if unknown { format!("{}+?", grouped(known as u64)) } else { grouped(known as u64) };
        let ending = if known == 1 && !unknown { "" } else { "s" };
        (told().count() > 0).then(|| format!("{count} {what}{ending}"))
    };
    let mut lines = vec![(
        format!("{} no source of this context tells of flows: nothing can be stuck here", pen.glyphs.dot),
        pen.styles.strong,
    )];
    let told = [
        (sum(|source| source.drift, "finding"), "drift", CommandId::Drift),
        (sum(|source| source.tenants, "tenant"), "tenants", CommandId::Tenants),
        (
            overview.sources.iter().any(|source| source.events).then(|| "changes and alerts".to_owned()),
            "what happens",
            CommandId::Events,
        ),
    ];
    for (count, what, id) in told {
        lines.extend(count.map(|count| (format!("{}  {what}: {count}", key(id)), pen.styles.text)));
    }
    if lines.len() == 1 {
        lines.push(("nor of drift, of tenants or of what happens".to_owned(), pen.styles.warning));
    }
    let silent = blind(overview);
    let sources = key(CommandId::Sources);
    if silent > 0 {
        let text = format!("{sources}  {} silent: why", plural(silent as u64, "source"));
        lines.push((text, pen.styles.stale));
    } else {
        lines.push((format!("{sources}  the sources"), pen.styles.dim));
    }
    // The first line stands alone, the others beneath one another.
    let wide = lines.iter().skip(1).map(|(text, _)| width(text)).max().unwrap_or(0);
    let left = area.x + area.width.saturating_sub(u16::try_from(wide).unwrap_or(area.width)) / 2;
    let height = u16::try_from(lines.len() + 1).unwrap_or(area.height).min(area.height);
    let top = area.y + (area.height - height) / 2;
    let mut lines = lines.into_iter();
    if let Some((text, style)) = lines.next() {
        pen.centre(Rect { y: top, height: 1.min(height), ..area }, &text, style);
    }
    for (y, (text, style)) in (top + 2..area.bottom()).zip(lines) {
        pen.text(left, y, area.right().saturating_sub(left), &text, style);
    }
}

fn row(app: &App, pen: &mut Pen<'_>, overview: &Overview, cohort: &Cohort, at: usize, area: Rect, columns: &Columns) {
    let styles = pen.styles;
    let selected = at == app.board.index && app.board.cohort.as_ref() == Some(&cohort.id);
    let gone = selected && app.board.gone;
    let source = overview.source(&cohort.source);
    let live = source.is_some_and(|source| source.state == Freshness::Live);
    let focus = app.board.pane == Pane::Cohorts;
    if selected {
        pen.style(Rect { height: 1, ..area }, if focus { styles.selected } else { styles.selected_idle });
        pen.text(area.x, area.y, 1, pen.glyphs.cursor, styles.title);
    }
    let tone = |style: Style| if gone || !live { styles.gone } else { style };
    let y = area.y;
    pen.right(area.x + 1, y, 3, &(at + 1).to_string(), tone(styles.dim));
    let count = if live { grouped(cohort.count) } else { "?".to_owned() };
    pen.right(area.x + 5, y, 7, &count, tone(styles.stuck));
    let began = age_since(cohort.since, engine_now(source, app.now));
    if columns.growth > 0 {
        let (growth, style) = match cohort.growth.filter(|_| live) {
            Some(growth) if growth > 0 => (signed(growth), styles.warning),
            Some(growth) => (signed(growth), styles.text),
            // Of a source that is heard, five minutes have not been seen yet; of one that is not, nothing is known.
            None if live => (pen.glyphs.none.to_owned(), styles.faint),
            None => ("?".to_owned(), styles.faint),
        };
        pen.right(area.x + 13, y, columns.growth - 1, &growth, tone(style));
    }
    pen.right(area.x + columns.growth + 13, y, 5, &began, tone(styles.text));
    pen.right(area.x + columns.growth + 19, y, 8, &tenants(cohort, live), tone(styles.text));
    let x = area.x + NUMBERS + columns.growth - 1;
    let step = if gone { format!("{}  (gone)", cohort.step) } else { cohort.step.to_string() };
    let name = [
        Span::styled(cohort.flow.as_str(), tone(styles.strong)),
        Span::styled(format!(" {} ", pen.glyphs.step), tone(styles.faint)),
        Span::styled(step, tone(styles.text)),
    ];
    let used = pen.spans(x, y, columns.name, &name);
    if columns.names > 0 && area.height == 1 && !selected {
        let why = if has_error(cohort) { &cohort.fingerprint } else { &cohort.evidence };
        let from = used.max(columns.names) + 3;
        pen.text(x + from, y, columns.name.saturating_sub(from + 1), why, tone(styles.dim));
    }
    let last = columns.owner == 0 && columns.source == 0;
    let room = if last { columns.rule } else { columns.rule.saturating_sub(2) };
    pen.text(x + columns.name + 1, y, room, cohort.rule.words(), tone(styles.suspect));
    if columns.owner > 0 {
        let room = columns.owner - 1;
        let text = owner(cohort.claim.as_ref(), &app.settings.operator, app.now, usize::from(room));
        let style = if cohort.claim.is_some() { styles.info } else { styles.faint };
        pen.text(x + columns.name + columns.rule + 1, y, room, &text, tone(style));
    }
    pen.text(
        x + columns.name + columns.rule + columns.owner + 1,
        y,
        columns.source.saturating_sub(2),
        &cohort.source,
        tone(styles.dim),
    );
    if area.height > 1 {
        // Only the one under the cursor goes on in second lines; the others keep the gap behind them.
        let most = if selected { area.height - 1 } else { (area.height - 1).min(lines_of(cohort)) };
        explain(app, pen, cohort, live, Rect { y: y + 1, height: most, ..area });
    }
}

fn tenants(cohort: &Cohort, live: bool) -> String {
    match (live, cohort.tenants, cohort.without_tenant) {
        (false, ..) | (true, 0, 1..) => "?".to_owned(),
        (true, known, 0) => grouped(known),
        (true, known, _) => format!("{}+?", grouped(known)),
    }
}

/// Whether a fingerprint says more than the rule's name.
fn has_error(cohort: &Cohort) -> bool {
    !cohort.fingerprint.starts_with(['[', '(']) && !cohort.fingerprint.is_empty()
}

/// How many lines the explanation of a cohort has where nothing in it is wrapped.
fn lines_of(cohort: &Cohort) -> u16 {
    let told = [has_error(cohort) || cohort.sample.is_some(), cohort.near.is_some(), cohort.claim.is_some()];
    2 + told.into_iter().map(u16::from).sum::<u16>()
}

/// How many columns the texts under a cohort have.
const fn text_columns(area: Rect) -> u16 {
    area.width.saturating_sub(15)
}

/// A line of an explanation: its label, which only the first line of a text has, its text and its style.
type Line = (&'static str, String, Style);

/// The lines under a cohort: why, the oldest one's evidence, the change that fits best, and what may be done. With room for one, the first. With
/// room for more than one line each, what is too long goes on in a second one: the advice first, which ends in what
/// matters.
fn explanation(app: &App, styles: &Styles, cohort: &Cohort, live: bool, columns: u16, height: u16) -> Vec<Line> {
    let error = has_error(cohort);
    let why = if error { &cohort.fingerprint } else { &cohort.evidence };
    let mut texts: Vec<(&'static str, SafeText, Style)> =
        vec![("why", why.clone(), if error { styles.error_text } else { styles.text })];
    if height >= lines_of(cohort) {
        let second = if error { Some(cohort.evidence.clone()) } else { cohort.sample.clone() };
        texts.extend(second.map(|text| ("e.g.", text, styles.dim)));
        let near = cohort.near.as_ref().map(|near| {
            let at = app.times.clock(near.at);
            (
                SafeText::from(format!("{}: {} at {at}, {}", near.certainty.words(), near.what, near.when)),
                near.certainty,
            )
        });
        let style = |certainty| if certainty == Certainty::Likely { styles.suspect } else { styles.text };
        texts.extend(near.map(|(text, certainty)| ("near", text, style(certainty))));
        let claim = cohort.claim.as_ref().map(|claim| popups::claim::told(app, claim));
        texts.extend(claim.map(|text| ("who", text, styles.info)));
    }
    if height >= 2 {
        let (safe, text) = advice(app, cohort, live);
        texts.push(("do", text, if safe { styles.suggest } else { styles.dim }));
    }
    let mut spare = usize::from(height).saturating_sub(texts.len());
    let mut lines: Vec<Line> = Vec::new();
    for (label, text, style) in texts.into_iter().rev() {
        let whole = text.to_string();
        let first = wrap(&whole, usize::from(columns)).into_iter().next().unwrap_or_default();
        if width(&whole) > usize::from(columns) && spare > 0 {
            spare -= 1;
            let rest = whole.get(first.len()..).unwrap_or_default().trim_start().to_owned();
            lines.push(("", rest, style));
            lines.push((label, first, style));
        } else {
            lines.push((label, whole, style));
        }
    }
    lines.reverse();
    lines
}

/// Draws the lines under a cohort.
fn explain(app: &App, pen: &mut Pen<'_>, cohort: &Cohort, live: bool, area: Rect) {
    let columns = text_columns(area);
    let lines = explanation(app, pen.styles, cohort, live, columns, area.height);
    for (y, (label, text, style)) in (area.top()..area.bottom()).zip(&lines) {
        pen.right(area.x + 5, y, 7, label, pen.styles.faint);
        pen.text(area.x + 14, y, columns, text, *style);
    }
}

/// What may safely be done about a cohort, or why nothing; and whether there is something.
fn advice(app: &App, cohort: &Cohort, live: bool) -> (bool, SafeText) {
    let source = app.overview.value().and_then(|overview| overview.source(&cohort.source));
    if !live {
        let ago = source
            .and_then(|source| source.age(app.now))
            .map_or("never".to_owned(), |age_| format!("{} ago", age(age_)));
        let text = format!("nothing: {} is silent; it was {}, heard {ago}", cohort.source, grouped(cohort.count));
        return (false, text.into());
    }
    let resume;
    let (safe, text) = match cohort.rule {
        Rule::Exhausted if cohort.status.ended() => {
            (false, "nothing here: these have ended; their callers must start anew")
        }
        Rule::Exhausted => {
            let verbs = app.keymap.label(CommandId::Verbs);
            resume = format!("probe it ({verbs}): one at its failed step; the rest once it holds");
            (true, resume.as_str())
        }
        Rule::BlockedBy => (false, "nothing here: repair what holds the key, and these move on"),
        Rule::RetryStorm => (false, "nothing yet: the engine retries until the cause is gone"),
        Rule::TaskFault => (false, "nothing here: its worker crashes on it; look at the worker's log and last release"),
        Rule::NoConsumer => (false, "nothing here: bring a worker back; what waits for one goes on by itself"),
        Rule::LostWait => (false, lost_wait(cohort.waits_for)),
        Rule::Overdue => (false, "nothing yet: look at the worker of this step before anything else"),
        Rule::NeverStarted => (false, "nothing here: its engine did not begin it; look at its scheduler and workers"),
        Rule::Orphan => (false, "nothing yet: find out whether anybody still wants it; cancel ends it for good"),
    };
    match app.read_only() {
        Some(why) if safe => (false, format!("{text}, not from here: {why}").into()),
        _ => (safe, text.into()),
    }
}

/// Who could end a wait that nobody ended.
fn lost_wait(kind: Option<WaitKind>) -> &'static str {
    match kind {
        // Nobody answers a timer: the engine itself was to go on.
        Some(WaitKind::Timer) => "nothing safe: the engine did not wake it; look at its timers and this step's worker",
        Some(WaitKind::Child) => "nothing here: repair the flow that it called, and it moves on",
        _ => "nothing safe: find out who is to answer; cancel ends it for good",
    }
}

/// The remediation of many that somebody has to look at, or that runs, in one line. Returns whether there is one.
fn remediation(app: &App, pen: &mut Pen<'_>, area: Rect) -> bool {
    let first = |wanted: WideState| app.remediations.in_state(move |state| state == wanted).next();
    let pressing = first(WideState::AwaitingApproval).or_else(|| first(WideState::Held));
    let going = || app.remediations.in_state(|state| state.runs() || state == WideState::Approved).next();
    let Some(head) = pressing.or_else(going) else { return false };
    let id = if head.state == WideState::AwaitingApproval { CommandId::Approvals } else { CommandId::Remediations };
    let state = format!("{} {}", pen.glyphs.wide(head.state), head.state.words());
    let when = age(since(head.requested_at, app.now));
    let spans = [
        Span::styled("  acting    ", pen.styles.faint),
        Span::styled(state, super::remediations::style(pen.styles, head.state)),
        Span::styled(format!("  {}", words::what(&head.plan)), pen.styles.text),
        Span::styled(
            format!("  asked by {} {when} ago; {} shows it", head.requested_by, app.keymap.label(id)),
            pen.styles.dim,
        ),
    ];
    pen.hit(area, Hit::Command(id));
    pen.spans(area.x, area.y, area.width, &spans);
    true
}

/// What the last act came to, in one line. Returns whether there was one.
fn last_act(app: &App, pen: &mut Pen<'_>, area: Rect) -> bool {
    let Some(act) = app.acts.value().and_then(|acts| acts.first()) else { return false };
    let style = super::super::popups::progress::style(pen.styles, act.item);
    let when = age(since(act.requested_at, app.now));
    let spans = [
        Span::styled("  last act  ", pen.styles.faint),
        Span::styled(format!("{} {}", pen.glyphs.item(act.item), act.item.name()), style),
        Span::styled(format!("  {} {}", act.plan.verb.label(), act.plan.target), pen.styles.text),
        Span::styled(format!("  {when} ago"), pen.styles.dim),
        Span::styled(if act.outcome.is_empty() { String::new() } else { format!(": {}", act.outcome) }, pen.styles.dim),
    ];
    pen.spans(area.x, area.y, area.width, &spans);
    true
}

#[cfg(test)]
mod tests {
    use super::{WaitKind, first_shown, lost_wait};

    #[test]
    fn nobody_is_looked_for_who_was_to_answer_a_timer() {
        assert!(lost_wait(Some(WaitKind::Timer)).contains("the engine did not wake it"));
        for other in [Some(WaitKind::Signal), Some(WaitKind::Approval), None] {
            assert!(lost_wait(other).contains("who is to answer"));
        }
    }

    #[test]
    fn the_cursor_is_always_whole_on_screen() {
        let sizes = [1, 1, 4, 1, 1, 1, 1, 1];
        for height in 4..14 {
            for cursor in 0..sizes.len() {
                let first = first_shown(&sizes, cursor, height);
                let end: u16 = sizes[first..=cursor].iter().sum();
                assert!(first <= cursor && end <= height, "cursor {cursor}, height {height}: first {first}");
            }
        }
    }
}
