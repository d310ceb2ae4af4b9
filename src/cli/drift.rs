//! `quarterdeck get drift`: what is there and is not what is wanted, and what of it nobody knows.

use jiff::Timestamp;
use serde_json::Value;

use super::args::{Adopt, Drift, Global, Ignore, Output};
use super::output::{self, Table};
use super::tenants::missing;
use super::world::{self, World};
use super::{Failure, Outcome, get, report};
use crate::domain::decided::CHANGE_THERE;
use crate::domain::difference::folded;
use crate::domain::drift::KnownDrift;
use crate::domain::ids::InstanceId;
use crate::domain::text::SafeText;
use crate::domain::time::{age, date_time, since};
use crate::ops::json::{drift_cause_json, drift_json, finding_json};
use crate::ops::{AdoptOf, DriftCause, DriftQuery, IgnoreOf, Ops as _, OpsError};
use crate::query::{DRIFT_KEYS, DriftFilter, Filter};

type Done = Result<Outcome, Failure>;

const FINDING: &str =
    "id,source,scope,what,tenant,kind,status,severity,owner,cause_key,first_seen,last_checked,stale,note";

pub(super) async fn run(global: &Global, asked: &Drift) -> Done {
    let world = world::build(global, false)?;
    // One word that begins with the name of a source is an id of it; else it is a filter.
    if let [word] = &asked.words[..]
        && let Some(id) = InstanceId::parse(word)
    {
        let overview = world.hub.overview(&Filter::default()).await.map_err(get::unexpected)?;
        if overview.sources.iter().any(|source| source.name == id.source) {
            return one(&world, asked, &id).await;
        }
    }
    list(&world, asked).await
}

async fn list(world: &World, asked: &Drift) -> Done {
    let text = get::one_text(&asked.words, DRIFT_KEYS);
    let filter = DriftFilter::parse(&text).map_err(|error| get::unreadable(&text, &error))?;
    world.hub.pass().await;
    let query = DriftQuery { filter, by_cause: asked.by_cause, offset: 0, limit: asked.limit };
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
            row.first.severity.name().to_owned(),
            finding.kind.words().to_owned(),
            scope,
            finding.what.to_string(),
            finding.tenant.as_deref().unwrap_or("?").to_owned(),
            row.first.owner.as_deref().unwrap_or("?").to_owned(),
            age(since(row.first.began(), now)),
            if row.first.stale { format!("{checked} stale") } else { checked },
            finding.id.to_string(),
            finding.note.as_deref().unwrap_or_default().to_owned(),
        ]);
        cells
    };
    let columns: &[&str] = if by_cause {
        &[
            "STATUS",
            "COUNT",
            "SEVERITY",
            "KIND",
            "WHERE",
            "WHAT",
            "TENANT",
            "OWNER",
            "FIRST SEEN",
            "CHECKED",
            "ID",
            "NOTE",
        ]
    } else {
        &["STATUS", "SEVERITY", "KIND", "WHERE", "WHAT", "TENANT", "OWNER", "FIRST SEEN", "CHECKED", "ID", "NOTE"]
    };
    Table { columns, rows: rows.iter().map(row).collect() }
}

async fn one(world: &World, asked: &Drift, id: &InstanceId) -> Done {
    if asked.by_cause {
        return Err(Failure::Usage("--by-cause is for lists, and this is one finding".to_owned()));
    }
    world.hub.pass().await;
    let known = world.hub.finding(id).await.map_err(missing)?;
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
    decided(world.hub.ignore(&ignore).await, |known| {
        let until = known.ignore.map(|ignore| format!("left alone until {}", date_time(ignore.until)));
        until.unwrap_or_else(|| "not left alone any more".to_owned())
    })
}

/// Says that what is there is what is wanted, or takes that back.
pub(super) async fn adopt(global: &Global, asked: &Adopt) -> Done {
    let world = world::build(global, false)?;
    world.hub.pass().await;
    let reason = SafeText::clipped(&asked.reason, 500);
    let seen = match world.hub.finding(&asked.id).await {
        Ok(known) => (!asked.end).then(|| known.finding.seen()),
        Err(error) => return decided(Err(error), |_| String::new()),
    };
    let adopt = AdoptOf { id: asked.id.clone(), seen, reason };
    decided(world.hub.adopt(&adopt).await, |known| {
        if known.adopted().is_none() {
            return "not adopted any more".to_owned();
        }
        let lacks = known.finding.difference.lacks().filter(|lacks| *lacks > 0);
        let loses = lacks.map(|n| format!(", which loses {n} of what is wanted")).unwrap_or_default();
        format!("adopted for as long as it differs as it does now{loses}; {CHANGE_THERE}")
    })
}

/// Tells what a decision came to.
fn decided(answer: Result<KnownDrift, OpsError>, said: impl FnOnce(KnownDrift) -> String) -> Done {
    match answer {
        Ok(known) => {
            report::note(&said(known));
            Ok(Outcome::Fine)
        }
        Err(OpsError::Refused(why)) => {
            report::note(&why);
            Ok(Outcome::Withheld)
        }
        Err(error) => Err(missing(error)),
    }
}

/// A finding for people, line by line.
fn told(known: &KnownDrift, now: Timestamp) -> Vec<String> {
    let finding = &known.finding;
    let status = known.status(now);
    let mut lines = Vec::new();
    let mut fact = |name: &str, value: &str| lines.push(format!("{name:<12}{value}"));
    fact("id", &finding.id.to_string());
    fact("status", &format!("{}, {}, {}", status.words(), finding.kind.words(), known.severity.name()));
    if let Some(ignore) = &known.ignore {
        fact("ignored", &format!("until {}, says {}: {}", date_time(ignore.until), ignore.by, ignore.reason));
    }
    if let Some(adoption) = &known.adoption {
        let rest = if known.adopted().is_some() { CHANGE_THERE } else { "it differs otherwise by now" };
        let (at, by) = (date_time(adoption.at), &adoption.by);
        fact("adopted", &format!("{at}, says {by}: {}; {rest}", adoption.reason));
    }
    fact("where", &finding.scope);
    fact("what", &finding.what);
    fact("tenant", finding.tenant.as_deref().unwrap_or("?"));
    if let Some(owner) = &known.owner {
        fact("owner", owner);
    }
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
    lines.extend(folded(&finding.difference.lines()).iter().map(|line| format!("{}{}", line.side.sign(), line.text)));
    lines
}
