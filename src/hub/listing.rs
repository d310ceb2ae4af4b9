//! A window on the rows that match, in their order or under the heads of their groups.
//!
//! Only the rows of the window are put in order and read back whole: of all others it is enough to know that they stand
//! before it or after it. Rows of a group that is folded are counted alone.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::rows::{Bits, Limits, Rows, Slot};
use crate::domain::ids::InstanceId;
use crate::domain::text::SafeText;
use crate::ops::{FlowWindow, FlowsQuery, GroupHead, GroupKey, Grouping, Page, SortBy};

/// The rows of a source, and those of them that match.
pub(super) struct Part<'a> {
    pub(super) rows: &'a Rows,
    pub(super) bits: Bits,
    pub(super) limits: Limits<'a>,
    pub(super) live: bool,
}

/// A row among those of several sources, with what decides its place as far as a number can.
#[derive(Debug, Clone, Copy)]
struct Entry {
    key: u64,
    part: u32,
    slot: Slot,
}

/// Takes the window out of the rows that match.
pub(super) fn window(parts: &[Part<'_>], query: &FlowsQuery, unfiltered: usize, revision: u64) -> FlowWindow {
    let order = Order::new(parts, query.sort, query.reverse);
    let matching = parts.iter().map(|part| part.bits.count()).sum();
    let lines = match &query.group {
        Some(grouping) => grouped(&order, groups(parts, grouping, &order), query),
        None => flat(&order, matching, query),
    };
    let read = |entry: &Entry| {
        let part = parts.get(entry.part as usize)?;
        Some(Arc::new(part.rows.judged(entry.slot, part.limits, part.live)))
    };
    let rows = lines.entries.iter().filter_map(read).collect();
    FlowWindow {
        rows,
        heads: lines.heads,
        offset: lines.offset,
        total: lines.total,
        matching,
        unfiltered,
        revision,
        near: None,
    }
}

/// The lines of a window.
#[derive(Default)]
struct Lines {
    entries: Vec<Entry>,
    heads: Vec<GroupHead>,
    offset: usize,
    total: usize,
}

/// The window on rows that are not grouped. Wherever it begins or ends near an end of the list or is tied to an
/// instance, a single look at each row finds it, and no row but those in it is held.
fn flat(order: &Order<'_>, total: usize, query: &FlowsQuery) -> Lines {
    let (offset, limit) = match &query.page {
        Page::Offset(offset) => (*offset, query.limit),
        Page::Anchor { id, before, otherwise } => {
            let rank = order.find(id).map(|anchor| order.rank(&anchor));
            (rank.map_or(*otherwise, |rank| rank.saturating_sub(*before)), query.limit)
        }
        Page::Head { otherwise, .. } => (*otherwise, query.limit),
        Page::Between(one, other) => {
            let rank = |id| order.find(id).map(|entry| order.rank(&entry));
            match (rank(one), rank(other)) {
                (Some(one), Some(other)) => (one.min(other), query.limit.min(one.abs_diff(other) + 1)),
                _ => (0, 0),
            }
        }
    };
    let offset = offset.min(total.saturating_sub(1));
    let end = offset.saturating_add(limit).min(total);
    Lines { entries: order.between(offset, end, total), heads: Vec::new(), offset, total }
}

/// The window on rows under the heads of their groups.
fn grouped(order: &Order<'_>, mut groups: Vec<Group>, query: &FlowsQuery) -> Lines {
    let total = groups.iter().map(|group| group.size).sum::<usize>();
    let (offset, limit) = match &query.page {
        Page::Offset(offset) => (*offset, query.limit),
        Page::Anchor { id, before, otherwise } => {
            let line = line_of(&groups, order, id);
            (line.map_or(*otherwise, |at| at.saturating_sub(*before)), query.limit)
        }
        Page::Head { key, before, otherwise } => {
            let line = placed(&groups)
                .find(|(_, group)| group.head.as_ref().is_some_and(|head| head.key == *key))
                .map(|(first, _)| first);
            (line.map_or(*otherwise, |at| at.saturating_sub(*before)), query.limit)
        }
        Page::Between(one, other) => match (line_of(&groups, order, one), line_of(&groups, order, other)) {
            (Some(one), Some(other)) => (one.min(other), query.limit.min(one.abs_diff(other) + 1)),
            _ => (0, 0),
        },
    };
    let offset = offset.min(total.saturating_sub(1));
    let end = offset.saturating_add(limit);
    let mut lines = Lines { offset, total, ..Lines::default() };
    let mut first = 0;
    for group in &mut groups {
        let next = first + group.size;
        if first >= end {
            break;
        }
        if let Some(head) = group.head.as_ref().filter(|_| first >= offset) {
            lines.heads.push(GroupHead { line: first, ..head.clone() });
        }
        let begin = first + usize::from(group.head.is_some());
        let from = offset.saturating_sub(begin).min(group.entries.len());
        let to = end.saturating_sub(begin).min(group.entries.len());
        lines.entries.extend(order.take(&mut group.entries, from, to));
        first = next;
    }
    lines
}

/// Rows under a head, or all of them under none.
struct Group {
    head: Option<GroupHead>,
    /// Those that are listed: none where it is folded.
    entries: Vec<Entry>,
    /// How many lines it has.
    size: usize,
}

/// Each group with the index of its first line.
fn placed(groups: &[Group]) -> impl Iterator<Item = (usize, &Group)> {
    groups.iter().scan(0, |next, group| {
        let first = *next;
        *next += group.size;
        Some((first, group))
    })
}

/// The line of an instance, where it is listed.
fn line_of(groups: &[Group], order: &Order<'_>, id: &InstanceId) -> Option<usize> {
    let wanted = order.find(id)?;
    placed(groups).find_map(|(first, group)| {
        let mut before = 0;
        let mut listed = false;
        for entry in &group.entries {
            listed |= entry.slot == wanted.slot && entry.part == wanted.part;
            before += usize::from(order.compare(entry, &wanted) == Ordering::Less);
        }
        listed.then(|| first + usize::from(group.head.is_some()) + before)
    })
}

/// Counts the rows by group: the one with the most stuck first, then the largest.
fn groups(parts: &[Part<'_>], grouping: &Grouping, order: &Order<'_>) -> Vec<Group> {
    let mut groups: Vec<(GroupHead, Vec<Entry>)> = Vec::new();
    let mut by_key: HashMap<GroupKey, usize> = HashMap::new();
    for (at, part) in (0..).zip(parts) {
        // A name is looked up once a symbol, and not once a row.
        let mut known: HashMap<u32, usize> = HashMap::new();
        for slot in part.bits.iter() {
            let place = *known.entry(part.rows.group_symbol(slot, grouping.by, part.live)).or_insert_with(|| {
                let key = GroupKey(part.rows.group_key(slot, grouping.by, part.live));
                *by_key.entry(key).or_insert_with_key(|key| {
                    let unfolded = grouping.unfolded.contains(key);
                    let key = key.clone();
                    let head = GroupHead { line: 0, key, count: 0, stuck: 0, open: 0, oldest: None, unfolded };
                    groups.push((head, Vec::new()));
                    groups.len() - 1
                })
            });
            let Some((head, listed)) = groups.get_mut(place) else { continue };
            head.count += 1;
            head.stuck += usize::from(part.rows.stuck(slot, part.live));
            head.open += usize::from(!part.rows.status(slot).ended());
            head.oldest = [head.oldest, part.rows.began(slot)].into_iter().flatten().min();
            if head.unfolded {
                listed.push(order.entry(at, slot));
            }
        }
    }
    // Those that belong nowhere come last among equals.
    let named = |head: &GroupHead| (head.key.0.is_none(), head.key.0.clone());
    groups.sort_by(|(a, _), (b, _)| (b.stuck, b.count).cmp(&(a.stuck, a.count)).then_with(|| named(a).cmp(&named(b))));
    groups.into_iter().map(|(head, entries)| Group { head: Some(head), size: 1 + entries.len(), entries }).collect()
}

/// The order in which rows are asked for; the id is the last key of each, so that no two rows ever change places by
/// chance.
struct Order<'a> {
    parts: &'a [Part<'a>],
    by: SortBy,
    reverse: bool,
    /// By source: the rank of each text that is sorted by, where it is texts.
    ranks: Vec<HashMap<u32, u64>>,
    /// By source: the rank of its name.
    sources: Vec<u64>,
    /// How many bytes all ids begin with alike.
    prefix: usize,
}

impl<'a> Order<'a> {
    fn new(parts: &'a [Part<'a>], by: SortBy, reverse: bool) -> Self {
        let mut names: Vec<&SafeText> = parts.iter().map(|part| part.rows.source()).collect();
        names.sort();
        let sources =
            parts.iter().map(|part| names.partition_point(|name| *name < part.rows.source()) as u64).collect();
        let mut order = Self { parts, by, reverse, ranks: Vec::new(), sources, prefix: 0 };
        match by {
            SortBy::Flow | SortBy::Step | SortBy::Tenant | SortBy::Error => order.ranks = ranks(parts, by),
            SortBy::Id => order.prefix = common_prefix(parts),
            _ => {}
        }
        order
    }

    fn entry(&self, part: u32, slot: Slot) -> Entry {
        let key = self.parts.get(part as usize).map_or(0, |of| self.key(part as usize, of, slot));
        Entry { key, part, slot }
    }

    /// What decides the place of a row, as far as a number can: a smaller one never stands behind a larger one.
    fn key(&self, at: usize, part: &Part<'_>, slot: Slot) -> u64 {
        let rows = part.rows;
        let source = self.sources.get(at).copied().unwrap_or_default();
        match self.by {
            SortBy::Worst => rows.severity(slot, part.live) << 61 | sortable(rows.worst_since(slot)) >> 3,
            // Of whom that is not known comes last.
            SortBy::For => rows.began_nanos(slot).map_or(u64::MAX, |nanos| sortable(Some(nanos)) - 1),
            SortBy::Created => sortable(rows.created_nanos(slot)),
            SortBy::Status => rows.status(slot) as u64,
            SortBy::Attempts => u64::MAX - rows.attempts(slot).map_or(0, |n| u64::from(n) + 1),
            SortBy::Source => source,
            SortBy::Flow | SortBy::Step | SortBy::Tenant | SortBy::Error => {
                let symbol = rows.sort_symbol(slot, self.by);
                self.ranks.get(at).and_then(|ranks| ranks.get(&symbol)).copied().unwrap_or(u64::MAX)
            }
            SortBy::Id => {
                let id = rows.id(slot).as_bytes().get(self.prefix..).unwrap_or_default();
                let begin = (0..6).fold(0, |begin, at| begin << 8 | u64::from(id.get(at).copied().unwrap_or_default()));
                source << 48 | begin
            }
        }
    }

    fn compare(&self, a: &Entry, b: &Entry) -> Ordering {
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

    /// Every row that matches.
    fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        (0..).zip(self.parts).flat_map(move |(at, part)| part.bits.iter().map(move |slot| self.entry(at, slot)))
    }

    /// The row of an instance, where it matches.
    fn find(&self, id: &InstanceId) -> Option<Entry> {
        let (at, part) = (0..).zip(self.parts).find(|(_, part)| *part.rows.source() == id.source)?;
        let slot = part.rows.find(&id.instance).filter(|slot| part.bits.contains(*slot))?;
        Some(self.entry(at, slot))
    }

    /// How many rows stand before one.
    fn rank(&self, entry: &Entry) -> usize {
        self.entries().filter(|other| self.compare(other, entry) == Ordering::Less).count()
    }

    /// The rows from one place to another, in their order, among so many.
    fn between(&self, from: usize, to: usize, total: usize) -> Vec<Entry> {
        if from >= to {
            return Vec::new();
        }
        if to <= FEW {
            let mut first = Foremost::new(to);
            self.entries().for_each(|entry| first.offer(entry, |a, b| self.compare(a, b)));
            return first.sorted(|a, b| self.compare(a, b)).split_off(from);
        }
        if total - from <= FEW {
            let mut last = Foremost::new(total - from);
            self.entries().for_each(|entry| last.offer(entry, |a, b| self.compare(b, a)));
            let mut rows = last.sorted(|a, b| self.compare(b, a));
            rows.reverse();
            rows.truncate(to - from);
            return rows;
        }
        let mut all: Vec<Entry> = self.entries().collect();
        self.take(&mut all, from, to).to_vec()
    }

    /// Those from one place to another, in their order; nothing else is put in order.
    fn take<'b>(&self, entries: &'b mut [Entry], from: usize, to: usize) -> &'b [Entry] {
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
const FEW: usize = if cfg!(test) { 5 } else { 2_048 };

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

/// The ranks of the texts that rows are sorted by, over all sources.
fn ranks(parts: &[Part<'_>], by: SortBy) -> Vec<HashMap<u32, u64>> {
    let mut used: Vec<HashMap<u32, _>> = Vec::new();
    for part in parts {
        let mut symbols = HashMap::new();
        for slot in part.bits.iter() {
            symbols.entry(part.rows.sort_symbol(slot, by)).or_insert_with(|| part.rows.sort_text(slot, by));
        }
        used.push(symbols);
    }
    let texts: BTreeMap<_, u64> = used.iter().flat_map(HashMap::values).cloned().map(|text| (text, 0)).collect();
    let texts: BTreeMap<_, u64> = texts.into_keys().zip(0..).collect();
    used.into_iter()
        .map(|symbols| {
            symbols.into_iter().map(|(symbol, text)| (symbol, texts.get(&text).copied().unwrap_or_default())).collect()
        })
        .collect()
}

/// How many bytes the ids of all rows that match begin with alike.
fn common_prefix(parts: &[Part<'_>]) -> usize {
    let mut ids = parts.iter().flat_map(|part| part.bits.iter().map(|slot| part.rows.id(slot)));
    let Some(first) = ids.next() else { return 0 };
    ids.fold(first.len(), |most, id| first.bytes().zip(id.bytes()).take(most).take_while(|(a, b)| a == b).count())
}

#[cfg(test)]
pub(super) mod oracle;
#[cfg(test)]
mod tests;
