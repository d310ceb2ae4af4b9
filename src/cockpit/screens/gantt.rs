//! The timeline of an instance as a chart, and the attempts that its engine tells of: parts of the detail.

use jiff::Timestamp;
use ratatui::style::Style;
use ratatui::text::Span;

use super::detail::{Block, heading};
use crate::cockpit::gantt::{Cell, Scale};
use crate::cockpit::glyphs::Glyphs;
use crate::cockpit::theme::Styles;
use crate::cockpit::times::Times;
use crate::cockpit::widgets::pen::{fit, width, wrap};
use crate::domain::flow::EntryOutcome;
use crate::domain::run::{Attempts, StepRun, StretchKind};
use crate::domain::time::{age, short, since};
use crate::ops::FlowAnswer;

/// The columns of one duration beside the chart.
const NUMBER: usize = 7;

/// Attempts that are listed; of more, the last ones.
const LISTED: usize = 12;

fn cell(styles: &Styles, glyphs: &'static Glyphs, cell: Cell) -> (&'static str, Style) {
    match cell {
        Cell::Blank => (" ", styles.text),
        Cell::Does(StretchKind::Queued) => (glyphs.queue, styles.waiting),
        Cell::Does(StretchKind::Running) => (glyphs.run, styles.info),
        Cell::Does(StretchKind::BackingOff) => (glyphs.backing_off, styles.suspect),
        Cell::Does(StretchKind::Waiting) => (glyphs.waiting, styles.waiting),
        Cell::Does(StretchKind::Paused) => ("p", styles.held),
        Cell::Does(StretchKind::Undoing) => ("u", styles.suspect),
        Cell::Failed | Cell::FailedOften => (glyphs.bad, styles.failed),
        Cell::Fold => (glyphs.fold, styles.faint),
        Cell::Now => (glyphs.bar, styles.faint),
        Cell::Promise => (glyphs.promise, styles.warning),
    }
}

/// What the timeline, the chart and the attempts are drawn with.
pub(super) struct Look<'l> {
    pub(super) styles: &'l Styles,
    pub(super) glyphs: &'static Glyphs,
    pub(super) times: &'l Times,
    /// The key that turns from the timeline to the chart and back.
    pub(super) turn: &'l str,
    /// The present by the engine's clock.
    pub(super) now: Timestamp,
    /// The room there is.
    pub(super) columns: usize,
}

/// Adds the chart; what can't be drawn is said.
pub(super) fn chart(block: &mut Block, look: &Look<'_>, answer: &FlowAnswer) {
    let Look { styles, glyphs, times, turn, now, columns } = *look;
    let runs = &answer.detail.runs;
    heading(block, styles, &format!("steps across time, {} ({turn}: line by line)", times.zone(now)));
    block.mark();
    let names = runs.iter().map(|run| width(&run.step)).max().unwrap_or(0).clamp(8, (columns / 4).max(8));
    let numbers = NUMBER * 3;
    let room = columns.saturating_sub(names + 3 + 1 + numbers);
    let Some(scale) = Scale::of(runs, now, room) else {
        let why = if runs.is_empty() { "its source tells no times of steps" } else { "there is too little to draw" };
        block.push(vec![Span::styled(why, styles.dim)]);
        return;
    };
    let lead = " ".repeat(names + 3);
    block.push(vec![
        Span::styled(lead.clone(), styles.dim),
        Span::styled(axis(&scale, times, now), styles.dim),
        Span::styled(format!(" {:>NUMBER$}{:>NUMBER$}{:>NUMBER$}", "queue", "run", "wait"), styles.heading),
    ]);
    if let Some(folds) = folds(&scale, glyphs) {
        block.push(vec![Span::styled(lead, styles.dim), Span::styled(folds, styles.faint)]);
    }
    let mut promised = false;
    for run in runs {
        let promise = answer.promises.get(&run.step).and_then(|promise| promise.run);
        let cells = scale.row(run, promise, now);
        promised |= cells.contains(&Cell::Promise);
        block.push(row(look, run, &cells, names));
    }
    let words = legend(glyphs, runs, &scale, promised);
    for line in packed(&words, columns) {
        block.push(vec![Span::styled(line, styles.faint)]);
    }
}

/// One step: how it stands, its name, its cells, and how long it took.
fn row(look: &Look<'_>, run: &StepRun, cells: &[Cell], names: usize) -> Vec<Span<'static>> {
    let Look { styles, glyphs, now, .. } = *look;
    let (sign, style) = match run.outcome {
        EntryOutcome::Open => (glyphs.busy, styles.info),
        EntryOutcome::Done => (glyphs.ok, styles.ok),
        EntryOutcome::Failed => (glyphs.bad, styles.failed),
        EntryOutcome::Note => (glyphs.dot, styles.dim),
    };
    let name = fit(&run.step, names, glyphs.ellipsis).into_owned();
    let pad = " ".repeat(names.saturating_sub(width(&name)) + 1);
    let mut line = vec![Span::styled(sign, style), Span::styled(format!(" {name}{pad}"), styles.text)];
    for same in cells.chunk_by(|one, next| one == next) {
        let (sign, style) = cell(styles, glyphs, same.first().copied().unwrap_or(Cell::Blank));
        line.push(Span::styled(sign.repeat(same.len()), style));
    }
    let number = |kinds: &[StretchKind]| {
        let any = run.stretches.iter().any(|stretch| kinds.contains(&stretch.kind));
        if any { short(run.spent(kinds, now)) } else { String::new() }
    };
    let waits = [StretchKind::BackingOff, StretchKind::Waiting, StretchKind::Paused];
    line.push(Span::styled(
        format!(
            " {:>NUMBER$}{:>NUMBER$}{:>NUMBER$}",
            number(&[StretchKind::Queued]),
            number(&[StretchKind::Running, StretchKind::Undoing]),
            number(&waits)
        ),
        styles.dim,
    ));
    line
}

/// The times along the chart, as many as have room.
fn axis(scale: &Scale, times: &Times, now: Timestamp) -> String {
    let today = times.day(now);
    let label = |at: Timestamp| {
        let time = times.second(at);
        if times.day(at) == today { time } else { format!("{} {time}", times.day(at)) }
    };
    let mut line = vec![' '; scale.columns];
    let mut place = |from: usize, text: &str| {
        let taken = line.get(from.saturating_sub(1)..(from + text.len() + 1).min(line.len()));
        if from + text.len() <= scale.columns && taken.is_some_and(|taken| taken.iter().all(|c| *c == ' ')) {
            for (cell, c) in line.iter_mut().skip(from).zip(text.chars()) {
                *cell = c;
            }
        }
    };
    let ticks = scale.ticks();
    if let Some((_, first)) = ticks.first() {
        place(0, &label(*first));
    }
    if let Some((_, last)) = ticks.last() {
        let text = if scale.open { "now".to_owned() } else { label(*last) };
        place(scale.columns.saturating_sub(text.len()), &text);
    }
    for (column, at) in ticks.iter().skip(1).take(ticks.len().saturating_sub(2)) {
        place(*column, &label(*at));
    }
    line.into_iter().collect()
}

/// How much time was left out, below each place where it was.
fn folds(scale: &Scale, glyphs: &Glyphs) -> Option<String> {
    let mut line = String::new();
    for piece in scale.pieces.iter().filter(|piece| piece.folded) {
        let text = format!("{}{}", glyphs.fold, age(since(piece.from, piece.to)));
        let pad = piece.column.saturating_sub(width(&line));
        line.push_str(&" ".repeat(pad));
        line.push_str(&text);
    }
    (!line.is_empty()).then_some(line)
}

/// What the signs mean that are there.
fn legend(glyphs: &Glyphs, runs: &[StepRun], scale: &Scale, promised: bool) -> Vec<String> {
    let any = |kind| runs.iter().any(|run| run.stretches.iter().any(|stretch| stretch.kind == kind));
    let mut words = Vec::new();
    let kinds = [
        (StretchKind::Queued, glyphs.queue, "in the queue"),
        (StretchKind::Running, glyphs.run, "runs"),
        (StretchKind::BackingOff, glyphs.backing_off, "between tries"),
        (StretchKind::Waiting, glyphs.waiting, "waits"),
        (StretchKind::Paused, "p", "paused"),
        (StretchKind::Undoing, "u", "undoes"),
    ];
    words.extend(kinds.into_iter().filter(|(kind, ..)| any(*kind)).map(|(_, sign, word)| format!("{sign} {word}")));
    if runs.iter().any(|run| !run.failures.is_empty()) {
        words.push(format!("{} failed", glyphs.bad));
    }
    if promised {
        words.push(format!("{} promise ends", glyphs.promise));
    }
    if scale.pieces.iter().any(|piece| piece.folded) {
        words.push(format!("{} time left out", glyphs.fold));
    }
    words
}

/// Words side by side, as many as fit in each line; none of them is broken.
fn packed(words: &[String], columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if width(line) + 3 + width(word) <= columns => {
                line.push_str("   ");
                line.push_str(word);
            }
            _ => lines.push(word.clone()),
        }
    }
    lines
}

/// Adds the attempts that the engine tells of.
pub(super) fn attempts(block: &mut Block, look: &Look<'_>, answer: &FlowAnswer) {
    let Look { styles, glyphs, times, now, columns, .. } = *look;
    let Attempts { list, note } = &answer.detail.attempts;
    let counted = answer.detail.flow.attempts;
    if list.is_empty() && counted.is_none_or(|count| count <= 1) {
        return;
    }
    let count = match (counted, list.len()) {
        (Some(count), 0) => format!("attempts: {count}; its source keeps none of them one by one"),
        (Some(count), told) if usize::try_from(count) != Ok(told) => {
            format!("attempts: {count} by its source's count, {told} told, {}", times.zone(now))
        }
        (_, told) => format!("attempts: {told}, {}", times.zone(now)),
    };
    heading(block, styles, &count);
    let hidden = list.len().saturating_sub(LISTED);
    if hidden > 0 {
        block.push(vec![Span::styled(format!("{} {hidden} before these", glyphs.ellipsis), styles.dim)]);
    }
    let today = times.day(now);
    let label = |at: Timestamp| {
        if times.day(at) == today { times.second(at) } else { format!("{} {}", times.day(at), times.second(at)) }
    };
    let mut before = None;
    for attempt in list.iter().skip(hidden) {
        let number = attempt.number.map_or_else(|| glyphs.dot.to_owned(), |number| format!("#{number}"));
        let (sign, style) =
            if attempt.failed_at.is_some() { (glyphs.bad, styles.failed) } else { (glyphs.busy, styles.info) };
        let at = attempt.began_at.or(attempt.failed_at).map_or_else(|| "?".to_owned(), label);
        let took = match (attempt.began_at, attempt.failed_at) {
            (Some(began), Some(failed)) => format!("after {}", short(since(began, failed))),
            (Some(began), None) => format!("for {}", short(since(began, now))),
            (None, _) => String::new(),
        };
        let mut line = vec![
            Span::styled(format!("{number:>5} "), styles.dim),
            Span::styled(format!("{sign} "), style),
            Span::styled(format!("{at}  "), styles.dim),
        ];
        if !took.is_empty() {
            line.push(Span::styled(format!("{took:<12}"), styles.dim));
        }
        if let Some(step) = &attempt.step {
            line.push(Span::styled(format!("{step}  "), styles.text));
        }
        // An error that stays the same is said once.
        let same = attempt.error.is_some() && attempt.error == before;
        if let Some(error) = attempt.error.as_ref() {
            let text = if same { "the same error" } else { error.as_str() };
            line.push(Span::styled(text.to_owned(), if same { styles.dim } else { styles.error_text }));
        }
        before.clone_from(&attempt.error);
        block.push(line);
    }
    if let Some(note) = note {
        for part in wrap(note, columns) {
            block.push(vec![Span::styled(part, styles.dim)]);
        }
    }
}
