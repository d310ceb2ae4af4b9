//! Lists that were asked for lately: their foremost rows, kept in order as rows change.
//!
//! A list is asked for again with each change, at another place, or as it was. Its first rows are what is looked at
//! most, and a change moves few of them: those that changed are taken out and put where they belong now. Only where
//! more has changed than is remembered, or too few of the first rows are left, is every row looked at again.

use std::cmp::Ordering;
use std::collections::HashSet;

use jiff::Timestamp;

use super::order::{Basis, Entry, FEW, Order};
use super::{Part, window};
use crate::hub::recent::Recent;
use crate::hub::rows::{Moment, Slot};
use crate::ops::{FlowWindow, FlowsQuery, SortBy};
use crate::query::Filter;

/// So many lists are kept: the one that is shown, and those that are gone back to.
const LISTS: usize = 4;

/// The lists.
#[derive(Debug)]
pub(in crate::hub) struct Lists(Recent<List>);

impl Default for Lists {
    fn default() -> Self {
        Self(Recent::new(LISTS))
    }
}

/// One list.
#[derive(Debug)]
pub(super) struct List {
    filter: Filter,
    sort: SortBy,
    reverse: bool,
    /// What the rows of each source were, whether they were the present, and when, where time decides what matches.
    of: Vec<(Moment, bool, Option<Timestamp>)>,
    basis: Basis,
    /// Its first rows; all of them where there are so few.
    foremost: Vec<Entry>,
    /// How many there are in all.
    matching: usize,
    /// Whether these two are known: what was asked for under the heads of groups has no need of them.
    known: bool,
    /// What was answered last, and to which question.
    answer: Option<(FlowsQuery, FlowWindow)>,
    /// How often every row was looked at.
    #[cfg(test)]
    pub(super) begun: usize,
}

impl Lists {
    /// Takes a window out of the rows that match.
    pub(in crate::hub) fn window(
        &self,
        parts: &[Part<'_>],
        query: &FlowsQuery,
        unfiltered: usize,
        revision: u64,
    ) -> FlowWindow {
        let such =
            |list: &List| list.filter == query.filter && list.sort == query.sort && list.reverse == query.reverse;
        let mut list = self.0.take(such).unwrap_or_else(|| List::new(query));
        let unchanged = list.refresh(parts, query.group.is_none());
        let answer = match list.answer.take() {
            Some((of, answer)) if unchanged && of == *query => FlowWindow { unfiltered, revision, ..answer },
            _ => window(parts, &list, query, unfiltered, revision),
        };
        list.answer = Some((query.clone(), answer.clone()));
        self.0.keep(list);
        answer
    }
}

impl List {
    fn new(query: &FlowsQuery) -> Self {
        Self {
            filter: query.filter.clone(),
            sort: query.sort,
            reverse: query.reverse,
            of: Vec::new(),
            basis: Basis::default(),
            foremost: Vec::new(),
            matching: 0,
            known: false,
            answer: None,
            #[cfg(test)]
            begun: 0,
        }
    }

    /// The order of rows that it was brought up to.
    pub(super) fn order<'a>(&self, parts: &'a [Part<'a>]) -> Order<'a> {
        Order::new(parts, self.sort, self.reverse, self.basis.clone())
    }

    /// Its first rows, in their order.
    pub(super) fn foremost(&self) -> &[Entry] {
        &self.foremost
    }

    /// The place of a row, where it is one of the first.
    pub(super) fn rank(&self, entry: &Entry) -> Option<usize> {
        self.foremost.iter().position(|other| other == entry)
    }

    /// Brings it up to what the rows are now, the first of them where these are `wanted`. Tells whether that is what they
    /// were.
    fn refresh(&mut self, parts: &[Part<'_>], wanted: bool) -> bool {
        let of: Vec<_> = parts.iter().map(|part| (part.rows.moment(), part.live, part.found.at)).collect();
        if of == self.of && (self.known || !wanted) {
            return true;
        }
        let basis = Basis::of(parts, self.sort, &self.basis);
        let changed = if self.known && wanted && basis.is(&self.basis) { self.changed(parts) } else { None };
        self.basis = basis;
        self.of = of;
        self.known = wanted;
        if !wanted {
            return false;
        }
        let order = Order::new(parts, self.sort, self.reverse, self.basis.clone());
        let whole = self.foremost.len() == self.matching;
        self.matching = parts.iter().map(|part| part.found.count).sum();
        if let Some(changed) = &changed {
            move_rows(&mut self.foremost, &order, parts, changed, whole);
        }
        let enough = self.foremost.len() == self.matching || self.foremost.len() >= FEW / 2;
        if changed.is_none() || !enough {
            self.foremost = order.foremost(FEW);
            #[cfg(test)]
            {
                self.begun += 1;
            }
        }
        false
    }

    /// The rows that have changed since, where nothing else has and they are known.
    fn changed(&self, parts: &[Part<'_>]) -> Option<HashSet<(u32, Slot)>> {
        if parts.len() != self.of.len() {
            return None;
        }
        let mut changed = HashSet::new();
        for ((at, part), (moment, live, time)) in (0..).zip(parts).zip(&self.of) {
            if part.live != *live || part.found.at != *time {
                return None;
            }
            changed.extend(part.rows.changed_since(*moment)?.into_iter().map(|slot| (at, slot)));
        }
        Some(changed)
    }
}

/// Takes those rows that have changed out of the first ones, and puts those in that belong there now. `whole` is whether
/// the first ones were all.
fn move_rows(
    foremost: &mut Vec<Entry>,
    order: &Order<'_>,
    parts: &[Part<'_>],
    changed: &HashSet<(u32, Slot)>,
    whole: bool,
) {
    foremost.retain(|entry| !changed.contains(&(entry.part, entry.slot)));
    // Who stands behind the last one of them that has not changed is not known.
    let last = foremost.last().copied();
    for (part, slot) in changed {
        if !parts.get(*part as usize).is_some_and(|part| part.found.bits.contains(*slot)) {
            continue;
        }
        let entry = order.entry(*part, *slot);
        if whole || last.is_some_and(|last| order.compare(&entry, &last) == Ordering::Less) {
            let at = foremost.partition_point(|other| order.compare(other, &entry) == Ordering::Less);
            foremost.insert(at, entry);
        }
    }
    foremost.truncate(2 * FEW);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::SignedDuration;

    use super::*;
    use crate::config::ThresholdBook;
    use crate::domain::ids::InstanceId;
    use crate::domain::verdict::tests::instance;
    use crate::hub::matches::Matches;
    use crate::hub::rows::{Limits, Rows};
    use crate::ops::Page;

    fn put(rows: &mut Rows, limits: Limits<'_>, now: Timestamp, n: i64, age: i64) {
        let mut flow = instance();
        flow.id = InstanceId::new("a", format!("i{n:03}"));
        (flow.created_at, flow.observed_at) = (Some(now - SignedDuration::from_secs(age)), now);
        rows.put(&flow, limits).unwrap();
        rows.advance(limits, now);
    }

    #[test]
    fn a_change_is_no_reason_to_look_at_every_row_again() {
        let now: Timestamp = "2026-01-15T03:12:00Z".parse().unwrap();
        let book = ThresholdBook::default();
        let limits = Limits { book: &book, poll: SignedDuration::from_secs(5) };
        let (matches, lists) = (Matches::default(), Lists::default());
        let mut rows = Rows::new("a".into());
        (0..100).for_each(|n| put(&mut rows, limits, now, n, n));
        let query = FlowsQuery {
            filter: Filter::default(),
            sort: SortBy::Created,
            reverse: false,
            group: None,
            page: Page::Offset(0),
            limit: 3,
        };
        let ask = |rows: &Rows| {
            let found = matches.of(rows, &query.filter, limits, now, true);
            let window = lists.window(&[Part { rows, found, limits, live: true }], &query, rows.len(), 1);
            let ids: Vec<String> = window.rows.iter().map(|row| row.flow.id.instance.to_string()).collect();
            (ids.join(" "), lists.0.kept().first().unwrap().begun, window)
        };
        let (ids, begun, first) = ask(&rows);
        assert_eq!((ids.as_str(), begun), ("i099 i098 i097", 1));
        // Asked again it is the same answer, and not only an equal one.
        let (_, begun, second) = ask(&rows);
        assert!(begun == 1 && first.rows.iter().zip(&second.rows).all(|(a, b)| Arc::ptr_eq(a, b)));
        // Behind what is known, into it, and out of it.
        for (n, age, wanted) in [(7, 8, "i099 i098 i097"), (8, 200, "i008 i099 i098"), (99, 1, "i008 i098 i097")] {
            put(&mut rows, limits, now, n, age);
            let (ids, begun, _) = ask(&rows);
            assert_eq!((ids.as_str(), begun), (wanted, 1));
        }
        // Once too few of the first are left, the others are looked at.
        (90..99).for_each(|n| put(&mut rows, limits, now, n, 0));
        let (ids, begun, _) = ask(&rows);
        assert_eq!((ids.as_str(), begun), ("i008 i089 i088", 2));
    }
}
