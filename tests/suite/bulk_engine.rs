//! A pass over very many instances: what it asks, what it keeps, and that nothing of it is lost on the way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::support::bulk_engine::BulkEngine;
use crate::support::fake_restate::Kind;
use crate::support::hub::{config_of, hub_of, rows, status};
use jiff::Timestamp;
use quarterdeck::connect::sim::Bulk;
use quarterdeck::domain::flow::{FlowInstance, Status};
use quarterdeck::domain::source::Freshness;
use quarterdeck::hub::Hub;

/// More than a page of the connector.
const MANY: u32 = 20_300;

fn engine(instances: u32, conditional: bool) -> BulkEngine {
    // What an engine tells has no finer times.
    let now = Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap();
    BulkEngine::start(Bulk::new(7, instances, 0, Arc::new(move || now)), conditional)
}

fn hub_on(engine: &BulkEngine) -> Arc<Hub> {
    hub_of(&config_of(&[("a", &engine.url(), "60s")]), None, Duration::from_secs(60))
}

/// What the engine holds, by id.
fn truth(engine: &BulkEngine) -> BTreeMap<String, FlowInstance> {
    engine.bulk().instances().into_iter().map(|flow| (flow.id.instance.to_string(), flow)).collect()
}

/// Holds what the hub knows against what the engine holds.
async fn assert_same(hub: &Hub, engine: &BulkEngine) {
    let truth = truth(engine);
    let rows = rows(hub, "a").await;
    assert_eq!(rows.len(), truth.len());
    for row in rows {
        let (flow, told) = (&row.flow, &truth[row.flow.id.instance.as_str()]);
        assert_eq!((&flow.flow, &flow.step, &flow.key), (&told.flow, &told.step, &told.key));
        // The engine counts attempts while there are some.
        let attempts = told.attempts.filter(|_| matches!(told.status, Status::Running | Status::BackingOff));
        assert_eq!((flow.status, flow.pause, flow.attempts), (told.status, told.pause, attempts));
        assert_eq!((flow.created_at, flow.entered_step_at), (told.created_at, told.entered_step_at));
        assert_eq!((flow.last_transition_at, flow.last_start_at), (told.last_transition_at, told.last_start_at));
        assert_eq!((flow.first_failure_at, &flow.error), (told.first_failure_at, &told.error));
        assert_eq!(flow.completed_commands, told.completed_commands);
        let wait = |flow: &FlowInstance| flow.wait.as_ref().map(|wait| (wait.kind, wait.since, wait.until));
        assert_eq!(wait(flow), wait(told));
        assert!(flow.exact_id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_instance_of_many_pages_arrives_as_it_was_told() {
    let engine = engine(MANY, false);
    let hub = hub_on(&engine);
    hub.pass().await;
    assert_eq!(status(&hub, "a").await.state, Freshness::Live);
    let asked = |kind| engine.asked(kind);
    assert_eq!([Kind::Version, Kind::Clock, Kind::Counts, Kind::Rows].map(asked), [1, 1, 1, 2]);
    assert_eq!(engine.count(), 5, "a pass asks for nothing else");
    assert_same(&hub, &engine).await;
    // What has changed by the next pass, begun and ended ones among it, is held by it.
    drop(engine.bulk().advance(500));
    hub.pass().await;
    assert_eq!(engine.count(), 10);
    assert_same(&hub, &engine).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_not_changed_is_neither_sent_nor_lost() {
    let engine = engine(MANY, true);
    let hub = hub_on(&engine);
    hub.pass().await;
    assert_eq!((engine.count(), engine.unchanged()), (5, 0));
    let sent = engine.sent();
    hub.pass().await;
    // Counts and both pages are as before: the version and the clock are all that was sent.
    assert_eq!((engine.count(), engine.unchanged()), (10, 3));
    assert!(engine.sent() - sent < 200, "{} bytes were sent", engine.sent() - sent);
    assert_eq!(status(&hub, "a").await.state, Freshness::Live);
    // Changes in one page or in both, some of which move the end of the first one.
    for changes in [1, 20] {
        drop(engine.bulk().advance(changes));
        hub.pass().await;
    }
    assert_same(&hub, &engine).await;
}
