//! The rules about who works: crashed workers, nobody to take it, work that never began, work nobody waits for.

use jiff::Timestamp;

use super::rules::{behind_a_key, by_age, unknown};
use super::{Finding, Rule, Thresholds, Verdict};
use crate::domain::flow::{FlowInstance, PauseCause, Status};
use crate::domain::signs::Worker;
use crate::domain::text::SafeText;
use crate::domain::time::{since, words};

/// Whether the engine has stopped trying.
fn given_up(flow: &FlowInstance) -> bool {
    flow.status.failed() || flow.status == Status::Paused && flow.pause == Some(PauseCause::Exhausted)
}

pub(super) fn task_fault(flow: &FlowInstance, limits: &Thresholds, now: Timestamp) -> Option<Finding> {
    let tried = matches!(flow.status, Status::Queued | Status::Running | Status::BackingOff);
    if !tried && !given_up(flow) {
        return None;
    }
    let faults = flow.signs.faults.as_ref()?;
    let verdict = match faults.count {
        Some(0) => return None,
        // Once is enough where the engine does not try again.
        _ if given_up(flow) => Verdict::Stuck,
        None => return Some(unknown(Rule::TaskFault, "its worker crashed; the source does not say how often")),
        Some(count) if count >= limits.fault_count => Verdict::Stuck,
        Some(count) if count >= limits.fault_count.div_ceil(2) => Verdict::Suspect,
        Some(_) => return None,
    };
    let times = match faults.count {
        Some(1) => "crashed or vanished once".to_owned(),
        Some(count) => format!("crashed or vanished {count} times in a row"),
        None => "crashed or vanished".to_owned(),
    };
    let first = faults.since.map(|at| format!(", first {} ago", words(since(at, now)))).unwrap_or_default();
    Some(Finding {
        rule: Rule::TaskFault,
        verdict,
        since: faults.since,
        threshold: format!("{} in a row, or 1 where the engine gives up", limits.fault_count).into(),
        evidence: format!("its worker {times} in {}{first}", flow.step).into(),
    })
}

pub(super) fn no_consumer(flow: &FlowInstance, limits: &Thresholds, now: Timestamp) -> Option<Finding> {
    let by_worker = nobody(flow, limits, now);
    let by_queue = queued(flow, limits, now);
    // What is certain goes first; where both are, who is missing says more than how long it took.
    let weight = |finding: &Finding| match finding.verdict {
        Verdict::Stuck => 0,
        Verdict::Unknown | Verdict::Recheck => 1,
        Verdict::Suspect | Verdict::Ok => 2,
    };
    by_worker.into_iter().chain(by_queue).min_by_key(weight)
}

/// What is pinned to something that is gone, or has no worker.
fn nobody(flow: &FlowInstance, limits: &Thresholds, now: Timestamp) -> Option<Finding> {
    let finding = |verdict, since, threshold: SafeText, evidence: String| {
        Some(Finding { rule: Rule::NoConsumer, verdict, since, threshold, evidence: evidence.into() })
    };
    match &flow.signs.worker {
        Worker::Unknown | Worker::Present => None,
        Worker::Gone { since, what } => {
            let (verdict, then) = match flow.status {
                Status::Queued | Status::BackingOff | Status::Compensating => (Verdict::Stuck, "nobody takes it"),
                Status::Running if flow.first_failure_at.is_some() => (Verdict::Stuck, "nobody takes it"),
                Status::Paused if given_up(flow) => (Verdict::Stuck, "a resume finds nobody"),
                // It may end the attempt it is in; the next one finds nobody.
                Status::Running => (Verdict::Suspect, "nobody takes its next attempt"),
                Status::Waiting | Status::Scheduled => (Verdict::Suspect, "nobody takes it when it goes on"),
                _ => return None,
            };
            let began = since.or(flow.first_failure_at);
            finding(verdict, began, "at once".into(), format!("pinned to {what}, which is gone: {then}"))
        }
        Worker::Absent { since: began, what } => {
            let due = flow.signs.due_at.filter(|due| flow.status == Status::Scheduled && *due <= now);
            let wants_one = match flow.status {
                Status::Scheduled => due.is_some(),
                Status::Queued => !behind_a_key(flow),
                Status::BackingOff | Status::Compensating => true,
                Status::Running => flow.first_failure_at.is_some(),
                _ => false,
            };
            if !wants_one {
                return None;
            }
            let Some(began) = *began else {
                return Some(unknown(Rule::NoConsumer, &format!("{what}; the source does not say since when")));
            };
            // Before it is due it wants none.
            let missed = due.map_or(began, |due| due.max(began));
            let verdict = by_age(since(missed, now), limits.no_worker)?;
            let threshold = format!("{} without a worker", words(limits.no_worker)).into();
            finding(verdict, Some(missed), threshold, format!("{what}, for {}", words(since(began, now))))
        }
    }
}

/// What is queued longer than was promised.
fn queued(flow: &FlowInstance, limits: &Thresholds, now: Timestamp) -> Option<Finding> {
    let limit = limits.queue.filter(|_| flow.status == Status::Queued && !behind_a_key(flow))?;
    let Some(began) = flow.signs.queued_at.or(flow.entered_step_at) else {
        return Some(unknown(Rule::NoConsumer, "queued; the source does not say since when"));
    };
    let age = since(began, now);
    by_age(age, limit.limit).map(|verdict| Finding {
        rule: Rule::NoConsumer,
        verdict,
        since: Some(began),
        threshold: limit.words(),
        evidence: format!("queued for {}, and nobody takes it", words(age)).into(),
    })
}

pub(super) fn never_started(flow: &FlowInstance, limits: &Thresholds, now: Timestamp) -> Option<Finding> {
    let not_begun = match flow.status {
        Status::Scheduled => true,
        // Behind a key it waits its turn; without a time it was due at once, and is for the other rules.
        Status::Queued => flow.signs.due_at.is_some() && !behind_a_key(flow),
        _ => false,
    };
    if !not_begun {
        return None;
    }
    let Some(due) = flow.signs.due_at else {
        let old = flow.created_at.is_some_and(|at| since(at, now) > limits.never_started);
        return old.then(|| unknown(Rule::NeverStarted, "scheduled; the source does not say for when"));
    };
    let late = since(due, now);
    by_age(late, limits.never_started).map(|verdict| Finding {
        rule: Rule::NeverStarted,
        verdict,
        since: Some(due),
        threshold: format!("its time and {}", words(limits.never_started)).into(),
        evidence: format!("was to begin {} ago, and has not", words(late)).into(),
    })
}

pub(super) fn orphan(flow: &FlowInstance, limits: &Thresholds, now: Timestamp) -> Option<Finding> {
    let grace = limits.orphan?;
    if flow.status.ended() || flow.status == Status::Unknown || flow.pause == Some(PauseCause::Held) {
        return None;
    }
    let parent = flow.signs.parent.as_ref()?;
    let finding = |verdict, ago: &str| Finding {
        rule: Rule::Orphan,
        verdict,
        since: parent.ended_at,
        threshold: format!("{} after its parent", words(grace)).into(),
        evidence: format!("{}, which started it, has ended{ago}", parent.id).into(),
    };
    match (parent.ended, parent.ended_at) {
        (Some(false), _) => None,
        (None, _) => {
            Some(unknown(Rule::Orphan, &format!("whether {}, which started it, is still open is not known", parent.id)))
        }
        (Some(true), None) => Some(finding(Verdict::Stuck, "")),
        (Some(true), Some(at)) => {
            let age = since(at, now);
            by_age(age, grace).map(|verdict| finding(verdict, &format!(" {} ago", words(age))))
        }
    }
}
