//! The config as a user meets it: where it is looked for, what is said of a mistake in it, contexts, and secrets, which
//! are shown nowhere.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::hostile::{Behaviour, Hostile, Reply};
use crate::support::program::{Said, command, demo, finish, list, run};
use tempfile::TempDir;

/// A port on which nobody listens.
const REFUSED: &str = "http://127.0.0.1:1";

/// A token that must not be seen.
const TOKEN: &str = "s3cr3t-t0ken-0123456789";

fn source(table: &str, name: &str, more: &str) -> String {
    format!("[[{table}]]\nname = \"{name}\"\nkind = \"restate\"\nurl = \"{REFUSED}\"\n{more}\n")
}

fn written(text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("quarterdeck.toml");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

fn with(path: &Path, args: &[&str]) -> Said {
    run([&["--config", path.to_str().unwrap()], args].concat())
}

/// The names of the sources that were asked.
fn asked(said: &Said) -> Vec<String> {
    assert_eq!(said.code, 3, "nobody listens, so that every source fails: {}", said.err);
    let names = |row: &serde_json::Value| row["name"].as_str().unwrap().to_owned();
    list(&said.json(), "rows").iter().map(names).collect()
}

const SOURCES: [&str; 4] = ["get", "sources", "-o", "json"];

#[test]
fn without_a_config_it_says_where_it_looked_and_what_works_without() {
    let home = tempfile::tempdir().unwrap();
    let usual = home.path().join(".config/quarterdeck/config.toml");
    let at_home = || {
        let mut command = command(SOURCES);
        command.env("HOME", home.path());
        command
    };
    finish(&mut at_home()).refused(&[&format!("no config: {} does not exist", usual.display()), "quarterdeck demo"]);
    finish(at_home().env("QUARTERDECK_CONFIG", "")).refused(&["no config: "]);
    std::fs::create_dir_all(usual.parent().unwrap()).unwrap();
    std::fs::write(&usual, source("source", "at-home", "")).unwrap();
    assert_eq!(asked(&finish(&mut at_home())), ["at-home"]);
    let elsewhere = home.path().join("elsewhere");
    finish(at_home().env("XDG_CONFIG_HOME", &elsewhere)).refused(&[elsewhere.to_str().unwrap()]);
}

#[test]
fn the_command_line_goes_before_the_environment_and_that_before_the_usual_place() {
    let (_a, named) = written(&source("source", "named", ""));
    let (_b, in_environment) = written(&source("source", "in-environment", ""));
    let environment = |args: &[&str]| finish(command(args).env("QUARTERDECK_CONFIG", &in_environment));
    assert_eq!(asked(&environment(&SOURCES)), ["in-environment"]);
    assert_eq!(asked(&environment(&[&["--config", named.to_str().unwrap()], &SOURCES[..]].concat())), ["named"]);
    assert_eq!(asked(&environment(&[&SOURCES[..], &["--config", named.to_str().unwrap()]].concat())), ["named"]);
    // The demo needs no config, and a bad one does not stop it.
    let demo = finish(command(["--demo", "get", "sources"]).env("QUARTERDECK_CONFIG", "/no/such/file"));
    assert_eq!((demo.code, demo.err.as_str()), (0, ""));
}

#[test]
fn a_file_that_was_named_has_to_be_one_that_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing.toml");
    let words = format!("the config {} can't be read: No such file", missing.display());
    with(&missing, &SOURCES).refused(&[&words]);
    finish(command(SOURCES).env("QUARTERDECK_CONFIG", &missing)).refused(&[&words]);
    with(dir.path(), &SOURCES).refused(&["can't be read"]);
    let (_dir, bytes) = written("");
    std::fs::write(&bytes, [0xFF, 0xFE]).unwrap();
    with(&bytes, &SOURCES).refused(&["can't be read", "UTF-8"]);
    let (_dir, empty) = written("");
    with(&empty, &SOURCES).refused(&["no source in context \"default\"", "[[source]]", "kind = \"restate\""]);
}

#[test]
fn a_mistake_is_named_with_line_column_and_what_was_meant() {
    for (text, place, words) in [
        ("[[source]]\nname = \"a\"\nknd = \"restate\"", "3:1", "unknown key \"knd\" (did you mean \"kind\"?)"),
        ("operater = \"jo\"\n", "1:1", "unknown key \"operater\" (did you mean \"operator\"?)"),
        ("[thresholds]\n  overdu = \"1h\"", "2:3", "unknown key \"overdu\" (did you mean \"overdue\"?)"),
        (&source("source", "a", "poll = \"5\""), "5:8", "a unit is missing"),
        (&source("source", "a", "soak = \"5s\""), "5:1", "before the first [table] of the file"),
        ("[[source]\n", "1:", ""),
    ] {
        let (_dir, path) = written(text);
        for args in [&SOURCES[..], &["get", "board"], &["snapshot"], &["cockpit"]] {
            with(&path, args).refused(&[&format!("quarterdeck: {}:{place}", path.display()), words]);
        }
    }
}

#[test]
fn a_context_is_chosen_by_name() {
    let text = source("context.staging.source", "staging", "") + &source("context.prod.source", "prod", "");
    let (_dir, path) = written(&text);
    assert_eq!(asked(&with(&path, &[&SOURCES[..], &["--context", "prod"]].concat())), ["prod"]);
    assert_eq!(asked(&with(&path, &[&["--context", "staging"], &SOURCES[..]].concat())), ["staging"]);
    with(&path, &SOURCES).refused(&["--context", "staging, prod"]);
    with(&path, &["get", "board", "--context", "pord"])
        .refused(&["\"pord\" (did you mean \"prod\"?)", "staging, prod"]);
    let (_dir, path) = written(&(source("source", "plain", "") + &text));
    assert_eq!(asked(&with(&path, &SOURCES)), ["plain"], "what stands at the top is the default");
    assert_eq!(asked(&with(&path, &[&SOURCES[..], &["--context", "default"]].concat())), ["plain"]);
}

/// A server that quotes what it was sent, as some gateways do.
fn indiscreet() -> Hostile {
    Hostile::start(Behaviour::by(|request| {
        let sent = request.header("authorization").unwrap_or("nothing").to_owned();
        Behaviour::Answers(Reply::new(401, "text/plain", format!("bad credentials: {sent}")).with("x-sent", sent))
    }))
}

#[test]
fn a_token_is_sent_and_shown_nowhere() {
    let server = indiscreet();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("restate.token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    let config = dir.path().join("config.toml");
    for reference in ["env = \"TEST_TOKEN\"", "file = \"restate.token\""] {
        let text = source("source", "eu", &format!("auth = {{ bearer = {{ {reference} }} }}"));
        std::fs::write(&config, text.replace(REFUSED, &server.url())).unwrap();
        let path = config.to_str().unwrap();
        let mut outputs = Vec::new();
        for what in ["board", "flows", "sources"] {
            for format in ["table", "json", "ndjson", "csv"] {
                outputs.push(["--config", path, "get", what, "-o", format].map(str::to_owned).to_vec());
            }
        }
        outputs.push(["--config", path, "get", "flow", "inv_1"].map(str::to_owned).to_vec());
        outputs.push(["--config", path, "snapshot", "--screen", "sources"].map(str::to_owned).to_vec());
        for args in outputs {
            let before = server.count();
            let said = finish(command(&args).env("TEST_TOKEN", TOKEN).env("RUST_LOG", "trace"));
            let sent = server.requests().split_off(before);
            assert!(!sent.is_empty(), "{args:?}");
            let bearer = format!("Bearer {TOKEN}");
            assert!(sent.iter().all(|request| request.header("authorization") == Some(&bearer)), "{args:?}");
            assert!(args.contains(&"snapshot".to_owned()) || said.code == 3, "{args:?}: {}", said.err);
            for part in [TOKEN, "s3cr3t", "0123456789"] {
                assert!(!said.out.contains(part) && !said.err.contains(part), "{args:?}: {said:?}");
            }
        }
    }
}

#[test]
fn a_token_in_the_wrong_place_is_refused_and_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let open = dir.path().join("open.token");
    std::fs::write(&open, TOKEN).unwrap();
    std::fs::set_permissions(&open, PermissionsExt::from_mode(0o644)).unwrap();
    let config = dir.path().join("config.toml");
    let user = format!("url = \"http://jo:{TOKEN}@127.0.0.1:1\"");
    for (line, words) in [
        (format!("auth = \"{TOKEN}\""), "a secret does not belong in this file"),
        (format!("auth = {{ bearer = \"{TOKEN}\" }}"), "a secret does not belong in this file"),
        (format!("token = \"{TOKEN}\""), "unknown key \"token\""),
        (format!("poll = \"{TOKEN}\""), "\"poll\""),
        ("auth = { bearer = { env = \"TEST_UNSET\" } }".to_owned(), "TEST_UNSET is not set"),
        ("auth = { bearer = { env = \"TEST_TWO_LINES\" } }".to_owned(), "is no token"),
        ("auth = { bearer = { file = \"open.token\" } }".to_owned(), "chmod 600"),
        ("auth = { bearer = { file = \"missing.token\" } }".to_owned(), "missing.token: No such file"),
        (user, "can't hold credentials"),
    ] {
        let mut text = source("source", "eu", "");
        if line.starts_with("url") {
            text = text.replace(&format!("url = \"{REFUSED}\""), &line);
        } else {
            text.push_str(&line);
        }
        std::fs::write(&config, text).unwrap();
        let mut command = command(["--config", config.to_str().unwrap(), "get", "sources"]);
        let said = finish(command.env("TEST_TWO_LINES", format!("{TOKEN}\n{TOKEN}")));
        said.refused(&[words, &format!("{}:", config.display())]);
        assert!(!said.err.contains("s3cr3t"), "{}", said.err);
    }
}

/// The example with its servers replaced by a port on which nobody listens.
fn example() -> String {
    let text = include_str!("../../config.example.toml");
    let here = |line: &str| if line.starts_with("url = ") { format!("url = \"{REFUSED}\"") } else { line.to_owned() };
    text.lines().map(here).collect::<Vec<_>>().join("\n")
}

/// Whether a line of the example is a setting that is commented out.
fn setting(line: &str) -> Option<&str> {
    let setting = line.strip_prefix("# ")?;
    let key = setting.split_once(" = ")?.0;
    key.chars().all(|c| c.is_ascii_lowercase() || c == '_').then_some(setting)
}

#[test]
fn the_example_works_with_each_of_its_comments_switched_on() {
    let example = example();
    let commented: Vec<usize> =
        example.lines().enumerate().filter(|(_, line)| setting(line).is_some()).map(|(at, _)| at).collect();
    let two_tokens: Vec<usize> =
        commented.iter().copied().filter(|at| example.lines().nth(*at).unwrap().contains("auth")).collect();
    assert!(commented.len() >= 7 && two_tokens.len() == 2, "{commented:?} {two_tokens:?}");
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("restate.token");
    std::fs::write(&token, TOKEN).unwrap();
    std::fs::set_permissions(&token, PermissionsExt::from_mode(0o600)).unwrap();
    let path = dir.path().join("config.toml");
    let switched_on = |which: &dyn Fn(usize) -> bool| {
        let line = |(at, line): (usize, &str)| setting(line).filter(|_| which(at)).unwrap_or(line).to_owned();
        example.lines().enumerate().map(line).collect::<Vec<_>>().join("\n")
    };
    let works = |text: &str, context: &str, sources: &[&str]| {
        std::fs::write(&path, text).unwrap();
        let args = [&["--config", path.to_str().unwrap(), "--context", context], &SOURCES[..]].concat();
        let tokens = ["RESTATE_TOKEN", "RESTATE_EU_TOKEN", "RESTATE_US_TOKEN"].map(|name| (name, TOKEN));
        assert_eq!(asked(&finish(command(args).envs(tokens))), sources, "{context}:\n{text}");
    };
    works(&example, "default", &["restate"]);
    works(&example, "staging", &["restate-staging"]);
    works(&example, "prod", &["restate-eu", "restate-us"]);
    for one in &commented {
        works(&switched_on(&|at| at == *one), "default", &["restate"]);
    }
    // A source has one token, so that of the two ways to name it only one is switched on.
    for token in &two_tokens {
        works(&switched_on(&|at| at == *token || !two_tokens.contains(&at)), "default", &["restate"]);
    }
}

#[test]
fn a_look_leaves_nothing_behind() {
    let home = tempfile::tempdir().unwrap();
    let (_dir, path) = written(&source("source", "eu", ""));
    for args in [&["get", "board", "--config", path.to_str().unwrap()][..], &["get", "board", "--demo"]] {
        finish(command(args).env("HOME", home.path()));
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "{args:?}");
    }
    assert_eq!(demo(&["get", "board", "--read-only"]).code, 0, "looking is no act");
}
