//! A runbook on a real Restate, from the command line: what bad code tries again and again is paused, and goes on on
//! earlier code; what that switches off is listed until somebody has armed it again.

use std::path::Path;

use crate::support::hub::{SOON, becomes, hub};
use crate::support::program::{Said, command, finish};
use crate::support::restate::Restate;
use crate::support::wait::eventually;
use quarterdeck::domain::flow::Status;
use serde_json::{Value, json};

const RUNBOOK: &str = r#"
[[runbook]]
name = "move"
version = 1
steps = [{ verb = "pause" }, { verb = "resume", with = { deployment = "{deployment}" } }]
suggested_for = ["flow:TenantProvisioning/*"]
switches_off = ["what is moved gets no new code"]
rearm = "wait for its end"
undo = "none"
[runbook.parameters]
required = ["deployment"]
[runbook.parameters.properties]
deployment = { type = "string", pattern = "^dp_[A-Za-z0-9]+$" }
"#;

fn said(home: &Path, words: &[&str]) -> Said {
    let mut command = command(words);
    finish(command.arg("--config").arg(home.join("config.toml")).env("QUARTERDECK_OPERATOR", "ada"))
}

fn json_of(home: &Path, words: &[&str]) -> Value {
    said(home, &[words, &["-o", "json"]].concat()).good().json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_bad_code_retries_is_paused_and_goes_on_on_good_code() {
    let restate = Restate::start().await;
    let first = restate.sql("select id from sys_deployment").await[0]["id"].as_str().unwrap().to_owned();
    let second = restate.deploy("second", &json!({})).await;
    second.fault_on("database");
    let calls = (0..4).map(|n| (format!("TenantProvisioning/t{n}/run"), json!("eu-west-1")));
    let retried = restate.send_many(calls).await;
    let young = hub(&restate.admin_url(), "", None);
    for instance in &retried {
        becomes(&young, instance, |row| row.flow.status == Status::BackingOff).await;
    }
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let config = format!(
        "state_dir = \"state\"\nsoak = \"2s\"\n{RUNBOOK}\n[[source]]\nname = \"restate\"\nkind = \"restate\"\nurl = \"{}\"\n",
        restate.admin_url()
    );
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let home = home.path();

    let books = json_of(home, &["get", "runbooks"]);
    assert_eq!((&books["schema"], &books["rows"][0]["id"]), (&json!("quarterdeck.runbooks/1"), &json!("move@1")));
    let filter = "flow:TenantProvisioning/run";
    let broken = said(home, &["plan", "--runbook", "move", "--with", "deployment=latest", filter]);
    assert_eq!(broken.code, 4, "{broken:?}");
    assert!(broken.err.contains("$.deployment: \"latest\" does not match"), "{broken:?}");
    let unknown = said(home, &["plan", "--runbook", "move", "--with", "to=dp_1", filter]);
    assert!(unknown.code == 4 && unknown.err.contains("$.to: "), "{unknown:?}");

    let with = format!("deployment={first}");
    let words = ["plan", "--runbook", "move@1", "--with", &with, "--waves", "probe,rest", filter];
    // One that is tried at this moment runs, and has another version a moment later.
    let plan = eventually(SOON, || async {
        let plan = json_of(home, &words);
        if plan["targets"].as_array().unwrap().len() == 4 { Ok(plan) } else { Err(plan["skipped"].clone()) }
    })
    .await;
    assert_eq!((&plan["runbook"], &plan["parameters"]["deployment"]), (&json!("move@1"), &json!(first)));
    assert_eq!(plan["switches_off"][0]["what"], json!("what is moved gets no new code"));
    let effect = plan["effects"][0]["effect"].as_str().unwrap();
    assert!(effect.starts_with("1. pause: ") && effect.contains("; once that is verified, 2. resume: "), "{effect}");
    assert!(effect.contains(&first), "{effect}");

    let words = ["request", plan["hash"].as_str().unwrap(), "--reason", "the new code fails", "-o", "json"];
    let asked = said(home, &words);
    assert!(asked.code == 0 && asked.err.contains("start it: quarterdeck run "), "{asked:?}");
    let asked = asked.json();
    let id = asked["id"].as_str().unwrap();
    assert_eq!((&asked["verb"], &asked["state"]), (&json!("move@1"), &json!("approved")));
    assert_eq!(json_of(home, &["get", "side-effects"])["rows"], json!([]));
    let done = said(home, &["run", id, "--wait", "-o", "json"]);
    let told = said(home, &["get", "remediation", id]);
    assert_eq!((done.code, &done.json()["state"]), (0, &json!("succeeded")), "{done:?} {told:?}");
    assert_eq!(done.json()["items"]["verified"], json!(4));
    for instance in &retried {
        let of = format!("select status, pinned_deployment_id from sys_invocation where id = '{instance}'");
        let row = restate.sql(&of).await[0].clone();
        // A provisioning that is past its failed step waits for somebody.
        assert_eq!((&row["status"], &row["pinned_deployment_id"]), (&json!("suspended"), &json!(first)), "{row}");
    }
    // Each step once, in its order.
    let export = json_of(home, &["audit", "export"]);
    for instance in &retried {
        let subject = json!(format!("restate/{instance}"));
        let acts = export["entries"].as_array().unwrap().iter();
        let acts = acts.filter(|entry| entry["action"] == "act" && entry["subject"] == subject);
        let steps: Vec<Value> = acts
            .map(|entry| {
                let detail = &entry["detail"];
                let detail = detail.as_str().map_or_else(|| detail.clone(), |text| serde_json::from_str(text).unwrap());
                json!([detail["step"], detail["verb"]])
            })
            .collect();
        assert_eq!(steps, [json!([1, "pause"]), json!([2, "resume"])], "{instance}");
    }

    let off = json_of(home, &["get", "side-effects"]);
    assert_eq!(off["schema"], json!("quarterdeck.side-effects/1"));
    let [one] = &off["rows"].as_array().unwrap()[..] else { panic!("{off}") };
    assert_eq!(
        (&one["remediation"], &one["way_back"], &one["by"]),
        (&json!(id), &json!("wait for its end"), &json!("ada"))
    );
    let effect = one["id"].as_str().unwrap();
    let short = said(home, &["rearm", effect, "--reason", "x"]);
    assert!(short.code == 4 && short.err.contains("a reason is needed"), "{short:?}");
    said(home, &["rearm", effect, "--reason", "they have ended"]).good();
    assert_eq!(json_of(home, &["get", "side-effects"])["rows"], json!([]));
    assert_eq!(said(home, &["rearm", effect, "--reason", "once more"]).code, 4);
    said(home, &["rearm", "nothing", "--reason", "once more"]).refused(&["there is no side effect nothing"]);
    let none = said(home, &["rollback", id]);
    assert!(none.code == 4 && none.err.contains("none: move@1 names nothing that takes it back"), "{none:?}");
    said(home, &["audit", "verify"]).good();
}
