//! `quarterdeck get outside`, `get borrowed` and `get automations`: what others did, what ends by itself, and what is
//! watched without anybody looking.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::{Format, Global, Limited, Output};
use super::output::{self, Table};
use super::{Failure, Outcome, get, report, world};
use crate::domain::automation::AutomationStatus;
use crate::domain::in_force::Borrowed;
use crate::domain::outside::OutsideAct;
use crate::domain::time::{age, date_time, since};
use crate::ops::Ops as _;
use crate::ops::json::{automation_json, borrowed_json, outside_act_json, outside_json};

type Done = Result<Outcome, Failure>;

const OUTSIDE: &str = "at,source,subject,verb,what,caller,by,mark";
const BORROWED: &str = "kind,what,by,reason,until";
const AUTOMATION: &str = "name,mode,verb,would,hit,miss,open,unknown,since,last,proposed,when";

pub(super) async fn outside(global: &Global, limited: &Limited) -> Done {
    let world = world::build(global, false)?;
    // The engines' clocks are known by it.
    world.hub.pass().await;
    let outside = world.hub.outside(limited.limit).await.map_err(get::unexpected)?;
    let rows: Vec<Value> = outside.acts.iter().map(outside_act_json).collect();
    let now = (world.clock)();
    output::print(|out| match limited.format.output {
        Output::Json => output::json(out, &outside_json(&outside)),
        Output::Ndjson => output::ndjson(out, &rows),
        Output::Csv => output::csv(out, OUTSIDE, &rows),
        Output::Table => output::table(out, &outside_table(&outside.acts, now)),
    })?;
    for (source, why) in &outside.untold {
        report::error(&format!("source {source}: {why}"));
    }
    Ok(if outside.untold.is_empty() { Outcome::Fine } else { Outcome::SourceFailed })
}

fn outside_table(acts: &[OutsideAct], now: Timestamp) -> Table {
    let row = |act: &OutsideAct| {
        vec![
            date_time(act.at),
            age(since(act.at, now)),
            format!("{}/{}", act.source, act.subject),
            act.what.to_string(),
            act.by.as_deref().unwrap_or("not told").to_owned(),
        ]
    };
    Table { columns: &["AT (UTC)", "AGE", "SUBJECT", "WHAT", "BY"], rows: acts.iter().map(row).collect() }
}

pub(super) async fn borrowed(global: &Global, format: &Format) -> Done {
    let world = world::build(global, false)?;
    // Claims name cohorts.
    world.hub.pass().await;
    let all = world.hub.in_force().await.map_err(get::unexpected)?.borrowed;
    let rows: Vec<Value> = all.iter().map(borrowed_json).collect();
    let now = (world.clock)();
    output::print(|out| match format.output {
        Output::Json => output::json(out, &json!({"schema": "quarterdeck.borrowed/1", "at": now, "rows": rows})),
        Output::Ndjson => output::ndjson(out, &rows),
        Output::Csv => output::csv(out, BORROWED, &rows),
        Output::Table => output::table(out, &borrowed_table(&all, now)),
    })?;
    Ok(Outcome::Fine)
}

fn borrowed_table(all: &[Borrowed], now: Timestamp) -> Table {
    let row = |one: &Borrowed| {
        vec![
            age(since(now, one.until)),
            one.kind.words().to_owned(),
            one.what.to_string(),
            one.by.to_string(),
            one.reason.to_string(),
        ]
    };
    Table { columns: &["LEFT", "KIND", "WHAT", "BY", "REASON"], rows: all.iter().map(row).collect() }
}

pub(super) async fn automations(global: &Global, format: &Format) -> Done {
    let world = world::build(global, false)?;
    let all = world.hub.automations().await.map_err(get::unexpected)?;
    let rows: Vec<Value> = all.iter().map(automation_json).collect();
    let now = (world.clock)();
    output::print(|out| match format.output {
        Output::Json => output::json(out, &json!({"schema": "quarterdeck.automations/1", "at": now, "rows": rows})),
        Output::Ndjson => output::ndjson(out, &rows),
        Output::Csv => output::csv(out, AUTOMATION, &rows),
        Output::Table => output::table(out, &automations_table(&all, now)),
    })?;
    if all.is_empty() {
        report::note("the config has no [[automation]]");
    }
    for status in &all {
        if let Some(why) = &status.idle {
            report::note(&format!("automation {}: {why}", status.automation.name));
        }
    }
    Ok(Outcome::Fine)
}

fn automations_table(all: &[AutomationStatus], now: Timestamp) -> Table {
    let ago = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), |at| age(since(at, now)));
    let row = |status: &AutomationStatus| {
        let (automation, tally) = (&status.automation, &status.tally);
        let mut row = vec![automation.name.to_string(), automation.mode.name().to_owned()];
        row.push(automation.verb.label().to_owned());
        row.extend([tally.would(), tally.hit, tally.miss, tally.open, tally.unknown].iter().map(u64::to_string));
        row.extend([ago(status.last), ago(status.since), automation.when.clone()]);
        row
    };
    Table {
        columns: &["NAME", "MODE", "VERB", "WOULD", "HIT", "MISS", "OPEN", "UNKNOWN", "LAST", "SINCE", "WHEN"],
        rows: all.iter().map(row).collect(),
    }
}
