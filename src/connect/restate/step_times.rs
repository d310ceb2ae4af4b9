//! How long runs took that have ended: from when their command was written until their result came.
//!
//! The journal tells both, for as long as it is kept; of the time in between it does not tell how much was work and how much
//! was waiting for the next attempt. Other commands wait for something, which is no latency. How long an invocation was in
//! the queue is told only while it is: when it began to run is lost each time that it goes on.

use jiff::Timestamp;
use serde::Deserialize;

use super::row::{NAME, flow_name};
use super::{ConnectError, Restate, sql};
use crate::connect::StepTimes;
use crate::connect::answer::Row;
use crate::domain::latency::{Measure, StepTime};
use crate::domain::text::SafeText;

/// How many are read at a time, the last ones to end. What ended before those is not known.
const MOST: usize = 20_000;

#[derive(Deserialize)]
struct RunRow {
    target_service_name: String,
    target_handler_name: String,
    name: Option<String>,
    began: Timestamp,
    ended: Timestamp,
    failed: bool,
}

impl Row for RunRow {
    const MOST: usize = MOST;
}

impl Restate {
    /// The runs that have ended after a moment.
    pub(super) async fn ended_runs(&self, after: Timestamp) -> Result<StepTimes, ConnectError> {
        let until = self.now().await?;
        let rows: Vec<RunRow> = self.strict(&sql::ended_runs(after, MOST)).await?;
        let oldest = rows.last().map(|row| row.ended).filter(|_| rows.len() >= MOST);
        let times = rows.iter().map(|row| {
            let name = row.name.as_deref().filter(|name| !name.is_empty()).unwrap_or("run");
            StepTime {
                flow: flow_name(&row.target_service_name, &row.target_handler_name),
                step: SafeText::clipped(name, NAME),
                measure: Measure::Run,
                from: row.began.min(row.ended),
                to: row.ended,
                well: !row.failed,
            }
        });
        Ok(StepTimes { times: times.collect(), complete_since: oldest.unwrap_or(after).max(after), until })
    }
}
