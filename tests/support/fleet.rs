//! A hub on very many made-up instances, and what it must hold of them: every row and count, by a plain look at each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use quarterdeck::config::{TenantBook, ThresholdBook};
use quarterdeck::connect::Connector;
use quarterdeck::connect::sim::{BULK, Bulk, Clock};
use quarterdeck::domain::cohort::cohort_of;
use quarterdeck::domain::flow::{FlowInstance, JudgedFlow, PauseCause, Status};
use quarterdeck::domain::text::SafeText;
use quarterdeck::domain::verdict::{Circumstances, judge};
use quarterdeck::hub::{Hub, Setup};
use quarterdeck::ops::{Ops, OpsError, Selection};
use quarterdeck::query::Filter;

/// A hub that records nothing, on this source alone.
pub fn hub_on(bulk: &Arc<Bulk>, clock: Clock, poll: Duration) -> Arc<Hub> {
    Hub::new(Setup {
        context: BULK.to_owned(),
        operator: "nobody".to_owned(),
        read_only: None,
        locked: false,
        thresholds: ThresholdBook::default(),
        tenants: TenantBook::default(),
        policing: quarterdeck::hub::Policing::default(),
        soak: SignedDuration::from_secs(10),
        state_dir: None,
        read_dir: None,
        clock,
        sources: vec![(BULK.to_owned(), Arc::clone(bulk) as Arc<dyn Connector>, poll)],
    })
}

/// What a flow and step, or a cohort, comes to.
type Counts = BTreeMap<SafeText, [u64; 5]>;

/// Where rows and counts are not what a plain look at every instance comes to. `poll` is the source's; thresholds are
/// the usual ones, and no instance hangs on another.
pub async fn differences(
    hub: &Arc<Hub>,
    instances: Vec<FlowInstance>,
    poll: Duration,
    now: Timestamp,
) -> Result<Vec<String>, OpsError> {
    let book = ThresholdBook::default();
    let poll = poll.try_into().unwrap_or_default();
    let mut wrong = Vec::new();
    let mut differs = |what: String| wrong.push(what);
    let everything = Selection::Matching { filter: Filter::default(), without: BTreeSet::new() };
    let selected = hub.select(&everything, usize::MAX).await?;
    let mut held: BTreeMap<SafeText, Arc<JudgedFlow>> =
        selected.rows.into_iter().map(|row| (row.flow.id.instance.clone(), row)).collect();
    let (mut cells, mut cohorts) = (Counts::new(), BTreeMap::<SafeText, u64>::new());
    for flow in instances {
        let limits = book.resolve(&flow.id.source, &flow.flow, &flow.step, poll);
        let judgement = judge(&flow, &limits, &Circumstances { now, holder: None });
        let mut expected = JudgedFlow { flow, judgement };
        let cell = cells.entry(format!("{} {}", expected.flow.flow, expected.flow.step).into()).or_default();
        let stuck = expected.judgement.stuck_rule().is_some();
        let (status, pause) = (expected.flow.status, expected.flow.pause);
        let counts = [
            !status.ended(),
            status == Status::Waiting && !stuck,
            status == Status::Paused && pause == Some(PauseCause::Held),
            status.failed(),
            stuck,
        ];
        for (count, holds) in cell.iter_mut().zip(counts) {
            *count += u64::from(holds);
        }
        if let Some(cohort) = cohort_of(&expected) {
            *cohorts.entry(cohort).or_default() += 1;
        }
        match held.remove(&expected.flow.id.instance) {
            None => differs(format!("{} is not held", expected.flow.id)),
            Some(row) => {
                // When it was told is the hub's to know.
                expected.flow.observed_at = row.flow.observed_at;
                if *row != expected {
                    differs(format!("{row:?} is held, and {expected:?} is there"));
                }
            }
        }
    }
    for id in held.keys() {
        differs(format!("{id} is held, and is no more"));
    }
    let overview = hub.overview(&Filter::default()).await?;
    let shown: Counts = overview
        .cells
        .iter()
        .map(|cell| {
            let counts = &cell.counts;
            let counts = [counts.open, counts.waiting, counts.held, counts.failed, counts.stuck];
            (format!("{} {}", cell.flow, cell.step).into(), counts)
        })
        .collect();
    if shown != cells {
        differs(format!("the board has {shown:?}, and {cells:?} is so"));
    }
    let shown: BTreeMap<SafeText, u64> =
        overview.cohorts.iter().map(|cohort| (cohort.id.clone(), cohort.count)).collect();
    if shown != cohorts {
        differs("the board's cohorts".to_owned());
    }
    Ok(wrong)
}
