//! Whom acts were for: what was done for a tenant stays found after its flows are gone.

use jiff::Timestamp;
use sqlx::Row as _;

use super::error::LedgerError;
use super::remediations::{time, unreadable};
use super::{Reader, Writing};
use crate::domain::remediation::ItemState;

/// That something was asked for, for a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hub) struct ActedFor {
    pub(in crate::hub) context: String,
    pub(in crate::hub) tenant: String,
    /// When it was asked for.
    pub(in crate::hub) at: Timestamp,
    pub(in crate::hub) remediation: String,
    /// Its number among many; `None` where it was the only one.
    pub(in crate::hub) item: Option<u32>,
    pub(in crate::hub) source: String,
    pub(in crate::hub) instance: String,
    pub(in crate::hub) verb: String,
    pub(in crate::hub) actor: String,
}

/// The same, with how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hub) struct DoneFor {
    pub(in crate::hub) asked: ActedFor,
    pub(in crate::hub) state: ItemState,
    /// In words.
    pub(in crate::hub) words: String,
}

/// Where a list goes on: behind this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hub) struct Behind {
    pub(in crate::hub) at: Timestamp,
    pub(in crate::hub) remediation: String,
    pub(in crate::hub) source: String,
    pub(in crate::hub) instance: String,
}

impl Writing<'_> {
    /// Notes for whom something was asked for.
    pub(in crate::hub) async fn acted_for(&mut self, all: &[ActedFor]) -> Result<(), LedgerError> {
        for one in all {
            sqlx::query(
                "INSERT INTO acted_for (context, tenant, at, remediation, item, source, instance, verb, actor) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            )
            .bind(&one.context)
            .bind(&one.tenant)
            .bind(one.at.as_millisecond())
            .bind(&one.remediation)
            .bind(one.item.map(i64::from))
            .bind(&one.source)
            .bind(&one.instance)
            .bind(&one.verb)
            .bind(&one.actor)
            .execute(&mut *self.connection)
            .await?;
        }
        Ok(())
    }
}

impl Reader {
    /// What was asked for, for a tenant, the newest first, with how many there are in all; `None` where there is no
    /// ledger.
    pub(in crate::hub) async fn done_for(
        &self,
        context: String,
        tenant: String,
        behind: Option<Behind>,
        most: u32,
    ) -> Result<Option<(u64, Vec<DoneFor>)>, LedgerError> {
        self.read(async move |connection| {
            let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM acted_for WHERE context = $1 AND tenant = $2")
                .bind(&context)
                .bind(&tenant)
                .fetch_one(&mut *connection)
                .await?;
            let behind = behind.unwrap_or(Behind {
                at: Timestamp::MAX,
                remediation: String::new(),
                source: String::new(),
                instance: String::new(),
            });
            let rows = sqlx::query(
                "SELECT f.at, f.remediation, f.item, f.source, f.instance, f.verb, f.actor, COALESCE(i.state, a.state), \
                 COALESCE(i.words, a.outcome, a.answer, '') FROM acted_for f \
                 LEFT JOIN items i ON i.remediation = f.remediation AND i.number = f.item \
                 LEFT JOIN acts a ON a.id = f.remediation AND f.item IS NULL \
                 WHERE f.context = $1 AND f.tenant = $2 AND (f.at, f.remediation, f.source, f.instance) < ($3, $4, $5, $6) \
                 ORDER BY f.at DESC, f.remediation DESC, f.source DESC, f.instance DESC LIMIT $7",
            )
            .bind(&context)
            .bind(&tenant)
            .bind(behind.at.as_millisecond())
            .bind(&behind.remediation)
            .bind(&behind.source)
            .bind(&behind.instance)
            .bind(i64::from(most))
            .fetch_all(connection)
            .await?;
            let one = |row: &sqlx::sqlite::SqliteRow| {
                let state: Option<String> = row.try_get(7)?;
                let state = state.as_deref().and_then(ItemState::named);
                let item: Option<i64> = row.try_get(2)?;
                Ok(DoneFor {
                    asked: ActedFor {
                        context: context.clone(),
                        tenant: tenant.clone(),
                        at: time(row.try_get(0)?)?,
                        remediation: row.try_get(1)?,
                        item: item.and_then(|item| item.try_into().ok()),
                        source: row.try_get(3)?,
                        instance: row.try_get(4)?,
                        verb: row.try_get(5)?,
                        actor: row.try_get(6)?,
                    },
                    state: state.ok_or_else(|| unreadable("how far an act has come is not known"))?,
                    words: row.try_get(8)?,
                })
            };
            Ok((count.unsigned_abs(), rows.iter().map(one).collect::<Result<_, LedgerError>>()?))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::Ledger;
    use super::super::acts::Begun;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn asked(n: i64, tenant: &str) -> ActedFor {
        ActedFor {
            context: "prod".into(),
            tenant: tenant.into(),
            at: at(n / 3),
            remediation: format!("{n:04}"),
            item: None,
            source: "eu".into(),
            instance: format!("inv_{n}"),
            verb: "resume".into(),
            actor: "ada".into(),
        }
    }

    #[tokio::test]
    async fn it_is_read_page_by_page_and_nothing_is_missed() {
        let ledger = Ledger::in_memory();
        ledger
            .write(async move |writing| {
                for n in 0..100 {
                    let tenant = if n % 2 == 0 { "acme" } else { "globex" };
                    let one = asked(n, tenant);
                    let act = Begun {
                        id: one.remediation.clone(),
                        at: one.at,
                        source: one.source.clone(),
                        instance: one.instance.clone(),
                        sending: "{}".into(),
                    };
                    writing.begin(&act).await?;
                    writing.acted_for(&[one]).await?;
                }
                writing.end("0042", ItemState::Verified, "it holds", at(50)).await?;
                Ok(())
            })
            .await
            .unwrap();
        let reader = ledger.reader();
        let mut all: Vec<DoneFor> = Vec::new();
        loop {
            let behind = all.last().map(|last| Behind {
                at: last.asked.at,
                remediation: last.asked.remediation.clone(),
                source: last.asked.source.clone(),
                instance: last.asked.instance.clone(),
            });
            let (count, page) = reader.done_for("prod".into(), "acme".into(), behind, 7).await.unwrap().unwrap();
            assert_eq!(count, 50);
            if page.is_empty() {
                break;
            }
            all.extend(page);
        }
        let ids: Vec<String> = all.iter().map(|one| one.asked.remediation.clone()).collect();
        assert_eq!(ids, (0..50).rev().map(|n| format!("{:04}", n * 2)).collect::<Vec<_>>());
        let one = &all[50 - 22];
        assert_eq!((one.state, one.words.as_str()), (ItemState::Verified, "it holds"));
        assert_eq!(all[0].state, ItemState::Pending);
        assert_eq!(reader.done_for("staging".into(), "acme".into(), None, 7).await.unwrap().unwrap().0, 0);
    }
}
