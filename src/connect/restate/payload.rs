//! What invocations were begun with and what their keys hold, for programs of the config that name it.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::sql;
use super::{ConnectError, Restate, Row};
use crate::config::jq::Names;
use crate::connect::{Payload, PayloadOf};

/// How many rows one question may be answered with: inputs are one for each instance, states may be many.
const ROWS: usize = 20_000;

/// Headers that nobody but the worker needs to see.
const SECRET: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"];

#[derive(Debug, Deserialize)]
struct InputRow {
    id: String,
    entry_json: Option<String>,
}

#[derive(Debug, Deserialize)]
struct StateRow {
    service_name: String,
    service_key: String,
    key: String,
    value_utf8: Option<String>,
}

impl Row for InputRow {
    const MOST: usize = ROWS;
}

impl Row for StateRow {
    const MOST: usize = ROWS;
}

impl Restate {
    /// Reads what is named, of all of them in one question each.
    pub(super) async fn read_payloads(&self, of: &[PayloadOf<'_>], names: Names) -> Result<Vec<Payload>, ConnectError> {
        let mut payloads: Vec<Payload> =
            of.iter().map(|one| Payload { instance: one.instance.clone(), ..Payload::default() }).collect();
        if names.input || names.headers {
            let ids: Vec<&str> = of.iter().map(|one| one.instance.as_str()).filter(|id| sql::is_id(id)).collect();
            let rows: Vec<InputRow> = if ids.is_empty() { Vec::new() } else { self.strict(&sql::inputs(&ids)).await? };
            let mut inputs: HashMap<String, (Option<Value>, Option<Value>)> = rows
                .into_iter()
                .map(|row| (row.id, row.entry_json.as_deref().map(input).unwrap_or_default()))
                .collect();
            for payload in &mut payloads {
                (payload.input, payload.headers) = inputs.remove(payload.instance.as_str()).unwrap_or_default();
            }
        }
        if names.state {
            let states = self.states(of).await?;
            for (payload, one) in payloads.iter_mut().zip(of) {
                payload.state = one.place().and_then(|place| states.get(&place)).cloned().map(Value::Object);
            }
        }
        Ok(payloads)
    }

    async fn states(
        &self,
        of: &[PayloadOf<'_>],
    ) -> Result<HashMap<(String, String), Map<String, Value>>, ConnectError> {
        let places: Vec<(String, String)> = of.iter().filter_map(PayloadOf::place).collect();
        let mut states: HashMap<(String, String), Map<String, Value>> = HashMap::new();
        if places.is_empty() {
            return Ok(states);
        }
        for row in self.strict::<StateRow>(&sql::states(&places)).await? {
            let state = states.entry((row.service_name, row.service_key)).or_default();
            state.insert(row.key, row.value_utf8.as_deref().map(json_or_text).unwrap_or_default());
        }
        Ok(states)
    }
}

impl PayloadOf<'_> {
    /// Service and key, where it has one.
    fn place(&self) -> Option<(String, String)> {
        let (service, _) = self.flow.split_once('/')?;
        Some((service.to_owned(), self.key?.to_string()))
    }
}

/// The input of an invocation, and its headers, out of the first entry of its journal.
fn input(entry: &str) -> (Option<Value>, Option<Value>) {
    #[derive(Deserialize)]
    struct Entry {
        #[serde(rename = "Command")]
        command: Command,
    }
    #[derive(Deserialize)]
    struct Command {
        #[serde(rename = "Input")]
        input: Input,
    }
    #[derive(Deserialize)]
    struct Input {
        #[serde(default)]
        headers: Vec<Header>,
        /// Its bytes, as a list of numbers.
        #[serde(default)]
        payload: Vec<u8>,
    }
    #[derive(Deserialize)]
    struct Header {
        name: String,
        value: String,
    }
    let Ok(Entry { command: Command { input } }) = serde_json::from_str(entry) else { return (None, None) };
    let payload = String::from_utf8_lossy(&input.payload);
    let headers = input.headers.into_iter().filter(|header| !SECRET.contains(&&*header.name.to_ascii_lowercase()));
    let headers: Map<String, Value> = headers.map(|header| (header.name, header.value.into())).collect();
    (Some(json_or_text(&payload)), Some(Value::Object(headers)))
}

/// JSON as what it is, anything else as a text.
fn json_or_text(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_input_is_json_or_text_and_secret_headers_stay_out() {
        let entry = |payload: &[u8]| {
            json!({"Command": {"Input": {"payload": payload, "name": "", "headers": [
                {"name": "x-tenant", "value": "acme"}, {"name": "Authorization", "value": "Bearer hunter2"},
            ]}}})
            .to_string()
        };
        let (value, headers) = input(&entry(b"{\"id\":\"acme\"}"));
        assert_eq!(value, Some(json!({"id": "acme"})));
        assert_eq!(headers, Some(json!({"x-tenant": "acme"})));
        assert_eq!(input(&entry(b"acme")).0, Some(json!("acme")));
        assert_eq!(input(&entry(b"\xff{")).0, Some(json!("\u{fffd}{")));
        for bad in ["", "{}", "[]", "{\"Command\":{\"Run\":{}}}", "{\"Command\":{\"Input\":{\"payload\":[256]}}}"] {
            assert_eq!(input(bad), (None, None), "{bad}");
        }
    }

    #[test]
    fn no_text_ends_the_quotes_of_a_literal() {
        let sql = sql::states(&[("Cart".into(), "a' or '1'='1".into())]);
        assert!(sql.contains("'a'' or ''1''=''1'"), "{sql}");
    }
}
