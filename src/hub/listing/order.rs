//! The order in which rows are asked for, as a number for each row as far as a number can tell.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Part;
use crate::domain::ids::InstanceId;
use crate::domain::text::SafeText;
use crate::hub::rows::Slot;
use crate::ops::SortBy;

/// A row among those of several sources, with what decides its place as far as a number can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: u64,
    pub(super) part: u32,
    pub(super) slot: Slot,
}

/// What the numbers of an order hang on beside the rows themselves: as long as it is the same, so is the number of a
/// row that has not changed.
#[derive(Debug, Clone, Default)]
pub(super) struct Basis {
    /// By source, which texts they were.
    texts: Vec<(u64, u64)>,
    /// By source and symbol, the rank of the text among those of all sources, where it is texts that are sorted by.
    ranks: Arc<Vec<Vec<u64>>>,
}

/// The order in which rows are asked for; the id is the last key of each, so that no two rows ever change places by
/// chance.
pub(super) struct Order<'a> {
    parts: &'a [Part<'a>],
    by: SortBy,
    reverse: bool,
    basis: Basis,
    /// By source: the rank of its name.
    sources: Vec<u64>,
}

impl Basis {
    /// That of these rows, which is the old one where nothing of it has changed.
    pub(super) fn of(parts: &[Part<'_>], by: SortBy, old: &Self) -> Self {
        let texts: Vec<_> = parts.iter().map(|part| part.rows.sort_basis(by)).collect();
        if texts == old.texts {
            return old.clone();
        }
        let ranks = match by {
            SortBy::Flow | SortBy::Step | SortBy::Tenant | SortBy::Error => Arc::new(ranks(parts, by)),
            _ => Arc::default(),
        };
        Self { texts, ranks }
    }

    /// Whether it is the other one.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

impl<'a> Order<'a> {
    /// An order whose basis is that of these rows.
    pub(super) fn new(parts: &'a [Part<'a>], by: SortBy, reverse: bool, basis: Basis) -> Self {
        let mut names: Vec<&SafeText> = parts.iter().map(|part| part.rows.source()).collect();
        names.sort();
        let sources =
            parts.iter().map(|part| names.partition_point(|name| *name < part.rows.source()) as u64).collect();
        Self { parts, by, reverse, basis, sources }
    }

    /// A row with its number.
    pub(super) fn entry(&self, part: u32, slot: Slot) -> Entry {
        let key = self.parts.get(part as usize).map_or(0, |of| self.key(part as usize, of, slot));
        Entry { key, part, slot }
    }

    /// What decides the place of a row, as far as a number can: a smaller one never stands behind a larger one.
    fn key(&self, at: usize, part: &Part<'_>, slot: Slot) -> u64 {
        let rows = part.rows;
        match self.by {
            SortBy::Worst => rows.severity(slot, part.live) << 61 | sortable(rows.worst_since(slot)) >> 3,
            // Of whom that is not known comes last.
            SortBy::For => rows.began_nanos(slot).map_or(u64::MAX, |nanos| sortable(Some(nanos)) - 1),
            SortBy::Created => sortable(rows.created_nanos(slot)),
            SortBy::Status => rows.status(slot) as u64,
            SortBy::Attempts => u64::MAX - rows.attempts(slot).map_or(0, |n| u64::from(n) + 1),
            SortBy::Source => self.sources.get(at).copied().unwrap_or_default(),
            SortBy::Flow | SortBy::Step | SortBy::Tenant | SortBy::Error => {
                let symbol = rows.sort_symbol(slot, self.by) as usize;
                self.basis.ranks.get(at).and_then(|ranks| ranks.get(symbol)).copied().unwrap_or(u64::MAX)
            }
            SortBy::Id => {
                // All ids of a source may begin alike for longer than a number can tell.
                let id = rows.id(slot).as_bytes().get(rows.ids_begin().len()..).unwrap_or_default();
                let begin = (0..6).fold(0, |begin, at| begin << 8 | u64::from(id.get(at).copied().unwrap_or_default()));
                self.sources.get(at).copied().unwrap_or_default() << 48 | begin
            }
        }
    }

    /// Which of two rows stands before the other.
    pub(super) fn compare(&self, a: &Entry, b: &Entry) -> Ordering {
        let order = a.key.cmp(&b.key).then_with(|| {
            let (Some(of_a), Some(of_b)) = (self.parts.get(a.part as usize), self.parts.get(b.part as usize)) else {
                return Ordering::Equal;
            };
            let finer = match self.by {
                SortBy::Worst => of_a.rows.worst_since(a.slot).cmp(&of_b.rows.worst_since(b.slot)),
                _ => Ordering::Equal,
            };
            let id = |entry: &Entry, of: &'a Part<'a>| (self.sources.get(entry.part as usize), of.rows.id(entry.slot));
            finer.then_with(|| id(a, of_a).cmp(&id(b, of_b))).then(a.slot.cmp(&b.slot))
        });
        if self.reverse { order.reverse() } else { order }
    }

    /// Tells every row that matches.
    fn each(&self, mut of: impl FnMut(Entry)) {
        for (at, part) in (0..).zip(self.parts) {
            part.found.bits.each(|slot| of(self.entry(at, slot)));
        }
    }

    /// Every row that matches.
    fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        (0..).zip(self.parts).flat_map(move |(at, part)| part.found.bits.iter().map(move |slot| self.entry(at, slot)))
    }

    /// The row of an instance, where it matches.
    pub(super) fn find(&self, id: &InstanceId) -> Option<Entry> {
        let (at, part) = (0..).zip(self.parts).find(|(_, part)| *part.rows.source() == id.source)?;
        let slot = part.rows.find(&id.instance).filter(|slot| part.found.bits.contains(*slot))?;
        Some(self.entry(at, slot))
    }

    /// How many rows stand before one.
    pub(super) fn rank(&self, entry: &Entry) -> usize {
        self.entries().filter(|other| self.compare(other, entry) == Ordering::Less).count()
    }

    /// The first so many rows, in their order.
    pub(super) fn foremost(&self, most: usize) -> Vec<Entry> {
        let mut first = Foremost::new(most);
        self.each(|entry| first.offer(entry, |a, b| self.compare(a, b)));
        first.sorted(|a, b| self.compare(a, b))
    }

    /// The rows from one place to another, in their order, among so many.
    pub(super) fn between(&self, from: usize, to: usize, total: usize) -> Vec<Entry> {
        if from >= to {
            return Vec::new();
        }
        if total - from <= FEW {
            let mut last = Foremost::new(total - from);
            self.each(|entry| last.offer(entry, |a, b| self.compare(b, a)));
            let mut rows = last.sorted(|a, b| self.compare(b, a));
            rows.reverse();
            rows.truncate(to - from);
            return rows;
        }
        let mut all: Vec<Entry> = self.entries().collect();
        self.take(&mut all, from, to).to_vec()
    }

    /// Those from one place to another, in their order; nothing else is put in order.
    pub(super) fn take<'b>(&self, entries: &'b mut [Entry], from: usize, to: usize) -> &'b [Entry] {
        if from >= to {
            return &[];
        }
        let compare = |a: &Entry, b: &Entry| self.compare(a, b);
        let rest = if from == 0 {
            entries
        } else {
            entries.select_nth_unstable_by(from - 1, compare);
            entries.get_mut(from..).unwrap_or_default()
        };
        let wanted = to - from;
        if wanted < rest.len() {
            rest.select_nth_unstable_by(wanted - 1, compare);
        }
        let window = rest.get_mut(..wanted).unwrap_or_default();
        window.sort_unstable_by(compare);
        window
    }
}

/// So many rows are found by a single look at each; beyond that they are put into a list of their own. Fewer in tests,
/// so that these see each way.
pub(super) const FEW: usize = if cfg!(test) { 5 } else { 2_048 };

/// The foremost of many rows, by an order that is given with each.
struct Foremost {
    most: usize,
    /// Up to twice as many as are wanted, in no order.
    rows: Vec<Entry>,
    /// Whoever stands behind this one is not among them.
    last: Option<Entry>,
}

impl Foremost {
    fn new(most: usize) -> Self {
        Self { most, rows: Vec::with_capacity(2 * most), last: None }
    }

    fn offer(&mut self, entry: Entry, compare: impl Fn(&Entry, &Entry) -> Ordering) {
        if self.last.is_some_and(|last| compare(&entry, &last) != Ordering::Less) {
            return;
        }
        self.rows.push(entry);
        if self.rows.len() == 2 * self.most {
            let (_, last, _) = self.rows.select_nth_unstable_by(self.most - 1, &compare);
            self.last = Some(*last);
            self.rows.truncate(self.most);
        }
    }

    fn sorted(mut self, compare: impl Fn(&Entry, &Entry) -> Ordering) -> Vec<Entry> {
        self.rows.sort_unstable_by(compare);
        self.rows.truncate(self.most);
        self.rows
    }
}

/// Nanoseconds as a number that sorts as they do; what is missing comes first.
fn sortable(nanos: Option<i64>) -> u64 {
    nanos.map_or(0, |nanos| nanos.cast_unsigned() ^ 1 << 63)
}

/// By source and symbol, the ranks of the texts that rows are sorted by, over all sources.
fn ranks(parts: &[Part<'_>], by: SortBy) -> Vec<Vec<u64>> {
    let used: Vec<Vec<_>> = parts.iter().map(|part| part.rows.sort_texts(by).collect()).collect();
    let texts: BTreeMap<_, u64> = used.iter().flatten().map(|(_, text)| (text, 0)).collect();
    let texts: BTreeMap<_, u64> = texts.into_keys().zip(0..).collect();
    let of_part = |symbols: &Vec<_>| {
        let mut ranks = Vec::new();
        for (symbol, text) in symbols {
            let at: u32 = *symbol;
            let at = at as usize;
            if ranks.len() <= at {
                ranks.resize(at + 1, u64::MAX);
            }
            ranks[at] = texts.get(text).copied().unwrap_or(u64::MAX);
        }
        ranks
    };
    used.iter().map(of_part).collect()
}
