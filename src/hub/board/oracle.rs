//! The board as a plain look at every row: what the counts that are kept must come to.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use super::{Board, worst_first};
use crate::connect::EngineCount;
use crate::domain::cohort::{Cohort, Counts, cohort_fingerprint, cohort_id, onset_of};
use crate::domain::flow::{JudgedFlow, PauseCause, Status};
use crate::domain::text::SafeText;
use crate::domain::verdict::{Rule, Verdict};
use crate::ops::Cell;

/// Counts and cohorts of one source.
///
/// Open, held and failed are the engine's own counts; stuck, and the split by rule, come from the rules and so from
/// the rows. Waiting is the engine's count less those whose wait is lost. Where the rows are a part of all (a filter
/// chose them) there are no counts of the engine for them: `counts` is `None`, and the rows are counted. Rows of a
/// source that is not live count as what they were when it was last heard.
pub(in crate::hub) fn of_source<'a>(
    source: &SafeText,
    rows: &(impl Iterator<Item = &'a JudgedFlow> + Clone),
    counts: Option<&[EngineCount]>,
) -> Board {
    let mut by_place: BTreeMap<(SafeText, SafeText), Counts> = BTreeMap::new();
    let cannot_count = counts.is_some_and(<[_]>::is_empty);
    let counted = counts.is_some() && !cannot_count;
    let mut lost: HashMap<(SafeText, SafeText), u64> = HashMap::new();
    for row in rows.clone() {
        let flow = &row.flow;
        let place = (flow.flow.clone(), flow.step.clone());
        let cell = by_place.entry(place.clone()).or_default();
        let rule = row.judgement.stuck_rule();
        let stuck = rule.is_some();
        if let Some(rule) = rule {
            cell.stuck += 1;
            *cell.by_rule.entry(rule).or_default() += 1;
        }
        if row.judgement.verdict == Verdict::Unknown {
            cell.unknown += 1;
        }
        if flow.status == Status::Waiting && stuck {
            *lost.entry(place).or_default() += 1;
        }
        if !counted {
            cell.open += u64::from(!flow.status.ended());
            cell.waiting += u64::from(flow.status == Status::Waiting && !stuck);
            cell.held += u64::from(flow.status == Status::Paused && flow.pause == Some(PauseCause::Held));
            cell.failed += u64::from(flow.status.failed());
        }
    }
    for count in counts.unwrap_or_default() {
        let place = (count.flow.clone(), count.step.clone());
        let lost = lost.get(&place).copied().unwrap_or_default();
        let cell = by_place.entry(place).or_default();
        cell.open += count.open;
        cell.waiting += count.waiting.saturating_sub(lost);
        cell.held += count.held;
        cell.failed += count.failed;
    }
    let cells = by_place
        .into_iter()
        .map(|((flow, step), counts)| Cell {
            source: source.clone(),
            flow,
            step,
            // The counts and the rows are two questions: where things moved in between, they may contradict.
            approximate: cannot_count || counts.stuck > counts.open + counts.failed,
            counts,
            live: true,
        })
        .collect();
    let stuck = || rows.clone().filter(|row| row.judgement.stuck_rule().is_some());
    let stuck_tenants = stuck().filter_map(|row| row.flow.tenant.clone()).collect();
    Board { cells, cohorts: cohorts(source, stuck()), stuck_tenants }
}

/// What a cohort is gathered in.
struct Gathered<'a> {
    count: u64,
    tenants: HashSet<&'a SafeText>,
    without_tenant: u64,
    rules: HashMap<Rule, u64>,
    oldest: (Option<Timestamp>, &'a JudgedFlow),
}

fn cohorts<'a>(source: &SafeText, stuck: impl Iterator<Item = &'a JudgedFlow>) -> Vec<Cohort> {
    let mut by_cause: HashMap<(&SafeText, &SafeText, SafeText), Gathered<'a>> = HashMap::new();
    for row in stuck {
        let since = row.judgement.since();
        let cause = (&row.flow.flow, &row.flow.step, cohort_fingerprint(row));
        let gathered = by_cause.entry(cause).or_insert_with(|| Gathered {
            count: 0,
            tenants: HashSet::new(),
            without_tenant: 0,
            rules: HashMap::new(),
            oldest: (since, row),
        });
        gathered.count += 1;
        match &row.flow.tenant {
            Some(tenant) => _ = gathered.tenants.insert(tenant),
            None => gathered.without_tenant += 1,
        }
        if let Some(rule) = row.judgement.stuck_rule() {
            *gathered.rules.entry(rule).or_default() += 1;
        }
        // The id decides between equals, so that the same rows always give the same cohort.
        let earlier = match (since, gathered.oldest.0) {
            (Some(new), Some(old)) => (new, &row.flow.id) < (old, &gathered.oldest.1.flow.id),
            (Some(_), None) => true,
            (None, _) => false,
        };
        if earlier {
            gathered.oldest = (since, row);
        }
    }
    let mut cohorts: Vec<Cohort> = by_cause
        .into_iter()
        .map(|((flow, step, fingerprint), gathered)| {
            let (since, oldest) = gathered.oldest;
            let rule = gathered.rules.into_iter().max_by_key(|(rule, n)| (*n, std::cmp::Reverse(*rule)));
            Cohort {
                id: cohort_id(source, flow, step, &fingerprint),
                source: source.clone(),
                flow: flow.clone(),
                step: step.clone(),
                fingerprint,
                count: gathered.count,
                tenants: gathered.tenants.len() as u64,
                without_tenant: gathered.without_tenant,
                growth: None,
                since,
                rule: rule.map_or(Rule::Exhausted, |(rule, _)| rule),
                sample: oldest.flow.error.as_ref().map(|error| error.text.clone()),
                evidence: oldest.judgement.primary().map(|finding| finding.evidence.clone()).unwrap_or_default(),
                status: oldest.flow.status,
                waits_for: oldest.flow.wait.as_ref().map(|wait| wait.kind),
                onset: onset_of(oldest),
                claim: None,
                near: None,
            }
        })
        .collect();
    worst_first(&mut cohorts);
    cohorts
}
