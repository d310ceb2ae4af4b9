//! `quarterdeck get flow --raw`: what an engine keeps of an instance, without the secrets in it.

use crate::support::program::{demo, demo_json, list};

/// An instance of the demo world that is stuck.
fn stuck() -> String {
    let all = demo_json(&["get", "flows", "rule:exhausted", "flow:schema-migration", "--limit", "1"]);
    list(&all, "rows")[0]["id"].as_str().unwrap().to_owned()
}

/// Parts of secrets of the demo world.
const SECRETS: [&str; 3] = ["Bearer demo-", "app:demo-", "tk_"];

#[test]
fn raw_is_there_only_where_it_is_asked_for() {
    let id = stuck();
    let plain = demo_json(&["get", "flow", &id]);
    for name in ["input", "output", "steps", "raw", "not_told"] {
        assert!(plain.get(name).is_none(), "{name}");
    }
    // What is always there, since it holds no payload.
    assert!(!list(&plain, "runs").is_empty() && !list(&plain["attempts_told"], "list").is_empty());
    let raw = demo_json(&["get", "flow", &id, "--raw"]);
    assert!(raw["input"]["payload"]["tenant"].is_string() && !list(&raw, "steps").is_empty());
    assert!(raw["output"].is_null() && raw["not_told"]["output"].as_str().unwrap().contains("not ended"));
    assert_eq!(raw["raw"]["instance"]["id"], plain["instance"]);
    assert_eq!(raw["input"]["headers"][1]["value"], "[redacted]");
    assert_eq!(raw["schema"], plain["schema"]);
}

#[test]
fn no_format_prints_a_secret() {
    let id = stuck();
    for output in ["table", "json", "ndjson"] {
        let said = demo(&["get", "flow", &id, "--raw", "-o", output]).good();
        assert!(said.out.contains("[redacted]"), "{output}: {}", said.out);
        for secret in SECRETS {
            assert!(!said.out.contains(secret), "{output}: {secret}");
        }
    }
    let table = demo(&["get", "flow", &id, "--raw"]).good().out;
    for part in ["\nINPUT\n", "\nOUTPUT\n", "\nSTEPS\n", "\nINSTANCE\n", "\nJOURNAL\n"] {
        assert!(table.contains(part), "{part:?}");
    }
    demo(&["get", "flow", &id, "--raw", "-o", "csv"]).refused(&["--raw", "csv", "json"]);
}
