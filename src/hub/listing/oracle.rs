//! A window as a plain sort of every row: what the one over columns must come to.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::flow::{FlowInstance, JudgedFlow};
use crate::domain::text::SafeText;
use crate::domain::verdict::{Rule, Verdict};
use crate::ops::{FlowWindow, FlowsQuery, GroupBy, GroupHead, GroupKey, Grouping, Page, SortBy};

/// The text of an instance's error.
fn error(flow: &FlowInstance) -> Option<&SafeText> {
    flow.error.as_ref().map(|error| &error.text)
}

/// Puts the rows that match into the order that is asked for, and takes the window out of it.
pub(in crate::hub) fn window(
    mut rows: Vec<Arc<JudgedFlow>>,
    query: &FlowsQuery,
    unfiltered: usize,
    revision: u64,
) -> FlowWindow {
    let matching = rows.len();
    let groups = match &query.group {
        Some(grouping) => groups(rows, grouping, query.sort, query.reverse),
        None => {
            sort(&mut rows, query.sort, query.reverse);
            vec![Group { head: None, rows, size: matching }]
        }
    };
    let lines = Lines(&groups);
    let total = lines.total();
    let (offset, limit) = match &query.page {
        Page::Offset(offset) => (*offset, query.limit),
        Page::Anchor { id, before, otherwise } => {
            (lines.row(id).map_or(*otherwise, |at| at.saturating_sub(*before)), query.limit)
        }
        Page::Head { key, before, otherwise } => {
            (lines.head(key).map_or(*otherwise, |at| at.saturating_sub(*before)), query.limit)
        }
        Page::Between(one, other) => match (lines.row(one), lines.row(other)) {
            (Some(one), Some(other)) => (one.min(other), query.limit.min(one.abs_diff(other) + 1)),
            _ => (0, 0),
        },
    };
    let offset = offset.min(total.saturating_sub(1));
    let (rows, heads) = lines.take(offset, limit);
    FlowWindow { rows, heads, offset, total, matching, unfiltered, revision, near: None }
}

/// Rows under a head, or all of them under none.
pub(super) struct Group {
    pub(super) head: Option<GroupHead>,
    /// Those that are listed: none where it is folded.
    pub(super) rows: Vec<Arc<JudgedFlow>>,
    /// How many lines it has.
    pub(super) size: usize,
}

/// Groups as one list of lines.
struct Lines<'a>(&'a [Group]);

impl Lines<'_> {
    fn total(&self) -> usize {
        self.0.iter().map(|group| group.size).sum()
    }

    /// Each group with the index of its first line.
    fn placed(&self) -> impl Iterator<Item = (usize, &Group)> {
        self.0.iter().scan(0, |next, group| {
            let first = *next;
            *next += group.size;
            Some((first, group))
        })
    }

    fn row(&self, id: &crate::domain::ids::InstanceId) -> Option<usize> {
        self.placed().find_map(|(first, group)| {
            let at = group.rows.iter().position(|row| row.flow.id == *id)?;
            Some(first + usize::from(group.head.is_some()) + at)
        })
    }

    fn head(&self, key: &GroupKey) -> Option<usize> {
        self.placed()
            .find(|(_, group)| group.head.as_ref().is_some_and(|head| head.key == *key))
            .map(|(first, _)| first)
    }

    /// The lines from an index on.
    fn take(&self, offset: usize, limit: usize) -> (Vec<Arc<JudgedFlow>>, Vec<GroupHead>) {
        let end = offset.saturating_add(limit);
        let (mut rows, mut heads) = (Vec::new(), Vec::new());
        for (first, group) in self.placed() {
            if first >= end {
                break;
            }
            if let Some(head) = &group.head
                && first >= offset
            {
                heads.push(GroupHead { line: first, ..head.clone() });
            }
            let first = first + usize::from(group.head.is_some());
            let from = offset.saturating_sub(first).min(group.rows.len());
            let to = end.saturating_sub(first).min(group.rows.len());
            rows.extend(group.rows.get(from..to).unwrap_or_default().iter().cloned());
        }
        (rows, heads)
    }
}

/// What an instance's group is named by.
fn key(row: &JudgedFlow, by: GroupBy) -> Option<&str> {
    let flow = &row.flow;
    match by {
        GroupBy::Flow => Some(&flow.flow),
        GroupBy::Step => Some(&flow.step),
        GroupBy::Rule => row.judgement.stuck_rule().map(Rule::name),
        GroupBy::Status => Some(flow.status.name()),
        GroupBy::Tenant => flow.tenant.as_deref(),
        GroupBy::Source => Some(&flow.id.source),
        GroupBy::Error => flow.error.as_ref().map(|error| &*error.fingerprint),
    }
}

/// Counts the rows by group: the one with the most stuck first, then the largest. The instances of the unfolded ones
/// are sorted.
pub(super) fn groups(rows: Vec<Arc<JudgedFlow>>, grouping: &Grouping, by: SortBy, reverse: bool) -> Vec<Group> {
    let mut groups: Vec<(GroupHead, Vec<Arc<JudgedFlow>>)> = Vec::new();
    let places: Vec<usize> = {
        let mut index: HashMap<Option<&str>, usize> = HashMap::new();
        // A name is copied once a group, and not once a row.
        let mut place = |row| {
            *index.entry(key(row, grouping.by)).or_insert_with_key(|key| {
                let key = GroupKey(key.map(SafeText::from));
                let unfolded = grouping.unfolded.contains(&key);
                let head = GroupHead { line: 0, key, count: 0, stuck: 0, open: 0, oldest: None, unfolded };
                groups.push((head, Vec::new()));
                groups.len() - 1
            })
        };
        rows.iter().map(|row| place(row)).collect()
    };
    for (row, at) in rows.into_iter().zip(places) {
        let Some((head, listed)) = groups.get_mut(at) else { continue };
        head.count += 1;
        head.stuck += usize::from(row.judgement.stuck_rule().is_some());
        head.open += usize::from(!row.flow.status.ended());
        head.oldest = [head.oldest, row.began()].into_iter().flatten().min();
        if head.unfolded {
            listed.push(row);
        }
    }
    // Those that belong nowhere come last among equals.
    let named = |head: &GroupHead| (head.key.0.is_none(), head.key.0.clone());
    groups.sort_by(|(a, _), (b, _)| (b.stuck, b.count).cmp(&(a.stuck, a.count)).then_with(|| named(a).cmp(&named(b))));
    groups
        .into_iter()
        .map(|(head, mut rows)| {
            sort(&mut rows, by, reverse);
            let size = 1 + rows.len();
            Group { head: Some(head), rows, size }
        })
        .collect()
}

/// Sorts rows; the id is the last key of each order, so that no two rows ever change places by chance.
fn sort(rows: &mut [Arc<JudgedFlow>], by: SortBy, reverse: bool) {
    let severity = |row: &JudgedFlow| match row.judgement.verdict {
        Verdict::Stuck => 0,
        Verdict::Recheck => 1,
        Verdict::Unknown => 2,
        Verdict::Suspect => 3,
        Verdict::Ok => 4,
    };
    rows.sort_by(|a, b| {
        let (x, y) = (&a.flow, &b.flow);
        let order = match by {
            SortBy::Worst => severity(a).cmp(&severity(b)).then_with(|| {
                let began = |row: &JudgedFlow| row.judgement.since().or(row.flow.created_at);
                began(a).cmp(&began(b))
            }),
            // Of whom that is not known comes last.
            SortBy::For => (a.began().is_none(), a.began()).cmp(&(b.began().is_none(), b.began())),
            SortBy::Flow => x.flow.cmp(&y.flow).then_with(|| x.step.cmp(&y.step)),
            SortBy::Step => x.step.cmp(&y.step).then_with(|| x.flow.cmp(&y.flow)),
            SortBy::Error => (x.error.is_none(), error(x)).cmp(&(y.error.is_none(), error(y))),
            SortBy::Source => x.id.source.cmp(&y.id.source),
            // Those without a tenant come last, not first.
            SortBy::Tenant => (x.tenant.is_none(), &x.tenant).cmp(&(y.tenant.is_none(), &y.tenant)),
            SortBy::Status => x.status.cmp(&y.status),
            SortBy::Attempts => y.attempts.cmp(&x.attempts),
            SortBy::Created => x.created_at.cmp(&y.created_at),
            SortBy::Id => std::cmp::Ordering::Equal,
        };
        let order = order.then_with(|| x.id.cmp(&y.id));
        if reverse { order.reverse() } else { order }
    });
}
