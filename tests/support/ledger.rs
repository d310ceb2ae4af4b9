//! The ledger of a state directory as tests look at it: what it says, and copies of it as a machine that stops leaves
//! them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use quarterdeck::domain::audit::{Entry, Head};
use quarterdeck::hub::ledger::{Book, Choice, Verification};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tempfile::TempDir;

/// Runs what waits for a database, away from the clock and the threads of the test.
pub fn apart<T: Send>(work: impl AsyncFnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let run = || tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work());
        scope.spawn(run).join().unwrap()
    })
}

/// A connection to a ledger, past Quarterdeck.
pub async fn connect(state: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(state.join("ledger.sqlite"));
    options.disable_statement_logging().connect().await.unwrap()
}

/// Tells the database something behind Quarterdeck's back.
pub fn tell(state: &Path, sql: &str) {
    apart(async || {
        let mut connection = connect(state).await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// Every entry of the audit, the oldest first.
pub fn entries(state: &Path) -> Vec<Entry> {
    let (mut entries, unreadable) =
        apart(async || Book::open(state).await.unwrap().entries(&Choice::default()).await.unwrap());
    assert_eq!(unreadable, 0);
    entries.reverse();
    entries
}

/// The names of what is told of an act, in order.
pub fn events(entries: &[Entry], act: &str) -> Vec<String> {
    let of_act = entries.iter().filter(|entry| entry.remediation.as_deref() == Some(act));
    of_act.map(|entry| entry.action.clone()).collect()
}

/// What an entry tells besides.
pub fn detail(entry: &Entry) -> Value {
    serde_json::from_str(&entry.detail).unwrap()
}

/// The audit, verified.
pub fn verified(state: &Path) -> Verification {
    apart(async || Book::open(state).await.unwrap().verify().await.unwrap())
}

/// The acts without an end. It is looked at in a copy, so that the ledger itself stays as it was left.
pub fn unfinished(state: &Path) -> Vec<String> {
    let copy = copied(state);
    if !copy.path().join("ledger.sqlite").exists() {
        return Vec::new();
    }
    apart(async || {
        let mut connection = connect(copy.path()).await;
        let tables: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE name = 'acts'")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        if tables == 0 {
            return Vec::new();
        }
        sqlx::query_scalar("SELECT id FROM acts WHERE ended_at IS NULL ORDER BY id")
            .fetch_all(&mut connection)
            .await
            .unwrap()
    })
}

/// A folder for a ledger of which a test makes hundreds, in memory where the system has a place for that: what a disk
/// would lose is taken away by hand, and waiting for one each time takes long.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// A copy of what a process has left: the database, its log, and the note of the audit's end.
pub fn copied(state: &Path) -> TempDir {
    let copy = folder();
    for name in ["ledger.sqlite", "ledger.sqlite-wal", "audit.head"] {
        if let Ok(bytes) = std::fs::read(state.join(name)) {
            put(copy.path(), name, &bytes);
        }
    }
    copy
}

/// Puts a file for its owner alone into a folder.
pub fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Notes an end of the audit as Quarterdeck does.
pub fn note(state: &Path, head: &Head) {
    let text = format!(
        "{{\"schema\":\"quarterdeck.audit-head/1\",\"sequence\":{},\"hash\":\"{}\"}}\n",
        head.sequence, head.hash
    );
    put(state, "audit.head", text.as_bytes());
}

/// How long the header of the database's log is, and how long what stands before each page in it.
const WAL_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Where each commit in the database's log ends, in bytes.
pub fn commits(wal: &[u8]) -> Vec<usize> {
    let number = |at: usize| u32::from_be_bytes(wal[at..at + 4].try_into().unwrap()) as usize;
    let page = number(8);
    let mut ends = Vec::new();
    let mut at = WAL_HEADER;
    while at + FRAME_HEADER + page <= wal.len() {
        // The last page of a commit tells how large the database is then.
        let commits = number(at + 4) > 0;
        at += FRAME_HEADER + page;
        if commits {
            ends.push(at);
        }
    }
    ends
}
