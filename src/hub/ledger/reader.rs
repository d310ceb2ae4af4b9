//! The ledger as it is read: over the connection of whoever writes it here, or over one that writes nothing, for who only
//! looks or may not write. Then nothing is made or changed in the folder, and what is not there yet is not there.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use sqlx::{Connection as _, SqliteConnection};

use super::error::LedgerError;
use super::{Inner, Ledger, Version, file, migrations};

/// What reads the ledger. Cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::hub) struct Reader(Arc<Inner>);

impl Reader {
    /// The ledger of a state directory, which others may write. It is opened when it is first asked.
    pub(in crate::hub) fn of(directory: &Path) -> Self {
        Self(Arc::new(Inner {
            directory: Some(directory.to_owned()),
            path: file(directory),
            reads_only: true,
            connection: Mutex::default(),
            connected: AtomicU64::default(),
            unfinished: Vec::new(),
            _presence: None,
        }))
    }

    /// Its folder; `None` for one in memory.
    pub(in crate::hub) fn directory(&self) -> Option<&Path> {
        self.0.directory.as_deref()
    }

    /// Whether there is nothing to be read: no ledger yet, or the one of an older version that nobody has changed for
    /// this one.
    fn absent(&self) -> bool {
        self.0.reads_only && !self.0.path.exists()
    }

    /// Reads, as of one moment; `None` where there is nothing yet.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<Option<T>, LedgerError> {
        if self.absent() {
            return Ok(None);
        }
        let inner = self.0.clone();
        let read = tokio::task::spawn_blocking(move || {
            inner.with(async |connection, _| {
                let mut moment = connection.begin().await?;
                if inner.reads_only {
                    let found = migrations::version(&mut moment, &inner.path).await?;
                    migrations::not_newer(found, migrations::ALL, &inner.path)?;
                    if migrations::ALL.last().is_some_and(|step| step.version > found) {
                        return Ok(None);
                    }
                }
                work(&mut moment).await.map(Some)
            })
        });
        read.await.unwrap_or_else(|error| Err(LedgerError::Unwritable(error.to_string())))
    }

    /// As [`Ledger::version`]; `None` where there is nothing yet.
    pub(in crate::hub) async fn version(&self) -> Result<Option<Version>, LedgerError> {
        if self.absent() {
            return Ok(None);
        }
        self.0.clone().version().await.map(Some)
    }
}

impl Ledger {
    /// What reads it.
    pub(in crate::hub) fn reader(&self) -> Reader {
        Reader(self.0.clone())
    }
}
