//! One invocation in full: its journal as a timeline, its whole error, and the engine's own facts.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::row::InstanceRow;
use super::runs;
use super::sql::{self, Scope};
use super::{ConnectError, Reading, Restate, Row};
use crate::domain::deployment::Pinned;
use crate::domain::flow::{EntryOutcome, FlowDetail, FlowError, TimelineEntry};
use crate::domain::redact::Redactor;
use crate::domain::text::SafeText;

/// The most that is shown of one whole error, in characters.
const WHOLE: usize = 64 * 1024;

/// How many rows a journal may have.
const JOURNAL: usize = 500_000;

/// The longest name that is shown in a timeline, in characters.
const NAME: usize = 120;

/// The most entries of a timeline that are kept; a longer one keeps its end.
const ENTRIES: usize = 2_000;

#[derive(Debug, Deserialize)]
pub(super) struct JournalRow {
    pub(super) entry_type: String,
    pub(super) name: Option<String>,
    pub(super) appended_at: Option<Timestamp>,
    pub(super) entry_lite_json: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct EventRow {
    pub(super) appended_at: Option<Timestamp>,
    pub(super) event_type: String,
    pub(super) event_json: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct WholeRow {
    pub(super) last_failure: Option<String>,
    pub(super) completion_failure: Option<String>,
    pub(super) pinned_deployment_id: Option<String>,
    pub(super) last_attempt_deployment_id: Option<String>,
    pub(super) invoked_by: Option<String>,
    pub(super) invoked_by_target: Option<String>,
    pub(super) invoked_by_id: Option<String>,
    pub(super) restarted_from: Option<String>,
    pub(super) idempotency_key: Option<String>,
    pub(super) trace_id: Option<String>,
    pub(super) journal_size: Option<u64>,
    pub(super) running_at: Option<Timestamp>,
    pub(super) scheduled_start_at: Option<Timestamp>,
    pub(super) completed_at: Option<Timestamp>,
    pub(super) current_deployment_id: Option<String>,
}

impl Row for JournalRow {
    const MOST: usize = JOURNAL;
}

impl Row for EventRow {
    const MOST: usize = JOURNAL;
}

impl Row for WholeRow {
    const MOST: usize = 1;
}

impl Restate {
    /// Reads one invocation. The caller has checked the id.
    pub(super) async fn read_detail(&self, id: &str) -> Result<Option<Reading>, ConnectError> {
        let engine_now = self.now().await?;
        let instance = sql::instances(&Scope::One(id));
        let (whole_sql, journal_sql, events_sql) = (sql::whole(id), sql::journal(id), sql::events(id));
        let (rows, whole, journal, events) = tokio::try_join!(
            self.strict::<InstanceRow>(&instance),
            self.strict::<WholeRow>(&whole_sql),
            self.strict::<JournalRow>(&journal_sql),
            self.strict::<EventRow>(&events_sql),
        )?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        // What is planned from this is done to the instance that it names.
        if row.id != id {
            let other = SafeText::clipped(&row.id, NAME);
            return Err(ConnectError::BadAnswer(format!("asked for {id}, the server told of {other}").into()));
        }
        let last_failure_at = row.last_failure_at();
        let flow = row.into_flow(&self.source, engine_now, &self.redactor);
        let whole = whole.into_iter().next().unwrap_or_default();
        let detail = FlowDetail {
            error: whole_error(&whole, &events, &self.redactor),
            timeline: timeline(&journal, &events, &self.redactor),
            runs: runs::runs(&whole, &journal, &events, &flow),
            attempts: runs::attempts(&events, &self.redactor),
            facts: facts(&whole),
            flow,
        };
        Ok(Some(Reading { detail, engine_now, last_failure_at, pinned: pinned(&whole) }))
    }
}

/// The whole text of the error, line by line: of the end, of the last failure, or of the last event.
fn whole_error(whole: &WholeRow, events: &[EventRow], redactor: &Redactor) -> Vec<SafeText> {
    let from_event = || {
        let last = events.iter().rev().find_map(|event| failure_of(event.event_json.as_deref()?))?;
        Some(match last.1 {
            Some(trace) => trace,
            None => last.0,
        })
    };
    let text = whole.completion_failure.clone().or_else(|| whole.last_failure.clone()).or_else(from_event);
    // Cut last: a cut could take away what a secret is known by.
    text.map(|text| SafeText::lines(&redactor.text(&text).chars().take(WHOLE).collect::<String>())).unwrap_or_default()
}

/// Message and stack trace of the failure that an event carries.
pub(super) fn failure_of(event: &str) -> Option<(String, Option<String>)> {
    let value: Value = serde_json::from_str(event).ok()?;
    let failure = value.get("last_failure").filter(|failure| failure.is_object()).unwrap_or(&value);
    let text = |key: &str| failure.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
    Some((text("error_message")?, text("error_stacktrace")))
}

fn timeline(journal: &[JournalRow], events: &[EventRow], redactor: &Redactor) -> Vec<TimelineEntry> {
    let mut completed: HashMap<u64, (Option<Timestamp>, bool)> = HashMap::new();
    for row in journal.iter().filter(|row| row.entry_type.starts_with("Notification: ")) {
        if let Some((id, failed)) = row.lite().as_ref().and_then(notification) {
            completed.insert(id, (row.appended_at, failed));
        }
    }
    let commands = journal.iter().filter_map(|row| {
        let kind = row.entry_type.strip_prefix("Command: ")?;
        let lite = row.lite();
        let (what, note) = row.words(kind, lite.as_ref());
        let (ended_at, outcome) = match lite.as_ref().and_then(result_id) {
            // Complete when it is written.
            None => (row.appended_at, EntryOutcome::Note),
            Some(id) => match completed.get(&id) {
                None => (None, EntryOutcome::Open),
                Some((at, true)) => (*at, EntryOutcome::Failed),
                Some((at, false)) => (*at, EntryOutcome::Done),
            },
        };
        Some(TimelineEntry { at: row.appended_at, ended_at, what, outcome, note })
    });
    let happened = events.iter().map(|event| {
        let failure = event.event_json.as_deref().and_then(failure_of);
        let note = failure.map(|(message, _)| redactor.first_line(&message, FlowError::MAX));
        let (what, outcome) = match (event.event_type.as_str(), &note) {
            ("TransientError", _) => ("attempt failed".into(), EntryOutcome::Failed),
            ("Paused", Some(_)) => ("paused after a failure".into(), EntryOutcome::Failed),
            ("Paused", None) => ("paused by hand".into(), EntryOutcome::Note),
            (other, _) => (SafeText::clipped(other, 60), EntryOutcome::Note),
        };
        TimelineEntry { at: event.appended_at, ended_at: event.appended_at, what, outcome, note }
    });
    let mut entries: Vec<TimelineEntry> = commands.chain(happened).collect();
    // Stable: entries of one instant stay in the journal's order.
    entries.sort_by_key(|entry| entry.at);
    entries.drain(..entries.len().saturating_sub(ENTRIES));
    entries
}

/// The completion id of a notification, and whether it tells of a failure.
pub(super) fn notification(lite: &Value) -> Option<(u64, bool)> {
    let note = lite.get("Notification")?;
    let id = note.get("id")?.get("CompletionId")?.as_u64()?;
    Some((id, note.get("result").and_then(Value::as_str) == Some("Failure")))
}

/// The completion id under which a command's result comes.
pub(super) fn result_id(lite: &Value) -> Option<u64> {
    let (_, command) = lite.get("Command")?.as_object()?.iter().next()?;
    let id = command.get("result_completion_id").or_else(|| command.get("completion_id"))?;
    id.as_u64()
}

impl JournalRow {
    pub(super) fn lite(&self) -> Option<Value> {
        serde_json::from_str(self.entry_lite_json.as_deref()?).ok()
    }

    /// What a command is called, and more about it.
    pub(super) fn words(&self, kind: &str, lite: Option<&Value>) -> (SafeText, Option<SafeText>) {
        let body = lite.and_then(|lite| lite.get("Command")?.get(kind));
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(|text| SafeText::clipped(text, NAME));
        let name = self.name.as_deref().filter(|name| !name.is_empty());
        let note = match kind {
            "Sleep" => {
                let until = body.and_then(|body| body.get("wake_up_time")?.as_i64());
                let until = until.and_then(|ms| Timestamp::from_millisecond(ms).ok());
                until.map(|at| format!("until {} UTC", crate::domain::time::date_time(at)).into())
            }
            "Call" | "OneWayCall" => text(body.and_then(|body| body.get("invocation_id"))),
            _ => None,
        };
        let clipped = |text: String| SafeText::clipped(&text, NAME);
        let target = || {
            let (_, target) = body?.get("invocation_target")?.as_object()?.iter().next()?;
            let part = |key: &str| target.get(key).and_then(Value::as_str);
            Some(format!("{}/{}", part("name")?, part("handler")?))
        };
        let what = match (name, kind) {
            (Some(name), _) => SafeText::clipped(name, NAME),
            (None, "Sleep") => "sleep".into(),
            (None, "Call") => target().map_or_else(|| "call".into(), |target| clipped(format!("call:{target}"))),
            (None, "OneWayCall") => target().map_or_else(|| "send".into(), |target| clipped(format!("send:{target}"))),
            (None, promise) if promise.ends_with("Promise") => {
                let key = text(body.and_then(|body| body.get("key")));
                key.map_or_else(|| "promise".into(), |key| format!("promise:{key}").into())
            }
            (None, "Input") => "begun".into(),
            (None, "Output") => "result written".into(),
            (None, other) => clipped(other.to_lowercase()),
        };
        (what, note)
    }
}

/// On which code it stays. What has ended goes on nowhere.
fn pinned(whole: &WholeRow) -> Option<Pinned> {
    let id = |id: &String| SafeText::clipped(id, 200);
    let deployment = whole.pinned_deployment_id.as_ref().filter(|_| whole.completed_at.is_none()).map(id)?;
    Some(Pinned { deployment, current: whole.current_deployment_id.as_ref().map(id) })
}

fn facts(whole: &WholeRow) -> Vec<(&'static str, SafeText)> {
    let time = |at: Option<Timestamp>| at.map(|at| format!("{} UTC", crate::domain::time::date_time(at)));
    let caller = match (&whole.invoked_by_target, &whole.invoked_by_id) {
        (Some(target), Some(id)) => Some(format!("{target} {id}")),
        _ => whole.invoked_by.clone(),
    };
    let deployment = || {
        let on = whole.pinned_deployment_id.clone().or_else(|| whole.last_attempt_deployment_id.clone())?;
        Some(match &whole.current_deployment_id {
            Some(current) if *current == on => format!("{on}, the current one"),
            Some(current) => format!("{on}; current is {current}"),
            None => on,
        })
    };
    [
        ("deployment", deployment()),
        ("called by", caller),
        ("restarted from", whole.restarted_from.clone()),
        ("idempotency key", whole.idempotency_key.clone()),
        ("due at", time(whole.scheduled_start_at)),
        ("ended at", time(whole.completed_at)),
        ("journal", whole.journal_size.map(|entries| format!("{entries} entries"))),
        ("trace", whole.trace_id.clone()),
    ]
    .into_iter()
    .filter_map(|(label, value)| Some((label, SafeText::clipped(&value?, 200))))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Error texts with the secret `hunter2…` in them, as applications write them.
    const TEXTS: [&str; 5] = [
        "upstream said no: Authorization: Bearer hunter2hunter2",
        "401 from the provider for Bearer hunter2.hunter2",
        "can't connect with host=db password=hunter2 dbname=app",
        "dial postgres://app:hunter2@db:5432/app: connection refused",
        "the field voucher: hunter2 is taken",
    ];

    #[test]
    fn no_secret_of_an_error_gets_in() {
        let redactor = Redactor::new(["voucher"]);
        let source = SafeText::from("restate");
        for text in TEXTS {
            for field in ["completion_failure", "last_failure", "pause_message"] {
                let row = serde_json::json!({
                    "id": "inv_1", "target_service_name": "s", "target_handler_name": "h", "status": "paused", "step": "x",
                    (field): text,
                });
                let row: InstanceRow = serde_json::from_value(row).unwrap();
                let flow = row.into_flow(&source, Timestamp::UNIX_EPOCH, &redactor);
                let error = flow.error.unwrap();
                assert!(error.text.contains("[redacted]"), "{}", error.text);
                assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
            }
            let stack = format!("Error: {text}\n  at connect ({text})");
            let json = serde_json::json!({"error_message": text, "error_stacktrace": stack}).to_string();
            let event = |kind: &str| EventRow {
                appended_at: Some(Timestamp::UNIX_EPOCH),
                event_type: kind.to_owned(),
                event_json: Some(json.clone()),
            };
            let events = [event("TransientError"), event("Paused")];
            let wholes = [
                WholeRow::default(),
                WholeRow { last_failure: Some(stack.clone()), ..WholeRow::default() },
                WholeRow { completion_failure: Some(stack.clone()), ..WholeRow::default() },
            ];
            for whole in wholes {
                let lines = whole_error(&whole, &events, &redactor);
                assert!(lines.len() == 2 && !format!("{lines:?}").contains("hunter2"), "{lines:?}");
            }
            let told = (timeline(&[], &events, &redactor), runs::attempts(&events, &redactor));
            assert!(!format!("{told:?}").contains("hunter2"), "{told:?}");
        }
    }
}
