//! Which remediations take which one back.

use sqlx::{Row as _, SqliteConnection};

use super::error::LedgerError;
use super::{Ledger, Writing};
use crate::domain::wide::WideState;

/// Those that take one back and have not ended, the oldest first.
async fn taking_back(
    connection: &mut SqliteConnection,
    context: &str,
    id: &str,
) -> Result<Option<(String, WideState)>, LedgerError> {
    let rows = sqlx::query(
        "SELECT id, state FROM remediations WHERE context = $1 AND takes_back = $2 ORDER BY requested_at, id",
    )
    .bind(context)
    .bind(id)
    .fetch_all(connection)
    .await?;
    for row in &rows {
        let state: String = row.try_get(1)?;
        if let Some(state) = WideState::named(&state).filter(|state| !state.ended()) {
            return Ok(Some((row.try_get(0)?, state)));
        }
    }
    Ok(None)
}

impl Writing<'_> {
    /// The remediation that takes one back and has not ended, where there is one.
    pub(in crate::hub) async fn taking_back(
        &mut self,
        context: &str,
        id: &str,
    ) -> Result<Option<(String, WideState)>, LedgerError> {
        taking_back(self.connection, context, id).await
    }
}

impl Ledger {
    /// The same, where nothing is written.
    pub(in crate::hub) async fn taking_back(
        &self,
        context: String,
        id: String,
    ) -> Result<Option<(String, WideState)>, LedgerError> {
        self.read(async move |connection| taking_back(connection, &context, &id).await).await
    }
}
