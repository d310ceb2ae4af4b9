//! `quarterdeck config`: what is said of a config that is right, of one that is wrong, and the example.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::support::program::{Said, command, finish, run};
use tempfile::TempDir;

const SOURCE: &str = "[[source]]\nname = \"eu\"\nkind = \"restate\"\nurl = \"http://127.0.0.1:1\"\n";

fn written(text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

fn check(text: &str) -> Said {
    let (_dir, path) = written(text);
    run(["config", "check", path.to_str().unwrap()])
}

#[test]
fn a_good_config_is_told_with_the_layer_of_each_value() {
    let token = "s3cr3t-t0ken";
    let text = format!(
        "operator = \"jo\"\n[ui]\ntimes = \"local\"\n{SOURCE}auth = {{ bearer = {{ env = \"TEST_TOKEN\" }} }}\n\
         [context.prod]\nproduction = true\ncolour = \"red\"\n"
    );
    let (_dir, path) = written(&text);
    let mut command = command(["config", "check", path.to_str().unwrap(), "--ascii"]);
    let said = finish(command.env("TEST_TOKEN", token).env("QUARTERDECK_MOUSE", "0"));
    assert_eq!(said.code, 0, "{}", said.err);
    let row = |name: &str| {
        let line = said.out.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert!(said.out.starts_with("OK  "), "{}", said.out);
    assert_eq!(row("operator"), "jo line 1");
    assert_eq!(row("times"), "local line 3");
    assert_eq!(row("mouse"), "off QUARTERDECK_MOUSE");
    assert_eq!(row("ascii"), "on --ascii");
    assert_eq!(row("soak"), "1m default");
    assert_eq!(row("source"), "eu http://127.0.0.1:1 every 5s");
    assert!(said.out.contains("production red"), "{}", said.out);
    assert!(!said.out.contains(token) && !said.err.contains(token));
}

#[test]
fn everything_that_is_wrong_is_told_with_its_line_and_a_mark() {
    let said = check(&format!(
        "soka = \"1s\"\n[ui]\ntheme = \"drak\"\n[keys]\nsrot = \"s\"\nsort = \"ctrl-\"\n[[view]]\nname = \"a\"\nfilter = \"stat:x\"\n\
         sort = \"wrost\"\n{SOURCE}"
    ));
    said.refused(&[":1:1: unknown key \"soka\" (did you mean \"soak\"?)", "1 | soka = …\n", "^^^^"]);
    let said = check(&format!(
        "[ui]\ntheme = \"drak\"\n[keys]\nsrot = \"s\"\nsort = \"ctrl-\"\n[[view]]\nname = \"a\"\nfilter = \"stat:x\"\n\
         sort = \"wrost\"\n{SOURCE}"
    ));
    said.refused(&[
        ":2:9: theme: ",
        ":4:1: no command is called \"srot\" (did you mean \"sort\"?)",
        ":5:8: \"ctrl-\" names no key",
        ":8:10: the filter of view \"a\": ",
        ":9:8: unknown order \"wrost\"",
        "(did you mean \"worst\"?)",
    ]);
    // What can't be used is refused by whatever would use it.
    let (_dir, path) = written(&format!("[ui]\ntheme = \"drak\"\n{SOURCE}"));
    run(["--config", path.to_str().unwrap(), "snapshot"]).refused(&[":2:9: theme: "]);
}

#[test]
fn contexts_alone_are_right_and_one_that_can_not_be_used_is_named() {
    let of = |context: &str, more: &str| {
        format!("{}{more}\n", SOURCE.replace("source", &format!("context.{context}.source")))
    };
    let said = check(&(of("dev", "") + &of("prod", "auth = { bearer = { env = \"TEST_UNSET\" } }")));
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("none: name one with --context"), "{}", said.out);
    assert!(said.err.contains("context prod can't be used now") && said.err.contains("TEST_UNSET"), "{}", said.err);
}

#[test]
fn the_example_is_printed_and_written_once() {
    let example = include_str!("../../config.example.toml");
    let printed = run(["config", "example"]).good().out;
    assert!(printed.starts_with(example) && printed.contains("# Every command with its keys by default."), "{printed}");
    let home = tempfile::tempdir().unwrap();
    let write = || finish(command(["config", "example", "--write"]).env("HOME", home.path()));
    let path = home.path().join(".config/quarterdeck/config.toml");
    let said = write();
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains(path.to_str().unwrap()), "{}", said.err);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), printed);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::write(&path, "mine").unwrap();
    write().refused(&["exists already; it is not overwritten"]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    let said = finish(command(["config", "check"]).env("HOME", home.path()));
    said.refused(&["config.toml:1:"]);
}

#[test]
fn without_a_terminal_the_first_start_says_what_can_be_done() {
    let home = tempfile::tempdir().unwrap();
    let said = finish(command::<&str>([]).env("HOME", home.path()));
    said.refused(&["no config: ", "quarterdeck demo", "quarterdeck config example --write"]);
}
