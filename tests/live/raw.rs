//! What a real Restate keeps of an instance: shown whole, and without the secrets in it.

use crate::support::hub::{becomes, hub, id};
use crate::support::restate::Restate;
use quarterdeck::domain::flow::{EntryOutcome, Status};
use quarterdeck::domain::run::StretchKind;
use quarterdeck::ops::json::raw_json;
use quarterdeck::ops::{Ops, OpsError};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inputs_outputs_runs_and_ways() {
    let restate = Restate::start().await;
    restate.fault_on("migration", Some("cannot log in with password=hunter2"));
    let ended = restate.send("Noop/ping", &json!(3)).await;
    let paused = restate.send("SchemaMigration/migrate", &json!(7)).await;
    // The whole of an input, and what looks like a secret in it.
    let waits = restate.send("BackupRun/run", &json!("token=hunter2")).await;
    let hub = hub(&restate.admin_url(), "", None);
    becomes(&hub, &paused, |row| row.flow.status == Status::Paused).await;
    becomes(&hub, &waits, |row| row.flow.status == Status::Waiting).await;

    let raw = |instance: String| {
        let hub = hub.clone();
        async move { raw_json(&hub.raw(&id(&instance)).await.unwrap()) }
    };
    let told = raw(ended.clone()).await;
    assert_eq!((&told["input"]["payload"], &told["output"]["Success"]), (&json!(3), &json!(3)), "{told}");
    let told = raw(paused.clone()).await;
    assert_eq!(told["input"]["payload"], 7);
    assert_eq!(told["output"], Value::Null);
    assert!(told["not_told"]["output"].as_str().unwrap().contains("not ended"), "{told}");
    assert_eq!(told["steps"][0]["step"], "take-advisory-lock");
    assert_eq!(told["steps"][1]["output"], "nothing yet: it has not ended");
    assert_eq!(told["raw"]["invocation"]["status"], "paused");
    assert!(told["raw"]["events"].to_string().contains("password=[redacted]"), "{told}");
    assert!(!told.to_string().contains("hunter2"), "{told}");
    let told = raw(waits.clone()).await;
    assert!(!told.to_string().contains("hunter2") && told.to_string().contains("token=[redacted]"), "{told}");

    let answer = hub.flow(&id(&paused)).await.unwrap();
    let steps: Vec<&str> = answer.detail.runs.iter().map(|run| run.step.as_str()).collect();
    assert_eq!(steps, ["(queued)", "take-advisory-lock", "apply-0042"]);
    let last = answer.detail.runs.last().unwrap();
    assert_eq!((last.outcome, last.ended()), (EntryOutcome::Open, None));
    assert_eq!(last.stretches.last().unwrap().kind, StretchKind::Paused);
    assert!(!last.failures.is_empty() && !answer.detail.attempts.list.is_empty());

    let ways = hub.ways(&id(&paused)).await.unwrap();
    let page = ways.page.unwrap();
    assert_eq!(page, *format!("{}/ui/invocations/{paused}", restate.admin_url()));
    let response = reqwest::get(page.as_str()).await.unwrap();
    assert!(
        response.status().is_success() && response.text().await.unwrap().contains("<html"),
        "the server has such a page"
    );
    // The request that is copied is one that the server answers.
    let command = ways.request.unwrap().curl();
    let output = std::process::Command::new("sh").args(["-c", &command]).output();
    if let Ok(output) = output
        .map(|output| output.stdout)
        .and_then(|out| if out.is_empty() { Err(std::io::Error::other("no curl here")) } else { Ok(out) })
    {
        let rows: Value = serde_json::from_slice(&output).unwrap();
        assert_eq!(rows["rows"][0]["id"], paused.as_str(), "{rows}");
    }
    let missing = hub.raw(&id("inv_1fGD8yx00jxp6mmCe4K75VtxhDlpNNcUSf")).await;
    assert!(matches!(missing, Err(OpsError::NotFound(_))), "{missing:?}");
}
