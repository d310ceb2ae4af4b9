//! What one source has found to be otherwise than wanted: what it told last, since when, and what is as wanted again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::drift::{DriftFinding, DriftStatus, KnownDrift};
use crate::domain::text::SafeText;
use crate::domain::time::since;

/// For how long what is as wanted again is still listed.
const RESOLVED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The findings of one source.
#[derive(Debug, Default)]
pub(super) struct Findings {
    by_id: BTreeMap<SafeText, Held>,
    /// How many are told now.
    open: usize,
    /// And how many of them about each tenant that they name.
    by_tenant: HashMap<SafeText, u64>,
    /// Grows whenever any of them is another one.
    revision: u64,
    /// So much was checked and is as wanted.
    in_sync: u64,
    /// Whether a pass has told anything.
    told: bool,
    /// When findings were seen first that no pass has told of yet, as it is known from before this process.
    known: FirstSeen,
    /// What the record has.
    recorded: FirstSeen,
}

#[derive(Debug, Clone)]
struct Held {
    finding: Arc<DriftFinding>,
    /// By the local clock.
    first_seen: Timestamp,
    /// Since when it is told no more; by the local clock.
    resolved_at: Option<Timestamp>,
}

/// When findings were seen first, by id; by the local clock.
pub(super) type FirstSeen = BTreeMap<SafeText, Timestamp>;

/// What has changed since the record was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// Those that are new, with when they were seen first.
    pub(super) new: Vec<(SafeText, Timestamp)>,
    /// Those that are not there any more.
    pub(super) gone: Vec<SafeText>,
}

impl Findings {
    /// Takes in what the record has, which may come before the first pass or after it.
    pub(super) fn recall(&mut self, known: FirstSeen) {
        self.revision += 1;
        for (id, at) in &known {
            if let Some(held) = self.by_id.get_mut(id).filter(|held| held.resolved_at.is_none()) {
                held.first_seen = held.first_seen.min(*at);
            }
        }
        self.recorded.extend(known.iter().map(|(id, at)| (id.clone(), *at)));
        if !self.told {
            self.known = known;
        }
    }

    /// Takes what a complete pass has told as the new truth. What it does not tell any more is as wanted again. Of two with
    /// one id the first one holds; gives how many were left out for that, and the id of the first of them.
    pub(super) fn take(&mut self, told: Vec<DriftFinding>, in_sync: u64, now: Timestamp) -> (usize, Option<SafeText>) {
        let mut twice = (0, None);
        // What was there before this process and is not told now was mended meanwhile.
        let known = std::mem::take(&mut self.known);
        self.told = true;
        let mut before = std::mem::take(&mut self.by_id);
        self.in_sync = in_sync;
        let mut changed = false;
        for finding in told {
            let id = finding.id.instance.clone();
            if self.by_id.contains_key(&id) {
                twice.0 += 1;
                twice.1.get_or_insert(id);
                continue;
            }
            let held = before.remove(&id);
            let of_before = held.as_ref().filter(|held| held.resolved_at.is_none()).map(|held| held.first_seen);
            // A thing that came back is new: what it was before was mended.
            let first_seen = of_before.or_else(|| known.get(&id).copied()).unwrap_or(now).min(now);
            let finding = match held {
                Some(held) if held.resolved_at.is_none() && *held.finding == finding => held.finding,
                _ => {
                    changed = true;
                    Arc::new(finding)
                }
            };
            self.by_id.insert(id, Held { finding, first_seen, resolved_at: None });
        }
        for (id, mut held) in before {
            changed |= held.resolve(now);
            if held.resolved_at.is_some_and(|at| since(at, now) <= RESOLVED_FOR && at <= now) {
                self.by_id.insert(id, held);
            } else {
                changed = true;
            }
        }
        self.revision += u64::from(changed);
        self.open = self.there().count();
        let mut by_tenant = HashMap::new();
        for tenant in self.there().filter_map(|(_, held)| held.finding.tenant.clone()) {
            *by_tenant.entry(tenant).or_default() += 1;
        }
        self.by_tenant = by_tenant;
        twice
    }

    /// Takes one that was checked anew. `None` where there is no such thing any more.
    pub(super) fn rechecked(&mut self, id: &SafeText, told: Option<DriftFinding>, now: Timestamp) {
        self.revision += 1;
        self.count(id, false);
        match told.filter(|finding| !finding.status.is_green()) {
            Some(finding) => {
                let held = self.by_id.remove(id).filter(|held| held.resolved_at.is_none());
                let first_seen = held.map_or(now, |held| held.first_seen);
                self.by_id.insert(id.clone(), Held { finding: Arc::new(finding), first_seen, resolved_at: None });
            }
            None => {
                if let Some(held) = self.by_id.get_mut(id) {
                    held.resolve(now);
                }
            }
        }
        self.count(id, true);
    }

    /// Counts one of them in or out, where it is told now.
    fn count(&mut self, id: &SafeText, counts: bool) {
        let Some(held) = self.by_id.get(id).filter(|held| held.resolved_at.is_none()) else { return };
        let tenant = held.finding.tenant.clone();
        self.open = if counts { self.open + 1 } else { self.open - 1 };
        if let Some(tenant) = tenant {
            let count = self.by_tenant.entry(tenant).or_default();
            *count = if counts { *count + 1 } else { *count - 1 };
        }
    }

    /// Grows whenever any of them is another one.
    pub(super) const fn revision(&self) -> u64 {
        self.revision
    }

    /// Every finding, those that are as wanted again among them.
    pub(super) fn each(&self, now: Timestamp) -> impl Iterator<Item = KnownDrift> {
        self.by_id.values().map(move |held| held.known(now))
    }

    /// One of them.
    pub(super) fn get(&self, id: &str, now: Timestamp) -> Option<KnownDrift> {
        self.by_id.get(&SafeText::from(id)).map(|held| held.known(now))
    }

    /// Those that are told now.
    fn there(&self) -> impl Iterator<Item = (&SafeText, &Held)> {
        self.by_id.iter().filter(|(_, held)| held.resolved_at.is_none())
    }

    /// Those about a tenant, with those that are as wanted again.
    pub(super) fn of_tenant(&self, tenant: &str, now: Timestamp) -> Vec<KnownDrift> {
        let about = |held: &&Held| held.finding.tenant.as_deref() == Some(tenant);
        self.by_id.values().filter(about).map(|held| held.known(now)).collect()
    }

    /// How many there are now about each tenant that they name.
    pub(super) fn by_tenant(&self) -> impl Iterator<Item = (&SafeText, u64)> {
        self.by_tenant.iter().map(|(tenant, count)| (tenant, *count)).filter(|(_, count)| *count > 0)
    }

    /// How many there are now.
    pub(super) const fn open(&self) -> usize {
        self.open
    }

    /// How much was checked and is as wanted.
    pub(super) const fn in_sync(&self) -> u64 {
        self.in_sync
    }

    /// Whether a pass has told anything yet.
    pub(super) const fn told(&self) -> bool {
        self.told
    }

    /// What the record does not have yet; `None` where it has all of it.
    pub(super) fn unrecorded(&self) -> Option<Seen> {
        let differs = |(id, held): &(&SafeText, &Held)| self.recorded.get(*id) != Some(&held.first_seen);
        let new: Vec<_> = self.there().filter(differs).map(|(id, held)| (id.clone(), held.first_seen)).collect();
        let there = |id: &SafeText| self.by_id.get(id).is_some_and(|held| held.resolved_at.is_none());
        let gone: Vec<_> = self.recorded.keys().filter(|id| !there(id)).cloned().collect();
        (!new.is_empty() || !gone.is_empty()).then_some(Seen { new, gone })
    }

    /// Notes that the record has all of it.
    pub(super) fn recorded(&mut self) {
        self.recorded = self.there().map(|(id, held)| (id.clone(), held.first_seen)).collect();
    }
}

impl Held {
    fn known(&self, now: Timestamp) -> KnownDrift {
        let stale = self.resolved_at.is_none() && self.finding.is_stale(now);
        KnownDrift { resolved_at: self.resolved_at, stale, ..KnownDrift::told(self.finding.clone(), self.first_seen) }
    }

    /// It is as wanted again, since now if it was not before. Gives whether that is so.
    fn resolve(&mut self, now: Timestamp) -> bool {
        if self.resolved_at.is_some() {
            return false;
        }
        self.resolved_at = Some(now);
        Arc::make_mut(&mut self.finding).status = DriftStatus::Resolved;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::drift::tests::{at, finding};

    fn told(findings: &Findings, now: Timestamp) -> Vec<(String, DriftStatus, i64)> {
        let of = |known: KnownDrift| {
            let first = known.first_seen.as_second() - at(0).as_second();
            (known.finding.id.instance.to_string(), known.finding.status, first)
        };
        findings.each(now).map(of).collect()
    }

    #[test]
    fn what_is_told_no_more_is_resolved_and_what_comes_back_is_new() {
        use DriftStatus::{Drifted, Resolved};
        let mut findings = Findings::default();
        findings.take(vec![finding("a"), finding("b")], 7, at(0));
        findings.take(vec![finding("a")], 8, at(60));
        assert_eq!(told(&findings, at(60)), [("a".into(), Drifted, 0), ("b".into(), Resolved, 0)]);
        assert_eq!(findings.in_sync(), 8);
        findings.take(vec![finding("b")], 8, at(120));
        assert_eq!(told(&findings, at(120)), [("a".into(), Resolved, 0), ("b".into(), Drifted, 120)]);
        findings.take(vec![finding("b")], 8, at(120 + 25 * 3_600));
        assert_eq!(told(&findings, at(120 + 25 * 3_600)), [("b".into(), Drifted, 120)], "a day later it is forgotten");
    }

    #[test]
    fn of_two_with_one_id_the_first_one_holds_and_keeps_since_when_it_is_there() {
        let mut findings = Findings::default();
        findings.take(vec![finding("a")], 0, at(0));
        let other = DriftFinding { what: "another".into(), ..finding("a") };
        let twice = findings.take(vec![finding("a"), other.clone(), other], 0, at(60));
        assert_eq!(twice, (2, Some("a".into())));
        assert_eq!(told(&findings, at(60)), [("a".into(), DriftStatus::Drifted, 0)]);
        assert_ne!(findings.get("a", at(60)).unwrap().finding.what, "another");
    }

    #[test]
    fn when_it_was_seen_first_is_known_from_before_this_process() {
        let mut findings = Findings::default();
        let known = FirstSeen::from([("a".into(), at(-3_600)), ("z".into(), at(99_999))]);
        findings.recall(known);
        findings.take(vec![finding("a"), finding("z")], 0, at(0));
        assert_eq!(
            told(&findings, at(0)),
            [("a".into(), DriftStatus::Drifted, -3_600), ("z".into(), DriftStatus::Drifted, 0)],
            "and never later than now"
        );
    }

    #[test]
    fn what_the_record_has_may_come_after_the_first_pass() {
        let mut findings = Findings::default();
        findings.take(vec![finding("a"), finding("c")], 0, at(0));
        findings.recall(FirstSeen::from([("a".into(), at(-5)), ("b".into(), at(-5)), ("c".into(), at(5))]));
        let told = told(&findings, at(0));
        assert_eq!(told, [("a".into(), DriftStatus::Drifted, -5), ("c".into(), DriftStatus::Drifted, 0)]);
        assert_eq!(findings.unrecorded().unwrap().gone, ["b"]);
    }

    #[test]
    fn only_what_changed_is_to_be_recorded() {
        let mut findings = Findings::default();
        findings.recall(FirstSeen::from([("a".into(), at(-5)), ("b".into(), at(-5))]));
        findings.take(vec![finding("a"), finding("c")], 0, at(0));
        let seen = findings.unrecorded().unwrap();
        assert_eq!((seen.new, seen.gone), (vec![("c".into(), at(0))], vec!["b".into()]));
        assert!(findings.unrecorded().is_some(), "until it is recorded");
        findings.recorded();
        assert_eq!(findings.unrecorded(), None);
        findings.take(vec![finding("a"), finding("c")], 0, at(60));
        assert_eq!(findings.unrecorded(), None);
    }

    #[test]
    fn one_that_is_checked_anew_is_what_was_found_then() {
        let mut findings = Findings::default();
        findings.take(vec![finding("a"), finding("b")], 0, at(0));
        let mut again = finding("a");
        again.status = DriftStatus::Unknown;
        findings.rechecked(&"a".into(), Some(again), at(10));
        let mut mended = finding("b");
        mended.status = DriftStatus::InSync;
        findings.rechecked(&"b".into(), Some(mended), at(10));
        assert_eq!(
            told(&findings, at(10)),
            [("a".into(), DriftStatus::Unknown, 0), ("b".into(), DriftStatus::Resolved, 0)]
        );
        assert!(!findings.get("b", at(10)).unwrap().stale);
    }

    #[test]
    fn a_check_that_is_too_old_is_stale() {
        let mut findings = Findings::default();
        findings.take(vec![finding("a")], 0, at(0));
        assert!(!findings.get("a", at(600)).unwrap().stale);
        assert!(findings.get("a", at(601)).unwrap().stale);
        assert_eq!(findings.get("c", at(0)), None);
    }

    #[test]
    fn what_is_counted_is_what_is_there_and_what_is_as_before_changes_nothing() {
        let mut findings = Findings::default();
        let counted = |findings: &Findings| {
            let told: Vec<_> = findings.by_tenant().map(|(tenant, count)| (tenant.to_string(), count)).collect();
            assert_eq!(findings.open(), findings.there().count());
            assert_eq!(told.iter().map(|(_, count)| count).sum::<u64>(), findings.open() as u64);
            (findings.open(), findings.revision())
        };
        findings.take(vec![finding("a"), finding("b")], 0, at(0));
        let (open, revision) = counted(&findings);
        assert_eq!(open, 2);
        findings.take(vec![finding("a"), finding("b")], 0, at(60));
        assert_eq!(counted(&findings), (2, revision), "nothing was told otherwise");
        findings.rechecked(&"a".into(), None, at(60));
        findings.rechecked(&"a".into(), None, at(60));
        assert_eq!(counted(&findings).0, 1);
        findings.rechecked(&"a".into(), Some(finding("a")), at(60));
        findings.rechecked(&"a".into(), Some(finding("a")), at(60));
        assert_eq!(counted(&findings).0, 2);
        let (_, revision) = counted(&findings);
        findings.take(vec![finding("b")], 0, at(120));
        let (open, changed) = counted(&findings);
        assert!(open == 1 && changed > revision);
        findings.take(Vec::new(), 0, at(120 + 25 * 3_600));
        assert_eq!((counted(&findings).0, findings.each(at(0)).count()), (0, 1), "a is forgotten, b has just gone");
    }
}
