//! The table of what remediations switched off: it stands there from the writing that records the first item that held,
//! until somebody arms it again.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::error::LedgerError;
use super::{Kept, Ledger, Writing};
use crate::domain::hash::digest;
use crate::domain::in_force::SideEffect;
use crate::domain::remedy::SwitchedOff;

/// One as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hub) struct KeptEffect {
    pub(in crate::hub) effect: SideEffect,
    /// When it was armed again, and by whom; taken on trust.
    pub(in crate::hub) ended: Option<(Timestamp, String)>,
}

const COLUMNS: &str = "id, remediation, what, way_back, since, asked_by, ended_at, ended_by";

fn kept(row: &SqliteRow) -> Result<KeptEffect, LedgerError> {
    let time = |ms| Timestamp::from_millisecond(ms).map_err(|error| LedgerError::Unwritable(error.to_string()));
    let text = |at: usize| row.try_get::<String, _>(at);
    let (ended_at, ended_by): (Option<i64>, Option<String>) = (row.try_get(6)?, row.try_get(7)?);
    Ok(KeptEffect {
        effect: SideEffect {
            id: text(0)?.into(),
            remediation: text(1)?.into(),
            what: text(2)?.into(),
            way_back: text(3)?.into(),
            since: time(row.try_get(4)?)?,
            by: text(5)?.into(),
        },
        ended: ended_at.map(time).transpose()?.map(|at| (at, ended_by.unwrap_or_default())),
    })
}

impl Writing<'_> {
    /// Something of a remediation is switched off from now on. What stands there already stays as it is.
    pub(in crate::hub) async fn switched_off(
        &mut self,
        by: &Kept,
        off: &[SwitchedOff],
        since: Timestamp,
    ) -> Result<(), LedgerError> {
        for SwitchedOff { what, way_back } in off {
            sqlx::query(
                "INSERT INTO side_effects (id, context, remediation, what, way_back, since, asked_by) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
            )
            .bind(digest(&[&by.id, what], 4).as_str())
            .bind(&by.context)
            .bind(&by.id)
            .bind(what.as_str())
            .bind(way_back.as_str())
            .bind(since.as_millisecond())
            .bind(&by.requested_by)
            .execute(&mut *self.connection)
            .await?;
        }
        Ok(())
    }

    /// The one of this id.
    pub(in crate::hub) async fn side_effect(
        &mut self,
        context: &str,
        id: &str,
    ) -> Result<Option<KeptEffect>, LedgerError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM side_effects WHERE context = $1 AND id = $2"
        )))
        .bind(context)
        .bind(id)
        .fetch_optional(&mut *self.connection)
        .await?;
        row.as_ref().map(kept).transpose()
    }

    /// One was armed again.
    pub(in crate::hub) async fn rearmed(
        &mut self,
        id: &str,
        at: Timestamp,
        by: &str,
        how: &str,
    ) -> Result<(), LedgerError> {
        sqlx::query(
            "UPDATE side_effects SET ended_at = $2, ended_by = $3, how = $4 WHERE id = $1 AND ended_at IS NULL",
        )
        .bind(id)
        .bind(at.as_millisecond())
        .bind(by)
        .bind(how)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// All that a remediation had switched off is on again, since another one has taken it back. Gives how many there
    /// were.
    pub(in crate::hub) async fn taken_back(
        &mut self,
        remediation: &str,
        at: Timestamp,
        by: &str,
        how: &str,
    ) -> Result<u64, LedgerError> {
        let done = sqlx::query(
            "UPDATE side_effects SET ended_at = $2, ended_by = $3, how = $4 \
             WHERE remediation = $1 AND ended_at IS NULL",
        )
        .bind(remediation)
        .bind(at.as_millisecond())
        .bind(by)
        .bind(how)
        .execute(&mut *self.connection)
        .await?;
        Ok(done.rows_affected())
    }
}

impl Ledger {
    /// What of a context is switched off, the oldest first.
    pub(in crate::hub) async fn side_effects(&self, context: String) -> Result<Vec<SideEffect>, LedgerError> {
        self.read(async move |connection| {
            let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
                "SELECT {COLUMNS} FROM side_effects WHERE context = $1 AND ended_at IS NULL ORDER BY since, what, id"
            )))
            .bind(context)
            .fetch_all(connection)
            .await?;
            rows.iter().map(|row| Ok(kept(row)?.effect)).collect()
        })
        .await
    }
}
