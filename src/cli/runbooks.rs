//! `quarterdeck get runbooks`, and a runbook as the command line names it: texts become what its schema says that they are.

use serde_json::{Value, json};

use super::args::{Global, Output};
use super::output::{self, Table};
use super::{Failure, Outcome, get, world};
use crate::domain::remedy::Wished;
use crate::domain::runbook::{Given, Runbook};
use crate::domain::text::SafeText;
use crate::hub::Hub;
use crate::ops::Ops as _;

const COLUMNS: &str = "id,description,steps,parameters,suggested_for,switches_off,rearm,undo";

/// Every runbook of the config.
pub(super) async fn list(global: &Global, format: Output) -> Result<Outcome, Failure> {
    let world = world::build(global, true)?;
    let all = world.hub.runbooks(None).await.map_err(get::unexpected)?;
    let all: Vec<&Runbook> = all.iter().map(|offer| &*offer.runbook).collect();
    let rows: Vec<Value> = all.iter().map(|runbook| runbook_json(runbook)).collect();
    output::print(|out| match format {
        Output::Json => output::json(out, &json!({ "schema": "quarterdeck.runbooks/1", "rows": rows })),
        Output::Ndjson => output::ndjson(out, &rows),
        Output::Csv => output::csv(out, COLUMNS, &rows),
        Output::Table => output::table(out, &table(&all)),
    })?;
    Ok(Outcome::Fine)
}

fn runbook_json(runbook: &Runbook) -> Value {
    let steps: Vec<Value> = runbook
        .steps
        .iter()
        .map(|step| {
            let with: serde_json::Map<String, Value> =
                step.with.iter().map(|(name, with)| (name.to_string(), json!(with.to_string()))).collect();
            json!({ "verb": step.verb.name(), "with": with })
        })
        .collect();
    json!({
        "id": runbook.id.to_string(),
        "name": runbook.id.name,
        "version": runbook.id.version,
        "description": runbook.description,
        "steps": steps,
        "parameters": runbook.schema.json(),
        "suggested_for": runbook.suggested_for,
        "switches_off": runbook.switches_off,
        "rearm": runbook.rearm,
        "undo": runbook.undo.as_ref().map(ToString::to_string),
    })
}

fn table(all: &[&Runbook]) -> Table {
    let row = |runbook: &&Runbook| {
        let steps: Vec<String> = runbook.steps.iter().map(ToString::to_string).collect();
        let fields: Vec<String> = runbook
            .schema
            .fields()
            .iter()
            .map(|field| format!("{}{}", field.name, if field.required { "" } else { "?" }))
            .collect();
        let off: Vec<&str> = runbook.switches_off.iter().map(SafeText::as_str).collect();
        vec![
            runbook.id.to_string(),
            steps.join(", then "),
            fields.join(" "),
            off.join("; "),
            runbook.undo.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string),
            runbook.description.to_string(),
        ]
    };
    Table {
        columns: &["RUNBOOK", "STEPS", "TAKES", "SWITCHES OFF", "UNDO", "WHAT FOR"],
        rows: all.iter().map(row).collect(),
    }
}

/// The runbook that `NAME[@VERSION]` and the texts beside it mean. What there is no runbook or parameter for stays as it
/// was typed: the hub says what is wrong with it.
pub(super) async fn wished(hub: &Hub, named: &str, with: &[(String, String)]) -> Result<Wished, Failure> {
    let (name, version) = named.split_once('@').map_or((named, None), |(name, version)| (name, Some(version)));
    let all = hub.runbooks(None).await.map_err(get::unexpected)?;
    let mut meant = all
        .iter()
        .map(|offer| &offer.runbook)
        .filter(|runbook| *runbook.id.name == *name && version.is_none_or(|version| *runbook.id.version == *version));
    let fields = meant.next().map(|runbook| runbook.schema.fields()).unwrap_or_default();
    let mut parameters = Given::new();
    for (key, text) in with {
        let field = fields.iter().find(|field| *field.name == **key);
        let value = field.map_or_else(|| Value::from(text.as_str()), |field| field.read(text));
        if parameters.insert(key.clone(), value).is_some() {
            return Err(Failure::Usage(format!("--with {key} is given twice")));
        }
    }
    Ok(Wished { name: name.into(), version: version.map(Into::into), parameters })
}
