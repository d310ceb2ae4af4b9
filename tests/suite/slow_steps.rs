//! A step that takes longer than the soak: the act is watched until something is to be seen of it.

use std::time::Duration;

use crate::support::fake_restate::{FakeRestate, row, row_with};
use crate::support::hub::{SOAK, config_of, ended, hub_of};
use crate::support::wait::{eventually, seen};
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::remediation::{ItemState, Remediation, Verb};
use quarterdeck::ops::Ops;
use serde_json::json;

#[tokio::test]
async fn a_repair_that_takes_its_time_is_not_given_up() {
    let server = FakeRestate::start(vec![row("inv_1")]);
    let hub = hub_of(&config_of(&[("a", &server.url(), "10s")]), None, Duration::from_secs(60));
    let plan = hub.plan(Verb::Resume, &InstanceId::new("a", "inv_1")).await.unwrap();
    let act = hub.remediate(&plan.hash, "the table is back").await.unwrap();
    let running = json!({"status": "running", "last_start_at": "2026-01-15T03:12:00.000Z", "paused_at": null});
    server.edit(|world| world.rows = vec![row_with("inv_1", &running)]);
    let long_after = act.requested_at + SOAK + SOAK;
    let now = async || hub.remediations().await.unwrap().into_iter().find(|it| it.id == act.id).unwrap();
    let past_its_soak = |it: &Remediation| it.watched_until.is_some_and(|until| until > long_after);
    let seen_running = eventually(Duration::from_secs(20), async || seen(now().await, past_its_soak)).await;
    assert!(!seen_running.ended, "{seen_running:#?}");
    assert!(matches!(seen_running.item, ItemState::Accepted | ItemState::Done), "{seen_running:#?}");

    let done =
        json!({"status": "completed", "completion_result": "success", "completed_at": "2026-01-15T03:13:00.000Z"});
    server.edit(|world| world.rows = vec![row_with("inv_1", &done)]);
    let act = ended(&hub, &act).await;
    assert_eq!((act.item, &*act.outcome), (ItemState::Verified, "verified: it succeeded"));
}
