//! Every finding in its order, kept for as long as nothing of it changes: a window costs its own rows, and what is counted
//! was counted once.
//!
//! What a finding stands as changes by being told, by being decided, and when something that was said ends. Whether its
//! check is too old is looked at when it is shown, since no order depends on it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;

use crate::domain::drift::{DriftStatus, KnownDrift, Severity};
use crate::domain::text::SafeText;
use crate::query::DriftFilter;

/// For so many filters it is kept what matches: that of the screen, and those of who types or asks beside it.
const FILTERS: usize = 4;

/// What a view was made of: how often what each source has found, what was decided and what directories tell have changed.
pub(super) type Basis = Vec<u64>;

/// The order of findings: what needs eyes most, and of those what has been there longest.
pub(in crate::hub) fn order(one: &KnownDrift, other: &KnownDrift, now: Timestamp) -> std::cmp::Ordering {
    compare((one.status(now), one), (other.status(now), other))
}

fn compare(
    (status, one): (DriftStatus, &KnownDrift),
    (other_status, other): (DriftStatus, &KnownDrift),
) -> std::cmp::Ordering {
    let key = |status, known: &KnownDrift| (status, known.severity, known.began());
    key(status, one).cmp(&key(other_status, other)).then_with(|| one.finding.id.cmp(&other.finding.id))
}

/// A finding, with where it stands.
pub(super) struct Row {
    pub(super) known: KnownDrift,
    pub(super) status: DriftStatus,
}

/// Every finding, in order.
pub(super) struct View {
    basis: Basis,
    /// As of when, and until when at the latest.
    at: Timestamp,
    until: Option<Timestamp>,
    rows: Vec<Row>,
    /// What matched the last filters, the one that was asked for last at the end.
    matching: Mutex<Vec<(DriftFilter, Arc<Matching>)>>,
}

/// What matches a filter.
pub(super) struct Matching {
    /// Which rows.
    pub(super) rows: Vec<u32>,
    /// How many of them stand where.
    pub(super) by_status: BTreeMap<DriftStatus, u64>,
    /// How many of those that have drifted are how bad.
    pub(super) by_severity: BTreeMap<Severity, u64>,
    /// One for each source, cause and standing, made when it is first asked for.
    causes: OnceLock<Vec<Cause>>,
}

/// Findings of one source and cause that stand alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cause {
    /// The first of them.
    pub(super) first: u32,
    pub(super) count: u64,
    pub(super) scopes: u64,
    pub(super) tenants: u64,
}

impl View {
    /// Puts findings in order, as of now.
    pub(super) fn new(basis: Basis, all: Vec<KnownDrift>, now: Timestamp) -> Self {
        let ends = |known: &KnownDrift| {
            let said = known.ignore.as_ref().map(|ignore| ignore.until);
            [said, known.finding.ignored_until].into_iter().flatten().filter(|until| now < *until).min()
        };
        let until = all.iter().filter_map(ends).min();
        let mut rows: Vec<Row> = all.into_iter().map(|known| Row { status: known.status(now), known }).collect();
        rows.sort_unstable_by(|one, other| compare((one.status, &one.known), (other.status, &other.known)));
        Self { basis, at: now, until, rows, matching: Mutex::default() }
    }

    /// Whether it is still how things are.
    fn holds(&self, basis: &Basis, now: Timestamp) -> bool {
        self.basis == *basis && self.at <= now && self.until.is_none_or(|until| now < until)
    }

    /// A row by its number.
    pub(super) fn row(&self, number: u32) -> Option<&Row> {
        self.rows.get(number as usize)
    }

    /// What matches a filter; looked for once.
    pub(super) fn matching(&self, filter: &DriftFilter) -> Arc<Matching> {
        let mut kept = self.matching.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().position(|(known, _)| known == filter) {
            let found = kept.remove(at);
            let matching = found.1.clone();
            kept.push(found);
            return matching;
        }
        let matching = Arc::new(self.look_for(filter));
        if kept.len() >= FILTERS {
            kept.remove(0);
        }
        kept.push((filter.clone(), matching.clone()));
        matching
    }

    fn look_for(&self, filter: &DriftFilter) -> Matching {
        looked(self.rows.len());
        let (mut by_status, mut by_severity) = (BTreeMap::new(), BTreeMap::new());
        let mut rows = Vec::new();
        for (number, row) in (0..).zip(&self.rows) {
            if !filter.matches(&row.known, row.status) {
                continue;
            }
            rows.push(number);
            *by_status.entry(row.status).or_default() += 1;
            if row.status == DriftStatus::Drifted {
                *by_severity.entry(row.known.severity).or_default() += 1;
            }
        }
        Matching { rows, by_status, by_severity, causes: OnceLock::new() }
    }

    /// Those that match as one row for each source, cause and standing, in the order of the first of each.
    pub(super) fn causes<'m>(&self, matching: &'m Matching) -> &'m [Cause] {
        matching.causes.get_or_init(|| {
            looked(matching.rows.len());
            let mut causes: Vec<Cause> = Vec::new();
            let mut places: HashMap<(&SafeText, &SafeText, DriftStatus), usize> = HashMap::new();
            // A scope or a tenant counts once for each cause.
            let (mut scopes, mut tenants) = (HashSet::new(), HashSet::new());
            for number in &matching.rows {
                let Some(Row { known, status }) = self.row(*number) else { continue };
                let finding = &known.finding;
                let key = (&finding.id.source, &finding.cause_key, *status);
                let at = *places.entry(key).or_insert_with(|| {
                    causes.push(Cause { first: *number, count: 0, scopes: 0, tenants: 0 });
                    causes.len() - 1
                });
                let Some(cause) = causes.get_mut(at) else { continue };
                cause.count += 1;
                cause.scopes += u64::from(scopes.insert((at, &finding.scope)));
                let tenant = finding.tenant.as_ref();
                cause.tenants += tenant.map_or(0, |tenant| u64::from(tenants.insert((at, tenant))));
            }
            causes
        })
    }
}

/// The view that was made last.
#[derive(Default)]
pub(in crate::hub) struct Views(Mutex<Option<Arc<View>>>);

impl Views {
    /// The view as of now: the one there is, where nothing of it has changed, or a new one. `all` gives every finding.
    pub(super) fn get(&self, basis: &Basis, now: Timestamp, all: impl FnOnce() -> Vec<KnownDrift>) -> Arc<View> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = kept.as_ref().filter(|view| view.holds(basis, now)) {
            return view.clone();
        }
        let all = all();
        looked(all.len());
        let view = Arc::new(View::new(basis.clone(), all, now));
        *kept = Some(view.clone());
        view
    }
}

/// Notes for tests that so many findings were looked at.
#[cfg(not(test))]
const fn looked(_findings: usize) {}

#[cfg(test)]
fn looked(findings: usize) {
    tests::LOOKED.with(|looked| looked.set(looked.get() + findings));
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::domain::decided::{Decision, Ignore};
    use crate::domain::drift::DriftFinding;
    use crate::domain::drift::tests::{at, finding};
    use crate::domain::ids::InstanceId;

    thread_local! {
        /// How many findings were looked at by this test.
        pub(in crate::hub::drift) static LOOKED: Cell<usize> = const { Cell::new(0) };
    }

    fn known(id: &str, status: DriftStatus, severity: Severity, first: i64) -> KnownDrift {
        let mut found = finding(id);
        (found.status, found.severity, found.scope) = (status, severity, id.into());
        found.tenant = Some(format!("tenant-{id}").into());
        KnownDrift::told(found.into(), at(first))
    }

    fn five() -> Vec<KnownDrift> {
        vec![
            known("a", DriftStatus::Resolved, Severity::Critical, 0),
            known("b", DriftStatus::Drifted, Severity::Warning, 5),
            known("c", DriftStatus::Unknown, Severity::Critical, 0),
            known("d", DriftStatus::Drifted, Severity::Critical, 9),
            known("e", DriftStatus::Drifted, Severity::Warning, 3),
        ]
    }

    fn ids(view: &View, numbers: impl Iterator<Item = u32>) -> String {
        numbers.map(|number| view.row(number).unwrap().known.finding.id.instance.to_string()).collect()
    }

    #[test]
    fn what_needs_eyes_most_comes_first_and_one_cause_is_one_row() {
        let view = View::new(vec![1], five(), at(10));
        let all = view.matching(&DriftFilter::default());
        assert_eq!(ids(&view, all.rows.iter().copied()), "debca");
        let causes = view.causes(&all);
        let firsts = ids(&view, causes.iter().map(|cause| cause.first));
        assert_eq!(firsts, "dca", "those that stand otherwise are told apart");
        assert_eq!((causes[0].count, causes[0].scopes, causes[0].tenants), (3, 3, 3));
        assert_eq!(all.by_status.get(&DriftStatus::Drifted), Some(&3));
        assert_eq!(all.by_severity.get(&Severity::Warning), Some(&2));
        let some = view.matching(&DriftFilter::parse("severity:warning").unwrap());
        assert_eq!((ids(&view, some.rows.iter().copied()), view.causes(&some)[0].count), ("eb".to_owned(), 2));
    }

    #[test]
    fn it_is_made_anew_by_a_change_and_by_what_ends_and_by_nothing_else() {
        let views = Views::default();
        let looks = |basis: u64, second: i64| {
            let before = LOOKED.get();
            let ask = || {
                let mut all = five();
                let ignore = Ignore { by: "ada".into(), at: at(0), until: at(60), reason: "the move".into() };
                all[1].decided(Some(&Decision::Ignore(ignore)), at(second));
                all
            };
            let view = views.get(&vec![basis], at(second), ask);
            let matching = view.matching(&DriftFilter::default());
            view.causes(&matching);
            let ignored = matching.by_status.get(&DriftStatus::Ignored).copied();
            (LOOKED.get() - before, ignored.unwrap_or_default())
        };
        // Once to hold them, once for what matches, once for the causes.
        assert_eq!(looks(1, 10), (15, 1));
        assert_eq!(looks(1, 10), (0, 1));
        assert_eq!(looks(1, 59), (0, 1));
        assert_eq!(looks(1, 60), (15, 0), "what was said has ended");
        assert_eq!(looks(1, 9_999), (0, 0));
        assert_eq!(looks(2, 9_999), (15, 0));
        assert_eq!(looks(2, 30), (15, 1), "a clock that was set back");
    }

    #[test]
    fn of_a_hundred_thousand_a_window_costs_its_own_rows() {
        const MANY: usize = 100_000;
        let views = Views::default();
        let first = known("f", DriftStatus::Drifted, Severity::Info, 0);
        let all = || {
            let one = |n: usize| {
                let finding = DriftFinding { id: InstanceId::new("salt", format!("f{n}")), ..(*first.finding).clone() };
                KnownDrift { severity: Severity::ALL[n % 4], ..KnownDrift::told(finding.into(), at(0)) }
            };
            (0..MANY).map(one).collect()
        };
        views.get(&vec![1], at(0), all).matching(&DriftFilter::default());
        let before = LOOKED.get();
        for offset in [0, 50_000, 99_000] {
            let view = views.get(&vec![1], at(0), all);
            let matching = view.matching(&DriftFilter::default());
            assert_eq!(matching.rows.iter().skip(offset).take(100).count(), 100);
            assert_eq!(matching.by_severity.values().sum::<u64>(), MANY as u64);
        }
        assert_eq!(LOOKED.get(), before, "nobody was looked at again");
        // A filter looks at each once, however often it is asked for.
        let filter = DriftFilter::parse("severity:critical").unwrap();
        for _ in 0..3 {
            let matching = views.get(&vec![1], at(0), all).matching(&filter);
            assert_eq!(matching.rows.len(), MANY / 4);
        }
        assert_eq!(LOOKED.get() - before, MANY);
    }
}
