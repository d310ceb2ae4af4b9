//! The table of claims: what was said of each cohort, by whom, until when, and how it ended.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::Writing;
use super::error::LedgerError;
use super::reader::Reader;
use crate::domain::claim::{Claim, ClaimKind, LONGEST, NOTE_MAX};
use crate::domain::text::SafeText;

/// The context of what an older version has recorded, which knew of none: it holds in each.
pub(super) const ANY: &str = "";

/// How a claim ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hub) enum How {
    /// Whoever made it took it back.
    Released,
    /// The cohort grew so much that it counts no longer.
    Outgrown,
}

impl How {
    /// Its name.
    pub(in crate::hub) const fn name(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Outgrown => "outgrown",
        }
    }
}

/// What was said and has not ended otherwise than by its time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::hub) struct Said {
    /// One a cohort: the latest.
    pub(in crate::hub) claims: Vec<Claim>,
    /// So many rows are no claims.
    pub(in crate::hub) unreadable: usize,
}

impl Writing<'_> {
    /// What was said of a cohort last, unless it was ended.
    pub(in crate::hub) async fn claim_on(&mut self, context: &str, cohort: &str) -> Result<Option<Claim>, LedgerError> {
        let row = sqlx::query(
            "SELECT id, cohort, kind, claimed_by, claimed_at, until, note, count, tenants FROM claims \
             WHERE context IN ($1, $2) AND cohort = $3 AND ended_at IS NULL ORDER BY claimed_at DESC LIMIT 1",
        )
        .bind(context)
        .bind(ANY)
        .bind(cohort)
        .fetch_optional(&mut *self.connection)
        .await?;
        // What can't be read keeps nobody from saying something else.
        Ok(row.and_then(|row| claim(&row).ok()))
    }

    /// A claim is made, in place of the one there was. Nothing is done where it is known already.
    pub(in crate::hub) async fn make_claim(&mut self, context: &str, claim: &Claim) -> Result<(), LedgerError> {
        let at = claim.at.as_millisecond();
        sqlx::query(
            "UPDATE claims SET how = CASE WHEN until <= $1 THEN 'expired' ELSE 'replaced' END, \
             ended_at = CASE WHEN until <= $1 THEN until ELSE $1 END, \
             ended_by = CASE WHEN until <= $1 THEN NULL ELSE $2 END \
             WHERE context IN ($3, $4) AND cohort = $5 AND ended_at IS NULL AND id <> $6",
        )
        .bind(at)
        .bind(claim.by.as_str())
        .bind(context)
        .bind(ANY)
        .bind(claim.cohort.as_str())
        .bind(claim.id.as_str())
        .execute(&mut *self.connection)
        .await?;
        // No clock that is set back brings these back; so what is read to know what holds stays short.
        let old = claim.at.saturating_sub(LONGEST).unwrap_or(Timestamp::MIN);
        sqlx::query("UPDATE claims SET how = 'expired', ended_at = until WHERE ended_at IS NULL AND until < $1")
            .bind(old.as_millisecond())
            .execute(&mut *self.connection)
            .await?;
        sqlx::query(
            "INSERT INTO claims (id, context, cohort, kind, claimed_by, claimed_at, until, note, count, tenants) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING",
        )
        .bind(claim.id.as_str())
        .bind(context)
        .bind(claim.cohort.as_str())
        .bind(claim.kind.name())
        .bind(claim.by.as_str())
        .bind(at)
        .bind(claim.until.as_millisecond())
        .bind(claim.note.as_deref())
        .bind(i64::try_from(claim.count).unwrap_or(i64::MAX))
        .bind(i64::try_from(claim.tenants).unwrap_or(i64::MAX))
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// A claim ends before its time. Gives whether it had not ended already.
    pub(in crate::hub) async fn end_claim(
        &mut self,
        id: &str,
        at: Timestamp,
        by: &str,
        how: How,
    ) -> Result<bool, LedgerError> {
        let done =
            sqlx::query("UPDATE claims SET ended_at = $1, ended_by = $2, how = $3 WHERE id = $4 AND ended_at IS NULL")
                .bind(at.as_millisecond())
                .bind(by)
                .bind(how.name())
                .bind(id)
                .execute(&mut *self.connection)
                .await?;
        Ok(done.rows_affected() > 0)
    }
}

impl Reader {
    /// What was said of the cohorts of a context; `None` where nobody has recorded anything.
    pub(in crate::hub) async fn claims(&self, context: String) -> Result<Option<Said>, LedgerError> {
        self.read(async move |connection| said(connection, &context).await).await
    }
}

async fn said(connection: &mut SqliteConnection, context: &str) -> Result<Said, LedgerError> {
    let rows = sqlx::query(
        "SELECT id, cohort, kind, claimed_by, claimed_at, until, note, count, tenants FROM claims \
         WHERE context IN ($1, $2) AND ended_at IS NULL ORDER BY cohort, claimed_at DESC",
    )
    .bind(context)
    .bind(ANY)
    .fetch_all(connection)
    .await?;
    let mut said = Said::default();
    for row in &rows {
        match claim(row) {
            Ok(claim) if said.claims.last().is_some_and(|later| later.cohort == claim.cohort) => {}
            Ok(claim) => said.claims.push(claim),
            Err(_) => said.unreadable += 1,
        }
    }
    Ok(said)
}

/// A row as it was kept.
fn claim(row: &SqliteRow) -> Result<Claim, LedgerError> {
    let unreadable = || LedgerError::Unwritable("a claim can't be read back".to_owned());
    let time = |column: usize| {
        let ms: i64 = row.try_get(column)?;
        Timestamp::from_millisecond(ms).map_err(|_| unreadable())
    };
    let text = |column: usize| row.try_get::<&str, _>(column);
    let count = |column: usize| u64::try_from(row.try_get::<i64, _>(column)?).map_err(|_| unreadable());
    let (at, until) = (time(4)?, time(5)?);
    let note: Option<&str> = row.try_get(6)?;
    Ok(Claim {
        id: text(0)?.into(),
        cohort: text(1)?.into(),
        kind: ClaimKind::named(text(2)?).ok_or_else(unreadable)?,
        by: SafeText::clipped(text(3)?, NOTE_MAX),
        at,
        // Written by hand it may not hold for ever.
        until: until.min(at.saturating_add(LONGEST).unwrap_or(until)),
        note: note.map(|note| SafeText::clipped(note, NOTE_MAX)).filter(|note| !note.is_empty()),
        count: count(7)?,
        tenants: count(8)?,
    })
}
