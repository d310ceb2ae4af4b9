//! The list as the hub of hand-made data hands it out: filtered, grouped, and one window of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::now;
use crate::domain::flow::JudgedFlow;
use crate::ops::{FlowWindow, FlowsQuery, GroupHead, GroupKey, Line, Near, Page};

pub(in crate::cockpit) fn window(rows: &[Arc<JudgedFlow>], query: &FlowsQuery) -> FlowWindow {
    let mut rows: Vec<_> = rows.iter().filter(|row| query.filter.matches(row, now())).cloned().collect();
    let matching = rows.len();
    let near = query.filter.wider().into_iter().next().filter(|_| matching == 0);
    let near = near.map(|wider| Near { count: 3, words: wider.words.into(), term: wider.term.into() });
    if query.reverse {
        rows.reverse();
    }
    let mut heads = Vec::new();
    if let Some(group) = &query.group {
        // By tenant, whatever is asked for; the groups in the order of their names.
        let key = |row: &Arc<JudgedFlow>| GroupKey(row.flow.tenant.clone());
        let keys: BTreeSet<_> = rows.iter().map(key).collect();
        let mut listed = Vec::new();
        for name in keys {
            let members: Vec<_> = rows.iter().filter(|row| key(row) == name).cloned().collect();
            let unfolded = group.unfolded.contains(&name);
            heads.push(GroupHead {
                line: listed.len() + heads.len(),
                key: name,
                count: members.len(),
                stuck: members.iter().filter(|row| row.judgement.stuck()).count(),
                open: members.len(),
                oldest: members.iter().filter_map(|row| row.began()).min(),
                unfolded,
            });
            if unfolded {
                listed.extend(members);
            }
        }
        rows = listed;
    }
    let total = rows.len() + heads.len();
    let whole = FlowWindow { rows, heads, offset: 0, total, matching, unfiltered: 382, revision: 7, near };
    let (offset, limit) = match &query.page {
        Page::Offset(offset) => (*offset, query.limit),
        Page::Anchor { id, before, otherwise } => {
            (whole.position(id).map_or(*otherwise, |at| at.saturating_sub(*before)), query.limit)
        }
        Page::Head { key, before, otherwise } => {
            (whole.position_of_head(key).map_or(*otherwise, |at| at.saturating_sub(*before)), query.limit)
        }
        Page::Between(one, other) => match (whole.position(one), whole.position(other)) {
            (Some(one), Some(other)) => (one.min(other), one.abs_diff(other) + 1),
            _ => (0, 0),
        },
    };
    let offset = offset.min(total);
    let (mut rows, mut heads) = (Vec::new(), Vec::new());
    for line in (offset..total).take(limit).filter_map(|at| whole.line(at)) {
        match line {
            Line::Row(row) => rows.push(row.clone()),
            Line::Head(head) => heads.push(head.clone()),
        }
    }
    FlowWindow { rows, heads, offset, ..whole }
}
