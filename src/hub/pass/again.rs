//! What is told to be as before, and what of it is told anew: together they come to what a plain look comes to.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::config::ThresholdBook;
use crate::domain::ids::InstanceId;
use crate::domain::verdict::tests::instance;

const IDS: usize = 12;

fn id(at: usize) -> String {
    format!("inv_{at:02}")
}

/// An instance in a step.
fn flow(at: usize, step: u8, now: Timestamp) -> FlowInstance {
    let mut flow = instance();
    flow.id = InstanceId::new("src", id(at));
    (flow.step, flow.observed_at) = (format!("step {step}").into(), now);
    flow
}

proptest! {
    #[test]
    fn pages_as_before_and_pages_told_anew_are_one_pass(
        first in proptest::collection::btree_map(0..IDS, 0_u8..3, 0..IDS),
        second in proptest::collection::btree_map(0..IDS, 0_u8..3, 0..IDS),
        // Where pages end, and which of them are as before.
        ends in proptest::collection::btree_map(0..IDS, any::<bool>(), 0..4),
        rest in any::<bool>(),
    ) {
        let book = ThresholdBook::default();
        let limits = Limits { book: &book, poll: SignedDuration::from_secs(5) };
        let (then, now) = (Timestamp::from_second(1_800_000_000).unwrap(), Timestamp::from_second(1_800_000_060).unwrap());
        let mut held = Rows::new("src".into());
        let mut pass = Pass::default();
        pass.flows(&held, first.iter().map(|(at, step)| flow(*at, *step, then)).collect(), limits);
        pass.take(&mut held, limits, then);

        let mut pass = Pass::default();
        let mut expected = BTreeMap::new();
        let mut from = None;
        let pages = ends.iter().map(|(end, same)| (Some(*end), *same)).chain([(None, rest)]);
        for (end, same) in pages {
            let within = |at: &usize| from.is_none_or(|from| *at > from) && end.is_none_or(|end| *at <= end);
            let told = if same { &first } else { &second };
            let rows: Vec<(usize, u8)> = told.iter().filter(|(at, _)| within(at)).map(|(at, step)| (*at, *step)).collect();
            if same {
                pass.flows_as_before(from.map(id).unwrap_or_default(), end.map(id));
            } else {
                pass.flows(&held, rows.iter().map(|(at, step)| flow(*at, *step, now)).collect(), limits);
            }
            expected.extend(rows);
            from = end;
        }
        pass.take(&mut held, limits, now);
        let mut rows: Vec<FlowInstance> = held.slots().map(|slot| held.flow(slot)).collect();
        rows.sort_by(|a, b| a.id.instance.cmp(&b.id.instance));
        let expected: Vec<FlowInstance> = expected.into_iter().map(|(at, step)| flow(at, step, now)).collect();
        prop_assert_eq!(rows, expected);
    }
}

/// Nothing is written for rows of which nothing is told but that they are as before.
#[test]
fn a_pass_in_which_nothing_changed_writes_no_row() {
    let book = ThresholdBook::default();
    let limits = Limits { book: &book, poll: SignedDuration::from_secs(5) };
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let mut held = Rows::new("src".into());
    let mut pass = Pass::default();
    pass.flows(&held, (0..IDS).map(|at| flow(at, 1, now)).collect(), limits);
    pass.take(&mut held, limits, now);
    let (written, read) = held.work();
    let mut pass = Pass::default();
    pass.flows_as_before(String::new(), None);
    pass.take(&mut held, limits, now);
    assert_eq!(held.work(), (written, read));
    // Told again as they are, they are compared, and not written either.
    let mut pass = Pass::default();
    pass.flows(&held, (0..IDS).map(|at| flow(at, 1, now)).collect(), limits);
    pass.take(&mut held, limits, now);
    assert_eq!(held.work(), (written, read));
}
