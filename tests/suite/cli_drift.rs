//! `quarterdeck get drift` and what is decided of a finding on the command line.

use std::path::Path;

use crate::support::program::{Said, command, demo, demo_json, finish, list};
use serde_json::Value;

fn at(state: &Path, words: &[&str]) -> Said {
    finish(command(words).env("QUARTERDECK_STATE_DIR", state))
}

/// A finding as it is told by the demo that is kept there.
fn told(state: &Path, id: &str) -> Value {
    at(state, &["get", "drift", id, "--demo", "-o", "json"]).good().json()
}

#[test]
fn a_filter_chooses_what_it_says_and_one_that_cannot_be_read_is_told_with_its_place() {
    let all = demo_json(&["get", "drift", "--limit", "1000"]);
    let chosen = |words: &[&str]| demo_json(&[&["get", "drift", "--limit", "1000"], words].concat());
    for (words, wanted) in [
        (&["status:not-checked"][..], (|row| row["status"] == "not_checked") as fn(&Value) -> bool),
        (&["severity:critical"], |row| row["severity"] == "critical"),
        (&["kind:expiring", "owner:team-*"], |row| row["kind"] == "expiring"),
        (&["-source:infra"], |_| false),
        (&["scope:prod-eu-west-1-a", "-kind:modified"], |row| {
            row["scope"] == "prod-eu-west-1-a" && row["kind"] != "modified"
        }),
        (&["archive"], |row| {
            row["note"].as_str().is_some_and(|note| note.contains("archive"))
                || row["id"].as_str().unwrap().contains("archive/")
        }),
    ] {
        let wanted = list(&all, "rows").iter().filter(|row| wanted(row)).count();
        let found = chosen(words);
        assert_eq!(
            (list(&found, "rows").len(), found["of_all"].as_u64()),
            (wanted, all["total"].as_u64()),
            "{words:?}"
        );
    }
    let wrong = demo(&["get", "drift", "ownr:x"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(wrong.err.contains("unknown key \"ownr\"") && wrong.err.contains("did you mean owner"), "{wrong:?}");
}

#[test]
fn one_cause_is_one_row_and_an_id_is_one_finding() {
    let causes = demo_json(&["get", "drift", "--by-cause", "what:\"setting audit-log\"", "status:drifted"]);
    let [row] = list(&causes, "rows") else { panic!("{causes}") };
    assert_eq!((row["count"].as_u64(), row["scopes"].as_u64()), (Some(40), Some(40)));
    let one = demo_json(&["get", "drift", row["id"].as_str().unwrap()]);
    assert_eq!(one["schema"], "quarterdeck.drift-finding/1");
    let twice = demo(&["get", "drift", row["id"].as_str().unwrap(), "--by-cause"]);
    assert_eq!(twice.code, 2, "{twice:?}");
}

#[test]
fn what_is_there_is_adopted_and_that_is_taken_back_and_the_audit_has_both() {
    let state = tempfile::tempdir().unwrap();
    let adopt = |words: &[&str]| at(state.path(), &[&["adopt", "--demo"], words].concat());
    let id = "infra/archive/prod-us-east-1-b";
    let done = adopt(&[id, "--reason", "it has an archive of its own"]);
    assert!(done.code == 0 && done.err.contains("loses 1 of what is wanted"), "{done:?}");
    let known = told(state.path(), id);
    assert_eq!((known["status"].as_str(), known["adopted"]["holds"].as_bool()), (Some("adopted"), Some(true)));
    assert_eq!(known["adopted"]["reason"], "it has an archive of its own");
    let told_to_people = at(state.path(), &["get", "drift", id, "--demo"]).good();
    assert!(told_to_people.out.contains("its source still wants otherwise: change it there"), "{told_to_people:?}");
    assert_eq!(adopt(&[id, "--end", "--reason", "it has none"]).code, 0);
    assert_eq!(told(state.path(), id)["status"], "drifted");
    let again = adopt(&[id, "--end", "--reason", "it has none"]);
    assert!(again.code == 4 && again.err.contains("nobody has adopted it"), "{again:?}");
    // What nobody has looked at for a while is not decided on, nor what nobody can see.
    for (id, why) in [
        ("infra/sg/prod-ap-southeast-2-a", "check it anew first"),
        ("infra/not_checked/prod-ap-southeast-2-a", "it is not checked"),
        ("infra/cert/prod-eu-west-1-a", "does not tell what differs"),
    ] {
        let refused = adopt(&[id, "--reason", "better so"]);
        assert!(refused.code == 4 && refused.err.contains(why), "{refused:?}");
    }
    let nobody = adopt(&["infra/no-such-thing", "--reason", "better so"]);
    assert_eq!(nobody.code, 2, "{nobody:?}");
    let read_only = adopt(&[id, "--reason", "better so", "--read-only"]);
    assert!(read_only.code == 4 && read_only.err.contains("nothing can be decided"), "{read_only:?}");
}
