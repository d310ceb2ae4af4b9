//! What is read of runbooks, and what is wrong in them, with its place.

use super::*;
use crate::config::Config;

const SOURCE: &str = "\n[[source]]\nname = \"a\"\nkind = \"restate\"\nurl = \"http://localhost:9070\"\n";

const MOVE: &str = r#"
[[runbook]]
name = "move"
version = 2
description = "moves what is stuck to other code"
steps = [{ verb = "pause" }, { verb = "resume", with = { deployment = "{deployment}" } }]
suggested_for = ["rule:exhausted flow:billing/*"]
switches_off = ["retries of the old code"]
rearm = "deploy it again"
undo = "back@1"
[runbook.parameters]
required = ["deployment"]
[runbook.parameters.properties]
deployment = { type = "string", pattern = "^dp_" }
minutes = { type = "integer", default = 5 }

[[runbook]]
name = "back"
version = "1"
undo = "none"
steps = [{ verb = "pause" }]
parameters = { properties = { deployment = { type = "string" } }, required = ["deployment"] }
"#;

fn read_all(text: &str) -> Result<Vec<RunbookSetting>, Vec<String>> {
    let wrong = |error: crate::config::ConfigError| match error {
        crate::config::ConfigError::Invalid(wrong) => wrong.iter().map(ToString::to_string).collect(),
        other => vec![other.to_string()],
    };
    Config::parse(&format!("{text}{SOURCE}"), "c.toml", None).map(|config| config.runbooks).map_err(wrong)
}

/// What is wrong where a part of [`MOVE`] is another one.
fn with(old: &str, new: &str) -> Vec<String> {
    assert!(MOVE.contains(old), "{old}");
    read_all(&MOVE.replacen(old, new, 1)).unwrap_err()
}

#[test]
fn a_runbook_is_read_with_all_that_it_says() {
    let all = read_all(MOVE).unwrap();
    let [first, second] = &all[..] else { panic!("{all:?}") };
    let Runbook { id, steps, schema, suggested_for, switches_off, rearm, undo, .. } = &first.runbook;
    assert_eq!(id.to_string(), "move@2");
    let told: Vec<String> = steps.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["pause", "resume with deployment {deployment}"]);
    let names: Vec<String> = schema.fields().iter().map(|field| field.name.to_string()).collect();
    assert_eq!(names, ["deployment", "minutes"], "in the order of the file");
    assert_eq!(suggested_for[0], "rule:exhausted flow:billing/*");
    assert_eq!((switches_off[0].as_str(), rearm.as_str()), ("retries of the old code", "deploy it again"));
    assert_eq!(undo.as_ref().map(ToString::to_string).as_deref(), Some("back@1"));
    assert_eq!((second.runbook.id.to_string().as_str(), &second.runbook.undo), ("back@1", &None));
}

#[test]
fn what_is_no_schema_is_refused_where_it_stands() {
    let wrong = with("type = \"integer\"", "type = \"intger\"");
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    let begins = "c.toml:15:20: \"parameters\" is no JSON Schema (properties.minutes.type): ";
    assert!(wrong[0].starts_with(begins), "{wrong:?}");
    let wrong = with("pattern = \"^dp_\"", "pattern = \"^dp_(\"");
    assert!(
        wrong[0].starts_with("c.toml:14:43: \"parameters\" is no JSON Schema (properties.deployment.pattern): "),
        "{wrong:?}"
    );
    let wrong = with(
        "parameters = { properties = { deployment = { type = \"string\" } }, required = [\"deployment\"] }",
        "parameters = 7",
    );
    assert_eq!(
        wrong,
        ["c.toml:22:14: \"parameters\" must be a table: a JSON Schema, with the parameters under properties"]
    );
}

#[test]
fn steps_that_can_not_be_done_are_refused() {
    for (old, new, told) in [
        (
            "verb = \"resume\"",
            "verb = \"resum\"",
            "c.toml:6:39: unknown verb \"resum\"; there are: resume, pause, restart-as-new, cancel, kill, purge (did you mean \"resume\"?)",
        ),
        (
            "{ verb = \"pause\" }, ",
            "{ verb = \"purge\" }, ",
            "c.toml:6:19: nothing can follow purge: what it acted on is another instance then, or none",
        ),
        (
            "\"{deployment}\"",
            "\"{deploymnt}\"",
            "c.toml:6:71: {deploymnt} is none of its parameters (did you mean \"deployment\"?)",
        ),
        ("\"{deployment}\"", "\"{deployment\"", "c.toml:6:71: a parameter is written as {name}"),
        (
            "required = [\"deployment\"]\n[",
            "[",
            "c.toml:6:71: {deployment} is not always given: name it under \"required\", or give it a \"default\"",
        ),
        (
            "{ deployment = \"{d",
            "{ deploy = \"{d",
            "c.toml:6:58: unknown key \"deploy\" (did you mean \"deployment\"?)",
        ),
        (
            "[{ verb = \"pause\" }]",
            "[]",
            "c.toml:21:9: a runbook has from one to 20 steps: steps = [{ verb = \"pause\" }]",
        ),
    ] {
        assert_eq!(with(old, new), [told], "{new}");
    }
}

#[test]
fn what_takes_it_back_has_to_be_there_and_leads_no_way_round() {
    let wrong = with("undo = \"back@1\"", "undo = \"back@2\"");
    assert_eq!(wrong, ["c.toml:10:8: there is no runbook back@2 that could take it back (did you mean \"back@1\"?)"]);
    let wrong = with("undo = \"back@1\"", "undo = \"back\"");
    assert_eq!(wrong, ["c.toml:10:8: \"undo\" is \"name@version\" or \"none\": a runbook is named as name@version"]);
    let wrong = with("undo = \"back@1\"", "undo = \"move@2\"");
    assert_eq!(
        wrong,
        ["c.toml:10:8: what takes it back leads back to it: move@2, move@2; one of them needs undo = \"none\""]
    );
    let wrong = with("undo = \"none\"", "undo = \"move@2\"");
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(
        wrong[0].ends_with("leads back to it: move@2, back@1, move@2; one of them needs undo = \"none\""),
        "{wrong:?}"
    );
    let wrong = with("undo = \"back@1\"\n", "");
    assert_eq!(wrong, ["c.toml:2:1: a runbook needs \"undo\""]);
    let wrong = with(
        "{ deployment = { type = \"string\" } }, required = [\"deployment\"]",
        "{ shard = { type = \"string\" } }, required = [\"shard\"]",
    );
    assert_eq!(wrong, ["c.toml:10:8: back@1 needs the parameter shard, which move@2 has not got"]);
}

#[test]
fn names_versions_and_words_are_held_to_what_they_are_for() {
    for (old, new, told) in [
        ("version = 2", "", "c.toml:2:1: a runbook needs \"version\""),
        (
            "version = 2",
            "version = 2.5",
            "c.toml:4:11: \"version\" must be a text in quotes or a whole number, not a float",
        ),
        (
            "rearm = \"deploy it again\"\n",
            "",
            "c.toml:8:16: what is switched off needs \"rearm\": how somebody arms it again",
        ),
        (
            "switches_off = [\"retries of the old code\"]\n",
            "",
            "c.toml:8:9: \"rearm\" goes with \"switches_off\": there is nothing to arm again",
        ),
        ("suggested_for", "sugested_for", "c.toml:7:1: unknown key \"sugested_for\" (did you mean \"suggested_for\"?)"),
    ] {
        assert_eq!(with(old, new), [told], "{new}");
    }
    let wrong = with("name = \"move\"", "name = \"mo ve\"");
    assert!(wrong[0].starts_with("c.toml:3:8: a runbook's name can't be empty"), "{wrong:?}");
    let twice = read_all(&format!("{MOVE}{}", MOVE.replace("undo = \"back@1\"", "undo = \"none\""))).unwrap_err();
    assert_eq!(twice.len(), 2, "{twice:?}");
    assert!(twice[0].ends_with(": a second runbook move@2; the first is on line 3"), "{twice:?}");
}
