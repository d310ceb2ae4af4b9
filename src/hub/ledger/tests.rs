//! The ledger as it is opened, written and found damaged. Chains that were tampered with: `tests/suite/audit.rs`.

use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::migrations::{ALL, Migration, copy_before};
use super::*;
use crate::domain::audit::Entry;
use crate::domain::decided::Decision;
use crate::domain::ids::InstanceId;
use crate::domain::remediation::ItemState;

fn act(id: &str) -> Begun {
    let sending = r#"{"verb":"resume","source":"eu","instance":"inv_1","version":"v","flow":"a/b","plan_hash":"h","reason":"because","requested_by":"jo","before":{"engine_now":"2026-01-15T03:12:00Z","completed_commands":2,"step":"apply","fingerprint":null}}"#;
    let at = "2026-01-15T03:12:00Z".parse().unwrap();
    Begun { id: id.into(), at, source: "eu".into(), instance: "inv_1".into(), sending: sending.into() }
}

fn begin(ledger: &Ledger, id: &str) -> Result<(), LedgerError> {
    let act = act(id);
    ledger.write_now(async move |writing| {
        writing.begin(&act).await?;
        writing.audit(own(Action::Act, json!({ "id": act.id }))).await
    })
}

fn end(ledger: &Ledger, id: &str) -> bool {
    let at = Timestamp::now();
    ledger.write_now(async move |writing| writing.end(id, ItemState::Verified, "it succeeded", at).await).unwrap()
}

pub(super) fn left(ledger: &Ledger) -> Vec<&str> {
    ledger.unfinished().iter().map(|left| left.id.as_str()).collect()
}

/// What a statement says to the database behind the ledger's back.
fn behind_its_back(dir: &TempDir, sql: &'static str) -> Result<(), sqlx::Error> {
    apart(|| {
        let told = drive(async {
            let mut connection = sqlite::connect(&file(dir.path())).await?;
            let told = sqlx::raw_sql(sql).execute(&mut connection).await.map(|_| ());
            connection.close().await?;
            Ok::<_, sqlx::Error>(told)
        });
        told.unwrap()
    })
}

/// A connection of somebody else.
pub(in crate::hub) async fn connect(dir: &Path) -> SqliteConnection {
    sqlite::connect(&file(dir)).await.unwrap()
}

pub(super) fn look(dir: &TempDir) -> Verification {
    apart(|| drive(async { Book::open(dir.path()).await?.verify().await })).unwrap()
}

pub(super) fn entries(dir: &TempDir) -> Vec<Entry> {
    let (mut entries, unreadable) =
        apart(|| drive(async { Book::open(dir.path()).await?.entries(&Choice::default()).await })).unwrap();
    assert_eq!(unreadable, 0);
    entries.reverse();
    entries
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_was_begun_and_not_ended_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    assert_eq!(left(&ledger), [""; 0]);
    begin(&ledger, "1").unwrap();
    begin(&ledger, "2").unwrap();
    assert!(end(&ledger, "1"));
    assert!(!end(&ledger, "1"), "it ends once");
    drop(ledger);
    let ledger = Ledger::open(dir.path()).unwrap();
    let act = act("2");
    assert_eq!(ledger.unfinished(), [Unfinished { id: act.id, at: act.at, sending: act.sending }]);
}

#[test]
fn an_act_is_begun_once_and_what_fails_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    begin(&ledger, "1").unwrap();
    assert!(begin(&ledger, "1").unwrap_err().to_string().contains("was begun before"));
    let given_up = ledger.write_now(async |writing| {
        writing.begin(&act("2")).await?;
        writing.audit(own(Action::Act, json!({}))).await?;
        Err::<(), _>(LedgerError::Unwritable("given up".into()))
    });
    assert!(given_up.is_err());
    assert_eq!(entries(&dir).len(), 1);
    drop(ledger);
    assert_eq!(left(&Ledger::open(dir.path()).unwrap()), ["1"]);
}

#[test]
fn what_another_process_may_be_running_is_left_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let first = Ledger::open(dir.path()).unwrap();
    begin(&first, "1").unwrap();
    let second = Ledger::open(dir.path()).unwrap();
    assert_eq!(left(&second), [""; 0]);
    begin(&second, "2").unwrap();
    drop(first);
    assert_eq!(left(&Ledger::open(dir.path()).unwrap()), [""; 0], "the second one is still there");
    drop(second);
    assert_eq!(left(&Ledger::open(dir.path()).unwrap()), ["1", "2"]);
    assert_eq!(look(&dir).broken, None);
}

#[test]
fn others_may_not_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    begin(&ledger, "1").unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    drop(ledger);
    let path = file(dir.path());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = Ledger::open(dir.path()).unwrap_err().to_string();
    assert!(refused.contains("can be read by others (mode 644)"), "{refused}");
    assert!(refused.ends_with(&format!("chmod 600 {}", path.display())), "{refused}");
}

#[test]
fn a_directory_that_cannot_be_written_is_an_error() {
    assert!(matches!(Ledger::open(Path::new("/proc/quarterdeck")), Err(LedgerError::File { .. })));
}

#[test]
fn the_audit_is_only_appended_to() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    begin(&ledger, "1").unwrap();
    begin(&ledger, "2").unwrap();
    for sql in [
        "UPDATE audit SET actor = 'mara'",
        "DELETE FROM audit WHERE sequence = 2",
        "INSERT INTO audit SELECT 4, at, actor, trusted, context, action, subject, remediation, plan_hash, detail, previous, hash FROM audit WHERE sequence = 2",
        "INSERT OR REPLACE INTO audit SELECT 1, at, 'mara', trusted, context, action, subject, remediation, plan_hash, detail, previous, hash FROM audit WHERE sequence = 1",
    ] {
        let refused = behind_its_back(&dir, sql).unwrap_err().to_string();
        assert!(refused.contains("only appended to"), "{sql}: {refused}");
    }
    assert_eq!((look(&dir).broken, entries(&dir).len()), (None, 2));
}

#[test]
fn where_the_disk_is_full_it_says_so_and_has_what_it_had() {
    let ledger = Ledger::full();
    let refused = begin(&ledger, "1").unwrap_err();
    assert!(matches!(refused, LedgerError::Full(_)), "{refused}");
    assert!(refused.to_string().contains("the disk is full"), "{refused}");
}

#[test]
fn where_another_program_holds_it_it_says_so_and_goes_on_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    apart(|| {
        let held = drive(async {
            let mut other = sqlite::connect(&file(dir.path())).await?;
            sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut other).await?;
            let refused = begin(&ledger, "1").unwrap_err();
            assert!(refused.to_string().contains("is locked by another program"), "{refused}");
            sqlx::raw_sql("ROLLBACK").execute(&mut other).await?;
            other.close().await
        });
        held.unwrap();
    });
    begin(&ledger, "1").unwrap();
    assert_eq!(entries(&dir).len(), 1);
}

#[test]
fn a_damaged_a_newer_and_a_foreign_one_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path());
    drop(Ledger::open(dir.path()).unwrap());
    behind_its_back(&dir, "INSERT INTO migrations VALUES (99, 'later', 0)").unwrap();
    let refused = Ledger::open(dir.path()).unwrap_err().to_string();
    let known = migrations::ALL.last().unwrap().version;
    let newer = format!("newer Quarterdeck (its tables are version 99, and this program knows {known})");
    assert!(refused.contains(&newer), "{refused}");

    let garbage = vec![b'x'; 10_000];
    std::fs::write(&path, &garbage).unwrap();
    let refused = Ledger::open(dir.path()).unwrap_err();
    assert!(matches!(refused, LedgerError::Corrupt { .. }), "{refused}");
    assert!(refused.to_string().contains("is damaged") && refused.to_string().contains("mv "), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), garbage, "it is left as it is");

    let dir = tempfile::tempdir().unwrap();
    sqlite::make(&file(dir.path())).unwrap();
    behind_its_back(&dir, "CREATE TABLE notes (text TEXT)").unwrap();
    assert!(matches!(Ledger::open(dir.path()), Err(LedgerError::Foreign(_))));
}

#[test]
fn pages_that_were_overwritten_are_found_when_it_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    for n in 0..200 {
        begin(&ledger, &n.to_string()).unwrap();
    }
    drop(ledger);
    let mut bytes = std::fs::read(file(dir.path())).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8_192].fill(0xA5);
    std::fs::write(file(dir.path()), bytes).unwrap();
    let refused = Ledger::open(dir.path()).unwrap_err();
    assert!(matches!(refused, LedgerError::Corrupt { .. }), "{refused}");
    let found = look(&dir);
    assert!(found.broken.is_some(), "{found:?}");
}

/// The steps there are, and one more.
fn one_more() -> Vec<Migration> {
    let version = i64::try_from(ALL.len()).unwrap() + 1;
    let more = Migration { version, name: "more", tables: "CREATE TABLE more (id TEXT NOT NULL PRIMARY KEY)", own: "" };
    ALL.iter().copied().chain([more]).collect()
}

#[test]
fn a_copy_is_kept_before_it_is_changed_for_a_new_version() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    begin(&ledger, "1").unwrap();
    let steps = one_more();
    let in_use = apart(|| Ledger::open_with(dir.path(), &steps)).unwrap_err();
    assert!(matches!(in_use, LedgerError::InUse(_)), "{in_use}");
    drop(ledger);
    // What a process has left that ended while it copied.
    let copy = copy_before(&file(dir.path()), i64::try_from(ALL.len()).unwrap() + 1);
    std::fs::write(copy.with_extension("before-2.new"), "half").unwrap();
    let ledger = apart(|| Ledger::open_with(dir.path(), &steps)).unwrap();
    assert_eq!(left(&ledger), ["1"]);
    drop(ledger);
    assert!(matches!(Ledger::open(dir.path()), Err(LedgerError::Newer { .. })), "it is changed");
    assert_eq!(mode(&copy), 0o600);
    // The copy is a ledger of the version before, with everything in it.
    let old = tempfile::tempdir().unwrap();
    std::fs::rename(&copy, file(old.path())).unwrap();
    std::fs::copy(head::path(dir.path()), head::path(old.path())).unwrap();
    assert_eq!((look(&old).broken, entries(&old).len()), (None, 1));
    assert_eq!(left(&Ledger::open(old.path()).unwrap()), ["1"]);
    // A new one needs none.
    let fresh = tempfile::tempdir().unwrap();
    drop(apart(|| Ledger::open_with(fresh.path(), &steps)).unwrap());
    assert!(!copy_before(&file(fresh.path()), 1).exists() && !copy_before(&file(fresh.path()), 2).exists());
}

#[test]
fn a_step_that_fails_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    begin(&Ledger::open(dir.path()).unwrap(), "1").unwrap();
    let mut steps = one_more();
    steps[ALL.len()].own = "CREATE TABLE more (again TEXT)";
    assert!(apart(|| Ledger::open_with(dir.path(), &steps)).is_err());
    assert_eq!(left(&Ledger::open(dir.path()).unwrap()), ["1"]);
}

#[test]
fn the_end_of_the_chain_is_noted_beside_it_and_may_be_behind() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    assert_eq!(look(&dir).broken, None, "nothing is recorded yet");
    begin(&ledger, "1").unwrap();
    let earlier = std::fs::read(head::path(dir.path())).unwrap();
    begin(&ledger, "2").unwrap();
    begin(&ledger, "3").unwrap();
    let found = look(&dir);
    assert_eq!((found.count, found.behind, found.broken), (3, 0, None));
    assert_eq!(found.noted, Some(found.head));
    // A process ended between the ledger and the note.
    std::fs::write(head::path(dir.path()), earlier).unwrap();
    let found = look(&dir);
    assert_eq!((found.count, found.behind, found.broken), (3, 2, None));
    begin(&ledger, "4").unwrap();
    let found = look(&dir);
    assert_eq!((found.count, found.behind, found.broken), (4, 0, None));
}

#[test]
fn an_end_that_is_gone_is_told_and_nothing_is_written_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    for n in ["1", "2", "3"] {
        begin(&ledger, n).unwrap();
    }
    behind_its_back(&dir, "DROP TRIGGER audit_is_not_shortened; DELETE FROM audit WHERE sequence = 3").unwrap();
    let refused = begin(&ledger, "4").unwrap_err().to_string();
    assert!(refused.contains("says that there are 3 entries, and there are 2"), "{refused}");
    drop(ledger);
    assert!(matches!(Ledger::open(dir.path()), Err(LedgerError::Broken { .. })));
    assert_eq!(look(&dir).broken.unwrap().sequence, 3);
    // Whoever wants to go on does as it was told, and that stays to be seen.
    std::fs::rename(head::path(dir.path()), dir.path().join("audit.head.kept")).unwrap();
    assert!(look(&dir).broken.unwrap().why.contains("audit.head is missing"));
    let ledger = Ledger::open(dir.path()).unwrap();
    begin(&ledger, "4").unwrap();
    let found = look(&dir);
    assert_eq!((found.count, found.broken), (4, None));
    assert_eq!(found.unanchored.into_iter().collect::<Vec<_>>(), [3]);
    let actions: Vec<_> = entries(&dir).into_iter().map(|entry| entry.action).collect();
    assert_eq!(actions, ["act", "act", "unanchored", "act"]);
}

#[test]
fn a_note_that_is_damaged_is_no_note() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    begin(&ledger, "1").unwrap();
    for text in ["", "{", "{\"schema\":\"other\",\"sequence\":1,\"hash\":\"x\"}", &"x".repeat(2_000)] {
        std::fs::write(head::path(dir.path()), text).unwrap();
        assert!(matches!(begin(&ledger, "2"), Err(LedgerError::Broken { .. })), "{text}");
        assert!(look(&dir).broken.unwrap().why.contains("can't be read"), "{text}");
    }
    assert_eq!(entries(&dir).len(), 1);
}

#[test]
fn an_end_from_elsewhere_is_looked_for() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    begin(&ledger, "1").unwrap();
    let first = look(&dir).head;
    begin(&ledger, "2").unwrap();
    let against = |head: &Head| {
        apart(|| drive(async { Book::open(dir.path()).await?.verify_against(Some(head)).await })).unwrap().broken
    };
    assert_eq!(against(&first), None);
    assert_eq!(against(&Head { sequence: 2, ..first.clone() }).unwrap().sequence, 2);
    assert_eq!(against(&Head { sequence: 7, ..first }).unwrap().sequence, 3);
}

#[test]
fn one_in_memory_is_a_ledger_too() {
    let ledger = Ledger::in_memory();
    begin(&ledger, "1").unwrap();
    assert!(begin(&ledger, "1").is_err());
    assert!(end(&ledger, "1"));
}

#[tokio::test]
async fn what_was_left_alone_before_there_were_decisions_is_left_alone_still() {
    let dir = tempfile::tempdir().unwrap();
    let before = apart(|| Ledger::open_with(dir.path(), &ALL[..10])).unwrap();
    before
        .write_now(async |writing| {
            sqlx::query(
                "INSERT INTO drift_ignores (context, source, finding, ignored_by, ignored_at, until, reason) \
                 VALUES ('c', 'salt', 'web-1', 'ada', 1000, 2000, 'the move')",
            )
            .execute(&mut *writing.connection)
            .await?;
            Ok(())
        })
        .unwrap();
    drop(before);
    let ledger = Ledger::open(dir.path()).unwrap();
    let decided = ledger.reader().decisions("c".to_owned()).await.unwrap().unwrap();
    let Some(Decision::Ignore(ignore)) = decided.get(&InstanceId::new("salt", "web-1")) else { panic!("{decided:?}") };
    assert_eq!((ignore.by.as_str(), ignore.until.as_millisecond(), ignore.reason.as_str()), ("ada", 2_000, "the move"));
}
