//! How the ledger's tables came to be what they are, step by step. A step that was released is never changed; what is
//! needed next becomes a step of its own at the end of the list.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sqlx::{Connection as _, SqliteConnection};

use super::error::LedgerError;
use super::sqlite;

/// One step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Migration {
    /// Its number: 1, 2, 3.
    pub(super) version: i64,
    /// What it brings.
    pub(super) name: &'static str,
    /// What any database is told.
    pub(super) tables: &'static str,
    /// What SQLite alone is told.
    pub(super) own: &'static str,
}

/// Every step, in order.
pub(super) const ALL: &[Migration] = &[
    Migration {
        version: 1,
        name: "audit and acts",
        tables: include_str!("migrations/0001_audit_and_acts.sql"),
        own: include_str!("migrations/0001_guards.sqlite.sql"),
    },
    Migration {
        version: 2,
        name: "plans, remediations and items",
        tables: include_str!("migrations/0002_remediations.sql"),
        own: "",
    },
    Migration { version: 3, name: "the history's index", tables: include_str!("migrations/0003_history.sql"), own: "" },
    Migration {
        version: 4,
        name: "steps of runbooks, and what is switched off",
        tables: include_str!("migrations/0004_steps_and_side_effects.sql"),
        own: "",
    },
    Migration {
        version: 5,
        name: "automations and what they would have done",
        tables: include_str!("migrations/0005_automations.sql"),
        own: "",
    },
    Migration { version: 6, name: "trend points", tables: include_str!("migrations/0006_trends.sql"), own: "" },
    Migration { version: 7, name: "claims", tables: include_str!("migrations/0007_claims.sql"), own: "" },
    Migration {
        version: 8,
        name: "since when there is drift",
        tables: include_str!("migrations/0008_findings.sql"),
        own: "",
    },
    Migration { version: 9, name: "whom acts are for", tables: include_str!("migrations/0009_acted_for.sql"), own: "" },
    Migration {
        version: 10,
        name: "what drifts and is left alone",
        tables: include_str!("migrations/0010_ignores.sql"),
        own: "",
    },
    Migration {
        version: 11,
        name: "what is decided of what drifts",
        tables: include_str!("migrations/0011_drift_decisions.sql"),
        own: "",
    },
];

/// The step that a ledger has come to; 0 where it has no table yet.
pub(super) async fn version(connection: &mut SqliteConnection, path: &Path) -> Result<i64, LedgerError> {
    let (count, known) = sqlite::tables(connection, "migrations").await?;
    match (count, known) {
        (0, _) => Ok(0),
        (_, false) => Err(LedgerError::Foreign(path.to_owned())),
        (_, true) => {
            let version: Option<i64> =
                sqlx::query_scalar("SELECT MAX(version) FROM migrations").fetch_one(connection).await?;
            Ok(version.unwrap_or_default())
        }
    }
}

/// Refuses a ledger that a later version has changed.
pub(super) fn not_newer(found: i64, steps: &[Migration], path: &Path) -> Result<(), LedgerError> {
    let known = steps.last().map_or(0, |step| step.version);
    if found > known { Err(LedgerError::Newer { path: path.to_owned(), found, known }) } else { Ok(()) }
}

/// Where the ledger is kept as it was before a step.
pub(super) fn copy_before(path: &Path, version: i64) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".before-{version}"));
    name.into()
}

/// Takes the steps that are left. Of a ledger that there was, a copy is kept before each. Nobody else has it open.
pub(super) async fn migrate(
    connection: &mut SqliteConnection,
    path: &Path,
    found: i64,
    steps: &[Migration],
) -> Result<(), LedgerError> {
    for step in steps.iter().filter(|step| step.version > found) {
        if found > 0 {
            sqlite::copy(connection, &copy_before(path, step.version)).await?;
        }
        let mut transaction = connection.begin_with(sqlite::BEGIN).await?;
        sqlx::query(
            "CREATE TABLE IF NOT EXISTS migrations \
             (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)",
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::raw_sql(step.tables).execute(&mut *transaction).await?;
        sqlx::raw_sql(step.own).execute(&mut *transaction).await?;
        sqlx::query("INSERT INTO migrations (version, name, applied_at) VALUES ($1, $2, $3)")
            .bind(step.version)
            .bind(step.name)
            .bind(Timestamp::now().as_millisecond())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
    }
    Ok(())
}
