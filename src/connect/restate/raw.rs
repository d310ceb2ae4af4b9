//! What the engine keeps of one invocation, as it gave it: the row, the journal with its payloads, the events.
//!
//! Payloads cross the wire here alone, and cut: a journal can be larger than any screen. Its last entries matter most,
//! and the first, which is the input.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::sql;
use super::{ConnectError, Restate, Row};
use crate::domain::raw::{Json, RawFlow, RawPart, Told, mended};
use crate::domain::redact::Redactor;
use crate::domain::text::SafeText;

/// The most entries of a journal that are read, from its end; the input comes besides.
const ENTRIES: u64 = 400;

/// The most of an input or output that crosses the wire, in characters of its JSON; a byte takes some four.
const LARGE: usize = 1024 * 1024;

/// The most of any other entry.
const SMALL: usize = 64 * 1024;

/// Names under which the engine writes bytes as lists of numbers.
const BYTES: [&str; 5] = ["payload", "Success", "value", "argument", "metadata"];

/// Columns that are no text of the engine's but JSON within one.
const WITHIN: [&str; 3] = ["event_json", "suspended_waiting_future_json", "entry_json"];

#[derive(Deserialize)]
#[serde(transparent)]
struct AnyRow(Map<String, Value>);

#[derive(Debug, Deserialize)]
struct EntryRow {
    index: u64,
    entry_type: String,
    #[serde(default)]
    name: Option<String>,
    appended_at: Option<String>,
    entry_json: Option<String>,
    /// The length of `entry_json` before it was cut, in characters.
    length: Option<u64>,
}

impl Row for AnyRow {
    const MOST: usize = 2_000;
}

impl Row for EntryRow {
    const MOST: usize = 2_000;
}

impl Restate {
    /// Everything that the engine keeps of one invocation. The caller has checked the id.
    pub(super) async fn read_raw(&self, id: &str) -> Result<Option<RawFlow>, ConnectError> {
        let (all, events) = (sql::all_of(id), sql::all_events(id));
        let (rows, events) = tokio::try_join!(self.strict::<AnyRow>(&all), self.strict::<AnyRow>(&events))?;
        let Some(AnyRow(row)) = rows.into_iter().next() else { return Ok(None) };
        let size = row.get("journal_size").and_then(Value::as_u64).unwrap_or(0);
        let from = size.saturating_sub(ENTRIES);
        let journal = self.strict::<EntryRow>(&sql::raw_journal(id, from, LARGE, SMALL)).await?;
        Ok(Some(self.raw_of(row, &journal, events)))
    }

    fn told_raw(&self, value: &Value) -> Json {
        Json::of(value, &self.redactor)
    }
}

impl Restate {
    fn raw_of(&self, row: Map<String, Value>, journal: &[EntryRow], events: Vec<AnyRow>) -> RawFlow {
        let entries: Vec<Entry> = journal.iter().map(Entry::read).collect();
        let ended = row.get("status").and_then(Value::as_str) == Some("completed");
        let input = match entries.iter().find(|entry| entry.row.entry_type == "Command: Input") {
            Some(entry) => Told::Json(self.part(&entry.body, entry.more)),
            None => Told::Not("the engine tells none: it keeps no journal of this one (any more)".into()),
        };
        let output = match entries.iter().rev().find(|entry| entry.row.entry_type == "Command: Output") {
            Some(entry) => Told::Json(self.part(entry.body.get("result").unwrap_or(&entry.body), entry.more)),
            None if ended => Told::Not("the engine tells none: it keeps no journal of this one (any more)".into()),
            None => Told::Not("there is none yet: it has not ended".into()),
        };
        let steps = steps(&entries, &self.redactor);
        let steps = if steps.is_empty() {
            Told::Not("the engine tells of none that gave anything".into())
        } else {
            Told::Json(Json::List(steps))
        };
        let mut written: Vec<Json> = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            if at == 1 && entry.row.index > 1 {
                written.push(Json::More(entry.row.index - 1, "entries, older ones,"));
            }
            written.push(self.entry(entry));
        }
        let journal = if written.is_empty() {
            Told::Not("the engine keeps no journal of this one (any more)".into())
        } else {
            Told::Json(Json::List(written))
        };
        let events = if events.is_empty() {
            Told::Not("there is none: nothing failed and nobody paused it".into())
        } else {
            Told::Json(Json::List(events.into_iter().map(|AnyRow(event)| self.record(event)).collect()))
        };
        let records = vec![
            RawPart { name: "invocation", told: Told::Json(self.record(row)) },
            RawPart { name: "journal", told: journal },
            RawPart { name: "events", told: events },
        ];
        RawFlow { input, output, steps, records }
    }

    /// A payload, with how much of it was left out.
    fn part(&self, body: &Value, more: u64) -> Json {
        let json = self.told_raw(body);
        match (json, more) {
            (json, 0) => json,
            (Json::Object(mut fields), more) => {
                fields.push(("…".into(), Json::More(more, "characters")));
                Json::Object(fields)
            }
            (json, more) => Json::List(vec![json, Json::More(more, "characters")]),
        }
    }

    fn entry(&self, entry: &Entry<'_>) -> Json {
        let row = entry.row;
        let mut fields: Vec<(SafeText, Json)> = vec![
            ("index".into(), Json::Number(row.index.to_string().into())),
            ("entry_type".into(), Json::word(SafeText::clipped(&row.entry_type, 80))),
        ];
        if let Some(name) = row.name.as_deref().filter(|name| !name.is_empty()) {
            fields.push(("name".into(), Json::read(&quoted(name), &self.redactor)));
        }
        if let Some(at) = &row.appended_at {
            fields.push(("appended_at".into(), Json::word(SafeText::clipped(at, 40))));
        }
        fields.push(("entry".into(), self.part(&entry.body, entry.more)));
        Json::Object(fields)
    }

    /// A row of a table; what is JSON within a text becomes JSON.
    fn record(&self, mut row: Map<String, Value>) -> Json {
        for name in WITHIN {
            if let Some(value) = row.get_mut(name)
                && let Some(inner) = value.as_str().and_then(|text| serde_json::from_str(text).ok())
            {
                *value = inner;
            }
        }
        self.told_raw(&Value::Object(row))
    }
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// An entry whose JSON was read, and whose bytes became what they mean.
struct Entry<'r> {
    row: &'r EntryRow,
    /// What stands within `{"Command": {"Run": …}}`.
    body: Value,
    /// Characters that did not cross the wire.
    more: u64,
}

impl<'r> Entry<'r> {
    fn read(row: &'r EntryRow) -> Self {
        let text = row.entry_json.as_deref().unwrap_or_default();
        let more = row.length.unwrap_or(0).saturating_sub(text.chars().count() as u64);
        let read = |text: &str| serde_json::from_str::<Value>(text).ok();
        let whole = read(text).or_else(|| read(&mended(text)?));
        let mut body = whole.unwrap_or_else(|| Value::String(text.to_owned()));
        // Two layers of one field each say what kind of entry it is, which its type says already.
        for _ in 0..2 {
            body = match body {
                Value::Object(fields) if fields.len() == 1 => {
                    fields.into_iter().next().map_or(Value::Null, |one| one.1)
                }
                other => other,
            };
        }
        decode(&mut body);
        Self { row, body, more }
    }

    fn completion(&self) -> Option<u64> {
        find(&self.body, &["completion_id", "result_completion_id"])?.as_u64()
    }
}

fn find<'v>(value: &'v Value, names: &[&str]) -> Option<&'v Value> {
    let fields = value.as_object()?;
    names.iter().find_map(|name| fields.get(*name)).or_else(|| fields.values().find_map(|value| find(value, names)))
}

/// Bytes that the engine wrote as numbers become the text that they are, where they are one.
fn decode(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match value {
                    Value::Array(list) if BYTES.contains(&name.as_str()) => {
                        if let Some(text) = text_of(list) {
                            *value = text;
                        } else {
                            decode(value);
                        }
                    }
                    other => decode(other),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(decode),
        _ => {}
    }
}

/// Bytes as the JSON, or the text, that they are; `None` where they are no bytes.
fn text_of(list: &[Value]) -> Option<Value> {
    let bytes: Option<Vec<u8>> = list.iter().map(|n| n.as_u64().and_then(|n| u8::try_from(n).ok())).collect();
    let bytes = bytes?;
    if bytes.is_empty() {
        return Some(Value::Null);
    }
    Some(match std::str::from_utf8(&bytes) {
        Ok(text) => serde_json::from_str(text).unwrap_or_else(|_| match mended(text) {
            // What was cut on its way is shown as far as it came.
            Some(whole) if text.trim_start().starts_with(['{', '[']) => {
                serde_json::from_str(&whole).unwrap_or_else(|_| Value::String(text.to_owned()))
            }
            _ => Value::String(text.to_owned()),
        }),
        // A cut may have gone through a character.
        Err(error) if error.valid_up_to() + 4 > bytes.len() && error.valid_up_to() > 0 => {
            return text_of(&list[..error.valid_up_to()]);
        }
        Err(_) => Value::String(format!("{} bytes that are no text", bytes.len())),
    })
}

/// What each step was given and gave: a command and the notification of its end have one completion id.
fn steps(entries: &[Entry<'_>], redactor: &Redactor) -> Vec<Json> {
    let ends: std::collections::HashMap<u64, &Entry<'_>> = entries
        .iter()
        .filter(|entry| entry.row.entry_type.starts_with("Notification: "))
        .filter_map(|entry| Some((entry.completion()?, entry)))
        .collect();
    let told = |value: Option<&Value>| match value {
        Some(value) => Json::of(value, redactor),
        None => Json::word("the engine does not tell"),
    };
    let step = |entry: &Entry<'_>| {
        let kind = entry.row.entry_type.strip_prefix("Command: ")?;
        let id = entry.completion().filter(|_| !matches!(kind, "Input" | "Output"))?;
        let name = entry.row.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(kind);
        let given = find(&entry.body, &["payload", "argument", "request", "value", "key"]);
        let gave = match ends.get(&id) {
            Some(end) => told(find(&end.body, &["result"]).or(Some(&end.body))),
            None => Json::word("nothing yet: it has not ended"),
        };
        let index = Json::Number(entry.row.index.to_string().into());
        Some(Json::Object(vec![
            ("index".into(), index),
            ("step".into(), Json::read(&quoted(name), redactor)),
            ("input".into(), told(given)),
            ("output".into(), gave),
        ]))
    };
    entries.iter().filter_map(step).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bytes(text: &str) -> Value {
        json!(text.as_bytes())
    }

    fn row(index: u64, entry_type: &str, name: &str, entry: &Value) -> EntryRow {
        let text = entry.to_string();
        let length = Some(text.len() as u64);
        EntryRow {
            index,
            entry_type: entry_type.into(),
            name: Some(name.into()),
            appended_at: None,
            entry_json: Some(text),
            length,
        }
    }

    fn restate() -> Restate {
        Restate::new("eu", "http://127.0.0.1:1", std::time::Duration::from_secs(1), None).unwrap()
    }

    fn text(told: &Told) -> String {
        match told {
            Told::Json(json) => serde_json::to_string(json).unwrap(),
            Told::Not(why) => format!("NOT: {why}"),
        }
    }

    #[test]
    fn payloads_are_read_and_secrets_in_them_are_not_shown() {
        let input = json!({"Command": {"Input": {
            "headers": [{"name": "authorization", "value": "Bearer hunter2"}],
            "payload": bytes(r#"{"tenant":"acme","api_key":"hunter2"}"#), "name": ""}}});
        let run = json!({"Command": {"Run": {"completion_id": 1, "name": "charge"}}});
        let gave = json!({"Notification": {"Completion": {"Run": {"completion_id": 1, "result": {"Success": bytes("\"ok\"")}}}}});
        let output =
            json!({"Command": {"Output": {"result": {"Failure": {"code": 409, "message": "no"}}, "name": ""}}});
        let journal = [
            row(0, "Command: Input", "", &input),
            row(1, "Command: Run", "charge", &run),
            row(2, "Notification: Run", "", &gave),
            row(3, "Command: Output", "", &output),
        ];
        let raw = restate().raw_of(Map::new(), &journal, Vec::new());
        assert_eq!(
            text(&raw.input),
            r#"{"headers":[{"name":"authorization","value":"[redacted]"}],"payload":{"tenant":"acme","api_key":"[redacted]"},"name":""}"#
        );
        assert_eq!(text(&raw.output), r#"{"Failure":{"code":409,"message":"no"}}"#);
        assert_eq!(
            text(&raw.steps),
            r#"[{"index":1,"step":"charge","input":"the engine does not tell","output":{"Success":"ok"}}]"#
        );
        for (name, told) in raw.parts() {
            assert!(!text(told).contains("hunter2") && !text(told).contains("104,117,110"), "{name}");
        }
        assert!(text(&raw.records[2].told).starts_with("NOT: "));
    }

    #[test]
    fn a_cut_entry_says_how_much_is_left_out_and_still_hides_secrets() {
        let payload = format!(r#"{{"password":"hunter2","list":[{}"end"]}}"#, "\"padding\",".repeat(200));
        let entry = json!({"Command": {"Input": {"headers": [], "payload": bytes(&payload), "name": ""}}}).to_string();
        for cut in [300, 1_000, entry.len() - 5] {
            let mut row = row(0, "Command: Input", "", &json!(null));
            row.entry_json = Some(entry[..cut].to_owned());
            row.length = Some(entry.len() as u64);
            let raw = restate().raw_of(Map::new(), &[row], Vec::new());
            let shown = text(&raw.input);
            assert!(!shown.contains("hunter2") && !shown.contains("104,117,110"), "{shown}");
            assert!(shown.contains(&format!("{} characters more", entry.len() - cut)), "{shown}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_counted() {
        assert_eq!(
            text_of(&[json!(255), json!(0), json!(1), json!(2), json!(3), json!(4)]).unwrap(),
            "6 bytes that are no text"
        );
        assert_eq!(text_of(&[json!(1000)]), None);
        assert_eq!(text_of(&[]), Some(Value::Null));
    }
}
