//! Filters on the command line: what they choose, wherever they stand, and what is said of one that can't be read.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::support::program::{demo, demo_json, list};
use serde_json::Value;

/// Every instance of the demo, when it was looked at, and the ids of those that a filter chose.
static ALL: LazyLock<Vec<Value>> = LazyLock::new(|| list(&demo_json(&["get", "flows", "--all"]), "rows").to_vec());

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

fn ids<'a>(rows: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    rows.into_iter().map(|row| text(row, "id").to_owned()).collect()
}

fn chosen(words: &[&str]) -> BTreeSet<String> {
    ids(list(&demo_json(&[&["get", "flows", "--all"], words].concat()), "rows"))
}

/// A filter chooses exactly the instances of which the test says so, and neither none nor all.
#[track_caller]
fn chooses(words: &[&str], wanted: impl Fn(&Value) -> bool) {
    let wanted = ids(ALL.iter().filter(|row| wanted(row)));
    assert!(!wanted.is_empty() && wanted.len() < ALL.len(), "{words:?}: the test itself chooses {}", wanted.len());
    assert_eq!(chosen(words), wanted, "{words:?}");
}

/// How long before the look something was.
fn minutes_ago(row: &Value, key: &str) -> f64 {
    let time = |key: &str| row[key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    time("observed_at").duration_since(time(key)).as_secs_f64() / 60.0
}

#[test]
fn each_key_chooses_by_its_fact() {
    chooses(&["flow:tenant-*"], |row| text(row, "flow").starts_with("tenant-"));
    chooses(&["-flow:tenant-provisioning"], |row| text(row, "flow") != "tenant-provisioning");
    chooses(&["step:s?s"], |row| text(row, "step") == "sms");
    chooses(&["FLOW:Reset-Password"], |row| text(row, "flow") == "reset-password");
    chooses(&["rule:retry_storm"], |row| text(row, "rule") == "retry_storm" && row["verdict"] == "stuck");
    chooses(&["rule:retry-storm,lost_wait"], |row| {
        ["retry_storm", "lost_wait"].contains(&text(row, "rule")) && row["verdict"] == "stuck"
    });
    chooses(&["verdict:stuck"], |row| row["verdict"] == "stuck");
    chooses(&["is:stuck,suspect"], |row| ["stuck", "suspect"].contains(&text(row, "verdict")));
    chooses(&["state:backing-off,paused"], |row| ["backing_off", "paused"].contains(&text(row, "status")));
    chooses(&["state:open"], |row| row["status"] != "failed");
    chooses(&["-state:open"], |row| row["status"] == "failed");
    chooses(&["attempts:>=5"], |row| row["attempts"].as_u64() >= Some(5));
    chooses(&["attempts:12"], |row| row["attempts"] == 12);
    chooses(&["age:>1d"], |row| minutes_ago(row, "created_at") > 24.0 * 60.0);
    chooses(&["age:<=10m"], |row| minutes_ago(row, "created_at") <= 10.0);
    chooses(&["for:>=1h30m"], |row| !row["since"].is_null() && minutes_ago(row, "since") >= 90.0);
    let one = &ALL[0];
    for word in [format!("id:{}", text(one, "instance")), format!("id:{}", text(one, "id")), text(one, "id").into()] {
        chooses(&[&word], |row| row["id"] == one["id"]);
    }
    chooses(&[&format!("tenant:{}", text(one, "tenant"))], |row| row["tenant"] == one["tenant"]);
    chooses(&["key:*"], |row| !row["key"].is_null());
    chooses(&["error:econnrefused"], |row| text(row, "error").contains("ECONNREFUSED"));
    assert_eq!(chosen(&["source:platform,accounts,billing"]).len(), ALL.len());
    assert_eq!(chosen(&["-source:platform,accounts,billing"]).len(), 0);
    chooses(&["source:billing"], |row| row["source"] == "billing");
    assert_eq!(chosen(&[""]).len(), ALL.len(), "nothing is no filter");
}

#[test]
fn words_join_wherever_they_stand() {
    let wanted = |row: &Value| text(row, "flow") == "expired-card" && row["verdict"] == "stuck";
    for words in [
        &["flow:expired-card", "is:stuck"][..],
        &["is:stuck", "flow:expired-card"],
        &["flow:expired-card is:stuck"],
        &["is:stuck", "--", "flow:expired-card"],
        &["flow:expired-card", "-is:ok,suspect,unknown"],
        &["-is:ok", "flow:expired-card", "-verdict:suspect"],
        &["-is:ok -verdict:suspect", "flow:expired-card"],
    ] {
        chooses(words, wanted);
    }
    // Before the command's own words, between its options and after them: a negated word needs no `--`.
    let after = demo(&["get", "flows", "--all", "-o", "ndjson", "-flow:expired-card"]).good().ndjson();
    let before = demo(&["-flow:expired-card", "get", "flows", "-o", "ndjson", "--all"]).good().ndjson();
    let within = demo(&["get", "flows", "-o", "ndjson", "-flow:expired-card", "--all"]).good().ndjson();
    assert!(!after.is_empty() && after.iter().all(|row| text(row, "flow") != "expired-card"));
    assert_eq!([ids(&before), ids(&within)], [ids(&after), ids(&after)]);
}

/// The shell takes quotes away before the program sees them.
#[test]
fn quoted_words_are_one_text() {
    let phrase = "declined: insufficient funds";
    let has = |row: &Value| text(row, "error").contains(phrase);
    for words in [
        &[phrase][..],
        &["\"declined: insufficient funds\""],
        &["error:declined: insufficient funds"],
        &["error:\"declined: insufficient funds\""],
    ] {
        chooses(words, has);
    }
    for words in [
        &["-declined: insufficient funds"][..],
        &["-\"declined: insufficient funds\""],
        &["-error:declined: insufficient funds"],
        &["--", "-error:\"declined: insufficient funds\""],
    ] {
        chooses(words, |row| !has(row));
    }
    chooses(&["flow:expired-card -\"declined: insufficient funds\""], |row| {
        text(row, "flow") == "expired-card" && !has(row)
    });
    chooses(&["error:\"declined: insufficient funds\",ECONNREFUSED"], |row| {
        has(row) || text(row, "error").contains("ECONNREFUSED")
    });
    // Words of their own order do not matter; as one text it does.
    assert_eq!(chosen(&["funds", "insufficient"]).len(), chosen(&[phrase]).len());
    assert_eq!(chosen(&["funds insufficient"]).len(), 0);
}

#[test]
fn a_filter_that_cannot_be_read_is_refused_with_its_place_and_what_was_meant() {
    for (words, said) in [
        (&["flwo:x"][..], "column 1: unknown key \"flwo\" (did you mean flow?)\n  flwo:x\n  ^\n"),
        (&["-flwo:x"], "column 2: unknown key \"flwo\" (did you mean flow?)\n  -flwo:x\n   ^\n"),
        (
            &["is:stuck", "stat:paused"],
            "column 10: unknown key \"stat\" (did you mean state?)\n  is:stuck stat:paused\n           ^\n",
        ),
        (&["rule:retry_strom"], "column 6: unknown rule \"retry_strom\" (did you mean retry_storm?)\n"),
        (&["verdict:stukc"], "column 9: unknown verdict \"stukc\" (did you mean stuck?)\n"),
        (&["state:open,pausd"], "column 12: unknown state \"pausd\" (did you mean paused?)\n"),
        (&["age:10"], "column 5: \"10\": a unit is missing; write it as 90s, 10m, 2h30m or 3d\n"),
        (&["age:>soon"], "column 5: \"soon\": not a duration"),
        (&["attempts:>=many"], "column 10: \"many\" is no whole number"),
        (&["flow:"], "column 6: a value is missing\n"),
        (&["flow:a,"], "column 8: a value is missing\n"),
        (&["is:stuck", "\"never closed"], "column 10: the quote is not closed\n"),
    ] {
        for what in ["flows", "board"] {
            let said_of = demo(&[&["get", what], words].concat());
            said_of.refused(&[said]);
            assert!(said_of.err.starts_with("quarterdeck: column "), "{}", said_of.err);
        }
    }
}

#[test]
fn a_filter_is_read_before_any_source_is_asked_and_only_where_there_are_instances() {
    // Without a config nobody could be asked: the filter is still the first thing that is wrong.
    crate::support::program::run(["get", "board", "flwo:x"]).refused(&["unknown key \"flwo\""]);
    demo(&["get", "sources", "flow:x"]).refused(&["unexpected argument 'flow:x'"]);
    demo(&["get", "flow", "platform/x", "-flow:x"]).refused(&["unexpected argument '-flow:x'"]);
}

#[test]
fn a_filter_that_fits_nothing_is_no_mistake() {
    let board = demo_json(&["get", "board", "flow:nothing"]);
    assert_eq!((list(&board, "cells").len(), list(&board, "cohorts").len()), (0, 0));
    assert_eq!(list(&board, "sources").len(), 6);
    assert!(demo(&["get", "board", "flow:nothing"]).good().out.starts_with("nothing is known to be stuck\n"));
    assert_eq!(demo_json(&["get", "flows", "flow:nothing"])["total"], 0);
    assert_eq!(demo(&["get", "flows", "flow:nothing", "-o", "ndjson"]).good().out, "");
}
