//! `quarterdeck get automations`, `get outside` and `get borrowed`: their shapes are a contract, and what is not known is
//! said.

use crate::support::program::{Said, demo};
use serde_json::Value;

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

#[test]
fn the_automations_of_the_demo_are_listed_with_what_they_have_come_to() {
    let all = json(&demo(&["get", "automations", "-o", "json"]));
    assert_eq!(all["schema"], "quarterdeck.automations/1");
    let rows = all["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert_eq!((row["mode"].as_str(), row["verb"].as_str()), (Some("observe"), Some("resume")));
        let counts = ["hit", "miss", "open", "unknown"].map(|name| row[name].as_u64().unwrap());
        assert_eq!(counts.iter().sum::<u64>(), row["would"].as_u64().unwrap());
        assert!(row["when"].as_str().unwrap().starts_with("rule:"));
    }
    let table = demo(&["get", "automations"]);
    assert!(table.out.starts_with("NAME") && table.out.contains("resume retry storms"), "{table:?}");
}

#[test]
fn what_was_done_outside_is_marked() {
    let said = demo(&["get", "outside", "-o", "json"]);
    let outside = json(&said);
    assert_eq!((outside["schema"].as_str(), said.code), (Some("quarterdeck.outside/1"), 0));
    let rows = outside["rows"].as_array().unwrap();
    assert!(!rows.is_empty() && outside["untold"].as_array().unwrap().is_empty());
    for row in rows {
        assert_eq!(
            (row["mark"].as_str(), row["verb"].as_str(), &row["by"]),
            (Some("outside"), Some("pause"), &Value::Null)
        );
    }
    let one = json(&demo(&["get", "outside", "--limit", "1", "-o", "json"]));
    assert_eq!(one["rows"].as_array().unwrap()[..], rows[..1]);
    let csv = demo(&["get", "outside", "-o", "csv"]);
    assert!(csv.out.starts_with("at,source,subject,verb,what,caller,by,mark\n"), "{csv:?}");
}

#[test]
fn nothing_is_borrowed_where_nobody_did_anything() {
    let all = json(&demo(&["get", "borrowed", "-o", "json"]));
    assert_eq!((all["schema"].as_str(), all["rows"].as_array().unwrap().len()), (Some("quarterdeck.borrowed/1"), 0));
}
