//! Whether an act held: the postcondition of each verb, seen from two readings of the same instance.
//!
//! Leaving the rule that called it stuck is not enough: a resumed instance leaves `retry_storm` at once and may fail
//! again. So an act is watched for a soak, and only its postcondition makes it verified.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::connect::Reading;
use crate::domain::flow::Status;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;

/// What was so before the act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Baseline {
    /// The engine's clock when the target was read.
    pub(super) engine_now: Timestamp,
    /// Commands that had completed.
    pub(super) completed_commands: u64,
    /// The step it was in.
    pub(super) step: String,
    /// The fingerprint of its error.
    pub(super) fingerprint: Option<String>,
}

impl Baseline {
    pub(super) fn of(reading: &Reading) -> Self {
        let flow = &reading.detail.flow;
        Self {
            engine_now: reading.engine_now,
            completed_commands: flow.completed_commands,
            step: flow.step.to_string(),
            fingerprint: flow.error.as_ref().map(|error| error.fingerprint.to_string()),
        }
    }
}

/// What a later reading shows of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// The postcondition holds for good: nothing more can undo it.
    Held(SafeText),
    /// The postcondition holds so far; a failure during the soak would undo it.
    Holding(SafeText),
    /// Nothing is to be seen yet.
    Pending(SafeText),
    /// It failed again; the engine goes on trying.
    FailedAgain(SafeText),
    /// It can't come any more.
    Missed(SafeText),
    /// There is no such instance any more, and nothing tells what became of it.
    Vanished(SafeText),
}

/// What `after` shows of `verb`; `None` where the engine has no such instance any more.
pub(super) fn effect(verb: Verb, before: &Baseline, after: Option<&Reading>) -> Effect {
    match verb {
        // Of a restart it is the new instance that is looked at, which has to get further than the old one did.
        Verb::Resume | Verb::RestartAsNew => resumed(before, after),
        Verb::Pause => paused(after),
        Verb::Cancel | Verb::Kill => ended(verb, after),
        Verb::Purge => purged(after),
    }
}

fn resumed(before: &Baseline, after: Option<&Reading>) -> Effect {
    let Some(reading) = after else {
        return Effect::Vanished("it is gone; whether it succeeded can't be seen any more".into());
    };
    let flow = &reading.detail.flow;
    let failed_again = reading.last_failure_at.is_some_and(|at| at > before.engine_now);
    let same = match (&flow.error, &before.fingerprint) {
        (Some(error), Some(fingerprint)) if *error.fingerprint == **fingerprint => "the same error",
        _ => "another error",
    };
    match flow.status {
        Status::Succeeded => Effect::Held("it succeeded".into()),
        Status::Cancelled => Effect::Missed("it was cancelled meanwhile".into()),
        Status::Failed | Status::TimedOut => Effect::Missed(format!("it failed for good in {}", flow.step).into()),
        _ if flow.completed_commands > before.completed_commands => {
            Effect::Holding(format!("it is past {}, now in {}", before.step, flow.step).into())
        }
        Status::Paused if failed_again => {
            Effect::Missed(format!("the cause is still there: paused again at {} with {same}", flow.step).into())
        }
        _ if failed_again => {
            Effect::FailedAgain(format!("the cause is still there: failed again at {} with {same}", flow.step).into())
        }
        _ => Effect::Pending(format!("it is {} in {}, no failure seen yet", flow.status.words(), flow.step).into()),
    }
}

fn paused(after: Option<&Reading>) -> Effect {
    let Some(reading) = after else {
        return Effect::Vanished("it is gone; what became of it can't be seen any more".into());
    };
    let flow = &reading.detail.flow;
    match flow.status {
        Status::Paused => Effect::Held("it is paused".into()),
        status if status.ended() => Effect::Missed(format!("it {} before it could be paused", past(status)).into()),
        status => Effect::Pending(format!("it is still {} in {}", status.words(), flow.step).into()),
    }
}

/// A cancel and a kill want the same of the engine, and differ in what the flow makes of it.
fn ended(verb: Verb, after: Option<&Reading>) -> Effect {
    let done = if verb == Verb::Kill { "killed" } else { "cancelled" };
    let Some(reading) = after else { return Effect::Held("it is gone".into()) };
    let flow = &reading.detail.flow;
    match flow.status {
        Status::Cancelled => Effect::Held(format!("it is {done}").into()),
        status if status.ended() => Effect::Missed(format!("it {} before it could be {done}", past(status)).into()),
        status => Effect::Pending(format!("it is still {} in {}", status.words(), flow.step).into()),
    }
}

fn purged(after: Option<&Reading>) -> Effect {
    match after.map(|reading| reading.detail.flow.status) {
        None => Effect::Held("it is gone".into()),
        Some(status) => Effect::Pending(format!("it is still there, {}", status.words()).into()),
    }
}

/// What an instance did that ended so.
const fn past(status: Status) -> &'static str {
    match status {
        Status::Succeeded => "succeeded",
        Status::Cancelled => "was cancelled",
        _ => "failed",
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
