//! The table of what drifts and is left alone, and what automations came to on one finding.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::Row as _;

use super::error::LedgerError;
use super::reader::Reader;
use super::{Ledger, Writing};
use crate::domain::drift::Ignore;
use crate::domain::ids::InstanceId;
use crate::domain::remediation::ItemState;
use crate::domain::text::SafeText;

/// The longest reason that is read back, in characters.
const REASON: usize = 500;

/// What is left alone, by finding.
pub(in crate::hub) type Ignored = BTreeMap<InstanceId, Ignore>;

impl Writing<'_> {
    /// A finding is left alone, in place of what was said of it before.
    pub(in crate::hub) async fn ignore(
        &mut self,
        context: &str,
        id: &InstanceId,
        ignore: &Ignore,
    ) -> Result<(), LedgerError> {
        self.end_ignore(context, id).await?;
        sqlx::query(
            "INSERT INTO drift_ignores (context, source, finding, ignored_by, ignored_at, until, reason) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(context)
        .bind(id.source.as_str())
        .bind(id.instance.as_str())
        .bind(ignore.by.as_str())
        .bind(ignore.at.as_millisecond())
        .bind(ignore.until.as_millisecond())
        .bind(ignore.reason.as_str())
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// A finding is not left alone any more. Gives whether it was.
    pub(in crate::hub) async fn end_ignore(&mut self, context: &str, id: &InstanceId) -> Result<bool, LedgerError> {
        let done = sqlx::query("DELETE FROM drift_ignores WHERE context = $1 AND source = $2 AND finding = $3")
            .bind(context)
            .bind(id.source.as_str())
            .bind(id.instance.as_str())
            .execute(&mut *self.connection)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}

impl Reader {
    /// What is left alone in a context; `None` where nobody has recorded anything.
    pub(in crate::hub) async fn ignores(&self, context: String) -> Result<Option<Ignored>, LedgerError> {
        self.read(async move |connection| {
            let rows = sqlx::query(
                "SELECT source, finding, ignored_by, ignored_at, until, reason FROM drift_ignores WHERE context = $1",
            )
            .bind(&context)
            .fetch_all(connection)
            .await?;
            let mut ignored = Ignored::new();
            for row in &rows {
                let text = |column: usize| row.try_get::<String, _>(column);
                let (at, until): (i64, i64) = (row.try_get(3)?, row.try_get(4)?);
                // A time that is none was not written by this program: nothing is left alone for it.
                let (Ok(at), Ok(until)) = (Timestamp::from_millisecond(at), Timestamp::from_millisecond(until)) else {
                    continue;
                };
                let clipped = |text: String| SafeText::clipped(&text, REASON);
                let ignore = Ignore { by: clipped(text(2)?), at, until, reason: clipped(text(5)?) };
                ignored.insert(InstanceId::new(text(0)?, text(1)?), ignore);
            }
            Ok(ignored)
        })
        .await
    }
}

impl Ledger {
    /// How many acts on a finding that automations asked for have failed since one of them was verified.
    pub(in crate::hub) async fn failed_repairs(
        &self,
        context: String,
        source: String,
        instance: String,
    ) -> Result<u32, LedgerError> {
        self.read(async move |connection| {
            let states: Vec<String> = sqlx::query_scalar(
                "SELECT items.state FROM items JOIN remediations ON remediations.id = items.remediation \
                 WHERE items.source = $1 AND items.instance = $2 AND items.ended <> 0 AND remediations.context = $3 \
                 AND remediations.requested_by LIKE $4 ORDER BY remediations.requested_at DESC LIMIT 20",
            )
            .bind(&source)
            .bind(&instance)
            .bind(&context)
            .bind(format!("{}%", crate::domain::automation::PREFIX))
            .fetch_all(connection)
            .await?;
            let came_to = states.iter().filter_map(|state| ItemState::named(state));
            let of_note = came_to.filter(|state| matches!(state, ItemState::Verified | ItemState::Failed));
            let failed = of_note.take_while(|state| *state == ItemState::Failed).count();
            Ok(u32::try_from(failed).unwrap_or(u32::MAX))
        })
        .await
    }
}

#[cfg(test)]
impl Ledger {
    /// Writes that an act on a finding came to a state, asked for by somebody at the `n`th second.
    pub(in crate::hub) fn tell_of_item(&self, id: &InstanceId, n: usize, by: &str, state: &str) {
        let (source, instance) = (id.source.to_string(), id.instance.to_string());
        let (remediation, by, state) = (format!("r{n}"), by.to_owned(), state.to_owned());
        let written = self.write_now(async move |writing| {
            sqlx::query(
                "INSERT INTO remediations (id, context, plan_hash, plan, reason, requested_by, requested_at, state, approval, \
                 wave, outcome, forgiven, changed_at) VALUES ($1, 'c', $1, '', '', $2, $3, 'failed', '', 0, '', 0, 0)",
            )
            .bind(&remediation)
            .bind(&by)
            .bind(i64::try_from(n).unwrap())
            .execute(&mut *writing.connection)
            .await?;
            sqlx::query(
                "INSERT INTO items (remediation, number, source, instance, version, wave, state, ended, words, answered) \
                 VALUES ($1, 0, $2, $3, '', 0, $4, 1, '', 1)",
            )
            .bind(&remediation)
            .bind(&source)
            .bind(&instance)
            .bind(&state)
            .execute(&mut *writing.connection)
            .await?;
            Ok(())
        });
        written.unwrap();
    }
}
