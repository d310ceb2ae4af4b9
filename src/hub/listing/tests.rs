use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::oracle::{groups, window};
use crate::domain::flow::{JudgedFlow, Status};
use crate::domain::ids::InstanceId;
use crate::domain::verdict::tests::instance;
use crate::domain::verdict::{Circumstances, Thresholds, judge};
use crate::ops::{FlowWindow, FlowsQuery, GroupBy, GroupHead, GroupKey, Grouping, Line, Page, SortBy};
use crate::query::Filter;

fn now() -> Timestamp {
    "2026-01-15T03:12:00Z".parse().unwrap()
}

/// Twelve of five tenants, of whom one is not known; every third is stuck.
fn rows() -> Vec<Arc<JudgedFlow>> {
    (0..12_u32)
        .map(|n| {
            let mut flow = instance();
            flow.id = InstanceId::new("a", format!("i{n:02}"));
            flow.tenant =
                [Some("acme"), Some("globex"), None, Some("umbrella"), Some("acme")][n as usize % 5].map(Into::into);
            flow.status = if n % 3 == 0 { Status::Failed } else { Status::Running };
            flow.entered_step_at = Some(now() - SignedDuration::from_secs(i64::from(n)));
            flow.last_transition_at = flow.entered_step_at;
            let judgement = judge(&flow, &Thresholds::default(), &Circumstances { now: now(), holder: None });
            Arc::new(JudgedFlow { flow, judgement })
        })
        .collect()
}

fn query(unfolded: &[Option<&str>], page: Page, limit: usize) -> FlowsQuery {
    let unfolded: BTreeSet<_> = unfolded.iter().map(|key| GroupKey(key.map(Into::into))).collect();
    FlowsQuery {
        filter: Filter::default(),
        sort: SortBy::Id,
        reverse: false,
        group: Some(Grouping { by: GroupBy::Tenant, unfolded }),
        page,
        limit,
    }
}

fn told(window: &FlowWindow) -> Vec<String> {
    (window.offset..window.offset + window.len())
        .map(|at| match window.line(at).unwrap() {
            Line::Row(row) => row.flow.id.instance.to_string(),
            Line::Head(head) => {
                let name = head.key.0.as_deref().unwrap_or("?");
                format!("{name} {} {} {}", head.count, head.stuck, head.open)
            }
        })
        .collect()
}

#[test]
fn heads_count_all_that_match_and_not_the_window() {
    let folded = window(rows(), &query(&[], Page::Offset(0), 2), 40, 7);
    assert_eq!(told(&folded), ["acme 5 2 3", "globex 3 1 2"]);
    assert_eq!((folded.total, folded.matching, folded.unfiltered, folded.rows.len()), (4, 12, 40, 0));
    let whole = window(rows(), &query(&[], Page::Offset(0), usize::MAX), 40, 7);
    let sum = |count: fn(&GroupHead) -> usize| whole.heads.iter().map(count).sum::<usize>();
    assert_eq!((sum(|head| head.count), sum(|head| head.stuck), sum(|head| head.open)), (12, 4, 8));
    assert_eq!(whole.heads.iter().map(|head| head.count).collect::<Vec<_>>(), [5, 3, 2, 2]);
    assert_eq!(told(&whole).len(), 4);
    let of_acme = rows().into_iter().filter(|row| row.flow.tenant.as_deref() == Some("acme"));
    assert_eq!(whole.heads[0].oldest, of_acme.filter_map(|row| row.began()).min());
}

#[test]
fn what_is_unfolded_is_listed_under_its_head() {
    let open = [Some("globex"), None];
    let whole = window(rows(), &query(&open, Page::Offset(0), 100), 12, 7);
    let lines = told(&whole);
    assert_eq!(lines.len(), 4 + 3 + 2);
    let at = lines.iter().position(|line| line.starts_with("globex")).unwrap();
    assert_eq!(lines[at + 1..at + 4], ["i01", "i06", "i11"]);
    for (index, line) in lines.iter().enumerate() {
        if line.starts_with('i') {
            assert_eq!(whole.position(&InstanceId::new("a", line.as_str())), Some(index));
        }
    }
    // Whatever the window, a line is the same one.
    for offset in 0..9 {
        for limit in 1..9 {
            let part = window(rows(), &query(&open, Page::Offset(offset), limit), 12, 7);
            assert_eq!(told(&part), lines[offset..(offset + limit).min(9)], "{offset} {limit}");
        }
    }
}

#[test]
fn a_window_is_found_by_an_instance_or_a_head() {
    let open = [Some("globex")];
    let anchor = |name: &str| Page::Anchor { id: InstanceId::new("a", name), before: 1, otherwise: 0 };
    let found = window(rows(), &query(&open, anchor("i06"), 2), 12, 7);
    assert_eq!(told(&found), ["i01", "i06"]);
    let folded = window(rows(), &query(&open, anchor("i00"), 1), 12, 7);
    assert_eq!(folded.offset, 0, "it is in a group that is folded");
    let head = Page::Head { key: GroupKey(Some("globex".into())), before: 0, otherwise: 9 };
    assert_eq!(told(&window(rows(), &query(&open, head, 1), 12, 7)), ["globex 3 1 2"]);
}

#[test]
fn a_range_is_found_from_either_end() {
    let id = |name: &str| InstanceId::new("a", name);
    let between = |one, other| {
        let query = FlowsQuery { group: None, ..query(&[], Page::Between(id(one), id(other)), 100) };
        told(&window(rows(), &query, 12, 7))
    };
    assert_eq!(between("i02", "i04"), ["i02", "i03", "i04"]);
    assert_eq!(between("i04", "i02"), ["i02", "i03", "i04"]);
    assert_eq!(between("i04", "i04"), ["i04"]);
    assert!(between("i04", "gone").is_empty());
}

#[test]
fn folded_groups_cost_one_look_at_each_row() {
    let rows = rows();
    let weak: Vec<_> = rows.iter().map(Arc::downgrade).collect();
    let groups = groups(rows, &Grouping { by: GroupBy::Flow, unfolded: BTreeSet::new() }, SortBy::Worst, false);
    assert!(groups.iter().all(|group| group.rows.is_empty() && group.size == 1));
    assert!(weak.iter().all(|row| row.strong_count() == 0), "no row of a folded group is kept");
}
