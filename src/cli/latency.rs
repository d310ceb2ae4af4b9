//! `quarterdeck get latency`: how long steps take, against what they promise.

use super::args::{Global, Latency as Asked, Output};
use super::output::{self, Table};
use super::{Failure, Outcome, get, report, world};
use crate::domain::latency::Heat;
use crate::domain::text::SafeText;
use crate::domain::time::{clock, short};
use crate::ops::json::{latency_json, latency_rows_json};
use crate::ops::{Latency, LatencyQuery, LatencyRow, Ops as _};

const CELL: &str = "slot,source,flow,step,measure,promise_ms,heat,finished,failed,going,p50_ms,p95_ms,at_least";

/// So many slots fit into a line of a table beside what they are of: the last three hours.
const SHOWN: usize = 36;

pub(super) async fn run(global: &Global, asked: &Asked) -> Result<Outcome, Failure> {
    let world = world::build(global, true)?;
    world.hub.pass().await;
    let query = LatencyQuery { flow: asked.flow.as_deref().map(SafeText::from) };
    let latency = world.hub.latency(&query).await.map_err(get::unexpected)?;
    output::print(|out| match asked.format.output {
        Output::Json => output::json(out, &latency_json(&latency)),
        Output::Ndjson => output::ndjson(out, &latency_rows_json(&latency)),
        Output::Csv => output::csv(out, CELL, &latency_rows_json(&latency)),
        Output::Table => output::table(out, &table(&latency)),
    })?;
    if asked.format.output == Output::Table {
        notes(&latency, query.flow.as_ref());
    }
    let mut failed = false;
    for source in &latency.sources {
        if let Some(why) = &source.error {
            report::error(&format!("source {}: {why}", source.name));
            failed = true;
        }
    }
    Ok(if failed { Outcome::SourceFailed } else { Outcome::Fine })
}

fn notes(latency: &Latency, flow: Option<&SafeText>) {
    if latency.sources.is_empty() {
        report::note("no source of this context tells of flows");
        return;
    }
    if latency.rows.is_empty() {
        let of = flow.map_or_else(String::new, |flow| format!(" of {flow}"));
        report::note(&format!("nothing{of} has run or queued within the last 6 hours, as far as is told"));
    } else {
        let signs = Heat::ALL.map(|heat| format!("{} {}", heat.ascii(), heat.words()));
        report::note(&format!("95th percentile against the promise: {}", signs.join(", ")));
    }
    let begins = latency.slots.first();
    for source in &latency.sources {
        let name = &source.name;
        if source.tells == Some(false) {
            report::note(&format!("{name} does not tell when steps end: only those still going on are known"));
        }
        if let Some(from) = source.known_from.filter(|from| begins.is_some_and(|begins| from > begins)) {
            report::note(&format!("{name}: more has ended than is read; known since {}", clock(from)));
        }
        if source.left_out > 0 {
            report::note(&format!("{name}: it has more different steps than are measured"));
        }
    }
}

fn table(latency: &Latency) -> Table {
    let row = |row: &LatencyRow| {
        let shown = &row.cells[row.cells.len().saturating_sub(SHOWN)..];
        let last = shown.iter().rev().find(|cell| cell.p95.is_some());
        let p95 = last.map_or_else(
            || "?".to_owned(),
            |cell| {
                let value = cell.p95.map(short).unwrap_or_default();
                if cell.at_least { format!(">={value}") } else { value }
            },
        );
        let (finished, failed) = row.cells.iter().fold((0_u64, 0_u64), |(finished, failed), cell| {
            (finished.saturating_add(cell.finished), failed.saturating_add(cell.failed))
        });
        vec![
            row.source.to_string(),
            row.flow.to_string(),
            row.step.to_string(),
            row.measure.name().to_owned(),
            row.promise.map_or_else(|| "none".to_owned(), short),
            p95,
            finished.to_string(),
            failed.to_string(),
            row.cells.last().map_or(0, |cell| cell.going).to_string(),
            shown.iter().map(|cell| cell.heat.ascii()).collect(),
        ]
    };
    Table {
        columns: &["SOURCE", "FLOW", "STEP", "TIME", "PROMISE", "LAST P95", "FINISHED", "FAILED", "GOING", "LAST 3 H"],
        rows: latency.rows.iter().map(row).collect(),
    }
}
