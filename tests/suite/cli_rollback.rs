//! `quarterdeck rollback`: what it plans and asks for, what it refuses, and the exit codes for scripts.

use crate::support::program::{Said, demo};
use serde_json::Value;

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

/// Plans a verb for one instance, asks for it and carries it out; gives its id.
fn done(verb: &str, instance: &str) -> String {
    let plan = json(&demo(&["plan", "--verb", verb, "--waves", "rest", "-o", "json", &format!("id:{instance}")]));
    let asked = demo(&["request", plan["hash"].as_str().unwrap(), "--reason", "a test", "-o", "json"]);
    assert_eq!(asked.code, 0, "{asked:?}");
    let id = json(&asked)["id"].as_str().unwrap().to_owned();
    let ran = demo(&["run", &id, "--wait", "-o", "json"]);
    assert_eq!((ran.code, json(&ran)["state"].as_str()), (0, Some("succeeded")), "{ran:?}");
    id
}

#[test]
fn a_pause_is_taken_back_once_and_what_has_no_way_back_says_why() {
    let plan = json(&demo(&["plan", "--verb", "pause", "-o", "json", "rule:retry_storm"]));
    let those: Vec<&str> = plan["targets"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    let instance = |n: usize| those[n].split_once('/').unwrap().1;
    let paused = done("pause", instance(0));
    let asked = demo(&["rollback", &paused, "--reason", "the wrong one"]);
    assert_eq!(asked.code, 0, "{asked:?}");
    for fact in ["verb       resume (reversible)", "targets    1, in waves of 1", "policy     allowed", "approved"] {
        assert!(asked.out.contains(fact), "{fact}: {asked:?}");
    }
    assert!(asked.err.contains("start it: quarterdeck run"), "{asked:?}");
    let again = demo(&["rollback", &paused, "-o", "json"]);
    assert_eq!((again.code, again.out.as_str()), (4, ""), "{again:?}");
    assert!(again.err.contains("takes it back already: it is approved"), "{again:?}");
    let all = json(&demo(&["get", "remediations", "-o", "json"]));
    let back = all["rows"].as_array().unwrap().iter().find(|one| one["takes_back"] == paused.as_str()).unwrap().clone();
    assert_eq!((back["verb"].as_str(), back["reason"].as_str()), (Some("resume"), Some("the wrong one")), "{back}");

    let killed = done("kill", instance(1));
    let none = demo(&["rollback", &killed]);
    assert_eq!((none.code, none.out.as_str()), (4, ""), "{none:?}");
    assert!(none.err.contains("none: a kill has no way back: a killed instance cannot be resumed"), "{none:?}");
    let unknown = demo(&["rollback", "0123456789ab"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.err.contains("there is no remediation 0123456789ab"), "{unknown:?}");
}
