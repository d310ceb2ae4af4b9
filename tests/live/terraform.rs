//! A plan that Terraform itself makes, of resources that need no provider, told as drift.

use std::path::Path;
use std::process::Command;

use crate::support::program::{command, finish};
use serde_json::Value;

const WANTED: &str = r#"
resource "terraform_data" "kept" { input = "same" }
resource "terraform_data" "limits" { input = { seats = 50, note = "from the plan" } }
resource "terraform_data" "gone" { input = "to be removed" }
"#;

const WANTED_NOW: &str = r#"
resource "terraform_data" "kept" { input = "same" }
resource "terraform_data" "limits" { input = { seats = 80, note = "from the plan" } }
resource "terraform_data" "anew" { input = "to be created" }
"#;

/// Runs Terraform in a folder, without asking anybody outside of it.
fn terraform(folder: &Path, words: &[&str]) -> Vec<u8> {
    let done = Command::new("terraform").args(words).current_dir(folder).env("CHECKPOINT_DISABLE", "1").output();
    let done = done.unwrap_or_else(|error| {
        panic!("terraform can't be run ({error}): install Terraform 1.11 and put it on the PATH")
    });
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

fn get(home: &Path) -> Value {
    let words = ["get", "drift", "-o", "json", "--config"];
    finish(command(words).arg(home.join("config.toml"))).good().json()
}

#[test]
fn a_plan_that_terraform_makes_is_drift_until_it_is_applied() {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let at = home.path();
    std::fs::write(
        at.join("config.toml"),
        "state_dir = \"state\"\n[[source]]\nname = \"infra\"\nkind = \"terraform\"\npath = \"plan.json\"\n",
    )
    .unwrap();
    let plan = || {
        terraform(at, &["plan", "-input=false", "-out=made.plan"]);
        std::fs::write(at.join("plan.json"), terraform(at, &["show", "-json", "made.plan"])).unwrap();
    };
    std::fs::write(at.join("main.tf"), WANTED).unwrap();
    terraform(at, &["init", "-input=false"]);
    plan();
    let told = get(at);
    assert_eq!((told["total"].as_u64(), told["in_sync"].as_u64()), (Some(3), Some(0)), "{told:#}");
    terraform(at, &["apply", "-input=false", "made.plan"]);
    plan();
    let told = get(at);
    assert_eq!((told["total"].as_u64(), told["in_sync"].as_u64()), (Some(0), Some(3)), "{told:#}");
    std::fs::write(at.join("main.tf"), WANTED_NOW).unwrap();
    plan();
    let told = get(at);
    let rows: Vec<(&str, &str, &str)> = told["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| [&row["what"], &row["kind"], &row["severity"]].map(|cell| cell.as_str().unwrap()).into())
        .collect();
    assert_eq!(
        rows,
        [
            ("terraform_data.gone", "unmanaged", "critical"),
            ("terraform_data.anew", "missing", "warning"),
            ("terraform_data.limits", "modified", "warning"),
        ],
        "{told:#}"
    );
    assert_eq!(told["in_sync"], 1);
}
