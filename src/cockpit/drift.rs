//! What has drifted, as the cockpit holds it: the list, the one under the cursor, and what differs of it.

use std::sync::Arc;

use jiff::Timestamp;

use super::part;
use super::remote::Remote;
use crate::domain::difference::{DiffLine, folded, side_by_side};
use crate::domain::drift::KnownDrift;
use crate::domain::ids::InstanceId;
use crate::domain::text::SafeText;
use crate::ops::{DriftCause, DriftQuery, DriftWindow};
use crate::query::{DriftFilter, FilterError};

/// The state of the two screens.
#[derive(Debug, Clone)]
pub struct DriftState {
    /// The filter as it was typed.
    pub text: String,
    /// The same, read.
    pub filter: DriftFilter,
    /// What is wrong with what is typed.
    pub error: Option<FilterError>,
    /// The findings around the cursor.
    pub window: Remote<Arc<DriftWindow>>,
    /// When they were asked for last.
    pub asked_at: Option<Timestamp>,
    /// Whether findings of one cause are one row.
    pub by_cause: bool,
    /// The finding under the cursor.
    pub selected: Option<InstanceId>,
    /// Its row, among all.
    pub index: usize,
    /// The finding that is open.
    pub open: Option<KnownDrift>,
    /// How far it is scrolled.
    pub scroll: usize,
    /// Whether what differs stands side by side, where there is room for it.
    pub beside: bool,
    /// Whether long runs of lines that are alike are shown, too.
    pub unfolded: bool,
    /// What differs of the one that was looked at last.
    pub differing: Option<Differing>,
}

/// What differs, line by line: worked out once for each version of a finding.
#[derive(Debug, Clone)]
pub struct Differing {
    id: InstanceId,
    version: SafeText,
    unfolded: bool,
    lines: Vec<DiffLine>,
    /// The places of the lines that stand side by side: what is wanted, and what is there.
    pairs: Vec<(Option<usize>, Option<usize>)>,
}

impl Differing {
    /// Its lines.
    pub fn lines(&self) -> &[DiffLine] {
        &self.lines
    }

    /// How many rows they are side by side.
    pub const fn rows(&self) -> usize {
        self.pairs.len()
    }

    /// A row of them side by side: what is wanted, and what is there.
    pub fn pair(&self, row: usize) -> Option<(Option<&DiffLine>, Option<&DiffLine>)> {
        let (wanted, there) = self.pairs.get(row)?;
        let line = |at: &Option<usize>| self.lines.get((*at)?);
        Some((line(wanted), line(there)))
    }
}

impl Default for DriftState {
    fn default() -> Self {
        Self {
            text: String::new(),
            filter: DriftFilter::default(),
            error: None,
            window: Remote::Never,
            asked_at: None,
            by_cause: true,
            selected: None,
            index: 0,
            open: None,
            scroll: 0,
            beside: true,
            unfolded: false,
            differing: None,
        }
    }
}

impl DriftState {
    /// What to ask for.
    pub fn query(&self) -> DriftQuery {
        DriftQuery {
            filter: self.filter.clone(),
            by_cause: self.by_cause,
            offset: part::offset(self.index),
            limit: part::HELD,
        }
    }

    /// The rows that are held.
    pub fn rows(&self) -> &[DriftCause] {
        self.window.value().map(|window| window.rows.as_slice()).unwrap_or_default()
    }

    /// How many rows match.
    pub fn total(&self) -> usize {
        self.window.value().map_or(0, |window| window.total)
    }

    /// A row by its index among all, as far as it is held.
    pub fn at(&self, index: usize) -> Option<&DriftCause> {
        let window = self.window.value()?;
        window.rows.get(index.checked_sub(window.offset)?)
    }

    /// The row under the cursor.
    pub fn row(&self) -> Option<&DriftCause> {
        self.at(self.index)
    }

    /// Finds the row of the finding under the cursor again, or the one that has its place now. Gives whether other rows
    /// have to be asked for.
    pub fn settle(&mut self) -> bool {
        let place = |id: &InstanceId| self.rows().iter().position(|row| row.first.finding.id == *id);
        let offset = self.window.value().map_or(0, |window| window.offset);
        let index = self.selected.as_ref().and_then(place).map_or(self.index, |at| at + offset);
        self.select(index)
    }

    /// Puts the cursor on a row. Gives whether other rows have to be asked for.
    pub fn select(&mut self, index: usize) -> bool {
        self.index = index.min(self.total().saturating_sub(1));
        self.selected = self.row().map(|row| row.first.finding.id.clone());
        self.work_out();
        self.window.value().is_some_and(|window| window.offset != part::offset(self.index))
    }

    /// Takes a filter. What is looked at is the first that matches.
    pub fn take_filter(&mut self, text: &str, filter: DriftFilter) -> bool {
        self.error = None;
        text.clone_into(&mut self.text);
        let other = filter != self.filter;
        if other {
            self.filter = filter;
            (self.index, self.selected) = (0, None);
        }
        other
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
        let unfolded = self.unfolded;
        let same = |known: &Differing| known.id == finding.id && known.version == version && known.unfolded == unfolded;
        if self.differing.as_ref().is_some_and(same) {
            return;
        }
        let all = finding.difference.lines();
        let lines = if unfolded { all } else { folded(&all) };
        let pairs = side_by_side(&lines);
        self.differing = Some(Differing { id: finding.id.clone(), version, unfolded, lines, pairs });
    }

    /// What differs of a finding, as far as it was worked out.
    pub fn differing(&self, id: &InstanceId) -> Option<&Differing> {
        self.differing.as_ref().filter(|known| known.id == *id)
    }
}
