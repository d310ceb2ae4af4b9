//! `quarterdeck get`: one complete pass over every source, printed, and an exit code.
//!
//! The JSON is a contract: names may be added, none is taken away or changed.

use std::collections::BTreeSet;
use std::io;

use serde_json::{Value, json};

use super::args::{FailOn, Get, Global, Listing, One, Output, What};
use super::demo::{self, Look};
use super::output::{self, Table};
use super::question::Question;
use super::{
    Failure, Outcome, drift, events, in_force, latency, remediation, report, runbooks, side_effects, suspects, tenants,
    watch, world,
};
use crate::domain::claim::Claim;
use crate::domain::flow::JudgedFlow;
use crate::domain::ids::InstanceId;
use crate::domain::raw::{RawFlow, Told};
use crate::domain::source::{Freshness, SourceStatus};
use crate::domain::text::SafeText;
use crate::domain::time::{age, date_time, since, words};
use crate::domain::verdict::Finding;
use crate::hub::Hub;
use crate::ops::json::{cohort_json, flow_json, raw_json, timeline_json};
use crate::ops::{
    Cell, FlowAnswer, FlowWindow, FlowsQuery, GroupBy, GroupHead, Grouping, Ops, OpsError, Overview, Page, SortBy,
};
use crate::query::{self, Filter, FilterError};

// The columns of CSV: the names that the JSON has, those of the contract first.
pub(super) const CELL: &str = "source,flow,step,open,stuck,waiting,held,failed,unknown,by_rule,approximate";
pub(super) const ROW: &str = "id,source,instance,flow,step,tenant,status,verdict,rule,since,attempts,error,observed_at,\
                   key,created_at,version,evidence";
pub(super) const SOURCE: &str = "name,kind,state,age_seconds,error,address,version,rows,bad_rows,latency_ms,clock_offset_ms,untold_tenants,untold_tenant";
const GROUP: &str = "group,count,stuck,open,oldest";
const ENTRY: &str = "at,ended_at,outcome,what,note";

pub(super) async fn run(global: &Global, get: &Get) -> Result<Outcome, Failure> {
    match &get.what {
        What::Remediations(listed) => return remediation::list(global, listed).await,
        What::Remediation(named) => return remediation::one(global, named).await,
        What::Drift(asked) => return drift::run(global, asked).await,
        What::Suspects(asked) => return suspects::run(global, asked).await,
        What::Latency(asked) => return latency::run(global, asked).await,
        What::Tenants(asked) => return tenants::list(global, asked).await,
        What::Tenant(asked) => return tenants::one(global, asked).await,
        What::Timeline(asked) => return tenants::timeline(global, asked).await,
        What::Events(asked) => return events::run(global, asked).await,
        What::Outside(limited) => return in_force::outside(global, limited).await,
        What::Borrowed(format) => return in_force::borrowed(global, format).await,
        What::Automations(format) => return in_force::automations(global, format).await,
        What::Runbooks(listed) => return runbooks::list(global, listed.format.output).await,
        What::SideEffects(listed) => return side_effects::list(global, listed.format.output).await,
        _ => {}
    }
    // What can't be read is said before anybody is asked.
    let question = Question::read(&get.what)?;
    let by_group = match &get.what {
        What::Flows(listing) => listing.group_by.map(|by| (listing, by)),
        _ => None,
    };
    if by_group.is_some() && question.as_ref().is_some_and(|question| question.watch.is_some()) {
        return Err(Failure::Usage("groups are counted once: --group-by does not go with --watch".into()));
    }
    if let Some((question, every)) = question.as_ref().and_then(|question| Some((question, question.watch?))) {
        let world = if global.demo { demo::world(global, Look::Watch)? } else { world::build(global, true)? };
        return watch::run(&world.hub, question, every).await;
    }
    let world = world::build(global, true)?;
    let hub = &*world.hub;
    if let Some((listing, by)) = by_group {
        return grouped(hub, listing, by).await;
    }
    match (&question, &get.what) {
        (Some(question), _) => {
            hub.pass().await;
            once(hub, question).await
        }
        (None, What::Flow(one)) => flow(hub, one).await,
        (None, _) => Ok(Outcome::Usage),
    }
}

async fn once(hub: &Hub, question: &Question) -> Result<Outcome, Failure> {
    let seen = question.look(hub).await?;
    question.print(&seen)?;
    if let Some(near) = seen.window.as_ref().and_then(|window| window.near.as_ref()) {
        report::note(&format!("nothing matches; {}", near.told()));
    }
    if let Some(window) = &seen.window
        && window.rows.len() < window.total
        && question.format != Output::Json
    {
        report::note(&format!("{} of {} shown; --all shows every one", window.rows.len(), window.total));
    }
    Ok(outcome(&seen.overview, question.fail_on, !seen.overview.cohorts.is_empty()))
}

/// The words of a filter, read.
pub(super) fn read_filter(words: &[String]) -> Result<Filter, Failure> {
    let text = one_text(words, query::KEYS);
    Filter::parse(&text).map_err(|error| unreadable(&text, &error))
}

/// The words of a filter as one text, of a language with these keys.
pub(super) fn one_text(words: &[String], keys: &[(&str, &str)]) -> String {
    words.iter().map(|word| requoted(word, keys)).collect::<Vec<_>>().join(" ")
}

/// Says what is wrong with a filter, and where.
pub(super) fn unreadable(text: &str, error: &FilterError) -> Failure {
    let hint = error.suggestion.as_ref().map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
    let mark = " ".repeat(error.column.saturating_sub(1)) + "^";
    Failure::Usage(format!("{error}{hint}\n{text}\n{mark}"))
}

/// An argument as a part of a filter. The shell has taken the quotes of a text with spaces away: they are put back,
/// unless the argument is a whole filter, which has quotes of its own or a key further on.
fn requoted(argument: &str, keys: &[(&str, &str)]) -> String {
    let keyed = |word: &str| {
        let key = word.trim_start_matches(['-', '!']).split_once(':').map(|(key, _)| key.to_ascii_lowercase());
        key.is_some_and(|key| keys.iter().any(|(name, _)| *name == key))
    };
    let mut words = argument.split_whitespace();
    let first = words.next();
    if words.clone().next().is_none() || argument.contains('"') || words.any(keyed) {
        return argument.to_owned();
    }
    let (sign, word) = argument.strip_prefix(['-', '!']).map_or(("", argument), |word| ("-", word));
    match word.split_once(':') {
        Some((key, value)) if first.is_some_and(keyed) => format!("{sign}{key}:\"{value}\""),
        _ => format!("{sign}\"{word}\""),
    }
}

pub(super) fn unexpected(error: OpsError) -> Failure {
    Failure::Other(error.into())
}

/// Says on standard error which sources failed; a failed source is never silently a smaller number.
pub(super) fn outcome(overview: &Overview, fail_on: Option<FailOn>, stuck: bool) -> Outcome {
    let mut failed = false;
    for source in &overview.sources {
        if source.state != Freshness::Live {
            failed = true;
            let why = source.error.as_deref().unwrap_or("it was not asked");
            report::error(&format!("source {}: {why}", source.name));
        } else if source.bad_rows > 0 {
            let first = source.bad_row.as_deref().unwrap_or_default();
            report::error(&format!(
                "source {}: {} rows could not be read; the first: {first}",
                source.name, source.bad_rows
            ));
        }
        if let Some(why) = untold(source) {
            report::error(&format!("source {}: {why}", source.name));
        }
    }
    if let Some(note) = &overview.claims_note {
        report::note(note);
    }
    match (failed, fail_on) {
        (true, _) => Outcome::SourceFailed,
        (false, Some(FailOn::Stuck)) if stuck => Outcome::Stuck,
        _ => Outcome::Fine,
    }
}

pub(super) fn board_json(overview: &Overview) -> Value {
    let cohorts: Vec<Value> = overview.cohorts.iter().map(cohort_json).collect();
    json!({
        "schema": "quarterdeck.board/1",
        "at": overview.at,
        "sources": overview.sources.iter().map(|source| source_json(source, overview)).collect::<Vec<_>>(),
        "cells": overview.cells.iter().map(cell_json).collect::<Vec<_>>(),
        "cohorts": cohorts,
        "growth": overview.trend.as_ref().and_then(|trend| trend.growth),
        "trend": overview.trend.as_ref().map(|trend| &trend.samples).filter(|samples| samples.len() > 1),
    })
}

pub(super) fn source_json(source: &SourceStatus, overview: &Overview) -> Value {
    // How many rows there are where none was ever read is not known, and not none.
    let known = |count: usize| source.last_good_at.is_some().then_some(count);
    json!({
        "name": source.name, "kind": source.kind, "state": source.state,
        "age_seconds": source.age(overview.at).map(|age| age.as_secs()), "error": source.error,
        "address": source.address, "version": source.version, "rows": known(source.rows),
        "bad_rows": known(source.bad_rows),
        "latency_ms": source.latency.map(|latency| latency.as_millis()),
        "clock_offset_ms": source.clock_offset.map(|offset| offset.as_millis()),
        "untold_tenants": known(source.untold_tenants), "untold_tenant": source.untold_tenant,
    })
}

pub(super) fn cell_json(cell: &Cell) -> Value {
    let counts = &cell.counts;
    let by_rule: serde_json::Map<String, Value> =
        counts.by_rule.iter().map(|(rule, n)| (rule.name().to_owned(), json!(n))).collect();
    json!({
        "source": cell.source, "flow": cell.flow, "step": cell.step, "open": counts.open, "stuck": counts.stuck,
        "waiting": counts.waiting, "held": counts.held, "failed": counts.failed, "unknown": counts.unknown,
        "by_rule": by_rule, "approximate": cell.approximate,
    })
}

pub(super) fn cohorts_table(overview: &Overview) -> Table {
    let row = |cohort: &crate::domain::cohort::Cohort| {
        let tenants =
            if cohort.tenants == 0 && cohort.without_tenant > 0 { "?".into() } else { cohort.tenants.to_string() };
        let stuck_for = cohort.since.map_or_else(|| "?".to_owned(), |at| age(since(at, overview.at)));
        let why = if cohort.fingerprint.starts_with('(') { &cohort.evidence } else { &cohort.fingerprint };
        vec![
            cohort.count.to_string(),
            stuck_for,
            tenants,
            cohort.source.to_string(),
            format!("{} › {}", cohort.flow, cohort.step),
            cohort.rule.words().to_owned(),
            owner(cohort.claim.as_ref(), overview.at),
            cohort.id.to_string(),
            why.to_string(),
        ]
    };
    Table {
        columns: &["STUCK", "FOR", "TENANTS", "SOURCE", "FLOW › STEP", "RULE", "OWNER", "COHORT", "WHY"],
        rows: overview.cohorts.iter().map(row).collect(),
    }
}

/// Who has a cohort and for how much longer.
fn owner(claim: Option<&Claim>, now: jiff::Timestamp) -> String {
    let told = |claim: &Claim| format!("{} by {} {}", claim.kind.done(), claim.by, age(since(now, claim.until)));
    claim.map_or_else(|| "unclaimed".to_owned(), told)
}

pub(super) fn cells_table(cells: &[Cell]) -> Table {
    let row = |cell: &Cell| {
        let counts = &cell.counts;
        let rules: Vec<String> = counts.by_rule.iter().map(|(rule, n)| format!("{} {n}", rule.name())).collect();
        let mut row = vec![cell.source.to_string(), cell.flow.to_string(), cell.step.to_string()];
        let numbers = [counts.open, counts.stuck, counts.waiting, counts.held, counts.failed, counts.unknown];
        row.extend(numbers.iter().map(u64::to_string));
        row.push(rules.join(" "));
        row
    };
    Table {
        columns: &["SOURCE", "FLOW", "STEP", "OPEN", "STUCK", "WAITING", "HELD", "FAILED", "UNKNOWN", "RULES"],
        rows: cells.iter().map(row).collect(),
    }
}

/// Of how many instances nobody could tell whom they are for, and why of the first.
fn untold(source: &SourceStatus) -> Option<String> {
    let first = source.untold_tenant.as_ref()?;
    Some(format!("whom {} of its instances are for could not be told; the first: {first}", source.untold_tenants))
}

/// The gravest of what is wrong with a source.
fn trouble(source: &SourceStatus) -> Option<String> {
    let bad = || {
        let first = source.bad_row.as_ref()?;
        Some(format!("{} rows could not be read; the first: {first}", source.bad_rows))
    };
    source.error.as_ref().map(ToString::to_string).or_else(bad).or_else(|| untold(source))
}

pub(super) fn sources_table(overview: &Overview) -> Table {
    let row = |source: &SourceStatus| {
        let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
        vec![
            source.name.to_string(),
            source.kind.to_owned(),
            source.state.name().to_owned(),
            or_unknown(source.age(overview.at).map(age)),
            or_unknown(source.latency.map(|latency| format!("{}ms", latency.as_millis()))),
            if source.last_good_at.is_some() { source.rows.to_string() } else { "?".to_owned() },
            or_unknown(source.version.as_ref().map(ToString::to_string)),
            trouble(source).unwrap_or_default(),
        ]
    };
    Table {
        columns: &["NAME", "KIND", "STATE", "AGE", "LATENCY", "ROWS", "VERSION", "ERROR"],
        rows: overview.sources.iter().map(row).collect(),
    }
}

/// The groups that the flows come to.
async fn grouped(hub: &Hub, listing: &Listing, by: GroupBy) -> Result<Outcome, Failure> {
    let filter = read_filter(&listing.matching.filter)?;
    hub.pass().await;
    let overview = hub.overview(&filter).await.map_err(unexpected)?;
    let limit = if listing.all { usize::MAX } else { listing.limit };
    let group = Some(Grouping { by, unfolded: BTreeSet::new() });
    let query = FlowsQuery { filter, sort: SortBy::Worst, reverse: false, group, page: Page::Offset(0), limit };
    let window = hub.flows(query).await.map_err(unexpected)?;
    groups(listing, by, &window, &overview)?;
    Ok(outcome(&overview, listing.matching.fail_on, !overview.cohorts.is_empty()))
}

/// Prints the groups.
fn groups(listing: &Listing, by: GroupBy, window: &FlowWindow, overview: &Overview) -> Result<(), Failure> {
    let rows: Vec<Value> = window
        .heads
        .iter()
        .map(|head| {
            json!({
                "group": head.key.0, "count": head.count, "stuck": head.stuck, "open": head.open,
                "oldest": head.oldest,
            })
        })
        .collect();
    let format = listing.matching.format.output;
    output::print(|out| match format {
        Output::Json => output::json(
            out,
            &json!({
                "schema": "quarterdeck.groups/1", "by": by.name(), "total": window.total,
                "matching": window.matching, "rows": rows,
            }),
        ),
        Output::Ndjson => output::ndjson(out, &rows),
        Output::Csv => output::csv(out, GROUP, &rows),
        Output::Table => output::table(out, &groups_table(&window.heads, by, overview)),
    })?;
    if window.heads.len() < window.total && format != Output::Json {
        report::note(&format!("{} of {} groups shown; --all shows every one", window.heads.len(), window.total));
    }
    Ok(())
}

fn groups_table(heads: &[GroupHead], by: GroupBy, overview: &Overview) -> Table {
    let row = |head: &GroupHead| {
        vec![
            head.stuck.to_string(),
            head.open.to_string(),
            head.count.to_string(),
            head.oldest.map_or_else(|| "?".to_owned(), |at| age(since(at, overview.at))),
            head.key.0.as_deref().unwrap_or(by.nothing()).to_owned(),
        ]
    };
    Table { columns: &["STUCK", "OPEN", "COUNT", "OLDEST", "GROUP"], rows: heads.iter().map(row).collect() }
}

pub(super) fn flows_table(rows: &[std::sync::Arc<JudgedFlow>], overview: &Overview) -> Table {
    let row = |row: &std::sync::Arc<JudgedFlow>| {
        let flow = &row.flow;
        // By the source's own clock, as in the cockpit.
        let offset = overview.source(&flow.id.source).and_then(|source| source.clock_offset).unwrap_or_default();
        let now = overview.at.saturating_add(offset).unwrap_or(overview.at);
        let ago = |at: Option<jiff::Timestamp>| at.map_or_else(|| "?".to_owned(), |at| age(since(at, now)));
        vec![
            row.judgement.verdict.name().to_owned(),
            row.judgement.rule().map_or("", |rule| rule.words()).to_owned(),
            flow.status.words().to_owned(),
            ago(row.began()),
            format!("{} › {}", flow.flow, flow.step),
            flow.tenant.as_deref().or(flow.key.as_deref()).unwrap_or_default().to_owned(),
            flow.attempts.map(|n| n.to_string()).unwrap_or_default(),
            flow.id.to_string(),
            flow.error.as_ref().map(|error| error.text.to_string()).unwrap_or_default(),
        ]
    };
    Table {
        columns: &["VERDICT", "RULE", "STATUS", "FOR", "FLOW › STEP", "TENANT/KEY", "ATT", "ID", "ERROR"],
        rows: rows.iter().map(row).collect(),
    }
}

async fn flow(hub: &Hub, one: &One) -> Result<Outcome, Failure> {
    let id = match InstanceId::parse(&one.id) {
        Some(id) => id,
        // Who tells of no flows has none of that id.
        None => {
            match Some(hub.engine_names()).filter(|names| !names.is_empty()).unwrap_or(hub.source_names()).as_slice() {
                [only] => InstanceId::new(only.clone(), one.id.as_str()),
                names => match found(hub, names, &one.id).await? {
                    Some(id) => id,
                    None => return Ok(Outcome::SourceFailed),
                },
            }
        }
    };
    if one.raw && one.format.output == Output::Csv {
        return Err(Failure::Usage("--raw goes with -o table, json and ndjson: csv has no place for it".into()));
    }
    let answer = match hub.flow(&id).await {
        Ok(answer) => answer,
        Err(OpsError::NotFound(why)) => return Err(Failure::Usage(why.to_string())),
        Err(error) => {
            report::error(&format!("source {}: {error}", id.source));
            return Ok(Outcome::SourceFailed);
        }
    };
    let raw = match one.raw.then(|| hub.raw(&id)) {
        None => None,
        Some(raw) => match raw.await {
            Ok(raw) => Some(raw),
            Err(error) => {
                report::error(&format!("source {}: {error}", id.source));
                return Ok(Outcome::SourceFailed);
            }
        },
    };
    let whole = || {
        let mut value = flow_json(&answer);
        if let (Value::Object(value), Some(Value::Object(raw))) = (&mut value, raw.as_ref().map(raw_json)) {
            value.extend(raw);
        }
        value
    };
    output::print(|out| match one.format.output {
        Output::Json => output::json(out, &whole()),
        Output::Ndjson => output::ndjson(out, [&whole()]),
        Output::Csv => output::csv(out, ENTRY, &timeline_json(&answer)),
        Output::Table => {
            flow_text(out, &answer)?;
            raw.as_ref().map_or(Ok(()), |raw| raw_text(out, raw))
        }
    })?;
    Ok(Outcome::Fine)
}

/// The source that holds an instance whose id alone is known: every one is asked. `None` where none of those that
/// answered has it, and not all did.
async fn found(hub: &Hub, names: &[SafeText], instance: &str) -> Result<Option<InstanceId>, Failure> {
    let (mut held, mut without, mut silent) = (Vec::new(), Vec::new(), false);
    for name in names {
        let id = InstanceId::new(name.clone(), instance);
        match hub.flow(&id).await {
            Ok(_) => held.push(id),
            Err(OpsError::NotFound(_)) => without.push(name.as_str()),
            Err(error) => {
                report::error(&format!("source {name}: {error}"));
                silent = true;
            }
        }
    }
    match held.as_slice() {
        [only] => Ok(Some(only.clone())),
        [] if silent => Ok(None),
        [] => Err(Failure::Usage(format!("{instance}: none of {} has it", without.join(", ")))),
        several => {
            let ids: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(Failure::Usage(format!("{instance}: say in which source: {}", ids.join(", "))))
        }
    }
}

fn timeline_table(answer: &FlowAnswer) -> Table {
    let row = |entry: &crate::domain::flow::TimelineEntry| {
        let took = entry.at.zip(entry.ended_at).map(|(at, end)| words(since(at, end))).unwrap_or_default();
        vec![
            entry.at.map(date_time).unwrap_or_default(),
            took,
            format!("{:?}", entry.outcome).to_lowercase(),
            entry.what.to_string(),
            entry.note.as_deref().unwrap_or_default().to_owned(),
        ]
    };
    Table {
        columns: &["AT (UTC)", "TOOK", "OUTCOME", "WHAT", "NOTE"],
        rows: answer.detail.timeline.iter().map(row).collect(),
    }
}

fn flow_text(out: &mut dyn io::Write, answer: &FlowAnswer) -> io::Result<()> {
    let flow = &answer.detail.flow;
    writeln!(out, "{}", flow.id)?;
    writeln!(out, "{} › {}  {}", flow.flow, flow.step, flow.status.words())?;
    let mut lines: Vec<(&str, String)> = Vec::new();
    let named = [("tenant", &flow.tenant), ("key", &flow.key)];
    lines.extend(named.into_iter().filter_map(|(label, value)| Some((label, value.as_ref()?.to_string()))));
    lines.push(("verdict", answer.judgement.verdict.name().to_owned()));
    lines.extend(answer.judgement.findings.iter().map(|finding| ("", finding_words(finding))));
    lines.extend(answer.detail.facts.iter().map(|(label, value)| (*label, value.to_string())));
    lines.extend(answer.verbs.iter().map(|offer| {
        let state = offer.refusal.as_deref().map(|why| format!("not now: {why}"));
        (offer.verb.name(), state.unwrap_or_else(|| offer.verb.words(flow.status).to_owned()))
    }));
    let width = lines.iter().map(|(label, _)| label.len()).max().unwrap_or_default();
    for (label, value) in &lines {
        writeln!(out, "{label:<width$}  {value}")?;
    }
    if !answer.detail.error.is_empty() {
        writeln!(out, "\nERROR")?;
        for line in &answer.detail.error {
            writeln!(out, "{line}")?;
        }
    }
    writeln!(out)?;
    output::table(out, &timeline_table(answer))
}

/// What the engine keeps, part by part.
fn raw_text(out: &mut dyn io::Write, raw: &RawFlow) -> io::Result<()> {
    for (name, told) in raw.parts() {
        writeln!(out, "\n{}", name.to_uppercase())?;
        match told {
            Told::Json(json) => output::json(out, &serde_json::json!(json))?,
            Told::Not(why) => writeln!(out, "{why}")?,
        }
    }
    Ok(())
}

/// A rule with its evidence, and with the limit where there is one to tell.
fn finding_words(finding: &Finding) -> String {
    let limit = Some(&*finding.threshold).filter(|limit| !limit.is_empty()).map(|limit| format!("limit: {limit}"));
    let since = finding.since.map(|at| format!("since {} UTC", date_time(at)));
    let more: Vec<String> = limit.into_iter().chain(since).collect();
    let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join(", ")) };
    format!("{}: {}{more}", finding.rule.words(), finding.evidence)
}
