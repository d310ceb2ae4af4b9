//! One pass over a source, taken in part by part: nothing of it is held until all of it has come.
//!
//! Of the rows that are held already only those that changed are kept beside them, so that a pass over a million of
//! them costs no second million.

use jiff::Timestamp;

use super::rows::{Bits, Limits, Rows, Slot};
use crate::connect::{EngineCount, Mark};
use crate::domain::drift::DriftFinding;
use crate::domain::flow::FlowInstance;
use crate::domain::tenant::Tenant;
use crate::domain::text::SafeText;

/// What one pass has gathered so far.
#[allow(clippy::struct_excessive_bools, reason = "each kind is as before or not")]
#[derive(Default)]
pub(super) struct Pass {
    /// Rows that are told again as they are held.
    seen: Bits,
    /// When they were, by the source's clock.
    observed_at: Option<Timestamp>,
    /// Rows that are new or were told otherwise before.
    changed: Vec<FlowInstance>,
    /// Rows that are held and were told otherwise.
    otherwise: Bits,
    buffer: Vec<u8>,
    /// Everything, where nothing is held yet.
    first: Option<Rows>,
    /// What is as it was: between these ids, the first one left out.
    as_before: Vec<(String, Option<String>)>,
    pub(super) counts: Vec<EngineCount>,
    pub(super) counts_as_before: bool,
    /// What is not as wanted, and how much is; nothing was checked where that is as it was.
    pub(super) drift: Vec<DriftFinding>,
    pub(super) in_sync: u64,
    pub(super) drift_as_before: bool,
    pub(super) tenants: Vec<Tenant>,
    pub(super) tenants_as_before: bool,
    pub(super) mark: Option<Mark>,
    /// Whether a row could be read and not be kept.
    unkept: bool,
    pub(super) bad_rows: usize,
    pub(super) bad_row: Option<SafeText>,
    pub(super) end: Option<(bool, Option<Timestamp>, Option<SafeText>)>,
}

impl Pass {
    /// Takes in a part of the rows.
    pub(super) fn flows(&mut self, held: &Rows, flows: Vec<FlowInstance>, limits: Limits<'_>) {
        if held.is_empty() {
            let first = self.first.get_or_insert_with(|| {
                let mut rows = Rows::new(held.source().clone());
                rows.expect(self.counts.iter().map(|count| count.open.saturating_add(count.failed)).sum());
                rows
            });
            for flow in &flows {
                if enter(first, flow, limits).is_none() {
                    self.too_long(flow);
                    return;
                }
            }
            return;
        }
        for flow in flows {
            let known = held.find(&flow.id.instance).filter(|_| names_one(&flow));
            // What moves while it is read is told twice, and what is told last holds.
            let otherwise = known.is_some_and(|slot| self.otherwise.contains(slot));
            match known.filter(|slot| !otherwise && held.same(*slot, &flow, &mut self.buffer)) {
                Some(slot) => {
                    self.seen.insert(slot);
                    self.observed_at = self.observed_at.max(Some(flow.observed_at));
                }
                None => {
                    if let Some(slot) = known {
                        self.otherwise.insert(slot);
                    }
                    self.changed.push(flow);
                }
            }
        }
    }

    /// Notes that those rows are as before whose ids are greater than the one and not greater than the other.
    pub(super) fn flows_as_before(&mut self, after: String, until: Option<String>) {
        self.as_before.push((after, until));
    }

    /// Whether nothing at all has changed.
    fn all_as_before(&self) -> bool {
        let all = matches!(&self.as_before[..], [(after, None)] if after.is_empty());
        all && self.changed.is_empty() && self.observed_at.is_none() && self.bad_rows == 0
    }

    /// A row that can't be kept: one of its texts passes all bounds.
    fn too_long(&mut self, flow: &FlowInstance) {
        self.bad_rows += 1;
        self.unkept = true;
        self.bad_row.get_or_insert_with(|| format!("{}: its texts are too long", flow.id.instance).into());
    }

    /// By which it can be asked whether anything has changed, once it was taken. A row that is not held is never told as
    /// it was.
    pub(super) fn mark(&mut self) -> Option<Mark> {
        self.mark.take().filter(|_| !self.unkept)
    }

    /// Makes what was gathered the rows that are held, and judges them as of a moment.
    pub(super) fn take(&mut self, held: &mut Rows, limits: Limits<'_>, now: Timestamp) {
        if let Some(first) = self.first.take() {
            held.replace(first);
        } else if self.all_as_before() {
            held.confirm(now);
        } else {
            for flow in std::mem::take(&mut self.changed) {
                match enter(held, &flow, limits) {
                    Some(slot) => self.seen.insert(slot),
                    None => self.too_long(&flow),
                }
            }
            if !self.as_before.is_empty() {
                let known = held.slots().filter(|slot| held.exact(*slot) && self.is_as_before(held.id(*slot)));
                known.collect::<Vec<_>>().into_iter().for_each(|slot| self.seen.insert(slot));
                self.observed_at = self.observed_at.max(Some(now));
            }
            held.keep(&self.seen, self.observed_at);
        }
        // A row that could not be read may be of an open one.
        held.set_whole(self.bad_rows == 0);
        held.advance(limits, now);
    }
}

impl Pass {
    fn is_as_before(&self, id: &str) -> bool {
        let within = |(after, until): &(String, Option<String>)| {
            id > after.as_str() && until.as_ref().is_none_or(|until| id <= until.as_str())
        };
        self.as_before.iter().any(within)
    }
}

/// Puts a row in. Those whose ids name nobody for certain are never taken for one that was known.
fn enter(rows: &mut Rows, flow: &FlowInstance, limits: Limits<'_>) -> Option<Slot> {
    if names_one(flow) { rows.put(flow, limits) } else { rows.add(flow, limits) }
}

/// Whether the id of an instance is as its engine has it, and is one at all.
fn names_one(flow: &FlowInstance) -> bool {
    flow.exact_id && !flow.id.instance.is_empty()
}

#[cfg(test)]
mod again;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
