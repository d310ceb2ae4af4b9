//! `quarterdeck get tenants`, `get tenant`, `get timeline` and `get events`: their shapes are a contract, and what is
//! personal or internal is not told to whom it is not for.

use crate::support::program::{Said, demo};
use serde_json::Value;

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

fn rows(value: &Value) -> &Vec<Value> {
    value["rows"].as_array().unwrap()
}

/// The tenant of the demo who is hurt most.
fn worst() -> String {
    let one = json(&demo(&["get", "tenants", "--limit", "1", "-o", "json"]));
    rows(&one)[0]["tenant"].as_str().unwrap().to_owned()
}

#[test]
fn tenants_are_listed_by_who_is_hurt_most_and_found_by_what_names_them() {
    let all = json(&demo(&["get", "tenants", "-o", "json"]));
    assert_eq!((all["schema"].as_str(), all["total"].as_u64()), (Some("quarterdeck.tenants/1"), Some(2_000)));
    let stuck: Vec<u64> = rows(&all).iter().map(|row| row["stuck"].as_u64().unwrap()).collect();
    assert!(stuck.is_sorted_by(|one, other| one >= other) && stuck[0] > 0, "{stuck:?}");
    for row in rows(&all) {
        for name in ["id", "source", "name", "status", "plan", "tier", "region"] {
            assert!(row[name].is_string(), "{name}: {row}");
        }
    }
    let worst = worst();
    let found = json(&demo(&["get", "tenants", &worst, "-o", "json"]));
    assert_eq!((rows(&found)[0]["tenant"].as_str(), &rows(&found)[0]["found_by"]), (Some(&*worst), &"its id".into()));
    let nobody = demo(&["get", "tenants", "no such tenant at all", "-o", "json"]);
    assert_eq!((json(&nobody)["total"].as_u64(), nobody.code), (Some(0), 0));
    let csv = demo(&["get", "tenants", "--limit", "2", "-o", "csv"]);
    assert!(csv.out.starts_with("id,source,name,status,plan,tier,region,") && csv.out.lines().count() == 3, "{csv:?}");
}

#[test]
fn a_card_has_what_is_stuck_first_and_the_customers_side_nothing_internal() {
    let worst = worst();
    let card = json(&demo(&["get", "tenant", &worst, "-o", "json"]));
    assert_eq!(card["schema"], "quarterdeck.tenant/1");
    let stuck = usize::try_from(card["stuck"].as_u64().unwrap()).unwrap();
    let verdicts: Vec<&str> =
        card["flows"].as_array().unwrap().iter().map(|row| row["verdict"].as_str().unwrap()).collect();
    assert!(stuck > 0 && verdicts[..stuck].iter().all(|verdict| *verdict == "stuck"), "{verdicts:?}");
    let personal = card["tenant"]["fields"].as_array().unwrap().iter().filter(|field| field["class"] != "plain");
    assert!(personal.clone().count() > 0);
    assert!(personal.clone().all(|field| field["value"].is_null()), "{card}");
    let errors: Vec<&str> = card["flows"].as_array().unwrap().iter().filter_map(|row| row["error"].as_str()).collect();
    assert!(!errors.is_empty());
    for args in [vec!["-o", "json"], vec![], vec!["--markdown"]] {
        let said = demo(&[&["get", "tenant", &worst, "--customer"], args.as_slice()].concat());
        assert_eq!(said.code, 0, "{said:?}");
        for internal in errors.iter().copied().chain(["internal", "cell", "seats"]) {
            assert!(!said.out.contains(internal), "{internal}: {}", said.out);
        }
        assert!(said.out.contains("Reference wf"), "{}", said.out);
    }
    let case = demo(&["get", "tenant", &worst, "--markdown"]);
    assert!(
        case.out.starts_with("# ") && case.out.contains("## What happened") && case.out.contains("hidden"),
        "{case:?}"
    );
    let nobody = demo(&["get", "tenant", "no-such-tenant-at-all"]);
    assert_eq!(nobody.code, 2, "{nobody:?}");
}

#[test]
fn a_timeline_is_one_order_over_several_sources() {
    let whole = json(&demo(&["get", "timeline", &worst(), "--limit", "400", "-o", "json"]));
    assert_eq!(whole["schema"], "quarterdeck.timeline/1");
    let times: Vec<jiff::Timestamp> =
        rows(&whole).iter().map(|row| row["at"].as_str().unwrap().parse().unwrap()).collect();
    assert!(times.is_sorted_by(|one, other| one >= other), "the latest first");
    let of = |name: &str| -> std::collections::BTreeSet<&str> {
        rows(&whole).iter().map(|row| row[name].as_str().unwrap()).collect()
    };
    assert!(of("source").len() >= 3, "{:?}", of("source"));
    for kind in ["flow", "error", "change"] {
        assert!(of("kind").contains(kind), "{kind} in {:?}", of("kind"));
    }
    assert!(rows(&whole).iter().all(|row| row["text"].is_string() && row["reference"].is_string()));
    assert!(usize::try_from(whole["total"].as_u64().unwrap()).unwrap() >= rows(&whole).len().min(20));
}

#[test]
fn events_are_cloud_events_and_filtered() {
    let all = json(&demo(&["get", "events", "--limit", "1000", "-o", "json"]));
    assert_eq!(all["schema"], "quarterdeck.events/1");
    let classes: std::collections::BTreeSet<&str> =
        rows(&all).iter().map(|row| row["class"].as_str().unwrap()).collect();
    assert!(["alert", "change", "deployment"].iter().all(|class| classes.contains(class)), "{classes:?}");
    for row in rows(&all) {
        let event = &row["event"];
        assert_eq!((&event["specversion"], &event["id"]), (&"1.0".into(), &row["id"]), "{row}");
    }
    let some = json(&demo(&["get", "events", "class:deployment", "-o", "json"]));
    assert!(some["total"].as_u64() < all["total"].as_u64() && some["total"].as_u64() > Some(0));
    assert!(rows(&some).iter().all(|row| row["class"] == "deployment"));
    let wrong = demo(&["get", "events", "clas:deployment"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("did you mean class"), "{wrong:?}");
}
