//! One row of an answer, and the flow instance that it means.

use std::ops::Deref;

use jiff::Timestamp;
use serde::Deserialize;

use super::lately::Lately;
use super::sql::PAGE;
use super::time;
use crate::connect::EngineCount;
use crate::connect::answer::Row;
use crate::domain::flow::{FlowError, FlowInstance, PauseCause, Status, Wait, WaitKind};
use crate::domain::ids::InstanceId;
use crate::domain::redact::Redactor;
use crate::domain::text::SafeText;

/// The longest id, name or key that is kept, in characters.
pub(super) const NAME: usize = 200;

/// A row of [`super::sql::instances`], whose texts are of this type. Nulls are left out of rows by the engine.
#[derive(Debug, Deserialize)]
pub(super) struct InstanceRow<T = String> {
    pub(super) id: T,
    target_service_name: T,
    target_handler_name: T,
    target_service_key: Option<T>,
    status: T,
    completion_result: Option<T>,
    completion_failure: Option<T>,
    #[serde(default, deserialize_with = "time::read")]
    created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "time::read")]
    modified_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "time::read")]
    inboxed_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "time::read")]
    completed_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "time::read")]
    pub(super) last_start_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "time::read")]
    next_retry_at: Option<Timestamp>,
    pub(super) retry_count: Option<u32>,
    pub(super) last_failure: Option<T>,
    pub(super) last_failure_error_code: Option<T>,
    pub(super) pinned_deployment_id: Option<T>,
    journal_commands_size: Option<u64>,
    open_commands: Option<u64>,
    #[serde(default, deserialize_with = "time::read")]
    entered_at: Option<Timestamp>,
    /// Milliseconds since the epoch: the column of the journal that is meant for it stays empty.
    wakes_at: Option<i64>,
    command: Option<T>,
    #[serde(default, deserialize_with = "time::read")]
    paused_at: Option<Timestamp>,
    pause_message: Option<T>,
    pause_code: Option<T>,
    #[serde(default, deserialize_with = "time::read")]
    pub(super) first_failure_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "time::read")]
    last_failure_at: Option<Timestamp>,
    step: T,
    #[serde(default)]
    held: bool,
    holder: Option<T>,
    #[serde(default, deserialize_with = "time::read")]
    pub(super) scheduled_start_at: Option<Timestamp>,
    pub(super) invoked_by_id: Option<T>,
    #[serde(default)]
    pub(super) deployment_gone: bool,
    pub(super) crashes: Option<u32>,
    #[serde(default, deserialize_with = "time::read")]
    pub(super) crashed_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "time::read")]
    pub(super) absent_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "time::read")]
    pub(super) seen_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "time::read")]
    pub(super) gone_at: Option<Timestamp>,
}

impl Row for InstanceRow {
    const MOST: usize = PAGE;
}

/// The name of a flow: `service/handler`.
pub(super) fn flow_name(service: &str, handler: &str) -> SafeText {
    SafeText::clipped(&format!("{service}/{handler}"), NAME)
}

/// A failure as the engine writes it, `[500 Internal] text`, as code and text.
fn split_code(failure: &str) -> (Option<&str>, &str) {
    let Some((head, text)) = failure.strip_prefix('[').and_then(|rest| rest.split_once("] ")) else {
        return (None, failure);
    };
    let code = head.split(' ').next().unwrap_or(head);
    if code.bytes().all(|b| b.is_ascii_digit()) { (Some(code), text) } else { (None, failure) }
}

/// The text of a JSON string whose quotes, and perhaps whose last escape, were cut off.
fn unescape(cut: &str) -> String {
    // An escape has at most twelve characters (a pair of surrogates), so that one of these cuts ends before it.
    let ends = cut.char_indices().map(|(at, _)| at).rev().take(12);
    std::iter::once(cut.len())
        .chain(ends)
        .find_map(|end| serde_json::from_str::<String>(&format!("\"{}\"", cut.get(..end)?)).ok())
        .unwrap_or_else(|| cut.to_owned())
}

impl<T: Deref<Target = str>> InstanceRow<T> {
    fn pause(&self) -> Option<PauseCause> {
        (*self.status == *"paused").then_some(if self.held {
            PauseCause::Held
        } else if self.paused_at.is_some() {
            PauseCause::Exhausted
        } else {
            PauseCause::Unknown
        })
    }

    fn status(&self) -> Status {
        match &*self.status {
            "scheduled" => Status::Scheduled,
            "pending" | "ready" => Status::Queued,
            "running" => Status::Running,
            "backing-off" => Status::BackingOff,
            "suspended" => Status::Waiting,
            "paused" => Status::Paused,
            "completed" => match (self.completion_result.as_deref(), self.completion_failure.as_deref()) {
                (Some("success"), _) => Status::Succeeded,
                // The engine's own words for an end on purpose; the code 409 alone is the application's, too.
                (_, Some("[409] cancelled" | "[409] killed")) => Status::Cancelled,
                (Some("failure"), _) => Status::Failed,
                _ => Status::Unknown,
            },
            _ => Status::Unknown,
        }
    }

    fn error(&self, redactor: &Redactor, lately: &mut Lately) -> Option<FlowError> {
        let key = self.target_service_key.as_deref().unwrap_or_default();
        if let Some(failure) = self.completion_failure.as_deref() {
            let (code, text) = split_code(failure);
            return Some(lately.error(code, text, key, redactor));
        }
        if let Some(failure) = self.last_failure.as_deref() {
            let (code, text) = split_code(failure);
            return Some(lately.error(self.last_failure_error_code.as_deref().or(code), text, key, redactor));
        }
        let message = unescape(self.pause_message.as_deref()?);
        Some(lately.error(self.pause_code.as_deref(), &message, key, redactor))
    }

    fn wait(&self, status: Status, lately: &mut Lately) -> Option<Wait> {
        match status {
            Status::Waiting => {
                let kind = match self.command.as_deref() {
                    Some("Sleep") => WaitKind::Timer,
                    Some(promise) if promise.ends_with("Promise") => WaitKind::Approval,
                    Some("Call" | "AttachInvocation" | "GetInvocationOutput") => WaitKind::Child,
                    None if *self.step == *"awakeable" => WaitKind::Signal,
                    _ => return None,
                };
                let reference = self.step.split_once(':').map(|(_, name)| lately.text(name));
                let since = self.entered_at.or(self.modified_at);
                let until = self.wakes_at.and_then(|ms| Timestamp::from_millisecond(ms).ok());
                Some(Wait { kind, reference, since, until })
            }
            Status::Queued => self.holder.as_deref().map(|holder| Wait {
                kind: WaitKind::Lock,
                reference: Some(SafeText::clipped(holder, NAME)),
                since: self.queued_at(),
                until: None,
            }),
            _ => None,
        }
    }

    /// Since when it has been in the queue: one that was scheduled joined it when its time had come.
    pub(super) fn queued_at(&self) -> Option<Timestamp> {
        self.inboxed_at.or(self.created_at.max(self.scheduled_start_at))
    }

    /// When it last failed, by the engine's clock: never later than it really did.
    ///
    /// The engine writes one event for a row of equal failures, so that the beginning of the last attempt stands in
    /// for the end of it.
    pub(super) fn last_failure_at(&self) -> Option<Timestamp> {
        let attempt = if *self.status == *"backing-off" { self.last_start_at } else { None };
        let pause = if self.pause() == Some(PauseCause::Exhausted) { self.paused_at } else { None };
        self.last_failure_at.max(attempt).max(pause)
    }

    /// The instance that the row means.
    pub(super) fn into_flow(self, source: &SafeText, observed_at: Timestamp, redactor: &Redactor) -> FlowInstance {
        self.flow(source, observed_at, redactor, &mut Lately::default())
    }

    /// The instance that the row means, whose texts are had from those before it where they are the same.
    pub(super) fn flow(
        &self,
        source: &SafeText,
        observed_at: Timestamp,
        redactor: &Redactor,
        lately: &mut Lately,
    ) -> FlowInstance {
        let status = self.status();
        let pause = self.pause();
        let deployment = self.pinned_deployment_id.as_deref().unwrap_or_default();
        let completed_commands =
            self.journal_commands_size.unwrap_or_default().saturating_sub(self.open_commands.unwrap_or_default());
        let instance = SafeText::clipped(&self.id, NAME);
        let retrying = self.retrying(status);
        FlowInstance {
            exact_id: *instance == *self.id,
            id: InstanceId { source: source.clone(), instance },
            flow: lately.flow(&self.target_service_name, &self.target_handler_name),
            step: lately.text(&self.step),
            tenant: None,
            key: self.target_service_key.as_deref().map(|key| lately.text(key)),
            status,
            pause,
            // Counted while it is tried; what a paused one shows is left over from before.
            attempts: if matches!(status, Status::Running | Status::BackingOff) { self.retry_count } else { None },
            created_at: self.created_at,
            entered_step_at: match status {
                Status::Queued => self.queued_at(),
                Status::Scheduled => self.created_at,
                _ if *self.step == *"(queued)" => self.created_at.max(self.scheduled_start_at),
                _ => self.entered_at.or(self.modified_at),
            },
            last_transition_at: match status {
                Status::Paused => self.paused_at.or(self.modified_at),
                ended if ended.ended() => self.completed_at,
                _ => self.modified_at,
            },
            first_failure_at: if retrying { self.first_failure_at } else { None },
            last_start_at: self.last_start_at,
            next_retry_at: if status == Status::BackingOff { self.next_retry_at } else { None },
            error: self.error(redactor, lately),
            wait: self.wait(status, lately),
            signs: self.signs(status, observed_at),
            completed_commands,
            version: lately.version(status, pause, completed_commands, deployment),
            observed_at,
        }
    }
}

/// A row of [`super::sql::counts`].
#[derive(Debug, Deserialize)]
pub(super) struct CountRow {
    target_service_name: String,
    target_handler_name: String,
    step: String,
    // Narrow, so that no sum of them can overflow.
    open: u32,
    waiting: u32,
    held: u32,
    failed: u32,
}

impl Row for CountRow {
    const MOST: usize = 500_000;
}

impl From<CountRow> for EngineCount {
    fn from(row: CountRow) -> Self {
        Self {
            flow: flow_name(&row.target_service_name, &row.target_handler_name),
            step: SafeText::clipped(&row.step, NAME),
            open: row.open.into(),
            waiting: row.waiting.into(),
            held: row.held.into(),
            failed: row.failed.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_split_from_its_text() {
        assert_eq!(split_code("[500 Internal] boom"), (Some("500"), "boom"));
        assert_eq!(split_code("[409] zone is locked"), (Some("409"), "zone is locked"));
        assert_eq!(split_code("[eu-west] down"), (None, "[eu-west] down"));
        assert_eq!(split_code("boom"), (None, "boom"));
    }

    #[test]
    fn a_cut_escape_is_dropped() {
        assert_eq!(unescape(r#"relation \"a\" is\tgone"#), "relation \"a\" is\tgone");
        assert_eq!(unescape(r"cut \"), "cut ");
        assert_eq!(unescape(r"cut \u00"), "cut ");
        assert_eq!(unescape(r"emoji \ud83d\ude"), "emoji ");
        assert_eq!(unescape(""), "");
    }
}
