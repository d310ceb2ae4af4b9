//! The parts of the Remediation screen beside the remediations: what others did, what is in force, and what automations
//! would have done; and above all of them the line that says which part is shown.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::body;
use super::detail::{Block, labelled, paint};
use crate::cockpit::app::App;
use crate::cockpit::command::CommandId;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::many::rows;
use crate::cockpit::records::{Held, Tab};
use crate::cockpit::remote::Remote;
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::numbers::plural;
use crate::cockpit::widgets::pen::{Pen, width};
use crate::cockpit::widgets::state;
use crate::domain::automation::AutomationStatus;
use crate::domain::in_force::{Borrowed, BorrowedKind, SideEffect};
use crate::domain::outside::{OUTSIDE, OutsideAct};
use crate::domain::time::{age, exact, since};

/// Where the parts are.
pub(in crate::cockpit) struct Areas {
    /// What is wrong, a line each.
    notes: Rect,
    heading: Rect,
    pub(in crate::cockpit) list: Rect,
    preview: Rect,
}

/// The part of the screen below the line of its parts.
pub(super) fn below(app: &App) -> Rect {
    let body = body(app);
    let above = 1.min(body.height);
    Rect { y: body.y + above, height: body.height - above, ..body }
}

/// Places the parts.
pub(in crate::cockpit) fn areas(app: &App) -> Areas {
    let whole = below(app);
    let notes = Rect { height: u16::try_from(notes(app).len()).unwrap_or(u16::MAX).min(whole.height / 4), ..whole };
    let rest = Rect { y: notes.bottom(), height: whole.height - notes.height, ..whole };
    // What a short list leaves free is the preview's, and half of the screen is the list's.
    let wanted = u16::try_from(app.records.lines(app.now) + 1).unwrap_or(u16::MAX);
    let top = wanted.clamp(2, (rest.height / 2).max(2)).min(rest.height);
    let heading = Rect { height: 1.min(top), ..rest };
    let list = Rect { y: rest.y + heading.height, height: top - heading.height, ..rest };
    Areas { notes, heading, list, preview: Rect { y: rest.y + top, height: rest.height - top, ..rest } }
}

/// The line that says which parts there are, how much is in each, and which is shown.
pub(super) fn tabs(app: &App, pen: &mut Pen<'_>) {
    let area = body(app);
    if area.height == 0 {
        return;
    }
    let styles = pen.styles;
    let narrow = area.width < 70;
    let mut x = area.x + 2;
    for tab in Tab::ALL {
        let count = match tab {
            Tab::Remediations => app.remediations.list.value().map(|_| rows(app).len()),
            other => app.records.count(other, app.now),
        };
        let count = count.map_or_else(|| "?".to_owned(), |count| count.to_string());
        let here = app.records.tab == tab;
        let title = if narrow && !here { tab.title().get(..3).unwrap_or_default() } else { tab.title() };
        let style = if here { styles.title } else { styles.dim };
        let mark = if here { pen.glyphs.cursor } else { " " };
        let spans = [Span::styled(format!("{mark}{title} "), style), Span::styled(count, style)];
        let wide = u16::try_from(spans.iter().map(|span| width(&span.content)).sum::<usize>()).unwrap_or(u16::MAX);
        let used = pen.spans(x, area.y, area.right().saturating_sub(x), &spans);
        pen.hit(Rect { x, y: area.y, width: used.min(wide), height: 1 }, Hit::Command(tab.command()));
        x = x.saturating_add(wide + 3);
    }
}

/// Draws the part that is shown, where it is not the remediations.
pub(super) fn draw(app: &App, pen: &mut Pen<'_>) {
    let areas = areas(app);
    for (y, text) in (areas.notes.top()..areas.notes.bottom()).zip(notes(app)) {
        let text = format!("{} {text}", pen.glyphs.warn);
        pen.text(areas.notes.x + 2, y, areas.notes.width.saturating_sub(2), &text, pen.styles.stale);
    }
    let rest = Rect { height: areas.heading.height + areas.list.height + areas.preview.height, ..areas.heading };
    let records = &app.records;
    let (absent, empty) = match records.tab {
        Tab::Remediations => return,
        Tab::Outside => {
            let since = records.outside.value().and_then(|outside| outside.since);
            let since = since.map(|at| format!(" since {}", app.times.moment(at, app.now))).unwrap_or_default();
            let told = format!("nothing was done outside{since}, as far as the engines tell");
            (state::absent(pen, rest, &records.outside, "what others did", app.now), told)
        }
        Tab::InForce => {
            let told = "nothing is switched off, and no exception is in force".to_owned();
            (state::absent(pen, rest, &records.in_force, "what is in force", app.now), told)
        }
        Tab::Automations => {
            let told = "the config has no [[automation]]".to_owned();
            (state::absent(pen, rest, &records.automations, "the automations", app.now), told)
        }
    };
    if absent {
        return;
    }
    let lines = lines(app, pen.styles);
    if lines.is_empty() {
        pen.centre(rest, &empty, pen.styles.dim);
        return;
    }
    let columns = columns(records.tab, areas.list.width);
    let mut x = areas.heading.x + 2;
    for (title, wide) in &columns {
        pen.text(x, areas.heading.y, wide.saturating_sub(1), title, pen.styles.heading);
        x += wide;
    }
    pen.hit(areas.list, Hit::Area(Place::Remediations));
    let height = usize::from(areas.list.height);
    let at = records.index.min(lines.len() - 1);
    let first = at.saturating_sub(height / 2).min(lines.len().saturating_sub(height));
    for (y, (index, cells)) in (areas.list.top()..areas.list.bottom()).zip(lines.iter().enumerate().skip(first)) {
        let line = Rect { y, height: 1, ..areas.list };
        pen.hit(line, Hit::Row(Place::Remediations, index));
        if index == at {
            pen.style(line, pen.styles.selected);
            pen.text(line.x, y, 1, pen.glyphs.cursor, pen.styles.title);
        }
        let mut x = line.x + 2;
        for ((text, style), (_, wide)) in cells.iter().zip(&columns) {
            pen.text(x, y, wide.saturating_sub(1), text, *style);
            x += wide;
        }
    }
    preview(app, pen, areas.preview);
}

/// What is wrong with what is shown.
fn notes(app: &App) -> Vec<String> {
    let records = &app.records;
    let old = |error: Option<&crate::ops::OpsError>| error.map(|error| format!("this is old: {error}"));
    let stale = match records.tab {
        Tab::Remediations => None,
        Tab::Outside => old(records.outside.value().and(records.outside.error())),
        Tab::InForce => old(records.in_force.value().and(records.in_force.error())),
        Tab::Automations => old(records.automations.value().and(records.automations.error())),
    };
    let mut notes: Vec<String> = stale.into_iter().collect();
    if let (Tab::Outside, Remote::Fresh { value, .. } | Remote::Stale { value, .. }) = (records.tab, &records.outside) {
        notes.extend(value.untold.iter().map(|(source, why)| format!("{source} does not tell what others did: {why}")));
    }
    notes
}

/// The titles and widths of the columns; what does not fit is 0 wide.
fn columns(tab: Tab, wide: u16) -> Vec<(&'static str, u16)> {
    let room = wide.saturating_sub(2);
    match tab {
        Tab::Remediations => Vec::new(),
        Tab::Outside => {
            let subject = if room >= 70 { (room / 3).min(50) } else { 0 };
            vec![("AGE", 6), ("", 9), ("WHAT", room.saturating_sub(15 + subject)), ("SUBJECT", subject)]
        }
        Tab::InForce => {
            let by = if room >= 70 { 14 } else { 0 };
            vec![("TIME", 11), ("KIND", 14), ("WHAT", room.saturating_sub(25 + by)), ("BY", by)]
        }
        Tab::Automations => {
            let last = if room >= 78 { 8 } else { 0 };
            let (mode, verb) = if room >= 64 { (9, 15) } else { (0, 0) };
            let counts = [("WOULD", 7), ("HIT", 6), ("MISS", 6), ("OPEN", 6), ("?", 6)];
            let used: u16 = counts.iter().map(|(_, wide)| wide).sum::<u16>() + mode + verb + last;
            let mut all = vec![("NAME", room.saturating_sub(used)), ("MODE", mode), ("VERB", verb)];
            all.extend(counts);
            all.push(("LAST", last));
            all
        }
    }
}

type Cells = Vec<(String, Style)>;

fn lines(app: &App, styles: &Styles) -> Vec<Cells> {
    let records = &app.records;
    match records.tab {
        Tab::Remediations => Vec::new(),
        Tab::Outside => {
            let acts = records.outside.value().map(|outside| outside.acts.as_slice()).unwrap_or_default();
            acts.iter().map(|act| outside(app, styles, act)).collect()
        }
        Tab::InForce => records.held(app.now).into_iter().map(|held| in_force(app, styles, held)).collect(),
        Tab::Automations => {
            let all = records.automations.value().map(|all| all.as_slice()).unwrap_or_default();
            all.iter().map(|status| automation(app, styles, status)).collect()
        }
    }
}

fn outside(app: &App, styles: &Styles, act: &OutsideAct) -> Cells {
    vec![
        (age(since(act.at, app.now)), styles.dim),
        (OUTSIDE.to_owned(), styles.warning),
        (act.what.to_string(), styles.strong),
        (format!("{}/{}", act.source, act.subject), styles.text),
    ]
}

fn in_force(app: &App, styles: &Styles, held: Held<'_>) -> Cells {
    match held {
        Held::Off(effect) => vec![
            (format!("for {}", age(since(effect.since, app.now))), styles.warning),
            ("switched off".to_owned(), styles.held),
            (effect.what.to_string(), styles.strong),
            (effect.by.to_string(), styles.dim),
        ],
        Held::Borrowed(one) => {
            let style = if one.kind == BorrowedKind::Claim { styles.text } else { styles.warning };
            vec![
                (format!("{} left", age(since(app.now, one.until))), styles.info),
                (one.kind.words().to_owned(), style),
                (one.what.to_string(), styles.strong),
                (one.by.to_string(), styles.dim),
            ]
        }
    }
}

fn automation(app: &App, styles: &Styles, status: &AutomationStatus) -> Cells {
    let (automation, tally) = (&status.automation, &status.tally);
    let count = |count: u64, style: Style| (count.to_string(), if count == 0 { styles.faint } else { style });
    vec![
        (automation.name.to_string(), styles.strong),
        (automation.mode.name().to_owned(), styles.text),
        (automation.verb.label().to_owned(), styles.text),
        count(tally.would(), styles.strong),
        count(tally.hit, styles.ok),
        count(tally.miss, styles.failed),
        count(tally.open, styles.info),
        count(tally.unknown, styles.unknown),
        (status.last.map_or_else(|| "never".to_owned(), |at| age(since(at, app.now))), styles.dim),
    ]
}

/// What is under the cursor, below a rule.
fn preview(app: &App, pen: &mut Pen<'_>, area: Rect) {
    if area.height < 2 || area.width < 8 {
        return;
    }
    pen.rule(Rect { height: 1, ..area }, &[]);
    let inner = Rect { x: area.x + 2, y: area.y + 1, width: area.width - 3, height: area.height - 1 };
    let columns = usize::from(inner.width);
    let records = &app.records;
    let mut block = Block::default();
    let mut facts = Facts { app, styles: pen.styles, block: &mut block, columns };
    match records.tab {
        Tab::Remediations => {}
        Tab::Outside => {
            if let Some(act) = records.outside.value().and_then(|outside| outside.acts.get(records.index)) {
                facts.outside(act);
            }
        }
        Tab::InForce => match records.held(app.now).get(records.index) {
            Some(Held::Off(effect)) => facts.off(effect),
            Some(Held::Borrowed(one)) => facts.borrowed(one),
            None => {}
        },
        Tab::Automations => {
            if let Some(status) = records.automations.value().and_then(|all| all.get(records.index)) {
                facts.automation(status);
            }
        }
    }
    paint(pen, inner, &block, 0);
}

/// Facts as they are being told.
struct Facts<'a> {
    app: &'a App,
    styles: &'a Styles,
    block: &'a mut Block,
    columns: usize,
}

impl Facts<'_> {
    fn fact(&mut self, label: &'static str, text: &str) {
        labelled(self.block, self.styles, label, text, self.styles.text, self.columns);
    }

    fn moment(&self, at: jiff::Timestamp) -> String {
        self.app.times.moment(at, self.app.now)
    }

    fn outside(&mut self, act: &OutsideAct) {
        self.fact("what", &act.what);
        self.fact("whom", &format!("{}/{}", act.source, act.subject));
        let at = self.moment(act.at);
        self.fact("at", &format!("{at}, by the engine's clock"));
        self.fact("by", act.by.as_deref().unwrap_or("the engine does not tell by whom"));
        if let Some(caller) = &act.caller {
            self.fact("caller", &format!("{caller} ended in the same way"));
        }
        self.fact("mark", "outside: nothing in Quarterdeck's own record explains it");
    }

    fn off(&mut self, effect: &SideEffect) {
        self.fact("off", &effect.what);
        self.fact("way back", &effect.way_back);
        let since = self.moment(effect.since);
        self.fact("since", &format!("{since}, by {} (taken on trust)", effect.by));
        self.fact("act", &effect.remediation);
        let verbs = self.app.keymap.label(CommandId::Verbs);
        self.fact("do", &format!("{verbs} notes that it is armed again, with a reason"));
    }

    fn borrowed(&mut self, one: &Borrowed) {
        self.fact("what", &one.what);
        let until = self.moment(one.until);
        self.fact("until", &format!("{until}; it ends by itself"));
        self.fact("by", &format!("{} (taken on trust)", one.by));
        if !one.reason.is_empty() {
            self.fact("reason", &one.reason);
        }
    }

    fn automation(&mut self, status: &AutomationStatus) {
        let it = &status.automation;
        self.fact("when", &it.when);
        let crowd = it.cohort_at_least.map(|least| format!(", where {least} of one cohort match")).unwrap_or_default();
        self.fact("does", &format!("{} after {}{crowd}", it.verb.label(), exact(it.after)));
        let mode = match it.mode {
            crate::domain::automation::AutomationMode::Observe => "observe: it is only counted",
            crate::domain::automation::AutomationMode::Propose => "propose: it asks, and a person has to agree",
        };
        self.fact("mode", mode);
        self.fact("limits", &format!("{} at once, {} apart, {} an hour", it.at_most, exact(it.cooldown), it.per_hour));
        let tally = &status.tally;
        let rate = tally.hit_rate().map_or_else(
            || "nothing can be said yet".to_owned(),
            |rate| format!("{rate}% of what can be said was a hit"),
        );
        self.fact(
            "score",
            &format!(
                "would have acted {} times: {} hit, {} miss, {} open, {} unknown; {rate}",
                tally.would(),
                tally.hit,
                tally.miss,
                tally.open,
                tally.unknown
            ),
        );
        if let Some(since) = status.since {
            let since = self.moment(since);
            self.fact("since", &since);
        }
        if status.proposed > 0 {
            self.fact("asked", &plural(status.proposed, "request"));
        }
        if let Some(refused) = &status.refused {
            let at = self.moment(refused.at);
            self.fact("refused", &format!("{at}: {}", refused.why));
        }
        if let Some(idle) = &status.idle {
            self.fact("idle", idle);
        }
        self.fact("reason", &it.reason);
    }
}
