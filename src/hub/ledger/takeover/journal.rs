//! `journal.jsonl`: a line before and after each act.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::super::error::LedgerError;
use super::super::{Begun, Writing};
use super::told;
use crate::domain::audit::{Action, Draft};
use crate::domain::remediation::ItemState;
use crate::hub::journal::{Arming, Sending};

/// Its name.
pub(super) const NAME: &str = "journal.jsonl";

/// A line.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    at: Timestamp,
    id: String,
    #[serde(flatten)]
    event: Event,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event {
    Sending(Box<Sending>),
    Answered { state: ItemState, text: String },
    Ended { state: ItemState, text: String },
    Armed(Arming),
    Disarmed { text: String },
}

/// Who acted on what, by the act's id.
type Acts = HashMap<String, (String, String, String)>;

/// Takes its lines over.
pub(super) async fn take(writing: &mut Writing<'_>, lines: Vec<Line>) -> Result<(), LedgerError> {
    let mut acts = Acts::new();
    for line in lines {
        take_one(writing, line, &mut acts).await?;
    }
    Ok(())
}

async fn take_one(writing: &mut Writing<'_>, line: Line, acts: &mut Acts) -> Result<(), LedgerError> {
    let Line { at, id, event } = line;
    let of = |acts: &Acts| acts.get(&id).cloned().unwrap_or_default();
    let ((actor, subject, plan), action, detail) = match event {
        Event::Sending(sending) => {
            let detail = sending.told();
            let subject = format!("{}/{}", sending.source, sending.instance);
            acts.insert(id.clone(), (sending.requested_by.clone(), subject, sending.plan_hash.clone()));
            let text = serde_json::to_string(&sending).map_err(|error| LedgerError::Unwritable(error.to_string()))?;
            let Sending { source, instance, .. } = *sending;
            writing.begin_unless_known(&Begun { id: id.clone(), at, source, instance, sending: text }).await?;
            (of(acts), Action::Act, detail)
        }
        Event::Answered { state, text } => {
            writing.answer(&id, state, &text, at).await?;
            (of(acts), Action::Answer, json!({ "state": state.name(), "text": text }))
        }
        Event::Ended { state, text } => {
            writing.end(&id, state, &text, at).await?;
            (of(acts), Action::Outcome, json!({ "state": state.name(), "text": text }))
        }
        Event::Armed(arming) => {
            acts.insert(id.clone(), (arming.requested_by.clone(), String::new(), String::new()));
            (of(acts), Action::Arm, arming.told())
        }
        Event::Disarmed { text } => (of(acts), Action::Disarm, json!({ "text": text })),
    };
    let plan_hash = Some(plan).filter(|plan| !plan.is_empty());
    let draft = told(NAME, at, actor, action, subject, detail);
    writing.audit(Draft { remediation: Some(id), plan_hash, ..draft }).await
}
