//! The table of what was decided of findings of drift, and what automations came to on one finding.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::error::LedgerError;
use super::reader::Reader;
use super::{Ledger, Writing};
use crate::domain::decided::{Adoption, Decision, Ignore};
use crate::domain::ids::InstanceId;
use crate::domain::remediation::ItemState;
use crate::domain::text::SafeText;

/// The longest reason that is read back, in characters.
const REASON: usize = 500;

/// What was decided, by finding.
pub(in crate::hub) type Decided = BTreeMap<InstanceId, Decision>;

/// The names of decisions in the table.
const IGNORE: &str = "ignore";
const ADOPT: &str = "adopt";

impl Writing<'_> {
    /// Something is decided of a finding, in place of what was decided of it before.
    pub(in crate::hub) async fn decide(
        &mut self,
        context: &str,
        id: &InstanceId,
        decision: &Decision,
    ) -> Result<(), LedgerError> {
        let (name, by, at, until, seen, reason) = match decision {
            Decision::Ignore(said) => {
                (IGNORE, &said.by, said.at, Some(said.until.as_millisecond()), None, &said.reason)
            }
            Decision::Adopt(said) => (ADOPT, &said.by, said.at, None, Some(said.seen.as_str()), &said.reason),
        };
        self.forget(context, id).await?;
        sqlx::query(
            "INSERT INTO drift_decisions (context, source, finding, decision, decided_by, decided_at, until, seen, reason) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(context)
        .bind(id.source.as_str())
        .bind(id.instance.as_str())
        .bind(name)
        .bind(by.as_str())
        .bind(at.as_millisecond())
        .bind(until)
        .bind(seen)
        .bind(reason.as_str())
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// What was decided of a finding, whether or not it has ended by its time.
    pub(in crate::hub) async fn decided(
        &mut self,
        context: &str,
        id: &InstanceId,
    ) -> Result<Option<Decision>, LedgerError> {
        let row = sqlx::query(
            "SELECT source, finding, decision, decided_by, decided_at, until, seen, reason FROM drift_decisions \
             WHERE context = $1 AND source = $2 AND finding = $3",
        )
        .bind(context)
        .bind(id.source.as_str())
        .bind(id.instance.as_str())
        .fetch_optional(&mut *self.connection)
        .await?;
        Ok(row.as_ref().map(decision).transpose()?.flatten().map(|(_, decision)| decision))
    }

    /// What was decided of a finding is taken away.
    pub(in crate::hub) async fn forget(&mut self, context: &str, id: &InstanceId) -> Result<(), LedgerError> {
        sqlx::query("DELETE FROM drift_decisions WHERE context = $1 AND source = $2 AND finding = $3")
            .bind(context)
            .bind(id.source.as_str())
            .bind(id.instance.as_str())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }
}

/// A row of the table; `None` where it is not what this program writes: nothing is decided by it.
fn decision(row: &SqliteRow) -> Result<Option<(InstanceId, Decision)>, LedgerError> {
    let text = |column: usize| row.try_get::<String, _>(column);
    let clipped = |column: usize| text(column).map(|text| SafeText::clipped(&text, REASON));
    let Ok(at) = Timestamp::from_millisecond(row.try_get(4)?) else { return Ok(None) };
    let until: Option<i64> = row.try_get(5)?;
    let until = until.and_then(|until| Timestamp::from_millisecond(until).ok());
    let seen: Option<String> = row.try_get(6)?;
    let (by, reason) = (clipped(3)?, clipped(7)?);
    let decision = match (text(2)?.as_str(), until, seen) {
        (IGNORE, Some(until), _) => Decision::Ignore(Ignore { by, at, until, reason }),
        (ADOPT, _, Some(seen)) => Decision::Adopt(Adoption { by, at, seen: seen.into(), reason }),
        _ => return Ok(None),
    };
    Ok(Some((InstanceId::new(text(0)?, text(1)?), decision)))
}

impl Reader {
    /// What is decided in a context; `None` where nobody has recorded anything.
    pub(in crate::hub) async fn decisions(&self, context: String) -> Result<Option<Decided>, LedgerError> {
        self.read(async move |connection| {
            let rows = sqlx::query(
                "SELECT source, finding, decision, decided_by, decided_at, until, seen, reason FROM drift_decisions \
                 WHERE context = $1",
            )
            .bind(&context)
            .fetch_all(connection)
            .await?;
            let mut decided = Decided::new();
            for row in &rows {
                decided.extend(decision(row)?);
            }
            Ok(decided)
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
