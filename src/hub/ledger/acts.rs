//! The acts' table: one row for each, with how far it has come. The row is there before the request is sent.

use jiff::Timestamp;
use sqlx::{Row as _, SqliteConnection};

use super::Writing;
use super::error::LedgerError;
use crate::domain::remediation::ItemState;

/// An act that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hub) struct Begun {
    /// Which act.
    pub(in crate::hub) id: String,
    /// When it was begun.
    pub(in crate::hub) at: Timestamp,
    /// On which source.
    pub(in crate::hub) source: String,
    /// On which instance.
    pub(in crate::hub) instance: String,
    /// Everything needed to see later what became of it, as JSON.
    pub(in crate::hub) sending: String,
}

/// An act that was begun and has no end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hub) struct Unfinished {
    /// Which act.
    pub(in crate::hub) id: String,
    /// When it was begun.
    pub(in crate::hub) at: Timestamp,
    /// As [`Begun::sending`].
    pub(in crate::hub) sending: String,
}

impl Writing<'_> {
    /// An act is about to be sent.
    ///
    /// # Errors
    /// Also where an act of this id was begun before: it must not be sent once more.
    pub(in crate::hub) async fn begin(&mut self, act: &Begun) -> Result<(), LedgerError> {
        let begun = self.begin_unless_known(act).await?;
        if begun { Ok(()) } else { Err(LedgerError::Unwritable(format!("the act {} was begun before", act.id))) }
    }

    /// As [`Writing::begin`]; gives whether it is new.
    pub(super) async fn begin_unless_known(&mut self, act: &Begun) -> Result<bool, LedgerError> {
        let done = sqlx::query(
            "INSERT INTO acts (id, source, instance, state, sending, begun_at) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(&act.id)
        .bind(&act.source)
        .bind(&act.instance)
        .bind(ItemState::Pending.name())
        .bind(&act.sending)
        .bind(act.at.as_millisecond())
        .execute(&mut *self.connection)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// The engine answered, or the answer was lost.
    pub(in crate::hub) async fn answer(
        &mut self,
        id: &str,
        state: ItemState,
        text: &str,
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        sqlx::query("UPDATE acts SET state = $2, answer = $3, answered_at = $4 WHERE id = $1 AND ended_at IS NULL")
            .bind(id)
            .bind(state.name())
            .bind(text)
            .bind(at.as_millisecond())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Nothing more will happen by itself. Gives whether that is new: of two processes that look at one act, the first
    /// one says what became of it.
    pub(in crate::hub) async fn end(
        &mut self,
        id: &str,
        state: ItemState,
        text: &str,
        at: Timestamp,
    ) -> Result<bool, LedgerError> {
        let done =
            sqlx::query("UPDATE acts SET state = $2, outcome = $3, ended_at = $4 WHERE id = $1 AND ended_at IS NULL")
                .bind(id)
                .bind(state.name())
                .bind(text)
                .bind(at.as_millisecond())
                .execute(&mut *self.connection)
                .await?;
        Ok(done.rows_affected() > 0)
    }
}

/// The acts without an end, the oldest first.
pub(super) async fn unfinished(connection: &mut SqliteConnection) -> Result<Vec<Unfinished>, LedgerError> {
    let rows = sqlx::query("SELECT id, begun_at, sending FROM acts WHERE ended_at IS NULL ORDER BY begun_at, id")
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let at: i64 = row.try_get(1)?;
            let at = Timestamp::from_millisecond(at).map_err(|error| LedgerError::Unwritable(error.to_string()))?;
            Ok(Unfinished { id: row.try_get(0)?, at, sending: row.try_get(2)? })
        })
        .collect()
}
