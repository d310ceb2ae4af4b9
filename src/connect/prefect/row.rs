//! What the server tells of runs, their states and their tasks, and the flow instance that a run means.
//!
//! - `SCHEDULED` is to begin, late or not; as `AwaitingRetry` it failed and is tried again. `PENDING` was taken by a worker
//!   and has not begun. `CANCELLING` still runs, in the step `(cancelling)`.
//! - `PAUSED`: a flow that pauses itself waits for somebody to let it go on, and its pause has a key that the flow or its
//!   counter made. What was suspended from outside has none, or one that the Python client made up, which is a UUID: that
//!   is *held*.
//! - `CRASHED` is a failure of whatever ran the flow, and so a task fault besides.
//! - A retry that the engine made by itself (`retry_type` is `in_process`) carries the message of the failure; one that
//!   somebody asked for carries whatever was written for it, which is no error.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::ask::{PAGE, is_id};
use super::tasks::{Stand, TaskRow};
use crate::connect::answer::Row;
use crate::domain::flow::{FlowError, FlowInstance, PauseCause, Status, Version, Wait, WaitKind};
use crate::domain::ids::InstanceId;
use crate::domain::redact::Redactor;
use crate::domain::signs::{Faults, Signs, Worker};
use crate::domain::text::SafeText;

/// The longest id or name that is kept, in characters.
pub(super) const NAME: usize = 200;

/// The tag by which a run says whom it is for.
const TENANT: &str = "tenant:";

/// A state of a run or of a task.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct StateRow {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) name: Option<String>,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) message: Option<String>,
    #[serde(rename = "state_details")]
    details: Option<Details>,
}

/// What goes with a state.
#[derive(Debug, Clone, Default, Deserialize)]
struct Details {
    scheduled_time: Option<Timestamp>,
    child_flow_run_id: Option<String>,
    pause_timeout: Option<Timestamp>,
    pause_reschedule: Option<bool>,
    pause_key: Option<String>,
    run_input_keyset: Option<IgnoredAny>,
}

/// How the engine tries a run again.
#[derive(Debug, Clone, Default, Deserialize)]
struct Policy {
    pause_keys: Option<Vec<String>>,
    retry_type: Option<String>,
}

/// A run.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct RunRow {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) flow_id: String,
    pub(super) deployment_id: Option<String>,
    pub(super) work_pool_name: Option<String>,
    pub(super) work_queue_name: Option<String>,
    state_type: Option<String>,
    state_name: Option<String>,
    pub(super) state: Option<StateRow>,
    #[serde(default)]
    pub(super) run_count: u32,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    empirical_policy: Option<Policy>,
    pub(super) created: Option<Timestamp>,
    pub(super) expected_start_time: Option<Timestamp>,
    next_scheduled_start_time: Option<Timestamp>,
    pub(super) start_time: Option<Timestamp>,
    pub(super) end_time: Option<Timestamp>,
    pub(super) parent_task_run_id: Option<String>,
}

impl Row for RunRow {
    const MOST: usize = PAGE;
}

impl Row for StateRow {
    const MOST: usize = 20_000;
}

impl StateRow {
    /// Whether it is one that failed and is tried again.
    pub(super) fn awaits_retry(&self) -> bool {
        self.kind == "SCHEDULED" && self.name.as_deref() == Some("AwaitingRetry")
    }

    /// The run that this task began, where it stands for one.
    pub(super) fn child(&self) -> Option<&str> {
        self.details.as_ref()?.child_flow_run_id.as_deref()
    }

    /// For when it is scheduled.
    pub(super) fn scheduled_for(&self) -> Option<Timestamp> {
        self.details.as_ref()?.scheduled_time
    }

    /// Its message, where there is one.
    pub(super) fn message(&self) -> Option<&str> {
        self.message.as_deref().filter(|message| !message.trim().is_empty())
    }
}

/// What else is known of a run.
pub(super) struct Around {
    /// The name of its flow.
    pub(super) flow: SafeText,
    /// What its tasks say.
    pub(super) stand: Stand,
    /// Whether anybody takes it.
    pub(super) worker: Worker,
    /// When its present row of failures began, where that is known.
    pub(super) first_failure_at: Option<Timestamp>,
}

impl RunRow {
    /// The type of its state, as the server names it.
    pub(super) fn kind(&self) -> &str {
        self.state_type.as_deref().or(self.state.as_ref().map(|state| state.kind.as_str())).unwrap_or_default()
    }

    /// The name of its state.
    pub(super) fn state_name(&self) -> &str {
        let of_state = || self.state.as_ref().and_then(|state| state.name.as_deref());
        self.state_name.as_deref().or_else(of_state).unwrap_or_default()
    }

    /// When it came to its state.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.state.as_ref().and_then(|state| state.timestamp)
    }

    fn details(&self) -> Option<&Details> {
        self.state.as_ref()?.details.as_ref()
    }

    /// Whether it failed and waits for its next try, be it the engine that tries it or somebody who asked for it.
    pub(super) fn awaits_retry(&self) -> bool {
        self.kind() == "SCHEDULED" && self.state_name() == "AwaitingRetry"
    }

    /// Whether that try was asked for by somebody: then a worker has to take it.
    pub(super) fn asked_for(&self) -> bool {
        self.empirical_policy.as_ref().and_then(|policy| policy.retry_type.as_deref()) != Some("in_process")
    }

    /// Whether a worker has to take it before it goes on.
    pub(super) fn wants_worker(&self) -> bool {
        match self.kind() {
            "SCHEDULED" => !self.awaits_retry() || self.asked_for(),
            "PENDING" | "CANCELLING" => true,
            _ => false,
        }
    }

    /// Whether its tasks say where it stands.
    pub(super) fn has_tasks(&self) -> bool {
        self.run_count > 0 && !matches!(self.kind(), "PENDING" | "COMPLETED" | "CANCELLED")
    }

    /// Whether somebody suspended it from outside.
    pub(super) fn held(&self) -> bool {
        self.kind() == "PAUSED"
            && self.details().is_some_and(|details| {
                details.pause_reschedule == Some(true)
                    && details.run_input_keyset.is_none()
                    && details.pause_key.as_deref().is_none_or(is_id)
            })
    }

    fn status(&self, stand: &Stand) -> Status {
        match self.kind() {
            "SCHEDULED" if self.awaits_retry() => Status::BackingOff,
            "SCHEDULED" => Status::Scheduled,
            "PENDING" => Status::Queued,
            "RUNNING" if stand.retry.is_some() => Status::BackingOff,
            "RUNNING" | "CANCELLING" => Status::Running,
            "PAUSED" if self.held() => Status::Paused,
            "PAUSED" => Status::Waiting,
            "COMPLETED" => Status::Succeeded,
            "CANCELLED" => Status::Cancelled,
            "FAILED" if self.state_name() == "TimedOut" => Status::TimedOut,
            "FAILED" | "CRASHED" => Status::Failed,
            _ => Status::Unknown,
        }
    }

    /// For whom it is: what its tags say, where they say one name.
    fn tenant(&self) -> Option<SafeText> {
        let mut names = self.tags.iter().filter_map(|tag| tag.strip_prefix(TENANT)).filter(|name| !name.is_empty());
        let first = names.next()?;
        // A run has the tags of its deployment too, in no order: which of several is meant is not to be known.
        names.all(|name| name == first).then(|| SafeText::clipped(first, NAME))
    }

    /// When it failed last, by the server's clock; `None` where that is not told.
    pub(super) fn last_failure_at(&self, stand: &Stand) -> Option<Timestamp> {
        match self.kind() {
            "FAILED" | "CRASHED" => self.since().or(self.end_time),
            "SCHEDULED" if self.awaits_retry() && !self.asked_for() => self.since(),
            _ => stand.retry.as_ref().and_then(|retry| retry.failed_at),
        }
    }

    fn error(&self, around: &Around, redactor: &Redactor) -> Option<FlowError> {
        let own = self.name.as_deref().unwrap_or_default();
        let tenant = self.tenant().unwrap_or_default();
        let make = |code: Option<&str>, text: &str| FlowError::new(code, text, &[own, &tenant], redactor);
        let message = self.state.as_ref().and_then(StateRow::message);
        match self.kind() {
            "FAILED" | "CRASHED" => {
                let code = Some(self.state_name()).filter(|name| !name.is_empty() && *name != "Failed");
                Some(make(code, message.unwrap_or("no message")))
            }
            "SCHEDULED" if self.awaits_retry() && !self.asked_for() => Some(make(None, message?)),
            _ => Some(make(None, around.stand.retry.as_ref()?.error.as_deref()?)),
        }
    }

    fn wait(&self, status: Status) -> Option<Wait> {
        let details = self.details()?;
        let key = details.pause_key.as_deref().filter(|key| !is_id(key) && key.parse::<u32>().is_err());
        (status == Status::Waiting).then(|| Wait {
            kind: WaitKind::Approval,
            reference: key.map(|key| SafeText::clipped(key, NAME)),
            since: self.since(),
            until: details.pause_timeout,
        })
    }

    /// Its step, with the moment at which it came there.
    fn step(&self, status: Status, stand: &Stand) -> (SafeText, Option<Timestamp>) {
        let state = self.since();
        match (self.kind(), &stand.open) {
            ("CANCELLING", _) => ("(cancelling)".into(), state),
            ("PAUSED", None) => {
                let key = self.wait(status).and_then(|wait| wait.reference);
                (key.map_or_else(|| "pause".into(), |key| format!("pause:{key}").into()), state)
            }
            (_, Some(task)) => (task.step.clone(), task.entered_at.or(state)),
            ("PENDING", None) => ("(queued)".into(), state),
            ("SCHEDULED", None) if self.run_count == 0 => ("(queued)".into(), self.created),
            (_, None) if stand.unread => ("(unknown)".into(), state),
            (_, None) if stand.begun => ("(last step)".into(), state),
            (_, None) => ("(queued)".into(), state.or(self.start_time)),
        }
    }

    /// The instance that the row means.
    pub(super) fn flow(
        &self,
        source: &SafeText,
        observed_at: Timestamp,
        redactor: &Redactor,
        around: Around,
    ) -> FlowInstance {
        let stand = &around.stand;
        let status = self.status(stand);
        let pause = (status == Status::Paused).then_some(PauseCause::Held);
        let (step, entered_step_at) = self.step(status, stand);
        let instance = SafeText::clipped(&self.id, NAME);
        // A pause that it is past is a command that has completed.
        let keys = self.empirical_policy.as_ref().and_then(|policy| policy.pause_keys.as_ref()).map_or(0, Vec::len);
        let past = if self.kind() == "PAUSED" { keys.saturating_sub(1) } else { keys };
        let completed_commands = stand.completed.saturating_add(past.try_into().unwrap_or(u64::MAX));
        let cancelling = if self.kind() == "CANCELLING" { " cancelling" } else { "" };
        let on = format!("{}{cancelling}", self.deployment_id.as_deref().unwrap_or_default());
        let backing_off = status == Status::BackingOff;
        let retry = stand.retry.as_ref();
        let next = retry.and_then(|retry| retry.next).or(self.next_scheduled_start_time);
        let error = self.error(&around, redactor);
        FlowInstance {
            exact_id: *instance == *self.id && is_id(&self.id),
            id: InstanceId { source: source.clone(), instance },
            flow: around.flow,
            step,
            tenant: self.tenant(),
            key: None,
            status,
            pause,
            attempts: match status {
                Status::Running | Status::BackingOff => Some(retry.map_or(self.run_count, |retry| retry.attempts)),
                _ => None,
            },
            created_at: self.created,
            entered_step_at,
            last_transition_at: self.since().or(if status.ended() { self.end_time } else { None }),
            first_failure_at: around.first_failure_at.filter(|_| backing_off),
            last_start_at: match self.kind() {
                "RUNNING" => self.since(),
                _ => self.start_time,
            },
            next_retry_at: next.filter(|_| backing_off),
            error,
            wait: self.wait(status),
            signs: Signs {
                due_at: match status {
                    // A run that was let go on is due anew.
                    Status::Scheduled if self.run_count > 0 => self.next_scheduled_start_time,
                    Status::Scheduled | Status::Queued => self.expected_start_time,
                    _ => None,
                },
                queued_at: self.since().filter(|_| status == Status::Queued),
                faults: (self.kind() == "CRASHED").then(|| Faults { count: Some(1), since: self.since() }),
                worker: around.worker,
                parent: None,
            },
            completed_commands,
            version: Version::of(status, pause, completed_commands, &on),
            observed_at,
        }
    }
}

/// A task that has not completed, as the step of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenTask {
    /// Its name.
    pub(super) step: SafeText,
    /// When it began, or was to.
    pub(super) entered_at: Option<Timestamp>,
}

impl OpenTask {
    pub(super) fn of(task: &TaskRow) -> Self {
        Self { step: task.step(), entered_at: task.start_time.or(task.expected_start_time) }
    }
}
