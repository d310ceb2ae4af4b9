//! Runbooks on the command line: what a config has of them, what is wrong in it, and what they are named by.

use crate::support::program::{Said, command, demo, finish};
use serde_json::json;

const CONFIG: &str = r#"
[[source]]
name = "restate"
kind = "restate"
url = "http://127.0.0.1:9"

[[runbook]]
name = "drain"
version = 2
description = "after a database was moved"
steps = [{ verb = "pause" }, { verb = "resume", with = { deployment = "{to}" } }]
suggested_for = ["rule:exhausted"]
switches_off = ["retries"]
rearm = "deploy"
undo = "none"
parameters = { required = ["to"], properties = { to = { type = "string" }, minutes = { type = "integer" } } }
"#;

fn with(config: &str, words: &[&str]) -> Said {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = home.path().join("config.toml");
    std::fs::write(&path, format!("state_dir = \"state\"\n{config}")).unwrap();
    finish(command(words).arg("--config").arg(path))
}

#[test]
fn the_runbooks_of_a_config_are_listed_whole() {
    let all = with(CONFIG, &["get", "runbooks", "-o", "json"]).good().json();
    assert_eq!(all["schema"], json!("quarterdeck.runbooks/1"));
    let rows = all["rows"].as_array().unwrap();
    let row = &rows[0];
    assert_eq!((rows.len(), &row["id"], &row["version"]), (1, &json!("drain@2"), &json!("2")));
    let steps = json!([{"verb": "pause", "with": {}}, {"verb": "resume", "with": {"deployment": "{to}"}}]);
    assert_eq!((&row["steps"], &row["undo"]), (&steps, &json!(null)));
    assert_eq!((&row["switches_off"], &row["rearm"]), (&json!(["retries"]), &json!("deploy")));
    assert_eq!(
        (&row["parameters"]["additionalProperties"], &row["parameters"]["type"]),
        (&json!(false), &json!("object"))
    );
    let table = with(CONFIG, &["get", "runbooks"]).good().out;
    for told in ["drain@2", "pause, then resume with deployment {to}", "to minutes?", "after a database was moved"] {
        assert!(table.contains(told), "{told}: {table}");
    }
    let checked = with(CONFIG, &["config", "check"]).good().out;
    assert!(checked.lines().any(|line| line.contains("runbooks") && line.contains("drain@2")), "{checked}");
}

#[test]
fn a_filter_that_can_not_be_read_is_told_with_its_place() {
    let config = CONFIG.replace("rule:exhausted", "flwo:billing");
    for words in [&["config", "check"][..], &["get", "runbooks"]] {
        let wrong = with(&config, words);
        assert_eq!(wrong.code, 2, "{wrong:?}");
        assert!(
            wrong.err.contains("config.toml:13:19: \"suggested_for\": ") && wrong.err.contains("flow"),
            "{wrong:?}"
        );
    }
}

#[test]
fn what_is_planned_is_a_verb_or_a_runbook() {
    let neither = demo(&["plan", "rule:exhausted"]);
    neither.refused(&["--verb"]);
    let both = demo(&["plan", "--verb", "resume", "--runbook", "drain", "rule:exhausted"]);
    both.refused(&["cannot be used with"]);
    let alone = demo(&["plan", "--verb", "resume", "--with", "to=x", "rule:exhausted"]);
    alone.refused(&["--with", "cannot be used with", "--verb"]);
    let none = demo(&["plan", "--runbook", "drain", "rule:exhausted"]);
    assert_eq!((none.code, none.out.as_str()), (4, ""), "{none:?}");
    assert!(none.err.contains("there is no runbook drain; the config has none"), "{none:?}");
    assert_eq!(demo(&["get", "side-effects", "-o", "json"]).good().json()["rows"], json!([]));
}
