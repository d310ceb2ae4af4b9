//! `quarterdeck get latency`: its shapes are a contract, and what is not known is no good news.

use crate::support::program::demo;
use serde_json::Value;

fn json(args: &[&str]) -> Value {
    let said = demo(args);
    assert_eq!(said.code, 0, "{said:?}");
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

/// The words of the domain for how a step did.
const HEATS: [&str; 8] = ["no_data", "blind", "unfinished", "unpromised", "within", "near", "over", "far_over"];

#[test]
fn a_step_that_got_slow_is_far_over_its_promise_and_was_not_before() {
    let told = json(&["get", "latency", "tenant-provisioning", "-o", "json"]);
    assert_eq!((told["schema"].as_str(), told["slot_seconds"].as_u64()), (Some("quarterdeck.latency/1"), Some(300)));
    let slots = told["slots"].as_array().unwrap();
    assert_eq!(slots.len(), 72);
    let rows = told["rows"].as_array().unwrap();
    for row in rows {
        assert_eq!(row["flow"], "tenant-provisioning");
        let cells = row["cells"].as_array().unwrap();
        assert_eq!(cells.len(), slots.len());
        for (cell, slot) in cells.iter().zip(slots) {
            assert_eq!(cell["slot"], *slot);
            assert!(HEATS.contains(&cell["heat"].as_str().unwrap()), "{cell}");
            for name in ["finished", "failed", "going"] {
                assert!(cell[name].is_u64(), "{name}: {cell}");
            }
            // No number where there is none.
            let any = cell["finished"].as_u64() > Some(0) || cell["going"].as_u64() > Some(0);
            assert_eq!(cell["p95_ms"].is_u64(), any, "{cell}");
            assert_eq!(cell["p50_ms"].is_u64(), cell["finished"].as_u64() > Some(0), "{cell}");
        }
    }
    let database = rows.iter().find(|row| row["step"] == "database" && row["measure"] == "run").unwrap();
    assert_eq!(database["promise_ms"], 45_000);
    let last = database["cells"].as_array().unwrap().last().unwrap();
    assert_eq!((last["heat"].as_str(), last["at_least"].as_bool()), (Some("far_over"), Some(true)), "{last}");
    assert!(last["going"].as_u64().unwrap() >= 40 && last["p95_ms"].as_u64().unwrap() > 135_000, "{last}");
    // What nobody has promised anything of is compared with nothing.
    let mail = json(&["get", "latency", "verify-phone", "-o", "json"]);
    let cells = mail["rows"].as_array().unwrap().iter().filter(|row| row["promise_ms"].is_null());
    let heats: Vec<String> =
        cells.flat_map(|row| row["cells"].as_array().unwrap().clone()).map(|cell| cell["heat"].to_string()).collect();
    assert!(heats.iter().any(|heat| heat == "\"unpromised\""), "{heats:?}");
    assert!(!heats.iter().any(|heat| heat.contains("within") || heat.contains("over")), "{heats:?}");
}

#[test]
fn it_is_printed_in_each_form() {
    let table = demo(&["get", "latency", "tenant-*"]);
    assert_eq!(table.code, 0, "{table:?}");
    for text in ["LAST 3 H", "tenant-provisioning", "database", "45.0s", ">="] {
        assert!(table.out.contains(text), "{text}: {}", table.out);
    }
    assert!(table.out.is_ascii(), "{}", table.out);
    assert!(table.err.contains("# far over") && table.err.contains("? not known"), "{}", table.err);
    let csv = demo(&["get", "latency", "schema-migration", "-o", "csv"]);
    let head = "slot,source,flow,step,measure,promise_ms,heat,finished,failed,going,p50_ms,p95_ms,at_least";
    assert_eq!(csv.out.lines().next(), Some(head));
    assert!(csv.out.lines().count() > 2, "{}", csv.out);
    let lines = demo(&["get", "latency", "schema-migration", "-o", "ndjson"]);
    let rows: Vec<Value> = lines.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len() + 1, csv.out.lines().count());
    assert!(rows.iter().all(|row| row["step"].is_string() && row["heat"].is_string()), "{rows:?}");
    let none = demo(&["get", "latency", "no-such-flow"]);
    assert!(none.code == 0 && none.err.contains("nothing of no-such-flow has run or queued"), "{none:?}");
}
