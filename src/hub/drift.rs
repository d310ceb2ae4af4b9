//! What has drifted, over all sources.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::Hub;
use super::source::Source;
use crate::domain::drift::{DriftStatus, KnownDrift};
use crate::domain::ids::InstanceId;
use crate::domain::text::SafeText;
use crate::ops::{DriftCause, DriftQuery, DriftWindow, OpsError};

/// The order of findings: what needs eyes most, and of those what has been there longest.
pub(super) fn order(one: &KnownDrift, other: &KnownDrift, now: Timestamp) -> std::cmp::Ordering {
    let key = |known: &KnownDrift| (known.status(now), known.finding.severity, known.first_seen);
    key(one).cmp(&key(other)).then_with(|| one.finding.id.cmp(&other.finding.id))
}

/// What a source has told that is not live may be otherwise now, however young its last check is.
pub(super) fn mark_old(findings: &mut [KnownDrift], source: &Source) {
    if !source.live() {
        findings.iter_mut().for_each(|known| known.stale = true);
    }
}

/// Each finding as a row of its own.
fn listed(all: Vec<KnownDrift>) -> Vec<DriftCause> {
    let row = |known: KnownDrift| DriftCause {
        tenants: u64::from(known.finding.tenant.is_some()),
        first: known,
        count: 1,
        scopes: 1,
    };
    all.into_iter().map(row).collect()
}

/// Findings of one source, cause and standing as one row. `all` are in their order, and so are the rows.
fn by_cause(all: Vec<KnownDrift>, now: Timestamp) -> Vec<DriftCause> {
    let mut rows: Vec<(DriftCause, BTreeSet<SafeText>, BTreeSet<SafeText>)> = Vec::new();
    let mut places: HashMap<(SafeText, SafeText, DriftStatus), usize> = HashMap::new();
    for known in all {
        let finding = known.finding.clone();
        let key = (finding.id.source.clone(), finding.cause_key.clone(), known.status(now));
        let at = *places.entry(key).or_insert_with(|| {
            rows.push((DriftCause { first: known, count: 0, scopes: 0, tenants: 0 }, BTreeSet::new(), BTreeSet::new()));
            rows.len() - 1
        });
        if let Some((row, scopes, tenants)) = rows.get_mut(at) {
            row.count += 1;
            scopes.insert(finding.scope.clone());
            tenants.extend(finding.tenant.clone());
        }
    }
    let counted = |(mut row, scopes, tenants): (DriftCause, BTreeSet<SafeText>, BTreeSet<SafeText>)| {
        row.scopes = scopes.len() as u64;
        row.tenants = tenants.len() as u64;
        row
    };
    rows.into_iter().map(counted).collect()
}

impl Hub {
    /// A window on what has drifted.
    pub(super) fn drifted(&self, query: &DriftQuery) -> DriftWindow {
        let now = (self.clock)();
        self.take_rechecked();
        let mut all = Vec::new();
        let (mut in_sync, mut in_sync_was) = (0, None);
        for source in self.sources.iter().filter(|source| source.connector.tells().drift) {
            let (of_source, told) = {
                let findings = &source.held().findings;
                (findings.in_sync(), findings.told())
            };
            if source.live() {
                in_sync += of_source;
            } else if of_source > 0 || !told {
                *in_sync_was.get_or_insert(0) += of_source;
            }
            all.extend(self.findings_of(source, now));
        }
        let (sources, blind) = self.silent(|tells| tells.drift);
        let (mut by_status, mut by_severity) = (BTreeMap::new(), BTreeMap::new());
        for known in &all {
            let status = known.status(now);
            *by_status.entry(status).or_default() += 1;
            if status == DriftStatus::Drifted {
                *by_severity.entry(known.finding.severity).or_default() += 1;
            }
        }
        all.sort_unstable_by(|one, other| order(one, other, now));
        let rows = if query.by_cause { by_cause(all, now) } else { listed(all) };
        let total = rows.len();
        let rows = rows.into_iter().skip(query.offset).take(query.limit).collect();
        DriftWindow {
            at: now,
            rows,
            offset: query.offset,
            total,
            by_status,
            by_severity,
            in_sync,
            in_sync_was,
            blind,
            sources,
        }
    }

    /// What one source has found, as it is held, with what was said of it here.
    pub(super) fn findings_of(&self, source: &Source, now: Timestamp) -> impl Iterator<Item = KnownDrift> + use<> {
        // A check is as old as its source's clock says.
        let mut all: Vec<KnownDrift> = source.held().findings.each(self.engine_now(source)).collect();
        mark_old(&mut all, source);
        self.ignores.put_on(&mut all, now);
        all.into_iter()
    }

    /// A finding as it is held.
    pub(super) fn found(&self, id: &InstanceId) -> Result<KnownDrift, OpsError> {
        self.take_rechecked();
        let (source, now) = (self.source(&id.source)?, (self.clock)());
        let mut known = source.held().findings.get(&id.instance, self.engine_now(source));
        mark_old(known.as_mut_slice(), source);
        self.ignores.put_on(known.as_mut_slice(), now);
        known.ok_or_else(|| OpsError::NotFound(format!("{} tells of no drift {}", id.source, id.instance).into()))
    }

    /// Checks a finding anew, and gives it as it is then.
    pub(super) async fn check_anew(&self, id: &InstanceId) -> Result<KnownDrift, OpsError> {
        let known = self.found(id)?;
        if !known.finding.exact_id {
            return Err(OpsError::Refused("its id can't be told exactly, so that it can't be asked for".into()));
        }
        let source = self.source(&id.source)?;
        let ids = [id.instance.clone()];
        let told = source.connector.recheck(&ids).await;
        let told = told.map_err(|error| OpsError::Source(format!("{}: {error}", id.source).into()))?;
        if told.len() != ids.len() {
            return Err(OpsError::Source(format!("{} told of {} findings, not of 1", id.source, told.len()).into()));
        }
        source.rechecked(&ids, told, (self.clock)());
        self.changed();
        self.found(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::drift::Severity;
    use crate::domain::drift::tests::{at, finding};

    fn known(id: &str, status: DriftStatus, severity: Severity, first: i64) -> KnownDrift {
        let mut found = finding(id);
        (found.status, found.severity, found.scope) = (status, severity, id.into());
        found.tenant = Some(format!("tenant-{id}").into());
        KnownDrift { finding: found.into(), first_seen: at(first), resolved_at: None, ignore: None, stale: false }
    }

    #[test]
    fn what_needs_eyes_most_comes_first_and_one_cause_is_one_row() {
        let mut all = vec![
            known("a", DriftStatus::Resolved, Severity::Critical, 0),
            known("b", DriftStatus::Drifted, Severity::Warning, 5),
            known("c", DriftStatus::Unknown, Severity::Critical, 0),
            known("d", DriftStatus::Drifted, Severity::Critical, 9),
            known("e", DriftStatus::Drifted, Severity::Warning, 3),
        ];
        all.sort_unstable_by(|one, other| order(one, other, at(10)));
        let ids = |rows: &[DriftCause]| -> String {
            rows.iter().map(|row| row.first.finding.id.instance.to_string()).collect()
        };
        assert_eq!(ids(&listed(all.clone())), "debca");
        let rows = by_cause(all, at(10));
        assert_eq!(ids(&rows), "dca", "those that stand otherwise are told apart");
        assert_eq!((rows[0].count, rows[0].scopes, rows[0].tenants), (3, 3, 3));
    }
}
