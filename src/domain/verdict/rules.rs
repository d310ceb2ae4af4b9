//! The rules about failing, waiting and taking long.

use jiff::{SignedDuration, Timestamp};

use super::{Circumstances, Finding, Rule, Thresholds, Verdict};
use crate::domain::flow::{FlowInstance, PauseCause, Status, WaitKind};
use crate::domain::text::SafeText;
use crate::domain::time::{since, words};

/// A finding about a length of time: stuck past the limit, suspect past half of it, otherwise none.
pub(super) fn by_age(age: SignedDuration, limit: SignedDuration) -> Option<Verdict> {
    if age > limit {
        Some(Verdict::Stuck)
    } else if age > limit / 2 {
        Some(Verdict::Suspect)
    } else {
        None
    }
}

/// Whether an instance waits for a key that another one holds.
pub(super) fn behind_a_key(flow: &FlowInstance) -> bool {
    flow.wait.as_ref().is_some_and(|wait| wait.kind == WaitKind::Lock)
}

/// A finding that an input is missing.
pub(super) fn unknown(rule: Rule, evidence: &str) -> Finding {
    Finding { rule, verdict: Verdict::Unknown, since: None, threshold: SafeText::default(), evidence: evidence.into() }
}

pub(super) fn exhausted(flow: &FlowInstance, now: Timestamp) -> Option<Finding> {
    let ago = flow.last_transition_at.map(|at| format!(", {} ago", words(since(at, now)))).unwrap_or_default();
    let evidence = if flow.status.failed() {
        let ending = if flow.status == Status::TimedOut { "timed out" } else { "failed" };
        format!("{ending} in {}{ago}", flow.step)
    } else if flow.status == Status::Paused {
        match flow.pause {
            Some(PauseCause::Exhausted) => {
                let attempts = match flow.attempts {
                    Some(1) => "1 attempt".to_owned(),
                    Some(n) => format!("{n} attempts"),
                    None => "its last attempt".to_owned(),
                };
                format!("paused by the engine after {attempts} at {}{ago}", flow.step)
            }
            Some(PauseCause::Held) => return None,
            Some(PauseCause::Unknown) | None => {
                return Some(unknown(Rule::Exhausted, "paused; the source does not say by whom"));
            }
        }
    } else {
        return None;
    };
    Some(Finding {
        rule: Rule::Exhausted,
        verdict: Verdict::Stuck,
        since: flow.last_transition_at,
        threshold: "at once".into(),
        evidence: evidence.into(),
    })
}

pub(super) fn blocked_by(flow: &FlowInstance, circumstances: &Circumstances<'_>) -> Option<Finding> {
    // What is held or has ended waits for nobody, whatever its source still tells of a wait.
    if !matches!(flow.status, Status::Queued | Status::Waiting) {
        return None;
    }
    let wait = flow.wait.as_ref().filter(|wait| wait.kind == WaitKind::Lock)?;
    let key = flow.key.as_deref().map(|key| format!(" {key}")).unwrap_or_default();
    let Some((holder, judgement)) = circumstances.holder else {
        return Some(unknown(Rule::BlockedBy, &format!("queued for key{key}; who holds it is not known")));
    };
    let why = match judgement.verdict {
        Verdict::Ok => return None,
        Verdict::Unknown => "how that one is doing is not known",
        Verdict::Recheck => "that one must be looked at again",
        Verdict::Stuck | Verdict::Suspect => judgement.rule().map_or("stuck", Rule::words),
    };
    Some(Finding {
        rule: Rule::BlockedBy,
        verdict: judgement.verdict,
        since: wait.since.max(judgement.since()),
        threshold: "when the holder is stuck".into(),
        evidence: format!("queued for key{key}, which {} holds: {why}", holder.instance).into(),
    })
}

pub(super) fn retry_storm(flow: &FlowInstance, limits: &Thresholds, now: Timestamp) -> Option<Finding> {
    let retrying =
        flow.status == Status::BackingOff || flow.status == Status::Running && flow.first_failure_at.is_some();
    if !retrying {
        return None;
    }
    let Some(first) = flow.first_failure_at else {
        return Some(unknown(Rule::RetryStorm, "retrying; the source does not say since when"));
    };
    let age = since(first, now);
    if flow.attempts.is_none() && age >= limits.retry_min_age && age < limits.retry_max_age {
        // Only the number of attempts could tell now.
        let evidence = format!("failing for {}; the source does not say how often", words(age));
        return Some(unknown(Rule::RetryStorm, &evidence));
    }
    let enough = |n: u32| flow.attempts.is_some_and(|attempts| attempts >= n);
    let verdict = if enough(limits.retry_attempts) && age >= limits.retry_min_age || age >= limits.retry_max_age {
        Verdict::Stuck
    } else if enough(limits.retry_attempts.div_ceil(2)) && age >= limits.retry_min_age / 2
        || age >= limits.retry_max_age / 2
    {
        Verdict::Suspect
    } else {
        return None;
    };
    let attempts = flow.attempts.map_or_else(|| "retrying".to_owned(), |n| format!("attempt {n}"));
    let next = flow
        .next_retry_at
        .filter(|at| *at > now)
        .map(|at| format!(", next in {}", words(since(now, at))))
        .unwrap_or_default();
    Some(Finding {
        rule: Rule::RetryStorm,
        verdict,
        since: Some(first),
        threshold: format!(
            "{} attempts and {}, or {}",
            limits.retry_attempts,
            words(limits.retry_min_age),
            words(limits.retry_max_age)
        )
        .into(),
        evidence: format!("{attempts} at {}, failing for {}{next}", flow.step, words(age)).into(),
    })
}

pub(super) fn lost_wait(flow: &FlowInstance, limits: &Thresholds, now: Timestamp) -> Option<Finding> {
    if flow.status != Status::Waiting {
        return None;
    }
    let Some(wait) = &flow.wait else {
        return Some(unknown(Rule::LostWait, "waiting; the source does not say for what"));
    };
    if let Some(until) = wait.until {
        let late = since(until, now);
        return by_age(late, limits.wait_grace).map(|verdict| Finding {
            rule: Rule::LostWait,
            verdict,
            since: Some(until),
            threshold: format!("its end and {}", words(limits.wait_grace)).into(),
            evidence: format!("its wait for {} ended {} ago", wait.kind.words(), words(late)).into(),
        });
    }
    let limit = match wait.kind {
        WaitKind::Signal => limits.wait_callback,
        WaitKind::Approval => limits.wait_person,
        // A called flow, a key or a worker has a verdict of its own; a timer without an end is the engine's affair.
        WaitKind::Timer | WaitKind::Child | WaitKind::Lock | WaitKind::Consumer => return None,
    };
    let Some(began) = wait.since else {
        return Some(unknown(Rule::LostWait, "waiting; the source does not say since when"));
    };
    let age = since(began, now);
    by_age(age, limit).map(|verdict| Finding {
        rule: Rule::LostWait,
        verdict,
        since: Some(began),
        threshold: words(limit).into(),
        evidence: format!("waiting for {} for {}", wait.kind.words(), words(age)).into(),
    })
}

pub(super) fn overdue(flow: &FlowInstance, limits: &Thresholds, now: Timestamp) -> Option<Finding> {
    let (verb, limit) = match flow.status {
        // Between two attempts of a retry it is the retry that takes long, and `retry_storm` that says so.
        Status::Running if flow.first_failure_at.is_none() => ("running", limits.overdue),
        // Behind a key it waits its turn; whether that is right is the holder's verdict.
        Status::Queued if !behind_a_key(flow) => ("queued", limits.overdue_queued),
        _ => return None,
    };
    // One that was resumed a moment ago has run for a moment, however long ago it first came to its step.
    let attempt = flow.last_start_at.filter(|_| flow.status == Status::Running);
    let Some(began) = flow.entered_step_at.max(attempt) else {
        return Some(unknown(Rule::Overdue, "the source does not say when the step began"));
    };
    let age = since(began, now);
    by_age(age, limit.limit).map(|verdict| Finding {
        rule: Rule::Overdue,
        verdict,
        since: Some(began),
        threshold: limit.words(),
        evidence: format!("{verb} in {} for {}", flow.step, words(age)).into(),
    })
}
