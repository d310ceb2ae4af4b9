//! An instance of a flow, as a program gives it.

use serde_json::Value;

use super::{Fields, NAME, Teller, Wrong};
use crate::domain::flow::{FlowError, FlowInstance, PauseCause, Status, Version, Wait, WaitKind};
use crate::domain::ids::InstanceId;
use crate::domain::signs::Signs;
use crate::domain::text::SafeText;

const FIELDS: [&str; 21] = [
    "id",
    "flow",
    "step",
    "status",
    "tenant",
    "key",
    "attempts",
    "created_at",
    "entered_step_at",
    "changed_at",
    "first_failure_at",
    "last_start_at",
    "next_retry_at",
    "due_at",
    "queued_at",
    "error",
    "waits_for",
    "paused_by",
    "completed",
    "version",
    "deployment",
];

const WAITS: [(&str, WaitKind); 6] = [
    ("timer", WaitKind::Timer),
    ("signal", WaitKind::Signal),
    ("child", WaitKind::Child),
    ("approval", WaitKind::Approval),
    ("lock", WaitKind::Lock),
    ("consumer", WaitKind::Consumer),
];

const PAUSED_BY: [(&str, PauseCause); 3] =
    [("engine", PauseCause::Exhausted), ("person", PauseCause::Held), ("unknown", PauseCause::Unknown)];

/// Reads one.
pub(crate) fn flow(value: &Value, teller: &Teller) -> Result<FlowInstance, Wrong> {
    let fields = Fields::of(value, &FIELDS, teller)?;
    let raw_id = fields.needed("id")?;
    let instance = SafeText::clipped(&raw_id, NAME);
    let flow = teller.shown(&fields.needed("flow")?);
    let statuses = Status::ALL.map(|status| (status.name(), status));
    let status = fields.word("status", &statuses)?.ok_or_else(|| Wrong::of("status", "\"status\" is missing"))?;
    let step = fields.text("step")?.unwrap_or_else(|| usual_step(status));
    let tenant = fields.text("tenant")?;
    let key = fields.text("key")?;
    let pause = fields.word("paused_by", &PAUSED_BY)?.unwrap_or(PauseCause::Unknown);
    let pause = (status == Status::Paused).then_some(pause);
    let changed_at = fields.time("changed_at")?;
    let queued_at = fields.time("queued_at")?.or(changed_at).filter(|_| status == Status::Queued);
    let signs = Signs { due_at: fields.time("due_at")?, queued_at, ..Signs::default() };
    let completed_commands = fields.number("completed")?.unwrap_or_default();
    let version = match fields.raw("version")? {
        Some(version) => version,
        // What is not told by a number of its own is told by where it stands.
        None => format!("{step} {}", fields.raw("deployment")?.unwrap_or_default()),
    };
    let own = [raw_id.as_str(), key.as_deref().unwrap_or_default(), tenant.as_deref().unwrap_or_default()];
    let error = error(&fields, teller, &own)?;
    let attempts = fields.number("attempts")?.map(|attempts| u32::try_from(attempts).unwrap_or(u32::MAX));
    Ok(FlowInstance {
        exact_id: *instance == *raw_id,
        id: InstanceId { source: teller.source.clone(), instance },
        flow,
        step,
        tenant,
        key,
        status,
        pause,
        attempts,
        created_at: fields.time("created_at")?,
        entered_step_at: fields.time("entered_step_at")?,
        last_transition_at: changed_at,
        first_failure_at: fields.time("first_failure_at")?,
        last_start_at: fields.time("last_start_at")?,
        next_retry_at: fields.time("next_retry_at")?,
        error,
        wait: if status == Status::Waiting { wait(&fields, teller)? } else { None },
        signs,
        completed_commands,
        version: Version::of(status, pause, completed_commands, &version),
        observed_at: teller.now,
    })
}

/// The step of one that does not tell it.
fn usual_step(status: Status) -> SafeText {
    match status {
        Status::Scheduled | Status::Queued => "(queued)",
        _ => "(unknown)",
    }
    .into()
}

/// Why it failed: a text, or a code and a text.
fn error(fields: &Fields<'_>, teller: &Teller, own: &[&str]) -> Result<Option<FlowError>, Wrong> {
    let made = |code: Option<&str>, text: &str| Some(FlowError::new(code, text, own, &teller.redactor));
    match fields.get("error") {
        None => Ok(None),
        Some(Value::String(text)) => Ok(made(None, text).filter(|_| !text.is_empty())),
        Some(object @ Value::Object(_)) => {
            let inner = Fields::of(object, &["code", "text"], teller)
                .map_err(|wrong| Wrong::of("error", format!("\"error\": {}", wrong.why)))?;
            let code = inner.text("code")?;
            Ok(made(code.as_deref(), &inner.raw("text")?.unwrap_or_default()))
        }
        Some(_) => Err(Wrong::of("error", "\"error\" is a text, or { code, text }")),
    }
}

/// What it waits for: a kind, or a kind with more.
fn wait(fields: &Fields<'_>, teller: &Teller) -> Result<Option<Wait>, Wrong> {
    let Some(value) = fields.get("waits_for") else { return Ok(None) };
    if value.is_string() {
        let kind = fields.word("waits_for", &WAITS)?;
        return Ok(kind.map(|kind| Wait { kind, reference: None, since: None, until: None }));
    }
    let within = |wrong: Wrong| Wrong::of("waits_for", format!("\"waits_for\": {}", wrong.why));
    let inner = Fields::of(value, &["kind", "name", "since", "until"], teller).map_err(within)?;
    let kind = inner.word("kind", &WAITS).map_err(within)?;
    let kind = kind.ok_or_else(|| Wrong::of("waits_for", "\"waits_for\" needs \"kind\""))?;
    Ok(Some(Wait {
        kind,
        reference: inner.text("name").map_err(within)?,
        since: inner.time("since").map_err(within)?,
        until: inner.time("until").map_err(within)?,
    }))
}
