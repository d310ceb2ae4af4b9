//! `quarterdeck doctor` as an operator and a script meet it: what it finds of each kind of server, in each format, and
//! with which exit code.

use std::path::Path;
use std::time::Duration;

use crate::support::fake_restate::{FakeRestate, Kind, row};
use crate::support::hostile::{Behaviour, Reply};
use crate::support::program::{Said, command, list};
use crate::support::tls::{Authority, Pair, TlsFront, Validity};
use crate::support::wait::eventually_now;
use crate::term::{Launch, PROGRAM};
use jiff::{SignedDuration, Timestamp};
use rustls::ALL_VERSIONS;
use serde_json::{Value, json};
use tempfile::TempDir;

const BEARER: &str = "auth = { bearer = { env = \"TOKEN\" } }";

/// A folder with a config of these sources: name, URL, and further keys.
fn home(sources: &[(&str, &str, &str)]) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let mut config = "state_dir = \"state\"\n".to_owned();
    for (name, url, keys) in sources {
        let source = format!("[[source]]\nname = \"{name}\"\nkind = \"restate\"\nurl = \"{url}\"\ntimeout = \"5s\"\n");
        config += &(source + keys + "\n");
    }
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    home
}

fn doctor(home: &Path, words: &[&str]) -> Said {
    let config = home.join("config.toml");
    let mut command = command(["--config", config.to_str().unwrap(), "doctor"].iter().chain(words));
    Said::of(&command.env("TOKEN", "canary-5f1d2c").env("TERM", "xterm-256color").output().unwrap())
}

/// What was found of this, as `STATE text`, one for each time that it was looked at.
fn found(report: &Value, of: &str, check: &str) -> Vec<String> {
    let checks = list(report, "checks").iter().filter(|finding| finding["of"] == of && finding["check"] == check);
    checks
        .map(|finding| format!("{} {}", finding["state"].as_str().unwrap(), finding["text"].as_str().unwrap()))
        .collect()
}

/// The one finding of this.
#[track_caller]
fn one(report: &Value, of: &str, check: &str) -> String {
    let found = found(report, of, check);
    assert_eq!(found.len(), 1, "{of}, {check}: {report:#}");
    found.into_iter().next().unwrap()
}

fn good() -> FakeRestate {
    FakeRestate::start(vec![row("inv_1")])
}

#[test]
fn where_all_is_well_it_says_so_of_each_thing_and_leaves_nothing_behind() {
    let server = good();
    let home = home(&[("here", &server.url(), BEARER)]);
    let said = doctor(home.path(), &["-o", "json"]).good();
    let report = said.json();
    let of_here: Vec<&str> = list(&report, "checks").iter().map(|finding| finding["of"].as_str().unwrap()).collect();
    // A source may be called anything but this.
    assert!(of_here.contains(&"this machine") && of_here.contains(&"here"), "{of_here:?}");
    assert!(one(&report, "this machine", "config").starts_with("ok "));
    assert!(one(&report, "this machine", "state").ends_with("can be written: acts can be recorded"));
    assert!(one(&report, "this machine", "clock").starts_with("ok "));
    assert!(one(&report, "this machine", "terminal").starts_with("ok xterm-256color"));
    assert!(one(&report, "here", "reachable").starts_with(&format!("ok {}", server.url())));
    assert_eq!(one(&report, "here", "version"), "ok 1.7.12");
    assert_eq!(one(&report, "here", "clock"), "ok agrees with this machine's");
    assert_eq!(found(&report, "here", "can read").len(), 4);
    assert_eq!(one(&report, "here", "credentials"), "ok bearer token from the environment variable TOKEN");
    assert_eq!(one(&report, "here", "TLS"), "ok none: the URL begins with http://");
    assert_eq!(one(&report, "here", "may do"), "ok resume, pause, restart-as-new, cancel, kill, purge, after a review");
    let source = &report["sources"][0];
    assert_eq!(
        (&source["name"], &source["reachable"], &source["version"]),
        (&json!("here"), &json!(true), &json!("1.7.12"))
    );
    assert_eq!(
        (&source["version_tested"], &source["error"], &source["tls"]),
        (&json!(true), &Value::Null, &Value::Null)
    );
    assert!(source["clock_offset_ms"].as_i64().unwrap().abs() < 30_000);
    // It asks, and does nothing.
    assert!(server.asked(Kind::Probe) == 4 && server.asked(Kind::Act) == 0, "{:?}", server.requests());
    let left: Vec<_> = std::fs::read_dir(home.path().join("state")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn each_format_tells_the_same() {
    let (server, broken) = (good(), good());
    broken.behave(Behaviour::ErrorHtml);
    let home = home(&[("a", &server.url(), ""), ("broken", &broken.url(), "")]);
    let in_format = |format: &str| {
        let said = doctor(home.path(), &["-o", format]);
        assert_eq!((said.code, said.err.as_str()), (3, ""), "{format}");
        said
    };
    // Times, and how long something took, differ from one run to the next.
    let stable = |of: &str, check: &str| !(check == "clock" && of == "this machine" || check == "reachable");
    let told = |of: &str, check: &str, state: &str, text: &str| {
        let text = if stable(of, check) { text } else { "" };
        [of, check, state, text].map(str::to_owned)
    };
    let of_json = |finding: &Value| {
        let text = |name: &str| finding[name].as_str().unwrap().to_owned();
        told(&text("of"), &text("check"), &text("state"), &text("text"))
    };
    let json: Vec<_> = list(&in_format("json").json(), "checks").iter().map(of_json).collect();
    assert!(json.len() > 12);
    let ndjson: Vec<_> = in_format("ndjson").ndjson().iter().map(of_json).collect();
    assert_eq!(ndjson, json);
    let (header, rows) = in_format("csv").csv();
    assert_eq!(header, ["of", "check", "state", "text"]);
    let csv: Vec<_> = rows.iter().map(|row| told(&row[0], &row[1], &row[2], &row[3])).collect();
    assert_eq!(csv, json);
    let table = in_format("table").out;
    let mut lines = table.lines();
    let heads = lines.next().unwrap();
    let at = ["OF", "CHECK", "STATE", "FOUND"].map(|head| heads.find(head).unwrap());
    let cell = |line: &str, n: usize| line[at[n]..at.get(n + 1).copied().unwrap_or(line.len())].trim().to_owned();
    let rows: Vec<_> = lines.map(|line| told(&cell(line, 0), &cell(line, 1), &cell(line, 2), &cell(line, 3))).collect();
    assert_eq!(rows, json, "where it is no terminal, each finding is one line");
}

/// What one source is, the exit code, and what is found of it: check, state and words.
type Case<'a> = (&'a str, String, String, i32, &'a [(&'a str, &'a str)]);

#[test]
fn what_is_wrong_with_a_source_is_told_and_decides_how_it_ends() {
    let well = good();
    let refuses = good();
    refuses.behave(Behaviour::Unauthorized);
    let fails = good();
    fails.behave(Behaviour::ErrorHtml);
    let other = good();
    other.behave(Behaviour::Html);
    let no_table = good();
    no_table.behave_for(Kind::Probe, Behaviour::ErrorHtml);
    let newer = good();
    newer.behave_for(Kind::Version, Behaviour::Answers(Reply::json(&json!({"version": "9.9.9"}))));
    let timeless = good();
    timeless.behave_for(Kind::Clock, Behaviour::ErrorHtml);
    let clock = |offset: SignedDuration| {
        let server = good();
        server.behave_for(
            Kind::Clock,
            Behaviour::by(move |_| {
                Behaviour::Answers(Reply::rows(&[json!({"now": (Timestamp::now() + offset).to_string()})]))
            }),
        );
        server
    };
    let (ahead, behind) = (clock(SignedDuration::from_hours(1)), clock(SignedDuration::from_secs(-150)));
    let almost = clock(SignedDuration::from_secs(10));
    let mut gone = good();
    gone.vanish();

    let files = tempfile::tempdir().unwrap();
    let authority = Authority::root("own");
    let ca = files.path().join("own.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let ca = format!("ca_file = \"{}\"", ca.display());
    let front = |pair: &Pair| TlsFront::start(pair, None, ALL_VERSIONS, &well.url());
    let verified = front(&authority.server(&["localhost"], Validity::Present));
    let expired = front(&authority.server(&["localhost"], Validity::Past));
    let ends_soon = front(&authority.server(&["localhost"], Validity::Soon));
    let (certificate, _) = authority.client(Validity::Present).write(files.path(), "me");
    let (_, key) = authority.client(Validity::Present).write(files.path(), "you");
    let no_pair = format!("client_cert_file = \"{}\"\nclient_key_file = \"{}\"", certificate.display(), key.display());
    let plain = String::new;

    let cases: &[Case<'_>] = &[
        ("well", well.url(), plain(), 0, &[("reachable", "ok http://"), ("credentials", "ok none")]),
        ("unreachable", gone.url(), plain(), 3, &[("reachable", "FAILED connection refused: nothing listens at")]),
        (
            "unauthorized",
            refuses.url(),
            BEARER.to_owned(),
            3,
            &[
                ("reachable", "FAILED /version: refused (401): the server does not accept the credentials"),
                ("credentials", "FAILED bearer token from the environment variable TOKEN: see above"),
            ],
        ),
        ("failing", fails.url(), plain(), 3, &[("reachable", "FAILED /version: the server failed (500)")]),
        ("another server", other.url(), plain(), 3, &[("reachable", "FAILED /version: the answer is not JSON")]),
        (
            "no table",
            no_table.url(),
            plain(),
            3,
            &[("reachable", "ok "), ("can read", "FAILED sys_invocation: /query")],
        ),
        ("newer", newer.url(), plain(), 0, &[("version", "look 9.9.9: not one that Quarterdeck was tested with")]),
        ("timeless", timeless.url(), plain(), 0, &[("clock", "look it does not tell its time")]),
        ("ahead", ahead.url(), plain(), 0, &[("clock", "look 1 h ahead of this machine's; ages go by its clock")]),
        ("behind", behind.url(), plain(), 0, &[("clock", "look 2 min behind this machine's")]),
        ("almost", almost.url(), plain(), 0, &[("clock", "ok agrees with this machine's")]),
        ("verified", verified.url(), ca.clone(), 0, &[("TLS", "ok verified; the certificate ends on 2100-01-01")]),
        ("ends soon", ends_soon.url(), ca.clone(), 0, &[("TLS", "look verified; the certificate ends on")]),
        (
            "expired",
            expired.url(),
            ca,
            3,
            &[("reachable", "FAILED the certificate of localhost expired on 2024-01-01")],
        ),
        (
            "not believed",
            verified.url(),
            plain(),
            3,
            &[("reachable", "FAILED the certificate of localhost was issued")],
        ),
        (
            "unverified",
            expired.url(),
            "verify = false".to_owned(),
            0,
            &[
                ("TLS", "look NOT VERIFIED (verify = false)"),
                ("may do", "ok it has resume, pause, restart-as-new, cancel, kill, purge; none may be used"),
            ],
        ),
        ("no pair", verified.url(), no_pair, 3, &[("reachable", "FAILED not asked: ")]),
    ];
    for (name, url, keys, code, findings) in cases {
        // Beside one that is well, and is looked at whatever the other is.
        let home = home(&[("it", url, keys), ("other", &well.url(), "")]);
        let said = doctor(home.path(), &["-o", "json"]);
        assert_eq!((said.code, said.err.as_str()), (*code, ""), "{name}: {}", said.out);
        assert!(!said.out.contains("canary"), "{name}");
        let report = said.json();
        for (check, begins) in *findings {
            let found = found(&report, "it", check);
            assert!(found.first().is_some_and(|found| found.starts_with(begins)), "{name}: {begins:?} in {report:#}");
        }
        assert!(one(&report, "other", "reachable").starts_with("ok "), "{name}");
        let reachable = one(&report, "it", "reachable").starts_with("ok ");
        let names: Vec<&Value> = list(&report, "sources").iter().map(|source| &source["name"]).collect();
        assert_eq!(names, ["it", "other"], "{name}");
        assert_eq!(report["sources"][0]["reachable"], reachable, "{name}");
        assert_eq!(report["sources"][0]["error"].is_null(), reachable, "{name}");
        let failed = list(&report, "checks").iter().any(|finding| finding["state"] == "FAILED");
        assert_eq!(failed, *code == 3, "{name}");
    }
}

#[test]
fn a_config_that_can_not_be_read_is_usage() {
    let home = home(&[("a", "http://127.0.0.1:9", "pol = \"5s\"")]);
    doctor(home.path(), &[]).refused(&["config.toml:7:1", "unknown key \"pol\""]);
    doctor(&home.path().join("nowhere"), &[]).refused(&["nowhere"]);
}

#[test]
fn what_may_be_done_follows_the_context_and_the_command_line() {
    let server = good();
    let home = tempfile::tempdir().unwrap();
    let config = format!(
        "state_dir = \"state\"\n[context.prod]\nproduction = true\n[[context.prod.source]]\nname = \"a\"\n\
         kind = \"restate\"\nurl = \"{}\"\n",
        server.url()
    );
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let may = |words: &[&str]| {
        let words: Vec<&str> = ["--context", "prod", "-o", "json"].iter().chain(words).copied().collect();
        one(&doctor(home.path(), &words).good().json(), "a", "may do")
    };
    let why = "ok it has resume, pause, restart-as-new, cancel, kill, purge; none may be used: ";
    assert_eq!(
        may(&[]),
        format!("{why}the context is production, and read-only until it is armed or started with --write")
    );
    assert_eq!(may(&["--write"]), "ok resume, pause, restart-as-new, cancel, kill, purge, after a review");
    assert_eq!(may(&["--read-only"]), format!("{why}started with --read-only"));
    // Where acts can't be recorded, nothing can be acted on: that is worth a look, and no failure of a source.
    std::fs::remove_dir(home.path().join("state")).unwrap();
    std::fs::write(home.path().join("state"), "in the way").unwrap();
    let report = doctor(home.path(), &["--context", "prod", "-o", "json"]).good().json();
    assert!(one(&report, "this machine", "state").starts_with("look "), "{report:#}");
}

/// Sources are asked at once: the first one answers only after the last one was asked.
#[test]
fn no_source_waits_for_another() {
    let (first, last) = (good(), std::sync::Arc::new(good()));
    let other = std::sync::Arc::clone(&last);
    first.behave_for(
        Kind::Version,
        Behaviour::by(move |_| {
            let asked = || if other.asked(Kind::Version) > 0 { Ok(()) } else { Err("not asked") };
            eventually_now(Duration::from_secs(20), asked);
            Behaviour::Answers(Reply::json(&json!({"version": "1.7.12"})))
        }),
    );
    let home = home(&[("first", &first.url(), ""), ("last", &last.url(), "")]);
    let report = doctor(home.path(), &["-o", "json"]).good().json();
    let names: Vec<&Value> = list(&report, "sources").iter().map(|source| &source["name"]).collect();
    assert_eq!(names, ["first", "last"], "in the order of the config");
}

/// What is longer than the terminal is wide goes on beneath itself.
#[test]
fn on_a_terminal_it_fits() {
    let (server, broken) = (good(), good());
    broken.behave(Behaviour::Redirect(307, format!("http://{}.example/", "elsewhere-".repeat(12))));
    let home = home(&[("restate-eu", &server.url(), BEARER), ("restate-us", &broken.url(), "")]);
    let config = home.path().join("config.toml");
    for width in [80_u16, 120, 40, 20] {
        let launch = Launch::command(&[PROGRAM, "--config", config.to_str().unwrap(), "doctor"]);
        let mut term = launch.env("TOKEN", "canary-5f1d2c").size((width, 60)).start();
        let (status, _) = term.closed();
        assert_eq!(status.exit_code(), 3);
        let told = String::from_utf8(term.raw()).unwrap().replace('\r', "");
        let lines: Vec<&str> = told.lines().collect();
        // Names and states take what they take; beside them at least a few words find room.
        let found = lines[0].find("FOUND").unwrap();
        let most = usize::from(width).max(found + 24);
        assert!(lines.iter().all(|line| line.chars().count() <= most), "{width}:\n{told}");
        let at = lines.iter().position(|line| line.contains("FAILED")).unwrap();
        assert!(lines[at + 1].starts_with(&" ".repeat(found)), "{width}:\n{told}");
        let whole: String = lines[at..].iter().map(|line| line.get(found..).unwrap_or_default().trim()).collect();
        assert!(
            whole.contains("redirectsarenotfollowed") || whole.replace(' ', "").contains("redirectsarenotfollowed"),
            "{told}"
        );
    }
}
