//! The tables of automations: what they would have done, once for each instance and version, and what that was worth.
//!
//! Whether it is the first time is decided by the ledger, so that several processes that look at one source count once,
//! and keep to one automation's limits together.

use jiff::{SignedDuration, Timestamp};
use sqlx::{Row as _, SqliteConnection};

use super::error::LedgerError;
use super::{Ledger, Writing};
use crate::domain::automation::{Score, Tally};
use crate::domain::remediation::{ItemState, Verb};

/// So many open ones are looked at, those whose time is over first.
const OPEN: i64 = 5_000;

/// Which automation, as it is defined now.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::hub) struct Key {
    pub(in crate::hub) context: String,
    pub(in crate::hub) name: String,
    pub(in crate::hub) definition: String,
}

/// What an automation may do, and for how long it is watched.
#[derive(Debug, Clone, Copy)]
pub(in crate::hub) struct Limits {
    pub(in crate::hub) verb: Verb,
    pub(in crate::hub) at_most: u64,
    pub(in crate::hub) cooldown: SignedDuration,
    pub(in crate::hub) per_hour: u64,
    pub(in crate::hub) watch: SignedDuration,
    /// Whether somebody is asked: then what was only counted so far, or was refused, is asked for.
    pub(in crate::hub) asks: bool,
}

/// An instance to which an automation would do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hub) struct Candidate {
    pub(in crate::hub) source: String,
    pub(in crate::hub) instance: String,
    pub(in crate::hub) version: String,
    /// How it is, as JSON.
    pub(in crate::hub) before: String,
}

/// Which of the candidates it would have done something to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::hub) struct Would {
    /// These, by their places; they are counted now, or asked for now.
    pub(in crate::hub) taken: Vec<usize>,
    /// These were counted before.
    pub(in crate::hub) known: Vec<usize>,
    /// Until when its limits leave nothing to be done.
    pub(in crate::hub) not_before: Option<Timestamp>,
}

/// What an automation would have done, and of which nothing can be said yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hub) struct OpenShadow {
    pub(in crate::hub) automation: String,
    pub(in crate::hub) definition: String,
    pub(in crate::hub) source: String,
    pub(in crate::hub) instance: String,
    pub(in crate::hub) version: String,
    pub(in crate::hub) verb: Verb,
    /// How it was, as JSON.
    pub(in crate::hub) before: String,
    pub(in crate::hub) at: Timestamp,
    pub(in crate::hub) until: Timestamp,
}

/// An act of our own on an instance that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hub) struct OwnDeed {
    pub(in crate::hub) source: String,
    pub(in crate::hub) instance: String,
    pub(in crate::hub) what: DeedOf,
    pub(in crate::hub) state: ItemState,
    pub(in crate::hub) ended: bool,
    /// When it was begun, or was heard of last.
    pub(in crate::hub) at: Timestamp,
}

/// What an own act did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hub) enum DeedOf {
    /// An act on one instance, as it was recorded before it was sent.
    Single(String),
    /// An item of a remediation of many.
    Item(String),
}

/// What became of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hub) struct Scored {
    pub(in crate::hub) of: OpenShadow,
    pub(in crate::hub) score: Score,
    pub(in crate::hub) words: String,
}

/// How an automation stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::hub) struct Standing {
    pub(in crate::hub) since: Option<Timestamp>,
    pub(in crate::hub) last: Option<Timestamp>,
    pub(in crate::hub) tally: Tally,
    pub(in crate::hub) proposed: u64,
    pub(in crate::hub) refused: Option<(Timestamp, String)>,
}

fn unreadable(why: &str) -> LedgerError {
    LedgerError::Unwritable(format!("what an automation would have done can't be read back: {why}"))
}

fn time(ms: i64) -> Result<Timestamp, LedgerError> {
    Timestamp::from_millisecond(ms).map_err(|error| unreadable(&error.to_string()))
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

impl Writing<'_> {
    /// An automation is looked at as it is defined now.
    pub(in crate::hub) async fn watches(&mut self, key: &Key, now: Timestamp) -> Result<(), LedgerError> {
        sqlx::query(
            "INSERT INTO automations (context, name, definition, since) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (context, name, definition) DO NOTHING",
        )
        .bind(&key.context)
        .bind(&key.name)
        .bind(&key.definition)
        .bind(now.as_millisecond())
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Until when the limits of an automation leave nothing to be done.
    async fn resting(&mut self, key: &Key, limits: &Limits, now: Timestamp) -> Result<Option<Timestamp>, LedgerError> {
        let hour = SignedDuration::from_hours(1);
        let from = now.saturating_sub(limits.cooldown.max(hour)).unwrap_or(Timestamp::MIN);
        let times: Vec<i64> = sqlx::query_scalar(
            "SELECT DISTINCT taken_at FROM shadow_acts WHERE context = $1 AND automation = $2 AND taken_at > $3 \
             ORDER BY taken_at DESC",
        )
        .bind(&key.context)
        .bind(&key.name)
        .bind(from.as_millisecond())
        .fetch_all(&mut *self.connection)
        .await?;
        let cool = times.first().map(|last| time(*last)).transpose()?.map(|last| later(last, limits.cooldown));
        let nth = usize::try_from(limits.per_hour.saturating_sub(1)).unwrap_or(usize::MAX);
        let full = times.get(nth).map(|nth| time(*nth)).transpose()?.map(|nth| later(nth, hour));
        Ok(cool.max(full).filter(|until| *until > now))
    }

    /// Notes to which of the candidates an automation would do something now: as many as its limits let it, in their
    /// order, and each version of an instance once.
    pub(in crate::hub) async fn would_have(
        &mut self,
        key: &Key,
        limits: &Limits,
        candidates: &[Candidate],
        now: Timestamp,
    ) -> Result<Would, LedgerError> {
        let mut would = Would { not_before: self.resting(key, limits, now).await?, ..Would::default() };
        if would.not_before.is_some() {
            return Ok(would);
        }
        let most = usize::try_from(limits.at_most).unwrap_or(usize::MAX);
        for (place, candidate) in candidates.iter().enumerate() {
            if would.taken.len() >= most {
                break;
            }
            if self.first_time(key, limits, candidate, now).await? {
                would.taken.push(place);
            } else {
                would.known.push(place);
            }
        }
        Ok(would)
    }

    async fn first_time(
        &mut self,
        key: &Key,
        limits: &Limits,
        candidate: &Candidate,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        let done = sqlx::query(
            "INSERT INTO shadow_acts (context, automation, definition, source, instance, version, verb, before, at, \
             until, taken_at, asked, score, words) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, $11, $12, '') \
             ON CONFLICT (context, automation, definition, source, instance, version) DO NOTHING",
        )
        .bind(&key.context)
        .bind(&key.name)
        .bind(&key.definition)
        .bind(&candidate.source)
        .bind(&candidate.instance)
        .bind(&candidate.version)
        .bind(limits.verb.name())
        .bind(&candidate.before)
        .bind(now.as_millisecond())
        .bind(later(now, limits.watch).as_millisecond())
        .bind(i64::from(limits.asks))
        .bind(Score::Open.name())
        .execute(&mut *self.connection)
        .await?;
        if done.rows_affected() > 0 || !limits.asks {
            return Ok(done.rows_affected() > 0);
        }
        // It is watched since it was counted first, and asked for once nothing refuses it.
        let done = sqlx::query(
            "UPDATE shadow_acts SET asked = 1, refused = NULL, taken_at = $7 WHERE context = $1 AND automation = $2 \
             AND definition = $3 AND source = $4 AND instance = $5 AND version = $6 AND remediation IS NULL \
             AND (asked = 0 OR refused IS NOT NULL)",
        )
        .bind(&key.context)
        .bind(&key.name)
        .bind(&key.definition)
        .bind(&candidate.source)
        .bind(&candidate.instance)
        .bind(&candidate.version)
        .bind(now.as_millisecond())
        .execute(&mut *self.connection)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// What came of asking for what was taken at a moment: a remediation, or why it was refused.
    pub(in crate::hub) async fn was_asked(
        &mut self,
        key: &Key,
        taken_at: Timestamp,
        came: Result<&str, &str>,
    ) -> Result<(), LedgerError> {
        let (remediation, refused) = (came.ok(), came.err());
        sqlx::query(
            "UPDATE shadow_acts SET remediation = $5, refused = $6 WHERE context = $1 AND automation = $2 \
             AND definition = $3 AND taken_at = $4 AND asked = 1 AND remediation IS NULL",
        )
        .bind(&key.context)
        .bind(&key.name)
        .bind(&key.definition)
        .bind(taken_at.as_millisecond())
        .bind(remediation)
        .bind(refused)
        .execute(&mut *self.connection)
        .await?;
        if let Some(why) = refused {
            sqlx::query(
                "UPDATE automations SET refused_at = $4, refusal = $5 \
                 WHERE context = $1 AND name = $2 AND definition = $3",
            )
            .bind(&key.context)
            .bind(&key.name)
            .bind(&key.definition)
            .bind(taken_at.as_millisecond())
            .bind(why)
            .execute(&mut *self.connection)
            .await?;
        }
        Ok(())
    }

    /// What became of some; what somebody else has scored stays as it is. Gives how many are new.
    pub(in crate::hub) async fn scored(
        &mut self,
        context: &str,
        scored: &[Scored],
        now: Timestamp,
    ) -> Result<u64, LedgerError> {
        let mut new = 0;
        for Scored { of, score, words } in scored {
            let done = sqlx::query(
                "UPDATE shadow_acts SET score = $7, words = $8, scored_at = $9 WHERE context = $1 AND automation = $2 \
                 AND definition = $3 AND source = $4 AND instance = $5 AND version = $6 AND score = 'open'",
            )
            .bind(context)
            .bind(&of.automation)
            .bind(&of.definition)
            .bind(&of.source)
            .bind(&of.instance)
            .bind(&of.version)
            .bind(score.name())
            .bind(words)
            .bind(now.as_millisecond())
            .execute(&mut *self.connection)
            .await?;
            new += done.rows_affected();
        }
        Ok(new)
    }
}

impl Ledger {
    /// What automations would have done and of which nothing can be said yet, those first whose time is over first.
    pub(in crate::hub) async fn open_shadows(&self, context: String) -> Result<Vec<OpenShadow>, LedgerError> {
        self.read(async move |connection| {
            let rows = sqlx::query(
                "SELECT automation, definition, source, instance, version, verb, before, at, until FROM shadow_acts \
                 WHERE context = $1 AND score = 'open' ORDER BY until LIMIT $2",
            )
            .bind(context)
            .bind(OPEN)
            .fetch_all(connection)
            .await?;
            let read = |row: &sqlx::sqlite::SqliteRow| {
                let verb: String = row.try_get(5)?;
                Ok(OpenShadow {
                    automation: row.try_get(0)?,
                    definition: row.try_get(1)?,
                    source: row.try_get(2)?,
                    instance: row.try_get(3)?,
                    version: row.try_get(4)?,
                    verb: Verb::named(&verb).ok_or_else(|| unreadable("its verb is not known"))?,
                    before: row.try_get(6)?,
                    at: time(row.try_get(7)?)?,
                    until: time(row.try_get(8)?)?,
                })
            };
            rows.iter().map(read).collect()
        })
        .await
    }

    /// The acts of our own on instances that are watched, one by one and as items of many.
    pub(in crate::hub) async fn deeds_on_watched(&self, context: String) -> Result<Vec<OwnDeed>, LedgerError> {
        self.read(async move |connection| {
            let mut deeds = singles(connection, &context).await?;
            deeds.extend(items(connection, &context).await?);
            Ok(deeds)
        })
        .await
    }

    /// How the automations of a context stand, by name and definition.
    pub(in crate::hub) async fn automations(&self, context: String) -> Result<Vec<(Key, Standing)>, LedgerError> {
        self.read(async move |connection| {
            let rows = sqlx::query(
                "SELECT name, definition, since, refused_at, refusal FROM automations WHERE context = $1 \
                 ORDER BY name, definition",
            )
            .bind(&context)
            .fetch_all(&mut *connection)
            .await?;
            let mut all = Vec::with_capacity(rows.len());
            for row in &rows {
                let key = Key { context: context.clone(), name: row.try_get(0)?, definition: row.try_get(1)? };
                let refused: Option<i64> = row.try_get(3)?;
                let refusal: Option<String> = row.try_get(4)?;
                let mut standing = counted(connection, &key).await?;
                standing.since = Some(time(row.try_get(2)?)?);
                standing.refused = refused.map(time).transpose()?.zip(refusal);
                all.push((key, standing));
            }
            Ok(all)
        })
        .await
    }
}

async fn counted(connection: &mut SqliteConnection, key: &Key) -> Result<Standing, LedgerError> {
    let rows = sqlx::query(
        "SELECT score, COUNT(*), MAX(taken_at) FROM shadow_acts \
         WHERE context = $1 AND automation = $2 AND definition = $3 GROUP BY score",
    )
    .bind(&key.context)
    .bind(&key.name)
    .bind(&key.definition)
    .fetch_all(&mut *connection)
    .await?;
    let mut standing = Standing::default();
    for row in &rows {
        let (score, count, last): (String, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let score = Score::named(&score).ok_or_else(|| unreadable("its score is not known"))?;
        standing.tally.add(score, u64::try_from(count).unwrap_or_default());
        standing.last = standing.last.max(Some(time(last)?));
    }
    let proposed: i64 = sqlx::query_scalar(
        "SELECT COUNT(DISTINCT remediation) FROM shadow_acts \
         WHERE context = $1 AND automation = $2 AND definition = $3 AND remediation IS NOT NULL",
    )
    .bind(&key.context)
    .bind(&key.name)
    .bind(&key.definition)
    .fetch_one(connection)
    .await?;
    standing.proposed = u64::try_from(proposed).unwrap_or_default();
    Ok(standing)
}

fn state(name: &str) -> Result<ItemState, LedgerError> {
    ItemState::named(name).ok_or_else(|| unreadable("an act's state is not known"))
}

async fn singles(connection: &mut SqliteConnection, context: &str) -> Result<Vec<OwnDeed>, LedgerError> {
    let rows = sqlx::query(
        "SELECT DISTINCT acts.id, acts.source, acts.instance, acts.sending, acts.state, acts.begun_at, acts.ended_at \
         FROM shadow_acts JOIN acts ON acts.source = shadow_acts.source AND acts.instance = shadow_acts.instance \
         WHERE shadow_acts.context = $1 AND shadow_acts.score = 'open' AND acts.begun_at >= shadow_acts.at",
    )
    .bind(context)
    .fetch_all(connection)
    .await?;
    let read = |row: &sqlx::sqlite::SqliteRow| {
        let (told, ended): (String, Option<i64>) = (row.try_get(4)?, row.try_get(6)?);
        Ok(OwnDeed {
            source: row.try_get(1)?,
            instance: row.try_get(2)?,
            what: DeedOf::Single(row.try_get(3)?),
            state: state(&told)?,
            ended: ended.is_some(),
            at: time(row.try_get(5)?)?,
        })
    };
    rows.iter().map(read).collect()
}

async fn items(connection: &mut SqliteConnection, context: &str) -> Result<Vec<OwnDeed>, LedgerError> {
    let rows = sqlx::query(
        "SELECT DISTINCT items.remediation, items.number, items.source, items.instance, items.state, items.ended, \
         items.at FROM shadow_acts \
         JOIN items ON items.source = shadow_acts.source AND items.instance = shadow_acts.instance \
         JOIN remediations ON remediations.id = items.remediation AND remediations.context = shadow_acts.context \
         WHERE shadow_acts.context = $1 AND shadow_acts.score = 'open' AND items.act IS NOT NULL \
         AND items.at >= shadow_acts.at",
    )
    .bind(context)
    .fetch_all(connection)
    .await?;
    let read = |row: &sqlx::sqlite::SqliteRow| {
        let (told, ended, at): (String, i64, i64) = (row.try_get(4)?, row.try_get(5)?, row.try_get(6)?);
        Ok(OwnDeed {
            source: row.try_get(2)?,
            instance: row.try_get(3)?,
            what: DeedOf::Item(row.try_get(0)?),
            state: state(&told)?,
            ended: ended != 0,
            at: time(at)?,
        })
    };
    rows.iter().map(read).collect()
}
