//! What has drifted, over all sources.

mod view;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use self::view::{Row, View};
pub(super) use self::view::{Views, order};
use super::Hub;
use super::source::Source;
use crate::domain::drift::{KnownDrift, Severity};
use crate::domain::ids::InstanceId;
use crate::domain::text::SafeText;
use crate::ops::{DriftCause, DriftQuery, DriftWindow, OpsError};
use crate::query::DriftFilter;

/// What a source has told that is not live may be otherwise now, however young its last check is.
pub(super) fn mark_old(findings: &mut [KnownDrift], source: &Source) {
    let old = !source.live();
    for known in findings {
        known.stale |= old;
    }
}

impl Hub {
    /// A window on what has drifted.
    pub(super) fn drifted(&self, query: &DriftQuery) -> DriftWindow {
        let now = (self.clock)();
        self.take_rechecked();
        let (sources, blind) = self.silent(|tells| tells.drift);
        let (mut in_sync, mut in_sync_was) = (0, None);
        for source in self.telling_drift() {
            let (of_source, told) = {
                let findings = &source.held().findings;
                (findings.in_sync(), findings.told())
            };
            if source.live() {
                in_sync += of_source;
            } else if of_source > 0 || !told {
                *in_sync_was.get_or_insert(0) += of_source;
            }
        }
        let view = self.view(now);
        let matching = view.matching(&query.filter);
        let shown = |number: u32, (count, scopes, tenants): (u64, u64, u64)| {
            view.row(number).map(|row| DriftCause { first: self.shown(row), count, scopes, tenants })
        };
        let (total, rows) = if query.by_cause {
            let causes = view.causes(&matching);
            let rows = causes.iter().skip(query.offset).take(query.limit);
            let rows = rows.filter_map(|cause| shown(cause.first, (cause.count, cause.scopes, cause.tenants)));
            (causes.len(), rows.collect())
        } else {
            let rows = matching.rows.iter().skip(query.offset).take(query.limit);
            let tenants = |number| view.row(number).map_or(0, |row| u64::from(row.known.finding.tenant.is_some()));
            (matching.rows.len(), rows.filter_map(|number| shown(*number, (1, 1, tenants(*number)))).collect())
        };
        let (by_status, by_severity) = (matching.by_status.clone(), matching.by_severity.clone());
        let of_all = view.matching(&DriftFilter::default()).rows.len();
        DriftWindow {
            at: now,
            rows,
            offset: query.offset,
            total,
            of_all,
            by_status,
            by_severity,
            in_sync,
            in_sync_was,
            blind,
            sources,
        }
    }

    /// How many findings have drifted and are critical; `None` where no source tells of drift.
    pub(super) fn critical_drift(&self, now: Timestamp) -> Option<u64> {
        self.telling_drift().next()?;
        let all = self.view(now).matching(&DriftFilter::default());
        Some(all.by_severity.get(&Severity::Critical).copied().unwrap_or(0))
    }

    fn telling_drift(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| source.connector.tells().drift)
    }

    /// Every finding in its order, as of now.
    fn view(&self, now: Timestamp) -> Arc<View> {
        let mut basis: Vec<u64> = self.telling_drift().map(|source| source.held().findings.revision()).collect();
        basis.push(self.decisions.changes());
        if self.book.thresholds.drift().asks_for_tiers() {
            basis.extend(self.sources.iter().map(|source| source.held().directory.revision()));
        }
        self.drifts.get(&basis, now, || self.telling_drift().flat_map(|source| self.findings_of(source, now)).collect())
    }

    /// A row as it is shown: its check is as old as its source's clock says.
    fn shown(&self, row: &Row) -> KnownDrift {
        let mut known = row.known.clone();
        let old = |source: &Source| known.resolved_at.is_none() && known.finding.is_stale(self.engine_now(source));
        let stale = |source: &Source| !source.live() || old(source);
        known.stale = self.source(&known.finding.id.source).is_ok_and(stale);
        known
    }

    /// Says of findings what was decided of them, how bad they are, and who is to look after them.
    pub(super) fn put_on(&self, findings: &mut [KnownDrift], now: Timestamp) {
        self.decisions.put_on(findings, now);
        let rules = self.book.thresholds.drift();
        if rules.is_empty() {
            return;
        }
        let asks = rules.asks_for_tiers();
        let mut tiers: HashMap<SafeText, Option<SafeText>> = HashMap::new();
        for known in findings {
            let tenant = known.finding.tenant.as_ref().filter(|_| asks);
            let tier = tenant.and_then(|tenant| {
                let of = || self.listed_tenant(tenant).and_then(|listed| listed.tier.clone());
                tiers.entry(tenant.clone()).or_insert_with(of).as_deref()
            });
            let (severity, owner) = rules.of(&known.finding, tier);
            known.severity = severity.unwrap_or(known.severity);
            known.owner = owner.or_else(|| known.owner.take());
        }
    }

    /// What one source has found, as it is held, with what was said of it here.
    pub(super) fn findings_of(&self, source: &Source, now: Timestamp) -> impl Iterator<Item = KnownDrift> + use<> {
        // A check is as old as its source's clock says.
        let mut all: Vec<KnownDrift> = source.held().findings.each(self.engine_now(source)).collect();
        mark_old(&mut all, source);
        self.put_on(&mut all, now);
        all.into_iter()
    }

    /// A finding as it is held.
    pub(super) fn found(&self, id: &InstanceId) -> Result<KnownDrift, OpsError> {
        self.take_rechecked();
        let (source, now) = (self.source(&id.source)?, (self.clock)());
        let mut known = source.held().findings.get(&id.instance, self.engine_now(source));
        mark_old(known.as_mut_slice(), source);
        self.put_on(known.as_mut_slice(), now);
        // What a source that is silent has not told may be there all the same.
        known.ok_or_else(|| {
            if source.live() {
                OpsError::NotFound(format!("{} tells of no drift {}", id.source, id.instance).into())
            } else {
                OpsError::Source(format!("{}: {}", id.source, source.not_live()).into())
            }
        })
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
