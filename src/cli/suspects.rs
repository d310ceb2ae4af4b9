//! `quarterdeck get suspects`: what changed before a cohort got stuck, and the drift that its tenants share.

use serde_json::Value;

use super::args::{Global, Output, Suspects};
use super::output::{self, Table};
use super::{Failure, Outcome, get, report, world};
use crate::domain::text::SafeText;
use crate::domain::time::date_time;
use crate::ops::json::{suspect_json, suspects_json};
use crate::ops::{CohortSuspects, Ops as _, OpsError};

const SUSPECT: &str = "at,source,text,by,certainty,share,lag_seconds,evidence";

pub(super) async fn run(global: &Global, asked: &Suspects) -> Result<Outcome, Failure> {
    let world = world::build(global, true)?;
    world.hub.pass().await;
    let answer = world.hub.suspects(&asked.cohort).await.map_err(|error| match error {
        OpsError::NotFound(why) => Failure::Usage(format!("{why}; get board names them")),
        other => get::unexpected(other),
    })?;
    let rows: Vec<Value> = answer.suspects.ranked.iter().map(suspect_json).collect();
    output::print(|out| match asked.format.output {
        Output::Json => output::json(out, &suspects_json(&answer)),
        Output::Ndjson => output::ndjson(out, &rows),
        Output::Csv => output::csv(out, SUSPECT, &rows),
        Output::Table => output::table(out, &table(&answer)),
    })?;
    if asked.format.output == Output::Table {
        report::note(&format!("cause: {}", answer.suspects.verdict()));
        answer.drift.iter().for_each(|shared| report::note(&shared.words()));
    }
    for text in &answer.suspects.unknown {
        report::note(text);
    }
    for (source, why) in &answer.drift_blind {
        report::error(&format!("source {source}: {why}"));
    }
    Ok(if answer.drift_blind.is_empty() { Outcome::Fine } else { Outcome::SourceFailed })
}

fn table(answer: &CohortSuspects) -> Table {
    let row = |suspect: &crate::domain::correlation::Suspect| {
        let evidence: Vec<&str> = suspect.evidence.iter().map(SafeText::as_str).collect();
        vec![
            suspect.certainty.words().to_owned(),
            date_time(suspect.event.at),
            suspect.event.source.to_string(),
            suspect.event.text.to_string(),
            evidence.join("; "),
        ]
    };
    Table {
        columns: &["CERTAINTY", "AT", "SOURCE", "CHANGE", "EVIDENCE"],
        rows: answer.suspects.ranked.iter().map(row).collect(),
    }
}
