//! `quarterdeck get side-effects` and `quarterdeck rearm`: what remediations have switched off, and that it is on again.

use serde_json::{Value, json};

use super::args::{Global, Output, Rearm};
use super::output::{self, Table};
use super::{Failure, Outcome, get, report, world};
use crate::domain::in_force::SideEffect;
use crate::domain::time::{age, since};
use crate::ops::{Ops as _, OpsError};

const COLUMNS: &str = "id,remediation,what,way_back,since,by";

/// All that is switched off.
pub(super) async fn list(global: &Global, format: Output) -> Result<Outcome, Failure> {
    let world = world::build(global, false)?;
    let all = world.hub.in_force().await.map_err(get::unexpected)?.side_effects;
    let row = |one: &SideEffect| {
        json!({
            "id": one.id, "remediation": one.remediation, "what": one.what, "way_back": one.way_back,
            "since": one.since, "by": one.by,
        })
    };
    let rows: Vec<Value> = all.iter().map(row).collect();
    let now = (world.clock)();
    let line = |one: &SideEffect| {
        let (id, what, back) = (one.id.to_string(), one.what.to_string(), one.way_back.to_string());
        vec![id, what, age(since(one.since, now)), one.by.to_string(), one.remediation.to_string(), back]
    };
    output::print(|out| match format {
        Output::Json => output::json(out, &json!({ "schema": "quarterdeck.side-effects/1", "rows": rows })),
        Output::Ndjson => output::ndjson(out, &rows),
        Output::Csv => output::csv(out, COLUMNS, &rows),
        Output::Table => {
            let columns = &["ID", "SWITCHED OFF", "FOR", "BY", "REMEDIATION", "ARMED AGAIN BY"];
            output::table(out, &Table { columns, rows: all.iter().map(line).collect() })
        }
    })?;
    Ok(Outcome::Fine)
}

/// Notes that one is on again.
pub(super) async fn rearm(global: &Global, rearm: &Rearm) -> Result<Outcome, Failure> {
    let world = world::build(global, false)?;
    match world.hub.rearmed(&rearm.id, &rearm.reason).await {
        Ok(()) => Ok(Outcome::Fine),
        Err(OpsError::Refused(why)) => {
            report::note(&why);
            Ok(Outcome::Withheld)
        }
        Err(OpsError::NotFound(why)) => Err(Failure::Usage(why.to_string())),
        Err(error) => Err(get::unexpected(error)),
    }
}
