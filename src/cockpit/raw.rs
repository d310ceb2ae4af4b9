//! The raw JSON of an instance as lines that can be folded, searched and scrolled.

use std::collections::BTreeSet;

use super::remote::Remote;
use super::widgets::pen::{width, wrap_exactly};
use crate::domain::ids::InstanceId;
use crate::domain::raw::{Json, RawFlow, Told};
use crate::domain::redact::HIDDEN;
use crate::domain::text::SafeText;

/// What a piece of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A part's heading.
    Part,
    /// A field's name.
    Name,
    /// A text.
    Text,
    /// A number.
    Number,
    /// `true`, `false`, `null`.
    Word,
    /// Brackets, colons, commas.
    Mark,
    /// Where a secret was.
    Hidden,
    /// Quarterdeck's own words: what is left out, why something is not told.
    Note,
}

/// One line of the document.
#[derive(Debug, Clone)]
pub struct Line {
    /// How deep it stands.
    pub depth: usize,
    /// What it says.
    pub pieces: Vec<(Tone, SafeText)>,
    /// Where it can be folded: the index of the first line behind what it holds, and what stands for that when it is.
    pub fold: Option<(usize, SafeText)>,
}

impl Line {
    /// Its text, in small letters, to be searched.
    fn text(&self) -> String {
        self.pieces.iter().map(|(_, text)| text.as_str()).collect::<String>().to_lowercase()
    }
}

/// The viewer's state.
#[derive(Debug, Clone)]
pub struct RawState {
    /// Whose document it is.
    pub id: Option<InstanceId>,
    /// What its source gave.
    pub answer: Remote<RawFlow>,
    /// Every line, folded or not.
    pub lines: Vec<Line>,
    /// The indices of those that can be seen.
    pub visible: Vec<usize>,
    /// The indices of the lines that are folded.
    folded: BTreeSet<usize>,
    /// The columns that the lines were made for.
    columns: usize,
    /// The index, among the visible, of the line under the cursor.
    pub cursor: usize,
    /// That of the topmost line on screen.
    pub top: usize,
    /// What is searched for, in small letters; empty for nothing.
    pub search: String,
}

impl Default for RawState {
    fn default() -> Self {
        Self {
            id: None,
            answer: Remote::Never,
            lines: Vec::new(),
            visible: Vec::new(),
            folded: BTreeSet::new(),
            columns: 80,
            cursor: 0,
            top: 0,
            search: String::new(),
        }
    }
}

impl RawState {
    /// A viewer for this instance that has nothing yet.
    pub fn of(id: InstanceId) -> Self {
        Self { id: Some(id), ..Self::default() }
    }

    /// Lays the document out for so many columns. What was folded stays so while the lines are the same ones.
    pub fn lay_out(&mut self, columns: usize) {
        let Some(raw) = self.answer.value() else {
            self.lines.clear();
            self.visible.clear();
            return;
        };
        let mut writer = Writer { columns: columns.max(20), lines: Vec::new() };
        let mut records = Vec::new();
        for (at, (name, told)) in raw.parts().enumerate() {
            if at >= 3 {
                records.push(writer.lines.len());
            }
            writer.part(name, told);
        }
        let same = columns == self.columns && writer.lines.len() == self.lines.len();
        self.columns = columns;
        self.lines = writer.lines;
        if !same {
            // The engine's own records are long; what the instance was given and gave comes first.
            self.folded = records.into_iter().filter(|at| self.lines[*at].fold.is_some()).collect();
        }
        self.see();
    }

    /// Finds the lines that can be seen.
    fn see(&mut self) {
        let here = self.visible.get(self.cursor).copied().unwrap_or(0);
        self.visible.clear();
        let mut at = 0;
        while let Some(line) = self.lines.get(at) {
            self.visible.push(at);
            at = match &line.fold {
                Some((end, _)) if self.folded.contains(&at) => *end,
                _ => at + 1,
            };
        }
        // On its line, or on the one that now holds it.
        self.cursor = self.visible.partition_point(|line| *line <= here).saturating_sub(1);
    }

    /// Whether a line is folded.
    pub fn is_folded(&self, line: usize) -> bool {
        self.folded.contains(&line)
    }

    /// Folds or unfolds what is under the cursor; a line that holds nothing folds what it stands in.
    pub fn toggle(&mut self) {
        let Some(&here) = self.visible.get(self.cursor) else { return };
        let holds = |at: usize| self.lines.get(at).and_then(|line| line.fold.as_ref()).map(|(end, _)| *end);
        let target = match holds(here) {
            Some(_) => Some(here),
            None => (0..here).rev().find(|at| holds(*at).is_some_and(|end| end > here)),
        };
        let Some(target) = target else { return };
        if !self.folded.remove(&target) {
            self.folded.insert(target);
            if let Some(at) = self.visible.iter().position(|line| *line == target) {
                self.cursor = at;
            }
        }
        self.see();
    }

    /// The line that holds another, the nearest one above it.
    fn parent(&self, line: usize) -> Option<usize> {
        let end = |at: usize| self.lines.get(at).and_then(|line| line.fold.as_ref()).map(|(end, _)| *end);
        (0..line).rev().find(|at| end(*at).is_some_and(|end| end > line))
    }

    /// Unfolds what is under the cursor.
    pub fn unfold(&mut self) {
        if let Some(&here) = self.visible.get(self.cursor)
            && self.folded.remove(&here)
        {
            self.see();
        }
    }

    /// Folds what is under the cursor, or goes to what it stands in. False where there is neither.
    pub fn fold_out(&mut self) -> bool {
        let Some(&here) = self.visible.get(self.cursor) else { return false };
        let holds = self.lines.get(here).is_some_and(|line| line.fold.is_some());
        if holds && self.folded.insert(here) {
            self.see();
            return true;
        }
        let Some(parent) = self.parent(here) else { return false };
        if let Some(at) = self.visible.iter().position(|line| *line == parent) {
            self.cursor = at;
        }
        true
    }

    /// Folds everything, or, where something is folded, unfolds everything.
    pub fn toggle_all(&mut self) {
        if self.folded.is_empty() {
            self.folded = (0..self.lines.len()).filter(|at| self.lines[*at].fold.is_some()).collect();
        } else {
            self.folded.clear();
        }
        self.see();
    }

    /// How many lines hold what is searched for.
    pub fn hits(&self) -> usize {
        if self.search.is_empty() { 0 } else { self.lines.iter().filter(|line| self.holds(line)).count() }
    }

    /// Which of the lines with what is searched for is under the cursor, counted from 1; `None` on another line.
    pub fn hit(&self) -> Option<usize> {
        let here = *self.visible.get(self.cursor)?;
        let at = self.lines.get(here).filter(|line| !self.search.is_empty() && self.holds(line)).map(|_| here)?;
        Some(self.lines.iter().take(at + 1).filter(|line| self.holds(line)).count())
    }

    fn holds(&self, line: &Line) -> bool {
        line.text().contains(&self.search)
    }

    /// Goes to the next line, or the one before, that holds what is searched for, and unfolds what hides it. Begins
    /// anew at the other end. False where there is none.
    pub fn find(&mut self, backwards: bool, here_too: bool) -> bool {
        if self.search.is_empty() || self.lines.is_empty() {
            return false;
        }
        let here = self.visible.get(self.cursor).copied().unwrap_or(0);
        let total = self.lines.len();
        let skip = usize::from(!here_too);
        let mut order = (skip..total + skip)
            .map(|step| if backwards { (here + total * 2 - step) % total } else { (here + step) % total });
        let Some(found) = order.find(|at| self.lines.get(*at).is_some_and(|line| self.holds(line))) else {
            return false;
        };
        self.folded.retain(|at| {
            let end = self.lines.get(*at).and_then(|line| line.fold.as_ref()).map_or(0, |(end, _)| *end);
            !(*at < found && found < end)
        });
        self.see();
        self.cursor = self.visible.partition_point(|line| *line < found).min(self.visible.len().saturating_sub(1));
        true
    }

    /// Moves the cursor, and scrolls so that it stays among `rows` lines.
    pub fn move_to(&mut self, cursor: usize, rows: usize) {
        self.cursor = cursor.min(self.visible.len().saturating_sub(1));
        self.keep_in_view(rows);
    }

    /// The same with two lines above and below it, where there are.
    pub fn keep_hit_in_view(&mut self, rows: usize) {
        self.keep_in_view(rows);
        let around = 2.min(rows.saturating_sub(1) / 2);
        self.top =
            self.top.min(self.cursor.saturating_sub(around)).max((self.cursor + 1 + around).saturating_sub(rows));
        self.top = self.top.min(self.visible.len().saturating_sub(rows));
    }

    /// Scrolls so that the cursor is among `rows` lines.
    pub fn keep_in_view(&mut self, rows: usize) {
        let rows = rows.max(1);
        self.top = self.top.min(self.cursor).max((self.cursor + 1).saturating_sub(rows));
        self.top = self.top.min(self.visible.len().saturating_sub(rows));
    }
}

struct Writer {
    columns: usize,
    lines: Vec<Line>,
}

type Pieces = Vec<(Tone, SafeText)>;

fn mark(text: &'static str) -> (Tone, SafeText) {
    (Tone::Mark, text.into())
}

impl Writer {
    fn push(&mut self, depth: usize, pieces: Pieces) {
        self.lines.push(Line { depth, pieces, fold: None });
    }

    fn part(&mut self, name: &'static str, told: &Told) {
        let at = self.lines.len();
        self.push(0, vec![(Tone::Part, name.to_uppercase().into())]);
        match told {
            Told::Json(json) => self.value(1, Vec::new(), json, ""),
            Told::Not(why) => self.text(1, Vec::new(), Tone::Note, why, ""),
        }
        let held = match told {
            Told::Json(Json::List(values)) => count(values.len(), "value"),
            Told::Json(Json::Object(fields)) => count(fields.len(), "field"),
            _ => count(self.lines.len() - at - 1, "line"),
        };
        self.fold(at, held);
    }

    fn fold(&mut self, at: usize, stands_for: String) {
        let end = self.lines.len();
        if let Some(line) = self.lines.get_mut(at) {
            line.fold = Some((end, stands_for.into()));
        }
    }

    fn value(&mut self, depth: usize, mut lead: Pieces, json: &Json, tail: &'static str) {
        match json {
            Json::Null => self.word(depth, lead, Tone::Word, "null", tail),
            Json::Bool(true) => self.word(depth, lead, Tone::Word, "true", tail),
            Json::Bool(false) => self.word(depth, lead, Tone::Word, "false", tail),
            Json::Number(number) => self.word(depth, lead, Tone::Number, number, tail),
            Json::Hidden => self.word(depth, lead, Tone::Hidden, HIDDEN, tail),
            Json::More(more, of) => self.word(depth, lead, Tone::Note, &format!("… {more} {of} more"), tail),
            Json::Text(lines) => self.lines_of(depth, lead, lines, None, tail),
            Json::Long(lines, more) => self.lines_of(depth, lead, lines, Some(*more), tail),
            Json::Within(json) => {
                lead.push((Tone::Note, "text with JSON ".into()));
                self.value(depth, lead, json, tail);
            }
            Json::List(values) if values.is_empty() => self.word(depth, lead, Tone::Mark, "[]", tail),
            Json::Object(fields) if fields.is_empty() => self.word(depth, lead, Tone::Mark, "{}", tail),
            Json::List(values) => {
                let at = self.lines.len();
                lead.push(mark("["));
                self.push(depth, lead);
                for (nth, value) in values.iter().enumerate() {
                    self.value(depth + 1, Vec::new(), value, comma(nth, values.len()));
                }
                self.push(depth, vec![mark("]"), mark(tail)]);
                self.fold(at, format!("{} ]{tail}", count(values.len(), "value")));
            }
            Json::Object(fields) => {
                let at = self.lines.len();
                lead.push(mark("{"));
                self.push(depth, lead);
                for (nth, (name, value)) in fields.iter().enumerate() {
                    let lead = vec![(Tone::Name, name.clone()), mark(": ")];
                    self.value(depth + 1, lead, value, comma(nth, fields.len()));
                }
                self.push(depth, vec![mark("}"), mark(tail)]);
                self.fold(at, format!("{} }}{tail}", count(fields.len(), "field")));
            }
        }
    }

    fn word(&mut self, depth: usize, mut lead: Pieces, tone: Tone, word: &str, tail: &'static str) {
        lead.push((tone, word.into()));
        lead.push(mark(tail));
        self.push(depth, lead);
    }

    /// A text of one line beside its name, one of several lines below it.
    fn lines_of(&mut self, depth: usize, lead: Pieces, lines: &[SafeText], more: Option<u64>, tail: &'static str) {
        match lines {
            [] => self.word(depth, lead, Tone::Text, "\"\"", tail),
            [one] if more.is_none() => self.text(depth, lead, Tone::Text, &format!("\"{one}\""), tail),
            several => {
                let at = self.lines.len();
                self.push(depth, lead);
                for line in several {
                    self.text(depth + 1, Vec::new(), Tone::Text, line, "");
                }
                if let Some(more) = more {
                    self.push(depth + 1, vec![(Tone::Note, format!("… {} more", bytes(more)).into())]);
                }
                self.fold(at, count(several.len(), "line"));
            }
        }
    }

    /// A text, broken where it is too long for its line.
    fn text(&mut self, depth: usize, mut lead: Pieces, tone: Tone, text: &str, tail: &'static str) {
        let used: usize = lead.iter().map(|(_, text)| width(text)).sum();
        let room = self.columns.saturating_sub(depth * 2 + used + 2).max(12);
        let broken = wrap_exactly(text, room);
        let last = broken.len().saturating_sub(1);
        for (nth, line) in broken.into_iter().enumerate() {
            let mut pieces = if nth == 0 { std::mem::take(&mut lead) } else { vec![mark("  ")] };
            pieces.push((tone, line.into()));
            if nth == last {
                pieces.push(mark(tail));
            }
            self.push(depth, pieces);
        }
    }
}

const fn comma(nth: usize, total: usize) -> &'static str {
    if nth + 1 < total { "," } else { "" }
}

fn count(number: usize, one: &str) -> String {
    super::widgets::numbers::plural(number as u64, one)
}

/// A size in the unit that fits: `512 bytes`, `3.1 MB`.
pub(super) fn bytes(number: u64) -> String {
    match number {
        0..10_000 => format!("{number} bytes"),
        10_000..1_000_000 => format!("{} kB", number / 1_000),
        _ => format!("{}.{} MB", number / 1_000_000, number % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::raw::RawPart;
    use crate::domain::redact::Redactor;

    fn state() -> RawState {
        let told = |value: &serde_json::Value| Told::Json(Json::of(value, &Redactor::default()));
        let raw = RawFlow {
            input: told(&json!({"tenant": "acme", "password": "hunter2", "note": "a".repeat(60)})),
            output: Told::Not("there is none yet".into()),
            steps: told(&json!([{"step": "charge"}, {"step": "notify"}])),
            records: vec![RawPart { name: "journal", told: told(&json!([{"deep": "needle"}])) }],
        };
        let mut state =
            RawState { answer: Remote::Fresh { value: raw, at: jiff::Timestamp::UNIX_EPOCH }, ..RawState::default() };
        state.lay_out(50);
        state
    }

    fn seen(state: &RawState) -> String {
        let line = |at: &usize| {
            let line = &state.lines[*at];
            let text: String = line.pieces.iter().map(|(_, text)| text.as_str()).collect();
            let fold = line.fold.as_ref().filter(|_| state.is_folded(*at)).map(|(_, text)| format!(" … {text}"));
            format!("{}{text}{}", "  ".repeat(line.depth), fold.unwrap_or_default())
        };
        state.visible.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_document_is_laid_out_and_its_records_are_folded() {
        insta::assert_snapshot!(seen(&state()));
    }

    #[test]
    fn folding_hides_what_a_line_holds_and_stays_on_it() {
        let mut state = state();
        let all = state.visible.len();
        state.move_to(2, 10);
        state.toggle();
        assert!(state.visible.len() < all);
        assert_eq!(state.visible[state.cursor], 1, "a field folds the object that it stands in");
        state.toggle();
        assert_eq!(state.visible.len(), all);
        state.toggle_all();
        assert!(state.visible.len() > all, "something was folded, so everything unfolds");
        state.toggle_all();
        assert_eq!(state.visible.len(), 4);
    }

    #[test]
    fn a_search_unfolds_what_hides_its_hit_and_goes_round() {
        let mut state = state();
        state.search = "needle".to_owned();
        assert_eq!(state.hits(), 1);
        assert!(state.find(false, false));
        assert!(seen(&state).contains("needle"));
        let hit = state.cursor;
        assert!(state.find(false, false) && state.find(true, false));
        assert_eq!(state.cursor, hit);
        state.search = "nowhere".to_owned();
        assert!(!state.find(false, true));
        state.search = "hunter2".to_owned();
        assert_eq!(state.hits(), 0, "a secret can't be found, as it is not there");
    }

    #[test]
    fn sizes_are_told_in_their_unit() {
        assert_eq!(
            (bytes(512), bytes(64_000), bytes(3_140_000)),
            ("512 bytes".into(), "64 kB".into(), "3.1 MB".into())
        );
    }
}
