//! A cohort of hundreds on a real Restate, repaired from the command line: planned, asked for, approved by somebody else,
//! probed, sent wave by wave, held by itself when the service breaks again, resumed and verified.

use std::path::Path;
use std::time::Duration;

use crate::support::hub::{becomes, hub};
use crate::support::program::{Said, command, finish};
use crate::support::restate::Restate;
use crate::support::wait::eventually;
use quarterdeck::domain::flow::Status;
use serde_json::{Value, json};

/// How many are paused, and how many are retried again and again.
const PAUSED: u32 = 400;
const RETRIED: u32 = 100;

/// The longest that a wave may take on a small machine.
const LONG: Duration = Duration::from_secs(120);

/// A folder with a config for this engine.
fn home(restate: &Restate) -> tempfile::TempDir {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let config = format!(
        "state_dir = \"state\"\nsoak = \"2s\"\n[[source]]\nname = \"restate\"\nkind = \"restate\"\nurl = \"{}\"\n",
        restate.admin_url()
    );
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    home
}

fn program(home: &Path, operator: &str, words: &[&str]) -> std::process::Command {
    let mut command = command(words);
    command.arg("--config").arg(home.join("config.toml")).env("QUARTERDECK_OPERATOR", operator);
    command
}

/// Runs a command as an operator.
fn said(home: &Path, operator: &str, words: &[&str]) -> Said {
    finish(&mut program(home, operator, words))
}

fn count(of: &Value, state: &str) -> u64 {
    of["items"][state].as_u64().unwrap()
}

fn total(of: &Value) -> u64 {
    of["items"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
}

/// How a remediation stands.
fn stands(home: &Path, id: &str) -> Value {
    said(home, "wall", &["get", "remediation", id, "-o", "json"]).good().json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cohort_of_500_is_repaired_and_a_service_that_breaks_again_holds_it() {
    let restate = Restate::start().await;
    restate.fault_on("migration", None);
    restate.fault_on("database", None);
    let migrations = (0..PAUSED).map(|n| ("SchemaMigration/migrate".to_owned(), json!(n % 8)));
    let migrations = restate.send_many(migrations).await;
    let provisions = (0..RETRIED).map(|n| (format!("TenantProvisioning/t{n}/run"), json!("eu-west-1")));
    let provisions = restate.send_many(provisions).await;
    let waits = "select count(*) as n from sys_invocation where status in ('paused', 'backing-off')";
    eventually(LONG, || async {
        let n = restate.sql(waits).await[0]["n"].as_u64().unwrap();
        if n == u64::from(PAUSED + RETRIED) { Ok(()) } else { Err(n) }
    })
    .await;
    let young = hub(&restate.admin_url(), "", None);
    becomes(&young, &migrations[0], |row| row.flow.status == Status::Paused).await;
    becomes(&young, &provisions[0], |row| row.flow.status == Status::BackingOff).await;

    let home = home(&restate);
    let home = home.path();
    let planned = ["plan", "--verb", "resume", "--per-second", "20", "-o", "json", "state:paused,backing-off"];
    // One that is tried at this moment runs, and is not backing off.
    let plan = eventually(LONG, || async {
        let plan = said(home, "ada", &planned).good().json();
        if plan["targets"].as_array().unwrap().len() == 500 { Ok(plan) } else { Err(plan["wave_sizes"].clone()) }
    })
    .await;
    assert_eq!(
        (&plan["wave_sizes"], &plan["policy"]["decision"]),
        (&json!([1, 25, 125, 349]), &json!("require-approval"))
    );
    let hash = plan["hash"].as_str().unwrap();

    let asked = said(home, "ada", &["request", hash, "--reason", "tables are back", "--ticket", "OPS-7", "-o", "json"]);
    assert_eq!(asked.code, 4, "{asked:?}");
    let asked = asked.json();
    let id = asked["id"].as_str().unwrap();
    assert_eq!((&asked["schema"], &asked["state"]), (&json!("quarterdeck.remediation/1"), &json!("awaiting_approval")));
    assert_eq!((count(&asked, "pending"), total(&asked)), (500, 500));
    let twice = said(home, "ada", &["request", hash, "--reason", "tables are back"]);
    assert!(twice.code == 4 && twice.err.contains("asked for already"), "{twice:?}");
    let own = said(home, "ada", &["approve", id, "--comment", "it is fine"]);
    assert!(own.code == 4 && own.err.contains("no one approves their own request"), "{own:?}");
    let early = said(home, "ada", &["run", id]);
    assert!(early.code == 4 && early.err.contains("waits for approval"), "{early:?}");
    let approved = said(home, "ben", &["approve", id, "--comment", "looked at shard 7", "-o", "json"]);
    assert_eq!((approved.code, &approved.json()["state"]), (0, &json!("approved")), "{approved:?}");

    // Mended, and broken again in the second wave.
    restate.fault_off("migration");
    restate.fault_off("database");
    let run = program(home, "ada", &["run", id, "--wait", "-o", "json"]);
    let run = std::thread::spawn(move || {
        let mut run = run;
        finish(&mut run)
    });
    eventually(LONG, || async {
        let now = stands(home, id);
        if now["wave"].as_u64().unwrap() >= 2 { Ok(()) } else { Err(now["outcome"].clone()) }
    })
    .await;
    restate.fault_on("migration", Some("tablespace 9 is full"));
    let held = tokio::task::spawn_blocking(|| run.join().unwrap()).await.unwrap();
    assert_eq!(held.code, 5, "{held:?}");
    let held = held.json();
    assert_eq!((&held["state"], total(&held)), (&json!("held"), 500), "{held:#}");
    assert!(count(&held, "pending") > 300, "{held:#}");
    let why = held["outcome"].as_str().unwrap();
    assert!(why.starts_with("held: an error that was not there before: tablespace <n> is full"), "{why}");

    // Mended for good: it goes on, and what failed meanwhile is told.
    restate.fault_off("migration");
    let done = said(home, "ben", &["resume", id, "-o", "json"]);
    let done = done.json();
    assert_eq!((count(&done, "pending"), total(&done)), (0, 500), "{done:#}");
    let detail = stands(home, id);
    // The engine, the history and the audit agree.
    let (mut verified, mut open) = (0, 0);
    for item in detail["targets"].as_array().unwrap() {
        let instance = item["id"].as_str().unwrap().strip_prefix("restate/").unwrap();
        let rows =
            restate.sql(&format!("select status, completion_result from sys_invocation where id = '{instance}'")).await;
        // A provisioning that is past its failed step waits for somebody.
        let ended = rows.is_empty() || rows[0]["completion_result"] == "success" || rows[0]["status"] == "suspended";
        match item["state"].as_str().unwrap() {
            "verified" => {
                assert!(ended, "{item} {rows:?}");
                verified += 1;
            }
            // One that was retried went on by itself before its turn came.
            "skipped" => assert!(ended && item["words"].as_str().unwrap().contains("changed"), "{item} {rows:?}"),
            "failed" => {
                assert!(!ended, "{item} {rows:?}");
                open += 1;
            }
            other => panic!("{other}: {item} {rows:?}"),
        }
    }
    assert_eq!((count(&done, "verified"), count(&done, "failed")), (verified, open));
    // Of those that were paused, what was sent before it was held may have failed, and no more than that.
    assert!(verified >= 300 && (open == 0) == (done["state"] == "succeeded"), "{done:#}");
    let export = said(home, "wall", &["audit", "export"]).good().json();
    let of = |action: &str| {
        let entries = export["entries"].as_array().unwrap();
        entries.iter().filter(|entry| entry["remediation"] == id && entry["action"] == action).count() as u64
    };
    assert_eq!((of("request"), of("approval"), of("act")), (1, 1, verified + open));
    assert!(of("control") >= 3 && of("refusal") >= 2, "{} {}", of("control"), of("refusal"));
    said(home, "wall", &["audit", "verify"]).good();

    // What failed is a plan of its own.
    let failed = "flow:SchemaMigration/migrate state:paused";
    let words: Vec<&str> =
        ["plan", "--verb", "resume", "--waves", "rest", "-o", "json"].into_iter().chain(failed.split(' ')).collect();
    if open > 0 {
        let plan = said(home, "ada", &words).good().json();
        assert_eq!(plan["targets"].as_array().unwrap().len() as u64, open);
        let asked = said(
            home,
            "ada",
            &["request", plan["hash"].as_str().unwrap(), "--reason", "those that failed", "-o", "json"],
        );
        let again = asked.json()["id"].as_str().unwrap().to_owned();
        if asked.code == 4 {
            assert_eq!(said(home, "ben", &["approve", &again, "--comment", "the rest of it"]).code, 0);
        }
        let done = said(home, "ada", &["run", &again, "--wait", "-o", "json"]);
        assert_eq!((done.code, &done.json()["state"]), (0, &json!("succeeded")), "{done:?}");
    }
    let left = restate.sql("select id, status, target, last_failure from sys_invocation where status not in ('completed', 'suspended')").await;
    assert!(left.is_empty(), "{left:#?} {:#}", stands(home, id)["targets"]);
}
