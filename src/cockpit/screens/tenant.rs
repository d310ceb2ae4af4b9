//! One tenant: who they are, what of theirs is stuck or has drifted, and beside it what happened to them, in one order.
//!
//! The customer's side of it holds what customers are told, and nothing else: it can be shown to them.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::body;
use super::detail::{Block, labelled, paint};
use super::flows::state_of;
use super::tenants::status_style;
use crate::cockpit::app::App;
use crate::cockpit::command::CommandId;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::tenants::TenantPane;
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::numbers::{grouped, plural};
use crate::cockpit::widgets::pen::{Cells, Pen, fit, width};
use crate::cockpit::widgets::state;
use crate::domain::tenant::{FieldClass, Tenant};
use crate::domain::text::SafeText;
use crate::domain::time::{age, since};
use crate::ops::{TenantCard, TimelineKind, TimelineRow};

/// From how many columns on the two parts stand beside each other.
const WIDE: u16 = 110;

/// From how many columns on a row of the timeline names its source, too.
const WITH_SOURCE: u16 = 60;

/// The most columns of a name in a row of the timeline.
const NAMES: u16 = 20;

struct Areas {
    card: Rect,
    rule: Rect,
    timeline: Rect,
}

fn areas(app: &App) -> Areas {
    let whole = body(app);
    if whole.width >= WIDE {
        let card = Rect { width: whole.width * 9 / 20, ..whole };
        let rule = Rect { x: card.right(), width: 1, ..whole };
        let x = rule.right();
        return Areas { card, rule, timeline: Rect { x, width: whole.width.saturating_sub(card.width + 1), ..whole } };
    }
    // The part that has the keys has the room.
    let share = if app.tenants.pane == TenantPane::Card { 3 } else { 2 };
    let card = Rect { height: whole.height * share / 5, ..whole };
    let rule = Rect { y: card.bottom(), height: 1.min(whole.height - card.height), ..whole };
    let timeline = Rect { y: rule.bottom(), height: whole.bottom().saturating_sub(rule.bottom()), ..whole };
    Areas { card, rule, timeline }
}

/// How many lines of the part that has the keys are in sight.
pub(in crate::cockpit) fn page(app: &App) -> usize {
    let areas = areas(app);
    let area = if app.tenants.pane == TenantPane::Card { areas.card } else { areas.timeline };
    usize::from(area.height).saturating_sub(1).max(1)
}

/// Draws the screen.
pub(in crate::cockpit) fn draw(app: &App, pen: &mut Pen<'_>) {
    let whole = body(app);
    if state::absent(pen, whole, &app.tenants.card, "the tenant", app.now) {
        return;
    }
    let Some(card) = app.tenants.card.value() else { return };
    let areas = areas(app);
    let beside = areas.rule.height > 1;
    if beside {
        for y in areas.rule.top()..areas.rule.bottom() {
            pen.text(areas.rule.x, y, 1, pen.glyphs.bar, pen.styles.rule);
        }
    }
    draw_card(app, pen, areas.card, card);
    let total = app.tenants.timeline.value().map_or(0, |window| window.total);
    let zone = app.times.zone(app.now);
    let title = if app.shows_customer() {
        format!("what happened, {zone}")
    } else {
        format!("what happened, {zone}: {} known", grouped(total as u64))
    };
    let here = app.tenants.pane == TenantPane::Timeline;
    let style = if here { pen.styles.title } else { pen.styles.dim };
    let list = if beside {
        let heading = Rect { height: 1.min(areas.timeline.height), ..areas.timeline };
        let list = Rect { y: heading.bottom(), height: areas.timeline.height - heading.height, ..areas.timeline };
        pen.text(heading.x + 2, heading.y, heading.width.saturating_sub(2), &title, style);
        list
    } else {
        pen.rule(areas.rule, &[Span::styled(title, style)]);
        areas.timeline
    };
    draw_timeline(app, pen, list);
}

/// A line of the card, and which of its things stands there.
struct Lines {
    block: Block,
    things: Vec<usize>,
}

fn draw_card(app: &App, pen: &mut Pen<'_>, area: Rect, card: &TenantCard) {
    pen.hit(area, Hit::Area(Place::TenantCard));
    let inner = Rect { x: area.x + 2, width: area.width.saturating_sub(3), ..area };
    let lines = if app.shows_customer() {
        customer(app, pen, card, usize::from(inner.width))
    } else {
        own(app, pen, card, usize::from(inner.width))
    };
    let height = usize::from(area.height);
    let has_keys = app.tenants.pane == TenantPane::Card;
    let at = lines.things.get(app.tenants.thing).copied().filter(|_| has_keys);
    let scroll = at.map_or(0, |at| (at + 2).saturating_sub(height));
    paint(pen, inner, &lines.block, scroll);
    for (thing, line) in lines.things.iter().enumerate() {
        let Some(y) = line.checked_sub(scroll).filter(|y| *y < height).and_then(|y| u16::try_from(y).ok()) else {
            continue;
        };
        let row = Rect { y: area.y + y, height: 1, ..area };
        pen.hit(row, Hit::Row(Place::TenantCard, thing));
        if Some(*line) == at {
            pen.style(row, pen.styles.selected);
            pen.text(row.x, row.y, 1, pen.glyphs.cursor, pen.styles.title);
        }
    }
}

fn heading(block: &mut Block, styles: &Styles, tenant: &Tenant, columns: usize) {
    block.push(vec![
        Span::styled(fit(&tenant.name, columns.saturating_sub(16), "..").into_owned(), styles.title),
        Span::styled(format!("  {}", tenant.status.name()), status_style(styles, tenant.status)),
    ]);
}

/// What customers may see of themselves.
fn customer(app: &App, pen: &Pen<'_>, card: &TenantCard, columns: usize) -> Lines {
    let styles = pen.styles;
    let mut block = Block::default();
    heading(&mut block, styles, &card.tenant, columns);
    if let Some(plan) = &card.tenant.plan {
        labelled(&mut block, styles, "plan", plan, styles.text, columns);
    }
    block.gap();
    block.push(vec![Span::styled("what the customer is told", styles.heading)]);
    if card.for_customer.is_empty() {
        block.push(vec![Span::styled("nothing is delayed, as far as it is known", styles.ok)]);
    }
    for told in &card.for_customer {
        labelled(&mut block, styles, pen.glyphs.can, &told.text, styles.text, columns);
    }
    if !app.settings.customer_only {
        block.gap();
        let key = app.keymap.label(CommandId::CustomerSide);
        block.push(vec![Span::styled(format!("{key} shows the rest"), styles.faint)]);
    }
    Lines { block, things: Vec::new() }
}

fn own(app: &App, pen: &Pen<'_>, card: &TenantCard, columns: usize) -> Lines {
    let styles = pen.styles;
    let mut block = Block::default();
    who(app, pen, card, columns, &mut block);
    let mut things = Vec::new();
    block.gap();
    let counts = format!("{}, {} stuck", plural(card.counts.matching, "flow"), grouped(card.counts.stuck));
    block.push(vec![Span::styled(counts, if card.counts.stuck > 0 { styles.stuck } else { styles.heading })]);
    for judged in &card.flows {
        let flow = &judged.flow;
        let (glyph, word, style) = state_of(pen, judged);
        let old = judged.began().map(|at| age(since(at, app.now))).unwrap_or_default();
        let error = flow.error.as_ref().map(|error| format!("  {}", error.text)).unwrap_or_default();
        let text = format!("{} {} {} {old}{error}", flow.flow, pen.glyphs.step, flow.step);
        things.push(block.len());
        block.push(vec![
            Span::styled(format!("{glyph} {word:<14}"), style),
            Span::styled(fit(&text, columns.saturating_sub(16), pen.glyphs.ellipsis).into_owned(), styles.text),
        ]);
    }
    let more = usize::try_from(card.counts.matching).unwrap_or(usize::MAX).saturating_sub(card.flows.len());
    if more > 0 {
        let key = app.keymap.label(CommandId::GoFlows);
        block.push(vec![Span::styled(format!("{} more: {key} lists them all", grouped(more as u64)), styles.faint)]);
    }
    block.gap();
    let style = if card.drift_total > 0 { styles.warning } else { styles.heading };
    let drift = if card.drift_total == 0 {
        "no drift is known".to_owned()
    } else {
        format!("{} of drift", plural(card.drift_total as u64, "finding"))
    };
    block.push(vec![Span::styled(drift, style)]);
    for known in &card.drift {
        let finding = &known.finding;
        let status = known.status(app.now).words();
        let text = format!("{} on {}", finding.what, finding.scope);
        things.push(block.len());
        block.push(vec![
            Span::styled(format!("{status:<11} "), styles.warning),
            Span::styled(fit(&text, columns.saturating_sub(13), pen.glyphs.ellipsis).into_owned(), styles.text),
        ]);
    }
    block.gap();
    facts(app, pen, card, columns, &mut block);
    Lines { block, things }
}

/// Who they are, and what has to be known before anything is believed of them.
fn who(app: &App, pen: &Pen<'_>, card: &TenantCard, columns: usize, block: &mut Block) {
    let (styles, tenant) = (pen.styles, &*card.tenant);
    heading(block, styles, tenant, columns);
    let mut fact = |label: &str, text: &str, style: Style| labelled(block, styles, label, text, style, columns);
    fact("id", &tenant.id.to_string(), styles.text);
    if !card.listed {
        fact("note", "no directory tells of it: it is known by what flows, findings and events name", styles.unknown);
    }
    if let Some(at) = card.gone_at {
        let old = age(since(at, app.now));
        fact("note", &format!("its directory tells of it no more, since {old}"), styles.stale);
    }
    for (id, name) in &card.namesakes {
        let text = format!("{id} ({name}) has the same id: what flows and events tell may be about either");
        fact("beware", &text, styles.warning);
    }
    let named = [("plan", &tenant.plan), ("tier", &tenant.tier), ("region", &tenant.region), ("on", &tenant.placement)];
    let told = |(name, value): (&str, &Option<SafeText>)| value.as_ref().map(|value| format!("{name} {value}"));
    let told: Vec<String> = named.into_iter().filter_map(told).collect();
    if !told.is_empty() {
        fact("has", &told.join(", "), styles.text);
    }
    for (source, why) in &card.blind {
        fact("silent", &format!("{source}: {why}"), styles.stale);
    }
    if app.tenants.watched.iter().any(|(id, _)| *id == tenant.id) {
        fact("watched", "you will be told when nothing of theirs is stuck any more", styles.info);
    }
}

/// What else their directory tells.
fn facts(app: &App, pen: &Pen<'_>, card: &TenantCard, columns: usize, block: &mut Block) {
    let (styles, tenant) = (pen.styles, &*card.tenant);
    let mut fact = |label: &str, text: &str, style: Style| labelled(block, styles, label, text, style, columns);
    if !tenant.domains.is_empty() {
        fact("domains", &join(&tenant.domains), styles.text);
    }
    if let Some(owner) = &tenant.owner {
        fact("owner", owner, styles.text);
    }
    let pairs = |all: &[(SafeText, SafeText)]| -> String {
        all.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
    };
    if !tenant.versions.is_empty() {
        fact("versions", &pairs(&tenant.versions), styles.text);
    }
    if !tenant.usage.is_empty() {
        let number = |n: Option<u64>| n.map_or_else(|| "?".to_owned(), grouped);
        let usage =
            tenant.usage.iter().map(|usage| format!("{} {}/{}", usage.what, number(usage.used), number(usage.limit)));
        let over =
            tenant.usage.iter().any(|usage| usage.used.zip(usage.limit).is_some_and(|(used, limit)| used >= limit));
        fact("uses", &usage.collect::<Vec<_>>().join(", "), if over { styles.warning } else { styles.text });
    }
    if !tenant.labels.is_empty() {
        fact("labels", &pairs(&tenant.labels), styles.dim);
    }
    for field in &tenant.fields {
        let revealed =
            app.tenants.revealed.iter().find(|revealed| revealed.tenant == tenant.id && revealed.field == field.name);
        match (field.class, revealed) {
            (FieldClass::Plain, _) => fact(&field.name, &field.value, styles.text),
            (FieldClass::Personal, Some(revealed)) => fact(&field.name, &revealed.value, styles.warning),
            (FieldClass::Personal, None) => {
                fact(&field.name, &format!("hidden; :reveal {} REASON shows it", field.name), styles.faint);
            }
            (FieldClass::Secret, _) => fact(&field.name, "a secret: it is not held", styles.faint),
        }
    }
}

fn join(texts: &[SafeText]) -> String {
    texts.iter().map(SafeText::as_str).collect::<Vec<_>>().join(", ")
}

fn kind_style(styles: &Styles, kind: TimelineKind) -> Style {
    match kind {
        TimelineKind::Error => styles.failed,
        TimelineKind::Alert | TimelineKind::Drift => styles.warning,
        TimelineKind::Change | TimelineKind::Deployment => styles.info,
        TimelineKind::Remediation => styles.ok,
        TimelineKind::Flow | TimelineKind::Event => styles.dim,
    }
}

fn draw_timeline(app: &App, pen: &mut Pen<'_>, area: Rect) {
    pen.hit(area, Hit::Area(Place::Timeline));
    if state::absent(pen, area, &app.tenants.timeline, "what happened", app.now) {
        return;
    }
    let shown = app.tenants.shown();
    if shown.is_empty() {
        let text = if app.shows_customer() { "nothing that the customer is told of" } else { "nothing is known" };
        pen.centre(area, text, pen.styles.dim);
        return;
    }
    let height = usize::from(area.height);
    let has_keys = app.tenants.pane == TenantPane::Timeline;
    let first = app.tenants.row.saturating_sub(height / 2).min(shown.len().saturating_sub(height));
    let rows = || shown.iter().skip(first).take(height);
    let widest = |wide: &dyn Fn(&TimelineRow) -> usize| {
        u16::try_from(rows().map(|row| wide(row)).max().unwrap_or(0)).unwrap_or(NAMES).min(NAMES) + 1
    };
    // What happened is what is read: the rest takes no more room than it needs.
    let wide = Wide {
        at: widest(&|row| width(&app.times.stamp(row.place.at, app.now))),
        kind: widest(&|row| width(row.kind.name())),
        source: if area.width >= WITH_SOURCE { widest(&|row| width(&row.source)) } else { 0 },
    };
    for (y, index) in (area.top()..area.bottom()).zip(first..) {
        let line = Rect { y, height: 1, ..area };
        let Some(row) = shown.get(index) else {
            if app.tenants.timeline.value().is_some_and(|window| window.next.is_none()) {
                pen.text(line.x + 2, y, line.width.saturating_sub(2), "this is the beginning", pen.styles.faint);
            }
            break;
        };
        pen.hit(line, Hit::Row(Place::Timeline, index));
        if index == app.tenants.row && has_keys {
            pen.style(line, pen.styles.selected);
            pen.text(line.x, y, 1, pen.glyphs.cursor, pen.styles.title);
        }
        draw_row(app, pen, line, row, wide);
    }
}

/// How many columns the parts of a row have, each with the blank behind it.
#[derive(Clone, Copy)]
struct Wide {
    at: u16,
    kind: u16,
    source: u16,
}

fn draw_row(app: &App, pen: &mut Pen<'_>, line: Rect, row: &TimelineRow, wide: Wide) {
    let styles = pen.styles;
    let mut cells = Cells::of(line);
    let at = app.times.stamp(row.place.at, app.now);
    cells.put(pen, wide.at + 1, &at, styles.dim);
    if app.shows_customer() {
        cells.put(pen, line.width, row.for_customer.as_deref().unwrap_or_default(), styles.text);
        return;
    }
    cells.put(pen, wide.kind, row.kind.name(), kind_style(styles, row.kind));
    cells.put(pen, wide.source, &row.source, styles.faint);
    cells.put(pen, line.width, &row.text, styles.text);
}
