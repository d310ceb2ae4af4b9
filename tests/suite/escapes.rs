//! Text that would command a terminal, hide, or turn what stands around it, on every way out of the program: each
//! payload is looked for on each of them, and has to be there, with something visible for each of its hidden characters.

use std::sync::Arc;
use std::time::Duration;

use crate::support::binary::Binary;
use crate::support::fake_restate::{FakeRestate, Kind, row, row_with};
use crate::support::hostile::{Behaviour, Hostile, Reply};
use crate::support::hub::{SOURCE, config_of, ended, hub, hub_of, status};
use crate::support::matrix::record;
use crate::support::payloads::{hiding, is_shown, marked};
use crate::term::{Launch, PROGRAM, bytes};
use quarterdeck::cockpit::command::TABLE;
use quarterdeck::cockpit::{self, ScreenName, Settings};
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::remediation::Verb;
use quarterdeck::domain::text::is_hidden;
use quarterdeck::ops::Ops;
use serde_json::{Value, json};

/// More than enough for what is asked of the table: how many payloads there are at least.
const LEAST: usize = 40;

/// Whether nothing that was written is obeyed, hidden or turns anything.
#[track_caller]
fn is_clean(what: &str, text: &str) {
    let hidden = text.chars().enumerate().find(|(_, c)| *c != '\n' && is_hidden(*c));
    if let Some((at, c)) = hidden {
        let around: String = text.chars().skip(at.saturating_sub(40)).take(80).collect();
        panic!("{what}: {c:?} in {around:?}");
    }
}

/// Looks for every payload on one way out, and gives how many there are.
#[track_caller]
fn all_are_shown(what: &str, text: &str) -> usize {
    is_clean(what, text);
    let payloads = hiding();
    for (n, payload) in payloads.iter().enumerate() {
        assert!(is_shown(n, payload, text), "{what}: {payload:?} is not to be seen in {text}");
    }
    payloads.len()
}

/// An instance with a payload in its error, and in all names, some of which are cut.
fn instance(n: usize, payload: &str) -> Value {
    row_with(
        &format!("inv_{n:02}"),
        &json!({
            "target_service_name": format!("S{payload}"), "target_service_key": payload, "step": payload,
            "last_failure": marked(n, payload), "last_failure_error_code": payload,
        }),
    )
}

/// A server with one instance a payload.
fn server() -> FakeRestate {
    FakeRestate::start(hiding().iter().enumerate().map(|(n, payload)| instance(n, payload)).collect())
}

#[test]
fn printed_in_every_format() {
    let server = server();
    let binary = Binary::new(&config_of(&[("a", &server.url(), "30s")]));
    let mut cases = 0;
    for format in ["table", "json", "ndjson", "csv"] {
        let ran = binary.run(&["get", "flows", "--all", "-o", format]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{format}");
        cases += all_are_shown(format, &ran.stdout);
    }
    record("escapes", cases, 4 * LEAST);
}

/// A picture's text without its tags, each run of which has a line of its own, and with what stands for a character in their place.
fn without_tags(svg: &str) -> String {
    let text = regex::Regex::new("<[^>]*>").unwrap().replace_all(svg, "").into_owned();
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.replace('\n', ""), |text, (code, c)| text.replace(code, c))
}

#[tokio::test]
async fn drawn_on_the_screens_and_exported() {
    let server = server();
    let hub = hub_of(&config_of(&[("a", &server.url(), "30s")]), None, Duration::from_secs(60));
    hub.pass().await;
    let looks = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    let mut cases = 0;
    let ops: Arc<dyn Ops> = hub.clone();
    let settings = Settings::new("test", "tester");
    // The list, as lines, with colours, and as a picture.
    let buffer = cockpit::snapshot(Arc::clone(&ops), ScreenName::Flows, 220, 120, &settings).await.unwrap();
    cases += all_are_shown("the list", &cockpit::text(&buffer));
    cases += all_are_shown("the list with colours", &looks.replace_all(&cockpit::ansi(&buffer), ""));
    let svg = cockpit::svg(&buffer, "test");
    is_clean("the list as a picture", &svg);
    cases += all_are_shown("the list as a picture", &without_tags(&svg));
    // The board: each error is a cohort of its own.
    let buffer = cockpit::snapshot(Arc::clone(&ops), ScreenName::Board, 220, 200, &settings).await.unwrap();
    is_clean("the board", &cockpit::text(&buffer));
    // One instance each, with its names as headings and titles; and the menu over it.
    for (n, payload) in hiding().iter().enumerate() {
        server.edit(|world| world.rows = vec![instance(n, payload)]);
        hub.pass().await;
        for keys in ["", "v", "v enter"] {
            let ops = Arc::clone(&ops);
            let buffer = cockpit::snapshot_after(ops, ScreenName::Detail, keys, 160, 45, &settings).await.unwrap();
            let text = cockpit::text(&buffer);
            is_clean(&format!("{payload:?} in detail, {keys}"), &text);
            assert!(!keys.is_empty() || is_shown(n, payload, &text), "{payload:?} in detail: {text}");
            cases += 1;
        }
    }
    record("escapes", cases, 6 * LEAST);
}

/// What a server says when it fails or refuses.
#[tokio::test]
async fn in_errors_and_in_the_record_of_acts() {
    let dir = tempfile::tempdir().unwrap();
    let server = FakeRestate::start(vec![row("inv_1")]);
    let hub = hub(&server.url(), "", Some(dir.path()));
    let settings = Settings::new("test", "tester");
    let mut cases = 0;
    for (n, payload) in hiding().iter().enumerate() {
        let text = marked(n, payload);
        // As the error of a source.
        server.behave(Behaviour::Answers(Reply::new(403, "application/json", json!({"message": text}).to_string())));
        hub.pass().await;
        let error = status(&hub, SOURCE).await.error.unwrap();
        is_clean("the error of a source", &error);
        assert!(is_shown(n, payload, &error), "{payload:?}: {error}");
        let ops: Arc<dyn Ops> = hub.clone();
        let buffer = cockpit::snapshot(ops, ScreenName::Sources, 220, 40, &settings).await.unwrap();
        let sources = cockpit::text(&buffer);
        is_clean("the sources", &sources);
        assert!(is_shown(n, payload, &sources), "{payload:?}: {sources}");
        // As the answer to an act.
        server.be_good();
        server.behave_for(
            Kind::Act,
            Behaviour::Answers(Reply::new(409, "application/json", json!({"message": text}).to_string())),
        );
        let plan = hub.plan(Verb::Cancel, &InstanceId::new(SOURCE, "inv_1")).await.unwrap();
        let act = hub.remediate(&plan.hash, &marked(n, payload)).await.unwrap();
        let act = ended(&hub, &act).await;
        for text in [&act.outcome, &act.reason] {
            is_clean("an act", text);
            assert!(is_shown(n, payload, text), "{payload:?}: {text}");
        }
        let ops: Arc<dyn Ops> = hub.clone();
        let keys = ": a c t s enter";
        let buffer = cockpit::snapshot_after(ops, ScreenName::Board, keys, 220, 60, &settings).await.unwrap();
        let acts = cockpit::text(&buffer);
        is_clean("the acts", &acts);
        assert!(is_shown(n, payload, &acts), "{payload:?}: {acts}");
        cases += 5;
    }
    let told = crate::support::ledger::entries(dir.path()).into_iter().map(|entry| entry.detail + "\n");
    cases += all_are_shown("the record of acts", &told.collect::<String>());
    record("escapes", cases, 6 * LEAST);
}

/// Sources that fail with some payloads each, and what the program says of them.
#[test]
fn in_errors_of_the_program() {
    const EACH: usize = 2;
    let server = Hostile::start(Behaviour::by(|request| {
        let at: usize = request.path.trim_start_matches("/p").split('/').next().unwrap().parse().unwrap();
        let payloads = hiding().into_iter().enumerate().skip(at * EACH).take(EACH);
        let message: String = payloads.map(|(n, payload)| marked(n, &payload)).collect();
        Behaviour::Answers(Reply::new(401, "application/json", json!({"message": message}).to_string()))
    }));
    let urls: Vec<(String, String)> =
        (0..hiding().len().div_ceil(EACH)).map(|at| (format!("s{at}"), format!("{}/p{at}", server.url()))).collect();
    let sources: Vec<(&str, &str, &str)> =
        urls.iter().map(|(name, url)| (name.as_str(), url.as_str(), "30s")).collect();
    let ran = Binary::new(&config_of(&sources)).run(&["get", "sources"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let mut cases = all_are_shown("standard output", &ran.stdout);
    cases += all_are_shown("standard error", &ran.stderr);
    record("escapes", cases, 2 * LEAST);
}

/// What an operator pastes, without a look at it.
#[test]
fn in_words_of_the_command_line_and_of_the_config() {
    let mut cases = 0;
    let binary = Binary::new("");
    for (n, payload) in hiding().iter().enumerate() {
        let text = marked(n, payload);
        if !text.contains('\0') {
            for words in [
                &["get", "flows", "--demo", &format!("flow:x state:{text}")][..],
                &["get", "flow", "--demo", &text],
                &["get", &text],
                &["--context", &text, "get", "board"],
                &[&text],
            ] {
                let ran = binary.run(words);
                assert_eq!(ran.code, Some(2), "{words:?}: {ran:?}");
                is_clean(&format!("{words:?}"), &(ran.stdout + &ran.stderr));
                cases += 1;
            }
        }
        let ran = Binary::new(&format!("[[source]]\nname = \"a\"\nkind = \"{text}\"\nurl = \"http://a\"\n"))
            .run(&["get", "board"]);
        assert_eq!(ran.code, Some(2), "{text:?}: {ran:?}");
        is_clean(&format!("a config with {payload:?}"), &(ran.stdout + &ran.stderr));
        cases += 1;
    }
    record("escapes", cases, 5 * LEAST);
}

/// The bytes that reach the terminal, and what reaches the clipboard.
#[test]
fn on_the_wire_and_on_the_clipboard() {
    let rows = hiding().into_iter().enumerate().map(|(n, payload)| {
        let text = marked(n, &payload);
        // The id itself, since that is what is copied.
        row_with(&format!("inv_{text}"), &json!({"last_failure": text, "step": payload, "target_service_key": payload}))
    });
    let server = FakeRestate::start(rows.collect());
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config.toml");
    std::fs::write(&config, config_of(&[("a", &server.url(), "30s")])).unwrap();
    let launch = Launch::command(&[PROGRAM]).env("QUARTERDECK_CONFIG", config.to_str().unwrap());
    let mut term = launch.size((220, 100)).start();
    term.shows("flows need eyes");
    term.press("2");
    let count = hiding().len();
    let copy = TABLE.iter().find(|command| command.name.starts_with("copy")).unwrap().keys[0];
    term.until("every instance", |seen| seen.has(&format!("1/{count}")));
    let seen = term.repainted();
    let mut cases = all_are_shown("the screen", &seen.lines.join("\n"));
    for n in 0..count {
        term.press("home");
        (0..n).for_each(|_| term.press("down"));
        term.until("the row", |seen| seen.lines[2].contains(&format!(" {}/{count}", n + 1)));
        term.press(copy);
        term.until("that it was copied", |seen| seen.last().contains("sent to the clipboard"));
    }
    term.write(":q\r");
    term.given_back();
    let (text, commands) = bytes::text_and_commands(&term.raw());
    is_clean("the wire", &text.replace('\r', ""));
    let mut copied = Vec::new();
    for command in commands {
        // No title is set, nothing is asked of the terminal, and what is copied is code until the terminal reads it.
        let code = command.strip_prefix("]52;c;").unwrap_or_else(|| panic!("{command:?} was sent to the terminal"));
        copied.push(String::from_utf8(decoded(code)).unwrap());
    }
    assert_eq!(copied.len(), count);
    cases += all_are_shown("the clipboard", &copied.join("\n"));
    record("escapes", cases, 2 * LEAST);
}

/// What is meant by base64.
fn decoded(code: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut out, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for letter in code.bytes().filter(|letter| *letter != b'=') {
        let value = LETTERS.iter().position(|known| *known == letter).unwrap_or_else(|| panic!("{code}"));
        bits = bits << 6 | u32::try_from(value).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xff).unwrap());
        }
    }
    out
}
