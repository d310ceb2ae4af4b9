//! Records of older versions as they are taken over: once, whole, and with what can't be read counted.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tempfile::TempDir;

use super::super::tests::{entries, left, look};
use super::super::{Ledger, apart, drive, sqlite};
use crate::domain::claim::Claim;

/// What an older version has recorded: one act with its end, one without, and an arming.
const RECORD: &str = r#"{"at":"2026-01-15T03:12:00Z","id":"a1","event":"sending","verb":"resume","source":"eu","instance":"inv_1","version":"v","flow":"a/b","plan_hash":"h1","reason":"because","requested_by":"jo","before":{"engine_now":"2026-01-15T03:12:00Z","completed_commands":2,"step":"apply","fingerprint":null}}
{"at":"2026-01-15T03:12:01Z","id":"a1","event":"answered","state":"accepted","text":"accepted by the engine"}
{"at":"2026-01-15T03:12:02Z","id":"arm","event":"armed","until":"2026-01-15T03:32:02Z","reason":"the queue is stuck","requested_by":"jo"}
{"at":"2026-01-15T03:12:03Z","id":"a2","event":"sending","verb":"cancel","source":"eu","instance":"inv_2","version":"v","flow":"a/b","plan_hash":"h2","reason":"because","requested_by":"jo","before":{"engine_now":"2026-01-15T03:12:00Z","completed_commands":2,"step":"apply","fingerprint":"f"}}
{"at":"2026-01-15T03:12:04Z","id":"a1","event":"ended","state":"verified","text":"verified: it succeeded"}
{"at":"2026-01-15T03:12:05Z","id":"arm","event":"disarmed","text":"it was locked by hand"}
"#;

fn left_behind(dir: &TempDir, record: &[u8]) -> PathBuf {
    let path = dir.path().join("journal.jsonl");
    sqlite::make(&path).unwrap();
    std::fs::write(&path, record).unwrap();
    path
}

#[test]
fn the_record_of_an_older_version_is_taken_over_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = left_behind(&dir, RECORD.as_bytes());
    let ledger = Ledger::open(dir.path()).unwrap();
    assert_eq!(left(&ledger), ["a2"]);
    assert!(!path.exists());
    let kept = dir.path().join("journal.jsonl.taken-over");
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), RECORD);
    let told = |dir: &TempDir| entries(dir).into_iter().map(|entry| (entry.action, entry.subject)).collect::<Vec<_>>();
    let due = [
        ("takeover", "ledger"),
        ("act", "eu/inv_1"),
        ("answer", "eu/inv_1"),
        ("arm", ""),
        ("act", "eu/inv_2"),
        ("outcome", "eu/inv_1"),
        ("disarm", ""),
    ]
    .map(|(action, subject)| (action.to_owned(), subject.to_owned()));
    assert_eq!(told(&dir), due);
    let first = &entries(&dir)[1];
    assert_eq!((first.at().unwrap().to_string().as_str(), first.actor.as_str()), ("2026-01-15T03:12:00Z", "jo"));
    assert!(first.detail.contains("\"from\":\"journal.jsonl\""), "{}", first.detail);
    drop(ledger);
    // A process that ended before it could rename it.
    std::fs::rename(&kept, &path).unwrap();
    assert_eq!(left(&Ledger::open(dir.path()).unwrap()), ["a2"]);
    assert!(!path.exists() && kept.exists());
    assert_eq!(told(&dir), due);
    // An older version that was used in between went on with it.
    std::fs::rename(&kept, &path).unwrap();
    let more = RECORD.lines().next().unwrap().replace("a1", "a3");
    std::fs::write(&path, format!("{RECORD}{more}\n")).unwrap();
    assert_eq!(left(&Ledger::open(dir.path()).unwrap()), ["a3", "a2"]);
    assert_eq!(entries(&dir).len(), due.len() + 2);
    // One that it began anew has another name in the end.
    left_behind(&dir, more.replace("a3", "a4").as_bytes());
    assert_eq!(left(&Ledger::open(dir.path()).unwrap()).len(), 3);
    assert!(dir.path().join("journal.jsonl.taken-over-2").exists());
    assert_eq!(look(&dir).broken, None);
}

#[test]
fn half_a_line_of_it_hides_no_other() {
    let whole = RECORD.len();
    for cut in [10, 300, whole - 5, whole - 1, whole] {
        let dir = tempfile::tempdir().unwrap();
        let half = &RECORD.as_bytes()[..cut];
        let after = RECORD.lines().next().unwrap().replace("a1", "a9");
        left_behind(&dir, &[half, b"\n", after.as_bytes(), b"\n"].concat());
        let ledger = Ledger::open(dir.path()).unwrap();
        assert!(left(&ledger).contains(&"a9"), "{cut}");
        let unreadable = usize::from(!half.ends_with(b"\n") && !half.ends_with(b"}"));
        let detail = &entries(&dir)[0].detail;
        assert!(detail.contains(&format!("\"unreadable\":{unreadable}}}")), "{cut}: {detail}");
        assert_eq!(look(&dir).broken, None, "{cut}");
    }
}

/// What an older version has recorded of claims: one that was replaced, taken back and made anew, one that was put aside
/// and outgrown, and one that still holds.
const CLAIMS: &str = r#"{"at":"2026-01-15T03:12:00Z","cohort":"39c1f89c","by":"jo","event":"made","id":"c1","kind":"claim","until":"2026-01-15T03:42:00Z","note":"on it\u001b[31m","count":10,"tenants":4}
{"at":"2026-01-15T03:13:00Z","cohort":"39c1f89c","by":"mara","event":"made","id":"c2","kind":"acknowledge","until":"2026-01-15T04:42:00Z","count":10,"tenants":4}
{"at":"2026-01-15T03:14:00Z","cohort":"39c1f89c","by":"mara","event":"released"}
{"at":"2026-01-15T03:15:00Z","cohort":"00000002","by":"jo","event":"made","id":"c3","kind":"snooze","until":"2026-01-15T04:42:00Z","count":10,"tenants":4}
{"at":"2026-01-15T03:16:00Z","cohort":"00000002","by":"mara","event":"outgrown","id":"c3"}
{"at":"2026-01-15T03:17:00Z","cohort":"39c1f89c","by":"jo","event":"made","id":"c4","kind":"claim","until":"2036-01-15T03:42:00Z","count":12,"tenants":5}
"#;

fn claims_left_behind(dir: &TempDir, record: &[u8]) -> PathBuf {
    let path = dir.path().join("claims.jsonl");
    sqlite::make(&path).unwrap();
    std::fs::write(&path, record).unwrap();
    path
}

/// The claims that hold as long as their time does, whatever the context.
fn said(ledger: &Ledger) -> Vec<Claim> {
    let reader = ledger.reader();
    let said = apart(|| drive(async { reader.claims("prod".to_owned()).await }));
    said.unwrap().unwrap().claims
}

#[test]
fn the_claims_of_an_older_version_are_taken_over_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = claims_left_behind(&dir, CLAIMS.as_bytes());
    // Both records, each by itself.
    left_behind(&dir, RECORD.as_bytes());
    let ledger = Ledger::open(dir.path()).unwrap();
    assert_eq!(left(&ledger), ["a2"]);
    let told = |dir: &TempDir| {
        let entries = entries(dir).into_iter().filter(|entry| entry.detail.contains("\"from\":\"claims.jsonl\""));
        entries.map(|entry| (entry.action, entry.actor, entry.subject)).collect::<Vec<_>>()
    };
    let due = [
        ("takeover", "quarterdeck", "ledger"),
        ("claim", "jo", "cohort 39c1f89c"),
        ("claim", "mara", "cohort 39c1f89c"),
        ("release", "mara", "cohort 39c1f89c"),
        ("claim", "jo", "cohort 00000002"),
        ("release", "quarterdeck", "cohort 00000002"),
        ("claim", "jo", "cohort 39c1f89c"),
    ]
    .map(|(action, actor, subject)| (action.to_owned(), actor.to_owned(), subject.to_owned()));
    assert_eq!(told(&dir), due);
    let [claim] = &said(&ledger)[..] else { panic!("{:?}", said(&ledger)) };
    assert_eq!((&*claim.id, claim.count, claim.until.to_string().as_str()), ("c4", 12, "2026-01-22T03:17:00Z"));
    let kept = dir.path().join("claims.jsonl.taken-over");
    assert!(!path.exists() && kept.exists());
    drop(ledger);
    // A process that ended before it could rename it; then an older version went on with it.
    std::fs::rename(&kept, &path).unwrap();
    drop(Ledger::open(dir.path()).unwrap());
    assert_eq!(told(&dir), due);
    std::fs::rename(&kept, &path).unwrap();
    let more = CLAIMS.lines().nth(2).unwrap().replace("mara", "jo").replace("03:14", "03:18");
    std::fs::write(&path, format!("{CLAIMS}{more}\n")).unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    assert!(said(&ledger).is_empty());
    assert_eq!((told(&dir).len(), look(&dir).broken), (due.len() + 2, None));
}

#[test]
fn lines_of_claims_that_cannot_be_read_are_counted_and_hide_no_other() {
    for cut in [10, 100, CLAIMS.len() - 5, CLAIMS.len()] {
        let dir = tempfile::tempdir().unwrap();
        let last = CLAIMS.lines().last().unwrap().replace("39c1f89c", "00000009").replace("c4", "c9");
        let bad: &[u8] = b"not json\n\xff\xfe\n{\"at\":1}\n";
        let long = format!("\n{{\"at\":\"{}\"}}\n{last}\n", "x".repeat(70_000));
        claims_left_behind(&dir, &[bad, &CLAIMS.as_bytes()[..cut], long.as_bytes()].concat());
        let ledger = Ledger::open(dir.path()).unwrap();
        assert!(said(&ledger).iter().any(|claim| *claim.id == *"c9"), "{cut}");
        let half = usize::from(cut < CLAIMS.len());
        let detail = &entries(&dir)[0].detail;
        assert!(detail.contains(&format!("\"unreadable\":{}}}", 4 + half)), "{cut}: {detail}");
        assert_eq!(look(&dir).broken, None, "{cut}");
    }
    // Whatever else stands there keeps nobody waiting.
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("claims.jsonl")).unwrap();
    assert!(Ledger::open(dir.path()).unwrap_err().to_string().contains("claims.jsonl: not a file"));
}

#[test]
fn a_record_that_is_in_use_or_readable_by_others_is_not_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = left_behind(&dir, RECORD.as_bytes());
    let older = std::fs::File::open(&path).unwrap();
    older.lock_shared().unwrap();
    let refused = Ledger::open(dir.path()).unwrap_err().to_string();
    assert!(refused.contains("is still written by an older Quarterdeck"), "{refused}");
    older.unlock().unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let refused = Ledger::open(dir.path()).unwrap_err().to_string();
    assert!(refused.contains("chmod 600") && refused.contains("journal.jsonl"), "{refused}");
    assert!(path.exists());
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(left(&Ledger::open(dir.path()).unwrap()), ["a2"]);
}
