//! One instance as the made-up engine would give it: its record, its journal, what it was given and gave.

use serde_json::{Value, json};

use super::case::Aspect;
use super::script::Phase;
use super::world::{Moment, Played};
use crate::domain::raw::{Json, RawFlow, RawPart, Told};
use crate::domain::redact::Redactor;

impl Moment<'_> {
    /// Everything that the engine keeps of an instance.
    pub(super) fn raw(&self, played: &Played, phase: &Phase, redactor: &Redactor) -> RawFlow {
        let flow = self.picture(played, phase);
        let detail = self.detail(played, phase);
        let tenant = flow.tenant.as_deref().unwrap_or_default();
        let dice = played.case.roll(Aspect::Words);
        // Requests carry secrets in many places; so do these, for all of which there is a rule.
        let card = json!({"tenant": tenant, "session_token": format!("tk_{}", dice.between(100_000, 999_999))});
        let input = json!({
            "headers": [
                {"name": "content-type", "value": "application/json"},
                {"name": "authorization", "value": format!("Bearer demo-{}", dice.between(1_000, 9_999))},
            ],
            "payload": {
                "flow": flow.flow, "tenant": tenant, "requested_by": played.case.flow.caller,
                "idempotency_key": format!("{}-{}", flow.flow, flow.id.instance),
                "database_url": format!("postgres://app:demo-{}@db.internal:5432/{tenant}", dice.between(1_000, 9_999)),
                "context": card.to_string(),
            },
        });
        let made = |value: &Value| Told::Json(Json::of(value, redactor));
        let completed = usize::try_from(flow.completed_commands).unwrap_or(usize::MAX);
        let steps: Vec<Value> = played
            .case
            .flow
            .steps
            .iter()
            .take(completed.saturating_add(1))
            .enumerate()
            .map(|(at, step)| {
                let gave = if at < completed { json!({"done": true}) } else { json!("nothing yet: it has not ended") };
                json!({"index": at + 1, "step": step.name, "input": {"tenant": tenant}, "output": gave})
            })
            .collect();
        let record = json!({
            "id": flow.id.instance, "flow": flow.flow, "step": flow.step, "status": flow.status, "pause": flow.pause,
            "tenant": flow.tenant, "key": flow.key, "attempts": flow.attempts, "created_at": flow.created_at,
            "next_retry_at": flow.next_retry_at, "error": flow.error, "completed": completed,
            "deployment": played.case.flow.deployment, "version": flow.version,
        });
        let journal: Vec<Value> = detail.timeline.iter().map(|entry| json!(entry)).collect();
        let output = match flow.status {
            status if status.failed() => made(&json!({"failure": flow.error})),
            status if status.ended() => made(&json!({"status": flow.status})),
            _ => Told::Not("there is none yet: it has not ended".into()),
        };
        RawFlow {
            input: made(&input),
            output,
            steps: made(&Value::Array(steps)),
            records: vec![
                RawPart { name: "instance", told: made(&record) },
                RawPart { name: "journal", told: made(&Value::Array(journal)) },
            ],
        }
    }
}
