//! `quarterdeck policy`: what is in force, what would be decided with every reason, and the exit codes for scripts.

use std::path::PathBuf;

use crate::support::program::{Said, command, finish, run};
use serde_json::{Value, json};
use tempfile::TempDir;

const CONFIG: &str = r#"
operator = "jo"
solo = false

[roles]
incident = ["jo"]
lead = ["ana", "bo"]

[limits]
approval_above = 20
zone = "Europe/Berlin"

[[limits.cap]]
tier = "gold"
most = 5

[[policy]]
name = "gold"
when = 'plan.tiers.gold > 2'
decision = "require-approval"
approvals = 2
roles = ["lead"]
reason = "gold tenants are promised more"

[[policy]]
name = "tried"
when = 'request.verb == "cancel"'
decision = "deny"
mode = "shadow"
reason = "looked at for a month"

[[freeze]]
name = "christmas"
from = "2099-12-24T18:00:00"
until = "2099-12-27T08:00:00"
selector = "flow:billing/*"
override_roles = ["incident"]
reason = "nobody is there"

[[source]]
name = "eu"
kind = "restate"
url = "http://127.0.0.1:1"
"#;

fn written(text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

fn policy(args: &[&str]) -> Said {
    let (_dir, path) = written(CONFIG);
    run([&["--config", path.to_str().unwrap(), "policy"], args].concat())
}

fn decided(args: &[&str]) -> (i32, Value) {
    let said = policy(&[&["test", "-o", "json"], args].concat());
    (said.code, serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}")))
}

#[test]
fn without_a_config_the_rules_that_always_hold_are_told() {
    let home = tempfile::tempdir().unwrap();
    for args in [&["policy", "check"][..], &["policy", "check", "--demo"]] {
        let said = finish(command(args).env("HOME", home.path()));
        assert_eq!(said.code, 0, "{}", said.err);
        for words in [
            "rule many targets",
            "more than 50 targets",
            "rule money",
            "rule messages",
            "rule irreversible",
            "more than 10000 targets",
        ] {
            assert!(said.out.contains(words), "{words}: {}", said.out);
        }
        assert_eq!(said.err.contains("this is what holds without a config"), args.len() == 2, "{}", said.err);
    }
}

#[test]
fn everything_in_force_is_told_in_every_form() {
    let table = policy(&["check"]).good().out;
    for words in [
        "policy gold",
        "require-approval (2)",
        "policy tried",
        "shadow",
        "plan.tiers.gold > 2",
        "more than 20 targets",
        "more than 5 tenants of tier gold",
        "freeze christmas",
        "next from 2099-12-24 18:00 Europe/Berlin to 2099-12-27 08:00 Europe/Berlin",
        "nobody is there",
    ] {
        assert!(table.contains(words), "{words}: {table}");
    }
    let json: Value = policy(&["check", "-o", "json"]).good().json();
    assert_eq!((&json["schema"], &json["zone"]), (&json!("quarterdeck.policies/1"), &json!("Europe/Berlin")));
    assert_eq!(json["roles"], json!({"incident": ["jo"], "lead": ["ana", "bo"]}));
    let rows = json["rows"].as_array().unwrap();
    let row = |name: &str| rows.iter().find(|row| row["name"] == name).unwrap();
    assert_eq!(row("gold")["needed"], json!({"approve": 2, "roles": ["lead"]}));
    let freeze = row("christmas");
    assert_eq!((&freeze["from"], &freeze["now"]), (&json!("2099-12-24T17:00:00Z"), &json!(false)));
    assert_eq!((&freeze["decision"], &freeze["in_flight"]), (&json!("deny"), &json!("finish")));
    let lines = policy(&["check", "-o", "ndjson"]).good().out.lines().count();
    assert_eq!(lines, rows.len());
    assert_eq!(policy(&["check", "-o", "csv"]).good().out.lines().count(), rows.len() + 1);
}

#[test]
fn what_is_allowed_ends_with_0_and_what_is_not_with_4() {
    let (code, allowed) = decided(&["--verb", "resume"]);
    assert_eq!((code, &allowed["decision"]), (4, &json!("deny")), "the tiers are not known: {allowed}");
    let (code, allowed) = decided(&["--verb", "resume", "--tier", "free=1"]);
    let nothing =
        json!({"schema": "quarterdeck.policy/1", "decision": "allow", "reasons": [], "needed": [], "borrowed": []});
    assert_eq!((code, allowed), (0, nothing));
    let (code, cancel) = decided(&["--verb", "cancel", "--tier", "free=1"]);
    assert_eq!((code, &cancel["decision"]), (0, &json!("allow")), "in shadow it counts for nothing");
    assert_eq!(cancel["reasons"][0]["mode"], json!("shadow"));
    let (code, gold) = decided(&["--verb", "resume", "--tier", "gold=3", "--targets", "21"]);
    assert_eq!((code, &gold["decision"]), (4, &json!("require-approval")));
    assert_eq!(
        gold["needed"],
        json!([{"approve": 2, "roles": ["lead"]}]),
        "who has two of the leads has one of anybody"
    );
    let (code, cap) = decided(&["--verb", "resume", "--tier", "gold=6"]);
    assert_eq!((code, &cap["decision"]), (4, &json!("deny")));
    let names: Vec<&str> =
        cap["reasons"].as_array().unwrap().iter().map(|reason| reason["policy"].as_str().unwrap()).collect();
    assert_eq!(names, ["cap", "gold"], "every reason is told");
}

#[test]
fn a_freeze_holds_at_its_time_and_is_overridden_by_a_role() {
    let at = |more: &[&str]| {
        let args = ["--verb", "resume", "--tier", "free=1", "--flow", "billing/charge", "--at", "2099-12-25T12:00:00Z"];
        decided(&[&args, more].concat())
    };
    let (code, frozen) = at(&[]);
    let why = frozen["reasons"][0]["reason"].as_str().unwrap();
    assert_eq!(code, 4);
    assert!(why.contains("nobody is there, until 2099-12-27 08:00 Europe/Berlin; incident may override it"), "{why}");
    let (code, open) = at(&["--override-as", "incident", "--override-for", "1h", "--reason", "payments are down"]);
    assert_eq!((code, &open["decision"]), (0, &json!("warn")), "{open}");
    assert_eq!(open["borrowed"][0]["until"], json!("2099-12-25T13:00:00Z"));
    let (code, _) = at(&["--override-as", "incident", "--override-for", "1h"]);
    assert_eq!(code, 4, "without a reason");
    let (code, _) =
        at(&["--override-as", "incident", "--override-for", "1h", "--reason", "payments are down", "--by", "ana"]);
    assert_eq!(code, 4, "who has not the role");
    let (code, other) = at(&["--flow", "tenant/create"]);
    assert_eq!(code, 4, "of both flows one is selected: {other}");
    let said =
        policy(&["test", "--verb", "resume", "--tier", "free=1", "--at", "2099-12-25T12:00:00Z", "--targets", "2"]);
    assert_eq!(said.code, 4);
    assert!(said.out.contains("it is not known whether it selects them"), "{}", said.out);
}

#[test]
fn a_request_is_read_from_a_file_and_the_command_line_goes_before_it() {
    let (_dir, path) =
        written(r#"{"verb": "resume", "targets": 30, "tiers": {"free": 3}, "at": "2026-11-22T12:00:00Z"}"#);
    let path = path.to_str().unwrap();
    let (code, many) = decided(&["--request", path]);
    assert_eq!((code, &many["needed"]), (4, &json!([{"approve": 1, "roles": []}])));
    assert_eq!(decided(&["--request", path, "--targets", "3"]).0, 0);
    let (_dir, wrong) = written(r#"{"verb": "resume", "tragets": 30}"#);
    policy(&["test", "--request", wrong.to_str().unwrap()]).refused(&["tragets", "targets"]);
    policy(&["test", "--request", "/nowhere.json"]).refused(&["/nowhere.json"]);
    policy(&["test"]).refused(&["--verb is needed"]);
    policy(&["test", "--verb", "resum\u{1b}[2Je"]).refused(&["unknown verb", "resume, pause"]);
    policy(&["test", "--verb", "resume", "--tier", "gold"]).refused(&["gold=3"]);
}

#[test]
fn hostile_names_are_printed_without_what_commands_a_terminal() {
    let said = policy(&[
        "test",
        "--verb",
        "cancel",
        "--by",
        "\u{1b}[2J\u{202e}evil",
        "--tenant",
        "\u{1b}]0;x\u{7}",
        "--reason",
        "\u{1b}[2J",
    ]);
    assert_eq!(said.code, 4, "{said:?}");
    let (_dir, path) = written(&CONFIG.replace("gold tenants are promised more", "\\u001b[2J\\u202Emore"));
    let said = run(["--config", path.to_str().unwrap(), "policy", "check"]).good();
    assert!(said.out.contains("\u{241b}[2J"), "{}", said.out);
}

#[test]
fn what_is_wrong_is_refused_wherever_the_config_is_read() {
    let (_dir, path) = written(&CONFIG.replace("plan.tiers.gold > 2", "plan.tier.gold > 2"));
    let path = path.to_str().unwrap();
    for args in [
        &["policy", "check"][..],
        &["policy", "test", "--verb", "resume"],
        &["config", "check"],
        &["get", "board"],
        &["doctor"],
    ] {
        let said = run([&["--config", path], args].concat());
        said.refused(&["config.toml:19:13: \"when\": plan has no tier", "(did you mean \"tiers\"?)"]);
    }
    let (_dir, path) = written(CONFIG);
    let said = run(["--config", path.to_str().unwrap(), "config", "check"]).good();
    assert!(said.out.contains("policies: 2, freezes: 1, roles: 2"), "{}", said.out);
}
