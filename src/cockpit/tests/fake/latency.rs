//! How long steps take, by hand: each way in which a step can do.

use jiff::{SignedDuration, Timestamp};

use super::now;
use crate::domain::latency::{LatencyCell, Measure, SLOT, SLOTS, Spread, Tally, slot_begins, slot_of};
use crate::ops::{Latency, LatencyQuery, LatencyRow, LatencySource};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// A slot of so many that ended, failed and go on, in seconds each.
fn cell(finished: &[i32], failed: u64, going: &[i32], promise: Option<SignedDuration>, blind: bool) -> LatencyCell {
    let spread = |seconds: &[i32]| {
        let mut spread = Spread::default();
        for seconds in seconds {
            spread.add(SECOND * *seconds, 1);
        }
        spread
    };
    let tally = Tally { finished: spread(finished), failed, going: spread(going) };
    LatencyCell::of(Some(&tally), promise, blind)
}

fn row(
    flow: &str,
    step: &str,
    measure: Measure,
    promise: Option<i32>,
    of: impl Fn(usize, Option<SignedDuration>) -> LatencyCell,
) -> LatencyRow {
    let promise = promise.map(|seconds| SECOND * seconds);
    LatencyRow {
        source: if flow == "expired-card" { "billing" } else { "restate" }.into(),
        flow: flow.into(),
        step: step.into(),
        measure,
        promise,
        cells: (0..SLOTS).map(|nth| of(nth, promise)).collect(),
    }
}

/// Of every flow, or of those whose names begin like what is asked for.
pub(in crate::cockpit) fn latency(query: &LatencyQuery) -> Latency {
    let incident = |nth: usize| i32::try_from(nth.saturating_sub(SLOTS - 6)).unwrap();
    let rows = vec![
        row("tenant-provisioning", "database", Measure::Run, Some(30), |nth, promise| match incident(nth) {
            0 => cell(&[12, 14, 20], 0, &[2], promise, false),
            1 => cell(&[12, 28], 0, &[], promise, false),
            2 => cell(&[40, 41], 0, &[], promise, false),
            slots => cell(&[41], 2, &[60 * slots, 70 * slots, 300 * slots], promise, false),
        }),
        row("tenant-provisioning", "network", Measure::Run, None, |_, promise| {
            cell(&[1, 2, 2], 0, &[], promise, false)
        }),
        row("tenant-provisioning", "dns", Measure::Run, Some(10), |nth, promise| match incident(nth) {
            0 if nth % 5 == 0 => cell(&[], 0, &[], promise, false),
            0 => cell(&[3], 0, &[], promise, false),
            4.. => cell(&[], 0, &[4], promise, false),
            _ => cell(&[], 0, &[], promise, false),
        }),
        row("tenant-provisioning", "(queued)", Measure::Queue, Some(5), |_, promise| {
            cell(&[1, 1, 2], 0, &[], promise, false)
        }),
        row("expired-card", "charge", Measure::Run, Some(5), |nth, promise| {
            if (20..=SLOTS - 3).contains(&nth) {
                cell(&[2, 3], 0, &[], promise, false)
            } else {
                cell(&[], 0, &[], promise, true)
            }
        }),
        row(
            "a-flow-with-quite-a-long-name-of-its-own",
            "and-a-step-with-one",
            Measure::Run,
            Some(20),
            |nth, promise| {
                if nth % 3 == 0 { cell(&[18], 0, &[], promise, false) } else { cell(&[30, 25], 1, &[], promise, false) }
            },
        ),
    ];
    let wanted = |row: &LatencyRow| query.flow.as_ref().is_none_or(|flow| row.flow == *flow);
    let first = slot_of(now()) - i64::try_from(SLOTS).unwrap() + 1;
    let slots: Vec<Timestamp> = (first..).take(SLOTS).map(slot_begins).collect();
    let source = |name: &str, error: Option<&str>, from: Option<Timestamp>| LatencySource {
        name: name.into(),
        tells: Some(true),
        known_from: from.or(slots.first().copied()),
        error: error.map(Into::into),
        left_out: 0,
    };
    Latency {
        at: now(),
        slot: SLOT,
        sources: vec![
            source("restate", None, None),
            source("billing", Some("its source is not live: connection refused"), slots.get(20).copied()),
        ],
        rows: rows.into_iter().filter(wanted).collect(),
        slots,
    }
}
