//! What may have caused a cohort: the changes before its onset, and the drift of its tenants.
//!
//! For the board it is kept until something that it is made of has changed. A cohort that only grows is looked at again
//! after some seconds at the earliest.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::Hub;
use super::source::Source;
use crate::domain::cohort::{Cohort, cohort_id};
use crate::domain::correlation::{Facts, Hurt, Known, LOOK_BACK, Near, SKEW, SharedDrift, Suspects, Ties, suspects};
use crate::domain::drift::{DriftStatus, KnownDrift};
use crate::domain::event::Event;
use crate::domain::tenant::Tenant;
use crate::domain::text::SafeText;
use crate::domain::time::since;
use crate::ops::{CohortSuspects, OpsError};

/// Of so many tenants of a cohort it is looked at where they are.
const HURT: usize = 5_000;

/// So many changes are looked at, the latest ones.
const CHANGES: usize = 2_000;

/// A cohort that only grows is looked at again after so long.
const AGAIN: SignedDuration = SignedDuration::from_secs(10);

/// Drift that fewer tenants of a cohort have is nothing that they share.
const SHARED: u64 = 2;

/// So many drifts that tenants share are told.
const TOLD: usize = 5;

/// Which share of all tenants has a trait, by its name and value.
type Common = BTreeMap<(&'static str, SafeText), f64>;

/// What is the same as long as no change comes or goes.
type Stamp = (usize, u64);

/// What an answer depends on beside the tenants of the cohort.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    onset: Option<Timestamp>,
    changes: Stamp,
    directories: u64,
    silent: Vec<SafeText>,
}

/// An answer that is kept.
struct Kept {
    key: Key,
    /// How many instances and tenants there were.
    size: (u64, u64),
    at: Timestamp,
    near: Option<Near>,
}

/// The answers of the last looks.
#[derive(Default)]
pub(super) struct Correlation {
    near: Mutex<HashMap<SafeText, Kept>>,
    common: Mutex<Option<(u64, Arc<Common>)>>,
    ties: Mutex<Option<(Stamp, Arc<Ties>)>>,
}

/// What is known of where a tenant is, by the names under which changes tell it.
fn traits(tenant: &Tenant) -> Vec<(&'static str, SafeText)> {
    let known =
        [("region", &tenant.region), ("tier", &tenant.tier), ("plan", &tenant.plan), ("placement", &tenant.placement)];
    known.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
}

impl Hub {
    /// Puts the change that fits best on each cohort, where anybody tells of changes.
    pub(super) fn put_near(&self, cohorts: &mut [Cohort]) {
        if !self.sources.iter().any(|source| source.connector.tells().events) {
            return;
        }
        let now = (self.clock)();
        let known = self.known();
        let stamp = self.ring().changes_known().1;
        let mut kept = self.correlation.near.lock().unwrap_or_else(PoisonError::into_inner);
        let key = |cohort: &Cohort| Key {
            onset: cohort.onset,
            changes: stamp,
            directories: self.directories(),
            silent: known.silent.clone(),
        };
        let still = |kept: &Kept, cohort: &Cohort| {
            let grown = kept.size != (cohort.count, cohort.tenants);
            kept.key == key(cohort) && (!grown || kept.at <= now && since(kept.at, now) < AGAIN)
        };
        let stale: HashSet<SafeText> = cohorts
            .iter()
            .filter(|cohort| kept.get(&cohort.id).is_none_or(|kept| !still(kept, cohort)))
            .map(|cohort| cohort.id.clone())
            .collect();
        let hurt = self.tenants_of(&stale);
        for cohort in cohorts.iter().filter(|cohort| stale.contains(&cohort.id)) {
            let near = self.look_for(cohort, hurt.get(&cohort.id).map_or(&[], Vec::as_slice), &known).near();
            let size = (cohort.count, cohort.tenants);
            kept.insert(cohort.id.clone(), Kept { key: key(cohort), size, at: now, near });
        }
        if kept.len() > 2 * cohorts.len() + 64 {
            let there: HashSet<&SafeText> = cohorts.iter().map(|cohort| &cohort.id).collect();
            kept.retain(|id, _| there.contains(id));
        }
        for cohort in cohorts {
            cohort.near = kept.get(&cohort.id).and_then(|kept| kept.near.clone());
        }
    }

    /// What may have caused a cohort, and what drift its tenants share.
    pub(super) fn suspects_of(&self, id: &str) -> Result<CohortSuspects, OpsError> {
        let now = (self.clock)();
        let boards = self.sources.iter().flat_map(|source| source.grown_board(&self.book, now).cohorts);
        let cohort = boards.into_iter().find(|cohort| *cohort.id == *id);
        let cohort = cohort
            .ok_or_else(|| OpsError::NotFound(format!("there is no cohort {}", SafeText::clipped(id, 40)).into()))?;
        let mut hurt = self.tenants_of(&HashSet::from([cohort.id.clone()]));
        let hurt = hurt.remove(&cohort.id).unwrap_or_default();
        let told = self.sources.iter().any(|source| source.connector.tells().events);
        let mut suspects = self.look_for(&cohort, &hurt, &self.known());
        if !told {
            suspects.unknown = vec!["no source tells of changes".into()];
        }
        if u64::try_from(hurt.len()).unwrap_or(u64::MAX) < cohort.tenants {
            suspects
                .unknown
                .push(format!("only {} of its {} tenants were looked at", hurt.len(), cohort.tenants).into());
        }
        let (drift_sources, drift_blind) = self.silent(|tells| tells.drift);
        let drift = self.shared_drift(&hurt, now);
        Ok(CohortSuspects { cohort, suspects, drift, drift_sources, drift_blind })
    }

    fn look_for(&self, cohort: &Cohort, hurt: &[SafeText], known: &Known) -> Suspects {
        let Some(engines) = cohort.onset else { return suspects(&Facts::default(), &[], known) };
        // Changes are told by other clocks than the engine's.
        let offset = self.source(&cohort.source).map(Source::clock_offset).unwrap_or_default();
        let onset = engines.checked_sub(offset).unwrap_or(engines);
        let from = onset.checked_sub(LOOK_BACK).unwrap_or(Timestamp::MIN);
        let to = onset.checked_add(SKEW).unwrap_or(Timestamp::MAX);
        let changes = self.ring().changes(from, to, CHANGES);
        let changes: Vec<Arc<Event>> = changes.into_iter().map(|row| row.event).collect();
        let facts = Facts {
            source: cohort.source.clone(),
            flow: cohort.flow.clone(),
            step: cohort.step.clone(),
            // Where there is an error, it says more than the rule does.
            why: vec![cohort.sample.clone().unwrap_or_else(|| cohort.evidence.clone())],
            onset: Some(onset),
            hurt: self.known_of(hurt),
            count: cohort.count,
            ties: self.ties(),
            common: self.common(),
        };
        suspects(&facts, &changes, known)
    }

    /// What is known of the past of changes.
    fn known(&self) -> Known {
        let silent = self.silent(|tells| tells.events).1.into_iter().map(|(name, _)| name).collect();
        Known { since: self.ring().changes_known().0, silent }
    }

    /// The tenants of cohorts.
    fn tenants_of(&self, wanted: &HashSet<SafeText>) -> HashMap<SafeText, Vec<SafeText>> {
        let mut hurt = HashMap::new();
        if wanted.is_empty() {
            return hurt;
        }
        for source in &self.sources {
            let rows = &source.held().rows;
            for (cause, members) in rows.facets().members() {
                let Some((cause, place)) = rows.cause(cause) else { continue };
                let id = cohort_id(rows.source(), &place.flow, &place.step, &cause.fingerprint);
                if wanted.contains(&id) {
                    let tenants = members.tenants.keys().filter_map(|tenant| rows.tenant(*tenant).cloned());
                    let mut tenants: Vec<SafeText> = tenants.take(HURT).collect();
                    tenants.sort_unstable();
                    hurt.insert(id, tenants);
                }
            }
        }
        hurt
    }

    /// What the directories know of tenants.
    fn known_of(&self, tenants: &[SafeText]) -> Vec<Hurt> {
        let directories: Vec<_> = self.sources.iter().filter(|source| source.connector.tells().tenants).collect();
        let held: Vec<_> = directories.iter().map(|source| source.held()).collect();
        let of = |id: &SafeText| {
            let listed = held.iter().find_map(|held| held.directory.get(id));
            listed.filter(|listed| listed.tenant.exact_id).map(|listed| traits(&listed.tenant)).unwrap_or_default()
        };
        tenants.iter().map(|id| Hurt { tenant: id.clone(), traits: of(id) }).collect()
    }

    /// What changes with each pass over a directory of tenants.
    fn directories(&self) -> u64 {
        let told = self.sources.iter().filter(|source| source.connector.tells().tenants);
        told.map(|source| source.held().directory.revision()).sum()
    }

    /// What all changes that are held tell of services and flows.
    fn ties(&self) -> Arc<Ties> {
        let mut kept = self.correlation.ties.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = self.ring();
        let stamp = ring.changes_known().1;
        if let Some((of, ties)) = &*kept
            && *of == stamp
        {
            return ties.clone();
        }
        let changes = ring.changes(Timestamp::MIN, Timestamp::MAX, CHANGES);
        let ties = Arc::new(Ties::of(changes.iter().map(|row| &*row.event)));
        *kept = Some((stamp, ties.clone()));
        ties
    }

    /// Which share of all tenants has which trait.
    fn common(&self) -> Arc<Common> {
        let revision = self.directories();
        let mut kept = self.correlation.common.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, common)) = &*kept
            && *of == revision
        {
            return common.clone();
        }
        let (mut counts, mut all) = (BTreeMap::<(&'static str, SafeText), u32>::new(), 0_u32);
        for source in self.sources.iter().filter(|source| source.connector.tells().tenants) {
            for tenant in source.held().directory.each() {
                all += 1;
                for one in traits(tenant) {
                    *counts.entry(one).or_default() += 1;
                }
            }
        }
        let share = |(one, count)| (one, f64::from(count) / f64::from(all.max(1)));
        let common: Arc<Common> = Arc::new(counts.into_iter().map(share).collect());
        *kept = Some((revision, common.clone()));
        common
    }

    /// The drift that tenants share, that which most of them have first.
    fn shared_drift(&self, hurt: &[SafeText], now: Timestamp) -> Vec<SharedDrift> {
        struct Cause {
            first: KnownDrift,
            here: HashSet<SafeText>,
            elsewhere: HashSet<SafeText>,
        }
        let hurt: HashSet<&SafeText> = hurt.iter().collect();
        let mut causes: BTreeMap<(SafeText, SafeText), Cause> = BTreeMap::new();
        for source in self.sources.iter().filter(|source| source.connector.tells().drift) {
            for known in self.findings_of(source, now) {
                let Some(tenant) = known.finding.tenant.clone() else { continue };
                if known.status(now) != DriftStatus::Drifted {
                    continue;
                }
                let key = (known.finding.id.source.clone(), known.finding.cause_key.clone());
                let empty = || Cause { first: known, here: HashSet::new(), elsewhere: HashSet::new() };
                let cause = causes.entry(key).or_insert_with(empty);
                let side = if hurt.contains(&tenant) { &mut cause.here } else { &mut cause.elsewhere };
                side.insert(tenant);
            }
        }
        let all: u64 = {
            let told = self.sources.iter().filter(|source| source.connector.tells().tenants);
            told.map(|source| source.held().directory.len() as u64).sum()
        };
        let of = hurt.len() as u64;
        let shared = causes.into_values().map(|cause| SharedDrift {
            what: cause.first.finding.what.clone(),
            note: cause.first.finding.note.clone(),
            tenants: cause.here.len() as u64,
            of,
            others: cause.elsewhere.len() as u64,
            of_others: (all >= of && all > 0).then(|| all - of),
            finding: cause.first.finding.id.clone(),
        });
        let mut shared: Vec<SharedDrift> = shared.filter(|shared| shared.tenants >= SHARED.min(of)).collect();
        shared.retain(|shared| shared.tenants > 0);
        shared.sort_by(|one, other| (other.tenants, &one.finding).cmp(&(one.tenants, &other.finding)));
        shared.truncate(TOLD);
        shared
    }
}

#[cfg(test)]
mod tests;
