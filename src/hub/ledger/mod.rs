//! The ledger: what must outlive the process: the audit, the acts, plans, remediations with their items and approvals,
//! what is switched off, what automations would have done, claims, and the last hour of the board.
//!
//! A file of SQLite in the state directory, for its owner alone. What is written is on the disk when a call returns,
//! and what can't be written is an error, upon which the caller does nothing. Callers say what is to be written
//! ([`Ledger::write`]) and know no database; its SQL is what PostgreSQL takes, too, apart from `sqlite.rs` and
//! `lock.rs`.

mod acted_for;
mod acts;
mod audit;
mod book;
mod claims;
mod decisions;
mod error;
mod findings;
mod head;
mod listing;
mod lock;
mod migrations;
mod reader;
mod remediations;
mod rollbacks;
mod shadow;
mod side_effects;
mod sqlite;
mod takeover;
#[cfg(test)]
pub(super) mod tests;
mod trends;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::json;
use sqlx::{Connection as _, SqliteConnection};

pub(super) use self::acted_for::{ActedFor, Behind, DoneFor};
pub(super) use self::acts::{Begun, Unfinished};
pub use self::book::{Book, Choice, Verification};
pub(super) use self::claims::{How, Said};
pub(super) use self::decisions::Decided;
pub use self::error::LedgerError;
pub(super) use self::listing::Listed;
use self::lock::Presence;
pub(super) use self::reader::Reader;
pub(super) use self::remediations::{Kept, KeptItem};
pub(super) use self::shadow::{
    Candidate, DeedOf, Key as AutomationKey, Limits as ShadowLimits, OpenShadow, OwnDeed, Scored, Would,
};
pub(super) use self::takeover::CLAIMS as CLAIMS_BEFORE;
pub(super) use self::trends::Past;
use crate::domain::audit::{Action, Draft, Entry, Head};

/// The name under which the program itself stands in the audit.
pub(super) const ITSELF: &str = "quarterdeck";

/// The file of a state directory.
fn file(directory: &Path) -> PathBuf {
    directory.join("ledger.sqlite")
}

/// The ledger, open for writing. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ledger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Its folder; `None` for one in memory.
    directory: Option<PathBuf>,
    /// The database's name in errors.
    path: PathBuf,
    /// Whether nothing is written here.
    reads_only: bool,
    /// One, so that writing is one after the other. `None` before the first use of one in memory.
    connection: Mutex<Option<SqliteConnection>>,
    /// How many connections there were.
    connected: AtomicU64,
    /// What ended processes have left.
    unfinished: Vec<Unfinished>,
    /// That this process has it open. Let go of last.
    _presence: Option<Presence>,
}

/// What is written together: all of it or nothing.
pub(super) struct Writing<'c> {
    connection: &'c mut SqliteConnection,
    head: Head,
}

impl Writing<'_> {
    /// The next entry of the audit.
    pub(super) async fn audit(&mut self, draft: Draft) -> Result<(), LedgerError> {
        self.head = audit::append(self.connection, &self.head, draft).await?;
        Ok(())
    }

    /// The newest entries of two actions, the newest first.
    pub(super) async fn newest(&mut self, actions: [Action; 2], most: u32) -> Result<Vec<Entry>, LedgerError> {
        audit::newest(self.connection, actions, most).await
    }
}

impl Ledger {
    /// Opens the ledger of a state directory, makes it where there is none, and takes over the record of an older
    /// version. Waits for the disk.
    ///
    /// # Errors
    /// In words, with what to do about it.
    pub fn open(directory: &Path) -> Result<Self, LedgerError> {
        apart(|| Self::open_with(directory, migrations::ALL))
    }

    fn open_with(directory: &Path, steps: &[migrations::Migration]) -> Result<Self, LedgerError> {
        std::fs::create_dir_all(directory).map_err(LedgerError::file(directory))?;
        let path = file(directory);
        let presence = Presence::take(directory)?;
        sqlite::make(&path)?;
        sqlite::private(&path)?;
        let opened = drive(async {
            let mut connection = sqlite::connect(&path).await?;
            sqlite::check(&mut connection, &path).await?;
            let found = migrations::version(&mut connection, &path).await?;
            migrations::not_newer(found, steps, &path)?;
            if steps.last().is_some_and(|step| step.version > found) {
                if !presence.alone {
                    return Err(LedgerError::InUse(path.clone()));
                }
                migrations::migrate(&mut connection, &path, found, steps).await?;
            }
            let anchored = anchored(directory, &mut connection).await?;
            let mut unfinished = Vec::new();
            if presence.alone {
                if anchored && head::read(directory)?.is_none() {
                    // Before the first entry, so that a note that is not there was taken away.
                    head::note(directory, &Head::default())?;
                }
                takeover::take_over(directory, &mut connection).await?;
                unfinished = acts::unfinished(&mut connection).await?;
            }
            Ok((connection, unfinished))
        });
        let (connection, unfinished) = opened.map_err(|error| error.at(&path))?;
        // What is unfinished was read while nobody else could begin anything.
        presence.share(directory)?;
        Ok(Self(Arc::new(Inner {
            directory: Some(directory.to_owned()),
            path,
            reads_only: false,
            connection: Mutex::new(Some(connection)),
            connected: AtomicU64::new(1),
            unfinished,
            _presence: Some(presence),
        })))
    }

    /// A ledger that is gone with the process.
    pub fn in_memory() -> Self {
        Self(Arc::new(Inner {
            directory: None,
            path: "the ledger in memory".into(),
            reads_only: false,
            connection: Mutex::default(),
            connected: AtomicU64::default(),
            unfinished: Vec::new(),
            _presence: None,
        }))
    }

    /// The acts that were begun and have no end, from processes that have ended. None where another process has the
    /// ledger open: what is unfinished may be its own, and run.
    pub(super) fn unfinished(&self) -> &[Unfinished] {
        &self.0.unfinished
    }

    /// Writes what `work` says: all of it, and then it is on the disk, or nothing. It is carried through even where
    /// nobody waits for it any more.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl AsyncFnOnce(&mut Writing<'_>) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let inner = self.0.clone();
        let written = tokio::task::spawn_blocking(move || inner.write(work)).await;
        written.unwrap_or_else(|error| Err(LedgerError::Unwritable(error.to_string())))
    }

    /// The newest entries of two actions, the newest first.
    pub(super) async fn newest(&self, actions: [Action; 2], most: u32) -> Result<Vec<Entry>, LedgerError> {
        self.read(async move |connection| audit::newest(connection, actions, most).await).await
    }

    /// Reads, as of one moment.
    async fn read<T: Send + 'static>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let inner = self.0.clone();
        let read = tokio::task::spawn_blocking(move || {
            inner.with(async |connection, _| {
                let mut moment = connection.begin().await?;
                work(&mut moment).await
            })
        });
        read.await.unwrap_or_else(|error| Err(LedgerError::Unwritable(error.to_string())))
    }

    /// What is another one once somebody else has written to the ledger.
    pub(super) async fn version(&self) -> Result<Version, LedgerError> {
        self.0.clone().version().await
    }

    /// Its folder; `None` for one in memory.
    pub(super) fn directory(&self) -> Option<&Path> {
        self.0.directory.as_deref()
    }

    /// As [`Ledger::write`], for who can't wait in any other way than by holding its thread.
    pub(super) fn write_now<T: Send>(
        &self,
        work: impl AsyncFnOnce(&mut Writing<'_>) -> Result<T, LedgerError> + Send,
    ) -> Result<T, LedgerError> {
        apart(|| self.0.write(work))
    }

    /// Appends entries to the audit, all of them or none.
    ///
    /// # Errors
    /// Where they can't be written.
    pub async fn audit(&self, drafts: Vec<Draft>) -> Result<(), LedgerError> {
        self.write(async move |writing| {
            for draft in drafts {
                writing.audit(draft).await?;
            }
            Ok(())
        })
        .await
    }
}

/// Which connection it is, and what it has seen of others: numbers of two connections say nothing of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version(u64, i64);

impl Inner {
    async fn version(self: Arc<Self>) -> Result<Version, LedgerError> {
        let read = tokio::task::spawn_blocking(move || {
            self.with(async |connection, _| {
                let seen = sqlite::data_version(connection).await?;
                Ok(Version(self.connected.load(Ordering::Relaxed), seen))
            })
        });
        read.await.unwrap_or_else(|error| Err(LedgerError::Unwritable(error.to_string())))
    }

    fn write<T>(&self, work: impl AsyncFnOnce(&mut Writing<'_>) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        self.with(async |connection, directory| transact(connection, directory, work).await)
    }

    /// Does something with the one connection.
    fn with<T>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection, Option<&Path>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut held = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let done = drive(async {
            let connection = match &mut *held {
                Some(connection) => connection,
                none => none.insert(self.begun().await?),
            };
            let done = work(connection, self.directory.as_deref()).await;
            if done.is_err()
                && self.directory.is_some()
                && let Some(connection) = held.take()
            {
                // A commit that failed leaves it in the middle of a transaction that the database has ended. What can't
                // be closed is dropped.
                let _ = connection.close().await;
            }
            done
        });
        done.map_err(|error| error.at(&self.path))
    }

    /// A connection where there is none.
    async fn begun(&self) -> Result<SqliteConnection, LedgerError> {
        self.connected.fetch_add(1, Ordering::Relaxed);
        if self.reads_only {
            sqlite::private(&self.path)?;
            return Ok(sqlite::connect_to_read(&self.path).await?);
        }
        if self.directory.is_some() {
            return Ok(sqlite::connect(&self.path).await?);
        }
        let mut connection = sqlite::in_memory().await?;
        migrations::migrate(&mut connection, &self.path, 0, migrations::ALL).await?;
        Ok(connection)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let held = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = held.take() {
            // Whoever opens it next finds it closed. What is written is on the disk anyway.
            apart(|| drive(connection.close()).ok());
        }
    }
}

/// Writes what `work` says: all of it, and then it is on the disk, or nothing. Then the chain's end is noted.
async fn transact<T>(
    connection: &mut SqliteConnection,
    directory: Option<&Path>,
    work: impl AsyncFnOnce(&mut Writing<'_>) -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    let mut transaction = connection.begin_with(sqlite::BEGIN).await?;
    let before = audit::head(&mut transaction).await?;
    let anchored = match directory {
        Some(directory) => anchored(directory, &mut transaction).await?,
        None => true,
    };
    let mut writing = Writing { head: before.clone(), connection: &mut transaction };
    if !anchored {
        writing.audit(unanchored()).await?;
    }
    let done = work(&mut writing).await?;
    let after = writing.head;
    transaction.commit().await?;
    if let Some(directory) = directory
        && after != before
        && let Err(error) = head::note(directory, &after)
    {
        // What was to be recorded is recorded. A later note makes up for it.
        tracing::error!(%error, sequence = after.sequence, "the end of the audit can't be noted beside it");
    }
    Ok(done)
}

/// Whether the chain's end is noted beside it; not so where nothing is and there are entries.
///
/// # Errors
/// Where the chain does not hold what was noted of it: then nothing is written behind it, lest it look whole again.
async fn anchored(directory: &Path, connection: &mut SqliteConnection) -> Result<bool, LedgerError> {
    let end = audit::head(connection).await?;
    let Some(noted) = head::read(directory)? else { return Ok(end.sequence == 0) };
    let found = if noted.sequence == 0 {
        Some(Head::default().hash)
    } else {
        audit::hash_at(connection, noted.sequence).await?
    };
    let path = head::path(directory);
    let why = match found {
        Some(hash) if hash == noted.hash => return Ok(true),
        Some(_) => format!("entry {} of the audit is another one than {} says", noted.sequence, path.display()),
        None => format!(
            "the end of the audit is missing: {} says that there are {} entries, and there are {}",
            path.display(),
            noted.sequence,
            end.sequence
        ),
    };
    Err(LedgerError::Broken { why, head: path })
}

/// That nobody can tell whether the chain's end was cut.
fn unanchored() -> Draft {
    own(Action::Unanchored, json!({ "text": "audit.head was missing: an end of what came before may have been cut" }))
}

/// What the program itself has to tell.
fn own(action: Action, detail: serde_json::Value) -> Draft {
    Draft {
        at: Timestamp::now(),
        actor: ITSELF.to_owned(),
        trusted: None,
        context: String::new(),
        action,
        subject: "ledger".to_owned(),
        remediation: None,
        plan_hash: None,
        detail,
    }
}

/// Runs what waits for the database, and nothing else, on this thread. The driver has a thread of its own, so nothing
/// of it needs timers or sockets.
fn drive<T>(work: impl Future<Output = Result<T, impl Into<LedgerError>>>) -> Result<T, LedgerError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| LedgerError::Unwritable(error.to_string()))?;
    runtime.block_on(work).map_err(Into::into)
}

/// Runs on a thread of its own and waits for it: a thread of a runtime may not wait for another one.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| match scope.spawn(work).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

#[cfg(test)]
impl Ledger {
    /// A ledger on a disk that is full.
    pub(super) fn full() -> Self {
        let ledger = Self::in_memory();
        apart(|| {
            let mut held = ledger.0.connection.lock().unwrap();
            *held = Some(drive(ledger.0.begun()).unwrap());
            let connection = held.as_mut().unwrap();
            // As many pages as there are, and no room in them either.
            drive(async { sqlx::raw_sql("PRAGMA max_page_count = 1").execute(&mut *connection).await }).unwrap();
            drop(held);
            while ledger.0.write(async |writing| writing.audit(unanchored()).await).is_ok() {}
        });
        ledger
    }
}
