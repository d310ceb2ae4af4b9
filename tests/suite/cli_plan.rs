//! `quarterdeck plan`: whom it names, what it leaves out, what its hash is of, and the exit codes for scripts.

use crate::support::program::{Said, demo};
use serde_json::Value;

fn plan(words: &[&str]) -> Said {
    demo(&[&["plan", "--verb"], words].concat())
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

#[test]
fn each_that_matches_is_a_target_or_left_out_with_a_reason() {
    let said = plan(&["resume", "-o", "json", "rule:exhausted,retry_storm,overdue"]);
    let plan = json(&said);
    assert_eq!((plan["schema"].as_str(), plan["verb"].as_str()), (Some("quarterdeck.plan/1"), Some("resume")));
    let (targets, skipped) = (ids(&plan["targets"]), ids(&plan["skipped"]));
    assert!(!targets.is_empty() && !skipped.is_empty(), "{plan:#}");
    assert!(targets.is_sorted() && skipped.is_sorted(), "{plan:#}");
    let flows = demo(&["get", "flows", "--all", "-o", "json", "rule:exhausted,retry_storm,overdue"]);
    let flows = json(&flows);
    let mut matching: Vec<String> = flows["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{}/{}", row["source"].as_str().unwrap(), row["instance"].as_str().unwrap()))
        .collect();
    let mut named: Vec<String> = targets.iter().chain(&skipped).map(ToString::to_string).collect();
    matching.sort();
    named.sort();
    assert_eq!(named, matching);
    assert!(
        plan["skipped"].as_array().unwrap().iter().all(|one| one["reason"].as_str().is_some_and(|why| !why.is_empty()))
    );
    // Waves take every target, and what it hurts is counted over them.
    let waves = plan["wave_sizes"].as_array().unwrap();
    assert_eq!(waves.iter().map(|size| size.as_u64().unwrap()).sum::<u64>(), targets.len() as u64);
    assert_eq!((waves[0].as_u64(), plan["waves"].as_str()), (Some(1), Some("probe,5%,25%,rest")));
    assert_eq!(plan["blast"]["instances"].as_u64(), Some(targets.len() as u64));
    assert_eq!(plan["blast"]["behind"]["unknown"].as_u64(), Some(0));
    let effects: u64 = plan["effects"].as_array().unwrap().iter().map(|one| one["targets"].as_u64().unwrap()).sum();
    assert_eq!(effects, targets.len() as u64);
}

#[test]
fn a_plan_that_is_made_again_has_the_same_hash_and_any_other_one_another() {
    let hash = |words: &[&str]| {
        let said = plan(&[words, &["-o", "json"]].concat());
        let hash = json(&said)["hash"].as_str().unwrap().to_owned();
        assert_eq!(hash.len(), 64, "{hash}");
        hash
    };
    let first = hash(&["resume", "rule:exhausted"]);
    assert_eq!(first, hash(&["resume", "rule:exhausted"]));
    // The same targets, however they were found.
    assert_eq!(first, hash(&["resume", "rule:exhausted", "state:paused,failed"]));
    for other in [
        &["pause", "rule:retry_storm"][..],
        &["cancel", "rule:exhausted"],
        &["resume", "rule:retry_storm"],
        &["resume", "--waves", "probe,rest", "rule:exhausted"],
        &["resume", "--per-second", "4", "rule:exhausted"],
        &["resume", "--concurrency", "4", "rule:exhausted"],
        &["resume", "--max-errors", "4", "rule:exhausted"],
    ] {
        assert_ne!(first, hash(other), "{other:?}");
    }
}

#[test]
fn what_can_t_be_planned_is_said_and_has_an_exit_code() {
    for (words, code, why) in [
        (&["resume", "flow:there-is-none"][..], 4, "no plan: nothing matches, so there is nothing to plan"),
        (&["restart-as-new", "rule:exhausted"], 4, "that match can be acted on: not supported by sim"),
        (&["resume"], 2, "FILTER"),
        (&["retry", "rule:exhausted"], 2, "resume, pause, restart-as-new, cancel, kill, purge"),
        (&["resume", "--waves", "probe", "rule:exhausted"], 2, "the last wave has to be rest"),
        (&["resume", "--per-second", "0", "rule:exhausted"], 2, "0 is not in 1..=1000"),
        (&["resume", "rul:exhausted"], 2, "rule"),
    ] {
        let said = plan(words);
        assert_eq!(said.code, code, "{words:?}: {said:?}");
        assert!(said.err.contains(why) && said.out.is_empty(), "{words:?}: {said:?}");
    }
}

#[test]
fn people_read_what_it_comes_to() {
    let said = plan(&["cancel", "rule:exhausted"]);
    for fact in [
        "cancel (irreversible); way back: none: a cancelled instance cannot be resumed",
        "in waves of 1, ",
        "tenants: ",
        "waiting behind them: ",
        "messages sent again: not known",
        "when the probe does not help, when more than 3 go wrong, or on an error that is new",
        "in 15 min; nothing was sent",
    ] {
        assert!(said.out.contains(fact), "{fact}\n{}", said.out);
    }
    let csv = plan(&["cancel", "-o", "csv", "rule:exhausted"]);
    assert!(csv.out.starts_with("id,version,reason\n"), "{}", csv.out);
}
