//! The table of findings of drift that are there: since when. No acts either: nothing of them is in the audit.

use jiff::Timestamp;
use sqlx::Row as _;

use super::error::LedgerError;
use super::reader::Reader;
use super::{Past, Writing};
use crate::hub::findings::{FirstSeen, Seen};

impl Writing<'_> {
    /// Keeps when findings were seen first, and takes away those that are gone. One that another process has seen before
    /// keeps the earlier time.
    pub(in crate::hub) async fn keep_findings(&mut self, of: &Past, seen: &Seen) -> Result<(), LedgerError> {
        for (finding, first_seen) in &seen.new {
            sqlx::query(
                "INSERT INTO drift_findings (context, source, address, finding, first_seen) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (context, source, address, finding) DO NOTHING",
            )
            .bind(&of.context)
            .bind(&of.source)
            .bind(&of.address)
            .bind(finding.as_str())
            .bind(first_seen.as_millisecond())
            .execute(&mut *self.connection)
            .await?;
        }
        for finding in &seen.gone {
            sqlx::query(
                "DELETE FROM drift_findings WHERE context = $1 AND source = $2 AND address = $3 AND finding = $4",
            )
            .bind(&of.context)
            .bind(&of.source)
            .bind(&of.address)
            .bind(finding.as_str())
            .execute(&mut *self.connection)
            .await?;
        }
        Ok(())
    }
}

impl Reader {
    /// When the findings of some sources were seen first; `None` where nobody has recorded anything.
    pub(in crate::hub) async fn findings(&self, of: Vec<Past>) -> Result<Option<Vec<FirstSeen>>, LedgerError> {
        self.read(async move |connection| {
            let mut all = Vec::with_capacity(of.len());
            for past in &of {
                let rows = sqlx::query(
                    "SELECT finding, first_seen FROM drift_findings WHERE context = $1 AND source = $2 AND address = $3",
                )
                .bind(&past.context)
                .bind(&past.source)
                .bind(&past.address)
                .fetch_all(&mut *connection)
                .await?;
                let mut seen = FirstSeen::new();
                for row in &rows {
                    let (finding, at): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
                    // A time that is none was not written by this program: then it is seen first now.
                    if let Ok(at) = Timestamp::from_millisecond(at) {
                        seen.insert(finding.into(), at);
                    }
                }
                all.push(seen);
            }
            Ok(all)
        })
        .await
    }
}
