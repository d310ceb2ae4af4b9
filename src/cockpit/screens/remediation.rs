//! One remediation of many: what it is to do and why, who agreed, how far it has come, each item, and what happened.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::body;
use super::detail::{Block, labelled, paint_part};
use super::remediations::style;
use crate::cockpit::app::App;
use crate::cockpit::command::CommandId;
use crate::cockpit::glyphs::Glyphs;
use crate::cockpit::many::{Part, words};
use crate::cockpit::popups::progress;
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::bar::bar;
use crate::cockpit::widgets::numbers::{grouped, plural};
use crate::cockpit::widgets::pen::{Pen, fit, width, wrap};
use crate::cockpit::widgets::state;
use crate::domain::approval::{Answer, ApprovalState};
use crate::domain::plan::WidePlan;
use crate::domain::policy::{Decision, Mode, PolicyDecision};
use crate::domain::remediation::{ItemState, Risk};
use crate::domain::time::{age, since, words as duration};
use crate::domain::wide::{Item, WideDetail, WideRemediation, WideState};

/// The columns of a label.
const LABEL: usize = 10;

/// Everything that can be scrolled: lines before the items, the items, lines after them. Items are many, so that only
/// those in sight are made into lines.
struct Laid<'a> {
    before: Block,
    items: &'a [Item],
    after: Block,
}

impl Laid<'_> {
    fn len(&self) -> usize {
        self.before.len() + self.items.len() + self.after.len()
    }
}

/// Where the lines are.
fn place(app: &App) -> Rect {
    let area = body(app);
    Rect { x: area.x + 2, width: area.width.saturating_sub(3), ..area }
}

/// The open one, as it is known best: in the list, which is asked for most often, or with its items.
fn open(app: &App) -> Option<(&WideRemediation, Option<&WideDetail>)> {
    let id = app.remediations.open.as_ref()?;
    let detail = app.remediations.detail_of(id).map(|detail| &**detail);
    let listed = app.remediations.get(id).map(|head| &**head);
    let told = detail.map(|detail| &*detail.head);
    // Its items and its counts are of one moment where they stand side by side.
    let head = match (told, listed) {
        (Some(told), Some(listed)) if told.changed_at < listed.changed_at => listed,
        (told, listed) => told.or(listed)?,
    };
    Some((head, detail))
}

fn lay<'a>(app: &App, styles: &Styles, head: &WideRemediation, detail: Option<&'a WideDetail>) -> Laid<'a> {
    let columns = usize::from(place(app).width);
    let mut before = about(app, styles, head, columns);
    before.gap();
    heading(&mut before, styles, &format!("items: {}", plural(head.counts.total(), "target")));
    let mut after = Block::default();
    let mut items: &[Item] = &[];
    match detail {
        Some(detail) => {
            items = &detail.items;
            if items.is_empty() {
                before.push(vec![Span::styled("none is recorded", styles.dim)]);
            }
            after.push(Vec::new());
            heading(&mut after, styles, "what happened");
            if detail.history.is_empty() {
                after.push(vec![Span::styled("nothing is recorded of it", styles.dim)]);
            }
            for told in &detail.history {
                let at = app.times.moment(told.at, app.now);
                let text = if told.text.is_empty() { String::new() } else { format!(": {}", told.text) };
                let text = format!("{} by {}, {}{text}", told.action, told.actor, told.subject);
                let lead = width(&at) + 2;
                for (n, line) in wrap(&text, columns.saturating_sub(lead)).into_iter().enumerate() {
                    let at = if n == 0 { at.as_str() } else { "" };
                    after.push(vec![
                        Span::styled(format!("{at:<lead$}"), styles.faint),
                        Span::styled(line, styles.text),
                    ]);
                }
            }
        }
        None => {
            let error = app.remediations.detail.as_ref().and_then(|detail| detail.answer.error());
            let (text, style) = match error {
                Some(error) => (format!("not known: {error}"), styles.failed),
                None => (format!("{} being asked for", app.glyphs.busy), styles.info),
            };
            before.push(vec![Span::styled(text, style)]);
        }
    }
    Laid { before, items, after }
}

fn heading(block: &mut Block, styles: &Styles, text: &str) {
    block.push(vec![Span::styled(text.to_owned(), styles.title)]);
}

/// How many lines there are, and how many are on screen.
pub(in crate::cockpit) fn extent(app: &App) -> (usize, usize) {
    let page = usize::from(place(app).height).max(1);
    let laid = open(app).map_or(0, |(head, detail)| lay(app, &Styles::default(), head, detail).len());
    (laid, page)
}

/// The lines at which the parts begin.
pub(in crate::cockpit) fn starts(app: &App) -> [usize; 3] {
    let Some((head, detail)) = open(app) else { return [0; 3] };
    let laid = lay(app, &Styles::default(), head, detail);
    let items = laid.before.len().saturating_sub(1);
    let mut starts = [0; 3];
    starts[Part::Items as usize] = items;
    starts[Part::History as usize] = laid.before.len() + laid.items.len() + 1;
    starts
}

/// Draws the screen.
pub(in crate::cockpit) fn draw(app: &App, pen: &mut Pen<'_>) {
    let area = place(app);
    let Some((head, detail)) = open(app) else {
        let nothing = match &app.remediations.open {
            _ if state::absent(pen, area, &app.remediations.list, "the remediation", app.now) => return,
            Some(id) => format!("{id} is not known any more"),
            None => format!("nothing is open: {} lists the remediations", app.keymap.label(CommandId::Remediations)),
        };
        pen.centre(area, &nothing, pen.styles.dim);
        return;
    };
    let laid = lay(app, pen.styles, head, detail);
    let height = usize::from(area.height);
    let total = laid.len();
    let scroll = app.remediations.scroll.min(total.saturating_sub(height));
    let below = total.saturating_sub(scroll + height);
    let columns = usize::from(area.width);
    let glyphs = pen.glyphs;
    let (first, last) = (laid.before.len(), laid.before.len() + laid.items.len());
    let lines: Vec<Vec<Span<'static>>> = (scroll..(scroll + height).min(total))
        .map(|at| match at {
            _ if at < first => laid.before.line(at).cloned().unwrap_or_default(),
            _ if at < last => {
                laid.items.get(at - first).map(|one| item(one, glyphs, pen.styles, columns)).unwrap_or_default()
            }
            _ => laid.after.line(at - last).cloned().unwrap_or_default(),
        })
        .collect();
    paint_part(pen, area, lines.iter(), scroll, below);
}

/// `✓ verified  wave 2  restate/inv_1dQ…  it got past apply`.
fn item(item: &Item, glyphs: &Glyphs, styles: &Styles, columns: usize) -> Vec<Span<'static>> {
    let state = format!("{} {}", glyphs.item(item.state), item.state.name());
    let waits = item.ended || item.state == ItemState::Pending || item.words.is_empty();
    let watched = if waits { "" } else { ", still watched" };
    let room = if columns >= 110 { 44 } else { 30 };
    let id = item.target.id.to_string();
    let id = fit(&id, room, glyphs.ellipsis);
    let gap = " ".repeat(room.saturating_sub(width(&id)) + 2);
    vec![
        Span::styled(format!("{state:<11} "), progress::style(styles, item.state)),
        Span::styled(format!("wave {:<3} ", item.wave + 1), styles.dim),
        Span::styled(id.into_owned(), styles.strong),
        Span::styled(format!("{gap}{}{watched}", item.words), styles.text),
    ]
}

/// What is known of one without its items.
pub(in crate::cockpit) fn about(app: &App, styles: &Styles, head: &WideRemediation, columns: usize) -> Block {
    let mut block = Block::default();
    let glyphs = app.glyphs;
    block.push(vec![
        Span::styled(format!("{} {}", glyphs.wide(head.state), head.state.words()), style(styles, head.state)),
        Span::styled(format!("  {}", words::what(&head.plan)), styles.strong),
    ]);
    if !head.outcome.is_empty() {
        let label = if head.state == WideState::Held { "held" } else { "so far" };
        let label = if head.state.ended() { "outcome" } else { label };
        // The label says that already.
        let outcome = head.outcome.strip_prefix("held: ").unwrap_or(&head.outcome);
        labelled(&mut block, styles, label, outcome, style(styles, head.state), columns);
    }
    progressed(&mut block, app, styles, head, columns);
    agreed(&mut block, app, styles, head, columns);
    let mut fact = |label: &str, text: &str, style: Style| labelled(&mut block, styles, label, text, style, columns);
    fact("reason", &head.reason, styles.text);
    if let Some(ticket) = &head.ticket {
        fact("ticket", ticket, styles.text);
    }
    let asked = format!(
        "by {}, {} ago, at {}",
        head.requested_by,
        age(since(head.requested_at, app.now)),
        app.times.moment(head.requested_at, app.now)
    );
    fact("asked", &asked, styles.text);
    if let Some(taken) = &head.takes_back {
        fact("takes back", taken, styles.text);
    }
    planned(&mut block, styles, &head.plan, columns);
    labelled(&mut block, styles, "id", &format!("{} of {}", head.id, head.context), styles.dim, columns);
    block
}

/// How far it has come: the bar, the numbers, the wave, the rate.
fn progressed(block: &mut Block, app: &App, styles: &Styles, head: &WideRemediation, columns: usize) {
    let total = head.counts.total();
    if head.started_at.is_some() && total > 0 {
        let mut line = vec![Span::styled(format!("{:<LABEL$}", "progress"), styles.faint)];
        let count = format!("  {}/{}", grouped(words::through(&head.counts)), grouped(total));
        let room = columns.saturating_sub(LABEL + width(&count)).min(60);
        line.extend(bar(&head.counts, room, app.glyphs, styles));
        line.push(Span::styled(count, styles.strong));
        block.push(line);
    }
    let counts = words::counts(&head.counts, app.glyphs.part);
    labelled(block, styles, "items", &counts, styles.text, columns);
    if let Some(wave) = words::wave(head) {
        labelled(block, styles, "wave", wave.trim_start_matches("wave "), styles.text, columns);
    }
    if let Some(rate) = words::rate(head, app.now) {
        labelled(block, styles, "rate", &rate, styles.text, columns);
    }
}

/// Who has to agree, and who has said what.
fn agreed(block: &mut Block, app: &App, styles: &Styles, head: &WideRemediation, columns: usize) {
    let approval = &head.approval;
    let open = matches!(approval.state, ApprovalState::Pending | ApprovalState::Approved | ApprovalState::NotNeeded)
        && !head.state.ended()
        && head.started_at.is_none();
    let until = if !open {
        String::new()
    } else if app.now < approval.expires_at {
        let left = duration(since(app.now, approval.expires_at));
        let what = if approval.state == ApprovalState::Pending { "to be given" } else { "to be started" };
        format!("; {what} until {}, for another {left}", app.times.minute(approval.expires_at, app.now))
    } else {
        "; its time is over".to_owned()
    };
    let needed = if approval.needed.is_empty() {
        "none is needed".to_owned()
    } else {
        format!("{}: needs {}", words::approval(approval.state), words::needed(approval))
    };
    let style = if approval.state == ApprovalState::Pending { styles.warning } else { styles.text };
    labelled(block, styles, "approval", &format!("{needed}{until}"), style, columns);
    for review in &approval.reviews {
        let solo = if review.solo { ", alone, with the plan's code" } else { "" };
        let at = app.times.moment(review.at, app.now);
        let text = format!("{} {} at {at}{solo}: {}", review.by, words::said(review.answer), review.comment);
        let style = if review.answer == Answer::Deny { styles.failed } else { styles.ok };
        labelled(block, styles, "", &text, style, columns);
    }
}

/// What the plan is to do: the verb, its risk, the waves, what each goes through, what it hurts, what was decided.
pub(in crate::cockpit) fn planned(block: &mut Block, styles: &Styles, plan: &WidePlan, columns: usize) {
    let mut fact = |label: &str, text: &str, style: Style| labelled(block, styles, label, text, style, columns);
    let (remedy, risk) = (&plan.frozen.remedy, plan.risk());
    let risky = if risk == Risk::Irreversible { styles.warning } else { styles.text };
    fact("risk", risk.name(), risky);
    fact("way back", &remedy.way_back(), risky);
    if let Some(loses) = plan.blast.loses.filter(|_| plan.blast.destroys()) {
        fact("LOSES", &format!("{} of what is there: lines, values", loses.words()), styles.warning);
    }
    for (name, value) in remedy.parameters() {
        // A longer name would touch its value.
        if width(&name) < LABEL {
            fact(&name, &value, styles.text);
        } else {
            fact("with", &format!("{name}: {value}"), styles.text);
        }
    }
    for off in &plan.switches_off {
        fact("OFF then", &format!("{}; armed again by: {}", off.what, off.way_back), styles.warning);
    }
    decided(block, styles, &plan.policy, columns);
    let mut fact = |label: &str, text: &str, style: Style| labelled(block, styles, label, text, style, columns);
    let sizes = plan.frozen.waves.sizes(plan.frozen.targets.len());
    let each: Vec<String> = sizes.iter().map(|size| grouped(*size as u64)).collect();
    let waits = if sizes.len() > 1 { "; each begins once the one before is verified" } else { "" };
    fact("waves", &format!("{} ({}){waits}", each.join(", "), plan.frozen.waves), styles.text);
    fact("blast", &words::blast(&plan.blast), styles.text);
    if let Some(cause) = plan.blast.cause_words(plan.made_at) {
        let failing = plan.blast.cause_failing(plan.made_at) == Some(true);
        fact("cause", &cause, if failing { styles.suspect } else { styles.text });
    }
    let skipped = words::skipped(plan);
    if !skipped.is_empty() {
        fact("left out", &plural(plan.skipped.len() as u64, "instance"), styles.suspect);
        for (reason, count) in skipped {
            fact("", &format!("{}: {reason}", grouped(count as u64)), styles.text);
        }
    }
    for (at, (effect, count)) in plan.effects.iter().enumerate() {
        let label = if at == 0 { "effect" } else { "" };
        fact(label, &format!("{}: {effect}", grouped(*count as u64)), styles.text);
    }
    let pace = plan.frozen.pace;
    let stops = format!(
        "{} a second, {} at once; held when more than {} go wrong, in a probe when any does",
        pace.per_second, pace.concurrency, pace.max_errors
    );
    fact("pace", &stops, styles.text);
    labelled(block, styles, "plan", &words::short(&plan.hash), styles.dim, columns);
}

/// What was decided, with every reason.
fn decided(block: &mut Block, styles: &Styles, policy: &PolicyDecision, columns: usize) {
    let style = |decision: &Decision| match decision {
        Decision::Deny => styles.failed,
        Decision::RequireApproval(_) | Decision::Warn => styles.warning,
        Decision::Allow => styles.text,
    };
    labelled(block, styles, "decision", &policy.decision.to_string(), style(&policy.decision), columns);
    for reason in &policy.reasons {
        let (sign, style) = match reason.mode {
            Mode::Shadow => ("in shadow, counts for nothing: ".to_owned(), styles.dim),
            Mode::Enforce => (format!("{}, ", reason.decision), style(&reason.decision)),
        };
        labelled(block, styles, "", &format!("{sign}{reason}"), style, columns);
    }
}
