//! The table of trend points: what the board of each source came to, once a minute.
//!
//! They are no acts: nothing of them is in the audit, and nothing waits for them to be written.

use jiff::{SignedDuration, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::Writing;
use super::error::LedgerError;
use super::reader::Reader;
use crate::domain::trend::{GROWTH, STEP, Sample, WINDOW};
use crate::hub::history::Point;

/// For how long they are kept. An hour of it is shown; a day bounds a source to 1440 rows, has the night in it for
/// whoever looks into the file in the morning, and lets a clock that is hours off for a while cost nothing.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Whose past it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hub) struct Past {
    pub(in crate::hub) context: String,
    pub(in crate::hub) source: String,
    /// Where the source is asked.
    pub(in crate::hub) address: String,
}

fn minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(STEP.as_secs())
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Writing<'_> {
    /// Keeps a point, unless its minute has one, and takes away what is too old, and what of the same past a clock that
    /// was set back since has left in the future.
    pub(in crate::hub) async fn keep_point(&mut self, of: &Past, point: &Point) -> Result<(), LedgerError> {
        let json = |error: serde_json::Error| LedgerError::Unwritable(error.to_string());
        let now = minute(point.sample.at);
        sqlx::query("DELETE FROM trend_points WHERE minute < $1")
            .bind(now - KEPT_FOR.as_mins())
            .execute(&mut *self.connection)
            .await?;
        // Clocks of two processes may differ by a little.
        sqlx::query("DELETE FROM trend_points WHERE context = $1 AND source = $2 AND address = $3 AND minute > $4")
            .bind(&of.context)
            .bind(&of.source)
            .bind(&of.address)
            .bind(now + 1)
            .execute(&mut *self.connection)
            .await?;
        sqlx::query(
            "INSERT INTO trend_points (context, source, address, minute, at, open, stuck, by_rule, cohorts, whole) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (context, source, address, minute) DO NOTHING",
        )
        .bind(&of.context)
        .bind(&of.source)
        .bind(&of.address)
        .bind(now)
        .bind(point.sample.at.as_millisecond())
        .bind(whole(point.sample.open))
        .bind(whole(point.sample.stuck))
        .bind(serde_json::to_string(&point.sample.by_rule).map_err(json)?)
        .bind(serde_json::to_string(&point.cohorts).map_err(json)?)
        .bind(i64::from(point.whole))
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }
}

impl Reader {
    /// The last hour of some sources, each with the oldest point first; `None` where nobody has recorded anything. A point
    /// that can't be read is left out and told.
    pub(in crate::hub) async fn pasts(
        &self,
        of: Vec<Past>,
        now: Timestamp,
    ) -> Result<Option<Vec<Vec<Point>>>, LedgerError> {
        self.read(async move |connection| {
            let mut pasts = Vec::with_capacity(of.len());
            for past in &of {
                pasts.push(points(connection, past, now).await?);
            }
            Ok(pasts)
        })
        .await
    }
}

async fn points(connection: &mut SqliteConnection, of: &Past, now: Timestamp) -> Result<Vec<Point>, LedgerError> {
    let before = |length| now.saturating_sub(length).unwrap_or(Timestamp::MIN).as_millisecond();
    // What is older can't stand for five minutes ago any more, so its cohorts, most of what there is to read, are left.
    let rows = sqlx::query(
        "SELECT at, open, stuck, by_rule, whole, CASE WHEN at >= $6 THEN cohorts END FROM trend_points \
         WHERE context = $1 AND source = $2 AND address = $3 AND at >= $4 AND at <= $5 ORDER BY minute",
    )
    .bind(&of.context)
    .bind(&of.source)
    .bind(&of.address)
    .bind(before(WINDOW))
    .bind(now.as_millisecond())
    .bind(before(2 * GROWTH))
    .fetch_all(connection)
    .await?;
    let read = |row: &SqliteRow| match point(row) {
        Ok(point) => Some(point),
        Err(error) => {
            tracing::warn!(source = %of.source, error, "a minute of the past can't be read back");
            None
        }
    };
    Ok(rows.iter().filter_map(read).collect())
}

/// A row as it was kept; in words why it is none.
fn point(row: &SqliteRow) -> Result<Point, String> {
    let text = |error: sqlx::Error| error.to_string();
    let json = |error: serde_json::Error| error.to_string();
    let count = |column: usize| {
        let count: i64 = row.try_get(column).map_err(text)?;
        u64::try_from(count).map_err(|error| error.to_string())
    };
    let at: i64 = row.try_get(0).map_err(text)?;
    let (by_rule, cohorts): (&str, Option<&str>) = (row.try_get(3).map_err(text)?, row.try_get(5).map_err(text)?);
    let sample = Sample {
        at: Timestamp::from_millisecond(at).map_err(|error| error.to_string())?,
        open: count(1)?,
        stuck: count(2)?,
        by_rule: serde_json::from_str(by_rule).map_err(json)?,
    };
    let whole = cohorts.is_some() && count(4)? == 1;
    let cohorts = cohorts.map(serde_json::from_str).transpose().map_err(json)?;
    Ok(Point { sample, cohorts: cohorts.unwrap_or_default(), whole })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::verdict::Rule;
    use crate::hub::ledger::Ledger;

    #[tokio::test]
    async fn what_another_server_told_under_the_same_name_is_another_past() {
        let ledger = Ledger::in_memory();
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let past = |address: &str| Past { context: "prod".into(), source: "eu".into(), address: address.into() };
        let point = |stuck: u64| Point {
            sample: Sample { at, open: 9, stuck, by_rule: Rule::ALL.into_iter().map(|rule| (rule, stuck)).collect() },
            cohorts: BTreeMap::from([("39c1f89c".into(), stuck)]),
            whole: stuck == 7,
        };
        let (old, new) = (past("http://old:9070"), past("http://new:9070"));
        let written = [(old.clone(), point(7)), (new.clone(), point(3)), (new.clone(), point(4))];
        let write = async move |writing: &mut Writing<'_>| {
            for (of, point) in &written {
                writing.keep_point(of, point).await?;
            }
            Ok(())
        };
        ledger.write(write).await.unwrap();
        let reader = ledger.reader();
        let later = at + SignedDuration::from_mins(11);
        let pasts = reader.pasts(vec![old.clone(), new], at).await.unwrap().unwrap();
        assert_eq!(pasts, [[point(7)], [point(3)]], "as they were kept, and the first of a minute");
        // No growth is told of what is too old for it.
        let pasts = reader.pasts(vec![old], later).await.unwrap().unwrap();
        assert_eq!(pasts, [[Point { cohorts: BTreeMap::new(), whole: false, ..point(7) }]]);
    }
}
