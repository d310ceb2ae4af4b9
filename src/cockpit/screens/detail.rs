//! One instance: its verdict and why first, then what it waits for, its error, its timeline, and what may be done.

use jiff::Timestamp;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::flows::state_of;
use super::{body, gantt};
use crate::cockpit::acts;
use crate::cockpit::app::App;
use crate::cockpit::command::CommandId;
use crate::cockpit::glyphs::Glyphs;
use crate::cockpit::popups::{self, progress};
use crate::cockpit::remote::Remote;
use crate::cockpit::theme::Styles;
use crate::cockpit::times::Times;
use crate::cockpit::widgets::numbers::engine_now;
use crate::cockpit::widgets::pen::{Pen, fit, width, wrap};
use crate::cockpit::widgets::sheet::Sheet;
use crate::cockpit::widgets::state;
use crate::domain::claim::Claim;
use crate::domain::cohort::cohort_of;
use crate::domain::flow::{EntryOutcome, FlowInstance, JudgedFlow, PauseCause, Status, TimelineEntry, Wait};
use crate::domain::time::{age, short, since, words};
use crate::domain::verdict::{Judgement, Verdict};
use crate::ops::{FlowAnswer, OpsError};

/// From how many columns on the facts stand beside the timeline.
const WIDE: u16 = 130;

/// Lines of text, to be scrolled.
#[derive(Default)]
pub(in crate::cockpit) struct Block {
    lines: Vec<Vec<Span<'static>>>,
    mark: Option<usize>,
}

impl Block {
    /// Adds a line. Blanks at its end are left out: where it is cut they would be cut too, and a cut is shown.
    pub(in crate::cockpit) fn push(&mut self, mut line: Vec<Span<'static>>) {
        if let Some(last) = line.last_mut().filter(|last| last.content.ends_with(char::is_whitespace)) {
            last.content = last.content.trim_end().to_owned().into();
        }
        self.lines.push(line);
    }

    /// Adds an empty line, unless the last one is.
    pub(in crate::cockpit) fn gap(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(Vec::new());
        }
    }

    /// Its lines.
    pub(in crate::cockpit) fn into_lines(self) -> Vec<Vec<Span<'static>>> {
        self.lines
    }

    /// Remembers the last line, which can be scrolled to.
    pub(in crate::cockpit) fn mark(&mut self) {
        self.mark = Some(self.lines.len().saturating_sub(1));
    }

    /// The same in two columns of this width, with a gap between: it is parted at the empty line nearest to its middle.
    pub(in crate::cockpit) fn in_two(self, columns: usize, gap: usize) -> Self {
        let middle = self.lines.len().div_ceil(2);
        let empty = (0..self.lines.len()).filter(|at| self.lines[*at].is_empty());
        let at = empty.min_by_key(|at| at.abs_diff(middle)).unwrap_or(middle);
        let mut left = self.lines;
        let mut right = left.split_off(at);
        if right.first().is_some_and(Vec::is_empty) {
            right.remove(0);
        }
        let mut right = right.into_iter();
        left.resize_with(left.len().max(right.len()), Vec::new);
        let join = |mut line: Vec<Span<'static>>| {
            if let Some(beside) = right.next() {
                let used: usize = line.iter().map(|span| width(&span.content)).sum();
                line.push(Span::raw(" ".repeat((columns + gap).saturating_sub(used))));
                line.extend(beside);
            }
            line
        };
        Self { lines: left.into_iter().map(join).collect(), mark: None }
    }

    /// A line by its index.
    pub(in crate::cockpit) fn line(&self, index: usize) -> Option<&Vec<Span<'static>>> {
        self.lines.get(index)
    }

    /// How many lines there are.
    pub(in crate::cockpit) fn len(&self) -> usize {
        self.lines.len()
    }
}

/// Paints the lines of a block from `scroll` on.
pub(in crate::cockpit) fn paint(pen: &mut Pen<'_>, area: Rect, block: &Block, scroll: usize) {
    let most = block.len().saturating_sub(usize::from(area.height));
    let scroll = scroll.min(most);
    let below = block.len().saturating_sub(scroll + usize::from(area.height));
    paint_part(pen, area, block.lines.iter().skip(scroll), scroll, below);
}

/// Paints the lines that are in sight, of which so many are above and below.
pub(in crate::cockpit) fn paint_part<'l>(
    pen: &mut Pen<'_>,
    area: Rect,
    lines: impl Iterator<Item = &'l Vec<Span<'static>>>,
    above: usize,
    below: usize,
) {
    let more = |count: usize, glyph: &str| {
        if count > 0 && area.height > 1 { format!(" {count} more {glyph} ") } else { String::new() }
    };
    let (above, below) = (more(above, pen.glyphs.above), more(below, pen.glyphs.below));
    for (y, line) in (area.top()..area.bottom()).zip(lines) {
        // What says how much more there is lies over no text: the line before it is cut, and shows that it is.
        let more = match y {
            _ if y == area.top() && !above.is_empty() => above.as_str(),
            _ if y + 1 == area.bottom() => below.as_str(),
            _ => "",
        };
        let wide = u16::try_from(width(more)).unwrap_or(0).min(area.width);
        pen.spans(area.x, y, area.width - wide, line);
        pen.text(area.right() - wide, y, wide, more, pen.styles.info);
    }
}

const LABEL: usize = 10;

/// A label and a text beside it, wrapped.
pub(in crate::cockpit) fn labelled(
    block: &mut Block,
    styles: &Styles,
    label: &str,
    text: &str,
    style: Style,
    columns: usize,
) {
    beside(block, styles, (label, LABEL), text, style, columns);
}

/// The same with a label of that width.
fn beside(block: &mut Block, styles: &Styles, label: (&str, usize), text: &str, style: Style, columns: usize) {
    let (label, wide) = label;
    for (at, line) in wrap(text, columns.saturating_sub(wide)).into_iter().enumerate() {
        let label = if at == 0 { label } else { "" };
        block.push(vec![Span::styled(format!("{label:<wide$}"), styles.faint), Span::styled(line, style)]);
    }
}

/// Why the verdict is what it is: rule, threshold, since, evidence; then what the other rules say.
pub(in crate::cockpit) fn explain(
    block: &mut Block,
    styles: &Styles,
    judgement: &Judgement,
    times: &Times,
    now: Timestamp,
    columns: usize,
) {
    for (at, finding) in judgement.findings.iter().enumerate() {
        let style = match finding.verdict {
            Verdict::Stuck if at == 0 => styles.strong,
            Verdict::Suspect => styles.suspect,
            Verdict::Unknown | Verdict::Recheck => styles.unknown,
            Verdict::Stuck | Verdict::Ok => styles.text,
        };
        let label = if at == 0 { "why" } else { "also" };
        let evidence =
            if finding.evidence.is_empty() { finding.rule.doc().to_owned() } else { finding.evidence.to_string() };
        labelled(block, styles, label, &evidence, style, columns);
        let began = finding
            .since
            .map(|at| format!(", since {}, {} ago", times.moment(at, now), age(since(at, now))))
            .unwrap_or_default();
        let limit =
            if finding.threshold.is_empty() { String::new() } else { format!(", threshold: {}", finding.threshold) };
        let rule = format!("{} by the rule {:?}{limit}{began}", finding.verdict.name(), finding.rule.words());
        labelled(block, styles, "", &rule, styles.dim, columns);
    }
    if judgement.verdict == Verdict::Recheck {
        labelled(block, styles, "", "its source is silent: this was so when it was last heard", styles.stale, columns);
    }
}

fn wait(block: &mut Block, styles: &Styles, wait: &Wait, now: Timestamp, columns: usize) {
    let on = wait.name().map(|name| format!(": {name}")).unwrap_or_default();
    let began = wait.since.map(|at| format!(", for {}", words(since(at, now)))).unwrap_or_default();
    let until = match wait.until {
        Some(until) if until > now => format!(", ends in {}", words(since(now, until))),
        Some(until) => format!(", was to end {} ago", words(since(until, now))),
        None => String::new(),
    };
    labelled(block, styles, "waits for", &format!("{}{on}{began}{until}", wait.kind.words()), styles.waiting, columns);
}

/// Draws the screen.
pub(in crate::cockpit) fn draw(app: &App, pen: &mut Pen<'_>) {
    let mut area = body(app);
    if area.height == 0 {
        return;
    }
    let Some(id) = &app.detail.id else {
        pen.centre(area, "nothing is open", pen.styles.faint);
        return;
    };
    title(app, pen, Rect { height: 1, ..area }, &id.to_string());
    area.y += 1;
    area.height -= 1;
    if area.height > 0 && problem(app, pen, Rect { height: 1, ..area }) {
        area.y += 1;
        area.height -= 1;
    }
    let Some(answer) = app.detail.answer.value() else {
        let what = "this instance";
        if app.detail.seed.is_none() || matches!(app.detail.answer, Remote::Failed(_)) {
            state::absent(pen, area, &app.detail.answer, what, app.now);
        } else if let Some(seed) = &app.detail.seed {
            // What the list knew stands in until its source has answered.
            let block = seed_block(app, pen, seed, usize::from(area.width.saturating_sub(4)));
            paint(pen, Rect { x: area.x + 2, width: area.width.saturating_sub(4), ..area }, &block, 0);
        }
        return;
    };
    let (left, right) = split(area);
    let main = main_block(app, pen.styles, pen.glyphs, answer, left.width, right.is_none());
    paint(pen, left, &main, app.detail.scroll);
    if let Some(right) = right {
        for y in area.top()..area.bottom() {
            pen.text(right.x - 2, y, 1, pen.glyphs.bar, pen.styles.rule);
        }
        let mut side = Block::default();
        side_block(&mut side, app, pen.styles, pen.glyphs, answer, right.width);
        paint(pen, right, &side, 0);
    }
}

fn split(area: Rect) -> (Rect, Option<Rect>) {
    if area.width < WIDE {
        return (Rect { x: area.x + 2, width: area.width.saturating_sub(3), ..area }, None);
    }
    let side = area.width * 2 / 5;
    let left = Rect { x: area.x + 2, width: area.width - side - 5, ..area };
    (left, Some(Rect { x: area.right() - side, width: side - 1, ..area }))
}

/// The line at which its steps begin.
pub(in crate::cockpit) fn steps_at(app: &App) -> usize {
    let area = body(app);
    let Some(answer) = app.detail.answer.value() else { return 0 };
    let (left, right) = split(area);
    let block = main_block(app, &Styles::default(), app.glyphs, answer, left.width, right.is_none());
    block.mark.unwrap_or(0)
}

/// How many lines there are to scroll through, and how many fit.
pub(in crate::cockpit) fn extent(app: &App) -> (usize, usize) {
    let mut area = body(app);
    area.height = area.height.saturating_sub(1 + u16::from(app.detail.answer.error().is_some()));
    let Some(answer) = app.detail.answer.value() else { return (0, usize::from(area.height)) };
    let (left, right) = split(area);
    let styles = Styles::default();
    let block = main_block(app, &styles, app.glyphs, answer, left.width, right.is_none());
    (block.len(), usize::from(area.height))
}

fn title(app: &App, pen: &mut Pen<'_>, area: Rect, id: &str) {
    let read = match &app.detail.answer {
        Remote::Fresh { at, .. } | Remote::Stale { at, .. } => format!("read {} ago", age(since(*at, app.now))),
        Remote::Loading(_) => "asking its source".to_owned(),
        Remote::Never | Remote::Failed(_) => String::new(),
    };
    let spans = [
        Span::styled(id.to_owned(), pen.styles.title),
        Span::styled(if read.is_empty() { read } else { format!("  {read}") }, pen.styles.dim),
    ];
    pen.rule(area, &spans);
}

/// Says why the last reading failed. Returns whether it did.
fn problem(app: &App, pen: &mut Pen<'_>, area: Rect) -> bool {
    let Remote::Stale { at, error, .. } = &app.detail.answer else { return false };
    let old = age(since(*at, app.now));
    let text = match error {
        OpsError::NotFound(why) => format!("{} gone: {why}; this is how it was {old} ago", pen.glyphs.bad),
        other => format!("{} not read again: {other}; this is {old} old", pen.glyphs.warn),
    };
    pen.text(area.x + 2, area.y, area.width.saturating_sub(3), &text, pen.styles.stale);
    true
}

fn seed_block(app: &App, pen: &Pen<'_>, seed: &JudgedFlow, columns: usize) -> Block {
    let source = app.overview.value().and_then(|overview| overview.source(&seed.flow.id.source));
    let now = engine_now(source, app.now);
    let mut block = Block::default();
    let act = acts::last_on(app, &seed.flow.id);
    verdict_line(&mut block, pen.styles, pen.glyphs, seed, act.is_some_and(acts::troubled));
    explain(&mut block, pen.styles, &seed.judgement, &app.times, now, columns);
    if let Some(claim) = claim_of(app, seed) {
        labelled(&mut block, pen.styles, "who", &popups::claim::told(app, claim), pen.styles.info, columns);
    }
    block.gap();
    block.push(vec![Span::styled(format!("{} asking its source for the rest", pen.glyphs.busy), pen.styles.info)]);
    block
}

/// The verdict in a word. After an act that came to nothing, "ok" would say that it is well: no rule holds yet, and so
/// its status stands there.
fn verdict_line(block: &mut Block, styles: &Styles, glyphs: &'static Glyphs, flow: &JudgedFlow, troubled: bool) {
    let mut sheet = Sheet::default();
    let pen = Pen { sheet: &mut sheet, styles, glyphs, ascii: false, hits: Vec::new() };
    let (glyph, _, style) = state_of(&pen, flow);
    let rule = flow.judgement.rule().map(|rule| format!(" {} {}", glyphs.part, rule.words())).unwrap_or_default();
    let (glyph, word, style) = match flow.judgement.verdict {
        Verdict::Ok if troubled && !matches!(flow.flow.status, Status::Succeeded | Status::Cancelled) => {
            (glyphs.warn, flow.flow.status.words(), styles.warning)
        }
        verdict => (glyph, verdict.name(), style),
    };
    block.push(vec![
        Span::styled(format!("{glyph} {}{rule}", word.to_uppercase()), style),
        Span::styled(format!("   {}", flow.flow.flow), styles.strong),
        Span::styled(format!(" {} ", glyphs.step), styles.faint),
        Span::styled(flow.flow.step.to_string(), styles.strong),
    ]);
}

pub(super) fn heading(block: &mut Block, styles: &Styles, text: &str) {
    block.gap();
    block.push(vec![Span::styled(text.to_owned(), styles.title)]);
}

fn main_block(
    app: &App,
    styles: &Styles,
    glyphs: &'static Glyphs,
    answer: &FlowAnswer,
    columns: u16,
    with_side: bool,
) -> Block {
    let wide = usize::from(columns);
    let instance = &answer.detail.flow;
    let now = app.now.saturating_add(answer.clock_offset).unwrap_or(app.now);
    let mut block = Block::default();
    let judged = JudgedFlow { flow: instance.clone(), judgement: answer.judgement.clone() };
    let act = acts::last_on(app, &instance.id);
    verdict_line(&mut block, styles, glyphs, &judged, act.is_some_and(acts::troubled));
    if let Some(act) = act {
        let text = acts::told(act, &app.settings.operator, app.now);
        labelled(&mut block, styles, "last act", &text, progress::style(styles, act.item), wide);
    }
    explain(&mut block, styles, &answer.judgement, &app.times, now, wide);
    if let Some(claim) = claim_of(app, &judged) {
        labelled(&mut block, styles, "who", &popups::claim::told(app, claim), styles.info, wide);
    }
    status(&mut block, styles, instance, &app.times, now, wide);
    if let Some(on) = &instance.wait {
        wait(&mut block, styles, on, now, wide);
    }
    if with_side {
        verbs(&mut block, app, styles, glyphs, answer, wide);
    }
    error(&mut block, styles, answer, wide);
    let turn = app.keymap.label(CommandId::Chart);
    let look = gantt::Look { styles, glyphs, times: &app.times, turn: &turn, now, columns: wide };
    if app.detail.chart {
        gantt::chart(&mut block, &look, answer);
    } else {
        timeline(&mut block, &look, &answer.detail.timeline);
    }
    gantt::attempts(&mut block, &look, answer);
    if with_side {
        facts(&mut block, styles, answer, &app.times, wide);
    }
    block
}

/// What somebody says of the cohort of an instance.
fn claim_of<'a>(app: &'a App, judged: &JudgedFlow) -> Option<&'a Claim> {
    let id = cohort_of(judged)?;
    app.overview.value()?.cohorts.iter().find(|cohort| cohort.id == id)?.claim.as_ref()
}

/// The whole error, or as much of it as the list knows. One that the instance has got over is called its last one.
fn error(block: &mut Block, styles: &Styles, answer: &FlowAnswer, columns: usize) {
    let flow = &answer.detail.flow;
    let short = flow.error.as_ref().map(|error| &error.text);
    let whole = &answer.detail.error;
    let mut lines = whole.iter().chain(short.filter(|_| whole.is_empty())).peekable();
    if lines.peek().is_none() {
        return;
    }
    let present = match flow.status {
        Status::Paused => flow.pause != Some(PauseCause::Held),
        Status::BackingOff => true,
        other => other.failed(),
    };
    heading(block, styles, if present { "error" } else { "last error" });
    for part in lines.flat_map(|line| wrap(line, columns.saturating_sub(2))) {
        block.push(vec![Span::raw("  "), Span::styled(part, styles.error_text)]);
    }
}

fn side_block(
    block: &mut Block,
    app: &App,
    styles: &Styles,
    glyphs: &'static Glyphs,
    answer: &FlowAnswer,
    columns: u16,
) {
    let wide = usize::from(columns);
    verbs(block, app, styles, glyphs, answer, wide);
    facts(block, styles, answer, &app.times, wide);
}

fn status(block: &mut Block, styles: &Styles, flow: &FlowInstance, times: &Times, now: Timestamp, columns: usize) {
    let attempts = match flow.attempts {
        Some(1) => ", attempt 1".to_owned(),
        Some(n) => format!(", attempt {n}"),
        None => String::new(),
    };
    let changed = flow.last_transition_at.map(|at| format!(", for {}", words(since(at, now)))).unwrap_or_default();
    labelled(block, styles, "status", &format!("{}{changed}{attempts}", flow.status.words()), styles.text, columns);
    if let Some(next) = flow.next_retry_at {
        let text = if next > now {
            format!("in {}, at {}", words(since(now, next)), times.moment(next, now))
        } else {
            format!("was due {} ago", words(since(next, now)))
        };
        labelled(block, styles, "next try", &text, styles.text, columns);
    }
    let tenant = flow.tenant.as_deref().unwrap_or("not known");
    labelled(block, styles, "tenant", tenant, styles.text, columns);
    if let Some(key) = &flow.key {
        labelled(block, styles, "key", key, styles.text, columns);
    }
}

fn verbs(block: &mut Block, app: &App, styles: &Styles, glyphs: &'static Glyphs, answer: &FlowAnswer, columns: usize) {
    heading(block, styles, &format!("what may be done ({})", app.keymap.label(CommandId::Verbs)));
    // Behind the sign, with two columns between the longest name and what it does.
    let wide = answer.verbs.iter().map(|offer| width(offer.verb.label()) + 4).max().unwrap_or(0).max(LABEL);
    for offer in &answer.verbs {
        let (sign, text, style) = match app.read_only().or(offer.refusal.as_ref()) {
            None => (glyphs.can, offer.verb.words(answer.detail.flow.status).to_owned(), styles.suggest),
            Some(why) => (glyphs.dot, format!("not now: {why}"), styles.faint),
        };
        beside(block, styles, (&format!("{sign} {}", offer.verb.label()), wide), &text, style, columns);
    }
    if answer.verbs.is_empty() {
        block.push(vec![Span::styled("nothing: its source offers no verb", styles.dim)]);
    }
}

fn facts(block: &mut Block, styles: &Styles, answer: &FlowAnswer, times: &Times, columns: usize) {
    let flow = &answer.detail.flow;
    heading(block, styles, "facts");
    let label_width = answer.detail.facts.iter().map(|(label, _)| width(label)).max().unwrap_or(0).clamp(9, 20) + 2;
    let mut fact = |label: &str, value: &str| {
        for (at, line) in wrap(value, columns.saturating_sub(label_width)).into_iter().enumerate() {
            let label = if at == 0 { fit(label, label_width - 1, ".").into_owned() } else { String::new() };
            block.push(vec![
                Span::styled(format!("{label:<label_width$}"), styles.faint),
                Span::styled(line, styles.text),
            ]);
        }
    };
    if let Some(created) = flow.created_at {
        fact("created", &times.date_time(created));
    }
    fact("version", flow.version.as_str());
    for (label, value) in &answer.detail.facts {
        fact(label, value);
    }
    if !flow.exact_id {
        fact("id", "holds characters that can't be shown: it can't be acted on");
    }
}

fn timeline(block: &mut Block, look: &gantt::Look<'_>, entries: &[TimelineEntry]) {
    let gantt::Look { styles, glyphs, times, turn, now, columns } = *look;
    heading(block, styles, &format!("timeline, {} ({turn}: across time)", times.zone(now)));
    block.mark();
    if entries.is_empty() {
        block.push(vec![Span::styled("its source tells none", styles.dim)]);
        return;
    }
    let today = times.day(now);
    let names = entries.iter().map(|entry| width(&entry.what)).max().unwrap_or(0).clamp(8, (columns / 3).max(8));
    for entry in entries {
        let (glyph, style) = match entry.outcome {
            EntryOutcome::Open => (glyphs.busy, styles.info),
            EntryOutcome::Done => (glyphs.ok, styles.ok),
            EntryOutcome::Failed => (glyphs.bad, styles.failed),
            EntryOutcome::Note => (glyphs.dot, styles.dim),
        };
        let at = match entry.at {
            Some(at) if times.day(at) == today => format!("      {}", times.second(at)),
            Some(at) => format!("{} {}", times.day(at), times.second(at)),
            None => "             ?".to_owned(),
        };
        let took = match (entry.at, entry.ended_at, entry.outcome) {
            (Some(at), Some(end), _) => short(end.duration_since(at)),
            (Some(at), None, EntryOutcome::Open) => format!("{}+", short(since(at, now))),
            _ => String::new(),
        };
        let name = fit(&entry.what, names, glyphs.ellipsis).into_owned();
        let pad = " ".repeat(names.saturating_sub(width(&name)));
        let mut line = vec![
            Span::styled(format!("{at}  "), styles.dim),
            Span::styled(format!("{glyph} "), style),
            Span::styled(name, styles.text),
            Span::styled(format!("{pad}  {took:>7}"), styles.dim),
        ];
        if let Some(note) = &entry.note {
            line.push(Span::styled(
                format!("  {note}"),
                if entry.outcome == EntryOutcome::Failed { styles.error_text } else { styles.dim },
            ));
        }
        block.push(line);
    }
}
