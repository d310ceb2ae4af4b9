//! The tables of plans, remediations and their items. What they hold is decided elsewhere; here it is written down and
//! read back, and nothing is written of a remediation that was not read in the same piece of writing.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::error::LedgerError;
use super::{Ledger, Writing};
use crate::domain::approval::Approval;
use crate::domain::remediation::ItemState;
use crate::domain::wide::{ItemCounts, WideState};

/// A remediation as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::hub) struct Kept {
    pub(in crate::hub) id: String,
    pub(in crate::hub) context: String,
    pub(in crate::hub) plan_hash: String,
    /// As JSON.
    pub(in crate::hub) plan: String,
    pub(in crate::hub) reason: String,
    pub(in crate::hub) ticket: Option<String>,
    pub(in crate::hub) takes_back: Option<String>,
    /// Taken on trust.
    pub(in crate::hub) requested_by: String,
    pub(in crate::hub) requested_at: Timestamp,
    pub(in crate::hub) state: WideState,
    pub(in crate::hub) approval: Approval,
    /// The wave that is sent or watched, from 0.
    pub(in crate::hub) wave: u32,
    pub(in crate::hub) outcome: String,
    /// Items that had gone wrong when somebody resumed it: these stop it no more.
    pub(in crate::hub) forgiven: u64,
    pub(in crate::hub) started_at: Option<Timestamp>,
    pub(in crate::hub) changed_at: Timestamp,
    /// What became of putting the service back; `None` where that was not begun.
    pub(in crate::hub) put_back: Option<String>,
    /// The override of a freeze, where one was asked for, as JSON.
    pub(in crate::hub) break_glass: Option<String>,
}

/// An item as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::hub) struct KeptItem {
    /// Its place in the plan, from 0.
    pub(in crate::hub) number: u32,
    pub(in crate::hub) source: String,
    pub(in crate::hub) instance: String,
    pub(in crate::hub) version: String,
    pub(in crate::hub) wave: u32,
    pub(in crate::hub) state: ItemState,
    /// Whether it stays so.
    pub(in crate::hub) ended: bool,
    pub(in crate::hub) words: String,
    pub(in crate::hub) at: Option<Timestamp>,
    /// The act that was begun for it: from then on it is never begun again.
    pub(in crate::hub) act: Option<String>,
    /// How the target was before, as JSON.
    pub(in crate::hub) before: Option<String>,
    /// The instance that was begun by it, where it was a restart.
    pub(in crate::hub) began: Option<String>,
    /// What it fails with since.
    pub(in crate::hub) fingerprint: Option<String>,
    /// Whether the engine is known to have taken it.
    pub(in crate::hub) answered: bool,
    /// How many steps it has behind it, each verified.
    pub(in crate::hub) step: u32,
    /// The version that the next step is to find; without one, that of the plan.
    pub(in crate::hub) expects: Option<String>,
}

impl KeptItem {
    /// Whether it waits for a step to be sent, be it the first or a later one.
    pub(in crate::hub) const fn unsent(&self) -> bool {
        self.act.is_none() && !self.ended
    }

    /// Whether a step is verified and the next one was not sent.
    pub(in crate::hub) const fn between_steps(&self) -> bool {
        self.unsent() && self.step > 0
    }

    /// Whether it is being sent, and nobody knows yet what the engine says of it.
    pub(in crate::hub) fn in_flight(&self) -> bool {
        self.act.is_some() && !self.ended && !self.answered && self.state != ItemState::Unknown
    }

    /// Leaves out what was not sent of it. Where nothing was, it is skipped; where some of its steps were, it has failed.
    pub(in crate::hub) fn cut_short(&mut self, why: &str) {
        if self.step == 0 {
            self.state = ItemState::Skipped;
            why.clone_into(&mut self.words);
        } else {
            self.state = ItemState::Failed;
            self.words = format!("{}; {why}", self.words);
        }
        self.ended = true;
    }
}

const COLUMNS: &str = "id, context, plan_hash, plan, reason, ticket, takes_back, requested_by, requested_at, state, \
                       approval, wave, outcome, forgiven, started_at, changed_at, put_back, break_glass";

pub(super) fn time(ms: i64) -> Result<Timestamp, LedgerError> {
    Timestamp::from_millisecond(ms).map_err(|error| LedgerError::Unwritable(error.to_string()))
}

pub(super) fn unreadable(what: &str) -> LedgerError {
    LedgerError::Unwritable(format!("a remediation can't be read back: {what}"))
}

fn small<T: TryFrom<i64>>(number: i64) -> Result<T, LedgerError> {
    T::try_from(number).map_err(|_| unreadable("a number is out of its bounds"))
}

fn kept(row: &SqliteRow) -> Result<Kept, LedgerError> {
    let (state, approval): (String, String) = (row.try_get(9)?, row.try_get(10)?);
    let started: Option<i64> = row.try_get(14)?;
    Ok(Kept {
        id: row.try_get(0)?,
        context: row.try_get(1)?,
        plan_hash: row.try_get(2)?,
        plan: row.try_get(3)?,
        reason: row.try_get(4)?,
        ticket: row.try_get(5)?,
        takes_back: row.try_get(6)?,
        requested_by: row.try_get(7)?,
        requested_at: time(row.try_get(8)?)?,
        state: WideState::named(&state).ok_or_else(|| unreadable("its state is not known"))?,
        approval: serde_json::from_str(&approval).map_err(|_| unreadable("its approval is none"))?,
        wave: small(row.try_get(11)?)?,
        outcome: row.try_get(12)?,
        forgiven: small(row.try_get(13)?)?,
        started_at: started.map(time).transpose()?,
        changed_at: time(row.try_get(15)?)?,
        put_back: row.try_get(16)?,
        break_glass: row.try_get(17)?,
    })
}

fn item(row: &SqliteRow) -> Result<KeptItem, LedgerError> {
    let state: String = row.try_get(5)?;
    let at: Option<i64> = row.try_get(8)?;
    let (ended, answered): (i64, i64) = (row.try_get(6)?, row.try_get(13)?);
    Ok(KeptItem {
        number: small(row.try_get(0)?)?,
        source: row.try_get(1)?,
        instance: row.try_get(2)?,
        version: row.try_get(3)?,
        wave: small(row.try_get(4)?)?,
        state: ItemState::named(&state).ok_or_else(|| unreadable("an item's state is not known"))?,
        ended: ended != 0,
        words: row.try_get(7)?,
        at: at.map(time).transpose()?,
        act: row.try_get(9)?,
        before: row.try_get(10)?,
        began: row.try_get(11)?,
        fingerprint: row.try_get(12)?,
        answered: answered != 0,
        step: small(row.try_get(14)?)?,
        expects: row.try_get(15)?,
    })
}

fn approval(approval: &Approval) -> Result<String, LedgerError> {
    serde_json::to_string(approval).map_err(|error| LedgerError::Unwritable(error.to_string()))
}

pub(super) async fn one(connection: &mut SqliteConnection, id: &str) -> Result<Option<Kept>, LedgerError> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM remediations WHERE id = $1")))
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(kept).transpose()
}

async fn items(connection: &mut SqliteConnection, id: &str) -> Result<Vec<KeptItem>, LedgerError> {
    let rows = sqlx::query(
        "SELECT number, source, instance, version, wave, state, ended, words, at, act, before, began, fingerprint, \
         answered, step, expects FROM items WHERE remediation = $1 ORDER BY number",
    )
    .bind(id)
    .fetch_all(connection)
    .await?;
    rows.iter().map(item).collect()
}

pub(super) async fn counts(connection: &mut SqliteConnection, id: &str) -> Result<ItemCounts, LedgerError> {
    let rows = sqlx::query("SELECT state, COUNT(*) FROM items WHERE remediation = $1 GROUP BY state")
        .bind(id)
        .fetch_all(connection)
        .await?;
    let mut counts = ItemCounts::default();
    for row in &rows {
        let state: String = row.try_get(0)?;
        let state = ItemState::named(&state).ok_or_else(|| unreadable("an item's state is not known"))?;
        counts.add(state, small(row.try_get(1)?)?);
    }
    Ok(counts)
}

impl Writing<'_> {
    /// A plan was made; made once more, it is good for longer.
    pub(in crate::hub) async fn keep_plan(
        &mut self,
        context: &str,
        hash: &str,
        (made_at, expires_at): (Timestamp, Timestamp),
        plan: &str,
    ) -> Result<(), LedgerError> {
        sqlx::query(
            "INSERT INTO plans (context, hash, made_at, expires_at, plan) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (context, hash) DO UPDATE SET made_at = $3, expires_at = $4, plan = $5",
        )
        .bind(context)
        .bind(hash)
        .bind(made_at.as_millisecond())
        .bind(expires_at.as_millisecond())
        .bind(plan)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// The remediation of this id.
    pub(in crate::hub) async fn remediation(&mut self, id: &str) -> Result<Option<Kept>, LedgerError> {
        one(self.connection, id).await
    }

    /// The items of a remediation, in the plan's order.
    pub(in crate::hub) async fn items(&mut self, id: &str) -> Result<Vec<KeptItem>, LedgerError> {
        items(self.connection, id).await
    }

    /// How far the items of a remediation have come.
    pub(in crate::hub) async fn counts(&mut self, id: &str) -> Result<ItemCounts, LedgerError> {
        counts(self.connection, id).await
    }

    /// The ids of the remediations of a context that stand in one of these states, the oldest first.
    pub(in crate::hub) async fn standing(
        &mut self,
        context: &str,
        states: &[WideState],
    ) -> Result<Vec<(String, WideState, String)>, LedgerError> {
        let rows =
            sqlx::query("SELECT id, state, plan_hash FROM remediations WHERE context = $1 ORDER BY requested_at, id")
                .bind(context)
                .fetch_all(&mut *self.connection)
                .await?;
        let mut standing = Vec::new();
        for row in &rows {
            let state: String = row.try_get(1)?;
            if let Some(state) = WideState::named(&state).filter(|state| states.contains(state)) {
                standing.push((row.try_get(0)?, state, row.try_get(2)?));
            }
        }
        Ok(standing)
    }

    /// The remediations of a context that were asked for by this plan, the oldest first.
    pub(in crate::hub) async fn asked_by(
        &mut self,
        context: &str,
        plan_hash: &str,
    ) -> Result<Vec<(String, WideState)>, LedgerError> {
        let mut standing = self.standing(context, &WideState::ALL).await?;
        standing.retain(|(_, _, hash)| hash == plan_hash);
        Ok(standing.into_iter().map(|(id, state, _)| (id, state)).collect())
    }

    /// The remediations of a context of which items were begun and have no end.
    pub(in crate::hub) async fn outstanding(&mut self, context: &str) -> Result<Vec<String>, LedgerError> {
        let rows = sqlx::query(
            "SELECT DISTINCT items.remediation FROM items JOIN remediations ON remediations.id = items.remediation \
             WHERE remediations.context = $1 AND items.act IS NOT NULL AND items.ended = 0",
        )
        .bind(context)
        .fetch_all(&mut *self.connection)
        .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// A remediation was asked for.
    pub(in crate::hub) async fn ask(&mut self, asked: &Kept, items: &[KeptItem]) -> Result<(), LedgerError> {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "INSERT INTO remediations ({COLUMNS}) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
        )))
        .bind(&asked.id)
        .bind(&asked.context)
        .bind(&asked.plan_hash)
        .bind(&asked.plan)
        .bind(&asked.reason)
        .bind(&asked.ticket)
        .bind(&asked.takes_back)
        .bind(&asked.requested_by)
        .bind(asked.requested_at.as_millisecond())
        .bind(asked.state.name())
        .bind(approval(&asked.approval)?)
        .bind(i64::from(asked.wave))
        .bind(&asked.outcome)
        .bind(i64::try_from(asked.forgiven).unwrap_or(i64::MAX))
        .bind(asked.started_at.map(Timestamp::as_millisecond))
        .bind(asked.changed_at.as_millisecond())
        .bind(&asked.put_back)
        .bind(&asked.break_glass)
        .execute(&mut *self.connection)
        .await?;
        for item in items {
            sqlx::query(
                "INSERT INTO items (remediation, number, source, instance, version, wave, state, ended, words, answered) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)",
            )
            .bind(&asked.id)
            .bind(i64::from(item.number))
            .bind(&item.source)
            .bind(&item.instance)
            .bind(&item.version)
            .bind(i64::from(item.wave))
            .bind(item.state.name())
            .bind(i64::from(item.ended))
            .bind(&item.words)
            .execute(&mut *self.connection)
            .await?;
        }
        Ok(())
    }

    /// How a remediation stands now. What was asked for does not change.
    pub(in crate::hub) async fn stands(&mut self, now: &Kept) -> Result<(), LedgerError> {
        sqlx::query(
            "UPDATE remediations SET state = $2, approval = $3, wave = $4, outcome = $5, forgiven = $6, \
             started_at = $7, changed_at = $8, put_back = $9 WHERE id = $1",
        )
        .bind(&now.id)
        .bind(now.state.name())
        .bind(approval(&now.approval)?)
        .bind(i64::from(now.wave))
        .bind(&now.outcome)
        .bind(i64::try_from(now.forgiven).unwrap_or(i64::MAX))
        .bind(now.started_at.map(Timestamp::as_millisecond))
        .bind(now.changed_at.as_millisecond())
        .bind(&now.put_back)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// An item is about to be sent.
    ///
    /// # Errors
    /// Also where it was begun or left out before: it must not be sent once more.
    pub(in crate::hub) async fn begin_item(&mut self, id: &str, item: &KeptItem) -> Result<(), LedgerError> {
        let done = sqlx::query(
            "UPDATE items SET act = $3, before = $4, words = $5, at = $6 \
             WHERE remediation = $1 AND number = $2 AND step = $7 AND act IS NULL AND ended = 0",
        )
        .bind(id)
        .bind(i64::from(item.number))
        .bind(&item.act)
        .bind(&item.before)
        .bind(&item.words)
        .bind(item.at.map(Timestamp::as_millisecond))
        .bind(i64::from(item.step))
        .execute(&mut *self.connection)
        .await?;
        if done.rows_affected() == 1 {
            return Ok(());
        }
        Err(LedgerError::Unwritable(format!("item {} of {id} was begun before", item.number)))
    }

    /// A step of an item is verified, and the next one may be begun.
    ///
    /// # Errors
    /// Also where it was not that step that was begun last.
    pub(in crate::hub) async fn next_step(&mut self, id: &str, item: &KeptItem) -> Result<(), LedgerError> {
        let done = sqlx::query(
            "UPDATE items SET step = $3, expects = $4, state = $5, words = $6, at = $7, fingerprint = $8, act = NULL, \
             before = NULL, began = NULL, answered = 0 \
             WHERE remediation = $1 AND number = $2 AND step = $3 - 1 AND act IS NOT NULL AND ended = 0",
        )
        .bind(id)
        .bind(i64::from(item.number))
        .bind(i64::from(item.step))
        .bind(&item.expects)
        .bind(item.state.name())
        .bind(&item.words)
        .bind(item.at.map(Timestamp::as_millisecond))
        .bind(&item.fingerprint)
        .execute(&mut *self.connection)
        .await?;
        if done.rows_affected() == 1 {
            return Ok(());
        }
        Err(LedgerError::Unwritable(format!("step {} of item {} of {id} was not begun", item.step, item.number)))
    }

    /// How far an item has come. One that has ended stays as it is.
    pub(in crate::hub) async fn item_stands(&mut self, id: &str, item: &KeptItem) -> Result<(), LedgerError> {
        sqlx::query(
            "UPDATE items SET state = $3, ended = $4, words = $5, at = $6, began = $7, fingerprint = $8, answered = $9 \
             WHERE remediation = $1 AND number = $2 AND ended = 0",
        )
        .bind(id)
        .bind(i64::from(item.number))
        .bind(item.state.name())
        .bind(i64::from(item.ended))
        .bind(&item.words)
        .bind(item.at.map(Timestamp::as_millisecond))
        .bind(&item.began)
        .bind(&item.fingerprint)
        .bind(i64::from(item.answered))
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Leaves out what was not sent of a remediation's items, as [`KeptItem::cut_short`] does.
    pub(in crate::hub) async fn leave_out(&mut self, id: &str, words: &str, at: Timestamp) -> Result<(), LedgerError> {
        for (of, state, told) in
            [("step = 0", ItemState::Skipped, "$3"), ("step > 0", ItemState::Failed, "words || '; ' || $3")]
        {
            sqlx::query(sqlx::AssertSqlSafe(format!(
                "UPDATE items SET state = $2, ended = 1, words = {told}, at = $4 \
                 WHERE remediation = $1 AND {of} AND act IS NULL AND ended = 0"
            )))
            .bind(id)
            .bind(state.name())
            .bind(words)
            .bind(at.as_millisecond())
            .execute(&mut *self.connection)
            .await?;
        }
        Ok(())
    }
}

/// An entry of the audit on a remediation: when, who, what, to whom, and what else there is to tell, as JSON.
pub(in crate::hub) type Entry = (Timestamp, String, String, String, String);

impl Ledger {
    /// Whether nothing of a context is said to run, and no item that was begun is without an end.
    pub(in crate::hub) async fn nothing_runs(&self, context: String) -> Result<bool, LedgerError> {
        self.read(async move |connection| {
            let running: i64 = sqlx::query_scalar(
                "SELECT (SELECT COUNT(*) FROM remediations WHERE context = $1 AND state IN ('running', 'verifying')) \
                 + (SELECT COUNT(*) FROM items JOIN remediations ON remediations.id = items.remediation \
                    WHERE remediations.context = $1 AND items.act IS NOT NULL AND items.ended = 0)",
            )
            .bind(context)
            .fetch_one(connection)
            .await?;
            Ok(running == 0)
        })
        .await
    }

    /// The plan of this hash, and until when it may be asked for.
    pub(in crate::hub) async fn plan(
        &self,
        context: String,
        hash: String,
    ) -> Result<Option<(String, Timestamp)>, LedgerError> {
        self.read(async move |connection| {
            let row = sqlx::query("SELECT plan, expires_at FROM plans WHERE context = $1 AND hash = $2")
                .bind(context)
                .bind(hash)
                .fetch_optional(connection)
                .await?;
            row.map(|row| Ok((row.try_get(0)?, time(row.try_get(1)?)?))).transpose()
        })
        .await
    }

    /// One remediation as it stands, without its items.
    pub(in crate::hub) async fn stands(&self, id: String) -> Result<Option<Kept>, LedgerError> {
        self.read(async move |connection| one(connection, &id).await).await
    }

    /// One remediation with its items and the last `most` of what the audit tells of it, the oldest first.
    pub(in crate::hub) async fn remediation(
        &self,
        id: String,
        most: u32,
    ) -> Result<Option<(Kept, Vec<KeptItem>, Vec<Entry>)>, LedgerError> {
        self.read(async move |connection| {
            let Some(kept) = one(connection, &id).await? else { return Ok(None) };
            let items = items(connection, &id).await?;
            let rows = sqlx::query(
                "SELECT at, actor, action, subject, detail FROM audit WHERE remediation = $1 \
                 ORDER BY sequence DESC LIMIT $2",
            )
            .bind(&id)
            .bind(i64::from(most))
            .fetch_all(connection)
            .await?;
            let mut entries = Vec::with_capacity(rows.len());
            for row in rows.iter().rev() {
                entries.push((
                    time(row.try_get(0)?)?,
                    row.try_get(1)?,
                    row.try_get(2)?,
                    row.try_get(3)?,
                    row.try_get(4)?,
                ));
            }
            Ok(Some((kept, items, entries)))
        })
        .await
    }
}
