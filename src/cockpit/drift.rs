//! What has drifted, as the cockpit holds it: the list, the one under the cursor, and what differs of it.

use std::sync::Arc;

use jiff::Timestamp;

use super::remote::Remote;
use crate::domain::difference::DiffLine;
use crate::domain::drift::KnownDrift;
use crate::domain::ids::InstanceId;
use crate::domain::text::SafeText;
use crate::ops::{DriftCause, DriftQuery, DriftWindow};

/// So many rows are held at a time.
pub(super) const ROWS: usize = 1_000;

/// The state of the two screens.
#[derive(Debug, Clone)]
pub struct DriftState {
    /// The findings.
    pub window: Remote<Arc<DriftWindow>>,
    /// When they were asked for last.
    pub asked_at: Option<Timestamp>,
    /// Whether findings of one cause are one row.
    pub by_cause: bool,
    /// The finding under the cursor.
    pub selected: Option<InstanceId>,
    /// Its row.
    pub index: usize,
    /// The finding that is open.
    pub open: Option<KnownDrift>,
    /// How far it is scrolled.
    pub scroll: usize,
    /// Whether what differs stands side by side, where there is room for it.
    pub beside: bool,
    /// What differs of the one that was looked at last.
    pub differing: Option<Differing>,
}

/// What differs, line by line: worked out once for each version of a finding.
#[derive(Debug, Clone)]
pub struct Differing {
    id: InstanceId,
    version: SafeText,
    lines: Arc<Vec<DiffLine>>,
}

impl Default for DriftState {
    fn default() -> Self {
        Self {
            window: Remote::Never,
            asked_at: None,
            by_cause: true,
            selected: None,
            index: 0,
            open: None,
            scroll: 0,
            beside: true,
            differing: None,
        }
    }
}

impl DriftState {
    /// What to ask for.
    pub const fn query(&self) -> DriftQuery {
        DriftQuery { by_cause: self.by_cause, offset: 0, limit: ROWS }
    }

    /// The rows that are held.
    pub fn rows(&self) -> &[DriftCause] {
        self.window.value().map(|window| window.rows.as_slice()).unwrap_or_default()
    }

    /// The row under the cursor.
    pub fn row(&self) -> Option<&DriftCause> {
        self.rows().get(self.index)
    }

    /// Finds the row of the finding under the cursor again, or the one that has its place now.
    pub fn settle(&mut self) {
        let place = |id: &InstanceId| self.rows().iter().position(|row| row.first.finding.id == *id);
        let index = self.selected.as_ref().and_then(place).unwrap_or(self.index);
        self.select(index);
    }

    /// Puts the cursor on a row.
    pub fn select(&mut self, index: usize) {
        self.index = index.min(self.rows().len().saturating_sub(1));
        self.selected = self.row().map(|row| row.first.finding.id.clone());
        self.work_out();
    }

    /// The finding that is looked at.
    pub fn looked_at(&self, open: bool) -> Option<&KnownDrift> {
        if open { self.open.as_ref() } else { self.row().map(|row| &row.first) }
    }

    /// Works out what differs of the finding under the cursor, or of the one that is open, where that is not known yet.
    pub fn work_out(&mut self) {
        let found = self.open.as_ref().or_else(|| self.row().map(|row| &row.first)).map(|known| known.finding.clone());
        let Some(finding) = found else { return };
        let version = finding.version();
        if self.differing.as_ref().is_some_and(|known| known.id == finding.id && known.version == version) {
            return;
        }
        let lines = Arc::new(finding.difference.lines());
        self.differing = Some(Differing { id: finding.id.clone(), version, lines });
    }

    /// What differs of a finding, as far as it was worked out.
    pub fn lines_of(&self, id: &InstanceId) -> &[DiffLine] {
        self.differing.as_ref().filter(|known| known.id == *id).map(|known| known.lines.as_slice()).unwrap_or_default()
    }
}
