//! `quarterdeck audit`: the record listed, verified and exported, and what is said where it is not whole.

use std::fmt::Write as _;
use std::path::Path;

use crate::support::ledger::{apart, tell};
use crate::support::program::{Said, command, finish};
use jiff::{SignedDuration, Timestamp};
use quarterdeck::domain::audit::{Action, Draft, ON_TRUST};
use quarterdeck::hub::ledger::Ledger;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

const HOSTILE: &str = "\u{1b}[2J\u{202e}declined\u{7}";

/// A config with two contexts, and what was recorded in them.
fn recorded(count: usize) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let source = |context: &str| {
        format!("[[context.{context}.source]]\nname = \"eu\"\nkind = \"restate\"\nurl = \"http://127.0.0.1:1\"\n")
    };
    let config = format!("operator = \"jo\"\nstate_dir = \"state\"\n{}{}", source("prod"), source("dev"));
    std::fs::write(dir.path().join("config.toml"), config).unwrap();
    let drafts: Vec<Draft> = (0..count)
        .map(|n| Draft {
            at: Timestamp::now() - SignedDuration::from_hours(i64::try_from(count - 1 - n).unwrap()),
            actor: "jo".into(),
            trusted: Some(ON_TRUST.into()),
            context: if n % 2 == 0 { "prod" } else { "dev" }.into(),
            action: [Action::Act, Action::Answer, Action::Outcome, Action::DryRun][n % 4],
            subject: format!("eu/inv_{n}"),
            remediation: Some("a1".into()),
            plan_hash: None,
            detail: json!({ "text": "accepted by the engine", "n": n }),
        })
        .collect();
    if count > 0 {
        apart(async || Ledger::open(&state(&dir)).unwrap().audit(drafts).await.unwrap());
    }
    dir
}

fn state(dir: &TempDir) -> std::path::PathBuf {
    dir.path().join("state")
}

fn audit(dir: &TempDir, args: &[&str]) -> Said {
    let mut words = vec!["audit"];
    words.extend(args);
    finish(command(&words).env("QUARTERDECK_CONFIG", dir.path().join("config.toml")).env("QUARTERDECK_CONTEXT", "prod"))
}

fn document(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {} {}", said.out, said.err))
}

/// Takes away what refuses changes, and changes something.
fn tampered(state: &Path, sql: &str) {
    tell(state, &format!("DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_shortened; {sql}"));
}

#[test]
fn the_last_entries_are_listed_in_every_format() {
    let dir = recorded(9);
    let said = audit(&dir, &["list", "--limit", "3"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 4, "{}", said.out);
    assert!(lines[0].starts_with("#  AT (UTC)"), "{}", said.out);
    assert!(lines[1].starts_with("9  ") && lines[1].ends_with("n=8 accepted by the engine"), "{}", said.out);
    assert!(lines[2].contains("dry_run"), "{}", said.out);
    let said = audit(&dir, &["list", "-o", "json"]);
    let list = document(&said);
    assert_eq!((&list["schema"], list["entries"].as_array().unwrap().len()), (&"quarterdeck.audit/1".into(), 9));
    let said = audit(&dir, &["list", "-o", "ndjson", "--since", "150m"]);
    assert_eq!((said.code, said.out.lines().count()), (0, 3), "{}", said.out);
    let said = audit(&dir, &["list", "-o", "csv", "--context", "dev"]);
    assert_eq!((said.code, said.out.lines().count()), (0, 5), "{}", said.out);
    assert!(said.out.starts_with("sequence,at,actor,trusted,context,action"), "{}", said.out);
}

#[test]
fn a_whole_one_is_verified_with_its_end() {
    let dir = recorded(9);
    let said = audit(&dir, &["verify"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert!(said.out.starts_with("whole: 9 entries\nhead   9:"), "{}", said.out);
    let said = audit(&dir, &["verify", "-o", "json"]);
    let found = document(&said);
    assert_eq!((said.code, &found["whole"], &found["count"]), (0, &true.into(), &9.into()), "{found}");
    assert_eq!(found["head"], found["noted"]);
    let head = format!("9:{}", found["head"]["hash"].as_str().unwrap());
    assert_eq!(audit(&dir, &["verify", "--head", &head]).code, 0);
    let other = head.replace("9:", "8:");
    let said = audit(&dir, &["verify", "--head", &other]);
    assert_eq!(said.code, 5, "{}", said.out);
    assert!(
        said.out.starts_with("BROKEN at entry 8: it is another one than the end that was given says"),
        "{}",
        said.out
    );
    for wrong in ["9", "9:xyz", "x:00"] {
        assert_eq!(audit(&dir, &["verify", "--head", wrong]).code, 2, "{wrong}");
    }
}

#[test]
fn where_nothing_was_recorded_there_is_nothing_to_be_wrong() {
    let dir = recorded(0);
    let said = audit(&dir, &["verify"]);
    assert_eq!((said.code, said.out.lines().next()), (0, Some("whole: 0 entries")), "{}", said.err);
    assert_eq!(audit(&dir, &["list"]).code, 0);
    assert_eq!(audit(&dir, &["export"]).code, 0);
    assert!(!state(&dir).exists(), "looking makes nothing");
    let said = finish(&mut command(["audit", "verify", "--demo"]));
    assert_eq!(said.code, 0, "{}", said.err);
    let said = finish(&mut command(["audit", "verify", "--demo", "--context", "prod"]));
    assert_eq!(said.code, 2, "{}", said.err);
}

#[test]
fn the_first_broken_link_is_named() {
    let dir = recorded(9);
    tampered(&state(&dir), "UPDATE audit SET actor = 'mara' WHERE sequence IN (4, 7)");
    let said = audit(&dir, &["verify"]);
    assert_eq!(said.code, 5);
    assert!(said.out.starts_with("BROKEN at entry 4: it was changed: "), "{}", said.out);
    let found = document(&audit(&dir, &["verify", "-o", "json"]));
    assert_eq!((&found["broken"]["sequence"], &found["count"]), (&4.into(), &3.into()), "{found}");
    let said = audit(&dir, &["export"]);
    assert_eq!((said.code, document(&said)["broken"]["sequence"].as_u64()), (5, Some(4)), "{}", said.err);
    assert!(said.err.contains("the audit is broken at entry 4"), "{}", said.err);
    tampered_again(&dir);
}

/// What was put in by others is printed as safely as everything else.
fn tampered_again(dir: &TempDir) {
    tell(
        &state(dir),
        &format!("UPDATE audit SET actor = '{HOSTILE}', detail = '{{\"{HOSTILE}\":1}}' WHERE sequence = 4"),
    );
    for args in [
        &["list"][..],
        &["list", "-o", "json"],
        &["list", "-o", "csv"],
        &["verify"],
        &["verify", "-o", "json"],
        &["export"],
        &["export", "-o", "ndjson"],
    ] {
        let said = audit(dir, args);
        assert!(
            !said.out.chars().any(|c| c != '\n' && quarterdeck::domain::text::is_hidden(c)),
            "{args:?}: {}",
            said.out
        );
    }
    tell(&state(dir), "UPDATE audit SET at = 'never' WHERE sequence = 2");
    let said = audit(dir, &["list"]);
    assert_eq!((said.code, said.out.lines().count()), (5, 9), "{}", said.out);
    assert!(said.err.contains("1 rows are no entries: quarterdeck audit verify"), "{}", said.err);
    let said = audit(dir, &["verify"]);
    assert!(said.out.starts_with("BROKEN at entry 2: it is no entry"), "{}", said.out);
}

#[test]
fn an_export_can_be_checked_by_any_other_program() {
    let dir = recorded(9);
    let said = audit(&dir, &["export"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let export = document(&said);
    assert_eq!(export["schema"], "quarterdeck.audit/1");
    let mut previous = "0".repeat(64);
    for entry in export["entries"].as_array().unwrap() {
        assert_eq!(entry["previous"], previous.as_str());
        let mut hashed = entry.clone();
        hashed.as_object_mut().unwrap().remove("hash");
        let canonical = serde_json_canonicalizer::to_vec(&hashed).unwrap();
        previous.clear();
        for byte in Sha256::digest(canonical) {
            write!(previous, "{byte:02x}").unwrap();
        }
        assert_eq!(entry["hash"], previous.as_str(), "{entry}");
    }
    assert_eq!(export["head"], json!({ "sequence": 9, "hash": previous }));
    assert_eq!((&export["noted"], &export["whole"]), (&export["head"], &true.into()));
    let said = audit(&dir, &["export", "-o", "ndjson", "--since", "90m"]);
    let lines: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["head"]), (3, &export["head"]), "{}", said.out);
    assert_eq!(lines[2], export["entries"][8]);
    assert_eq!(audit(&dir, &["export", "--since", "yesterday"]).code, 2);
}

#[test]
fn a_ledger_that_cannot_be_read_is_told_in_words() {
    let dir = recorded(2);
    let path = state(&dir).join("ledger.sqlite");
    std::fs::write(&path, vec![b'x'; 9_000]).unwrap();
    let said = audit(&dir, &["verify"]);
    assert_eq!(said.code, 70, "{}", said.out);
    assert!(said.err.contains("is damaged") && said.err.contains("mv "), "{}", said.err);
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let said = audit(&dir, &["list"]);
    assert!(said.code == 70 && said.err.contains("chmod 600"), "{}", said.err);
}
