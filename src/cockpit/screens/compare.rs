//! Two instances side by side; on a narrow screen, one below the other.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::body;
use super::detail::{Block, heading, paint};
use crate::cockpit::app::App;
use crate::cockpit::command::CommandId;
use crate::cockpit::compare::{Comparison, Field, Step, StepOf, Whose, compare};
use crate::cockpit::glyphs::Glyphs;
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::pen::{Pen, fit, width, wrap};
use crate::cockpit::widgets::state;
use crate::domain::flow::EntryOutcome;
use crate::domain::time::short;

/// From how many columns on values stand side by side.
const WIDE: usize = 100;

/// The columns of a name.
const NAME: usize = 14;

/// Draws the screen.
pub(in crate::cockpit) fn draw(app: &App, pen: &mut Pen<'_>) {
    let mut area = body(app);
    if area.height == 0 {
        return;
    }
    let Some([first, second]) = &app.compare.pair else {
        let key = app.keymap.label(CommandId::Compare);
        pen.centre(
            area,
            &format!("nothing is compared: {key} on one instance, then {key} on another"),
            pen.styles.faint,
        );
        return;
    };
    let title = format!("{first}  {}  {second}", pen.glyphs.differs);
    pen.rule(Rect { height: 1, ..area }, &[Span::styled(title, pen.styles.title)]);
    area.y += 1;
    area.height -= 1;
    for answer in &app.compare.answers {
        if area.height > 1 && state::stale(pen, Rect { height: 1, ..area }, answer, app.now) {
            area.y += 1;
            area.height -= 1;
        }
    }
    match block(app, pen.styles, pen.glyphs, usize::from(area.width.saturating_sub(3))) {
        Some(block) => {
            paint(pen, Rect { x: area.x + 2, width: area.width.saturating_sub(3), ..area }, &block, app.compare.scroll);
        }
        None => {
            let lacking = app.compare.answers.iter().find(|answer| answer.value().is_none());
            if let Some(answer) = lacking {
                state::absent(pen, area, answer, "one of the two", app.now);
            }
        }
    }
}

/// How many lines there are to scroll through, and how many fit.
pub(in crate::cockpit) fn extent(app: &App) -> (usize, usize) {
    let area = body(app);
    let styles = Styles::default();
    let block = block(app, &styles, app.glyphs, usize::from(area.width.saturating_sub(3)));
    (block.map_or(0, |block| block.len()), usize::from(area.height.saturating_sub(1)))
}

fn block(app: &App, styles: &Styles, glyphs: &'static Glyphs, columns: usize) -> Option<Block> {
    let [one, other] = &app.compare.answers;
    let (one, other) = (one.value()?, other.value()?);
    let nows = [one, other].map(|answer| app.now.saturating_add(answer.clock_offset).unwrap_or(app.now));
    let compared = compare([one, other], nows, &|at| app.times.date_time(at));
    let mut block = Block::default();
    fields(&mut block, styles, glyphs, &compared, columns);
    steps(&mut block, styles, glyphs, &compared.steps, columns);
    errors(&mut block, styles, &compared, columns);
    Some(block)
}

fn fields(block: &mut Block, styles: &Styles, glyphs: &'static Glyphs, compared: &Comparison, columns: usize) {
    let differing = compared.fields.iter().filter(|field| field.differs()).count();
    heading(block, styles, &format!("what differs: {differing} of {}", compared.fields.len()));
    for (at, field) in compared.fields.iter().enumerate() {
        if at == differing {
            heading(block, styles, "what is the same");
        }
        if field.differs() {
            differs(block, styles, glyphs, field, columns);
        } else {
            let value = field.values[0].as_deref().unwrap_or("?");
            for (nth, line) in wrap(value, columns.saturating_sub(NAME)).into_iter().enumerate() {
                let name =
                    if nth == 0 { fit(&field.name, NAME - 2, glyphs.ellipsis).into_owned() } else { String::new() };
                block.push(vec![Span::styled(format!("{name:<NAME$}"), styles.faint), Span::styled(line, styles.dim)]);
            }
        }
    }
}

fn differs(block: &mut Block, styles: &Styles, glyphs: &'static Glyphs, field: &Field, columns: usize) {
    let value = |nth: usize| field.values[nth].as_deref().unwrap_or("not told");
    let style = |nth: usize| if field.values[nth].is_some() { side(styles, nth) } else { styles.faint };
    let name = fit(&field.name, NAME - 2, glyphs.ellipsis).into_owned();
    if columns < WIDE {
        for nth in [0, 1] {
            let label = if nth == 0 { name.as_str() } else { "" };
            for (at, line) in wrap(value(nth), columns.saturating_sub(NAME + 2)).into_iter().enumerate() {
                let (label, sign) = if at == 0 { (label, SIGNS[nth]) } else { ("", " ") };
                block.push(vec![
                    Span::styled(format!("{label:<NAME$}"), styles.strong),
                    Span::styled(format!("{sign} "), style(nth)),
                    Span::styled(line, style(nth)),
                ]);
            }
        }
        return;
    }
    let half = (columns - NAME) / 2;
    let lines = [0, 1].map(|nth| wrap(value(nth), half.saturating_sub(4)));
    for at in 0..lines[0].len().max(lines[1].len()) {
        let label = if at == 0 { name.as_str() } else { "" };
        let mut line = vec![Span::styled(format!("{label:<NAME$}"), styles.strong)];
        for (nth, lines) in lines.iter().enumerate() {
            let text = lines.get(at).map_or("", String::as_str);
            let sign = if at == 0 { SIGNS[nth] } else { " " };
            let pad = " ".repeat(half.saturating_sub(2 + width(text)));
            line.push(Span::styled(format!("{sign} {text}{pad}"), style(nth)));
        }
        block.push(line);
    }
}

/// What stands before the first one's and the second one's.
const SIGNS: [&str; 2] = ["<", ">"];

const fn side(styles: &Styles, nth: usize) -> Style {
    if nth == 0 { styles.info } else { styles.suggest }
}

fn steps(block: &mut Block, styles: &Styles, glyphs: &'static Glyphs, steps: &[Step], columns: usize) {
    heading(block, styles, "steps");
    if steps.is_empty() {
        block.push(vec![Span::styled("their sources tell no times of steps", styles.dim)]);
        return;
    }
    let names = steps.iter().map(|step| width(&step.name)).max().unwrap_or(0).clamp(8, (columns / 4).max(8));
    let half = columns.saturating_sub(names + 2) / 2;
    let head = |text: &str| format!("{text:<half$}");
    block.push(vec![
        Span::styled(format!("{:<1$}", "", names + 2), styles.heading),
        Span::styled(head("< took, ran, failed"), styles.heading),
        Span::styled("> took, ran, failed", styles.heading),
    ]);
    for step in steps {
        let name = fit(&step.name, names, glyphs.ellipsis).into_owned();
        let pad = " ".repeat((names + 2).saturating_sub(width(&name)));
        let uneven = match &step.of {
            [Some(one), Some(other)] => one.outcome != other.outcome,
            _ => true,
        };
        let style = if uneven { styles.strong } else { styles.text };
        let mut line = vec![Span::styled(format!("{name}{pad}"), style)];
        for of in &step.of {
            let (text, style) =
                of.as_ref().map_or_else(|| ("not in it".to_owned(), styles.faint), |of| told(styles, glyphs, of));
            let text = fit(&text, half.saturating_sub(1), glyphs.ellipsis).into_owned();
            let pad = " ".repeat(half.saturating_sub(width(&text)));
            line.push(Span::styled(format!("{text}{pad}"), style));
        }
        block.push(line);
    }
}

fn told(styles: &Styles, glyphs: &Glyphs, of: &StepOf) -> (String, Style) {
    let (sign, style) = match of.outcome {
        EntryOutcome::Open => (glyphs.busy, styles.info),
        EntryOutcome::Done => (glyphs.ok, styles.text),
        EntryOutcome::Failed => (glyphs.bad, styles.failed),
        EntryOutcome::Note => (glyphs.dot, styles.dim),
    };
    let open = if of.outcome == EntryOutcome::Open { "+" } else { "" };
    let ran = if of.ran.is_zero() { String::new() } else { format!(", ran {}", short(of.ran)) };
    let failed = match of.failures {
        0 => String::new(),
        n => format!(", {n} failed"),
    };
    (format!("{sign} {}{open}{ran}{failed}", short(of.took)), style)
}

fn errors(block: &mut Block, styles: &Styles, compared: &Comparison, columns: usize) {
    if compared.error.is_empty() {
        return;
    }
    let same = compared.error.iter().all(|line| line.whose == Whose::Both);
    heading(block, styles, if same { "error: the same" } else { "error" });
    for line in &compared.error {
        let (sign, style) = match line.whose {
            Whose::Both => (" ", styles.dim),
            Whose::First => (SIGNS[0], side(styles, 0)),
            Whose::Second => (SIGNS[1], side(styles, 1)),
        };
        let mut spans = vec![Span::styled(format!("{sign} "), style)];
        let mut used = 2;
        for (differs, text) in &line.pieces {
            let style = if *differs && line.whose != Whose::Both { style.patch(styles.input) } else { style };
            // A line that is too long goes on below.
            for (at, part) in crate::cockpit::widgets::pen::wrap_exactly(text, columns.saturating_sub(used).max(8))
                .into_iter()
                .enumerate()
            {
                if at > 0 {
                    block.push(std::mem::replace(&mut spans, vec![Span::raw("    ")]));
                    used = 4;
                }
                used += width(&part);
                spans.push(Span::styled(part, style));
            }
        }
        block.push(spans);
    }
}
