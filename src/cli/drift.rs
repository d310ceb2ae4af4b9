//! `quarterdeck get drift`: what is there and is not what is wanted, and what of it nobody knows.

use jiff::Timestamp;
use serde_json::Value;

use super::args::{Drift, Global, Ignore, Output};
use super::output::{self, Table};
use super::{Failure, Outcome, get, report, world};
use crate::domain::drift::KnownDrift;
use crate::domain::ids::InstanceId;
use crate::domain::text::SafeText;
use crate::domain::time::{age, date_time, since};
use crate::ops::json::{drift_cause_json, drift_json, finding_json};
use crate::ops::{DriftCause, DriftQuery, IgnoreOf, Ops as _, OpsError};

type Done = Result<Outcome, Failure>;

const FINDING: &str =
    "id,source,scope,what,tenant,kind,status,severity,owner,cause_key,first_seen,last_checked,stale,note";

pub(super) async fn run(global: &Global, asked: &Drift) -> Done {
    match &asked.id {
        Some(id) => one(global, asked, id).await,
        None => list(global, asked).await,
    }
}

async fn list(global: &Global, asked: &Drift) -> Done {
    let world = world::build(global, false)?;
    world.hub.pass().await;
    let query = DriftQuery { by_cause: asked.by_cause, offset: 0, limit: asked.limit };
    let window = world.hub.drift(&query).await.map_err(get::unexpected)?;
    let rows: Vec<Value> = window.rows.iter().map(|row| drift_cause_json(row, asked.by_cause, window.at)).collect();
    output::print(|out| match asked.format.output {
        Output::Json => output::json(out, &drift_json(&window, asked.by_cause)),
        Output::Ndjson => output::ndjson(out, &rows),
        Output::Csv => output::csv(out, FINDING, &rows),
        Output::Table => output::table(out, &table(&window.rows, asked.by_cause, window.at)),
    })?;
    if window.sources == 0 {
        report::note("no source of this context tells of drift");
    } else if asked.format.output == Output::Table {
        let counts = window.by_status.iter().map(|(status, count)| format!("{count} {}", status.words()));
        let counts: Vec<String> = counts.chain([window.in_sync_told(|number| number.to_string())]).collect();
        report::note(&counts.join(", "));
    }
    if window.total > window.rows.len() {
        report::note(&format!("{} more; --limit shows them", window.total - window.rows.len()));
    }
    for (source, why) in &window.blind {
        report::error(&format!("source {source}: {why}"));
    }
    Ok(if window.blind.is_empty() { Outcome::Fine } else { Outcome::SourceFailed })
}

fn table(rows: &[DriftCause], by_cause: bool, now: Timestamp) -> Table {
    let row = |row: &DriftCause| {
        let finding = &row.first.finding;
        let scope = if row.scopes > 1 { format!("{} places", row.scopes) } else { finding.scope.to_string() };
        let checked = finding.last_checked.map_or_else(|| "never".to_owned(), |at| age(since(at, now)));
        let mut cells = vec![row.first.status(now).words().to_owned()];
        if by_cause {
            cells.push(row.count.to_string());
        }
        cells.extend([
            finding.severity.name().to_owned(),
            finding.kind.words().to_owned(),
            scope,
            finding.what.to_string(),
            finding.tenant.as_deref().unwrap_or("?").to_owned(),
            age(since(row.first.first_seen, now)),
            if row.first.stale { format!("{checked} stale") } else { checked },
            finding.id.to_string(),
            finding.note.as_deref().unwrap_or_default().to_owned(),
        ]);
        cells
    };
    let columns: &[&str] = if by_cause {
        &["STATUS", "COUNT", "SEVERITY", "KIND", "WHERE", "WHAT", "TENANT", "FIRST SEEN", "CHECKED", "ID", "NOTE"]
    } else {
        &["STATUS", "SEVERITY", "KIND", "WHERE", "WHAT", "TENANT", "FIRST SEEN", "CHECKED", "ID", "NOTE"]
    };
    Table { columns, rows: rows.iter().map(row).collect() }
}

async fn one(global: &Global, asked: &Drift, id: &str) -> Done {
    let Some(id) = InstanceId::parse(id) else {
        return Err(Failure::Usage(format!("{} is no id: it is written source/id", SafeText::clipped(id, 80))));
    };
    let world = world::build(global, false)?;
    world.hub.pass().await;
    let known = world.hub.finding(&id).await.map_err(|error| match error {
        OpsError::NotFound(why) => Failure::Usage(why.to_string()),
        other => get::unexpected(other),
    })?;
    let now = (world.clock)();
    let value = finding_json(&known, now);
    output::print(|out| match asked.format.output {
        Output::Json => output::json(out, &value),
        Output::Ndjson | Output::Csv => output::ndjson(out, std::slice::from_ref(&value)),
        Output::Table => {
            for line in told(&known, now) {
                writeln!(out, "{line}")?;
            }
            Ok(())
        }
    })?;
    Ok(Outcome::Fine)
}

/// Leaves a finding alone for a while, or not any more.
pub(super) async fn ignore(global: &Global, asked: &Ignore) -> Done {
    let world = world::build(global, false)?;
    world.hub.pass().await;
    let now = (world.clock)();
    let until = asked.until.or_else(|| now.checked_add(asked.lasting?).ok()).filter(|_| !asked.end);
    let ignore = IgnoreOf { id: asked.id.clone(), until, reason: SafeText::clipped(&asked.reason, 500) };
    match world.hub.ignore(&ignore).await {
        Ok(known) => {
            let until = known.ignore.map(|ignore| format!("left alone until {}", date_time(ignore.until)));
            report::note(&until.unwrap_or_else(|| "not left alone any more".to_owned()));
            Ok(Outcome::Fine)
        }
        Err(OpsError::Refused(why)) => {
            report::note(&why);
            Ok(Outcome::Withheld)
        }
        Err(OpsError::NotFound(why)) => Err(Failure::Usage(why.to_string())),
        Err(error) => Err(get::unexpected(error)),
    }
}

/// A finding for people, line by line.
fn told(known: &KnownDrift, now: Timestamp) -> Vec<String> {
    let finding = &known.finding;
    let status = known.status(now);
    let mut lines = Vec::new();
    let mut fact = |name: &str, value: &str| lines.push(format!("{name:<12}{value}"));
    fact("id", &finding.id.to_string());
    fact("status", &format!("{}, {}, {}", status.words(), finding.kind.words(), finding.severity.name()));
    if let Some(ignore) = &known.ignore {
        fact("ignored", &format!("until {}, says {}: {}", date_time(ignore.until), ignore.by, ignore.reason));
    }
    fact("where", &finding.scope);
    fact("what", &finding.what);
    fact("tenant", finding.tenant.as_deref().unwrap_or("?"));
    if let Some(note) = &finding.note {
        fact("note", note);
    }
    fact("first seen", &format!("{} ({} ago)", date_time(known.first_seen), age(since(known.first_seen, now))));
    let stale = if known.stale { ", too old to be acted on" } else { "" };
    let checked = finding
        .last_checked
        .map_or_else(|| "never".to_owned(), |at| format!("{} ({} ago{stale})", date_time(at), age(since(at, now))));
    fact("checked", &checked);
    if let Some(reference) = &finding.desired.reference {
        fact("wanted by", reference);
    }
    if let Some(removes) = known.loses() {
        fact("loses", &format!("{removes} of what is there, if it is made what is wanted"));
    }
    lines.push(String::new());
    lines.extend(finding.difference.lines().iter().map(|line| format!("{}{}", line.side.sign(), line.text)));
    lines
}
