//! The flows: every open or failed instance, as a window on a list that may be long.

use std::borrow::Cow;

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::{body, preview};
use crate::cockpit::app::{App, PromptKind};
use crate::cockpit::command::CommandId;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::widgets::numbers::{age_since, engine_now, grouped};
use crate::cockpit::widgets::pen::{Pen, end_of, width};
use crate::cockpit::widgets::state;
use crate::domain::flow::{FlowInstance, JudgedFlow, PauseCause, Status};
use crate::domain::text::SafeText;
use crate::domain::verdict::Verdict;
use crate::ops::{GroupBy, GroupHead, Line, SortBy};
use ratatui::layout::Position;

/// Where the parts of the screen are.
pub(in crate::cockpit) struct Areas {
    pub(in crate::cockpit) bar: Rect,
    pub(in crate::cockpit) heading: Rect,
    pub(in crate::cockpit) list: Rect,
    pub(in crate::cockpit) preview: Option<Rect>,
}

/// How many lines the preview takes at most, with the rule above it: what is more says nothing that the list needs.
const PREVIEW: u16 = 11;

/// Places the parts: the preview below the list where there is height for both, beside it where there is only width,
/// else nowhere. What a short list leaves free is the preview's.
pub(in crate::cockpit) fn areas(app: &App) -> Areas {
    let body = body(app);
    // A wrong filter has a line of its own below the bar.
    let bar_height = if app.flows.error.is_some() { 2 } else { 1 }.min(body.height);
    let bar = Rect { height: bar_height, ..body };
    let mut rest = Rect { y: body.y + bar_height, height: body.height - bar_height, ..body };
    let preview = if body.height < 27 && body.width >= 140 {
        let wide = body.width * 2 / 5;
        rest.width -= wide;
        Some(Rect { x: rest.right(), width: wide, ..rest })
    } else {
        let least = match body.height {
            27.. => (body.height / 3).min(PREVIEW),
            17.. => 3,
            _ => 0,
        };
        // The heading, the rows, and one that may be gone and keeps its place.
        let listed = app.flows.window.value().map_or(usize::MAX, |window| window.total.saturating_add(2));
        let free = rest.height.saturating_sub(u16::try_from(listed).unwrap_or(u16::MAX));
        let tall = free.clamp(least, PREVIEW);
        (tall >= 3).then(|| {
            rest.height -= tall;
            Rect { y: rest.bottom(), height: tall, ..rest }
        })
    };
    let heading = Rect { height: 1.min(rest.height), ..rest };
    let list = Rect { y: rest.y + heading.height, height: rest.height - heading.height, ..rest };
    Areas { bar, heading, list, preview }
}

/// Draws the screen, and tells where the text cursor is.
pub(in crate::cockpit) fn draw(app: &App, pen: &mut Pen<'_>) -> Option<Position> {
    let areas = areas(app);
    let cursor = bar(app, pen, areas.bar);
    list(app, pen, &areas);
    if let Some(area) = areas.preview {
        preview::draw(app, pen, area);
    }
    cursor
}

/// The filter, the order and the position.
fn bar(app: &App, pen: &mut Pen<'_>, area: Rect) -> Option<Position> {
    if area.height == 0 {
        return None;
    }
    let styles = pen.styles;
    let flows = &app.flows;
    let typing = app.prompt.as_ref().filter(|prompt| matches!(prompt.kind, PromptKind::Filter { .. }));
    let total = match flows.window.value() {
        Some(window) => {
            let at = if window.total == 0 { 0 } else { flows.cursor + 1 };
            let of = grouped(window.total as u64);
            let of =
                if flows.group.is_some() { format!("{of} lines, {}", grouped(window.matching as u64)) } else { of };
            let all = if window.unfiltered == window.matching {
                String::new()
            } else {
                format!(" (of {})", grouped(window.unfiltered as u64))
            };
            format!("{at}/{of}{all}")
        }
        None => "?/?".to_owned(),
    };
    let order = pen.glyphs.order[usize::from(flows.reverse)];
    let by = flows.group.as_ref().map(|group| format!("{} by {}   ", pen.glyphs.groups, group.by.name()));
    let by = by.unwrap_or_default();
    let right = match &flows.error {
        // What is shown is not what is being typed.
        Some(_) if flows.text.is_empty() => format!("rows: still those without a filter   {total} "),
        Some(_) => format!("rows: still those of {}   {total} ", SafeText::clipped(&flows.text, 30)),
        None => format!("{by}{order} {}   {total} ", order_words(flows.sort, flows.reverse)),
    };
    let marks =
        flows.marks.as_ref().map(|marks| format!("{} {}   ", pen.glyphs.mark, marks.words())).unwrap_or_default();
    let right_width = u16::try_from(width(&right) + width(&marks)).unwrap_or(0).min(area.width * 3 / 4);
    // What is marked comes first: where not all fits, the order is what is cut.
    let right_style = if flows.error.is_some() { styles.warning } else { styles.dim };
    let spans = [Span::styled(marks, styles.key), Span::styled(right, right_style)];
    pen.spans(area.right().saturating_sub(right_width), area.y, right_width, &spans);
    let room = area.width.saturating_sub(right_width + 4);
    let x = area.x + 3;
    let mut cursor = None;
    pen.hit(Rect { height: 1, ..area }, Hit::Command(CommandId::Filter));
    pen.text(area.x + 1, area.y, 1, "/", if typing.is_some() { styles.title } else { styles.faint });
    if let Some(prompt) = typing {
        pen.style(Rect { x, width: room, height: 1, y: area.y }, styles.input);
        let scroll = prompt.input.visual_scroll(usize::from(room.saturating_sub(1)));
        let text = SafeText::new(prompt.input.value());
        let visible: String = skip_columns(&text, scroll);
        pen.text(x, area.y, room, &visible, styles.input);
        let column = u16::try_from(prompt.input.visual_cursor().saturating_sub(scroll)).unwrap_or(0);
        cursor = Some(Position::new(x + column.min(room), area.y));
    } else if flows.text.is_empty() {
        pen.text(x, area.y, room, "no filter: every open or failed instance", styles.faint);
    } else {
        let used = pen.text(x, area.y, room, &SafeText::new(&flows.text), styles.strong);
        // An id says nothing to a reader: what the cohort is stands behind it.
        if let Some(words) = cohort_words(app) {
            pen.text(x + used + 2, area.y, room.saturating_sub(used + 2), &words, styles.dim);
        }
    }
    if let Some(error) = flows.error.as_ref().filter(|_| area.height > 1) {
        let meant = error.suggestion.as_ref().map(|word| format!("; is {word} meant?")).unwrap_or_default();
        let text = format!("{} column {}, {:?}: {}{meant}", pen.glyphs.bad, error.column, error.word, error.message);
        pen.text(x, area.y + 1, area.width.saturating_sub(4), &SafeText::new(&text), styles.warning);
    }
    cursor
}

/// The order in words: what comes first.
const fn order_words(sort: SortBy, reverse: bool) -> &'static str {
    match (sort, reverse) {
        (SortBy::Worst, true) => "least bad first",
        _ => sort.name(),
    }
}

/// What the cohort in the filter is, in words, where the board knows it: its flow, its step, and why.
fn cohort_words(app: &App) -> Option<String> {
    let id = app.flows.text.split_whitespace().find_map(|word| word.strip_prefix("cohort:"))?;
    let known = app.overview.value().map(|overview| overview.cohorts.as_slice()).unwrap_or_default();
    let cohort = known.iter().chain(&app.board.shown).find(|cohort| cohort.id == *id)?;
    Some(format!("{} {} {}: {}", cohort.flow, app.glyphs.step, cohort.step, cohort.fingerprint))
}

/// A text without its first columns.
fn skip_columns(text: &str, columns: usize) -> String {
    let mut skipped = 0;
    text.chars()
        .skip_while(|c| {
            let before = skipped;
            skipped += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
            before < columns
        })
        .collect()
}

/// How wide each column is, with the gap behind it; one that is not shown is 0 wide. In the order on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    state: u16,
    age: u16,
    name: u16,
    tenant: u16,
    attempts: u16,
    error: u16,
    id: u16,
}

/// How wide the contents of some columns are.
#[derive(Debug, Clone, Copy)]
struct Wants {
    state: u16,
    name: u16,
    tenant: u16,
    id: u16,
}

impl Wants {
    /// What the rows need. Where only a part of them is held, the flows and steps come from the overview and the others
    /// are rounded up to one of a few widths: scrolling on must not move the columns.
    fn of(app: &App) -> Self {
        let most =
            |widths: &mut dyn Iterator<Item = usize>| u16::try_from(widths.max().unwrap_or(0)).unwrap_or(u16::MAX);
        let Some(window) = app.flows.window.value() else { return Self { state: 11, name: 30, tenant: 18, id: 21 } };
        let rows = || window.rows.iter().map(|row| &row.flow);
        let name = |flow: &str, step: &str| width(flow) + 3 + width(step);
        let mut wants = Self {
            state: most(&mut window.rows.iter().map(|row| width(word_of(row)))),
            name: most(&mut rows().map(|flow| name(&flow.flow, &flow.step))),
            tenant: most(&mut rows().map(|flow| width(&whose(flow)))),
            id: most(&mut rows().map(|flow| width(&flow.id.instance))),
        };
        if window.rows.len() < window.total {
            if let Some(overview) = app.overview.value() {
                let listed = overview.cells.iter().filter(|cell| cell.counts.open + cell.counts.failed > 0);
                wants.name = wants.name.max(most(&mut listed.map(|cell| name(&cell.flow, &cell.step))));
                let mut rules = overview.cohorts.iter().map(|cohort| width(cohort.rule.words()));
                wants.state = wants.state.max(most(&mut rules));
            }
            let bound = |most: u16, bounds: [u16; 3]| bounds.into_iter().find(|bound| most <= *bound).unwrap_or(most);
            wants.tenant = bound(wants.tenant, [12, 18, 28]);
            wants.id = bound(wants.id, [12, 21, 36]);
        }
        wants
    }
}

impl Layout {
    /// The least columns in which an error says anything.
    const ERROR: u16 = 16;

    /// From how many columns on an id is shown, and be it by its end alone.
    const SHORT_ID: u16 = 120;

    /// What goes first when it is narrow: the id, which is cut to its end before that, the attempts, the error, the tenant. The id depends on the width
    /// alone: it does not come and go with what the rows hold.
    fn of(width: u16, wants: Wants) -> Self {
        let narrow = width < 100;
        let mut layout = Self {
            state: 3 + wants.state.clamp(11, 13),
            age: if narrow { 5 } else { 6 },
            name: 0,
            tenant: 0,
            attempts: 0,
            error: 0,
            id: 0,
        };
        let mut room = width.saturating_sub(2 + layout.state + layout.age);
        let name = 1 + wants.name.clamp(12, (width * 3 / 10).clamp(36, 60));
        let tenant = 1 + wants.tenant.clamp(7, if width >= 160 { 28 } else { 18 });
        layout.name = name.min(27);
        layout.tenant = tenant.min(13);
        let error = room >= layout.name + layout.tenant + Self::ERROR;
        if !error && room < layout.tenant + 24 {
            layout.tenant = 0;
        }
        if error {
            room -= Self::ERROR;
        } else {
            layout.name = layout.name.min(room.saturating_sub(layout.tenant));
        }
        room = room.saturating_sub(layout.name + layout.tenant);
        let mut take = |wanted: u16| {
            let taken = wanted.min(room);
            room -= taken;
            taken
        };
        // A tenant cut by a little is still known; a flow's name gives way before its step.
        let spare = take(tenant.saturating_sub(layout.tenant).min(if layout.tenant > 0 { 3 } else { 0 }));
        layout.tenant += spare;
        layout.name += take(name - layout.name);
        if layout.tenant > 0 {
            layout.tenant += take(tenant - layout.tenant);
        }
        if room >= if error { 6 + 8 } else { 6 } {
            layout.attempts = 6;
            room -= 6;
        }
        if width >= Self::SHORT_ID {
            let most = match width {
                190.. => 36,
                160.. => 21,
                _ => 9,
            };
            layout.id = (1 + wants.id.clamp(9, most)).min(room);
            room -= layout.id;
        }
        if error {
            layout.error = Self::ERROR + room;
        }
        layout
    }
}

/// Whose an instance is: where nobody says, the key is what people know it by.
fn whose(flow: &FlowInstance) -> Cow<'_, str> {
    match (flow.tenant.as_deref(), flow.key.as_deref()) {
        (Some(tenant), _) => Cow::Borrowed(tenant),
        (None, Some(key)) => Cow::Owned(format!("key {key}")),
        (None, None) => Cow::Borrowed("?"),
    }
}

fn list(app: &App, pen: &mut Pen<'_>, areas: &Areas) {
    let styles = pen.styles;
    let area = areas.list;
    let layout = Layout::of(area.width, Wants::of(app));
    heading(app, pen, areas.heading, &layout);
    pen.hit(area, Hit::Area(Place::Flows));
    if state::absent(pen, area, &app.flows.window, "the flows", app.now) {
        return;
    }
    let Some(window) = app.flows.window.value() else { return };
    if window.total == 0 && !app.flows.gone {
        let text = if window.unfiltered == 0 {
            format!("{} there is no open or failed instance", pen.glyphs.ok)
        } else {
            let near = window.near.as_ref().map(|near| format!("; {}", near.told())).unwrap_or_default();
            format!("none of {} matches{near}", grouped(window.unfiltered as u64))
        };
        pen.centre(area, &text, if window.unfiltered == 0 { styles.ok } else { styles.dim });
        return;
    }
    let mut rows = area;
    if app.flows.window.error().is_some() {
        let line = Rect { y: area.bottom().saturating_sub(1), height: 1.min(area.height), ..area };
        state::stale(pen, line, &app.flows.window, app.now);
        rows.height = rows.height.saturating_sub(1);
    }
    // A row that is gone keeps its place; those behind it follow one line lower.
    let ghost = app.flows.gone.then_some(app.flows.cursor);
    let shown = window.total + usize::from(ghost.is_some());
    for (y, index) in (rows.top()..rows.bottom()).zip(app.flows.top..shown) {
        let selected = index == app.flows.cursor;
        let line = Rect { y, height: 1, ..rows };
        pen.hit(line, Hit::Row(Place::Flows, index));
        if selected {
            pen.style(line, styles.selected);
            pen.text(line.x, y, 1, pen.glyphs.cursor, styles.title);
        }
        let behind = usize::from(ghost.is_some_and(|ghost| index > ghost));
        let shown =
            if ghost == Some(index) { app.flows.row.as_ref().map(Line::Row) } else { window.line(index - behind) };
        match shown {
            Some(Line::Row(flow)) => row(app, pen, flow, line, &layout, ghost == Some(index)),
            Some(Line::Head(group)) => {
                pen.hit(Rect { x: line.x, width: 3.min(line.width), ..line }, Hit::Fold(index));
                head(app, pen, group, line, &layout);
            }
            None => {
                pen.text(line.x + 2, y, line.width, pen.glyphs.ellipsis, styles.faint);
            }
        }
    }
}

fn heading(app: &App, pen: &mut Pen<'_>, area: Rect, layout: &Layout) {
    if area.height == 0 {
        return;
    }
    let style = pen.styles.heading;
    let y = area.y;
    let mut x = area.x + 2;
    let order = pen.glyphs.order[usize::from(app.flows.reverse)];
    // The column that the rows are sorted by says so; the worst first and the time of creation have none.
    let title = |title: &str, by: SortBy| {
        let mark = if app.flows.sort == by { order } else { "" };
        format!("{title}{mark}")
    };
    // A mark stands behind the edge at which its column's title ends.
    let right = |pen: &mut Pen<'_>, x: u16, wide: u16, name: &str, by: SortBy| {
        pen.right(x, y, wide, name, style);
        if app.flows.sort == by {
            pen.text(x + wide, y, 1, order, style);
        }
    };
    let mut at = x;
    for (wide, by) in [
        (layout.state, SortBy::Status),
        (layout.age, SortBy::For),
        (layout.name, SortBy::Flow),
        (layout.tenant, SortBy::Tenant),
        (layout.attempts, SortBy::Attempts),
        (layout.error, SortBy::Worst),
        (layout.id, SortBy::Id),
    ] {
        pen.hit(Rect { x: at, width: wide, ..area }, Hit::Sort(by));
        at += wide;
    }
    pen.text(x, y, layout.state, &title("STATE", SortBy::Status), style);
    x += layout.state;
    right(pen, x, 4, "FOR", SortBy::For);
    x += layout.age;
    let by_step = if app.flows.sort == SortBy::Step { order } else { "" };
    let step = format!("{} {} STEP{by_step}", title("FLOW", SortBy::Flow), pen.glyphs.step);
    pen.text(x, y, layout.name.saturating_sub(1), &step, style);
    x += layout.name;
    pen.text(x, y, layout.tenant, &title("TENANT", SortBy::Tenant), style);
    x += layout.tenant;
    if layout.attempts > 0 {
        right(pen, x, layout.attempts - 2, "ATT", SortBy::Attempts);
    }
    x += layout.attempts;
    pen.text(x, y, layout.error, &title("ERROR", SortBy::Error), style);
    x += layout.error;
    pen.text(x, y, layout.id, &title("ID", SortBy::Id), style);
}

/// The head of a group: how many are stuck and since when, what they have in common, and how many they are.
fn head(app: &App, pen: &mut Pen<'_>, group: &GroupHead, area: Rect, layout: &Layout) {
    let styles = pen.styles;
    let y = area.y;
    let mut x = area.x + 1;
    let fold = if group.unfolded { pen.glyphs.unfolded } else { pen.glyphs.folded };
    pen.text(x, y, 1, fold, styles.key);
    x += 1;
    let stuck = format!("{} stuck", grouped(group.stuck as u64));
    pen.text(x + 1, y, layout.state - 2, &stuck, if group.stuck > 0 { styles.stuck } else { styles.dim });
    x += layout.state + layout.age;
    let by = app.flows.group.as_ref().map(|group| group.by);
    let name = group.key.0.as_deref().map(|name| match by {
        Some(GroupBy::Rule | GroupBy::Status) => name.replace('_', " "),
        _ => name.to_owned(),
    });
    let (name, style) = match name {
        Some(name) => (name, styles.strong),
        None => (by.map_or("not known", GroupBy::nothing).to_owned(), styles.dim),
    };
    // Of several sources none has the only clock; they differ by less than what an age shows. It is that of all of
    // them, and not of those that are stuck.
    let oldest = group.oldest.map(|at| format!(", the oldest {}", age_since(Some(at), app.now))).unwrap_or_default();
    let count = format!("  {} of {} open{oldest}", grouped(group.open as u64), grouped(group.count as u64));
    let room = area.right().saturating_sub(x);
    let kept = u16::try_from(width(&count)).unwrap_or(0).min(room);
    let used = pen.text(x, y, room - kept, &name, style);
    pen.text(x + used, y, kept, &count, styles.dim);
}

/// What an instance is, in a word, with the style and the glyph that say the same.
pub(in crate::cockpit) fn state_of(pen: &Pen<'_>, flow: &JudgedFlow) -> (&'static str, &'static str, Style) {
    let styles = pen.styles;
    let style = match flow.judgement.verdict {
        Verdict::Stuck => styles.stuck,
        Verdict::Suspect => styles.suspect,
        Verdict::Recheck => styles.recheck,
        Verdict::Unknown => styles.unknown,
        Verdict::Ok => match flow.flow.status {
            Status::Paused if flow.flow.pause == Some(PauseCause::Held) => styles.held,
            Status::Waiting | Status::Scheduled => styles.waiting,
            Status::Failed | Status::TimedOut => styles.failed,
            _ => styles.ok,
        },
    };
    (pen.glyphs.verdict(flow.judgement.verdict), word_of(flow), style)
}

/// What an instance is, in a word.
fn word_of(flow: &JudgedFlow) -> &'static str {
    match flow.judgement.verdict {
        Verdict::Stuck => flow.judgement.rule().map_or("stuck", |rule| rule.words()),
        Verdict::Recheck => "recheck",
        Verdict::Unknown => "unknown",
        Verdict::Ok if flow.flow.status == Status::Paused && flow.flow.pause == Some(PauseCause::Held) => "held",
        Verdict::Suspect | Verdict::Ok => flow.flow.status.words(),
    }
}

fn row(app: &App, pen: &mut Pen<'_>, flow: &JudgedFlow, area: Rect, layout: &Layout, gone: bool) {
    let styles = pen.styles;
    let tone = |style: Style| if gone { styles.gone } else { style };
    let instance = &flow.flow;
    let y = area.y;
    let source = app.overview.value().and_then(|overview| overview.source(&instance.id.source));
    let now = engine_now(source, app.now);
    if app.flows.marks.as_ref().is_some_and(|marks| marks.holds(flow, now)) {
        pen.text(area.x + 1, y, 1, pen.glyphs.mark, styles.key);
    }
    let mut x = area.x + 2;
    let (glyph, word, style) = if gone { (pen.glyphs.dot, "left", styles.gone) } else { state_of(pen, flow) };
    pen.text(x, y, layout.state - 1, &format!("{glyph} {word}"), style);
    x += layout.state;
    let age = age_since(flow.began(), now);
    pen.right(x, y, 4, &age, tone(styles.text));
    x += layout.age;
    let name = [
        Span::styled(instance.flow.as_str(), tone(styles.text)),
        Span::styled(format!(" {} ", pen.glyphs.step), tone(styles.faint)),
        Span::styled(instance.step.as_str(), tone(styles.strong)),
    ];
    // The step says more than the end of a long flow's name: that is what gives way.
    let wanted: usize = name.iter().map(|span| width(&span.content)).sum();
    let name_room = layout.name.saturating_sub(1);
    let room = usize::from(name_room);
    if wanted > room && width(&instance.step) + 10 < room {
        let flow_room = room - width(&instance.step) - 3;
        let used = pen.text(x, y, u16::try_from(flow_room).unwrap_or(0), &instance.flow, tone(styles.text));
        pen.spans(x + used, y, name_room - used, &name[1..]);
    } else {
        pen.spans(x, y, name_room, &name);
    }
    x += layout.name;
    if layout.tenant > 0 {
        let style = if instance.tenant.is_some() { styles.text } else { styles.faint };
        pen.text(x, y, layout.tenant - 1, &whose(instance), tone(style));
        x += layout.tenant;
    }
    if layout.attempts > 0 {
        let attempts = instance.attempts.map_or("?".to_owned(), |n| n.to_string());
        pen.right(x, y, layout.attempts - 2, &attempts, tone(styles.dim));
        x += layout.attempts;
    }
    if layout.error > 0 {
        if let Some(error) = &instance.error {
            pen.text(x, y, layout.error - 1, &error.text, tone(styles.error_text));
        } else if let Some(wait) = &instance.wait {
            let on = wait.name().map(|name| format!(" {name}")).unwrap_or_default();
            pen.text(x, y, layout.error - 1, &format!("waits for {}{on}", wait.kind.words()), tone(styles.dim));
        }
        x += layout.error;
    }
    if layout.id > 0 {
        // Ids of one engine begin alike: their ends tell them apart.
        let id = end_of(&instance.id.instance, usize::from(layout.id - 1), pen.glyphs.ellipsis);
        pen.text(x, y, layout.id - 1, &id, tone(styles.dim));
    }
}

#[cfg(test)]
mod tests {
    use super::{Layout, Wants};

    #[test]
    fn the_columns_fill_the_width_and_no_more() {
        for width in 0..400 {
            for name in [0, 20, 30, 45, 300] {
                for tenant in [0, 9, 12, 18, 300] {
                    let layout = Layout::of(width, Wants { state: 11 + name % 3, name, tenant, id: 36 });
                    let Layout { state, age, name, tenant, attempts, error, id } = layout;
                    let sum = 2 + state + age + name + tenant + attempts + error + id;
                    assert!(sum <= width.max(2 + state + age), "{width}: {layout:?}");
                    assert!(error == 0 || error >= Layout::ERROR, "{width}: {layout:?}");
                    assert!(error > 0 || width < 80, "{width}: {layout:?}");
                    assert_eq!(id > 0, width >= Layout::SHORT_ID, "{width}: {layout:?}");
                }
            }
        }
    }
}
