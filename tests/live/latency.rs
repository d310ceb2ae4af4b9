//! How long steps took, as a real Restate keeps it in its journal.

use crate::support::hub::{becomes, hub};
use crate::support::restate::Restate;
use quarterdeck::domain::flow::Status;
use quarterdeck::domain::latency::Measure;
use quarterdeck::ops::{LatencyQuery, LatencyRow, Ops};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_have_ended_count_and_so_does_one_that_goes_on() {
    let restate = Restate::start().await;
    let (status, said) = restate.call("SchemaMigration/migrate", &json!(1)).await;
    assert_eq!(status, 200, "{said}");
    restate.fault_on("migration", Some("no such column"));
    let paused = restate.send("SchemaMigration/migrate", &json!(7)).await;
    let hub = hub(&restate.admin_url(), "[[promise]]\nstep = \"apply-0042\"\nrun = \"1ms\"\n", None);
    becomes(&hub, &paused, |row| row.flow.status == Status::Paused).await;

    let latency = hub.latency(&LatencyQuery::default()).await.unwrap();
    let source = &latency.sources[0];
    assert_eq!((source.tells, source.error.as_ref(), source.left_out), (Some(true), None, 0), "{source:?}");
    let of = |step: &str| -> &LatencyRow {
        let row = latency.rows.iter().find(|row| row.step == *step && row.measure == Measure::Run);
        row.unwrap_or_else(|| panic!("{step}: {latency:?}"))
    };
    let sum = |step: &str| -> (u64, u64) {
        let row = of(step);
        assert_eq!(row.flow, "SchemaMigration/migrate");
        let finished = row.cells.iter().map(|cell| cell.finished).sum();
        (finished, row.cells.last().unwrap().going)
    };
    assert_eq!(sum("take-advisory-lock"), (2, 0), "one of each");
    assert_eq!(sum("apply-0042"), (1, 1), "the one that fails has not ended");
    // What the journal tells of one by itself is as long as what is measured.
    let longest = of("apply-0042").cells.iter().filter_map(|cell| cell.p95).max().unwrap();
    let age = latency.at.duration_since(
        hub.flow(&crate::support::hub::id(&paused)).await.unwrap().detail.flow.entered_step_at.unwrap(),
    );
    assert!(longest <= age + jiff::SignedDuration::from_secs(5) && longest.as_millis() > 0, "{longest:?} {age:?}");
    assert!(of("apply-0042").cells.last().unwrap().heat >= quarterdeck::domain::latency::Heat::Over);
}
