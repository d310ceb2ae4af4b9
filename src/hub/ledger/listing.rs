//! Lists of remediations: which ones there are, read from an index alone, and each of them in full only where it has
//! changed since it was read. So a long history costs no more to look at again than what goes on.

use jiff::Timestamp;
use sqlx::Row as _;

use super::Ledger;
use super::error::LedgerError;
use super::remediations::{Kept, counts, one, time, unreadable};
use crate::domain::wide::{ItemCounts, WideState};

/// A remediation in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hub) struct Listed {
    pub(in crate::hub) id: String,
    pub(in crate::hub) state: WideState,
    pub(in crate::hub) changed_at: Timestamp,
}

/// The columns of [`Listed`], in the order of the index.
const COLUMNS: &str = "id, state, changed_at";

/// The states of those that have not ended, as the index for them has them.
const OPEN: &str = "'awaiting_approval', 'approved', 'running', 'held', 'verifying'";

fn listed(row: &sqlx::sqlite::SqliteRow) -> Result<Listed, LedgerError> {
    let state: String = row.try_get(1)?;
    Ok(Listed {
        id: row.try_get(0)?,
        state: WideState::named(&state).ok_or_else(|| unreadable("its state is not known"))?,
        changed_at: time(row.try_get(2)?)?,
    })
}

impl Ledger {
    /// Those of a context that have not ended, and behind them the newest that have, at most `most` of these; the newest
    /// first.
    pub(in crate::hub) async fn listed(&self, context: String, most: u32) -> Result<Vec<Listed>, LedgerError> {
        self.read(async move |connection| {
            let mut all = Vec::new();
            for (which, limit) in [("", i64::MAX), ("NOT ", i64::from(most))] {
                let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
                    "SELECT {COLUMNS} FROM remediations WHERE context = $1 AND state {which}IN ({OPEN}) \
                     ORDER BY requested_at DESC, id DESC LIMIT $2"
                )))
                .bind(&context)
                .bind(limit)
                .fetch_all(&mut *connection)
                .await?;
                for row in &rows {
                    all.push(listed(row)?);
                }
            }
            Ok(all)
        })
        .await
    }

    /// Those of a context that have ended and were asked for before another one, the newest first.
    pub(in crate::hub) async fn listed_before(
        &self,
        context: String,
        before: String,
        most: u32,
    ) -> Result<Vec<Listed>, LedgerError> {
        self.read(async move |connection| {
            let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
                "SELECT {COLUMNS} FROM remediations WHERE context = $1 AND state NOT IN ({OPEN}) \
                 AND (requested_at, id) < (SELECT requested_at, id FROM remediations WHERE id = $2) \
                 ORDER BY requested_at DESC, id DESC LIMIT $3"
            )))
            .bind(context)
            .bind(before)
            .bind(i64::from(most))
            .fetch_all(connection)
            .await?;
            rows.iter().map(listed).collect()
        })
        .await
    }

    /// How many there are in a context.
    pub(in crate::hub) async fn how_many(&self, context: String) -> Result<u64, LedgerError> {
        self.read(async move |connection| {
            let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM remediations WHERE context = $1")
                .bind(context)
                .fetch_one(connection)
                .await?;
            Ok(count.unsigned_abs())
        })
        .await
    }

    /// These in full, each with how far its items have come; those that are not there are left out.
    pub(in crate::hub) async fn in_full(&self, ids: Vec<String>) -> Result<Vec<(Kept, ItemCounts)>, LedgerError> {
        self.read(async move |connection| {
            let mut all = Vec::with_capacity(ids.len());
            for id in ids {
                if let Some(kept) = one(connection, &id).await? {
                    let counts = counts(connection, &id).await?;
                    all.push((kept, counts));
                }
            }
            Ok(all)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::approval::{Approval, ApprovalState};

    fn asked(n: i64, state: WideState) -> Kept {
        let at = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(n / 2);
        let approval =
            Approval { state: ApprovalState::Spent, needed: Vec::new(), reviews: Vec::new(), expires_at: at };
        Kept {
            id: format!("{n:06}"),
            context: "prod".to_owned(),
            plan_hash: "7f3c".to_owned(),
            plan: "{}".to_owned(),
            reason: "a test".to_owned(),
            ticket: None,
            takes_back: None,
            requested_by: "ada".to_owned(),
            requested_at: at,
            state,
            approval,
            wave: 0,
            outcome: String::new(),
            forgiven: 0,
            started_at: None,
            changed_at: at,
            put_back: None,
            break_glass: None,
        }
    }

    /// Two are asked for in each second, and what is open is in the middle of what has ended.
    #[tokio::test]
    async fn a_long_history_is_read_page_by_page_and_nothing_is_missed() {
        let ledger = Ledger::in_memory();
        let state = |n: i64| if n % 400 == 7 { WideState::Held } else { WideState::Succeeded };
        ledger
            .write(async move |writing| {
                for n in 0..1_000 {
                    writing.ask(&asked(n, state(n)), &[]).await?;
                }
                let elsewhere = Kept { context: "staging".to_owned(), ..asked(5_000, WideState::Succeeded) };
                writing.ask(&elsewhere, &[]).await
            })
            .await
            .unwrap();
        let context = || "prod".to_owned();
        assert_eq!(ledger.how_many(context()).await.unwrap(), 1_000);
        let first = ledger.listed(context(), 100).await.unwrap();
        let open: Vec<&str> = first.iter().take(3).map(|one| one.id.as_str()).collect();
        assert_eq!(open, ["000807", "000407", "000007"]);
        assert_eq!((first.len(), first[3].id.as_str()), (103, "000999"));
        let mut ended = first[3..].to_vec();
        loop {
            let last = ended.last().unwrap().id.clone();
            let page = ledger.listed_before(context(), last, 333).await.unwrap();
            if page.is_empty() {
                break;
            }
            ended.extend(page);
        }
        let expected: Vec<String> = (0..1_000).rev().filter(|n| n % 400 != 7).map(|n| format!("{n:06}")).collect();
        assert_eq!(ended.iter().map(|one| one.id.clone()).collect::<Vec<_>>(), expected);
        let full = ledger.in_full(vec!["000003".to_owned(), "none".to_owned()]).await.unwrap();
        assert_eq!(full.iter().map(|(kept, _)| kept.id.as_str()).collect::<Vec<_>>(), ["000003"]);
    }

    #[test]
    fn the_index_names_the_states_that_have_not_ended() {
        let open: Vec<String> = WideState::ALL
            .into_iter()
            .filter(|state| !state.ended())
            .map(|state| format!("'{}'", state.name()))
            .collect();
        assert_eq!(open.join(", "), OPEN);
        assert!(include_str!("migrations/0003_history.sql").contains(OPEN));
    }
}
