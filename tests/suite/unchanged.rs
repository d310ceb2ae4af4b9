//! A source that says that nothing has changed: what it told holds, time goes on, and whatever is doubtful is asked anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::fake_restate::{FakeRestate, Kind, row_with};
use crate::support::hostile::{Behaviour, Reply};
use crate::support::hub::{config_of, hub_of, rows, status};
use quarterdeck::domain::source::Freshness;
use quarterdeck::domain::verdict::Verdict;
use quarterdeck::hub::Hub;
use serde_json::{Value, json};

/// One that began its step at five past three.
fn running(id: &str) -> Value {
    row_with(
        id,
        &json!({"status": "running", "paused_at": null, "last_failure": null, "last_failure_error_code": null}),
    )
}

fn clock(at: &str) -> Behaviour {
    Behaviour::Answers(Reply::rows(&[json!({ "now": at })]))
}

/// A server whose answers to the questions for counts and rows carry a tag, which is `"same"` until they change.
fn server(rows: Vec<Value>) -> (FakeRestate, Arc<Hub>, Arc<AtomicBool>) {
    let server = FakeRestate::start(rows);
    let same = Arc::new(AtomicBool::new(true));
    let (told, asked) = (server.world(), Arc::clone(&same));
    server.guard(move |request| {
        let kind = Kind::of(request);
        if !matches!(kind, Kind::Counts | Kind::Rows) {
            return None;
        }
        if asked.load(Ordering::SeqCst) && request.header("if-none-match") == Some("\"same\"") {
            return Some(Behaviour::Answers(Reply { status: 304, headers: Vec::new(), body: Vec::new() }));
        }
        match told(kind, request) {
            Behaviour::Answers(reply) => Some(Behaviour::Answers(reply.with("etag", "\"same\""))),
            other => Some(other),
        }
    });
    let hub = hub_of(&config_of(&[("a", &server.url(), "20s")]), None, Duration::from_secs(60));
    (server, hub, same)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_goes_on_for_what_has_not_changed() {
    let (server, hub, _) = server(vec![running("inv_1")]);
    server.behave_for(Kind::Clock, clock("2026-01-15T03:05:30Z"));
    hub.pass().await;
    let before = rows(&hub, "a").await;
    assert_eq!(before[0].judgement.verdict, Verdict::Ok);
    server.behave_for(Kind::Clock, clock("2026-01-18T03:05:30Z"));
    hub.pass().await;
    assert_eq!((server.asked(Kind::Rows), server.asked(Kind::Counts)), (2, 2));
    let after = rows(&hub, "a").await;
    assert_eq!(after[0].flow.observed_at.to_string(), "2026-01-18T03:05:30Z");
    assert_ne!(after[0].judgement.verdict, Verdict::Ok, "three days in a step are too long");
    let mut flow = after[0].flow.clone();
    flow.observed_at = before[0].flow.observed_at;
    assert_eq!(flow, before[0].flow);
    let status = status(&hub, "a").await;
    assert_eq!((status.state, status.error), (Freshness::Live, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_failed_is_asked_for_everything() {
    let (server, hub, _) = server(vec![running("inv_1")]);
    hub.pass().await;
    server.behave_for(Kind::Clock, Behaviour::ErrorHtml);
    hub.pass().await;
    assert_eq!(status(&hub, "a").await.state, Freshness::Stale);
    server.be_good();
    hub.pass().await;
    let conditions = server.requests().iter().filter(|request| request.header("if-none-match").is_some()).count();
    assert_eq!((conditions, server.asked(Kind::Rows)), (0, 2));
    hub.pass().await;
    let conditions = server.requests().iter().filter(|request| request.header("if-none-match").is_some()).count();
    assert_eq!((conditions, server.asked(Kind::Rows)), (2, 3));
    assert_eq!(rows(&hub, "a").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_with_a_bad_row_is_asked_for_again() {
    let (server, hub, _) = server(vec![running("inv_1"), row_with("inv_2", &json!({"step": 7}))]);
    server.edit(|world| world.counts = Some(Vec::new()));
    for pass in 1..=2 {
        hub.pass().await;
        let status = status(&hub, "a").await;
        assert_eq!((status.bad_rows, status.rows), (1, 1), "in pass {pass}");
    }
    let mut requests = server.requests().into_iter();
    assert!(requests.all(|request| Kind::of(&request) != Kind::Rows || request.header("if-none-match").is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_is_told() {
    let (server, hub, same) = server(vec![running("inv_1"), running("inv_2")]);
    hub.pass().await;
    server.edit(|world| world.rows = vec![running("inv_2"), running("inv_3")]);
    same.store(false, Ordering::SeqCst);
    hub.pass().await;
    let ids: Vec<String> = rows(&hub, "a").await.iter().map(|row| row.flow.id.instance.to_string()).collect();
    assert_eq!(ids, ["inv_2", "inv_3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_was_not_asked_on_a_condition_may_say_that_nothing_changed() {
    let server = FakeRestate::start(vec![running("inv_1")]);
    let not_modified = Behaviour::Answers(Reply { status: 304, headers: Vec::new(), body: Vec::new() });
    server.behave_for(Kind::Rows, not_modified);
    let hub = hub_of(&config_of(&[("a", &server.url(), "20s")]), None, Duration::from_secs(60));
    hub.pass().await;
    assert_eq!(status(&hub, "a").await.state, Freshness::Failed);
}
