//! The board: counts by flow and step, and cohorts, out of the rows and the engine's own counts.

use std::collections::{BTreeMap, HashSet};

use super::rows::{Facets, Limits, Rows, Where};
use crate::connect::EngineCount;
use crate::domain::cohort::{Cohort, Counts, cohort_id, onset_of};
use crate::domain::text::SafeText;
use crate::domain::verdict::Rule;
use crate::ops::Cell;

/// What one source contributes to the board.
#[derive(Debug, Clone, Default)]
pub(super) struct Board {
    pub(super) cells: Vec<Cell>,
    pub(super) cohorts: Vec<Cohort>,
    /// The tenants of its stuck instances.
    pub(super) stuck_tenants: HashSet<SafeText>,
}

/// Counts and cohorts of the rows of one source, or of some of them.
///
/// Open, held and failed are the engine's own counts; stuck, and the split by rule, come from the rules and so from
/// the rows. Waiting is the engine's count less those whose wait is lost. Where the rows are a part of all (a filter
/// chose them) there are no counts of the engine for them: `counts` is `None`, and the rows are counted. Rows of a
/// source that is not live count as what they were when it was last heard.
pub(super) fn of_rows(
    rows: &Rows,
    facets: &Facets,
    counts: Option<&[EngineCount]>,
    limits: Limits<'_>,
    live: bool,
) -> Board {
    let cannot_count = counts.is_some_and(<[_]>::is_empty);
    let counted = counts.is_some() && !cannot_count;
    let mut by_place: BTreeMap<Where, (Counts, u64)> = BTreeMap::new();
    for (place, tally) in facets.tallies() {
        let Some(place) = rows.place_of(place) else { continue };
        let by_rule: BTreeMap<Rule, u64> = Rule::ALL
            .into_iter()
            .zip(tally.by_rule)
            .filter(|(_, n)| *n > 0)
            .map(|(rule, n)| (rule, n.into()))
            .collect();
        let mut cell =
            Counts { stuck: by_rule.values().sum(), unknown: tally.unknown.into(), by_rule, ..Counts::default() };
        if !counted {
            cell.open = tally.open.into();
            cell.waiting = tally.waiting.saturating_sub(tally.lost).into();
            cell.held = tally.held.into();
            cell.failed = tally.failed.into();
        }
        by_place.insert(place.clone(), (cell, tally.lost.into()));
    }
    for count in counts.unwrap_or_default() {
        let place = Where { flow: count.flow.clone(), step: count.step.clone() };
        let (cell, lost) = by_place.entry(place).or_default();
        cell.open += count.open;
        cell.waiting += count.waiting.saturating_sub(*lost);
        cell.held += count.held;
        cell.failed += count.failed;
    }
    let cells = by_place
        .into_iter()
        .map(|(place, (counts, _))| Cell {
            source: rows.source().clone(),
            flow: place.flow,
            step: place.step,
            // The counts and the rows are two questions: where things moved in between, they may contradict.
            approximate: cannot_count || counts.stuck > counts.open + counts.failed,
            counts,
            live: true,
        })
        .collect();
    let mut cohorts = Vec::new();
    let stuck_tenants = facets.stuck_tenants().filter_map(|tenant| rows.tenant(tenant).cloned()).collect();
    for (cause, members) in facets.members() {
        let Some((cause, place)) = rows.cause(cause) else { continue };
        let Some(oldest) = members.oldest.map(|(_, slot)| rows.judged(slot, limits, live)) else { continue };
        cohorts.push(Cohort {
            id: cohort_id(rows.source(), &place.flow, &place.step, &cause.fingerprint),
            source: rows.source().clone(),
            flow: place.flow.clone(),
            step: place.step.clone(),
            fingerprint: cause.fingerprint.clone(),
            count: members.count.into(),
            tenants: members.tenants.len() as u64,
            without_tenant: members.without_tenant.into(),
            growth: None,
            since: oldest.judgement.since(),
            rule: members.rule(),
            sample: oldest.flow.error.as_ref().map(|error| error.text.clone()),
            evidence: oldest.judgement.primary().map(|finding| finding.evidence.clone()).unwrap_or_default(),
            status: oldest.flow.status,
            waits_for: oldest.flow.wait.as_ref().map(|wait| wait.kind),
            onset: onset_of(&oldest),
            claim: None,
            near: None,
        });
    }
    worst_first(&mut cohorts);
    Board { cells, cohorts, stuck_tenants }
}

/// The worst cohort first: by tenants hurt times how fast it grows, then by count, then the one that has been stuck
/// longest. One that does not grow, or of which that is not known, counts by its tenants alone.
pub(super) fn worst_first(cohorts: &mut [Cohort]) {
    let weight = |cohort: &Cohort| {
        let growth = cohort.growth.and_then(|growth| u64::try_from(growth).ok()).unwrap_or_default();
        cohort.tenants.saturating_mul(growth.saturating_add(1))
    };
    cohorts.sort_by(|a, b| {
        (weight(b), b.count)
            .cmp(&(weight(a), a.count))
            .then_with(|| a.since.cmp(&b.since))
            .then_with(|| a.id.cmp(&b.id))
    });
}

#[cfg(test)]
pub(super) mod oracle;
#[cfg(test)]
mod tests;
