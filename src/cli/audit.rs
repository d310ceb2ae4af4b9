//! `quarterdeck audit`: what was tried, refused, sent, answered and came of it, and whether that record is whole.
//!
//! Nothing is changed. Texts are printed scrubbed: where somebody put something else into the record, the hash of what
//! is printed is not the one beside it, and `verify` says so.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::args::{AuditCommand, Exported, Format, Global, Output};
use super::output::{self, Table};
use super::{Failure, Outcome, report, world};
use crate::domain::audit::{Entry, Head};
use crate::domain::text::SafeText;
use crate::domain::time::date_time;
use crate::hub::ledger::{Book, Choice, LedgerError, Verification};

const SCHEMA: &str = "quarterdeck.audit/1";

// The columns of CSV: the names that the JSON has.
const ENTRY: &str = "sequence,at,actor,trusted,context,action,subject,remediation,plan_hash,detail,previous,hash";
const VERIFIED: &str = "whole,count,sequence,hash,behind,broken,why";

pub(super) async fn run(global: &Global, what: &AuditCommand) -> Result<Outcome, Failure> {
    let directory = world::state_dir(global)?;
    let mut book = Book::open(&directory).await.map_err(unreadable)?;
    let now = Timestamp::now();
    match what {
        AuditCommand::List { limit, since, format } => {
            let since = since.map(|since| since.from(now));
            let choice = Choice { since, context: global.context.clone(), last: Some(*limit) };
            list(&mut book, &choice, format).await
        }
        AuditCommand::Verify { head, format } => verify(&mut book, head.as_ref(), format).await,
        AuditCommand::Export { since, output } => {
            let choice = Choice { since: since.map(|since| since.from(now)), ..Choice::default() };
            export(&mut book, &choice, *output).await
        }
    }
}

fn unreadable(error: LedgerError) -> Failure {
    Failure::Other(error.into())
}

async fn list(book: &mut Book, choice: &Choice, format: &Format) -> Result<Outcome, Failure> {
    let (entries, unreadable_rows) = book.entries(choice).await.map_err(unreadable)?;
    let rows = || entries.iter().map(entry_json).collect::<Vec<_>>();
    output::print(|out| match format.output {
        Output::Table => output::table(out, &entries_table(&entries)),
        Output::Json => output::json(out, &json!({ "schema": SCHEMA, "entries": rows() })),
        Output::Ndjson => output::ndjson(out, &rows()),
        Output::Csv => output::csv(out, ENTRY, &rows()),
    })?;
    if unreadable_rows > 0 {
        report::error(&format!("{unreadable_rows} rows are no entries: quarterdeck audit verify"));
        return Ok(Outcome::Failed);
    }
    Ok(Outcome::Fine)
}

fn entries_table(entries: &[Entry]) -> Table {
    let row = |entry: &Entry| {
        vec![
            entry.sequence.to_string(),
            entry.at().map_or_else(|_| "?".to_owned(), date_time),
            safe(&entry.actor),
            safe(&entry.context),
            safe(&entry.action),
            safe(&entry.subject),
            entry.remediation.as_deref().map(safe).unwrap_or_default(),
            told(&entry.detail),
        ]
    };
    Table {
        columns: &["#", "AT (UTC)", "ACTOR", "CONTEXT", "ACTION", "SUBJECT", "ACT", "DETAIL"],
        rows: entries.iter().map(row).collect(),
    }
}

/// The detail of an entry in one line for people.
fn told(detail: &str) -> String {
    match serde_json::from_str::<Map<String, Value>>(detail) {
        Ok(fields) => {
            let field = |(name, value): (&String, &Value)| match value {
                Value::String(text) if name == "text" => safe(text),
                Value::String(text) => format!("{}={}", safe(name), safe(text)),
                other => format!("{}={}", safe(name), scrubbed(other.clone())),
            };
            fields.iter().map(field).collect::<Vec<_>>().join(" ")
        }
        Err(_) => safe(detail),
    }
}

fn safe(text: &str) -> String {
    SafeText::from(text).to_string()
}

/// A value whose texts are safe to print.
fn scrubbed(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(safe(&text)),
        Value::Array(values) => values.into_iter().map(scrubbed).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (safe(&name), scrubbed(value))).collect(),
        plain => plain,
    }
}

/// An entry as it is hashed, with its hash.
fn entry_json(entry: &Entry) -> Value {
    let detail = serde_json::from_str(&entry.detail).unwrap_or_else(|_| Value::String(entry.detail.clone()));
    json!({
        "sequence": entry.sequence, "at": entry.at().ok(), "actor": safe(&entry.actor),
        "trusted": entry.trusted.as_deref().map_or(Value::Bool(false), |words| Value::String(safe(words))),
        "context": safe(&entry.context), "action": safe(&entry.action), "subject": safe(&entry.subject),
        "remediation": entry.remediation.as_deref().map(safe), "plan_hash": entry.plan_hash.as_deref().map(safe),
        "detail": scrubbed(detail), "previous": safe(&entry.previous), "hash": safe(&entry.hash),
    })
}

fn head_words(head: &Head) -> String {
    format!("{}:{}", head.sequence, safe(&head.hash))
}

async fn verify(book: &mut Book, elsewhere: Option<&Head>, format: &Format) -> Result<Outcome, Failure> {
    let found = book.verify_against(elsewhere).await.map_err(unreadable)?;
    let value = verification_json(&found);
    let row = || {
        json!({
            "whole": found.broken.is_none(), "count": found.count, "sequence": found.head.sequence,
            "hash": found.head.hash, "behind": found.behind,
            "broken": found.broken.as_ref().map(|link| link.sequence),
            "why": found.broken.as_ref().map(|link| safe(&link.why)),
        })
    };
    output::print(|out| match format.output {
        Output::Table => verification_text(out, &found),
        Output::Json => output::json(out, &value),
        Output::Ndjson => output::ndjson(out, [&value]),
        Output::Csv => output::csv(out, VERIFIED, &[row()]),
    })?;
    Ok(outcome(&found))
}

fn outcome(found: &Verification) -> Outcome {
    if found.broken.is_some() { Outcome::Failed } else { Outcome::Fine }
}

fn verification_json(found: &Verification) -> Value {
    let mut value = json!({ "schema": "quarterdeck.audit-verify/1", "whole": found.broken.is_none() });
    if let (Some(value), Value::Object(more)) = (value.as_object_mut(), scrubbed(json!(found))) {
        value.extend(more);
    }
    value
}

fn verification_text(out: &mut dyn Write, found: &Verification) -> io::Result<()> {
    let entries = if found.count == 1 { "entry" } else { "entries" };
    match &found.broken {
        None => writeln!(out, "whole: {} {entries}", found.count)?,
        Some(link) => {
            writeln!(out, "BROKEN at entry {}: {}", link.sequence, safe(&link.why))?;
            writeln!(out, "whole up to there: {} {entries}", found.count)?;
        }
    }
    writeln!(out, "head   {}", head_words(&found.head))?;
    match (&found.noted, found.behind) {
        (None, _) => writeln!(out, "noted  nothing")?,
        (Some(noted), 0) => writeln!(out, "noted  {}", head_words(noted))?,
        (Some(noted), behind) => writeln!(
            out,
            "noted  {}; {behind} after it go on from it, and are not noted: a process is about to, or ended before",
            head_words(noted)
        )?,
    }
    for sequence in &found.unanchored {
        writeln!(out, "note   before entry {sequence} audit.head was missing: an end may have been cut there")?;
    }
    Ok(())
}

async fn export(book: &mut Book, choice: &Choice, format: Exported) -> Result<Outcome, Failure> {
    let (found, entries, unreadable_rows) = book.whole(choice).await.map_err(unreadable)?;
    let mut header = json!({
        "schema": SCHEMA, "head": found.head, "noted": found.noted, "whole": found.broken.is_none(),
        "broken": found.broken, "since": choice.since,
    });
    header = scrubbed(header);
    output::print(|out| match format {
        Exported::Ndjson => {
            output::ndjson(out, [&header])?;
            entries.iter().try_for_each(|entry| output::ndjson(out, [&entry_json(entry)]))
        }
        Exported::Json => {
            if let Some(header) = header.as_object_mut() {
                header.insert("entries".to_owned(), entries.iter().map(entry_json).collect());
            }
            output::json(out, &header)
        }
    })?;
    if let Some(link) = &found.broken {
        report::error(&format!("the audit is broken at entry {}: {}", link.sequence, link.why));
    }
    if unreadable_rows > 0 {
        report::error(&format!("{unreadable_rows} rows are no entries, and not in the export"));
    }
    Ok(outcome(&found))
}
