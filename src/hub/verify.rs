//! Whether an act held: the postcondition of each verb, seen from two readings of the same instance.
//!
//! Leaving the rule that called it stuck is not enough: a resumed instance leaves `retry_storm` at once and may fail
//! again. So an act is watched for a soak, and only its postcondition makes it verified.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::connect::{ActAnswer, Reading, Sight};
use crate::domain::flow::{FlowInstance, Status};
use crate::domain::remediation::{ItemState, Verb};
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
    /// A digest of what is to be put back, where that is what is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) wanted: Option<String>,
}

/// An instance as it is looked at for what an act came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) flow: &'a FlowInstance,
    engine_now: Timestamp,
    last_failure_at: Option<Timestamp>,
    /// A digest of what is there, of what is to be put back to what it was.
    content: Option<&'a SafeText>,
}

impl<'a> From<&'a Reading> for Seen<'a> {
    fn from(reading: &'a Reading) -> Self {
        let Reading { detail, engine_now, last_failure_at, .. } = reading;
        Self { flow: &detail.flow, engine_now: *engine_now, last_failure_at: *last_failure_at, content: None }
    }
}

impl<'a> From<&'a Sight> for Seen<'a> {
    fn from(sight: &'a Sight) -> Self {
        let Sight { flow, engine_now, last_failure_at, contents } = sight;
        let content = contents.as_ref().and_then(|contents| contents.there.as_ref());
        Self { flow, engine_now: *engine_now, last_failure_at: *last_failure_at, content }
    }
}

impl Seen<'_> {
    /// Whether it has failed since what was so before.
    pub(super) fn failed_since(self, before: &Baseline) -> bool {
        self.last_failure_at.is_some_and(|at| at > before.engine_now)
    }
}

impl Baseline {
    pub(super) fn of<'a>(seen: impl Into<Seen<'a>>) -> Self {
        let Seen { flow, engine_now, .. } = seen.into();
        Self::at(flow, engine_now)
    }

    /// Of an instance as it was told at a moment by the engine's clock.
    pub(super) fn at(flow: &FlowInstance, engine_now: Timestamp) -> Self {
        Self {
            engine_now,
            completed_commands: flow.completed_commands,
            step: flow.step.to_string(),
            fingerprint: flow.error.as_ref().map(|error| error.fingerprint.to_string()),
            wanted: None,
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

/// How long an act is watched at most, that the engine took and of which nothing is to be seen yet.
pub(super) const WATCH_AT_MOST: Duration = Duration::from_secs(15 * 60);

/// What an engine's answer makes of an act, and in which words.
pub(super) fn answered(answer: &ActAnswer) -> (ItemState, SafeText) {
    match answer {
        ActAnswer::Accepted => (ItemState::Accepted, "accepted by the engine".into()),
        ActAnswer::Done => (ItemState::Done, "done, says the engine; watching whether it holds".into()),
        ActAnswer::Began(id) => (ItemState::Done, format!("begun as {id}; watching how it gets on").into()),
        ActAnswer::Refused(why) | ActAnswer::Gone(why) => (ItemState::Failed, format!("refused: {why}").into()),
        ActAnswer::Unknown(why) => {
            (ItemState::Unknown, format!("UNKNOWN whether the engine took it: {why}; not sent again, looking").into())
        }
    }
}

/// What the soak came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Held,
    Missed,
    Unseen,
}

impl Effect {
    /// What it is worth when the soak is over, and in which words.
    pub(super) fn at_the_end(self) -> (Outcome, SafeText) {
        match self {
            Self::Holding(words) | Self::Held(words) => (Outcome::Held, words),
            Self::FailedAgain(words) | Self::Missed(words) => (Outcome::Missed, words),
            Self::Pending(words) | Self::Vanished(words) => (Outcome::Unseen, words),
        }
    }

    /// In which words it is told.
    pub(super) const fn words(&self) -> &SafeText {
        match self {
            Self::Held(words)
            | Self::Holding(words)
            | Self::Pending(words)
            | Self::FailedAgain(words)
            | Self::Missed(words)
            | Self::Vanished(words) => words,
        }
    }
}

/// The state in which an act ends, and why: what was seen, weighed with whether the engine is known to have taken it.
pub(super) fn final_word(outcome: Outcome, answered: bool, soak: SignedDuration, seen: &str) -> (ItemState, SafeText) {
    let soak = crate::domain::time::words(soak);
    match (outcome, answered) {
        (Outcome::Held, true) => (ItemState::Verified, format!("verified: {seen}").into()),
        (Outcome::Held, false) => (ItemState::Verified, format!("verified, though its answer was lost: {seen}").into()),
        (Outcome::Missed, true) => (ItemState::Failed, format!("did not help: {seen}").into()),
        (Outcome::Unseen, true) => {
            (ItemState::Unknown, format!("UNKNOWN: accepted, but not verified after {soak}: {seen}").into())
        }
        (Outcome::Missed | Outcome::Unseen, false) => (
            ItemState::Unknown,
            format!("UNKNOWN whether the engine took it; nothing was sent again. Seen: {seen}").into(),
        ),
    }
}

/// What `after` shows of `verb`; `None` where the engine has no such instance any more.
pub(super) fn effect<'a>(verb: Verb, before: &Baseline, after: Option<impl Into<Seen<'a>>>) -> Effect {
    let after = after.map(Into::into);
    match verb {
        // Of a restart it is the new instance that is looked at, which has to get further than the old one did.
        Verb::Resume | Verb::RestartAsNew => resumed(before, after),
        Verb::Pause => paused(after),
        Verb::Cancel | Verb::Kill => ended(verb, after),
        Verb::Purge => purged(after),
        Verb::Reconcile => reconciled(after),
        Verb::Restore => restored(before, after),
    }
}

fn resumed(before: &Baseline, after: Option<Seen<'_>>) -> Effect {
    let Some(seen) = after else {
        return Effect::Vanished("it is gone; whether it succeeded can't be seen any more".into());
    };
    let flow = seen.flow;
    let failed_again = seen.failed_since(before);
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

fn paused(after: Option<Seen<'_>>) -> Effect {
    let Some(Seen { flow, .. }) = after else {
        return Effect::Vanished("it is gone; what became of it can't be seen any more".into());
    };
    match flow.status {
        Status::Paused => Effect::Held("it is paused".into()),
        status if status.ended() => Effect::Missed(format!("it {} before it could be paused", past(status)).into()),
        status => Effect::Pending(format!("it is still {} in {}", status.words(), flow.step).into()),
    }
}

/// A cancel and a kill want the same of the engine, and differ in what the flow makes of it.
fn ended(verb: Verb, after: Option<Seen<'_>>) -> Effect {
    let done = if verb == Verb::Kill { "killed" } else { "cancelled" };
    let Some(Seen { flow, .. }) = after else { return Effect::Held("it is gone".into()) };
    match flow.status {
        Status::Cancelled => Effect::Held(format!("it is {done}").into()),
        status if status.ended() => Effect::Missed(format!("it {} before it could be {done}", past(status)).into()),
        status => Effect::Pending(format!("it is still {} in {}", status.words(), flow.step).into()),
    }
}

fn purged(after: Option<Seen<'_>>) -> Effect {
    match after.map(|seen| seen.flow.status) {
        None => Effect::Held("it is gone".into()),
        Some(status) => Effect::Pending(format!("it is still there, {}", status.words()).into()),
    }
}

/// What drifts is looked at by a check that was made after the act.
fn reconciled(after: Option<Seen<'_>>) -> Effect {
    let Some(Seen { flow, .. }) = after else {
        return Effect::Vanished("it is declared no more, so that no check can find it as wanted".into());
    };
    match flow.status {
        Status::Succeeded => Effect::Held("a new check finds it as wanted".into()),
        Status::Failed => Effect::FailedAgain("a new check still finds it drifted".into()),
        Status::Running => Effect::Pending("another run of states is under way there".into()),
        _ => Effect::Pending("a new check tells nothing of it".into()),
    }
}

/// What was put back is looked for itself: it may be what is wanted, or drift.
fn restored(before: &Baseline, after: Option<Seen<'_>>) -> Effect {
    let (Some(wanted), Some(seen)) = (&before.wanted, after) else {
        return Effect::Vanished("what is there now can't be told".into());
    };
    match seen.content {
        Some(there) if *there == **wanted => Effect::Held("what was to be put back is there".into()),
        Some(_) => Effect::FailedAgain("what is there is not what was to be put back".into()),
        None => Effect::Pending("nothing is there yet".into()),
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
