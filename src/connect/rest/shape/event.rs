//! Something that happened, as a program gives it: a `CloudEvent` as it is, or the same in plainer names.

use serde_json::{Map, Value, json};

use super::{Fields, Teller, Wrong};
use crate::domain::event::{Event, NoEvent};

/// Names that are the same in an event.
const SAME: [&str; 11] = [
    "subject",
    "tenant",
    "class",
    "severity",
    "service",
    "flow",
    "step",
    "region",
    "environment",
    "deployment",
    "version",
];

/// Plainer names, and what an event calls them.
const PLAINER: [(&str, &str); 4] =
    [("by", "authid"), ("correlation", "correlationid"), ("causation", "causationid"), ("trace", "traceparent")];

/// Names that are read in their own way.
const OWN: [&str; 10] =
    ["id", "source", "type", "time", "recorded_at", "sequence", "summary", "before", "after", "data"];

/// Reads one. What it should have been where it is none is told as an event would be.
pub(crate) fn event(value: &Value, teller: &Teller) -> Result<Event, Wrong> {
    let named = |wrong: NoEvent| {
        let plainer =
            PLAINER.iter().find(|(_, name)| **name == *wrong.attribute).map_or(&*wrong.attribute, |known| known.0);
        Wrong::of(plainer, format!("\"{plainer}\": {}", wrong.why))
    };
    if value.get("specversion").is_some() {
        return Event::read(&teller.source, value, &teller.redactor, teller.now).map_err(named);
    }
    let known: Vec<&str> = SAME.into_iter().chain(PLAINER.map(|(name, _)| name)).chain(OWN).collect();
    let fields = Fields::of(value, &known, teller)?;
    let mut cloud = Map::new();
    cloud.insert("specversion".to_owned(), json!("1.0"));
    cloud.insert("id".to_owned(), json!(fields.needed("id")?));
    let origin = fields.raw("source")?.unwrap_or_else(|| format!("/{}", teller.source));
    cloud.insert("source".to_owned(), json!(origin));
    cloud.insert("type".to_owned(), json!(fields.needed("type")?));
    for (name, to) in [("time", "time"), ("recorded_at", "recordedtime")] {
        if let Some(at) = fields.time(name)? {
            cloud.insert(to.to_owned(), json!(at));
        }
    }
    for (name, to) in SAME.into_iter().map(|name| (name, name)).chain(PLAINER) {
        if let Some(text) = fields.raw(name)? {
            cloud.insert(to.to_owned(), json!(text));
        }
    }
    if let Some(sequence) = fields.number("sequence")? {
        cloud.insert("sequence".to_owned(), json!(sequence));
    }
    let mut data = match fields.get("data") {
        Some(Value::Object(data)) => data.clone(),
        Some(other) => Map::from_iter([("value".to_owned(), other.clone())]),
        None => Map::new(),
    };
    for name in ["summary", "before", "after"] {
        if let Some(value) = fields.get(name) {
            data.insert(name.to_owned(), value.clone());
        }
    }
    if !data.is_empty() {
        cloud.insert("data".to_owned(), Value::Object(data));
    }
    Event::read(&teller.source, &Value::Object(cloud), &teller.redactor, teller.now).map_err(named)
}
