//! The rules of "stuck": named, each with its inputs, threshold and evidence.
//!
//! Every number on screen can say which rule and which threshold made it. Ages are computed against the source's
//! own clock and `since` comes from the engine's own times, so that a one-shot run says what a hub that ran all
//! night says.

mod next;
mod rules;
mod thresholds;
mod workers;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::flow::{FlowInstance, Status};
use super::ids::InstanceId;
use super::text::SafeText;

pub use next::next_change;
pub use thresholds::{Limit, Thresholds};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// No retries left: paused by the engine after its last attempt, or failed.
    Exhausted,
    /// Behind another instance that holds its key and is itself stuck.
    BlockedBy,
    /// Still retrying, too often or for too long.
    RetryStorm,
    /// The worker itself crashed or vanished while it worked on it, more than once in a row.
    TaskFault,
    /// Nobody takes it: queued longer than promised, no worker, or pinned to something that is gone.
    NoConsumer,
    /// Waiting past the wait's own end, or on a person or callback longer than the limit.
    LostWait,
    /// Running or queued in a step longer than allowed.
    Overdue,
    /// Due, and not begun.
    NeverStarted,
    /// Still open although the instance that started it has ended.
    Orphan,
}

impl Rule {
    /// Every rule, in order of precedence.
    pub const ALL: [Self; 9] = [
        Self::Exhausted,
        Self::BlockedBy,
        Self::RetryStorm,
        Self::TaskFault,
        Self::NoConsumer,
        Self::LostWait,
        Self::Overdue,
        Self::NeverStarted,
        Self::Orphan,
    ];

    /// Its name in JSON and in the filter language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exhausted => "exhausted",
            Self::BlockedBy => "blocked_by",
            Self::RetryStorm => "retry_storm",
            Self::TaskFault => "task_fault",
            Self::NoConsumer => "no_consumer",
            Self::LostWait => "lost_wait",
            Self::Overdue => "overdue",
            Self::NeverStarted => "never_started",
            Self::Orphan => "orphan",
        }
    }

    /// Its name on screen.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Exhausted => "exhausted",
            Self::BlockedBy => "blocked by",
            Self::RetryStorm => "retry storm",
            Self::TaskFault => "task fault",
            Self::NoConsumer => "no consumer",
            Self::LostWait => "lost wait",
            Self::Overdue => "overdue",
            Self::NeverStarted => "never started",
            Self::Orphan => "orphan",
        }
    }

    /// What it means, for the help.
    pub const fn doc(self) -> &'static str {
        match self {
            Self::Exhausted => "no retries left: paused by the engine after its last attempt, or failed",
            Self::BlockedBy => "queued behind an instance that holds its key and is itself stuck",
            Self::RetryStorm => "still retrying, too often or for too long",
            Self::TaskFault => "its worker itself crashed or vanished, more than once in a row",
            Self::NoConsumer => "nobody takes it: no worker, its deployment is gone, or queued longer than promised",
            Self::LostWait => "waiting past the wait's own end, or for a callback or a person for too long",
            Self::Overdue => "running or queued in one step for too long",
            Self::NeverStarted => "due, and not begun",
            Self::Orphan => "still open although the instance that started it has ended (off by default)",
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
        rules::exhausted(flow, now),
        rules::blocked_by(flow, circumstances),
        rules::retry_storm(flow, limits, now),
        workers::task_fault(flow, limits, now),
        workers::no_consumer(flow, limits, now),
        rules::lost_wait(flow, limits, now),
        rules::overdue(flow, limits, now),
        workers::never_started(flow, limits, now),
        workers::orphan(flow, limits, now),
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

#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
mod worker_tests;
