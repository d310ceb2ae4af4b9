//! An audit that somebody changed is found out: a letter, an entry taken away, moved, put in or rewritten, an end that
//! was cut. Two who write at once make one chain, and where the disk is full nothing is done.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crate::support::engine::{After, Answer, Engine, Wire};
use crate::support::hub::{VERBS_OF_PAUSED, ended, setup};
use crate::support::ledger::{apart, connect, copied, entries, folder, note, verified};
use crate::support::matrix::record;
use jiff::Timestamp;
use quarterdeck::config::Config;
use quarterdeck::connect::{ActAnswer, Connector};
use quarterdeck::domain::audit::{Action, Draft, Entry, Head, ON_TRUST};
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::hub::ledger::{Ledger, Verification};
use quarterdeck::hub::{Hub, Setup};
use quarterdeck::ops::{Ops, OpsError};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use tempfile::TempDir;

/// The cases of each kind.
const EACH: usize = 100;

/// Texts with letters of one to four bytes, and what JSON has to quote.
const TEXTS: [&str; 6] = ["because", "wegen \"Größe\"", "理由\\", "🙂 }{", "", "a, b; c"];

fn draft(dice: &mut StdRng, n: usize) -> Draft {
    let text = |dice: &mut StdRng| TEXTS[dice.random_range(0..TEXTS.len())].to_owned();
    let maybe = |dice: &mut StdRng| dice.random_bool(0.5).then(|| text(dice));
    Draft {
        at: Timestamp::from_millisecond(1_768_446_720_000 + dice.random_range(0..1_000_000_000)).unwrap(),
        actor: text(dice),
        trusted: dice.random_bool(0.5).then(|| ON_TRUST.to_owned()),
        context: text(dice),
        action: Action::ALL[dice.random_range(0..11)],
        subject: format!("eu/inv_{n}"),
        remediation: maybe(dice),
        plan_hash: maybe(dice),
        detail: json!({ "text": text(dice), "state": "accepted", "n": dice.random_range(0..100) }),
    }
}

/// A ledger that nobody touched: its folder, and how many entries it has.
fn written(dice: &mut StdRng) -> (TempDir, usize) {
    let state = folder();
    let count = dice.random_range(3..25);
    let drafts: Vec<Draft> = (0..count).map(|n| draft(dice, n)).collect();
    apart(async || Ledger::open(state.path()).unwrap().audit(drafts).await.unwrap());
    (state, count)
}

fn dice(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// Whoever can write to the file can do away with what refuses changes.
async fn tampered(state: &Path, statements: &[String]) {
    let mut connection = connect(state).await;
    let unguarded = [
        "DROP TRIGGER audit_is_not_changed".to_owned(),
        "DROP TRIGGER audit_is_not_shortened".to_owned(),
        "DROP TRIGGER audit_has_no_gap".to_owned(),
    ];
    for sql in unguarded.iter().chain(statements) {
        sqlx::raw_sql(AssertSqlSafe(sql.as_str())).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

fn tamper(state: &Path, statements: &[String]) {
    apart(async || tampered(state, statements).await);
}

/// Puts an entry into its place by hand.
fn put_in(entry: &Entry) -> String {
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let maybe = |maybe: &Option<String>| maybe.as_deref().map_or("NULL".to_owned(), text);
    format!(
        "INSERT INTO audit VALUES ({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})",
        entry.sequence,
        entry.at_ms,
        text(&entry.actor),
        maybe(&entry.trusted),
        text(&entry.context),
        text(&entry.action),
        text(&entry.subject),
        maybe(&entry.remediation),
        maybe(&entry.plan_hash),
        text(&entry.detail),
        text(&entry.previous),
        text(&entry.hash),
    )
}

/// It is found at that entry; nothing is written behind it by itself where its end is not what was noted.
fn is_found(state: &Path, at: u64, what: &str) -> Verification {
    let found = verified(state);
    assert_eq!(found.broken.as_ref().map(|link| link.sequence), Some(at), "{what}: {found:?}");
    found
}

#[test]
fn what_was_changed_by_one_letter_is_found() {
    let mut dice = dice(11);
    let columns = [
        "at",
        "actor",
        "trusted",
        "context",
        "action",
        "subject",
        "remediation",
        "plan_hash",
        "detail",
        "previous",
        "hash",
    ];
    let mut cases = 0;
    for n in 0..EACH {
        let (state, count) = written(&mut dice);
        let row = dice.random_range(1..=count) as u64;
        let column = columns[n % columns.len()];
        let what = format!("{column} of {row} of {count}");
        apart(async || {
            let mut connection = connect(state.path()).await;
            let read = format!("SELECT CAST({column} AS TEXT) FROM audit WHERE sequence = {row}");
            let old: Option<String> =
                sqlx::raw_sql(AssertSqlSafe(read)).fetch_one(&mut connection).await.unwrap().get(0);
            connection.close().await.unwrap();
            // One character is another one, is gone, or is there where nothing was.
            let new = match old.as_deref() {
                None | Some("") => "'x'".to_owned(),
                Some(old) => {
                    let mut chars: Vec<char> = old.chars().collect();
                    let at = dice.random_range(0..chars.len());
                    match (chars[at].is_ascii_digit(), dice.random_bool(0.3) && column != "at") {
                        (_, true) => drop(chars.remove(at)),
                        (true, _) => chars[at] = if chars[at] == '7' { '3' } else { '7' },
                        (false, _) => chars[at] = if chars[at] == 'x' { 'y' } else { 'x' },
                    }
                    format!("'{}'", chars.into_iter().collect::<String>().replace('\'', "''"))
                }
            };
            tampered(state.path(), &[format!("UPDATE audit SET {column} = {new} WHERE sequence = {row}")]).await;
        });
        is_found(state.path(), row, &what);
        cases += 1;
    }
    record("audit", cases, EACH);
}

#[test]
fn what_was_taken_away_is_found() {
    let mut dice = dice(12);
    let mut cases = 0;
    for _ in 0..EACH {
        let (state, count) = written(&mut dice);
        let from = dice.random_range(1..count) as u64;
        let to = dice.random_range(from..count as u64);
        // As it is, or with what comes after moved up.
        let mut statements = vec![format!("DELETE FROM audit WHERE sequence BETWEEN {from} AND {to}")];
        if dice.random_bool(0.5) {
            let gone = to - from + 1;
            statements.push(format!("UPDATE audit SET sequence = -(sequence - {gone}) WHERE sequence > {to}"));
            statements.push("UPDATE audit SET sequence = -sequence WHERE sequence < 0".to_owned());
        }
        tamper(state.path(), &statements);
        is_found(state.path(), from, &format!("{from} to {to} of {count}: {statements:?}"));
        cases += 1;
    }
    record("audit", cases, EACH);
}

#[test]
fn what_was_moved_is_found() {
    let mut dice = dice(13);
    let mut cases = 0;
    for _ in 0..EACH {
        let (state, count) = written(&mut dice);
        let one = dice.random_range(1..count) as u64;
        let other = dice.random_range(one + 1..=count as u64);
        let swap = [
            format!("UPDATE audit SET sequence = -1 WHERE sequence = {one}"),
            format!("UPDATE audit SET sequence = {one} WHERE sequence = {other}"),
            format!("UPDATE audit SET sequence = {other} WHERE sequence = -1"),
        ];
        tamper(state.path(), &swap);
        is_found(state.path(), one, &format!("{one} and {other} of {count}"));
        cases += 1;
    }
    record("audit", cases, EACH);
}

#[test]
fn what_was_put_in_or_rewritten_is_found() {
    let mut dice = dice(14);
    let mut cases = 0;
    for n in 0..EACH {
        let (state, count) = written(&mut dice);
        let all = entries(state.path());
        let at = dice.random_range(1..=count);
        let before = at.checked_sub(2).map_or(Head::default(), |place| all[place].head());
        // Made as Quarterdeck makes them, with a good hash.
        let forged = Entry::after(&before, draft(&mut dice, 99)).unwrap();
        let (statements, found_at) = if n % 2 == 0 {
            // Between two others, which are moved down.
            let down = [
                format!("UPDATE audit SET sequence = -(sequence + 1) WHERE sequence >= {at}"),
                "UPDATE audit SET sequence = -sequence WHERE sequence < 0".to_owned(),
                put_in(&forged),
            ];
            (down.to_vec(), (at + 1).min(count) as u64)
        } else {
            // In the place of another one, with all that come after made anew: a chain that is whole in itself.
            let mut head = forged.head();
            let mut statements = vec![format!("DELETE FROM audit WHERE sequence >= {at}"), put_in(&forged)];
            for place in at + 1..=count {
                let entry = Entry::after(&head, draft(&mut dice, place)).unwrap();
                head = entry.head();
                statements.push(put_in(&entry));
            }
            (statements, count as u64)
        };
        tamper(state.path(), &statements);
        is_found(state.path(), found_at, &format!("{at} of {count}, {n}"));
        assert!(Ledger::open(state.path()).is_err(), "nothing is written behind it");
        cases += 1;
    }
    record("audit", cases, EACH);
}

#[test]
fn an_end_that_was_cut_is_found() {
    let mut dice = dice(15);
    let mut cases = 0;
    for n in 0..EACH {
        let (state, count) = written(&mut dice);
        let left = dice.random_range(0..count) as u64;
        let what = format!("{left} left of {count}, {n}");
        match n % 4 {
            // The whole ledger is gone.
            0 => {
                std::fs::remove_file(state.path().join("ledger.sqlite")).unwrap();
                is_found(state.path(), 1, &what);
            }
            // The note went with the end.
            1 if left > 0 => {
                tamper(state.path(), &[format!("DELETE FROM audit WHERE sequence > {left}")]);
                std::fs::remove_file(state.path().join("audit.head")).unwrap();
                let found = is_found(state.path(), left + 1, &what);
                assert!(found.broken.unwrap().why.contains("audit.head is missing"), "{what}");
            }
            // The note was behind by some that were not cut.
            2 if left > 1 => {
                let noted = entries(state.path())[usize::try_from(left).unwrap()].head();
                tamper(state.path(), &[format!("DELETE FROM audit WHERE sequence > {left}")]);
                note(state.path(), &noted);
                is_found(state.path(), left + 1, &what);
            }
            _ => {
                tamper(state.path(), &[format!("DELETE FROM audit WHERE sequence > {left}")]);
                is_found(state.path(), left + 1, &what);
                assert!(Ledger::open(state.path()).is_err(), "{what}: nothing is written behind it");
            }
        }
        cases += 1;
    }
    record("audit", cases, EACH);
}

#[test]
fn two_who_write_at_once_make_one_chain() {
    let mut dice = dice(16);
    let mut cases = 0;
    for case in 0..EACH {
        let state = folder();
        let counts = [dice.random_range(1..6), dice.random_range(1..6)];
        let drafts = counts.map(|count| (0..count).map(|n| draft(&mut dice, n)).collect::<Vec<_>>());
        std::thread::scope(|scope| {
            for (writer, drafts) in drafts.into_iter().enumerate() {
                let state = state.path();
                scope.spawn(move || {
                    apart(async || {
                        // Each opens it for itself, as another process does.
                        let ledger = Ledger::open(state).unwrap();
                        for (n, draft) in drafts.into_iter().enumerate() {
                            let draft = Draft { subject: format!("{writer}/{n}"), ..draft };
                            ledger.audit(vec![draft]).await.unwrap();
                        }
                    });
                });
            }
        });
        let found = verified(state.path());
        assert_eq!((found.broken, found.behind), (None, 0), "{case}");
        assert!(found.unanchored.is_empty(), "{case}");
        let subjects: Vec<String> = entries(state.path()).into_iter().map(|entry| entry.subject).collect();
        for (writer, count) in counts.into_iter().enumerate() {
            let own: Vec<&String> =
                subjects.iter().filter(|subject| subject.starts_with(&format!("{writer}/"))).collect();
            assert_eq!(own, (0..count).map(|n| format!("{writer}/{n}")).collect::<Vec<_>>().iter().collect::<Vec<_>>());
        }
        assert_eq!(subjects.len(), counts.iter().sum::<usize>());
        cases += 1;
    }
    record("audit", cases, EACH);
}

/// Files can't become longer than this.
fn room(bytes: Option<u64>) {
    let limit = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: bytes, maximum: limit.maximum }).unwrap();
}

/// A disk that is full is made by a limit on the length of files, which counts for a whole process: this one.
#[test]
#[ignore = "where_the_disk_is_full_nothing_is_done runs it in a process of its own"]
fn with_little_room() {
    let mut dice = dice(17);
    for case in 0..EACH {
        let state = folder();
        let engine = Engine::new(Answer::Is(ActAnswer::Accepted), After::Succeeded);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let config = "[[source]]\nname = \"engine\"\nkind = \"restate\"\nurl = \"http://127.0.0.1:1\"\n";
            let config = Config::parse(config, "config.toml", None).unwrap();
            let wire: Arc<dyn Connector> = Arc::new(Wire(Arc::clone(&engine)));
            let sources = vec![("engine".to_owned(), wire, Duration::from_secs(5))];
            let hub = Hub::new(Setup { state_dir: Some(state.path().to_path_buf()), ..setup(config, sources) });
            let verb = VERBS_OF_PAUSED[case % VERBS_OF_PAUSED.len()];
            let id = InstanceId::new("engine", "inv_1");
            let plan = hub.plan(verb, &id).await.unwrap();
            // It ends before the attempt is recorded, in it, or between it and the act.
            let wal = std::fs::metadata(state.path().join("ledger.sqlite-wal")).unwrap().len();
            room(Some(wal + dice.random_range(0..24_000)));
            let refused = hub.remediate(&plan.hash, "a test asked for it").await;
            room(None);
            let Err(OpsError::Journal(why)) = refused else { panic!("{case}: {refused:?}") };
            assert!(why.starts_with("nothing was sent, because it can't be recorded: "), "{case}: {why}");
            assert_eq!((engine.begun(), hub.remediations().await.unwrap().len()), (0, 0), "{case}");
            // The record is what it was, and there is room again.
            let left = copied(state.path());
            assert_eq!(verified(left.path()).broken, None, "{case}");
            assert!(entries(left.path()).iter().all(|entry| entry.action != "act"), "{case}");
            let plan = hub.plan(verb, &id).await.unwrap();
            let act = hub.remediate(&plan.hash, "a test asked for it").await.unwrap();
            ended(&hub, &act).await;
            assert_eq!(engine.begun(), 1, "{case}");
        });
        drop(runtime);
        assert_eq!(verified(state.path()).broken, None, "{case}");
    }
    std::io::stdout().write_all(format!("{EACH} cases with little room\n").as_bytes()).unwrap();
}

#[test]
fn where_the_disk_is_full_nothing_is_done() {
    let program = std::env::current_exe().unwrap();
    // Whoever goes beyond the limit gets a signal, too, which would end the process.
    let run = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(program)
        .args(["--exact", "audit::with_little_room", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{told}");
    let cases: usize = told
        .lines()
        .find_map(|line| {
            line.trim_start_matches("test audit::with_little_room ... ").strip_suffix(" cases with little room")
        })
        .unwrap_or_else(|| panic!("{told}"))
        .parse()
        .unwrap();
    record("audit", cases, EACH);
}
