//! Which rows of a source an automation matches, and for how long it has.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::super::Hub;
use super::super::executor::refusal;
use super::super::matches::Matches;
use super::super::rows::{Bits, Moment, Rows, Slot, Symbol};
use super::super::source::Source;
use super::super::verify::Baseline;
use crate::domain::automation::Automation;
use crate::domain::flow::{JudgedFlow, Status};
use crate::domain::ids::InstanceId;
use crate::domain::policy::MOST_TARGETS;
use crate::domain::text::SafeText;
use crate::query::Filter;

/// So many are read and noted in one look; the rest in the next ones.
const AT_ONCE: usize = 1_000;

/// A row that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    id: InstanceId,
    version: SafeText,
    /// Since when it was seen to match.
    since: Timestamp,
    /// Whether nothing more is to be done to it in this version.
    settled: bool,
}

/// What an automation matches of one source.
#[derive(Debug, Default)]
pub(super) struct Matched {
    matches: Matches,
    seen: Option<Moment>,
    known: HashMap<Slot, Known>,
    /// How many match, where these are more than a plan takes.
    too_many: Option<usize>,
}

/// An instance that has matched for long enough, and to which something could be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    slot: Slot,
    pub(super) id: InstanceId,
    pub(super) version: SafeText,
    pub(super) since: Timestamp,
    pub(super) paused: bool,
    pub(super) baseline: Baseline,
}

impl Matched {
    /// Why it looks at none, where that is so.
    pub(super) fn too_many(&self) -> Option<SafeText> {
        let count = self.too_many?;
        Some(format!("{count} match, and {MOST_TARGETS} are the most that are looked at: narrow its filter").into())
    }

    /// Looks at what the source has told, and gives what is due.
    pub(super) fn look(
        &mut self,
        hub: &Hub,
        source: &Source,
        automation: &Automation,
        filter: &Filter,
        now: Timestamp,
    ) -> Vec<Due> {
        if !source.live() {
            // Of the time until it is live again nothing is known.
            self.forget();
            return Vec::new();
        }
        let limits = source.limits(&hub.book);
        let engine_now = hub.engine_now(source);
        let held = source.held();
        let rows = &held.rows;
        let found = self.matches.of(rows, filter, limits, engine_now, true);
        if found.count as u64 > MOST_TARGETS {
            self.forget();
            self.too_many = Some(found.count);
            return Vec::new();
        }
        self.too_many = None;
        self.follow(rows, &found.bits, now);
        let crowds = automation.cohort_at_least.map(|least| (least, by_cohort(rows, &found.bits)));
        let enough = |slot: Slot| match &crowds {
            None => true,
            Some((least, crowds)) => {
                rows.cohort_of(slot).is_some_and(|cohort| crowds.get(&cohort).is_some_and(|count| count >= least))
            }
        };
        let mut waiting: Vec<(Timestamp, Slot)> = self
            .known
            .iter()
            .filter(|(slot, known)| {
                !known.settled && now.duration_since(known.since) >= automation.after && enough(**slot)
            })
            .map(|(slot, known)| (known.since, *slot))
            .collect();
        waiting.sort_unstable();
        waiting.truncate(AT_ONCE);
        let mut due = Vec::with_capacity(waiting.len());
        for (since, slot) in waiting {
            let Some(known) = self.known.get_mut(&slot) else { continue };
            let JudgedFlow { flow, .. } = rows.judged(slot, limits, true);
            if refusal(&*source.connector, automation.verb, &flow).is_some() {
                // Until it has changed it can't be had.
                known.settled = true;
                continue;
            }
            due.push(Due {
                slot,
                id: known.id.clone(),
                version: known.version.clone(),
                since,
                paused: flow.status == Status::Paused,
                baseline: Baseline::at(&flow, engine_now),
            });
        }
        due
    }

    fn forget(&mut self) {
        self.known.clear();
        self.seen = None;
    }

    /// Takes in which rows match now. Only those that are new or have changed are read.
    fn follow(&mut self, rows: &Rows, bits: &Bits, now: Timestamp) {
        let changed = self.seen.and_then(|seen| rows.changed_since(seen));
        let changed: Option<HashSet<Slot>> = changed.map(|slots| slots.into_iter().collect());
        self.seen = Some(rows.moment());
        self.known.retain(|slot, _| bits.contains(*slot));
        for slot in bits.iter() {
            let as_before = changed.as_ref().is_some_and(|changed| !changed.contains(&slot));
            if as_before && self.known.contains_key(&slot) {
                continue;
            }
            let flow = rows.flow(slot);
            let version = SafeText::from(flow.version.as_str());
            let same = |known: &Known| known.id == flow.id && known.version == version;
            if !self.known.get(&slot).is_some_and(same) {
                self.known.insert(slot, Known { id: flow.id, version, since: now, settled: false });
            }
        }
    }

    /// Whether nothing more is to be done to an instance, where it still matches in that version.
    pub(super) fn settle(&mut self, due: &Due, settled: bool) {
        let same = |known: &&mut Known| known.id == due.id && known.version == due.version;
        if let Some(known) = self.known.get_mut(&due.slot).filter(same) {
            known.settled = settled;
        }
    }
}

/// How many of each cohort match.
fn by_cohort(rows: &Rows, bits: &Bits) -> HashMap<Symbol, u64> {
    let mut counts = HashMap::new();
    for cohort in bits.iter().filter_map(|slot| rows.cohort_of(slot)) {
        *counts.entry(cohort).or_default() += 1;
    }
    counts
}
