//! The rules of "stuck": named, each with its inputs, threshold and evidence.
//!
//! Every number on screen can say which rule and which threshold made it. Ages are computed against the source's
//! own clock and `since` comes from the engine's own times, so that a one-shot run says what a hub that ran all
//! night says.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::flow::{FlowInstance, PauseCause, Status, WaitKind};
use super::ids::InstanceId;
use super::text::SafeText;
use super::time::{since, words};

/// What the rules say of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing is wrong.
    Ok,
    /// Past half a threshold.
    Suspect,
    /// A rule holds.
    Stuck,
    /// An input is older than the source's freshness budget.
    Recheck,
    /// An input that a rule needs is missing.
    Unknown,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 5] = [Self::Ok, Self::Suspect, Self::Stuck, Self::Recheck, Self::Unknown];

    /// Its name in JSON, in the filter language and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Suspect => "suspect",
            Self::Stuck => "stuck",
            Self::Recheck => "recheck",
            Self::Unknown => "unknown",
        }
    }
}

/// The rules, in their order of precedence: the first that says stuck is the primary one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// No retries left: paused by the engine after its last attempt, or failed.
    Exhausted,
    /// Behind another instance that holds its key and is itself stuck.
    BlockedBy,
    /// Still retrying, too often or for too long.
    RetryStorm,
    /// Waiting past the wait's own end, or on a person or callback longer than the limit.
    LostWait,
    /// Running or queued in a step longer than allowed.
    Overdue,
}

impl Rule {
    /// Every rule, in order of precedence.
    pub const ALL: [Self; 5] = [Self::Exhausted, Self::BlockedBy, Self::RetryStorm, Self::LostWait, Self::Overdue];

    /// Its name in JSON and in the filter language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exhausted => "exhausted",
            Self::BlockedBy => "blocked_by",
            Self::RetryStorm => "retry_storm",
            Self::LostWait => "lost_wait",
            Self::Overdue => "overdue",
        }
    }

    /// Its name on screen.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Exhausted => "exhausted",
            Self::BlockedBy => "blocked by",
            Self::RetryStorm => "retry storm",
            Self::LostWait => "lost wait",
            Self::Overdue => "overdue",
        }
    }

    /// What it means, for the help.
    pub const fn doc(self) -> &'static str {
        match self {
            Self::Exhausted => "no retries left: paused by the engine after its last attempt, or failed",
            Self::BlockedBy => "queued behind an instance that holds its key and is itself stuck",
            Self::RetryStorm => "still retrying, too often or for too long",
            Self::LostWait => "waiting past the wait's own end, or for a callback or a person for too long",
            Self::Overdue => "running or queued in one step for too long",
        }
    }
}

/// When a rule holds. Defaults are those of the product's table of defaults; the config sets them per source,
/// flow and step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    /// `retry_storm`: this many attempts …
    pub retry_attempts: u32,
    /// … together with this long since the first failure,
    pub retry_min_age: SignedDuration,
    /// or this long since the first failure alone.
    pub retry_max_age: SignedDuration,
    /// `lost_wait`: this long past a wait's own end.
    pub wait_grace: SignedDuration,
    /// `lost_wait`: this long for a callback.
    pub wait_callback: SignedDuration,
    /// `lost_wait`: this long for a person.
    pub wait_person: SignedDuration,
    /// `overdue`: this long in one step.
    pub overdue: SignedDuration,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            retry_attempts: 5,
            retry_min_age: SignedDuration::from_mins(2),
            retry_max_age: SignedDuration::from_mins(10),
            wait_grace: SignedDuration::from_mins(5),
            wait_callback: SignedDuration::from_hours(24),
            wait_person: SignedDuration::from_hours(72),
            overdue: SignedDuration::from_mins(15),
        }
    }
}

/// What one rule says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// What it says: suspect, stuck or unknown.
    pub verdict: Verdict,
    /// Since when, by the engine's clock.
    pub since: Option<Timestamp>,
    /// The threshold it was held against, in words.
    pub threshold: SafeText,
    /// The facts, in words.
    pub evidence: SafeText,
}

/// What all rules together say of one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Every rule that has something to say, the primary one first.
    pub findings: Vec<Finding>,
}

impl Judgement {
    /// Nothing is wrong.
    pub const fn ok() -> Self {
        Self { verdict: Verdict::Ok, findings: Vec::new() }
    }

    /// The finding that made the verdict.
    pub fn primary(&self) -> Option<&Finding> {
        self.findings.first()
    }

    /// The rule that made the verdict.
    pub fn rule(&self) -> Option<Rule> {
        self.primary().map(|finding| finding.rule)
    }

    /// The rule that makes it stuck, or made it so when its source was last heard of; `None` where none does.
    ///
    /// It is what the board counts per rule, what `rule:` in a filter matches, and what forms cohorts.
    pub fn stuck_rule(&self) -> Option<Rule> {
        matches!(self.verdict, Verdict::Stuck | Verdict::Recheck)
            .then(|| self.primary().filter(|finding| finding.verdict == Verdict::Stuck))
            .flatten()
            .map(|finding| finding.rule)
    }

    /// Since when the primary rule has held.
    pub fn since(&self) -> Option<Timestamp> {
        self.primary().and_then(|finding| finding.since)
    }

    /// Whether a rule says stuck.
    pub fn stuck(&self) -> bool {
        self.verdict == Verdict::Stuck
    }

    /// The same findings from a source that has gone silent: nothing is certain any more.
    #[must_use]
    pub fn outdated(mut self) -> Self {
        self.verdict = Verdict::Recheck;
        self
    }
}

/// What the rules need beside the instance itself.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The present, by the source's clock.
    pub now: Timestamp,
    /// The instance that holds its key, and what the rules said of that.
    pub holder: Option<(&'a InstanceId, &'a Judgement)>,
}

/// Applies every rule to an instance.
pub fn judge(flow: &FlowInstance, limits: &Thresholds, circumstances: &Circumstances<'_>) -> Judgement {
    let now = circumstances.now;
    let mut findings: Vec<Finding> = [
        exhausted(flow, now),
        blocked_by(flow, circumstances),
        retry_storm(flow, limits, now),
        lost_wait(flow, limits, now),
        overdue(flow, limits, now),
    ]
    .into_iter()
    .flatten()
    .collect();
    // The sort is stable: within one verdict the order of precedence stays.
    findings.sort_by_key(|finding| match finding.verdict {
        Verdict::Stuck => 0,
        Verdict::Unknown | Verdict::Recheck => 1,
        Verdict::Suspect => 2,
        Verdict::Ok => 3,
    });
    let verdict = if flow.status == Status::Unknown {
        Verdict::Unknown
    } else {
        findings.first().map_or(Verdict::Ok, |finding| finding.verdict)
    };
    Judgement { verdict, findings }
}

/// A finding about a length of time: stuck past the limit, suspect past half of it, otherwise none.
fn by_age(age: SignedDuration, limit: SignedDuration) -> Option<Verdict> {
    if age > limit {
        Some(Verdict::Stuck)
    } else if age > limit / 2 {
        Some(Verdict::Suspect)
    } else {
        None
    }
}

fn unknown(rule: Rule, evidence: &str) -> Finding {
    Finding { rule, verdict: Verdict::Unknown, since: None, threshold: SafeText::default(), evidence: evidence.into() }
}

fn exhausted(flow: &FlowInstance, now: Timestamp) -> Option<Finding> {
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

fn blocked_by(flow: &FlowInstance, circumstances: &Circumstances<'_>) -> Option<Finding> {
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

fn retry_storm(flow: &FlowInstance, limits: &Thresholds, now: Timestamp) -> Option<Finding> {
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

fn lost_wait(flow: &FlowInstance, limits: &Thresholds, now: Timestamp) -> Option<Finding> {
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

fn overdue(flow: &FlowInstance, limits: &Thresholds, now: Timestamp) -> Option<Finding> {
    let behind_a_key = flow.wait.as_ref().is_some_and(|wait| wait.kind == WaitKind::Lock);
    let verb = match flow.status {
        // Between two attempts of a retry it is the retry that takes long, and `retry_storm` that says so.
        Status::Running if flow.first_failure_at.is_none() => "running",
        // Behind a key it waits its turn; whether that is right is the holder's verdict.
        Status::Queued if !behind_a_key => "queued",
        _ => return None,
    };
    // One that was resumed a moment ago has run for a moment, however long ago it first came to its step.
    let attempt = flow.last_start_at.filter(|_| flow.status == Status::Running);
    let Some(began) = flow.entered_step_at.max(attempt) else {
        return Some(unknown(Rule::Overdue, "the source does not say when the step began"));
    };
    let age = since(began, now);
    by_age(age, limits.overdue).map(|verdict| Finding {
        rule: Rule::Overdue,
        verdict,
        since: Some(began),
        threshold: words(limits.overdue).into(),
        evidence: format!("{verb} in {} for {}", flow.step, words(age)).into(),
    })
}

#[cfg(test)]
pub(crate) mod tests;
