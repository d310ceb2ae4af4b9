//! What the hub's questions cost on a million instances, beside what memory itself allows: the same work done plainly
//! on bare columns, in the same run. `benches/README.md` says how it is run and what it came to.
//!
//! `cargo bench --bench hub`; what Criterion takes as arguments can be given.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it measured")]
#![allow(missing_docs, reason = "criterion's macros write functions without any")]

mod figures;
#[path = "../../tests/support/fleet.rs"]
#[allow(unreachable_pub, dead_code, reason = "tests share it by another way, and use more of it")]
mod fleet;
mod limits;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, SamplingMode};
use jiff::Timestamp;
use quarterdeck::connect::sim::Bulk;
use quarterdeck::hub::Hub;
use quarterdeck::ops::{FlowsQuery, GroupBy, Grouping, Ops, Page};
use quarterdeck::query::{Filter, SortBy};
use tokio::runtime::Runtime;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How many instances there are.
const INSTANCES: u32 = 1_000_000;

/// The lines of a list on a large screen.
const WINDOW: usize = 60;

/// What is looked for: rare in ids, and in nothing else.
const NEEDLE: &str = "zq7";

fn main() -> Result<(), Failure> {
    let runtime = Runtime::new()?;
    let now: Timestamp = "2026-07-14T09:00:00Z".parse()?;
    let before = figures::resident()?;
    let bulk = Bulk::new(312, INSTANCES, 0, Arc::new(move || now));
    let hub = fleet::hub_on(&bulk, Arc::new(move || now), Duration::from_secs(10));
    runtime.block_on(hub.pass());
    let per_instance = figures::resident()?.saturating_sub(before) / u64::from(INSTANCES);

    let mut criterion = Criterion::default().configure_from_args();
    limits::bench(&mut criterion, &bulk.instances());
    bench(&mut criterion, &runtime, &hub)?;
    criterion.final_summary();

    println!();
    figures::resident_per_instance(per_instance);
    figures::of_windows()?;
    Ok(())
}

/// The first lines of what a filter matches.
fn window(filter: &str, group: Option<GroupBy>) -> Result<FlowsQuery, Failure> {
    Ok(FlowsQuery {
        filter: Filter::parse(filter)?,
        sort: SortBy::Worst,
        reverse: false,
        group: group.map(|by| Grouping { by, unfolded: BTreeSet::new() }),
        page: Page::Offset(0),
        limit: WINDOW,
    })
}

/// The same question, each time about something else: what was asked for lately is known.
fn unheard(filter: &str, group: Option<GroupBy>) -> Result<impl FnMut() -> FlowsQuery, Failure> {
    let others: Vec<FlowsQuery> =
        (0..100).map(|n| window(&format!("{filter} -tenant:nobody-{n}"), group)).collect::<Result<_, _>>()?;
    let mut others = others.into_iter().cycle();
    let first = window(filter, group)?;
    Ok(move || others.next().unwrap_or_else(|| first.clone()))
}

fn bench(criterion: &mut Criterion, runtime: &Runtime, hub: &Arc<Hub>) -> Result<(), Failure> {
    let mut group = criterion.benchmark_group("hub");
    // One question a sample, so that the slowest ones can be told from the others.
    group.sampling_mode(SamplingMode::Flat).sample_size(100).measurement_time(Duration::from_secs(4));
    let questions = [
        ("by-word", NEEDLE, None),
        ("by-letter", "z", None),
        ("by-state", "state:failed", None),
        ("by-word-grouped", NEEDLE, Some(GroupBy::Step)),
        ("by-state-grouped", "state:open", Some(GroupBy::Step)),
    ];
    for (name, filter, by) in questions {
        let mut next = unheard(filter, by)?;
        group.bench_function(name, |bencher| bencher.iter(|| runtime.block_on(hub.flows(next()))));
    }
    let known = window(NEEDLE, None)?;
    group.bench_function("again", |bencher| bencher.iter(|| runtime.block_on(hub.flows(known.clone()))));
    let everything = Filter::default();
    group.bench_function("board", |bencher| bencher.iter(|| runtime.block_on(hub.overview(&everything))));
    let mut next = unheard("", None)?;
    group.bench_function("board-counted-anew", |bencher| {
        bencher.iter(|| runtime.block_on(hub.overview(&next().filter)));
    });
    group.finish();
    Ok(())
}
