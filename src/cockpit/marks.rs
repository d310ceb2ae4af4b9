//! Marks: instances that somebody has chosen on the list, one by one, as a range, or all that match.
//!
//! They are kept by id, so that they survive every new order; and "all that match" is a filter and not a list, so that
//! it says how many there were when it was made and how many there are now.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::widgets::numbers::grouped;
use crate::domain::flow::JudgedFlow;
use crate::domain::ids::InstanceId;
use crate::ops::Selection;
use crate::query::Filter;

/// How many can be marked one by one or as ranges.
pub const MOST: usize = 10_000;

/// Why an instance can't be marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotMarked {
    /// There are [`MOST`] already.
    Full,
    /// All that match another filter are marked.
    OtherFilter,
}

/// What is marked. There is at least one mark, or all that match.
#[derive(Debug, Clone)]
pub struct Marks {
    /// Who.
    pub selection: Selection,
    /// How many there were when all that match were marked, with the revision that they were counted at.
    pub when: Option<(usize, u64)>,
    /// How many of them there are now, if that is known.
    pub now: Option<usize>,
    /// The one that was marked last, from which a range is drawn.
    pub last: Option<InstanceId>,
}

impl Marks {
    /// One mark.
    pub fn one(id: InstanceId) -> Self {
        let ids = BTreeSet::from([id.clone()]);
        Self { selection: Selection::Ids(ids), when: None, now: None, last: Some(id) }
    }

    /// All that match a filter.
    pub fn all(filter: Filter, matching: usize, revision: u64) -> Self {
        let selection = Selection::Matching { filter, without: BTreeSet::new() };
        Self { selection, when: Some((matching, revision)), now: Some(matching), last: None }
    }

    /// Whether an instance is marked. `now` is the present by its source's clock.
    pub fn holds(&self, row: &JudgedFlow, now: Timestamp) -> bool {
        match &self.selection {
            Selection::Ids(ids) => ids.contains(&row.flow.id),
            Selection::Matching { filter, without } => !without.contains(&row.flow.id) && filter.matches(row, now),
            Selection::Cause { .. } => false,
        }
    }

    /// Marks an instance, or takes its mark away; tells why it can't be.
    pub fn toggle(&mut self, row: &JudgedFlow, now: Timestamp) -> Result<(), NotMarked> {
        let id = &row.flow.id;
        match &mut self.selection {
            Selection::Ids(ids) => {
                if ids.remove(id) {
                    self.last = self.last.take().filter(|last| last != id);
                } else if ids.len() >= MOST {
                    return Err(NotMarked::Full);
                } else {
                    ids.insert(id.clone());
                    self.last = Some(id.clone());
                }
            }
            Selection::Matching { filter, without } => {
                if !filter.matches(row, now) {
                    return Err(NotMarked::OtherFilter);
                }
                if !without.remove(id) {
                    without.insert(id.clone());
                }
            }
            Selection::Cause { .. } => return Err(NotMarked::OtherFilter),
        }
        self.now = None;
        Ok(())
    }

    /// Whether nothing is marked any more.
    pub fn is_empty(&self) -> bool {
        matches!(&self.selection, Selection::Ids(ids) if ids.is_empty())
    }

    /// How many are marked, as far as is known, in words: `3 marked, 1 gone`, `312 when marked, 318 now`.
    pub fn words(&self) -> String {
        match (&self.selection, self.when) {
            (Selection::Ids(ids), _) => {
                let gone = self.now.map_or(0, |now| ids.len().saturating_sub(now));
                let gone = if gone > 0 { format!(", {} gone", grouped(gone as u64)) } else { String::new() };
                format!("{} marked{gone}", grouped(ids.len() as u64))
            }
            (Selection::Matching { without, .. }, when) => {
                let when = when.map_or(0, |(count, _)| count);
                let left = when.saturating_sub(without.len());
                let out = if without.is_empty() { String::new() } else { format!(", {} left out", without.len()) };
                match self.now {
                    Some(now) if now != left => {
                        format!("{} when marked, {} now{out}", grouped(when as u64), grouped(now as u64))
                    }
                    _ => format!("all {} marked{out}", grouped(left as u64)),
                }
            }
            (Selection::Cause { key, .. }, _) => format!("cause {key}"),
        }
    }
}
