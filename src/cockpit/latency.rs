//! How long steps take, as it is looked at: whose, which time, and which step and slot are under the cursor.

use std::sync::Arc;

use jiff::Timestamp;

use super::remote::Remote;
use crate::domain::latency::{LatencyCell, Measure};
use crate::domain::text::SafeText;
use crate::ops::{Latency, LatencyRow};

/// Which step: its source, its flow, its name.
type StepKey = (SafeText, SafeText, SafeText);

fn key(row: &LatencyRow) -> StepKey {
    (row.source.clone(), row.flow.clone(), row.step.clone())
}

/// What is known, and where the cursor is.
#[derive(Debug, Clone)]
pub struct LatencyState {
    /// Of the flows whose names match; of all where it is `None`.
    pub flow: Option<SafeText>,
    /// The one that was looked at before all were.
    pub flow_before: Option<SafeText>,
    /// Which time is shown.
    pub measure: Measure,
    /// What was told.
    pub answer: Remote<Arc<Latency>>,
    /// When it was asked for last.
    pub asked_at: Option<Timestamp>,
    /// The slot under the cursor, by when it begins; the last one, whichever that is, where it is `None`.
    pub slot: Option<Timestamp>,
    step: Option<StepKey>,
    index: usize,
}

impl Default for LatencyState {
    fn default() -> Self {
        Self {
            flow: None,
            flow_before: None,
            measure: Measure::Run,
            answer: Remote::Never,
            asked_at: None,
            slot: None,
            step: None,
            index: 0,
        }
    }
}

impl LatencyState {
    /// The steps that are shown.
    pub fn rows(&self) -> impl Iterator<Item = &LatencyRow> {
        let rows = self.answer.value().map_or(&[][..], |latency| &latency.rows);
        rows.iter().filter(|row| row.measure == self.measure)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.rows().count()
    }

    /// The index of the step under the cursor: where it stands now, else where it stood.
    pub fn at(&self) -> usize {
        let wanted = self.step.as_ref();
        let found = self.rows().position(|row| Some(&key(row)) == wanted);
        found.unwrap_or_else(|| self.index.min(self.count().saturating_sub(1)))
    }

    /// Puts the cursor on a step.
    pub fn select(&mut self, index: usize) {
        let step = self.rows().nth(index).map(key);
        self.step = step;
        self.index = index;
    }

    /// The step under the cursor.
    pub fn current(&self) -> Option<&LatencyRow> {
        self.rows().nth(self.at())
    }

    /// The index of the slot under the cursor; one that has left is the oldest one.
    pub fn slot_at(&self) -> usize {
        let slots = self.answer.value().map_or(&[][..], |latency| &latency.slots);
        match self.slot {
            None => slots.len().saturating_sub(1),
            Some(slot) => slots.partition_point(|begins| *begins < slot).min(slots.len().saturating_sub(1)),
        }
    }

    /// The slot under the cursor of the step under it.
    pub fn cell(&self) -> Option<&LatencyCell> {
        self.current()?.cells.get(self.slot_at())
    }

    /// Moves the cursor to a slot; from the last one on it goes along with time.
    pub fn go_to(&mut self, index: usize) {
        let slots = self.answer.value().map_or(&[][..], |latency| &latency.slots);
        self.slot = slots.get(index).copied().filter(|_| index + 1 < slots.len());
    }
}
