//! Runbooks: what somebody wrote down to be done again and again.
//!
//! All that can be wrong in one is found here, before it is ever planned: parameters that are no schema, steps that no
//! engine has, blanks that nothing fills, and what is to take it back. Filters stay as they were written, with their
//! places: the hub reads them.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::DeValue;

use super::diagnostic::{Diagnostic, Document, TextPlace};
use super::section::{Found, Section};
use crate::domain::nearest::nearest;
use crate::domain::plan::DEPLOYMENT;
use crate::domain::remediation::Verb;
use crate::domain::runbook::{Field, Kind, Pattern, Runbook, RunbookId, Schema, Template};
use crate::domain::text::SafeText;

const RUNBOOK: [&str; 9] =
    ["name", "version", "description", "parameters", "steps", "suggested_for", "switches_off", "rearm", "undo"];
const STEP: [&str; 2] = ["verb", "with"];

/// The longest name or version, in characters.
const NAME: usize = 40;

/// The longest description, and the longest words on what is switched off, in characters.
const WORDS: usize = 300;

/// The most steps of one runbook.
const STEPS: usize = 20;

/// What says that nothing takes it back.
const NONE: &str = "none";

/// A runbook, and where its filters stand.
#[derive(Debug, Clone)]
pub struct RunbookSetting {
    /// The runbook.
    pub runbook: Runbook,
    /// Where the filters of [`Runbook::suggested_for`] stand, in the same order.
    pub suggested_for: Vec<TextPlace>,
}

/// A runbook with what is asked of it once all of them are read.
struct Draft {
    setting: RunbookSetting,
    undo: Range<usize>,
}

/// Reads every `[[runbook]]`, in the order of the file; what is wrong is noted.
pub(super) fn read(root: &Section<'_>) -> Vec<RunbookSetting> {
    let document = root.document;
    let mut lines = HashMap::new();
    let sections = document.keep(root.tables("runbook", &RUNBOOK)).unwrap_or_default();
    let whole = sections.len();
    let drafts: Vec<Draft> = sections.iter().filter_map(|section| one(section, &mut lines)).collect();
    // Of what another one could not be read for, nothing more can be said.
    if drafts.len() == whole {
        for draft in &drafts {
            undoes(document, draft, &drafts);
        }
    }
    drafts.into_iter().map(|draft| draft.setting).collect()
}

fn one(section: &Section<'_>, lines: &mut HashMap<RunbookId, usize>) -> Option<Draft> {
    let document = section.document;
    // Each is read before the first of them is given up, so that every mistake is told.
    let id = id(section, lines);
    let description = words(section, "description").unwrap_or_default();
    let schema = schema(section);
    let steps = steps(section, schema.as_ref());
    let (suggested_for, places) = filters(section);
    let switched = document.keep(section.texts("switches_off")).unwrap_or_default();
    let switches_off: Vec<SafeText> =
        switched.iter().filter_map(|found| plain(section, "switches_off", found)).collect();
    let rearm = words(section, "rearm");
    match (switches_off.is_empty(), section.has("rearm")) {
        (false, false) => {
            let message = "what is switched off needs \"rearm\": how somebody arms it again";
            document.problems.add(document.wrong(&section.place("switches_off"), message));
        }
        (true, true) => {
            let message = "\"rearm\" goes with \"switches_off\": there is nothing to arm again";
            document.problems.add(document.wrong(&section.place("rearm"), message));
        }
        _ => {}
    }
    let undo = undo(section);
    Some(Draft {
        undo: section.place("undo"),
        setting: RunbookSetting {
            suggested_for: places,
            runbook: Runbook {
                id: id?,
                description,
                schema: schema?,
                steps: steps?,
                suggested_for,
                switches_off,
                rearm: rearm.unwrap_or_default(),
                undo: undo?,
            },
        },
    })
}

/// Its name and its version, which no other one has.
fn id(section: &Section<'_>, lines: &mut HashMap<RunbookId, usize>) -> Option<RunbookId> {
    let document = section.document;
    let name = document.keep(section.required_text("name", "a runbook"));
    let version = document.keep(section.text_or_number("version", "a runbook"));
    let (name, version) = (name?, version?);
    let check = |value: &str, span: &Range<usize>, what: &str| {
        let bad = value.is_empty()
            || value.chars().count() > NAME
            || value.contains(|c: char| c.is_whitespace() || c == '@')
            || SafeText::new(value) != *value;
        if bad {
            let message =
                format!("a runbook's {what} can't be empty, longer than {NAME} characters, or hold white space or @");
            document.problems.add(document.wrong(span, message));
        }
    };
    check(name.value, &name.span, "name");
    check(&version.value, &version.span, "version");
    let id = RunbookId { name: name.value.into(), version: version.value.into() };
    let (line, _) = document.position(name.span.start);
    if let Some(first) = lines.insert(id.clone(), line) {
        let message = format!("a second runbook {id}; the first is on line {first}");
        document.problems.add(section.wrong(&name, message));
    }
    Some(id)
}

/// A text for people; `None` where it is not there.
fn words(section: &Section<'_>, key: &str) -> Option<SafeText> {
    let found = section.document.keep(section.text(key)).flatten()?;
    plain(section, key, &found)
}

fn plain(section: &Section<'_>, key: &str, found: &Found<&str>) -> Option<SafeText> {
    let text = found.value.trim();
    if text.is_empty() || text.chars().count() > WORDS || SafeText::new(text) != *text {
        let message = format!("\"{key}\" can't be empty, longer than {WORDS} characters, or hold hidden ones");
        section.document.problems.add(section.wrong(found, message));
        return None;
    }
    Some(text.into())
}

/// The schema of its parameters; without any, nothing may be given.
fn schema(section: &Section<'_>) -> Option<Schema> {
    let document = section.document;
    let nothing = || Value::Object(serde_json::Map::new());
    let (json, of) = match section.value("parameters") {
        None => (nothing(), None),
        Some(value) if value.get_ref().is_table() => (document.keep(json(document, value))?, Some(value)),
        Some(value) => {
            let message = "\"parameters\" must be a table: a JSON Schema, with the parameters under properties";
            document.problems.add(document.wrong(&value.span(), message));
            return None;
        }
    };
    match Schema::compile(json) {
        Ok(schema) => Some(schema),
        Err(fault) => {
            let span = of.map_or_else(|| section.span.clone(), |value| span_at(value, &fault.path));
            let at = if fault.path.is_empty() { String::new() } else { format!(" ({})", fault.path.join(".")) };
            let message = format!("\"parameters\" is no JSON Schema{at}: {}", fault.why);
            document.problems.add(document.wrong(&span, message));
            None
        }
    }
}

/// A value of the file as JSON.
fn json(document: Document<'_>, value: &Spanned<DeValue<'_>>) -> Result<Value, Diagnostic> {
    let wrong = |message: &str| document.wrong(&value.span(), message);
    Ok(match value.get_ref() {
        DeValue::String(text) => Value::from(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map(Value::from)
            .map_err(|_| wrong("this number is too large"))?,
        DeValue::Float(number) => {
            let float = number.as_str().parse::<f64>().ok().and_then(serde_json::Number::from_f64);
            Value::Number(float.ok_or_else(|| wrong("JSON has no such number"))?)
        }
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Datetime(moment) => Value::from(moment.to_string()),
        DeValue::Array(all) => all.iter().map(|one| json(document, one)).collect::<Result<Vec<_>, _>>()?.into(),
        DeValue::Table(table) => {
            // Whoever fills parameters in sees them in the order of the file.
            let mut entries: Vec<_> = table.iter().collect();
            entries.sort_by_key(|(key, _)| key.span().start);
            let each = entries.into_iter().map(|(key, one)| Ok((key.get_ref().to_string(), json(document, one)?)));
            Value::Object(each.collect::<Result<_, Diagnostic>>()?)
        }
    })
}

/// Where something stands in the file, as far as the way to it goes.
fn span_at(value: &Spanned<DeValue<'_>>, path: &[String]) -> Range<usize> {
    let Some((key, rest)) = path.split_first() else { return value.span() };
    let inner = match value.get_ref() {
        DeValue::Table(table) => table.get(key.as_str()),
        DeValue::Array(all) => key.parse::<usize>().ok().and_then(|at| all.get(at)),
        _ => None,
    };
    inner.map_or_else(|| value.span(), |inner| span_at(inner, rest))
}

fn steps(section: &Section<'_>, schema: Option<&Schema>) -> Option<Vec<Template>> {
    let document = section.document;
    let tables = document.keep(section.tables("steps", &STEP))?;
    if tables.is_empty() || tables.len() > STEPS {
        let message = format!("a runbook has from one to {STEPS} steps: steps = [{{ verb = \"pause\" }}]");
        document.problems.add(document.wrong(&section.place("steps"), message));
        return None;
    }
    let fields = schema.map(Schema::fields);
    let last = tables.len() - 1;
    let steps = tables.iter().enumerate().map(|(at, table)| {
        let verb = verb(table);
        if let Some(verb) = verb.filter(|verb| at < last && matches!(verb, Verb::Purge | Verb::RestartAsNew)) {
            let message =
                format!("nothing can follow {}: what it acted on is another instance then, or none", verb.name());
            document.problems.add(document.wrong(&table.place("verb"), message));
        }
        let with = with(table, fields.as_deref());
        Some(Template { verb: verb?, with: with? })
    });
    // Every step is read, so that every mistake is told.
    steps.collect::<Vec<_>>().into_iter().collect()
}

fn verb(step: &Section<'_>) -> Option<Verb> {
    let document = step.document;
    let found = document.keep(step.required_text("verb", "a step"))?;
    let verb = Verb::named(found.value).filter(|verb| !verb.is_of_drift());
    if verb.is_none() {
        let names = Verb::OF_FLOWS.map(Verb::name);
        let message = format!("unknown verb \"{}\"; there are: {}", found.value, names.join(", "));
        document.problems.add(document.at(&found.span, true).wrong(message).or_rather(found.value, names));
    }
    verb
}

/// What a step is given, each blank of which is filled by a parameter that is always there.
fn with(step: &Section<'_>, fields: Option<&[Field]>) -> Option<BTreeMap<SafeText, Pattern>> {
    let document = step.document;
    let Some(with) = document.keep(step.table("with", &[DEPLOYMENT]))? else { return Some(BTreeMap::new()) };
    let Some(found) = document.keep(with.text(DEPLOYMENT))? else { return Some(BTreeMap::new()) };
    let wrong = |message: String| document.problems.add(document.at(&found.span, true).wrong(message));
    let pattern = found.value.parse::<Pattern>().map_err(wrong).ok()?;
    if found.value.trim().is_empty() {
        wrong(format!("\"{DEPLOYMENT}\" is empty"));
    }
    for name in fields.map(|_| pattern.parameters()).into_iter().flatten() {
        let fields = fields.unwrap_or_default();
        match fields.iter().find(|field| *field.name == *name) {
            None => {
                let mut diagnostic =
                    document.at(&found.span, true).wrong(format!("{{{name}}} is none of its parameters"));
                diagnostic.suggestion =
                    nearest(name, fields.iter().map(|field| field.name.as_str())).map(str::to_owned);
                document.problems.add(diagnostic);
            }
            Some(field) if !field.certain() => {
                wrong(format!("{{{name}}} is not always given: name it under \"required\", or give it a \"default\""));
            }
            Some(field) if field.kind == Kind::Json => {
                wrong(format!(
                    "{{{name}}} can't be put into a text: its type is to be string, integer, number or boolean"
                ));
            }
            Some(_) => {}
        }
    }
    Some(BTreeMap::from([(DEPLOYMENT.into(), pattern)]))
}

fn filters(section: &Section<'_>) -> (Vec<SafeText>, Vec<TextPlace>) {
    let document = section.document;
    let found = document.keep(section.texts("suggested_for")).unwrap_or_default();
    let of = |found: &Found<&str>| (SafeText::new(found.value), document.text_at(&found.span, found.value));
    found.iter().map(of).unzip()
}

/// What takes it back; `None` is none, where that is said.
#[allow(clippy::option_option, reason = "what could not be read is not what says that there is none")]
fn undo(section: &Section<'_>) -> Option<Option<RunbookId>> {
    let document = section.document;
    let found = document.keep(section.required_text("undo", "a runbook"))?;
    if found.value == NONE {
        return Some(None);
    }
    let id = found.value.parse().map_err(|why| {
        let message = format!("\"undo\" is \"name@version\" or \"{NONE}\": {why}");
        document.problems.add(document.at(&found.span, true).wrong(message));
    });
    id.ok().map(Some)
}

/// Whether there is what takes a runbook back, can be given what it needs, and does not lead back to it.
fn undoes(document: Document<'_>, draft: &Draft, all: &[Draft]) {
    let runbook = &draft.setting.runbook;
    let Some(undo) = &runbook.undo else { return };
    let wrong = |message: String| document.at(&draft.undo, true).wrong(message);
    let find = |id: &RunbookId| all.iter().map(|draft| &draft.setting.runbook).find(|runbook| runbook.id == *id);
    let Some(found) = find(undo) else {
        let names: Vec<String> = all.iter().map(|draft| draft.setting.runbook.id.to_string()).collect();
        let mut diagnostic = wrong(format!("there is no runbook {undo} that could take it back"));
        diagnostic.suggestion = nearest(&undo.to_string(), names.iter().map(String::as_str)).map(str::to_owned);
        return document.problems.add(diagnostic);
    };
    let mut way = vec![runbook.id.to_string(), found.id.to_string()];
    let mut next = found;
    while let Some(further) =
        next.undo.as_ref().and_then(find).filter(|_| next.id != runbook.id && way.len() <= all.len())
    {
        way.push(further.id.to_string());
        next = further;
    }
    if next.id == runbook.id {
        let message =
            format!("what takes it back leads back to it: {}; one of them needs undo = \"{NONE}\"", way.join(", "));
        return document.problems.add(wrong(message));
    }
    let own = runbook.schema.fields();
    let missing =
        |field: &Field| field.required && field.default.is_none() && !own.iter().any(|own| own.name == field.name);
    for field in found.schema.fields().iter().filter(|field| missing(field)) {
        let message = format!("{undo} needs the parameter {}, which {} has not got", field.name, runbook.id);
        document.problems.add(wrong(message));
    }
}

#[cfg(test)]
mod tests;
