//! A window on the rows that match, in their order or under the heads of their groups.
//!
//! Only the rows of the window are put in order and read back whole: of all others it is enough to know that they stand
//! before it or after it. Rows of a group that is folded are counted alone.

mod kept;
mod order;

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use self::kept::List;
pub(super) use self::kept::Lists;
use self::order::{Entry, Order};
use super::matches::Found;
use super::rows::{Limits, Rows};
use crate::domain::ids::InstanceId;
use crate::ops::{FlowWindow, FlowsQuery, GroupHead, GroupKey, Grouping, Page};

/// The rows of a source, and those of them that match.
pub(super) struct Part<'a> {
    pub(super) rows: &'a Rows,
    pub(super) found: Found,
    pub(super) limits: Limits<'a>,
    pub(super) live: bool,
}

/// Takes the window out of the rows that match.
fn window(parts: &[Part<'_>], list: &List, query: &FlowsQuery, unfiltered: usize, revision: u64) -> FlowWindow {
    let order = list.order(parts);
    let matching = parts.iter().map(|part| part.found.count).sum();
    let lines = match &query.group {
        Some(grouping) => grouped(&order, groups(parts, grouping, &order), query),
        None => flat(&order, list, matching, query),
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

/// The window on rows that are not grouped. Where it is among the foremost rows, these are known; near the end of the
/// list a single look at each row finds it, and no row but those in it is held.
fn flat(order: &Order<'_>, list: &List, total: usize, query: &FlowsQuery) -> Lines {
    let rank = |id: &InstanceId| {
        let entry = order.find(id)?;
        Some(list.rank(&entry).unwrap_or_else(|| order.rank(&entry)))
    };
    let (offset, limit) = match &query.page {
        Page::Offset(offset) => (*offset, query.limit),
        Page::Anchor { id, before, otherwise } => {
            (rank(id).map_or(*otherwise, |rank| rank.saturating_sub(*before)), query.limit)
        }
        Page::Head { otherwise, .. } => (*otherwise, query.limit),
        Page::Between(one, other) => match (rank(one), rank(other)) {
            (Some(one), Some(other)) => (one.min(other), query.limit.min(one.abs_diff(other) + 1)),
            _ => (0, 0),
        },
    };
    let offset = offset.min(total.saturating_sub(1));
    let end = offset.saturating_add(limit).min(total);
    let known = list.foremost().get(offset..end).map(<[Entry]>::to_vec);
    let entries = known.unwrap_or_else(|| order.between(offset, end, total));
    Lines { entries, heads: Vec::new(), offset, total }
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
        let mut counted = Counted::default();
        part.found.bits.each(|slot| {
            let count = counted.of(part.rows.group_symbol(slot, grouping.by, part.live), || {
                let key = GroupKey(part.rows.group_key(slot, grouping.by, part.live));
                *by_key.entry(key).or_insert_with_key(|key| {
                    let unfolded = grouping.unfolded.contains(key);
                    let key = key.clone();
                    let head = GroupHead { line: 0, key, count: 0, stuck: 0, open: 0, oldest: None, unfolded };
                    groups.push((head, Vec::new()));
                    groups.len() - 1
                })
            });
            count.rows += 1;
            count.stuck += usize::from(part.rows.stuck(slot, part.live));
            count.open += usize::from(!part.rows.status(slot).ended());
            count.oldest = count.oldest.min(part.rows.began_nanos(slot).unwrap_or(i64::MAX));
            if let Some((_, listed)) = groups.get_mut(count.group).filter(|(head, _)| head.unfolded) {
                listed.push(order.entry(at, slot));
            }
        });
        for count in counted.0 {
            let Some((head, _)) = groups.get_mut(count.group) else { continue };
            head.count += count.rows;
            head.stuck += count.stuck;
            head.open += count.open;
            let oldest = Timestamp::from_nanosecond(count.oldest.into()).ok().filter(|_| count.oldest != i64::MAX);
            head.oldest = [head.oldest, oldest].into_iter().flatten().min();
        }
    }
    // Those that belong nowhere come last among equals.
    let named = |head: &GroupHead| (head.key.0.is_none(), head.key.0.clone());
    groups.sort_by(|(a, _), (b, _)| (b.stuck, b.count).cmp(&(a.stuck, a.count)).then_with(|| named(a).cmp(&named(b))));
    groups.into_iter().map(|(head, entries)| Group { head: Some(head), size: 1 + entries.len(), entries }).collect()
}

/// What rows of one source come to, by the symbol that stands for their group; the first one is of those that have
/// none.
#[derive(Default)]
struct Counted(Vec<Count>);

struct Count {
    /// Which group it is; [`usize::MAX`] while no row was counted.
    group: usize,
    rows: usize,
    stuck: usize,
    open: usize,
    /// Since when the oldest of them has been as it is; [`i64::MAX`] where that is known of none.
    oldest: i64,
}

impl Counted {
    fn of(&mut self, symbol: u32, group: impl FnOnce() -> usize) -> &mut Count {
        // No symbol is the highest number, which thereby comes first.
        let at = symbol.wrapping_add(1) as usize;
        if self.0.len() <= at {
            self.0.resize_with(at + 1, || Count { group: usize::MAX, rows: 0, stuck: 0, open: 0, oldest: i64::MAX });
        }
        let count = &mut self.0[at];
        if count.group == usize::MAX {
            count.group = group();
        }
        count
    }
}

#[cfg(test)]
pub(super) mod oracle;
#[cfg(test)]
mod tests;
