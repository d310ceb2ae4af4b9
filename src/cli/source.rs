//! `quarterdeck source try NAME`: one look at a source, with all that there is to know of it and everything that went wrong.

use std::fmt::Write as _;
use std::time::Instant;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::args::{Global, Output, SourceTry};
use super::{Failure, Outcome, output, world};
use crate::config::{SourceConfig, SourceKind};
use crate::connect::rest::{Failure as Fault, Trial};
use crate::connect::{ConnectError, Observation};
use crate::domain::nearest::nearest;
use crate::domain::redact::Redactor;
use crate::domain::text::SafeText;

pub(super) async fn run(global: &Global, tried: &SourceTry) -> Result<Outcome, Failure> {
    if global.demo {
        return Err(Failure::Usage(
            "source try looks at your own sources: the demo world has nothing to try".to_owned(),
        ));
    }
    let config = world::config(global)?;
    let sources = &config.context.sources;
    let Some(source) = sources.iter().find(|source| source.name == tried.name) else {
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        let rather = nearest(&tried.name, names.iter().copied()).map(|name| format!(" (did you mean {name}?)"));
        let (name, rather) = (SafeText::clipped(&tried.name, 60), rather.unwrap_or_default());
        let context = &config.context.name;
        let all = names.join(", ");
        return Err(Failure::Usage(format!("no source {name}{rather} in the context {context}; there are: {all}")));
    };
    let redactor = Redactor::new(config.redact.iter().map(String::as_str));
    if source.kind == SourceKind::Rest {
        let trials = world::rest(source, &redactor)?.try_out(tried.show.into()).await;
        return told(source, &trials, tried.format.output);
    }
    any(source, tried.format.output).await
}

/// What each request of a REST source came to.
fn told(source: &SourceConfig, trials: &[Trial], how: Output) -> Result<Outcome, Failure> {
    let rows: Vec<Value> = trials.iter().map(trial_json).collect();
    output::print(|out| match how {
        Output::Json => output::json(
            out,
            &json!({
                "schema": "quarterdeck.source-try/1", "source": source.name, "kind": source.kind.name(),
                "address": SafeText::new(&source.url), "requests": rows,
            }),
        ),
        Output::Ndjson => output::ndjson(out, &rows),
        Output::Csv => output::csv(out, "name,asked,status,pages,items,bytes,took_ms,error", &rows),
        Output::Table => {
            writeln!(out, "{}  {}  {}", source.name, source.kind.name(), SafeText::new(&source.url))?;
            trials.iter().flat_map(lines).try_for_each(|line| writeln!(out, "{line}"))
        }
    })?;
    Ok(if trials.iter().any(Trial::failed) { Outcome::SourceFailed } else { Outcome::Fine })
}

fn trial_json(trial: &Trial) -> Value {
    let told = trial.told.iter().map(|told| {
        json!({
            "kind": told.yields.name(), "good": told.count.good, "bad": told.count.bad,
            "passed_over": told.count.passed_over, "first": told.count.samples,
        })
    });
    let failures = trial.failures.iter().map(|failure: &Fault| {
        json!({
            "kind": failure.yields.name(), "page": failure.page, "path": failure.path, "why": failure.why, "place": failure.place,
            "line": failure.at.map(|at| at.0), "column": failure.at.map(|at| at.1),
        })
    });
    json!({
        "name": trial.name, "asked": trial.asked, "status": (trial.status > 0).then_some(trial.status),
        "pages": trial.pages, "items": trial.items, "bytes": trial.bytes,
        "took_ms": u64::try_from(trial.took.as_millis()).ok(), "error": trial.error, "note": trial.note,
        "told": told.collect::<Vec<_>>(), "failures": failures.collect::<Vec<_>>(),
    })
}

/// A request for people, line by line.
fn lines(trial: &Trial) -> Vec<String> {
    let mut head = format!("\n{}  {}", trial.name, trial.asked);
    if trial.pages > 0 {
        let pages = if trial.pages == 1 { "page" } else { "pages" };
        let items = if trial.items == 1 { "item" } else { "items" };
        // Writing to a string cannot fail.
        let _ = write!(
            head,
            ": {}, {} {pages}, {} {items}, {} KiB, {} ms",
            trial.status,
            trial.pages,
            trial.items,
            trial.bytes.div_ceil(1024),
            trial.took.as_millis()
        );
    }
    let mut lines = vec![head];
    if let Some(error) = &trial.error {
        lines.push(format!("  FAILED: {error}"));
    }
    lines.extend(trial.note.iter().map(|note| format!("  note: {note}")));
    for told in &trial.told {
        let count = &told.count;
        let mut line = format!("  {:<8} {}", told.yields.name(), count.good);
        if count.passed_over > 0 {
            let _ = write!(line, ", {} of them ended or as wanted, and so not listed", count.passed_over);
        }
        if count.bad > 0 {
            let _ = write!(line, ", FAILED on {}", count.bad);
        }
        if count.good + count.bad == 0 && trial.items > 0 {
            line.push_str(": the program yields nothing of any item");
        }
        lines.push(line);
        let samples = count.samples.iter().filter_map(|sample| serde_json::to_string(sample).ok());
        lines.extend(samples.map(|sample| format!("    {}", SafeText::clipped(&sample, 2_000))));
        for failure in trial.failures.iter().filter(|failure| failure.yields == told.yields) {
            let within = failure.at.map(|(line, column)| format!(", line {line}, column {column} of the program"));
            let page = if trial.pages > 1 { format!("page {}, ", failure.page) } else { String::new() };
            lines.push(format!("    FAILED at {page}{}: {}", failure.path, failure.why));
            lines.push(format!("      {}{}", failure.place, within.unwrap_or_default()));
        }
        let more = count.bad.saturating_sub(trial.failures.iter().filter(|one| one.yields == told.yields).count());
        if more > 0 {
            lines.push(format!("    FAILED on {more} more"));
        }
    }
    lines
}

/// How much one pass over a source of any kind tells.
#[derive(Default)]
struct Tally {
    flows: usize,
    drift: usize,
    in_sync: u64,
    tenants: usize,
    events: usize,
    dead_letters: usize,
    bad_rows: usize,
    bad_row: Option<SafeText>,
}

/// One pass over a source whose requests nobody has written down.
async fn any(source: &SourceConfig, how: Output) -> Result<Outcome, Failure> {
    let connector = world::connector(source)?;
    let began = Instant::now();
    let (sink, mut parts) = mpsc::channel(2);
    let mut tally = Tally::default();
    let receive = async {
        while let Some(part) = parts.recv().await {
            match part {
                Observation::Flows(flows) => tally.flows += flows.len(),
                Observation::Drift(findings) => tally.drift += findings.len(),
                Observation::InSync(count) => tally.in_sync += count,
                Observation::Tenants(tenants) => tally.tenants += tenants.len(),
                Observation::Events(events) => tally.events += events.len(),
                Observation::DeadLetters(letters) => tally.dead_letters += letters.len(),
                Observation::BadRows { count, first } => {
                    tally.bad_rows += count;
                    tally.bad_row.get_or_insert(first);
                }
                _ => {}
            }
        }
    };
    let (outcome, ()) = tokio::join!(connector.observe(sink), receive);
    let error = outcome.err().map(|error: ConnectError| SafeText::new(&error.to_string()));
    let took = began.elapsed().as_millis();
    let tells = connector.tells();
    let counts = [
        (tells.flows, "flows", tally.flows as u64),
        (tells.drift, "drift", tally.drift as u64),
        (tells.drift, "in_sync", tally.in_sync),
        (tells.tenants, "tenants", tally.tenants as u64),
        (tells.events, "events", tally.events as u64),
        (tells.events, "dead_letters", tally.dead_letters as u64),
        (true, "bad_rows", tally.bad_rows as u64),
    ];
    let counts: Vec<(&str, u64)> =
        counts.into_iter().filter(|(told, ..)| *told).map(|(_, name, count)| (name, count)).collect();
    let row = json!({
        "schema": "quarterdeck.source-try/1", "source": source.name, "kind": source.kind.name(),
        "address": connector.address(), "took_ms": u64::try_from(took).ok(), "error": error,
        "told": counts.iter().map(|(name, count)| ((*name).to_owned(), json!(count))).collect::<serde_json::Map<_, _>>(),
        "bad_row": tally.bad_row,
    });
    output::print(|out| match how {
        Output::Json => output::json(out, &row),
        Output::Ndjson => output::ndjson(out, std::slice::from_ref(&row)),
        Output::Csv => output::csv(out, "source,kind,address,took_ms,error,bad_row", std::slice::from_ref(&row)),
        Output::Table => {
            writeln!(out, "{}  {}  {}: {took} ms", source.name, source.kind.name(), connector.address())?;
            if let Some(error) = &error {
                writeln!(out, "  FAILED: {error}")?;
            }
            for (name, count) in &counts {
                writeln!(out, "  {:<12} {count}", name.replace('_', " "))?;
            }
            tally.bad_row.iter().try_for_each(|row| writeln!(out, "    FAILED at {row}"))
        }
    })?;
    let failed = error.is_some() || tally.bad_rows > 0;
    Ok(if failed { Outcome::SourceFailed } else { Outcome::Fine })
}
