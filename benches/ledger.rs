//! What the audit costs: a look along its whole chain, and what one entry takes until the disk has it.
//!
//! `cargo bench --bench ledger`

use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput};
use jiff::Timestamp;
use quarterdeck::domain::audit::{Action, Draft, ON_TRUST};
use quarterdeck::hub::ledger::{Book, Ledger};
use serde_json::json;
use tokio::runtime::Runtime;

type Failure = Box<dyn std::error::Error>;

/// How many entries the chain has.
const ENTRIES: u64 = 100_000;

fn draft(n: u64) -> Draft {
    Draft {
        at: Timestamp::now(),
        actor: "mara".to_owned(),
        trusted: Some(ON_TRUST.to_owned()),
        context: "prod".to_owned(),
        action: Action::Outcome,
        subject: format!("eu/inv_{n:032}"),
        remediation: Some(format!("{n:012x}")),
        plan_hash: Some("7f3c".repeat(16)),
        detail: json!({ "state": "verified", "text": "verified: it is past create-database, now in promise:approval" }),
    }
}

fn main() -> Result<(), Failure> {
    let runtime = Runtime::new()?;
    let folder = tempfile::tempdir()?;
    let ledger = Ledger::open(folder.path())?;
    runtime.block_on(ledger.audit((0..ENTRIES).map(draft).collect()))?;
    let mut criterion = Criterion::default().configure_from_args();

    let mut group = criterion.benchmark_group("audit");
    group.sample_size(10).measurement_time(Duration::from_secs(20));
    group.throughput(Throughput::Elements(ENTRIES));
    let verified = runtime.block_on(async { Book::open(folder.path()).await?.verify().await })?;
    if verified.broken.is_some() || verified.count != ENTRIES {
        return Err(format!("the chain is not whole: {verified:?}").into());
    }
    group.bench_function("verify", |bench| {
        bench.iter(|| runtime.block_on(async { Book::open(folder.path()).await?.verify().await }));
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("append", |bench| {
        bench.iter_batched(|| vec![draft(0)], |drafts| runtime.block_on(ledger.audit(drafts)), BatchSize::SmallInput);
    });
    group.finish();
    criterion.final_summary();
    Ok(())
}
