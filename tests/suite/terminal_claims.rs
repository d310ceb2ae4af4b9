//! Claims in real terminals: two programs of two people that share one state directory; and marks and groups on the
//! demo world.

use std::path::Path;

use crate::support::fake_restate::{FakeRestate, row, row_with};
use crate::support::program::{command, finish};
use crate::term::{Launch, Seen, Term};

/// A config of somebody who shares the state directory.
fn config(folder: &Path, operator: &str, url: &str) -> String {
    let file = folder.join(format!("{operator}.toml"));
    let state = folder.join("state");
    let text = format!(
        "operator = \"{operator}\"\nstate_dir = \"{}\"\n\n[[source]]\nname = \"restate\"\nkind = \"restate\"\n\
         url = \"{url}\"\npoll = \"1s\"\n",
        state.display()
    );
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

fn cockpit(config: &str) -> Term {
    cockpit_that_shows(config, "unclaimed")
}

#[test]
fn two_people_who_share_the_state_directory_see_each_others_claims() {
    let dir = tempfile::tempdir().unwrap();
    let server =
        FakeRestate::start(vec![row("inv_1"), row_with("inv_2", &serde_json::json!({"target_service_key": "b"}))]);
    let (a, b) = (config(dir.path(), "op-a", &server.url()), config(dir.path(), "op-b", &server.url()));
    let said = finish(&mut command(["get", "board", "--config", &a]));
    assert!(said.out.contains("unclaimed"), "{said:?}");
    let (mut first, mut second) = (cockpit(&a), cockpit(&b));
    // No single key claims, and Esc leaves all as it was.
    first.press("c");
    first.shows_all(&["I'm on it", "nobody has claimed it"]);
    first.press("esc");
    first.lacks("I'm on it");
    first.press("c 2 h tab");
    first.write("rolling back");
    first.press("enter");
    first.shows("you 1h");
    second.shows_all(&["op-a 1h", "rolling back"]);
    // Whoever wants it too is asked first; the button that leaves it has the focus.
    second.press("c enter");
    second.shows("op-a has it until ");
    second.press("enter");
    second.lacks("take over?");
    second.press("enter tab enter");
    second.shows("you 29m");
    first.shows("op-b 29m");
    // Scripts see it too, and write nothing.
    let said = finish(command(["get", "board", "-o", "json", "--config", &a]).env_remove("QUARTERDECK_OPERATOR"));
    let claim = &said.json()["cohorts"][0]["claim"];
    assert_eq!((claim["by"].as_str(), claim["kind"].as_str()), (Some("op-b"), Some("claim")), "{claim}");
    assert!(claim["until"].is_string() && claim["note"].is_null(), "{claim}");
    let said = finish(&mut command(["get", "board", "--config", &a]));
    assert!(said.out.contains("claimed by op-b 29m"), "{}", said.out);
    // It outlives the program that made it.
    second.press("q");
    second.given_back();
    let mut third = cockpit_that_shows(&b, "you 29m");
    third.press("c r enter");
    third.shows("unclaimed");
    first.shows("unclaimed");
    // Who said what and when stays on record.
    let said = finish(&mut command(["audit", "list", "-o", "json", "--config", &a]));
    let told: Vec<String> = said.json()["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["subject"].as_str().is_some_and(|subject| subject.starts_with("cohort ")))
        .map(|entry| format!("{} {}", entry["actor"].as_str().unwrap(), entry["action"].as_str().unwrap()))
        .collect();
    assert_eq!(told, ["op-b release", "op-b claim", "op-a claim"]);
    // Who may not write sees it and is told why nothing can be said.
    let mut looks = Launch::command(&[crate::term::PROGRAM, "--read-only", "--config", &b]).start();
    looks.shows_all(&["SchemaMigration/migrate › apply-0042", "unclaimed"]);
    looks.press("c enter");
    looks.shows("claims can't be changed: started with --read-only");
    looks.press("esc");
    first.press("c s enter");
    first.shows("1 snoozed (F shows)");
    third.shows("1 snoozed (F shows)");
    looks.shows("1 snoozed (F shows)");
    third.press("F");
    third.shows("snoozed");
}

#[test]
fn claims_of_an_older_version_are_taken_over_by_a_cockpit_and_a_single_look_says_that_there_are_some() {
    let dir = tempfile::tempdir().unwrap();
    let server = FakeRestate::start(vec![row("inv_1")]);
    let config = config(dir.path(), "op-a", &server.url());
    let board = |extra: &[&str]| finish(command(["get", "board", "--config", &config]).args(extra));
    let cohort = board(&["-o", "json"]).json()["cohorts"][0]["id"].as_str().unwrap().to_owned();
    let now = jiff::Timestamp::now();
    let until = now + jiff::SignedDuration::from_mins(90);
    let line = format!(
        "{{\"at\":\"{now}\",\"cohort\":\"{cohort}\",\"by\":\"op-b\",\"event\":\"made\",\"id\":\"c1\",\"kind\":\"claim\",\
         \"until\":\"{until}\",\"count\":1,\"tenants\":0}}\n"
    );
    let state = dir.path().join("state");
    std::fs::create_dir_all(&state).unwrap();
    crate::support::ledger::put(&state, "claims.jsonl", line.as_bytes());
    let said = board(&[]);
    assert!(said.out.contains("unclaimed") && said.err.contains("claims.jsonl is of an older version"), "{said:?}");
    assert_eq!(state.read_dir().unwrap().count(), 1, "a single look makes nothing");
    let mut term = cockpit_that_shows(&config, "op-b 1h");
    term.press("q");
    term.given_back();
    let said = board(&[]);
    assert!(said.out.contains("claimed by op-b 1h") && !said.err.contains("older version"), "{said:?}");
    assert!(state.join("claims.jsonl.taken-over").exists() && !state.join("claims.jsonl").exists());
}

fn cockpit_that_shows(config: &str, who: &str) -> Term {
    let term = Launch::command(&[crate::term::PROGRAM, "--config", config]).start();
    term.shows_all(&["SchemaMigration/migrate › apply-0042", who]);
    term
}

/// On the flows of the demo world.
fn flows() -> Term {
    let mut term = Launch::demo().start();
    term.shows("flows need eyes");
    term.press("2");
    term.until("the list", |seen| seen.has("↓ worst") && seen.lines[4].starts_with('▸'));
    term
}

fn marked(seen: &Seen) -> usize {
    seen.lines.iter().filter(|line| line.chars().nth(1) == Some('●')).count()
}

#[test]
fn marks_stay_on_their_instances() {
    let mut term = flows();
    term.press("space space down space");
    term.until("three marks", |seen| seen.has("● 3 marked") && marked(seen) == 3);
    term.press("s t");
    // The rows of the order before stay until those of this one have come.
    term.until("another order", |seen| seen.has("● 3 marked") && seen.has("↓ tenant") && marked(seen) < 3);
    term.press("s w");
    term.until("them again", |seen| {
        seen.has("↓ worst") && marked(seen) == 3 && seen.lines[4].contains("lost wait       3d")
    });
    term.press("ctrl-d V");
    term.until("a range", |seen| seen.has("more marked") && marked(seen) > 4);
    term.press("v");
    term.shows("marked instances");
    term.press("esc");
    term.lacks("what may be done to");
    term.press("esc");
    term.until("none", |seen| seen.has("cleared: ") && marked(seen) == 0 && seen.has("↓ worst"));
    term.press("*");
    term.until("all of them", |seen| seen.lines[2].contains("● all ") && marked(seen) > 10);
}

#[test]
fn groups_open_and_fold() {
    let mut term = flows();
    term.press("b");
    term.shows_all(&["group by", "tenant"]);
    term.press("f");
    term.until("the heads", |seen| {
        seen.has("≡ by flow") && seen.lines[4].starts_with("▸▹") && seen.lines[4].contains(" stuck")
    });
    term.press("enter");
    term.until("its instances", |seen| seen.lines[4].starts_with("▸▿") && !seen.lines[5].contains(" stuck "));
    term.press("enter");
    term.until("the heads alone", |seen| seen.lines[4].starts_with("▸▹"));
    term.press("w");
    term.shows_all(&["views", "is:stuck", "oldest"]);
    term.press("1");
    term.until("that view", |seen| seen.lines[2].starts_with(" / is:stuck"));
}
