//! Exit codes, and where words go: data to standard output, everything else to standard error.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::support::hostile::{Behaviour, Hostile, Reply};
use crate::support::program::{Said, command, demo, finish, list, run};
use serde_json::{Value, json};

/// A port on which nobody listens.
const REFUSED: &str = "http://127.0.0.1:1";

/// An engine with one invocation that is stuck, whose texts try to command a terminal and a spreadsheet.
fn engine() -> Hostile {
    let stuck = json!({
        "id": "inv_1stuck", "target_service_name": "Billing", "target_handler_name": "charge",
        "target_service_key": "=cmd|' /C calc'!A0", "status": "completed", "completion_result": "failure",
        "completion_failure": "[500] \u{1b}[2J\u{202e}declined\u{7}", "created_at": "2026-01-15T03:00:00Z",
        "completed_at": "2026-01-15T03:01:00Z", "step": "charge",
    });
    Hostile::start(Behaviour::by(move |request| {
        let asked = request.text();
        Behaviour::Answers(match request.path.as_str() {
            "/version" => Reply::json(&json!({"version": "1.7.12"})),
            _ if asked.contains("select now() as now") => Reply::rows(&[json!({"now": "2026-01-15T03:12:00"})]),
            _ if asked.contains("group by target_service_name") => Reply::rows(&[json!({
                "target_service_name": "Billing", "target_handler_name": "charge", "step": "charge",
                "open": 0, "waiting": 0, "held": 0, "failed": 1,
            })]),
            _ => Reply::rows(std::slice::from_ref(&stuck)),
        })
    }))
}

/// Runs on sources with these names and URLs.
fn on(sources: &[(&str, &str)], args: &[&str]) -> Said {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config.toml");
    let source = |(name, url): &(&str, &str)| {
        format!("[[source]]\nname = \"{name}\"\nkind = \"restate\"\nurl = \"{url}\"\ntimeout = \"5s\"\n")
    };
    std::fs::write(&config, sources.iter().map(source).collect::<String>()).unwrap();
    finish(command(args).env("QUARTERDECK_CONFIG", &config))
}

#[test]
fn fail_on_stuck_tells_a_script_whether_anything_is() {
    for what in ["board", "flows"] {
        for format in ["table", "json", "ndjson", "csv"] {
            let plain = demo(&["get", what, "-o", format]);
            assert_eq!(plain.code, 0, "without the option what is stuck is data alone");
            let said = demo(&["get", what, "-o", format, "--fail-on", "stuck"]);
            assert_eq!(said.code, 1, "{}", said.err);
            assert_eq!(said.out.lines().count(), plain.out.lines().count(), "the data are printed all the same");
        }
        let said = demo(&["get", what, "--fail-on", "stuck", "flow:provision-database"]);
        assert_eq!(said.code, 0, "nothing that matches is stuck: {}", said.out);
        assert_eq!(demo(&["get", what, "--fail-on", "stuck", "is:ok"]).code, 0);
        demo(&["get", what, "--fail-on", "waiting"]).refused(&["waiting", "stuck"]);
    }
    // What is stuck counts even where the limit leaves it out.
    assert_eq!(demo(&["get", "flows", "--fail-on", "stuck", "--limit", "0"]).code, 1);
}

#[test]
fn a_source_that_failed_wins_over_what_is_stuck() {
    let engine = engine();
    let url = engine.url();
    let alone = on(&[("eu", &url)], &["get", "board", "--fail-on", "stuck"]);
    assert_eq!((alone.code, alone.err.as_str()), (1, ""), "{}", alone.out);

    let both = [("eu", url.as_str()), ("us", REFUSED)];
    for what in ["board", "flows"] {
        let said = on(&both, &["get", what, "--fail-on", "stuck", "-o", "json"]);
        assert_eq!(said.code, 3);
        assert!(said.err.starts_with("quarterdeck: source us: "), "{}", said.err);
        assert!(said.err.contains("refused") && said.err.lines().count() == 1, "in words: {}", said.err);
        let whole = said.json();
        let key = if what == "board" { "cells" } else { "rows" };
        assert_eq!(list(&whole, key).len(), 1, "what is known of the others is printed");
        assert_eq!(list(&whole, key)[0]["source"], "eu");
    }
    let board = on(&both, &["get", "board", "-o", "json"]).json();
    let [eu, us] = list(&board, "sources") else { panic!("two sources") };
    assert_eq!((&eu["state"], &eu["error"]), (&json!("live"), &Value::Null));
    assert_eq!((&us["state"], &us["age_seconds"]), (&json!("failed"), &Value::Null));
    assert!(us["error"].as_str().unwrap().contains("refused"), "{us}");

    let sources = on(&both, &["get", "sources"]);
    assert_eq!(sources.code, 3);
    let line = sources.out.lines().find(|line| line.starts_with("us ")).unwrap();
    assert!(line.contains(" failed ") && line.contains(" ? ") && line.contains("refused"), "unknown is ?: {line}");
}

#[test]
fn what_a_silent_source_may_have_is_not_said_to_be_missing() {
    let engine = engine();
    let url = engine.url();
    for (id, words) in [("acme", "whether there is a tenant acme is not known"), ("us/acme", "not live")] {
        let what = if id.contains('/') { "drift" } else { "tenant" };
        let said = on(&[("eu", &url), ("us", REFUSED)], &["get", what, id]);
        assert_eq!((said.code, said.out.as_str()), (3, ""), "{what}: {}", said.err);
        assert!(said.err.contains(words) && said.err.contains("us"), "{what}: {}", said.err);
    }
    on(&[("eu", &url)], &["get", "tenant", "acme"]).refused(&["no tenant is known as acme"]);
    on(&[("eu", &url)], &["get", "drift", "eu/acme"]).refused(&["tells of no drift acme"]);
}

#[test]
fn a_url_that_leads_elsewhere_is_told_from_a_server_that_fails() {
    // What the ingress of a Restate answers.
    let reply = Reply::new(400, "application/json", r#"{"message":"bad path: /version"}"#);
    let ingress = Hostile::start(Behaviour::Answers(reply));
    // What any server without TLS answers to whoever begins with it.
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let tls = format!("https://{}", plain.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = plain.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").unwrap();
    });
    for (url, words) in [
        (
            ingress.url(),
            "is this the URL of a Restate admin API (port 9070 by default)?; it says \"bad path: /version\"",
        ),
        (tls, "it does not speak TLS; is it http:// rather than https://?"),
        (REFUSED.to_owned(), "connection refused: nothing listens at 127.0.0.1:1"),
    ] {
        let said = on(&[("eu", &url)], &["get", "sources"]);
        assert_eq!(said.code, 3, "{url}");
        assert!(said.err.contains(words) && said.out.contains(words), "{url}: {}", said.err);
    }
}

#[test]
fn nothing_that_an_engine_says_commands_a_terminal_or_a_spreadsheet() {
    let engine = engine();
    for args in
        [&["get", "flows"][..], &["get", "board"], &["get", "flows", "-o", "csv"], &["get", "board", "-o", "csv"]]
    {
        // `Said` refuses control characters.
        let said = on(&[("eu", &engine.url())], args).good();
        assert!(!said.out.contains('\u{202e}'), "{}", said.out);
    }
    let (header, rows) = on(&[("eu", &engine.url())], &["get", "flows", "-o", "csv"]).csv();
    let of = |name: &str| &rows[0][header.iter().position(|column| column == name).unwrap()];
    assert_eq!(of("key"), "'=cmd|' /C calc'!A0");
    assert_eq!(of("error"), "␛[2J\u{fffd}declined␇");
}

#[test]
fn one_flow_that_is_not_there_is_a_mistake_and_one_that_cannot_be_read_is_a_failure() {
    demo(&["get", "flow", "platform/wf_nobody"]).refused(&["quarterdeck: platform has no instance wf_nobody\n"]);
    demo(&["get", "flow", "wf_nobody"]).refused(&["wf_nobody: none of platform, accounts, billing has it"]);
    demo(&["get", "flow", "prod/wf_nobody"]).refused(&[
        "quarterdeck: there is no source prod; there are: platform, accounts, billing, infra, directory, alerts\n",
    ]);
    demo(&["get", "flow"]).refused(&["<ID>"]);
    let two = [("eu", REFUSED), ("us", REFUSED)];
    let silent = on(&two, &["get", "flow", "inv_1"]);
    assert!(
        silent.code == 3 && silent.err.contains("source eu: ") && silent.err.contains("source us: "),
        "{}",
        silent.err
    );
    on(&two, &["get", "flow", "uk/inv_1"]).refused(&["there is no source uk; there are: eu, us"]);
    let said = on(&two, &["get", "flow", "us/inv_1"]);
    assert_eq!((said.code, said.out.as_str()), (3, ""), "{}", said.err);
    assert!(said.err.starts_with("quarterdeck: source us: ") && said.err.contains("refused"), "{}", said.err);
}

#[test]
fn a_command_line_that_cannot_be_read_is_refused() {
    for (args, words) in [
        (&["--frob"][..], &["--frob", "Usage: quarterdeck"][..]),
        (&["get"], &["board", "flows", "flow", "sources"]),
        (&["get", "bord"], &["bord", "board"]),
        (&["get", "board", "-o", "yaml"], &["yaml", "table, json, ndjson, csv"]),
        (&["get", "board", "--frob"], &["--frob", "Usage: quarterdeck get board"]),
        (&["get", "board", "--demo", "--seed", "x"], &["--seed", "x"]),
        (&["get", "board", "--seed", "3"], &["--seed goes with --demo"]),
        (&["snapshot", "--demo", "--screen", "bord"], &["bord", "board"]),
        (&["snapshot", "--demo", "--size", "0x10"], &["0x10", "120x34"]),
    ] {
        run(args).refused(words);
    }
}

#[test]
fn the_cockpit_wants_a_terminal() {
    for args in [&["--demo"][..], &["demo"], &["cockpit", "--demo"], &["--demo", "--read-only"]] {
        run(args).refused(&["terminal", "quarterdeck get board"]);
    }
}

#[test]
fn shells_and_manuals_know_the_commands() {
    for (shell, begin) in
        [("bash", "_quarterdeck()"), ("zsh", "#compdef quarterdeck"), ("fish", "complete -c quarterdeck")]
    {
        let script = run(["completions", shell]).good().out;
        for word in [begin, "board", "fail-on", "read-only", "snapshot"] {
            assert!(script.contains(word), "{shell}: {word} is missing in\n{script}");
        }
    }
    let script = run(["completions", "bash"]).good().out;
    // It is longer than an argument may be.
    let file = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::fs::write(file.path(), &script).unwrap();
    let syntax = finish(std::process::Command::new("bash").arg("-n").arg(file.path()));
    assert_eq!((syntax.code, syntax.err.as_str()), (0, ""), "bash reads it");
    let page = run(["man"]).good().out;
    for word in [".TH quarterdeck 1", "completions", "read\\-only"] {
        assert!(page.contains(word), "{word} is missing in\n{page}");
    }
    run(["completions", "tcsh"]).refused(&["tcsh", "bash", "zsh", "fish"]);
}

#[test]
fn help_and_version_are_answers() {
    let version = run(["--version"]).good().out;
    assert_eq!(version, format!("quarterdeck {}\n", env!("CARGO_PKG_VERSION")));
    for (args, words) in [
        (&["--help"][..], &["get", "demo", "--config", "--context", "--seed", "--read-only", "QUARTERDECK_CONFIG"][..]),
        (&["get", "--help"], &["board", "flows", "flow", "sources", "Exit codes: 0 fine, 1 stuck"]),
        (&["get", "board", "--help"], &["-o, --output", "--fail-on", "rule:retry_storm", "Exit codes"]),
        (&["get", "flows", "-h"], &["--limit", "--all", "rule:retry_storm", "Exit codes", "table, json, ndjson, csv"]),
        (&["help", "get", "flow"], &["SOURCE/INSTANCE"]),
    ] {
        let said = run(args).good();
        for word in words {
            assert!(said.out.contains(word), "{args:?}: {word} is missing in\n{}", said.out);
        }
        assert!(said.out.lines().all(|line| line.chars().count() <= 120), "{args:?} is wider than 120\n{}", said.out);
    }
    // A secret may stand in a variable; help shows none.
    let help = finish(command(["--help"]).env("QUARTERDECK_CONFIG", "/some/where")).good().out;
    assert!(!help.contains("/some/where"), "{help}");
}

#[test]
fn a_picture_of_a_screen_is_text_without_commands() {
    let text = demo(&["snapshot", "--screen", "board", "--size", "100x30"]).good().out;
    assert!(text.contains("schema-migration") && text.lines().count() <= 30, "{text}");
    assert_eq!(text, demo(&["snapshot", "--size", "100x30"]).good().out, "the same picture each time");
}
