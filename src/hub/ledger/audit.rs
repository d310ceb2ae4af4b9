//! The chain's table: its end, the next entry, and the entries in order.

use std::ops::ControlFlow;

use futures_util::TryStreamExt as _;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::error::LedgerError;
use crate::domain::audit::{Action, Draft, Entry, Head};

/// The chain's end.
pub(super) async fn head(connection: &mut SqliteConnection) -> Result<Head, LedgerError> {
    let row = sqlx::query("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(Head::default()) };
    Ok(Head { sequence: number(row.try_get(0)?)?, hash: row.try_get(1)? })
}

/// The hash of an entry; `None` where there is no such entry.
pub(super) async fn hash_at(connection: &mut SqliteConnection, sequence: u64) -> Result<Option<String>, LedgerError> {
    let hash = sqlx::query_scalar("SELECT hash FROM audit WHERE sequence = $1").bind(whole(sequence)?);
    Ok(hash.fetch_optional(connection).await?)
}

/// Writes the entry that comes after `head`, and gives what the head is then.
pub(super) async fn append(connection: &mut SqliteConnection, head: &Head, draft: Draft) -> Result<Head, LedgerError> {
    let entry = Entry::after(head, draft).map_err(|error| LedgerError::Unwritable(error.to_string()))?;
    let head = entry.head();
    sqlx::query(
        "INSERT INTO audit (sequence, at, actor, trusted, context, action, subject, remediation, plan_hash, detail, \
         previous, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(whole(entry.sequence)?)
    .bind(entry.at_ms)
    .bind(entry.actor)
    .bind(entry.trusted)
    .bind(entry.context)
    .bind(entry.action)
    .bind(entry.subject)
    .bind(entry.remediation)
    .bind(entry.plan_hash)
    .bind(entry.detail)
    .bind(entry.previous)
    .bind(entry.hash)
    .execute(connection)
    .await?;
    Ok(head)
}

/// The newest entries of these two actions, the newest first.
pub(super) async fn newest(
    connection: &mut SqliteConnection,
    [one, other]: [Action; 2],
    most: u32,
) -> Result<Vec<Entry>, LedgerError> {
    let rows = sqlx::query(
        "SELECT sequence, at, actor, trusted, context, action, subject, remediation, plan_hash, detail, previous, \
         hash FROM audit WHERE action IN ($1, $2) ORDER BY sequence DESC LIMIT $3",
    )
    .bind(one.name())
    .bind(other.name())
    .bind(i64::from(most))
    .fetch_all(connection)
    .await?;
    rows.iter().map(entry).collect()
}

/// A row of the table that is no entry: something else than this program has written it.
pub(super) struct Unreadable(pub(super) String);

/// Hands over every row, the oldest or the newest first, until it is told to stop.
pub(super) async fn each(
    connection: &mut SqliteConnection,
    newest_first: bool,
    mut take: impl FnMut(Result<Entry, Unreadable>) -> ControlFlow<()>,
) -> Result<(), LedgerError> {
    let rows = if newest_first {
        sqlx::query(
            "SELECT sequence, at, actor, trusted, context, action, subject, remediation, plan_hash, detail, previous, \
             hash FROM audit ORDER BY sequence DESC",
        )
    } else {
        sqlx::query(
            "SELECT sequence, at, actor, trusted, context, action, subject, remediation, plan_hash, detail, previous, \
             hash FROM audit ORDER BY sequence",
        )
    };
    let mut rows = rows.fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let entry = entry(&row).map_err(|error| Unreadable(format!("it is no entry: {error}")));
        if take(entry).is_break() {
            break;
        }
    }
    Ok(())
}

fn entry(row: &SqliteRow) -> Result<Entry, LedgerError> {
    Ok(Entry {
        sequence: number(row.try_get(0)?)?,
        at_ms: row.try_get(1)?,
        actor: row.try_get(2)?,
        trusted: row.try_get(3)?,
        context: row.try_get(4)?,
        action: row.try_get(5)?,
        subject: row.try_get(6)?,
        remediation: row.try_get(7)?,
        plan_hash: row.try_get(8)?,
        detail: row.try_get(9)?,
        previous: row.try_get(10)?,
        hash: row.try_get(11)?,
    })
}

fn number(sequence: i64) -> Result<u64, LedgerError> {
    u64::try_from(sequence).map_err(|_| LedgerError::Unwritable(format!("{sequence} is no place in the audit")))
}

fn whole(sequence: u64) -> Result<i64, LedgerError> {
    i64::try_from(sequence).map_err(|_| LedgerError::Unwritable(format!("{sequence} is no place in the audit")))
}
