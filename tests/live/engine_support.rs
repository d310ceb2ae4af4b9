//! The real Restate server that other tests start: does the helper do what it says?

#![allow(clippy::print_stderr, reason = "measured times are part of what these tests tell")]

use std::time::{Duration, Instant};

use crate::support::proxy::Proxy;
use crate::support::restate::{Restate, gone};
use crate::support::wait::{eventually, seen};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);

async fn status(restate: &Restate, id: &str) -> Value {
    let rows = restate.sql(&format!("select status from sys_invocation where id = '{id}'")).await;
    rows.first().map_or(Value::Null, |row| row["status"].clone())
}

async fn becomes(restate: &Restate, id: &str, wanted: &str) {
    eventually(SOON, || async { seen(status(restate, id).await, |s| s == wanted) }).await;
}

#[tokio::test]
async fn faults_acts_and_restarts() {
    let started = Instant::now();
    let mut restate = Restate::start().await;
    eprintln!("started in {:?}", started.elapsed());

    restate.fault_on("migration", Some("no such table"));
    let id = restate.send("SchemaMigration/migrate", &json!(7)).await;
    becomes(&restate, &id, "paused").await;
    assert_eq!(restate.patch(&id, "purge").await.0, 409);

    // Its data outlive a kill.
    restate.kill_server();
    gone(&restate.admin_url());
    restate.restart_server().await;
    assert_eq!(status(&restate, &id).await, "paused");

    // Without its worker nothing runs; with it, everything does.
    restate.stop_worker();
    restate.fault_off("migration");
    assert_eq!(restate.patch(&id, "resume").await.0, 200);
    becomes(&restate, &id, "backing-off").await;
    restate.start_worker();
    becomes(&restate, &id, "completed").await;
    restate.fault_off("migration");

    let (status, body) = restate.call("Noop/ping", &json!(3)).await;
    assert_eq!((status, body.as_str()), (200, "3"));
}

#[tokio::test]
async fn a_lost_answer_was_delivered_and_a_cut_request_was_not() {
    let restate = Restate::start().await;
    let proxy = Proxy::start(&restate.admin_url());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let patch = |id: &str, verb: &str| http.patch(format!("{}/invocations/{id}/{verb}", proxy.url())).send();

    restate.fault_on("migration", None);
    let id = restate.send("SchemaMigration/migrate", &json!(7)).await;
    becomes(&restate, &id, "paused").await;
    restate.fault_off("migration");

    proxy.cut_before(1);
    patch(&id, "resume").await.unwrap_err();
    assert_eq!(status(&restate, &id).await, "paused");
    assert!(proxy.reached().is_empty());

    proxy.cut_after(1);
    patch(&id, "resume").await.unwrap_err();
    becomes(&restate, &id, "completed").await;
    assert_eq!(proxy.reached().len(), 1);
}

#[tokio::test]
async fn twenty_thousand_sends() {
    let restate = Restate::start().await;
    let started = Instant::now();
    let ids = restate.send_many((0..20_000).map(|n| ("Noop/ping?delay=1h".to_owned(), json!(n)))).await;
    let took = started.elapsed();
    eprintln!("20,000 sends in {took:?}");
    assert_eq!(ids.len(), 20_000);
    let rows = restate.sql("select count(distinct id) as n from sys_invocation").await;
    assert_eq!(rows[0]["n"], 20_000);
    assert!(took < Duration::from_secs(60), "{took:?}");
}
